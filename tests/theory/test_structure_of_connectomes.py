"""The structural certificates of a worm and of a fly's optic lobe, whose wiring is in tests/fixtures/wiring."""

from pathlib import Path

import numpy as np
import pytest

from eisim import certify, read_connectome

WIRING = Path(__file__).parents[1] / "fixtures" / "wiring"


def certificate(name: str, neurons: str, **options):
    """A connectome, and its certificate."""
    connectome = read_connectome(WIRING / f"{name}.csv", nodes=WIRING / f"{neurons}.csv")
    return connectome, certify(connectome, **options)


def worm():
    return certificate(
        "cook_2019", "cook_2019_neurons", inputs="class:sensory", readouts="class:motor", unknown="omitted"
    )


def between_two(graph) -> np.ndarray:
    """Whether each edge is between two neurons, not one of a neuron with itself."""
    return graph.sources != graph.targets


def test_the_wiring_of_a_worm():
    connectome, found = worm()
    assert found.graph.n_nodes == 302 and (len(found.inputs), len(found.readouts)) == (83, 123)
    signs = found.graph.signs[between_two(found.graph)]
    assert ((signs == 1).sum(), (signs == -1).sum()) == (2984, 210)
    # Of the 480 connections without a sign, 3 are of a neuron with itself; 477 others are left out.
    sources, targets = connectome.unknown.tocoo().coords
    assert (len(sources), int((sources != targets).sum())) == (480, 477)
    assert found.frustration().index == found.frustration().least == 173


def test_mixed_pairs_of_a_worm():
    """Walks through a synapse of a neuron with itself add to them."""
    graph = worm()[1].graph
    for which, share in ((graph, (1.26, 23.84)), (graph.without(np.flatnonzero(~between_two(graph))), (1.17, 23.68))):
        found = certify(which)
        mixed = [100 * found.counts(depth)["mixed"] / found.words().size for depth in (2, 3)]
        assert mixed == pytest.approx(share, abs=0.005)


@pytest.mark.slow
def test_the_least_sets_of_every_motor_neuron_of_a_worm():
    details = worm()[1].details()
    assert len(details) == 123 and all(each.synapses.is_optimal and each.neurons.is_optimal for each in details)


def test_the_wiring_of_an_optic_lobe():
    _, found = certificate("flyvis", "flyvis_types", inputs="class:input", readouts="class:output")
    graph, two = found.graph, between_two(found.graph)
    assert graph.n_nodes == 65 and (len(found.inputs), len(found.readouts)) == (8, 34)
    assert ((graph.signs[two] == 1).sum(), (graph.signs[two] == -1).sum(), (~two).sum()) == (354, 227, 24)
    assert found.frustration().index == found.frustration().least == 136


def test_early_responses_of_an_optic_lobe_are_those_of_its_off_and_on_pathways():
    """A brighter spot lowers what OFF cells do at first; of T4, excitation and inhibition arrive as early."""
    types = ["L1", "Tm1", "Tm2", "Mi9", "Tm9", "T4a", "T5a"]
    _, found = certificate("flyvis", "flyvis_types", inputs="R1", readouts=types)
    assert found.word("R1", "L1", 1) == found.word("R1", "L1", 2) == "falls"
    assert [found.word("R1", name, 2) for name in ("Tm1", "Tm2", "Mi9", "Tm9")] == ["falls"] * 4
    assert found.word("R1", "T5a", 3) == "falls" and found.word("R1", "T4a", 3) == "mixed"
    assert [found.word("R1", name, 2) for name in ("T4a", "T5a")] == ["none", "none"]
