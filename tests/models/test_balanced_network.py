from dataclasses import replace

import numpy as np
import pytest

from eisim import InputError, ablate, simulate
from models import balanced_network
from tests.support.scores import scaled

pytestmark = pytest.mark.slow


def test_balance_equations():
    j_e, j_i = balanced_network.INHIBITION["E"], balanced_network.INHIBITION["I"]
    e, i = balanced_network.EXTERNAL["E"], balanced_network.EXTERNAL["I"]
    closed = np.array([j_i * e - j_e * i, e - i]) / (j_e - j_i)
    np.testing.assert_allclose(balanced_network.balanced_rates(7.0), 7 * closed)


def test_units_fire_at_rates_in_closed_form_that_approach_the_balance():
    stimuli, off = np.array([[2.0], [4.0]]), []
    circuits = [balanced_network.circuit("rate", synapses=k) for k in (25, 100, 900)]
    responses = simulate(circuits, stimuli, duration=0.2, window=0.02, backend="numpy")
    for synapses, response in zip((25, 100, 900), responses, strict=True):
        for trial, x in enumerate(stimuli[:, 0] * balanced_network.EXTERNAL_RATE):
            rates = [response.rates[name][trial, 0] for name in "EI"]
            np.testing.assert_allclose(rates, balanced_network.rates_of_units(x, synapses), rtol=1e-6)
        off.append(np.abs(rates - balanced_network.balanced_rates(x)).max())
    assert off == sorted(off, reverse=True)


def respond(task, *circuits):
    return simulate(list(circuits), task.stimuli, record=task.record, backend="numpy", **task.times)


@pytest.mark.parametrize("kind", ["rate", "spiking"])
def test_balance_and_tracking_need_inhibition_and_excitation(kind):
    balance, tracking = balanced_network.task(kind), balanced_network.TASKS["linear tracking"](kind)
    circuit = balance.circuit(0)
    without = [ablate(circuit), scaled(circuit, "E", 0.0), scaled(circuit, "all", 0.0)]
    responses = respond(balance, circuit, *without)
    for task in (balance, tracking):
        intact, ablated, feedforward, silent = map(task.score, responses)
        assert intact > task.criterion
        assert feedforward < task.criterion, "less excitation does not raise it"
        assert ablated == silent == 0
    cancelled = balanced_network.cancellation(responses[0], balance.stimuli)
    assert (cancelled > 0.85).all() and (cancelled < 1).all()


def test_one_linear_unit_tracks_the_input_but_cancels_nothing():
    balance, tracking = balanced_network.task("rate"), balanced_network.TASKS["linear tracking"]("rate")
    alone = tracking.excitatory_only(0)
    assert alone.is_excitatory_only and balance.excitatory_only is None
    (response,) = respond(tracking, alone)
    assert tracking.score(response) > 0.999
    assert balance.score(response) == balance.bound == 0


def test_cancellation_is_what_the_synapses_carry():
    """The rate circuit's input to E is its rate and its threshold, over what excites it."""
    task = balanced_network.task("rate")
    (response,) = respond(task, task.circuit(0))
    left = response.rates["E"][:, 0] + balanced_network.THRESHOLD
    excites = 10 * (task.stimuli[:, 0] * balanced_network.EXTERNAL_RATE + response.rates["E"][:, 0])
    np.testing.assert_allclose(1 - balanced_network.cancellation(response, task.stimuli), left / excites, rtol=1e-6)


def test_a_constant_rate_tracks_a_third_of_the_inputs():
    task = balanced_network.TASKS["linear tracking"]("rate")
    (response,) = respond(task, task.circuit(0))

    def score(rate):
        return task.score(replace(response, rates={"E": np.full((3, 1), rate)}))

    assert max(map(score, np.geomspace(1, 500, 300))) == pytest.approx(task.constant, abs=0.01)
    assert task.constant == pytest.approx(1 / 3)


@pytest.mark.parametrize("wrong", [{"kind": "binary"}, {"synapses": 1000}, {"synapses": 2.5}, {"neurons": 1}])
def test_what_does_not_fit_is_named(wrong):
    with pytest.raises(InputError, match=f"balanced_network: {next(iter(wrong))}: expected"):
        balanced_network.circuit(**wrong)
