"""The f-I approximation: a static DNN with a unit for each neuron, its activation the neuron's, at the fixed point."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from eisim.adapter.limits import check_afferents, check_linear
from eisim.base.display import plotted
from eisim.base.errors import InputError
from eisim.base.files import save
from eisim.base.values import Brief, ByName, Shown
from eisim.circuit import Circuit
from eisim.stimuli import checked
from eisim.weights import with_entries

#: A fixed point is reached when no rate would change by more than this, in Hz.
SETTLED = 1e-10

#: Group of entry points: by the ending of a file's name, what makes a DNN the bytes of that file.
FORMATS = "eisim.formats"


@dataclass(frozen=True, eq=False, repr=False)
class Layer(Brief):
    """Units ``activation(bias + sum of source @ weights)``.

    Attributes
    ----------
    name : str
    size : int
    incoming : tuple of (str, sparse array)
        Names of source layers, with signed weights (source size × size).
    bias : ndarray of shape (size,)
    neuron : RateUnit or LIF
        Whose activation this layer has.
    subtracted : tuple of (str, sparse array)
        Of a layer ``[a - b]+``, with which a network takes the maximum ``b + [a - b]+``: the weights of b, by name of
        the source. They are in `incoming`, with the opposite sign.
    silent : tuple of int
        Units whose output is 0: those of neurons that `eisim.silence` has silenced.
    """

    name: str
    size: int
    incoming: tuple[tuple[str, sparse.csr_array], ...]
    bias: np.ndarray
    neuron: Any
    subtracted: tuple[tuple[str, sparse.csr_array], ...] = ()
    silent: tuple[int, ...] = ()

    def __call__(self, rates: dict[str, np.ndarray]) -> np.ndarray:
        """Rates of this layer (trials × size, in Hz) given those of its sources."""
        return self._rates(rates)

    def _rates(self, rates):
        """The same without a look at the arguments, which takes longer the more layers there are."""
        found = self.neuron.activation(self._drive(rates))
        return np.where(self.sends, found, 0.0) if self.silent else found

    @property
    def sends(self) -> np.ndarray:
        """Which units are not silent: bool, (size,)."""
        return ~np.isin(np.arange(self.size), self.silent)

    def drive(self, rates: dict[str, np.ndarray]) -> np.ndarray:
        """The summed input (trials × size) given the rates of the sources."""
        return self._drive(rates)

    def _drive(self, rates):
        drive = np.broadcast_to(self.bias, (len(next(iter(rates.values()))), self.size))
        for source, weights in self.incoming:
            drive = drive + rates[source] @ weights
        return drive


@dataclass(frozen=True, eq=False, repr=False)
class DNN(Shown):
    """A static deep network; of a circuit, its f-I approximation: the map of inputs to rates at the fixed point.

    A circuit without loops is a feed-forward network. A recurrent circuit is a network whose output is a fixed point
    of its layers, reached from silence. The map is that of rate units once they have settled; for spiking neurons it is
    an approximation, since input that arrives as spikes is not constant.

    Attributes
    ----------
    inputs : tuple of (str, int, float)
        Name, size, and rate in Hz, or injected current in SI units, for a stimulus value of 1.
    layers : tuple of Layer
        In the order of evaluation.
    outputs : tuple of (str, float)
        Output layer and decision threshold in Hz.
    recurrent : bool
    classes : tuple of (int, float or str)
        Of a classifier from a file that names them: the class of each output in order, of a single output both.
    """

    inputs: tuple[tuple[str, int, float], ...]
    layers: tuple[Layer, ...]
    outputs: tuple[tuple[str, float], ...]
    recurrent: bool
    name: str = ""
    classes: tuple[int | float | str, ...] = ()

    def __repr__(self):
        sizes = " -> ".join(f"{layer.name} ({layer.size})" for layer in self.layers)
        return f"<DNN of {self.name!r}: {sizes}{', recurrent' if self.recurrent else ''}>"

    plot = plotted("Draw the DNN: layers with their activations, and the signed weights between them.")

    def layer(self, name: str) -> Layer:
        """The layer of that name."""
        return ByName(f"layer of {self.name!r}", {layer.name: layer for layer in self.layers})[name]

    @property
    def is_nonnegative(self) -> bool:
        """Whether no weight is negative: true exactly for excitatory-only circuits.

        Then the network keeps order, if its activations do. The reverse does not hold: the maximum of two rates keeps
        order, but threshold-linear units compute it as ``b + [a - b]+``, and without a negative weight none can (T5).
        """
        return all((weights.data >= 0).all() for layer in self.layers for _, weights in layer.incoming)

    def __call__(self, stimuli) -> np.ndarray:
        """Output rates (trials × readouts, in Hz) for `stimuli` (trials × inputs)."""
        rates = self.rates(stimuli)
        none = next(iter(rates.values()))[..., :0]
        return np.concatenate([none, *(rates[name] for name, _ in self.outputs)], axis=-1)

    def with_negative_weights_scaled(self, factor: float) -> "DNN":
        """The DNN with each negative weight times a factor, 0 to 1, and everything else as it is, biases too.

        Weights are those between layers: linear operations in a row are one. A maximum stays one, since it is
        non-decreasing: the weights of what it takes and of what takes it are scaled, not the subtraction in
        ``b + [a - b]+``.
        """
        maxima = {}  # by layer: the weights of b, as they were and scaled
        number = {layer.name: k for k, layer in enumerate(self.layers)}

        def scaled(weights):
            return with_entries(weights, np.where(weights.data < 0, factor * weights.data, weights.data))

        def scaled_in(parts):
            """Weights by source. Those that take ``[a - b]+`` take b too, of which they hold the product."""
            rest, taken = dict(parts), {}
            waiting = {name for name in rest if name in maxima}
            while waiting:
                name = max(waiting, key=number.__getitem__)
                waiting.remove(name)
                were, become = maxima[name]
                waiting |= {source for source in were if source in maxima}
                for source, weights in were.items():
                    product = weights @ rest[name]
                    rest[source] = rest[source] - product if source in rest else -product
                for source, weights in become.items():
                    product = weights @ scaled(rest[name].tocsr())
                    taken[source] = taken[source] + product if source in taken else product
            found = {source: scaled(weights.tocsr()) for source, weights in rest.items()}
            return {source: found[source] + taken[source] if source in taken else found[source] for source in found}

        layers = []
        for layer in self.layers:
            minus = dict(layer.subtracted)
            changed = scaled_in({s: w + minus[s] if s in minus else w for s, w in layer.incoming})
            become = scaled_in(minus)
            if minus:
                maxima[layer.name] = minus, become
            for source, weights in become.items():
                changed[source] = changed[source] - weights if source in changed else -weights
            incoming = tuple((source, sparse.csr_array(weights)) for source, weights in changed.items())
            layers.append(replace(layer, incoming=incoming, subtracted=tuple(become.items())))
        return replace(self, layers=tuple(layers))

    def save(self, path) -> None:
        """Write the DNN to a file, in the format that its ending names.

        ``.onnx`` (needs the extra ``eisim[onnx]``), or ``.pt2`` (``eisim[torch]``), of which
        ``torch.export.load(path).module()`` makes a PyTorch module.
        """
        path = Path(path)
        formats = {f".{point.name}": point for point in entry_points(group=FORMATS)}
        if path.suffix not in formats:
            raise InputError(
                f"DNN.save: expected a name that ends in {' or '.join(sorted(formats))}, found {str(path)!r}"
            )
        save(path, formats[path.suffix].load()(self))

    def decide(self, stimuli) -> np.ndarray:
        """Which outputs exceed their decision threshold: bool, trials × readouts."""
        thresholds = np.concatenate([np.full(self.layer(name).size, threshold) for name, threshold in self.outputs])
        return self(stimuli) > thresholds

    def rates(self, stimuli) -> dict[str, np.ndarray]:
        """Rates of every layer, trials × size, in Hz."""
        rates = self._sent(stimuli)
        if self.recurrent:
            return self._fixed_point(rates)
        for layer in self.layers:
            rates[layer.name] = layer._rates(rates)
        return rates

    def _sent(self, stimuli) -> dict[str, np.ndarray]:
        """Rates of every input, trials × size, in Hz."""
        inputs = [(name, size) for name, size, _ in self.inputs]
        stimuli = checked(stimuli, inputs, f"stimuli of the DNN of {self.name!r}")
        columns = np.split(stimuli, np.cumsum([size for _, size, _ in self.inputs])[:-1], axis=1)
        return {name: part * rate for (name, _, rate), part in zip(self.inputs, columns, strict=True)}

    def _fixed_point(self, rates, step=0.1, limit=20_000):
        for layer in self.layers:
            rates[layer.name] = np.zeros((len(rates[self.inputs[0][0]]), layer.size))
        for _ in range(limit):
            change = {layer.name: layer._rates(rates) - rates[layer.name] for layer in self.layers}
            largest = np.max([np.abs(delta).max(axis=1, initial=0) for delta in change.values()], axis=0)
            moving = ~(largest < SETTLED)
            if not moving.any():
                return rates
            # Each trial stops where it has settled, however long others of the batch take.
            rates |= {name: rates[name] + step * moving[:, None] * delta for name, delta in change.items()}
        raise ArithmeticError(
            f"the static DNN of {self.name!r} has no fixed point within reach: after {limit} iterations rates still "
            f"change by {largest.max():.3g} Hz; use to_dnn(circuit, unrolled=True)"
        )


def feed_forward(dnn: DNN, what: str) -> DNN:
    """The DNN, if it is one and has no loops; `what` is asked for it."""
    if not isinstance(dnn, DNN):
        raise InputError(f"{what}: expected a DNN, found {dnn!r}")
    if dnn.recurrent:
        raise InputError(f"{what}: expected a feed-forward DNN, found {dnn!r}")
    return dnn


def static_dnn(circuit: Circuit, dt: float | None = None) -> DNN:
    """The f-I approximation; with `dt` its f-I curves are those of neurons in steps of this length, in s."""
    check_linear(circuit, f"to_dnn: the static DNN of a {circuit.kind} circuit")
    check_afferents(circuit, "to_dnn: the static DNN", currents=False)
    incoming = {p.name: [] for p in circuit.populations}
    for projection in circuit.projections:
        incoming[projection.target].append((projection.source, _signed([circuit], projection)))
    neurons = {
        p.name: p.neuron.stepped(dt) if dt and p.neuron.kind == "spiking" else p.neuron for p in circuit.populations
    }
    layers = {
        p.name: Layer(p.name, p.size, tuple(incoming[p.name]), p.bias, neurons[p.name], silent=p.silenced)
        for p in circuit.populations
    }
    edges = {name: {s for s, _ in layers[name].incoming if s in layers} for name in layers}
    try:
        order, recurrent = list(TopologicalSorter(edges).static_order()), False
    except CycleError:
        order, recurrent = list(layers), True
    inputs = tuple((i.name, i.size, i.scale) for i in circuit.inputs)
    outputs = tuple((r.population, r.threshold) for r in circuit.readouts)
    return DNN(inputs, tuple(layers[name] for name in order), outputs, recurrent, circuit.name)


def static_outputs(circuits: Sequence[Circuit], stimuli: Sequence[np.ndarray], dt: float | None = None):
    """Output rates (trials × readouts, in Hz) of the f-I approximation of each circuit on its stimuli.

    Circuits that differ in their weights alone, on the same stimuli, are evaluated as one DNN, a block each; every
    circuit has the rates that it has alone.

    Parameters
    ----------
    circuits : sequence of Circuit
    stimuli : sequence of ndarray of shape (trials, inputs)
        One for each circuit.
    dt : float, optional
        The f-I curves are those of neurons in steps of this length, in s.

    Returns
    -------
    list of ndarray of shape (trials, readouts)
    """
    alike: dict[tuple, list[int]] = {}
    stimuli = list(stimuli)  # so that each stays the object that it is
    for k, (circuit, given) in enumerate(zip(circuits, stimuli, strict=True)):
        projections = tuple((p.source, p.target, p.receptor) for p in circuit.projections)
        same = id(circuit.inputs), id(circuit.populations), id(circuit.readouts), projections, id(given)
        alike.setdefault(same, []).append(k)
    found = [np.empty(0)] * len(circuits)
    for places in alike.values():
        first, given = static_dnn(circuits[places[0]], dt), stimuli[places[0]]
        if first.recurrent:  # its fixed point is reached in other steps than that of others
            outputs = [static_dnn(circuits[k], dt)(given) for k in places]
        else:
            outputs = _stacked(first, [circuits[k] for k in places])(given)
        for k, rates in zip(places, outputs, strict=True):
            found[k] = rates
    return found


def _stacked(dnn: DNN, circuits: list[Circuit]) -> Callable[[np.ndarray], list[np.ndarray]]:
    """The function from stimuli to the outputs of circuits like that of a DNN, which differ in weights alone."""
    n, incoming = len(circuits), {layer.name: [] for layer in dnn.layers}
    for projection in zip(*(circuit.projections for circuit in circuits), strict=True):
        incoming[projection[0].target].append((projection[0].source, _signed(circuits, *projection)))
    layers = [
        replace(
            each,
            size=n * each.size,
            incoming=tuple(incoming[each.name]),
            bias=np.tile(each.bias, n),
            silent=tuple(k * each.size + unit for k in range(n) for unit in each.silent),
        )
        for each in dnn.layers
    ]

    def outputs(stimuli):
        rates = {name: np.tile(each, n) for name, each in dnn._sent(stimuli).items()}
        for layer in layers:
            rates[layer.name] = layer._rates(rates)
        shapes = {each.name: (len(stimuli), n, each.size) for each in dnn.layers}
        of_circuits = [rates[name].reshape(shapes[name]) for name, _ in dnn.outputs]
        return list(np.moveaxis(np.concatenate([np.empty((len(stimuli), n, 0)), *of_circuits], axis=-1), 1, 0))

    return outputs


def _signed(circuits, *projections) -> sparse.csr_array:
    """Weights of a projection in the drive of its targets; of that of several circuits, a block for each."""
    circuit, projection = circuits[0], projections[0]
    neuron = circuit.population(projection.target).neuron
    scale = circuit.sign(projection)
    if neuron.kind == "spiking" and not circuit.is_injected(
        projection
    ):  # mean input of a spike train: rate × weight × area of the receptor
        scale *= neuron.area(circuit.receptor(projection))
    weights = _block_diagonal([c.weights(p) for c, p in zip(circuits, projections, strict=True)])
    return with_entries(weights, weights.data * scale)


def _block_diagonal(blocks: list[sparse.csr_array]) -> sparse.csr_array:
    """Arrays of one shape along the diagonal."""
    if len(blocks) == 1:
        return blocks[0]
    rows, columns = blocks[0].shape
    stored = np.cumsum([0, *(block.nnz for block in blocks)])
    starts = [block.indptr[:-1] + before for block, before in zip(blocks, stored[:-1], strict=True)]
    indices = [block.indices + k * columns for k, block in enumerate(blocks)]
    parts = np.concatenate([block.data for block in blocks]), np.concatenate(indices)
    indptr = np.append(np.concatenate(starts), stored[-1])
    return sparse.csr_array((*parts, indptr), shape=(len(blocks) * rows, len(blocks) * columns))
