"""Sets of points as Python integers, one bit for each.

A comparison of one point with n others takes n/8 bytes, and sets are joined and cut at the speed of memory.
"""

import numpy as np


def pack(matrix: np.ndarray) -> list[int]:
    """Each row of a matrix of bool as a set."""
    return [int.from_bytes(row.tobytes(), "little") for row in np.packbits(matrix, axis=1, bitorder="little")]


def members(bits: int) -> list[int]:
    """The members of a set, ascending."""
    raw = np.frombuffer(bits.to_bytes(bits.bit_length() // 8 + 1, "little"), dtype=np.uint8)
    return np.flatnonzero(np.unpackbits(raw, bitorder="little")).tolist()


def as_set(indices) -> int:
    """The set with these members."""
    flags = np.zeros((1, max(indices, default=0) + 1), dtype=bool)
    flags[0, indices] = True
    return pack(flags)[0]
