"""What the experiment on order along time found."""

from dataclasses import dataclass

from eisim.studies.curves import AblationCurve
from eisim.studies.order.rate import RateResult
from eisim.studies.order.search import SearchResult
from eisim.studies.order.spiking import ConditionResult


@dataclass(frozen=True, eq=False)
class DynamicsResult:
    """Order along time in rate and in spiking circuits.

    Attributes
    ----------
    rate : RateResult or None
        ``None`` if rate circuits were not asked for.
    conditions : tuple of ConditionResult
        Random spiking circuits; empty if they were not asked for.
    search : tuple of SearchResult
        The strongest violations among spiking circuits; empty likewise.
    """

    rate: RateResult | None = None
    conditions: tuple[ConditionResult, ...] = ()
    search: tuple[SearchResult, ...] = ()

    @property
    def violations(self) -> tuple[SearchResult, ...]:
        """What the search found, where that is a violation: the readout falls."""
        return tuple(s for s in self.search if s.found.fall > 0)

    @property
    def curves(self) -> tuple[AblationCurve, ...]:
        """None: order is counted, nothing is ablated by fractions."""
        return ()

    @property
    def problems(self) -> list[str]:
        """Contradictions of the theory, and checks that failed."""
        return self.rate.problems if self.rate else []
