"""Findings of a run whose experiment says nothing of them: its docstring, its table and its figures."""

import csv
import io
import math
from pathlib import PurePath

from eisim.base.errors import InputError
from eisim.report.findings import Findings, PageColumn, PageTable, Picture
from eisim.report.stored import MOST_COLUMNS, Stored

TABLE = "table.csv"
LARGEST_PLAIN = 8_000_000  # bytes of it


def plain_findings(stored: Stored) -> Findings:
    """Findings made of the files that a run left."""
    question, answer = [" ".join(part.split()) for part in (stored.provenance.about + "\n\n").split("\n\n")][:2]
    files = stored.provenance.files
    return Findings(
        question=question or stored.name,
        answer=answer,
        tables=(_table(stored),) if TABLE in files else (),
        pictures=tuple(_picture(name, files) for name in files if name.endswith(".svg")),
    )


def _picture(name, files):
    stem = PurePath(name).stem
    title, data = stem.replace("_", " "), f"{stem}.csv"
    return Picture(name, title, "", f"Figure: {title}", data if data in files else "")


def _table(stored):
    file, where = stored.attachment(TABLE, LARGEST_PLAIN), f"{stored.folder / TABLE}"
    if file.content is None:
        raise InputError(f"{where}: expected at most {LARGEST_PLAIN:,} bytes, found {file.size:,}")
    try:
        heading, *rows = csv.reader(io.StringIO((file.content or b"\n").decode("utf-8-sig"), newline=""), strict=True)
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{where}: expected a CSV table, found {error}") from None
    if not heading:
        raise InputError(f"{where}: expected a line of headings, found none")
    if len(heading) > MOST_COLUMNS:
        raise InputError(f"{where}: expected at most {MOST_COLUMNS:,} columns, found {len(heading):,}")
    for k, row in enumerate(rows):
        if len(row) != len(heading):
            raise InputError(f"{where}, row {k + 1}: expected {len(heading)} cells, found {len(row)}")
    columns, cells = [], []
    for name, *texts in zip(heading, *rows, strict=True):
        numbers = [_number(text) for text in texts]
        number = not any(isinstance(each, str) for each in numbers)
        columns.append(PageColumn(name, "verdict" if "verdict" in name else "number" if number else "text"))
        cells.append(numbers if number else [text or None for text in texts])
    return PageTable("Table", tuple(columns), tuple(zip(*cells, strict=True)), data=TABLE)


def _number(text):
    """The cell as a number, None if it is empty, itself if it is neither; ``0110`` is a truth table, not a number."""
    if not text:
        return None
    if text[:1] == "0" and text[1:2].isdigit():
        return text
    try:
        number = float(text)
    except ValueError:
        return text
    return number if math.isfinite(number) else text
