"""Where the theorem stops: what each mechanism does, beside what it does by hand, and what is reported."""

import math
from dataclasses import replace

import numpy as np
import pytest

from eisim import LabelledData, certify, simulate
from eisim.analysis.statistics import wilson
from eisim.report.view import view_of
from eisim.studies.limits import rates, spikes
from eisim.studies.limits.limit import ROUNDING, TIMES, ordered
from eisim.studies.limits.units import Adapting, BandPass, Depressing
from eisim.studies.order.order import Share
from experiments import limits
from tests.support.figures import check as check_figure
from tests.support.findings import check

EVERY = (*rates.limits(), *spikes.limits())
RATE_TIMES = {"duration": TIMES["rate"].duration, "window": TIMES["rate"].window, "dt": TIMES["rate"].dt}


def run(kinds, pairs, seed=1):
    return limits.run(limits.Settings(pairs=pairs), kinds, seed, "numpy", lambda *_: None)


@pytest.fixture(scope="module")
def of_rates():
    return run(["rate"], 12)


@pytest.fixture(scope="module")
def of_both():
    return run(["rate", "spiking"], 8)


def test_every_circuit_is_excitatory_only_at_every_dose():
    for limit in EVERY:
        for case in (limit.case, limit.restored):
            for dose in limit.doses:
                circuit = case.build(dose)
                assert circuit.is_excitatory_only and not circuit.n_inhibitory, limit.name
                assert circuit.kind == limit.kind
    assert len({(limit.name, limit.kind) for limit in EVERY}) == len(EVERY)


def test_pairs_are_ordered_in_what_the_theorem_compares():
    for limit in EVERY:
        for case, columns in ((limit.case, limit.compared), (limit.restored, None)):
            lower, upper = case.draw(np.random.default_rng(3), 50)
            assert (lower[:, :columns] <= upper[:, :columns]).all() and (lower < upper).any(), limit.name
            assert lower.min() >= 0 and upper.max() <= 1
    lower, upper = ordered(2, 0.1, 0.3)(np.random.default_rng(0), 100)
    assert lower.min() >= 0.1 and upper.max() <= 0.3


def test_what_the_order_of_histories_compares_differs_in_the_remedy():
    (memory,) = (limit for limit in EVERY if limit.name == "attractor memory")
    lower, upper = memory.case.draw(np.random.default_rng(0), 20)
    assert (lower[:, 1] > upper[:, 1]).all(), "the lower input had more before it"


@pytest.mark.parametrize("limit", EVERY, ids=lambda limit: f"{limit.name}, {limit.kind}")
def test_every_function_is_forbidden(limit):
    """By brute force over all monotone functions of the few points."""
    points, targets = np.array(limit.points)[:, : limit.compared], np.array(limit.targets)
    n = len(points)
    below = (points[:, None] <= points).all(axis=-1)
    least = min(
        (values != targets).mean()
        for values in (np.array([k >> i & 1 for i in range(n)]) for k in range(2**n))
        if all(values[i] <= values[j] for i, j in np.argwhere(below))
    )
    assert certify(LabelledData(points, targets), ("zero_one",), orient=False).floor["zero_one"] == least > 0


def test_rate_circuits_break_order_and_the_remedy_restores_it(of_rates):
    assert of_rates.problems == [] and len(of_rates.outcomes) == len(rates.limits())
    for found in of_rates.outcomes:
        assert found.first is not None and found.restored == Share(0, 12), found.name
        assert found.forbidden == (found.name != "noise"), found.name
        assert found.restored_fall <= ROUNDING


def test_scores_are_those_by_hand(of_rates):
    by_name = {each.name: each for each in of_rates.outcomes}
    found = by_name["band-pass dendrite"]
    one, two = (np.exp(-np.array(found.doses) * (drive / 75 - 1)) * 100 for drive in (100, 200))
    expected = [1.0 if a > 50 >= b else 0.75 if a > 50 else 0.25 for a, b in zip(one, two, strict=True)]
    assert found.scores[:, 0].tolist() == expected
    assert by_name["ON and OFF inputs"].scores[:, 0].tolist() == [0.5, 0.5, 0.5, 1, 1, 1]
    assert by_name["noise"].scores.shape == (7, 100)
    assert by_name["noise"].scores.mean(axis=1).max() <= by_name["noise"].bound


def test_units_settle_where_their_equations_do():
    drive = np.array([20.0, 60.0, 100.0])
    units = {
        BandPass(threshold=50.0, decay=0.7): 100 * np.exp(-0.7 * (drive / 50 - 1)) * (drive > 50),
        Adapting(strength=1.5): drive / 2.5,
        Adapting(strength=0.0): drive,
        Depressing(release=0.1): drive / (1 + 0.1 * 0.2 * drive),
        Depressing(release=0.0): drive,
    }
    circuits = [rates.one_unit("unit", unit, 1) for unit in units]
    times = {"duration": 2.0, "window": 0.01, "dt": 1e-3, "backend": "numpy"}
    for response, expected in zip(simulate(circuits, drive[:, None] / 100, **times), units.values(), strict=True):
        assert response.readouts[:, 0] == pytest.approx(expected, rel=1e-6)
    assert not BandPass.non_decreasing


def test_shared_noise_is_that_of_the_same_trial():
    circuit = rates.noisy(20.0)
    twice = simulate([circuit, circuit], [[0.5, 0.5]] * 3, backend="numpy", **RATE_TIMES)
    assert np.array_equal(twice[0].readouts, twice[1].readouts)
    assert np.ptp(twice[0].readouts) > 1


def test_contradictions_and_mechanisms_that_do_nothing_are_said(of_rates):
    found = of_rates.outcomes[0]
    assert "order breaks at the first dose" in replace(found, largest=(1.0, *found.largest[1:])).problems[0]
    assert "order breaks with the remedy, by 2" in replace(found, restored_fall=2.0).problems[0]
    higher = found.scores.copy()
    higher[0] = 1.0
    assert "a score of 1 at the first dose exceeds 0.75" in replace(found, scores=higher).problems[0]
    none = tuple(Share(0, 200) for _ in found.doses)
    assert replace(found, violations=none).problems == [], "the score exceeds the bound, so that order is violated"
    nothing = replace(found, violations=none, scores=np.full_like(found.scores, 0.75))
    assert nothing.problems == ["band-pass dendrite: expected violations of order, found none"]
    few = tuple(Share(0, 12) for _ in found.doses)
    assert replace(nothing, violations=few).problems == [], "too few pairs to say so"
    unproved = replace(found, is_proved=False, begins_proved=False, restored_fall=2.0, scores=higher)
    assert unproved.problems == []
    remedied = replace(found, restored_scores=np.ones(1))
    assert "a score of 1 with the remedy exceeds 0.75" in remedied.problems[0]
    assert "CONTRADICTION" not in replace(remedied, is_proved=False).problems[0]
    early = replace(found, violations=(Share(3, 12), *found.violations[1:]))
    assert early.problems == ["band-pass dendrite: expected violations above 0, found 3 at 0"]


@pytest.mark.parametrize("seed", range(3))
def test_a_single_pair_is_no_failed_check(seed):
    assert run(["rate"], 1, seed).problems == []


def test_with_the_remedy_scores_are_within_the_bound(of_rates):
    for found in of_rates.outcomes:
        if found.name in ("ON and OFF inputs", "attractor memory"):
            assert found.restored_scores is None, "the remedy is another order"
        else:
            assert found.restored_scores.mean() <= found.bound + ROUNDING, found.name
    noise = of_rates.outcomes[-1]
    for estimate, scores in zip(noise.estimates, noise.scores, strict=True):
        assert estimate.low <= scores.mean() <= estimate.high
    assert noise.estimates[-1].low < noise.estimates[-1].high and of_rates.outcomes[0].estimates[0].low is None


def test_each_output_of_two_keeps_order_by_itself():
    (limit,) = (each for each in EVERY if each.name == "argmax readout")
    response = simulate(limit.restored.build(1.0), limit.points, backend="numpy", **RATE_TIMES)
    read = limit.restored.read(response, 1.0)
    assert read.shape == (4, 2) and (read[:, 0] > 50).tolist() == [False, True, True, True]
    assert (read[:, 1] > 50).tolist() == [False, False, False, True]


@pytest.mark.slow
@pytest.mark.parametrize(("dose", "breaks"), [(0.5, False), (0.6, False), (0.75, True)])
def test_gain_breaks_order_from_the_golden_ratio_on(dose, breaks):
    levels = np.linspace(0, 1, 11)
    stimuli = spikes.of_many(np.column_stack([levels, np.ones(11)]))
    times = {"duration": 2.2, "window": 2.0, "dt": 0.2e-3, "backend": "numpy"}
    rate = simulate(spikes.gain(dose), stimuli, **times).readouts[:, 0]
    assert ((np.maximum.accumulate(rate) - rate).max() > 1.0) == breaks


@pytest.mark.slow
def test_any_conductance_of_the_context_lowers_the_rate():
    inputs = np.linspace(0, 1, 21)
    stimuli = spikes.of_many(np.column_stack([np.tile(inputs, 2), np.repeat([0.0, 1.0], 21)]))
    times = {"duration": 2.2, "window": 2.0, "dt": 0.2e-3, "backend": "numpy"}
    circuits = [spikes.conductance(dose) for dose in (0.0, 0.02, 0.1)]
    falls = [-np.diff(each.readouts[:, 0].reshape(2, 21), axis=0) for each in simulate(circuits, stimuli, **times)]
    assert [fall.max() > 1 for fall in falls] == [False, True, True]
    assert all(fall.min() > -1 for fall in falls), "and raises none"


@pytest.mark.slow
def test_spikes_break_order_and_the_remedy_restores_it():
    found = {each.name: each for each in run(["spiking"], 8).outcomes}
    assert len(found) == len(spikes.limits())
    for each in found.values():
        assert each.forbidden and each.restored.count == 0 and each.problems == [], each.name
        assert each.restored_scores.mean() <= each.bound + ROUNDING, each.name
    comb = found["refractoriness"]
    for dose, score in zip(comb.doses, comb.scores[:, 0], strict=True):
        rate = [f / max(1, math.ceil(round(f * dose * 1e-3, 9))) for f in (50, 100, 150, 200)]
        assert score == np.mean((np.array(rate) > 90) == [0, 1, 0, 1]), dose


@pytest.mark.parametrize("period", [6e-3, 11e-3])
def test_a_refractory_period_divides_the_rate_of_a_train(period):
    rate = np.array([40.0, 80.0, 120.0, 160.0, 200.0])
    circuit = spikes.refractory(period * 1e3)
    times = {"duration": 1.05, "window": 1.0, "dt": 0.2e-3, "backend": "numpy"}
    found = simulate(circuit, rate[:, None] / spikes.FASTEST, **times).readouts[:, 0]
    assert found == pytest.approx(rate / np.ceil(rate * period), abs=1.5)


def test_what_is_reported(of_rates):
    view = view_of(of_rates)
    document = view.to_json()
    assert document["problems"] == [] and len(document["rows"]) == 8
    row = document["rows"][0]
    assert row["floor"] == 0.25 and row["score"] == 1 and row["at_dose"] == 0.8 and row["exceeds_bound"]
    assert row["onset"] == {"derived": 0.0, "low": 0, "high": 0.05}
    assert row["violations"][0] == {"count": 0, "of": 12, "share": 0, "low": 0, "high": wilson(0, 12)[1]}
    assert row["remedy"]["proved"] and row["remedy"]["violations"]["count"] == 0 and row["remedy"]["score"] == 0.75
    assert row["score_intervals"] == [None] * 7 and None not in document["rows"][-1]["score_intervals"]
    drawn = dict(view.drawn())
    tables = check(view.findings(), dict(view.all_files()), drawn)
    assert len(tables["limits.csv"]) == sum(len(limit.doses) for limit in rates.limits())
    variables, _ = view.labelled()
    assert variables["score"][1].shape == (8, 7)
    check_figure(drawn["limits.svg"])
    assert "15" not in " ".join(view.answer()) and "7 bring" in " ".join(view.answer())


@pytest.mark.slow
def test_kinds_are_those_asked_for_and_do_not_depend_on_each_other(of_rates, of_both):
    assert {each.kind for each in of_both.outcomes} == {"rate", "spiking"}
    alone = run(["rate"], 8)
    for one, other in zip(alone.outcomes, of_both.outcomes, strict=False):
        assert one.violations == other.violations and np.array_equal(one.scores, other.scores)
    check_figure(dict(view_of(of_both).drawn())["limits.svg"])


@pytest.mark.slow
def test_compiled_programs_give_the_same():
    few = limits.Settings(pairs=3)
    compiled = limits.run(few, ["rate"], 1, "cpp", lambda *_: None)
    for one, other in zip(compiled.outcomes, run(["rate"], 3).outcomes, strict=True):
        assert one.largest == other.largest and np.array_equal(one.scores, other.scores)
