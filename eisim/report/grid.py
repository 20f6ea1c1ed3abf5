"""Tables as a page shows them: those of one run, or of several runs joined on their first column."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from eisim.report.findings import Column, PageTable

#: Rows of a table that a page shows; the rest is in the CSV file.
MOST_ROWS = 1000
DIFFERS = Column("difference", "text", note="Where the runs come to different verdicts.")


@dataclass(frozen=True)
class Cell:
    """A cell: its text, what it is sorted by, and ``"kept"``, ``"lost"``, ``"number"`` or ``"text"``."""

    text: str
    sort: str
    look: str


@dataclass(frozen=True)
class Heading:
    """A column, and the run whose it is; empty where all runs agree or there is one."""

    column: Column
    run: str = ""


@dataclass(frozen=True)
class Grid:
    """A table ready to be written out.

    Attributes
    ----------
    title : str
    headings : tuple of Heading
    rows : tuple of tuple of Cell
    left_out : int
        Rows beyond `MOST_ROWS`.
    notes : tuple of str
    data : tuple of (str, str)
        Run and CSV file with the numbers in full.
    """

    title: str
    headings: tuple[Heading, ...]
    rows: tuple[tuple[Cell, ...], ...]
    left_out: int
    notes: tuple[str, ...]
    data: tuple[tuple[str, str], ...]

    @property
    def verdicts(self) -> bool:
        """Whether there are verdicts to filter by."""
        return any(heading.column.kind == "verdict" for heading in self.headings)


def grid(table: PageTable) -> Grid:
    """The table of one run."""
    return _grid(table.title, [Heading(c) for c in table.columns], table.rows, table.notes, (("", table.data),))


def joined(tables: Sequence[PageTable | None], runs: Sequence[str]) -> Grid:
    """The same table of several runs, row by row; None for a run without it.

    The first column tells rows apart. Every other column stands once if all runs agree on it, else once for each run.
    Where there are verdicts, the last column says in words which of them differ.
    """
    here = [(run, table) for run, table in zip(runs, tables, strict=True) if table]
    first = here[0][1]
    rows = [_by_key(table) for _, table in here]
    keys = list(dict.fromkeys(key for found in rows for key in found))
    names = list(dict.fromkeys(_name(column) for _, table in here for column in table.columns[1:]))
    headings, columns = [Heading(first.columns[0])], [[key[0] for key in keys]]
    differing = {key: [] for key in keys}
    for name in names:
        places = [_place(table, name) for _, table in here]
        column = next(t.columns[p] for (_, t), p in zip(here, places, strict=True) if p is not None)
        values = [
            [found[key][place] if key in found and place is not None else None for key in keys]
            for found, place in zip(rows, places, strict=True)
        ]
        if len(here) == len(runs) and all(cells == values[0] for cells in values):
            headings.append(Heading(column))
            columns.append(values[0])
            continue
        for (run, _), cells in zip(here, values, strict=True):
            headings.append(Heading(column, run))
            columns.append(cells)
        if column.kind == "verdict":
            for key, cells in zip(keys, zip(*values, strict=True), strict=True):
                if len({_verdict(cell) for cell in cells}) > 1:
                    said = ", ".join(
                        f"{'not there' if cell is None else cell} in {run}"
                        for (run, _), cell in zip(here, cells, strict=True)
                    )
                    differing[key].append(f"{column.name}: {said}")
    if any(heading.column.kind == "verdict" for heading in headings):
        headings.append(Heading(DIFFERS))
        columns.append(["; ".join(differing[key]) or "none" for key in keys])
    notes = tuple(dict.fromkeys(note for _, table in here for note in table.notes))
    data = tuple((run, table.data) for run, table in here)
    return _grid(first.title, headings, list(zip(*columns, strict=True)), notes, data)


def match(tables: Sequence[Sequence[PageTable]]) -> list[list[PageTable | None]]:
    """Tables of several runs that belong together: those whose first columns have the same name, in turn."""
    found: dict[tuple[str, int], list[PageTable | None]] = {}
    for run, mine in enumerate(tables):
        seen: Counter[str] = Counter()
        for table in mine:
            name = table.columns[0].name
            found.setdefault((name, seen[name]), [None] * len(tables))[run] = table
            seen[name] += 1
    return list(found.values())


def _grid(title, headings, rows, notes, data):
    cells = tuple(
        tuple(_cell(value, heading.column.kind) for value, heading in zip(row, headings, strict=True))
        for row in rows[:MOST_ROWS]
    )
    left_out = max(0, len(rows) - MOST_ROWS)
    return Grid(title, tuple(headings), cells, left_out, tuple(notes), tuple(d for d in data if d[1]))


def _by_key(table):
    """Rows by their first cell, and by its how-manieth row this is."""
    seen, found = Counter(), {}
    for row in table.rows:
        found[row[0], seen[row[0]]] = row
        seen[row[0]] += 1
    return found


def _place(table, name):
    """Number of the column of this name, behind the first; None if there is none."""
    return next((k for k, column in enumerate(table.columns) if k and _name(column) == name), None)


def _name(column):
    """What tells a column from the others."""
    return column.name, column.unit


def _verdict(value) -> str:
    """``"kept"`` or ``"lost"``, or the text itself."""
    text = str(value)
    return next((word for word in ("kept", "lost") if text == word or text.startswith((word + ",", word + " "))), text)


def _cell(value, kind) -> Cell:
    if value is None:
        return Cell("–", "", "text")
    text = format_number(value)
    if kind == "verdict" and _verdict(value) in ("kept", "lost"):
        return Cell(text, text, _verdict(value))
    return Cell(text, str(value), "number" if not isinstance(value, str) else "text")


def format_number(value) -> str:
    """A cell as text: numbers with four significant digits, whole ones in full."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
