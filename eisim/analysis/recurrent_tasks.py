"""Tasks of recurrent networks: inputs over time, and what a network should answer at the end of a trial.

Inputs are non-negative, since they excite: a signed quantity comes in two channels. Each answer is an output above or
below one threshold, not the largest of several outputs: a comparison would be an inhibition by the readout.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from eisim.base import memory
from eisim.base.errors import InputError, explains_arguments
from eisim.base.seeds import Seed, seed_of
from eisim.base.units import to_si
from eisim.base.values import Brief, ByName

#: An output above it says yes.
THRESHOLD = 0.5
#: Time step, in s, and time without input at the start of a trial and for the answer at its end, in steps.
DT = 20e-3
BEFORE, WINDOW = 5, 10
#: Error of an angle from which on an answer scores 0: a quarter of a circle.
QUARTER = np.pi / 2
#: Memory that a trial takes at least, in bytes.
TRIAL = 1000
#: Numbers of one parameter of a task, and the longest delay, in s.
MOST, LONGEST = 100, 10.0


@dataclass(frozen=True, eq=False, repr=False)
class Trials(Brief):
    """Inputs and what is asked for."""

    stimuli: np.ndarray  # (trials, time, inputs), of 0 or more
    targets: np.ndarray  # (trials, outputs), from 0 to 1: at the end of each trial
    conditions: np.ndarray  # (trials,): place of each trial's condition in those of the task


@dataclass(frozen=True, eq=False, repr=False)
class RecurrentTask(Brief):
    """What a recurrent network should answer at the end of a trial.

    Attributes
    ----------
    name : str
    inputs, outputs : tuple of str
        Their names.
    conditions : ndarray of shape (conditions, parameters)
        What a trial is made of, such as its coherence; they occur equally often.
    make : callable
        ``make(conditions, rng)`` gives stimuli, trials × time × inputs, and targets, trials × outputs, of trials in
        these conditions; ``rng`` is a ``numpy.random.Generator``, which draws their noise.
    levels, level : ndarray of shape (conditions,) and str
        A number for each condition, and what it is, with its unit: the score is shown by level (a psychometric curve).
    criterion : float
        The task counts as performed from this score on.
    constant : float
        Score of the best constant answer.
    is_angle : bool
        Whether the two outputs are the cosine and the sine of an angle, moved to 0 to 1; else each is yes or no.
    dt : float
        Time step, in s.
    window : int
        Steps at the end of a trial over which an output is averaged.
    """

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    conditions: np.ndarray
    make: Callable[[np.ndarray, np.random.Generator], tuple[np.ndarray, np.ndarray]]
    levels: np.ndarray
    level: str
    criterion: float = 0.85
    constant: float = 0.5
    is_angle: bool = False
    dt: float = DT
    window: int = WINDOW

    def trials(self, number: int | None = None, seed: Seed = 0, shuffled: bool = False) -> Trials:
        """Draw trials.

        Parameters
        ----------
        number : int, optional
            One trial of each condition by default. Conditions follow each other in order, again and again.
        seed : int or Generator
            Draws the noise.
        shuffled : bool
            Whether to draw the condition of each trial.

        Returns
        -------
        Trials

        Raises
        ------
        InputError
            For a number below 1.
        """
        n = len(self.conditions)
        number = n if number is None else number
        if isinstance(number, bool) or not isinstance(number, (int, np.integer)) or number < 1:
            raise InputError(f"{self.name}: number: expected a whole number of 1 or more, found {number!r:.60}")
        memory.check(f"{self.name}: number", float(number) * TRIAL, f"{number:,} trials")
        rng = np.random.default_rng(seed_of(seed, f"{self.name}: seed"))
        chosen = rng.integers(n, size=number) if shuffled else np.arange(number) % n
        return Trials(*self.make(self.conditions[chosen], rng), chosen)

    def marks(self, outputs: np.ndarray, targets: np.ndarray, threshold: float = THRESHOLD) -> np.ndarray:
        """Score of each trial, from 0 to 1.

        Parameters
        ----------
        outputs : ndarray of shape (..., trials, outputs)
            Their means over the window at the end of each trial.
        targets : ndarray of shape (trials, outputs)
        threshold : float
            Above it an output says yes.

        Returns
        -------
        ndarray of shape (..., trials)
            1 where all outputs are on the side of the threshold that is asked for; of an angle 1 less its error as a
            share of 90 degrees, at least 0.
        """
        outputs, targets = (_plain(each, f"{self.name}: marks") for each in (outputs, targets))
        if outputs.ndim < 2 or outputs.shape[-2:] != targets.shape:
            expected = f"outputs of shape (..., trials, outputs) as targets have, {targets.shape}"
            raise InputError(f"{self.name}: marks: expected {expected}, found {outputs.shape}")
        if not self.is_angle:
            return ((outputs > threshold) == (targets > THRESHOLD)).all(axis=-1).astype(float)
        error = np.angle(np.exp(1j * (_angle(outputs) - _angle(targets))))
        return np.maximum(0.0, 1 - np.abs(error) / QUARTER)


def _plain(given, what) -> np.ndarray:
    """An array of numbers, which may be infinite."""
    try:
        return np.asarray(given, dtype=float)
    except (TypeError, ValueError):
        raise InputError(f"{what}: expected an array of numbers, found {given!r:.60}") from None


def _angle(outputs) -> np.ndarray:
    return np.arctan2(2 * outputs[..., 1] - 1, 2 * outputs[..., 0] - 1)


@explains_arguments
def perceptual_decision(
    coherences=(0.032, 0.064, 0.128, 0.256, 0.512), noise: float = 0.2, rove: float = 0.0
) -> RecurrentTask:
    r"""The task of moving dots: does most of the motion go to the right?

    .. math:: u_\mathrm{right, left} = \tfrac{1}{2} s\,(1 \pm c) + \sigma \xi(t)

    for 0.8 s, rectified at 0, with the signed coherence :math:`c` (Britten et al., J. Neurosci. 12:4745, 1992, as
    inputs of a trained network: Song, Yang & Wang, PLoS Comput. Biol. 12:e1004792, 2016). The sum of both channels is
    the same in all conditions, so that each of them alone tells the answer, up to the noise: inhibition helps, and is
    not required. With a roving strength :math:`s` they have to be compared.

    Parameters
    ----------
    coherences : array_like
        Both signs of each are conditions.
    noise : float
        Standard deviation :math:`\sigma` of the noise at each step.
    rove : float
        The strength :math:`s` of each trial is drawn between ``1 - rove`` and ``1 + rove``.

    Returns
    -------
    RecurrentTask

    Raises
    ------
    InputError
        For coherences beyond 0 to 1, a rove of 1 or more, or negative noise.
    """
    signed = _signed(coherences, "perceptual_decision")[:, None]
    noise, rove = _within("perceptual_decision: noise", noise), _within("perceptual_decision: rove", rove, 1.0)
    return RecurrentTask(
        name="roving_decision" if rove else "perceptual_decision",
        inputs=("right", "left"),
        outputs=("right",),
        conditions=signed,
        make=partial(_decision, noise, rove),
        levels=signed[:, 0] * 100,
        level="coherence (%)",
    )


def _decision(noise, rove, conditions, rng):
    coherence = conditions[:, 0]
    strength = 1 + rove * rng.uniform(-1, 1, len(conditions))
    return _padded(_channels(coherence, noise, rng, strength), after=WINDOW), (coherence > 0)[:, None].astype(float)


@explains_arguments
def context_integration(coherences=(0.1, 0.25, 0.5), noise: float = 0.2) -> RecurrentTask:
    """Context-dependent integration: motion and colour are shown together, and a context says which of them counts.

    Mante, Sussillo, Shenoy & Newsome, Nature 503:78, 2013. Motion and colour have two channels each, as in
    `perceptual_decision`; a channel for each context is 1 throughout the trial.

    Parameters
    ----------
    coherences : array_like
        Of motion and of colour; both signs of each.
    noise : float
        Standard deviation of the noise at each step.

    Returns
    -------
    RecurrentTask

    Raises
    ------
    InputError
        For coherences beyond 0 to 1, or negative noise.
    """
    signed, noise = _signed(coherences, "context_integration"), _within("context_integration: noise", noise)
    conditions = np.stack([each.ravel() for each in np.meshgrid([0, 1], signed, signed, indexing="ij")], axis=1)
    return RecurrentTask(
        name="context_integration",
        inputs=("right", "left", "green", "red", "motion counts", "colour counts"),
        outputs=("right or green",),
        conditions=conditions,
        make=partial(_context, noise),
        levels=_relevant(conditions) * 100,
        level="relevant coherence (%)",
    )


def _relevant(conditions):
    return np.where(conditions[:, 0] == 0, conditions[:, 1], conditions[:, 2])


def _context(noise, conditions, rng):
    shown = np.concatenate([_channels(conditions[:, k], noise, rng) for k in (1, 2)], axis=2)
    stimuli = _padded(shown, after=WINDOW)
    context = (conditions[:, :1] == [0, 1]).astype(float)
    stimuli = np.concatenate([stimuli, np.repeat(context[:, None], stimuli.shape[1], axis=1)], axis=2)
    return stimuli, (_relevant(conditions) > 0)[:, None].astype(float)


@explains_arguments
def delayed_match(delays=(0.2, 0.4, 0.6), noise: float = 0.1) -> RecurrentTask:
    """Delayed match to sample: is the second of two stimuli, A or B, the same as the first?

    Each is shown for 0.2 s in its own channel (Miyashita & Chang, Nature 331:68, 1988, with two stimuli).

    Parameters
    ----------
    delays : array_like
        Times between both, in s.
    noise : float
        Standard deviation of the noise at each step; inputs are rectified at 0.

    Returns
    -------
    RecurrentTask

    Raises
    ------
    InputError
        For delays beyond 0 to 10 s, or negative noise.
    """
    steps, noise = _steps(delays, "delayed_match"), _within("delayed_match: noise", noise)
    conditions = np.stack([each.ravel() for each in np.meshgrid(steps, [0, 1], [0, 1], indexing="ij")], axis=1)
    return RecurrentTask(
        name="delayed_match",
        inputs=("A", "B"),
        outputs=("match",),
        conditions=conditions,
        make=partial(_match, noise, int(steps.max())),
        levels=conditions[:, 0] * DT,
        level="delay (s)",
    )


def _match(noise, longest, conditions, rng):
    shown = round(0.2 / DT)
    stimuli = np.zeros((len(conditions), BEFORE + 2 * shown + longest + WINDOW, 2))
    test = stimuli.shape[1] - WINDOW - shown
    for trial, (delay, first, second) in zip(stimuli, conditions.astype(int), strict=True):
        trial[test - delay - shown : test - delay, first] = 1.0
        trial[test : test + shown, second] = 1.0
    return _noisy(stimuli, noise, rng), (conditions[:, 1:2] == conditions[:, 2:]).astype(float)


@explains_arguments
def angle_memory(delays=(0.2, 0.4, 0.6), noise: float = 0.1, angles: int = 16, channels: int = 8) -> RecurrentTask:
    """Working memory of an angle: it is shown for 0.2 s and asked for after a delay.

    The oculomotor delayed response (Funahashi, Bruce & Goldman-Rakic, J. Neurophysiol. 61:331, 1989). Channels have
    evenly spaced preferred angles and tuning ``exp(2 (cos(difference) - 1))``.

    Parameters
    ----------
    delays : array_like
        From the end of the cue to the answer, in s.
    noise : float
        Standard deviation of the noise at each step; inputs are rectified at 0.
    angles, channels : int
        Number of angles, and of input channels.

    Returns
    -------
    RecurrentTask

    Raises
    ------
    InputError
        For delays beyond 0 to 10 s, negative noise, or fewer than 3 angles or channels.
    """
    steps, noise = _steps(delays, "angle_memory"), _within("angle_memory: noise", noise)
    for what, number in (("angles", angles), ("channels", channels)):
        if isinstance(number, bool) or not isinstance(number, (int, np.integer)) or not 3 <= number <= MOST:
            raise InputError(f"angle_memory: {what}: expected a whole number from 3 to {MOST}, found {number!r:.60}")
    around = 2 * np.pi * np.arange(angles) / angles
    conditions = np.stack([each.ravel() for each in np.meshgrid(steps, around, indexing="ij")], axis=1)
    return RecurrentTask(
        name="angle_memory",
        inputs=tuple(f"{360 * k / channels:g} degrees" for k in range(channels)),
        outputs=("cosine", "sine"),
        conditions=conditions,
        make=partial(_memory, noise, int(steps.max()), channels),
        levels=conditions[:, 0] * DT,
        level="delay (s)",
        criterion=0.8,
        constant=_constant_angle(around),
        is_angle=True,
    )


def _constant_angle(around) -> float:
    """Score of the best constant angle: among those asked for and the middles between them."""
    tried = np.arange(0, 2 * np.pi, np.pi / len(around))
    error = np.abs(np.angle(np.exp(1j * (tried[:, None] - around))))
    return float(np.maximum(0.0, 1 - error / QUARTER).mean(axis=1).max())


def _memory(noise, longest, channels, conditions, rng):
    shown = round(0.2 / DT)
    stimuli = np.zeros((len(conditions), BEFORE + shown + longest + WINDOW, channels))
    preferred = 2 * np.pi * np.arange(channels) / channels
    tuned = np.exp(2 * (np.cos(conditions[:, 1:] - preferred) - 1))
    for trial, delay, cue in zip(stimuli, conditions[:, 0].astype(int), tuned, strict=True):
        end = len(trial) - WINDOW - delay
        trial[end - shown : end] = cue
    angle = conditions[:, 1:]
    return _noisy(stimuli, noise, rng), (1 + np.concatenate([np.cos(angle), np.sin(angle)], axis=1)) / 2


def _within(what, number, below=np.inf) -> float:
    """The number, if it is 0 or more and less than a limit."""
    value = to_si(number, "1", what)
    if value.shape or not 0 <= value < below:
        expected = "0 or more" if below == np.inf else f"from 0 to less than {below:g}"
        raise InputError(f"{what}: expected a number of {expected}, found {number!r:.60}")
    return float(value)


def _signed(coherences, task) -> np.ndarray:
    """Both signs of each coherence, in order."""
    found = np.unique(to_si(coherences, "1", f"{task}: coherences"))
    if not 0 < found.size <= MOST or not ((found > 0) & (found <= 1)).all():
        raise InputError(
            f"{task}: coherences: expected up to {MOST} numbers above 0, at most 1, found {coherences!r:.60}"
        )
    return np.concatenate([-found[::-1], found])


def _steps(delays, task) -> np.ndarray:
    """Delays in time steps."""
    found = np.unique(to_si(delays, "second", f"{task}: delays"))
    if not 0 < found.size <= MOST or not ((found >= 0) & (found <= LONGEST)).all():
        raise InputError(f"{task}: delays: expected up to {MOST} times from 0 to {LONGEST} s, found {delays!r:.60}")
    return np.unique(np.rint(found / DT))


def _channels(coherence, noise, rng, strength=1.0) -> np.ndarray:
    """Two noisy channels of a signed coherence, trials × 40 steps × 2."""
    mean = 0.5 * np.multiply(strength, np.stack([1 + coherence, 1 - coherence])).T
    return _noisy(np.repeat(mean[:, None], round(0.8 / DT), axis=1), noise, rng)


def _noisy(stimuli, noise, rng) -> np.ndarray:
    return np.maximum(0.0, stimuli + noise * rng.normal(size=stimuli.shape))


def _padded(stimuli, after) -> np.ndarray:
    return np.pad(stimuli, ((0, 0), (BEFORE, after), (0, 0)))


#: The tasks by name.
RECURRENT_TASKS = ByName(
    "task",
    {
        each.name: each
        for each in (
            perceptual_decision(),
            perceptual_decision(rove=0.5),
            context_integration(),
            delayed_match(),
            angle_memory(),
        )
    },
)
