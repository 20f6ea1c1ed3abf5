import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eisim import InputError, ablate, simulate
from eisim.adapter.unrolled import unroll
from eisim.base.timing import Timing
from models import winner_take_all
from tests.support.silent import silent


@pytest.fixture(scope="module", params=["rate", "spiking"])
def found(request):
    task = winner_take_all.task(request.param, quick=True)
    circuit = task.circuit(0)
    return task, *simulate([circuit, ablate(circuit)], task.stimuli, seed=1, backend="numpy", **task.times)


def test_the_largest_input_wins_alone_and_all_win_without_inhibition(found):
    task, intact, ablated = found
    assert task.score(intact) > task.criterion > task.bound > task.constant
    assert task.score(ablated) == 0
    assert winner_take_all.active(ablated).all()


def test_a_stronger_rival_is_a_witness(found):
    task, intact, ablated = found
    weak, strong = 0, 5  # the first pool wins, and the second with stronger inputs
    assert (task.stimuli[weak] <= task.stimuli[strong]).all()
    assert task.output(intact)[weak] > winner_take_all.ACTIVE > task.output(intact)[strong]
    assert task.output(ablated)[strong] > 0.95 * task.output(ablated)[weak]


@pytest.mark.parametrize(("quick", "best"), [(True, 1 / 2), (False, 1 / 3)])
@pytest.mark.parametrize("kind", ["rate", "spiking"])
def test_the_best_excitatory_only_score_is_reached(kind, quick, best):
    task = winner_take_all.task(kind, quick=quick)
    circuit = task.excitatory_only(0)
    assert circuit.is_excitatory_only
    assert task.bound == pytest.approx(best)
    response = simulate(circuit, task.stimuli, seed=1, backend="numpy", **task.times)
    assert task.score(response) == pytest.approx(best)


def test_no_choice_of_monotone_outputs_is_right_more_often_than_the_bound():
    """Every set of trials that could be right together, by enumeration."""
    task = winner_take_all.task(quick=True)
    order = (task.stimuli[:, None] <= task.stimuli).all(axis=-1)
    clash = order & (task.required[:, None] & ~task.required[None]).any(axis=-1)
    sets = [np.flatnonzero([k >> n & 1 for n in range(8)]) for k in range(256)]
    assert max(len(s) for s in sets if not clash[np.ix_(s, s)].any()) == 8 * task.bound
    assert np.unique(task.required, axis=0, return_counts=True)[1].max() == 8 * task.constant


@pytest.mark.parametrize("kind", ["rate", "spiking"])
def test_silence_and_the_loss_of_self_excitation_lower_the_score(kind):
    task = winner_take_all.task(kind, quick=True)
    circuits = [winner_take_all.circuit(kind, alpha=0.0), silent(task.circuit(0))]
    alone, none = simulate(circuits, task.stimuli, seed=1, backend="numpy", **task.times)
    assert task.score(alone) < 0.5
    assert task.score(none) == 0


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
    with pytest.raises(InputError, match="winner_take_all: kind: expected 'rate' or 'spiking', found 'fast'"):
        winner_take_all.thresholds("fast")
