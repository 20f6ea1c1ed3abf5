# ruff: noqa: E402
"""Drawn ONNX graphs: the network that ONNX Runtime computes, or a refusal in one line that names a node."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from eisim import InputError
from eisim.adapter.onnx_reader import read_model

pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")

from tests.support.drawn_onnx import drawn

SOFT = {"Softmax", "LogSoftmax"}


def computed(model, x):
    """What ONNX Runtime computes, or None where it does not take the file."""
    options = runtime.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 4, 1
    try:
        session = runtime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        return np.asarray(session.run(None, {"x": x})[0], dtype=float)
    except Exception:
        return None


def judged(seed):
    """What becomes of a drawn graph: "read", "unknown" to ONNX Runtime, "refused", or what is wrong."""
    model, _, inputs = drawn(seed)
    named = {node.op_type for node in model.graph.node}
    try:
        dnn = read_model(model, Path("net.onnx"))
    except InputError as error:
        said = str(error)
        in_one_line = said.isprintable() and said.startswith("net.onnx: ")
        by_name = any(f"{op}_" in said for op in named) or "an output that depends on its input" in said or not named
        return "refused" if in_one_line and by_name and "cannot be read" not in said else f"{seed}: {said}"
    verdicts = set()
    for x in inputs:
        ours, theirs = dnn(x.reshape(len(x), -1).astype(float)), computed(model, x)
        if theirs is None:
            verdicts.add("unknown")
            continue
        if theirs.size != ours.size:
            return f"{seed}: shapes {ours.shape}, {theirs.shape}"
        theirs = theirs.reshape(ours.shape)
        if named & SOFT:
            largest = np.take_along_axis(theirs, ours.argmax(axis=1)[:, None], axis=1)
            right = (largest >= theirs.max(axis=1, keepdims=True) - 1e-5).all()
        else:
            right = np.allclose(ours, theirs, rtol=1e-3, atol=1e-4)
        if not right:
            return f"{seed}: {sorted(named)}, {ours.ravel()[:4]} for {theirs.ravel()[:4]}"
        verdicts.add("read")
    return "read" if "read" in verdicts else "unknown"


def check(seeds):
    found = Counter(judged(seed) for seed in seeds)
    wrong = set(found) - {"read", "refused", "unknown"}
    assert not wrong, sorted(wrong)[:5]
    return found


def test_drawn_graphs():
    found = check(range(150))
    assert found["read"] > 50 and found["refused"] > 20


@pytest.mark.nightly
def test_two_thousand_drawn_graphs(capsys):
    found = check(range(10_000, 12_000))
    with capsys.disabled():
        print(f"\n2,000 drawn graphs: {dict(found)}")
    assert found["read"] > 900
