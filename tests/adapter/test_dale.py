"""DNNs as circuits under Dale's law: the same map, whatever the signs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from eisim import (
    DNN,
    InputError,
    Logistic,
    Saturating,
    Step,
    ThresholdLinear,
    ablate,
    decode,
    from_dnn,
    on_off,
    simulate,
    synthesize,
    to_dnn,
    to_spiking,
)
from eisim.adapter.activations import Identity, LeakyReLU, Tanh
from eisim.adapter.static import Layer
from eisim.functions import TRUTH_TABLES

ACTIVATIONS = [
    ThresholdLinear(),
    ThresholdLinear(threshold=0.3, gain=2.0),
    Saturating(maximum=6.0),
    Logistic(slope=1.0, maximum=1.0),
    Tanh(),
    LeakyReLU(0.1),
    LeakyReLU(-1.0),
    Identity(),
]


@st.composite
def networks(draw):
    """Feed-forward networks with skip connections and any of the activations."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    sizes = draw(st.lists(st.integers(1, 7), min_size=2, max_size=5))
    names = ["x", *(f"layer{k}" for k in range(1, len(sizes)))]
    layers = []
    for k in range(1, len(sizes)):
        sources = {k - 1} | draw(st.sets(st.integers(0, k - 1)))
        weights = {j: rng.normal(size=(sizes[j], sizes[k])) * (rng.random((sizes[j], sizes[k])) < 0.8) for j in sources}
        incoming = tuple((names[j], sparse.csr_array(w)) for j, w in weights.items())
        layers.append(
            Layer(names[k], sizes[k], incoming, rng.normal(size=sizes[k]), draw(st.sampled_from(ACTIVATIONS)))
        )
    return DNN((("x", sizes[0], 1.0),), tuple(layers), ((names[-1], 0.0),), recurrent=False, name="drawn")


@pytest.mark.slow
@settings(max_examples=200)
@given(networks())
def test_round_trip(dnn):
    x = np.random.default_rng(0).normal(size=(20, dnn.inputs[0][1]))
    circuit = from_dnn(dnn, signed_inputs=True)
    again = to_dnn(circuit)
    assert decode(dnn, again(on_off(x))) == pytest.approx(dnn(x), abs=1e-9)
    positive = np.abs(x)
    assert decode(dnn, to_dnn(from_dnn(dnn))(positive)) == pytest.approx(dnn(positive), abs=1e-9)
    assert again.is_nonnegative == circuit.is_excitatory_only
    assert to_dnn(ablate(circuit)).is_nonnegative


@pytest.mark.slow
@settings(max_examples=5)
@given(networks())
def test_simulated(dnn):
    x = np.random.default_rng(0).normal(size=(5, dnn.inputs[0][1]))
    circuit = from_dnn(dnn, signed_inputs=True)
    response = simulate(circuit, on_off(x), duration=0.6, window=0.05, dt=0.5e-3, backend="numpy")
    assert decode(dnn, response.readouts) == pytest.approx(dnn(x), abs=1e-6)


def test_only_what_needs_it_gets_inhibition():
    weights = sparse.csr_array([[1.0, -1.0], [2.0, 3.0]])
    dnn = DNN(
        (("x", 2, 1.0),), (Layer("y", 2, (("x", weights),), np.zeros(2), ThresholdLinear()),), (("y", 0.0),), False
    )
    circuit = from_dnn(dnn)
    assert [(p.name, p.sign, p.size) for p in circuit.populations] == [("x_I", "I", 1), ("y", "E", 2)]
    positive = DNN(
        (("x", 2, 1.0),), (Layer("y", 2, (("x", abs(weights)),), np.zeros(2), Step()),), (("y", 0.0),), False
    )
    assert from_dnn(positive).n_inhibitory == 0


def test_circuits_come_back_as_circuits():
    for f in TRUTH_TABLES.values():
        dnn = to_dnn(synthesize(f, kind="rate"))
        assert to_dnn(from_dnn(dnn))(f.patterns) == pytest.approx(dnn(f.patterns), abs=1e-9)


def test_what_cannot_be_mapped_is_named():
    with pytest.raises(InputError, match="from_dnn: expected a DNN, found 'net'"):
        from_dnn("net")
    dnn = to_dnn(synthesize(TRUTH_TABLES["xor"], kind="spiking"))
    with pytest.raises(InputError, match="layer 'coincidence_I1': expected an activation that rate units can have"):
        from_dnn(dnn)


def layer(name, incoming, bias, activation):
    weights = tuple((source, sparse.csr_array(np.array(matrix, dtype=float))) for source, matrix in incoming.items())
    return Layer(name, len(bias), weights, np.array(bias, dtype=float), activation)


def dnn_of(*layers, inputs=2, outputs=None):
    named = tuple((name, 0.0) for name in outputs or (layers[-1].name,))
    return DNN((("x", inputs, 1.0),), layers, named, recurrent=False, name="net")


def test_a7_recurrent_network_that_keeps_dales_law_has_its_own_inhibitory_neurons_alone():
    """51 E and 13 I units over 40 steps; those of the last step are read out, so of its I units nothing is."""
    excitatory, inhibitory, steps, rng = 51, 13, 40, np.random.default_rng(0)
    n = excitatory + inhibitory
    signs = np.repeat([1.0, -1.0], [excitatory, inhibitory])
    w_in, w = rng.random((2, n)), signs[:, None] * rng.random((n, n)) / n
    layers = []
    for k in range(steps):
        mine = np.zeros((2 * steps, n))
        mine[2 * k : 2 * k + 2] = w_in
        before = {f"h{k - 1}": w} if k else {}
        layers.append(layer(f"h{k}", {"x": mine, **before}, rng.random(n) / 10, ThresholdLinear()))
    read = np.concatenate([rng.random((excitatory, 3)), np.zeros((inhibitory, 3))])
    dnn = dnn_of(*layers, layer("out", {f"h{steps - 1}": read}, np.zeros(3), Identity()), inputs=2 * steps)
    circuit = from_dnn(dnn)
    assert circuit.n_inhibitory == inhibitory * (steps - 1)
    assert circuit.n_readouts == 3 and "out_off" not in {p.name for p in circuit.populations}
    x = rng.random((5, 2 * steps))
    assert decode(dnn, to_dnn(circuit)(x)) == pytest.approx(dnn(x), abs=1e-9)


@pytest.mark.parametrize("activation", [Identity(), LeakyReLU(0.1), LeakyReLU(-1.0), Tanh(), Logistic(slope=1.0)])
@pytest.mark.parametrize("last", [Identity(), LeakyReLU(0.1)])
def test_a7_no_off_channel_that_cannot_fire(activation, last):
    weights = np.random.default_rng(1).random((2, 3))
    dnn = dnn_of(
        layer("h", {"x": weights}, [0.0, 0.1, 2.0], activation),
        layer("out", {"h": weights.T, "x": np.eye(2)}, [0.0, 0.3], last),
    )
    circuit = from_dnn(dnn)
    assert circuit.n_inhibitory == 0 and not [p.name for p in circuit.populations if p.name.endswith("_off")]
    x = np.random.default_rng(2).random((20, 2))
    assert decode(dnn, to_dnn(circuit)(x)) == pytest.approx(dnn(x), abs=1e-9)
    signed = from_dnn(dnn, signed_inputs=True)  # where inputs can be negative outputs can, too
    assert signed.n_readouts == (4 if last in (Identity(), LeakyReLU(0.1)) else 2)
    assert decode(dnn, to_dnn(signed)(on_off(x - 0.5))) == pytest.approx(dnn(x - 0.5), abs=1e-9)


def test_a7_channels_are_left_out_unit_by_unit():
    """Of three linear outputs one is never negative, one never positive, and one has both signs."""
    out = layer("out", {"x": [[1.0, -1, 1], [2, -2, -1]]}, [0.5, -0.5, 0.0], Identity())
    other = layer("other", {"x": [[1.0], [1]]}, [0.0], Identity())
    dnn = dnn_of(out, other, outputs=("out", "other"))
    circuit = from_dnn(dnn)
    assert {p.name: p.size for p in circuit.populations} == {"x_I": 2, "out": 3, "out_off": 2, "other": 1}
    matrix = {p.name: circuit.weights(p).toarray().tolist() for p in circuit.projections}
    assert matrix["x_I->out"] == [[0, 0, 0], [0, 0, 1]]  # nothing is inhibited to keep silent what cannot fire
    assert matrix["x_I->out_off"] == [[0, 1], [0, 0]]
    x = np.random.default_rng(3).random((20, 2))
    rates = to_dnn(circuit)(x)
    assert decode(dnn, rates) == pytest.approx(dnn(x), abs=1e-9)
    simulated = simulate(circuit, x, duration=0.2, window=0.01, dt=1e-3, backend="numpy").readouts
    assert decode(dnn, simulated) == pytest.approx(dnn(x), abs=1e-6)
    every = np.concatenate(
        [np.maximum(dnn(x)[:, :3], 0), np.maximum(-dnn(x)[:, :3], 0), dnn(x)[:, 3:], 0 * x[:, :1]], 1
    )
    assert decode(dnn, every) == pytest.approx(dnn(x), abs=1e-9)  # a circuit that an older version saved
    with pytest.raises(InputError, match=r"decode: expected rates of 6 readouts for each trial, found \(20, 5\)"):
        decode(dnn, rates[:, :5])


def test_a7_units_that_no_readout_depends_on_are_left_out():
    dnn = dnn_of(
        layer("h", {"x": [[1.0, -1, 1, 1], [1, -1, -1, 0]]}, [0.0, -0.1, 0.0, 0.0], ThresholdLinear()),  # h[1] is dead
        layer("aside", {"h": [[1.0], [-1], [1], [1]]}, [0.0], Tanh()),
        layer("g", {"h": [[1.0, 0], [-1, 0], [0, -1], [0, 0]]}, [0.0, 1.0], ThresholdLinear()),
        layer("out", {"g": [[1.0], [0]]}, [0.0], ThresholdLinear()),  # g[1] has no weight, so h[2] has no effect
    )
    circuit = from_dnn(dnn)
    assert {p.name: p.size for p in circuit.populations} == {"h": 1, "g": 1, "out": 1}
    x = np.random.default_rng(4).random((20, 2))
    assert to_dnn(circuit)(x) == pytest.approx(dnn(x), abs=1e-9)


def test_a7_a_silent_unit_that_ablation_would_unmask_stays():
    """Inhibition holds it below threshold for every input; without inhibition it fires."""
    dnn = dnn_of(
        layer("gate", {"x": [[1.0], [1]]}, [0.0], Logistic(slope=1.0, maximum=1.0)),  # at least 1/2
        layer("h", {"gate": [[-1.0]]}, [0.4], ThresholdLinear()),
        layer("out", {"h": [[1.0]], "x": [[1.0], [0]]}, [0.0], ThresholdLinear()),
    )
    circuit = from_dnn(dnn)
    x = np.random.default_rng(5).random((20, 2))
    assert to_dnn(circuit)(x) == pytest.approx(x[:, :1]) == dnn(x)
    assert to_dnn(ablate(circuit))(x) == pytest.approx(x[:, :1] + 0.4)


@st.composite
def one_signed_networks(draw):
    """Networks whose weights and biases are mostly of one sign, so that many channels cannot fire."""
    dnn = draw(networks())
    share = draw(st.sampled_from([0.0, 0.05, 0.3]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))

    def mostly(values):
        return np.where(rng.random(values.shape) < share, -1, 1) * np.abs(values)

    layers = [
        Layer(
            each.name,
            each.size,
            tuple((source, sparse.csr_array(mostly(matrix.toarray()))) for source, matrix in each.incoming),
            mostly(each.bias) * (rng.random(each.size) < 0.5),
            each.neuron,
        )
        for each in dnn.layers
    ]
    outputs = tuple((each.name, 0.0) for each in layers[-2:])
    return DNN(dnn.inputs, tuple(layers), outputs, recurrent=False, name="drawn")


@pytest.mark.slow
@settings(max_examples=100)
@given(one_signed_networks())
def test_a7_what_is_left_out_changes_nothing(dnn):
    x = np.random.default_rng(0).exponential(size=(20, dnn.inputs[0][1]))
    circuit = from_dnn(dnn)
    assert decode(dnn, to_dnn(circuit)(x)) == pytest.approx(dnn(x), abs=1e-9, rel=1e-12)
    mixed = x * np.where(np.random.default_rng(1).random(x.shape) < 0.5, -1, 1)
    both = to_dnn(from_dnn(dnn, signed_inputs=True))(on_off(mixed))
    assert decode(dnn, both) == pytest.approx(dnn(mixed), abs=1e-9, rel=1e-12)
    reached = {readout.population for readout in circuit.readouts}
    for p in reversed(circuit.populations):  # everything that is there reaches a readout
        reached |= {q.source for q in circuit.projections if q.target in reached and circuit.weights(q).nnz}
        assert p.name in reached


COLLISIONS = {
    "a twin": ([("a", ThresholdLinear()), ("a_I", ThresholdLinear()), ("b", ThresholdLinear())], False),
    "a relay": ([("x_I", ThresholdLinear()), ("b", ThresholdLinear())], False),
    "an OFF input": ([("x_off", ThresholdLinear()), ("b", ThresholdLinear())], True),
    "an OFF channel": ([("a", Identity()), ("a_off", ThresholdLinear()), ("b", Identity())], False),
    "a twin of it": ([("a", Identity()), ("a_off_I", ThresholdLinear()), ("b", LeakyReLU(0.1))], True),
    "parts": ([("b_parts", ThresholdLinear()), ("b", Saturating(maximum=6.0))], False),
}


@pytest.mark.parametrize("name", COLLISIONS)
def test_c7_layers_named_as_parts_of_a_circuit(name):
    given, signed = COLLISIONS[name]
    rng, layers, source = np.random.default_rng(3), [], "x"
    for layer, unit in given:
        layers.append(Layer(layer, 3, ((source, sparse.csr_array(rng.normal(size=(3, 3)))),), rng.normal(size=3), unit))
        source = layer
    dnn = DNN((("x", 3, 1.0),), tuple(layers), ((source, 0.0),), recurrent=False, name="net")
    x = rng.normal(size=(8, 3)) if signed else rng.random((8, 3))
    stimuli, circuit = on_off(x) if signed else x, from_dnn(dnn, signed_inputs=signed)
    assert decode(dnn, to_dnn(circuit)(stimuli)) == pytest.approx(dnn(x), abs=1e-9)
    assert {layer for layer, _ in given} <= {p.name for p in circuit.populations}
    assert to_spiking(circuit, stimuli).kind == "spiking"


def test_c7_two_layers_of_one_name_are_refused():
    one = Layer("a", 3, (("x", sparse.eye_array(3, format="csr")),), np.zeros(3), ThresholdLinear())
    dnn = DNN((("x", 3, 1.0),), (one, one), (("a", 0.0),), recurrent=False, name="net")
    with pytest.raises(InputError, match="expected inputs and layers of different names, found 'a' twice"):
        from_dnn(dnn)
