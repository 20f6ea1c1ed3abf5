"""Connectomes in the JSON of cect (OpenWorm's ConnectomeToolbox) and of flyvis."""

import json
from collections import Counter
from collections.abc import Callable

import numpy as np

from eisim.base.errors import InputError
from eisim.base.store.safe_read import regular_file
from eisim.connectome.edges import BY_TRANSMITTER, ELECTRICAL, Edges, Nodes
from eisim.connectome.signs import EXCITES, INHIBITS

#: Larger files are refused: a document takes up to 30 times its size in memory.
LARGEST_FILE = 300_000_000
#: Classes of connections in cect that are no chemical synapses of a transmitter, in lower case.
_JUNCTIONS, _CHEMICAL = {"generic_gj", "electrical"}, {"generic_cs", "chemical"}
_NO_SYNAPSES = {"contact", "functional", "extrasynaptic", "peptidergic"}


def read(path, edges: Edges, neurons: Nodes, report: Callable[..., None]) -> None:
    """Add the neurons and edges of a file."""
    path = regular_file(path, LARGEST_FILE)
    report(f"reading {path.name}")
    try:
        document = json.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: expected JSON, found: {error!s:.200}") from None
    if isinstance(document, dict) and isinstance(document.get("connections"), dict):
        _read_cect(document, edges, neurons)
    elif isinstance(document, dict) and isinstance(document.get("edges"), list):
        _read_flyvis(document, edges, neurons)
    else:
        keys = f"with {', '.join(map(repr, list(document)[:6]))}" if isinstance(document, dict) else "without these"
        raise InputError(
            f"{path}: expected JSON with 'nodes' and 'connections', as cect writes, or 'nodes' and 'edges', as flyvis "
            f"does, found one {keys:.200}"
        )


def _read_cect(document, edges, neurons):
    names = _names(document.get("nodes"), edges, neurons)
    left = []
    for kind, given in document["connections"].items():
        word, where = kind.casefold(), f"{edges.where}: connections: {kind:.60}"
        if word in _NO_SYNAPSES:
            left.append(kind)
            continue
        matrix = _matrix(given, len(names), where)
        sources, targets = np.nonzero(matrix)
        counts = matrix[sources, targets]
        if (counts < 0).any():
            k = int(np.argmax(counts < 0))
            pair = f"{names[sources[k]]:.60} and {names[targets[k]]:.60}"
            raise InputError(f"{where}: expected counts of 0 or more, found {counts[k]:g} between {pair}")
        by = -1
        if word not in _JUNCTIONS | _CHEMICAL:
            by = edges.transmitters.setdefault(kind, len(edges.transmitters))
        code = ELECTRICAL if word in _JUNCTIONS else BY_TRANSMITTER
        numbers = np.array([edges.numbers[name] for name in names], dtype=np.int32)
        n = len(counts)
        edges.add(numbers[sources], numbers[targets], counts, np.full(n, code), np.full(n, by))
    if left:
        edges.notes.append(f"Connections that are no synapses are left out: {', '.join(left):.300}.")


def _matrix(given, n, where) -> np.ndarray:
    try:
        matrix = np.array(given, dtype=float)
    except (TypeError, ValueError, OverflowError):
        matrix = np.empty(0)
    if matrix.shape != (n, n):
        found = f"shape {matrix.shape}" if matrix.ndim == 2 else "another"
        raise InputError(f"{where}: expected a matrix of numbers of shape ({n}, {n}), found {found}")
    if not np.isfinite(matrix).all():
        raise InputError(f"{where}: expected finite numbers, found others")
    return matrix


def _names(given, edges, neurons) -> list[str]:
    if not isinstance(given, list) or not all(isinstance(name, str) and name.strip() for name in given):
        raise InputError(f"{edges.where}: nodes: expected names of neurons, found {given!r:.60}")
    names = [name.strip() for name in given]
    if len(set(names)) < len(names):
        twice = Counter(names).most_common(1)[0][0]
        raise InputError(f"{edges.where}: nodes: expected different names, found {twice!r:.60} more than once")
    _list_nodes(edges, neurons, {name: "" for name in names})
    return names


def _list_nodes(edges, neurons, classes):
    is_listed = edges.listed > 0
    for name, kind in classes.items():
        edges.number(name, f"{edges.where}: nodes")
        if not is_listed:
            neurons.add(name, kind)
    if not is_listed:
        edges.listed = len(edges.numbers)


def _read_flyvis(document, edges, neurons):
    """Cell types as neurons; a connection counts all synapses of one type onto one neuron of another."""
    nodes = document.get("nodes")
    names = (
        [node.get("name") if isinstance(node, dict) else None for node in nodes] if isinstance(nodes, list) else None
    )
    inputs, outputs = ({*_units(document, f"{which}_units", edges.where)} for which in ("input", "output"))
    names = _checked(names, edges)
    kinds = {name: "input" if name in inputs else "output" if name in outputs else "" for name in names}
    _list_nodes(edges, neurons, kinds)
    ends, counts, codes = [], [], []
    for k, edge in enumerate(document["edges"]):
        where = f"{edges.where}: edge {k + 1}"
        if not isinstance(edge, dict):
            raise InputError(f"{where}: expected src, tar, alpha and offsets, found {edge!r:.60}")
        pair = [edge.get("src"), edge.get("tar")]
        for end in pair:
            if not isinstance(end, str) or end not in kinds:
                raise InputError(f"{where}: expected names of nodes as src and tar, found {end!r:.60}")
        electrical = edge.get("edge_type", "chem") not in ("chem", "chemical")
        if electrical and edge["edge_type"] not in ("elec", "electrical", "gap"):
            raise InputError(f"{where}: edge_type: expected 'chem' or 'elec', found {edge['edge_type']!r:.60}")
        sign = edge.get("alpha")
        if isinstance(sign, bool) or sign not in (1, -1):
            raise InputError(f"{where}: alpha: expected 1 or -1, found {sign!r:.60}")
        counts.append(_synapses(edge.get("offsets"), where))
        ends.append([edges.numbers[end] for end in pair])
        codes.append(ELECTRICAL if electrical else EXCITES if sign > 0 else INHIBITS)
    edges.notes.append("Neurons are cell types; a connection has the synapses of all columns of its source.")
    ends = np.array(ends, dtype=np.int32).reshape(-1, 2)
    edges.add(ends[:, 0], ends[:, 1], np.array(counts), np.array(codes))


def _checked(names, edges):
    if names is None or not all(isinstance(name, str) and name.strip() for name in names):
        raise InputError(f"{edges.where}: nodes: expected objects with a name, found others")
    if len(set(names)) < len(names):
        twice = Counter(names).most_common(1)[0][0]
        raise InputError(f"{edges.where}: nodes: expected different names, found {twice!r:.60} more than once")
    return names


def _units(document, part, where) -> list[str]:
    given = document.get(part, [])
    if not isinstance(given, list) or not all(isinstance(name, str) for name in given):
        raise InputError(f"{where}: {part}: expected names of nodes, found {given!r:.60}")
    return given


def _synapses(offsets, where) -> float:
    """The synapses of a connection over all offsets of columns."""
    total = 0.0
    if not isinstance(offsets, list):
        raise InputError(f"{where}: offsets: expected a list of columns and counts, found {offsets!r:.60}")
    for each in offsets:
        number = each[1] if isinstance(each, list) and len(each) == 2 else None
        if isinstance(number, bool) or not isinstance(number, (int, float)) or not 0 <= number <= 2**53:
            raise InputError(f"{where}: offsets: expected columns and counts of 0 or more, found {each!r:.60}")
        total += number
    return total
