"""The tasks of a survey in processes: the same bits in the same order, errors as ever, and nothing is left running."""

import os
import signal
import subprocess
import sys
import time
import warnings
from functools import partial
from pathlib import Path

import pytest

from eisim.ablation import InapplicableError
from eisim.base import memory, processes
from eisim.base.errors import InputError
from eisim.base.progress import silent
from eisim.base.store.checkpoint import kept
from eisim.report.view import view_of
from eisim.run.model import Model
from eisim.studies.tasks import survey
from eisim.studies.tasks.apart import assess_apart
from tests.support import two_choice

NAMES = ("one", "two", "three")


def dying_once_another_is_kept(report):
    while not [*Path(os.environ["EISIM_CACHE_DIR"]).glob("runs/*/*.part")]:
        time.sleep(0.02)
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture
def two(monkeypatch):
    monkeypatch.setattr(processes, "processors", lambda: 2)


def models(*names):
    return {name: Model.of_module(two_choice, name) for name in names}


def surveyed(report=silent, how="block"):
    every = {"kinds": ["rate"], "doses": 2, "controls": "all", "backend": "numpy"}
    return survey(models(*NAMES), [5], True, report, how=how, **every)


def waiting(value, report, seconds=0.0):
    time.sleep(seconds)
    report("waiting", 1.0)
    return value, os.getpid()


def raising(error, report):
    raise error


def warning(said, report):
    warnings.warn(said, stacklevel=1)


def dying(parent, report):
    if os.getpid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def test_the_same_bits_in_the_same_order_with_one_process_and_two(monkeypatch):
    found, said = {}, []
    for number in (1, 2):
        monkeypatch.setattr(processes, "processors", lambda number=number: number)
        found[number] = surveyed(lambda stage, fraction=None: said.append(stage))
        assert [each.name for each in found[number].assessments] == list(NAMES)
    one, two = (dict(view_of(each).all_files()) for each in found.values())
    assert one == two
    for a, b in zip(*(each.assessments for each in found.values()), strict=True):
        for ours, theirs in zip(a.curves, b.curves, strict=True):
            assert ours.scores.tobytes() == theirs.scores.tobytes()
    assert {stage.partition(":")[0] for stage in said} == {f"{name} ({k + 1} of 3)" for k, name in enumerate(NAMES)}


def test_finished_in_another_order_than_they_are_asked_for(two):
    calls = {"slow": partial(waiting, 1, seconds=1.0), "fast": partial(waiting, 2), "last": partial(waiting, 3)}
    said = []
    found, failed = assess_apart(calls, lambda name: lambda *stage: said.append((name, *stage)))
    assert {name: value for name, (value, _) in found.items()} == {"slow": 1, "fast": 2, "last": 3} and not failed
    assert os.getpid() not in {pid for _, pid in found.values()} and ("slow", "waiting", 1.0) in said


def test_what_is_not_there_to_ablate_is_left_out(two):
    calls = {"without": partial(raising, InapplicableError("no inhibition")), "with": partial(waiting, 1)}
    found, failed = assess_apart(calls, lambda name: silent)
    assert str(found["without"]) == "no inhibition" and found["with"][0] == 1 and not failed
    with pytest.raises(InapplicableError, match="no reversal potential"):
        surveyed(how="reversal")


@pytest.mark.parametrize("fails", [partial(raising, ValueError("no")), partial(dying, os.getpid())])
def test_what_fails_is_named_to_be_made_here(two, fails):
    found, failed = assess_apart({"good": partial(waiting, 1), "bad": fails}, lambda name: silent)
    assert failed == ["bad"] and set(found) <= {"good"}


def test_an_error_is_that_of_this_process(two):
    with pytest.raises(InputError, match=r"^(one|two|three): how: expected one of block"):
        surveyed(how="poison")


def test_warnings_are_given_here(two):
    with pytest.warns(UserWarning, match="slower"):
        assess_apart({"one": partial(warning, "slower"), "two": partial(waiting, 1)}, lambda name: silent)


def test_what_cannot_be_sent_or_has_no_room_is_left_to_this_process(two, monkeypatch):
    calls = {"own": lambda report: 1, "good": partial(waiting, 1), "other": partial(waiting, 2)}
    found, failed = assess_apart(calls, lambda name: silent)
    assert set(found) == {"good", "other"} and not failed
    monkeypatch.setattr(memory, "free", lambda: 5e9)
    assert assess_apart(calls, lambda name: silent) == ({}, [])


def test_finished_ones_are_kept_at_once(two, monkeypatch, tmp_path):
    monkeypatch.setenv("EISIM_CACHE_DIR", str(tmp_path))
    calls = {"slow": dying_once_another_is_kept, "fast": partial(waiting, 2)}
    with kept(lambda: "this run", lambda text: None):
        found, failed = assess_apart(calls, lambda name: silent)
    assert failed == ["slow"] and list(found) == ["fast"]
    said = []
    with kept(lambda: "this run", said.append) as parts:
        more = {"slow": partial(waiting, 1), "other": partial(waiting, 3)}
        again, _ = assess_apart(calls | more, lambda name: silent)
        assert again["fast"] == found["fast"] and again["slow"][0] == 1 and parts.found == 1
    assert "resuming from 1 finished part" in said[0]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").exists() or processes.processors() < 2, reason="needs /proc, two processors")
def test_ctrl_c_leaves_nothing_running_and_no_file(tmp_path):
    circuits = "circuits=center_surround,normalization,wilson_cowan"
    words = ["run", "functions", "--set", circuits, "--set", "quick=yes", "--kind", "rate", "--backend", "numpy"]
    running = subprocess.Popen(
        [sys.executable, "-m", "eisim", *words, "--out", str(tmp_path / "out")],
        stderr=subprocess.PIPE,
        env=os.environ | {"EISIM_CACHE_DIR": str(tmp_path / "cache")},
        text=True,
        start_new_session=True,
    )
    end = time.monotonic() + 120
    while not (workers := with_workers(running.pid)) and running.poll() is None and time.monotonic() < end:
        time.sleep(0.05)
    assert workers
    os.killpg(running.pid, signal.SIGINT)
    _, said = running.communicate(timeout=120)
    assert running.returncode == 130 and "Traceback" not in said and "eisim: interrupted" in said
    assert not [pid for pid in workers if Path(f"/proc/{pid}").exists()]
    assert not (tmp_path / "out" / "run.json").exists()


def with_workers(parent):
    """Processes of a parent that compute parts."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            status, words = (folder / "status").read_text(), (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if f"\nPPid:\t{parent}\n" in status and b"eisim.base.workers" in words:
            found.append(int(folder.name))
    return found
