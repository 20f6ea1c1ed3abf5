"""Where neurons lie in a group."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Block:
    """Where the copies of one input or population lie in its group: copy c at ``start + c*stride``."""

    group: str
    start: int
    stride: int
    size: int

    def take(self, values: np.ndarray, copies: int) -> np.ndarray:
        """The part of a group's `values` (first axis) in this block: copies × size (× the other axes)."""
        index = self.start + np.arange(copies)[:, None] * self.stride + np.arange(self.size)
        return values[index]
