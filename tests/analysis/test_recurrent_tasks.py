"""Tasks of recurrent networks: what they show, what they ask for, and what constant answers score."""

from types import SimpleNamespace

import numpy as np
import pytest

from eisim import RECURRENT_TASKS, InputError, task_from_neurogym
from eisim.analysis.recurrent_tasks import (
    BEFORE,
    WINDOW,
    angle_memory,
    context_integration,
    delayed_match,
    perceptual_decision,
)
from eisim.theory.required import best_share


@pytest.mark.parametrize("name", RECURRENT_TASKS)
def test_trials_are_what_a_task_says(name):
    task = RECURRENT_TASKS[name]
    n = len(task.conditions)
    trials = task.trials(2 * n, seed=3)
    assert trials.stimuli.shape[::2] == (2 * n, len(task.inputs)) and (trials.stimuli >= 0).all()
    assert trials.targets.shape == (2 * n, len(task.outputs)) and task.levels.shape == (n,)
    np.testing.assert_array_equal(trials.conditions, np.tile(np.arange(n), 2))
    np.testing.assert_array_equal(trials.targets[:n], trials.targets[n:])  # only noise differs
    assert (trials.stimuli[:n] != trials.stimuli[n:]).any()
    np.testing.assert_array_equal(trials.stimuli, task.trials(2 * n, seed=3).stimuli)
    assert set(task.trials(200, 0, shuffled=True).conditions) <= set(range(n))
    constants = np.random.default_rng(0).random((50, 1, len(task.outputs)))
    scores = task.marks(np.repeat(constants, n, axis=1), trials.targets[:n]).mean(axis=1)
    assert scores.max() <= task.constant + 1e-12 < task.criterion
    assert task.marks(trials.targets, trials.targets).min() == pytest.approx(1)


def test_what_is_asked_for():
    task = perceptual_decision([0.2, 0.5], noise=0.0)
    trials = task.trials()
    assert task.levels.tolist() == [-50, -20, 20, 50] and trials.targets[:, 0].tolist() == [0, 0, 1, 1]
    np.testing.assert_allclose(trials.stimuli[:, BEFORE], [[0.25, 0.75], [0.4, 0.6], [0.6, 0.4], [0.75, 0.25]])
    assert not trials.stimuli[:, :BEFORE].any() and not trials.stimuli[:, -WINDOW:].any()
    task = context_integration([0.4], noise=0.0)
    trials = task.trials()
    middle = trials.stimuli[:, BEFORE]
    relevant = np.where(middle[:, 4:5] == 1, middle[:, :2], middle[:, 2:4])
    np.testing.assert_array_equal(relevant[:, 0] > relevant[:, 1], trials.targets[:, 0] == 1)
    assert len(trials.stimuli) == 8 and (middle[:, 4:].sum(axis=1) == 1).all()
    trials = delayed_match([0.2], noise=0.0).trials()
    shown = trials.stimuli.sum(axis=1)  # steps of each stimulus
    np.testing.assert_array_equal(shown.max(axis=1) == 20, trials.targets[:, 0] == 1)
    trials = angle_memory([0.2], noise=0.0, angles=8).trials()
    np.testing.assert_array_equal(trials.stimuli.sum(axis=1).argmax(axis=1), range(8))
    np.testing.assert_allclose(trials.targets[[0, 2, 4, 6]], [[1, 0.5], [0.5, 1], [0, 0.5], [0.5, 0]], atol=1e-12)


def test_a_roving_strength_makes_trials_comparable():
    one, roving = (perceptual_decision([0.1], noise=0.0, rove=rove).trials(40, seed=1) for rove in (0.0, 0.5))
    assert best_share(one.stimuli, one.targets > 0.5) == 1
    assert best_share(roving.stimuli, roving.targets > 0.5) < 0.8


def test_marks_of_angles():
    task = angle_memory(angles=4)
    wanted = task.trials(1).targets
    turned = [[(1 + np.cos(a)) / 2, (1 + np.sin(a)) / 2] for a in np.radians([0, 45, -45, 90, 180])]
    np.testing.assert_allclose(task.marks(np.array(turned)[:, None], wanted)[:, 0], [1, 0.5, 0.5, 0, 0], atol=1e-12)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: perceptual_decision([]), "perceptual_decision: coherences: expected .* found"),
        (lambda: perceptual_decision([0.5, 2]), "coherences: expected up to 100 numbers above 0, at most 1"),
        (lambda: perceptual_decision("a"), "coherences: expected a plain number"),
        (lambda: perceptual_decision(rove=1), "rove: expected a number of from 0 to less than 1"),
        (lambda: context_integration(noise=-1), "context_integration: noise: expected a number of 0 or more"),
        (lambda: delayed_match([np.nan]), "delayed_match: delays: expected finite"),
        (lambda: delayed_match([1e6]), "delayed_match: delays: expected up to 100 times from 0 to 10"),
        (lambda: angle_memory(angles=2), "angle_memory: angles: expected a whole number from 3"),
        (lambda: perceptual_decision().trials(0), "number: expected a whole number of 1 or more"),
        (lambda: RECURRENT_TASKS["delayed_mach"], "did you mean 'delayed_match'"),
    ],
)
def test_bad_settings(make, message):
    with pytest.raises(InputError, match=message):
        make()


class Environment:
    """The interface of a neurogym environment with trials of random length; it asks which channel was on."""

    dt, action_space = 20, SimpleNamespace(n=3)

    def seed(self, seed):
        self.rng = np.random.RandomState(seed)

    def new_trial(self):
        wait, answer = self.rng.randint(3, 8), self.rng.randint(1, 3)
        self.gt = np.array([0] * wait + [answer] * 4)
        self.ob = np.zeros((wait + 4, 2))
        self.ob[:wait, answer - 1] = 1
        self.ob += 0.1 * self.rng.normal(size=self.ob.shape)


def test_environment_of_neurogym():
    task = task_from_neurogym(Environment())
    trials = task.trials(300, seed=1)
    assert (task.name, task.window, task.dt, task.outputs) == ("Environment", 4, 0.02, ("action 1", "action 2"))
    assert trials.stimuli.shape == (300, 11, 2) and (trials.stimuli >= 0).all()
    np.testing.assert_array_equal(trials.stimuli[:, :-4].sum(axis=1).argmax(axis=1), trials.targets.argmax(axis=1))
    assert 0.5 <= task.constant < task.criterion < 1
    np.testing.assert_array_equal(trials.stimuli, task.trials(300, seed=1).stimuli)
    wrapped = SimpleNamespace(unwrapped=Environment())
    assert task_from_neurogym(wrapped, 0.9, name="choice").criterion == 0.9


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"gt": np.array([0, 1, 0])}, "expected trials that end by asking for an action"),
        ({"ob": np.full((3, 2), np.nan)}, "ob: expected finite"),
        ({"gt": np.array([0, 1])}, "expected observations and answers"),
        ({"action_space": None}, "task_from_neurogym: expected an environment"),
    ],
)
def test_bad_environments(change, message):
    env = SimpleNamespace(dt=20, action_space=SimpleNamespace(n=2), ob=np.ones((3, 2)), gt=np.array([0, 1, 1]))
    env.seed, env.new_trial = (lambda seed: None), (lambda: None)
    env.__dict__.update(change)
    with pytest.raises(InputError, match=message):
        task_from_neurogym(env)


def test_environment_with_one_answer_has_nothing_to_learn():
    env = SimpleNamespace(dt=20, action_space=SimpleNamespace(n=2), ob=np.ones((3, 2)), gt=np.array([0, 1, 1]))
    env.seed, env.new_trial = (lambda seed: None), (lambda: None)
    with pytest.raises(InputError, match="criterion: expected more than the best constant answer scores, 1"):
        task_from_neurogym(env)
