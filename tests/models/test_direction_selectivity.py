from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eisim import InputError, ablate, simulate
from eisim.adapter.unrolled import unroll
from eisim.base.timing import Timing
from models import direction_selectivity as ds
from tests.support.silent import silent

DWELLS = (10e-3, 20e-3, 40e-3, 60e-3)


@pytest.fixture(scope="module", params=["rate", "spiking"])
def found(request):
    """The veto circuit intact and ablated, and the facilitation circuit, over dwell times and the flashes."""
    task = ds.task(request.param)
    circuits = [ds.circuit(request.param), ablate(ds.circuit(request.param))]
    circuits.append(task.excitatory_only(0))
    return task, *simulate(circuits, ds.stimuli(DWELLS), seed=1, backend="numpy", **task.times)


def test_the_veto_selects_a_direction_and_its_loss_does_not(found):
    task, intact, ablated, _ = found
    assert (ds.selectivity(ds.output(intact))[1:] > 0.9).all()
    assert task.score(intact) > 0.7 > task.criterion > task.constant
    assert abs(ds.selectivity(ds.output(ablated))).max() < 0.15
    assert task.score(ablated) < 0.1


def test_selectivity_falls_where_the_spot_outruns_the_delay(found):
    _, intact, _, _ = found
    index = ds.selectivity(ds.output(intact))
    assert index[0] < 0.7 < index[1]


def test_an_earlier_flash_is_a_witness(found):
    _, intact, ablated, facilitated = found
    alone, preceded = ds.stimuli()[-2:]
    assert (alone <= preceded).all()
    flash, after_another = ds.output(intact)[-2:]
    assert flash > 4 and after_another == pytest.approx(0, abs=0.1)
    for excitatory in (ablated, facilitated):
        # Spikes with noise may differ by one or two in the whole trial.
        assert ds.output(excitatory)[-1] >= ds.output(excitatory)[-2] - 2 / ds.TIMES["window"]


def test_facilitation_selects_a_direction_without_inhibition_so_that_no_loss_is_provable(found):
    task, _, _, facilitated = found
    assert facilitated.circuit.is_excitatory_only and task.bound is None
    assert (ds.selectivity(ds.output(facilitated))[1:] > 0.9).all()
    assert task.score(facilitated) > task.criterion


@pytest.mark.parametrize("kind", ["rate", "spiking"])
def test_silence_inhibition_from_no_side_and_a_faint_response_score_nothing(kind):
    task, whole = ds.task(kind, quick=True), ds.circuit(kind)

    def changed(target, change):
        projections = [replace(p, weights=change(p.weights)) if p.target == target else p for p in whole.projections]
        return replace(whole, projections=projections)

    no_side = changed("interneurons", lambda w: w.max() * np.eye(*w.shape))
    faint = changed("ganglion", lambda w: 0.002 * w)
    circuits = [whole, silent(whole), no_side, faint]
    responses = simulate(circuits, task.stimuli, seed=1, backend="numpy", **task.times)
    intact, *rest = (task.score(response) for response in responses)
    assert intact == pytest.approx(1, abs=0.02)
    assert max(rest) < 0.1


def test_a_response_is_selective_as_far_as_it_is_strong():
    for strength, index in ((0.5, 0.1), (5.0, 1.0), (50.0, 1.0)):
        assert ds.selectivity(np.array([strength, 0.0, 0.0, 0.0])) == pytest.approx(index)


@given(st.integers(0, 2**32 - 1))
def test_another_flash_never_lowers_the_answer_of_the_facilitation_circuit(seed):
    rng = np.random.default_rng(seed)
    less = rng.random((64, ds.SUBUNITS + 1)) < 0.2
    more = less | (rng.random(less.shape) < 0.1)
    dnn = unroll(ds.circuit("rate", mechanism="facilitation"), Timing(**ds.TIMES, dt=2e-3))
    small, large = dnn(np.array([less, more], dtype=float))[:, 0]
    assert small <= large + 1e-9


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"kind": "fast"}, "kind: expected 'rate' or 'spiking', found 'fast'"),
        ({"mechanism": "magic"}, "mechanism: expected 'veto' or 'facilitation', found 'magic'"),
    ],
)
def test_choices_are_checked(arguments, words):
    with pytest.raises(InputError, match=words):
        ds.circuit(**arguments)
