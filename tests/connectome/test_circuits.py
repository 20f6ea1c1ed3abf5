"""Circuits of connectomes: signs, twins, names, silencing; and spikes against a plain Brian2 script."""

import numpy as np
import pytest
from brian2 import Hz, ms, mV, second
from scipy import sparse

from eisim import (
    LIF,
    Circuit,
    Connectome,
    Input,
    InputError,
    Population,
    Projection,
    Saturating,
    ablate,
    load,
    save,
    simulate,
    to_dnn,
)
from eisim.connectome import shiu

NEURONS = ("A", "B", "C", "D", "E")
WIRES = {
    "excitatory": [("A", "B", 4), ("A", "C", 2), ("B", "D", 3), ("C", "D", 6), ("D", "D", 1)],
    "inhibitory": [("C", "D", 2), ("B", "C", 5), ("E", "D", 1)],
    "mixed": [("E", "B", 2)],
    "unknown": [("D", "E", 4)],
}


def matrix(wires):
    found = np.zeros((5, 5))
    for source, target, number in wires:
        found[NEURONS.index(source), NEURONS.index(target)] += number
    return found


def made(**more):
    kinds = {"classes": ("sensory", "", "", "motor", ""), "transmitters": ("ACh", "", "ACh/GABA", "", "GABA")}
    return Connectome("made", NEURONS, **kinds, **{part: matrix(wires) for part, wires in WIRES.items()}, **more)


def weights(circuit, sign):
    """Weights of synapses of one sign, by names of source and target; those onto twins must agree."""
    found = {}
    for p in circuit.projections:
        source, target = circuit.source(p), circuit.population(p.target)
        if isinstance(source, Input) or source.sign != sign:
            continue
        block = circuit.weights(p).tocoo()
        for j, k, weight in zip(*block.coords, block.data, strict=True):
            pair = source.labels[j], target.labels[k]
            assert found.setdefault(pair, weight) == weight
    return found


def test_signs_and_twins():
    connectome = made()
    assert connectome.signs.tolist() == [1, 2, 2, 1, -1]
    circuit = connectome.circuit(weight=0.5, inputs=["A"], readouts=["motor"])
    assert {p.name: p.labels for p in circuit.populations} == {
        "E": ("A", "B", "C"),
        "E to motor": ("D",),
        "I": ("B", "C", "E"),
    }
    for sign, part in (("E", "excitatory"), ("I", "inhibitory")):
        assert weights(circuit, sign) == {(a, b): 0.5 * n for a, b, n in WIRES[part]}
    assert connectome.where(circuit, ["C", "D"]) == {"C": (("E", 2), ("I", 1)), "D": (("E to motor", 0),)}
    response = simulate(circuit, [[1.0]], backend="numpy", record=True)
    for name in "BC":  # twins have the same rates at every step
        one, other = (response.traces[p][0, k] for p, k in connectome.where(circuit, name)[name])
        assert one.any() and np.array_equal(one, other)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, {"E": 0, "I": 0}),
        ({"unknown": "excitatory", "mixed": "inhibitory"}, {"E": 4, "I": 2}),
        ({"unknown": "both", "mixed": "both"}, {"E": 3, "I": 3}),
    ],
)
def test_what_synapses_without_a_sign_are_taken_for(options, expected):
    circuit = made().circuit(weight=1, inputs="A", readouts="D", **options)
    for sign, part in (("E", "excitatory"), ("I", "inhibitory")):
        assert sum(weights(circuit, sign).values()) == sum(n for *_, n in WIRES[part]) + expected[sign]


def test_shares():
    circuit = made().circuit(inputs="A", readouts="D")
    received = {k: 0.0 for k in NEURONS}
    for sign in "EI":
        for (_, target), weight in weights(circuit, sign).items():
            received[target] += weight
    assert received == pytest.approx({"A": 0, "B": 1, "C": 1, "D": 1, "E": 0})
    assert isinstance(circuit.population("E").neuron, Saturating)


def test_entries_of_inputs_and_readouts():
    connectome = made()
    circuit = connectome.circuit(inputs=["class:sensory", ["B", "E"]], readouts=[["E", "A"], "D"], rate=50 * Hz)
    assert [i.name for i in circuit.inputs] == ["class:sensory", "B+E"] and circuit.inputs[0].rate == 50
    assert connectome.outputs(circuit) == ("A", "E", "D")
    rates = simulate(circuit, [[1, 0], [0, 1]], duration=20e-3, window=1e-3, backend="numpy")
    a, e, d = rates.readouts.T
    assert a[0] > 20 > a[1] == 0 and e[1] > 20 > e[0] == 0 and d[0] > 0


def test_populations_by_transmitter():
    circuit = made().circuit(weight=1, inputs="A", readouts="D", by="transmitter")
    assert {p.cell_type for p in circuit.populations} == {"", "ACh", "ACh/GABA", "GABA"}
    left = ablate(circuit, cell_types=["GABA"])
    assert weights(circuit, "I").keys() - weights(left, "I").keys() == {("E", "D")}
    by_class = made().circuit(inputs="A", readouts="D", by="class")
    assert {p.cell_type for p in by_class.populations} == {"", "sensory", "motor"}


def test_silencing():
    connectome = made(gap_junctions=matrix([("A", "B", 1), ("B", "A", 1), ("A", "C", 1), ("C", "A", 1)]))
    circuit = connectome.circuit(weight=1, gap_junctions="omitted", inputs="A", readouts="D")
    quiet = connectome.silence(circuit, "C")
    assert {pair for sign in "EI" for pair in weights(circuit, sign).keys() - weights(quiet, sign).keys()} == {
        ("C", "D")
    }
    assert not any(p.silenced for p in quiet.populations)
    none = connectome.silence(circuit, ["C"], ways="both")
    gone = {pair for sign in "EI" for pair in weights(circuit, sign).keys() - weights(none, sign).keys()}
    assert gone == {("C", "D"), ("A", "C"), ("B", "C")}
    assert {p.name: p.silenced for p in none.populations} == {"E": (2,), "I": (1,), "E to D": ()}
    stimuli = [[0.5], [1.0]]
    one, other, intact = (
        r.readouts for r in simulate([quiet, none, circuit], stimuli, duration=50e-3, window=10e-3, backend="numpy")
    )
    assert np.array_equal(one, other) and not np.array_equal(one, intact)
    with pytest.raises(InputError, match="ways: expected one of outgoing, both"):
        connectome.silence(circuit, "C", ways="all")
    with pytest.raises(InputError, match="expected neurons of circuit 'part', found 'C'"):
        part = Connectome("part", ("A", "D"), excitatory=[[0, 1], [0, 0]]).circuit(inputs="A", readouts="D")
        connectome.silence(part, "C")


def coupled():
    """A drawn connectome with neurons of both signs and gap junctions between all kinds."""
    rng = np.random.default_rng(3)

    def counts(share):
        return rng.integers(1, 5, (12, 12)) * (rng.random((12, 12)) < share)

    junctions = np.triu(counts(0.4), 1)
    wires = {"excitatory": counts(0.3), "inhibitory": counts(0.2), "gap_junctions": junctions + junctions.T}
    return Connectome("coupled", [f"n{k}" for k in range(12)], **wires)


def test_gap_junctions_couple_neurons_of_any_sign():
    """Rates of neurons and of their twins are those of one equation for each neuron, at every step."""
    connectome = coupled()
    assert connectome.counts["neurons_of_both_signs"] > 2
    with pytest.raises(InputError, match="gap_junctions: expected the conductance of one, or 'omitted'"):
        connectome.circuit(inputs="n0", readouts="n5")
    circuit = connectome.circuit(inputs=["n0", "n3"], readouts=["n5", "n7"], gap_junctions=0.05)
    signed = connectome.excitatory.toarray() - connectome.inhibitory.toarray()
    received = (connectome.excitatory + connectome.inhibitory).toarray().sum(axis=0)
    weights, conductances = signed / np.maximum(received, 1), 0.05 * connectome.gap_junctions.toarray()
    rates, drive, expected = np.zeros(12), np.zeros(12), []
    drive[[0, 3]] = 100, 50
    for _ in range(80):
        through = (conductances * (rates[:, None] - rates)).sum(axis=0)
        rates = rates + 0.1 * (np.clip(rates @ weights + drive, 0, 100) - rates + through)
        expected.append(rates)
    times = {"dt": 1e-3, "duration": 80e-3, "window": 10e-3}
    response = simulate(circuit, [[1.0, 0.5]], record=True, backend="numpy", **times)
    for p in circuit.populations:
        numbers = [int(label[1:]) for label in p.labels]
        np.testing.assert_allclose(response.traces[p.name][0], np.array(expected).T[numbers], rtol=1e-12, atol=1e-12)
    dnn = to_dnn(circuit, unrolled=True, **times)
    np.testing.assert_allclose(dnn([[1.0, 0.5]]), response.readouts, rtol=1e-12)
    with pytest.raises(InputError, match="expected gap junctions among its own neurons"):
        circuit.to_brian2()
    with pytest.raises(InputError, match="gap junctions"):
        to_dnn(circuit)
    with pytest.raises(InputError, match="expected 'omitted', since spiking circuits have them within populations"):
        pair = Connectome("pair", ["A", "B"], excitatory=[[0, 1], [0, 0]], gap_junctions=[[0, 1], [1, 0]])
        pair.circuit("spiking", inputs="A", readouts="B", gap_junctions=0.05)


def test_silenced_both_ways_a_neuron_has_no_gap_junctions():
    connectome = coupled()
    circuit = connectome.circuit(inputs="n0", readouts="n5", gap_junctions=0.05)
    names = ["n1", "n2"]
    part = connectome.only([name for name in connectome.neurons if name not in names])
    weight = {"weight": 0.1, "gap_junctions": 0.05}  # shares would change with what is left
    circuit = connectome.circuit(inputs="n0", readouts="n5", **weight)
    without = part.circuit(inputs="n0", readouts="n5", **weight)
    outgoing, both = (connectome.silence(circuit, names, ways=ways) for ways in ("outgoing", "both"))
    circuits, times = [both, without, outgoing], {"dt": 1e-3, "duration": 60e-3, "window": 1e-3}
    found, expected, other = (r.readouts for r in simulate(circuits, [[1.0]], backend="numpy", **times))
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert found.any() and not np.allclose(found, other)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"gap_junctions_from": 3}, "expected a dict"),
        ({"gap_junctions_from": {"B": [[1, 2]]}}, r"expected shape \(2, 2\)"),
        ({"gap_junctions_from": {"B": [[1], [2]]}}, "expected 2 columns"),
        ({"gap_junctions_from": {"B": [[-1, 0], [0, 0]]}}, "0 or more"),
        ({"gap_junctions_from": {"Z": [[1, 0], [0, 1]]}}, "expected one of 'A', 'B', 'C', found 'Z'"),
        ({"gap_junctions_from": {"C": [[1, 0], [0, 1]]}}, "Saturating units with gap junctions of their own"),
        ({"gap_junctions_from": {"A": [[1, 0], [0, 1]]}, "neuron": LIF()}, "expected rate units, found LIF"),
    ],
)
def test_bad_gap_junctions_between_populations(changes, words):
    one, pair = sparse.eye_array(2), {"neuron": Saturating(), "size": 2}
    with pytest.raises(InputError, match=words):
        Circuit(
            "bad",
            [Input("x")],
            [
                Population("A", "E", **pair | changes),
                Population("B", "I", gap_junctions_from={"A": one}, **pair),
                Population("C", "I", **pair),
            ],
            [],
        )


def test_finding_neurons():
    connectome = made()
    assert connectome.find(["motor", "B", "gaba", "A", 1]).tolist() == [3, 1, 4, 0]
    assert connectome.find("sign:both").tolist() == [1, 2] and connectome.find("sign:-").tolist() == [4]
    for wrong, words in (
        ("motr", "did you mean 'motor'"),
        ("class:GABA", "expected a class"),
        ("sign:0", "sign: expected one of"),
        (5, "neurons from 0 to 4, found 5"),
        (True, "found True"),
        (None, "found None"),
        ([["A"]], "found"),
        ("", "found ''$"),
    ):
        with pytest.raises(InputError, match=words):
            connectome.find(wrong)
    with pytest.raises(InputError, match=r"only: expected a selection with neurons, found \[\]"):
        connectome.only([])
    part = connectome.only(["D", "A"])
    assert part.neurons == ("A", "D") and part.classes == ("sensory", "motor") and part.excitatory.nnz == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"kind": "graded"}, "kind: expected 'rate' or 'spiking'"),
        ({"neuron": LIF()}, "neuron: expected a rate unit"),
        ({"kind": "spiking", "neuron": Saturating()}, "neuron: expected a spiking neuron"),
        ({"weight": -1}, "weight: expected 0 or more"),
        ({"weight": "equal"}, "a weight or 'share'"),
        ({"weight": 0.3 * mV}, "weight"),
        *(({"weight": each}, "weight: expected finite numbers") for each in (np.nan, np.inf, -np.inf)),
        *(({"weight": each}, "weight: expected a plain number") for each in ({}, object(), [1, 2])),
        ({"weight": np.ma.array(1.0, mask=True)}, "weight: expected numbers, found masked ones"),
        *(({"gap_junctions": each}, "gap_junctions: expected") for each in ("x", -1, np.nan, [1], 5 * mV, {})),
        ({"kind": "spiking", "gap_junctions": "x"}, "gap_junctions: expected a conductance or 'omitted'"),
        ({"weight": "share", "kind": "spiking"}, "weight: expected a voltage"),
        ({"inputs": []}, "inputs: expected at least one"),
        ({"inputs": ["Z"]}, "inputs: expected a neuron"),
        ({"inputs": [[]]}, "inputs: expected entries with neurons"),
        ({"readouts": ["D", "motor"]}, "without a neuron in common"),
        ({"unknown": "guess"}, "unknown: expected one of omitted, excitatory, inhibitory, both"),
        ({"by": "size"}, "by: expected one of transmitter, class"),
        ({"kind": "spiking", "inputs": ["B"]}, "send synapses of one sign, found 'B'"),
        ({"kind": "spiking", "neuron": LIF(), "weight": 1 * mV}, "drive: expected the weight of an input onto LIF"),
    ],
)
def test_bad_arguments(options, words):
    with pytest.raises(InputError, match=words):
        made().circuit(**{"inputs": ["A"], "readouts": ["D"]} | options)


@pytest.mark.parametrize("wrong", [None, 5, "circuit", []])
def test_what_is_no_circuit(wrong):
    for name, ask in (("silence", made().silence), ("where", made().where)):
        with pytest.raises(InputError, match=f"{name}: expected a Circuit, found"):
            ask(wrong, "A")


def test_one_neuron_alone():
    alone = Connectome("alone", ["A"])
    for kind in ("rate", "spiking"):
        circuit = alone.circuit(kind, inputs="A", readouts="A")
        assert circuit.populations[0].labels == ("A",) and not len(alone.find([]))
    assert simulate(alone.circuit(inputs="A", readouts="A"), [[1.0]], backend="numpy").readouts[0, 0] > 50


def test_labels_are_saved(tmp_path):
    circuit = made().circuit(inputs="A", readouts="D")
    save(circuit, tmp_path / "circuit.eisim")
    again = load(tmp_path / "circuit.eisim")
    assert [p.labels for p in again.populations] == [p.labels for p in circuit.populations]
    with pytest.raises(InputError, match="labels: expected 3 different names"):
        circuit.populations[0].__class__("E", "E", Saturating(), 3, labels=("A", "B"))


def test_the_default_drive_makes_a_spike_of_each_event():
    connectome = made().only(["A", "D"])
    circuit = connectome.circuit("spiking", weight=0.3 * mV, inputs="A", readouts="D")
    driven = circuit.population("E from A")
    drive = next(p for p in circuit.projections if p.source == "A")
    assert drive.weights.weight == pytest.approx(75e-3) and drive.receptor == "v"
    assert driven.neuron.refractory == 0 and circuit.population("E to D").neuron == shiu()
    response = simulate(circuit, [[0.0], [1.0]], seed=[0, 1], duration=0.2, window=0.2, backend="numpy")
    rates = response.rates["E from A"][..., 0]
    assert not rates[:, 0].any() and ((rates[:, 1] > 90) & (rates[:, 1] < 220)).all()


def network(n, m, seed):
    """Neurons and synapses with the columns of Shiu et al.: sources, targets, counts and signs."""
    rng = np.random.default_rng(seed)
    pre, post, counts = rng.integers(n, size=m), rng.integers(n, size=m), rng.integers(1, 40, size=m)
    return pre, post, counts, np.where(rng.random(n) < 0.7, 1, -1)[pre]


def plain_spikes(n, edges, driven, spikes, silenced, duration):
    """What a plain Brian2 script of the equations of the model makes of spikes as its input: neurons and steps."""
    import brian2 as b2

    pre, post, counts, signs = edges
    values = {"v_0": -52 * mV, "v_rst": -52 * mV, "v_th": -45 * mV, "t_mbr": 20 * ms, "tau": 5 * ms}
    neurons = b2.NeuronGroup(
        n,
        """dv/dt = (v_0 - v + g) / t_mbr : volt (unless refractory)
        dg/dt = -g / tau : volt (unless refractory)
        t_ref : second""",
        method="linear",
        threshold="v > v_th",
        reset="v = v_rst; g = 0 * mV",
        refractory="t_ref",
        namespace=values,
    )
    neurons.v, neurons.t_ref = -52 * mV, 2.2 * ms
    neurons.t_ref[driven] = 0 * ms
    synapses = b2.Synapses(neurons, neurons, "w : volt", on_pre="g += w", delay=1.8 * ms)
    synapses.connect(i=pre, j=post)
    synapses.w = counts * signs * 0.275 * mV
    for neuron in silenced:
        synapses.w[np.flatnonzero(pre == neuron)] = 0 * mV
    source = b2.SpikeGeneratorGroup(len(driven), *spikes)
    onto = b2.Synapses(source, neurons, on_pre="v += 250*0.275*mV")
    onto.connect(i=np.arange(len(driven)), j=driven)
    monitor = b2.SpikeMonitor(neurons)
    b2.Network(neurons, synapses, source, onto, monitor).run(duration)
    steps = np.round(np.array(monitor.t_) / 1e-4).astype(int)
    return set(zip(np.array(monitor.i).tolist(), steps.tolist(), strict=True))


def with_spikes(circuit, connectome, driven, spikes):
    """The circuit with given spikes of each driven neuron in place of Poisson ones."""
    names = [connectome.neurons[k] for k in driven]
    projections = [p for p in circuit.projections if not isinstance(circuit.source(p), Input)]
    for p in circuit.populations:
        hit = [(k, p.labels.index(name)) for k, name in enumerate(names) if name in p.labels]
        if hit:
            rows, columns = zip(*hit, strict=True)
            block = sparse.csr_array((np.full(len(hit), 250 * 0.275e-3), (rows, columns)), shape=(len(names), p.size))
            projections.append(Projection("given", p.name, block, receptor="v"))
    return Circuit(
        "given", [Input("given", len(names), spikes=spikes)], circuit.populations, projections, circuit.readouts
    )


@pytest.mark.parametrize("silenced", [(), tuple(range(30, 130))], ids=["intact", "silenced"])
def test_spikes_of_a_plain_script(tmp_path, silenced, monkeypatch):
    """A made network of 2,000 neurons, read from a file with the columns of Shiu et al., spikes as a plain script."""
    import brian2 as b2
    import pandas

    from eisim import read_connectome

    monkeypatch.setitem(b2.prefs, "codegen.target", "numpy")
    n, driven, duration = 2000, np.arange(20), 60 * ms
    pre, post, counts, signs = edges = network(n, 60_000, 1)
    columns = {"Presynaptic_Index": pre, "Postsynaptic_Index": post, "Connectivity": counts, "Excitatory": signs}
    pandas.DataFrame(columns | {"Excitatory x Connectivity": counts * signs}).to_csv(tmp_path / "made.csv", index=False)
    connectome = read_connectome(tmp_path / "made.csv")
    assert connectome.n_neurons == n and connectome.n_synapses == counts.sum()
    rng = np.random.default_rng(2)
    steps = np.concatenate([np.sort(rng.choice(600, 12, replace=False)) for _ in driven])
    spikes = np.repeat(driven, 12), steps * 0.1e-3 * second
    circuit = connectome.circuit("spiking", inputs=[driven.tolist()], readouts=["1000"])
    circuit = with_spikes(circuit, connectome, driven, spikes)
    if silenced:
        circuit = connectome.silence(circuit, silenced)
    response = simulate(circuit, np.ones((1, 20)), duration=duration, window=duration, record=True, backend="numpy")
    found = {
        (int(p.labels[neuron]), int(step))
        for p in circuit.populations
        for neuron, step in zip(response.spikes[p.name].neuron, response.spikes[p.name].step, strict=True)
    }
    expected = plain_spikes(n, edges, driven, spikes, silenced, duration)
    assert found == expected and len({neuron for neuron, _ in found}) > 60


@pytest.mark.slow
def test_compiled_spikes_of_a_larger_network():
    """10,000 neurons and 400,000 connections: the same spikes in C++ and NumPy, intact and silenced, in one batch."""
    n, m = 10_000, 400_000
    pre, post, counts, signs = network(n, m, 4)
    parts = {
        part: sparse.coo_array((counts * (signs == sign), (pre, post)), shape=(n, n))
        for part, sign in (("excitatory", 1), ("inhibitory", -1))
    }
    connectome = Connectome("made", [str(k) for k in range(n)], **parts)
    circuit = connectome.circuit("spiking", inputs=[list(range(100))], readouts=[n - 1])
    circuits = [circuit, connectome.silence(circuit, range(100, 2000))]
    times = {"duration": 50e-3, "window": 50e-3, "record": True}
    found = {backend: simulate(circuits, [[1.0]], backend=backend, **times) for backend in ("cpp", "numpy")}
    for one, other in zip(*found.values(), strict=True):
        for p in circuit.populations:
            for part in ("neuron", "step"):
                assert np.array_equal(getattr(one.spikes[p.name], part), getattr(other.spikes[p.name], part))
    intact, silenced = (sum(len(r.spikes[p.name].step) for p in circuit.populations) for r in found["cpp"])
    assert intact > 1000 and silenced != intact
