"""Carriers, least silencing sets, sign cuts, balance and frustration, by brute force."""

from itertools import chain, combinations, product

import numpy as np
import pytest

from eisim import TruthTable, certify, synthesize
from eisim.errors import InputError
from eisim.theory.inversion import falls, inversion_complexity
from eisim.theory.structure.balance import balance, frustration
from eisim.theory.structure.carriers import carried, on_the_way, sole_carriers
from eisim.theory.structure.cut import is_feed_forward, sign_cut
from eisim.theory.structure.flow import flow_bounds
from eisim.theory.structure.graph import SignedGraph, graph_of_circuit
from eisim.theory.structure.silencing import least_silencing
from eisim.theory.structure.walks import shortest
from models import xor
from tests.support.signed_graphs import between, random_graph, silencing_of_max_cut, walks_by_powers, wired


def subsets(items):
    """All subsets, the smaller ones first."""
    return chain.from_iterable(combinations(items, k) for k in range(len(items) + 1))


def inhibits(graph, at, readouts) -> bool:
    """Whether an inhibitory walk leads from inputs to readouts, by products of matrices."""
    return bool((between(graph, walks_by_powers(graph))[np.ix_(at, readouts)][..., 1] >= 0).any())


def test_carriers_are_those_of_brute_force():
    rng = np.random.default_rng(0)
    found_any = 0
    for _ in range(200):
        graph = random_graph(rng, 6)
        lengths = walks_by_powers(graph) >= 0
        on, along = carried(graph, [0], [0], -1)
        ends, starts = lengths[:, graph.readouts[0]], lengths[list(graph.inputs[0])].any(axis=0)
        for edge, (u, v, sign) in enumerate(zip(graph.sources, graph.targets, graph.signs, strict=True)):
            signs = (int(sign),) if sign else (1, -1)
            ways = [starts[u, (1 - c) // 2] and ends[v, (1 + c * s) // 2] for c in (1, -1) for s in signs]
            assert along[edge] == any(ways)
        for v in range(graph.n_nodes):
            assert on[v] == ((starts[v, 0] and ends[v, 1]) or (starts[v, 1] and ends[v, 0]))
        sole = sole_carriers(graph, 0, 0)
        for v in range(graph.n_nodes):
            rest = graph.without(np.flatnonzero((graph.sources == v) & (graph.signs <= 0)))
            assert (v in sole) == (inhibits(graph, [0], [0]) and not inhibits(rest, [0], [0]))
        found_any += bool(sole)
    assert found_any > 20


@pytest.mark.parametrize("what", ["synapses", "neurons"])
def test_the_least_silencing_sets_are_those_of_brute_force(what):
    rng = np.random.default_rng(1)
    sizes = []
    while len(sizes) < 60:
        graph = random_graph(rng, 7)
        edges = graph.inhibitory_edges
        groups = list(edges) if what == "synapses" else np.unique(graph.sources[edges]).tolist()
        if len(groups) > 7:
            continue
        at, readouts = range(len(graph.inputs)), range(min(2, len(graph.readouts)))

        def rest(chosen, graph=graph, edges=edges):
            gone = list(chosen) if what == "synapses" else edges[np.isin(graph.sources[edges], chosen)]
            return graph.without(gone)

        least = next(len(some) for some in subsets(groups) if not inhibits(rest(some), at, readouts))
        found = least_silencing(graph, at, readouts, what)
        assert found.is_optimal and len(found.silenced) == found.least == least
        names = graph.nodes
        chosen = (
            [k for k in edges if (names[graph.sources[k]], names[graph.targets[k]]) in found.silenced]
            if what == "synapses"
            else [names.index(name) for name in found.silenced]
        )
        assert not inhibits(rest(chosen), at, readouts)
        sizes.append(least)
    assert max(sizes) >= 3 and min(sizes) == 0


def test_bounds_by_a_flow_are_within_twice_each_other_and_exact_where_each_output_is_used_one_way():
    rng = np.random.default_rng(7)
    exact = loose = 0
    for _ in range(150):
        graph = random_graph(rng, 8)
        at, readouts = range(len(graph.inputs)), range(min(2, len(graph.readouts)))
        for what in ("synapses", "neurons"):
            rows, columns, edges = on_the_way(graph, at, readouts)
            if not len(edges):
                continue
            of = graph.sources[edges] if what == "neurons" else edges
            group = np.where(graph.signs[edges] <= 0, of, -1)
            starts = np.array([2 * v for nodes in graph.inputs for v in nodes])
            ends = np.array([2 * graph.readouts[j] + 1 for j in readouts])
            chosen, least = flow_bounds(rows, columns, group, starts, ends)
            optimum = len(least_silencing(graph, at, readouts, what).silenced)
            assert least <= optimum <= len(chosen) <= 2 * optimum
            gone = np.isin(graph.sources, chosen) & (graph.signs <= 0) if what == "neurons" else chosen
            assert not inhibits(graph.without(gone), at, readouts)
            silent = group >= 0
            copies = np.unique(np.stack([group[silent], rows[silent] % 2]), axis=1)
            if len(np.unique(copies[0])) == copies.shape[1]:
                assert least == optimum == len(chosen)
                exact += 1
            loose += least < optimum
    assert exact > 15 and loose > 5


def test_a_graph_that_is_too_large_for_the_program_has_the_bounds_of_the_flow(monkeypatch):
    rng = np.random.default_rng(8)
    graphs = [random_graph(rng, 8) for _ in range(60)]
    optima = [least_silencing(graph, [0], [0]) for graph in graphs]
    monkeypatch.setattr("eisim.theory.structure.silencing.MOST_ARCS", 0)
    larger = 0
    for graph, optimum in zip(graphs, optima, strict=True):
        found = least_silencing(graph, [0], [0])
        assert optimum.is_optimal and found.least <= optimum.least <= len(found.silenced) <= 2 * found.least
        larger += not found.is_optimal
    assert larger > 3


RING = [(k, (k + 1) % 5) for k in range(5)]
UNDIRECTED = {
    "K3": (3, list(combinations(range(3), 2))),
    "K4": (4, list(combinations(range(4), 2))),
    "K5": (5, list(combinations(range(5), 2))),
    "C5": (5, RING),
    "W5": (6, [*RING, *((k, 5) for k in range(5))]),
}


@pytest.mark.parametrize("what", ["synapses", "neurons"])
@pytest.mark.parametrize(
    "name", ["K3", "K4", "C5", *(pytest.param(each, marks=pytest.mark.slow) for each in ("K5", "W5"))]
)
def test_the_largest_cut_is_a_least_silencing_set(name, what):
    """The reduction by which that set is NP-hard to find."""
    n, edges = UNDIRECTED[name]
    graph = silencing_of_max_cut(n, edges)
    for v in range(graph.external, graph.n_nodes):
        assert len({*graph.signs[graph.sources == v].tolist()}) <= 1, "Dale's law"
    cut = max(sum((camp >> u & 1) != (camp >> v & 1) for u, v in edges) for camp in range(2**n))
    found = least_silencing(graph, [0], [0], what)
    assert found.is_optimal and found.least == n * (len(edges) + 1) + len(edges) - cut


def test_bounds_are_kept_where_the_program_is_given_up():
    rng = np.random.default_rng(2)
    n, m = 60, 400
    edges = *rng.integers(0, n, (2, m)), rng.choice([1, -1], m)
    graph = SignedGraph("dense", tuple(map(str, range(n))), *edges, ((0,),), (1,))
    found = least_silencing(graph, [0], [0], limit=1e-6)
    assert 1 <= found.least <= len(found.silenced)
    gone = [k for k in range(graph.n_edges) if (str(graph.sources[k]), str(graph.targets[k])) in found.silenced]
    gone = [k for k in gone if graph.signs[k] < 0]
    assert not inhibits(graph.without(gone), [0], [0])
    assert least_silencing(graph, [0], [0]).is_optimal


def is_sign_cut(graph, neurons) -> bool:
    """Whether a set is a sign cut of the first readout, by products of matrices."""
    cut = graph.without(np.flatnonzero(np.isin(graph.sources, neurons)))
    there = np.stack([walks_by_powers(cut)[list(nodes)].max(axis=0) >= 0 for nodes in cut.inputs]).any(axis=0)
    return not there[cut.readouts[0], 1] and not any(there[v].all() for v in neurons)


def test_sign_cuts_are_those_of_brute_force():
    rng = np.random.default_rng(3)
    sizes = []
    for _ in range(120):
        graph = wired(rng)
        graph = graph.with_readout(graph.n_nodes - 1)
        found = sign_cut(graph, 0)
        if (graph.sources[graph.signs < 0] < graph.external).any() and found is None:
            continue
        neurons = range(graph.external, graph.n_nodes)
        least = next(len(some) for some in subsets(neurons) if is_sign_cut(graph, list(some)))
        assert len(found.neurons) == found.least == least
        assert is_sign_cut(graph, [graph.nodes.index(name) for name in found.neurons])
        sizes.append(least)
    assert max(sizes) >= 2 and len(sizes) > 40


@pytest.mark.parametrize("n_inputs", [2, pytest.param(3, marks=pytest.mark.slow)])
def test_the_sign_cut_of_a_synthesised_circuit_is_the_inversion_complexity(n_inputs):
    for bits in product("01", repeat=2**n_inputs):
        function = TruthTable("".join(bits))
        graph = graph_of_circuit(synthesize(function, kind="rate"))
        found = sign_cut(graph, 0)
        assert len(found.neurons) == found.least == inversion_complexity(function) and found.is_feed_forward
        assert falls(function.values).max() <= found.most_falls


def test_feed_forward_threshold_circuits_never_fall_more_often_than_the_sign_cut_allows():
    rng = np.random.default_rng(4)
    reached_it = 0
    for _ in range(200):
        n_inputs, n = 3, int(rng.integers(2, 6))
        sources, targets = np.triu_indices(n_inputs + n, 1)
        keep = (targets >= n_inputs) & (rng.random(len(sources)) < 0.7)
        sources, targets = sources[keep], targets[keep]
        dale = np.where((np.arange(n_inputs + n) >= n_inputs) & (rng.random(n_inputs + n) < 0.4), -1, 1)
        nodes, inputs = tuple(map(str, range(n_inputs + n))), tuple((k,) for k in range(n_inputs))
        graph = SignedGraph("ff", nodes, sources, targets, dale[sources], inputs, (n_inputs + n - 1,), (), n_inputs)
        found = sign_cut(graph, 0)
        active = np.zeros((8, n_inputs + n))
        active[:, :n_inputs] = (np.arange(8)[:, None] >> np.arange(n_inputs)[::-1]) & 1
        for v in range(n_inputs, n_inputs + n):
            into = np.flatnonzero(targets == v)
            weights = dale[sources[into]] * rng.exponential(1, len(into))
            active[:, v] = active[:, sources[into]] @ weights + rng.normal(0, 1) > 0
        most = int(falls(active[:, -1] > 0).max())
        assert most <= found.most_falls
        reached_it += most == found.most_falls > 0
    assert reached_it >= 3


def test_loops_have_no_bound_on_falls():
    graph = SignedGraph("loop", tuple("xab"), [0, 1, 2, 2], [1, 2, 1, 2], [1, -1, 1, 1], ((0,),), (2,), (), 1)
    assert not is_feed_forward(graph, 0) and sign_cut(graph, 0).most_falls is None
    inhibits_itself = SignedGraph("outside", tuple("xa"), [0], [1], [-1], ((0,),), (1,), (), 1)
    assert sign_cut(inhibits_itself, 0) is None


def test_a_cone_is_balanced_just_if_no_input_is_mixed():
    rng = np.random.default_rng(5)
    balanced = 0
    for _ in range(250):
        graph = random_graph(rng, 7, either=0.0)
        lengths = shortest(graph)
        found = balance(graph, 0)
        if max(map(len, graph.inputs)) > 1:
            continue
        assert found.is_balanced == (not (lengths[:, 0] >= 0).all(axis=1).any())
        balanced += found.is_balanced
        if found.is_balanced:
            falling = [nodes for nodes, (_, down) in zip(graph.inputs, lengths[:, 0], strict=True) if down >= 0]
            assert {graph.nodes[node] for (node,) in falling} <= set(found.flipped)
        one = graph.with_readout(0)
        index = frustration(one, 0).index
        loops = ((graph.sources == graph.targets) & (graph.signs < 0)).any()
        assert index == 0 or not found.is_balanced
        if index == 0 and not found.is_balanced:
            assert loops  # which do not count among the edges between two nodes
    assert 30 < balanced < 200


def least_frustration(graph, signs=None) -> int:
    """The frustration index by all ways to make two camps."""
    signs = graph.signs if signs is None else signs
    keep = (signs != 0) & (graph.sources != graph.targets)
    u, v, s = graph.sources[keep], graph.targets[keep], signs[keep]
    camps = (np.arange(2 ** (graph.n_nodes - 1))[:, None] >> np.arange(graph.n_nodes)) & 1
    return int(((camps[:, u] == camps[:, v]) != (s > 0)).sum(axis=1).min()) if len(u) else 0


def test_the_frustration_index_is_that_of_brute_force():
    rng = np.random.default_rng(6)
    for _ in range(120):
        n = int(rng.integers(2, 10))
        m = int(rng.integers(1, 5 * n))
        edges = *rng.integers(0, n, (2, m)), rng.choice([1, -1, 0], m, p=[0.45, 0.45, 0.1])
        graph = SignedGraph("drawn", tuple(map(str, range(n))), *edges, ((0,),), (n - 1,))
        found = frustration(graph)
        assert found.is_exact and found.index == least_frustration(graph)
        assert found.relaxation <= found.index + 1e-6 and 2 * len(found.flipped) <= n


def test_the_frustration_of_every_assignment_of_open_signs_is_within_the_bounds():
    rng = np.random.default_rng(9)
    spread = 0
    for _ in range(60):
        n = int(rng.integers(2, 7))
        m = int(rng.integers(2, 3 * n))
        edges = *rng.integers(0, n, (2, m)), rng.choice([1, -1, 0], m, p=[0.35, 0.35, 0.3])
        graph = SignedGraph("drawn", tuple(map(str, range(n))), *edges, ((0,),), (n - 1,))
        open_ones = np.flatnonzero((graph.signs == 0) & (graph.sources != graph.targets))
        found = frustration(graph)
        assert found.left_out == len(open_ones) and found.is_exact
        if len(open_ones) > 7:
            continue
        indices = []
        for chosen in product([1, -1], repeat=len(open_ones)):
            signs = graph.signs.astype(int)
            signs[open_ones] = chosen
            indices.append(least_frustration(graph, signs))
        assert min(indices) == found.index and max(indices) <= found.most
        spread += max(indices) > found.index
    assert spread > 10


def complete(n: int, pairs=None) -> SignedGraph:
    """A graph of inhibitory edges, between all nodes by default."""
    edges = np.array(list(combinations(range(n), 2)) if pairs is None else pairs)
    return SignedGraph("K", tuple(map(str, range(n))), *edges.T, np.full(len(edges), -1), ((0,),), (n - 1,))


@pytest.mark.parametrize("limit", [0.0, 1e-3])
def test_bounds_of_the_frustration_hold_where_its_programs_are_given_up(limit):
    rng = np.random.default_rng(6)
    gaps = 0
    for _ in range(30):
        n = int(rng.integers(6, 11))
        edges = *rng.integers(0, n, (2, 4 * n)), rng.choice([1, -1], 4 * n)
        graph = SignedGraph("given up", tuple(map(str, range(n))), *edges, ((0,),), (0,))
        found, best = frustration(graph, limit=limit), least_frustration(graph, graph.signs)
        assert found.relaxation <= found.least <= best <= found.index
        gaps += not found.is_exact
    assert gaps > 5 * (limit == 0)


def test_the_frustration_of_graphs_that_are_known():
    assert [frustration(complete(n)).index for n in range(3, 10)] == [(n - 1) ** 2 // 4 for n in range(3, 10)]
    assert all(frustration(complete(n)).is_exact for n in range(3, 10))
    assert frustration(complete(5)).relaxation == pytest.approx(10 / 3)
    assert frustration(complete(7)).relaxation == pytest.approx(7)
    spokes = [(i, i + 5) for i in range(5)]
    petersen = [(i, (i + 1) % 5) for i in range(5)] + spokes + [(5 + i, 5 + (i + 2) % 5) for i in range(5)]
    assert frustration(complete(10, petersen)).index == 3


def test_the_wiring_of_xor():
    found = certify(xor.circuit("rate"))
    assert (found.graph.n_nodes, found.graph.n_edges) == (7, 9) and found.counts()["mixed"] == 2
    assert found.silencing().least == len(found.silencing().silenced) == 2
    assert str(found.silencing(what="neurons")) == "1 neuron: I1"
    assert found.frustration().index == 1 and found.cut().neurons == ("I1",) and found.cut().most_falls == 1
    assert not found.balance().is_balanced and found.balance().mixed == ("x[0]", "x[1]")
    carriers = found.carriers("x[0]", "readout")
    assert carriers.neurons == carriers.sole == ("I1",) and len(carriers.connections) == 2
    known = {"index": 1, "at_least": 1, "relaxation": 1.0, "left_out": 0, "at_most": 1}
    assert found.to_dict()["frustration"] == known
    assert found.to_dict()["details"][0]["least_silencing"]["synapses"]["number"] == 2
    with pytest.raises(InputError, match="silencing: what: expected one of synapses, neurons, found 'cells'"):
        found.silencing(what="cells")
