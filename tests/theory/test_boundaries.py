"""The set of steady inputs at which an excitatory-only population of LIF neurons stays silent is convex."""

from dataclasses import replace

import numpy as np
import pytest
from brian2 import mV, volt

from eisim import (
    LIF,
    AllToAll,
    Circuit,
    Input,
    InputError,
    LabelledData,
    Population,
    Projection,
    Readout,
    ablate,
    certify,
    simulate,
)
from eisim.theory.boundaries import REACH, draw_region

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


REGIONS = {
    "positive slope": lambda x, y: y - x - 0.03,
    "closed region": lambda x, y: 0.35**2 - (x - 0.5) ** 2 - (y - 0.5) ** 2,
    "disconnected regions": lambda x, y: 2 * (x - 0.5) * (y - 0.5) - 0.04,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", REGIONS)
def test_regions_that_no_excitatory_only_circuit_has(name):
    """Both signs together draw it; without inhibition the silent set is the one that thresholds say, and convex."""
    function, circuit = REGIONS[name], draw_region(REGIONS[name])
    wanted = function(*PLANE.T) > 0
    best = 1 - certify(LabelledData(PLANE, wanted), ("zero_one",), orient=False).floor["zero_one"]
    cells, inhibitory = circuit.populations
    drive = (PLANE @ circuit.weights(circuit.projections[0]).toarray() * REACH + cells.bias).max(axis=1)
    levels = np.unique(drive.round(9))
    middle = levels[len(levels) // 2 :][:2].mean()
    lowered = replace(cells, bias=(cells.bias + REACH - middle) * volt)
    alone = replace(ablate(circuit), populations=(lowered, inhibitory))
    times = {"duration": 0.8, "window": 0.4, "dt": 0.2e-3, "backend": "numpy"}
    both, excitatory = (r.rates["E"].mean(axis=-1) > 1 for r in simulate([circuit, alone], PLANE, **times))
    assert (both == wanted).mean() > max(0.9, best + 0.05)
    assert (excitatory == (drive > middle)).all() and 0.3 < excitatory.mean() < 0.7
    assert share_of_midpoints_that_fire(excitatory.reshape(N, N)) == 0


@pytest.mark.parametrize("name", REGIONS)
def test_a_region_is_a_difference_of_convex_functions(name):
    """The circuit's own weights: thresholds against inhibition by f-I curves, without a simulation."""
    function, circuit = REGIONS[name], draw_region(REGIONS[name])
    excitation, inhibition, _, onto = (circuit.weights(p).toarray() for p in circuit.projections)
    assert excitation.min() >= 0 and inhibition.min() >= 0 and onto.min() >= 0
    cells, inhibitory = circuit.populations
    largest = (PLANE @ excitation * REACH + cells.bias).max(axis=1)
    rates = inhibitory.neuron.stepped(0.2e-3).activation(PLANE @ inhibition * REACH + inhibitory.bias)
    found = largest - rates @ onto[:, 0] * abs(cells.neuron.area("i")) - REACH
    assert found / REACH == pytest.approx(function(*PLANE.T), abs=0.1)


def test_what_is_no_function():
    for function in (lambda x, y: x / 0 * np.inf, lambda x, y: 1.0, lambda x, y: np.full(len(x), np.nan)):
        with np.errstate(all="ignore"), pytest.raises(InputError, match="a finite number for each point"):
            draw_region(function)


def test_with_inhibition():
    # The excitatory neurons fire from a sum of 0.6 on, the inhibitory ones from 1.2 on.
    found = fires(np.full((2, 1), 0.75 / 0.6), np.full((2, 8), 0.75 / 1.2))
    assert share_of_midpoints_that_fire(found) > 0.1
    total = PLANE.sum(axis=1).reshape(N, N)
    assert not found[total < 0.58].any() and found[(total > 0.62) & (total < 1.18)].all()
    assert not found[total > 1.4].any()
