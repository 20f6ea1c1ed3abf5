"""Figures of functions against the dose of ablation."""

from textwrap import fill

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from eisim.ablation import dose
from eisim.report.style import DOUBLE, INHIBITORY, TALLEST
from eisim.report.style import FIRST as LOWER
from eisim.report.style import SECOND as UPPER
from eisim.studies.tasks import Assessment, Survey, Witness

COLUMNS = 3
#: Height of a line of a label, in inches.
LINE = 0.14
STYLES = {
    "spiking": ("spiking circuit", {"color": "black", "ls": "-", "marker": "o", "ms": 3}),
    "rate": ("rate circuit", {"color": "#b07800", "ls": "--", "marker": "s", "ms": 3}),
    "dnn": (
        "equivalent DNN",
        {"color": "#3d8ec4", "ls": ":", "marker": "D", "ms": 5, "mfc": "none"},
    ),
}
CRITERION = {"color": "#999999", "lw": 0.6, "ls": (0, (4, 3))}
#: Where a function that no dose takes away is drawn.
KEPT = 1.2
CRITICAL = {"lw": 0.8, "ls": "-"}


def dose_responses(survey: Survey) -> Figure:
    """Score against dose, a panel for each circuit."""
    figure, axes = _panels(len(survey.assessments), sharey=True)
    for ax, assessment in zip(axes, survey.assessments, strict=True):
        dose_response(ax, assessment)
        ax.set_yticks([0, 0.5, 1])
        ax.set_ylim(-0.05, 1.08)
    _label(figure, axes, dose(survey.assessments[0].how).label, _score(survey.assessments))
    shown = {name for assessment in survey.assessments for name in assessment.systems}
    lines = [({"lw": 1, "mew": 0.8} | style, label) for name, (label, style) in STYLES.items() if name in shown]
    lines += [(CRITERION, "criterion"), (CRITICAL | {"color": "#777777"}, "critical dose (with range)")]
    _legend(figure, [Line2D([], [], **style) for style, _ in lines], [label for _, label in lines])
    return figure


def _score(assessments):
    """What the score of one circuit is, in lines that fit; of several they differ."""
    measures = {judged.measure for assessment in assessments for judged in assessment.kinds.values()}
    if len(assessments) > 1 or len(measures) > 1:
        return "score of the task"
    return fill(measures.pop(), 36)


def dose_response(ax: Axes, assessment: Assessment) -> Axes:
    """One circuit's score against the dose: mean and range over seeds, the criterion, and the critical dose."""
    for name, curve in assessment.systems.items():
        _, style = STYLES[name]
        colour = style["color"]
        ax.fill_between(curve.doses, curve.scores.min(axis=1), curve.scores.max(axis=1), color=colour, alpha=0.18, lw=0)
        ax.plot(curve.doses, curve.scores.mean(axis=1), lw=1, mew=0.8, **style)
        ax.axhline(curve.level, zorder=0, **CRITERION)
        found = curve.critical_doses[np.isfinite(curve.critical_doses)]
        if name != "dnn" and found.size:
            ax.plot([found.min(), found.max()], [curve.level] * 2, color=colour, lw=3, solid_capstyle="butt")
        if name != "dnn" and curve.critical_dose is not None:
            ax.plot([curve.critical_dose] * 2, [-0.05, curve.level], color=colour, **CRITICAL)
    ax.set_xlabel(dose(assessment.how).label)
    ax.set_ylabel("score of the task")
    _title(ax, assessment, assessment.verdict)
    return ax


def dose_response_with_legend(ax: Axes, assessment: Assessment) -> Axes:
    """One circuit's dose response with a legend of its own."""
    dose_response(ax, assessment)
    lines = [(STYLES[name][1], STYLES[name][0]) for name in assessment.systems] + [(CRITERION, "criterion")]
    handles = [Line2D([], [], **style) for style, _ in lines]
    ax.legend(handles, [label for _, label in lines], loc="upper left", bbox_to_anchor=(1, 1))
    return ax


def critical_doses(ax: Axes, survey: Survey) -> Axes:
    """Of every circuit and system the dose at which it loses its function, with its range over seeds.

    ``kept`` stands for no such dose; systems that do not compute the function are left out.
    """
    assessments, shift = survey.assessments, {"spiking": -0.22, "rate": 0.0, "dnn": 0.22}
    seen = set()
    for k, assessment in enumerate(assessments):
        for name, curve in assessment.systems.items():
            label, style = STYLES[name]
            if not curve.is_computed:
                continue
            marks = {"color": style["color"], "marker": style["marker"], "ms": 3.5, "ls": "none"}
            found = np.where(np.isfinite(curve.critical_doses), curve.critical_doses, KEPT)
            dose_, y = KEPT if curve.critical_dose is None else curve.critical_dose, k + shift[name]
            ax.plot([found.min(), found.max()], [y, y], color=style["color"], lw=1)
            ax.plot(dose_, y, label=None if name in seen else label, **marks)
            seen.add(name)
    ax.axvline((1 + KEPT) / 2, color="#cccccc", lw=0.6)
    ax.set_xlim(-0.04, KEPT + 0.08)
    ax.set_xticks([0, 0.5, 1, KEPT], ["0", "0.5", "1", "kept"])
    ax.set_yticks(range(len(assessments)), [a.name.replace("_", " ") for a in assessments])
    ax.set_ylim(len(assessments) - 0.5, -0.5)
    ax.set_xlabel(f"critical dose: {dose(assessments[0].how).label}")
    ax.set_ylabel("circuit")
    ax.legend(loc="lower center", bbox_to_anchor=(0.4, 1), ncols=3, borderaxespad=0)
    return ax


def witnesses(survey: Survey) -> Figure:
    """Output at the two inputs of each witness against dose: order returns as inhibition goes."""
    found = [
        (assessment, kind, judged.witness)
        for assessment in survey.assessments
        for kind, judged in assessment.kinds.items()
        if judged.witness is not None
    ]
    figure, axes = _panels(len(found))
    for ax, (assessment, kind, witness) in zip(axes, found, strict=True):
        witness_outputs(ax, assessment.doses, witness)
        _title(ax, assessment, STYLES[kind][0])
    _label(figure, axes, dose(survey.assessments[0].how).label, "output of the task (Hz)")
    _legend(figure, *axes[0].get_legend_handles_labels())
    return figure


def witness_outputs(ax: Axes, doses, witness: Witness) -> Axes:
    """One witness's outputs against the dose: mean and range over seeds, shaded where order is broken."""
    means = [output.mean(axis=1) for output in witness.outputs]
    broken = {"color": INHIBITORY, "alpha": 0.15, "lw": 0, "interpolate": True}
    ax.fill_between(doses, *means, where=means[0] > means[1], label="order broken", **broken)
    named = (("at the lower input x", LOWER, "v"), ("at the upper input y ≥ x", UPPER, "^"))
    for output, mean, (label, colour, marker) in zip(witness.outputs, means, named, strict=True):
        ax.fill_between(doses, output.min(axis=1), output.max(axis=1), color=colour, alpha=0.25, lw=0)
        ax.plot(doses, mean, lw=1, marker=marker, ms=3.5, color=colour, label=label)
    ax.set_ylim(bottom=min(0, ax.get_ylim()[0]))
    ax.set_xlabel("dose of ablation")
    ax.set_ylabel("output of the task (Hz)")
    return ax


def _panels(n, **share):
    columns = min(COLUMNS, n)
    rows = -(-n // columns)
    height = min(1.75 * rows + 0.9, TALLEST)
    figure = Figure(figsize=(DOUBLE, height))
    axes = figure.subplots(rows, columns, squeeze=False, sharex=True, **share).ravel()
    figure.subplots_adjust(
        left=0.55 / figure.get_figwidth(),
        right=0.985,
        bottom=0.5 / height,
        top=1 - 0.75 / height,
        hspace=0.48,
        wspace=0.16 if share else 0.3,
    )
    for k in range(n, len(axes)):
        axes[k].axis("off")
        axes[k - columns].tick_params(labelbottom=True)
    return figure, axes[:n]


def _label(figure, axes, below, beside):
    for ax in axes:
        ax.set(xlabel="", ylabel="")
    axes[0].set_xlim(-0.04, 1.04)
    axes[0].set_xticks([0, 0.5, 1])
    figure.supxlabel(below, fontsize=8, y=0.1 / figure.get_figheight())
    figure.supylabel(beside, fontsize=8, x=0.1 / figure.get_figwidth())
    further = beside.count("\n") * LINE
    figure.subplots_adjust(left=(0.55 + further) / figure.get_figwidth())


def _title(ax, assessment, second):
    function = f"{assessment.function}: " if assessment.function else ""
    ax.set_title(f"{assessment.name.replace('_', ' ')}\n{function}{second}", fontsize=7.5, linespacing=1.3)


def _legend(figure, handles, labels):
    figure.legend(handles, labels, loc="upper center", ncols=3, columnspacing=1.2)
