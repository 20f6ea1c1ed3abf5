"""T1 along time: recurrent excitatory-only rate circuits keep the order of their inputs at every step.

Non-negative weights and non-decreasing activations make the dynamics cooperative, so trajectories that begin ordered
stay ordered (Kamke 1932; Hirsch & Smith 2005), also with delays, also for time-varying inputs, and for Euler steps
while ``dt <= tau``. The control is the same circuits with an inhibitory population joined on.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from eisim.base.progress import silent
from eisim.circuit import Circuit, Input, Population, Projection
from eisim.neurons import Logistic, Saturating, Step, ThresholdLinear
from eisim.simulation import begin
from eisim.studies.curves import contradiction
from eisim.studies.order.order import LEVELS, Share, chain, falls, share

#: Order counts as broken when a rate falls by more than this, in Hz.
ROUNDING = 1e-9
#: Networks that are compared, as the result names them.
NETWORKS = ("excitatory-only", "with inhibition")
INHIBITORY = "inhibitory"
INPUTS, UNITS, IN_DEGREE = 4, 4, 6  # units of each model; synapses onto each unit
FRAME = 10e-3  # s, of time-varying inputs
LONGEST_DELAY = 8  # time steps
TAU = (2e-3, 50e-3)  # s, between which time constants are drawn
SPECTRAL_RADIUS = 0.8  # of the recurrent weights among threshold-linear units, times their gain


@dataclass(frozen=True, eq=False)
class Example:
    """One unit's rate over time for a chain of inputs, in both networks."""

    model: str
    traces: dict[str, np.ndarray]  # by network: inputs of the chain × steps, in Hz


@dataclass(frozen=True)
class OrderCount:
    """Order violations among the units of one model in one of the networks."""

    network: str
    model: str
    circuits: Share  # with a fall in any unit at any step
    pairs: Share  # ordered pairs of inputs with one
    comparisons: Share  # each of one unit at one step between the two inputs of one pair
    largest: float  # largest fall, in Hz; 0 if none


@dataclass(frozen=True, eq=False)
class RateResult:
    """Measurements of the rate circuits."""

    counts: tuple[OrderCount, ...]  # for each network, of each model and then of all units together
    examples: tuple[Example, ...]  # for each model a unit that follows its inputs and whose order inhibition breaks
    step: float  # time step, in s

    def total(self, network: str) -> OrderCount:
        """The count over all units of a network."""
        return next(c for c in self.counts if c.network == network and c.model == "all")

    @property
    def problems(self) -> list[str]:
        """A broken order without inhibition contradicts T1; an order never broken with it shows a blind control."""
        found = []
        without, control = (self.total(network) for network in NETWORKS)
        if without.comparisons.count:
            often = f"in {without.comparisons.count} of {without.comparisons.of} comparisons"
            finding = f"excitatory-only rate circuits break order {often}, by up to {without.largest:.3g} Hz"
            found.append(contradiction("", finding))
        if not control.comparisons.count:
            found.append("the control found nothing: no rate circuit with inhibition breaks order")
        return found


def draw(rng: np.random.Generator, dt: float) -> Circuit:
    """A recurrent excitatory-only rate circuit: a population of each of the four models, randomly connected.

    Every circuit has the same numbers of units, synapses and delay steps, so that all draws share one program.
    """
    models = _models(rng)
    populations = [Population(n, "E", m, UNITS, 40 * (rng.random(UNITS) - 0.5)) for n, m in models.items()]
    sources = INPUTS + UNITS * len(models)
    weights = 0.8 * rng.random((sources, sources)) * _connected(rng, sources)
    linear = INPUTS + np.arange(UNITS)  # threshold-linear units come first; the others are bounded
    radius = np.abs(np.linalg.eigvals(weights[np.ix_(linear, linear)])).max() * models["ThresholdLinear"].gain
    weights[np.ix_(linear, linear)] *= min(1, SPECTRAL_RADIUS / max(radius, 1e-12))
    inputs = [Input("x", INPUTS)]
    return Circuit("drawn", inputs, populations, _projections(rng, weights, [*inputs, *populations], populations, dt))


def with_inhibition(circuit: Circuit, rng: np.random.Generator, dt: float) -> Circuit:
    """The same circuit with a population of saturating inhibitory units that it drives and that inhibits it."""
    inhibitory = Population(INHIBITORY, "I", Saturating(tau=_tau(rng), threshold=20 * rng.random()), UNITS)
    sources = [*circuit.inputs, *circuit.populations]
    n, m = sum(s.size for s in sources), sum(p.size for p in circuit.populations)
    onto = np.zeros((n, UNITS))
    for column in onto.T:
        column[rng.choice(n, IN_DEGREE, replace=False)] = 0.6 * rng.random(IN_DEGREE)
    back = np.zeros((UNITS, m))
    for column in back.T:
        column[rng.choice(UNITS, 2, replace=False)] = rng.random(2)
    projections = [*circuit.projections, *_projections(rng, onto, sources, [inhibitory], dt)]
    projections += _projections(rng, back, [inhibitory], circuit.populations, dt)
    return replace(circuit, populations=[*circuit.populations, inhibitory], projections=projections)


def _models(rng) -> dict[str, Any]:
    """One unit of each model with random parameters, by the name of the model."""
    threshold = 10 + 60 * rng.random(4)
    models = (
        ThresholdLinear(_tau(rng), threshold[0], gain=rng.uniform(0.3, 1.5)),
        Saturating(_tau(rng), threshold[1], gain=rng.uniform(0.5, 2), maximum=rng.uniform(50, 150)),
        Logistic(_tau(rng), 40 + threshold[2], slope=rng.uniform(5, 20), maximum=rng.uniform(50, 150)),
        Step(_tau(rng), 20 + threshold[3], maximum=rng.uniform(50, 150)),
    )
    return {type(model).__name__: model for model in models}


def _tau(rng) -> float:
    fastest, slowest = TAU
    return fastest * (slowest / fastest) ** rng.random()


def _connected(rng, n) -> np.ndarray:
    """Which of n sources (inputs first) are connected to which: `IN_DEGREE` onto each unit, no autapses."""
    connected = np.zeros((n, n), dtype=bool)
    for target in range(INPUTS, n):
        others = np.delete(np.arange(n), target)
        connected[rng.choice(others, IN_DEGREE, replace=False), target] = True
    return connected


def _projections(rng, weights, sources, targets, dt) -> list[Projection]:
    """Cut a weight matrix into projections, with random delays of 1 step and more."""
    delays = rng.integers(1, LONGEST_DELAY + 1, weights.shape) * dt
    delays[weights == 0] = LONGEST_DELAY * dt  # no synapse: all delay lines are of one length
    rows = np.cumsum([0, *(s.size for s in sources)])
    columns = weights.shape[1] - sum(t.size for t in targets) + np.cumsum([0, *(t.size for t in targets)])
    projections = []
    for i, source in enumerate(sources):
        for j, target in enumerate(targets):
            block = np.s_[rows[i] : rows[i + 1], columns[j] : columns[j + 1]]
            projections.append(Projection(source.name, target.name, weights[block], delays[block]))
    return projections


def begin_to_measure(
    circuits: int,
    length: int,
    *,
    duration: float,
    dt: float,
    seed: np.random.SeedSequence,
    backend: str = "cpp",
    report: Callable[..., None] = silent,
) -> Callable[[], RateResult]:
    """Begin to count how often random rate circuits break order, without and with inhibition.

    Each circuit gets two chains of inputs, one constant and one varying in time, and begins at rest. Times are in s.
    The circuits are compiled and simulated until what is returned is called.
    """
    drawn, stimuli = [], []
    frames = max(1, round(duration / FRAME))
    for child in seed.spawn(circuits):
        rng = np.random.default_rng(child)
        circuit = draw(rng, dt)
        drawn.append((circuit, with_inhibition(circuit, rng, dt)))
        constant = np.repeat(chain(rng, length, 1, INPUTS), frames, axis=1)
        stimuli.append(np.concatenate([constant, chain(rng, length, frames, INPUTS)]) / LEVELS)
    batch = [c for column in zip(*drawn, strict=True) for c in column]
    how = {"duration": duration, "window": duration, "dt": dt, "backend": backend, "report": report}
    finish = begin(batch, stimuli * len(NETWORKS), seed=0, record=True, **how)

    def measured():
        responses = finish()
        models = [p.name for p in drawn[0][0].populations]
        # networks × circuits × models × chains × inputs of the chain × units × steps
        traces = np.array([[r.traces[m] for m in models] for r in responses])
        traces = traces.reshape(len(NETWORKS), circuits, len(models), 2, length, *traces.shape[3:])
        return RateResult(tuple(_counts(traces, models)), tuple(_examples(traces, models)), dt)

    return measured


def _counts(traces, models):
    for network, of_network in zip(NETWORKS, traces, strict=True):
        for name, chosen in [*((m, [k]) for k, m in enumerate(models)), ("all", range(len(models)))]:
            fall = falls(np.moveaxis(of_network[:, chosen], 3, 0))  # pairs × circuits × models × chains × units × steps
            broken = fall > ROUNDING
            yield OrderCount(
                network,
                name,
                circuits=share(broken.any(axis=(0, 2, 3, 4, 5))),
                pairs=share(broken.any(axis=(2, 4, 5))),
                comparisons=share(broken),
                largest=max(0.0, float(fall.max())),
            )


def _examples(traces, models):
    """For each model, a unit that follows its inputs and whose order inhibition breaks, for a time-varying chain."""
    for k, model in enumerate(models):
        varying = traces[:, :, k, 1]  # networks × circuits × inputs of the chain × units × steps
        spread = (varying[0, :, -1] - varying[0, :, 0]).mean(axis=-1)
        fall = np.maximum(falls(np.moveaxis(varying[1], 1, 0)), 0).mean(axis=(0, -1))
        circuit, unit = np.unravel_index((spread * fall).argmax(), fall.shape)
        yield Example(model, {n: varying[i, circuit, :, unit] for i, n in enumerate(NETWORKS)})
