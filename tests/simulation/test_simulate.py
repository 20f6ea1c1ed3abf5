import warnings

import numpy as np
import pytest
from brian2 import ms
from scipy import stats

from eisim import LIF, TRUTH_TABLES, InputError, simulate, synthesize
from eisim.base import processes
from eisim.simulation import noise, shares
from tests.support.drawn import TIMES, draw_circuit

XOR = TRUTH_TABLES["xor"]


@pytest.mark.slow
def test_backends_and_repeated_runs_agree_to_the_bit():
    noisy = synthesize(XOR, neuron=LIF(noise=3e-3))
    circuits = [noisy, noisy.without_noise()]
    cpp = simulate(circuits, XOR.patterns, seed=[3, 4], **TIMES)
    again = simulate(circuits, XOR.patterns, seed=[3, 4], **TIMES)
    numpy = simulate(circuits, XOR.patterns, seed=[3, 4], backend="numpy", **TIMES)
    for a, b, c in zip(cpp, again, numpy, strict=True):
        for name in a.rates:
            np.testing.assert_array_equal(a.rates[name], b.rates[name])
            np.testing.assert_array_equal(a.rates[name], c.rates[name])
    assert (cpp[0].readouts[0] != cpp[0].readouts[1]).any(), "another seed gives other noise"


def test_noise_does_not_depend_on_the_batch():
    circuit = synthesize(XOR)
    alone = simulate(circuit, XOR.patterns, seed=5, record=True, backend="numpy", **TIMES)
    others = [draw_circuit("spiking", 1), circuit, synthesize(TRUTH_TABLES["parity-3"])]
    arrays = [np.ones((2, 3)), XOR.patterns, TRUTH_TABLES["parity-3"].patterns]
    among = simulate(others, arrays, seed=[[1], [4, 5], [2, 3]], backend="numpy", **TIMES)[1]
    for name in alone.rates:
        np.testing.assert_array_equal(alone.rates[name], among.rates[name][1])


def test_response_has_trials_then_seeds_in_front():
    circuit = synthesize(XOR)
    one = simulate(circuit, XOR.patterns, duration=20 * ms, window=10 * ms, dt=0.5 * ms, backend="numpy")
    assert one.readouts.shape == one.decisions.shape == np.asarray(one).shape == (4, 1)
    many = simulate(circuit, XOR.patterns, duration=0.02, window=0.01, dt=5e-4, seed=[1, 2, 3], backend="numpy")
    assert many.readouts.shape == (3, 4, 1)
    assert one.rates["coincidence"].shape == (4, 2)
    [listed] = simulate([circuit], XOR.patterns, duration=0.02, window=0.01, dt=5e-4, backend="numpy")
    np.testing.assert_array_equal(listed.readouts, one.readouts)


@pytest.mark.slow
def test_a_users_own_standalone_project_is_left_alone():
    from brian2.devices.device import all_devices, get_device, reset_device, set_device

    set_device("cpp_standalone", build_on_run=False)
    try:
        with pytest.raises(InputError, match="standalone device is in use by your own script"):
            simulate(synthesize(XOR, kind="rate"), XOR.patterns, duration=0.031, window=0.01, dt=5e-4)
        assert get_device() is all_devices["cpp_standalone"]
    finally:
        get_device().reinit()
        reset_device()


def test_noise_is_standard_normal_and_independent():
    keys = noise.keys(0, np.arange(300)[:, None], np.arange(300)).ravel()
    assert len(np.unique(keys)) == keys.size
    numbers = np.stack([noise.gaussian(keys, step) for step in range(5)])
    assert stats.kstest(numbers.ravel(), "norm").pvalue > 1e-3
    assert np.abs(np.corrcoef(numbers) - np.eye(5)).max() < 0.02
    tail = (np.abs(numbers) > 3.6).mean()
    assert tail == pytest.approx(2 * stats.norm.sf(3.6), rel=0.25)


def test_membrane_noise_has_the_stated_spread():
    """The free membrane potential, far from threshold, read off the exact step."""
    neuron, dt = LIF(noise=2e-3), 0.5e-3
    step = neuron.step_parameters(dt)
    v, keys = np.zeros(2000), noise.keys(1, 0, np.arange(2000))
    for n in range(200):
        v = v * step["decay_v"] + step["noise_step"] * noise.gaussian(keys, n)
    assert v.std() == pytest.approx(2e-3, rel=0.05)


def test_without_a_compiler_it_runs_on_numpy_and_says_so(monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        response = simulate(synthesize(XOR, kind="rate"), XOR.patterns, dt=1e-3)
    assert [str(w.message) for w in said if w.category is UserWarning] == [
        "no C++ compiler found (CXX names 'no-such-compiler'): simulating with NumPy, which is slower"
    ]
    assert response.decisions[:, 0].tolist() == XOR.values.tolist()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"stimuli": np.ones((4, 3))}, "expected shape (trials, 2) or (trials, time, 2), none of them 0, found (4, 3)"),
        ({"stimuli": np.ones((0, 2))}, "found (0, 2)"),
        ({"stimuli": [[0, np.nan]]}, "expected finite numbers, found nan"),
        ({"stimuli": [["a", "b"]]}, "expected a plain number"),
        ({"stimuli": [[-1, 0]]}, "a rate is not negative"),
        ({"stimuli": [[1000, 0]]}, "at most one spike a time step (2000 Hz), found 100000 Hz"),
        ({"dt": 0.0}, "dt: expected more than 0"),
        ({"window": 1.0}, "window: expected between"),
        ({"duration": 0.15003}, "duration: expected a whole number of steps"),
        ({"duration": 5}, "window: expected"),
        ({"seed": "x"}, "seed: expected whole numbers of 0 or more, or a numpy.random.Generator, found 'x'"),
        ({"seed": -1}, "seed: expected whole numbers"),
        ({"backend": "gpu"}, "backend: expected one of cpp, numpy, cuda_standalone, found 'gpu'"),
        ({"circuit": "xor"}, "simulate: circuit: expected a Circuit"),
        ({"circuit": []}, "at least one circuit"),
        ({"seed": [[1], [2]]}, "seed: expected one for all or one for each of 1 circuits, found 2"),
        ({"record": [True, False]}, "record: expected one for all or one for each of 1 circuits, found 2"),
        ({"circuit": [synthesize(XOR), synthesize(XOR, kind="rate")]}, "circuits of one kind"),
    ],
)
def test_bad_input_is_named(change, words):
    arguments = {"circuit": synthesize(XOR), "stimuli": XOR.patterns, "backend": "numpy"} | TIMES | change
    if change == {"duration": 5}:
        arguments["window"] = 6
    with pytest.raises(InputError) as error:
        simulate(**arguments)
    assert words in str(error.value) and "\n" not in str(error.value)


def test_too_large_a_step_for_rate_units_is_refused():
    with pytest.raises(InputError, match="dt: expected at most the time constant of Saturating, 10 ms, found 20 ms"):
        simulate(synthesize(XOR, kind="rate"), XOR.patterns, duration=0.2, window=0.1, dt=0.02)


@pytest.mark.parametrize("kind, trials", [("rate", 5), ("rate", 1), ("spiking", 5), ("spiking", 1)])
def test_shares_on_several_processors_make_the_whole(monkeypatch, kind, trials):
    """With one trial the circuits are shared out."""
    circuits, stimuli = (
        [draw_circuit(kind, 0), draw_circuit(kind, 1)],
        [np.random.default_rng(0).random((7, 3)), np.ones((trials, 3))],
    )
    if kind == "spiking":
        circuits[0] = circuits[0].with_neurons(noise=3e-3)
    times = {"duration": 0.05, "window": 0.03, "dt": 5e-4, "seed": [3, 4], "record": [True, False], "backend": "numpy"}
    whole = simulate(circuits, stimuli, **times)
    monkeypatch.setattr(shares, "WORTHWHILE", 1)
    monkeypatch.setattr(processes, "processors", lambda: 3)
    shared = simulate(circuits, stimuli, **times)
    for a, b in zip(whole, shared, strict=True):
        for values, same in ((a.rates, b.rates), (a.traces, b.traces)):
            for name in values:
                np.testing.assert_array_equal(values[name], same[name])
        for name in a.spikes:
            for column in ("copy", "neuron", "step"):
                np.testing.assert_array_equal(getattr(a.spikes[name], column), getattr(b.spikes[name], column))
    assert (whole[0].spikes if kind == "spiking" else whole[0].traces) and not whole[1].spikes


def test_input_that_is_constant_in_time_is_still_read_over_time():
    from eisim.base.timing import Timing
    from eisim.simulation.layout import INPUT, Trials, lay_out
    from eisim.simulation.model import models

    trials = Trials(synthesize(TRUTH_TABLES["xor"]), np.zeros((1, 3, 2)), np.arange(1), np.arange(1), False)
    timing = Timing(30e-3, 30e-3, 1e-3)
    text = models(lay_out([trials], timing.dt), "spiking", timing)[INPUT].text
    assert "stimulus(t, i)" in text, "the program is given the array, so it must read it"
