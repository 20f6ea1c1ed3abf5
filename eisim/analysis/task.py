"""Tasks: what a circuit should do over time, how well a response does it, and what the theorem implies."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

import numpy as np

from eisim.base.errors import InputError
from eisim.base.timing import Timing
from eisim.base.units import scalar_si, to_si
from eisim.base.values import Explained, Shown
from eisim.circuit import Circuit
from eisim.simulation.response import Response
from eisim.stimuli import is_labelled
from eisim.theory.required import best_share


class Obstruction(StrEnum):
    """What is expected to keep an excitatory-only circuit from a task: a face of T2, or dynamics; no proof."""

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
        What is expected to keep an excitatory-only circuit from performing the task.
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
    constant : float, optional
        Score of the best answer that ignores the stimuli; ``None``: unknown. The criterion has to be above it.
    required, answers, threshold : array_like of bool, callable, and float or array_like of shape (outputs,), optional
        The outputs that are required, trials (× outputs); from a response to the rates of the outputs, in Hz, of the
        same shape; and above which rate an output is given. With them the score is the share of trials with all outputs
        as required (`score` may be ``None``), and what constant answers and the best excitatory-only system score
        follows (`eisim.theory.required`): the latter where answers do not fall as a rate rises, which `assess` tries.
        Without a threshold, which could be re-fitted, `answers` gives bool.
    excitatory_only : callable, optional
        From a seed to an excitatory-only circuit, which shows what such circuits score at least; it is simulated with
        the same stimuli.
    levels, level : array_like of shape (trials,) and str, optional
        A number for each trial, such as its coherence, and what it is, with its unit: the share of trials with all
        outputs as `required` is also shown by level, as a psychometric curve.
    bound, proof : float and str, optional
        Score that no excitatory-only system exceeds, and why, in a sentence. ``None``: unknown, or from `required`.
    """

    circuit: Callable[[int], Circuit]
    stimuli: np.ndarray
    score: Callable[[Response], float] | None
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
    constant: float | None = None
    required: np.ndarray | None = None
    answers: Callable[[Response], np.ndarray] | None = None
    excitatory_only: Callable[[int], Circuit] | None = None
    bound: float | None = None
    proof: str = ""
    levels: np.ndarray | None = None
    level: str = ""
    threshold: float | np.ndarray | None = None

    def __post_init__(self):
        timing = Timing(self.duration, self.window, self.dt)
        for name in ("duration", "window", "dt"):
            object.__setattr__(self, name, getattr(timing, name))
        if is_labelled(self.stimuli):  # the order of its columns is that of no circuit yet
            raise InputError("Task.stimuli: expected an array in the order of the inputs, found a labelled table")
        object.__setattr__(self, "stimuli", to_si(self.stimuli, "1", "Task.stimuli"))
        object.__setattr__(self, "criterion", scalar_si(self.criterion, "1", "Task.criterion"))
        if not self.criterion > 0:
            raise InputError(f"Task.criterion: expected more than 0, found {self.criterion:g}")
        if not isinstance(self.measure, str):
            raise InputError(f"Task.measure: expected what the score measures, in words, found {self.measure!r:.60}")
        self._check_required()
        self._check_levels()
        for name in ("circuit", "score"):
            if not callable(getattr(self, name)):
                raise InputError(f"Task.{name}: expected a function, found {getattr(self, name)!r}")
        for name, expected in (("facts", "of the response"), ("excitatory_only", "from a seed to a Circuit")):
            if getattr(self, name) is not None and not callable(getattr(self, name)):
                raise InputError(f"Task.{name}: expected a function {expected}, found {getattr(self, name)!r}")
        self._check_limits()
        neurons = self.published_neurons
        if isinstance(neurons, bool) or not isinstance(neurons, (int, np.integer)) or neurons < 0:
            raise InputError(f"Task.published_neurons: expected a whole number of 0 or more, found {neurons!r}")
        if not isinstance(self.obstruction, Obstruction):
            members = ", ".join(f"Obstruction.{member.name}" for member in Obstruction)
            raise InputError(f"Task.obstruction: expected one of {members}, found {self.obstruction!r}")
        if self.obstruction.is_dynamical == (self.output is not None):
            expected = "none" if self.obstruction.is_dynamical else "a function of the response"
            raise InputError(f"Task.output: expected {expected} with the obstruction {self.obstruction!r}")

    def _check_required(self):
        """Make the score of required outputs, and what the best excitatory-only system can score."""
        if (self.required is None) != (self.answers is None):
            raise InputError("Task.required: expected together with Task.answers, found one of them")
        if self.required is None:
            if self.threshold is not None:
                raise InputError("Task.threshold: expected together with Task.required, found no required outputs")
            return
        required = np.asarray(self.required)
        if required.dtype != bool or required.ndim not in (1, 2) or len(required) != len(self.stimuli):
            found = f"{required.dtype} values of shape {required.shape}"
            raise InputError(f"Task.required: expected bool for each of {len(self.stimuli)} trials, found {found}")
        if not callable(self.answers):
            raise InputError(f"Task.answers: expected a function of the response, found {self.answers!r}")
        is_copy = getattr(self.score, "func", None) is share_right  # made by `dataclasses.replace`
        if not is_copy and (self.bound is not None or self.score is not None):
            given = "score" if self.bound is None else "bound"
            raise InputError(f"Task.{given}: expected none, since it follows from Task.required, found one")
        if self.threshold is not None:
            threshold = to_si(self.threshold, "hertz", "Task.threshold")
            if threshold.shape not in ((), required.shape[1:]):
                expected = f"one number, or one for each of {required.shape[1:]} outputs"
                raise InputError(f"Task.threshold: expected {expected}, found an array of shape {threshold.shape}")
            object.__setattr__(self, "threshold", threshold)
        object.__setattr__(self, "required", required)
        object.__setattr__(self, "score", partial(share_right, required, self.answers, threshold=self.threshold))
        object.__setattr__(self, "bound", best_share(self.stimuli, required))
        _, counts = np.unique(required.reshape(len(required), -1), axis=0, return_counts=True)
        constant = counts.max(initial=0) / max(1, len(required))  # the same outputs in every trial
        object.__setattr__(self, "constant", max(constant, 0.0 if is_copy else self.constant or 0.0))
        object.__setattr__(self, "proof", self.proof or "by the order of the trials and their required outputs")

    def _check_levels(self):
        if (self.levels is None) != (not self.level) or not isinstance(self.level, str):
            raise InputError(
                f"Task.level: expected what the levels are, just where there are any, found {self.level!r}"
            )
        if self.levels is None:
            return
        if self.required is None:
            raise InputError("Task.levels: expected together with Task.required, found no required outputs")
        levels = to_si(self.levels, "1", "Task.levels")
        if levels.shape != (len(self.stimuli),):
            expected = f"a number for each of {len(self.stimuli)} trials"
            raise InputError(f"Task.levels: expected {expected}, found an array of shape {levels.shape}")
        object.__setattr__(self, "levels", levels)

    def _check_limits(self):
        """Check what constant answers and excitatory-only systems score."""
        for name in ("constant", "bound"):
            if (value := getattr(self, name)) is not None:
                value = scalar_si(value, "1", f"Task.{name}")
                if not 0 <= value <= 1:
                    raise InputError(f"Task.{name}: expected from 0 to 1, found {value:g}")
                object.__setattr__(self, name, value)
        if (self.bound is None) != (not self.proof) or not isinstance(self.proof, str):
            raise InputError(f"Task.proof: expected a sentence just where there is a bound, found {self.proof!r:.60}")
        if self.constant is None:
            return
        if self.criterion <= self.constant:
            expected = f"more than the best constant answer scores, {self.constant:g}"
            raise InputError(f"Task.criterion: expected {expected}, found {self.criterion:g}")
        if self.bound is not None and self.bound < self.constant:
            expected = f"at least the score of a constant answer, {self.constant:g}, which needs no inhibition"
            raise InputError(f"Task.bound: expected {expected}, found {self.bound:g}")

    @property
    def times(self) -> dict[str, float]:
        """Duration, window and dt, in s, as `eisim.simulate` takes them."""
        return {"duration": self.duration, "window": self.window, "dt": self.dt}

    def __repr__(self):
        shape = " × ".join(map(str, self.stimuli.shape))
        return f"<Task: {self.measure}, at least {self.criterion:g}; {shape} stimuli; {self.obstruction}>"


def outputs_of(response: Response, answers: Callable, shape: tuple[int, ...], threshold=None) -> np.ndarray:
    """What a response answers: rates in Hz if they are compared with a threshold, else bool."""
    found = answers(response)
    found = np.asarray(found) if threshold is None else to_si(found, "hertz", "Task.answers")
    expected = "bool values" if threshold is None else "rates in Hz"
    if found.shape != shape or (found.dtype == bool) != (threshold is None):
        what = f"{found.dtype} values of shape {found.shape}"
        raise InputError(f"Task.answers: expected {expected} of shape {shape}, found {what}")
    return found


def are_right(outputs: np.ndarray, required: np.ndarray, threshold=None) -> np.ndarray:
    """Whether all outputs of each trial are as required."""
    given = outputs if threshold is None else outputs > threshold
    return (given == required).reshape(len(required), -1).all(axis=1)


def share_right(required: np.ndarray, answers: Callable, response: Response, threshold=None) -> float:
    """Share of trials in which all outputs are as required."""
    outputs = outputs_of(response, answers, required.shape, threshold)
    return float(are_right(outputs, required, threshold).mean())


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
