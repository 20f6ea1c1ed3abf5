"""Figures of order along time."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from eisim.report.dynamics import behind_so_far
from eisim.report.style import DOUBLE, EXCITATORY, INHIBITORY, NEUTRAL, letters
from eisim.report.style import FIRST as LOWER
from eisim.report.style import SECOND as UPPER
from eisim.studies.order.order import Share
from eisim.studies.order.rate import NETWORKS, RateResult
from eisim.studies.order.search import SearchResult
from eisim.studies.order.spiking import BIN, ConditionResult

MEASURE_STYLES = {
    "any": ("some neuron's count falls", {"marker": "o", "color": NEUTRAL}),
    "any_clear": ("... by 10 Hz or more", {"marker": "o", "color": NEUTRAL, "mfc": "white"}),
    "readout": ("the readout's count falls", {"marker": "s", "color": EXCITATORY}),
    "behind": ("the readout is behind at some time", {"marker": "D", "color": "#b07800"}),
}
OTHERS = "#bbbbbb"
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
    figure = Figure(figsize=(DOUBLE, 1.25 * rows + 1.05))
    axes = figure.subplots(rows, 2, sharex=True, sharey="row")
    bottom, top = 0.45 / figure.get_figheight(), 1 - 0.72 / figure.get_figheight()
    figure.subplots_adjust(left=0.1, right=0.985, bottom=bottom, top=top, hspace=0.34, wspace=0.07)
    for row, example in zip(axes, result.examples, strict=True):
        for ax, network in zip(row, NETWORKS, strict=True):
            trajectories(ax, example.traces[network], result.step)
        row[0].set_ylabel("rate (Hz)")
        row[0].text(0.01, 1.02, example.model, transform=row[0].transAxes, fontsize=7, va="bottom")
    for ax, network in zip(axes[0], NETWORKS, strict=True):
        count = result.total(network).pairs
        colour = EXCITATORY if network == NETWORKS[0] else INHIBITORY
        ax.set_title(f"{network}: order broken in {count.count} of {count.of} pairs", color=colour, pad=15)
    for ax in axes[-1]:
        ax.set_xlabel("time (ms)")
    letters(axes[0], (-2, 14))
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="upper center", ncols=8)
    return figure


def trajectories(ax: Axes, traces, step: float) -> Axes:
    """One unit's rate over time, a line for each input of a chain, the larger the darker."""
    time = (np.arange(traces.shape[-1]) + 1) * step * 1e3
    for k, trace in enumerate(traces):
        label = f"input {k + 1}" + (" (least)" if k == 0 else " (greatest)" if k == len(traces) - 1 else "")
        ax.plot(time, trace, lw=1, color=str(0.75 * (1 - k / (len(traces) - 1))), label=label)
    ax.set_xlim(0, time[-1])
    return ax


def violation_rates(conditions: tuple[ConditionResult, ...]) -> Figure:
    """Share of ordered pairs that break order, by condition, with intervals; and when the readout is behind."""
    figure = Figure(figsize=(DOUBLE, 4.6))
    left, right = figure.subplots(1, 2, width_ratios=(1.35, 1))
    figure.subplots_adjust(left=0.2, right=0.98, bottom=0.1, top=0.84, wspace=0.24)
    for k, (measure, (label, style)) in enumerate(MEASURE_STYLES.items()):
        shares = [c.per_pair(measure) for c in conditions]
        places = np.arange(len(conditions)) + (k - 1.5) * 0.19
        intervals(left, places, shares, label=label, **style)
    left.set_yticks(np.arange(len(conditions)), [c.condition.name for c in conditions])
    left.set_ylim(len(conditions) - 0.5, -0.5)
    for k in range(0, len(conditions), 2):
        left.axhspan(k - 0.5, k + 0.5, color="#f2f2f2", lw=0, zorder=0)
    left.set_xlim(left=-0.4)  # markers at 0 stay whole
    left.set_xlabel("ordered pairs that break order (%)")
    handles, labels = left.get_legend_handles_labels()
    style = {"frameon": False, "fontsize": 7, "ncols": 2, "handlelength": 1.2, "columnspacing": 1}
    figure.legend(handles, labels, loc="upper left", bbox_to_anchor=(0.01, 0.99), **style)
    behind_over_time(right, conditions)
    figure.legend(*right.get_legend_handles_labels(), loc="upper right", bbox_to_anchor=(0.995, 0.99), **style)
    letters((left, right), (-30, 2))
    return figure


def intervals(ax: Axes, places, shares: list[Share], **style) -> Axes:
    """Shares in per cent along x with their 95 % intervals, at these places along y."""
    value = np.array([100 * s.value for s in shares])
    ends = 100 * np.array([s.interval for s in shares])
    error = np.abs(ends.T - value)
    ax.errorbar(value, places, xerr=error, ls="none", ms=3, elinewidth=0.8, mew=0.8, **style)
    return ax


def behind_over_time(ax: Axes, conditions) -> Axes:
    """Share of pairs whose larger input has given fewer readout spikes so far, against time, averaged over `SMOOTH`."""
    for c in conditions:
        colour, dashes = HIGHLIGHTED.get(c.condition.name, ("", "-"))
        middle, share = behind_so_far(c)
        label = c.condition.name if colour else None
        style = {"lw": 1.2, "color": colour, "zorder": 3} if colour else {"lw": 0.6, "color": OTHERS}
        ax.plot(1e3 * middle, 100 * share, ls=dashes, label=label, **style)
    ax.plot([], [], lw=0.6, color=OTHERS, label="all others")
    ax.set_xlim(0, c.cumulative.shape[-1] * BIN * 1e3)
    ax.set_ylim(bottom=0)
    ax.set_xlabel("time (ms)")
    ax.set_ylabel("pairs with the readout behind (%)")
    return ax


def strongest_violation(result: SearchResult) -> Figure:
    """The strongest violation found: spikes for both inputs, cumulative counts, the search, and what it rests on."""
    found, response = result.found, result.response
    figure = Figure(figsize=(DOUBLE, 5.2))
    top = figure.add_gridspec(1, 2, left=0.13, right=0.98, bottom=0.55, top=0.94, wspace=0.08)
    below = {"bottom": 0.09, "top": 0.42}
    middle = figure.add_gridspec(1, 2, left=0.12, right=0.58, wspace=0.4, **below)
    first = figure.add_subplot(top[0])
    second = figure.add_subplot(top[1], sharex=first, sharey=first)
    for ax, trial, colour, name in ((first, found.lower, LOWER, "lower"), (second, found.upper, UPPER, "upper")):
        pair_raster(ax, response, trial, colour)
        rates = ", ".join(f"{r:g}" for r in _input_rates(result, trial))
        count = found.counts[0 if name == "lower" else 1]
        ax.set_title(f"{name} input ({rates} Hz): {count} readout spikes", color=colour, fontsize=7.5)
    first.set_ylabel("neurons")
    second.tick_params(labelleft=False)
    cumulative(figure.add_subplot(middle[0]), result)
    progress(figure.add_subplot(middle[1]), result)
    dissection(figure.add_subplot(figure.add_gridspec(1, 1, left=0.79, right=0.98, **below)[0]), result)
    letters(figure.axes, (-14, 4))
    return figure


def _input_rates(result, trial):
    circuit = result.response.circuit
    return np.concatenate([np.full(i.size, i.rate) for i in circuit.inputs]) * result.found.candidate.stimuli[trial]


def pair_raster(ax: Axes, response, trial: int, colour) -> Axes:
    """Spikes of one trial: afferents at the top, hidden neurons, the readout at the bottom in its own colour."""
    members = [*response.circuit.inputs, *response.circuit.populations]
    n, base = sum(m.size for m in members), 0
    ticks, labels = [], []
    for member in members:
        spikes = response.spikes[member.name]
        mine = spikes.copy == trial
        drawn = colour if member.name == "readout" else NEUTRAL
        row = n - base - spikes.neuron[mine] - 0.5
        ax.vlines(spikes.step[mine] * response.dt * 1e3, row - 0.38, row + 0.38, color=drawn, lw=0.7)
        ticks.append(n - base - member.size / 2)
        labels.append({"x0": "inputs A–D"}.get(member.name, member.name))
        base += member.size
        ax.axhline(n - base, color="#cccccc", lw=0.5)
    start = (response.duration - response.window) * 1e3
    ax.axvspan(start, response.duration * 1e3, color="#f2f2f2", lw=0, zorder=0)
    ax.set_yticks(ticks, labels)
    ax.set_ylim(0, n)
    ax.set_xlim(0, response.duration * 1e3)
    ax.set_xlabel("time (ms); shaded: read-out window")
    return ax


def cumulative(ax: Axes, result: SearchResult) -> Axes:
    """Cumulative readout count for both inputs."""
    response, spikes = result.response, result.response.spikes["readout"]
    for trial, colour, label in (
        (result.found.lower, LOWER, "lower input"),
        (result.found.upper, UPPER, "upper input"),
    ):
        times = spikes.step[spikes.copy == trial] * response.dt * 1e3
        end = response.duration * 1e3
        ax.step([0, *times, end], [*range(len(times) + 1), len(times)], where="post", lw=1.2, color=colour, label=label)
    ax.set_xlim(0, response.duration * 1e3)
    ax.set_ylim(bottom=0)
    ax.set_xlabel("time (ms)")
    ax.set_ylabel("readout spikes so far")
    ax.legend(frameon=False, fontsize=7, loc="upper left", borderpad=0.1)
    return ax


def progress(ax: Axes, result: SearchResult) -> Axes:
    """The largest fall found so far, by generation."""
    ax.plot(np.arange(len(result.progress)), result.progress, color="black", lw=1, marker="o", ms=3)
    ax.set_ylim(bottom=0)
    ax.set_xlabel("generation (0: random)")
    ax.set_ylabel("largest fall (spikes)")
    return ax


def dissection(ax: Axes, result: SearchResult) -> Axes:
    """The fall as it was found and with one thing changed; of random draws each is a dot."""
    names = [v.name for v in result.variants]
    for k, variant in enumerate(result.variants):
        many = len(variant.counts) > 1
        ax.plot(
            variant.falls, [k] * len(variant.falls), "o", ms=3, mfc="none" if many else "black", color="black", mew=0.6
        )
    ax.axvline(0, color="#999999", lw=0.6)
    ax.set_yticks(np.arange(len(names)), names, fontsize=6.5)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.set_xlabel("fall (spikes)")
    return ax
