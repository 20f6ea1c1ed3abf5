"""ONNX files with the operator RNN, read as networks of rate units. Needs the extra ``eisim[onnx]``.

Weights are the operator's. What lies before and after it is evaluated by ONNX's reference, node by node and within the
same limits as in `eisim.adapter.onnx_reader`: its input must be that of the file, and what is made of its rates must be
linear. Then the whole is compared with the reference.
"""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import numpy as np

from eisim.adapter.affine import LARGEST, bounded
from eisim.adapter.onnx_check import Source
from eisim.adapter.onnx_operations import FOLDED, FRACTIONAL
from eisim.adapter.onnx_reference import SEVERAL
from eisim.adapter.rnn import RNN, STEP
from eisim.base.errors import InputError

ACTIVATIONS = {"Relu": "relu", "Tanh": "tanh", "Sigmoid": "sigmoid", "Softplus": "softplus"}
#: Steps of the inputs on which a file is evaluated, and trials where it takes any number.
STEPS, TRIALS = 5, 3
#: Nodes and time steps that are evaluated, all together: each takes some milliseconds.
MOST_NODES = 5_000
#: By which outputs may differ, as a share of the largest: in double precision, or where the reference is in single.
DOUBLE, SINGLE = 1e-9, 1e-4
#: What may lie before and after the operator, and what is left out at the end.
AROUND, LEFT_OUT = FOLDED | {"RNN", "Dropout"}, {"Softmax", "LogSoftmax"}


def has_rnn(model) -> bool:
    """Whether a model has the operator, and none of those with gates, which `eisim.adapter.onnx_reader` refuses."""
    found = {node.op_type for node in model.graph.node}
    return "RNN" in found and not found & {"GRU", "LSTM"}


def course(entry) -> Source:
    """The input of such a model: its inputs are the last of three axes; other sizes are taken from the reader."""
    what, kind = f"input {entry.name!r}", entry.type.tensor_type
    sizes = _sizes(entry)
    if len(sizes) != 3 or sizes[2] < 1 or min(sizes) < 0:
        raise InputError(f"{what}: expected 3 axes, of which the last one, the inputs, is fixed, found {sizes}")
    if kind.elem_type not in FRACTIONAL.values():
        raise InputError(f"{what}: expected numbers in a floating-point format, found another format")
    return Source(entry.name, bounded((1, sizes[2])), np.dtype(float), 0)


def _sizes(entry) -> list[int]:
    """Sizes of the axes of an input, 0 for any."""
    return [d.dim_value for d in entry.type.tensor_type.shape.dim]


class RecurrentReading:
    """The reading of a model with the operator RNN, by the reader of its parts."""

    def __init__(self, reader: Any):
        self.reader, self.evaluated = reader, 0
        self.sizes = next(_sizes(i) for i in reader.graph.input if i.name == reader.source.name)

    def network(self) -> RNN:
        places = [k for k, node in enumerate(self.reader.graph.node) if node.op_type == "RNN"]
        if len(places) != 1:
            raise InputError(f"expected one operator RNN, which is one layer of units, found {len(places)}")
        self.place = places[0]
        self.node = self.reader.graph.node[self.place]
        self.output = next((o.name for o in self.reader.graph.output if self.place in self.reader.needed(o.name)), None)
        if self.output is None:
            raise InputError("expected an output that depends on the operator RNN, found none")
        try:
            given = self._operator()
        except InputError as error:
            raise InputError(f"{self.reader.called(self.place)}: {error}") from None
        x = self._drawn(TRIALS, STEPS)
        values = self._values(x)
        batch_first, given["initial"] = self._around(x, values)
        if not batch_first:  # the numbers that are free are those of the other axes
            x = self._drawn(STEPS, TRIALS)
            values = self._values(x)
        trials, steps = (x.shape[:2]) if batch_first else x.shape[1::-1]
        outputs = self._readout(x, trials, steps, len(given["W_rec"]))
        rnn = RNN(**given, W_out=outputs[1:].T - outputs[0][:, None], b_out=outputs[0])
        self._check_equal(rnn, x, values, batch_first)
        longer = self._drawn(*((TRIALS, STEPS + 2) if batch_first else (STEPS + 2, TRIALS)))
        if longer.shape != x.shape:  # one of several steps is the last in trials of one length only
            self._check_equal(rnn, longer, self._values(longer), batch_first)
        return rnn

    def _check_equal(self, rnn, x, values, batch_first) -> None:
        """Refuse outputs that are not those of the network, at each step or at the last."""
        ours = rnn(x if batch_first else np.swapaxes(x, 0, 1))
        theirs = self._in_steps(values[self.output], *ours.shape[:2])
        ours = ours[:, -theirs.shape[1] :]
        allowed = (SINGLE if self.reader.reference.rounded else DOUBLE) * max(1.0, np.abs(theirs).max())
        if ours.shape != theirs.shape or not np.abs(ours - theirs).max() <= allowed:
            raise InputError(
                "expected outputs that are linear in the rates of the operator RNN at the same step, at each or at "
                "the last, found others"
            )

    def _drawn(self, *free) -> np.ndarray:
        """Inputs, of these sizes where the file takes any."""
        first, second = (fixed or size for fixed, size in zip(self.sizes[:2], free, strict=True))
        bounded((first, second, self.sizes[2]))
        self._spend(min(first, second))
        return np.random.default_rng(20).normal(size=(first, second, self.sizes[2]))

    def _operator(self) -> dict:
        """What an RNN takes from the operator: weights and activation."""
        self.reader.check_form(self.node, "")
        attributes = {a.name: self.reader.attribute(a) for a in self.node.attribute}
        direction = attributes.get("direction", b"forward")
        if direction != b"forward":
            found = direction.decode(errors="replace")
            raise InputError(
                "expected the direction forward, in time, since the theory of order assumes that a response depends on "
                f"present and past inputs (T9), found {found!r:.60}"
            )
        for name in ("clip", "activation_alpha", "activation_beta"):
            if attributes.get(name):
                raise InputError(f"expected no {name}, found {attributes[name]}")
        if attributes.get("layout", 0):
            raise InputError(f"expected the layout 0, found {attributes['layout']}")
        activations = [a.decode(errors="replace") for a in attributes.get("activations", [b"Tanh"])]
        if len(activations) != 1 or activations[0] not in ACTIVATIONS:
            raise InputError(f"expected one activation of {', '.join(ACTIVATIONS)}, found {', '.join(activations)}")
        names = [*self.node.input, *[""] * 6][:6]
        if names[4]:
            raise InputError("expected inputs of one length, found lengths of sequences")
        weights = [self.reader.value_of(name) if name else None for name in names[1:4]]
        for name, array in zip(names[1:4], weights, strict=True):
            if not isinstance(array, (np.ndarray, type(None))):
                raise InputError(f"expected {name!r} to be constant, found one that depends on the input")
        W_in, W_rec, biases = (None if array is None else array.astype(float) for array in weights)
        n = W_rec.shape[-1]
        b = np.zeros((1, 2 * n)) if biases is None else biases
        shapes = W_in.shape, W_rec.shape, b.shape
        if shapes != (wanted := ((1, n, self.sizes[2]), (1, n, n), (1, 2 * n))):
            raise InputError(f"expected weights and biases of shapes {wanted}, found {shapes}")
        if attributes.get("hidden_size", n) != n:
            raise InputError(f"expected the hidden_size of its weights, {n}, found {attributes['hidden_size']}")
        given = {
            "W_in": W_in[0],
            "W_rec": W_rec[0],
            "b": b[0, :n] + b[0, n:],
            "activation": ACTIVATIONS[activations[0]],
        }
        return given | {"tau": STEP, "dt": STEP, "signed_inputs": True, "name": self.reader.path.stem}

    def _around(self, x, values) -> tuple[bool, np.ndarray | None]:
        """Whether the first axis of the input is that of trials, and the state at the start."""
        found = values[self.node.input[0]]
        batch_first = np.array_equal(found, np.swapaxes(x, 0, 1))
        if not batch_first and not np.array_equal(found, x):
            raise InputError(
                f"{self.reader.called(self.place)}: expected the input itself, batch × time or time × batch"
            )
        if len(self.node.input) < 6 or not self.node.input[5]:
            return batch_first, None
        states = np.asarray(values[self.node.input[5]], dtype=float)
        if states.ndim != 3 or np.ptp(states, axis=1).any():
            raise InputError(
                f"{self.reader.called(self.place)}: expected one state at the start of all trials, found others"
            )
        return batch_first, states[0, 0]

    def _readout(self, x, trials, steps, n) -> np.ndarray:
        """Outputs at the last step where all rates are 0, and where that of each unit is 1: (1 + units) × outputs."""
        bounded((steps, trials, n))
        rows = np.concatenate([np.zeros((1, n)), np.eye(n)])
        found = []
        for start in range(0, len(rows), trials):
            part = rows[start : start + trials]
            rates = np.zeros((steps, 1, trials, n))
            rates[-1, 0, : len(part)] = part
            made = dict(zip(self.node.output, (rates, rates[-1]), strict=False))
            found.append(self._in_steps(self._values(x, made)[self.output], trials, steps)[: len(part), -1])
        return np.concatenate(found)

    def _in_steps(self, outputs, trials, steps) -> np.ndarray:
        """Outputs as trials × steps (1 for those of the last step alone) × outputs."""
        shape = np.shape(outputs)
        if len(shape) == 4 and shape[:3] == (steps, 1, trials):  # with the axis of directions
            return np.swapaxes(outputs[:, 0], 0, 1)
        if len(shape) == 3 and shape[:2] == (trials, steps):
            return outputs
        if len(shape) == 3 and shape[:2] in ((steps, trials), (1, trials)):
            return np.swapaxes(outputs, 0, 1)
        if len(shape) == 2 and shape[0] == trials:
            return outputs[:, None]
        wanted = "outputs for each trial, at each step or at the last"
        raise InputError(f"expected {wanted}, found shape {list(shape)} for {trials} trials of {steps} steps")

    def _values(self, x, made: Mapping = {}) -> dict[str, np.ndarray]:
        """Values of the file for an input; of the operator those that are given, and without a softmax at the end."""
        known = {name: self.reader.reference.double(array) for name, array in self.reader.constants.items()}
        known |= {self.reader.source.name: x, "": None}
        for k in self.reader.needed(self.output):
            node = self.reader.graph.node[k]
            if k == self.place and made:
                known |= made
                continue
            self._spend(1)
            is_end = node.op_type in LEFT_OUT and self.output in node.output
            if node.op_type not in AROUND and not is_end:
                raise InputError(
                    f"{self.reader.called(k)}: expected linear operations beside an operator RNN, found {node.op_type}"
                )
            try:
                self.reader.check_form(node, "" if node.domain == "ai.onnx" else node.domain)
                inputs = [known[name] for name in node.input]
                found = inputs[:1] if is_end else self._evaluate(node, inputs)
            except InputError as error:
                raise InputError(f"{self.reader.called(k)}: {error}") from None
            known |= dict(zip([name for name in node.output if name], found, strict=False))
        return known

    def _spend(self, times: int) -> None:
        self.evaluated += times
        if self.evaluated > MOST_NODES:
            raise InputError(f"expected a file that takes at most {MOST_NODES:,} nodes and steps to check, found more")

    def _evaluate(self, node, inputs) -> list[np.ndarray]:
        """The outputs of a node, by ONNX's reference; it has no operator RNN but that of a tanh."""
        reference, onnx = self.reader.reference, self.reader.onnx
        activation = next((a.strings[0].decode() for a in node.attribute if a.name == "activations"), "Tanh")
        if node.op_type != "RNN" or activation == "Tanh":
            return reference(_in_double(node), inputs, SEVERAL * LARGEST)
        x, W, R, b, _, h = [*inputs, *[None] * 6][:6]
        n, apply = R.shape[-1], onnx.helper.make_node(activation, ["drive"], ["rates"])
        bounded((len(x), x.shape[1], n))
        self._spend(len(x))
        h, steps = np.zeros((x.shape[1], n)) if h is None else h[0], []
        bias = 0.0 if b is None else b[0, :n] + b[0, n:]
        for u in x:
            (h,) = reference(apply, [u @ W[0].T + h @ R[0].T + bias])
            steps.append(h)
        return [np.stack(steps)[:, None], h[None]]


def _in_double(node):
    """A node whose casts to a floating-point format are in double precision."""
    if node.op_type != "Cast":
        return node
    changed = deepcopy(node)
    for attribute in changed.attribute:
        if attribute.name == "to" and attribute.i in FRACTIONAL.values():
            attribute.i = FRACTIONAL["DOUBLE"]
    return changed
