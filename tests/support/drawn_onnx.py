"""Graphs of ONNX operations drawn at random, with odd attributes, versions and broadcasts; many are not valid."""

import numpy as np
import onnx

make = onnx.helper.make_node
FLOAT, DOUBLE, INT = onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE, onnx.TensorProto.INT64
POINTWISE = (
    *("Relu", "Sigmoid", "Tanh", "Softplus", "Elu", "Selu", "Celu", "LeakyRelu", "ThresholdedRelu"),
    *("HardSigmoid", "Neg", "Identity", "Dropout", "Sign", "Clip", "PRelu", "Gelu", "Mish"),
    *("HardSwish", "Softsign", "Abs", "Exp", "Floor", "Round", "Ceil", "Sqrt", "Erf"),
    *("Reciprocal", "Shrink"),
)
KINDS = (
    *("pointwise", "pointwise", "pointwise", "arithmetic", "arithmetic", "variadic", "compare", "reduce", "reduce"),
    *("reshape", "flatten", "transpose", "squeeze", "unsqueeze", "slice", "gather", "split", "concat"),
    *("pad", "expand", "matmul", "gemm", "conv", "conv", "pool", "pool", "batchnorm"),
    *("softmax", "where", "shape", "cast", "global", "transposed", "self", "argmax"),
)


class Drawing:
    """One graph on the way."""

    def __init__(self, rng):
        self.rng, self.nodes, self.constants = rng, [], {}
        self.version = int(rng.integers(7, 22))
        self.samples = int(rng.choice([0, 0, 0, 1, 2, 3]))
        self.kind = FLOAT if rng.random() < 0.9 else DOUBLE
        self.rows = self.samples or 3
        rank = int(rng.choice([1, 1, 2, 3, 3]))
        self.shape = tuple(int(n) for n in rng.integers(1, 6, rank))
        x = self.numbers(self.rows, *self.shape)
        self.known = {"x": x}
        self.order = ["x"]

    # What nodes are made of.

    def numbers(self, *shape):
        """Few bits each, so that sums are exact in single precision."""
        return (self.rng.integers(-8, 9, shape) / 8).astype(np.float32 if self.kind == FLOAT else float)

    def constant(self, array):
        name = f"c{len(self.constants)}"
        self.constants[name] = np.asarray(array)
        return name

    def whole(self, *values):
        return self.constant(np.array(values, dtype=np.int64))

    def any(self, *values):
        return values[self.rng.integers(len(values))]

    def often(self, share=0.5):
        return self.rng.random() < share

    def axis(self, rank):
        """Mostly not that of the batch; from the end or from the start."""
        a = int(self.rng.integers(0 if self.often(0.15) else min(1, rank - 1), rank))
        return a - rank if self.often(0.3) else a

    def fitting(self, shape):
        """A shape that broadcasts with another, as a rule without touching the batch."""
        like = [n if self.often(0.7) else 1 for n in shape]
        if like and not self.often(0.1):
            like[0] = 1
        return tuple(like[int(self.rng.integers(0, len(like) + 1)) :])

    def axes(self, rank):
        return [self.axis(rank) for _ in range(int(self.rng.integers(1, 3)))]

    # Nodes.

    def add(self, operation, inputs, outputs=1, domain="", **attributes):
        attributes = {k: v for k, v in attributes.items() if v is not None}
        names = [f"t{len(self.nodes)}_{k}" for k in range(outputs)]
        node = make(operation, inputs, names, domain=domain, **attributes)
        self.nodes.append(node)
        from onnx.reference import ReferenceEvaluator

        graph = onnx.helper.make_graph([node], "g", [], [onnx.ValueInfoProto(name=n) for n in names])
        known = self.known | self.constants | {"": None}
        opsets = {"": max(self.version, 15) if operation == "BatchNormalization" else self.version, "ai.onnx.ml": 3}
        try:
            with np.errstate(all="ignore"):
                found = ReferenceEvaluator(graph, opsets=opsets).run(None, {n: known[n] for n in node.input if n})
            found = [np.asarray(each) for each in found]
            assert all(0 < each.size < 3000 and each.dtype.kind in "fb" for each in found)
        except Exception:
            if self.often(0.97):  # few stay, as files that are not valid
                self.nodes.pop()
                return
            found = [np.zeros((self.rows, 2), np.float32)] * outputs
        self.known |= dict(zip(names, found, strict=True))
        self.order += names

    def grow(self):
        """One node more, on a value that there is."""
        name = self.order[-1] if self.often(0.8) else self.any(*self.order)
        name = name if self.known[name].ndim else "x"
        value = self.known[name]
        shape, rank, rng, v = value.shape, value.ndim, self.rng, self.version
        kind = self.any(*KINDS)
        if value.dtype.kind == "b":
            if kind == "where":
                return self.add(
                    "Where", [name, self.constant(self.numbers()), self.constant(self.numbers(*self.fitting(shape)))]
                )
            return self.add("Cast", [name], to=self.kind)
        if kind == "pointwise":
            self.pointwise(name, shape)
        elif kind == "arithmetic":
            other = self.constant(self.numbers(*self.fitting(shape))) if self.often(0.6) else self.any(*self.order)
            pair = [name, other] if self.often() else [other, name]
            self.add(self.any("Add", "Sub", "Mul", "Div", "Add", "Sub", "Mul", "Pow"), pair)
        elif kind == "variadic":
            more = [
                self.any(*self.order) if self.often() else self.constant(self.numbers(*self.fitting(shape)))
                for _ in range(rng.integers(0, 3))
            ]
            self.add(self.any("Sum", "Mean", "Max", "Min"), [name, *more])
        elif kind == "compare":
            other = self.constant(self.numbers(*self.fitting(shape))) if self.often(0.6) else self.any(*self.order)
            pair = [name, other] if self.often() else [other, name]
            self.add(
                self.any("Greater", "Less", *(("GreaterOrEqual", "LessOrEqual") if v >= 12 else ()), "Equal"), pair
            )
        elif kind == "where":
            self.add(
                "Where", [self.constant(rng.random(self.fitting(shape)) < 0.5), name, self.constant(self.numbers())]
            )
        elif kind == "reduce":
            axes = None if self.often(0.15) else sorted({a % rank for a in self.axes(rank)})
            axes = axes and [a - rank if self.often(0.3) else a for a in axes]
            operation = self.any("ReduceMean", "ReduceSum", "ReduceMean", "ReduceSum", "ReduceMax", "ReduceL2")
            keep, noop = self.any(None, 0, 1), self.any(None, None, 0, 1)
            if v >= (13 if operation == "ReduceSum" else 18):
                inputs = [name] if axes is None else [name, self.whole(*axes)]
                self.add(operation, inputs, keepdims=keep, noop_with_empty_axes=noop)
            else:
                self.add(operation, [name], axes=axes, keepdims=keep)
        elif kind == "reshape":
            rest = int(np.prod(shape[1:]))
            sizes = [
                self.any(0, -1, *([self.samples] if self.samples else [])),
                *self.any((rest,), (1, rest), (rest, 1), (-1,), (0, -1)),
            ]
            self.add("Reshape", [name, self.whole(*sizes)], allowzero=self.any(None, None, 0, 1) if v >= 14 else None)
        elif kind == "flatten":
            self.add("Flatten", [name], axis=self.any(None, 1, 0, rank, 1 - rank, 2))
        elif kind == "transpose":
            perm = [0, *(1 + rng.permutation(rank - 1)).tolist()] if self.often(0.8) else rng.permutation(rank).tolist()
            self.add("Transpose", [name], perm=None if self.often(0.1) else perm)
        elif kind in ("squeeze", "unsqueeze"):
            ones = [a for a, n in enumerate(shape) if n == 1]
            axes = ones[-1:] if kind == "squeeze" else [self.axis(rank + 1)]
            axes = None if kind == "squeeze" and (not axes or self.often(0.3)) else axes
            operation = kind.capitalize()
            if v >= 13:
                self.add(operation, [name] if axes is None else [name, self.whole(*axes)])
            else:
                self.add(operation, [name], axes=axes)
        elif kind == "slice":
            a = self.axis(rank)
            n = shape[a]
            step = self.any(1, 1, 2, -1, -2)
            start, end = (int(rng.integers(-n - 1, n + 2)) for _ in range(2))
            end = self.any(end, 2**31, -(2**31), np.iinfo(np.int64).max, np.iinfo(np.int64).min)
            if v >= 10:
                self.add("Slice", [name, self.whole(start), self.whole(end), self.whole(a), self.whole(step)])
            else:
                self.add("Slice", [name], starts=[start], ends=[end], axes=[a])
        elif kind == "gather":
            a = self.axis(rank)
            indices = rng.integers(-shape[a] if v >= 11 else 0, shape[a], self.any((), (1,), (2,), (1, 2)))
            if self.often(0.2):
                self.add(
                    "ArrayFeatureExtractor", [name, self.constant(np.ravel(indices) % shape[-1])], domain="ai.onnx.ml"
                )
            else:
                self.add("Gather", [name, self.constant(indices)], axis=a)
        elif kind == "split":
            a = self.axis(rank)
            n = shape[a]
            first = int(rng.integers(0, n + 1))
            if v >= 18 and self.often():
                self.add("Split", [name], 2, axis=a, num_outputs=2)
            elif self.often(0.3):
                self.add("Split", [name], 2, axis=a)
            elif v >= 13:
                self.add("Split", [name, self.whole(first, n - first)], 2, axis=a)
            else:
                self.add("Split", [name], 2, axis=a, split=[first, n - first])
        elif kind == "concat":
            other = self.constant(self.numbers(*shape)) if self.often(0.2) else self.any(name, *self.order)
            self.add("Concat", [name, other], axis=self.axis(rank))
        elif kind == "pad":
            pads = np.where(rng.random(2 * rank) < 0.5, rng.integers(-1 if self.often(0.1) else 0, 3, 2 * rank), 0)
            if not self.often(0.1):
                pads[[0, rank]] = 0
            mode = self.any(None, "constant", "edge", "reflect")
            if v >= 11:
                self.add(
                    "Pad",
                    [name, self.whole(*pads), *([self.constant(self.numbers())] if self.often() else [])],
                    mode=mode,
                )
            else:
                self.add("Pad", [name], pads=pads.tolist(), mode=mode, value=self.any(None, 0.5))
        elif kind == "expand":
            self.add("Expand", [name, self.whole(*(self.any(n, 1) if n > 1 else self.any(1, 1, 2) for n in shape))])
        elif kind == "matmul":
            weights = self.constant(self.numbers(shape[-1], int(rng.integers(1, 5))))
            self.add("MatMul", [name, weights] if self.often(0.9) else [weights, name])
        elif kind == "gemm":
            turned, n = self.any(None, 0, 1), int(rng.integers(1, 5))
            weights = self.numbers(n, shape[-1]) if turned else self.numbers(shape[-1], n)
            bias = self.numbers(*self.any((n,), (1, n), (1,), (), (1, 1)))
            inputs = [name, self.constant(weights), *([self.constant(bias)] if self.often(0.8) or v < 11 else [])]
            self.add(
                "Gemm",
                inputs,
                transB=turned,
                transA=self.any(None, None, None, 1),
                alpha=self.any(None, 0.5),
                beta=self.any(None, 2.0),
            )
        elif kind in ("conv", "pool", "transposed", "global") and rank > 2:
            self.spatial(kind, name, shape)
        elif kind == "batchnorm" and rank > 1:
            c = shape[1]
            inputs = [
                name,
                *(self.constant(self.numbers(c)) for _ in range(3)),
                self.constant(np.abs(self.numbers(c)) + 0.5),
            ]
            self.add(
                "BatchNormalization",
                [*inputs[:4], self.constant(self.constants.pop(inputs[4]).astype(self.numbers(1).dtype))],
                epsilon=self.any(None, 0.01),
            )
        elif kind == "softmax" and self.often(0.3):
            self.add(self.any("Softmax", "LogSoftmax"), [name], axis=self.any(None, *range(-rank, rank)))
        elif kind == "cast":
            self.add("Cast", [name], to=self.any(self.kind, self.kind, INT))
        elif kind == "self":
            self.add(self.any("Mul", "Add", "MatMul", "Sub"), [name, name])
        elif kind == "shape" and rank > 1:
            self.flattened(name, rank)
        return None

    def flattened(self, name, rank):
        """To rows by the sizes that are looked up, as exporters write it."""
        k = len(self.nodes)
        sizes = {"start": 0, "end": 1} if self.version >= 15 and self.often(0.7) else {}
        self.nodes.append(make("Shape", [name], [f"s{k}"], **sizes))
        picked = f"s{k}"
        if not sizes:
            self.nodes.append(make("Gather", [picked, self.whole(0)], [f"g{k}"], axis=0))
            picked = f"g{k}"
        self.nodes.append(make("Concat", [picked, self.whole(-1)], [f"n{k}"], axis=0))
        self.known[f"n{k}"] = np.array([self.rows, -1])
        self.add("Reshape", [name, f"n{k}"])

    def pointwise(self, name, shape):
        operation, v = self.any(*POINTWISE), self.version
        attributes, inputs = {}, [name]
        if operation in ("Elu", "LeakyRelu", "ThresholdedRelu", "HardSigmoid", "Selu", "Celu"):
            attributes["alpha"] = self.any(None, None, 0.5, 1.5, -0.5)
        if operation == "HardSigmoid":
            attributes["beta"] = self.any(None, 0.25)
        if operation == "Selu":
            attributes["gamma"] = self.any(None, 1.5, -1.0)
        if operation == "Clip":
            low, high = self.any((None, None), (0.0, 1.0), (-0.5, None), (None, 0.5), (0.5, -0.5))
            if v < 11:
                attributes |= {"min": low, "max": high}
            else:
                inputs += ["" if b is None else self.constant(self.numbers() * 0 + b) for b in (low, high)]
                while not inputs[-1]:
                    inputs.pop()
        if operation == "PRelu":
            inputs.append(self.constant(self.numbers(*self.fitting(shape))))
        if operation == "Dropout" and v >= 12 and self.often(0.3):
            inputs += [self.constant(np.float32(0.5)), self.constant(self.often(0.3))]
        self.add(operation, inputs, **attributes)

    def spatial(self, kind, name, shape):
        rng, n, c = self.rng, len(shape) - 2, shape[1]
        kernel = [int(k) for k in rng.integers(1, 4, n)]
        if kind == "global":
            return self.add(self.any("GlobalAveragePool", "GlobalMaxPool"), [name])
        attributes = {
            "strides": self.any(None, rng.integers(1, 4, n).tolist()),
            "dilations": self.any(None, None, rng.integers(1, 3, n).tolist()),
            "auto_pad": self.any(None, None, None, "SAME_UPPER", "SAME_LOWER", "VALID"),
        }
        if attributes["auto_pad"] is None or self.often(0.05):
            attributes["pads"] = self.any(None, rng.integers(0, 3, 2 * n).tolist())
        if kind == "conv":
            group = c if self.often(0.3) else 1
            weights = self.numbers(group * int(rng.integers(1, 3)), c // group, *kernel)
            bias = [self.constant(self.numbers(len(weights)))] if self.often() else []
            self.add(
                "Conv",
                [name, self.constant(weights), *bias],
                group=group,
                kernel_shape=self.any(None, kernel),
                **attributes,
            )
        elif kind == "transposed":
            weights = self.numbers(c, int(rng.integers(1, 3)), *kernel)
            extra = self.any(None, None, rng.integers(0, 2, n).tolist())
            self.add("ConvTranspose", [name, self.constant(weights)], output_padding=extra, **attributes)
        else:
            operation, v = self.any("MaxPool", "AveragePool"), self.version
            if v < (19 if operation == "AveragePool" else 10):
                attributes.pop("dilations")
            ceil = self.any(None, None, 0, 1) if v >= 10 else None
            counted = self.any(None, 0, 1) if operation == "AveragePool" else None
            self.add(operation, [name], kernel_shape=kernel, ceil_mode=ceil, count_include_pad=counted, **attributes)
        return None

    def model(self):
        """The file, whose output is the last value."""
        value = onnx.helper.make_tensor_value_info
        last = self.order[-1]
        graph = onnx.helper.make_graph(
            self.nodes,
            "drawn",
            [value("x", self.kind, [self.samples or "N", *self.shape])],
            [onnx.ValueInfoProto(name=last)],
            [onnx.numpy_helper.from_array(a, n) for n, a in self.constants.items()],
        )
        opsets = [onnx.helper.make_opsetid("", self.version), onnx.helper.make_opsetid("ai.onnx.ml", 3)]
        model = onnx.helper.make_model(graph, opset_imports=opsets, ir_version=8)
        return model, last


def drawn(seed):
    """A model, the name of its output, and inputs: single samples and several, or as many as it is made for."""
    rng = np.random.default_rng(seed)
    drawing = Drawing(rng)
    for _ in range(40):
        drawing.grow()
        if len(drawing.nodes) >= rng.integers(1, 7):
            break
    if rng.random() < 0.1:
        rank = drawing.known[drawing.order[-1]].ndim
        drawing.add(
            drawing.any("Softmax", "LogSoftmax"), [drawing.order[-1]], axis=drawing.any(None, *range(-rank, rank))
        )
    model, last = drawing.model()
    return (
        model,
        last,
        [drawing.numbers(n, *drawing.shape) for n in ((drawing.samples,) * 2 if drawing.samples else (1, 5))],
    )
