"""What each ONNX operation does to tensors that are affine functions of units: its own affine map, or new units."""

import numpy as np
from scipy import sparse

from eisim.adapter.activations import LeakyReLU, Tanh
from eisim.adapter.affine import Affine, NetworkBuilder, bounded, convolution, windows
from eisim.errors import InputError
from eisim.neurons import Logistic, Saturating, Step, ThresholdLinear

LARGEST_KERNEL = 4096  # places
#: Formats of numbers that a cast may lead to: what is whole or truth would be rounded.
FRACTIONAL = {"FLOAT", "DOUBLE", "FLOAT16", "BFLOAT16"}


class Operations:
    """Operations as methods of their names in lower case: (name of the node, attributes, inputs) to output or outputs.

    Inputs are `Affine` tensors or constant arrays, at least one of them a tensor.

    Attributes
    ----------
    builder : NetworkBuilder
        Which the units of activations are added to.
    batch : int
        Samples at a time that the file is made for, if it is made for one number of them only, else 0.
    """

    def __init__(self, builder: NetworkBuilder, batch: int = 0):
        self.builder, self.batch = builder, batch

    def _fixed(self, what, value):
        if isinstance(value, Affine):
            raise InputError(
                f"expected {what} to be constant, found one that depends on the input; "
                "products of activities, as in attention, cannot be mapped"
            )
        return value

    # Linear operations.

    def matmul(self, name, _, a, b):
        if not isinstance(a, Affine):
            raise InputError("expected the input times a constant, found the reverse")
        b = np.asarray(self._fixed("the second factor", b), dtype=float)
        if b.ndim != 2 or a.shape[-1] != b.shape[0]:
            raise InputError(f"expected a matrix of {a.shape[-1]} rows, found shape {b.shape}")
        rows = a.size // max(1, b.shape[0])
        bounded((rows, *b.shape))
        matrix = sparse.kron(sparse.eye_array(rows), sparse.csr_array(b), format="csr")
        return a.times(matrix, (*a.shape[:-1], b.shape[1]))

    def gemm(self, name, attributes, a, b, c=None):
        if attributes.get("transA"):
            raise InputError("expected transA 0, found 1: samples are rows")
        b = np.asarray(self._fixed("the second factor", b), dtype=float)
        b = (b.T if attributes.get("transB") else b) * attributes.get("alpha", 1.0)
        result = self.matmul(name, {}, a, b)
        return result if c is None else self.add(name, {}, result, np.asarray(c) * attributes.get("beta", 1.0))

    def add(self, name, _, a, b):
        return a.plus(b) if isinstance(a, Affine) else b.plus(a)

    def sum(self, name, _, *values):
        total = values[0]
        for value in values[1:]:
            total = self.add(name, {}, total, value)
        return total

    def sub(self, name, _, a, b):
        if isinstance(b, Affine):
            return b.scaled(np.array(-1.0)).plus(a)
        return a.plus(-np.asarray(b))

    def neg(self, name, _, a):
        return a.scaled(np.array(-1.0))

    def mul(self, name, _, a, b):
        a, b = (a, b) if isinstance(a, Affine) else (b, a)
        return a.scaled(self._fixed("one factor", b))

    def div(self, name, _, a, b):
        return a.scaled(1 / np.asarray(self._fixed("the divisor", b), dtype=float))

    def scaler(self, name, attributes, x):
        return x.plus(-np.asarray(attributes["offset"])).scaled(np.asarray(attributes["scale"]))

    def linearclassifier(self, name, attributes, x):
        """Scikit-learn's: the label, which is left out, and a score for each class."""
        scores = self.linearregressor(name, attributes, x)
        transform = attributes.get("post_transform", b"NONE").decode()
        if transform not in ("NONE", "SOFTMAX", "LOGISTIC"):
            raise InputError(f"expected scores, a softmax or logistic of them, found {transform}")
        return [None, self.sigmoid(name, {}, scores) if transform == "LOGISTIC" else scores]

    def linearregressor(self, name, attributes, x):
        intercepts = np.asarray(attributes["intercepts"])
        weights = np.asarray(attributes["coefficients"]).reshape(len(intercepts), -1)
        return self.add(name, {}, self.matmul(name, {}, x, weights.T), intercepts)

    def batchnormalization(self, name, attributes, x, scale, shift, mean, variance):
        if attributes.get("training_mode"):
            raise InputError("expected training_mode 0, found 1")
        if any(np.shape(each) != x.shape[1:2] for each in (scale, shift, mean, variance)):
            raise InputError(f"expected parameters for {x.shape[1]} channels, found {np.shape(scale)}")
        factor = scale / np.sqrt(variance + attributes.get("epsilon", 1e-5))
        shape = (1, -1, *[1] * (len(x.shape) - 2))
        return x.scaled(factor.reshape(shape)).plus((shift - mean * factor).reshape(shape))

    def _space(self, attributes, x, kernel):
        """Strides, pads and dilations of a convolution or pooling."""
        n = len(x.shape) - 2
        strides, dilations = attributes.get("strides", [1] * n), attributes.get("dilations", [1] * n)
        if {len(strides), len(dilations), len(kernel)} != {n}:
            raise InputError(f"expected strides, dilations and kernel of {n} dimensions, found others")
        if min(*strides, *dilations, *kernel, 1) < 1:
            raise InputError("expected positive strides, dilations and kernel, found others")
        auto = attributes.get("auto_pad", b"NOTSET").decode()
        if auto in ("SAME_UPPER", "SAME_LOWER"):
            spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilations, strict=True)]
            missing = [
                max(0, (-(-size // s) - 1) * s + span - size)
                for size, s, span in zip(x.shape[2:], strides, spans, strict=True)
            ]
            less = [m // 2 for m in missing]
            more = [m - k for m, k in zip(missing, less, strict=True)]
            pads = list(zip(less, more, strict=True) if auto == "SAME_UPPER" else zip(more, less, strict=True))
        else:
            given = attributes.get("pads", [0] * 2 * n)
            pads = list(zip(given[:n], given[n:], strict=True))
        if min(map(min, pads), default=0) < 0 or max(map(max, pads), default=0) > 10_000:
            raise InputError(f"expected pads from 0 to 10,000, found {pads}")
        if np.prod([float(k) for k in kernel]) > LARGEST_KERNEL:
            raise InputError(f"expected a kernel of at most {LARGEST_KERNEL} places, found {kernel}")
        if attributes.get("ceil_mode"):
            if attributes.get("count_include_pad"):
                raise InputError("expected ceil_mode 0 where the padding counts, found 1")
            for k, (size, s) in enumerate(zip(x.shape[2:], strides, strict=True)):
                before, after = pads[k]
                span = dilations[k] * (kernel[k] - 1) + 1
                last = -(-(size + before + after - span) // s) * s  # where the last window begins
                last -= s * (last >= size + before)  # none lies wholly in the padding
                pads[k] = before, max(after, last + span - size - before)
        return strides, pads, dilations

    def conv(self, name, attributes, x, kernel, bias=None):
        kernel = np.asarray(self._fixed("the kernel", kernel), dtype=float)
        space = self._space(attributes, x, kernel.shape[2:])
        return convolution(x, kernel, bias, *space, attributes.get("group", 1))

    def convtranspose(self, name, attributes, x, kernel, bias=None):
        """The transpose of the convolution that leads from the output's shape to the input's."""
        kernel = np.asarray(self._fixed("the kernel", kernel), dtype=float)
        if "output_shape" in attributes or attributes.get("auto_pad", b"NOTSET") != b"NOTSET":
            raise InputError("expected explicit pads, found automatic ones")
        groups = attributes.get("group", 1)
        strides, pads, dilations = self._space(attributes, x, kernel.shape[2:])
        extra = attributes.get("output_padding", [0] * len(pads))
        space = [
            (n - 1) * s + d * (k - 1) + 1 - sum(p) + e
            for n, s, d, k, p, e in zip(x.shape[2:], strides, dilations, kernel.shape[2:], pads, extra, strict=True)
        ]
        bounded((kernel.shape[0], *x.shape[2:], *kernel.shape[1:]))
        output = Affine.of_units("output", (1, kernel.shape[1] * groups, *space))
        forward = convolution(output, kernel, None, strides, pads, dilations, groups)
        result = x.times(forward.parts["output"].T.tocsr(), output.shape)
        return result if bias is None else result.plus(np.reshape(bias, (1, -1, *[1] * len(space))))

    def averagepool(self, name, attributes, x):
        kernel = attributes["kernel_shape"]
        space = self._space(attributes, x, kernel)
        one = np.ones(bounded((x.shape[1], 1, *kernel)))
        total = convolution(x, one, None, *space, x.shape[1])
        if attributes.get("count_include_pad"):
            return total.scaled(np.array(1 / np.prod(kernel)))
        seen = windows(x.shape, kernel, *space)
        counts = (seen >= 0).reshape(*seen.shape[: 1 + len(kernel)], -1).sum(axis=-1)
        return total.scaled(1 / counts[None])

    def globalaveragepool(self, name, _, x):
        return self.averagepool(name, {"kernel_shape": x.shape[2:]}, x)

    def reducemean(self, name, attributes, x, axes=None):
        total = self.reducesum(name, attributes, x, axes)
        return total.scaled(np.array(total.size / x.size))

    def reducesum(self, name, attributes, x, axes=None):
        axes = attributes.get("axes") if axes is None else np.asarray(axes).tolist()
        axes = [a % len(x.shape) for a in (axes or range(1, len(x.shape)))]
        if 0 in axes:
            raise InputError("expected a sum or mean within each sample, found one over the batch")
        index = np.arange(x.size).reshape(x.shape)
        kept = [a for a in range(len(x.shape)) if a not in axes]
        flat = index.transpose(*kept, *axes).reshape(int(np.prod([x.shape[a] for a in kept])), -1)
        entries = np.ones(flat.size), (flat.ravel(), np.repeat(np.arange(len(flat)), flat.shape[1]))
        shape = [1 if a in axes else n for a, n in enumerate(x.shape) if a in kept or attributes.get("keepdims", 1)]
        return x.times(sparse.csr_array(entries, (x.size, len(flat))), shape)

    # Operations that move elements.

    def reshape(self, name, _, x, shape):
        shape = [x.shape[k] if n == 0 else int(n) for k, n in enumerate(np.asarray(shape).tolist())]
        if self.batch > 1 and shape[0] == self.batch:  # a file for batches of one size only
            shape[0] = 1
        return x.rearrange(lambda index: index.reshape(shape))

    def flatten(self, name, attributes, x):
        axis = attributes.get("axis", 1)
        return x.rearrange(lambda index: index.reshape(int(np.prod(x.shape[:axis])), -1))

    def transpose(self, name, attributes, x):
        return x.rearrange(lambda index: index.transpose(attributes.get("perm")))

    def squeeze(self, name, attributes, x, axes=None):
        axes = attributes.get("axes") if axes is None else np.asarray(axes).tolist()
        return x.rearrange(lambda index: index.squeeze(None if axes is None else tuple(axes)))

    def unsqueeze(self, name, attributes, x, axes=None):
        axes = attributes.get("axes") if axes is None else np.asarray(axes).tolist()
        return x.rearrange(lambda index: np.expand_dims(index, tuple(axes)))

    def slice(self, name, attributes, x, starts=None, ends=None, axes=None, steps=None):
        starts, ends = (attributes[k] if v is None else np.asarray(v) for k, v in (("starts", starts), ("ends", ends)))
        axes = attributes.get("axes", range(len(starts))) if axes is None else np.asarray(axes)
        steps = np.ones(len(starts)) if steps is None else np.asarray(steps)
        place = [slice(None)] * len(x.shape)
        for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
            place[axis] = slice(int(start), int(end), int(step))
        return x.rearrange(lambda index: index[tuple(place)])

    def gather(self, name, attributes, x, indices):
        indices = self._fixed("the indices", indices)
        axis = attributes.get("axis", 0)
        bounded((np.size(indices), x.size // max(1, x.shape[axis])))
        return x.rearrange(lambda index: np.take(index, indices, axis=axis))

    def expand(self, name, _, x, shape):
        return x.scaled(np.ones(bounded(self._fixed("the shape", shape))))

    def pad(self, name, attributes, x, pads=None, value=None, axes=None):
        mode = attributes.get("mode", b"constant").decode()
        pads = np.asarray(attributes["pads"] if pads is None else self._fixed("the pads", pads)).reshape(2, -1)
        if pads.min(initial=0) < 0 or pads.max(initial=0) > 10_000 or mode not in ("constant", "edge", "reflect"):
            raise InputError(f"expected pads of 0 or more, found {pads.ravel().tolist()} ({mode})")
        widths = np.zeros((len(x.shape), 2), dtype=int)
        widths[slice(None) if axes is None else np.asarray(axes)] = pads.T
        bounded(np.asarray(x.shape) + widths.sum(axis=1))
        if mode != "constant":
            return x.rearrange(lambda index: np.pad(index, widths, mode=mode))
        value = attributes.get("value", 0.0) if value is None else np.ravel(value)[0]
        outside = np.pad(np.zeros(x.shape), widths, constant_values=float(value))
        return x.rearrange(lambda index: np.pad(index, widths, constant_values=-1)).plus(outside)

    def split(self, name, attributes, x, sizes=None):
        axis = attributes.get("axis", 0)
        if (sizes := attributes.get("split") if sizes is None else np.asarray(sizes).tolist()) is None:
            each = -(-x.shape[axis] // attributes["num_outputs"])
            sizes = [each] * (attributes["num_outputs"] - 1)
            sizes.append(x.shape[axis] - sum(sizes))
        edges = np.cumsum(sizes)[:-1]
        indices = np.split(np.arange(x.size).reshape(x.shape), edges, axis)
        return [x.take(index) for index in indices]

    def concat(self, name, attributes, *values):
        axis = attributes["axis"]
        shape = list(values[0].shape)
        shape[axis] = sum(v.shape[axis] for v in values)
        bounded((len(values), *shape))  # each is spread over the whole
        start, total = 0, None
        for value in values:
            index = np.full(shape, -1)
            place = [slice(None)] * len(shape)
            place[axis] = slice(start, start + value.shape[axis])
            value = value if isinstance(value, Affine) else Affine(value.shape, {}, np.ravel(value).astype(float))
            index[tuple(place)] = np.arange(value.size).reshape(value.shape)
            part = value.take(index)
            total = part if total is None else total.plus(part)
            start = place[axis].stop
        return total

    def identity(self, name, _, x, *__):
        return x

    dropout = identity

    def cast(self, name, attributes, x):
        from onnx import TensorProto

        to = TensorProto.DataType.Name(attributes["to"])
        if to not in FRACTIONAL:
            raise InputError(f"expected activities to stay fractional, found a cast to {to}")
        return x

    def shape(self, name, _, x):
        return np.array(x.shape)

    # Activations.

    def relu(self, name, _, x):
        return self.builder.activate(name, x, ThresholdLinear())

    def leakyrelu(self, name, attributes, x):
        slope = float(attributes.get("alpha", 0.01))
        return self.builder.activate(name, x, LeakyReLU(slope))

    def prelu(self, name, _, x, slope):
        slope = np.asarray(self._fixed("the slope", slope), dtype=float)
        return x.scaled(slope).plus(self.builder.activate(name, x, ThresholdLinear()).scaled(1 - slope))

    def sigmoid(self, name, _, x):
        return self.builder.activate(name, x, Logistic(slope=1.0, maximum=1.0))

    def tanh(self, name, _, x):
        return self.builder.activate(name, x, Tanh())

    def hardsigmoid(self, name, attributes, x):
        gain, offset = attributes.get("alpha", 0.2), attributes.get("beta", 0.5)
        return self.builder.activate(name, x, Saturating(gain=gain, threshold=-offset / gain, maximum=1.0))

    def clip(self, name, attributes, x, low=None, high=None):
        low = attributes.get("min") if low is None else float(np.ravel(low)[0])
        high = attributes.get("max") if high is None else float(np.ravel(high)[0])
        if low is None or high is None:
            below = x if low is None else self.max(name, {}, x, np.array(low))
            return below if high is None else self.min(name, {}, below, np.array(high))
        if not low < high:
            raise InputError(f"expected a lower and an upper bound, found {low} and {high}")
        unit = self.builder.activate(name, x.plus(-low), Saturating(maximum=high - low))
        return unit.plus(low)

    def greater(self, name, _, a, b):
        """A truth value is a unit of rate 0 or 1."""
        return self.builder.activate(name, self.sub(name, {}, a, b), Step(maximum=1.0))

    def less(self, name, _, a, b):
        return self.greater(name, {}, b, a)

    def greaterorequal(self, name, _, a, b):
        return self.sub(name, {}, np.array(1.0), self.less(name, {}, a, b))

    def lessorequal(self, name, _, a, b):
        return self.sub(name, {}, np.array(1.0), self.greater(name, {}, a, b))

    def sign(self, name, _, x):
        above, below = (
            self.greater(f"{name}_{k}", {}, side, np.array(0.0)) for k, side in enumerate((x, self.neg(name, {}, x)))
        )
        return self.sub(name, {}, above, below)

    def where(self, name, _, condition, a, b):
        if not isinstance(condition, Affine):
            raise InputError("expected a condition that depends on the input, found a constant")
        a, b = (np.asarray(self._fixed("what is chosen from", value), dtype=float) for value in (a, b))
        return condition.scaled(a - b).plus(b)

    def max(self, name, _, a, b):
        if not isinstance(a, Affine) or not isinstance(b, Affine):
            a, b = (a, b) if isinstance(a, Affine) else (b, a)
            return self.builder.activate(name, a.plus(-np.asarray(b)), ThresholdLinear()).plus(b)
        return self.builder.maximum(name, [a, b])

    def min(self, name, _, a, b):
        opposite = (value.scaled(np.array(-1.0)) if isinstance(value, Affine) else -value for value in (a, b))
        return self.max(name, {}, *opposite).scaled(np.array(-1.0))

    def maxpool(self, name, attributes, x):
        kernel = attributes["kernel_shape"]
        seen = windows(x.shape, kernel, *self._space(attributes, x, kernel))
        seen = seen.reshape(*seen.shape[: 1 + len(kernel)], -1)
        if not (seen >= 0).any(axis=-1).all():
            raise InputError("expected no window that lies wholly in the padding, found one")
        inside = np.take_along_axis(seen, (seen >= 0).argmax(axis=-1)[..., None], axis=-1)
        self.builder.spend(seen.shape[-1] * x.cost)  # each place of the window takes all of it
        seen = np.where(seen >= 0, seen, inside)[None]  # the padding never wins: a place's own element stands for it
        return self.builder.maximum(name, [x.take(seen[..., k]) for k in range(seen.shape[-1])])

    def globalmaxpool(self, name, _, x):
        return self.maxpool(name, {"kernel_shape": x.shape[2:]}, x)

    def softmax(self, name, attributes, x):
        return x

    logsoftmax = softmax
