"""Figures of the experiment on images, each drawn on Axes that the caller gives."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from eisim.report.images import NAMES
from eisim.report.style import DOUBLE, EXCITATORY, INHIBITORY, NEUTRAL, letters
from eisim.studies.images.dimension import BooleanResult, PooledResult, expected_comparable
from eisim.studies.images.networks import Trained
from eisim.studies.images.result import ImagesResult

INTACT, ABLATED = "black", EXCITATORY
MARKERS = {"rate": "o", "spiking": "s"}
CONDITIONS = (("intact", 0, INTACT), ("without inhibition", -1, ABLATED))
#: Left and right of the middle of a group.
OFFSETS = {"rate": 0.0, "spiking": 0.22}
SAMPLE_GREYS = ("#9a9a9a", "#555555", "black")


def networks(result: ImagesResult) -> Figure:
    """Accuracy and one-threshold error of each network, intact and ablated, as DNN and circuits; then by class."""
    figure = Figure(figsize=(DOUBLE, 5.2))
    grid = figure.add_gridspec(2, 6, left=0.085, right=0.985, bottom=0.09, top=0.86, hspace=0.42, wspace=0.75)
    by_largest(left := figure.add_subplot(grid[0, :3]), result)
    by_threshold(figure.add_subplot(grid[0, 3:]), result)
    shared = None
    for k, network in enumerate(result.trained):
        shared = ax = figure.add_subplot(grid[1, 2 * k : 2 * k + 2], sharey=shared)
        classes(ax, network)
        if k:
            ax.tick_params(labelleft=False)
        else:
            ax.set_ylabel("error, one threshold (%)")
    handles, labels = left.get_legend_handles_labels()
    more = figure.axes[1].get_legend_handles_labels()
    seen = dict(zip(labels + more[1], handles + more[0], strict=True))
    figure.legend(seen.values(), seen.keys(), loc="upper center", ncols=4)
    letters(figure.axes)
    return figure


def _groups(ax, result, of_network, of_circuit):
    """For each network a group: the DNN, then each kind of circuit intact and ablated; values in per cent."""
    for k, network in enumerate(result.trained):
        first = k == 0
        ax.plot(
            k - 0.22,
            100 * of_network(network),
            marker="D",
            ms=5,
            mfc="none",
            color=NEUTRAL,
            ls="none",
            label="DNN" if first else None,
        )
        for kind, a in network.ablations.items():
            values = 100 * of_circuit(a)
            x = k + OFFSETS[kind]
            ax.plot([x, x], values[[0, -1]], color="#cccccc", lw=1, ls="-", zorder=1)
            for condition, at, colour in CONDITIONS:
                label = f"{kind} circuit, {condition}" if first else None
                hollow = {"mfc": "none", "ms": 7} if at == 0 else {"ms": 4}  # both are seen where they agree
                ax.plot(x, values[at], MARKERS[kind], color=colour, ls="none", label=label, **hollow)
    ax.set_xticks(range(len(result.trained)), [NAMES[n.signs] for n in result.trained])
    ax.set_xlim(-0.5, len(result.trained) - 0.5)
    ax.set_xlabel("signs of the network's weights")


def by_largest(ax: Axes, result: ImagesResult) -> Axes:
    """Share of test images whose largest output is right."""
    _groups(ax, result, lambda n: n.accuracy("test"), lambda a: a.accuracy)
    ax.axhline(100 / len(result.images.classes), color=NEUTRAL, ls=":", lw=0.8, label="chance / always no")
    ax.set_ylim(0, 103)
    ax.set_ylabel("test images right (%)")
    ax.set_title("by the largest output (compares outputs)", loc="left")
    return ax


def by_threshold(ax: Axes, result: ImagesResult) -> Axes:
    """Error of the best threshold on each class's own output, mean over classes, with the floor."""
    _groups(ax, result, lambda n: n.threshold_errors.mean(), lambda a: a.threshold_errors.mean(axis=1))
    ax.axhline(100 * result.pooled.floors["test"][-1].mean(), color=INHIBITORY, lw=1.2, label="floor", zorder=0)
    ax.axhline(100 * result.pooled.prevalence.mean(), color=NEUTRAL, ls=":", lw=0.8)
    ax.set_ylim(bottom=-0.3)
    ax.set_ylabel("error, one threshold (%)")
    ax.set_title("by one threshold for each class (mean)", loc="left")
    return ax


def classes(ax: Axes, network: Trained) -> Axes:
    """One-threshold error of each class, intact and ablated, with its floor."""
    judged = np.arange(len(network.threshold_errors))
    for kind, a in network.ablations.items():
        for _, at, colour in CONDITIONS:
            hollow = {"mfc": "none", "ms": 4.5, "mew": 0.8} if at == 0 else {"ms": 2.5}
            ax.plot(
                judged + (0.2 if kind == "spiking" else -0.2),
                100 * a.threshold_errors[at],
                MARKERS[kind],
                color=colour,
                ls="none",
                **hollow,
            )
        ax.hlines(100 * a.floors.one_polarity, judged - 0.42, judged + 0.42, color=INHIBITORY, lw=1.2, zorder=0)
    ax.set_xticks(judged, [f"{c:g}" for c in network.images.classes[-len(judged) :]])
    ax.set_ylim(bottom=-0.4)
    ax.set_xlabel("class")
    ax.set_title(NAMES[network.signs], loc="left")
    return ax


def number_of_inputs(result: ImagesResult) -> Figure:
    """Comparable pairs, errors on pooled images, and floors of random functions, against the number of inputs."""
    figure = Figure(figsize=(DOUBLE, 3.5))
    axes = figure.subplots(1, 3, width_ratios=(1, 1.15, 1))
    figure.subplots_adjust(left=0.085, right=0.99, bottom=0.13, top=0.6, wspace=0.33)
    comparable_pairs(axes[0], result)
    pooled_errors(axes[1], result.pooled)
    random_functions(axes[2], result.whole, result.samples)
    titles = ("comparable pairs", f"{result.images.name}, pooled", "random Boolean functions")
    for ax, title in zip(axes, titles, strict=True):
        ax.set_xlabel("number of inputs")
        ax.set_title(title, loc="left", pad=78)
        ax.legend(loc="lower left", bbox_to_anchor=(-0.05, 1.0), fontsize=6.5, borderpad=0.2)
    letters(axes, (-20, 78))
    return figure


def comparable_pairs(ax: Axes, result: ImagesResult) -> Axes:
    """Share of pairs of points of which one is <= the other, on logarithmic axes."""
    pooled, (n_points, sample) = result.pooled, max(result.samples.items())
    ax.plot(pooled.sides**2, pooled.comparable, "o-", color="black", ms=3, lw=1, label=f"{result.images.name}, pooled")
    n = np.linspace(1, sample.inputs[-1])
    ax.plot(n, expected_comparable(n), color=NEUTRAL, lw=1, label="corners of the n-cube, expected")
    mean = sample.comparable.mean(axis=1)
    some = mean > 0
    ax.plot(sample.inputs[some], mean[some], "x", color=NEUTRAL, ms=4, label=f"{n_points} random corners")
    ax.set_yscale("log")
    _log2(ax, pooled.sides[-1] ** 2)
    ax.set_ylabel("share of comparable pairs")
    return ax


def pooled_errors(ax: Axes, pooled: PooledResult) -> Axes:
    """Floor and errors of trained networks, mean over classes, on images to train on and to test."""
    n = pooled.sides**2
    lines = (
        ("floor", pooled.floors["train"], pooled.floors["test"], INHIBITORY, "s"),
        ("excitation only", pooled.errors["excitatory", "train"], pooled.errors["excitatory", "test"], EXCITATORY, "o"),
        ("free", pooled.errors["free", "train"], pooled.errors["free", "test"], "black", "D"),
    )
    for name, train, test, colour, marker in lines:
        style = {"color": colour, "marker": marker, "lw": 1, "ms": 3}
        ax.plot(n, 100 * train.mean(axis=1), label=f"{name}, training images", **style)
        ax.plot(n, 100 * test.mean(axis=1), ls="--", mfc="none", label=f"{name}, test images", **style)
    ax.plot(n, 100 * pooled.extended.mean(axis=1), ":", color=INHIBITORY, lw=1, label="best monotone, extended to test")
    ax.set_ylim(bottom=-0.3)
    _log2(ax, n[-1])
    ax.set_ylabel("error, one class against all (%)")
    return ax


def random_functions(ax: Axes, whole: BooleanResult, samples: dict[int, BooleanResult]) -> Axes:
    """Mean floors with their spread over functions."""
    parts = [(f"judged at {n} points", r) for n, r in samples.items()] + [("whole", whole)]
    for (name, result), colour in zip(parts, SAMPLE_GREYS[-len(parts) :], strict=False):
        mean, sd = result.floors.mean(axis=1), result.floors.std(axis=1)
        colour = INHIBITORY if result is whole else colour
        ax.plot(result.inputs, 100 * mean, "o-", color=colour, ms=2.5, lw=1, label=f"floor, {name}")
        ax.fill_between(result.inputs, 100 * (mean - sd), 100 * (mean + sd), color=colour, alpha=0.2, lw=0)
    ax.axhline(50, color=NEUTRAL, ls=":", lw=0.8, label="chance")
    ax.set_ylim(0, 52)
    _log2(ax, max(r.inputs[-1] for _, r in parts))
    ax.set_ylabel("floor (%)")
    return ax


def _log2(ax, most):
    ax.set_xscale("log", base=2)
    ticks = [n for n in (1, 4, 16, 64, 256, 1024) if n <= max(most, 16)]
    ax.set_xticks(ticks, [str(n) for n in ticks])
    ax.set_xticks([], minor=True)
