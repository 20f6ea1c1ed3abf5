"""NIR files read as circuits: there and back, and against snnTorch and norse, spike for spike."""

import io
import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from eisim import InputError, TruthTable, ablate, from_nir, load, save, simulate, synthesize, to_nir
from eisim.adapter.hdf5 import Hdf5
from eisim.adapter.nir_format import LACKING, write_nir
from eisim.adapter.nir_reader import check_steps, read_nir
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


def assert_kept(tables, folder):
    """The circuits of truth tables have the same spikes there and back, and fire for the patterns that are 1."""
    functions = [TruthTable(table) for table in tables]
    circuits = [expressible(synthesize(f, kind="spiking")) for f in functions]
    times = {"duration": 100e-3, "window": 100e-3, "dt": 0.2e-3}
    counts = assert_same_spikes(circuits, [f.patterns for f in functions], folder, **times)
    assert [count > 0 for count in counts] == ["1" in table for table in tables]


def test_there_and_back_functions_of_two_inputs_and_some_of_three(tmp_path):
    assert_kept([f"{k:04b}" for k in range(16)] + [f"{k:08b}" for k in range(5, 256, 50)], tmp_path)


@pytest.mark.slow
def test_there_and_back_all_functions_of_three_inputs(tmp_path):
    assert_kept([f"{k:08b}" for k in range(256)], tmp_path)


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


def layer(cls, n, kind="zero", beta=0.9, **more):
    """Neurons of snnTorch that are not Leaky, or that keep another share of their potential."""
    cls = getattr(pytest.importorskip("snntorch"), cls)
    alpha = {"alpha": torch.full((n,), 0.7)} if "Synaptic" in cls.__name__ else {}
    more |= {"linear_features": n} if cls.__name__.startswith("R") else {}
    many = {"beta": torch.full((n,), beta), "threshold": torch.ones(n)}
    return cls(**alpha, **many, init_hidden=True, reset_mechanism=kind, **more)


@pytest.mark.parametrize(
    ("first", "second", "reset"),
    [
        (("RLeaky", 15), ("Leaky", 4), {"1.lif": "late value"}),
        (("Synaptic", 15), ("Leaky", 4), {"1": "late value", "3": "value"}),
        (("Leaky", 15), ("Synaptic", 4), {"3": "late value"}),
        (("RSynaptic", 15), ("Synaptic", 4), "late value"),
        (("Leaky", 15, "subtract"), ("Leaky", 4), {"1": "late subtraction"}),
        (("Leaky", 15, "subtract", 0.0), ("Synaptic", 4, "subtract", 0.0), "late subtraction"),
        (("Synaptic", 15, "zero", 0.0), ("Leaky", 4, "subtract", 0.0), {"1": "late value", "3": "late subtraction"}),
    ],
)
def test_resets_of_snntorch_spike_for_spike(first, second, reset):
    """Those to zero, resets that differ between layers, and neurons that forget all within a step."""
    export = pytest.importorskip("snntorch.export_nir").export_to_nir
    torch.manual_seed(3)
    net = torch.nn.Sequential(torch.nn.Linear(8, 15), layer(*first), torch.nn.Linear(15, 4), layer(*second))
    with torch.no_grad():
        for module in net:
            if hasattr(module, "weight"):
                module.weight *= 5
    values = torch.rand(5, 8).numpy()
    network = read_nir(export(net, torch.rand(1, 8), ignore_dims=[0]), reset=reset)
    expected, found = by_torch(net, values, 25), spikes_of(network, values, 25)
    np.testing.assert_array_equal(found, expected)
    reference = np.array([*network.reference().outputs(values for _ in range(25))])
    np.testing.assert_array_equal(reference, expected)
    assert expected.sum() > 30


def test_late_subtraction_from_a_filtered_current_that_is_forgotten():
    export = pytest.importorskip("snntorch.export_nir").export_to_nir
    net = torch.nn.Sequential(torch.nn.Linear(3, 2), layer("Synaptic", 2, "subtract", 0.0))
    with pytest.raises(InputError, match="node '1': reset: expected no late subtraction from neurons that forget"):
        read_nir(export(net, torch.rand(1, 3), ignore_dims=[0]), reset="late subtraction")


def test_convolutions_whose_export_leaves_the_shape_of_their_input_open():
    """As norse's does; the graph that was given stays as it is."""
    norse = pytest.importorskip("norse.torch")
    names = {"tau_mem_inv": 100.0, "v_th": 0.3, "v_leak": 0.0, "v_reset": 0.0}
    cell = norse.LIFBoxCell(norse.LIFBoxParameters(**{k: torch.full((2, 4, 4), x) for k, x in names.items()}))
    torch.manual_seed(0)
    net = norse.SequentialState(torch.nn.Conv2d(1, 2, 3), cell)
    values, state, expected = torch.rand(4, 1, 6, 6) * 9, None, []
    with torch.no_grad():
        for _ in range(20):
            spikes, state = net(values, state)
            expected.append(spikes.numpy().reshape(4, -1))
    graph = norse.to_nir(net, values[:1])
    network = read_nir(graph, dt=1e-6)
    np.testing.assert_array_equal(spikes_of(network, values.numpy().reshape(4, -1), 20), expected)
    assert np.sum(expected) > 20 and graph.nodes["0"].input_shape is None


def nets(name):
    """Networks as users of snnTorch build them, and shapes of their inputs."""
    snn = pytest.importorskip("snntorch")
    more = {"init_hidden": True, "reset_mechanism": "subtract"}

    def of(n):
        return {"beta": torch.full((n,), 0.9), "threshold": torch.ones(n), **more}

    linear, alpha = torch.nn.Linear, torch.full((6,), 0.7)
    layers = {
        "synaptic": [linear(12, 20), leaky(20, "subtract"), linear(20, 6), snn.Synaptic(alpha, **of(6))],
        "synaptic first": [linear(12, 6), snn.Synaptic(alpha, **of(6)), linear(6, 4), leaky(4, "subtract")],
        "recurrent": [linear(12, 20), snn.RLeaky(linear_features=20, **of(20)), linear(20, 6),
                      snn.RSynaptic(alpha, linear_features=6, **of(6)), linear(6, 4), leaky(4, "subtract")],
        "convolutional": [torch.nn.Conv2d(1, 3, 3, padding=1), neurons(3, 4, 4), torch.nn.AvgPool2d(2),
                          torch.nn.Conv2d(3, 4, 2, stride=2), neurons(4, 1, 1), torch.nn.Flatten(), linear(4, 3),
                          leaky(3, "subtract")],
    }  # fmt: skip
    return torch.nn.Sequential(*layers[name]), (1, 4, 4) if name == "convolutional" else (12,)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["synaptic", "synaptic first", "recurrent", "convolutional"])
def test_snntorch_layers_spike_for_spike(name):
    export = pytest.importorskip("snntorch.export_nir").export_to_nir
    torch.manual_seed(1)
    net, shape = nets(name)
    with torch.no_grad():
        for module in net:
            if hasattr(module, "weight"):
                module.weight *= 6
    values = torch.rand(6, *shape).numpy()
    network = read_nir(export(net, torch.rand(1, *shape), ignore_dims=[0]), reset="late subtraction")
    expected, found = by_torch(net, values, 25), spikes_of(network, values.reshape(6, -1), 25)
    np.testing.assert_array_equal(found, expected)
    assert expected.sum() > 20


@pytest.mark.slow
def test_norse_spike_counts_at_its_own_step():
    """norse writes time constants times its step of 1 ms, so the steps of its files are of 1 us."""
    norse = pytest.importorskip("norse.torch")
    torch.manual_seed(0)

    def cell(n, rate, threshold):
        names = {"tau_mem_inv": rate, "v_th": threshold, "v_leak": 0.0, "v_reset": 0.0}
        return norse.LIFBoxCell(norse.LIFBoxParameters(**{k: torch.full((n,), x) for k, x in names.items()}))

    net = norse.SequentialState(
        torch.nn.Linear(8, 12), cell(12, 100.0, 0.3), torch.nn.Linear(12, 5), cell(5, 200.0, 0.1)
    )
    values, state, expected = torch.rand(10, 8) * 4, None, 0.0
    with torch.no_grad():
        for _ in range(40):
            spikes, state = net(values, state)
            expected = expected + spikes.numpy()
    network = read_nir(norse.to_nir(net, values[:1]), dt=1e-6)
    np.testing.assert_array_equal(spikes_of(network, values.numpy(), 40).sum(axis=0), expected)
    assert expected.sum() > 100


def of_two_layers(first, second, rng):
    nodes = {
        "input": nir.Input(np.array([3])),
        "w": nir.Affine(rng.normal(size=(6, 3)), rng.normal(size=6) * 0.1),
        "n": first,
        "w2": nir.Affine(rng.normal(size=(4, 6)), rng.normal(size=4) * 0.1),
        "m": second,
        "output": nir.Output(np.array([4])),
    }
    return nir.NIRGraph(nodes, list(pairwise(["input", "w", "n", "w2", "m", "output"])))


def test_neurons_that_filter_or_integrate_currents_follow_the_reference():
    """With leak and reset potentials, gains and resistances that are not 0 or 1."""
    rng = np.random.default_rng(0)
    six, four = np.ones(6), np.ones(4)
    first = {
        "IF": nir.IF(1e3 * six, six, -0.2 * six),
        "CubaLIF": nir.CubaLIF(1e-3 * six, 2e-3 * six, 9 * six, 0.2 * six, six, -0.1 * six, 3 * six),
        "LIF": nir.LIF(np.linspace(1e-3, 3e-3, 6), 9 * six, 0.2 * six, np.linspace(1, 2, 6), -0.1 * six),
    }
    for kind, layer in first.items():
        network = read_nir(of_two_layers(layer, nir.IF(5e3 * four, four), rng))
        values = rng.random((5, 3)) * 5
        expected = np.array([*network.reference().outputs(values for _ in range(40))])
        np.testing.assert_array_equal(spikes_of(network, values, 40), expected, kind)
        assert expected.sum() > 20


def test_inputs_that_spike_have_relays():
    """Which lose and delay nothing: reading compares every spike with the reference."""
    rng = np.random.default_rng(0)
    lif = nir.LIF(1e-3 * np.ones(6), 30 * np.ones(6), np.zeros(6), np.ones(6))
    out = nir.LIF(1e-3 * np.ones(4), 30 * np.ones(4), np.zeros(4), np.ones(4))
    network = read_nir(of_two_layers(lif, out, rng), currents=False, rate=200.0)
    circuit = network.circuit
    assert circuit.n_inputs == 3 and network.late == 3
    assert (circuit.population("input_I").sign, circuit.population("input_I").size) == ("I", 3)
    assert circuit.inputs[0].rate == 200 and ablate(circuit).is_excitatory_only
    with pytest.raises(InputError, match="found others"):
        check_steps(replace(network, circuit=ablate(circuit)))


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
    with pytest.raises(InputError, match="node 'output': expected spikes or potentials of neurons, found an output w"):
        from_nir(graph([("input", "n"), ("input", "w"), ("w", "output")], {"w": nir.Linear(2 * np.eye(2))}))
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


STEPS = 10


def neurons(*shape):
    snn = pytest.importorskip("snntorch")
    return snn.Leaky(beta=torch.full(shape, 0.9), threshold=torch.ones(shape), init_hidden=True)


def dense():
    return torch.nn.Sequential(torch.nn.Linear(64, 30), neurons(30), torch.nn.Linear(30, 10), neurons(10))


def convolutional():
    return torch.nn.Sequential(
        torch.nn.Conv2d(1, 6, 3, stride=2, padding=1), neurons(6, 4, 4), torch.nn.Conv2d(6, 12, 3, padding=1),
        neurons(12, 4, 4), torch.nn.AvgPool2d(2), torch.nn.Flatten(), torch.nn.Linear(48, 10), neurons(10),
    )  # fmt: skip


def trained_on_digits(build, shape, epochs):
    """A network trained by surrogate gradients, and the images and digits that it has not seen."""
    from sklearn.datasets import load_digits

    torch.manual_seed(0)
    torch.set_num_threads(1)
    images, digits = load_digits(return_X_y=True)
    x, y = torch.tensor(images / 16, dtype=torch.float32).reshape(-1, *shape), torch.tensor(digits)
    net, order = build(), torch.randperm(len(x))
    seen, unseen = order[:1200], order[1200:]
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-2)
    for _ in range(epochs):
        for batch in seen[torch.randperm(len(seen))].split(150):
            for module in net:
                if hasattr(module, "reset_mem"):
                    module.reset_mem()
            counts = sum(net(x[batch]) for _ in range(STEPS))
            loss = torch.nn.functional.cross_entropy(counts, y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            for module in net:  # the graph of one batch ends here
                if hasattr(module, "mem"):
                    module.mem = module.mem.detach()
    return net, x[unseen].numpy(), digits[unseen.numpy()]


@pytest.mark.slow
@pytest.mark.parametrize(("build", "shape", "epochs"), [(dense, (64,), 4), (convolutional, (1, 8, 8), 9)])
def test_networks_trained_by_snntorch_have_its_accuracy(build, shape, epochs, tmp_path, eisim):
    """Of default neurons of snnTorch, written by its own export; and they can be ablated, by the command, too."""
    export = pytest.importorskip("snntorch.export_nir").export_to_nir
    net, images, digits = trained_on_digits(build, shape, epochs)
    path = tmp_path / "net.nir"
    nir.write(path, export(net, torch.zeros(1, *shape), ignore_dims=[0]))
    network = read_nir(path, reset="late subtraction")
    expected = by_torch(net, images, STEPS).sum(axis=0)
    found = spikes_of(network, images.reshape(len(images), -1), STEPS).sum(axis=0)
    theirs, ours = ((counts.argmax(axis=1) == digits).mean() for counts in (expected, found))
    assert theirs > 0.8 and abs(ours - theirs) <= 0.01
    assert (found == expected).mean() > 0.999  # single precision may decide otherwise
    assert ablate(network.circuit).is_excitatory_only and not network.circuit.is_excitatory_only
    rows = [",".join([*(f"x{k}" for k in range(64)), "digit"])]
    rows += [
        ",".join([*map(repr, image.ravel().tolist()), str(digit)]) for image, digit in zip(images, digits, strict=True)
    ]
    (tmp_path / "rows.csv").write_text("\n".join(rows))
    words = (
        "--target",
        "digit",
        "--steps",
        STEPS,
        "--reset",
        "late-subtraction",
        "--levels",
        "2",
        "--controls",
        "none",
    )
    done = eisim("ablate", path, "--data", tmp_path / "rows.csv", *map(str, words), "--backend", "numpy",
                 "--out", tmp_path / "out", "--json")  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert abs(said["network_accuracy"] - theirs) <= 0.01 and abs(said["spiking"]["accuracy"][0] - theirs) <= 0.01
    assert said["spiking"]["accuracy"][1] < 0.5 < said["spiking"]["accuracy"][0]


# hostile files


def seeds(folder):
    """Valid files: of eisim with subgroups and delays, and one with convolution, subgraph and compressed arrays."""
    yield write_nir(to_nir(expressible(draw_circuit("spiking", 1)), dt=DT))
    lif = nir.LIF(np.full(8, 1e-3), np.full(8, 10.0), np.zeros(8), np.ones(8))
    loop = nir.NIRGraph(
        {"input": nir.Input(np.array([8])), "n": lif, "w": nir.Linear(np.eye(8) - 0.5), "output": nir.Output([8])},
        [("input", "n"), ("n", "w"), ("w", "n"), ("n", "output")],
    )
    weight = np.random.default_rng(0).normal(size=(2, 1, 2, 2)).astype("f4")
    nodes = {
        "input": nir.Input(np.array([1, 4, 4])),
        "conv": nir.Conv2d((4, 4), weight, (2, 2), (0, 0), (1, 1), 1, np.ones(2, "f4")),
        "flat": nir.Flatten({"input": np.array([2, 2, 2])}, 0, -1),
        "loop": loop,
        "output": nir.Output(np.array([8])),
    }
    order = ["input", "conv", "flat", "loop", "output"]
    nir.write(folder / "seed.nir", nir.NIRGraph(nodes, list(pairwise(order))), compression="gzip")
    yield (folder / "seed.nir").read_bytes()


def mutated(content, seed):
    """The content with a few bytes or numbers changed, or cut, or with a part repeated."""
    rng, content = np.random.default_rng(seed), bytearray(content)
    used = np.flatnonzero(np.frombuffer(content, np.uint8))
    for place in rng.choice(used, rng.integers(1, 8)):
        kind = rng.integers(4)
        if kind == 0:
            content[place] = rng.integers(256)
        elif kind == 1:
            content[place] ^= 1 << int(rng.integers(8))
        else:
            start = place // 8 * 8
            number = [0, 2**31, 2**32 - 1, 2**63, 2**64 - 1, int(rng.integers(1000))][rng.integers(6)]
            content[start : start + 8] = number.to_bytes(8, "little")
    if rng.random() < 0.1:
        a, b = sorted(rng.integers(0, len(content), 2))
        content = content[:a] + content[b:] if rng.random() < 0.5 else content[:b] + content[a:]
    return bytes(content)


def altered(content, seed):
    """The content with one or two values of nodes replaced by others, or without them."""
    h5py, rng, file = pytest.importorskip("h5py"), np.random.default_rng(seed), io.BytesIO(content)
    with h5py.File(file, "r+") as opened:
        node, names = opened["node"], []
        node.visititems(lambda name, found: names.append(name) if isinstance(found, h5py.Dataset) else None)
        for name in rng.choice(names, rng.integers(1, 3), replace=False):
            before, how = node[name][()], rng.integers(4)
            del node[name]
            if how == 0:
                others = [b"LIF", b"Linear", b"Flatten", np.zeros(0), np.ones((3, 3)), np.ones((2, 2, 2, 2)), b"input"]
                node[name] = others[rng.integers(len(others))]
            elif how > 1:
                value = [np.nan, np.inf, -1.0, 0.0, 1e300, -1e300, 1e-300, 2.5, 7, 2**40][rng.integers(10)]
                array = np.array(before if np.ndim(before) and np.asarray(before).dtype != object else 0.0, dtype=float)
                array.flat[rng.integers(array.size)] = value
                node[name] = array
    return file.getvalue()


@pytest.mark.slow
def test_mutated_files_give_one_line_or_a_circuit(tmp_path):
    resource = pytest.importorskip("resource")
    files, path, taken, refused = [*seeds(tmp_path)], tmp_path / "x.nir", 0, set()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for seed in range(500):
        mutate = altered if seed % 2 else mutated
        path.write_bytes(mutate(files[seed // 2 % len(files)], seed))
        try:
            circuit = from_nir(path)
        except InputError as error:
            said = str(error)
            assert said.startswith(f"{path}: ") and said.isprintable() and len(said) < 2_000, said
            refused.add(said)
        else:
            taken += circuit.n_readouts > 0
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1_000_000  # kB
    assert taken > 20 and len(refused) > 100
    assert not any("(AttributeError)" in said or "(KeyError)" in said for said in refused)


@pytest.fixture
def hostile(tmp_path):
    """A function that writes an HDF5 file and says how it is refused."""
    h5py = pytest.importorskip("h5py")

    def said(write):
        path = tmp_path / "bad.nir"
        with h5py.File(path, "w") as file:
            node = file.create_group("node")
            node["type"] = "NIRGraph"
            write(h5py, node)
        with pytest.raises(InputError) as caught:
            from_nir(path)
        return str(caught.value).removeprefix(f"{path}: ")

    return said


def test_hostile_files_are_refused_in_one_line(hostile):
    def linear(node):
        group = node.create_group("nodes/w")
        group["type"] = "Linear"
        return group

    def bomb(h5py, node):
        linear(node).create_dataset("weight", (100_000, 100_000), "f8", chunks=(1000, 1000), compression="gzip")

    assert hostile(bomb) == "expected a tensor of at most 20,000,000 elements, found shape (100000, 100000)"

    def chunk(h5py, node):
        import zlib

        array = linear(node).create_dataset("weight", (10, 10), "f8", chunks=(10, 10), compression="gzip")
        array.id.write_direct_chunk((0, 0), zlib.compress(bytes(50_000_000)))

    assert hostile(chunk).startswith("expected a chunk of 800 bytes, found 805 or more")

    def link(h5py, node):
        linear(node)["weight"] = h5py.ExternalLink("other.h5", "/weight")

    assert "expected members in the file itself, found a link" in hostile(link) or "(message" in hostile(link)

    def endless(h5py, node):
        node["nodes/again"] = node

    assert hostile(endless) == "expected at most 16 subgraphs within each other, found more"

    def wide(h5py, node):
        inner = node.create_group("nodes/n0")
        inner["type"] = "NIRGraph"
        for _ in range(12):  # each has the next one many times
            following = inner.create_group("nodes/a")
            following["type"] = "NIRGraph"
            for name in "bcdefgh":
                inner[f"nodes/{name}"] = following
            inner = following

    assert hostile(wide).startswith("expected at most 10,000 nodes") or "nodes: expected a group" in hostile(wide)

    def elsewhere(h5py, node):
        node.create_group("nodes").create_group("w", track_order=True)["type"] = "Linear"

    assert "expected" in hostile(elsewhere)

    def kind(h5py, node):
        node.create_group("nodes/w")["type"] = "Evil\x1b[31m\nsecond line"

    assert hostile(kind).isprintable() and "expected one of Input, Output, Affine" in hostile(kind)


def test_arrays_are_those_that_h5py_reads(tmp_path):
    """Of all formats that h5py writes by default."""
    h5py = pytest.importorskip("h5py")
    rng, path = np.random.default_rng(0), tmp_path / "arrays.h5"
    written = {f"{kind}{shape}{how}": (rng.normal(size=shape) * 50).astype(kind)
               for kind in ("f2", "f4", "f8", ">f8", "i1", "i4", ">i8", "u2", "?")
               for shape in ((), (7,), (30, 41))
               for how in ("", "gzip", "shuffle") if how == "" or shape}  # fmt: skip
    with h5py.File(path, "w") as file:
        group = file.create_group("many")
        for name, array in written.items():
            how = {"compression": "gzip", "shuffle": name.endswith("shuffle"), "fletcher32": len(name) % 2 == 0}
            group.create_dataset(
                name.replace("/", ""), data=array, **(how if name.endswith(("gzip", "shuffle")) else {})
            )
        group["text"] = "naïve"
        group["texts"] = np.array([b"one", b"three"])
    file = Hdf5(path.read_bytes())
    members = file.open(file.open(file.root)["many"])
    assert len(members) == len(written) + 2
    for name, array in written.items():
        np.testing.assert_array_equal(file.numbers(file.open(members[name])), array)
    assert file.strings(file.open(members["text"])) == ["naïve"]
    assert file.strings(file.open(members["texts"])) == ["one", "three"]


@pytest.mark.slow
def test_command_ablates_a_network_in_a_file(tmp_path, eisim):
    """The excitatory neuron of each input vetoes the other: what inhibition does is seen without training."""
    weight = np.array([[3.0, -3.0], [-3.0, 3.0]])
    lif = nir.LIF(np.full(2, 1e-3), np.full(2, 10.0), np.zeros(2), np.ones(2))
    nodes = {"input": nir.Input(np.array([2])), "w": nir.Linear(weight), "n": lif, "output": nir.Output(np.array([2]))}
    nir.write(tmp_path / "net.nir", nir.NIRGraph(nodes, [("input", "w"), ("w", "n"), ("n", "output")]))
    rows = [f"{a / 10},{b / 10},{int(b > a)}" for a in range(0, 10, 3) for b in range(1, 10, 3)]
    (tmp_path / "rows.csv").write_text("\n".join(["a,b,larger", *rows]))
    words = "--data", tmp_path / "rows.csv", "--target", "larger", "--levels", "3", "--backend", "numpy"
    done = eisim("ablate", tmp_path / "net.nir", *words, "--steps", "20", "--out", tmp_path / "out", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["network_accuracy"] == found["spiking"]["accuracy"][0] == 1.0
    assert found["spiking"]["agreement"] == 1.0 and found["spiking"]["equivalence_error"] < 1e-9
    assert found["spiking"]["accuracy"][-1] < 1 and "rate" not in found
    assert found["spiking"]["simulated_seconds"] == pytest.approx(2e-3)
    done = eisim("ablate", tmp_path / "net.nir", *words, "--kind", "rate")
    assert done.returncode == 2 and "--kind: expected spiking for a NIR file, found 'rate'" in done.stderr
    (tmp_path / "rows.csv").write_text("\n".join(["a,b,larger", "-1,2,1", "2,-1,0", "1,-2,0", "-2,-1,1"]))
    done = eisim("ablate", tmp_path / "net.nir", *words, "--controls", "none", "--out", tmp_path / "signed", "--json")
    found = json.loads(done.stdout)
    assert found["signed_inputs"] and found["spiking"]["agreement"] == 1.0 == found["network_accuracy"]
