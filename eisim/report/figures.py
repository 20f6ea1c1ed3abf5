"""Figures, each drawn on Axes that the caller gives; excitation and inhibition always have the same two colours."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MultipleLocator, NullLocator

from eisim.base.errors import InputError
from eisim.circuit import Circuit
from eisim.report.response import seeds_of, silenced
from eisim.report.style import DOUBLE, EXCITATORY, INHIBITORY, NEUTRAL, SINGLE, TALLEST, letters
from eisim.simulation import Response
from eisim.studies.boolean import AblationResult, CaseResult
from eisim.weights import Independent

if TYPE_CHECKING:
    from eisim.analysis.mean_field_check import Prediction

REMOVED, RIGHT = "fraction of inhibition removed", "share of patterns answered correctly"
#: Ticks of more spikes than this are pixels in a vector figure.
MANY_SPIKES = 20_000
#: A raster draws about so many neurons of all populations, and at least so many of each that has them.
MOST_ROWS, FEWEST_ROWS = 200, 10
#: Heights in a raster: of an afferent in rows of cells, of all inputs and of the lowest band as shares of all cells.
AFFERENT, INPUTS, LOWEST_BAND = 0.5, 0.25, 0.06
#: A spike's tick is at least so high, in points, and a raster names at most so many trials.
SHORTEST, MOST_TRIALS_NAMED = 1.0, 16
#: Points between a raster and its title, where the names of trials stand between.
ABOVE_NAMES = 15
#: A legend names no more trials than this.
MOST_NAMED = 8
SYSTEM_STYLES = {
    "spiking_noisy": ("spiking circuit, with noise", {"ls": "-", "marker": "o", "ms": 2.5}),
    "rate": ("rate circuit", {"ls": "--", "marker": "s", "ms": 2.5}),
    "dnn": ("equivalent DNN", {"ls": ":", "marker": "D", "ms": 5, "mfc": "none", "mew": 0.5}),
}


def ablation_curves(result: AblationResult) -> Figure:
    """Accuracy against the fraction of inhibition removed, a panel for each function, with the floor."""
    n = len(result.cases)
    columns = min(4, n)
    rows = -(-n // columns)
    above = 0.75 if columns > 1 else 1.25  # one column has a line of its own for each entry
    height = min(1.4 * rows + 0.25 + above, TALLEST) if columns > 1 else 3.6
    figure = Figure(figsize=(DOUBLE if columns > 1 else SINGLE, height))
    grid = figure.subplots(rows, columns, squeeze=False)
    left = 0.55 / figure.get_figwidth()
    figure.subplots_adjust(left=left, right=0.985, bottom=0.5 / height, top=1 - above / height, hspace=0.32, wspace=0.1)
    axes = grid.ravel()[:n]
    for axis, case in zip(axes, result.cases, strict=True):
        ablation_curve(axis, case, result.protocol.fractions)
    for k, axis in enumerate(axes):
        axis.set(xlabel="", ylabel="")
        if k % columns:  # ticks cost a quarter of the drawing time
            axis.yaxis.set_major_locator(NullLocator())
        if k + columns < n:
            axis.xaxis.set_major_locator(NullLocator())
    for axis in grid.flat[n:]:
        axis.axis("off")
    figure.supxlabel(REMOVED, fontsize=8, y=0.1 / height)
    figure.supylabel(RIGHT, fontsize=8, x=0.1 / figure.get_figwidth())
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="upper center", ncols=3 if columns > 1 else 1)
    return figure


def ablation_curve(ax: Axes, case: CaseResult, fractions) -> Axes:
    """One function's accuracy against the fraction of inhibition removed."""
    levels = len(fractions)
    best = 1 - case.certificate.floor["zero_one"]
    ax.axhspan(best, 1.05, color="#e2e2e2", linewidth=0, label="out of reach of excitatory-only circuits")
    ax.axhline(best, color=EXCITATORY, lw=0.8, label="1 − floor")
    measured = {system: m.accuracy[:levels] for system, m in case.measurements.items()}
    dnns = [m for system, m in measured.items() if system.endswith("dnn")]
    measured["dnn"] = np.min(dnns, axis=0)
    for system, (label, style) in SYSTEM_STYLES.items():
        if system in measured:
            label += " (the lower of two)" * (system == "dnn" and len(dnns) > 1)
            ax.plot(fractions, measured[system], lw=1, color=NEUTRAL, label=label, **style)
    colour = {"kept": "black", "lost": INHIBITORY, "not computed": NEUTRAL}[case.verdict]
    ax.set_title(f"{case.case.name}: {case.verdict}", color=colour)
    ax.set(xlim=(-0.05, 1.05), ylim=(-0.05, 1.05))
    ax.xaxis.set_major_locator(MultipleLocator(0.5))
    ax.yaxis.set_major_locator(MultipleLocator(0.5))
    ax.set_xlabel(REMOVED)
    ax.set_ylabel(RIGHT)
    return ax


def ablation_curve_with_legend(ax: Axes, case: CaseResult, fractions) -> Axes:
    """One function's accuracy against the fraction of inhibition removed, with a legend of its own."""
    ablation_curve(ax, case, fractions)
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return ax


def activity(case: CaseResult) -> Figure:
    """Spikes, and readout rates over time, for every input pattern, intact and ablated; a row for each kind."""
    rows = [kind for kind in ("spiking", "rate") if kind in case.kinds]
    heights = [{"spiking": 2.6, "rate": 1.4}[kind] for kind in rows]
    spiking = "spiking" in rows
    height = sum(heights) + 0.5 * len(rows) + 0.45 * ("rate" in rows) + 0.15 * spiking
    figure = Figure(figsize=(DOUBLE, height))
    axes = figure.subplots(len(rows), 2, sharex="row", sharey="row", height_ratios=heights, squeeze=False)
    bottom = 0.45 + 0.45 * ("rate" in rows)
    figure.subplots_adjust(
        left=0.185,
        right=0.985,
        bottom=bottom / height,
        top=1 - (0.28 + 0.15 * spiking) / height,
        hspace=0.4,
        wspace=0.06,
    )
    for kind, row in zip(rows, axes, strict=True):
        for ax, condition in zip(row, ("intact", "ablated"), strict=True):
            response = getattr(case.kinds[kind], condition)
            names = ["".join(str(int(x)) for x in pattern) for pattern in case.case.function.patterns]
            (raster if kind == "spiking" else readout_traces)(ax, response, names)
            shown = "spikes" if kind == "spiking" else "rate circuit"
            ax.set_title(f"{case.case.name}, {condition}: {shown}", pad=ABOVE_NAMES if kind == "spiking" else None)
        row[1].set_ylabel("")
        if kind == "rate":
            handles, labels = row[0].get_legend_handles_labels()
            figure.legend(handles, labels, title="input pattern", loc="lower center", ncols=min(len(labels), 9))
    letters(axes.ravel(), (-8, 4))
    return figure


def raster(ax: Axes, response: Response, trials: Sequence[str]) -> Axes:
    """Spikes of all neurons, or of some of each population where there are many, one named trial after another.

    Populations are labelled on the left, each with a band as high as its neurons are many; the afferents of inputs,
    which are grey, take less height than cells. One trial has a time axis, several have a scale bar.
    """
    bands = _bands(response.circuit)
    height = sum(band.height for band in bands)
    duration, n = response.duration * 1e3, len(trials)
    shortest = SHORTEST * height / (72 * ax.figure.get_figheight() * ax.get_position().height)
    top = height
    for band in bands:
        spikes = response.spikes[band.name]
        row = np.full(band.size, -1)
        row[band.neurons] = np.arange(len(band.neurons))
        mine = row[spikes.neuron] >= 0
        time = spikes.step[mine] * response.dt * 1e3 + spikes.copy[mine] * duration
        each = band.height / len(band.neurons)
        # one path for all ticks: a line for each spike, and a gap
        middle = top - (row[spikes.neuron[mine]] + 0.5) * each
        half = max(0.4 * each, shortest / 2)
        ends = np.stack([middle - half, middle + half, np.full(middle.shape, np.nan)], axis=1)
        ax.plot(np.repeat(time, 3), ends.ravel(), color=band.colour, lw=0.5, rasterized=time.size > MANY_SPIKES)
        top -= band.height
        if top > 0.5 * each:
            ax.axhline(top, color="#cccccc", lw=0.5)
    ends = height - np.cumsum([band.height for band in bands])
    ax.set_yticks([end + band.height / 2 for end, band in zip(ends, bands, strict=True)], [b.label for b in bands])
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(0, height)
    ax.set_xlim(0, n * duration)
    ax.set_ylabel("neurons, by population")
    if n == 1:
        ax.set_xlabel("time (ms)")
        return ax
    ax.set_xticks(np.arange(1, n) * duration, [""] * (n - 1))
    for trial in range(1, n):
        ax.axvline(trial * duration, color="#cccccc", lw=0.5)
    above = ax.get_xaxis_transform()
    step = -(-n // MOST_TRIALS_NAMED)
    for trial, name in list(enumerate(trials))[::step]:
        ax.text((trial + 0.5) * duration, 1.02, name, ha="center", va="bottom", fontsize=7, transform=above)
    bar = _round_below(duration)
    ax.plot([0, bar], [-0.03, -0.03], color="black", lw=1.5, solid_capstyle="butt", clip_on=False, transform=above)
    ax.text(0, -0.05, f"{bar:g} ms", ha="left", va="top", fontsize=7, transform=above)
    ax.set_xlabel(f"trials in turn, each of {duration:g} ms")
    return ax


@dataclass(frozen=True)
class _Band:
    """A population, or an input, in a raster: which of its neurons are drawn, and how high it is in rows of cells."""

    name: str
    label: str
    colour: str
    size: int
    neurons: np.ndarray
    height: float


def _bands(circuit: Circuit) -> list[_Band]:
    """Inputs, then populations, as a raster draws them; not inputs whose spikes differ from neuron to neuron."""
    inputs = [i for i in circuit.inputs if any(_is_shared(p) for p in circuit.projections if p.source == i.name)]
    cells = sum(p.size for p in circuit.populations)
    share = min(1.0, MOST_ROWS / max(cells, 1))
    rows = {p.name: min(p.size, max(FEWEST_ROWS, round(share * p.size))) for p in circuit.populations}
    total = sum(rows.values())
    afferents = sum(i.size for i in inputs)
    of_inputs = min(AFFERENT * afferents, INPUTS * total)
    bands = []
    for member in (*inputs, *circuit.populations):
        sign = getattr(member, "sign", None)
        if sign is None:
            drawn, height = min(member.size, MOST_ROWS), of_inputs * member.size / afferents
        else:
            drawn, height = rows[member.name], rows[member.name]
        lines = 1 + (drawn < member.size)
        height = max(height, lines * LOWEST_BAND * total)
        neurons = np.unique(np.linspace(0, member.size - 1, drawn).round().astype(int))
        label = f"{member.name} ({sign}{silenced(member)})" if sign else member.name
        if len(neurons) < member.size:
            label += f"\n{len(neurons)} of {member.size:,}"
        colour = {"E": EXCITATORY, "I": INHIBITORY, None: NEUTRAL}[sign]
        bands.append(_Band(member.name, label, colour, member.size, neurons, height))
    return bands


def _is_shared(projection) -> bool:
    """Whether one spike of the source reaches all its targets: only then the source's own spikes are simulated."""
    return not isinstance(projection.weights, Independent)


def _round_below(number: float) -> float:
    """The largest of 1, 2 and 5 times a power of ten that is no larger."""
    power = 10.0 ** np.floor(np.log10(number))
    return float(power * max(factor for factor in (1, 2, 5) if factor * power <= number * (1 + 1e-9)))


def readout_traces(ax: Axes, response: Response, trials: Sequence[str]) -> Axes:
    """Readout rate of a rate circuit over time, a line for each named trial."""
    traces = response.traces[response.circuit.readouts[0].population]
    traces = traces.reshape(-1, *traces.shape[-2:])[:, 0]
    time = (np.arange(traces.shape[1]) + 1) * response.dt * 1e3
    for k, (trace, name) in enumerate(zip(traces, trials, strict=True)):
        ax.plot(
            time,
            trace,
            lw=1.2,
            color=str(0.75 * k / len(traces)),
            ls=("-", "--", ":", "-.")[k % 4],
            label=name,
        )
    threshold = response.circuit.readout_thresholds[0]
    ax.axhline(threshold, color=NEUTRAL, lw=0.6, ls=(0, (1, 2)), label="decision threshold", zorder=0)
    ax.set_xlabel("time (ms)")
    ax.set_ylabel("readout rate (Hz)")
    return ax


def response(ax: Axes, response: Response, trials: Sequence[str] = ()) -> Axes:
    """What was recorded of a response: spikes, or rates over time; the rates of the outputs if nothing was.

    Parameters
    ----------
    ax : Axes
    response : Response
    trials : sequence of str
        Names of the trials (of all seeds in turn); by default numbers from 0, with the seed in front if there are
        several, as `Response.to_dataframe` counts.

    Returns
    -------
    Axes
    """
    total = int(np.prod(next(iter(response.rates.values())).shape[:-1]))
    seeds = seeds_of(response)
    counted = [f"{seed:.0f}, {k}" if len(seeds) > 1 else str(k) for seed in seeds for k in range(total // len(seeds))]
    names = [str(name) for name in trials] or counted
    if len(names) != total:
        raise InputError(f"Response.plot: trials: expected {total} names, found {len(names)}")
    if response.spikes:
        return raster(ax, response, names)
    if response.traces and response.circuit.readouts:
        readout_traces(ax, response, names)
        what = "seed, trial" if len(seeds) > 1 and not trials else "trial"
        handles, labels = ax.get_legend_handles_labels()
        if len(names) > MOST_NAMED:
            half = MOST_NAMED // 2
            rest = Line2D([], [], ls="none"), f"… {len(names) - 2 * half} more"
            shown = [*range(half), *range(len(names) - half, len(handles))]
            handles, labels = ([entries[k] for k in shown] for entries in (handles, labels))
            handles.insert(half, rest[0])
            labels.insert(half, rest[1])
        ax.legend(handles, labels, title=what, loc="upper left", bbox_to_anchor=(1, 1))
        return ax
    if not response.circuit.readouts:
        raise InputError("Response.plot: expected a circuit with readouts, or recorded spikes, found neither")
    readout_rates(ax, response, names)
    if len(seeds) > 1 and not trials:
        ax.set_xlabel("seed, trial")
    return ax


def readout_rates(ax: Axes, response: Response, trials: Sequence[str]) -> Axes:
    """Mean rate of each output in the read-out window, by trial, with the decision thresholds."""
    circuit = response.circuit
    names = [f"{r.population}[{k}]" for r in circuit.readouts for k in range(circuit.population(r.population).size)]
    x = np.arange(len(trials))
    for k, (rates, name) in enumerate(zip(response.readouts.reshape(len(x), len(names)).T, names, strict=True)):
        ax.plot(x, rates, ls="none", marker="osD^v"[k % 5], ms=4, label=name)
    for threshold in np.unique(circuit.readout_thresholds):
        ax.axhline(threshold, color=NEUTRAL, lw=0.6, ls=(0, (1, 2)), zorder=0)
    ax.plot([], [], color=NEUTRAL, lw=0.6, ls=(0, (1, 2)), label="decision threshold")
    ax.set_xticks(x, trials) if len(x) <= 20 else ax.set_xlim(-0.5, len(x) - 0.5)
    ax.set_xlabel("trial")
    ax.set_ylabel("readout rate (Hz)")
    if len(names) <= 10:
        ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return ax


def accuracies(ax: Axes, result: AblationResult) -> Axes:
    """Of every case the least accuracy over systems, intact and ablated, and the most of an excitatory-only circuit."""
    y = np.arange(len(result.cases))
    intact, ablated = (
        [min(case.accuracy(condition).values()) for case in result.cases] for condition in ("intact", "ablated")
    )
    reach = [1 - case.certificate.floor["zero_one"] for case in result.cases]
    ax.hlines(y, ablated, intact, color="#cccccc", lw=1, zorder=0)
    ax.plot(intact, y, "o", color="black", mfc="white", ms=5.5, label="intact")
    ax.plot(ablated, y, "o", color="black", ms=3, label="ablated")
    ax.plot(reach, y, "|", color=EXCITATORY, ms=9, mew=1.5, label="1 − floor")
    ax.set_yticks(y, [f"{case.case.name}: {case.verdict}" for case in result.cases])
    ax.set_ylim(len(y) - 0.5, -0.5)
    ax.set_xlim(-0.03, 1.03)
    ax.set_xlabel(RIGHT)
    ax.set_ylabel("function: verdict")
    ax.legend(loc="lower center", bbox_to_anchor=(0.4, 1), ncols=3, borderaxespad=0)
    return ax


def prediction(ax: Axes, prediction: "Prediction") -> Axes:
    """Predicted against simulated rates of a population, a dot for each trial; hollow where they are not close."""
    highest = 1.05 * max(prediction.predicted.max(), prediction.simulated.max(), 1e-9)
    ax.plot([0, highest], [0, highest], color=NEUTRAL, lw=0.8, ls="--", label="equal")
    for holds, fill, label in ((True, "black", "close"), (False, "none", "mean-field does not hold")):
        mine = prediction.holds == holds
        if mine.any():
            style = {"color": "black", "mfc": fill, "ms": 4, "ls": "none"}
            ax.plot(prediction.simulated[mine], prediction.predicted[mine], "o", label=label, **style)
    ax.set_xlabel("simulated rate (Hz)")
    ax.set_ylabel("rate by mean-field (Hz)")
    ax.set_title(prediction.population)
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return ax


def weights(circuit: Circuit, dnn) -> Figure:
    """Signed weight matrices of a circuit and of its static DNN, side by side."""
    figure = Figure(figsize=(DOUBLE, 3.4))
    left, right = figure.subplots(1, 2, sharey=True)
    figure.subplots_adjust(left=0.195, right=0.97, bottom=0.27, top=0.92, wspace=0.08)
    spiking = circuit.kind == "spiking"
    ours = {(p.source, p.target): circuit.sign(p) * circuit.weights(p).toarray() for p in circuit.projections}
    theirs = {(s, layer.name): w.toarray() for layer in dnn.layers for s, w in layer.incoming}
    sources, targets = [*circuit.inputs, *circuit.populations], list(circuit.populations)
    for ax, blocks, scale, title in (
        (left, ours, 1e3 if spiking else 1, "circuit: weight " + ("(mV)" if spiking else "(1)")),
        (right, theirs, 1e3 if spiking else 1, "DNN: weight " + ("(mV/Hz)" if spiking else "(1)")),
    ):
        matrix = np.block(
            [[blocks.get((s.name, t.name), np.zeros((s.size, t.size))) for t in targets] for s in sources]
        )
        largest = np.abs(matrix).max() * scale or 1
        image = ax.imshow(matrix * scale, cmap=_diverging(), vmin=-largest, vmax=largest, aspect="auto")
        figure.colorbar(image, ax=ax, shrink=0.85)
        ax.set_title(title)
        for axis, members in ((ax.xaxis, targets), (ax.yaxis, sources)):
            edges = np.cumsum([0, *(m.size for m in members)])
            axis.set_ticks((edges[:-1] + edges[1:] - 1) / 2, [m.name for m in members])
            for edge in edges[1:-1]:
                (ax.axvline if axis is ax.xaxis else ax.axhline)(edge - 0.5, color="#999999", lw=0.5)
        ax.set_xlabel("target")
        ax.set_xticks(ax.get_xticks(), ax.get_xticklabels(), rotation=35, ha="right", rotation_mode="anchor")
        ax.spines[["top", "right"]].set_visible(True)
    left.set_ylabel("source")
    letters((left, right))
    return figure


def _diverging():
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("inhibition-excitation", [INHIBITORY, "white", EXCITATORY])
