"""Time and memory of a connectome as large as the whole fly brain: reading, building and simulating it.

A made network with the columns of Shiu et al. (2024): random connections with geometric counts of synapses, of which
those of three in ten neurons inhibit; 1,000 neurons are driven by Poisson inputs. It is read from a table (Parquet
where pyarrow is installed, else CSV), made into a circuit of their model and simulated, in a separate process.

Usage: python benchmarks/connectome.py [--neurons N] [--connections M] [--milliseconds T] [--backend cpp|numpy]
"""

import argparse
import json
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import measure
import numpy as np
import pandas as pd

DRIVEN = 1000


def write(path: Path, neurons: int, connections: int) -> None:
    """Write a made table of edges."""
    rng = np.random.default_rng(0)
    pre, post = (rng.integers(neurons, size=connections, dtype=np.int32) for _ in "ab")
    counts, signs = rng.geometric(0.3, connections), np.where(rng.random(neurons) < 0.7, 1, -1)[pre]
    frame = {"Presynaptic_Index": pre, "Postsynaptic_Index": post, "Connectivity": counts, "Excitatory": signs}
    frame = pd.DataFrame(frame | {"Excitatory x Connectivity": counts * signs})
    frame.to_parquet(path) if path.suffix == ".parquet" else frame.to_csv(path, index=False)


def simulated(path: str, milliseconds: float, backend: str) -> dict:
    """Read the table, build the circuit and simulate it; returns times (s) and counts."""
    from eisim import Progress, read_connectome, simulate

    with Progress() as report:
        start = time.perf_counter()
        connectome = read_connectome(path, report=report)
        read = time.perf_counter()
        circuit = connectome.circuit("spiking", inputs=[list(range(DRIVEN))], readouts=[-1 + connectome.n_neurons])
        built = time.perf_counter()
        times = {"duration": milliseconds / 1e3, "window": milliseconds / 1e3}
        response = simulate(circuit, [[1.0]], record=True, backend=backend, report=report, **times)
        end = time.perf_counter()
    spikes = sum(len(response.spikes[p.name].step) for p in circuit.populations)
    found = {"connectome": repr(connectome), "spikes": spikes, "reading": read - start, "building": built - read}
    return found | {"simulating": end - built}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--neurons", type=int, default=138_000)
    parser.add_argument("--connections", type=int, default=15_000_000)
    parser.add_argument("--milliseconds", type=float, default=100.0)
    parser.add_argument("--backend", choices=("cpp", "numpy"), default="cpp")
    parser.add_argument("--of", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.of:
        print(json.dumps(simulated(given.of, given.milliseconds, given.backend)))
        return
    print(measure.machine())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ("made.parquet" if find_spec("pyarrow") else "made.csv")
        write(path, given.neurons, given.connections)
        command = [sys.executable, __file__, "--of", path, "--milliseconds", given.milliseconds]
        cost = measure.run([*map(str, command), "--backend", given.backend])
        print(f"{path.suffix} of {path.stat().st_size / 1e6:,.0f} MB")
    for name, value in cost.found.items():
        print(f"{name}: {value:,.1f} s" if isinstance(value, float) else f"{name}: {value}")
    print(f"all: {cost.seconds:,.1f} s, {cost.gigabytes:.2f} GB at most")


if __name__ == "__main__":
    main()
