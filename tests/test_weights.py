"""Rules, distributions and delays against closed forms and brute force."""

import re
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from brian2 import Quantity, ms, mV, nS
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from eisim import (
    LIF,
    AllToAll,
    Circuit,
    ConductanceLIF,
    FixedInDegree,
    FixedOutDegree,
    FixedProbability,
    FixedTotalNumber,
    Gamma,
    GaussianProfile,
    Independent,
    Input,
    InputError,
    Logistic,
    Lognormal,
    Normal,
    Population,
    Projection,
    Readout,
    ThresholdLinear,
    ablate,
    compensate,
    sham_random,
    silence,
    simulate,
    to_dnn,
    to_spiking,
)
from eisim.circuit import delay_matrix, union
from eisim.report.circuit import circuit_table
from eisim.simulation.layout import Trials
from eisim.simulation.memory import bytes_of

DISTRIBUTIONS = (Lognormal, Normal, Gamma)
RULES = (
    FixedProbability(0.4, 1.0),
    FixedInDegree(4, 1.0),
    FixedOutDegree(4, 1.0),
    FixedTotalNumber(40, 1.0),
    FixedTotalNumber(40, 1.0, multapses=True),
    GaussianProfile(0.8, 0.2, 1.0),
    GaussianProfile(0.8, 0.3, 1.0, dimensions=2, periodic=False),
    AllToAll(1.0),
)
TIMES = {"duration": 60e-3, "window": 40e-3, "dt": 0.2e-3, "backend": "numpy"}


def scipy_of(distribution):
    """The same distribution of SciPy's."""
    m, s = distribution.mean, distribution.sd
    if isinstance(distribution, Lognormal):
        variance = np.log(1 + s**2 / m**2)
        return stats.lognorm(np.sqrt(variance), scale=m * np.exp(-variance / 2))
    if isinstance(distribution, Gamma):
        return stats.gamma(m**2 / s**2, scale=s**2 / m)
    return stats.truncnorm((distribution.minimum - m) / s, np.inf, m, s)


@pytest.mark.parametrize("kind", DISTRIBUTIONS)
@pytest.mark.parametrize("ratio", [0.05, 0.5, 1.0, 2.0])
def test_distributions_are_those_of_scipy(kind, ratio):
    found, theirs = kind(3.0, 3.0 * ratio), scipy_of(kind(3.0, 3.0 * ratio))
    share = np.linspace(0.001, 0.999, 201)
    np.testing.assert_allclose(theirs.cdf(found.quantile(share)), share, rtol=1e-9)
    np.testing.assert_allclose(found.moments, [theirs.mean(), theirs.std()], rtol=1e-9)
    if kind is not Normal:
        assert found.moments == (3.0, 3.0 * ratio)


@given(st.floats(0, 0.99), st.floats(0.01, 2.0), st.floats(0.5, 2.0))
def test_what_is_not_above_a_minimum_is_drawn_again(minimum, ratio, factor):
    found, share = Normal(3.0, 3.0 * ratio, 3.0 * minimum), np.linspace(0.001, 0.999, 21)
    theirs = scipy_of(found)
    np.testing.assert_allclose(theirs.cdf(found.quantile(share)), share, rtol=1e-6)
    np.testing.assert_allclose(found.moments, [theirs.mean(), theirs.std()], rtol=1e-6)
    np.testing.assert_allclose((found * factor).quantile(share), factor * found.quantile(share), rtol=1e-9)
    np.testing.assert_array_equal(found.quantile(share, signed=True), Normal(3.0, 3.0 * ratio).quantile(share, True))


@given(
    st.sampled_from(DISTRIBUTIONS),
    st.floats(1e-12, 1e6),
    st.floats(0, 900) | st.just(0.0),
    st.floats(1e-16, 1 - 1e-16),
    st.floats(1e-6, 1e6),
)
def test_what_is_drawn_is_above_0_and_finite_and_scales(kind, mean, ratio, share, factor):
    distribution = kind(mean, mean * ratio)
    drawn = distribution.quantile(share)
    assert 0 < drawn < np.inf
    scaled = distribution * factor
    assert type(scaled) is kind and distribution * 0 == 0
    if drawn > 1e-290 and ratio > 1e-3 and share > 1e-9:
        np.testing.assert_allclose(scaled.quantile(share), factor * drawn, rtol=1e-6)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Lognormal(0, 1), "Lognormal.mean: expected more than 0, found 0"),
        (lambda: Gamma(1, -1), "Gamma.sd: expected from 0 to 1,000 times the mean, found -1"),
        (lambda: Lognormal(1, 1e4), "Lognormal.sd: expected from 0 to 1,000 times the mean, found 10000"),
        (lambda: drawn_by(FixedInDegree(1, Normal(-1, 1))), "'E->E': weight: expected a mean above 0, found -1"),
        (lambda: Projection("E", "E", 1.0, Normal(-1 * ms, 1 * ms)), "delay: expected a mean above 0, found -0.001"),
        (lambda: Normal(1 * mV, 1 * ms), "Normal: expected mean and sd in one unit, found 1. mV and 1. ms"),
        (lambda: Normal(1 * mV, 1), "expected mean and sd in one unit"),
        (lambda: Normal(1, 1, 1), "Normal.minimum: expected from 0 to less than the mean, found 1"),
        (lambda: Normal(1 * ms, 1 * ms, 5e-5), "expected mean and minimum in one unit, found a minimum of 5e-05"),
        (lambda: FixedTotalNumber(1, 1.0, multapses=1), "FixedTotalNumber.multapses: expected True or False, found 1"),
        (lambda: drawn_by(FixedTotalNumber(1, 1.0, multapses=True), 1), "at most 0 (the pairs there are), found 1"),
        (lambda: Normal("wide", 1), "Normal.mean: expected a plain number, found 'wide'"),
        (lambda: Normal(np.nan, 1), "Normal.mean: expected finite numbers"),
        (lambda: Normal([1, 2], 1), "Normal.mean"),
        (lambda: drawn_by(FixedInDegree(1, Gamma(1 * nS, 1 * nS))), "'E->E': weights: expected plain numbers, found a"),
        (lambda: Projection("E", "E", 1.0, Gamma(1 * mV, 1 * mV)), "delay: expected a time such as 5*ms, found a quan"),
        (lambda: drawn_by(FixedOutDegree(9, 1.0), 9), "FixedOutDegree.out_degree: expected at most 8 (the targets the"),
        (lambda: FixedOutDegree(-1, 1.0), "FixedOutDegree.out_degree: expected from 0 to 2,147,483,647, found -1"),
        (lambda: FixedTotalNumber(2.5, 1.0), "FixedTotalNumber.total: expected a whole number, found 2.5"),
        (lambda: drawn_by(FixedTotalNumber(73, 1.0), 9), "total: expected at most 72 (the pairs there are), found 73"),
        (lambda: GaussianProfile(2, 0.1, 1.0), "GaussianProfile.probability: expected between 0 and 1, found 2"),
        (lambda: GaussianProfile(0.5, 0, 1.0), "GaussianProfile.sigma: expected a number above 0, found 0"),
        (lambda: GaussianProfile(0.5, 0.1, 1.0, 3), "GaussianProfile.dimensions: expected 1 or 2, found 3"),
        (lambda: GaussianProfile(0.5, 0.1, 1.0, 1, "no"), "GaussianProfile.periodic: expected True or False"),
        (lambda: FixedInDegree(1, 1.0, "no"), "FixedInDegree.autapses: expected True or False, found 'no'"),
        (
            lambda: drawn_by(GaussianProfile(0.5, 0.1, 1.0, 2), 10),
            "GaussianProfile: expected a source whose neurons fill a square grid, so of a size such as 9, found 10",
        ),
    ],
)
def test_bad_input_is_named(make, said):
    with pytest.raises(InputError, match=re.escape(said)) as error:
        make()
    assert "\n" not in str(error.value)


def test_plain_numbers_that_lack_a_unit_are_spoken_of():
    with pytest.warns(UserWarning, match=re.escape("'a->b': delay: the plain number 2 is 2 s; if 2 ms are meant")):
        Projection("a", "b", 1.0, delay=Gamma(2, 1))
    with pytest.warns(UserWarning, match=re.escape("'E->E': weights: the plain number 2 is 2 V")):
        drawn_by(FixedInDegree(1, Lognormal(2, 1)), neuron=LIF())


def drawn_by(rule, size=16, seed=0, neuron=None, **projection):
    """A circuit whose population connects to itself by a rule."""
    population = Population("E", "E", neuron or ThresholdLinear(), size)
    return Circuit("c", [Input("x")], [population], [Projection("E", "E", rule, **projection)], seed=seed)


def matrix_of(rule, size=16, seed=0):
    c = drawn_by(rule, size, seed)
    return c.weights(c.projections[0])


@pytest.mark.parametrize("rule", RULES)
def test_a_seed_fixes_what_is_drawn_and_autapses_are_as_asked_for(rule):
    for autapses in (False, True):
        mine = replace(rule, autapses=autapses)
        matrices = [matrix_of(mine, 16, seed) for seed in range(30)]
        assert (matrices[3] != matrix_of(mine, 16, 3)).nnz == 0
        if mine.draws_places:
            assert (matrices[3] != matrices[4]).nnz > 0
        assert bool(sum(m.diagonal().sum() for m in matrices)) == autapses
        assert set(np.concatenate([m.data for m in matrices])) == {1.0}
        mean, sd = np.mean([m.nnz for m in matrices]), np.std([m.nnz for m in matrices])
        assert abs(mean - mine.expected((16, 16), True)) <= 4 * sd / np.sqrt(30)
        assert mine.draws_number == (sd > 0)


@given(st.integers(1, 12), st.integers(1, 12), st.booleans(), st.booleans(), st.data())
def test_degrees_and_totals_are_exact(n_source, n_target, recurrent, autapses, data):
    n_target = n_source if recurrent else n_target
    shape, spared = (n_source, n_target), recurrent and not autapses
    out = FixedOutDegree(data.draw(st.integers(0, n_target - spared)), 1.0, autapses)
    into = FixedInDegree(data.draw(st.integers(0, n_source - spared)), 1.0, autapses)
    pairs = n_source * (n_target - spared)
    total = FixedTotalNumber(data.draw(st.integers(0, pairs)), 1.0, autapses)
    several = FixedTotalNumber(data.draw(st.integers(0, 3 * pairs)), 1.0, autapses, multapses=True)
    for rule in (out, into, total, several):
        rule.check(shape, recurrent)
        matrix = rule.draw(data.draw(st.integers(0, 99)), shape, recurrent)
        assert matrix.nnz == matrix.sum() == rule.expected(shape, recurrent)
        assert not (spared and matrix.diagonal().any())
        if rule in (out, into):
            assert set(matrix.sum(axis=1 if rule is out else 0)) == {out.out_degree if rule is out else into.in_degree}


def test_all_sets_of_pairs_are_as_likely():
    rng = np.random.default_rng(5)
    for total in (2, 4):  # chosen, and left out
        sets = {pairs: 0 for pairs in combinations([(i, j) for i in range(3) for j in range(3) if i != j], total)}
        for _ in range(3000):
            drawn = FixedTotalNumber(total, 1.0).draw(rng, (3, 3), True)
            sets[tuple(zip(*map(np.ndarray.tolist, drawn.nonzero()), strict=True))] += 1
        assert stats.chisquare(list(sets.values())).pvalue > 1e-3


def test_multapses_are_drawn_with_replacement():
    rng, pairs = np.random.default_rng(6), [(i, j) for i in range(3) for j in range(3) if i != j]
    rule = FixedTotalNumber(12, 1.0, multapses=True)
    counts = np.array([rule.draw(rng, (3, 3), True).toarray() for _ in range(2000)])
    assert (counts.sum(axis=(1, 2)) == 12).all() and not counts[:, range(3), range(3)].any()
    of_one = np.bincount(counts[:, 0, 1], minlength=13)
    law = stats.binom(12, 1 / len(pairs)).pmf(np.arange(13)) * 2000
    assert stats.chisquare([*of_one[:5], of_one[5:].sum()], [*law[:5], law[5:].sum()]).pvalue > 1e-3


def test_synapses_of_one_pair_have_weights_and_delays_of_their_own():
    rule = FixedTotalNumber(30_000, Normal(0.5 * mV, 0.1 * mV), multapses=True)
    c = drawn_by(rule, 100, neuron=LIF(), delay=Normal(1.5 * ms, 0.75 * ms, 0.05 * ms))
    (projection,) = c.projections
    weights, delays, pattern = c.weights(projection), c.delays(projection), c.weights(projection)
    place = np.repeat(np.arange(100), np.diff(pattern.indptr)) * 100 + pattern.indices
    assert weights.nnz == 30_000 and np.unique(place).size < 10_000, "about three for each pair"
    assert min(np.unique(weights.data).size, np.unique(delays).size) > 29_900
    again = np.flatnonzero(place[1:] == place[:-1]) + 1
    for drawn, distribution in ((weights.data, rule.weight), (delays, projection.delay)):
        assert stats.kstest(drawn[again], scipy_of(distribution).cdf).pvalue > 1e-3
        assert abs(np.corrcoef(drawn[again], drawn[again - 1])[0, 1]) < 4 / np.sqrt(again.size)
    assert delays.min() > 0.05e-3
    assert weights.power(2).sum() == pytest.approx(np.square(weights.data).sum()), "SciPy adds none of them up"
    assert weights.count_nonzero() == (weights != 0).nnz == sham_random(c, 0).weights(projection).nnz == 30_000
    assert weights.toarray().sum() == pytest.approx(weights.sum()) == pytest.approx(weights.data.sum())
    joined = union([c])
    np.testing.assert_array_equal(joined.delays(joined.projections[0]), c.delays(projection))
    with pytest.raises(InputError, match="'E->E': expected one synapse for each pair"):
        delay_matrix(c, projection)
    silenced, kept = silenced_half(c)
    np.testing.assert_array_equal(silenced.data, weights.data[kept])


def silenced_half(circuit):
    """The weights of a circuit, made inhibitory, with half of its neurons silenced, and which synapses these are."""
    (population,) = circuit.populations
    silenced = silence(replace(circuit, populations=[replace(population, sign="I")]), 0.5)
    sends = ~np.isin(np.arange(population.size), silenced.populations[0].silenced)
    (projection,) = circuit.projections
    return silenced.weights(silenced.projections[0]), np.repeat(sends, np.diff(circuit.weights(projection).indptr))


@pytest.mark.parametrize("periodic", [True, False])
@pytest.mark.parametrize(("dimensions", "shape"), [(1, (12, 30)), (2, (16, 25)), (1, (20, 20)), (2, (25, 25))])
def test_distance_profile_is_that_of_brute_force(dimensions, shape, periodic):
    rule = GaussianProfile(0.7, 0.15, 1.0, dimensions, periodic)

    def position(k, n):
        side = n if dimensions == 1 else round(n**0.5)
        return [(at + 0.5) / side for at in ((k,) if dimensions == 1 else divmod(k, side))]

    expected = np.empty(shape)
    for i in range(shape[0]):
        for j in range(shape[1]):
            apart = np.abs(np.subtract(position(i, shape[0]), position(j, shape[1])))
            apart = np.minimum(apart, 1 - apart) if periodic else apart
            expected[i, j] = 0.7 * np.exp(-np.sum(apart**2) / (2 * 0.15**2))
    np.testing.assert_allclose([rule.probabilities(i, shape) for i in range(shape[0])], expected, rtol=1e-12)
    recurrent = shape[0] == shape[1]
    if recurrent:
        np.fill_diagonal(expected, 0)
    assert rule.expected(shape, recurrent) == pytest.approx(expected.sum(), rel=1e-12)
    rng, n = np.random.default_rng(0), 200
    drawn = sum(rule.draw(rng, shape, recurrent).toarray().astype(int) for _ in range(n))
    score = (drawn - n * expected) / np.sqrt(np.maximum(n * expected * (1 - expected), 1e-9))
    assert (score**2)[n * expected > 5].mean() == pytest.approx(1, abs=0.25)
    assert drawn.sum() == pytest.approx(n * expected.sum(), abs=4 * np.sqrt(n * (expected * (1 - expected)).sum()))


def test_dense_rings_and_tori_have_as_many_synapses_as_the_docstring_says():
    ring, torus = GaussianProfile(0.5, 0.05, 1.0), GaussianProfile(0.5, 0.05, 1.0, 2)
    assert ring.expected((400, 400)) / 400 == pytest.approx(0.5 * 400 * np.sqrt(2 * np.pi) * 0.05, rel=1e-6)
    assert torus.expected((1600, 1600)) / 1600 == pytest.approx(0.5 * 1600 * 2 * np.pi * 0.05**2, rel=1e-6)


@pytest.mark.parametrize("kind", DISTRIBUTIONS)
def test_weights_and_delays_are_drawn_from_their_distributions(kind):
    rule = FixedInDegree(200, kind(0.5 * mV, 0.4 * mV))
    c = drawn_by(rule, 400, neuron=LIF(), delay=kind(1.5 * ms, 1 * ms))
    (projection,) = c.projections
    weights, delays = c.weights(projection).data, c.delays(projection)
    for found, distribution in ((weights, rule.weight), (delays, projection.delay)):
        assert found.shape == (80_000,) and (found > 0).all()
        assert stats.kstest(found, scipy_of(distribution).cdf).pvalue > 1e-3
        mean, sd = distribution.moments
        assert found.mean() == pytest.approx(mean, abs=4 * sd / np.sqrt(found.size))
    assert abs(np.corrcoef(weights, delays)[0, 1]) < 4 / np.sqrt(weights.size)
    assert (c.weights(projection) != drawn_by(rule, 400, neuron=LIF()).weights(projection)).nnz == 0
    assert c.is_random and drawn_by(AllToAll(kind(1e-3, 1e-3))).is_random and not drawn_by(AllToAll(1e-3)).is_random
    other = drawn_by(rule, 400, 1, LIF(), delay=kind(1.5 * ms, 1 * ms))
    assert not np.isin(other.delays(projection), delays).any()


def mixed(kind="spiking", seed=0, drawn=True):
    """A circuit with all rules, weights and delays from all distributions, and two projections between one pair."""
    neuron, scale = (LIF(), 1e-3) if kind == "spiking" else (ThresholdLinear(gain=0.5), 0.05)
    populations = [Population("E", "E", neuron, 16), Population("I", "I", neuron, 9)]
    inputs = [Input("x", 16, 150.0), Input("drive", 1, 800.0, train="poisson")]
    projections = [
        Projection("x", "E", FixedOutDegree(5, Lognormal(12 * scale, 6 * scale)), Gamma(1.2e-3, 1e-3)),
        Projection("x", "I", GaussianProfile(0.9, 0.4, Normal(9 * scale, 4 * scale)), 1e-3),
        Projection("E", "I", GaussianProfile(0.9, 0.4, Gamma(4 * scale, 2 * scale), 2), Lognormal(1e-3, 1e-3)),
        Projection("E", "E", FixedTotalNumber(60, Normal(3 * scale, 3 * scale)), Normal(2e-3, 1e-3)),
        Projection("E", "E", FixedInDegree(3, 2 * scale, autapses=True), Gamma(1.2e-3, 1e-3)),
        Projection("I", "E", AllToAll(Lognormal(2 * scale, 2 * scale)), 0.4e-3),
        Projection("I", "I", AllToAll(scale, autapses=False), 0.4e-3),
    ]
    if kind == "spiking":
        projections.append(Projection("drive", "E", Independent(Lognormal(4 * scale, 2 * scale))))
    return Circuit("mixed", inputs, populations, projections, [Readout("E")], seed)


def as_matrices(circuit):
    """The circuit with all weights and delays given as matrices."""
    projections = []
    for p in circuit.projections:
        matrix = circuit.weights(p)
        delay = np.zeros(matrix.shape)
        delay[matrix.nonzero()] = circuit.delays(p)
        if not isinstance(p.weights, Independent):
            p = replace(p, weights=matrix, delay=delay)
        projections.append(p)
    return replace(circuit, projections=projections)


def assert_same(one, other, rtol=0.0):
    for name, rates in one.rates.items():
        np.testing.assert_allclose(rates, other.rates[name], rtol=rtol)
    for name, spikes in one.spikes.items():
        for part in ("copy", "neuron", "step"):
            np.testing.assert_array_equal(getattr(spikes, part), getattr(other.spikes[name], part))
    for name, traces in one.traces.items():
        np.testing.assert_allclose(traces, other.traces[name], rtol=rtol)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["spiking", "rate"])
def test_simulations_are_those_of_the_matrices_whatever_the_batch(kind):
    circuits = [mixed(kind, seed) for seed in (0, 1)]
    stimuli = np.random.default_rng(0).random((3, 17))
    batch = [*circuits, *map(as_matrices, circuits), *map(ablate, circuits)]
    found = simulate(batch, stimuli, record=True, **TIMES)
    for k, circuit in enumerate(circuits):
        assert_same(found[k], found[k + 2], rtol=1e-12 if kind == "rate" else 0)
        assert_same(found[k], simulate(circuit, stimuli, record=True, **TIMES), rtol=1e-12 if kind == "rate" else 0)
        assert found[k].rates["E"].mean() > 5 and (found[k].rates["E"] != found[k + 4].rates["E"]).any()
    times = {name: TIMES[name] for name in ("duration", "window", "dt")}
    driveless = [p for p in circuits[0].projections if p.source != "drive"]
    plain = replace(
        circuits[0], projections=driveless, inputs=[replace(i, train="regular") for i in circuits[0].inputs]
    )
    np.testing.assert_allclose(
        to_dnn(plain, unrolled=True, **times)(stimuli), simulate(plain, stimuli, **TIMES).readouts, rtol=1e-9
    )


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["spiking", "rate"])
def test_programs_do_the_same(kind):
    stimuli = np.random.default_rng(0).random((3, 17))
    numpy, cpp = (simulate(mixed(kind), stimuli, record=True, **TIMES | {"backend": b}) for b in ("numpy", "cpp"))
    assert_same(numpy, cpp, rtol=1e-12 if kind == "rate" else 0)


def test_synapses_keep_weights_and_delays_when_others_are_removed():
    intact = mixed()
    weights = {p.name: intact.weights(p) for p in intact.projections}
    delays = {p.name: as_matrices(intact).projections[k].delay for k, p in enumerate(intact.projections)}
    silenced, shammed = silence(intact, 0.5), sham_random(intact, 20e-3)
    for changed in (silenced, shammed, compensate(intact, 0.5), ablate(intact, 0.5), compensate(intact, 2.0)):
        for p in changed.projections:
            found = changed.weights(p)
            places = found.nonzero()
            ratio = found.data / weights[p.name].toarray()[places]
            assert ratio.size == 0 or np.ptp(ratio) < 1e-12
            if not isinstance(p.weights, Independent):
                np.testing.assert_array_equal(np.broadcast_to(changed.delays(p), found.nnz), delays[p.name][places])
    assert any(silenced.weights(p).nnz < weights[p.name].nnz for p in silenced.projections)
    assert any(shammed.weights(p).nnz < weights[p.name].nnz for p in shammed.projections)
    assert ablate(intact).is_excitatory_only
    beside = union([mixed("rate"), mixed("rate", 1)])
    for k, circuit in enumerate((mixed("rate"), mixed("rate", 1))):
        for p in circuit.projections:
            (mine,) = (q for q in beside.projections if q.name == f"{k}/{p.name}")
            assert (beside.weights(mine) != circuit.weights(p)).nnz == 0
            np.testing.assert_array_equal(beside.delays(mine), circuit.delays(p))


def test_projections_between_one_pair_are_numbered():
    def names(*projections):
        return [p.name for p in Circuit("c", [Input("x")], [Population("E", "E", LIF())], projections).projections]

    one, other = Projection("E", "E", 1e-3), Projection("x", "E", 1e-3)
    assert names(one, other, one, one, other) == ["E->E", "x->E", "E->E 2", "E->E 3", "x->E 2"]
    taken = replace(one, name="E->E 2")
    assert names(one, taken, one) == ["E->E", "E->E 2", "E->E 3"]
    assert names(taken, one, one) == ["E->E 2", "E->E", "E->E 3"]
    with pytest.raises(InputError, match=r"projection name 'mine' is used twice; .*name='mine 2'"):
        names(replace(one, name="mine"), replace(other, name="mine"))
    c = drawn_by(FixedProbability(0.5, 1e-3))
    again = replace(c, projections=c.projections * 2)
    first, second = again.projections
    assert (again.weights(first) != c.weights(first)).nnz == 0 < (again.weights(second) != c.weights(first)).nnz
    weaker = compensate(again, 0.5)
    assert [p.name for p in weaker.projections] == ["E->E", "E->E 2"]


def test_tables_say_what_is_drawn():
    circuit = mixed()
    lines = circuit_table(circuit).splitlines()
    columns = lines[0].split(",")
    for line, p in zip(lines[1:], circuit.projections, strict=True):
        row = dict(zip(columns, line.split(","), strict=True))
        assert int(row["synapses"]) == circuit.weights(p).nnz
        assert float(row["mean_weight"]) == pytest.approx(circuit.weights(p).data.mean() * 1e3)
        assert float(row["delay_ms"]) == pytest.approx(np.mean(circuit.delays(p)) * 1e3)
    page = circuit._repr_html_()
    assert "FixedTotalNumber, normal weights, normal delays" in page and "GaussianProfile, normal weights" in page
    circuit.plot()


def test_memory_is_that_of_drawn_numbers_too():
    def need(rule, delay):
        circuit = drawn_by(rule, 1000, delay=delay)
        return bytes_of([Trials(circuit, np.ones((1, 1)), np.arange(1), np.arange(1), False)], None)[0]

    plain = need(FixedInDegree(100, 1e-3), 1e-3)
    assert need(FixedInDegree(100, Gamma(1e-3, 1e-3)), 1e-3) - plain == 24 * 100_000
    assert need(FixedInDegree(100, 1e-3), Gamma(1e-3, 1e-3)) - plain == 24 * 100_000
    huge = Projection("E", "E", FixedTotalNumber(2**31 - 1, Gamma(1e-3, 1e-3)))
    circuit = Circuit("c", [Input("x")], [Population("E", "E", LIF(), 10**6)], [huge])
    with pytest.raises(InputError, match="'E->E': expected what fits into memory, found 2,147,483,647 synapses"):
        circuit.weights(huge)


def test_conductances_are_drawn_as_well():
    c = drawn_by(FixedInDegree(3, Lognormal(2 * nS, 1 * nS)), neuron=ConductanceLIF())
    assert c.weights(c.projections[0]).data.mean() == pytest.approx(2e-9, rel=0.5)


@pytest.mark.parametrize("neuron", [ThresholdLinear(), Logistic()])
def test_spiking_circuits_keep_the_delays_of_the_units(neuron):
    populations = [Population("a", "E", neuron, 4), Population("b", "E", neuron, 3)]
    given = [Projection("x", "a", np.ones((2, 4))), Projection("a", "b", FixedInDegree(2, 0.3), Gamma(2e-3, 1e-3))]
    rate = Circuit("c", [Input("x", 2)], populations, given, [Readout("b")])
    spiking = to_spiking(rate, [[1.0, 0.5]])
    (mine,) = (p for p in spiking.projections if p.name == "a->b")
    units = {
        tuple(place): d for *place, d in zip(*rate.weights(given[1]).nonzero(), rate.delays(given[1]), strict=True)
    }
    rows, columns = spiking.weights(mine).nonzero()
    assert len(rows) >= len(units)
    for row, column, delay in zip(rows, columns, spiking.delays(mine), strict=True):
        assert delay == units[row % 4, column % 3]


def test_plain_numbers_and_quantities_without_unit_are_one():
    for mean, sd in ((Quantity(2.0), 1.0), (2.0, Quantity(1.0)), (Quantity(2.0), 0)):
        assert Lognormal(mean, sd) == Lognormal(2.0, float(sd))
    with pytest.raises(InputError, match="one unit"):
        Lognormal(2 * mV, 1.0)
