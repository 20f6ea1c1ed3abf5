"""What ablation does to a circuit of the user's own on labelled points: JSON, tables, figures, findings."""

import numpy as np
import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rich.console import Group

from eisim.base.files import frame_to_csv
from eisim.report import diagram
from eisim.report.circuit import circuit_picture, circuit_table
from eisim.report.findings import Column, Explanation, Findings, PageTable, Picture
from eisim.report.style import EXCITATORY, NEUTRAL
from eisim.report.terminal import titled_table
from eisim.report.wording import listing
from eisim.studies.circuit_result import OwnResult
from eisim.studies.curves import described
from eisim.studies.points import OnPoints

MARKERS = {"spiking": "o", "rate": "s"}
NOTES = (
    "intact, ablated: share of the points answered correctly, with and without inhibition.",
    "floor: least share of the points that any excitatory-only circuit answers wrongly.",
    "witness: x ≤ y with f(x) > f(y), which no excitatory-only circuit can do.",
    "kept: without inhibition at most one point in a hundred more is wrong than with it.",
    "not computed: the intact circuit misses a pattern of a truth table, or answers no more points correctly than the "
    "same answer everywhere does.",
)
_COLOURS = {"kept": "green", "lost": "red", "not computed": "yellow"}


def _row(found: OnPoints) -> dict:
    accuracy, witness = found.accuracy, found.certificate.witness
    return {
        "function": found.name,
        "points": len(found.data.targets),
        "inputs": found.data.n_inputs,
        "representable": found.certificate.representable,
        "witness": witness and [list(witness.lower), list(witness.upper)],
        "floor": found.floor,
        "inversion_complexity": found.certificate.inversion_complexity,
        "inhibitory_neurons": next(iter(found.circuits.values())).n_inhibitory,
        "accuracy": {
            "intact": {kind: float(a[0]) for kind, a in accuracy.items()},
            "ablated": {kind: float(a[-1]) for kind, a in accuracy.items()},
        },
        "verdict": found.verdict,
    }


def to_json(result: OwnResult) -> dict:
    """The result as a JSON object."""
    return {"rows": [_row(found) for found in result.on_points], "problems": result.problems}


def _point(values):
    return "(" + ", ".join(f"{value:g}" for value in values) + ")"


def _witness(row):
    return "none" if row["witness"] is None else " ≤ ".join(map(_point, row["witness"]))


def _verdict(row):
    return described(row["verdict"], row["representable"])


def table(result: OwnResult) -> Group:
    """The table that people read."""
    shown = titled_table("What ablating inhibition destroys")
    for heading in ("function", "points", "witness", "floor", "I"):
        shown.add_column(heading, justify="left" if heading in ("function", "witness") else "right")
    kinds = list(result.on_points[0].rates)
    for kind in kinds:
        for condition in ("intact", "ablated"):
            shown.add_column(f"{condition}\n{kind}", justify="right")
    shown.add_column("verdict")
    for row in (_row(found) for found in result.on_points):
        accuracy, colour = row["accuracy"], _COLOURS[row["verdict"]]
        shown.add_row(
            row["function"],
            f"{row['points']:,}",
            _witness(row),
            f"{row['floor']:.3f}",
            str(row["inhibitory_neurons"]),
            *(f"{accuracy[c][kind]:.3f}" for kind in kinds for c in ("intact", "ablated")),
            f"[{colour}]{_verdict(row)}[/]",
        )
    return Group(shown, "", *NOTES)


def _csv(lines):
    return frame_to_csv(pandas.DataFrame(lines))


def tables(result: OwnResult):
    """Pairs of file name and content."""
    lines = []
    for row in (_row(found) for found in result.on_points):
        accuracy = row.pop("accuracy")
        row["witness"] = row["witness"] and " <= ".join(map(_point, row["witness"]))
        lines.append(row | {f"{c}_{kind}": a for c, each in accuracy.items() for kind, a in each.items()})
    yield "table.csv", _csv(lines)
    yield (
        "ablation_curves.csv",
        _csv(
            {"function": found.name, "kind": kind, "fraction_removed": f, "accuracy": a}
            for found in result.on_points
            for kind, accuracy in found.accuracy.items()
            for f, a in zip(found.fractions, accuracy, strict=True)
        ),
    )
    yield "circuit.csv", circuit_table(next(iter(result.own.circuits.values())))
    for found in result.on_points:
        frame = pandas.DataFrame(found.data.points, columns=list(found.data.names))
        frame["wanted"], frame["weight"] = found.data.targets, found.data.weights
        for kind, rates in found.rates.items():
            frame[f"{kind}_intact_hz"], frame[f"{kind}_ablated_hz"] = rates[0], rates[-1]
        yield f"{_stem(result, found)}.csv", frame_to_csv(frame)


def _stem(result, found):
    return "points" if len(result.on_points) == 1 else f"points_{result.on_points.index(found) + 1}"


def plot_curve(ax: Axes, found: OnPoints) -> Axes:
    """Accuracy against the fraction of inhibition removed, with what an excitatory-only circuit cannot reach."""
    ax.axhspan(1 - found.floor, 1.05, color="#dddddd", linewidth=0, label="out of reach of excitatory-only circuits")
    for kind, accuracy in found.accuracy.items():
        ls = "-" if kind == "spiking" else "--"
        ax.plot(
            found.fractions, accuracy, color=NEUTRAL, lw=1, ls=ls, marker=MARKERS[kind], ms=3, label=f"{kind} circuit"
        )
    ax.set(title=f"{found.name}: {found.verdict}", ylim=(-0.05, 1.05))
    ax.set_xlabel("fraction of inhibition removed")
    ax.set_ylabel("share of points\nanswered correctly")
    return ax


def plot_points(ax: Axes, found: OnPoints, says: np.ndarray, title: str) -> Axes:
    """Points of the plane, filled where the answer is 1."""
    size = max(0.5, min(12.0, 3e4 / len(says)))
    for value, colour in ((False, "#cccccc"), (True, EXCITATORY)):
        chosen = found.data.points[says == value]
        ax.scatter(*chosen.T, s=size, color=colour, marker="s", linewidths=0, rasterized=len(says) > 2000)
    ax.set(title=title, xlabel=found.data.names[0], ylabel=found.data.names[1], aspect="auto")
    return ax


def figures(result: OwnResult):
    """Pairs of file name and figure."""
    n = len(result.on_points)
    figure = Figure(figsize=(2.2 * min(n, 3) + 2.6, 2.2 * -(-n // 3) + 0.3), layout="constrained")
    axes = figure.subplots(-(-n // 3), min(n, 3), squeeze=False).ravel()
    for ax, found in zip(axes, result.on_points, strict=False):
        plot_curve(ax, found)
    for ax in axes[n:]:
        ax.axis("off")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right upper", frameon=False, fontsize=7)
    yield "ablation_curves.svg", figure
    yield "circuit.svg", diagram.with_static_dnn(next(iter(result.own.circuits.values())))
    for found in result.on_points:
        if found.data.n_inputs == 2:
            yield f"{_stem(result, found)}.svg", _maps(found)


def _maps(found):
    figure = Figure(figsize=(7.0, 2.1 * len(found.rates) + 0.2), layout="constrained")
    axes = figure.subplots(len(found.rates), 3, squeeze=False, sharex=True, sharey=True)
    for row, (kind, rates) in zip(axes, found.rates.items(), strict=True):
        plot_points(row[0], found, found.data.targets == 1, f"{found.name}: wanted")
        plot_points(row[1], found, rates[0] > found.thresholds[kind], f"{kind} circuit, intact")
        plot_points(row[2], found, rates[-1] > found.thresholds[kind], f"{kind} circuit, ablated")
    return figure


def findings(result: OwnResult) -> Findings:
    """What a page shows."""
    rows = [_row(found) for found in result.on_points]
    lost = [row["function"] for row in rows if row["verdict"] == "lost"]
    kinds = list(result.on_points[0].rates)
    columns = [
        Column("function"),
        Column("points", "number"),
        Column("witness", note="x ≤ y with f(x) > f(y), which no excitatory-only circuit can do"),
        Column("floor", "number", note="least share of the points that any excitatory-only circuit answers wrongly"),
        *(Column(f"{c}, {kind}", "number") for kind in kinds for c in ("intact", "ablated")),
        Column("verdict", "verdict"),
    ]
    cells = [
        (
            row["function"],
            row["points"],
            _witness(row),
            row["floor"],
            *(row["accuracy"][c][kind] for kind in kinds for c in ("intact", "ablated")),
            _verdict(row),
        )
        for row in rows
    ]
    pictures = [
        Picture(
            "ablation_curves.svg",
            "Accuracy by dose of ablation",
            "Share of points answered correctly against the fraction of inhibition removed; grey is out of reach of "
            "an excitatory-only circuit.",
            "; ".join(_sentence(row, kinds) for row in rows),
            "ablation_curves.csv",
        )
    ]
    for found in result.on_points:
        if found.data.n_inputs == 2:
            stem = _stem(result, found)
            caption = "What is wanted, and what the circuit answers with its inhibition and without; filled: 1."
            alternative = f"Maps of the plane for {found.name}: wanted, intact and ablated."
            pictures.append(
                Picture(f"{stem}.svg", f"{found.name}, point by point", caption, alternative, f"{stem}.csv")
            )
    return Findings(
        question="What does the circuit lose with its inhibition?",
        answer=_lost(result, lost) + " ".join(_sentence(row, kinds) + "." for row in rows),
        tables=(PageTable("What ablating inhibition destroys", tuple(columns), tuple(cells), NOTES, "table.csv"),),
        pictures=tuple(pictures),
        circuits=(circuit_picture(next(iter(result.own.circuits.values())), "circuit", "The circuit"),),
        proofs=tuple(Explanation(row["function"], (_proof(row),)) for row in rows),
    )


def _lost(result, lost):
    missed = [missed_words(found) for found in result.on_points if found.missed]
    kept = len(result.on_points) - len(lost) - len(missed)
    said = [f"It loses {', '.join(lost)}."] if lost else []
    said += missed
    if kept and not lost:
        said.append("Nothing: it answers as well without." if not missed else "The others it keeps.")
    return " ".join(said) + " "


def missed_words(found: OnPoints) -> str:
    """That the intact circuit does not compute the function, and where it is wrong."""
    parts = [
        f"as a {kind} circuit at {listing((_point(found.data.points[k]) for k in wrong), most=4)}"
        for kind, wrong in found.missed.items()
    ]
    return f"The intact circuit does not compute {found.name}: it is wrong {listing(parts)}."


def _sentence(row, kinds):
    parts = [
        f"{row['accuracy']['intact'][kind]:.1%} of the points with inhibition and "
        f"{row['accuracy']['ablated'][kind]:.1%} without ({kind})"
        for kind in kinds
    ]
    return f"{row['function']}: {', '.join(parts)} answered correctly"


def _proof(row):
    if row["witness"] is None:
        return "The function never falls when inputs rise, so some excitatory-only circuit computes it."
    lower, upper = map(_point, row["witness"])
    return (
        f"At {lower} the function is 1, at {upper} it is 0, though no input went down: more excitation can never make "
        f"a circuit of excitatory neurons answer less. Any such circuit is wrong on at least {row['floor']:.1%} of "
        "the points."
    )
