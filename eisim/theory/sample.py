"""A function on finitely many points, as the theory sees it."""

from fractions import Fraction
from functools import cached_property

import numpy as np


class Sample:
    """A function on finitely many points, each distinct pair of point and target once."""

    def __init__(self, points: np.ndarray, targets: np.ndarray, weights: np.ndarray, order: np.ndarray | None = None):
        """A sample of observations; `order`, if given, orders the points by ranks of inputs that float64 merges."""
        self.points, self.targets, self.weights = points, targets, weights
        self.ordered = points if order is None else order
        columns = [np.unique(column, return_inverse=True)[1] for column in (*self.ordered.T, targets)]
        ranks = np.stack(columns, axis=1).astype(np.min_scalar_type(-len(points) - 1))
        lexical = np.lexsort(ranks.T[::-1])
        new = np.ones(len(lexical), dtype=bool)
        new[1:] = (ranks[lexical[1:]] != ranks[lexical[:-1]]).any(axis=1)
        self.row = np.empty(len(lexical), dtype=int)  # distinct row of each observation
        self.row[lexical] = np.cumsum(new) - 1
        self.first = lexical[new]  # an observation of each distinct row
        self.all_ranks = ranks[self.first, :-1]  # of the inputs at each distinct row
        self.levels = targets[self.first]
        self.counts = np.bincount(self.row)  # observations at each distinct row

    @cached_property
    def ranks(self) -> np.ndarray:
        """Ranks at each distinct row of the inputs that order anything: without constant and repeated ones."""
        useful = {column.tobytes(): column for column in self.all_ranks.T if np.ptp(column)}
        return np.stack([*useful.values()] or [self.all_ranks[:, 0]], axis=1)

    @cached_property
    def distinct_points(self) -> tuple[np.ndarray, np.ndarray]:
        """Ranks of the distinct points, sorted, and which of them each distinct row is at."""
        new = np.ones(len(self.ranks), dtype=bool)  # rows are sorted, so those of one point are neighbours
        new[1:] = (self.ranks[1:] != self.ranks[:-1]).any(axis=1)
        return self.ranks[new], np.cumsum(new) - 1

    @cached_property
    def exact_weights(self) -> list[int]:
        """Weight of each distinct row, exactly, in some unit."""
        weights, kind = np.unique(self.weights, return_inverse=True)
        return sums(self.row, kind, exact(weights)[0], len(self.first))

    @property
    def scaled(self) -> np.ndarray:
        return by_range(self.points)

    @cached_property
    def height(self) -> np.ndarray:
        """Sum of the scaled inputs of each distinct row: of x <= y the difference is their distance."""
        return self.scaled[self.first].sum(axis=1)


def by_range(points: np.ndarray) -> np.ndarray:
    """The points with every input scaled to 0 to 1."""
    points = points / 2  # no overflow
    span = np.ptp(points, axis=0)
    return (points - points.min(axis=0)) / np.where(span > 0, span, 1)


def exact(numbers) -> tuple[list[int], Fraction]:
    """Finite floats as whole multiples of a unit, without rounding; returns the multiples and the unit."""
    ratios = [float(number).as_integer_ratio() for number in numbers]
    parts = max(denominator for _, denominator in ratios)  # all are powers of two
    return [numerator * (parts // denominator) for numerator, denominator in ratios], Fraction(1, parts)


def sums(row, kind, weights: list[int], n: int) -> list[int]:
    """Exact weight of each of n rows, of observations of which the row and the kind of weight are given."""
    pairs, copies = np.unique(row * len(weights) + kind, return_counts=True)
    total = [0] * n
    for pair, c in zip(pairs.tolist(), copies.tolist(), strict=True):
        total[pair // len(weights)] += weights[pair % len(weights)] * c
    return total
