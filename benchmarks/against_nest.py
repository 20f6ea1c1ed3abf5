"""Compare the activity of the Brunel network and both Vogels-Abbott networks in eisim and NEST.

Every network is simulated with several seeds in both simulators (with independent connections and noise), and rates,
irregularity (CV of inter-spike intervals) and correlations of pairs of excitatory neurons are measured by the same
code. Means over seeds are compared by Welch's t-test and agree if p exceeds 0.01. Run times are not measured (see
``benchmarks/networks.py``), so one single-threaded NEST process per processor runs concurrently with eisim.

With ``--exported`` the scripts for NEST are those that `eisim.to_nest` writes; by default, they are written by hand.

NEST is an extra: ``pip install eisim[nest]``.

Usage: python benchmarks/against_nest.py [--seeds N] [--size S] [--only NAME ...] [--exported]
``--size`` scales the network of Brunel (1: 12,500 neurons) and those of Vogels and Abbott (1: 4,000 neurons).
"""

import argparse
import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial
from pathlib import Path

import numpy as np
from scipy import stats

from eisim import simulate, to_nest
from eisim.analysis.activity import correlation, irregularity
from eisim.simulation.response import Response, Spikes
from models import brunel, vogels_abbott

DT, WARM_UP, WINDOW = 1e-4, 0.2, 1.0
PEERS = Path(__file__).parent / "peers"
MEASURES = {
    "rate (Hz)": lambda r: r.rates["E"].mean(),
    "CV of intervals": lambda r: irregularity(r, "E", minimum=5)[0],
    "correlation": lambda r: correlation(r, "E", neurons=1000)[0],
}
LEVEL = 0.01


def of_brunel(seed, size):
    """The circuit and stimulus in eisim, and the arguments of the NEST script."""
    circuit = brunel.circuit(seed=seed, size=size)
    degree = circuit.population("I").size * 2 // 5
    weight = brunel.WEIGHT * brunel.IN_DEGREE / degree * 1e3
    words = ["--order", circuit.population("I").size, "--in-degree", degree, "--weight", weight]
    return circuit, np.array([[2.0]]), ["brunel_nest.py", *words]


def of_vogels_abbott(synapses, seed, size):
    """The circuit and stimulus in eisim, and the arguments of the NEST script."""
    circuit = vogels_abbott.circuit(seed=seed, synapses=synapses, size=size, delay=DT)
    stimulus = vogels_abbott.kick(circuit, WARM_UP + WINDOW, float(synapses == "conductance"))
    return circuit, stimulus, ["vogels_abbott_nest.py", "--synapses", synapses, "--neurons", round(4000 * size)]


NETWORKS = {
    "brunel": of_brunel,
    "coba": partial(of_vogels_abbott, "conductance"),
    "cuba": partial(of_vogels_abbott, "current"),
}


def by_hand(words, seed, folder):
    """The spikes of a script among the peers: neurons, and steps after the warm-up."""
    options = ["--out", folder / "spikes.npz", "--seed", seed + 1, "--duration", WINDOW * 1e3]
    _run(PEERS / words[0], *words[1:], *options)
    with np.load(folder / "spikes.npz") as found:
        return found["neuron"], found["step"]


def exported(circuit, stimulus, seed, folder):
    """The same of the script that eisim writes."""
    to_nest(circuit, stimulus[0], duration=WARM_UP + WINDOW, dt=DT).save(folder / "circuit.py")
    _run(folder / "circuit.py", "--out", folder / "spikes.npz", "--seed", seed + 1, "--warm-up", WARM_UP * 1e3)
    with np.load(folder / "spikes.npz") as found:
        return found["E neuron"], np.round((found["E time"] * 1e-3 - WARM_UP) / DT).astype(int) - 1


def _run(*words):
    subprocess.run([sys.executable, *map(str, words)], check=True, stdout=subprocess.DEVNULL)


def simulate_in_nest(circuit, stimulus, words, seed, is_exported):
    """The response of the excitatory neurons."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        neuron, step = exported(circuit, stimulus, seed, folder) if is_exported else by_hand(words, seed, folder)
    size = circuit.population("E").size
    order = np.argsort(step[neuron < size], kind="stable")
    neuron, step = neuron[neuron < size][order], step[neuron < size][order]
    rates = np.bincount(neuron, minlength=size)[None] / WINDOW
    spikes = {"E": Spikes(np.zeros_like(neuron), neuron, step)}
    return Response(circuit, {"E": rates}, WINDOW, WINDOW, DT, spikes)


def simulate_here(name, seed, size):
    """The response in eisim."""
    circuit, stimulus, _ = NETWORKS[name](seed, size)
    return simulate(circuit, stimulus, duration=WARM_UP + WINDOW, window=WINDOW, dt=DT, seed=seed, record=True)


def measured(response):
    return [measure(response) for measure in MEASURES.values()]


def sample(name, seeds, size, is_exported):
    """The measures of all seeds in both simulators, with one NEST process per processor."""
    start = time.perf_counter()

    def of_nest(seed):
        circuit, stimulus, words = NETWORKS[name](seed, size)
        return measured(simulate_in_nest(circuit, stimulus, words, seed + 1000, is_exported))

    def said(what, number):
        print(f"  {name}: {what} {number} of {seeds}, {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)

    ours, theirs = [], []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        waiting = [pool.submit(of_nest, seed) for seed in range(seeds)]
        for seed in range(seeds):
            ours.append(measured(simulate_here(name, seed, size)))
            said("eisim", seed + 1)
        for number, future in enumerate(as_completed(waiting), 1):
            theirs.append(future.result())
            said("NEST", number)
    return np.array(ours), np.array(theirs)


def compare(name, seeds, size, is_exported=False):
    """Print the table of one network; returns whether both simulators agree."""
    ours, theirs = sample(name, seeds, size, is_exported)
    neurons = sum(p.size for p in NETWORKS[name](0, size)[0].populations)
    print(f"\n{name}: {neurons} neurons, {seeds} seeds, mean ± standard deviation")
    agree = True
    for k, measure in enumerate(MEASURES):
        p = stats.ttest_ind(ours[:, k], theirs[:, k], equal_var=False).pvalue
        agree &= p > LEVEL
        pairs = (f"{side[:, k].mean():8.4g} ± {side[:, k].std(ddof=1):7.2g}" for side in (ours, theirs))
        print(f"  {measure:16} eisim {next(pairs)}   NEST {next(pairs)}   p = {p:.3f}")
    print(f"  {'agree within sampling error' if agree else 'DIFFER'} (criterion p > {LEVEL:g})", flush=True)
    return agree


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--size", type=float, default=0.25)
    parser.add_argument("--only", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--exported", action="store_true", help="run what eisim.to_nest writes")
    a = parser.parse_args()
    if importlib.util.find_spec("nest") is None:
        sys.exit("benchmarks/against_nest.py: expected NEST (pip install eisim[nest]), found none")
    if a.seeds < 2:
        sys.exit(f"--seeds: expected at least 2, found {a.seeds}")
    sys.exit(0 if all([compare(name, a.seeds, a.size, a.exported) for name in a.only]) else 1)


if __name__ == "__main__":
    main()
