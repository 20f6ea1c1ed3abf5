"""Results of an assessment: scores by fraction, verdicts, witnesses, problems."""

from dataclasses import dataclass, field, replace

import numpy as np

from eisim.analysis.mean_field_check import Prediction
from eisim.analysis.statistics import Estimate, over_seeds
from eisim.analysis.task import Fact, Obstruction
from eisim.base.display import display, labelled, plotted, tabulated
from eisim.base.values import Brief, Shown
from eisim.circuit import Circuit
from eisim.studies.curves import AblationCurve
from eisim.studies.judgement import shared
from eisim.studies.result import OfParts
from eisim.studies.tasks.witness import Witness


@dataclass(frozen=True, eq=False, repr=False)
class Psychometric(Brief):
    """Share of trials with all outputs as required, by what sets how hard a trial is."""

    level: str  # what that is, with its unit: "coherence (%)"
    levels: np.ndarray  # (levels,), rising
    right: np.ndarray  # (doses, seeds, levels)
    is_exact: bool  # whether nothing is random, so that there is no interval

    def estimate(self, dose: int, level: int) -> Estimate:
        """Mean over seeds with its interval, at a place of the doses and of the levels."""
        return over_seeds(self.right[dose, :, level], self.is_exact)


@dataclass(frozen=True, eq=False, repr=False)
class Judged(Shown):
    """Outcome for one kind of circuit."""

    kind: str  # "rate" or "spiking"
    neurons: int  # of one circuit
    measure: str  # what the score measures, as text
    obstruction: Obstruction  # what prevents an excitatory-only circuit from performing it
    systems: dict[str, AblationCurve]  # by system: "spiking", or "rate" and "dnn"
    witness: Witness | None  # none if the obstruction is dynamical, or no pair of trials falls
    equivalence_error: float | None  # of a rate circuit without noise from its DNN, in Hz, the largest
    problems: tuple[str, ...]  # contradictions of the theory, and checks that failed
    predicted: tuple[Prediction, ...] = ()  # of a spiking circuit, by population, for a few trials
    unpredicted: str = ""  # why there is no prediction, or ""
    circuit: Circuit | None = None  # the intact circuit of the first seed
    output: str = ""  # what the output of the task is, as its function's docstring says
    published_neurons: int = 0  # of the circuit as it was published, where this one is smaller; else 0
    proof: str = ""  # of the bound on excitatory-only systems, if there is one
    psychometric: Psychometric | None = None  # of a task whose trials have levels
    facts: tuple[Fact, ...] = ()  # published numbers and those of the intact circuit of the first seed

    def __repr__(self):
        verdicts = ", ".join(f"{name} {curve.verdict}" for name, curve in self.systems.items())
        return f"<Judged: {self.kind} circuit of {self.neurons} neurons: {verdicts}>"

    @property
    def curves(self) -> tuple[AblationCurve, ...]:
        """The ablation curves of all systems."""
        return tuple(self.systems.values())


@dataclass(frozen=True, eq=False, repr=False)
class Assessment(Shown):
    """A task against the fraction ablated; printed, it is a table.

    Attributes
    ----------
    name : str
        Of the circuit.
    function : str
        Established name of its function: ``"decide"``.
    how : str
        The ablation, as `eisim.ablation.dose` reads it.
    doses : ndarray of shape (doses,)
    seeds : tuple of int
        Each fixes the circuit, and the noise of its simulation.
    kinds : dict of str to Judged
        By ``"spiking"`` and ``"rate"``.
    left_out : dict of str to str
        Kinds without the ablated element, and why.
    published : tuple of Fact
        Published numbers and ours, as the model's ``published`` last measured them.
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
        """The verdict that all systems share, or ``"differs"``."""
        return shared(curve.judgement for curve in self.curves)[0]

    @property
    def reason(self) -> str | None:
        """The reason of a loss that all systems share, or ``"differs"``."""
        return shared(curve.judgement for curve in self.curves)[1]

    @property
    def problems(self) -> list[str]:
        """Contradictions of the theory, and checks that failed."""
        return [f"{self.name}, {kind}: {text}" for kind, judged in self.kinds.items() for text in judged.problems]

    plot = plotted("Draw the score against the fraction removed: mean and range over seeds, of every system.")

    def __str__(self):
        return display("text", self)(self)

    to_dataframe = tabulated(
        "One row for each system, as a pandas DataFrame: scores, critical fraction, verdict, witness."
    )

    to_xarray = labelled("Scores and critical fractions, as an `xarray.Dataset`: circuit × system × dose × seed.")


@dataclass(frozen=True, eq=False, repr=False)
class Survey(OfParts, Shown, of="assessments"):
    """Assessments of several circuits by the same ablation."""

    assessments: tuple[Assessment, ...]
    left_out: dict[str, str] = field(default_factory=dict)  # models without the ablated element, and why
    quick: bool = False  # whether tasks are small, factors few, and the mean field is left out

    def __repr__(self):
        verdicts = "; ".join(f"{each.name}: {each.verdict}" for each in self.assessments)
        return f"<Survey of {len(self.assessments)} circuits: {verdicts}>"

    to_dataframe = tabulated(
        "One row for each circuit and system, as a pandas DataFrame: scores, critical fraction, verdict, witness."
    )

    to_xarray = labelled("Scores and critical fractions, as an `xarray.Dataset`: circuit × system × dose × seed.")

    plot = plotted("Draw at which fraction each circuit loses its function.")
