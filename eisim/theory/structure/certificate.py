"""The structural certificate: for each input and readout the sign that the wiring alone proves (T10)."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from eisim.base import memory
from eisim.base.display import plotted, tabulated
from eisim.base.errors import InputError
from eisim.base.progress import Report, silent
from eisim.base.values import Shown, revised
from eisim.circuit import Circuit, Readout
from eisim.theory.assumptions import unshown, violated
from eisim.theory.structure.balance import Balance, Frustration, balance, frustration
from eisim.theory.structure.carriers import carried, sole_carriers
from eisim.theory.structure.cut import SignCut, is_feed_forward, sign_cut
from eisim.theory.structure.graph import SignedGraph, graph_of_circuit, graph_of_connectome
from eisim.theory.structure.silencing import LIMIT, NEURONS, SYNAPSES, Silencing, least_silencing
from eisim.theory.structure.walks import Walk, descend, distances, shortest, shortest_walk

if TYPE_CHECKING:
    from eisim.connectome import Connectome

RISES, FALLS, BLIND, MIXED = WORDS = ("rises", "falls", "none", "mixed")
#: The word for whether there are walks of sign 1, and of sign -1.
_WORD = np.array([[BLIND, FALLS], [RISES, MIXED]], dtype=object)
#: Walks are listed for up to this number of pairs.
MOST_PAIRS = 20_000
#: Details of readouts are shown for up to this number of readouts, and of edges.
MOST_READOUTS, MOST_EDGES = 200, 10_000
#: Whether a circuit is monotone is examined for up to this number of neurons.
MOST_NEURONS = 20_000
#: Seconds that each program of these details may take, and all together before they have next to none.
LIMIT_OF_DETAILS, LIMIT_OF_ALL, LEAST_LIMIT = 20.0, 120.0, 0.5
#: Bytes that a pair takes with its word.
_BYTES_OF_PAIR = 80


@dataclass(frozen=True)
class Carriers:
    """Who carries the inhibitory walks from an input to a readout.

    Attributes
    ----------
    neurons : tuple of str
        Inhibitory neurons on these walks, and those that may inhibit.
    connections : tuple of (str, str)
        Inhibitory connections on these walks, source and target; all others are irrelevant for them.
    sole : tuple of str
        Neurons each of which is on all these walks: without its inhibition there are none.
    """

    neurons: tuple[str, ...]
    connections: tuple[tuple[str, str], ...]
    sole: tuple[str, ...]


@dataclass(frozen=True)
class ReadoutDetail:
    """What makes a readout rise with all inputs, and how often it can fall.

    Attributes
    ----------
    readout : str
    falls, mixed : tuple of str
        Inputs with which it falls, and those that are mixed.
    synapses, neurons : Silencing
        The least inhibition without which it rises with all inputs.
    cut : SignCut or None
        The least sign cut of a readout to which no walk passes through a neuron twice.
    """

    readout: str
    falls: tuple[str, ...]
    mixed: tuple[str, ...]
    synapses: Silencing
    neurons: Silencing
    cut: SignCut | None


@dataclass(frozen=True, eq=False, repr=False)
class StructuralCertificate(Shown):
    """What the signed wiring of a circuit or connectome proves, with no function and no weights known.

    A readout *rises* with an input if all walks between them are excitatory, which is to say that they have an even
    number of inhibitory synapses: its rate at every time is then a non-decreasing function of the input's time course,
    for any weights. It *falls* if all are inhibitory. ``"none"``: it does not depend on the input. ``"mixed"``: there
    are walks of both signs, or an edge that may have either, and nothing is proved; so all are of which there is a walk
    if the circuit breaks an assumption.

    Attributes
    ----------
    graph : SignedGraph
    shortest : array of int, shape (inputs, readouts, 2)
        Number of synapses on the shortest excitatory and on the shortest inhibitory walk; -1: there is none.
    broken : tuple of str
        Assumptions that the circuit breaks: of pairs with a walk nothing is then proved.
    notes : tuple of str
        Assumptions that are not checked, and what of a connectome is left out or taken for granted.
    """

    graph: SignedGraph
    shortest: np.ndarray
    broken: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    _solved: dict = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self):
        wanted = (len(self.graph.inputs), len(self.graph.readouts), 2)
        if np.shape(self.shortest) != wanted or self.shortest.dtype.kind not in "iu":
            raise InputError(f"shortest: expected whole numbers of shape {wanted}, found {self.shortest!r:.60}")
        self.shortest.flags.writeable = False

    def __repr__(self):
        found = ", ".join(f"{n:,} {word}" for word, n in self.counts().items() if n)
        return f"<StructuralCertificate of {self.graph.name!r}: {found}>"

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the inputs."""
        return self.graph.input_names

    @property
    def readouts(self) -> tuple[str, ...]:
        """Names of the readouts."""
        return self.graph.readout_names

    def words(self, depth: int | None = None) -> np.ndarray:
        """``"rises"``, ``"falls"``, ``"none"`` or ``"mixed"`` for each pair, shape (inputs, readouts).

        With a depth k, walks of at most k synapses count. That is a theorem about early responses: where each
        synapse takes a time step, or at least a delay d, of the first k steps, or of times before (k + 1) d.
        """
        words = words_of(self.shortest, depth)
        return np.where(words == BLIND, BLIND, MIXED).astype(object) if self.broken else words

    def word(self, source: str | int, readout: str | int, depth: int | None = None) -> str:
        """The word of one pair of input and readout, by names or numbers."""
        return self.words(depth)[self.graph.input(source), self.graph.readout(readout)]

    def counts(self, depth: int | None = None) -> dict[str, int]:
        """Number of pairs of each word."""
        words = self.words(depth)
        return {word: int((words == word).sum()) for word in WORDS}

    def signs(self, readout: str | int = 0, depth: int | None = None) -> dict[str, str]:
        """The word of each input for a readout, by the names of the inputs, as `certify` takes them as ``signs``."""
        column = self.words(depth)[:, self.graph.readout(readout)]
        return dict(zip(self.inputs, column.tolist(), strict=True))

    def walk(self, source: str | int, readout: str | int, sign: int) -> Walk | None:
        """The shortest walk of a sign, 1 or -1, for an input and a readout; ``None``: none."""
        if sign not in (1, -1):
            raise InputError(f"walk: sign: expected 1 or -1, found {sign!r:.60}")
        return shortest_walk(self.graph, self.graph.input(source), self.graph.readout(readout), int(sign))

    @cached_property
    def walks(self) -> dict[tuple[int, int, int], Walk]:
        """The shortest walks of all pairs, by input, readout and sign; empty for more than 20,000 pairs."""
        found: dict[tuple[int, int, int], Walk] = {}
        if self.shortest[..., 0].size > MOST_PAIRS:
            return found
        everywhere = np.arange(2 * self.graph.n_nodes)
        for j, v in enumerate(self.graph.readouts):
            left = distances(self.graph.cover_backwards, [[2 * v]], everywhere)[0]
            for i in range(len(self.inputs)):
                for sign in (1, -1):
                    if (walk := descend(self.graph, left, i, sign)) is not None:
                        found[i, j, sign] = walk
        return found

    @property
    def mixed_from(self) -> np.ndarray:
        """Least number of synapses within which each pair is mixed, shape (inputs, readouts); -1: it never is."""
        return mixed_within(self.shortest)

    @property
    def deepest(self) -> int:
        """Number of synapses beyond which no word changes."""
        return int(self.shortest.max(initial=0))

    @property
    def is_monotone(self) -> bool:
        """Whether it is proved that every readout rises with all inputs on which it depends."""
        return not self.broken and not (self.shortest[..., 1] >= 0).any()

    def carriers(self, source: str | int, readout: str | int) -> Carriers:
        """Who carries the inhibitory walks from an input to a readout."""
        graph, i, j = self.graph, self.graph.input(source), self.graph.readout(readout)
        _, along = carried(graph, [i], [j], -1)
        edges = np.flatnonzero(along & (graph.signs <= 0))
        ends = zip(graph.sources[edges].tolist(), graph.targets[edges].tolist(), strict=True)
        return Carriers(
            tuple(graph.nodes[v] for v in np.unique(graph.sources[edges])),
            tuple((graph.nodes[u], graph.nodes[v]) for u, v in ends),
            tuple(graph.nodes[v] for v in sole_carriers(graph, i, j)),
        )

    def silencing(
        self,
        source: str | int | None = None,
        readout: str | int = 0,
        what: str = SYNAPSES,
        limit: float = LIMIT,
    ) -> Silencing:
        """The least inhibition without which no inhibitory walk leads from an input, or from any, to a readout.

        Parameters
        ----------
        source : str or int, optional
            An input; all inputs by default, so that the readout then rises with every input that it hears.
        readout : str or int
        what : {"synapses", "neurons"}
            Whether connections are silenced one by one, or all inhibitory output of a neuron.
        limit : float
            Seconds after which the search for the least is given up; what is found is enough, with its bound.

        Returns
        -------
        Silencing
        """
        at = range(len(self.inputs)) if source is None else [self.graph.input(source)]
        return least_silencing(self.graph, at, [self.graph.readout(readout)], what, limit)

    def cut(self, readout: str | int = 0, limit: float = LIMIT) -> SignCut | None:
        """The least sign cut of a readout: neurons that bound how often it falls (T10).

        ``None`` if inputs from outside inhibit on the way to it.
        """
        return sign_cut(self.graph, self.graph.readout(readout), limit)

    def balance(self, readout: str | int = 0) -> Balance:
        """Whether the nodes between all inputs and a readout are balanced, and which to flip."""
        return balance(self.graph, self.graph.readout(readout))

    def frustration(
        self, readout: str | int | None = None, limit: float = LIMIT, report: Report | None = None
    ) -> Frustration:
        """The frustration index of the graph, or of the nodes between all inputs and a readout, with its bounds."""
        place = None if readout is None else self.graph.readout(readout)
        if (place, limit) not in self._solved:
            self._solved[place, limit] = frustration(self.graph, place, limit, report or silent)
        return self._solved[place, limit]

    @property
    def is_small(self) -> bool:
        """Whether details are shown: of up to 200 readouts and 10,000 connections."""
        return len(self.readouts) <= MOST_READOUTS and self.graph.n_edges <= MOST_EDGES

    def details(self, report: Report | None = None) -> tuple[ReadoutDetail, ...]:
        """For each readout what makes it rise with all inputs, and how often it can fall; computed once."""
        if "details" not in self._solved:
            words, found, end = self.words(), [], time.monotonic() + LIMIT_OF_ALL
            for j, name in enumerate(self.readouts):
                (report or silent)("silencing inhibition", j / len(self.readouts))
                by_word = {w: tuple(self.inputs[i] for i in np.flatnonzero(words[:, j] == w)) for w in WORDS}
                limit = min(LIMIT_OF_DETAILS, max(end - time.monotonic(), LEAST_LIMIT))
                synapses, neurons = (self.silencing(None, j, what, limit) for what in (SYNAPSES, NEURONS))
                cut = sign_cut(self.graph, j, limit) if is_feed_forward(self.graph, j) else None
                found.append(ReadoutDetail(name, by_word[FALLS], by_word[MIXED], synapses, neurons, cut))
            self._solved["details"] = tuple(found)
            self.frustration(None, LIMIT_OF_DETAILS, report)
        return self._solved["details"]

    def to_dict(self) -> dict:
        """The certificate as plain values, as ``certify --json`` prints it."""
        graph, words, mixed = self.graph, self.words(), self.mixed_from
        pairs = []
        for (i, j), word in np.ndenumerate(words if words.size <= MOST_PAIRS else words[:0]):
            by_sign = {name: (int(self.shortest[i, j, k]), self.walks.get((i, j, 1 - 2 * k))) for k, name in _NAMES}
            pairs.append(
                {
                    "input": self.inputs[i],
                    "readout": self.readouts[j],
                    "sign": word,
                    "mixed_from": None if mixed[i, j] < 0 else int(mixed[i, j]),
                    "shortest": {name: None if n < 0 else n for name, (n, _) in by_sign.items()},
                    "walk": {name: walk and list(walk.nodes) for name, (_, walk) in by_sign.items()},
                }
            )
        return {
            "wiring": graph.name,
            "nodes": graph.n_nodes,
            "edges": {"excitatory": graph.n_positive, "inhibitory": graph.n_negative, "either": graph.n_either},
            "inputs": list(self.inputs),
            "readouts": list(self.readouts),
            "counts": self.counts(),
            "by_depth": [{"synapses": k} | self.counts(k) for k in range(self.deepest + 1)],
            "monotone": self.is_monotone,
            "pairs": pairs if words.size <= MOST_PAIRS else None,
            "frustration": _frustration(self.frustration(None, LIMIT_OF_DETAILS)) if self.is_small else None,
            "details": [_plain(each) for each in self.details()] if self.is_small else None,
            "broken": list(self.broken),
            "notes": list(self.notes),
        }

    plot = plotted("Draw the matrix of inputs × readouts by sign.")
    to_dataframe = tabulated(
        "The pairs as a pandas DataFrame: input, readout, sign, lengths of the shortest walks, and these walks."
    )


def words_of(shortest: np.ndarray, depth: int | None = None) -> np.ndarray:
    """The words of pairs by the lengths of their shortest walks of sign 1 and -1, the last axis."""
    there = shortest >= 0
    if depth is not None:
        there &= shortest <= _depth(depth)
    return _WORD[there[..., 0].astype(int), there[..., 1].astype(int)]


def mixed_within(shortest: np.ndarray) -> np.ndarray:
    """Least number of synapses within which pairs with these shortest walks are mixed; -1: they never are."""
    return np.where((shortest >= 0).all(axis=-1), shortest.max(axis=-1), -1)


def _plain(detail: ReadoutDetail) -> dict:
    """A detail as plain values."""
    least = {
        each.what: {"number": len(each.silenced), "at_least": each.least, "set": [*map(_listed, each.silenced)]}
        for each in (detail.synapses, detail.neurons)
    }
    cut = detail.cut
    return {
        "readout": detail.readout,
        "falls": list(detail.falls),
        "mixed": list(detail.mixed),
        "least_silencing": least,
        "sign_cut": cut
        and {"number": len(cut.neurons), "at_least": cut.least, "set": [*cut.neurons], "most_falls": cut.most_falls},
    }


def _frustration(found: Frustration) -> dict:
    """The frustration index as plain values."""
    found_of = {"index": found.index, "at_least": found.least, "relaxation": found.relaxation}
    return found_of | {"left_out": found.left_out, "at_most": found.most}


def _listed(name):
    return name if isinstance(name, str) else list(name)


_NAMES = ((0, "excitatory"), (1, "inhibitory"))


def certify_structure(
    wiring: "Circuit | Connectome | SignedGraph",
    inputs: str | Iterable | None = None,
    readouts: str | Iterable | None = None,
    unknown: str = "both",
    mixed: str = "both",
    report: Report = silent,
) -> StructuralCertificate:
    """The structural certificate of a circuit, a connectome or a signed graph, as `certify` gives it."""
    broken: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    if not isinstance(wiring, (Circuit, SignedGraph)):
        if inputs is None or readouts is None:
            lacking = "inputs" if inputs is None else "readouts"
            raise InputError(f"certify: {lacking}: expected neurons, classes or transmitters, found none")
        report("reading the wiring")
        graph = graph_of_connectome(wiring, inputs, readouts, unknown, mixed)
        notes = tuple(_left_out(wiring, graph, {"unknown": unknown, "mixed": mixed}))
    else:
        if given := [name for name, value in (("inputs", inputs), ("readouts", readouts)) if value is not None]:
            raise InputError(f"certify: {given[0]}: expected with a Connectome only; a circuit says which it has")
        if {unknown, mixed} != {"both"}:
            name = "mixed" if unknown == "both" else "unknown"
            raise InputError(f"certify: {name}: expected with a Connectome only")
        graph = wiring if isinstance(wiring, SignedGraph) else graph_of_circuit(wiring)
        if isinstance(wiring, Circuit):
            broken = tuple(f"Nothing is proved: {each}." for each in violated(wiring))
            notes = tuple(f"Assumed, not shown: {each}." for each in unshown(wiring))
    pairs = len(graph.inputs) * len(graph.readouts)
    memory.check(f"certify: {graph.name}", _BYTES_OF_PAIR * float(pairs), f"{pairs:,} pairs of input and readout")
    report("searching for walks")
    return StructuralCertificate(graph, shortest(graph), broken, notes)


def is_monotone(circuit: Circuit, everywhere: bool = False, output: int | None = None) -> bool:
    """Whether the wiring proves that outputs rise with every input that they hear: one, all of them, or all neurons.

    Of circuits of more than 20,000 neurons it is not examined.
    """
    if sum(p.size for p in circuit.populations) > MOST_NEURONS or any(violated(circuit)):
        return False
    if everywhere:
        circuit = revised(circuit, readouts=tuple(Readout(p.name) for p in circuit.populations))
    if not circuit.readouts:
        return False
    graph = graph_of_circuit(circuit)
    if everywhere:
        graph = replace(graph, readouts=tuple(range(graph.external, graph.n_nodes)))
    elif output is not None:
        graph = graph.with_readout(output)
    return not (shortest(graph)[..., 1] >= 0).any()


def _left_out(connectome, graph, taken) -> Iterable[str]:
    """What of a connectome is left out or taken for granted."""
    for part, way in taken.items():
        n = getattr(connectome, part).nnz
        what = {"unknown": "of unknown sign", "mixed": "of either sign"}[part]
        if n:
            yield f"Connections {what}: {n:,}, {'omitted' if way == 'omitted' else f'taken for {way}'}."
    loops = int(((graph.sources == graph.targets) & (graph.signs <= 0)).sum())
    if loops:
        yield f"Neurons that inhibit themselves, or may: {loops:,}. Without delays these synapses would not count."
    if pairs := connectome.gap_junctions.nnz // 2:
        yield f"Pairs of neurons with gap junctions: {pairs:,}, excitatory both ways, without a delay."


def _depth(depth) -> int:
    if isinstance(depth, bool) or not isinstance(depth, (int, np.integer)) or depth < 0:
        raise InputError(f"depth: expected a number of synapses, 0 or more, found {depth!r:.60}")
    return int(depth)
