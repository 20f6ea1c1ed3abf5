"""Synapses that are drawn by keys: their law, a second implementation, and what is known of them without a draw."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from brian2 import ms, mV
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import eisim.weights as rules
from eisim import Circuit, Population, Projection, ablate, sham_random, silence, simulate
from eisim.base.seeds import INCREMENT, MULTIPLIERS
from eisim.base.timing import Timing
from eisim.circuit import delay_steps, scaled, union
from eisim.distributions import Gamma, Lognormal, Normal
from eisim.keyed_synapses import OF_WORDS, KeyedSynapses, delay_thresholds, delays_of, weight_table, weights_of
from eisim.neurons import LIF
from eisim.report.circuit import synapses
from eisim.simulation.layout import Trials, lay_out
from eisim.simulation.memory import bytes_of
from eisim.simulation.network import BatchNetwork  # noqa: F401 - Brian2 is there before anything is measured
from eisim.weights import FixedInDegree, FixedProbability, FixedTotalNumber


@pytest.fixture
def all_keyed(monkeypatch):
    monkeypatch.setattr(rules, "KEYED_FROM", 0)


def mixed(z):
    z = (z ^ (z >> 30)) * MULTIPLIERS[0] % 2**64
    z = (z ^ (z >> 27)) * MULTIPLIERS[1] % 2**64
    return z ^ (z >> 31)


def at(key, position):
    return mixed((key + (position + 1) * INCREMENT) % 2**64)


def by_loops(keyed):
    """What is drawn, one synapse after the other: source, target and word."""
    found = []
    for target, number in enumerate(keyed.in_degrees.tolist()):
        key, available = at(keyed.key, target), keyed.sources - keyed.spares
        stream = (int((at(key, k) >> 11) * 2.0**-53 * available) for k in range(10**6))
        if keyed.multapses:
            chosen = [(next(stream), k) for k in range(number)]
        else:
            is_complement, seen = 2 * number > available, set()
            while len(seen) < (available - number if is_complement else number):
                seen.add(next(stream))
            seen = set(range(available)) - seen if is_complement else seen
            chosen = [(source, None) for source in seen]
        for source, position in chosen:
            source += keyed.spares and source >= target
            found.append((source, target, at(mixed(key ^ OF_WORDS), source if position is None else position)))
    return sorted(found, key=lambda each: each[:2])  # stable: several of a pair in the order of the stream


@given(st.data())
def test_a_loop_over_synapses_draws_the_same(data):
    sources, targets = data.draw(st.integers(1, 40)), data.draw(st.integers(0, 12))
    spares, multapses = sources > 1 and sources >= targets and data.draw(st.booleans()), data.draw(st.booleans())
    most = 60 if multapses else sources - spares
    in_degrees = np.array(data.draw(st.lists(st.integers(0, most), min_size=targets, max_size=targets)), np.int32)
    keyed = KeyedSynapses(data.draw(st.integers(0, 2**64 - 1)), in_degrees, sources, spares, multapses)
    pattern, words = keyed.draw()
    rows = np.repeat(np.arange(sources), np.diff(pattern.indptr))
    assert list(zip(rows.tolist(), pattern.indices.tolist(), words.tolist(), strict=True)) == by_loops(keyed)


@pytest.mark.parametrize("number", [2, 3])
def test_every_set_of_sources_is_as_probable_as_any_other(number):
    keyed = KeyedSynapses(1, np.full(20_000, number, np.int32), 5, False, False)
    pattern = keyed.draw()[0].toarray().T
    counts = [(pattern[:, list(chosen)].sum(axis=1) == number).sum() for chosen in combinations(range(5), number)]
    assert sum(counts) == 20_000 and stats.chisquare(counts).pvalue > 1e-3


@pytest.mark.parametrize(
    ("rule", "variance"),
    [
        (FixedProbability(0.2, 1.0, True), 40 * 0.2 * 0.8),
        (FixedInDegree(8, 1.0, True), 0.0),
        (FixedInDegree(8, 1.0, True, multapses=True), 0.0),
        (FixedTotalNumber(400, 1.0, True, multapses=True), 400 / 50 * (1 - 1 / 50)),
        # A hypergeometric number: 40 of 2,000 pairs are those of a target, and 400 of them are drawn.
        (FixedTotalNumber(400, 1.0, True), 400 * (40 / 2000) * (1 - 40 / 2000) * (2000 - 400) / 1999),
        (FixedTotalNumber(1700, 1.0, True), 1700 * (40 / 2000) * (1 - 40 / 2000) * (2000 - 1700) / 1999),
    ],
)
def test_in_degrees_have_the_law_of_the_rule(rule, variance):
    drawn = np.array([rule.keyed((seed, 0), (40, 50), False).in_degrees for seed in range(400)])
    assert drawn.mean() == pytest.approx(rule.expected((40, 50)) / 50, rel=0.02)
    assert drawn.var() == pytest.approx(variance, rel=0.05)
    if isinstance(rule, FixedTotalNumber):
        assert (drawn.sum(axis=1) == rule.total).all() and drawn.max() <= (np.inf if rule.multapses else 40)


@pytest.mark.parametrize("rule", [FixedInDegree(50, 1.0), FixedInDegree(50, 1.0, multapses=True)])
def test_sources_are_drawn_evenly_and_never_the_target_itself(rule):
    pattern = rule.keyed((0, 1), (200, 200), True).draw()[0]
    assert stats.chisquare(np.diff(pattern.indptr)).pvalue > 1e-3
    assert not pattern.diagonal().any()
    pairs = np.repeat(np.arange(200), np.diff(pattern.indptr)) * 200 + pattern.indices
    assert (np.unique(pairs).size == pairs.size) == (not rule.multapses)


@pytest.mark.parametrize("distribution", [Normal(1.5, 0.75, 0.1), Lognormal(1.0, 1.0), Gamma(2.0, 1.0), Normal(1, 0)])
def test_weights_and_delays_have_their_distribution_and_are_independent(distribution):
    words = KeyedSynapses(5, np.full(200, 1000, np.int32), 2000, False, False).draw()[1]
    weights, delays = weights_of(distribution, words), delays_of(distribution, words)
    for drawn in (weights, delays):
        assert drawn.min() > 0
        assert drawn.mean() == pytest.approx(distribution.moments[0], rel=0.02)
        assert drawn.std() == pytest.approx(distribution.moments[1], rel=0.03, abs=1e-12)
    if distribution.sd:
        share = np.linspace(0.01, 0.99, 50)
        assert stats.kstest(delays, weights).pvalue > 1e-3
        np.testing.assert_allclose((weights[:, None] < distribution.quantile(share)).mean(axis=0), share, atol=0.004)
        assert abs(np.corrcoef(weights, delays)[0, 1]) < 4 / np.sqrt(words.size)


def test_the_tail_of_the_table_takes_little_of_wide_distributions():
    """The figures of docs/scale.md, exactly: a line has the mean of its ends, and of its square the mean of three."""
    given = Lognormal(1.0, 3.0)
    low, high = (table := weight_table(given))[:-1], table[1:]
    mean, square = (low + high).mean() / 2, (low**2 + low * high + high**2).mean() / 3
    assert 1 - mean / given.moments[0] == pytest.approx(0.0005, abs=5e-5)
    assert 1 - np.sqrt(square - mean**2) / given.moments[1] == pytest.approx(0.027, abs=5e-4)


@given(st.floats(1e-4, 5e-3), st.floats(0.01, 2.0), st.sampled_from([1e-4, 2.5e-4]), st.integers(0, 2**32 - 1))
def test_whole_steps_of_delays_are_found_by_thresholds(mean, ratio, dt, word):
    for delay in (Normal(mean, mean * ratio), Gamma(mean, mean * ratio)):
        least, above = delay_thresholds(delay, lambda each: delay_steps(each, dt))
        near = np.concatenate([[word], above, above - 1]).astype(np.uint64)
        steps = least + np.searchsorted(above, near.astype(np.int64), side="right")
        np.testing.assert_array_equal(steps, delay_steps(delays_of(delay, near), dt))


def recurrent(*projections, size=300, seed=0):
    """Excitatory and inhibitory neurons that fire by a drive, with these synapses."""
    cells = [Population("E", "E", LIF(), size, bias=18 * mV), Population("I", "I", LIF(), size // 3, bias=17 * mV)]
    cells = [replace(p, initial={"v": Normal(-60 * mV, 5 * mV)}) for p in cells]
    from eisim import Input

    return Circuit("drawn", [Input("x")], cells, projections, seed=seed)


RULES = [
    FixedInDegree(40, 0.2 * mV),
    FixedInDegree(90, 0.2 * mV),
    FixedProbability(0.1, Normal(0.2 * mV, 0.05 * mV)),
    FixedTotalNumber(4000, 0.3 * mV, multapses=True),
    FixedTotalNumber(5000, Lognormal(0.2 * mV, 0.2 * mV)),
    FixedInDegree(20, 0.2 * mV, multapses=True),
]


@pytest.mark.parametrize("delay", [1.5 * ms, Normal(1.5 * ms, 0.75 * ms)], ids=["one delay", "delays"])
def test_the_program_draws_the_bits_that_numpy_does(all_keyed, delay):
    circuits = [
        recurrent(
            Projection("E", "I", rule, delay),
            Projection("I", "E", rule, delay),
            Projection("I", "I", RULES[k - 1], 0.8 * ms),
            Projection("E", "E", RULES[k - 2], delay, name="first"),
            Projection("E", "E", RULES[k - 3], 1.5 * ms, name="second"),
            seed=k,
        )
        for k, rule in enumerate(RULES)
    ]
    options = {"duration": 0.1, "window": 0.1, "seed": [1, 2], "record": True}
    ours, theirs = (simulate(circuits, np.zeros((2, 1)), backend=b, **options) for b in ("cpp", "numpy"))
    for mine, other in zip(ours, theirs, strict=True):
        assert mine.rates["E"].mean() > 1
        for name in ("E", "I"):
            for part in ("copy", "neuron", "step"):
                np.testing.assert_array_equal(getattr(mine.spikes[name], part), getattr(other.spikes[name], part))
    alone = simulate(circuits[3], np.zeros((1, 1)), **options)
    np.testing.assert_array_equal(alone.rates["E"][:, 0], ours[3].rates["E"][:, 0], "whatever else is in the batch")


def drawn_by(circuit, duration=0.1):
    """What a program draws of a circuit, of which there are two bundles: of excitation, and of inhibition."""
    layout = lay_out([Trials(circuit, np.zeros((2, 1)), np.arange(2), np.arange(3), False)], 1e-4, 1000, draws=True)
    timing = Timing(duration, duration, 1e-4)
    return {bundle.receptor: np.frombuffer(s.file(timing)[:56], np.int64) for bundle, s in layout.synapses.items()}


def test_only_delays_that_a_neuron_has_take_memory(all_keyed):
    """Whatever is between them, after the end of a trial, or among the delays of other neurons."""
    rule = FixedInDegree(3, 0.2 * mV)
    spread = Gamma(1 * ms, 1000 * ms)  # up to minutes
    circuit = recurrent(
        Projection("E", "E", rule, 1 * ms), Projection("E", "I", rule, 90 * ms), Projection("I", "E", rule, spread)
    )
    rows, copies = {receptor: int(head[-1]) for receptor, head in drawn_by(circuit).items()}, 6
    assert rows == {"e": copies * 300 * 2, "i": copies * 100 * 1001}
    trials = Trials(circuit, np.zeros((2, 1)), np.arange(2), np.arange(3), False)
    timing, none = Timing(0.1, 0.1, 1e-4), replace(circuit, projections=())
    need, without = (bytes_of([replace(trials, circuit=c)], timing, True)[0] for c in (circuit, none))
    assert need - without == 8 * sum(rows.values()) + copies * 4 * 3 * (300 + 100 + 300)


def test_synapses_of_different_weights_take_more_memory(all_keyed):
    """In whichever circuits of a batch they are."""
    rule, timing = FixedInDegree(3, 0.2 * mV), Timing(0.1, 0.1, 1e-4)
    circuit = recurrent(Projection("I", "E", rule, 1 * ms))
    one, other = (
        Trials(c, np.zeros((1, 1)), np.arange(1), np.arange(1), False) for c in (circuit, ablate(circuit, 0.5))
    )
    (alone,), together = bytes_of([one], timing, True), bytes_of([one, other], timing, True)
    assert together == [alone + 8 * 900] * 2


def test_nothing_changes_before_an_ablation_in_time(all_keyed):
    rule, delay = FixedInDegree(20, Normal(0.37 * mV, 0.1 * mV)), Normal(1.5 * ms, 0.5 * ms)
    cells = recurrent().populations
    cells = [*cells, replace(cells[1], name="S")]
    between = [Projection(s, t, rule, delay) for s in "EIS" for t in "EIS"]
    circuit = replace(recurrent(), populations=cells, projections=between)
    ablated = ablate(circuit, projections=["I->E", "I->I"], during=(50 * ms, 80 * ms))
    options = {"duration": 0.1, "window": 0.1, "record": {"E": ["v", "I_i"]}}
    for batch in ([circuit, ablated], [ablated]):
        ours, theirs = (simulate(batch, np.zeros((1, 1)), backend=b, **options) for b in ("cpp", "numpy"))
        for variable in ("v", "I_i"):
            mine, other = (np.stack([each.traces["E"][variable] for each in of]) for of in (ours, theirs))
            np.testing.assert_array_equal(mine, other)
        if len(batch) == 2:
            first = np.flatnonzero((mine[0] != mine[1]).any(axis=(0, 1, 2)))[0]
            assert 500 <= first < 520


@pytest.mark.parametrize("left", [0, 20, -4])
def test_draws_that_cannot_be_read_are_an_error_and_no_result(all_keyed, monkeypatch, left):
    from eisim.simulation import program

    start, circuit = program.processes.start, recurrent(Projection("I", "E", RULES[0], 1.5 * ms))

    def start_without(command, cwd, **more):
        (drawn,) = (cwd / "static_arrays").glob("*_drawn")
        drawn.write_bytes(drawn.read_bytes()[:left])
        return start(command, cwd=cwd, **more)

    simulate(circuit, np.zeros((1, 1)), duration=0.01, window=0.01)
    monkeypatch.setattr(program.processes, "start", start_without)
    with pytest.raises(RuntimeError, match="what synapses are drawn from cannot be read"):
        simulate(circuit, np.zeros((1, 1)), duration=0.01, window=0.01)


def test_what_only_a_program_has_memory_for_is_refused_without_one(all_keyed, monkeypatch):
    from eisim.base import memory
    from eisim.base.errors import InputError
    from eisim.simulation import program

    circuit = recurrent(Projection("E", "E", FixedInDegree(10_000, 0.01 * mV, multapses=True), 1.5 * ms))
    monkeypatch.setattr(memory, "free", lambda: 60e6)
    monkeypatch.setattr("eisim.simulation._failed", set())

    def start(*_):
        raise program.NoProgramError("no program today")

    monkeypatch.setattr(program, "start", start)
    with pytest.warns(UserWarning, match="no program today"), pytest.raises(InputError, match=r"need 1[0-9]{2} MB"):
        simulate(circuit, np.zeros((1, 1)), duration=0.01, window=0.01)


def test_ablation_leaves_the_synapses_that_it_only_weakens(all_keyed):
    circuit = recurrent(Projection("I", "E", FixedInDegree(40, 0.2 * mV), 1.5 * ms))
    half = ablate(circuit, fraction=0.5)
    whole, left = (c.weights(c.projections[0]) for c in (circuit, half))
    np.testing.assert_array_equal(whole.indices, left.indices)
    np.testing.assert_allclose(left.data, whole.data / 2)


def test_nothing_of_a_large_circuit_is_drawn_before_its_program_runs(monkeypatch):
    """Neither to describe it nor to know its memory: 10⁹ synapses of one weight take less than 8 GB."""
    monkeypatch.setattr(KeyedSynapses, "draw", lambda _: pytest.fail("synapses are drawn"))
    rule = FixedInDegree(1000, 0.1 * mV)
    cells = [Population("E", "E", LIF(), 800_000), Population("I", "I", LIF(), 200_000)]
    from eisim import Input

    projections = [Projection(s, t, replace(rule, in_degree=n)) for s, n in (("E", 800), ("I", 200)) for t in "EI"]
    circuit = Circuit("large", [Input("x")], cells, projections)
    assert "1000000000 synapses" in repr(circuit) and not circuit.is_excitatory_only
    assert synapses(circuit, projections[0]) == (640_000_000, 0.1e-3)
    trials = Trials(circuit, np.ones((1, 1)), np.arange(1), np.arange(1), False)
    need = [bytes_of([trials], Timing(0.1, 0.1, 1e-4), draws)[0] for draws in (True, False)]
    assert 4e9 < need[0] < 8e9 < 30e9 < need[1]
    assert circuit._repr_html_()


@pytest.mark.parametrize("given", [FixedInDegree, FixedTotalNumber])
def test_multapses_are_yes_or_no(given):
    from eisim.base.errors import InputError

    with pytest.raises(InputError, match=f"{given.__name__}.multapses: expected True or False, found 'no'"):
        given(3, 1.0, multapses="no")


@pytest.mark.parametrize("multapses", [False, True])
@pytest.mark.parametrize("cut", ["silence", "sham_random", "union"])
def test_synapses_that_are_left_keep_their_weights_and_delays(all_keyed, cut, multapses):
    rule = FixedTotalNumber(2000, Normal(0.2 * mV, 0.05 * mV), multapses=multapses)
    circuit = recurrent(*(Projection(s, t, rule, Normal(1.5 * ms, 0.5 * ms)) for s, t in ("EI", "IE")))
    changed = {
        "silence": lambda: silence(circuit, 0.2),
        "sham_random": lambda: sham_random(circuit, 0.1),
        "union": lambda: union([circuit]),
    }[cut]()
    for before, after in zip(circuit.projections, changed.projections, strict=True):

        def synapses(of, projection):
            matrix = of.weights(projection)
            rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
            return list(zip(rows, matrix.indices, matrix.data, of.delays(projection), strict=True))

        whole, left = synapses(circuit, before), synapses(changed, after)
        assert set(left) <= set(whole) and len(set(left)) == len(left)
        assert (len(left) < len(whole)) == (cut == "sham_random" or (cut == "silence" and before.source == "I"))
        weaker = scaled(after, 0.5)
        np.testing.assert_array_equal(changed.delays(weaker), changed.delays(after))
        none = replace(changed, projections=[scaled(after, 0.0)])
        assert none.delays(none.projections[0]).size == 0


def test_silenced_neurons_are_missed_by_both_backends_alike(all_keyed):
    delay = Normal(1.5 * ms, 0.75 * ms)
    circuit = recurrent(*(Projection(s, t, RULES[4], delay) for s, t in ("EI", "IE")))
    options = {"duration": 0.1, "window": 0.1}
    ours, theirs = (simulate(silence(circuit, 0.1), np.zeros((1, 1)), backend=b, **options) for b in ("cpp", "numpy"))
    np.testing.assert_array_equal(ours.rates["E"], theirs.rates["E"])
