"""A table, declared once: the terminal, a page and a notebook show the same columns and rows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from html import escape
from typing import Any

import numpy as np

from eisim.report.findings import PageColumn, PageTable
from eisim.report.numbers import column as texts
from eisim.report.style import EXCITATORY, INHIBITORY
from eisim.report.wording import count, listing

#: Rows of a table that the terminal and a notebook show; of longer ones the rest is counted.
MOST_ROWS_IN_TERMINAL, MOST_ROWS_IN_NOTEBOOK = 100, 12
#: Longer texts in a cell of the terminal may be wrapped.
LINE = 32
#: A verdict begins with one of these; its colour in a terminal, its symbol and colour in a notebook.
VERDICTS = {
    "kept": ("green", "✓", "#1a7f37"),
    "lost": ("red", "✗", "#a40e26"),
    "not computed": ("yellow", "–", "#57606a"),
    "undecided": ("yellow", "?", "#57606a"),
    "differs": ("yellow", "≠", "#57606a"),
}


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes
    ----------
    name : str
        Heading.
    value : callable
        ``value(row)`` is the cell: a str, a number, or None where there is none. A dict holds one cell for each system
        that was measured, by its name: on a page such a column becomes one for each system, elsewhere the cells are
        put into one, and where all systems agree they are shown once.
    kind : {"", "verdict", "sign"}
        A verdict begins with one of `eisim.studies.judgement.VERDICTS`, and has a colour. So has in a notebook a
        sign, which begins with ``"E"`` or ``"I"``.
    unit : str
        Shown behind the heading.
    note : str
        What the heading means, in a sentence; empty if it is plain.
    decimals : int, optional
        With which numbers are shown, such as 2 for scores; by default four significant digits.
    short : str
        Heading in the terminal and in a notebook, where that is another one.
    on_page_only : bool
        Whether the terminal and a notebook leave the column out.
    """

    name: str
    value: Callable[[Any], Any]
    kind: str = ""
    _: KW_ONLY
    unit: str = ""
    note: str = ""
    decimals: int | None = None
    short: str = ""
    on_page_only: bool = False


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes
    ----------
    title : str
    columns : sequence of Column
    rows : sequence
        The objects from which the columns take their values.
    notes : sequence of str
        Sentences below the table.
    data : str
        Name of the CSV file with the same numbers in full; empty if there is none.
    keys : int
        Number of leading columns that together name a row.
    on_page_only : bool
        Whether the terminal and a notebook leave the table out.
    """

    title: str
    columns: Sequence[Column]
    rows: Sequence
    notes: Sequence[str] = ()
    data: str = ""
    keys: int = 1
    on_page_only: bool = False


def page_table(table: Table) -> PageTable:
    """The table as a page shows it and as ``run.json`` holds it: plain values only."""
    columns: list[PageColumn] = []
    cells: list[list] = []
    for column in table.columns:
        values = [_plain(column.value(row)) for row in table.rows]
        systems = list(dict.fromkeys(name for value in values if isinstance(value, Mapping) for name in value))
        shown, note = {column.name: values}, column.note
        if systems and all(len({*value.values()}) <= 1 for value in values):
            shown = {column.name: [next(iter(value.values()), None) for value in values]}
            if len(systems) > 1:
                note = note.rstrip(".") + ("; the" if note else "The") + f" same for {listing(systems)}."
        elif systems:
            shown = {f"{column.name}, {name}": [value.get(name) for value in values] for name in systems}
        for name, found in shown.items():
            known = [value for value in found if value is not None]
            kind = column.kind or ("number" if known and not any(isinstance(value, str) for value in known) else "text")
            columns.append(PageColumn(name, kind, column.unit, note, column.decimals))
            cells.append(found)
    rows = tuple(zip(*cells, strict=True))
    return PageTable(table.title, tuple(columns), rows, tuple(table.notes), table.data, table.keys)


def _plain(value):
    """Without types of NumPy, which JSON does not know, and NaN, which is no cell."""
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and np.isnan(value) else value


def _shown(table, most: int) -> tuple[list[Column], list[list[str]], list[bool], int]:
    """The table for terminal and notebook: columns, cells as text, which are numbers, and how many rows are omitted."""
    columns, rows = [column for column in table.columns if not column.on_page_only], table.rows[:most]
    cells = [_texts(column, [_plain(column.value(row)) for row in rows]) for column in columns]
    numeric = [not any(isinstance(each, str) for row in rows for each in _parts(c.value(row))) for c in columns]
    return columns, cells, numeric, len(table.rows) - len(rows)


def _parts(value) -> list:
    return [*value.values()] if isinstance(value, Mapping) else [value]


def _texts(column, values):
    groups = [_parts(value) for value in values]
    flat = texts([each for group in groups for each in group], column.decimals)
    found, start = [], 0
    for group in groups:
        parts = ["" if value is None else text for value, text in zip(group, flat[start:], strict=False)]
        start += len(group)
        found.append(parts[0] if len({*parts}) == 1 else " / ".join(part or "–" for part in parts))
    return found


def heading(column: Column) -> str:
    """The heading in a terminal or a notebook, with its unit."""
    return (column.short or column.name) + (f" ({column.unit})" if column.unit else "")


def _verdict(text: str) -> tuple[str, str, str] | None:
    return next((look for word, look in VERDICTS.items() if text.startswith(word)), None)


def terminal_table(table: Table):
    """The table for the terminal, and below it what its headings mean and its notes: a Rich group."""
    from rich.console import Group

    from eisim.report.terminal import titled_table

    columns, cells, numeric, left = _shown(table, MOST_ROWS_IN_TERMINAL)
    made = titled_table(table.title)
    for k, column in enumerate(columns):
        widest = max(map(len, [heading(column), *cells[k]]))
        side, fixed = "right" if numeric[k] else "left", widest <= LINE
        made.add_column(heading(column), justify=side, no_wrap=fixed, min_width=widest if fixed else None)
        if column.kind == "verdict":
            cells[k] = [f"[{look[0]}]{text}[/]" if (look := _verdict(text)) else text for text in cells[k]]
    for row in zip(*cells, strict=True):
        made.add_row(*row)
    more = [f"{count(left, 'more row')}{f' in {table.data}' if table.data else ''}."] if left else []
    meanings = [f"{column.short or column.name}: {_small(column.note)}" for column in columns if column.note]
    several = []
    if any(" / " in text for column in cells for text in column):
        values = (column.value(row) for column in columns for row in table.rows)
        systems = dict.fromkeys(name for value in values if isinstance(value, Mapping) for name in value)
        several.append(f"Several numbers in a cell: {' / '.join(systems)}.")
    return Group(made, *more, *meanings, *several, *table.notes)


def _small(sentence):
    """A sentence as it follows a colon; abbreviations keep their capitals."""
    return sentence if sentence[1:2].isupper() else sentence[:1].lower() + sentence[1:]


def html_table(table: Table) -> str:
    """The table with its notes for a notebook: HTML that needs nothing but itself."""
    columns, cells, numeric, left = _shown(table, MOST_ROWS_IN_NOTEBOOK)
    sides = ["right" if number else "left" for number in numeric]

    def row(texts, tag):
        scope = ' scope="col"' if tag == "th" else ""
        parts = (f'<{tag}{scope} style="text-align: {s}">{t}</{tag}>' for t, s in zip(texts, sides, strict=True))
        return f"<tr>{''.join(parts)}</tr>"

    shown = zip(*cells, strict=True)
    body = [row([_marked(c, text) for c, text in zip(columns, texts, strict=True)], "td") for texts in shown]
    if left:
        body.append(f'<tr><td colspan="{len(columns)}" style="text-align: left">and {left:,} more</td></tr>')
    style = "text-align: left; caption-side: top; color: inherit; padding: 0.3em 0; white-space: nowrap"
    caption = f'<caption style="{style}">{escape(table.title)}</caption>' if table.title else ""
    head = row([escape(heading(column)) for column in columns], "th")
    made = f"<table>{caption}<thead>{head}</thead><tbody>{''.join(body)}</tbody></table>"
    return made + sentences(*table.notes) if body else ""


def _marked(column, text):
    if column.kind == "sign":
        return badge(text, EXCITATORY, "#000") if text.startswith("E") else badge(text, INHIBITORY)
    look = _verdict(text) if column.kind == "verdict" else None
    return badge(f"{look[1]} {text}", look[2]) if look else escape(text)


def sentences(*said: str) -> str:
    """Sentences for a notebook, one below the other."""
    return "".join(f'<div style="margin: 0.2em 0">{escape(sentence)}</div>' for sentence in said if sentence)


def html_box(title: str, *parts: str) -> str:
    """A heading and the content below it, in HTML."""
    style = "max-width: 60em; line-height: 1.4; overflow-x: auto"
    return f'<div style="{style}"><div><strong>{escape(title)}</strong></div>{"".join(parts)}</div>'


def badge(text: str, colour: str, ink: str = "#fff") -> str:
    """A word in HTML on a ground of a colour, which also a symbol or the word itself tells."""
    style = f"background: {colour}; color: {ink}; border-radius: 0.3em; padding: 0 0.4em; white-space: nowrap"
    return f'<span style="{style}">{escape(text)}</span>'
