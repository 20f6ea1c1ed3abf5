"""Networks trained on images under sign constraints, as circuits, intact and without inhibition."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from eisim.adapter import DNN
from eisim.analysis.readout import middle_threshold
from eisim.analysis.training import UNITS, job
from eisim.base.progress import headed, silent
from eisim.base.store.checkpoint import part
from eisim.functions import LabelledData
from eisim.studies.held_out import HeldOut, compared
from eisim.studies.images.data import Images
from eisim.studies.judgement import ROUNDING
from eisim.studies.networks import Floors, NetworkAblation, ablate_network, class_floors, threshold_errors
from eisim.studies.result import OfParts

#: How far the spiking circuit's accuracy may be from the network's.
AGREES = 0.01
FRACTIONS = (0.0, 1.0)


@dataclass(frozen=True, eq=False)
class Trained(OfParts, of="ablations"):
    """A network trained on images, and its circuits on the test images."""

    signs: str  # "free", "dale" or "excitatory"
    dnn: DNN
    images: Images
    ablations: dict[str, NetworkAblation]  # by kind of circuit, intact and without inhibition

    def accuracy(self, part: str) -> float:
        """Accuracy of the DNN on one part of the images, ``"train"`` or ``"test"``, by argmax."""
        points, targets = self.images.part(part)
        outputs = self.dnn(points)
        chosen = outputs.argmax(axis=1) if outputs.shape[1] > 1 else (outputs[:, 0] > 0).astype(int)
        return float(np.mean(self.images.classes[chosen] == targets))

    @property
    def judged(self) -> np.ndarray:
        """The classes that have an output: all, or the second of two."""
        return self.images.classes[-self.dnn.layers[-1].size :]

    @property
    def threshold_errors(self) -> np.ndarray:
        """Error of the DNN on the test images, for each judged class, by the best threshold on its own output."""
        points, targets = self.images.part("test")
        return threshold_errors(self.dnn(points), targets, self.judged, np.ones(len(targets)))

    @property
    def problems(self) -> list[str]:
        """Contradictions of the theory, and checks that failed."""
        found, name, wanted = super().problems, self.dnn.name, self.accuracy("test")
        is_excitatory = self.signs == "excitatory"
        if is_excitatory and not self.dnn.is_nonnegative:
            found.append(f"{name}: trained as excitatory-only, but it has a negative weight")
        for kind, ablation in self.ablations.items():
            accuracy, outputs = ablation.accuracy[0], ablation.outputs
            if is_excitatory and (ablation.neurons["I"] or not np.array_equal(outputs[0], outputs[-1])):
                found.append(f"{name}: ablation changes the {kind} circuit, which has no inhibition")
            if abs(accuracy - wanted) > AGREES:
                apart = f"more than {AGREES:.0%} from the network's {wanted:.1%}"
                found.append(f"{name}: the {kind} circuit's accuracy is {accuracy:.1%}, {apart}")
        return found


def network_jobs(images: Images, hidden: int, iterations: int, seeds: Sequence[int]) -> list[dict]:
    """Networks to train: one for each constraint."""
    points, targets = images.train_points, images.train_targets
    return [
        job(points, targets, (hidden,), signs, seed, iterations=iterations, name=f"{images.name}, {signs}")
        for signs, seed in zip(UNITS, seeds, strict=True)
    ]


def simulate_all(
    dnns: Sequence[DNN], images: Images, kinds, backend: str, controls: bool, report=silent
) -> list[Trained]:
    """Simulate the circuits of trained networks, in the order of `UNITS`, on all test images, intact and ablated."""
    data = LabelledData(images.test_points, images.test_targets, target="class", name=f"{images.name}, test")
    floors = part("floors of classes", partial(class_floors, dnns[0], data, report))
    of_data, found = (floors, controls, _held_out(dnns[0], images, data, floors, report)), {}
    for signs, dnn in zip(UNITS, dnns, strict=True):
        for kind in kinds:
            what = f"{signs}, {kind}"
            how = FRACTIONS, kind, backend, headed(report, what), *of_data
            found[signs, kind] = part(what, partial(ablate_network, dnn, data, *how))

    def ablation(signs, kind):
        excitatory = found["excitatory", kind].fixed_threshold_errors[0]
        return replace(found[signs, kind], excitatory_errors=excitatory)

    return [
        Trained(signs, dnn, images, {kind: ablation(signs, kind) for kind in kinds})
        for signs, dnn in zip(UNITS, dnns, strict=True)
    ]


def _held_out(dnn: DNN, images: Images, data: LabelledData, floors: Floors, report) -> tuple[HeldOut | None, ...]:
    """What a network shows of each class that has a floor, on the test images, which it was not trained on."""
    judged = images.classes[-len(floors.on_off) :]
    seen, new = dnn(images.train_points).T, dnn(data.points).T
    found = []
    for k, value in enumerate(judged):
        if floors.one_polarity[k] <= floors.on_off[k] + ROUNDING:
            found.append(None)
            continue
        is_class = images.train_targets == value
        threshold = middle_threshold(seen[k], is_class, np.ones(len(is_class)))
        found.append(compared(data, value, new[k] > threshold, report))
    return tuple(found)
