"""The batch as an axis: circuits × seeds × trials laid out as a few groups of neurons and synapses.

Every trial is a copy of its circuit. All copies of all neurons of one model form one group, and all synapses between
two groups through one receptor form one bundle, so that the whole batch is one Brian2 program.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import astuple, dataclass, field, replace
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from eisim.base.elementary import exp, expm1
from eisim.base.errors import InputError
from eisim.base.timing import Timing
from eisim.circuit import (
    MOST_NEURONS,
    Circuit,
    Population,
    Projection,
    delay_steps,
    draws_state,
    initial_state,
    junction_step,
    spans,
)
from eisim.distributions import Distribution
from eisim.keyed_synapses import KeyedSynapses
from eisim.plasticity import PlasticityRule
from eisim.plasticity.text import WEIGHT, code_name
from eisim.simulation import noise
from eisim.simulation.block import Block
from eisim.simulation.drawn import DrawnPart, DrawnSynapses, is_drawable
from eisim.simulation.recording import BIAS, Request, needed, of_pool
from eisim.stimuli import spike_raster
from eisim.synapses import ShortTerm, Transient
from eisim.weights import AllToAll, Independent

#: Synapses of small circuits that are arranged at once: that takes little memory, and little time for each circuit.
AT_ONCE = 1 << 20
#: Synapses of one copy of a circuit from which on they are not sorted: of a billion there must be no copies.
SORTED = 1 << 25
#: Bytes of stimuli up to which they are compared with those of other circuits.
SMALL = 10_000
INPUT = "input"
DELAY_LINE = "delayline"
SPIKE_TIMES = "spiketimes"
POOL = "pool_of_"
#: In place of a receptor's letter: of bundles of gap junctions.
JUNCTIONS = "gap"
#: The step from which on a neuron integrates again; in a state at the end of a trial counted from there.
FREE_AT = "free_at"
#: Endings of parts of a state: what the pool of a population adds to its variables, and rates so many steps ago.
OF_POOL, AGO = "_pool", "_{}_steps_ago"

#: State variables of inputs and populations, for each copy: seeds × trials × neurons.
State = dict[str, dict[str, np.ndarray]]


@dataclass(frozen=True)
class Trials:
    """A circuit with its stimuli and seeds: seeds × trials copies."""

    circuit: Circuit
    stimuli: np.ndarray  # trials × inputs, or trials × time × inputs
    numbers: np.ndarray  # of the trials; a trial's noise depends on it
    seeds: np.ndarray
    record: bool  # spikes, or rates in every step
    request: Request | None = None
    keep_state: bool = False
    initial: State | None = None

    @property
    def copies(self) -> int:
        return len(self.seeds) * len(self.stimuli)

    @property
    def neurons(self) -> int:
        """Neurons of one copy."""
        return sum(p.size for p in self.circuit.populations)


@dataclass
class Group:
    """Neurons of one model, with the values of their parameters: one number for all neurons of a part, or an array."""

    neuron: Any  # a model of that structure, None for inputs and delay lines
    drives: str = ""  # letters of the receptors of the Poisson drives of each neuron
    pools: str = ""  # name of the group of pools that these neurons read
    coupled: bool = False  # whether they have gap junctions
    size: int = 0
    recorded: int = 0  # number recorded, from the first on
    parts: list[tuple[int, dict[str, np.ndarray | float]]] = field(default_factory=list)  # with their sizes

    def values(self) -> dict[str, np.ndarray | float]:
        """Values of every parameter: an array by neuron, or the one number that all have."""
        sizes, each = [size for size, _ in self.parts], [values for _, values in self.parts]
        if any(values.keys() != each[0].keys() for values in each):  # some begin with states at 0, others elsewhere
            kinds = {name: np.asarray(value).dtype.type(0) for values in each for name, value in values.items()}
            each = [kinds | values for values in each]
        return {name: _joined([values[name] for values in each], sizes) for name in each[0]}

    @property
    def frames(self) -> int:
        """Number of frames of time-varying input rates, 0 if they are constant."""
        rate = self.parts[0][1].get("rate")
        return rate.shape[1] if np.ndim(rate) == 2 else 0


@dataclass(frozen=True)
class Bundle:
    """Common properties of the synapses in one Brian2 object."""

    source: str
    target: str
    receptor: str
    plasticity: ShortTerm | None = None
    number: int = 0  # among those that differ in plasticity alone, and in what they learn
    learning: PlasticityRule | None = None
    keyed: bool = False  # whether a program can draw them itself


@dataclass(frozen=True)
class Synapses:
    """Synapses of one bundle: signed weights, delays in s, numbers of courses; one number where all are the same."""

    pre: np.ndarray
    post: np.ndarray
    weight: np.ndarray
    delay: np.ndarray
    course: np.ndarray  # number of a column of `Layout.transmission`
    share: np.ndarray  # of the weight that is transmitted, where weights are learnt

    @property
    def common_delay(self) -> float | None:
        """The delay, if all synapses have the same."""
        return None if self.delay.ndim else float(self.delay)


@dataclass(frozen=True)
class Learnt:
    """Where the synapses of a projection lie whose weights are learnt, one copy after the other, in a bundle."""

    bundle: Bundle
    start: int
    places: np.ndarray  # of the synapses of a copy in the order of the projection's weights

    def take(self, values: np.ndarray, copies: int, found: np.ndarray) -> None:
        """Put the part of a bundle's `values` that lies here where it belongs: copies × synapses of the projection."""
        end = self.start + copies * len(self.places)
        found[:, self.places] = values[self.start : end].reshape(copies, -1)


class Recorder(NamedTuple):
    """The variables of a group, or of a bundle of synapses, that are recorded over time together."""

    group: str | Bundle
    variables: tuple[str, ...]


@dataclass(frozen=True)
class Recorded:
    """Where the variables of a population or projection lie: columns of a recorder of its group, pool or bundle."""

    recorder: Recorder
    columns: slice
    places: np.ndarray | None = None  # of synapses among those that are recorded of their projection


#: Of a block: the name of an input or population; with "pool" its pool, with a number its state that many steps ago.
#: Of what is recorded also the name of a projection with the number of a part of its synapses.
Key = str | tuple[str, str | int]


@dataclass(frozen=True)
class Layout:
    """Groups by name, synapses by bundle, blocks by batch index and key, and losses of transmission in their order."""

    groups: dict[str, Group]
    synapses: dict[Bundle, Synapses | DrawnSynapses]
    blocks: dict[tuple[int, Key], Block]
    injected: list[np.ndarray] = field(default_factory=list)  # currents over time, rows × frames
    #: Time steps of given spikes, those of an afferent in a row, each row ended by `NEVER`; where each row begins.
    given: list[np.ndarray] = field(default_factory=list)
    begins: dict[bytes, int] = field(default_factory=dict)
    #: Numbers of the neurons of each recorder, by what was placed.
    recorders: dict[Recorder, list[np.ndarray]] = field(default_factory=dict)
    recorded: dict[tuple[int, Key], Recorded] = field(default_factory=dict)
    #: Variables that sum the inputs of the rate units of a circuit's population, by receptor.
    drives: dict[tuple[int, str], dict[str, list[str]]] = field(default_factory=dict)
    courses: list[Transient | None] = field(default_factory=lambda: [None])
    #: By batch index and name of a projection; several where rates arrive with different delays.
    learnt: dict[tuple[int, str], list[Learnt]] = field(default_factory=dict)

    @property
    def indices(self) -> dict[Recorder, np.ndarray]:
        """Numbers of the neurons of each recorder."""
        return {recorder: np.concatenate(parts) for recorder, parts in self.recorders.items()}

    def transmission(self, timing: Timing) -> np.ndarray:
        """What is transmitted at each time step in each course, steps × courses; of no loss always 1."""
        times = np.arange(timing.steps) * timing.dt
        return np.stack([c.transmission(times) if c else np.ones_like(times) for c in self.courses], axis=1)

    def monitored(self, kind: str) -> dict[str, int]:
        """Number of recorded neurons of each group that has any: spikes of all, rates of populations."""
        unseen = (POOL, DELAY_LINE, INPUT) if kind == "rate" else POOL
        return {name: g.recorded for name, g in self.groups.items() if g.recorded and not name.startswith(unseen)}


def lay_out(batch: list[Trials], dt: float, steps: int = 0, draws: bool = False) -> Layout:
    """Arrange a batch for trials of so many steps of length dt; recorded circuits come first in every group.

    `draws`: a program draws the synapses that it can.
    """
    layout = Layout({}, {}, {})
    for loss in (p.transient for trials in batch for p in trials.circuit.projections if p.transient):
        if loss not in layout.courses:
            layout.courses.append(loss)
    parts: dict[Bundle, list[_Part]] = {}
    learning: list[tuple[tuple[int, str], Bundle, int, np.ndarray]] = []
    ends: dict[Bundle, int] = {}  # synapses that learn so far
    drawn: dict[Bundle, list[DrawnPart]] = {}
    recorded = []
    neuron_values = lru_cache(maxsize=None)(_neuron_values)  # levels of ablation have the same neurons
    input_values = _InputValues()
    for index in sorted(range(len(batch)), key=lambda i: not batch[i].record):
        trials, mine = batch[index], {}
        placed = _place(layout, index, trials, (dt, steps), neuron_values, input_values, draws)
        for source, target, receptor, plasticity, learner, keyed, *synapses in placed:
            source, target = layout.blocks[index, source], layout.blocks[index, target]
            bundle = Bundle(source.group, target.group, receptor, plasticity, keyed=keyed)
            if isinstance(synapses[0], KeyedSynapses):
                drawn.setdefault(bundle, []).append(DrawnPart(source, target, trials.copies, *synapses))
            elif len(synapses[0]):
                if learner:
                    name, rule, places = learner
                    bundle = replace(bundle, learning=rule)
                    begin = ends.get(bundle, 0)
                    learning.append(((index, name), bundle, begin, places))
                    ends[bundle] = begin + trials.copies * len(places)
                mine.setdefault(bundle, []).append((source, target, *synapses))
        if trials.request:
            recorded.append((index, trials, mine))
        for bundle, several in mine.items():
            is_small = trials.circuit.kind == "spiking" and sum(len(each[2]) for each in several) < SORTED
            if is_small and len(several) > 1 and not bundle.learning:
                several = _by_source(several)
            for source, target, *synapses in several:
                parts.setdefault(bundle, []).append(_Part(source, target, trials.copies, *synapses))
    numbered = {bundle: _numbered(bundle, [*parts, *drawn]) for bundle in (*parts, *drawn)}
    for bundle, of_bundle in drawn.items():
        layout.synapses[numbered[bundle]] = DrawnSynapses(tuple(of_bundle))
    for bundle, of_bundle in parts.items():
        _check_count(sum(part.synapses for part in of_bundle), "synapses between two models")
        together = list(_few_at_once(of_bundle))
        counts = [sum(part.synapses for part in each) for each in together]
        columns = (_joined(column, counts) for column in zip(*map(_in_copies, together), strict=True))
        synapses = Synapses(*columns)
        if bundle.learning:
            synapses = replace(synapses, weight=np.array(np.broadcast_to(synapses.weight, len(synapses.pre)), float))
        layout.synapses[numbered[bundle]] = synapses
    for place, bundle, begin, places in learning:
        layout.learnt.setdefault(place, []).append(Learnt(numbered[bundle], begin, places))
    for index, trials, mine in recorded:
        _place_recorders(layout, index, trials, [numbered[bundle] for bundle in mine])
    return layout


def _place_recorders(layout, index, trials, bundles):
    """Say which neurons of which groups are recorded for a circuit, whose bundles are given."""
    request = trials.request
    wanted = np.searchsorted(trials.numbers, request.trials)
    copies = (np.arange(len(trials.seeds))[:, None] * len(trials.stimuli) + wanted).ravel()
    for name, variables in request.variables.items():
        if name in trials.circuit.rules:
            _place_weights(layout, (index, name), trials, copies)
            continue
        population, block, drives = trials.circuit.population(name), layout.blocks[index, name], {}
        if trials.circuit.kind == "rate":
            for bundle in bundles:
                if bundle.target == block.group:
                    drives.setdefault(bundle.receptor, set()).add(drive_name(bundle))
            drives = {receptor: sorted(found) for receptor, found in drives.items()}
            layout.drives[index, name] = drives
        state = needed(population, variables, drives)
        if "tonic" not in layout.groups[block.group].parts[-1][1]:  # a bias that stays is among the values
            state = tuple(name for name in state if name != BIAS)
        if state:
            within = request.neurons[name]
            _record(layout, (index, name), state, (block.start + copies[:, None] * block.stride + within).ravel())
        pool = layout.blocks.get((index, pool_name(population)))
        if pool and (shared := of_pool(population, state)):
            _record(layout, (index, pool_name(population)), shared, pool.start + copies * pool.stride)


def _place_weights(layout, key, trials, copies):
    """Say which synapses of which bundles are recorded of a projection that learns."""
    index, name = key
    variables, numbers = trials.request.variables[name], trials.request.neurons[name]
    state = tuple(sorted(variable if variable == WEIGHT else code_name(variable) for variable in variables))
    for k, part in enumerate(layout.learnt.get(key, ())):
        places = np.flatnonzero(np.isin(numbers, part.places))
        if len(places):
            within = np.searchsorted(part.places, numbers[places])
            synapses = (part.start + copies[:, None] * len(part.places) + within).ravel()
            _record(layout, (index, (name, k)), state, synapses, part.bundle, places)


def _record(layout, place, variables, numbers, group=None, places=None):
    recorder = Recorder(group or layout.blocks[place].group, variables)
    parts = layout.recorders.setdefault(recorder, [])
    first = sum(map(len, parts))
    parts.append(numbers.astype(np.int32))
    layout.recorded[place] = Recorded(recorder, slice(first, first + len(numbers)), places)


def drive_name(bundle: Bundle) -> str:
    """The variable that sums a rate group's input from one bundle of synapses."""
    return f"drive_from_{bundle.source}_{bundle.receptor}{rule_ending(bundle)}"


def rule_ending(bundle: Bundle) -> str:
    """What follows in names of a bundle of synapses that learn: these come after the others in their order."""
    return f"_rule_{bundle.number:03d}" if bundle.learning else ""


def _check_count(number, of):
    if number > MOST_NEURONS:
        raise InputError(f"simulate: expected at most {MOST_NEURONS:,} {of} in a batch, found {number:,}")


def _numbered(bundle, bundles):
    """The bundle with its number among those that differ in plasticity alone, and in what they learn.

    By their values, as what arrives at once is added in the order of the names: a circuit's must not depend on which
    other circuits are in the batch.
    """

    def ends(b):
        return b.source, b.target, b.receptor, b.learning is None, b.keyed

    def rank(b):
        return repr(b.learning and astuple(b.learning)), astuple(b.plasticity) if b.plasticity else ()

    alike = [b for b in bundles if ends(b) == ends(bundle)]
    ranked = sorted(alike, key=rank)
    return replace(bundle, number=ranked.index(bundle))


def _joined(parts, sizes):
    """Parts of an array, or numbers, as one array, or as the one number that all of them are.

    Without a copy where there is one part: it may have a billion numbers.
    """
    if len(parts) == 1 or all(np.ndim(part) == 0 and part == parts[0] for part in parts):
        return parts[0]
    return np.concatenate([part if np.ndim(part) else np.full(n, part) for part, n in zip(parts, sizes, strict=True)])


def one_if_equal(value):
    """An array, or the one number that it repeats."""
    value = np.asarray(value)
    return value.ravel()[0] if value.ndim and value.size and not np.ptp(value) else value


def _place(layout, index, trials, timing, neuron_values, input_values, draws):
    """Place the neurons of one circuit; yields its synapses.

    Source, target, receptor, plasticity; where weights are learnt name, rule and places in the projection; whether a
    program can draw them; rows, columns, weights, delays, courses and shares, the last four of which may be one
    number. Where the program `draws`, instead of these what it draws from, weight, sign, delay and course.
    """
    taps, dt = _place_neurons(layout, index, trials, timing, neuron_values, input_values), timing[0]
    for source, last in taps:
        chain = [source.name, *((source.name, t) for t in range(1, last + 1))]
        each = np.arange(source.size)
        for before, after in pairwise(chain):
            yield before, after, "e", None, None, False, each, each, 1.0, 0.0, 0, 1.0
    circuit = trials.circuit
    for projection in circuit.projections:
        if circuit.is_injected(projection) or (
            circuit.kind == "spiking" and isinstance(projection.weights, Independent)
        ):
            continue
        sign, receptor = circuit.sign(projection), circuit.receptor(projection)
        target, source = circuit.population(projection.target), circuit.source(projection)
        sign = sign if target.neuron.signed_weights and not projection.learning else 1
        share = projection.transmission
        plasticity, course = projection.plasticity, np.int32(layout.courses.index(projection.transient))
        if circuit.kind == "spiking":
            plasticity = plasticity or getattr(target.neuron.receptors[receptor], "release", None)
        if is_pooled(circuit, projection):
            if projection.weights.weight:
                rows, delays = projection.weights.senders(source.size), projection.delay
                weight, pool = sign * projection.weights.weight, pool_name(target)
                columns = np.zeros_like(rows)
                yield source.name, pool, receptor, plasticity, None, False, rows, columns, weight, delays, course, share
            continue
        keyed = is_drawable(circuit, projection)
        if keyed and draws:
            weight, ends = projection.weights.weight, (projection.source, projection.target, receptor)
            if weight:
                yield *ends, plasticity, None, True, circuit.keyed(projection), weight, sign, projection.delay, course
            continue
        matrix = circuit.weights(projection)
        rows = np.repeat(np.arange(matrix.shape[0], dtype=np.int32), matrix.indptr[1:] - matrix.indptr[:-1])
        columns, weights, delay = matrix.indices, sign * one_if_equal(matrix.data), circuit.delays(projection)
        learner = projection.learning and (projection.name, projection.learning, np.arange(len(rows)))
        if learner:
            _check_largest(circuit, projection, matrix)
        if not taps:
            ends = projection.source, projection.target, receptor
            yield *ends, plasticity, learner, keyed, rows, columns, weights, delay, course, share
            continue
        weights, delay = np.broadcast_to(weights, rows.shape), np.broadcast_to(delay, rows.shape)
        steps = delay_steps(delay, dt)
        for tap in np.unique(steps):
            source = (projection.source, int(tap)) if tap else projection.source
            at = steps == tap
            ends = source, projection.target, receptor
            learner = projection.learning and (projection.name, projection.learning, np.flatnonzero(at))
            yield *ends, None, learner, False, rows[at], columns[at], weights[at], delay[at], course, share
    for p in circuit.populations:
        _check_junctions(circuit, p, dt)
        for source, matrix in circuit.junctions(p):
            there, here = (layout.blocks[index, name].group for name in (source, p.name))
            if there != here:
                raise InputError(
                    f"circuit {circuit.name!r}: expected gap junctions between populations of the same code, "
                    f"found {source!r} and {p.name!r} (does one have noise or a current that the other has not?)"
                )
            rows, columns = matrix.tocoo().coords
            yield source, p.name, JUNCTIONS, None, None, False, rows, columns, one_if_equal(matrix.data), 0.0, 0, 1.0


def _check_junctions(circuit, population, dt):
    """Refuse time steps that are too long for the gap junctions of a population."""
    if not population.is_coupled:
        return
    largest = float(sum(matrix.sum(axis=0) for _, matrix in circuit.junctions(population)).max(initial=0.0))
    longest = min(junction_step(neuron, largest) for neuron in circuit.neurons(population))
    if dt > longest:
        what = f"the summed conductance {largest:g} of the gap junctions of population {population.name!r}"
        raise InputError(f"dt: expected at most {longest * 1e3:.3g} ms for {what}, found {dt * 1e3:g} ms")


def _check_largest(circuit, projection, matrix):
    """Refuse weights that were drawn above what the rule allows."""
    largest, found = projection.learning.largest, matrix.data.max(initial=0)
    if largest is not None and found > largest:
        raise InputError(
            f"circuit {circuit.name!r}: projection {projection.name!r}: weights: expected up to the largest of its "
            f"rule, {largest}, found {found:g} (in SI units) among those that were drawn"
        )


def is_pooled(circuit: Circuit, projection: Projection) -> bool:
    """Whether a projection ends on the pool of its target: all neurons of the target receive the same from it."""
    neuron, rule = circuit.population(projection.target).neuron, projection.weights
    return (
        neuron.kind == "spiking"
        and isinstance(rule, AllToAll)
        and not projection.learning
        and not isinstance(rule.weight, Distribution)
        and (rule.autapses or projection.source != projection.target)
        and not isinstance(projection.delay, Distribution)
        and not circuit.is_injected(projection)
        and projection.delay.ndim == 0
        and neuron.receptors[circuit.receptor(projection)].letter != "d"
    )


def pool_name(population) -> Key:
    return population.name, "pool"


def _by_source(several):
    """Synapses of one copy between the same groups as one part, those of a neuron together: a spike reads them all.

    Not for rate units, whose inputs are summed in the order of the synapses.
    """
    sources, targets, rows, columns, *values = zip(*several, strict=True)
    counts = [len(each) for each in rows]
    rows = np.concatenate([block.start + each for block, each in zip(sources, rows, strict=True)])
    columns = np.concatenate([block.start + each for block, each in zip(targets, columns, strict=True)])
    order = np.argsort(rows, kind="stable")
    joined = (_joined([one_if_equal(part) for part in each], counts) for each in values)
    values = (each[order] if np.ndim(each) else each for each in joined)
    source, target = (replace(blocks[0], start=0) for blocks in (sources, targets))
    return [(source, target, rows[order], columns[order], *values)]


@dataclass(frozen=True)
class _Part:
    """Synapses between two blocks, of one copy of their circuit; weights and what follows may be one number."""

    source: Block
    target: Block
    copies: int
    rows: np.ndarray
    columns: np.ndarray
    weights: np.ndarray | float
    delays: np.ndarray | float
    courses: np.ndarray | int
    shares: np.ndarray | float

    @property
    def synapses(self) -> int:
        """Synapses of all copies."""
        return self.copies * len(self.rows)


def _few_at_once(parts: list[_Part], most: int = AT_ONCE) -> Iterator[list[_Part]]:
    """The parts in their order, as many at a time as have few synapses together, or one."""
    chosen, synapses = [], 0
    for part in parts:
        if chosen and synapses + part.synapses > most:
            yield chosen
            chosen, synapses = [], 0
        chosen.append(part)
        synapses += part.synapses
    yield chosen


def _in_copies(parts: list[_Part]):
    """Pre, post, weight, delay, course and share of the synapses of these parts in every copy."""
    given = [[getattr(part, name) for part in parts] for name in ("weights", "delays", "courses", "shares")]
    if len(parts) == 1:  # there may be a billion synapses: nothing is copied that need not be
        (part,) = parts
        copy = np.arange(part.copies, dtype=np.int32)[:, None]

        def numbers(block, within):
            first = (block.start + within).astype(np.int32, copy=False)
            return first if part.copies == 1 else (copy * np.int32(block.stride) + first).ravel()

        values = (np.tile(v, part.copies) if np.ndim(v) else v for v in (one_if_equal(v) for (v,) in given))
        return numbers(part.source, part.rows), numbers(part.target, part.columns), *values

    sizes, copies = (np.array(each) for each in zip(*((len(p.rows), p.copies) for p in parts), strict=True))
    each = np.repeat(sizes, copies)  # synapses of every copy
    begin = np.repeat(np.cumsum(sizes) - sizes, copies)  # of every copy the place of its first synapse in all rows
    place = np.arange(each.sum()) + np.repeat(begin - (np.cumsum(each) - each), each)
    copy = np.arange(len(each)) - np.repeat(np.cumsum(copies) - copies, copies)

    def joined(blocks, within):
        start, stride = np.array([(block.start, block.stride) for block in blocks]).T
        first = np.repeat(start, copies) + copy * np.repeat(stride, copies)
        return (np.repeat(first, each) + np.concatenate(within)[place]).astype(np.int32)

    values = (one_if_equal(_joined(v, sizes)) for v in given)
    return (
        joined([part.source for part in parts], [part.rows for part in parts]),
        joined([part.target for part in parts], [part.columns for part in parts]),
        *(v[place] if np.ndim(v) else v for v in values),
    )


def _place_neurons(layout, index, trials, timing, neuron_values, input_values):
    circuit, (dt, steps) = trials.circuit, timing
    place = spans(circuit.populations)
    copies = tuple(trials.seeds.tolist()), tuple(trials.numbers.tolist())
    sizes = {i.name: i.size for i in circuit.inputs}
    values = input_values.of(trials) | _given(trials, circuit.inputs)
    _add(layout, index, INPUT, sizes, trials, values, Group(None))
    given = [i for i in circuit.inputs if i.spikes is not None]
    if given:  # they have a place among the inputs, too, where they are silent
        sizes = {i.name: i.size for i in given}
        _add(layout, index, SPIKE_TIMES, sizes, trials, _spike_times(layout, trials, given, dt, steps), Group(None))
    for (name, letters, pooled, coupled, _), members in _members(circuit, trials.stimuli.ndim == 3).items():
        populations, drives = zip(*members, strict=True)
        neuron, pools = populations[0].neuron, POOL + name if pooled else ""
        own = tuple(circuit.neurons(p) for p in populations), tuple(place[p.name].start for p in populations)
        values = neuron_values(populations, *own, copies, dt, circuit.seed if any(map(draws_state, populations)) else 0)
        values = values | _given(trials, populations, pooled)
        if pooled:
            alike = neuron_values(populations, tuple((p.neuron,) for p in populations), None, copies, dt, 0)
            alike = alike | _given_to_pools(trials, populations)
            _add(layout, index, pools, {pool_name(p): 1 for p in populations}, trials, alike, Group(neuron))
            blocks = [layout.blocks[index, pool_name(p)] for p in populations]
            values = values | {"pool": _read_by_each(populations, blocks, trials.copies)}
        for k, kth in enumerate(zip(*drives, strict=True)):
            values = values | _drive_values(layout, index, trials, populations, k, kth)
        if any(i.is_current for i in circuit.inputs):
            values = _with_currents(layout, trials, populations, place, values, dt)
        if coupled and circuit.kind == "spiking":
            values = {("tonic" if name == "bias" else name): value for name, value in values.items()}
        sizes = {p.name: p.size for p in populations}
        _add(layout, index, name, sizes, trials, values, Group(neuron, letters, pools, coupled))
    # Rate units have no spikes to delay: their delayed rates are tapped from a delay line.
    taps = _taps(circuit, dt) if circuit.kind == "rate" else []
    if taps:
        sizes = {(s.name, t): s.size for s, last in taps for t in range(1, last + 1)}
        _add(layout, index, DELAY_LINE, sizes, trials, {"bias": 0.0} | _given_past(trials, sizes), Group(None))
    return taps


def _given(trials, parts, pooled=True):
    """State variables of inputs or populations in every copy, where another response gives them."""
    if trials.initial is None:
        return {}
    states = []
    for part in parts:
        given = trials.initial.get(part.name, {})
        mine = {v: values for v, values in given.items() if not v.endswith((OF_POOL, AGO.partition("{}")[2]))}
        for variable, values in given.items() if not pooled else ():
            if variable.endswith(OF_POOL):
                mine[variable.removesuffix(OF_POOL)] = mine[variable.removesuffix(OF_POOL)] + values
        if getattr(getattr(part, "neuron", None), "relaxes_input", False):
            mine["r"] = part.neuron.transfer(mine["x"])
        states.append(mine)
    common = [v for v in states[0] if all(v in state for state in states)]
    return {v: _side_by_side(trials, [state[v] for state in states]) for v in common}


def _given_to_pools(trials, populations):
    """State variables of the pools of populations, where another response gives them."""
    given = [(trials.initial or {}).get(p.name, {}) for p in populations]
    names = sorted({v for each in given for v in each if v.endswith(OF_POOL)})
    none = np.zeros((len(trials.seeds), len(trials.stimuli), 1))
    return {
        v.removesuffix(OF_POOL): _side_by_side(trials, [each[v][..., :1] if v in each else none for each in given])
        for v in names
    }


def _given_past(trials, sizes):
    """Past rates in delay lines, where another response gives the state."""
    if trials.initial is None:
        return {}
    found = []
    for name, steps in sizes:
        past = trials.initial.get(name, {})
        if (variable := "r" + AGO.format(steps)) not in past:
            raise InputError(
                f"initial of circuit {trials.circuit.name!r}: {name!r}: expected a response that holds the rates of "
                f"{steps} steps ago, since there are such delays, found one without them"
            )
        found.append(past[variable])
    return {"r": _side_by_side(trials, found)}


def _side_by_side(trials, values):
    """Numbers of the neurons of several populations in every copy, as they lie in their group."""
    return np.concatenate([each.reshape(trials.copies, -1) for each in values], axis=1).ravel()


def _members(circuit, moving):
    """Populations, with their Poisson drives in order of their receptors, by what their code depends on.

    That is the name of the group, the letters of those receptors, whether there are a pool and gap junctions, and the
    class. Currents that are `moving` or fluctuate are in the name.
    """
    found, onto = {}, {p.name: [] for p in circuit.populations}
    for projection in circuit.projections:
        onto[projection.target].append(projection)
    for population in circuit.populations:
        mine = onto[population.name]
        drives = [p for p in mine if circuit.kind == "spiking" and isinstance(p.weights, Independent)]
        drives = sorted((p for p in drives if not circuit.is_injected(p)), key=circuit.receptor)
        letters, pooled = "".join(map(circuit.receptor, drives)), any(is_pooled(circuit, p) for p in mine)
        coupled = population.is_coupled
        name = _structure(population) + (f"_drive_{letters}" if drives else "") + ("_pooled" if pooled else "")
        name += "_coupled" * coupled
        if any(map(circuit.is_injected, mine)):
            name += "_injected" * moving + (f"_fluctuating_{n}" if (n := fluctuations(circuit, population)) else "")
        key = name, letters, pooled, coupled, type(population.neuron)
        found.setdefault(key, []).append((population, drives))
    return found


def group_names(trials: Trials) -> dict[str, str]:
    """Names of the groups in which the inputs and populations of a circuit lie, by their names."""
    inputs = {i.name: INPUT if i.spikes is None else SPIKE_TIMES for i in trials.circuit.inputs}
    members = _members(trials.circuit, trials.stimuli.ndim == 3)
    return inputs | {p.name: name for (name, *_), each in members.items() for p, _ in each}


def _structure(population):
    """Part of a Brian2 name that distinguishes the code of a population's neurons from that of others."""
    neuron = population.neuron
    if type(neuron).__module__.startswith("eisim.neurons."):
        return neuron.structure
    return "own_" + re.sub(r"[^0-9a-z_]", "_", neuron.structure)  # somebody's class may be called Input


def _read_by_each(populations, blocks, copies):
    """For each neuron of these populations, in every copy, the only one of the block that its population reads."""
    first = np.repeat([block.start for block in blocks], [p.size for p in populations])
    return (first + np.arange(copies)[:, None] * blocks[0].stride).ravel().astype(np.int32)


def _drive_values(layout, index, trials, populations, k, drives):
    """The k-th Poisson drive of each neuron: the jump, and the afferent with its rate."""
    afferent = _read_by_each(populations, [layout.blocks[index, drive.source] for drive in drives], trials.copies)
    drawn = any(isinstance(drive.weights.weight, Distribution) for drive in drives)
    each = [trials.circuit.weights(drive).toarray()[0] if drawn else drive.weights.weight for drive in drives]
    jump = np.concatenate(each) if drawn else np.repeat(each, [p.size for p in populations])
    values = {f"jump_{k}": np.tile(jump, trials.copies)}
    rates = layout.groups[INPUT].parts[-1][1]["rate"]
    if rates.ndim == 2:
        return values | {f"afferent_{k}": afferent}
    return values | {f"arrivals_{k}": rates[afferent - layout.groups[INPUT].size + len(rates)]}


def _with_currents(layout, trials, populations, place, values, dt):
    """The values with injected currents: in the bias if they are static, else a row of the layout; and fluctuations."""
    circuit, n_seeds, names = trials.circuit, len(trials.seeds), [p.name for p in populations]
    targets = {p.target for p in circuit.projections if circuit.is_injected(p)}
    if targets.isdisjoint(names):
        return values
    moving, parts = trials.stimuli.ndim == 3, []
    for p in populations:
        currents, which = circuit.injected(p, trials.stimuli)
        if moving:
            first, n = sum(map(len, layout.injected)), currents.shape[-1]
            layout.injected.append(np.moveaxis(currents, 1, 2).reshape(-1, currents.shape[1]))
            parts.append((first + np.arange(len(currents), dtype=np.int32)[:, None] * n + which).astype(np.int32))
        else:
            parts.append(p.bias + currents[:, which])
    each = np.tile(np.concatenate(parts, axis=1).ravel(), n_seeds)
    slots = [_fluctuating(circuit, p, place[p.name].start) for p in populations]
    if moving or slots[0]:
        values = {("tonic" if name == "bias" else name): value for name, value in values.items()}
    values = values | ({"row": each} if moving else {"tonic" if slots[0] else "bias": each})
    for k, kth in enumerate(zip(*slots, strict=True)):
        numbers, reach, tau = (np.concatenate(column) for column in zip(*kth, strict=True))
        key = _keys(trials.seeds, trials.numbers, numbers)
        decay = exp(-dt / tau)
        values |= {f"fluctuation_{k}": noise.gaussian(key, -1), f"fluctuation_key_{k}": key}
        steady = {"reach": reach, "fluctuation_decay": decay, "fluctuation_step": np.sqrt(-expm1(-2 * dt / tau))}
        values |= {f"{name}_{k}": np.tile(each, trials.copies) for name, each in steady.items()}
    return values


def fluctuations(circuit: Circuit, population: Population) -> int:
    """Number of currents with separate fluctuations that a neuron of a population receives, at most."""
    return len(_fluctuating(circuit, population, 0))


def _fluctuating(circuit, population, first):
    """Fluctuations of the neurons of a population, of which the first has this number in the circuit.

    For the first of each neuron, the second, and so on: numbers from which their keys are made, standard deviations and
    time constants; 0 for a neuron that has fewer than others. Neurons with one number have one realisation.
    """
    columns, n_neurons = spans(circuit.inputs), sum(p.size for p in circuit.populations)
    found = []
    for p in circuit.projections:
        source = circuit.source(p)
        if p.target != population.name or not (circuit.is_injected(p) and source.fluctuation):
            continue
        afferent = columns[source.name].start
        matrix = sparse.coo_array(circuit.weights(p))
        rows, targets = matrix.coords
        numbers = (n_neurons + afferent + rows).astype(np.uint64)
        if isinstance(p.weights, Independent):
            numbers = (first + targets).astype(np.uint64) + (np.uint64(afferent + 1) << np.uint64(32))
        sd, tau = matrix.data * float(source.fluctuation), np.full(len(rows), source.tau)
        found.append((targets, numbers, sd, tau))
    if not found:
        return []
    targets, *values = (np.concatenate(column) for column in zip(*found, strict=True))
    order = np.argsort(targets, kind="stable")
    targets, values = targets[order], [value[order] for value in values]
    counts = np.bincount(targets, minlength=population.size)
    rank = np.arange(len(targets)) - np.repeat(np.cumsum(counts) - counts, counts)
    slots = []
    for k in range(counts.max(initial=0)):
        at = rank == k
        slot = [np.zeros(population.size, np.uint64), np.zeros(population.size), np.ones(population.size)]
        for all_of, value in zip(slot, values, strict=True):
            all_of[targets[at]] = value[at]
        slots.append(slot)
    return slots


#: A time step that no trial reaches.
NEVER = float(2**40)


def _spike_times(layout, trials, inputs, dt, steps):
    """Where the row of given spikes of each afferent begins, in every copy."""
    columns, begins = spans(trials.circuit.inputs), []
    for i in inputs:
        what = f"stimuli of input {i.name!r} of circuit {trials.circuit.name!r}"
        rasters = spike_raster(i.spikes, i.size, trials.stimuli[..., columns[i.name]], steps, dt, what)
        begins.append([[_row_of(layout, row) for row in raster] for raster in rasters])
    return {"place": np.tile(np.concatenate(begins, axis=1).astype(np.int32).ravel(), len(trials.seeds))}


def _row_of(layout, steps):
    """Where a row of given spikes begins in a layout; those that are the same are held once."""
    key = steps.tobytes()
    if key not in layout.begins:
        layout.begins[key] = sum(map(len, layout.given))
        layout.given.append(np.append(steps, NEVER))
    return layout.begins[key]


def _add(layout, index, name, sizes, trials, values, empty):
    """Append the copies of these named blocks, with the values of all their neurons, to a group, at first `empty`."""
    group = layout.groups.setdefault(name, empty)
    if type(group.neuron) is not type(empty.neuron):
        raise InputError(
            f"circuit {trials.circuit.name!r}: expected neuron models with names of their own, found two classes "
            f"{type(empty.neuron).__name__!r}"
        )
    stride, start = sum(sizes.values()), group.size
    _check_count(start + stride * trials.copies, "neurons of one model")
    for block, size in sizes.items():
        layout.blocks[index, block] = Block(name, start, stride, size)
        start += size
    group.parts.append((stride * trials.copies, values))
    group.size += stride * trials.copies
    group.recorded += stride * trials.copies * trials.record


def _taps(circuit, dt):
    """Sources of a rate circuit whose output arrives late, with their longest delay in steps."""
    last = {}
    for projection in circuit.projections:
        source = circuit.source(projection)
        given = projection.delay  # of all pairs, with or without a synapse
        delays = circuit.delays(projection) if isinstance(given, Distribution) else given
        steps = int(delay_steps(delays, dt).max(initial=0))
        if steps:
            last[source.name] = (source, max(steps, last.get(source.name, (None, 0))[1]))
    return list(last.values())


class _InputValues(dict):
    """Of trials, what `_input_values` says: most circuits of a batch have the same inputs and small stimuli."""

    def of(self, trials: Trials) -> dict[str, np.ndarray]:
        circuit, given = trials.circuit, (trials.stimuli, trials.numbers, trials.seeds)
        if trials.stimuli.nbytes > SMALL:
            return _input_values(trials)
        like = circuit.inputs, circuit.kind, trials.neurons, _trains(circuit), trials.stimuli.shape
        key = *like, *(each.tobytes() for each in given)
        if key not in self:
            self[key] = _input_values(trials)
        return self[key]


def _trains(circuit) -> frozenset[str]:
    """Names of sources that have a spike train: a Poisson input that only drives populations has no separate one."""
    return frozenset(p.source for p in circuit.projections if not isinstance(p.weights, Independent))


def _input_values(trials):
    """Rates (copies·inputs, or × time) in Hz, and initial phases in cycles, for every copy of every afferent."""
    circuit = trials.circuit
    inputs = circuit.inputs
    fires = [i.rate * (not i.is_current and i.spikes is None) for i in inputs]
    rate = np.repeat(fires, [i.size for i in inputs]) * trials.stimuli
    rate = np.concatenate([rate] * len(trials.seeds))
    rate = rate.reshape(-1) if rate.ndim == 2 else np.moveaxis(rate, 1, 2).reshape(-1, rate.shape[1])
    phases = np.concatenate([i.phases for i in inputs])
    values = {"rate": rate, "phase": np.tile(phases, trials.copies)}
    if circuit.kind == "rate":
        return values
    trains = _trains(circuit)
    regular = np.concatenate([np.full(i.size, float(i.train == "regular")) for i in inputs])
    poisson = np.concatenate([np.full(i.size, float(i.train == "poisson" and i.name in trains)) for i in inputs])
    values |= {"regular": np.tile(regular, trials.copies), "poissonian": np.tile(poisson, trials.copies)}
    first = sum(p.size for p in circuit.populations)
    return values | {"key": _keys(trials.seeds, trials.numbers, first + np.arange(circuit.n_inputs))}


def _keys(seeds, trials, numbers):
    """Keys of the noise of these neurons of a circuit, in every copy."""
    return noise.keys(np.reshape(seeds, (-1, 1, 1)), np.reshape(trials, (-1, 1)), numbers).ravel()


def _neuron_values(populations, neurons, first, copies, dt, seed):
    """Parameters of every copy of the neurons of these populations, or of their pools.

    What the neurons of each population are, and the number within the circuit of the first of each (``None`` for
    pools), are given; copies are seeds × numbers of trials.
    """
    n = math.prod(map(len, copies))

    def per_neuron(values):
        joined = _joined(values, [p.size if first else 1 for p in populations])
        return np.tile(joined, n) if np.ndim(joined) else joined

    steps = [_step_parameters_of(each, dt) for each in neurons]
    values = {name: per_neuron([step[name] for step in steps]) for name in steps[0]}
    if first is None:
        return values
    values["bias"] = per_neuron([p.bias if p.bias.any() else 0.0 for p in populations])
    spiking = populations[0].neuron.kind == "spiking"
    rest = [step["rest"] if spiking else 0.0 for step in steps]
    states = [initial_state(p, seed) for p in populations]
    first_state = "v" if spiking else next(iter(populations[0].neuron.states))
    values[first_state] = per_neuron([s.get(first_state, r) for s, r in zip(states, rest, strict=True)])
    for name in sorted({name for state in states for name in state} - {first_state}):
        code = getattr(populations[0].neuron, "code_name", str)(name)
        values[code] = per_neuron([s.get(name, step.get(code, 0.0)) for s, step in zip(states, steps, strict=True)])
    if not spiking and populations[0].neuron.relaxes_input:
        values["r"] = per_neuron([p.neuron.transfer(s.get("x", 0.0)) for s, p in zip(states, populations, strict=True)])
    noisy = spiking or any(p.neuron.noise for p in populations)
    numbers = [start + np.arange(p.size) for start, p in zip(first, populations, strict=True)]
    values["key"] = _keys(*copies, numbers=np.concatenate(numbers)) if noisy else 0.0
    return values


def _step_parameters_of(neurons, dt):
    """Parameters of a step: one number for all, or an array by neuron."""
    each = [_step_parameters(neuron, dt) for neuron in neurons]
    if len(each) == 1:
        return each[0]
    return {name: one_if_equal([values[name] for values in each]) for name in each[0]}


@lru_cache(maxsize=100_000)
def _step_parameters(neuron, dt):
    return neuron.step_parameters(dt)
