"""Pages of figures in benchmarks/figures, on performance and on large circuits; benchmarks/bars.py measured them."""

import json
import math
import sys
from collections.abc import Iterator
from datetime import date
from functools import partial
from pathlib import Path

from jinja2 import Environment, StrictUndefined

DOCS = Path(__file__).parent
BENCHMARKS = DOCS.parent / "benchmarks"
FIGURES = BENCHMARKS / "figures"
sys.path.append(str(BENCHMARKS))

import bars  # noqa: E402
import networks  # noqa: E402

LIBRARIES = {"Python": "Python", "NumPy": "numpy", "SciPy": "scipy"}
BY_NAME = {each.name: each for each in bars.MEASUREMENTS}


def page(folder: Path = FIGURES, template: str = "performance.md.j2") -> str:
    """The text of a page; each file of the folder has the figures of one version of Brian2."""
    paths = sorted(folder.glob("brian2-*.json"), key=lambda path: [int(n) for n in path.stem[7:].split(".")])
    files = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    environment = Environment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    environment.globals |= {
        "environments": partial(_environments, files),
        "table": partial(_table, files),
        "value": partial(_value, files),
        "left_out": networks.LEFT_OUT,
        "approximated": bars.APPROXIMATED,
    }
    return environment.from_string((DOCS / template).read_text(encoding="utf-8")).render()


def _version(file: dict) -> str:
    return "Brian2 " + ".".join(file["machine"]["brian2"].split(".")[:2])


def _environments(files) -> str:
    """A table of the machines: what the figures of each column were measured with."""
    rows = []
    for file in files:
        machine, entries = file["machine"], file["measured"].values()
        versions = ", ".join(f"{name} {machine[key]}" for name, key in LIBRARIES.items())
        days = sorted({date.fromisoformat(entry["date"]) for entry in entries})
        days = dict.fromkeys(f"{day.day} {day:%B %Y}" for day in (days[0], days[-1]))
        loads = sorted(entry["load"] for entry in entries if entry["load"] is not None) or [math.nan]
        others = ", ".join(f"{k} {v}" for k, v in machine.items() if k not in (*bars.SAME, "brian2"))
        rows.append(
            (
                f"Brian2 {machine['brian2']}",
                f"{versions}, {machine['compiler']}",
                others,
                f"{machine['cores']} cores ({machine['processor']}), {machine['memory']} GB",
                " to ".join(days),
                " to ".join(dict.fromkeys(f"{load:g}" for load in (loads[0], loads[-1]))),
            )
        )
    return _rows(("column", "versions", "other simulators", "machine", "measured", "load"), rows)


def _table(files, *names) -> str:
    """A row for each figure of these measurements, and a column for each version of Brian2."""
    rows = []
    for measurement in (BY_NAME[name] for name in names):
        what, command = measurement.what, f"`{measurement.command}`"
        for figure in measurement.figures:
            cells = [_cell(file, measurement, figure) for file in files]
            rows.append((what, figure.what, figure.target, *cells, command))
            what = command = ""
    return _rows(("task", "figure", "target", *map(_version, files), "command"), rows)


def _cell(file, measurement, figure) -> str:
    """A value with the range of its runs; a missed target is bold."""
    found = file["measured"].get(measurement.name, {}).get("found", {})
    if not found:
        return "–"
    if why := figure.obstacle(found):
        return f"not measured: {why}"
    values, verdict = figure.values(found), figure.verdict(found)
    shown = bars.number(figure.value(found), figure.unit)
    if len(values) > 1 and figure.unit != "GB":
        shown += f" ({' to '.join(bars.number(v, '').strip() for v in (min(values), max(values)))})"
    return shown + {"": "", "held": ", held", "missed": ", **missed**"}[verdict]


def _value(files, name: str, key: str) -> str:
    """A figure for the text, from the first version that has it."""
    figure = next(each for each in BY_NAME[name].figures if each.key == key)
    for file in files:
        found = file["measured"].get(name, {}).get("found", {})
        if not figure.obstacle(found):
            return bars.number(figure.value(found), figure.unit)
    return "– (not measured)"


def _rows(headings, rows) -> str:
    def lines() -> Iterator[str]:
        yield "| " + " | ".join(headings) + " |"
        yield "|" + " --- |" * len(headings)
        for row in rows:
            yield "| " + " | ".join(row) + " |"

    return "\n".join(lines())
