"""The space of all functions at a glance: what appears with each inhibitory neuron that is added."""

import numpy as np

from eisim.report.style import DOUBLE, EXCITATORY, NEUTRAL, Axes, Figure, letters, new_figure
from eisim.studies.census import Census
from eisim.theory.inversion import falls

COLOURS = (EXCITATORY, "#5b9bd9", "#123f6b", "#000000")
MARKERS = "osD^"
UNREACHED = "#ececec"


def function_space(census: Census) -> Figure:
    """Maps of the functions reached with 0, 1, 2, ... inhibitory neurons; floors; what is left under ablation."""
    numbers = np.unique(census.inhibitory)
    figure = new_figure(DOUBLE, 2.9 if census.sampled else 5.4, "constrained")
    if census.sampled:
        below = figure
    else:
        above, below = figure.subfigures(2, 1, height_ratios=[1.15, 1])
        for ax, r in zip(above.subplots(1, len(numbers), squeeze=False)[0], numbers, strict=True):
            reached_map(ax, census, r)
    left, right = below.subplots(1, 2)
    floor_histogram(left, census)
    survival(right, census)
    letters(figure.axes, (-6, 4))
    return figure


def reached_map(ax: Axes, census: Census, inhibitory: int) -> None:
    """All functions as a square, each one cell, coloured by the inhibitory neurons it needs if these are enough.

    Row and column are the two halves of the truth table, each sorted by its own need of inhibition, then by its
    number of ones: the function for which both are the same depends on the later inputs only.
    """
    from matplotlib.colors import ListedColormap

    half = census.values.shape[1] // 2
    size = 2**half
    rank = _ranks(half)
    codes = census.values @ (1 << np.arange(2 * half)[::-1])
    shown = np.full((size, size), np.nan)
    reached = census.inhibitory <= inhibitory
    shown[rank[codes // size][reached], rank[codes % size][reached]] = census.inhibitory[reached]
    cmap = ListedColormap(COLOURS).with_extremes(bad=UNREACHED)
    ax.imshow(shown, cmap=cmap, vmin=-0.5, vmax=len(COLOURS) - 0.5, interpolation="nearest", rasterized=True)
    neurons = {0: "excitatory-only", 1: "1 inhibitory neuron"}.get(inhibitory, f"{inhibitory} inhibitory neurons")
    ax.set_title(f"{neurons}:\n{reached.sum():,} of {len(reached):,} functions")
    ax.set(xlabel="f where the first input is 1", xticks=[], yticks=[])
    if not inhibitory:
        ax.set_ylabel("f where the first input is 0")
    ax.spines[:].set(visible=True, color="#999999")


def _ranks(n_patterns):
    """Place of each half truth table: by the falls along chains, then by its number of ones, then in counting order."""
    values = (np.arange(2**n_patterns)[:, None] >> np.arange(n_patterns)[::-1] & 1).astype(bool)
    rank = np.empty(len(values), dtype=int)
    rank[np.lexsort((values.sum(axis=1), falls(values).max(axis=1)))] = np.arange(len(values))
    return rank


def floor_histogram(ax: Axes, census: Census) -> None:
    """Distribution of the floor, by the inhibitory neurons that the functions need."""
    n_patterns = census.values.shape[1]
    wrong = np.round(census.floor * n_patterns).astype(int)
    base = np.zeros(wrong.max() + 1)
    for r in np.unique(census.inhibitory):
        counts = np.bincount(wrong[census.inhibitory == r], minlength=len(base))
        ax.bar(np.arange(len(base)), counts, bottom=base, width=0.85, color=COLOURS[r], label=f"{r}")
        base += counts
    ax.set(xticks=range(len(base)), ylabel="number of functions")
    ax.set_xlabel(f"floor (patterns wrong, of {n_patterns})")
    ax.yaxis.set_major_formatter("{x:,.0f}")
    ax.legend(title="inhibitory neurons needed", loc="lower center", bbox_to_anchor=(0.5, 1), ncols=4, borderaxespad=0)


def survival(ax: Axes, census: Census) -> None:
    """Mean accuracy, and the share of functions still computed, against the fraction of inhibition removed."""
    accuracy = census.accuracy
    style = {"ms": 3, "lw": 1.2}
    for r in np.unique(census.inhibitory):
        mine = accuracy[:, census.inhibitory == r]
        ax.plot(census.fractions, mine.mean(axis=1), color=COLOURS[r], marker=MARKERS[r], **style)
    ax.plot([], [], color=NEUTRAL, marker="o", label="accuracy (share of patterns), by neurons needed", **style)
    computed = (accuracy == 1).mean(axis=1)
    ax.plot(census.fractions, computed, color=NEUTRAL, ls="--", lw=1, label="share of functions computed")
    ax.set(ylim=(-0.03, 1.03), xlabel="fraction of inhibition removed", ylabel="share of patterns or functions")
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), borderaxespad=0)
