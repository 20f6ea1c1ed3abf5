"""Where T1 stops: random excitatory-only spiking circuits, under conditions that take a rate code away or put it back.

A LIF neuron whose reset is its rest keeps the order of cumulative spike counts while its input *currents*, none below
0, are ordered at every moment (by induction over its spikes: the k-th comes no later, and then the potential is no
lower). But the spike train of a higher rate is no larger current at every moment, so order can break from there on:
by leak and coincidence, refractoriness, delays, and the input that a reset wastes.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise

import numpy as np

from eisim.base.timing import Timing
from eisim.circuit import Circuit, Input, Population, Projection, Readout
from eisim.neurons import LIF
from eisim.simulation import Response, simulate
from eisim.studies.order.order import LEVELS, Share, chain, falls, ordered_pairs, share
from eisim.synapses import Exponential

DIMENSIONS = 4  # of an input; each drives its own afferents
HIDDEN = 18
RATE = 100.0  # Hz, of an afferent for an input of 1
DECISION = 50.0  # Hz
BIN = 1e-3  # s, of cumulative counts
SMOOTH = 10e-3  # s, over which shares over time are averaged
#: Smallest clear fall, in Hz: two spikes in 200 ms, more than the edge of a window can cost.
CLEAR_FALL = 10.0
#: And from this share of the count on it is a large one.
LARGE_SHARE = 0.2
#: Ways to break order, as the result names them, each of one circuit on one ordered pair of inputs.
MEASURES = {
    "any": "the window count of some neuron falls",
    "any_clear": f"the rate of some neuron falls by {CLEAR_FALL:g} Hz or more",
    "readout": "the window count of the readout falls",
    "readout_clear": f"the rate of the readout falls by {CLEAR_FALL:g} Hz or more",
    "readout_share": f"the count of the readout falls by {LARGE_SHARE:.0%} or more",
    "decision": f"the decision (rate above {DECISION:g} Hz) falls from yes to no",
    "behind": "the readout's cumulative count is behind at some time of the trial",
}
#: Mean weights for the reference in-degrees, in V: afferent, recurrent and readout synapses.
WEIGHTS = (13e-3, 4e-3, 12e-3)


@dataclass(frozen=True)
class Condition:
    """Common properties of the circuits of one condition."""

    name: str
    tau: float = 10e-3  # s, of the membrane
    refractory: float = 2e-3  # s
    synaptic: float = 5e-3  # s, time constant
    delays: tuple[float, float] = (1e-3, 1e-3)  # shortest and longest conduction delay, in s
    recurrent: bool = True  # whether hidden neurons excite each other
    synchronous: bool = False  # whether the regular trains of all afferents begin in phase
    fan_in: tuple[int, int, int] = (6, 3, 6)  # synapses from afferents, from hidden neurons, and onto the readout
    drive: float = 1.0  # mean current, over one that is the same for all conditions; so that rates are alike

    @property
    def neuron(self) -> LIF:
        return LIF(self.tau, refractory=self.refractory, excitation=Exponential(self.synaptic))

    @property
    def afferents(self) -> int:
        return 2 * self.fan_in[0]


REFERENCE = Condition("reference", drive=0.92)
CONDITIONS = (
    REFERENCE,
    replace(REFERENCE, name="feed-forward", drive=1.0, recurrent=False),
    replace(REFERENCE, name="no refractoriness", drive=0.76, refractory=0.0),
    replace(REFERENCE, name="long refractoriness", drive=1.3, refractory=10e-3),
    replace(REFERENCE, name="no delays", drive=0.86, delays=(0.0, 0.0)),
    replace(REFERENCE, name="heterogeneous delays", drive=0.9, delays=(0.0, 10e-3)),
    replace(REFERENCE, name="short membrane", drive=0.43, tau=2e-3),
    replace(REFERENCE, name="long membrane", drive=2.5, tau=50e-3),
    replace(REFERENCE, name="slow synapses", drive=0.9, synaptic=50e-3),
    replace(REFERENCE, name="synchronous inputs", drive=0.82, synchronous=True),
    replace(REFERENCE, name="few strong synapses", drive=0.95, fan_in=(2, 1, 2)),
    replace(REFERENCE, name="many weak synapses", drive=0.84, fan_in=(18, 9, 18)),
    Condition("all for a rate code", 50e-3, 0.0, 50e-3, recurrent=False, fan_in=(18, 9, 18), drive=2.6),
)


def describe(condition: Condition) -> str:
    """Difference of a condition from the reference."""
    parts = {
        "tau": f"membrane {condition.tau * 1e3:g} ms",
        "refractory": f"refractory period {condition.refractory * 1e3:g} ms",
        "synaptic": f"synapses {condition.synaptic * 1e3:g} ms",
        "delays": "delays {:g} to {:g} ms".format(*(1e3 * d for d in condition.delays)),
        "recurrent": "recurrent" if condition.recurrent else "no recurrent synapses",
        "synchronous": "all inputs in phase" if condition.synchronous else "input phases staggered",
        "fan_in": "fan-in {} from inputs, {} recurrent, {} onto the readout".format(*condition.fan_in),
    }
    if condition == REFERENCE:
        return ", ".join(parts.values())
    return ", ".join(text for name, text in parts.items() if getattr(condition, name) != getattr(REFERENCE, name))


@dataclass(frozen=True, eq=False)
class Candidate:
    """A circuit of a condition, and the chain of inputs that it is tested on."""

    condition: Condition  # parameters of the neurons and of the inputs
    # (afferents + hidden, hidden + 1): onto hidden neurons and the readout, in V and s; weight 0 is no synapse.
    weights: np.ndarray
    delays: np.ndarray
    chain: np.ndarray  # (inputs, dimensions): levels from 0 to `order.LEVELS`

    @property
    def stimuli(self) -> np.ndarray:
        """Inputs × afferents: neighbours in phase belong to different dimensions."""
        return self.chain[:, np.arange(self.condition.afferents) % DIMENSIONS] / LEVELS

    @property
    def circuit(self) -> Circuit:
        """The excitatory-only circuit."""
        n, neuron, hidden = self.condition.afferents, self.condition.neuron, self.weights.shape[1] - 1
        # the afferents of one input are staggered in phase, those of different inputs are not
        sizes = [1] * n if self.condition.synchronous else [n]
        inputs = [Input(f"x{k}", size, RATE) for k, size in enumerate(sizes)]
        edges = np.cumsum([0, *(i.size for i in inputs), hidden])
        blocks = [np.s_[a:b] for a, b in pairwise(edges)]
        projections = [
            Projection(source, target, self.weights[rows, columns], self.delays[rows, columns])
            for rows, source, target, columns in [
                *((block, i.name, "hidden", np.s_[:hidden]) for block, i in zip(blocks, inputs, strict=False)),
                *([(blocks[-1], "hidden", "hidden", np.s_[:hidden])] if self.condition.recurrent else []),
                (blocks[-1], "hidden", "readout", np.s_[hidden:]),
            ]
        ]
        populations = [Population("hidden", "E", neuron, hidden), Population("readout", "E", neuron)]
        return Circuit(self.condition.name, inputs, populations, projections, [Readout("readout", DECISION)])


def draw(condition: Condition, length: int, rng: np.random.Generator, hidden: int = HIDDEN) -> Candidate:
    """A random circuit of a condition with a random chain of inputs.

    The number of synapses is the same for all draws of a condition, so that they share one compiled program.
    """
    n = condition.afferents
    connected = np.zeros((n + hidden, hidden + 1), dtype=bool)
    from_input, recurrent, readout = condition.fan_in
    connected[:n, :hidden] = _choose(rng, np.ones((n, hidden)), from_input)
    if condition.recurrent:
        connected[n:, :hidden] = _choose(rng, 1 - np.eye(hidden), recurrent)
    connected[n:, hidden:] = _choose(rng, np.ones((hidden, 1)), readout)
    # log-normal, with a standard deviation of about half of the mean
    weights = mean_weights(condition, hidden) * np.exp(0.5 * rng.standard_normal(connected.shape) - 0.125) * connected
    delays = rng.uniform(*condition.delays, connected.shape)
    return Candidate(condition, weights, delays, chain(rng, length, DIMENSIONS))


def _choose(rng, allowed, n) -> np.ndarray:
    """In each column n of the allowed entries, at random."""
    rank = np.argsort(np.argsort(-rng.random(allowed.shape) * allowed, axis=0), axis=0)
    return rank < n


def mean_weights(condition: Condition, hidden: int) -> np.ndarray:
    """Mean weight of a synapse between any two neurons, in V: the mean current is the reference's times the drive."""
    n = condition.afferents
    means = np.empty((n + hidden, hidden + 1))
    total = condition.drive * REFERENCE.synaptic / condition.synaptic * np.array(WEIGHTS) * REFERENCE.fan_in
    means[:n], means[n:, :hidden], means[n:, hidden] = total / condition.fan_in
    return means


def respond(candidates: Sequence[Candidate], timing: Timing, *, backend: str, report) -> list[Response]:
    """Recorded responses of all candidates to their inputs, simulated as one batch."""
    circuits, stimuli = [c.circuit for c in candidates], [c.stimuli for c in candidates]
    return simulate(circuits, stimuli, **asdict(timing), record=True, backend=backend, report=report)


def window_counts(response: Response) -> np.ndarray:
    """Spikes of each neuron in the read-out window, inputs × (hidden + 1) with the readout last."""
    rates = np.hstack([response.rates["hidden"], response.rates["readout"]])
    return np.round(rates * response.window).astype(int)


def cumulative_counts(response: Response) -> np.ndarray:
    """Spikes of the readout until the end of each bin of `BIN`, inputs × bins."""
    bins = math.ceil(response.duration / BIN - 1e-9)
    counts = np.zeros((len(response.readouts), bins), dtype=int)
    spikes = response.spikes["readout"]
    # the tolerance is for spikes at the beginning of a bin
    np.add.at(counts, (spikes.copy, np.floor(spikes.step * response.dt / BIN + 1e-6).astype(int)), 1)
    return counts.cumsum(axis=1)


@dataclass(frozen=True, eq=False)
class ConditionResult:
    """Measurements of the random circuits of one condition."""

    condition: Condition
    window: float  # length of the read-out window, in s
    counts: np.ndarray  # (inputs, circuits, hidden + 1): spikes in the window; the readout is last
    cumulative: np.ndarray  # (inputs, circuits, bins): spikes of the readout until the end of each bin of `BIN`

    @property
    def broken(self) -> dict[str, np.ndarray]:
        """Which pairs of inputs break order in which circuit, (pairs, circuits), by measure."""
        fall = falls(self.counts)
        readout, clear = fall[..., -1], CLEAR_FALL * self.window - 1e-9
        lower = self.counts[ordered_pairs(len(self.counts))[0]][..., -1]
        decisions = (self.counts[..., -1] / self.window > DECISION).astype(int)
        return {
            "any": (fall > 0).any(axis=-1),
            "any_clear": (fall >= clear).any(axis=-1),
            "readout": readout > 0,
            "readout_clear": readout >= clear,
            "readout_share": (readout > 0) & (readout >= LARGE_SHARE * lower - 1e-9),
            "decision": falls(decisions) > 0,
            "behind": self.behind.any(axis=-1),
        }

    @property
    def behind(self) -> np.ndarray:
        """Whether the readout has spiked less often so far for the larger input: (pairs, circuits, bins)."""
        return falls(self.cumulative) > 0

    @property
    def behind_so_far(self) -> tuple[np.ndarray, np.ndarray]:
        """Middles of stretches of `SMOOTH`, in s, and over each the mean share of pairs whose readout is behind."""
        bins = round(SMOOTH / BIN)
        share = self.behind.mean(axis=(0, 1))
        starts = np.arange(0, len(share), bins)
        return (starts + bins / 2) * BIN, np.add.reduceat(share, starts) / np.diff([*starts, len(share)])

    def per_pair(self, measure: str) -> Share:
        """Pairs of inputs, over all circuits, that break order."""
        return share(self.broken[measure])

    def per_circuit(self, measure: str) -> Share:
        """Circuits that break order for some pair of inputs of their chain."""
        return share(self.broken[measure].any(axis=0))

    @property
    def largest(self) -> dict[str, float]:
        """Largest falls, in Hz: of any neuron, and of the readout; 0 if none."""
        fall = falls(self.counts) / self.window
        return {"any": float(max(0, fall.max())), "readout": float(max(0, fall[..., -1].max()))}

    @property
    def rates(self) -> dict[str, float]:
        """Mean rates in the window over all circuits and inputs, in Hz."""
        rates = self.counts / self.window
        return {"hidden": float(rates[..., :-1].mean()), "readout": float(rates[..., -1].mean())}


def draw_conditions(circuits: int, length: int, seed: np.random.SeedSequence) -> list[list[Candidate]]:
    """Random circuits, `circuits` times one of each condition, with chains of `length` inputs."""
    rngs = [np.random.default_rng(child) for child in seed.spawn(len(CONDITIONS))]
    return [[draw(c, length, rng) for c, rng in zip(CONDITIONS, rngs, strict=True)] for _ in range(circuits)]


def condition_results(responses: Sequence[Sequence[Response]]) -> tuple[ConditionResult, ...]:
    """Results for each condition from the responses of circuits drawn by `draw_conditions`."""
    return tuple(
        ConditionResult(
            condition,
            own[0].window,
            np.stack([window_counts(r) for r in own], axis=1),
            np.stack([cumulative_counts(r) for r in own], axis=1),
        )
        for condition, own in zip(CONDITIONS, zip(*responses, strict=True), strict=True)
    )
