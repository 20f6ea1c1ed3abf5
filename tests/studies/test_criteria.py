"""The criterion lies above what the best constant answer scores, in every study."""

from itertools import product

import numpy as np
import pytest

from eisim import Circuit, Input, LabelledData, Population, Projection, Readout, ThresholdLinear, TruthTable
from eisim.report.view import view_of
from eisim.studies import boolean, census, points
from eisim.studies.circuit import OwnCircuit

TIMES = {"duration": 0.3, "window": 0.2, "dt": 1e-3}
PROTOCOL = boolean.Protocol(("rate",), np.array([0.0, 1.0]), np.arange(1), 0.0, **TIMES, backend="numpy")


def vetoed(n, most):
    """A unit that always fires, unless its inputs add up to more than so much."""
    populations = [
        Population("I", "I", ThresholdLinear(), bias=-100.0 * most),
        Population("E", "E", ThresholdLinear(), bias=100.0),
    ]
    projections = [Projection("x", "I", np.ones((n, 1))), Projection("I", "E", [[1e3]])]
    return Circuit("vetoed", [Input("x", n)], populations, projections, [Readout("E", 50.0)])


def measured(circuit, data):
    own = OwnCircuit("own", {"rate": circuit}, (data,), ("f",), without_dnn="not asked for")
    (found,) = points.measure(own, PROTOCOL, 0, lambda *_: None).on_points
    return found


def patterns(n):
    return np.array([*product((0, 1), repeat=n)], dtype=float)


@pytest.mark.parametrize("n", range(1, 12))
def test_a_truth_table_asks_for_more_than_a_constant_answer_scores(n):
    for wrong in range(1, 2**n // 2 + 1):
        constant = 1 - wrong / 2**n
        level = boolean.criterion(constant).level(1.0)
        assert level > constant and level <= 1
        assert level == 0.99 if constant < 0.99 else level == pytest.approx(constant + 0.99 * (1 - constant))


def test_seven_inputs_of_which_one_pattern_differs():
    found = measured(vetoed(7, 6.5), LabelledData(patterns(7), patterns(7).sum(axis=1) < 7))
    (judgement,) = (curve.judgement for curve in found.curves)
    assert judgement.intact.mean == 1 and judgement.ablated.mean == judgement.constant == 127 / 128
    assert judgement.criterion > judgement.constant and judgement.verdict == "lost"
    assert judgement.reason == "provable"  # a truth table has no noise


def test_of_points_99_percent_of_the_lead_over_a_constant_answer_has_to_be_left():
    at = np.column_stack([np.linspace(0.6, 1, 300), np.zeros(300)])
    at[[10, 150, 290], 1] = 1.0
    populations = [Population("E", "E", ThresholdLinear()), Population("I", "I", ThresholdLinear())]
    weights = {"A->E": 1.0, "B->I": 1.0, "I->E": 2.0}
    projections = [Projection(*name.split("->"), [[weight]]) for name, weight in weights.items()]
    circuit = Circuit("veto", [Input("A"), Input("B")], populations, projections, [Readout("E", 25.0)])
    found = measured(circuit, LabelledData(at, at[:, 1] == 0))
    (judgement,) = (curve.judgement for curve in found.curves)
    assert judgement.intact.mean == 1 and judgement.ablated.mean == judgement.constant == 0.99
    assert judgement.criterion == pytest.approx(0.9999) and judgement.verdict == "lost"
    # Three points may be noise; the page says so.
    assert judgement.reason != "provable" and judgement.bound is None
    page = view_of(points.OwnResult(OwnCircuit("own", {}, (), ()), None, (found,)))
    assert "noisy labels may explain the floor" in str([table.notes for table in page.tables()])


def test_a_circuit_without_a_lead_is_not_computed():
    rng = np.random.default_rng(0)
    at = rng.random((60, 2))
    found = measured(vetoed(2, 1.9), LabelledData(at, rng.random(60) < 0.6))
    (judgement,) = (curve.judgement for curve in found.curves)
    assert judgement.intact.mean <= judgement.constant and judgement.verdict == "not computed"


def test_a_region_of_noise_free_points_is_provably_lost():
    side = (np.arange(20) + 0.5) / 20
    at = np.array([*product(side, repeat=2)])
    found = measured(vetoed(2, 0.71), LabelledData(at, at.sum(axis=1) <= 0.7))
    (judgement,) = (curve.judgement for curve in found.curves)
    assert (judgement.verdict, judgement.reason) == ("lost", "provable") and found.problems == []
    assert judgement.bound == pytest.approx(1 - found.floor)


def test_a_constant_function_is_kept():
    found = measured(vetoed(2, 9), LabelledData(patterns(2), np.ones(4)))
    assert found.criterion.level(1.0) == 1 and found.verdict == "kept"


def test_the_other_truth_tables():
    assert census.CRITERION.level(1.0) == 1
    (found,) = boolean.run_ablation([boolean.Case.of(TruthTable("0" * 63 + "1"))], PROTOCOL).cases
    assert {curve.level for curve in found.curves} == {0.99} and found.verdict == "kept"
