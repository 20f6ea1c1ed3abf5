from dataclasses import replace

import numpy as np
import pytest

from eisim import InputError, ablate, simulate
from models import ring_attractor as model


def run(circuits, task, **options):
    return simulate(circuits, task.stimuli, duration=task.duration, window=task.window, dt=task.dt, **options)


def test_the_rate_bump_is_the_one_of_the_closed_form_and_its_width_does_not_depend_on_the_drive():
    ring = model.circuit("rate", size=128)
    stronger = replace(
        ring, populations=[replace(ring.population("E"), bias=2 * model.DRIVE), ring.population("I")], name="stronger"
    )
    responses = simulate([ring, stronger], model.cues((2, None)), duration=1.6, window=0.2, dt=1e-3, backend="numpy")
    for response, factor in zip(responses, (1, 2), strict=True):
        half, peak = model.bump(factor * model.DRIVE)
        rates = response.rates["E"][0]
        assert np.pi * np.mean(rates > 1e-3 * peak) == pytest.approx(half, abs=2 * np.pi / 128)
        assert rates.max() == pytest.approx(peak, rel=2e-3)
        np.testing.assert_allclose(model.population_vector(rates)[0], 90, atol=0.5)


def test_the_rate_ring_holds_the_last_cue_and_loses_it_without_inhibition():
    task = model.task("rate", quick=True)
    intact, ablated = run([task.circuit(0), ablate(task.circuit(0))], task, backend="numpy")
    assert task.score(intact) == 1
    assert task.score(ablated) == 0
    first, then = task.stimuli
    assert (first <= then).all()
    assert task.output(intact)[0] > task.output(intact)[1] + 10, "more input, less output: the witness"
    assert task.output(ablated)[0] <= task.output(ablated)[1]


@pytest.mark.slow
def test_the_spiking_ring_holds_the_last_cue_and_loses_it_without_inhibition():
    task = model.task("spiking", quick=True)
    intact, ablated = run([task.circuit(0), ablate(task.circuit(0))], task, seed=1)
    assert task.score(intact) == 1
    assert task.score(ablated) == 0
    assert task.output(intact)[0] > task.output(intact)[1] + 10, "more input, less output: the witness"
    assert task.output(ablated)[0] <= task.output(ablated)[1] + 1
    assert (intact.rates["E"].mean(axis=1) < 15).all()
    assert all(rates.min() > 200 for rates in ablated.rates.values()), "every cell near its refractory limit"


def test_the_footprint_of_excitation_has_mean_1_and_the_peak_of_the_paper():
    floor, bell = model.footprint(256)
    np.testing.assert_allclose(floor + bell.mean(axis=0), 1)
    np.testing.assert_allclose(floor + bell.diagonal(), model.PEAK)
    assert floor > 0


@pytest.mark.parametrize("angle", [0.0, 90.0, 300.0])
def test_the_population_vector_of_one_neuron_and_of_all(angle):
    rates = np.zeros(360)
    rates[int(angle)] = 7.0
    np.testing.assert_allclose(model.population_vector(rates), (angle, 1), atol=1e-9)
    assert model.population_vector(np.ones(360))[1] < 1e-12


def test_unknown_kinds_are_refused():
    with pytest.raises(InputError, match="found 'fast'"):
        model.circuit("fast")
