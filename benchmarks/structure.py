"""Time and memory of the structural certificate: a worm as a whole, and one readout of a brain of a fly's size.

The worm is *C. elegans* in the wiring of Cook et al. (2019), a table of the tests: pairs of all sensory and motor
neurons at all depths with their walks, the least sets to silence for every motor neuron, and the frustration index. The
large graph is random, of 140,000 neurons and 3 million edges, three in ten of which inhibit.

Usage: python benchmarks/structure.py [--neurons N] [--edges M]
"""

import argparse
import resource
import time
from contextlib import contextmanager
from pathlib import Path

import measure
import numpy as np

from eisim import certify, read_connectome
from eisim.theory.structure.graph import SignedGraph

WIRING = Path(__file__).parents[1] / "tests" / "fixtures" / "wiring"


@contextmanager
def timed(what: str):
    """Print how long something takes."""
    start = time.perf_counter()
    yield
    print(f"{what}: {time.perf_counter() - start:.2f} s")


def worm() -> None:
    """All of the certificate of a worm."""
    with timed("reading"):
        whole = read_connectome(WIRING / "cook_2019.csv", nodes=WIRING / "cook_2019_neurons.csv")
    with timed("pairs at all depths"):
        found = certify(whole, inputs="class:sensory", readouts="class:motor", unknown="omitted")
    print(found.graph, found, sep="\n")
    pairs = found.words().size
    for depth in (2, 3, found.deepest):
        print(f"mixed within {depth} synapses: {100 * found.counts(depth)['mixed'] / pairs:.2f} %")
    with timed("walks"):
        print(f"{len(found.walks):,} walks")
    with timed("frustration"):
        frustration = found.frustration()
    print(f"frustration index {frustration.index}, at least {frustration.least}")
    with timed("least sets to silence, for every readout"):
        details = found.details()
    optimal = sum(each.synapses.is_optimal and each.neurons.is_optimal for each in details)
    print(f"optimal for {optimal} of {len(details)} readouts")


def large(n: int, m: int) -> None:
    """One readout of a large random graph."""
    rng = np.random.default_rng(0)
    sources, targets = rng.integers(0, n, (2, m))
    signs = np.where(rng.random(n) < 0.7, 1, -1)[sources]
    with timed("graph"):
        graph = SignedGraph(
            "large", tuple(map(str, range(n))), sources, targets, signs, tuple((k,) for k in range(64)), (n - 1,)
        )
    with timed("one readout, 64 inputs"):
        found = certify(graph)
    with timed("a walk"):
        found.walk(0, 0, -1)
    print(found, f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB at most", sep="\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--neurons", type=int, default=140_000)
    parser.add_argument("--edges", type=int, default=3_000_000)
    given = parser.parse_args()
    print(measure.machine())
    with timed("the worm"):
        worm()
    with timed("the large graph"):
        large(given.neurons, given.edges)


if __name__ == "__main__":
    main()
