"""A circuit of the user's own on labelled points: how many it answers correctly, at every level of ablation."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from eisim.ablation import ablate
from eisim.base.progress import headed
from eisim.circuit import Circuit
from eisim.functions import LabelledData
from eisim.simulation import Response, simulate
from eisim.studies.boolean import AblationResult, Case, Protocol, criterion, run_ablation
from eisim.studies.circuit import OwnCircuit
from eisim.studies.controls import Answers, mean_rate, of_controls, partial_shams, variants
from eisim.studies.curves import AblationCurve, judge
from eisim.studies.held_out import HeldOut, is_known_everywhere, trained_evidence
from eisim.studies.judgement import ANY, ROUNDING, Controls, Criterion, shared
from eisim.studies.result import OfParts, Result
from eisim.theory.certificate import Certificate, as_labelled_data, certify
from eisim.theory.reference_errors import of_any_function

#: Number of seeds of a circuit in which something is random.
SEEDS = 10


@dataclass(frozen=True, eq=False)
class OnPoints:
    """Answers of one output of a circuit at the points of a function."""

    name: str
    data: LabelledData  # targets of 0 and 1
    fractions: np.ndarray  # (n_levels,): of inhibition removed
    circuits: dict[str, Circuit]  # by kind
    rates: dict[str, np.ndarray]  # (n_levels, n_points): of the output, in Hz, mean over seeds, by kind
    thresholds: dict[str, float]  # decision threshold in Hz, by kind
    certificate: Certificate
    scores: dict[str, np.ndarray] = field(default_factory=dict)  # (n_levels, seeds): shares answered correctly, by kind
    controls: dict[str, Controls] = field(default_factory=dict)  # of the full ablation, by kind; none: they were off
    held_out: HeldOut | None = None  # what networks score on points that they were not trained on; None: not examined
    output: int = 0  # which of the circuits' outputs it is

    @property
    def floor(self) -> float:
        """Least share of points that any excitatory-only circuit answers wrongly."""
        return self.certificate.floor["zero_one"]

    @property
    def correct(self) -> dict[str, np.ndarray]:
        """Whether each point is answered correctly, by kind, levels × points."""
        wanted = self.data.targets == 1
        return {kind: (rates > self.thresholds[kind]) == wanted for kind, rates in self.rates.items()}

    @property
    def accuracy(self) -> dict[str, np.ndarray]:
        """Weighted share of points answered correctly, by kind and level."""
        return {kind: scores.mean(axis=1) for kind, scores in self._scores.items()}

    @property
    def _scores(self):
        weights = self.data.weights
        of_means = {kind: np.average(of, axis=1, weights=weights)[:, None] for kind, of in self.correct.items()}
        return of_means | self.scores

    @property
    def constant(self) -> float:
        """Weighted share of points that the best constant answer gets right."""
        share = float(np.average(self.data.targets == 1, weights=self.data.weights))
        return max(share, 1 - share)

    @property
    def criterion(self) -> Criterion:
        """Of a truth table that of all truth tables; of other points a share of the intact lead over a constant answer.

        Where a constant answer is right everywhere, nothing less will do.
        """
        is_table = is_known_everywhere(self.data) or self.constant == 1
        return criterion(self.constant) if is_table else Criterion.lead_over(self.constant)

    @property
    def is_in_doubt(self) -> bool:
        """Whether noisy labels may be all that the floor shows: labelled data are a sample, and some may be wrong."""
        is_sample = isinstance(self.certificate.function, LabelledData) and not is_known_everywhere(self.data)
        return is_sample and (self.held_out is None or not self.held_out.is_shown)

    @property
    def curves(self) -> tuple[AblationCurve, ...]:
        """An ablation curve for each kind, whose scores are shares of points answered correctly."""
        return tuple(replace(curve, floor=None) if self.is_in_doubt else curve for curve in self._curves)

    @property
    def _curves(self):
        """With the floor, which holds for these labels, noise or not."""
        return [
            AblationCurve.of(
                self.circuits[kind],
                kind,
                self.fractions,
                scores,
                self.criterion,
                self.floor,
                output=self.output,
                tolerance=ANY if self.circuits[kind].is_random else ROUNDING,
                function=self.name,
                constant=self.constant,
                controls=self.controls.get(kind),
                is_exact=not self.circuits[kind].is_random,
            )
            for kind, scores in self._scores.items()
        ]

    @property
    def missed(self) -> dict[str, np.ndarray]:
        """Places of points that an intact circuit answers wrongly, of each kind that does not compute the function."""
        missing = [curve.system for curve in self.curves if not curve.is_computed]
        return {kind: np.flatnonzero(~self.correct[kind][0]) for kind in missing}

    @property
    def verdict(self) -> str:
        """The verdict that all kinds share, or ``"differs"``."""
        return judge(self.curves)

    @property
    def reason(self) -> str | None:
        """The reason of a loss that all kinds share, or ``"differs"``."""
        return shared(curve.judgement for curve in self.curves)[1]

    @property
    def problems(self) -> list[str]:
        """Contradictions of the theory."""
        return [problem for curve in self._curves for problem in curve.violations()]


@dataclass(frozen=True, eq=False)
class OwnResult(OfParts):
    """Measurements of a user's own circuit."""

    own: OwnCircuit
    ablation: AblationResult | None  # if its functions are truth tables, and it has DNNs
    on_points: tuple[OnPoints, ...] = ()  # else, for each output
    recorded: dict[str, Response] = field(default_factory=dict)  # by kind and condition, where that was asked for
    not_recorded: tuple[str, ...] = ()  # what was not, and why

    @property
    def notes(self) -> tuple[str, ...]:
        """What was inferred or left out, as text."""
        why = self.own.without_dnn
        return (
            self.own.notes
            + self.not_recorded
            + ((f"Without DNN and best excitatory-only circuit: {why}.",) if why else ())
        )

    @property
    def parts(self) -> Sequence[Result]:
        return self.on_points if self.ablation is None else self.ablation.cases


def measure(own: OwnCircuit, protocol: Protocol, seed: int, report: Callable[..., None]) -> OwnResult:
    """Ablate a circuit: as others of truth tables if its functions are such and it has a DNN, else on its points."""
    if own.without_dnn or not own.are_truth_tables:
        return OwnResult(own, None, _on_points(own, protocol, seed, report))
    named = enumerate(zip(own.outputs, own.functions, strict=True))
    cases = [Case(name, function, own.circuit, k) for k, (name, function) in named]
    return OwnResult(own, run_ablation(cases, replace(protocol, kinds=tuple(own.circuits)), report))


def _on_points(own, protocol, seed, report) -> tuple[OnPoints, ...]:
    """Simulate a circuit, of each kind, with its own noise, on the points of the function of each output.

    Targets are 0 and 1, and no point is below 0.
    """
    data = [as_labelled_data(function) for function in own.functions]
    keys = [(each.points.shape, each.points.tobytes()) for each in data]
    distinct = dict(zip(keys, (each.points for each in data), strict=True))
    fractions, levels = protocol.fractions, len(protocol.fractions)
    rates, tried = {}, {}
    for kind, circuit in own.circuits.items():
        seeds = np.random.SeedSequence(seed).generate_state(SEEDS) if circuit.is_random else [seed]
        weakened = [ablate(circuit, float(f)) for f in fractions]
        tried[kind] = []
        if protocol.controls:
            tried[kind] = variants(circuit, weakened[-1]) + partial_shams(circuit, weakened, fractions)
        circuits = [*weakened, *(variant.circuit for variant in tried[kind])]
        stimuli = [points for points in distinct.values() for _ in circuits]
        how = {"backend": protocol.backend, "report": headed(report, f"{kind} circuit"), **protocol.times}
        found = simulate(circuits * len(distinct), stimuli, seed=[list(seeds)] * len(stimuli), **how)
        rates[kind] = {key: found[k * len(circuits) :][: len(circuits)] for k, key in enumerate(distinct)}
    report("working out floors")
    results = []
    for k, (name, function) in enumerate(zip(own.outputs, own.functions, strict=True)):
        thresholds = {kind: float(circuit.readout_thresholds[k]) for kind, circuit in own.circuits.items()}
        wanted, weights, mine, scores, controls = data[k].targets == 1, data[k].weights, {}, {}, {}
        for kind, circuit in own.circuits.items():
            of = [
                Answers(((o > thresholds[kind]) == wanted) @ weights / weights.sum(), o, mean_rate(response))
                for response in rates[kind][keys[k]]
                for o in [response.readouts[..., k]]
            ]
            mine[kind] = np.stack([answers.rates.mean(axis=0) for answers in of[:levels]])
            scores[kind] = np.stack([answers.scores for answers in of[:levels]])
            if protocol.controls:
                pairs = list(zip(tried[kind], of[levels:], strict=True))
                controls[kind] = of_controls(of[0], of[levels - 1], pairs, not circuit.is_random, wanted, weights)
        certificate = certify(function, ("zero_one",), orient=False)
        results.append(
            OnPoints(
                name,
                data[k],
                fractions,
                own.circuits,
                mine,
                thresholds,
                certificate,
                scores,
                controls,
                _held_out(function, data[k], certificate, report),
                k,
            )
        )
    return tuple(results)


def _held_out(function, data, certificate, report) -> HeldOut | None:
    """What networks of other points show, if the points are labelled data with a floor that they could be below."""
    has_floor = certificate.floor["zero_one"] > of_any_function(data) + ROUNDING
    if not isinstance(function, LabelledData) or not has_floor or is_known_everywhere(data):
        return None
    (found,) = trained_evidence(data, [1.0], report)
    return found
