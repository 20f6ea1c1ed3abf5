"""What the experiment on geometry found: JSON, terminal table, CSV, labelled arrays and decision maps."""

import csv
import io

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from rich.table import Table

from eisim.circuit import Circuit
from eisim.report.style import DOUBLE, INHIBITORY, NEUTRAL, SINGLE
from eisim.studies.regions.decision_maps import CONDITIONS, GeometryResult, RegionResult

ROWS = {
    "intact": "intact",
    "ablated": "without\ninhibition",
    "best_excitatory": "best\nexcitatory-only\ncircuit",
    "best_monotone": "best\nmonotone\nfunction",
}
INSIDE, OUTSIDE = "#efac8f", "#f4f4f4"
#: Witnesses that are drawn on a map.
SHOWN = 3
MAP_COLOURS = ListedColormap([OUTSIDE, INSIDE])
SYSTEM_NAMES = {"spiking": "spiking circuits", "rate": "rate circuits", "dnn": "equivalent DNNs"}


def document(result: GeometryResult) -> dict:
    """The result as a JSON object."""
    return {
        "resolution": result.resolution,
        "rows": [_row(region) for region in result.regions],
        "problems": result.problems,
    }


def _row(region: RegionResult) -> dict:
    witnesses = [[list(w.lower), list(w.upper)] for w in region.witnesses]
    return {
        "region": region.name,
        "network": region.origin,
        "neurons": region.neurons,
        "representable": region.representable,
        "violating_pairs": region.violating_pairs,
        "witness": witnesses[0] if witnesses else None,
        "witnesses": witnesses,
        "floor": region.floor,
        "accuracy": region.accuracy,
        "equivalence_error": region.equivalence_error,
        "verdict": region.verdict,
    }


def terminal_table(result: GeometryResult) -> Table:
    """One line for each region."""
    systems = list(result.regions[0].decisions)
    side = result.resolution
    table = Table(title=f"Share of the unit square decided right (%), on {side} × {side} cells")
    table.add_column("region")
    table.add_column("E + I", justify="right")
    for condition in ("intact", "ablated", "best excitatory"):
        table.add_column(f"{condition}\n{'/'.join(systems)}", justify="right")
    table.add_column("1 − floor", justify="right")
    table.add_column("verdict")
    for region in result.regions:
        accuracies = ["/".join(f"{100 * region.accuracy[c][s]:.1f}" for s in systems) for c in CONDITIONS]
        neurons = f"{region.neurons['E']} + {region.neurons['I']}"
        colour = "green" if region.verdict == "kept" else "red"
        reach = f"{100 * (1 - region.floor):.1f}"
        table.add_row(region.name, neurons, *accuracies, reach, f"[{colour}]{region.verdict}[/]")
    return table


def csv_table(result: GeometryResult) -> str:
    """One row for each region, condition and system."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["region", "network", "condition", "system", "accuracy", "floor", "representable", "verdict"])
    for region in result.regions:
        for condition, accuracies in region.accuracy.items():
            for system, accuracy in accuracies.items():
                row = (region.name, region.origin, condition, system, accuracy)
                writer.writerow([*row, region.floor, region.representable, region.verdict])
    return text.getvalue()


def maps_table(result: GeometryResult, system: str) -> str:
    """CSV behind the decision maps of one system: a line for each region and cell, 1 where it is put inside."""
    columns = ("region", "x", "y", "inside", *CONDITIONS, "best_monotone")
    lines = []
    for region in result.regions:
        maps = [region.data.targets, *(region.decisions[system][c] for c in CONDITIONS), region.best]
        values = np.stack(maps, axis=1).astype(int).tolist()
        places = region.data.points.round(9).tolist()
        lines += [",".join(map(str, (region.name, *place, *row))) for place, row in zip(places, values, strict=True)]
    return "\n".join([",".join(columns), *lines, ""])


def drawn_system(result: GeometryResult) -> str:
    """The system whose maps are drawn: the first kind of circuit."""
    return next(iter(result.regions[0].circuits))


def drawn_circuit(result: GeometryResult) -> Circuit:
    """The intact circuit that is drawn: of the first region that is lost, or of the first."""
    region = next((region for region in result.regions if region.verdict == "lost"), result.regions[0])
    return region.circuits[drawn_system(result)]["intact"]


def labelled(result: GeometryResult) -> tuple[dict, dict]:
    """All maps as labelled arrays: variables and coordinates, each (dimensions, values, attributes)."""
    side, regions = result.resolution, result.regions
    systems = list(regions[0].decisions)
    place = ("region", "y", "x")

    def grid(values):
        return np.asarray(values).reshape(*np.shape(values)[:-1], side, side).astype(np.int8)

    decisions = [[[region.decisions[s][c] for c in CONDITIONS] for s in systems] for region in regions]
    about = {"flag_meanings": "0: outside, 1: inside"}
    centres = (np.arange(side) + 0.5) / side
    return {
        "region_map": (place, grid([region.data.targets for region in regions]), about),
        "decision": (("region", "system", "condition", "y", "x"), grid(decisions), about),
        "best_monotone": (place, grid([region.best for region in regions]), about),
        "floor": (("region",), np.array([region.floor for region in regions]), {"units": "share of the area"}),
    }, {
        "region": (("region",), np.array([region.name for region in regions]), {}),
        "system": (("system",), np.array(systems), {}),
        "condition": (("condition",), np.array(CONDITIONS), {}),
        "x": (("x",), centres, {"units": "1"}),
        "y": (("y",), centres, {"units": "1"}),
    }


def decision_maps(result: GeometryResult, system: str) -> Figure:
    """What one system puts inside each region, by condition, and what the best monotone function does."""
    regions, n = result.regions, len(result.regions)
    width = SINGLE if n <= 2 else DOUBLE
    side = min(0.95, (width - 1.05) / n)  # of a map and the gap beside it
    below = 0.85 if n > 2 else 1.35  # of the maps, for the note and the legend
    height = len(ROWS) * (side + 0.16) + below + 0.8
    figure = Figure(figsize=(width, height))
    axes = figure.subplots(len(ROWS), n, squeeze=False)
    figure.subplots_adjust(
        left=0.95 / width,
        right=(0.95 + n * side) / width,
        bottom=below / height,
        top=1 - 0.8 / height,
        wspace=0.1,
        hspace=0.3,
    )
    for column, region in zip(axes.T, regions, strict=True):
        maps = region.decisions[system] | {"best_monotone": region.best == 1}
        for ax, condition in zip(column, ROWS, strict=True):
            decision_map(ax, region, maps[condition])
        name = "\n".join(region.name.replace("-", " ").rsplit(" ", 1))
        column[0].set_title(f"{name}\n{column[0].get_title()}", pad=2, fontsize=6.5)
        witness_pairs(column[0], region)
        column[-1].set_xlabel("x", labelpad=1 if region is regions[0] else 7, fontsize=7)  # below the numbers
    for ax in axes.ravel():
        ax.label_outer()
    for ax in axes[:, 1:].ravel():  # side by side the 1 of one and the 0 of the next would read as 10
        ax.tick_params(labelbottom=False)
    for ax, name in zip(axes[:, 0], ROWS.values(), strict=True):
        ax.set_ylabel(f"{name}\n\ny", fontsize=7, labelpad=1)
    kept = sum(region.verdict == "kept" for region in regions)
    if [region.verdict for region in regions] == ["kept"] * kept + ["lost"] * (n - kept):
        for first, last, verdict in ((0, kept, "kept"), (kept, n, "lost")):
            if last > first:
                _bracket(figure, axes[0, first], axes[0, last - 1], verdict)
    handles = [
        Patch(facecolor=INSIDE, label=f"decided inside ({SYSTEM_NAMES[system]})"),
        Line2D([], [], color="black", lw=0.8, label="boundary of the region on the cells"),
        Line2D([], [], color=INHIBITORY, marker="o", ms=3, lw=1, label="witness: inside (dot) but higher up outside"),
    ]
    figure.legend(handles=handles, loc="lower center", ncols=3 if n > 2 else 1)
    note = "numbers: share of the square decided right; that of the best monotone function is 1 − floor"
    if n <= 2:
        note = note.replace("; ", ";\n")
    figure.text(0.5, (0.32 if n > 2 else 0.83) / height, note, ha="center", va="center", fontsize=7)
    return figure


def decision_map(ax: Axes, region: RegionResult, inside) -> Axes:
    """Which points are decided to lie inside a region, with the edge of its cells; the title is the accuracy."""
    side, square = round(len(region.data.points) ** 0.5), (0, 1, 0, 1)
    truth = region.data.targets.reshape(side, side)
    ax.imshow(np.reshape(inside, (side, side)), origin="lower", extent=square, cmap=MAP_COLOURS, vmin=0, vmax=1)
    ax.add_collection(LineCollection(_edges(truth), colors="black", linewidths=0.8, capstyle="projecting"))
    ax.set_title(f"{np.mean(inside == (region.data.targets == 1)):.3f}", pad=2, fontsize=6.5)
    ax.set(xlim=(0, 1), ylim=(0, 1), xticks=[0, 1], yticks=[0, 1], aspect="equal")
    ax.spines[["top", "right"]].set_visible(True)
    ax.tick_params(length=2, pad=1, labelsize=6)
    return ax


def _edges(truth) -> np.ndarray:
    """The edges between cells inside and outside, of shape (n_edges, 2, 2): ends, then x and y."""
    side = len(truth)
    upright = np.argwhere(np.diff(truth, axis=1))[:, ::-1] + (1, 0)  # the lower end of each, in cells
    level = np.argwhere(np.diff(truth, axis=0))[:, ::-1] + (0, 1)
    ends = [np.stack([low, low + along], axis=1) for low, along in ((upright, (0, 1)), (level, (1, 0)))]
    return np.concatenate(ends) / side


def witness_pairs(ax: Axes, region: RegionResult) -> Axes:
    """A few pairs of points x <= y, a dot at x, which is inside, and an arrow to y, which is not."""
    for witness in region.witnesses[:SHOWN]:
        ax.plot(*witness.lower, "o", ms=1.8, color=INHIBITORY)
        arrow = {
            "arrowstyle": "-|>,head_length=0.25,head_width=0.12",
            "color": INHIBITORY,
            "lw": 0.8,
            "shrinkA": 0,
            "shrinkB": 0,
        }
        ax.annotate("", witness.upper, witness.lower, arrowprops=arrow)
    return ax


def _bracket(figure, first, last, text) -> None:
    """A line above some panels, with a word."""
    left, right = first.get_position().x0, last.get_position().x1
    y = 1 - 0.28 / figure.get_figheight()
    figure.add_artist(Line2D([left, right], [y, y], color=NEUTRAL, lw=0.8))
    figure.text((left + right) / 2, y, text, ha="center", va="bottom", fontsize=8)
