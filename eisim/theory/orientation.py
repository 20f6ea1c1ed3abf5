"""Which inputs to flip: an input that one inhibitory neuron relays counts downwards.

Flipping inputs changes which points are comparable, and so the floor. ON and OFF pairs of all inputs make distinct
points incomparable: what is left is the disagreement at repeated points, below which no orientation can go.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations

import numpy as np

from eisim.base.errors import InputError
from eisim.base.progress import Report, silent
from eisim.theory.cover import lightest_cover
from eisim.theory.order import MOST_COMPARISONS, comparisons
from eisim.theory.sample import Sample

#: Largest number of inputs for which all orientations are tried.
EXHAUSTIVE = 12


@dataclass(frozen=True)
class Orientation:
    """The inputs to flip for the lowest zero-one floor, as few as possible: each needs one inhibitory relay."""

    flipped: tuple[int, ...]
    floor: float  # the zero-one floor then
    exact: bool  # whether no other orientation has a lower one; else the best found by flipping one after another
    on_off_floor: float  # the zero-one floor if every input comes as an ON and OFF pair


def best_orientation(sample: Sample, report: Report = silent) -> Orientation:
    """Find the orientation of the inputs with the lowest zero-one floor.

    Up to `EXHAUSTIVE` inputs every orientation is tried, the fewest flips first, and given up as soon as its floor
    is known not to be lower than the lowest so far. Beyond, single inputs are flipped in turn while that helps, from
    the better of two starts: no input flipped, or those that correlate negatively with the target.
    """
    n_inputs = sample.points.shape[1]
    floor, on_off = _floors(sample, report)
    best, least = frozenset(), floor(frozenset(), None)

    def consider(flipped):
        nonlocal best, least
        found = floor(flipped, least + (len(flipped) < len(best)))
        if found is not None:
            best, least = flipped, found

    weights = sample.weights / sample.weights.max()
    points, targets = (x - np.average(x, axis=0, weights=weights) for x in (sample.scaled, sample.targets))
    slopes = (weights * targets) @ points
    consider(frozenset(np.flatnonzero(slopes < 0).tolist()))
    if n_inputs <= EXHAUSTIVE:
        orientations = [frozenset(c) for k in range(n_inputs + 1) for c in combinations(range(n_inputs), k)]
        for k, flipped in enumerate(orientations):
            report("trying orientations", k / len(orientations))
            if least == on_off and len(flipped) >= len(best):
                break
            consider(flipped)
    else:
        before = None
        while before != best and least > on_off:
            before = best
            for j in range(n_inputs):
                report("trying orientations", j / n_inputs)
                consider(best ^ {j})
    total = sum(sample.exact_weights)
    exact = n_inputs <= EXHAUSTIVE or least == on_off
    return Orientation(tuple(sorted(best)), float(Fraction(least, total)), exact, float(Fraction(on_off, total)))


def _floors(sample, report) -> tuple[Callable, int]:
    """A function from the flipped inputs to the weight of the floor, and that weight for ON and OFF pairs."""
    levels, ranks, weights = sample.levels, sample.all_ranks, sample.exact_weights
    rows, columns = np.flatnonzero(levels > levels.min()), np.flatnonzero(levels < levels.max())
    if len(rows) * len(columns) * 2 * ranks.shape[1] > MOST_COMPARISONS:
        found = f"{len(rows):,} × {len(columns):,} pairs of points × 2 × {ranks.shape[1]} inputs"
        raise InputError(f"orientation: expected at most {MOST_COMPARISONS:,} comparisons of inputs, found {found}")

    def compared(lower, upper):
        chunks = comparisons(lower[:, None], upper[:, None], report)
        return np.concatenate([np.packbits(below, axis=1, bitorder="little") for _, below in chunks])

    target = np.unique(levels, return_inverse=True)[1]
    falls = compared(1 - target[rows], -target[columns])
    upwards, downwards = ([compared(x[rows], x[columns]) for x in signed] for signed in (ranks.T, -ranks.T))
    row_weights = [weights[i] for i in rows]
    column_weights = {k: weights[j] for k, j in enumerate(columns)}

    def cover(matrices, less_than=None):
        edges = np.bitwise_and.reduce([falls, *matrices])
        sets = [int.from_bytes(row.tobytes(), "little") for row in edges]
        return lightest_cover(sets, row_weights, column_weights, less_than)

    def floor(flipped, less_than):
        matrices = [(downwards if j in flipped else upwards)[j] for j in range(len(upwards))]
        found = cover(matrices, less_than)
        return None if found is None or (less_than is not None and found.weight >= less_than) else found.weight

    return floor, cover(upwards + downwards).weight
