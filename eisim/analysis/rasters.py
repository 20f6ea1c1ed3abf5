"""Measures of spikes that are given by copy of a population, neuron and time step."""

from collections.abc import Callable

import numpy as np

#: Intervals that a neuron needs for its irregularity to count: with fewer the CV is biased towards 0.
MINIMUM = 10


def variation(interval: np.ndarray, owner: np.ndarray, n: int) -> np.ndarray:
    """Coefficient of variation of the intervals of each of n owners."""
    number = np.bincount(owner, minlength=n)
    mean = np.bincount(owner, interval, minlength=n) / number
    return np.sqrt(np.bincount(owner, (interval - mean[owner]) ** 2, minlength=n) / number) / mean


def irregularity_of(
    copy: np.ndarray,
    neuron: np.ndarray,
    step: np.ndarray,
    copies: int,
    size: int,
    measure: Callable[[np.ndarray, np.ndarray, int], np.ndarray] = variation,
    minimum: int = MINIMUM,
) -> np.ndarray:
    """Mean over neurons of a measure of inter-spike intervals, from copy, neuron and step of each spike.

    Neurons with fewer intervals than `minimum` do not count.
    """
    order = np.lexsort((step, copy * size + neuron))
    who, step = (copy * size + neuron)[order], step[order]
    same = who[1:] == who[:-1]
    interval, owner = np.diff(step)[same].astype(float), who[1:][same]
    enough = np.bincount(owner, minlength=copies * size) >= max(minimum, 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        value = measure(interval, owner, copies * size)
        total = np.where(enough, value, 0.0).reshape(copies, size).sum(axis=-1)
        return total / enough.reshape(copies, size).sum(axis=-1)


def synchrony_of(copy: np.ndarray, neuron: np.ndarray, index: np.ndarray, mean: np.ndarray, size: int) -> np.ndarray:
    """Synchrony of each copy of a population, from copy, neuron and bin of each spike and the mean counts of each bin.

    Parameters
    ----------
    copy, neuron, index : ndarray of shape (spikes,)
    mean : ndarray of shape (copies, bins)
        Spikes of a neuron in a bin, on average.
    size : int
        Number of neurons.
    """
    copies, bins = mean.shape
    cell = copy * size + neuron
    cells, counts = np.unique(cell * bins + index, return_counts=True)
    squares = np.bincount(cells // (size * bins), counts**2, minlength=copies) / (size * bins)
    who, per_neuron = np.unique(cell, return_counts=True)
    squared_means = np.bincount(who // size, (per_neuron / bins) ** 2, minlength=copies) / size
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.sqrt(mean.var(axis=-1) / (squares - squared_means))
