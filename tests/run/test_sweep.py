"""Sweeps: axes, points, the same numbers wherever they are computed, and whatever happens on the way."""

import csv
import errno
import gc
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from itertools import count

import numpy as np
import pytest
import xarray as xr

from eisim import InputError, sweep
from eisim.base import processes
from eisim.base.schema import Parameter
from eisim.base.store import checkpoint
from eisim.report.view import view_of
from eisim.run.sweep.axes import make_axis, parse_axis
from eisim.run.sweep.subject import Point, Subject, measure, numbers_of, parameters
from eisim.run.sweep.work import versions
from models import brunel
from tests.support.findings import check

pytestmark = pytest.mark.slow

#: An experiment that costs nothing, writes down which point it computes, and does harm where a file says so.
OWN = '''
"""An experiment of a test."""
import os, pathlib, random, signal, sys, time
from dataclasses import dataclass

HERE = pathlib.Path(__file__).parent

@dataclass(frozen=True)
class Settings:
    a: float = 1.0
    b: int = 0
    how: str = "plain"

def once(name):
    """Whether this is the first time that a file of this name is found; it is taken away."""
    try:
        (HERE / name).unlink()
        return True
    except FileNotFoundError:
        return False

def run(settings, kinds, seed, backend, report):
    with open(HERE / "log", "a") as log:
        log.write(f"{settings.a} {settings.b} {seed}\\n")
    print("this is no answer of a worker")
    time.sleep(0.02)
    if settings.a == 2 and (once("die") or (HERE / "die-always").exists()):
        os.kill(os.getpid(), signal.SIGKILL)
    if settings.a == 3 and (HERE / "fail").exists():
        raise ValueError("no such state")
    rng = random.Random(f"{settings.a} {settings.b} {seed}")
    return {"value": rng.random() + settings.a, "rows": [{"name": "one", "share": rng.random(), "ok": True}]}
'''


@pytest.fixture
def parts(tmp_path, monkeypatch):
    """Where finished points are kept: elsewhere for each test."""
    monkeypatch.setenv("EISIM_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache" / "runs"


@pytest.fixture
def own(tmp_path, parts):
    """The experiment's file."""
    file = tmp_path / "own" / "cheap.py"
    file.parent.mkdir()
    file.write_text(OWN)
    return file


def computed(own):
    log = own.parent / "log"
    return log.read_text().splitlines() if log.exists() else []


def kept(parts):
    return list(parts.glob("*/*.part"))


def same(one, other):
    assert one.to_dataframe().equals(other.to_dataframe()) and one.axes == other.axes


ANY = {name: Parameter(name) for name in ("g", "eta", "delay")}
KNOWN = ANY | {"n": Parameter("n", int), "how": Parameter("how", str), "tau": Parameter("tau", float, "second")}


@pytest.mark.parametrize(
    ("text", "values", "unit"),
    [
        ("g=3:7:9", (3, 3.5, 4, 4.5, 5, 5.5, 6, 6.5, 7), ""),
        ("g=0.1:0.3:3", (0.1, 0.2, 0.3), ""),
        ("g=7:3:2", (3, 7), ""),
        ("g = 4, 1e1,2", (2, 4, 10), ""),
        ("g=5:5:1", (5,), ""),
        ("delay=1mV:5mV:3", (0.001, 0.003, 0.005), "volt"),
        ("tau=5 ms,1*s", (0.005, 1), "second"),
        ("n=1:3:3", (1, 2, 3), ""),
        ("how=cut:I->E,block", ("cut:I->E", "block"), ""),
    ],
)
def test_an_axis_from_text(text, values, unit):
    axis = parse_axis(text, KNOWN)
    assert axis.values == pytest.approx(values) if axis.is_numeric else axis.values == values
    assert axis.unit == unit and not (axis.name == "n" and isinstance(axis.values[0], float))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("g", "expected NAME=FROM:TO:NUMBER or"),
        ("gg=1:2:2", "expected one of g, eta, delay, n, how, tau, found 'gg'; did you mean 'g'?"),
        ("g=", "g: expected at least one value, found none"),
        ("g=,", "g: expected at least one value, found none"),
        ("g=1,2,1", "g: expected different values, found 1 twice"),
        ("g=2:2:3", "g: expected different values, found 2 twice"),
        ("g=1:2", "g: expected FROM:TO:NUMBER, found '1:2'"),
        ("g=1:2:1", "g: expected at least 2 values from 1 to 2, found 1"),
        ("g=1:2:0", "g: expected a number of values of 1 or more, found '0'"),
        ("g=1:2:x", "g: expected a number of values of 1 or more, found 'x'"),
        ("g=1:2:20000", "g: expected at most 10,000 values, found 20,000"),
        ("g=nan", "g: expected a plain number, found 'nan'"),
        ("g=1,x", "g: expected a plain number, found 'x'"),
        ("g=1e999,2", "g: expected a finite number, found '1e999'"),
        ("g=1mV:5:3", "g: expected values of one unit, found volt and none"),
        ("tau=5", "tau: expected a time such as 5*ms, found '5'"),
        ("tau=5mV", "tau: expected a time such as 5*ms, found '5mV'"),
        ("n=1:2:3", "n: expected whole numbers, found 1.5 in 1:2:3"),
        ("n=1.5", "n: expected a whole number, found '1.5'"),
    ],
)
def test_what_is_no_axis(text, said):
    with pytest.raises(InputError) as error:
        parse_axis(text, KNOWN)
    assert said in str(error.value) and "\n" not in str(error.value)


def test_an_axis_from_python():
    from brian2 import ms, mV

    assert make_axis("tau", [2, 1] * ms, KNOWN).values == (0.001, 0.002)
    assert make_axis("delay", 5 * mV, KNOWN).unit == "volt"
    assert make_axis("n", np.arange(3), KNOWN).values == (0, 1, 2)
    assert make_axis("tau", 0.1, KNOWN).unit == "second"
    for name, wrong in (("tau", [1, 2] * mV), ("g", [[1, 2]]), ("g", [np.nan]), ("g", ["x"]), ("g", []), ("n", [1.5])):
        with pytest.raises(InputError):
            make_axis(name, wrong, KNOWN)


def test_numbers_of_a_document():
    rows = [{"name": "xor", "floor": 0.25, "in": {"E": 1}}, {"name": "and", "floor": None}]
    found = numbers_of({"seed": np.int64(3), "rows": rows, "list": [1, 2], "word": "x", "twice": [rows[0], rows[0]]})
    assert {name: found[name] for name in ("seed", "rows.xor.floor", "rows.xor.in.E", "twice.1.floor")} == {
        "seed": 3.0,
        "rows.xor.floor": 0.25,
        "rows.xor.in.E": 1.0,
        "twice.1.floor": 0.25,
    }
    assert np.isnan(found["rows.and.floor"]) and not {"word", "list"} & set(found)


OVER = {"a": "4:9:6", "b": [1, 2]}


def test_what_was_found(own):
    found = sweep(own, OVER, seeds=3, seed=5, workers=2)
    assert len(computed(own)) == len(set(computed(own))) == 6 * 2 * 3
    data = found.to_xarray()
    assert data["value"].dims == ("a", "b", "seed") and data["rows.one.share"].shape == (6, 2, 3)
    frame = found.to_dataframe()
    assert len(frame) == 36 and list(frame) == ["a", "b", "seed", "value", "rows.one.share", "rows.one.ok"]
    at = frame[(frame.a == 7) & (frame.b == 2)]
    expected = [random.Random(f"7.0 2 {seed}").random() + 7 for seed in found.seeds]
    assert at["value"].tolist() == expected == data["value"].sel(a=7, b=2).values.tolist()
    assert found.mean("value")[3, 1] == np.mean(expected) and found.sd("value")[3, 1] == np.std(expected)
    assert found.plot("value").get_xlabel() == "a" and not found.numbers["value"].flags.writeable
    with pytest.raises(InputError, match="did you mean 'value'"):
        found.plot("valu")
    part = sweep(own, {"a": 8}, seeds=2, seed=5, settings={"b": 2}, workers=1)
    assert part.numbers["value"].tolist() == [found.numbers["value"][4, 1, :2].tolist()]


@pytest.mark.parametrize(
    "over",
    [{"a": [5]}, {"a": "1:4:4", "how": "plain,other"}, {"a": [4, 5], "b": [1, 2, 3], "how": "x,y"}, {"how": "x,y"}],
)
def test_figures_and_findings(own, over):
    found = sweep(own, over, seeds=2, workers=2)
    files, figures = dict(view_of(found).all_files()), dict(view_of(found).drawn())
    check(view_of(found).findings(), files, figures)
    rows = list(csv.DictReader(files["data.csv"].splitlines()))
    assert len(rows) == np.prod(found.shape) * 2
    assert "sweep.svg" in figures and figures["sweep.svg"].axes


def test_more_axes_than_a_figure_shows(own):
    own.write_text(OWN.replace("b: int = 0", "b: int = 0\n    c: int = 0"))
    found = sweep(own, {"a": [4, 5], "b": [1, 2], "c": [1, 2], "how": "x,y"}, workers=2)
    assert not dict(view_of(found).drawn())
    assert any("up to 3 axes" in note for table in view_of(found).findings().tables for note in table.notes)
    with pytest.raises(InputError, match="expected a sweep of 1 or 2 axes, found 4"):
        found.plot()


def test_a_point_that_fails_is_named_and_the_others_are_kept(own, parts, eisim, tmp_path):
    words = ("sweep", own, "--over", "a=1:4:4", "--workers", 2, "--out", tmp_path / "out")
    (own.parent / "fail").touch()
    done = eisim(*words)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "eisim: a = 3, seed 2968811710 failed: cheap.py, line" in done.stderr and "no such state" in done.stderr
    document = json.loads((tmp_path / "out/run.json").read_text())
    assert [row == [None] for row in document["result"]["numbers"]["value"]] == [False, False, True, False]
    assert document["result"]["failed"][0]["index"] == [2, 0]
    assert len(kept(parts)) == 3 and len(computed(own)) == 4
    (own.parent / "fail").unlink()
    done = eisim(*words)
    assert done.returncode == 0 and "resuming from 3 finished parts" in done.stderr
    assert len(computed(own)) == 5 and kept(parts) == []
    assert np.isfinite(xr.load_dataset(tmp_path / "out/data.nc")["value"]).all()


def test_if_all_points_fail_that_is_an_error(own):
    (own.parent / "fail").touch()
    with pytest.raises(InputError, match=r"all points failed; the first with: cheap\.py, line \d+: .*no such state"):
        sweep(own, {"a": [3]}, seeds=2)


def test_a_process_that_dies_is_replaced(own):
    whole = sweep(own, {"a": "1:4:4"}, workers=2)
    (own.parent / "die").touch()
    same(sweep(own, {"a": "1:4:4"}, workers=2), whole)
    assert len(computed(own)) == 9
    (own.parent / "die-always").touch()
    found = sweep(own, {"a": "1:4:4"}, workers=2)
    assert found.problems == [
        f"a = 2, seed {found.seeds[0]} failed: the process died of it 3 times, the last one with signal SIGKILL"
    ]
    assert np.isfinite(found.numbers["value"]).sum() == 3


def test_stopped_by_the_user(own, parts, tmp_path):
    words = [sys.executable, "-m", "eisim", "sweep", str(own), "--over", "a=1:200:200", "--out", str(tmp_path / "out")]
    running = subprocess.Popen([*words, "--workers", "2"], stderr=subprocess.PIPE, text=True, start_new_session=True)
    while len(kept(parts)) < 5:
        time.sleep(0.01)
    os.killpg(running.pid, signal.SIGINT)  # as a terminal does
    _, said = running.communicate()
    assert running.returncode == 130 and "Traceback" not in said
    assert "finished parts kept; the same command resumes from here" in said
    after = len(computed(own))
    with pytest.raises(ProcessLookupError):  # none of its processes is left
        os.killpg(running.pid, 0)
    time.sleep(0.1)
    assert len(computed(own)) == after < 200 and not (tmp_path / "out" / "run.json").exists()


@pytest.mark.nightly
def test_d7_an_interrupt_at_any_moment_is_one_line(parts, tmp_path):
    """In a terminal Ctrl-C goes to all processes of the sweep: as they are imported, compile, or compute a point."""
    words = [sys.executable, "-m", "eisim", "sweep", "wilson_cowan", "--over", "stimulus=0:2:40", "--kind", "rate"]
    chance = random.Random(3)
    for number in range(6):
        running = subprocess.Popen(
            [*words, "--workers", "2", "--fresh", "--out", str(tmp_path / "out")],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        time.sleep(chance.uniform(0.5, 4) * (number + 1) / 3)
        os.killpg(running.pid, signal.SIGINT)
        _, said = running.communicate(timeout=60)
        if running.returncode == 0:  # it was faster
            continue
        assert running.returncode == 130 and "Traceback" not in said
        *before, last = said.splitlines()
        assert last.startswith("eisim: interrupted; "), said
        assert len(before) <= 1 and all("kept; the same command resumes" in line for line in before), said


def test_d7_workers_of_a_sweep_do_not_hear_the_terminal(own, monkeypatch):
    """They have a process group of their own, so that an interrupt of their parent's never meets their imports."""
    starts, start = [], processes.start

    def noted(*words, **options):
        running = start(*words, **options)
        if "eisim.base.workers" in str(words):
            starts.append(os.getpgid(running.pid) == running.pid != os.getpgid(0))
        return running

    monkeypatch.setattr("eisim.base.workers.processes.start", noted)
    sweep(own, {"a": [4, 5]}, workers=2)
    assert starts and all(starts)


def results(folder):
    """What must be the same, byte by byte."""
    found = json.loads((folder / "run.json").read_text())["result"]
    return (folder / "data.nc").read_bytes(), (folder / "data.csv").read_bytes(), found


def test_killed_at_random(own, parts, tmp_path, eisim):
    n, chance, kills = 120, random.Random(1), 15
    words = ("sweep", own, "--over", f"a=4:{n + 3}:{n}", "--workers", 2)
    assert eisim(*words, "--out", tmp_path / "whole").returncode == 0
    assert sorted(computed(own)) == sorted(set(computed(own))) and len(computed(own)) == n
    (own.parent / "log").unlink()
    begun, in_the_middle, whole = 0, 0, results(tmp_path / "whole")
    for _ in range(kills):
        command = [sys.executable, "-m", "eisim", *map(str, words), "--out", str(tmp_path / "out")]
        running = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        begun += 1
        had, more = len(kept(parts)), chance.choice([0, 1, 1, 2])
        until = time.monotonic() + (chance.uniform(0, 0.3) if not more else 30)
        while time.monotonic() < until and running.poll() is None and len(kept(parts)) < had + more:
            time.sleep(0.002)
        time.sleep(chance.uniform(0, 0.02))
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
        in_the_middle += 0 < len(kept(parts)) < n
        if (tmp_path / "out" / "run.json").exists():
            assert results(tmp_path / "out") == whole
    done = eisim(*words, "--out", tmp_path / "out")
    assert done.returncode == 0 and in_the_middle > kills / 2
    assert results(tmp_path / "out") == whole
    assert set(computed(own)) == {f"{float(a)} 0 2968811710" for a in range(4, n + 4)}  # nothing lost
    assert len(computed(own)) <= n * (1 + begun // n) + 3 * begun  # what was finished is not computed again
    assert kept(parts) == []


def test_a_disk_that_is_full_for_a_while(own, parts, monkeypatch, capsys):
    whole = sweep(own, {"a": "4:23:20"}, workers=2)
    replace, times = os.replace, count()

    def full(source, target):
        if str(target).endswith(".part") and next(times) % 3 == 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", full)
    monkeypatch.setattr(checkpoint.Parts, "clear", lambda self: None)
    same(sweep(own, {"a": "4:23:20"}, workers=2), whole)
    assert "finished parts cannot be kept: [Errno 28] No space left on device" in capsys.readouterr().err
    assert len(kept(parts)) == 13 and len(list(parts.glob("*/*"))) == 13  # nothing half-written beside them
    before = len(computed(own))
    same(sweep(own, {"a": "4:23:20"}, workers=2), whole)
    assert len(computed(own)) == before + 7


def test_a_disk_that_takes_no_more(own, parts, tmp_path, eisim):
    resource = pytest.importorskip("resource", reason="limits of POSIX")
    words = ("sweep", own, "--over", "a=4:9:6", "--workers", 2)
    assert eisim(*words, "--out", tmp_path / "whole").returncode == 0
    limited = subprocess.run(
        [sys.executable, "-m", "eisim", *map(str, words), "--out", str(tmp_path / "out")],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (700, resource.RLIM_INFINITY)),
    )
    assert limited.returncode == 2 and "Traceback" not in limited.stderr, limited.stderr
    assert "cannot be written: File too large; all that is finished is kept" in limited.stderr
    assert len(kept(parts)) == 6 and not (tmp_path / "out" / "run.json").exists()
    before = len(computed(own))
    assert eisim(*words, "--out", tmp_path / "out").returncode == 0
    assert len(computed(own)) == before and results(tmp_path / "out") == results(tmp_path / "whole")


def test_on_a_cluster_of_which_a_worker_is_killed(own):
    distributed = pytest.importorskip("distributed", reason="pip install 'eisim[dask]'")
    over = {"a": "4:33:30", "b": [1, 2]}
    local = sweep(own, over, workers=1)
    (own.parent / "log").unlink()
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=2, processes=True, dashboard_address=None, silence_logs=50
    ) as cluster:
        killed = []

        def kill():
            while len(computed(own)) < 10:
                time.sleep(0.005)
            killed.append(next(iter(cluster.workers.values())).pid)
            os.kill(killed[0], signal.SIGKILL)

        killer = threading.Thread(target=kill)
        killer.start()
        found = sweep(own, over, scheduler=cluster.scheduler_address)
        killer.join()
        same(found, local)
        assert not found.failed and killed and len(set(computed(own))) == 60
        own.write_text(OWN.replace("+ settings.a", "- settings.a"))  # the workers have loaded the file as it was
        changed = sweep_elsewhere(own, cluster.scheduler_address)
        assert "expected workers with the same versions, found" in changed and "restart the workers" in changed
        brian2 = versions("brunel")["brian2"]
        assert brian2 and versions(str(own)).keys() > versions("brunel").keys()


@contextmanager
def dask(what, *words):
    """A scheduler or a worker as the documentation starts it, that others on this machine alone can reach."""
    command = [sys.executable, "-m", f"distributed.cli.dask_{what}", "--no-dashboard", "--host", "127.0.0.1", *words]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        yield running
    finally:
        running.terminate()
        running.communicate(timeout=60)


@pytest.mark.nightly
def test_c2_a_built_in_model_on_a_cluster_with_workers_that_come_late(parts, tmp_path):
    """Brian2 is imported in the threads of the workers, which come after the sweep has begun."""
    pytest.importorskip("distributed", reason="pip install 'eisim[dask]'")
    over, times = {"stimulus": "0:2:12"}, {"duration": "0.05s", "window": "0.03s"}
    local = sweep("wilson_cowan", over, kind="rate", workers=1, settings=times)
    file, found, failed = tmp_path / "scheduler.json", [], []

    def compute(address):
        try:
            found.append(sweep("wilson_cowan", over, kind="rate", scheduler=address, settings=times, fresh=True))
        except BaseException as error:
            failed.append(error)

    with dask("scheduler", "--port", "0", "--scheduler-file", str(file)), ExitStack() as workers:
        wait_for(file.exists)
        address = json.loads(file.read_text())["address"]
        computing = threading.Thread(target=compute, args=(address,))
        computing.start()
        time.sleep(1)  # it waits for a worker
        workers.enter_context(dask("worker", address, "--nthreads", "2"))
        wait_for(lambda: kept(parts) or not computing.is_alive())
        workers.enter_context(dask("worker", address, "--nthreads", "1"))
        computing.join(120)
    assert not failed and found, failed
    assert not found[0].failed
    same(found[0], local)


def wait_for(happened, patience=60.0):
    end = time.monotonic() + patience
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.02)


def sweep_elsewhere(file, scheduler):
    """What a sweep on a cluster says, from a new process."""
    words = [sys.executable, "-m", "eisim", "sweep", str(file), "--over", "a=4,5", "--scheduler", scheduler]
    done = subprocess.run([*words, "--out", str(file.parent / "out")], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    return done.stderr


def test_a_cluster_that_is_not_there(own, monkeypatch, capfd):
    pytest.importorskip("distributed", reason="pip install 'eisim[dask]'")
    monkeypatch.setattr("eisim.run.sweep.cluster.PATIENCE", 0.5)
    for address in ("tcp://127.0.0.1:1", "nonsense", "", "tcp://", "a b:3", "ftp://127.0.0.1:1"):
        with pytest.raises(InputError, match=r"--scheduler: expected a Dask scheduler at '.*', found none"):
            sweep(own, {"a": [4]}, scheduler=address)
    gc.collect()  # what was begun and not finished complains at its end
    assert "Traceback" not in capfd.readouterr().err


def test_bad_input(own):
    for words, said in (
        ({"name": "brunell", "over": {"g": [1]}}, "did you mean 'brunel'"),
        ({"name": "no_such.py", "over": {"g": [1]}}, "found no such file"),
        ({"name": own, "over": {}}, "expected at least one parameter to sweep"),
        ({"name": own, "over": {"a": [1]}, "settings": {"a": 2}}, "expected a parameter that is not swept"),
        ({"name": own, "over": {"a": [1]}, "settings": {"c": 2}}, "expected one of a, b, how, found 'c'"),
        ({"name": own, "over": {"a": [1]}, "seeds": 0}, "seeds: expected a whole number of 1 or more"),
        ({"name": own, "over": {"a": [1]}, "workers": 1.5}, "workers: expected a whole number"),
        ({"name": own, "over": {"a": "1:1e3:1000", "b": "1:1001:1001"}}, "at most 1,000,000 points"),
        ({"name": own, "over": {"a": [1]}, "workers": 1, "scheduler": "tcp://x:1"}, "expected without --scheduler"),
        ({"name": "brunel", "over": {"g": [1]}, "kind": "both"}, "expected rate or spiking for a model"),
        ({"name": "brunel", "over": {"g": [1]}, "backend": "cuda"}, "backend: expected"),
    ):
        with pytest.raises(InputError) as error:
            sweep(**words)
        assert said in str(error.value), error.value


CIRCUIT = """
from eisim import LIF, Circuit, Input, Population, Projection, Readout, ThresholdLinear

function = "0111"

def circuit(kind, *, weight=0.06, cells: int = 1):
    neuron = LIF() if kind == "spiking" else ThresholdLinear()
    return Circuit(
        "either",
        inputs=[Input("A"), Input("B")],
        populations=[Population("out", "E", neuron, cells)],
        projections=[Projection(name, "out", [[weight] * cells]) for name in "AB"],
        readouts=[Readout("out", 25.0)],
    )
"""


def at(subject, **values):
    """The numbers of one point, computed here."""
    axes = tuple(make_axis(name, value, parameters(subject)) for name, value in values.items())
    return measure(subject, axes, Point((0,) * (len(axes) + 1), tuple(axis.values[0] for axis in axes), 7))


def test_a_circuit_of_ones_own(tmp_path):
    file = tmp_path / "either.py"
    file.write_text(CIRCUIT)
    short = (("duration", "60ms"), ("window", "40ms"))
    subject = Subject(str(file), ("spiking",), short, "numpy")
    assert set(parameters(subject)) == {"weight", "cells", "stimulus", "duration", "window", "dt"}
    assert at(subject, weight="0mV")["score"] == 0.25 and at(subject, weight="60mV", cells="1")["score"] == 1
    driven = at(subject, stimulus=1)
    assert driven["rate_out"] > 0 == at(subject, stimulus=0)["rate_out"] and "score" not in driven
    assert {"cv_out", "synchrony_out", "modulation_out", "correlation_out", "frequency_out"} < set(driven)
    for wrong in ({"weight": "-1V"}, {"cells": 0}):
        with pytest.raises(InputError):
            at(subject, **wrong)


def test_the_task_of_a_model():
    from eisim import simulate
    from models import inhibition_stabilized_network as model

    task = model.task("rate", quick=True)
    subject = Subject("inhibition_stabilized_network", ("rate",), (("quick", "1"),), "numpy")
    response = simulate(
        model.circuit("rate", excitation=0.5),
        task.stimuli,
        duration=task.duration,
        window=task.window,
        dt=task.dt,
        backend="numpy",
        seed=7,
        record=task.record,
    )
    found = at(subject, excitation=0.5)
    assert found == {
        "score": task.score(response),
        "rate_E": response.rates["E"].mean(),
        "rate_I": response.rates["I"].mean(),
    }
    with pytest.raises(InputError, match="stimulus: expected without eta"):
        at(Subject("brunel", ("rate",), (), "numpy"), eta=1, stimulus=1)


def test_states_of_brunels_network():
    """Three of the four states of fig. 8 show in a tenth of the neurons, the same bits with 1 process and with 2."""
    common = {"settings": {"duration": "500ms", "window": "400ms"}}
    found = sweep("brunel", {"g": [3, 5], "eta": [2.0]}, workers=2, **common)
    same(sweep("brunel", {"g": [3, 5], "eta": [2.0]}, workers=1, **common), found)
    assert found.phases.tolist() == [["SR"], ["AI"]]
    slow = sweep("brunel", {"g": [4.5], "eta": [0.5, 0.9]}, workers=2, **common)
    assert slow.phases.tolist() == [["quiet", "SI slow"]]
    files, figures = dict(view_of(slow).all_files()), dict(view_of(slow).drawn())
    assert "phases.svg" in figures
    check(view_of(slow).findings(), files, figures)


def test_criteria_of_the_states():
    fast = {"rate_E": 60.0, "cv_E": 1.0, "modulation_E": 1.0, "frequency_E": 172.0}
    assert brunel.phase(fast) == "SI fast" and brunel.phase(fast | {"modulation_E": 0.54}) == "AI"
    assert (
        brunel.phase(fast | {"cv_E": 0.1}) == "SR" and brunel.phase(fast | {"cv_E": 0.1, "modulation_E": 0.1}) == "AR"
    )
    assert brunel.phase(fast | {"rate_E": 0.1}) == brunel.phase(fast | {"cv_E": np.nan}) == "quiet"
    assert Subject("brunel", ("rate",)).title == "brunel" and set(brunel.PHASES) > {"SR", "AR", "AI"}
