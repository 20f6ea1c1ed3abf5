"""The benchmark networks of Brette et al. (J. Comput. Neurosci. 23:349, 2007), after Vogels & Abbott (2005), in NEST.

A plain script for comparison: 3,200 excitatory and 800 inhibitory integrate-and-fire neurons, connected
with a probability of 2 %, with exponential synapses: conductances (COBA) or currents (CUBA). Delays are one time step,
the shortest possible in NEST. The first 200 ms are excluded.

Usage: python benchmarks/peers/vogels_abbott_nest.py [--out spikes.npz] [--synapses conductance|current]
       [--neurons 4000] [--duration 1000] [--seed 1] [--threads 1]
The last line of output contains the run time of `nest.Run` in seconds, without building, and the mean rate of
the excitatory neurons. The file contains the spikes from 200 ms on (neuron, step of 0.1 ms), the number of neurons, and
the run time.
"""

import argparse
import json
import time

import nest
import numpy as np

WARM_UP, KICK = 200.0, 50.0  # ms


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out")
    parser.add_argument("--synapses", choices=("conductance", "current"), default="conductance")
    parser.add_argument("--neurons", type=int, default=4000)
    parser.add_argument("--duration", type=float, default=1000.0, help="after the first 200 ms, in ms")
    parser.add_argument("--kick", type=float, default=1000.0, help="Poisson input of the first 50 ms, in Hz (COBA)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    a = parser.parse_args()

    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.ResetKernel()
    nest.local_num_threads, nest.rng_seed, nest.resolution = a.threads, a.seed, 0.1
    neuron = {
        "C_m": 200.0,
        "V_th": -50.0,
        "V_reset": -60.0,
        "t_ref": 5.0,
        "tau_syn_ex": 5.0,
        "tau_syn_in": 10.0,
    }
    if a.synapses == "conductance":
        model, excites, inhibits = "iaf_cond_exp", 6.0, -67.0  # nS
        neuron |= {"g_L": 10.0, "E_L": -60.0, "E_ex": 0.0, "E_in": -80.0}
    else:
        model, excites, inhibits = "iaf_psc_exp", 16.2, -90.0  # pA; 1.62 and 9 mV on a leak of 10 nS
        neuron |= {"tau_m": 20.0, "E_L": -49.0}
    n_excitatory = a.neurons * 4 // 5
    everyone = nest.Create(model, a.neurons, neuron)
    everyone.V_m = nest.random.uniform(-60.0, -50.0)
    recorder = nest.Create("spike_recorder", {"start": WARM_UP})
    # The number of synapses on a neuron is that of the network of 4,000.
    rule = {"rule": "pairwise_bernoulli", "p": 0.02 * 4000 / a.neurons, "allow_autapses": False}
    nest.Connect(everyone[:n_excitatory], everyone, rule, {"weight": excites, "delay": 0.1})
    nest.Connect(everyone[n_excitatory:], everyone, rule, {"weight": inhibits, "delay": 0.1})
    if a.synapses == "conductance":
        kick = nest.Create("poisson_generator", {"rate": a.kick, "stop": KICK})
        nest.Connect(kick, everyone, syn_spec={"weight": excites, "delay": 0.1})
    nest.Connect(everyone, recorder)
    nest.Prepare()
    start = time.perf_counter()
    nest.Run(WARM_UP + a.duration)
    seconds = time.perf_counter() - start
    nest.Cleanup()
    events = recorder.events
    step = np.round((events["times"] - WARM_UP) / 0.1).astype(int) - 1  # a spike has the time of the end of its step
    if a.out:
        np.savez(a.out, neuron=events["senders"] - 1, step=step, neurons=a.neurons, seconds=seconds)
    count = np.sum(events["senders"] <= n_excitatory)
    print(json.dumps({"seconds": seconds, "rate": count / (n_excitatory * a.duration * 1e-3)}))


if __name__ == "__main__":
    main()
