import dataclasses
import re
import warnings

import numpy as np
import pytest
from brian2 import Hz, ms, mV, second, volt
from scipy import sparse

from eisim import (
    LIF,
    Circuit,
    FixedInDegree,
    FixedProbability,
    Input,
    InputError,
    Population,
    Projection,
    Readout,
    Saturating,
    ablate,
)
from eisim.base.timing import Timing


def circuit(weights=0.5, neuron=None, size=1, seed=0, **projection):
    neuron = neuron or Saturating()
    return Circuit(
        "c",
        [Input("x", 2)],
        [Population("e", "E", neuron, size), Population("i", "I", neuron, 3)],
        [Projection("x", "e", np.full((2, size), 0.0)), Projection("i", "e", weights, **projection)],
        [Readout("e")],
        seed,
    )


def test_sign_is_that_of_the_source():
    c = circuit(np.ones((3, 1)))
    assert [c.sign(p) for p in c.projections] == [1, -1]
    assert c.n_inhibitory == 3 and not c.is_excitatory_only
    assert ablate(c).is_excitatory_only


def test_values_cannot_be_changed():
    weights = np.ones((3, 1))
    c = circuit(weights)
    weights[:] = 7
    assert c.weights(c.projections[1]).toarray().max() == 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        c.name = "other"
    with pytest.raises(ValueError, match="read-only"):
        c.weights(c.projections[1]).data[:] = 2
    with pytest.raises(ValueError, match="read-only"):
        c.population("e").bias[:] = 2


def test_quantities_become_si():
    c = circuit(np.full((3, 1), 2) * mV, LIF(tau=20 * ms, noise=1 * mV), delay=2 * ms)
    assert c.weights(c.projections[1]).toarray() == pytest.approx(2e-3)
    assert c.projections[1].delay == pytest.approx(2e-3)
    assert c.population("e").neuron.tau == pytest.approx(0.02)
    assert Input("x", rate=50 * Hz).rate == 50


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: circuit(-np.ones((3, 1))), ("'i->e'", "Dale", "-1")),
        (lambda: circuit(np.ones((2, 2))), ("'i->e'", "(3, 1)", "(2, 2)")),
        (lambda: circuit(np.array([[1], [np.nan], [1]])), ("'i->e'", "finite", "nan")),
        (lambda: circuit([["a"], [1], [1]]), ("'i->e'", "plain number", "a")),
        (lambda: circuit(np.ones((3, 1)) * mV), ("'i->e'", "plain numbers", "volt")),
        (lambda: circuit(np.ones((3, 1)), delay=-1 * ms), ("'i->e'", "delay", "-0.001")),
        (lambda: circuit(np.ones((3, 1)), delay=5 * mV), ("delay", "a time such as", "5. mV")),
        (lambda: circuit(np.ones((3, 1)), delay=[[1, 2]] * ms), ("delay", "(3, 1)", "(1, 2)")),
        (lambda: circuit(FixedInDegree(4, 1.0)), ("in_degree", "at most 3", "4")),
        (lambda: circuit(FixedProbability(0.5, -1.0)), ("'i->e'", "non-negative", "-1")),
        (lambda: FixedProbability(1.5, 1.0), ("probability", "between 0 and 1", "1.5")),
        (lambda: circuit(seed=-1), ("seed", "whole number", "-1")),
        (lambda: Population("e", "X", LIF()), ("'e'", "'E' or 'I'", "'X'")),
        (lambda: Population("e", "E", LIF(), 0), ("'e'", "at least 1", "0")),
        (lambda: Population("e", "E", "LIF"), ("'e'", "neuron model", "'LIF'")),
        (lambda: Population("e", "E", LIF(), 2, [1, 2, 3]), ("bias", "(2,)", "(3,)")),
        (lambda: LIF(tau=0), ("LIF.tau", "more than 0", "0")),
        (lambda: LIF(tau=3 * mV), ("LIF.tau", "a time such as", "3. mV")),
        (lambda: LIF(reset=-40 * mV), ("LIF.reset", "-50 mV", "-40 mV")),
        (lambda: Circuit("c", [Input("x")], [Population("x", "E", LIF())]), ("'x'", "used twice")),
        (lambda: Circuit("c", [], [Population("e", "E", LIF())]), ("at least one input",)),
        (
            lambda: Circuit("c", [Input("x")], [Population("a", "E", LIF()), Population("b", "E", Saturating())]),
            ("one kind", "rate and spiking"),
        ),
        (
            lambda: Circuit("c", [Input("x")], [Population("e", "E", LIF())], [Projection("x", "f", 1.0)]),
            ("target", "'e'", "'f'"),
        ),
        (
            lambda: Circuit("c", [Input("x")], [Population("e", "E", LIF())], (), [Readout("f")]),
            ("readout", "'e'", "'f'"),
        ),
        (lambda: ablate(circuit(np.ones((3, 1))), 1.5), ("fraction", "between 0 and 1", "1.5")),
        (lambda: ablate(circuit(np.ones((3, 1))), projections=["x->e"]), ("'i->e'", "'x->e'")),
    ],
)
def test_bad_input_is_named(make, words):
    with pytest.raises(InputError) as error:
        make()
    assert "\n" not in str(error.value)
    for word in words:
        assert word in str(error.value)


def test_rules_are_drawn_from_the_seed():
    def drawn(rule, seed):
        c = circuit(rule, size=200, seed=seed)
        return c.weights(c.projections[1])

    for rule in (FixedProbability(0.4, 0.5), FixedInDegree(2, 0.5)):
        assert (drawn(rule, 1) != drawn(rule, 1)).nnz == 0
        assert (drawn(rule, 1) != drawn(rule, 2)).nnz > 0
        assert set(drawn(rule, 1).data) == {0.5}
    assert (drawn(FixedInDegree(2, 0.5), 1).count_nonzero(axis=0) == 2).all()
    assert drawn(FixedProbability(0.4, 0.5), 1).nnz == pytest.approx(240, abs=60)


def test_rules_make_no_autapses():
    for rule in (FixedProbability(1.0, 1.0), FixedInDegree(19, 1.0)):
        e = Population("e", "E", Saturating(), 20)
        c = Circuit("c", [Input("x")], [e], [Projection("e", "e", rule)])
        np.testing.assert_array_equal(c.weights(c.projections[0]).toarray(), 1 - np.eye(20))


def test_ablation_weakens_the_chosen_projections_only():
    e, i = Population("e", "E", Saturating()), Population("i", "I", Saturating())
    projections = [
        Projection("i", "e", 2.0),
        Projection("i", "i", 4.0),
        Projection("x", "e", sparse.eye_array(1)),
    ]
    c = Circuit("c", [Input("x")], [e, i], projections)
    half = ablate(c, 0.5, ["i->i"])
    assert [half.weights(p).toarray().item() for p in half.projections] == [2, 2, 1]
    assert [ablate(c).weights(p).nnz for p in ablate(c).projections] == [0, 0, 1]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: LIF(threshold=60), "LIF.threshold: the plain number 60 is 60 V; if 60 mV are meant, write 60*mV"),
        (lambda: LIF(rest=-70), "the plain number -70 is -70 V"),
        (lambda: LIF(tau=20), "LIF.tau: the plain number 20 is 20 s"),
        (lambda: Projection("a", "b", 1.0, delay=[[0, 2]]), "projection 'a->b': delay: the plain number 2 is 2 s"),
        (lambda: Timing(duration=500, window=100, dt=0.1), "duration: the plain number 500 is 500 s"),
    ],
)
def test_plain_numbers_that_lack_a_unit_are_spoken_of_where_they_are_given(make, said):
    with pytest.warns(UserWarning, match=re.escape(said)) as found:
        make()
    assert found[0].filename == __file__


def test_quantities_of_the_same_size_are_meant():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        LIF(threshold=60 * volt, tau=20 * second)
        Projection("a", "b", 1.0, delay=2 * second)
