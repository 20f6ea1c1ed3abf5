"""Order violations of a function of two values on points of two inputs, found by a sweep in place of all pairs."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from eisim.base.progress import Report, silent
from eisim.theory.order import Violations, violations
from eisim.theory.plane import highest_before, ordered_pairs, sorted_places
from eisim.theory.sample import Sample
from eisim.theory.sweep import heaviest_up_set

#: Points of two inputs are swept if there are more than this many; pairs of fewer are compared for other purposes.
FROM = 1_000


def is_wide_plane(sample: Sample) -> bool:
    """Whether at most two inputs order the points of a sample, and they are so many that a sweep gains time."""
    return sample.ranks.shape[1] <= 2 and len(sample.first) > FROM


def can_sweep(sample: Sample) -> bool:
    """Whether a sweep finds the violations of a sample: those of a function of two values, of two inputs."""
    return is_wide_plane(sample) and len(np.unique(sample.levels)) <= 2


def find_violations(sample: Sample, report: Report = silent) -> Violations:
    """Find how a sample breaks the order, by a sweep where there is one, else from all pairs."""
    return SweptViolations.of(sample, report) if can_sweep(sample) else violations(sample, report)


@dataclass(frozen=True, eq=False)
class SweptViolations(Violations):
    """Violating pairs of a function of two values on points of two inputs: their number, the worst, and their cover."""

    high: np.ndarray  # whether each distinct row has the higher value
    order: np.ndarray  # of the distinct rows in the sweep; where both values are at one point the higher comes first
    place: np.ndarray

    @classmethod
    def of(cls, sample: Sample, report: Report = silent) -> "SweptViolations":
        """The violations of a sample."""
        report("sorting points")
        high = sample.levels > sample.levels.min()
        order, place = sorted_places(sample.ranks[:, 0], sample.ranks[:, -1], ~high)
        counts, is_high = sample.counts[order], high[order]
        pairs = ordered_pairs(place, np.where(is_high, counts, 0), np.where(is_high, 0, counts))
        return cls(sample, pairs, high, order, place)

    @cached_property
    def worst(self):
        if not self.pairs:
            return None
        height, first = self.sample.height, self.sample.first
        rows, columns = np.flatnonzero(self.high), np.flatnonzero(~self.high)
        nearest = self._lowest_above(columns[np.argsort(height[columns], kind="stable")])[rows]
        x, y = rows[nearest >= 0], nearest[nearest >= 0]
        if not len(x):  # both values at one point are all there is
            _, point = self.sample.distinct_points
            pair = np.flatnonzero(point[1:] == point[:-1])  # neighbours, the lower value first
            x, y = pair + 1, pair
        distance = height[y] - height[x]
        k = np.lexsort((height[x], distance, distance == 0))[0]
        return first[x[k]], first[y[k]]

    def _lowest_above(self, rising: np.ndarray) -> np.ndarray:
        """For each distinct row the first of these rows that is above it, and not at the same point; -1 if none is."""
        ranks, high = self.sample.ranks, self.high
        # Turned round, the order of the sweep goes down, and what is the first of them is the highest number.
        order, place = sorted_places(-ranks[:, 0], -ranks[:, -1], ~high)
        number = np.full(len(high), -1)
        number[rising] = np.arange(len(rising))[::-1]
        found = np.empty(len(high), dtype=int)
        found[order] = highest_before(place, number[order])
        return np.where(found >= 0, rising[::-1][found], -1)

    def cover(self) -> np.ndarray:
        weights = self.sample.exact_weights
        gains = [w if is_high else -w for w, is_high in zip(weights, self.high.tolist(), strict=True)]
        inside = np.empty(len(weights), dtype=bool)
        inside[self.order] = heaviest_up_set(self.place, [gains[i] for i in self.order.tolist()])
        return (self.high != inside) & np.array([w > 0 for w in weights])
