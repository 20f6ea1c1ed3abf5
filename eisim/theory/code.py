"""The logical code that each neuron of a synthesised circuit has to carry."""

import numpy as np

from eisim.functions import TruthTable
from eisim.theory.inversion import falls


def falls_code(function: TruthTable, length: int) -> np.ndarray:
    """The number of falls up to each pattern in `length` bits, bool of shape (length, 2**n_inputs).

    Each bit is monotone in the pattern and in the silence of the bits before it. The first bits are a thermometer
    that divides the range of the number into segments, as few as leave the others, the place within the segment in
    binary, all in use: without surplus none, so that it is the number in binary.
    """
    count = falls(function.values).astype(int)
    most = int(count.max())
    if not most:  # nothing to carry: the neurons fire when all inputs do
        return np.tile(np.arange(len(count)) == len(count) - 1, (length, 1))
    for marks in range(min(length, most) + 1):
        segments = np.array_split(np.arange(most + 1), marks + 1)
        starts = np.array([segment[0] for segment in segments])
        binary = (len(segments[0]) - 1).bit_length()
        if marks + binary >= min(length, most):
            break
    place = count - starts[np.searchsorted(starts, count, side="right") - 1]
    thermometer = count >= starts[1:, None]
    bits = np.concatenate([thermometer, (place >> np.arange(binary)[::-1, None] & 1).astype(bool)])
    return bits[np.arange(length) % len(bits)]


def least_codes(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For functions × patterns the number of falls in binary, the most significant bit first: their least inhibition.

    Returns functions × bits × patterns, and how many of the bits each function uses; the others are false.
    """
    count = falls(values)
    n_inhibitory = np.frexp(count.max(axis=1).astype(float))[1]  # the bit length
    place = n_inhibitory[:, None] - 1 - np.arange(n_inhibitory.max())
    return (count[:, None, :] >> np.maximum(place, 0)[..., None] & (place >= 0)[..., None]).astype(bool), n_inhibitory


def minimal_true_points(values: np.ndarray, silence: np.ndarray) -> np.ndarray:
    """Patterns at which a function is true, but at none below in both inputs and silences (functions × patterns).

    The silence is that of each function's inhibitory neurons: functions × neurons × patterns.
    """
    minimal = values.copy()
    for x in range(values.shape[1]):
        y = x
        while y:
            y = y - 1 & x  # the patterns below x
            minimal[:, x] &= ~(values[:, y] & (silence[:, :, y] <= silence[:, :, x]).all(axis=1))
    return minimal
