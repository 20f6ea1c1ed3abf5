"""Figures of order along time."""

import numpy as np

from eisim.report.style import DOUBLE, EXCITATORY, INHIBITORY, LOWER, NEUTRAL, UPPER, Axes, Figure, letters, new_figure
from eisim.simulation import Response
from eisim.studies.order.order import Share
from eisim.studies.order.rate import NETWORKS, RateResult
from eisim.studies.order.search import SearchResult
from eisim.studies.order.spiking import BIN, ConditionResult

MEASURE_STYLES = {
    "any": {"label": "some neuron's count falls", "marker": "o", "color": NEUTRAL},
    "any_clear": {"label": "... by 10 Hz or more", "marker": "o", "color": NEUTRAL, "mfc": "white"},
    "readout": {"label": "the readout's count falls", "marker": "s", "color": EXCITATORY},
    "behind": {"label": "the readout is behind at some time", "marker": "D", "color": "#b07800"},
}
OTHERS = {"lw": 0.6, "color": "#bbbbbb"}
HIGHLIGHTED = {
    "reference": ("black", "-"),
    "long refractoriness": ("#b8558c", "--"),
    "few strong synapses": ("#b07800", "-."),
    "synchronous inputs": ("#009e73", ":"),
    "heterogeneous delays": ("#3d8ec4", (0, (5, 1))),
}


def rate_trajectories(result: RateResult) -> Figure:
    """Rates over time for a chain of ordered inputs: one unit of each model, without and with inhibition."""
    rows = len(result.examples)
    height = 1.25 * rows + 1.05
    figure = new_figure(DOUBLE, height)
    axes = figure.subplots(rows, 2, sharex=True, sharey="row")
    figure.subplots_adjust(left=0.1, right=0.985, bottom=0.45 / height, top=1 - 0.72 / height, hspace=0.34, wspace=0.07)
    for row, example in zip(axes, result.examples, strict=True):
        for ax, network in zip(row, NETWORKS, strict=True):
            trajectories(ax, example.traces[network], result.step)
        row[0].set_ylabel("rate (Hz)")
        row[0].text(0.01, 1.02, example.model, transform=row[0].transAxes, fontsize=7, va="bottom")
    for ax, below, network, colour in zip(axes[0], axes[-1], NETWORKS, (EXCITATORY, INHIBITORY), strict=True):
        count = result.total(network).pairs
        ax.set_title(f"{network}: order broken in {count.count} of {count.of} pairs", color=colour, pad=15)
        below.set_xlabel("time (ms)")
    letters(axes[0], (-2, 14))
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="upper center", ncols=8)
    return figure


def trajectories(ax: Axes, traces: np.ndarray, step: float) -> None:
    """One unit's rate over time, a line for each input of a chain, the larger the darker."""
    time = (np.arange(traces.shape[-1]) + 1) * step * 1e3
    ends = {0: " (least)", len(traces) - 1: " (greatest)"}
    for k, trace in enumerate(traces):
        grey = str(0.75 * (1 - k / (len(traces) - 1)))
        ax.plot(time, trace, lw=1, color=grey, label=f"input {k + 1}{ends.get(k, '')}")
    ax.set_xlim(0, time[-1])


def violation_rates(conditions: tuple[ConditionResult, ...]) -> Figure:
    """Share of ordered pairs that break order, by condition, with intervals; and when the readout is behind."""
    figure = new_figure(DOUBLE, 4.6)
    left, right = figure.subplots(1, 2, width_ratios=(1.35, 1))
    figure.subplots_adjust(left=0.2, right=0.98, bottom=0.1, top=0.84, wspace=0.24)
    places = np.arange(len(conditions))
    for k, (measure, style) in enumerate(MEASURE_STYLES.items()):
        intervals(left, places + (k - 1.5) * 0.19, [c.per_pair(measure) for c in conditions], **style)
    left.set_yticks(places, [c.condition.name for c in conditions])
    for k in places[::2]:
        left.axhspan(k - 0.5, k + 0.5, color="#f2f2f2", lw=0, zorder=0)
    left.set(ylim=(len(conditions) - 0.5, -0.5), xlabel="ordered pairs that break order (%)")
    left.set_xlim(left=-0.4)  # markers at 0 stay whole
    behind_over_time(right, conditions)
    for ax, side, x in ((left, "left", 0.01), (right, "right", 0.995)):
        style = {"frameon": False, "fontsize": 7, "ncols": 2, "handlelength": 1.2, "columnspacing": 1}
        figure.legend(*ax.get_legend_handles_labels(), loc=f"upper {side}", bbox_to_anchor=(x, 0.99), **style)
    letters((left, right), (-30, 2))
    return figure


def intervals(ax: Axes, places: np.ndarray, shares: list[Share], **style) -> None:
    """Shares in per cent along x with their 95 % intervals, at these places along y."""
    value = np.array([100 * s.value for s in shares])
    error = np.abs(100 * np.array([s.interval for s in shares]).T - value)
    ax.errorbar(value, places, xerr=error, ls="none", ms=3, elinewidth=0.8, mew=0.8, **style)


def behind_over_time(ax: Axes, conditions: tuple[ConditionResult, ...]) -> None:
    """Share of pairs whose larger input has given fewer readout spikes so far, against time."""
    for c in conditions:
        middle, share = c.behind_so_far
        style = OTHERS
        if c.condition.name in HIGHLIGHTED:
            colour, dashes = HIGHLIGHTED[c.condition.name]
            style = {"lw": 1.2, "color": colour, "ls": dashes, "zorder": 3, "label": c.condition.name}
        ax.plot(1e3 * middle, 100 * share, **style)
    ax.plot([], [], label="all others", **OTHERS)
    end = conditions[0].cumulative.shape[-1] * BIN * 1e3
    ax.set(xlim=(0, end), ylim=(0, None), xlabel="time (ms)", ylabel="pairs with the readout behind (%)")


def strongest_violation(result: SearchResult) -> Figure:
    """The strongest violation found: spikes for both inputs, cumulative counts, the search, and what it rests on."""
    found, response = result.found, result.response
    figure = new_figure(DOUBLE, 5.2)
    above = figure.add_gridspec(1, 2, left=0.13, right=0.98, bottom=0.55, top=0.94, wspace=0.08)
    middle = figure.add_gridspec(1, 2, left=0.12, right=0.58, bottom=0.09, top=0.42, wspace=0.4)
    right = figure.add_gridspec(1, 1, left=0.79, right=0.98, bottom=0.09, top=0.42)
    first = figure.add_subplot(above[0], ylabel="neurons")
    second = figure.add_subplot(above[1], sharex=first, sharey=first)
    trials = zip((first, second), (found.lower, found.upper), (LOWER, UPPER), ("lower", "upper"), strict=True)
    for (ax, trial, colour, name), rates, count in zip(trials, result.input_rates, found.counts, strict=True):
        pair_raster(ax, response, trial, colour)
        shown = ", ".join(f"{rate:g}" for rate in rates)
        ax.set_title(f"{name} input ({shown} Hz): {count} readout spikes", color=colour, fontsize=7.5)
    second.tick_params(labelleft=False)
    cumulative(figure.add_subplot(middle[0]), result)
    progress(figure.add_subplot(middle[1]), result)
    dissection(figure.add_subplot(right[0]), result)
    letters(figure.axes, (-14, 4))
    return figure


def pair_raster(ax: Axes, response: Response, trial: int, colour: str) -> None:
    """Spikes of one trial: afferents at the top, hidden neurons, the readout at the bottom in its own colour."""
    members = [*response.circuit.inputs, *response.circuit.populations]
    end = response.duration * 1e3
    top = n = sum(member.size for member in members)
    ticks = {}
    for member in members:
        spikes = response.spikes[member.name]
        mine = spikes.copy == trial
        drawn = colour if member.name == "readout" else NEUTRAL
        row = top - spikes.neuron[mine] - 0.5
        ax.vlines(spikes.step[mine] * response.dt * 1e3, row - 0.38, row + 0.38, color=drawn, lw=0.7)
        ticks[top - member.size / 2] = {"x0": "inputs A–D"}.get(member.name, member.name)
        top -= member.size
        ax.axhline(top, color="#cccccc", lw=0.5)
    ax.axvspan(end - response.window * 1e3, end, color="#f2f2f2", lw=0, zorder=0)
    ax.set_yticks(list(ticks), list(ticks.values()))
    ax.set(xlim=(0, end), ylim=(0, n), xlabel="time (ms); shaded: read-out window")


def cumulative(ax: Axes, result: SearchResult) -> None:
    """Cumulative readout count for both inputs."""
    response, spikes = result.response, result.response.spikes["readout"]
    end = response.duration * 1e3
    for trial, colour, name in ((result.found.lower, LOWER, "lower"), (result.found.upper, UPPER, "upper")):
        times = spikes.step[spikes.copy == trial] * response.dt * 1e3
        counts = [*range(len(times) + 1), len(times)]
        ax.step([0, *times, end], counts, where="post", lw=1.2, color=colour, label=f"{name} input")
    ax.set(xlim=(0, end), ylim=(0, None), xlabel="time (ms)", ylabel="cumulative readout spikes")
    ax.legend(frameon=False, fontsize=7, loc="upper left", borderpad=0.1)


def progress(ax: Axes, result: SearchResult) -> None:
    """The largest fall found so far, by generation."""
    ax.plot(result.progress, color="black", lw=1, marker="o", ms=3)
    ax.set(ylim=(0, None), xlabel="generation (0: random)", ylabel="largest fall (spikes)")


def dissection(ax: Axes, result: SearchResult) -> None:
    """The fall as it was found and with one thing changed; of random draws each is a dot."""
    for k, variant in enumerate(result.variants):
        face = "none" if len(variant.counts) > 1 else "black"
        ax.plot(variant.falls, [k] * len(variant.falls), "o", ms=3, mfc=face, color="black", mew=0.6)
    ax.axvline(0, color="#999999", lw=0.6)
    ax.set_yticks(range(len(result.variants)), [v.name for v in result.variants], fontsize=6.5)
    ax.set(ylim=(len(result.variants) - 0.5, -0.5), xlabel="fall (spikes)")
