"""What holds for the findings of any result."""

import csv
import io
import json
import re
from dataclasses import asdict

from eisim.base.files import to_json
from eisim.report.findings import Findings

COUNTED = "checks|circuits|classes|doses|falls|functions|inputs|neurons|pairs|patterns|points|rows|seeds|weights"


def check(findings: Findings, files: dict, figures) -> dict[str, list[dict]]:
    """Ask what a page needs; returns the lines of every CSV file.

    Parameters
    ----------
    findings : Findings
    files : dict of str to content
        What the tables of the run are.
    figures : iterable of str
        Names of the figures that are drawn.
    """
    stored = to_json(asdict(findings))
    assert to_json(json.loads(stored)) == stored
    for text in _texts(json.loads(stored)):
        assert not re.search(r"\bnan\b|\binf\b|\bNone\b|[{}]|  ", text), text
        assert not re.search(rf"(?<![\d.,])1 ({COUNTED})\b", text), text
    tables = {name: list(csv.DictReader(io.StringIO(text))) for name, text in files.items() if name.endswith(".csv")}
    assert findings.question.endswith("?")
    sentences = [findings.answer, *(p for proof in findings.proofs for p in proof.paragraphs)]
    pictures = [*findings.pictures, *findings.circuits]
    sentences += [text for p in pictures for text in (p.caption, p.alternative)]
    for sentence in sentences:
        assert re.match(r"[A-Z0-9“]", sentence) and sentence.endswith("."), sentence
    assert [p.file for p in pictures] == list(figures)
    for picture in pictures:
        assert tables[picture.data], picture.data
    for table in findings.tables:
        assert not table.data or tables[table.data]
        names = [row[: table.keys] for row in table.rows]
        assert names and len(set(names)) == len(names)
        for row in table.rows:
            for column, cell in zip(table.columns, row, strict=True):
                if column.kind == "number":
                    assert cell is None or (isinstance(cell, (int, float)) and not isinstance(cell, bool)), column
                else:
                    assert cell is None or isinstance(cell, str), column
                if column.kind == "verdict":
                    assert cell.startswith(("kept", "lost", "not computed", "undecided")), cell
    return tables


def _texts(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
