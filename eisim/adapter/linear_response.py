"""How the rate of a leaky integrate-and-fire neuron under white noise follows a small change of its input."""

import numpy as np

#: Steps of membrane potential, and how far below the mean and the reset they go, in standard deviations.
STEPS, DEPTH, MARGIN = 600, 7.0, 3.0
#: At 0 the flux says nothing of the rate, so the limit is taken: the least change that is told apart, times tau.
SLOW = 1e-6
#: With a threshold this many standard deviations above the mean a neuron neither fires nor responds.
SILENT = 25.0


def linear_response(growth, mean, sd, tau, refractory, threshold, reset) -> tuple[np.ndarray, np.ndarray]:
    r"""Change of the rate with the mean input and with its variance, for changes that go as :math:`e^{\lambda t}`.

    The Fokker-Planck equation of the membrane potential, linearised, is integrated from the threshold down with the
    rate as its unknown flux (threshold integration: Richardson, Phys. Rev. E 76:021919, 2007). With
    :math:`\lambda = i\omega` it is the transfer function of Brunel & Hakim (Neural Comput. 11:1621, 1999).

    The growth :math:`\lambda` (n,) is in 1/s and complex; mean and sd of the free membrane potential, threshold and
    reset are in V, tau and the refractory period in s. Returned are the changes in Hz for each V of the mean and for
    each V² of the variance ``sd**2``, (n,) each.
    """
    growth = np.atleast_1d(np.asarray(growth, dtype=complex))
    growth = np.where(np.abs(growth) * tau < SLOW, SLOW / tau, growth)
    # Potentials in units of sd from the mean, times in units of tau; the reset lies on the grid.
    upper, lower = (threshold - mean) / sd, (reset - mean) / sd
    if upper > SILENT:
        return np.zeros_like(growth), np.zeros_like(growth)
    bottom = min(lower - MARGIN, -DEPTH)
    above = max(round(STEPS * (upper - lower) / (upper - bottom)), 100)
    step = (upper - lower) / above
    edges = upper - step * np.arange(above + int(np.ceil((lower - bottom) / step)))
    scaled = growth * tau * step
    # The stationary density for a flux of 1. Rows: what the rate alone, the mean alone and the variance alone cause.
    density, flux, total = 0.0, 1.0, 0.0
    densities, fluxes = np.zeros((3, growth.size), dtype=complex), np.zeros((3, growth.size), dtype=complex)
    fluxes[0] = 1.0
    middles = edges - step / 2
    away = np.where(np.abs(middles) < 1e-9, 1e-9, middles)
    # Growth and gain of the density over each step, and over its first half.
    whole = np.exp(step * middles), np.expm1(step * away) / away
    first = np.exp(step * middles / 2), np.expm1(step * away / 2) / away
    for k, (v, grow, ease, half, half_ease) in enumerate(zip(middles, *whole, *first, strict=True)):
        if k == above:
            flux = 0.0
            fluxes[0] -= np.exp(-growth * refractory)
        middle = density * half + flux * half_ease
        drive = fluxes + 0.5 * scaled * densities
        drive[1] -= middle
        drive[2] -= flux + v * middle
        before, densities = densities, densities * grow + drive * ease
        fluxes = fluxes + 0.5 * scaled * (before + densities)
        density = density * grow + flux * ease
        total += step * middle
    # No flux leaves at the bottom: that decides the rate.
    response = -fluxes[1:] / fluxes[0] / (refractory + tau * total)
    return response[0] / sd, response[1] / sd**2
