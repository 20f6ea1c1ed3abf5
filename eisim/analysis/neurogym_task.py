"""Environments of neurogym as tasks of recurrent networks."""

from collections import Counter

import numpy as np

from eisim.analysis.recurrent_tasks import RecurrentTask
from eisim.base.errors import InputError, explains_arguments
from eisim.base.units import to_si

#: Trials from which the length of answers and the best constant answer are read.
PROBED = 200
#: Least lead of the criterion over the best constant answer, as a share of what is left above it.
LEAD = 0.7
#: Largest number of steps of one trial.
LONGEST = 100_000


@explains_arguments
def task_from_neurogym(env, criterion: float | None = None, name: str = "") -> RecurrentTask:
    """A task of the trials of a neurogym environment, with the answers that it calls the ground truth.

    Each action but the first, which is to wait, is an output that says yes or no. What counts is the end of a trial,
    where the environment asks for an action. Trials that are shorter than others are preceded by steps without input.
    Observations are rectified at 0, since inputs excite.

    Parameters
    ----------
    env : neurogym.TrialEnv
        With the attributes ``dt`` (in ms), ``ob`` (time × observations) and ``gt`` (time), and ``action_space.n``.
        Wrappers are taken off. It is given other seeds and trials.
    criterion : float, optional
        By default 0.7 of the way from the best constant answer to 1.
    name : str
        By default that of the environment's class.

    Returns
    -------
    RecurrentTask

    Raises
    ------
    InputError
        For an object without these attributes, actions that are no numbered choice, trials that end without asking for
        one, or a criterion that is not above the best constant answer.
    """
    env = getattr(env, "unwrapped", env)
    name = name or type(env).__name__
    rng = np.random.default_rng(0)
    stimuli, answers = zip(*(_trial(env, rng, name) for _ in range(PROBED)), strict=True)
    window = min(_asked(each, name) for each in answers)
    counts = Counter(int(each[-1]) for each in answers)
    constant = max(counts.values()) / PROBED
    if criterion is None:
        criterion = constant + LEAD * (1 - constant)
    if not constant < criterion <= 1:
        expected = f"more than the best constant answer scores, {constant:g}, and at most 1"
        raise InputError(f"{name}: criterion: expected {expected}, found {criterion!r:.60}")
    n_actions = int(env.action_space.n)

    def make(conditions, rng):
        drawn, given = zip(*(_trial(env, rng, name) for _ in conditions), strict=True)
        found = np.zeros((len(drawn), max(map(len, drawn)), drawn[0].shape[1]))
        for row, each in zip(found, drawn, strict=True):
            row[len(row) - len(each) :] = each
        return found, np.array([np.arange(1, n_actions) == each[-1] for each in given], dtype=float)

    return RecurrentTask(
        name=name,
        inputs=tuple(f"observation {k}" for k in range(stimuli[0].shape[1])),
        outputs=tuple(f"action {k}" for k in range(1, n_actions)),
        conditions=np.zeros((1, 1)),
        make=make,
        levels=np.zeros(1),
        level="all trials",
        criterion=float(criterion),
        constant=constant,
        dt=float(to_si(env.dt, "1", f"{name}: dt")) * 1e-3,
        window=window,
    )


def _trial(env, rng, name) -> tuple[np.ndarray, np.ndarray]:
    """Observations, time × inputs, and the action that is asked for at each step."""
    try:
        env.seed(int(rng.integers(2**31)))
        env.new_trial()
        observed, asked, _ = env.ob, env.gt, (env.dt, int(env.action_space.n))
    except (AttributeError, TypeError) as error:
        expected = "an environment with trials, ob, gt, dt and discrete actions"
        raise InputError(f"task_from_neurogym: expected {expected}, found {name}: {error}") from None
    observed = np.maximum(to_si(observed, "1", f"{name}: ob"), 0.0)
    observed, asked = observed.reshape(len(observed), -1), to_si(asked, "1", f"{name}: gt")
    if asked.shape != observed.shape[:1] or not 0 < len(asked) <= LONGEST or not observed.shape[1]:
        found = f"{observed.shape} and {asked.shape}"
        raise InputError(f"{name}: expected observations and answers of up to {LONGEST:,} steps, found {found}")
    return observed, asked


def _asked(answers, name) -> int:
    """Number of steps at the end of a trial at which the last action is asked for."""
    if answers[-1] == 0:
        raise InputError(f"{name}: expected trials that end by asking for an action other than the first, found none")
    others = np.flatnonzero(answers != answers[-1])
    return int(len(answers) - (others[-1] + 1 if others.size else 0))
