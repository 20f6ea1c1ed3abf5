"""Which spiking circuits have an exact image elsewhere, unrolled or in NIR; the others have a mean-field."""

from collections.abc import Iterator

from eisim.base.errors import InputError
from eisim.circuit import Circuit
from eisim.neurons import LIF
from eisim.neurons.neuron import model_name


def check_plain(circuit: Circuit, what: str, transients: bool = False, junctions: bool = False) -> None:
    """Refuse a spiking circuit that has more than LIF neurons, exponential synapses and regular inputs.

    And, where they are allowed, transient losses of transmission and gap junctions.
    """
    if circuit.kind == "spiking":
        for found in _beyond(circuit, transients, junctions):
            raise InputError(
                f"{what}: expected LIF neurons with exponential synapses and regular inputs, found {found} in "
                f"{circuit.name!r} (for large noisy networks see eisim.mean_field)"
            )


def check_linear(circuit: Circuit, what: str) -> None:
    """Refuse a spiking circuit whose neurons do not sum weights × rates."""
    for p in circuit.populations:
        if circuit.kind == "spiking" and not isinstance(p.neuron, LIF):
            raise InputError(
                f"{what}: expected LIF neurons, found {model_name(p.neuron)} in population {p.name!r} of "
                f"{circuit.name!r} (for large noisy networks see eisim.mean_field)"
            )
    for found in _varied(circuit, transients=False, junctions=False):
        raise InputError(f"{what}: expected one activation and static weights, found {found} in {circuit.name!r}")


def check_uncoupled(circuit: Circuit, what: str) -> None:
    """Refuse gap junctions."""
    for p in circuit.populations:
        if p.is_coupled:
            raise InputError(f"{what}: expected no gap junctions, found those of population {p.name!r}")


def check_afferents(circuit: Circuit, what: str, fluctuating=True, spikes=True, currents=True) -> None:
    """Refuse inputs that fluctuate, have given spike times, or inject currents, as far as that is asked for.

    And weights that are learnt.
    """
    for p in circuit.learning_projections:
        raise InputError(
            f"{what}: expected weights that stay, found projection {p.name!r} of {circuit.name!r}, which learns by "
            f"{p.learning.name}; freeze(circuit, response) gives the circuit as it ended (eisim.freeze)"
        )
    for i in circuit.inputs:
        if fluctuating and i.fluctuation:
            found = f"the fluctuating current {i.name!r} (see Circuit.without_noise)"
        elif spikes and i.spikes is not None:
            found = f"the spike times of {i.name!r}, which are no rate"
        elif currents and i.is_current:
            found = f"the injected current {i.name!r}"
        else:
            continue
        kinds = "rates" if currents else "rates and steady currents" if spikes else "inputs without noise"
        raise InputError(f"{what}: expected {kinds}, found {found} in {circuit.name!r}")


def _beyond(circuit, transients, junctions) -> Iterator[str]:
    yield from (f"the Poisson input {i.name!r}" for i in circuit.inputs if i.train == "poisson")
    for p in circuit.populations:
        if p.neuron.structure != "lif":
            receptors = ", ".join(type(r).__name__ for r in p.neuron.receptors.values())
            yield f"{model_name(p.neuron)} with {receptors} as population {p.name!r}"
    yield from _varied(circuit, transients, junctions)


def _varied(circuit, transients, junctions) -> Iterator[str]:
    yield from (f"a spread of {', '.join(p.spread)} in population {p.name!r}" for p in circuit.populations if p.spread)
    yield from (f"the plasticity of projection {p.name!r}" for p in circuit.projections if p.plasticity)
    lost = [p.name for p in circuit.projections if p.transient and not transients]
    yield from (f"the transient loss of projection {name!r}" for name in lost)
    coupled = [p.name for p in circuit.populations if p.is_coupled and not junctions]
    yield from (f"the gap junctions of population {name!r}" for name in coupled)
