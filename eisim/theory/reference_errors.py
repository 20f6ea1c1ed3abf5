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
    _, point = np.unique(observed.ordered, axis=0, return_inverse=True)
    both, cell = np.unique(np.column_stack([point.ravel(), observed.targets]), axis=0, return_inverse=True)
    weight, most = np.bincount(cell.ravel(), observed.weights), np.zeros(len(both))
    np.maximum.at(most, both[:, 0].astype(int), weight)
    return max(0.0, float(1 - most.sum() / weight.sum())) if len(both) > both[-1, 0] + 1 else 0.0
