"""The dominance order of inputs, and how a function breaks it.

Non-negative weights and non-decreasing activations compose to functions with x <= y => f(x) <= f(y) (Wang et al.,
ICCV 2023), so one pair x <= y with f(x) > f(y), a *witness*, proves that no excitatory-only network computes f. A
negative bias is a threshold, no inhibitory synapse: it shifts an activation, which stays non-decreasing.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import NamedTuple

import numpy as np

from eisim.base import memory
from eisim.base.errors import InputError
from eisim.base.progress import Report, silent
from eisim.theory.bitset import pack
from eisim.theory.cover import lightest_cover
from eisim.theory.plane import least_monotone
from eisim.theory.sample import Sample

_AT_ONCE = 2**22  # comparisons in one step
#: After the first number of inputs, pairs are compared one by one if at most one in the second number is left.
_COLUMNS_AT_ONCE, _SPARSE = 4, 32
#: More comparisons of points of two inputs take longer than sorting them does.
_MANY = 2**22
#: Comparisons that are kept, in a bit each: 4 GB.
MOST_COMPARISONS = 2**35


class Witness(NamedTuple):
    """Two inputs, `lower` <= `upper` throughout, between which a function falls: no excitatory-only circuit's does."""

    lower: tuple
    upper: tuple


def check_comparisons(lower: int, upper: int) -> None:
    """Refuse more comparisons of points than are made anywhere."""
    if lower * upper > MOST_COMPARISONS:
        raise InputError(
            f"expected at most {int(MOST_COMPARISONS**0.5):,} distinct points, since all pairs are compared and a bit "
            f"is kept of each, found {lower:,} × {upper:,} pairs ({lower * upper / 8e9:,.0f} GB)"
        )


def check_memory(pairs: int, points: int) -> None:
    """Refuse points of whose pairs more are kept, in a bit each, than memory is there for."""
    memory.check("comparing points", pairs / 8, f"{points:,} points, of whose pairs a bit each is kept")


def comparisons(lower, upper, report: Report = silent) -> Iterator[tuple[slice, np.ndarray]]:
    """Compare each point of `lower` with each of `upper` (points × inputs): whether it is <= in every input.

    Yields slices of `lower`, each with a matrix of bool, points of the slice × points of `upper`.
    """
    check_comparisons(len(lower), len(upper))
    columns = np.ascontiguousarray(upper.T)
    at_once = max(1, _AT_ONCE // max(1, len(upper)))
    for start in range(0, len(lower) or 1, at_once):
        report("comparing points", start / (len(lower) or 1))
        rows = slice(start, min(start + at_once, len(lower)))
        below = np.ones((rows.stop - rows.start, len(upper)), dtype=bool)
        for k, (mine, theirs) in enumerate(zip(lower[rows].T, columns, strict=True)):
            if k and k % _COLUMNS_AT_ONCE == 0 and np.count_nonzero(below) < below.size / _SPARSE:
                below = _sparsely(below, lower[rows].T[k:], columns[k:])
                break
            below &= mine[:, None] <= theirs
        yield rows, below


def _sparsely(below, lower, upper) -> np.ndarray:
    """The pairs of a few that further inputs leave."""
    rows, columns = np.nonzero(below)
    for mine, theirs in zip(lower, upper, strict=True):
        keep = mine[rows] <= theirs[columns]
        rows, columns = rows[keep], columns[keep]
    below = np.zeros_like(below)
    below[rows, columns] = True
    return below


@dataclass(frozen=True, eq=False)
class Violations(ABC):
    """How a function breaks the order, at pairs x <= y with f(x) > f(y)."""

    sample: Sample
    pairs: int  # of observations

    @property
    @abstractmethod
    def worst(self) -> tuple[int, int] | None:
        """Observations of the pair with the largest fall; of equal ones distinct points, the nearest, the lowest."""

    @abstractmethod
    def cover(self) -> np.ndarray:
        """Whether each distinct row is in the lightest cover of the pairs, of all such in that with the most of x."""

    @property
    def witness(self) -> Witness | None:
        """The pair with the largest fall, the nearest such pair."""
        if self.worst is None:
            return None
        return Witness(*(tuple(self.sample.points[i].tolist()) for i in self.worst))

    @property
    def largest_fall(self) -> Fraction:
        """The largest f(x) - f(y), 0 if there is none."""
        if self.worst is None:
            return Fraction(0)
        x, y = (Fraction(float(self.sample.targets[i])) for i in self.worst)
        return x - y


@dataclass(frozen=True, eq=False)
class ViolatingPairs(Violations):
    """All pairs x <= y with f(x) > f(y)."""

    rows: np.ndarray  # the distinct rows of the sample that can be x, by falling height
    columns: np.ndarray  # those that can be y, by rising target and height
    above: list[int]  # for each x the set of y, as positions in `columns`

    @cached_property
    def worst(self):
        found = []
        for k, bits in enumerate(self.above):
            for _ in range(2):  # the second, lest the first be the same point
                if bits:
                    found.append((self.rows[k], self.columns[(bits & -bits).bit_length() - 1]))
                    bits &= bits - 1
        if not found:
            return None
        x, y = np.array(found).T
        levels, height = self.sample.levels / 2, self.sample.height
        distance = height[y] - height[x]
        k = np.lexsort((height[x], distance, distance == 0, levels[y] - levels[x]))[0]
        return self.sample.first[x[k]], self.sample.first[y[k]]

    def cover(self) -> np.ndarray:
        weights = self.sample.exact_weights
        demand = {k: weights[j] for k, j in enumerate(self.columns)}
        lightest = lightest_cover(self.above, [weights[i] for i in self.rows], demand)
        covered = np.zeros(len(weights), dtype=bool)
        covered[self.rows[list(lightest.rows)]] = True
        covered[self.columns[list(lightest.columns)]] = True
        return covered


def violations(sample: Sample, report: Report = silent) -> ViolatingPairs:
    """Find all pairs of a sample that break the order."""
    levels, counts, ranks = sample.levels, sample.counts, sample.ranks
    rows = np.flatnonzero(levels > levels.min())
    rows = rows[np.argsort(-sample.height[rows], kind="stable")]
    columns = np.flatnonzero(levels < levels.max())
    columns = columns[np.lexsort((sample.height[columns], levels[columns]))]
    check_comparisons(len(rows), len(columns))
    check_memory(len(rows) * len(columns), len(levels))
    lower_targets = np.searchsorted(levels[columns], levels[rows])  # the first so many columns have a lower target
    plain = (counts == 1).all()
    above, pairs = [], 0
    for chunk, below in comparisons(ranks[rows], ranks[columns], report):
        if (lower_targets[chunk] < len(columns)).any():
            below &= np.arange(len(columns)) < lower_targets[chunk, None]
        sets = pack(below)
        if plain:
            pairs += sum(bits.bit_count() for bits in sets)
        else:
            pairs += int(counts[rows[chunk]] @ (below @ counts[columns]))
        above += sets
    return ViolatingPairs(sample, pairs, rows, columns, above)


def extend(points, known, values, report: Report = silent) -> np.ndarray:
    """The least monotone function at `points` that is at least `values` at `known` ones; below all it is the least."""
    if points.shape[1] <= 2 and len(points) * len(known) > _MANY:
        return least_monotone(points, known, values)
    order = np.argsort(-values, kind="stable")
    found = np.full(len(points), values.min())
    for chunk, below in comparisons(-points, -known[order], report):
        first = below.argmax(axis=1)
        found[chunk] = np.where(below[np.arange(len(first)), first], values[order[first]], found[chunk])
    return found


class Points:
    """The distinct points of a sample, in an order that extends dominance, and what is known at each."""

    point: np.ndarray  # of each distinct row of the sample
    at: list[list[tuple[int, int]]]  # for each point its distinct rows, with their weights
    above: list[int]  # for each point the set of points that are >= it

    @classmethod
    def of(cls, sample: Sample, report: Report = silent) -> "Points":
        """The points of a sample, whose pairs are compared only once."""
        known = vars(sample)
        if "graph" not in known:
            known["graph"] = cls(sample, report)
        return known["graph"]

    def __init__(self, sample: Sample, report: Report = silent):
        ranks, point = sample.distinct_points
        check_comparisons(len(ranks), len(ranks))
        check_memory(len(ranks) ** 2, len(ranks))
        order = np.argsort(ranks.sum(axis=1, dtype=np.int64), kind="stable")
        self.point = np.argsort(order)[point]
        self.at = at_points(sample, self.point)
        self.above = [bits for _, below in comparisons(ranks[order], ranks[order], report) for bits in pack(below)]


def at_points(sample: Sample, point: np.ndarray) -> list[list[tuple[int, int]]]:
    """For each point the distinct rows of a sample that are at it, with their weights; `point` is that of each row."""
    at: list[list[tuple[int, int]]] = [[] for _ in range(int(point.max()) + 1)]
    for row, (i, weight) in enumerate(zip(point.tolist(), sample.exact_weights, strict=True)):
        at[i].append((row, weight))
    return at
