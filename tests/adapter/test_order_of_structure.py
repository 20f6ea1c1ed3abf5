"""The theorem for structure: without negative weights convolution, pooling, residuals and normalisation keep order."""

from itertools import product

import numpy as np
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st
from scipy import signal

from eisim import ablate, from_dnn, read_onnx, to_dnn
from tests.adapter.test_hostile_onnx import model, node

EPSILON = 1e-5


@st.composite
def structures(draw, pools=("MaxPool", "AveragePool", "none"), flaw=None):
    """Weights and settings of a block: convolution, normalisation, ReLU, a residual sum, a pool, a dense readout."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, groups = draw(st.integers(1, 2)), draw(st.integers(1, 2))
    outputs, per_group = groups * draw(st.integers(1, 2)), draw(st.integers(1, 2))
    kernel = tuple(draw(st.integers(1, 3)) for _ in range(n))
    space = {
        "strides": [draw(st.integers(1, 2)) for _ in range(n)],
        "dilations": [draw(st.integers(1, 2)) for _ in range(n)],
        "pads": [draw(st.integers(0, 2)) for _ in range(2 * n)],
        "group": groups,
    }
    drawn = {
        "shape": (groups * per_group, *(draw(st.integers(9, 10)) for _ in range(n))),
        "space": space,
        "kernel": rng.random((outputs, per_group, *kernel)),
        "bias": rng.normal(size=outputs),
        "scale": rng.random(outputs) + 0.1,
        "shift": rng.normal(size=outputs),
        "mean": rng.normal(size=outputs),
        "variance": rng.random(outputs),
        "residual": rng.random((outputs, outputs, *[1] * n)),
        "pool": draw(st.sampled_from(pools)),
        "span": [draw(st.integers(1, 2)) for _ in range(n)],
    }
    if flaw is not None:
        drawn[flaw].flat[rng.integers(drawn[flaw].size)] *= -1
        drawn["shift"] += 20.0  # so that no ReLU hides it
    return drawn


def network(drawn, path):
    """The block as a DNN, read from an ONNX file."""
    nodes = [
        node("Conv", ["x", "kernel", "bias"], ["c"], **drawn["space"]),
        node("BatchNormalization", ["c", "scale", "shift", "mean", "variance"], ["n"], epsilon=EPSILON),
        node("Relu", ["n"], ["r"]),
        node("Conv", ["r", "residual"], ["d"]),
        node("Add", ["d", "r"], ["s"]),
        node("Relu", ["s"], ["t"]),
        node("Identity", ["t"], ["p"])
        if drawn["pool"] == "none"
        else node(drawn["pool"], ["t"], ["p"], kernel_shape=drawn["span"], strides=[2] * len(drawn["span"])),
        node("Relu", ["p"], ["y"]),  # linear outputs would be an ON and an OFF channel
    ]
    constants = {k: v for k, v in drawn.items() if isinstance(v, np.ndarray)}
    path.write_bytes(model(nodes, constants, ("N", *drawn["shape"])).SerializeToString())
    return read_onnx(path)


def directly(drawn, x):
    """The same by SciPy's correlation and loops over windows."""
    space, kernel = drawn["space"], drawn["kernel"]
    n = kernel.ndim - 2
    pads = list(zip(space["pads"][:n], space["pads"][n:], strict=True))
    reach = [d * (k - 1) + 1 for d, k in zip(space["dilations"], kernel.shape[2:], strict=True)]
    dilated = np.zeros((*kernel.shape[:2], *reach))
    dilated[(..., *(slice(None, None, d) for d in space["dilations"]))] = kernel
    places = tuple(slice(None, None, s) for s in space["strides"])
    rates = []
    for o in range(len(kernel)):
        first = o // (len(kernel) // space["group"]) * kernel.shape[1]
        total = sum(
            signal.correlate(np.pad(x[first + c], pads), dilated[o, c], "valid", "direct")[places]
            for c in range(kernel.shape[1])
        )
        spread = np.sqrt(drawn["variance"][o] + EPSILON)
        total = drawn["scale"][o] * (total + drawn["bias"][o] - drawn["mean"][o]) / spread + drawn["shift"][o]
        rates.append(np.maximum(total, 0))
    rates = np.array(rates)
    rates = np.maximum(rates + np.tensordot(drawn["residual"].reshape(len(kernel), -1), rates, 1), 0)
    if drawn["pool"] == "none":
        return rates
    pool = {"MaxPool": np.max, "AveragePool": np.mean}[drawn["pool"]]
    counts = [(size - span) // 2 + 1 for size, span in zip(rates.shape[1:], drawn["span"], strict=True)]
    pooled = np.empty((len(rates), *counts))
    for place in product(*map(range, counts)):
        window = tuple(slice(2 * p, 2 * p + span) for p, span in zip(place, drawn["span"], strict=True))
        pooled[(slice(None), *place)] = pool(rates[(slice(None), *window)], axis=tuple(range(1, rates.ndim)))
    return pooled


def pairs(drawn, seed, n=15):
    """Inputs x and y with x <= y, some of them equal in most places, none negative."""
    rng = np.random.default_rng(seed)
    x = rng.random((n, int(np.prod(drawn["shape"]))))
    return x, x + rng.random(x.shape) * (rng.random(x.shape) < rng.random((n, 1)))


@given(structures(), st.integers(0, 99))
def test_structure_keeps_order(tmp_path_factory, drawn, seed):
    dnn = network(drawn, tmp_path_factory.mktemp("net") / "net.onnx")
    x, y = pairs(drawn, seed)
    below, above = dnn(x), dnn(y)
    assert below[0] == pytest.approx(directly(drawn, x[0].reshape(drawn["shape"])).ravel(), abs=1e-9)
    assert (below <= above + 1e-9).all()
    circuit = from_dnn(dnn)
    assert to_dnn(circuit)(x) == pytest.approx(below, abs=1e-9)
    assert (to_dnn(circuit)(x) <= to_dnn(circuit)(y) + 1e-9).all()
    # Of these only the maximum needs inhibition, although it is monotone: ReLU units without are supermodular (T5).
    compares = drawn["pool"] == "MaxPool" and np.prod(drawn["span"]) > 1
    assert dnn.is_nonnegative == circuit.is_excitatory_only == (not compares)
    assert circuit.n_inhibitory > 0 if compares else circuit.n_inhibitory == 0


@pytest.mark.parametrize("flaw", ["kernel", "scale", "residual"])
def test_one_negative_weight_has_a_witness(flaw, tmp_path):
    def breaks_order(case):
        drawn, seed = case
        dnn = network(drawn, tmp_path / "net.onnx")
        x, y = pairs(drawn, seed)
        return not dnn.is_nonnegative and (dnn(x) > dnn(y) + 1e-6).any()

    cases = st.tuples(structures(("AveragePool", "none"), flaw), st.integers(0, 99))
    drawn, seed = find(cases, breaks_order, settings=settings(phases=[Phase.generate]))
    x, y = pairs(drawn, seed)
    found = (directly(drawn, each.reshape(drawn["shape"])) for pair in zip(x, y, strict=True) for each in pair)
    assert (x <= y).all() and any((below > above + 1e-6).any() for below, above in zip(found, found, strict=False))


def test_ablation_makes_a_sum_of_a_maximum(tmp_path):
    """max(a, b) is b + [a - b]+, and without inhibition b + a: still monotone, no longer the maximum."""
    path = tmp_path / "net.onnx"
    nodes = [node("MaxPool", ["x"], ["p"], kernel_shape=[2]), node("Relu", ["p"], ["y"])]
    path.write_bytes(model(nodes, (), ("N", 1, 2)).SerializeToString())
    dnn = read_onnx(path)
    x = np.array([[0.0, 0.0], [1, 0], [0, 1], [1, 1], [0.3, 0.8]])
    assert dnn(x)[:, 0] == pytest.approx(x.max(axis=1))
    circuit = from_dnn(dnn)
    assert circuit.n_inhibitory == 1
    assert to_dnn(ablate(circuit))(x)[:, 0] == pytest.approx(x.sum(axis=1))
