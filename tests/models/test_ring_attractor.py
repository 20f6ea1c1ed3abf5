from dataclasses import replace

import numpy as np
import pytest

from eisim import InputError, ablate, simulate
from models import ring_attractor as model
from tests.support.silent import silent


def run(circuits, task, **options):
    return simulate(circuits, task.stimuli, **task.times, **options)


def test_the_rate_bump_is_the_one_of_the_closed_form_and_its_width_does_not_depend_on_the_drive():
    ring = model.circuit("rate", size=128)
    stronger = replace(
        ring, populations=[replace(ring.population("E"), bias=2 * model.DRIVE), ring.population("I")], name="stronger"
    )
    responses = simulate(
        [ring, stronger], model.cues((2, None), frames=8), duration=1.6, window=0.2, dt=1e-3, backend="numpy"
    )
    for response, factor in zip(responses, (1, 2), strict=True):
        half, peak = model.bump(factor * model.DRIVE)
        rates = response.rates["E"][0]
        assert np.pi * np.mean(rates > 1e-3 * peak) == pytest.approx(half, abs=2 * np.pi / 128)
        assert rates.max() == pytest.approx(peak, rel=2e-3)
        np.testing.assert_allclose(model.population_vector(rates)[0], 90, atol=0.5)


@pytest.mark.parametrize("kind", ["rate", pytest.param("spiking", marks=pytest.mark.slow)])
def test_the_ring_holds_the_last_of_two_equal_cues_and_loses_it_without_inhibition(kind):
    task = model.task(kind)
    shown = task.stimuli[..., : model.CHANNELS]
    assert set(np.unique(shown)) == {0, model.STRENGTH[kind]}
    whole = task.circuit(0)
    intact, ablated, none = run([whole, ablate(whole), silent(whole)], task, seed=1)
    assert task.score(intact) > task.criterion > task.bound > task.constant
    assert task.score(ablated) == 0 == task.score(none)
    assert (task.stimuli[0] <= task.stimuli[1]).all()
    assert task.output(intact)[0] > task.output(intact)[1] + 5, "more input, less output: the witness"
    assert task.output(ablated)[0] <= task.output(ablated)[1] + 1
    assert (intact.rates["E"].mean(axis=1) < 15).all()
    assert all(rates.min() > 99 for rates in ablated.rates.values()), "every cell at its limit"


@pytest.mark.parametrize("kind", ["rate", "spiking"])
def test_the_best_excitatory_only_score_is_reached_by_cells_that_remain_active(kind):
    task = model.task(kind)
    circuit = task.excitatory_only(0)
    assert circuit.is_excitatory_only
    assert task.bound == 0.5
    (response,) = run([circuit], task, seed=1)
    assert task.score(response) == 0.5


def test_no_choice_of_monotone_outputs_is_right_more_often_than_the_bound():
    """Every set of trials that could be right together, by enumeration."""
    task = model.task("rate")
    flat = task.stimuli.reshape(len(task.stimuli), -1)
    order = (flat[:, None] <= flat).all(axis=-1)
    clash = order & (task.required[:, None] & ~task.required[None]).any(axis=-1)
    sets = [np.flatnonzero([k >> n & 1 for n in range(4)]) for k in range(16)]
    assert max(len(s) for s in sets if not clash[np.ix_(s, s)].any()) == 4 * task.bound
    assert np.unique(task.required, axis=0, return_counts=True)[1].max() == 4 * task.constant


def test_a_faint_bump_or_one_without_tuned_excitation_scores_nothing():
    task, ring = model.task("rate"), model.circuit("rate")
    cells, rest = ring.population("E"), ring.population("I")
    faint = replace(ring, populations=[replace(cells, bias=0.4 * model.DRIVE), rest], name="faint")
    projections = [p for p in ring.projections if (p.source, p.target) != ("E", "E")]
    weak, untuned = run([faint, replace(ring, projections=projections, name="untuned")], task, backend="numpy")
    angle, length = model.population_vector(weak.rates["E"])
    np.testing.assert_allclose((angle + 45) % 360, (135, 315, 45, 225), atol=1)
    assert (length > 0.8).all(), "the bump is there"
    assert task.score(weak) == 0 == task.score(untuned)


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
