"""The least inhibition to silence so that no walk of sign -1 leads from inputs to readouts.

A set of edges silences all such walks if it cuts (i, +) from (j, -) in the double cover, where both arcs of an edge are
paid for once. A flow bounds the least number from both sides. Where these bounds differ, a mixed-integer program finds
the set, which is checked by search of the graph. To find it is NP-hard (docs/structure.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from eisim.base.errors import InputError
from eisim.theory.integer_program import minimise
from eisim.theory.structure.carriers import has_walk, on_the_way
from eisim.theory.structure.flow import flow_bounds
from eisim.theory.structure.graph import SignedGraph

SYNAPSES, NEURONS = WHAT = ("synapses", "neurons")
#: Seconds after which the program is given up, and arcs of the double cover beyond which it is not begun: the bounds by
#: a flow are then what is known, with what the program has found.
LIMIT, MOST_ARCS = 60.0, 200_000


@dataclass(frozen=True)
class Silencing:
    """Inhibition whose silence leaves no inhibitory walk.

    Attributes
    ----------
    what : {"synapses", "neurons"}
        Whether connections are silenced one by one, or all inhibitory output of a neuron, or of an input that inhibits.
    silenced : tuple of str, or of pairs of str
        A set that is enough, one of several perhaps: names of neurons, or of source and target.
    least : int
        No smaller set is enough. The set is optimal if it has this many.
    """

    what: str
    silenced: tuple
    least: int

    @property
    def is_optimal(self) -> bool:
        """Whether no smaller set is enough."""
        return len(self.silenced) == self.least

    def __str__(self):
        n = len(self.silenced)
        bound = "" if self.is_optimal else f" (at least {self.least})"
        names = [name if self.what == NEURONS else " ⊣ ".join(name) for name in self.silenced]
        return f"{n} {self.what[:-1] if n == 1 else self.what}{bound}: {', '.join(names)}" if n else "nothing"


def least_silencing(
    graph: SignedGraph,
    at: Sequence[int],
    readouts: Sequence[int],
    what: str = SYNAPSES,
    limit: float = LIMIT,
) -> Silencing:
    """The least set of inhibitory connections, or of neurons, without which no inhibitory walk leads to the readouts.

    Inputs and readouts are given by their places; all walks between them have to be silenced at once. What may inhibit
    counts as inhibitory.
    """
    if what not in WHAT:
        raise InputError(f"silencing: what: expected one of {', '.join(WHAT)}, found {what!r:.60}")
    rows, columns, edges = on_the_way(graph, at, readouts)
    if not len(edges):
        return Silencing(what, (), 0)
    removable = np.flatnonzero(graph.signs <= 0)
    removable = removable[np.isin(removable, edges)]
    of = graph.sources[removable] if what == NEURONS else removable
    groups, group = np.unique(of, return_inverse=True)
    which = np.full(graph.n_edges, -1)
    which[removable] = group
    starts = np.array([2 * v for i in at for v in graph.inputs[i]])
    ends = np.array([2 * graph.readouts[j] + 1 for j in readouts])
    chosen, bound = flow_bounds(rows, columns, which[edges], starts, ends)
    is_small = len(edges) <= MOST_ARCS
    if len(chosen) > bound and is_small:
        found, other = _cut(rows, columns, which[edges], len(groups), starts, ends, limit)
        bound = max(bound, other)
        if found is not None and len(found) < len(chosen):
            chosen = found
    chosen = _checked(graph, at, readouts, which, chosen, bound if is_small else len(chosen))
    if what == NEURONS:
        names: tuple = tuple(graph.nodes[v] for v in groups[chosen])
    else:
        names = tuple((graph.nodes[graph.sources[e]], graph.nodes[graph.targets[e]]) for e in groups[chosen])
    return Silencing(what, names, min(bound, len(names)))


def _cut(rows, columns, group, n_groups, starts, ends, limit):
    """Groups of edges that cut all inhibitory walks, or ``None``, and a lower bound of their number.

    Variables are y, 1 at copies of nodes that are still reached, and d, 1 for groups that are silenced: an arc a -> b
    says that y_b >= y_a - d.
    """
    copies = np.unique(np.concatenate([rows, columns]))
    a, b = np.searchsorted(copies, rows), np.searchsorted(copies, columns)
    n, arcs = len(copies), np.arange(len(rows))
    silent = np.flatnonzero(group >= 0)
    entries = np.concatenate([np.ones(len(rows)), -np.ones(len(rows)), np.ones(len(silent))])
    at_rows = np.concatenate([arcs, arcs, silent])
    at_columns = np.concatenate([b, a, n + group[silent]])
    matrix = sparse.csr_array((entries, (at_rows, at_columns)), shape=(len(rows), n + n_groups))
    low, high = np.zeros(n + n_groups), np.ones(n + n_groups)
    low[:n][np.isin(copies, starts)] = 1
    high[:n][np.isin(copies, ends)] = 0
    is_group = np.arange(n + n_groups) >= n
    x, bound = minimise(is_group.astype(float), is_group, [(matrix, 0, np.inf)], low, high, limit)
    return None if x is None else np.flatnonzero(x[n:] > 0.5), bound


def _checked(graph, at, readouts, which, chosen, least) -> np.ndarray:
    """The groups chosen if they are enough by search of the graph, so that rounding cannot make a set enough; else all.

    Of more than the least number those that are not needed are left out.
    """

    def is_enough(groups):
        return not has_walk(graph.without(np.flatnonzero(np.isin(which, groups))), at, readouts, -1)

    needed = list(chosen)
    if not is_enough(needed):
        needed = list(np.unique(which[which >= 0]))
    for group in list(needed) if len(needed) > least else ():
        if is_enough(fewer := [each for each in needed if each != group]):
            needed = fewer
    return np.array(needed)
