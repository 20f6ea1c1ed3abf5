"""Seeds: whole numbers, or what NumPy draws them with."""

import numpy as np

from eisim.base.errors import InputError

#: A Generator gives whole numbers below this one.
_BELOW = 2**32

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
