"""Circuits with one time constant for all synapses, whose summed input is nearly constant if it is long."""

from dataclasses import replace

from eisim.circuit import Circuit
from eisim.synapses import Exponential


def with_synapses(circuit: Circuit, tau: float) -> Circuit:
    """The same circuit with exponential synapses of this time constant, in s; a rate circuit is left as it is.

    Every weight is scaled such that a spike has the same integral as before, so that mean inputs stay the same.
    """
    if circuit.kind == "rate":
        return circuit

    def scaled(p):
        area = circuit.population(p.target).neuron.area(circuit.receptor(p))
        return replace(p, weights=circuit.weights(p) * (area / tau))

    slow = {"excitation": Exponential(tau), "inhibition": Exponential(tau)}
    return replace(circuit.with_neurons(**slow), projections=[scaled(p) for p in circuit.projections])
