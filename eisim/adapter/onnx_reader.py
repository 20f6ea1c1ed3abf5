"""ONNX files read as DNNs. Needs the extra ``eisim[onnx]``.

A file is data: nothing in it is executed, no other file is opened but weights that lie beside it, and sizes are
checked before anything is computed, so that a hostile file takes no more time and memory than a large honest one.
"""

from contextlib import suppress
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from eisim.adapter.activations import Identity
from eisim.adapter.affine import OVERHEAD, Affine, NetworkBuilder, bounded, finite
from eisim.adapter.extras import extra
from eisim.adapter.onnx_check import Comparison, Read, Source
from eisim.adapter.onnx_operations import (
    FOLDED,
    FRACTIONAL,
    LEFT_OUT,
    REASONS,
    WITHOUT_EFFECT,
    Label,
    LeftOut,
    Operations,
)
from eisim.adapter.onnx_reference import Reference, refusing
from eisim.adapter.onnx_rnn import RecurrentReading, course, has_rnn
from eisim.adapter.rnn import RNN
from eisim.adapter.static import DNN, Layer
from eisim.base.errors import InputError, explains_arguments, of_hostile_file, one_line
from eisim.base.store.safe_read import regular_file
from eisim.neurons import Logistic, Saturating

#: In bytes: parsing takes up to 80 times as much memory.
LARGEST_FILE = 50_000_000
#: In bytes, of a file of weights beside it.
LARGEST_DATA = 500_000_000
#: Operations on activities and constants that may hold a row for each sample, as the first state of an RNN does.
ROWS = {"Add", "Concat", "Div", "Max", "Mean", "Min", "Mul", "Sub", "Sum", "Where"}
#: Operations whose first input may be a constant while another is not.
SYMMETRIC = {
    "Add", "ArrayFeatureExtractor", "CastLike", "Concat", "Div", "Gather", "Gemm", "Greater", "GreaterOrEqual",
    "Less", "LessOrEqual", "MatMul", "Max", "Mean", "Min", "Mul", "Sub", "Sum", "Where",
}  # fmt: skip
#: What may follow what is left out, and a label: it moves elements or changes their format only.
MOVES = {"Cast", "CastLike", "Dropout", "Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"}
#: What may choose a label by the number of a class, its second input.
SELECTS = {"ArrayFeatureExtractor", "Gather"}
#: What may name labels.
NAMES_LABELS = SELECTS | {"LabelEncoder"}
#: What folding a constant costs beside its size, as so many elements.
FOLDING = 20_000
#: Endings of files that hold code or need a framework to be read, and how its users write ONNX.
FOREIGN = dict.fromkeys((".pt", ".pth", ".pt2", ".ckpt"), "torch.onnx.export(module, (example,), 'net.onnx')")
FOREIGN |= dict.fromkeys((".keras", ".h5", ".hdf5"), "model.export('net.onnx', format='onnx')")
FOREIGN |= dict.fromkeys((".pkl", ".pickle", ".joblib"), "skl2onnx.to_onnx(model, X)")


@explains_arguments
def read_onnx(path) -> DNN | RNN:
    """Read a feed-forward network, or one with the operator RNN, from an ONNX file.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    DNN or RNN
        A DNN has one input, in the flat order of the file's, its first output of numbers that depends on it (else the
        scores that its first label is taken from), and decision thresholds of 0.5 for outputs that saturate, else 0.
        Linear operations are folded into the weights of the units that follow. A softmax over all outputs is left out
        at the end: it does not change which output is largest. A file with the operator RNN is an `RNN` in steps of
        10 ms.

    Notes
    -----
    The network is compared with ONNX's own reference on drawn inputs, one at a time and several at once.

    Raises
    ------
    InputError
        For a file that is none or too large, an operation that cannot be mapped, or a network that computes something
        else than ONNX's reference; the message names the node and why.
    """
    onnx, path = extra("onnx", "ONNX"), Path(path)
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


def read_model(model, path: Path) -> DNN | RNN:
    """The network of an ONNX model; `path` is what errors call it. Otherwise as `read_onnx`."""
    with (
        of_hostile_file(path, "a well-formed network"),
        np.errstate(all="ignore"),
    ):  # what is not finite is refused by name
        return _Reader(extra("onnx", "ONNX"), model, path).read()


class _Reader:
    """Reads the nodes that an output depends on; values are `Affine` tensors, constant arrays or what is left out."""

    def __init__(self, onnx, model, path):
        self.onnx, self.graph, self.path, self.ir_version = onnx, model.graph, path, model.ir_version
        self.functions = {(f.domain, f.name) for f in model.functions}
        self.opsets = self._opsets(model)
        self.reference = Reference(onnx, self.opsets)
        self.constants = {tensor.name: self._array(tensor) for tensor in self.graph.initializer}
        self.is_recurrent = has_rnn(model)
        self.sparse = {tensor.values.name for tensor in self.graph.sparse_initializer}
        real = [i for i in self.graph.input if i.name not in self.constants]
        if len(real) != 1:
            names = ", ".join(repr(i.name) for i in real[:5])
            raise InputError(f"expected a network with one input, found {len(real)}{f' ({names})' if real else ''}")
        self.source = self._source(real[0])
        x = Affine.of_units("x", self.source.shape)
        self.values: dict[str, Any] = self.constants | {self.source.name: x}
        self.builder = NetworkBuilder({"x": self.source.shape})
        self.read_nodes: dict[int, Read] = {}
        self.makers = self._makers()

    def _opsets(self, model):
        """Versions of operations by domain, as the file asks for them."""
        known = {"": self.onnx.defs.onnx_opset_version(), "ai.onnx.ml": self.onnx.defs.onnx_ml_opset_version()}
        opsets = {_domain(entry): entry.version for entry in model.opset_import if _domain(entry) in known}
        for domain, version in opsets.items():
            if not 1 <= version <= known[domain]:
                raise InputError(
                    f"expected version 1 to {known[domain]} of the operations of {domain or 'ai.onnx'}, which the onnx "
                    f"that is installed knows, found {version}"
                )
        if not opsets and model.ir_version < 3:  # older than versions of operations
            opsets[""] = 1
        return {"ai.onnx.ml": 3} | opsets  # which files of scikit-learn may leave out

    def _array(self, tensor):
        what = f"tensor {tensor.name!r}" if tensor.name else "its tensor"
        try:
            bounded(tensor.dims)
            if tensor.data_location == tensor.EXTERNAL:
                tensor = self._with_data(tensor)
            wanted = f"numbers that fit its format and shape {list(tensor.dims)}"
            with refusing(f"expected {wanted}, found ones that do not"):
                array = self.onnx.numpy_helper.to_array(tensor)
            if array.shape != tuple(tensor.dims):  # a tensor may contradict itself
                raise InputError(f"expected numbers of shape {list(tensor.dims)}, found {list(array.shape)}")
            array = array.astype(np.float32) if array.dtype.name == "bfloat16" else array
            return finite(array) if array.dtype.kind == "f" else array
        except InputError as error:
            raise InputError(f"{what}: {error}") from None

    def _with_data(self, tensor):
        """A tensor with the numbers that PyTorch's exporter, for one, writes into a file of their own."""
        where = {entry.key: entry.value for entry in tensor.external_data}
        location = where.get("location", "")
        file = self.path.parent / Path(location).name
        if not location or location != file.name or file.is_symlink():
            raise InputError(f"expected its data in a file beside this one, found {location!r}")
        numbers = {key: where.get(key, "0") for key in ("offset", "length")}
        for key, text in numbers.items():
            if not (text.isascii() and text.isdigit() and len(text) < 19):
                raise InputError(f"expected a whole number of bytes as {key} of its data, found {text!r}")
        offset, length = (int(text) for text in numbers.values())
        try:
            size = file.stat().st_size
            if size > LARGEST_DATA or not file.is_file():
                raise InputError(f"expected a file of at most {LARGEST_DATA:,} bytes, found {file.name!r}")
            with file.open("rb") as opened:
                start = opened.seek(offset)
                data = opened.read(min(length if "length" in where else size, size))
        except OSError as error:
            raise InputError(f"its data in {file.name!r} cannot be read: {error.strerror}") from None
        if start + length > size:
            raise InputError(f"expected {where['length']} bytes at {start} of {file.name!r}, found its end")
        whole = deepcopy(tensor)
        whole.ClearField("external_data")
        whole.data_location, whole.raw_data = tensor.DEFAULT, data
        return whole

    def _source(self, entry) -> Source:
        """The input: shape of one sample, format, and the size of the file's batch axis if it has one."""
        what, kind = f"input {entry.name!r}", entry.type.tensor_type
        if self.is_recurrent:
            return course(entry)
        if (found := entry.type.WhichOneof("value")) != "tensor_type":
            raise InputError(f"{what}: expected a tensor, found a {found or 'value of no type'}")
        dims = [d.dim_value for d in kind.shape.dim]
        gated = next((k for k, node in enumerate(self.graph.node) if node.op_type in ("GRU", "LSTM")), None)
        if gated is not None:
            raise InputError(f"{self.called(gated)}: {self._unmapped(self.graph.node[gated])}")
        if not dims or any(d < 1 for d in dims[1:]) or dims[0] < 0:
            raise InputError(f"{what}: expected a fixed shape after the batch axis, found {dims}")
        names = self.onnx.TensorProto.DataType
        name = names.Name(kind.elem_type) if kind.elem_type in names.values() else str(kind.elem_type)
        if name not in {"INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64", *FRACTIONAL}:
            raise InputError(f"{what}: expected real numbers, found {name}")
        dtype = np.dtype(float if name in FRACTIONAL else name.lower())
        return Source(entry.name, bounded((1, *dims[1:])), dtype, dims[0])

    def _makers(self) -> dict[str, int]:
        """The place of the node that computes each value."""
        makers, known = {}, self.values.keys() | self.sparse
        for k, node in enumerate(self.graph.node):
            for source in filter(None, node.input):
                if source not in known and source not in makers:
                    raise InputError(
                        f"{self.called(k)}: expected {source!r} to be computed before it, found no node that does"
                    )
            for output in filter(None, node.output):
                if output in makers or output in self.values:
                    raise InputError(f"{self.called(k)}: expected one node that computes {output!r}, found two")
                makers[output] = k
        return makers

    def read(self) -> DNN | RNN:
        if self.is_recurrent:
            return RecurrentReading(self).network()
        outputs = sorted(self.graph.output, key=self._is_label)
        chosen = scores = None
        for output in outputs:
            value = self.value_of(output.name)
            if isinstance(value, (Affine, LeftOut)):
                chosen = output.name
                break
            if isinstance(value, Label) and scores is None:
                scores = value.scores
        if chosen is None and scores is not None:
            chosen = next((name for name, value in self.values.items() if _inner(value) is scores), None)
        if chosen is None:
            raise InputError("expected a network with an output that depends on its input, found none")
        for output in filter(self._is_label, outputs):
            with suppress(InputError):  # of another head of the network, say
                self.value_of(output.name)  # to compare it with the chosen output
        value = _inner(self.values[chosen])
        if not value.size:
            name = self.called(self.makers[chosen])
            raise InputError(f"{name}: expected an output of at least one element, found shape {list(value.shape)}")
        layer = self._as_layer(value)
        saturates = isinstance(layer.neuron, (Logistic, Saturating))  # a probability
        dnn = self.builder.network([(layer.name, 0.5 if saturates else 0.0)], self.path.stem)
        self._compare(dnn, chosen)
        return replace(dnn, classes=self._classes(chosen, value.size))

    def _is_label(self, output) -> bool:
        """Whether an output names classes, as far as its type says."""
        return output.type.tensor_type.elem_type not in (0, *FRACTIONAL.values())

    def _compare(self, dnn, chosen) -> None:
        """Refuse the network if it computes something else than ONNX's reference."""
        nodes = [self.read_nodes[k] for k in self.needed(chosen)]
        tensors = {name: _inner(value) for name, value in self.values.items() if isinstance(_inner(value), Affine)}
        found = Comparison(self.source, nodes, self.constants, tensors, dnn, self.reference, self.builder.effort)
        found.check(chosen)
        if isinstance(self.values[chosen], LeftOut):
            found.check_order(chosen)
        for output in self.graph.output:
            scores, _ = self._choice(output.name)
            if scores is not None and output.name != chosen:
                found.check_label(output.name, scores, chosen, self.builder.layers)

    def _choice(self, name) -> tuple[Affine | None, list]:
        """The scores that a label is taken from, if they were read, and the nodes from the label back to the choice."""
        way = []
        while (k := self.makers.get(name)) is not None:
            way.append(node := self.graph.node[k])
            if node.op_type in ("ArgMax", "LinearClassifier"):
                compared = node.op_type == "ArgMax" and _inner(self.values.get(node.input[0]))
                scores = compared or getattr(self.values.get(name), "scores", None)
                return scores if isinstance(scores, Affine) else None, way
            if node.op_type not in MOVES | NAMES_LABELS:
                break
            name = node.input[1 if node.op_type in SELECTS else 0]
        return None, way

    def _classes(self, chosen, n) -> tuple:
        """The classes of the outputs in order, as the labels of the file, or else its ZipMap, name them."""
        for output in self.graph.output:
            scores, way = self._choice(output.name)
            if scores is not None and scores.size == n:  # compared: not those of another head
                found = self._labels(way, n)
                return tuple(found) if len(found) == max(2, n) else ()
        for k in self.read_nodes:
            node = self.graph.node[k]
            if node.op_type == "ZipMap" and chosen in node.output:
                return tuple(_class_labels(node))
        return ()

    def _labels(self, way, n) -> list:
        """What a label is for each class that may be chosen."""
        *after, choice = way
        labels = list(range(n)) if choice.op_type == "ArgMax" else _class_labels(choice)
        for node in reversed(after):
            if node.op_type in SELECTS:
                known = dict(enumerate(map(_plain, np.ravel(self.value_of(node.input[0])))))
            elif node.op_type == "LabelEncoder":
                known = _encoded({a.name: self.attribute(a) for a in node.attribute})
            else:
                continue
            if not all(label in known for label in labels):
                what = self.called(self.makers[node.output[0]])
                raise InputError(f"{what}: expected a label for each of {len(labels)} classes, found {len(known)}")
            labels = [known[label] for label in labels]
        return labels

    def needed(self, name) -> list[int]:
        """The places of the nodes that a value depends on, in order."""
        found, ahead = set(), [name]
        while ahead:
            k = self.makers.get(ahead.pop())
            if k is not None and k not in found:
                found.add(k)
                ahead += [source for source in self.graph.node[k].input if source]
        return sorted(found)

    def value_of(self, name):
        """The value of an output, after the nodes that it depends on."""
        for k in self.needed(name):
            if k not in self.read_nodes:
                self._read_node(k)
        return self.values.get(name)

    def _read_node(self, k) -> None:
        node, name, before = self.graph.node[k], self.called(k), len(self.builder.layers)
        try:
            for source in filter(None, node.input):
                if source in self.sparse:
                    raise InputError(f"expected a dense tensor, found the sparse one {source!r}")
            with refusing(f"expected inputs and attributes that {node.op_type} takes, found others"):
                results = self._apply(node, name)
        except InputError as error:
            raise InputError(f"{name}: {error}") from None
        self.values |= {output: each for output, each in zip(node.output, results, strict=False) if output}
        self.read_nodes[k] = Read(name, node, tuple(layer.name for layer in self.builder.layers[before:]))

    def called(self, k):
        """The node's name, after that of the PyTorch module that it comes from."""
        node = self.graph.node[k]
        name = one_line(node.name)[:80] or f"{one_line(node.op_type)[:80]}_{k}"
        scopes = next((p.value for p in node.metadata_props if p.key == "pkg.torch.onnx.name_scopes"), "[]")
        names = [part for part in one_line(scopes[:1000]).strip("[]").replace("'", "").split(", ") if part]
        return f"{names[-2]}/{name}" if len(names) > 1 else name

    def _as_layer(self, value) -> Layer:
        """The layer whose units are this value: the last activation, or linear outputs."""
        if len(value.parts) == 1 and not value.constant.any():
            ((name, matrix),) = value.parts.items()
            layer, eye = self.builder.layer(name), sparse.eye_array(value.size)
            if layer and matrix.shape == eye.shape and abs(matrix - eye).nnz == 0:
                return layer
        self.builder.activate("output", value, Identity())
        return self.builder.layers[-1]

    def _apply(self, node, name) -> list:
        inputs = [self.values[i] if i else None for i in node.input]
        self.builder.spend(OVERHEAD + sum(_cost(value) for value in inputs))
        domain = _domain(node)
        if (node.domain, node.op_type) in self.functions:
            raise InputError(f"expected ONNX's own operations, found {node.op_type}, a function of the file")
        known = domain in ("", "ai.onnx.ml") and self.onnx.defs.has(node.op_type, domain)
        tensors = {type(value) for value in inputs} & {Affine, LeftOut, Label}
        method = getattr(Operations, node.op_type.lower(), None) if known else None
        if not known or (tensors - {Label} and (method is None or node.op_type in REASONS)):
            raise InputError(self._unmapped(node, known))
        self.check_form(node, domain)
        attributes = {a.name: self.attribute(a) for a in node.attribute}
        if not tensors:
            results = self._fold(node, attributes, inputs)
        elif Label in tensors:
            results = [self._of_label(node, inputs)]
        else:
            results = self._operate(node, name, attributes, inputs, method)
        self.builder.spend(sum(_cost(each) for each in results))
        return results

    def _unmapped(self, node, known: bool = True) -> str:
        reason = f" ({REASONS[node.op_type]})" if known and node.op_type in REASONS else ""
        return (
            f"the operation {node.op_type} cannot be mapped to a circuit of rate units{reason}; expected linear "
            "operations, pooling and pointwise activations"
        )

    def _operate(self, node, name, attributes, inputs, method) -> list:
        """What an operation makes of activities."""
        after = next((value for value in inputs if isinstance(value, LeftOut)), None)
        if after and node.op_type not in LEFT_OUT | MOVES | {"ZipMap", "ArgMax"}:
            raise InputError(
                f"expected a {after.what} at the end only, where it changes nothing, found {node.op_type} after one"
            )
        inputs = [_inner(value) for value in inputs]
        if node.op_type in ROWS and self.source.batch > 1:
            inputs = self._of_one_sample(inputs)
        for source, value in zip(node.input, inputs, strict=True):
            if isinstance(value, np.ndarray) and value.dtype.kind not in "fiub":
                raise InputError(f"{source!r}: expected real numbers, found {value.dtype}")
        if not isinstance(inputs[0], Affine) and node.op_type not in SYMMETRIC:
            changing = next(name for name, value in zip(node.input, inputs, strict=True) if isinstance(value, Affine))
            raise InputError(f"expected {changing!r} to be constant, found one that depends on the input")
        operations = Operations(self.builder, self.source.batch, self.opsets.get("", 1), name, len(node.output))
        read = {attribute: value for attribute, value in attributes.items() if attribute not in WITHOUT_EFFECT}
        result = method(operations, *inputs, **read)
        results = result if isinstance(result, list) else [result]
        if after:
            results = [LeftOut(each, after.what) if isinstance(each, Affine) else each for each in results]
        return results

    def _of_one_sample(self, inputs) -> list:
        """Constants that hold equal numbers for each sample of a batch, for one."""
        rank, batch = max(len(value.shape) for value in inputs if isinstance(value, Affine)), self.source.batch

        def one(value):
            rows = isinstance(value, np.ndarray) and value.ndim == rank and len(value) == batch
            return value[:1] if rows and (value == value[:1]).all() else value

        return [one(value) for value in inputs]

    def _of_label(self, node, inputs):
        """Labels may be renamed and moved; no number comes of them."""
        label = next(value for value in inputs if isinstance(value, Label))
        others = [value for value in inputs if not isinstance(value, Label)]
        if node.op_type not in MOVES | NAMES_LABELS or any(isinstance(v, (Affine, LeftOut)) for v in others):
            raise InputError(f"expected labels as outputs only, found {node.op_type} of them")
        return label

    def check_form(self, node, domain) -> None:
        """Refuse a node that ONNX's own checker refuses, or that holds a graph."""
        if any(a.type in (a.GRAPH, a.GRAPHS) or a.ref_attr_name for a in node.attribute):
            raise InputError(f"expected a node without a graph of its own, found {node.op_type} with one")
        if domain not in self.opsets:
            raise InputError(f"expected a version of the operations of {domain or 'ai.onnx'}, found none in the file")
        context = self.onnx.checker.C.CheckerContext()
        context.ir_version, context.opset_imports = max(3, self.ir_version), self.opsets
        plain = node
        if node.domain != domain or any(a.type == a.TENSOR for a in node.attribute):  # data in files is read elsewhere
            plain = deepcopy(node)
            plain.domain = domain
            for attribute in plain.attribute:
                if attribute.type == attribute.TENSOR:
                    attribute.t.CopyFrom(self.onnx.numpy_helper.from_array(np.zeros(1, np.float32)))
        with refusing("ONNX's checker refuses it"):
            self.onnx.checker.check_node(plain, context)

    def attribute(self, attribute):
        """The value of an attribute, with tensors as arrays."""
        if attribute.type == attribute.TENSOR:
            return self._array(attribute.t)
        value = self.onnx.helper.get_attribute_value(attribute)
        if attribute.type in (attribute.FLOAT, attribute.FLOATS):
            finite(np.asarray(value))
        return value

    def _fold(self, node, attributes, inputs) -> list:
        """An operation on constants alone, by ONNX's reference."""
        if node.op_type not in FOLDED:
            raise InputError(f"expected an operation on the input, found {node.op_type} on constants")
        if node.op_type == "Constant" and isinstance(attributes.get("value"), np.ndarray):
            return [attributes["value"]]
        if node.op_type == "Cast" and attributes.get("to") == self.onnx.TensorProto.STRING:
            raise InputError("expected a cast to numbers, found one to text")
        made = sum(int(np.prod(bounded(shape))) for shape in self.reference.sizes(node, inputs))
        times = max(inputs[0].shape, default=1) if node.op_type in ("Gemm", "MatMul") else 1
        self.builder.spend(FOLDING + made * times)
        found = self.reference.folded(node, inputs)
        return [finite(array) if array.dtype.kind == "f" else array for array in found]


def _domain(entry) -> str:
    """Of operations; the first one has two names."""
    return "" if entry.domain == "ai.onnx" else entry.domain


def _class_labels(node) -> list:
    for attribute in node.attribute:
        if attribute.name.startswith("classlabels_") and (attribute.ints or attribute.strings):
            return [_plain(label) for label in (*attribute.ints, *attribute.strings)]
    return []


def _encoded(attributes) -> dict:
    if "classes_strings" in attributes:  # version 1, both ways
        words = [_plain(word) for word in attributes["classes_strings"]]
        return dict(enumerate(words)) | {word: k for k, word in enumerate(words)}
    keys, values = (
        next(([_plain(each) for each in np.ravel(attributes[a])] for a in attributes if a.startswith(what)), [])
        for what in ("keys_", "values_")
    )
    return dict(zip(keys, values, strict=False))


def _plain(label):
    """A label as a number or text of Python."""
    label = label.item() if isinstance(label, np.generic) else label
    return label.decode(errors="replace") if isinstance(label, bytes) else label


def _inner(value):
    """The tensor that something was left out after."""
    return value.value if isinstance(value, LeftOut) else value


def _cost(value) -> int:
    """What it takes to read or make a value, in elements."""
    value = value.scores if isinstance(value, Label) else _inner(value)
    return value.cost if isinstance(value, Affine) else np.size(value)
