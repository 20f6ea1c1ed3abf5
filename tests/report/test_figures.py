"""Figures: what they say, how large they are, and that every value that can be drawn draws on Axes of the caller."""

import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from matplotlib import colors, pyplot
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from scipy import sparse

from eisim import (
    Circuit,
    FixedProbability,
    Input,
    InputError,
    LabelledData,
    Population,
    Prediction,
    Projection,
    Saturating,
    TruthTable,
    assess,
    certify,
    from_dnn,
    to_dnn,
    to_spiking,
)
from eisim.adapter.activations import Tanh
from eisim.adapter.static import DNN, Layer
from eisim.report import diagram, graph
from eisim.report.circuit import circuit_picture
from eisim.report.draw import draw
from eisim.report.style import EXCITATORY, INHIBITORY, paper
from eisim.report.view import view_of
from eisim.report.views.boolean_figures import ablation_curve, ablation_curves
from eisim.studies.tasks import Survey
from experiments import boolean
from models import brunel, decision, microcircuit, xor
from tests.support import two_choice
from tests.support.figures import check, said


@pytest.fixture(scope="module")
def result():
    """Two functions as rate and spiking circuits."""
    short = {"duration": 60e-3, "window": 40e-3, "dt": 1e-3}
    settings = boolean.Settings("xor,and", levels=3, seeds=1, **short)
    return boolean.run(settings, ["spiking", "rate"], 0, "numpy", lambda *_: None)


@pytest.fixture(scope="module")
def survey():
    """A task as rate circuit and DNN."""
    found = assess(two_choice.task, kinds=["rate"], doses=3, seeds=1, function="decide", backend="numpy")
    return Survey((found,))


@pytest.fixture(scope="module")
def certificates():
    """Of a truth table, of data of one input and of two."""
    rng = np.random.default_rng(0)
    points = rng.random((12, 2))
    data = LabelledData(points, points[:, 0] > points[:, 1], names=("u", "v"))
    line = LabelledData(points[:, :1], np.sin(6 * points[:, 0]), names=("u",))
    return [certify(TruthTable("0110")), certify(line), certify(data)]


def test_every_axis_is_labelled_and_every_figure_fits_a_page(result, survey, certificates):
    sources = [view_of(result).drawn(), view_of(survey).drawn(), *(view_of(each).drawn() for each in certificates)]
    with paper():
        figures = [figure for source in sources for _, figure in source]
        assert len(figures) == 5 + 4 + 4
        for figure in figures:
            check(figure)


def test_text_is_outlines_and_the_same_bytes_each_time(result):
    open_before = pyplot.get_fignums()
    first = draw(view_of(result).drawn())
    assert draw(("again", ablation_curves(result)) for _ in range(1))[0][1] == first[0][1]
    assert [name for name, _ in first] == [f"{n}.svg" for n in ("ablation_curves", *BOOLEAN)]
    assert not any(b"<text" in svg for _, svg in first)
    assert {
        *(f"{case.case.name}: {case.verdict}" for case in result.cases),
        "fraction of inhibition removed",
        "1 − floor",
    } <= said(first[0][1])
    assert pyplot.get_fignums() == open_before


BOOLEAN = ("losses", "xor_activity", "xor_weights", "xor_circuit")


def test_the_style_sheet_is_there_for_users():
    with pyplot.style.context("eisim.paper"):
        assert pyplot.rcParams["svg.fonttype"] == "path" and pyplot.rcParams["pdf.fonttype"] == 42
        assert 7 <= pyplot.rcParams["font.size"] <= 8


def luminance(colour):
    rgb = np.array(colors.to_rgb(colour))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def test_excitation_and_inhibition_are_told_apart_by_all_and_in_grey():
    e, i = luminance(EXCITATORY), luminance(INHIBITORY)
    weights = np.array([0.2126, 0.7152, 0.0722])
    contrasts = [1.05 / (weights @ c + 0.05) for c in (e, i)]
    assert min(contrasts) >= 3 and max(contrasts) / min(contrasts) >= 1.5  # on white, and beside each other in grey
    # Machado, Oliveira & Fernandes 2009, table 1: what deuteranopes and protanopes see
    deutan = [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    protan = [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    for seen in (deutan, protan):
        assert np.linalg.norm(np.array(seen) @ (e - i)) > 0.2


def test_a_diagram_has_the_weights_signs_and_ends_of_its_circuit():
    circuit = xor.circuit(kind="spiking")
    layout = diagram.circuit_layout(circuit)
    names = [box.name for box in layout.boxes]
    arrows = {(names[a.source], names[a.target]): a for a in layout.arrows}
    assert set(arrows) == {(p.source, p.target) for p in circuit.projections}
    for p in circuit.projections:
        weights, arrow = circuit.weights(p), arrows[p.source, p.target]
        sign = circuit.sign(p)
        assert float(arrow.lines[0].removesuffix(" mV").replace("−", "-")) == pytest.approx(
            sign * weights.data.mean() * 1e3, rel=5e-3
        )
        assert arrow.lines[1] == f"× {weights.nnz}"
        assert (arrow.colour, arrow.end) == ((EXCITATORY, "arrow") if sign > 0 else (INHIBITORY, "bar"))
    shapes = {box.name: (box.colour, box.shape) for box in layout.boxes}
    assert shapes["I1"] == (INHIBITORY, "pill") and shapes["readout"] == (EXCITATORY, "round")
    assert "output > 25 Hz" in layout.boxes[names.index("readout")].lines
    drawn = Figure().subplots()
    diagram.circuit(drawn, circuit)
    styles = {patch.get_gid(): patch for patch in drawn.patches if patch.get_gid()}
    assert type(styles["arrow"].get_arrowstyle()) is not type(styles["bar"].get_arrowstyle())
    assert colors.to_hex(styles["bar"].get_edgecolor()) == INHIBITORY


def test_the_weights_of_a_converted_circuit_are_volts_and_the_caption_says_why():
    rate = xor.circuit(kind="rate")
    made = to_spiking(rate, [[0, 0], [0, 1], [1, 0], [1, 1]])
    for volts, said_ in ((7.504, "7.5 V"), (-1.181, "−1.18 V"), (0.702, "702 mV")):
        assert diagram.label(diagram.Link(0, 1, 1, volts, 2, unit="volt"))[0] == said_
    assert (
        "one of 10 ms or 2 ms, so that one spike moves the potential by about a 100th or a 500th"
        in circuit_picture(made, "made", "Made").caption
    )
    for circuit in (rate, xor.circuit(kind="spiking")):
        assert "converted" not in circuit_picture(circuit, "own", "Own").caption


def test_a_legend_stands_clear_of_the_title_of_one_panel(result):
    with paper():
        figure = ablation_curves(replace(result, cases=result.cases[:1]))
        FigureCanvasAgg(figure).draw()
    (ax,), (legend,) = figure.axes, figure.legends
    assert not legend.get_window_extent().overlaps(ax.title.get_window_extent())
    case = result.cases[0]
    of_rate = replace(case, kinds={"rate": case.kinds["rate"]})
    ax = Figure().subplots()
    ablation_curve(ax, of_rate)
    assert "f–I approximation" in ax.get_legend_handles_labels()[1]


def test_trials_are_named_as_frames_count_them(result):
    once, named = result.cases[0].kinds["rate"].intact, {}
    for seeds in ((3,), (3, 5), (3, 5, 9)):
        rates, traces = (
            {name: np.concatenate([values] * len(seeds)) for name, values in kept.items()}
            for kept in (once.rates, once.traces)
        )
        response = replace(once, seeds=seeds, rates=rates, traces=traces)
        legend = response.plot(ax=Figure().subplots()).get_legend()
        named[len(seeds)] = legend.get_title().get_text(), [text.get_text() for text in legend.get_texts()]
    assert named[1] == ("trial", [*"0123", "decision threshold"])
    assert named[2][0] == "seed, trial" and named[2][1][:8] == [f"{s}, {k}" for s in (3, 5) for k in range(4)]
    assert named[3][1] == [
        *(f"3, {k}" for k in range(4)),
        "… 4 more",
        *(f"9, {k}" for k in range(4)),
        "decision threshold",
    ]


def test_a_dnn_says_its_signs_and_whether_it_is_recurrent():
    def words(circuit, unrolled=False):
        dnn = to_dnn(circuit, unrolled=unrolled)
        return " ".join(text.get_text() for text in diagram.circuit_and_dnn(circuit, dnn).findobj(Text))

    intact, ring = xor.circuit(kind="rate"), two_choice.circuit("rate")
    assert "with negative weights" in words(intact) and "feed-forward" in words(intact)
    assert "recurrent: outputs at its fixed point" in words(ring)
    assert "3,000 layers of 0.1 ms with shared weights" in words(intact, unrolled=True)
    silent = replace(intact, projections=[p for p in intact.projections if intact.sign(p) > 0])
    assert "no negative weight" in words(silent)


def feed_forward():
    """Ten outputs behind two hidden layers, with both channels."""
    rng, sizes = np.random.default_rng(0), {"x": 4, "hidden": 12, "deep": 8, "output": 10}
    layers = tuple(
        Layer(b, sizes[b], ((a, sparse.csr_array(rng.normal(size=(sizes[a], sizes[b])))),), np.zeros(sizes[b]), Tanh())
        for a, b in pairwise(sizes)
    )
    return from_dnn(DNN((("x", 4, 1.0),), layers, (("output", 0.0),), recurrent=False), signed_inputs=True)


@pytest.mark.parametrize("upright", [False, True])
@pytest.mark.parametrize(
    "make",
    [
        lambda: xor.circuit(kind="rate"),
        lambda: xor.circuit(kind="spiking"),
        lambda: two_choice.circuit("rate"),
        lambda: brunel.circuit(kind="spiking"),
        lambda: decision.circuit(kind="rate"),
        lambda: decision.circuit(kind="spiking"),
        lambda: microcircuit.circuit(size=0.02),
        feed_forward,
        lambda: loops(1),
        lambda: loops(3),
    ],
)
def test_boxes_and_labels_do_not_overlap_and_no_arrow_crosses_one(make, upright):
    layout = diagram.circuit_layout(make(), upright)
    at = np.concatenate([layout.box_at, layout.label_at])
    half = np.concatenate([layout.box_size, layout.label_size]) / 2
    assert np.all(at - half >= 0) and np.all(at + half <= layout.size)
    lines = [finely(points) for path in layout.paths for points in path.to_polygons(closed_only=False)]
    for k, (middle, reach) in enumerate(zip(at, half, strict=True)):
        assert not (np.abs(at[k + 1 :] - middle) < half[k + 1 :] + reach - 1e-6).all(axis=1).any()
        for line in lines:
            assert not (np.abs(line - middle) < reach - 1e-6).all(axis=1).any()


def finely(points):
    """Many points of a line."""
    places = np.linspace(0, len(points) - 1, 50 * len(points))
    return np.column_stack([np.interp(places, np.arange(len(points)), x) for x in np.transpose(points)])


def loops(n):
    """So many populations of each sign, every one projecting to all."""
    populations = [Population(f"{sign}{k}", sign, Saturating(), 10) for k in range(n) for sign in "EI"]
    projections = [
        Projection(a.name, b.name, FixedProbability(0.5, 0.1), delay=1e-3) for a in populations for b in populations
    ]
    return Circuit("loops", [Input("x")], populations, [Projection("x", "E0", np.ones((1, 10))), *projections])


def test_large_circuits_are_drawn_in_groups_of_the_same_synapses():
    circuit = loops(5)
    layout = diagram.circuit_layout(circuit)
    assert len(layout.boxes) == 3
    assert {"5 populations", "I: 50 neurons"} <= set(
        layout.boxes[[b.colour for b in layout.boxes].index(INHIBITORY)].lines
    )
    expected = sum(10 * 10 * 0.5 - (a == b) * 5 for a in range(5) for b in range(5))
    within = [a for a in layout.arrows if a.source == a.target]
    assert len(within) == 2 and all(a.lines[1:] == (f"× ≈ {expected:,.0f}", "1 ms") for a in within)


def test_circuits_with_too_many_arrows_are_drawn_in_groups_whatever_their_types():
    layout = diagram.circuit_layout(microcircuit.circuit(size=0.02))
    assert len(layout.boxes) == 3 and len(layout.arrows) <= diagram.MOST_ARROWS
    lines = {box.colour: box.lines for box in layout.boxes}
    assert {"4 populations", "LIF, 4 types"} <= set(lines[EXCITATORY]) & set(lines[INHIBITORY])
    (inputs,) = (box.lines for box in layout.boxes if "8 inputs" in box.lines)
    assert "6 rates" in inputs


def test_layers_follow_the_longest_path_and_loops_have_two():
    pairs = [(0, 1), (1, 2), (0, 2), (2, 3), (3, 2), (3, 4), (4, 4)]
    assert graph.layers(5, pairs, [False, False, False, True, False]).tolist() == [0, 1, 2, 3, 4]


def test_everything_draws_on_the_axes_it_is_given(result, survey, certificates):
    case = result.cases[0]
    circuit, response = xor.circuit(kind="rate"), case.kinds["rate"].intact
    prediction = Prediction("E", np.array([3.0]), np.array([3.1]), np.zeros(1), np.array([True]), ("",))
    things = [circuit, to_dnn(circuit), to_dnn(circuit, unrolled=True), result, case, survey, survey.assessments[0]]
    things += [case.kinds["spiking"].intact, response, replace(response, traces={}), *certificates, prediction]
    for thing in things:
        ax = Figure().subplots()
        assert thing.plot(ax=ax) is ax and (ax.has_data() or ax.patches), thing
    ax = response.plot(trials=["00", "01", "10", "11"])
    assert ax.get_ylabel() == "readout rate (Hz)" and ax.figure.get_figwidth() == 7
    pyplot.close("all")


def test_plot_says_what_it_cannot_draw(result, certificates):
    with pytest.raises(InputError, match=re.escape("Response.plot: trials: expected 4 names, found 1")):
        result.cases[0].kinds["rate"].intact.plot(ax=Figure().subplots(), trials=["one"])
    wide = LabelledData(np.eye(3), [0, 1, 1])
    with pytest.raises(InputError, match=r"Certificate.plot: expected one or two inputs, .*, found 3"):
        certify(wide).plot()
