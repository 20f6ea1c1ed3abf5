"""Figures of networks trained on images, and of floors versus input dimension, on Axes that the caller gives."""

import numpy as np

from eisim.report.style import DOUBLE, EXCITATORY, INHIBITORY, NEUTRAL, Axes, Figure, letters, new_figure
from eisim.studies.images.dimension import BooleanResult, PooledResult, expected_comparable
from eisim.studies.images.networks import Trained
from eisim.studies.images.study import ImagesResult

NAMES = {"free": "free", "dale": "Dale's law", "excitatory": "excitatory-only"}
CONDITIONS = (("intact", 0, "black"), ("without inhibition", -1, EXCITATORY))
#: By kind the marker, and its place beside the middle of a group of networks and of a class.
KINDS = {"rate": ("o", 0.0, -0.2), "spiking": ("s", 0.22, 0.2)}
SAMPLE_GREYS = ("#9a9a9a", "#555555", "black")


def networks(result: ImagesResult) -> Figure:
    """Accuracy by argmax and error by the best threshold of each network, intact and ablated; then by class."""
    figure = new_figure(DOUBLE, 5.2)
    grid = figure.add_gridspec(2, 6, left=0.085, right=0.985, bottom=0.09, top=0.86, hspace=0.42, wspace=0.75)
    axes = [figure.add_subplot(grid[0, :3]), figure.add_subplot(grid[0, 3:])]
    by_argmax(axes[0], result)
    by_threshold(axes[1], result)
    handles = {h.get_label(): h for ax in axes for h in ax.get_legend_handles_labels()[0]}.values()
    figure.legend(handles=handles, loc="upper center", ncols=4)
    shared = None
    for k, network in enumerate(result.trained):
        shared = figure.add_subplot(grid[1, 2 * k : 2 * k + 2], sharey=shared)
        classes(shared, network)
        shared.tick_params(labelleft=not k)
        shared.set_ylabel("" if k else "error, best threshold (%)")
    letters(figure.axes)
    return figure


def by_argmax(ax: Axes, result: ImagesResult) -> None:
    """Share of test images that argmax classifies correctly."""
    _, counts = np.unique(result.images.test_targets, return_counts=True)
    _groups(ax, result, lambda dnn: dnn.accuracy("test"), lambda circuit: circuit.accuracy)
    _baseline(ax, counts.max() / counts.sum())
    ax.set(ylim=(0, 103), ylabel="test accuracy (%)")
    ax.set_title("argmax", loc="left")


def by_threshold(ax: Axes, result: ImagesResult) -> None:
    """Error of the best threshold on each class's own output, mean over classes, with the floor."""
    pooled = result.pooled
    _groups(ax, result, lambda dnn: dnn.threshold_errors.mean(), lambda circuit: circuit.threshold_errors.mean(axis=1))
    ax.axhline(100 * pooled.floors["test"][-1].mean(), color=INHIBITORY, lw=1.2, label="floor", zorder=0)
    _baseline(ax, pooled.baseline.mean())
    ax.set(ylim=(-0.3, None), ylabel="error, best threshold (%)")
    ax.set_title("best threshold (one-vs-rest), mean over classes", loc="left")


def _baseline(ax, value):
    ax.axhline(100 * value, color=NEUTRAL, ls=":", lw=0.8, label="majority-class baseline")


def _groups(ax, result, of_network, of_circuit):
    """For each network a group: the DNN, then each kind of circuit intact and ablated; values in per cent."""
    for k, network in enumerate(result.trained):
        ax.plot(k - 0.22, 100 * of_network(network), "D", ms=5, mfc="none", color=NEUTRAL, label="_" * (k > 0) + "DNN")
        for kind, ablation in network.ablations.items():
            (marker, beside, _), values = KINDS[kind], 100 * of_circuit(ablation)
            x = k + beside
            ax.plot([x, x], values[[0, -1]], color="#cccccc", lw=1, zorder=1)
            for condition, at, colour in CONDITIONS:
                label = "_" * (k > 0) + f"{kind} circuit, {condition}"  # with "_" in front it is in no legend
                hollow = {"mfc": "none", "ms": 7} if at == 0 else {"ms": 4}  # both are seen where they agree
                ax.plot(x, values[at], marker, color=colour, label=label, **hollow)
    ax.set_xticks(range(len(result.trained)), [NAMES[n.signs] for n in result.trained])
    ax.set(xlim=(-0.5, len(result.trained) - 0.5), xlabel="signs of the network's weights")


def classes(ax: Axes, network: Trained) -> None:
    """Error of each class by the best threshold, intact and ablated, with its floor."""
    for kind, ablation in network.ablations.items():
        (marker, _, beside), judged = KINDS[kind], np.arange(len(ablation.judged))
        for _, at, colour in CONDITIONS:
            hollow = {"mfc": "none", "ms": 4.5, "mew": 0.8} if at == 0 else {"ms": 2.5}
            ax.plot(judged + beside, 100 * ablation.threshold_errors[at], marker, color=colour, **hollow)
        floors = 100 * ablation.floors.one_polarity
        ax.hlines(floors, judged - 0.42, judged + 0.42, color=INHIBITORY, lw=1.2, zorder=0)
        ax.set_xticks(judged, [f"{value:g}" for value in ablation.judged])
    ax.set(ylim=(-0.4, None), xlabel="class")
    ax.set_title(NAMES[network.signs], loc="left")


def number_of_inputs(result: ImagesResult) -> Figure:
    """Comparable pairs, errors on pooled images, and floors of random functions, against the number of inputs."""
    figure = new_figure(DOUBLE, 3.5)
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


def comparable_pairs(ax: Axes, result: ImagesResult) -> None:
    """Share of pairs of points of which one is <= the other, on logarithmic axes."""
    pooled, (n_points, sample) = result.pooled, max(result.samples.items())
    ax.plot(pooled.sides**2, pooled.comparable, "o-", color="black", ms=3, lw=1, label=f"{result.images.name}, pooled")
    n = np.linspace(1, sample.inputs[-1])
    ax.plot(n, expected_comparable(n), color=NEUTRAL, lw=1, label="corners of the n-cube, expected")
    mean = sample.comparable.mean(axis=1)
    some = mean > 0
    ax.plot(sample.inputs[some], mean[some], "x", color=NEUTRAL, ms=4, label=f"up to {n_points} random corners")
    ax.set_yscale("log")
    _log2(ax, pooled.sides[-1] ** 2)
    ax.set_ylabel("share of comparable pairs")


def pooled_errors(ax: Axes, pooled: PooledResult) -> None:
    """Floor and errors of trained networks, mean over classes, on images to train on and to test."""
    n, errors = pooled.sides**2, pooled.errors
    lines = (
        ("floor", pooled.floors["train"], pooled.floors["test"], INHIBITORY, "s"),
        (NAMES["excitatory"], errors["excitatory", "train"], errors["excitatory", "test"], EXCITATORY, "o"),
        (NAMES["free"], errors["free", "train"], errors["free", "test"], "black", "D"),
    )
    for name, train, test, colour, marker in lines:
        style = {"color": colour, "marker": marker, "lw": 1, "ms": 3}
        ax.plot(n, 100 * train.mean(axis=1), label=f"{name}, training images", **style)
        ax.plot(n, 100 * test.mean(axis=1), ls="--", mfc="none", label=f"{name}, test images", **style)
    ax.plot(n, 100 * pooled.extended.mean(axis=1), ":", color=INHIBITORY, lw=1, label="best monotone, extended to test")
    ax.set_ylim(bottom=-0.3)
    _log2(ax, n[-1])
    ax.set_ylabel("error, one-vs-rest (%)")


def random_functions(ax: Axes, whole: BooleanResult, samples: dict[int, BooleanResult]) -> None:
    """Mean floors with their spread over functions."""
    lines = [(f"up to {n} points", each) for n, each in samples.items()]
    colours = (*SAMPLE_GREYS[-len(lines) :], INHIBITORY)
    for (where, result), colour in zip([*lines, ("all points", whole)], colours, strict=True):
        mean, sd = result.floors.mean(axis=1), result.floors.std(axis=1)
        ax.plot(result.inputs, 100 * mean, "o-", color=colour, ms=2.5, lw=1, label=f"floor, {where}")
        ax.fill_between(result.inputs, 100 * (mean - sd), 100 * (mean + sd), color=colour, alpha=0.2, lw=0)
    ax.axhline(50, color=NEUTRAL, ls=":", lw=0.8, label="chance")
    ax.set_ylim(0, 52)
    _log2(ax, max(result.inputs[-1] for _, result in lines))
    ax.set_ylabel("floor (%)")


def _log2(ax, most):
    ax.set_xscale("log", base=2)
    ticks = [n for n in (1, 4, 16, 64, 256, 1024) if n <= max(most, 16)]
    ax.set_xticks(ticks, [str(n) for n in ticks])
    ax.set_xticks([], minor=True)
