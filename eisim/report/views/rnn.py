"""How trained recurrent networks and what ablation leaves of them are shown."""

from collections import Counter
from collections.abc import Iterator

from eisim.analysis.statistics import Estimate
from eisim.base.files import to_csv
from eisim.report import judgements
from eisim.report.findings import Explanation
from eisim.report.numbers import OF_ONE, number
from eisim.report.table import Column, Table
from eisim.report.tabular import array, names
from eisim.report.view import Drawing, View, show_with
from eisim.report.views import rnn_figures as figures
from eisim.report.wording import count, listing
from eisim.studies.curves import described
from eisim.studies.judgement import LOST
from eisim.studies.rnn import ALL, Ablated, TrainedNetworks

NETWORKS, ROWS, LEVELS = "networks.csv", "ablation.csv", "psychometric.csv"
TRAINED = {
    "free": "with weights of any sign",
    "dale": "under Dale's law",
    "excitatory": "without inhibition",
}
HONEST = (
    "Ablation shows what one trained network uses; a network that was made without inhibition shows what can be "
    "done without. Where such a network reaches the criterion, the task does not need inhibition, although networks "
    "that have it may depend on it. Where none does, nothing is proved: training may have failed to find one."
)
FEW = (
    "Networks of different seeds of training are shown one by one. So few of them say little about what training may "
    "find, and nothing about other tasks, sizes and methods of training."
)
READ_OUT = (
    "An output is read by one threshold, in training and in all conditions; nothing is compared, since a comparison is "
    "a subtraction (T9). A re-fitted threshold is fitted to one half of the sets of trials and scored on the other."
)
CUT = (
    "Without I->E, inhibitory units still inhibit each other; without I->I they still inhibit excitatory units; "
    "without E->I they are driven by inputs alone. Only the ablation of all inhibition leaves an excitatory-only "
    "circuit, to which bounds apply. In networks of free weights, negative weights of "
    "inputs and of the readout remain, so that no bound applies."
)


class RnnView(View[TrainedNetworks]):
    """Networks with their scores, pathways with their verdicts, ablation curves and psychometric curves."""

    question = "What does inhibition do in recurrent networks that were trained with and without it?"
    rows_file = ROWS

    @property
    def _judgements(self):
        return [each.curve.judgement for each in self.result.ablated]

    @property
    def _by_level(self) -> str:
        return f"{'Share of trials answered with yes' if self.result.is_yes else 'Score'} by {self.result.task.level}"

    def to_json(self) -> dict:
        found = self.result
        return {
            "task": found.task.name,
            "criterion": found.task.criterion,
            "constant": found.task.constant,
            "attained_without_inhibition": found.attained,
            "sets_of_trials": len(found.seeds),
            "trials": found.trials,
            "fractions": found.fractions,
            "networks": [
                {
                    "signs": each.signs,
                    "seed": each.seed,
                    "units": each.units,
                    "inhibitory": each.inhibitory,
                    "activation": each.activation,
                    "score": scores.mean(),
                    "difference": difference,
                }
                for each, scores, difference in zip(found.networks, found.scores, found.differences, strict=True)
            ],
            "rows": [
                {
                    "network": each.network.label,
                    "pathway": each.pathway,
                    "scores": each.curve.scores.mean(axis=1),
                    "verdict": each.curve.verdict,
                    "reason": each.curve.judgement.reason,
                }
                for each in found.ablated
            ],
            "level": found.task.level,
            "levels": found.levels,
            "judgements": [judgements.record(each) for each in self._judgements],
            "problems": found.problems,
        }

    def answer(self) -> Iterator[str]:
        found = self.result
        parts = [f"{_range(scores)} {TRAINED[signs]}" for signs in TRAINED if (scores := found.estimates(signs))]
        criterion = number(found.task.criterion, OF_ONE)
        yield f"Score on {_words(found.task.name)}: {listing(parts)} (criterion {criterion})."
        whole = {each.network.label for each in found.ablated if each.pathway == ALL}
        said_of = [each for each in found.ablated if each.pathway == ALL or each.network.label not in whole]
        for pathway in dict.fromkeys(each.pathway for each in said_of):
            ablated = [each for each in said_of if each.pathway == pathway]
            verdicts = Counter(described(*_verdict(each)) for each in ablated)
            said = listing(f"{verdict} in {n}" for verdict, n in verdicts.items())
            ends = _ends([each.curve.ablated for each in ablated])
            yield f"With {pathway} ablated, the score of {count(len(ablated), 'network')} is {ends}: {said}."
        lost = [each for each in found.ablated if each.pathway == ALL and each.curve.verdict == LOST]
        without = [estimate for _, estimate in found.estimates("excitatory")]
        if lost and without:
            yield _what_is_attained(without, found.task.criterion)

    def tables(self) -> Iterator[Table]:
        found = self.result
        pairs = [(each, estimate) for signs in TRAINED for each, estimate in found.estimates(signs)]
        columns = (
            Column("network", lambda p: p[0].label),
            Column("units", lambda p: p[0].units),
            Column("inhibitory", lambda p: "both signs" if p[0].signs == "free" else str(p[0].inhibitory)),
            Column("score", lambda p: _interval(p[1]), note="Intact, with its 95 % interval over sets of trials."),
        )
        note = (
            f"{count(len(found.seeds), 'set')} of {count(found.trials, 'trial')} that training did not see; the best "
            f"constant answer scores {number(found.task.constant, OF_ONE)}."
        )
        yield Table(f"Networks trained on {_words(found.task.name)}", columns, pairs, (note,), NETWORKS)
        judged = (
            Column("network", lambda a: a.network.label),
            Column("pathway", lambda a: a.pathway, note=PATHWAY),
            Column("verdict", lambda a: described(*_verdict(a)), "verdict", note="At full ablation."),
            Column("intact", lambda a: a.curve.intact, decimals=OF_ONE),
            Column("ablated", lambda a: a.curve.ablated, decimals=OF_ONE),
            Column("re-fitted", _under("refitted"), note="With the best threshold, and its 95 % interval."),
            Column("compensated", _under("compensated"), note="With excitation scaled to fit, likewise."),
            Column(
                "excitatory-only",
                lambda a: a.curve.attained,
                note="Best score of a network without inhibition.",
                decimals=OF_ONE,
            ),
            Column(
                "critical fraction",
                lambda a: a.curve.critical_fraction,
                note="Above it the score is below the criterion.",
                decimals=OF_ONE,
            ),
        )
        yield Table("Ablated pathways", judged, found.ablated, data=ROWS, keys=2)
        yield from judgements.tables(self._judgements, on_page_only=True)

    def figures(self) -> Iterator[Drawing]:
        found = self.result
        yield Drawing(
            "ablation_curves.svg",
            "Score against the fraction ablated",
            "Mean score and its range over sets of trials, a panel for each network. Dashed: criterion; dotted: best "
            "network without inhibition.",
            " ".join(f"{_capital(a.network.label)}, {a.pathway}: {a.curve.verdict}." for a in found.ablated),
            ROWS,
            draw=lambda: figures.ablation_curves(found),
        )
        yield Drawing(
            "psychometric.svg",
            "Psychometric curves" if found.is_yes else "Score by level",
            f"{self._by_level}, with a fraction of all inhibition ablated, or of the pathway that a title names "
            "(darker: a smaller one), a panel for each network; those without inhibition as they are.",
            f"{self._by_level}, for {count(len(found.networks), 'network')}.",
            LEVELS,
            draw=lambda: figures.psychometric(found),
        )
        yield from judgements.drawings(self._judgements)

    def proofs(self) -> Iterator[Explanation]:
        yield Explanation("What training without inhibition shows", (HONEST, FEW))
        yield Explanation("The readout", (READ_OUT,))
        yield Explanation("Pathways", (CUT,))

    def rows(self) -> list[dict]:
        found = self.result
        return [
            {
                "network": each.network.label,
                "pathway": each.pathway,
                "fraction": float(fraction),
                "seed": seed,
                "score": float(each.curve.scores[k, s]),
            }
            for each in found.ablated
            for k, fraction in enumerate(found.fractions)
            for s, seed in enumerate(found.seeds)
        ]

    def files(self) -> Iterator[tuple[str, str | bytes]]:
        found = self.result
        lines = [
            (each.label, each.signs, each.seed, each.units, each.inhibitory, seed, float(score))
            for each, scores in zip(found.networks, found.scores, strict=True)
            for seed, score in zip(found.seeds, scores, strict=True)
        ]
        yield NETWORKS, to_csv(lines, ("network", "signs", "training_seed", "units", "inhibitory", "seed", "score"))
        yield (
            LEVELS,
            to_csv(
                [
                    (network, pathway, float(fraction), float(level), float(value))
                    for network, pathway, fraction, values in _curves(found)
                    for level, value in zip(found.levels, values, strict=True)
                ],
                ("network", "pathway", "fraction", "level", "share_of_yes" if found.is_yes else "score"),
            ),
        )
        yield from judgements.files(self._judgements)

    def labelled(self) -> tuple[dict, dict]:
        found = self.result
        each = [f"{a.network.label}: {a.pathway}" for a in found.ablated]
        value = "share of yes" if found.is_yes else "score"
        return {
            "score": array("ablation fraction seed", [a.curve.scores for a in found.ablated], "score of the task"),
            "by_level": array("ablation fraction level", [a.levels for a in found.ablated], value),
            "intact_score": array("network seed", found.scores, "score of the task, intact"),
        }, {
            **names(ablation=each, network=[network.label for network in found.networks]),
            "fraction": array("fraction", found.fractions, "fraction ablated"),
            "level": array("level", found.levels, found.task.level),
        }


PATHWAY = "What is ablated: all inhibition, or one pathway; I->E is from inhibitory to excitatory units."


def _curves(found: TrainedNetworks):
    for network, values in zip(found.networks, found.intact_levels, strict=True):
        yield network.label, "intact", 0.0, values
    for each in found.ablated:
        for fraction, values in zip(found.fractions, each.levels, strict=True):
            yield each.network.label, each.pathway, fraction, values


def _what_is_attained(found: list[Estimate], criterion: float) -> str:
    """What the networks without inhibition show, as far as their intervals carry."""
    ends = [[each.mean if end is None else end for end in (each.low, each.high)] for each in found]
    if max(low for low, _ in ends) >= criterion:
        return "The task does not need inhibition: a network without it reaches the criterion."
    if max(high for _, high in ends) < criterion:
        return "No network without inhibition reaches the criterion, which does not prove that none could."
    best = _interval(max(found, key=lambda each: each.mean))
    return f"Whether a network without inhibition reaches the criterion is undecided: the best one scores {best}."


def _verdict(each: Ablated) -> tuple[str, str | None]:
    return each.curve.judgement.verdict, each.curve.judgement.reason


def _under(condition):
    def shown(each):
        estimate = each.curve.judgement.condition(condition)
        return None if estimate is None else _interval(estimate)

    return shown


def _interval(score: Estimate) -> str:
    mean = number(score.mean, OF_ONE)
    return mean if score.low is None else f"{mean} ({number(score.low, OF_ONE)}–{number(score.high, OF_ONE)})"


def _range(scores) -> str:
    return _ends([estimate.mean for _, estimate in scores])


def _ends(values) -> str:
    low, high = number(min(values), OF_ONE), number(max(values), OF_ONE)
    return low if low == high else f"{low} to {high}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _words(name: str) -> str:
    return name.replace("_", " ")


show_with(TrainedNetworks, RnnView)
