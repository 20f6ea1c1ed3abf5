"""Who carries the walks of one sign: edges and neurons on them, and neurons without which there are none."""

from collections.abc import Sequence

import numpy as np

from eisim.theory.structure.graph import SignedGraph
from eisim.theory.structure.walks import reached, shortest_walk


def carried(graph: SignedGraph, at: Sequence[int], readouts: Sequence[int], sign: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and edges on walks of a sign from inputs to readouts, given by their places: two arrays of bool.

    A walk of sign s from i to j is one from (i, +) to (j, s) in the double cover. It passes through a node or along an
    edge just where one of its copies is reached from (i, +) and reaches (j, s).
    """
    forwards, backwards = _both_ways(graph, at, readouts, sign)
    on = (forwards & backwards).reshape(-1, 2).any(axis=1)
    rows, columns = graph.arcs
    along = np.zeros(graph.n_edges, dtype=bool)
    along[graph.arc_edges[forwards[rows] & backwards[columns]]] = True
    return on, along


def on_the_way(
    graph: SignedGraph, at: Sequence[int], readouts: Sequence[int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Arcs of the double cover on walks of sign -1 from inputs to readouts: copies from and to, and their edges."""
    forwards, backwards = _both_ways(graph, at, readouts, -1)
    rows, columns = graph.arcs
    on = forwards[rows] & backwards[columns]
    return rows[on], columns[on], graph.arc_edges[on]


def _both_ways(graph, at, readouts, sign):
    """Copies of nodes that are reached from the inputs, and those from which the readouts are reached."""
    starts = [2 * v for i in at for v in graph.inputs[i]]
    ends = [2 * graph.readouts[j] + (sign < 0) for j in readouts]
    return reached(graph.cover, starts), reached(graph.cover_backwards, ends)


def has_walk(graph: SignedGraph, at: Sequence[int], readouts: Sequence[int], sign: int) -> bool:
    """Whether there is a walk of a sign from any of these inputs to any of these readouts."""
    starts = [2 * v for i in at for v in graph.inputs[i]]
    found = reached(graph.cover, starts)
    return bool(found[[2 * graph.readouts[j] + (sign < 0) for j in readouts]].any())


def output_of(graph: SignedGraph, node: int) -> np.ndarray:
    """The inhibitory edges from a node, and those that may inhibit: what silencing its inhibition removes."""
    return np.flatnonzero((graph.sources == node) & (graph.signs <= 0))


def sole_carriers(graph: SignedGraph, at: int, readout: int) -> list[int]:
    """Nodes that inhibit, or may, without whose inhibitory output an input has no inhibitory walk to a readout.

    Each is on all inhibitory walks, and so on the shortest one.
    """
    walk = shortest_walk(graph, at, readout, -1)
    if walk is None:
        return []
    on = sorted({graph.nodes.index(name) for name in walk.nodes})
    outputs = {v: edges for v in on if len(edges := output_of(graph, v))}
    return [v for v, edges in outputs.items() if not has_walk(graph.without(edges), [at], [readout], -1)]
