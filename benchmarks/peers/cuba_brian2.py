"""The current-based network of Brette et al. (J. Comput. Neurosci. 23:349, 2007) as a plain Brian2 standalone script.

4,000 integrate-and-fire neurons, one second, all spikes recorded: as the documentation of Brian2 has it, on the C++
standalone device, with exact integration.

Usage: python benchmarks/peers/cuba_brian2.py DIRECTORY [--seed 1]
Builds the program in that directory, where ``./main`` runs it and leaves the seconds of its simulation loop in
``results/last_run_info.txt``.
"""

import argparse

import brian2 as b2
from brian2 import ms, mV, second


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("directory")
    parser.add_argument("--seed", type=int, default=1)
    a = parser.parse_args()

    b2.set_device("cpp_standalone", directory=a.directory, build_on_run=False)
    b2.seed(a.seed)
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
        4000,
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
    excitation = b2.Synapses(neurons, neurons, on_pre="g_e += weight_e", namespace=parameters)
    inhibition = b2.Synapses(neurons, neurons, on_pre="g_i -= weight_i", namespace=parameters)
    excitation.connect("i < 3200", p=0.02)
    inhibition.connect("i >= 3200", p=0.02)
    spikes = b2.SpikeMonitor(neurons)
    network = b2.Network(neurons, excitation, inhibition, spikes)
    network.run(1 * second)
    b2.device.build(directory=a.directory, compile=True, run=False)


if __name__ == "__main__":
    main()
