"""The heaviest up-set of points of two inputs, exactly, by one sweep over them and one back.

In the order of a sweep a point comes after all that are at most it, by the first input, and has a *place* by the
second one: x <= y just if x comes first and has the lower place. An up-set is everything from some place on, which
never rises during the sweep. Of all pairs of a gain and a loss above it the largest flow, and so the lightest cover,
takes each loss from the gains that have the highest places; what is left of the gains says, backwards, where the
up-set begins. It takes O(n log n) steps, where comparing all pairs takes n**2.
"""

from collections.abc import Sequence

import numpy as np

from eisim.theory.plane import closure


class Places:
    """A set of whole numbers below n that finds the neighbours of one: blocks of bits, and a bit for each block."""

    def __init__(self, n: int):
        self._shift = max(1, (n.bit_length() + 1) // 2)
        self._within = (1 << self._shift) - 1
        self._blocks = [0] * ((n >> self._shift) + 1)
        self._filled = 0

    def add(self, k: int) -> None:
        """Put in a number."""
        block = k >> self._shift
        self._blocks[block] |= 1 << (k & self._within)
        self._filled |= 1 << block

    def remove(self, k: int) -> None:
        """Take out a number that is in it."""
        block = k >> self._shift
        self._blocks[block] ^= 1 << (k & self._within)
        if not self._blocks[block]:
            self._filled ^= 1 << block

    def last(self, k: int) -> int:
        """The largest member up to k, -1 if there is none."""
        block = k >> self._shift
        bits = self._blocks[block] & ((2 << (k & self._within)) - 1)
        if not bits:
            block = (self._filled & ((1 << block) - 1)).bit_length() - 1
            if block < 0:
                return -1
            bits = self._blocks[block]
        return (block << self._shift) + bits.bit_length() - 1

    def first(self, k: int, otherwise: int) -> int:
        """The smallest member from k on."""
        block = k >> self._shift
        bits = self._blocks[block] >> (k & self._within) << (k & self._within)
        if not bits:
            blocks = self._filled >> (block + 1) << (block + 1)
            if not blocks:
                return otherwise
            block = (blocks & -blocks).bit_length() - 1
            bits = self._blocks[block]
        return (block << self._shift) + (bits & -bits).bit_length() - 1


def heaviest_up_set(place: np.ndarray, gains: Sequence[int]) -> np.ndarray:
    """Which points are in the up-set with the largest total gain, the smallest such one.

    Points are in the order of the sweep; places are different whole numbers, gains whole numbers of any size and sign.
    """
    at = _among_winners(place, gains)
    left, emptied, ends, _ = _swept(at, gains)
    n = len(at)
    begin, n_emptied = left.first(0, n), len(emptied)
    kept = np.zeros(n, dtype=bool)
    for i in reversed(range(n)):
        if gains[i] > 0:
            k = at[i]
            kept[i] = k >= begin
            left.remove(k)
            if k == begin:
                begin = left.first(k, n)
        elif gains[i] < 0:
            ends.pop()
            start = ends[-1]
            for k in emptied[start:n_emptied]:
                left.add(k)
            n_emptied = start
    return closure(place, kept)


def lightest_loss(place: np.ndarray, gains: Sequence[int]) -> int:
    """What the heaviest up-set falls short of the sum of all positive gains: the weight of a lightest cover."""
    return _swept(_among_winners(place, gains), gains)[-1]


def _among_winners(place, gains) -> list[int]:
    """The place of each point among those with a positive gain: of the last one up to it, -1 if there is none."""
    wins = np.fromiter((gain > 0 for gain in gains), dtype=bool, count=len(gains))
    order = np.argsort(place, kind="stable")
    at = np.empty(len(order), dtype=int)
    at[order] = np.cumsum(wins[order]) - 1
    return at.tolist()


def _swept(at, gains) -> tuple[Places, list[int], list[int], int]:
    """Sweep: gains that are left in the end, those used up in turn, how many after each loss (0 first), and all use."""
    left, supply, emptied, ends, used = Places(len(at)), [0] * len(at), [], [0], 0
    for k, gain in zip(at, gains, strict=True):
        if gain > 0:
            supply[k] = gain
            left.add(k)
        elif gain < 0:
            demand = -gain
            while demand and k >= 0 and (k := left.last(k)) >= 0:
                taken = supply[k]
                if taken > demand:
                    supply[k], taken = taken - demand, demand
                else:
                    left.remove(k)
                    emptied.append(k)
                used += taken
                demand -= taken
            ends.append(len(emptied))
    return left, emptied, ends, used
