"""DNNs written as ONNX files. Needs the extra ``eisim[onnx]``."""

import numpy as np

from eisim.adapter.activations import Identity, LeakyReLU, Tanh, refuse_refractory
from eisim.adapter.extras import extra
from eisim.adapter.static import DNN, feed_forward
from eisim.base.errors import InputError
from eisim.neurons import LIF, ExponentialLinear, Logistic, RectifiedTanh, Saturating, Softplus, Step, ThresholdLinear


def write_onnx(dnn: DNN) -> bytes:
    """A feed-forward DNN as an ONNX file, in double precision.

    The input is ``stimuli`` (trials × inputs), the output ``rates`` (trials × readouts, in Hz). Refused are recurrent
    DNNs and activations that ONNX has no operations for, such as that of a noisy LIF neuron.
    """
    onnx = extra("onnx", "ONNX")
    feed_forward(dnn, "ONNX")
    writer = _Writer(onnx)
    start = 0
    for name, size, rate in dnn.inputs:
        span = (writer.constant(np.array([k])) for k in (start, start + size, 1))
        writer.node("Mul", writer.node("Slice", "stimuli", *span), writer.constant(rate), output=name)
        start += size
    for layer in dnn.layers:
        drive = writer.constant(layer.bias[None])
        for source, weights in layer.incoming:
            drive = writer.node("Add", writer.node("MatMul", source, writer.constant(weights.toarray())), drive)
        writer.activation(layer, drive)
    writer.node("Concat", *(name for name, _ in dnn.outputs), output="rates", axis=1)
    double, n_outputs = onnx.TensorProto.DOUBLE, sum(dnn.layer(name).size for name, _ in dnn.outputs)
    stimuli = onnx.helper.make_tensor_value_info("stimuli", double, ["trials", start])
    rates = onnx.helper.make_tensor_value_info("rates", double, ["trials", n_outputs])
    graph = onnx.helper.make_graph(writer.nodes, dnn.name or "network", [stimuli], [rates], writer.initializers)
    opsets = [onnx.helper.make_opsetid("", 17)]
    model = onnx.helper.make_model(graph, opset_imports=opsets, ir_version=8, producer_name="eisim")
    onnx.checker.check_model(model)
    return model.SerializeToString()


class _Writer:
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

    def by(self, operation, value, number) -> str:
        """A difference, product or quotient, unless it is the value itself."""
        neutral = 0 if operation == "Sub" else 1
        return value if number == neutral else self.node(operation, value, self.constant(number))

    def activation(self, layer, drive):
        """The layer's activation of its drive, under its name."""
        unit, name = layer.neuron, layer.name
        one, node, by = self.constant, self.node, self.by
        refuse_refractory(unit, f"ONNX: layer {name!r}")
        if isinstance(unit, Identity):
            node("Identity", drive)
        elif isinstance(unit, Tanh):
            node("Tanh", drive)
        elif isinstance(unit, LeakyReLU):
            below = node("Mul", node("Min", drive, one(0.0)), one(unit.slope))
            node("Add", node("Relu", drive), below)
        elif isinstance(unit, ThresholdLinear):
            by("Mul", node("Relu", by("Sub", drive, unit.threshold)), unit.gain)
        elif isinstance(unit, Saturating):
            node("Clip", by("Mul", by("Sub", drive, unit.threshold), unit.gain), one(0.0), one(unit.maximum))
        elif isinstance(unit, Logistic):
            by("Mul", node("Sigmoid", by("Div", by("Sub", drive, unit.threshold), unit.slope)), unit.maximum)
        elif isinstance(unit, RectifiedTanh):
            above = by("Div", node("Relu", by("Sub", drive, unit.threshold)), unit.slope)
            by("Mul", node("Tanh", above), unit.maximum)
        elif isinstance(unit, Softplus):
            scaled = by("Div", by("Sub", drive, unit.threshold), unit.scale)
            node("Mul", node("Softplus", scaled), one(unit.scale))
        elif isinstance(unit, ExponentialLinear):
            # What is below the threshold as an Elu from 0 up, in double precision, which its alpha is not.
            above = by("Sub", drive, unit.threshold)
            below = node("Elu", node("Min", by("Div", above, unit.scale), one(0.0)))
            below = node("Mul", node("Add", below, one(1.0)), one(unit.base))
            node("Add", below, node("Mul", node("Relu", above), one(unit.gain)))
        elif isinstance(unit, Step):
            above = node("Cast", node("Greater", drive, one(unit.threshold)), to=self.onnx.TensorProto.DOUBLE)
            node("Mul", above, one(unit.maximum))
        elif isinstance(unit, LIF) and not unit.noise:
            fires = node("Greater", drive, one(unit.rheobase))
            far = one(2 * unit.rheobase if unit.rheobase > 0 else unit.rheobase + 1)
            end = node("Add", node("Where", fires, drive, far), one(unit.rest))
            fraction = node("Div", node("Sub", end, one(unit.reset)), node("Sub", end, one(unit.threshold)))
            interval = node("Add", node("Mul", node("Log", fraction), one(unit.tau)), one(unit.refractory))
            node("Where", fires, node("Div", one(1.0), interval), one(0.0))
        else:
            raise InputError(
                f"ONNX: layer {name!r}: expected an activation that ONNX can express, found {unit!r}; a circuit's "
                "without_noise() can be exported"
            )
        if layer.silent:
            node("Mul", self.nodes[-1].output[0], one(layer.sends))
        self.nodes[-1].output[0] = name
