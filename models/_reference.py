"""Scores of a rate against one that it should have, from above and below."""

import numpy as np


def nearness(rates, references) -> np.ndarray:
    """1 where a rate is that of the reference (both in Hz), falling to 0 an octave away on either side.

    Linear in the logarithm of the rate: 0.5 at 1/√2 and at √2 of the reference. Silence and saturation are 0.
    """
    rates, references = np.asarray(rates, dtype=float), np.asarray(references, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        octaves = np.abs(np.log2(rates / references))
    return np.clip(1 - np.nan_to_num(octaves, nan=1.0), 0, 1)


def best_constant(references) -> float:
    """What the best constant rate scores: the mean nearness to the references, which is largest at one of them."""
    references = np.asarray(references, dtype=float)
    return float(nearness(references[:, None], references).mean(axis=1).max())
