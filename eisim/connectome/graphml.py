"""Connectomes in GraphML (http://graphml.graphdrawing.org), read as data: no document type, no entities."""

from collections.abc import Callable
from dataclasses import dataclass, field
from xml.parsers import expat

import numpy as np

from eisim.base.errors import InputError, quoted
from eisim.base.store.safe_read import regular_file
from eisim.connectome.edges import MOST_NEURONS, Edges, Nodes
from eisim.connectome.signs import BLANK, code_of, words
from eisim.connectome.tables import NOTHING, add_rows, check_kinds, choice, is_numeric, note_counts, without_found
from eisim.functions.tables import Parts

#: Larger files, and attributes of more names, are refused.
LARGEST_FILE, MOST_ATTRIBUTES = 2_000_000_000, 200
_BYTES_AT_ONCE, _ROWS_AT_ONCE = 1 << 20, 250_000
_LONGEST_TEXT, _DEEPEST = 100_000, 32
#: Names of attributes that hold the name of a neuron, where its id is not one.
_NAMES = ("name", "label", "neuron")


def read(path, edges: Edges, neurons: Nodes, columns, of_nodes, report: Callable[..., None]) -> None:
    """Add the neurons and edges of a file."""
    path = regular_file(path, LARGEST_FILE)
    report(f"reading {path.name}")
    document = _Document(str(path))
    parser = expat.ParserCreate(namespace_separator="}")
    parser.StartDoctypeDeclHandler = document.refuse
    parser.StartElementHandler, parser.EndElementHandler = document.start, document.end
    parser.CharacterDataHandler = document.text
    done, size = 0, max(1, path.stat().st_size)
    try:
        with path.open("rb") as file:
            while part := file.read(_BYTES_AT_ONCE):
                parser.Parse(part, False)
                done += len(part)
                report(f"reading {path.name}", min(1.0, done / size))
            parser.Parse(b"", True)
    except InputError:
        raise
    except (expat.ExpatError, LookupError, ValueError) as error:  # the last two of encodings that there are not
        raise InputError(f"{path}: expected GraphML, found: {quoted(error)}") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
    if not document.has_graph:
        raise InputError(f"{path}: expected GraphML with a graph, found none")
    names = _add_nodes(document, edges, neurons, of_nodes)
    _add_edges(document, edges, names, without_found(columns, [*document.names("edge")], neurons))


@dataclass
class _Document:
    """What the elements of a file say, collected while it is parsed."""

    where: str
    keys: dict[str, tuple[str, str, str]] = field(default_factory=dict)  # for, name and default, by id
    nodes: dict[str, dict[str, str]] = field(default_factory=dict)
    edges: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    has_graph: bool = False
    directed: bool = True
    undirected: list[bool] = field(default_factory=list)  # of each edge
    _path: list[str] = field(default_factory=list)
    _owner: dict[str, str] | None = None
    _key: str | None = None
    _text: list[str] = field(default_factory=list)
    _length: int = 0

    def refuse(self, *_):
        """Refuse a document type, which may declare entities or name other files."""
        raise InputError(f"{self.where}: expected GraphML without a document type (<!DOCTYPE ...>), found one")

    def start(self, tag, attributes):
        tag = tag.rpartition("}")[2]
        self._path.append(tag)
        if len(self._path) > _DEEPEST:
            raise InputError(f"{self.where}: expected elements up to {_DEEPEST} deep, found deeper ones")
        if len(self._path) == 1 and tag != "graphml":
            raise InputError(f"{self.where}: expected GraphML, found XML of {tag!r:.60}")
        if tag == "graph":
            if self.has_graph:
                raise InputError(f"{self.where}: expected one graph, found several")
            self.has_graph, self.directed = True, attributes.get("edgedefault", "directed") != "undirected"
        elif tag == "key":
            if len(self.keys) >= MOST_ATTRIBUTES:
                raise InputError(f"{self.where}: expected at most {MOST_ATTRIBUTES} attributes, found more")
            name = attributes.get("attr.name", attributes.get("id", ""))
            self.keys[attributes.get("id", "")] = (attributes.get("for", "all"), name, "")
            self._key = attributes.get("id", "")
        elif tag == "node":
            self._start_node(attributes)
        elif tag == "edge":
            ends = attributes.get("source"), attributes.get("target")
            if None in ends:
                raise InputError(f"{self.where}: edge {len(self.edges) + 1}: expected source and target, found none")
            self._owner = {}
            self.edges.append((*ends, self._owner))
            self.undirected.append(attributes.get("directed", str(self.directed).lower()) == "false")
        elif tag == "hyperedge":
            raise InputError(f"{self.where}: expected edges between two nodes, found a hyperedge")
        elif tag in ("data", "default"):
            self._key = attributes.get("key") if tag == "data" else self._key
            self._text, self._length = [], 0

    def _start_node(self, attributes):
        name = attributes.get("id", "")
        if not name or name in self.nodes:
            found = f"{name!r:.60} once more" if name else "none"
            raise InputError(
                f"{self.where}: node {len(self.nodes) + 1}: expected an id that no other has, found {found}"
            )
        if len(self.nodes) >= MOST_NEURONS:
            raise InputError(f"{self.where}: expected at most {MOST_NEURONS:,} nodes, found more")
        self._owner = self.nodes[name] = {}

    def text(self, text):
        """Collect the text of an attribute."""
        if self._path and self._path[-1] in ("data", "default"):
            self._length += len(text)
            if self._length > _LONGEST_TEXT:
                raise InputError(
                    f"{self.where}: expected attributes of at most {_LONGEST_TEXT:,} characters, found more"
                )
            self._text.append(text)

    def end(self, tag):
        tag = self._path.pop()
        if tag == "data" and self._owner is not None:
            if self._key not in self.keys:
                raise InputError(f"{self.where}: expected data of a declared key, found {self._key!r:.60}")
            self._owner[self.keys[self._key][1]] = "".join(self._text).strip()
        elif tag == "default" and self._key in self.keys:
            self.keys[self._key] = (*self.keys[self._key][:2], "".join(self._text).strip())
        elif tag in ("node", "edge"):
            self._owner = None

    def names(self, of: str) -> dict[str, str]:
        """Attributes of nodes or edges, with their defaults."""
        return {name: default for owner, name, default in self.keys.values() if owner in (of, "all")}


def _add_nodes(document, edges, neurons, of_nodes) -> dict[str, str]:
    """Add the nodes, and return their names by their ids."""
    known = document.names("node")
    wanted = of_nodes["name"]
    usual = [name for name in known if name.casefold() in _NAMES] if wanted is None else [wanted] * bool(wanted)
    ids = {node: node for node in document.nodes}
    for each in usual:
        if each not in known:
            raise InputError(f"{document.where}: name: expected an attribute of nodes, found {each!r:.60}")
        names = {node: data.get(each, "") for node, data in document.nodes.items()}
        if all(names.values()) and len(set(names.values())) == len(names):
            ids = names
            break
        if wanted:
            raise InputError(
                f"{document.where}: name: expected different texts of all nodes in {each!r:.60}, found others"
            )
    roles = {role: of_nodes[role] for role in ("classes", "transmitter", "sign")}
    roles = {role: name if not name or name in known else None for role, name in roles.items()}
    chosen = choice(list(known), roles, document.where)
    is_listed = edges.listed > 0
    if not is_listed:
        neurons.found = frozenset(chosen)
    for node, data in document.nodes.items():
        edges.number(ids[node], f"{document.where}: node {node!r:.60}")
        if is_listed:
            continue
        texts = {role: data.get(name, known[name]) for role, name in chosen.items()}
        sign = None
        if "sign" in chosen:
            sign = code_of(texts["sign"])
            if sign == BLANK:
                sign = None
            elif sign is None:
                where = f"{document.where}: node {node!r:.60}: {chosen['sign']}"
                raise InputError(f"{where}: expected a sign ({words()}), found {texts['sign']!r:.60}")
        kind, transmitter = (
            "" if t.casefold() in NOTHING else t for t in (texts.get(r, "") for r in ("classes", "transmitter"))
        )
        neurons.add(ids[node], kind, transmitter, sign)
    if not is_listed:
        edges.listed = len(edges.numbers)
    return ids


def _add_edges(document, edges, names, columns):
    known = document.names("edge")
    ends = ["source", "target"]
    attributes = [name for name in known if name not in ends]
    chosen = choice([*ends, *attributes], {**columns, "source": "source", "target": "target"}, document.where)
    parts = Parts(document.where, [*ends, *attributes], None, iter(()))
    for first in range(0, len(document.edges), _ROWS_AT_ONCE):
        some = document.edges[first : first + _ROWS_AT_ONCE]
        for k, (source, target, _) in enumerate(some):
            for end in (source, target):
                if end not in names:
                    raise InputError(
                        f"{document.where}: edge {first + k + 1}: expected ids of nodes, found {end!r:.60}"
                    )
        cells = {end: np.array([names[edge[j]] for edge in some], dtype=object) for j, end in enumerate(ends)}
        for name in set(chosen.values()) - set(ends):
            cells[name] = np.array([data.get(name, known[name]) for _, _, data in some], dtype=object)
        _check_directed(document, cells, chosen, first)
        add_rows(edges, parts, chosen, cells, first)
    check_kinds(edges, chosen, columns)
    if "count" not in chosen and columns["count"] is None:
        note_counts(edges, [name for name in attributes if _is_numeric(document, name)], chosen)


def _is_numeric(document, name) -> bool:
    """Whether an attribute of edges holds numbers, and some."""
    cells = [data[name] for _, _, data in document.edges[:_ROWS_AT_ONCE] if data.get(name)]
    return is_numeric(np.array(cells, dtype=object))


def _check_directed(document, cells, chosen, first):
    """Refuse undirected edges that are no gap junctions."""
    from eisim.connectome.signs import is_electrical

    undirected = document.undirected[first : first + len(cells[chosen["source"]])]
    if not any(undirected):
        return
    kinds = cells[chosen["kind"]] if "kind" in chosen else [""] * len(undirected)
    for k, (is_undirected, kind) in enumerate(zip(undirected, kinds, strict=True)):
        try:
            electrical = is_electrical(kind)
        except KeyError:
            continue  # is refused with all rows
        if is_undirected and not electrical:
            where = f"{document.where}: edge {first + k + 1}"
            raise InputError(f"{where}: expected a directed edge, unless it is a gap junction, found an undirected one")
