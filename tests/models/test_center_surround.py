from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from eisim import InputError, ablate, simulate
from models import center_surround
from tests.support.silent import silent


def ganglion(circuit, light, **times):
    times = {"duration": 1.0, "window": 0.1, "dt": 1e-3} | times
    return simulate(circuit, np.atleast_2d(light), backend="numpy", **times).rates["ganglion"]


@pytest.fixture(scope="module", params=["rate", "spiking"])
def found(request):
    task = center_surround.task(request.param, quick=True)
    circuit = task.circuit(0)
    return task, *simulate([circuit, ablate(circuit)], task.stimuli, seed=1, backend="numpy", **task.times)


def test_edges_evoke_responses_and_uniform_light_does_not(found):
    task, intact, ablated = found
    assert task.score(intact) > 0.9
    assert task.score(ablated) < 0.2
    uniform = np.ptp(task.stimuli, axis=1) == 0
    assert intact.rates["ganglion"][uniform].max() < 2
    assert ablated.rates["ganglion"][uniform].min() > 40


def test_no_monotone_responses_have_an_edge_index_above_the_bound():
    """By enumeration: at each position, every set of trials in which a cell could respond."""
    task = center_surround.task(quick=True)
    trials, uniform = task.stimuli, np.ptp(task.stimuli, axis=1) == 0
    order = (trials[:, None] <= trials).all(axis=-1)
    sets = (np.arange(2 ** len(trials))[:, None] >> np.arange(len(trials))) & 1 == 1
    falls = np.array([(responds[:, None] & ~responds & order).any() for responds in sets])
    edges, everywhere = (
        sets[~falls] @ trials_at.astype(int) for trials_at in (center_surround.at_edges(trials), uniform)
    )
    assert (center_surround.at_edges(trials).sum(axis=0) == 1).all(), "each cell is at an edge equally often"
    share = edges / center_surround.at_edges(trials).sum() - everywhere[:, None] / uniform.sum() / trials.shape[1]
    assert share.max() <= 1e-12, "so the mean rate at edges is at most that in uniform light"
    assert task.bound == 0 == task.constant < task.criterion


@pytest.mark.parametrize("kind", ["rate", "spiking"])
def test_silence_a_faint_response_and_a_narrow_surround_lower_the_index(kind):
    task = center_surround.task(kind, quick=True)
    whole = task.circuit(0)
    n, narrow = task.stimuli.shape[1], center_surround.gaussian((task.stimuli.shape[1],), center_surround.CENTRE)
    projections = [
        replace(p, weights=narrow * p.weights.sum() / n) if p.source == "interneurons" else p for p in whole.projections
    ]
    circuits = [silent(whole), replace(whole, projections=projections)]
    none, narrowed = simulate(circuits, task.stimuli, seed=1, backend="numpy", **task.times)
    assert task.score(none) < 0.15 and task.score(narrowed) < task.criterion


def test_the_index_counts_a_response_as_far_as_it_is_strong():
    trials = center_surround.stimuli(quick=True)
    edges = center_surround.at_edges(trials)
    for strength, index in ((0.5, 0.1), (5.0, 1.0), (50.0, 1.0)):
        response = SimpleNamespace(rates={"ganglion": strength * edges})
        assert center_surround.score(response, trials) == pytest.approx(index)


def test_light_on_the_surround_is_a_witness(found):
    task, intact, ablated = found
    spot, everywhere = len(task.stimuli) - 3, len(task.stimuli) - 1
    assert (task.stimuli[spot] <= task.stimuli[everywhere]).all()
    assert task.output(intact)[spot] > 40 > 1 > task.output(intact)[everywhere]
    assert task.output(ablated)[everywhere] > task.output(ablated)[spot]


def test_the_forward_circuit_is_a_difference_of_gaussians():
    light = np.random.default_rng(0).random(20)
    centre, surround = (center_surround.gaussian((20,), w) for w in (center_surround.CENTRE, center_surround.SURROUND))
    expected = np.maximum(100 * (centre - center_surround.BALANCE * surround) @ light, 0)
    rates = ganglion(center_surround.circuit("rate", shape=(20,)), light)[0]
    np.testing.assert_allclose(rates, expected, atol=1e-3)


def test_an_image_of_a_square_becomes_its_contour():
    image = np.zeros((18, 18))
    image[3:15, 3:15] = 1
    rates = ganglion(
        center_surround.circuit("rate", shape=(18, 18)), image.ravel(), duration=0.2, window=0.05, dt=2e-3
    )[0].reshape(18, 18)
    inside, corner, side = rates[9, 9], rates[3, 3], rates[3, 9]
    assert inside < 0.1 * side and corner > side > 10
    np.testing.assert_allclose(rates, rates.T, atol=1e-9)


def test_limulus_solves_its_equations():
    """Above threshold the linear solution; with a silent unit (a dark place) the rectified one."""
    rng = np.random.default_rng(1)
    circuit = center_surround.circuit("rate", shape=(24,), recurrent=True)
    coefficients, r0 = center_surround.lateral((24,)), center_surround.THRESHOLD
    bright = 0.7 + 0.1 * rng.random(24)
    rates = ganglion(circuit, bright)[0]
    np.testing.assert_allclose(rates, center_surround.hartline_ratliff(100 * bright, coefficients, r0), atol=1e-6)

    step = np.where(np.arange(24) < 12, 1.0, 0.1)
    rates = ganglion(circuit, step)[0]
    assert rates.min() == pytest.approx(0, abs=1e-6)
    rectified = np.maximum(100 * step - coefficients @ np.maximum(rates - r0, 0), 0)
    np.testing.assert_allclose(rates, rectified, atol=1e-3)
    assert rates[11] > rates[6] + 5, "Mach band on the bright side"


def test_disinhibition_reaches_farther_than_inhibition():
    """A third unit, far from the first, raises its response by inhibiting the second."""
    first, second, third = np.eye(24)[[2, 5, 10]]
    circuit = center_surround.circuit("rate", recurrent=True)
    assert center_surround.lateral((24,))[2, 10] < 1e-3
    pair, triple = ganglion(circuit, [0.8 * (first + second), 0.8 * (first + second) + third])
    assert triple[5] < pair[5] - 1
    assert triple[2] > pair[2] + 0.1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"kind": "fast"}, "center_surround: kind: expected 'rate' or 'spiking', found 'fast'"),
        ({"kind": "spiking", "recurrent": True}, "expected 'rate' for the recurrent circuit, found 'spiking'"),
    ],
)
def test_kind_is_checked(arguments, words):
    with pytest.raises(InputError, match=words):
        center_surround.circuit(**arguments)
