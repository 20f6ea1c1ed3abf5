"""How strongly the activity of a population follows a rhythm."""

from functools import lru_cache

import numpy as np

from eisim.analysis.activity import population_rate
from eisim.simulation import Response


@lru_cache(maxsize=8)
def waves(first: float, dt: float, n: int, band: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies of a band, each 0.25 Hz, and their waves at n times from the first on, times × frequencies."""
    frequencies = np.arange(band[0], band[1], 0.25)
    times = first + dt * np.arange(n)
    return frequencies, np.exp(-2j * np.pi * np.outer(times, frequencies))


def vector_strength(rate: np.ndarray, dt: float, band: tuple[float, float], first: float = 0.0) -> tuple:
    """Frequency (Hz) of the strongest rhythm within a band, and its vector strength, for each trial.

    Vector strength (Goldberg & Brown 1969) is 1 if all activity occurs at one phase and 0 if it is uniform over phases.

    Parameters
    ----------
    rate : ndarray of shape (trials, times)
        Rates or numbers of spikes.
    dt : float
        Distance of the times, in s.
    band : tuple of float
        In Hz.
    first : float
        The first time, in s.
    """
    frequencies, wave = waves(first, dt, rate.shape[1], band)
    strength = np.abs(rate.astype(complex) @ wave) / np.maximum(rate.sum(axis=1), 1e-12)[:, None]
    best = strength.argmax(axis=1)
    return frequencies[best], strength[np.arange(len(best)), best]


def strength_of_rhythm(response: Response, band: tuple[float, float], population: str = "E") -> np.ndarray:
    """Vector strength of the strongest rhythm of a recorded population in the window, for each trial.

    It is 0 where the rate never falls, whatever its spectrum: what only rises is no rhythm.
    """
    rate = population_rate(response, population, max(1e-3, response.dt))
    falls = np.diff(rate, axis=1).min(axis=1) < -1e-6 * rate.max(axis=1)
    return np.where(falls, vector_strength(rate, max(1e-3, response.dt), band)[1], 0.0)
