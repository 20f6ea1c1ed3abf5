"""Bounds of the least silencing set by a flow in the double cover, in polynomial time.

Every group of edges that is silenced together, all from one node, has two gates, one for each copy of that node, of
capacity 1; excitatory edges have any. A set of groups closes two gates each, and has to close those of a cut. So half
of the largest flow bounds it from below, and the groups of a least cut are at most twice as many as needed. If for no
group both gates are on the way, the least cut is a least set.
"""

import numpy as np
from scipy import sparse


def flow_bounds(
    sources: np.ndarray, targets: np.ndarray, group: np.ndarray, starts: np.ndarray, ends: np.ndarray
) -> tuple[np.ndarray, int]:
    """Groups that are enough, at most twice as many as needed, and a number than which no fewer are enough.

    Parameters
    ----------
    sources, targets : array of int, shape (arcs,)
        Copies of nodes that arcs of the double cover lead from and to, all on the way from `starts` to `ends`.
    group : array of int, shape (arcs,)
        The group of the edge of each arc; -1 for those that are not silenced.
    starts, ends : array of int
        Copies of nodes.
    """
    from scipy.sparse.csgraph import breadth_first_order, maximum_flow

    silent = group >= 0
    gates, gate = np.unique(2 * group[silent] + (sources[silent] & 1), return_inverse=True)
    copies = np.unique(np.concatenate([sources, targets, starts, ends]))
    u, v, first, last = (np.searchsorted(copies, each) for each in (sources, targets, starts, ends))
    n = len(copies)
    many = len(gates) + 1
    gate = n + gate
    source, sink = n + len(gates), n + len(gates) + 1
    at_gate = np.zeros(len(gates), dtype=int)
    at_gate[gate - n] = u[silent]
    edges = [
        (u[~silent], v[~silent], many),
        (at_gate, n + np.arange(len(gates)), 1),
        (gate, v[silent], many),
        (np.full(len(first), source), first, many),
        (last, np.full(len(last), sink), many),
    ]
    rows, columns = (np.concatenate([each[k] for each in edges]) for k in (0, 1))
    capacity = np.concatenate([np.full(len(each[0]), each[2], dtype=np.int32) for each in edges])
    network = sparse.csr_array((capacity, (rows, columns)), shape=(sink + 1, sink + 1), dtype=np.int32)
    flow = maximum_flow(network, source, sink)
    residual = sparse.csr_array(network - flow.flow)
    residual.eliminate_zeros()
    reached = np.zeros(sink + 1, dtype=bool)
    reached[breadth_first_order(residual, source, return_predecessors=False)] = True
    closed = reached[at_gate] & ~reached[n : n + len(gates)]
    both = len(gates) - len(np.unique(gates >> 1))
    value = int(flow.flow_value)
    return np.unique(gates[closed] >> 1), max(-(-value // 2), value - both)
