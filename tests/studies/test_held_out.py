"""What rows show of the rule behind noisy labels, by networks on rows that they have not seen."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binomtest

from eisim import TRUTH_TABLES, LabelledData, train
from eisim.report.judgements import record
from eisim.report.view import view_of
from eisim.studies.data import measure
from eisim.studies.held_out import FOLDS, TRIALS, Folds, is_known_everywhere, lead_of, trained_evidence
from eisim.studies.networks import ablate_network

XOR = TRUTH_TABLES["xor"]


def noisy(seed, n=150, flipped=5):
    """A rule that rises with its inputs, with some labels wrong, as in docs/questions/needs_inhibition.md."""
    rng = np.random.default_rng(seed)
    points = rng.random((n, 2)).round(2)
    targets = points.sum(axis=1) > 1
    targets[rng.choice(n, flipped, replace=False)] ^= True
    return LabelledData(points, targets, name="noisy")


def disc(noise=0.0):
    """A closed region, which no excitatory-only system draws."""
    rng = np.random.default_rng(0)
    points = rng.random((200, 2))
    return LabelledData(points, (np.hypot(*(points - 0.5).T) < 0.35) ^ (rng.random(200) < noise), name="disc")


def trials(noise, n=50):
    """XOR, asked so many times of each pattern."""
    points = np.repeat(XOR.patterns, n, axis=0)
    return LabelledData(points, np.repeat(XOR.values, n) ^ (np.random.default_rng(1).random(4 * n) < noise), name="xor")


def memorised(data, hidden=(64, 64)):
    """The judgement of a network that is right on more rows than any excitatory-only one."""
    dnn = train(data.points, data.targets, hidden=hidden, penalty=1e-6, iterations=1500)
    found = ablate_network(dnn, data, [0, 1], "rate", "numpy")
    judgement = found.threshold_curves[0].judgement
    # The floor alone would prove the loss.
    assert judgement.criterion > 1 - found.floors.one_polarity[0] and found.problems == []
    return found, judgement


@pytest.mark.parametrize("seed", [0, 1])
def test_noise_that_a_network_memorises_is_no_bound(seed):
    found, judgement = memorised(noisy(seed))
    assert judgement.verdict == "lost" and judgement.reason not in (None, "provable")
    assert judgement.bound is None is record(judgement)["best_excitatory"]["bound"]
    page = view_of(found).findings()
    assert "noisy labels may explain the floor" in str([table.notes for table in page.tables])


def test_copied_rows_with_noise_are_no_bound():
    data = noisy(0)
    twice = LabelledData(np.tile(data.points, (2, 1)), np.tile(data.targets, 2), name="twice")
    assert memorised(twice)[1].reason != "provable"
    rows = np.repeat(np.arange(150), np.where(data.targets, 1, 4))  # as if to balance classes
    balanced = LabelledData(data.points[rows], data.targets[rows], name="balanced")
    assert not trained_evidence(balanced, [1.0])[0].is_shown


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_noise_shows_nothing_of_a_rule_that_rises(seed):
    (found,) = trained_evidence(noisy(seed), [1.0])
    assert not found.is_shown and found.low <= found.lead <= found.high


@pytest.mark.parametrize("data", [disc(), disc(0.05), trials(0.0), trials(0.1)], ids=lambda data: data.name)
def test_rules_that_fall_are_shown_with_noise_and_without(data):
    (found,) = trained_evidence(data, [1.0])
    assert found.is_shown and found.bound < found.score and found.low > 0


def test_a_region_learned_is_still_provably_lost():
    found, judgement = memorised(disc(), (16,))
    assert (judgement.verdict, judgement.reason) == ("lost", "provable")
    assert judgement.bound == pytest.approx(1 - found.floors.one_polarity[0])
    assert "noisy labels do not explain the floor" in str([t.notes for t in view_of(found).findings().tables])


def test_without_evidence_the_bound_is_in_doubt_and_contradictions_are_still_found():
    found, _ = memorised(disc(), (16,))
    unknown = replace(found, held_out=None)
    assert unknown.threshold_curves[0].judgement.bound is None and unknown.problems == []
    impossible = replace(unknown, outputs=found.outputs[[0, 0]])
    assert any("CONTRADICTION" in problem for problem in impossible.problems)


def test_a_truth_table_has_no_noise():
    assert is_known_everywhere(LabelledData(XOR.patterns, XOR.values))
    assert is_known_everywhere(trials(0.0)) and not is_known_everywhere(trials(0.1))
    assert not is_known_everywhere(noisy(0)) and not is_known_everywhere(LabelledData(XOR.patterns[:3], XOR.values[:3]))
    assert not is_known_everywhere(LabelledData(XOR.patterns[[0, 1, 2, 2]], XOR.values))


def test_rows_with_the_same_inputs_are_in_one_part_unless_they_are_trials():
    points = np.random.default_rng(0).integers(0, 4, (60, 2))
    data = LabelledData(points, np.arange(60) % 2)
    folds = Folds.of(data)
    for part in range(FOLDS):
        mine = {tuple(x) for x in points[folds.part == part]}
        assert not mine & {tuple(x) for x in points[folds.part != part]}
    assert set(Folds.of(trials(0.0, TRIALS)).part[:TRIALS]) == set(range(FOLDS))
    assert len(Folds.of(trials(0.0, TRIALS - 1)).jobs) == 4  # four patterns in four parts


def test_the_interval_of_equal_gains_and_losses_is_that_of_their_share():
    gains = np.repeat([0.01, -0.01, 0.0], [9, 3, 50])
    found, exact = lead_of(gains), binomtest(9, 12).proportion_ci(method="exact")
    assert found.mean == pytest.approx(0.06)
    assert (found.low, found.high) == pytest.approx((0.12 * (2 * exact.low - 1), 0.12 * (2 * exact.high - 1)))
    assert lead_of(np.full(5, 0.1)).low < 0 < lead_of(np.full(6, 0.1)).low
    assert lead_of(np.zeros(3)).high == 0
    unequal = lead_of(np.array([1.0] * 6 + [1e-9] * 100) / 6)
    assert unequal.low == pytest.approx(lead_of(np.full(6, 1 / 6)).low, abs=1e-6)


def test_classes_that_few_rows_have():
    rng = np.random.default_rng(0)
    data = LabelledData(rng.random((30, 2)), [0] * 28 + [1, 2], name="rare")
    found = trained_evidence(data, [0.0, 1.0, 2.0])
    assert len(found) == 3 and not any(each.is_shown for each in found)
    alone = LabelledData(rng.random((12, 2)), [0] * 11 + [1], name="alone")
    assert not trained_evidence(alone, [1.0])[0].is_shown


HOW = {"rows": 200, "scale": "range", "iterations": 600, "tries": 1, "levels": 2, "seed": 0, "backend": "numpy"}


def judged_data(data, hidden):
    return measure(data, kinds=["rate"], hidden=hidden, report=lambda *_: None, **HOW)


@pytest.mark.slow
def test_the_page_of_data_agrees_with_the_verdict():
    noise, real = judged_data(noisy(0), [64, 64]), judged_data(disc(), [16])
    assert "provable" not in noise.reasons and real.reasons == ["provable"]
    for result, said, other in ((noise, "may explain", "do not explain"), (real, "do not explain", "may ")):
        view = view_of(result)
        answer = " ".join(view.answer())
        assert f"noisy labels {said}" in answer and other not in answer
        (row,) = view.to_json()["rows"]
        assert row["held_out"]["is_shown"] == (row["reason"] == "provable")
        assert (row["judgements"][0]["best_excitatory"]["bound"] is None) == (not row["held_out"]["is_shown"])


@pytest.mark.slow
def test_the_table_of_data_shows_the_score_that_is_judged():
    rng = np.random.default_rng(0)
    points = rng.random((150, 2)).round(2)
    result = judged_data(LabelledData(points, points.sum(axis=1) > 1, name="rises"), [32])
    (row,) = view_of(result).to_json()["rows"]
    (judgement,) = result.judgements[0]
    assert row["held_out"] is None  # no floor, so nothing has to be shown
    assert row["accuracy"]["ablated"]["rate"] == judgement.ablated.mean < judgement.criterion
    assert row["accuracy"]["refitted"]["rate"] == pytest.approx(judgement.condition("refitted").mean)
    table = view_of(result).findings().tables[0]
    (line,) = (dict(zip([column.name for column in table.columns], each, strict=True)) for each in table.rows)
    assert line["ablated"] == judgement.ablated.mean and line["intact"] == judgement.intact.mean
