"""NIR files whose outputs are potentials: of LI and CubaLI, of weighted sums, and of neurons that are not to fire."""

import json
from itertools import pairwise

import numpy as np
import pytest

from eisim import InputError, ablate, from_nir, simulate
from eisim.adapter.nir_reader import check_steps, read_nir

nir = pytest.importorskip("nir")
SIX, FOUR = np.ones(6), np.ones(4)


def graph(*last, seed=0):
    """Six neurons, and after them what is read."""
    rng = np.random.default_rng(seed)
    nodes = {
        "input": nir.Input(np.array([3])),
        "w": nir.Affine(rng.normal(size=(6, 3)), rng.normal(size=6) * 0.1),
        "n": nir.LIF(1e-3 * SIX, 9 * SIX, 0.2 * SIX, SIX),
        **{f"last{k}": node for k, node in enumerate(last)},
        "output": nir.Output(np.array([4])),
    }
    return nir.NIRGraph(nodes, [*pairwise(nodes)], type_check=False)


def affine(seed=1):
    rng = np.random.default_rng(seed)
    return nir.Affine(rng.normal(size=(4, 6)), rng.normal(size=4))


def potentials_of(network, values, steps):
    """Potentials of the readouts (steps × trials × outputs) at the end of the network's own steps."""
    n, names = steps + network.late + 1, [r.population for r in network.circuit.readouts]
    times = {"dt": network.dt, "duration": n * network.dt, "window": network.dt}
    asked = {name: ["v"] for name in names}
    response = simulate(network.circuit, network.stimuli(values), record=asked, backend="numpy", **times)
    found = np.concatenate([response.traces[name].v.values[0] for name in names], axis=1)
    assert not response.readouts.any()
    return np.moveaxis(found, -1, 0)[network.late + 1 :]


LAST = {
    "affine": [affine()],
    "delays": [nir.Delay(np.array([0, 1, 2, 3, 0, 1]) * 1e-4), affine()],
    "pooled": [nir.Linear(np.repeat(np.eye(3), 2, axis=1))],
    "LI": [affine(), nir.LI(2e-3 * FOUR, 3 * FOUR, 0.3 * FOUR)],
    "CubaLI": [affine(), nir.CubaLI(5e-4 * FOUR, 2e-3 * FOUR, 3 * FOUR, 0.3 * FOUR, 2 * FOUR)],
    "CubaLI that forgets": [affine(), nir.CubaLI(5e-4 * FOUR, 1e-4 * FOUR, 3 * FOUR, 0.3 * FOUR)],
    "LI after LI": [affine(), nir.LI(5e-4 * FOUR, 3 * FOUR, 0.3 * FOUR), nir.LI(2e-3 * FOUR, FOUR, FOUR)],
    "weighted LI": [affine(), nir.LI(5e-4 * FOUR, 3 * FOUR, 0.3 * FOUR), nir.Affine(np.eye(4) - 0.3, FOUR)],
}


@pytest.mark.parametrize("name", LAST)
def test_potentials_are_those_of_the_reference(name):
    network = read_nir(graph(*LAST[name]))
    values = np.random.default_rng(2).random((5, 3)) * 5
    expected = np.array([*network.reference().outputs(values for _ in range(40))])
    np.testing.assert_allclose(
        potentials_of(network, values, 40), expected, rtol=0, atol=1e-11 * np.abs(expected).max()
    )
    assert network.potentials and np.ptp(expected, axis=(0, 1)).max() > 0
    assert ablate(network.circuit).is_excitatory_only
    if name != "pooled":
        with pytest.raises(InputError, match="with the potentials of the graph"):
            check_steps(type(network)(**(vars(network) | {"circuit": ablate(network.circuit)})))


def test_exact_steps_of_a_filter():
    """Of NIR's own equations: a spike brings the area dt, and a weighted sum is that of the spikes of the step."""
    values, times = np.array([[2.0, 1.0, 3.0]]), {"duration": 4e-3, "window": 4e-3, "dt": 1e-4}
    for last in ("affine", "LI"):
        network = read_nir(graph(*LAST[last]), euler=False)
        weight, bias = LAST[last][0].weight, LAST[last][0].bias
        (name,) = (r.population for r in network.circuit.readouts)
        asked = {name: ["v"], "n": "spikes", "n_I": "spikes"}
        response = simulate(network.circuit, network.stimuli(values), record=asked, backend="numpy", **times)
        spikes = np.zeros((40, 6))
        for p in network.circuit.populations[:2]:  # a neuron with weights of one sign has no twin
            which = np.flatnonzero((weight * (1 if p.sign == "E" else -1) > 0).any(axis=0))
            assert len(which) == p.size
            spikes[response.spikes[p.name].step, which[response.spikes[p.name].neuron]] = 1
        v = np.zeros((40, 4))
        for k in range(1, 40):
            current = weight @ spikes[k - 2] * (k > 1) + bias  # what is fired in a step arrives in the next one
            if last == "affine":
                v[k] = current
            else:  # v relaxes to v_leak + R I with the spikes' current constant over the step
                v[k] = 0.3 + 3 * current + (v[k - 1] - 0.3 - 3 * current) * np.exp(-1e-4 / 2e-3)
        found = response.traces[name].v.values[0, 0].T
        assert spikes.sum() > 20
        np.testing.assert_allclose(found, v, rtol=0, atol=1e-11)


def test_last_neurons_that_are_not_to_fire():
    """As in snnTorch without a reset, whose export is a LIF."""
    torch, snn = pytest.importorskip("torch"), pytest.importorskip("snntorch")
    export = pytest.importorskip("snntorch.export_nir").export_to_nir
    torch.manual_seed(0)

    def leaky(n, **more):
        return snn.Leaky(beta=torch.full((n,), 0.9), threshold=torch.ones(n), init_hidden=True, **more)

    net = torch.nn.Sequential(torch.nn.Linear(12, 20), leaky(20), torch.nn.Linear(20, 5),
                              leaky(5, output=True, reset_mechanism="none"))  # fmt: skip
    with torch.no_grad():
        net[0].weight *= 4
    values, expected = torch.rand(10, 12), []
    net[1].reset_mem(), net[3].reset_mem()
    with torch.no_grad():
        for _ in range(30):
            expected.append(net(values)[1].double().numpy())
    file = export(net, values[:1], ignore_dims=[0])
    network = read_nir(file, reset="late subtraction", potentials=True)
    np.testing.assert_allclose(potentials_of(network, values.numpy(), 30), expected, atol=1e-5 * np.abs(expected).max())
    assert not read_nir(file, reset="late subtraction").potentials
    assert from_nir(file, potentials=True).populations[-1].size == 5


@pytest.mark.slow
def test_norse_potentials_at_its_own_step():
    norse, torch = pytest.importorskip("norse.torch"), pytest.importorskip("torch")
    torch.manual_seed(0)
    lif = {"tau_mem_inv": 100.0, "v_th": 0.3, "v_leak": 0.0, "v_reset": 0.0}
    li = {"tau_mem_inv": 200.0, "v_leak": 0.0}
    net = norse.SequentialState(
        torch.nn.Linear(8, 12),
        norse.LIFBoxCell(norse.LIFBoxParameters(**{k: torch.full((12,), x) for k, x in lif.items()})),
        torch.nn.Linear(12, 5),
        norse.LIBoxCell(norse.LIBoxParameters(**{k: torch.full((5,), x) for k, x in li.items()})),
    )
    values, state, expected = torch.rand(10, 8) * 4, None, []
    with torch.no_grad():
        for _ in range(40):
            out, state = net(values, state)
            expected.append(out.double().numpy())
    network = read_nir(norse.to_nir(net, values[:1]), dt=1e-6)
    found = potentials_of(network, values.numpy(), 40)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())
    assert np.ptp(expected, axis=0).min() > 0


@pytest.mark.slow
@pytest.mark.parametrize("name", ["LIFCell", "IAFCell"])
def test_norse_cells_whose_gain_the_file_lacks(name):
    """Their spikes are not scaled by a step: the gain is put into the graph."""
    norse, torch = pytest.importorskip("norse.torch"), pytest.importorskip("torch")
    torch.manual_seed(0)
    given = {"v_th": 0.3, "v_reset": 0.0}
    if name == "LIFCell":
        given |= {"tau_mem_inv": 100.0, "tau_syn_inv": 200.0, "v_leak": 0.0}
    kind = norse.LIFParameters if name == "LIFCell" else norse.IAFParameters
    cell = getattr(norse, name)(kind(**{k: torch.full((12,), x) for k, x in given.items()}))
    net, values, state, expected = norse.SequentialState(torch.nn.Linear(8, 12), cell), torch.rand(6, 8) * 4, None, []
    with torch.no_grad():
        for _ in range(40):
            out, state = net(values, state)
            expected.append(out.numpy())
    graph = norse.to_nir(net, values[:1])
    cell = graph.nodes["1"]
    if name == "LIFCell":
        cell.w_in = cell.tau_syn / 1e-6
    else:
        cell.r = cell.r / 1e-6
    network = read_nir(graph, dt=1e-6)
    np.testing.assert_array_equal([*network.reference().outputs(values.numpy() for _ in range(40))], expected)
    times = {"dt": network.dt, "duration": (40 + network.late) * network.dt, "window": 40 * network.dt}
    response = simulate(network.circuit, network.stimuli(values.numpy()), backend="numpy", **times)
    counts = response.readouts * 40 * network.dt
    np.testing.assert_allclose(counts, np.sum(expected, axis=0), atol=1e-6)
    assert np.sum(expected) > 100


def test_the_diagram_says_what_is_read():
    pytest.importorskip("matplotlib")
    from eisim.report.diagram import circuit_layout, static_dnn

    circuit = from_nir(graph(*LAST["LI"]))
    assert static_dnn(circuit) is None
    said = str(circuit_layout(circuit))
    assert "output: potential" in said and "50 Hz" not in said


def test_outputs_that_cannot_be_read_name_their_node():
    lif = nir.LIF(1e-3 * FOUR, 9 * FOUR, 0.2 * FOUR, FOUR)
    with pytest.raises(InputError, match="expected LIF or CubaLIF before the outputs, whose potentials"):
        from_nir(graph(affine(), nir.IF(FOUR, FOUR)), potentials=True)
    with pytest.raises(InputError, match="from_nir: potentials: expected True or False, found 'yes'"):
        from_nir(graph(affine(), lif), potentials="yes")
    both = graph(affine(), nir.LI(1e-3 * FOUR, FOUR, FOUR))
    both.nodes["spikes"] = nir.Output(np.array([6]))
    both.edges.append(("n", "spikes"))
    with pytest.raises(InputError, match="expected outputs that are all spikes or all potentials, found both"):
        from_nir(both)
    loop = graph(affine(), lif)
    loop.nodes["back"] = nir.Linear(np.eye(4))
    loop.edges += [("last1", "back"), ("back", "last1")]
    with pytest.raises(InputError, match="node 'last1': expected neurons that send to outputs alone"):
        from_nir(loop, potentials=True)
    slow = nir.LI(np.array([1, 1, 2, 2]) * 1e-3, FOUR, FOUR)
    with pytest.raises(InputError, match="node 'output': expected LI of one time constant onto a neuron, found sev"):
        from_nir(graph(affine(), slow, nir.Linear(np.ones((4, 4)))))


def vetoes(last=()):
    """Two neurons that veto each other's output, by weights of both signs after them."""
    two = np.ones(2)
    nodes = {
        "input": nir.Input(np.array([2])),
        "w": nir.Linear(np.eye(2) * 3),
        "n": nir.LIF(1e-3 * two, 10 * two, 0 * two, two),
        "w2": nir.Linear(np.array([[1.0, -1.0], [-1.0, 1.0]])),
        **{f"last{k}": node for k, node in enumerate(last)},
        "output": nir.Output(np.array([2])),
    }
    return nir.NIRGraph(nodes, [*pairwise(nodes)])


@pytest.mark.slow
@pytest.mark.parametrize("rule", [None, "max", "final"])
def test_command_reads_potentials(rule, tmp_path, eisim):
    two = np.ones(2)
    last = {None: [], "max": [nir.LI(1e-3 * two, two, 0 * two)], "final": [nir.LIF(1e-3 * two, two, 0 * two, two)]}
    nir.write(tmp_path / "net.nir", vetoes(last[rule]))
    rows = [f"{a / 10},{b / 10},{int(b > a)}" for a in range(1, 10, 4) for b in range(2, 10, 4)]
    (tmp_path / "rows.csv").write_text("\n".join(["a,b,larger", *rows]))
    words = ["--data", tmp_path / "rows.csv", "--target", "larger", "--levels", "3", "--backend", "numpy", "--json"]
    more = [] if rule is None else ["--readout", rule]
    done = eisim("ablate", tmp_path / "net.nir", *words, *more, "--steps", "20", "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    called = {None: "mean potential", "max": "largest potential", "final": "final potential"}[rule]
    assert found["readout"] == called and f"argmax of the {called}" in (tmp_path / "out" / "report.html").read_text()
    assert found["network_accuracy"] == found["spiking"]["accuracy"][0] > 0.8
    assert found["spiking"]["agreement"] == 1.0 and found["spiking"]["equivalence_error"] < 1e-9
    assert [each["seconds"] for each in found["spiking"]["intact_in_time"]] == pytest.approx(np.arange(1, 21) * 1e-4)
    if rule is None:
        done = eisim("ablate", tmp_path / "net.nir", *words, "--readout", "spikes")
        assert (
            done.returncode == 2 and "expected one of mean, max, final for outputs that are potentials" in done.stderr
        )
