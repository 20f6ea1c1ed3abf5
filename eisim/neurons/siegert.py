"""The Siegert formula: the rate of a leaky integrate-and-fire neuron under white noise."""

import numpy as np
import scipy

_NODES, _SHARES = np.polynomial.legendre.leggauss(40)
#: A noise below this share of the distance from reset to threshold counts as none.
QUIET = 1e-9


def siegert(mean, sd, tau, refractory, threshold, reset) -> np.ndarray:
    r"""Rate of a leaky integrate-and-fire neuron whose free membrane potential is normal with this mean and spread.

    .. math::
        \frac{1}{\nu} = t_\mathrm{ref} + \tau \sqrt{\pi} \int_{(v_r - \mu)/\sigma}^{(\vartheta - \mu)/\sigma}
        e^{u^2} (1 + \operatorname{erf} u)\, du, \qquad \sigma = \sqrt{2}\,\mathrm{sd}

    (Siegert, Phys. Rev. 81:617, 1951; Ricciardi 1977; Brunel, J. Comput. Neurosci. 8:183, 2000, eq. 21). The rate is
    non-decreasing in the mean and in the spread, so excitatory-only mean-fields keep order. Without noise it is the
    rate of the deterministic neuron.

    Mean :math:`\mu`, standard deviation (:math:`\sigma/\sqrt{2}` of Brunel 2000), threshold and reset are in V, the
    membrane time constant and the refractory period in s, all of shapes that fit each other; the rate is in Hz.

    Where :math:`u > 0` the integrand is :math:`2 e^{u^2} - \operatorname{erfcx} u`, whose first part Dawson's function
    integrates exactly. What is left, :math:`\operatorname{erfcx}` over positive numbers, falls like 1/u and is smooth
    in asinh u: 40 nodes suffice over the whole range.
    """
    mean, sd, tau, refractory, threshold, reset = np.broadcast_arrays(
        *(np.asarray(x, dtype=float) for x in (mean, sd, tau, refractory, threshold, reset))
    )
    noisy = sd > QUIET * (threshold - reset)
    spread = np.sqrt(2) * np.where(noisy, sd, 1.0)
    upper, lower = (threshold - mean) / spread, (reset - mean) / spread
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        below = _integral_of_erfcx(np.maximum(-upper, 0), np.maximum(-lower, 0))
        above = _integral_of_growth(np.maximum(lower, 0), np.maximum(upper, 0))
        quiet = np.where(mean > threshold, np.log((mean - reset) / (mean - threshold)), np.inf)
        return 1 / (refractory + tau * np.where(noisy, below + above, quiet))


def _integral_of_erfcx(lower, upper):
    r"""Integral of :math:`\sqrt{\pi} \operatorname{erfcx}` between non-negative numbers."""
    a, b = np.arcsinh(lower)[..., None], np.arcsinh(upper)[..., None]
    t = (a + b) / 2 + (b - a) / 2 * _NODES
    return ((b - a) / 2 * _SHARES * np.sqrt(np.pi) * scipy.special.erfcx(np.sinh(t)) * np.cosh(t)).sum(axis=-1)


def _integral_of_growth(lower, upper):
    r"""Integral of :math:`\sqrt{\pi} e^{u^2} (1 + \operatorname{erf} u)` between non-negative numbers."""
    start, dawson = np.minimum(lower, upper), scipy.special.dawsn
    growth = np.exp(upper**2) * dawson(upper) - np.exp(start**2) * dawson(lower)
    growth = np.where(upper > 26, np.inf, growth)
    return 2 * np.sqrt(np.pi) * growth - _integral_of_erfcx(lower, upper)
