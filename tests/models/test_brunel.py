import numpy as np
import pytest

from eisim import InputError, simulate
from models import brunel
from tests.support.scores import intact_and_ablated

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("state", "rates"), brunel.RATES.items())
def test_mean_field_is_the_theory_of_table_1(state, rates):
    assert brunel.mean_field(*brunel.STATES[state])[0] == pytest.approx(rates[1], abs=0.06)


def test_units_rest_at_the_working_point_and_respond_as_far_as_inhibition_lets_them():
    circuit, rate = brunel.circuit("rate"), brunel.mean_field(*brunel.WORKING_POINT)[0]
    eta = np.array([2.0, 2.1])
    response = simulate(circuit, eta[:, None], duration=0.5, window=0.1, dt=1e-3, backend="numpy")
    assert response.rates["E"][0, 0] == pytest.approx(rate, rel=1e-6)
    loop = circuit.weights(circuit.projections[2])[0, 0]
    assert loop > 1, "excitation alone would run away"
    gain = loop * brunel.THRESHOLD_RATE / (1 + loop * (brunel.WORKING_POINT[0] * brunel.SHARE - 1))
    assert np.diff(response.rates["E"][:, 0]) == pytest.approx(gain * 0.1, rel=1e-6)


@pytest.mark.parametrize("kind", ["rate", "spiking"])
def test_balance_is_lost_without_inhibition(kind):
    intact, ablated = intact_and_ablated(brunel.task(kind, quick=True))
    assert intact > 0.7
    assert ablated < 0.2


def test_size_keeps_the_mean_input():
    small, large = (brunel.circuit(size=size) for size in (0.02, 0.04))
    drive = [c.inputs[0].rate * c.projections[0].weights.weight for c in (small, large)]
    assert drive[0] == pytest.approx(drive[1])
    recurrent = [c.weights(c.projections[2]).sum(axis=0) for c in (small, large)]
    np.testing.assert_allclose(recurrent[0], 1e-3 * 100)
    np.testing.assert_allclose(recurrent[1], 1e-3 * 100)


@pytest.mark.parametrize("wrong", [{"kind": "binary"}, {"g": -1}, {"size": 0.001}])
def test_what_does_not_fit_is_named(wrong):
    with pytest.raises(InputError, match=f"brunel: {next(iter(wrong))}: expected"):
        brunel.circuit(**wrong)
