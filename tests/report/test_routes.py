"""Routes by which inputs lower outputs, as the drawing of a circuit marks them."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib import colors
from matplotlib.text import Text

from eisim import Circuit, Input, Population, Projection, Readout, Saturating, certify
from eisim.report import diagram, routes
from eisim.report.circuit import circuit_picture
from eisim.report.routes import falling_routes
from eisim.report.style import EXCITATORY, INHIBITORY, MARKED
from eisim.studies.limits.units import BandPass
from models import brunel, decision, normalization, xor
from tests.report.test_figures import feed_forward, luminance

LEGEND = "routes by which inputs can lower outputs"


def names(circuit, found):
    """Links and carriers by the names of their ends."""
    parts = [part.name for part in (*circuit.inputs, *circuit.populations)]
    return {(parts[s], parts[t], sign) for s, t, sign in found.links}, {parts[k] for k in found.carriers}


def with_projections(circuit, keep):
    parts = [part.name for part in (*circuit.inputs, *circuit.populations)]
    place = {name: k for k, name in enumerate(parts)}
    kept = [p for p in circuit.projections if keep((place[p.source], place[p.target], circuit.sign(p)))]
    return replace(circuit, projections=kept)


def test_the_routes_of_named_circuits():
    links, carriers = names(xor.circuit("rate"), falling_routes(xor.circuit("rate")))
    assert ("x", "coincidence", 1) not in links and carriers == {"I1"}
    assert {("x", "coincidence_I1", 1), ("coincidence_I1", "I1", 1), ("I1", "coincidence", -1)} <= links
    circuit = normalization.circuit("rate")
    found = falling_routes(circuit)
    expected = {("preferred", "pool", 1), ("mask", "pool", 1), ("pool", "response", -1)}
    assert names(circuit, found) == (expected, {"pool"})
    assert (found.pairs, found.falls, found.mixed) == (13, 1, 12)


@pytest.mark.parametrize(
    "make",
    [
        lambda: xor.circuit("rate"),
        lambda: xor.circuit("spiking"),
        lambda: decision.circuit("rate"),
        lambda: normalization.circuit("rate"),
        feed_forward,
    ],
)
def test_routes_carry_all_of_the_falling_part_and_nothing_else_does(make):
    circuit = make()
    found = falling_routes(circuit)
    before = certify(circuit).shortest
    without = with_projections(circuit, lambda link: link[2] > 0 or link not in found.links)
    assert (certify(without).shortest[..., 1] < 0).all()
    alone = with_projections(circuit, lambda link: link in found.links)
    assert (certify(alone).shortest[..., 1] == before[..., 1]).all()
    assert found.falls + found.mixed == (before[..., 1] >= 0).sum()


def chain(neuron=None, back=-1, read=True):
    """x → E → I, which inhibits E (`back`) or nothing."""
    neuron, inhibits = neuron or Saturating(), [Projection("I", "E", [[1.0]])] if back else []
    return Circuit(
        "chain",
        [Input("x")],
        [Population("E", "E", neuron), Population("I", "I", neuron)],
        [Projection("x", "E", [[1.0]]), Projection("E", "I", [[1.0]]), *inhibits],
        [Readout("E", 1.0)] if read else [],
    )


def test_what_has_no_routes_is_drawn_without(monkeypatch):
    assert falling_routes(chain())
    for circuit in (chain(BandPass()), chain(back=0), chain(read=False), brunel.circuit(kind="spiking")):
        assert falling_routes(circuit) is None
        assert "Yellow" not in circuit_picture(circuit, "a", "A").caption
    figure = diagram.circuit_and_dnn(chain(back=0))
    assert LEGEND not in [text.get_text() for text in figure.findobj(Text)]
    monkeypatch.setattr(routes, "MOST_SYNAPSES", 2)
    assert falling_routes(chain()) is None


def test_bands_lie_below_the_arrows_of_the_circuit_and_the_legend_says_what_they_are():
    circuit = normalization.circuit("rate")
    figure = diagram.circuit_and_dnn(circuit, diagram.static_dnn(circuit))
    of_circuit, of_dnn = figure.axes
    bands = [patch for patch in of_circuit.patches if patch.get_gid() == "band"]
    assert len(bands) == 3 and not [patch for patch in of_dnn.patches if patch.get_gid() == "band"]
    arrows = [patch for patch in of_circuit.patches if patch.get_gid() in ("arrow", "bar")]
    assert max(band.get_zorder() for band in bands) < min(arrow.get_zorder() for arrow in arrows)
    filled = [patch for patch in of_circuit.patches if colors.to_hex(patch.get_facecolor()) == MARKED]
    assert len(filled) == 1  # the pool
    assert [text.get_text() for text in figure.findobj(Text)].count(LEGEND) == 1
    caption = circuit_picture(circuit, "a", "A").caption
    assert (
        "Of 13 pairs of input and output neuron, by the signs of all routes: 12 mixed, 1 falling, 0 neither" in caption
    )


def test_groups_are_marked_if_one_of_them_is():
    relays = [Population(f"I{k}", "I", Saturating()) for k in range(12)]
    into, back = (
        [Projection(*ends, [[1.0]]) for ends in pairs]
        for pairs in ([("x", p.name) for p in relays], [(p.name, "E") for p in relays[:1]])
    )
    circuit = Circuit(
        "many", [Input("x")], [*relays, Population("E", "E", Saturating())], [*into, *back], [Readout("E", 1.0)]
    )
    found = falling_routes(circuit)
    assert names(circuit, found) == ({("x", "I0", 1), ("I0", "E", -1)}, {"I0"})
    layout = diagram.circuit_layout(circuit, routes=found)
    marked = [box.marked for box in layout.boxes if box.colour == INHIBITORY]
    assert len(layout.boxes) < 14 and any(marked) and any(arrow.marked for arrow in layout.arrows)


def test_the_band_is_told_from_what_lies_on_it_by_all_and_in_grey():
    weights = np.array([0.2126, 0.7152, 0.0722])
    band = weights @ luminance(MARKED)
    for colour, least in ((EXCITATORY, 2.5), (INHIBITORY, 4.5), ("black", 7)):
        assert (band + 0.05) / (weights @ luminance(colour) + 0.05) >= least
