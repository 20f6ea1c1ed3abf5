"""The ablation experiment: functions -> circuits -> intact, ablated and best excitatory-only -> verdicts.

Every circuit is simulated as spiking and rate network and evaluated as DNN, on all input patterns, at every level of
ablation, in one batch per kind; the theory is reported with the measurements.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np

from eisim.ablation import ablate
from eisim.adapter import static_outputs, to_dnn
from eisim.base.display import labelled, plotted, tabulated
from eisim.base.memory import check
from eisim.base.progress import headed, shows_progress
from eisim.base.values import Brief, ByName, Shown, revised
from eisim.circuit import Circuit, union
from eisim.functions import TruthTable
from eisim.simulation import Response, begin
from eisim.studies.controls import Answers, Variant, mean_rate, of_controls, partial_shams, variants
from eisim.studies.curves import AblationCurve, below_floor
from eisim.studies.judgement import ROUNDING, VERDICTS, Controls, Criterion, shared
from eisim.studies.result import OfParts
from eisim.studies.slow_synapses import with_synapses
from eisim.theory.certificate import Certificate, certify
from eisim.theory.synthesis import synthesize

#: A function counts as computed when at least this share of patterns is answered correctly, or, where a constant
#: answer reaches that, this share of what it leaves as well.
SHARE = 0.99
#: How far noise may carry the mean error of an excitatory-only circuit from the floor.
NOISE_TOLERANCE = 0.01
#: The unrolled DNN of a rate circuit equals Brian2 to this, in Hz.
EQUAL = 1e-9


@dataclass(frozen=True, repr=False)
class Case(Brief):
    """A function and the circuit that should compute it."""

    name: str
    function: TruthTable
    circuit: Callable[..., Circuit]  # called with kind="rate" or "spiking"
    readout: int = 0  # which of the circuit's outputs it is

    @classmethod
    def of(cls, function: TruthTable) -> "Case":
        """A truth table with the circuit that computes it with the least inhibition."""
        return cls(function.name, function, partial(synthesize, function))


def criterion(constant: float) -> Criterion:
    """What a truth table asks for, given the score of its best constant answer."""
    return Criterion.absolute(SHARE if constant < SHARE else constant + SHARE * (1 - constant))


@dataclass(frozen=True, eq=False, repr=False)
class KeptCircuits(Brief):
    """The circuits of a case that was read from a file: those that were measured, intact and without noise."""

    circuits: dict[str, Circuit]  # by kind

    def __call__(self, kind: str) -> Circuit:
        return ByName("kind", self.circuits)[kind]


@dataclass(frozen=True, repr=False)
class Protocol(Brief):
    """Settings of the experiment."""

    kinds: tuple[str, ...]  # "spiking", "rate" or both
    fractions: np.ndarray  # levels of ablation, from 0 (intact) to 1
    seeds: np.ndarray  # of the membrane noise
    noise: float  # standard deviation of the free membrane potential in the noisy runs, in V
    duration: float  # s
    window: float  # s
    dt: float  # s
    backend: str = "cpp"  # "cpp" or "numpy"
    controls: bool = True  # whether the controls of the full ablation are measured
    #: Time constant of all synapses of spiking circuits, in s, or None: their own. With one, f-I curves heed `dt`.
    synapses: float | None = None

    def __post_init__(self):
        # No circuit has fewer than 2 patterns and 2 neurons, of 160 bytes; a simulation knows better.
        levels, seeds = len(self.fractions), len(self.seeds)
        check("levels and seeds", levels * seeds * 640.0, f"{levels:,} levels × {seeds:,} seeds")

    @property
    def times(self) -> dict[str, float]:
        return {"duration": self.duration, "window": self.window, "dt": self.dt}


@dataclass(frozen=True, eq=False, repr=False)
class Measurement(Brief):
    """One system's answers to one case: readout rates in Hz, conditions × (seeds ×) patterns.

    The conditions are the levels of ablation, then the best excitatory-only circuit; each has a decision threshold, Hz.
    """

    rates: np.ndarray
    thresholds: np.ndarray
    values: np.ndarray  # of the function, by pattern
    controls: Controls | None = None  # of the full ablation; None: they were off

    @cached_property
    def scores(self) -> np.ndarray:
        """Share of patterns answered correctly, conditions × seeds."""
        thresholds = self.thresholds.reshape(-1, *[1] * (self.rates.ndim - 1))
        correct = ((self.rates > thresholds) == self.values).mean(axis=-1)
        return correct.reshape(len(correct), -1)

    @cached_property
    def accuracy(self) -> np.ndarray:
        """Share of patterns (and seeds) answered correctly, by condition."""
        return self.scores.mean(axis=1)


#: The systems in which a function is measured, as the result names them.
SYSTEMS = {
    "spiking": "spiking circuit without noise",
    "spiking_noisy": "spiking circuit with membrane noise",
    "spiking_dnn": "f–I approximation of the spiking circuit",
    "rate": "rate circuit",
    "rate_dnn": "f–I approximation of the rate circuit",
}


@dataclass(frozen=True, eq=False, repr=False)
class KindResult(Brief):
    """Measurements of one case as rate or spiking circuit."""

    circuit: Circuit  # intact, without noise
    measurements: dict[str, Measurement]  # by system (see `SYSTEMS`)
    # The unrolled DNN against Brian2, without noise. Rate: largest difference at any unit and step, in Hz; spiking:
    # spikes that it misses or adds, as a share of all.
    unrolled_error: float
    # The f–I approximation's readout against the simulated one, in Hz: intact, ablated and best excitatory-only.
    static_error: float
    # The same over all levels of ablation: near the critical level the f-I curve may be on its other side.
    static_error_sweep: float
    intact: Response  # recorded, to all patterns, without noise
    ablated: Response


@dataclass(frozen=True, eq=False, repr=False)
class CaseResult(Shown):
    """The measurements of one case, and the predictions of the theory."""

    case: Case
    certificate: Certificate
    kinds: dict[str, KindResult]
    fractions: np.ndarray  # levels of ablation, from 0 (intact) to 1

    def __repr__(self):
        floor = self.certificate.floor["zero_one"]
        return f"<CaseResult of {self.case.name!r}: {self.verdict} ({', '.join(self.kinds)}); floor {floor:.4g}>"

    @property
    def measurements(self) -> dict[str, Measurement]:
        """Measurements of both kinds, by system."""
        return {system: m for kind in self.kinds.values() for system, m in kind.measurements.items()}

    @property
    def equivalence_error(self) -> dict[str, float]:
        """Errors of each kind: unrolled as ``"rate"``, then ``"rate_static"`` and ``"rate_static_sweep"``, ..."""
        errors = {}
        for name, kind in self.kinds.items():
            errors[name] = kind.unrolled_error
            errors[f"{name}_static"] = kind.static_error
            errors[f"{name}_static_sweep"] = kind.static_error_sweep
        return errors

    def accuracy(self, condition: str) -> dict[str, float]:
        """Accuracy by system for ``"intact"``, ``"ablated"`` or ``"best_excitatory"``; ``"dnn"`` is the lower DNN's."""
        index = {"intact": 0, "ablated": -2, "best_excitatory": -1}[condition]
        found = {system: float(m.accuracy[index]) for system, m in self.measurements.items()}
        return found | {"dnn": min(a for system, a in found.items() if system.endswith("dnn"))}

    plot = plotted(
        "Draw the accuracy against the fraction of inhibition removed, with what an excitatory-only circuit can reach."
    )

    @cached_property
    def curves(self) -> tuple[AblationCurve, ...]:
        """An ablation curve for each system, whose scores are shares of patterns answered correctly."""
        true = self.case.function.values.mean()
        constant = float(max(true, 1 - true))
        return tuple(
            AblationCurve.of(
                kind.circuit,
                system,
                self.fractions,
                measured.scores[:-1],
                criterion(constant),
                self.certificate.floor["zero_one"],
                output=self.case.readout,
                tolerance=NOISE_TOLERANCE if system == "spiking_noisy" else ROUNDING,
                function=self.case.name,
                constant=constant,
                attained=float(measured.accuracy[-1]),
                controls=measured.controls,
                is_exact=system != "spiking_noisy",
            )
            for kind in self.kinds.values()
            for system, measured in kind.measurements.items()
        )

    @property
    def verdict(self) -> str:
        """The verdict that all systems share, or ``"differs"``."""
        return shared(curve.judgement for curve in self.curves)[0]

    @property
    def reason(self) -> str | None:
        """The reason of a loss that all systems share, or ``"differs"``."""
        return shared(curve.judgement for curve in self.curves)[1]

    @property
    def missed(self) -> dict[str, list[str]]:
        """Patterns, as bits, that an intact circuit without noise answers wrongly, by kind, of kinds that miss any."""
        found = {}
        for curve in self.curves:
            if curve.system in self.kinds and not curve.is_computed:
                measured = self.measurements[curve.system]
                wrong = (measured.rates[0] > measured.thresholds[0]) != measured.values
                found[curve.system] = ["".join(f"{bit:g}" for bit in x) for x in self.case.function.patterns[wrong]]
        return found

    @property
    def problems(self) -> list[str]:
        """Contradictions of the theory, and checks that failed."""
        floor, name, curves = self.certificate.floor["zero_one"], self.case.name, self.curves
        found = []
        quiet = [curve for curve in curves if curve.is_exact]  # noise is no fault
        if len({curve.is_reached for curve in quiet}) > 1:
            ablated = ", ".join(f"{SYSTEMS[curve.system]} {curve.ablated:.1%}" for curve in quiet)
            found.append(f"{name}: the systems disagree about ablation: {ablated}")
        for curve in curves:
            said = f"({SYSTEMS[curve.system]})"
            if not curve.is_computed and curve.is_exact:
                found.append(f"{name}: the intact circuit answers {curve.intact:.1%} correctly {said}")
            found += curve.violations()
            best = self.accuracy("best_excitatory")[curve.system]
            system, misses = f"best excitatory-only circuit, {curve.system}", f"misses the floor {floor:.4f}"
            found += below_floor(name, system, best, floor, curve.assumptions, curve.tolerance)
            if 1 - best > floor + curve.tolerance and curve.is_exact:
                found.append(f"{name}: the best excitatory-only circuit {misses}: error {1 - best:.4f} {said}")
        for kind, limit in (("rate", EQUAL), ("spiking", 0)):
            if (error := self.equivalence_error.get(kind, 0)) > limit:
                found.append(f"{name}: the unrolled {kind} DNN differs from Brian2 by {error:.3g}")
        return found

    to_dataframe = tabulated("One row, as in `AblationResult.to_dataframe`.")


@dataclass(frozen=True, eq=False, repr=False)
class AblationResult(OfParts, Shown, of="cases"):
    """Results of all cases under one protocol."""

    protocol: Protocol
    cases: tuple[CaseResult, ...]

    def __repr__(self):
        verdicts = [case.verdict for case in self.cases]
        said = ", ".join(f"{verdicts.count(each)} {each}" for each in VERDICTS if each in verdicts)
        return f"<AblationResult: {len(self.cases)} functions: {said}>"

    plot = plotted(
        "Draw the accuracy on every function, intact and ablated, with what an excitatory-only circuit can reach."
    )

    to_dataframe = tabulated(
        "One row for each function, as a pandas DataFrame: floor, witness, accuracies, errors, verdict."
    )

    to_xarray = labelled(
        "All measured readout rates, in Hz, as an `xarray.Dataset`: function × condition (× seed) × pattern."
    )


@shows_progress
def run_ablation(
    cases: Sequence[Case], protocol: Protocol, report: Callable[..., None] | None = None
) -> AblationResult:
    """Measure what ablation destroys of each case; `report` is called with each stage and the fraction done."""
    begun = {kind: _begin_kind(kind, cases, protocol, report) for kind in protocol.kinds}
    by_kind = {kind: begun[kind]() for kind in reversed(protocol.kinds)}  # the first begun may take longest
    found = []
    for k, case in enumerate(cases):
        kinds = {kind: by_kind[kind][k] for kind in protocol.kinds}
        found.append(CaseResult(case, certify(case.function), kinds, protocol.fractions))
        _ = found[-1].verdict  # kept with the result, for the process that draws
    return AblationResult(protocol, tuple(found))


@dataclass(frozen=True, eq=False)
class _Plan(Brief):
    """The circuits of one case and kind, without noise."""

    weakened: list[Circuit]  # at all fractions, the first intact
    best: Circuit  # excitatory-only
    variants: list[Variant]  # controls of the full ablation

    @classmethod
    def of(cls, case: Case, kind: str, protocol: Protocol) -> "_Plan":
        circuit = case.circuit(kind=kind).without_noise()
        best = synthesize(case.function, inhibitory=0, kind=kind).without_noise()
        if protocol.synapses:
            circuit, best = with_synapses(circuit, protocol.synapses), with_synapses(best, protocol.synapses)
        weakened = [ablate(circuit, float(fraction)) for fraction in protocol.fractions]
        if not protocol.controls:
            return cls(weakened, best, [])
        return cls(
            weakened, best, variants(circuit, weakened[-1]) + partial_shams(circuit, weakened, protocol.fractions)
        )

    @property
    def circuits(self) -> list[Circuit]:
        return [*self.weakened, self.best, *(variant.circuit for variant in self.variants)]


def _begin_kind(kind, cases, protocol, report) -> Callable[[], list[KindResult]]:
    """Begin to simulate all conditions of all cases as circuits of one kind; what is returned waits, and adds DNNs."""
    say = headed(report, f"{kind} circuits")
    say("building")
    plans = [_Plan.of(case, kind, protocol) for case in cases]
    circuits, patterns, which = [], [], []
    for case, plan in zip(cases, plans, strict=True):
        # Where there is nothing to ablate, all levels are one circuit, which is simulated once.
        distinct, places = _distinct(plan.circuits)
        which.append(np.array(places) + len(circuits))
        circuits += distinct
        patterns += [case.function.patterns] * len(distinct)
    n = len(protocol.fractions) + 1
    compared = [0, n - 2, n - 1]  # the intact, the ablated and the best excitatory-only circuit
    recorded = np.unique([mine[compared] for mine in which])
    records = np.isin(np.arange(len(circuits)), recorded).tolist()
    batch, stimuli, seeds = list(circuits), list(patterns), [[0]] * len(circuits)
    if kind == "spiking":
        batch += _noisy(circuits, protocol.noise)
        stimuli += patterns
        seeds += [protocol.seeds] * len(circuits)
        records += [False] * len(circuits)
    finish = begin(batch, stimuli, seed=seeds, record=records, backend=protocol.backend, report=say, **protocol.times)

    def measure():
        say("evaluating the equivalent DNNs")  # while the circuits are simulated
        dt = protocol.dt if protocol.synapses else None
        static = static_outputs(circuits, patterns, dt)
        compare = _unrolled([circuits[k] for k in recorded], [patterns[k] for k in recorded], protocol)
        say("simulating")
        responses = finish()
        errors = dict(zip(recorded, compare([responses[k] for k in recorded]), strict=True))
        results = []
        for case, plan, mine in zip(cases, plans, which, strict=True):
            outputs = [case.readout] * len(mine)
            outputs[n - 1] = 0  # the best one has its own
            chosen = list(zip(mine, outputs, strict=True))
            rates = {kind: [responses[k].readouts[0, :, o] for k, o in chosen]}
            if kind == "spiking":
                rates["spiking_noisy"] = [responses[len(circuits) + k].readouts[:, :, o] for k, o in chosen]
            rates[f"{kind}_dnn"] = [static[k][:, o] for k, o in chosen]
            thresholds = np.array([circuits[k].readout_thresholds[o] for k, o in chosen])
            activity = [mean_rate(responses[k]) for k in mine]
            measurements = {
                system: _measured(np.stack(each), thresholds, case, plan, system, protocol, activity)
                for system, each in rates.items()
            }
            difference = np.abs(measurements[f"{kind}_dnn"].rates - measurements[kind].rates)
            results.append(
                KindResult(
                    circuits[mine[0]],
                    measurements,
                    unrolled_error=max(errors[k] for k in mine[compared]),
                    static_error=float(difference[compared].max()),
                    static_error_sweep=float(difference.max()),
                    intact=responses[mine[0]],
                    ablated=responses[mine[n - 2]],
                )
            )
        return results

    return measure


def _measured(rates, thresholds, case, plan, system, protocol, activity) -> Measurement:
    """What one system answered under all conditions of a plan, and under the controls of the full ablation."""
    n, values = len(protocol.fractions) + 1, case.function.values
    every = Measurement(rates, thresholds, values)
    found = replace(every, rates=rates[:n], thresholds=thresholds[:n])
    if not protocol.controls:
        return found

    def answers(k):
        of_seeds = rates[k].reshape(-1, len(values))
        return Answers(every.scores[k], of_seeds, None if system.endswith("dnn") else activity[k])

    tried = [(variant, answers(n + k)) for k, variant in enumerate(plan.variants)]
    is_exact = system != "spiking_noisy"
    return replace(found, controls=of_controls(answers(0), answers(n - 2), tried, is_exact, values))


def _distinct(objects):
    """Objects without those that are the same, and for each which of these it is."""
    distinct = {id(each): each for each in objects}
    places = {key: k for k, key in enumerate(distinct)}
    return list(distinct.values()), [places[id(each)] for each in objects]


def with_noise(circuit: Circuit, noise: float) -> Circuit:
    """The same spiking circuit with this standard deviation of the free membrane potential, in V."""
    populations = [replace(p, neuron=replace(p.neuron, noise=noise)) for p in circuit.populations]
    return replace(circuit, populations=populations)


def _noisy(circuits, noise):
    """The circuits `with_noise`: most have the same populations, which stay the same."""
    of = {id(c.populations): c for c in circuits}
    noisy = {key: with_noise(c, noise).populations for key, c in of.items()}
    return [revised(c, populations=noisy[id(c.populations)]) for c in circuits]


def _unrolled(circuits, stimuli, protocol):
    """A function from recorded responses to the difference of each circuit's unrolled DNN; these take one pass."""
    trials = max(len(s) for s in stimuli)
    padded = [np.vstack([s, np.zeros((trials - len(s), s.shape[1]))]) for s in stimuli]
    dnn = to_dnn(union(circuits), unrolled=True, **protocol.times)
    layers = np.stack(list(dnn.layers(np.hstack(padded))))  # steps × trials × units

    def difference(k, response):
        worst, wrong, total = 0.0, 0, 0
        for population in response.circuit.populations:
            ours = layers[:, : len(stimuli[k]), dnn.units[f"{k}/{population.name}"]]
            if response.circuit.kind == "rate":
                theirs = np.moveaxis(response.traces[population.name][0], 2, 0)
                worst = max(worst, float(np.abs(ours - theirs).max()))
            else:
                spikes = response.spikes[population.name]
                theirs = np.zeros(ours.shape, dtype=bool)
                theirs[spikes.step, spikes.copy, spikes.neuron] = True
                wrong, total = wrong + int((ours != theirs).sum()), total + int(theirs.sum())
        return worst if response.circuit.kind == "rate" else wrong / max(total, 1)

    return lambda responses: [difference(k, response) for k, response in enumerate(responses)]
