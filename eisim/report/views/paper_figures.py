"""Figures of the statements of Wang et al. (2023)."""

import numpy as np

from eisim.report.style import DOUBLE, LOWER, NEUTRAL, UPPER, Figure, letters, new_figure
from eisim.studies.paper.check import Face, PaperResult
from eisim.studies.paper.context import Behaviour

LOOKS = {"kept": {"color": LOWER, "marker": "o"}, "broken": {"color": UPPER, "marker": "s"}}
GUIDE = {"color": "#777777", "lw": 0.8, "zorder": 0}
#: Colours of points that are outside of both regions, in the nearest one alone, in the wanted one alone, and in both.
REGIONS = ("#f2f2f2", "#f0c05a", "#b8558c", "#4d7ea8")


def blocks(result: PaperResult) -> Figure:
    """Order in random networks, the loss of trained ones on XOR, and inhibition in their circuits."""
    checks = [each for each in result.checks if each.part == "building block"]
    places = np.arange(len(checks))
    figure = new_figure(DOUBLE, 3.3, "constrained")
    has_circuits = any(each.inhibitory is not None for each in checks)
    ratios = (2, 2, 1.3)[: 2 + has_circuits]
    left, right, *more = axes = figure.subplots(1, len(ratios), sharey=True, width_ratios=ratios)
    for finding, look in LOOKS.items():
        rows = [k for k, each in enumerate(checks) if each.finding == finding]
        shares = [checks[k].pairs for k in rows]
        values = 100 * np.array([each.value for each in shares])
        error = np.abs(100 * np.array([each.interval for each in shares]).T - values)
        left.errorbar(values, rows, xerr=error, ls="none", ms=4, elinewidth=0.9, label=f"order is {finding}", **look)
        right.plot([checks[k].trained[0].loss for k in rows], rows, ls="none", ms=4, **look)
        for ax in more:
            ax.barh(rows, [checks[k].inhibitory for k in rows], height=0.5, color=look["color"])
    floor = next(each.trained[0].possible for each in checks if each.finding == "kept")
    right.axvline(floor, ls=(0, (4, 3)), **GUIDE)
    right.annotate("floor", (floor, len(checks) - 0.6), (-3, 0), textcoords="offset points", ha="right", fontsize=7)
    right.axvline(0, **GUIDE)
    left.set_yticks(places, [each.name for each in checks])
    left.set(
        xlabel="networks that violate order (%)",
        xlim=(-3, 103),
        ylim=(len(checks) - 0.3, -0.7),
        ylabel="building block",
    )
    right.set(xlabel="mean squared error on XOR", xlim=(-0.01, 0.2))
    for ax in more:
        ax.set(xlabel="inhibitory neurons")
        ax.axvline(0, **GUIDE)
    figure.legend(*left.get_legend_handles_labels(), loc="outside upper center", ncols=2)
    letters(axes, (-8, 3))
    return figure


def faces(found: tuple[Face, ...]) -> Figure:
    """Regions, and the nearest region that an excitatory-only circuit has."""
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Patch

    figure = new_figure(DOUBLE, 3.0, "constrained")
    axes = figure.subplots(1, len(found), sharey=True)
    for ax, face in zip(axes, found, strict=True):
        side = 1 / (len(face.wanted) - 1) / 2
        shown = 2 * face.wanted.astype(int) + face.nearest
        extent = (-side, 1 + side, -side, 1 + side)
        ax.imshow(shown, cmap=ListedColormap(REGIONS), vmin=0, vmax=3, origin="lower", extent=extent)
        ax.set(xlabel="input 1", xticks=[0, 0.5, 1], yticks=[0, 0.5, 1])
        ax.set_title(face.name)
    axes[0].set_ylabel("input 2")
    labels = ("in neither", "wrongly added", "missed", "in both")
    patches = [Patch(color=colour, label=label) for colour, label in zip(REGIONS, labels, strict=True)]
    figure.legend(handles=patches, loc="outside upper center", ncols=4)
    return figure


def behaviour(found: Behaviour) -> Figure:
    """Rates of both cells of the jellyfish against touch, with and without inactivation."""
    figure = new_figure(DOUBLE, 2.5, "constrained")
    axes = figure.subplots(1, 2, sharey=True)
    titles = "conductance inactivates", "conductance does not inactivate"
    readouts = found.contexts.circuit.readouts
    for ax, rates, title in zip(axes, (found.rates, found.remedied), titles, strict=True):
        for k, (readout, colour, marker) in enumerate(zip(readouts, (LOWER, UPPER), "os", strict=True)):
            look = {"color": colour, "marker": marker, "ms": 4, "lw": 1.2}
            ax.plot(found.contexts.levels, np.maximum(rates[:, k], 0.3), label=f"{readout.population} cell", **look)
        ax.axhline(readouts[0].threshold, ls=(0, (4, 3)), **GUIDE)
        ax.set(yscale="log", xlabel="strength of touch", ylim=(0.25, 200), yticks=[0.3, 1, 10, 100])
        ax.set_yticklabels(["0", "1", "10", "100"])
        ax.set_title(title, color=NEUTRAL)
    axes[0].set_ylabel("rate (Hz)")
    axes[1].legend(loc="lower right")
    letters(axes, (-8, 3))
    return figure
