"""The lightest vertex cover of a bipartite graph, exactly, by the largest flow (König; Dinic's algorithm).

The graph is dense (half of 25 million pairs, say), its capacities are at the vertices, and weights are whole numbers
of any size. Dinic's algorithm on rows of bits takes one operation for what a list of edges takes thousands for:
`benchmarks/floor.py` compares it with SciPy's matching and flow.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from eisim.theory.bitset import as_set, members


class Cover(NamedTuple):
    """A vertex cover of least weight; of all lightest covers the one with the most rows."""

    weight: int
    rows: set[int]
    columns: set[int]


def lightest_cover(
    edges: Sequence[int],
    row_weights: Sequence[int],
    column_weights: Mapping[int, int],
    less_than: int | None = None,
    flow: dict[int, dict[int, int]] | None = None,
) -> Cover | None:
    """Find the lightest set of rows and columns that touches every edge: for each row its columns, as bits.

    Gives up, and returns ``None``, as soon as the cover is known not to be lighter than `less_than`. A flow to begin
    with, of each column from each row, saves the search for it; it is changed.
    """
    supply, demand, flow, total = list(row_weights), dict(column_weights), {} if flow is None else flow, 0
    for j, into in flow.items():
        for i, amount in into.items():
            supply[i] -= amount
            demand[j] -= amount
            total += amount
    free = as_set([j for j, weight in demand.items() if weight])
    while True:
        layers, level = _layers(edges, supply, free, flow)
        if not layers or not layers[-1] & free:
            break
        layers[-1] &= free
        for source in [i for i, depth in level.items() if depth == 0]:
            while supply[source] and (path := _path(source, edges, layers, level, flow)):
                column = path[-1][1]
                amount = min(supply[source], demand[column], *(flow[j][k] for _, j, k in path[:-1]))
                supply[source] -= amount
                total += amount
                demand[column] -= amount
                if not demand[column]:
                    free &= ~(1 << column)
                    layers[-1] &= ~(1 << column)
                for i, j, k in path:
                    into = flow.setdefault(j, {})
                    into[i] = into.get(i, 0) + amount
                    if k is not None:
                        into[k] -= amount
                        if not into[k]:
                            del into[k]
        if less_than is not None and total >= less_than:
            return None
    reached = 0
    for layer in layers:
        reached |= layer
    rows = {i for i, weight in enumerate(row_weights) if weight} - level.keys()
    return Cover(total, rows, set(members(reached)))


def _layers(edges, supply, free, flow):
    """Breadth-first search from the rows with supply: columns by distance, up to the first free one, level of rows."""
    level = {i: 0 for i, left in enumerate(supply) if left}
    frontier, layers, seen = list(level), [], 0
    while frontier:
        new = 0
        for i in frontier:
            new |= edges[i]
        new &= ~seen
        if not new:
            break
        layers.append(new)
        seen |= new
        if new & free:
            break
        frontier = []
        for j in members(new):
            for i in flow.get(j, ()):
                if i not in level:
                    level[i] = len(layers)
                    frontier.append(i)
    return layers, level


def _path(source, edges, layers, level, flow):
    """Depth-first search along the layers for a path to a free column: steps row, column, next row.

    Columns and rows from which there is none are taken out of the layers.
    """
    path, row, depth = [], source, 0
    while True:
        options = edges[row] & layers[depth]
        if options:
            column = (options & -options).bit_length() - 1
            if depth == len(layers) - 1:
                return [*path, (row, column, None)]
            onward = next((i for i in flow.get(column, ()) if level.get(i) == depth + 1), None)
            if onward is None:
                layers[depth] &= ~(1 << column)
            else:
                path.append((row, column, onward))
                row, depth = onward, depth + 1
        else:
            level[row] = -1
            if not path:
                return None
            row, _, _ = path.pop()
            depth -= 1
