"""A circuit as a table: the values behind its drawing."""

import numpy as np

from eisim.base.files import to_csv
from eisim.circuit import Circuit, Projection
from eisim.distributions import Distribution
from eisim.keyed_synapses import delays_of
from eisim.report.findings import Picture
from eisim.report.wording import listing
from eisim.weights import Rule

#: Weights in the unit in which they are read, by that in which they are held: its name, and how many make one.
SHOWN_UNITS = {"volt": ("mV", 1e3), "siemens": ("nS", 1e9), "1": ("1", 1.0)}


def circuit_table(circuit: Circuit) -> str:
    """CSV: a line for each projection, with the mean weight over the synapses that there are, and the mean delay."""
    return to_csv([_row(circuit, projection) for projection in circuit.projections], COLUMNS)


COLUMNS = (
    *("projection", "source", "source_size", "target", "target_size", "sign"),
    *("synapses", "mean_weight", "weight_unit", "delay_ms"),
)


def _row(circuit: Circuit, projection: Projection) -> dict:
    source, target = circuit.source(projection), circuit.population(projection.target)
    unit, scale = SHOWN_UNITS["1" if circuit.is_injected(projection) else target.neuron.weight_unit]
    count, weight = synapses(circuit, projection)
    given = projection.delay
    none = given.moments[0] if isinstance(given, Distribution) else given
    delay = circuit.delays(projection) if count and not circuit.keyed(projection) else none
    return {
        "projection": projection.name,
        "source": source.name,
        "source_size": source.size,
        "target": target.name,
        "target_size": target.size,
        "sign": "I" if circuit.sign(projection) < 0 else "E",
        "synapses": count,
        "mean_weight": float(f"{weight * scale:.12g}") if count else None,
        "weight_unit": unit,
        "delay_ms": float(np.mean(delay)) * 1e3,
    }


def synapses(circuit: Circuit, projection: Projection) -> tuple[int, float]:
    """Number of synapses and their mean weight; of those that are drawn by keys, the mean of the distribution."""
    rule, count = projection.weights, circuit.n_synapses(projection)
    if isinstance(rule, Rule) and not (isinstance(rule.weight, Distribution) and not circuit.keyed(projection)):
        return count, rule.mean_weight if count else 0.0
    return count, float(circuit.weights(projection).data.mean()) if count else 0.0


def delays(circuit: Circuit, projection: Projection) -> np.ndarray:
    """The delays of a projection in s; of synapses that are drawn by keys, the least and the greatest that can be."""
    given = projection.delay
    if not isinstance(given, Distribution) and not given.ndim:
        return given
    if isinstance(given, Distribution) and circuit.keyed(projection):
        return delays_of(given, np.array([0, 2**32 - 1], np.uint64))
    return circuit.delays(projection)


def in_words(circuit: Circuit) -> str:
    """Inputs and populations with their sizes and signs: ``"input x (2), excitatory readout (1)"``."""
    inputs = [f"{i.name if i.name.startswith('input') else f'input {i.name}'} ({i.size:,})" for i in circuit.inputs]
    signs = {"E": "excitatory", "I": "inhibitory"}
    return ", ".join([*inputs, *(f"{signs[p.sign]} {p.name} ({p.size:,})" for p in circuit.populations)])


def _made(circuit: Circuit) -> str:
    """Why the weights of a circuit that `to_spiking` made are so large; empty for any other."""
    slow = [p.neuron for p in circuit.populations if circuit.kind == "spiking" and getattr(p.neuron, "tau", 0) >= 1]
    if not slow:
        return ""
    from eisim.adapter.spiking import BOUNDED, INTEGRATOR  # which imports much

    made = [neuron for neuron in slow if neuron in (INTEGRATOR, BOUNDED)]
    if not made:
        return ""
    membranes = listing(dict.fromkeys(f"{neuron.tau:g} s" for neuron in made))
    synapses = " or ".join(dict.fromkeys(f"{neuron.excitation.tau * 1e3:g} ms" for neuron in made))
    shares = " or a ".join(dict.fromkeys(f"{neuron.tau / neuron.excitation.area:,.0f}th" for neuron in made))
    return (
        f" The circuit was converted from a rate circuit: its membranes have a time constant of {membranes}, so that "
        f"f–I curves follow the units' activations, and its synapses one of {synapses}, so that one spike moves the "
        f"potential by about a {shares} of the weight. The weights are scaled accordingly and are not physiological."
    )


def circuit_picture(circuit: Circuit, stem: str, title: str) -> Picture:
    """The figure of a circuit next to its f–I approximation, as on a page; ``{stem}.csv`` is its `circuit_table`."""
    from eisim.report.routes import falling_routes  # which imports much

    routes = falling_routes(circuit)
    sources = sorted({p.source for p in circuit.inhibitory_projections if synapses(circuit, p)[0]})
    found = f"Inhibition comes from {listing(sources)}." if sources else "No projection is inhibitory."
    caption = (
        f"Populations with their numbers of neurons: {in_words(circuit)}. Excitatory projections end with an "
        f"arrowhead, inhibitory ones with a bar, each with its mean weight and number of synapses. {found} In the f–I "
        "approximation (b; where there is one), a static DNN, negative weights are those of inhibitory projections."
        f"{f' {routes}' if routes else ''}{_made(circuit)}"
    )
    return Picture(
        f"{stem}.svg",
        title,
        caption,
        f"{circuit.kind.capitalize()} circuit: {in_words(circuit)}. {found}",
        f"{stem}.csv",
    )
