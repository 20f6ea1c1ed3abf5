"""The statements of Wang et al. (2023): networks and circuits against brute force, and what is reported."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from eisim import LabelledData, certify, simulate
from eisim.report.view import view_of
from eisim.studies.limits.limit import TIMES
from eisim.studies.order.order import Share
from eisim.studies.paper.check import NEAR
from eisim.studies.paper.networks import BLOCKS, falls, fit, layered, silu, steps, with_block
from eisim.studies.paper.statements import FACES, POINTS, SIDE, threshold_circuit
from experiments import paper
from tests.support.figures import check as check_figure
from tests.support.findings import check

XOR = np.array([0.0, 1, 1, 0])


def run(kinds, networks=20, seed=1):
    return paper.run(paper.Settings(networks=networks), kinds, seed, "numpy", lambda *_: None)


@pytest.fixture(scope="module")
def of_rates():
    return run(["rate"])


def test_all_checks_pass(of_rates):
    assert of_rates.problems == [] and of_rates.jellyfish is None
    names = [each.name for each in of_rates.checks]
    assert len(set(names)) == len(names) == 8 + len(BLOCKS)
    for each in of_rates.checks:
        assert each.proof and (each.trained or each.simulated or each.part == "exception")
        for trained in each.trained:
            assert abs(trained.loss - trained.possible) <= NEAR, (each.name, trained.network)
        if each.pairs:
            assert (each.pairs.count > 0) == (each.finding == "broken"), each.name
    assert of_rates.checks[0].pairs == Share(0, 80)
    assert next(c for c in of_rates.checks if c.name == "XOR").simulated[0].found == 6


def test_witnesses_are_ordered_and_their_outputs_fall(of_rates):
    witnesses = [each.witness for each in of_rates.checks if each.witness]
    assert len(witnesses) == 4 + sum(not block.keeps for block in BLOCKS)
    for lower, upper, before, after in witnesses:
        assert all(a <= b for a, b in zip(lower, upper, strict=True)) and lower != upper and before > after


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.keeps], ids=lambda block: block.name)
def test_blocks_that_keep_order_keep_it_in_each_input(block):
    """Of other draws than those of the study, with larger weights."""
    network = with_block(block)
    rng = np.random.default_rng(5)
    for _ in range(100):
        parameters = network.draw(rng, 10.0)
        lower = rng.random((20, 2))
        for column in (0, 1):
            upper = lower.copy()
            upper[:, column] += rng.random(20)
            rise = network.features(parameters, upper) - network.features(parameters, lower)
            assert rise.min() >= -1e-9


def test_training_against_all_monotone_functions():
    """The least squared error over all monotone functions of four points, on a fine grid of values."""
    values = np.linspace(0, 1, 13)  # 2/3 is among them
    least = min(
        np.mean((np.array(v) - XOR) ** 2)
        for v in product(values, repeat=4)
        if v[0] <= v[1] <= v[3] and v[0] <= v[2] <= v[3]
    )
    assert least == pytest.approx(1 / 6, abs=1e-12)
    loss, outputs = fit(layered((3,)), POINTS, XOR, 1 / 6, np.random.default_rng(0))
    assert loss == pytest.approx(least, abs=NEAR) and loss >= least - 1e-12
    assert outputs == pytest.approx([0, 2 / 3, 2 / 3, 2 / 3], abs=1e-3)
    free, _ = fit(layered((4,), signs=False), POINTS, XOR, 0.0, np.random.default_rng(0))
    assert free < NEAR


def test_units_that_are_added_one_by_one_end_at_the_floor():
    rng = np.random.default_rng(2)
    for _ in range(5):
        points, targets = rng.integers(0, 4, (12, 3)) / 3, rng.random(12)
        points = np.unique(points, axis=0)
        targets = targets[: len(points)]
        floor = certify(LabelledData(points, targets), ("l2",), orient=False).floor["l2"]
        assert steps(points, targets)[0] == pytest.approx(floor, abs=1e-9)
    loss, units = steps(POINTS, np.array([0.0, 0, 0, 1]))
    assert (round(loss, 12), units) == (0, 1)


def test_silu_falls_and_then_rises():
    z = np.linspace(-6, 6, 401)
    assert (
        silu(z).argmin() == np.abs(z + 1.278).argmin()
        and falls(layered((2,), silu), 50, np.random.default_rng(0)).count
    )


def test_threshold_circuits_have_the_values_of_any_monotone_function():
    side = np.linspace(0, 1, 3)
    points = np.array([(x, y) for y in side for x in side])
    below = (points[:, None] <= points).all(axis=-1)
    rng = np.random.default_rng(0)
    chosen = [np.zeros(9), np.ones(9)]
    chosen += [below[rng.integers(0, 9, k)].any(axis=0).astype(float) for k in (1, 2, 2, 3)]
    circuits = [threshold_circuit(points, values) for values in chosen]
    times = {name: getattr(TIMES["rate"], name) for name in ("duration", "window", "dt")}
    for response, values in zip(simulate(circuits, points, backend="numpy", **times), chosen, strict=True):
        assert response.circuit.is_excitatory_only
        assert np.array_equal(response.decisions[:, 0], values > 0.5)


def test_faces_are_no_monotone_regions():
    for name, inside in FACES.items():
        x, y = np.meshgrid(*[np.linspace(0, 1, SIDE)] * 2)
        wanted = inside(x, y)
        assert wanted.any() and (np.diff(wanted.astype(int), axis=1) < 0).any(), name


def test_failed_checks_are_said(of_rates):
    kept = next(c for c in of_rates.checks if c.name == "convolution")
    assert "CONTRADICTION: order breaks in 1 of 9 pairs" in replace(kept, pairs=Share(1, 9)).problems[0]
    below = replace(kept.trained[0], loss=0.1)
    assert "a loss of 0.1 is below the floor 0.166667" in replace(kept, trained=(below,)).problems[0]
    above = replace(kept.trained[0], loss=0.2)
    assert replace(kept, trained=(above,)).problems == ["convolution: expected a loss of 0.1666667, found 0.2"]
    broken = next(c for c in of_rates.checks if c.name == "gate that closes")
    assert replace(broken, pairs=Share(0, 9)).problems == [
        "gate that closes: expected pairs whose output falls, found none"
    ]
    condition = next(c for c in of_rates.checks if c.name == "condition on activations")
    wrong = replace(condition.simulated[0], found=0.75)
    assert "expected 1, found 0.75" in replace(condition, simulated=(wrong,)).problems[0]


def test_what_is_reported(of_rates):
    view = view_of(of_rates)
    document = view.to_json()
    assert document["problems"] == [] and len(document["rows"]) == len(of_rates.checks)
    row = document["rows"][0]
    assert row["violations"]["count"] == 0 and row["trained"][0]["possible"] == pytest.approx(1 / 6)
    drawn = dict(view.drawn())
    tables = check(view.findings(), dict(view.all_files()), drawn)
    assert len(tables["regions.csv"]) == 3 * SIDE**2 and list(drawn) == ["blocks.svg", "faces.svg"]
    for figure in drawn.values():
        check_figure(figure)
    assert "7 of 7 statements" in " ".join(view.answer())


@pytest.mark.slow
def test_a_jellyfish_without_inhibition_has_two_behaviours():
    found = run(["spiking"])
    assert found.problems == [] and found.jellyfish.changes
    slow, fast = found.jellyfish.rates.T
    assert slow[0] > 1 > slow[-1] and fast[0] < 1 < fast[-1]
    assert (np.diff(found.jellyfish.remedied[:, 0]) >= 0).all(), "the remedy"
    view = view_of(found)
    drawn = dict(view.drawn())
    check(view.findings(), dict(view.all_files()), drawn)
    check_figure(drawn["jellyfish.svg"])
    assert "changes its behaviour" in " ".join(view.answer())
