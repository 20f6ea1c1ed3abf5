"""Verdicts on circuits whose loss, and its reason, is known."""

from functools import partial

import numpy as np
import pytest

from eisim import TRUTH_TABLES, LabelledData, TruthTable, assess
from eisim.report.judgements import record
from eisim.studies.boolean import Case, Protocol, run_ablation
from eisim.studies.data import measure
from models import and_by_inhibition, inhibition_stabilized_network, wilson_cowan

pytestmark = pytest.mark.slow
TIMES = {"duration": 0.5, "window": 0.4, "dt": 0.5e-3}


def judged(case, kinds=("spiking", "rate"), noise=0.0):
    protocol = Protocol(kinds, np.array([0.0, 1.0]), np.arange(10), noise, **TIMES, backend="numpy")
    (found,) = run_ablation([case], protocol).cases
    return {curve.system: curve.judgement for curve in found.curves}


def test_and_by_inhibition_spiking_is_lost_by_its_readout():
    case = Case("and", TRUTH_TABLES["and"], and_by_inhibition.circuit)
    found = judged(case, ("spiking",))["spiking"]
    assert (found.verdict, found.reason) == ("lost", "readout")
    assert found.ablated.mean == 0.5 and found.condition("refitted").mean == 1
    assert found.parts == {"readout": 0.5, "runaway": 0, "wiring": 0, "unresolved": 0, "provable": 0}


@pytest.mark.parametrize(("table", "floor"), [("0110", 0.25), ("01101001", 0.375)])
def test_xor_and_parity_are_provably_lost(table, floor):
    found = judged(Case.of(TruthTable(table)), ("rate",))
    assert set(found) == {"rate", "rate_dnn"}
    for judgement in found.values():
        assert (judgement.verdict, judgement.reason, judgement.assumes) == ("lost", "provable", ())
        assert judgement.bound == 1 - floor == judgement.attained and judgement.parts["provable"] == floor


def test_the_record_of_xor_has_no_interval_where_nothing_is_random():
    found = judged(Case.of(TruthTable("0110")), noise=1e-3)
    assert set(found) == {"spiking", "spiking_noisy", "spiking_dnn", "rate", "rate_dnn"}
    for system, judgement in found.items():
        of = record(judgement)
        for condition in ("intact", "ablated", "refitted", "compensated"):
            ends = of[condition]["low"], of[condition]["high"]
            assert (ends == (None, None)) == (system != "spiking_noisy")


def test_and_with_much_noise_is_not_computed():
    found = judged(Case.of(TRUTH_TABLES["and"]), ("spiking",), noise=4e-3)["spiking_noisy"]
    assert found.verdict == "not computed" and found.reason is None
    assert found.intact.high < 0.99 and found.ablated == found.intact


@pytest.mark.parametrize("model", [inhibition_stabilized_network, wilson_cowan])
def test_circuits_that_inhibition_stabilizes_are_lost_by_runaway(model):
    found = assess(partial(model.task, quick=True), kinds=["rate"], doses=2, seeds=1, backend="numpy")
    judgement = found.kinds["rate"].systems["rate"].judgement
    assert (judgement.verdict, judgement.reason) == ("lost", "runaway")
    assert judgement.controls.scale < 1 and judgement.condition("compensated").mean >= judgement.criterion


def test_a_monotone_rule_with_few_labels_flipped_is_not_provably_lost():
    rng = np.random.default_rng(0)
    at = rng.random((150, 2))
    targets = (at.sum(axis=1) > 1).astype(float)
    flipped = rng.choice(150, 5, replace=False)
    targets[flipped] = 1 - targets[flipped]
    how = {"rows": 150, "scale": "range", "hidden": [8], "iterations": 300, "tries": 1, "levels": 2}
    data = LabelledData(at, targets, name="noisy")
    found = measure(data, kinds=["rate"], seed=0, backend="numpy", report=lambda *_: None, **how)
    assert 0 < found.floors[0] <= 5 / 150  # so that there is a witness, but only of the noise
    (judgement,) = found.judgements[0]
    assert "provable" not in found.reasons and judgement.reason != "provable"
    assert judgement.bound is None and not found.is_shown
