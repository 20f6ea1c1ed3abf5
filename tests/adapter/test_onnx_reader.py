"""What an accepted ONNX file computes is what ONNX computes; the rest is refused by the name of a node."""

from itertools import pairwise

import numpy as np
import pytest

from eisim import InputError, from_dnn, read_onnx, simulate, to_dnn, to_torch
from eisim.adapter import onnx_check, onnx_reference
from eisim.adapter.dale import decode, on_off
from eisim.neurons import ExponentialLinear, Softplus

onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")
node, FLOAT, INT = onnx.helper.make_node, onnx.TensorProto.FLOAT, onnx.TensorProto.INT64
RNG = np.random.default_rng(0)
ML = {"domain": "ai.onnx.ml"}


def whole(*numbers):
    return np.array(numbers, dtype=np.int64)


def weights(*shape):
    return RNG.normal(size=shape).astype(np.float32)


def saved(folder, nodes, constants=(), shape=("N", 4), outputs=(("y", FLOAT),), opset=17, kind=FLOAT, functions=()):
    """A file of these nodes."""
    value = onnx.helper.make_tensor_value_info
    tensors = [onnx.numpy_helper.from_array(np.asarray(a), name) for name, a in dict(constants).items()]
    entries = [value(name, each, None) for name, each in outputs]
    graph = onnx.helper.make_graph(nodes, "g", [value("x", kind, shape)], entries, tensors)
    opsets = [onnx.helper.make_opsetid("", opset), onnx.helper.make_opsetid("ai.onnx.ml", 3)]
    if functions:
        opsets.append(onnx.helper.make_opsetid("mine", 1))
    made = onnx.helper.make_model(graph, opset_imports=opsets, ir_version=8, functions=functions)
    path = folder / "net.onnx"
    path.write_bytes(made.SerializeToString())
    return path


def computed(path, x, output=None):
    options = runtime.SessionOptions()
    options.log_severity_level = 4
    return runtime.InferenceSession(str(path), options).run(output and [output], {"x": x})[0]


def agree(path, *shape):
    """That what was read is what ONNX Runtime computes, for one sample and for several."""
    dnn = read_onnx(path)
    for n in (1, 6):
        x = 2 * weights(n, *shape)
        assert dnn(x.reshape(n, -1)).ravel() == pytest.approx(np.ravel(computed(path, x)), abs=1e-5)
    return dnn


def refusal(path, message):
    with pytest.raises(InputError, match=message) as caught:
        read_onnx(path)
    assert str(caught.value).isprintable() and "contradicts itself" not in str(caught.value)


def test_a1_columns_are_chosen(tmp_path):
    nodes = [
        node("ArrayFeatureExtractor", ["x", "i"], ["a"], **ML),
        node("MatMul", ["a", "w"], ["y"]),
    ]
    agree(saved(tmp_path, nodes, {"i": whole(3, 1), "w": weights(2, 3)}), 4)
    labels = [node("MatMul", ["x", "w"], ["y"]), node("ArgMax", ["y"], ["k"], axis=1, keepdims=0)]
    labels.append(node("ArrayFeatureExtractor", ["names", "k"], ["label"], **ML))
    path = saved(
        tmp_path, labels, {"w": weights(4, 3), "names": whole(7, 8, 9)}, outputs=(("label", INT), ("y", FLOAT))
    )
    x = weights(5, 4)
    assert read_onnx(path)(x) == pytest.approx(computed(path, x, "y"), abs=1e-5)


@pytest.mark.parametrize(
    ("inside", "message"),
    [
        (node("Normalizer", ["h"], ["n"], norm="L2", **ML), "MatMul_2: expected a Normalizer at the end only"),
        (node("Softmax", ["h"], ["n"]), "MatMul_2: expected a softmax at the end only"),
        (node("LogSoftmax", ["h"], ["n"]), "MatMul_2: expected a softmax at the end only"),
    ],
)
def test_a1_what_numbers_depend_on_is_not_left_out(inside, message, tmp_path):
    nodes = [node("MatMul", ["x", "w"], ["h"]), inside, node("MatMul", ["n", "v"], ["y"])]
    refusal(saved(tmp_path, nodes, {"w": weights(4, 3), "v": weights(3, 2)}), message)


def test_a1_labels_lead_to_no_number(tmp_path):
    nodes = [
        node("ArgMax", ["x"], ["k"], axis=1),
        node("Cast", ["k"], ["f"], to=FLOAT),
        node("MatMul", ["f", "w"], ["y"]),
    ]
    refusal(saved(tmp_path, nodes, {"w": weights(1, 2)}), "MatMul_2: expected labels as outputs only")


def test_a1_a_label_of_other_scores_is_refused(tmp_path):
    """Where the file names a class by other scores than those that are read, the largest output is none."""
    nodes = [
        node("MatMul", ["x", "w"], ["z"]),
        node("Neg", ["z"], ["y"]),
        node("ArgMax", ["z"], ["k"], axis=1),
    ]
    path = saved(tmp_path, nodes, {"w": weights(4, 3)}, outputs=(("k", INT), ("y", FLOAT)))
    refusal(path, "output 'k': expected the class whose output in 'y' is largest, found another")


@pytest.mark.parametrize(
    ("start", "end", "found"), [(1, 3, [2, 3]), (-2, None, [2, 3]), (-2, 9, [2, 3]), (1, -1, [2]), (-1, None, [3])]
)
def test_a2_part_of_a_shape(start, end, found, tmp_path):
    bounds = {"start": start} | ({} if end is None else {"end": end})
    nodes = [
        node("Shape", ["x"], ["s"], **bounds),
        node("Cast", ["s"], ["n"], to=FLOAT),
        node("Shape", ["x"], ["batch"], start=0, end=1),  # as PyTorch writes a batch of any size
        node("Concat", ["batch", "rest"], ["to"], axis=0),
        node("Reshape", ["x", "to"], ["flat"]),
        node("MatMul", ["flat", "w"], ["h"]),
        node("Mul", ["h", "n"], ["y"]),
    ]
    constants = {"rest": whole(-1), "w": weights(6, len(found))}
    dnn = agree(saved(tmp_path, nodes, constants, ("N", 2, 3), opset=15), 2, 3)
    x = weights(3, 6)
    assert dnn(x) == pytest.approx(x @ constants["w"] * found, abs=1e-5)


def test_a2_sizes_of_the_batch_are_no_weights(tmp_path):
    nodes = [
        node("Shape", ["x"], ["s"], start=0, end=1),
        node("Cast", ["s"], ["n"], to=FLOAT),
        node("Mul", ["x", "n"], ["y"]),
    ]
    refusal(saved(tmp_path, nodes, opset=15), r"Mul_2: ONNX's reference computes .* where what was read computes")


@pytest.mark.parametrize("operation", ["Softmax", "LogSoftmax"])
@pytest.mark.parametrize(("axis", "shape", "read"), [
    (1, (4,), True), (-1, (4,), True), (0, (4,), False), (2, (2, 3), False), (1, (2, 3), False), (1, (1,), False),
    (2, (1, 3), True),
])  # fmt: skip
def test_a3_softmax_over_another_axis(operation, axis, shape, read, tmp_path):
    path = saved(tmp_path, [node(operation, ["x"], ["y"], axis=axis)], shape=("N", *shape))
    if not read:
        return refusal(path, f"{operation}_0: expected it over all outputs of a sample")
    x = weights(20, *shape)
    assert (read_onnx(path)(x.reshape(20, -1)).argmax(1) == computed(path, x).reshape(20, -1).argmax(1)).all()


@pytest.mark.parametrize("opset", [9, 11, 12])
def test_a3_softmax_of_old_versions_takes_all_axes_from_one_on(opset, tmp_path):
    path = saved(tmp_path, [node("Softmax", ["x"], ["y"], axis=1)], shape=("N", 2, 3), opset=opset)
    x = weights(20, 2, 3)
    assert (read_onnx(path)(x.reshape(20, -1)).argmax(1) == computed(path, x).reshape(20, -1).argmax(1)).all()
    refusal(saved(tmp_path, [node("Softmax", ["x"], ["y"], axis=2)], shape=("N", 2, 3), opset=opset), "Softmax_0")


def test_a3_other_labels_over_another_axis(tmp_path):
    path = saved(tmp_path, [node("ArgMax", ["x"], ["y"], axis=2)], shape=("N", 2, 3), outputs=(("y", INT),))
    refusal(path, "ArgMax_0: expected it over all outputs of a sample")


@pytest.mark.parametrize(
    ("operation", "inputs", "attributes", "opset"),
    [
        ("ReduceSum", ["x", "none"], {"noop_with_empty_axes": 1}, 13),
        ("ReduceSum", ["x", "last"], {"noop_with_empty_axes": 1, "keepdims": 0}, 13),
        ("ReduceMean", ["x", "last"], {}, 18),
        ("ReduceMean", ["x"], {"axes": [-1, 1]}, 13),
        ("ReduceMean", ["x"], {"axes": [2], "keepdims": 0}, 11),
    ],
)
def test_a4_reductions(operation, inputs, attributes, opset, tmp_path):
    constants = {"none": whole(), "last": whole(-1)}
    nodes = [node(operation, inputs, ["y"], **attributes)]
    agree(saved(tmp_path, nodes, constants, ("N", 2, 3), opset=opset), 2, 3)


@pytest.mark.parametrize(
    ("operation", "inputs", "attributes", "opset"),
    [
        ("ReduceMean", ["x"], {}, 13),
        ("ReduceSum", ["x"], {}, 13),
        ("ReduceMean", ["x", "none"], {}, 18),
        ("ReduceSum", ["x"], {"axes": [0]}, 11),
        ("ReduceMean", ["x"], {"axes": [-2]}, 11),
    ],
)
def test_a4_reductions_over_the_batch_are_refused(operation, inputs, attributes, opset, tmp_path):
    nodes = [node(operation, inputs, ["y"], **attributes)]
    refusal(saved(tmp_path, nodes, {"none": whole()}, opset=opset), f"{operation}_0: .*batch axis")
    alone = saved(tmp_path, nodes, {"none": whole()}, (1, 4), opset=opset)  # made for single samples: its own axis
    x = weights(1, 4)
    assert read_onnx(alone)(x).ravel() == pytest.approx(np.ravel(computed(alone, x)), abs=1e-6)


def test_a5_output_of_no_elements(eisim, tmp_path):
    nodes = [node("Slice", ["x", "two", "two", "one"], ["y"])]
    path = saved(tmp_path, nodes, {"one": whole(1), "two": whole(2)})
    refusal(path, "Slice_0: expected an output of at least one element")
    (tmp_path / "d.csv").write_text("a,b,c,d,k\n1,2,3,4,0\n4,3,2,1,1\n")
    done = eisim("ablate", "net.onnx", "--data", "d.csv", "--target", "k", cwd=tmp_path)
    assert done.returncode == 2 and "Traceback" not in done.stderr and "at least one element" in done.stderr


ACTIVATIONS = {
    "elu": ("Elu", {"alpha": 1.5}, 13),
    "elu as it is": ("Elu", {}, 7),
    "celu": ("Celu", {"alpha": 0.5}, 12),
    "selu": ("Selu", {}, 10),
    "softplus": ("Softplus", {}, 17),
    "thresholded": ("ThresholdedRelu", {"alpha": 0.3}, 17),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_a10_non_decreasing_activations(name, tmp_path):
    operation, attributes, opset = ACTIVATIONS[name]
    nodes = [
        node("MatMul", ["x", "w"], ["a"]),
        node(operation, ["a"], ["b"], **attributes),
        node("MatMul", ["b", "v"], ["y"]),
    ]
    dnn = agree(saved(tmp_path, nodes, {"w": weights(4, 5), "v": weights(5, 3)}, opset=opset), 4)
    x = weights(5, 4).astype(float)
    circuit = from_dnn(dnn, signed_inputs=True)
    assert decode(dnn, to_dnn(circuit)(on_off(x))) == pytest.approx(dnn(x), abs=1e-9)
    if name in ("elu", "softplus"):
        found = simulate(circuit, on_off(x), duration=0.3, window=0.05, dt=1e-3, backend="numpy").readouts
        assert decode(dnn, found) == pytest.approx(dnn(x), abs=1e-5)
    dnn.save(tmp_path / "again.onnx")
    assert read_onnx(tmp_path / "again.onnx")(x) == pytest.approx(dnn(x), abs=1e-9)
    torch = pytest.importorskip("torch")
    assert to_torch(dnn)(torch.from_numpy(x)).detach().numpy() == pytest.approx(dnn(x), abs=1e-9)


def test_a10_what_excitation_alone_computes_with_them():
    """Convex units give convex functions; an ELU whose slope falls at threshold is none."""
    convex = "monotone functions that are also convex and supermodular"
    assert Softplus().excitatory_class == ExponentialLinear(base=1.0, scale=1.0).excitatory_class == convex
    bent = ExponentialLinear(base=3.0, scale=1.0)
    assert bent.excitatory_class == "monotone functions"
    u = np.linspace(-30, 60, 2001)
    for unit in (Softplus(threshold=4.0), ExponentialLinear(), ExponentialLinear(base=2.0, scale=5.0, gain=0.5), bent):
        rates = unit.activation(u)
        assert (rates >= 0).all() and (np.diff(rates) >= 0).all() and unit.non_decreasing
        assert (np.diff(rates, 2) >= -1e-9).all() == (unit.excitatory_class == convex)


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([node("Gelu", ["x"], ["y"])], "Gelu_0: .*torch.nn.GELU decreases"),
        ([node("Mish", ["x"], ["y"])], "Mish_0: .*torch.nn.Mish decreases"),
        ([node("HardSwish", ["x"], ["y"])], "HardSwish_0: .*torch.nn.Hardswish decreases"),
        ([node("Sigmoid", ["x"], ["s"]), node("Mul", ["x", "s"], ["y"])], "Mul_1: .*products of activities.*SiLU"),
        ([node("HardSigmoid", ["x"], ["s"]), node("Mul", ["s", "x"], ["y"])], "Mul_1: .*products.*Hardswish"),
        ([node("Div", ["x", "c"], ["s"]), node("Erf", ["s"], ["y"])], "Erf_1: .*torch.nn.GELU"),
        ([node("LayerNormalization", ["x", "c"], ["y"])], "LayerNormalization_0: .*torch.nn.LayerNorm"),
        ([node("Elu", ["x"], ["y"], alpha=-1.0)], "Elu_0: expected an alpha above 0"),
    ],
)
def test_a10_refusals_name_the_layer(nodes, message, tmp_path):
    refusal(saved(tmp_path, nodes, {"c": np.ones(4, np.float32)}, opset=22), message)


ONE = np.ones(4, np.float32)
TRICKS = {
    "training mode": ([node("BatchNormalization", ["x", *"ooop"], ["y", "m", "v"], training_mode=1)], "training"),
    "training dropout": ([node("Dropout", ["x", "half", "true"], ["y"])], "training_mode 0"),
    "clip the wrong way round": ([node("Clip", ["x", "one", "half"], ["y"])], "a lower and an upper bound"),
    "transposed samples": ([node("Gemm", ["x", "w"], ["y"], transA=1)], "transA 0"),
    "batch as elements": ([node("Flatten", ["x"], ["y"], axis=0)], "within each sample"),
    "batches together": ([node("Concat", ["x", "x"], ["y"], axis=0)], "within each sample"),
    "first of the batch": ([node("Gather", ["x", "zero"], ["y"], axis=0)], "within each sample"),
    "batch the other way": ([node("Slice", ["x", "last", "first", "zeros", "last"], ["y"])], "within each sample"),
    "pads of the batch": ([node("Pad", ["x", "around"], ["y"])], "within each sample"),
    "batch as columns": ([node("Transpose", ["x"], ["y"])], "Transpose_0: "),
    "as the first sample": ([node("Slice", ["x", "zeros", "ones", "zeros"], ["f"]), node("Sub", ["x", "f"], ["y"])],
                            "within each sample"),
    "wrapped pads": ([node("Pad", ["x", "right"], ["y"], mode="wrap")], "Pad_0"),
    "turned gain": ([node("HardSigmoid", ["x"], ["y"], alpha=-0.5)], "alpha above 0"),
    "flat gain": ([node("HardSigmoid", ["x"], ["y"], alpha=0.0)], "alpha above 0"),
    "falling at threshold": ([node("ThresholdedRelu", ["x"], ["y"], alpha=-1.0)], "alpha of 0 or more"),
    "a constant to the power": ([node("Pow", ["x", "half"], ["y"])], "Pow_0"),
    "rounding": ([node("Round", ["x"], ["y"])], "Round_0"),
    "own graph": ([node("If", ["true"], ["y"], then_branch=onnx.helper.make_graph([], "a", [], []),
                        else_branch=onnx.helper.make_graph([], "b", [], []))], "If_0"),
    "sum of the lot": ([node("ReduceSum", ["x"], ["s"], keepdims=1), node("Add", ["x", "s"], ["y"])], "batch axis"),
    "sequence": ([node("SequenceConstruct", ["x", "x"], ["s"]), node("SequenceAt", ["s", "zero"], ["y"])], "SequenceC"),
    "unknown attribute": ([node("Relu", ["x"], ["y"], alpha=3.0)], "Relu_0: .*alpha"),
    "no such domain": ([node("Relu", ["x"], ["y"], domain="com.microsoft")], "cannot be mapped"),
    "to whole numbers": ([node("Cast", ["x"], ["c"], to=INT), node("Cast", ["c"], ["y"], to=FLOAT)], "fractional"),
    "only one reduced": ([node("MaxPool", ["i"], ["y"], kernel_shape=[2])], "'i' to be computed before it"),
}  # fmt: skip


@pytest.mark.parametrize("name", TRICKS)
def test_what_another_network_would_be_read_from_is_refused(name, tmp_path):
    nodes, message = TRICKS[name]
    constants = {
        **{"o": ONE, "p": ONE, "half": np.float32(0.5), "one": np.float32(1), "true": np.array(True)},
        **{"zero": np.int64(0), "zeros": whole(0), "ones": whole(1), "last": whole(-1), "first": whole(-9)},
        **{"around": whole(1, 0, 0, 0), "right": whole(0, 0, 0, 1), "w": weights(3, 2)},
    }
    refusal(saved(tmp_path, nodes, constants, opset=19), message)


def test_functions_of_the_file_are_refused(tmp_path):
    imports = [onnx.helper.make_opsetid("", 17)]
    made = onnx.helper.make_function("mine", "Half", ["a"], ["b"], [node("Neg", ["a"], ["b"])], imports)
    path = saved(tmp_path, [node("Half", ["x"], ["y"], domain="mine")], functions=[made])
    refusal(path, "Half_0: expected ONNX's own operations, found Half, a function of the file")


@pytest.mark.parametrize(("kind", "dtype"), [("DOUBLE", np.float64), ("FLOAT16", np.float16), ("INT64", np.int64)])
def test_formats_of_the_input(kind, dtype, tmp_path):
    first = [] if dtype == np.float64 else [node("Cast", ["x"], ["c"], to=onnx.TensorProto.DOUBLE)]
    nodes = [*first, node("MatMul", ["c" if first else "x", "w"], ["h"]), node("Relu", ["h"], ["y"])]
    constants, outputs = {"w": weights(4, 3).astype(float)}, (("y", onnx.TensorProto.DOUBLE),)
    path = saved(tmp_path, nodes, constants, outputs=outputs, kind=getattr(onnx.TensorProto, kind))
    x = np.round(3 * weights(6, 4)).astype(dtype)
    assert read_onnx(path)(x.astype(float)) == pytest.approx(computed(path, x), abs=1e-6)


def test_whole_numbers_are_divided_as_such(tmp_path):
    nodes = [node("Div", ["x", "two"], ["h"]), node("Cast", ["h"], ["y"], to=FLOAT)]
    path = saved(tmp_path, nodes, {"two": whole(2)}, kind=INT)
    refusal(path, "Div_0: ONNX's reference computes")


def test_outputs_of_all_kinds(tmp_path):
    relu = node("Relu", ["x"], ["r"])
    for nodes, outputs in (
        ([relu], (("r", FLOAT), ("r", FLOAT))),
        ([relu], (("r", FLOAT), ("x", FLOAT))),
        ([relu, node("Sin", ["x"], ["s"])], (("r", FLOAT), ("s", FLOAT))),  # the first is what is read
        ([relu, node("Identity", ["w"], ["c"])], (("c", FLOAT), ("r", FLOAT))),  # the first does not depend on it
    ):
        x = weights(3, 4)
        assert read_onnx(saved(tmp_path, nodes, {"w": ONE}, outputs=outputs))(x).tolist() == np.maximum(x, 0).tolist()
    x = weights(3, 4)
    path = saved(tmp_path, [relu], outputs=(("x", FLOAT), ("r", FLOAT)))
    assert read_onnx(path)(x).tolist() == x.tolist()  # an output that is the input
    refusal(saved(tmp_path, [relu], {"w": ONE}, outputs=(("w", FLOAT),)), "an output that depends on its input")


def test_steps_at_and_near_their_threshold(tmp_path):
    """Where only rounding decides, no honest network is refused; where numbers are exact, none is taken for another."""
    tenth = np.array([[0.1], [0.2], [0.0], [0.0]])
    nodes = [
        node("MatMul", ["x", "w"], ["h"]),
        node("Greater", ["h", "third"], ["g"]),
        node("Cast", ["g"], ["y"], to=onnx.TensorProto.DOUBLE),
    ]
    path = saved(tmp_path, nodes, {"w": tenth, "third": np.array(0.3)}, kind=onnx.TensorProto.DOUBLE)
    assert len(read_onnx(path).layers) >= 1
    nodes = [node("GreaterOrEqual", ["x", "half"], ["g"]), node("Cast", ["g"], ["y"], to=FLOAT)]
    path = saved(tmp_path, nodes, {"half": np.float32(0.5)})
    x = np.array([[0.5, 0.25, 0.75, -0.5]], np.float32)
    assert read_onnx(path)(x).tolist() == computed(path, x).tolist() == [[1, 0, 1, 0]]


def test_a_mistaken_reading_is_refused_by_the_first_node(tmp_path, monkeypatch):
    """The comparison itself: with any operation read wrongly, the node is named, and those after it are not."""
    from eisim.adapter.onnx_operations import Operations

    nodes = [
        node("MatMul", ["x", "w"], ["a"]),
        node("Tanh", ["a"], ["b"]),
        node("Neg", ["b"], ["c"]),
        node("Relu", ["c"], ["y"]),
    ]
    path = saved(tmp_path, nodes, {"w": weights(4, 3)})
    read_onnx(path)
    for operation, name in (("matmul", "MatMul_0"), ("tanh", "Tanh_1"), ("neg", "Neg_2"), ("relu", "Relu_3")):
        right = getattr(Operations, operation)

        def wrong(self, *words, right=right):
            return right(self, *words) * 1.001

        with monkeypatch.context() as patched:
            patched.setattr(Operations, operation, wrong)
            refusal(path, f"{name}: ONNX's reference computes .* where what was read computes")
    with monkeypatch.context() as patched:  # equal but at ties
        patched.setattr(Operations, "greaterorequal", lambda self, x, y: self.greater(x, y))
        nodes = [node("GreaterOrEqual", ["x", "half"], ["g"]), node("Cast", ["g"], ["y"], to=FLOAT)]
        refusal(saved(tmp_path, nodes, {"half": np.float32(0.5)}), "GreaterOrEqual_0: ONNX's reference computes")


def test_the_comparison_itself_is_bounded(tmp_path, monkeypatch):
    """Sizes that only several samples have; windows that the reference would take too long for."""
    nodes = [
        node("Shape", ["x"], ["s"], start=0, end=1),
        node("Concat", ["s"] * 12, ["big"], axis=0),
        node("ConstantOfShape", ["big"], ["zeros"]),
        node("ReduceMean", ["zeros"], ["zero"], keepdims=0),
        node("Add", ["x", "zero"], ["y"]),
    ]
    refusal(saved(tmp_path, nodes, opset=15), "ConstantOfShape_2: .*at most 60,000,000 elements")
    pool = [node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2])]
    path = saved(tmp_path, pool, shape=("N", 2, 9, 9))
    monkeypatch.setattr(onnx_reference, "LARGEST_LOOP", 10)
    agree(path, 2, 9, 9)  # by ONNX Runtime instead
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    refusal(path, r"MaxPool_0: .*windows take too long\); expected ONNX Runtime to do so \(pip install onnxruntime\)")
    batch = saved(tmp_path, [node("Relu", ["x"], ["y"])], shape=(30_000_000, 4))
    refusal(batch, "expected a batch small enough to be checked")
    assert onnx_check.SAMPLES >= 12


def test_a10_the_list_of_operations_is_documented():
    from pathlib import Path

    from eisim.adapter.onnx_operations import Operations

    page = (Path(__file__).parents[2] / "docs" / "network_files.md").read_text()
    section = page.split("## Supported operations")[1].split("One factor")[0]
    listed = section.split("`")[1::2]
    schemas = {schema.name for schema in onnx.defs.get_all_schemas_with_history()}
    read = {name for name in schemas if callable(getattr(Operations, name.lower(), None))}
    assert sorted(listed) == sorted(read)


def test_a10_spiking_neurons_of_convex_units():
    """Threshold-linear neurons add up to the activation, to a few hundredths of its scale; of others none do."""
    from eisim.adapter.spiking import parts_of

    u = np.linspace(-200, 300, 2001)
    for unit in (Softplus(threshold=4.0), Softplus(scale=1.0), ExponentialLinear(), ExponentialLinear(base=2.0)):
        parts = parts_of(unit, 3.0, 1.0)
        rates = (parts.weights * parts.gains * np.maximum(u[:, None] - parts.thresholds, 0)).sum(axis=1)
        assert np.abs(rates - unit.activation(u)).max() < 0.04 * unit.scale
    with pytest.raises(InputError, match="to_spiking: expected units whose activation f-I curves can make"):
        parts_of(ExponentialLinear(base=30.0), 1.0, 1.0)


CHOICE = node("ArgMax", ["x"], ["k"], axis=1, keepdims=0)
STRING = onnx.TensorProto.STRING
NAMED_CLASSES = {
    "none": ((node("Identity", ["k"], ["y"]),), {}, INT, (0, 1, 2)),
    "Gather": ((node("Gather", ["c", "k"], ["y"]),), {"c": whole(5, 3, 4)}, INT, (5, 3, 4)),
    "ArrayFeatureExtractor": (
        (node("ArrayFeatureExtractor", ["c", "k"], ["e"], **ML), node("Cast", ["e"], ["y"], to=INT)),
        {"c": whole(5, 3, 4)},
        INT,
        (5, 3, 4),
    ),
    "LabelEncoder": (
        (node("LabelEncoder", ["k"], ["y"], keys_int64s=[2, 1, 0], values_strings=["a", "b", "c"], **ML),),
        {},
        STRING,
        ("c", "b", "a"),
    ),
    "twice": (
        (
            node("Gather", ["c", "k"], ["e"]),
            node("LabelEncoder", ["e"], ["y"], keys_int64s=[3, 4, 5], values_strings=["a", "b", "c"], **ML),
        ),
        {"c": whole(5, 3, 4)},
        STRING,
        ("c", "a", "b"),
    ),
}


@pytest.mark.parametrize("name", NAMED_CLASSES)
def test_a1_classes_as_labels_name_them(name, tmp_path):
    nodes, constants, kind, classes = NAMED_CLASSES[name]
    path = saved(tmp_path, [CHOICE, *nodes], constants, ("N", 3), [("y", kind)])
    assert read_onnx(path).classes == classes
    if name != "LabelEncoder" and name != "twice":
        x = np.eye(3, dtype=np.float32)
        assert tuple(np.ravel(computed(path, x))) == classes


def test_a1_labels_that_do_not_name_every_class_are_refused(tmp_path):
    nodes = [CHOICE, node("Gather", ["c", "k"], ["y"], name="names")]
    path = saved(tmp_path, nodes, {"c": whole(5, 3)}, ("N", 3), [("y", INT)])
    refusal(path, "names: expected a label for each of 3 classes, found 2")


UINT8, INT32 = onnx.TensorProto.UINT8, onnx.TensorProto.INT32


@pytest.mark.parametrize(
    ("operation", "constant", "kind"),
    [("Sub", np.uint8(200), UINT8), ("Add", np.uint8(3), UINT8), ("Mul", np.int32(10_000_000), INT32)],
)
def test_a2_integers_that_wrap_around_are_refused(operation, constant, kind, tmp_path):
    names = ["c", "x"] if operation == "Sub" else ["x", "c"]
    nodes = [node(operation, names, ["h"], name="wraps"), node("Cast", ["h"], ["y"], to=FLOAT)]
    refusal(saved(tmp_path, nodes, {"c": constant}, ("N", 3), kind=kind), "wraps: ONNX's reference computes")


@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
def test_a2_images_of_bytes_are_read(dtype, tmp_path):
    """With as many pixels some of the drawn numbers were beyond the format."""
    kind = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    nodes = [
        node("Cast", ["x"], ["f"], to=FLOAT),
        node("Mul", ["f", "s"], ["g"]),
        node("MatMul", ["g", "w"], ["y"]),
    ]
    path = saved(tmp_path, nodes, {"s": np.float32(1 / 255), "w": weights(784, 3)}, ("N", 784), kind=kind)
    x = RNG.integers(np.iinfo(dtype).min, np.iinfo(dtype).max, size=(5, 784)).astype(dtype)
    assert read_onnx(path)(x.astype(float)) == pytest.approx(computed(path, x), abs=1e-3)


def test_a2_equal_rows_of_a_batch_are_one(tmp_path):
    """As the state that an unrolled RNN begins with, and a column of ones, exported for batches of 2."""
    nodes = [
        node("Gemm", ["h0", "u"], ["s"]),
        node("MatMul", ["x", "w"], ["d"]),
        node("Add", ["d", "s"], ["a"]),
        node("Relu", ["a"], ["h"]),
        node("Concat", ["h", "one"], ["y"], axis=1),
    ]
    constants = {"h0": np.full((2, 3), 0.5, np.float32), "u": weights(3, 3), "w": weights(4, 3)}
    constants["one"] = np.ones((2, 1), np.float32)
    path = saved(tmp_path, nodes, constants, (2, 4))
    dnn, x = read_onnx(path), weights(2, 4)
    assert dnn(x) == pytest.approx(computed(path, x), abs=1e-5)
    constants["one"][1] = 2
    refusal(saved(tmp_path, nodes, constants, (2, 4)), "Concat_4: expected tensors that differ on axis 1 only")


def test_a1_a_label_of_other_scores_is_compared_too(tmp_path):
    nodes = [node("MatMul", ["x", "w"], ["y"]), node("Neg", ["y"], ["n"]), node("ArgMax", ["n"], ["k"], axis=1)]
    path = saved(tmp_path, nodes, {"w": weights(4, 3)}, outputs=[("y", FLOAT), ("k", INT)])
    refusal(path, "output 'k': expected the class whose output in 'y' is largest, found another")


def test_a1_a_label_of_another_head_names_no_class(tmp_path):
    nodes = [
        node("MatMul", ["x", "w"], ["y"]),
        node("Relu", ["x"], ["r"]),
        node("MatMul", ["r", "u"], ["s"]),
        node("ArgMax", ["s"], ["a"], axis=1),
        node("Gather", ["c", "a"], ["k"]),
    ]
    outputs = [("y", FLOAT), ("k", INT)]
    constants = {"w": weights(4, 3), "u": weights(4, 5), "c": whole(9, 8, 7, 6, 5)}
    assert read_onnx(saved(tmp_path, nodes, constants, outputs=outputs)).classes == ()
    constants |= {"u": weights(4, 3), "c": whole(9, 8, 7)}
    path = saved(tmp_path, nodes, constants, outputs=outputs)
    refusal(path, "output 'k': expected the class whose output in 'y' is largest, found another")


def test_a1_a_long_way_from_choice_to_label(tmp_path):
    names = ["k", *(f"k{n}" for n in range(2000)), "y"]
    chain = [node("Identity", [a], [b]) for a, b in pairwise(names)]
    path = saved(tmp_path, [CHOICE, *chain], {}, ("N", 3), [("y", INT)])
    assert read_onnx(path).classes == (0, 1, 2)
