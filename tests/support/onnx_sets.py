"""The models that the package onnx ships, each as it is and with all inputs but one made constants."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx.backend.test.case.node import collect_testcases

DATA = Path(onnx.__file__).parent / "backend" / "test" / "data"
FOLDERS = ("pytorch-converted", "pytorch-operator", "simple")


@dataclass(frozen=True)
class Given:
    """A model of one input, an example of it, and the outputs that the example has."""

    name: str
    model: onnx.ModelProto
    x: np.ndarray
    outputs: list


def _array(value):
    return onnx.numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else value


def _shipped() -> Iterator[tuple]:
    """Name, model, inputs and outputs of each example."""
    for case in collect_testcases(None):
        for inputs, outputs in case.data_sets or ():
            yield f"node/{case.name}", case.model, [_array(i) for i in inputs], [_array(o) for o in outputs]
    for folder in FOLDERS:
        for path in sorted((DATA / folder).glob("*/model.onnx")):
            model = onnx.load(path)
            for data in sorted(path.parent.glob("test_data_set_*")):
                files = [
                    sorted(data.glob(f"{what}_*.pb"), key=lambda p: int(p.stem.split("_")[1]))
                    for what in ("input", "output")
                ]
                read = [[_tensor(file) for file in each] for each in files]
                yield f"{folder}/{path.parent.name}", model, *read


def _tensor(path):
    tensor = onnx.TensorProto()
    try:
        tensor.ParseFromString(path.read_bytes())
        return onnx.numpy_helper.to_array(tensor)
    except Exception:  # a sequence or an optional
        return None


def given() -> Iterator[Given]:
    """Each example as it is, where it has one input, and each of its inputs alone, the others constant."""
    for name, model, inputs, outputs in _shipped():
        graph = model.graph
        initial = {tensor.name for tensor in graph.initializer}
        entries = [entry for entry in graph.input if entry.name not in initial]
        if len(entries) == 1 and len(inputs) == 1:
            yield Given(name, model, inputs[0], outputs)
        elif not entries:
            yield Given(name, model, None, outputs)
        if len(entries) < 2 or len(inputs) != len(entries) or not all(isinstance(i, np.ndarray) for i in inputs):
            if len(entries) > 1:
                yield Given(name, model, None, outputs)
            continue
        yield Given(name, model, None, outputs)
        for k, entry in enumerate(entries):
            alone = onnx.ModelProto()
            alone.CopyFrom(model)
            del alone.graph.input[:]
            alone.graph.input.append(entry)
            for other, array in zip(entries, inputs, strict=True):
                if other is not entry:
                    alone.graph.initializer.append(onnx.numpy_helper.from_array(array, other.name))
            yield Given(f"{name}, only {entry.name}", alone, inputs[k], outputs)
