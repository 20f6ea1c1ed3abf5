"""Time and memory of an experiment, or of `ablate` on a classifier of digits, with an empty and a warm cache.

Usage: python benchmarks/experiment.py [NAME] [--over KEY=VALUE,VALUE,...] [--runs N] [--set KEY=VALUE ...]
       python benchmarks/experiment.py digits
``--over`` runs the experiment for each value of a setting and shows the scaling. By default, the census is run for 2, 3
and 4 inputs: 16, 256 and 65,536 functions. The size of a census is the number of functions; otherwise it is the value.
"""

import statistics
import sys
import tempfile
from pathlib import Path

import measure
import numpy as np

#: What an experiment grows over by default.
OVER = {"census": "inputs=2,3,4"}


def digits(folder):
    """Arguments for the ablation of a network with 32 hidden units, trained on two thirds of scikit-learn's digits."""
    import pandas as pd
    from sklearn.datasets import load_digits

    from eisim import train

    points, targets = load_digits(return_X_y=True)
    points = points / 16
    test = np.arange(len(points)) % 3 == 0
    train(points[~test], targets[~test], hidden=(32,), penalty=1e-3).save(folder / "digits.onnx")
    pd.DataFrame(points[test]).assign(digit=targets[test]).to_csv(folder / "digits.csv", index=False)
    return ["ablate", str(folder / "digits.onnx"), "--data", str(folder / "digits.csv"), "--target", "digit"]


def costs(words, folder, runs=0):
    """Cost of `python -m eisim` with these words: with an empty cache, then `runs` times with a warm one."""
    command = [sys.executable, "-m", "eisim", *words, "--out", f"{folder}/out"]
    return [measure.run(command, EISIM_CACHE_DIR=f"{folder}/cache") for _ in range(1 + runs)]


def main():
    parser = measure.options(__doc__, "experiment")
    parser.add_argument("experiment", nargs="?", default="census")
    parser.add_argument("--over", metavar="KEY=VALUE,VALUE,...")
    parser.add_argument("--runs", type=int, default=1, help="number of runs with a warm cache")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    a = parser.parse_args()
    a.name = a.experiment
    key, _, values = (a.over or OVER.get(a.experiment, "size=1")).partition("=")
    settings = [word for setting in a.set for word in ("--set", setting)]
    rows = []
    for value in values.split(","):
        with tempfile.TemporaryDirectory() as folder:
            if a.experiment == "digits":
                words = digits(Path(folder))
            else:
                words = ["run", a.experiment, *settings, *(["--set", f"{key}={value}"] if key != "size" else [])]
            found = costs(words, folder, a.runs)
        size = 2**2 ** int(value) if (a.experiment, key) == ("census", "inputs") else float(value)
        for cache, some in (("empty", found[:1]), ("filled", found[1:])):
            rows.append(
                {
                    "size": size,
                    "cache": cache,
                    "seconds": statistics.median(cost.seconds for cost in some),
                    "memory_gb": max(cost.gigabytes for cost in some),
                }
            )
    measure.report(a, rows, "size", {"seconds": "whole command (s)", "memory_gb": "memory (GB)"}, "cache")


if __name__ == "__main__":
    main()
