"""The batch as an axis: circuits × seeds × trials laid out as a few groups of neurons and synapses.

Every trial is a copy of its circuit. All copies of all neurons of one model form one group, and all synapses between
two groups through one receptor form one bundle, so that the whole batch is one Brian2 program.
"""

from dataclasses import dataclass, field
from functools import lru_cache
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
    numbers: np.ndarray  # of the trials; a trial's noise depends on it
    seeds: np.ndarray
    record: bool

    @property
    def copies(self) -> int:
        return len(self.seeds) * len(self.stimuli)

    @property
    def neurons(self) -> int:
        """Neurons of one copy."""
        return sum(p.size for p in self.circuit.populations)


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
    """Neurons of one model, with the values of their parameters: one number for all neurons of a part, or an array."""

    neuron: object  # a model of that class, None for inputs and delay lines
    size: int = 0
    recorded: int = 0  # the first so many are recorded
    parts: list[tuple[int, dict[str, np.ndarray | float]]] = field(default_factory=list)  # with their sizes

    def values(self) -> dict[str, np.ndarray | float]:
        """Values of every parameter: an array by neuron, or the one number that all have."""
        return {name: self._value(name) for name in self.parts[0][1]}

    def _value(self, name):
        values = [values[name] for _, values in self.parts]
        if all(np.ndim(value) == 0 and value == values[0] for value in values):
            return values[0]
        sizes = [size for size, _ in self.parts]
        return np.concatenate(
            [value if np.ndim(value) else np.full(n, value) for n, value in zip(sizes, values, strict=True)]
        )

    @property
    def frames(self) -> int:
        """Number of frames of time-varying input rates, 0 if they are constant."""
        rate = self.parts[0][1].get("rate")
        return rate.shape[1] if np.ndim(rate) == 2 else 0


@dataclass(frozen=True)
class Synapses:
    """Synapses from one group to another, all excitatory or all inhibitory: signed weights, delays in s."""

    pre: np.ndarray
    post: np.ndarray
    weight: np.ndarray
    delay: np.ndarray

    @property
    def common_delay(self) -> float | None:
        """The delay, if all synapses have the same."""
        return None if np.ptp(self.delay) else float(self.delay[0])


@dataclass(frozen=True)
class Layout:
    """Groups by name, synapses by (source group, target group, sign), blocks by (batch index, population)."""

    groups: dict[str, Group]
    synapses: dict[tuple[str, str, int], Synapses]
    blocks: dict[tuple[int, str], Block]

    def monitored(self, kind: str) -> dict[str, int]:
        """Number of recorded neurons of each group that has any: spikes of all, rates of populations."""
        unseen = (DELAY_LINE, INPUT) if kind == "rate" else ()
        return {name: g.recorded for name, g in self.groups.items() if g.recorded and name not in unseen}


def lay_out(batch: list[Trials], dt: float) -> Layout:
    """Arrange a batch; recorded circuits come first in every group."""
    layout = Layout({}, {}, {})
    parts = {}
    for index in sorted(range(len(batch)), key=lambda i: not batch[i].record):
        trials = batch[index]
        for source, target, sign, *synapses in _place(layout, index, trials, dt):
            source, target = layout.blocks[index, source], layout.blocks[index, target]
            if len(synapses[0]):
                key = (source.group, target.group, sign)
                parts.setdefault(key, []).append(_copies(source, target, trials.copies, *synapses))
    for key, arrays in parts.items():
        layout.synapses[key] = Synapses(*(np.concatenate(column) for column in zip(*arrays, strict=True)))
    return layout


def _place(layout, index, trials, dt):
    """Place the neurons of one circuit; yields its synapses: source, target, sign, rows, columns, weights, delays."""
    taps = _place_neurons(layout, index, trials, dt)
    for source, last in taps:
        chain = [source.name, *(f"{source.name}@{t}" for t in range(1, last + 1))]
        each = np.arange(source.size)
        for before, after in pairwise(chain):
            yield before, after, 1, each, each, np.ones(source.size), np.zeros(source.size)
    circuit = trials.circuit
    for projection in circuit.projections:
        matrix, sign = circuit.weights(projection), circuit.sign(projection)
        rows, columns = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr)), matrix.indices
        delay = projection.delay[rows, columns] if projection.delay.ndim else np.full(matrix.nnz, projection.delay)
        if not taps:
            yield projection.source, projection.target, sign, rows, columns, sign * matrix.data, delay
            continue
        steps = delay_steps(delay, dt)
        for tap in np.unique(steps):
            source = projection.source + (f"@{tap}" if tap else "")
            at = steps == tap
            yield source, projection.target, sign, rows[at], columns[at], sign * matrix.data[at], delay[at]


def _copies(source, target, copies, rows, columns, weights, delays):
    """The synapses between two blocks in every copy of their circuit: pre, post, weight, delay."""
    copy = np.arange(copies, dtype=np.int32)[:, None]
    return (
        (copy * np.int32(source.stride) + (source.start + rows).astype(np.int32)).ravel(),
        (copy * np.int32(target.stride) + (target.start + columns).astype(np.int32)).ravel(),
        np.tile(weights, copies),
        np.tile(delays, copies),
    )


def _place_neurons(layout, index, trials, dt):
    circuit = trials.circuit
    members = {INPUT: list(circuit.inputs)}
    for population in circuit.populations:
        members.setdefault(type(population.neuron).__name__.lower(), []).append(population)
    numbers = _numbers(circuit)
    for name, populations in members.items():
        values = _input_values(trials) if name == INPUT else _neuron_values(trials, populations, numbers, dt)
        sizes = {p.name: p.size for p in populations}
        _add(layout, index, name, sizes, trials, values, getattr(populations[0], "neuron", None))
    # Rate units have no spikes to delay: their delayed rates are tapped from a delay line.
    taps = _taps(circuit, dt) if circuit.kind == "rate" else []
    if taps:
        sizes = {f"{s.name}@{t}": s.size for s, last in taps for t in range(1, last + 1)}
        _add(layout, index, DELAY_LINE, sizes, trials, {"bias": 0.0}, None)
    return taps


def _add(layout, index, name, sizes, trials, values, neuron):
    """Append the copies of these named blocks, with the values of all their neurons, to a group."""
    group = layout.groups.setdefault(name, Group(neuron))
    stride, start = sum(sizes.values()), group.size
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
        if all(np.ndim(v) == 0 and v == values[0] for v in values):
            return values[0]
        one = [np.broadcast_to(v, (p.size,)) for v, p in zip(values, populations, strict=True)]
        return np.tile(np.concatenate(one), trials.copies)

    steps = [_step_parameters(p.neuron, dt) for p in populations]
    values = {name: per_neuron([step[name] for step in steps]) for name in steps[0]}
    values["bias"] = per_neuron([p.bias if p.bias.any() else 0.0 for p in populations])
    if not any(p.neuron.noise for p in populations):
        values["key"] = 0.0
    else:
        seed, trial = np.meshgrid(trials.seeds, trials.numbers, indexing="ij")
        number = np.concatenate([numbers[p.name] for p in populations])
        values["key"] = noise.keys(seed[..., None], trial[..., None], number).ravel()
    return values


@lru_cache
def _step_parameters(neuron, dt):
    return neuron.step_parameters(dt)
