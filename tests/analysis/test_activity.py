"""Measures of spikes against trains whose statistics are known."""

import numpy as np
import pytest
import scipy
from brian2 import Hz

from eisim import LIF, Circuit, Delta, Exponential, Input, InputError, Logistic, Population, Projection, simulate
from eisim.analysis import activity
from eisim.simulation import Response, Spikes

DT, DURATION, WINDOW, N, TRIALS = 0.1e-3, 11.0, 10.0, 60, 2
STEPS = round(DURATION / DT)


def recorded(raster, duration=DURATION, window=WINDOW) -> Response:
    """A response with these spikes: bool, trials × neurons × steps."""
    size = raster.shape[1]
    circuit = Circuit("c", [Input("x")], [Population("E", "E", LIF(), size)])
    late = raster[..., -round(window / DT) :]
    return Response(circuit, {"E": late.sum(-1) / window}, duration, window, DT, {"E": Spikes(*np.nonzero(raster))})


def drawn(rate, seed=0):
    """Poisson trains of a rate in Hz (any shape that fits trials × neurons × steps)."""
    return np.random.default_rng(seed).random((TRIALS, N, STEPS), dtype=np.float32) < rate * DT


@pytest.fixture(scope="module")
def poisson():
    return recorded(drawn(40.0))


@pytest.fixture(scope="module")
def regular():
    """40 Hz, each neuron with its own phase."""
    phase = np.random.default_rng(1).integers(250, size=(TRIALS, N, 1))
    return recorded((np.arange(STEPS) + phase) % 250 == 0)


@pytest.fixture(scope="module")
def modulated():
    """Poisson trains of the common rate 40 (1 + 0.5 sin 2π 37 t) Hz."""
    return recorded(drawn(40 * (1 + 0.5 * np.sin(2 * np.pi * 37 * DT * np.arange(STEPS)))))


def test_irregularity(poisson, regular):
    np.testing.assert_allclose(activity.irregularity(poisson, "E"), 1, atol=0.02)
    np.testing.assert_allclose(activity.local_irregularity(poisson, "E"), 1, atol=0.02)
    np.testing.assert_allclose(activity.irregularity(regular, "E"), 0, atol=1e-12)
    np.testing.assert_allclose(activity.local_irregularity(regular, "E"), 0, atol=1e-12)


def test_local_irregularity_leaves_slow_changes_alone():
    """Poisson trains whose rate jumps from 10 to 90 Hz are more irregular than Poisson, but not locally."""
    response = recorded(drawn(np.where(np.arange(STEPS) * DT < 6, 10.0, 90.0)))
    assert (activity.irregularity(response, "E") > 1.3).all()
    np.testing.assert_allclose(activity.local_irregularity(response, "E"), 1, atol=0.03)


def test_neurons_with_few_spikes_do_not_count():
    raster = np.zeros((2, 2, STEPS), dtype=bool)
    raster[0, 0, -50_000::1000] = True  # regular; the other neuron, and the other trial, have one interval
    raster[:, 1, [-40_000, -20_000]] = True
    response = recorded(raster)
    for measure in (activity.irregularity, activity.local_irregularity):
        np.testing.assert_array_equal(measure(response, "E"), [0, np.nan])


@pytest.mark.parametrize("share", [0.0, 0.1, 0.4])
def test_correlation_is_the_share_of_common_spikes(share):
    """Every train takes each spike of a mother train of rate r/share with the probability `share`."""
    rng = np.random.default_rng(2)
    if share:
        mother = rng.random((TRIALS, 1, STEPS), dtype=np.float32) < 20 / share * DT
        raster = mother & (rng.random((TRIALS, N, STEPS), dtype=np.float32) < share)
    else:
        raster = drawn(20.0)
    response = recorded(raster)
    np.testing.assert_allclose(activity.correlation(response, "E"), share, atol=0.02)
    np.testing.assert_allclose(activity.correlation(response, "E", neurons=30), share, atol=0.03)


def test_correlation_is_the_mean_over_pairs(modulated):
    spikes = modulated.spikes["E"]
    first = (spikes.copy == 1) & (spikes.step >= STEPS - round(WINDOW / DT))
    place = spikes.neuron[first] * 2000 + (spikes.step[first] - (STEPS - round(WINDOW / DT))) // 50
    pairs = np.corrcoef(np.bincount(place, minlength=N * 2000).reshape(N, 2000))
    expected = pairs[np.triu_indices(N, 1)].mean()
    assert activity.correlation(modulated, "E")[1] == pytest.approx(expected, rel=1e-9)


def test_synchrony_runs_from_independent_to_identical(poisson):
    np.testing.assert_allclose(activity.synchrony(poisson, "E"), N**-0.5, rtol=0.05)
    same = recorded(np.repeat(drawn(40.0)[:, :1], 20, axis=1))
    np.testing.assert_allclose(activity.synchrony(same, "E"), 1, atol=1e-9)


def test_modulation_is_that_of_the_common_rate(poisson, regular, modulated):
    np.testing.assert_allclose(activity.modulation(modulated, "E"), 0.5 / np.sqrt(2), rtol=0.05)
    assert (activity.modulation(poisson, "E", bin_width=5e-3) < 0.05).all()
    assert (activity.modulation(regular, "E", bin_width=25e-3) == 0).all()


def test_spectrum_finds_the_rhythm(poisson, modulated):
    found = activity.rhythm(modulated, "E", resolution=1.0)
    np.testing.assert_allclose(found.frequency, 37, atol=1)
    assert (found.prominence > 50).all() and (activity.rhythm(poisson, "E", resolution=1.0).prominence < 3).all()
    # Parseval: the power adds up to the variance; that of Poisson neurons is flat, at rate / N
    _, power = activity.spectrum(poisson, "E", resolution=1.0)
    np.testing.assert_allclose(power[..., 1:].mean(-1), 2 * 40 / N, rtol=0.05)
    rate = activity.population_rate(modulated, "E")
    _, power = activity.spectrum(modulated, "E", resolution=1.0)
    np.testing.assert_allclose(power.sum(-1) * 1.0, rate.var(-1), rtol=0.05)


def test_only_the_window_counts():
    raster = drawn(40.0)
    raster[..., : -round(WINDOW / DT)] = True
    ours, plain = recorded(raster), recorded(drawn(40.0))
    for measure in (activity.irregularity, activity.correlation, activity.synchrony, activity.modulation):
        np.testing.assert_array_equal(measure(ours, "E"), measure(plain, "E"))
    np.testing.assert_allclose(activity.population_rate(ours, "E").mean(-1), ours.rates["E"].mean(-1))


def test_rate_circuits_have_population_rates_and_rhythms():
    time = np.arange(1000) * 1e-3
    traces = np.array([10.0, 20.0, 30.0])[:, None] * (1 + 0.5 * np.sin(2 * np.pi * 20 * time))
    traces = np.stack([traces, 2 * traces])[:, None]  # seeds × trials × neurons × steps
    circuit = Circuit("c", [Input("x")], [Population("e", "E", Logistic(), 3)])
    rates = {"e": traces[..., 500:].mean(-1)}
    response = Response(circuit, rates, 1.0, 0.5, 1e-3, traces={"e": traces})
    rate = activity.population_rate(response, "e", bin_width=5e-3)
    assert rate.shape == (2, 1, 100)
    np.testing.assert_allclose(rate.mean(-1), [[20], [40]])
    np.testing.assert_allclose(activity.modulation(response, "e"), 0.5 / np.sqrt(2), rtol=1e-3)
    np.testing.assert_allclose(activity.rhythm(response, "e").frequency, 20, atol=2)
    with pytest.raises(InputError, match="irregularity: expected the response of a spiking circuit"):
        activity.irregularity(response, "e")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda r: activity.population_rate(r, "I"), "population: expected one of 'E', found 'I'"),
        (
            lambda r: activity.population_rate(r, "E", bin_width=0.25e-3),
            "bin_width: expected a whole number of time steps",
        ),
        (
            lambda r: activity.population_rate(r, "E", bin_width=8.0),
            "at most half of the window, found 80000 of 100000",
        ),
        (lambda r: activity.spectrum(r, "E", resolution=0.01), "resolution: expected segments of 4 bins"),
        (lambda r: activity.rhythm(r, "E", lowest=600), "lowest: expected less than half the inverse of a bin"),
    ],
)
def test_bad_input_is_named(poisson, call, words):
    with pytest.raises(InputError) as error:
        call(poisson)
    assert words in str(error.value) and "\n" not in str(error.value)


def test_what_was_not_recorded_is_named(poisson):
    bare = Response(poisson.circuit, poisson.rates, DURATION, WINDOW, DT)
    with pytest.raises(InputError, match="expected a recorded response"):
        activity.irregularity(bare, "E")


def driven(inhibitory=False):
    """One spike of an excitatory (and one of an inhibitory) afferent onto each of three cells, and their currents."""
    populations = [
        Population("E", "E", LIF(excitation=Exponential(4e-3), inhibition=Exponential(9e-3)), 3),
        Population("I", "I", LIF(excitation=Delta(), refractory=200e-3), 1),
    ]
    weights = np.array([[1e-3, 2e-3, 3e-3]])
    projections = [Projection("x", "E", weights), Projection("x", "I", [[20e-3]], 10e-3)]
    projections += [Projection("I", "E", 2 * weights, 5e-3)] * inhibitory
    circuit = Circuit("c", [Input("x", 1, 5.0)], populations, projections)
    times = {"duration": 150e-3, "window": 40e-3, "dt": 0.5e-3, "backend": "numpy"}
    return circuit, times


@pytest.mark.parametrize("every", [0.5e-3, 1e-3])
def test_field_potential_of_single_spikes(every):
    """Excitation acts 6 ms later than the currents, inhibition at once and 1.65 times as strong."""
    circuit, times = driven(inhibitory=True)
    record = {"E": ["I_e", "I_i"], "x": "spikes", "I": "spikes"}
    response = simulate(circuit, [[1.0], [0.0]], seed=[3, 4], record=record, every=every, **times)
    time, potential = activity.field_potential(response, "E")
    excited, inhibited = response.spikes["x"].t[0] + 6e-3, response.spikes["I"].t[0] + 5e-3
    expected = 2e-3 * np.exp(-(time - excited - 0.5e-3) / 4e-3) * (time > excited + 1e-9)
    expected += 1.65 * 4e-3 * np.exp(-(time - inhibited - 0.5e-3) / 9e-3) * (time > inhibited + 1e-9)
    assert potential.shape == (2, 2, len(time)) and time[0] == pytest.approx(110e-3) and time[-1] == 150e-3 - every
    np.testing.assert_allclose(potential[:, 0], [expected, expected], rtol=1e-9, atol=1e-15)
    assert expected.max() > 1e-3 and not potential[:, 1].any()
    one = simulate(circuit, [[1.0]], record=record, every=every, **times)
    np.testing.assert_array_equal(activity.field_potential(one, "E")[1], potential[0, :1])
    plain = activity.field_potential(one, "E", weight=0.0, delay=0.0)[1]
    np.testing.assert_array_equal(plain[0], one.traces["E"]["I_e"].values[0, 0].mean(axis=0)[-len(time) :])


def test_field_potential_needs_currents():
    circuit, times = driven()
    spikes = simulate(circuit, [[1.0]], record=True, **times)
    some = simulate(circuit, [[1.0]], record={"E": ["v", "I_e"], "I": ["I_i"]}, **times)
    both = simulate(circuit, [[1.0]], record={"E": ["I_e", "I_i"]}, every=1e-3, **times)
    for response, options, words in (
        (spikes, {}, r"field_potential: 'E': expected currents recorded .*found none"),
        (some, {}, r"expected currents recorded \(simulate\(..., record={'E': \[\"I_e\", \"I_i\"\]}\)\), found"),
        (both, {"delay": 1.5e-3}, r"delay: expected a whole number, from 0 to 148, of recorded times \(1 ms each\)"),
        (both, {"delay": 0.2}, "delay: expected a whole number"),
        (both, {"delay": -1e-3}, "delay: expected a whole number"),
        (both, {"weight": "much"}, "weight"),
    ):
        with pytest.raises(InputError, match=words):
            activity.field_potential(response, "E", **options)
    with pytest.raises(InputError, match="population: expected one of 'E', 'I', found 'P'"):
        activity.field_potential(both, "P")


def coloured(exponent, n=100_000, trials=3, seed=0):
    """Noise with a power spectrum as 1/f^exponent: of drawn phases and sizes."""
    rng = np.random.default_rng(seed)
    frequency = np.fft.rfftfreq(n)
    spectrum = rng.standard_normal((trials, len(frequency))) + 1j * rng.standard_normal((trials, len(frequency)))
    spectrum[:, 1:] *= frequency[1:] ** (-exponent / 2)
    spectrum[:, 0] = 0
    return np.fft.irfft(spectrum, n)


@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0, 3.0])
def test_spectral_slope_of_coloured_noise(exponent):
    """Also beside a rhythm within the range, with twice the power of all the noise."""
    signal, how = coloured(exponent), {"lowest": 20.0, "highest": 200.0, "resolution": 2.0}
    slope = activity.spectral_slope(signal, 1e-3, **how)
    assert slope.shape == (3,)
    np.testing.assert_allclose(slope, -exponent, atol=0.06)
    rhythm = 2 * signal.std() * np.sin(2 * np.pi * 60 * 1e-3 * np.arange(signal.shape[-1]))
    np.testing.assert_allclose(activity.spectral_slope(signal + rhythm, 1e-3, **how), slope, atol=0.12)
    np.testing.assert_allclose(activity.spectral_slope(5 * signal[0], 1e-3, **how), slope[0])


def test_spectral_slope_of_filtered_noise():
    """Exponential synapses make of white noise a spectrum that falls as 1/f² far above 1/(2π tau)."""
    white = np.random.default_rng(1).standard_normal(200_000)
    filtered = scipy.signal.lfilter([1], [1, -np.exp(-1e-3 / 50e-3)], white)
    assert activity.spectral_slope(filtered, 1e-3, resolution=1.0) == pytest.approx(-2, abs=0.2)
    assert np.isnan(activity.spectral_slope(np.zeros(2000), 1e-3))


def test_spectral_slope_refuses_in_words():
    signal = coloured(1.0, 1000, 1)
    for options, words in (
        ({"dt": 0.0}, "dt: expected more than 0"),
        ({"dt": 20e-3}, "expected 0 < lowest < highest <= 25 Hz"),
        ({"lowest": 60.0}, "found 60 and 50 Hz"),
        ({"lowest": 0.0}, "found 0 and 50 Hz"),
        ({"resolution": 10.0}, "expected at least 5 frequencies from 30 to 50 Hz, found 3 at a resolution of 10 Hz"),
        ({"resolution": 0.1}, "expected segments of 4 to all 1000 values, found 10000"),
        ({"signal": 3.0}, "expected segments of 4 to all 0 values"),
        ({"resolution": 0 * Hz}, "resolution: expected more than 0, found 0 Hz"),
        ({"resolution": -1.0}, "resolution: expected more than 0, found -1 Hz"),
        ({"signal": np.zeros((0, 2000))}, "signal: expected values, found none"),
        ({"signal": signal + 1j}, "signal: expected real numbers, found complex ones"),
    ):
        with pytest.raises(InputError, match=words):
            activity.spectral_slope(**({"signal": signal, "dt": 1e-3} | options))
