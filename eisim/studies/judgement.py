"""The judgement of one system on one function: what is kept or lost, why, and what a loss consists of.

It follows from scores alone: intact, ablated, under the controls of the ablation, and what constant answers and
excitatory-only systems score. Nothing else in eisim says kept or lost.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from eisim.analysis.statistics import Critical, Estimate, critical_fraction, over_seeds
from eisim.base.values import Brief, Explained

KEPT, LOST, NOT_COMPUTED, UNDECIDED = "kept", "lost", "not computed", "undecided"
#: The verdict of systems that do not share one.
DIFFERS = "differs"
VERDICTS = (KEPT, LOST, NOT_COMPUTED, UNDECIDED, DIFFERS)
READOUT, RUNAWAY, WIRING, UNRESOLVED, PROVABLE = PARTS = ("readout", "runaway", "wiring", "unresolved", "provable")
#: The reason of a loss where the controls were off.
NOT_EXAMINED = "not examined"
#: Differences of scores up to this are rounding.
ROUNDING = 1e-12
#: More than a score by this is more than rounding, also where `ROUNDING` is allowed.
MORE = 2 * ROUNDING
#: A tolerance that allows any score: chance, or an ablation that leaves inhibition, may carry it beyond a bound.
ANY = 1.0


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
        return cls(constant + MORE, share, (1 - share) * constant - ROUNDING)

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


@dataclass(frozen=True, eq=False, repr=False)
class Shams(Brief):
    """Scores by seed with as much weight taken elsewhere as an ablation of this fraction takes from inhibition."""

    fraction: float
    sham_excitation: np.ndarray | None = None
    sham_random: np.ndarray | None = None


@dataclass(frozen=True, eq=False, repr=False)
class Controls(Brief):
    """Scores by seed under the controls of a full ablation; ``None`` where there is nothing to change.

    Of a system without randomness there is one score, but one for each draw of a random sham.
    """

    refitted: np.ndarray | None = None  # with the best threshold
    intact_refitted: np.ndarray | None = None  # the intact system likewise
    compensated: np.ndarray | None = None  # with the best scale of excitation, re-fitted if that can be done
    scale: float | None = None  # that factor
    scaled: str = ""  # what it scales: "excitation between populations" or "all excitation"
    rate: float | None = None  # mean rate with it, as a share of the intact one
    sham_excitation: np.ndarray | None = None
    sham_random: np.ndarray | None = None
    taken: tuple[float, float] | None = None  # by a random sham: synapses, and weight as a share of the ablation's
    partial: tuple[Shams, ...] = ()  # of weaker ablations


@dataclass(frozen=True, eq=False, repr=False)
class Judgement(Brief):
    """What is said of one system and function, and all that it rests on."""

    system: str
    function: str
    criterion: float  # the score that an ablated system has to reach
    least: float  # the score that the intact one has to reach
    constant: float | None  # score of the best constant answer; None: unknown
    attained: float | None  # score of an excitatory-only circuit that was built and simulated; None: there is none
    bound: float | None  # score that no excitatory-only system exceeds; None: unknown
    intact: Estimate
    ablated: Estimate
    controls: Controls | None  # None: not examined
    critical: Critical
    is_exact: bool  # whether scores have no interval, since nothing is random
    assumes: tuple[str, ...] = ()  # assumptions of the theorem that a provable loss rests on and that are not checked

    def condition(self, name: str) -> Estimate | None:
        """The score under a control, by its name; ``None`` if it was not measured."""
        return self._estimate(getattr(self.controls, name, None))

    def _estimate(self, scores):
        # Draws of a random sham differ even where nothing else is random.
        return None if scores is None else over_seeds(scores, self.is_exact and len(scores) == 1)

    def sham_curve(self, name: str) -> list[tuple[float, Estimate]]:
        """Fractions and scores under a sham of what the ablation takes at each, without that of the full ablation."""
        partial = self.controls.partial if self.controls else ()
        found = [(each.fraction, self._estimate(getattr(each, name))) for each in partial]
        return [(fraction, score) for fraction, score in found if score is not None]

    @cached_property
    def verdict(self) -> str:
        """``"kept"``, ``"lost"``, ``"not computed"`` or ``"undecided"``."""
        is_computed, is_kept = reaches(self.intact, self.least), reaches(self.ablated, self.criterion)
        if is_computed is not True:
            return UNDECIDED if is_computed is None else NOT_COMPUTED
        return {True: KEPT, False: LOST, None: UNDECIDED}[is_kept]

    @cached_property
    def reason(self) -> str | None:
        """Why it is lost: what first brings it back; ``None`` if it is not lost."""
        if self.verdict != LOST:
            return None
        if self.controls is None:
            return NOT_EXAMINED
        is_in_doubt = False
        for name, reason in (("refitted", READOUT), ("compensated", RUNAWAY)):
            score = self.condition(name)
            is_back = score is not None and reaches(score, self.criterion)
            if is_back:
                return UNRESOLVED if is_in_doubt else reason
            is_in_doubt = is_in_doubt or is_back is None
        if self.attained is not None and self.attained >= self.criterion - ROUNDING:
            return UNRESOLVED if is_in_doubt else WIRING
        return PROVABLE if self.bound is not None and self.bound < self.criterion - ROUNDING else UNRESOLVED

    @cached_property
    def parts(self) -> dict[str, float] | None:
        """What the loss consists of: parts that add up to the intact score less the ablated one.

        Where ablation raises the score, the first part is negative and the others are 0.
        """
        if self.controls is None:
            return None
        most = self.intact.mean
        steps = [
            self.ablated.mean,
            *(getattr(self.condition(name), "mean", None) for name in ("refitted", "compensated")),
            self.attained,
            most if self.bound is None else self.bound,
            most,
        ]
        found, reached = {}, steps[0]
        for part, step in zip(PARTS, steps[1:], strict=True):
            next_one = min(most, reached if step is None else max(reached, step))
            found[part] = next_one - reached
            reached = next_one
        return found

    @cached_property
    def is_specific(self) -> bool | None:
        """Whether both shams keep the function; ``None`` where one was not done, or its interval does not tell."""
        kept = [self.condition(name) for name in ("sham_excitation", "sham_random")]
        found = [None if score is None else reaches(score, self.criterion) for score in kept]
        return False if False in found else None if None in found else True

    def __repr__(self):
        why = self.reason and f" ({self.reason})"
        score = f"{self.intact.mean:.3g} -> {self.ablated.mean:.3g}"
        return f"<Judgement of {self.function or 'a function'}, {self.system}: {self.verdict}{why or ''}; {score}>"


def reaches(score: Estimate, level: float) -> bool | None:
    """Whether a score reaches a level; ``None`` if its interval straddles it."""
    low, high = (score.mean if end is None else end for end in (score.low, score.high))
    if low >= level - ROUNDING:
        return True
    return False if high < level - ROUNDING else None


def judged(
    system: str,
    function: str,
    fractions: np.ndarray,
    scores: np.ndarray,
    criterion: Criterion,
    limits: tuple[float | None, float | None, float | None],
    controls: Controls | None,
    is_exact: bool,
    assumes: tuple[str, ...] = (),
) -> Judgement:
    """Judge scores, fractions × seeds; limits are the score of a constant answer, the attained one and the bound."""
    intact, ablated = over_seeds(scores[0], is_exact), over_seeds(scores[-1], is_exact)
    level = float(criterion.level(intact.mean))
    critical = critical_fraction(fractions, scores, level, is_exact)
    if intact.mean < criterion.least - ROUNDING:  # what is not computed cannot be lost
        critical = Critical(None, None, None)
    return Judgement(
        system,
        function,
        level,
        float(criterion.least),
        *limits,
        intact,
        ablated,
        controls,
        critical,
        is_exact,
        assumes,
    )


def shared(judgements: Iterable[Judgement]) -> tuple[str, str | None]:
    """The verdict and the reason that all systems share; ``"differs"`` where they do not."""
    found = list(judgements)
    verdicts, reasons = {each.verdict for each in found}, {each.reason for each in found}
    verdict = verdicts.pop() if len(verdicts) == 1 else DIFFERS
    return verdict, (None if verdict != LOST else reasons.pop() if len(reasons) == 1 else DIFFERS)
