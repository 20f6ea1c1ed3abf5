"""A large network in which few neurons fire (`sparse`) as a plain Brian2 standalone script.

Usage: python benchmarks/peers/sparse_brian2.py DIRECTORY [--size 138000] [--seconds 1]
Builds the program in that directory, where ``./main`` runs it.
"""

import argparse

import brian2 as b2
import sparse
from brian2 import Hz, ms, mV, second


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("directory")
    parser.add_argument("--size", type=float, default=sparse.NEURONS)
    parser.add_argument("--seconds", type=float, default=1.0)
    a = parser.parse_args()
    b2.set_device("cpp_standalone", directory=a.directory, build_on_run=False)
    neurons = b2.NeuronGroup(
        round(a.size),
        """dv/dt = (rest - v + g)/(20*ms) : volt (unless refractory)
        dg/dt = -g/(5*ms) : volt""",
        threshold="v > -45*mV",
        reset="v = rest",
        refractory=2.2 * ms,
        method="exact",
        namespace={"rest": -52 * mV},
    )
    neurons.v = -52 * mV
    source, target, weight = sparse.pairs(round(a.size))
    synapses = b2.Synapses(neurons, neurons, "w : volt", on_pre="g += w", delay=1.8 * ms)
    synapses.connect(i=source, j=target)
    synapses.w = weight * mV
    drive = b2.PoissonGroup(sparse.DRIVEN, sparse.RATE * Hz)
    driven = b2.Synapses(drive, neurons, on_pre="g += 250*0.275*mV")
    driven.connect(j="i")
    spikes = b2.SpikeMonitor(neurons)
    network = b2.Network(neurons, synapses, drive, driven, spikes)
    network.run(a.seconds * second)
    b2.device.build(directory=a.directory, compile=True, run=False)


if __name__ == "__main__":
    main()
