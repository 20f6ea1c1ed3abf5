"""From a DNN to the excitatory-inhibitory circuit that computes the same, under Dale's law.

The rules, each exact for rate circuits at their fixed point:

- A unit whose outgoing weights have both signs gets an inhibitory twin, which receives what it receives. An input
  with outgoing negative weights gets an inhibitory relay.
- An activation that goes below 0 is that of several units, whose rates are not negative, plus a constant:
  ``x = [x]+ - [-x]+`` (an ON and an OFF channel); a leaky ReLU likewise, its OFF channel weighted with the slope;
  ``tanh(x) = 2 / (1 + exp(-2x)) - 1``. The constant becomes a tonic drive of the units that follow.
- Inputs that may be negative come as ON and OFF channels too.
- A bias is a tonic drive, of either sign.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from eisim.adapter.activations import Identity, LeakyReLU, Tanh
from eisim.adapter.static import DNN
from eisim.circuit import Circuit, Input, Population, Projection, Readout
from eisim.errors import InputError, explains_arguments
from eisim.neurons import Logistic, RateUnit, ThresholdLinear

#: Time constant of the rate units, in s.
TAU = 10e-3
OFF = "_off"


@dataclass(frozen=True, eq=False)
class _Channel:
    """Units that carry part of a layer: ``value = sum over channels of factor * rate``, plus the layer's constant."""

    name: str
    neuron: RateUnit
    incoming: float  # the sign with which it takes the layer's input
    factor: float


def _channels(name, activation) -> tuple[list[_Channel], float]:
    """The channels of a layer and its constant."""
    relu = ThresholdLinear(tau=TAU)
    if isinstance(activation, RateUnit):
        return [_Channel(name, activation, 1.0, 1.0)], 0.0
    if isinstance(activation, Tanh):
        return [_Channel(name, Logistic(tau=TAU, slope=0.5, maximum=2.0), 1.0, 1.0)], -1.0
    if isinstance(activation, (Identity, LeakyReLU)):
        slope = getattr(activation, "slope", 1.0)
        return [_Channel(name, relu, 1.0, 1.0), _Channel(name + OFF, relu, -1.0, -slope)], 0.0
    raise InputError(f"from_dnn: layer {name!r}: expected an activation that rate units can have, found {activation!r}")


@explains_arguments
def from_dnn(dnn: DNN, signed_inputs: bool = False) -> Circuit:
    """The rate circuit of a feed-forward DNN.

    Parameters
    ----------
    dnn : DNN
        With any of the activations of the rate units, or `Identity`, `LeakyReLU`, `Tanh`.
    signed_inputs : bool
        Whether inputs may be negative. Then stimuli of the circuit are those of the DNN as ON and OFF channels (see
        `on_off`), all ON channels first.

    Returns
    -------
    Circuit
        Each layer is a population of its name, its inhibitory twins are ``name_I``, its OFF channel ``name_off``. The
        readouts are the channels of the outputs (see `decode`).

    Raises
    ------
    InputError
        For a recurrent DNN, or an activation that cannot be mapped; the message names the layer.

    Examples
    --------
    >>> from eisim import TruthTable, from_dnn, train
    >>> xor = TruthTable("0110")
    >>> circuit = from_dnn(train(xor.patterns, xor.values, hidden=(8,)))
    >>> circuit.kind, circuit.is_excitatory_only
    ('rate', False)
    """
    if not isinstance(dnn, DNN):
        raise InputError(f"from_dnn: expected a DNN, found {dnn!r}")
    if dnn.recurrent:
        raise InputError(f"from_dnn: expected a feed-forward DNN, found {dnn!r}")
    relay = ThresholdLinear(tau=TAU)
    inputs = [Input(name, size, rate) for name, size, rate in dnn.inputs]
    sources = {i.name: ([_Channel(i.name, relay, 1.0, 1.0)], 0.0) for i in inputs}
    if signed_inputs:
        inputs += [replace(i, name=i.name + OFF) for i in inputs]
        for name, (channels, _) in sources.items():
            channels.append(_Channel(name + OFF, relay, 1.0, -1.0))
    sources |= {layer.name: _channels(layer.name, layer.neuron) for layer in dnn.layers}
    outputs = {name for name, _ in dnn.outputs}

    # Signed weights between channels, and the biases with the constants of what comes before.
    weights, biases = {}, {}
    for layer in dnn.layers:
        bias = layer.bias.astype(float)
        for source, matrix in layer.incoming:
            channels, constant = sources[source]
            if constant:
                bias = bias + constant * matrix.sum(axis=0)
            for channel in channels:
                for target in sources[layer.name][0]:
                    key = channel.name, target.name
                    weights[key] = weights.get(key, 0) + channel.factor * target.incoming * matrix
        for target in sources[layer.name][0]:
            biases[target.name] = target.incoming * bias

    populations, projections = [], []
    parts = {i.name: [(i.name, np.arange(i.size), "E")] for i in inputs}

    def connect(source, target, chosen, matrix):
        for name, units, sign in parts[source]:
            magnitudes = (matrix if sign == "E" else -matrix).maximum(0)[units][:, chosen]
            if magnitudes.nnz:
                projections.append(Projection(name, target, magnitudes))

    def outgoing(name, size, sign):
        """Which units of a channel have outgoing weights of a sign."""
        used = np.zeros(size, dtype=bool)
        for (source, _), matrix in weights.items():
            if source == name:
                used[np.unique(matrix.tocoo().coords[0][matrix.tocoo().data * sign > 0])] = True
        return used

    for i in inputs:
        relayed = np.flatnonzero(outgoing(i.name, i.size, -1))
        if len(relayed):
            twin = f"{i.name}_I"
            populations.append(Population(twin, "I", relay, len(relayed)))
            one = sparse.csr_array((np.ones(len(relayed)), (relayed, np.arange(len(relayed)))), (i.size, len(relayed)))
            projections.append(Projection(i.name, twin, one))
            parts[i.name].append((twin, relayed, "I"))
    for layer in dnn.layers:
        for channel in sources[layer.name][0]:
            parts[channel.name] = []
            for sign, name in (("E", channel.name), ("I", f"{channel.name}_I")):
                used = outgoing(channel.name, layer.size, 1 if sign == "E" else -1)
                if sign == "E" and layer.name in outputs:
                    used[:] = True
                chosen = np.flatnonzero(used)
                if not len(chosen):
                    continue
                bias = biases[channel.name][chosen]
                populations.append(Population(name, sign, channel.neuron, len(chosen), bias))
                parts[channel.name].append((name, chosen, sign))
                for (source, target), matrix in weights.items():
                    if target == channel.name:
                        connect(source, name, chosen, matrix.tocsr())
    readouts = [
        Readout(channel.name, max(threshold - constant, 0.0))
        for name, threshold in dnn.outputs
        for channels, constant in [sources[name]]
        for channel in channels
    ]
    return Circuit(dnn.name or "from DNN", inputs, populations, projections, readouts)


@explains_arguments
def on_off(stimuli) -> np.ndarray:
    """Signed stimuli (..., inputs) as ON and OFF channels (..., 2 × inputs)."""
    stimuli = np.asarray(stimuli, dtype=float)
    return np.concatenate([np.maximum(stimuli, 0), np.maximum(-stimuli, 0)], axis=-1)


def rate_outputs(dnn: DNN, stimuli) -> DNN:
    """The DNN with outputs that single rates carry, in the same order.

    An output that rises strictly with its drive (linear, leaky, tanh, logistic) is the drive itself, with a tonic drive
    added to all so that none is below 0 on the stimuli: neither which output is largest nor what a threshold on one
    can tell apart changes. Other outputs stay as they are.

    Parameters
    ----------
    dnn : DNN
        With one output layer.
    stimuli : array_like of shape (trials, inputs)

    Returns
    -------
    DNN

    Raises
    ------
    InputError
        For outputs that fall with their drive.
    """
    last = dnn.layer(dnn.outputs[0][0])
    unit = last.neuron
    if isinstance(unit, RateUnit) and not isinstance(unit, Logistic):
        return dnn
    if isinstance(unit, LeakyReLU) and unit.slope <= 0:
        raise InputError(f"{dnn.name}: expected outputs that rise with their drive, found {unit!r}")

    def with_last(layer):
        return replace(dnn, layers=tuple(layer if each is last else each for each in dnn.layers))

    lowest = with_last(replace(last, neuron=Identity()))(stimuli).min()
    return with_last(replace(last, bias=last.bias - min(0.0, lowest), neuron=ThresholdLinear(tau=TAU)))


@explains_arguments
def decode(dnn: DNN, rates) -> np.ndarray:
    """Outputs of the DNN from the readouts (trials × readouts, in Hz) of its circuit."""
    values, column = [], 0
    sizes = {layer.name: layer for layer in dnn.layers}
    for name, _ in dnn.outputs:
        channels, constant = _channels(name, sizes[name].neuron)
        value = constant
        for channel in channels:
            value = value + channel.factor * rates[:, column : column + sizes[name].size]
            column += sizes[name].size
        values.append(value)
    return np.concatenate(values, axis=1)
