import brian2 as b2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import expm

from eisim import LIF, Circuit, Exponential, Input, Population, Projection, Readout, simulate
from tests.support.drawn import LIF_NEURONS, RATE_UNITS

SPIKING = (*LIF_NEURONS, LIF(noise=2e-3))


@pytest.mark.parametrize("neuron", [*RATE_UNITS, *SPIKING], ids=repr)
@given(drives=st.tuples(st.floats(-200, 200), st.floats(-200, 200)))
def test_activation_is_non_decreasing(neuron, drives):
    assert neuron.non_decreasing
    unit = 1.0 if neuron.kind == "rate" else 1e-3
    lower, upper = neuron.activation(np.sort(drives) * unit)
    assert 0 <= lower <= upper * (1 + 1e-9)


@pytest.mark.parametrize("tau_s", [3e-3, 10e-3, 10e-3 * (1 + 1e-9), 30e-3])
def test_lif_step_is_the_matrix_exponential(tau_s):
    neuron, dt = LIF(excitation=Exponential(tau_s), inhibition=Exponential(7e-3)), 1e-3
    tau, tau_i = neuron.tau, 7e-3
    exact = expm(np.array([[-1 / tau, 1 / tau, 1 / tau], [0, -1 / tau_s, 0], [0, 0, -1 / tau_i]]) * dt)
    ours = neuron.step_parameters(dt)
    np.testing.assert_allclose(exact[0], [ours["decay_v"], ours["e_to_v"], ours["i_to_v"]], rtol=1e-7)
    np.testing.assert_allclose(np.diag(exact)[1:], [ours["decay_e"], ours["decay_i"]], rtol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("neuron", "most"),
    [(LIF(), 0.05), (LIF(refractory=0.0), 0.05), (LIF(refractory=1.3e-3), 0.05), (LIF(reset_by_subtraction=True), 0.3)],
    ids=["refractory", "none", "no multiple of a step", "subtraction"],
)
@pytest.mark.parametrize("dt", [0.1e-3, 0.5e-3])
def test_fi_curve_of_steps_has_their_intervals(neuron, most, dt):
    """On average over constant drives, in steps; that of the differential equation is half a step off."""
    drives = np.random.default_rng(0).uniform(16e-3, 60e-3, 400)
    circuit = Circuit("c", [Input("x")], [Population("e", "E", neuron, 400, drives)], [], [Readout("e")])
    rates = simulate(circuit, [[0.0]], duration=2.0, window=1.9, dt=dt, backend="numpy").readouts[0]
    errors = [float(np.mean(1 / rates - 1 / each.activation(drives))) / dt for each in (neuron, neuron.stepped(dt))]
    assert abs(errors[1]) < most and abs(errors[0]) > 0.4


@pytest.mark.slow
def test_lif_agrees_with_brian2s_own_integration():
    """The same equations under Brian2's method="exact", driven by the same spikes: the same output spikes."""
    neuron, dt = LIF(refractory=3e-3, inhibition=Exponential(7e-3)), 0.1e-3
    circuit = Circuit(
        "c",
        [Input("x", 3, 150.0)],
        [Population("e", "E", neuron, 2, [12e-3, 16e-3])],
        [Projection("x", "e", [[20e-3, 5e-3], [10e-3, 0], [30e-3, 40e-3]], delay=1.5e-3)],
        [Readout("e")],
    )
    ours = simulate(circuit, [[1, 0.5, 0.8]], duration=0.3, window=0.2, dt=dt, record=True, backend="numpy")
    sent, got = ours.spikes["x"], ours.spikes["e"]

    b2.start_scope()
    b2.prefs.codegen.target = "numpy"
    b2.defaultclock.dt = dt * b2.second
    source = b2.SpikeGeneratorGroup(3, sent.neuron, sent.step * dt * b2.second)
    namespace = {"tau": neuron.tau * b2.second, "tau_e": 5 * b2.ms, "tau_i": 7 * b2.ms, "rest": -65 * b2.mV}
    equations = neuron.equations().replace(" + noise*sqrt(2/tau)*xi", "") + "bias : volt\n"
    cells = b2.NeuronGroup(
        2,
        equations,
        threshold="v > -50*mV",
        reset="v = -65*mV",
        refractory=3 * b2.ms,
        method="exact",
        namespace=namespace,
    )
    cells.v, cells.bias = -65 * b2.mV, [12, 16] * b2.mV
    synapses = b2.Synapses(source, cells, "w : volt", on_pre="I_e += w", delay=1.5 * b2.ms)
    synapses.connect()
    synapses.w["True"] = 0 * b2.mV
    for (i, j), w in np.ndenumerate([[20, 5], [10, 0], [30, 40]]):
        synapses.w[i, j] = w * b2.mV
    monitor = b2.SpikeMonitor(cells)
    b2.Network(source, cells, synapses, monitor).run(0.3 * b2.second)
    assert len(got.step) > 10
    np.testing.assert_array_equal(
        np.sort(got.step[got.neuron == 0]), np.round(monitor.t[monitor.i == 0] / (dt * b2.second))
    )
    np.testing.assert_array_equal(
        np.sort(got.step[got.neuron == 1]), np.round(monitor.t[monitor.i == 1] / (dt * b2.second))
    )


def test_f_i_curve_predicts_the_rate():
    """The closed form, or the Siegert formula, against simulated neurons under constant input."""
    neurons = {"quiet": LIF(), "noisy": LIF(noise=1e-3), "noisier": LIF(noise=4e-3, refractory=5e-3)}
    drives, copies = np.array([12e-3, 15.5e-3, 20e-3, 40e-3]), 20
    cells = [Population(name, "E", n, 4 * copies, np.repeat(drives, copies)) for name, n in neurons.items()]
    circuit = Circuit("c", [Input("x")], cells)
    response = simulate(circuit, [[0]], duration=4.0, window=3.5, dt=0.05e-3)
    for name, neuron in neurons.items():
        measured = response.rates[name].reshape(4, copies).mean(axis=1)
        np.testing.assert_allclose(measured, neuron.activation(drives), rtol=0.05, atol=0.5)


def test_siegert_tends_to_the_noiseless_curve():
    drives = np.array([5e-3, 17e-3, 30e-3])
    np.testing.assert_allclose(LIF(noise=1e-5).activation(drives), LIF().activation(drives), rtol=1e-3, atol=1e-3)


@pytest.mark.slow
def test_rate_units_state_their_activation_twice_alike():
    """The activation in NumPy and the text that Brian2 compiles agree at the fixed point."""
    for unit in RATE_UNITS:
        drives = np.linspace(-20, 120, 29)
        cells = Population("e", "E", unit, 29, drives)
        circuit = Circuit("c", [Input("x")], [cells], (), [Readout("e")])
        response = simulate(circuit, [[0]], duration=1.0, window=0.01, dt=1e-3, backend="numpy")
        np.testing.assert_allclose(response.readouts[0], unit.activation(drives), atol=1e-9)
