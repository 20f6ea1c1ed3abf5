"""The linear response of a noisy neuron against the slopes of Siegert's formula and its high-frequency limits."""

import numpy as np
import pytest

from eisim.adapter.linear_response import linear_response
from eisim.neurons.siegert import siegert

CELL = {"tau": 20e-3, "refractory": 2e-3, "threshold": 20e-3, "reset": 10e-3}


@pytest.mark.parametrize(("mean", "sd"), [(5e-3, 4e-3), (15e-3, 3e-3), (19e-3, 5e-3), (22e-3, 1e-3), (30e-3, 2e-3)])
def test_slow_changes_follow_siegert(mean, sd):
    to_mean, to_variance = linear_response(0.0, mean, sd, **CELL)
    h, k = 1e-7, 1e-9
    slope = (siegert(mean + h, sd, **CELL) - siegert(mean - h, sd, **CELL)) / (2 * h)
    of_variance = (siegert(mean, np.sqrt(sd**2 + k), **CELL) - siegert(mean, np.sqrt(sd**2 - k), **CELL)) / (2 * k)
    assert to_mean[0].real == pytest.approx(slope, rel=1e-3)
    assert to_variance[0].real == pytest.approx(of_variance, rel=2e-3)


def test_fast_changes_follow_the_known_limits():
    """Mean: ν/(σ √(iωτ)), with a lag of 45°; variance: ν/σ², without lag.

    (Brunel & Hakim, Neural Comput. 11:1621, 1999; Lindner & Schimansky-Geier, Phys. Rev. Lett. 86:2934, 2001.)
    """
    mean, sd = 19e-3, 5e-3
    omega = 2 * np.pi * np.array([1000.0, 3000.0])
    to_mean, to_variance = linear_response(1j * omega, mean, sd, **CELL)
    rate = siegert(mean, sd, **CELL)
    np.testing.assert_allclose(to_mean, rate / (sd * np.sqrt(1j * omega * 20e-3)), rtol=0.02)
    np.testing.assert_allclose(to_variance, rate / sd**2, rtol=0.03)


def test_neurons_far_below_threshold_do_not_respond():
    to_mean, to_variance = linear_response([0.0, 100j], -0.2, 1e-3, **CELL)
    assert not to_mean.any() and not to_variance.any()
