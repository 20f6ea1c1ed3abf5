"""The batch as an axis: circuits × seeds × trials laid out as a few groups of neurons and synapses.

Every trial is a copy of its circuit. All copies of all neurons of one model form one group, and all synapses between
two groups through one receptor form one bundle, so that the whole batch is one Brian2 program.
"""

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from eisim.circuit import Circuit, delay_steps
from eisim.simulation import noise

INPUT = "input"
DELAY_LINE = "delayline"


@dataclass(frozen=True)
class Trials:
    """A circuit with its stimuli and seeds: seeds × trials copies of it."""

    circuit: Circuit
    stimuli: np.ndarray  # trials × inputs, or trials × time × inputs
    seeds: np.ndarray
    record: bool

    @property
    def copies(self) -> int:
        return len(self.seeds) * len(self.stimuli)


@dataclass(frozen=True)
class Block:
    """Where the copies of one input or population lie in its group: copy c at ``start + c*stride``."""

    group: str
    start: int
    stride: int
    size: int

    def take(self, values: np.ndarray, copies: int) -> np.ndarray:
        """Of the `values` of a group (first axis), those of this block: copies × size (× the other axes)."""
        index = self.start + np.arange(copies)[:, None] * self.stride + np.arange(self.size)
        return values[index]


@dataclass
class Group:
    """Neurons of one model, with the values of their parameters."""

    neuron: object  # a model of that class, None for inputs
    size: int = 0
    recorded: int = 0  # the first so many are recorded
    parts: list[dict[str, np.ndarray]] = field(default_factory=list)

    def values(self) -> dict[str, np.ndarray]:
        return {name: np.concatenate([p[name] for p in self.parts]) for name in self.parts[0]}


@dataclass
class Synapses:
    """Synapses from one group to another, excitatory or inhibitory: signed weights, delays in s."""

    parts: list[tuple[np.ndarray, ...]] = field(default_factory=list)

    def values(self) -> tuple[np.ndarray, ...]:
        return tuple(np.concatenate(column) for column in zip(*self.parts, strict=True))


@dataclass(frozen=True)
class Layout:
    """Groups by name, synapses by (source group, target group, sign), blocks by (batch index, population)."""

    groups: dict[str, Group]
    synapses: dict[tuple[str, str, int], Synapses]
    blocks: dict[tuple[int, str], Block]


def lay_out(batch: list[Trials], dt: float) -> Layout:
    """Arrange a batch; recorded circuits come first in every group."""
    layout = Layout({}, {}, {})
    for index in sorted(range(len(batch)), key=lambda i: not batch[i].record):
        trials = batch[index]
        _place_neurons(layout, index, trials, dt)
        for projection in trials.circuit.projections:
            _place_synapses(layout, index, trials, projection, dt)
    return layout


def _place_neurons(layout, index, trials, dt):
    circuit = trials.circuit
    members = {INPUT: list(circuit.inputs)}
    for population in circuit.populations:
        members.setdefault(type(population.neuron).__name__.lower(), []).append(population)
    numbers = _numbers(circuit)
    for name, populations in members.items():
        if name == INPUT:
            values = _input_values(trials)
        else:
            values = _neuron_values(trials, populations, numbers, dt)
        sizes = {p.name: p.size for p in populations}
        _add(layout, index, name, sizes, trials, values, getattr(populations[0], "neuron", None))
    if circuit.kind == "rate" and (taps := _taps(circuit, dt)):
        sizes = {f"{s.name}@{t}": s.size for s, last in taps for t in range(1, last + 1)}
        n = sum(sizes.values()) * trials.copies
        _add(layout, index, DELAY_LINE, sizes, trials, {"bias": np.zeros(n)}, None)
        for source, last in taps:
            chain = [source.name, *(f"{source.name}@{t}" for t in range(1, last + 1))]
            each = np.arange(source.size)
            for before, after in pairwise(chain):
                _connect(layout, index, trials, before, after, 1, (each, each), np.ones(source.size), 0.0)


def _add(layout, index, name, sizes, trials, values, neuron):
    """Append the copies of these named blocks, with the values of all their neurons, to a group."""
    group = layout.groups.setdefault(name, Group(neuron))
    stride, start = sum(sizes.values()), group.size
    for block, size in sizes.items():
        layout.blocks[index, block] = Block(name, start, stride, size)
        start += size
    group.parts.append(values)
    group.size += stride * trials.copies
    group.recorded += stride * trials.copies * trials.record


def _place_synapses(layout, index, trials, projection, dt):
    circuit = trials.circuit
    matrix = circuit.weights(projection).tocoo()
    delay = np.broadcast_to(projection.delay, matrix.shape)[matrix.coords]
    weights, sign = circuit.sign(projection) * matrix.data, circuit.sign(projection)
    if circuit.kind == "spiking":
        names = {projection.source: slice(None)}
    else:  # rate units have no spikes to delay: their delayed rates are tapped from a delay line
        steps = delay_steps(delay, dt)
        names = {
            projection.source + (f"@{tap}" if tap else ""): np.flatnonzero(steps == tap)
            for tap in np.unique(steps)
        }
    for source, chosen in names.items():
        ends = tuple(c[chosen] for c in matrix.coords)
        _connect(layout, index, trials, source, projection.target, sign, ends, weights[chosen], delay[chosen])


def _connect(layout, index, trials, source, target, sign, ends, weights, delay):
    """Synapses between two blocks, in every copy."""
    if not len(weights):
        return
    source, target = layout.blocks[index, source], layout.blocks[index, target]
    copy = np.arange(trials.copies)[:, None]
    part = (
        (source.start + copy * source.stride + ends[0]).ravel(),
        (target.start + copy * target.stride + ends[1]).ravel(),
        np.tile(weights, trials.copies),
        np.tile(np.broadcast_to(delay, weights.shape), trials.copies),
    )
    layout.synapses.setdefault((source.group, target.group, sign), Synapses()).parts.append(part)


def _taps(circuit, dt):
    """Sources of a rate circuit whose output arrives late, with their longest delay in steps."""
    last = {}
    for projection in circuit.projections:
        source = circuit.source(projection)
        steps = int(delay_steps(projection.delay, dt).max(initial=0))
        if steps:
            last[source.name] = (source, max(steps, last.get(source.name, (None, 0))[1]))
    return list(last.values())


def _numbers(circuit):
    """The number of each neuron within its circuit, by population."""
    first = np.cumsum([0, *(p.size for p in circuit.populations)])
    return {p.name: np.arange(p.size) + n for p, n in zip(circuit.populations, first, strict=False)}


def _input_values(trials):
    """Rates (copies·inputs, or × time) in Hz, and initial phases in cycles, for every copy of every afferent."""
    inputs = trials.circuit.inputs
    rate = np.concatenate([np.full(i.size, i.rate) for i in inputs]) * trials.stimuli
    rate = np.concatenate([rate] * len(trials.seeds))
    rate = rate.reshape(-1) if rate.ndim == 2 else np.moveaxis(rate, 1, 2).reshape(-1, rate.shape[1])
    phases = np.concatenate([i.phases for i in inputs])
    return {"rate": rate, "phase": np.tile(phases, trials.copies)}


def _neuron_values(trials, populations, numbers, dt):
    """Parameters of every copy of the neurons of these populations."""

    def per_neuron(values):
        return np.tile(np.concatenate([np.broadcast_to(v, (p.size,)) for v, p in values]), trials.copies)

    steps = [(p.neuron.step_parameters(dt), p) for p in populations]
    values = {name: per_neuron([(step[name], p) for step, p in steps]) for name in steps[0][0]}
    values["bias"] = per_neuron([(p.bias, p) for p in populations])
    if trials.circuit.kind == "spiking":
        seed, trial = np.meshgrid(trials.seeds, np.arange(len(trials.stimuli)), indexing="ij")
        number = np.concatenate([numbers[p.name] for p in populations])
        values["key"] = noise.keys(seed[..., None], trial[..., None], number).ravel()
    return values
