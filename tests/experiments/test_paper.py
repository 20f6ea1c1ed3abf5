"""The statements of Wang et al. (2023): networks and circuits against brute force, and what is reported."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from eisim import Circuit, Input, LabelledData, Population, Projection, Readout, TruthTable, ablate, certify, simulate
from eisim.base.units import Measured
from eisim.report.view import view_of
from eisim.studies.limits.limit import TIMES
from eisim.studies.order.order import Share
from eisim.studies.paper.check import NEAR
from eisim.studies.paper.circuits import TIMES as OF_NETWORKS
from eisim.studies.paper.circuits import build, circuit_of, grid, violations
from eisim.studies.paper.networks import BLOCKS, STRONGEST, Fitted, Output, falls, fit, layered, silu, steps, with_block
from eisim.studies.paper.statements import FACES, POINTS, SIDE, threshold_circuit
from eisim.studies.paper.units import Exponential, Logarithm
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
    assert next(c for c in of_rates.checks if c.name == "XOR").simulated[2].found == 6


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
    found = fit(layered((3,)), POINTS, XOR, 1 / 6, np.random.default_rng(0))
    assert found.loss == pytest.approx(least, abs=NEAR) and found.loss >= least - 1e-12
    assert found(POINTS) == pytest.approx([0, 2 / 3, 2 / 3, 2 / 3], abs=1e-3)
    free = fit(layered((4,), signs=False), POINTS, XOR, 0.0, np.random.default_rng(0))
    assert free.loss < NEAR


def test_no_network_rests_on_differences_that_are_rounding_errors():
    """From this start the first network at the floor has output weights of 10⁷."""
    found = fit(layered((3, 3, 3)), POINTS, XOR, 1 / 6, np.random.default_rng(15))
    assert found.loss == pytest.approx(1 / 6, abs=NEAR) and found.output.weights.max() <= STRONGEST


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
    falls_once = replace(kept, pairs=Share(1, 9))
    assert "CONTRADICTION: order breaks in 1 of 9 networks" in falls_once.problems[0] and falls_once.finding == "broken"
    fell = replace(kept, witness=((0, 1), (1, 1), 1.0, 0.0))
    assert "CONTRADICTION: order breaks in the trained network" in fell.problems[0]
    below = replace(kept.trained[0], loss=0.1)
    assert "a loss of 0.1 is below the floor 0.166667" in replace(kept, trained=(below,)).problems[0]
    above = replace(kept.trained[0], loss=0.2)
    assert replace(kept, trained=(above,)).problems == ["convolution: expected a loss of 0.1666667, found 0.2"]
    broken = next(c for c in of_rates.checks if c.name == "gate that closes")
    assert replace(broken, pairs=Share(0, 9)).problems == [], "the trained network shows it"
    none = replace(broken, pairs=Share(0, 9), witness=None)
    assert none.problems == ["gate that closes: expected networks whose output falls, found none"]
    assert none.finding == "kept"
    universal = of_rates.checks[0]
    assert universal.finding == "holds" and replace(universal, pairs=Share(1, 9)).finding == "fails"
    assert of_rates.checks[-1].finding == "not simulated"
    condition = next(c for c in of_rates.checks if c.name == "condition on activations")
    wrong = replace(condition.simulated[0], found=0.75)
    assert "expected 1, found 0.75" in replace(condition, simulated=(wrong,)).problems[0]


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.name)
def test_circuits_of_blocks_compute_what_networks_do(block):
    """Of random networks, at points of the square; a block that keeps order has no inhibition."""
    network, rng, points = with_block(block), np.random.default_rng(3), grid()
    fits = []
    for _ in range(3):
        parameters = network.draw(rng, 2.0)
        outputs = network.features(parameters, points).shape[1]
        fits.append(Fitted(network, np.nan, parameters, Output(rng.random(outputs), rng.normal())))
    raised = [max(0.0, -each(points).min()) for each in fits]
    circuits = [circuit_of(each, points, by) for each, by in zip(fits, raised, strict=True)]
    ablated = [ablate(circuit) for circuit in circuits]
    responses = simulate([*circuits, *ablated], points, backend="numpy", **OF_NETWORKS)
    for fitted, by, circuit, response in zip(fits, raised, circuits, responses[:3], strict=True):
        expected = fitted(points)
        assert response.readouts[:, 0] / 100 - by == pytest.approx(expected, rel=1e-6, abs=1e-6)
        assert circuit.is_excitatory_only or not block.keeps
    for response in responses[3:]:
        assert response.circuit.is_excitatory_only and violations(points, response.readouts[:, 0]) == 0


def test_what_circuits_of_networks_do_not_meet_is_said():
    """A network that breaks order although it has to keep it, and one whose circuit is another network's."""
    rng = np.random.default_rng(0)
    free = fit(layered((4,), signs=False), POINTS, XOR, 0.0, rng)
    (built,) = build([free], [True], TruthTable("0110", "xor"), "numpy", lambda *_: None)
    wrong = [fact.what for fact in built.simulated if not fact.is_right]
    assert wrong == ["whether the rate circuit has inhibitory neurons"] and built.inhibitory
    differs = replace(free.network, features=lambda parameters, points: 1 - free.network.features(parameters, points))
    (built,) = build([free._replace(network=differs)], [False], TruthTable("0110", "xor"), "numpy", lambda *_: None)
    assert "difference between the rate circuit and the network" in [f.what for f in built.simulated if not f.is_right]


def test_violations_are_counted_by_pairs():
    points = np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]])
    assert violations(points, np.array([0, 1, 1, 0.0])) == 2
    assert violations(points, np.array([0, 0, 1, 1.0])) == 0
    assert violations(points, np.array([1, 0, 0, 0.0])) == 3


def test_units_that_multiply():
    drive = np.array([-20.0, 0.0, 50.0, 300.0])
    for unit, expected in (
        (Logarithm(least=10.0), 100 * np.log1p(np.maximum(drive, 0) / 10)),
        (Exponential(), 100 * np.exp(drive / 100)),
    ):
        assert unit.activation(drive) == pytest.approx(expected)
        circuit = Circuit(
            "unit",
            [Input("x", current=Measured(1.0, "hertz"))],
            [Population("E", "E", unit, bias=-20.0)],
            [Projection("x", "E", [[1.0]])],
            [Readout("E")],
        )
        response = simulate(circuit, drive[:, None] + 20, backend="numpy", **OF_NETWORKS)
        assert response.readouts[:, 0] == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(2))
def test_a_single_network_is_no_failed_check(seed):
    assert run([], networks=1, seed=seed).problems == []


def test_what_is_reported(of_rates):
    view = view_of(of_rates)
    document = view.to_json()
    assert document["problems"] == [] and len(document["rows"]) == len(of_rates.checks)
    row = document["rows"][0]
    assert row["violations"]["count"] == 0 and row["trained"][0]["possible"] == pytest.approx(1 / 6)
    drawn = dict(view.drawn())
    tables = check(view.findings(), dict(view.all_files()), drawn)
    numbers = [row["inhibitory_neurons"] for row in document["rows"] if row["part"] == "building block"]
    assert [bool(n) for n in numbers] == [not block.keeps for block in BLOCKS]
    assert "inhibitory neurons; those that keep it have none" in " ".join(view.answer())
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
