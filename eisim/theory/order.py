"""The dominance order of inputs, and how a function breaks it.

Non-negative weights and non-decreasing activations compose to functions with x <= y => f(x) <= f(y) (Wang et al.,
ICCV 2023), so one pair x <= y with f(x) > f(y), a *witness*, proves that no excitatory-only network computes f.
"""

from typing import NamedTuple

import numpy as np


class Witness(NamedTuple):
    """Two inputs that prove the need for inhibition: `lower` <= `upper` in every input, yet the function falls.

    Attributes
    ----------
    lower, upper : tuple of float
        The two inputs.
    """

    lower: tuple
    upper: tuple


def violating_pairs(points, values) -> np.ndarray:
    """All pairs (i, j) with ``points[i] <= points[j]`` in every input and ``values[i] > values[j]``.

    Parameters
    ----------
    points : array_like of shape (n_points, n_inputs)
    values : array_like of shape (n_points,)

    Returns
    -------
    ndarray of shape (n_pairs, 2)
        Indices of the points, sorted by i, then j.
    """
    points, values = np.asarray(points), np.asarray(values).astype(float)
    dominated = np.ones((len(points), len(points)), dtype=bool)
    for column in points.T:
        dominated &= column[:, None] <= column[None, :]
    return np.argwhere(dominated & (values[:, None] > values[None, :]))


def find_witness(points, values, pairs) -> Witness | None:
    """The witness with the largest fall among the violating `pairs`, the nearest inputs breaking ties."""
    if not len(pairs):
        return None
    points, values = np.asarray(points), np.asarray(values).astype(float)
    lower, upper = pairs.T
    fall = values[lower] - values[upper]
    distance = np.abs(points[upper] - points[lower]).sum(axis=1)
    i, j = pairs[np.lexsort((distance, -fall))[0]]
    return Witness(tuple(points[i].tolist()), tuple(points[j].tolist()))
