"""How circuits, DNNs, responses, functions and tasks are drawn, tabulated and shown in notebooks."""

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from html import escape
from operator import itemgetter

import numpy as np

from eisim.adapter.brian2_network import to_brian2
from eisim.adapter.static import DNN
from eisim.adapter.unrolled import UnrolledDNN
from eisim.analysis.mean_field_check import Prediction
from eisim.analysis.task import Task
from eisim.base.display import register
from eisim.base.units import format_quantity
from eisim.base.values import Shown
from eisim.circuit import Circuit
from eisim.distributions import Distribution
from eisim.functions import LabelledData, Region, TruthTable
from eisim.neurons import Neuron
from eisim.plasticity import PlasticityRule
from eisim.report import response as responses
from eisim.report import traces
from eisim.report.circuit import delays, synapses
from eisim.report.style import EXCITATORY, NEUTRAL, Axes, axes, drawn_by
from eisim.report.table import Column, Table, html_box, html_table, sentences
from eisim.report.wording import count
from eisim.simulation.response import Response
from eisim.weights import Rule

#: Columns of data and outputs that are shown.
COLUMNS = 8
#: Cells on a side of the picture of a region.
PICTURE = 32
SIGNS = {"E": "E excitatory", "I": "I inhibitory"}


def _table(title: str, headings: Sequence[str], rows: Sequence[Sequence]) -> str:
    """A table of which all cells are there already."""
    columns = [Column(name, itemgetter(k), "sign" if name == "sign" else "") for k, name in enumerate(headings)]
    return html_table(Table(title, columns, rows))


def _model(value) -> str:
    """A neuron, receptor or other model with its parameters and their units."""
    if isinstance(value, (Neuron, PlasticityRule)):
        return repr(value)[1:-1]
    parts = []
    for f in fields(value) if is_dataclass(value) else ():
        found = getattr(value, f.name)
        if "unit" in f.metadata:
            parts.append(f"{f.name} {format_quantity(found, f.metadata['unit'])}")
        elif is_dataclass(found):
            parts.append(f"{f.name} {_model(found)}")
        elif found is not None and found is not False:
            parts.append(f"{f.name} {found}")
    return type(value).__name__ + (f"({', '.join(parts)})" if parts else "")


def _range(values, unit: str) -> str:
    """One quantity, or the least and the largest; nothing of none."""
    if not np.size(values):
        return ""
    low, high = float(np.min(values)), float(np.max(values))
    text = format_quantity(low, unit)
    return text if low == high else f"{text} to {format_quantity(high, unit)}"


def _circuit(circuit: Circuit) -> str:
    inputs = [(i.name, i.size, *_sent(circuit, i)) for i in circuit.inputs]
    scale = "rate or current" if any(i.is_current for i in circuit.inputs) else "rate"
    populations = [(p.name, SIGNS[p.sign], p.size, _model(p.neuron), _extras(circuit, p)) for p in circuit.populations]
    projections = [_projection(circuit, p) for p in circuit.projections]
    readouts = [(r.population, circuit.population(r.population).size, f"{r.threshold:g} Hz") for r in circuit.readouts]
    return html_box(
        f"{circuit.name}: {circuit.kind} circuit",
        _table("Inputs", ("name", "afferents", f"{scale} for a stimulus of 1", "as"), inputs),
        _table("Populations", ("name", "sign", "neurons", "model", ""), populations),
        _table("Projections", ("from", "to", "sign", "synapses", "mean weight", "delay", ""), projections),
        _table("Readouts", ("population", "outputs", "decision threshold"), readouts),
    )


def _sent(circuit, of) -> tuple[str, str]:
    """What an input sends for a stimulus of 1, and as what."""
    if of.spikes is not None:
        return "", f"{of.spikes.i.size:,} spikes at given times"
    if not of.is_current:
        return f"{of.rate:g} Hz", of.train if circuit.kind == "spiking" else "the rate itself"
    unit = circuit.unit_of_current(of)
    sd = f" ± {format_quantity(of.fluctuation, unit)} (tau {of.tau * 1e3:g} ms)" if of.fluctuation else ""
    return format_quantity(of.scale, unit), f"injected current{sd}"


def _extras(circuit, population):
    """What sets a population apart beside its model."""
    parts = [f"{population.cell_type} cells"] if population.cell_type not in ("", population.name) else []
    if population.bias.any():
        parts.append(f"bias {_range(population.bias, population.neuron.drive_unit)}")
    if isinstance(population.initial, dict):
        parts.append(f"from {', '.join(_state(population, *each) for each in population.initial.items())}")
    elif population.initial is not None:
        parts.append(f"from {_range(population.initial, population.neuron.state_unit)}")
    for name, sd in population.spread.items():
        parts.append(f"{name} ± {format_quantity(sd, population.neuron.quantities[name].unit)}")
    if population.gap_junctions is not None:
        parts.append(count(circuit.gap_junctions(population).nnz // 2, "gap junction"))
    if population.gap_junctions_from:
        number = sum(matrix.nnz for matrix in population.gap_junctions_from.values())
        parts.append(f"{count(number, 'gap junction')} from {', '.join(population.gap_junctions_from)}")
    return ", ".join(parts)


def _state(population, name, value):
    """A state variable at the start: its range, or the distribution from which it is drawn."""
    unit = population.neuron.states[name]
    if not isinstance(value, Distribution):
        return f"{name} {_range(value, unit)}"
    mean, sd = (format_quantity(each, unit) for each in (value.mean, value.sd))
    return f"{name} {type(value).__name__.lower()} {mean} ± {sd}"


def _projection(circuit, projection):
    (number, weight), neuron = synapses(circuit, projection), circuit.population(projection.target).neuron
    unit = "1" if circuit.is_injected(projection) else neuron.weight_unit
    mean = format_quantity(weight, unit) if number else ""
    rule = projection.weights
    extras = [type(rule).__name__] if isinstance(rule, Rule) else []
    drawn = {"weights": getattr(rule, "weight", None), "delays": projection.delay}
    for name, each in drawn.items():
        extras += [f"{type(each).__name__.lower()} {name}"] if isinstance(each, Distribution) else []
    extras += [projection.receptor] if projection.receptor else []
    extras += [_model(each) for each in (projection.plasticity, projection.transient, projection.learning) if each]
    extras += [f"transmission {projection.transmission:g}"] if projection.transmission != 1 else []
    late = delays(circuit, projection) if number or not isinstance(projection.delay, Distribution) else 0.0
    ends = projection.source, projection.target, SIGNS["E" if circuit.sign(projection) > 0 else "I"]
    return *ends, number, mean, _range(late, "second"), ", ".join(extras)


def _dnn(dnn: DNN) -> str:
    rows = []
    for layer in dnn.layers:
        weights = np.concatenate([*(matrix.data for _, matrix in layer.incoming), np.empty(0)])
        sources = ", ".join(dict.fromkeys(source for source, _ in layer.incoming))
        signs = int((weights > 0).sum()), int((weights < 0).sum())
        rows.append((layer.name, layer.size, _model(layer.neuron), sources, *signs))
    return html_box(
        f"{dnn.name}: DNN, {'recurrent: its output is a fixed point' if dnn.recurrent else 'feed-forward'}",
        _table("Layers", ("name", "units", "activation", "from", "weights > 0", "weights < 0"), rows),
        _table("Inputs", ("name", "size", "rate for a stimulus of 1"), [(n, s, f"{r:g} Hz") for n, s, r in dnn.inputs]),
        _table("Outputs", ("name", "decision threshold"), [(n, f"{threshold:g} Hz") for n, threshold in dnn.outputs]),
    )


def _unrolled(dnn: UnrolledDNN) -> str:
    units = sum(p.size for p in dnn.circuit.populations)
    weights = [(delay, SIGNS["E" if sign > 0 else "I"], w.nnz) for (delay, sign, *_), w in sorted(dnn.weights.items())]
    return html_box(
        f"{dnn.circuit.name}: unrolled DNN",
        sentences(
            f"{count(dnn.steps, 'layer')} of {format_quantity(dnn.dt, 'second')}, {count(units, 'unit')} each, with "
            f"shared weights; the output is the mean over the last {count(dnn.window_steps, 'layer')}."
        ),
        _table("Weights", ("layers skipped", "sign", "weights"), weights),
    )


def _response(response: Response) -> str:
    readouts = responses.shaped(response.readouts, 1)
    seeds, names = responses.seeds_of(response), responses.readout_names(response)
    trials = readouts.shape[1]
    rates = readouts.reshape(len(seeds) * trials, len(names))
    above = rates > response.circuit.readout_thresholds
    recorded = [f"spikes of {', '.join(response.spikes)}"] if response.spikes else []
    recordings = response.traces.recordings
    recorded += [f"{', '.join(found.values)} of {name}" for name, found in recordings.items()]
    in_time = [name for name in response.traces if name not in recordings]
    recorded += [f"rates over time of {', '.join(in_time)}"] if in_time else []
    silent = [p for p in response.circuit.populations if p.silenced]
    quiet = [p.name + responses.silenced(p).removesuffix(" silenced") for p in silent]
    window, duration, dt = (format_quantity(t, "second") for t in (response.window, response.duration, response.dt))
    columns = [
        Column("seed", lambda k: f"{seeds[k // trials]:g}"),
        Column("trial", lambda k: k % trials),
        *(
            Column(name, lambda k, j=j: f"{'●' if above[k, j] else '○'} {rates[k, j]:.4g}")
            for j, name in enumerate(names[:COLUMNS])
        ),
    ]
    title = "Outputs in Hz; ● is above the decision threshold"
    return html_box(
        f"Response of {response.circuit.name} ({response.circuit.kind})",
        sentences(
            f"{count(len(seeds), 'seed')}, {count(trials, 'trial')}, {count(len(names), 'output')}: rates over the "
            f"last {window} of {duration}, in steps of {dt}.",
            f"Recorded: {'; '.join(recorded)}." if recorded else "",
            f"Silenced (0 Hz, without output): {'; '.join(quiet)}." if quiet else "",
        ),
        html_table(Table(title, columns, range(len(rates) if names else 0))),
        sentences(f"{len(names) - COLUMNS:,} more outputs are not shown." if len(names) > COLUMNS else ""),
    )


def _truth_table(function: TruthTable) -> str:
    names = [f"x{k + 1}" for k in range(function.n_inputs)]
    rows = [(*map(int, pattern), int(value)) for pattern, value in zip(function.patterns, function.values, strict=True)]
    return html_box(
        f"{function.name}: truth table of {count(function.n_inputs, 'input')}",
        sentences(f"Values in counting order: {function.bits}"),
        _table("", (*names, "value"), rows),
    )


def _region(region: Region) -> str:
    n = min(region.resolution, PICTURE)
    centres = (np.arange(n) + 0.5) / n
    x, y = np.meshgrid(centres, centres[::-1])
    inside = np.asarray(region.contains(x.ravel(), y.ravel())).reshape(n, n).astype(bool)
    rectangles = []
    for row, cells in enumerate(inside):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], cells, [0]]).astype(int)))
        for start, end in edges.reshape(-1, 2):
            rectangles.append(f"M{start} {row}h{end - start}v1h-{end - start}z")
    label = escape(f"{region.name}: {inside.mean():.0%} of the unit square", quote=True)
    return html_box(
        f"{region.name}: region of the unit square",
        sentences(f"Judged at {region.resolution} × {region.resolution} cells; {inside.mean():.0%} of it lies inside."),
        f'<svg role="img" aria-label="{label}" width="130" height="130" viewBox="-1 -1 {n + 2} {n + 2}">'
        f'<rect width="{n}" height="{n}" fill="none" stroke="currentColor" stroke-width="0.3"/>'
        f'<path d="{"".join(rectangles)}" fill="{EXCITATORY}"/></svg>',
    )


def _data(data: LabelledData) -> str:
    columns = [Column(name, lambda k, j=j: data.points[k, j]) for j, name in enumerate(data.names[:COLUMNS])]
    columns += [Column("...", lambda k: "")] if data.n_inputs > COLUMNS else []
    columns.append(Column(data.target, lambda k: data.targets[k]))
    columns += [Column("weight", lambda k: data.weights[k])] if np.ptp(data.weights) else []
    size = f"{count(len(data.points), 'point')}, {count(data.n_inputs, 'input')}; the target is {data.target}."
    return html_box(
        f"{data.name}: labelled data",
        sentences(size, *data.notes),
        html_table(Table("", columns, range(len(data.points)))),
    )


def _task(task: Task) -> str:
    shape = " × ".join(map(str, task.stimuli.shape))
    axes = "trials × time × inputs" if task.stimuli.ndim == 3 else "trials × inputs"
    times = ((name, format_quantity(getattr(task, name), "second")) for name in ("duration", "window", "dt"))
    rows = [
        ("score", task.measure),
        ("criterion", f"{task.criterion:g}"),
        ("obstruction without inhibition", str(task.obstruction)),
        ("stimuli", f"{shape} ({axes})"),
        *times,
    ]
    return html_box("Task", _table("", ("what", "value"), rows))


def _plot_diagram(name):
    def plot(value, ax, keywords):
        from eisim.report import diagram

        size = diagram.size(getattr(diagram, f"{name}_layout")(value)) if ax is None else None
        return axes(getattr(diagram, name), ax, value, size=size, bare=True, keywords=keywords)

    return plot


def _draw_prediction(ax: Axes, prediction: Prediction) -> None:
    """Predicted against simulated rates of a population, a dot for each trial; hollow where they are not close."""
    highest = 1.05 * max(prediction.predicted.max(), prediction.simulated.max(), 1e-9)
    ax.plot([0, highest], [0, highest], color=NEUTRAL, lw=0.8, ls="--", label="equal")
    for holds, fill, label in ((True, "black", "close"), (False, "none", "mean-field does not hold")):
        mine = prediction.holds == holds
        if mine.any():
            style = {"color": "black", "mfc": fill, "ms": 4, "ls": "none"}
            ax.plot(prediction.simulated[mine], prediction.predicted[mine], "o", label=label, **style)
    ax.set(xlabel="simulated rate (Hz)", ylabel="rate by mean-field (Hz)", title=prediction.population)
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))


register(Shown, html=lambda value: f"<pre>{escape(repr(value))}</pre>")
register(Circuit, html=_circuit, plot=_plot_diagram("circuit"), to_brian2=to_brian2)
register(DNN, html=_dnn, plot=_plot_diagram("dnn"))
register(UnrolledDNN, html=_unrolled, plot=_plot_diagram("dnn"))
register(Prediction, plot=drawn_by(_draw_prediction))
register(
    Response,
    html=_response,
    plot=drawn_by(traces.response, traces.size),
    to_dataframe=responses.frame,
    spikes_to_dataframe=responses.spike_frame,
    traces_to_dataframe=responses.trace_frame,
    to_xarray=responses.dataset,
)
register(TruthTable, html=_truth_table)
register(Region, html=_region)
register(LabelledData, html=_data)
register(Task, html=_task)
