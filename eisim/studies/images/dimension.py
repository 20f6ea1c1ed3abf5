"""Effect of the number of inputs on comparable pairs, floors, and networks trained under sign constraints.

An excitatory-only circuit is bound by comparable pairs of points. The more inputs, the fewer random pairs are
comparable: of two points drawn from the corners of the n-cube, ``x <= y`` or ``y <= x`` with probability
``2 (3/4)^n - (1/2)^n``.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eisim.adapter import DNN
from eisim.analysis.training import job
from eisim.base.errors import InputError
from eisim.base.progress import silent
from eisim.functions.truth_table import patterns
from eisim.studies.curves import ROUNDING, below_floor, contradiction
from eisim.studies.images.data import Images
from eisim.theory.evidence import Floors
from eisim.theory.floor import zero_one
from eisim.theory.order import extend
from eisim.theory.sample import Sample
from eisim.theory.swept import find_violations

CONSTRAINTS = ("free", "excitatory")
PARTS = ("train", "test")
#: Less than for generalisation: the question is how close training comes to the floor.
PENALTY = 1e-5
#: Sides to which images are pooled, up to their own side, in pixels.
SIDES = (1, 2, 3, 4, 6, 8, 14, 28)
#: Numbers of inputs of random Boolean functions, complete and sampled.
WHOLE = tuple(range(1, 13))
SAMPLED = (4, 6, 7, 8, 10, 12, 14, 16, 20, 24, 32, 40, 48)
SAMPLES = (100, 1000)


@dataclass(frozen=True, eq=False)
class PooledResult:
    """Images pooled to fewer and fewer inputs: each class against all others, for every side."""

    sides: np.ndarray  # (n_sides,): there are side × side inputs
    classes: np.ndarray  # (n_classes,): the judged ones
    comparable: np.ndarray  # (n_sides,): share of pairs of training images, one nowhere brighter than the other
    # For "train" and "test": the least share of images at which an excitatory-only network is wrong, sides × classes.
    floors: dict[str, np.ndarray]
    # By constraint and part: the share at which the trained network is wrong, with a threshold of 0, sides × classes.
    errors: dict[tuple[str, str], np.ndarray]
    # Share of test images at which the least of the best monotone functions of the training images is wrong (it is 0
    # but where the image is brighter everywhere than one at which it is 1), sides × classes.
    extended: np.ndarray
    determined: np.ndarray  # share at which the least and the greatest such function agree, sides × classes
    prevalence: np.ndarray  # (n_classes,): share of each class in the test images: the error of always saying no

    @property
    def baseline(self) -> np.ndarray:
        """Error of the majority-class baseline (the best constant answer) on test images, for each class."""
        return np.minimum(self.prevalence, 1 - self.prevalence)

    @property
    def problems(self) -> list[str]:
        """Contradictions of the theory."""
        found = []
        for part in PARTS:
            error, floor = self.errors["excitatory", part], self.floors[part]
            for s, c in np.ndindex(error.shape):
                inputs = f"{self.sides[s]} × {self.sides[s]} inputs"
                system = f"excitatory-only network of {inputs}, class {self.classes[c]}, {part}"
                found += below_floor("images", system, 1 - error[s, c], floor[s, c])
            # Averages over areas are monotone functions of the pixels.
            for s, c in np.argwhere(floor[:-1] < floor[-1] - ROUNDING):
                finding = (
                    f"fewer inputs lower the floor of class {self.classes[c]}, {part}: {floor[-1, c]:.4f} with "
                    f"{self.sides[-1]} × {self.sides[-1]}, {floor[s, c]:.4f} with {self.sides[s]} × {self.sides[s]}"
                )
                found.append(contradiction("images", finding))
        return found


@dataclass(frozen=True, eq=False)
class BooleanResult:
    """Floors of random Boolean functions, numbers of inputs × functions."""

    inputs: np.ndarray
    n_points: np.ndarray  # of each function: all, or the number of distinct ones drawn
    floors: np.ndarray  # least share of points that an excitatory-only network gets wrong
    comparable: np.ndarray  # share of comparable pairs


def comparable_share(points) -> float:
    """Share of the pairs of different rows of which one is <= the other in every input."""
    return Floors(Sample(points, np.zeros(len(points)), np.ones(len(points)))).comparable_share()


def pool_jobs(images: Images, hidden: int, iterations: int, seeds: Sequence[int]) -> list[dict]:
    """Networks to train: for every side and constraint, one whose outputs each exceed 0 for their own class."""
    jobs, how = [], {"loss": "one-vs-rest", "penalty": PENALTY, "iterations": iterations}
    for side, seed in zip(sides(images), seeds, strict=True):
        points, name = images.pooled(side).train_points, f"{images.name} {side} × {side}"
        for signs in CONSTRAINTS:
            jobs.append(job(points, images.train_targets, (hidden,), signs, seed, name=f"{name}, {signs}", **how))
    return jobs


def sides(images: Images) -> list[int]:
    """Sides to which these images are pooled; the last is as they are, if they are square."""
    return sorted({side for side in SIDES if side <= min(images.shape)} | {min(images.shape)})


def pooled_result(images: Images, dnns: Sequence[DNN], report=silent) -> PooledResult:
    """Judge the networks trained by `pool_jobs`, and add the floors."""
    all_sides, judged = sides(images), images.classes if len(images.classes) > 2 else images.classes[1:]
    is_class = {part: getattr(images, f"{part}_targets")[:, None] == judged for part in PARTS}
    shape = len(all_sides), len(judged)
    floors = {part: np.empty(shape) for part in PARTS}
    errors = {(signs, part): np.empty(shape) for signs in CONSTRAINTS for part in PARTS}
    extended, determined, comparable = np.empty(shape), np.empty(shape), np.empty(len(all_sides))
    for s, side in enumerate(all_sides):
        report("floors of pooled images", s / len(all_sides))
        pooled = images.pooled(side)
        train, test = pooled.train_points, pooled.test_points
        comparable[s] = comparable_share(train)
        for signs, dnn in zip(CONSTRAINTS, dnns[s * len(CONSTRAINTS) :], strict=False):
            for part, points in zip(PARTS, (train, test), strict=True):
                errors[signs, part][s] = np.mean(dnn.decide(points) != is_class[part], axis=0)
        for c in range(len(judged)):
            floors["train"][s, c], best = _floor(train, is_class["train"][:, c])
            floors["test"][s, c], _ = _floor(test, is_class["test"][:, c])
            least, greatest = extend(test, train, best), -extend(-test, -train, -best)
            extended[s, c] = np.mean(least != is_class["test"][:, c])
            determined[s, c] = np.mean(least == greatest)
    prevalence = is_class["test"].mean(axis=0)
    return PooledResult(np.array(all_sides), judged, comparable, floors, errors, extended, determined, prevalence)


def _floor(points, targets):
    return zero_one(find_violations(Sample(points, targets.astype(float), np.ones(len(points)))))


def boolean_floors(inputs: Sequence[int], n_points: int | None, functions: int, seed, report=silent) -> BooleanResult:
    """Floors of random Boolean functions, `functions` for each number of inputs.

    For each function, up to `n_points` distinct patterns are drawn at random; None for all.
    """
    if n_points is None and max(inputs) > 14:
        raise InputError(f"boolean_floors: expected at most 14 inputs of whole functions, found {max(inputs)}")
    shape = len(inputs), functions
    floors, comparable, judged = np.zeros(shape), np.zeros(shape), np.zeros(len(inputs), dtype=int)
    what = "random functions" if n_points is None else "samples of random functions"
    for k, n in enumerate(inputs):
        report(f"floors of {what}", k / len(inputs))
        for f, rng in enumerate(map(np.random.default_rng, seed.spawn(functions))):
            points = _points(n, n_points, rng)
            judged[k] = len(points)
            floors[k, f], _ = _floor(points, rng.random(len(points)) < 0.5)
            comparable[k, f] = comparable_share(points)
    return BooleanResult(np.array(inputs), judged, floors, comparable)


def _points(n, n_points, rng):
    """All corners of the n-cube, or `n_points` distinct ones."""
    if n_points is None or 2**n <= n_points:
        return patterns(n).astype(float)
    if n <= 20:
        chosen = rng.choice(2**n, n_points, replace=False)
        return (chosen[:, None] >> np.arange(n) & 1).astype(float)
    drawn = rng.integers(0, 2, (2 * n_points, n))
    _, first = np.unique(drawn, axis=0, return_index=True)
    return drawn[np.sort(first)[:n_points]].astype(float)


def expected_comparable(inputs) -> np.ndarray:
    """Probability that two different random corners of the n-cube are comparable."""
    n = np.asarray(inputs, dtype=float)
    equal = 0.5**n
    return 2 * (0.75**n - equal) / (1 - equal)
