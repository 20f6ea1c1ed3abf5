"""The mean-field against published working points, closed forms and simulation."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eisim import (
    LIF,
    NMDA,
    AllToAll,
    Circuit,
    Conductance,
    ConductanceLIF,
    Delta,
    Exponential,
    FixedInDegree,
    FixedProbability,
    FixedTotalNumber,
    Gamma,
    Independent,
    Input,
    InputError,
    Logistic,
    Lognormal,
    Normal,
    Population,
    Projection,
    Readout,
    ShortTerm,
    ablate,
    mean_field,
    predict,
    simulate,
)
from eisim.adapter.moments import moments
from eisim.adapter.release import mean_release, release_response
from eisim.neurons.siegert import siegert
from eisim.simulation import Response, Spikes
from models import microcircuit

MEMBRANE = {"tau": 20e-3, "rest": 0.0, "threshold": 20e-3, "reset": 10e-3, "refractory": 2e-3}
DELTA = LIF(excitation=Delta(), inhibition=Delta(), **MEMBRANE)


def network(neuron, sizes, external, excitation, inhibition, *, drive=1.0, delay=1.5e-3, extra=()):
    """E and I alike: a Poisson drive (Hz) of weight `external`, and rules from both."""
    to_each = [("drive", Independent(external), 0.0), ("E", excitation, delay), ("I", inhibition, delay)]
    return Circuit(
        "network",
        [Input("drive", 1, drive, train="poisson")],
        [Population(name, name, neuron, size) for name, size in zip("EI", sizes, strict=True)],
        [Projection(s, t, rule, d) for s, rule, d in to_each if rule is not None for t in "EI"] + list(extra),
        [Readout("E")],
    )


def brunel(g, n=12_500, weight=0.1e-3):
    """Brunel (2000), model A; a stimulus of 1 is the drive that reaches threshold."""
    c_e, c_i = n * 8 // 100, n * 2 // 100
    rules = FixedInDegree(c_e, weight), FixedInDegree(c_i, g * weight)
    return network(DELTA, (n * 4 // 5, n // 5), weight, *rules, drive=20e-3 / (weight * 20e-3))


@pytest.mark.parametrize(
    ("g", "eta", "rate", "frequency"), [(5, 2, 38.0, None), (6, 4, 55.8, 190), (4.5, 0.9, 6.5, 29)]
)
def test_brunels_states(g, eta, rate, frequency):
    """Rates that the theory of Brunel (2000) predicts for its fig. 8, and where and how fast the network oscillates."""
    theory = mean_field(brunel(g))
    point = theory.working_point([[eta]])
    np.testing.assert_allclose([*point.rates.values()], rate, atol=0.051)
    assert point.settled[0] and point.stable[0] and point.problem == ("",)
    modes = theory.modes([[eta]])
    assert modes.growing[0] == (0 if frequency is None else 2) and (modes.growth[0] > 0) == (frequency is not None)
    if frequency:
        assert modes.frequency[0] == pytest.approx(frequency, abs=0.5)


def test_where_excitation_dominates_two_states_are_stable():
    """g < 4: quiescence and near-maximal rates (Brunel 2000, fig. 1); with g > 4 the start does not matter."""
    low, high = (mean_field(brunel(3)).working_point([[0.6]], start) for start in (0, 300))
    assert low.stable[0] and high.stable[0]
    assert low.rates["E"][0] < 1 and high.rates["E"][0] > 250
    one, other = (mean_field(brunel(5)).rates([[2]], start)["E"][0] for start in (0, {"E": 300, "I": 300}))
    assert one == pytest.approx(other, abs=1e-3)


def test_the_microcircuit_of_nnmt():
    """Rates of the microcircuit of Potjans & Diesmann (2014) as NNMT 1.3 stores them for its own tests.

    https://github.com/INM-6/nnmt, tests/fixtures/integration: config/network_params.yaml, data/std_results.h5
    (lif.exp.firing_rates, method "shift").
    """
    expected = [0.75418827, 2.79370842, 4.44021852, 5.82292556, 7.15358793, 8.469816, 1.15973716, 7.75571581]
    sizes, external = microcircuit.NEURONS.values(), microcircuit.EXTERNAL.values()
    in_degrees = microcircuit.synapses() / np.array([*sizes])[:, None]
    names = ["23E", "23I", "4E", "4I", "5E", "5I", "6E", "6I"]
    synapse, weight = Exponential(0.5e-3), 87.8e-12 * 10e-3 / 250e-12
    cell = LIF(10e-3, -65e-3, -50e-3, -65e-3, 2e-3, excitation=synapse, inhibition=synapse)
    projections = [Projection(f"x{name}", name, Independent(weight)) for name in names]
    for target, row in zip(names, in_degrees, strict=True):
        for source, degree in zip(names, row, strict=True):
            w = weight * (4 if source[-1] == "I" else 1) * (2 if (source, target) == ("4E", "23E") else 1)
            # Mean and variance of a fractional number of synapses: whole ones and two unequal ones (of less than one,
            # the mean).
            whole = max(int(degree) - 1, 0)
            rest = degree - whole
            unequal = np.sqrt(rest * (2 - rest)) / 2 if degree > 1 else rest / 2
            for k, (number, share) in enumerate([(whole, 1), (1, rest / 2 + unequal), (1, rest / 2 - unequal)]):
                if number and share:
                    rule = FixedInDegree(number, w * share)
                    projections.append(Projection(source, target, rule, name=f"{source}->{target} {k}"))
    circuit = Circuit(
        "microcircuit",
        [Input(f"x{name}", 1, 8.0 * k, train="poisson") for name, k in zip(names, external, strict=True)],
        [Population(name, name[-1], cell, size) for name, size in zip(names, sizes, strict=True)],
        projections,
    )
    point = mean_field(circuit).working_point(np.ones((1, 8)), start=dict(zip(names, np.round(expected), strict=True)))
    assert point.stable[0]
    np.testing.assert_allclose([r[0] for r in point.rates.values()], expected, rtol=5e-4)


def test_moments_of_rules_are_those_of_their_matrices():
    rules = {
        "in-degree": FixedInDegree(20, 0.2e-3),
        "all": AllToAll(0.2e-3),
        "probability": FixedProbability(0.2, 0.2e-3),
    }
    for name, rule in rules.items():
        circuit = network(DELTA, (100, 4000), 0.1e-3, rule, None)
        given_rule = circuit.projections[3]
        assert given_rule.source == "E" and given_rule.target == "I"
        drawn = replace(given_rule, weights=circuit.weights(given_rule))
        ours, matrix = moments(circuit, given_rule), moments(circuit, drawn)
        np.testing.assert_allclose([ours.total, ours.squares], [matrix.total, matrix.squares], rtol=5e-3, err_msg=name)
        np.testing.assert_allclose(
            [ours.spread, ours.mixing], [matrix.spread, matrix.mixing], rtol=0.1, atol=1e-12, err_msg=name
        )


@pytest.mark.parametrize(
    "rule",
    [
        FixedInDegree(20, Lognormal(0.2e-3, 0.2e-3)),
        AllToAll(Gamma(0.2e-3, 0.1e-3)),
        FixedProbability(0.2, Normal(0.2e-3, 0.1e-3)),
        FixedInDegree(20, 0.2e-3),
    ],
)
def test_moments_of_drawn_weights_are_those_of_the_inputs_that_neurons_receive(rule):
    circuit = network(DELTA, (100, 4000), 0.1e-3, rule, None)
    projection = circuit.projections[3]
    ours, matrix = moments(circuit, projection), circuit.weights(projection)
    np.testing.assert_allclose([ours.total, ours.squares], [matrix.sum() / 4000, matrix.power(2).sum() / 4000], 0.02)
    rates = np.random.default_rng(0).gamma(2.0, 5.0, 100)
    received = rates @ matrix
    assert received.mean() == pytest.approx(ours.total * rates.mean(), rel=0.02)
    expected = ours.spread * rates.mean() ** 2 + ours.mixing * rates.var()
    assert received.var() == pytest.approx(expected, rel=0.12)


@pytest.mark.parametrize(
    "rule",
    [
        FixedTotalNumber(80_000, 0.2e-3),
        FixedTotalNumber(300_000, Normal(0.2e-3, 0.1e-3)),
        FixedTotalNumber(80_000, Normal(0.2e-3, 0.1e-3), multapses=True),
        FixedTotalNumber(600_000, 0.2e-3, multapses=True),
    ],
)
def test_moments_of_a_total_number_are_those_of_the_inputs_that_neurons_receive(rule):
    populations = [Population("E", "E", DELTA, 100), Population("I", "I", DELTA, 4000)]
    projection = Projection("E", "I", rule)
    circuit = Circuit("c", [Input("x")], populations, [projection])
    ours, matrix = moments(circuit, projection), circuit.weights(projection)
    np.testing.assert_allclose([ours.total, ours.squares], [matrix.sum() / 4000, matrix.power(2).sum() / 4000], 0.02)
    of_one = np.full(100, 8.0)
    assert (of_one @ matrix).var() == pytest.approx(ours.spread * 64, rel=0.12)
    rates = np.random.default_rng(0).gamma(2.0, 5.0, 100)
    expected = ours.spread * rates.mean() ** 2 + ours.mixing * rates.var()
    assert (rates @ matrix).var() == pytest.approx(expected, rel=0.12)


def test_inputs_bring_mean_and_noise_as_their_trains_do():
    """Feed-forward, the rate is Siegert's of weighted sums: with Poisson afferents mean and variance, else the mean."""
    weights = np.array([[1e-3, 1e-3], [0.5e-3, 0.5e-3]])
    for train in ("poisson", "regular"):
        inputs = [Input("x", 2, 400.0, train=train)]
        neuron = replace(DELTA, noise=1e-3)
        circuit = Circuit("c", inputs, [Population("E", "E", neuron, 2, 5e-3)], [Projection("x", "E", weights)])
        x = np.array([[1.0, 2.0]])
        mean = 5e-3 + 20e-3 * (400 * 1e-3 + 800 * 0.5e-3)
        variance = 1e-3**2 + (train == "poisson") * 10e-3 * (400 * 1e-3**2 + 800 * 0.5e-3**2)
        found = mean_field(circuit)
        point = found.working_point(x)
        assert point.mean["E"][0] == pytest.approx(mean) and point.sd["E"][0] == pytest.approx(variance**0.5)
        assert point.rates["E"][0] == pytest.approx(float(found.activation("E", mean, variance**0.5)), rel=1e-9)


def test_neurons_that_differ_have_the_mean_of_their_rates():
    bias = np.linspace(10e-3, 30e-3, 640)
    neuron = replace(DELTA, noise=2e-3)
    circuit = Circuit("c", [Input("x")], [Population("E", "E", neuron, 640, bias)])
    expected = neuron.activation(bias).mean()
    assert mean_field(circuit).rates([[0]])["E"][0] == pytest.approx(expected, rel=3e-3)
    spread = Circuit("c", [Input("x")], [Population("E", "E", neuron, 640, 20e-3, spread={"threshold": 2e-3})])
    score = np.clip(np.random.default_rng(0).standard_normal(100_000), -3, 3)
    expected = siegert(20e-3, 2e-3, 20e-3, 2e-3, 20e-3 + 2e-3 * score, 10e-3).mean()
    assert mean_field(spread).rates([[0]])["E"][0] == pytest.approx(expected, rel=0.01)


def test_non_negative_exactly_if_excitatory_only():
    circuit = brunel(5, n=500)
    whole, ablated = mean_field(circuit), mean_field(ablate(circuit))
    assert not whole.is_nonnegative and whole.weights["I", "E"] == pytest.approx(-20e-3 * 10 * 0.5e-3)
    assert ablated.is_nonnegative and whole.units == ("E", "I")
    assert whole([[2]]).shape == (1, 1) and "E (400), I (100)" in repr(whole)


@settings(max_examples=5)
@given(st.tuples(st.floats(0, 2), st.floats(0, 2)), st.integers(0, 40))
def test_excitatory_only_mean_fields_keep_order(drives, in_degree):
    circuit = network(DELTA, (100, 100), 0.2e-3, FixedInDegree(in_degree, 0.1e-3), None, drive=5000.0)
    lower, higher = mean_field(circuit).rates(np.sort(drives)[:, None])["E"]
    assert lower <= higher + 1e-6


def test_an_unstable_fixed_point_says_so():
    """Two populations that excite themselves and inhibit each other, from equal rates: a saddle."""
    pairs = [("A", "A", 0.1e-3), ("B", "B", 0.1e-3), ("A", "a", 0.1e-3), ("B", "b", 0.1e-3)]
    pairs += [("a", "B", 0.2e-3), ("b", "A", 0.2e-3)]
    cell = replace(DELTA, noise=2e-3)
    pools = [Population(name, "E", cell, 100, 16e-3) for name in "AB"]
    pools += [Population(name, "I", cell, 100, 10e-3) for name in "ab"]
    wires = [Projection(s, t, AllToAll(w)) for s, t, w in pairs]
    theory = mean_field(Circuit("c", [Input("x")], pools, wires))
    point = theory.working_point([[0]])
    assert point.settled[0] and not point.stable[0]
    assert point.problem == ("the fixed point of the mean-field is unstable: rates leave it",)
    one = theory.working_point([[0]], start={"A": 50})
    assert one.stable[0] and one.rates["A"][0] > one.rates["B"][0] + 10


def test_release_of_plastic_synapses():
    """The closed form against a simulated Poisson train, and its slope as the response to slow changes."""
    rng, rate = np.random.default_rng(0), 20.0
    intervals = rng.exponential(1 / rate, 100_000)
    for plasticity in (ShortTerm(0.5, 0.2, 0.0), ShortTerm(0.2, 0.1, 0.3)):
        left, used, released = 1.0, 0.0, 0.0
        for interval in intervals:
            left = 1 - (1 - left) * np.exp(-interval / plasticity.depression)
            used = used * np.exp(-interval / plasticity.facilitation) if plasticity.facilitation else 0.0
            used += plasticity.release * (1 - used)
            released += used * left
            left -= used * left
        # Facilitation and depression of one train are correlated, which the mean-field leaves out.
        tolerance = 0.05 if plasticity.facilitation else 0.01
        assert mean_release(plasticity, rate) == pytest.approx(released / intervals.size, rel=tolerance)
        slope = (21 * mean_release(plasticity, 21.0) - 19 * mean_release(plasticity, 19.0)) / 2
        assert release_response(plasticity, rate, 0.0) == pytest.approx(slope, rel=0.01)


@pytest.fixture(scope="module")
def simulated():
    """Networks of delta and of conductance-based synapses with NMDA, in one batch."""
    cell = ConductanceLIF(
        200e-12,
        10e-9,
        -70e-3,
        -50e-3,
        -60e-3,
        2e-3,
        excitation=Conductance(0.0, 1e-3),
        inhibition=Conductance(-75e-3, 1e-3),
        nmda=NMDA(),
    )
    slow = [Projection("E", t, AllToAll(0.04e-9), receptor="nmda", name=f"nmda {t}") for t in "EI"]
    circuits = [
        network(DELTA, (400, 200), 0.1e-3, FixedInDegree(40, 0.1e-3), FixedInDegree(40, 0.3e-3), drive=14_000.0),
        network(cell, (400, 200), 1.5e-9, None, FixedInDegree(40, 2e-9), drive=5000.0, extra=slow),
    ]
    return simulate(circuits, np.ones((1, 1)), duration=1.2, window=0.8, record=True)


@pytest.mark.slow
def test_predicted_rates_are_those_of_simulations(simulated):
    for response in simulated:
        for found in predict(response, [[1.0]]):
            assert found.predicted[0] == pytest.approx(found.simulated[0], rel=0.05), response
            assert found.holds[0] and not found.is_synchronous[0] and found.note == ("",)


def test_where_the_network_is_synchronous_it_says_so():
    circuit = brunel(6, n=500, weight=0.5e-3)
    steps = np.arange(0, 5000, 50)
    copy, neuron, step = (a.ravel() for a in np.meshgrid([0], np.arange(400), steps, indexing="ij"))
    together = {"E": Spikes(copy, neuron, step), "I": Spikes(copy[:0], neuron[:0], step[:0])}
    rates = {"E": np.full((1, 400), 200.0), "I": np.zeros((1, 100))}
    excitatory, inhibitory = predict(Response(circuit, rates, 0.5, 0.5, 1e-4, together), [[4.0]])
    assert excitatory.is_synchronous[0] and not excitatory.holds[0]
    assert "simulated 200 Hz; 'E' is synchronous, its rate modulated by" in excitatory.note[0]
    assert not inhibitory.is_synchronous[0] and inhibitory.note[0].endswith("simulated 0 Hz")
    with pytest.raises(InputError, match="expected those of the 1 trials of the response, found 2"):
        predict(Response(circuit, rates, 0.5, 0.5, 1e-4, together), [[4.0], [4.0]])


def test_slow_synapses_are_named():
    cell = LIF(excitation=Exponential(10e-3), inhibition=Exponential(10e-3), **MEMBRANE)
    point = mean_field(network(cell, (100, 100), 0.5e-3, None, None, drive=4000.0)).working_point([[1.0]])
    assert "the synaptic noise of 'I' is slow, 0.5 of the membrane's time constant" in point.problem[0]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: mean_field("brunel"), "mean_field: expected a Circuit, found 'brunel'"),
        (lambda: mean_field(_rate_circuit()), "mean_field: expected a spiking circuit"),
        (lambda: mean_field(brunel(5)).rates([[1, 2]]), "expected shape (trials, 1), found (1, 2)"),
        (lambda: mean_field(brunel(5)).rates([[1]], start={"X": 3}), "start: expected one of 'E', 'I', found 'X'"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(InputError) as error:
        call()
    assert words in str(error.value) and "\n" not in str(error.value)


def _rate_circuit():
    return Circuit("c", [Input("x")], [Population("e", "E", Logistic())], (), [Readout("e")])
