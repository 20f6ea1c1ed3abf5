"""The command line, from outside."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET

import numpy as np
import pytest
import xarray as xr

from eisim.cli.commands import run_command
from eisim.report.page import page
from tests.support.figures import said

SMALL = ("--set", "functions=xor,and,and-by-inhibition", "--set", "seeds=2", "--set", "levels=3")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder and the output of one small run."""
    folder = tmp_path_factory.mktemp("run")
    command = [sys.executable, "-m", "eisim", "run", "--json", "--seed", "3", "--out", str(folder / "out"), *SMALL]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "out", done.stdout, command


@pytest.mark.slow
def test_json_is_one_document(finished):
    document = json.loads(finished[1])
    assert document["boolean"]["seed"] == 3
    rows = {row["function"]: row for row in document["boolean"]["rows"]}
    xor = rows["xor"]
    assert xor["truth_table"] == "0110" and xor["inputs"] == 2 and xor["representable"] is False
    assert xor["witness"] == [[0, 1], [1, 1]]
    assert xor["floor"] == 0.25 and xor["inversion_complexity"] == 1 and xor["verdict"] == "lost"
    for condition, accuracy in (("intact", 1.0), ("ablated", 0.75), ("best_excitatory", 0.75)):
        for system in ("spiking", "rate", "dnn"):
            assert xor["accuracy"][condition][system] == accuracy
    assert xor["equivalence_error"]["rate"] <= 1e-9 and xor["equivalence_error"]["spiking"] == 0
    assert rows["and"]["verdict"] == "kept" and rows["and"]["witness"] is None
    assert rows["and-by-inhibition"]["verdict"] == "lost" and rows["and-by-inhibition"]["representable"] is True


@pytest.mark.slow
def test_files_of_a_run(finished):
    folder = finished[0]
    drawn = {"ablation_curves", "losses", "xor_activity", "xor_weights", "xor_circuit"}
    names = {"table.csv", "data.nc", "shams.csv", *(f"{stem}.{kind}" for stem in drawn for kind in ("svg", "csv"))}
    assert {p.name for p in folder.iterdir()} == names | {"run.json", "report.html"}
    assert (folder / "report.html").read_text(encoding="utf-8") == page([folder])
    with (folder / "table.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["function"] for row in rows] == ["xor", "and", "and-by-inhibition"]
    assert float(rows[0]["accuracy_ablated_spiking"]) == 0.75
    record = json.loads((folder / "run.json").read_text())
    assert record["seed"] == 3 and record["settings_si"]["seeds"] == 2 and "brian2" in record["versions"]
    assert record["settings_units"] == dict.fromkeys(("duration", "window", "dt"), "second") | {"noise": "volt"}
    assert set(record["files"]) == names and record["about"].startswith("Which Boolean functions")
    assert record["result"] == json.loads(finished[1])["boolean"]
    assert record["report"]["answer"].startswith("2 of 3 functions lost without inhibition (provable 1, differs 1).")
    data = xr.load_dataset(folder / "data.nc")
    assert data.spiking_noisy.dims == ("function", "condition", "seed", "pattern")
    assert data.spiking_noisy.attrs["units"] == "Hz"
    correct = (data.rate > data.rate_threshold) == data.target
    ablated = correct.sel(function="xor").isel(condition=2, pattern=slice(4))
    assert ablated.mean() == 0.75
    assert np.isnan(data.fraction_removed.sel(condition="best excitatory-only"))
    for name in names:
        if name.endswith(".svg"):
            ET.parse(folder / name)
            text = " ".join(said((folder / name).read_text()))
            assert "xor" in text or "weight" in text


@pytest.mark.slow
def test_same_seed_same_bytes(finished, eisim, tmp_path):
    again = eisim("run", "--seed", 3, "--out", tmp_path / "again", *SMALL)
    assert again.returncode == 0 and "lost: provable" in again.stdout and "lost: differs" in again.stdout
    for name in ("table.csv", "data.nc", "ablation_curves.svg", "xor_activity.svg"):
        assert (tmp_path / "again" / name).read_bytes() == (finished[0] / name).read_bytes(), name


@pytest.mark.slow
def test_one_kind(eisim, tmp_path):
    done = eisim("run", "--kind", "rate", "--json", "--out", tmp_path, *SMALL)
    row = json.loads(done.stdout)["boolean"]["rows"][0]
    assert done.returncode == 0 and set(row["accuracy"]["intact"]) == {"rate", "rate_dnn", "dnn"}


@pytest.mark.slow
def test_default_folder_and_truth_tables(eisim, tmp_path):
    done = eisim(
        "run", "--kind", "rate", "--backend", "numpy", "--set", "functions=0111,10", "--set", "dt=1ms", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "results" / "boolean" / "run.json").exists()


def test_list_and_help_are_light(eisim):
    listed = eisim("list")
    assert listed.returncode == 0
    for name in ("boolean", "xor", "and_by_inhibition"):
        assert name in listed.stdout
    for words in (("--help",), ("run", "--help"), ()):
        shown = eisim(*words)
        assert shown.returncode == 0 and "eisim" in shown.stdout
    code = (
        "import sys, eisim, eisim.cli.commands; print({'brian2', 'matplotlib', 'scipy', 'xarray'} & set(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", "--seed", "x"), "'x'"),
        (("run", "--seed", "-1"), "-1"),
        (("run", "--kind", "fast"), "'fast'"),
        (("run", "--backend", "gpu"), "'gpu'"),
        (("run", "nothing"), "run: expected an experiment (boolean,"),
        (("run", "--set", "seeds"), "expected KEY=VALUE, found 'seeds'"),
        (("run", "--set", "speed=1"), "expected one of functions, levels"),
        (("run", "--set", "seeds=many"), "seeds: expected a whole number, found 'many'"),
        (("run", "--set", "seeds=0"), "seeds: expected at least 1, found 0"),
        (("run", "--set", "noise=1"), "noise: expected a voltage such as 15*mV, found '1'"),
        (("run", "--set", "noise=-1mV"), "noise: expected 0 or more, found -0.001"),
        (("run", "--set", "noise=nanmV"), "noise: expected"),
        (("run", "--set", "duration=0.1ms"), "window: expected between"),
        (("run", "--set", "dt=20ms", "--kind", "rate", "--backend", "numpy"), "dt: expected at most the time constant"),
        (("run", "--set", "functions=011"), "expected 2, 4, 8, 16, 32 or 64 characters, found 3"),
        (
            ("run", "--set", "functions=nor"),
            "functions: expected a truth table, a CSV file with one, or one of and, or",
        ),
        (("run", "--set", "functions="), "functions: expected"),
        (("run", "--set", "functions=xor,xor"), "each function once"),
        (
            ("run", "--out", "/dev/null/results"),
            "--out: expected a folder that can be written, found '/dev/null/results'",
        ),
        (("fly",), "fly"),
        (("run", "--wings"), "--wings"),
    ],
)
def test_bad_input_is_one_line_and_status_2(eisim, tmp_path, words, said):
    done = eisim(*words, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1 and said in done.stderr, done.stderr


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("after", [0.0, 0.7, 1.5, 2.5])
def test_an_interrupted_run_leaves_nothing(tmp_path, after):
    command = [sys.executable, "-m", "eisim", "run", "--set", "seeds=300", "--out", str(tmp_path / "out")]
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    while not (tmp_path / "out").exists():
        assert running.poll() is None
        time.sleep(0.01)
    time.sleep(after)
    assert running.poll() is None
    os.killpg(running.pid, signal.SIGINT)
    _, said = running.communicate(timeout=30)
    assert running.returncode == 130
    assert said == "eisim: interrupted; no partial files written\n"
    assert list((tmp_path / "out").iterdir()) == []


def test_an_interrupt_in_code_from_a_string_ends_with_the_same_status(eisim, tmp_path):
    """As in the many imports that make classes from text: CPython would end by the signal."""
    own = tmp_path / "own.py"
    own.write_text("exec('raise KeyboardInterrupt')")
    done = eisim("run", own, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (130, "eisim: interrupted; no partial files written\n")


def test_json_of_bad_input_leaves_stdout_empty(eisim, tmp_path):
    done = eisim("run", "--json", "--set", "functions=2", cwd=tmp_path)
    assert done.returncode == 2 and done.stdout == ""


def test_certify_a_truth_table(eisim, tmp_path):
    done = eisim("certify", "--truth-table", "0110", "--json", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    stored = json.loads((tmp_path / "certificate.json").read_text())
    assert found.items() <= stored.items() and stored.keys() - found.keys() == {
        *("finished", "command", "settings_si", "seconds", "versions", "platform", "report")
    }
    assert "No excitatory-only circuit computes 0110" in stored["report"]["answer"]
    assert found["representable"] is False and found["violating_pairs"] == 2
    assert found["witness"] == [[0, 1], [1, 1]] and found["inversion_complexity"] == 1
    assert found["floor"] == pytest.approx({"zero_one": 0.25, "l1": 0.25, "l2": 1 / 6, "linf": 0.5})
    assert found["best_monotone"]["zero_one"] == [0, 1, 1, 1]
    ET.parse(tmp_path / "certificate.svg")
    assert (tmp_path / "points.csv").read_text().splitlines()[:2] == [
        "x1,x2,target,weight,best_zero_one,best_l1,best_l2,best_linf",
        "0.0,0.0,0.0,1.0,0.0,0.0,0.0,0.0",
    ]


@pytest.mark.slow
def test_certify_data_in_words(eisim, tmp_path):
    rows = "".join(f"{c},{s},{(c > 3) * (s < 4):d},2\n" for c in range(8) for s in range(8))
    (tmp_path / "cells.csv").write_text("contrast,size,fires,n\n" + rows)
    words = ("certify", "cells.csv", "--target", "fires", "--weights", "n")
    done = eisim(*words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = " ".join(done.stdout.split())
    assert "No excitatory-only circuit computes “fires” in cells.csv exactly; the best gets 16 of 64 rows" in told
    assert "Inputs: contrast and size." in told
    assert "At (contrast = 4, size = 3) the function is 1, at (contrast = 4, size = 4) 0 (raised: size)." in told
    assert "feed-forward threshold circuit (Markov 1957): 1." in told
    assert "With size flipped" in told
    assert {p.name for p in (tmp_path / "results/certify-cells").iterdir()} == {
        "certificate.json",
        "certificate.svg",
        "points.csv",
        "report.html",
        "run.json",
    }
    assert "Points, certificate and picture are in" in told
    only = eisim(*words, "--loss", "l2", "--json", cwd=tmp_path)
    assert list(json.loads(only.stdout)["floor"]) == ["l2"]


def test_results_of_certify_are_kept_apart_by_what_is_certified(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for words in (["--truth-table", "0110"], ["--truth-table", "xor"], ["--region", "disc"]):
        assert run_command(["certify", *words, "--loss", "zero-one", "--json"]) == 0
    assert run_command(["certify", "--truth-table", "../0110"]) == 2
    assert {folder.name for folder in (tmp_path / "results").iterdir()} == {
        f"certify-{w}" for w in ("0110", "xor", "disc")
    }


def test_certify_speaks_of_a_picture_only_if_there_is_one(tmp_path, capsys):
    (tmp_path / "x.csv").write_text("who,a,b,c,y\nAnn,1,2,3,yes\nBob,1,3,2,no\nEve,2,2,3,no\n")
    words = ["certify", str(tmp_path / "x.csv"), "--target", "y", "--ignore", "who", "--out", str(tmp_path / "out")]
    assert run_command(words) == 0
    told = capsys.readouterr().out
    assert "Points and certificate are in" in told and "Inputs: a, b and c." in told
    assert not (tmp_path / "out" / "certificate.svg").exists()
    page = (tmp_path / "out" / "report.html").read_text()
    assert "loss = all" in page and "orient = " not in page


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "expected one of FILE.csv, --truth-table and --region, found 0 of them"),
        (("--truth-table", "0110", "--region", "disc"), "found 2 of them"),
        (("--truth-table", "011"), "truth table: expected 2, 4, 8, 16, 32 or 64 characters, found 3"),
        (("--region", "moon"), "--region: expected one of half-plane,"),
        (("--truth-table", "0110", "--target", "y"), "expected with FILE.csv only"),
        (("--truth-table", "0110", "--ignore", "y"), "expected with FILE.csv only"),
        (("nowhere.csv", "--target", "y"), "nowhere.csv: cannot be read: No such file or directory"),
        (("nowhere.csv",), "nowhere.csv: cannot be read: No such file or directory"),
        (("--truth-table", "0110", "--loss", "l3"), "'l3' is not one of"),
    ],
)
def test_bad_words_to_certify(eisim, tmp_path, words, message):
    done = eisim("certify", *words, cwd=tmp_path)
    assert done.returncode == 2 and not done.stdout
    assert message in done.stderr and done.stderr.count("\n") == 1
    assert not [*tmp_path.iterdir()]
