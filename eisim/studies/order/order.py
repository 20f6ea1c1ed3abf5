"""Order along time: which responses fall although the input rises, how often, and how sure that rate is."""

from dataclasses import dataclass

import numpy as np

from eisim.analysis.statistics import wilson

#: Inputs are whole numbers of this many equal steps from 0 to 1, so that inputs of the same rate are common.
LEVELS = 20


def chain(rng: np.random.Generator, length: int, *shape: int) -> np.ndarray:
    """Ordered inputs, length × shape: each is at least the one before it, everywhere, and larger somewhere.

    They are levels from 0 to `LEVELS`. Each step raises about a quarter of the entries; an entry at the top stays
    there.
    """
    links = [rng.integers(0, 3 * LEVELS // 4, shape)]
    for _ in range(length - 1):
        raised = rng.random(shape) < 0.25
        below = np.flatnonzero(links[-1] < LEVELS)
        if below.size:
            raised.flat[rng.choice(below)] = True
        links.append(np.minimum(links[-1] + raised * rng.integers(1, LEVELS // 4 + 1, shape), LEVELS))
    return np.stack(links)


def ordered_pairs(length: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the lower and of the upper input of every ordered pair in a chain of that length."""
    return np.triu_indices(length, 1)


def falls(values: np.ndarray) -> np.ndarray:
    """Fall of the value between the two inputs of each ordered pair of a chain; negative where it rises.

    Values are inputs × ..., falls are pairs × ... in the order of `ordered_pairs`.
    """
    lower, upper = ordered_pairs(len(values))
    return values[lower] - values[upper]


@dataclass(frozen=True)
class Share:
    """How many of a number of things are so, with the Wilson score interval of the probability."""

    count: int
    of: int

    @property
    def value(self) -> float:
        return self.count / self.of

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval, for independent draws."""
        return wilson(self.count, self.of)


def share(happened) -> Share:
    """Fraction of true values in an array of bools."""
    happened = np.asarray(happened)
    return Share(int(happened.sum()), happened.size)
