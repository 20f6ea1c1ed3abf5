"""The network of Brunel (J. Comput. Neurosci. 8:183, 2000), g = 5, eta = 2, as a plain Brian2 standalone script.

Every neuron has a tenth of the excitatory and of the inhibitory neurons as distinct sources, without self-connections,
and a Poisson number of external spikes in each step of 0.1 ms. All spikes are recorded.

Usage: python benchmarks/peers/brunel_brian2.py DIRECTORY [--neurons 12500] [--seconds 1] [--threads 1]
Builds the program in that directory, where ``./main`` runs it, with new connections each time, for an additional 0.2 s.
"""

import argparse

import brian2 as b2
from brian2 import ms, mV, second


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("directory")
    parser.add_argument("--neurons", type=int, default=12_500)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--threads", type=int, default=1, help="more than one: with OpenMP")
    a = parser.parse_args()

    b2.set_device("cpp_standalone", directory=a.directory, build_on_run=False)
    b2.prefs.devices.cpp_standalone.openmp_threads = a.threads if a.threads > 1 else 0
    n_excitatory = a.neurons * 4 // 5
    in_degree = n_excitatory // 10
    threshold, tau, g, eta = 20 * mV, 20 * ms, 5, 2
    weight = 0.1 * mV * 1000 / in_degree
    external = eta * threshold / (weight * tau)  # all external spikes of a neuron, at this rate
    parameters = {"tau": tau, "threshold": threshold, "weight": weight, "v_reset": 10 * mV, "g": g, "rate": external}
    # While a neuron is refractory, Brian2 writes nothing to its v: no input either.
    neurons = b2.NeuronGroup(
        a.neurons,
        "dv/dt = -v/tau : volt (unless refractory)",
        threshold="v > threshold",
        reset="v = v_reset",
        refractory=2 * ms,
        method="exact",
        namespace=parameters,
    )
    arrivals = neurons.run_regularly("v += weight*poisson(rate*dt)", when="before_thresholds")
    objects = [neurons, arrivals]
    for on_pre, begin, end in (("v_post += weight", 0, n_excitatory), ("v_post -= g*weight", n_excitatory, a.neurons)):
        size = end - begin
        synapses = b2.Synapses(neurons[begin:end], neurons, on_pre=on_pre, delay=1.5 * ms, namespace=parameters)
        # Counted from the neuron after its own, so that it never finds itself.
        synapses.connect(i=f"(j + 1 + k) % {size} for k in sample(0, {size - 1}, size={size // 10})")
        objects.append(synapses)
    spikes = b2.SpikeMonitor(neurons)
    network = b2.Network(*objects, spikes)
    network.run(0.2 * second + a.seconds * second)
    b2.device.build(directory=a.directory, compile=True, run=False)


if __name__ == "__main__":
    main()
