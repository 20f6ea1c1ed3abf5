"""Single nodes of ONNX graphs, evaluated by ONNX's own reference in double precision, within bounds of size and time.

ONNX Runtime, where it is installed, evaluates what the reference has no implementation of, is too slow for or gets
wrong. What neither evaluates is refused.
"""

from collections.abc import Sequence
from contextlib import contextmanager
from copy import deepcopy

import numpy as np

from eisim.adapter.affine import LARGEST, bounded
from eisim.base.errors import InputError

#: By how much more than the largest tensor of a network for one sample a tensor for several may hold.
SEVERAL = 3
#: Elements that the reference may make one at a time, in a loop of Python: some 5 s.
LARGEST_LOOP = 200_000
#: What it makes so.
LOOPS = {"AveragePool", "MaxPool", "ConvTranspose"}
#: Up to this size the values of an input take part in the inference of shapes.
VALUES = 1024
#: Operations for scikit-learn have no inference of shapes; these make no more than what they are given, or classes.
NO_LARGER = {"LinearClassifier", "LinearRegressor", "Normalizer", "Scaler", "ArrayFeatureExtractor"}
#: The inference of old versions does not know these; they make no more than what they are given together.
SUMS = {"Concat", "Slice", "Split"}


class Reference:
    """Evaluates nodes, one at a time; `rounded` says whether something was evaluated in single precision."""

    def __init__(self, onnx, opsets: dict[str, int]):
        self.onnx, self.opsets, self.rounded, self.looped = onnx, opsets, False, 0

    def double(self, array):
        """The array, in double precision if its numbers are fractional."""
        array = np.asarray(array)
        fractional = array.dtype.kind == "f" or array.dtype.kind == "V" or "bfloat" in array.dtype.name
        return array.astype(float) if fractional else array

    def sizes(self, node, inputs: Sequence) -> list[tuple[int, ...]]:
        """Shapes of the outputs that are asked for, before they are made; refused if ONNX's inference does not know."""
        if node.domain == "ai.onnx.ml" and node.op_type in NO_LARGER:
            return [np.shape(inputs[0])]
        given = _named(node, inputs)
        small = {name for name, array in given.items() if array.size <= VALUES and array.dtype.kind in "iufb"}
        model = self._model(node, {name: array for name, array in given.items() if name not in small})
        model.graph.initializer.extend(self.onnx.numpy_helper.from_array(given[name], name) for name in small)
        with refusing("ONNX's inference of shapes refuses it"):
            found = self.onnx.shape_inference.infer_shapes(model, strict_mode=True)
        shapes = []
        for output in found.graph.output:
            dims = output.type.tensor_type.shape.dim
            if not output.type.tensor_type.HasField("shape") or not all(d.HasField("dim_value") for d in dims):
                if node.op_type in SUMS:
                    return []
                raise InputError("expected an output whose size is known beforehand, found one that is not")
            shapes.append(tuple(d.dim_value for d in dims))
        return shapes

    def _model(self, node, inputs: dict[str, np.ndarray]):
        onnx, value = self.onnx, self.onnx.helper.make_tensor_value_info
        graph = onnx.GraphProto(
            name="node",
            node=[node],
            input=[value(n, onnx.helper.np_dtype_to_tensor_dtype(a.dtype), a.shape) for n, a in inputs.items()],
            output=[onnx.ValueInfoProto(name=name) for name in node.output if name],
        )
        opsets = [onnx.helper.make_opsetid(*each) for each in self.opsets.items()]
        return onnx.ModelProto(graph=graph, opset_import=opsets, ir_version=8)

    def __call__(self, node, inputs: Sequence, largest: int = LARGEST) -> list[np.ndarray]:
        """The outputs of a node for arrays, None for an input that is left out, of at most `largest` elements."""
        shapes = self.sizes(node, inputs)
        for shape in shapes or [(sum(np.size(array) for array in inputs),)]:
            bounded(shape, largest)
        if node.op_type in ("Softmax", "LogSoftmax") and self.opsets.get("", 1) < 13:
            return self._old_softmax(node, inputs[0])
        why = ""
        if node.op_type in LOOPS:
            taps = int(np.prod(inputs[1].shape[2:])) if node.op_type == "ConvTranspose" else 1
            self.looped += sum(int(np.prod(shape)) for shape in shapes) * taps
            why = "so many windows take too long" if self.looped > LARGEST_LOOP else ""
        if node.op_type == "ConvTranspose" and self._attribute(node, "group", 1) > 1:
            why = "it has no groups of transposed convolutions"
        if not why:
            try:
                found = self._by_reference(node, inputs)
                known = node.domain != "ai.onnx.ml" and shapes
                if not known or [np.shape(array) for array in found] == shapes:
                    return found
                why = f"it makes shape {[*np.shape(found[0])]} for {[*shapes[0]]}"
            except MemoryError:
                raise InputError("expected enough memory to evaluate it, found too little") from None
            except Exception as error:  # one of many kinds
                why = reason(error)
        return self._by_runtime(node, inputs, why)

    def _old_softmax(self, node, x):
        """Before version 13 it took all axes from one on, which the reference does not know."""
        axis = self._attribute(node, "axis", 1)
        rows = int(np.prod(x.shape[:axis]))
        plain = self._without(node, "axis")
        plain.attribute.append(self.onnx.helper.make_attribute("axis", 1))
        return [array.reshape(x.shape) for array in self._by_reference(plain, [x.reshape(rows, -1)])]

    def folded(self, node, inputs: Sequence) -> list[np.ndarray]:
        """The outputs of a node on constants of the file, in its own precision."""
        with refusing("ONNX's reference cannot evaluate it"):
            return [np.asarray(array) for array in self._evaluated(node, inputs)]

    def _attribute(self, node, name, default):
        return next((a.i for a in node.attribute if a.name == name), default)

    def _by_reference(self, node, inputs):
        opsets = self.opsets
        if node.op_type == "BatchNormalization" and 7 <= opsets.get("", 1) < 14:
            # The reference takes these versions for training; what they are after it has not changed since.
            opsets = opsets | {"": 15}
            node = self._without(node, "spatial", "is_test")
        return self._doubled(node, self._evaluated(node, inputs, opsets))

    def _evaluated(self, node, inputs, opsets=None):
        from onnx.reference import ReferenceEvaluator

        graph = self._model(node, {}).graph
        with np.errstate(all="ignore"):
            return ReferenceEvaluator(graph, opsets=opsets or self.opsets).run(None, _named(node, inputs))

    def _without(self, node, *names):
        kept = deepcopy(node)
        del kept.attribute[:]
        kept.attribute.extend(a for a in node.attribute if a.name not in names)
        return kept

    def _doubled(self, node, found):
        results = [self.double(array) for array in found]
        changed = any(a.dtype != np.asarray(b).dtype for a, b in zip(results, found, strict=True))
        self.rounded |= changed and node.op_type not in ("Constant", "ConstantOfShape")  # which are exact
        return results

    def _by_runtime(self, node, inputs, why):
        try:
            import onnxruntime
        except ImportError:
            raise InputError(
                f"onnx.reference cannot check it ({why}); expected ONNX Runtime to do so (pip install onnxruntime)"
            ) from None
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        given, last = _named(node, inputs), ""
        for _ in ("double", "single"):
            try:
                session = onnxruntime.InferenceSession(
                    self._model(node, given).SerializeToString(), options, providers=["CPUExecutionProvider"]
                )
                return self._doubled(node, session.run(None, given))
            except Exception as error:  # of its own kinds
                last = reason(error)
            given = {name: a.astype(np.float32) if a.dtype.kind == "f" else a for name, a in given.items()}
        raise InputError(
            f"expected a node that onnx.reference or ONNX Runtime evaluates, found one that neither does "
            f"({why}; {last})"
        )


def _named(node, inputs: Sequence) -> dict[str, np.ndarray]:
    """The inputs that are not left out."""
    return {name: array for name, array in zip(node.input, inputs, strict=True) if name}


@contextmanager
def refusing(what: str):
    """Whatever another package raises, of kinds that differ between its versions, as an error that says `what` and why.

    What a hostile file provokes is not foreseen.
    """
    try:
        yield
    except InputError:
        raise
    except MemoryError:
        raise InputError("expected enough memory for it, found too little") from None
    except Exception as error:
        raise InputError(f"{what}: {reason(error)}") from None


def reason(error: Exception) -> str:
    """What an error of another package says that is not about where, in one line."""
    text = str(error).split("==> Context")[0]
    return " ".join(text.split())[:200] or type(error).__name__
