"""NIR files read as circuits: there and back, and against snnTorch and norse, spike for spike."""

from itertools import pairwise

import numpy as np
import pytest

from eisim import InputError, TruthTable, ablate, from_nir, load, save, simulate, synthesize, to_nir
from eisim.adapter.nir_format import LACKING, write_nir
from eisim.adapter.nir_reader import read_nir
from eisim.functions import TRUTH_TABLES
from eisim.studies.slow_synapses import with_synapses
from models import and_by_inhibition, xor
from tests.support.drawn import TIMES, draw_circuit

nir = pytest.importorskip("nir")
DT = TIMES["dt"]


def expressible(circuit):
    return circuit.with_neurons(**LACKING)


def there_and_back(circuit, folder, dt=DT):
    path = folder / "circuit.nir"
    path.write_bytes(write_nir(to_nir(circuit, dt=dt)))
    return from_nir(path)


def assert_same_spikes(circuits, stimuli, folder, **times):
    """Counts in trials of these times; their sum."""
    back = [there_and_back(circuit, folder, times["dt"]) for circuit in circuits]
    responses = simulate([*circuits, *back], [*stimuli, *stimuli], backend="numpy", **times)
    counts = [response.readouts for response in responses]
    for ours, found in zip(counts[: len(back)], counts[len(back) :], strict=True):
        np.testing.assert_array_equal(found, ours)
    return np.array([each.sum() for each in counts[: len(back)]])


def test_there_and_back_random_circuits(tmp_path):
    """Recurrent, with delays, tonic drives, several inputs and readouts, and receptors of several time constants."""
    circuits = [expressible(draw_circuit("spiking", seed)) for seed in range(6)]
    circuits += [expressible(model.circuit()) for model in (xor, and_by_inhibition)]
    stimuli = [np.random.default_rng(k).random((3, c.n_inputs)) for k, c in enumerate(circuits)]
    assert np.count_nonzero(assert_same_spikes(circuits, stimuli, tmp_path, **TIMES)) >= 6
    ours, back = circuits[0], there_and_back(circuits[0], tmp_path)
    assert {(p.name, p.sign, p.size) for p in back.populations} == {(p.name, p.sign, p.size) for p in ours.populations}
    assert [(i.name, i.size, i.rate) for i in back.inputs] == [(i.name, i.size, i.rate) for i in ours.inputs]
    assert back.name == ours.name


@pytest.mark.slow
def test_there_and_back_all_synthesised_circuits(tmp_path):
    functions = [TruthTable(f"{k:04b}") for k in range(1, 15)] + list(TRUTH_TABLES.values())
    circuits = [expressible(synthesize(f, kind="spiking")) for f in functions]
    circuits += [expressible(with_synapses(synthesize(f), 60e-3)) for f in functions]  # all neurons are one node
    times = {"duration": 300e-3, "window": 300e-3, "dt": 0.1e-3}
    counts = assert_same_spikes(circuits, [f.patterns for f in functions] * 2, tmp_path, **times)
    assert (counts > 0).all()


def spikes_of(network, values, steps):
    """Spikes of the readouts (steps × trials × outputs) in the network's own steps."""
    circuit, n = network.circuit, steps + network.late
    times = {"dt": network.dt, "duration": n * network.dt, "window": steps * network.dt}
    response = simulate(circuit, network.stimuli(values), record=True, backend="numpy", **times)
    found, at = np.zeros((n, len(values), circuit.n_readouts)), 0
    for readout in circuit.readouts:
        spikes = response.spikes[readout.population]
        found[spikes.step, spikes.copy, at + spikes.neuron] = 1
        at += circuit.population(readout.population).size
    np.testing.assert_allclose(response.readouts * steps * network.dt, found[network.late :].sum(axis=0), atol=1e-9)
    return found[network.late :]


torch = pytest.importorskip("torch")


def by_torch(net, values, steps):
    """Spikes of a module that keeps its states, for values that act in every step."""
    for module in net.modules():
        if hasattr(module, "reset_mem"):
            module.reset_mem()
    found = []
    with torch.no_grad():
        for _ in range(steps):
            out = net(torch.as_tensor(values, dtype=torch.float32))
            found.append((out[0] if isinstance(out, tuple) else out).numpy())
    return np.array(found)


def leaky(n, kind, **more):
    snn = pytest.importorskip("snntorch")
    return snn.Leaky(
        beta=torch.full((n,), 0.9), threshold=torch.ones(n), init_hidden=True, reset_mechanism=kind, **more
    )


@pytest.mark.parametrize(("kind", "reset"), [("zero", "value"), ("subtract", "late subtraction")])
def test_snntorch_dense_network_spike_for_spike(kind, reset):
    """Three layers, with biases and weights of both signs, and inputs that act as currents."""
    export = pytest.importorskip("snntorch.export_nir").export_to_nir
    torch.manual_seed(0)
    sizes = [12, 30, 20, 5]
    layers = [torch.nn.Linear(a, b) for a, b in pairwise(sizes)]
    with torch.no_grad():
        for layer in layers:
            layer.weight *= 4
    net = torch.nn.Sequential(*(each for layer in layers for each in (layer, leaky(layer.out_features, kind))))
    values = torch.rand(10, 12).numpy()
    graph = export(net, torch.rand(1, 12), ignore_dims=[0])
    network = read_nir(graph, reset=reset)
    expected, found = by_torch(net, values, 30), spikes_of(network, values, 30)
    np.testing.assert_array_equal(found, expected)
    assert expected.sum() > 50 and network.late == 2
    circuit = network.circuit
    assert circuit.n_inputs == 24 and {i.name: circuit.sign(q) for q in circuit.projections for i in circuit.inputs
                                       if q.source == i.name} == {"input": 1, "input_I": -1}  # fmt: skip
    assert ablate(circuit).is_excitatory_only


def test_circuits_with_inhibitory_inputs_are_kept(tmp_path):
    weight = np.array([[1.0, -2.0], [0.5, 1.0]])
    lif = nir.LIF(np.full(2, 1e-3), np.ones(2), np.zeros(2), np.ones(2))
    nodes = {"input": nir.Input(np.array([2])), "w": nir.Linear(weight), "n": lif, "output": nir.Output(np.array([2]))}
    circuit = from_nir(nir.NIRGraph(nodes, [("input", "w"), ("w", "n"), ("n", "output")]))
    save(circuit, tmp_path / "c.eisim")
    back = load(tmp_path / "c.eisim")
    assert [type(i).__name__ for i in back.inputs] == ["Input", "InhibitoryInput"]
    assert not ablate(back, 0.5).is_excitatory_only and ablate(back).is_excitatory_only
    stimuli, times = np.array([[3.0, 1.0, 3.0, 1.0]]), {"dt": 0.1e-3, "duration": 20e-3, "window": 20e-3}
    ours, theirs = (simulate(c, stimuli, backend="numpy", **times).readouts for c in (circuit, back))
    np.testing.assert_array_equal(ours, theirs)
    assert circuit.injected(circuit.populations[0], stimuli)[0].tolist() == [[1.0, 2.5]]


def test_what_no_circuit_can_have_is_named(tmp_path):
    ones = np.ones(2)
    lif = nir.LIF(ones * 1e-3, ones, ones * 0, ones)

    def graph(between, nodes=None):
        nodes = {"input": nir.Input(np.array([2])), "output": nir.Output(np.array([2])), "n": lif, **(nodes or {})}
        return nir.NIRGraph(nodes, between, type_check=False)

    with pytest.raises(
        InputError, match=r"the graph: node 'i': expected a kind of node that .* found I, an integrator"
    ):
        from_nir(graph([("input", "i"), ("i", "output")], {"i": nir.I(ones)}))
    linear = {"w": nir.Linear(np.eye(2))}
    with pytest.raises(InputError, match=r"expected loops that pass neurons, found one through 'w'|'w2'"):
        edges = [("input", "w"), ("w", "w2"), ("w2", "w"), ("w2", "n"), ("n", "output")]
        from_nir(graph(edges, linear | {"w2": nir.Linear(np.eye(2))}))
    with pytest.raises(InputError, match="node 'output': expected each output to be the spikes of one neuron"):
        from_nir(graph([("input", "n"), ("n", "w"), ("w", "output")], {"w": nir.Linear(2 * np.eye(2))}))
    with pytest.raises(
        InputError, match=r"node 'n': expected time constants of at least a time step \(2 ms\), found 1"
    ):
        from_nir(graph([("input", "n"), ("n", "output")]), dt=2e-3)
    with pytest.raises(InputError, match="node 'w': weight: expected 2 columns, found 3"):
        from_nir(graph([("input", "w"), ("w", "n"), ("n", "output")], {"w": nir.Linear(np.ones((2, 3)))}))
    with pytest.raises(InputError, match=r"from_nir: reset: expected one of 'value', .* found 'zero'"):
        from_nir(graph([("input", "n"), ("n", "output")]), reset="zero")
    path = tmp_path / "no.nir"
    path.write_text("not HDF5")
    with pytest.raises(InputError, match=r"no\.nir: expected an HDF5 file, found another"):
        from_nir(path)
