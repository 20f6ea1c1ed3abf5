"""Time and memory of exact floors, their scaling with the number of points, and a comparison with SciPy.

All rows except those of SciPy apply `certify` to weighted points with 20 correlated features (so that many points are
comparable), each in a separate process; ``seconds`` is the time of `certify`. The rows of SciPy measure only the cover
on the same violating pairs, by matching without weights and by flow with weights, alternating with eisim.

Usage: python benchmarks/floor.py [--sizes POINTS ...] [--runs N]
"""

import statistics
import time

import measure
import numpy as np

FEATURES = 20
SIZES = (100, 1_000, 10_000)
#: SciPy's flow takes more memory than there is beyond this.
MOST_FOR_SCIPY = 3_000
TARGETS = {
    "random labels": lambda rng, x: rng.random(len(x)) < 0.5,
    "noisy threshold": lambda rng, x: (x.mean(axis=1) > np.median(x.mean(axis=1))) ^ (rng.random(len(x)) < 0.1),
    "real targets": lambda rng, x: x.mean(axis=1) + rng.normal(size=len(x)),
}
LOSSES = {
    "random labels": ("zero_one",),
    "noisy threshold": ("zero_one",),
    "real targets": ("zero_one", "l1", "l2", "linf"),
}


def sample(points, targets):
    """Points, targets and weights, the same each time."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(points, 1)) + 0.1 * rng.normal(size=(points, FEATURES))
    return x, TARGETS[targets](rng, x), rng.random(points)


def floor(points, targets, loss):
    """The floor, and the run time of `certify` in seconds."""
    from eisim import LabelledData, certify

    certify(LabelledData(*sample(10, targets)), [loss], orient=False)  # imports what it needs
    data = LabelledData(*sample(points, targets))
    start = time.perf_counter()
    certificate = certify(data, [loss], orient=False)
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "floor": certificate.floor[loss], "pairs": certificate.violating_pairs}


def covers(points, weighted, runs):
    """Run time in seconds of the minimum-weight cover of the violating pairs, in eisim and SciPy alternately."""
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import maximum_bipartite_matching, maximum_flow

    from eisim.theory.cover import lightest_cover
    from eisim.theory.order import violations
    from eisim.theory.sample import Sample

    x, targets, _ = sample(points, "random labels")
    found = violations(Sample(x, targets.astype(float), np.ones(points)))
    rows, columns = len(found.rows), len(found.columns)
    raw = b"".join(bits.to_bytes(columns // 8 + 1, "little") for bits in found.above)
    pairs = np.unpackbits(np.frombuffer(raw, np.uint8).reshape(rows, -1), axis=1, bitorder="little")[:, :columns]
    i, j = np.nonzero(pairs)
    rng = np.random.default_rng(0)
    weights = rng.integers(1, 1000, rows + columns) if weighted else np.ones(rows + columns, dtype=int)
    above, below = weights[:rows].tolist(), dict(enumerate(weights[rows:].tolist()))

    def flow():
        tails = np.r_[np.full(rows, rows + columns), i, np.arange(rows, rows + columns)]
        heads = np.r_[np.arange(rows), rows + j, np.full(columns, rows + columns + 1)]
        capacities = np.r_[weights[:rows], np.full(len(i), 2**30), weights[rows:]].astype(np.int32)
        places = (tails.astype(np.int32), heads.astype(np.int32))
        graph = csr_matrix((capacities, places), shape=(rows + columns + 2,) * 2)
        return maximum_flow(graph, rows + columns, rows + columns + 1).flow_value

    def matching():
        return (maximum_bipartite_matching(csr_matrix(pairs), perm_type="column") >= 0).sum()

    def timed(solve):
        start = time.perf_counter()
        weight = solve()
        return time.perf_counter() - start, int(weight)

    sides = {
        "ours": lambda: timed(lambda: lightest_cover(found.above, above, below).weight),
        "SciPy": lambda: timed(flow if weighted else matching),
    }
    turns = measure.by_turns(sides, runs)
    weight = {name: turn[0][1] for name, turn in turns.items()}
    if weight["ours"] != weight["SciPy"]:
        raise ArithmeticError(f"cover: expected the weight that SciPy finds, {weight['SciPy']}, found {weight['ours']}")
    return {name: statistics.median(seconds for seconds, _ in turn) for name, turn in turns.items()}


def main():
    parser = measure.options(__doc__, "floor")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, metavar="POINTS")
    parser.add_argument("--runs", type=int, default=3)
    a = parser.parse_args()
    rows = []
    for points in a.sizes:
        for targets, losses in LOSSES.items():
            for loss in losses:
                costs = [measure.alone(floor, points=points, targets=targets, loss=loss) for _ in range(a.runs)]
                rows.append(
                    {
                        "points": points,
                        "what": f"{targets}, {loss.replace('_', '-')}",
                        "pairs": costs[0].found["pairs"],
                        "floor": costs[0].found["floor"],
                        "seconds": statistics.median(cost.found["seconds"] for cost in costs),
                        "memory_gb": max(cost.gigabytes for cost in costs),
                    }
                )
        for weighted in (False, True) if points <= MOST_FOR_SCIPY else ():
            found = measure.alone(covers, points=points, weighted=weighted, runs=a.runs).found
            kind = "with weights, SciPy's flow" if weighted else "without weights, SciPy's matching"
            ratio = found["SciPy"] / found["ours"]
            print(f"cover of {points:,} points {kind}: {found['SciPy']:.3g} s, {ratio:.2g} × that of eisim", flush=True)
    measure.report(a, rows, "points", {"seconds": "floor (s)", "memory_gb": "memory (GB)"}, "what")


if __name__ == "__main__":
    main()
