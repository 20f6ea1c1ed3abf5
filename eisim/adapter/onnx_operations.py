"""What each ONNX operation does to tensors that are affine functions of units: its own affine map, or new units."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from eisim.adapter.activations import LeakyReLU, Tanh
from eisim.adapter.affine import Affine, NetworkBuilder, bounded, convolution, windows
from eisim.base.errors import InputError
from eisim.neurons import ExponentialLinear, Logistic, Saturating, Softplus, Step, ThresholdLinear

LARGEST_KERNEL = 4096  # places
LARGEST_PAD = 10_000
#: Above its threshold by so many of its scales a softplus is a line, to 1e-6 of its scale.
FAR_UP = 14
#: Formats of numbers that a cast may lead to: what is whole or truth would be rounded.
FRACTIONAL = {"FLOAT", "DOUBLE", "FLOAT16", "BFLOAT16"}
#: What is left out at the end, if it takes all outputs of a sample.
LEFT_OUT = {"Softmax", "LogSoftmax", "Normalizer"}
#: What may follow it, and a label: it moves elements or changes their format only.
MOVES = {"Cast", "CastLike", "Dropout", "Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"}
#: Those whose first input may be a constant while another is not.
SYMMETRIC = {
    *(
        "Add",
        "ArrayFeatureExtractor",
        "CastLike",
        "Concat",
        "Div",
        "Gather",
        "Gemm",
        "Greater",
        "GreaterOrEqual",
        "Less",
    ),
    *("LessOrEqual", "MatMul", "Max", "Mean", "Min", "Mul", "Sub", "Sum", "Where"),
}
#: What may name labels.
NAMES_LABELS = {"ArrayFeatureExtractor", "Gather", "LabelEncoder"}
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
    "LSTM": "torch.nn.LSTM multiplies activities",
    "GRU": "torch.nn.GRU multiplies activities",
    "RNN": "torch.nn.RNN is recurrent: write its steps out",
    "TreeEnsemble": "decision trees are no network of units",
    "TreeEnsembleClassifier": "decision trees are no network of units",
    "TreeEnsembleRegressor": "decision trees are no network of units",
    "SVMClassifier": "a support vector machine with a kernel is no network of units (LinearSVC is)",
    "SVMRegressor": "a support vector machine with a kernel is no network of units (LinearSVR is)",
    "If": "a network has one course",
    "Loop": "a network has one course: write its steps out",
    "Scan": "a network has one course: write its steps out",
    **dict.fromkeys(("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear"), "a quantised network rounds"),
    **dict.fromkeys(("QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger"), "a quantised network rounds"),
    **dict.fromkeys(("Resize", "Upsample"), "torch.nn.Upsample is not among its linear operations"),
}


def single(number: float) -> float:
    """A default, in the precision that attributes of a file have."""
    return float(np.float32(number))


class Attributes(dict):
    """The attributes of a node, which keep in mind those that were looked at."""

    def __init__(self, *args):
        super().__init__(*args)
        self.unread = set(self)

    def __getitem__(self, name):
        self.unread.discard(name)
        return super().__getitem__(name)

    def get(self, name, default=None):
        """The attribute, or a default."""
        self.unread.discard(name)
        return super().get(name, default)

    def ignore(self, *names: str) -> None:
        """Attributes that change nothing for what is read."""
        self.unread.difference_update(names)


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
    difference = a.plus(b.scaled(np.array(-1.0)))
    largest = max(np.abs(part.data).max(initial=0) for each in (a, b) for part in (*each.parts.values(),))
    return all(
        np.abs(numbers).max(initial=0) <= 1e-9 * max(largest, np.abs(a.constant).max(initial=0))
        for numbers in (difference.constant, *(part.data for part in difference.parts.values()))
    )


class Operations:
    """Operations as methods of their names in lower case: (name of the node, attributes, inputs) to output or outputs.

    Inputs are `Affine` tensors or constant arrays, at least one of them a tensor; those left out are None. An attribute
    that an operation does not look at is refused by its reader.

    Attributes
    ----------
    builder : NetworkBuilder
        Which the units of activations are added to.
    batch : int
        Samples at a time that the file is made for, if it is made for one number of them only, else 0.
    version : int
        Of ONNX's operations, which the file asks for ("opset").
    outputs : int
        How many outputs the node names.
    """

    def __init__(self, builder: NetworkBuilder, batch: int = 0, version: int = 17):
        self.builder, self.batch, self.version, self.outputs = builder, batch, version, 1

    def _fixed(self, what, value):
        if isinstance(value, Affine):
            raise InputError(
                f"expected {what} to be constant, found one that depends on the input; "
                "products of activities, as in attention, cannot be mapped"
            )
        return value

    def _factor(self, a, b):
        """The tensor and the constant of a product; products of activities are named after what they are part of."""
        a, b = (a, b) if isinstance(a, Affine) else (b, a)
        if not isinstance(b, Affine):
            return a, b
        gates = {type(layer.neuron) for layer in self.builder.layers if layer.name in {*a.parts, *b.parts}}
        gated = {Logistic: "torch.nn.SiLU", Saturating: "torch.nn.Hardswish", Tanh: "torch.nn.Mish"}
        kinds = ", ".join(layer for unit, layer in gated.items() if unit in gates)
        raise InputError(
            "expected one factor to be constant, found two that depend on the input; products of activities, as in "
            f"attention{f' or {kinds}' if kinds else ''}, cannot be mapped"
        )

    def _axes(self, axes, rank, what="axes") -> list[int]:
        """Axes from 0."""
        axes = [int(a) for a in np.ravel(axes)]
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
        attributes.ignore("broadcast")  # of old: what it allowed always is allowed
        if attributes.get("transA"):
            raise InputError("expected transA 0, found 1: samples are rows")
        b = np.asarray(self._fixed("the second factor", b), dtype=float)
        b = (b.T if attributes.get("transB") else b) * attributes.get("alpha", 1.0)
        beta = attributes.get("beta", 1.0)
        if len(a.shape) != 2:
            raise InputError(f"expected a matrix of samples, found shape {a.shape}")
        result = self.matmul(name, Attributes(), a, b)
        return result if c is None else self._plus(result, self._times(c, np.array(beta)))

    def _plus(self, a, b):
        return self.add("", Attributes(), a, b)

    def _times(self, a, b):
        return self.mul("", Attributes(), a, b)

    def _negative(self, a):
        return a.scaled(np.array(-1.0)) if isinstance(a, Affine) else -np.asarray(a, dtype=float)

    def _aligned(self, attributes, a, b):
        """Before version 7 the second operand was broadcast from an axis on, if asked for."""
        attributes.ignore("consumed_inputs")
        if self.version >= 7 or not attributes.get("broadcast"):
            return b
        rank, size = len(np.shape(a) if not isinstance(a, Affine) else a.shape), np.shape(b)
        if isinstance(b, Affine) or (axis := attributes.get("axis")) is None:
            return b
        return np.reshape(b, (*size, *[1] * (rank - self._axis(axis, rank) - len(size))))

    def add(self, name, attributes, a, b):
        b = self._aligned(attributes, a, b)
        if not isinstance(a, Affine) and not isinstance(b, Affine):
            return np.add(a, b)
        return a.plus(b) if isinstance(a, Affine) else b.plus(a)

    def sum(self, name, attributes, *values):
        attributes.ignore("consumed_inputs")
        total = values[0]
        for value in values[1:]:
            total = self._plus(total, value)
        return total

    def mean(self, name, attributes, *values):
        return self.sum(name, attributes, *values).scaled(np.array(1 / len(values)))

    def sub(self, name, attributes, a, b):
        b = self._aligned(attributes, a, b)
        if isinstance(b, Affine):
            return b.scaled(np.array(-1.0)).plus(a)
        return a.plus(-np.asarray(b, dtype=float))

    def neg(self, name, attributes, a):
        attributes.ignore("consumed_inputs")
        return a.scaled(np.array(-1.0))

    def mul(self, name, attributes, a, b):
        if not isinstance(a, Affine) and not isinstance(b, Affine):
            return np.multiply(a, b)
        a, b = self._factor(a, self._aligned(attributes, a, b))
        return a.scaled(b)

    def div(self, name, attributes, a, b):
        b = self._aligned(attributes, a, b)
        if isinstance(b, Affine):
            raise InputError(
                "expected the divisor to be constant, found one that depends on the input; a division by activities, "
                "as in torch.nn.LayerNorm and torch.nn.Softmax, cannot be mapped"
            )
        return a.scaled(1 / np.asarray(b, dtype=float))

    def scaler(self, name, attributes, x):
        offset, scale = np.asarray(attributes.get("offset", 0.0)), np.asarray(attributes.get("scale", 1.0))
        return x.plus(-offset).scaled(scale)

    def linearclassifier(self, name, attributes, x):
        """Scikit-learn's: the label, and a score for each class; with a single row of weights those of both classes."""
        attributes.ignore("multi_class")
        classes = [attributes.get(f"classlabels_{kind}") for kind in ("ints", "strings")]
        transform = attributes.get("post_transform", b"NONE").decode()
        if transform not in ("NONE", "SOFTMAX", "LOGISTIC"):
            raise InputError(f"expected scores, a softmax or logistic of them, found {transform}")
        scores = self._linear(name, attributes, x)
        if scores.size == 1 and max(len(each or ()) for each in classes) == 2:
            scores = self.concat(name, Attributes({"axis": 1}), self._negative(scores), scores)
        if transform == "SOFTMAX":
            return [Label(scores), self.softmax(name, Attributes({"axis": 1}), scores)]
        scores = self.sigmoid(name, Attributes(), scores) if transform == "LOGISTIC" else scores
        return [Label(scores), scores]

    def linearregressor(self, name, attributes, x):
        if attributes.get("post_transform", b"NONE") != b"NONE":
            raise InputError(f"expected no post_transform, found {attributes['post_transform'].decode()}")
        targets, found = attributes.get("targets", 1), self._linear(name, attributes, x)
        if found.size != targets:
            raise InputError(f"expected coefficients for {targets} targets, found them for {found.size}")
        return found

    def _linear(self, name, attributes, x):
        if len(x.shape) != 2:
            raise InputError(f"expected a matrix of samples, found shape {x.shape}")
        weights = np.asarray(attributes["coefficients"])
        if not weights.size or weights.size % x.size:
            raise InputError(f"expected coefficients for {x.size} inputs, found {weights.size}")
        weights = weights.reshape(-1, x.size)
        intercepts = np.asarray(attributes.get("intercepts", np.zeros(len(weights))))
        if intercepts.shape != weights.shape[:1]:
            raise InputError(f"expected {len(weights)} intercepts, found {intercepts.size}")
        return self._plus(self.matmul(name, Attributes(), x, weights.T), intercepts)

    def batchnormalization(self, name, attributes, x, scale, shift, mean, variance):
        attributes.ignore("momentum", "consumed_inputs")
        if attributes.get("training_mode") or (self.version < 7 and not attributes.get("is_test")) or self.outputs > 1:
            raise InputError("expected it as after training (training_mode 0), found it as during training")
        attributes.ignore("is_test")
        if not attributes.get("spatial", 1):
            raise InputError("expected one mean for each channel (spatial 1), found spatial 0")
        scale, shift, mean, variance = (
            np.asarray(self._fixed("each parameter", each), dtype=float) for each in (scale, shift, mean, variance)
        )
        if any(np.shape(each) != x.shape[1:2] for each in (scale, shift, mean, variance)):
            raise InputError(f"expected parameters for {x.shape[1:2]} channels, found {np.shape(scale)}")
        factor = scale / np.sqrt(variance + attributes.get("epsilon", single(1e-5)))
        shape = (1, -1, *[1] * (len(x.shape) - 2))
        return x.scaled(factor.reshape(shape)).plus((shift - mean * factor).reshape(shape))

    def _space(self, attributes, x, kernel):
        """Strides, pads and dilations of a convolution or pooling."""
        n = len(x.shape) - 2
        if n < 1:
            raise InputError(f"expected samples × channels × space, found shape {x.shape}")
        strides, dilations = attributes.get("strides", [1] * n), attributes.get("dilations", [1] * n)
        if {len(strides), len(dilations), len(kernel)} != {n}:
            raise InputError(f"expected strides, dilations and kernel of {n} dimensions, found others")
        if min(*strides, *dilations, *kernel, 1) < 1:
            raise InputError("expected positive strides, dilations and kernel, found others")
        auto = attributes.get("auto_pad", b"NOTSET").decode()
        if auto not in ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"):
            raise InputError(f"expected auto_pad NOTSET, VALID, SAME_UPPER or SAME_LOWER, found {auto}")
        given = attributes.get("pads", [0] * 2 * n)
        if len(given) != 2 * n:
            raise InputError(f"expected pads before and after {n} dimensions, found {given}")
        if auto != "NOTSET" and any(given):
            raise InputError(f"expected auto_pad or pads, found both: {auto} and {given}")
        if auto.startswith("SAME") and max(dilations) > 1:  # which ONNX Runtime does not take
            raise InputError(f"expected pads where there are dilations, found auto_pad {auto} and {dilations}")
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
            pads = list(zip(given[:n], given[n:], strict=True))
        if min(map(min, pads), default=0) < 0 or max(map(max, pads), default=0) > LARGEST_PAD:
            raise InputError(f"expected pads from 0 to {LARGEST_PAD:,}, found {pads}")
        if np.prod([float(k) for k in kernel]) > LARGEST_KERNEL:
            raise InputError(f"expected a kernel of at most {LARGEST_KERNEL} places, found {kernel}")
        for size, (before, after), k, d in zip(x.shape[2:], pads, kernel, dilations, strict=True):
            if d * (k - 1) + 1 > size + before + after:
                raise InputError(
                    f"expected a kernel that fits into the input, found one over {d * (k - 1) + 1} of "
                    f"{size + before + after} places"
                )
        if attributes.get("ceil_mode"):
            if auto.startswith("SAME"):
                raise InputError(f"expected ceil_mode 0 with auto_pad {auto}, found 1")
            for k, (size, s) in enumerate(zip(x.shape[2:], strides, strict=True)):
                before, after = pads[k]
                span = dilations[k] * (kernel[k] - 1) + 1
                last = -(-(size + before + after - span) // s) * s  # where the last window begins
                last -= s * (last >= size + before)  # none lies wholly in the padding
                pads[k] = before, max(after, last + span - size - before)
        return strides, pads, dilations

    def conv(self, name, attributes, x, kernel, bias=None):
        kernel = self._kernel(attributes, kernel)
        bias = None if bias is None else np.asarray(self._fixed("the bias", bias), dtype=float)
        space = self._space(attributes, x, kernel.shape[2:])
        return convolution(x, kernel, bias, *space, groups=attributes.get("group", 1))

    def _kernel(self, attributes, kernel):
        kernel = np.asarray(self._fixed("the kernel", kernel), dtype=float)
        if kernel.ndim < 3 or tuple(attributes.get("kernel_shape", kernel.shape[2:])) != kernel.shape[2:]:
            found = f"{attributes.get('kernel_shape')} and weights of shape {kernel.shape}"
            raise InputError(f"expected a kernel_shape as that of the weights, found {found}")
        return kernel

    def convtranspose(self, name, attributes, x, kernel, bias=None):
        """The transpose of the convolution that leads from the output's shape to the input's."""
        kernel = self._kernel(attributes, kernel)
        bias = None if bias is None else np.asarray(self._fixed("the bias", bias), dtype=float)
        if "output_shape" in attributes or attributes.get("auto_pad", b"NOTSET") != b"NOTSET":
            raise InputError("expected explicit pads, found automatic ones")
        groups, n = attributes.get("group", 1), len(kernel.shape) - 2
        if groups < 1 or kernel.shape[0] % groups or x.shape[1:2] != kernel.shape[:1]:
            raise InputError(f"expected {x.shape[1]} channels in whole groups, found {kernel.shape} in {groups}")
        strides, pads, dilations = self._transposed_space(attributes, x, kernel.shape[2:])
        extra = attributes.get("output_padding", [0] * n)
        if len(extra) != n or not all(0 <= e < max(s, d) for e, s, d in zip(extra, strides, dilations, strict=True)):
            raise InputError(f"expected an output_padding from 0 to below the strides, found {extra}")
        space = [
            (n - 1) * s + d * (k - 1) + 1 - sum(p) + e
            for n, s, d, k, p, e in zip(x.shape[2:], strides, dilations, kernel.shape[2:], pads, extra, strict=True)
        ]
        bounded((kernel.shape[0], *x.shape[2:], *kernel.shape[1:]))
        if min(space) < 1:
            raise InputError(f"expected an output of at least one place, found {space}")
        output = Affine.of_units("output", (1, kernel.shape[1] * groups, *space))
        forward = convolution(output, kernel, None, strides, pads, dilations, groups)
        result = x.times(forward.parts["output"].T.tocsr(), output.shape)
        return result if bias is None else result.plus(np.reshape(bias, (1, -1, *[1] * len(space))))

    def _transposed_space(self, attributes, x, kernel):
        """Strides, pads and dilations, checked against the output, which the kernel has to fit into."""
        n = len(kernel)
        if len(x.shape) != n + 2:
            raise InputError(f"expected samples × channels × {n} dimensions, found shape {x.shape}")
        strides, dilations = attributes.get("strides", [1] * n), attributes.get("dilations", [1] * n)
        given = attributes.get("pads", [0] * 2 * n)
        if {len(strides), len(dilations)} != {n} or len(given) != 2 * n:
            raise InputError(f"expected strides, dilations and pads of {n} dimensions, found others")
        if min(*strides, *dilations, *kernel) < 1 or max(*strides, *dilations) > LARGEST_PAD:
            raise InputError(f"expected strides and dilations from 1 to {LARGEST_PAD:,}, found others")
        if min(given) < 0 or max(given) > LARGEST_PAD:
            raise InputError(f"expected pads from 0 to {LARGEST_PAD:,}, found {given}")
        return strides, list(zip(given[:n], given[n:], strict=True)), dilations

    def averagepool(self, name, attributes, x):
        kernel = attributes["kernel_shape"]
        space = self._space(attributes, x, kernel)
        one = np.ones(bounded((x.shape[1], 1, *kernel)))
        total = convolution(x, one, None, *space, groups=x.shape[1])
        strides, pads, dilations = space
        shape = x.shape
        if attributes.get("count_include_pad"):  # the given pads count, what the last window takes beyond them does not
            given = attributes.get("pads") if not attributes.get("auto_pad", b"").startswith(b"SAME") else None
            n = len(kernel)
            given = pads if given is None and not attributes.get("ceil_mode") else given or [0] * 2 * n
            given = given if isinstance(given[0], tuple) else list(zip(given[:n], given[n:], strict=True))
            shape = (*x.shape[:2], *(size + a + b for size, (a, b) in zip(x.shape[2:], given, strict=True)))
            pads = [(0, max(0, after - b)) for (_, after), (_, b) in zip(pads, given, strict=True)]
        seen = windows(shape, kernel, strides, pads, dilations)
        counts = (seen >= 0).reshape(*seen.shape[: 1 + len(kernel)], -1).sum(axis=-1)
        return total.scaled(1 / counts[None])

    def globalaveragepool(self, name, _, x):
        return self.averagepool(name, Attributes({"kernel_shape": x.shape[2:]}), x)

    def reducemean(self, name, attributes, x, axes=None):
        total = self.reducesum(name, attributes, x, axes)
        return total if total.size == x.size else total.scaled(np.array(total.size / x.size))

    def reducesum(self, name, attributes, x, axes=None):
        flat, shape = self._reduced(attributes, x, axes, "a sum or mean")
        if flat is None:
            return x
        entries = np.ones(flat.size), (flat.ravel(), np.repeat(np.arange(len(flat)), flat.shape[1]))
        return x.times(sparse.csr_array(entries, (x.size, len(flat))), shape)

    def _reduced(self, attributes, x, axes, what):
        """Flat indices (results × elements of each) of a reduction, or None for none, and the shape of the results."""
        given = attributes.get("axes", []) if axes is None else self._fixed("the axes", axes)
        if not np.size(given) and attributes.get("noop_with_empty_axes"):
            attributes.ignore("keepdims")
            return None, x.shape
        attributes.ignore("noop_with_empty_axes")
        axes = self._axes(given, len(x.shape)) if np.size(given) else list(range(len(x.shape)))
        self._within_samples(axes, x, what)
        index = np.arange(x.size).reshape(x.shape)
        kept = [a for a in range(len(x.shape)) if a not in axes]
        flat = index.transpose(*kept, *axes).reshape(int(np.prod([x.shape[a] for a in kept])), -1)
        if not flat.size:
            raise InputError(f"expected {what} of at least one element, found shape {x.shape}")
        keep = attributes.get("keepdims", 1)
        return flat, tuple(1 if a in axes else n for a, n in enumerate(x.shape) if a in kept or keep)

    # Operations that move elements.

    def reshape(self, name, attributes, x, shape=None):
        attributes.ignore("consumed_inputs")
        found = np.ravel(attributes["shape"] if shape is None else self._fixed("the shape", shape)).tolist()
        shape = [int(n) for n in found]
        if not attributes.get("allowzero"):
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

    def flatten(self, name, attributes, x):
        axis, rank = attributes.get("axis", 1), len(x.shape)
        if not -rank <= axis <= rank:
            raise InputError(f"expected an axis of {rank} dimensions, found {axis}")
        axis = axis % rank if axis < 0 else axis
        if axis == 0:
            self._within_samples([0], x, "a row")
        return x.rearrange(lambda index: index.reshape(int(np.prod(x.shape[:axis])), -1))

    def transpose(self, name, attributes, x):
        perm = attributes.get("perm", list(range(len(x.shape)))[::-1])
        if sorted(perm) != list(range(len(x.shape))):
            raise InputError(f"expected an order of {len(x.shape)} axes, found {perm}")
        return x.rearrange(lambda index: index.transpose(perm))

    def squeeze(self, name, attributes, x, axes=None):
        axes = attributes.get("axes") if axes is None else self._fixed("the axes", axes)
        if axes is None and not self.batch:
            raise InputError("expected the axes to squeeze, found none: a single sample would lose its batch axis, too")
        if axes is None:
            axes = [a for a, n in enumerate(x.shape) if n == 1 and (a or self.batch == 1)]
        axes = self._axes(axes, len(x.shape))
        self._within_samples(axes, x, "axes")
        if any(x.shape[a] != 1 for a in axes):
            raise InputError(f"expected axes of one element, found {axes} of shape {x.shape}")
        return x.rearrange(lambda index: index.squeeze(tuple(axes)))

    def unsqueeze(self, name, attributes, x, axes=None):
        axes = attributes.get("axes") if axes is None else self._fixed("the axes", axes)
        axes = self._axes(axes, len(x.shape) + np.size(axes))
        return x.rearrange(lambda index: np.expand_dims(index, tuple(axes)))

    def slice(self, name, attributes, x, starts=None, ends=None, axes=None, steps=None):
        starts, ends, axes, steps = (
            attributes.get(key) if value is None else np.ravel(self._fixed(f"the {key}", value)).tolist()
            for key, value in (("starts", starts), ("ends", ends), ("axes", axes), ("steps", steps))
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

    def gather(self, name, attributes, x, indices):
        if isinstance(indices, Affine) or not isinstance(x, Affine):
            raise InputError(
                "expected the indices to be constant, found ones that depend on the input, as in torch.nn.Embedding"
            )
        axis = self._axis(attributes.get("axis", 0), len(x.shape))
        self._within_samples([axis], x, "elements")
        return self._taken(x, indices, axis)

    def _taken(self, x, indices, axis):
        indices, n = np.asarray(indices), x.shape[axis]
        if indices.size and not (-n <= indices.min() and indices.max() < n):
            raise InputError(f"expected indices of {n} elements, found {indices.min()} to {indices.max()}")
        bounded((np.size(indices), x.size // max(1, n)))
        return x.rearrange(lambda index: np.take(index, indices, axis=axis))

    def arrayfeatureextractor(self, name, _, x, indices):
        """Scikit-learn's columns: elements of the last axis at constant indices."""
        if isinstance(indices, Affine):
            raise InputError("expected the indices to be constant, found ones that depend on the input")
        if not isinstance(x, Affine) or len(x.shape) < 2:
            raise InputError("expected columns of samples, found a single row")
        return self._taken(x, np.asarray(indices).ravel(), len(x.shape) - 1)

    def expand(self, name, _, x, shape):
        return x.scaled(np.ones(bounded(np.ravel(self._fixed("the shape", shape)))))

    def pad(self, name, attributes, x, pads=None, value=None, axes=None):
        mode = attributes.get("mode", b"constant").decode()
        given = attributes.get("pads", attributes.get("paddings")) if pads is None else self._fixed("the pads", pads)
        rank = len(x.shape)
        axes = range(rank) if axes is None else self._axes(self._fixed("the axes", axes), rank)
        pads = np.ravel(given)
        if pads.size != 2 * len(axes):
            raise InputError(f"expected pads before and after {len(axes)} axes, found {pads.tolist()}")
        if pads.min(initial=0) < 0 or pads.max(initial=0) > LARGEST_PAD or mode not in ("constant", "edge", "reflect"):
            raise InputError(f"expected pads of 0 or more, found {pads.tolist()} ({mode})")
        widths = np.zeros((rank, 2), dtype=int)
        widths[list(axes)] = pads.reshape(2, -1).T
        if widths[0].any():
            self._within_samples([0], x, "pads")
        bounded(np.asarray(x.shape) + widths.sum(axis=1))
        constant = attributes.get("value", 0.0) if value is None else self._fixed("the value", value)
        if mode != "constant":
            if mode == "reflect" and any(w.max() >= n for n, w in zip(x.shape, widths, strict=True) if w.any()):
                raise InputError(f"expected reflections of less than an axis, found pads {pads.tolist()}")
            if not x.size:
                raise InputError(f"expected at least one element, found shape {x.shape}")
            return x.rearrange(lambda index: np.pad(index, widths, mode=mode))
        constant = np.ravel(constant)
        outside = np.pad(np.zeros(x.shape), widths, constant_values=float(constant[0]) if constant.size else 0.0)
        return x.rearrange(lambda index: np.pad(index, widths, constant_values=-1)).plus(outside)

    def split(self, name, attributes, x, sizes=None):
        axis = self._axis(attributes.get("axis", 0), len(x.shape))
        if self.outputs > 1:
            self._within_samples([axis], x, "parts")
        sizes = attributes.get("split") if sizes is None else np.ravel(self._fixed("the sizes", sizes)).tolist()
        if sizes is None:
            parts = attributes.get("num_outputs", self.outputs)
            each = -(-x.shape[axis] // parts)
            sizes = [each] * (parts - 1)
            sizes.append(x.shape[axis] - sum(sizes))
        if sum(sizes) != x.shape[axis] or min(sizes) < 0 or len(sizes) != self.outputs:
            raise InputError(f"expected {self.outputs} parts of {x.shape[axis]} elements, found {sizes}")
        edges = np.cumsum(sizes)[:-1]
        indices = np.split(np.arange(x.size).reshape(x.shape), edges, axis)
        return [x.take(index) for index in indices]

    def concat(self, name, attributes, *values):
        rank = len(values[0].shape)
        axis = self._axis(attributes.get("axis", 1), rank)
        if len(values) > 1:
            self._within_samples([axis], values[0], "a concatenation")
        sides = {(*v.shape[:axis], *v.shape[axis + 1 :]) for v in values}
        if len(sides) > 1 or any(len(v.shape) != rank for v in values):
            raise InputError(f"expected tensors that differ on axis {axis} only, found {[v.shape for v in values[:9]]}")
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

    def identity(self, name, _, x):
        return x

    def dropout(self, name, attributes, x, ratio=None, training=None):
        attributes.ignore("seed", "ratio")
        if (self.version < 7 and not attributes.get("is_test")) or np.any(self._fixed("training_mode", training)):
            raise InputError("expected it as after training (training_mode 0), found it as during training")
        return x

    def cast(self, name, attributes, x):
        from onnx import TensorProto

        attributes.ignore("saturate", "round_mode")
        to = attributes["to"]
        to = to.decode() if isinstance(to, bytes) else TensorProto.DataType.Name(to)
        if to not in FRACTIONAL:
            raise InputError(f"expected activities to stay fractional, found a cast to {to}")
        return x

    def castlike(self, name, attributes, x, like):
        attributes.ignore("saturate", "round_mode")
        if not isinstance(x, Affine):
            raise InputError("expected a cast of activities, found one of a constant")
        if isinstance(like, np.ndarray) and like.dtype.kind != "f":
            raise InputError(f"expected activities to stay fractional, found a cast to {like.dtype}")
        return x

    def shape(self, name, attributes, x):
        start, end = attributes.get("start", 0), attributes.get("end")
        return np.array(x.shape[start:end], dtype=np.int64)

    def size(self, name, _, x):
        return np.array(x.size, dtype=np.int64)

    # Activations.

    def relu(self, name, attributes, x):
        attributes.ignore("consumed_inputs")
        return self.builder.activate(name, x, ThresholdLinear())

    def leakyrelu(self, name, attributes, x):
        attributes.ignore("consumed_inputs")
        slope = float(attributes.get("alpha", single(0.01)))
        return self.builder.activate(name, x, LeakyReLU(slope))

    def prelu(self, name, attributes, x, slope):
        attributes.ignore("consumed_inputs")
        slope = np.asarray(self._fixed("the slope", slope), dtype=float)
        if self.version < 7 and slope.ndim == 1:  # one for each channel
            slope = slope.reshape(-1, *[1] * (len(x.shape) - 2))
        if np.broadcast_shapes(slope.shape, x.shape) != x.shape:
            raise InputError(f"expected slopes that fit shape {x.shape}, found shape {slope.shape}")
        return x.scaled(slope).plus(self.builder.activate(name, x, ThresholdLinear()).scaled(1 - slope))

    def elu(self, name, attributes, x):
        """A rate is not negative, so the unit is raised by its lowest value."""
        attributes.ignore("consumed_inputs")
        low = float(attributes.get("alpha", 1.0))
        if not low > 0:
            raise InputError(f"expected an alpha above 0, found {low}")
        return self.builder.activate(name, x, ExponentialLinear(base=low, scale=1.0)).plus(-low)

    def celu(self, name, attributes, x):
        low = float(attributes.get("alpha", 1.0))
        if not low > 0:
            raise InputError(f"expected an alpha above 0, found {low}")
        return self.builder.activate(name, x, ExponentialLinear(base=low, scale=low)).plus(-low)

    def selu(self, name, attributes, x):
        attributes.ignore("consumed_inputs")
        defaults = map(single, (1.67326319217681884765625, 1.05070102214813232421875))
        alpha, gamma = (attributes.get(key, value) for key, value in zip(("alpha", "gamma"), defaults, strict=True))
        if not gamma > 0:
            raise InputError(f"expected a gamma above 0, found {gamma}")
        return self.elu(name, Attributes({"alpha": alpha}), x).scaled(np.array(gamma))

    def softplus(self, name, _, x):
        return self.builder.activate(name, x, Softplus(scale=1.0))

    def thresholdedrelu(self, name, attributes, x):
        """A threshold-linear unit, and a step of the threshold's height."""
        threshold = float(attributes.get("alpha", 1.0))
        if threshold < 0:
            raise InputError(f"expected an alpha of 0 or more, found {threshold}: it decreases at its threshold")
        above = self.builder.activate(name, x, ThresholdLinear(threshold=threshold))
        step = self.builder.activate(f"{name}_step", x, Step(threshold=threshold, maximum=1.0))
        return above.plus(step.scaled(np.array(threshold)))

    def sigmoid(self, name, attributes, x):
        attributes.ignore("consumed_inputs")
        return self.builder.activate(name, x, Logistic(slope=1.0, maximum=1.0))

    def tanh(self, name, attributes, x):
        attributes.ignore("consumed_inputs")
        return self.builder.activate(name, x, Tanh())

    def hardsigmoid(self, name, attributes, x):
        attributes.ignore("consumed_inputs")
        gain, offset = attributes.get("alpha", single(0.2)), attributes.get("beta", 0.5)
        if not gain > 0:
            raise InputError(f"expected an alpha above 0, found {gain}")
        return self.builder.activate(name, x, Saturating(gain=gain, threshold=-offset / gain, maximum=1.0))

    def clip(self, name, attributes, x, low=None, high=None):
        attributes.ignore("consumed_inputs")
        low, high = (
            attributes.get(key) if value is None else self._fixed("each bound", value)
            for key, value in (("min", low), ("max", high))
        )
        if any(np.size(bound) != 1 for bound in (low, high) if bound is not None):
            raise InputError("expected one number for each bound, found more or less")
        low, high = (None if bound is None else float(np.ravel(bound)[0]) for bound in (low, high))
        if low is None or high is None:
            below = x if low is None else self.max(name, Attributes(), x, np.array(low))
            return below if high is None else self.min(name, Attributes(), below, np.array(high))
        if not low < high:
            raise InputError(f"expected a lower and an upper bound, found {low} and {high}")
        if high - low > 1e30:  # bounds that leave all numbers as they are, in parts
            return self.min(name, Attributes(), self.max(name, Attributes(), x, np.array(low)), np.array(high))
        unit = self.builder.activate(name, x.plus(-low), Saturating(maximum=high - low))
        return unit.plus(low)

    def greater(self, name, attributes, a, b):
        """A truth value is a unit of rate 0 or 1."""
        return self.builder.activate(name, self.sub(name, attributes, a, b), Step(maximum=1.0))

    def less(self, name, attributes, a, b):
        return self.greater(name, Attributes(), self._aligned(attributes, a, b), a)

    def greaterorequal(self, name, _, a, b):
        return self.sub(name, Attributes(), np.array(1.0), self.less(name, Attributes(), a, b))

    def lessorequal(self, name, _, a, b):
        return self.sub(name, Attributes(), np.array(1.0), self.greater(name, Attributes(), a, b))

    def sign(self, name, _, x):
        above, below = (
            self.greater(f"{name}_{k}", Attributes(), side, np.array(0.0))
            for k, side in enumerate((x, self._negative(x)))
        )
        return self._plus(above, self._negative(below))

    def where(self, name, _, condition, a, b):
        if not isinstance(condition, Affine):
            chosen = np.asarray(condition, dtype=float)
            a, b = (value if isinstance(value, Affine) else np.asarray(value, dtype=float) for value in (a, b))
            return self._plus(self._times(a, chosen), self._times(b, 1 - chosen))
        if self._same_far_up(condition, a, b):
            return b
        if isinstance(a, Affine) or isinstance(b, Affine):
            raise InputError(
                "expected a choice between constants, found one between activities, as in torch.nn.Threshold: it is a "
                "product of activities, which cannot be mapped"
            )
        a, b = (np.asarray(value, dtype=float) for value in (a, b))
        return condition.scaled(a - b).plus(b)

    def _same_far_up(self, condition, a, b) -> bool:
        """Whether b is a softplus and a the line that it tends to, chosen far above 0, as PyTorch writes it."""
        layers = {layer.name: layer for layer in self.builder.layers}
        if not all(isinstance(each, Affine) and len(each.parts) == 1 for each in (condition, b)):
            return False
        units, above = (layers.get(next(iter(each.parts))) for each in (b, condition))
        if not (units and above and isinstance(units.neuron, Softplus) and isinstance(above.neuron, Step)):
            return False
        drive = Affine(b.shape, dict(units.incoming), units.bias)
        gain = b.parts[units.name].diagonal()
        if not isinstance(a, Affine) or a.shape != b.shape or above.size != units.size or not (gain == gain[0]).all():
            return False
        gain = np.array(gain[0])
        lines = (a, drive.scaled(gain)), (b, Affine.of_units(units.name, b.shape).scaled(gain))
        if gain <= 0 or not all(_equal(*pair) for pair in (*lines, (condition, Affine.of_units(above.name, b.shape)))):
            return False
        over = Affine(b.shape, dict(above.incoming), above.bias)  # a multiple of the drive, less the place of choice
        size = max((abs(part).max() for part in drive.parts.values()), default=0.0)
        factor = max((abs(part).max() for part in over.parts.values()), default=0.0) / size if size else 0.0
        place = drive.constant * factor - over.constant
        if factor <= 0 or not _equal(over.plus(place.reshape(b.shape)), drive.scaled(np.array(factor))):
            return False
        return bool((place / factor >= FAR_UP * units.neuron.scale).all())

    def max(self, name, attributes, *values):
        attributes.ignore("consumed_inputs")
        total = values[0]
        for value in values[1:]:
            total = self._larger(name, total, value)
        return total

    def _larger(self, name, a, b):
        if not isinstance(a, Affine) and not isinstance(b, Affine):
            return np.maximum(a, b)
        if not isinstance(a, Affine) or not isinstance(b, Affine):
            a, b = (a, b) if isinstance(a, Affine) else (b, a)
            b = np.asarray(b, dtype=float)
            return self.builder.activate(name, a.plus(-b), ThresholdLinear()).plus(b)
        return self.builder.maximum(name, [a, b])

    def min(self, name, attributes, *values):
        attributes.ignore("consumed_inputs")
        return self._negative(self.max(name, Attributes(), *map(self._negative, values)))

    def maxpool(self, name, attributes, x):
        kernel = attributes["kernel_shape"]
        attributes.ignore("storage_order")  # of the indices
        seen = windows(x.shape, kernel, *self._space(attributes, x, kernel))
        seen = seen.reshape(*seen.shape[: 1 + len(kernel)], -1)
        if not (seen >= 0).any(axis=-1).all():
            raise InputError("expected no window that lies wholly in the padding, found one")
        inside = np.take_along_axis(seen, (seen >= 0).argmax(axis=-1)[..., None], axis=-1)
        self.builder.spend(seen.shape[-1] * x.cost)  # each place of the window takes all of it
        seen = np.where(seen >= 0, seen, inside)[None]  # the padding never wins: a place's own element stands for it
        return self.builder.maximum(name, [x.take(seen[..., k]) for k in range(seen.shape[-1])])

    def reducemax(self, name, attributes, x, axes=None):
        flat, shape = self._reduced(attributes, x, axes, "a maximum")
        if flat is None:
            return x
        if flat.shape[1] > LARGEST_KERNEL:
            raise InputError(f"expected a maximum of at most {LARGEST_KERNEL} elements, found {flat.shape[1]}")
        self.builder.spend(flat.shape[1] * x.cost)
        return self.builder.maximum(name, [x.take(column.reshape(shape)) for column in flat.T])

    def reducemin(self, name, attributes, x, axes=None):
        return self._negative(self.reducemax(name, attributes, self._negative(x), axes))

    def globalmaxpool(self, name, _, x):
        return self.maxpool(name, Attributes({"kernel_shape": x.shape[2:]}), x)

    # Left out at the end.

    def softmax(self, name, attributes, x):
        default = 1 if self.version < 13 else -1
        rank, axis = len(x.shape), attributes.get("axis", default)
        axis = self._axis(axis, rank)
        within = int(np.prod(x.shape[axis:] if self.version < 13 else x.shape[axis]))
        self._takes_all(x, within, f"axis {axis} of shape {x.shape}")
        return LeftOut(x)

    logsoftmax = softmax

    def normalizer(self, name, attributes, x):
        attributes.ignore("norm")  # each divides by a number that is not negative
        self._takes_all(x, x.shape[1] if len(x.shape) == 2 else 0, f"shape {x.shape}")
        return LeftOut(x, "Normalizer")

    def _takes_all(self, x, within, found) -> None:
        if within != x.size or x.size < 2:
            raise InputError(
                f"expected it over all outputs of a sample, two or more, found {found}: left out, it would change "
                "which is largest"
            )

    def argmax(self, name, attributes, x):
        """A label; it is left out."""
        attributes.ignore("keepdims", "select_last_index")
        axis = self._axis(attributes.get("axis", 0), len(x.shape))
        self._takes_all(x, x.shape[axis], f"axis {axis} of shape {x.shape}")
        return Label(x)

    def zipmap(self, name, attributes, x):
        """The outputs with the names of their classes, which are left out."""
        attributes.ignore("classlabels_int64s", "classlabels_strings")
        return x
