r"""Synapses drawn from keyed random numbers: the same in Python, and in a compiled program that draws them itself.

How many synapses each target receives is drawn first (`eisim.weights.Rule.in_degrees`), so that in all but the
in-degrees every rule is one: target :math:`j` has :math:`c_j` sources. They are the first :math:`c_j` of a stream of
random sources, SplitMix64 (Steele, Lea & Flood, OOPSLA 2014) from a key of the target; without multapses the first
distinct ones or, where these are more than half of all sources, the sources that are not among the first
:math:`n - c_j`. A random word of each synapse gives its weight and its delay. Nothing depends on what other targets
or projections there are, and `eisim.simulation` writes the same operations in C++
(``templates/synapses_classes.cpp``).

Weights that are drawn are quantiles, interpolated linearly in a table of `LEVELS` intervals of equal share; a word
gives 2**32 of them. In the first and the last interval, the line has the quantile of the middle, so that the tails
end about 4.5 standard deviations from the mean of a normal distribution. Delays are quantiles of 2**32 equally spaced
shares.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from eisim.base.seeds import INCREMENT, mixed
from eisim.distributions import Distribution

#: Intervals of shares of the table of a distribution of weights.
LEVELS = 1 << 16
#: Between the key of a target's stream and that of the words of its synapses.
OF_WORDS = 0x5851F42D4C957F2D
#: Random numbers that are drawn at once.
_AT_ONCE = 1 << 20


@dataclass(frozen=True, eq=False)
class KeyedSynapses:
    """What the synapses of a projection are drawn from.

    Attributes
    ----------
    key : int
        64 bits.
    in_degrees : ndarray of int32, shape (targets,)
    sources : int
    spares : bool
        Whether a neuron's synapse onto itself is left out: then sources and targets are the same.
    multapses : bool
        Whether a source may have several synapses onto a target.
    """

    key: int
    in_degrees: np.ndarray
    sources: int
    spares: bool
    multapses: bool

    @property
    def available(self) -> int:
        """Sources of a target."""
        return self.sources - self.spares

    def draw(self) -> tuple[sparse.csr_array, np.ndarray]:
        """A (source × target) array of ones, and the random words of its entries (uint64).

        Entries are in the order of sources, then of targets; several of the same pair each have their own.
        """
        parts = list(self._by_target())
        source, target, words = (np.concatenate([part[k] for part in parts]) for k in range(3))
        order = np.lexsort((target, source))  # stable: several of a pair stay in their order
        starts = np.concatenate([[0], np.cumsum(np.bincount(source, minlength=self.sources))])
        narrow = np.int32 if source.size <= np.iinfo(np.int32).max else np.int64
        ones = np.ones(source.size, np.int8)
        shape = self.sources, len(self.in_degrees)
        return sparse.csr_array((ones, target[order], starts.astype(narrow)), shape=shape), words[order]

    def _by_target(self) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Source, target and word of synapses, some targets at a time."""
        yield np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.uint64)
        drawn = self.in_degrees.astype(np.int64)
        is_complement = (2 * drawn > self.available) & (not self.multapses)
        drawn = np.where(is_complement, self.available - drawn, drawn)
        for begin, end in _chunks(np.where(is_complement, self.available, 2 * drawn) + 1):
            targets = np.arange(begin, end, dtype=np.int32)
            for some, chosen in (
                (targets[~is_complement[begin:end]], True),
                (targets[is_complement[begin:end]], False),
            ):
                if len(some):
                    yield self._onto(some, drawn[some], chosen)

    def _onto(self, targets, drawn, chosen):
        """Synapses onto these targets, of which so many sources are drawn: chosen, or else left out."""
        with np.errstate(over="ignore"):
            keys = mixed(np.uint64(self.key) + (targets.astype(np.uint64) + np.uint64(1)) * np.uint64(INCREMENT))
            if self.multapses:
                rows, position = np.nonzero(np.arange(drawn.max(initial=0)) < drawn[:, None])
                source = _source(keys[rows], position, self.available)
            else:
                rows, source = self._distinct(keys, drawn)
                if not chosen:
                    left = np.ones((len(targets), self.available), bool)
                    left[rows, source] = False
                    rows, source = np.nonzero(left)
            target = targets[rows]
            source = source + (source >= target) * self.spares
            position = position if self.multapses else source
            words = mixed(
                mixed(keys[rows] ^ np.uint64(OF_WORDS))
                + (position.astype(np.uint64) + np.uint64(1)) * np.uint64(INCREMENT)
            )
        return source.astype(np.int32), target, words

    def _distinct(self, keys, drawn):
        """Row and source of the first distinct numbers of each stream, as many as are drawn."""
        most = int(drawn.max(initial=0))
        width = most + most * most // max(self.available, 1) + 8
        while True:
            found = _source(keys[:, None], np.arange(width), self.available)
            order = np.argsort(found, axis=1, kind="stable")
            ranked = np.take_along_axis(found, order, axis=1)
            is_first = np.ones(found.shape, bool)
            np.put_along_axis(is_first, order[:, 1:], ranked[:, 1:] != ranked[:, :-1], axis=1)
            number = np.cumsum(is_first, axis=1)
            if (number[:, -1] >= drawn).all():
                rows, positions = np.nonzero(is_first & (number <= drawn[:, None]))
                return rows, found[rows, positions]
            width *= 2


def _source(key, position, available):
    """A random number below `available` at a position of a stream."""
    z = mixed(key + (position.astype(np.uint64) + np.uint64(1)) * np.uint64(INCREMENT))
    return ((z >> np.uint64(11)).astype(float) * 2.0**-53 * available).astype(np.int64)


def _chunks(sizes: np.ndarray) -> Iterator[tuple[int, int]]:
    """Begin and end of consecutive parts, of about so many numbers together."""
    total, begin = np.cumsum(sizes), 0
    while begin < len(sizes):
        before = total[begin - 1] if begin else 0
        end = max(int(np.searchsorted(total, before + _AT_ONCE, side="right")), begin + 1)
        yield begin, end
        begin = end


def weight_table(weight: Distribution) -> np.ndarray:
    """Quantiles of a distribution between which weights are interpolated, shape (LEVELS + 1,)."""
    share = np.arange(LEVELS + 1) / LEVELS
    share[[0, -1]] = 0.5 / LEVELS, 1 - 0.5 / LEVELS
    table = weight.quantile(share)
    table[[0, -1]] = np.maximum(2 * table[[0, -1]] - table[[1, -2]], np.finfo(float).tiny)
    return table


def weights_of(weight: Distribution, words: np.ndarray) -> np.ndarray:
    """The weights of synapses by their words, in SI units."""
    table = weight_table(weight)
    level = (words >> np.uint64(48)).astype(np.int64)
    within = ((words >> np.uint64(32)) & np.uint64(0xFFFF)).astype(float) * 2.0**-16
    return table[level] + (table[level + 1] - table[level]) * within


def delays_of(delay: Distribution, words: np.ndarray) -> np.ndarray:
    """The delays of synapses by their words, in s."""
    return delay.quantile(_share((words & np.uint64(0xFFFFFFFF)).astype(float)))


def _share(number):
    return (number + 0.5) * 2.0**-32


def delay_thresholds(delay: Distribution, steps_of) -> tuple[int, np.ndarray]:
    """The least delay in whole time steps, and the numbers of 32 bits from which on it is one, two ... steps longer.

    Parameters
    ----------
    steps_of : callable
        Whole steps of delays in s, an array.
    """
    low, high = (int(steps_of(delay.quantile(_share(np.array([n]))))[0]) for n in (0, 2**32 - 1))
    below, above = np.zeros(high - low, np.int64), np.full(high - low, 2**32 - 1, np.int64)
    wanted = low + 1 + np.arange(high - low)
    while (below + 1 < above).any():
        middle = (below + above) // 2
        reaches = steps_of(delay.quantile(_share(middle.astype(float)))) >= wanted
        below, above = np.where(reaches, below, middle), np.where(reaches, middle, above)
    return low, above
