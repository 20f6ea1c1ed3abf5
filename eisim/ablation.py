"""Ablation: circuit to circuit, with inhibition removed in one of the ways that a neurophysiologist has."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from zlib import crc32

import numpy as np

from eisim.base.errors import InputError, did_you_mean, explains_arguments
from eisim.base.seeds import Seed, seed_of
from eisim.base.units import scalar_si, warn_of_plain
from eisim.base.values import revised
from eisim.circuit import Circuit, kept_delay, scaled, with_magnitudes
from eisim.neurons import Neuron
from eisim.neurons.spiking import INHIBITORY
from eisim.synapses import Transient
from eisim.weights import AllToAll


class InapplicableError(InputError):
    """An ablation of something that the circuit does not have."""


@explains_arguments
def ablate(
    circuit: Circuit,
    fraction: float = 1.0,
    projections: Iterable[str] | None = None,
    *,
    cell_types: Iterable[str] | None = None,
    during: tuple[float, float] | None = None,
    wash_in=0.0,
    wash_out=0.0,
) -> Circuit:
    """Remove a fraction of inhibition: every inhibitory weight is multiplied by ``1 - fraction``.

    Of all projections this is a competitive antagonist of the GABA-A receptor, such as bicuculline; of one, a cut
    pathway. Biases stay, negative ones too: they are thresholds, no inhibitory synapses.

    Parameters
    ----------
    circuit : Circuit
    fraction : float
        From 0 (intact) to 1 (no inhibition is left).
    projections : iterable of str, optional
        Names of the inhibitory projections to weaken; all of them by default.
    cell_types : iterable of str, optional
        Cell types (`Population.cell_type`) whose projections to weaken, beside those named.
    during : pair of quantities, optional
        From when to when, in s from the start of a trial; by default all the time. Weights stay as they are, and
        projections get a `Transient`: until it starts, a simulation has the bits of that of the intact circuit.
    wash_in, wash_out : quantity
        Time constants with which the loss builds up and ends, in s, as of a drug; by default at once, as by light.

    Returns
    -------
    Circuit
        The same populations and projections, with smaller inhibitory weights; the same circuit if there are none to
        weaken. A weight rule stays a rule, which draws the same synapses.

    Raises
    ------
    InputError
        If the fraction is not within 0 and 1, a name is not that of an inhibitory projection, a type is not that of an
        inhibitory population, the times are none of a transient loss, or a projection has one already.

    Examples
    --------
    >>> from eisim import TruthTable, ablate, synthesize
    >>> circuit = synthesize(TruthTable("0110"))
    >>> ablate(circuit).is_excitatory_only, ablate(circuit, 0.5).is_excitatory_only
    (True, False)
    """
    fraction = _share(fraction, "ablate: fraction")
    inhibitory = dict.fromkeys(p.name for p in circuit.inhibitory_projections)
    populations = _of_types(circuit, cell_types, "ablate: cell_types")
    sent = [p.name for p in circuit.inhibitory_projections if p.source in populations]
    named = sent if projections is None and cell_types is not None else projections
    chosen = _chosen(named, inhibitory, "ablate: projections", "inhibitory projections") | dict.fromkeys(sent)
    lost = _transient(fraction, during, wash_in, wash_out)
    if not (chosen and fraction):
        return circuit
    if lost is None:
        weakened = [scaled(p, 1 - fraction) if p.name in chosen else p for p in circuit.projections]
    else:
        if twice := [p.name for p in circuit.projections if p.name in chosen and p.transient]:
            raise InputError(
                f"ablate: during: expected projections that have no Transient yet, found {', '.join(twice)}"
            )
        weakened = [revised(p, transient=lost) if p.name in chosen else p for p in circuit.projections]
    return revised(circuit, projections=tuple(weakened))


def _transient(fraction, during, wash_in, wash_out) -> Transient | None:
    """The loss from one time to another, if one is asked for."""
    if during is None:
        if np.any(wash_in) or np.any(wash_out):
            raise InputError("ablate: wash_in and wash_out: expected `during`, from when to when, found None")
        return None
    if isinstance(during, str) or np.ndim(during) != 1 or len(during) != 2:
        raise InputError(f"ablate: during: expected two times, such as (500*ms, 800*ms), found {during!r}")
    times = {"during: start": during[0], "during: stop": during[1], "wash_in": wash_in, "wash_out": wash_out}
    for name, time in times.items():
        warn_of_plain(time, "second", f"ablate: {name}", huge=60.0)
    return Transient(fraction or 1.0, *times.values())


@explains_arguments
def silence(
    circuit: Circuit,
    share: float = 1.0,
    populations: Iterable[str] | None = None,
    seed: Seed = 0,
    *,
    cell_types: Iterable[str] | None = None,
) -> Circuit:
    """Silence a fraction of the interneurons: they send nothing, regardless of their input.

    Their rates are 0 and they have no spikes, in responses, DNNs and mean-fields; tables and figures of a response
    tell them apart (`Population.silenced`). What is recorded of their other variables, such as the potential with its
    resets, and their `Response.state` are those of the membranes, whose spikes go nowhere.

    Parameters
    ----------
    circuit : Circuit
    share : float
        Of the neurons of each population, to the nearest whole number; from 0 to 1.
    populations : iterable of str, optional
        Names of the inhibitory populations to silence; all of them by default.
    seed : int or Generator
        Draws the neurons. With one seed a larger share silences all that a smaller one does, and more.
    cell_types : iterable of str, optional
        Cell types (`Population.cell_type`) whose populations to silence, beside those named.

    Returns
    -------
    Circuit

    Raises
    ------
    InputError
        If the share is not within 0 and 1, or a name or type is not that of an inhibitory population.
    """
    share, seed = _share(share, "silence: share"), seed_of(seed, "silence: seed")
    inhibitory = {p.name: p.size for p in circuit.populations if p.sign == "I"}
    typed = _of_types(circuit, cell_types, "silence: cell_types")
    named = typed if populations is None and cell_types is not None else populations
    chosen = _chosen(named, inhibitory, "silence: populations", "inhibitory populations") | typed
    quiet = {}
    for name in chosen:
        order = np.random.default_rng([seed, crc32(name.encode())]).permutation(inhibitory[name])
        quiet[name] = order[: int(share * inhibitory[name] + 0.5)]
    silenced = [_without(p, circuit, quiet[p.source]) if p.source in quiet else p for p in circuit.projections]
    marked = [
        replace(p, silenced=(*p.silenced, *map(int, quiet[p.name]))) if len(quiet.get(p.name, ())) else p
        for p in circuit.populations
    ]
    return replace(circuit, populations=marked, projections=silenced)


@explains_arguments
def shift_reversal(circuit: Circuit, by) -> Circuit:
    """Shift the reversal potential of inhibition, as a changed chloride gradient does (depolarising GABA).

    Parameters
    ----------
    circuit : Circuit
    by : quantity
        Added to the reversal potential of the inhibitory receptor of every neuron, in V.

    Returns
    -------
    Circuit

    Raises
    ------
    InputError
        If no neuron of the circuit has a conductance-based inhibitory receptor, or a population has a `Neuron` with
        inhibition: where equations have their reversal potential is not known.
    """
    warn_of_plain(by, "volt", "shift_reversal: by")
    by = scalar_si(by, "volt", "shift_reversal: by")
    _driving_forces(circuit)

    def shifted(population):
        receptor = population.neuron.inhibition
        receptor = replace(receptor, reversal=receptor.reversal + by)
        return replace(population, neuron=replace(population.neuron, inhibition=receptor))

    return replace(circuit, populations=[shifted(p) if _has_reversal(p) else p for p in circuit.populations])


def _silenced_unread(circuit, share, cell_types=None):
    """The circuit with interneurons silenced, none of which may be an output: its score would end with it."""
    silenced = silence(circuit, share, seed=circuit.seed, cell_types=cell_types)
    for readout in circuit.readouts:
        population = circuit.population(readout.population)
        if population.sign == "I" and (cell_types is None or population.cell_type in cell_types):
            raise InapplicableError(
                f"silence: expected outputs that stay as they are, found one of the inhibitory population "
                f"{population.name!r}; 'block' ablates its synapses alone"
            )
    return silenced


@dataclass(frozen=True)
class Dose:
    """One way to ablate, graded."""

    how: str  # its name, as `dose` reads it
    label: str  # axis label of the fraction
    apply: Callable[[Circuit, float], Circuit]  # the circuit ablated by a fraction, 0 (intact) to 1


DOSES = {
    "block": Dose("block", "fraction of GABA-A receptors blocked", ablate),
    "silence": Dose("silence", "share of interneurons silenced", _silenced_unread),
    "reversal": Dose(
        "reversal",
        "shift of inhibitory reversal, as a share of the way to threshold",
        lambda c, share: shift_reversal(c, share * max(_driving_forces(c))),
    ),
}


def dose(how: str) -> Dose:
    """The graded ablation with this name.

    ``"block"``: GABA-A by a fraction, by `ablate`. ``"silence"``: a fraction of the interneurons, drawn with the
    circuit's seed, by `silence`. ``"block:PV"`` and ``"silence:PV"`` (or several, comma-separated): the same of these
    cell types alone. ``"cut:I->E"``: the projection with that name (or several, comma-separated) by a
    fraction. ``"reversal"``: by `shift_reversal`; a fraction of 1 shifts the reversal potential to the spike threshold,
    where GABA begins to drive a neuron to fire.
    """
    name, _, pathway = str(how).partition(":")
    if name == "cut" and pathway:
        return Dose(how, f"fraction of {pathway} cut", partial(ablate, projections=pathway.split(",")))
    if name == "block" and pathway:
        apply = partial(ablate, cell_types=pathway.split(","))
        return Dose(how, f"fraction of the inhibitory synapses of {pathway} cells blocked", apply)
    if name == "silence" and pathway:
        types = pathway.split(",")
        return Dose(
            how,
            f"share of inhibitory {pathway} cells silenced",
            partial(_silenced_unread, cell_types=types),
        )
    if str(how) not in DOSES:
        found = f"{how!r}{did_you_mean(how, DOSES)}"
        ways = f"{', '.join(DOSES)}, cut:SOURCE->TARGET, block:TYPE, silence:TYPE"
        raise InputError(f"how: expected one of {ways}, found {found}")
    return DOSES[how]


def _share(value, what):
    value = scalar_si(value, "1", what)
    if not 0 <= value <= 1:
        raise InputError(f"{what}: expected between 0 and 1, found {value:g}")
    return value


def _chosen(names, known, what, kind, none="none, the circuit has no inhibition"):
    if isinstance(names, str):
        names = [names]
    listed = ", ".join(repr(n) for n in known) or none
    if names is not None and not isinstance(names, Iterable):
        raise InputError(f"{what}: expected {kind} ({listed}), found {names!r:.60}")
    chosen = list(known if names is None else names)
    for name in chosen:
        if not isinstance(name, str) or name not in known:
            raise InapplicableError(f"{what}: expected {kind} ({listed}), found {name!r:.60}")
    return dict.fromkeys(chosen)


def _of_types(circuit, cell_types, what):
    """Names of the inhibitory populations of these cell types; none if no types are given."""
    if cell_types is None:
        return {}
    populations = [p for p in circuit.populations if p.sign == "I"]
    known = dict.fromkeys(p.cell_type for p in populations if p.cell_type)
    none = "none, no inhibitory population has one"
    types = _chosen(cell_types, known, what, "cell types of inhibitory populations", none)
    return dict.fromkeys(p.name for p in populations if p.cell_type in types)


def _without(projection, circuit, sources):
    """The projection without what these sources send."""
    rule = projection.weights
    if isinstance(rule, AllToAll):
        silent = tuple(sorted({*rule.silent, *map(int, sources)}))
        return replace(projection, weights=replace(rule, silent=silent))
    matrix = circuit.weights(projection)
    sends = np.ones(matrix.shape[0])
    sends[sources] = 0
    left = matrix.data * np.repeat(sends, np.diff(matrix.indptr))
    return with_magnitudes(projection, matrix, left, kept_delay(circuit, projection))


def _driving_forces(circuit):
    """Distance from the inhibitory reversal potential to threshold, in V, for each population with one."""
    for p in circuit.populations:
        if isinstance(p.neuron, Neuron) and set(p.neuron.receptors) & set(INHIBITORY):
            raise InapplicableError(
                f"shift_reversal: expected neurons whose reversal potential of inhibition is known, found population "
                f"{p.name!r} of {p.neuron.name}, whose inhibition is in its equations; change a parameter of it instead"
            )
    neurons = [p.neuron for p in circuit.populations if _has_reversal(p)]
    if not neurons:
        raise InapplicableError(
            f"shift_reversal: expected a circuit with conductance-based inhibition, found {circuit.name!r}, which has "
            f"no reversal potential"
        )
    return [neuron.threshold - neuron.inhibition.reversal for neuron in neurons]


def _has_reversal(population):
    return hasattr(getattr(population.neuron, "inhibition", None), "reversal")
