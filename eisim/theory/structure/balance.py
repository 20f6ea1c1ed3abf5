"""Balance of the nodes between inputs and a readout, and how far a graph is from balance: its frustration.

A signed graph is balanced if its nodes can be divided in two camps so that excitatory edges stay within a camp and
inhibitory ones lead to the other (Harary 1953). The frustration index is the least number of edges without which it
is (Zaslavsky). It is NP-hard; here a linear program with inequalities of negative cycles bounds it from below, a tabu
search from above, and a mixed-integer program closes the gap. For balance in biological networks see DasGupta et al.
(BioSystems 90:161, 2007), Iacono et al. (IET Syst. Biol. 4:223, 2010) and Aref & Wilson (J. Complex Netw. 6:163, 2018).
"""

import time
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from eisim.base import memory
from eisim.base.progress import Report, silent
from eisim.theory.integer_program import minimise
from eisim.theory.structure.cut import cone
from eisim.theory.structure.graph import SignedGraph
from eisim.theory.structure.walks import reached

#: Seconds after which the linear program, the search and the mixed-integer program are each given up.
LIMIT = 60.0
#: Flips of the tabu search without improvement, for each node and in any case, and starts.
PATIENCE, LEAST_PATIENCE, STARTS = 10, 100, 8
#: Bytes that an edge takes in these programs.
_BYTES_OF_EDGE = 1_800
_TINY = 1e-7
#: Seconds that a linear program has at least.
_LEAST = 1e-3


@dataclass(frozen=True)
class Balance:
    """Whether the nodes between all inputs and a readout are balanced.

    They are just if no input is mixed, where each input drives one node.

    Attributes
    ----------
    is_balanced : bool
    flipped : tuple of str
        If they are: nodes from which all walks to the readout are inhibitory. Measured with their sign turned round,
        all couplings on the way are excitatory.
    mixed : tuple of str
        Nodes from which there are walks of both signs.
    """

    is_balanced: bool
    flipped: tuple[str, ...]
    mixed: tuple[str, ...]


@dataclass(frozen=True)
class Frustration:
    """How far a graph is from balance.

    Attributes
    ----------
    index : int
        Number of edges without which the graph is balanced, the fewest found.
    least : int
        No fewer edges are enough. The index is exact if it has this value.
    relaxation : float
        Bound from below by the linear program of negative cycles.
    flipped : tuple of str
        One of the two camps, the smaller one, for which this number of edges is frustrated.
    left_out : int
        Edges that may have either sign, which do not count. With signs that fit the camps they add nothing, so that
        `index` and `least` are those of the best assignment of signs to them.
    """

    index: int
    least: int
    relaxation: float
    flipped: tuple[str, ...]
    left_out: int = 0

    @property
    def most(self) -> int:
        """No assignment of signs to the edges that are left out has a larger index."""
        return self.index + self.left_out

    @property
    def is_exact(self) -> bool:
        """Whether the index is known to be the least."""
        return self.index == self.least


def balance(graph: SignedGraph, readout: int) -> Balance:
    """The balance of the nodes on walks from any input to a readout, given by its place."""
    on = cone(graph, readout)
    end = 2 * graph.readouts[readout]
    signs = reached(graph.cover_backwards, [end]).reshape(-1, 2)
    mixed, flipped = on & signs.all(axis=1), on & signs[:, 1] & ~signs[:, 0]
    names = [tuple(graph.nodes[v] for v in np.flatnonzero(which)) for which in (flipped, mixed)]
    return Balance(not mixed.any(), *names)


def frustration(
    graph: SignedGraph, readout: int | None = None, limit: float = LIMIT, report: Report = silent
) -> Frustration:
    """The frustration index of a graph, or of the nodes on walks from any input to a readout.

    The graph counts as undirected; edges of a node with itself are left out, as are edges that may have either sign,
    the number of which is given.
    """
    u, v, weights, constant, left_out = _net(graph, None if readout is None else cone(graph, readout))
    if not len(u):
        return Frustration(constant, constant, float(constant), (), left_out)
    memory.check(f"frustration: {graph.name}", float(_BYTES_OF_EDGE) * len(u), f"{len(u):,} edges")
    nodes, place = np.unique(np.concatenate([u, v]), return_inverse=True)
    a, b = place[: len(u)], place[len(u) :]
    cycles, relaxed = _cycle_bound(len(nodes), a, b, weights, limit, report)
    least = int(np.ceil(relaxed - 1e-6))
    camp = _tabu(len(nodes), a, b, weights, least, limit)
    index = _frustrated(camp, a, b, weights)
    if least < index:
        report("closing the gap of the frustration index")
        camp, index, least = _exact(len(nodes), a, b, weights, cycles, camp, least, limit)
    camp = camp if camp.sum() * 2 <= len(camp) else ~camp
    flipped = tuple(graph.nodes[k] for k in nodes[camp])
    return Frustration(index + constant, least + constant, relaxed + constant, flipped, left_out)


def _net(graph, on):
    """Undirected edges with net weights, what is frustrated in any case, and the edges of either sign.

    Frustrated in any case are of two nodes with edges of both signs the fewer.
    """
    between = graph.sources != graph.targets
    if on is not None:
        between &= on[graph.sources] & on[graph.targets]
    keep = between & (graph.signs != 0)
    low, high = np.minimum(graph.sources, graph.targets)[keep], np.maximum(graph.sources, graph.targets)[keep]
    pairs, which = np.unique(low * graph.n_nodes + high, return_inverse=True)
    plus, minus = (np.bincount(which, graph.signs[keep] == sign, len(pairs)).astype(int) for sign in (1, -1))
    net = plus - minus
    u, v = np.divmod(pairs[net != 0], graph.n_nodes)
    return u, v, net[net != 0], int(np.minimum(plus, minus).sum()), int((between & (graph.signs == 0)).sum())


def _frustrated(camp, a, b, weights) -> int:
    """Weight of the edges that do not fit two camps."""
    return int(np.abs(weights)[(camp[a] == camp[b]) != (weights > 0)].sum())


def _cycle_bound(n, a, b, weights, limit, report) -> tuple[sparse.csr_array, float]:
    """Negative cycles, rows over edges, and the value of the linear program in which each of them holds an edge.

    A cycle that is violated is a shortest path from one copy of a node to the other in the double cover, with the
    values of the edges as lengths.
    """
    from scipy.optimize import linprog
    from scipy.sparse.csgraph import dijkstra

    flips = (weights < 0).astype(int)
    ends = [(2 * a + c, 2 * b + (c ^ flips)) for c in (0, 1)]
    rows, columns = (np.concatenate([end[k] for end in ends]) for k in (0, 1))
    pairs = a * n + b  # sorted, as the edges are
    cost, values = np.abs(weights).astype(float), np.zeros(len(a))
    found: dict[tuple[int, ...], None] = {}
    value, step, end_at = 0.0, 0, time.monotonic() + limit
    while time.monotonic() < end_at:
        report("bounding the frustration index", 1 - 0.9**step)
        step += 1
        lengths = np.tile(values + _TINY, 2)
        cover = sparse.csr_array((lengths, (rows, columns)), shape=(2 * n, 2 * n))
        before_step = len(found)
        touched = np.zeros(n, dtype=bool)
        for node in range(n):
            if touched[node] or time.monotonic() > end_at:
                continue
            start, end = 2 * node, 2 * node + 1
            far, before = dijkstra(cover, directed=False, indices=start, return_predecessors=True, limit=1 - 1e-5)
            if not np.isfinite(far[end]):
                continue
            walk = [end]
            while walk[-1] != start:
                walk.append(int(before[walk[-1]]))
            touched[[v // 2 for v in walk]] = True
            found[tuple(sorted(_simple(walk, pairs, n, flips)))] = None
        if len(found) == before_step:
            break
        options = {"time_limit": max(end_at - time.monotonic(), _LEAST)}
        solved = linprog(cost, A_ub=-_rows(found, len(a)), b_ub=-np.ones(len(found)), bounds=(0, 1), options=options)
        if solved.status:  # given up: what it has is no bound
            break
        values, value = np.clip(solved.x, 0, 1), float(solved.fun)
    return _rows(found, len(a)), value


def _rows(cycles, m) -> sparse.csr_array:
    """Cycles, given by their edges, as rows of 0 and 1."""
    edges = [edge for cycle in cycles for edge in cycle]
    starts = np.cumsum([0, *map(len, cycles)])
    return sparse.csr_array((np.ones(len(edges)), edges, starts), shape=(len(cycles), m))


def _simple(walk, pairs, n, flips) -> list[int]:
    """Edges of a simple negative cycle of a closed walk in the double cover, from one copy of a node to the other.

    Where the walk returns to a node, the part between is a cycle: it is taken if it is negative, else left out.
    """
    path: list[int] = []
    at: dict[int, int] = {}
    edges: list[int] = []
    for copy in walk:
        node = copy // 2
        if path:
            p, q = sorted((path[-1] // 2, node))
            edges.append(int(np.searchsorted(pairs, p * n + q)))
        if node in at:
            part = edges[at[node] :]
            if sum(flips[e] for e in part) % 2:
                return part
            for passed in path[at[node] + 1 :]:
                at.pop(passed // 2, None)
            del path[at[node] + 1 :], edges[at[node] :]
            at[node] = len(path) - 1
            path[-1] = copy
            continue
        at[node] = len(path)
        path.append(copy)
    raise ArithmeticError("a closed walk from one copy of a node to the other has no negative cycle")


def _tabu(n, a, b, weights, enough: int, limit: float) -> np.ndarray:
    """Camps with few frustrated edges, not less than enough, by flips of nodes that are not repeated for a while."""
    rng = np.random.default_rng(0)
    joined = sparse.csr_array(
        (np.tile(weights, 2).astype(float), (np.concatenate([a, b]), np.concatenate([b, a]))), shape=(n, n)
    )
    best, least = np.zeros(n, dtype=bool), _frustrated(np.zeros(n, dtype=bool), a, b, weights)
    end_at = time.monotonic() + limit
    for start in range(STARTS):
        spin = np.ones(n) if not start else rng.choice([-1.0, 1.0], n)
        force = joined @ spin
        now = _frustrated(spin < 0, a, b, weights)
        free_at = np.zeros(n, dtype=int)
        idle, step = 0, 0
        while idle < PATIENCE * n + LEAST_PATIENCE and least > enough and time.monotonic() < end_at:
            step += 1
            change = spin * force  # weight by which a flip raises the frustration
            allowed = (free_at <= step) | (now + change < least)
            node = int(np.where(allowed, change, np.inf).argmin())
            now += int(change[node])
            spin[node] = -spin[node]
            row = slice(joined.indptr[node], joined.indptr[node + 1])
            force[joined.indices[row]] += 2 * spin[node] * joined.data[row]
            free_at[node] = step + 1 + int(rng.integers(3, 3 + max(1, n // 10)))
            idle += 1
            if now < least:
                best, least, idle = spin < 0, now, 0
    return best


def _exact(n, a, b, weights, cycles, camp, least, limit):
    """Camps, index and bound by the mixed-integer program, with all cycles that were found as inequalities."""
    m, edges = len(a), np.arange(len(a))
    positive = weights > 0
    # f >= x_u - x_v and f >= x_v - x_u, or f >= x_u + x_v - 1 and f >= 1 - x_u - x_v
    signs = np.where(positive, 1.0, -1.0)
    shifted = sparse.csr_array((cycles.data, cycles.indices + n, cycles.indptr), shape=(cycles.shape[0], n + m))
    constraints = [(shifted, 1, np.inf)]
    for way in (1.0, -1.0):
        matrix = sparse.csr_array(
            (
                np.concatenate([np.ones(m), np.full(m, -way), way * signs]),
                (np.tile(edges, 3), np.concatenate([n + edges, a, b])),
            ),
            shape=(m, n + m),
        )
        constraints.append((matrix, np.where(positive, 0.0, -way), np.inf))
    high = np.ones(n + m)
    high[0] = 0
    cost = np.concatenate([np.zeros(n), np.abs(weights)])
    x, bound = minimise(cost, np.arange(n + m) < n, constraints, 0.0, high, limit)
    index = _frustrated(camp, a, b, weights)
    if x is not None:
        other = x[:n] > 0.5
        if (reach := _frustrated(other, a, b, weights)) < index:
            camp, index = other, reach
    least = max(least, bound)
    return camp, index, min(least, index)
