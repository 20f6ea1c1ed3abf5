"""Circuits and their DNNs as diagrams: populations with sign and size, projections with weights.

Excitatory projections end with an arrowhead, inhibitory ones with a bar; populations have round corners, inhibitory
ones round ends; routes by which inputs can lower outputs have a band. What has more than `MOST` populations or layers
is drawn in groups.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from eisim.adapter import DNN, UnrolledDNN, to_dnn
from eisim.base.errors import InputError
from eisim.base.units import format_quantity
from eisim.circuit import Circuit
from eisim.neurons.lif import never_fires
from eisim.report import graph
from eisim.report.circuit import delays, synapses
from eisim.report.routes import Routes, falling_routes
from eisim.report.style import DOUBLE, EXCITATORY, INHIBITORY, MARKED, NEUTRAL, SINGLE, TALLEST
from eisim.weights import Rule

#: Populations, or layers of a DNN, that are drawn one by one, and arrows between them.
MOST, MOST_ARROWS = 8, 16
#: Synapses of the largest circuit whose DNN is drawn beside it.
LARGEST = 1_000_000
#: Symbol of the unit of a weight, and how many of it are one SI unit.
UNITS = {"volt": ("mV", 1e3), "siemens": ("nS", 1e9), "1": ("", 1), "volt/hertz": ("mV/Hz", 1e3)}
LOOKS = {"E": (EXCITATORY, "round"), "I": (INHIBITORY, "pill"), "": (NEUTRAL, "square")}
#: Colour and end of an arrow by the sign of its weights.
ENDS = {1: (EXCITATORY, "arrow"), -1: (INHIBITORY, "bar"), 0: ("black", "both")}
#: Heights above and below a panel of a figure, in inches.
HEAD, FOOT = 0.24, 0.36
#: Height of the legend of marked routes, in inches.
LEGEND = 0.13


@dataclass(frozen=True)
class Node:
    """An input, a population or a layer; or several of them, drawn as one."""

    name: str
    sign: str  # "E" or "I"; empty for inputs, and for layers, whose units may have weights of either sign
    size: int
    model: str  # of its neurons or its activation
    output: str = ""  # description of the readout
    word: str = "neuron"  # what there are `size` of
    of: int = 1  # number of populations it represents
    marked: bool = False  # whether it inhibits on a route by which an input lowers an output


@dataclass(frozen=True)
class Link:
    """The weights from one node to another, by the places of these."""

    source: int
    target: int
    sign: int  # 1, -1, or 0 for weights of both signs
    mean: float  # magnitude over synapses, in SI units; of weights of both signs the mean itself
    count: int  # synapses, or weights that are not 0
    expected: bool = False  # whether the count is that which a random rule gives on average
    delays: tuple[float, float] = (0.0, 0.0)  # the least and the greatest, in s
    unit: str = "1"  # a key of `UNITS`
    receptor: str = ""  # where it is not that of the sign
    marked: bool = False  # whether it is on a route by which an input lowers an output


def circuit(ax: Axes, circuit: Circuit) -> None:
    """Draw a circuit: inputs, populations, projections with weights and delays, and readouts with thresholds."""
    graph.draw(ax, circuit_layout(circuit), circuit_layout(circuit, upright=True))


def dnn(ax: Axes, dnn: DNN | UnrolledDNN) -> None:
    """Draw a DNN: its inputs and layers with their activations, and the signed weights between them."""
    graph.draw(ax, dnn_layout(dnn), dnn_layout(dnn, upright=True))


def size(layout: graph.Layout) -> tuple[float, float]:
    """Width and height, in inches, of a figure of one or two columns that holds a diagram."""
    return SINGLE if layout.size[0] <= SINGLE else DOUBLE, float(min(layout.size[1], TALLEST))


def circuit_and_dnn(circuit: Circuit, dnn: DNN | UnrolledDNN | None = None) -> Figure:
    """A circuit, and its DNN beside it, or below it where the two are wide; one or two columns wide."""
    mean = _mean(circuit.populations[0].neuron.weight_unit)
    delay = ", delay" * any(link.delays[1] for link in _links(circuit))
    key = f"arrowhead: excitatory, bar: inhibitory\n{mean} × synapses{delay}"
    routes = falling_routes(circuit)
    drawn = partial(circuit_layout, routes=routes) if routes else circuit_layout
    legend = LEGEND if routes else 0.0
    panels = [(drawn, circuit, f"{circuit.name}, {circuit.kind}", key)]
    if dnn is not None:
        signs = "no negative weight" if dnn.is_nonnegative else "with negative weights"
        name = "equivalent DNN" if isinstance(dnn, UnrolledDNN) else "f–I approximation"
        panels.append((dnn_layout, dnn, f"{name}, {signs}", _about(dnn)))
    layouts = [lay_out(what) for lay_out, what, _, _ in panels]
    if max(layout.size[0] for layout in layouts) > DOUBLE:
        layouts = [lay_out(what, upright=True) for lay_out, what, _, _ in panels]
    foot = FOOT + legend
    widths, heights = [x.size[0] for x in layouts], [x.size[1] + HEAD + foot for x in layouts]
    beside = len(panels) == 2 and sum(widths) + 0.3 <= DOUBLE
    width = SINGLE if len(panels) == 1 and widths[0] <= SINGLE - 0.2 else DOUBLE
    figure = Figure(figsize=(width, max(heights) if beside else sum(heights)))
    shape, ratios = ((1, 2), {"width_ratios": widths}) if beside else ((len(panels), 1), {"height_ratios": heights})
    parts = figure.subfigures(*shape, squeeze=False, wspace=0, hspace=0, **ratios)
    for letter, part, layout, (_, _, title, note) in zip("ab", parts.flat, layouts, panels, strict=False):
        width, height = part.bbox.size / figure.dpi
        graph.draw(part.add_axes((0, foot / height, 1, 1 - (HEAD + foot) / height)), layout)
        left, top = 0.06 / width, 1 - 0.05 / height
        if len(panels) > 1:
            part.text(left, top, letter, fontsize=9, fontweight="bold", va="top")
        part.text(left + 0.14 / width * (len(panels) > 1), top, title, fontsize=8, va="top")
        part.text(left, (0.04 + legend) / height, note, fontsize=6.5, va="bottom", color=NEUTRAL)
        if legend and part is parts.flat[0]:
            _legend(part, width, height)
    return figure


def _legend(part, width, height):
    """What a band means, with one, at the foot of a panel of this width and height, in inches."""
    from matplotlib.lines import Line2D

    ends, middle = np.array([0.06, 0.3]) / width, np.full(2, 0.09 / height)
    for colour, points in ((MARKED, graph.BAND), (NEUTRAL, 1.1)):
        line = Line2D(ends, middle, color=colour, lw=points, solid_capstyle="butt", transform=part.transSubfigure)
        part.add_artist(line)
    note = "routes by which inputs can lower outputs"
    part.text(0.35 / width, 0.04 / height, note, fontsize=6.5, va="bottom", color=NEUTRAL)


def _mean(unit):
    return "mean weight" if UNITS[unit][0] else "mean weight (dimensionless)"


def _about(dnn):
    if isinstance(dnn, UnrolledDNN):
        return f"{dnn.steps:,} layers of {dnn.dt * 1e3:g} ms with shared weights\none of them is drawn"
    how = "recurrent: outputs at its fixed point" if dnn.recurrent else "feed-forward"
    return f"{how}\n{_mean(_dnn_unit(dnn.layers[0].neuron))} × non-zero weights"


def static_dnn(circuit: Circuit) -> DNN | None:
    """The f–I approximation of a circuit, if it has one that is not too large to be built for a picture.

    Where readouts are potentials, rates approximate nothing.
    """
    if any(never_fires(circuit.population(r.population).neuron) for r in circuit.readouts):
        return None
    try:
        return to_dnn(circuit) if sum(link.count for link in _links(circuit)) <= LARGEST else None
    except InputError:  # conductances, plasticity: there is none
        return None


def circuit_layout(circuit: Circuit, upright: bool = False, routes: Routes | None = None) -> graph.Layout:
    """Boxes and arrows of a circuit, with their places; `routes` are marked."""
    thresholds = {r.population: f"output > {r.threshold:.3g} Hz" for r in circuit.readouts}
    nodes = [_input_node(circuit, i) for i in circuit.inputs]
    for p in circuit.populations:
        model = type(p.neuron).__name__ + (f", {p.cell_type}" if p.cell_type not in ("", p.name) else "")
        read = "output: potential" if p.name in thresholds and never_fires(p.neuron) else thresholds.get(p.name, "")
        nodes.append(Node(p.name, p.sign, p.size, model, read))
    links = _links(circuit)
    if routes:
        nodes = [replace(node, marked=k in routes.carriers) for k, node in enumerate(nodes)]
        links = [replace(x, marked=(x.source, x.target, x.sign) in routes.links) for x in links]
    return _layout(nodes, links, upright)


def dnn_layout(dnn: DNN | UnrolledDNN, upright: bool = False) -> graph.Layout:
    """Boxes and arrows of a DNN, with their places."""
    if isinstance(dnn, UnrolledDNN):  # one step: populations are its units, and delays are layers that a weight skips
        of = dnn.circuit
        nodes = [Node(i.name, "", i.size, "of each layer", word="input") for i in of.inputs]
        nodes += [Node(p.name, "", p.size, _activation(p.neuron), word="unit") for p in of.populations]
        return _layout(nodes, _links(of), upright)
    thresholds = {name: f"output > {threshold:.3g} Hz" for name, threshold in dnn.outputs}
    nodes = [Node(name, "", size, f"scaled by {_number(rate)}", word="input") for name, size, rate in dnn.inputs]
    nodes += [Node(x.name, "", x.size, _activation(x.neuron), thresholds.get(x.name, ""), "unit") for x in dnn.layers]
    place, links = {node.name: k for k, node in enumerate(nodes)}, []
    for layer in dnn.layers:
        for source, weights in ((source, weights) for source, weights in layer.incoming if weights.nnz):
            sign = 1 if weights.data.min() >= 0 else -1 if weights.data.max() <= 0 else 0
            mean = float(weights.data.mean()) * (sign or 1)
            ends = place[source], place[layer.name]
            links.append(Link(*ends, sign, mean, weights.nnz, unit=_dnn_unit(layer.neuron)))
    return _layout(nodes, links, upright)


def _activation(neuron):
    name = type(neuron).__name__
    return f"{name} f–I curve" if getattr(neuron, "kind", "rate") == "spiking" else name


def _dnn_unit(neuron):
    return {"volt": "volt/hertz"}.get(getattr(neuron, "weight_unit", "1"), "1")


def _links(circuit):
    """The projections that have weights; random ones are counted, not drawn."""
    place, links = {s.name: k for k, s in enumerate([*circuit.inputs, *circuit.populations])}, []
    for p in circuit.projections:
        source, target = circuit.source(p), circuit.population(p.target)
        if random := isinstance(p.weights, Rule) and p.weights.draws_number:
            count = round(p.weights.expected((source.size, target.size), source is target))
            mean = p.weights.mean_weight
        else:
            count, mean = synapses(circuit, p)
        if count and mean:
            delay = delays(circuit, p)
            ends, extremes = (place[p.source], place[p.target]), (float(np.min(delay)), float(np.max(delay)))
            receptor = p.receptor if p.receptor == "nmda" else ""
            sign, unit = circuit.sign(p), "1" if circuit.is_injected(p) else target.neuron.weight_unit
            links.append(Link(*ends, sign, mean, count, random, extremes, unit, receptor))
    return links


def _layout(nodes, links, upright):
    nodes, links = _few(nodes, links)
    merged = defaultdict(list)
    for link in links:
        merged[link.source, link.target, link.sign].append(link)
    arrows = [
        graph.Arrow(s, t, sum(map(label, mine), ()), *ENDS[sign], any(link.marked for link in mine))
        for (s, t, sign), mine in merged.items()
    ]
    return graph.lay_out([_box(node) for node in nodes], arrows, _late(nodes, links), upright)


def _late(nodes, links):
    """Which nodes are inhibitory: all that they send is negative."""
    others = {link.source for link in links if link.sign >= 0}
    inhibitory = {link.source for link in links} - others
    return [k in inhibitory for k, _ in enumerate(nodes)]


def _input_node(circuit, of):
    if of.spikes is not None:
        return Node(of.name, "", of.size, "given spike times", word="afferent")
    if not of.is_current:
        return Node(of.name, "", of.size, f"{_number(of.rate)} Hz at 1", word="afferent")
    unit = circuit.unit_of_current(of)
    spread = f" ± {format_quantity(of.fluctuation, unit)}" if of.fluctuation else ""
    return Node(of.name, "", of.size, f"{format_quantity(of.scale, unit)} at 1{spread}", word="current")


def _number(value):
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _box(node):
    sign = f"{node.sign}: " if node.sign else ""
    of = {"neuron": "populations", "unit": "layers"}.get(node.word, "inputs")
    many = f"{node.of} {of}" if node.of > 1 else ""
    lines = (many, f"{sign}{node.size:,} {node.word}{'s' * (node.size != 1)}", node.model, node.output)
    return graph.Box(node.name, tuple(filter(None, lines)), *LOOKS[node.sign], bool(node.output), node.marked)


def label(link: Link) -> tuple[str, ...]:
    """Lines that are written on an arrow: mean weight with its unit, number of synapses, delays."""
    unit, scale = UNITS[link.unit]
    if unit.startswith("mV") and abs(link.mean) >= 1:
        unit, scale = unit[1:], 1
    sign = "−" if link.sign < 0 or link.mean < 0 else ""
    receptor = f"{link.receptor.upper()} " if link.receptor else ""
    weight = f"{receptor}{sign}{abs(link.mean) * scale:.3g} {unit}".rstrip()
    low, high = (f"{delay * 1e3:.3g}" for delay in link.delays)
    delay = () if not link.delays[1] else (f"{low} ms" if low == high else f"{low}–{high} ms",)
    return weight, f"× {'≈ ' * link.expected}{link.count:,}", *delay


def _few(nodes: Sequence[Node], links: Sequence[Link]) -> tuple[list[Node], list[Link]]:
    """The nodes, or groups of them if there are too many, or too many arrows: of a layer, sign and model, or a sign."""
    targets = {link.target for link in links}
    inputs = [not node.sign and k not in targets for k, node in enumerate(nodes)]
    arrows = {(link.source, link.target, link.sign) for link in links}
    if len(nodes) - sum(inputs) <= MOST and len(arrows) <= MOST_ARROWS:
        return list(nodes), list(links)
    layer = graph.layers(len(nodes), [(link.source, link.target) for link in links], _late(nodes, links))
    keys = [(i, node.sign, at, node.model) for i, at, node in zip(inputs, layer.tolist(), nodes, strict=True)]
    between = {(keys[source], keys[target], sign) for source, target, sign in arrows}
    if len({key for key in keys if not key[0]}) > MOST or len(between) > MOST_ARROWS:
        keys = [key[:2] for key in keys]
    groups, merged = defaultdict(list), defaultdict(list)
    for key, node in zip(keys, nodes, strict=True):
        groups[key].append(node)
    place = {key: k for k, key in enumerate(groups)}
    for link in links:
        moved = replace(link, source=place[keys[link.source]], target=place[keys[link.target]])
        merged[moved.source, moved.target, moved.sign, moved.unit, moved.receptor].append(moved)
    return [_together(group) for group in groups.values()], [_sum(group) for group in merged.values()]


def _together(nodes):
    first, names = nodes[0], [node.name for node in nodes]
    models, outputs = {node.model for node in nodes}, {node.output for node in nodes} - {""}
    return replace(
        first,
        name=", ".join(names) if len(names) <= 3 else f"{names[0]} … {names[-1]}",
        size=sum(node.size for node in nodes),
        model=_model_of_all(first.word, models),
        output=f"{len(outputs)} thresholds" if len(outputs) > 1 else "".join(outputs),
        of=len(nodes),
        marked=any(node.marked for node in nodes),
    )


def _model_of_all(word, models):
    if len(models) == 1:
        return next(iter(models))
    neurons = {model.partition(", ")[0] for model in models}  # without their cell types
    if len(neurons) == 1:
        return f"{neurons.pop()}, {len(models)} types"
    return f"{len(models)} {({'afferent': 'rates', 'current': 'scales'}).get(word, 'models')}"


def _sum(links):
    count = sum(link.count for link in links)
    mean = sum(link.mean * link.count for link in links) / count
    delays = min(link.delays[0] for link in links), max(link.delays[1] for link in links)
    any_of = {name: any(getattr(link, name) for link in links) for name in ("expected", "marked")}
    return replace(links[0], mean=mean, count=count, delays=delays, **any_of)
