"""An experiment, or `ablate` on a classifier of digits: time of the whole command, cache empty and filled, and memory.

Usage: python benchmarks/experiment.py NAME [--set KEY=VALUE ...]
       python benchmarks/experiment.py digits
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np


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


def digits(folder):
    """The arguments that ablate a network of 32 hidden units, trained on two thirds of scikit-learn's digits."""
    import pandas as pd
    from sklearn.datasets import load_digits

    from eisim import train

    points, targets = load_digits(return_X_y=True)
    points = points / 16
    test = np.arange(len(points)) % 3 == 0
    train(points[~test], targets[~test], hidden=(32,), penalty=1e-3).save(folder / "digits.onnx")
    pd.DataFrame(points[test]).assign(digit=targets[test]).to_csv(folder / "digits.csv", index=False)
    return ["ablate", str(folder / "digits.onnx"), "--data", str(folder / "digits.csv"), "--target", "digit"]


def main():
    """Run the command twice."""
    name, *options = sys.argv[1:] or ["census"]
    with tempfile.TemporaryDirectory() as folder:
        arguments = digits(Path(folder)) if name == "digits" else ["run", name]
        command = [sys.executable, "-m", "eisim", *arguments, "--out", f"{folder}/out", *options]
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
