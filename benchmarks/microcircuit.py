"""Compare the cortical microcircuit in eisim and NEST, population by population, on the same parameters.

Rates, irregularity (mean CV of the inter-spike intervals of neurons with at least two) and synchrony (variance over
mean of the number of spikes of 1,000 neurons, or of all where there are fewer, in 3 ms) are measured by the same code,
in networks that are drawn independently. Means over seeds are compared by Welch's t-test, and agree if p exceeds 0.01
over the number of comparisons (Bonferroni). Run times are not compared.

With ``--blocked``, instead, which populations are asynchronous and irregular at a low rate in eisim while the
inhibition of each layer, and of all, is blocked.

NEST is an extra: ``pip install eisim[nest]``.

Usage: python benchmarks/microcircuit.py [--seeds 6] [--size 0.1] [--seconds 2] [--python PYTHON] [--exported]
       python benchmarks/microcircuit.py --blocked [--size 1] [--seconds 0.5]
``--python`` is an interpreter that has NEST, this one by default. With ``--exported`` it runs the script that
`eisim.to_nest` writes, by default one that is written by hand.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from scipy import stats

from eisim import ablate, simulate, to_nest
from eisim.analysis.activity import irregularity
from eisim.simulation.response import Response, Spikes
from models import microcircuit

DT, WARM_UP, BLOCKED_WARM_UP = 1e-4, 0.5, 0.2
SCRIPT = Path(__file__).parent / "peers" / "microcircuit_nest.py"
MEASURES = {
    "rate (Hz)": lambda response, name: response.rates[name].mean(),
    "CV of intervals": lambda response, name: irregularity(response, name, minimum=2)[0],
    "synchrony": lambda response, name: microcircuit.synchrony(response, name)[0],
}
LEVEL = 0.01


def simulate_here(seed, size, seconds, change=lambda circuit: circuit, warm_up=WARM_UP):
    """The response in eisim to the background."""
    circuit = change(microcircuit.circuit(seed=seed, size=size))
    background = np.ones((1, circuit.n_inputs))
    return simulate(circuit, background, duration=warm_up + seconds, window=seconds, dt=DT, seed=seed, record=True)


def show_blocked(size, seconds):
    """Print the rates of populations and which perform their part, without the inhibition of each layer."""
    layers = list(dict.fromkeys(name[:-1] for name in microcircuit.POPULATIONS))
    changes = {"none": lambda circuit: circuit}
    changes |= {layer: lambda circuit, layer=layer: ablate(circuit, cell_types=[layer]) for layer in layers}
    for name, change in (changes | {"all": ablate}).items():
        response = simulate_here(0, size, seconds, change, BLOCKED_WARM_UP)
        kept = [p for p in microcircuit.POPULATIONS if microcircuit.is_asynchronous_irregular(response, p)]
        rates = ", ".join(f"{p} {response.rates[p].mean():.3g}" for p in microcircuit.POPULATIONS)
        print(f"{name} blocked: {len(kept)} perform ({', '.join(kept)}); rates (Hz): {rates}", flush=True)


def simulate_exported(seed, size, seconds, python=sys.executable):
    """The response of the script that eisim writes for NEST."""
    circuit = microcircuit.circuit(size=size)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        to_nest(circuit, duration=WARM_UP + seconds, dt=DT).save(folder / "circuit.py")
        words = ["--out", folder / "spikes.npz", "--seed", seed + 1, "--warm-up", WARM_UP * 1e3]
        command = [python, str(folder / "circuit.py"), *map(str, words)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        rates, spikes = {}, {}
        with np.load(folder / "spikes.npz") as found:
            for p in circuit.populations:
                neuron, times = found[f"{p.name} neuron"], found[f"{p.name} time"]
                order = np.argsort(times, kind="stable")
                step = np.round((times[order] * 1e-3 - WARM_UP) / DT).astype(int) - 1
                rates[p.name] = np.bincount(neuron, minlength=p.size)[None] / seconds
                spikes[p.name] = Spikes(np.zeros(len(step), int), neuron[order], step)
    return Response(circuit, rates, seconds, seconds, DT, spikes)


def simulate_in_nest(seed, size, seconds, python=sys.executable):
    """The response in NEST, of a network with the same parameters and other draws."""
    circuit = microcircuit.circuit(size=size)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "spikes.npz"
        options = {"--out": file, "--seed": seed + 1, "--size": size, "--duration": seconds * 1e3}
        words = [str(word) for pair in options.items() for word in pair]
        subprocess.run([python, str(SCRIPT), *words], check=True, stdout=subprocess.DEVNULL)
        with np.load(file) as found:
            neuron, step, sizes = found["neuron"], found["step"], found["neurons"]
    if (ours := [p.size for p in circuit.populations]) != sizes.tolist():
        sys.exit(f"microcircuit: expected populations of {ours} neurons in NEST, found {sizes.tolist()}")
    order = np.argsort(step, kind="stable")
    neuron, step = neuron[order], step[order]
    first = np.cumsum(sizes) - sizes
    rates, spikes = {}, {}
    for name, start, n in zip(microcircuit.POPULATIONS, first, sizes, strict=True):
        mine = (neuron >= start) & (neuron < start + n)
        rates[name] = np.bincount(neuron[mine] - start, minlength=n)[None] / seconds
        spikes[name] = Spikes(np.zeros(mine.sum(), int), neuron[mine] - start, step[mine])
    return Response(circuit, rates, seconds, seconds, DT, spikes)


def measured(response) -> np.ndarray:
    """All measures of a response, populations × measures."""
    return np.array([[m(response, name) for m in MEASURES.values()] for name in microcircuit.POPULATIONS])


def compare(ours: np.ndarray, theirs: np.ndarray) -> bool:
    """Print both, seeds × populations × measures, side by side; returns whether they agree."""
    level = LEVEL / ours[0].size
    agree = True
    for k, measure in enumerate(MEASURES):
        print(f"\n{measure:16} {'eisim':>18} {'NEST':>18} {'ratio':>8} {'p':>8}")
        for j, name in enumerate(microcircuit.POPULATIONS):
            here, there = ours[:, j, k], theirs[:, j, k]
            p = stats.ttest_ind(here, there, equal_var=False).pvalue
            agree &= bool(p > level) or (np.isnan(here).any() and np.isnan(there).any())  # too few spikes in both
            sides = " ".join(f"{side.mean():9.4g} ± {side.std(ddof=1):6.2g}" for side in (here, there))
            print(f"  {name:14} {sides} {here.mean() / there.mean():8.3f} {p:8.4f}")
    print(f"\n{'agree within sampling error' if agree else 'DIFFER'} (criterion p > {level:.2g})", flush=True)
    return agree


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--size", type=float, default=0.1)
    parser.add_argument("--seconds", type=float, default=2.0, help="after the first half second")
    parser.add_argument("--python", default=sys.executable, help="an interpreter that has NEST")
    parser.add_argument("--exported", action="store_true", help="run what eisim.to_nest writes")
    parser.add_argument("--blocked", action="store_true", help="block the inhibition of each layer, in eisim alone")
    a = parser.parse_args()
    if a.blocked:
        return show_blocked(a.size, a.seconds)
    if a.seeds < 2:
        sys.exit(f"--seeds: expected at least 2, found {a.seeds}")
    if subprocess.run([a.python, "-c", "import nest"], capture_output=True, check=False).returncode:
        sys.exit("benchmarks/microcircuit.py: expected NEST (pip install eisim[nest]), found none")
    ours = np.array([measured(simulate_here(seed, a.size, a.seconds)) for seed in range(a.seeds)])
    run = simulate_exported if a.exported else simulate_in_nest
    theirs = np.array([measured(run(seed, a.size, a.seconds, a.python)) for seed in range(a.seeds)])
    synapses = int(np.rint(microcircuit.synapses() * a.size**2).sum())
    neurons = sum(p.size for p in microcircuit.circuit(size=a.size).populations)
    print(f"microcircuit: {neurons:,} neurons, {synapses:,} synapses, {a.seeds} seeds, mean ± standard deviation")
    sys.exit(0 if compare(ours, theirs) else 1)


if __name__ == "__main__":
    main()
