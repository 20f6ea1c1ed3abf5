"""What the ablation of a stranger's network found: JSON, table, CSV and figure."""

import pandas
from matplotlib.figure import Figure
from rich.console import Group
from rich.table import Table

from eisim.network_ablation import NetworkAblation
from eisim.report.figures import EXCITATORY, INHIBITORY, NEUTRAL


def rows(result: NetworkAblation) -> list[dict]:
    """One line for each class."""
    balanced, errors = result.balanced_accuracy, result.threshold_errors
    return [
        {
            "class": value,
            "rows": int((result.data.targets == value).sum()),
            "intact": balanced[0, k],
            "ablated": balanced[-1, k],
            "one_threshold_error_intact": errors[0, k],
            "one_threshold_error_ablated": errors[-1, k],
            "floor": result.floors[k],
            "floor_on_off": result.on_off_floors[k],
            "verdict": "kept" if result.kept[k] else "lost",
        }
        for k, value in enumerate(result.judged)
    ]


def to_json(result: NetworkAblation) -> dict:
    """The result as a JSON object."""
    return {
        "network": result.name,
        "data": result.data.name,
        "points": len(result.data.targets),
        "neurons": result.neurons,
        "signed_inputs": result.signed_inputs,
        "equivalence_error": result.equivalence_error,
        "fraction_removed": result.fractions,
        "accuracy": result.accuracy,
        "classes": rows(result),
        "notes": list(result.data.notes),
        "problems": result.problems,
    }


def csv_table(result: NetworkAblation) -> str:
    """The classes as CSV."""
    return pandas.DataFrame(rows(result)).to_csv(index=False, lineterminator="\n")


def terminal_table(result: NetworkAblation) -> Group:
    """The table that people read."""
    table = Table(
        title=f"{result.name} on {result.data.name}, {len(result.data.targets):,} rows, without inhibition",
        title_justify="left",
        title_style="bold",
        box=None,
        padding=(0, 1, 0, 0),
        header_style="underline",
    )
    for heading in ("class", "rows", "intact", "ablated", "error, one threshold", "floor", "verdict"):
        table.add_column(heading, justify="left" if heading == "verdict" else "right", no_wrap=True)
    for row in rows(result):
        table.add_row(
            f"{row['class']:g}",
            f"{row['rows']:,}",
            f"{row['intact']:.3f}",
            f"{row['ablated']:.3f}",
            f"{row['one_threshold_error_intact']:.3f} → {row['one_threshold_error_ablated']:.3f}",
            f"{row['floor']:.3f}",
            "[green]kept[/]" if row["verdict"] == "kept" else "[red]lost[/]",
        )
    polarity = "Inputs are not negative and come in one polarity."
    if result.signed_inputs:
        polarity = (
            "Inputs are signed and come as ON and OFF pairs, by which every function becomes monotone (T9): the floor "
            "does not bind the circuit."
        )
    notes = [
        f"Accuracy {result.accuracy[0]:.3f} intact, {result.accuracy[-1]:.3f} without inhibition.",
        f"The rate circuit ({result.neurons['E']:,} excitatory, {result.neurons['I']:,} inhibitory neurons) equals the "
        f"network within {result.equivalence_error:.1e} on these data.",
        "intact, ablated: balanced accuracy of the class against all others (0.5 is chance), by the largest output: "
        "this compares outputs, and a comparison is a subtraction (T9).",
        "error, one threshold: share of rows wrong about the class, by the best threshold on its own output; intact → "
        "ablated.",
        "floor: the least such error of any excitatory-only network on these data.",
        polarity,
        *(f"Note: {note}" for note in result.data.notes),
    ]
    return Group(table, "", *notes)


def ablation_figure(result: NetworkAblation) -> Figure:
    """Accuracy, and balanced accuracy of each class, against the fraction of inhibition removed."""
    figure = Figure(figsize=(4.6, 3.0), layout="constrained")
    ax = figure.subplots()
    balanced = result.balanced_accuracy
    for k, value in enumerate(result.judged):
        colour = EXCITATORY if result.kept[k] else INHIBITORY
        ax.plot(result.fractions, balanced[:, k], color=colour, lw=0.8, alpha=0.7)
        ax.annotate(f" {value:g}", (1, balanced[-1, k]), fontsize=6, va="center", color=colour, annotation_clip=False)
    ax.plot(result.fractions, result.accuracy, color="black", marker="o", ms=3, label="accuracy, all classes")
    ax.plot([], [], color=EXCITATORY, lw=0.8, label="class kept (balanced accuracy)")
    ax.plot([], [], color=INHIBITORY, lw=0.8, label="class lost (balanced accuracy)")
    ax.axhline(0.5, color=NEUTRAL, ls=":", lw=0.8, label="chance of a class")
    ax.set_ylim(0, 1.03)
    ax.set_xlabel("fraction of inhibition removed")
    ax.set_ylabel("accuracy")
    ax.set_title(f"{result.name} on {result.data.name}")
    ax.legend(frameon=False, fontsize=7, loc="lower left")
    return figure


def figures(result: NetworkAblation):
    """Pairs of file name and figure."""
    yield "ablation.svg", ablation_figure(result)
