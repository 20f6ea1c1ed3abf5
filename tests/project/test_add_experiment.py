"""The example of an experiment in an installable package: pip installs it, and the command line runs it by name."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples" / "add_experiment"


def test_an_installed_experiment_runs_by_its_name(tmp_path):
    site, out = tmp_path / "site", tmp_path / "out"
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--target", str(site)]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, str(_copy(tmp_path))], check=True)
    paths = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH")]))
    words = ["run", "redundancy", "--backend", "numpy", "--set", "redundant=1", "--set", "levels=3", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "eisim", *words, "--out", str(out)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": paths},
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["redundancy"]
    assert found["fractions"] == [0, 0.5, 1] and found["floor"] == 0.375 and not found["problems"]
    assert {(row["kind"], row["inhibitory_neurons"]) for row in found["rows"]} == {
        (kind, n) for kind in ("spiking", "rate") for n in (1, 2)
    }
    assert all(row["accuracy"][0] == 1 and row["accuracy"][-1] == 1 - found["floor"] for row in found["rows"])
    written = {path.name for path in out.iterdir()}
    assert {"report.html", "run.json", "accuracy.csv", "accuracy.svg"} <= written
    [table] = json.loads((out / "run.json").read_text(encoding="utf-8"))["report"]["tables"]
    assert len(table["rows"]) == 2


def test_the_example_is_as_short_as_the_page_says():
    assert sum(len(path.read_text(encoding="utf-8").splitlines()) for path in EXAMPLE.rglob("*.*")) <= 350


def _copy(folder):
    """A copy to build from, so that building leaves nothing in the checkout."""
    return shutil.copytree(EXAMPLE, folder / "source")
