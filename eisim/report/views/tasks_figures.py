"""Figures of tasks against the fraction removed."""

from collections.abc import Sequence
from textwrap import fill

import numpy as np

from eisim.ablation import dose
from eisim.report.judgements import GREY, MARKS, mark_controls
from eisim.report.style import DOUBLE, INHIBITORY, LOWER, TALLEST, UPPER, Axes, Figure, new_figure
from eisim.studies.tasks import Assessment, Survey, Witness

COLUMNS = 3
STYLES = {
    "spiking": ("spiking circuit", {"color": "black", "ls": "-", "marker": "o", "ms": 3}),
    "rate": ("rate circuit", {"color": "#b07800", "ls": "--", "marker": "s", "ms": 3}),
    "dnn": ("equivalent DNN", {"color": "#3d8ec4", "ls": ":", "marker": "D", "ms": 5, "mfc": "none"}),
}
#: Letters in a line of a panel's title.
TITLE = 36
CRITERION = {"color": "#999999", "lw": 0.6, "ls": (0, (4, 3))}
#: Where a function that no fraction takes away is drawn.
KEPT = 1.2
CRITICAL = ("critical fraction (with interval)", {"color": "#777777", "lw": 0.8, "ls": "-"})


def dose_responses(survey: Survey) -> Figure:
    """Score against the fraction removed, a panel for each circuit."""
    assessments = survey.assessments
    figure, axes = _panels(len(assessments), sharey=True)
    for ax, assessment in zip(axes, assessments, strict=True):
        dose_response(ax, assessment)
        ax.set(xlabel="", ylabel="", yticks=[0, 0.5, 1], ylim=(-0.05, 1.08))
    shown = [style for name, style in STYLES.items() if any(name in each.systems for each in assessments)]
    marks = [
        (label, {"marker": mark, "ls": line, "color": GREY, "mfc": "none"}) for label, mark, line in MARKS.values()
    ]
    figure.legend(
        handles=_lines([*shown, ("criterion", CRITERION), CRITICAL, *marks[1:]]), loc="outside upper center", ncols=3
    )
    return _labelled(figure, dose(assessments[0].how).label, _score(assessments))


def _lines(named):
    from matplotlib.lines import Line2D

    return [Line2D([], [], label=label, **({"lw": 1, "mew": 0.8} | style)) for label, style in named]


def _score(assessments):
    """What the score of one circuit is, in lines that fit; of several they differ."""
    measures = {judged.measure for assessment in assessments for judged in assessment.kinds.values()}
    if len(assessments) > 1 or len(measures) > 1:
        return "score of the task"
    return fill(measures.pop(), TITLE)


def dose_response(ax: Axes, assessment: Assessment, with_legend: bool = False) -> None:
    """One circuit's score against the fraction: mean and range over seeds, criterion, and critical fraction."""
    for name, curve in assessment.systems.items():
        _, style = STYLES[name]
        colour = style["color"]
        ax.fill_between(curve.doses, curve.scores.min(axis=1), curve.scores.max(axis=1), color=colour, alpha=0.18, lw=0)
        ax.plot(curve.doses, curve.scores.mean(axis=1), lw=1, mew=0.8, **style)
        ax.axhline(curve.level, zorder=0, **CRITERION)
        critical = curve.judgement.critical
        if name != "dnn" and critical.value is not None:
            ends = [critical.low or 0, curve.doses[-1] if critical.high is None else critical.high]
            ax.plot(ends, [curve.level] * 2, color=colour, lw=3, solid_capstyle="butt")
        if name != "dnn" and curve.critical_dose is not None:
            ax.plot([curve.critical_dose] * 2, [-0.05, curve.level], color=colour, lw=0.8)
    mark_controls(ax, next(iter(assessment.systems.values())).judgement, at=assessment.doses[-1])
    ax.set(xlabel=dose(assessment.how).label, ylabel="score of the task")
    _title(ax, assessment, assessment.verdict)
    if with_legend:
        lines = _lines([*(STYLES[name] for name in assessment.systems), ("criterion", CRITERION)])
        ax.legend(handles=lines, loc="upper left", bbox_to_anchor=(1, 1))


def critical_fractions(ax: Axes, survey: Survey) -> None:
    """Of every circuit and system the fraction at which it loses its function, with its range over seeds.

    ``kept`` stands for no such fraction; what does not do the task when intact is left out.
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
    ax.set_xticks([0, 0.5, 1, KEPT], ["0", "0.5", "1", "kept"])
    ax.set_yticks(range(len(assessments)), [a.name.replace("_", " ") for a in assessments])
    ax.set(xlim=(-0.04, KEPT + 0.08), ylim=(len(assessments) - 0.5, -0.5))
    ax.set(xlabel=f"critical fraction: {dose(assessments[0].how).label}", ylabel="circuit")
    ax.legend(loc="lower center", bbox_to_anchor=(0.4, 1), ncols=3, borderaxespad=0)


def witnesses(found: Sequence[tuple[Assessment, str, Witness]]) -> Figure:
    """Output at the two inputs of each witness, of an assessment and a kind, against the fraction removed."""
    figure, axes = _panels(len(found))
    for ax, (assessment, kind, witness) in zip(axes, found, strict=True):
        witness_outputs(ax, assessment.doses, witness)
        _title(ax, assessment, STYLES[kind][0])
        ax.set(xlabel="", ylabel="")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return _labelled(figure, dose(found[0][0].how).label, "output of the task (Hz)")


def witness_outputs(ax: Axes, doses, witness: Witness) -> None:
    """One witness's outputs against the fraction: mean and range over seeds, shaded where order is broken."""
    means = [output.mean(axis=1) for output in witness.outputs]
    broken = {"color": INHIBITORY, "alpha": 0.15, "lw": 0, "interpolate": True}
    ax.fill_between(doses, *means, where=means[0] > means[1], label="order broken", **broken)
    named = (("at the lower input x", LOWER, "v"), ("at the upper input y ≥ x", UPPER, "^"))
    for output, mean, (label, colour, marker) in zip(witness.outputs, means, named, strict=True):
        ax.fill_between(doses, output.min(axis=1), output.max(axis=1), color=colour, alpha=0.25, lw=0)
        ax.plot(doses, mean, lw=1, marker=marker, ms=3.5, color=colour, label=label)
    ax.set_ylim(bottom=min(0, ax.get_ylim()[0]))
    ax.set(xlabel="fraction removed", ylabel="output of the task (Hz)")


def psychometric_curves(rows) -> Figure:
    """Share of right trials by level, a panel for each assessment and kind; darker, the less is removed."""
    figure, axes = _panels(len(rows), False, sharey=True)
    for ax, (assessment, judged) in zip(axes, rows, strict=True):
        found, doses = judged.psychometric, assessment.doses
        for d in range(len(doses))[::-1]:
            colour = str(0.8 * d / (len(doses) - 1))
            at = [found.estimate(d, k) for k in range(len(found.levels))]
            means = np.array([e.mean for e in at])
            ends = [
                [e.mean if end is None else end for e, end in zip(at, side, strict=True)]
                for side in ([e.low for e in at], [e.high for e in at])
            ]
            errors = np.abs(np.array(ends) - means)
            ax.errorbar(found.levels, means, errors, color=colour, lw=1, marker="o", ms=3, label=f"{doses[d]:.3g}")
        ax.set(xlabel=found.level, ylim=(-0.05, 1.05), yticks=[0, 0.5, 1])
        _title(ax, assessment, STYLES[judged.kind][0])
    handles, labels = axes[0].get_legend_handles_labels()
    title = dose(rows[0].assessment.how).label
    figure.legend(handles[::-1], labels[::-1], loc="outside upper center", ncols=6, title=title, title_fontsize=8)
    figure.supylabel("share of trials as required", fontsize=8)
    return figure


def _panels(n, of_doses=True, **share):
    columns = min(COLUMNS, n)
    rows = -(-n // columns)
    figure = new_figure(DOUBLE, min(1.75 * rows + 0.9, TALLEST), "constrained")
    axes = figure.subplots(rows, columns, squeeze=False, sharex=of_doses, **share).ravel()
    if of_doses:
        axes[0].set(xlim=(-0.04, 1.04), xticks=[0, 0.5, 1])
    for k in range(n, len(axes)):
        axes[k].axis("off")
        axes[k - columns].tick_params(labelbottom=True)
    return figure, axes[:n]


def _labelled(figure, below, beside):
    figure.supxlabel(below, fontsize=8)
    figure.supylabel(beside, fontsize=8)
    return figure


def _title(ax, assessment, second):
    function = f"{assessment.function}: " if assessment.function else ""
    lines = (fill(assessment.name.replace("_", " "), TITLE), fill(function + second, TITLE))
    ax.set_title("\n".join(lines), fontsize=7.5, linespacing=1.3)
