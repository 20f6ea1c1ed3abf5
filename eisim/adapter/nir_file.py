"""NIR files as data: nodes, edges and arrays of a graph, read within bounds.

Nothing in a file is executed, and no other file is opened (`eisim.adapter.hdf5`).
"""

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from eisim.adapter.affine import LARGEST_NETWORK, bounded
from eisim.adapter.hdf5 import Dataset, Hdf5
from eisim.base.errors import InputError, of_hostile_file
from eisim.base.store.safe_read import regular_file

#: In bytes.
LARGEST_FILE = 500_000_000
MOST_NODES, MOST_EDGES, DEEPEST, MOST_DIMENSIONS = 10_000, 100_000, 16, 4
#: What each kind of node needs, and what it may have.
REQUIRED = {
    "Input": ("shape",),
    "Output": (),
    "Affine": ("weight", "bias"),
    "Linear": ("weight",),
    "Scale": ("scale",),
    "Conv1d": ("weight", "stride", "padding", "dilation", "groups", "bias"),
    "Conv2d": ("weight", "stride", "padding", "dilation", "groups", "bias"),
    "SumPool2d": ("kernel_size", "stride", "padding"),
    "AvgPool2d": ("kernel_size", "stride", "padding"),
    "Flatten": ("start_dim", "end_dim"),
    "Delay": ("delay",),
    "LIF": ("tau", "r", "v_leak", "v_threshold"),
    "IF": ("r", "v_threshold"),
    "CubaLIF": ("tau_syn", "tau_mem", "r", "v_leak", "v_threshold"),
    "LI": ("tau", "r", "v_leak"),
    "CubaLI": ("tau_syn", "tau_mem", "r", "v_leak"),
}
OPTIONAL = {"LIF": ("v_reset",), "IF": ("v_reset",), "CubaLIF": ("v_reset", "w_in"), "CubaLI": ("w_in",)}
#: What neurons are without a threshold.
SILENT = {"LIF": "LI", "CubaLIF": "CubaLI"}
#: Kinds that NIR has and no circuit does, with the reason.
UNKNOWN = {
    "I": "an integrator without leak and spikes",
    "Threshold": "a threshold without a membrane",
}
#: What passes on what it receives, as the inputs and outputs of subgraphs do.
PASSES = {"scale": np.ones(())}


@dataclass(frozen=True, eq=False)
class Node:
    """A node of a NIR graph."""

    kind: str
    values: dict[str, Any]  # arrays of numbers, and texts


@dataclass(frozen=True, eq=False)
class Graph:
    """A NIR graph, whose subgraphs are taken apart."""

    nodes: dict[str, Node]  # those of a subgraph are called subgraph.node
    edges: list[tuple[str, str]]
    metadata: dict[str, Any] = field(default_factory=dict)


def read_graph(path) -> Graph:
    """The graph in a NIR file; ``InputError`` for a file that is none or too large, and for nodes of other kinds."""
    path = Path(path)
    try:
        content = regular_file(path, LARGEST_FILE).read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    return parse(content, path)


def passes(node: Node) -> bool:
    """Whether a node sends what it receives."""
    return node.kind == "Flatten" or (node.kind == "Scale" and bool((node.values["scale"] == 1).all()))


def with_potentials(graph: Graph) -> Graph:
    """The graph with filters for the last neurons, those whose spikes are outputs: their potentials are the outputs."""
    sources, targets = defaultdict(list), defaultdict(list)
    for a, b in graph.edges:
        sources[b].append(a)
        targets[a].append(b)
    nodes, todo, seen = dict(graph.nodes), [name for name, node in graph.nodes.items() if node.kind == "Output"], set()
    for name in todo:
        for source in sources[name]:
            node = graph.nodes[source]
            if source in seen or not (node.kind in SILENT or passes(node)):
                continue
            seen.add(source)
            if any(
                graph.nodes[target].kind != "Output" and not passes(graph.nodes[target]) for target in targets[source]
            ):
                raise InputError(f"node {source!r}: expected neurons that send to outputs alone, found others after it")
            if node.kind in SILENT:
                kind = SILENT[node.kind]
                known = {*REQUIRED[kind], *OPTIONAL.get(kind, ())}
                nodes[source] = Node(kind, {key: value for key, value in node.values.items() if key in known})
            else:
                todo.append(source)
    return Graph(nodes, graph.edges, graph.metadata)


def parse(content: bytes, path) -> Graph:
    """The graph in the content of a NIR file, which errors call `path`."""
    with of_hostile_file(path, "a NIR graph in an HDF5 file"):
        return _File(Hdf5(content)).graph()


class _File:
    def __init__(self, file: Hdf5):
        self.file, self.elements, self.count = file, 0, 0

    def graph(self) -> Graph:
        top = self.file.open(self.file.root)
        root = self._group(top.get("node") if isinstance(top, dict) else None, "the file")
        if (kind := self._kind(root, "the graph")) != "NIRGraph":
            raise InputError(f"expected a NIRGraph, found {kind!r:.60}")
        nodes, edges = self._subgraph(root, "", 0)
        return Graph(nodes, edges, self._metadata(root))

    def _subgraph(self, group, prefix, depth):
        """Nodes and edges, those of subgraphs with their names before them."""
        if depth > DEEPEST:
            raise InputError(f"expected at most {DEEPEST} subgraphs within each other, found more")
        members = self._members(self._group(group.get("nodes"), f"{prefix}nodes"))
        nodes, edges, entries, exits = {}, [], {}, {}
        for name, address in members.items():
            self.count += 1
            if self.count > MOST_NODES:
                raise InputError(f"expected at most {MOST_NODES:,} nodes, found more")
            full = f"{prefix}{name}"
            if not name.isprintable():
                raise InputError(f"expected printable names of nodes, found {name!r:.60}")
            member = self._group(address, f"node {full!r}")
            kind = self._kind(member, f"node {full!r}")
            if kind != "NIRGraph":
                nodes[full] = self._node(member, kind, f"node {full!r}")
                continue
            inner, between = self._subgraph(member, f"{full}.", depth + 1)
            edges += between
            for way, found in (("Input", entries), ("Output", exits)):
                ends = [k for k, node in inner.items() if node.kind == way]
                if len(ends) != 1:
                    raise InputError(f"node {full!r}: expected a subgraph with one {way}, found {len(ends)}")
                found[name] = ends[0]
                inner[ends[0]] = Node("Scale", PASSES)
            nodes |= inner
        for a, b in self._edges(group, prefix):
            if not {a, b} <= members.keys():
                raise InputError(f"expected edges between nodes, found one from {a!r:.60} to {b!r:.60}")
            edges.append((exits.get(a, f"{prefix}{a}"), entries.get(b, f"{prefix}{b}")))
        if len(edges) > MOST_EDGES:
            raise InputError(f"expected at most {MOST_EDGES:,} edges, found more")
        return nodes, list(dict.fromkeys(edges))

    def _members(self, group, before="", depth=0) -> dict[str, int]:
        """Nodes by their names: HDF5 takes a name with slashes for groups within each other."""
        found = {}
        for name, address in group.items():
            inner = self.file.open(address) if depth < DEEPEST else None
            if isinstance(inner, dict) and inner and "type" not in inner:
                found |= self._members(inner, f"{before}{name}/", depth + 1)
            else:
                found[f"{before}{name}"] = address
            if len(found) > MOST_NODES:
                raise InputError(f"expected at most {MOST_NODES:,} nodes, found more")
        return found

    def _group(self, address, what) -> dict[str, int]:
        found = None if address is None else self.file.open(address)
        if not isinstance(found, dict):
            raise InputError(f"{what:.100}: expected a group of a NIR graph, found none")
        return found

    def _kind(self, group, what) -> str:
        found = self._value(group["type"], what) if "type" in group else None
        if not isinstance(found, str):
            raise InputError(f"{what:.100}: expected a type, found none")
        return found

    def _node(self, group, kind, what) -> Node:
        if kind in UNKNOWN:
            raise InputError(f"{what}: expected a kind of node that a circuit can have, found {kind}, {UNKNOWN[kind]}")
        if kind not in REQUIRED:
            raise InputError(f"{what}: expected one of {', '.join(REQUIRED)}, found {kind!r:.60}")
        values = {}
        for key in (*REQUIRED[kind], *OPTIONAL.get(kind, ())):
            if key in group:
                values[key] = value = self._value(group[key], f"{what}: {key}")
                if not isinstance(value, str) and not np.isfinite(value).all():
                    wrong = value[~np.isfinite(value)].flat[0]
                    raise InputError(f"{what}: {key}: expected finite numbers, found {wrong}")
            elif key in REQUIRED[kind]:
                raise InputError(f"{what}: expected {key}, as every {kind} has it, found none")
        return Node(kind, values)

    def _value(self, address, what):
        """Numbers as an array in double precision, or a text."""
        dataset = self.file.open(address)
        if not isinstance(dataset, Dataset):
            raise InputError(f"{what:.100}: expected numbers or a text, found a group")
        if len(dataset.shape) > MOST_DIMENSIONS:
            raise InputError(f"{what}: expected at most {MOST_DIMENSIONS} dimensions, found {len(dataset.shape)}")
        self.elements += prod(bounded(dataset.shape))
        if self.elements > LARGEST_NETWORK:
            raise InputError(f"expected at most {LARGEST_NETWORK:,} numbers in all, found more")
        if dataset.dtype is not None:
            return self.file.numbers(dataset).astype(float)
        if dataset.shape != ():
            raise InputError(f"{what}: expected one text, found {prod(dataset.shape):,}")
        return self.file.strings(dataset)[0]

    def _edges(self, group, prefix) -> list[tuple[str, str]]:
        dataset = self.file.open(group["edges"]) if "edges" in group else None
        if isinstance(dataset, Dataset) and 0 in dataset.shape:
            return []
        if not isinstance(dataset, Dataset) or dataset.dtype is not None or dataset.shape[1:] != (2,):
            raise InputError(f"{prefix}edges: expected pairs of names of nodes, found none")
        if dataset.shape[0] > MOST_EDGES:
            raise InputError(f"expected at most {MOST_EDGES:,} edges, found {dataset.shape[0]:,}")
        return list(pairwise(self.file.strings(dataset)))[::2]

    def _metadata(self, group) -> dict[str, Any]:
        """Single texts and numbers."""
        found = {}
        for name, address in self._group(group["metadata"], "metadata").items() if "metadata" in group else ():
            dataset = self.file.open(address)
            if isinstance(dataset, Dataset) and dataset.shape == ():
                found[name] = self._value(address, f"metadata {name!r}")
        return found
