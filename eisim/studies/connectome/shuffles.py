"""Shuffled wiring: random connections with the degrees and the synapse counts of given ones."""

from dataclasses import replace

import numpy as np
from scipy import sparse

from eisim.connectome import Connectome

#: Every connection is offered a partner so many times, and where there are many connections.
ROUNDS, FEW_ROUNDS, MANY = 20, 5, 100_000


def shuffled_connectome(connectome: Connectome, seed) -> tuple[Connectome, int]:
    """The connectome with the synapses of each sign, and gap junctions, shuffled, and how many swaps were made.

    `seed` is a whole number, or a list of these.
    """
    parts, swaps = {}, 0
    for place, name in enumerate(("excitatory", "inhibitory", "mixed", "unknown", "gap_junctions")):
        generator = np.random.default_rng([place, *np.atleast_1d(seed).tolist()])
        parts[name], made = shuffled(getattr(connectome, name), generator, symmetric=name == "gap_junctions")
        swaps += made
    return replace(connectome, **parts), swaps


def shuffled(matrix: sparse.csr_array, generator: np.random.Generator, symmetric: bool = False):
    """Swap the targets of pairs of connections, at random, many times.

    Two connections a→b and c→d become a→d and c→b, unless this would connect a neuron with itself or a pair twice. The
    counts stay with the targets: in- and out-degrees, signs, and the synapses that each neuron receives are kept.
    Partners have the same count, or the next one where there is none left, so that the synapses that a neuron sends
    are kept, or nearly. Connections are swapped in rounds, each with a partner drawn for it (Maslov & Sneppen, Science
    296:910, 2002).

    Parameters
    ----------
    matrix : sparse array of shape (n, n)
        Counts, source × target, without a diagonal.
    generator : Generator
    symmetric : bool
        Whether connections have no direction, as gap junctions; the matrix is symmetric then, and stays so.

    Returns
    -------
    csr_array, int
        The shuffled counts, and how many swaps were made.
    """
    n = matrix.shape[0]
    entries = sparse.triu(matrix, 1).tocoo() if symmetric else matrix.tocoo()
    source, target, counts = entries.row.astype(np.int64), entries.col.astype(np.int64), entries.data.copy()
    swaps = 0
    for _ in range((ROUNDS if len(source) < MANY else FEW_ROUNDS) if len(source) > 1 else 0):
        order = np.lexsort((generator.random(len(source)), counts))[generator.integers(2) :]
        one, other = order[: len(order) // 2 * 2].reshape(-1, 2).T
        if not len(one):
            continue
        half = len(one)
        if symmetric:  # either end may be the one that is swapped
            turned = order[generator.random(len(order)) < 0.5]
            source[turned], target[turned] = target[turned], source[turned]
        new = np.concatenate(
            [_keys(source[one], target[other], n, symmetric), _keys(source[other], target[one], n, symmetric)]
        )
        there = np.concatenate([new, _keys(source, target, n, symmetric)])
        _, place, times = np.unique(there, return_inverse=True, return_counts=True)
        is_new = times[place[: len(new)]] == 1
        is_new &= np.concatenate([source[one] != target[other], source[other] != target[one]])
        chosen = is_new[:half] & is_new[half:]
        one, other = one[chosen], other[chosen]
        target[one], target[other] = target[other], target[one]
        counts[one], counts[other] = counts[other], counts[one]  # they stay with the target
        swaps += int(chosen.sum())
    found = sparse.csr_array((counts, (source, target)), shape=(n, n))
    return (found + found.T).tocsr() if symmetric else found, swaps


def _keys(source, target, n, symmetric):
    """A number for each pair of neurons."""
    if symmetric:
        source, target = np.minimum(source, target), np.maximum(source, target)
    return source * n + target
