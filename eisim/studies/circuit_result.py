"""What the experiment on a circuit of the user's own found."""

from dataclasses import dataclass

from eisim.studies.boolean import AblationResult
from eisim.studies.circuit import OwnCircuit
from eisim.studies.curves import AblationCurve
from eisim.studies.points import OnPoints


@dataclass(frozen=True, eq=False)
class OwnResult:
    """What was measured of a circuit of the user's own."""

    own: OwnCircuit
    ablation: AblationResult | None  # if its functions are truth tables, and it has an equivalent DNN
    on_points: tuple[OnPoints, ...] = ()  # else, for each output

    @property
    def notes(self) -> tuple[str, ...]:
        """What was found or left out on the way, in words."""
        why = self.own.without_dnn
        return self.own.notes + ((f"Without DNN and best excitatory-only circuit: {why}.",) if why else ())

    @property
    def curves(self) -> tuple[AblationCurve, ...]:
        """An ablation curve for each function and system."""
        found = self.on_points if self.ablation is None else self.ablation.cases
        return tuple(curve for each in found for curve in each.curves)

    @property
    def problems(self) -> list[str]:
        """Contradictions of the theory, and checks that failed."""
        if self.ablation is not None:
            return self.ablation.problems
        return [problem for each in self.on_points for problem in each.problems]
