"""The theory of truth tables against brute force."""

from functools import cache
from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eisim import LIF, TRUTH_TABLES, InputError, Saturating, TruthTable, certify, simulate, synthesize
from eisim.theory.code import falls_code, least_codes
from eisim.theory.floor import zero_one
from eisim.theory.inversion import falls, floor_with, inversion_complexity
from eisim.theory.order import violations
from eisim.theory.sample import Sample

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
        assert certificate.floor["l1"] == certificate.floor["zero_one"]
        assert certificate.floor["linf"] == (0 if is_monotone(f) else 0.5)
        best = certificate.best["zero_one"]
        assert tuple(best) in monotone_functions(n)
        assert (best != f.values).mean() == certificate.floor["zero_one"]


@pytest.mark.slow
def test_weighted_floors_of_all_functions_of_4_inputs():
    """One at random of each class of functions that differ in the order of inputs only, with weights of two kinds."""
    candidates = np.array(monotone_functions(4))
    points = TruthTable("0" * 16).patterns
    rng = np.random.default_rng(0)
    every = rng.permutation(np.arange(2**16)[:, None] >> np.arange(16)[::-1] & 1)
    bits = 2 ** np.arange(16)[::-1]
    reordered = [every[:, points[:, order] @ (8, 4, 2, 1)] @ bits for order in permutations(range(4))]
    _, chosen = np.unique(np.min(reordered, axis=0), return_index=True)
    assert len(chosen) == 3984  # OEIS A003180
    for values in every[chosen]:
        for weight in (np.ones(16), rng.integers(0, 9, 16) + np.eye(16, dtype=int)[0]):
            floor, best = zero_one(violations(Sample(points, values.astype(float), weight)))
            least = ((candidates != values) @ weight).min() / weight.sum()
            assert floor == least == ((best != values) @ weight) / weight.sum()
            assert tuple(best) in _monotone_of_4()


@cache
def _monotone_of_4():
    return set(monotone_functions(4))


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
    x, v = f.patterns, f.values
    pairs = [(i, j) for i in range(len(x)) for j in range(len(x)) if v[i] > v[j] and (x[i] <= x[j]).all()]
    assert certificate.violating_pairs == len(pairs)


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
        assert falls(f.values).max() == most
        assert inversion_complexity(f) == certify(f).inversion_complexity == int(np.ceil(np.log2(most + 1)))
        chain = certify(f).chain
        assert len(chain) == 2 * most and [f(x) for x in chain] == [True, False] * most
        assert all((np.array(a) <= b).all() for a, b in pairwise(chain))


def monotone_in(values, extra, n):
    """Whether a function is monotone in its inputs and the `extra` signals together, by the definition."""
    x = np.column_stack([TruthTable("0" * 2**n).patterns, *extra])
    below = (x[:, None] <= x[None]).all(axis=2)
    return not (below & (values[:, None] > values[None])).any()


@pytest.mark.parametrize("n", [1, 2, 3])
def test_inversion_complexity_by_trying_all_inhibitory_neurons(n):
    """An inhibitory neuron is any function monotone in the inputs and the silences of those before it."""
    every = [f.values for f in all_functions(n)]
    reached, silences = {}, [()]
    for r in range(3):
        for silent in silences:
            for k, values in enumerate(every):
                if monotone_in(values, silent, n):
                    reached.setdefault(k, r)
        if r < 2:
            silences = [(*silent, ~values) for silent in silences for values in every if monotone_in(values, silent, n)]
            if n == 3 and r == 1:  # every second one of the many pairs is enough to reach all
                silences = silences[::2]
    for k, f in enumerate(all_functions(n)):
        assert inversion_complexity(f) == reached[k]


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_floor_with_fewer_inhibitory_neurons(n):
    """Against the nearest of all functions with so small an inversion complexity."""
    every = (np.arange(2**2**n)[:, None] >> np.arange(2**n)[::-1] & 1).astype(bool)
    complexity = np.ceil(np.log2(falls(every).max(axis=1) + 1))
    chosen = every if n < 4 else every[np.random.default_rng(2).integers(0, len(every), 100)]
    for values in chosen:
        sample = Sample(TruthTable("0" * 2**n).patterns, values.astype(float), np.ones(2**n))
        for r in range(3):
            floor, best = floor_with(sample, r)
            assert floor == (every[complexity <= r] != values).mean(axis=1).min() == (best != values).mean()
            assert np.ceil(np.log2(falls(best > 0).max() + 1)) <= r


def logic(circuit, patterns, ablated=False):
    """Rate circuit as threshold logic: a neuron is on when its drive is above threshold; populations in order."""
    on = {"x": patterns}
    for population in circuit.populations:
        drive = np.zeros((len(patterns), population.size)) + population.bias
        for p in circuit.projections:
            if p.target == population.name and not (ablated and circuit.sign(p) < 0):
                drive += circuit.sign(p) * 100 * (on[p.source] @ circuit.weights(p).toarray())
        on[population.name] = drive > population.neuron.threshold
    return on


def upward_closure(f):
    return np.array([any(f.values[i] for i, y in enumerate(f.patterns) if (y <= x).all()) for x in f.patterns])


def check_circuit(f, inhibitory, target=None):
    target = f if target is None else target
    circuit = synthesize(f, inhibitory, kind="rate")
    on = logic(circuit, f.patterns)
    assert (on["readout"][:, 0] == target.values).all()
    assert (logic(circuit, f.patterns, ablated=True)["readout"][:, 0] == upward_closure(target)).all()
    neurons = [on[p.name] for p in circuit.populations if p.sign == "I"]
    assert circuit.n_inhibitory == inhibitory == sum(n.shape[1] for n in neurons)
    assert all(n.any(axis=0).all() for n in neurons)  # none is idle
    return circuit


@pytest.mark.parametrize("n", [1, 2, 3])
def test_circuits_of_all_functions(n):
    for f in all_functions(n):
        least = inversion_complexity(f)
        for surplus in range(3):
            check_circuit(f, least + surplus)


@given(random_functions)
def test_circuits_of_larger_functions(f):
    least = inversion_complexity(f)
    for surplus in range(3):
        check_circuit(f, least + surplus)


@given(random_functions)
def test_circuits_with_too_little_inhibition_are_the_best_there_are(f):
    for inhibitory in range(inversion_complexity(f)):
        circuit = synthesize(f, inhibitory, kind="rate")
        computed = logic(circuit, f.patterns)["readout"][:, 0]
        assert circuit.n_inhibitory == inhibitory
        assert (computed != f.values).mean() == certify(f).floor_with[inhibitory]
    assert certify(f).floor_with[inversion_complexity(f)] == 0


@given(random_functions)
def test_codes(f):
    code, (n,) = least_codes(f.values[None])
    assert (code[0] == falls_code(f, n)).all()
    for length in range(n, n + 4):
        assert len(falls_code(f, length)) == length


@pytest.mark.parametrize("n", [2, 3])
def test_excitatory_units_are_the_minimal_true_points(n):
    for values in monotone_functions(n):
        f = TruthTable("".join("01"[v] for v in values))
        x = f.patterns
        minimal = [
            i for i in np.flatnonzero(f.values) if not any(f.values[j] and (x[j] <= x[i]).all() for j in range(i))
        ]
        sizes = {p.name: p.size for p in synthesize(f, 0).populations}
        assert sizes == ({"coincidence": len(minimal)} if minimal else {}) | {"readout": 1}


TIMES = {"duration": 300e-3, "window": 200e-3, "dt": 0.5e-3, "backend": "numpy"}


@pytest.mark.parametrize("kind", ["rate", "spiking"])
def test_simulated_circuits_with_more_and_less_inhibition(kind):
    chosen = [
        (f, r)
        for name in ("and", "xor", "parity-4", "equality", "parity-3")
        for f in [TRUTH_TABLES[name]]
        for r in range(5)
    ]
    circuits = [synthesize(f, r, kind=kind).without_noise() for f, r in chosen]
    responses = simulate(circuits, [f.patterns for f, _ in chosen], **TIMES)
    for (f, r), circuit, response in zip(chosen, circuits, responses, strict=True):
        assert circuit.n_inhibitory == r
        error = (response.decisions[:, 0] != f.values).mean()
        assert error == certify(f).floor_with.get(r, 0)


@pytest.mark.parametrize("kind", ["rate", "spiking"])
def test_one_graded_inhibitory_neuron_is_enough(kind):
    rng = np.random.default_rng(3)
    functions = [
        *all_functions(3),
        *(TruthTable(f"{k:016b}") for k in rng.integers(0, 2**16, 100)),
        *TRUTH_TABLES.values(),
    ]
    functions += [TruthTable("".join(rng.choice(["0", "1"], 2**n))) for n in (5, 6) for _ in range(5)]
    circuits = [synthesize(f, kind=kind, graded=True).without_noise() for f in functions]
    responses = simulate(circuits, [f.patterns for f in functions], **TIMES)
    for f, circuit, response in zip(functions, circuits, responses, strict=True):
        most = falls(f.values).max()
        assert circuit.n_inhibitory == (most > 0)
        assert (response.decisions[:, 0] == f.values).all()
        if most:  # its rate grows with the number of falls
            rates, count = response.rates["I1"][:, 0], falls(f.values)
            assert all(rates[count == k].max() < rates[count == k + 1].min() for k in range(most))


@pytest.mark.parametrize("kind", ["rate", "spiking"])
def test_circuits_have_the_inhibition_they_claim(kind):
    for f in TRUTH_TABLES.values():
        assert synthesize(f, kind=kind).n_inhibitory == inversion_complexity(f)
        best = synthesize(f, inhibitory=0, kind=kind)
        assert best.n_inhibitory == 0 and best.is_excitatory_only


def test_synthesize_says_what_it_can_do():
    with pytest.raises(InputError, match="inhibitory: expected a whole number of 0 or more, found -1"):
        synthesize(TRUTH_TABLES["xor"], inhibitory=-1)
    with pytest.raises(InputError, match="kind: expected 'rate' or 'spiking', found 'fast'"):
        synthesize(TRUTH_TABLES["xor"], kind="fast")
    with pytest.raises(InputError, match="graded: expected one inhibitory neuron"):
        synthesize(TRUTH_TABLES["xor"], inhibitory=2, graded=True)
    with pytest.raises(InputError, match="synthesize: expected a TruthTable, found '0110'"):
        synthesize("0110")
    with pytest.raises(InputError, match=r"certify: expected a TruthTable, .* or a Connectome, found '0110'"):
        certify("0110")
    with pytest.raises(InputError, match="losses: expected some of zero_one, l1, l2, linf, found 'l3'"):
        certify(TRUTH_TABLES["xor"], losses=["l3"])
    for neuron in (Saturating(), LIF()):  # no threshold, another kind
        with pytest.raises(InputError, match="neuron: expected a rate neuron that is silent without input"):
            synthesize(TRUTH_TABLES["xor"], kind="rate", neuron=neuron)
