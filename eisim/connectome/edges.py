"""Edges of a connectome as they are read, part by part, and the connectome that they make."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy import sparse

from eisim.base import memory
from eisim.base.errors import InputError
from eisim.connectome.connectome import Connectome
from eisim.connectome.signs import BLANK, EXCITES, INHIBITS, MIXED, UNKNOWN, sign_of

#: Neurons beyond this number, and longer names, are refused.
MOST_NEURONS, LONGEST_NAME = 10_000_000, 1000
#: Connections beyond this number are refused.
MOST_EDGES = 500_000_000
#: No sign column said a sign, and the row is a gap junction.
BY_TRANSMITTER, ELECTRICAL = 8, 9
#: Bytes that a connection takes while signs are found and duplicates are summed.
_BYTES_OF_EDGE = 80
_PARTS = {EXCITES: "excitatory", INHIBITS: "inhibitory", MIXED: "mixed", UNKNOWN: "unknown"}


@dataclass
class Nodes:
    """Neurons as a table lists them: names, classes, transmitters and codes of signs (``None`` where none is given).

    `found` is what the table has columns for, and `guess` the column that is taken for that of the names.
    """

    names: list[str] = field(default_factory=list)
    classes: list[str] = field(default_factory=list)
    transmitters: list[str] = field(default_factory=list)
    signs: list[int | None] = field(default_factory=list)
    found: frozenset[str] = frozenset()
    guess: str = ""

    def add(self, name: str, kind: str = "", transmitter: str = "", sign: int | None = None) -> None:
        """Append one neuron."""
        self.names.append(name)
        self.classes.append(kind)
        self.transmitters.append(transmitter)
        self.signs.append(sign)


class Edges:
    """Collects the edges of one file; `where` names it in errors."""

    def __init__(self, where: str):
        self.where = where
        self.numbers: dict[str, int] = {}  # of neurons, by name
        self.listed = 0  # how many of them a table of neurons has
        self.transmitters: dict[str, int] = {}
        self.notes: list[str] = []
        self.kinds: set[str] = set()  # what the column of kinds holds, in lower case
        self._parts: list[tuple[np.ndarray, ...]] = []
        self._n = 0

    def known(self, neurons: Nodes) -> None:
        """Number the neurons of a table before those that edges name."""
        for name in neurons.names:
            self.number(name)
        self.listed = len(self.numbers)

    def number(self, name: str, where: str | None = None) -> int:
        """The number of a neuron, a new one for a name that was not there."""
        if name not in self.numbers:
            if not name or len(name) > LONGEST_NAME:
                found = "an empty cell" if not name else f"one of {len(name):,} characters"
                raise InputError(f"{where or self.where}: expected the name of a neuron, found {found}")
            if len(self.numbers) >= MOST_NEURONS:
                raise InputError(f"{self.where}: expected at most {MOST_NEURONS:,} neurons, found more")
            self.numbers[name] = len(self.numbers)
        return self.numbers[name]

    def add(self, sources, targets, counts, codes, transmitters=None) -> None:
        """Append edges: numbers of neurons, counts, codes of signs, and transmitters by their numbers, -1 for none."""
        n = len(sources)
        self._n += n
        if self._n > MOST_EDGES:
            raise InputError(f"{self.where}: expected at most {MOST_EDGES:,} connections, found more")
        memory.check(self.where, float(_BYTES_OF_EDGE) * self._n, f"{self._n:,} connections")
        others = np.full(n, -1) if transmitters is None else transmitters
        kinds = (np.int32, np.int32, float, np.int8, np.int32)
        parts = (sources, targets, counts, codes, others)
        self._parts.append(tuple(np.asarray(part).astype(kind) for part, kind in zip(parts, kinds, strict=True)))

    def connectome(
        self, name: str, neurons: Nodes, signs: Mapping[str, int], report: Callable[..., None]
    ) -> Connectome:
        """The connectome of all edges, with these signs of transmitters."""
        if not self.numbers:
            raise InputError(f"{self.where}: expected at least one neuron, found none")
        report("counting synapses")
        n, names = len(self.numbers), tuple(self.numbers)
        if neurons.guess in names[self.listed :]:
            found = f"the neuron {neurons.guess!r:.60} there"
            raise InputError(f"{self.where}: nodes: expected a table whose first line has column names, found {found}")
        if self.listed and n > self.listed:
            shown = ", ".join(names[self.listed : self.listed + 3])
            self.notes.append(f"Neurons that the table of neurons does not have: {n - self.listed} ({shown:.100}).")
        columns = [np.concatenate(each) for each in zip(*self._parts, strict=True)] if self._parts else _nothing()
        self._parts = []
        sources, targets, counts, codes, by = columns
        if not np.isfinite(total := counts.sum()) or total > 2.0**53:
            raise InputError(f"{self.where}: expected at most {2**53:,} synapses, found more")
        electrical = codes == ELECTRICAL
        known = list(self.transmitters)
        of_neurons = _of_neurons(neurons, sources, by, electrical, known, n)
        codes = self._signs(codes, sources, by, counts, known, of_neurons, neurons, signs)
        matrices, repeated = {}, 0
        for code, part in {**_PARTS, ELECTRICAL: "gap_junctions"}.items():
            chosen = np.flatnonzero((codes == code) & (counts > 0))
            places = sources[chosen], targets[chosen]
            matrix = sparse.coo_array((counts[chosen], places), shape=(n, n)).tocsr()
            repeated += len(chosen) - matrix.nnz
            matrices[part] = matrix
        matrices["gap_junctions"] = self._junctions(matrices["gap_junctions"])
        self._count_rows(counts, matrices, repeated)
        kinds = [*neurons.classes, *[""] * (n - len(neurons.classes))]
        return Connectome(name, names, tuple(kinds), tuple(of_neurons), **matrices, notes=tuple(self.notes))

    def _signs(self, codes, sources, by, counts, known, of_neurons, neurons, signs):
        """Codes of signs, with those that the transmitters and neurons decide."""
        given = np.array([BY_TRANSMITTER if s is None else s for s in neurons.signs], dtype=np.int8)
        given = np.concatenate([given, np.full(len(of_neurons) - len(given), BY_TRANSMITTER, np.int8)])
        of_transmitter = np.array([sign_of(text, signs) for text in known] + [BY_TRANSMITTER], dtype=np.int8)
        of_source = np.array([sign_of(text, signs) for text in of_neurons], dtype=np.int8)
        blank = codes == BLANK
        codes = np.where(blank, BY_TRANSMITTER, codes)
        open_ = codes == BY_TRANSMITTER
        for table in (given[sources], of_transmitter[by], of_source[sources]):
            codes = np.where(codes == BY_TRANSMITTER, table, codes)
        if filled := int((blank & (codes != UNKNOWN)).sum()):
            self.notes.append(f"Rows without a sign that have that of their source or transmitter: {filled}.")
        undecided = np.flatnonzero(open_ & (codes == UNKNOWN))
        self._name_unsigned(sources[undecided], by[undecided], counts[undecided], known, of_neurons)
        return codes

    def _name_unsigned(self, sources, by, counts, known, of_neurons):
        """Note which transmitters have no sign in the table, with their synapses."""
        unsigned: Counter[str] = Counter()
        own = by >= 0
        for chosen, numbers, texts in ((own, by, known), (~own, sources, of_neurons)):
            for number, total in enumerate(np.bincount(numbers[chosen], counts[chosen])):
                unsigned[texts[number] if total else ""] += float(total)
        unsigned.pop("", None)
        if unsigned:
            listed = ", ".join(f"{text:.40} ({number:g})" for text, number in unsigned.most_common(5))
            more = f" and {len(unsigned) - 5} more" if len(unsigned) > 5 else ""
            self.notes.append(f"Synapses of unknown sign, by transmitter: {listed}{more}.")

    def _junctions(self, given):
        """Gap junctions, the larger count where the two directions differ, and none of a neuron with itself."""
        own = given.diagonal()
        given = sparse.csr_array(given - sparse.diags_array(own))
        given.eliminate_zeros()
        if own.any():
            self.notes.append(f"Gap junctions of neurons with themselves are left out: {int((own > 0).sum())}.")
        both = sparse.csr_array(given.maximum(given.T))
        one_way = int((both != given).nnz)
        if one_way:
            self.notes.append(f"Gap junctions that are given in one direction, or with two counts: {one_way}.")
        return both

    def _count_rows(self, counts, matrices, repeated):
        if repeated:
            self.notes.append(f"Rows that repeat a connection are summed: {repeated}.")
        if zero := int((counts == 0).sum()):
            self.notes.append(f"Rows without synapses are left out: {zero}.")
        loops = sum(matrices[part].diagonal().sum() for part in _PARTS.values())
        if loops:
            self.notes.append(f"Synapses of neurons with themselves: {loops:g}.")


def _nothing():
    return [np.empty(0, kind) for kind in (np.int32, np.int32, float, np.int8, np.int32)]


def _of_neurons(neurons: Nodes, sources, by, electrical, known: Sequence[str], n) -> list[str]:
    """Transmitters of neurons: as listed, else those of their synapses."""
    texts = [*neurons.transmitters, *[""] * (n - len(neurons.transmitters))]
    if known:
        sends = np.flatnonzero((by >= 0) & ~electrical)
        pairs = np.unique(sources[sends].astype(np.int64) * len(known) + by[sends])
        found: dict[int, list[str]] = {}
        for neuron, transmitter in zip(*np.divmod(pairs, len(known)), strict=True):
            found.setdefault(int(neuron), []).append(known[transmitter])
        for neuron, each in found.items():
            texts[neuron] = texts[neuron] or "/".join(sorted(each))
    return texts
