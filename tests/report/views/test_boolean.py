"""How an ablation of Boolean functions is shown, against its numbers."""

from dataclasses import replace

import numpy as np
import pytest

from eisim.report.judgements import GREY
from eisim.report.view import view_of
from eisim.report.views.boolean import verdict
from eisim.report.views.boolean_figures import accuracy_by_level
from tests.support import kept
from tests.support.findings import check


@pytest.fixture(scope="module")
def ablated():
    return kept.functions_ablated()


def of(result, *names):
    return replace(result, cases=tuple(case for case in result.cases if case.case.name in names))


def shown(result):
    """The findings, the figures and the lines of the CSV files of a result, which meet what any page asks."""
    view = view_of(result)
    figures = dict(view.drawn())
    return view.findings(), figures, check(view.findings(), dict(view.all_files()), figures)


def test_verdicts_are_those_of_the_json(ablated):
    rows = view_of(ablated).to_json()["rows"]
    lost = [row for row in rows if row["verdict"] == "lost"]
    assert (len(rows), len(lost), len([row for row in lost if not row["representable"]])) == (4, 3, 2)
    said = {
        "xor": "lost: provable",
        "and": "kept",
        "not": "lost: provable",
        "and-by-inhibition": "lost: differs",
    }
    assert {case.case.name: verdict(case) for case in ablated.cases} == said
    table = view_of(ablated).findings().tables[0]
    names = [column.name for column in table.columns]
    assert [(row[0], row[names.index("verdict")]) for row in table.rows] == list(said.items())


@pytest.mark.parametrize(
    ("names", "numbers"),
    [
        (("xor", "and", "not", "and-by-inhibition"), ("3 of 4", "(provable 2, differs 1)")),
        (("xor", "not"), ("2 of 2", "(provable 2)")),
        (("xor", "and"), ("1 of 2", "(provable 1)")),
        (("and", "and-by-inhibition"), ("1 of 2", "(differs 1)")),
    ],
)
def test_the_answer_counts_what_is_lost(ablated, names, numbers):
    answer = view_of(of(ablated, *names)).findings().answer
    assert all(number in answer for number in numbers)


def test_the_page_of_any_selection(ablated):
    shown(ablated)
    for case in ablated.cases:
        _, figures, _ = shown(replace(ablated, cases=(case,)))
        stem = case.case.name
        first = ["ablation_curves.svg", *(["losses.svg"] if case.verdict == "lost" else [])]
        names = [*first, *(f"{stem}_{what}.svg" for what in ("activity", "weights", "circuit"))]
        assert list(figures) == names
        for kind in ("spiking", "rate"):
            one = replace(case, kinds={kind: case.kinds[kind]})
            shown(replace(ablated, protocol=replace(ablated.protocol, kinds=(kind,)), cases=(one,)))


def test_failed_checks_are_in_the_answer(ablated):
    case = of(ablated, "and").cases[0]
    rate = replace(case.kinds["rate"], unrolled_error=1.0)
    worse = replace(ablated, cases=(replace(case, kinds=case.kinds | {"rate": rate}),))
    assert len(worse.problems) == 1 and "1 check failed" in view_of(worse).findings().answer


def test_the_numbers_behind_the_figures(ablated):
    _, figures, tables = shown(ablated)
    for ax, case in zip(figures["ablation_curves.svg"].axes, ablated.cases, strict=False):
        mine = [row for row in tables["ablation_curves.csv"] if row["function"] == case.case.name]
        curves = [
            [float(row["accuracy"]) for row in mine if row["system"] == system] for system in accuracy_by_level(case)
        ]
        lines = [line for line in ax.lines if len(line.get_ydata()) == 3]
        drawn = [line.get_ydata().tolist() for line in lines if line.get_color() != GREY]
        assert len(drawn) >= 3 and all(line in curves for line in drawn)
        kind = next(iter(case.kinds))
        of_shams = {}
        for row in tables.get("shams.csv", ()):
            if (row["function"], row["system"]) == (case.case.name, kind):
                of_shams.setdefault(row["control"], [1.0]).append(float(row["mean"]))  # intact, and more
        shams = [line.get_ydata().tolist() for line in lines if line.get_color() == GREY]
        assert shams == list(of_shams.values())
        assert {float(row["best_excitatory_accuracy"]) for row in mine} == {1 - case.certificate.floor["zero_one"]}
    xor = ablated.cases[0]
    rows = tables["xor_activity.csv"]
    for condition in ("intact", "ablated"):
        response = getattr(xor.kinds["spiking"], condition)
        for name, spikes in response.spikes.items():
            mine = [r for r in rows if (r["kind"], r["condition"], r["population"]) == ("spiking", condition, name)]
            times = spikes.copy * response.duration * 1e3 + spikes.step * response.dt * 1e3
            found = [300 * int(r["input_pattern"], 2) + float(r["time_ms"]) for r in mine]
            np.testing.assert_allclose(sorted(found), np.sort(times))
        traces = getattr(xor.kinds["rate"], condition).traces["readout"]
        mine = [float(r["rate_hz"]) for r in rows if (r["kind"], r["condition"]) == ("rate", condition)]
        np.testing.assert_allclose(mine, traces.ravel())
    images = {ax.get_title(): ax.images[0].get_array() for ax in figures["xor_weights.svg"].axes if ax.get_title()}
    for title, matrix in images.items():
        network = "circuit" if title.startswith("circuit") else "DNN"
        mine = [float(r["weight"]) for r in tables["xor_weights.csv"] if r["network"] == network]
        np.testing.assert_allclose(np.sort(mine), np.sort(matrix[matrix != 0]))
