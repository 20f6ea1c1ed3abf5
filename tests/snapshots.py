"""What people read of results, kept in files: ``python -m tests.snapshots [NAME...]`` writes them anew."""

import contextlib
import io
import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np

from eisim import LabelledData, TruthTable, certify, sweep
from eisim.base.progress import silent
from eisim.report.findings import Findings
from eisim.report.terminal import console
from eisim.report.view import view_of
from eisim.run.registry import experiment_of
from eisim.theory.certificate import certify_classes
from tests.support import kept

FOLDER = Path(__file__).parent / "report" / "snapshots"
WIDTH = 100
#: The result behind each file: small, and none that needs a compiler.
RESULTS: dict[str, Callable[[], object]] = {
    "boolean": kept.functions_ablated,
    "census": lambda: run("census", "inputs=2", "levels=3", *TIMES),
    "certificate": lambda: certify(TruthTable("0110")),
    "certificate_of_data": lambda: certify(_data()),
    "certificates_of_classes": lambda: certify_classes(
        replace(_data(), targets=[0, 1, 1, 2, 2, 0], classes=tuple("abc"))
    ),
    "circuit": lambda: run(str(EXAMPLES / "my_circuit.py"), "levels=3", "seeds=2", *TIMES),
    "networks": kept.network_ablated,
    "regions": lambda: run("geometry", "regions=quadrant,ring", "resolution=8"),
    "sweep": lambda: sweep("wilson_cowan", {"stimulus": [0.5, 1.5]}, kind="rate", backend="numpy", workers=1),
    "tasks": kept.assessment,
}
TIMES = ("duration=100ms", "window=50ms", "dt=1ms")
THREE = [0, 1, 1, 2, 2, 0]
EXAMPLES = Path(__file__).parents[1] / "examples"


def run(name: str, *changes: str):
    """The result of an experiment as rate circuits."""
    experiment = experiment_of(name)
    return experiment.run(experiment.with_changes(changes), ["rate"], 0, "numpy", silent)


def _data():
    points = np.array([[0, 0], [0, 1], [1, 0], [1, 1], [0.5, 0.5], [0.5, 1]])
    return LabelledData(points, [0, 1, 1, 0, 1, 0], names=("u", "v"), target="y", name="six rows")


def snapshot(name: str) -> str:
    """What the terminal prints of the result of this name, and what its page says."""
    view = view_of(RESULTS[name]())
    plain = mock.patch.dict(os.environ, COLUMNS=str(WIDTH), NO_COLOR="1")
    with plain, contextlib.redirect_stdout(io.StringIO()) as out:
        console().print(view.terminal())
    lines = ["== terminal ==", *out.getvalue().splitlines(), "", "== page ==", *_page(view.findings())]
    text = "\n".join(line.rstrip() for line in lines) + "\n"
    return re.sub(r"\d(\.\d+)?e-\d\d", "0", text)  # what is left of rounding, which differs between processors


def _page(findings: Findings) -> Iterator[str]:
    yield from (findings.question, findings.answer)
    for table in findings.tables:
        yield from ("", f"# {table.title} ({table.data})")
        yield " | ".join(f"{column.name} ({column.unit})" if column.unit else column.name for column in table.columns)
        yield from (" | ".join(map(_cell, row)) for row in table.rows)
        yield from (f"{column.name}: {column.note}" for column in table.columns if column.note)
        yield from table.notes
    for picture in (*findings.pictures, *findings.circuits):
        yield from ("", f"# {picture.title} ({picture.file}, {picture.data})", picture.caption, picture.alternative)
    for proof in findings.proofs:
        yield from ("", f"# {proof.title}", *proof.paragraphs)


def _cell(value) -> str:
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


def main(names: list[str]) -> None:
    """Write the files of these names, or all, and take away those that belong to no result."""
    FOLDER.mkdir(exist_ok=True)
    for name in names or RESULTS:
        (FOLDER / f"{name}.txt").write_text(snapshot(name), encoding="utf-8")
    for path in FOLDER.iterdir():
        if path.stem not in RESULTS:
            path.unlink()


if __name__ == "__main__":
    main(sys.argv[1:])
