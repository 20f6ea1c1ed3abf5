"""Figures of a Brian2 network without fractions of its inhibition."""

import numpy as np

from eisim.analysis.statistics import with_t_interval
from eisim.report.judgements import mark_controls
from eisim.report.style import DOUBLE, NEUTRAL, SINGLE, TALLEST, Axes, Figure, letters, new_figure
from eisim.studies.brian2_networks.result import BrianAblation
from eisim.studies.controls import ALL, BETWEEN

#: Groups that are drawn: the largest ones.
MOST_GROUPS = 6
#: Distinct in hue and lightness, and not those of excitation and inhibition: groups of a script may have neither sign.
COLOURS = ("#222222", "#009e73", "#b8558c", "#8c6d1f", "#5b8ff9", "#999999")
#: Most of a raster that is drawn, in s, and fractions.
LONGEST, MOST_RASTERS = 1.0, 3
#: Most fractions that are written at the axis.
MOST_TICKS = 6
#: How controls are drawn, right of the largest fraction.
MARKS = {"compensated": "v", "sham_excitation": "x", "sham_random": "+"}
MARKS_SAID = (
    " Right of the largest fraction, controls: triangles for scaled excitation (of the factors, the one with rates "
    "nearest to the intact ones), × for as much taken from excitation, + from random synapses."
)


def drawn(found: BrianAblation) -> list[int]:
    """The groups that are drawn, in their order."""
    return sorted(np.argsort(-np.array(found.sizes), kind="stable")[:MOST_GROUPS].tolist())


def shown(found: BrianAblation) -> float:
    """Length of the rasters, in s."""
    return float(min(LONGEST, np.max(found.durations)))


def ablation(found: BrianAblation) -> Figure:
    """Rate, irregularity, synchrony and a user's score against the fraction removed."""
    panels = [("rate (Hz)", found.rates), ("CV of intervals", found.cv), ("synchrony", found.synchrony)]
    n = len(panels) + (found.scores is not None)
    figure = new_figure(DOUBLE, 4.6 if n > 3 else 2.7, "constrained")
    axes = figure.subplots(2, 2).ravel() if n > 3 else figure.subplots(1, 3)
    for ax, (label, values) in zip(axes, panels, strict=False):
        for colour, g in zip(COLOURS, drawn(found), strict=False):
            _line(ax, found.fractions, values[:, :, g], colour, found.groups[g])
            _mark(ax, found, label.partition(" ")[0].lower(), g, colour)
        ax.set(xlabel="fraction of inhibition removed", ylabel=label, ylim=(0, None))
    highest = np.nanmax(found.rates) if np.isfinite(found.rates).any() else 0.0
    for limit in {float(found.limits[g]) for g in drawn(found)}:
        if limit < 2 * highest:
            axes[0].axhline(limit, color=NEUTRAL, ls=":", lw=0.8)
    if found.scores is not None:
        _line(axes[3], found.fractions, found.scores, "black", "score")
        for curve in found.curves:
            axes[3].axhline(curve.level, color=NEUTRAL, ls="--", lw=0.8)
            if curve.controls is not None:
                mark_controls(axes[3], curve.judgement, at=float(found.fractions[-1]))
                axes[3].legend(fontsize=6)
        axes[3].set(xlabel="fraction of inhibition removed", ylabel="score")
    for ax in axes:
        ax.set_xticks(found.fractions if len(found.fractions) <= MOST_TICKS else found.fractions[[0, -1]])
        ax.set_xlim(-0.04, float(found.fractions[-1]) + (0.24 if found.controls else 0.04))
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    letters(axes, (-24, 4))
    return figure


def rasters(found: BrianAblation) -> Figure:
    """Spikes of the first seed with no, some and all inhibition removed, in rows by group."""
    chosen = np.unique(np.linspace(0, len(found.fractions) - 1, MOST_RASTERS).round().astype(int))
    groups, length = drawn(found), shown(found)
    height = min(TALLEST, 0.9 + 1.1 * len(groups))
    figure = new_figure(SINGLE if len(chosen) == 1 else DOUBLE, height, "constrained")
    axes = figure.subplots(len(groups), len(chosen), squeeze=False, sharex=True)
    for column, k in zip(axes.T, chosen, strict=True):
        column[0].set_title(f"{found.fractions[k]:.0%} removed")
        for ax, colour, g in zip(column, COLOURS, groups, strict=False):
            times, neurons = found.rasters[k].get(found.groups[g], (np.empty(0), np.empty(0)))
            end = float(found.durations[g])
            late = times >= end - length
            ax.plot(times[late], neurons[late], ls="none", marker=".", ms=1.2, color=colour, rasterized=True)
            ax.set(xlim=(max(0.0, end - length), end), ylim=(-1, found.sizes[g]))
        column[-1].set_xlabel("time (s)")
    for ax, g in zip(axes[:, 0], groups, strict=True):
        ax.set_ylabel(f"{found.groups[g]:.18}\nneuron")
    return figure


def _mark(ax: Axes, found: BrianAblation, measure: str, g: int, colour) -> None:
    """Means of a group under controls."""
    nearest = [found.nearest(scaled) for scaled in (BETWEEN, ALL)]
    shams = [each for each in found.controls if each.condition != "compensated"]
    for k, each in enumerate((*filter(None, nearest), *shams)):
        values = {"rate": each.rates, "cv": each.cv, "synchrony": each.synchrony}[measure][:, g]
        if np.isfinite(values).any():
            place = float(found.fractions[-1]) + 0.05 * (k + 1)
            ax.plot(place, np.nanmean(values), ls="none", marker=MARKS[each.condition], ms=4, mfc="none", color=colour)


def _line(ax: Axes, fractions, values, colour, label) -> None:
    """Means over seeds, the second axis, with their intervals."""
    found = [with_t_interval(each) for each in values]
    means = np.array([each.mean for each in found])
    low = [each.mean if each.low is None else max(each.low, 0.0) for each in found]
    high = [each.mean if each.high is None else each.high for each in found]
    ax.fill_between(fractions, low, high, color=colour, alpha=0.2, lw=0)
    ax.plot(fractions, means, color=colour, marker="o", ms=3, lw=1.1, label=label)
