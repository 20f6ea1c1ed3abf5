"""Decision maps of regions of the plane."""

import numpy as np

from eisim.report.style import DOUBLE, INHIBITORY, NEUTRAL, SINGLE, Axes, Figure, new_figure
from eisim.studies.regions.decision_maps import GeometryResult, RegionResult

ROWS = {
    "intact": "intact",
    "ablated": "without\ninhibition",
    "best_excitatory": "best\nexcitatory-only\ncircuit",
    "best_monotone": "best\nmonotone\nfunction",
}
INSIDE, OUTSIDE = "#efac8f", "#f4f4f4"
#: Witnesses that are drawn on a map.
SHOWN = 3


def decision_maps(result: GeometryResult, system: str, name: str) -> Figure:
    """What one system, of a name, puts inside each region, by condition, and what the best monotone function does."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    regions, n = result.regions, len(result.regions)
    width = SINGLE if n <= 2 else DOUBLE
    side = min(0.95, (width - 1.05) / n)  # of a map and the gap beside it
    below = 0.85 if n > 2 else 1.35  # of the maps, for the note and the legend
    height = len(ROWS) * (side + 0.16) + below + 0.8
    figure = new_figure(width, height)
    axes = figure.subplots(len(ROWS), n, squeeze=False)
    across = {"left": 0.95 / width, "right": (0.95 + n * side) / width, "wspace": 0.1}
    figure.subplots_adjust(bottom=below / height, top=1 - 0.8 / height, hspace=0.3, **across)
    for column, region in zip(axes.T, regions, strict=True):
        maps = region.decisions[system] | {"best_monotone": region.best == 1}
        for ax, condition in zip(column, ROWS, strict=True):
            decision_map(ax, region, maps[condition])
        title = "\n".join(region.name.replace("-", " ").rsplit(" ", 1))
        column[0].set_title(f"{title}\n{column[0].get_title()}", pad=2, fontsize=6.5)
        witness_pairs(column[0], region)
        column[-1].set_xlabel("x", labelpad=1 if region is regions[0] else 7, fontsize=7)  # below the numbers
    for ax in axes.ravel():
        ax.label_outer()
    for ax in axes[:, 1:].ravel():  # side by side the 1 of one and the 0 of the next would read as 10
        ax.tick_params(labelbottom=False)
    for ax, row in zip(axes[:, 0], ROWS.values(), strict=True):
        ax.set_ylabel(f"{row}\n\ny", fontsize=7, labelpad=1)
    kept = sum(region.verdict == "kept" for region in regions)
    if [region.verdict for region in regions] == ["kept"] * kept + ["lost"] * (n - kept):
        for first, last, verdict in ((0, kept, "kept"), (kept, n, "lost")):
            if last > first:
                _bracket(figure, axes[0, first], axes[0, last - 1], verdict)
    handles = [
        Patch(facecolor=INSIDE, label=f"classified as inside ({name})"),
        Line2D([], [], color="black", lw=0.8, label="boundary of the region on the cells"),
        Line2D([], [], color=INHIBITORY, marker="o", ms=3, lw=1, label="witness: inside (dot), outside higher up"),
    ]
    figure.legend(handles=handles, loc="lower center", ncols=3 if n > 2 else 1)
    note = "numbers: share of the square classified correctly; that of the best monotone function is 1 − floor"
    if n <= 2:
        note = note.replace("; ", ";\n")
    figure.text(0.5, (0.32 if n > 2 else 0.83) / height, note, ha="center", va="center", fontsize=7)
    return figure


def decision_map(ax: Axes, region: RegionResult, inside) -> None:
    """Which points are decided to lie inside a region, with the edge of its cells; the title is the accuracy."""
    from matplotlib.collections import LineCollection
    from matplotlib.colors import ListedColormap

    side = round(len(region.data.points) ** 0.5)
    truth, shown = region.data.targets.reshape(side, side), np.reshape(inside, (side, side))
    colours = ListedColormap([OUTSIDE, INSIDE])
    ax.imshow(shown, origin="lower", extent=(0, 1, 0, 1), cmap=colours, vmin=0, vmax=1)
    ax.add_collection(LineCollection(_edges(truth), colors="black", linewidths=0.8, capstyle="projecting"))
    ax.set_title(f"{np.mean(inside == (region.data.targets == 1)):.3f}", pad=2, fontsize=6.5)
    ax.set(xlim=(0, 1), ylim=(0, 1), xticks=[0, 1], yticks=[0, 1], aspect="equal")
    ax.spines[["top", "right"]].set_visible(True)
    ax.tick_params(length=2, pad=1, labelsize=6)


def _edges(truth) -> np.ndarray:
    """The edges between cells inside and outside, of shape (n_edges, 2, 2): ends, then x and y."""
    side = len(truth)
    upright = np.argwhere(np.diff(truth, axis=1))[:, ::-1] + (1, 0)  # the lower end of each, in cells
    level = np.argwhere(np.diff(truth, axis=0))[:, ::-1] + (0, 1)
    ends = [np.stack([low, low + along], axis=1) for low, along in ((upright, (0, 1)), (level, (1, 0)))]
    return np.concatenate(ends) / side


def witness_pairs(ax: Axes, region: RegionResult) -> None:
    """A few pairs of points x <= y, a dot at x, which is inside, and an arrow to y, which is not."""
    for witness in region.witnesses[:SHOWN]:
        ax.plot(*witness.lower, "o", ms=1.8, color=INHIBITORY)
        arrow = {"arrowstyle": "-|>,head_length=0.25,head_width=0.12", "color": INHIBITORY, "lw": 0.8}
        ax.annotate("", witness.upper, witness.lower, arrowprops=arrow | {"shrinkA": 0, "shrinkB": 0})


def _bracket(figure, first, last, text) -> None:
    """A line above some panels, with a word."""
    from matplotlib.lines import Line2D

    left, right = first.get_position().x0, last.get_position().x1
    y = 1 - 0.28 / figure.get_figheight()
    figure.add_artist(Line2D([left, right], [y, y], color=NEUTRAL, lw=0.8))
    figure.text((left + right) / 2, y, text, ha="center", va="bottom", fontsize=8)
