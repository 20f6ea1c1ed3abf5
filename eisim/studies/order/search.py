"""The search for the strongest violation of order by spikes: the best circuits are varied, and the best of those again.

A (mu + lambda) evolution strategy (Beyer & Schwefel, Nat. Comput. 1:3, 2002). Feed-forward and recurrent circuits
evolve apart but are simulated together: each generation is one batch, and as the number of synapses never changes, all
of them run in one compiled program.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from eisim.base.progress import shows_progress
from eisim.base.timing import Timing
from eisim.simulation import Response
from eisim.studies.order.order import LEVELS, falls, ordered_pairs
from eisim.studies.order.spiking import DIMENSIONS, RATE, Candidate, Condition, draw, respond, window_counts

HIDDEN = 6
PARENTS = 10  # of each kind of circuit
LARGEST_PSP = 15e-3  # V: no spike alone makes a resting neuron fire
#: Between what the parameters of all neurons of a circuit may vary, in s.
RANGES = {"tau": (2e-3, 20e-3), "refractory": (2e-3, 10e-3), "synaptic": (2e-3, 20e-3)}
KINDS = {
    name: Condition(name, delays=(0.0, 10e-3), recurrent=name == "recurrent", fan_in=(2, 1, 3))
    for name in ("feed-forward", "recurrent")
}


@dataclass(frozen=True, eq=False)
class Found:
    """A candidate, and the ordered pair of its inputs for which the readout falls most."""

    candidate: Candidate
    lower: int  # index into the chain
    upper: int
    counts: tuple[int, int]  # spikes of the readout in the window for both
    hidden: int  # fall of the count of all hidden neurons, by which equal candidates are compared

    @property
    def fall(self) -> int:
        """Fall of the readout, in spikes; below 0 if it rises for every pair."""
        return self.counts[0] - self.counts[1]


def strongest(candidate: Candidate, counts: np.ndarray) -> Found:
    """The strongest fall of a candidate, from its spike counts (inputs × neurons, the readout last)."""
    fall = falls(counts)
    readout, hidden = fall[:, -1], fall[:, :-1].sum(axis=1)
    best = np.lexsort((hidden, readout))[-1]
    lower, upper = (int(index[best]) for index in ordered_pairs(len(counts)))
    return Found(candidate, lower, upper, (int(counts[lower, -1]), int(counts[upper, -1])), int(hidden[best]))


def first(kind: str, length: int, rng: np.random.Generator) -> Candidate:
    """A random candidate: of a random circuit, with random neuron parameters."""
    parameters = {name: low * (high / low) ** rng.random() for name, (low, high) in RANGES.items()}
    condition = replace(KINDS[kind], drive=2 ** rng.uniform(0, 2), **parameters)
    return _limited(draw(condition, length, rng, HIDDEN))


def select(old: list[Found], new: list[Found]) -> list[Found]:
    """The best of parents and children, best first; of equals the children."""
    return sorted([*new, *old], key=lambda found: (found.fall, found.hidden), reverse=True)[:PARENTS]


def vary(candidate: Candidate, rng: np.random.Generator) -> Candidate:
    """A variation: some parameters, weights, delays, connections and inputs change, the number of synapses does not."""
    condition = _vary_neurons(candidate.condition, rng)
    weights = candidate.weights * peak(candidate.condition) / peak(condition)
    weights *= np.where(_some(rng, weights, 0.2), np.exp(0.7 * rng.standard_normal(weights.shape)), 1)
    _rewire(weights, condition.afferents, rng)
    drawn = rng.uniform(*condition.delays, weights.shape)
    delays = np.where(_some(rng, weights, 0.15), drawn, candidate.delays)
    return _limited(Candidate(condition, weights, delays, _vary_chain(candidate.chain, rng)))


def peak(condition: Condition) -> float:
    """Peak of the postsynaptic potential for a weight of 1: of the difference of exponentials that solves the LIF."""
    ratio = condition.tau / condition.synaptic
    return np.exp(-1) if np.isclose(ratio, 1) else ratio ** (ratio / (1 - ratio))


def _limited(candidate):
    return replace(candidate, weights=np.minimum(candidate.weights, LARGEST_PSP / peak(candidate.condition)))


def _some(rng, like, probability):
    return rng.random(like.shape) < probability


def _vary_neurons(condition, rng):
    changed = {
        name: float(np.clip(getattr(condition, name) * np.exp(0.5 * rng.standard_normal()), low, high))
        for name, (low, high) in RANGES.items()
        if rng.random() < 0.3
    }
    return replace(condition, **changed)


def _rewire(weights, afferents, rng):
    """Move a synapse of one neuron to a source of the same kind that has none onto it."""
    target = rng.integers(HIDDEN + 1)
    rows = np.arange(len(weights))
    column = weights[:, target]
    old = rng.choice(rows[column > 0])
    alike = (rows < afferents) == (old < afferents)
    free = rows[alike & (column == 0) & (rows != afferents + target)]
    if rng.random() < 0.5 and free.size:
        new = rng.choice(free)
        weights[[old, new], target] = 0, column[old]


def _vary_chain(chain, rng):
    """Shift some inputs by a level or two, and sometimes raise them by other amounts."""
    steps = np.diff(chain, axis=0, prepend=0)
    steps[0] += rng.integers(-2, 3, DIMENSIONS) * _some(rng, steps[0], 0.3)
    redrawn = _some(rng, steps[1:], 0.2)
    steps[1:] = np.where(redrawn, rng.integers(0, LEVELS // 4 + 1, steps[1:].shape), steps[1:])
    return np.clip(np.cumsum(steps, axis=0), 0, LEVELS)


@dataclass(frozen=True)
class Variant:
    """The strongest violation with something changed: does order return?"""

    name: str
    # Spikes of the readout in the window for the lower and the upper input, a pair for each random draw.
    counts: tuple[tuple[int, int], ...]

    @property
    def falls(self) -> tuple[int, ...]:
        """Falls of the readout, in spikes; below 0 where it rises."""
        return tuple(lower - upper for lower, upper in self.counts)


@dataclass(frozen=True, eq=False)
class SearchResult:
    """Findings of the search among the circuits of one kind."""

    kind: str
    progress: tuple[int, ...]  # strongest fall found so far, in spikes, by generation; the first is random
    found: Found
    response: Response  # recorded response to the chain of inputs
    variants: tuple[Variant, ...]  # the first is the circuit as it was found

    @property
    def input_rates(self) -> np.ndarray:
        """Rates of the lower and the upper input, in Hz: (2, dimensions)."""
        return RATE * self.found.candidate.chain[[self.found.lower, self.found.upper]] / LEVELS

    def outcome(self, variant: Variant) -> str:
        """Outcome of the fall in the variant, by its largest fall over the draws.

        It ``"remains"`` (at least half of it), is ``"weaker"`` or ``"gone"``; or all is ``"silent"`` or ``"saturated"``
        (spikes at every step, regardless of the input), which is inconclusive.
        """
        counts = np.array(variant.counts)
        if not counts.any():
            return "silent"
        if counts.min() > 0.9 * self.response.window / self.response.dt:
            return "saturated"
        fall = max(variant.falls)
        return "gone" if fall <= 0 else "remains" if fall >= self.found.fall / 2 else "weaker"


@shows_progress
def search(
    population: int,
    generations: int,
    length: int,
    timing: Timing,
    *,
    others: Sequence[Sequence[Candidate]],
    seed: np.random.SeedSequence,
    backend: str = "cpp",
    report: Callable[..., None] | None = None,
) -> tuple[tuple[SearchResult, ...], list[list[Response]]]:
    """Search for the circuit and the ordered pair of inputs for which the readout falls most.

    In the first generation, which is random, and in each after it there are `population` circuits of each kind. To take
    no program of their own, `others` are simulated in the same batches, spread over the generations; all sequences in
    it have the same structure. What is returned is the result for each kind, feed-forward and recurrent, and the
    others' responses.
    """
    rng = np.random.default_rng(seed)
    best: dict[str, list[Found]] = {kind: [] for kind in KINDS}
    strongest_falls: dict[str, list[int]] = {kind: [] for kind in KINDS}
    share = math.ceil(len(others) / (generations + 1))  # of the others in each batch
    of_others: list[list[Response]] = []

    def simulated(candidates, batch):
        """Responses by kind, in order of the candidates; those of the others in this batch are kept."""

        def say(stage, fraction=None):
            report(stage, min(1, batch / (generations + 2)) if stage == "simulating" else fraction)

        rows = [others[k % len(others)] for k in range(batch * share, (batch + 1) * share)]
        everyone = [c for row in [*rows, *candidates.values()] for c in row]
        responses = iter(respond(everyone, timing, backend=backend, report=say))
        of_others.extend([next(responses) for _ in row] for row in rows)
        return {kind: [next(responses) for _ in own] for kind, own in candidates.items()}

    def born(kind, parents):
        return vary(parents[rng.integers(len(parents))].candidate, rng) if parents else first(kind, length, rng)

    for generation in range(generations + 1):
        candidates = {kind: [born(kind, best[kind]) for _ in range(population)] for kind in KINDS}
        for kind, responses in simulated(candidates, generation).items():
            new = [strongest(c, window_counts(r)) for c, r in zip(candidates[kind], responses, strict=True)]
            best[kind] = select(best[kind], new)
            strongest_falls[kind].append(best[kind][0].fall)
    found = {kind: own[0] for kind, own in best.items()}
    variants = {kind: changed(f.candidate, rng) for kind, f in found.items()}
    dissected: dict[str, list[Response]] = {kind: [] for kind in KINDS}
    for k in range(math.ceil(max(map(len, variants.values())) / population)):
        part = range(k * population, (k + 1) * population)
        batch = {kind: [own[i % len(own)][1] for i in part] for kind, own in variants.items()}
        for kind, responses in simulated(batch, generations + 1 + k).items():
            dissected[kind] += responses
    results = tuple(
        SearchResult(
            kind, tuple(strongest_falls[kind]), f, dissected[kind][0], _counted(variants[kind], dissected[kind], f)
        )
        for kind, f in found.items()
    )
    return results, of_others[: len(others)]


def _counted(variants, responses, found) -> tuple[Variant, ...]:
    """Counts for the found pair of inputs, those of variants of the same name together."""
    counts: dict[str, list[tuple[int, int]]] = {}
    for (name, _), response in zip(variants, responses, strict=False):
        readout = window_counts(response)[:, -1]
        counts.setdefault(name, []).append((int(readout[found.lower]), int(readout[found.upper])))
    return tuple(Variant(name, tuple(pairs)) for name, pairs in counts.items())


SCATTER = "input phases scattered"
SCATTERS = 20


def changed(candidate: Candidate, rng: np.random.Generator) -> list[tuple[str, Candidate]]:
    """A found circuit with one assumption of a rate code put back at a time; all keep its number of synapses."""
    condition, weights, delays = candidate.condition, candidate.weights, candidate.delays
    n = condition.afferents
    slow = 50e-3

    def with_neurons(weights=weights, **parameters):
        return replace(candidate, condition=replace(condition, **parameters), weights=weights)

    variants = [
        ("as found", candidate),
        ("no refractoriness", with_neurons(refractory=0.0)),
        ("all delays 1 ms", replace(candidate, delays=np.full(delays.shape, 1e-3))),
        # The weights rise with the time constant, so that the input moves the potential as much.
        ("membrane 50 ms", with_neurons(weights * slow / condition.tau, tau=slow)),
        # The mean current stays.
        ("synapses 50 ms", with_neurons(weights * condition.synaptic / slow, synaptic=slow)),
    ]
    if condition.recurrent:
        silent = weights.copy()
        silent[n:, :HIDDEN] *= 1e-12  # ineffective synapses, so that the same program serves
        variants.append(("no recurrent excitation", replace(candidate, weights=silent)))
    for _ in range(SCATTERS):
        late = delays.copy()
        late[:n] += rng.uniform(0, 20e-3, (n, 1))
        variants.append((SCATTER, replace(candidate, delays=late)))
    return variants
