"""A function on finitely many points, as the theory sees it."""

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np


@dataclass(frozen=True, eq=False)
class Sample:
    """A function on finitely many points, each distinct pair of point and target once.

    Attributes
    ----------
    points : ndarray of shape (n, n_inputs)
    targets : ndarray of shape (n,)
    weights : ndarray of shape (n,)
    order : ndarray of shape (n, n_inputs) or None
        What orders the points instead of themselves: ranks of inputs of which float64 merges some.
    """

    points: np.ndarray
    targets: np.ndarray
    weights: np.ndarray
    order: np.ndarray | None = None

    @property
    def ordered(self) -> np.ndarray:
        """What orders the points."""
        return self.points if self.order is None else self.order

    @cached_property
    def _distinct(self):
        """Ranks of the inputs and index of each distinct row, and row of each observation."""
        columns = [np.unique(column, return_inverse=True)[1] for column in (*self.ordered.T, self.targets)]
        ranks = np.stack(columns, axis=1).astype(np.min_scalar_type(-len(self.points) - 1))
        order = np.lexsort(ranks.T[::-1])
        new = np.ones(len(order), dtype=bool)
        new[1:] = (ranks[order[1:]] != ranks[order[:-1]]).any(axis=1)
        row = np.empty(len(order), dtype=int)
        row[order] = np.cumsum(new) - 1
        first = order[new]
        return ranks[first, :-1], first, row

    @property
    def all_ranks(self) -> np.ndarray:
        """Ranks of the inputs at each distinct row."""
        return self._distinct[0]

    @cached_property
    def ranks(self) -> np.ndarray:
        """Ranks at each distinct row of the inputs that order anything: without constant and repeated ones."""
        useful = {column.tobytes(): column for column in self.all_ranks.T if np.ptp(column)}
        return np.stack([*useful.values()] or [self.all_ranks[:, 0]], axis=1)

    @property
    def first(self) -> np.ndarray:
        """An observation of each distinct row."""
        return self._distinct[1]

    @property
    def row(self) -> np.ndarray:
        """Distinct row of each observation."""
        return self._distinct[2]

    @property
    def levels(self) -> np.ndarray:
        """Target of each distinct row."""
        return self.targets[self.first]

    @cached_property
    def counts(self) -> np.ndarray:
        """Number of observations at each distinct row."""
        return np.bincount(self.row)

    @cached_property
    def exact_weights(self) -> list[int]:
        """Weight of each distinct row, exactly, in some unit."""
        weights, kind = np.unique(self.weights, return_inverse=True)
        pairs, copies = np.unique(self.row * len(weights) + kind, return_counts=True)
        whole, _ = exact(weights)
        total = [0] * len(self.first)
        for pair, n in zip(pairs.tolist(), copies.tolist(), strict=True):
            total[pair // len(weights)] += whole[pair % len(weights)] * n
        return total

    @property
    def scaled(self) -> np.ndarray:
        """The points with every input scaled to 0 to 1."""
        points = self.points / 2  # no overflow
        span = np.ptp(points, axis=0)
        return (points - points.min(axis=0)) / np.where(span > 0, span, 1)

    @cached_property
    def height(self) -> np.ndarray:
        """Sum of the scaled inputs of each distinct row: of x <= y the difference is their distance."""
        return self.scaled[self.first].sum(axis=1)


def exact(numbers) -> tuple[list[int], Fraction]:
    """Finite floats as whole multiples of a unit, without rounding; returns the multiples and the unit."""
    ratios = [float(number).as_integer_ratio() for number in numbers]
    parts = max(denominator for _, denominator in ratios)  # all are powers of two
    return [numerator * (parts // denominator) for numerator, denominator in ratios], Fraction(1, parts)
