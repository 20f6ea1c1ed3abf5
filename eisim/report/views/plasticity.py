"""How inhibition that is blocked and learnt again is shown."""

from collections.abc import Iterator

from eisim.base.files import to_csv
from eisim.report import judgements
from eisim.report.findings import Explanation
from eisim.report.numbers import OF_ONE, hertz, number
from eisim.report.table import Column, Table
from eisim.report.tabular import array, names
from eisim.report.view import Drawing, View, show_with
from eisim.report.views import plasticity_figures as figures
from eisim.report.wording import count, listing
from eisim.studies.curves import described
from eisim.studies.judgement import NOT_COMPUTED
from eisim.studies.plasticity import FACTOR, FROZEN, PLASTIC, Recovery

COURSES, RATES = "time_course.csv", "rates.csv"
WITHIN = f"within {FACTOR - 1:.0%}"
TOLD = {True: "yes", False: "no", None: "undecided"}
RULE = (
    "A synapse from an inhibitory cell grows when both cells spike at about the same time, and shrinks by a constant "
    "at every presynaptic spike. It stops where the target fires at a rate that the constant sets, as far as the "
    "spikes of the two cells have nothing in common; where inhibition keeps its target from spiking, the rate that is "
    "learnt lies above (Vogels, Sprekeler, Zenke, Clopath & Gerstner, Science 334:1569, 2011)."
)
WEAKENED = (
    "A block scales what synapses transmit, not what they learn. Excess rate makes them grow until they transmit as "
    "much as is needed, so a synapse that alone is blocked by half has to double. Where inhibition of interneurons is "
    "blocked too, these fire more, and less growth is enough. Nothing comes back where nothing is transmitted."
)
OUTSIDE = (
    "Learning of this kind is slow negative feedback, which the theorem on excitatory-only circuits excludes (T9), and "
    "holding a rate is no function of inputs. So no bound is known here, no loss is called provable, and controls of "
    "the losses (re-fitted readout, scaled excitation, shams) were not run."
)


class RecoveryView(View[Recovery]):
    """Learning, a block, and what follows where synapses learn and where they do not."""

    question = "Does inhibition that was learnt come back when part of it is blocked?"
    rows_file = RATES

    @property
    def _shown(self) -> int:
        return self.result.fractions.tolist().index(self.result.shown)

    def to_json(self) -> dict:
        found, learning = self.result, self.result.learning
        return {
            "target": found.target,
            "circuit": found.circuit.name,
            "neurons": {p.name: p.size for p in found.circuit.populations},
            "seeds": list(found.seeds),
            "durations": {key: getattr(found.times, key) for key in ("learning", "trial", "block", "window")},
            "learning": {
                "rate_first": learning.rates[:, 0],
                "rate_learnt": found.learnt_rates,
                "weight_learnt": found.learnt,
                "at_target": found.is_at_target,
            },
            "blocked": list(found.blocked),
            "rows": [
                {
                    "fraction": float(fraction),
                    "rate": {system: rates[k] for system, rates in found.rates.items()},
                    "returned": {system: known[k] for system, known in found.returned.items()},
                    "growth": found.growth[k],
                }
                for k, fraction in enumerate(found.fractions)
            ],
            "judgements": [judgements.record(each) for each in self._judgements],
            "problems": found.problems,
        }

    @property
    def _judgements(self):
        return [curve.judgement for curve in self.result.curves]

    def answer(self) -> Iterator[str]:
        found, k = self.result, self._shown
        yield (
            f"Learning brings E from {hertz(found.learning.rates[:, 0].mean())} Hz to {_range(found.learnt_rates)} Hz "
            f"in {count(len(found.seeds), 'network')}; the target is {hertz(found.target)} Hz ({WITHIN}: "
            f"{TOLD[found.is_at_target]})."
        )
        rates = {system: _range(found.rates[system][k]) for system in found.rates}
        yield (
            f"With {found.shown:.0%} of {listing(found.blocked)} blocked, E comes to {rates[PLASTIC]} Hz where "
            f"synapses go on learning, with weights {number(found.growth[k].mean(), OF_ONE)} times as large, and to "
            f"{rates[FROZEN]} Hz where they are frozen."
        )
        held = [each for each in self._judgements if each.verdict != NOT_COMPUTED]
        if held:
            critical = listing(f"{_critical(each)} ({each.system})" for each in held)
            yield f"E returns to the rate that was learnt, {WITHIN}, up to a blocked fraction of {critical}."

    def tables(self) -> Iterator[Table]:
        found = self.result
        by_fraction = (
            Column("fraction blocked", lambda k: found.fractions[k], note=f"Of {listing(found.blocked)}."),
            Column("rate", lambda k: {s: _range(r[k]) for s, r in found.rates.items()}, unit="Hz", note=MEAN),
            Column("returned", lambda k: {s: TOLD[each[k]] for s, each in found.returned.items()}, note=RETURNED),
            Column("growth", lambda k: found.growth[k].mean(), note=GROWTH, decimals=OF_ONE),
        )
        sizes = listing(count(p.size, f"{p.name} cell") for p in found.circuit.populations)
        times = found.times
        notes = (
            f"{count(len(found.seeds), 'network')} of {sizes}. They learn for {times.learning:g} s; the block begins "
            f"{times.block:g} s into a trial of {times.trial:g} s, whose last {times.window:g} s are read out.",
        )
        yield Table("Rates with part of inhibition blocked", by_fraction, range(len(found.fractions)), notes, RATES)
        judged = (
            Column("synapses", lambda j: j.system),
            Column("verdict", lambda j: described(j.verdict, j.reason), "verdict", note="At the largest fraction."),
            Column("intact", lambda j: j.intact.mean, note=SCORE, decimals=OF_ONE),
            Column("blocked", lambda j: j.ablated.mean, note="At the largest fraction.", decimals=OF_ONE),
            Column("criterion", lambda j: j.criterion, decimals=OF_ONE),
            Column("critical fraction", _critical, note="With its 95 % interval."),
        )
        yield Table("How much can be blocked", judged, self._judgements, data=RATES)

    def figures(self) -> Iterator[Drawing]:
        found = self.result
        yield Drawing(
            "recovery.svg",
            "Learning, block and recovery",
            f"Mean rate of E (a, b) and mean weight of {found.projection.name} (c, d), mean and range over networks, "
            f"while they learn (left) and after {found.shown:.0%} of {listing(found.blocked)} is blocked (right; grey "
            f"line) where synapses go on learning and where they are frozen. Band: the target, {WITHIN}.",
            " ".join(self.answer()),
            COURSES,
            draw=lambda: figures.recovery(found),
        )
        yield Drawing(
            "ablation_curves.svg",
            "What can be blocked",
            f"Rate of E (a) and its nearness to the plastic rate without a block (b) against the fraction of "
            f"{listing(found.blocked)} blocked, mean and range over networks. Band: the target, {WITHIN}; dashed: "
            "criterion; thick: interval of the critical fraction.",
            f"Critical fractions: {listing(f'{_critical(each)} ({each.system})' for each in self._judgements)}.",
            RATES,
            draw=lambda: figures.ablation_curves(found),
        )

    def proofs(self) -> Iterator[Explanation]:
        yield Explanation("The rule", (RULE,))
        yield Explanation("What a block does", (WEAKENED,))
        yield Explanation("What is not shown", (OUTSIDE,))

    def rows(self) -> list[dict]:
        found = self.result
        return [
            {
                "synapses": curve.system,
                "fraction": float(fraction),
                "seed": seed,
                "rate_hz": float(found.rates[curve.system][k, s]),
                "score": float(curve.scores[k, s]),
                "growth": float(found.growth[k, s]) if curve.system == PLASTIC else 1.0,
            }
            for curve in found.curves
            for k, fraction in enumerate(found.fractions)
            for s, seed in enumerate(found.seeds)
        ]

    def files(self) -> Iterator[tuple[str, str | bytes]]:
        found = self.result
        courses = {"learning": found.learning} | {f"blocked, {name}": each for name, each in found.courses.items()}
        lines = [
            (phase, seed, *row)
            for phase, course in courses.items()
            for s, seed in enumerate(found.seeds)
            for row in zip(
                course.times.round(9).tolist(), course.rates[s].tolist(), course.weights[s].tolist(), strict=True
            )
        ]
        yield COURSES, to_csv(lines, ("phase", "seed", "time_s", "rate_hz", "weight"))
        yield from judgements.files(self._judgements)

    def labelled(self) -> tuple[dict, dict]:
        found, of = self.result, "system fraction seed"
        return {
            "rate": array(of, [*found.rates.values()], "mean rate at the end of a trial", "Hz"),
            "score": array(
                of, [curve.scores for curve in found.curves], "nearness to the plastic rate without a block"
            ),
            "weight": array("fraction seed", found.weights, "mean plastic weight at the end of a trial", "S"),
            "learnt_weight": array("seed", found.learnt, "mean weight at the end of learning", "S"),
            "rate_learning": array("seed learning_time", found.learning.rates, "mean rate", "Hz"),
            "rate_blocked": array(
                "system seed time", [found.courses[each].rates for each in found.rates], "mean rate", "Hz"
            ),
        }, {
            **names(system=[*found.rates]),
            "fraction": array("fraction", found.fractions, "fraction blocked"),
            "learning_time": array("learning_time", found.learning.times, "time", "s"),
            "time": array("time", found.courses[PLASTIC].times, "time", "s"),
        }


MEAN = "Mean, and range over networks."
RETURNED = f"Whether the rate is the plastic one without a block, {WITHIN}: interval of the score and criterion."
GROWTH = "Mean weight of synapses that learn, at the end, as a multiple of that before the block."
SCORE = "Nearness to the rate without a block, where synapses learn: 1 at it, 0 an octave away."


def _range(values) -> str:
    """The mean with the range over seeds: ``"3.2 (3.1–3.4)"``."""
    low, high = hertz(values.min()), hertz(values.max())
    return hertz(values.mean()) if low == high else f"{hertz(values.mean())} ({low}–{high})"


def _critical(judgement) -> str:
    """The critical fraction with its interval, or why there is none."""
    critical = judgement.critical
    if judgement.verdict == NOT_COMPUTED:
        return "none"
    value, low, high = (
        number(1.0 if end is None else end, OF_ONE) for end in (critical.value, critical.low or 0.0, critical.high)
    )
    return f"{'above ' if critical.value is None else ''}{value} ({low}–{high})"


show_with(Recovery, RecoveryView)
