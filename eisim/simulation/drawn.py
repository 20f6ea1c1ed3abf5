"""Synapses that a compiled program draws itself (`eisim.keyed_synapses`): nothing of them is held in Python."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from eisim.circuit import Circuit, Projection, delay_steps
from eisim.distributions import Distribution
from eisim.keyed_synapses import KeyedSynapses, delay_thresholds, weight_table
from eisim.simulation.block import Block
from eisim.weights import Rule

#: Numbers of the file of drawn synapses that are whole, for each part, in the order in which the program reads them.
_FIELDS = (
    *("source", "source_stride", "sources", "target", "target_stride", "targets", "copies"),
    *("key", "spares", "multapses", "table", "levels", "least", "thresholds", "lengths", "in_degrees"),
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
    delay = np.float64(0)
    course, share = np.int32(0), np.float64(1)
    common_delay = 0.0

    @property
    def weight(self) -> np.ndarray | np.float64:
        """The weight, if all synapses have the same; else an array that the program fills."""
        weights = {float(part.weights[0]) for part in self.parts}
        drawn = any(isinstance(part.weight, Distribution) for part in self.parts)
        return np.empty(0) if drawn or len(weights) > 1 else np.float64(weights.pop())

    def file(self, dt: float) -> bytes:
        """What the program draws from: whole numbers of 64 bits, then weights, then in-degrees of 32 bits."""
        rows, tables, thresholds, in_degrees = [], [], [], []
        places = {"table": 0, "thresholds": 0, "in_degrees": 0}
        steps = [delay_range(part.delay, dt) for part in self.parts]
        for part, (least, above) in zip(self.parts, steps, strict=True):
            keyed, weights = part.synapses, part.weights
            row = {"source": part.source.start, "source_stride": part.source.stride, "sources": keyed.sources}
            row |= {"target": part.target.start, "target_stride": part.target.stride, "targets": len(keyed.in_degrees)}
            row |= {"copies": part.copies, "key": np.uint64(keyed.key).astype(np.int64), "spares": keyed.spares}
            row |= {"multapses": keyed.multapses, "levels": len(weights) - 1, "least": least, "lengths": len(above)}
            rows.append([int((row | places)[name]) for name in _FIELDS])
            for name, each, of in (
                ("table", weights, tables),
                ("thresholds", above, thresholds),
                ("in_degrees", keyed.in_degrees, in_degrees),
            ):
                of.append(each)
                places[name] += len(each)
        least, most = min(s[0] for s in steps), max(s[0] + len(s[1]) for s in steps)
        head = [len(rows), places["table"], places["thresholds"], places["in_degrees"], least, most - least + 1]
        whole = np.array([*head, *(number for row in rows for number in row)], np.int64)
        parts = [whole, np.concatenate(thresholds).astype(np.int64), np.concatenate(tables).astype(float)]
        return b"".join(part.tobytes() for part in [*parts, np.concatenate(in_degrees).astype(np.int32)])


def delay_range(delay: float | Distribution, dt: float) -> tuple[int, np.ndarray]:
    """The least delay in time steps, and from which numbers of 32 bits on it is longer by one more."""
    if isinstance(delay, Distribution):
        return _delay_range(delay, dt)
    return int(delay_steps(delay, dt)), np.empty(0, np.int64)


@lru_cache(maxsize=16)
def _delay_range(delay, dt):
    return delay_thresholds(delay, lambda each: delay_steps(each, dt))


def is_drawable(circuit: Circuit, projection: Projection) -> bool:
    """Whether a program can draw the synapses of a projection itself."""
    if not isinstance(projection.weights, Rule):
        return False
    if circuit.kind == "rate" or projection.learning or projection.transient or projection.plasticity:
        return False
    if not isinstance(projection.delay, Distribution) and projection.delay.ndim:
        return False
    receptor = circuit.population(projection.target).neuron.receptors[circuit.receptor(projection)]
    return not getattr(receptor, "release", None) and circuit.keyed(projection) is not None
