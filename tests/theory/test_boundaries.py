"""The set of steady inputs at which an excitatory-only population of LIF neurons stays silent is convex."""

import numpy as np
import pytest
from brian2 import mV

from eisim import LIF, AllToAll, Circuit, Input, Population, Projection, Readout, simulate

N = 13
GRID = np.arange(N) / (N - 1)
PLANE = np.column_stack([each.ravel() for each in np.meshgrid(GRID, GRID)])


def fires(weights, inhibition=None, recurrent=0.5):
    """Where on the grid the excitatory neurons fire; an input of 1 through a weight of 0.75 is their rheobase."""
    populations = [Population("E", "E", LIF(), size=weights.shape[1])]
    projections = [Projection("x", "E", weights), Projection("E", "E", AllToAll(recurrent * mV))]
    if inhibition is not None:
        populations.append(Population("I", "I", LIF(), size=inhibition.shape[1]))
        projections += [Projection("x", "I", inhibition), Projection("I", "E", AllToAll(40 * mV))]
    circuit = Circuit("plane", [Input("x", 2, current=20 * mV)], populations, projections, [Readout("E")])
    response = simulate(circuit, PLANE, duration=0.3, window=0.2, dt=0.5e-3, backend="numpy")
    return (response.rates["E"].mean(axis=-1) > 1).reshape(N, N)


def share_of_midpoints_that_fire(fires):
    silent = np.argwhere(~fires)
    sums = silent[:, None] + silent
    middles = sums[(sums % 2 == 0).all(axis=-1)] // 2
    return fires[tuple(middles.T)].mean()


@pytest.mark.parametrize("seed", range(3))
def test_excitatory_only(seed):
    rng = np.random.default_rng(seed)
    weights = rng.random((2, 5)) * 1.5
    found = fires(weights)
    assert (found.ravel() == (PLANE @ weights > 0.75).any(axis=1)).all() and 0 < found.mean() < 1
    assert share_of_midpoints_that_fire(found) == 0
    assert (np.diff(found.astype(int), axis=0) >= 0).all() and (np.diff(found.astype(int), axis=1) >= 0).all()


def test_with_inhibition():
    # The excitatory neurons fire from a sum of 0.6 on, the inhibitory ones from 1.2 on.
    found = fires(np.full((2, 1), 0.75 / 0.6), np.full((2, 8), 0.75 / 1.2))
    assert share_of_midpoints_that_fire(found) > 0.1
    total = PLANE.sum(axis=1).reshape(N, N)
    assert not found[total < 0.58].any() and found[(total > 0.62) & (total < 1.18)].all()
    assert not found[total > 1.4].any()
