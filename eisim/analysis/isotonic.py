"""Isotonic regression; to import SciPy's takes longer than all that is done with it in a short run."""

import numpy as np


def isotonic(values: np.ndarray, weights: np.ndarray | float = 1.0) -> np.ndarray:
    """The non-decreasing numbers with the least (weighted) squared distance to the values.

    By pooling adjacent violators, in the order of `scipy.optimize.isotonic_regression`, whose result this is to the
    bit.
    """
    left = list(zip(values.tolist(), np.broadcast_to(weights, len(values)).tolist(), strict=True))[::-1]
    pools: list[tuple[float, float, int]] = []  # mean, weight and number of the values in each
    while left:
        (mean, weight), size = left.pop(), 1
        if pools and pools[-1][0] >= mean:
            before, more, number = pools.pop()
            total, weight, size = more * before + weight * mean, weight + more, size + number
            mean = total / weight
            while left and mean >= left[-1][0]:
                value, more = left.pop()
                total, weight, size = total + more * value, weight + more, size + 1
                mean = total / weight
            while pools and pools[-1][0] >= mean:
                before, more, number = pools.pop()
                total, weight, size = total + more * before, weight + more, size + number
                mean = total / weight
        pools.append((mean, weight, size))
    means, _, sizes = zip(*pools, strict=True)
    return np.repeat(means, sizes)
