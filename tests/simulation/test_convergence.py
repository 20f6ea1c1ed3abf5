"""Simulated dynamics tend to the exact ones as the time step falls, at the order of each model's step."""

import numpy as np
import pytest

from benchmarks import convergence
from eisim.simulation import noise

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("case", convergence.CASES, ids=lambda case: case.name)
def test_order_of_convergence(case):
    errors, slope = case.measure()
    if case.order:
        assert slope == pytest.approx(case.order, abs=case.within)
        assert not convergence.is_exact(errors)
    else:
        assert convergence.is_exact(errors)


def test_the_rate_of_a_noisy_neuron_is_off_by_what_theory_says():
    for dt in convergence.NOISE_STEPS:
        assert convergence.noisy_rate(dt) == pytest.approx(convergence.corrected_rate(dt), rel=0.03)


def test_noise_alone_has_its_spread_at_any_step():
    """The free membrane: the exact Ornstein-Uhlenbeck increments give the same variance and correlation."""
    neuron, keys, lag = convergence.NOISY, noise.keys(1, 0, np.arange(20_000)), 8e-3
    for dt in (8e-3, 2e-3):
        step, v = neuron.step_parameters(dt), np.zeros(len(keys))
        for k in range(round(60e-3 / dt)):
            v = v * step["decay_v"] + step["noise_step"] * noise.gaussian(keys, k)
        before = v
        for k in range(round(lag / dt)):
            v = v * step["decay_v"] + step["noise_step"] * noise.gaussian(keys, 1000 + k)
        assert v.std() == pytest.approx(neuron.noise, rel=4 / np.sqrt(2 * len(keys)))
        assert np.corrcoef(before, v)[0, 1] == pytest.approx(np.exp(-lag / neuron.tau), abs=4 / np.sqrt(len(keys)))
