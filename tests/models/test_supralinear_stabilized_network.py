import numpy as np
import pytest

from eisim import ablate, simulate, to_dnn
from eisim.analysis.task import Obstruction
from eisim.models._two_populations import steady_states
from eisim.simulation import Response
from models import supralinear_stabilized_network as ssn
from tests.support.scores import scaled

TIMES = {"duration": 0.5, "window": 0.05, "dt": 0.5e-3}


def settled(circuit, contrasts):
    """Rates at the end (trials × E and I) for stimuli of these contrasts."""
    stimuli = np.repeat(np.array(contrasts)[:, None], 2, axis=1)
    return list(to_dnn(circuit, unrolled=True, **TIMES).layers(stimuli))[-1]


def test_summation_goes_from_supralinear_to_sublinear():
    contrasts = 0.25 * 2.0 ** np.arange(9)  # 0.25 to 64 Hz
    rates = settled(ssn.circuit("rate"), contrasts)
    power = np.diff(np.log2(rates[:, 0]))
    assert power[0] == pytest.approx(ssn.EXPONENT, abs=0.03)
    assert (power[:6] > 1).all(), "up to 8 Hz and its double"
    assert power[-1] < 0.5, "32 Hz and its double"
    for contrast, found in zip(contrasts[::4], rates[::4], strict=True):
        states, growth = steady_states(ssn.circuit("rate"), (contrast, contrast), 100.0)
        assert np.abs(states[growth < 0] - found).max(axis=1).min() < 1e-3


def test_without_inhibition_the_strongest_contrast_is_known():
    """E = k (W E + c)² has a solution while c is at most 1/(4 k W)."""
    limit = 1 / (4 * ssn.K * ssn.WEIGHTS[0][0])
    below, above = settled(ablate(ssn.circuit("rate")), [0.9 * limit, 1.2 * limit])[:, 0]
    w, c = ssn.WEIGHTS[0][0], 0.9 * limit
    assert below == pytest.approx(
        (1 - 2 * ssn.K * w * c - np.sqrt(1 - 4 * ssn.K * w * c)) / (2 * ssn.K * w**2), rel=1e-3
    )
    assert above > 900


def scores(task, *circuits):
    """The task's score of each circuit, and their responses."""
    responses = simulate(list(circuits), task.stimuli, seed=0, backend="numpy", **task.times)
    return [task.score(response) for response in responses], responses


@pytest.mark.parametrize("kind", ["rate", "spiking"])
def test_gain_control_of_this_wiring_needs_inhibition(kind):
    task = ssn.task(kind, quick=True)
    assert task.obstruction is Obstruction.DECREASING
    circuit = task.circuit(0)
    found, (intact, ablated) = scores(task, circuit, ablate(circuit))
    assert found == [1, 0]
    lower, upper = task.stimuli[-2:]
    assert (lower <= upper).all()
    fall = [np.subtract(*task.output(response)[-2:]) for response in (intact, ablated)]
    assert fall[0] > 3 > 1 > fall[1], "more input, less output: with inhibition alone"


@pytest.mark.parametrize("kind", ["rate", "spiking"])
def test_cells_without_recurrent_synapses_perform_the_task(kind):
    task = ssn.task(kind)
    circuit = task.excitatory_only(0)
    assert circuit.is_excitatory_only
    found, (response,) = scores(task, circuit)
    assert found == [1]
    lower, upper = task.output(response)[-2:]
    assert lower == pytest.approx(upper, rel=0.05), "the witness is beyond them"


@pytest.mark.parametrize("rates", ["silent", "constant", "linear", "quadratic", "saturated"])
def test_the_score_is_two_sided(rates):
    task = ssn.task("rate")
    contrasts = task.stimuli[:, 0]
    given = {
        "silent": 0 * contrasts,
        "constant": 0 * contrasts + 20,
        "linear": contrasts,
        "quadratic": contrasts**2 / 50,
        "saturated": 0 * contrasts + 1000,
    }[rates]
    response = Response(task.circuit(0), {"E": given[:, None]}, **task.times)
    assert task.score(response) == 0
    assert task.constant == 0


@pytest.mark.parametrize("kind", ["rate", "spiking"])
def test_the_score_is_not_raised_by_taking_synapses_away(kind):
    task = ssn.task(kind)
    circuits = [task.circuit(seed) for seed in range(1 if kind == "rate" else 4)]
    taken = [("E", 1.0), ("E", 0.0), ("I", 0.5), ("all", 0.0)]
    found, _ = scores(task, *(scaled(circuit, *which) for which in taken for circuit in circuits))
    found = np.reshape(found, (len(taken), -1)).mean(axis=1)
    assert found[0] >= max(task.criterion, found[1])
    assert list(found[2:]) == [0, 0], "with half of inhibition, and silent"
