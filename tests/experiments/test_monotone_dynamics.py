"""Order along time: T1 for drawn rate circuits, known and searched violations by spikes, and what is reported."""

import csv
import io
import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import xarray as xr
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import binomtest

from eisim import LIF, Circuit, Input, InputError, Population, Projection, to_dnn
from eisim.base.timing import Timing
from eisim.report.view import view_of
from eisim.studies.order import rate, search, spiking
from eisim.studies.order.order import LEVELS, Share, chain, falls, ordered_pairs, share
from eisim.studies.order.result import DynamicsResult
from experiments import monotone_dynamics
from tests.support.drawn import DT, TIMES, draw_circuit, seeds
from tests.support.figures import check as check_figure
from tests.support.findings import check

pytestmark = pytest.mark.slow

SMALL = monotone_dynamics.Settings(
    circuits=2, inputs=3, population=26, generations=2, duration=0.1, window=0.05, dt=0.5e-3, rate_dt=1e-3
)


def silently(stage, fraction=None):
    pass


def small(kinds=("spiking", "rate"), seed=3):
    return monotone_dynamics.run(SMALL, list(kinds), seed, "numpy", silently)


@pytest.fixture(scope="module")
def result():
    return small()


# order


@given(seeds, st.integers(2, 6), st.integers(1, 3))
def test_a_chain_rises_and_never_falls(seed, length, width):
    links = chain(np.random.default_rng(seed), length, width, 2)
    assert links.shape == (length, width, 2) and links.min() >= 0 and links.max() <= LEVELS
    for before, after in pairwise(links):
        assert (after >= before).all()
        assert (after > before).any() or (before == LEVELS).all()


def test_falls_by_brute_force():
    values = np.random.default_rng(0).integers(0, 9, (4, 3, 2))
    expected = [values[i] - values[j] for i in range(4) for j in range(i + 1, 4)]
    assert np.array_equal(falls(values), expected)
    assert len(ordered_pairs(4)[0]) == 6


@pytest.mark.parametrize(("count", "of"), [(0, 30), (1, 30), (7, 30), (30, 30), (3, 5760)])
def test_intervals_are_wilsons(count, of):
    expected = binomtest(count, of).proportion_ci(method="wilson")
    assert Share(count, of).interval == pytest.approx((expected.low, expected.high), abs=1e-12)


# rate circuits


def trajectories(circuit, stimuli):
    """Rates of all units at all steps, trials × units × steps: the unrolled DNN is exact."""
    return np.stack(list(to_dnn(circuit, unrolled=True, **TIMES).layers(stimuli)), axis=-1)


@given(seeds)
def test_t1_for_drawn_circuits_at_every_step(seed):
    circuit = draw_circuit("rate", seed, excitatory_only=True)
    rng = np.random.default_rng(seed)
    for shape in ((3,), (10, 3)):  # constant and varying inputs
        rates = trajectories(circuit, chain(rng, 3, *shape) / LEVELS)
        assert rates.max() > 0
        assert falls(rates).max() <= 1e-9 * max(1, rates.max())


def test_the_same_circuits_with_inhibition_break_order():
    broken = 0
    for seed in range(20):
        stimuli = chain(np.random.default_rng(seed), 3, 10, 3) / LEVELS
        broken += falls(trajectories(draw_circuit("rate", seed), stimuli)).max() > 1
    assert broken >= 10


@given(seeds)
def test_drawn_rate_circuits(seed):
    rng = np.random.default_rng(seed)
    circuit = rate.draw(rng, DT)
    control = rate.with_inhibition(circuit, rng, DT)
    assert circuit.is_excitatory_only and not control.is_excitatory_only
    assert {type(p.neuron).__name__ for p in circuit.populations} == {
        "ThresholdLinear",
        "Saturating",
        "Logistic",
        "Step",
    }
    for projection in circuit.projections:  # the control has the same excitatory part
        same = next(p for p in control.projections if p.name == projection.name)
        assert (control.weights(same) != circuit.weights(projection)).nnz == 0
    linear = circuit.population("ThresholdLinear")
    own = next(p for p in circuit.projections if p.name == "ThresholdLinear->ThresholdLinear")
    radius = np.abs(np.linalg.eigvals(circuit.weights(own).toarray())).max() * linear.neuron.gain
    assert radius <= rate.SPECTRAL_RADIUS + 1e-9
    # draws differ in numbers alone, so that they share a program
    assert sum(circuit.weights(p).nnz for p in circuit.projections) == 16 * rate.IN_DEGREE
    assert sum(control.weights(p).nnz for p in control.projections) == 20 * rate.IN_DEGREE + 32


def test_rate_counts(result):
    without, control = (result.rate.total(network) for network in rate.NETWORKS)
    assert without.comparisons.count == 0 and without.largest <= rate.ROUNDING
    assert control.comparisons.count > 0 and control.largest > 1
    pairs, steps = 3 * 2, 100
    assert without.pairs.of == pairs * 2 and without.comparisons.of == pairs * 2 * 16 * steps
    by_model = [c for c in result.rate.counts if c.network == control.network and c.model != "all"]
    assert sum(c.comparisons.count for c in by_model) == control.comparisons.count
    assert max(c.largest for c in by_model) == control.largest
    for example in result.rate.examples:
        assert falls(example.traces["excitatory-only"]).max() <= rate.ROUNDING
    assert result.problems == []


def test_contradictions_and_blind_controls_are_problems():
    def count(network, broken):
        return rate.OrderCount(network, "all", Share(broken, 9), Share(broken, 9), Share(broken, 9), 2.5 * broken)

    wrong = rate.RateResult((count(rate.NETWORKS[0], 1), count(rate.NETWORKS[1], 1)), (), 1e-3).problems
    assert len(wrong) == 1 and "CONTRADICTION" in wrong[0] and "1 of 9 comparisons, by up to 2.5 Hz" in wrong[0]
    blind = rate.RateResult((count(rate.NETWORKS[0], 0), count(rate.NETWORKS[1], 0)), (), 1e-3).problems
    assert len(blind) == 1 and "the control found nothing" in blind[0]


# spiking circuits


@given(seeds)
def test_ordered_currents_keep_cumulative_counts_ordered(seed):
    """A LIF neuron with a larger input current at every moment is never behind, whatever its refractory period."""
    rng = np.random.default_rng(seed)
    n = 5
    neuron = LIF(tau=rng.uniform(2e-3, 50e-3), refractory=rng.uniform(0, 10e-3))
    weights = np.sort(rng.uniform(0, 60e-3, (3, n)), axis=1)
    circuit = Circuit(
        "ordered currents",
        [Input("x", 3)],
        [Population("cell", "E", neuron, n, np.sort(rng.uniform(-5e-3, 30e-3, n)).clip(min=0))],
        [Projection("x", "cell", weights)],
    )
    dnn = to_dnn(circuit, unrolled=True, duration=0.2, window=0.1, dt=DT)
    counts = np.stack([spikes[0] for spikes in dnn.layers(rng.random((1, 3)))]).cumsum(axis=0)
    assert (np.diff(counts, axis=1) >= 0).all()


def coincidence_detector():
    """A spikes and B spikes, both at 50 Hz and in phase, then B at 75 Hz: within 3 ms they never meet again."""
    condition = spiking.Condition("known", 1e-3, 2e-3, 0.5e-3, recurrent=False, synchronous=True, fan_in=(2, 0, 1))
    weights = np.zeros((4 + 1, 1 + 1))
    # the potential peaks at a quarter of a weight: at 10 mV of the 15 mV for one input, one hidden spike is enough
    weights[:2, 0], weights[4, 1] = 40e-3, 200e-3
    inputs = np.array([[10, 10, 0, 0], [10, 15, 0, 0], [15, 15, 0, 0]])
    return spiking.Candidate(condition, weights, np.zeros(weights.shape), inputs)


@pytest.fixture(scope="module")
def known():
    """The coincidence detector and its response."""
    candidate, timing = coincidence_detector(), Timing(0.3, 0.2, 0.1e-3)
    (response,) = spiking.respond([candidate], timing, backend="numpy", report=silently)
    return candidate, response


def test_a_known_violation_is_counted_right(known):
    candidate, response = known
    counts, cumulative = spiking.window_counts(response), spiking.cumulative_counts(response)
    assert counts.tolist() == [[10, 10], [0, 0], [15, 15]]
    assert cumulative.shape == (3, 300)
    assert cumulative[:, 9].tolist() == [0, 0, 1]  # 75 Hz: at 6.7 ms; 50 Hz: at 10 ms and after
    assert cumulative[:, -1].tolist() == [15, 0, 22]
    found = search.strongest(candidate, counts)
    assert (found.lower, found.upper, found.counts, found.fall, found.hidden) == (0, 1, (10, 0), 10, 10)

    of = spiking.ConditionResult(candidate.condition, 0.2, counts[:, None], cumulative[:, None])
    for measure in ("any", "any_clear", "readout", "readout_clear", "readout_share", "behind"):
        assert of.per_pair(measure) == Share(1, 3) and of.per_circuit(measure) == Share(1, 1), measure
    assert of.per_pair("decision") == Share(0, 3)  # 50 Hz is not above 50 Hz
    assert of.largest == {"any": 50.0, "readout": 50.0}
    assert of.rates["readout"] == pytest.approx(25 / 3 / 0.2)


def test_measures_by_brute_force():
    rng = np.random.default_rng(1)
    inputs, circuits, neurons, window = 4, 30, 3, 0.2
    counts, cumulative = rng.integers(0, 25, (inputs, circuits, neurons)), rng.integers(0, 9, (inputs, circuits, 5))
    found = spiking.ConditionResult(spiking.REFERENCE, window, counts, cumulative)
    expected = {measure: np.zeros((6, circuits), bool) for measure in spiking.MEASURES}
    pairs = [(i, j) for i in range(inputs) for j in range(i + 1, inputs)]
    for p, (i, j) in enumerate(pairs):
        for c in range(circuits):
            low, high = found.counts[i, c], found.counts[j, c]
            expected["any"][p, c] = any(low[n] > high[n] for n in range(neurons))
            expected["any_clear"][p, c] = any(low[n] - high[n] >= 2 for n in range(neurons))  # 10 Hz × 200 ms
            expected["readout"][p, c] = low[-1] > high[-1]
            expected["readout_clear"][p, c] = low[-1] - high[-1] >= 2
            expected["readout_share"][p, c] = low[-1] > high[-1] and 5 * (low[-1] - high[-1]) >= low[-1]
            expected["decision"][p, c] = low[-1] > 10 >= high[-1]  # 50 Hz × 200 ms
            expected["behind"][p, c] = any(cumulative[i, c, t] > cumulative[j, c, t] for t in range(5))
    for measure, broken in expected.items():
        assert 0 < broken.sum() < broken.size, measure  # so that the comparison says something
        assert np.array_equal(found.broken[measure], broken), measure
        assert found.per_pair(measure) == share(broken)
        assert found.per_circuit(measure).count == sum(any(broken[:, c]) for c in range(circuits))


@pytest.mark.parametrize("condition", spiking.CONDITIONS, ids=lambda c: c.name)
def test_drawn_spiking_circuits(condition):
    synapses = set()
    for seed in range(3):
        candidate = spiking.draw(condition, 3, np.random.default_rng(seed))
        circuit = candidate.circuit
        assert circuit.is_excitatory_only and circuit.n_inhibitory == 0
        assert circuit.n_inputs == candidate.stimuli.shape[1] == condition.afferents
        synapses.add(tuple(circuit.weights(p).nnz for p in circuit.projections[-2:]))
        used = candidate.delays[candidate.weights > 0]
        assert condition.delays[0] <= used.min() and used.max() <= condition.delays[1]
        phases = np.concatenate([i.phases for i in circuit.inputs])
        assert (len(set(phases)) == 1) == condition.synchronous
        hidden = candidate.weights[condition.afferents :, : spiking.HIDDEN]
        assert np.all((hidden > 0).sum(axis=0) == condition.recurrent * condition.fan_in[1])
        assert not hidden.diagonal().any()
    assert len(synapses) == 1


@pytest.mark.parametrize("kind", search.KINDS)
def test_variations_stay_within_their_limits(kind):
    rng = np.random.default_rng(0)
    candidate = search.first(kind, 4, rng)
    in_degree = (candidate.weights > 0).sum(axis=0)
    before = candidate
    for _ in range(200):
        candidate = search.vary(candidate, rng)
        assert np.array_equal((candidate.weights > 0).sum(axis=0), in_degree)
        assert candidate.weights.max() * search.peak(candidate.condition) <= search.LARGEST_PSP * (1 + 1e-9)
        assert not candidate.weights[candidate.condition.afferents :, : search.HIDDEN].diagonal().any()
        assert candidate.delays.min() >= 0 and candidate.delays.max() <= 10e-3
        assert (np.diff(candidate.chain, axis=0) >= 0).all()
        assert candidate.chain.min() >= 0 and candidate.chain.max() <= LEVELS
        for name, (low, high) in search.RANGES.items():
            assert low <= getattr(candidate.condition, name) <= high
    assert not np.array_equal(candidate.weights > 0, before.weights > 0)
    assert candidate.condition.tau != before.condition.tau


@given(st.floats(1e-3, 50e-3), st.floats(1e-3, 50e-3))
def test_peak_of_the_postsynaptic_potential(tau, synaptic):
    condition = spiking.Condition("psp", tau=tau, synaptic=synaptic)
    time = np.linspace(0, 0.3, 30001)
    assume(abs(tau / synaptic - 1) > 1e-3)
    potential = synaptic / (synaptic - tau) * (np.exp(-time / synaptic) - np.exp(-time / tau))
    assert search.peak(condition) == pytest.approx(potential.max(), rel=1e-3)


def test_the_search_climbs_from_a_known_violation():
    """Of parents and children the best are kept, so what was found is never lost again."""
    candidate = coincidence_detector()
    counts = np.array([[10, 10], [0, 0], [15, 15]])
    parent, worse = search.strongest(candidate, counts), search.strongest(candidate, counts[[1, 0, 2]])
    assert worse.fall <= 0 or worse.fall < parent.fall
    assert search.select([parent], [worse])[0] is parent
    equal = search.strongest(candidate, counts)
    assert search.select([parent], [equal])[0] is equal  # of equals the child


def test_search_result(result):
    for found in result.search:
        assert len(found.progress) == SMALL.generations + 1
        assert list(found.progress) == sorted(found.progress)
        assert found.progress[-1] == found.found.fall
        assert found.variants[0].counts == (found.found.counts,)  # simulated again, the same
        assert found.response.circuit.is_excitatory_only
        assert len(found.variants[-1].counts) == search.SCATTERS


def test_conditions_are_what_their_circuits_do(result):
    """Simulated beside the search and spread over its batches, or at once by themselves."""
    seed = np.random.SeedSequence(3).spawn(3)[1]
    rows = spiking.draw_conditions(SMALL.circuits, SMALL.inputs, seed)
    timing = Timing(SMALL.duration, SMALL.window, SMALL.dt)
    responses = spiking.respond([c for row in rows for c in row], timing, backend="numpy", report=silently)
    assert len(result.conditions) == len(spiking.CONDITIONS)
    for k, condition in enumerate(result.conditions):
        own = responses[k :: len(spiking.CONDITIONS)]
        assert condition.condition is spiking.CONDITIONS[k] and own[0].circuit.name == condition.condition.name
        assert np.array_equal(condition.counts, np.stack([spiking.window_counts(r) for r in own], axis=1))
        assert np.array_equal(condition.cumulative, np.stack([spiking.cumulative_counts(r) for r in own], axis=1))


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        (((20, 8),), "remains"),
        (((20, 17),), "weaker"),
        (((20, 20),), "gone"),
        (((20, 31),), "gone"),
        (((0, 0),), "silent"),
        (((400, 399),), "saturated"),
    ],
)
def test_what_became_of_a_fall(known, counts, expected):
    candidate, response = known
    found = search.Found(candidate, 0, 1, (20, 0), 0)
    response = replace(response, window=0.2, dt=0.5e-3)  # 400 steps
    searched = search.SearchResult("known", (20,), found, response, ())
    assert searched.outcome(search.Variant("changed", counts)) == expected


def test_a_known_violation_is_told_with_its_inputs_and_what_became_of_it(known):
    candidate, response = known
    found = search.strongest(candidate, spiking.window_counts(response))
    counts = {"as found": ((10, 0),), "delays": ((9, 1),), "membrane": ((9, 9),), search.SCATTER: ((1, 0), (9, 2))}
    variants = tuple(search.Variant(*item) for item in counts.items())
    searched = search.SearchResult("known", (0, 10), found, response, variants)
    assert searched.input_rates.tolist() == [[50, 50, 0, 0], [50, 75, 0, 0]]
    view = view_of(DynamicsResult(search=(searched,)))
    (table,) = view.findings().tables
    assert [row[2].split()[0] for row in table.rows] == ["remains", "remains", "gone", "broken"]
    assert "2 of 2 draws (1 by" in table.rows[-1][2]
    never = search.strongest(candidate, spiking.window_counts(response)[[1, 0, 2]])
    result = DynamicsResult(search=(search.SearchResult("known", (-5,), never, response, variants),))
    assert result.violations == () and list(view_of(result).figures()) == []


# the experiment


def test_the_same_seed_gives_the_same_result(result):
    def text(found):
        return json.dumps(view_of(found).to_json())

    assert text(small()) == text(result)
    assert text(small(["rate"], seed=4)) != text(small(["rate"]))


def test_kinds_are_honoured(result):
    both = view_of(result).to_json()
    alone = small(["rate"])
    only = view_of(alone).to_json()
    assert set(both) == {"rate", "spiking", "problems"} and set(only) == {"rate", "problems"}
    assert only["rate"] == both["rate"]  # what one kind finds does not depend on the other
    names = {figure.file for figure in view_of(alone).figures()}
    assert names == {"rate_trajectories.svg"}


def test_reports_agree_with_the_data(result):
    document = json.loads(json.dumps(view_of(result).to_json()))
    files = dict(view_of(result).all_files())
    rows = list(csv.DictReader(io.StringIO(files["table.csv"])))
    assert len(rows) == 2 * 5 * 3 + len(spiking.CONDITIONS) * len(spiking.MEASURES) * 2
    data = xr.load_dataset(io.BytesIO(files["data.nc"]))
    assert data.rate_example.attrs["units"] == "Hz" and data.time.attrs["units"] == "s"
    for row in document["spiking"]["rows"]:
        counts = data.spike_count.sel(condition=row["condition"]).isel(neuron=-1).values
        broken = sum((counts[i] > counts[j]).sum() for i in range(3) for j in range(i + 1, 3))
        assert row["pairs"]["readout"]["count"] == broken
        line = next(
            r for r in rows if (r["condition"], r["measure"], r["basis"]) == (row["condition"], "readout", "pairs")
        )
        assert int(line["count"]) == broken and int(line["of"]) == counts[0].size * 3
    assert "depression" in document["spiking"]["not_tested"]
    for kind in document["spiking"]["search"]:
        assert data.strongest_fall.sel(search=kind["circuits"]).values.tolist() == kind["fall_spikes"]


def test_figures_have_labelled_axes(result):
    figures = dict(view_of(result).drawn())
    assert set(figures) == {
        "rate_trajectories.svg",
        "violation_rates.svg",
        "strongest_violation_feed-forward.svg",
        "strongest_violation_recurrent.svg",
    }
    for figure in figures.values():
        check_figure(figure)
        labels = {ax.get_xlabel() for ax in figure.axes} - {""}
        assert any("(ms)" in label for label in labels)
    assert any("Hz" in ax.get_ylabel() for ax in figures["rate_trajectories.svg"].axes)
    assert any("(%)" in ax.get_xlabel() for ax in figures["violation_rates.svg"].axes)


def test_table_names_every_condition(result):
    from rich.console import Console

    console = Console(width=120, file=io.StringIO())
    console.print(view_of(result).terminal())
    shown = console.file.getvalue()
    assert "…" not in shown  # nothing is cut off
    for condition in spiking.CONDITIONS:
        assert condition.name in shown


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"circuits": 0}, "circuits: expected at least 1, found 0"),
        ({"inputs": 1}, "inputs: expected at least 2, found 1"),
        ({"population": 0}, "population: expected at least 1, found 0"),
        ({"generations": -1}, "generations: expected at least 0, found -1"),
        ({"window": 0.4}, "window: expected between dt = 0.0002 s and duration = 0.3 s, found 0.4 s"),
        ({"rate_dt": 4e-3}, "rate_dt: expected at most the shortest time constant, 2 ms, found 4 ms"),
        ({"rate_dt": 0.7e-3}, "rate_dt: duration: expected a whole number of steps of 0.0007 s, found 0.3 s"),
        ({"dt": -1}, "Settings.dt: expected more than 0, found -1"),
    ],
)
def test_bad_settings_are_one_clear_line(settings, said):
    with pytest.raises(InputError) as error:
        monotone_dynamics.Settings(**settings)
    assert str(error.value) == said


def test_the_page(result):
    figures = dict(view_of(result).drawn())
    findings = view_of(result).findings()
    tables = check(findings, dict(view_of(result).all_files()), figures)
    assert f"excitatory-only 0 of {result.rate.total('excitatory-only').pairs.of}" in findings.answer
    worst = max(s.found.fall for s in result.search) / 0.05
    assert f"{worst:g} Hz" in findings.answer
    lines = {line.get_label(): line for line in figures["violation_rates.svg"].axes[1].lines}
    behind = [row for row in tables["violation_rates.csv"] if row["time_ms"] and row["condition"] == "reference"]
    np.testing.assert_allclose([float(row["share"]) for row in behind], lines["reference"].get_ydata() / 100)
    np.testing.assert_allclose([float(row["time_ms"]) for row in behind], lines["reference"].get_xdata())
    drawn = [line.get_ydata() for line in figures["rate_trajectories.svg"].axes[0].lines]
    model = result.rate.examples[0].model
    mine = [r for r in tables["rate_trajectories.csv"] if (r["network"], r["model"]) == ("excitatory-only", model)]
    np.testing.assert_allclose([float(row["rate_hz"]) for row in mine], np.ravel(drawn))
    for found in result.search:
        rows = tables[f"strongest_violation_{found.kind}.csv"]
        spikes = [r for r in rows if (r["input"], r["population"]) == ("upper", "readout")]
        assert sum(float(r["time_ms"]) >= 50 - 1e-9 for r in spikes) == found.found.counts[1]
        assert [int(r["fall_spikes"]) for r in rows if r["part"] == "search"] == list(found.progress)
    for part in (replace(result, rate=None), replace(result, conditions=(), search=())):
        view = view_of(part)
        check(view.findings(), dict(view.all_files()), [figure.file for figure in view.figures()])
