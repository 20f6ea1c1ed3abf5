"""What is left of a trained network as the inhibition of its circuits is removed."""

import numpy as np

from eisim.report.style import DOUBLE, EXCITATORY, INHIBITORY, NEUTRAL, SINGLE, Axes, Figure, letters, new_figure
from eisim.report.style import UPPER as REDUCED
from eisim.studies.networks import NetworkAblation, NetworkAblations

#: Height of a line of small text, as a share of the largest value.
LINE = 0.045
#: Colour and dashes of a class, by what becomes of it; all else is not computed.
LINES = {"kept": (EXCITATORY, "-"), "lost": (INHIBITORY, "--")}
NOT_COMPUTED = (NEUTRAL, ":")
#: Trials shorter than this, in s, are drawn in ms.
SHORT = 0.1
BEST_THRESHOLD, OWN_THRESHOLD = "best threshold at each fraction", "the network's own threshold"
ZEROED = "network itself, negative weights reduced"


def ablation(result: NetworkAblations) -> Figure:
    """What is left against the fraction of inhibition removed, a column for each kind, and accuracy in time.

    Above by argmax, below by a threshold on each class's own output; of a network with one output there are thresholds
    only, in one row.
    """
    spiking = [each for each in result.kinds if len(each.times)]
    n_rows, columns = 1 if len(result.kinds[0].judged) == 1 else 2, len(result.kinds) + len(spiking)
    height = 2.6 * n_rows + 0.6 * (n_rows == 1)
    figure = new_figure(SINGLE if columns == 1 else DOUBLE, height, "constrained")
    axes = figure.subplots(n_rows, columns, squeeze=False)
    for k, each in enumerate(result.kinds):
        accuracy(axes[0, k], each)
        axes[0, k].set_title(f"{each.kind} circuit")
        if n_rows > 1:
            _by_threshold(axes[1, k], each)
    for ax, each in zip(axes[0, len(result.kinds) :], spiking, strict=True):
        _in_time(ax, each)
    handles = {h.get_label(): h for ax in axes.ravel() for h in ax.get_legend_handles_labels()[0]}.values()
    if spiking and n_rows > 1:
        axes[1, -1].axis("off")
        axes[1, -1].legend(handles=handles, loc="center")
    else:
        figure.legend(handles=handles, loc="outside lower center", ncols=1 if columns == 1 else 2)
    letters([ax for ax in axes.ravel() if ax.axison], (-22, 4))
    return figure


def accuracy(ax: Axes, result: NetworkAblation) -> None:
    """Accuracy by argmax, of all classes and balanced of each; by thresholds if there is one output."""
    ax.set(title=f"{result.name}: {result.kind} circuit", ylim=(0, 1.03))
    if len(result.judged) == 1:
        _by_one_output(ax, result)
        return
    _class_lines(ax, result, result.balanced_accuracy, result.verdicts)
    if result.zeroed is not None:
        _zeroed_line(ax, result.fractions, result.zeroed.accuracy)
    ax.plot(result.fractions, result.accuracy, color="black", marker="o", ms=3, label="accuracy, all classes")
    ax.axhline(0.5, color=NEUTRAL, ls=":", lw=0.8, label="chance (balanced accuracy)")
    ax.set_ylabel("by argmax:\n(balanced) accuracy")


def _zeroed_line(ax, fractions, values):
    """The network itself, its negative weights reduced instead of the circuit's inhibition."""
    ax.plot(fractions, values, color=REDUCED, lw=1.2, ls="-.", marker="D", ms=2.5, mfc="none", label=ZEROED)


def _by_one_output(ax, result):
    """Accuracy by two thresholds on the one output: the best at each fraction, and that of the network itself."""
    own, best = {"ls": "--", "marker": "s", "mfc": "none"}, {"ls": "-", "marker": "o"}
    ax.plot(result.fractions, 1 - result.threshold_errors[:, 0], color="black", ms=3, label=BEST_THRESHOLD, **best)
    ax.plot(result.fractions, result.accuracy, color=NEUTRAL, ms=4, label=OWN_THRESHOLD, **own)
    if result.zeroed is not None:
        _zeroed_line(ax, result.fractions, 1 - result.zeroed.threshold_errors[:, 0])
    ax.axhline(1 - result.constant_errors[0], color=NEUTRAL, ls=":", lw=0.8, label="constant answer")
    mark = {"ls": "none", "marker": "_", "ms": 9, "mew": 1.5, "clip_on": False}
    ax.plot([1], 1 - result.binding_floors, color=EXCITATORY, label="excitatory-only bound (1 − floor)", **mark)
    ax.set(xlabel="fraction of inhibition removed", ylabel="share of rows answered correctly")


def _by_threshold(ax, result):
    """Error of the best threshold on each class's own output, with the floors."""
    errors, floors = result.threshold_errors, result.binding_floors
    _class_lines(ax, result, errors, result.verdicts_by_threshold)
    mark = {"ls": "none", "marker": "_", "ms": 9, "clip_on": False}
    ax.plot(np.ones_like(floors), floors, color="black", label="floor of a class", **mark)
    highest = 1.1 * max(errors.max(), floors.max(), 1e-3)
    ax.set(ylim=(0, highest), ylabel="by best threshold (one-vs-rest):\nshare of rows wrong")


def _class_lines(ax, result, values, verdicts):
    """A line for each class, by what becomes of it, with its name at the right end."""
    heights = _apart(values[-1], LINE * max(values.max(), 1e-3))
    for k, value in enumerate(result.judged):
        colour, dashes = LINES.get(verdicts[k], NOT_COMPUTED)
        ax.plot(result.fractions, values[:, k], color=colour, lw=0.8, ls=dashes, alpha=0.7)
        name = f"  {result.data.label(value):.12}"
        ax.annotate(name, (1, heights[k]), fontsize=6, va="center", color=colour, annotation_clip=False)
    for verdict in dict.fromkeys(verdicts):
        colour, dashes = LINES.get(verdict, NOT_COMPUTED)
        label = f"class {verdict} without inhibition" if verdict in LINES else "class not computed"
        ax.plot([], [], color=colour, lw=0.8, ls=dashes, label=label)
    ax.set_xlabel("fraction of inhibition removed")


def _in_time(ax, result):
    """Accuracy and agreement of the intact spiking circuit against the length of a trial."""
    scale, unit = (1, "s") if result.times[-1] >= SHORT else (1e3, "ms")
    hollow = {"marker": "s", "ms": 4, "mfc": "none", "mew": 0.6, "label": "agreement with the network"}
    times = result.times * scale
    ax.plot(times, result.accuracy_in_time, color="black", marker="o", ms=2, label="accuracy of the circuit")
    ax.plot(times, result.agreement_in_time, color=NEUTRAL, lw=0.8, ls="--", **hollow)
    ax.axhline(result.network_accuracy, color="black", ls=":", lw=0.8, label="accuracy of the network")
    ax.set(xlabel=f"trial duration ({unit})", ylabel="share of rows", title="intact spiking circuit")
    ax.set_ylim(0, 1.03)


def _apart(heights, gap):
    """The heights, moved as little as labels there need in order not to overlap."""
    from eisim.report.graph import apart

    order = np.argsort(heights)
    return apart(heights[order], np.full(len(order) - 1, gap))[np.argsort(order)]
