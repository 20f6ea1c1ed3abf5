"""Results of the experiment on order over time."""

from dataclasses import dataclass

from eisim.studies.order.rate import RateResult
from eisim.studies.order.search import SearchResult
from eisim.studies.order.spiking import ConditionResult


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
