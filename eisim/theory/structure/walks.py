"""Walks of each sign: whether there are any, how many synapses the shortest has, and that walk.

The sign of a walk is the product of the signs of its edges. The search is breadth-first in the double cover
(`SignedGraph.cover`), from 64 sets of nodes at a time, a bit for each.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import sparse

from eisim.theory.structure.graph import SignedGraph

#: No walk.
NONE = -1
_BITS = 64


class Walk(NamedTuple):
    """A walk: nodes by name, and the sign of each edge, 1 or -1."""

    nodes: tuple[str, ...]
    signs: tuple[int, ...]

    def __str__(self):
        steps = [f" {'→' if sign > 0 else '⊣'} {node}" for sign, node in zip(self.signs, self.nodes[1:], strict=True)]
        return self.nodes[0] + "".join(steps)


def distances(cover: sparse.csr_array, starts: Sequence[Sequence[int]], at: np.ndarray) -> np.ndarray:
    """Edges on a shortest walk from each set of nodes to each node of `at`, shape (sets, len(at)); -1: no walk."""
    indptr, indices = cover.indptr.astype(np.int64), cover.indices
    wanted, inverse = np.unique(at, return_inverse=True)
    place = np.full(cover.shape[0], NONE)
    place[wanted] = np.arange(len(wanted))
    found = np.full((len(starts), len(wanted)), NONE, dtype=np.int32)
    fresh = np.zeros(cover.shape[0], dtype=np.uint64)
    for first in range(0, len(starts), _BITS):
        seen = np.zeros_like(fresh)
        for bit, nodes in enumerate(starts[first : first + _BITS]):
            seen[list(nodes)] |= np.uint64(1 << bit)
        active = np.flatnonzero(seen)
        new, depth = seen[active], 0
        while len(active):
            here = place[active] >= 0
            octets = new[here].astype("<u8").view(np.uint8).reshape(-1, 8)
            which, sets = np.nonzero(np.unpackbits(octets, axis=1, bitorder="little"))
            found[first + sets, place[active[here]][which]] = depth
            degree = indptr[active + 1] - indptr[active]
            ends = np.cumsum(degree)
            arcs = np.arange(ends[-1]) + np.repeat(indptr[active] - (ends - degree), degree)
            targets = indices[arcs]
            np.bitwise_or.at(fresh, targets, np.repeat(new, degree))
            active = np.flatnonzero(fresh) if len(targets) > len(fresh) // 16 else np.unique(targets)
            new = fresh[active] & ~seen[active]
            fresh[active] = 0
            active, new = active[new != 0], new[new != 0]
            seen[active] |= new
            depth += 1
    return found[:, inverse]


def reached(cover: sparse.csr_array, starts: Sequence[int]) -> np.ndarray:
    """Whether each node of the cover is reached from a set of nodes, which are reached themselves."""
    return distances(cover, [starts], np.arange(cover.shape[0]))[0] >= 0


def shortest(graph: SignedGraph) -> np.ndarray:
    """Synapses on the shortest walk of sign 1 and of sign -1 from each input to each readout; -1: there is none.

    Shape (inputs, readouts, 2). The search starts from the inputs or, backwards, from the readouts: from the fewer.
    """
    if len(graph.inputs) <= len(graph.readouts):
        at = np.array([2 * v + copy for v in graph.readouts for copy in (0, 1)])
        starts = [[2 * v for v in nodes] for nodes in graph.inputs]
        return distances(graph.cover, starts, at).reshape(len(starts), -1, 2)
    nodes = np.array([v for starts in graph.inputs for v in starts])
    at = np.stack([2 * nodes, 2 * nodes + 1], axis=1).ravel()
    found = distances(graph.cover_backwards, [[2 * v] for v in graph.readouts], at).reshape(-1, len(nodes), 2)
    far = np.iinfo(np.int32).max
    first = np.concatenate([[0], np.cumsum([len(starts) for starts in graph.inputs])[:-1]])
    nearest = np.minimum.reduceat(np.where(found < 0, far, found), first, axis=1)
    return np.where(nearest == far, NONE, nearest).transpose(1, 0, 2)


def shortest_walk(graph: SignedGraph, at: int, readout: int, sign: int) -> Walk | None:
    """The shortest walk of a sign from an input to a readout, by their places; of equal ones the first by nodes."""
    end = [[2 * graph.readouts[readout]]]
    left = distances(graph.cover_backwards, end, np.arange(2 * graph.n_nodes))[0]
    return descend(graph, left, at, sign)


def descend(graph: SignedGraph, left: np.ndarray, at: int, sign: int) -> Walk | None:
    """The shortest walk of a sign from an input, given the distances of all nodes of the cover to a readout."""
    cover, copy = graph.cover, int(sign < 0)
    starts = [2 * v + copy for v in graph.inputs[at] if left[2 * v + copy] >= 0]
    if not starts:
        return None
    node = min(starts, key=lambda v: (left[v], v))
    nodes, signs = [graph.nodes[node // 2]], []
    while left[node]:
        onward = cover.indices[cover.indptr[node] : cover.indptr[node + 1]]
        following = int(onward[left[onward] == left[node] - 1][0])
        signs.append(1 if (node ^ following) & 1 == 0 else -1)
        nodes.append(graph.nodes[following // 2])
        node = following
    return Walk(tuple(nodes), tuple(signs))
