"""Large networks in eisim, NEST on one and two threads, and a plain Brian2 script: memory, building and simulation.

``random`` has 1,000 synapses of one weight onto each neuron, with one delay, which eisim's program draws itself;
``microcircuit`` is the model of Potjans & Diesmann (2014), each of whose synapses has a weight and a delay; ``sparse``
has the size of the model of a fly's brain, and few of its neurons fire. Candidates run by turns in separate processes;
eisim's programs are compiled before. ``loop_s`` is the time of the simulation loop, ``building_s`` that of all else,
``bytes_per_synapse`` the peak memory of a process and its children over the synapses. Before a ratio is printed, the
mean rates must agree within 5 %, of ``sparse`` within 20 %: its drive is random.

NEST is an extra (``pip install eisim[nest]``).

Usage: python benchmarks/large.py [random] [microcircuit] [sparse] [--sizes S ...] [--seconds S] [--runs N]
[--only NAME ...]
Sizes are neurons, and of the microcircuit shares of the full network. Ends with status 1 if rates differ.
"""

import importlib.util
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import measure
import numpy as np

PEERS = Path(__file__).parent / "peers"
SIZES = {"random": (10_000, 100_000, 1_000_000), "microcircuit": (0.1, 0.3, 1.0), "sparse": (138_000,)}
SECONDS = {"random": 0.1, "microcircuit": 1.0, "sparse": 1.0}
#: Synapses of a network of this size.
SYNAPSES = {
    "random": lambda n: 1000 * n,
    "microcircuit": lambda s: 298_880_941 * s**2,
    "sparse": lambda n: 15e6 * n / 138e3,
}
NAMES = ("eisim", "NEST, 1 thread", "NEST, 2 threads", "Brian2 script")
#: Of two rates that are called the same.
TOLERANCE = {"random": 0.05, "microcircuit": 0.05, "sparse": 0.2}


def obstacle(name: str, network: str, size: float) -> str:
    """Why a candidate cannot simulate a network; empty if it can."""
    if shutil.which("g++") is None and name in ("eisim", "Brian2 script"):
        return "g++ is not installed"
    if (name == "Brian2 script") != (network == "sparse") and name != "eisim":
        return f"it has no script of {network}"
    if "NEST" in name and importlib.util.find_spec("nest") is None:
        return "NEST is not installed (pip install eisim[nest])"
    if "NEST" in name and network == "random" and size > 200_000:
        return "it would not fit into memory"
    return ""


def side(name: str, network: str, size: float, seconds: float, folder: Path) -> Callable[[], measure.Cost]:
    """A candidate: a function that runs it."""
    words = ["--size", size, "--seconds", seconds]
    if name == "eisim":
        command = [sys.executable, PEERS / "large_eisim.py", network, *words]
        run = lambda: measure.run(command, EISIM_CACHE_DIR=str(folder / "cache"))  # noqa: E731
        run()
        return run
    if name == "Brian2 script":
        measure.run([sys.executable, PEERS / "sparse_brian2.py", folder / "brian2", *words])
        return lambda: _of_brian2(folder / "brian2", size, seconds)
    script = f"{network}_nest.py"
    if network == "microcircuit":
        words = ["--size", size, "--duration", seconds * 1e3, "--warm-up", 0]
    return lambda: measure.run([sys.executable, PEERS / script, *words, "--threads", name.split()[1]])


def _of_brian2(project, size, seconds):
    cost = measure.run(["./main"], cwd=project)
    (spikes,) = (project / "results").glob("_dynamic_array_spikemonitor_i_*")
    loop = float((project / "results" / "last_run_info.txt").read_text().split()[0])
    rate = np.fromfile(spikes, np.int32).size / size / seconds
    cost.found.update(seconds=loop, building=cost.seconds - loop, rate=rate)
    return cost


def by_turns(network: str, size: float, names, seconds: float, runs: int) -> dict[str, list[measure.Cost]]:
    """What each candidate cost, in each run."""
    with tempfile.TemporaryDirectory() as folder:
        return measure.by_turns({name: side(name, network, size, seconds, Path(folder)) for name in names}, runs)


def same_activity(network: str, turns: dict[str, list[measure.Cost]]) -> bool:
    """Whether the mean rates agree."""
    rates = [np.mean([cost.found["rate"] for cost in costs]) for costs in turns.values()]
    return max(rates) - min(rates) <= TOLERANCE[network] * max(rates)


def compare(network, size, names, seconds, runs):
    """Rows of the table, and whether activities agree."""
    turns = by_turns(network, size, names, seconds, runs)
    agree, rows = same_activity(network, turns), []
    loops = {name: np.array([cost.found["seconds"] for cost in costs]) for name, costs in turns.items()}
    for name, costs in turns.items():
        gigabytes = max(cost.gigabytes for cost in costs)
        rows.append(
            {
                "network": network,
                "size": size,
                "synapses": round(SYNAPSES[network](size)),
                "side": name,
                "rate_hz": np.mean([cost.found["rate"] for cost in costs]),
                "loop_s": np.median(loops[name]),
                "loop_per_second": np.median(loops[name]) / seconds,
                "loop_of_ours": np.median(loops[name] / loops["eisim"]) if agree and "eisim" in loops else np.nan,
                "building_s": np.median([cost.found["building"] for cost in costs]),
                "memory_gb": gigabytes,
                "bytes_per_synapse": gigabytes * 1e9 / SYNAPSES[network](size),
            }
        )
    print(f"{network}, {size:,}: rates {'agree' if agree else 'DIFFER: no ratios'}", flush=True)
    return rows, agree


def main():
    parser = measure.options(__doc__, "large")
    parser.add_argument("networks", nargs="*", metavar="NETWORK", help=f"{', '.join(SIZES)}; all by default")
    parser.add_argument("--sizes", type=float, nargs="+")
    parser.add_argument("--seconds", type=float, help="duration of activity in s")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES)
    a = parser.parse_args()
    if unknown := set(a.networks) - set(SIZES):
        parser.error(f"expected {', '.join(SIZES)}, found {', '.join(sorted(unknown))}")
    rows, agree = [], True
    for network in a.networks or SIZES:
        for size in a.sizes or SIZES[network]:
            names = [name for name in a.only if not obstacle(name, network, size)]
            found, same = compare(network, size, names, a.seconds or SECONDS[network], a.runs)
            rows += found
            agree &= same
    ys = {"loop_s": "loop (s)", "building_s": "building (s)", "memory_gb": "memory (GB)"}
    measure.report(a, rows, "synapses", ys, "side", "network")
    sys.exit(0 if agree else 1)


if __name__ == "__main__":
    main()
