"""The current-based network of Brette et al. (J. Comput. Neurosci. 23:349, 2007) as a plain Brian2 standalone script.

Integrate-and-fire neurons with 80 synapses each on average, a delay of one step of 0.1 ms, all spikes recorded, as in
the documentation of Brian2, on the C++ standalone device, with exact integration and Brian2's default compiler flags.

Usage: python benchmarks/peers/cuba_brian2.py DIRECTORY [--neurons 4000] [--seconds 1] [--threads 1]
Builds the program in that directory, where ``./main`` runs it, with new connections each time, for an additional 0.2 s.
"""

import argparse

import brian2 as b2
from brian2 import ms, mV, second


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("directory")
    parser.add_argument("--neurons", type=int, default=4000)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--threads", type=int, default=1, help="more than one: with OpenMP")
    a = parser.parse_args()

    b2.set_device("cpp_standalone", directory=a.directory, build_on_run=False)
    b2.prefs.devices.cpp_standalone.openmp_threads = a.threads if a.threads > 1 else 0
    parameters = {
        "tau": 20 * ms,
        "tau_e": 5 * ms,
        "tau_i": 10 * ms,
        "rest": -49 * mV,
        "threshold": -50 * mV,
        "v_reset": -60 * mV,
        "weight_e": (60 * 0.27 / 10) * mV,
        "weight_i": (20 * 4.5 / 10) * mV,
    }
    neurons = b2.NeuronGroup(
        a.neurons,
        """dv/dt = (rest - v + g_e + g_i)/tau : volt (unless refractory)
        dg_e/dt = -g_e/tau_e : volt
        dg_i/dt = -g_i/tau_i : volt""",
        threshold="v > threshold",
        reset="v = v_reset",
        refractory=5 * ms,
        method="exact",
        namespace=parameters,
    )
    neurons.v = "v_reset + rand()*(threshold - v_reset)"
    excitation = b2.Synapses(neurons, neurons, on_pre="g_e += weight_e", delay=0.1 * ms, namespace=parameters)
    inhibition = b2.Synapses(neurons, neurons, on_pre="g_i -= weight_i", delay=0.1 * ms, namespace=parameters)
    excitatory, p = a.neurons * 4 // 5, 0.02 * 4000 / a.neurons
    excitation.connect(f"i < {excitatory}", p=p)
    inhibition.connect(f"i >= {excitatory}", p=p)
    spikes = b2.SpikeMonitor(neurons)
    network = b2.Network(neurons, excitation, inhibition, spikes)
    network.run(0.2 * second + a.seconds * second)
    b2.device.build(directory=a.directory, compile=True, run=False)


if __name__ == "__main__":
    main()
