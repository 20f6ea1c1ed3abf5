"""Controls of an ablation: circuits in which something else is changed, or which excitation is scaled to fit."""

from contextlib import suppress

import numpy as np

from eisim.base.errors import InputError, explains_arguments
from eisim.base.seeds import Seed, seed_of
from eisim.base.units import scalar_si
from eisim.base.values import revised
from eisim.circuit import Circuit, Population, Projection, kept_delay, scaled, with_magnitudes


@explains_arguments
def compensate(circuit: Circuit, factor: float, inputs: bool = False) -> Circuit:
    """Scale excitation between populations by one factor; that of inputs, too, if asked for.

    Of an ablated circuit this shows whether excitation was only too strong for what inhibition is left.

    Parameters
    ----------
    circuit : Circuit
    factor : float
        0 or more.
    inputs : bool
        Whether projections from inputs are scaled as well.

    Returns
    -------
    Circuit

    Raises
    ------
    InputError
        If the factor is negative or not a number.

    Examples
    --------
    >>> from eisim import TruthTable, ablate, compensate, synthesize
    >>> weaker = compensate(ablate(synthesize(TruthTable("0110"))), 0.5)
    >>> weaker.is_excitatory_only
    True
    """
    factor = _at_least_0(scalar_si(factor, "1", "compensate: factor"), "compensate: factor")
    chosen = {p.name for p in excitation(circuit, inputs)}
    projections = tuple(scaled(p, factor) if p.name in chosen else p for p in circuit.projections)
    return revised(circuit, projections=projections) if chosen and factor != 1 else circuit


@explains_arguments
def sham_excitation(circuit: Circuit, weight: float) -> Circuit:
    """Take away so much summed weight of the excitation between populations, at most all, from all of it alike.

    Parameters
    ----------
    circuit : Circuit
    weight : float
        Summed magnitude, in the SI unit of the weights.

    Returns
    -------
    Circuit

    Raises
    ------
    InputError
        If the weight is negative or not a number.
    """
    weight = _summed(weight, circuit, "sham_excitation: weight")
    total = sum(total_weight(circuit, p) for p in excitation(circuit))
    return compensate(circuit, max(0.0, 1 - weight / total)) if total else circuit


@explains_arguments
def sham_random(circuit: Circuit, weight: float, seed: Seed = 0) -> Circuit:
    """Take away random synapses between populations, of either sign, until so much summed weight is gone.

    Parameters
    ----------
    circuit : Circuit
    weight : float
        Summed magnitude, in the SI unit of the weights. What is taken differs from it by less than one synapse.
    seed : int or Generator
        Draws the synapses.

    Returns
    -------
    Circuit

    Raises
    ------
    InputError
        If the weight is negative or not a number.
    """
    weight = _summed(weight, circuit, "sham_random: weight")
    between = [p for p in circuit.projections if isinstance(circuit.source(p), Population)]
    matrices = {p.name: circuit.weights(p) for p in between}
    entries = np.concatenate([m.data for m in matrices.values()]) if matrices else np.empty(0)
    order = np.random.default_rng(seed_of(seed, "sham_random: seed")).permutation(entries.size)
    sums = np.cumsum(entries[order])
    taken = int(np.argmin(np.abs(np.append(0.0, sums) - weight)))
    if not taken:
        return circuit
    left = entries.copy()
    left[order[:taken]] = 0
    parts = np.split(left, np.cumsum([m.nnz for m in matrices.values()])[:-1])
    projections = {p.name: p for p in circuit.projections}
    for (name, matrix), part in zip(matrices.items(), parts, strict=True):
        p = projections[name]
        projections[name] = with_magnitudes(p, matrix, part, kept_delay(circuit, p))
    return revised(circuit, projections=tuple(projections.values()))


def excitation(circuit: Circuit, inputs: bool = False) -> tuple[Projection, ...]:
    """Excitatory projections between populations that have synapses; those of inputs, too, if asked for.

    An injected current is none: it stays as it is.
    """
    found = (p for p in circuit.projections if circuit.sign(p) > 0 and not circuit.is_injected(p))
    return tuple(p for p in found if (inputs or isinstance(circuit.source(p), Population)) and circuit.has_synapses(p))


def removed_weight(intact: Circuit, ablated: Circuit) -> float:
    """Summed inhibitory weight that an ablation took, in SI units; that of injected currents is no synaptic weight."""

    def total(circuit):
        return sum(total_weight(circuit, p) for p in circuit.inhibitory_projections if not circuit.is_injected(p))

    before, after = total(intact), total(ablated)
    return max(0.0, before - after)


def total_weight(circuit: Circuit, projection: Projection) -> float:
    """Summed magnitudes of a projection, in SI units, as far as they are transmitted."""
    return float(circuit.weights(projection).data.sum(dtype=float)) * projection.transmission


def _summed(weight, circuit, what):
    """A summed weight, as a number: without a unit, it has that of the circuit's weights."""
    units = sorted({p.neuron.weight_unit for p in circuit.populations}) if hasattr(weight, "dim") else ["1"]
    for unit in units[1:]:
        with suppress(InputError):
            return _at_least_0(scalar_si(weight, unit, what), what)
    return _at_least_0(scalar_si(weight, units[0], what), what)


def _at_least_0(value, what):
    if not value >= 0:
        raise InputError(f"{what}: expected 0 or more, found {value:g}")
    return value
