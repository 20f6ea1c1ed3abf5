"""DNNs written as ONNX files. Needs the extra ``eisim[onnx]``."""

import numpy as np

from eisim.adapter.activations import Identity, LeakyReLU, Tanh, refuse_refractory
from eisim.adapter.static import DNN
from eisim.base.errors import InputError
from eisim.neurons import LIF, ExponentialLinear, Logistic, Saturating, Softplus, Step, ThresholdLinear


def onnx_package():
    """The package onnx, which is an extra."""
    try:
        import onnx
    except ImportError:
        raise InputError(
            "ONNX files need the package onnx: expected it installed (pip install 'eisim[onnx]')"
        ) from None
    return onnx


def write_onnx(dnn: DNN) -> bytes:
    """A feed-forward DNN as an ONNX file, in double precision.

    The input is ``stimuli`` (trials × inputs), the output ``rates`` (trials × readouts, in Hz). Refused are recurrent
    DNNs and activations that ONNX has no operations for, such as that of a noisy LIF neuron.
    """
    onnx = onnx_package()
    if dnn.recurrent:
        raise InputError(f"ONNX: expected a feed-forward DNN, found {dnn!r}")
    writer = _Writer(onnx)
    start = 0
    for name, size, rate in dnn.inputs:
        span = (writer.constant(np.array([k])) for k in (start, start + size, 1))
        column = writer.node("Slice", "stimuli", *span)
        writer.node("Mul", column, writer.constant(rate), output=name)
        start += size
    for layer in dnn.layers:
        drive = writer.constant(layer.bias[None])
        for source, weights in layer.incoming:
            drive = writer.node("Add", writer.node("MatMul", source, writer.constant(weights.toarray())), drive)
        writer.activation(layer, drive)
    writer.node("Concat", *(name for name, _ in dnn.outputs), output="rates", axis=1)
    sizes = {layer.name: layer.size for layer in dnn.layers}
    double = onnx.TensorProto.DOUBLE
    graph = onnx.helper.make_graph(
        writer.nodes,
        dnn.name or "network",
        [onnx.helper.make_tensor_value_info("stimuli", double, ["trials", start])],
        [onnx.helper.make_tensor_value_info("rates", double, ["trials", sum(sizes[n] for n, _ in dnn.outputs)])],
        writer.initializers,
    )
    model = onnx.helper.make_model(
        graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8, producer_name="eisim"
    )
    onnx.checker.check_model(model)
    return model.SerializeToString()


class _Writer:
    """Nodes and constants of a graph."""

    def __init__(self, onnx):
        self.onnx, self.nodes, self.initializers = onnx, [], []

    def constant(self, value) -> str:
        name = f"constant_{len(self.initializers)}"
        value = np.asarray(value)
        value = value if value.dtype.kind in "iu" else value.astype(float)
        self.initializers.append(self.onnx.numpy_helper.from_array(value, name))
        return name

    def node(self, operation, *inputs, output=None, **attributes) -> str:
        output = output or f"value_{len(self.nodes)}"
        self.nodes.append(self.onnx.helper.make_node(operation, inputs, [output], **attributes))
        return output

    def activation(self, layer, drive):
        """The layer's activation of its drive, under its name."""
        unit, name = layer.neuron, layer.name
        one, node = self.constant, self.node
        refuse_refractory(unit, f"ONNX: layer {name!r}")
        if isinstance(unit, Identity):
            node("Identity", drive, output=name)
        elif isinstance(unit, Tanh):
            node("Tanh", drive, output=name)
        elif isinstance(unit, LeakyReLU):
            below = node("Mul", node("Min", drive, one(0.0)), one(unit.slope))
            node("Add", node("Relu", drive), below, output=name)
        elif isinstance(unit, (ThresholdLinear, Saturating)):
            above = drive if unit.threshold == 0 else node("Sub", drive, one(unit.threshold))
            if isinstance(unit, Saturating):
                above = above if unit.gain == 1 else node("Mul", above, one(unit.gain))
                node("Clip", above, one(0.0), one(unit.maximum), output=name)
            elif unit.gain == 1:
                node("Relu", above, output=name)
            else:
                node("Mul", node("Relu", above), one(unit.gain), output=name)
        elif isinstance(unit, Logistic):
            scaled = drive if unit.threshold == 0 else node("Sub", drive, one(unit.threshold))
            scaled = scaled if unit.slope == 1 else node("Div", scaled, one(unit.slope))
            if unit.maximum == 1:
                node("Sigmoid", scaled, output=name)
            else:
                node("Mul", node("Sigmoid", scaled), one(unit.maximum), output=name)
        elif isinstance(unit, (Softplus, ExponentialLinear)):
            above = drive if unit.threshold == 0 else node("Sub", drive, one(unit.threshold))
            scaled = above if unit.scale == 1 else node("Div", above, one(unit.scale))
            if isinstance(unit, Softplus):
                node("Mul", node("Softplus", scaled), one(unit.scale), output=name)
            else:  # what is below the threshold as an Elu from 0 up, in double precision, which its alpha is not
                below = node("Add", node("Elu", node("Min", scaled, one(0.0))), one(1.0))
                below = node("Mul", below, one(unit.base))
                node("Add", below, node("Mul", node("Relu", above), one(unit.gain)), output=name)
        elif isinstance(unit, Step):
            above = node("Cast", node("Greater", drive, one(unit.threshold)), to=self.onnx.TensorProto.DOUBLE)
            node("Mul", above, one(unit.maximum), output=name)
        elif isinstance(unit, LIF) and not unit.noise:
            fires = node("Greater", drive, one(unit.rheobase))
            far = one(2 * unit.rheobase if unit.rheobase > 0 else unit.rheobase + 1)
            end = node("Add", node("Where", fires, drive, far), one(unit.rest))
            fraction = node("Div", node("Sub", end, one(unit.reset)), node("Sub", end, one(unit.threshold)))
            interval = node("Add", node("Mul", node("Log", fraction), one(unit.tau)), one(unit.refractory))
            node("Where", fires, node("Div", one(1.0), interval), one(0.0), output=name)
        else:
            raise InputError(
                f"ONNX: layer {name!r}: expected an activation that ONNX can express, found {unit!r}; a circuit's "
                "without_noise() can be exported"
            )
