"""Figure of the limits of the theorem."""

import numpy as np

from eisim.report.style import DOUBLE, EXCITATORY, LOWER, TALLEST, Axes, Figure, new_figure
from eisim.studies.limits.limit import LimitsResult, Outcome

COLUMNS, HEIGHT, LEGEND = 4, 1.62, 0.35
SCORE = {"color": "black", "marker": "s", "ms": 2.8, "lw": 1, "label": "score of the function"}
BOUND = {"color": "#777777", "ls": (0, (4, 3)), "lw": 0.8, "zorder": 0, "label": "bound by the theorem"}
BROKEN = {"color": EXCITATORY, "marker": "o", "ms": 2.8, "lw": 0.8, "label": "ordered pairs whose response falls"}
RESTORED = {"color": LOWER, "marker": "D", "ms": 3.2, "mfc": "white", "ls": "none", "label": "the same with the remedy"}


def limits(result: LimitsResult) -> Figure:
    """Score and violations of order against the dose, a panel for each mechanism."""
    rows = -(-len(result.outcomes) // COLUMNS)
    figure = new_figure(DOUBLE, min(TALLEST, rows * HEIGHT + LEGEND), "constrained")
    axes = figure.subplots(rows, min(COLUMNS, len(result.outcomes)), sharey=True, squeeze=False).ravel()
    for ax, outcome in zip(axes, result.outcomes, strict=False):
        panel(ax, outcome)
    for ax in axes[len(result.outcomes) :]:
        ax.set_axis_off()
    figure.supylabel("share", fontsize=8)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=4, handlelength=1.4)
    return figure


def panel(ax: Axes, outcome: Outcome) -> None:
    """One mechanism; doses are evenly spaced."""
    places = np.arange(len(outcome.doses))
    scores = outcome.estimates
    ends = np.array([[0, 0] if each.low is None else [each.mean - each.low, each.high - each.mean] for each in scores])
    ax.errorbar(places, [each.mean for each in scores], yerr=ends.T, elinewidth=0.8, **SCORE)
    ax.axhline(outcome.bound, **BOUND)
    _intervals(ax, places, outcome.violations, **BROKEN)
    _intervals(ax, places[-1:] + 0.35, [outcome.restored], **RESTORED)
    ax.set_title(f"{outcome.name}\n({outcome.kind})", fontsize=7)
    ax.set_xticks(places, [f"{dose:g}" for dose in outcome.doses], fontsize=5.5)
    ax.set(ylim=(-0.04, 1.06), xlim=(-0.4, places[-1] + 0.7), yticks=[0, 0.5, 1])
    ax.set_xlabel(outcome.axis, fontsize=6.5)


def _intervals(ax, places, shares, **look):
    values = np.array([each.value for each in shares])
    error = np.abs(np.array([each.interval for each in shares]).T - values)
    ax.errorbar(places, values, yerr=error, elinewidth=0.8, **look)
