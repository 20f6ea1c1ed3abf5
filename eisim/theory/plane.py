"""The order of points of two inputs, as a permutation: counts and neighbours without comparing all pairs.

Sorted by the first input, then by the second, each point has a place by the second: x <= y just if x comes first and
has the lower place. Halving the places again and again parts every two points once, and at that moment what a point
must know of those that come before it, in the other half, is a running sum or extreme: O(n log n) in all.
"""

from collections.abc import Iterator

import numpy as np

#: The points that are at least some point of a level are found one level after another if there are at most so many.
_FEW = 8


def sorted_places(first: np.ndarray, second: np.ndarray, *ties: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Order of points of two inputs, and the place by the second input of each in that order.

    Where points are the same, the first of `ties` decides, then the second, ...: a pair of equal points counts as
    x <= y in the sequence in which they stand.
    """
    order = np.lexsort((*reversed(ties), second, first))
    place = np.empty(len(order), dtype=np.int64)
    place[np.argsort(second[order], kind="stable")] = np.arange(len(order))
    return order, place


def _halvings(place: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """For each halving of the places the points by group, in the order of the sweep, and which are in the upper half.

    Both are matrices, groups × points; numbers from the number of points on only fill them.
    """
    n = len(place)
    size = 1 << max(1, (n - 1).bit_length())
    point = np.arange(size)
    place = np.concatenate([place, point[n:]])
    while size > 1:
        point = point.reshape(-1, size)
        size //= 2
        upper = (place[point] & size) != 0
        yield point, upper
        halves = (point[~upper].reshape(-1, size), point[upper].reshape(-1, size))
        point = np.stack(halves, axis=1)


def ordered_pairs(place: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> int:
    """The sum of lower[x] × upper[y] over all pairs x <= y of different points in the order of a sweep."""
    lower, upper = (_filled(values, 0) for values in (lower, upper))
    total = 0
    for point, is_upper in _halvings(place):
        before = np.cumsum(np.where(is_upper, 0, lower[point]), axis=1)
        total += int((before[is_upper] * upper[point[is_upper]]).sum())
    return total


def highest_before(place: np.ndarray, values: np.ndarray) -> np.ndarray:
    """For each point y the largest value, a whole number, of all other points x <= y; -1 if none is larger."""
    values = _filled(values, -1)
    found = np.full(len(values), -1)
    for point, is_upper in _halvings(place):
        highest = np.maximum.accumulate(np.where(is_upper, -1, values[point]), axis=1)
        at = point[is_upper]
        found[at] = np.maximum(found[at], highest[is_upper])
    return found[: len(place)]


def _filled(values, filling):
    """The values, and as many more as `_halvings` adds."""
    more = (1 << max(1, (len(values) - 1).bit_length())) - len(values)
    return np.concatenate([values, np.full(more, filling)])


def closure(place: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Which points are at least some chosen one, of points in the order of a sweep."""
    if not len(place):
        return chosen
    lowest = np.minimum.accumulate(np.where(chosen, place, place.max() + 1))
    return lowest <= place


def least_monotone(points: np.ndarray, known: np.ndarray, values: np.ndarray) -> np.ndarray:
    """What `order.extend` finds, for points of one or two inputs."""
    levels, rank = np.unique(values, return_inverse=True)
    both = np.concatenate([known, points])
    asks = np.arange(len(both)) >= len(known)
    order, place = sorted_places(both[:, 0], both[:, -1], asks)
    rank = np.concatenate([rank, np.full(len(points), -1)])[order]
    found = np.empty(len(both), dtype=int)
    if len(levels) <= _FEW:
        found[order] = np.sum([closure(place, rank >= k) for k in range(1, len(levels))], axis=0)
    else:
        found[order] = highest_before(place, rank)
    return levels[np.maximum(found[len(known) :], 0)]
