"""Inhibition that is blocked after it was learnt: does it come back where synapses go on learning, and where not?

A network of spiking neurons whose inhibitory synapses learn begins without inhibition and learns. What it has learnt is
then blocked by fractions, in two copies: in the *plastic* one the synapses go on learning, in the *frozen* one they
keep their weights.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from eisim.ablation import ablate
from eisim.analysis.statistics import over_seeds
from eisim.base.errors import InputError
from eisim.base.progress import headed, shows_progress
from eisim.base.units import Measured
from eisim.base.values import Brief, revised
from eisim.circuit import Circuit, Projection, kept_delay, with_magnitudes
from eisim.simulation import Response, simulate
from eisim.simulation.frozen import freeze
from eisim.studies.curves import AblationCurve
from eisim.studies.judgement import Criterion, reaches

PLASTIC, FROZEN = SYSTEMS = ("plastic", "frozen")
#: A rate within this factor of another is the same.
FACTOR = 1.1
FUNCTION = "return to the rate that was learnt"
#: Score at the criterion: 1 is the same rate, 0 an octave away.
CRITERION = Criterion.absolute(1 - np.log2(FACTOR))
#: Time between two values of what is shown over time, as a share of its duration.
BIN = 1 / 80
#: Weight of a synapse that has learnt to transmit nothing, in SI units: one of 0 is no synapse.
LEAST = 1e-30
#: Time step, in s.
DT = 0.1e-3
#: Synapses of each network whose mean weight is shown over time.
SYNAPSES = 4000


@dataclass(frozen=True)
class Times:
    """Durations in s: of learning, of a trial with a block, from its beginning to the block, and of the read-out."""

    learning: float
    trial: float
    block: float
    window: float


@dataclass(frozen=True, eq=False, repr=False)
class Course(Brief):
    """Mean rate and mean weight over time."""

    times: np.ndarray  # (bins,): in the middle of each, in s
    rates: np.ndarray  # (seeds, bins), in Hz
    weights: np.ndarray  # (seeds, bins), in SI units


@dataclass(frozen=True, eq=False, repr=False)
class Recovery(Brief):
    """What was measured; `PLASTIC` and `FROZEN` are the keys of what is given by system."""

    circuit: Circuit  # of the first seed, before it has learnt
    seeds: tuple[int, ...]
    times: Times
    blocked: tuple[str, ...]  # projections
    fractions: np.ndarray  # (fractions,): how much of them is blocked, from 0
    learning: Course
    shown: float  # fraction of `courses`
    courses: dict[str, Course]
    learnt: np.ndarray  # (seeds,): mean weight at the end of learning, in SI units
    rates: dict[str, np.ndarray]  # (fractions, seeds): in the window at the end of a trial, in Hz
    weights: np.ndarray  # (fractions, seeds): mean weight of plastic synapses at the end of a trial

    @property
    def projection(self) -> Projection:
        """The one that learns."""
        return learning_projection(self.circuit)

    @property
    def target(self) -> float:
        """Rate that the rule aims at, in Hz."""
        return float(self.projection.learning["target"])

    @cached_property
    def curves(self) -> tuple[AblationCurve, ...]:
        """Nearness of the rate to that of the same network without a block, where it goes on learning."""
        without = self.rates[PLASTIC][0]
        return tuple(
            AblationCurve.of(None, name, self.fractions, nearness(rates, without), CRITERION, function=FUNCTION)
            for name, rates in self.rates.items()
        )

    @property
    def growth(self) -> np.ndarray:
        """Mean weight at the end of a trial as a multiple of what had been learnt, fractions × seeds."""
        return self.weights / self.learnt

    @property
    def learnt_rates(self) -> np.ndarray:
        """Rates in the read-out window at the end of learning, in Hz, by seed."""
        is_last = self.learning.times > self.times.learning - self.times.window
        return self.learning.rates[:, is_last].mean(axis=1)

    @property
    def is_at_target(self) -> bool | None:
        """Whether the rate that is learnt is that of the rule; ``None`` if its interval does not tell."""
        return _is_near(nearness(self.learnt_rates, self.target))

    @property
    def returned(self) -> dict[str, list[bool | None]]:
        """By system whether the rate returns at each fraction; ``None`` where the interval does not tell."""
        return {curve.system: [_is_near(scores) for scores in curve.scores] for curve in self.curves}

    @property
    def problems(self) -> list[str]:
        """None: no theorem is on networks that learn."""
        return []


def nearness(rates, reference) -> np.ndarray:
    """1 at the reference, falling to 0 an octave away on either side; 0 where either is 0."""
    rates, reference = np.broadcast_arrays(np.asarray(rates, dtype=float), reference)
    known = (rates > 0) & (reference > 0)
    ratio = np.divide(rates, reference, out=np.ones(rates.shape), where=known)
    octaves = np.where(known, np.log2(ratio), np.inf)
    return np.maximum(0.0, 1 - np.abs(octaves))


def _is_near(scores) -> bool | None:
    return reaches(over_seeds(scores), CRITERION.level(1.0))


def learning_projection(circuit: Circuit) -> Projection:
    """The one projection that learns; ``InputError`` if there is none, several, or one that is not inhibitory."""
    found = [p for p in circuit.projections if p.learning]
    if len(found) != 1 or found[0] not in circuit.inhibitory_projections:
        names = ", ".join(p.name for p in found) or "none"
        raise InputError(f"circuit {circuit.name!r}: expected one inhibitory projection that learns, found {names}")
    return found[0]


@shows_progress
def measure(
    build: Callable[[int], Circuit],
    seeds: Sequence[int],
    fractions: Sequence[float],
    shown: float,
    times: Times,
    projections: Sequence[str] | None = None,
    backend: str = "cpp",
    report: Callable[..., None] | None = None,
) -> Recovery:
    """Let networks learn, and block fractions of their inhibition while they go on learning and while they do not.

    Parameters
    ----------
    build : callable
        ``build(seed)`` is the circuit before it has learnt; a stimulus of 1 drives it.
    seeds : sequence of int
        Each fixes a circuit.
    fractions : sequence of float
        How much is blocked, increasing from 0; `shown` is among them.
    shown : float
        The fraction whose course over time is kept.
    times : Times
    projections : sequence of str, optional
        What is blocked; all inhibitory projections by default.
    backend, report
        As for `eisim.simulate`.

    Returns
    -------
    Recovery

    Raises
    ------
    InputError
        If not exactly one inhibitory projection learns, or for bad times, fractions or names.
    """
    report = report or (lambda *_: None)
    circuits = [build(seed) for seed in seeds]
    name = learning_projection(circuits[0]).name
    during = (Measured(times.block, "second"), Measured(times.trial, "second"))

    def blocked(circuit, fraction):
        return ablate(circuit, fraction, projections, during=during) if fraction else circuit

    blocked(circuits[0], 1.0)  # names are checked before hours of work
    responses = _simulate(circuits, [True] * len(circuits), times.learning, times, backend, report, "learning")
    ends = list(zip(circuits, responses, strict=True))
    copies = {PLASTIC: [_going_on(*each) for each in ends], FROZEN: [freeze(*each) for each in ends]}
    batch = [blocked(c, f) for each in copies.values() for f in fractions for c in each]
    record = [f == shown for _ in copies for f in fractions for _ in seeds]
    found = _simulate(batch, record, times.trial, times, backend, report, "blocking inhibition")
    by_place = np.arange(len(batch)).reshape(len(copies), len(fractions), len(seeds))
    target = learning_projection(circuits[0]).target
    at = list(fractions).index(shown)
    weights = [[found[i].weights.stored[name].mean() for i in row] for row in by_place[0]]
    learnt = np.array([response.weights.stored[name].mean() for response in responses])
    chosen = ablate(circuits[0], projections=projections)
    return Recovery(
        circuit=circuits[0],
        seeds=tuple(int(seed) for seed in seeds),
        times=times,
        blocked=tuple(p.name for p, q in zip(circuits[0].projections, chosen.projections, strict=True) if p is not q),
        fractions=np.asarray(fractions, dtype=float),
        learning=_course(responses, name, target, times.learning, learnt),
        shown=float(shown),
        courses={
            system: _course([found[i] for i in places[at]], name, target, times.trial, learnt)
            for system, places in zip(copies, by_place, strict=True)
        },
        learnt=learnt,
        rates={
            system: np.array([[found[i].rates[target].mean() for i in row] for row in places])
            for system, places in zip(copies, by_place, strict=True)
        },
        weights=np.array(weights),
    )


def _going_on(circuit: Circuit, response: Response) -> Circuit:
    """The circuit with the weights that it has learnt, from which it goes on; one of 0 stays a synapse."""
    learns = learning_projection(circuit)
    learnt = np.maximum(response.weights.stored[learns.name][0], LEAST)
    going_on = with_magnitudes(learns, circuit.weights(learns), learnt, kept_delay(circuit, learns))
    return revised(circuit, projections=tuple(going_on if p is learns else p for p in circuit.projections))


def _simulate(circuits, records, duration, times, backend, report, stage):
    """Responses to a steady stimulus; of some circuits with what a course is made of."""
    wanted, sizes = [], []
    for circuit, is_recorded in zip(circuits, records, strict=True):
        learns = [p for p in circuit.projections if p.learning]
        target = circuit.readouts[0].population
        wanted.append({target: "spikes"} | {p.name: "w" for p in learns} if is_recorded else False)
        sizes += [circuit.weights(p).nnz for p in learns if is_recorded]
    chosen = {}
    if sizes:
        name = next(p.name for c in circuits for p in c.projections if p.learning)
        chosen = {name: np.unique(np.linspace(0, min(sizes) - 1, SYNAPSES).astype(int))}
    return simulate(
        circuits,
        [[1.0] * circuits[0].n_inputs],
        duration=duration,
        window=times.window,
        record=wanted,
        neurons=chosen or None,
        every=max(1, round(BIN * duration / DT)) * DT,
        dt=DT,
        backend=backend,
        report=headed(report, stage),
    )


def _course(responses: Sequence[Response], name, population, duration, learnt) -> Course:
    """Rates and weights over time; those of a frozen network are what it had learnt."""
    n = round(1 / BIN)
    edges = np.linspace(0, duration, n + 1)
    size = responses[0].circuit.population(population).size
    counts = [np.histogram(r.spikes[population].t, edges)[0] for r in responses]
    middle = (edges[1:] + edges[:-1]) / 2
    weights = np.repeat(np.asarray(learnt)[:, None], n, axis=1)
    for k, traces in enumerate(response.traces for response in responses):
        if name in traces:
            recorded = traces[name].w
            weights[k] = np.interp(middle, recorded.time, recorded.values[0, 0].mean(axis=0))
    return Course(middle, np.array(counts) / (size * np.diff(edges)), weights)
