"""The floor: the least zero-one error of any excitatory-only network on finite data, exactly."""

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching


def best_monotone(labels, pairs) -> np.ndarray:
    """The monotone labelling nearest to `labels`: the fewest changed points.

    The changed points are a minimum vertex cover of the violating pairs, a bipartite graph from points labelled 1
    to points labelled 0; by König's theorem it is as large as a maximum matching.

    Parameters
    ----------
    labels : array_like of bool, shape (n_points,)
    pairs : ndarray of shape (n_pairs, 2)
        Violating pairs of these labels (see `eisim.theory.order.violating_pairs`), from 1 to 0.

    Returns
    -------
    ndarray of bool, shape (n_points,)
    """
    labels = np.asarray(labels, dtype=bool)
    n = len(labels)
    graph = csr_array((np.ones(len(pairs), dtype=bool), tuple(pairs.T)), shape=(n, n))
    partner = maximum_bipartite_matching(graph, perm_type="column")  # of each point labelled 1, or -1
    matched_to = np.full(n, -1)
    matched_to[partner[partner >= 0]] = np.flatnonzero(partner >= 0)
    # Alternating paths from unmatched points labelled 1: what they reach is labelled 1. It is an up-set, since a
    # point above a reached one is either a violation of it, reached too, or matched to a violation of it.
    reached = labels & (partner < 0)
    frontier = np.flatnonzero(reached)
    while frontier.size:
        below = np.unique(graph[frontier].indices)
        below = below[~reached[below]]
        reached[below] = True
        frontier = matched_to[below]
        frontier = frontier[~reached[frontier]]
        reached[frontier] = True
    return reached
