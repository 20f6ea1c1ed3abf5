"""Compare speed and results of the same circuits in single and double precision.

The same programs are generated with ``prefs.core.default_float_dtype = float32``, with inputs and outputs in
single precision, and run alternately with those of eisim. Spikes are compared one by one, decisions trial by trial.

Usage: python benchmarks/single_precision.py [--runs N] [--only NAME ...]
"""

import argparse
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from unittest import mock

import numpy as np

from eisim import TruthTable, simulate, synthesize
from eisim.simulation import codegen, program
from models import brunel, vogels_abbott, xor


@dataclass(frozen=True)
class NarrowJob(program.Job):
    """A spiking job in single precision; Brian2 keeps spike times in double precision."""

    def arguments(self):
        """Integers unchanged, other numbers in single precision."""
        return {
            name: value.astype(np.float32) if np.ndim(value) and value.dtype == float else value
            for name, value in super().arguments().items()
        }


@contextmanager
def single(folder: str) -> Iterator[None]:
    """Compile and run in single precision, with separate programs in a folder."""
    with (
        mock.patch.dict(codegen._PREFERENCES, {"core.default_float_dtype": np.float32}),
        mock.patch.dict(os.environ, {"EISIM_CACHE_DIR": folder}),
        mock.patch.object(program, "Job", NarrowJob),
    ):
        yield


def of_batch():
    """XOR without noise, 1,000 trials of each pattern."""
    circuit = xor.circuit(kind="spiking").without_noise()
    return circuit, np.repeat(TruthTable("0110").patterns, 1000, axis=0), {}


def of_census():
    """All functions of 3 inputs, without noise."""
    tables = [TruthTable(f"{number:08b}") for number in range(256)]
    return (
        [synthesize(table, kind="spiking").without_noise() for table in tables],
        [table.patterns for table in tables],
        {},
    )


def of_brunel():
    """Brunel's network at one fifth of its size, for 0.5 s."""
    return brunel.circuit(size=0.2), np.array([[2.0]]), {"duration": 0.5, "window": 0.5}


def of_cuba():
    """The current-based network of Vogels and Abbott, for 1 s."""
    circuit = vogels_abbott.circuit(synapses="current")
    return circuit, np.zeros((1, circuit.n_inputs)), {"duration": 1.0, "window": 1.0}


CASES = {"batch": of_batch, "census": of_census, "brunel": of_brunel, "cuba": of_cuba}


def spikes_of(response) -> dict[str, set]:
    """The spikes of each population as sets of (copy, neuron, step)."""
    names = [p.name for p in response.circuit.populations]
    each = {name: response.spikes[name] for name in names}
    return {name: set(zip(*(s.tolist() for s in (x.copy, x.neuron, x.step)), strict=True)) for name, x in each.items()}


def compare(wide, narrow):
    """Fractions of spikes and of decisions that differ, and the first step at which a spike does."""
    differing = total = 0
    first, decisions = np.inf, []
    for one, other in zip(wide, narrow, strict=True):
        decisions.append((one.decisions != other.decisions).ravel())
        other = spikes_of(other)
        for name, mine in spikes_of(one).items():
            odd = mine ^ other[name]
            differing, total = differing + len(odd), total + len(mine) + len(other[name])
            first = min([first, *(step for _, _, step in odd)])
    return differing / total, np.concatenate(decisions).mean(), first


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=CASES, default=list(CASES))
    a = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name in a.only:
            circuit, stimuli, times = CASES[name]()
            circuits = circuit if isinstance(circuit, list) else [circuit]
            arrays = stimuli if isinstance(circuit, list) else [stimuli]
            run = partial(simulate, circuits, arrays, record=True, **times)
            seconds = {"double": [], "single": []}
            for _ in range(a.runs + 1):
                wide = run()
                with single(folder):
                    narrow = run()
                seconds["double"].append(wide[0].loop_time)
                seconds["single"].append(narrow[0].loop_time)
            middle = {which: float(np.median(values[1:])) for which, values in seconds.items()}
            spikes, decisions, first = compare(wide, narrow)
            print(
                f"{name}: loop {middle['double']:.3f} s in double, {middle['single']:.3f} s in single precision "
                f"({middle['double'] / middle['single']:.2f} × faster, medians of {a.runs}); {spikes:.2%} of spikes "
                f"differ, the first at step {first}; {decisions:.2%} of decisions differ",
                flush=True,
            )


if __name__ == "__main__":
    main()
