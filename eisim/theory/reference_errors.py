"""Errors that a floor is compared with: of the best constant answer, and of the best function of any kind."""

import numpy as np

from eisim.functions import LabelledData
from eisim.theory.sample import Sample


def constant_error(observed: LabelledData | Sample, loss: str) -> float:
    """Error of the best answer that is the same everywhere, by one of the losses of `certify`."""
    y, w = observed.targets, observed.weights
    if loss == "zero_one":
        return float(1 - np.bincount(np.unique(y, return_inverse=True)[1], w).max() / w.sum())
    if loss == "linf":
        return float(np.ptp(y) / 2)
    if loss == "l2":
        return float(np.average((y - np.average(y, weights=w)) ** 2, weights=w))
    order = np.argsort(y, kind="stable")
    median = y[order][np.searchsorted(np.cumsum(w[order]), w.sum() / 2)]
    return float(np.average(np.abs(y - median), weights=w))


def of_any_function(observed: LabelledData | Sample) -> float:
    """Least share of weight that any function at all answers wrongly: where observations of one point disagree."""
    by, ordered = np.lexsort(observed.ordered.T[::-1]), observed.ordered
    new, point = (ordered[by[1:]] != ordered[by[:-1]]).any(axis=1), np.zeros(len(by), dtype=int)
    point[by[1:]] = np.cumsum(new)
    levels, level = np.unique(observed.targets, return_inverse=True)
    cells, cell = np.unique(point * len(levels) + level, return_inverse=True)
    weight, most = np.bincount(cell, observed.weights), np.zeros(len(cells))
    np.maximum.at(most, cells // len(levels), weight)
    disagree = len(cells) > cells[-1] // len(levels) + 1
    return max(0.0, float(1 - most.sum() / weight.sum())) if disagree else 0.0
