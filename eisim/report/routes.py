"""Routes of a circuit by which a rising input can lower an output, as its drawing marks them (T10)."""

from dataclasses import dataclass

import numpy as np

from eisim.base.errors import InputError
from eisim.circuit import Circuit
from eisim.report.wording import count
from eisim.theory.structure.carriers import carried
from eisim.theory.structure.certificate import FALLS, MIXED, MOST_NEURONS, certify_structure
from eisim.weights import Rule

#: Synapses of the largest circuit whose routes are marked.
MOST_SYNAPSES = 200_000


@dataclass(frozen=True)
class Routes:
    """What lies on inhibitory walks from inputs to outputs; places are those of the inputs, then the populations.

    Attributes
    ----------
    links : frozenset of (int, int, int)
        Source, target and sign, 1 or -1, of connections on these walks.
    carriers : frozenset of int
        Those that inhibit on these walks.
    pairs, falls, mixed : int
        Pairs of an input and an output neuron, those in which the output falls, and those that are mixed.
    """

    links: frozenset[tuple[int, int, int]]
    carriers: frozenset[int]
    pairs: int
    falls: int
    mixed: int

    def __str__(self):
        rest = self.pairs - self.falls - self.mixed
        return (
            "Yellow bands are routes by which a rising input can lower an output, yellow boxes what inhibits on them. "
            f"Of {count(self.pairs, 'pair')} of input and output neuron, by the signs of all routes: {self.mixed:,} "
            f"mixed, {self.falls:,} falling, {rest:,} neither (T10)."
        )


def falling_routes(circuit: Circuit) -> Routes | None:
    """The routes of a circuit of which an input falls or is mixed.

    ``None`` for all others, for those of which nothing is proved, and for those of more than 200,000 synapses or
    20,000 neurons.
    """
    parts = [*circuit.inputs, *circuit.populations]
    if not circuit.readouts or not circuit.n_inputs or not circuit.inhibitory_projections:
        return None
    if sum(part.size for part in parts) > MOST_NEURONS:
        return None
    if sum(_synapses(circuit, p) for p in circuit.projections) > MOST_SYNAPSES:
        return None
    try:
        found = certify_structure(circuit)
    except InputError:  # names that are used twice, memory: its drawing is no place to say so
        return None
    graph, counts = found.graph, found.counts()
    if found.broken or not counts[FALLS] + counts[MIXED]:
        return None
    _, along = carried(graph, range(len(graph.inputs)), range(len(graph.readouts)), -1)
    part_of = np.repeat(np.arange(len(parts)), [part.size for part in parts])
    ends = part_of[graph.sources[along]].tolist(), part_of[graph.targets[along]].tolist()
    links = frozenset(zip(*ends, graph.signs[along].tolist(), strict=True))
    carriers = frozenset(source for source, _, sign in links if sign < 0)
    return Routes(links, carriers, found.words().size, counts[FALLS], counts[MIXED])


def _synapses(circuit, projection):
    """Number of synapses, of a random rule as expected, so that none is drawn."""
    source, target = circuit.source(projection), circuit.population(projection.target)
    if isinstance(projection.weights, Rule):
        return projection.weights.expected((source.size, target.size), source is target)
    return projection.weights.nnz
