"""The batch as an axis: how synapses lie in a program's memory."""

import numpy as np
import pytest

from eisim import simulate
from eisim.ablation import ablate
from eisim.simulation import layout
from eisim.simulation.layout import Trials, lay_out
from models import brunel
from tests.support.drawn import TIMES, draw_circuit


def test_synapses_of_a_neuron_lie_together_in_the_order_of_its_projections():
    intact = brunel.circuit("spiking", size=0.1)
    batch = [
        Trials(circuit, np.ones((2, circuit.n_inputs)), np.arange(2), np.arange(1), False)
        for circuit in (intact, ablate(intact, 0.5))
    ]
    laid = lay_out(batch, 1e-4)
    blocks, targets = laid.blocks, [p.name for p in intact.populations]
    for bundle, synapses in laid.synapses.items():
        assert (np.diff(synapses.pre) >= 0).all() and synapses.pre.dtype == synapses.post.dtype == np.int32
        assert len({blocks[0, name].group for name in targets}) == 1  # else this would not be of interest
        neuron = synapses.pre[-1]
        mine = np.flatnonzero(synapses.pre == neuron)
        assert len(mine) > 1 and bundle.source == bundle.target
    number = sum(intact.weights(p).nnz for p in intact.projections if p.source in targets)
    assert sum(len(synapses.pre) for synapses in laid.synapses.values()) == 2 * 2 * number


@pytest.mark.parametrize("backend", ["numpy", pytest.param("cpp", marks=pytest.mark.slow)])
def test_the_spikes_are_those_of_projections_one_after_the_other(monkeypatch, backend):
    """Of mixed models, with delays that are equal and that are not."""
    circuits = [draw_circuit("spiking", seed) for seed in range(6)]
    stimuli = np.random.default_rng(0).random((3, 3))
    run = {**TIMES, "record": True, "backend": backend}
    found = simulate(circuits, stimuli, **run)
    monkeypatch.setattr(layout, "_by_source", lambda several: several)
    for ours, theirs in zip(found, simulate(circuits, stimuli, **run), strict=True):
        for name, rates in ours.rates.items():
            assert rates.tobytes() == theirs.rates[name].tobytes()
        for name, spikes in ours.spikes.items():
            for column in ("copy", "neuron", "step"):
                assert getattr(spikes, column).tobytes() == getattr(theirs.spikes[name], column).tobytes()
