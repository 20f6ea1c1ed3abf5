"""Tables as a page shows them: those of one run, or of several runs joined on their first column."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from eisim.base.errors import InputError
from eisim.report.findings import PageColumn, PageTable
from eisim.report.numbers import column as texts

#: Rows of a table that a page shows; the rest is in the CSV file.
MOST_ROWS = 1000
#: More cells, of all rows that one of several runs has times all columns, are refused.
MOST_CELLS = 5_000_000
DIFFERENCE = PageColumn("difference", "difference", note="Rows that only some runs have, and verdicts that differ.")
#: Verdicts as eisim 0.1.0 called them.
_EARLIER = {"never had": "not computed"}


@dataclass(frozen=True)
class Cell:
    """A cell: its text, what it is sorted by, and ``"kept"``, ``"lost"``, ``"differs"``, ``"number"`` or ``"text"``."""

    text: str
    sort: str
    look: str


@dataclass(frozen=True)
class Heading:
    """A column, and the run whose it is; empty where all runs agree or there is one."""

    column: PageColumn
    run: str = ""


@dataclass(frozen=True)
class Grid:
    """A table ready to be written out.

    Rows beyond `MOST_ROWS` are only counted; `data` are pairs of a run and its CSV file with the numbers in full.
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

    The first column, or several, tell rows apart. Every other column appears once if the runs agree on it wherever they
    have the row, and once per run otherwise. The column behind the names says which rows
    only some runs have, and whose verdicts differ.
    """
    here = {run: table for run, table in zip(runs, tables, strict=True) if table}
    first = next(iter(here.values()))
    rows = {run: _by_key(table) for run, table in here.items()}
    keys = list(dict.fromkeys(key for found in rows.values() for key in found))
    n_columns = sum(len(table.columns) for table in here.values())
    if len(keys) * n_columns > MOST_CELLS:
        raise InputError(
            f"report: table {first.title!r:.60}: expected at most {MOST_CELLS:,} cells side by side, found "
            f"{len(keys):,} rows of {n_columns:,} columns"
        )
    having = {key: [run for run in runs if key in rows.get(run, {})] for key in keys}
    differing = {key: [] if having[key] == [*runs] else [f"only in {' and '.join(having[key])}"] for key in keys}
    headings, columns = [], []
    for name in dict.fromkeys(_name(column) for table in here.values() for column in table.columns[first.keys :]):
        places = {run: place for run, table in here.items() if (place := _place(table, name))}
        values = {
            run: [rows[run][key][place] if key in rows[run] else None for key in keys] for run, place in places.items()
        }
        run, place = next(iter(places.items()))
        column = here[run].columns[place]
        known = [{run: cells[k] for run, cells in values.items() if key in rows[run]} for k, key in enumerate(keys)]
        if len(places) == len(runs) and all(len(set(cells.values())) == 1 for cells in known):
            headings.append(Heading(column))
            columns.append([next(iter(cells.values())) for cells in known])
            continue
        headings += [Heading(column, run) for run in values]
        columns += values.values()
        if column.kind == "verdict":
            for key, cells in zip(keys, known, strict=True):
                if len({_verdict(cell) for cell in cells.values()}) > 1:
                    said = ", ".join(f"{cell} in {run}" for run, cell in cells.items())
                    differing[key].append(f"{column.name}: {said}")
    if any(differing.values()) or any(heading.column.kind == "verdict" for heading in headings):
        headings.insert(0, Heading(DIFFERENCE))
        columns.insert(0, ["; ".join(differing[key]) or "none" for key in keys])
    names = zip(*(key[0] for key in keys), strict=True) if keys else [()] * first.keys
    cells = list(zip(*names, *columns, strict=True))
    notes = tuple(dict.fromkeys(note for table in here.values() for note in table.notes))
    data = tuple((run, table.data) for run, table in here.items())
    return _grid(first.title, [*map(Heading, first.columns[: first.keys]), *headings], cells, notes, data)


def match(tables: Sequence[Sequence[PageTable]]) -> list[list[PageTable | None]]:
    """Tables of several runs that belong together, those of the same title and keys; None for a run without it."""
    found: dict[tuple, list[PageTable | None]] = {}
    for run, mine in enumerate(tables):
        for table in mine:
            keys = tuple(map(_name, table.columns[: table.keys])) if table.keys > 1 else ()
            found.setdefault((table.title, *keys), [None] * len(tables))[run] = table
    return list(found.values())


def _grid(title, headings, rows, notes, data):
    shown = rows[:MOST_ROWS]
    by_column = zip(*shown, strict=True) if shown else [()] * len(headings)
    columns = [
        [_cell(*each, heading.column.kind) for each in zip(values, texts(values, heading.column.decimals), strict=True)]
        for values, heading in zip(by_column, headings, strict=True)
    ]
    cells = tuple(zip(*columns, strict=True))
    left_out = max(0, len(rows) - MOST_ROWS)
    return Grid(title, tuple(headings), cells, left_out, tuple(notes), tuple(d for d in data if d[1]))


def _by_key(table):
    """Rows by their key cells, and by the number of rows before with the same."""
    seen, found = Counter(), {}
    for row in table.rows:
        key = row[: table.keys]
        found[key, seen[key]] = row
        seen[key] += 1
    return found


def _place(table, name):
    """Index of the column with this name, after those that name the row; None if there is none."""
    return next((k for k, column in enumerate(table.columns) if k >= table.keys and _name(column) == name), None)


def _name(column):
    """The key that distinguishes a column from the others."""
    return column.name, column.unit


def _verdict(value) -> str:
    """``"kept"`` or ``"lost"``, or the text itself; by the word of today where a run used an earlier one."""
    text = _EARLIER.get(str(value), str(value))
    return next(
        (word for word in ("kept", "lost") if text == word or text.startswith((word + ",", word + " ", word + ":"))),
        text,
    )


def _cell(value, text, kind) -> Cell:
    if value is None:
        return Cell(text, "", "number" if kind == "number" else "text")
    if kind == "verdict" and _verdict(value) in ("kept", "lost"):
        return Cell(text, text, _verdict(value))
    if kind == "difference":
        return Cell(text, text, "differs" if ": " in text else "text")
    return Cell(text, str(value), "number" if not isinstance(value, str) else "text")
