from dataclasses import replace

import numpy as np
import pytest

from eisim import InputError, ablate, simulate, to_dnn
from eisim.analysis.task import Obstruction
from models import normalization
from tests.support.scores import scaled


def run(task, circuits):
    times = {"duration": task.duration, "window": task.window, "dt": task.dt}
    return simulate(circuits, task.stimuli, seed=1, backend="numpy", **times)


@pytest.fixture(scope="module", params=["rate", "spiking"])
def found(request):
    task = normalization.task(request.param, quick=True)
    circuit = task.circuit(0)
    return task, *run(task, [circuit, ablate(circuit)])


def test_masks_and_surrounds_suppress_by_inhibition_alone(found):
    task, intact, ablated = found
    assert task.score(intact) > 0.8
    assert task.score(ablated) == task.bound == task.constant == 0
    assert task.obstruction is Obstruction.DECREASING


def test_less_excitation_and_silence_do_not_raise_the_score(found):
    task, intact, _ = found
    circuit = task.circuit(0)
    fewer, silent = run(task, [scaled(circuit, "E", 0.0), scaled(circuit, "all", 0.0)])
    assert task.score(fewer) < task.score(intact) - 0.3, "without relay cells the response is gone"
    assert task.score(silent) == 0


def test_the_score_is_two_sided(found):
    task, intact, _ = found
    trials, pairs = normalization.stimuli(quick=True)
    centre, surround = (trials @ field * normalization.AFFERENT_RATE for field in normalization.fields(12))
    rates = normalization.equation(centre, surround)

    def score(rates):
        return task.score(replace(intact, rates={"response": np.asarray(rates)[:, None]}))

    assert score(rates) == pytest.approx(1)
    stronger = rates.copy()
    stronger[pairs[:, 1]] = 0.0
    assert score(stronger) < 0.5, "silenced, not normalised"
    assert score(np.full(len(trials), 50.0)) == score(0 * rates) == score(rates / 1000) == 0


def test_the_mask_is_a_witness(found):
    task, intact, ablated = found
    alone, masked = 0, 2
    assert (task.stimuli[alone] <= task.stimuli[masked]).all()
    assert task.output(intact)[alone] > 2 * task.output(intact)[masked]
    # Without inhibition the mask reaches no response neuron; spikes leave the noise of the count.
    assert task.output(ablated)[masked] > 0.9 * task.output(ablated)[alone]


def test_responses_follow_the_normalization_equation(found):
    task, intact, _ = found
    centre, surround = normalization.fields(task.stimuli.shape[1] - 1)
    drive, pool = (task.stimuli @ field * normalization.AFFERENT_RATE for field in (centre, surround))
    tolerance = 0.5 if intact.circuit.kind == "rate" else 12
    np.testing.assert_allclose(task.output(intact), normalization.equation(drive, pool), atol=tolerance)


def test_contrast_saturates_and_size_is_tuned():
    """The static DNN of the rate circuit against the hyperbolic ratio and the ratio of Gaussians."""
    dnn = to_dnn(normalization.circuit("rate"))
    contrasts = np.geomspace(0.02, 1, 15)
    rates = dnn(np.array([normalization.patch(c, 2) for c in contrasts]))[:, 0]
    centre, surround = (field[:2].sum() * contrasts * 100 for field in normalization.fields(12))
    np.testing.assert_allclose(rates, normalization.equation(centre, surround), rtol=0.03)
    assert np.diff(rates)[-1] < np.diff(rates).max() / 2, "saturates"

    sizes = dnn(np.array([normalization.patch(1.0, radius) for radius in range(1, 13)]))[:, 0]
    best = sizes.argmax()
    assert 0 < best < 6
    assert (np.diff(sizes[: best + 1]) > 0).all() and (np.diff(sizes[best:]) < 0).all()
    assert 1 - sizes[-1] / sizes[best] == pytest.approx(0.67, abs=0.05)


@pytest.mark.parametrize("exponent", [1.0, 2.0])
def test_the_exponent_is_that_of_the_equation(exponent):
    dnn = to_dnn(normalization.circuit("rate", exponent=exponent))
    masks = np.linspace(0, 1, 6)
    rates = dnn(np.array([normalization.patch(0.5, 12, mask) for mask in masks]))[:, 0]
    centre, surround = normalization.fields(12)
    drive, pool = 50 * centre.sum(), 50 * surround[:-1].sum() + 100 * normalization.MASK_GAIN * masks
    np.testing.assert_allclose(rates, normalization.equation(drive, pool, exponent=exponent), rtol=0.03)


def test_kind_is_checked():
    with pytest.raises(InputError, match="normalization: kind: expected 'rate' or 'spiking', found 'fast'"):
        normalization.circuit("fast")
