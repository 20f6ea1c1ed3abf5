"""How the limits of the theorem are shown."""

from collections.abc import Iterator

import numpy as np

from eisim.analysis.statistics import Estimate
from eisim.report.findings import Explanation
from eisim.report.numbers import OF_ONE, number
from eisim.report.table import Column, Table
from eisim.report.tabular import array, names
from eisim.report.view import Drawing, View, show_with
from eisim.report.views import limits_figures as figures
from eisim.report.wording import capital, count
from eisim.studies.limits.limit import CLEAR, TIMES, LimitsResult, Outcome
from eisim.studies.order.order import Share

DATA = "limits.csv"
MEANING = (
    "The theorem (T1 to T3) is about circuits with non-negative weights that meet all of its assumptions. The "
    "circuits here have no inhibitory synapse. Each breaks one assumption, and then violates order; where the score "
    "exceeds the bound, it also computes a function that the theorem forbids.",
    "An ordered pair is two inputs of which the second is nowhere lower. Order is violated where the response to the "
    f"second is lower by more than {CLEAR['rate']:g} Hz (rates), or by two spikes in "
    f"{1e3 * TIMES['spiking'].window:g} ms (spikes; one can be lost at the edge of the window). Pairs are independent "
    "draws, and shares have Wilson's 95 % interval. How large a share is depends on how pairs are drawn.",
    "Scores are those of one function on all of its points. Circuits without noise are deterministic, so their scores "
    "are exact and have no interval; with noise a score is a mean over trials, with Student's 95 % interval. The bound "
    "is 1 - floor: the best score of any excitatory-only circuit to which the theorem applies, for this function and "
    "this order of its points.",
)


def _share(share: Share) -> dict:
    low, high = share.interval
    return {"count": share.count, "of": share.of, "share": share.value, "low": low, "high": high}


def _dose(outcome: Outcome, k: int) -> str:
    return f"{outcome.doses[k]:g} {outcome.unit}".strip()


def _begins(outcome: Outcome) -> str:
    """Between which doses violations begin."""
    k = outcome.first
    if k is None:
        return "none seen"
    return f"≤ {_dose(outcome, 0)}" if k == 0 else f"{outcome.doses[k - 1]:g} to {_dose(outcome, k)}"


def _begins_and_derived(outcome: Outcome) -> str:
    return _begins(outcome) + (f" ({outcome.derived})" if outcome.derived else "")


def _most(outcome: Outcome) -> Share:
    return max(outcome.violations, key=lambda each: each.value)


def _interval(share: Share) -> str:
    low, high = (number(end, OF_ONE) for end in share.interval)
    return f"{number(share.value, OF_ONE)} ({low}–{high})"


def _restored_score(outcome: Outcome) -> float | None:
    """Mean score with the remedy; None where it is another order of the inputs."""
    return None if outcome.restored_scores is None else float(outcome.restored_scores.mean())


def _ends(estimate: Estimate) -> tuple[float, float | None] | None:
    """Interval of a score; None for an exact one."""
    return None if estimate.low is None else (estimate.low, estimate.high)


class LimitsView(View[LimitsResult]):
    """One row and one panel for each mechanism."""

    question = "Where does the theorem stop, and how much does each mechanism take?"
    rows_file = DATA

    def to_json(self) -> dict:
        return {"rows": [_row(each) for each in self.result.outcomes], "problems": self.problems}

    def answer(self) -> Iterator[str]:
        found = self.result.outcomes
        beyond = [each for each in found if each.forbidden]
        yield (
            f"Of {count(len(found), 'circuit')} without inhibition, each with a mechanism that breaks an assumption, "
            f"{len(beyond)} {'bring' if len(beyond) - 1 else 'brings'} the score of a function above the bound of the "
            "theorem."
        )
        broken = sum(each.first is not None for each in found)
        restored = sum(not each.restored.count for each in found)
        pairs = count(found[0].restored.of, "ordered pair")
        yield f"{broken} violate order, and with the remedy {restored} of {len(found)} violate it in none of {pairs}."

    def tables(self) -> Iterator[Table]:
        columns = (
            Column("mechanism", lambda o: o.name),
            Column("kind", lambda o: o.kind),
            Column("assumption", lambda o: o.assumption, note="What the theorem assumes and the circuit breaks."),
            Column("function", lambda o: o.function, note="What the theorem forbids.", on_page_only=True),
            Column(
                "bound", lambda o: o.bound, note="1 - floor: best score where the theorem applies.", decimals=OF_ONE
            ),
            Column("score", lambda o: float(o.scores.mean(axis=1)[o.best]), note="Best over doses.", decimals=OF_ONE),
            Column("at dose", lambda o: _dose(o, o.best), note="The smallest dose with this score."),
            Column("dose", lambda o: o.dose, note="What is varied.", on_page_only=True),
            Column("violations", lambda o: _interval(_most(o)), note="Largest share of pairs whose response falls."),
            Column(
                "begin at",
                _begins_and_derived,
                note="Largest dose without a violation, and the next one; in brackets, where they begin by derivation.",
            ),
            Column("with remedy", lambda o: _interval(o.restored), note="Share of pairs whose response falls."),
            Column("its score", _restored_score, note="With the remedy.", decimals=OF_ONE, on_page_only=True),
            Column("remedy", lambda o: o.remedy, on_page_only=True),
        )
        yield Table("Mechanisms without inhibition", columns, self.result.outcomes, data=DATA, keys=2)

    def figures(self) -> Iterator[Drawing]:
        yield Drawing(
            "limits.svg",
            "Score and violations of order by dose",
            "Black: share of the points of a function at which the circuit is right; dashed: the bound of the "
            "theorem. Red: share of ordered pairs whose response falls, with 95 % intervals; diamond: the same with "
            "the remedy, at the largest dose. Doses are evenly spaced, not to scale.",
            " ".join(self.answer()),
            DATA,
            draw=lambda: figures.limits(self.result),
        )

    def proofs(self) -> Iterator[Explanation]:
        yield Explanation("What is measured", MEANING)
        for each in self.result.outcomes:
            yield Explanation(f"{capital(each.name)} ({each.kind})", tuple(_explained(each)))

    def rows(self) -> list[dict]:
        return [
            {"mechanism": each.name, "kind": each.kind, "dose": dose, "unit": each.unit, "bound": each.bound}
            | {
                "score": each.estimates[k].mean,
                "score_low": each.estimates[k].low,
                "score_high": each.estimates[k].high,
            }
            | {"largest_fall": each.largest[k]}
            | _share(each.violations[k])
            for each in self.result.outcomes
            for k, dose in enumerate(each.doses)
        ]

    def labelled(self) -> tuple[dict, dict]:
        found = self.result.outcomes
        most = max(len(each.doses) for each in found)

        def padded(values):
            rows = [[*map(float, values(each))] for each in found]
            return np.array([row + [np.nan] * (most - len(row)) for row in rows])

        dimensions = "mechanism level"
        return {
            "dose": array(dimensions, padded(lambda o: o.doses), "dose, in the unit of the mechanism"),
            "score": array(dimensions, padded(lambda o: o.scores.mean(axis=1)), "share of points that are right"),
            "violations": array(dimensions, padded(lambda o: [s.count for s in o.violations]), "pairs that fall"),
            "pairs": array(dimensions, padded(lambda o: [s.of for s in o.violations]), "ordered pairs"),
            "bound": array("mechanism", [each.bound for each in found], "1 - floor"),
        }, names(mechanism=[f"{each.name}, {each.kind}" for each in found])


def _explained(outcome: Outcome) -> Iterator[str]:
    score = number(float(outcome.scores.mean(axis=1)[outcome.best]), OF_ONE)
    yield f"Assumption: {outcome.assumption}. Function: {outcome.function}. Dose: {outcome.dose}."
    yield capital(outcome.proof)
    verb = "exceeds" if outcome.forbidden else "does not exceed"
    yield (
        f"A score of {score} at {_dose(outcome, outcome.best)} {verb} the bound of {number(outcome.bound, OF_ONE)}. "
        f"Violations begin at {_begins(outcome)}; at most {_interval(_most(outcome))} of the pairs violate order."
    )
    shown = "T1 applies" if outcome.is_proved else "as measured"
    fell = f"{outcome.restored.count} of {count(outcome.restored.of, 'pair')}"
    score = _restored_score(outcome)
    reached = "" if score is None else f", and the score is {number(score, OF_ONE)}"
    yield f"Remedy: {outcome.remedy}. Then the response falls in {fell}{reached} ({shown})."


def _row(outcome: Outcome) -> dict:
    scores = outcome.scores.mean(axis=1)
    k = outcome.first
    return {
        "mechanism": outcome.name,
        "kind": outcome.kind,
        "assumption": outcome.assumption,
        "function": outcome.function,
        "floor": 1 - outcome.bound,
        "bound": outcome.bound,
        "dose": outcome.dose,
        "unit": outcome.unit,
        "doses": list(outcome.doses),
        "scores": scores.tolist(),
        "score_intervals": [_ends(each) for each in outcome.estimates],
        "score": float(scores[outcome.best]),
        "at_dose": outcome.doses[outcome.best],
        "exceeds_bound": outcome.forbidden,
        "violations": [_share(each) for each in outcome.violations],
        "largest_fall": list(outcome.largest),
        "onset": {
            "derived": outcome.onset,
            "low": None if not k else outcome.doses[k - 1],
            "high": None if k is None else outcome.doses[k],
        },
        "remedy": {
            "what": outcome.remedy,
            "violations": _share(outcome.restored),
            "score": _restored_score(outcome),
            "proved": outcome.is_proved,
        },
        "proof": outcome.proof,
    }


show_with(LimitsResult, LimitsView)
