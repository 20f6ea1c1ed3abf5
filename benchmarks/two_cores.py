"""Use of two cores: one process, two processes that share the trials, or OpenMP threads in one program.

A large batch (XOR, 32,000 trials) is distributed over processes by `eisim.simulation.shares`; a single network cannot
be distributed. With OpenMP, Brian2 updates the states of neurons in parallel, but evaluates thresholds and applies
synaptic input in one thread. The speed-up is bounded by 1/(1 - f/2), where f is the fraction of time spent on state
updates, measured on one thread.

Usage: python benchmarks/two_cores.py [--runs N] [--only NAME ...]
"""

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from unittest import mock

import brian2 as b2
import numpy as np

from eisim import TruthTable, simulate
from eisim.simulation import codegen, program, shares
from models import brunel, vogels_abbott, xor

THREADS = "devices.cpp_standalone.openmp_threads"


def of_batch():
    """XOR, 8,000 trials of each pattern."""
    return xor.circuit(kind="spiking"), np.repeat(TruthTable("0110").patterns, 8000, axis=0), {}


def of_brunel(size):
    """Brunel's network, for 0.5 s."""
    return brunel.circuit(size=size), np.array([[2.0]]), {"duration": 0.5, "window": 0.5}


def of_cuba(size):
    """The current-based network of Vogels and Abbott, for 1 s."""
    circuit = vogels_abbott.circuit(synapses="current", size=size)
    return circuit, np.zeros((1, circuit.n_inputs)), {"duration": 1.0, "window": 1.0}


CASES = {
    "batch": of_batch,
    "cuba, 4,000 neurons": partial(of_cuba, 1.0),
    "brunel, 1,250 neurons": partial(of_brunel, 0.1),
    "brunel, 12,500 neurons": partial(of_brunel, 1.0),
}


@contextmanager
def in_the_way_of(way: str, folder: str) -> Iterator[None]:
    """Simulate in one of the three ways, with separate programs in a folder."""
    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(shares, "_processors", lambda: 2 if way == "two processes" else 1))
        if way == "OpenMP":
            stack.enter_context(mock.patch.dict(codegen._PREFERENCES, {THREADS: 2}))
        elif way == "profiled":
            profiled = partial(b2.Network.run, profile=True)
            stack.enter_context(mock.patch.object(b2.Network, "run", lambda *a, **k: profiled(*a, **k)))
        if way in ("OpenMP", "profiled"):
            stack.enter_context(mock.patch.dict(os.environ, {"EISIM_CACHE_DIR": f"{folder}/{way}"}))
        yield


def bound(run, folder) -> tuple[float, float]:
    """The fraction of the loop spent on state updates, and the resulting bound on the speed-up by two threads."""
    seconds, read = {}, program._outcomes

    def outcomes(job, results, loop_time):
        lines = (results / "profiling_info.txt").read_text().splitlines()
        seconds.update({name: float(value) for name, value in map(str.split, lines)})
        return read(job, results, loop_time)

    with in_the_way_of("profiled", folder), mock.patch.object(program, "_outcomes", outcomes):
        run()
    fraction = sum(value for name, value in seconds.items() if "stateupdater" in name) / sum(seconds.values())
    return fraction, 1 / (1 - fraction / 2)


def same_bits(one, other) -> bool:
    """Whether two responses have the same spikes and rates."""
    same = [np.array_equal(one.rates[name], other.rates[name]) for name in one.rates]
    for name in one.spikes:
        same += [
            np.array_equal(getattr(one.spikes[name], k), getattr(other.spikes[name], k)) for k in ("neuron", "step")
        ]
    return all(same)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=CASES, default=list(CASES))
    a = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name in a.only:
            circuit, stimuli, times = CASES[name]()
            run = partial(simulate, circuit, stimuli, record=True, **times)
            ways = ["one process", *(["two processes"] if len(stimuli) > 1 else []), "OpenMP"]
            seconds, found = {way: [] for way in ways}, {}
            for turn in range(a.runs + 1):
                for way in ways:
                    with in_the_way_of(way, folder):
                        start = time.perf_counter()
                        found[way] = run()
                        if turn:  # the first compiles
                            seconds[way].append((time.perf_counter() - start, found[way].loop_time))
            fraction, most = bound(run, folder)
            base = np.median(seconds["one process"], axis=0)
            print(f"{name} ({fraction:.0%} of the loop in state updates: OpenMP can gain {most:.2f} × at most)")
            for way, values in seconds.items():
                wall, loop = np.median(values, axis=0)
                same = "the same bits" if same_bits(found["one process"], found[way]) else "OTHER BITS"
                gain = f"{base[0] / wall:.2f} × and {base[1] / loop:.2f} × as fast"
                print(f"  {way:14} {wall:7.2f} s, loop {loop:7.2f} s: {gain}, {same}", flush=True)


if __name__ == "__main__":
    main()
