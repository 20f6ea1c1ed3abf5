"""ONNX files read as DNNs. Needs the extra ``eisim[onnx]``.

A file is data: nothing in it is executed, no other file is opened but weights that lie beside it, and sizes are
checked before anything is computed, so that a hostile file takes no more time and memory than a large honest one.
"""

from pathlib import Path

import numpy as np
from scipy import sparse

from eisim.adapter.activations import Identity
from eisim.adapter.affine import OVERHEAD, Affine, NetworkBuilder, bounded, finite
from eisim.adapter.onnx_operations import Operations
from eisim.adapter.onnx_writer import onnx_package
from eisim.adapter.static import DNN
from eisim.errors import InputError, explains_arguments
from eisim.incoming import regular_file
from eisim.neurons import Logistic, Saturating

#: In bytes: parsing takes up to 80 times as much memory.
LARGEST_FILE = 50_000_000
#: In bytes, of a file of weights beside it.
LARGEST_DATA = 500_000_000
LONGEST_MESSAGE = 400  # characters
#: Operations that may prepare constants.
FOLDED = {"Constant", "Shape", "Gather", "Concat", "Unsqueeze", "Squeeze", "Cast", "Add", "Mul", "Sub", "Div", "Slice"}
FOLDED |= {"Reshape", "Transpose", "ConstantOfShape", "Identity"}
#: Endings of files that hold code or need a framework to be read, and how its users write ONNX.
FOREIGN = dict.fromkeys((".pt", ".pth", ".pt2", ".ckpt"), "torch.onnx.export(module, (example,), 'net.onnx')")
FOREIGN |= dict.fromkeys((".keras", ".h5", ".hdf5"), "model.export('net.onnx', format='onnx')")
FOREIGN |= dict.fromkeys((".pkl", ".pickle", ".joblib"), "skl2onnx.to_onnx(model, X)")
#: What follows the outputs in classifiers: names of classes.
IGNORED_AFTER = {"ArgMax", "ZipMap", "ArrayFeatureExtractor", "Normalizer", "LabelEncoder"}
#: Left out at the end of a network, and what may follow there: it keeps which output is largest.
LEFT_OUT = {"Softmax", "LogSoftmax"}
AFTER_SOFTMAX = {"Cast", "Dropout", "Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"}


@explains_arguments
def read_onnx(path) -> DNN:
    """Read a feed-forward network from an ONNX file.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    DNN
        With one input, in the flat order of the file's, the first output that depends on it, and decision thresholds
        of 0.5 for outputs that saturate, else 0. Linear operations are folded into the weights of the units that
        follow. A softmax at the end is left out: it does not change which output is largest.

    Raises
    ------
    InputError
        For a file that is none or too large, or an operation that cannot be mapped; the message names it and why.
    """
    onnx, path = onnx_package(), Path(path)
    if path.suffix.lower() in FOREIGN:
        raise InputError(
            f"{path}: expected an ONNX file, found a name that ends in {path.suffix}; eisim opens no file that may "
            f"hold code: write ONNX instead, {FOREIGN[path.suffix.lower()]}"
        )
    try:
        model = onnx.load_model_from_string(regular_file(path, LARGEST_FILE).read_bytes())
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
        with np.errstate(all="ignore"):  # what is not finite is refused by name
            return _Reader(onnx_package(), model, path).read()
    except InputError as error:
        said = str(error)
    except Exception as error:  # whatever a hostile file provokes
        said = f"expected a well-formed network, found one that contradicts itself ({error})"
    raise InputError(f"{path}: {_one_line(said)[:LONGEST_MESSAGE]}")


def _one_line(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in " ".join(text.split()))


class _Reader:
    """One pass over the nodes of a graph; values are `Affine` tensors or constant arrays."""

    def __init__(self, onnx, model, path):
        self.onnx, self.graph, self.path = onnx, model.graph, path
        constants = {tensor.name: self._array(tensor) for tensor in self.graph.initializer}
        real = [i for i in self.graph.input if i.name not in constants]
        if len(real) != 1:
            raise InputError(f"expected a network with one input, found {len(real)}")
        shape, batch = self._input_shape(real[0])
        self.values: dict[str, Affine | np.ndarray] = constants | {real[0].name: Affine.of_units("x", shape)}
        self.builder = NetworkBuilder({"x": shape})
        self.operations = Operations(self.builder, batch)

    def _array(self, tensor):
        """The array of a tensor in the file."""
        what = f"tensor {tensor.name!r}"
        try:
            bounded(tensor.dims)
            if tensor.data_location == tensor.EXTERNAL:
                tensor = self._with_data(tensor)
            array = self.onnx.numpy_helper.to_array(tensor)
            array = array.astype(np.float32) if array.dtype.kind == "V" else array  # of less than 16 bits, or bfloat16
            return finite(array) if array.dtype.kind == "f" else array
        except InputError as error:
            raise InputError(f"{what}: {error}") from None

    def _with_data(self, tensor):
        """A tensor with the numbers that PyTorch's exporter, for one, writes into a file of their own."""
        where = {entry.key: entry.value for entry in tensor.external_data}
        file = self.path.parent / Path(where["location"]).name
        if where["location"] != file.name or file.is_symlink():
            raise InputError(f"expected its data in a file beside this one, found {where['location']!r}")
        try:
            size = file.stat().st_size
            if size > LARGEST_DATA or not file.is_file():
                raise InputError(f"expected a file of at most {LARGEST_DATA:,} bytes, found {file.name!r}")
            with file.open("rb") as opened:
                start = opened.seek(int(where.get("offset", 0)))
                data = opened.read(min(int(where.get("length", size)), size))
        except OSError as error:
            raise InputError(f"its data in {file.name!r} cannot be read: {error.strerror}") from None
        if start + int(where.get("length", 0)) > size:
            raise InputError(f"expected {where['length']} bytes at {start} of {file.name!r}, found its end")
        whole = self.onnx.TensorProto()
        whole.CopyFrom(tensor)
        whole.ClearField("external_data")
        whole.data_location, whole.raw_data = tensor.DEFAULT, data
        return whole

    def _input_shape(self, entry):
        """Shape of one sample, with a batch axis of 1, and the size of the file's batch axis if it has one."""
        dims = [d.dim_value for d in entry.type.tensor_type.shape.dim]
        if not dims or any(d < 1 for d in dims[1:]):
            raise InputError(f"input {entry.name!r}: expected a fixed shape after the batch axis, found {dims}")
        return bounded((1, *dims[1:])), dims[0]

    def read(self) -> DNN:
        """The network of the graph."""
        labels, left_out, last = set(), set(), None
        for k, node in enumerate(self.graph.node):
            name, sources = self._name(node, k), {i for i in node.input if i}
            if node.op_type in IGNORED_AFTER or not sources.isdisjoint(labels):
                labels |= set(node.output)
                continue
            try:
                self._check_order(node, sources)
                follows = not sources.isdisjoint(left_out)
                if node.op_type in LEFT_OUT or follows:
                    if follows and node.op_type not in AFTER_SOFTMAX:
                        raise InputError(f"expected a softmax at the end only, found {node.op_type} after one")
                    left_out |= set(node.output)
                result = self._apply(node, name)
            except InputError as error:
                raise InputError(f"{name}: {error}") from None
            results = result if isinstance(result, list) else [result]
            for output, each in zip(node.output, results, strict=False):
                if each is None:
                    labels.add(output)
                else:
                    self.values[output] = each
            last = next((each for each in results if isinstance(each, Affine)), last)
        outputs = [output.name for output in self.graph.output]
        found = [self.values[n] for n in outputs if isinstance(self.values.get(n), Affine)]
        value = found[0] if found else last
        if value is None or not (found or labels & set(outputs)):
            raise InputError("expected a network with an output that depends on its input, found none")
        units = self._as_layer(value)
        (unit,) = (layer.neuron for layer in self.builder.layers if layer.name == units)
        saturates = isinstance(unit, (Logistic, Saturating))  # a probability
        return self.builder.network([(units, 0.5 if saturates else 0.0)], self.path.stem)

    def _check_order(self, node, sources):
        for source in sources:
            if source not in self.values:
                raise InputError(f"expected {source!r} to be computed before it, found no node that does")
        for output in filter(None, node.output):
            if output in self.values:
                raise InputError(f"expected one node that computes {output!r}, found two")

    def _name(self, node, k):
        """The node's name, after that of the PyTorch module that it comes from."""
        name = _one_line(node.name)[:80] or f"{_one_line(node.op_type)[:80]}_{k}"
        scopes = next((p.value for p in node.metadata_props if p.key == "pkg.torch.onnx.name_scopes"), "[]")
        names = [part for part in _one_line(scopes[:1000]).strip("[]").replace("'", "").split(", ") if part]
        return f"{names[-2]}/{name}" if len(names) > 1 else name

    def _as_layer(self, value):
        """The layer whose units are this value: the last activation, or linear outputs."""
        if len(value.parts) == 1 and not value.constant.any():
            ((name, matrix),) = value.parts.items()
            eye = sparse.eye_array(value.size)
            if name != "x" and matrix.shape == eye.shape and abs(matrix - eye).nnz == 0:
                return name
        self.builder.activate("output", value, Identity())
        return self.builder.layers[-1].name

    def _apply(self, node, name):
        """What a node makes of its inputs."""
        inputs = [self.values[i] if i else None for i in node.input]
        self.builder.spend(OVERHEAD + sum(_cost(value) for value in inputs))
        attributes = {a.name: self._attribute(a) for a in node.attribute}
        if not any(isinstance(value, Affine) for value in inputs):
            result = self._fold(node, attributes, inputs)
        else:
            domain = node.domain.removeprefix("ai.onnx") and node.domain
            known = domain in ("", "ai.onnx.ml") and self.onnx.defs.has(node.op_type, domain)
            operation = getattr(self.operations, node.op_type.lower(), None) if known else None
            if operation is None:
                raise InputError(
                    f"the operation {node.op_type} cannot be mapped to a circuit of rate units; expected linear "
                    "operations, pooling and pointwise activations"
                )
            for source, value in zip(node.input, inputs, strict=True):
                if isinstance(value, np.ndarray) and value.dtype.kind not in "fiub":
                    raise InputError(f"{source!r}: expected real numbers, found {value.dtype}")
            result = operation(name, attributes, *inputs)
        self.builder.spend(sum(_cost(each) for each in (result if isinstance(result, list) else [result])))
        return result

    def _attribute(self, attribute):
        """The value of an attribute, with tensors as arrays."""
        if attribute.type == attribute.TENSOR:
            return self._array(attribute.t)
        value = self.onnx.helper.get_attribute_value(attribute)
        if attribute.type in (attribute.FLOAT, attribute.FLOATS):
            finite(np.asarray(value))
        return value

    def _fold(self, node, attributes, inputs):
        """An operation on constants alone."""
        from onnx.reference import ReferenceEvaluator

        if node.op_type not in FOLDED:
            raise InputError(f"expected an operation on the input, found {node.op_type} on constants")
        if isinstance(attributes.get("value"), np.ndarray) and node.op_type == "Constant":
            return attributes["value"]
        shapes = [np.shape(value) for value in inputs]
        if node.op_type in ("Add", "Mul", "Sub", "Div"):
            bounded(np.broadcast_shapes(*shapes))
        elif node.op_type == "Gather":
            bounded((*shapes[1], np.size(inputs[0]) // max(1, shapes[0][attributes.get("axis", 0)])))
        elif node.op_type == "ConstantOfShape":
            bounded(inputs[0])
        elif node.op_type == "Cast" and attributes["to"] == self.onnx.TensorProto.STRING:
            raise InputError("expected a cast to numbers, found one to text")
        array = np.asarray(ReferenceEvaluator(node).run(None, dict(zip(node.input, inputs, strict=True)))[0])
        return finite(array) if array.dtype.kind == "f" else array


def _cost(value) -> int:
    """What it takes to read or make a value, in elements."""
    return value.cost if isinstance(value, Affine) else np.size(value)
