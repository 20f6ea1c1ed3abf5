"""`ablate SCRIPT.py`: what it writes and says, and what it refuses."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from eisim.analysis.statistics import with_t_interval
from eisim.cli.commands import run_command
from eisim.cli.scripts import overrides_of, score_of
from eisim.report.page import page
from eisim.report.view import view_of
from eisim.studies.brian2_networks.result import BrianAblation, ControlRuns, Finding, Found
from eisim.studies.controls import ALL, BETWEEN
from eisim.studies.judgement import Criterion

SCRIPT = """from brian2 import *
prefs.codegen.target = "numpy"
cells = NeuronGroup(20, "dv/dt = (12*mV - v - h)/(10*ms) : volt\\ndh/dt = -h/(9*ms) : volt", method="euler",
                    threshold="v > 10*mV", reset="v = 0*mV", name="cells")
cells.v = "rand()*10*mV"
slow = Synapses(cells, cells, on_pre="h += 1*mV")
slow.connect(p=0.3)
{more}
run(30*ms)

def calm(spikes):
    return 1.0 if spikes["cells"].rate() < {limit} else 0.0
"""


@pytest.fixture
def script(tmp_path, monkeypatch):
    """Write a script, whose working folder this is."""
    monkeypatch.chdir(tmp_path)

    def write(text=SCRIPT, more="", limit=1e9, name="net.py"):
        path = tmp_path / name
        path.write_text(text.format(more=more, limit=limit) if text is SCRIPT else text, encoding="utf-8")
        return name

    return write


def test_json_is_one_document_and_the_folder_has_everything(script, tmp_path, capsys):
    words = ["ablate", script(limit=1e9), "--fractions", "0,1", "--seeds", "2", "--score", "calm", "--criterion", "0.5"]
    assert run_command([*words, "--json", "--out", "out"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["fractions"] == [0, 1] and found["seeds"] == [0, 1] and found["backend"] == "runtime"
    assert found["fraction_0"] == {"identical": True, "differs_from": None} and found["ablated"] == ["slow"]
    (row,) = found["synapses"]
    assert (row["label"], row["variable"], row["verdict"], row["is_scaled"]) == ("slow", "h", "inhibitory", True)
    (group,) = found["groups"]
    assert group["group"] == "cells" and group["neurons"] == 20 and group["seconds"] == pytest.approx(0.03)
    assert group["rate"][1]["mean"] > group["rate"][0]["mean"] > 0
    assert [each["mean"] for each in found["score"]] == [1, 1]
    assert [each["verdict"] for each in found["judgements"]] == ["kept"]
    (control,) = found["controls"]
    assert control["condition"] == "sham_random" and control["groups"][0]["rate"]["mean"] > 0
    assert found["without_controls"]["sham_excitation"] == "no synapses excite"
    folder = tmp_path / "out"
    names = {"ablation.csv", "synapses.csv", "spikes.csv", "ablation.svg", "rasters.svg"}
    names |= {"ablation.json", "report.html", "run.json", "controls.csv", "losses.csv", "shams.csv"}
    assert {path.name for path in folder.iterdir()} == names
    assert (folder / "report.html").read_text(encoding="utf-8") == page([folder])
    assert len((folder / "ablation.csv").read_text().splitlines()) == 5


def ablation(scores=None, criterion=None, identical=True, limit=100.0, controls=()):
    """A result that was not simulated, of two groups."""
    rows = Finding("synapses", "Ci", "pre", "gi", "gi += w", "inhibitory", "because", True, 5)
    rates = np.array([[[5.0, 8.0]] * 3, [[95.0, 9.0]] * 3]) + np.arange(3)[:, None]
    spikes = {"P": (np.array([0.1, 0.2]), np.array([1, 2])), "Q": (np.empty(0), np.empty(0, int))}
    return BrianAblation(
        "net.py",
        np.array([0.0, 1.0]),
        (0, 1, 2),
        ("P", "Q"),
        (10, 20),
        rates,
        np.full_like(rates, np.nan),
        np.full_like(rates, 0.1),
        np.array([limit, np.inf]),
        np.array([1.0, 1.0]),
        Found("net.py", (rows,), ("operation act()",)),
        identical,
        None,
        np.ones((2, 3)),
        scores,
        criterion,
        (spikes, spikes),
        notes=("its own seed was varied",),
        controls=controls,
        without={"refitted": "there is no threshold"} if controls else {},
    )


def controls_of(scores):
    """Compensated by two factors and between shams, with these scores in all seeds; rates fall with the factor."""
    rows = (("compensated", BETWEEN, 0.6), ("compensated", BETWEEN, 0.2), ("sham_excitation", BETWEEN, 0.7))
    rows += (("sham_random", "", 0.5),)
    rates = ([90.0, 9.0], [6.5, 8.0], [4.0, 5.0], [5.0, 6.0])
    none = np.full((3, 2), np.nan)
    return tuple(
        ControlRuns(*row, np.tile(each, (3, 1)), none, none, None if score is None else np.full(3, score))
        for row, each, score in zip(rows, rates, scores, strict=True)
    )


def said(result):
    view = view_of(result)
    return " ".join([*view.answer(), *view.details()])


def test_without_a_criterion_no_verdict_is_given():
    for scores in (None, np.array([[0.9] * 3, [0.1] * 3])):
        text = said(ablation(scores))
        view = view_of(ablation(scores))
        assert view.to_json()["judgements"] == [] and len([*view.tables()]) == 2 + (scores is not None)
        assert not any(word in text for word in ("lost", "kept", "verdict"))
    assert "The score goes from 0.9 to 0.1" in text
    assert "Not examined: operation act()" in text and "Note: its own seed was varied" in text


def test_a_criterion_judges_like_every_curve():
    result = ablation(np.array([[0.9, 0.91, 0.92], [0.1, 0.11, 0.12]]), Criterion.absolute(0.5))
    view = view_of(result)
    (judgement,) = view.to_json()["judgements"]
    assert (judgement["verdict"], judgement["reason"]) == ("lost", "not examined")
    assert "With a criterion of 0.5, the verdict is: lost. Controls were not run." in said(result)
    assert [table.title for table in view.tables()][-1] == "Judgement of the score"


def test_a_criterion_that_the_intact_network_misses_and_scores_of_0_and_1():
    result = ablation(np.array([[0.0] * 3, [0.0] * 3]), Criterion.absolute(0.9))
    assert "the verdict is: not computed (the intact network scores 0, so it has nothing to lose)" in said(result)
    (intact, _) = view_of(ablation(np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]))).to_json()["score"]
    assert (intact["low"], intact["high"]) == (0, 1)
    real = view_of(ablation(np.array([[0.0, 0.0, 1.5], [1.0, 0.0, 0.0]]))).to_json()["score"][0]
    assert real["low"] < 0 and real["high"] > 1


@pytest.mark.parametrize(
    ("back", "sham", "reason", "specific"),
    [(0.9, 0.9, "runaway", True), (0.2, 0.9, "unresolved", True), (0.9, 0.2, "runaway", False)],
)
def test_controls_give_a_loss_its_reason(back, sham, reason, specific):
    scores = np.array([[0.9] * 3, [0.1] * 3])
    result = ablation(scores, Criterion.absolute(0.5), controls=controls_of((0.1, back, sham, 0.9)))
    view = view_of(result)
    found = view.to_json()
    (judgement,) = found["judgements"]
    assert (judgement["verdict"], judgement["reason"], judgement["specific"]) == ("lost", reason, specific)
    assert len(found["controls"]) == 4 and found["without_controls"] == {"refitted": "there is no threshold"}
    assert f"the verdict is: lost, {reason} (" in said(result) and "Controls were not run" not in said(result)
    assert result.nearest(BETWEEN).scale == 0.2 and result.nearest(ALL) is None
    assert "populations scaled by 0.20" in said(result) and "Without the control refitted: there is" in said(result)
    assert [table.title for table in view.tables()][-1] == "Activity under controls"
    names = {name for name, _ in view.files()}
    assert {"controls.csv", "losses.csv", "shams.csv"} <= names and "losses.svg" in dict(view.drawn())


def test_controls_without_a_score_give_rates_only():
    view = view_of(ablation(controls=controls_of((None,) * 4)))
    assert view.to_json()["controls"][0]["score"] is None and view.to_json()["judgements"] == []
    assert [table.title for table in view.tables()][-1] == "Activity under controls" and dict(view.drawn())


def test_the_answer_says_what_equal_spikes_and_high_rates_show():
    assert "spike for spike" in said(ablation())
    assert "differ from those of the script" in said(ablation(identical=False))
    assert "equal spikes show nothing" in said(ablation(identical=None))
    assert "P then fire about as fast as refractoriness allows" in said(ablation())
    assert "refractoriness" not in said(ablation(limit=1000.0))


def test_figures_are_drawn_of_any_result():
    for result in (ablation(), ablation(np.array([[0.9] * 3, [np.nan] * 3]), Criterion.absolute(0.5))):
        drawn = dict(view_of(result).drawn())
        assert set(drawn) == {"ablation.svg", "rasters.svg"}
        labels = {ax.get_ylabel() for ax in drawn["ablation.svg"].axes}
        assert {"rate (Hz)", "CV of intervals", "synchrony"} <= labels
        assert drawn["rasters.svg"].axes[-1].get_xlabel() == "time (s)"


def test_t_intervals_are_students():
    found = with_t_interval([1.0, 2.0, 3.0, np.nan])
    assert found.mean == 2 and found.high - 2 == pytest.approx(4.302652729911275 / np.sqrt(3)) == 2 - found.low
    assert with_t_interval([4.0]).low is None and np.isnan(with_t_interval([]).mean)


BAD = {
    "--data": (["net.py", "--data", "a.csv"], "--data: expected with NET.onnx or NET.nir only"),
    "--levels": (["net.py", "--levels", "3"], "--levels: expected with NET.onnx or NET.nir only"),
    "fractions": (["net.py", "--fractions", "0,half"], "--fractions: expected numbers with commas such as 0,0.5,1"),
    "fractions above": (["net.py", "--fractions", "0,2"], "fractions: expected numbers from 0 to 1, found 2"),
    "override": (["net.py", "--override", "Ci"], "--override: expected NAME=inhibitory|excitatory|leave, found 'Ci'"),
    "effect": (["net.py", "--override", "Ci=inhibitry"], "found 'Ci=inhibitry'; did you mean 'inhibitory'?"),
    "score": (["net.py", "--score", "clam"], "--score: expected a function of net.py (calm), found 'clam'"),
    "criterion": (["net.py", "--criterion", "0.5"], "criterion: expected one only of a score, found no score"),
    "backend": (["net.py", "--backend", "numpy"], "--backend: expected runtime or cpp for a script, found 'numpy'"),
    "no file": (["other.py"], "other.py: expected a Python script, found no such file"),
    "a folder": (["."], "ablate: expected a network (NET.onnx, NET.nir) with --data, or a Brian2 script (.py), found"),
    "another file": (["net.txt"], "or a Brian2 script (.py), found 'net.txt'"),
    "no seeds": (["net.py", "--seeds", "0"], "--seeds: expected a whole number from 1 to 10,000, found '0'"),
    "seeds in words": (["net.py", "--seeds", "two"], "--seeds: expected a whole number from 1 to 10,000, found 'two'"),
    "criterion in words": (["net.py", "--criterion", "high"], "--criterion: expected a number, found 'high'"),
    "no criterion": (
        ["net.py", "--score", "calm", "--criterion", "nan"],
        "criterion: expected a number or a Criterion, found nan",
    ),
    "no data": (["net.onnx"], "--data: expected with net.onnx, found none"),
    "no target": (["net.onnx", "--data", "a.csv"], "--target: expected with net.onnx, found none"),
    "seeds": (
        ["net.onnx", "--data", "a.csv", "--target", "x", "--seeds", "3"],
        "--seeds: expected with SCRIPT.py only",
    ),
    "runtime": (
        ["net.onnx", "--data", "a.csv", "--target", "x", "--backend", "runtime"],
        "--backend: expected cpp, numpy or cuda_standalone, found 'runtime'",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_words_are_refused_before_anything_runs(case, script, tmp_path, capsys):
    words, why = BAD[case]
    script(more="open('ran', 'w').close()")
    assert run_command(["ablate", *words, "--json"]) == 2
    out, err = capsys.readouterr()
    assert not out and why in err and len(err.splitlines()) == 1
    assert not (tmp_path / "ran").exists()


FAILING = {
    "its line": ("from brian2 import *\nx = 1/0\n", "bad.py, line 2: ZeroDivisionError: division by zero"),
    "syntax": ("from brian2 import *\nrun(\n", "bad.py, line 2: SyntaxError"),
    "no network": ("x = 1\n", "bad.py: "),
    "not inhibitory": (SCRIPT.replace("h += 1*mV", "h -= 1*mV").format(more="", limit=1), "bad.py: no synapse"),
    "unknown": (SCRIPT.replace("h += 1*mV", "h += 0*mV").format(more="", limit=1), "slow"),
}


@pytest.mark.parametrize("case", FAILING)
def test_a_script_that_cannot_be_taken_is_one_line(case, script, capsys):
    text, why = FAILING[case]
    assert run_command(["ablate", script(text, name="bad.py"), "--seeds", "1", "--json", "--out", "out"]) == 2
    out, err = capsys.readouterr()
    lines = [line for line in err.splitlines() if "%" not in line]
    assert not out and len(lines) == 1 and lines[0].startswith("eisim: ") and why in lines[0]


def test_a_folder_that_cannot_be_written_is_found_before_the_script_runs(script, tmp_path, capsys):
    (tmp_path / "taken").write_text("a file")
    assert run_command(["ablate", script(more="open('ran', 'w').close()"), "--out", "taken/out"]) in (1, 2)
    assert len(capsys.readouterr().err.splitlines()) == 1 and not (tmp_path / "ran").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_an_interrupt_ends_all_processes_with_status_130(script, tmp_path):
    name = script(more="open('ran', 'w').close()")
    path = tmp_path / name
    path.write_text(path.read_text(encoding="utf-8").replace("run(30*ms)", "run(3000*second)"), encoding="utf-8")
    command = [sys.executable, "-m", "eisim", "ablate", name, "--seeds", "1", "--out", "out"]
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True, cwd=tmp_path)
    while not (tmp_path / "ran").exists():
        assert running.poll() is None
        time.sleep(0.05)
    os.kill(running.pid, signal.SIGINT)
    _, err = running.communicate(timeout=60)
    assert running.returncode == 130 and err.splitlines()[-1] == "eisim: interrupted; no partial files written"
    assert not (tmp_path / "out").exists() or not any((tmp_path / "out").iterdir())
    with pytest.raises(ProcessLookupError):  # no process of its group is left
        for _ in range(200):
            os.killpg(running.pid, 0)
            time.sleep(0.05)


def test_overrides_and_scores_are_read_without_executing(tmp_path):
    assert overrides_of(["a=b=leave", "c=inhibitory"]) == {"a=b": "leave", "c": "inhibitory"}
    path = tmp_path / "net.py"
    path.write_text("raise SystemExit\nfrom scores import calm\n")
    assert score_of(path, "calm").name == "calm" and score_of(path, None) is None
