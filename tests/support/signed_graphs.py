"""Random signed graphs, and what brute force and dynamics say of them."""

import numpy as np

from eisim.theory.structure.graph import SignedGraph


def random_graph(rng: np.random.Generator, most: int = 8, either: float = 0.1) -> SignedGraph:
    """A graph of 1 to `most` nodes with loops, and with any nodes as inputs, of one node or two, and as readouts."""
    n = int(rng.integers(1, most + 1))
    m = int(rng.integers(0, 3 * n))
    share = (1 - either) * np.array([0.65, 0.35])
    signs = rng.choice([1, -1, 0], m, p=[*share, either])
    inputs = [(int(k),) for k in rng.permutation(n)[: rng.integers(1, n + 1)]]
    if n > 1 and rng.random() < 0.3:
        inputs.append((0, 1))
    names = tuple("+".join(map(str, nodes)) for nodes in inputs)
    readouts = tuple(int(k) for k in rng.permutation(n)[: rng.integers(1, n + 1)])
    nodes = tuple(f"n{k}" for k in range(n))
    return SignedGraph("drawn", nodes, *rng.integers(0, n, (2, m)), signs, tuple(inputs), readouts, names)


def wired(rng: np.random.Generator, most: int = 6) -> SignedGraph:
    """A recurrent graph of neurons with edges of known sign, driven by inputs from outside, all nodes read out."""
    n, external = int(rng.integers(2, most + 1)), int(rng.integers(1, 4))
    m = int(rng.integers(n, 3 * n))
    sources = rng.integers(0, external + n, m)
    targets = external + rng.integers(0, n, m)
    signs = rng.choice([1, -1], m, p=[0.7, 0.3])
    nodes = tuple(f"n{k}" for k in range(external + n))
    inputs = tuple((k,) for k in range(external))
    return SignedGraph("wired", nodes, sources, targets, signs, inputs, tuple(range(external + n)), external=external)


def silencing_of_max_cut(n: int, edges) -> SignedGraph:
    """The graph of docs/structure.md in which the least silencing set is n (m + 1) + m less a largest cut.

    Each of the m undirected edges is a passage of sign -1, and the root has m + 1 passages of either sign to each node.
    """
    names = ["i", "root", "j", *(f"v{k}" for k in range(n))]
    arcs = [("i", "root", 1), ("root", "j", 1)]

    def passage(x, y, sign):
        k = len(names)
        p, q, m = (f"{each}{k}" for each in "pqm")
        names.extend((p, q, m))
        arcs.extend([(x, p, 1), (p, q, -1), (q, m, -1), (m, x, 1)])
        if sign > 0:
            arcs.extend([(y, p, 1), (m, y, 1)])
        else:
            names.extend((f"a{k}", f"b{k}"))
            arcs.extend([(y, f"a{k}", 1), (f"a{k}", p, -1), (m, f"b{k}", 1), (f"b{k}", y, -1)])

    for v in range(n):
        for sign in (1, -1) * (len(edges) + 1):
            passage("root", f"v{v}", sign)
    for u, v in edges:
        passage(f"v{u}", f"v{v}", -1)
    place = {name: k for k, name in enumerate(names)}
    sources, targets, signs = np.array([(place[u], place[v], sign) for u, v, sign in arcs]).T
    return SignedGraph("max cut", tuple(names), sources, targets, signs, ((0,),), (2,), external=1)


def walks_by_powers(graph: SignedGraph) -> np.ndarray:
    """Lengths of shortest walks of sign 1 and -1 between all nodes, by products of matrices; -1: none."""
    n = graph.n_nodes
    of_sign = {sign: np.zeros((n, n), dtype=np.float32) for sign in (1, -1)}
    for source, target, sign in zip(graph.sources, graph.targets, graph.signs, strict=True):
        for each in (sign,) if sign else (1, -1):
            of_sign[int(each)][source, target] = 1
    even, odd = np.eye(n, dtype=np.float32), np.zeros((n, n), dtype=np.float32)
    found = np.full((n, n, 2), -1)
    for length in range(2 * n + 1):
        for copy, there in enumerate((even, odd)):
            found[..., copy][(there > 0) & (found[..., copy] < 0)] = length
        even, odd = ((even @ of_sign[a] + odd @ of_sign[-a] > 0).astype(np.float32) for a in (1, -1))
    return found


def between(graph: SignedGraph, of_nodes: np.ndarray) -> np.ndarray:
    """The same from inputs to readouts, shape (inputs, readouts, 2)."""
    far = of_nodes.max(initial=0) + 1
    lengths = np.where(of_nodes < 0, far, of_nodes)
    rows = [lengths[list(nodes)].min(axis=0)[list(graph.readouts)] for nodes in graph.inputs]
    return np.where(np.array(rows) == far, -1, np.array(rows))


def responses(
    rng: np.random.Generator, graph: SignedGraph, courses: np.ndarray, step: float, delays: np.ndarray | None = None
) -> np.ndarray:
    """Rates of a network of random weights of these signs, trials × steps × nodes, by Euler steps of `step` taus.

    `courses` are trials × steps × inputs, `delays` those of the edges, in steps. Rates begin at 0, and were 0 before;
    each neuron has one of four activations.
    """
    n, trials, steps = graph.n_nodes, *courses.shape[:2]
    delays = np.zeros(graph.n_edges, dtype=int) if delays is None else delays
    weights = {int(delay): np.zeros((n, n)) for delay in np.unique(delays)}
    for source, target, sign, delay in zip(graph.sources, graph.targets, graph.signs, delays, strict=True):
        weights[int(delay)][source, target] += sign * rng.exponential(1.5)
    bias = rng.normal(0, 1, n)
    kind = rng.integers(0, 4, n)
    rates = np.zeros((trials, steps + 1, n))
    for t in range(steps):
        rates[:, t, : graph.external] = courses[:, t]
        drive = bias + sum(rates[:, t - delay] @ each for delay, each in weights.items() if delay <= t)
        logistic = 1 / (1 + np.exp(-np.clip(drive, -50, 50)))
        activated = np.choose(kind, [np.maximum(drive, 0), np.tanh(drive), np.clip(drive, 0, 1), logistic])
        rates[:, t + 1] = (1 - step) * rates[:, t] + step * activated
    rates[:, steps, : graph.external] = courses[:, -1]
    return rates
