from dataclasses import replace

import numpy as np
import pytest

from eisim import ablate, simulate, to_dnn
from eisim.analysis.activity import population_rate
from eisim.analysis.task import Obstruction
from eisim.models._two_populations import steady_states
from models import inhibition_stabilized_network as isn
from tests.support.scores import scaled

TIMES = {"duration": 1.0, "window": 0.05, "dt": 0.5e-3}


@pytest.mark.parametrize("excitation", [0.7, 1.3, isn.J_EE])
def test_more_drive_to_interneurons_lowers_their_rate_if_excitation_is_unstable_alone(excitation):
    circuit = isn.circuit("rate", excitation=excitation)
    drive = np.array([10 * (1 - excitation) + 12 * isn.J_EI, 12 * (1 + isn.J_II) - 10 * isn.J_IE])
    stimuli = drive + np.array([[0, 0], [0, 0.2]])
    rates = list(to_dnn(circuit, unrolled=True, **TIMES).layers(stimuli))[-1]
    np.testing.assert_allclose(rates[0], [10, 12], atol=1e-3)
    slope = (rates[1, 1] - rates[0, 1]) / 0.2
    determinant = (1 - excitation) * (1 + isn.J_II) + isn.J_EI * isn.J_IE
    assert slope == pytest.approx((1 - excitation) / determinant, abs=2e-3)
    assert (slope < 0) == (excitation > 1)
    states, growth = steady_states(circuit, tuple(drive), 100.0)
    stable = states[growth < 0]
    assert np.abs(stable - [10, 12]).max(axis=1).min() < 1e-6


def respond(task, *circuits):
    return simulate(list(circuits), task.stimuli, record=task.record, backend="numpy", **task.times)


@pytest.mark.parametrize("kind", ["rate", "spiking"])
def test_the_working_points_are_kept_by_inhibition_or_by_weak_synapses(kind):
    task = isn.task(kind)
    circuit, alone = task.circuit(0), task.excitatory_only(0)
    assert alone.is_excitatory_only
    without = [ablate(circuit), scaled(circuit, "E", 0.0), scaled(circuit, "all", 0.0)]
    found = [task.score(response) for response in respond(task, circuit, alone, *without)]
    assert min(found[:2]) > 0.8
    assert found[2] < 0.05, "runs away"
    assert found[3] <= found[0], "less excitation does not raise it"
    assert found[4] == 0, "nor does silence"


@pytest.mark.parametrize(("kind", "kicks"), [("rate", [1, 2, 5]), ("spiking", [1, 0.5, 0])])
def test_a_larger_kick_keeps_e_away_for_longer(kind, kicks):
    task = isn.task(kind)
    responses = respond(task, *map(task.circuit, range(1 if kind == "rate" else 4)))
    asked = np.array(isn.SET_POINTS[kind])[:, None, None]
    rates = np.array([population_rate(r, "E", isn.BIN[kind]).reshape(3, len(isn.KICKS[kind]), -1) for r in responses])
    away = np.mean((rates < asked / 2) | (rates > 2 * asked), axis=(0, 1, 3))
    assert away.mean() == pytest.approx(1 - np.mean([task.score(response) for response in responses]))
    none, small, large = (away[isn.KICKS[kind].index(kick)] for kick in kicks)
    assert none < small < large
    assert none < 0.15


@pytest.mark.parametrize("kind", ["rate", "spiking"])
def test_a_constant_rate_is_at_one_working_point_at_most(kind):
    task = isn.task(kind)
    (response,) = respond(task, task.circuit(0))
    points = np.repeat(isn.SET_POINTS[kind], len(isn.KICKS[kind]))
    steps, trials = round(task.duration / task.dt), len(points)
    rate = isn.circuit("rate")

    def score(given):
        traces = {"E": np.broadcast_to(np.array(given, dtype=float).reshape(-1, 1, 1), (trials, 1, steps))}
        return isn.time_at(points, replace(response, circuit=rate, traces=traces, spikes={}))

    assert max(score(given) for given in np.geomspace(0.1, 300, 200)) == pytest.approx(task.constant)
    assert score(points) == 1
    assert score(points / 2.1) == score(points * 2.1) == 0, "two-sided"


@pytest.mark.parametrize("kind", ["rate", "spiking"])
def test_the_paradoxical_response_needs_inhibition_and_recurrent_excitation(kind):
    assert list(isn.TASKS) == ["paradoxical response"]
    task = isn.TASKS["paradoxical response"](kind, quick=True)
    circuit = task.circuit(0)
    without = [ablate(circuit), scaled(circuit, "E", 0.0), scaled(circuit, "all", 0.0)]
    responses = respond(task, circuit, *without)
    assert [task.score(response) for response in responses] == [1, 0, 0, 0]
    assert task.obstruction is Obstruction.DECREASING and task.bound == 0
    lower, upper = np.split(task.stimuli, 2)
    assert (lower <= upper).all(), "each pair is a witness"
    assert (np.diff(task.output(responses[1]).reshape(2, -1), axis=0) > 0).all(), "no paradox without inhibition"
