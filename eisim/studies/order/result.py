"""The whole study: order along time in random rate and spiking circuits, and the search for where it breaks most."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from eisim.base.progress import headed
from eisim.base.timing import Timing
from eisim.studies.order.rate import RateResult, begin_to_measure
from eisim.studies.order.search import SearchResult, search
from eisim.studies.order.spiking import ConditionResult, condition_results, draw_conditions


@dataclass(frozen=True, eq=False)
class DynamicsResult:
    """Order along time in rate and in spiking circuits."""

    curves = ()  # order is counted, nothing is ablated by fractions

    rate: RateResult | None = None  # if requested
    conditions: tuple[ConditionResult, ...] = ()  # random spiking circuits, if requested
    search: tuple[SearchResult, ...] = ()  # the strongest violations among spiking circuits, likewise

    @property
    def violations(self) -> tuple[SearchResult, ...]:
        """Findings of the search that are violations: the readout falls."""
        return tuple(s for s in self.search if s.found.fall > 0)

    @property
    def problems(self) -> list[str]:
        """Contradictions of the theory, and checks that failed."""
        return self.rate.problems if self.rate else []


def measure(
    circuits: int,
    inputs: int,
    population: int,
    generations: int,
    timing: Timing,
    rate_dt: float,
    kinds: Sequence[str],
    seed: int,
    backend: str,
    report: Callable[..., None],
) -> DynamicsResult:
    """Count how often `circuits` random circuits of each sort break order, and search for the strongest violation.

    Each gets ordered `inputs`; rate circuits have a time step of their own, in s. For the search see `search`.
    """
    of_rates, of_spikes, of_search = np.random.SeedSequence(seed).spawn(3)
    rates, conditions, found = None, (), ()
    if "rate" in kinds:
        how = {"duration": timing.duration, "dt": rate_dt, "backend": backend}
        rates = begin_to_measure(circuits, inputs, seed=of_rates, report=headed(report, "rate circuits"), **how)
    if "spiking" in kinds:
        drawn = draw_conditions(circuits, inputs, of_spikes)
        how = {"others": drawn, "backend": backend, "report": headed(report, "spiking circuits")}
        found, responses = search(population, generations, inputs, timing, seed=of_search, **how)
        conditions = condition_results(responses)
    return DynamicsResult(rates() if rates else None, conditions, found)
