"""A run's folder written by hand, as the experiments leave it."""

import json
from dataclasses import asdict

from eisim.report.findings import Explanation, Findings, PageColumn, PageTable, Picture

SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="360pt" height="180pt" viewBox="0 0 360 180">'
    '<rect width="360" height="180" fill="#c44e2c"/>{}</svg>'
)
ROWS = (
    ("xor", "0110", "lost, impossible", 0.75, 0.25),
    ("and", "0001", "kept", 1.0, 0.0),
    ("parity-4", "0110100110010110", "lost, impossible", 0.5625, 0.3125),
    ("not", "10", "lost, impossible", 0.5, 0.5),
    ("and-by-inhibition", "0001", "lost, here only", None, 0.0),
)


def findings(rows=ROWS, **changes) -> Findings:
    columns = (
        PageColumn("function"),
        PageColumn("truth table"),
        PageColumn("verdict", "verdict", note="Whether the function survives."),
        PageColumn("ablated", "number", "%", "Share of patterns."),
        PageColumn("floor", "number"),
    )
    values = {
        "question": "Which functions go?",
        "answer": "Four of five.",
        "tables": (PageTable("Functions", columns, tuple(rows), ("A note.",), "table.csv"),),
        "pictures": (Picture("curves.svg", "Curves", "Accuracy.", "Accuracy falls for xor.", "table.csv"),),
        "circuits": (Picture("circuit.svg", "The circuit of xor", "Weights in mV.", "Two E populations and one I."),),
        "proofs": (Explanation("xor: lost", ("Witness: 01 ≤ 11.", "Floor: a quarter.")),),
    }
    return Findings(**values | changes)


def write_run(folder, found=None, svg="", **changes):
    """Write a whole folder; ``changes`` are put into run.json."""
    folder.mkdir(parents=True, exist_ok=True)
    document = {
        "experiment": "boolean",
        "about": "Which functions?\n\nThose that fall.",
        "finished": "2026-01-01T00:00:00+00:00",
        "command": "python -m eisim run --seed 3",
        "seed": 3,
        "kinds": ["spiking", "rate"],
        "backend": "cpp",
        "settings_si": {"levels": 3, "noise": 0.0005, "functions": "all"},
        "settings_units": {"noise": "volt"},
        "versions": {"python": "3.13.0", "eisim": "0.1.0"},
        "platform": "Linux",
        "seconds": {"simulating": 0.5, "writing results": 1.25},
        "files": ["table.csv", "curves.svg", "circuit.svg"],
        "report": asdict(findings() if found is None else found),
        "result": {"problems": []},
    }
    for name in ("curves.svg", "circuit.svg"):
        (folder / name).write_text(SVG.format(svg))
    (folder / "table.csv").write_text("function,verdict,ablated\nxor,lost,0.75\nand,kept,1\n")
    (folder / "run.json").write_text(json.dumps(document | changes))
    return folder
