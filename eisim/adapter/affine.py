"""Values on the way through a network, as affine functions of the units before: every linear operation is one."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from eisim.adapter.static import DNN, Layer
from eisim.errors import InputError
from eisim.neurons import ThresholdLinear

#: More elements than this in one tensor are refused.
LARGEST = 20_000_000


def bounded(shape) -> tuple[int, ...]:
    """The shape, if a tensor of it is not too large."""
    if np.prod([float(n) for n in shape]) > LARGEST:
        raise InputError(f"expected a tensor of at most {LARGEST:,} elements, found shape {tuple(shape)}")
    return tuple(int(n) for n in shape)


@dataclass(frozen=True, eq=False)
class Affine:
    """A tensor whose elements are affine functions of units.

    Attributes
    ----------
    shape : tuple of int
        Of one sample, with a first axis of 1 for the batch.
    parts : dict of str to sparse array
        By layer (or input) the weights, its size × elements.
    constant : ndarray of shape (elements,)
    """

    shape: tuple[int, ...]
    parts: dict[str, sparse.csr_array]
    constant: np.ndarray

    @property
    def size(self) -> int:
        return len(self.constant)

    @classmethod
    def of_units(cls, name: str, shape) -> "Affine":
        """The units of a layer themselves."""
        size = int(np.prod(bounded(shape)))
        return cls(tuple(shape), {name: sparse.eye_array(size, format="csr")}, np.zeros(size))

    def take(self, index: np.ndarray) -> "Affine":
        """Elements at flat indices, in the shape of `index`; -1 is zero."""
        flat = np.asarray(index).ravel()
        inside = flat >= 0
        chosen = (np.ones(inside.sum()), (flat[inside], np.flatnonzero(inside)))
        return self.times(sparse.csr_array(chosen, (self.size, flat.size)), np.shape(index))

    def rearrange(self, change: Callable[[np.ndarray], np.ndarray]) -> "Affine":
        """What a function that only moves elements makes of it, such as a transposition."""
        return self.take(change(np.arange(self.size).reshape(self.shape)))

    def times(self, matrix: sparse.csr_array, shape) -> "Affine":
        """The flat tensor times a matrix (elements × new elements), in a new shape."""
        parts = {name: (part @ matrix).tocsr() for name, part in self.parts.items()}
        return Affine(tuple(shape), parts, self.constant @ matrix)

    def scaled(self, factor: np.ndarray) -> "Affine":
        """Times a constant array, broadcast."""
        shape = bounded(np.broadcast_shapes(self.shape, np.shape(factor)))
        wide = self if shape == self.shape else self.rearrange(lambda index: np.broadcast_to(index, shape))
        return wide.times(sparse.diags_array(np.broadcast_to(factor, shape).ravel(), format="csr"), shape)

    def plus(self, other) -> "Affine":
        """The sum with a constant array or another tensor, broadcast."""
        if not isinstance(other, Affine):
            other = Affine(np.shape(other), {}, np.ravel(np.asarray(other, dtype=float)))
        shape = bounded(np.broadcast_shapes(self.shape, other.shape))
        a, b = (
            t if t.shape == shape else t.rearrange(lambda index: np.broadcast_to(index, shape)) for t in (self, other)
        )
        parts = dict(a.parts)
        for name, part in b.parts.items():
            parts[name] = parts[name] + part if name in parts else part
        return Affine(shape, parts, a.constant + b.constant)


class NetworkBuilder:
    """Collects the layers of a DNN while its operations are read one after another."""

    def __init__(self, inputs: dict[str, tuple[int, ...]]):
        self.inputs = tuple((name, int(np.prod(shape)), 1.0) for name, shape in inputs.items())
        self.layers: list[Layer] = []

    def activate(self, name: str, value: Affine, activation) -> Affine:
        """A layer of units with an activation, and their outputs."""
        self.layers.append(Layer(name, value.size, tuple(value.parts.items()), value.constant, activation))
        return Affine.of_units(name, value.shape)

    def maximum(self, name: str, values: list[Affine]) -> Affine:
        """The elementwise maximum, of two at a time: max(a, b) = b + [a - b]+."""
        step = 0
        while len(values) > 1:
            a, b = values[0], values[1]
            excess = self.activate(f"{name}_{step}", a.plus(b.scaled(np.array(-1.0))), ThresholdLinear())
            values, step = [*values[2:], b.plus(excess)], step + 1
        return values[0]

    def network(self, outputs: list[tuple[str, float]], name: str) -> DNN:
        """The DNN."""
        return DNN(self.inputs, tuple(self.layers), tuple(outputs), recurrent=False, name=name)


def windows(shape, kernel, strides, pads, dilations) -> np.ndarray:
    """Flat indices that a convolution or pooling sees.

    Parameters
    ----------
    shape : tuple of int
        Batch (1), channels, then space.
    kernel, strides, dilations : sequence of int
        One for each axis of space.
    pads : sequence of (int, int)
        Before and after, for each axis of space.

    Returns
    -------
    ndarray of int, shape (channels, *places, *kernel)
        -1 in the padding.
    """
    index = np.arange(int(np.prod(shape[1:]))).reshape(shape[1:])
    bounded([shape[1], *(n + a + b for n, (a, b) in zip(shape[2:], pads, strict=True))])
    index = np.pad(index, [(0, 0), *pads], constant_values=-1)
    spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilations, strict=True)]
    axes = tuple(range(1, len(kernel) + 1))
    seen = np.lib.stride_tricks.sliding_window_view(index, spans, axis=axes)
    places = tuple(slice(None, None, s) for s in strides)
    within = tuple(slice(None, None, d) for d in dilations)
    seen = seen[(slice(None), *places, *within)]
    bounded(seen.shape)
    return seen


def convolution(value: Affine, kernel: np.ndarray, bias, strides, pads, dilations, groups: int) -> Affine:
    """A convolution in any number of dimensions: `kernel` is outputs × inputs of a group × space."""
    outputs, per_group = kernel.shape[:2]
    seen = windows(value.shape, kernel.shape[2:], strides, pads, dilations)
    places = seen.shape[1 : 1 + kernel.ndim - 2]
    n_places, n_taps = int(np.prod(places)), int(np.prod(kernel.shape[2:]))
    seen = seen.reshape(groups, per_group, n_places, n_taps)
    rows, columns, data = [], [], []
    for output in range(outputs):
        taps = seen[output * groups // outputs]  # inputs of the group × places × taps
        weight = np.broadcast_to(kernel[output].reshape(per_group, 1, n_taps), taps.shape)
        column = np.broadcast_to(output * n_places + np.arange(n_places)[:, None], taps.shape)
        inside = taps >= 0
        rows.append(taps[inside])
        columns.append(column[inside])
        data.append(weight[inside])
    entries = (np.concatenate(data), (np.concatenate(rows), np.concatenate(columns)))
    result = value.times(sparse.csr_array(entries, (value.size, outputs * n_places)), (1, outputs, *places))
    return result if bias is None else result.plus(np.reshape(bias, (1, -1, *[1] * len(places))))
