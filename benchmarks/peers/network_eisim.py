"""A network of `models` as a plain eisim script, with which the other simulators are compared.

Usage: python benchmarks/peers/network_eisim.py cuba|brunel [--neurons 4000] [--seconds 1] [--seed 0]
Simulates an additional 0.2 s, which is excluded, and prints the loop time in seconds and the mean rate of the
excitatory neurons. The seed fixes the connections of Brunel's network, whose number is constant; for CUBA it fixes the
initial potentials, so that all seeds share a compiled program.
"""

import argparse
import json
from dataclasses import replace

import numpy as np

from eisim import simulate
from models import brunel, vogels_abbott

DT, WARM_UP = 1e-4, 0.2


def cuba(neurons, seed):
    """Circuit and stimulus."""
    circuit = vogels_abbott.circuit(synapses="current", size=neurons / 4000, delay=DT)
    rng = np.random.default_rng(seed)
    populations = [
        replace(p, initial=rng.uniform(p.neuron.reset, p.neuron.threshold, p.size)) for p in circuit.populations
    ]
    return replace(circuit, populations=populations), np.zeros((1, circuit.n_inputs))


def of_brunel(neurons, seed):
    """Circuit and stimulus."""
    return brunel.circuit(seed=seed, size=neurons / 12_500), np.array([[2.0]])


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("network", choices=("cuba", "brunel"))
    parser.add_argument("--neurons", type=int, default=4000)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    a = parser.parse_args()
    circuit, stimulus = (cuba if a.network == "cuba" else of_brunel)(a.neurons, a.seed)
    response = simulate(
        circuit, stimulus, duration=WARM_UP + a.seconds, window=a.seconds, dt=DT, seed=a.seed, record=True
    )
    print(json.dumps({"seconds": response.loop_time, "rate": response.rates["E"].mean()}))


if __name__ == "__main__":
    main()
