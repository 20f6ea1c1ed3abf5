"""The theory of truth tables against brute force."""

from functools import cache
from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eisim import LIF, NAMED, InputError, Saturating, TruthTable, certify, synthesize
from eisim.functions import patterns
from eisim.theory.inversion import falls, inversion_complexity
from eisim.theory.synthesis import gates

DEDEKIND = {1: 3, 2: 6, 3: 20, 4: 168}


def all_functions(n):
    return [TruthTable(f"{k:0{2**n}b}") for k in range(2**2**n)]


def is_monotone(f):
    """By the definition, over all pairs."""
    x = f.patterns
    return not any((x[i] <= x[j]).all() and f.values[i] > f.values[j] for i in range(len(x)) for j in range(len(x)))


@cache
def monotone_functions(n):
    """All of them, grown from those of one input fewer: f is monotone when f0 <= f1 for its two halves."""
    if n == 0:
        return [(0,), (1,)]
    halves = monotone_functions(n - 1)
    return [f0 + f1 for f0 in halves for f1 in halves if all(a <= b for a, b in zip(f0, f1, strict=True))]


random_functions = st.integers(4, 6).flatmap(lambda n: st.text("01", min_size=2**n, max_size=2**n).map(TruthTable))


@pytest.mark.parametrize("n", DEDEKIND)
def test_brute_force_counts_the_dedekind_numbers(n):
    assert len(monotone_functions(n)) == DEDEKIND[n]


@pytest.mark.parametrize("n", [1, 2, 3])
def test_certificates_of_all_functions(n):
    candidates = np.array(monotone_functions(n))
    for f in all_functions(n):
        certificate = certify(f)
        assert certificate.representable == is_monotone(f)
        assert certificate.floor["zero_one"] == (candidates != f.values).mean(axis=1).min()
        assert is_monotone(certificate.best_monotone)
        assert (certificate.best_monotone.values != f.values).mean() == certificate.floor["zero_one"]


def test_floors_of_functions_of_4_inputs():
    candidates = np.array(monotone_functions(4))
    for k in np.random.default_rng(0).integers(0, 2**16, 300):
        f = TruthTable(f"{k:016b}")
        assert certify(f).floor["zero_one"] == (candidates != f.values).mean(axis=1).min()


@given(random_functions)
def test_witness_is_a_witness(f):
    certificate = certify(f)
    witness = certificate.witness
    if witness is None:
        assert certificate.representable and certificate.floor["zero_one"] == 0
    else:
        assert (np.array(witness.lower) <= witness.upper).all()
        assert f(witness.lower) > f(witness.upper)
        assert certificate.floor["zero_one"] > 0


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_falls_by_enumerating_all_maximal_chains(n):
    orders = list(permutations(range(n)))
    for k in np.random.default_rng(1).integers(0, 2**2**n, 60):
        f = TruthTable(f"{k:0{2**n}b}")
        most = 0
        for order in orders:
            chain = [f.values[0]]
            x = np.zeros(n, dtype=int)
            for i in order:
                x[i] = 1
                chain.append(f(x))
            most = max(most, sum(a and not b for a, b in pairwise(chain)))
        assert falls(f).max() == most
        assert inversion_complexity(f) == int(np.ceil(np.log2(most + 1)))


def logic(f, ablated=False):
    """The function that the gates of f compute as threshold logic."""
    inputs, silence = patterns(f.n_inputs), np.ones((2**f.n_inputs, 0), dtype=bool)
    for layer in gates(f):
        on = np.zeros(len(inputs), dtype=bool)
        for gate in layer:
            excited = inputs[:, list(gate.excited_by)].all(axis=1)
            on |= excited & (silence[:, list(gate.silenced_by)].all(axis=1) | ablated)
        silence = np.column_stack([silence, ~on])
    return on


def upward_closure(f):
    return np.array([any(f.values[i] for i, y in enumerate(f.patterns) if (y <= x).all()) for x in f.patterns])


@pytest.mark.parametrize("n", [1, 2, 3])
def test_gates_of_all_functions(n):
    for f in all_functions(n):
        assert (logic(f) == f.values).all()
        assert (logic(f, ablated=True) == upward_closure(f)).all()
        assert len(gates(f)) - 1 == inversion_complexity(f)


@given(random_functions)
def test_gates_of_larger_functions(f):
    assert (logic(f) == f.values).all()
    assert (logic(f, ablated=True) == upward_closure(f)).all()


@pytest.mark.parametrize("kind", ["rate", "spiking"])
def test_circuits_have_the_inhibition_they_claim(kind):
    for f in NAMED.values():
        assert synthesize(f, kind=kind).n_inhibitory == inversion_complexity(f)
        best = synthesize(f, inhibitory=0, kind=kind)
        assert best.n_inhibitory == 0 and best.is_excitatory_only


def test_synthesize_says_what_it_can_do():
    with pytest.raises(InputError, match="inhibitory: expected 0 or 1"):
        synthesize(NAMED["xor"], inhibitory=7)
    with pytest.raises(InputError, match="kind: expected 'rate' or 'spiking', found 'fast'"):
        synthesize(NAMED["xor"], kind="fast")
    for use in (certify, synthesize):
        with pytest.raises(InputError, match="expected a TruthTable, found '0110'"):
            use("0110")
    for neuron in (Saturating(), LIF()):  # no threshold, another kind
        with pytest.raises(InputError, match="neuron: expected a rate neuron that is silent without input"):
            synthesize(NAMED["xor"], kind="rate", neuron=neuron)
