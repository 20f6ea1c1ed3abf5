"""Figures of inhibition that is learnt, blocked and learnt again."""

import numpy as np

from eisim.report.style import DOUBLE, LOWER, NEUTRAL, UPPER, Axes, Figure, letters, new_figure
from eisim.studies.plasticity import FACTOR, FROZEN, PLASTIC, Recovery

LOOKS = {
    PLASTIC: {"color": LOWER, "ls": "-", "marker": "o"},
    FROZEN: {"color": UPPER, "ls": "--", "marker": "s"},
}
#: Least rate that is drawn on a logarithmic axis, as a share of the target.
LEAST = 0.3
BAND = {"color": "#bbbbbb", "alpha": 0.6, "lw": 0, "zorder": 0}
CRITERION = {"color": "#777777", "lw": 0.7, "ls": (0, (4, 3)), "zorder": 0}
SCALE = 1e9  # from S to nS


def recovery(found: Recovery) -> Figure:
    """Rates above, weights below; learning on the left, the block on the right."""
    figure = new_figure(DOUBLE, 3.9, "constrained")
    axes = figure.subplots(2, 2, sharex="col", sharey="row")
    for above, below, courses in (
        (*axes[:, 0], {PLASTIC: found.learning}),
        (*axes[:, 1], found.courses),
    ):
        for system, course in courses.items():
            look = {key: value for key, value in LOOKS[system].items() if key != "marker"}
            _band(above, course.times, np.maximum(course.rates, LEAST * found.target), label=system, **look)
            _band(below, course.times, course.weights * SCALE, **look)
        _target(above, found.target)
        above.set(yscale="log")
        below.set(xlabel="time (s)")
    for ax in axes[:, 1]:
        ax.axvline(found.times.block, color=NEUTRAL, lw=0.8)
    axes[0, 0].set(title="learning", ylabel="rate of E (Hz)")
    axes[0, 1].set(title=f"{found.shown:.0%} blocked")
    axes[1, 0].set(ylabel=f"weight of {found.projection.name} (nS)", ylim=(0, None))
    axes[0, 0].yaxis.set_major_formatter("{x:g}")
    axes[1, 1].legend(*axes[0, 1].get_legend_handles_labels(), loc="lower right")
    for column, times in zip(axes.T, (found.times.learning, found.times.trial), strict=True):
        column[0].set_xlim(0, times)
    letters(axes.ravel(), (-6, 4))
    return figure


def ablation_curves(found: Recovery) -> Figure:
    """Rate, and its nearness to the target, against the fraction blocked."""
    figure = new_figure(DOUBLE, 2.7, "constrained")
    left, right = figure.subplots(1, 2)
    for curve in found.curves:
        look = LOOKS[curve.system] | {"label": curve.system}
        rates = np.maximum(found.rates[curve.system], LEAST * found.target)
        _band(left, found.fractions, rates.T, **look)
        _band(right, found.fractions, curve.scores.T, **look)
        critical = curve.judgement.critical
        if critical.value is not None:
            ends = [critical.low or 0.0, found.fractions[-1] if critical.high is None else critical.high]
            right.plot(ends, [curve.level] * 2, color=look["color"], lw=3, solid_capstyle="butt")
            right.plot([critical.value] * 2, [0, curve.level], color=look["color"], lw=0.8, ls=look["ls"])
        right.axhline(curve.level, **CRITERION)
    _target(left, found.target)
    left.set(yscale="log", xlabel="fraction blocked", ylabel="rate of E (Hz)")
    left.yaxis.set_major_formatter("{x:g}")
    left.legend(loc="upper left")
    right.set(xlabel="fraction blocked", ylabel="score (1: rate without a block)", ylim=(-0.04, 1.04))
    letters((left, right), (-6, 4))
    return figure


def _band(ax: Axes, x, values, **look) -> None:
    """Mean and range over seeds, the first axis."""
    ax.fill_between(x, values.min(axis=0), values.max(axis=0), color=look["color"], alpha=0.25, lw=0)
    ax.plot(x, values.mean(axis=0), lw=1.1, ms=3.5, **look)


def _target(ax: Axes, target: float) -> None:
    ax.axhspan(target / FACTOR, target * FACTOR, **BAND)
