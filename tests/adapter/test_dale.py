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
)
from eisim.adapter.activations import Identity, LeakyReLU, Tanh
from eisim.adapter.static import Layer
from eisim.functions import NAMED

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
    for f in NAMED.values():
        dnn = to_dnn(synthesize(f, kind="rate"))
        assert to_dnn(from_dnn(dnn))(f.patterns) == pytest.approx(dnn(f.patterns), abs=1e-9)


def test_what_cannot_be_mapped_is_named():
    with pytest.raises(InputError, match="from_dnn: expected a DNN, found 'net'"):
        from_dnn("net")
    dnn = to_dnn(synthesize(NAMED["xor"], kind="spiking"))
    with pytest.raises(InputError, match="layer 'coincidence_I1': expected an activation that rate units can have"):
        from_dnn(dnn)
