"""Sign cuts: neurons that bound how often the output of a feed-forward threshold circuit falls along a chain (T10).

Let the outputs of a set Q of neurons be cut. It is a sign cut of readout j if all walks from inputs to j are then
excitatory, and all walks from inputs to each neuron of Q have one sign. A feed-forward circuit of threshold units then
falls at most 2**len(Q) - 1 times along a chain of inputs: the first neuron of Q, in feed-forward order, switches at
most once, and before and after the switch the others are a sign cut. All inhibitory neurons on walks to j are one.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from eisim.theory.integer_program import minimise
from eisim.theory.structure.graph import SignedGraph
from eisim.theory.structure.walks import reached

#: Seconds after which the program is given up.
LIMIT = 60.0


@dataclass(frozen=True)
class SignCut:
    """A sign cut of a readout.

    Attributes
    ----------
    neurons : tuple of str
        A sign cut, one of several perhaps.
    least : int
        No smaller set is one. The set is optimal if it has this many.
    is_feed_forward : bool
        Whether no walk from an input to the readout passes through a neuron twice.
    """

    neurons: tuple[str, ...]
    least: int
    is_feed_forward: bool

    @property
    def is_optimal(self) -> bool:
        """Whether no smaller set is a sign cut."""
        return len(self.neurons) == self.least

    @property
    def most_falls(self) -> int | None:
        """Falls along a chain of inputs that threshold units can have at most; ``None`` if not feed-forward."""
        return 2 ** len(self.neurons) - 1 if self.is_feed_forward else None


def cone(graph: SignedGraph, readout: int) -> np.ndarray:
    """Whether each node is on a walk from any input to a readout, given by its place."""
    starts = [2 * v for nodes in graph.inputs for v in nodes]
    end = graph.readouts[readout]
    heard = reached(graph.cover, starts).reshape(-1, 2).any(axis=1)
    sends = reached(graph.cover_backwards, [2 * end, 2 * end + 1]).reshape(-1, 2).any(axis=1)
    return np.logical_and(heard, sends)


def is_sign_cut(graph: SignedGraph, readout: int, neurons) -> bool:
    """Whether a set of nodes is a sign cut of a readout."""
    cut = graph.without(np.flatnonzero(np.isin(graph.sources, neurons)))
    found = reached(cut.cover, [2 * v for nodes in cut.inputs for v in nodes]).reshape(-1, 2)
    return not found[cut.readouts[readout], 1] and not found[neurons].all(axis=1).any()


def sign_cut(graph: SignedGraph, readout: int, limit: float = LIMIT) -> SignCut | None:
    """The least sign cut of a readout, given by its place; ``None`` if inputs from outside inhibit on the way to it.

    Variables are y, 1 at copies of nodes that are reached in the double cover, and a, 1 for neurons of Q: an arc
    (u, c) -> (v, d) says that y_vd >= y_uc - a_u, and a_v + y_v+ + y_v- <= 2.
    """
    on = cone(graph, readout)
    edges = np.flatnonzero(on[graph.sources] & on[graph.targets])
    feed_forward = _is_acyclic(graph, edges)
    inhibitory = np.unique(graph.sources[edges[graph.signs[edges] <= 0]])
    if not len(inhibitory):
        return SignCut((), 0, feed_forward)
    if (inhibitory < graph.external).any():
        return None
    neurons = np.flatnonzero(on[graph.external :]) + graph.external
    rows, columns = graph.arcs
    keep = np.isin(graph.arc_edges, edges)
    rows, columns = rows[keep], columns[keep]
    n, m = 2 * graph.n_nodes, len(rows)
    place = np.full(graph.n_nodes, -1)
    place[neurons] = np.arange(len(neurons))
    ways = place[rows // 2]
    cuts = np.flatnonzero(ways >= 0)
    arcs = sparse.csr_array(
        (
            np.concatenate([np.ones(m), -np.ones(m), np.ones(len(cuts))]),
            (np.concatenate([np.arange(m), np.arange(m), cuts]), np.concatenate([columns, rows, n + ways[cuts]])),
        ),
        shape=(m, n + len(neurons)),
    )
    k = np.arange(len(neurons))
    unmixed = sparse.csr_array(
        (np.ones(3 * len(k)), (np.tile(k, 3), np.concatenate([2 * neurons, 2 * neurons + 1, n + k]))),
        shape=(len(k), n + len(k)),
    )
    low, high = np.zeros(n + len(k)), np.ones(n + len(k))
    low[[2 * v for nodes in graph.inputs for v in nodes if on[v]]] = 1
    high[2 * graph.readouts[readout] + 1] = 0
    is_neuron = np.arange(n + len(k)) >= n
    constraints = [(arcs, 0, np.inf), (unmixed, -np.inf, 2)]
    x, least = minimise(is_neuron.astype(float), is_neuron, constraints, low, high, limit)
    chosen = inhibitory if x is None else neurons[x[n:] > 0.5]
    if not is_sign_cut(graph, readout, chosen):
        chosen = inhibitory
    return SignCut(tuple(graph.nodes[v] for v in chosen), min(max(least, 1), len(chosen)), feed_forward)


def is_feed_forward(graph: SignedGraph, readout: int) -> bool:
    """Whether no walk from an input to a readout, given by its place, passes through a node twice."""
    on = cone(graph, readout)
    return _is_acyclic(graph, np.flatnonzero(on[graph.sources] & on[graph.targets]))


def _is_acyclic(graph, edges) -> bool:
    """Whether the edges among nodes make no cycle."""
    from scipy.sparse.csgraph import connected_components

    sources, targets = graph.sources[edges], graph.targets[edges]
    if (sources == targets).any():
        return False
    matrix = sparse.csr_array((np.ones(len(edges)), (sources, targets)), shape=(graph.n_nodes,) * 2)
    return connected_components(matrix, connection="strong", return_labels=False) == graph.n_nodes
