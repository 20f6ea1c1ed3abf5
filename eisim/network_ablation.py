"""A stranger's network: as a circuit, without its inhibition, and what its data would have allowed.

The network becomes a rate circuit under Dale's law; intact and at every level of ablation it is simulated on all rows
of the data; beside each class stands the floor of the data: the least error of any excitatory-only network on them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from eisim.ablation import ablate
from eisim.adapter import DNN, decode, from_dnn, on_off
from eisim.adapter.activations import Identity
from eisim.errors import InputError
from eisim.functions import LabelledData
from eisim.neurons import ThresholdLinear
from eisim.simulation import simulate
from eisim.theory.floor import zero_one
from eisim.theory.order import silent, violations
from eisim.theory.sample import Sample

#: A class counts as kept if this share of its intact balanced accuracy above chance is left.
KEPT = 0.99
#: The rate circuit equals the DNN to this, relative to the largest output.
EQUAL = 1e-6


@dataclass(frozen=True, eq=False)
class NetworkAblation:
    """What ablation does to a network that classifies.

    Attributes
    ----------
    name : str
    data : LabelledData
    classes : ndarray
        Values of the target, in the order of the outputs.
    fractions : ndarray of shape (n_levels,)
        Of inhibition removed.
    outputs : ndarray of shape (n_levels, n_points, n_outputs)
        Readout rates of the simulated circuit, in Hz. Linear outputs are shifted by the same tonic drive, so that none
        is below 0 on the data: their order does not change.
    equivalence_error : float
        Largest difference of the intact circuit from the network on the data.
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
    data: LabelledData
    classes: np.ndarray
    fractions: np.ndarray
    outputs: np.ndarray
    equivalence_error: float
    neurons: dict[str, int]
    signed_inputs: bool
    floors: np.ndarray
    on_off_floors: np.ndarray

    @property
    def judged(self) -> np.ndarray:
        """The classes that have an output: all, or the second of two."""
        return self.classes[-self.outputs.shape[2] :]

    @property
    def chooses(self) -> np.ndarray:
        """The class with the largest output, or by the best threshold of the intact circuit if there is one output."""
        if self.outputs.shape[2] > 1:
            return self.classes[self.outputs.argmax(axis=2)]
        is_class = self.data.targets == self.judged[0]
        _, threshold = best_threshold(self.outputs[0, :, 0], is_class, self.data.weights)
        return self.classes[(self.outputs[..., 0] > threshold).astype(int)]

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
        largest = max(1.0, float(np.abs(self.outputs[0]).max()))
        if self.equivalence_error > EQUAL * largest:
            found.append(f"{self.name}: the circuit differs from the network by {self.equivalence_error:.3g}")
        floors = self.on_off_floors if self.signed_inputs else self.floors
        for value, error, floor in zip(self.judged, self.threshold_errors[-1], floors, strict=True):
            if error < floor - 1e-12:
                found.append(
                    f"{self.name}: CONTRADICTION: without inhibition class {value:g} has an error of {error:.4f}, "
                    f"below the floor {floor:.4f}; no assumption of the theorem is known to fail"
                )
        return found


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
    *,
    duration: float = 400e-3,
    window: float = 20e-3,
    dt: float = 1e-3,
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
    duration, window, dt : quantity
        Of the simulation, in s.
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
    wanted = dnn(data.points)
    shift = 0.0
    if isinstance(last.neuron, Identity):
        shift = max(0.0, -float(wanted.min()))
        shifted = replace(last, bias=last.bias + shift, neuron=ThresholdLinear())
        dnn = replace(dnn, layers=tuple(shifted if layer is last else layer for layer in dnn.layers))
    circuit = from_dnn(dnn, signed_inputs=signed)
    stimuli = on_off(data.points) if signed else data.points
    responses = simulate(
        [ablate(circuit, fraction) for fraction in fractions],
        stimuli,
        duration=duration,
        window=window,
        dt=dt,
        backend=backend,
        report=report,
    )
    outputs = np.stack([response.readouts[:, :n_outputs] for response in responses])
    intact = decode(dnn, responses[0].readouts) - shift
    report("working out floors")
    floors, on_off_floors = [], []
    for value in classes[-n_outputs:]:
        sample = Sample(data.points, (data.targets == value).astype(float), data.weights)
        both = Sample(np.hstack([data.points, -data.points]), sample.targets, data.weights)
        floors.append(zero_one(violations(sample, report), report)[0])
        on_off_floors.append(zero_one(violations(both, report), report)[0])
    return NetworkAblation(
        name=dnn.name,
        data=data,
        classes=classes,
        fractions=np.asarray(fractions),
        outputs=outputs,
        equivalence_error=float(np.abs(intact - wanted).max()),
        neurons={sign: sum(p.size for p in circuit.populations if p.sign == sign) for sign in "EI"},
        signed_inputs=signed,
        floors=np.array(floors),
        on_off_floors=np.array(on_off_floors),
    )
