"""Commands that are killed at any time: nothing is lost, nothing half-written looks whole, the next one succeeds."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from eisim import TRUTH_TABLES, synthesize, to_dnn
from eisim.report.stored import read_stored

pytestmark = [pytest.mark.nightly, pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs process groups")]

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
#: Kills that must land, for each of the six commands.
KILLS = 11
OWN = """
from dataclasses import dataclass
@dataclass
class Settings:
    a: int = 1
def run(settings, kinds, seed, backend, report):
    return {"x": float(settings.a) ** 2}
"""
SMALL = ("--backend", "numpy", "--kind", "rate")


def start(words, folder):
    return subprocess.Popen(
        [sys.executable, "-m", "eisim", *words],
        cwd=folder,
        env=os.environ | {"EISIM_CACHE_DIR": str(folder / "cache")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def contents(out: Path) -> dict[str, bytes]:
    """What a command leaves, without what says when it ran."""
    if out.is_file():
        return {out.name: out.read_bytes()}
    ran = ("run.json", "report.html", "certificate.json", "ablation.json")
    return {path.name: path.read_bytes() for path in out.iterdir() if path.name not in ran}


COMMANDS = {
    "run": ("run", "boolean", "--set", "functions=xor", *SMALL, "--out", "out"),
    "certify": ("certify", "--truth-table", "0110", "--out", "out"),
    "ablate": ("ablate", "net.onnx", "--data", "xor.csv", "--target", "y", "--levels", "2", *SMALL, "--out", "out"),
    "sweep": ("sweep", "own.py", "--over", "a=1:12:12", "--workers", "2", "--backend", "numpy", "--out", "out"),
    "report": ("report", "out"),
    "export": ("export", "xor", "--to", "onnx", "--out", "out.onnx"),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_d4_killed_at_any_time(command, tmp_path):
    if command in ("ablate", "export"):
        pytest.importorskip("onnx")
    to_dnn(synthesize(TRUTH_TABLES["xor"], kind="rate")).save(tmp_path / "net.onnx") if command == "ablate" else None
    rows = np.column_stack([TRUTH_TABLES["xor"].patterns, TRUTH_TABLES["xor"].values]).astype(int)
    np.savetxt(tmp_path / "xor.csv", rows, "%d", ",", header="a,b,y", comments="")
    (tmp_path / "own.py").write_text(OWN)
    words, out = COMMANDS[command], tmp_path / ("out.onnx" if command == "export" else "out")
    before = COMMANDS["certify"] if command == "report" else words
    for each in dict.fromkeys((before, words)):
        begun = time.monotonic()
        first = start(each, tmp_path)
        assert first.communicate()[1].count("Traceback") == 0 and first.returncode == 0
    takes = time.monotonic() - begun
    whole = contents(out)
    chance, landed, said = random.Random(command), 0, []
    if out.is_dir():
        (out / "notes.txt").write_text("mine")
        whole["notes.txt"] = b"mine"
    for attempt in range(4 * KILLS):
        begun, running = time.monotonic(), start(words, tmp_path)
        until = begun + takes * (chance.uniform(0.15, 0.95) if attempt % 3 else 2)
        while time.monotonic() < until and running.poll() is None:
            if not attempt % 3 and any(".eisim-" in path.name or ".out" in path.name for path in tmp_path.iterdir()):
                break  # while it writes
            time.sleep(0.002)
        if running.poll() is None:
            os.killpg(running.pid, SIGNALS[attempt // 3 % 3])
            landed += 1
        else:
            takes = min(takes, time.monotonic() - begun)  # the machine is less busy than it was
        said.append(running.communicate()[1])
        assert "Traceback" not in said[-1], said[-1]
        if out.is_dir():
            stored = read_stored(out)
            assert stored.changed == () and json.loads((out / "run.json").read_text())["files"]
        assert contents(out) == whole, (attempt, said[-1])
        if landed == KILLS:
            break
    assert landed == KILLS
    done = start(words, tmp_path)
    assert "Traceback" not in done.communicate()[1] and done.returncode == 0
    assert contents(out) == whole
    hidden = [path.name for path in tmp_path.iterdir() if path.name.startswith(".") and out.is_dir()]
    assert hidden == []
    print(f"{command}: {landed} kills")
