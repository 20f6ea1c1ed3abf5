"""Walks of each sign, by brute force and by dynamics."""

from collections import Counter
from itertools import product

import numpy as np
import pytest

from eisim import (
    Circuit,
    Connectome,
    Input,
    Population,
    Projection,
    Readout,
    Saturating,
    TruthTable,
    certify,
    silence,
    simulate,
    synthesize,
)
from eisim.circuit import InhibitoryInput
from eisim.errors import InputError
from eisim.theory.structure.graph import SignedGraph, graph_of_circuit, graph_of_connectome
from eisim.theory.structure.walks import shortest, shortest_walk
from tests.support.drawn import DT, RATE_UNITS
from tests.support.signed_graphs import between, random_graph, responses, walks_by_powers, wired


def test_lengths_and_walks_are_those_of_brute_force():
    rng = np.random.default_rng(0)
    for _ in range(300):
        graph = random_graph(rng)
        wanted = between(graph, walks_by_powers(graph))
        assert (shortest(graph) == wanted).all()
        edges = set(zip(graph.sources.tolist(), graph.targets.tolist(), graph.signs.tolist(), strict=True))
        for (i, j, copy), length in np.ndenumerate(wanted):
            walk = shortest_walk(graph, i, j, 1 - 2 * copy)
            if length < 0:
                assert walk is None
                continue
            assert len(walk.signs) == length and np.prod(walk.signs) == 1 - 2 * copy
            places = [graph.nodes.index(node) for node in walk.nodes]
            assert places[0] in graph.inputs[i] and places[-1] == graph.readouts[j]
            for u, v, sign in zip(places, places[1:], walk.signs, strict=False):
                assert (u, v, sign) in edges or (u, v, 0) in edges


@pytest.mark.parametrize("n_inputs", [65, 130])
def test_more_inputs_than_are_searched_at_a_time(n_inputs):
    rng = np.random.default_rng(1)
    n = 150
    nodes = tuple(map(str, range(n)))
    edges = *rng.integers(0, n, (2, 3 * n)), rng.choice([1, -1, 0], 3 * n, p=[0.5, 0.4, 0.1])
    inputs = tuple((k,) for k in range(n_inputs))
    wanted = walks_by_powers(SignedGraph("large", nodes, *edges, inputs, (3,)))
    for readouts in ((3, 9), tuple(range(n))):  # backwards, and from the inputs
        graph = SignedGraph("large", nodes, *edges, inputs, readouts)
        assert (shortest(graph) == between(graph, wanted)).all()


@pytest.mark.parametrize(
    ("n_inputs", "expected"), [(2, (8, 8, 8, 8)), pytest.param(3, (48, 123, 99, 498), marks=pytest.mark.slow)]
)
def test_all_synthesised_circuits(n_inputs, expected):
    found = Counter()
    for bits in product("01", repeat=2**n_inputs):
        lengths = shortest(graph_of_circuit(synthesize(TruthTable("".join(bits)), kind="rate")))
        found.update(map(tuple, (lengths[:, 0] >= 0).tolist()))
    assert tuple(found[key] for key in ((False, False), (True, False), (False, True), (True, True))) == expected


def violations(rng, n_graphs: int, trials: int = 30, steps: int = 25, longest: int = 0) -> tuple[int, int, int, int]:
    """Comparisons of two time courses of one input at certified pairs, in all and early, and how many break order.

    Synapses have delays up to the longest, in steps, that differ.
    """
    compared = broken = early = early_broken = 0
    for _ in range(n_graphs):
        graph = wired(rng)
        lengths = shortest(graph)
        at = int(rng.integers(len(graph.inputs)))
        lower = rng.random((trials, steps, len(graph.inputs)))
        higher = lower.copy()
        higher[..., at] += rng.exponential(1, (trials, steps)) * (rng.random((trials, steps)) < 0.5)
        seed = rng.integers(2**32)
        delays = rng.integers(longest // 3, longest + 1, graph.n_edges)
        low, high = (
            responses(np.random.default_rng(seed), graph, x, 0.6 if seed % 2 else 0.05, delays) for x in (lower, higher)
        )
        change = high - low  # trials × steps × nodes
        for node in range(graph.external, graph.n_nodes):
            rises, falls = lengths[at, node]
            wrong = np.zeros(change.shape[:2], dtype=bool)
            if falls < 0:
                wrong |= change[..., node] < -1e-12
            if rises < 0:
                wrong |= change[..., node] > 1e-12
            if falls < 0 or rises < 0:
                compared += trials
                broken += int(wrong.any(axis=1).sum())
            else:  # what has not arrived yet cannot act
                before = slice(0, max(rises, falls) * (1 + int(delays.min())))
                early += trials
                sign = 1 if falls > rises else -1
                early_broken += int((sign * change[:, before, node] < -1e-12).any(axis=1).sum())
    return compared, broken, early, early_broken


@pytest.mark.parametrize("longest", [0, 5])
def test_dynamics_never_break_a_certificate(longest):
    compared, broken, early, early_broken = violations(np.random.default_rng(2), 60, longest=longest)
    assert compared > 2_000 and early > 1_000
    assert broken == early_broken == 0


@pytest.mark.slow
@pytest.mark.parametrize("longest", [0, 5])
def test_dynamics_never_break_a_certificate_in_100_000_comparisons(longest):
    compared, broken, early, early_broken = violations(np.random.default_rng(3), 1_000, trials=60, longest=longest)
    assert compared > 100_000 and early > 50_000
    assert broken == early_broken == 0


def small(rng) -> Circuit:
    """A sparse rate circuit of up to six neurons of either sign, whose synapses have delays of up to 5 steps."""
    n, n_inputs = int(rng.integers(3, 7)), 2
    names = [f"n{k}" for k in range(n)]
    units = [RATE_UNITS[k] for k in rng.integers(0, len(RATE_UNITS), n)]
    signs = np.where(rng.random(n) < 0.6, "E", "I")
    bias = 20 * (rng.random(n) - 0.3)
    cells = [Population(*each, bias=float(b)) for *each, b in zip(names, signs, units, bias, strict=True)]
    ways = [(source, target) for source in ("x", *names) for target in names if rng.random() < 0.3]
    projections = []
    for source, target in ways:
        shape = (n_inputs if source == "x" else 1, 1)
        weights = rng.exponential(1.0, shape) * (rng.random(shape) < 0.8)
        projections.append(Projection(source, target, weights, rng.integers(0, 6, shape) * DT))
    return Circuit("small", [Input("x", n_inputs)], cells, projections, [Readout(name) for name in names])


def of_circuits(rng, n_circuits: int, trials: int) -> tuple[int, int]:
    """The same for circuits in simulations: comparisons at certified pairs, and how many break order."""
    compared = broken = 0
    frames = 10
    circuits = [small(rng) for _ in range(n_circuits)]
    stimuli = []
    for _ in circuits:
        lower = rng.random((trials, frames, 2))
        raised = [lower.copy(), lower.copy()]
        for k, each in enumerate(raised):
            each[..., k] += rng.exponential(0.5, (trials, frames)) * (rng.random((trials, frames)) < 0.5)
        stimuli.append(np.concatenate([lower, *raised]))
    how = {"duration": 100 * DT, "window": 50 * DT, "dt": DT, "record": True, "backend": "numpy"}
    for circuit, found in zip(circuits, simulate(circuits, stimuli, **how), strict=True):
        words = certify(circuit).words()
        for node, population in enumerate(circuit.populations):
            lower, *raised = np.split(found.traces[population.name].reshape(3 * trials, -1), 3)
            for k, higher in enumerate(raised):
                if words[k, node] == "mixed":
                    continue
                change = higher - lower
                wrong = {"rises": change < -1e-9, "falls": change > 1e-9, "none": np.abs(change) > 1e-9}
                compared += trials
                broken += int(wrong[words[k, node]].any(axis=1).sum())
    return compared, broken


def test_simulated_circuits_with_delays_never_break_a_certificate():
    compared, broken = of_circuits(np.random.default_rng(4), 12, 30)
    assert compared > 1_500 and broken == 0


@pytest.mark.slow
def test_simulated_circuits_with_delays_never_break_a_certificate_in_100_000_comparisons():
    compared, broken = of_circuits(np.random.default_rng(5), 150, 150)
    assert compared > 100_000 and broken == 0


def test_dynamics_break_the_order_at_some_mixed_pair():
    """The comparison can fail: a mixed pair taken for one that rises does."""
    graph = SignedGraph("veto", ("x", "r", "j"), [0, 0, 1], [2, 1, 2], [1, 1, -1], ((0,),), (2,), external=1)
    assert shortest(graph).tolist() == [[[1, 2]]]
    rng = np.random.default_rng(0)
    steps = np.stack([np.zeros((20, 1)), np.ones((20, 1))])
    change = [np.diff(responses(rng, graph, steps, 0.5)[:, -1, 2]) for _ in range(200)]
    assert min(change) < -0.01 and max(change) > 0.01


def test_a_circuit_as_a_graph():
    unit = Saturating()
    circuit = Circuit(
        "net",
        [Input("x", 2), InhibitoryInput("current", current=20.0)],
        [
            Population("E", "E", unit, 2, gap_junctions=[[0, 1], [1, 0]], labels=("a", "b")),
            Population("I", "I", unit, 1, labels=("b",)),
        ],
        [
            Projection("x", "E", [[1, 0], [0, 2]]),
            Projection("current", "I", [[1]]),
            Projection("E", "I", [[0], [1]]),
            Projection("I", "E", [[1, 0]]),
        ],
        [Readout("E")],
    )
    graph = graph_of_circuit(circuit)
    assert graph.nodes == ("x[0]", "x[1]", "current", "a", "b (E)", "b (I)")
    edges = zip(graph.sources, graph.targets, graph.signs, strict=True)
    named = {(graph.nodes[u], int(s), graph.nodes[v]) for u, v, s in edges}
    assert named == {
        ("x[0]", 1, "a"),
        ("x[1]", 1, "b (E)"),
        ("current", -1, "b (I)"),
        ("b (E)", 1, "b (I)"),
        ("b (I)", -1, "a"),
        ("a", 1, "b (E)"),
        ("b (E)", 1, "a"),
    }
    assert graph.readout_names == ("a", "b (E)") and graph.input_names == ("x[0]", "x[1]", "current")
    assert str(shortest_walk(graph, 1, 0, -1)) == "x[1] → b (E) → b (I) ⊣ a"
    assert graph_of_circuit(silence(circuit)).n_negative == 1


def test_all_nodes_of_a_circuit_have_different_names():
    unit = Saturating()
    parts = [
        Population("E", "E", unit, labels=("a",)),
        Population("a (E)", "E", unit),
        Population("a (E) 2", "E", unit),
    ]
    circuit = Circuit("names", [Input("a")], parts, [Projection("a", "E", [[1]])], [Readout("a (E)")])
    graph = graph_of_circuit(circuit)
    assert graph.nodes == ("a", "a (E)", "a (E) 3", "a (E) 2") and graph.readout_names == ("a (E) 3",)


def test_a_connectome_as_a_graph():
    zeros = np.zeros((4, 4))
    parts = {part: zeros.copy() for part in ("excitatory", "inhibitory", "mixed", "unknown", "gap_junctions")}
    parts["excitatory"][0, 1], parts["inhibitory"][0, 1] = 3, 1
    parts["unknown"][1, 2], parts["mixed"][1, 3] = 2, 1
    parts["gap_junctions"][2, 3] = parts["gap_junctions"][3, 2] = 1
    connectome = Connectome("few", ["s", "u", "v", "w"], ["S", "", "M", "M"], **parts)
    graph = graph_of_connectome(connectome, "S", "M")
    assert (graph.n_positive, graph.n_negative, graph.n_either) == (3, 1, 2)
    assert shortest(graph).tolist() == [[[2, 2], [2, 2]]]
    graph = graph_of_connectome(connectome, ["s", ["u", "v"]], "M", unknown="excitatory", mixed="omitted")
    assert graph.input_names == ("s", "u, v")
    assert shortest(graph).tolist() == [[[2, 2], [3, 3]], [[0, -1], [1, -1]]]
    with pytest.raises(InputError, match=r"unknown: expected one of both, .*, found 'E'"):
        graph_of_connectome(connectome, "S", "M", unknown="E")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"nodes": ("a", "a")}, "found 'a' more than once"),
        ({"signs": [2]}, "signs: expected 1, -1 or 0"),
        ({"signs": [1, 1]}, "of one length"),
        ({"sources": [0.5]}, "sources: expected whole numbers"),
        ({"targets": [7]}, "expected nodes from 0 to 1, found 0 to 7"),
        ({"inputs": ()}, "at least one input and one readout"),
        ({"readouts": ()}, "at least one input and one readout"),
        ({"readouts": (1, 1)}, "readouts: expected different nodes"),
        ({"inputs": ((0,), (0,))}, "input_names: expected 2 different names"),
    ],
)
def test_what_is_no_signed_graph_is_refused(changes, message):
    parts = {"nodes": ("a", "b"), "sources": [0], "targets": [1], "signs": [1], "inputs": ((0,),), "readouts": (1,)}
    with pytest.raises(InputError, match=message):
        SignedGraph("g", **parts | changes)


def arrivals(graph: SignedGraph, at: int, readout: int, delays: np.ndarray, until: int) -> dict[int, float]:
    """What a pulse of an input does at a readout of linear units without leak, by the time of arrival."""
    now: dict[int, dict[int, float]] = {0: {v: 1.0 for v in graph.inputs[at]}}
    found: dict[int, float] = {}
    while now and (time := min(now)) <= until:
        for node, size in now.pop(time).items():
            if node == graph.readouts[readout]:
                found[time] = found.get(time, 0.0) + size
            for edge in np.flatnonzero(graph.sources == node):
                there = now.setdefault(time + int(delays[edge]), {})
                target = int(graph.targets[edge])
                there[target] = there.get(target, 0.0) + size * int(graph.signs[edge])
    return found


def test_with_delays_every_mixed_pair_shows_both_signs():
    """Walks that arrive together use all edges equally often, so that they have one sign."""
    rng = np.random.default_rng(5)
    mixed = 0
    while mixed < 60:
        graph = wired(rng, 4)
        lengths = shortest(graph)
        at, readout = (int(rng.integers(n)) for n in lengths.shape[:2])
        if (lengths[at, readout] < 0).any() or lengths[at, readout].max() > 6:
            continue
        mixed += 1
        delays = rng.integers(10**6, 2 * 10**6, graph.n_edges)
        found = arrivals(graph, at, readout, delays, int(lengths[at, readout].max()) * 2 * 10**6)
        assert max(found.values()) > 0 > min(found.values())


def test_equal_time_constants_may_hide_a_mixed_pair():
    """Linear units x -> v -> u -> j with v -> w -| v respond to a pulse by 1 - cos(5 t), times a decay."""
    from scipy.linalg import expm

    graph = SignedGraph(
        "loop", tuple("xvwuj"), [0, 1, 2, 1, 3], [1, 2, 1, 3, 4], [1, 1, -1, 1, 1], ((0,),), (4,), (), 1
    )
    assert shortest(graph).tolist() == [[[3, 5]]]
    matrix = -np.eye(4)  # of v, w, u and j
    matrix[0, 1], matrix[1, 0], matrix[2, 0], matrix[3, 2] = -25, 1, 1, 1
    for t in np.linspace(0.1, 6, 60):
        assert expm(matrix * t)[3, 0] == pytest.approx(np.exp(-t) * (1 - np.cos(5 * t)) / 25, abs=1e-9)
