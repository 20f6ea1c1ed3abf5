"""How values show themselves in a notebook: small tables in HTML, which need nothing but themselves.

Colours are set together with their background, and all else takes the colours of the notebook, light or dark.
"""

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from functools import singledispatch
from html import escape

import numpy as np

from eisim.adapter.static import DNN
from eisim.adapter.unrolled import UnrolledDNN
from eisim.analysis.task import Task
from eisim.base.units import format_quantity
from eisim.circuit import Circuit
from eisim.functions import LabelledData, Region, TruthTable
from eisim.report.response import readout_names, seeds_of, shaped, silenced
from eisim.report.style import EXCITATORY, INHIBITORY
from eisim.simulation.response import Response
from eisim.studies.networks import NetworkAblation
from eisim.studies.tasks.result import Assessment, DoseResponse, Judged, Survey
from eisim.weights import Rule

#: Rows of a table that are shown; of longer ones the rest is counted.
ROWS = 12
#: Columns of data that are shown.
COLUMNS = 8
#: Cells on a side of the picture of a region.
PICTURE = 32
VERDICTS = {"kept": ("✓", "#1a7f37"), "lost": ("✗", "#a40e26"), "never had": ("–", "#57606a")}
SIGNS = {"E": ("E excitatory", EXCITATORY, "#000"), "I": ("I inhibitory", INHIBITORY)}


class Html(str):
    """Text that is HTML already."""


@singledispatch
def html(value) -> str:
    """A value of eisim as HTML.

    Parameters
    ----------
    value : Circuit, DNN, UnrolledDNN, Response, TruthTable, Region, LabelledData, Task, DoseResponse, \
Judged, Assessment, Survey, CaseResult, AblationResult or NetworkAblation

    Returns
    -------
    str
        Self-contained, with what the value holds escaped.
    """
    return f"<pre>{escape(repr(value))}</pre>"


def _box(title: str, *parts: str) -> str:
    """A heading and what stands below it."""
    style = "max-width: 60em; line-height: 1.4; overflow-x: auto"
    return f'<div style="{style}"><div><strong>{escape(title)}</strong></div>{"".join(filter(None, parts))}</div>'


def _text(*sentences: str) -> str:
    return "".join(f'<div style="margin: 0.2em 0">{_cell(sentence)}</div>' for sentence in sentences if sentence)


def _cell(value) -> str:
    return value if isinstance(value, Html) else escape(str(value))


def _table(caption: str, headings: Sequence[str], rows: Sequence[Sequence], total: int | None = None) -> str:
    """A table; numbers stand to the right, and rows beyond `ROWS`, of a total that need not be given, are counted."""
    total = len(rows) if total is None else total
    if not total:
        return ""

    sides = ["right" if _is_number(cell) else "left" for cell in rows[0]]

    def row(cells, tag):
        return "<tr>" + "".join(_aligned(*each, tag) for each in zip(cells, sides, strict=True)) + "</tr>"

    body = "".join(row(cells, "td") for cells in rows[:ROWS])
    if total > ROWS:
        more = f"and {total - ROWS:,} more"
        body += f'<tr><td colspan="{len(headings)}" style="text-align: left">{more}</td></tr>'
    style = "text-align: left; caption-side: top; color: inherit; padding: 0.3em 0; white-space: nowrap"
    head = f'<caption style="{style}">{escape(caption)}</caption>' if caption else ""
    return f"<table>{head}<thead>{row(headings, 'th')}</thead><tbody>{body}</tbody></table>"


def _is_number(cell):
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _aligned(cell, side, tag):
    scope = ' scope="col"' if tag == "th" else ""
    return f'<{tag}{scope} style="text-align: {side}">{_cell(cell)}</{tag}>'


def _badge(text: str, colour: str, ink: str = "#fff") -> Html:
    style = f"background: {colour}; color: {ink}; border-radius: 0.3em; padding: 0 0.4em; white-space: nowrap"
    return Html(f'<span style="{style}">{escape(text)}</span>')


def _verdict(verdict: str) -> Html | str:
    """By symbol, word and colour."""
    if verdict not in VERDICTS:
        return verdict
    symbol, colour = VERDICTS[verdict]
    return _badge(f"{symbol} {verdict}", colour)


def _sign(sign: str) -> Html:
    return _badge(*SIGNS[sign])


def _model(value) -> str:
    """A neuron, receptor or other model with its parameters and their units."""
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
    """One quantity, or the least and the largest."""
    low, high = float(np.min(values)), float(np.max(values))
    text = format_quantity(low, unit)
    return text if low == high else f"{text} to {format_quantity(high, unit)}"


def _count(n: int, thing: str) -> str:
    return f"{n:,} {thing}{'' if n == 1 else 's'}"


def _left_out(reasons: dict[str, str]) -> list[str]:
    return [f"Left out: {name}: {reason}" for name, reason in reasons.items()]


@html.register
def _(circuit: Circuit) -> str:
    inputs = [
        (i.name, i.size, f"{i.rate:g} Hz", i.train if circuit.kind == "spiking" else "the rate itself")
        for i in circuit.inputs
    ]
    populations = [(p.name, _sign(p.sign), p.size, _model(p.neuron), _extras(p)) for p in circuit.populations]
    projections = [_projection(circuit, p) for p in circuit.projections]
    readouts = [(r.population, circuit.population(r.population).size, f"{r.threshold:g} Hz") for r in circuit.readouts]
    return _box(
        f"{circuit.name}: {circuit.kind} circuit",
        _table("Inputs", ("name", "afferents", "rate for a stimulus of 1", "as"), inputs),
        _table("Populations", ("name", "sign", "neurons", "model", ""), populations),
        _table(
            "Projections",
            ("from", "to", "sign", "synapses", "mean weight", "delay", ""),
            projections,
        ),
        _table("Readouts", ("population", "outputs", "decision threshold"), readouts),
    )


def _extras(population):
    """What sets a population apart beside its model."""
    parts = []
    if population.bias.any():
        parts.append(f"bias {_range(population.bias, population.neuron.drive_unit)}")
    if population.initial is not None:
        parts.append(f"from {_range(population.initial, population.neuron.state_unit)}")
    units = {f.name: f.metadata.get("unit", "1") for f in fields(population.neuron)}
    parts += [f"{name} ± {format_quantity(sd, units[name])}" for name, sd in population.spread.items()]
    return ", ".join(parts)


def _projection(circuit, projection):
    weights, neuron = circuit.weights(projection), circuit.population(projection.target).neuron
    mean = format_quantity(float(weights.data.mean()), neuron.weight_unit) if weights.nnz else ""
    parts = [type(projection.weights).__name__] if isinstance(projection.weights, Rule) else []
    parts += [projection.receptor] if projection.receptor else []
    parts += [_model(projection.plasticity)] if projection.plasticity else []
    sign = _sign("E" if circuit.sign(projection) > 0 else "I")
    return (
        projection.source,
        projection.target,
        sign,
        weights.nnz,
        mean,
        _range(projection.delay, "second"),
        ", ".join(parts),
    )


@html.register
def _(dnn: DNN) -> str:
    rows = []
    for layer in dnn.layers:
        weights = [matrix.data for _, matrix in layer.incoming]
        entries = np.concatenate([*weights, np.empty(0)])
        sources = ", ".join(dict.fromkeys(source for source, _ in layer.incoming))
        rows.append(
            (layer.name, layer.size, _model(layer.neuron), sources, int((entries > 0).sum()), int((entries < 0).sum()))
        )
    how = "recurrent: its output is a fixed point" if dnn.recurrent else "feed-forward"
    sign = "No weight is negative." if dnn.is_nonnegative else ""
    inputs = ", ".join(f"{name} ({size}, {rate:g} Hz for a stimulus of 1)" for name, size, rate in dnn.inputs)
    outputs = ", ".join(f"{name} (decides above {threshold:g} Hz)" for name, threshold in dnn.outputs)
    return _box(
        f"{dnn.name}: DNN, {how}",
        _text(f"Inputs: {inputs}.", f"Outputs: {outputs}." if outputs else "", sign),
        _table("Layers", ("name", "units", "activation", "from", "weights > 0", "weights < 0"), rows),
    )


@html.register
def _(dnn: UnrolledDNN) -> str:
    rows = [
        (delay, _sign("E" if sign > 0 else "I"), matrix.nnz) for (delay, sign), matrix in sorted(dnn.weights.items())
    ]
    circuit = dnn.circuit
    units = sum(p.size for p in circuit.populations)
    return _box(
        f"{circuit.name}: unrolled DNN",
        _text(
            f"{_count(dnn.steps, 'layer')} of {format_quantity(dnn.dt, 'second')}, {_count(units, 'unit')} each, with "
            f"shared weights; the output is the mean over the last {_count(dnn.window_steps, 'layer')}."
        ),
        _table("Weights", ("layers skipped", "sign", "weights"), rows),
    )


@html.register
def _(response: Response) -> str:
    readouts = shaped(response, response.readouts, 1)
    seeds, names = seeds_of(response), readout_names(response)
    decisions = readouts > response.circuit.readout_thresholds
    recorded = [f"spikes of {', '.join(response.spikes)}"] if response.spikes else []
    recorded += [f"rates over time of {', '.join(response.traces)}"] if response.traces else []
    quiet = [p.name + silenced(p).removesuffix(" silenced") for p in response.circuit.populations if p.silenced]
    window, duration, dt = (format_quantity(t, "second") for t in (response.window, response.duration, response.dt))
    total = readouts.shape[0] * readouts.shape[1] if names else 0
    rows = [(*_place(k, seeds, readouts.shape[1]), *_answers(readouts, decisions, k)) for k in range(min(total, ROWS))]
    more = f"{len(names) - COLUMNS:,} more outputs are not shown." if len(names) > COLUMNS else ""
    return _box(
        f"Response of {response.circuit.name} ({response.circuit.kind})",
        _text(
            f"{_count(len(seeds), 'seed')}, {_count(readouts.shape[1], 'trial')}, {_count(len(names), 'output')}: "
            f"rates over the last {window} of {duration}, in steps of {dt}.",
            f"Recorded: {'; '.join(recorded)}." if recorded else "",
            f"Silenced, so that they send nothing, whatever their rates: {'; '.join(quiet)}." if quiet else "",
        ),
        _table("Outputs in Hz; ● is above the decision threshold", ("seed", "trial", *names[:COLUMNS]), rows, total),
        _text(more),
    )


def _place(k, seeds, trials):
    return f"{seeds[k // trials]:g}", str(k % trials)


def _answers(readouts, decisions, k):
    rates, above = (part.reshape(-1, part.shape[-1])[k, :COLUMNS] for part in (readouts, decisions))
    return [f"{'●' if yes else '○'} {rate:.4g}" for rate, yes in zip(rates, above, strict=True)]


@html.register
def _(function: TruthTable) -> str:
    names = [f"x{k + 1}" for k in range(function.n_inputs)]
    rows = [(*map(int, pattern), int(value)) for pattern, value in zip(function.patterns, function.values, strict=True)]
    return _box(
        f"{function.name}: truth table of {_count(function.n_inputs, 'input')}",
        _text(f"Values in counting order: {function.bits}"),
        _table("", (*names, "value"), rows),
    )


@html.register
def _(region: Region) -> str:
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
    return _box(
        f"{region.name}: region of the unit square",
        _text(f"Judged at {region.resolution} × {region.resolution} cells; {inside.mean():.0%} of it lies inside."),
        f'<svg role="img" aria-label="{label}" width="130" height="130" viewBox="-1 -1 {n + 2} {n + 2}">'
        f'<rect width="{n}" height="{n}" fill="none" stroke="currentColor" stroke-width="0.3"/>'
        f'<path d="{"".join(rectangles)}" fill="{EXCITATORY}"/></svg>',
    )


@html.register
def _(data: LabelledData) -> str:
    weighted = (data.weights != data.weights[0]).any()
    headings = (*data.names[:COLUMNS], *(["..."] if data.n_inputs > COLUMNS else []), data.target)
    rows = [
        (
            *(f"{value:.6g}" for value in point[:COLUMNS]),
            *([""] if data.n_inputs > COLUMNS else []),
            f"{target:.6g}",
            *([f"{weight:.6g}"] if weighted else []),
        )
        for point, target, weight in zip(data.points[:ROWS], data.targets[:ROWS], data.weights[:ROWS], strict=True)
    ]
    return _box(
        f"{data.name}: labelled data",
        _text(
            f"{_count(len(data.points), 'point')}, {_count(data.n_inputs, 'input')}; the target is {data.target}.",
            *data.notes,
        ),
        _table("", (*headings, *(["weight"] if weighted else [])), rows, len(data.points)),
    )


@html.register
def _(task: Task) -> str:
    shape = " × ".join(map(str, task.stimuli.shape))
    axes = "trials × time × inputs" if task.stimuli.ndim == 3 else "trials × inputs"
    rows = [
        ("score", task.measure),
        ("counts as done from", f"{task.criterion:g}"),
        ("obstruction without inhibition", str(task.obstruction)),
        ("stimuli", f"{shape} ({axes})"),
        ("length of a trial", format_quantity(task.duration, "second")),
        ("read-out window", format_quantity(task.window, "second")),
        ("time step", format_quantity(task.dt, "second")),
    ]
    return _box("Task", _table("", ("what", "value"), rows))


@html.register
def _(curve: DoseResponse) -> str:
    rows = [
        (f"{dose:g}", f"{scores.mean():.3f}", f"{scores.min():.3f}", f"{scores.max():.3f}")
        for dose, scores in zip(curve.doses, curve.scores, strict=True)
    ]
    seeds = _count(curve.scores.shape[1], "seed")
    return _box(
        "Dose response",
        _text(Html(f"{_verdict(curve.verdict)} at the largest dose; kept is a score of at least {curve.criterion:g}.")),
        _table(f"Score by dose of ablation, over {seeds}", ("dose", "mean", "lowest", "highest"), rows),
    )


@html.register
def _(judged: Judged) -> str:
    return _box(
        f"{judged.kind} circuit of {_count(judged.neurons, 'neuron')}",
        _text(f"Score: {judged.measure}."),
        _systems({judged.kind: judged}),
        _text(*_remarks({judged.kind: judged})),
    )


@html.register
def _(assessment: Assessment) -> str:
    from eisim.ablation import dose

    done = f" ({assessment.function})" if assessment.function else ""
    return _box(
        f"{assessment.name}{done}: {dose(assessment.how).label}",
        _systems(assessment.kinds),
        _text(*_remarks(assessment.kinds), *_left_out(assessment.left_out)),
    )


def _systems(kinds):
    rows = [
        (
            "DNN" if name == "dnn" else name,
            f"{curve.intact:.3f}",
            f"{curve.ablated:.3f}",
            f"{curve.criterion:g}",
            "none" if curve.critical_dose is None else f"{curve.critical_dose:.2f}",
            _verdict(curve.verdict),
            str(judged.obstruction),
        )
        for judged in kinds.values()
        for name, curve in judged.systems.items()
    ]
    headings = ("system", "score intact", "ablated", "criterion", "critical dose", "verdict", "obstruction")
    return _table("", headings, rows)


def _remarks(kinds):
    from eisim.report.functions import words

    for kind, judged in kinds.items():
        if judged.witness is not None:
            yield f"Witness ({kind}): {words(judged.witness)}."
        for problem in judged.problems:
            yield f"Problem ({kind}): {problem}"


@html.register
def _(survey: Survey) -> str:
    rows = [
        (
            each.function,
            each.name,
            "DNN" if name == "dnn" else name,
            f"{curve.intact:.3f}",
            f"{curve.ablated:.3f}",
            _verdict(curve.verdict),
        )
        for each in survey.assessments
        for name, curve in each.systems.items()
    ]
    return _box(
        f"Survey of {_count(len(survey.assessments), 'circuit')}",
        _table("", ("function", "circuit", "system", "score intact", "ablated", "verdict"), rows),
        _text(*_left_out(survey.left_out), *survey.problems),
    )


@html.register
def _(result: NetworkAblation) -> str:
    from eisim.report.network import rows as classes

    rows = [
        (
            f"{row['class']:g}",
            row["rows"],
            f"{row['intact']:.3f}",
            f"{row['ablated']:.3f}",
            _verdict(row["verdict"]),
            f"{row['floor']:.3f}",
        )
        for row in classes(result)
    ]
    accuracy = result.accuracy
    return _box(
        f"{result.name} on {result.data.name}: {result.kind} circuit",
        _text(
            f"{result.neurons['E']:,} excitatory and {result.neurons['I']:,} inhibitory neurons; accuracy "
            f"{accuracy[0]:.3f} intact, {accuracy[-1]:.3f} without inhibition."
        ),
        _table(
            "Balanced accuracy of each class by the largest output (0.5 is chance), and the floor of its data",
            ("class", "rows", "intact", "ablated", "verdict", "floor"),
            rows,
        ),
        _text(*result.problems),
    )
