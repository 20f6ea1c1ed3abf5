"""What each ONNX operation does to tensors that are affine functions of units: its own affine map, or new units."""

from dataclasses import dataclass
from functools import partialmethod, reduce
from operator import add

import numpy as np
from scipy import sparse

from eisim.adapter.activations import LeakyReLU, Tanh
from eisim.adapter.affine import Affine, NetworkBuilder, bounded, convolution, windows
from eisim.adapter.static import Layer
from eisim.base.errors import InputError
from eisim.neurons import ExponentialLinear, Logistic, Saturating, Softplus, Step, ThresholdLinear

LARGEST_KERNEL = 4096  # places
LARGEST_PAD = 10_000
#: Above its threshold by so many of its scales a softplus is a line, to 1e-6 of its scale.
FAR_UP = 14
#: Formats of numbers that a cast may lead to, by ONNX's numbers for them: what is whole or truth would be rounded.
FRACTIONAL = {"FLOAT": 1, "FLOAT16": 10, "DOUBLE": 11, "BFLOAT16": 16}
#: Operations that may prepare constants: what each makes takes no more time than its size says.
FOLDED = {
    "Abs", "Add", "And", "Cast", "CastLike", "Ceil", "Clip", "Concat", "Constant", "ConstantOfShape", "Div",
    "Equal", "Exp", "Expand", "Flatten", "Floor", "Gather", "Gemm", "Greater", "GreaterOrEqual", "Identity", "Less",
    "LessOrEqual", "Log", "MatMul", "Max", "Min", "Mod", "Mul", "Neg", "Not", "Or", "Pow", "Range", "Reciprocal",
    "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum", "Relu", "Reshape", "Shape", "Sigmoid",
    "Sign", "Size", "Slice", "Split", "Sqrt", "Squeeze", "Sub", "Sum", "Tanh", "Tile", "Transpose", "Unsqueeze",
    "Where", "Xor",
}  # fmt: skip
#: What is left out at the end, if it takes all outputs of a sample.
LEFT_OUT = {"Softmax", "LogSoftmax", "Normalizer"}
#: Attributes that change nothing for what is read; any "norm" divides by a number that is not negative.
WITHOUT_EFFECT = {
    "consumed_inputs", "momentum", "multi_class", "norm", "round_mode", "saturate", "seed", "select_last_index",
    "storage_order",
}  # fmt: skip
#: Defaults of attributes, in the precision that those of a file have.
EPSILON, SLOPE, GAIN, SELU_ALPHA, SELU_GAMMA = np.float32(
    [1e-5, 0.01, 0.2, 1.67326319217681884765625, 1.05070102214813232421875]
).tolist()
#: Why an operation cannot be mapped, where more can be said than that.
REASONS = {
    "Gelu": "torch.nn.GELU decreases for some inputs",
    "Erf": "exporters write it as a part of torch.nn.GELU, which decreases for some inputs",
    "Pow": "powers, as in torch.nn.GELU(approximate='tanh') and torch.nn.LayerNorm, are none of its activations",
    "Swish": "torch.nn.SiLU decreases for some inputs",
    "SwiGLU": "it multiplies activities, and its torch.nn.SiLU decreases for some inputs",
    "Mish": "torch.nn.Mish decreases for some inputs",
    "HardSwish": "torch.nn.Hardswish decreases for some inputs",
    "Shrink": "torch.nn.Softshrink and torch.nn.Hardshrink are none of its activations",
    "Softsign": "torch.nn.Softsign is none of its activations (torch.nn.Tanh is)",
    "ReduceProd": "it multiplies activities, as in scikit-learn's PolynomialFeatures",
    "Abs": "it decreases below 0; exporters write torch.nn.Softsign and torch.nn.Softshrink with it",
    "Log": "the logarithm is none of its activations; exporters write torch.nn.LogSigmoid with it",
    "Exp": "the exponential is none of its activations",
    "Hardmax": "it compares outputs, and is no pointwise activation",
    "LayerNormalization": "torch.nn.LayerNorm divides activities by their standard deviation",
    "RMSNormalization": "torch.nn.RMSNorm divides activities by their size",
    "GroupNormalization": "torch.nn.GroupNorm divides activities by their standard deviation",
    "InstanceNormalization": "torch.nn.InstanceNorm divides activities by their standard deviation",
    "MeanVarianceNormalization": "it divides activities by their standard deviation",
    "LpNormalization": "torch.nn.functional.normalize divides activities by their size",
    "LRN": "torch.nn.LocalResponseNorm divides activities by their size",
    "Attention": "attention (torch.nn.MultiheadAttention) multiplies activities",
    "LinearAttention": "attention multiplies activities",
    "RotaryEmbedding": "it is a part of attention, which multiplies activities",
    "LSTM": "torch.nn.LSTM multiplies activities, so that context changes the gain of a cell (T9)",
    "GRU": "torch.nn.GRU multiplies activities, so that context changes the gain of a cell (T9)",
    "TreeEnsemble": "decision trees are no network of units",
    "TreeEnsembleClassifier": "decision trees are no network of units",
    "TreeEnsembleRegressor": "decision trees are no network of units",
    "SVMClassifier": "a support vector machine with a kernel is no network of units (LinearSVC is)",
    "SVMRegressor": "a support vector machine with a kernel is no network of units (LinearSVR is)",
    "If": "a network has one course",
    **dict.fromkeys(("Loop", "Scan"), "a network has one course: write its steps out"),
    **dict.fromkeys(("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear"), "a quantised network rounds"),
    **dict.fromkeys(("QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger"), "a quantised network rounds"),
    **dict.fromkeys(("Resize", "Upsample"), "torch.nn.Upsample is not among its linear operations"),
}


@dataclass(frozen=True)
class LeftOut:
    """What a softmax, say, that is left out was applied to: nothing but its like, moves and labels may follow."""

    value: Affine
    what: str = "softmax"


@dataclass(frozen=True)
class Label:
    """The class of the largest of some scores: no number, so nothing but a name or an output may come of it."""

    scores: Affine


def _equal(a: Affine, b: Affine) -> bool:
    """Whether two tensors are the same functions, to rounding."""
    difference = a + -b
    largest = max(np.abs(part.data).max(initial=0) for each in (a, b) for part in each.parts.values())
    return all(
        np.abs(numbers).max(initial=0) <= 1e-9 * max(largest, np.abs(a.constant).max(initial=0))
        for numbers in (difference.constant, *(part.data for part in difference.parts.values()))
    )


def _above_0(what: str, number: float) -> float:
    if not number > 0:
        raise InputError(f"expected {what} above 0, found {number}")
    return number


@dataclass(frozen=True)
class Operations:
    """Operations as methods of their names in lower case, from inputs and attributes to an output or a list of them.

    Inputs are `Affine` tensors or constant arrays, at least one of them a tensor; those left out are None. Attributes
    are keywords, of the same name where an input was an attribute in older versions, but for those `WITHOUT_EFFECT`.
    """

    builder: NetworkBuilder
    batch: int  # samples at a time that the file is made for, if it is made for one number of them only, else 0
    version: int  # of ONNX's operations, which the file asks for ("opset")
    name: str  # of the node
    outputs: int  # how many it names

    def _units(self, x: Affine, activation) -> Affine:
        return self.builder.activate(self.name, x, activation)

    relu = partialmethod(_units, activation=ThresholdLinear())
    softplus = partialmethod(_units, activation=Softplus(scale=1.0))
    sigmoid = partialmethod(_units, activation=Logistic(slope=1.0, maximum=1.0))
    tanh = partialmethod(_units, activation=Tanh())

    def _fixed(self, what, value):
        if isinstance(value, Affine):
            raise InputError(
                f"expected {what} to be constant, found one that depends on the input; "
                "products of activities, as in attention, cannot be mapped"
            )
        return value

    def _numbers(self, what, value) -> np.ndarray:
        return np.asarray(self._fixed(what, value), dtype=float)

    def _list(self, what, value) -> list | None:
        return None if value is None else np.ravel(self._fixed(what, value)).tolist()

    def _axes(self, axes, rank, what="axes") -> list[int]:
        """Axes from 0."""
        axes = [int(a) for a in np.ravel(self._fixed("the axes", axes))]
        if any(not -rank <= a < rank for a in axes):
            raise InputError(f"expected {what} of a tensor of {rank} dimensions, found {axes}")
        axes = [a % rank for a in axes]
        if len(set(axes)) < len(axes):
            raise InputError(f"expected each axis once, found {axes}")
        return axes

    def _axis(self, axis, rank) -> int:
        return self._axes([axis], rank, "an axis")[0]

    def _within_samples(self, axes, x, what) -> None:
        """Refuse what reaches over several samples, where these can be along axis 0 only; else the comparison does."""
        if 0 in axes and self.batch != 1 and x.shape[:1] == (1,) and x.shape.count(1) == 1:
            raise InputError(f"expected {what} within each sample, found one over the batch axis of shape {x.shape}")

    # Linear operations.

    def matmul(self, a, b):
        if not isinstance(a, Affine):
            raise InputError("expected the input times a constant, found the reverse")
        b = self._numbers("the second factor", b)
        if b.ndim != 2 or a.shape[-1] != b.shape[0]:
            raise InputError(f"expected a matrix of {a.shape[-1]} rows, found shape {b.shape}")
        rows = a.size // max(1, b.shape[0])
        bounded((rows, *b.shape))
        matrix = sparse.kron(sparse.eye_array(rows), sparse.csr_array(b), format="csr")
        return a.times(matrix, (*a.shape[:-1], b.shape[1]))

    def gemm(self, a, b, c=None, alpha=1.0, beta=1.0, transA=0, transB=0, broadcast=0):
        """What `broadcast` once allowed always is allowed."""
        if transA:
            raise InputError("expected transA 0, found 1: samples are rows")
        b = self._numbers("the second factor", b)
        if len(a.shape) != 2:
            raise InputError(f"expected a matrix of samples, found shape {a.shape}")
        result = self.matmul(a, (b.T if transB else b) * alpha)
        return result if c is None else result + c * np.array(beta)

    def _aligned(self, a, b, broadcast, axis):
        """Before version 7 the second operand was broadcast from an axis on, if asked for."""
        if self.version >= 7 or not broadcast or axis is None:
            return b
        rank, size = len(a.shape), self._fixed("what is broadcast from an axis on", b).shape
        return np.reshape(b, (*size, *[1] * (rank - self._axis(axis, rank) - len(size))))

    def add(self, a, b, broadcast=0, axis=None):
        return a + self._aligned(a, b, broadcast, axis)

    def sum(self, *values):
        return reduce(add, values)

    def mean(self, *values):
        return self.sum(*values) * (1 / len(values))

    def sub(self, a, b, broadcast=0, axis=None):
        b = self._aligned(a, b, broadcast, axis)
        return a - b if isinstance(b, Affine) else a + -np.asarray(b, dtype=float)

    def neg(self, a):
        return -a if isinstance(a, Affine) else -np.asarray(a, dtype=float)

    def mul(self, a, b, broadcast=0, axis=None):
        """Products of activities are named after what they are part of."""
        b = self._aligned(a, b, broadcast, axis)
        if not isinstance(a, Affine) or not isinstance(b, Affine):
            return a * b
        gates = {type(layer.neuron) for layer in self.builder.layers if layer.name in {*a.parts, *b.parts}}
        gated = {Logistic: "torch.nn.SiLU", Saturating: "torch.nn.Hardswish", Tanh: "torch.nn.Mish"}
        kinds = ", ".join(layer for unit, layer in gated.items() if unit in gates)
        raise InputError(
            "expected one factor to be constant, found two that depend on the input; products of activities, as in "
            f"attention{f' or {kinds}' if kinds else ''}, cannot be mapped"
        )

    def div(self, a, b, broadcast=0, axis=None):
        b = self._aligned(a, b, broadcast, axis)
        if isinstance(b, Affine):
            raise InputError(
                "expected the divisor to be constant, found one that depends on the input; a division by activities, "
                "as in torch.nn.LayerNorm and torch.nn.Softmax, cannot be mapped"
            )
        return a * (1 / np.asarray(b, dtype=float))

    def scaler(self, x, offset=0.0, scale=1.0):
        return (x + -np.asarray(offset)) * np.asarray(scale)

    def linearclassifier(
        self, x, coefficients, intercepts=None, post_transform=b"NONE", classlabels_ints=(), classlabels_strings=()
    ):
        """Scikit-learn's: the label, and a score for each class; with a single row of weights those of both classes."""
        transform = post_transform.decode()
        if transform not in ("NONE", "SOFTMAX", "LOGISTIC"):
            raise InputError(f"expected scores, a softmax or logistic of them, found {transform}")
        scores = self._linear(x, coefficients, intercepts)
        if scores.size == 1 and max(len(classlabels_ints), len(classlabels_strings)) == 2:
            scores = self.concat(-scores, scores)
        if transform == "SOFTMAX":
            return [Label(scores), self.softmax(scores, axis=1)]
        scores = self.sigmoid(scores) if transform == "LOGISTIC" else scores
        return [Label(scores), scores]

    def linearregressor(self, x, coefficients, intercepts=None, post_transform=b"NONE", targets=1):
        if post_transform != b"NONE":
            raise InputError(f"expected no post_transform, found {post_transform.decode()}")
        found = self._linear(x, coefficients, intercepts)
        if found.size != targets:
            raise InputError(f"expected coefficients for {targets} targets, found them for {found.size}")
        return found

    def _linear(self, x, coefficients, intercepts):
        if len(x.shape) != 2:
            raise InputError(f"expected a matrix of samples, found shape {x.shape}")
        weights = np.asarray(coefficients)
        if not weights.size or weights.size % x.size:
            raise InputError(f"expected coefficients for {x.size} inputs, found {weights.size}")
        weights = weights.reshape(-1, x.size)
        intercepts = np.zeros(len(weights)) if intercepts is None else np.asarray(intercepts)
        if intercepts.shape != weights.shape[:1]:
            raise InputError(f"expected {len(weights)} intercepts, found {intercepts.size}")
        return self.matmul(x, weights.T) + intercepts

    def batchnormalization(self, x, *parameters, epsilon=EPSILON, training_mode=0, is_test=0, spatial=1):
        if training_mode or (self.version < 7 and not is_test) or self.outputs > 1:
            raise InputError("expected it as after training (training_mode 0), found it as during training")
        if not spatial:
            raise InputError("expected one mean for each channel (spatial 1), found spatial 0")
        scale, shift, mean, variance = (self._numbers("each parameter", each) for each in parameters)
        if any(np.shape(each) != x.shape[1:2] for each in (scale, shift, mean, variance)):
            raise InputError(f"expected parameters for {x.shape[1:2]} channels, found {np.shape(scale)}")
        factor = scale / np.sqrt(variance + epsilon)
        shape = (1, -1, *[1] * (len(x.shape) - 2))
        return x * factor.reshape(shape) + (shift - mean * factor).reshape(shape)

    def _steps(self, x, kernel, strides=None, pads=None, dilations=None):
        """Strides, pads (before and after) and dilations of each axis of space, as they are given."""
        n = len(x.shape) - 2
        if n < 1:
            raise InputError(f"expected samples × channels × space, found shape {x.shape}")
        strides, dilations = ([1] * n if each is None else each for each in (strides, dilations))
        if {len(strides), len(dilations), len(kernel)} != {n}:
            raise InputError(f"expected strides, dilations and kernel of {n} dimensions, found others")
        if min(*strides, *dilations, *kernel, 1) < 1:
            raise InputError("expected positive strides, dilations and kernel, found others")
        pads = [0] * 2 * n if pads is None else pads
        if len(pads) != 2 * n:
            raise InputError(f"expected pads before and after {n} dimensions, found {pads}")
        if min(pads) < 0 or max(pads) > LARGEST_PAD:
            raise InputError(f"expected pads from 0 to {LARGEST_PAD:,}, found {pads}")
        return strides, list(zip(pads[:n], pads[n:], strict=True)), dilations

    def _space(self, x, kernel, auto_pad=b"NOTSET", ceil_mode=0, **steps):
        """Strides, pads and dilations of a convolution or pooling."""
        strides, pads, dilations = self._steps(x, kernel, **steps)
        auto = auto_pad.decode()
        if auto not in ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"):
            raise InputError(f"expected auto_pad NOTSET, VALID, SAME_UPPER or SAME_LOWER, found {auto}")
        if auto != "NOTSET" and np.any(pads):
            raise InputError(f"expected auto_pad or pads, found both: {auto} and {steps['pads']}")
        if auto.startswith("SAME") and max(dilations) > 1:  # which ONNX Runtime does not take
            raise InputError(f"expected pads where there are dilations, found auto_pad {auto} and {dilations}")
        if np.prod([float(k) for k in kernel]) > LARGEST_KERNEL:
            raise InputError(f"expected a kernel of at most {LARGEST_KERNEL} places, found {kernel}")
        spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilations, strict=True)]
        for k, (size, stride, span) in enumerate(zip(x.shape[2:], strides, spans, strict=True)):
            if auto.startswith("SAME"):
                missing = max(0, (-(-size // stride) - 1) * stride + span - size)
                less, more = missing // 2, missing - missing // 2
                pads[k] = (less, more) if auto == "SAME_UPPER" else (more, less)
            before, after = pads[k]
            over = size + before + after - span
            if over < 0:
                raise InputError(
                    f"expected a kernel that fits into the input, found one over {span} of {span + over} places"
                )
            if ceil_mode:
                if auto.startswith("SAME"):
                    raise InputError(f"expected ceil_mode 0 with auto_pad {auto}, found 1")
                last = -(-over // stride) * stride  # where the last window begins
                last -= stride * (last >= size + before)  # none lies wholly in the padding
                pads[k] = before, max(after, last + span - size - before)
        return strides, pads, dilations

    def conv(self, x, w, b=None, kernel_shape=None, group=1, **space):
        kernel, bias = self._kernel(w, b, kernel_shape)
        return convolution(x, kernel, bias, *self._space(x, kernel.shape[2:], **space), groups=group)

    def _kernel(self, kernel, bias, kernel_shape):
        kernel = self._numbers("the kernel", kernel)
        if kernel.ndim < 3 or tuple(kernel_shape or kernel.shape[2:]) != kernel.shape[2:]:
            found = f"{kernel_shape} and weights of shape {kernel.shape}"
            raise InputError(f"expected a kernel_shape as that of the weights, found {found}")
        return kernel, None if bias is None else self._numbers("the bias", bias)

    def convtranspose(
        self, x, w, b=None, kernel_shape=None, group=1, auto_pad=None, output_shape=None, output_padding=None, **steps
    ):
        """The transpose of the convolution that leads from the output's shape to the input's."""
        kernel, bias = self._kernel(w, b, kernel_shape)
        if output_shape is not None or auto_pad not in (None, b"NOTSET"):
            raise InputError("expected explicit pads, found automatic ones")
        if group < 1 or kernel.shape[0] % group or x.shape[1:2] != kernel.shape[:1]:
            raise InputError(f"expected {x.shape[1]} channels in whole groups, found {kernel.shape} in {group}")
        strides, pads, dilations = self._steps(x, kernel.shape[2:], **steps)
        if max(*strides, *dilations) > LARGEST_PAD:
            raise InputError(f"expected strides and dilations from 1 to {LARGEST_PAD:,}, found others")
        n = len(strides)
        extra = output_padding or [0] * n
        if len(extra) != n or not all(0 <= e < max(s, d) for e, s, d in zip(extra, strides, dilations, strict=True)):
            raise InputError(f"expected an output_padding from 0 to below the strides, found {extra}")
        space = [
            (n - 1) * s + d * (k - 1) + 1 - sum(p) + e
            for n, s, d, k, p, e in zip(x.shape[2:], strides, dilations, kernel.shape[2:], pads, extra, strict=True)
        ]
        bounded((kernel.shape[0], *x.shape[2:], *kernel.shape[1:]))
        if min(space) < 1:
            raise InputError(f"expected an output of at least one place, found {space}")
        output = Affine.of_units("output", (1, kernel.shape[1] * group, *space))
        forward = convolution(output, kernel, None, strides, pads, dilations, group)
        result = x.times(forward.parts["output"].T.tocsr(), output.shape)
        return result if bias is None else result + np.reshape(bias, (1, -1, *[1] * n))

    def averagepool(self, x, kernel_shape, count_include_pad=0, **space):
        strides, pads, dilations = self._space(x, kernel_shape, **space)
        seen = windows(x.shape, kernel_shape, strides, pads, dilations)
        places = seen.shape[: 1 + len(kernel_shape)]
        total = x.summed(seen.reshape(int(np.prod(places)), -1), (1, *places))
        if count_include_pad:  # the given pads count, what the last window takes beyond them does not
            _, given, _ = self._space(x, kernel_shape, **space | {"ceil_mode": 0})
            shape = (*x.shape[:2], *(size + a + b for size, (a, b) in zip(x.shape[2:], given, strict=True)))
            pads = [(0, after - b) for (_, after), (_, b) in zip(pads, given, strict=True)]
            seen = windows(shape, kernel_shape, strides, pads, dilations)
        return total * (1 / (seen >= 0).reshape(1, *places, -1).sum(axis=-1))

    def globalaveragepool(self, x):
        return self.averagepool(x, x.shape[2:])

    def reducemean(self, x, axes=None, **kept):
        total = self.reducesum(x, axes, **kept)
        return total if total.size == x.size else total * (total.size / x.size)

    def reducesum(self, x, axes=None, **kept):
        return x.summed(*self._reduced("a sum or mean", x, axes, **kept))

    def _reduced(self, what, x, axes, keepdims=1, noop_with_empty_axes=0):
        """Flat indices (results × elements of each) of a reduction, and the shape of the results."""
        rank = len(x.shape)
        if axes is None or not np.size(axes):
            axes = [] if noop_with_empty_axes else range(rank)
        axes = self._axes(axes, rank)
        self._within_samples(axes, x, what)
        index = np.arange(x.size).reshape(x.shape)
        kept = [a for a in range(rank) if a not in axes]
        flat = index.transpose(*kept, *axes).reshape(int(np.prod([x.shape[a] for a in kept])), -1)
        if not flat.size:
            raise InputError(f"expected {what} of at least one element, found shape {x.shape}")
        return flat, tuple(1 if a in axes else n for a, n in enumerate(x.shape) if a in kept or keepdims)

    # Operations that move elements.

    def reshape(self, x, shape, allowzero=0):
        found = self._list("the shape", shape)
        shape = [int(n) for n in found]
        if not allowzero:
            if any(n == 0 and k >= len(x.shape) for k, n in enumerate(shape)):
                raise InputError(f"expected 0 for axes that there are, found {found} for shape {x.shape}")
            shape = [x.shape[k] if n == 0 else n for k, n in enumerate(shape)]
        if self.batch > 1 and shape and shape[0] == self.batch:  # a file for batches of one size only
            shape[0] = 1
        known = int(np.prod([n for n in shape if n != -1]))
        fits = x.size == known if -1 not in shape else known > 0 and x.size % known == 0
        if shape.count(-1) > 1 or min(shape, default=0) < -1 or not fits:
            raise InputError(f"expected a shape for the {x.size} elements of {x.shape}, found {found}")
        return x.rearrange(lambda index: index.reshape(shape))

    def flatten(self, x, axis=1):
        rank = len(x.shape)
        if not -rank <= axis <= rank:
            raise InputError(f"expected an axis of {rank} dimensions, found {axis}")
        axis = axis % rank if axis < 0 else axis
        if axis == 0:
            self._within_samples([0], x, "a row")
        return x.rearrange(lambda index: index.reshape(int(np.prod(x.shape[:axis])), -1))

    def transpose(self, x, perm=None):
        perm = list(range(len(x.shape)))[::-1] if perm is None else perm
        if sorted(perm) != list(range(len(x.shape))):
            raise InputError(f"expected an order of {len(x.shape)} axes, found {perm}")
        return x.rearrange(lambda index: index.transpose(perm))

    def squeeze(self, x, axes=None):
        if axes is None and not self.batch:
            raise InputError("expected the axes to squeeze, found none: a single sample would lose its batch axis, too")
        if axes is None:
            axes = [a for a, n in enumerate(x.shape) if n == 1 and (a or self.batch == 1)]
        axes = self._axes(axes, len(x.shape))
        self._within_samples(axes, x, "axes")
        if any(x.shape[a] != 1 for a in axes):
            raise InputError(f"expected axes of one element, found {axes} of shape {x.shape}")
        return x.rearrange(lambda index: index.squeeze(tuple(axes)))

    def unsqueeze(self, x, axes):
        axes = self._axes(axes, len(x.shape) + np.size(axes))
        return x.rearrange(lambda index: np.expand_dims(index, tuple(axes)))

    def slice(self, x, starts, ends, axes=None, steps=None):
        starts, ends, steps = (
            self._list(f"the {key}", value) for key, value in (("starts", starts), ("ends", ends), ("steps", steps))
        )
        axes = self._axes(range(len(starts)) if axes is None else axes, len(x.shape))
        steps = [1] * len(starts) if steps is None else steps
        if not len(starts) == len(ends) == len(axes) == len(steps) or 0 in steps:
            raise InputError(f"expected a start, end, axis and step (not 0) for each, found {starts}, {ends}, {steps}")
        place = [slice(None)] * len(x.shape)
        for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
            place[axis] = slice(int(start), int(end), int(step))
        if range(*place[0].indices(2)) != range(2):
            self._within_samples([0], x, "a slice")
        return x.rearrange(lambda index: index[tuple(place)])

    def gather(self, x, indices, axis=0):
        if isinstance(indices, Affine) or not isinstance(x, Affine):
            raise InputError(
                "expected the indices to be constant, found ones that depend on the input, as in torch.nn.Embedding"
            )
        axis = self._axis(axis, len(x.shape))
        self._within_samples([axis], x, "elements")
        return self._taken(x, indices, axis)

    def _taken(self, x, indices, axis):
        indices, n = np.asarray(indices), x.shape[axis]
        if indices.size and not (-n <= indices.min() and indices.max() < n):
            raise InputError(f"expected indices of {n} elements, found {indices.min()} to {indices.max()}")
        bounded((np.size(indices), x.size // max(1, n)))
        return x.rearrange(lambda index: np.take(index, indices, axis=axis))

    def arrayfeatureextractor(self, x, indices):
        """Scikit-learn's columns: elements of the last axis at constant indices."""
        if isinstance(indices, Affine):
            raise InputError("expected the indices to be constant, found ones that depend on the input")
        if not isinstance(x, Affine) or len(x.shape) < 2:
            raise InputError("expected columns of samples, found a single row")
        return self._taken(x, np.asarray(indices).ravel(), len(x.shape) - 1)

    def expand(self, x, shape):
        return x * np.ones(bounded(np.ravel(self._fixed("the shape", shape))))

    def pad(self, x, pads=None, value=None, axes=None, mode=b"constant", paddings=None):
        """With `paddings` as the first version had them."""
        mode, rank = mode.decode(), len(x.shape)
        pads = np.ravel(self._fixed("the pads", paddings if pads is None else pads))
        axes = range(rank) if axes is None else self._axes(axes, rank)
        if pads.size != 2 * len(axes):
            raise InputError(f"expected pads before and after {len(axes)} axes, found {pads.tolist()}")
        if pads.min(initial=0) < 0 or pads.max(initial=0) > LARGEST_PAD or mode not in ("constant", "edge", "reflect"):
            raise InputError(f"expected pads of 0 or more, found {pads.tolist()} ({mode})")
        widths = np.zeros((rank, 2), dtype=int)
        widths[list(axes)] = pads.reshape(2, -1).T
        if widths[0].any():
            self._within_samples([0], x, "pads")
        bounded(np.asarray(x.shape) + widths.sum(axis=1))
        constant = np.ravel(0.0 if value is None else self._fixed("the value", value))
        if mode != "constant":
            if mode == "reflect" and any(w.max() >= n for n, w in zip(x.shape, widths, strict=True) if w.any()):
                raise InputError(f"expected reflections of less than an axis, found pads {pads.tolist()}")
            if not x.size:
                raise InputError(f"expected at least one element, found shape {x.shape}")
            return x.rearrange(lambda index: np.pad(index, widths, mode=mode))
        outside = np.pad(np.zeros(x.shape), widths, constant_values=float(constant[0]) if constant.size else 0.0)
        return x.padded(widths) + outside

    def split(self, x, split=None, axis=0, num_outputs=None):
        axis = self._axis(axis, len(x.shape))
        if self.outputs > 1:
            self._within_samples([axis], x, "parts")
        sizes = self._list("the sizes", split)
        if sizes is None:
            n = (self.outputs if num_outputs is None else num_outputs) - 1
            each = -(-x.shape[axis] // (n + 1))
            sizes = [each] * n + [x.shape[axis] - each * n]
        if sum(sizes) != x.shape[axis] or min(sizes) < 0 or len(sizes) != self.outputs:
            raise InputError(f"expected {self.outputs} parts of {x.shape[axis]} elements, found {sizes}")
        edges = np.cumsum(sizes)[:-1]
        indices = np.split(np.arange(x.size).reshape(x.shape), edges, axis)
        return [x.take(index) for index in indices]

    def concat(self, *values, axis=1):
        rank = len(values[0].shape)
        axis = self._axis(axis, rank)
        if len(values) > 1:
            self._within_samples([axis], values[0], "a concatenation")
        sides = {(*v.shape[:axis], *v.shape[axis + 1 :]) for v in values}
        if len(sides) > 1 or any(len(v.shape) != rank for v in values):
            raise InputError(f"expected tensors that differ on axis {axis} only, found {[v.shape for v in values[:9]]}")
        total = sum(v.shape[axis] for v in values)
        bounded((len(values), total, *values[0].shape[:axis], *values[0].shape[axis + 1 :]))  # each is spread over all
        start, parts = 0, []
        for value in values:
            end = start + value.shape[axis]
            around = [(0, 0)] * axis + [(start, total - end)] + [(0, 0)] * (rank - axis - 1)
            value = value if isinstance(value, Affine) else Affine(value.shape, {}, np.ravel(value).astype(float))
            parts.append(value.padded(around))
            start = end
        return reduce(add, parts)

    def identity(self, x):
        return x

    def dropout(self, x, ratio=None, training=None, is_test=0):
        if (self.version < 7 and not is_test) or np.any(self._fixed("training_mode", training)):
            raise InputError("expected it as after training (training_mode 0), found it as during training")
        return x

    def cast(self, x, to):
        from onnx import TensorProto

        to = to.decode() if isinstance(to, bytes) else TensorProto.DataType.Name(to)
        if to not in FRACTIONAL:
            raise InputError(f"expected activities to stay fractional, found a cast to {to}")
        return x

    def castlike(self, x, like):
        if not isinstance(x, Affine):
            raise InputError("expected a cast of activities, found one of a constant")
        if isinstance(like, np.ndarray) and like.dtype.kind != "f":
            raise InputError(f"expected activities to stay fractional, found a cast to {like.dtype}")
        return x

    def shape(self, x, start=0, end=None):
        return np.array(x.shape[start:end], dtype=np.int64)

    def size(self, x):
        return np.array(x.size, dtype=np.int64)

    # Activations.

    def leakyrelu(self, x, alpha=SLOPE):
        return self._units(x, LeakyReLU(alpha))

    def prelu(self, x, slope):
        slope = self._numbers("the slope", slope)
        if self.version < 7 and slope.ndim == 1:  # one for each channel
            slope = slope.reshape(-1, *[1] * (len(x.shape) - 2))
        if np.broadcast_shapes(slope.shape, x.shape) != x.shape:
            raise InputError(f"expected slopes that fit shape {x.shape}, found shape {slope.shape}")
        return x * slope + self.relu(x) * (1 - slope)

    def elu(self, x, alpha=1.0):
        """A rate is not negative, so the unit is raised by its lowest value."""
        low = _above_0("an alpha", alpha)
        return self._units(x, ExponentialLinear(base=low, scale=1.0)) + -low

    def celu(self, x, alpha=1.0):
        low = _above_0("an alpha", alpha)
        return self._units(x, ExponentialLinear(base=low, scale=low)) + -low

    def selu(self, x, alpha=SELU_ALPHA, gamma=SELU_GAMMA):
        gamma = _above_0("a gamma", gamma)
        return self.elu(x, alpha) * gamma

    def thresholdedrelu(self, x, alpha=1.0):
        """A threshold-linear unit, and a step of the threshold's height."""
        if alpha < 0:
            raise InputError(f"expected an alpha of 0 or more, found {alpha}: it decreases at its threshold")
        above = self._units(x, ThresholdLinear(threshold=alpha))
        return above + self.builder.activate(f"{self.name}_step", x, Step(threshold=alpha, maximum=1.0)) * alpha

    def hardsigmoid(self, x, alpha=GAIN, beta=0.5):
        gain = _above_0("an alpha", alpha)
        return self._units(x, Saturating(gain=gain, threshold=-beta / gain, maximum=1.0))

    def clip(self, x, min=None, max=None):
        bounds = [self._list("each bound", bound) for bound in (min, max)]
        if any(bound is not None and len(bound) != 1 for bound in bounds):
            raise InputError("expected one number for each bound, found more or less")
        low, high = (None if bound is None else float(bound[0]) for bound in bounds)
        if low is None or high is None or high - low > 1e30:  # so far apart that in part numbers stay as they are
            below = x if low is None else self.max(x, low)
            return below if high is None else self.min(below, high)
        if not low < high:
            raise InputError(f"expected a lower and an upper bound, found {low} and {high}")
        return self._units(x + -low, Saturating(maximum=high - low)) + low

    def greater(self, a, b, broadcast=0, axis=None):
        """A truth value is a unit of rate 0 or 1."""
        return self._units(self.sub(a, b, broadcast, axis), Step(maximum=1.0))

    def less(self, a, b, broadcast=0, axis=None):
        return self.greater(self._aligned(a, b, broadcast, axis), a)

    def greaterorequal(self, a, b):
        return 1.0 - self.less(a, b)

    def lessorequal(self, a, b):
        return 1.0 - self.greater(a, b)

    def sign(self, x):
        above, below = (
            self.builder.activate(f"{self.name}_{k}", side, Step(maximum=1.0)) for k, side in enumerate((x, -x))
        )
        return above + -below

    def where(self, condition, a, b):
        a, b = (value if isinstance(value, Affine) else np.asarray(value, dtype=float) for value in (a, b))
        if not isinstance(condition, Affine):
            chosen = np.asarray(condition, dtype=float)
            return a * chosen + b * (1 - chosen)
        if self._same_far_up(condition, a, b):
            return b
        if isinstance(a, Affine) or isinstance(b, Affine):
            raise InputError(
                "expected a choice between constants, found one between activities, as in torch.nn.Threshold: it is a "
                "product of activities, which cannot be mapped"
            )
        return condition * (a - b) + b

    def _same_far_up(self, condition, a, b) -> bool:
        """Whether b is a softplus and a the line that it tends to, chosen far above 0, as PyTorch writes it."""
        (units, gain), (above, height) = self._layer_of(b, Softplus), self._layer_of(condition, Step)
        if units is None or above is None or not isinstance(a, Affine) or height != 1:
            return False
        if not a.shape == b.shape == condition.shape:
            return False
        # The drive, and a multiple of it less the place of choice.
        drive, over = (Affine(b.shape, dict(layer.incoming), layer.bias) for layer in (units, above))
        size, larger = (max((abs(part).max() for part in each.parts.values()), default=0.0) for each in (drive, over))
        factor = larger / size if size else 0.0
        place = drive.constant * factor - over.constant
        if factor <= 0 or not _equal(a, drive * gain) or not _equal(over + place.reshape(b.shape), drive * factor):
            return False
        return bool((place / factor >= FAR_UP * units.neuron.scale).all())

    def _layer_of(self, value, kind) -> tuple[Layer | None, float]:
        """The layer of a kind whose units a value is, times one number above 0, and that number; or None."""
        if isinstance(value, Affine) and len(value.parts) == 1 and value.size:
            ((name, part),) = value.parts.items()
            layer, gain = self.builder.layer(name), part.diagonal()[0]
            known = layer is not None and isinstance(layer.neuron, kind) and gain > 0 and layer.size == value.size
            if known and _equal(value, Affine.of_units(name, value.shape) * gain):
                return layer, gain
        return None, 0.0

    def max(self, *values):
        return reduce(self._larger, values)

    def _larger(self, a, b):
        if isinstance(a, Affine) and isinstance(b, Affine):
            return self.builder.maximum(self.name, [a, b])
        if not isinstance(a, Affine) and not isinstance(b, Affine):
            return np.maximum(a, b)
        a, b = (a, b) if isinstance(a, Affine) else (b, a)
        b = np.asarray(b, dtype=float)
        return self.relu(a + -b) + b

    def min(self, *values):
        return self.neg(self.max(*map(self.neg, values)))

    def maxpool(self, x, kernel_shape, **space):
        seen = windows(x.shape, kernel_shape, *self._space(x, kernel_shape, **space))
        seen = seen.reshape(*seen.shape[: 1 + len(kernel_shape)], -1)
        if not (seen >= 0).any(axis=-1).all():
            raise InputError("expected no window that lies wholly in the padding, found one")
        inside = np.take_along_axis(seen, (seen >= 0).argmax(axis=-1)[..., None], axis=-1)
        seen = np.where(seen >= 0, seen, inside)[None]  # the padding never wins: a place's own element stands for it
        return self._largest(x, [seen[..., k] for k in range(seen.shape[-1])])

    def _largest(self, x, indices):
        """The largest of elements at flat indices, each of which takes all of the tensor."""
        self.builder.spend(len(indices) * x.cost)
        return self.builder.maximum(self.name, [x.take(index) for index in indices])

    def reducemax(self, x, axes=None, **kept):
        flat, shape = self._reduced("a maximum", x, axes, **kept)
        if flat.shape[1] > LARGEST_KERNEL:
            raise InputError(f"expected a maximum of at most {LARGEST_KERNEL} elements, found {flat.shape[1]}")
        return self._largest(x, [column.reshape(shape) for column in flat.T])

    def reducemin(self, x, axes=None, **kept):
        return -self.reducemax(-x, axes, **kept)

    def globalmaxpool(self, x):
        return self.maxpool(x, x.shape[2:])

    # Left out at the end.

    def softmax(self, x, axis=None):
        axis = (1 if self.version < 13 else -1) if axis is None else axis
        axis = self._axis(axis, len(x.shape))
        within = int(np.prod(x.shape[axis:] if self.version < 13 else x.shape[axis]))
        self._takes_all(x, within, f"axis {axis} of shape {x.shape}")
        return LeftOut(x)

    logsoftmax = softmax

    def normalizer(self, x):
        self._takes_all(x, x.shape[1] if len(x.shape) == 2 else 0, f"shape {x.shape}")
        return LeftOut(x, "Normalizer")

    def _takes_all(self, x, within, found) -> None:
        if within != x.size or x.size < 2:
            raise InputError(
                f"expected it over all outputs of a sample, two or more, found {found}: left out, it would change "
                "which is largest"
            )

    def argmax(self, x, axis=0, keepdims=1):
        """A label; it is left out."""
        axis = self._axis(axis, len(x.shape))
        self._takes_all(x, x.shape[axis], f"axis {axis} of shape {x.shape}")
        return Label(x)

    def zipmap(self, x, classlabels_int64s=(), classlabels_strings=()):
        """The outputs with the names of their classes, which are left out."""
        return x
