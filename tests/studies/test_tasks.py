"""Assessment against hand-made numbers, separate simulations, the DNN against Brian2, witnesses by brute force."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from eisim import InputError, Obstruction, ablate, assess, simulate, to_dnn
from eisim.controls import removed_weight, sham_excitation, sham_random
from eisim.studies.tasks import dnn_response, judge
from eisim.studies.tasks.witness import broken_order, find_witness
from models import decision
from tests.support import two_choice

pytestmark = pytest.mark.slow

QUICK = partial(two_choice.task, quick=True)
NUMPY = {"backend": "numpy"}


def test_the_batch_scores_as_separate_simulations_do(monkeypatch):
    task, seeds, doses = QUICK("spiking"), [2, 7], [0, 1]
    found = assess(task, doses=doses, seeds=seeds, **NUMPY).systems["spiking"]
    for k, fraction in enumerate(doses):
        for s, seed in enumerate(seeds):
            circuit = ablate(task.circuit(seed), fraction)
            times = {"duration": task.duration, "window": task.window, "dt": task.dt}
            assert found.scores[k, s] == task.score(simulate(circuit, task.stimuli, seed=seed, **times, **NUMPY))
    assert found.scores[0].min() > found.scores[1].max()
    monkeypatch.setattr(judge, "SYNAPSES", 2 * 12 * len(task.stimuli))  # two circuits at a time
    halves = assess(task, doses=doses, seeds=seeds, **NUMPY).systems["spiking"]
    np.testing.assert_array_equal(halves.scores, found.scores)


def test_shares_of_right_trials_by_level_average_to_the_score():
    task = decision.task("rate", quick=True)
    judged = assess(task, doses=[0, 0.6, 1], seeds=4, controls="none", **NUMPY).kinds["rate"]
    found = judged.psychometric
    assert found.levels.tolist() == [25.6, 38.4] and found.right.shape == (3, 4, 2)
    np.testing.assert_allclose(found.right.mean(axis=2), judged.systems["rate"].scores)
    assert found.right[0].mean() > 0.9 > found.right[-1].mean()
    estimate = found.estimate(1, 0)
    assert estimate.low <= estimate.mean == found.right[1, :, 0].mean() <= estimate.high


@pytest.mark.parametrize("kind", ["rate", "spiking"])
def test_shams_are_also_done_of_weaker_ablations(kind):
    """Where nothing is random at several fractions; else at the first at which the function is lost."""
    seeds, task, doses = [3, 5], QUICK(kind), [0, 0.5, 0.9, 0.98, 1]
    found = assess(task, doses=doses, seeds=seeds, **NUMPY).systems[kind]
    shams = found.controls.partial
    if kind == "rate":
        assert [sham.fraction for sham in shams] == [0.5, 0.9]
        seeds = [3]
    else:
        first = int(np.argmax(found.scores.mean(axis=1) < found.level))
        assert 0 < first < 4 and [sham.fraction for sham in shams] == [found.doses[first]]
    times = {"duration": task.duration, "window": task.window, "dt": task.dt}
    for sham in shams:
        for k, seed in enumerate(seeds):
            circuit = task.circuit(seed)
            weight = removed_weight(circuit, ablate(circuit, sham.fraction))
            for control, scores, how in (
                (sham_excitation, sham.sham_excitation, {}),
                (sham_random, sham.sham_random, {"seed": 0 if kind == "rate" else seed}),
            ):
                response = simulate(control(circuit, weight, **how), task.stimuli, seed=seed, **times, **NUMPY)
                assert len(scores) == len(seeds) and scores[k] == task.score(response)


def test_the_response_of_the_dnn_is_that_of_the_circuit():
    times = {"duration": 60e-3, "window": 35e-3, "dt": 1e-3}
    frames = np.random.default_rng(0).random((5, 3, 2))
    circuit = ablate(two_choice.circuit("rate"), 0.3)
    theirs = simulate(circuit, frames, record=True, **times, **NUMPY)
    ours = dnn_response(to_dnn(circuit, unrolled=True, **times), frames, record=True)
    assert (ours.duration, ours.window, ours.dt) == pytest.approx((theirs.duration, theirs.window, theirs.dt))
    for name in ("E", "I"):
        np.testing.assert_allclose(ours.rates[name], theirs.rates[name], rtol=0, atol=1e-9)
        np.testing.assert_allclose(ours.traces[name], theirs.traces[name], rtol=0, atol=1e-9)
        assert theirs.traces[name].max() > 10


@given(st.data(), st.integers(1, 6), st.integers(1, 3), st.integers(1, 4))
def test_witness_by_brute_force(data, trials, inputs, seeds):
    stimuli = data.draw(arrays(float, (trials, 2, inputs), elements=st.integers(0, 2)))
    outputs = data.draw(arrays(float, (2, seeds, trials), elements=st.integers(0, 5)))
    circuit = two_choice.circuit()
    found = find_witness(stimuli, circuit, outputs)
    # It is searched on every other seed, if they differ, and measured on the others.
    is_split = seeds > 1 and (outputs[0] != outputs[0, 0]).any()
    searched, measured = (range(0, seeds, 2), range(1, seeds, 2)) if is_split else (range(seeds), range(seeds))
    mean = outputs[0, searched].mean(axis=0)
    falls = {
        (x, y): mean[x] - mean[y]
        for x in range(trials)
        for y in range(trials)
        if (stimuli[x] <= stimuli[y]).all() and (stimuli[x] != stimuli[y]).any() and mean[x] - mean[y] > 1e-9
    }
    if not falls:
        assert found is None
        return
    most = [pair for pair, fall in falls.items() if fall == pytest.approx(max(falls.values()))]
    x, y = min(most, key=lambda pair: (stimuli[pair[1]] - stimuli[pair[0]]).sum())
    if found is None:  # the pair does not fall in the other seeds
        assert len(most) > 1 or (is_split and (outputs[0][measured, x] - outputs[0][measured, y]).mean() <= 1e-9)
        return
    assert found.trials in most
    nearest = (stimuli[y] - stimuli[x]).sum()
    x, y = found.trials
    assert (stimuli[y] - stimuli[x]).sum() == nearest
    assert found.fall == pytest.approx((outputs[0][measured, x] - outputs[0][measured, y]).mean())
    np.testing.assert_array_equal(found.falls, outputs[..., x] - outputs[..., y])
    np.testing.assert_array_equal(found.stimuli[1], stimuli[y].mean(axis=0))
    counted = found.falls[0][measured]
    if len(counted) > 1 and np.ptp(counted):
        assert found.standard_errors == pytest.approx(found.fall * len(counted) ** 0.5 / counted.std(ddof=1))


def test_both_kinds_and_the_dnn_in_one_table():
    found = assess(QUICK, doses=3, seeds=2, function="decide", **NUMPY)
    assert list(found.systems) == ["spiking", "rate", "dnn"] and found.verdict == "lost" and not found.problems
    rate = found.kinds["rate"]
    assert rate.equivalence_error < 1e-9
    assert rate.witness.trials == (0, 2) and rate.witness.falls[-1].max() == 0  # order returns without inhibition
    table = str(found)
    assert "boundary of positive slope" in table and "two-choice-spiking" in table
    assert "x number 2 from 0.5 to 1 78.8 0.2" in " ".join(table.split())


def compares(response):
    return np.subtract(*response.rates["E"].T)


def constant(response):
    return np.ones(len(response.rates["E"]))


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"output": compares}, "it is the output itself that subtracts"),
        ({"output": constant}, "no witness: no pair of trials"),
        ({"criterion": 1.1}, "the intact circuit does not do the task: score 1, criterion 1.1"),
    ],
)
def test_what_fails_is_a_problem(changes, problem):
    task = replace(QUICK("rate"), **changes)
    (found,) = assess(task, doses=2, seeds=1, **NUMPY).problems
    assert problem in found and found.startswith("two-choice-rate, rate: ")


@pytest.mark.parametrize("score", [-0.5, 1.01, 75.0])
def test_a_score_is_from_0_to_1(score):
    task = replace(QUICK("rate"), score=lambda response: score)
    with pytest.raises(InputError) as error:
        assess(task, doses=2, seeds=1, **NUMPY)
    said = f"'two-choice-rate': expected a number from 0 (not at all) to 1 (fully), found {score:g}"
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"score": lambda response: None}, "Task.score of 'two-choice-rate': expected a plain number, found None"),
        ({"score": lambda response: np.nan}, "Task.score of 'two-choice-rate': expected finite numbers, found nan"),
        ({"score": lambda response: [0, 1]}, "Task.score of 'two-choice-rate': expected a number, found an array of"),
        ({"output": lambda response: "up"}, "Task.output of 'two-choice-rate': expected a rate such as 100*Hz, found"),
        ({"output": lambda response: [1.0]}, "Task.output of 'two-choice-rate': expected a number for each of"),
        ({"measure": 3}, "Task.measure: expected what the score measures, in words, found 3"),
    ],
)
def test_what_a_task_measures_is_a_number_and_named_in_words(changes, said):
    with pytest.raises(InputError) as error:
        assess(replace(QUICK("rate"), **changes), doses=2, seeds=1, **NUMPY)
    assert said in str(error.value)


def test_an_obstruction_that_is_a_word_is_answered_with_the_members():
    with pytest.raises(InputError, match=r"Obstruction\.POSITIVE_SLOPE, .*Obstruction\.RHYTHM, found 'closed region'"):
        replace(QUICK("rate"), obstruction="closed region")


def test_a_broken_order_without_inhibition_is_a_contradiction():
    rates = np.array([[50.0, 30.0], [40.0, 30.0], [50.0, 20.0], [50.0, 30.0]])  # trial 2 is trial 0 with more input
    intact = two_choice.circuit("rate")
    found = broken_order(two_choice.STIMULI, ablate(intact), rates, None)
    assert "CONTRADICTION" in found and "by 10 Hz" in found
    assert broken_order(two_choice.STIMULI, intact, rates, None) is None
    assert broken_order(two_choice.STIMULI[:2], ablate(intact), rates[:2], None) is None


def test_dynamical_obstructions_have_no_witness():
    task = replace(QUICK("rate"), obstruction=Obstruction.STABILITY, output=None)
    found = assess(task, doses=2, seeds=1, **NUMPY)
    assert found.kinds["rate"].witness is None and not found.problems


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"doses": 1}, "doses: expected at least 2"),
        ({"doses": [0, 0.5, 0.5]}, "doses: expected numbers that increase from 0"),
        ({"seeds": []}, "seeds: expected at least one"),
        ({"how": "reversal"}, "no reversal potential"),
        ({"how": "cut:E->I"}, "('I->E'), found 'E->I'"),
    ],
)
def test_bad_input_is_named(changes, words):
    with pytest.raises(InputError) as error:
        assess(QUICK("rate"), **changes, **NUMPY)
    assert words in str(error.value) and "\n" not in str(error.value)
