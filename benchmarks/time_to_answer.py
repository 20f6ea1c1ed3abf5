"""Run time of ``python -m eisim run`` with an empty and a warm cache, by stage.

Usage: python benchmarks/time_to_answer.py [--runs N]
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def timed_run(folder: Path) -> tuple[float, dict[str, float]]:
    """Wall time of one default run with its cache in `folder`, and the time of each stage, in seconds."""
    environment = os.environ | {"EISIM_CACHE_DIR": str(folder / "cache")}
    command = [sys.executable, "-m", "eisim", "run", "--out", str(folder / "out")]
    start = time.perf_counter()
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
    seconds = time.perf_counter() - start
    return seconds, json.loads((folder / "out" / "run.json").read_text())["seconds"]


def show(what, total, stages):
    """Print one line for the total and one for each stage."""
    print(f"{what}: {total:.2f} s")
    for stage, seconds in stages.items():
        print(f"  {seconds:6.2f} s  {stage}")
    print(f"  {total - sum(stages.values()):6.2f} s  Python's start and end, printing")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=5, help="number of runs with a warm cache")
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        show("empty cache", *timed_run(Path(folder)))
        warm = sorted((timed_run(Path(folder)) for _ in range(runs)), key=lambda run: run[0])
        show(f"warm (the median of {runs})", *warm[runs // 2])
    times = [seconds for seconds, _ in warm]
    print(f"warm runs: {min(times):.2f} to {max(times):.2f} s, median {statistics.median(times):.2f} s")


if __name__ == "__main__":
    main()
