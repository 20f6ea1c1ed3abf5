"""Time and memory of exact floors, their scaling with the number of points, and comparisons with SciPy and all pairs.

All rows of the table except those of two inputs apply `certify` to weighted points with 20 correlated features (so
that many points are comparable), each in a separate process; ``seconds`` is processor time, of `certify` alone. Points
of two inputs are swept; "command" is all of `python -m eisim certify FILE.csv`, from reading the table to the report.

Ratios are of two ways to the same numbers, by turns: SciPy's matching (without weights) and flow (with weights) against
the cover of the same violating pairs; comparing all pairs of points of two inputs against the sweep; floors with
inhibition with the functions that have them against the numbers alone.

Usage: python benchmarks/floor.py [--sizes POINTS ...] [--plane POINTS ...] [--runs N]
"""

import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import measure
import numpy as np

FEATURES = 20
SIZES = (100, 1_000, 10_000)
PLANE = (1_000, 10_000, 100_000, 1_000_000)
#: Comparing all pairs takes too long beyond this, and so do functions with inhibition.
MOST_COMPARED, MOST_WITH_INHIBITION = 10_000, 1_000
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


def sample(points, targets, features=FEATURES):
    """Points, targets and weights, the same each time."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(points, 1)) + 0.1 * rng.normal(size=(points, features))
    return x, TARGETS[targets](rng, x), rng.random(points)


def floor(points, targets, loss, features=FEATURES):
    """The floor, and the processor time of `certify` in seconds."""
    from eisim import LabelledData, certify

    certify(LabelledData(*sample(10, targets)), [loss], orient=False)  # imports what it needs
    data = LabelledData(*sample(points, targets, features))
    start = time.process_time()
    certificate = certify(data, [loss], orient=False)
    seconds = time.process_time() - start
    return {"seconds": seconds, "floor": certificate.floor[loss], "pairs": certificate.violating_pairs}


def command(points, loss, folder, targets="noisy threshold", features=2):
    """Cost of the whole command on a table without weights; the target is 0 and 1, or a number."""
    import resource

    import pandas as pd

    def processor():
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    x, y, _ = sample(points, targets, features)
    table = Path(folder) / "points.csv"
    names = [f"x{k}" for k in range(features)]
    pd.DataFrame(x, columns=names).assign(y=y + 0).to_csv(table, index=False)
    words = ["--target", "y", "--loss", loss, "--out", Path(folder) / "out", "--json"]
    before = processor()
    cost = measure.run([sys.executable, "-m", "eisim", "certify", table, *words])
    return replace(cost, found={"seconds": processor() - before})


def sweeps(points, runs):
    """Run time in seconds of the zero-one floor of points of two inputs, by a sweep and from all pairs alternately."""
    from eisim.theory.floor import zero_one
    from eisim.theory.order import violations
    from eisim.theory.sample import Sample
    from eisim.theory.swept import SweptViolations

    x, targets, weights = sample(points, "noisy threshold", 2)

    def timed(find):
        start = time.process_time()
        found = find(Sample(x, targets.astype(float), weights))
        least = zero_one(found)[0]
        return time.process_time() - start, (least, found.pairs, found.witness)

    sides = {"ours": lambda: timed(SweptViolations.of), "all pairs": lambda: timed(violations)}
    return _medians(measure.by_turns(sides, runs), "floor, pairs and witness")


def with_inhibition(points, targets, runs):
    """Run time in seconds of the floors with up to 3 inhibitory neurons, alone and with their functions alternately."""
    from eisim.theory.inversion import floor_with, floors_with
    from eisim.theory.sample import Sample

    x, labels, weights = sample(points, targets)

    def timed(find):
        start = time.process_time()
        floors = find(Sample(x, labels.astype(float), weights))
        return time.process_time() - start, floors

    sides = {
        "ours": lambda: timed(lambda drawn: [*floors_with(drawn, range(4))]),
        "functions": lambda: timed(lambda drawn: [floor_with(drawn, r)[0] for r in range(4)]),
    }
    return _medians(measure.by_turns(sides, runs), "floors")


def _medians(turns, what):
    """Median run time of each side, whose results must be the same."""
    (first, wanted), *others = [(name, turn[0][1]) for name, turn in turns.items()]
    for name, found in others:
        if found != wanted:
            raise ArithmeticError(f"{what}: expected the same, found {wanted} ({first}) and {found} ({name})")
    return {name: statistics.median(seconds for seconds, _ in turn) for name, turn in turns.items()}


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
    return _medians(measure.by_turns(sides, runs), "weight of the cover")


def _compare(what, function, **arguments):
    """Print how long another way takes, and as a multiple of eisim's."""
    found = measure.alone(function, **arguments).found
    (other,) = found.keys() - {"ours"}
    print(f"{what}: {other} {found[other]:.3g} s, {found[other] / found['ours']:.2f} × that of eisim", flush=True)


def main():
    parser = measure.options(__doc__, "floor")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, metavar="POINTS")
    parser.add_argument("--plane", type=int, nargs="*", default=PLANE, metavar="POINTS", help="sizes of two inputs")
    parser.add_argument("--runs", type=int, default=3)
    a = parser.parse_args()
    rows = []

    def add(points, what, costs):
        found = costs[0].found
        known = {"pairs": found["pairs"], "floor": found["floor"]} if "pairs" in found else {}
        seconds = statistics.median(cost.found["seconds"] for cost in costs)
        memory = max(cost.gigabytes for cost in costs)
        rows.append({"points": points, "what": what, **known, "seconds": seconds, "memory_gb": memory})

    for points in a.sizes:
        for targets, losses in LOSSES.items():
            for loss in losses:
                costs = [measure.alone(floor, points=points, targets=targets, loss=loss) for _ in range(a.runs)]
                add(points, f"{targets}, {loss.replace('_', '-')}", costs)
        for weighted in (False, True) if points <= MOST_FOR_SCIPY else ():
            kind = "with weights, SciPy's flow" if weighted else "without weights, SciPy's matching"
            _compare(f"cover of {points:,} points {kind}", covers, points=points, weighted=weighted, runs=a.runs)
        for targets in ("random labels", "noisy threshold") if points <= MOST_WITH_INHIBITION else ():
            what = f"floors with inhibition of {points:,} points, {targets}"
            _compare(what, with_inhibition, points=points, targets=targets, runs=a.runs)
    for points in a.plane:
        measured = {"points": points, "targets": "noisy threshold", "loss": "zero_one", "features": 2}
        add(points, "two inputs, zero-one", [measure.alone(floor, **measured) for _ in range(a.runs)])
        for loss in ("zero-one", "all"):
            with tempfile.TemporaryDirectory() as folder:
                add(points, f"two inputs, command, {loss}", [command(points, loss, folder) for _ in range(a.runs)])
        if points <= MOST_COMPARED:
            _compare(f"zero-one floor of {points:,} points of two inputs", sweeps, points=points, runs=a.runs)
    measure.report(a, rows, "points", {"seconds": "floor (s)", "memory_gb": "memory (GB)"}, "what")


if __name__ == "__main__":
    main()
