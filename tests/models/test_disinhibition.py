import numpy as np
import pytest

from eisim import InputError, ablate, simulate
from eisim.ablation import dose
from eisim.adapter.unrolled import unroll
from eisim.base.timing import Timing
from models import disinhibition
from tests.support.silent import silent

QUICK = Timing(0.5, 0.1, 0.2e-3)


def rates(circuit, stimuli):
    """Steady rates of E, PV, SST and VIP: trials × 4."""
    return list(unroll(circuit, QUICK).layers(np.asarray(stimuli)))[-1]


@pytest.mark.parametrize("baseline", disinhibition.BASELINES)
def test_the_background_gives_the_published_baseline(baseline):
    found = disinhibition.background("rate", baseline) - disinhibition.background("rate", "low")
    np.testing.assert_allclose(
        rates(disinhibition.circuit("rate"), [found])[0], disinhibition.BASELINES[baseline], rtol=1e-3
    )


@pytest.mark.parametrize("baseline", disinhibition.BASELINES)
def test_small_drives_have_the_response_matrix_of_the_paper(baseline):
    """Near a steady state the rates change by (1/slopes - W)⁻¹ times the drives."""
    before = np.array(disinhibition.BASELINES[baseline])
    weights = disinhibition.WEIGHTS * disinhibition.SIGNS
    background = disinhibition.background("rate", baseline)
    currents, small = background + weights @ before, 1e-4
    per_pa = disinhibition.drive_of_current("rate")
    slopes = [
        (float(cell.activation(k * (c + small))) - float(cell.activation(k * (c - small)))) / (2 * small)
        for cell, k, c in zip(disinhibition.cells("rate"), per_pa, currents, strict=True)
    ]
    expected = np.linalg.inv(np.diag(1 / np.array(slopes)) - weights)
    step = 0.05
    stimuli = background - disinhibition.background("rate", "low") + step * np.concatenate([np.eye(4), -np.eye(4)])
    up, down = np.split(rates(disinhibition.circuit("rate"), stimuli), 2)
    np.testing.assert_allclose((up - down).T / (2 * step), expected, rtol=0.01, atol=2e-3)
    e, sst, vip = 0, 2, 3
    assert expected[e, vip] > 0 > expected[e, sst]
    assert np.sign(expected[sst, vip]) == (-1 if baseline == "low" else 1), "the response reversal"


def respond(task, *circuits):
    return simulate(list(circuits), task.stimuli, seed=0, backend="numpy", **task.times)


@pytest.mark.parametrize("kind", ["rate", "spiking"])
def test_vip_raises_e_through_sst_and_no_other_way(kind):
    task = disinhibition.task(kind, quick=True)
    circuit = task.circuit(0)
    circuits = [circuit, *(dose(f"block:{t}").apply(circuit, 1.0) for t in ("SST", "VIP")), ablate(circuit)]
    intact, *ablated = respond(task, *circuits)
    assert task.score(intact) == 1 > task.criterion > task.bound >= max(map(task.score, ablated))
    for response in ablated[:2]:
        none, vip = task.output(response).reshape(2, -1)[:, :2].T
        np.testing.assert_allclose(vip, none, rtol=1e-6 if kind == "rate" else 0.3)
    none, sst = task.output(ablated[1]).reshape(2, -1)[:, [0, 2]].T
    assert (sst < 0.9 * none).all(), "without VIP cells SST cells still inhibit"


@pytest.mark.parametrize("kind", ["rate", "spiking"])
def test_the_best_excitatory_only_score_is_reached(kind):
    task = disinhibition.task(kind, quick=True)
    circuit = task.excitatory_only(0)
    assert circuit.is_excitatory_only
    found, none = respond(task, circuit, silent(task.circuit(0)))
    assert task.score(found) == task.bound
    assert task.score(none) <= (0 if kind == "rate" else 0.5)
    lower, upper = task.stimuli[[3, 5]]
    assert (lower <= upper).all() and task.output(found)[5] == pytest.approx(task.output(found)[3], rel=0.05)


def test_silence_scores_nothing():
    task = disinhibition.task("spiking", quick=True)
    response = simulate(task.circuit(0), task.stimuli - 500, seed=0, backend="numpy", **task.times)
    assert not task.output(response).any()
    assert task.score(response) == 0


def test_kind_is_checked():
    for make in (disinhibition.circuit, disinhibition.task):
        with pytest.raises(InputError, match="disinhibition: kind: expected 'rate' or 'spiking', found 'fast'"):
            make("fast")
