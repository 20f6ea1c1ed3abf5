"""Effect of ablation on a function: scores by the fraction removed, the criterion, and the verdict.

This is the one module that judges: every study makes ablation curves, and what it calls kept, lost or not computed, and
what it calls a contradiction of the theory, is said here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter

import numpy as np

from eisim.base.values import Explained, Shown
from eisim.circuit import Circuit

KEPT, LOST, NOT_COMPUTED = "kept", "lost", "not computed"
#: Differences of scores up to this are rounding.
ROUNDING = 1e-12
NONE_FAILS = "no assumption of the theorem is known to fail"
RATE_CODE = (
    "the assumption to question: a rate code (leak, coincidence, refractoriness and delays let spikes break order)"
)


@dataclass(frozen=True)
class Criterion(Explained):
    """The score to be reached, given that of the intact system: ``offset + share * intact``."""

    least: float  # least score of an intact system that counts as computing the function
    share: float  # how much of the criterion follows the intact score; 0 if it is the same for all systems
    offset: float

    @classmethod
    def absolute(cls, score: float) -> "Criterion":
        """The same score for every system, intact or ablated."""
        return cls(score, 0.0, score)

    @classmethod
    def lead_over(cls, constant: float, share: float = 0.99) -> "Criterion":
        """A share of the intact system's lead over the score of the best constant answer, if it has a lead."""
        return cls(constant + ROUNDING, share, (1 - share) * constant - ROUNDING)

    @classmethod
    def drop(cls, most: float, least: float = -np.inf) -> "Criterion":
        """At most so much less than the intact score, which has to be the least one."""
        return cls(least, 1.0, -most - ROUNDING)

    def level(self, intact):
        """The score to reach, for a system or an array of systems with these intact scores."""
        return self.offset + self.share * intact

    def reached(self, score, intact):
        """Whether a score reaches it, given the intact one; arrays are compared element by element."""
        return score >= self.level(intact)

    def computed(self, intact):
        """Whether a system with this intact score counts as computing the function."""
        return intact >= self.least


def verdicts(intact, ablated, criterion: Criterion) -> np.ndarray:
    """``"kept"``, ``"lost"`` or ``"not computed"`` for systems with these intact and ablated scores."""
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

    @property
    def is_computed(self) -> bool:
        """Whether the intact system computes the function."""
        return bool(self.criterion.computed(self.intact))

    @property
    def is_reached(self) -> bool:
        """Whether the criterion is still reached at the largest fraction."""
        return bool(self.criterion.reached(self.ablated, self.intact))

    @property
    def verdict(self) -> str:
        """``"kept"`` or ``"lost"`` at the largest fraction, or ``"not computed"`` if it is not even intact."""
        return str(verdicts(self.intact, self.ablated, self.criterion))

    @property
    def critical_fractions(self) -> np.ndarray:
        """For each seed the fraction at which the score first falls below the criterion, infinite if it never does.

        Between two fractions the score is taken to be linear.
        """
        return np.array([_first_crossing(self.fractions, scores, self.level) for scores in self.scores.T])

    @property
    def critical_fraction(self) -> float | None:
        """Median over seeds; ``None`` if half of them or more never lose the function."""
        middle = float(np.median(self.critical_fractions))
        return middle if np.isfinite(middle) else None

    doses = property(attrgetter("fractions"), doc="The fractions, by their earlier name.")
    critical_doses, critical_dose = critical_fractions, critical_fraction  # by their earlier names

    def violations(self) -> list[str]:
        """Contradictions of the theory, as text: an error below the floor under complete ablation."""
        if self.floor is None:
            return []
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


def judge(curves: Iterable[AblationCurve], intact: Iterable[AblationCurve] | None = None) -> str:
    """The verdict of several systems on one function.

    It is ``"not computed"`` if one of `intact` (by default all) does not compute it intact, else ``"kept"`` if all
    reach the criterion without inhibition, else ``"lost"``.
    """
    curves = list(curves)
    if not all(curve.is_computed for curve in (curves if intact is None else intact)):
        return NOT_COMPUTED
    return KEPT if all(curve.is_reached for curve in curves) else LOST


def described(verdict: str, is_representable: bool) -> str:
    """The verdict; a loss as "lost (provably)", or "lost (this circuit)" if some excitatory-only one computes it."""
    return f"{LOST} ({'this circuit' if is_representable else 'provably'})" if verdict == LOST else verdict


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


def questioned(circuit: Circuit | None, is_spiking: bool) -> tuple[str, ...]:
    """Assumptions of the theorem that a system (or its source) violates or may violate, as text."""
    falling = [p.name for p in circuit.populations if not p.neuron.non_decreasing] if circuit is not None else []
    if falling:
        return (f"the assumption that does not hold: the activation of {', '.join(falling)} is not non-decreasing",)
    return (RATE_CODE,) if is_spiking else ()
