"""Injected currents and given spike times, against plain Brian2 scripts, closed forms and the unrolled DNN."""

from dataclasses import replace

import brian2 as b2
import numpy as np
import pytest
from brian2 import Hz, cm, ms, mV, nA, pA, pF, second, uA
from hypothesis import given, settings
from hypothesis import strategies as st

from eisim import (
    LIF,
    AllToAll,
    Circuit,
    ConductanceLIF,
    Delta,
    Independent,
    Input,
    Neuron,
    Population,
    Projection,
    Readout,
    Saturating,
    ShortTerm,
    Theta,
    ThresholdLinear,
    WangBuzsaki,
    compensate,
    load,
    mean_field,
    save,
    simulate,
    to_dnn,
    to_spiking,
)
from eisim.base.errors import InputError
from eisim.simulation import noise
from eisim.stimuli import ramp, sine, step
from eisim.studies.curves import questioned

TIMES = {"duration": 100 * ms, "window": 100 * ms, "dt": 0.1 * ms}
STEPS = 1000


def driven(weights, n=1, neuron=None, current=20 * mV, **more):
    """A population that an electrode, or several, inject current into."""
    weights = np.atleast_2d(weights)
    return Circuit(
        "driven",
        [Input("electrode", len(weights), current=current, **more)],
        [Population("E", "E", neuron or LIF(), n)],
        [Projection("electrode", "E", weights)],
        [Readout("E")],
    )


def brian2_network(run, **namespace):
    """Neuron and time step of the spikes of a plain Brian2 script on its NumPy runtime."""
    b2.start_scope()
    b2.prefs.codegen.target = "numpy"
    b2.defaultclock.dt = 0.1 * ms
    monitor, *objects = run()
    b2.Network(monitor, *objects).run(100 * ms, namespace=namespace)
    return np.array(monitor.i), np.round(np.array(monitor.t) / 1e-4).astype(int)


def test_current_over_time_makes_the_spikes_of_a_plain_brian2_script():
    """With every frame as long as a step, and with frames of 5 ms; three neurons, two electrodes."""
    courses = np.stack([1 + sine(100 * ms, 30 * Hz), ramp(100 * ms, 20 * ms, 80 * ms)], axis=-1)
    for table in (courses, courses[::50]):
        weights = np.array([[1.0, 0.5, 0.0], [0.0, 0.6, 1.5]])
        ours = simulate(driven(weights, 3), table[None], **TIMES, record=True, backend="numpy").spikes["E"]

        def script(table=table, weights=weights):
            current = b2.TimedArray(table @ (weights * 20) * mV, dt=100 * ms / len(table))
            group = b2.NeuronGroup(
                3,
                "dv/dt = (-65*mV + current(t, i) - v)/(10*ms) : volt (unless refractory)",
                threshold="v > -50*mV",
                reset="v = -65*mV",
                refractory=2 * ms,
                method="exact",
                namespace={"current": current},
            )
            group.v = -65 * mV
            return b2.SpikeMonitor(group), group

        neuron, steps = brian2_network(script)
        assert len(steps) > 10
        assert (np.sort(neuron * STEPS + steps) == np.sort(ours.neuron * STEPS + ours.step)).all()


def test_static_current_is_a_bias():
    biased = Circuit(
        "biased",
        [Input("idle")],
        [Population("E", "E", LIF(), 2, bias=[18 * mV, 27 * mV])],
        [],
        [Readout("E")],
    )
    injected = simulate(driven([[1, 1.5]], 2, current=18 * mV), [[1], [0]], **TIMES, backend="numpy").readouts
    assert (injected[0] == simulate(biased, [[0]], **TIMES, backend="numpy").readouts[0]).all()
    assert injected[0, 0] > 0 and not injected[1].any()


def test_current_acts_from_the_first_step_of_its_frame_on():
    """One step of a current that charges the membrane by 20 mV: the spike is in that step, whichever it is."""
    kick = 20 * mV / (1 - np.exp(-0.01))
    for at in (0, 7, 999):
        table = np.zeros((1, STEPS, 1))
        table[0, at] = 1
        spikes = simulate(driven([[1]], current=kick), table, **TIMES, record=True, backend="numpy").spikes["E"]
        assert spikes.step.tolist() == [at]


def test_currents_add_up_and_may_be_negative():
    inputs = [Input("up", current=10 * mV), Input("also up", 2, current=8 * mV)]
    projections = [Projection("up", "E", AllToAll(2)), Projection("also up", "E", [[1, 0], [0.5, 1]])]
    circuit = Circuit("sum", inputs, [Population("E", "E", LIF(), 2)], projections, [Readout("E")])
    x = np.array([[1.0, -0.25, 0.5], [0.5, 1, 1]])
    sums = 20 * x[:, :1] + 8 * x[:, 1:] @ [[1, 0], [0.5, 1]]
    one = simulate(driven(np.eye(2), 2, current=1 * mV), sums, **TIMES, backend="numpy").readouts
    assert (simulate(circuit, x, **TIMES, backend="numpy").readouts == one).all() and one.any()


def test_a_rate_unit_adds_current_to_its_drive():
    """A linear unit that a sine drives, against its closed form, which Euler's steps approach."""
    tau, f, dt = 10e-3, 20.0, 1e-5
    unit = ThresholdLinear(tau=tau)
    table = (2 + sine(100 * ms, f * Hz, every=dt))[None, :, None]
    options = {"duration": 100 * ms, "window": 100 * ms, "dt": dt, "record": True, "backend": "numpy"}
    trace = simulate(driven([[1]], neuron=unit, current=30 * Hz), table, **options).traces["E"][0, 0]
    t, w = np.arange(1, 10001) * dt, 2 * np.pi * f
    exact = 2 * (1 - np.exp(-t / tau)) + (np.sin(w * t) - w * tau * (np.cos(w * t) - np.exp(-t / tau))) / (
        1 + (w * tau) ** 2
    )
    assert np.abs(trace - 30 * exact).max() < 30 * 1e-3


def test_conductance_based_neurons_fire_at_the_rate_of_their_f_i_curve():
    circuit, times = driven([[1]], neuron=ConductanceLIF(), current=100 * pA), {"duration": 1, "window": 0.8}
    rates = simulate(circuit, [[1.2], [2], [4]], **times, dt=0.05 * ms, backend="numpy").readouts[:, 0]
    assert np.abs(rates - ConductanceLIF().activation([120e-12, 200e-12, 400e-12])).max() < 1.3  # a spike in the window


def test_a_timed_array_is_one_trial():
    values = 1 + sine(100 * ms, 30 * Hz, every=0.5 * ms)
    circuit = driven([[1]])
    wanted = simulate(circuit, values[None, :, None], **TIMES, backend="numpy").readouts
    for timed in (b2.TimedArray(values, 0.5 * ms), b2.TimedArray(values[:, None] * 20 * mV, 0.5 * ms)):
        assert simulate(circuit, timed, **TIMES, backend="numpy").readouts == wanted
    # Frames that do not fill the trial: the last value stays.
    short = b2.TimedArray(np.array([0.0, 1.5]), 30 * ms)
    course = np.repeat([0, 1.5, 1.5, 1.5], [300, 300, 300, 100])[None, :, None]
    assert (
        simulate(circuit, short, **TIMES, backend="numpy").readouts
        == simulate(circuit, course, **TIMES, backend="numpy").readouts
    )
    with pytest.raises(InputError, match="TimedArray of plain numbers"):
        simulate(circuit, b2.TimedArray(values * nA, 0.5 * ms), **TIMES, backend="numpy")


def test_a_timed_array_may_be_in_the_unit_of_all_inputs():
    values, dense = 1 + sine(100 * ms, 30 * Hz, every=0.5 * ms), uA / cm**2
    course = values[None, :, None]
    options = TIMES | {"backend": "numpy"}
    cases = [
        (driven([[1]], neuron=WangBuzsaki(), current=5 * dense), values * 5 * dense, {"dt": 0.02 * ms}),
        (driven([[1]], neuron=ThresholdLinear(), current=10 * Hz), values * 10 * Hz, {}),
        (
            Circuit(
                "r",
                [Input("x", rate=30 * Hz)],
                [Population("E", "E", LIF())],
                [Projection("x", "E", [[9 * mV]])],
                [Readout("E")],
            ),
            values * 30 * Hz,
            {},
        ),
    ]
    for circuit, quantities, more in cases:
        timed = b2.TimedArray(quantities, 0.5 * ms)
        wanted = simulate(circuit, course, **options | more).readouts
        np.testing.assert_allclose(simulate(circuit, timed, **options | more).readouts, wanted, rtol=1e-9)
        for each in simulate([circuit, circuit], [timed, timed], **options | more):
            np.testing.assert_allclose(each.readouts, wanted, rtol=1e-9)
    with pytest.raises(InputError, match="expected a current above 0 of input 'electrode'"):
        simulate(driven([[1]], current=0 * mV), b2.TimedArray(values * mV, 0.5 * ms), **options)
    spikes = Circuit("s", [Input("x", spikes=([0], [1 * ms]))], [Population("E", "E", LIF())], [], [])
    with pytest.raises(InputError, match="TimedArray of plain numbers"):
        simulate(spikes, b2.TimedArray(values * Hz, 0.5 * ms), **options)


def test_what_an_input_or_a_course_does_not_have_is_refused():
    with pytest.raises(InputError, match="tau: expected it with a current="):
        Input("i", tau=3 * ms)
    with pytest.raises(InputError, match=r"step: stop: expected a time after the start, 0.05 s, found 0.02 s"):
        step(100 * ms, 50 * ms, 20 * ms)
    for course in (step, ramp):
        with pytest.raises(InputError, match=f"{course.__name__}: duration: expected a time"):
            course("a")


def _fluctuating(n, rule, tau=5 * ms, size=1):
    """Linear rate units whose rate follows a fluctuating current of mean 100 Hz at once."""
    return Circuit(
        "fluctuating",
        [Input("background", size, current=100 * Hz, fluctuation=20 * Hz, tau=tau)],
        [Population("E", "E", ThresholdLinear(tau=0.1 * ms), n)],
        [Projection("background", "E", rule)],
        [Readout("E")],
    )


def test_a_fluctuating_current_has_its_mean_spread_and_correlation_time():
    """And is stationary from the first step on: a thousand independent neurons at each time."""
    traces = simulate(_fluctuating(1000, Independent(1)), [[1]], **TIMES, record=True, backend="numpy").traces["E"][0]
    eta = (traces - 100) / 20
    assert np.abs(eta.mean(axis=0)).max() < 0.15
    assert np.abs(eta.std(axis=0) - 1).max() < 0.1
    assert eta[:, 0].std() == pytest.approx(1, abs=0.07)
    for lag in (10, 50, 150):
        found = (eta[:, :-lag] * eta[:, lag:]).mean()
        assert found == pytest.approx(np.exp(-lag / 50), abs=0.02)
    correlation = np.corrcoef(eta[:, ::200])
    assert np.abs(correlation[np.triu_indices(1000, 1)].mean()) < 0.01


def test_targets_of_one_electrode_share_its_noise_and_trials_and_seeds_do_not():
    shared = simulate(
        _fluctuating(2, [[1, 0.5]]), [[1], [1]], **TIMES, seed=[0, 1], record=True, backend="numpy"
    ).traces["E"]  # seeds × trials × neurons × time
    assert np.allclose(shared[..., 0, :], 2 * shared[..., 1, :], rtol=1e-12)
    apart = shared[:, :, 0].reshape(4, -1)
    assert (np.abs(np.corrcoef(apart)[np.triu_indices(4, 1)]) < 0.7).all()
    assert len({trace[0] for trace in apart}) == 4
    two = simulate(_fluctuating(2, np.eye(2), size=2), [[1, 1]], **TIMES, record=True, backend="numpy").traces["E"][0]
    assert two[0, 0] != two[1, 0]
    assert (two[0] == shared[0, 0, 0]).all()  # the first electrode is the first electrode


def test_the_steps_of_a_fluctuation_are_those_of_the_keyed_process():
    """Step by step from its key: what is said of it does not rest on statistics alone."""
    trace = simulate(_fluctuating(1, [[1]]), [[1]], **TIMES, seed=7, record=True, backend="numpy").traces["E"][0, 0]
    key, eta, rates = noise.keys(7, 0, 1), None, []
    for k in range(20):
        eta = (
            noise.gaussian(key, -1)
            if eta is None
            else eta * np.exp(-0.02) + np.sqrt(1 - np.exp(-0.04)) * noise.gaussian(key, k - 1)
        )
        rates.append(100 + 20 * eta[0])
    assert np.allclose(trace[:20], rates, rtol=1e-12)


SPIKES = ([0, 1, 1, 0, 2], [5 * ms, 10 * ms, 30 * ms, 99.95 * ms, 300 * ms])


def _timed(spikes=SPIKES, size=3, weight=40 * mV, **more):
    return Circuit(
        "timed",
        [Input("stim", size, spikes=spikes, **more)],
        [Population("E", "E", LIF(), size)],
        [Projection("stim", "E", np.eye(size) * weight)],
        [Readout("E")],
    )


@pytest.mark.parametrize("delay", [0, 3.2])
def test_given_spikes_are_those_of_a_spike_generator_group(delay):
    rng = np.random.default_rng(0)
    steps = np.sort(np.concatenate([rng.choice(STEPS, 40, replace=False) for _ in range(3)]).reshape(3, 40))
    spikes = np.repeat(np.arange(3), 40), steps.ravel() * 0.1 * ms
    circuit = _timed(spikes, weight=25 * mV)
    circuit = replace(circuit, projections=[replace(circuit.projections[0], delay=delay * ms)])
    ours = simulate(circuit, np.ones((1, 3)), **TIMES, record=True, backend="numpy").spikes

    def script():
        source = b2.SpikeGeneratorGroup(3, *spikes)
        group = b2.NeuronGroup(
            3,
            """dv/dt = (-65*mV + I - v)/(10*ms) : volt (unless refractory)
            dI/dt = -I/(5*ms) : volt""",
            threshold="v > -50*mV",
            reset="v = -65*mV",
            refractory=2 * ms,
            method="exact",
        )
        group.v = -65 * mV
        synapses = b2.Synapses(source, group, on_pre="I += 25*mV", delay=delay * ms)
        synapses.connect(j="i")
        return b2.SpikeMonitor(group), group, source, synapses

    neuron, at = brian2_network(script)
    assert len(at) > 20
    assert (np.sort(neuron * STEPS + at) == np.sort(ours["E"].neuron * STEPS + ours["E"].step)).all()
    assert (
        np.sort(ours["stim"].neuron * STEPS + ours["stim"].step) == np.arange(3).repeat(40) * STEPS + steps.ravel()
    ).all()


def test_given_spikes_come_while_their_stimulus_is_1():
    """Static and in frames of 50 ms; spikes after the end are left out."""
    table = np.array([[[1, 1, 1], [0, 0, 0]], [[0, 0, 1], [1, 1, 1]]])
    found = simulate(_timed(), table, **TIMES, record=True, backend="numpy").spikes["stim"]
    assert [found.copy.tolist(), found.neuron.tolist(), found.step.tolist()] == [
        [0, 0, 0, 1],
        [0, 1, 1, 0],
        [50, 100, 300, 999],
    ]
    found = simulate(_timed(), [[0, 1, 1], [1, 0, 0]], **TIMES, record=True, backend="numpy").spikes["stim"]
    assert [found.copy.tolist(), found.step.tolist()] == [[0, 0, 1, 1], [100, 300, 50, 999]] or set(
        zip(found.copy.tolist(), found.step.tolist(), strict=True)
    ) == {(0, 100), (0, 300), (1, 50), (1, 999)}
    with pytest.raises(InputError, match=r"stimuli of 0 \(off\) and 1 \(on\).*found 0.5"):
        simulate(_timed(), [[0.5, 1, 1]], **TIMES, backend="numpy")
    with pytest.raises(InputError, match=r"at most one .* two of afferent 1 at 10 and 10.05 ms"):
        simulate(_timed(([1, 1], [10 * ms, 10.05 * ms])), [[1, 1, 1]], **TIMES, backend="numpy")


def test_spike_times_from_a_data_frame():
    pandas = pytest.importorskip("pandas")
    i, t = np.array(SPIKES[0]), np.array([float(t / second) for t in SPIKES[1]])
    for name in ("i", "neuron"):
        assert Input("stim", 3, spikes=pandas.DataFrame({name: i, "t": t})) == Input("stim", 3, spikes=SPIKES)
    with pytest.raises(InputError, match=r"columns i \(or neuron\) and t, found x, t"):
        Input("stim", 3, spikes=pandas.DataFrame({"x": i, "t": t}))


@pytest.mark.parametrize("kind", ["trains", "drives"])
def test_poisson_rates_over_time(kind):
    """Counts of each frame against their closed form, for trains of afferents and for what arrives at each neuron.

    An arrival lifts the membrane over threshold, so that the neurons count the steps with at least one.
    """
    rates, n = np.array([0.0, 2.0, 0.5, 1.0]), 400
    neuron = LIF(excitation=Delta(), inhibition=Delta(), refractory=0 * ms)
    drives = kind == "drives"
    circuit = Circuit(
        "poisson",
        [Input("x", 1 if drives else n, 200 * Hz, "poisson")],
        [Population("E", "E", neuron, n)],
        [Projection("x", "E", Independent(20 * mV) if drives else np.eye(n) * 20 * mV)],
    )
    table = np.broadcast_to(rates[None, :, None], (1, 4, circuit.n_inputs))
    spikes = simulate(circuit, table, **TIMES, record=True, backend="numpy").spikes["E" if drives else "x"]
    counts = np.bincount(spikes.step // 250, minlength=4)
    p = (
        1 - np.exp(-200 * rates * 1e-4) if drives else 200 * rates * 1e-4
    )  # a train spikes with the probability rate × dt
    assert (np.abs(counts - n * 250 * p) <= 4 * np.sqrt(n * 250 * p * (1 - p))).all()
    assert counts[1] > 3000


def mixture_of(n, rates, electrodes, rng, delay):
    """A spiking circuit without noise that has all sorts of inputs, and where the columns of its currents lie."""
    inputs = [
        Input("x", rates, 150 * Hz),
        Input("el", electrodes, current=15 * mV),
        Input("el2", 1, current=5 * mV),
        Input("s", 2, spikes=(np.repeat([0, 1], 5), np.concatenate([rng.choice(200, 5, False) for _ in "ab"]) * 1e-4)),
    ]
    populations = [Population("E", "E", LIF(), n, bias=2 * mV), Population("I", "I", LIF(tau=15 * ms), 2)]
    projections = [
        Projection("x", "E", rng.random((rates, n)) * 20 * mV),
        Projection("el", "E", rng.random((electrodes, n)) * (rng.random((electrodes, n)) < 0.7)),
        Projection("el2", "E", AllToAll(0.7)),
        Projection("el2", "I", AllToAll(4)),
        Projection("s", "I", rng.random((2, 2)) * 30 * mV, delay=delay),
        Projection("s", "E", rng.random((2, n)) * 30 * mV),
        Projection("I", "E", rng.random((2, n)) * 10 * mV),
    ]
    circuit = Circuit("mixed", inputs, populations, projections, [Readout("E"), Readout("I")])
    return circuit, slice(rates, rates + electrodes + 1)


@st.composite
def mixtures(draw, frames=((), (4,), (10,))):
    """Such a circuit with moving or static stimuli."""
    rng, size = np.random.default_rng(draw(st.integers(0, 2**20))), st.integers(1, 3)
    circuit, currents = mixture_of(draw(size), draw(size), draw(size), rng, draw(st.sampled_from([0, 1])) * ms)
    x = rng.random((2, *draw(st.sampled_from(frames)), circuit.n_inputs)) * 2
    x[..., currents] = x[..., currents] * 2 - 1
    x[..., -2:] = x[..., -2:] < 1.4
    return circuit, x


SHORT = {"duration": 20 * ms, "window": 20 * ms, "dt": 0.1 * ms}


@pytest.mark.slow
@settings(max_examples=10, deadline=None)
@given(mixtures())
def test_the_unrolled_dnn_of_any_mixture_equals_the_simulation(mixture):
    circuit, x = mixture
    response = simulate(circuit, x, **SHORT, record=True, backend="numpy")
    dnn = to_dnn(circuit, unrolled=True, **SHORT)
    layers = np.stack(list(dnn.layers(x)))  # steps × trials × units
    for name, units in dnn.units.items():
        found = response.spikes[name]
        wanted = np.zeros((200, 2, units.stop - units.start), dtype=bool)
        wanted[found.step, found.copy, found.neuron] = True
        assert (layers[:, :, units] == wanted).all()


def _noisy(circuit):
    """The mixture with fluctuations, shared and independent."""
    inputs = [*circuit.inputs, Input("ou", 2, current=3 * mV, fluctuation=4 * mV, tau=3 * ms)]
    inputs.append(Input("own", current=1 * mV, fluctuation=6 * mV))
    projections = [*circuit.projections, Projection("ou", "E", AllToAll(1)), Projection("own", "E", Independent(1))]
    return replace(circuit, inputs=inputs, projections=projections)


@pytest.mark.slow
@settings(max_examples=5, deadline=None)
@given(st.sampled_from([(), (4,)]).flatmap(lambda f: st.tuples(mixtures([f]), mixtures([f]))))
def test_a_mixture_alone_is_a_mixture_in_a_batch(mixed):
    """With other circuits beside it, other seeds, and other trials after it."""
    (first, x), (second, y) = mixed
    noisy, moved = _noisy(first), np.concatenate([x, np.ones((*x.shape[:-1], 3))], axis=-1)
    alone = simulate(noisy, moved[:1], **SHORT, record=True, backend="numpy", seed=3)
    seeds = [[0], [5, 3], [1]]
    _, batch, _ = simulate([second, noisy, first], [y, moved, x], **SHORT, record=True, backend="numpy", seed=seeds)
    for name, of in batch.spikes.items():
        mine = of.copy == 2  # the first trial of the second seed
        for part in ("neuron", "step"):
            assert (getattr(of, part)[mine] == getattr(alone.spikes[name], part)).all()
            assert mine.sum() == len(getattr(alone.spikes[name], part))


@pytest.mark.parametrize("moving", [False, True])
def test_the_compiled_program_does_what_numpy_does(moving):
    """All sorts of inputs together, noisy ones too; and other values take the same program."""
    rng = np.random.default_rng(1)
    circuit, _ = mixture_of(3, 2, 3, rng, 0)
    circuit = _noisy(circuit)
    x = rng.random((2, *([5] if moving else []), circuit.n_inputs))
    x[..., 6:8] = x[..., 6:8] < 0.6  # spikes
    one, other = (simulate(circuit, x, **SHORT, record=True, backend=b) for b in ("numpy", "cpp"))
    for name in one.spikes:
        for part in ("copy", "neuron", "step"):
            assert (getattr(one.spikes[name], part) == getattr(other.spikes[name], part)).all()
    assert one.spikes["E"].step.size


@pytest.mark.slow
def test_rate_units_in_a_compiled_program_do_what_numpy_does():
    circuit = Circuit(
        "rates",
        [Input("x"), Input("el", 2, current=30 * Hz), Input("ou", current=10 * Hz, fluctuation=20 * Hz)],
        [Population("E", "E", Saturating(), 3), Population("I", "I", ThresholdLinear(), 1)],
        [
            Projection("x", "I", [[1]]),
            Projection("el", "E", [[1, 0, 0.5], [0, 1, 0.5]]),
            Projection("ou", "E", Independent(1)),
            Projection("ou", "I", [[1]]),
            Projection("I", "E", [[0.3, 0.2, 0.1]], delay=1 * ms),
        ],
        [Readout("E")],
    )
    x = np.random.default_rng(0).random((2, 10, 4))
    one, other = (simulate(circuit, x, **SHORT, record=True, backend=b) for b in ("numpy", "cpp"))
    for name in one.traces:
        assert (one.traces[name] == other.traces[name]).all()
    assert np.ptp(one.traces["E"]) > 1
    quiet = circuit.without_noise()
    assert not quiet.is_random
    dnn = to_dnn(quiet, unrolled=True, **SHORT)(x)
    assert np.allclose(dnn, simulate(quiet, x, **SHORT, backend="numpy").readouts, rtol=1e-12)
    static = to_dnn(quiet)(x[:, 0])
    settled = simulate(quiet, x[:, 0], duration=500 * ms, window=10 * ms, dt=0.1 * ms, backend="numpy").readouts
    assert np.allclose(static, settled, rtol=1e-6)


def test_the_static_dnn_of_a_spiking_circuit_has_the_steady_current():
    circuit = driven([[1, 0.5]], 2, current=30 * mV)
    dnn = to_dnn(circuit)
    assert np.allclose(dnn([[1], [1.5]]), LIF().activation(30e-3 * np.array([[1, 0.5], [1.5, 0.75]])))
    assert dnn.is_nonnegative
    order = dnn([[-1.0], [0.7], [1.2]])
    assert (np.diff(order, axis=0) >= 0).all()


def test_bad_inputs_are_refused_by_name():
    def refused(text, make):
        with pytest.raises(InputError, match=text):
            make()

    refused("Input 'a': fluctuation: expected a current= about", lambda: Input("a", fluctuation=1 * pA))
    refused("unit of the current .*found 1", lambda: Input("a", current=1 * pA, fluctuation=1 * mV))
    refused("current: expected 0 or more .a stimulus value may be negative", lambda: Input("a", current=-1 * pA))
    refused("current: expected a current, a voltage or a rate", lambda: Input("a", current=1 * ms))
    refused(
        "expected one of rate, current and spikes, found rate=50 Hz", lambda: Input("a", rate=50 * Hz, current=1 * pA)
    )
    refused("found train='poisson' besides", lambda: Input("a", train="poisson", spikes=([0], [1 * ms])))
    refused("found both current and spikes", lambda: Input("a", current=1 * pA, spikes=([0], [1 * ms])))
    refused("afferents: expected from 0 to 0, found 1", lambda: Input("a", spikes=([1], [1 * ms])))
    refused("afferents: expected whole numbers, found 0.5", lambda: Input("a", spikes=([0.5], [1 * ms])))
    refused("times: expected 0 or more, found -0.001 s", lambda: Input("a", spikes=([0], [-1 * ms])))
    refused("as many times as afferents", lambda: Input("a", spikes=([0, 0], [1 * ms])))
    refused("times: expected a time such as", lambda: Input("a", spikes=([0], [1 * mV])))
    refused("or a DataFrame", lambda: Input("a", spikes=3))
    wrong = "'electrode->E': current of input 'electrode': expected a voltage .*, as LIF in population 'E' .* found 100"
    refused(wrong, lambda: driven([[1]], current=100 * pA))
    refused("expected a current .*as ConductanceLIF in population 'E'", lambda: driven([[1]], neuron=ConductanceLIF()))
    refused("expected a rate .*as ThresholdLinear", lambda: driven([[1]], neuron=ThresholdLinear()))
    refused("expected a plain number.*as Theta", lambda: driven([[1]], neuron=Theta()))
    refused("plain numbers that multiply an injected current", lambda: driven([[1]] * mV))
    circuit, to_e = driven([[1]]), Projection("electrode", "E", [[1]])
    for change, text in (
        ({"delay": 1 * ms}, "delay: expected none"),
        ({"receptor": "inhibition"}, "receptor: expected none"),
        ({"plasticity": ShortTerm()}, "plasticity: expected none"),
        ({"weights": Independent(1)}, "Independent: expected a current that fluctuates"),
    ):
        refused(text, lambda change=change: replace(circuit, projections=[replace(to_e, **change)]))
    refused("non-negative", lambda: driven([[-1]]))
    both = [Population("E", "E", LIF()), Population("F", "E", ConductanceLIF())]
    plain = [Input("electrode", current=0.02)]
    projections = [to_e, Projection("electrode", "F", [[1]])]
    refused("currents of one unit, found ampere and volt", lambda: Circuit("c", plain, both, projections))
    rate = [Population("E", "E", ThresholdLinear())]
    refused(
        "found the spike times of 's'",
        lambda: Circuit("c", [Input("s", spikes=([0], [1 * ms]))], rate, [Projection("s", "E", [[1]])]),
    )
    refused(
        "a rate is not negative", lambda: simulate(replace(circuit, inputs=[*circuit.inputs, Input("x")]), [[-1, -1]])
    )


def test_what_cannot_take_an_input_says_so():
    noisy, timed = driven([[1]], fluctuation=2 * mV), _timed()
    rates = driven([[1]], neuron=ThresholdLinear(), current=20 * Hz)
    for act, circuit, text in (
        (to_dnn, noisy, "the fluctuating current 'electrode'"),
        (lambda c: to_dnn(c, unrolled=True), noisy, "the fluctuating current 'electrode'"),
        (to_dnn, timed, "the spike times of 'stim', which are no rate"),
        (mean_field, driven([[1]]), "the injected current 'electrode'"),
        (mean_field, timed, "the spike times of 'stim'"),
        (lambda c: to_spiking(c, [[1]]), rates, "the injected current 'electrode'"),
    ):
        with pytest.raises(InputError, match=text):
            act(circuit)
    for circuit, text in ((noisy, "a current that fluctuates"), (timed, "given spike times, which would begin anew")):
        with pytest.raises(InputError, match=text):
            simulate(circuit, np.ones((1, circuit.n_inputs)), **SHORT, keep_state=True, backend="numpy")
    assert questioned(timed, True)[0].startswith("the assumption that does not hold: inputs are rates, but stim fires")
    assert questioned(driven([[1]]), False) == ()


def test_a_circuit_with_currents_and_spike_times_is_saved_whole(tmp_path):
    circuit = _noisy(mixture_of(2, 1, 2, np.random.default_rng(0), 0)[0])
    save(circuit, tmp_path / "c.eisim")
    again = load(tmp_path / "c.eisim")
    assert again.inputs == circuit.inputs
    x = np.ones((1, circuit.n_inputs))
    one, other = (simulate(c, x, **SHORT, record=True, backend="numpy") for c in (circuit, again))
    assert all((one.spikes[name].step == other.spikes[name].step).all() for name in one.spikes)
    html = again._repr_html_()
    assert "15 mV" in html and "injected current ± 4 mV (tau 3 ms)" in html and "10 spikes at given times" in html


def test_the_membrane_follows_a_step_a_ramp_and_a_sine():
    """A passive cell against the closed form of its response; the current of a frame is that of its beginning."""
    every, tau, f = 0.1e-3, 10e-3, 25.0
    t, w = np.arange(1001) * every, 2 * np.pi * f
    filtered = {
        "step": np.where(t > 20e-3, 1 - np.exp(-np.maximum(t - 20e-3, 0) / tau), 0),
        "ramp": (t - tau * (1 - np.exp(-t / tau))) / 0.1,
        "sine": (np.sin(w * t) - w * tau * (np.cos(w * t) - np.exp(-t / tau))) / (1 + (w * tau) ** 2),
    }
    courses = {"step": step(100 * ms, 20 * ms), "ramp": ramp(100 * ms), "sine": sine(100 * ms, f * Hz)}
    for neuron, current, height in (
        (LIF(threshold=0 * mV, tau=tau), 10 * mV, 10e-3),
        (ConductanceLIF(threshold=0 * mV, capacitance=100 * pF), 100 * pA, 10e-3),
    ):
        x = np.stack([courses[name] for name in filtered])[..., None]
        circuit = driven([[1]], neuron=neuron, current=current)
        response = simulate(circuit, x, **TIMES, record={"E": ["v"]}, backend="numpy")
        v = response.traces["E"]["v"].values.reshape(3, -1) - neuron.rest
        held, stairs = [np.zeros(3)], np.exp(-every / tau)
        for frame in np.moveaxis(x[..., 0], 1, 0):  # constant in each frame
            held.append(held[-1] * stairs + height * frame * (1 - stairs))
        assert np.abs(v.T - held[:-1]).max() < height * 1e-11
        for trace, exact in zip(v, filtered.values(), strict=True):
            assert np.abs(trace - height * exact[:-1]).max() < height * 0.01


def test_a_current_goes_on_where_a_response_ended():
    """Two halves of a trial, the second from the state at the end of the first, are the whole."""
    circuit, course = driven([[1, 0.8]], 2, current=40 * mV), 1 + sine(20 * ms, 100 * Hz)[None, :, None]
    how = {"record": True, "backend": "numpy", "dt": 0.1 * ms}
    half = {"duration": 10 * ms, "window": 10 * ms} | how
    whole = simulate(circuit, course, duration=20 * ms, window=20 * ms, **how).spikes["E"]
    first = simulate(circuit, course[:, :100], **half, keep_state=True)
    second = simulate(circuit, course[:, 100:], **half, initial=first)
    steps = [*first.spikes["E"].step, *(100 + second.spikes["E"].step)]
    assert steps == whole.step.tolist() and len(steps) > 2


def test_neurons_from_equations_take_currents_in_their_own_unit():
    """A density for Wang-Buzsaki neurons, moving as static, and as the bias of the same size."""
    density = 3 * uA / cm**2
    circuit = driven([[1, 0]], 2, neuron=WangBuzsaki(), current=density)
    biased = replace(circuit, populations=[replace(circuit.populations[0], bias=[3, 0] * uA / cm**2)])
    moving, static = (simulate(circuit, x, **TIMES, backend="numpy").readouts for x in (np.ones((1, 5, 1)), [[1]]))
    assert (moving == static).all() and static[0, 0] > 0 and not static[0, 1]
    assert (static == simulate(biased, [[0]], **TIMES, backend="numpy").readouts).all()
    with pytest.raises(InputError, match="current of input 'electrode'"):
        driven([[1]], neuron=WangBuzsaki(), current=1 * nA)
    undriven = Neuron("dv/dt = -v/(10*ms) : volt", threshold="v > 10*mV", reset="v = 0*mV")
    with pytest.raises(InputError, match="expected neurons with a drive=, found Neuron without one"):
        driven([[1]], neuron=undriven, current=1 * mV)


def test_controls_leave_injected_currents_as_they_are():
    circuit = mixture_of(2, 1, 2, np.random.default_rng(0), 0)[0]
    scaled = {p.name: p for p in compensate(circuit, 0.5, inputs=True).projections}
    assert (scaled["x->E"].weights.data < {p.name: p for p in circuit.projections}["x->E"].weights.data).all()
    assert scaled["el2->E"].weights.weight == 0.7


def test_courses():
    assert step(0.5, 0.1, 0.4, every=0.1).tolist() == [0, 1, 1, 1, 0]
    assert step(300 * ms, 100 * ms).sum() == 2000  # frames of 0.1 ms
    assert np.allclose(ramp(0.6, 0.1, 0.5, every=0.1), [0, 0, 0.25, 0.5, 0.75, 1])
    assert np.allclose(sine(1, 1 * Hz, np.pi / 2, every=0.25), [1, 0, -1, 0])
    for make, text in (
        (lambda: step(0.55, every=0.1), "a whole number of frames of 0.1 s, found 0.55 s"),
        (lambda: ramp(1, 0.5, 0.5), "stop: expected a time after the start"),
        (lambda: sine(1 * ms, 3 * ms), "frequency: expected a rate"),
        (lambda: step(-1), "duration: expected more than 0"),
    ):
        with pytest.raises(InputError, match=text):
            make()
