"""The cortical microcircuit: parameters and compensation in closed form, rates against NEST and NNMT."""

from dataclasses import replace

import numpy as np
import pytest

from eisim import Input, InputError, ablate, mean_field, simulate
from eisim.adapter.diffusion import SHIFT
from eisim.neurons.siegert import siegert
from experiments import functions
from models import microcircuit
from tests.support.scores import scaled

NAMES = microcircuit.POPULATIONS
#: Of the full model, target × source, as NNMT 1.3 (https://github.com/INM-6/nnmt) has them for its own tests
#: (tests/fixtures/integration/config/network_params.yaml).
IN_DEGREES = """
    2199.86486 1079.32007 979.241261 467.578108 159.240826 0 109.819852 0
    2990.00583 860.261056 703.691807 289.693864 380.735859 0 60.5863901 0
    159.875428 34.5225188 1117.17312 794.596213 32.6043349 0.319552818 667.325211 0
    1480.97354 16.9432378 1813.02026 953.325789 16.0313926 0 1608.12283 0
    2188.36598 374.651134 1135.62969 31.3195876 420.770722 496.471959 296.694639 0
    1165.66761 159.083568 570.579343 12.0666667 300.095775 404.17277 124.332394 0
    325.197985 38.632025 467.354637 91.7147621 285.670372 21.1899271 581.635915 752.183189
    766.90502 5.83683853 74.6380597 2.74016282 136.240841 8.55427408 979.791723 459.402985"""


def at_full_rates(circuit):
    """Mean input (V), and sum of squared weights in a second (V²/s), of populations at the rates of the full model."""
    mean, squares = np.array([float(p.bias[0]) for p in circuit.populations]), np.zeros(len(NAMES))
    for p in circuit.projections:
        source, target = circuit.source(p), circuit.population(p.target)
        rate = source.rate if isinstance(source, Input) else microcircuit.RATES[p.source]
        received = rate * getattr(p.weights, "total", target.size) / target.size
        mean[NAMES.index(p.target)] += circuit.sign(p) * received * p.weights.mean_weight * microcircuit.SYNAPSE.tau
        squares[NAMES.index(p.target)] += received * p.weights.mean_weight**2
    return mean, squares


def test_numbers_of_neurons_and_synapses_are_those_of_the_paper_and_of_nnmt():
    in_degrees = np.array(IN_DEGREES.split(), dtype=float).reshape(8, 8)
    sizes = np.array([*microcircuit.NEURONS.values()])
    assert sizes.sum() == 77_169
    synapses = np.rint(microcircuit.synapses())
    assert np.abs(synapses - in_degrees * sizes[:, None]).max() < 1.5, "theirs are rounded in the logarithm, too"
    assert microcircuit.synapses().sum() == pytest.approx(0.3e9, rel=0.01)
    circuit = microcircuit.circuit()
    assert [p.size for p in circuit.populations] == sizes.tolist()
    for p in circuit.projections[len(NAMES) :]:
        assert p.weights.total == synapses[NAMES.index(p.target), NAMES.index(p.source)] > 0
    assert len(circuit.projections) == len(NAMES) + np.count_nonzero(synapses)
    assert not any(p.bias.any() for p in circuit.populations)


def test_a_synapse_causes_a_potential_of_0_15_mv():
    """The peak of the difference of two exponentials, in closed form."""
    tau, tau_s = microcircuit.NEURON.tau, microcircuit.SYNAPSE.tau
    ratio = tau / tau_s
    peak = (
        microcircuit.WEIGHT
        * tau_s
        / (tau - tau_s)
        * (ratio ** (-tau_s / (tau - tau_s)) - ratio ** (-tau / (tau - tau_s)))
    )
    assert peak == pytest.approx(0.15e-3, rel=1e-3)
    weights = {p.name: p.weights.weight.mean for p in microcircuit.circuit().projections if p.source in NAMES}
    assert weights["L4E->L23E"] == 2 * weights["L4E->L4E"] == weights["L23I->L5E"] / 2


def test_a_smaller_network_keeps_mean_and_variance_of_the_input():
    whole, small = (at_full_rates(microcircuit.circuit(size=size)) for size in (1.0, 0.1))
    np.testing.assert_allclose(small[0], whole[0], atol=0.05e-3)  # in-degrees of inputs are rounded
    np.testing.assert_allclose(small[1], whole[1], rtol=5e-3)
    steady = microcircuit.circuit(size=0.1, drive="dc")
    currents = [i.current for i in steady.inputs]
    recurrent = replace(
        steady,
        inputs=[Input(i.name) for i in steady.inputs],
        projections=[p for p in steady.projections if p.source in NAMES],
    )
    np.testing.assert_allclose(at_full_rates(recurrent)[0] + currents, whole[0], atol=0.05e-3)


def test_synapses_are_drawn_as_the_paper_has_them():
    circuit = microcircuit.circuit(size=0.05, seed=3)
    for name, mean, sd in (("L23E->L23E", 1.5e-3, 0.75e-3), ("L5I->L5E", 0.8e-3, 0.4e-3)):
        (p,) = (p for p in circuit.projections if p.name == name)
        matrix, delays = circuit.weights(p), circuit.delays(p)
        target, source = (NAMES.index(n) for n in (p.target, p.source))
        assert matrix.nnz == round(microcircuit.synapses()[target, source] * 0.05**2)
        pairs = (matrix.toarray() > 0).sum()
        assert pairs / np.prod(matrix.shape) == pytest.approx(microcircuit.PROBABILITIES[target, source], rel=0.03)
        assert matrix.nnz > 1.03 * pairs, "some pairs have several"
        expected = abs(microcircuit.RELATIVE[target, source]) * microcircuit.WEIGHT / np.sqrt(0.05)
        assert matrix.data.min() > 0 and matrix.data.mean() == pytest.approx(expected, rel=5e-3)
        assert matrix.data.std() == pytest.approx(0.1 * expected, rel=0.03)
        assert delays.min() > 0.05e-3 and delays.mean() == pytest.approx(p.delay.moments[0], rel=0.02)
        assert (p.delay.mean, p.delay.sd) == (mean, sd)
        numbers = np.diff(matrix.tocsc().indptr)
        assert numbers.var() == pytest.approx(numbers.mean(), rel=0.3), "in-degrees are binomial"
    assert ablate(circuit, 1.0, cell_types=["L4"]).inhibitory_projections != circuit.inhibitory_projections


def test_mean_field_has_the_rates_of_the_full_model():
    """Those of NEST within 0.4 Hz, and those of NNMT (see tests/adapter/test_mean_field.py) but for the in-degrees.

    NNMT gives all neurons of a population one in-degree; here it differs, which raises the lowest rates.
    """
    point = mean_field(microcircuit.circuit()).working_point(np.ones((1, 8)))
    rates = np.array([point.rates[name][0] for name in NAMES])
    assert point.stable[0] and not point.problem[0]
    np.testing.assert_allclose(rates, [*microcircuit.RATES.values()], atol=0.4)
    np.testing.assert_allclose(
        rates, [0.75418827, 2.79370842, 4.44021852, 5.82292556, 7.15358793, 8.469816, 1.15973716, 7.75571581], atol=0.15
    )


@pytest.mark.slow
def test_a_tenth_has_the_rates_of_nest():
    response = simulate(microcircuit.circuit(size=0.1), np.ones((1, 8)), duration=3.5, window=3.0)
    rates = [response.rates[name].mean() for name in NAMES]
    np.testing.assert_allclose(rates, [*microcircuit.RATES_OF_A_TENTH.values()], rtol=0.08)
    steady = simulate(microcircuit.circuit(size=0.1, drive="dc"), np.ones((1, 8)), duration=1.5, window=1.0)
    assert steady.rates["L6I"].mean() == pytest.approx(3.41, rel=0.03), "all others are silent, in NEST as here"
    assert not any(steady.rates[name].any() for name in NAMES[:-1])


@pytest.mark.slow
def test_mean_field_predicts_what_a_tenth_does_without_the_inhibition_of_layer_5():
    """Layers 5 and 2/3 I leave their rates, and L2/3 E falls silent; the others stay."""
    circuit = ablate(microcircuit.circuit(size=0.1), cell_types=["L5"])
    response = simulate(circuit, np.ones((1, 8)), duration=0.8, window=0.6)
    theory = mean_field(circuit).rates(np.ones((1, 8)), start=microcircuit.RATES)
    simulated, predicted = (np.array([np.mean(of[name]) for name in NAMES]) for of in (response.rates, theory))
    np.testing.assert_allclose(simulated, predicted, rtol=0.2, atol=0.1)
    assert simulated[0] < 0.1 and simulated[4:6].min() > 100


@pytest.mark.slow
def test_the_task_is_lost_without_the_inhibition_of_a_layer_in_silence_and_in_runaway():
    task = microcircuit.task(quick=True)
    circuit = task.circuit(0)
    circuits = [circuit, task.excitatory_only(0), ablate(circuit, cell_types=["L23"]), ablate(circuit)]
    circuits.append(scaled(circuit, "all", 0.0))
    intact, alone, layer, runaway, silent = (
        task.score(r) for r in simulate(circuits, task.stimuli, record=True, seed=1, **task.times)
    )
    assert intact >= 7 / 8 > task.criterion and alone >= task.criterion
    assert layer < task.criterion
    assert runaway == silent == task.constant == 0
    assert circuits[1].is_excitatory_only


def test_it_is_assessed_where_it_is_named():
    assert "microcircuit" in functions._models("microcircuit") and "microcircuit" not in functions._models("")


@pytest.mark.parametrize("wrong", [{"kind": "rate"}, {"size": 2}, {"size": 0.001}, {"drive": "none"}])
def test_what_does_not_fit_is_named(wrong):
    with pytest.raises(InputError, match=f"microcircuit: {next(iter(wrong))}: expected"):
        microcircuit.circuit(**wrong)


@pytest.mark.slow
def test_a_tenth_keeps_more_without_the_inhibition_of_layer_5_than_the_full_model():
    """By the mean field: the direct current in the place of lost synapses is not ablated."""

    def lost(size):
        theory = mean_field(ablate(microcircuit.circuit(size=size), cell_types=["L5"]))
        rates = np.array([*theory.rates(np.ones((1, 8)), start=microcircuit.RATES).values()])
        return int(((rates > microcircuit.HIGHEST) | (rates < 0.01)).sum())

    assert (lost(1.0), lost(0.1)) == (5, 2)


@pytest.mark.parametrize(("size", "expected"), [(1.0, 11.3), (0.1, 3.6)])
def test_without_inhibition_the_rates_of_the_full_model_are_unstable_at_any_bias(size, expected):
    """Loop gain of the excitatory populations: Siegert's formula has their rates at one mean each."""
    circuit, rates = microcircuit.circuit(size=size), microcircuit.RATES
    neuron, tau = microcircuit.NEURON, microcircuit.SYNAPSE.tau
    squares, loop, names = dict.fromkeys(NAMES, 0.0), np.zeros((4, 4)), [n for n in NAMES if n.endswith("E")]
    for p in circuit.projections:
        source = circuit.source(p)
        if circuit.sign(p) > 0 and p.target in names:
            in_degree = getattr(p.weights, "total", 0) / circuit.population(p.target).size or 1
            rate = source.rate if isinstance(source, Input) else rates[p.source]
            squares[p.target] += in_degree * rate * p.weights.mean_weight**2
            if p.source in names:
                loop[names.index(p.target), names.index(p.source)] = tau * in_degree * p.weights.mean_weight
    for k, name in enumerate(names):
        sd = tau * np.sqrt(squares[name] / (2 * neuron.tau))
        shift = SHIFT * sd * np.sqrt(tau / neuron.tau)
        means = np.linspace(-80e-3, -50e-3, 30_001)
        ends = neuron.threshold + shift, neuron.reset + shift
        found = siegert(means, np.full(means.shape, sd), neuron.tau, neuron.refractory, *ends)
        loop[k] *= np.interp(rates[name], found, np.gradient(found, means))
    assert np.abs(np.linalg.eigvals(loop)).max() == pytest.approx(expected, rel=0.03)
