"""The experiment on functions through the command line, with a model that only the tests know."""

import csv
import json
import runpy
import sys
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import eisim.studies.tasks
from eisim.base import processes
from eisim.base.store.checkpoint import kept
from eisim.cli import commands as cli
from eisim.report.view import view_of
from eisim.run import registry as catalogue
from eisim.studies.tasks import judge
from experiments import functions
from tests.support.figures import said as texts

pytestmark = pytest.mark.slow

POINTS = {
    "eisim.experiments": [("boolean", "experiments.boolean"), ("functions", "experiments.functions")],
    "eisim.models": [("two_choice", "tests.support.two_choice"), ("xor", "models.xor")],
}
SMALL = ("--backend", "numpy", "--set", "quick=1", "--set", "seeds=2", "--set", "doses=3")


def points(group):
    if group not in POINTS:
        return entry_points(group=group)
    return [EntryPoint(name, module, group) for name, module in POINTS[group]]


@pytest.fixture
def run(monkeypatch, capsys):
    """Run a command in this process, where the model is known: exit status, what it printed, what it said."""
    monkeypatch.setattr(catalogue, "entry_points", points)

    def command(*words):
        status = cli.run_command([*map(str, words)])
        return status, *capsys.readouterr()

    return command


def test_the_table_and_its_files(run, tmp_path):
    status, out, said = run("run", "functions", "--json", "--out", tmp_path, *SMALL)
    assert status == 0, said
    found = json.loads(out)["functions"]
    (row,) = found["rows"]  # xor has no task
    assert row["circuit"] == "two_choice" and row["function"] == "decide" and row["verdict"] == "lost"
    assert row["score"]["intact"] == {"spiking": 1, "rate": 1, "dnn": 1}
    assert max(row["score"]["ablated"].values()) <= 0.5
    assert row["obstruction"]["rate"] == "boundary of positive slope"
    assert row["witness"]["rate"]["trials"] == [0, 2] and row["witness"]["rate"]["fall_ablated"] == 0
    assert row["equivalence_error"]["rate"] < 1e-9 and found["problems"] == []
    assert row["mean_field"] == {"populations": {}, "problem": ""}  # a quick run leaves it out, and says so
    assert "Quick: small versions" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert {p.name for p in tmp_path.iterdir()} == {
        "table.csv",
        "data.nc",
        "losses.csv",
        "shams.csv",
        "losses.svg",
        "run.json",
        "report.html",
        *(f"{stem}.{kind}" for stem in ("dose_response", "witness", "two_choice_circuit") for kind in ("svg", "csv")),
    }
    data = xr.load_dataset(tmp_path / "data.nc")
    np.testing.assert_array_equal(data.score.sel(circuit="two_choice", system="rate"), row["scores"]["rate"])
    with (tmp_path / "table.csv").open() as file:
        lines = {line["system"]: line for line in csv.DictReader(file)}
    assert float(lines["dnn"]["critical_dose_median"]) == row["critical_dose"]["dnn"]["median"]
    text = " ".join(texts((tmp_path / "dose_response.svg").read_text()))
    assert "two choice" in text and "decide: lost" in text and "fraction of GABA-A receptors blocked" in text


def test_an_interrupted_run_goes_on_from_its_finished_circuits(monkeypatch, tmp_path):
    monkeypatch.setattr(catalogue, "entry_points", points)
    monkeypatch.setitem(
        POINTS, "eisim.models", [("one", "tests.support.two_choice"), ("two", "tests.support.two_choice")]
    )
    monkeypatch.setenv("EISIM_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(processes, "processors", lambda: 1)  # so that all is computed in this process
    assessed, assess, said = [], eisim.studies.tasks.assess, []

    def interrupted(*args, name, **options):
        assessed.append(name)
        if len(assessed) == 4:  # of the run after the whole one, the second circuit
            raise KeyboardInterrupt
        return assess(*args, name=name, **options)

    def tables():
        with kept(lambda: "this run", said.append) as parts:
            settings = functions.Settings(doses=2, seeds=1, quick=1)
            found = dict(view_of(functions.run(settings, ["rate"], 0, "numpy", lambda *_: None)).all_files())
        parts.clear()
        return found

    monkeypatch.setattr(eisim.studies.tasks, "assess", interrupted)
    whole = tables()
    with pytest.raises(KeyboardInterrupt):
        tables()
    assert tables() == whole and assessed == ["one", "two", "one", "two", "two"]
    assert "1 finished part kept" in said[0] and "resuming from 1 finished part" in said[1] and len(said) == 2


def test_an_interrupted_run_of_one_large_circuit_goes_on_from_its_finished_batches(monkeypatch, tmp_path):
    monkeypatch.setattr(catalogue, "entry_points", points)
    monkeypatch.setitem(POINTS, "eisim.models", [("one", "tests.support.two_choice")])
    monkeypatch.setenv("EISIM_CACHE_DIR", str(tmp_path))
    begun, begin, said, stages = [], judge.begin, [], []

    def counted(circuits, *args, **options):
        begun.append(len(circuits))
        if len(begun) == stop:
            raise KeyboardInterrupt
        return begin(circuits, *args, **options)

    def tables():
        begun.clear()
        with kept(lambda: "this run", said.append) as parts:
            settings = functions.Settings(doses=3, seeds=4, quick=1)
            survey = functions.run(settings, ["spiking"], 0, "numpy", lambda stage, *_: stages.append(stage))
        parts.clear()
        return dict(view_of(survey).all_files()), parts

    monkeypatch.setattr(judge, "begin", counted)
    stop = 0
    at_once = tables()[0]
    assert len(begun) == 2 and not any("batch" in stage for stage in stages)
    monkeypatch.setattr(judge, "SYNAPSES", 250)
    whole, parts = tables()
    assert whole == at_once
    assert len(begun) > 4 and parts.expected == parts.computed == len(begun) + 1  # and the circuit
    first = sum("further controls" not in stage and "batch" in stage for stage in dict.fromkeys(stages))
    assert first and any(stage.startswith("one (1 of 1): further controls, batch 1 of") for stage in stages)
    stop = len(begun) - 1
    with pytest.raises(KeyboardInterrupt):
        tables()
    done, stop = stop - 1, 0
    again, parts = tables()
    assert again == whole and len(begun) == parts.computed - 1 == 2 and parts.found == done
    assert f"{done} finished parts kept" in said[0] and f"resuming from {done} finished parts" in said[1]


def test_a_model_by_its_name(run, tmp_path):
    status, out, said = run("run", "two_choice", "--kind", "rate", "--out", tmp_path, *SMALL, "--set", "how=cut:I->E")
    assert status == 0, said
    assert "fraction of I->E cut; 3 fractions × 2 seeds" in out and "two choice" in out
    assert "x number 2 from 0.5 to 1" in " ".join(out.split())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("functions", "--set", "how=poison"), "how: expected one of block, silence, reversal"),
        (("functions", "--set", "doses=1"), "doses: expected from 2 to 101, found 1"),
        (("functions", "--set", "circuits=three_choice"), "circuits: expected one of two_choice, xor, found"),
        (("functions", "--set", "circuits=xor"), "circuits: expected models that have a task, found 'xor'"),
        (("functions", "--set", "how=reversal"), "no reversal potential"),
        (("functions", "--set", "how=cut:I->I"), "projections: expected inhibitory projections ('I->E')"),
    ],
)
def test_bad_words(run, tmp_path, words, message):
    status, out, said = run("run", *words, "--out", tmp_path, "--backend", "numpy")
    assert status == 2 and out == "" and message in said and said.count("\n") == 1, said


def test_published_facts_are_printed(monkeypatch, capsys):
    monkeypatch.setattr("importlib.metadata.entry_points", points)
    script = Path(functions.__file__).parents[1] / "benchmarks" / "published.py"
    monkeypatch.setattr(sys, "argv", [str(script), "two_choice"])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(script), run_name="__main__")
    lines = capsys.readouterr().out.splitlines()
    assert end.value.code == 1 and lines[-1].startswith("1 of 2 reproduced")
    assert "choices" in lines[1] and " reproduced" in lines[1] and "NOT REPRODUCED" in lines[2]
