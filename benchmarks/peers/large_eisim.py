"""A large network as a plain eisim script: random synapses, the cortical microcircuit, or one in which few cells fire.

Usage: python benchmarks/peers/large_eisim.py random|microcircuit|sparse [--size S] [--seconds 1] [--seed 0]
The size is the number of neurons (`random`, with 1,000 synapses of one weight onto each, and `sparse`), or relative to
the full network (`microcircuit`). Prints the loop time in seconds, the time of all else, and the mean rate.
"""

import argparse
import json
import time

import numpy as np
import sparse
from brian2 import Hz, ms, mV
from scipy.sparse import csr_array

from eisim import LIF, Circuit, Exponential, FixedInDegree, Independent, Input, Population, Projection, simulate
from models import microcircuit

#: Synapses onto each neuron of `random`, and their weights in mV.
IN_DEGREE, WEIGHT, DRIVE = {"E": 800, "I": 200}, {"E": 0.02, "I": 0.1}, 0.2
#: Rate of the Poisson train of each neuron of `random`, in Hz.
RATE = 14_500.0


def random(size, seed):
    """Circuit and stimulus."""
    synapse = Exponential(5 * ms)
    cell = LIF(tau=10 * ms, rest=-65 * mV, threshold=-50 * mV, reset=-65 * mV, excitation=synapse, inhibition=synapse)
    sizes = {"E": round(size * 0.8), "I": round(size * 0.2)}
    drive = Input("drive", train="poisson", rate=1 * Hz)
    between = [
        Projection(source, target, FixedInDegree(degree, WEIGHT[source] * mV), 1.5 * ms)
        for source, degree in IN_DEGREE.items()
        for target in sizes
    ]
    driven = [Projection("drive", name, Independent(DRIVE * mV)) for name in sizes]
    cells = [Population(name, name, cell, n) for name, n in sizes.items()]
    return Circuit("random", [drive], cells, [*driven, *between], seed=seed), np.array([[RATE]])


def of_microcircuit(size, seed):
    """Circuit and stimulus."""
    circuit = microcircuit.circuit(seed=seed, size=size)
    return circuit, np.ones((1, circuit.n_inputs))


def of_sparse(size, seed):
    """Circuit and stimulus; the synapses are those of all candidates."""
    size = round(size)
    source, target, weight = sparse.pairs(size)
    matrix = csr_array((np.abs(weight) * 1e-3, (source, target)), shape=(size, size))
    synapse = Exponential(5 * ms)
    cell = LIF(
        tau=20 * ms,
        rest=-52 * mV,
        threshold=-45 * mV,
        reset=-52 * mV,
        refractory=2.2 * ms,
        excitation=synapse,
        inhibition=synapse,
    )
    ends = {"driven": (0, sparse.DRIVEN), "E": (sparse.DRIVEN, sparse.excitatory(size))}
    ends["I"] = sparse.excitatory(size), size
    cells = [Population(name, "I" if name == "I" else "E", cell, end - start) for name, (start, end) in ends.items()]
    between = [Projection(a, b, matrix[slice(*ends[a]), slice(*ends[b])], 1.8 * ms) for a in ends for b in ends]
    drive = Input("drive", train="poisson", rate=sparse.RATE * Hz)
    strong = Independent(sparse.DRIVE * mV)
    return Circuit("sparse", [drive], cells, [Projection("drive", "driven", strong), *between], seed=seed), np.ones(
        (1, 1)
    )


MAKE = {"random": random, "microcircuit": of_microcircuit, "sparse": of_sparse}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("network", choices=MAKE)
    parser.add_argument("--size", type=float, required=True)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    a = parser.parse_args()
    start = time.perf_counter()
    circuit, stimulus = MAKE[a.network](a.size, a.seed)
    response = simulate(circuit, stimulus, duration=a.seconds, window=a.seconds, seed=a.seed, record=True)
    rate = sum(rates.sum() for rates in response.rates.values()) / sum(rates.size for rates in response.rates.values())
    building = time.perf_counter() - start - response.loop_time
    print(json.dumps({"seconds": response.loop_time, "building": building, "rate": rate}))


if __name__ == "__main__":
    main()
