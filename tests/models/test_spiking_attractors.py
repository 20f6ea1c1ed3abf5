"""The spiking ring attractor and decision circuit: neurons of one structure, so one compiled program for both."""

import numpy as np
import pytest

from eisim import ablate, simulate
from models import decision, ring_attractor


@pytest.fixture(scope="module")
def found():
    tasks = {model: model.task("spiking", quick=True) for model in (ring_attractor, decision)}
    frames = max(len(task.stimuli[0]) for task in tasks.values())
    circuits, stimuli = [], []
    for task in tasks.values():
        circuits += [task.circuit(0), ablate(task.circuit(0))]
        stimuli += 2 * [np.repeat(task.stimuli, frames // len(task.stimuli[0]), axis=1)]
    responses = simulate(circuits, stimuli, duration=1.6, window=0.2, dt=0.2e-3, seed=1)
    return {model: (task, *responses[2 * k : 2 * k + 2]) for k, (model, task) in enumerate(tasks.items())}


@pytest.mark.parametrize("model", [ring_attractor, decision])
def test_the_function_is_there_with_inhibition_and_gone_without(found, model):
    task, intact, ablated = found[model]
    assert (task.duration, task.window, task.dt) == (1.6, 0.2, 0.2e-3)
    assert task.score(intact) == 1
    assert task.score(ablated) == 0
    assert (task.stimuli[0] <= task.stimuli[1]).all()
    assert task.output(intact)[0] > task.output(intact)[1] + 10, "more input, less output: the witness"
    assert task.output(ablated)[0] <= task.output(ablated)[1] + 1


def test_blocked_inhibition_leaves_every_cell_near_its_refractory_limit(found):
    for task, _, ablated in found.values():
        assert task.obstruction.value in ("closed region", "boundary of positive slope")
        assert all(rates.min() > 200 for rates in ablated.rates.values())


def test_the_bump_is_localised_and_the_losing_population_is_quiet(found):
    rates = found[ring_attractor][1].rates["E"]
    assert (ring_attractor.population_vector(rates)[1] > 0.45).all()
    assert (rates.mean(axis=1) < 15).all()
    assert (decision.firing_rates(found[decision][1]).min(axis=1) < 5).all()
