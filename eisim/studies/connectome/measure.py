"""A connectome intact and without parts of its inhibition: what its readouts do, and which neurons change that.

All circuits, intact, ablated, lesioned, and controls, are copies in the same batches. What the readouts do is a
function only where someone says which trials ask for what (`Required`); else the rates are all there is.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from eisim.ablation import ablate
from eisim.base.errors import InputError
from eisim.base.progress import headed, shows_progress
from eisim.circuit import Circuit, junction_step
from eisim.connectome import Connectome
from eisim.connectome.circuits import silence
from eisim.connectome.signs import are_several
from eisim.simulation import simulate
from eisim.studies.connectome.attained import attained, excitatory_only
from eisim.studies.connectome.result import (
    ASSUMED,
    CLASS,
    CONTROL,
    FRACTION,
    INTACT,
    NEURON,
    OUTGOING,
    SHUFFLED,
    TRANSMITTER,
    WITHOUT,
    Condition,
    ConnectomeResult,
    Protocol,
)
from eisim.studies.connectome.shuffles import shuffled_connectome
from eisim.studies.connectome.structure import structure_of
from eisim.studies.connectome.wiring import SIGNS, Signed, Trials, Wiring, each_alone
from eisim.studies.controls import DENSE, FEW_FACTORS, Variant, mean_rate, partial_shams, variants

#: Factors of the strength of gap junctions, and a gain, that are tried.
FACTORS, WEAK = (0.2, 1.0, 5.0), 0.5
#: Synapses, over all copies of all circuits, that one batch and the whole run may have: memory, and time.
BATCH, MOST = 60_000_000, 20_000_000_000
#: Synapses of a circuit that is large.
LARGE = 1_000_000
#: Synapses in all copies of a screen, which takes the neurons and classes that send most inhibition where not all fit;
#: how many it has at least and at most.
SCREEN, LEAST_SCREEN, MOST_SCREEN = 2_000_000_000, 10, 1000


@shows_progress
def measure(
    connectome: Connectome,
    wiring: Wiring,
    protocol: Protocol,
    required: Trials | None = None,
    name: str = "",
    made: type["ConnectomeResult"] | None = None,
    report: Callable[..., None] | None = None,
) -> ConnectomeResult:
    """Simulate a connectome intact and in all conditions.

    Parameters
    ----------
    connectome : Connectome
    wiring : Wiring
    protocol : Protocol
    required : tuple, optional
        Names of the trials, their stimuli (trials × inputs), and what is asked for in them, or ``None``. By default
        each input alone, and no input.
    name : str
        By default that of the connectome.
    made : type, optional
        The kind of result, by default `ConnectomeResult`.
    report : callable, optional

    Returns
    -------
    ConnectomeResult

    Raises
    ------
    InputError
        For names that the connectome lacks, or a batch that is too large.
    """
    report = report or (lambda *_: None)
    trials, levels, asked = required or each_alone(wiring)
    report("building circuits")
    if wiring.kind != "rate" and wiring.coupling and connectome.gap_junctions.nnz:
        raise InputError(
            "coupling: expected 0, which leaves gap junctions out, since spiking circuits have them within populations "
            f"alone, found {wiring.coupling:g}"
        )
    signed = Signed.of(connectome, wiring)
    intact = signed.circuit()
    if not len(signed.inhibitory):
        raise InputError(
            f"connectome {connectome.name!r:.60}: expected synapses that inhibit, found {_signs(connectome)}"
        )
    names = connectome.outputs(intact)
    entry_of = [k for k, each in enumerate(wiring.readouts) for _ in connectome.find(each.selection)]
    seeds = list(protocol.seeds) if intact.is_random else list(protocol.seeds[:1])
    swaps: list[int] = []
    synapses = sum(intact.weights(p).nnz for p in intact.projections)
    of_one = max(1, len(levels) * len(seeds) * synapses)
    most = int(np.clip(SCREEN // of_one, LEAST_SCREEN, MOST_SCREEN))
    protocol = replace(
        protocol, shuffles=min(protocol.shuffles, most) if synapses < LARGE else min(protocol.shuffles, 1)
    )
    jobs, notes = _jobs(signed, intact, protocol, swaps, most)
    copies = len(jobs) * of_one
    if copies > MOST:
        raise InputError(
            f"lesions: expected at most {MOST:.0e} synapses in all copies of all conditions, found {copies:.0e} "
            f"({len(jobs)} conditions); fewer neurons to silence, or lesions=none, take less"
        )
    tried = _controls(intact, protocol, synapses) if protocol.controls and asked is not None else []
    jobs += [_Job(Condition(CONTROL, _named(each)), partial(_same, each.circuit)) for each in tried]
    protocol = replace(protocol, times=protocol.times | {"dt": _step(intact, protocol.times["dt"])})
    structure = structure_of(connectome, wiring, report)
    built = excitatory_only(levels, asked.outputs) if asked is not None and wiring.kind == "rate" else None
    others = [] if built is None else [(built, np.tile(levels, len(wiring.readouts)))]
    rates, means, reached = _simulate(jobs, wiring.stimuli(levels), seeds, protocol, names, report, others)
    return (made or ConnectomeResult)(
        name=name or connectome.name,
        counts=connectome.counts,
        notes=(*connectome.notes, *notes),
        wiring=wiring,
        protocol=protocol,
        circuit=intact,
        trials=trials,
        levels=levels,
        neurons=names,
        open_signs={part: _senders(connectome, part) for part in ("mixed", "unknown")},
        about={
            job.condition.name: (connectome.classes[k], connectome.transmitters[k])
            for job in jobs
            if job.condition.family == NEURON
            for k in connectome.find(f"name:{job.condition.name}")
        },
        entry_of=np.array(entry_of),
        conditions=tuple(job.condition for job in jobs),
        rates=rates,
        mean_rates=means,
        variants=tuple(tried),
        swaps=tuple(swaps),
        required=asked,
        structure=structure,
        attained=attained(reached[0].readouts[0], asked.outputs) if reached else None,
    )


@dataclass(frozen=True, eq=False, repr=False)
class _Job:
    """A condition, and what makes its circuit when that is needed."""

    condition: Condition
    make: Callable[[], Circuit]


def _jobs(signed: Signed, intact: Circuit, protocol: Protocol, swaps: list[int], most: int):
    """All conditions but the controls, intact first, and notes of what is left out of a screen of at most so many.

    `swaps` is filled as shuffled circuits are made.
    """
    connectome, wiring, notes = signed.connectome, signed.wiring, []
    jobs = [_Job(Condition(INTACT, "intact"), partial(_same, intact))]
    for fraction in protocol.fractions[1:].tolist():
        jobs.append(_Job(Condition(FRACTION, f"{100 * fraction:.3g}%"), partial(ablate, intact, fraction)))
    sent = np.asarray(signed.inhibition.sum(axis=1))
    for family, texts in ((TRANSMITTER, connectome.transmitters), (CLASS, connectome.classes)):
        groups = _grouped(texts, signed.inhibitory)
        if family == TRANSMITTER and (several := [name for name in groups if are_several(name)]):
            notes.append(
                "A row of a transmitter is without all inhibition of the neurons that have it alone; those with "
                f"several have separate rows: {', '.join(several):.200}."
            )
        chosen = sorted(groups, key=lambda name: -sent[groups[name]].sum())[:most]
        if len(chosen) < len(groups):
            notes.append(f"Without the inhibition of the {most} that send most, of {len(groups):,}: by {family}.")
        for name in sorted(chosen):
            names = [connectome.neurons[k] for k in groups[name]]
            jobs.append(_Job(Condition(family, name, len(names)), partial(silence, intact, names, OUTGOING, "I")))
    neurons = _lesioned(signed, protocol.lesions)
    if protocol.lesions is None and len(neurons) > most:
        notes.append(
            f"Silenced one by one are the {most} neurons that send most inhibition, of {len(neurons):,} that inhibit."
        )
        neurons = sorted(neurons, key=lambda k: -sent[k])[:most]
    jobs += [_lesion(connectome, intact, k, protocol.ways) for k in neurons]
    for k in range(protocol.shuffles):
        make = partial(_shuffled, connectome, wiring, [protocol.seeds[0], k], swaps)
        jobs.append(_Job(Condition(SHUFFLED, f"shuffle {k + 1}"), make))
    return jobs + (_assumed(connectome, wiring) if protocol.varied else []), notes


def _controls(intact, protocol, synapses) -> list[Variant]:
    """The controls of the full ablation, with fewer factors where circuits are large."""
    weakened = [ablate(intact, f) if f else intact for f in protocol.fractions.tolist()]
    factors = DENSE if synapses < LARGE else FEW_FACTORS
    return variants(intact, weakened[-1], factors=factors) + partial_shams(intact, weakened, protocol.fractions)


def _shuffled(connectome, wiring, seed, swaps):
    other, swapped = shuffled_connectome(connectome, seed)
    swaps.append(swapped)
    return Signed.of(other, wiring).circuit()


def _signs(connectome) -> str:
    """What signs there are where none inhibits, and how others are given."""
    found, total = connectome.counts, f"{connectome.n_synapses:,.12g}"
    if not found["unknown"] + found["mixed"]:
        return f"none: all {total} excite" if connectome.n_synapses else "no synapses"
    open_ = [f"{found[part]:,.12g} of {word}" for part, word in (("unknown", "unknown sign"), ("mixed", "either sign"))
             if found[part]]  # fmt: skip
    return (
        f"{' and '.join(open_)} among {total}: --set sign=COLUMN or transmitter=COLUMN names the column that says it, "
        "signs=NAME:- is the sign of a transmitter, and unknown=inhibitory and mixed=inhibitory take them to inhibit"
    )


def _senders(connectome, part) -> tuple[str, ...]:
    """Transmitters of the neurons that send some synapses, ``""`` where they are not known."""
    sends = np.flatnonzero(np.diff(getattr(connectome, part).indptr))
    return tuple(sorted({connectome.transmitters[k] for k in sends}))


def _same(circuit):
    return circuit


def _circuit(make, *arguments):
    return make(*arguments).circuit()


def _grouped(texts, chosen) -> dict[str, np.ndarray]:
    """The chosen neurons by text, in the order of the texts."""
    found: dict[str, list[int]] = {}
    for k in chosen:
        found.setdefault(texts[k], []).append(k)
    return {name: np.array(found[name]) for name in sorted(found) if name}


def _lesioned(signed, chosen) -> list[int]:
    """Neurons that are silenced one by one."""
    if chosen is None:
        return signed.inhibitory.tolist()
    return signed.connectome.find(chosen).tolist() if chosen else []


def _lesion(connectome, intact, neuron, ways) -> _Job:
    name = connectome.neurons[neuron]
    return _Job(Condition(NEURON, name, 1), partial(silence, intact, [name], ways))


def _named(variant: Variant) -> str:
    """What a control is, as text."""
    if variant.condition == "compensated":
        return f"ablated, {variant.scaled} × {variant.scale:g}"
    words = {"sham_excitation": "sham: excitation weakened", "sham_random": "sham: random synapses removed"}
    return f"{words[variant.condition]}, as much as {variant.fraction:.0%} of inhibition"


def _assumed(connectome, wiring) -> list[_Job]:
    """Other signs of the synapses whose sign is open, and other strengths of gap junctions; intact, and ablated."""
    has = {name: getattr(connectome, name).nnz for name in ("mixed", "unknown")}
    is_coupled = bool(wiring.coupling and connectome.gap_junctions.nnz)
    strengths = [wiring.coupling * f for f in FACTORS] if is_coupled else [wiring.coupling]
    others: dict[Wiring, None] = {}
    for mixed in SIGNS if has["mixed"] else (wiring.mixed,):
        for coupling in strengths:
            others[replace(wiring, mixed=mixed, coupling=coupling)] = None
        if wiring.kind == "rate":
            others[replace(wiring, mixed=mixed, gain=WEAK)] = None
    for unknown in SIGNS if has["unknown"] else ():
        others[replace(wiring, unknown=unknown)] = None
    jobs = []
    for other in others if len(others) > 1 else ():
        said = [f"mixed {other.mixed}"] * bool(has["mixed"]) + [f"unknown {other.unknown}"] * bool(has["unknown"])
        said += [f"gap junction {other.coupling:g}"] * is_coupled
        said += [f"gain {other.gain:g}"] * (wiring.kind == "rate")
        make = partial(_circuit, Signed.of, connectome, other)
        jobs.append(_Job(Condition(ASSUMED, ", ".join(said)), make))
        jobs.append(_Job(Condition(WITHOUT, ", ".join(said)), partial(_ablated, make)))
    return jobs


def _ablated(make):
    return ablate(make())


def _step(circuit: Circuit, longest: float) -> float:
    """The time step: the longest, or a whole part of it that gap junctions allow."""
    for population in circuit.populations:
        if population.is_coupled:
            summed = sum(matrix.sum(axis=0) for _, matrix in circuit.junctions(population)).max(initial=0.0)
            allowed = min(junction_step(neuron, float(summed)) for neuron in circuit.neurons(population))
            longest = min(longest, longest / np.ceil(longest / allowed))
    return float(longest)


def _simulate(jobs, stimuli, seeds, protocol, names, report, others):
    """Rates of the readouts (conditions × seeds × trials × neurons), and mean rates of all neurons, by condition.

    Circuits with the same time step are in the same batches. Others, with stimuli of their own, are in the first batch;
    their responses come last.
    """
    rates, means = np.empty((len(jobs), len(seeds), len(stimuli), len(names))), np.empty(len(jobs))
    batches: dict[float, list[tuple[int, Circuit]]] = {}
    held: dict[float, int] = {}
    ended, responses = 0, []

    def run(dt):
        nonlocal ended, others
        batch, also, others = batches.pop(dt), others, []
        ended += len(batch)
        found = simulate(
            [circuit for _, circuit in batch] + [circuit for circuit, _ in also],
            [stimuli] * len(batch) + [of for _, of in also],
            seed=[seeds] * (len(batch) + len(also)),
            backend=protocol.backend,
            report=headed(report, f"{ended} of {len(jobs)} conditions"),
            **protocol.times | {"dt": dt},
        )
        responses.extend(found[len(batch) :])
        for (place, _), response in zip(batch, found[: len(batch)], strict=True):
            order = {name: k for k, name in enumerate(Connectome.outputs(response.circuit))}
            rates[place] = response.readouts[..., [order[name] for name in names]]
            means[place] = mean_rate(response)

    for place, job in enumerate(jobs):
        circuit = job.make()
        dt = _step(circuit, protocol.times["dt"])
        size = sum(circuit.weights(p).nnz for p in circuit.projections) * len(stimuli) * len(seeds)
        if dt in batches and held[dt] + size > BATCH:
            run(dt)
        held[dt] = size + (held[dt] if dt in batches else 0)
        batches.setdefault(dt, []).append((place, circuit))
    for dt in [*batches]:
        run(dt)
    return rates, means, responses
