"""What was read from an ONNX file, compared with what ONNX's own reference computes."""

from collections import Counter
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from eisim.adapter.affine import LARGEST, Affine
from eisim.adapter.onnx_operations import FRACTIONAL, LEFT_OUT
from eisim.adapter.onnx_reference import LARGEST_LOOP, LOOPS, SEVERAL, Reference
from eisim.adapter.static import DNN, Layer
from eisim.base.errors import InputError
from eisim.neurons import Step

#: By which outputs may differ, as a share of the largest: both are in double precision, or the reference is in single.
DOUBLE, SINGLE = 1e-6, 1e-4
#: Samples that are compared, at most; fewer of large networks, whose samples together read so many elements.
SAMPLES, ELEMENTS = 24, 100_000_000
#: Inputs in wide integer formats are tried up to this size.
LARGEST_INTEGER = 1_000_000
#: As a share of the largest drive: nearer to a threshold than this, rounding decides.
EDGE = 1e-9


@dataclass(frozen=True)
class Source:
    """The input of a file: name, shape of one sample with a batch axis of 1, format, and samples at a time."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype
    batch: int  # 0 for any


@dataclass(frozen=True)
class Read:
    """A node that was read: what errors call it, and the layers that were made of it."""

    name: str
    node: Any
    layers: tuple[str, ...]


class Comparison:
    """Of a network with the file that it was read from.

    It takes the nodes that the compared output depends on, in order; tensors of the file; what was read, by the file's
    names; and the effort, in elements that one sample takes.
    """

    def __init__(self, source, nodes, constants, values, dnn: DNN, reference: Reference, effort: int):
        self.source, self.nodes, self.values, self.dnn, self.reference = source, nodes, values, dnn, reference
        needed = {name for each in nodes for name in each.node.input}
        self.constants = {name: reference.double(array) for name, array in constants.items() if name in needed}
        looped = [name for each in nodes if each.node.op_type in LOOPS for name in each.node.output]
        loops = sum(values[name].size for name in looped if name in values)
        self.largest = SEVERAL * LARGEST
        samples = min(ELEMENTS // max(1, effort), LARGEST_LOOP // (3 * max(1, loops)), SAMPLES)
        self.samples = self._drawn(max(2, samples))

    def _drawn(self, n: int) -> np.ndarray:
        """Samples: drawn numbers, and zeros, ones, ties and large numbers among them, all exact in few bits."""
        rng, size = np.random.default_rng(20), int(np.prod(self.source.shape))
        if size * max(n, self.source.batch) > self.largest:
            raise InputError(f"expected a batch small enough to be checked, found {self.source.batch or n:,} samples")
        normal = np.round(rng.normal(size=(n, size)) * 64) / 64
        kinds = [
            normal[0 % n], 3 * normal[1 % n] * (rng.random(size) < 0.7), np.zeros(size), rng.integers(-2, 3, size),
            np.ones(size), -np.ones(size), rng.integers(0, 2, size), np.full(size, 0.5), np.full(size, -2.0),
            np.round(rng.random(size) * 64) / 64, 30 * normal[2 % n], -np.abs(normal[3 % n]),
        ]  # fmt: skip
        samples = np.array([kinds[k] if k < len(kinds) else normal[k] for k in range(n)], dtype=float)
        if self.source.batch > 1:  # whole batches
            samples = np.resize(samples, (-(-n // self.source.batch) * self.source.batch, size))
        if self.source.dtype.kind in "iu":
            samples = np.round(3 * samples)
            samples = np.abs(samples) if self.source.dtype.kind == "u" else samples
            samples = np.clip(samples, np.iinfo(self.source.dtype).min, np.iinfo(self.source.dtype).max)
        return samples

    def batches(self) -> list[np.ndarray]:
        """The samples as the file takes them: all at once and the first few alone, or in batches of the file's size.

        Then those at the ends of an integer format, where integers wrap around.
        """
        if not self.source.batch:
            batches = [*np.split(self.samples[:4], len(self.samples[:4])), self.samples]
        else:
            batches = np.split(self.samples, len(self.samples) // self.source.batch)
        if self.source.dtype.kind in "iu":
            info, shape = np.iinfo(self.source.dtype), (max(1, self.source.batch), self.samples.shape[1])
            ends = max(info.min, -LARGEST_INTEGER), min(info.max, LARGEST_INTEGER)
            batches += [np.full(shape, float(end)) for end in ends]
        return batches

    def outputs(self, samples, left_out=True) -> Iterator[tuple[Read, list, dict]]:
        """Each node with its inputs, and outputs by name, for the samples."""
        kind = self.source.dtype if self.source.dtype.kind in "iu" else float
        shaped = samples.astype(kind).reshape(len(samples), *self.source.shape[1:])
        known = self.constants | {self.source.name: shaped, "": None}
        uses = Counter(name for each in self.nodes for name in each.node.input)
        for each in self.nodes:
            node = self._compared(each.node, left_out)
            inputs = [known[name] for name in node.input]
            try:
                made = self.reference(node, inputs, self.largest)
            except InputError as error:
                many = f" for {len(samples)} samples at once" if len(samples) > 1 else ""
                raise InputError(f"{each.name}: cannot be compared with ONNX's reference{many}: {error}") from None
            named = dict(zip([name for name in node.output if name], made, strict=False))
            yield each, inputs, named
            known |= named
            for name in each.node.input:
                uses[name] -= 1
                if name and not uses[name]:
                    del known[name]

    def _compared(self, node, left_out):
        """The node with what was left out of the network left out, and in double precision."""
        changed = deepcopy(node)
        if node.op_type == "Cast":
            for attribute in changed.attribute:
                if attribute.name == "to" and attribute.i in FRACTIONAL.values():
                    attribute.i = FRACTIONAL["DOUBLE"]
        if node.op_type == "ZipMap" or (left_out and node.op_type in LEFT_OUT):
            changed.op_type, changed.domain = "Identity", ""
            del changed.attribute[:], changed.input[1:], changed.output[1:]
        elif left_out and node.op_type == "LinearClassifier":
            for attribute in changed.attribute:
                if attribute.name == "post_transform" and attribute.s == b"SOFTMAX":
                    attribute.s = b"NONE"
        return changed

    def _computed(self, samples, name, left_out=True) -> np.ndarray | None:
        found = samples if name == self.source.name else None
        for _, _, made in self.outputs(samples, left_out):
            found = made.get(name, found)
        return found

    def check(self, target: str) -> None:
        """Refuse a network whose output differs from a tensor of the file, by the first node where it does."""
        for samples in self.batches():
            theirs, rates = self._computed(samples, target), self.dnn.rates(samples)
            if self._differ(self._ours(self.values[target], rates), theirs).any():
                self._find(samples, rates, target)

    def check_order(self, target: str) -> None:
        """Refuse a network whose largest output is not that of the file's tensor, with all that was left out."""
        for samples in self.batches():
            ours = self._ours(self.values[target], self.dnn.rates(samples))
            theirs = np.reshape(self._computed(samples, target, left_out=False), ours.shape)
            if _another_is_largest(ours, theirs):
                raise InputError(
                    f"{self.nodes[-1].name}: expected the largest output to stay the largest, found that it changes"
                )

    def check_label(self, name: str, scores: Affine, target: str, layers: Sequence[Layer]) -> None:
        """Refuse a network whose largest output is not the class that another output of the file names.

        The scores that this one is taken from may be of other layers than the network's.
        """
        rates = replace(self.dnn, layers=tuple(layers)).rates(self.samples)
        ours, theirs = (self._ours(value, rates) for value in (self.values[target], scores))
        if ours.shape[1] == theirs.shape[1] > 1 and _another_is_largest(ours, theirs):
            raise InputError(
                f"output {name!r}: expected the class whose output in {target!r} is largest, found another"
            )

    def _ours(self, value: Affine, rates):
        return value.values(rates, len(self.samples if not rates else next(iter(rates.values()))))

    def _differ(self, ours, theirs) -> np.ndarray:
        """Elements that differ, samples × elements; where the reference overflows, nothing is compared."""
        if theirs is None or np.size(theirs) != ours.size:
            return np.ones(ours.shape, dtype=bool)
        theirs = np.reshape(theirs, ours.shape).astype(float)
        finite = np.isfinite(theirs)
        if not finite.any():
            return np.ones(ours.shape, dtype=bool)
        share = SINGLE if self.reference.rounded else DOUBLE
        allowed = share * np.abs(theirs[finite]).max() + share / 1000
        return finite & ~(np.abs(ours - np.where(finite, theirs, 0.0)) <= allowed)

    def _find(self, samples, rates, target) -> None:
        """Raise an error that names the first node that differs, if there is one where rounding does not decide."""
        excused = np.zeros(len(samples), dtype=bool)
        layers = {layer.name: layer for layer in self.dnn.layers}
        for each, inputs, made in self.outputs(samples):
            for name in filter(self.values.get, each.node.output):
                value, theirs = self.values[name], made.get(name)
                ours = self._ours(value, rates)
                turned = _turned(theirs, value.shape, len(samples))
                differ = min((self._differ(ours, one) for one in turned), key=np.count_nonzero)
                differ &= ~excused[:, None]
                if not differ.any():
                    continue
                excused |= self._on_edge(differ, [layers[n] for n in each.layers if n in layers], rates, inputs)
                rows = np.flatnonzero(differ.any(axis=1) & ~excused)
                if not len(rows):
                    continue
                if np.size(theirs) != ours.size:
                    found = f"shape {list(np.shape(theirs))}, where {list(value.shape)} per sample was read"
                    raise InputError(f"{each.name}: ONNX's reference makes {found} for {len(samples)} samples")
                k = rows[0], np.flatnonzero(differ[rows[0]])[0]
                raise InputError(
                    f"{each.name}: ONNX's reference computes {np.reshape(theirs, ours.shape)[k]:.6g} for a drawn input "
                    f"(1 of {len(samples)} at once), where what was read computes {ours[k]:.6g}"
                )
        if not excused.any():
            raise InputError(
                f"{self.nodes[-1].name}: expected samples along the first axis of {target!r}, found them along another"
            )

    def _on_edge(self, differ, layers, rates, inputs) -> np.ndarray:
        """Samples in which a step unit is so near to its threshold that rounding decides, and only such differ.

        Where the drive is exactly at threshold on both sides, it is not rounding that makes the difference.
        """
        excused = np.zeros(len(differ), dtype=bool)
        for layer in layers:
            if not isinstance(layer.neuron, Step) or layer.size != differ.shape[1]:
                continue
            drive = layer.drive(rates) - layer.neuron.threshold
            theirs = [np.asarray(each, dtype=float) for each in inputs if each is not None]
            try:
                theirs = theirs[0] - (theirs[1] if len(theirs) > 1 else layer.neuron.threshold)
                theirs = np.reshape(theirs, drive.shape)
            except ValueError:
                continue
            near = np.abs(drive) <= EDGE * max(1.0, np.abs(drive).max())
            excused |= (differ <= (near & ~((drive == 0) & (theirs == 0)))).all(axis=1) & differ.any(axis=1)
        return excused


def _another_is_largest(ours, theirs) -> bool:
    """Whether in a sample (a row) the place of our largest is not that of theirs, beyond rounding."""
    chosen = np.take_along_axis(theirs, ours.argmax(axis=1)[:, None], axis=1)[:, 0]
    return bool((chosen < theirs.max(axis=1) - SINGLE * np.abs(theirs).max()).any())


def _turned(array, shape, samples) -> Iterator[np.ndarray]:
    """The array, and as it is where samples are along another axis than the first."""
    yield array
    if array is not None and np.ndim(array) == len(shape):
        for axis in range(1, len(shape)):
            if array.shape[axis] == samples and shape[axis] == 1:
                yield np.moveaxis(array, axis, 0)
