"""What is shown of tasks, against what was measured: cells, answers counted again, numbers behind the figures."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from eisim import Obstruction, assess
from eisim.report.style import paper
from eisim.report.view import view_of
from eisim.studies.tasks import Survey
from tests.support import figures, two_choice
from tests.support.findings import check

NUMPY = {"backend": "numpy"}


@pytest.fixture(scope="module")
def lost():
    task = partial(two_choice.task, quick=True)
    return assess(task, doses=3, seeds=2, name="two_choice", function="decide", **NUMPY)


def with_scores(assessment, name, change):
    """The same under another name, with other scores: a function of the system and its scores."""
    kinds = {
        kind: replace(
            judged, systems={s: replace(curve, scores=change(s, curve.scores)) for s, curve in judged.systems.items()}
        )
        for kind, judged in assessment.kinds.items()
    }
    return replace(assessment, name=name, kinds=kinds)


def as_rhythm(assessment):
    """The same of a task that asks for a rhythm, and so without witnesses."""
    kinds = {
        kind: replace(judged, witness=None, obstruction=Obstruction.RHYTHM) for kind, judged in assessment.kinds.items()
    }
    return replace(assessment, name="rhythm", kinds=kinds)


@pytest.fixture(scope="module")
def several(lost):
    kept = with_scores(lost, "kept", lambda system, scores: np.ones_like(scores))
    mixed = with_scores(lost, "mixed", lambda system, scores: scores if system == "spiking" else np.ones_like(scores))
    absent = with_scores(lost, "absent", lambda system, scores: scores / 10)
    return Survey((lost, kept, mixed, absent, as_rhythm(lost)), {"xor": "it has no task"})


def checked(result):
    view = view_of(result)
    drawn = dict(view.drawn())
    return view.findings(), check(view.findings(), dict(view.all_files()), drawn), drawn


def test_every_page_is_whole(lost, several):
    for result in (lost, several, Survey(several.assessments[1:3]), as_rhythm(lost), replace(lost, function="")):
        findings, _, _ = checked(result)
        has_function = any(each.function for each in getattr(result, "assessments", (result,)))
        assert ("function" in [column.name for column in findings.tables[0].columns]) == has_function


def test_the_first_table_has_the_scores_and_verdicts_of_each_system(several):
    table = view_of(several).findings().tables[0]
    names = [column.name for column in table.columns]
    for row, assessment in zip(table.rows, several.assessments, strict=True):
        cells = dict(zip(names, row, strict=True))
        assert cells["circuit"] == assessment.name.replace("_", " ")
        for name, curve in assessment.systems.items():
            system = "DNN" if name == "dnn" else name
            wanted = {"intact": curve.intact, "ablated": curve.ablated, "critical fraction": curve.critical_dose}
            for part, number in wanted.items():  # in one column, where all systems have the same
                assert cells.get(f"{part}, {system}", cells.get(part)) == number
    lost = "lost: unresolved"
    verdicts = [lost, "kept", f"{lost} (kept: rate, DNN)", "not computed", lost]
    assert [row[names.index("verdict")] for row in table.rows] == verdicts
    assert any("xor: it has no task" in note for note in table.notes)


def test_the_answer_counts(several, lost):
    answer = view_of(several).findings().answer
    assert "spiking: 3 of 5 lost (unresolved 3), 1 kept, 1 not computed" in answer
    assert "rate: 2 of 5 lost (unresolved 2), 2 kept, 1 not computed" in answer
    assert "Of the 3 lost, 2 with a witness, 1 with a dynamical obstruction." in answer
    one = view_of(lost).findings().answer
    assert "two choice (decide) lost: unresolved." in one and "rate 1.00 to 0.00" in one and "spiking 1.00 to" in one
    assert "A witness was found." in one and "witness" not in view_of(as_rhythm(lost)).findings().answer


def test_a_witness_is_in_a_table_with_its_trials_and_outputs(lost):
    (table,) = (table for table in view_of(lost).findings().tables if table.data == "witness.csv")
    for row, judged in zip(table.rows, lost.kinds.values(), strict=True):
        cells = dict(zip([column.name for column in table.columns], row, strict=True))
        assert (cells["kind"], cells["trials"]) == (judged.kind, "1 ≤ 3")
        assert cells["inputs raised"] == "x number 2 from 0.5 to 1"
        assert cells["output at x"] - cells["output at y"] == pytest.approx(judged.witness.fall)
        assert cells["fall, ablated"] == judged.witness.falls[-1].mean()


def test_what_is_declared_is_not_said_to_be_proved(lost):
    for obstruction in Obstruction:
        kinds = {kind: replace(judged, obstruction=obstruction) for kind, judged in lost.kinds.items()}
        text = " ".join(view_of(replace(lost, kinds=kinds)).findings().proofs[-1].paragraphs)
        assert "cannot" not in text and "had to" not in text and text.endswith(".")


def test_the_numbers_behind_the_figures(lost):
    _, tables, drawn = checked(lost)
    for system, curve in lost.systems.items():
        mine = [float(row["score"]) for row in tables["dose_response.csv"] if row["system"] == system]
        assert mine == curve.scores.ravel().tolist()
    lines = [line.get_ydata() for line in drawn["witness.svg"].axes[0].lines]
    mine = [row for row in tables["witness.csv"] if row["kind"] == "spiking"]
    for line, column in zip(lines, ("output_at_lower_hz", "output_at_upper_hz"), strict=True):
        np.testing.assert_allclose(np.reshape([float(row[column]) for row in mine], (3, 2)).mean(axis=1), line)


def test_every_axis_is_labelled_and_every_figure_fits_a_page(several):
    with paper():
        for _, figure in view_of(several).drawn():
            figures.check(figure)


def test_the_terminal_and_a_notebook_show_what_the_page_does(lost):
    for text in (str(lost), lost._repr_html_()):
        assert "0.62" in text and "x number 2 from 0.5 to 1" in text and "boundary of positive slope" in text
    judged = lost.kinds["rate"]
    assert "✗ lost" in judged._repr_html_() and judged.measure in judged._repr_html_()
    html = judged.systems["dnn"]._repr_html_()
    assert html.count("<tr>") == 1 + len(lost.doses) and "At the largest fraction: lost" in html
