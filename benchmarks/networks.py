"""CUBA and Brunel networks in eisim, a plain Brian2 script, NEST on one and two threads, and a hand-written C++ loop.

COBAHH, and adaptive exponential neurons with its synapses, in eisim and a plain Brian2 script. CUBA, COBAHH and the
adaptive neurons have 80 synapses per neuron at every size. In Brunel's network, both neurons and synapses per neuron
increase with size. All candidates use steps of 0.1 ms and the same method of integration, record all spikes and have
the same delays; the first 0.2 s are excluded. The candidates run alternately, in separate processes, with different
seeds. Before a ratio is printed, the mean rates of the excitatory neurons must agree within sampling error (one-way
analysis of variance, p > 0.001).

``loop_s`` is the time of the simulation loop, as reported by each program, without building and compiling. ``first_s``
is the total wall time of the first run: importing, code generation, compiling (eisim with an empty cache), building and
simulating. ``again_s`` is that of a further run: eisim with its cache, the compiled programs only, NEST from the start.
All are medians.
Compiled with: eisim and C++ -O3, both -march=native -ffp-contract=off, eisim also -fno-trapping-math; the Brian2 script
with Brian2's own -O3 -ffast-math -march=native.

NEST is an extra (``pip install eisim[nest]``); it and BrainPy, which has a script of CUBA only, are skipped if they are
not installed. `LEFT_OUT` says why others are not compared.

Usage: python benchmarks/networks.py [cuba] [brunel] [cobahh] [adex] [--sizes NEURONS ...] [--seconds S] [--runs N]
[--only NAME ...]
Ends with status 1 if activities differ. ``loop_of_ours`` is the median of the ratios of runs that follow one another.
"""

import importlib.util
import shutil
import statistics
import sys
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import measure
import numpy as np
from scipy import stats

PEERS = Path(__file__).parent / "peers"
WARM_UP = 0.2
#: Neurons; those of Brunel's network are multiples of 50.
SIZES = {"cuba": (400, 4_000, 40_000), "brunel": (150, 1_500, 15_000), "cobahh": (4_000,), "adex": (4_000,)}
TITLES = {"cuba": "CUBA", "brunel": "Brunel", "cobahh": "COBAHH", "adex": "AdEx"}
#: Networks of neurons from equations, which have scripts for two candidates.
OF_EQUATIONS = ("cobahh", "adex")
LEVEL = 0.001
FLAGS = ("-O3", "-march=native", "-ffp-contract=off", "-std=c++17")


@dataclass(frozen=True)
class Side:
    """A candidate that simulates a network.

    Attributes
    ----------
    prepare : callable
        Generates or compiles, and returns the cost, or ``None`` if this is part of the first run.
    run : callable
        Simulates with a seed, and returns a cost with the loop time and the rate.
    same_network : bool
        Whether another seed changes only the initial state, not the connections.
    """

    prepare: Callable
    run: Callable
    same_network: bool = False


def eisim(network, neurons, seconds, threads, folder):
    """eisim, with a separate cache."""
    words = [PEERS / "network_eisim.py", network, "--neurons", neurons, "--seconds", seconds]

    def run(seed):
        return measure.run([sys.executable, *words, "--seed", seed], EISIM_CACHE_DIR=str(folder / "cache"))

    return Side(lambda: None, run, same_network=network != "brunel")


def brian2(network, neurons, seconds, threads, folder):
    """A Brian2 script that builds a program, which is then run; with OpenMP on more than one thread."""
    project, n_excitatory = folder / f"brian2_{threads}", neurons * 4 // 5
    words = [PEERS / f"{'cobahh' if network in OF_EQUATIONS else network}_brian2.py", project, "--neurons", neurons]
    words += ["--seconds", seconds, *(("--cells", network) if network in OF_EQUATIONS else ("--threads", threads))]

    def run(seed):
        cost = measure.run(["./main"], cwd=project)
        (i,), (t,) = ((project / "results").glob(f"_dynamic_array_spikemonitor_{name}_*") for name in "it")
        counted = (np.fromfile(i, np.int32) < n_excitatory) & (np.fromfile(t) > WARM_UP - 1e-9)
        loop = float((project / "results" / "last_run_info.txt").read_text().split()[0])
        cost.found.update(seconds=loop, rate=counted.sum() / n_excitatory / seconds)
        return cost

    return Side(lambda: measure.run([sys.executable, *words]), run)


def nest(network, neurons, seconds, threads, folder):
    """A NEST script that builds and simulates."""
    if network == "cuba":
        words = [PEERS / "vogels_abbott_nest.py", "--synapses", "current", "--neurons", neurons]
    else:
        degree = neurons * 4 // 50
        words = [PEERS / "brunel_nest.py", "--order", neurons // 5, "--in-degree", degree, "--weight", 100 / degree]
    words += ["--duration", seconds * 1e3, "--threads", threads]
    # The threads divide NEST's random numbers among them, so they make a sample of their own.
    return Side(lambda: None, lambda seed: measure.run([sys.executable, *words, "--seed", 1 + seed + 1000 * threads]))


def cpp(network, neurons, seconds, threads, folder):
    """A hand-written loop."""
    program = folder / network
    return Side(
        lambda: measure.run([shutil.which("g++"), *FLAGS, "-o", program, PEERS / f"{network}.cpp"]),
        lambda seed: measure.run([program, neurons, seconds, 1 + seed]),
    )


def brainpy(network, neurons, seconds, threads, folder):
    """A BrainPy script that builds, compiles and simulates."""
    words = [PEERS / "cuba_brainpy.py", "--neurons", neurons, "--seconds", seconds]
    return Side(lambda: None, lambda seed: measure.run([sys.executable, *words, "--seed", seed]))


SIDES = {
    "eisim": (eisim, 1),
    "C++ loop": (cpp, 1),
    "Brian2 script": (brian2, 1),
    "Brian2 script, 2 threads": (brian2, 2),
    "NEST, 1 thread": (nest, 1),
    "NEST, 2 threads": (nest, 2),
    "BrainPy": (brainpy, 1),
}
#: The package that a candidate needs, and how it is installed.
NEEDS = {"NEST": ("nest", "eisim[nest]"), "BrainPy": ("brainpy", "brainpy jax numba")}
#: Simulators that are not compared, and why.
LEFT_OUT = {
    "Arbor 0.12": "its integrate-and-fire cells have no synaptic currents that decay, as CUBA and COBA require; they "
    "run Brunel's network, but in continuous time and at another rate, so that loop times are not comparable",
    "PyGeNN": "there is no distribution that pip installs",
}


def obstacle(name, network="") -> str:
    """Why a candidate cannot run here; empty if it can."""
    package, install = NEEDS.get(simulator := name.partition(",")[0], ("", ""))
    if package and importlib.util.find_spec(package) is None:
        return f"{simulator} is not installed (pip install {install})"
    if SIDES[name][0] in (cpp, brian2, eisim) and shutil.which("g++") is None:
        return "g++ is not installed"
    if network in OF_EQUATIONS and name not in ("eisim", "Brian2 script"):
        return "it has no script of this network"
    if name == "BrainPy" and network == "brunel":
        return "its script is of CUBA only"
    return ""


def available(names, network=""):
    """The candidates that can run here; the others are listed."""
    found = {name: obstacle(name, network) for name in names}
    for name, why in found.items():
        if why:
            print(f"{name}: skipped, {why}")
    return [name for name, why in found.items() if not why]


def run_by_turns(network, neurons, names, seconds, runs):
    """What each candidate cost to prepare, in its first run and in the others, and the p-value of the same activity."""
    with tempfile.TemporaryDirectory() as folder:
        sides = {}
        for name in names:
            make, threads = SIDES[name]
            sides[name] = make(network, neurons, seconds, threads, Path(folder))
        prepared = {name: side.prepare() for name, side in sides.items()}
        first = {name: side.run(0) for name, side in sides.items()}
        seeds = {name: iter(range(1, runs + 1)) for name in sides}
        turns = measure.by_turns({n: lambda n=n, s=s: s.run(next(seeds[n])) for n, s in sides.items()}, runs)
    rates = {name: [cost.found["rate"] for cost in (first[name], *turns[name])] for name in sides}
    return (
        prepared,
        first,
        turns,
        same_activity([[np.mean(r)] if sides[name].same_network else r for name, r in rates.items()]),
    )


def compare(network, neurons, names, seconds, runs):
    """Rows of the table, one per candidate, and whether their activities agree."""
    prepared, first, turns, p = run_by_turns(network, neurons, names, seconds, runs)
    agree = not p <= LEVEL  # with one side alone there is nothing to compare
    loops = {name: np.array([cost.found["seconds"] for cost in costs]) for name, costs in turns.items()}
    rows = []
    for name, costs in turns.items():
        before = prepared[name] or measure.Cost(0, 0)
        rates = [cost.found["rate"] for cost in (first[name], *costs)]
        rows.append(
            {
                "network": TITLES[network],
                "neurons": neurons,
                "synapses": neurons * (neurons // 50 * 4 + neurons // 50 if network == "brunel" else 80),
                "side": name,
                "rate_hz": np.mean(rates),
                "sd_hz": np.std(rates, ddof=1),
                "loop_s": np.median(loops[name]),
                "least_s": loops[name].min(),
                "most_s": loops[name].max(),
                "loop_of_ours": np.median(loops[name] / loops["eisim"]) if agree and "eisim" in loops else np.nan,
                "first_s": before.seconds + first[name].seconds,
                "again_s": statistics.median(cost.seconds for cost in costs),
                "memory_gb": max(cost.gigabytes for cost in (before, first[name], *costs)),
            }
        )
    verdict = "agree" if agree else "DIFFER: no ratios"
    print(f"{network}, {neurons:,} neurons: rates {verdict} (p = {p:.3g}, above {LEVEL} asked for)", flush=True)
    return rows, agree


def same_activity(groups):
    """p-value of the differences between groups of rates; NaN if they cannot be compared."""
    if len(groups) < 2 or max(map(len, groups)) < 2:
        return np.nan
    with warnings.catch_warnings(action="ignore"):  # that a group has one member
        return stats.f_oneway(*groups).pvalue


def main():
    parser = measure.options(__doc__, "networks")
    parser.add_argument("networks", nargs="*", metavar="NETWORK", help=f"{', '.join(SIZES)}; all by default")
    parser.add_argument("--sizes", type=int, nargs="+", metavar="NEURONS")
    parser.add_argument("--seconds", type=float, default=0.5, help="duration of activity in s, after the first 0.2 s")
    parser.add_argument("--runs", type=int, default=3, help="number of runs, after a first one")
    parser.add_argument("--only", nargs="+", choices=SIDES, default=list(SIDES))
    a = parser.parse_args()
    if unknown := set(a.networks) - set(SIZES):
        parser.error(f"expected {', '.join(SIZES)}, found {', '.join(sorted(unknown))}")
    rows, agree = [], True
    for network in a.networks or SIZES:
        names = available(a.only, network)
        for neurons in a.sizes or SIZES[network]:
            found, same = compare(network, neurons, names, a.seconds, a.runs)
            rows += found
            agree &= same
    ys = {
        "loop_s": "loop (s)",
        "again_s": "whole, again (s)",
        "first_s": "whole, first (s)",
        "memory_gb": "memory (GB)",
    }
    measure.report(a, rows, "neurons", ys, "side", "network")
    sys.exit(0 if agree else 1)


if __name__ == "__main__":
    main()
