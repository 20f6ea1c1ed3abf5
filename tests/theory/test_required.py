"""The best excitatory-only score of tasks, against an enumeration of all monotone maps."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from eisim import InputError, certify
from eisim.analysis.task import Obstruction, Task, share_right
from eisim.functions import LabelledData
from eisim.theory.required import best_share, given_up


def enumerated(stimuli, required):
    """By trying every map from trials to outputs that does not fall where all inputs rise."""
    flat = stimuli.reshape(len(stimuli), -1)
    below = (flat[:, None] <= flat[None]).all(axis=2)
    right = np.empty((0, len(stimuli)), dtype=bool)
    for column in required.reshape(len(stimuli), -1).T:
        maps = np.array([m for m in product([False, True], repeat=len(stimuli)) if monotone(np.array(m), below)])
        hits = maps == column
        right = hits if not len(right) else np.unique((right[:, None] & hits[None]).reshape(-1, len(stimuli)), axis=0)
    return right.sum(axis=1).max() / len(stimuli)


def monotone(values, below):
    return not (below & values[:, None] & ~values[None]).any()


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_it_is_that_of_the_best_monotone_maps(data):
    trials, outputs = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 3))
    stimuli = data.draw(arrays(float, (trials, 2, 2), elements=st.sampled_from([0.0, 1.0, 2.0])))
    required = data.draw(arrays(bool, (trials, outputs)))
    assert best_share(stimuli, required) == pytest.approx(enumerated(stimuli, required))
    lost = given_up(stimuli, required)
    assert 1 - lost.mean() == pytest.approx(best_share(stimuli, required))
    assert not given_up(stimuli[~lost], required[~lost]).any()


@given(st.data())
@settings(max_examples=30, deadline=None)
def test_of_one_output_it_is_the_zero_one_floor(data):
    points = data.draw(arrays(float, (20, 2), elements=st.floats(0, 1, width=16)))
    required = data.draw(arrays(bool, 20))
    floor = certify(LabelledData(points, required.astype(float)), ("zero_one",), orient=False).floor["zero_one"]
    assert best_share(points, required) == pytest.approx(1 - floor)


def test_three_outputs_of_which_no_two_trials_agree():
    # Each pair of trials conflicts in one output: a triangle, whose smallest cover has two vertices (a flow finds 1.5).
    stimuli = np.array([[0.0], [1.0], [2.0]])
    required = np.array([[True, True, False], [False, False, True], [False, False, False]])
    assert best_share(stimuli, required) == pytest.approx(1 / 3)


def task(**how):
    given = {
        "circuit": lambda seed: None,
        "stimuli": np.array([[0.0], [1.0]]),
        "score": lambda response: 1.0,
        "measure": "nothing",
        "obstruction": Obstruction.STABILITY,
    }
    return Task(**given | how)


ANSWERED = {"score": None, "required": [True, False], "answers": lambda response: response}


def test_required_outputs_make_score_and_bound():
    made = task(score=None, required=[True, False], answers=lambda response: response, criterion=0.6)
    assert (made.bound, made.constant) == (0.5, 0.5) and made.proof
    assert made.score(np.array([True, True])) == 0.5
    with pytest.raises(InputError, match="answers: expected bool values of shape"):
        made.score(np.array([1.0, 0.0]))
    assert share_right(np.eye(2, dtype=bool), lambda r: r, np.array([[True, False], [True, True]])) == 0.5


def test_a_copy_of_a_task_has_score_and_bound_of_its_own_required_outputs():
    made = task(score=None, required=[True, False], answers=lambda response: response, criterion=0.6)
    copy = replace(made, required=[False, True])
    assert (made.bound, copy.bound) == (0.5, 1.0) and copy.score(np.array([False, True])) == 1


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"constant": 0.5}, "criterion: expected more than the best constant answer scores, 0.5, found 0.5"),
        ({"constant": 1.5, "criterion": 1.7}, "constant: expected from 0 to 1, found 1.5"),
        ({"bound": 0.5}, "proof: expected a sentence"),
        ({"levels": [1, 2], "level": "x"}, "levels: expected together with Task.required, found no required outputs"),
        (ANSWERED | {"levels": [1, 2]}, "level: expected what the levels are"),
        (ANSWERED | {"level": "x"}, "level: expected what the levels are"),
        (ANSWERED | {"levels": [1], "level": "x"}, "levels: expected a number for each of 2 trials"),
        (ANSWERED | {"levels": ["a", "b"], "level": "x"}, "levels: "),
        ({"proof": "since it is so"}, "proof: expected a sentence"),
        (
            {"bound": 0.1, "proof": "since it is so", "constant": 0.2},
            "bound: expected at least the score of a constant",
        ),
        ({"required": [True, False]}, "required: expected together with Task.answers"),
        ({"required": [1, 0], "answers": len}, "required: expected bool for each of 2 trials, found int64"),
        ({"required": [True], "answers": len}, "expected bool for each of 2 trials"),
        ({"required": [True, False], "answers": len}, "score: expected none"),
        ({"required": [True, False], "answers": 3, "score": None}, "answers: expected a function"),
        ({"excitatory_only": 3}, "excitatory_only: expected a function from a seed to a Circuit, found 3"),
        ({"score": None}, "score: expected a function"),
    ],
)
def test_bad_tasks_are_refused(how, said):
    with pytest.raises(InputError, match=said):
        task(**how)
