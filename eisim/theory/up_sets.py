"""Up-sets of the points of a sample with the largest total gain, of whatever gains.

From them isotonic regression is made: where the best function exceeds a threshold is such an up-set.
"""

from collections.abc import Callable
from typing import Protocol

import numpy as np

from eisim.base.progress import Report, silent
from eisim.theory.bitset import as_set, members
from eisim.theory.cover import lightest_cover
from eisim.theory.order import Points
from eisim.theory.plane import sorted_places
from eisim.theory.sample import Sample
from eisim.theory.sweep import heaviest_up_set
from eisim.theory.swept import is_wide_plane


class UpSets(Protocol):
    """The distinct points of a sample, in an order that extends dominance, of which up-sets can be found."""

    point: np.ndarray  # of each distinct row of the sample
    size: int  # number of points

    def best(self, points: list[int], gain: Callable[[int], int]) -> tuple[list[int], list[int]]:
        """Split `points`, ascending, into an up-set with the largest total gain, as small as can be, and the rest."""


def up_sets(sample: Sample, report: Report = silent) -> UpSets:
    """The points of a sample: swept if they are many and of two inputs, else all compared."""
    if is_wide_plane(sample):
        return SweptUpSets(sample)
    return ComparedUpSets(Points.of(sample, report))


class ComparedUpSets:
    """Up-sets of points whose pairs have been compared (Picard 1976)."""

    def __init__(self, graph: Points):
        self.point, self.size, self._above = graph.point, len(graph.above), graph.above

    def best(self, points, gain):
        gains = {i: gain(i) for i in points}
        winners = [i for i in reversed(points) if gains[i] > 0]
        losers = {i: -gains[i] for i in points if gains[i] < 0}
        among = as_set([*losers])
        cover = lightest_cover([self._above[i] & among for i in winners], [gains[i] for i in winners], losers)
        up = 0
        for k, i in enumerate(winners):
            if k not in cover.rows:
                up |= self._above[i]
        upper = set(members(up))
        return [i for i in points if i in upper], [i for i in points if i not in upper]


class SweptUpSets:
    """Up-sets of points of two inputs, in the order of a sweep."""

    def __init__(self, sample: Sample):
        ranks, self.point = sample.distinct_points  # which are sorted as a sweep wants them
        self.size = len(ranks)
        _, self._place = sorted_places(ranks[:, 0], ranks[:, -1])

    def best(self, points, gain):
        among = np.array(points)
        upper = heaviest_up_set(self._place[among], [gain(i) for i in points])
        return among[upper].tolist(), among[~upper].tolist()
