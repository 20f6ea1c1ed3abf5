"""The cortical microcircuit of Potjans & Diesmann (Cereb. Cortex 24:785, 2014) in NEST.

A plain script for comparison, at full scale or with fewer neurons and synapses, whose weights and direct current then
keep mean and variance of the input. The first 500 ms are excluded, unless `--warm-up` says otherwise.

Usage: python benchmarks/peers/microcircuit_nest.py [--out spikes.npz] [--size 0.1] [--duration 1000] [--seed 1]
       [--threads 1] [--inhibitory-delay 0.8]
The last line of output contains the run time of `nest.Run` in seconds, without building, the time of building, and the
mean rate of each population. The file contains the spikes from 500 ms on (neuron, step of 0.1 ms), the number of
neurons of each population, and the run time.
"""

import argparse
import json
import time

import nest
import numpy as np

NAMES = ["L23E", "L23I", "L4E", "L4I", "L5E", "L5I", "L6E", "L6I"]
NEURONS = np.array([20683, 5834, 21915, 5479, 4850, 1065, 14395, 2948])
EXTERNAL = np.array([1600, 1500, 2100, 1900, 2000, 1900, 2900, 2100])
FULL_RATES = np.array([0.903, 2.965, 4.414, 5.876, 7.569, 8.633, 1.105, 7.829])
#: By target (rows) and source (columns).
PROBABILITIES = np.array(
    [
        [0.1009, 0.1689, 0.0437, 0.0818, 0.0323, 0, 0.0076, 0],
        [0.1346, 0.1371, 0.0316, 0.0515, 0.0755, 0, 0.0042, 0],
        [0.0077, 0.0059, 0.0497, 0.1350, 0.0067, 0.0003, 0.0453, 0],
        [0.0691, 0.0029, 0.0794, 0.1597, 0.0033, 0, 0.1057, 0],
        [0.1004, 0.0622, 0.0505, 0.0057, 0.0831, 0.3726, 0.0204, 0],
        [0.0548, 0.0269, 0.0257, 0.0022, 0.0600, 0.3158, 0.0086, 0],
        [0.0156, 0.0066, 0.0211, 0.0166, 0.0572, 0.0197, 0.0396, 0.2252],
        [0.0364, 0.0010, 0.0034, 0.0005, 0.0277, 0.0080, 0.0658, 0.1443],
    ]
)
START = [-68.28, -63.16, -63.33, -63.45, -63.11, -61.66, -66.72, -61.43]  # mV
START_SD = [5.36, 4.57, 4.74, 4.94, 4.94, 4.55, 5.46, 4.48]
NEURON = {
    "tau_m": 10.0,
    "C_m": 250.0,
    "E_L": -65.0,
    "V_th": -50.0,
    "V_reset": -65.0,
    "t_ref": 2.0,
    "tau_syn_ex": 0.5,
    "tau_syn_in": 0.5,
}
CURRENT, BACKGROUND = 87.8, 8.0  # pA, Hz


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out")
    parser.add_argument("--size", type=float, default=0.1)
    parser.add_argument("--duration", type=float, default=1000.0, help="after the first 500 ms, in ms")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--warm-up", type=float, default=500.0, help="time in ms that is excluded")
    parser.add_argument("--inhibitory-delay", type=float, default=0.8, help="mean in ms, twice the standard deviation")
    a = parser.parse_args()

    start = time.perf_counter()
    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.ResetKernel()
    nest.local_num_threads, nest.rng_seed, nest.resolution = a.threads, a.seed, 0.1
    weights = np.tile([CURRENT, -4 * CURRENT], (8, 4))
    weights[0, 2] *= 2
    full = np.log(1 - PROBABILITIES) / np.log(1 - 1 / np.outer(NEURONS, NEURONS).astype(float))
    sizes = np.round(NEURONS * a.size).astype(int)
    synapses = np.round(full * a.size**2).astype(int)
    scale = 1 / np.sqrt(a.size)
    per_second = (weights * full / NEURONS[:, None] * FULL_RATES).sum(axis=1) + CURRENT * EXTERNAL * BACKGROUND
    currents = (1 - np.sqrt(a.size)) * per_second * NEURON["tau_syn_ex"] * 1e-3
    populations = []
    for k, size in enumerate(sizes):
        neurons = nest.Create("iaf_psc_exp", int(size), NEURON | {"I_e": currents[k]})
        neurons.V_m = nest.random.normal(START[k], START_SD[k])
        rate = BACKGROUND * round(EXTERNAL[k] * a.size)
        drive = nest.Create("poisson_generator", {"rate": rate})
        nest.Connect(drive, neurons, syn_spec={"weight": CURRENT * scale, "delay": 1.5})
        populations.append(neurons)
    for name in NAMES:  # NEST holds at most 2**27 - 1 synapses of a model in a thread
        nest.CopyModel("static_synapse", f"from {name}")
    for k, target in enumerate(populations):
        for j, source in enumerate(populations):
            if not synapses[k, j]:
                continue
            mean, delay = weights[k, j] * scale, a.inhibitory_delay if j % 2 else 1.5
            bounds = {"min": -np.inf, "max": 0.0} if j % 2 else {"min": 0.0, "max": np.inf}
            synapse = {
                "synapse_model": f"from {NAMES[j]}",
                "weight": nest.math.redraw(nest.random.normal(mean, 0.1 * abs(mean)), **bounds),
                "delay": nest.math.redraw(nest.random.normal(delay, delay / 2), min=0.05, max=np.inf),
            }
            rule = {"rule": "fixed_total_number", "N": int(synapses[k, j])}
            nest.Connect(source, target, rule, synapse)
    recorder = nest.Create("spike_recorder", {"start": a.warm_up})
    for neurons in populations:
        nest.Connect(neurons, recorder)
    nest.Prepare()
    built = time.perf_counter() - start
    start = time.perf_counter()
    nest.Run(a.warm_up + a.duration)
    seconds = time.perf_counter() - start
    nest.Cleanup()
    events = recorder.events
    first = [int(neurons.global_id[0] if len(neurons) > 1 else neurons.global_id) for neurons in populations]
    which = np.searchsorted(first, events["senders"], side="right") - 1
    neuron = events["senders"] - np.array(first)[which] + (np.cumsum(sizes) - sizes)[which]
    step = np.round((events["times"] - a.warm_up) / 0.1).astype(int) - 1  # a spike has the time of the end of its step
    if a.out:
        np.savez(a.out, neuron=neuron, step=step, neurons=sizes, seconds=seconds)
    rates = np.bincount(which, minlength=8) / (sizes * a.duration * 1e-3)
    rate = len(which) / (sizes.sum() * a.duration * 1e-3)
    found = {
        "seconds": seconds,
        "building": built,
        "rate": rate,
        "rates": dict(zip(NAMES, rates.round(4).tolist(), strict=True)),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
