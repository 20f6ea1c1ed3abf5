import numpy as np
import pytest

from eisim import ablate, simulate, to_dnn
from eisim.models._two_populations import steady_states
from models import inhibition_stabilized_network as isn

TIMES = {"duration": 1.0, "window": 0.05, "dt": 0.5e-3}


@pytest.mark.parametrize("excitation", [0.7, 1.3, isn.J_EE])
def test_more_drive_to_interneurons_lowers_their_rate_if_excitation_is_unstable_alone(excitation):
    circuit = isn.circuit("rate", excitation=excitation)
    drive = np.array([10 * (1 - excitation) + 12 * isn.J_EI, 12 * (1 + isn.J_II) - 10 * isn.J_IE])
    stimuli = drive + np.array([[0, 0], [0, 0.2]])
    rates = list(to_dnn(circuit, unrolled=True, **TIMES).layers(stimuli))[-1]
    np.testing.assert_allclose(rates[0], [10, 12], atol=1e-3)
    slope = (rates[1, 1] - rates[0, 1]) / 0.2
    determinant = (1 - excitation) * (1 + isn.J_II) + isn.J_EI * isn.J_IE
    assert slope == pytest.approx((1 - excitation) / determinant, abs=2e-3)
    assert (slope < 0) == (excitation > 1)
    states, growth = steady_states(circuit, tuple(drive), 100.0)
    stable = states[growth < 0]
    assert np.abs(stable - [10, 12]).max(axis=1).min() < 1e-6


@pytest.mark.parametrize("kind", ["rate", "spiking"])
def test_kicks_die_out_and_the_paradox_shows_with_inhibition_alone(kind):
    task = isn.task(kind, quick=True)
    more = isn.kicked(isn.DRIVE[kind], [0.0])
    more[..., 1] *= 1.15
    circuit = task.circuit(0)
    times = {"duration": task.duration, "window": task.window, "dt": task.dt}
    stimuli = [task.stimuli, task.stimuli, more]
    intact, ablated, driven = simulate([circuit, ablate(circuit), circuit], stimuli, backend="numpy", **times)
    assert (task.score(intact), task.score(ablated)) == (1, 0)
    for population in "EI":
        before, after = intact.rates[population][0].mean(), driven.rates[population][0].mean()
        assert after < before - 0.5, "more drive to the interneurons lowers all rates"
