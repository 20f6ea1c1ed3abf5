"""Hostile ONNX files: a line that says what is wrong, in bounded time and memory, or the network in the file."""

import subprocess
import sys
import textwrap
from itertools import pairwise

import numpy as np
import pytest

from eisim import InputError, read_onnx
from tests.adapter.test_onnx_writer import NETWORKS

onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")
node = onnx.helper.make_node
FLOAT, INT = onnx.TensorProto.FLOAT, onnx.TensorProto.INT64
BIG = 2**40
#: What reading a file may take: address space in bytes, processor time in s.
MEMORY, SECONDS = 4 * 2**30, 60


def model(nodes, constants=(), shape=("N", 4), outputs=("y",)):
    value = onnx.helper.make_tensor_value_info
    tensors = [onnx.numpy_helper.from_array(np.asarray(a), name) for name, a in dict(constants).items()]
    graph = onnx.helper.make_graph(
        nodes, "g", [value("x", FLOAT, shape)], [value(name, FLOAT, None) for name in outputs], tensors
    )
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)


def whole(*numbers):
    return np.array(numbers, dtype=np.int64)


def single(*numbers):
    return np.array(numbers, dtype=np.float32)


def with_tensor(**changes):
    """A dense layer whose tensor of weights has fields changed."""
    made = model([node("MatMul", ["x", "w"], ["y"])], {"w": np.ones((4, 2), np.float32)})
    (tensor,) = made.graph.initializer
    for field, value in changes.items():
        if isinstance(value, list):
            del getattr(tensor, field)[:]
            getattr(tensor, field).extend(value)
        else:
            setattr(tensor, field, value)
    return made


def external():
    made = with_tensor(data_location=onnx.TensorProto.EXTERNAL, raw_data=b"")
    made.graph.initializer[0].external_data.add(key="location", value="/etc/passwd")
    return made


def external_constant():
    tensor = external().graph.initializer[0]
    return model([node("Constant", [], ["c"], value=tensor), node("MatMul", ["x", "c"], ["y"])])


def nested(depth=90):
    graph = model([node("Relu", ["x"], ["y"])]).graph
    for _ in range(depth):
        graph = onnx.helper.make_graph([node("If", ["x"], ["y"], then_branch=graph, else_branch=graph)], "g", [], [])
        if graph.ByteSize() > 100_000:
            break
    return model([node("If", ["x"], ["y"], then_branch=graph)])


def doubling(times, constant):
    nodes = [node("Constant", [], ["v0"], value_floats=[1.0] * 1000)] if constant else []
    first = "v0" if constant else "x"
    names = [first, *(f"w{k}" for k in range(times))]
    nodes += [node("Concat", [a, a], [b], axis=0 if constant else 1) for a, b in pairwise(names)]
    return model([*nodes, node("Add", ["x", names[-1]], ["y"])])


def convolution(weights=(1, 1, 3, 3), shape=("N", 1, 8, 8), **attributes):
    return model([node("Conv", ["x", "w"], ["y"], **attributes)], {"w": np.ones(weights, np.float32)}, shape)


def many(n, nodes):
    """A chain of nodes, each a function of the name of its input and of its output."""
    return model([*(nodes(f"v{k}" if k else "x", f"v{k + 1}") for k in range(n)), node("Identity", [f"v{n}"], ["y"])])


POOL = {"kernel_shape": [2, 2]}
IMAGE = ("N", 1, 8, 8)
#: Files by what is wrong with them, as functions that make them, and what the error says.
HOSTILE = {
    "no node": (lambda: model([]), "output"),
    "missing node": (lambda: model([node("Relu", ["nothing"], ["y"])]), "expected 'nothing' to be computed before"),
    "cycle": (lambda: model([node("Add", ["x", "b"], ["a"]), node("Relu", ["a"], ["b"])]), "to be computed before"),
    "own input": (lambda: model([node("Relu", ["y"], ["y"])]), "to be computed before"),
    "computed twice": (lambda: model([node("Relu", ["x"], ["y"]), node("Neg", ["x"], ["y"])]), "found two"),
    "unconnected output": (lambda: model([node("Relu", ["x"], ["a"])]), "output that depends on its input"),
    "softmax inside": (
        lambda: model([node("Softmax", ["x"], ["a"]), node("Relu", ["a"], ["y"])]),
        "a softmax at the end only",
    ),
    "internal name": (lambda: model([node("_init__", ["x"], ["y"])]), "the operation _init__ cannot be mapped"),
    "internal helper": (lambda: model([node("Fixed", ["x"], ["y"])]), "the operation Fixed cannot be mapped"),
    "wrong case": (lambda: model([node("RELU", ["x"], ["y"])]), "the operation RELU cannot be mapped"),
    "foreign domain": (lambda: model([node("Relu", ["x"], ["y"], domain="evil")]), "cannot be mapped"),
    "name of lines": (lambda: model([node("Sin", ["x"], ["y"], name="a\nb\x1b[31m" * 99)]), "cannot be mapped"),
    "nested subgraphs": (nested, "If"),
    "external data": (external, "tensor 'w': expected its data in a file beside"),
    "external constant": (external_constant, "expected its data in a file beside"),
    "huge dims": (lambda: with_tensor(dims=[BIG, BIG]), "tensor 'w': expected a tensor of at most"),
    "negative dims": (lambda: with_tensor(dims=[-4, -2]), "expected a shape of 0 or more"),
    "dims too large": (lambda: with_tensor(dims=[4, 3]), "numbers that fit its format and shape [4, 3]"),
    "cut data": (lambda: with_tensor(raw_data=b"123"), "numbers that fit its format and shape [4, 2]"),
    "unknown type": (lambda: with_tensor(data_type=77), "numbers that fit its format"),
    "text weights": (lambda: model([node("MatMul", ["x", "w"], ["y"])], {"w": np.full((4, 2), "1")}), "real numbers"),
    "complex weights": (lambda: model([node("Mul", ["x", "w"], ["y"])], {"w": np.full(4, 1j)}), "real numbers"),
    "nan": (lambda: model([node("Mul", ["x", "w"], ["y"])], {"w": single(np.nan)}), "tensor 'w': expected finite"),
    "nan in half": (
        lambda: model([node("Mul", ["x", "w"], ["y"])], {"w": np.full(4, np.nan, np.float16)}),
        "expected finite",
    ),
    "infinity": (
        lambda: model([node("Add", ["x", "w"], ["y"])], {"w": single(-np.inf)}),
        "tensor 'w': expected finite",
    ),
    "nan attribute": (lambda: model([node("LeakyRelu", ["x"], ["y"], alpha=np.nan)]), "LeakyRelu_0: expected finite"),
    "by zero": (lambda: model([node("Div", ["x", "w"], ["y"])], {"w": single(0)}), "Div_0: expected finite"),
    "overflow": (
        lambda: model([node("Mul", ["x", "w"], ["a"]), node("Mul", ["a", "w"], ["y"])], {"w": np.array(1e300)}),
        "Mul_1: expected finite",
    ),
    "negative variance": (
        lambda: model(
            [node("BatchNormalization", ["x", "o", "o", "o", "v"], ["y"])], {"o": np.ones(4), "v": -np.ones(4)}
        ),
        "expected finite",
    ),
    "wrong channels": (
        lambda: model([node("BatchNormalization", ["x", *"oooo"], ["y"])], {"o": np.ones(3)}),
        "parameters for (4,) channels",
    ),
    "matrix of other rows": (lambda: model([node("MatMul", ["x", "w"], ["y"])], {"w": np.ones((2, 2))}), "4 rows"),
    "vector for matrix": (lambda: model([node("MatMul", ["x", "w"], ["y"])], {"w": np.ones(4)}), "4 rows"),
    "transposed samples": (
        lambda: model([node("Gemm", ["x", "w"], ["y"], transA=1)], {"w": np.ones((1, 2))}),
        "transA 0",
    ),
    "batch broadcast": (lambda: model([node("Add", ["x", "w"], ["y"])], {"w": np.ones((5, 4))}), "batch axis"),
    "no rank": (lambda: model([node("Conv", ["x", "w"], ["y"])], {"w": np.ones((1, 1, 3))}), "Conv_0"),
    "stride 0": (lambda: convolution(strides=[0, 0]), "positive strides"),
    "negative dilation": (lambda: convolution(dilations=[-1, 1]), "positive strides"),
    "strides of other rank": (lambda: convolution(strides=[1]), "of 2 dimensions"),
    "huge stride": (lambda: convolution(strides=[BIG, BIG], pads=[1, 1, 1, 1], group=2), "whole groups"),
    "huge dilation": (lambda: convolution(dilations=[BIG, BIG]), "a kernel that fits into the input"),
    "negative pads": (lambda: convolution(pads=[-1, 0, 0, 0]), "pads from 0"),
    "huge pads": (lambda: convolution(pads=[10_000] * 4), "at most 20,000,000 elements"),
    "no group": (lambda: convolution(group=0), "whole groups"),
    "kernel of no size": (lambda: convolution((1, 1, 0, 0)), "positive strides, dilations and kernel"),
    "no channels": (lambda: convolution((9, 0, 3, 3)), "whole groups"),
    "kernel too large": (lambda: convolution((1, 1, 99, 99)), "at most 4096 places"),
    "bias of others": (
        lambda: model([node("Conv", ["x", "w", "b"], ["y"])], {"w": np.ones((1, 1, 3, 3)), "b": np.ones(5)}, IMAGE),
        "bias for each of 1 outputs",
    ),
    "text for numbers": (lambda: convolution(strides=["1", "1"]), "Conv_0: ONNX's checker refuses it"),
    "number for text": (lambda: convolution(auto_pad=3), "Conv_0: ONNX's checker refuses it"),
    "pool without kernel": (lambda: model([node("MaxPool", ["x"], ["y"])], (), IMAGE), "'kernel_shape' is missing"),
    "pool of padding": (lambda: model([node("MaxPool", ["x"], ["y"], pads=[9] * 4, **POOL)], (), IMAGE), "padding"),
    "mean of padding": (lambda: model([node("AveragePool", ["x"], ["y"], pads=[9] * 4, **POOL)], (), IMAGE), "finite"),
    "slice of step 0": (
        lambda: model([node("Slice", ["x", "a", "b", "a", "a"], ["y"])], {"a": whole(0), "b": whole(4)}),
        "axis and step (not 0)",
    ),
    "gather outside": (lambda: model([node("Gather", ["x", "i"], ["y"])], {"i": whole(BIG)}), "within each sample"),
    "gather outside a row": (
        lambda: model([node("Gather", ["x", "i"], ["y"], axis=1)], {"i": whole(BIG)}),
        "expected indices of 4 elements",
    ),
    "reshape to another size": (
        lambda: model([node("Reshape", ["x", "s"], ["y"])], {"s": whole(3, 3)}),
        "a shape for the 4",
    ),
    "reshape to negative": (lambda: model([node("Reshape", ["x", "s"], ["y"])], {"s": whole(-7, -1)}), "a shape for"),
    "squeeze of axes": (lambda: model([node("Squeeze", ["x", "a"], ["y"])], {"a": whole(7)}), "expected axes of"),
    "no fixed input": (lambda: model([node("Relu", ["x"], ["y"])], (), ("N", "M")), "expected a fixed shape"),
    "input of size 0": (lambda: model([node("Relu", ["x"], ["y"])], (), ("N", 0)), "expected a fixed shape"),
    "huge input": (lambda: model([node("Relu", ["x"], ["y"])], (), ("N", BIG)), "at most 20,000,000 elements"),
    # What grows.
    "huge constant": (
        lambda: model([node("ConstantOfShape", ["n"], ["c"]), node("Add", ["x", "c"], ["y"])], {"n": whole(BIG, BIG)}),
        "at most 20,000,000 elements",
    ),
    "negative constant": (
        lambda: model([node("ConstantOfShape", ["n"], ["c"]), node("Add", ["x", "c"], ["y"])], {"n": whole(-1, -1)}),
        "ConstantOfShape_0: ONNX's inference of shapes refuses it",
    ),
    "expand": (lambda: model([node("Expand", ["x", "n"], ["y"])], {"n": whole(BIG, 1, 4)}), "at most 20,000,000"),
    "tile": (lambda: model([node("Tile", ["x", "n"], ["y"])], {"n": whole(1, BIG)}), "Tile"),
    "tiled constant": (
        lambda: model([node("Tile", ["n", "n"], ["c"]), node("Add", ["x", "c"], ["y"])], {"n": whole(BIG)}),
        "at most 20,000,000 elements",
    ),
    "pad": (lambda: model([node("Pad", ["x", "n"], ["y"])], {"n": whole(0, BIG, 0, BIG)}), "pads of 0 or more"),
    "outer sum": (
        lambda: model(
            [node("Add", ["a", "b"], ["c"]), node("Add", ["x", "c"], ["y"])],
            {"a": np.ones((10_000, 1), np.float32), "b": np.ones((1, 10_000), np.float32)},
        ),
        "at most 20,000,000 elements",
    ),
    "outer sum of units": (
        lambda: model([node("Add", ["x", "a"], ["y"])], {"a": np.ones((10_000, 1), np.float32)}, ("N", 1, 10_000)),
        "at most 20,000,000 elements|batch axis",
    ),
    "gathered rows": (
        lambda: model([node("Gather", ["x", "i"], ["y"], axis=1)], {"i": np.zeros(3000, np.int64)}, ("N", 1, 9000)),
        "at most 20,000,000 elements",
    ),
    "matrices": (
        lambda: model([node("MatMul", ["x", "w"], ["y"])], {"w": np.ones((1, 4000), np.float32)}, ("N", 10_000, 1)),
        "at most 20,000,000 elements",
    ),
    "products": (
        lambda: model(
            [node("MatMul", ["x", "w"], ["a"]), node("MatMul", ["a", "v"], ["y"])],
            {"w": np.ones((2000, 2000), np.float32), "v": np.ones((2000, 2000), np.float32)},
            ("N", 2000),
        ),
        "at most 20,000,000 products",
    ),
    "constants that double": (lambda: doubling(40, True), "at most 20,000,000 elements"),
    "tensors that double": (lambda: doubling(40, False), "at most 20,000,000 elements"),
    "concatenated often": (
        lambda: model([node("Concat", ["x"] * 50_000, ["y"], axis=1)], (), ("N", 1000)),
        "at most 200,000,000 elements",
    ),
    "summed often": (lambda: model([node("Sum", ["x"] * 50_000, ["y"])]), "at most 200,000,000 elements"),
    "many nodes": (lambda: many(30_000, lambda a, b: node("Identity", [a], [b])), "at most 200,000,000 elements"),
    "many skips": (
        lambda: model(
            [
                n
                for k in range(2000)
                for n in (
                    node("Relu", [f"s{k}" if k else "x"], [f"r{k}"]),
                    node("Add", [f"s{k}" if k else "x", f"r{k}"], [f"s{k + 1}"] if k < 1999 else ["y"]),
                )
            ]
        ),
        "at most 200,000,000 elements",
    ),
    "many convolutions": (
        lambda: many(2000, lambda a, b: node("Conv", [a, "w"], [b], pads=[1, 1, 1, 1])),
        "computed before",
    ),
    "largest pool": (
        lambda: model([node("MaxPool", ["x"], ["y"], kernel_shape=[64, 64], pads=[32] * 4)], (), ("N", 1, 70, 70)),
        "elements|connections",
    ),
    "mean of many channels": (
        lambda: model([node("AveragePool", ["x"], ["y"], kernel_shape=[64, 64])], (), ("N", 20_000, 64, 64)),
        "at most 20,000,000 elements",
    ),
    "largest convolution": (
        lambda: model(
            [
                node("Conv", ["x", "w"], ["a"], pads=[1] * 4),
                node("Relu", ["a"], ["b"]),
                node("Conv", ["b", "v"], ["y"], pads=[1] * 4),
            ],
            {"w": np.ones((64, 3, 3, 3), np.float32), "v": np.ones((64, 64, 3, 3), np.float32)},
            ("N", 3, 64, 64),
        ),
        "at most 20,000,000 elements",
    ),
}


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """What reading each file says, from one child of limited memory and time."""
    folder = tmp_path_factory.mktemp("hostile")
    for k, (make, _) in enumerate(HOSTILE.values()):
        (folder / f"{k}.onnx").write_bytes(make().SerializeToString())
    child = textwrap.dedent(f"""
        import resource, time
        resource.setrlimit(resource.RLIMIT_AS, ({MEMORY}, {MEMORY}))
        resource.setrlimit(resource.RLIMIT_CPU, ({SECONDS}, {SECONDS}))
        from eisim import InputError, read_onnx
        for k in range({len(HOSTILE)}):
            start = time.process_time()
            try:
                said = repr(read_onnx(f"{folder}/{{k}}.onnx"))
            except InputError as error:
                said = str(error)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
            print(ascii(said), round(time.process_time() - start, 2), peak, sep="\\t", flush=True)
    """)
    done = subprocess.run([sys.executable, "-c", child], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and not done.stderr, done.stderr[-2000:]
    return dict(zip(HOSTILE, (line.split("\t") for line in done.stdout.splitlines()), strict=True))


@pytest.mark.parametrize("name", HOSTILE)
def test_says_what_is_wrong(name, answers):
    said = eval(answers[name][0])
    assert ".onnx: " in said and said.isprintable() and len(said) < 600
    assert any(part in said for part in HOSTILE[name][1].split("|")), said


OTHER_OPERATIONS = ("Relu", "Neg", "Add", "Mul", "Sub", "Sum", "Max", "Min", "Softmax", "Identity", "Transpose", "Cast")


def mutated(original, rng):
    """The model with one to three fields changed: attributes, inputs, operations, nodes, dims, numbers."""
    made = onnx.ModelProto()
    made.CopyFrom(original)
    graph = made.graph
    for _ in range(rng.integers(1, 4)):
        spot = graph.node[rng.integers(len(graph.node))]
        tensor = graph.initializer[rng.integers(len(graph.initializer))] if graph.initializer else None
        number = int(rng.choice([-1, 0, 1, 2, 3, 5, BIG]))
        change = rng.integers(8)
        if change == 0 and spot.attribute:
            attribute = spot.attribute[rng.integers(len(spot.attribute))]
            if attribute.ints:
                attribute.ints[rng.integers(len(attribute.ints))] = number
            else:
                attribute.i, attribute.f = number, rng.choice([np.nan, 0.0, -1.0, 0.5])
        elif change == 1 and spot.attribute:
            del spot.attribute[rng.integers(len(spot.attribute))]
        elif change == 2 and spot.input:
            names = [*(n for each in graph.node for n in (*each.input, *each.output)), "", "nothing"]
            spot.input[rng.integers(len(spot.input))] = str(rng.choice(names))
        elif change == 3 and len(spot.input) > 1:
            del spot.input[rng.integers(len(spot.input))]
        elif change == 4:
            spot.op_type = str(rng.choice(OTHER_OPERATIONS))
        elif change == 5 and len(graph.node) > 1:
            graph.node.remove(spot)
        elif change == 6 and tensor is not None and tensor.dims:
            tensor.dims[rng.integers(len(tensor.dims))] = number
        elif change == 7:
            spot.attribute.append(onnx.helper.make_attribute("axis", number))
    return made


def what_runtime_computes(content, x):
    """The outputs, or None where ONNX Runtime does not take the file either."""
    options = runtime.SessionOptions()
    options.log_severity_level = 4
    try:
        return runtime.InferenceSession(content, options).run(None, {"x": x})
    except Exception:
        return None


@pytest.mark.parametrize("name", NETWORKS)
def test_mutated_fields(name, tmp_path):
    """A clear error, or a network, which is the one that ONNX Runtime computes where it takes the file too."""
    shape, nodes, constants = NETWORKS[name]
    original, rng = model(nodes, constants, ("N", *shape)), np.random.default_rng(4)
    x, path = np.random.default_rng(5).normal(size=(1, *shape)).astype(np.float32), tmp_path / "net.onnx"
    compared = 0
    for _ in range(100):
        content = mutated(original, rng).SerializeToString()
        path.write_bytes(content)
        try:
            found = read_onnx(path)(x.reshape(1, -1))
        except InputError as error:
            assert str(error).isprintable()
            continue
        expected = what_runtime_computes(content, x)
        if expected is not None and b"Softmax" not in content:  # which is left out
            assert found.ravel() == pytest.approx(expected[0].ravel(), rel=1e-4, abs=1e-5)
            compared += 1
    assert compared > 1
