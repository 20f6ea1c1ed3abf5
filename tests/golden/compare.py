"""What is compared: numbers, truth values, nulls, names and structure; never prose.

- Everything that was there is there: files, keys, columns, rows, entries of lists. Keys, columns and files that are new
  do not matter.
- Numbers are the same: to the bit (also whether they are whole), or within a tolerance.
- A text with a blank in it is prose: another text may stand for it. One without is a name, a truth table or a unit, and
  the same.
- What stands under a key or heading of `WORDS` is there, whatever it says.
- Pages: each column of numbers that some table had is one of some table, under whatever heading.
"""

import csv
import io
import json
import math
import re
from collections.abc import Iterator

import numpy as np
from scipy.io import netcdf_file

#: Keys and headings of what is said in words.
WORDS = {
    "excitation_alone_gives",
    "findings",
    "meaning",
    "mechanism",
    "not_tested",
    "note",
    "notes",
    "problem",
    "problems",
    "reason",
    "verdict",
}
#: Below this, numbers are what rounding left of 0.
ROUNDING = 1e-11
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?(e[+-]?\d+)?|-?nan|-?inf")


def differences(expected: dict, found: dict, tolerance: float | None = None) -> Iterator[str]:
    """Compare what one case gave with what it is to give, file by file.

    Parameters
    ----------
    expected, found : dict
        As `tests.golden.cases.run` returns them.
    tolerance : float or None
        Relative; None is to the bit.

    Yields
    ------
    str
        The place, and both values.
    """
    for name, before in expected.items():
        if name not in found:
            yield f"{name}: lost"
            continue
        now = found[name]
        if name == "facts.json":
            yield from _facts(before, now, tolerance)
        elif isinstance(before, bytes):
            read = _csv if name.endswith(".csv") else _netcdf
            yield from differ(read(before), read(now), name, tolerance)
        else:
            yield from differ(before, now, name, tolerance)


def _facts(before, now, tolerance):
    for name in before["files"]:
        if name not in now["files"]:
            yield f"files: {name}: lost"
    rest = [{key: each[key] for key in ("status", "run")} for each in (before, now)]
    yield from differ(*rest, "facts.json", tolerance)
    for column in before["page"]:
        if not any(next(differ(column, each, "", tolerance), None) is None for each in now["page"]):
            yield f"page: no table has the column {json.dumps(column)[:120]}"


def differ(before, now, where: str, tolerance: float | None = None) -> Iterator[str]:
    """Compare two documents: what JSON can hold."""
    if isinstance(before, dict):
        if not isinstance(now, dict):
            yield f"{where}: expected an object, found {now!r:.60}"
            return
        for key, value in before.items():
            if key not in now:
                yield f"{where}: {key}: lost"
            elif key not in WORDS:
                yield from differ(value, now[key], f"{where}: {key}", tolerance)
    elif isinstance(before, list):
        if not isinstance(now, list) or len(now) != len(before):
            yield f"{where}: expected {len(before)} entries, found {len(now) if isinstance(now, list) else now!r:.60}"
            return
        for k, (one, other) in enumerate(zip(before, now, strict=True)):
            yield from differ(one, other, f"{where}[{k}]", tolerance)
    elif not _same(before, now, tolerance):
        yield f"{where}: expected {before!r}, found {now!r}"


def _same(before, now, tolerance) -> bool:
    if isinstance(before, str):
        return isinstance(now, str) and (now == before or " " in before.strip())
    if tolerance is None or not _is_number(before) or not _is_number(now):
        return type(before) is type(now) and repr(before) == repr(now)
    return repr(before) == repr(now) or math.isclose(before, now, rel_tol=tolerance, abs_tol=ROUNDING)


def _is_number(value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _csv(content: bytes) -> dict[str, list]:
    """Columns by heading."""
    headings, *rows = csv.reader(io.StringIO(content.decode()))
    return {heading: [_cell(row[k]) for row in rows] for k, heading in enumerate(headings)}


def _cell(text: str):
    if text in ("", "True", "False"):
        return {"": None, "True": True, "False": False}[text]
    if not _NUMBER.fullmatch(text):
        return text
    return int(text) if text.lstrip("-").isdecimal() else float(text)


def _netcdf(content: bytes) -> dict[str, dict]:
    """Variables by name, with their dimensions; characters are texts."""
    variables = {}
    with netcdf_file(io.BytesIO(content), mmap=False) as file:
        for name, variable in file.variables.items():
            values, dimensions = np.array(variable[:]), list(variable.dimensions)
            if values.dtype.kind == "S":
                joined = np.ascontiguousarray(values).view(f"S{values.shape[-1]}")[..., 0]
                values, dimensions = np.char.decode(joined, "utf-8"), dimensions[:-1]
            variables[name] = {"dimensions": dimensions, "values": values.tolist()}
    return variables
