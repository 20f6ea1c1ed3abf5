"""Readout by a threshold: the best one for given rates, and the score with it."""

import numpy as np


def best_threshold(rates, is_class, weights) -> tuple[float, float]:
    """The least weighted share that "above a threshold" gets wrong about a class, and the lowest such threshold."""
    error, below, _ = _best(rates, is_class, weights)
    return error, below


def middle_threshold(rates, is_class, weights) -> float:
    """The middle of the thresholds that get the least weighted share wrong about a class."""
    _, below, above = _best(rates, is_class, weights)
    return below if np.isinf(below) else below + (above - below) / 2


def _best(rates, is_class, weights) -> tuple[float, float, float]:
    """The least share, the rate just below the best thresholds, and that just above."""
    values, at = np.unique(rates, return_inverse=True)
    gain = np.bincount(at, np.where(is_class, weights, -weights))  # of saying yes
    gains = np.append(np.cumsum(gain[::-1])[::-1], 0.0)  # of the threshold just below each value, and above all
    best = int(gains.argmax())
    below, above = -np.inf if best == 0 else values[best - 1], values[min(best, len(values) - 1)]
    return float((weights[is_class].sum() - gains[best]) / weights.sum()), below, above


def refitted(rates: np.ndarray, values: np.ndarray, fitted, scored, weights=None) -> np.ndarray:
    """Scores of some seeds with the threshold that is best for others.

    Parameters
    ----------
    rates : ndarray of shape (seeds, points)
        In Hz.
    values : ndarray of bool, shape (points,)
        What is asked for.
    fitted, scored : index arrays
        Seeds to which the threshold is fitted, and seeds that are scored.
    weights : ndarray of shape (points,), optional

    Returns
    -------
    ndarray of shape (scored,)
        Weighted share of points answered as asked for.
    """
    values = np.asarray(values, dtype=bool)
    weights = np.ones(values.size) if weights is None else np.asarray(weights, dtype=float)
    n = len(rates[fitted])
    threshold = middle_threshold(rates[fitted].ravel(), np.tile(values, n), np.tile(weights, n))
    return ((rates[scored] > threshold) == values) @ weights / weights.sum()
