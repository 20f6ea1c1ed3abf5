"""What every study's result has."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from eisim.studies.curves import AblationCurve


@runtime_checkable
class Result(Protocol):
    """What a study found."""

    @property
    def curves(self) -> tuple[AblationCurve, ...]:
        """The ablation curves of all functions and systems; none of a study that ablates nothing."""

    @property
    def problems(self) -> Sequence[str]:
        """Contradictions of the theory, and checks that failed."""
