from dataclasses import replace

import numpy as np
import pytest

from eisim import InputError, ablate, simulate
from eisim.models._reference import nearness
from models import brunel
from tests.support.scores import scaled

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("state", "rates"), brunel.RATES.items())
def test_mean_field_is_the_theory_of_table_1(state, rates):
    assert brunel.mean_field(*brunel.STATES[state])[0] == pytest.approx(rates[1], abs=0.06)


def test_units_rest_at_the_working_point_and_respond_as_far_as_inhibition_lets_them():
    circuit, rate = brunel.circuit("rate"), brunel.mean_field(*brunel.WORKING_POINT)[0]
    eta = np.array([2.0, 2.1])
    response = simulate(circuit, eta[:, None], duration=0.5, window=0.1, dt=1e-3, backend="numpy")
    assert response.rates["E"][0, 0] == pytest.approx(rate, rel=1e-6)
    loop = circuit.weights(circuit.projections[2])[0, 0]
    assert loop > 1, "excitation alone would run away"
    gain = loop * brunel.THRESHOLD_RATE / (1 + loop * (brunel.WORKING_POINT[0] * brunel.SHARE - 1))
    assert np.diff(response.rates["E"][:, 0]) == pytest.approx(gain * 0.1, rel=1e-6)


@pytest.mark.parametrize("kind", ["rate", "spiking"])
def test_balance_is_lost_without_inhibition_without_excitation_and_in_silence(kind):
    task = brunel.task(kind, quick=True)
    circuit = task.circuit(0)
    circuits = [circuit, ablate(circuit), scaled(circuit, "E", 0.0), scaled(circuit, "all", 0.0)]
    responses = simulate(circuits, task.stimuli, record=task.record, backend="numpy", **task.times)
    intact, ablated, feedforward, silent = map(task.score, responses)
    assert intact > max(0.6, task.criterion)
    assert feedforward < 0.1
    assert ablated == silent == 0


def test_a_unit_without_recurrent_synapses_performs_the_task():
    task = brunel.task("rate")
    alone = task.excitatory_only(0)
    assert alone.is_excitatory_only
    assert task.score(simulate(alone, task.stimuli, backend="numpy", **task.times)) > 0.99


@pytest.mark.parametrize("kind", ["rate", "spiking"])
def test_a_constant_rate_scores_what_the_task_says(kind):
    task = brunel.task(kind)
    references = task.score.args[0]
    best = max(nearness(rate, references).mean() for rate in np.geomspace(1, 500, 1000))
    assert best == pytest.approx(task.constant, abs=0.005)
    assert task.constant < 0.4
    assert brunel.task(kind, eta=2.0).constant is None, "a constant rate may be right for one input"


def test_a_g_at_which_a_constant_rate_is_enough_is_refused_by_name():
    with pytest.raises(InputError, match=r"brunel: g: .* found 3, for which a constant answer scores .*eta=2"):
        brunel.task(g=3.0)
    assert brunel.task(g=3.0, eta=2.0).constant is None


def test_the_facts_are_of_the_trial_that_the_paper_has():
    task = brunel.task(quick=True)
    response = simulate(task.circuit(0), task.stimuli, record=True, seed=[0, 1], backend="numpy", **task.times)
    (fact,) = task.facts(response)
    assert fact.what == "rate at g = 5, eta = 2 (Hz)"
    assert fact.ours == pytest.approx(response.rates["E"][:, brunel.ETAS.index(2.0)].mean())


def test_a_rate_counts_by_its_distance_from_the_reference_in_octaves():
    np.testing.assert_allclose(nearness([8, 4, 2, 16, 8 * 2**0.5, 1000, 0], 8), [1, 0, 0, 0, 0.5, 0, 0], atol=1e-12)
    assert nearness(0, 0) == 0


def test_the_former_score_preferred_what_is_nearly_silent():
    task = brunel.task("rate")
    response = simulate(task.circuit(0), task.stimuli, backend="numpy", **task.times)
    quiet = replace(response, rates={"E": np.full((3, 1), 0.01)})
    former = [brunel.bounded_and_irregular(each, 500.0) for each in (response, quiet)]
    assert former[0] < former[1]
    assert task.score(response) > 0.99 > 0 == task.score(quiet)


def test_the_theory_for_a_small_network_is_nearer_to_it_than_that_for_the_full_size():
    response = simulate(brunel.circuit(size=0.1), [[2.0]], duration=0.3, window=0.2, backend="numpy")
    rate = response.rates["E"].mean()
    small, full = (brunel.mean_field(5.0, 2.0, size)[0] for size in (0.1, 1.0))
    assert abs(rate - small) < 0.25 * rate < abs(rate - full)


def test_size_keeps_the_mean_input():
    small, large = (brunel.circuit(size=size) for size in (0.02, 0.04))
    drive = [c.inputs[0].rate * c.projections[0].weights.weight for c in (small, large)]
    assert drive[0] == pytest.approx(drive[1])
    recurrent = [c.weights(c.projections[2]).sum(axis=0) for c in (small, large)]
    np.testing.assert_allclose(recurrent[0], 1e-3 * 100)
    np.testing.assert_allclose(recurrent[1], 1e-3 * 100)


@pytest.mark.parametrize("wrong", [{"kind": "binary"}, {"g": -1}, {"size": 0.001}])
def test_what_does_not_fit_is_named(wrong):
    with pytest.raises(InputError, match=f"brunel: {next(iter(wrong))}: expected"):
        brunel.circuit(**wrong)
