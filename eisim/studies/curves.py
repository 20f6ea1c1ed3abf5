"""Effect of ablation on a function: scores by the fraction removed, with all that they are judged by.

Every study makes ablation curves, and `eisim.studies.judgement` says what they show. What contradicts the theory is
said here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter

import numpy as np

from eisim.base.values import Shown
from eisim.circuit import Circuit
from eisim.studies.judgement import KEPT, LOST, NOT_COMPUTED, ROUNDING, Controls, Criterion, Judgement, judged, shared
from eisim.theory.assumptions import violated

COMPARES = "the assumption that does not hold: an answer falls as a rate rises, so that the readout itself inhibits"
NOT_TRIED = (
    "the assumption that was not checked: that answers do not fall as rates rise, since they follow from no rates"
)
NONE_FAILS = "no assumption of the theorem is known to fail"
RATE_CODE = (
    "the assumption to question: a rate code (leak, coincidence, refractoriness and delays let spikes break order)"
)
UNSHOWN = (
    "the assumption to question: a non-decreasing activation, which is not shown for neurons of one's own equations"
)
ADAPTING = "the assumption to question: no slow negative feedback within a cell, of which an f-I curve does not tell"
#: Systems whose bound rests on a rate code.
SPIKING = ("spiking", "spiking_noisy")
#: What a bound rests on without its having been shown, in words of the record.
ASSUMED = {
    RATE_CODE: "rate code",
    UNSHOWN: "non-decreasing f-I curve not shown",
    ADAPTING: "no slow negative feedback within cells",
}


def verdicts(intact, ablated, criterion: Criterion) -> np.ndarray:
    """``"kept"``, ``"lost"`` or ``"not computed"`` for exact systems with these scores."""
    kept = np.where(criterion.reached(np.asarray(ablated), np.asarray(intact)), KEPT, LOST)
    return np.where(criterion.computed(np.asarray(intact)), kept, NOT_COMPUTED)


@dataclass(frozen=True, eq=False, repr=False)
class AblationCurve(Shown):
    """Scores of one system on a function, by the fraction ablated."""

    system: str  # "spiking", "rate", "dnn", ...
    fractions: np.ndarray  # (fractions,): how much is removed, from 0, intact
    scores: np.ndarray  # (fractions, seeds): 1 is perfect
    criterion: Criterion
    floor: float | None = None  # least error, 1 less the score, of any excitatory-only system, if one binds this
    assumptions: tuple[str, ...] = ()  # behind the floor, that do not hold here or are to be questioned
    tolerance: float = ROUNDING  # how far noise may carry the mean error below the floor
    function: str = ""  # what is computed
    constant: float | None = None  # score of the best constant answer, if known
    attained: float | None = None  # score of an excitatory-only circuit that was built and simulated, if one was
    controls: Controls | None = None  # under full ablation; None: they were off
    is_exact: bool = False  # whether nothing is random, so that the scores have no interval
    rises: bool = False  # whether the wiring of the intact circuit proves that outputs rise with all inputs (T10)

    @classmethod
    def of(
        cls,
        circuit: Circuit | None,
        system: str,
        fractions: np.ndarray,
        scores: np.ndarray,
        criterion: Criterion,
        floor: float | None = None,
        *,
        output: int | None = None,
        everywhere: bool = False,
        assumptions: tuple[str, ...] = (),
        **more,
    ) -> "AblationCurve":
        """The curve of a system, with what neurons and wiring of its intact circuit say of the floor (T10).

        Scores follow from one output, from all of them (``None``), or from neurons everywhere. Every study makes its
        curves here, so that none calls a loss provable of a circuit whose wiring the floor binds.
        """
        if "rises" not in more:
            more["rises"] = is_bounded(circuit, floor, scores, everywhere, output)
        if circuit is not None or floor is not None:
            assumptions = questioned(circuit, system in SPIKING) + assumptions
        return cls(system, fractions, scores, criterion, floor, assumptions, **more)

    def __repr__(self):
        of = ", ".join(filter(None, (self.function, self.system)))
        over = "{} fractions, {} seeds".format(*self.scores.shape)
        scores = f"score {self.intact:.3g} -> {self.ablated:.3g}"
        return f"<AblationCurve{of and f' of {of}'}: {self.verdict}; {scores} over {over}>"

    @property
    def intact(self) -> float:
        """Mean score without ablation."""
        return float(self.scores[0].mean())

    @property
    def ablated(self) -> float:
        """Mean score at the largest fraction."""
        return float(self.scores[-1].mean())

    @property
    def level(self) -> float:
        """Score that the criterion asks of this system."""
        return float(self.criterion.level(self.intact))

    @cached_property
    def judgement(self) -> Judgement:
        """What these scores show."""
        return judged(
            self.system,
            self.function,
            self.fractions,
            self.scores,
            self.criterion,
            (self.constant, self.attained, self.bound),
            self.controls,
            self.is_exact,
            tuple(ASSUMED[each] for each in self.assumptions if each in ASSUMED),
        )

    @property
    def bound(self) -> float | None:
        """Score that no excitatory-only system exceeds, if the theorem's assumptions are not known to fail here.

        They fail where the intact system exceeds it although its outputs rise with all inputs: the theorem bounds such
        circuits, too, so that they lose nothing provably.
        """
        if self.floor is None or set(self.assumptions) - set(ASSUMED):
            return None
        return None if self.rises and 1 - self.intact < self.floor - ROUNDING else 1 - self.floor

    @property
    def is_computed(self) -> bool:
        """Whether the intact system computes the function, on average."""
        return bool(self.criterion.computed(self.intact))

    @property
    def is_reached(self) -> bool:
        """Whether the criterion is still reached at the largest fraction, on average."""
        return bool(self.criterion.reached(self.ablated, self.intact))

    @property
    def verdict(self) -> str:
        """``"kept"``, ``"lost"``, ``"not computed"`` or ``"undecided"``, at the largest fraction."""
        return self.judgement.verdict

    @property
    def critical_fractions(self) -> np.ndarray:
        """For each seed the fraction at which the score first falls below the criterion, infinite if it never does.

        Between two fractions the score is taken to be linear.
        """
        return np.array([_first_crossing(self.fractions, scores, self.level) for scores in self.scores.T])

    @property
    def critical_fraction(self) -> float | None:
        """Fraction at which the function is lost, from a monotone fit to all scores; ``None`` if it is not lost."""
        return self.judgement.critical.value

    doses = property(attrgetter("fractions"), doc="The fractions, by their earlier name.")
    critical_doses, critical_dose = critical_fractions, critical_fraction  # by their earlier names

    def violations(self) -> list[str]:
        """Contradictions of the theory, as text: an error below the floor under complete ablation.

        Or of the intact system, if its outputs rise with all inputs.
        """
        if self.floor is None:
            return []
        if self.rises and 1 - self.intact < self.floor - self.tolerance:
            error = f"the error {1 - self.intact:.4f} is below the floor {self.floor:.4f}"
            finding = f"intact ({self.system}), {error}, although its wiring lets outputs rise with all inputs"
            return [contradiction(self.function, finding, self.assumptions)]
        system, scores = f"ablated, {self.system}", self.scores[np.asarray(self.fractions) == 1].mean(axis=1)
        bound = self.floor, self.assumptions, self.tolerance
        return [problem for score in scores for problem in below_floor(self.function, system, score, *bound)]


def _first_crossing(fractions, scores, level):
    below = np.flatnonzero(scores < level)
    if not below.size:
        return np.inf
    k = below[0]
    if k == 0:
        return fractions[0]
    share = (scores[k - 1] - level) / (scores[k - 1] - scores[k])
    return fractions[k - 1] + share * (fractions[k] - fractions[k - 1])


def judge(curves: Iterable[AblationCurve]) -> str:
    """The verdict that several systems share on one function, or ``"differs"``."""
    return shared(curve.judgement for curve in curves)[0]


def described(verdict: str, reason: str | None) -> str:
    """The verdict, a loss with its reason: ``"lost: provable"``."""
    return f"{verdict}: {reason}" if reason else verdict


def contradiction(of: str, finding: str, assumptions: Sequence[str] = ()) -> str:
    """A sentence that a measurement contradicts the theory, with the assumptions that fail or may fail."""
    return f"{of and f'{of}: '}CONTRADICTION: {finding}; {'; '.join(assumptions) or NONE_FAILS}"


def below_floor(
    of: str,
    system: str,
    score: float,
    floor: float,
    assumptions: Sequence[str] = (),
    tolerance: float = ROUNDING,
) -> list[str]:
    """The contradiction, if the error of an excitatory-only system is below the floor."""
    error = 1 - score
    if not error < floor - tolerance:
        return []
    finding = f"without inhibition ({system}) the error {error:.4f} is below the floor {floor:.4f}"
    return [contradiction(of, finding, assumptions)]


def is_bounded(
    circuit: Circuit | None,
    floor: float | None,
    scores: np.ndarray,
    everywhere: bool = False,
    output: int | None = None,
) -> bool:
    """Whether the wiring of an intact circuit proves that outputs rise with all inputs: one, all, or all neurons.

    It is examined only where it matters: if the score, fractions × seeds, is above the bound of such circuits.
    """
    if circuit is None or floor is None or not scores[:1].size or scores[0].mean() <= 1 - floor + ROUNDING:
        return False
    from eisim.theory.structure.certificate import is_monotone

    return is_monotone(circuit, everywhere, output)


def questioned(circuit: Circuit | None, is_spiking: bool) -> tuple[str, ...]:
    """Assumptions of the theorem that a system (or its source) violates or may violate, as text."""
    if circuit is not None and (broken := next(violated(circuit), None)):
        return (f"the assumption that does not hold: {broken}",)
    neurons = [] if circuit is None else [p.neuron for p in circuit.populations]
    found = {
        RATE_CODE: is_spiking,
        UNSHOWN: any(neuron.non_decreasing is None for neuron in neurons),
        ADAPTING: any(getattr(neuron, "has_internal_states", False) for neuron in neurons),
    }
    return tuple(assumption for assumption, questions in found.items() if questions)
