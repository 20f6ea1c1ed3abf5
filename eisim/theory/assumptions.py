"""Assumptions of the theorem (T1, T9, T10) that a circuit breaks, and those that its description does not show."""

from collections.abc import Iterator

import numpy as np

from eisim.circuit import Circuit, Population, initial_state

#: Drives, in Hz, at which a transfer function is examined that nothing is said of, and what a fall there exceeds.
_DRIVES, ROUNDING = np.linspace(-1000.0, 1000.0, 8001), 1e-9
RATE_CODE = "a rate code; leak, coincidence, refractoriness and delays let single spikes break order"


def violated(circuit: Circuit) -> Iterator[str]:
    """What of a circuit breaks an assumption, as clauses such as "the activation of out is not non-decreasing"."""
    if falling := [p.name for p in circuit.populations if _falls(p.neuron)]:
        yield f"the activation of {', '.join(falling)} is not non-decreasing"
    if plastic := [p.name for p in circuit.projections if p.plasticity or p.learning]:
        yield f"synapses of {', '.join(plastic)} change with their history"
    if timed := [i.name for i in circuit.inputs if i.spikes is not None]:
        yield f"inputs are rates, but {', '.join(timed)} fires at given times"
    if turning := [p.name for p, turns in _reversing(circuit) if turns]:
        yield f"synapses of {', '.join(turning)} have a reversal potential at which their effect changes sign"
    if beyond := [p.name for p in circuit.populations if _begins_beyond(p, circuit.seed)]:
        yield f"{', '.join(beyond)} begins at a higher rate than the refractory period allows"


def unshown(circuit: Circuit) -> Iterator[str]:
    """What else has to hold of a circuit, and is not shown, as clauses such as "a non-decreasing activation of out"."""
    if open_ := [p.name for p in circuit.populations if p.neuron.non_decreasing is None and not _falls(p.neuron)]:
        yield f"a non-decreasing activation of {', '.join(open_)}"
    if stateful := [p.name for p in circuit.populations if getattr(p.neuron, "has_internal_states", False)]:
        yield f"no slow negative feedback within the neurons of {', '.join(stateful)}"
    if unbounded := [p.name for p in circuit.populations if _has_open_step(p.neuron)]:
        yield f"time steps of at most tau/(1 + refractory*activation) in {', '.join(unbounded)}"
    if driven := dict.fromkeys(p.target for p, turns in _reversing(circuit) if not turns):
        yield f"membrane potentials of {', '.join(driven)} between the reversal potentials of excitation and inhibition"
    if circuit.kind == "spiking":
        yield RATE_CODE


def _falls(neuron) -> bool:
    """Whether an activation is not non-decreasing, as its class says, or else the transfer function of a unit shows."""
    if neuron.non_decreasing is not None or neuron.kind != "rate":
        return neuron.non_decreasing is False
    try:
        with np.errstate(all="ignore"):
            rates = np.asarray(neuron.transfer(_DRIVES), dtype=float)
            return bool((np.diff(rates) < -ROUNDING * np.maximum(1.0, np.abs(rates[1:]))).any())
    except Exception:  # code of a user's that does not take such drives shows nothing
        return False


def _reversing(circuit):
    """Projections that act through a reversal potential, and whether it lies where the membrane is."""
    for projection in circuit.projections:
        neuron = circuit.population(projection.target).neuron
        if neuron.kind == "rate" or circuit.is_injected(projection):
            continue
        turns = neuron.turns(neuron.receptor_of(projection.receptor, circuit.sign(projection)))
        if turns is False or (turns and circuit.has_synapses(projection)):  # which may have to be drawn
            yield projection, turns


def _begins_beyond(population: Population, seed: int) -> bool:
    """Whether rates begin where the share of neurons that are not refractory, 1 - refractory*r, is negative."""
    refractory = population.neuron.refractory if population.neuron.kind == "rate" else 0.0
    return bool(refractory) and bool(np.any(initial_state(population, seed).get("r", 0.0) * refractory > 1))


def _has_open_step(neuron) -> bool:
    """Whether no bound of the rate says which time steps keep order."""
    return neuron.kind == "rate" and bool(neuron.refractory) and not hasattr(neuron, "maximum")
