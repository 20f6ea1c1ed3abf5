"""Regions of the plane: networks that compute them, what ablation leaves, and the best that excitation can do."""

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from eisim import REGIONS, LabelledData, Region, ablate, from_dnn, to_dnn
from eisim.base.errors import InputError
from eisim.base.files import to_json
from eisim.report.draw import draw
from eisim.report.view import view_of
from eisim.studies.regions.decision_maps import measure, read_out, without_idle
from eisim.studies.regions.networks import CONSTRUCTED, TRAINED, best_excitatory, network
from eisim.studies.result import Result
from experiments import geometry
from tests.support.figures import check as check_figure
from tests.support.figures import said
from tests.support.findings import check

pytestmark = pytest.mark.slow

KEPT = {"half-plane", "staircase", "quadrant"}


def cells(name, resolution=50):
    return replace(REGIONS[name], resolution=resolution).labelled()


def quiet(stage, fraction=None):
    pass


def test_there_is_a_network_for_every_region():
    assert CONSTRUCTED.keys() | TRAINED.keys() == REGIONS.keys()


@pytest.mark.parametrize("name", REGIONS)
def test_networks_compute_their_regions_and_need_negative_weights_for_those_that_are_lost(name):
    data = cells(name)
    dnn = network(data, 0, quiet)
    assert (dnn.decide(data.points)[:, 0] == data.targets).mean() > (0.99 if name in CONSTRUCTED else 0.93)
    assert dnn.is_nonnegative == (name in KEPT)
    if name in TRAINED:
        again = network(data, 0, quiet)
        np.testing.assert_array_equal(again(data.points), dnn(data.points))


@settings(max_examples=50, deadline=None)
@given(arrays(int, 7, elements=st.integers(0, 7)))
def test_the_excitatory_network_of_any_monotone_function(heights):
    side = len(heights)
    heights = np.sort(heights)[::-1]
    best = (np.arange(side)[:, None] >= heights).astype(float)  # rows are y
    points = Region("grid", lambda x, y: x > 0, resolution=side).labelled().points
    dnn = best_excitatory(LabelledData(points, best.ravel(), name="drawn"), best.ravel())
    assert dnn.is_nonnegative
    np.testing.assert_array_equal(dnn.decide(points)[:, 0], best.ravel() == 1)


@pytest.mark.parametrize("name", ["ring", "two-islands", "moons"])
def test_idle_populations_do_not_matter(name):
    data = cells(name, 20)
    circuit = ablate(from_dnn(read_out(network(data, 0, quiet), data.points)))
    slim = without_idle(circuit)
    assert len(slim.populations) < len(circuit.populations)
    np.testing.assert_array_equal(to_dnn(slim)(data.points), to_dnn(circuit)(data.points))


@pytest.fixture(scope="module")
def result():
    return measure([REGIONS[name] for name in ("quadrant", "disc", "stripe")], ["spiking", "rate"], 16, backend="numpy")


def test_without_inhibition_closed_regions_are_lost(result):
    quadrant, disc, stripe = result.regions
    assert [r.verdict for r in result.regions] == ["kept", "lost", "lost"]
    assert isinstance(result, Result)
    assert [(c.function, c.system) for c in result.curves[:4]] == [
        *(("quadrant", system) for system in ("spiking", "rate", "dnn")),
        ("disc", "spiking"),
    ]
    assert [r.representable for r in result.regions] == [True, False, False]
    assert quadrant.floor == 0 and quadrant.witnesses == ()
    assert disc.floor == disc.data.targets.mean()  # all outside is the best
    assert result.problems == []
    for region in result.regions:
        assert region.equivalence_error < 1e-12
        assert region.accuracy["best_excitatory"]["rate"] == pytest.approx(1 - region.floor, abs=1e-12)
        assert region.accuracy["intact"]["spiking"] > 0.9
        for w in region.witnesses:
            assert np.all(np.less_equal(w.lower, w.upper))
            at = [int(np.flatnonzero((region.data.points == point).all(axis=1))[0]) for point in w]
            assert region.data.targets[at].tolist() == [1, 0]
    # an intact inhibitory tent turns into x + y > 3/4
    points = stripe.data.points
    np.testing.assert_array_equal(stripe.decisions["rate"]["ablated"], points.sum(axis=1) > 0.75)


def test_all_scores_of_a_record_are_of_the_same_cells():
    """From 24 cells on each side on, the scale of spiking circuits is chosen on few cells; its score is of all."""
    found = measure([REGIONS[name] for name in ("rising-half-plane", "disc")], ["spiking", "rate"], 27, backend="numpy")
    n = 27**2
    for region in found.regions:
        for curve in region.curves:
            judgement = curve.judgement
            for name in ("refitted", "compensated"):
                score = judgement.condition(name)
                if score is None:
                    continue
                assert abs(score.mean * n - round(score.mean * n)) < 1e-9  # a number of all cells
                if curve.system != "spiking":  # no excitatory-only rate circuit is beyond the bound
                    assert score.mean <= 1 - region.floor + 1e-12, (region.name, curve.system, name)
            assert judgement.parts["provable"] == pytest.approx(max(0, judgement.intact.mean - (1 - region.floor)))
    assert found.problems == []


def test_the_criterion_is_a_share_of_the_lead_over_a_constant_answer(result):
    for curve in result.curves:
        judgement = curve.judgement
        lead = judgement.intact.mean - judgement.constant
        assert judgement.criterion == pytest.approx(judgement.constant + 0.99 * lead) and lead > 0


def test_a_contradiction_is_reported(result):
    disc = result.regions[1]
    impossible = {system: maps | {"ablated": disc.data.targets == 1} for system, maps in disc.decisions.items()}
    [*_, problem] = replace(disc, decisions=impossible).problems
    assert "disc: CONTRADICTION" in problem and "below the floor" in problem


def test_reports(result):
    document = json.loads(to_json(view_of(result).to_json()))
    assert [row["region"] for row in document["rows"]] == ["quadrant", "disc", "stripe"]
    rows = list(csv.DictReader(io.StringIO(dict(view_of(result).all_files())["table.csv"])))
    assert len(rows) == 3 * 3 * 3
    assert float(rows[0]["accuracy"]) == result.regions[0].accuracy["intact"]["spiking"]
    variables, coordinates = view_of(result).labelled()
    assert variables["decision"][1].shape == (3, 3, 3, 16, 16)
    condition = coordinates["condition"][1].tolist().index("ablated")
    np.testing.assert_array_equal(
        variables["decision"][1][2, 0, condition].ravel(), result.regions[2].decisions["spiking"]["ablated"]
    )
    for _, figure in view_of(result).drawn():
        check_figure(figure)
    drawn = draw(view_of(result).drawn())
    assert [name for name, _ in drawn] == ["decision_maps.svg", "losses.svg", "circuit.svg"]
    assert {"quadrant", "disc", "stripe", "kept", "lost"} <= said(drawn[0][1])
    assert [len(table.rows) for table in view_of(result).tables()] == [3, 6, 3]  # two lost, by three systems


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"resolution": 3}, "resolution: expected from 4 to 160, found 3"),
        ({"regions": "disc,pond"}, "regions: expected one of half-plane, .*, found 'pond'"),
        ({"regions": "disc,disc"}, "regions: expected each region once, found 'disc,disc'"),
    ],
)
def test_bad_settings_are_named(change, message):
    with pytest.raises(InputError, match=message):
        geometry.run(geometry.Settings(**change), ["rate"], 0, "numpy", quiet)


def test_the_page(result):
    figures = dict(view_of(result).drawn())
    findings = view_of(result).findings()
    tables = check(findings, dict(view_of(result).all_files()), figures)
    lost = [r for r in result.regions if r.verdict == "lost"]
    assert findings.answer.startswith(f"{len(lost)} of 3 regions lost without inhibition (provable {len(lost)}).")
    assert f"{min(r.floor for r in lost):.1%} ({min(lost, key=lambda r: r.floor).name})" in findings.answer
    for k, region in enumerate(result.regions):
        mine = [row for row in tables["decision_maps.csv"] if row["region"] == region.name]
        for row, condition in enumerate(("intact", "ablated", "best_excitatory", "best_monotone")):
            drawn = figures["decision_maps.svg"].axes[3 * row + k].images[0].get_array()
            np.testing.assert_array_equal([int(line[condition]) for line in mine], drawn.ravel())
    for one, n in ((0, 0), (1, 1)):
        alone = replace(result, regions=(result.regions[one],))
        assert view_of(alone).findings().answer.startswith(f"{n} of 1 regions lost")
        check(view_of(alone).findings(), dict(view_of(alone).all_files()), dict(view_of(alone).drawn()))
