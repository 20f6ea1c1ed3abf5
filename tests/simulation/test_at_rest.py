"""Neurons at rest are left out until a spike arrives: the same bits, whether few neurons move, or many."""

from dataclasses import replace

import numpy as np
import pytest
from brian2 import ms, mV, nS

from eisim import Circuit, ConductanceLIF, FixedProbability, Input, Neuron, Population, Projection, simulate
from eisim.base.timing import Timing
from eisim.distributions import Normal
from eisim.neurons import LIF
from eisim.simulation import job
from eisim.simulation.job import Job
from eisim.simulation.layout import Trials, lay_out
from eisim.simulation.model import models
from eisim.stimuli import SpikeTimes

EQUATIONS = Neuron(
    "dv/dt = (-60*mV - v + (g_e*(0*mV - v) + g_i*(-80*mV - v))/(10*nS))/(20*ms) : volt (unless refractory)\n"
    "dg_e/dt = -g_e/(5*ms) : siemens\ndg_i/dt = -g_i/(10*ms) : siemens",
    threshold="v > -50*mV",
    reset="v = -60*mV",
    refractory=2 * ms,
    excitation="g_e",
    inhibition="g_i",
)
CELLS = {
    "LIF": (LIF(tau=5 * ms), 1.5 * mV),
    "no refractory period": (LIF(tau=5 * ms, refractory=0 * ms), 1.5 * mV),
    "conductances": (ConductanceLIF(), 3 * nS),
    "equations": (EQUATIONS, 3 * nS),
}


def driven(cell, weight, share, bias=0.0, size=400, seed=1, start=None):
    """A network in which a share of the neurons receives bursts of spikes at given times."""
    times = np.concatenate([begin + np.arange(12) * 0.4e-3 for begin in (0.02, 0.2)])
    number = max(round(share * size), 1)
    afferents = Input("x", number, spikes=SpikeTimes(np.tile(np.arange(number), times.size), np.repeat(times, number)))
    reach = np.zeros((number, size))
    reach[np.arange(number), np.arange(number) * 7 % size] = 1
    initial = {} if start is None else {"initial": start}
    cells = [
        Population("E", "E", cell, size, bias=bias, **initial),
        Population("I", "I", cell, size // 4, bias=bias, **initial),
    ]
    between = [Projection(s, t, FixedProbability(0.01, weight), 1.8 * ms, name=f"{s}{t}") for s in "EI" for t in "EI"]
    projections = [Projection("x", "E", reach * 3 * weight, 1 * ms), *between]
    return Circuit("driven", [afferents], cells, projections, seed=seed)


def response_of(circuit, monkeypatch, many):
    monkeypatch.setattr(job, "MANY", many)
    stimuli = np.ones((2, circuit.n_inputs))
    return simulate(circuit, stimuli, duration=0.4, window=0.4, seed=[1, 2], record=True)


@pytest.mark.parametrize("name", CELLS)
def test_rest_changes_no_bit(name, monkeypatch):
    cell, weight = CELLS[name]
    for share in (0.03, 0.9) if name == "LIF" else (0.03,):
        circuit = driven(cell, weight, share)
        ours, theirs = (response_of(circuit, monkeypatch, many) for many in (0, 10**9))
        assert theirs.rates["E"].max() > 0
        for population in "EI":
            np.testing.assert_array_equal(ours.rates[population], theirs.rates[population])
            for part in ("copy", "neuron", "step"):
                mine, other = (getattr(each.spikes[population], part) for each in (ours, theirs))
                np.testing.assert_array_equal(mine, other)


def test_states_at_the_end_are_those_of_their_neurons(monkeypatch):
    circuit = driven(*CELLS["LIF"], 0.05, start={"v": Normal(-62 * mV, 2 * mV)})
    circuit = replace(
        circuit, projections=[replace(p, delay=0.0) for p in circuit.projections[1:]], inputs=[Input("x")]
    )
    final = []
    for many in (0, 10**9):
        monkeypatch.setattr(job, "MANY", many)
        final.append(simulate(circuit, np.zeros((1, 1)), duration=0.4, window=0.1, keep_state=True).state)
    for name in "EI":
        for variable, values in final[0].stored[name].items():
            np.testing.assert_array_equal(values, final[1].stored[name][variable])


def resting(circuit, monkeypatch, stimuli=None, **more):
    monkeypatch.setattr(job, "MANY", 0)
    stimuli = np.ones((1, circuit.n_inputs)) if stimuli is None else stimuli
    trials = Trials(circuit, stimuli, np.arange(1), np.arange(1), False, **more)
    layout, timing = lay_out([trials], 1e-4, 100), Timing(0.01, 0.01, 1e-4)
    return Job(layout, circuit.kind, timing, models(layout, circuit.kind, timing, True)).resting


def test_what_depends_on_more_than_the_state_never_rests(monkeypatch):
    plain = driven(*CELLS["LIF"], 0.05)
    assert resting(plain, monkeypatch) == ["lif"]
    noisy = [replace(p, neuron=LIF(noise=1 * mV)) for p in plain.populations]
    assert resting(replace(plain, populations=noisy), monkeypatch) == []
    timed = Neuron("dv/dt = (sin(t/ms) - v)/(10*ms) : 1", threshold="v > 1", reset="v = 0", refractory=2 * ms)
    alone = Circuit("timed", [Input("x")], [Population("E", "E", timed, 10)], [])
    assert resting(alone, monkeypatch) == []

    class Placed(LIF):
        def step(self, *given):
            return super().step(*given) + "\n        v = v + 1e-9*i"

    placed = [replace(p, neuron=Placed()) for p in plain.populations]
    assert resting(replace(plain, populations=placed), monkeypatch) == []
    current = Circuit(
        "current",
        [Input("x", current=1 * mV)],
        [Population("E", "E", LIF(), 10)],
        [Projection("x", "E", np.ones((1, 10)))],
    )
    assert resting(current, monkeypatch, np.ones((1, 5, 1))) == []


def test_a_neuron_that_spikes_without_moving_is_not_at_rest(monkeypatch):
    """It lies above its threshold, where the reset leaves it; 21 steps after a spike it is free, when it is asked."""
    cell = Neuron(
        "dv/dt = (20*mV - v)/(10*ms) : volt (unless refractory)",
        threshold="v > 10*mV",
        reset="v = 20*mV",
        refractory=2.1 * ms,
    )
    circuit = Circuit("tonic", [Input("x")], [Population("E", "E", cell, 10, initial={"v": 20 * mV})])
    assert resting(circuit, monkeypatch) != []
    spikes = response_of(circuit, monkeypatch, 0).spikes["E"]
    np.testing.assert_array_equal(np.unique(spikes.step), np.arange(0, 4000, 21))
    assert spikes.step.size == 10 * 2 * 2 * 191
