"""A network as a plain eisim script, with which the other simulators are compared.

Usage: python benchmarks/peers/network_eisim.py cuba|brunel|cobahh|adex [--neurons 4000] [--seconds 1] [--seed 0]
Simulates an additional 0.2 s, which is excluded, and prints the loop time in seconds and the mean rate of the
excitatory neurons. The seed fixes the connections of Brunel's network, whose number is constant; for the others it
fixes the initial state, so that all seeds share a compiled program.
"""

import argparse
import json
from dataclasses import replace
from functools import partial

import numpy as np
from brian2 import mV, nA, nS, second

from eisim import AdEx, Circuit, FixedProbability, HodgkinHuxley, Input, Population, Projection, simulate
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


def of_equations(cells, neurons, seed):
    """Circuit and stimulus of neurons from equations, with the synapses of COBAHH."""
    rng = np.random.default_rng(seed)

    def population(sign, n):
        if cells == "adex":
            initial = {"v": rng.uniform(-70.6, -50.4, n) * mV}
            return Population(sign, sign, AdEx(), n, bias=1 * nA, initial=initial)
        normal = {name: rng.standard_normal(n) for name in ("v", "g_e", "g_i")}
        initial = {"v": (5 * normal["v"] - 65) * mV, "m": 0.0, "n": 0.0, "h": 0.0}
        initial |= {"g_e": (15 * normal["g_e"] + 40) * nS, "g_i": (120 * normal["g_i"] + 200) * nS}
        return Population(sign, sign, HodgkinHuxley(), n, initial=initial)

    populations = [population("E", neurons * 4 // 5), population("I", neurons - neurons * 4 // 5)]
    p = 0.02 * 4000 / neurons
    projections = [
        Projection(a, b, FixedProbability(p, weight), DT * second)
        for a, weight in (("E", 6 * nS), ("I", 67 * nS))
        for b in "EI"
    ]
    return Circuit(cells, [Input("none")], populations, projections), np.zeros((1, 1))


MAKE = {"cuba": cuba, "brunel": of_brunel} | {cells: partial(of_equations, cells) for cells in ("cobahh", "adex")}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("network", choices=MAKE)
    parser.add_argument("--neurons", type=int, default=4000)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    a = parser.parse_args()
    circuit, stimulus = MAKE[a.network](a.neurons, a.seed)
    response = simulate(
        circuit, stimulus, duration=WARM_UP + a.seconds, window=a.seconds, dt=DT, seed=a.seed, record=True
    )
    print(json.dumps({"seconds": response.loop_time, "rate": response.rates["E"].mean()}))


if __name__ == "__main__":
    main()
