"""Circuits as objects of Brian2, made by the script that `eisim.adapter.brian2_script` writes."""

from dataclasses import dataclass
from typing import Any

from eisim.adapter.brian2_script import brian2_script, junctions_of
from eisim.base.values import Brief, ByName
from eisim.circuit import Circuit


@dataclass(frozen=True, eq=False, repr=False)
class Brian2Network(Brief):
    """A circuit as plain objects of Brian2.

    Attributes
    ----------
    note : str
        What of the responses is the same as in eisim, and what is not.
    network : brian2.Network
        All that follows; ``network.run(300*ms)`` simulates it.
    groups : dict of str to brian2.NeuronGroup or brian2.PoissonGroup
        By name of the input or population.
    synapses : dict of str to brian2.Synapses
        By name of the projection; without those that have no synapses or are a Poisson train for each target. Gap
        junctions are ``"gap junctions of NAME"``, by name of the population.
    monitors : dict of str to brian2.SpikeMonitor or brian2.StateMonitor
        Spikes of each input and population, or rates of each population of a rate circuit.
    """

    note: str
    network: Any
    groups: dict[str, Any]
    synapses: dict[str, Any]
    monitors: dict[str, Any]

    def __repr__(self):
        parts = f"{len(self.groups)} groups, {len(self.synapses)} synapses"
        return f"<Brian2Network {self.network.name!r}: {parts}. {self.note}>"


def to_brian2(circuit: Circuit, stimulus=None, *, duration=300e-3, dt=0.1e-3) -> Brian2Network:
    """See `eisim.Circuit.to_brian2`."""
    script = brian2_script(circuit, stimulus, duration=duration, dt=dt)
    made = {"arrays": script.arrays}
    exec(compile("from brian2 import *\n\n" + script.build, "<to_brian2>", "exec"), made)

    def objects(names, what):
        found = {name: made[script.names[name]] for name in names if script.names.get(name) in made}
        return ByName(f"Brian2Network.{what}", found)

    return Brian2Network(
        script.note,
        made["network"],
        objects([part.name for part in (*circuit.inputs, *circuit.populations)], "groups"),
        objects([*(p.name for p in circuit.projections), *map(junctions_of, circuit.populations)], "synapses"),
        ByName("Brian2Network.monitors", made["monitors"]),
    )
