"""From a DNN to the excitatory-inhibitory circuit that computes the same, under Dale's law.

The rules, each exact for rate circuits at their fixed point:

- A unit whose outgoing weights have both signs gets an inhibitory twin, which receives what it receives. An input
  with outgoing negative weights gets an inhibitory relay.
- An activation that goes below 0 is that of several units, whose rates are not negative, plus a constant:
  ``x = [x]+ - [-x]+`` (an ON and an OFF channel); a leaky ReLU likewise, its OFF channel weighted with the slope;
  ``tanh(x) = 2 / (1 + exp(-2x)) - 1``. The constant becomes a tonic drive of the units that follow.
- Inputs that may be negative come as ON and OFF channels too.
- A bias is a tonic drive, of either sign.
- What no readout depends on is left out: units from which no path leads to a readout, units that cannot fire even if
  all inhibition were removed, and of a pair of channels the one that cannot fire since its drive has one sign (a linear
  unit of non-negative sources, weights and bias has no OFF channel). Then nothing is inhibited for its sake either.
"""

from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from scipy import sparse

from eisim.adapter.activations import Identity, LeakyReLU, Tanh
from eisim.adapter.names import Unused
from eisim.adapter.static import DNN, feed_forward
from eisim.base.errors import InputError, explains_arguments
from eisim.circuit import Circuit, Input, Population, Projection, Readout
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
        Each layer is a population of its name, its inhibitory twins are ``name_I``, its OFF channel ``name_off``, each
        with the units that a readout depends on and that can fire; if there is such a name already, a number makes it
        another. The readouts are the channels of the outputs: all their units, and of OFF channels those that can fire
        (see `decode`).

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
    feed_forward(dnn, "from_dnn")
    relay = ThresholdLinear(tau=TAU)
    inputs = [Input(name, size, rate) for name, size, rate in dnn.inputs]
    names = [*(i.name for i in inputs), *(layer.name for layer in dnn.layers)]
    unused = Unused(names)
    if len(unused.names) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"from_dnn: expected inputs and layers of different names, found {twice!r} twice")
    sources = {i.name: ([_Channel(i.name, relay, 1.0, 1.0)], 0.0) for i in inputs}
    if signed_inputs:
        inputs += [replace(i, name=unused(i.name + OFF)) for i in inputs]
        for (channels, _), off in zip(sources.values(), inputs[len(sources) :], strict=True):
            channels.append(_Channel(off.name, relay, 1.0, -1.0))
    for layer in dnn.layers:
        (first, *others), constant = _channels(layer.name, layer.neuron)
        sources[layer.name] = [first, *(replace(each, name=unused(each.name)) for each in others)], constant

    # Of each channel the signed weights from other channels, and its bias with the constants of what comes before.
    incoming, biases = {}, {}
    for layer in dnn.layers:
        bias = layer.bias.astype(float)
        channels, _ = sources[layer.name]
        incoming |= {target.name: {} for target in channels}
        for source, matrix in layer.incoming:
            carried, constant = sources[source]
            if constant:
                bias = bias + constant * matrix.sum(axis=0)
            for channel, target in product(carried, channels):
                weights, known = channel.factor * target.incoming * matrix, incoming[target.name]
                known[channel.name] = known[channel.name] + weights if channel.name in known else weights
        biases |= {target.name: target.incoming * bias for target in channels}

    fires = _fires(dnn, signed_inputs, sources, incoming, biases)
    used = _used(dnn, inputs, sources, incoming, fires)
    populations, projections = [], []
    parts = {i.name: [(i.name, np.arange(i.size), "E")] for i in inputs}
    for i in inputs:
        relayed = np.flatnonzero(used[i.name]["I"])
        if len(relayed):
            twin = unused(f"{i.name}_I")
            populations.append(Population(twin, "I", relay, len(relayed)))
            projections.append(Projection(i.name, twin, sparse.eye_array(i.size, format="csr")[:, relayed]))
            parts[i.name].append((twin, relayed, "I"))
    for layer in dnn.layers:
        for channel in sources[layer.name][0]:
            parts[channel.name] = []
            for sign in "EI":
                chosen = np.flatnonzero(used[channel.name][sign])
                if not len(chosen):
                    continue
                name = channel.name if sign == "E" else unused(f"{channel.name}_I")
                driven = fires[channel.name][chosen]  # an output that cannot fire is silent, and receives nothing
                bias = np.where(driven, biases[channel.name][chosen], np.minimum(biases[channel.name][chosen], 0.0))
                silenced = tuple(map(int, np.flatnonzero(np.isin(chosen, layer.silent))))
                populations.append(Population(name, sign, channel.neuron, len(chosen), bias, silenced=silenced))
                parts[channel.name].append((name, chosen, sign))
                for source, matrix in incoming[channel.name].items():
                    matrix = sparse.csr_array(matrix)[:, chosen]
                    if not driven.all():
                        matrix = matrix @ sparse.diags_array(driven.astype(float), format="csr")
                        matrix.eliminate_zeros()
                    for part, units, part_sign in parts[source]:
                        magnitudes = (matrix if part_sign == "E" else -matrix).maximum(0)[units]
                        if magnitudes.nnz:
                            projections.append(Projection(part, name, magnitudes))
    readouts = [
        Readout(channel.name, max(threshold - constant, 0.0))
        for name, threshold in dnn.outputs
        for channels, constant in [sources[name]]
        for channel in channels
        if used[channel.name]["E"].any()
    ]
    return Circuit(dnn.name or "from DNN", inputs, populations, projections, readouts)


def _drives(dnn: DNN, signed_inputs: bool) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The least and the largest drive that the units of each layer can have, by interval arithmetic."""
    lowest = -np.inf if signed_inputs else 0.0
    values = {name: (np.full(size, lowest), np.full(size, np.inf)) for name, size, _ in dnn.inputs}
    drives = {}
    for layer in dnn.layers:
        least = most = layer.bias.astype(float)
        for source, matrix in layer.incoming:
            low, high = values[source]
            least = least + _weighted(low, matrix, 1) + _weighted(high, matrix, -1)
            most = most + _weighted(high, matrix, 1) + _weighted(low, matrix, -1)
        drives[layer.name] = least, most
        low, high = _activation(layer.neuron, least), _activation(layer.neuron, most)
        if isinstance(layer.neuron, LeakyReLU) and layer.neuron.slope < 0:  # as of a V: least where the drive is 0
            low, high = np.where((least < 0) & (most > 0), 0.0, np.minimum(low, high)), np.maximum(low, high)
        elif not getattr(layer.neuron, "non_decreasing", True):
            low, high = np.full(layer.size, -np.inf), np.full(layer.size, np.inf)
        values[layer.name] = low, high
    return drives


def _fires(dnn, signed_inputs, sources, incoming, biases) -> dict[str, np.ndarray]:
    """Which units of each channel can fire.

    Of a layer with one channel these are the network's own units, so one counts that only ablation would unmask. Of
    two channels either carries one sign of a drive, and counts if the intact network's drive can have that sign.
    """
    drives = _drives(dnn, signed_inputs)
    fires, most, least = {}, {}, {}  # the last two of the rates, however much of the inhibition is removed
    for name, size, _ in dnn.inputs:
        for channel in sources[name][0]:
            fires[channel.name] = np.ones(size, dtype=bool)
            most[channel.name], least[channel.name] = np.full(size, np.inf), np.zeros(size)
    for layer in dnn.layers:
        channels, _ = sources[layer.name]
        for channel in channels:
            drive = biases[channel.name]
            for source, matrix in incoming[channel.name].items():
                drive = drive + _weighted(most[source], matrix, 1) + _weighted(least[source], matrix, -1)
            rates = _activation(channel.neuron, drive)
            lowest = np.minimum(_activation(channel.neuron, np.full(layer.size, -np.inf)), 0.0)
            if not channel.neuron.non_decreasing:
                rates, lowest = np.full(layer.size, np.inf), np.full(layer.size, -np.inf)
            can = _reaches(channel, *drives[layer.name]) if len(channels) > 1 else (rates > 0) | (lowest < 0)
            fires[channel.name] = can
            most[channel.name], least[channel.name] = np.where(can, rates, 0.0), np.where(can, lowest, 0.0)
    return fires


def _used(dnn, inputs, sources, incoming, fires) -> dict[str, dict[str, np.ndarray]]:
    """Which units of each channel a readout depends on through weights of a sign, outputs with no weight included."""
    used = {name: {sign: np.zeros(len(can), dtype=bool) for sign in "EI"} for name, can in fires.items()}
    for name, _ in dnn.outputs:
        first, *others = (channel.name for channel in sources[name][0])
        used[first]["E"][:] = True
        for other in others:
            used[other]["E"] |= fires[other]
    for layer in reversed(dnn.layers):
        for channel in sources[layer.name][0]:
            reached = (used[channel.name]["E"] | used[channel.name]["I"]) & fires[channel.name]
            for source, matrix in incoming[channel.name].items():
                found = matrix.tocoo()
                rows, columns = found.coords
                kept = reached[columns] & fires[source][rows]
                for sign, weight in (("E", 1), ("I", -1)):
                    used[source][sign][rows[kept & (found.data * weight > 0)]] = True
    return used


def _reaches(channel, least, most) -> np.ndarray:
    """Which units of a channel fire for any drive of their layer within these bounds."""
    return _activation(channel.neuron, most if channel.incoming > 0 else -least) > 0


def _weighted(values, matrix, sign) -> np.ndarray:
    """The sum over sources of their values, which may be infinite, times the weights of a sign."""
    found = matrix.tocoo()
    at = found.data * sign > 0
    rows, columns = (index[at] for index in found.coords)
    return np.bincount(columns, values[rows] * found.data[at], minlength=matrix.shape[1])


def _activation(unit, drive) -> np.ndarray:
    """Activations of drives that may be infinite."""
    with np.errstate(all="ignore"):
        values = np.asarray(unit.activation(drive), dtype=float)
        finite = np.asarray(unit.activation(np.clip(drive, -1e300, 1e300)), dtype=float)
    return np.where(np.isnan(values), finite, values)


@explains_arguments
def on_off(stimuli) -> np.ndarray:
    """Signed stimuli (..., inputs) as ON and OFF channels (..., 2 × inputs)."""
    stimuli = np.asarray(stimuli, dtype=float)
    return np.concatenate([np.maximum(stimuli, 0), np.maximum(-stimuli, 0)], axis=-1)


def rate_outputs(dnn: DNN, stimuli) -> DNN:
    """The DNN, which has one output layer, with outputs that single rates carry, in the same order.

    An output that rises strictly with its drive (linear, leaky, tanh, logistic) is the drive itself, with a tonic drive
    added to all so that none is below 0 on the stimuli (trials × inputs): neither which output is largest nor what a
    threshold on one can tell apart changes. Other outputs stay as they are; ``InputError`` if one falls with its drive.
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
    """Outputs of the DNN from the readouts of its circuit.

    Parameters
    ----------
    dnn : DNN
    rates : array_like of shape (trials, readouts)
        Of the circuit that `from_dnn` makes of it, for signed inputs or others, in Hz. An OFF channel that cannot fire
        is not among them and counts as silent.

    Returns
    -------
    ndarray of shape (trials, outputs)

    Raises
    ------
    InputError
        If there are more or fewer readouts than such a circuit has.
    """
    rates = np.asarray(rates, dtype=float)
    layers = {layer.name: layer for layer in dnn.layers}
    outputs = [(layers[name], *_channels(name, layers[name].neuron)) for name, _ in dnn.outputs]
    # What can fire for inputs of one sign can for both, so the number of columns says which readouts there are; older
    # circuits have all.
    expected = []
    for drives in (_drives(dnn, False), _drives(dnn, True), None):
        there = [_read_out(layer, channels, drives) for layer, channels, _ in outputs]
        expected.append(sum(int(units.sum()) for masks in there for units in masks))
        if rates.ndim == 2 and rates.shape[1] == expected[-1]:
            break
    else:
        raise InputError(f"decode: expected rates of {min(expected)} readouts for each trial, found {rates.shape}")
    values, columns = [], iter(rates.T)
    for (layer, channels, constant), masks in zip(outputs, there, strict=True):
        value = np.full((len(rates), layer.size), constant)
        for channel, units in zip(channels, masks, strict=True):
            for unit in np.flatnonzero(units):
                value[:, unit] += channel.factor * next(columns)
        values.append(value)
    return np.concatenate(values, axis=1)


def _read_out(layer, channels, drives) -> list[np.ndarray]:
    """Which units of each channel of an output layer are read out: of all but the first those that can fire."""
    whole = np.ones(layer.size, dtype=bool)
    return [whole, *(whole if drives is None else _reaches(each, *drives[layer.name]) for each in channels[1:])]
