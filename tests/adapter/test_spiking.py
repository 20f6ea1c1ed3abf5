"""Spiking circuits of rate circuits: the same map, by f-I curves alone, and no inhibition that was not there."""

import itertools

import numpy as np
import pytest
from scipy import sparse

from eisim import decode, from_dnn, simulate, to_dnn, to_spiking
from eisim.adapter.activations import Tanh
from eisim.adapter.spiking import parts_of
from eisim.adapter.static import DNN, Layer
from eisim.base.errors import InputError
from eisim.neurons import Logistic, Saturating, Step, ThresholdLinear

BOUNDED = [Saturating(gain=0.8, threshold=-0.2, maximum=2), Logistic(threshold=-0.3, slope=0.5, maximum=2)]


def perceptron(unit, seed, sizes=(6, 8, 3), lowest=-1.0):
    """A drawn perceptron with weights from `lowest` to 1."""
    rng, layers, before = np.random.default_rng(seed), [], "x"
    for k, (n, m) in enumerate(itertools.pairwise(sizes)):
        weights = sparse.csr_array(rng.uniform(lowest, 1, (n, m)))
        layers.append(Layer(f"h{k}", m, ((before, weights),), rng.normal(0, 0.3, m), unit))
        before = f"h{k}"
    return DNN((("x", sizes[0], 1.0),), tuple(layers), ((before, 0.5),), False, "drawn")


@pytest.mark.parametrize("unit", BOUNDED, ids=lambda unit: type(unit).__name__)
def test_parts_of_a_bounded_unit_add_up_to_its_activation(unit):
    parts = parts_of(unit, 1.0, 1.0)
    drive = np.linspace(-5, 5, 1001)
    linear = parts.gains * (drive[:, None] - parts.thresholds)
    rates = np.where(linear > 0, 1 / (parts.neuron.refractory + 1 / np.maximum(linear, 1e-9)), 0)  # an ideal integrator
    assert np.abs(rates @ parts.weights - unit.activation(drive)).max() < 0.08 * unit.maximum
    assert (parts.weights > 0).all()
    assert rates.max() <= 100


@pytest.mark.parametrize("unit", [ThresholdLinear(), *BOUNDED, Tanh()], ids=lambda unit: type(unit).__name__)
def test_spiking_circuit_follows_the_network(unit):
    dnn = perceptron(unit, 1)
    stimuli = np.random.default_rng(2).random((25, 6))
    circuit = from_dnn(dnn)
    spiking = to_spiking(circuit, stimuli)
    scale = to_dnn(circuit)(stimuli).max(axis=0).max()
    response = simulate(spiking, stimuli, duration=0.5, window=0.4, dt=0.5e-3, backend="numpy")
    found, wanted = decode(dnn, response.readouts * scale / 100), dnn(stimuli)
    errors = np.abs(found - wanted) / scale
    assert errors.max() < 0.2 and errors.mean() < 0.05


@pytest.mark.parametrize(("sizes", "right"), [((6, 3), 0.99), ((6, 8, 3), 0.95)])
def test_step_units_decide_as_the_network_does(sizes, right):
    """Spikes that arrive one by one shake the input of the second layer, so it may err more often."""
    dnn = perceptron(Step(threshold=0.4, maximum=1), 3, sizes)
    stimuli = np.random.default_rng(4).random((200, 6))
    drives = np.concatenate([layer.drive(dnn.rates(stimuli)) for layer in dnn.layers], axis=1)
    clear = (np.abs(drives - 0.4) > 0.05).all(axis=1)  # no unit at its threshold
    assert clear.sum() > 20
    stimuli = stimuli[clear]
    spiking = to_spiking(from_dnn(dnn), stimuli, input_rate=1000)
    response = simulate(spiking, stimuli, duration=0.5, window=0.3, dt=0.5e-3, backend="numpy")
    decided = dnn.decide(stimuli)
    assert 0 < decided.mean() < 1
    assert (response.decisions == decided).mean() > right


@pytest.mark.parametrize("unit", [*BOUNDED, Step()], ids=lambda unit: type(unit).__name__)
def test_excitation_alone_stays_excitation_alone(unit):
    dnn = perceptron(unit, 5, lowest=0.0)
    spiking = to_spiking(from_dnn(dnn), np.random.default_rng(6).random((9, 6)))
    assert {p.sign for p in spiking.populations} == {"E"}
    assert to_dnn(spiking).is_nonnegative


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rate": 0}, "to_spiking: rate: expected more than 0, found 0"),
        ({"input_rate": -1}, "to_spiking: input_rate: expected more than 0, found -1"),
        ({"circuit": "spiking"}, "to_spiking: expected a rate circuit, found 'drawn', which is spiking"),
    ],
)
def test_bad_arguments_are_named(change, message):
    circuit, stimuli = from_dnn(perceptron(ThresholdLinear(), 0)), np.ones((2, 6))
    if change.pop("circuit", None):
        circuit = to_spiking(circuit, stimuli)
    with pytest.raises(InputError) as error:
        to_spiking(circuit, stimuli, **change)
    assert str(error.value) == message
