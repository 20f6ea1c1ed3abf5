"""The census of all functions of 4 inputs: time of the whole command with an empty and a filled cache, and memory.

Usage: python benchmarks/census.py
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def memory(pid):
    """Resident memory of a process and its children, in GB; Linux only."""
    pids, total = [str(pid)], 0
    while pids:
        one = Path("/proc") / pids.pop()
        try:
            total += next(int(line.split()[1]) for line in (one / "status").read_text().splitlines() if "VmRSS" in line)
            pids += (one / "task" / one.name / "children").read_text().split()
        except (OSError, StopIteration):
            continue
    return total / 1e6


def main():
    """Run the command twice."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "eisim", "run", "census", "--out", f"{folder}/out", *sys.argv[1:]]
        for cache in ("empty", "filled"):
            start = time.perf_counter()
            process = subprocess.Popen(command, env=os.environ | {"EISIM_CACHE_DIR": folder}, stdout=subprocess.DEVNULL)
            most = 0.0
            while process.poll() is None:
                most = max(most, memory(process.pid))
                time.sleep(0.05)
            seconds = time.perf_counter() - start
            print(
                f"cache {cache}: {seconds:.1f} s, at most {most:.2f} GB, exit status {process.returncode}", flush=True
            )


if __name__ == "__main__":
    main()
