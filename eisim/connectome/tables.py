"""Edge lists and lists of neurons in tables."""

import re
from collections.abc import Callable, Sequence

import numpy as np

from eisim.base.errors import InputError, did_you_mean
from eisim.connectome.edges import BY_TRANSMITTER, ELECTRICAL, MOST_NEURONS, Edges, Nodes
from eisim.connectome.signs import BLANK, EXCITES, INHIBITS, code_of, is_electrical, words
from eisim.functions.columns import as_float
from eisim.functions.tables import Parts, read_parts

#: Columns that are looked at for numbers where none is known to hold counts.
_MOST_LOOKED_AT = 50
#: Options that are other settings on the command line.
_SAID = {"count": "count (--set synapses)", "kind": "kind (--set type)"}
#: Names of columns, in lower case with _ between words, in the order in which they are looked for.
_ENDS = (
    *(("source", "target"), ("source", "tar"), ("src", "tar"), ("src", "tgt"), ("src", "dst"), ("pre", "post")),
    *(("presynaptic_id", "postsynaptic_id"), ("pre_root_id", "post_root_id"), ("pre_pt_root_id", "post_pt_root_id")),
    *(("presynaptic_index", "postsynaptic_index"), ("pre_index", "post_index"), ("pre_id", "post_id")),
    *(("presynaptic", "postsynaptic"), ("presynaptic_neuron", "postsynaptic_neuron"), ("from", "to")),
    *(("bodyid_pre", "bodyid_post"), ("body_id_pre", "body_id_post"), ("pre_name", "post_name")),
    *(("pre_cell", "post_cell"), ("cell_1", "cell_2"), ("neuron_1", "neuron_2"), ("neuron1", "neuron2")),
    *(("from_id", "to_id"), ("sender", "receiver"), ("origin", "target"), ("row", "col"), ("i", "j")),
)
#: Counts whose sign is that of the synapses.
_SIGNED = ("excitatory_x_connectivity", "signed_count", "signed_weight", "signed_connectivity")
_USUAL = {
    "count": (
        *("connectivity", "synapses", "count", "counts", "syn_count", "synapse_count", "n_syn", "nsyn", "n_synapses"),
        *("num_synapses", "number_of_synapses", "no_of_synapses", "synapse_number", "syn", "syns", "total_synapses"),
        *("number", "nbr", "contacts", "n_contacts", "num_contacts", "contact_count", "connections", "strength"),
        *("weight", "weights", "edge_weight", "syn_weight", "synaptic_weight", "total_weight", "n", "num"),
    ),
    "sign": ("sign", "signs", "polarity", "pred_pol", "excitatory", "effect"),
    "transmitter": (
        *("transmitter", "neurotransmitter", "transmitters", "nt_type", "nt", "primnt", "top_nt", "nt_pred"),
        *("neurotransmitter_type", "consensus_nt", "known_nt", "synclass"),
    ),
    "kind": ("kind", "type", "synapse_type", "syn_type", "edge_type", "connection_type", "conn_type"),
    "name": ("name", "neuron", "neurons", "neuron_name", "root_id", "pt_root_id", "id", "body_id", "bodyid", "cell"),
    "classes": (
        *("class", "classes", "cell_class", "super_class", "cell_type", "primary_type", "type", "group", "category"),
    ),
}


def read(path, edges: Edges, columns: dict[str, str | None], listed: Nodes | None, report: Callable[..., None]) -> None:
    """Add the edges of a table, of neurons that another table lists or of those that this one names."""
    chosen: dict[str, str] = {}
    has_nodes = listed is not None

    def choose(names):
        chosen.update(choice(names, without_found(columns, names, listed), str(path)))
        return list(chosen.values())

    parts = read_parts(path, choose, report)
    by_number = all(_is_index(chosen[end]) for end in ("source", "target"))
    if by_number and not has_nodes:
        edges.notes.append(f"Neurons are numbered from 0 to the largest number in {chosen['source']!r:.60} and "
                           f"{chosen['target']!r:.60}.")  # fmt: skip
    first = 0
    for cells in parts.rows:
        add_rows(edges, parts, chosen, cells, first, by_number, has_nodes)
        first += len(cells[chosen["source"]])
    check_kinds(edges, chosen, columns)
    if "count" not in chosen and columns["count"] is None:
        others = [name for name in parts.names if name not in chosen.values()][:_MOST_LOOKED_AT]
        cells = next(read_parts(path, lambda _: others, lambda *_: None).rows, {}) if others else {}
        note_counts(edges, [name for name in others if name in cells and is_numeric(cells[name])], chosen)


def note_counts(edges: Edges, numeric: Sequence[str], chosen: dict[str, str]) -> None:
    """Note that each row is taken for one synapse, and which columns of numbers are not used."""
    unused = [name for name in numeric if name not in chosen.values()]
    listed = ", ".join(f"{name:.60}" for name in unused)
    shown = f" Columns with numbers that are not used: {listed:.300}." if unused else ""
    edges.notes.append(f"No column is known to hold numbers of synapses: each row counts as one.{shown}")


def is_numeric(cells: np.ndarray) -> bool:
    """Whether all cells of a column that hold something are numbers, and some are."""
    if cells.dtype.kind in "iuf":
        return len(cells) > 0
    found = [str(cell) for cell in cells if str(cell).strip()]
    return bool(found) and all(as_float(text) is not None for text in found)


def check_kinds(edges: Edges, chosen: dict[str, str], given: dict[str, str | None]) -> None:
    """Refuse a column that is taken for one of kinds by its name, and holds letters that can mean something else."""
    if "kind" not in chosen or given["kind"] is not None:
        return
    held = edges.kinds - {""}
    if held and held <= {"e", "r"}:
        column, found = chosen["kind"], " and ".join(repr(text.upper()) for text in sorted(held))
        raise InputError(
            f"{edges.where}: column {column!r:.60}: expected 'chemical' and 'electrical', found {found} alone, which "
            f"can mean something else: {_named_as(column)}"
        )


def _named_as(column: str) -> str:
    """How a column is taken for kinds, or for signs, or is left out; at the command line, and in Python."""
    name = f"{column:.60}"
    return (
        f"--set sign={name} reads it as signs, --set type={name} as kinds, and --set type=none not at all (in Python "
        f"sign={name!r}, kind={name!r}, kind='')"
    )


def without_found(given: dict[str, str | None], names: Sequence[str], listed: Nodes | None) -> dict[str, str | None]:
    """The columns given, without those that edges lack and neurons have, such as transmitters and signs."""
    found = listed.found if listed else ()
    return {role: "" if role in found and name and name not in names else name for role, name in given.items()}


def choice(names: Sequence[str], given: dict[str, str | None], where: str) -> dict[str, str]:
    """The columns of a table of edges, by what they hold: those given, or with usual names."""
    named = {name for name in given.values() if name}
    usual = {_word(name): name for name in reversed(names) if name not in named}
    found = {}
    for role, name in given.items():
        if name is not None:
            if not isinstance(name, str) or (name and name not in names):
                listed = ", ".join(names[:30])
                raise InputError(
                    f"{where}: {_SAID.get(role, role)}: expected one of its columns ({listed:.300}), found {name!r:.60}"
                    f"{did_you_mean(str(name), names)}"
                )
            found[role] = name
        elif role in _USUAL:
            found[role] = next((usual[word] for word in _USUAL[role] if word in usual), "")
    if found.get("source") and found.get("source") == found.get("target"):
        raise InputError(f"{where}: source and target: expected two columns, found {found['source']!r:.60} for both")
    missing = [end for end in ("source", "target") if end in given and not found.get(end)]
    if missing:
        pair = next(((a, b) for a, b in _ENDS if a in usual and b in usual), None)
        if pair is None:
            listed = ", ".join(names[:30])
            raise InputError(
                f"{where}: expected columns such as 'source' and 'target', or their names as source= and target=, "
                f"found {listed:.300}"
            )
        ends = dict(zip(("source", "target"), (usual[word] for word in pair), strict=True))
        found |= {end: ends[end] for end in missing}
    if "source" in given:
        signed = next((usual[word] for word in _SIGNED if word in usual), "")
        if signed and given["count"] is None and given["sign"] is None and not found["count"]:
            found |= {"count": signed, "sign": signed}
        taken = {found["source"], found["target"]}
        found |= {role: "" for role in found if role in _USUAL and given[role] is None and found[role] in taken}
        if found.get("count") and given["sign"] is None and given["count"] is not None and not found["sign"]:
            found["sign"] = ""
    return {role: name for role, name in found.items() if name}


def add_rows(edges, parts, chosen, cells, first, by_number=False, has_nodes=False) -> None:
    """Add rows of a table, as columns by their names; `first` is the number of rows before them."""
    rows = _Rows(parts, first)
    sources, targets = (cells[chosen[end]] for end in ("source", "target"))
    if sources.dtype == object and targets.dtype == object:
        empty = _is_blank(sources) & _is_blank(targets)
        if empty.any():
            edges.notes = [note for note in edges.notes if not note.startswith(_BLANK)] + [
                f"{_BLANK}{_so_far(edges.notes) + int(empty.sum())}."
            ]
            keep = np.flatnonzero(~empty)
            rows, cells = _Rows(parts, first, keep), {name: column[keep] for name, column in cells.items()}
            sources, targets = (cells[chosen[end]] for end in ("source", "target"))
    ends = [
        _numbers(edges, each, rows, chosen[end], has_nodes) if by_number else _named(edges, each, rows, chosen[end])
        for end, each in (("source", sources), ("target", targets))
    ]
    n = len(sources)
    signed = chosen.get("sign") == chosen.get("count") and "count" in chosen
    codes = np.full(n, BY_TRANSMITTER, np.int8)
    if "sign" in chosen and not signed:
        codes = _codes(cells[chosen["sign"]], rows, chosen["sign"], _is_junction(edges, cells, rows, chosen))
    counts = _counts(cells[chosen["count"]], rows, chosen["count"], signed) if "count" in chosen else np.ones(n)
    if signed:
        codes = np.where(counts < 0, INHIBITS, EXCITES).astype(np.int8)
        counts = np.abs(counts)
    by = _transmitters(edges, cells[chosen["transmitter"]]) if "transmitter" in chosen else None
    if "kind" in chosen:
        electrical = _is_junction(edges, cells, rows, chosen)
        codes = np.where(electrical == 1, ELECTRICAL, codes)
        if (again := electrical < 0).any():
            _count_again(edges, int(again.sum()))
            keep = np.flatnonzero(~again)
            ends, counts, codes = [each[keep] for each in ends], counts[keep], codes[keep]
            by = by if by is None else by[keep]
    edges.add(*ends, counts, codes, by)


_BLANK = "Rows without names are left out: "
_AGAIN = "Rows that list a synapse again, from its target, are left out: "


def _so_far(notes, start=None):
    """The number in the note that begins so."""
    start = start or _BLANK
    return next((int(note[len(start) : -1]) for note in notes if note.startswith(start)), 0)


def _count_again(edges, number):
    total = _so_far(edges.notes, _AGAIN) + number
    edges.notes = [note for note in edges.notes if not note.startswith(_AGAIN)] + [f"{_AGAIN}{total}."]


class _Rows:
    """Names rows in errors."""

    def __init__(self, parts: Parts, first: int, kept: np.ndarray | None = None):
        self.parts, self.first, self.kept = parts, first, kept

    def __call__(self, row: int, column: str) -> str:
        row = self.first + int(row if self.kept is None else self.kept[row])
        line = "" if self.parts.line is None else f" (line {self.parts.line + row})"
        return f"{self.parts.where}: row {row + 1}{line}, column {column!r:.60}"


def _word(name: str) -> str:
    """A name in lower case, with _ between its words."""
    return re.sub(r"[\W_]+", "_", name.strip().casefold()).strip("_")


def _is_index(name: str) -> bool:
    return _word(name).endswith("_index")


def _is_blank(cells) -> np.ndarray:
    return np.array([not str(cell).strip() for cell in cells], dtype=bool)


def _distinct(cells) -> tuple[np.ndarray, list[str]]:
    """Numbers of the distinct texts in a column, and these."""
    import pandas

    codes, unique = pandas.factorize(cells)
    if cells.dtype.kind == "f":
        unique = [int(number) if number.is_integer() else number for number in unique.tolist()]
    return codes, [str(text).strip() for text in (unique.tolist() if isinstance(unique, np.ndarray) else unique)]


def _named(edges, cells, rows, column) -> np.ndarray:
    """Numbers of neurons by name."""
    codes, texts = _distinct(cells)
    if (codes < 0).any():
        raise InputError(f"{rows(np.argmax(codes < 0), column)}: expected the name of a neuron, found nan")
    numbers = np.empty(len(texts), np.int32)
    for k, text in enumerate(texts):
        numbers[k] = edges.number(text, None if text else rows(np.argmax(codes == k), column))
    return numbers[codes]


def _numbers(edges, cells, rows, column, has_nodes) -> np.ndarray:
    """Numbers of neurons that are given as such; without a table of neurons they are their names, too."""
    numbers = _floats(cells, rows, column, "a whole number of a neuron")
    most = edges.listed if has_nodes else MOST_NEURONS
    wrong = (numbers < 0) | (numbers >= most) | (numbers != np.floor(numbers))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise InputError(
            f"{rows(row, column)}: expected a whole number from 0 to {most - 1}, found {numbers[row]:.12g}"
        )
    if not has_nodes and len(numbers):
        for number in range(len(edges.numbers), int(numbers.max()) + 1):
            edges.number(str(number))
    return numbers.astype(np.int32)


def _floats(cells, rows, column, what) -> np.ndarray:
    """A column as finite numbers."""
    try:
        numbers = cells.astype(float)
    except (TypeError, ValueError):
        for row, cell in enumerate(cells):
            try:
                float(cell)
            except (TypeError, ValueError):
                raise InputError(f"{rows(row, column)}: expected {what}, found {str(cell)!r:.60}") from None
        raise
    if not np.isfinite(numbers).all():
        row = int(np.argmin(np.isfinite(numbers)))
        raise InputError(f"{rows(row, column)}: expected {what}, found {str(cells[row])!r:.60}")
    return numbers


def _counts(cells, rows, column, signed) -> np.ndarray:
    numbers = _floats(cells, rows, column, "a number of synapses")
    if not signed and (numbers < 0).any():
        row = int(np.argmax(numbers < 0))
        raise InputError(
            f"{rows(row, column)}: expected 0 synapses or more, found {numbers[row]:g} (signed counts are read by "
            f"naming the column as count and as sign: sign={column!r:.60}, count the same; --set synapses and sign)"
        )
    return numbers


def _codes(cells, rows, column, junctions) -> np.ndarray:
    """Codes of signs; those of gap junctions do not count."""
    numbers, texts = _distinct(cells)
    codes = np.array([code_of(text) for text in texts] + [BLANK], dtype=object)  # the last is that of nan
    if None in codes:
        known = np.array([code is not None for code in codes])
        wrong = ~known[numbers] & (junctions == 0)
        if wrong.any():
            row = int(np.argmax(wrong))
            found = f"found {texts[numbers[row]]!r:.60}"
            raise InputError(f"{rows(row, column)}: expected a sign ({words()}), {found}")
        codes[~known] = 0
    return codes.astype(np.int8)[numbers]


def _is_junction(edges, cells, rows, chosen) -> np.ndarray:
    """1 for each row that is a gap junction, -1 for one that lists a synapse again, from its target."""
    if "kind" not in chosen:
        return np.zeros(len(cells[chosen["source"]]), np.int8)
    column = cells[chosen["kind"]]
    numbers, texts = _distinct(column)
    edges.kinds |= {text.casefold() for text in texts}
    found = np.zeros(len(texts) + 1, np.int8)
    for k, text in enumerate(texts):
        try:
            electrical = is_electrical(text)
        except KeyError:
            row = np.argmax(numbers == k)
            raise InputError(
                f"{rows(row, chosen['kind'])}: expected 'chemical' or 'electrical', found {text!r:.60}: "
                f"{_named_as(chosen['kind'])}"
            ) from None
        found[k] = -1 if electrical is None else electrical
    return found[numbers]


def _transmitters(edges, cells) -> np.ndarray:
    """Numbers of transmitters, -1 for none."""
    numbers, texts = _distinct(cells)
    found = np.array([_transmitter(edges, text) for text in texts] + [-1])
    return found[numbers]


def _transmitter(edges, text):
    return -1 if text.casefold() in NOTHING else edges.transmitters.setdefault(text, len(edges.transmitters))


#: What stands in place of a transmitter or class that is not known, in lower case.
NOTHING = {"", "0", "na", "n/a", "nan", "none", "null", "?", "unknown", "<na>", "-"}


def read_nodes(path, columns: dict[str, str | None], report: Callable[..., None]) -> Nodes:
    """Read a table of neurons."""
    chosen: dict[str, str] = {}
    neurons, first, seen = Nodes(), 0, set()

    def choose(names):
        given = {role: name if name in (None, "") or name in names or role in ("name", "classes") else None
                 for role, name in columns.items()}  # fmt: skip
        chosen.update(choice(names, given, str(path)))
        if "name" not in chosen:
            chosen["name"] = neurons.guess = names[0]
        for role in ("classes", "transmitter", "sign"):
            if given[role] is None and chosen.get(role) == chosen["name"]:
                del chosen[role]
        return list(chosen.values())

    parts = read_parts(path, choose, report)
    neurons.found = frozenset(chosen)
    for cells in parts.rows:
        rows = _Rows(parts, first)
        texts = {role: [str(cell).strip() for cell in cells[name]] for role, name in chosen.items() if role != "sign"}
        codes = _codes(cells[chosen["sign"]], rows, chosen["sign"], np.zeros(1)) if "sign" in chosen else None
        for k, name in enumerate(texts["name"]):
            if not name or name in seen:
                found = f"{name!r:.60} once more" if name else "an empty cell"
                raise InputError(f"{rows(k, chosen['name'])}: expected different names of neurons, found {found}")
            seen.add(name)
            kind, transmitter = (texts[role][k] if role in texts else "" for role in ("classes", "transmitter"))
            kind, transmitter = ("" if text.casefold() in NOTHING else text for text in (kind, transmitter))
            neurons.add(name, kind, transmitter, None if codes is None or codes[k] == BLANK else int(codes[k]))
        first += len(texts["name"])
    return neurons
