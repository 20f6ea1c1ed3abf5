"""A circuit described by a file, neuron by neuron and synapse by synapse, simulated in NEST to compare spikes.

The file is JSON: "groups", each with a NEST "model", its "parameters" and "currents" (pA, one per neuron),
with neurons numbered from 0 across groups; "synapses", columns "pre", "post", "weight" and "delay" (ms); "poisson", for
each group the rate (Hz) and weight of the independent trains that its neurons receive; "duration", "resolution" (ms),
"seed".

Usage: python benchmarks/peers/circuit_nest.py CIRCUIT.json SPIKES.npz
The result contains the spikes: neuron, and the step at whose end it spikes.
"""

import json
import sys
from pathlib import Path

import nest
import numpy as np


def main(source, target):
    circuit = json.loads(Path(source).read_text())
    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.ResetKernel()
    nest.resolution, nest.rng_seed = circuit["resolution"], circuit["seed"]
    nodes = None
    for group in circuit["groups"]:
        neurons = nest.Create(group["model"], len(group["currents"]), group["parameters"])
        neurons.I_e = group["currents"]
        if group["poisson"]:
            rate, weight = group["poisson"]
            drive = nest.Create("poisson_generator", {"rate": rate})
            nest.Connect(drive, neurons, syn_spec={"weight": weight, "delay": circuit["resolution"]})
        nodes = neurons if nodes is None else nodes + neurons
    synapses = {name: np.array(column) for name, column in circuit["synapses"].items()}
    if synapses["pre"].size:
        nest.Connect(
            synapses["pre"] + 1,
            synapses["post"] + 1,
            "one_to_one",
            {"weight": synapses["weight"], "delay": synapses["delay"]},
        )
    recorder = nest.Create("spike_recorder")
    nest.Connect(nodes, recorder)
    nest.Simulate(circuit["duration"])
    step = np.round(recorder.events["times"] / circuit["resolution"]).astype(int) - 1
    np.savez(target, neuron=recorder.events["senders"] - 1, step=step)


if __name__ == "__main__":
    main(*sys.argv[1:])
