"""Evidence for a floor on labelled rows: how many rows are comparable, and the floors of other labels.

A floor counts pairs of rows of which one is at least the other in every input. With many inputs there are few, and
nearly any labels have a low floor. A floor is therefore compared with those of permuted labels (the permutation
test of Fisher and Pitman): a floor well below them shows that labels rise with the inputs.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from eisim.base.progress import Report, silent
from eisim.base.values import ByName
from eisim.theory.bitset import as_set, members, pack
from eisim.theory.cover import lightest_cover
from eisim.theory.floor import zero_one
from eisim.theory.order import Points, comparisons
from eisim.theory.plane import ordered_pairs, sorted_places
from eisim.theory.sample import Sample, exact, sums
from eisim.theory.sweep import lightest_loss
from eisim.theory.swept import can_sweep, find_violations

PERMUTATIONS = 20
#: A floor more than this many standard deviations below those of permuted labels is notable.
DEVIATIONS = 3
#: Share of comparable pairs of rows above which even few rows are informative.
MANY_PAIRS = 0.5
#: Largest number of distinct points for which all pairs are compared; smaller if the target has more values than `FEW`.
MOST_POINTS, FEW, MOST_OF_MANY_VALUES = 20_000, 20, 3_000
#: Beyond, labels are permuted only if at most this many pairs of rows are comparable.
MOST_PAIRS = 10_000_000
_ROWS_AT_ONCE = 2_000
_NOT_PERMUTED = "Labels are not permuted beyond {:,} distinct rows, unless few pairs of rows are comparable."


@dataclass(frozen=True)
class Evidence:
    """Evidence reported with a floor; all errors are zero-one."""

    floor: float
    floor_inverted: float  # of the inverted target
    constant: float  # error of the best constant answer
    comparable_share: float | None = None  # of the pairs of rows: one is at least the other in every input
    permuted: tuple[float, ...] = ()  # floors of permutations of the labels, which keep their weights, among the rows
    left_out: str = ""  # why one of these is missing

    @property
    def floor_permuted(self) -> dict[str, float] | None:
        """Median, lowest and highest floor of permuted labels."""
        if not self.permuted:
            return None
        found = {"median": float(np.median(self.permuted)), "low": min(self.permuted), "high": max(self.permuted)}
        return ByName("Certificate.floor_permuted", found)

    def stands_out(self, floor: float) -> bool:
        """Whether a floor is lower than the mean of permuted labels by more than `DEVIATIONS` standard deviations."""
        return bool(floor < np.mean(self.permuted) - DEVIATIONS * np.std(self.permuted, ddof=1))

    @property
    def conclusive(self) -> bool | None:
        """`Certificate.conclusive`: where permuted labels are fitted well, hardly any labels would be refused."""
        if not self.permuted:
            return None
        many = self.comparable_share is not None and self.comparable_share >= MANY_PAIRS
        stands_out = self.stands_out(min(self.floor, self.floor_inverted))
        return bool(many or stands_out or np.median(self.permuted) >= self.constant / 2 - 1e-12)


def evidence(sample: Sample, is_sample: bool = True, report: Report = silent) -> Evidence:
    """Compute the evidence for a floor; labels are permuted where the points are a sample of all possible ones."""
    values, level = np.unique(sample.targets, return_inverse=True)
    by_value = np.bincount(level, sample.weights / sample.weights.max())
    constant = float(1 - by_value.max() / by_value.sum())
    if can_sweep(sample):
        floors = SweptFloors(sample)
        is_much = len(sample.first) > MOST_POINTS and not (floors.comparable <= MOST_PAIRS and floors.weighs_equally)
        why = _NOT_PERMUTED.format(MOST_POINTS)
    elif len(sample.first) <= MOST_POINTS:
        floors = Floors(sample, report)
        most = MOST_OF_MANY_VALUES if len(values) > FEW else MOST_POINTS
        why = f"Labels of more than {FEW} values are not permuted beyond {most:,} distinct rows."
        is_much = len(sample.first) > most
    elif (pairs := comparable_pairs(sample, report)) is not None and (sample.weights == sample.weights[0]).all():
        floors, is_much, why = SparseFloors(len(sample.points), *pairs), False, ""
    else:
        inverted = Sample(sample.points, -sample.targets, sample.weights, sample.ordered)
        here, there = (zero_one(find_violations(each, report), report)[0] for each in (sample, inverted))
        return Evidence(here, there, constant, left_out=_NOT_PERMUTED.format(MOST_POINTS))
    here, there = floors.of(level), floors.of(-level)
    if not is_sample:
        why = "Labels are not permuted, since the function is known at all its points."
    if is_much or not is_sample:
        return Evidence(here, there, constant, floors.comparable_share(), left_out=why)
    rng, found = np.random.default_rng(0), []
    rows = np.lexsort((sample.weights, sample.row))  # so that the order of rows in a file does not matter
    for k in range(PERMUTATIONS):
        report("permuting labels", k / PERMUTATIONS)
        labels, weights = level.copy(), np.arange(len(level))
        drawn = rng.permutation(rows)
        labels[rows], weights[rows] = level[drawn], drawn
        found.append(floors.of(labels, weights))
    return Evidence(here, there, constant, floors.comparable_share(), tuple(found))


def comparable_pairs(sample: Sample, report: Report = silent) -> tuple[np.ndarray, np.ndarray] | None:
    """Observations i and j of all pairs of which i is at most j in every input; ``None`` if there are too many."""
    ranks = sample.ranks[sample.row]
    height = ranks.sum(axis=1, dtype=np.int64)
    order = np.argsort(height, kind="stable")
    ranks, n, found, n_found = ranks[order], len(order), [], 0
    for start in range(0, n, _ROWS_AT_ONCE):
        report("comparing points", start / n * (2 - start / n))
        for rows, below in comparisons(ranks[start : start + _ROWS_AT_ONCE], ranks[start:]):
            lower, upper = np.nonzero(below)
            lower += rows.start
            keep = lower < upper  # what comes later in the order is not below, unless it is the same
            found.append((lower[keep] + start, upper[keep] + start))
            n_found += len(found[-1][0])
            if n_found > MOST_PAIRS:
                return None
    lower, upper = (order[np.concatenate(each)] for each in zip(*found, strict=True))
    same = height[lower] == height[upper]
    return np.concatenate([lower, upper[same]]), np.concatenate([upper, lower[same]])


class SweptFloors:
    """Like `Floors`, for two labels of points of two inputs."""

    def __init__(self, sample: Sample):
        self._points = sample.ranks[sample.row].T
        weights, self._kind = np.unique(sample.weights, return_inverse=True)
        self._weights, _ = exact(weights)
        self._total = sum(sample.exact_weights)
        self.weighs_equally = len(weights) == 1

    @cached_property
    def comparable(self) -> int:
        """Number of pairs of observations of which one is at least the other in every input."""
        _, place = sorted_places(self._points[0], self._points[-1])
        ones = np.ones(len(place), dtype=np.int64)
        return ordered_pairs(place, ones, ones)

    def comparable_share(self) -> float:
        n = len(self._kind)
        return self.comparable / (n * (n - 1) / 2)

    def of(self, labels: np.ndarray, weights: np.ndarray | None = None) -> float:
        """The floor of labels, as of `Floors`."""
        high = labels > labels.min()
        order, place = sorted_places(self._points[0], self._points[-1], ~high)
        kind = (self._kind if weights is None else self._kind[weights])[order].tolist()
        signs = zip(kind, high[order].tolist(), strict=True)
        gains = [self._weights[k] if is_high else -self._weights[k] for k, is_high in signs]
        return lightest_loss(place, gains) / self._total


class SparseFloors:
    """Like `Floors`, for n observations of equal weight with few comparable pairs (`lower` and `upper`)."""

    def __init__(self, n: int, lower: np.ndarray, upper: np.ndarray):
        self.n, self.lower, self.upper = n, lower, upper

    def comparable_share(self) -> float:
        first, last = np.minimum(self.lower, self.upper), np.maximum(self.lower, self.upper)
        return len(np.unique(first * self.n + last)) / (self.n * (self.n - 1) / 2)

    def of(self, labels: np.ndarray, weights: np.ndarray | None = None) -> float:
        """The floor of labels: as many are wrong as there are pairs in a largest matching (König, Fulkerson)."""
        from scipy import sparse
        from scipy.sparse.csgraph import maximum_bipartite_matching

        falls = labels[self.lower] > labels[self.upper]
        pairs = self.lower[falls], self.upper[falls]
        edges = sparse.csr_array((np.ones(len(pairs[0]), dtype=bool), pairs), shape=(self.n, self.n))
        return int((maximum_bipartite_matching(edges, perm_type="column") >= 0).sum()) / self.n


class Floors:
    """Zero-one floors of any labels of the points of a sample, for which their pairs are compared once."""

    def __init__(self, sample: Sample, report: Report = silent):
        graph = Points.of(sample, report)
        self.point = graph.point[sample.row]  # of each observation
        self.above = graph.above
        self.counts = np.bincount(self.point, minlength=len(self.above))
        weights, self._kind = np.unique(sample.weights, return_inverse=True)
        self._weights, _ = exact(weights)
        self._total = sum(sample.exact_weights)
        self._start, self._above = self._places(len(np.unique(sample.targets)))

    def comparable_share(self) -> float:
        """Share of the pairs of observations of which one is at least the other in every input."""
        n = len(self.point)
        if (self.counts == 1).all():
            comparable = sum(bits.bit_count() for bits in self.above) - n
        else:
            ordered = sum(
                int(c) * int(self.counts[members(bits)].sum()) for c, bits in zip(self.counts, self.above, strict=True)
            )
            comparable = ordered - int((self.counts * (self.counts + 1)).sum()) // 2
        return comparable / (n * (n - 1) / 2)

    def of(self, labels: np.ndarray, weights: np.ndarray | None = None) -> float:
        """The floor of labels, one for each observation; `weights`: of which observation each takes the weight."""
        levels, level = np.unique(labels, return_inverse=True)
        pairs, cell = np.unique(self.point * len(levels) + level, return_inverse=True)
        point, level = pairs // len(levels), pairs % len(levels)
        first = np.searchsorted(point, point)
        slot = self._start[point] + np.arange(len(pairs)) - first
        weight = sums(cell, self._kind if weights is None else self._kind[weights], self._weights, len(pairs))
        by_level = np.argsort(level, kind="stable")
        bounds = np.searchsorted(level[by_level], np.arange(len(levels) + 1))
        edges, supply, lower = [], [], 0
        for k in range(1, len(levels)):
            lower |= as_set(slot[by_level[bounds[k - 1] : bounds[k]]])
            for row in reversed(by_level[bounds[k] : bounds[k + 1]].tolist()):
                if bits := self._above[slot[row]] & lower:
                    edges.append(bits)
                    supply.append(weight[row])
        demand = dict(zip(slot.tolist(), weight, strict=True))
        return lightest_cover(edges, supply, demand).weight / self._total

    def _places(self, n_levels) -> tuple[np.ndarray, list[int]]:
        """Where the labels of each point begin among those of all points, and the set of places above each."""
        copies = np.minimum(self.counts, n_levels)  # labels that one point can have at most
        start = np.cumsum(copies) - copies
        if (copies == 1).all():
            return start, self.above
        owner, above = np.repeat(np.arange(len(copies)), copies), []
        for bits, n in zip(self.above, copies.tolist(), strict=True):
            flags = np.zeros(len(copies), dtype=bool)
            flags[members(bits)] = True
            above += pack(flags[None, owner]) * n
        return start, above
