"""A signed graph: who connects to whom with which sign, where stimuli enter, and what is read out."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from eisim.base import memory
from eisim.base.errors import InputError, did_you_mean
from eisim.base.values import ReadOnly
from eisim.circuit import Circuit, Population

if TYPE_CHECKING:
    from eisim.connectome import Connectome

#: Sign of an edge that may have either.
EITHER = 0
#: What synapses of unknown sign, or of either, are taken for.
TAKEN_FOR = {"both": EITHER, "excitatory": 1, "inhibitory": -1, "omitted": None}
#: Bytes that an edge takes while its double cover is made and searched, and a node with its name.
_BYTES_OF_EDGE, _BYTES_OF_NODE = 160, 200


@dataclass(frozen=True, eq=False, repr=False)
class SignedGraph(ReadOnly):
    """Nodes, edges with their signs, inputs and readouts.

    Attributes
    ----------
    name : str
    nodes : tuple of str
        Names of the n nodes, all different.
    sources, targets : array of int, shape (edges,)
        Nodes that each edge leads from and to. Two nodes may have edges of both signs.
    signs : array of int, shape (edges,)
        1, -1, or 0 for an edge that may have either sign.
    inputs : tuple of tuple of int
        For each input the nodes at which its walks begin.
    readouts : tuple of int
        Nodes at which walks end.
    input_names : tuple of str
        Names of the inputs, all different; by default those of their first nodes.
    external : int
        So many nodes, the first ones, are inputs from outside, not neurons.

    Raises
    ------
    InputError
        For names that are used twice, arrays of different lengths, signs other than 1, -1 and 0, and nodes that are
        not there.
    """

    name: str
    nodes: tuple[str, ...]
    sources: Any
    targets: Any
    signs: Any
    inputs: tuple[tuple[int, ...], ...]
    readouts: tuple[int, ...]
    input_names: tuple[str, ...] = ()
    external: int = 0

    def __post_init__(self):
        what = f"signed graph {self.name!r:.60}"
        nodes = tuple(self.nodes)
        if len(set(nodes)) < len(nodes):
            twice = Counter(nodes).most_common(1)[0][0]
            raise InputError(f"{what}: nodes: expected different names, found {twice!r:.60} more than once")
        object.__setattr__(self, "nodes", nodes)
        columns = [_whole(getattr(self, part), f"{what}: {part}") for part in ("sources", "targets", "signs")]
        if len({len(column) for column in columns}) > 1:
            raise InputError(f"{what}: expected sources, targets and signs of one length, found {[*map(len, columns)]}")
        sources, targets, signs = columns
        if not np.isin(signs, (-1, EITHER, 1)).all():
            raise InputError(f"{what}: signs: expected 1, -1 or 0 (either), found others")
        inputs = tuple(tuple(int(v) for v in starts) for starts in self.inputs)
        readouts = tuple(int(v) for v in self.readouts)
        ends = np.concatenate([sources, targets, np.array([v for starts in (*inputs, readouts) for v in starts], int)])
        if len(ends) and not 0 <= ends.min() <= ends.max() < len(nodes):
            raise InputError(f"{what}: expected nodes from 0 to {len(nodes) - 1}, found {ends.min()} to {ends.max()}")
        if not inputs or not readouts or not all(inputs):
            raise InputError(f"{what}: expected at least one input and one readout, found none")
        if len(set(readouts)) < len(readouts):
            raise InputError(f"{what}: readouts: expected different nodes, found one twice")
        names = tuple(self.input_names) or tuple(nodes[starts[0]] for starts in inputs)
        if len(names) != len(inputs) or len(set(names)) < len(names):
            raise InputError(f"{what}: input_names: expected {len(inputs)} different names, found {names!r:.60}")
        ends, signs = np.divmod(_distinct((sources * len(nodes) + targets) * 3 + signs + 1), 3)
        sources, targets = np.divmod(ends, max(len(nodes), 1))
        parts = {"sources": sources, "targets": targets, "signs": (signs - 1).astype(np.int8)}
        for part, column in parts.items():
            column = np.ascontiguousarray(column)
            column.flags.writeable = False
            object.__setattr__(self, part, column)
        object.__setattr__(self, "inputs", inputs)
        object.__setattr__(self, "readouts", readouts)
        object.__setattr__(self, "input_names", names)

    def __repr__(self):
        either = f", {self.n_either:,} of either sign" if self.n_either else ""
        return (
            f"<SignedGraph {self.name!r}: {self.n_nodes:,} nodes, {self.n_edges:,} edges ({self.n_positive:,} +, "
            f"{self.n_negative:,} -{either}), {len(self.inputs):,} inputs, {len(self.readouts):,} readouts>"
        )

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return len(self.nodes)

    @property
    def n_edges(self) -> int:
        """Number of edges; synapses from one neuron to another with one sign are one edge."""
        return len(self.signs)

    @property
    def n_positive(self) -> int:
        """Number of excitatory edges."""
        return int((self.signs == 1).sum())

    @property
    def n_negative(self) -> int:
        """Number of inhibitory edges."""
        return int((self.signs == -1).sum())

    @property
    def n_either(self) -> int:
        """Number of edges that may have either sign."""
        return int((self.signs == EITHER).sum())

    @property
    def readout_names(self) -> tuple[str, ...]:
        """Names of the readouts."""
        return tuple(self.nodes[v] for v in self.readouts)

    def input(self, name: str | int) -> int:
        """The number of an input, by its name or number."""
        return _place(name, self.input_names, f"{self.name}: input")

    def readout(self, name: str | int) -> int:
        """The place of a readout among the readouts, by its name or number."""
        return _place(name, self.readout_names, f"{self.name}: readout")

    @cached_property
    def cover(self) -> sparse.csr_array:
        """The double cover: node v is 2v and, reached with the opposite sign, 2v + 1; entry [a, b] is an arc a -> b.

        An edge of sign 1 leads from either copy of its source to the same copy of its target, one of sign -1 to the
        other copy, and one of either sign to both. So a walk of sign s from u to v is one from 2u to 2v if s = 1, and
        to 2v + 1 if s = -1 (Zaslavsky, Discrete Appl. Math. 4:47, 1982).
        """
        rows, columns = self.arcs
        n = 2 * self.n_nodes
        made = sparse.coo_array((np.ones(len(rows), dtype=bool), (rows, columns)), shape=(n, n)).tocsr()
        made.sort_indices()
        return made

    @cached_property
    def cover_backwards(self) -> sparse.csr_array:
        """The double cover with all arcs turned round."""
        made = sparse.csr_array(self.cover.T)
        made.sort_indices()
        return made

    @property
    def arcs(self) -> tuple[np.ndarray, np.ndarray]:
        """Arcs of the double cover, from and to, in the order of `arc_edges`."""
        edges, flips, copies = self._arcs
        return 2 * self.sources[edges] + copies, 2 * self.targets[edges] + (copies ^ flips)

    @property
    def arc_edges(self) -> np.ndarray:
        """The edge of each arc of the double cover."""
        return self._arcs[0]

    @property
    def _arcs(self):
        """Edges, whether they change the copy, and the copy that they start from, each once for every arc."""
        keeps, flips = np.flatnonzero(self.signs >= 0), np.flatnonzero(self.signs <= 0)
        edges = np.concatenate([keeps, flips, keeps, flips])
        flip = np.concatenate([np.zeros(len(keeps), int), np.ones(len(flips), int)] * 2)
        copies = np.repeat([0, 1], len(keeps) + len(flips))
        return edges, flip, copies

    @property
    def inhibitory_edges(self) -> np.ndarray:
        """Edges that inhibit, or may."""
        return np.flatnonzero(self.signs <= 0)

    def without(self, edges) -> "SignedGraph":
        """The graph without some edges, given by their numbers."""
        keep = np.ones(self.n_edges, dtype=bool)
        keep[edges] = False
        return replace(self, sources=self.sources[keep], targets=self.targets[keep], signs=self.signs[keep])

    def with_readout(self, place: int) -> "SignedGraph":
        """The graph with one of its readouts alone."""
        return replace(self, readouts=(self.readouts[place],))


def graph_of_circuit(circuit: Circuit) -> SignedGraph:
    """The signed graph of a circuit: a node for each stimulus column and each neuron, an edge for each synapse.

    Gap junctions are edges in both directions: excitatory between rate units, and of either sign between spiking
    neurons, since a neuron that fires more is reset more often and lowers the potential of its neighbours. The readouts
    are the neurons of all readout populations.
    """
    n_neurons = sum(p.size for p in circuit.populations)
    memory.check(f"circuit {circuit.name!r}", _BYTES_OF_NODE * float(n_neurons), f"{n_neurons:,} neurons")
    first, names, at = {}, [], 0
    parts = (*circuit.inputs, *circuit.populations)
    used = Counter(name for part in parts for name in _names_of(part, Counter()))
    for part in parts:
        first[part.name] = at
        names += _names_of(part, used)
        at += part.size
    edges = [(np.empty(0, int), np.empty(0, int), 1)]

    def add(source, target, matrix, sign):
        entries = sparse.coo_array(matrix)
        rows, columns = (np.asarray(each, dtype=np.int64) for each in entries.coords)
        edges.append((first[source] + rows, first[target] + columns, sign))

    for projection in circuit.projections:
        if circuit.has_synapses(projection):
            add(projection.source, projection.target, circuit.weights(projection), circuit.sign(projection))
    for population in circuit.populations:
        for source, matrix in circuit.junctions(population):
            add(source, population.name, matrix, 1 if circuit.kind == "rate" else EITHER)
    _check_edges(circuit.name, sum(len(rows) for rows, _, _ in edges))
    read = dict.fromkeys(first[r.population] + k for r in circuit.readouts for k in range(_size(circuit, r)))
    if not read:
        raise InputError(f"circuit {circuit.name!r}: readouts: expected at least one, found none")
    return SignedGraph(
        circuit.name,
        _told_apart(names),
        np.concatenate([rows for rows, _, _ in edges]),
        np.concatenate([columns for _, columns, _ in edges]),
        np.concatenate([np.full(len(rows), sign) for rows, _, sign in edges]),
        tuple((k,) for k in range(circuit.n_inputs)),
        tuple(read),
        external=circuit.n_inputs,
    )


def graph_of_connectome(
    connectome: "Connectome",
    inputs: str | Iterable,
    readouts: str | Iterable,
    unknown: str = "both",
    mixed: str = "both",
) -> SignedGraph:
    """The signed graph of a connectome; synapses of one sign from a neuron to another are one edge.

    Every neuron that an entry of `inputs` names, as for `Connectome.find`, is an input: walks begin at it. An entry
    that is a list is one input, which drives all its neurons. Gap junctions are excitatory edges in both directions.
    `unknown` and `mixed` say what synapses of unknown sign, and of either, are taken for: ``"both"``, ``"excitatory"``,
    ``"inhibitory"`` or ``"omitted"``.
    """
    parts = [("excitatory", 1), ("inhibitory", -1), ("gap_junctions", 1)]
    for part, given in (("unknown", unknown), ("mixed", mixed)):
        if not isinstance(given, str) or given not in TAKEN_FOR:
            wanted = f"one of {', '.join(TAKEN_FOR)}"
            raise InputError(f"certify: {part}: expected {wanted}, found {given!r:.60}{did_you_mean(given, TAKEN_FOR)}")
        if TAKEN_FOR[given] is not None:
            parts.append((part, TAKEN_FOR[given]))
    _check_edges(connectome.name, sum(getattr(connectome, part).nnz for part, _ in parts))
    entries = [(sparse.coo_array(getattr(connectome, part)), sign) for part, sign in parts]
    starts = _inputs(connectome, inputs)
    return SignedGraph(
        connectome.name,
        connectome.neurons,
        np.concatenate([matrix.coords[0] for matrix, _ in entries]).astype(np.int64),
        np.concatenate([matrix.coords[1] for matrix, _ in entries]).astype(np.int64),
        np.concatenate([np.full(matrix.nnz, sign) for matrix, sign in entries]),
        tuple(starts.values()),
        tuple(int(v) for v in connectome.find(readouts)),
        tuple(starts),
    )


def _inputs(connectome, given) -> dict[str, tuple[int, ...]]:
    """Nodes of each input by its name."""
    if isinstance(given, (str, int, np.integer)):
        given = [given]
    if not isinstance(given, Iterable):
        raise InputError(f"certify: inputs: expected neurons, classes or transmitters, found {given!r:.60}")
    found: dict[str, tuple[int, ...]] = {}
    for entry in given:
        is_one = isinstance(entry, (str, int, np.integer)) or not isinstance(entry, Iterable)
        entry = entry if is_one else list(entry)
        places = tuple(int(v) for v in connectome.find(entry))
        if not is_one and not places:
            raise InputError("certify: inputs: expected neurons in each list, found an empty list")
        each = {connectome.neurons[v]: (v,) for v in places} if is_one else {", ".join(map(str, entry)): places}
        for name, nodes in each.items():
            if found.setdefault(name, nodes) != nodes:
                raise InputError(f"certify: inputs: expected inputs of different names, found two {name!r:.60}")
    return found


def _names_of(part, used) -> Sequence[str]:
    """Names of the afferents of an input, or of the neurons of a population: with that where it is used twice."""
    if isinstance(part, Population) and part.labels:
        return [f"{label} ({part.name})" if used[label] > 1 else label for label in part.labels]
    return [part.name] if part.size == 1 else [f"{part.name}[{k}]" for k in range(part.size)]


def _told_apart(names: Sequence[str]) -> tuple[str, ...]:
    """Names of which those that are still used twice have a number behind them."""
    found: dict[str, None] = {}
    taken = set(names)
    for name in names:
        numbered = (f"{name} {k}" for k in count(2))
        found[name if name not in found else next(each for each in numbered if each not in taken | found.keys())] = None
    return tuple(found)


def _size(circuit, readout):
    return circuit.population(readout.population).size


def _check_edges(name, n):
    memory.check(f"certify: {name}", float(_BYTES_OF_EDGE) * n, f"{n:,} edges")


def _distinct(numbers: np.ndarray) -> np.ndarray:
    """Numbers once each, sorted; for millions of them much faster than `numpy.unique`, which hashes."""
    numbers = np.sort(numbers)
    return numbers[np.concatenate([[True], numbers[1:] != numbers[:-1]])] if len(numbers) else numbers


def _whole(given, what) -> np.ndarray:
    array = np.asarray(given)
    if array.ndim != 1 or (array.size and not np.issubdtype(array.dtype, np.integer)):
        raise InputError(f"{what}: expected whole numbers in a row, found {given!r:.60}")
    return array.astype(np.int64)


def _place(given, names, what) -> int:
    """The place of a name or a number among names."""
    if isinstance(given, (int, np.integer)) and not isinstance(given, bool):
        if not 0 <= given < len(names):
            raise InputError(f"{what}: expected a number from 0 to {len(names) - 1}, found {given}")
        return int(given)
    if given not in names:
        shown = ", ".join(names[:6]) + (", ..." if len(names) > 6 else "")
        raise InputError(f"{what}: expected one of {shown}, found {given!r:.60}{did_you_mean(given, names)}")
    return names.index(given)
