import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eisim import InputError, ablate, simulate
from eisim.adapter.unrolled import unroll
from eisim.base.timing import Timing
from models import direction_selectivity as ds

DWELLS = (10e-3, 20e-3, 40e-3, 60e-3)


@pytest.fixture(scope="module", params=["rate", "spiking"])
def found(request):
    """The veto circuit intact and ablated, and the facilitation circuit, over dwell times and the flashes."""
    task = ds.task(request.param)
    circuits = [ds.circuit(request.param), ablate(ds.circuit(request.param))]
    circuits.append(ds.circuit(request.param, mechanism="facilitation"))
    times = {"duration": task.duration, "window": task.window, "dt": task.dt}
    return task, *simulate(circuits, ds.stimuli(DWELLS), seed=1, backend="numpy", **times)


def test_the_veto_selects_a_direction_and_its_loss_does_not(found):
    task, intact, ablated, _ = found
    assert (ds.selectivity(ds.output(intact))[1:] > 0.9).all()
    assert task.score(intact) > 0.7
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


def test_facilitation_selects_a_direction_without_inhibition(found):
    _, _, _, facilitated = found
    assert facilitated.circuit.is_excitatory_only
    assert (ds.selectivity(ds.output(facilitated))[1:] > 0.9).all()


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
