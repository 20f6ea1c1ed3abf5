"""What the ablation of a stranger's network found: JSON, table, CSV and figure."""

from itertools import pairwise

import numpy as np
import pandas
from matplotlib.figure import Figure
from rich.console import Group
from rich.table import Table

from eisim.network_ablation import TIMES, NetworkAblation
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


def to_json(results: list[NetworkAblation]) -> dict:
    """The results of both kinds as a JSON object."""
    first = results[0]
    return {
        "network": first.name,
        "data": first.data.name,
        "points": len(first.data.targets),
        "signed_inputs": first.signed_inputs,
        "fraction_removed": first.fractions,
        **{
            result.kind: {
                "neurons": result.neurons,
                "equivalence_error": result.equivalence_error,
                "agreement": result.agreement,
                "accuracy": result.accuracy,
                "classes": rows(result),
            }
            for result in results
        },
        "notes": list(first.data.notes),
        "problems": [problem for result in results for problem in result.problems],
    }


def csv_table(results: list[NetworkAblation]) -> str:
    """The classes as CSV."""
    lines = [{"kind": result.kind, **row} for result in results for row in rows(result)]
    return pandas.DataFrame(lines).to_csv(index=False, lineterminator="\n")


def terminal_table(results: list[NetworkAblation]) -> Group:
    """The tables that people read."""
    result = results[0]
    polarity = "Inputs are not negative and come in one polarity."
    if result.signed_inputs:
        polarity = (
            "Inputs are signed and come as ON and OFF pairs, by which every function becomes monotone (T9): the floor "
            "does not bind the circuit."
        )
    return Group(
        *(part for each in results for part in _table(each)),
        "intact, ablated: balanced accuracy of the class against all others (0.5 is chance), by the largest output: "
        "this compares outputs, and a comparison is a subtraction (T9).",
        "error, one threshold: share of rows wrong about the class, by the best threshold on its own output; intact → "
        "ablated.",
        "floor: the least such error of any excitatory-only network on these data.",
        polarity,
        *(f"Note: {note}" for note in result.data.notes),
    )


def _table(result):
    table = Table(
        title=f"{result.name} on {result.data.name}, {len(result.data.targets):,} rows: {result.kind} circuit",
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
    equal = f"equals the network within {result.equivalence_error:.1e}"
    if result.kind == "spiking":
        seconds = TIMES["spiking"]["duration"]
        equal = f"agrees with the network on {result.agreement:.1%} of the rows after {seconds:g} s"
    return (
        table,
        f"Accuracy {result.accuracy[0]:.3f} intact, {result.accuracy[-1]:.3f} without inhibition; the circuit of "
        f"{result.neurons['E']:,} excitatory and {result.neurons['I']:,} inhibitory neurons {equal}.",
        "",
    )


def ablation_figure(results: list[NetworkAblation]) -> Figure:
    """Accuracy, and balanced accuracy of each class, against the fraction of inhibition removed; a panel for a kind."""
    figure = Figure(figsize=(3.6 * len(results) + 0.8, 3.2), layout="constrained")
    for ax, result in zip(figure.subplots(1, len(results), squeeze=False)[0], results, strict=True):
        balanced = result.balanced_accuracy
        heights = _apart(balanced[-1], 0.045)
        for k, value in enumerate(result.judged):
            colour = EXCITATORY if result.kept[k] else INHIBITORY
            ax.plot(result.fractions, balanced[:, k], color=colour, lw=0.8, alpha=0.7)
            ax.annotate(f" {value:g}", (1, heights[k]), fontsize=6, va="center", color=colour, annotation_clip=False)
        ax.plot(result.fractions, result.accuracy, color="black", marker="o", ms=3, label="accuracy, all classes")
        ax.plot([], [], color=EXCITATORY, lw=0.8, label="class kept (balanced accuracy)")
        ax.plot([], [], color=INHIBITORY, lw=0.8, label="class lost (balanced accuracy)")
        ax.axhline(0.5, color=NEUTRAL, ls=":", lw=0.8, label="chance of a class")
        ax.set_ylim(0, 1.03)
        ax.set_xlabel("fraction of inhibition removed")
        ax.set_ylabel("accuracy")
        ax.set_title(f"{result.name} on {result.data.name}: {result.kind}")
    ax.legend(frameon=False, fontsize=7, loc="lower left")
    return figure


def _apart(heights, gap):
    """The heights, moved so that labels there do not overlap."""
    order = np.argsort(heights)
    placed = np.array(heights, dtype=float)
    for below, above in pairwise(order):
        placed[above] = max(placed[above], placed[below] + gap)
    return placed


def figures(results: list[NetworkAblation]):
    """Pairs of file name and figure."""
    yield "ablation.svg", ablation_figure(results)
