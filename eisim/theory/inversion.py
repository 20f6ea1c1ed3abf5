"""Inversion complexity: the least number of inhibitory neurons that compute a truth table.

Markov (1957, J. ACM 5:331): if f falls from 1 to 0 at most d times along any increasing chain of inputs, then
ceil(log2(d + 1)) inversions suffice and are needed.
"""

import numpy as np

from eisim.functions import TruthTable


def falls(function: TruthTable) -> np.ndarray:
    """The largest number of falls of the function on chains from 0 up to each pattern, shape (2**n,).

    It never decreases along the order of patterns.
    """
    f, n = function.values, function.n_inputs
    count = np.zeros(len(f), dtype=int)
    for x in range(len(f)):  # counting order visits every pattern after all those below it
        for bit in range(n):
            if x >> bit & 1:
                below = x ^ (1 << bit)
                count[x] = max(count[x], count[below] + (f[below] and not f[x]))
    return count


def inversion_complexity(function: TruthTable) -> int:
    """The least number of inhibitory neurons of a feed-forward threshold circuit, under Dale's law."""
    return int(falls(function).max()).bit_length()
