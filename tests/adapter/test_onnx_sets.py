"""The models that the package onnx ships: the values that it ships with them, or a refusal in one line."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from eisim import InputError
from eisim.adapter.onnx_reader import read_model

pytest.importorskip("onnx")

#: What a refusal names where it names no node.
WHOLE_GRAPH = ("a network with one input", "output that depends on its input", "input '", "tensor '", "operations of")
LEFT_OUT = {"ArgMax", "Softmax", "LogSoftmax", "Normalizer"}


def judged(example):
    """What becomes of an example: "right", "refused", "order" after a softmax, or what is wrong."""
    try:
        dnn = read_model(example.model, Path("net.onnx"))
    except InputError as error:
        said = str(error)
        nodes = [(node.name, node.op_type) for node in example.model.graph.node]
        named = any(whole in said for whole in WHOLE_GRAPH) or any((a and a in said) or b in said for a, b in nodes)
        fine = named and said.isprintable() and "contradicts itself" not in said and "cannot be read" not in said
        return "refused" if fine else f"{example.name}: {said}"
    if example.x is None:
        return f"{example.name}: read without an example"
    x = np.asarray(example.x, dtype=float)
    x = np.where(np.isfinite(x), x, 0.0)  # casts are tried with what is not finite
    ours = dnn(x.reshape(len(x), -1))
    if not np.isfinite(np.asarray(example.x, dtype=float)).all():
        return "right" if np.array_equal(ours.ravel(), x.ravel()) else f"{example.name}: no identity"
    for output in example.outputs:
        theirs = np.asarray(output)
        if theirs.dtype.kind not in "fiubV" or theirs.size != ours.size:
            continue
        close = 1e-2 if theirs.dtype.kind == "V" else 2e-3
        if np.allclose(ours.ravel(), theirs.ravel().astype(float), rtol=close, atol=1e-4):
            return "right"
        if {node.op_type for node in example.model.graph.node} & LEFT_OUT:
            theirs = theirs.reshape(ours.shape)
            same = np.array_equal(ours.argmax(axis=1), theirs.argmax(axis=1))
            return "order" if same else f"{example.name}: another is largest"
    if {node.op_type for node in example.model.graph.node} & {"ArgMax"}:
        labels = np.ravel(example.outputs[0])
        scores = np.take_along_axis(ours, labels.reshape(-1, 1), axis=1)[:, 0]
        return "order" if (scores == ours.max(axis=1)).all() else f"{example.name}: another label"
    return f"{example.name}: {ours.ravel()[:4]}"


@pytest.mark.nightly
@pytest.mark.filterwarnings("ignore")
def test_models_that_onnx_ships(capsys):
    from tests.support.onnx_sets import given

    found = Counter(judged(example) for example in given())
    wrong = set(found) - {"right", "refused", "order"}
    with capsys.disabled():
        print(f"\nmodels that onnx ships, whole and with one input: {dict(found)}")
    assert not wrong, sorted(wrong)[:5]
    assert found["right"] > 250
