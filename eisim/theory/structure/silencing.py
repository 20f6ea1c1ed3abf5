"""The least inhibition to silence so that no walk of sign -1 leads from inputs to readouts.

A set of edges silences all such walks if it cuts (i, +) from (j, -) in the double cover, where both arcs of an edge are
paid for once. It is found by a mixed-integer program, whose solution is checked by search of the graph. Bounds are
given with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from eisim.base.errors import InputError
from eisim.theory.structure.carriers import carried, has_walk
from eisim.theory.structure.graph import SignedGraph

SYNAPSES, NEURONS = WHAT = ("synapses", "neurons")
#: Seconds after which the program is given up, and its bounds are what is known.
LIMIT = 60.0


@dataclass(frozen=True)
class Silencing:
    """Inhibition whose silence leaves no inhibitory walk.

    Attributes
    ----------
    what : {"synapses", "neurons"}
        Whether connections are silenced one by one, or all inhibitory output of a neuron.
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
    _, along = carried(graph, at, readouts, -1)
    if not along.any():
        return Silencing(what, (), 0)
    removable = np.flatnonzero(along & (graph.signs <= 0))
    of = graph.sources[removable] if what == NEURONS else removable
    groups, group = np.unique(of, return_inverse=True)
    which = np.full(graph.n_edges, -1)
    which[removable] = group
    chosen, bound = _cut(graph, at, readouts, along, which, len(groups), limit)
    chosen = _reduced(graph, at, readouts, which, chosen, bound)
    if what == NEURONS:
        names: tuple = tuple(graph.nodes[v] for v in groups[chosen])
    else:
        names = tuple((graph.nodes[graph.sources[e]], graph.nodes[graph.targets[e]]) for e in groups[chosen])
    return Silencing(what, names, min(bound, len(names)))


def _cut(graph, at, readouts, along, which, n_groups, limit):
    """Groups of edges that cut all inhibitory walks, and a lower bound of their number.

    Variables are y, 1 at copies of nodes that are still reached, and d, 1 for groups that are silenced: an arc a -> b
    says that y_b >= y_a - d.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp

    rows, columns = graph.arcs
    edges = graph.arc_edges
    keep = along[edges]
    rows, columns, group = rows[keep], columns[keep], which[edges[keep]]
    copies, place = np.unique(np.concatenate([rows, columns]), return_inverse=True)
    a, b = place[: len(rows)], place[len(rows) :]
    n, arcs = len(copies), np.arange(len(rows))
    silent = np.flatnonzero(group >= 0)
    entries = np.concatenate([np.ones(len(rows)), -np.ones(len(rows)), np.ones(len(silent))])
    at_rows = np.concatenate([arcs, arcs, silent])
    at_columns = np.concatenate([b, a, n + group[silent]])
    matrix = sparse.csr_array((entries, (at_rows, at_columns)), shape=(len(rows), n + n_groups))
    low, high = np.zeros(n + n_groups), np.ones(n + n_groups)
    low[:n][np.isin(copies, [2 * v for i in at for v in graph.inputs[i]])] = 1
    high[:n][np.isin(copies, [2 * graph.readouts[j] + 1 for j in readouts])] = 0
    found = milp(
        np.concatenate([np.zeros(n), np.ones(n_groups)]),
        integrality=np.concatenate([np.zeros(n), np.ones(n_groups)]),
        bounds=Bounds(low, high),
        constraints=LinearConstraint(matrix, 0, np.inf),
        options={"time_limit": limit, "mip_rel_gap": 0.0},
    )
    bound = getattr(found, "mip_dual_bound", None)
    least = 1 if bound is None or not np.isfinite(bound) else max(1, int(np.ceil(bound - 1e-6)))
    if found.x is None:
        return np.arange(n_groups), least
    return np.flatnonzero(found.x[n:] > 0.5), least


def _reduced(graph, at, readouts, which, chosen, least) -> np.ndarray:
    """The groups that are needed of those chosen, by search of the graph, so that rounding cannot make a set enough.

    Should the chosen ones not be enough, it is those that are needed of all groups, which are.
    """

    def is_enough(groups):
        return not has_walk(graph.without(np.flatnonzero(np.isin(which, groups))), at, readouts, -1)

    if is_enough(chosen) and len(chosen) == least:
        return chosen
    needed = list(chosen if is_enough(chosen) else np.unique(which[which >= 0]))
    for group in list(needed):
        if len(needed) > 1 and is_enough([each for each in needed if each != group]):
            needed.remove(group)
    return np.array(needed)
