"""Synapses that a compiled program draws itself (`eisim.keyed_synapses`): nothing of them is held in Python."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from eisim.base.timing import Timing
from eisim.circuit import Circuit, Projection, delay_steps
from eisim.distributions import Distribution
from eisim.keyed_synapses import KeyedSynapses, delay_thresholds, weight_table
from eisim.simulation.block import Block
from eisim.weights import Rule

#: Numbers of the file of drawn synapses that are whole, for each part, in the order in which the program reads them.
_FIELDS = (
    *("row", "delays", "least", "sources", "target", "target_stride", "targets", "copies"),
    *("key", "spares", "multapses", "table", "levels", "thresholds", "lengths", "in_degrees", "course"),
)


@dataclass(frozen=True, eq=False)
class DrawnPart:
    """Drawn synapses between two blocks, in every copy of their circuit; a distribution of weights has no sign."""

    source: Block
    target: Block
    copies: int
    synapses: KeyedSynapses
    weight: float | Distribution
    sign: float
    delay: float | Distribution
    course: np.int32  # number of a column of `eisim.simulation.layout.Layout.transmission`

    @property
    def number(self) -> int:
        """Synapses of all copies."""
        return self.copies * int(self.synapses.in_degrees.sum(dtype=np.int64))

    @property
    def weights(self) -> np.ndarray:
        """The weight, or the table of weights."""
        given = self.weight
        return self.sign * (weight_table(given) if isinstance(given, Distribution) else np.array([float(given)]))


@dataclass(frozen=True, eq=False)
class DrawnSynapses:
    """Synapses of one bundle that the program draws: for Brian2 there are none."""

    parts: tuple[DrawnPart, ...]
    pre = post = np.empty(0, np.int32)
    delay, share = np.float64(0), np.float64(1)
    common_delay = 0.0

    @property
    def weight(self) -> np.ndarray | np.float64:
        """The weight, if all synapses have the same; else an array that the program fills."""
        weights = {float(part.weights[0]) for part in self.parts}
        drawn = any(isinstance(part.weight, Distribution) for part in self.parts)
        return np.empty(0) if drawn or len(weights) > 1 else np.float64(weights.pop())

    @property
    def course(self) -> np.ndarray | np.int32:
        """The course of transmission, if all synapses have the same; else those of the parts."""
        courses = np.array([part.course for part in self.parts])
        return courses if np.ptp(courses) else courses[0]

    def file(self, timing: Timing) -> bytes:
        """What the program draws from: whole numbers of 64 bits, then weights, then in-degrees of 32 bits.

        The synapses of a neuron that have the same delay are a row. All neurons of a block have the same possible
        delays, those of the parts that begin there, so that a copy of a block is a segment of neurons.
        """
        ranges = [delay_range(part.delay, timing) for part in self.parts]
        begun: dict[tuple[Block, int], list[tuple[int, np.ndarray]]] = {}
        for part, each in zip(self.parts, ranges, strict=True):
            begun.setdefault((part.source, part.copies), []).append(each)
        n_rows, n_delays, segments, delays, rows_of = 0, 0, [], [], {}
        for (block, copies), several in begun.items():
            possible, copy = possible_delays(several), np.arange(copies)
            start, n = block.start + copy * block.stride, block.size * len(possible)
            columns = start, start + block.size, n_rows + copy * n, n_delays, len(possible)
            segments.append(np.stack(np.broadcast_arrays(*columns), axis=1))
            rows_of[block] = {"row": n_rows, "delays": len(possible)}, possible
            delays.append(possible)
            n_rows, n_delays = n_rows + copies * n, n_delays + len(possible)
        parts, joined = [], {"table": [], "thresholds": [], "in_degrees": []}
        for part, (least, above) in zip(self.parts, ranges, strict=True):
            keyed, weights, (row, possible) = part.synapses, part.weights, rows_of[part.source]
            row = row | {"least": np.searchsorted(possible, least), "sources": keyed.sources, "copies": part.copies}
            row |= {"target": part.target.start, "target_stride": part.target.stride, "targets": len(keyed.in_degrees)}
            row |= {"key": np.uint64(keyed.key).astype(np.int64), "spares": keyed.spares, "multapses": keyed.multapses}
            row |= {"levels": len(weights) - 1, "lengths": len(above), "course": part.course}
            row |= {name: sum(map(len, each)) for name, each in joined.items()}
            parts.append([int(row[name]) for name in _FIELDS])
            for name, array in (("table", weights), ("thresholds", above), ("in_degrees", keyed.in_degrees)):
                joined[name].append(array)
        table, thresholds, in_degrees = map(np.concatenate, joined.values())
        neurons = np.concatenate(segments)
        neurons = neurons[np.argsort(neurons[:, 0])]
        head = [len(parts), len(thresholds), len(neurons), n_delays, len(table), len(in_degrees), n_rows]
        whole = np.concatenate([head, np.ravel(parts), thresholds, neurons.ravel(), *delays]).astype(np.int64)
        return b"".join(array.tobytes() for array in (whole, table.astype(float), in_degrees.astype(np.int32)))


def delay_range(delay: float | Distribution, timing: Timing) -> tuple[int, np.ndarray]:
    """The least delay in time steps, and from which numbers of 32 bits on it is longer by one more.

    What would arrive after the end of a trial arrives there, which is never.
    """
    if isinstance(delay, Distribution):
        return _delay_range(delay, timing.dt, timing.steps)
    return min(int(delay_steps(delay, timing.dt)), timing.steps), np.empty(0, np.int64)


@lru_cache(maxsize=16)
def _delay_range(delay, dt, most):
    return delay_thresholds(delay, lambda each: np.minimum(delay_steps(each, dt), most))


def possible_delays(ranges: Iterable[tuple[int, np.ndarray]]) -> np.ndarray:
    """The delays in time steps that synapses may have, as `delay_range` gives them."""
    return np.unique(np.concatenate([least + np.arange(1 + len(above)) for least, above in ranges]))


def is_drawable(circuit: Circuit, projection: Projection) -> bool:
    """Whether a program can draw the synapses of a projection itself."""
    if not isinstance(projection.weights, Rule):
        return False
    if circuit.kind == "rate" or projection.learning or projection.plasticity:
        return False
    if not isinstance(projection.delay, Distribution) and projection.delay.ndim:
        return False
    receptor = circuit.population(projection.target).neuron.receptors[circuit.receptor(projection)]
    return not getattr(receptor, "release", None) and circuit.keyed(projection) is not None
