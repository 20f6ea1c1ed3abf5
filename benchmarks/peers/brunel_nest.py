"""The network of Brunel (J. Comput. Neurosci. 8:183, 2000) as a plain NEST script, for comparison.

Leaky integrate-and-fire neurons with delta synapses; every neuron has C_E excitatory and C_I inhibitory distinct
sources, without self-connections, and an independent Poisson train for the C_E external afferents. The first 200 ms are
excluded.

Usage: python benchmarks/peers/brunel_nest.py [--out spikes.npz] [--g 5] [--eta 2] [--order 2500] [--in-degree 1000]
       [--weight 0.1] [--duration 1000] [--seed 1] [--threads 1]
The last line of output contains the run time of `nest.Run` in seconds, without building, and the mean rate of
the excitatory neurons. The file contains the spikes from 200 ms on (neuron, step of 0.1 ms), the number of neurons, and
the run time.
"""

import argparse
import json
import time

import nest
import numpy as np

WARM_UP = 200.0  # ms


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out")
    parser.add_argument("--g", type=float, default=5.0)
    parser.add_argument("--eta", type=float, default=2.0)
    parser.add_argument("--order", type=int, default=2500, help="inhibitory neurons, a quarter of the excitatory ones")
    parser.add_argument("--in-degree", type=int, default=1000, help="excitatory synapses per neuron")
    parser.add_argument("--weight", type=float, default=0.1, help="weight of an excitatory synapse, in mV")
    parser.add_argument("--duration", type=float, default=1000.0, help="after the first 200 ms, in ms")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    a = parser.parse_args()

    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.ResetKernel()
    nest.local_num_threads, nest.rng_seed, nest.resolution = a.threads, a.seed, 0.1
    tau, threshold = 20.0, 20.0
    threshold_rate = threshold / (a.weight * a.in_degree * tau)  # of one external afferent, in spikes/ms
    neuron = {"tau_m": tau, "t_ref": 2.0, "E_L": 0.0, "V_reset": 10.0, "V_th": threshold, "C_m": 1.0, "V_m": 0.0}
    excitatory = nest.Create("iaf_psc_delta", 4 * a.order, neuron)
    inhibitory = nest.Create("iaf_psc_delta", a.order, neuron)
    everyone = excitatory + inhibitory
    external = nest.Create("poisson_generator", {"rate": 1e3 * a.eta * threshold_rate * a.in_degree})
    recorder = nest.Create("spike_recorder", {"start": WARM_UP})
    for source, degree, weight in (
        (excitatory, a.in_degree, a.weight),
        (inhibitory, a.in_degree // 4, -a.g * a.weight),
    ):
        rule = {"rule": "fixed_indegree", "indegree": degree, "allow_autapses": False, "allow_multapses": False}
        nest.Connect(source, everyone, rule, {"weight": weight, "delay": 1.5})
    nest.Connect(external, everyone, syn_spec={"weight": a.weight, "delay": 1.5})
    nest.Connect(everyone, recorder)
    nest.Prepare()
    start = time.perf_counter()
    nest.Run(WARM_UP + a.duration)
    seconds = time.perf_counter() - start
    nest.Cleanup()
    events = recorder.events
    step = np.round((events["times"] - WARM_UP) / 0.1).astype(int) - 1  # a spike has the time of the end of its step
    if a.out:
        np.savez(a.out, neuron=events["senders"] - 1, step=step, neurons=5 * a.order, seconds=seconds)
    count = np.sum(events["senders"] <= 4 * a.order)
    print(json.dumps({"seconds": seconds, "rate": count / (4 * a.order * a.duration * 1e-3)}))


if __name__ == "__main__":
    main()
