"""A stranger's network: as a circuit, without its inhibition, and what its data would have allowed.

The network becomes a circuit under Dale's law, rate or spiking; intact and at every level of ablation it is simulated
on all rows of the data; beside each class stands the floor of the data: the least error of any excitatory-only network.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from eisim.ablation import ablate
from eisim.adapter import DNN, from_dnn, on_off, to_spiking
from eisim.adapter.activations import Identity, Tanh
from eisim.adapter.spiking import spiking_scales
from eisim.errors import InputError
from eisim.functions import LabelledData
from eisim.neurons import Logistic, ThresholdLinear
from eisim.simulation import simulate
from eisim.theory.floor import zero_one
from eisim.theory.order import silent, violations
from eisim.theory.sample import Sample

#: A class counts as kept if this share of its intact balanced accuracy above chance is left.
KEPT = 0.99
#: The rate circuit equals the DNN to this, relative to the largest output.
EQUAL = 1e-6
#: Outputs this near to the threshold, relative to the largest, do not exceed it.
MARGIN = 1e-9
ASSUMPTIONS = {
    "rate": "no assumption of the theorem is known to fail",
    "spiking": "the assumption to question: a rate code",
}
#: Length of a trial, of the window at its end, and of a time step, in s.
TIMES = {
    "rate": {"duration": 400e-3, "window": 20e-3, "dt": 1e-3},
    "spiking": {"duration": 500e-3, "window": 400e-3, "dt": 0.5e-3},
}


@dataclass(frozen=True, eq=False)
class NetworkAblation:
    """What ablation does to a network that classifies.

    Attributes
    ----------
    name : str
    kind : {"rate", "spiking"}
    data : LabelledData
    classes : ndarray
        Values of the target, in the order of the outputs.
    fractions : ndarray of shape (n_levels,)
        Of inhibition removed.
    outputs : ndarray of shape (n_levels, n_points, n_outputs)
        Readout rates of the simulated circuit, in units of the network's outputs. Linear outputs are shifted by the
        same tonic drive, so that none is below 0 on the data: their order does not change.
    wanted : ndarray of shape (n_points, n_outputs)
        The network's own outputs, shifted likewise.
    neurons : dict of str to int
        Excitatory and inhibitory ones of the circuit.
    signed_inputs : bool
        Whether inputs came as ON and OFF channels.
    floors : ndarray of shape (n_outputs,)
        Least share of rows at which an excitatory-only network with one threshold is wrong about each judged class.
    on_off_floors : ndarray of shape (n_outputs,)
        The same if inputs come as ON and OFF pairs: only disagreement at equal inputs.
    """

    name: str
    kind: str
    data: LabelledData
    classes: np.ndarray
    fractions: np.ndarray
    outputs: np.ndarray
    wanted: np.ndarray
    neurons: dict[str, int]
    signed_inputs: bool
    floors: np.ndarray
    on_off_floors: np.ndarray

    @property
    def judged(self) -> np.ndarray:
        """The classes that have an output: all, or the second of two."""
        return self.classes[-self.outputs.shape[2] :]

    @property
    def equivalence_error(self) -> float:
        """Largest difference of the intact circuit's outputs from the network's on the data."""
        return float(np.abs(self.outputs[0] - self.wanted).max())

    @property
    def agreement(self) -> float:
        """Share of rows for which the intact circuit chooses the network's class."""
        return float((self.chooses[0] == self._choice(self.wanted)).mean())

    @property
    def chooses(self) -> np.ndarray:
        """The class with the largest output, or by the network's best threshold if there is one output."""
        return self._choice(self.outputs)

    def _choice(self, outputs):
        if outputs.shape[-1] > 1:
            return self.classes[outputs.argmax(axis=-1)]
        _, threshold = best_threshold(self.wanted[:, 0], self.data.targets == self.judged[0], self.data.weights)
        return self.classes[(outputs[..., 0] > threshold + MARGIN * np.abs(self.wanted).max()).astype(int)]

    @property
    def accuracy(self) -> np.ndarray:
        """Weighted share of rows whose chosen class is right, by level."""
        return np.average(self.chooses == self.data.targets, axis=1, weights=self.data.weights)

    @property
    def balanced_accuracy(self) -> np.ndarray:
        """Mean of sensitivity and specificity of each judged class, levels × classes; 0.5 is chance."""
        chosen, w = self.chooses[..., None] == self.judged, self.data.weights[:, None]
        is_class = self.data.targets[:, None] == self.judged
        hit, reject = ((chosen & is_class) * w).sum(axis=1), ((~chosen & ~is_class) * w).sum(axis=1)
        return (hit / (is_class * w).sum(axis=0) + reject / (~is_class * w).sum(axis=0)) / 2

    @property
    def threshold_errors(self) -> np.ndarray:
        """Least share of rows wrong about each judged class by a threshold on its own output, levels × classes."""
        return np.array(
            [
                [
                    best_threshold(rates, self.data.targets == value, self.data.weights)[0]
                    for rates, value in zip(level.T, self.judged, strict=True)
                ]
                for level in self.outputs
            ]
        )

    @property
    def kept(self) -> np.ndarray:
        """Which judged classes are told apart as well without inhibition."""
        above_chance = self.balanced_accuracy - 0.5
        return above_chance[-1] >= KEPT * above_chance[0]

    @property
    def problems(self) -> list[str]:
        """Contradictions of the theory, and checks that failed."""
        found = []
        largest = max(1.0, float(np.abs(self.wanted).max()))
        if self.kind == "rate" and self.equivalence_error > EQUAL * largest:
            found.append(f"{self.name}: the circuit differs from the network by {self.equivalence_error:.3g}")
        floors = self.on_off_floors if self.signed_inputs else self.floors
        for value, error, floor in zip(self.judged, self.threshold_errors[-1], floors, strict=True):
            if error < floor - 1e-12:
                found.append(
                    f"{self.name}: CONTRADICTION: without inhibition class {value:g} has an error of {error:.4f}, "
                    f"below the floor {floor:.4f}; {ASSUMPTIONS[self.kind]}"
                )
        return found


def _with_last(dnn, last, new):
    return replace(dnn, layers=tuple(new if layer is last else layer for layer in dnn.layers))


def best_threshold(rates, is_class, weights) -> tuple[float, float]:
    """The least weighted share that "above a threshold" gets wrong about a class, and such a threshold."""
    values, at = np.unique(rates, return_inverse=True)
    gain = np.bincount(at, np.where(is_class, weights, -weights))  # of saying yes
    gains = np.append(np.cumsum(gain[::-1])[::-1], 0.0)  # of the threshold just below each value, and above all
    best = int(gains.argmax())
    threshold = -np.inf if best == 0 else values[best - 1]
    return float((weights[is_class].sum() - gains[best]) / weights.sum()), threshold


def ablate_network(
    dnn: DNN,
    data: LabelledData,
    fractions: Sequence[float],
    kind: str = "rate",
    backend: str = "cpp",
    report: Callable[..., None] = silent,
) -> NetworkAblation:
    """Ablate the inhibition of a network that classifies labelled data.

    Parameters
    ----------
    dnn : DNN
        One output for each class, or one for two classes.
    data : LabelledData
        Inputs in the order of the network's.
    fractions : sequence of float
        Of inhibition removed, from 0 to 1.
    kind : {"rate", "spiking"}
        Spiking circuits are normalised by the data; see `to_spiking` for which networks they can be.
    backend : {"cpp", "numpy"}
    report : callable
        Called with the stage and the fraction done.

    Returns
    -------
    NetworkAblation

    Raises
    ------
    InputError
        If the data do not fit the network.
    """
    n_inputs = sum(size for _, size, _ in dnn.inputs)
    if data.n_inputs != n_inputs:
        raise InputError(f"{data.name}: expected {n_inputs} inputs, as {dnn.name!r} has, found {data.n_inputs}")
    if len(dnn.outputs) != 1:
        raise InputError(f"{dnn.name}: expected one output layer, found {len(dnn.outputs)}")
    last = next(layer for layer in dnn.layers if layer.name == dnn.outputs[0][0])
    n_outputs = last.size
    classes = np.unique(data.targets)
    if len(classes) != max(2, n_outputs):
        raise InputError(
            f"{data.name}: target {data.target!r}: expected {max(2, n_outputs)} classes, for the outputs of "
            f"{dnn.name!r}, found {len(classes)} values"
        )
    signed = bool((data.points < 0).any())
    report("building the circuit")
    linear = isinstance(last.neuron, Identity) or (kind == "spiking" and isinstance(last.neuron, Logistic))
    if linear:  # of a logistic output the drive, which is in the same order
        drive = _with_last(dnn, last, replace(last, neuron=Identity()))(data.points)
        shift = max(0.0, -float(drive.min()))
        dnn = _with_last(dnn, last, replace(last, bias=last.bias + shift, neuron=ThresholdLinear()))
    circuit = from_dnn(dnn, signed_inputs=signed)
    stimuli = on_off(data.points) if signed else data.points
    scale = 1.0
    if kind == "spiking":
        scale = spiking_scales(circuit, stimuli)[last.name]
        circuit = to_spiking(circuit, stimuli)
    responses = simulate(
        [ablate(circuit, fraction) for fraction in fractions],
        stimuli,
        **TIMES[kind],
        backend=backend,
        report=report,
    )
    # The readouts of a signed output are its ON and OFF channels; its own threshold is that of ON.
    outputs = np.stack([response.readouts[:, :n_outputs] / scale for response in responses])
    wanted = np.maximum(dnn(data.points), 0) if len(circuit.readouts) > 1 else dnn(data.points)
    if isinstance(last.neuron, Tanh):
        wanted = dnn(data.points) + 1
    report("working out floors")
    floors, on_off_floors = [], []
    for value in classes[-n_outputs:]:
        sample = Sample(data.points, (data.targets == value).astype(float), data.weights)
        both = Sample(np.hstack([data.points, -data.points]), sample.targets, data.weights)
        floors.append(zero_one(violations(sample, report), report)[0])
        on_off_floors.append(zero_one(violations(both, report), report)[0])
    return NetworkAblation(
        name=dnn.name,
        kind=kind,
        data=data,
        classes=classes,
        fractions=np.asarray(fractions),
        outputs=outputs,
        wanted=wanted,
        neurons={sign: sum(p.size for p in circuit.populations if p.sign == sign) for sign in "EI"},
        signed_inputs=signed,
        floors=np.array(floors),
        on_off_floors=np.array(on_off_floors),
    )
