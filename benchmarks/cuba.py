"""Our simulation loop against a hand-written Brian2 script of the same network: CUBA, 4,000 neurons, 1 s.

Both are compiled by Brian2's C++ standalone device beforehand and run by turns; each program itself says how long its
simulation loop took, without start, building of synapses and writing of results. Both record all spikes.

Usage: python benchmarks/cuba.py [--runs N]
Ends with status 1 if the ratio of the medians is above 1.1.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from eisim import simulate
from models import vogels_abbott

PEER = Path(__file__).parent / "peers" / "cuba_brian2.py"
BAR = 1.1


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=15)
    runs = parser.parse_args().runs

    circuit = vogels_abbott.circuit(synapses="current")
    stimulus = np.zeros((1, circuit.n_inputs))

    def run_ours():
        response = simulate(circuit, stimulus, duration=1.0, window=1.0, dt=1e-4, record=True)
        return response.loop_time, sum(len(response.spikes[name].step) for name in "EI")

    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, str(PEER), folder], check=True)

        def run_theirs():
            subprocess.run(["./main"], cwd=folder, check=True)
            results = Path(folder) / "results"
            seconds = float((results / "last_run_info.txt").read_text().split()[0])
            (spikes,) = results.glob("_dynamic_array_spikemonitor_i_*")
            return seconds, spikes.stat().st_size // 4

        run_ours()  # fills the cache
        turns = [(run_ours(), run_theirs()) for _ in range(runs)]
    for name, side in (("eisim", 0), ("Brian2 script", 1)):
        seconds = sorted(turn[side][0] for turn in turns)
        spikes = statistics.mean(turn[side][1] for turn in turns)
        print(
            f"{name:14} {statistics.median(seconds):.3f} s (median of {runs}; {seconds[0]:.3f} to {seconds[-1]:.3f}), "
            f"{spikes / 4000:.2f} spikes a neuron"
        )
    ratio = statistics.median(t[0][0] for t in turns) / statistics.median(t[1][0] for t in turns)
    print(f"ratio of medians: {ratio:.2f} (bar: {BAR})")
    sys.exit(0 if ratio <= BAR else 1)


if __name__ == "__main__":
    main()
