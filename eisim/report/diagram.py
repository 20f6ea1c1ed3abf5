"""Circuits and their equivalent DNNs as diagrams: populations with sign and size, projections with weights.

Excitatory projections end with an arrowhead, inhibitory ones with a bar; populations have round corners, inhibitory
ones round ends. What has more than `MOST` populations or layers is drawn in groups.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from eisim.adapter import DNN, UnrolledDNN, to_dnn
from eisim.base.errors import InputError
from eisim.circuit import Circuit
from eisim.report import graph
from eisim.report.style import DOUBLE, EXCITATORY, INHIBITORY, NEUTRAL, SINGLE, TALLEST
from eisim.weights import FixedInDegree, FixedProbability, Rule

#: Populations, or layers of a DNN, that are drawn one by one, and arrows between them.
MOST, MOST_ARROWS = 8, 16
#: Synapses of the largest circuit whose DNN is drawn beside it.
LARGEST = 1_000_000
#: Symbol of the unit of a weight, and how many of it are one SI unit.
UNITS = {"volt": ("mV", 1e3), "siemens": ("nS", 1e9), "1": ("", 1)}
COLOURS = {"E": EXCITATORY, "I": INHIBITORY, "": NEUTRAL}
SHAPES = {"E": "round", "I": "pill", "": "square"}


@dataclass(frozen=True)
class Node:
    """An input, a population or a layer; or several of them, drawn as one.

    Attributes
    ----------
    name : str
    sign : {"E", "I", ""}
        Empty for inputs, and for layers, whose units may have weights of either sign.
    size : int
    model : str
        Of its neurons or its activation.
    output : str
        What is read out, in words; empty if nothing is.
    word : str
        What there are `size` of.
    of : int
        How many populations it stands for.
    """

    name: str
    sign: str
    size: int
    model: str
    output: str = ""
    word: str = "neuron"
    of: int = 1


@dataclass(frozen=True)
class Link:
    """The weights from one node to another.

    Attributes
    ----------
    source, target : int
        Places of the nodes.
    sign : int
        1 for positive weights, -1 for negative ones, 0 for both.
    mean : float
        Mean magnitude over synapses; of weights of both signs the mean itself. In SI units.
    count : int
        Synapses, or weights that are not 0.
    expected : bool
        Whether the count is that which a random rule gives on average.
    delays : tuple of float
        The least and the greatest, in s.
    unit : str
        Of the weight, a key of `UNITS`.
    receptor : str
        Named where it is not that of the sign.
    """

    source: int
    target: int
    sign: int
    mean: float
    count: int
    expected: bool = False
    delays: tuple[float, float] = (0.0, 0.0)
    unit: str = "1"
    receptor: str = ""


def circuit(ax: Axes, circuit: Circuit) -> Axes:
    """Draw a circuit: inputs, populations, projections with weights, delays, and readouts with thresholds.

    Parameters
    ----------
    ax : Axes
    circuit : Circuit

    Returns
    -------
    Axes
        Without its frame; the diagram is made smaller if it does not fit.
    """
    return graph.draw(ax, circuit_layout(circuit), circuit_layout(circuit, upright=True))


def size(layout: graph.Layout) -> tuple[float, float]:
    """Width and height, in inches, of a figure of one or two columns that holds a diagram."""
    return SINGLE if layout.size[0] <= SINGLE else DOUBLE, float(min(layout.size[1], TALLEST))


def dnn(ax: Axes, dnn: DNN | UnrolledDNN) -> Axes:
    """Draw a DNN: its inputs and layers with their activations, and the signed weights between them.

    Parameters
    ----------
    ax : Axes
    dnn : DNN or UnrolledDNN

    Returns
    -------
    Axes
        Without its frame; the diagram is made smaller if it does not fit.
    """
    return graph.draw(ax, dnn_layout(dnn), dnn_layout(dnn, upright=True))


def circuit_and_dnn(circuit: Circuit, dnn: DNN | UnrolledDNN | None = None) -> Figure:
    """A circuit, and its equivalent DNN beside it, or below it where the two are wide.

    Parameters
    ----------
    circuit : Circuit
    dnn : DNN or UnrolledDNN, optional
        Nothing is drawn beside the circuit without it.

    Returns
    -------
    Figure
        One or two journal columns wide.
    """
    panels = [(circuit_layout, circuit, f"{circuit.name}, {circuit.kind}", _key(circuit))]
    if dnn is not None:
        panels.append((dnn_layout, dnn, f"equivalent DNN, {_signs(dnn)}", _about(dnn)))
    layouts = [of(what) for of, what, _, _ in panels]
    if max(layout.size[0] for layout in layouts) > DOUBLE:
        layouts = [of(what, upright=True) for of, what, _, _ in panels]
    beside = len(panels) == 2 and sum(layout.size[0] for layout in layouts) + 0.3 <= DOUBLE
    width = SINGLE if len(panels) == 1 and layouts[0].size[0] <= SINGLE - 0.2 else DOUBLE
    head, foot = 0.24, 0.36
    heights = [layout.size[1] + head + foot for layout in layouts]
    height = max(heights) if beside else sum(heights)
    figure, top = Figure(figsize=(width, height)), height
    left, share = 0.0, np.array([layout.size[0] for layout in layouts])
    shares = share / share.sum() * width if beside else np.full(len(panels), width)
    for letter, layout, h, w, (_, _, title, note) in zip("ab", layouts, heights, shares, panels, strict=False):
        bottom = top - (height if beside else h)
        ax = figure.add_axes([left / width, (bottom + foot) / height, w / width, (top - bottom - head - foot) / height])
        graph.draw(ax, layout)
        if len(panels) > 1:
            figure.text((left + 0.06) / width, (top - 0.04) / height, letter, fontsize=9, fontweight="bold", va="top")
        shift = 0.2 if len(panels) > 1 else 0.06
        figure.text((left + shift) / width, (top - 0.05) / height, title, fontsize=8, va="top")
        figure.text((left + 0.06) / width, (bottom + 0.04) / height, note, fontsize=6.5, va="bottom", color=NEUTRAL)
        left, top = (left + w, top) if beside else (left, bottom)
    return figure


def with_static_dnn(circuit: Circuit) -> Figure:
    """A circuit, with its static DNN beside it if it has one that is not too large to be built for a picture.

    Parameters
    ----------
    circuit : Circuit

    Returns
    -------
    Figure
        As of `circuit_and_dnn`.
    """
    try:
        dnn = to_dnn(circuit) if _synapses(circuit) <= LARGEST else None
    except InputError:  # conductances, plasticity: there is none
        dnn = None
    return circuit_and_dnn(circuit, dnn)


def _synapses(circuit):
    return sum(link.count for link in _links(circuit))


def circuit_layout(circuit: Circuit, upright: bool = False) -> graph.Layout:
    """Boxes and arrows of a circuit, with their places."""
    thresholds = {r.population: f"output > {r.threshold:.3g} Hz" for r in circuit.readouts}
    nodes = [Node(i.name, "", i.size, f"{_number(i.rate)} Hz at 1", word="afferent") for i in circuit.inputs]
    nodes += [
        Node(p.name, p.sign, p.size, type(p.neuron).__name__, thresholds.get(p.name, "")) for p in circuit.populations
    ]
    return _layout(nodes, _links(circuit), upright)


def dnn_layout(dnn: DNN | UnrolledDNN, upright: bool = False) -> graph.Layout:
    """Boxes and arrows of a DNN, with their places."""
    if isinstance(dnn, UnrolledDNN):
        return _unrolled_layout(dnn, upright)
    place = {name: k for k, name in enumerate([*(name for name, _, _ in dnn.inputs), *(x.name for x in dnn.layers)])}
    thresholds = {name: f"output > {threshold:.3g}" for name, threshold in dnn.outputs}
    nodes = [Node(name, "", size, f"scaled by {_number(rate)}", word="input") for name, size, rate in dnn.inputs]
    nodes += [Node(x.name, "", x.size, _activation(x.neuron), thresholds.get(x.name, ""), "unit") for x in dnn.layers]
    links = [
        _signed(place[source], place[layer.name], weights.data, _dnn_unit(layer.neuron))
        for layer in dnn.layers
        for source, weights in layer.incoming
        if weights.nnz
    ]
    return _layout(nodes, links, upright)


def _unrolled_layout(dnn, upright):
    """One step of an unrolled DNN: the populations are its units, and delays are layers that a weight skips."""
    of = dnn.circuit
    nodes = [Node(i.name, "", i.size, "of each layer", word="input") for i in of.inputs]
    nodes += [Node(p.name, "", p.size, _activation(p.neuron), word="unit") for p in of.populations]
    return _layout(nodes, _links(of), upright)


def _activation(neuron):
    name = type(neuron).__name__
    return f"{name} f–I curve" if getattr(neuron, "kind", "rate") == "spiking" else name


def _dnn_unit(neuron):
    return {"volt": "volt/hertz"}.get(getattr(neuron, "weight_unit", "1"), "1")


UNITS["volt/hertz"] = ("mV/Hz", 1e3)


def _links(circuit):
    place = {s.name: k for k, s in enumerate([*circuit.inputs, *circuit.populations])}
    links = [_link(circuit, projection, place) for projection in circuit.projections]
    return [link for link in links if link.count and link.mean]


def _link(circuit, projection, place):
    """A projection as a link; its rule is counted, not drawn."""
    source, target = circuit.source(projection), circuit.population(projection.target)
    rule, delay = projection.weights, projection.delay
    mean, count = _weight(circuit, projection, source.size, target.size, source is target)
    receptor = projection.receptor if projection.receptor == "nmda" else ""
    delays = (float(delay.min()), float(delay.max()))
    expected = isinstance(rule, FixedProbability)
    ends = place[source.name], place[target.name]
    unit = target.neuron.weight_unit
    return Link(*ends, circuit.sign(projection), mean, count, expected, delays, unit, receptor)


def _weight(circuit, projection, n_source, n_target, recurrent):
    """Mean weight and number of synapses of a projection."""
    rule = projection.weights
    if not isinstance(rule, Rule):
        return float(rule.data.mean()) if rule.nnz else 0.0, rule.nnz
    if isinstance(rule, FixedProbability):
        return rule.weight, round(rule.probability * n_source * n_target - rule.probability * n_source * recurrent)
    if isinstance(rule, FixedInDegree):
        return rule.weight, rule.in_degree * n_target
    return rule.weight, circuit.weights(projection).nnz


def _signed(source, target, weights, unit):
    sign = 1 if weights.min() >= 0 else -1 if weights.max() <= 0 else 0
    return Link(source, target, sign, float(weights.mean()) * (sign or 1), weights.size, unit=unit)


def _layout(nodes, links, upright):
    nodes, links = _few(nodes, links)
    boxes = [_box(node) for node in nodes]
    arrows = {}
    for link in links:
        arrows.setdefault((link.source, link.target, link.sign), []).append(link)
    return graph.Layout(boxes, [_arrow(group) for group in arrows.values()], _late(nodes, links), upright)


def _late(nodes, links):
    """Which nodes are inhibitory: all that they send is negative."""
    signs = [set() for _ in nodes]
    for link in links:
        signs[link.source].add(link.sign)
    return [sign == {-1} for sign in signs]


def _number(value):
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _box(node):
    sign = f"{node.sign}: " if node.sign else ""
    of = {"neuron": "populations", "unit": "layers"}.get(node.word, "inputs")
    many = f"{node.of} {of}" if node.of > 1 else ""
    lines = [f"{sign}{node.size:,} {node.word}{'s' * (node.size != 1)}", node.model]
    lines = tuple(line for line in (many, *lines, node.output) if line)
    return graph.Box(node.name, lines, COLOURS[node.sign], SHAPES[node.sign], bool(node.output))


def _arrow(links):
    first = links[0]
    lines = tuple(line for link in links for line in label(link))
    colour = {1: EXCITATORY, -1: INHIBITORY, 0: "black"}[first.sign]
    end = {1: "arrow", -1: "bar", 0: "both"}[first.sign]
    return graph.Arrow(first.source, first.target, lines, colour, end, dashed=not first.sign)


def label(link: Link) -> tuple[str, ...]:
    """What is written on an arrow: mean weight with its unit, number of synapses, delays.

    Parameters
    ----------
    link : Link

    Returns
    -------
    tuple of str
        Lines.
    """
    unit, scale = UNITS[link.unit]
    if unit.startswith("mV") and abs(link.mean) >= 1:
        unit, scale = unit[1:], 1
    sign = "−" if link.sign < 0 or link.mean < 0 else ""
    weight = f"{sign}{abs(link.mean) * scale:.3g} {unit}".rstrip()
    count = f"{'≈ ' * link.expected}{link.count:,}"
    low, high = (d * 1e3 for d in link.delays)
    delay = "" if not high else f"{low:.3g} ms" if low == high else f"{low:.3g}–{high:.3g} ms"
    receptor = f"{link.receptor.upper()} " if link.receptor else ""
    return tuple(line for line in (f"{receptor}{weight}", f"× {count}", delay) if line)


def _few(nodes: Sequence[Node], links: Sequence[Link]) -> tuple[list[Node], list[Link]]:
    """The nodes, or groups of them if they are too many: of one layer, sign and model; else of one sign."""
    inputs = _is_input(nodes, links)
    arrows = {(link.source, link.target, link.sign) for link in links}
    if len(nodes) - sum(inputs) <= MOST and len(arrows) <= MOST_ARROWS:
        return list(nodes), list(links)
    layer = graph.layers(len(nodes), [(link.source, link.target) for link in links], _late(nodes, links))
    for key in (
        lambda k: (inputs[k], layer[k], nodes[k].sign, nodes[k].model),
        lambda k: (inputs[k], nodes[k].sign),
    ):
        keys = [key(k) for k in range(len(nodes))]
        if len({key for key, is_input in zip(keys, inputs, strict=True) if not is_input}) <= MOST:
            break
    return _grouped(nodes, links, keys)


def _is_input(nodes, links):
    """Nodes that nothing goes to and that have no sign of their own."""
    targets = {link.target for link in links}
    return [not node.sign and k not in targets for k, node in enumerate(nodes)]


def _grouped(nodes, links, keys: Sequence):
    order = list(dict.fromkeys(keys))
    groups = [[node for node, key in zip(nodes, keys, strict=True) if key == chosen] for chosen in order]
    place = {key: k for k, key in enumerate(order)}
    merged: dict[tuple, list[Link]] = {}
    for link in links:
        moved = replace(link, source=place[keys[link.source]], target=place[keys[link.target]])
        merged.setdefault((moved.source, moved.target, moved.sign, moved.unit, moved.receptor), []).append(moved)
    return [_together(group) for group in groups], [_sum(group) for group in merged.values()]


def _together(nodes):
    if len(nodes) == 1:
        return nodes[0]
    models, outputs = ({getattr(n, name) for n in nodes} for name in ("model", "output"))
    names = [n.name for n in nodes]
    name = ", ".join(names) if len(names) <= 3 else f"{names[0]} … {names[-1]}"
    model = models.pop() if len(models) == 1 else f"{len(models)} models"
    outputs.discard("")
    output = outputs.pop() if len(outputs) == 1 else f"{len(outputs)} thresholds" if outputs else ""
    return Node(name, nodes[0].sign, sum(n.size for n in nodes), model, output, nodes[0].word, len(nodes))


def _sum(links):
    count = sum(link.count for link in links)
    mean = sum(link.mean * link.count for link in links) / count
    delays = min(link.delays[0] for link in links), max(link.delays[1] for link in links)
    return replace(links[0], mean=mean, count=count, delays=delays, expected=any(link.expected for link in links))


def _key(circuit):
    unit = _no_unit(circuit.populations[0].neuron.weight_unit)
    return f"arrowhead: excitatory, bar: inhibitory\nmean weight{unit} × synapses, delay"


def _no_unit(unit):
    """Behind the word in the key, for weights that are written without a unit."""
    return "" if UNITS[unit][0] else " (1)"


def _signs(dnn):
    return "no negative weight" if dnn.is_nonnegative else "with negative weights"


def _about(dnn):
    if isinstance(dnn, UnrolledDNN):
        return f"{dnn.steps:,} layers of {dnn.dt * 1e3:g} ms with shared weights\none of them is drawn"
    unit = _no_unit(_dnn_unit(dnn.layers[0].neuron))
    how = "recurrent: outputs at its fixed point" if dnn.recurrent else "feed-forward"
    return f"{how}\nmean weight{unit} × weights that are not 0"
