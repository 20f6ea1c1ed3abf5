"""Tasks: what a circuit should do over time, how well a response does it, and what the theorem implies."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from eisim.base.errors import InputError
from eisim.base.timing import Timing
from eisim.base.units import scalar_si, to_si
from eisim.base.values import Explained, Shown
from eisim.circuit import Circuit
from eisim.simulation.response import Response
from eisim.stimuli import is_labelled


class Obstruction(StrEnum):
    """Why an excitatory-only circuit cannot do a task: a face of the theorem (T2), or a fact of dynamics."""

    POSITIVE_SLOPE = "boundary of positive slope"
    CLOSED_REGION = "closed region"
    DECREASING = "decreasing in an input"
    STABILITY = "dynamical: stability"
    RHYTHM = "dynamical: no attracting oscillation"

    @property
    def is_dynamical(self) -> bool:
        """Whether the obstruction is of the dynamics, not of what can be represented."""
        return self.value.startswith("dynamical")


@dataclass(frozen=True, eq=False, repr=False)
class Task(Shown):
    """What a circuit should do over time, and a score of how well a response does it.

    Attributes
    ----------
    circuit : callable
        From a seed (int) to the circuit, whose random connections and heterogeneity that seed fixes.
    stimuli : array_like of shape (trials, inputs) or (trials, time, inputs)
        In units of each input's rate.
    score : callable
        From the response of one circuit, with one seed, to a number: 1 if it fully performs the task, 0 if not at all.
    measure : str
        What the score measures: ``"share of trials in which the stronger side is chosen"``.
    criterion : float
        The function counts as kept while the score is at least this.
    obstruction : Obstruction
        What prevents an excitatory-only circuit from performing the task.
    output : callable, optional
        From a response to one rate (Hz) for each trial, of which order is asked: two trials x <= y with a falling
        output are a witness. ``None`` where the obstruction is dynamical.
    duration, window, dt : quantity
        Length of a trial, of the read-out window at its end, and of a time step, in s.
    record : bool
        Whether the score needs spikes (or rates over time).
    published_neurons : int
        Neurons of the circuit as it was published, where the task takes a smaller one; 0: it is no smaller.
    facts : callable, optional
        From the response of the intact circuit to published numbers, each with that of the response, as `Fact`.
    """

    circuit: Callable[[int], Circuit]
    stimuli: np.ndarray
    score: Callable[[Response], float]
    measure: str
    obstruction: Obstruction
    criterion: float = 0.5
    output: Callable[[Response], np.ndarray] | None = None
    duration: float = 300e-3
    window: float = 200e-3
    dt: float = 0.1e-3
    record: bool = False
    published_neurons: int = 0
    facts: Callable[[Response], Iterable["Fact"]] | None = None

    def __post_init__(self):
        timing = Timing(self.duration, self.window, self.dt)
        for name in ("duration", "window", "dt"):
            object.__setattr__(self, name, getattr(timing, name))
        if is_labelled(self.stimuli):  # the order of its columns is that of no circuit yet
            raise InputError("Task.stimuli: expected an array in the order of the inputs, found a labelled table")
        object.__setattr__(self, "stimuli", to_si(self.stimuli, "1", "Task.stimuli"))
        object.__setattr__(self, "criterion", scalar_si(self.criterion, "1", "Task.criterion"))
        if not isinstance(self.measure, str):
            raise InputError(f"Task.measure: expected what the score measures, in words, found {self.measure!r:.60}")
        for name in ("circuit", "score"):
            if not callable(getattr(self, name)):
                raise InputError(f"Task.{name}: expected a function, found {getattr(self, name)!r}")
        if self.facts is not None and not callable(self.facts):
            raise InputError(f"Task.facts: expected a function of the response, found {self.facts!r}")
        if isinstance(self.published_neurons, bool) or not isinstance(self.published_neurons, (int, np.integer)):
            raise InputError(f"Task.published_neurons: expected a whole number, found {self.published_neurons!r}")
        if self.published_neurons < 0:
            raise InputError(f"Task.published_neurons: expected 0 or more, found {self.published_neurons}")
        if not isinstance(self.obstruction, Obstruction):
            members = ", ".join(f"Obstruction.{member.name}" for member in Obstruction)
            raise InputError(f"Task.obstruction: expected one of {members}, found {self.obstruction!r}")
        if self.obstruction.is_dynamical == (self.output is not None):
            expected = "none" if self.obstruction.is_dynamical else "a function of the response"
            raise InputError(f"Task.output: expected {expected} with the obstruction {self.obstruction!r}")

    def __repr__(self):
        shape = " × ".join(map(str, self.stimuli.shape))
        return f"<Task: {self.measure}, at least {self.criterion:g}; {shape} stimuli; {self.obstruction}>"


@dataclass(frozen=True)
class Fact(Explained):
    """A published number and ours.

    Attributes
    ----------
    what : str
        With its unit: ``"rate at g = 5, eta = 2 (Hz)"``.
    published, ours : float
    tolerance : float
        Largest difference that counts as reproduced, in the unit of the number.
    source : str
        Where the number was published: ``"Brunel 2000, fig. 8C"``.
    """

    what: str
    published: float
    ours: float
    tolerance: float
    source: str

    @property
    def is_reproduced(self) -> bool:
        """Whether ours is within the tolerance of the published number."""
        return abs(self.ours - self.published) <= self.tolerance
