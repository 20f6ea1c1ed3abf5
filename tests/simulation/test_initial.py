"""States at the start against closed forms, plain Brian2 scripts and the DNNs."""

import copy
import pickle
import re
from dataclasses import replace

import brian2 as b2
import numpy as np
import pytest
from brian2 import Hz, ms, mV, nS, pA
from scipy import stats

from eisim import (
    LIF,
    AdEx,
    AllToAll,
    Alpha,
    Circuit,
    Conductance,
    ConductanceLIF,
    Exponential,
    Input,
    InputError,
    Lognormal,
    Normal,
    Population,
    Projection,
    Readout,
    Saturating,
    Theta,
    load,
    save,
    simulate,
    to_dnn,
)
from eisim.circuit import initial_state, union

TIMES = {"duration": 40e-3, "window": 40e-3, "dt": 0.1e-3}
NUMPY = TIMES | {"backend": "numpy"}


def alone(neuron, initial, size=1, seed=0, **population):
    made = Population("E", "E", neuron, size, initial=initial, **population)
    return Circuit("c", [Input("x")], [made], (), [Readout("E")], seed)


def spikes_of(response, name="E"):
    return np.stack([getattr(response.spikes[name], part) for part in ("copy", "neuron", "step")])


def test_currents_at_the_start_make_the_spikes_of_a_plain_brian2_script(monkeypatch):
    v, current = np.linspace(-65e-3, -52e-3, 7), np.linspace(60e-3, 250e-3, 7)
    circuit = alone(LIF(inhibition=Exponential(8e-3)), {"v": v * b2.volt, "I_e": current * b2.volt, "I_i": -10 * mV}, 7)
    found = spikes_of(simulate(circuit, [[0]], record=True, **NUMPY))
    monkeypatch.setitem(b2.prefs, "codegen.target", "numpy")
    equations = """dv/dt = (-65*mV - v + I_e + I_i)/(10*ms) : volt (unless refractory)
    dI_e/dt = -I_e/(5*ms) : volt
    dI_i/dt = -I_i/(8*ms) : volt"""
    reset = {"threshold": "v > -50*mV", "reset": "v = -65*mV", "refractory": 2 * ms}
    group = b2.NeuronGroup(7, equations, method="exact", dt=0.1 * ms, **reset)
    group.v, group.I_e, group.I_i = v * b2.volt, current * b2.volt, -10 * mV
    monitor = b2.SpikeMonitor(group)
    b2.Network(group, monitor).run(40 * ms)
    assert found.shape[1] > 5
    np.testing.assert_array_equal(found[1:], [monitor.i, np.round(monitor.t / (0.1 * ms))])


def test_conductances_at_the_start_are_those_that_a_spike_leaves():
    """An input spike at step 0 adds its weight before step 1; so does the start, a step earlier."""
    for receptor in (Conductance(0.0, 5e-3), Conductance(0.0, 5e-3, 1e-3)):
        neuron = ConductanceLIF(excitation=receptor)
        variable = "x_e" if receptor.rise else "g_e"
        given = alone(neuron, {variable: 60 * nS}, 2)
        driven = replace(
            alone(neuron, None, 2), inputs=[Input("x", 1, 9999.0)], projections=[Projection("x", "E", [[60e-9, 60e-9]])]
        )
        at_once = np.zeros((1, 400, 1))
        at_once[0, 0] = 1
        ours, theirs = (spikes_of(simulate(c, s, record=True, **NUMPY)) for c, s in ((given, [[0]]), (driven, at_once)))
        assert ours.shape[1] >= 2
        np.testing.assert_array_equal(ours[2] + 1, theirs[2])


def test_rates_and_noise_at_the_start_are_those_of_the_first_steps():
    tau, dt, unit = 10e-3, 1e-3, Saturating(noise=1e-9, noise_tau=4e-3)
    circuit = alone(unit, {"r": [20, 40] * Hz, "noise_drive": [0, 30] * Hz}, 2)
    times = {"duration": 3 * dt, "window": dt, "dt": dt, "backend": "numpy"}
    found = simulate(circuit, [[0]], record=True, **times).traces["E"][0]
    r, eta = np.array([20.0, 40.0]), np.array([0.0, 30.0])
    for step in range(3):
        r = r + dt / tau * (eta - r)
        eta = eta * np.exp(-dt / 4e-3)
        np.testing.assert_allclose(found[:, step], r, rtol=1e-6)


STATES = {
    "lif": (LIF(), {"v": Normal(-58 * mV, 4 * mV), "I_e": Lognormal(80 * mV, 40 * mV)}),
    "alpha": (LIF(excitation=Alpha()), {"x_e": 200 * mV, "I_i": -5 * mV}),
    "conductance": (ConductanceLIF(), {"g_e": Lognormal(30 * nS, 10 * nS)}),
    "theta": (Theta(tau=5e-3), {"v": Normal(0, 1), "I_e": 4.0}),
    "equations": (AdEx(), {"v": -55 * mV, "w": Normal(0 * pA, 20 * pA), "g_e": Lognormal(100 * nS, 20 * nS)}),
}


def test_recordings_begin_there():
    circuit = alone(LIF(), {"v": Normal(-58 * mV, 4 * mV), "I_e": [1, 2, 3] * mV}, 3)
    found = simulate(circuit, [[0]], record={"E": ["v", "I_e", "I_i"]}, **NUMPY).traces["E"]
    state = initial_state(circuit.population("E"), 0) | {"I_i": np.zeros(3)}
    for name, values in state.items():
        np.testing.assert_array_equal(np.squeeze(found[name].values)[:, 0], values)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["numpy", pytest.param("cpp", marks=pytest.mark.slow)])
def test_states_are_the_same_whatever_the_batch(backend):
    """Beside circuits of the same models without them, pooled ones among them, and with all seeds and trials."""
    circuits = []
    for name, (neuron, initial) in STATES.items():
        made = alone(neuron, initial, 5, 3)
        other = alone(neuron, None, 3)
        circuits += [other, made]
        if name in ("lif", "theta"):
            circuits.append(replace(made, name=name, projections=[Projection("E", "E", AllToAll(1e-4), 1e-3)]))
    times = TIMES | {"backend": backend, "record": True, "seed": [1, 2]}
    found = simulate(circuits, [[0], [0]], **times)
    for circuit, response in zip(circuits, found, strict=True):
        mine = simulate(circuit, [[0], [0]], **times | {"backend": "numpy"})
        np.testing.assert_array_equal(spikes_of(response), spikes_of(mine))
        assert bool(spikes_of(mine).size) == bool(circuit.populations[0].initial)


def test_drawn_states_are_fixed_by_the_seed_of_the_circuit():
    circuit = alone(LIF(), Normal(-60 * mV, 5 * mV), 4000)
    state = initial_state(circuit.population("E"), 0)
    assert list(state) == ["v"] and circuit.is_random
    assert stats.kstest(state["v"], stats.norm(-60e-3, 5e-3).cdf).pvalue > 1e-3
    np.testing.assert_array_equal(state["v"], initial_state(circuit.population("E"), 0)["v"])
    assert not np.isin(initial_state(circuit.population("E"), 1)["v"], state["v"]).any()
    beside = union([circuit, replace(circuit, seed=1)])
    np.testing.assert_array_equal(initial_state(beside.populations[0], beside.seed)["v"], state["v"])
    one, other = (simulate(replace(circuit, seed=s), [[0]], record=True, **NUMPY) for s in (0, 1))
    assert spikes_of(one).shape != spikes_of(other).shape


@pytest.mark.parametrize(
    ("neuron", "initial"),
    [(LIF(), {"v": Normal(-58 * mV, 4 * mV), "I_e": 90 * mV, "I_i": [-5, -3, 0] * mV}), (Saturating(), {"r": 30 * Hz})],
)
def test_the_unrolled_dnn_begins_there_as_well(neuron, initial):
    circuit = alone(neuron, initial, 3)
    expected = simulate(circuit, [[0]], **NUMPY).readouts
    assert expected.all()
    np.testing.assert_allclose(to_dnn(circuit, unrolled=True, **TIMES)([[0]]), expected, rtol=1e-9)


def test_states_are_saved_copied_and_shown(tmp_path):
    circuit = alone(*STATES["lif"], 5)
    arrays = alone(LIF(), {"v": -60 * mV, "I_e": np.arange(5) * mV}, 5)
    for each in (circuit, arrays):
        save(each, tmp_path / "circuit.eisim")
        for found in (load(tmp_path / "circuit.eisim"), copy.deepcopy(each), pickle.loads(pickle.dumps(each))):
            for name, value in initial_state(each.populations[0], 0).items():
                np.testing.assert_array_equal(initial_state(found.populations[0], 0)[name], value)
            assert all(not v.flags.writeable for v in found.populations[0].initial.values() if hasattr(v, "flags"))
    assert "from v normal -58 mV ± 4 mV, I_e lognormal 80 mV ± 40 mV" in circuit._repr_html_()
    assert "from v -60 mV, I_e 0 mV to 4 mV" in arrays._repr_html_()
    single = Population("E", "E", LIF(), 2, initial={"v": -60 * mV})
    assert isinstance(single.initial, np.ndarray) and single.initial.tolist() == [-60e-3, -60e-3]


@pytest.mark.parametrize(
    ("initial", "said"),
    [
        ({"g_e": 1 * nS}, "initial: expected state variables (v, I_e, I_i), found 'g_e'"),
        ({}, "initial: expected state variables (v, I_e, I_i), found none"),
        ({"I_e": 1 * nS}, "initial of I_e: expected a voltage such as 15*mV, found 1. nS"),
        (
            {"I_e": Normal(1 * nS, 1 * nS)},
            "initial of I_e: expected a voltage such as 15*mV, found a quantity in sie",
        ),
        ({"I_e": [1, 2] * mV}, "initial of I_e: expected shape (3,), found (2,)"),
        ({"v": np.nan}, "initial of v: expected finite numbers"),
        (Normal(1 * ms, 1 * ms), "initial: expected a voltage such as 15*mV, found a quantity in second"),
    ],
)
def test_bad_states_are_named(initial, said):
    with pytest.raises(InputError, match=re.escape(f"Population 'E': {said}")) as error:
        Population("E", "E", LIF(), 3, initial=initial)
    assert "\n" not in str(error.value)
