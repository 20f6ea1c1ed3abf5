"""ONNX files with the operator RNN, against ONNX's reference."""

import numpy as np
import pytest

from eisim import RNN, InputError, read_onnx, simulate

onnx = pytest.importorskip("onnx")
helper, numpy_helper = onnx.helper, onnx.numpy_helper
STEPS, DT = 6, 10e-3


def made(
    path,
    *,
    operator="RNN",
    batch_first=True,
    last=False,
    after=(),
    bias=True,
    start=False,
    sizes=("batch", "time"),
    kind=np.float64,
    inputs=3,
    units=5,
    weights=None,
    extra_input="",
    **attributes,
):
    """A file as exporters write it: transposed to and fro, with a readout of each step or of the last."""
    rng = np.random.default_rng(0)
    gates = {"RNN": 1, "GRU": 3, "LSTM": 4}[operator]
    arrays = {
        "W": rng.normal(size=(1, gates * units, inputs)),
        "R": rng.normal(size=(1, gates * units, units)) / 2,
        "B": rng.normal(size=(1, 2 * gates * units)),
        "M": rng.normal(size=(units, 2)),
        "c": rng.normal(size=2),
        **(weights or {}),
    }
    element = helper.np_dtype_to_tensor_dtype(np.dtype(kind))
    nodes = [helper.make_node("Transpose", ["x"], ["turned"], perm=[1, 0, 2])] if batch_first else []
    x, h = "turned" if batch_first else "x", ""
    if start:
        arrays["one"] = np.array([1], dtype=np.int64)
        arrays["first"], arrays["row"] = np.array(0 if batch_first else 1), rng.random((1, 1, units))
        nodes += [
            helper.make_node("Shape", ["x"], ["shape"]),
            helper.make_node("Gather", ["shape", "first"], ["trials"]),
            helper.make_node("Unsqueeze", ["trials", "zero"], ["trials_1"]),
            helper.make_node("Concat", ["one", "trials_1", "one"], ["wanted"], axis=0),
            helper.make_node("Expand", ["row", "wanted"], ["h"]),
        ]
        arrays["zero"], h = np.array([0], dtype=np.int64), "h"
    given = [x, "W", "R", "B" if bias else "", extra_input, h]
    outputs = ["Y", "Y_h"] if operator != "LSTM" else ["Y", "Y_h", "Y_c"]
    nodes.append(helper.make_node(operator, given, outputs, hidden_size=units, **attributes))
    arrays["axis"] = np.array([0 if last else 1], dtype=np.int64)
    nodes.append(helper.make_node("Squeeze", ["Y_h" if last else "Y", "axis"], ["rates"]))
    rates = "rates"
    if batch_first and not last:
        nodes.append(helper.make_node("Transpose", ["rates"], ["back"], perm=[1, 0, 2]))
        rates = "back"
    nodes += [helper.make_node("MatMul", [rates, "M"], ["product"]), helper.make_node("Add", ["product", "c"], ["sum"])]
    name = "sum"
    for operation in after:
        nodes.append(helper.make_node(operation, [name], [f"{name}_{operation}"]))
        name += f"_{operation}"
    values = [numpy_helper.from_array(a if a.dtype.kind == "i" else a.astype(kind), k) for k, a in arrays.items()]
    used = {i for node in nodes for i in node.input}
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("x", element, [*sizes, inputs])],
        [helper.make_tensor_value_info(name, element, None)],
        [v for v in values if v.name in used],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return model, {k: a for k, a in arrays.items()}


def by_reference(model, u, batch_first):
    """What ONNX's reference makes of inputs, trials × time (or 1) × outputs; its operator RNN has a tanh only."""
    from onnx.reference import ReferenceEvaluator

    (found,) = ReferenceEvaluator(model).run(None, {"x": u if batch_first else np.swapaxes(u, 0, 1).copy()})
    if found.ndim == 2:
        return found[:, None]
    return found if batch_first else np.swapaxes(found, 0, 1)


def by_hand(arrays, u, phi):
    h, found = np.zeros((len(u), 5)), []
    for step in range(u.shape[1]):
        h = phi(u[:, step] @ arrays["W"][0].T + h @ arrays["R"][0].T + arrays["B"][0, :5] + arrays["B"][0, 5:])
        found.append(h @ arrays["M"] + arrays["c"])
    return np.stack(found, axis=1)


PHI = {"relu": lambda x: np.maximum(x, 0), "sigmoid": lambda x: 1 / (1 + np.exp(-x))}


@pytest.mark.parametrize(
    ("how", "activation"),
    [
        ({}, "tanh"),
        ({"activations": ["Relu"], "batch_first": False}, "relu"),
        ({"activations": ["Sigmoid"], "last": True}, "sigmoid"),
        ({"bias": False, "start": True}, "tanh"),
        ({"batch_first": False, "start": True, "last": True}, "tanh"),
        ({"sizes": (1, STEPS)}, "tanh"),
        ({"sizes": (2, 0), "batch_first": True, "last": True}, "tanh"),
        ({"after": ["Softmax"]}, "tanh"),
    ],
)
def test_a_file_is_the_same_network(how, activation, tmp_path):
    batch_first = how.get("batch_first", True)
    model, arrays = made(tmp_path / "net.onnx", **how)
    rnn = read_onnx(tmp_path / "net.onnx")
    assert isinstance(rnn, RNN) and (rnn.name, rnn.alpha, rnn.size) == ("net", 1.0, 5)
    trials = (how.get("sizes", (0,))[0] or 4) if isinstance(how.get("sizes", (0,))[0], int) else 4
    u = np.random.default_rng(1).normal(size=(trials, STEPS, 3))
    ours = rnn(u)
    if activation == "tanh":
        wanted = by_reference(model, u, batch_first)
    else:
        wanted = by_hand(arrays, u, PHI[activation])[:, -1 if how.get("last") else 0 :]
    if "after" in how:
        ours = np.exp(ours) / np.exp(ours).sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(ours[:, -wanted.shape[1] :], wanted, rtol=0, atol=1e-12)
    times = {"dt": DT, "duration": STEPS * DT, "window": DT, "backend": "numpy"}
    if how == {}:
        response = simulate(rnn.circuit, rnn.stimuli(u), record=True, **times)
        np.testing.assert_allclose(rnn.decode(response.traces), wanted, rtol=0, atol=1e-12)


def test_a_file_in_single_precision_is_computed_in_double(tmp_path):
    model, arrays = made(tmp_path / "net.onnx", kind=np.float32)
    rnn = read_onnx(tmp_path / "net.onnx")
    np.testing.assert_array_equal(rnn.W_rec, arrays["R"][0].astype(np.float32).astype(float))
    u = np.random.default_rng(1).normal(size=(4, STEPS, 3)).astype(np.float32)
    np.testing.assert_allclose(rnn(u), by_reference(model, u, True), rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("how", "line"),
    [
        ({"operator": "GRU"}, r"the operation GRU cannot be mapped .*context changes the gain of a cell \(T9\)"),
        ({"operator": "LSTM"}, r"the operation LSTM cannot be mapped .*context changes the gain of a cell \(T9\)"),
        ({"direction": "reverse"}, r"expected the direction forward, in time, .*\(T9\), found 'reverse'"),
        ({"clip": 2.0}, "expected no clip, found 2"),
        ({"layout": 1}, "expected the layout 0, found 1"),
        ({"activations": ["LeakyRelu"]}, "expected one activation of Relu, Tanh, Sigmoid, Softplus, found LeakyRelu"),
        ({"activations": ["Tanh"], "activation_alpha": [0.5]}, "expected no activation_alpha, found"),
        ({"after": ["Tanh"]}, "expected outputs that are linear in the rates"),
        ({"after": ["Erf"]}, "expected linear operations beside an operator RNN, found Erf"),
        ({"weights": {"W": np.ones((1, 5, 4))}}, "RNN_.: expected weights and biases of shapes"),
        ({"weights": {"R": np.full((1, 5, 5), np.nan)}}, "expected finite numbers, found nan"),
        ({"activations": ["Relu"], "sizes": (1, 6000)}, "expected a file that takes at most 5,000 nodes and steps"),
        ({"sizes": (9000, 9000)}, "expected a tensor of at most 20,000,000 elements"),
        ({"sizes": ("batch", "time", "more")}, "expected 3 axes, of which the last one, the inputs, is fixed"),
    ],
)
def test_what_no_circuit_computes_is_refused_in_one_line(how, line, tmp_path):
    made(tmp_path / "net.onnx", **how)
    with pytest.raises(InputError, match=line) as caught:
        read_onnx(tmp_path / "net.onnx")
    assert "\n" not in str(caught.value)


def test_the_input_of_the_operator_is_that_of_the_file(tmp_path):
    model, _ = made(tmp_path / "net.onnx")
    scaled = helper.make_node("Add", ["turned", "turned"], ["twice"])
    place = next(k for k, node in enumerate(model.graph.node) if node.op_type == "RNN")
    model.graph.node[place].input[0] = "twice"
    model.graph.node.insert(place, scaled)
    (tmp_path / "net.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(InputError, match="expected the input itself, batch × time or time × batch"):
        read_onnx(tmp_path / "net.onnx")


def test_mutated_files_are_right_or_refused_in_one_line(tmp_path):
    """Bytes changed at random: never a traceback, and what is accepted is what the reference computes."""
    path, rng = tmp_path / "net.onnx", np.random.default_rng(3)
    made(path, last=True)
    whole = path.read_bytes()
    accepted = 0
    for _ in range(60):
        data = bytearray(whole)
        for place in rng.integers(0, len(data), rng.integers(1, 4)):
            data[place] = rng.integers(256)
        path.write_bytes(bytes(data[: len(data) - rng.integers(0, 2) * rng.integers(0, 200)]))
        try:
            accepted += isinstance(read_onnx(path), RNN)
        except InputError as error:
            assert "\n" not in str(error)
    assert accepted, "numbers were changed, too"


@pytest.mark.parametrize("picked", [("Gather", np.array(4)), ("Slice", [4], [5], [1]), ("Slice", [-5], [100], [1])])
def test_one_of_several_steps_is_not_the_last(picked, tmp_path):
    path = tmp_path / "net.onnx"
    model, *_ = made(path)
    operator, *places = picked
    names = [f"place_{k}" for k in range(len(places))]
    axis = {"axis": 1} if operator == "Gather" else {}
    output = model.graph.output[0].name
    model.graph.node.append(helper.make_node(operator, [output, *names], ["picked"], **axis))
    constants = zip(names, places, strict=True)
    model.graph.initializer.extend(onnx.numpy_helper.from_array(np.array(p, dtype=np.int64), n) for n, p in constants)
    del model.graph.output[:]
    model.graph.output.append(helper.make_tensor_value_info("picked", onnx.TensorProto.DOUBLE, None))
    onnx.save(model, path)
    with pytest.raises(InputError, match="expected outputs"):
        read_onnx(path)
