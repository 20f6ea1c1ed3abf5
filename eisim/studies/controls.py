"""Controls of a full ablation: the circuits to simulate beside the ablated one, and the scores that they give."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from eisim.analysis.readout import refitted
from eisim.base.values import Brief
from eisim.circuit import Circuit
from eisim.controls import compensate, excitation, removed_weight, sham_excitation, sham_random, total_weight
from eisim.simulation.response import Response
from eisim.studies.judgement import Controls, Shams

#: Factors by which excitation is scaled to compensate.
FACTORS = (0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1)
#: The same where simulation costs little.
DENSE = tuple(round(1 - k / 20, 2) for k in range(1, 20))
#: Excitation between populations is also taken away.
NONE = 0.0
#: What they scale.
BETWEEN, ALL = "excitation between populations", "all excitation"
#: Draws of random synapses in a system in which nothing else is random.
DRAWS = 10
#: The same where a circuit takes long: less than twice the time of the ablation curve.
FEW_FACTORS, FEW_DRAWS = (0.8, 0.6, 0.4, 0.2), 3
#: A readout does not tell rates apart that differ by less than this share of the largest intact rate; by less, the
#: more points there are beyond so many. Else a threshold would be fitted to what is left of a transient.
RESOLUTION, POINTS = 1e-3, 16
#: Shams are done of the full ablation, and of those closest to these shares of it.
SHARES = (0.25, 0.5, 0.75)


@dataclass(frozen=True, eq=False, repr=False)
class Variant(Brief):
    """A circuit under one control."""

    condition: str  # "compensated", "sham_excitation" or "sham_random"
    circuit: Circuit | None  # None: a network of Brian2, which is scaled as it runs
    scale: float | None = None
    scaled: str = ""
    fraction: float = 1.0  # of the ablation that a sham equals
    taken: tuple[float, float] | None = None  # by a random sham: synapses, and weight as a share of the ablation's


def variants(
    intact: Circuit, ablated: Circuit, draws: Sequence[int] = range(DRAWS), factors: Sequence[float] = FACTORS
) -> list[Variant]:
    """The controls of an ablation, except re-fitting, which needs no simulation; none if it changed nothing."""
    if ablated is intact:
        return []
    found = []
    if between := excitation(ablated):
        found += [Variant("compensated", compensate(ablated, f), f, BETWEEN) for f in [*factors, NONE]]
    if len(excitation(ablated, inputs=True)) > len(between):
        found += [Variant("compensated", compensate(ablated, f, inputs=True), f, ALL) for f in factors]
    return found + shams(intact, ablated, draws)


def finer(ablated: Circuit, tried: Sequence[Variant], best: int) -> list[Variant]:
    """Scales of excitation between that at a place, the best of those tried, and the next ones."""
    scaled, at = tried[best].scaled, tried[best].scale
    factors = sorted(v.scale for v in tried if v.condition == "compensated" and v.scaled == scaled)
    k = factors.index(at)
    ends = [at - factors[k - 1] if k else at, factors[k + 1] - at if k + 1 < len(factors) else 1 - at]
    steps = np.arange(1, 3) / 3
    more = np.concatenate([at - ends[0] * steps, at + ends[1] * steps]).round(6).tolist()
    inputs = scaled == ALL
    return [Variant("compensated", compensate(ablated, f, inputs=inputs), f, scaled) for f in more if f > 0]


def shams(intact: Circuit, ablated: Circuit, draws: Sequence[int], fraction: float = 1.0) -> list[Variant]:
    """The intact circuit without as much summed weight as an ablation took, elsewhere; none if it took nothing."""
    found, weight = [], removed_weight(intact, ablated)
    if weight and excitation(intact):
        found.append(Variant("sham_excitation", sham_excitation(intact, weight), fraction=fraction))
    for draw in draws if weight else ():
        sham = sham_random(intact, weight, seed=draw)
        found.append(Variant("sham_random", sham, fraction=fraction, taken=_taken(intact, sham, weight)))
    return found


def _taken(intact: Circuit, sham: Circuit, weight: float) -> tuple[float, float]:
    """Synapses that a random sham took, and their weight as a share of that which the ablation took."""
    synapses, taken = 0, 0.0
    for before, after in zip(intact.projections, sham.projections, strict=True):
        if before is not after:
            synapses += int(np.count_nonzero(intact.weights(before).data) - np.count_nonzero(sham.weights(after).data))
            taken += total_weight(intact, before) - total_weight(sham, after)
    return float(synapses), taken / weight


def partial_shams(intact: Circuit, weakened: Sequence[Circuit], fractions: Sequence[float]) -> list[Variant]:
    """Shams of some ablations weaker than the last, which is full, with one draw each."""
    fractions = np.asarray(fractions)
    places = {int(np.abs(fractions - share * fractions[-1]).argmin()) for share in SHARES} - {len(fractions) - 1}
    return [sham for k in sorted(places) for sham in shams(intact, weakened[k], [0], float(fractions[k]))]


@dataclass(frozen=True, eq=False)
class Answers(Brief):
    """What a system answered under one condition, and how it is scored."""

    scores: np.ndarray  # (seeds,): as it is
    rates: np.ndarray | None = None  # (seeds, points): of a readout whose threshold can be re-fitted
    mean_rate: float | None = None  # of all neurons, in Hz


def of_controls(
    intact: Answers,
    ablated: Answers,
    tried: Sequence[tuple[Variant, Answers]],
    is_exact: bool,
    values: np.ndarray | None = None,
    weights: np.ndarray | None = None,
) -> Controls:
    """The scores under the controls.

    What is fitted (the threshold, if `values` say what is asked for, and the scale of excitation) is fitted to one half
    of the seeds and scored on the other, and the other way round; of an exact system, on the same data.
    """
    every = np.arange(len(intact.scores))
    halves = [(every, every)]
    if not is_exact and len(every) > 1:
        halves = [(every[::2], every[1::2]), (every[1::2], every[::2])]

    finest = 0.0 if values is None or intact.rates is None else resolution(intact.rates)

    def scorer(answers: Answers):
        if values is None or answers.rates is None:
            return lambda fitted, scored: answers.scores[scored]
        return partial(refitted, answers.rates, values, weights=weights, resolution=finest)

    def crossed(scorers: Sequence[Callable]) -> np.ndarray:
        found = np.empty(len(every))
        for fitted, scored in halves:
            best = max(scorers, key=lambda score: score(fitted, fitted).mean())
            found[scored] = best(fitted, scored)
        return found

    def of(condition, fraction=1.0):
        return [(v, answers) for v, answers in tried if v.condition == condition and v.fraction == fraction]

    found = {}
    if values is not None:
        found |= {"refitted": crossed([scorer(ablated)]), "intact_refitted": crossed([scorer(intact)])}
    if compensated := of("compensated"):
        scorers = [scorer(answers) for _, answers in compensated]
        k = max(range(len(scorers)), key=lambda k: (scorers[k](every, every).mean(), -_from(compensated[k][1], intact)))
        (variant, answers), found["compensated"] = compensated[k], crossed(scorers)
        found |= {"scale": variant.scale, "scaled": variant.scaled}
        if answers.mean_rate is not None and intact.mean_rate:
            found["rate"] = answers.mean_rate / intact.mean_rate

    def of_shams(fraction):
        scores = {}
        for condition in ("sham_excitation", "sham_random"):
            if draws := [answers.scores for _, answers in of(condition, fraction)]:
                scores[condition] = draws[0] if len(draws) == 1 else np.array([each.mean() for each in draws])
        return scores

    found["taken"] = next((v.taken for v, _ in of("sham_random")), None)
    fractions = sorted({variant.fraction for variant, _ in tried} - {1.0})
    found["partial"] = tuple(Shams(fraction, **of_shams(fraction)) for fraction in fractions)
    return Controls(**found, **of_shams(1.0))


def resolution(rates: np.ndarray) -> float:
    """Difference of rates (… × points) up to which a readout does not tell them apart, given those when intact."""
    largest = np.abs(rates, where=np.isfinite(rates), out=np.zeros(rates.shape)).max(initial=0.0)
    return RESOLUTION * float(largest) / max(1.0, rates.shape[1] / POINTS)


def _from(answers: Answers, intact: Answers) -> float:
    """How far the mean rate is from the intact one, by its logarithm: of equal scores the closest one counts."""
    rates = answers.mean_rate, intact.mean_rate
    return abs(np.log(rates[0] / rates[1])) if all(rates) else np.inf


def mean_rate(response: Response) -> float:
    """Mean over all neurons, trials and seeds, in Hz."""
    total = sum(float(rates.sum()) for rates in response.rates.values())
    return total / max(1, sum(rates.size for rates in response.rates.values()))
