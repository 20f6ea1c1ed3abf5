"""Figures, each drawn on Axes that the caller gives; excitation and inhibition always have the same two colours."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eisim.base.errors import InputError
from eisim.circuit import Circuit
from eisim.report.response import seeds_of, silenced
from eisim.report.style import EXCITATORY, INHIBITORY, NEUTRAL, Axes
from eisim.simulation import Response
from eisim.weights import Independent

#: Ticks of more spikes than this are pixels in a vector figure.
MANY_SPIKES = 20_000
#: Approximate number of neurons drawn in a raster, and the fewest per population (if it has that many).
MOST_ROWS, FEWEST_ROWS = 200, 10
#: Heights in a raster: of an afferent in rows of cells, of all inputs and of the lowest band as shares of all cells.
AFFERENT, INPUTS, LOWEST_BAND = 0.5, 0.25, 0.06
#: Smallest height of a spike's tick, in points, and largest number of trials named in a raster.
SHORTEST, MOST_TRIALS_NAMED = 1.0, 16
#: Space between a raster and its title, in points, where trial names are placed between them.
ABOVE_NAMES = 15
#: A legend names no more trials than this.
MOST_NAMED = 8


def raster(ax: Axes, response: Response, trials: Sequence[str]) -> None:
    """Spikes of all neurons, or of some of each population where there are many, one named trial after another.

    Populations are labelled on the left, each with a band as high as its neurons are many; the afferents of inputs,
    which are grey, take less height than cells. One trial has a time axis, several have a scale bar.
    """
    bands = [band for band in _bands(response.circuit) if band.name in response.spikes]
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
    ax.set(xlim=(0, n * duration), ylim=(0, height), ylabel="neurons, by population")
    if n == 1:
        ax.set_xlabel("time (ms)")
        return
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
    ax.set_xlabel(f"consecutive trials of {duration:g} ms")


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
    shared = {p.source for p in circuit.projections if not isinstance(p.weights, Independent)}
    inputs = [i for i in circuit.inputs if i.name in shared and not i.is_current]
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


def _round_below(number: float) -> float:
    """The largest of 1, 2 and 5 times a power of ten that is no larger."""
    power = 10.0 ** np.floor(np.log10(number))
    return float(power * max(factor for factor in (1, 2, 5) if factor * power <= number * (1 + 1e-9)))


def readout_traces(ax: Axes, response: Response, trials: Sequence[str]) -> None:
    """Readout rate of a rate circuit over time, a line for each named trial."""
    traces = response.traces[response.circuit.readouts[0].population]
    traces = traces.reshape(-1, *traces.shape[-2:])[:, 0]
    time = (np.arange(traces.shape[1]) + 1) * response.dt * 1e3
    for k, (trace, name) in enumerate(zip(traces, trials, strict=True)):
        look = {"color": str(0.75 * k / len(traces)), "ls": ("-", "--", ":", "-.")[k % 4]}
        ax.plot(time, trace, lw=1.2, label=name, **look)
    threshold = response.circuit.readout_thresholds[0]
    ax.axhline(threshold, color=NEUTRAL, lw=0.6, ls=(0, (1, 2)), label="decision threshold", zorder=0)
    ax.set(xlabel="time (ms)", ylabel="readout rate (Hz)")


def trial_names(response: Response, trials: Sequence[str]) -> list[str]:
    """Names of the trials of all seeds in turn.

    By default numbers from 0, with the seed in front if there are several, as `Response.to_dataframe` counts.
    """
    total = int(np.prod(next(iter(response.rates.values())).shape[:-1]))
    seeds = seeds_of(response)
    counted = [f"{seed:.0f}, {k}" if len(seeds) > 1 else str(k) for seed in seeds for k in range(total // len(seeds))]
    names = [str(name) for name in trials] or counted
    if len(names) != total:
        raise InputError(f"Response.plot: trials: expected {total} names, found {len(names)}")
    return names


def response(ax: Axes, response: Response, trials: Sequence[str] = ()) -> None:
    """Draw the recordings of a response: spikes, or rates over time; the output rates if there are none.

    Trials are named, see `trial_names`.
    """
    names, seeds = trial_names(response, trials), seeds_of(response)
    if response.spikes:
        raster(ax, response, names)
    elif response.traces and response.circuit.readouts:
        readout_traces(ax, response, names)
        what = "seed, trial" if len(seeds) > 1 and not trials else "trial"
        handles, labels = ax.get_legend_handles_labels()
        if len(names) > MOST_NAMED:
            half = MOST_NAMED // 2
            (nothing,) = ax.plot([], [], ls="none")
            handles[half : len(names) - half] = [nothing]
            labels[half : len(names) - half] = [f"… {len(names) - 2 * half} more"]
        ax.legend(handles, labels, title=what, loc="upper left", bbox_to_anchor=(1, 1))
    elif response.circuit.readouts:
        readout_rates(ax, response, names)
        if len(seeds) > 1 and not trials:
            ax.set_xlabel("seed, trial")
    else:
        raise InputError("Response.plot: expected a circuit with readouts, or recorded spikes, found neither")


def readout_rates(ax: Axes, response: Response, trials: Sequence[str]) -> None:
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
    ax.set(xlabel="trial", ylabel="readout rate (Hz)")
    if len(names) <= 10:
        ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
