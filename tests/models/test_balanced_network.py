import numpy as np
import pytest

from eisim import InputError, simulate
from models import balanced_network
from tests.support.scores import intact_and_ablated

pytestmark = pytest.mark.slow


def test_balance_equations():
    j_e, j_i = balanced_network.INHIBITION["E"], balanced_network.INHIBITION["I"]
    e, i = balanced_network.EXTERNAL["E"], balanced_network.EXTERNAL["I"]
    closed = np.array([j_i * e - j_e * i, e - i]) / (j_e - j_i)
    np.testing.assert_allclose(balanced_network.balanced_rates(7.0), 7 * closed)


def test_units_fire_at_rates_in_closed_form_that_approach_the_balance():
    stimuli, off = np.array([[2.0], [4.0]]), []
    circuits = [balanced_network.circuit("rate", synapses=k) for k in (25, 100, 900)]
    responses = simulate(circuits, stimuli, duration=0.2, window=0.02, backend="numpy")
    for synapses, response in zip((25, 100, 900), responses, strict=True):
        for trial, x in enumerate(stimuli[:, 0] * balanced_network.EXTERNAL_RATE):
            rates = [response.rates[name][trial, 0] for name in "EI"]
            np.testing.assert_allclose(rates, balanced_network.rates_of_units(x, synapses), rtol=1e-6)
        off.append(np.abs(rates - balanced_network.balanced_rates(x)).max())
    assert off == sorted(off, reverse=True)


@pytest.mark.parametrize("kind", ["rate", "spiking"])
def test_balance_is_lost_without_inhibition(kind):
    intact, ablated = intact_and_ablated(balanced_network.task(kind, quick=True))
    assert intact > 0.8
    assert ablated < 0.1


@pytest.mark.parametrize("wrong", [{"kind": "binary"}, {"synapses": 1000}, {"synapses": 2.5}])
def test_what_does_not_fit_is_named(wrong):
    with pytest.raises(InputError, match=f"balanced_network: {next(iter(wrong))}: expected"):
        balanced_network.circuit(**wrong)
