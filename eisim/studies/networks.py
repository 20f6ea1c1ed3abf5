"""Ablating a trained network: as a circuit, without its inhibition, and what its data would have allowed.

The network becomes a circuit under Dale's law, rate or spiking; intact and at every level of ablation it is simulated
on all rows of the data; each class is reported with the floor: the least error of any excitatory-only network.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from eisim.ablation import ablate
from eisim.adapter import DNN, from_dnn, on_off, rate_outputs, to_spiking
from eisim.adapter.activations import Identity
from eisim.adapter.dale import TAU
from eisim.adapter.spiking import spiking_scales
from eisim.analysis.readout import best_threshold, middle_threshold
from eisim.base.display import plotted, tabulated
from eisim.base.errors import InputError
from eisim.base.progress import shows_progress
from eisim.base.values import Brief, Shown
from eisim.circuit import Circuit
from eisim.functions import LabelledData
from eisim.simulation import Response, simulate
from eisim.studies.controls import FEW_DRAWS, FEW_FACTORS, Answers, mean_rate, of_controls, partial_shams, variants
from eisim.studies.curves import AblationCurve
from eisim.studies.held_out import HeldOut, is_known_everywhere, trained_evidence
from eisim.studies.judgement import LOST, ROUNDING, Controls, Criterion
from eisim.studies.result import OfParts
from eisim.theory.floor import zero_one
from eisim.theory.sample import Sample
from eisim.theory.swept import find_violations

#: A class counts as kept if this share of its intact balanced accuracy above chance is left.
KEPT = 0.99
#: The rate circuit equals the DNN to this, relative to the largest output.
EQUAL = 1e-6
#: Outputs this near to the threshold, relative to the largest, do not exceed it; this near to each other they are tied.
MARGIN = 1e-9
#: Inputs are listed in an error up to this number.
MOST_NAMED = 20
#: Length of a trial of a spiking circuit, of the window at its end, and of a time step, in s.
SPIKING = {"duration": 500e-3, "window": 400e-3, "dt": 0.5e-3}
#: Read-outs of shorter trials, each over the same share of it: how many, equally spaced up to the full length.
READ_OUTS = 25


@dataclass(frozen=True)
class Outline:
    """What data must fit of a network that classifies."""

    name: str
    n_inputs: int
    n_outputs: int
    classes: tuple[str, ...] = ()  # as its file names them, in the order of the outputs


@dataclass(frozen=True, eq=False, repr=False)
class Floors(Brief):
    """The least error that an excitatory-only network can have on each judged class."""

    one_polarity: np.ndarray  # least share of rows at which an excitatory-only network with one threshold is wrong
    on_off: np.ndarray  # the same if inputs come as ON and OFF pairs, so that only equal inputs are ordered


@dataclass(frozen=True, eq=False, repr=False)
class NetworkAblation(Shown):
    """Effect of ablation on a classifier network."""

    name: str
    kind: str  # "rate" or "spiking"
    data: LabelledData
    classes: np.ndarray  # values of the target, in the order of the outputs
    fractions: np.ndarray  # (n_levels,): of inhibition removed
    outputs: np.ndarray  # (n_levels, n_points, n_outputs): readout rates, in units of the network's (`rate_outputs`)
    wanted: np.ndarray  # (n_points, n_outputs): the network's own outputs
    neurons: dict[str, int]  # excitatory and inhibitory ones of the circuit
    signed_inputs: bool  # whether inputs came as ON and OFF channels
    floors: Floors
    duration: float  # simulated time of a trial, in s
    # Of a spiking circuit: (n_times,) lengths of shorter trials, in s, the last the full one, ...
    times: np.ndarray = field(default_factory=lambda: np.empty(0))
    # ... and (n_times, n_points, n_outputs) outputs of the intact circuit in these.
    outputs_in_time: np.ndarray | None = None
    circuit: Circuit | None = None  # the intact one
    # Outputs of the network itself with its negative weights times 1 less each fraction; biases stay (see `zeroed`).
    outputs_zeroed: np.ndarray | None = None
    controls: tuple[Controls, ...] = ()  # of the full ablation, for each judged class; none: they were off
    # Errors of a network without negative weights, by judged class, if there is one.
    excitatory_errors: np.ndarray | None = None
    # For each judged class what networks score on rows that they were not trained on; None: not examined.
    held_out: tuple[HeldOut | None, ...] | None = None
    readout: str = ""  # what counts of each output, such as "final potential"; by default its rate or spikes

    def __repr__(self):
        accuracy, kept = self.accuracy, sum(curve.is_computed and curve.is_reached for curve in self.output_curves)
        return (
            f"<NetworkAblation of {self.name!r} as {self.kind} circuit on {self.data.name!r}: accuracy "
            f"{accuracy[0]:.3f} -> {accuracy[-1]:.3f}, {kept} of {len(self.judged)} classes kept>"
        )

    @property
    def zeroed(self) -> "NetworkAblation | None":
        """The same measures of the network itself, its negative weights reduced instead of a circuit's inhibition.

        Its `outputs` are those; ``None`` if they were not computed.
        """
        if self.outputs_zeroed is None:
            return None
        return replace(self, outputs=self.outputs_zeroed, outputs_zeroed=None, controls=())

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
        return float(self._agreement(self.chooses[0]))

    @property
    def network_accuracy(self) -> float:
        """Weighted share of rows that the network itself gets right."""
        return float(self._accuracy(self._choice(self.wanted)))

    @property
    def accuracy_in_time(self) -> np.ndarray:
        """Accuracy of the intact circuit by length of the trial; empty for a rate circuit."""
        return self._accuracy(self._choice(self.outputs_in_time)) if len(self.times) else self.times

    @property
    def agreement_in_time(self) -> np.ndarray:
        """Agreement by length of the trial; empty for a rate circuit."""
        return self._agreement(self._choice(self.outputs_in_time)) if len(self.times) else self.times

    def _agreement(self, chosen):
        return (chosen == self._choice(self.wanted)).mean(axis=-1)

    def _accuracy(self, chosen):
        return np.average(chosen == self.data.targets, axis=-1, weights=self.data.weights)

    @property
    def chooses(self) -> np.ndarray:
        """The class with the largest output (of tied ones the first), or by the best threshold of a single output."""
        return self._choice(self.outputs)

    def _choice(self, outputs):
        if outputs.shape[-1] > 1:
            near = outputs.max(axis=-1, keepdims=True) - MARGIN * np.abs(self.wanted).max()
            return self.classes[(outputs >= near).argmax(axis=-1)]
        _, threshold = best_threshold(self.wanted[:, 0], self.data.targets == self.judged[0], self.data.weights)
        return self.classes[(outputs[..., 0] > threshold + MARGIN * np.abs(self.wanted).max()).astype(int)]

    @property
    def accuracy(self) -> np.ndarray:
        """Weighted share of rows whose chosen class is right, by level."""
        return self._accuracy(self.chooses)

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
        return np.array([threshold_errors(o, self.data.targets, self.judged, self.data.weights) for o in self.outputs])

    @property
    def output_curves(self) -> tuple[AblationCurve, ...]:
        """For each judged class the balanced accuracy of the largest output, which no floor binds."""
        chance = np.full(len(self.judged), 0.5)
        return self._curves("by the largest output", self.balanced_accuracy, chance, [None] * len(self.judged))

    @property
    def fixed_threshold_errors(self) -> np.ndarray:
        """Share of rows wrong about each judged class by the threshold that is best intact, levels × classes."""
        is_class, w = self.data.targets[:, None] == self.judged, self.data.weights
        thresholds = [middle_threshold(o, c, w) for o, c in zip(self.outputs[0].T, is_class.T, strict=True)]
        return np.average((self.outputs > thresholds) != is_class, axis=1, weights=w)

    @property
    def threshold_curves(self) -> tuple[AblationCurve, ...]:
        """For each judged class the accuracy of the threshold on its own output that is best intact.

        With the floor, unless it is in doubt.
        """
        curves = self._threshold_curves(1 - self.fixed_threshold_errors)
        attained = [None] * len(curves) if self.excitatory_errors is None else 1 - self.excitatory_errors
        controls = self.controls or [None] * len(curves)
        return tuple(
            replace(
                curve,
                floor=None if is_in_doubt else curve.floor,
                controls=each,
                attained=None if score is None else float(score),
            )
            for curve, each, score, is_in_doubt in zip(curves, controls, attained, self.in_doubt, strict=True)
        )

    def _threshold_curves(self, scores):
        """With the floor, which holds for these labels, noise or not."""
        return self._curves("by a threshold", scores, 1 - self.constant_errors, self.binding_floors)

    def _curves(self, how, scores, constants, floors):
        is_exact = self.circuit is None or not self.circuit.is_random
        return tuple(
            AblationCurve.of(
                self.circuit,
                self.kind,
                self.fractions,
                scores[:, k, None],
                Criterion.lead_over(constants[k], KEPT),
                floors[k],
                output=k,
                function=f"{self.name}, class {self.data.label(value)} {how}",
                constant=float(constants[k]),
                is_exact=is_exact,
            )
            for k, value in enumerate(self.judged)
        )

    @property
    def curves(self) -> tuple[AblationCurve, ...]:
        """Ablation curves of each judged class: by argmax, then by a threshold of its own."""
        return self.output_curves + self.threshold_curves

    @property
    def verdicts(self) -> list[str]:
        """Verdict on each judged class, by argmax: ``"kept"``, ``"lost"``, or ``"not computed"``, intact at chance.

        Kept if the share `KEPT` of the lead over chance is left.
        """
        return [curve.verdict for curve in self.output_curves]

    @property
    def kept(self) -> np.ndarray:
        """Which judged classes argmax keeps without inhibition, including those that it did not identify intact."""
        return np.array(self.verdicts) != LOST

    @property
    def binding_floors(self) -> np.ndarray:
        """The floors that hold for the circuit: of ON and OFF pairs if its inputs are such."""
        return self.floors.on_off if self.signed_inputs else self.floors.one_polarity

    @property
    def in_doubt(self) -> list[bool]:
        """For each judged class whether noisy labels may be all that its floor shows.

        They are, unless networks show it on rows that they were not trained on, or the rows are a truth table.
        """
        if is_known_everywhere(self.data):
            return [False] * len(self.judged)
        return [each is None or not each.is_shown for each in self.held_out or [None] * len(self.judged)]

    @property
    def constant_errors(self) -> np.ndarray:
        """Least share of rows wrong about each judged class by the same answer everywhere."""
        share = np.average(self.data.targets[:, None] == self.judged, axis=0, weights=self.data.weights)
        return np.minimum(share, 1 - share)

    @property
    def verdicts_by_threshold(self) -> list[str]:
        """The same by a threshold on each class's own output: the lead is that over the same answer everywhere."""
        return [curve.verdict for curve in self.threshold_curves]

    @property
    def kept_by_threshold(self) -> np.ndarray:
        """The same by a threshold on each class's own output."""
        return np.array(self.verdicts_by_threshold) != LOST

    plot = plotted(
        "Draw accuracy by the largest output against the fraction of inhibition removed, and that of each class."
    )

    @property
    def problems(self) -> list[str]:
        """Contradictions of the theory, and checks that failed."""
        found = []
        largest = max(1.0, float(np.abs(self.wanted).max()))
        if self.kind == "rate" and self.equivalence_error > EQUAL * largest:
            found.append(f"{self.name}: the circuit differs from the network by {self.equivalence_error:.3g}")
        for curve in self._threshold_curves(1 - self.threshold_errors):
            found += curve.violations()
        return found

    to_dataframe = tabulated("One row for each class, as a pandas DataFrame: accuracies, errors, floors, verdicts.")


@dataclass(frozen=True, eq=False, repr=False)
class NetworkAblations(OfParts, Shown, of="kinds"):
    """Effect of ablation on a classifier network, for each kind of circuit."""

    kinds: tuple[NetworkAblation, ...]  # one for each kind of circuit, of the same network and data


def threshold_errors(outputs, targets, classes, weights) -> np.ndarray:
    """Least weighted share of rows wrong about each class by a threshold on its own output (rows × classes)."""
    return np.array([best_threshold(o, targets == c, weights)[0] for o, c in zip(outputs.T, classes, strict=True)])


@shows_progress
def class_floors(dnn: DNN | Outline, data: LabelledData, report: Callable[..., None] | None = None) -> Floors:
    """The floors of the classes that a network judges: it has one output for each class, or one for two classes.

    `report` is called with the stage and the fraction done. Data that do not fit the network raise an InputError.
    """
    shape = _outline(dnn)
    judged = classes_of(shape, data)[-shape.n_outputs :]
    report("working out floors")
    floors = []
    for value in judged:
        sample = Sample(data.points, (data.targets == value).astype(float), data.weights, data.order)
        floors.append(zero_one(find_violations(sample, report), report)[0])
    # Of ON and OFF pairs one point is below another only if they are equal: the lighter class is wrong there.
    _, place = np.unique(data.ordered, axis=0, return_inverse=True)
    is_class = data.targets[:, None] == judged
    yes, no = (
        np.stack([np.bincount(place.ravel(), data.weights * chosen) for chosen in answer.T])
        for answer in (is_class, ~is_class)
    )
    return Floors(np.array(floors), np.minimum(yes, no).sum(axis=1) / data.weights.sum())


@shows_progress
def class_evidence(
    dnn: DNN | Outline, data: LabelledData, floors: Floors, report: Callable[..., None] | None = None
) -> tuple[HeldOut | None, ...]:
    """What networks of other rows, trained for it, show of each class that a network judges.

    ``None`` for a class with a floor that binds no circuit, or of a truth table, where nothing has to be shown.
    """
    judged = classes_of(_outline(dnn), data)[-len(floors.on_off) :]
    binds = floors.one_polarity > floors.on_off + ROUNDING
    if (data.points < 0).any() or is_known_everywhere(data) or not binds.any():
        return (None,) * len(judged)
    found = trained_evidence(data, judged, report)
    return tuple(each if binding else None for each, binding in zip(found, binds, strict=True))


def _outline(network: DNN | Outline) -> Outline:
    if isinstance(network, Outline):
        return network
    if len(network.outputs) != 1:
        raise InputError(f"{network.name}: expected one output layer, found {len(network.outputs)}")
    n_inputs, n_outputs = sum(size for _, size, _ in network.inputs), network.layer(network.outputs[0][0]).size
    return Outline(network.name, n_inputs, n_outputs, tuple(network.classes))


def classes_of(network: Outline, data: LabelledData) -> np.ndarray:
    """Values of the target in the order of the outputs, if the data fit the network."""
    if data.n_inputs != network.n_inputs:
        found = f"{data.n_inputs}{_named(data)}"
        raise InputError(f"{data.name}: expected {network.n_inputs} inputs, as {network.name!r} has, found {found}")
    n_classes = max(2, network.n_outputs)
    classes = np.unique(data.targets)
    if len(classes) != n_classes:
        expected = f"{n_classes} classes, for the outputs of {network.name!r}"
        raise InputError(f"{data.name}: target {data.target!r}: expected {expected}, found {len(classes)} values")
    return _in_order(network, data, classes)


def _in_order(dnn, data, classes):
    """The classes as the network's file orders them, which need not be that of their values: "10" comes before "9".

    Where the file just counts from 0, output k is the k-th class; where the data do, the k-th of the file's labels in
    order.
    """
    if not dnn.classes:
        return classes
    words = dict(enumerate(data.classes))
    found = {_spelled(words.get(value, value)): value for value in classes}
    named = [_spelled(label) for label in dnn.classes]
    if sorted(named) == sorted(found):
        return np.array([found[label] for label in named])
    counted = [_spelled(k) for k in range(len(classes))]
    in_order = [*found] == counted and [*dnn.classes] == sorted(dnn.classes) and len(set(named)) == len(classes)
    if named == counted or in_order:
        return classes
    expected = f"the classes that {dnn.name!r} names ({_briefly(named)})"
    raise InputError(f"{data.name}: target {data.target!r}: expected {expected}, found {_briefly(found)}")


def _briefly(labels) -> str:
    """The first labels, each in short, for an error in one line."""
    return ", ".join("".join(c if c.isprintable() else "?" for c in label[:40]) for label in [*labels][:MOST_NAMED])


def _spelled(label) -> str:
    """A label as text, equal for equal numbers."""
    try:
        return f"{float(label):.17g}"
    except ValueError:
        return str(label).strip()


def _named(data):
    """The inputs by name: columns of words may have become several."""
    more = ", ..." if data.n_inputs > MOST_NAMED else ""
    return f" ({', '.join(data.names[:MOST_NAMED])}{more})"


@shows_progress
def ablate_network(
    dnn: DNN,
    data: LabelledData,
    fractions: Sequence[float],
    kind: str = "rate",
    backend: str = "cpp",
    report: Callable[..., None] | None = None,
    floors: Floors | None = None,
    controls: bool = True,
    held_out: tuple[HeldOut | None, ...] | None = None,
) -> NetworkAblation:
    """Ablate the inhibition of a network that classifies labelled data, by fractions from 0 to 1.

    The network has one output for each class, or one for two classes, and the data's inputs in its order. Spiking
    circuits are normalised by the data; see `to_spiking` for which networks they can be. `floors` are those of
    `class_floors`, and `held_out` what `class_evidence` finds, if known; with `controls` those of the full ablation are
    measured; `report` is called with the stage and the fraction done. Data that do not fit raise an InputError.
    """
    classes = classes_of(_outline(dnn), data)
    signed = bool((data.points < 0).any())
    report("building the circuit")
    given, dnn = dnn, rate_outputs(dnn, data.points)
    wanted = dnn(data.points)
    if not np.isfinite(wanted).all():
        found = wanted[~np.isfinite(wanted)][0]
        raise InputError(f"{dnn.name}: expected finite outputs for {data.name}, found {found}")
    circuit = from_dnn(dnn, signed_inputs=signed)
    stimuli = on_off(data.points) if signed else data.points
    times, scale = _settling(circuit), 1.0
    if kind == "spiking":
        times, scale = SPIKING, spiking_scales(circuit, stimuli)[dnn.outputs[0][0]]
        circuit = to_spiking(circuit, stimuli)
    weakened, n = [ablate(circuit, fraction) for fraction in fractions], len(fractions)
    tried = []
    if controls:
        tried = variants(circuit, weakened[-1], range(FEW_DRAWS), FEW_FACTORS)
        tried += partial_shams(circuit, weakened, fractions)
    circuits = [*weakened, *(variant.circuit for variant in tried)]
    recorded = [kind == "spiking" and k == 0 for k in range(len(circuits))]
    responses = simulate(circuits, stimuli, **times, record=recorded, backend=backend, report=report)
    graded = dnn if dnn is given else _with_linear_outputs(dnn)
    zeroed = [graded.with_negative_weights_scaled(1 - fraction)(data.points) for fraction in fractions]
    read_outs = {}
    if kind == "spiking":
        lengths, rates = rates_in_time(responses[0])
        read_outs = {"times": lengths, "outputs_in_time": rates / scale}
    floors = floors or class_floors(dnn, data, report)
    held_out = class_evidence(dnn, data, floors, report) if held_out is None else held_out
    outputs = np.stack([response.readouts / scale for response in responses])
    judged = classes[-outputs.shape[2] :]
    rates = [mean_rate(response) for response in responses]
    return NetworkAblation(
        name=dnn.name,
        kind=kind,
        data=data,
        classes=classes,
        fractions=np.asarray(fractions),
        outputs=outputs[:n],
        wanted=wanted,
        neurons={sign: sum(p.size for p in circuit.populations if p.sign == sign) for sign in "EI"},
        signed_inputs=signed,
        floors=floors,
        duration=times["duration"],
        circuit=circuit,
        outputs_zeroed=np.stack(zeroed),
        controls=tuple(controls_of(tried, outputs[..., k], rates, data, value, n) for k, value in enumerate(judged))
        if controls
        else (),
        held_out=held_out,
        **read_outs,
    )


def controls_of(tried, outputs, rates, data, value, n) -> Controls:
    """Controls of one class: outputs are circuits × rows, the first n at levels of ablation."""
    is_class, weights = data.targets == value, data.weights
    threshold = middle_threshold(outputs[0], is_class, weights)
    right = np.average((outputs > threshold) == is_class, axis=1, weights=weights)
    of = [Answers(*each) for each in zip(right[:, None], outputs[:, None], rates, strict=True)]
    pairs = list(zip(tried, of[n:], strict=True))
    return of_controls(of[0], of[n - 1], pairs, True, is_class, weights)


def _with_linear_outputs(dnn: DNN) -> DNN:
    """The DNN with its outputs before their threshold at 0, below which some may fall as weights change."""
    last = dnn.outputs[0][0]
    layers = (replace(each, neuron=Identity()) if each.name == last else each for each in dnn.layers)
    return replace(dnn, layers=tuple(layers))


def _settling(circuit: Circuit) -> dict[str, float]:
    """Times in which a feed-forward rate circuit reaches its fixed point.

    All units have the same time constant, and a step of that length takes each all the way to its activation: after as
    many steps as the circuit is deep, every rate is where it stays.
    """
    depth = dict.fromkeys((i.name for i in circuit.inputs), 0)
    sources = defaultdict(list)
    for q in circuit.projections:
        sources[q.target].append(q.source)
    for p in circuit.populations:  # sources first
        depth[p.name] = 1 + max((depth[source] for source in sources[p.name]), default=0)
    return {"duration": (max(depth.values()) + 1) * TAU, "window": TAU, "dt": TAU}


def rates_in_time(response: Response) -> tuple[np.ndarray, np.ndarray]:
    """Rates of the readouts of a recorded spiking circuit, had the trial been shorter.

    Lengths of the trial in s up to the full one, and for each the rates in Hz (times × trials × readouts) over the
    window at the end of that trial: the same share of it as of the full one.
    """
    (population,) = {r.population for r in response.circuit.readouts}
    spikes, shape = response.spikes[population], response.rates[population].shape
    steps, share = round(response.duration / response.dt), response.window / response.duration
    ends = np.unique(np.linspace(0, steps, READ_OUTS + 1).round().astype(int)[1:])
    begins = (ends * (1 - share)).round().astype(int)
    neuron = spikes.copy * shape[-1] + spikes.neuron
    rates = [
        np.bincount(neuron[(spikes.step >= begin) & (spikes.step < end)], minlength=np.prod(shape)).reshape(shape)
        / ((end - begin) * response.dt)
        for begin, end in zip(begins, ends, strict=True)
    ]
    return ends * response.dt, np.stack(rates)
