"""Time and memory of the structural certificate: a worm as a whole, and one readout of a brain of a fly's size.

The worm is *C. elegans* as it ships with eisim, or with --cect the wiring of Cook et al. (2019) from the wheel of cect
0.3.5 (pip download --no-deps cect==0.3.5), with the transmitters of Wang et al. (2024): pairs of all sensory and motor
neurons at all depths with their walks, the least sets to silence for every motor neuron, and the frustration index. The
large graph is random, of 140,000 neurons and 3 million edges, three in ten of which inhibit.

Usage: python benchmarks/structure.py [--cect WHEEL] [--neurons N] [--edges M]
"""

import argparse
import ast
import json
import resource
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from zipfile import ZipFile

import measure
import numpy as np

from eisim import certify
from eisim.studies.connectome.worm import connectome
from eisim.theory.structure.graph import SignedGraph

#: Classes of neurons in the cache of cect.
LISTS = ("PREFERRED_HERM_NEURON_NAMES", "SENSORY_NEURONS_COOK", "MOTORNEURONS_COOK")


@contextmanager
def timed(what: str):
    """Print how long something takes."""
    start = time.perf_counter()
    yield
    print(f"{what}: {time.perf_counter() - start:.2f} s")


def value(node: ast.expr, names: dict) -> list:
    """A list of texts, or the sum of lists that have names."""
    if isinstance(node, ast.BinOp):
        return value(node.left, names) + value(node.right, names)
    return list(names[node.id]) if isinstance(node, ast.Name) else list(ast.literal_eval(node))


def cook(wheel: Path) -> SignedGraph:
    """Sensory and motor neurons in the wiring of Cook et al.; cells without ACh, glutamate and GABA send nothing."""
    with ZipFile(wheel) as files:
        wiring, cells = (
            json.loads(files.read(f"cect/cache/{name}Reader.json")) for name in ("Cook2019Herm", "Wang2024Herm")
        )
        tree = ast.parse(files.read("cect/Cells.py"))
    names: dict = {}
    for node in tree.body:  # lists of names, some made of others
        if isinstance(node, ast.Assign) and all(isinstance(target, ast.Name) for target in node.targets):
            with suppress(KeyError, TypeError, ValueError):
                names[node.targets[0].id] = value(node.value, names)
    neurons, sensory, motor = (list(names[each]) for each in LISTS)
    place = {name: k for k, name in enumerate(neurons)}
    sends: dict[str, set] = {}
    for transmitter, rows in cells["connections"].items():
        for name, row in zip(cells["nodes"], rows, strict=True):
            if any(row):
                sends.setdefault(name, set()).add(transmitter)
    edges = []
    for source, row in zip(wiring["nodes"], wiring["connections"]["Generic_CS"], strict=True):
        known = sends.get(source, set())
        sign = 1 if known & {"Acetylcholine", "Glutamate"} else -1 if "GABA" in known else 0
        targets = [target for target, n in zip(wiring["nodes"], row, strict=True) if n and target != source]
        edges += [(place[source], place[t], sign) for t in targets if sign and source in place and t in place]
    inputs = tuple((place[name],) for name in sensory)
    return SignedGraph("Cook et al. 2019", tuple(neurons), *np.array(edges).T, inputs, tuple(place[n] for n in motor))


def worm(wheel: Path | None) -> None:
    """All of the certificate of a worm."""
    if wheel:
        with timed("reading"):
            graph = cook(wheel)
        with timed("pairs at all depths"):
            found = certify(graph)
    else:
        with timed("reading"):
            whole = connectome()
            sensory = [
                name for name in whole.neurons if name.startswith(("AS", "AW", "AF", "ALM", "AVM", "PLM", "PVM"))
            ]
            motor = [name for name in whole.neurons if name.startswith(("VA", "VB", "VD", "DA", "DB", "DD", "AS1"))]
        with timed("pairs at all depths"):
            found = certify(whole, inputs=sensory, readouts=motor, unknown="omitted", mixed="omitted")
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
    parser.add_argument("--cect", type=Path, help="wheel of cect 0.3.5")
    parser.add_argument("--neurons", type=int, default=140_000)
    parser.add_argument("--edges", type=int, default=3_000_000)
    given = parser.parse_args()
    print(measure.machine())
    with timed("the worm"):
        worm(given.cect)
    with timed("the large graph"):
        large(given.neurons, given.edges)


if __name__ == "__main__":
    main()
