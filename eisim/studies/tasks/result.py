"""What an assessment found: scores by dose, verdicts, witnesses, problems."""

from dataclasses import dataclass, field, replace

import numpy as np

from eisim.analysis.mean_field_check import Prediction
from eisim.analysis.task import Fact, Obstruction
from eisim.base.display import display, labelled, plotted, tabulated
from eisim.base.values import Shown
from eisim.circuit import Circuit
from eisim.studies.curves import AblationCurve
from eisim.studies.tasks.witness import Witness


@dataclass(frozen=True, eq=False, repr=False)
class Judged(Shown):
    """What became of one kind of circuit.

    Attributes
    ----------
    kind : {"rate", "spiking"}
    neurons : int
        Of one circuit.
    measure : str
        What the score is, in words.
    obstruction : Obstruction
        What stands in the way of an excitatory-only circuit.
    systems : dict of str to AblationCurve
        Of the ``"spiking"`` circuit, or of the ``"rate"`` circuit and its ``"dnn"``.
    witness : Witness or None
        ``None`` if the obstruction is dynamical, or no pair of trials falls.
    equivalence_error : float or None
        Largest difference of a rate between a rate circuit and its DNN, in Hz; ``None`` for a circuit with noise,
        whose DNN is that of the circuit without.
    problems : tuple of str
        Contradictions of the theory, and checks that failed.
    predicted : tuple of Prediction
        Of a spiking circuit: by population, what its mean-field predicts for a few trials.
    unpredicted : str
        Why there is no prediction, or "".
    circuit : Circuit or None
        The intact circuit of the first seed.
    output : str
        What the output of the task is, as its function's docstring says; "" if it has none.
    published_neurons : int
        Of the circuit as it was published, where this one is smaller; else 0.
    facts : tuple of Fact
        Published numbers beside those of the intact circuit of the first seed.
    """

    kind: str
    neurons: int
    measure: str
    obstruction: Obstruction
    systems: dict[str, AblationCurve]
    witness: Witness | None
    equivalence_error: float | None
    problems: tuple[str, ...]
    predicted: tuple[Prediction, ...] = ()
    unpredicted: str = ""
    circuit: Circuit | None = None
    output: str = ""
    published_neurons: int = 0
    facts: tuple[Fact, ...] = ()

    def __repr__(self):
        verdicts = ", ".join(f"{name} {curve.verdict}" for name, curve in self.systems.items())
        return f"<Judged: {self.kind} circuit of {self.neurons} neurons: {verdicts}>"

    @property
    def curves(self) -> tuple[AblationCurve, ...]:
        """The ablation curves of all systems."""
        return tuple(self.systems.values())


@dataclass(frozen=True, eq=False, repr=False)
class Assessment(Shown):
    """A task against the dose of ablation; printed, it is a table.

    Attributes
    ----------
    name : str
        Of the circuit.
    function : str
        What neuroscientists call what it does: ``"decide"``.
    how : str
        The ablation, as `eisim.ablation.dose` reads it.
    doses : ndarray of shape (doses,)
    seeds : tuple of int
        Each fixes the circuit, and the noise of its simulation.
    kinds : dict of str to Judged
        By ``"spiking"`` and ``"rate"``.
    left_out : dict of str to str
        Kinds that have nothing of what is ablated, and why.
    published : tuple of Fact
        Published numbers beside ours, as the model's ``published`` last measured them.
    """

    name: str
    function: str
    how: str
    doses: np.ndarray
    seeds: tuple[int, ...]
    kinds: dict[str, Judged]
    left_out: dict[str, str] = field(default_factory=dict)
    published: tuple[Fact, ...] = ()

    def __repr__(self):
        doses, seeds = len(self.doses), len(self.seeds)
        return f"<Assessment of {self.name!r} by {self.how!r}: {self.verdict}; {doses} doses, {seeds} seeds>"

    @property
    def systems(self) -> dict[str, AblationCurve]:
        """The ablation curves of all kinds, by system."""
        return {name: curve for judged in self.kinds.values() for name, curve in judged.systems.items()}

    @property
    def curves(self) -> tuple[AblationCurve, ...]:
        """The ablation curves of all kinds and systems."""
        return tuple(replace(curve, function=self.name) for curve in self.systems.values())

    @property
    def verdict(self) -> str:
        """The verdict, if all systems have the same, or that of each system."""
        verdicts = {name: curve.verdict for name, curve in self.systems.items()}
        if len(set(verdicts.values())) == 1:
            return next(iter(verdicts.values()))
        return ", ".join(f"{name}: {verdict}" for name, verdict in verdicts.items())

    @property
    def problems(self) -> list[str]:
        """Contradictions of the theory, and checks that failed."""
        return [f"{self.name}, {kind}: {text}" for kind, judged in self.kinds.items() for text in judged.problems]

    plot = plotted("Draw the score against the fraction removed: mean and range over seeds, of every system.")

    def __str__(self):
        return display("text", self)(self)

    to_dataframe = tabulated("One row for each system, as a pandas DataFrame: scores, critical dose, verdict, witness.")

    to_xarray = labelled("Scores and critical doses, as an `xarray.Dataset`: circuit × system × dose × seed.")


@dataclass(frozen=True, eq=False, repr=False)
class Survey(Shown):
    """Assessments of several circuits by the same ablation.

    Attributes
    ----------
    assessments : tuple of Assessment
    left_out : dict of str to str
        Models that have nothing of what is ablated, and why.
    """

    assessments: tuple[Assessment, ...]
    left_out: dict[str, str] = field(default_factory=dict)

    def __repr__(self):
        verdicts = "; ".join(f"{each.name}: {each.verdict}" for each in self.assessments)
        return f"<Survey of {len(self.assessments)} circuits: {verdicts}>"

    @property
    def curves(self) -> tuple[AblationCurve, ...]:
        """The ablation curves of all circuits and systems."""
        return tuple(curve for assessment in self.assessments for curve in assessment.curves)

    @property
    def problems(self) -> list[str]:
        """Contradictions of the theory, and checks that failed."""
        return [problem for assessment in self.assessments for problem in assessment.problems]

    to_dataframe = tabulated(
        "One row for each circuit and system, as a pandas DataFrame: scores, critical dose, verdict, witness."
    )

    to_xarray = labelled("Scores and critical doses, as an `xarray.Dataset`: circuit × system × dose × seed.")

    plot = plotted("Draw at which fraction each circuit loses its function.")
