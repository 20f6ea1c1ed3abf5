import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eisim import InputError, ablate, simulate
from eisim.adapter.unrolled import unroll
from eisim.base.timing import Timing
from models import winner_take_all


@pytest.fixture(scope="module", params=["rate", "spiking"])
def found(request):
    task = winner_take_all.task(request.param, quick=True)
    circuit = task.circuit(0)
    times = {"duration": task.duration, "window": task.window, "dt": task.dt}
    return task, *simulate([circuit, ablate(circuit)], task.stimuli, seed=1, backend="numpy", **times)


def test_the_largest_input_wins_alone_and_all_win_without_inhibition(found):
    task, intact, ablated = found
    assert task.score(intact) == 1
    assert task.score(ablated) == 0
    active = winner_take_all.pool_rates(ablated) > winner_take_all.ACTIVE
    assert active[task.stimuli > 0].all()


def test_a_rival_is_a_witness(found):
    task, intact, ablated = found
    weak, strong = len(task.stimuli) - 2, len(task.stimuli) - 1
    assert (task.stimuli[weak] <= task.stimuli[strong]).all()
    assert task.output(intact)[weak] > winner_take_all.ACTIVE > task.output(intact)[strong]
    assert task.output(ablated)[strong] > 0.95 * task.output(ablated)[weak]


@settings(max_examples=8)
@given(
    strength=st.floats(0.3, 1.5),
    ratios=st.lists(st.floats(0, 0.8), min_size=3, max_size=3),
    place=st.integers(0, 3),
    alpha=st.floats(1.15, 1.4),
)
def test_the_winner_has_the_gain_of_the_closed_form(strength, ratios, place, alpha):
    inputs = np.roll(strength * np.array([1.0, *ratios]), place)[None]
    circuit = winner_take_all.circuit("rate", alpha=alpha)
    rates = unroll(circuit, Timing(1.5, 0.05, 1e-3))(inputs)[0]
    expected = np.zeros(4)
    expected[place] = winner_take_all.gain(alpha) * strength * winner_take_all.AFFERENT_RATE
    np.testing.assert_allclose(rates, np.minimum(expected, 100), atol=0.05)


def test_kind_is_checked():
    with pytest.raises(InputError, match="winner_take_all: kind: expected 'rate' or 'spiking', found 'fast'"):
        winner_take_all.circuit("fast")
