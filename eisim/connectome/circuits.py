"""Circuits of a connectome: neurons into populations by sign, counts into weights, and neurons silenced by name."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import sparse

from eisim.base.errors import InputError, check_kind
from eisim.base.units import Measured, expected, scalar_si, warn_of_plain
from eisim.base.values import revised
from eisim.circuit import Circuit, Input, Population, Projection, Readout, without_zeros
from eisim.connectome.signs import INHIBITS, checked, policy, sign_of
from eisim.neurons import Neuron, RateUnit, Saturating, SpikingNeuron
from eisim.neurons.neuron import model_name
from eisim.weights import AllToAll, Independent, Rule, with_entries

#: What synapses of unknown sign, and those of either sign, can be taken for: their shares of each sign.
TAKEN_FOR = {"omitted": (0.0, 0.0), "excitatory": (1.0, 0.0), "inhibitory": (0.0, 1.0), "both": (0.5, 0.5)}
#: The model of Shiu et al. (2024): weight of a synapse (V), delay (s), and synapses in an event of an input.
SHIU_WEIGHT, SHIU_DELAY, SHIU_DRIVE = 0.275e-3, 1.8e-3, 250
#: Rates of inputs for a stimulus value of 1, in Hz, by kind.
_RATES = {"rate": 100.0, "spiking": 150.0}
#: Populations beyond this number are refused: each pair of them may have a projection.
MOST_POPULATIONS = 1000


def shiu(refractory=2.2e-3) -> Neuron:
    r"""The neuron of the model of the whole fly brain of Shiu et al. (Nature 634:210, 2024).

    .. math::
        \tau_m \dot{v} = v_0 - v + g, \qquad \tau \dot{g} = -g

    with a membrane time constant :math:`\tau_m` of 20 ms, synapses of :math:`\tau` = 5 ms, rest and reset at -52 mV and
    a threshold of -45 mV. A spike sets :math:`g` to 0, too, and both variables are held through the refractory period,
    in which what arrives is lost. A presynaptic spike adds its weight to :math:`g`, or takes it off; an event of an
    input adds to :math:`v`.

    Parameters
    ----------
    refractory : quantity
        Refractory period, in s; 0 for neurons that are driven by an input.

    Returns
    -------
    Neuron
    """
    return Neuron(
        "dv/dt = (v_0 - v + g)/t_mbr : volt (unless refractory)\ndg/dt = -g/tau : volt (unless refractory)",
        threshold="v > v_th",
        reset="v = v_rst; g = 0*volt",
        refractory=refractory,
        excitation="g, v",
        inhibition="g",
        method="linear",
        name="Shiu",
        v_0=Measured(-52e-3, "volt"),
        v_rst=Measured(-52e-3, "volt"),
        v_th=Measured(-45e-3, "volt"),
        t_mbr=Measured(20e-3, "second"),
        tau=Measured(5e-3, "second"),
    )


def build(connectome: Any, kind, neuron, weight, inputs, readouts, **options) -> Circuit:
    """The circuit of a connectome; the parameters are those of `eisim.Connectome.circuit`."""
    what = f"circuit of connectome {connectome.name!r:.60}"
    check_kind(kind, what)
    is_default = neuron is None
    neuron = _neuron(neuron, kind, what)
    signed = _signed(connectome, options["unknown"], options["mixed"])
    driven = [_Entry.of(connectome, each, f"{what}: inputs") for each in _listed(inputs, f"{what}: inputs")]
    read = [_Entry.of(connectome, each, f"{what}: readouts") for each in _listed(readouts, f"{what}: readouts")]
    parts = _parts(connectome, signed, driven if kind == "spiking" else [], read, options["by"], what)
    weights = _weights(signed, weight, neuron, kind, what)
    delay = options["delay"] if options["delay"] is not None else (SHIU_DELAY if kind == "spiking" else 0.0)
    resting = shiu(0.0) if is_default and kind == "spiking" else neuron
    junctions = _junctions(connectome, parts, neuron, options["gap_junctions"], what)
    populations = [
        Population(
            part.name,
            part.sign,
            resting if part.driven else neuron,
            len(part.members),
            cell_type=part.cell_type,
            labels=tuple(connectome.neurons[k] for k in part.members),
            **junctions[part.name],
        )
        for part in parts
    ]
    projections = [
        Projection(source.name, target.name, block, delay=delay)
        for source in parts
        for rows in [weights[source.sign][source.members]]
        for target in parts
        if (block := rows[:, target.members]).nnz
    ]
    rate = _RATES[kind] if options["rate"] is None else options["rate"]
    train = {"train": "poisson"} if kind == "spiking" else {}
    threshold = {} if options["threshold"] is None else {"threshold": options["threshold"]}
    drive = options["drive"]
    if drive is None and is_default and kind == "spiking":
        drive = SHIU_DRIVE * (SHIU_WEIGHT if weight is None else weight)
    drives = _drives(driven, parts, kind, neuron, "v" if is_default else "", drive, what)
    return Circuit(
        connectome.name,
        [Input(entry.name, rate=rate, **train) for entry in driven],
        populations,
        [*drives, *projections],
        [Readout(part.name, **threshold) for place in range(len(read)) for part in parts if part.read == place],
    )


@dataclass(frozen=True, eq=False)
class _Entry:
    """An entry of the inputs or readouts: its name, and numbers of neurons."""

    name: str
    members: np.ndarray

    @classmethod
    def of(cls, connectome, given, what):
        try:
            members = connectome.find(given)
        except InputError as error:
            raise InputError(f"{what}: {str(error).removeprefix('find: ')}") from None
        if not len(members):
            raise InputError(f"{what}: expected entries with neurons, found {given!r:.60} without any")
        if isinstance(given, str):
            return cls(given, members)
        names = [connectome.neurons[k] for k in members]
        return cls("+".join(names[:3]) + (f"+{len(names) - 3} more" if len(names) > 3 else ""), members)


@dataclass(frozen=True, eq=False)
class _Part:
    """A population to be: its name and sign, its neurons by their numbers, and the entries that it is of."""

    name: str
    sign: str
    members: np.ndarray
    driven: tuple[int, ...]
    read: int
    cell_type: str


def _listed(given, what):
    if isinstance(given, str):
        given = [given]
    if not isinstance(given, Iterable):
        raise InputError(f"{what}: expected names, classes or transmitters, found {given!r:.60}")
    if not (entries := list(given)):
        raise InputError(f"{what}: expected at least one name, class or transmitter, found none")
    return entries


def _neuron(given, kind, what):
    if given is None:
        return Saturating() if kind == "rate" else shiu()
    wanted = RateUnit if kind == "rate" else SpikingNeuron
    if not isinstance(given, wanted):
        model = "a rate unit such as Saturating()" if kind == "rate" else "a spiking neuron such as LIF()"
        raise InputError(f"{what}: neuron: expected {model}, found {given!r:.60}")
    return given


def _signed(connectome, unknown, mixed):
    """Counts of excitatory and of inhibitory synapses."""
    shares = {
        "unknown": TAKEN_FOR[checked(unknown, "circuit: unknown", tuple(TAKEN_FOR))],
        "mixed": TAKEN_FOR[checked(mixed, "circuit: mixed", tuple(TAKEN_FOR))],
    }
    found = {}
    for place, (sign, part) in enumerate({"E": "excitatory", "I": "inhibitory"}.items()):
        found[sign] = getattr(connectome, part)
        for other, share in shares.items():
            if share[place] and getattr(connectome, other).nnz:
                found[sign] = sparse.csr_array(found[sign] + share[place] * getattr(connectome, other))
    return found


def _weights(signed, given, neuron, kind, what):
    """Weights in SI units of each sign, source × target."""
    if given is None:
        given = "share" if kind == "rate" else SHIU_WEIGHT
    elif not isinstance(given, str):
        warn_of_plain(given, neuron.weight_unit, f"{what}: weight")
    if isinstance(given, str):
        if given != "share" or kind == "spiking":
            wanted = "a weight or 'share'" if kind == "rate" else expected(neuron.weight_unit)
            raise InputError(f"{what}: weight: expected {wanted}, found {given!r:.60}")
        received = sum(np.asarray(counts.sum(axis=0)) for counts in signed.values())
        factor = np.divide(1.0, received, out=np.zeros_like(received), where=received > 0)
    else:
        factor = scalar_si(given, neuron.weight_unit, f"{what}: weight")
        if factor < 0:
            raise InputError(f"{what}: weight: expected 0 or more (the sign is the synapse's), found {factor:g}")
        factor = np.full(signed["E"].shape[1], factor)
    return {sign: with_entries(counts, counts.data * factor[counts.indices]) for sign, counts in signed.items()}


def _parts(connectome, signed, driven, read, by, what) -> list[_Part]:
    """The populations: the neurons of each sign, divided by the entries that they belong to."""
    n = connectome.n_neurons
    sends = {sign: np.asarray(counts.sum(axis=1)) > 0 for sign, counts in signed.items()}
    signs = policy(None)
    inhibits = np.array([sign_of(name, signs) == INHIBITS for name in connectome.transmitters])
    silent = ~sends["E"] & ~sends["I"]
    has = {"E": sends["E"] | (silent & ~inhibits), "I": sends["I"] | (silent & inhibits)}
    place = np.full(n, -1)
    for k, entry in enumerate(read):
        if (place[entry.members] >= 0).any():
            other = read[place[entry.members].max()]
            raise InputError(f"{what}: readouts: expected entries without a neuron in common, found {other.name!r:.60} "
                             f"and {entry.name!r:.60}")  # fmt: skip
        place[entry.members] = k
    inputs: list[tuple[int, ...]] = [()] * n
    for k, entry in enumerate(driven):
        for neuron in entry.members:
            inputs[neuron] = (*inputs[neuron], k)
        if (twins := entry.members[has["E"][entry.members] & has["I"][entry.members]]).size:
            raise InputError(
                f"{what}: inputs: expected spiking neurons that send synapses of one sign, found "
                f"{connectome.neurons[twins[0]]!r} in {entry.name!r:.60}, whose twins would have different spikes"
            )
    types = _types(connectome, by, what)
    groups: dict[tuple, list[int]] = {}
    for sign in "EI":
        for neuron in np.flatnonzero(has[sign]).tolist():
            read_here = -1 if sign == "I" and has["E"][neuron] else int(place[neuron])  # a twin is read once
            groups.setdefault((sign, types[neuron], inputs[neuron], read_here), []).append(neuron)
    if len(groups) > MOST_POPULATIONS:
        raise InputError(f"{what}: expected at most {MOST_POPULATIONS} populations, found {len(groups)}")
    return [
        _Part(_called(sign, kind, entries, k, driven, read), sign, np.array(members), entries, k, kind)
        for (sign, kind, entries, k), members in sorted(groups.items(), key=lambda item: item[0])
    ]


def _types(connectome, by, what):
    if by is None:
        return ("",) * connectome.n_neurons
    texts = getattr(connectome, {"transmitter": "transmitters", "class": "classes"}[
        checked(by, f"{what}: by", ("transmitter", "class"))
    ])  # fmt: skip
    return ["".join("/" if c in ",:" else c for c in text if c.isprintable()) for text in texts]


def _called(sign, kind, entries, read_here, driven, read):
    """The name of a population."""
    words = [sign, kind] if kind else [sign]
    if entries:
        words += ["from", " and ".join(driven[k].name for k in entries)]
    if read_here >= 0:
        words += ["to", read[read_here].name]
    return " ".join(words)


def _drives(driven, parts, kind, neuron, receptor, given, what):
    """The projections of the inputs; onto spiking neurons they end on this receptor."""
    if kind == "rate":
        weight = 1.0 if given is None else scalar_si(given, "1", f"{what}: drive")
        for entry in driven:
            for part in parts:
                hit = np.isin(part.members, entry.members)
                if hit.any():
                    yield Projection(entry.name, part.name, sparse.csr_array(weight * hit[None]))
        return
    if given is None:
        raise InputError(f"{what}: drive: expected the weight of an input onto {model_name(neuron)}, found None")
    for part in parts:
        for k in part.driven:
            yield Projection(driven[k].name, part.name, Independent(given), receptor=receptor)


def _junctions(connectome, parts, neuron, given, what) -> dict[str, dict[str, Any]]:
    """The gap junctions of populations, as their fields, by name; of twins one acts on others, both are acted on."""
    counts = connectome.gap_junctions
    if isinstance(given, str) and given != "omitted":
        raise InputError(f"{what}: gap_junctions: expected a conductance or 'omitted', found {given!r:.60}")
    is_omitted = isinstance(given, str)
    conductance = 0.0 if given is None or is_omitted else scalar_si(given, "1", f"{what}: gap_junctions")
    if conductance < 0:
        raise InputError(f"{what}: gap_junctions: expected a conductance of 0 or more, found {conductance:g}")
    if is_omitted or not counts.nnz:
        return {part.name: {} for part in parts}
    pairs = f"{counts.nnz // 2:,} pairs of neurons with gap junctions"
    if given is None:
        raise InputError(
            f"{what}: gap_junctions: expected the conductance of one, or 'omitted', since the connectome has {pairs}, "
            "found None"
        )
    if not isinstance(neuron, RateUnit):
        raise InputError(
            f"{what}: gap_junctions: expected 'omitted', since spiking circuits have them within populations alone and "
            f"neurons of different signs are in different ones, found {given!r:.60} for {pairs}"
        )
    seen = np.zeros(connectome.n_neurons, bool)
    acts = {}  # of the neurons of each population, whether they are the first of twins
    for part in parts:
        acts[part.name] = ~seen[part.members]
        seen[part.members] = True
    found = {}
    for here in parts:
        blocks = {}
        for there in parts:
            block = conductance * counts[there.members][:, here.members]
            blocks[there.name] = without_zeros(sparse.csr_array(sparse.diags_array(1.0 * acts[there.name]) @ block))
        found[here.name] = {"gap_junctions_from": {name: block for name, block in blocks.items() if block.nnz}}
    coupled = {name for fields in found.values() for name in (*fields["gap_junctions_from"],)}
    for name in coupled - {name for name, fields in found.items() if fields["gap_junctions_from"]}:
        size = next(len(part.members) for part in parts if part.name == name)
        found[name] = {"gap_junctions": sparse.csr_array((size, size))}
    return found


def places(circuit: Circuit, what: str) -> dict[str, list[tuple[str, int]]]:
    """Population and number of each neuron that has a name; `what` names the caller in errors."""
    if not isinstance(circuit, Circuit):
        raise InputError(f"{what}: expected a Circuit, found {circuit!r:.60}")
    found: dict[str, list[tuple[str, int]]] = {}
    for population in circuit.populations:
        for k, label in enumerate(population.labels):
            found.setdefault(label, []).append((population.name, k))
    return found


def outputs(circuit: Circuit) -> tuple[str, ...]:
    """Names of the outputs."""
    return tuple(label for readout in circuit.readouts for label in circuit.population(readout.population).labels)


def silence(circuit: Circuit, names: list[str], ways: str, sign: str | None = None) -> Circuit:
    """The circuit without what neurons send, or with `ways` ``"both"`` without what they receive, too.

    With a sign, of twins that of this sign alone, and not at all the neurons that have the other one.
    """
    checked(ways, "silence: ways", ("outgoing", "both"))
    there = places(circuit, "silence")
    if missing := [name for name in names if name not in there]:
        raise InputError(f"silence: expected neurons of circuit {circuit.name!r:.60}, found {missing[0]!r:.60}")
    quiet: dict[str, list[int]] = {}
    signs = {population.name: population.sign for population in circuit.populations}
    for name in names:
        for population, k in (each for each in there[name] if sign in (None, signs[each[0]])):
            quiet.setdefault(population, []).append(k)
    receives = quiet if ways == "both" else {}
    projections = [_without(circuit, p, quiet.get(p.source), receives.get(p.target)) for p in circuit.projections]
    populations = [_rested(p, receives) if receives else p for p in circuit.populations]
    return revised(circuit, projections=tuple(projections), populations=tuple(populations))


def _without(circuit, projection, rows, columns):
    """The projection without what these neurons send, and what these receive."""
    rule = projection.weights
    if rows is None and (columns is None or isinstance(rule, Rule)):
        return projection  # spikes that a Poisson drive causes in silenced neurons go nowhere
    if isinstance(rule, AllToAll) and columns is None:
        return replace(projection, weights=replace(rule, silent=tuple({*rule.silent, *rows})))
    return revised(projection, weights=_cut(circuit.weights(projection), rows or [], columns or []), unit=None)


def _rested(population, quiet):
    """The population with its neurons among these silenced, and without their gap junctions."""
    mine, changes = quiet.get(population.name, []), {}
    if mine:
        changes["silenced"] = tuple(sorted({*population.silenced, *mine}))
    if sparse.issparse(population.gap_junctions):
        changes["gap_junctions"] = _cut(population.gap_junctions, mine, mine)
    if population.gap_junctions_from:
        changes["gap_junctions_from"] = {
            name: _cut(matrix, quiet.get(name, []), mine) for name, matrix in population.gap_junctions_from.items()
        }
    return revised(population, **changes)


def _cut(matrix, rows, columns):
    """A sparse array without some rows and columns, at the shape that it had."""
    data = matrix.data.copy()
    data[np.isin(np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr)), rows)] = 0
    data[np.isin(matrix.indices, columns)] = 0
    return without_zeros(with_entries(matrix, data))
