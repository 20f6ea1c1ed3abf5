"""One assumption of the theorem, and what excitatory-only circuits do without it, by dose of the mechanism."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from eisim.analysis.statistics import Estimate, with_t_interval
from eisim.base.progress import headed
from eisim.base.timing import Timing
from eisim.circuit import Circuit
from eisim.functions import LabelledData
from eisim.simulation import Response, begin
from eisim.studies.curves import contradiction
from eisim.studies.order.order import Share, share
from eisim.theory.certificate import certify

#: Times of a trial of each kind, in s, and the number of frames of its stimuli.
TIMES = {"rate": Timing(0.4, 0.05, 0.5e-3), "spiking": Timing(0.5, 0.2, 0.2e-3)}
FRAMES = {"rate": 8, "spiking": 5}
#: A response falls if it falls by more than this, in Hz: 1 % of the range of rates, and the edges of a window.
CLEAR = {"rate": 1.0, "spiking": 9.9}
#: What is no rounding, where the theorem applies.
ROUNDING = 1e-6
#: If none of the pairs violates order, a share up to this is expected to have been seen.
RARE = 0.05

#: What an outcome says as its limit does.
SAID = ("name", "assumption", "kind", "dose", "short", "unit", "function", "remedy", "proof", "onset")

Draw = Callable[[np.random.Generator, int], tuple[np.ndarray, np.ndarray]]


def ordered(columns: int, low: float = 0.0, high: float = 1.0) -> Draw:
    """Draws ordered pairs of points: coordinates of the lower one are uniform, those of the upper one above them."""

    def draw(rng, n):
        lower = rng.uniform(low, high, (n, columns))
        return lower, lower + (high - lower) * rng.random((n, columns))

    return draw


def as_they_are(points: np.ndarray) -> np.ndarray:
    """Points as stimuli."""
    return points


def first_rate(response: Response, dose: float) -> np.ndarray:
    """The rate of the first readout, in Hz."""
    return response.readouts[:, 0]


@dataclass(frozen=True)
class Case:
    """A circuit by dose, ordered pairs of points, how points are stimuli, and how responses are read.

    `read` gives a number for each trial, or several, of which none may fall.
    """

    build: Callable[[float], Circuit]
    draw: Draw
    encode: Callable[[np.ndarray], np.ndarray] = as_they_are
    read: Callable[[Response, float], np.ndarray] = first_rate
    shares_noise: bool = False  # whether both points of a pair are given the same noise


@dataclass(frozen=True)
class Limit:
    """An assumption of the theorem, a mechanism that breaks it, and what restores it."""

    name: str
    assumption: str  # that the mechanism breaks
    kind: Literal["rate", "spiking"]
    dose: str  # what is varied
    short: str  # the same for an axis
    unit: str
    doses: tuple[float, ...]
    function: str  # what the theorem forbids, in words
    points: tuple[tuple[float, ...], ...]
    targets: tuple[int, ...]
    case: Case
    remedy: str
    restored: Case  # at the largest dose
    proof: str  # why order breaks, and why the remedy restores it
    compared: int | None = None  # number of leading columns of the points that the order compares, if not all
    threshold: float = 50.0  # of the decision
    clear: float | None = None  # by how much a response falls at least, if not `CLEAR`
    onset: float | None = None  # the dose at which violations begin, as far as it is derived
    is_proved: bool = True  # whether the theorem applies with the remedy
    begins_proved: bool | None = None  # and to the first dose, by default likewise
    repeats: int = 1  # of the points

    @property
    def keeps_pairs(self) -> bool:
        """Whether the remedy changes the circuit, not which pairs are ordered, so that the function is the same."""
        return self.restored.draw is self.case.draw


@dataclass(frozen=True, eq=False)
class Outcome:
    """What was measured of one assumption.

    Attributes
    ----------
    name, assumption, kind, dose, short, unit, function, remedy, proof : str
    onset : float or None
        Dose at which violations begin, as derived.
    bound : float
        Best score of any excitatory-only circuit to which the theorem applies: 1 - floor.
    doses : tuple of float
    scores : ndarray of shape (doses, repeats)
        Share of the points at which the decision is right.
    violations : tuple of Share
        For each dose, of the ordered pairs those whose response falls.
    largest : tuple of float
        Largest fall at each dose, in Hz or as a decision.
    restored : Share
        The same as `violations` at the largest dose with the remedy.
    restored_fall : float
    restored_scores : ndarray of shape (repeats,) or None
        Scores with the remedy at the largest dose; None if the remedy is another order of the inputs.
    is_proved, begins_proved : bool
        Whether the theorem applies with the remedy, and at the first dose.
    """

    name: str
    assumption: str
    kind: str
    dose: str
    short: str
    unit: str
    function: str
    remedy: str
    proof: str
    onset: float | None
    bound: float
    doses: tuple[float, ...]
    scores: np.ndarray
    violations: tuple[Share, ...]
    largest: tuple[float, ...]
    restored: Share
    restored_fall: float
    restored_scores: np.ndarray | None
    is_proved: bool
    begins_proved: bool

    @property
    def estimates(self) -> list[Estimate]:
        """Mean score at each dose, with an interval over repeats where there are any."""
        return [with_t_interval(scores) for scores in self.scores]

    @property
    def best(self) -> int:
        """Number of the dose with the best score, the smallest such dose."""
        return int(self.scores.mean(axis=1).argmax())

    @property
    def first(self) -> int | None:
        """Number of the first dose with a violation; None if there is none."""
        found = [k for k, each in enumerate(self.violations) if each.count]
        return found[0] if found else None

    @property
    def axis(self) -> str:
        """What is varied, with its unit."""
        return f"{self.short} ({self.unit})" if self.unit else self.short

    @property
    def derived(self) -> str | None:
        """Where violations begin, as derived."""
        if self.onset is None:
            return None
        return f"{self.onset:.3g} {self.unit}".strip() if self.onset else "above 0"

    @property
    def forbidden(self) -> bool:
        """Whether the best score exceeds the bound."""
        return self.scores.mean(axis=1).max() > self.bound + ROUNDING

    @property
    def problems(self) -> list[str]:
        """Contradictions of the theorem where it applies, and a mechanism that breaks nothing."""
        found, first = [], float(self.scores[0].mean())
        if self.begins_proved and self.largest[0] > ROUNDING:
            found.append(contradiction(self.name, f"order breaks at the first dose, by {self.largest[0]:.3g}"))
        if self.begins_proved and first > self.bound + ROUNDING:
            found.append(contradiction(self.name, f"a score of {first:g} at the first dose exceeds {self.bound:g}"))
        if self.is_proved and self.restored_fall > ROUNDING:
            found.append(contradiction(self.name, f"order breaks with the remedy, by {self.restored_fall:.3g}"))
        if self.restored_scores is not None and (score := self.restored_scores.mean()) > self.bound + ROUNDING:
            what = f"a score of {score:g} with the remedy exceeds {self.bound:g}"
            found.append(contradiction(self.name, what) if self.is_proved else f"{self.name}: {what}")
        for dose, seen in zip(self.doses, self.violations, strict=True):
            if self.onset is not None and dose <= self.onset and seen.count:
                found.append(f"{self.name}: expected violations above {self.onset:g}, found {seen.count} at {dose:g}")
        if self.first is None and not self.forbidden and self.violations[-1].interval[1] < RARE:
            found.append(f"{self.name}: expected violations of order, found none")
        return found


@dataclass(frozen=True, eq=False)
class LimitsResult:
    """Measurements of all assumptions."""

    curves = ()  # nothing is ablated

    outcomes: tuple[Outcome, ...]

    @property
    def problems(self) -> list[str]:
        """Contradictions of the theory, and checks that failed."""
        return [problem for outcome in self.outcomes for problem in outcome.problems]


def measure(
    limits: Sequence[Limit], pairs: int, kinds: Sequence[str], seed: int, backend: str, report: Callable[..., None]
) -> LimitsResult:
    """Simulate all circuits of a kind, at all doses, in one batch.

    Parameters
    ----------
    limits : sequence of Limit
    pairs : int
        Number of ordered pairs that are drawn at each dose.
    kinds : sequence of {"rate", "spiking"}
    seed, backend, report
        As for `eisim.simulate`.

    Returns
    -------
    LimitsResult
    """
    seeds = np.random.SeedSequence(seed).spawn(len(limits))
    waiting = []
    for kind in ("rate", "spiking"):
        drawn = [each for each in zip(limits, seeds, strict=True) if each[0].kind == kind and kind in kinds]
        if drawn:
            chosen, plans = [limit for limit, _ in drawn], [list(_plan(limit, pairs, child)) for limit, child in drawn]
            batch = [each for plan in plans for part in plan for each in part]
            circuits, stimuli = [circuit for circuit, _ in batch], [each for _, each in batch]
            how = {"record": False, "backend": backend, "report": headed(report, f"{kind} circuits")}
            times = TIMES[kind]
            how |= {"duration": times.duration, "window": times.window, "dt": times.dt, "seed": seed}
            waiting.append((chosen, plans, begin(circuits, stimuli, **how)))
    outcomes = []
    for chosen, plans, finish in waiting:
        responses = iter(finish())
        for limit, plan in zip(chosen, plans, strict=True):
            found = [[next(responses) for _ in part] for part in plan]
            outcomes.append(_outcome(limit, found, pairs))
    return LimitsResult(tuple(outcomes))


def _plan(limit, pairs, seed):
    """Circuits with stimuli, in parts: one for each dose, and one with the remedy."""
    at = [*((limit.case, dose) for dose in limit.doses), (limit.restored, limit.doses[-1])]
    points = np.tile(np.array(limit.points, dtype=float), (limit.repeats, 1))
    for (case, dose), child in zip(at, seed.spawn(len(at)), strict=True):
        lower, upper = case.draw(np.random.default_rng(child), pairs)
        circuit = case.build(dose)
        sets = [lower, upper] if case.shares_noise else [np.concatenate([lower, upper])]
        if case is limit.case or limit.keeps_pairs:
            sets[0] = np.concatenate([sets[0], points])
        yield [(circuit, _in_frames(case.encode(each), FRAMES[limit.kind])) for each in sets]


def _in_frames(stimuli, frames):
    """Constant stimuli in as many frames as those that vary."""
    return stimuli if stimuli.ndim == 3 else np.repeat(stimuli[:, None], frames, axis=1)


def _outcome(limit, found, pairs) -> Outcome:
    doses = limit.doses
    targets, n = np.array(limit.targets, dtype=bool), len(limit.targets)
    cases = [*(limit.case for _ in doses), limit.restored]
    scores, falls = [], []
    for case, dose, responses in zip(cases, [*doses, doses[-1]], found, strict=True):
        values = [case.read(response, dose) for response in responses]
        values = [each.reshape(len(each), -1) for each in values]
        lower, rest = values[0][:pairs], values[-1]
        upper = rest[:pairs] if case.shares_noise else rest[pairs : 2 * pairs]
        falls.append((lower - upper).max(axis=1))
        if case is limit.case or limit.keeps_pairs:
            answers = values[0][-n * limit.repeats :] > limit.threshold
            right = (answers.reshape(limit.repeats, n, -1) == targets[:, None]).mean(axis=1)
            scores.append(right[:, right.mean(axis=0).argmax()])  # of several numbers the best
    clear = CLEAR[limit.kind] if limit.clear is None else limit.clear
    broken = [share(fall > clear) for fall in falls]
    compared = np.array(limit.points)[:, : limit.compared]
    certificate = certify(LabelledData(compared, limit.targets), ("zero_one",), orient=False)
    said = {name: getattr(limit, name) for name in SAID}
    largest = [max(0.0, float(fall.max())) for fall in falls]
    return Outcome(
        **said,
        bound=1 - certificate.floor["zero_one"],
        doses=doses,
        scores=np.array(scores[: len(doses)]),
        violations=tuple(broken[:-1]),
        largest=tuple(largest[:-1]),
        restored=broken[-1],
        restored_fall=largest[-1],
        restored_scores=scores[-1] if limit.keeps_pairs else None,
        is_proved=limit.is_proved,
        begins_proved=limit.is_proved if limit.begins_proved is None else limit.begins_proved,
    )
