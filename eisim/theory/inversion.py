"""Inversion complexity: the least number of inhibitory neurons that compute a function, and what fewer can do.

Markov (1957, J. ACM 5:331): if f falls from 1 to 0 at most d times along any increasing chain of inputs, then
ceil(log2(d + 1)) inversions suffice and are needed.
"""

from collections.abc import Iterable, Iterator
from fractions import Fraction

import numpy as np

from eisim.base.progress import Report, silent
from eisim.functions.truth_table import TruthTable
from eisim.theory.bitset import as_set
from eisim.theory.cover import lightest_cover
from eisim.theory.floor import zero_one
from eisim.theory.order import Points, violations
from eisim.theory.sample import Sample


def falls(values) -> np.ndarray:
    """The largest number of falls on chains from 0 up to each pattern; it never decreases along the order.

    The values are those of any number of functions (..., 2**n_inputs), by pattern in counting order.
    """
    f = np.asarray(values, dtype=bool)
    count = np.zeros(f.shape, dtype=np.int8)
    for x in range(1, f.shape[-1]):  # counting order visits every pattern after all those below it
        for bit in range(x.bit_length()):
            if x >> bit & 1:
                below = x ^ (1 << bit)
                fall = f[..., below] & ~f[..., x]
                count[..., x] = np.maximum(count[..., x], count[..., below] + fall)
    return count


def inversion_complexity(function: TruthTable) -> int:
    """The least number of inhibitory neurons of a feed-forward threshold circuit, under Dale's law."""
    return int(falls(function.values).max()).bit_length()


def falling_chain(sample: Sample, report: Report = silent) -> list[int]:
    """Observations along an increasing chain on which a function of two values falls most often: 1, 0, 1, 0, ...

    Where one point has both labels, the one with more weight counts.
    """
    graph = Points.of(sample, report)
    high = sample.levels > sample.targets.min()
    label = [sum(w if high[row] else -w for row, w in rows) > 0 for rows in graph.at]
    # Of each point, how often the labels change at most on a chain from 0 up to it; beyond[k]: above k changes.
    changes, beyond = [], [0]
    for i, up in enumerate(graph.above):
        most = next(k for k in reversed(range(len(beyond))) if not k or beyond[k] >> i & 1)
        most += most % 2 != label[i]
        changes.append(most)
        beyond += [0] * (most + 1 - len(beyond))
        beyond[most] |= up
    chain, k = [], max(changes) // 2 * 2
    while k:
        at = next(i for i, c in enumerate(changes) if c == k and (not chain or graph.above[i] >> chain[-1] & 1))
        chain.append(at)
        k -= 1
    first = {int(point): row for row, point in reversed(list(enumerate(graph.point)))}
    return [int(sample.first[first[i]]) for i in reversed(chain)]


def floor_with(sample: Sample, inhibitory: int, report: Report = silent) -> tuple[float, np.ndarray]:
    """The least zero-one error of any circuit with `inhibitory` inhibitory neurons on a function of two values.

    Such a circuit computes the parity of a non-decreasing count of changes, at most 2**(inhibitory + 1) - 1: for each
    k, whether the count reaches k is monotone, and it is easier for smaller k. So the best one is a best monotone
    function of the inputs and of -k together (Ishikawa, IEEE PAMI 25:1333, 2003).

    Returns the error and, at every observation, the value of a function with this error that such a circuit computes.
    """
    low, high = sample.targets.min(), sample.targets.max()
    n, steps = len(sample.points), np.arange(1, 2 ** (inhibitory + 1))
    is_high = np.where((steps % 2)[:, None], sample.targets > low, sample.targets == low)
    points = np.column_stack([np.tile(sample.ordered, (len(steps), 1)), -np.repeat(steps, n)])
    stacked = Sample(points, is_high.ravel().astype(float), np.tile(sample.weights, len(steps)))
    _, reaches = zero_one(violations(stacked, report), report)
    best = np.where(reaches.reshape(len(steps), n).sum(axis=0) % 2, high, low)
    weights = [Fraction(float(w)) for w in sample.weights]
    wrong = sum(w for w, is_wrong in zip(weights, best != sample.targets, strict=True) if is_wrong)
    return float(wrong / sum(weights)), best


def floors_with(sample: Sample, inhibitory: Iterable[int], report: Report = silent) -> Iterator[float]:
    """The errors that `floor_with` finds with these numbers of inhibitory neurons, without the functions.

    Only the number is wanted, so the points are compared once: a copy (x, k) is at most (y, l) just if x <= y and
    k >= l. The lightest cover of the copies says the error. For a point whose label is high the m copies, an odd
    number, have the labels 1, 0, 1, ..., 1; a count c says 1 for the first c of them and 0 for the others, so it is
    wrong on (m - 1) / 2 copies if it is odd, and on one more if it is even; for a low label, the other way round. Hence
    the error on the copies is that of the parity on the points plus (m - 1) / 2 times the weight of all points,
    whatever the weights, and wherever labels of one point disagree. That much flows from copies of a point to the
    copies before them, which is where the search begins.
    """
    graph, lowest = Points.of(sample, report), sample.targets.min()
    n, total = len(graph.above), sum(sample.exact_weights)
    high = [sum(w for row, w in rows if sample.levels[row] > lowest) for rows in graph.at]
    low = [sum(w for row, w in rows if sample.levels[row] == lowest) for rows in graph.at]
    weights = {True: high, False: low}
    above = {}
    for label, weight in weights.items():
        among = as_set([i for i, w in enumerate(weight) if w])
        above[label] = [bits & among for bits in graph.above]
    for r in inhibitory:
        report(f"floor with {r} inhibitory neurons")
        edges, supply, demand, flow, reached = [], [], {}, {}, [0] * n
        for k in range(2 ** (r + 1) - 1):  # from 0 on, so that the label of the even ones is that of the point
            label = k % 2 == 0
            reached = [bits | more << k * n for bits, more in zip(reached, above[not label], strict=True)]
            rows = [i for i in reversed(range(n)) if weights[label][i]]
            if k:
                flow |= {(k - 1) * n + i: {len(edges) + at: weights[label][i]} for at, i in enumerate(rows)}
            edges += [reached[i] for i in rows]
            supply += [weights[label][i] for i in rows]
            demand |= {k * n + i: w for i, w in enumerate(weights[not label]) if w}
        cover = lightest_cover(edges, supply, demand, flow=flow)
        yield float(Fraction(cover.weight - total * (2**r - 1), total))
