"""The Siegert formula against direct quadrature, and in its limits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import erfcx

from eisim.neurons.siegert import siegert

BRUNEL = {"tau": 20e-3, "refractory": 2e-3, "threshold": 20e-3, "reset": 10e-3}


@pytest.mark.parametrize("mean", [-20e-3, 0.0, 12e-3, 19.9e-3, 20e-3, 25e-3, 0.3])
@pytest.mark.parametrize("sd", [0.2e-3, 1e-3, 5e-3, 0.1])
def test_against_adaptive_quadrature(mean, sd):
    """Of the formula as it stands, scaled by its largest value so that nothing overflows."""
    lower, upper = (np.array([10e-3, 20e-3]) - mean) / (np.sqrt(2) * sd)
    scale = max(upper, 0.0) ** 2
    inside = [p for p in (-100.0, -10.0, 0.0, upper - 1) if lower < p < upper]
    integral = quad(
        lambda u: erfcx(-u) * np.exp(-scale) if u < 0 else (2 - erfcx(u) * np.exp(-u * u)) * np.exp(u * u - scale),
        lower,
        upper,
        points=inside or None,
        epsabs=0,
        epsrel=1e-11,
        limit=500,
    )[0]
    interval = 2e-3 * np.exp(-scale) + 20e-3 * np.sqrt(np.pi) * integral
    expected = np.exp(-scale) / interval
    assert siegert(mean, sd, **BRUNEL) == pytest.approx(expected, rel=1e-9, abs=1e-300)


def test_without_noise_it_is_the_deterministic_rate():
    above = np.array([21e-3, 50e-3])
    expected = 1 / (2e-3 + 20e-3 * np.log((above - 10e-3) / (above - 20e-3)))
    np.testing.assert_allclose(siegert(above, 0.0, **BRUNEL), expected, rtol=1e-12)
    np.testing.assert_array_equal(siegert([15e-3, 20e-3], 0.0, **BRUNEL), 0)
    for sd in (1e-8, 1e-10):
        np.testing.assert_allclose(siegert(above, sd, **BRUNEL), expected, rtol=1e-8)
        assert siegert(19.9e-3, sd, **BRUNEL) == 0


def test_far_below_threshold_it_is_kramers_rate():
    """1/ν → τ √π e^{y²}/y with y the distance to threshold in units of σ (Brunel 2000)."""
    y = np.array([10.0, 15.0, 20.0])
    mean, sd = 0.0, 20e-3 / (np.sqrt(2) * y)
    expected = y * np.exp(-(y**2)) / (20e-3 * np.sqrt(np.pi))
    np.testing.assert_allclose(siegert(mean, sd, **BRUNEL), expected, rtol=0.6 / y.min() ** 2)


def test_extremes_are_finite():
    values = siegert(np.array([-1e3, 0, 1e3])[:, None], np.array([0, 1e-12, 1e-3, 1e3]), **BRUNEL)
    assert np.isfinite(values).all() and (values >= 0).all() and (values <= 500).all()
    assert siegert(1e3, 1e-3, **BRUNEL) == pytest.approx(500, rel=1e-3)


@given(
    means=st.tuples(st.floats(-0.1, 0.1), st.floats(-0.1, 0.1)),
    sds=st.tuples(st.floats(0, 0.05), st.floats(0, 0.05)),
    reset=st.floats(-0.05, 0.019),
)
def test_non_decreasing_in_mean_and_in_spread(means, sds, reset):
    (m, n), (s, t) = sorted(means), sorted(sds)
    lower = siegert(m, s, 20e-3, 2e-3, 20e-3, reset)
    assert lower <= siegert(n, t, 20e-3, 2e-3, 20e-3, reset) * (1 + 1e-9)
