"""Readout by thresholds: the best ones for given rates, and the score with them."""

import numpy as np

#: Passes over several outputs, of which each threshold is fitted to what the others get right.
PASSES = 10


def best_threshold(rates, is_class, weights) -> tuple[float, float]:
    """The least weighted share that "above a threshold" gets wrong about a class, and the lowest such threshold."""
    error, below, _ = _best(rates, is_class, weights)
    return error, below


def middle_threshold(rates, is_class, weights, resolution: float = 0.0) -> float:
    """The middle of the thresholds that get the least weighted share wrong about a class.

    No threshold lies between rates that differ by the resolution or less.
    """
    _, below, above = _best(rates, is_class, weights, resolution)
    return below if np.isinf(below) else below + (above - below) / 2


def _best(rates, is_class, weights, resolution=0.0) -> tuple[float, float, float]:
    """The least share, the rate just below the best thresholds, and that just above."""
    values, at = np.unique(rates, return_inverse=True)
    gain = np.bincount(at, np.where(is_class, weights, -weights))  # of saying yes
    gains = np.append(np.cumsum(gain[::-1])[::-1], 0.0)  # of the threshold just below each value, and above all
    with np.errstate(invalid="ignore"):  # of infinite rates
        is_close = np.diff(values) <= resolution
    gains[1:-1][is_close] = -np.inf
    best = int(gains.argmax())
    below, above = -np.inf if best == 0 else values[best - 1], values[min(best, len(values) - 1)]
    return float((weights[is_class].sum() - gains[best]) / weights.sum()), below, above


def refitted(
    rates: np.ndarray, values: np.ndarray, fitted, scored, weights=None, resolution: float = 0.0
) -> np.ndarray:
    """Scores of some seeds with the thresholds that are best for others.

    Parameters
    ----------
    rates : ndarray of shape (seeds, points) or (seeds, points, outputs)
        In Hz.
    values : ndarray of bool, shape (points,) or (points, outputs)
        What is asked for; of several outputs all have to be right.
    fitted, scored : index arrays
        Seeds to which the thresholds are fitted, and seeds that are scored.
    weights : ndarray of shape (points,), optional
    resolution : float
        Rates that differ by this or less are not told apart, in Hz.

    Returns
    -------
    ndarray of shape (scored,)
        Weighted share of points answered as asked for.
    """
    values = np.asarray(values, dtype=bool)
    weights = np.ones(len(values)) if weights is None else np.asarray(weights, dtype=float)
    of_output, wanted = rates.reshape(*rates.shape[:2], -1), values.reshape(len(values), -1)
    thresholds = _fitted(of_output[fitted], wanted, weights, resolution)
    return ((of_output[scored] > thresholds) == wanted).all(axis=-1) @ weights / weights.sum()


def _fitted(rates, wanted, weights, resolution) -> np.ndarray:
    """Thresholds of outputs (rates: seeds × points × outputs), each fitted where all others are right.

    Of one output it is the best; of several none is better if only one of them is changed.
    """
    n, outputs = len(rates), wanted.shape[1]

    def fit(k, of):
        return middle_threshold(rates[..., k].ravel(), np.tile(wanted[:, k], n), of.ravel(), resolution)

    every = np.tile(weights, (n, 1))
    thresholds = np.array([fit(k, every) for k in range(outputs)])
    for _ in range(PASSES if outputs > 1 else 0):
        before = thresholds.copy()
        for k in range(outputs):
            right = ((rates > thresholds) == wanted)[..., np.arange(outputs) != k].all(axis=-1)
            if (right * weights).any():
                thresholds[k] = fit(k, right * weights)
        if (thresholds == before).all():
            break
    return thresholds
