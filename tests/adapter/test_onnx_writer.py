"""ONNX files, against ONNX Runtime; files of strangers."""

from dataclasses import replace

import numpy as np
import pytest

from eisim import InputError, Readout, decode, from_dnn, on_off, read_onnx, silence, synthesize, to_dnn
from eisim.functions import TRUTH_TABLES

onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")
node = onnx.helper.make_node
RNG = np.random.default_rng(0)


def weights(*shape):
    return (0.3 * RNG.normal(size=shape)).astype(np.float32)


def whole(*numbers):
    return np.array(numbers, dtype=np.int64)


def batch_normalisation(n):
    return {"scale": 1 + weights(n), "shift": weights(n), "mean": weights(n), "variance": np.abs(weights(n)) + 0.5}


#: Shape of the input, nodes, and constants.
NETWORKS = {
    "dense": (
        (4,),
        [
            node("Gemm", ["x", "w", "b"], ["h"], transB=1),
            node("Relu", ["h"], ["r"]),
            node("Gemm", ["r", "v", "c"], ["y"], transB=1, alpha=0.5, beta=2.0),
        ],
        {"w": weights(6, 4), "b": weights(6), "v": weights(3, 6), "c": weights(3)},
    ),
    "convolution": (
        (2, 8, 8),
        [
            node("Conv", ["x", "w", "b"], ["h"], pads=[1, 1, 1, 1], strides=[2, 2]),
            node("BatchNormalization", ["h", "scale", "shift", "mean", "variance"], ["n"]),
            node("Relu", ["n"], ["r"]),
            node("MaxPool", ["r"], ["p"], kernel_shape=[2, 2], strides=[2, 2]),
            node("Flatten", ["p"], ["f"]),
            node("Gemm", ["f", "v", "c"], ["y"], transB=1),
        ],
        {"w": weights(3, 2, 3, 3), "b": weights(3), "v": weights(5, 12), "c": weights(5), **batch_normalisation(3)},
    ),
    "convolution in one dimension": (
        (3, 11),
        [
            node("Conv", ["x", "w", "b"], ["h"], auto_pad="SAME_UPPER", strides=[2]),
            node("LeakyRelu", ["h"], ["r"], alpha=0.2),
            node("AveragePool", ["r"], ["p"], kernel_shape=[2], strides=[1], pads=[1, 0]),
            node("Tanh", ["p"], ["t"]),
            node("GlobalAveragePool", ["t"], ["q"]),
            node("Sigmoid", ["q"], ["y"]),
        ],
        {"w": weights(4, 3, 5), "b": weights(4)},
    ),
    "residual": (
        (4,),
        [
            node("MatMul", ["x", "w"], ["h"]),
            node("Add", ["b", "h"], ["a"]),
            node("Relu", ["a"], ["r"]),
            node("MatMul", ["r", "v"], ["k"]),
            node("Add", ["k", "x"], ["s"]),
            node("Clip", ["s", "low", "high"], ["c"]),
            node("Concat", ["c", "x"], ["both"], axis=1),
            node("MatMul", ["both", "u"], ["z"]),
            node("Sub", ["one", "z"], ["d"]),
            node("Div", ["d", "two"], ["y"]),
        ],
        {
            **{"w": weights(4, 6), "b": weights(6), "v": weights(6, 4), "u": weights(8, 3)},
            **{name: np.float32(k) for name, k in (("low", -1), ("high", 1), ("one", 1), ("two", 2))},
        },
    ),
    "groups and dilation": (
        (2, 9, 9),
        [
            node("Conv", ["x", "w"], ["h"], group=2, dilations=[2, 2]),
            node("MaxPool", ["h"], ["p"], kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2]),
            node("ReduceMean", ["p"], ["q"], axes=[2, 3], keepdims=0),
            node("HardSigmoid", ["q"], ["y"]),
        ],
        {"w": weights(4, 1, 3, 3)},
    ),
    "parts": (
        (6,),
        [
            node("Slice", ["x", "two", "six", "one", "step"], ["a"]),
            node("Gather", ["x", "places"], ["b"], axis=1),
            node("Max", ["a", "b"], ["c"]),
            node("Min", ["c", "limit"], ["d"]),
            node("Max", ["floor", "d"], ["e"]),
            node("Unsqueeze", ["e", "one"], ["f"]),
            node("Squeeze", ["f", "one"], ["g"]),
            node("Neg", ["g"], ["h"]),
            node("Sum", ["h", "a", "b"], ["y"]),
        ],
        {
            **{"two": whole(2), "six": whole(6), "one": whole(1), "step": whole(2), "places": whole(0, 5)},
            **{"limit": np.float32(0.4), "floor": weights(2)},
        },
    ),
    "moved": (
        (12,),
        [
            node("Reshape", ["x", "first"], ["a"]),
            node("Transpose", ["a"], ["b"], perm=[0, 2, 1]),
            node("MatMul", ["b", "w"], ["c"]),
            node("Relu", ["c"], ["d"]),
            node("Reshape", ["d", "last"], ["y"]),
        ],
        {"first": whole(0, 3, 4), "w": weights(3, 2), "last": whole(0, -1)},
    ),
    "as Keras writes it": (  # channels last; the number of samples looked up to flatten
        (5, 5, 2),
        [
            node("Cast", ["x"], ["x32"], to=1),
            node("Pad", ["x32", "around"], ["padded"], mode="constant"),
            node("Transpose", ["padded"], ["first"], perm=[0, 3, 1, 2]),
            node("Conv", ["first", "w"], ["h"], strides=[2, 2]),
            node("Transpose", ["h"], ["last"], perm=[0, 2, 3, 1]),
            node("Add", ["last", "b"], ["a"]),
            node("Relu", ["a"], ["r"]),
            node("Transpose", ["r"], ["again"], perm=[0, 3, 1, 2]),
            node("MaxPool", ["again"], ["p"], kernel_shape=[2, 2], strides=[1, 1]),
            node("Transpose", ["p"], ["q"], perm=[0, 2, 3, 1]),
            node("Shape", ["q"], ["sizes"]),
            node("Gather", ["sizes", "zero"], ["samples"]),
            node("Unsqueeze", ["samples", "zeros"], ["row"]),
            node("Concat", ["row", "rest"], ["shape"], axis=0),
            node("Reshape", ["q", "shape"], ["f"]),
            node("MatMul", ["f", "v"], ["y"]),
        ],
        {
            **{"around": whole(0, 1, 1, 0, 0, 1, 1, 0), "w": weights(3, 2, 3, 3), "b": weights(3)},
            **{"zero": np.int64(0), "zeros": whole(0), "rest": whole(-1), "v": weights(12, 2)},
        },
    ),
    "as PyTorch writes it": (
        (2, 6, 6),
        [
            node("Conv", ["x", "w", "b"], ["h"], pads=[1, 1, 1, 1]),
            node("PRelu", ["h", "slope"], ["r"]),
            node("MaxPool", ["r"], ["p"], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], ceil_mode=1),
            node("Conv", ["p", "u"], ["k"], group=2),
            node("Add", ["k", "p"], ["s"]),
            node("Clip", ["s", "", "high"], ["below"]),
            node("Clip", ["below", "low"], ["c"]),
            node("Pad", ["c", "edges"], ["wide"], mode="edge"),
            node("AveragePool", ["wide"], ["m"], kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1),
            node("Split", ["m", "sizes"], ["left", "right"], axis=3),
            node("ReduceSum", ["left", "last"], ["total"], keepdims=1),
            node("Expand", ["total", "like"], ["e"]),
            node("Concat", ["e", "right"], ["both"], axis=3),
            node("Flatten", ["both"], ["y"]),
        ],
        {
            **{"w": weights(2, 2, 3, 3), "b": weights(2), "slope": weights(2, 1, 1), "u": weights(2, 1, 1, 1)},
            **{"high": np.float32(0.8), "low": np.float32(-0.4), "edges": whole(0, 0, 1, 0, 0, 0, 0, 1)},
            **{"sizes": whole(2, 1), "last": whole(3), "like": whole(1, 2, 3, 2)},
        },
    ),
    "as scikit-learn writes it": (
        (3,),
        [
            node("Scaler", ["x"], ["s"], domain="ai.onnx.ml", offset=[0.1, -0.2, 0.3], scale=[1.0, 2.0, 0.5]),
            node(
                "LinearClassifier",
                ["s"],
                ["label", "y"],
                domain="ai.onnx.ml",
                coefficients=weights(6).tolist(),
                intercepts=[0.1, -0.1],
                classlabels_ints=[0, 1],
                post_transform="LOGISTIC",
            ),
        ],
        {},
    ),
    "steps": (
        (4,),
        [
            node("Greater", ["x", "zero"], ["g"]),
            node("Cast", ["g"], ["a"], to=1),
            node("GreaterOrEqual", ["x", "zero"], ["ge"]),
            node("Where", ["ge", "two", "minus"], ["b"]),
            node("Less", ["zero", "x"], ["l"]),
            node("Cast", ["l"], ["c"], to=1),
            node("LessOrEqual", ["x", "a"], ["le"]),
            node("Cast", ["le"], ["d"], to=1),
            node("Sign", ["x"], ["e"]),
            node("Concat", ["a", "b", "c", "d", "e"], ["y"], axis=1),
        ],
        {name: np.float32(k) for name, k in (("zero", 0), ("two", 2), ("minus", [-1, -2, -3, -4]))},
    ),
    "transposed convolution": (
        (2, 3, 3),
        [
            node("ConvTranspose", ["x", "w", "b"], ["h"], strides=[2, 2], pads=[1, 0, 0, 1], output_padding=[1, 0]),
            node("Relu", ["h"], ["r"]),
            node("ConvTranspose", ["r", "v"], ["y"], group=2, dilations=[2, 1]),
        ],
        {"w": weights(2, 4, 3, 2), "b": weights(4), "v": weights(4, 1, 2, 2)},
    ),
}


def file_of(folder, shape, nodes, constants, samples="N"):
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        nodes,
        "graph",
        [value("x", onnx.TensorProto.FLOAT, [samples, *shape])],
        [value("y", onnx.TensorProto.FLOAT, None)],
        [onnx.numpy_helper.from_array(np.asarray(array), name) for name, array in constants.items()],
    )
    opset = [onnx.helper.make_opsetid("", 17), onnx.helper.make_opsetid("ai.onnx.ml", 3)]
    model = onnx.shape_inference.infer_shapes(onnx.helper.make_model(graph, opset_imports=opset, ir_version=8))
    path = folder / "net.onnx"
    path.write_bytes(model.SerializeToString())
    return path


@pytest.mark.parametrize("name", NETWORKS)
def test_reads_what_onnx_runtime_computes(name, tmp_path):
    shape, nodes, constants = NETWORKS[name]
    path = file_of(tmp_path, shape, nodes, constants)
    x = np.random.default_rng(1).normal(size=(7, *shape)).astype(np.float32)
    expected = runtime.InferenceSession(str(path)).run(None, {"x": x})[0].reshape(7, -1)
    dnn, flat = read_onnx(path), x.reshape(7, -1)
    assert dnn(flat) == pytest.approx(expected, abs=2e-6)  # theirs is in single precision
    circuit = from_dnn(dnn, signed_inputs=True)
    assert decode(dnn, to_dnn(circuit)(on_off(flat))) == pytest.approx(dnn(flat), abs=1e-9)


def test_steps_at_their_threshold(tmp_path):
    path = file_of(tmp_path, *NETWORKS["steps"])
    x = np.array([[-1, 0, 1, 0], [0, 1, -1, 2]], dtype=np.float32)
    assert read_onnx(path)(x).tolist() == runtime.InferenceSession(str(path)).run(None, {"x": x})[0].tolist()


@pytest.mark.parametrize("kind", ["rate", "spiking"])
def test_writes_what_onnx_runtime_computes(kind, tmp_path):
    for f in TRUTH_TABLES.values():
        dnn = to_dnn(synthesize(f, kind=kind).without_noise())
        dnn.save(tmp_path / "out.onnx")
        x = np.random.default_rng(0).random((50, f.n_inputs)) * 1.2
        found = runtime.InferenceSession(str(tmp_path / "out.onnx")).run(None, {"stimuli": x})[0]
        assert found == pytest.approx(dnn(x), abs=1e-6)


def test_silenced_units_are_silent(tmp_path):
    circuit = synthesize(TRUTH_TABLES["xor"], kind="rate")
    circuit = replace(circuit, readouts=[Readout(circuit.inhibitory_projections[0].source), *circuit.readouts])
    dnn = to_dnn(silence(circuit))
    dnn.save(tmp_path / "silent.onnx")
    x = TRUTH_TABLES["xor"].patterns.astype(float)
    found = runtime.InferenceSession(str(tmp_path / "silent.onnx")).run(None, {"stimuli": x})[0]
    assert found == pytest.approx(dnn(x), abs=1e-6) and not found[:, 0].any() and to_dnn(circuit)(x)[:, 0].any()


@pytest.mark.parametrize("name", NETWORKS)
def test_written_and_read_again(name, tmp_path):
    dnn = read_onnx(file_of(tmp_path, *NETWORKS[name]))
    dnn.save(tmp_path / "again.onnx")
    x = np.random.default_rng(2).normal(size=(5, dnn.inputs[0][1]))
    found = runtime.InferenceSession(str(tmp_path / "again.onnx")).run(None, {"stimuli": x})[0]
    assert found == pytest.approx(dnn(x), abs=1e-9)
    assert read_onnx(tmp_path / "again.onnx")(x) == pytest.approx(dnn(x), abs=1e-9)


def test_what_cannot_be_written_or_read_is_named(tmp_path):
    dnn = to_dnn(synthesize(TRUTH_TABLES["xor"], kind="spiking"))
    with pytest.raises(InputError, match="layer 'coincidence_I1': expected an activation that ONNX can express"):
        dnn.save(tmp_path / "noisy.onnx")
    with pytest.raises(InputError, match=r"expected a name that ends in \.onnx or \.pt2"):
        dnn.save(tmp_path / "dnn.txt")
    attention = [node("MatMul", ["x", "w"], ["q"]), node("MatMul", ["x", "q"], ["y"])]
    with pytest.raises(InputError, match=r"MatMul_1: expected the second factor to be constant.*attention"):
        read_onnx(file_of(tmp_path, (4,), attention, {"w": weights(4, 4)}))
    with pytest.raises(InputError, match="Sin_0: the operation Sin cannot be mapped"):
        read_onnx(file_of(tmp_path, (4,), [node("Sin", ["x"], ["y"])], {}))
    gate = [node("Softmax", ["x"], ["g"]), node("Identity", ["g"], ["h"]), node("MatMul", ["h", "w"], ["y"])]
    with pytest.raises(InputError, match="MatMul_2: expected a softmax at the end only"):
        read_onnx(file_of(tmp_path, (4,), gate, {"w": weights(4, 4)}))
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_onnx(tmp_path / "nowhere.onnx")
    with pytest.raises(InputError, match="tensor 'w': expected finite numbers, found nan"):
        read_onnx(file_of(tmp_path, (1,), [node("Mul", ["x", "w"], ["y"])], {"w": np.float32(np.nan)}))
    huge = [node("ConstantOfShape", ["n"], ["c"]), node("Add", ["x", "c"], ["y"])]
    with pytest.raises(InputError, match="expected a tensor of at most 20,000,000 elements"):
        read_onnx(file_of(tmp_path, (1,), huge, {"n": whole(10**6, 10**6)}))


@pytest.mark.parametrize("name", NETWORKS)
def test_mutated_files(name, tmp_path):
    """Bytes changed, cut off or repeated: a clear error or a network, nothing else."""
    path = file_of(tmp_path, *NETWORKS[name])
    original, rng = path.read_bytes(), np.random.default_rng(3)
    for k in range(40):
        content = bytearray(original)
        if k % 4 == 3:
            content = content[: rng.integers(len(content))]
        else:
            for place in rng.integers(0, len(content), rng.integers(1, 6)):
                content[place] = rng.integers(256)
        path.write_bytes(bytes(content))
        try:
            dnn = read_onnx(path)
            from_dnn(dnn, signed_inputs=True)
        except InputError as error:
            assert "\n" not in str(error)


def test_a_file_for_one_size_of_batch(tmp_path):
    """PyTorch's exporter writes the number of samples of the example into the shapes."""
    shape, nodes, constants = NETWORKS["moved"]
    one_size = constants | {"first": whole(2, 3, 4), "last": whole(2, -1)}
    x = np.random.default_rng(4).normal(size=(2, *shape))
    free = read_onnx(file_of(tmp_path, shape, nodes, constants))(x)
    path = file_of(tmp_path, shape, nodes, one_size, samples=2)
    np.testing.assert_allclose(read_onnx(path)(x), free)
    expected = runtime.InferenceSession(str(path)).run(None, {"x": x.astype(np.float32)})[0]
    assert free == pytest.approx(expected, abs=2e-6)


def test_activities_stay_fractional(tmp_path):
    with pytest.raises(InputError, match="Cast_0: expected activities to stay fractional, found a cast to INT64"):
        read_onnx(file_of(tmp_path, (2,), [node("Cast", ["x"], ["y"], to=onnx.TensorProto.INT64)], {}))


@pytest.mark.parametrize(
    ("name", "remedy"),
    [("a.pt", "torch.onnx.export"), ("a.PTH", "torch.onnx.export"), ("a.keras", "model.export"), ("a.pkl", "skl2onnx")],
)
def test_files_that_may_hold_code_are_not_opened(name, remedy):
    with pytest.raises(InputError, match=f"{name}: expected an ONNX file, found a name that ends in .*{remedy}"):
        read_onnx(name)  # there is no such file: the name is enough


def test_weights_in_a_file_beside(tmp_path):
    """PyTorch's exporter writes them so; what lies elsewhere is not opened."""
    path = file_of(tmp_path, *NETWORKS["dense"])
    x = np.random.default_rng(5).normal(size=(3, 4))
    expected, model = read_onnx(path)(x), onnx.load(path)
    onnx.save_model(model, path, save_as_external_data=True, location="net.onnx.data", size_threshold=0)
    np.testing.assert_array_equal(read_onnx(path)(x), expected)
    (tmp_path / "secret").write_bytes(bytes(1000))
    (tmp_path / "link").symlink_to(tmp_path / "secret")
    (tmp_path / "net").mkdir()
    model = onnx.load(path, load_external_data=False)
    entry = {e.key: e for e in model.graph.initializer[0].external_data}
    for key, value, message in (
        ("location", "../secret", "expected its data in a file beside this one, found '../secret'"),
        ("location", str(tmp_path / "secret"), "expected its data in a file beside this one, found"),
        ("location", "link", "expected its data in a file beside this one, found 'link'"),
        ("location", "none", "its data in 'none' cannot be read: No such file or directory"),
        ("location", "net", "expected a file of at most 500,000,000 bytes, found 'net'"),
        ("length", "1000000", "expected 1000000 bytes at 0 of 'net.onnx.data', found its end"),
        ("offset", "-5", "expected a whole number of bytes as offset"),
        ("offset", "five", "expected a whole number of bytes as offset"),
    ):
        kept, entry[key].value = entry[key].value, value
        path.write_bytes(model.SerializeToString())
        entry[key].value = kept
        with pytest.raises(InputError, match=message) as caught:
            read_onnx(path)
        assert "\n" not in str(caught.value)
