"""The floor: the least error of any excitatory-only network on finite data, exactly, and the function that has it.

On finite points the best excitatory-only network is the best monotone function on the dominance order. Its zero-one
error is a lightest vertex cover of the violating pairs; L1 and L2 are isotonic regression, by recursive cuts of
least weight (Stout, arXiv:2107.00251; Spouge, Wan & Wilbur, J. Optim. Theory Appl. 117:585, 2003); L-infinity is half
the largest fall.
"""

from fractions import Fraction

import numpy as np

from eisim.base.progress import Report, silent
from eisim.theory.order import ViolatingPairs, Violations, at_points, extend
from eisim.theory.sample import Sample, exact
from eisim.theory.up_sets import up_sets


def zero_one(found: Violations, report: Report = silent) -> tuple[float, np.ndarray]:
    """The least share of weight that any monotone function gets wrong.

    The points that it gets right are free of violating pairs: with two values of the target a vertex cover of a
    bipartite graph; with more, an antichain of the violating pairs, which are a partial order, so that Dilworth's
    theorem gives a bipartite graph again (Fulkerson 1956). Returns that share, and the values of a monotone function
    with this error at every observation.
    """
    report("finding the lightest cover")
    sample, weights, wrong = found.sample, found.sample.exact_weights, found.cover()
    kept = np.array([weight > 0 for weight in weights]) & ~wrong
    best = sample.levels.copy()
    if not kept.all():
        best[~kept] = extend(sample.ranks[~kept], sample.ranks[kept], best[kept], report)
    return float(Fraction(sum(weights[i] for i in np.flatnonzero(wrong)), sum(weights))), best[sample.row]


def disjoint_pairs(found: ViolatingPairs) -> list[tuple[int, int]]:
    """A largest set of violating pairs without a common point, for a function of two values: observations, sorted.

    In each pair one point is wrong; where all points weigh the same, there are as many errors (König).
    """
    from scipy import sparse
    from scipy.sparse.csgraph import maximum_bipartite_matching  # which imports much

    edges = np.array([[bits >> k & 1 for k in range(len(found.columns))] for bits in found.above], dtype=bool)
    if not edges.size:
        return []
    partner = maximum_bipartite_matching(sparse.csr_array(edges), perm_type="column")
    row = found.sample.first
    return sorted((int(row[found.rows[i]]), int(row[found.columns[j]])) for i, j in enumerate(partner) if j >= 0)


def linf(found: Violations, report: Report = silent) -> tuple[float, np.ndarray]:
    """The least largest error of any monotone function; returns as `zero_one`."""
    sample = found.sample
    ranks, levels = sample.ranks, sample.levels
    highest_below = extend(ranks, ranks, levels, report)
    lowest_above = -extend(-ranks, -ranks, -levels, report)
    return float(found.largest_fall / 2), (highest_below / 2 + lowest_above / 2)[sample.row]


def l1(sample: Sample, report: Report = silent) -> tuple[float, np.ndarray]:
    """The least mean absolute error of any monotone function; returns as `zero_one`.

    Where the best function exceeds a threshold is a best up-set for the labels "target above it", and those of two
    thresholds can be nested; so the values are found by bisection, each half on its own points.
    """
    graph, values = up_sets(sample, report), np.unique(sample.targets)
    rank = np.searchsorted(values, sample.levels).tolist()
    best, at = np.empty(graph.size, dtype=int), at_points(sample, graph.point)

    def split(points, low, high):
        if low == high:
            best[points] = low
            return []
        middle = (low + high + 1) // 2
        upper, lower = graph.best(points, lambda i: sum(w if rank[row] >= middle else -w for row, w in at[i]))
        return [(upper, middle, high), (lower, low, middle - 1)]

    _divide(split, (list(range(len(best))), 0, len(values) - 1), len(best), report)
    fitted = best[graph.point]
    whole, unit = exact(values)
    weights = sample.exact_weights
    error = sum(w * abs(whole[k] - whole[j]) for w, k, j in zip(weights, fitted.tolist(), rank, strict=True))
    return float(error * unit / sum(weights)), values[fitted[sample.row]]


def l2(sample: Sample, report: Report = silent) -> tuple[float, np.ndarray]:
    """The least mean squared error of any monotone function; returns as `zero_one`.

    Points that share one value have their mean; any up-set among them whose own mean is higher is split off.
    """
    graph = up_sets(sample, report)
    whole, unit = exact(sample.levels)
    weight, moment = [0] * graph.size, [0] * graph.size
    for i, w, target in zip(graph.point.tolist(), sample.exact_weights, whole, strict=True):
        weight[i] += w
        moment[i] += w * target
    squares = Fraction(sum(w * target**2 for w, target in zip(sample.exact_weights, whole, strict=True)))
    fitted = np.zeros(graph.size)

    def split(points):
        nonlocal squares
        total, mass = sum(moment[i] for i in points), sum(weight[i] for i in points)
        upper, lower = graph.best(points, lambda i: moment[i] * mass - weight[i] * total)
        if upper and lower:
            return [(upper,), (lower,)]
        fitted[points] = float(Fraction(total, mass) * unit)
        squares -= Fraction(total**2, mass)  # what their mean explains
        return []

    weighty = [i for i, w in enumerate(weight) if w]
    _divide(split, (weighty,), len(weighty), report)
    if len(weighty) < len(fitted):  # points of no weight take the value of those below
        ranks = sample.ranks[np.unique(graph.point, return_index=True)[1]]
        idle = np.setdiff1d(np.arange(len(fitted)), weighty)
        fitted[idle] = extend(ranks[idle], ranks[weighty], fitted[weighty])
    return float(squares * unit**2 / sum(weight)), fitted[graph.point][sample.row]


def _divide(split, whole, n, report):
    """Split sets of points (first of each job's items) until `split` returns nothing more to do."""
    jobs, done = [whole], 0
    while jobs:
        job = jobs.pop()
        if job[0]:
            more = split(*job)
            jobs += more
            done += 0 if more else len(job[0])
            report("regression", done / n)
