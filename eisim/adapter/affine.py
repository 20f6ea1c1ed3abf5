"""Values on the way through a network, as affine functions of the units before: every linear operation is one."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from eisim.adapter.names import Unused
from eisim.adapter.static import DNN, Layer
from eisim.base.errors import InputError
from eisim.neurons import ThresholdLinear

#: More elements in one tensor, or products of weights in one matrix product, are refused.
LARGEST = 20_000_000
#: More connections in one network.
LARGEST_NETWORK = 50_000_000
#: More elements and weights that all operations on the way to a network read and make.
LARGEST_EFFORT = 200_000_000
#: What an operation on a matrix costs whatever its size, as so many elements.
OVERHEAD = 2_000


def bounded(shape, largest: int = LARGEST) -> tuple[int, ...]:
    """The shape, if a tensor of it is not too large."""
    if np.prod([float(n) for n in shape]) > largest:
        raise InputError(f"expected a tensor of at most {largest:,} elements, found shape {tuple(map(int, shape))}")
    if any(n < 0 for n in shape):
        raise InputError(f"expected a shape of 0 or more, found {tuple(map(int, shape))}")
    return tuple(int(n) for n in shape)


def finite(array: np.ndarray) -> np.ndarray:
    """The array, if all its numbers are finite."""
    if not np.isfinite(array).all():
        raise InputError(f"expected finite numbers, found {array[~np.isfinite(array)].flat[0]}")
    return array


@dataclass(frozen=True, eq=False)
class Affine:
    """A tensor whose elements are affine functions of units."""

    shape: tuple[int, ...]  # of one sample, with a first axis of 1 for the batch
    parts: dict[str, sparse.csr_array]  # by layer (or input) the weights, its size × elements
    constant: np.ndarray  # (elements,)

    def __post_init__(self):
        if np.prod(bounded(self.shape)) != len(self.constant):
            raise InputError(f"expected {len(self.constant):,} elements, found shape {tuple(self.shape)}")
        for array in (self.constant, *(part.data for part in self.parts.values())):
            finite(array)

    @property
    def size(self) -> int:
        return len(self.constant)

    @property
    def connections(self) -> int:
        return sum(part.nnz for part in self.parts.values())

    @property
    def cost(self) -> int:
        """What it takes to read or make this tensor, in elements."""
        return self.size + self.connections + OVERHEAD * (1 + len(self.parts))

    @classmethod
    def of_units(cls, name: str, shape) -> "Affine":
        size = int(np.prod(bounded(shape)))
        return cls(tuple(shape), {name: sparse.eye_array(size, format="csr")}, np.zeros(size))

    def values(self, rates: dict[str, np.ndarray], samples: int) -> np.ndarray:
        """The elements (samples × elements) given the rates of the units."""
        total = np.broadcast_to(self.constant, (samples, self.size))
        for name, part in self.parts.items():
            total = total + rates[name] @ part
        return total

    def summed(self, indices: np.ndarray, shape) -> "Affine":
        """Sums of elements at flat indices (sums × elements of each), in a new shape; -1 is zero."""
        inside = indices >= 0
        entries = np.ones(inside.sum()), (indices[inside], np.nonzero(inside)[0])
        return self.times(sparse.csr_array(entries, (self.size, len(indices))), shape)

    def take(self, index: np.ndarray) -> "Affine":
        """Elements at flat indices, in the shape of `index`; -1 is zero."""
        return self.summed(np.reshape(index, (-1, 1)), np.shape(index))

    def rearrange(self, change: Callable[[np.ndarray], np.ndarray]) -> "Affine":
        """What a function that only moves elements makes of it, such as a transposition."""
        return self.take(change(np.arange(self.size).reshape(self.shape)))

    def padded(self, widths) -> "Affine":
        """With zeros before and after, so many for each axis."""
        return self.rearrange(lambda index: np.pad(index, widths, constant_values=-1))

    def times(self, matrix: sparse.csr_array, shape) -> "Affine":
        """The flat tensor times a matrix (elements × new elements), in a new shape."""
        targets = np.diff(matrix.indptr)  # of each element
        for part in self.parts.values():
            products = int(np.bincount(part.indices, minlength=self.size) @ targets)
            if products > LARGEST:
                raise InputError(f"expected a matrix product of at most {LARGEST:,} products, found {products:,}")
        parts = {name: (part @ matrix).tocsr() for name, part in self.parts.items()}
        return Affine(tuple(shape), parts, self.constant @ matrix)

    def widened(self, shape) -> "Affine":
        """Broadcast against a shape, within each sample."""
        try:
            wide = np.broadcast_shapes(self.shape, shape)
        except ValueError:
            raise InputError(f"expected shapes that fit each other, found {self.shape} and {tuple(shape)}") from None
        shape = bounded(wide)
        if shape == self.shape:
            return self
        batch = len(shape) - len(self.shape)
        if self.shape and shape[: batch + 1] != (1,) * batch + self.shape[:1]:
            raise InputError(f"expected shapes that leave the batch axis as it is, found {self.shape} to {shape}")
        return self.rearrange(lambda index: np.broadcast_to(index, shape))

    def __mul__(self, factor) -> "Affine":
        """Times a constant array or number, broadcast."""
        wide = self.widened(np.shape(factor))
        factors = np.broadcast_to(factor, wide.shape).ravel().astype(float)
        return wide.times(sparse.diags_array(factors, format="csr"), wide.shape)

    def __neg__(self) -> "Affine":
        return self * -1.0

    def __sub__(self, other: "Affine") -> "Affine":
        return -other + self

    def __rsub__(self, other) -> "Affine":
        return -self + other

    def __add__(self, other) -> "Affine":
        """The sum with a constant array or number or another tensor, broadcast."""
        if not isinstance(other, Affine):
            a = self.widened(np.shape(other))
            return Affine(a.shape, a.parts, a.constant + np.broadcast_to(other, a.shape).ravel().astype(float))
        a, b = self.widened(other.shape), other.widened(self.shape)
        parts = dict(a.parts)
        for name, part in b.parts.items():
            parts[name] = parts[name] + part if name in parts else part
        return Affine(a.shape, parts, a.constant + b.constant)

    __radd__, __rmul__ = __add__, __mul__
    __array_ufunc__ = None  # which leaves sums and products with an array on the left to these


class NetworkBuilder:
    """Collects the layers of a DNN while its operations are read, within bounds of size and effort."""

    def __init__(self, inputs: dict[str, tuple[int, ...]]):
        self.inputs = tuple((name, int(np.prod(shape)), 1.0) for name, shape in inputs.items())
        self.layers: list[Layer] = []
        self.unused = Unused(inputs)
        self.connections = self.effort = 0

    def spend(self, cost: int) -> None:
        """Count effort, in elements; too much of it is refused before it is made."""
        self.effort += cost
        if self.effort > LARGEST_EFFORT:
            raise InputError(f"expected a network that takes at most {LARGEST_EFFORT:,} elements to build, found more")

    def activate(self, name: str, value: Affine, activation, subtracted: Affine | None = None) -> Affine:
        """A layer of units with an activation, and their outputs; a number makes the name its own.

        What is subtracted in the value of a layer that takes a maximum is kept beside it.
        """
        self.spend(value.cost)
        self.connections += value.connections
        if self.connections > LARGEST_NETWORK:
            raise InputError(f"expected a network of at most {LARGEST_NETWORK:,} connections, found more")
        name = self.unused(name)
        minus = tuple(subtracted.parts.items()) if subtracted is not None else ()
        self.layers.append(Layer(name, value.size, tuple(value.parts.items()), value.constant, activation, minus))
        return Affine.of_units(name, value.shape)

    def maximum(self, name: str, values: list[Affine]) -> Affine:
        """The elementwise maximum, of two at a time: max(a, b) = b + [a - b]+."""
        for step in range(len(values) - 1):
            a, b, *rest = values
            values = [*rest, b + self.activate(f"{name}_{step}", a + -b, ThresholdLinear(), subtracted=b)]
        return values[0]

    def layer(self, name: str) -> Layer | None:
        """The layer of that name, if there is one; the input is none."""
        return next((layer for layer in self.layers if layer.name == name), None)

    def network(self, outputs: list[tuple[str, float]], name: str) -> DNN:
        """The DNN of the layers that the outputs depend on."""
        needed = {output for output, _ in outputs}
        for layer in reversed(self.layers):
            if layer.name in needed:
                needed |= {source for source, _ in layer.incoming}
        layers = tuple(layer for layer in self.layers if layer.name in needed)
        return DNN(self.inputs, layers, tuple(outputs), recurrent=False, name=name)


def windows(shape, kernel, strides, pads, dilations) -> np.ndarray:
    """Flat indices that a convolution or pooling sees (channels, *places, *kernel), -1 in the padding.

    The shape is batch (1), channels, then space; kernel, strides, pads (before and after) and dilations are by axis of
    space.
    """
    index = np.arange(int(np.prod(shape[1:])), dtype=np.int32).reshape(shape[1:])
    bounded([shape[1], *(n + a + b for n, (a, b) in zip(shape[2:], pads, strict=True))])
    index = np.pad(index, [(0, 0), *pads], constant_values=-1)
    spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilations, strict=True)]
    axes = tuple(range(1, len(kernel) + 1))
    seen = np.lib.stride_tricks.sliding_window_view(index, spans, axis=axes)
    steps = (slice(None, None, step) for step in (*strides, *dilations))
    seen = seen[(slice(None), *steps)]
    bounded(seen.shape)
    return seen


def convolution(value: Affine, kernel: np.ndarray, bias, strides, pads, dilations, groups: int) -> Affine:
    """A convolution in any number of dimensions, otherwise as `windows`.

    The kernel is outputs × inputs of a group × space, the bias (outputs,) or None; each group has its share of the
    channels and of the outputs.
    """
    outputs, per_group, *taps = kernel.shape
    if groups < 1 or outputs % groups or value.shape[1] != per_group * groups:
        raise InputError(f"expected {value.shape[1]} channels in whole groups, found shape {kernel.shape} in {groups}")
    if bias is not None and np.shape(bias) != (outputs,):
        raise InputError(f"expected a bias for each of {outputs} outputs, found shape {np.shape(bias)}")
    seen = windows(value.shape, taps, strides, pads, dilations)
    places = seen.shape[1 : 1 + len(taps)]
    n_places, n_taps = int(np.prod(places)), int(np.prod(taps))
    shape = bounded((groups, outputs // groups, per_group, n_places, n_taps))
    source = np.broadcast_to(seen.reshape(groups, 1, per_group, n_places, n_taps), shape)
    inside = source >= 0
    weight = np.broadcast_to(kernel.reshape(groups, outputs // groups, per_group, 1, n_taps), shape)[inside]
    target = np.arange(outputs * n_places, dtype=np.int32).reshape(groups, -1, 1, n_places, 1)
    entries = (weight, (source[inside], np.broadcast_to(target, shape)[inside]))
    result = value.times(sparse.csr_array(entries, (value.size, outputs * n_places)), (1, outputs, *places))
    return result if bias is None else result + np.reshape(bias, (1, -1, *[1] * len(places)))
