"""Base of the results of all studies."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Protocol, runtime_checkable

from eisim.studies.curves import AblationCurve


@runtime_checkable
class Result(Protocol):
    """Result of a study."""

    @property
    def curves(self) -> tuple[AblationCurve, ...]:
        """The ablation curves of all functions and systems; none of a study that ablates nothing."""

    @property
    def problems(self) -> Sequence[str]:
        """Contradictions of the theory, and checks that failed."""


class OfParts(ABC):
    """Mixin for results of several results, whose curves and problems are those of its parts."""

    @property
    @abstractmethod
    def parts(self) -> Iterable[Result]:
        """The results that it is made of."""

    @property
    def curves(self) -> tuple[AblationCurve, ...]:
        """The ablation curves of all parts."""
        return tuple(curve for part in self.parts for curve in part.curves)

    @property
    def problems(self) -> list[str]:
        """Contradictions of the theory, and checks that failed."""
        return [problem for part in self.parts for problem in part.problems]
