"""Scaling of time and memory with neurons and synapses, extrapolated to 10⁶ neurons and 10⁹ synapses.

A population of leaky integrate-and-fire neurons with a Poisson drive and a fixed number of random synapses each is laid
out, compiled and simulated at sizes over two decades of neurons and three of synapses. Each size runs in a separate
process, once to compile and once more with the compiled program; the second run is measured. Times are processor
times, so that they depend little on other processes. Linear functions are fitted to the measurements (with equal
weight on relative errors) and extrapolated to the requested size.

Usage: python benchmarks/growth.py [--out DIR] [--neurons N] [--synapses S] [--quick]
Writes growth.json and growth.svg.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from threading import Thread

import numpy as np
from scipy.optimize import nnls

#: Numbers of neurons, and of synapses onto each.
SIZES = [(1_000, 10), (1_000, 900), (10_000, 100), (10_000, 1_000), (100_000, 10), (100_000, 30)]
QUICK = [(1_000, 10), (1_000, 100), (3_000, 10), (10_000, 10)]
DURATION, DT = 0.05, 1e-4
#: Measures, with the quantities in which they are assumed to be linear.
MEASURES = {
    "building, s": ("neurons", "synapses"),
    "building, bytes": ("neurons", "synapses"),
    "disk, bytes": ("neurons", "synapses"),
    "start and end of the program, s": ("neurons", "synapses"),
    "program, bytes": ("neurons", "synapses"),
    "a second of activity, s": ("neuron steps", "events"),
}


def circuit(neurons, degree):
    """Neurons that fire at about 15 Hz for any number of (weak) synapses."""
    from eisim import Circuit, Population, Projection
    from eisim.circuit import Input, Readout
    from eisim.weights import FixedInDegree, Independent
    from models import brunel

    return Circuit(
        name="growth",
        inputs=[Input("external", rate=10_000.0, train="poisson")],
        populations=[Population("E", "E", brunel.NEURON, neurons)],
        projections=[
            Projection("external", "E", Independent(0.1e-3)),
            Projection("E", "E", FixedInDegree(degree, 0.01e-3 / degree), 1.5e-3),
        ],
        readouts=[Readout("E")],
    )


def measure(neurons, degree):
    """Build and run once; returns all measures."""
    from eisim.base.timing import Timing
    from eisim.simulation import _trials, program
    from eisim.simulation.layout import lay_out
    from eisim.simulation.model import models

    timing, before = Timing(DURATION, DURATION, DT), _peak()
    start = time.process_time()
    layout = lay_out(_trials([circuit(neurons, degree)], [np.array([[1.0]])], 0, False), DT)
    job = program.Job(layout, "spiking", timing, models(layout, "spiking", timing))
    built = time.process_time() - start
    peak = _peak() - before
    written = {}

    def outcomes(job, results, loop_time):
        files = [f for f in results.parent.rglob("*") if f.is_file() and f.name != program.BINARY]
        written["bytes"] = sum(f.stat().st_size for f in files)
        return read(job, results, loop_time)

    def launch(*arguments):
        process = begin(*arguments)
        Thread(target=_follow, args=(process.pid, held), daemon=True).start()
        return process

    held = []
    read, program._outcomes = program._outcomes, outcomes
    begin, program._launch = program._launch, launch
    is_warm, own, start = program.is_compiled(job), _of_programs(), time.perf_counter()
    found = program.start(job, lambda *_: None)()
    whole, own = time.perf_counter() - start, _of_programs() - own
    in_loop = next(iter(found.values())).loop_time / whole
    rate = float(np.mean(found[next(name for name in found if name.startswith("lif"))].rates))
    return {
        "neurons": neurons,
        "synapses": neurons * degree,
        "neuron steps": neurons / DT,
        "events": neurons * degree * rate,
        "rate": rate,
        "warm": is_warm,
        "building, s": built,
        "building, bytes": peak,
        "disk, bytes": written["bytes"],
        "start and end of the program, s": own * (1 - in_loop),
        "program, bytes": held[-1],
        "a second of activity, s": own * in_loop / DURATION,
    }


def _peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _of_programs():
    """Processor time in seconds of the child processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _follow(pid, held):
    """Append the peak memory of a process repeatedly until it ends.

    The value that the system reports when a child ends includes that of its parent.
    """
    with suppress(OSError, StopIteration, ValueError):
        while True:
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
            held.append(int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) * 1024)
            time.sleep(0.005)


def fit(rows, measure):
    """Fit a constant and non-negative slopes to one measure, with equal weight on relative errors."""
    y = np.array([row[measure] for row in rows])
    x = np.array([[1.0, *(row[name] for name in MEASURES[measure])] for row in rows])
    scale = np.abs(x).max(axis=0)
    found, _ = nnls(x / scale / y[:, None], np.ones(len(y)))
    found = found / scale
    return found, float(np.abs(x @ found / y - 1).max())


def foresee(rows, measure, neurons, synapses, rate):
    """Extrapolate a measure to a size, with the range over fits that leave out one size."""
    size = {
        "neurons": neurons,
        "synapses": synapses,
        "neuron steps": neurons / DT,
        "events": synapses * rate,
    }
    at = np.array([1.0, *(size[name] for name in MEASURES[measure])])
    without = [fit(rows[:k] + rows[k + 1 :], measure)[0] @ at for k in range(len(rows))]
    return fit(rows, measure)[0] @ at, min(without), max(without)


def draw(rows, found, asked):
    """Draw measured against fitted values, and the extrapolation to the requested size."""
    from matplotlib import pyplot

    from eisim.report import style

    unit = {"bytes": "GB", "s": "s"}
    with style.paper():
        figure, axes = pyplot.subplots(1, 2, figsize=(style.DOUBLE, 3.0), layout="constrained")
        colours = (style.FIRST, style.SECOND, style.NEUTRAL)
        for ax, kind in zip(axes, unit, strict=True):
            scale = 1e-9 if kind == "bytes" else 1.0
            names = [m for m in MEASURES if m.endswith(f", {kind}")]
            for name, colour, mark in zip(names, colours, "os^", strict=True):
                fitted = np.array([foresee(rows, name, r["neurons"], r["synapses"], r["rate"])[0] for r in rows])
                ax.plot(fitted * scale, [r[name] * scale for r in rows], mark, ms=4, color=colour)
                f = found[name]
                spread = scale * np.array([[f["foreseen"] - f["from"]], [f["to"] - f["foreseen"]]])
                middle = f["foreseen"] * scale
                ax.errorbar(middle, middle, spread, fmt=mark, ms=6, mfc="none", color=colour, capsize=3)
                words = f"{name.rsplit(',', 1)[0]}: {middle:.{0 if middle > 10 else 1}f} {unit[kind]}"
                ax.plot([], [], mark, ms=4, color=colour, label=words)
            ends = [min(ax.get_xlim()[0], ax.get_ylim()[0]), max(ax.get_xlim()[1], ax.get_ylim()[1])]
            ax.set(xscale="log", yscale="log")
            low = min(r[name] for r in rows for name in names) * scale / 2
            ax.plot([low, ends[1]], [low, ends[1]], lw=0.8, color=style.NEUTRAL, zorder=0)
            ax.set(xlabel=f"fit ({unit[kind]})", ylabel=f"measured ({unit[kind]})")
            ax.legend(loc="lower right", title=f"{asked[0]:,.0f} neurons,\n{asked[1]:,.0f} synapses (open):")
        style.letters(axes)
        return figure


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("results/growth"))
    parser.add_argument("--neurons", type=float, default=1e6)
    parser.add_argument("--synapses", type=float, default=1e9)
    parser.add_argument("--quick", action="store_true", help="few and small sizes")
    parser.add_argument("--one", type=int, nargs=2, help=argparse.SUPPRESS)
    a = parser.parse_args()
    if a.one:
        print(json.dumps(measure(*a.one)))
        return
    rows = []
    with tempfile.TemporaryDirectory() as cache:
        for neurons, degree in QUICK if a.quick else SIZES:
            command = [sys.executable, __file__, "--one", str(neurons), str(degree)]
            for _ in range(2):
                done = subprocess.run(
                    command, env=os.environ | {"EISIM_CACHE_DIR": cache}, stdout=subprocess.PIPE, text=True, check=True
                )
            rows.append(json.loads(done.stdout))
            print(f"{neurons:>9,} neurons, {neurons * degree:>11,} synapses, {rows[-1]['rate']:.1f} Hz: ", end="")
            print(", ".join(f"{m}: {rows[-1][m]:.3g}" for m in MEASURES), flush=True)
    rate = float(np.mean([row["rate"] for row in rows]))
    found = {}
    for m, names in MEASURES.items():
        line, error = fit(rows, m)
        middle, low, high = foresee(rows, m, a.neurons, a.synapses, rate)
        found[m] = {"constant": line[0], **dict(zip(names, line[1:], strict=True)), "largest error": error}
        found[m] |= {"foreseen": middle, "from": low, "to": high}
        slopes = ", ".join(f"{slope:.3g} for each of the {name}" for name, slope in zip(names, line[1:], strict=True))
        print(
            f"{m}: {line[0]:.3g} + {slopes}; at most {error:.0%} off; foreseen {middle:.3g} ({low:.3g} to {high:.3g})"
        )
    a.out.mkdir(parents=True, exist_ok=True)
    (a.out / "growth.json").write_text(json.dumps({"rows": rows, "fits": found, "rate": rate}, indent=1) + "\n")
    draw(rows, found, (a.neurons, a.synapses)).savefig(a.out / "growth.svg")


if __name__ == "__main__":
    main()
