"""Base of the results of all studies."""

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


class OfParts:
    """Mixin for results of several results, in the field `of` that its class names, as a sequence or by name."""

    _of: str

    def __init_subclass__(cls, of: str = "", **keywords):
        super().__init_subclass__(**keywords)
        cls._of = of

    @property
    def parts(self) -> Iterable[Result]:
        """The results that it is made of."""
        found = getattr(self, self._of)
        return found.values() if isinstance(found, dict) else found

    @property
    def curves(self) -> tuple[AblationCurve, ...]:
        """The ablation curves of all parts."""
        return tuple(curve for part in self.parts for curve in part.curves)

    @property
    def problems(self) -> list[str]:
        """Contradictions of the theory, and checks that failed."""
        return [problem for part in self.parts for problem in part.problems]
