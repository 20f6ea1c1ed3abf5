"""A network of the size of the model of a fly's brain by Shiu et al. (Nature 634:210, 2024), in which few neurons fire.

The numbers of neurons and of connected pairs, and the parameters of neurons and synapses, are those of the model; the
pairs are random: the numbers of targets of neurons are log-normal, those of synapses of a pair geometric. Two thirds of
the neurons are excitatory. 21 excitatory neurons are driven at 100 Hz, and make a few hundred others fire.
"""

import numpy as np

NEURONS, PAIRS, DRIVEN, RATE = 138_000, 15_000_000, 21, 100.0
#: Potential in mV that a synapse adds to the drive, and that by which each spike of the drive moves the driven ones.
WEIGHT, DRIVE = 0.275, 250 * 0.275
#: Mean number of synapses of a connected pair.
SYNAPSES = 13.0


def excitatory(neurons: int) -> int:
    """Number of excitatory neurons, which come first."""
    return neurons * 2 // 3


def pairs(neurons: int, seed: int = 0):
    """Sources, targets and weights (mV, with the sign of the source), in the order of sources."""
    rng = np.random.default_rng(seed)
    number = round(PAIRS * (neurons / NEURONS))
    out = np.bincount(rng.choice(neurons, number, p=_shares(rng, neurons)), minlength=neurons)
    source = np.repeat(np.arange(neurons, dtype=np.int32), out)
    target = rng.integers(neurons, size=number, dtype=np.int32)
    synapses = rng.geometric(1 / SYNAPSES, number)
    return source, target, WEIGHT * synapses * np.where(source < excitatory(neurons), 1.0, -1.0)


def _shares(rng, neurons):
    """Log-normal numbers of partners, as shares."""
    found = rng.lognormal(0.0, 1.0, neurons)
    return found / found.sum()
