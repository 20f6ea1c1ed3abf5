"""ONNX files: read as DNNs, and written from them. Needs the extra ``eisim[onnx]``.

A file is data: nothing in it is executed, external files are not opened, sizes are checked before anything is
computed.
"""

from pathlib import Path

import numpy as np
from scipy import sparse

from eisim.adapter.activations import Identity, LeakyReLU, Tanh
from eisim.adapter.affine import LARGEST, Affine, NetworkBuilder, bounded, convolution, windows
from eisim.adapter.static import DNN
from eisim.errors import InputError
from eisim.neurons import LIF, Logistic, Saturating, Step, ThresholdLinear

LARGEST_FILE = 500_000_000  # bytes
LARGEST_KERNEL = 4096  # places
#: Operations that may prepare constants.
FOLDED = {"Constant", "Shape", "Gather", "Concat", "Unsqueeze", "Squeeze", "Cast", "Add", "Mul", "Sub", "Div", "Slice"}
FOLDED |= {"Reshape", "Transpose", "ConstantOfShape", "Identity"}
#: Formats of numbers that a cast may lead to: what is whole or truth would be rounded.
FRACTIONAL = {"FLOAT", "DOUBLE", "FLOAT16", "BFLOAT16"}
#: Endings of files that hold code or need a framework to be read, and how its users write ONNX.
FOREIGN = dict.fromkeys((".pt", ".pth", ".pt2", ".ckpt"), "torch.onnx.export(module, (example,), 'net.onnx')")
FOREIGN |= dict.fromkeys((".keras", ".h5", ".hdf5"), "model.export('net.onnx', format='onnx')")
FOREIGN |= dict.fromkeys((".pkl", ".pickle", ".joblib"), "skl2onnx.to_onnx(model, X)")
#: What follows the outputs in classifiers: names of classes.
IGNORED_AFTER = {"ArgMax", "ZipMap", "ArrayFeatureExtractor", "Normalizer", "LabelEncoder"}


def _onnx():
    try:
        import onnx
    except ImportError:
        raise InputError(
            "ONNX files need the package onnx: expected it installed (pip install 'eisim[onnx]')"
        ) from None
    return onnx


def read_onnx(path) -> DNN:
    """Read a feed-forward network from an ONNX file.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    DNN
        With one input, in the flat order of the file's, and decision thresholds of 0.5 for outputs that saturate, else
        0; linear operations are folded into the weights of the units
        that follow. A softmax at the end is left out: it does not change which output is largest.

    Raises
    ------
    InputError
        For a file that is none or too large, or an operation that cannot be mapped; the message names it and why.
    """
    onnx, path = _onnx(), Path(path)
    if path.suffix.lower() in FOREIGN:
        raise InputError(
            f"{path}: expected an ONNX file, found a name that ends in {path.suffix}; eisim opens no file that may "
            f"hold code: write ONNX instead, {FOREIGN[path.suffix.lower()]}"
        )
    try:
        size = path.stat().st_size
        if size > LARGEST_FILE:
            raise InputError(f"{path}: expected at most {LARGEST_FILE:,} bytes, found {size:,}")
        model = onnx.load_model_from_string(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except InputError:
        raise
    except Exception as error:
        raise InputError(
            f"{path}: expected an ONNX file, found one that cannot be parsed ({type(error).__name__})"
        ) from None
    return read_model(model, path)


def read_model(model, path: Path) -> DNN:
    """The network of an ONNX model; `path` is what errors call it. Otherwise as `read_onnx`."""
    try:
        return _Reader(_onnx(), model, path).read()
    except InputError as error:
        said = str(error)
        raise InputError(said if said.startswith(str(path)) else f"{path}: {said}") from None
    except Exception as error:  # whatever a hostile file provokes
        said = " ".join(str(error).split())[:120]
        raise InputError(
            f"{path}: expected a well-formed network, found one that contradicts itself ({said})"
        ) from None


class _Reader:
    """One pass over the nodes of a graph; values are `Affine` tensors or constant arrays."""

    def __init__(self, onnx, model, path):
        self.onnx, self.graph, self.path = onnx, model.graph, path
        self.constants = {tensor.name: self._array(tensor) for tensor in self.graph.initializer}
        real = [i for i in self.graph.input if i.name not in self.constants]
        if len(real) != 1:
            raise InputError(f"{path}: expected a network with one input, found {len(real)}")
        shape = self._input_shape(real[0])
        self.values: dict[str, Affine | np.ndarray] = dict(self.constants)
        self.values[real[0].name] = Affine.of_units("x", shape)
        self.builder = NetworkBuilder({"x": shape})
        self.batch = real[0].type.tensor_type.shape.dim[0].dim_value

    def _array(self, tensor):
        if tensor.data_location == tensor.EXTERNAL:
            raise InputError(f"{self.path}: tensor {tensor.name!r}: expected its data in the file, found it elsewhere")
        if np.prod([float(d) for d in tensor.dims]) > LARGEST or min(tensor.dims, default=1) < 0:
            raise InputError(
                f"{self.path}: tensor {tensor.name!r}: expected at most {LARGEST:,} elements, found shape "
                f"{list(tensor.dims)}"
            )
        return self._finite(self.onnx.numpy_helper.to_array(tensor), tensor.name)

    def _finite(self, array, name):
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise InputError(
                f"{self.path}: tensor {name!r}: expected finite numbers, found {array[~np.isfinite(array)][0]}"
            )
        return array

    def _input_shape(self, entry):
        dims = [d.dim_value for d in entry.type.tensor_type.shape.dim]
        if not dims or any(d < 1 for d in dims[1:]) or np.prod([float(d) for d in dims[1:]]) > LARGEST:
            raise InputError(
                f"{self.path}: input {entry.name!r}: expected a fixed shape after the batch axis, found {dims}"
            )
        return (1, *dims[1:])

    def read(self) -> DNN:
        names = [output.name for output in self.graph.output]
        last = None
        for k, node in enumerate(self.graph.node):
            name = self._name(node, k)
            if node.op_type in IGNORED_AFTER or any(i and i not in self.values for i in node.input):
                continue  # what follows the outputs: labels of classes
            result = self._apply(node, name)
            if isinstance(result, Affine):
                if result.size > LARGEST:
                    raise InputError(
                        f"{self.path}: {name}: expected at most {LARGEST:,} elements, found {result.size:,}"
                    )
                last = result
            self.values |= zip(node.output, result if isinstance(result, list) else [result], strict=False)
        found = [self.values[n] for n in names if isinstance(self.values.get(n), Affine)]
        value = found[0] if found else last
        if value is None:
            raise InputError(f"{self.path}: expected a network with an output that depends on its input, found none")
        units = self._as_layer(value)
        saturates = isinstance(self.builder.layers[-1].neuron, (Logistic, Saturating))  # a probability
        return self.builder.network([(units, 0.5 if saturates else 0.0)], self.path.stem)

    def _name(self, node, k):
        """The node's name, after that of the PyTorch module that it comes from."""
        name = node.name or f"{node.op_type}_{k}"
        scopes = next((p.value for p in node.metadata_props if p.key == "pkg.torch.onnx.name_scopes"), "[]")
        names = [part for part in scopes.strip("[]").replace("'", "").split(", ") if part]
        return f"{names[-2]}/{name}" if len(names) > 1 else name

    def _as_layer(self, value):
        """The layer whose units are this value: the last activation, or linear outputs."""
        if len(value.parts) == 1 and not value.constant.any():
            ((name, matrix),) = value.parts.items()
            eye = sparse.eye_array(value.size)
            if name != "x" and matrix.shape == eye.shape and abs(matrix - eye).nnz == 0:
                return name
        self.builder.activate("output", value, Identity())
        return "output"

    def _apply(self, node, name):
        operation = getattr(self, f"_{node.op_type.lower()}", None)
        inputs = [self.values[i] if i else None for i in node.input]
        attributes = {a.name: self.onnx.helper.get_attribute_value(a) for a in node.attribute}
        if not any(isinstance(value, Affine) for value in inputs):
            return self._fold(node, inputs, name)
        if operation is None or node.domain not in ("", "ai.onnx", "ai.onnx.ml"):
            raise InputError(
                f"{self.path}: {name}: the operation {node.op_type} cannot be mapped to a circuit of rate units; "
                "expected linear operations, pooling and pointwise activations"
            )
        return operation(name, attributes, *inputs)

    def _fold(self, node, inputs, name):
        """An operation on constants alone."""
        from onnx.reference import ReferenceEvaluator

        if node.op_type not in FOLDED:
            raise InputError(
                f"{self.path}: {name}: expected an operation on the input, found {node.op_type} on constants"
            )
        shapes = [np.shape(value) for value in inputs]
        if node.op_type in ("Add", "Mul", "Sub", "Div"):
            bounded(np.broadcast_shapes(*shapes))
        elif node.op_type == "Gather":
            bounded([*shapes[0], *shapes[1]])
        elif node.op_type == "ConstantOfShape":
            bounded(inputs[0])
        array = np.asarray(ReferenceEvaluator(node).run(None, dict(zip(node.input, inputs, strict=True)))[0])
        if array.size > LARGEST:
            raise InputError(f"{self.path}: {name}: expected at most {LARGEST:,} elements, found {array.size:,}")
        return self._finite(array, name)

    def _fixed(self, name, what, value):
        if isinstance(value, Affine):
            raise InputError(
                f"{self.path}: {name}: expected {what} to be constant, found one that depends on the input; "
                "products of activities, as in attention, cannot be mapped"
            )
        return value

    # Linear operations.

    def _matmul(self, name, _, a, b):
        if not isinstance(a, Affine):
            raise InputError(f"{self.path}: {name}: expected the input times a constant, found the reverse")
        b = np.asarray(self._fixed(name, "the second factor", b), dtype=float)
        rows = a.size // b.shape[0]
        matrix = sparse.kron(sparse.eye_array(rows), sparse.csr_array(b), format="csr")
        return a.times(matrix, (*a.shape[:-1], b.shape[1]))

    def _gemm(self, name, attributes, a, b, c=None):
        b = np.asarray(self._fixed(name, "the second factor", b), dtype=float)
        b = (b.T if attributes.get("transB") else b) * attributes.get("alpha", 1.0)
        result = self._matmul(name, {}, a, b)
        return result if c is None else self._add(name, {}, result, np.asarray(c) * attributes.get("beta", 1.0))

    def _add(self, name, _, a, b):
        return a.plus(b) if isinstance(a, Affine) else b.plus(a)

    def _sum(self, name, _, *values):
        total = values[0]
        for value in values[1:]:
            total = self._add(name, {}, total, value)
        return total

    def _sub(self, name, _, a, b):
        if isinstance(b, Affine):
            return b.scaled(np.array(-1.0)).plus(a)
        return a.plus(-np.asarray(b))

    def _neg(self, name, _, a):
        return a.scaled(np.array(-1.0))

    def _mul(self, name, _, a, b):
        a, b = (a, b) if isinstance(a, Affine) else (b, a)
        return a.scaled(self._fixed(name, "one factor", b))

    def _div(self, name, _, a, b):
        return a.scaled(1 / np.asarray(self._fixed(name, "the divisor", b), dtype=float))

    def _batchnormalization(self, name, attributes, x, scale, shift, mean, variance):
        factor = scale / np.sqrt(variance + attributes.get("epsilon", 1e-5))
        shape = (1, -1, *[1] * (len(x.shape) - 2))
        return x.scaled(factor.reshape(shape)).plus((shift - mean * factor).reshape(shape))

    def _space(self, name, attributes, x, kernel):
        """Strides, pads and dilations of a convolution or pooling."""
        n = len(x.shape) - 2
        strides, dilations = attributes.get("strides", [1] * n), attributes.get("dilations", [1] * n)
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
        if (
            min(*strides, *dilations, *kernel) < 1
            or min(min(p) for p in pads) < 0
            or max(max(p) for p in pads) > 10_000
        ):
            raise InputError(f"{self.path}: {name}: expected positive strides and kernel, pads of 0 or more")
        if np.prod([float(k) for k in kernel]) > LARGEST_KERNEL:
            raise InputError(
                f"{self.path}: {name}: expected a kernel of at most {LARGEST_KERNEL} places, found {kernel}"
            )
        if attributes.get("ceil_mode"):
            if attributes.get("count_include_pad"):
                raise InputError(f"{self.path}: {name}: expected ceil_mode 0 where the padding counts, found 1")
            for k, (size, s) in enumerate(zip(x.shape[2:], strides, strict=True)):
                before, after = pads[k]
                span = dilations[k] * (kernel[k] - 1) + 1
                last = -(-(size + before + after - span) // s) * s  # where the last window begins
                last -= s * (last >= size + before)  # none lies wholly in the padding
                pads[k] = before, max(after, last + span - size - before)
        return strides, pads, dilations

    def _conv(self, name, attributes, x, kernel, bias=None):
        kernel = np.asarray(self._fixed(name, "the kernel", kernel), dtype=float)
        space = self._space(name, attributes, x, kernel.shape[2:])
        return convolution(x, kernel, bias, *space, attributes.get("group", 1))

    def _convtranspose(self, name, attributes, x, kernel, bias=None):
        """The transpose of the convolution that leads from the output's shape to the input's."""
        kernel = np.asarray(self._fixed(name, "the kernel", kernel), dtype=float)
        if "output_shape" in attributes or attributes.get("auto_pad", b"NOTSET") != b"NOTSET":
            raise InputError(f"{self.path}: {name}: expected explicit pads, found automatic ones")
        groups = attributes.get("group", 1)
        strides, pads, dilations = self._space(name, attributes, x, kernel.shape[2:])
        extra = attributes.get("output_padding", [0] * len(pads))
        space = [
            (n - 1) * s + d * (k - 1) + 1 - sum(p) + e
            for n, s, d, k, p, e in zip(x.shape[2:], strides, dilations, kernel.shape[2:], pads, extra, strict=True)
        ]
        output = Affine.of_units("output", (1, kernel.shape[1] * groups, *space))
        forward = convolution(output, kernel, None, strides, pads, dilations, groups)
        result = x.times(forward.parts["output"].T.tocsr(), output.shape)
        return result if bias is None else result.plus(np.reshape(bias, (1, -1, *[1] * len(space))))

    def _averagepool(self, name, attributes, x):
        kernel = attributes["kernel_shape"]
        space = self._space(name, attributes, x, kernel)
        one = np.ones((x.shape[1], 1, *kernel))
        total = convolution(x, one, None, *space, x.shape[1])
        if attributes.get("count_include_pad"):
            return total.scaled(np.array(1 / np.prod(kernel)))
        seen = windows(x.shape, kernel, *space)
        counts = (seen >= 0).reshape(*seen.shape[: 1 + len(kernel)], -1).sum(axis=-1)
        return total.scaled(1 / counts[None])

    def _globalaveragepool(self, name, _, x):
        return self._averagepool(name, {"kernel_shape": x.shape[2:]}, x)

    def _reducemean(self, name, attributes, x, axes=None):
        total = self._reducesum(name, attributes, x, axes)
        return total.scaled(np.array(total.size / x.size))

    def _reducesum(self, name, attributes, x, axes=None):
        axes = attributes.get("axes") if axes is None else np.asarray(axes).tolist()
        axes = [a % len(x.shape) for a in (axes or range(1, len(x.shape)))]
        if 0 in axes:
            raise InputError(
                f"{self.path}: {name}: expected a sum or mean within each sample, found one over the batch"
            )
        index = np.arange(x.size).reshape(x.shape)
        kept = [a for a in range(len(x.shape)) if a not in axes]
        flat = index.transpose(*kept, *axes).reshape(int(np.prod([x.shape[a] for a in kept])), -1)
        entries = np.ones(flat.size), (flat.ravel(), np.repeat(np.arange(len(flat)), flat.shape[1]))
        shape = [1 if a in axes else n for a, n in enumerate(x.shape) if a in kept or attributes.get("keepdims", 1)]
        return x.times(sparse.csr_array(entries, (x.size, len(flat))), shape)

    # Operations that move elements.

    def _reshape(self, name, _, x, shape):
        shape = [x.shape[k] if n == 0 else int(n) for k, n in enumerate(np.asarray(shape).tolist())]
        if self.batch > 1 and shape[0] == self.batch:  # a file for batches of one size only
            shape[0] = 1
        return x.rearrange(lambda index: index.reshape(shape))

    def _flatten(self, name, attributes, x):
        axis = attributes.get("axis", 1)
        return x.rearrange(lambda index: index.reshape(int(np.prod(x.shape[:axis])), -1))

    def _transpose(self, name, attributes, x):
        return x.rearrange(lambda index: index.transpose(attributes.get("perm")))

    def _squeeze(self, name, attributes, x, axes=None):
        axes = attributes.get("axes") if axes is None else np.asarray(axes).tolist()
        return x.rearrange(lambda index: index.squeeze(None if axes is None else tuple(axes)))

    def _unsqueeze(self, name, attributes, x, axes=None):
        axes = attributes.get("axes") if axes is None else np.asarray(axes).tolist()
        return x.rearrange(lambda index: np.expand_dims(index, tuple(axes)))

    def _slice(self, name, attributes, x, starts=None, ends=None, axes=None, steps=None):
        starts, ends = (attributes[k] if v is None else np.asarray(v) for k, v in (("starts", starts), ("ends", ends)))
        axes = attributes.get("axes", range(len(starts))) if axes is None else np.asarray(axes)
        steps = np.ones(len(starts)) if steps is None else np.asarray(steps)
        place = [slice(None)] * len(x.shape)
        for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
            place[axis] = slice(int(start), int(end), int(step))
        return x.rearrange(lambda index: index[tuple(place)])

    def _gather(self, name, attributes, x, indices):
        indices = self._fixed(name, "the indices", indices)
        return x.rearrange(lambda index: np.take(index, indices, axis=attributes.get("axis", 0)))

    def _expand(self, name, _, x, shape):
        return x.scaled(np.ones(bounded(self._fixed(name, "the shape", shape))))

    def _pad(self, name, attributes, x, pads=None, value=None, axes=None):
        mode = attributes.get("mode", b"constant").decode()
        pads = np.asarray(attributes["pads"] if pads is None else self._fixed(name, "the pads", pads)).reshape(2, -1)
        if pads.min(initial=0) < 0 or pads.max(initial=0) > 10_000 or mode not in ("constant", "edge", "reflect"):
            raise InputError(f"{self.path}: {name}: expected pads of 0 or more, found {pads.ravel().tolist()} ({mode})")
        widths = np.zeros((len(x.shape), 2), dtype=int)
        widths[slice(None) if axes is None else np.asarray(axes)] = pads.T
        bounded(np.asarray(x.shape) + widths.sum(axis=1))
        if mode != "constant":
            return x.rearrange(lambda index: np.pad(index, widths, mode=mode))
        value = attributes.get("value", 0.0) if value is None else np.ravel(value)[0]
        outside = np.pad(np.zeros(x.shape), widths, constant_values=self._finite(np.array(float(value)), name))
        return x.rearrange(lambda index: np.pad(index, widths, constant_values=-1)).plus(outside)

    def _split(self, name, attributes, x, sizes=None):
        axis = attributes.get("axis", 0)
        if (sizes := attributes.get("split") if sizes is None else np.asarray(sizes).tolist()) is None:
            each = -(-x.shape[axis] // attributes["num_outputs"])
            sizes = [each] * (attributes["num_outputs"] - 1)
            sizes.append(x.shape[axis] - sum(sizes))
        edges = np.cumsum(sizes)[:-1]
        indices = np.split(np.arange(x.size).reshape(x.shape), edges, axis)
        return [x.take(index) for index in indices]

    def _concat(self, name, attributes, *values):
        axis = attributes["axis"]
        shape = list(values[0].shape)
        shape[axis] = sum(v.shape[axis] for v in values)
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

    def _identity(self, name, _, x, *__):
        return x

    _dropout = _identity

    def _cast(self, name, attributes, x):
        to = self.onnx.TensorProto.DataType.Name(attributes["to"])
        if to not in FRACTIONAL:
            raise InputError(f"{self.path}: {name}: expected activities to stay fractional, found a cast to {to}")
        return x

    def _shape(self, name, _, x):
        return np.array(x.shape)

    # Activations.

    def _relu(self, name, _, x):
        return self.builder.activate(name, x, ThresholdLinear())

    def _leakyrelu(self, name, attributes, x):
        slope = float(attributes.get("alpha", 0.01))
        return self.builder.activate(name, x, LeakyReLU(slope))

    def _prelu(self, name, _, x, slope):
        slope = np.asarray(self._fixed(name, "the slope", slope), dtype=float)
        return x.scaled(slope).plus(self.builder.activate(name, x, ThresholdLinear()).scaled(1 - slope))

    def _sigmoid(self, name, _, x):
        return self.builder.activate(name, x, Logistic(slope=1.0, maximum=1.0))

    def _tanh(self, name, _, x):
        return self.builder.activate(name, x, Tanh())

    def _hardsigmoid(self, name, attributes, x):
        gain, offset = attributes.get("alpha", 0.2), attributes.get("beta", 0.5)
        return self.builder.activate(name, x, Saturating(gain=gain, threshold=-offset / gain, maximum=1.0))

    def _clip(self, name, attributes, x, low=None, high=None):
        low = attributes.get("min") if low is None else float(np.ravel(low)[0])
        high = attributes.get("max") if high is None else float(np.ravel(high)[0])
        if low is None or high is None:
            below = x if low is None else self._max(name, {}, x, np.array(low))
            return below if high is None else self._min(name, {}, below, np.array(high))
        if not low < high:
            raise InputError(f"{self.path}: {name}: expected a lower and an upper bound, found {low} and {high}")
        unit = self.builder.activate(name, x.plus(-low), Saturating(maximum=high - low))
        return unit.plus(low)

    def _max(self, name, _, a, b):
        if not isinstance(a, Affine) or not isinstance(b, Affine):
            a, b = (a, b) if isinstance(a, Affine) else (b, a)
            return self.builder.activate(name, a.plus(-np.asarray(b)), ThresholdLinear()).plus(b)
        return self.builder.maximum(name, [a, b])

    def _min(self, name, _, a, b):
        opposite = (value.scaled(np.array(-1.0)) if isinstance(value, Affine) else -value for value in (a, b))
        return self._max(name, {}, *opposite).scaled(np.array(-1.0))

    def _maxpool(self, name, attributes, x):
        kernel = attributes["kernel_shape"]
        seen = windows(x.shape, kernel, *self._space(name, attributes, x, kernel))
        seen = seen.reshape(*seen.shape[: 1 + len(kernel)], -1)
        inside = np.take_along_axis(seen, (seen >= 0).argmax(axis=-1)[..., None], axis=-1)
        seen = np.where(seen >= 0, seen, inside)[None]  # the padding never wins: a place's own element stands for it
        return self.builder.maximum(name, [x.take(seen[..., k]) for k in range(seen.shape[-1])])

    def _globalmaxpool(self, name, _, x):
        return self._maxpool(name, {"kernel_shape": x.shape[2:]}, x)

    def _softmax(self, name, attributes, x):
        return x

    _logsoftmax = _softmax


def write_onnx(dnn: DNN) -> bytes:
    """A feed-forward DNN as an ONNX file, in double precision.

    The input is ``stimuli`` (trials × inputs), the output ``rates`` (trials × readouts, in Hz).

    Raises
    ------
    InputError
        For a recurrent DNN, or an activation that ONNX has no operations for, such as that of a noisy LIF neuron.
    """
    onnx = _onnx()
    if dnn.recurrent:
        raise InputError(f"ONNX: expected a feed-forward DNN, found {dnn!r}")
    writer = _Writer(onnx)
    start = 0
    for name, size, rate in dnn.inputs:
        span = (writer.constant(np.array([k])) for k in (start, start + size, 1))
        column = writer.node("Slice", "stimuli", *span)
        writer.node("Mul", column, writer.constant(rate), output=name)
        start += size
    for layer in dnn.layers:
        drive = writer.constant(layer.bias[None])
        for source, weights in layer.incoming:
            drive = writer.node("Add", writer.node("MatMul", source, writer.constant(weights.toarray())), drive)
        writer.activation(layer, drive)
    writer.node("Concat", *(name for name, _ in dnn.outputs), output="rates", axis=1)
    sizes = {layer.name: layer.size for layer in dnn.layers}
    double = onnx.TensorProto.DOUBLE
    graph = onnx.helper.make_graph(
        writer.nodes,
        dnn.name or "network",
        [onnx.helper.make_tensor_value_info("stimuli", double, ["trials", start])],
        [onnx.helper.make_tensor_value_info("rates", double, ["trials", sum(sizes[n] for n, _ in dnn.outputs)])],
        writer.initializers,
    )
    model = onnx.helper.make_model(
        graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8, producer_name="eisim"
    )
    onnx.checker.check_model(model)
    return model.SerializeToString()


class _Writer:
    """Nodes and constants of a graph."""

    def __init__(self, onnx):
        self.onnx, self.nodes, self.initializers = onnx, [], []

    def constant(self, value) -> str:
        name = f"constant_{len(self.initializers)}"
        value = np.asarray(value)
        value = value if value.dtype.kind in "iu" else value.astype(float)
        self.initializers.append(self.onnx.numpy_helper.from_array(value, name))
        return name

    def node(self, operation, *inputs, output=None, **attributes) -> str:
        output = output or f"value_{len(self.nodes)}"
        self.nodes.append(self.onnx.helper.make_node(operation, inputs, [output], **attributes))
        return output

    def activation(self, layer, drive):
        """The layer's activation of its drive, under its name."""
        unit, name = layer.neuron, layer.name
        one, node = self.constant, self.node
        if isinstance(unit, Identity):
            node("Identity", drive, output=name)
        elif isinstance(unit, Tanh):
            node("Tanh", drive, output=name)
        elif isinstance(unit, LeakyReLU):
            below = node("Mul", node("Min", drive, one(0.0)), one(unit.slope))
            node("Add", node("Relu", drive), below, output=name)
        elif isinstance(unit, (ThresholdLinear, Saturating)):
            above = drive if unit.threshold == 0 else node("Sub", drive, one(unit.threshold))
            if isinstance(unit, Saturating):
                above = above if unit.gain == 1 else node("Mul", above, one(unit.gain))
                node("Clip", above, one(0.0), one(unit.maximum), output=name)
            elif unit.gain == 1:
                node("Relu", above, output=name)
            else:
                node("Mul", node("Relu", above), one(unit.gain), output=name)
        elif isinstance(unit, Logistic):
            scaled = drive if unit.threshold == 0 else node("Sub", drive, one(unit.threshold))
            scaled = scaled if unit.slope == 1 else node("Div", scaled, one(unit.slope))
            if unit.maximum == 1:
                node("Sigmoid", scaled, output=name)
            else:
                node("Mul", node("Sigmoid", scaled), one(unit.maximum), output=name)
        elif isinstance(unit, Step):
            above = node("Cast", node("Greater", drive, one(unit.threshold)), to=self.onnx.TensorProto.DOUBLE)
            node("Mul", above, one(unit.maximum), output=name)
        elif isinstance(unit, LIF) and not unit.noise:
            fires = node("Greater", drive, one(unit.rheobase))
            far = one(2 * unit.rheobase if unit.rheobase > 0 else unit.rheobase + 1)
            end = node("Add", node("Where", fires, drive, far), one(unit.rest))
            fraction = node("Div", node("Sub", end, one(unit.reset)), node("Sub", end, one(unit.threshold)))
            interval = node("Add", node("Mul", node("Log", fraction), one(unit.tau)), one(unit.refractory))
            node("Where", fires, node("Div", one(1.0), interval), one(0.0), output=name)
        else:
            raise InputError(
                f"ONNX: layer {name!r}: expected an activation that ONNX can express, found {unit!r}; a circuit's "
                "without_noise() can be exported"
            )
