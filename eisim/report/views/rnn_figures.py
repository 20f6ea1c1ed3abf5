"""Figures of trained recurrent networks and what ablation leaves of them."""

import numpy as np

from eisim.report.style import DOUBLE, EXCITATORY, INHIBITORY, LOWER, TALLEST, UPPER, Axes, Figure, new_figure
from eisim.studies.rnn import ALL, TrainedNetworks

COLUMNS = 3
LOOKS = {
    ALL: {"color": "black", "ls": "-", "marker": "o"},
    "E->I": {"color": EXCITATORY, "ls": "--", "marker": "s"},
    "I->E": {"color": INHIBITORY, "ls": "-.", "marker": "^"},
    "I->I": {"color": LOWER, "ls": ":", "marker": "D"},
}
LINE = {"color": "#777777", "lw": 0.7, "zorder": 0}


def ablation_curves(found: TrainedNetworks) -> Figure:
    """Score against the fraction, a panel for each network that was ablated."""
    networks = list(dict.fromkeys(each.network.label for each in found.ablated))
    figure, axes = _panels(len(networks))
    for ax, name in zip(axes, networks, strict=True):
        for each in (each for each in found.ablated if each.network.label == name):
            look, scores = LOOKS[each.pathway], each.curve.scores
            ax.fill_between(
                found.fractions, scores.min(axis=1), scores.max(axis=1), color=look["color"], alpha=0.15, lw=0
            )
            ax.plot(found.fractions, scores.mean(axis=1), lw=1, ms=3, label=each.pathway, **look)
        ax.axhline(found.task.criterion, ls=(0, (4, 3)), **LINE)
        if found.attained is not None:
            ax.axhline(found.attained, color=UPPER, lw=0.9, ls=(0, (1, 1.5)), zorder=0)
        ax.set(ylim=(-0.03, 1.05), xlim=(-0.04, 1.04), yticks=[0, 0.5, 1], xticks=[0, 0.5, 1])
        ax.set_title(name, fontsize=8)
    labels = {}
    for ax in axes:
        labels |= dict(zip(*ax.get_legend_handles_labels()[::-1], strict=True))
    figure.legend(labels.values(), labels, loc="outside upper center", ncols=4)
    figure.supxlabel("fraction ablated", fontsize=8)
    figure.supylabel("score of the task", fontsize=8)
    return figure


def psychometric(found: TrainedNetworks) -> Figure:
    """Share of yes, or the score, by level, a panel for each network; darker, the less of inhibition is ablated.

    Where not all inhibition of a network was ablated, it is the first pathway that was.
    """
    ablated = {each.network.label: each for each in found.ablated[::-1]}
    ablated |= {each.network.label: each for each in found.ablated if each.pathway == ALL}
    figure, axes = _panels(len(found.networks))
    for ax, network, intact in zip(axes, found.networks, found.intact_levels, strict=True):
        shown = ablated.get(network.label)
        curves = intact[None] if shown is None else shown.levels
        for k in range(len(curves))[::-1]:
            colour = str(0.8 * k / max(1, len(found.fractions) - 1))
            ax.plot(found.levels, curves[k], color=colour, lw=1, marker="o", ms=2.5, label=f"{found.fractions[k]:.3g}")
        ax.set(ylim=(-0.05, 1.05), yticks=[0, 0.5, 1])
        is_part = shown is not None and shown.pathway != ALL
        ax.set_title(f"{network.label}, {shown.pathway}" if is_part else network.label, fontsize=8)
    fullest = max(axes, key=lambda ax: len(ax.get_legend_handles_labels()[0]))
    handles, labels = fullest.get_legend_handles_labels()
    figure.legend(
        handles[::-1], labels[::-1], loc="outside upper center", ncols=6, title="fraction ablated", title_fontsize=8
    )
    figure.supxlabel(found.task.level, fontsize=8)
    figure.supylabel("share of yes" if found.is_yes else "score of the task", fontsize=8)
    return figure


def _panels(n: int) -> tuple[Figure, list[Axes]]:
    columns = min(COLUMNS, n)
    rows = -(-n // columns)
    figure = new_figure(DOUBLE, min(1.7 * rows + 0.9, TALLEST), "constrained")
    axes = np.ravel(figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True))
    for ax in axes[n:]:
        ax.axis("off")
    return figure, list(axes[:n])
