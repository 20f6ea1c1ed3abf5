"""How what was found in a Brian2 network, and its ablation, are shown."""

from collections.abc import Iterator
from dataclasses import asdict
from functools import cached_property
from html import escape

import numpy as np

from eisim.analysis.statistics import Estimate, with_t_interval
from eisim.base.display import register
from eisim.base.files import to_csv
from eisim.report import judgements
from eisim.report.findings import Explanation
from eisim.report.numbers import OF_ONE, hertz, number
from eisim.report.table import Column, Table
from eisim.report.view import Drawing, View, show_with
from eisim.report.views import brian2_networks_figures as figures
from eisim.report.wording import count, listing
from eisim.studies.brian2_networks.result import BrianAblation, Found
from eisim.studies.controls import ALL, BETWEEN
from eisim.studies.curves import described
from eisim.studies.judgement import NOT_COMPUTED

RUNS, SYNAPSES, SPIKES, CONTROLS = "ablation.csv", "synapses.csv", "spikes.csv", "controls.csv"
#: Share of the largest rate that refractoriness allows from which on a rate says little else.
NEAR_LIMIT = 0.8
TOLD = {True: "yes", False: "no"}
OVER_SEEDS = "Mean over seeds, with its 95 % interval (Student's t) where there are several."
EFFECT = "Of more of the variable, with the neuron at threshold. Mixed: by the sign of each synapse's weight."
SCALE = (
    "Of excitation: of the factors tried, that which brings rates nearest to the intact ones; of random synapses the "
    "share that is left."
)
CV = "Coefficient of variation of inter-spike intervals: 1 for Poisson trains, 0 for a clock."
SYNCHRONY = "Of rates in bins of 1 ms, beyond independent neurons: 0 if they are independent, 1 if all fire together."
HOW = (
    "The script was executed as it is, once for each fraction and seed. Synapses were judged by what they do: what a "
    "presynaptic spike adds, and whether more of that brings a neuron at threshold nearer to firing, by its equations. "
    "A conductance inhibits where its reversal potential lies below the threshold. Names played no part."
)
SCALED = (
    "What is marked as ablated transmits 1 − fraction of what it did. Nothing else is changed: plastic synapses learn "
    "by the script's rules, from the activity that results."
)
NO_VERDICT = (
    "Rates, irregularity and synchrony say what the network does without inhibition, not whether it still computes "
    "something. For a verdict, write a function of its spikes that returns a score, and say what score is enough "
    "(--score, --criterion)."
)
NO_CONTROLS = (
    "Controls (scaled excitation, shams) were not run, so a loss has no reason beside that inhibition was removed, and "
    "no bound on excitatory-only networks is known for a score of a user's."
)
CONTROLLED = (
    "The largest fraction was measured again under controls. Compensated: the excitation of synapses was scaled down "
    "by one factor together with the ablation. Shams, with inhibition intact: as much was taken from excitation "
    "between populations, at most all, or from random synapses between populations, drawn for each seed. As much means "
    "the same summed weight where a spike adds the same unit everywhere, else the same number of synapses. "
    "Currents and PoissonInput stay as they are."
)
REASONS = (
    "A loss that scaled excitation brings back was runaway excitation; one that it does not bring back is unresolved: "
    "no bound on excitatory-only networks is known for a score of a user's. Both shams keep the score where the loss "
    "is specific to inhibition."
)
NAMES = {
    "compensated": "compensated",
    "sham_excitation": "sham: excitation",
    "sham_random": "sham: random synapses",
}


class AblationView(View[BrianAblation]):
    """Synapses and what they do; activity, and a user's score, by the fraction of inhibition removed."""

    rows_file = RUNS

    @property
    def heading(self) -> str:
        return f"What does {self.result.name} do without its inhibition?"

    @cached_property
    def _estimates(self) -> dict[str, list[list[Estimate]]]:
        """Of each measure by fraction and group."""
        found = self.result
        measures = {"rate": found.rates, "cv": found.cv, "synchrony": found.synchrony}
        return {
            name: [[_within(with_t_interval(each), name) for each in values[k].T] for k in range(len(values))]
            for name, values in measures.items()
        }

    @cached_property
    def _scores(self) -> list[Estimate]:
        scores = self.result.scores
        return [] if scores is None else [self._of_scores(each) for each in scores]

    def _of_scores(self, scores) -> Estimate:
        """A mean score with its interval; between 0 and 1 where all scores are one or the other."""
        found, given = with_t_interval(scores), [self.result.scores, *(each.scores for each in self.result.controls)]
        is_share = all(np.isin(each, (0, 1)).all() for each in given if each is not None)
        return (
            Estimate(found.mean, max(found.low, 0.0), min(found.high, 1.0))
            if is_share and found.low is not None
            else found
        )

    @property
    def _judgements(self):
        """None where a score failed, which a problem says."""
        if self.result.scores is None or np.isnan(self.result.scores).any():
            return []
        return [curve.judgement for curve in self.result.curves]

    def to_json(self) -> dict:
        found = self.result

        def of_group(g):
            return {
                "group": found.groups[g],
                "neurons": found.sizes[g],
                "seconds": found.durations[g],
                "largest_rate": found.limits[g],
                **{
                    name: [asdict(each[g]) for each in each_fraction] for name, each_fraction in self._estimates.items()
                },
            }

        return {
            "script": found.name,
            "fractions": found.fractions,
            "seeds": list(found.seeds),
            "backend": found.backend,
            "synapses": [asdict(row) for row in found.found.rows],
            "ablated": list(found.found.inhibitory),
            "not_examined": list(found.found.not_examined),
            "fraction_0": {"identical": found.identical, "differs_from": found.differs_from},
            "groups": [of_group(g) for g in range(len(found.groups))],
            "score": [asdict(each) for each in self._scores] or None,
            "controls": [self._control(each) for each in found.controls],
            "without_controls": dict(found.without),
            "judgements": [judgements.record(each) for each in self._judgements],
            "notes": list(found.notes),
            "problems": self.problems,
        }

    def _control(self, each) -> dict:
        measures = {"rate": each.rates, "cv": each.cv, "synchrony": each.synchrony}
        groups = [
            {"group": group, **{name: asdict(self._of_group(measures[name], g, name)) for name in measures}}
            for g, group in enumerate(self.result.groups)
        ]
        score = None if each.scores is None else asdict(self._of_scores(each.scores))
        what = {"condition": each.condition, "scaled": each.scaled, "scale": each.scale}
        return {**what, "groups": groups, "score": score}

    def _of_group(self, values, g: int, name: str) -> Estimate:
        return _within(with_t_interval(values[:, g]), name)

    @cached_property
    def _chosen(self) -> list:
        """Controls that are shown: of the factors of excitation the one that brings rates nearest to the intact."""
        found = self.result
        nearest = [found.nearest(scaled) for scaled in (BETWEEN, ALL)]
        shams = [each for each in found.controls if each.condition != "compensated"]
        return [*filter(None, nearest), *shams]

    def rows(self) -> list[dict]:
        found = self.result
        return [
            {
                "fraction": float(found.fractions[k]),
                "seed": seed,
                "group": group,
                "rate_hz": found.rates[k, s, g],
                "cv": found.cv[k, s, g],
                "synchrony": found.synchrony[k, s, g],
                **({} if found.scores is None else {"score": found.scores[k, s]}),
            }
            for k in range(len(found.fractions))
            for s, seed in enumerate(found.seeds)
            for g, group in enumerate(found.groups)
        ]

    def files(self) -> Iterator[tuple[str, str]]:
        found = self.result
        yield SYNAPSES, to_csv([asdict(row) for row in found.found.rows])
        spikes = [
            {"fraction": float(fraction), "group": group, "time_s": float(t), "neuron": int(i)}
            for fraction, raster in zip(found.fractions, found.rasters, strict=True)
            for group, (times, neurons) in raster.items()
            for t, i in zip(times, neurons, strict=True)
        ]
        if spikes:
            yield SPIKES, to_csv(spikes)
        controls = [
            {"condition": each.condition, "scaled": each.scaled, "scale": each.scale, "seed": seed, "group": group}
            | {"rate_hz": each.rates[s, g], "cv": each.cv[s, g], "synchrony": each.synchrony[s, g]}
            | ({} if each.scores is None else {"score": each.scores[s]})
            for each in found.controls
            for s, seed in enumerate(found.seeds)
            for g, group in enumerate(found.groups)
        ]
        if controls:
            yield CONTROLS, to_csv(controls)
        if found.controls and self._judgements:
            yield from judgements.files(self._judgements)

    def answer(self) -> Iterator[str]:
        found = self.result
        yield f"Inhibition is that of {listing(found.found.inhibitory, most=8)}."
        yield {
            True: "With fraction 0 the spikes are those of the script, spike for spike.",
            False: "With fraction 0 the spikes differ from those of the script.",
            None: "Nothing spikes with fraction 0 or in the script, so that equal spikes show nothing.",
        }[found.identical]
        last, full = len(found.fractions) - 1, f"{found.fractions[-1]:.0%}"
        ends = (
            f"{group} {hertz(self._estimates['rate'][0][g].mean)} to {hertz(self._estimates['rate'][last][g].mean)} Hz"
            for g, group in enumerate(found.groups)
        )
        yield f"Mean rates, from none to {full} of it removed: {listing(ends, most=6)}."
        near = [group for g, group in enumerate(found.groups) if self._is_near_limit(last, g)]
        if near:
            yield f"{listing(near, most=6)} then fire about as fast as refractoriness allows, which says little else."
        if self._scores:
            yield f"The score goes from {number(self._scores[0].mean)} to {number(self._scores[last].mean)}."
        for each in self._judgements:
            why = f" ({judgements.MEANINGS[each.reason]})" if each.reason and each.controls is not None else ""
            verdict = each.verdict + (f", {each.reason}" if why else "")
            if each.verdict == NOT_COMPUTED:
                why = f" (the intact network scores {number(each.intact.mean)}, so it has nothing to lose)"
            yield f"With a criterion of {number(each.criterion)}, the verdict is: {verdict}{why}."
        if not found.controls:
            yield "Controls were not run."
            return
        rates = (f"{hertz(found.mean_rate(each.rates))} Hz {_said(each)}" for each in self._chosen)
        yield f"Mean rate of all neurons, intact {hertz(found.mean_rate(found.rates[0]))} Hz: {listing(rates, most=4)}."

    def _under(self, each, g: int, name: str) -> Estimate:
        """A measure of a group under a control, or intact (0) and ablated (-1)."""
        if isinstance(each, int):
            return self._estimates[name][each][g]
        return self._of_group({"rate": each.rates, "cv": each.cv, "synchrony": each.synchrony}[name], g, name)

    def _is_near_limit(self, k, g) -> bool:
        return bool(self._estimates["rate"][k][g].mean >= NEAR_LIMIT * self.result.limits[g])

    def details(self) -> Iterator[str]:
        yield from (f"Not examined: {each}." for each in self.result.found.not_examined)
        yield from (f"Note: {each}." for each in self.result.notes)
        yield from (
            f"Without the control {name.replace('_', ' ')}: {why}." for name, why in self.result.without.items()
        )

    def tables(self) -> Iterator[Table]:
        found = self.result
        synapses = (
            Column("synapses", lambda row: row.name),
            Column("variable", lambda row: row.variable),
            Column("effect", lambda row: row.verdict, note=EFFECT),
            Column("ablated", lambda row: TOLD[row.is_scaled]),
            Column("why", lambda row: row.why),
            Column("pathway", lambda row: row.pathway, on_page_only=True),
            Column("code", lambda row: row.code, on_page_only=True),
            Column("number", lambda row: row.n, on_page_only=True),
        )
        yield Table("Synapses and what they do", synapses, found.found.rows, (), SYNAPSES)
        places = [(k, g) for k in range(len(found.fractions)) for g in range(len(found.groups))]

        def of(name, decimals=None):
            return lambda place: _interval(self._estimates[name][place[0]][place[1]], decimals)

        activity = (
            Column("fraction removed", lambda place: float(found.fractions[place[0]])),
            Column("group", lambda place: found.groups[place[1]]),
            Column("rate", of("rate"), unit="Hz", note=OVER_SEEDS),
            Column("CV", of("cv", OF_ONE), note=CV),
            Column("synchrony", of("synchrony", OF_ONE), note=SYNCHRONY),
            Column(
                "near limit", lambda place: TOLD[self._is_near_limit(*place)], note=_limit_note(), on_page_only=True
            ),
        )
        sizes = listing((f"{n} in {group}" for group, n in zip(found.groups, found.sizes, strict=True)), most=8)
        notes = (f"{count(len(found.seeds), 'seed')}; neurons: {sizes}; simulated for {_seconds(found.durations)}.",)
        yield Table("Activity by fraction of inhibition removed", activity, places, notes, RUNS)
        if self._scores:
            yield Table(
                "Score by fraction of inhibition removed",
                (
                    Column("fraction removed", lambda k: float(found.fractions[k])),
                    Column("score", lambda k: _interval(self._scores[k]), note=OVER_SEEDS),
                ),
                range(len(found.fractions)),
                (f"{count(len(found.seeds), 'seed')}.",),
                RUNS,
            )
        if self._judgements:
            judged = (
                Column("verdict", lambda j: described(j.verdict, j.reason), "verdict", note="At the largest fraction."),
                Column("intact", lambda j: j.intact.mean, decimals=OF_ONE),
                Column("ablated", lambda j: j.ablated.mean, decimals=OF_ONE),
                Column("criterion", lambda j: j.criterion, decimals=OF_ONE),
                Column("critical fraction", lambda j: j.critical.value, decimals=OF_ONE, note="From a monotone fit."),
            )
            yield Table("Judgement of the score", judged, self._judgements, (), RUNS)
            if found.controls:
                yield from judgements.tables(self._judgements, on_page_only=True)
        if found.controls:
            yield self._under_controls()

    def _under_controls(self) -> Table:
        found = self.result
        places = [(each, g) for each in (0, -1, *self._chosen) for g in range(len(found.groups))]

        def of(name, decimals=None):
            return lambda place: _interval(self._under(place[0], place[1], name), decimals)

        def score(place):
            each = place[0]
            estimate = self._scores[each] if isinstance(each, int) else self._of_scores(each.scores)
            return _interval(estimate)

        columns = (
            Column("condition", lambda place: self._called(place[0])),
            Column("scale", lambda place: getattr(place[0], "scale", None), decimals=OF_ONE, note=SCALE),
            Column("group", lambda place: found.groups[place[1]]),
            Column("rate", of("rate"), unit="Hz"),
            Column("CV", of("cv", OF_ONE)),
            Column("synchrony", of("synchrony", OF_ONE)),
            *([Column("score", score)] if self._scores else []),
        )
        return Table("Activity under controls", columns, places, (), CONTROLS)

    def _called(self, each) -> str:
        if isinstance(each, int):
            return "intact" if each == 0 else f"{self.result.fractions[-1]:.0%} removed"
        return NAMES[each.condition] + (f", {each.scaled}" if each.condition == "compensated" else "")

    def figures(self) -> Iterator[Drawing]:
        found = self.result
        if not found.groups:
            return
        said = " ".join(self.answer())
        most = figures.MOST_GROUPS
        left_out = f" Only the {most} largest groups are drawn." if len(found.groups) > most else ""
        yield Drawing(
            "ablation.svg",
            "Activity against the fraction of inhibition removed",
            f"Mean over seeds and its 95 % interval, a line for each group.{left_out} Dotted: the largest rate that "
            f"refractoriness allows, where it is near.{figures.MARKS_SAID if found.controls else ''}",
            said,
            RUNS,
            draw=lambda: figures.ablation(found),
        )
        if found.controls:
            yield from judgements.drawings(self._judgements)
        if any(times.size for raster in found.rasters for times, _ in raster.values()):
            yield Drawing(
                "rasters.svg",
                "Spikes with fractions of inhibition removed",
                f"Up to 100 neurons of each group, with seed {found.seeds[0]}, in the last "
                f"{_seconds([figures.shown(found)])} of the simulation.{left_out}",
                said,
                SPIKES,
                draw=lambda: figures.rasters(found),
            )

    def proofs(self) -> Iterator[Explanation]:
        yield Explanation("How inhibition was found", (HOW, *self.details()))
        judged = () if self._judgements else (NO_VERDICT,)
        if self.result.controls:
            judged += (CONTROLLED, *([REASONS] if self._judgements else []))
        elif self._judgements:
            judged += (NO_CONTROLS,)
        yield Explanation("What was removed, and what that shows", (SCALED, *judged))


def _said(each) -> str:
    """A control, in words, for a sentence about rates."""
    if each.condition == "compensated":
        return f"with the ablation and {each.scaled} scaled by {number(each.scale, OF_ONE)}"
    return "with as much taken from excitation" if each.condition == "sham_excitation" else "from random synapses"


def _within(each: Estimate, name: str) -> Estimate:
    """An interval without what no rate or CV can be."""
    if each.low is None or name == "synchrony":
        return each
    return Estimate(each.mean, max(each.low, 0.0), each.high)


def _interval(each: Estimate, decimals: int | None = None) -> str:
    """A mean with its interval, as text."""
    if each.low is None:
        return number(each.mean, decimals)
    return f"{number(each.mean, decimals)} [{number(each.low, decimals)}, {number(each.high, decimals)}]"


def _limit_note() -> str:
    return f"Whether the rate is at least {NEAR_LIMIT:.0%} of the largest one that refractoriness allows."


def _seconds(durations) -> str:
    ends = sorted({float(f"{each:.4g}") for each in durations})
    return f"{ends[0]:g} s" if len(ends) == 1 else f"{ends[0]:g} to {ends[-1]:g} s"


def _findings(found: Found):
    import pandas as pd

    columns = ["synapses", "label", "pathway", "variable", "code", "verdict", "why", "is_scaled", "n"]
    return pd.DataFrame([asdict(row) for row in found.rows], columns=columns)


def _runs(result: BrianAblation):
    return result.to_xarray().to_dataframe(dim_order=["fraction", "seed", "group"]).reset_index()


def _dataset(result: BrianAblation):
    import xarray as xr

    over = ("fraction", "seed", "group")
    arrays = {"rate": result.rates, "cv": result.cv, "synchrony": result.synchrony}
    given = {name: (over, values) for name, values in arrays.items()}
    if result.scores is not None:
        given["score"] = (over[:2], result.scores)
    coordinates = {"fraction": result.fractions, "seed": np.array(result.seeds), "group": list(result.groups)}
    found = xr.Dataset(given, coordinates)
    found["rate"].attrs["units"] = "Hz"
    return found


register(Found, to_dataframe=_findings, html=lambda found: f"<pre>{escape(repr(found))}</pre>")
show_with(BrianAblation, AblationView, to_dataframe=_runs, to_xarray=_dataset)
