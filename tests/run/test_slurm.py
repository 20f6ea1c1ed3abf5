"""The scripts of docs/slurm.md, with commands that stand for those of SLURM and start jobs on this machine."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

pytestmark = pytest.mark.slow

PAGE = (Path(__file__).parents[2] / "docs" / "slurm.md").read_text()
SWEEP = ["wilson_cowan", "--over", "stimulus=0:2:5", "--kind", "rate", "--set", "duration=50ms", "--set", "window=30ms"]
#: A job runs in a process group of its own, by whose number it is known.
COMMANDS = {
    "sbatch": """job=$1; shift
setsid bash -c 'bash "$@"; echo $? >"$JOBS/status"' - "$job" "$@" >>"$JOBS/out" 2>&1 &
echo $! >>"$JOBS/ids"
echo "Submitted batch job $!"
""",
    "scancel": """for id in "$@"; do kill -- "-$id" 2>/dev/null; done
""",
    "srun": """"$@" & "$@" & wait
""",
    "dask": f"""exec {sys.executable} -m dask "$@"
""",
    "python": f"""exec {sys.executable} "$@"
""",
}


def script(name):
    """A script of the page, for one worker of a job on this machine."""
    text = re.search(rf"<!-- {re.escape(name)} -->\n```\w+\n(.*?)```", PAGE, re.DOTALL)[1]
    for there, here in (("ib0", "lo"), ("=16,", "=1,"), ('"32GB"', '"1GB"'), ("jobs=4", "jobs=2"), ("source ~/", ": ")):
        text = text.replace(there, here)
    return text


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    """A folder with the commands of a cluster on the path; no job outlives the test."""
    pytest.importorskip("distributed", reason="pip install 'eisim[dask]'")
    commands = tmp_path / "bin"
    commands.mkdir()
    for name, text in COMMANDS.items():
        (commands / name).write_text(f"#!/bin/bash\n{text}")
        (commands / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{commands}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("JOBS", str(tmp_path))
    monkeypatch.setenv("SLURM_JOB_ID", "1")
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    for job in (tmp_path / "ids").read_text().split() if (tmp_path / "ids").exists() else []:
        try:
            os.killpg(int(job), signal.SIGKILL)
        except ProcessLookupError:
            continue


def run(*words):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.fixture
def expected(cluster):
    run(sys.executable, "-m", "eisim", "sweep", *SWEEP, "--backend", "numpy", "--out", "local", "--fresh")
    return pd.read_csv("local/data.csv")


def test_workers_are_submitted_as_jobs(cluster, expected):
    pytest.importorskip("dask_jobqueue", reason="pip install dask-jobqueue")
    (cluster / "on_slurm.py").write_text(script("on_slurm.py"))
    run(sys.executable, "on_slurm.py", *SWEEP, "--backend", "numpy", "--out", "found", "--fresh")
    assert len((cluster / "ids").read_text().split()) == 2
    pd.testing.assert_frame_equal(pd.read_csv("found/data.csv"), expected, check_exact=True)


def test_a_job_script_is_the_one_of_the_page():
    jobqueue = pytest.importorskip("dask_jobqueue", reason="pip install dask-jobqueue")
    text = re.search(r"<!-- on_slurm.py -->\n```py\n(.*?)```", PAGE, re.DOTALL)[1].replace("ib0", "lo")
    call = re.search(r"SLURMCluster\((.*?)\n    \) as cluster", text, re.DOTALL)[1]
    with eval(f"SLURMCluster({call})", {"SLURMCluster": jobqueue.SLURMCluster}) as made:
        found = made.job_script()
    shown = re.search(r"```text\n(#!/usr.*?)```", PAGE, re.DOTALL)[1].replace("ib0", "lo")
    assert _lines(found)[:-1] == _lines(shown)[:-1]
    words = [re.sub(r"tcp://\S+", "ADDRESS", _lines(each)[-1]).split()[1:] for each in (found, shown)]
    assert words[0] == words[1]


def _lines(text):
    return [line.strip() for line in text.splitlines() if line.strip()]


def test_one_job_holds_everything(cluster, expected):
    (cluster / "sweep.sbatch").write_text(script("sweep.sbatch"))
    run("sbatch", "sweep.sbatch", *SWEEP, "--backend", "numpy", "--out", "found", "--fresh")
    status, end = cluster / "status", time.monotonic() + 240
    while not status.exists():
        assert time.monotonic() < end, (cluster / "out").read_text()[-2000:]
        time.sleep(0.1)
    assert status.read_text() == "0\n", (cluster / "out").read_text()[-2000:]
    pd.testing.assert_frame_equal(pd.read_csv("found/data.csv"), expected, check_exact=True)
    assert not list(cluster.glob("scheduler-*.json"))
