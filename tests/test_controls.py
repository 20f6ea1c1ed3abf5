"""Controls of an ablation: which weights they change, and by how much."""

import numpy as np
import pytest
from brian2 import ms, mV, nS
from hypothesis import given
from hypothesis import strategies as st

from eisim import (
    LIF,
    AllToAll,
    Circuit,
    FixedProbability,
    Input,
    InputError,
    Population,
    Projection,
    TruthTable,
    ablate,
    synthesize,
)
from eisim.base.seeds import seed_of
from eisim.controls import compensate, excitation, removed_weight, sham_excitation, sham_random
from tests.support.drawn import draw_circuit

INPUT, BETWEEN = ["x->E"], ["E->E", "E->I"]
seeds = st.integers(0, 10**6)


def network(excitatory=True):
    neuron = LIF()
    projections = [
        Projection("x", "E", FixedProbability(0.5, 1e-3)),
        Projection("E", "E", FixedProbability(0.3, 1e-3)),
        Projection("E", "I", np.full((30, 10), 2e-3)),
        Projection("I", "E", AllToAll(3e-3)),
        Projection("I", "I", FixedProbability(0.3, 4e-3)),
    ]
    populations = [Population("E", "E", neuron, 30), Population("I", "I", neuron, 10)]
    kept = [p for p in projections if excitatory or p.name not in BETWEEN]
    return Circuit("network", [Input("x", 4)], populations, kept, seed=3)


def matrices(circuit):
    return {p.name: circuit.weights(p).toarray() for p in circuit.projections}


def between(circuit):
    """Weights of projections between populations, in a row."""
    inputs = {i.name for i in circuit.inputs}
    found = [
        m.ravel()
        for p, m in zip(circuit.projections, matrices(circuit).values(), strict=True)
        if p.source not in inputs
    ]
    return np.concatenate(found) if found else np.empty(0)


@pytest.mark.parametrize("inputs", [False, True])
@pytest.mark.parametrize("factor", [0, 0.3, 1, 2])
def test_compensation_scales_excitation_and_nothing_else(factor, inputs):
    circuit = network()
    found, named = compensate(circuit, factor, inputs), BETWEEN + INPUT * inputs
    assert {p.name for p in excitation(circuit, inputs)} == set(named)
    for name, before in matrices(circuit).items():
        np.testing.assert_allclose(matrices(found)[name], before * (factor if name in named else 1), rtol=1e-15)
    assert (found is circuit) == (factor == 1)


def test_rules_stay_rules():
    kept = {p.name: p.weights for p in compensate(network(), 0.5, inputs=True).projections}
    assert kept["x->E"] == FixedProbability(0.5, 0.5e-3) and kept["E->E"] == FixedProbability(0.3, 0.5e-3)
    assert kept["I->E"] == AllToAll(3e-3) and kept["I->I"] == FixedProbability(0.3, 4e-3)


@given(seeds, st.sampled_from(["rate", "spiking"]), st.floats(0, 2), st.booleans())
def test_compensation_of_drawn_circuits(seed, kind, factor, inputs):
    circuit = draw_circuit(kind, seed)
    before, after = matrices(circuit), matrices(compensate(circuit, factor, inputs))
    sources = {p.name: circuit.source(p) for p in circuit.projections}
    for name, source in sources.items():
        is_excited = (isinstance(source, Input) and inputs) or getattr(source, "sign", "") == "E"
        np.testing.assert_allclose(after[name], before[name] * (factor if is_excited else 1), rtol=1e-14)


def test_the_weight_that_an_ablation_takes():
    circuit = network()
    inhibition = sum(matrices(circuit)[name].sum() for name in ("I->E", "I->I"))
    assert removed_weight(circuit, ablate(circuit)) == pytest.approx(inhibition)
    assert removed_weight(circuit, ablate(circuit, 0.25)) == pytest.approx(inhibition / 4)
    assert removed_weight(circuit, circuit) == 0
    cut = ablate(circuit, projections=["I->I"])
    assert removed_weight(circuit, cut) == pytest.approx(matrices(circuit)["I->I"].sum())


@pytest.mark.parametrize("share", [0, 0.2, 0.999, 1, 3])
def test_the_sham_of_excitation_takes_the_weight_or_all_there_is(share):
    circuit = network()
    before = matrices(circuit)
    total = sum(before[name].sum() for name in BETWEEN)
    after = matrices(sham_excitation(circuit, share * total))
    for name, matrix in before.items():  # of all excitation alike
        np.testing.assert_allclose(after[name], matrix * (max(0, 1 - share) if name in BETWEEN else 1), atol=1e-18)
    without = network(excitatory=False)
    assert sham_excitation(without, 1.0) is without


@given(seeds, st.floats(0, 1.2), seeds)
def test_the_sham_of_random_synapses_takes_the_weight_to_within_a_synapse(drawn, share, seed):
    circuit = draw_circuit("spiking", drawn)
    before = between(circuit)
    weight = share * before.sum()
    sham = sham_random(circuit, weight, seed)
    after = between(sham)
    gone = after != before
    assert (after[gone] == 0).all() and (before[gone] > 0).all()
    assert abs(before[gone].sum() - min(weight, before.sum())) <= before.max(initial=0) * (0.5 + 1e-9)
    np.testing.assert_array_equal(between(sham_random(circuit, weight, seed)), after)
    for p in circuit.projections:
        if isinstance(circuit.source(p), Input):
            assert sham.weights(p) is circuit.weights(p)
    assert (sham.inputs, sham.populations) == (circuit.inputs, circuit.populations)


def test_another_seed_takes_other_synapses_of_either_sign():
    circuit = network()
    weight = removed_weight(circuit, ablate(circuit, 0.5))
    shams = [matrices(sham_random(circuit, weight, seed)) for seed in range(4)]
    before = matrices(circuit)
    for sham in shams:
        taken = {name: ((before[name] > 0) & (sham[name] == 0)).mean() / (before[name] > 0).mean() for name in before}
        assert taken.pop("x->E") == 0
        share = weight / sum(before[name].sum() for name in taken)
        np.testing.assert_allclose(list(taken.values()), share, atol=0.2)  # at random: of all alike
    assert any((shams[0]["E->I"] != other["E->I"]).any() for other in shams[1:])
    number = seed_of(np.random.default_rng(0), "")  # what a Generator stands for
    given = sham_random(circuit, weight, np.random.default_rng(0)), sham_random(circuit, weight, number)
    np.testing.assert_array_equal(between(given[0]), between(given[1]))


@pytest.mark.parametrize("function", [compensate, sham_excitation, sham_random])
def test_bad_numbers(function):
    name = {compensate: "factor"}.get(function, "weight")
    with pytest.raises(InputError, match=f"{function.__name__}: {name}: expected 0 or more, found -0.1"):
        function(network(), -0.1)
    for bad in ("much", None, [1.0, 2.0], np.nan, np.inf):
        with pytest.raises(InputError, match=f"{function.__name__}: {name}"):
            function(network(), bad)


def test_a_factor_has_no_unit_and_a_weight_may_have_that_of_the_weights():
    with pytest.raises(InputError, match="compensate: factor"):
        compensate(network(), 3 * mV)
    circuit = network()
    assert matrices(sham_excitation(circuit, 3 * mV))["E->E"].sum() == pytest.approx(
        matrices(sham_excitation(circuit, 3e-3))["E->E"].sum(), rel=1e-12
    )
    with pytest.raises(InputError, match="sham_excitation: weight: expected 0 or more"):
        sham_excitation(circuit, -3 * mV)


@pytest.mark.parametrize("control", [sham_excitation, sham_random])
def test_a_weight_with_another_unit_is_refused(control):
    spiking, rate = synthesize(TruthTable("0110")), synthesize(TruthTable("0110"), kind="rate")
    for circuit, weight in ((spiking, 10 * ms), (spiking, 3 * nS), (rate, 3 * mV)):
        with pytest.raises(InputError, match=rf"^{control.__name__}: weight: expected a "):
            control(circuit, weight)
