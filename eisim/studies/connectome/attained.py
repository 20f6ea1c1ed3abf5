"""What an excitatory-only circuit reaches in what is asked of a connectome: one that is built and simulated."""

import numpy as np

from eisim.circuit import Circuit, union
from eisim.functions import LabelledData
from eisim.theory.interpolation import MOST_NUMBERS, MOST_POINTS, interpolate
from eisim.theory.required import given_up

#: Rate that an output is to have where it is required, in Hz, and its threshold.
ON, THRESHOLD = 100.0, 50.0
#: Neurons and synapses in the copies for all trials.
MOST = 30_000_000


def excitatory_only(levels: np.ndarray, outputs: np.ndarray) -> Circuit | None:
    """A circuit without inhibition that is right in as many trials as any: of each output one by `interpolate` (T4).

    It has the trials that need not be given up, and is a circuit of rate units whose inputs are those of the trials,
    once for each output. ``None``: it would be too large.
    """
    n, d = levels.shape
    if n > MOST_POINTS or n * d > MOST_NUMBERS or 3 * n * n * (d + 1) * outputs.shape[1] > MOST:
        return None
    kept = np.flatnonzero(~given_up(levels, outputs))
    kept = np.resize(kept, max(2, len(kept)))  # of a single trial, twice that
    targets = np.where(outputs[kept], ON, 0.0)
    return union([interpolate(LabelledData(levels[kept], column)) for column in targets.T], "excitatory-only")


def attained(rates: np.ndarray, outputs: np.ndarray) -> float:
    """Share of trials in which all its outputs are as required, of rates trials × outputs."""
    return float(((rates > THRESHOLD) == outputs).all(axis=1).mean())
