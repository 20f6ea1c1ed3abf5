"""Figures of a connectome without parts of its inhibition."""

import numpy as np

from eisim.report.judgements import MARKS
from eisim.report.numbers import hertz
from eisim.report.style import DOUBLE, NEUTRAL, SINGLE, TALLEST, Axes, Figure, letters, new_figure
from eisim.studies.connectome.result import CLASS, FRACTION, INTACT, NEURON, TRANSMITTER, ConnectomeResult

#: Rows of the heat map of each kind, and neurons that the lesion screen names.
MOST_TRANSMITTERS, MOST_CLASSES, MOST_NEURONS, MOST_NAMED = 12, 10, 15, 30
#: Most trials whose lines have different colours.
MOST_LINES = 12
THRESHOLD = {"color": "#777777", "lw": 0.7, "ls": (0, (4, 3)), "zorder": 0}
MARKERS = "osD^v<>Ph*"


def conditions(found: ConnectomeResult) -> Figure:
    """A heat map: a row for each condition, a column for each output and trial."""
    places = [
        *found.of(FRACTION)[-1:],
        *found.of(TRANSMITTER)[:MOST_TRANSMITTERS],
        *found.ranked(CLASS)[:MOST_CLASSES],
        *found.ranked(NEURON)[:MOST_NEURONS],
    ]
    n_trials, n_outputs = len(found.trials), len(found.outputs)
    columns = n_trials * n_outputs
    change = np.moveaxis(found.change[places], 2, 1).reshape(len(places), columns)
    intact = found.means[0].T.ravel()
    figure = new_figure(DOUBLE, min(1.6 + 0.16 * len(places), TALLEST), "constrained")
    ax = figure.subplots()
    most = np.abs(change[np.isfinite(change)]).max(initial=1e-9)
    image = ax.imshow(np.vstack([np.zeros(columns), change]), aspect="auto", cmap="RdBu_r", vmin=-most, vmax=most)
    for column, rate in enumerate(intact):
        ax.text(column, 0, hertz(rate), ha="center", va="center", fontsize=6 if columns <= 20 else 4)
    labels = ["intact (Hz)", *(_label(found.conditions[k]) for k in places)]
    ax.set_yticks(range(len(labels)), labels, fontsize=6)
    ax.set_xticks(range(columns), [*found.trials] * n_outputs, rotation=90, fontsize=6)
    ax.tick_params(length=0)
    ax.set(xlabel="trial", ylabel="condition")
    ax.axhline(0.5, color="black", lw=0.8)
    for k, name in enumerate(found.outputs):
        ax.text((k + 0.5) * n_trials - 0.5, -0.7, name, ha="center", va="bottom", fontsize=8)
        if k:
            ax.axvline(k * n_trials - 0.5, color="black", lw=0.8)
    families = [found.conditions[k].family for k in places]
    for row in range(1, len(families)):
        if families[row] != families[row - 1]:
            ax.axhline(row + 0.5, color="#999999", lw=0.5)
    figure.colorbar(image, ax=ax, label="change of rate (Hz)", fraction=0.03)
    return figure


def _label(condition) -> str:
    if condition.family == NEURON:
        return f"{condition.name} silenced"
    by = "" if condition.family == FRACTION else f" by {condition.name}"
    return f"no inhibition{by}"


def lesions(found: ConnectomeResult) -> Figure:
    """The largest change of each output by neuron, named ones on the left, all by rank on the right."""
    places = found.ranked(NEURON)
    shown = places[:MOST_NAMED]
    figure = new_figure(DOUBLE, min(max(1.2 + 0.15 * len(shown), 2.5), TALLEST), "constrained")
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    y = np.arange(len(shown))
    for o, name in enumerate(found.outputs):
        trials = np.abs(found.change[shown][..., o]).argmax(axis=1)
        value = found.change[shown, trials, o]
        error = None if found.uncertainty is None else found.uncertainty[shown, trials, o]
        look = {"marker": MARKERS[o % len(MARKERS)], "ls": "none", "ms": 4, "mfc": "none" if o % 2 else None}
        left.errorbar(value, y, xerr=error, label=name, color=f"C{o % 6}", lw=0.7, **look)
    left.axvline(0, color=NEUTRAL, lw=0.6)
    left.set_yticks(y, [found.conditions[k].name for k in shown], fontsize=6)
    left.grid(axis="y", color="#eeeeee", lw=0.5)
    left.set_axisbelow(True)
    left.set(ylim=(len(shown) - 0.4, -0.6), xlabel="largest change of rate (Hz)", ylabel="neuron silenced")
    left.legend(loc="best")
    sizes = np.abs(found.change[places]).max(axis=(1, 2))
    right.plot(np.arange(1, len(places) + 1), sizes, color=NEUTRAL, marker="o", ms=2, lw=0.6)
    right.set(xlabel="rank of neuron", ylabel="largest change of any output (Hz)", ylim=(0, None))
    right.xaxis.get_major_locator().set_params(integer=True)
    letters((left, right), (-6, 4))
    return figure


def ablation_curves(found: ConnectomeResult) -> Figure:
    """Rates against the fraction of inhibition removed, a panel for each output; the score, if there is one."""
    places = [*found.of(INTACT), *found.of(FRACTION)]
    panels = len(found.outputs) + len(found.curves)
    rows = -(-panels // 3)
    width = SINGLE if panels == 1 else DOUBLE
    figure = new_figure(width, 2.5 * rows + 0.5, "constrained")
    axes = figure.subplots(rows, min(panels, 3), squeeze=False).ravel()
    trials = np.unique(np.linspace(0, len(found.trials) - 1, MOST_LINES).round().astype(int))
    for o, (ax, name) in enumerate(zip(axes, found.outputs, strict=False)):
        for line, t in enumerate(trials):
            look = {"color": f"C{line % 6}", "marker": MARKERS[line % len(MARKERS)], "ms": 3, "lw": 1}
            ax.plot(found.protocol.fractions, found.means[places, t, o], label=found.trials[t], **look)
        if found.required is not None and np.isfinite(found.thresholds[o]):
            ax.axhline(found.thresholds[o], **THRESHOLD)
        ax.set(title=name, xlabel="fraction of inhibition removed", ylabel="rate (Hz)", ylim=(0, None))
    for ax, curve in zip(axes[len(found.outputs) :], found.curves, strict=False):
        _scores(ax, curve)
    for ax in axes[panels:]:
        ax.axis("off")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4 if width == DOUBLE else 2, title="trial")
    letters(axes[:panels], (-6, 4))
    return figure


def _scores(ax: Axes, curve) -> None:
    """The score with its controls at full ablation."""
    mean = curve.scores.mean(axis=1)
    ax.plot(curve.fractions, mean, color="black", marker="o", ms=3, label="ablated")
    if curve.scores.shape[1] > 1:
        low, high = curve.scores.min(axis=1), curve.scores.max(axis=1)
        ax.fill_between(curve.fractions, low, high, color="black", alpha=0.15, lw=0)
    judgement = curve.judgement
    for name, (label, marker, _) in MARKS.items():
        if (score := judgement.condition(name)) is not None:
            ax.plot([1], [score.mean], marker=marker, ls="none", color=NEUTRAL, mfc="none", ms=5, label=label)
    ax.axhline(judgement.criterion, **THRESHOLD)
    if judgement.bound is not None:
        ax.axhline(judgement.bound, color="#6a51a3", lw=0.8, ls=":", label="excitatory-only bound")
    ax.set(xlabel="fraction of inhibition removed", ylabel="share of trials as required", ylim=(-0.04, 1.04))
    ax.set_title(curve.function)
    ax.legend(loc="lower left", fontsize=6)
