"""Seeds: whole numbers, or what NumPy draws them with."""

from collections.abc import Sequence

import numpy as np

from eisim.base.errors import InputError

#: A Generator gives whole numbers below this one.
_BELOW = 2**32
#: Of SplitMix64 (Steele, Lea & Flood, OOPSLA 2014).
INCREMENT = 0x9E3779B97F4A7C15
MULTIPLIERS = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)

Seed = int | np.random.Generator


def seed_of(seed: Seed, what: str) -> int:
    """The seed as a whole number; a Generator gives its next one.

    ``InputError``, which names `what` it is the seed of, for anything else, or a negative number.
    """
    if isinstance(seed, np.random.Generator):
        return int(seed.integers(_BELOW))
    if isinstance(seed, (bool, np.bool_)) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise InputError(
            f"{what}: expected a whole number of 0 or more or a numpy.random.Generator, found {seed!r:.60}"
        )
    return int(seed)


def generator_of(seed: Seed, what: str) -> np.random.Generator:
    """A random number generator: the given one, or NumPy's default with an integer as seed."""
    return seed if isinstance(seed, np.random.Generator) else np.random.default_rng(seed_of(seed, what))


def mixed(z: np.ndarray) -> np.ndarray:
    """The bits of SplitMix64 for these states (uint64)."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(MULTIPLIERS[0])
    z = (z ^ (z >> np.uint64(27))) * np.uint64(MULTIPLIERS[1])
    return z ^ (z >> np.uint64(31))


def uniform_at(seed: Sequence[int], places: np.ndarray) -> np.ndarray:
    """A number between 0 and 1, both excluded, for each of these places (whole numbers of 0 or more, any shape).

    It depends on the seed and the place alone, not on which other places are asked for.
    """
    start = np.random.SeedSequence(seed).generate_state(1, np.uint64)
    with np.errstate(over="ignore"):
        z = mixed(start + (np.asarray(places).astype(np.uint64) + np.uint64(1)) * np.uint64(INCREMENT))
    return ((z >> np.uint64(12)).astype(float) + 0.5) * 2.0**-52
