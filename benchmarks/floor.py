"""Time and memory of exact floors, how they grow, and SciPy's matching and flow on the same violating pairs.

Usage: python benchmarks/floor.py [--quick]
"""

import resource
import sys
import time
from multiprocessing import Process, Queue

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import maximum_bipartite_matching, maximum_flow

from eisim import LabelledData, certify
from eisim.theory.cover import lightest_cover
from eisim.theory.order import violations
from eisim.theory.sample import Sample

DATA = {
    "random labels": lambda rng, x: rng.random(len(x)) < 0.5,
    "noisy threshold": lambda rng, x: (x.mean(axis=1) > np.median(x.mean(axis=1))) ^ (rng.random(len(x)) < 0.1),
    "real targets": lambda rng, x: x.mean(axis=1) + rng.normal(size=len(x)),
}


def points(rng, n, inputs):
    """Correlated inputs, so that many points are comparable."""
    return rng.normal(size=(n, 1)) + 0.1 * rng.normal(size=(n, inputs)) if inputs > 2 else rng.random((n, inputs))


def measure(n, inputs, what, loss, queue):
    rng = np.random.default_rng(0)
    x = points(rng, n, inputs)
    data = LabelledData(x, DATA[what](rng, x), rng.random(n))
    start = time.perf_counter()
    certificate = certify(data, [loss], orient=False)
    seconds = time.perf_counter() - start
    queue.put((seconds, certificate.floor[loss], certificate.violating_pairs))
    queue.put(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6)


def row(n, inputs, what, loss):
    """Measure in a process of its own, for its memory."""
    queue = Queue()
    process = Process(target=measure, args=(n, inputs, what, loss, queue))
    process.start()
    (seconds, floor, pairs), memory = queue.get(), queue.get()
    process.join()
    shown = f"{n:>7,} × {inputs:<2} {what:<16} {loss:<9} floor {floor:<9.4f} {pairs:>13,} pairs"
    print(f"{shown} {seconds:8.2f} s {memory:6.2f} GB", flush=True)


def against_scipy(n):
    """The same cover by SciPy's matching (without weights) and flow (with whole weights)."""
    rng = np.random.default_rng(0)
    x = points(rng, n, 20)
    found = violations(Sample(x, DATA["random labels"](rng, x).astype(float), np.ones(n)))
    rows, columns = len(found.rows), len(found.columns)
    raw = b"".join(bits.to_bytes(columns // 8 + 1, "little") for bits in found.above)
    edges = np.unpackbits(np.frombuffer(raw, np.uint8).reshape(rows, -1), axis=1, bitorder="little")[:, :columns]
    i, j = np.nonzero(edges)
    for weighted in (False, True):
        w = rng.integers(1, 1000, rows + columns) if weighted else np.ones(rows + columns, dtype=int)
        start = time.perf_counter()
        cover = lightest_cover(found.above, w[:rows].tolist(), dict(enumerate(w[rows:].tolist())))
        ours = time.perf_counter() - start
        if weighted:
            start = time.perf_counter()
            ends = np.r_[np.full(rows, rows + columns), i, np.arange(rows, rows + columns)]
            heads = np.r_[np.arange(rows), rows + j, np.full(columns, rows + columns + 1)]
            capacities = np.r_[w[:rows], np.full(len(i), 2**30), w[rows:]].astype(np.int32)
            graph = csr_matrix((capacities, (ends.astype(np.int32), heads.astype(np.int32))), shape=(len(w) + 2,) * 2)
            value = maximum_flow(graph, rows + columns, rows + columns + 1).flow_value
        else:
            start = time.perf_counter()
            value = (maximum_bipartite_matching(csr_matrix(edges), perm_type="column") >= 0).sum()
        theirs = time.perf_counter() - start
        assert value == cover.weight
        name = "maximum_flow" if weighted else "maximum_bipartite_matching"
        print(
            f"{n:,} points, {len(i):,} pairs: {ours:.3f} s; scipy {name} {theirs:.3f} s, {theirs / ours:.1f} ×",
            flush=True,
        )


def main():
    quick = "--quick" in sys.argv
    for what in DATA:
        for n in (1_000, 2_000) if quick else (1_000, 2_000, 5_000, 10_000, 20_000):
            row(n, 20, what, "zero_one")
    for loss in ("l1", "l2", "linf"):
        for n in (2_000,) if quick else (2_000, 10_000):
            row(n, 20, "real targets", loss)
    if not quick:
        for n in (10_000, 100_000):
            row(n, 2, "random labels", "zero_one")
    for n in (1_000,) if quick else (1_000, 2_000, 5_000):
        against_scipy(n)


if __name__ == "__main__":
    main()
