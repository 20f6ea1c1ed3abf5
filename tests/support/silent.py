"""A circuit without any synapse, for scores that silence must not raise."""

from dataclasses import replace

from eisim import Circuit


def silent(circuit: Circuit) -> Circuit:
    """The circuit without projections: what its neurons do by themselves."""
    return replace(circuit, projections=(), name=f"{circuit.name} without synapses")
