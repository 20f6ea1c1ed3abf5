"""NIR graphs, against an interpreter of NIR's equations that knows nothing of eisim, and against snnTorch and norse."""

import io
from dataclasses import replace

import numpy as np
import pytest
from scipy.linalg import expm

from eisim import (
    LIF,
    Circuit,
    Exponential,
    Input,
    InputError,
    Population,
    Projection,
    Readout,
    Response,
    TruthTable,
    silence,
    simulate,
    synthesize,
    to_nir,
)
from eisim.adapter.nir_format import LACKING, NORSE, READERS, SNNTORCH, unread, write_nir
from eisim.functions import TRUTH_TABLES
from eisim.run.export import write_network
from eisim.studies.slow_synapses import with_synapses
from models import and_by_inhibition, xor
from tests.support.drawn import TIMES, draw_circuit

pytestmark = pytest.mark.slow

nir = pytest.importorskip("nir")
DT = TIMES["dt"]
SEEDS = range(6)


class Interpreter:
    """The equations in the docstrings of NIR's nodes, solved exactly between spikes, each an area of `dt`.

    A neuron and what filters its input are one linear system of the filtered inputs, v, and 1.
    """

    def __init__(self, graph, trials, dt):
        self.graph, self.dt, self.trials = graph, dt, trials
        self.sources = {name: [a for a, b in graph.edges if b == name] for name in graph.nodes}
        self.neurons = {name: self.system(name) for name, node in graph.nodes.items() if hasattr(node, "v_threshold")}
        self.spikes = {}  # of each source in every step so far

    def system(self, name):
        """Propagators (neurons × states × states), receiving nodes, jumps for an input of 1, and states."""
        node = self.graph.nodes[name]
        if isinstance(node, nir.CubaLIF):
            tau, receptors = node.tau_mem, {name: (node.tau_syn, node.w_in)}
        else:
            tau = node.tau
            receptors = {s: (self.graph.nodes[s].tau, self.graph.nodes[s].r) for s in self.sources[name]}
        k, size = len(receptors), len(tau)
        rates = np.zeros((size, k + 2, k + 2))
        for j, (tau_s, _) in enumerate(receptors.values()):
            rates[:, j, j] = -1 / tau_s
        rates[:, k, :k], rates[:, k, k], rates[:, k, k + 1] = (node.r / tau)[:, None], -1 / tau, node.v_leak / tau
        jumps = [gain * self.dt / tau_s for tau_s, gain in receptors.values()]
        state = np.zeros((self.trials, size, k + 2))
        state[..., -1] = 1
        return expm(rates * self.dt), list(receptors), jumps, state

    def run(self, trains):
        """Spikes of the output (steps × trials × outputs) for those of the input."""
        found = []
        for step, train in enumerate(trains):
            for name, node in self.graph.nodes.items():
                self.spikes.setdefault(name, []).append(train if isinstance(node, nir.Input) else None)
            for name, (propagator, _, _, state) in self.neurons.items():
                node = self.graph.nodes[name]
                state[...] = np.einsum("nij,tnj->tni", propagator, state)
                fires = state[..., -2] > node.v_threshold
                state[..., -2] = np.where(fires, node.v_reset, state[..., -2])
                self.spikes[name][step] = fires.astype(float)
            for _, receivers, jumps, state in self.neurons.values():
                for j, (receiver, jump) in enumerate(zip(receivers, jumps, strict=True)):
                    state[..., j] += jump * self.arriving(receiver, step)
            found.append(self.arriving("output", step))
        return np.array(found)

    def arriving(self, name, step):
        return sum((self.value(source, step) for source in self.sources[name]), start=np.zeros(()))

    def value(self, name, step):
        node = self.graph.nodes[name]
        if isinstance(node, nir.Linear):
            return self.arriving(name, step) @ node.weight.T
        if isinstance(node, nir.Delay):
            (steps,) = set(np.round(node.delay / self.dt).astype(int))
            return self.arriving(name, step - steps) if step >= steps else np.zeros((self.trials, len(node.delay)))
        return self.spikes[name][step]


def raster(response: Response, names) -> np.ndarray:
    """Recorded spikes: steps × trials × neurons."""
    steps, parts = round(response.duration / response.dt), []
    sizes = {part.name: part.size for part in (*response.circuit.inputs, *response.circuit.populations)}
    trials = next(iter(response.rates.values())).shape[0]
    for name in names:
        spikes = response.spikes[name]
        parts.append(np.zeros((steps, trials, sizes[name])))
        parts[-1][spikes.step, spikes.copy, spikes.neuron] = 1
    return np.concatenate(parts, axis=2)


def expressible(circuit):
    return circuit.with_neurons(**LACKING)


def test_same_spikes_by_the_equations_of_nir():
    """Random circuits, recurrent, with delays, biases and receptors of several time constants."""
    circuits = [expressible(draw_circuit("spiking", seed)) for seed in SEEDS]
    circuits += [expressible(model.circuit()) for model in (xor, and_by_inhibition)]
    stimuli = [np.random.default_rng(k).random((3, c.n_inputs)) for k, c in enumerate(circuits)]
    counts = []
    for response in simulate(circuits, stimuli, record=True, backend="numpy", **TIMES):
        circuit = response.circuit
        graph = nir.read(io.BytesIO(write_nir(to_nir(circuit, dt=DT))))
        found = Interpreter(graph, 3, DT).run(raster(response, [i.name for i in circuit.inputs]))
        np.testing.assert_array_equal(found, raster(response, [r.population for r in circuit.readouts]))
        counts.append(found.sum())
    assert np.count_nonzero(counts) >= 6  # silence would prove little
    kinds = {type(node) for c in circuits for node in to_nir(c).nodes.values()}
    assert kinds >= {nir.CubaLIF, nir.LIF, nir.LI, nir.Delay, nir.Linear}


TIMES_OF_READERS = {"duration": 300e-3, "window": 300e-3, "dt": 0.1e-3}
BRIEFLY = {"duration": 100e-3, "window": 100e-3}


def readable(circuit):
    """With one decay for all synapses onto a population, no delays and no tonic drives, as readers take it."""

    def one_decay(p):
        neuron = replace(p.neuron, **LACKING, reset=p.neuron.rest, inhibition=p.neuron.excitation)
        return replace(p, neuron=neuron, bias=0.0)

    return replace(
        circuit,
        populations=[one_decay(p) for p in circuit.populations],
        projections=[replace(q, delay=0.0) for q in circuit.projections],
    )


def by_snntorch(graph, torch):
    return pytest.importorskip("snntorch.import_nir").import_from_nir(graph)


def by_norse(graph, torch):
    return pytest.importorskip("norse.torch").from_nir(graph, dt=graph.metadata["dt"])


IMPORTS = {SNNTORCH: by_snntorch, NORSE: by_norse}


def counts_of(reader, graph, trains):
    """Spikes of each output (trials × outputs) that a reader counts for those of the input."""
    torch = pytest.importorskip("torch")
    network = IMPORTS[reader](graph, torch)
    total, state = 0.0, None
    with torch.no_grad():
        for train in torch.tensor(trains, dtype=torch.float32):
            spikes, state = network(train, state)
            total = total + spikes.numpy()
    return total


def file_of(circuit):
    return nir.read(io.BytesIO(write_nir(to_nir(circuit))))


def differences(circuits, stimuli):
    """For each reader and circuit its spike counts and those of the simulator."""
    responses = simulate(circuits, stimuli, record=True, backend="numpy", **TIMES_OF_READERS)
    for response in responses:
        circuit = response.circuit
        trains = raster(response, [i.name for i in circuit.inputs])
        expected = raster(response, [r.population for r in circuit.readouts]).sum(axis=0)
        for reader in READERS:
            yield reader, circuit, counts_of(reader, file_of(circuit), trains), expected


def test_a8_snntorch_and_norse_count_the_same_spikes():
    """They take forward Euler steps, in single precision."""
    names = ["xor", "multiplexer"]
    circuits = [readable(synthesize(TRUTH_TABLES[name], kind="spiking")) for name in names]
    for reader, _, found, expected in differences(circuits, [TRUTH_TABLES[name].patterns for name in names]):
        assert found == pytest.approx(expected, rel=0.07, abs=1), reader
        assert expected.max() > 40


def synthesised_with_one_time_constant():
    """Every named function's circuit, and the names of those that a tonic drive makes fire without input."""
    circuits = {name: expressible(with_synapses(synthesize(f), 60e-3)) for name, f in TRUTH_TABLES.items()}
    return circuits, {name for name, f in TRUTH_TABLES.items() if f.values[0]}


def test_a8_synthesised_circuits_with_one_time_constant_are_said_to_be_read():
    circuits, tonic = synthesised_with_one_time_constant()
    assert tonic == {"not", "nand", "implies", "xnor", "equality"}
    for name, circuit in circuits.items():
        said = set(unread(circuit).values())
        assert said == ({"'coincidence' has a tonic drive; they know none"} if name in tonic else set()), name


def test_a8_synthesised_circuits_with_one_time_constant_are_read():
    circuits, tonic = synthesised_with_one_time_constant()
    names = sorted(circuits.keys() - tonic)
    patterns = [TRUTH_TABLES[name].patterns for name in names]
    for reader, circuit, found, expected in differences([circuits[name] for name in names], patterns):
        assert found == pytest.approx(expected, rel=0.03, abs=2), (reader, circuit)
        threshold = circuit.readout_thresholds * TIMES_OF_READERS["window"]
        np.testing.assert_array_equal(found > threshold, expected > threshold)
        assert expected.max() > 15


@pytest.mark.nightly
def test_a8_every_function_of_two_inputs_and_every_named_one(capsys):
    """Synthesised circuits: the tolerance that the documentation states."""
    functions = [TruthTable(f"{k:04b}") for k in range(1, 15)] + list(TRUTH_TABLES.values())
    circuits = [readable(synthesize(f, kind="spiking")) for f in functions]
    largest = dict.fromkeys(READERS, 0.0)
    for reader, circuit, found, expected in differences(circuits, [f.patterns for f in functions]):
        assert found == pytest.approx(expected, rel=0.07, abs=1), (reader, circuit)
        share = np.abs(found - expected)[expected > 20] / expected[expected > 20]
        largest[reader] = max(largest[reader], share.max(initial=0))
    with capsys.disabled():
        print(f"\nlargest difference from more than 20 spikes: { ({r: f'{x:.1%}' for r, x in largest.items()}) }")


def test_a8_recurrent_circuits_of_mixed_neurons():
    """Time constants and thresholds that differ between populations, loops, two inputs and several readouts."""
    circuits = [readable(draw_circuit("spiking", seed)) for seed in (3, 5, 7)]
    slow = LIF(tau=20e-3, threshold=-48e-3, excitation=Exponential(8e-3), **LACKING)
    first, *others = circuits[0].populations
    circuits[0] = readable(replace(circuits[0], populations=[replace(first, neuron=slow), *others]))
    stimuli = [np.random.default_rng(k).random((3, c.n_inputs)) for k, c in enumerate(circuits)]
    assert all(unread(circuit) == {} for circuit in circuits)
    for reader, circuit, found, expected in differences(circuits, stimuli):
        assert found == pytest.approx(expected, rel=0.07, abs=2), (reader, circuit)
        assert expected.sum() > 20
    neurons = to_nir(circuits[0]).nodes["neurons"]
    assert len(set(neurons.tau_mem)) > 1 and len(set(neurons.tau_syn)) > 1 and np.ptp(neurons.v_threshold) > 1e-3


def test_a8_the_graph_that_readers_need():
    """One node of neurons, and gains of 1, which readers need not know."""
    circuit = readable(xor.circuit())
    graph = file_of(circuit)
    assert list(graph.nodes) == ["afferents", "input", "neurons", "output", "readouts", "senders", "synapses"]
    neurons = graph.nodes["neurons"]
    assert (neurons.w_in == 1).all() and neurons.r == pytest.approx(neurons.tau_mem / 1e-4)
    assert graph.metadata["neurons"] == "coincidence_I1: 0 to 0; I1: 1 to 1; coincidence: 2 to 3; readout: 4 to 4"
    weights = circuit.weights(circuit.projections[0]).toarray()
    assert graph.nodes["afferents"].weight[0] == pytest.approx(weights[:, 0] * 5e-3 / 10e-3)


def silent(circuit, name, **changes):
    """The circuit with one population changed."""
    return replace(circuit, populations=[replace(p, **changes) if p.name == name else p for p in circuit.populations])


def unreadable():
    """Circuits that no reader reads as they are meant, and what is said of them."""
    circuit = readable(xor.circuit())
    neuron = circuit.population("coincidence").neuron
    yield expressible(xor.circuit()), "synapses onto 'coincidence' decay with 5 and 10 ms; they know one decay"
    yield silent(circuit, "readout", bias=20e-3), "'readout' has a tonic drive; they know none"
    shallow = silent(circuit, "coincidence", neuron=replace(neuron, reset=-55e-3))
    yield shallow, "'coincidence' is not reset to its leak potential; they know no other"
    late = [replace(q, delay=2e-3) if q.name == "I1->coincidence" else q for q in circuit.projections]
    yield replace(circuit, projections=late), "'I1->coincidence' has delays; they know none"


@pytest.mark.parametrize("case", range(4))
def test_a8_what_is_said_not_to_be_read_is_not(case):
    """A reader refuses such a file, or computes something else."""
    circuit, said = list(unreadable())[case]
    assert unread(circuit) == dict.fromkeys(READERS, said)
    response = simulate(
        circuit, TRUTH_TABLES["xor"].patterns, record=True, backend="numpy", **(TIMES_OF_READERS | BRIEFLY)
    )
    trains = raster(response, ["x"])
    expected = raster(response, ["readout"]).sum(axis=0)
    for reader in READERS:
        try:
            found = counts_of(reader, file_of(circuit), trains)
        except (ValueError, AssertionError, KeyError, RuntimeError):
            continue
        assert found != pytest.approx(expected, rel=0.07, abs=1)


def test_a8_a_time_step_that_snntorch_does_not_know():
    circuit = readable(xor.circuit())
    assert unread(circuit, 0.2e-3) == {SNNTORCH: "its time step is 0.1 ms, that of the file 0.2 ms"}
    assert "neurons" in to_nir(circuit, dt=0.2e-3).nodes


def test_a8_export_says_who_reads_the_file(tmp_path, eisim):
    _, said = write_network(readable(xor.circuit()), "nir", tmp_path / "xor.nir")
    assert said == nir.read(tmp_path / "xor.nir").metadata["readers"] == "read by snnTorch 1.0 and norse 1.1"
    done = eisim("export", "xor", "--to", "nir", "--out", tmp_path / "two.nir")
    assert done.returncode == 0 and done.stderr.count("\n") == 1
    assert "; not read by snnTorch 1.0 or norse 1.1: synapses onto 'coincidence' decay with 5 and 10 ms" in done.stderr


def test_initial_potentials_are_left_out_and_said(tmp_path):
    circuit = silent(readable(xor.circuit()), "readout", initial=-51e-3)
    with pytest.raises(InputError, match=r"population 'readout': expected potentials that begin at rest .*-0.051 V"):
        to_nir(circuit)
    _, said = write_network(circuit, "nir", tmp_path / "xor.nir")
    assert said.startswith("initial potentials left out, since NIR has none")


def test_graph_of_a_circuit():
    """Names, shapes, and the number that each synapse of a small circuit becomes."""
    circuit = Circuit(
        "small",
        inputs=[Input("a", 2), Input("b")],
        populations=[
            Population("relay cell", "I", LIF(refractory=0.0, rest=-70e-3), 1, 3e-3),
            Population("output", "E", LIF(tau=20e-3, refractory=0.0, excitation=Exponential(10e-3)), 2),
        ],
        projections=[
            Projection("b", "relay cell", [[0.06]]),
            Projection("a", "output", [[0.01, 0.0], [0.0, 0.02]], delay=[[1e-3, 0.0], [0.0, 2e-3]]),
            Projection("relay cell", "output", [[0.04, 0.05]]),
        ],
        readouts=[Readout("output"), Readout("relay cell")],
    )
    graph = to_nir(circuit, dt=1e-4)
    assert list(graph.nodes["input"].input_type["input"]) == [3]
    relay, output = graph.nodes["relay_cell"], graph.nodes["output_2"]  # the end of the graph has its name
    assert relay.v_leak == 3e-3 and relay.v_threshold == pytest.approx([20e-3]) and relay.v_reset == pytest.approx(5e-3)
    assert relay.r * relay.w_in == pytest.approx([5e-3 / 1e-4])
    assert list(output.tau_mem) == [20e-3] * 2 and list(output.tau_syn) == [10e-3] * 2
    np.testing.assert_allclose(graph.nodes["relay_cell_to_output"].weight, [[-0.04], [-0.05]])
    np.testing.assert_allclose(graph.nodes["b_to_relay_cell"].weight, [[0, 0, 0.06]])
    np.testing.assert_allclose(graph.nodes["a_to_output"].weight, [[0.01, 0, 0], [0, 0, 0]])
    np.testing.assert_allclose(graph.nodes["a_to_output_2"].weight, [[0, 0, 0], [0, 0.02, 0]])
    assert [list(node.delay) for node in graph.nodes.values() if isinstance(node, nir.Delay)] == [
        [1e-3] * 3,
        [2e-3] * 3,
    ]
    assert list(graph.nodes["output"].output_type["output"]) == [3]


def test_what_nir_lacks_is_named():
    with pytest.raises(InputError, match="expected a spiking circuit, found the rate circuit 'xor'"):
        to_nir(xor.circuit("rate"))
    circuit = expressible(xor.circuit())
    relay = circuit.inhibitory_projections[0].source
    with pytest.raises(InputError, match=f"readout '{relay}': expected neurons that send spikes, found silenced"):
        to_nir(silence(replace(circuit, readouts=[Readout(relay)])))
    for what, value in (("noise", 0.5e-3), ("refractory", 2e-3), ("reset_by_subtraction", True)):
        circuit = expressible(xor.circuit()).with_neurons(**{what: value})
        with pytest.raises(InputError, match=rf"population '\w+': expected no {what}, .* found {value}; .*LACKING"):
            to_nir(circuit)


def test_command(eisim, tmp_path):
    """AND by inhibition needs the interneuron to saturate, which it does by refractoriness: the loss is told."""
    done = eisim("export", "and_by_inhibition", "--to", "nir", "--out", tmp_path / "and.nir")
    assert done.returncode == 0, done.stderr
    assert "refractoriness (2 ms) and noise (0.5 mV) left out" in done.stderr
    assert "and decisions on 1 of them" in done.stderr and done.stderr.count("\n") == 1
    graph = nir.read(tmp_path / "and.nir")
    assert isinstance(graph.nodes["readout"], nir.LIF) and isinstance(graph.nodes["interneuron"], nir.CubaLIF)
    assert graph.metadata["left_out"] in done.stderr


@pytest.mark.parametrize(
    ("kind", "to", "name", "message"),
    [
        ("rate", "nir", "x.nir", "export: --kind: expected spiking for nir, found 'rate'"),
        ("spiking", "nir", "x.onnx", "export: --out: expected a name that ends in .nir, found 'x.onnx'"),
        ("rate", "torch", "x.onnx", "export: --out: expected a name that ends in .pt2, found 'x.onnx'"),
        ("rate", "onnx", "no/x.onnx", "no/x.onnx: cannot be written: No such file or directory"),
    ],
)
def test_what_cannot_be_exported(kind, to, name, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as caught:
        write_network(xor.circuit(kind), to, name)
    assert str(caught.value) == message
