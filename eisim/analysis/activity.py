"""Statistics of recorded activity: rates over time, irregularity, correlation, synchrony and rhythm.

All measures are of one population over the read-out window (the last ``response.window`` of a trial). They have a
value for each trial, shape (seeds ×) trials as the rates of the response; NaN where a trial has too few spikes.
"""

from dataclasses import dataclass

import numpy as np
import scipy

from eisim.base.errors import InputError, explains_arguments
from eisim.base.former import renamed
from eisim.base.seeds import Seed, seed_of
from eisim.base.units import scalar_si
from eisim.simulation.response import Response

#: Intervals that a neuron needs for its irregularity to count: with fewer the CV is biased towards 0.
MINIMUM = 10


@dataclass(frozen=True, eq=False)
class Rhythm:
    """The strongest rhythm of a population.

    Attributes
    ----------
    frequency : ndarray
        Where the power spectrum of the population rate peaks, in Hz, (seeds ×) trials.
    prominence : ndarray
        Power at the peak over the median power of the spectrum: near 1 to 3 if there is no rhythm.
    """

    frequency: np.ndarray
    prominence: np.ndarray


@renamed(bin="bin_width")
@explains_arguments
def population_rate(response: Response, population: str, bin_width=1e-3) -> np.ndarray:
    """Rate of a population over time.

    Parameters
    ----------
    response : Response
        Recorded.
    population : str
    bin_width : quantity
        Width of a bin, in s: a whole number of time steps. Bins end with the window; what does not fill one at its
        beginning is left out.

    Returns
    -------
    ndarray of shape ((seeds,) trials, bins)
        In Hz, for each neuron.

    Raises
    ------
    InputError
        If the response was not recorded, the population is unknown, or the bin does not fit.
    """
    width, bins = _bins(response, bin_width)
    shape, size = _shape(response, population)
    if response.circuit.kind == "rate":
        trace = response.traces[population][..., -width * bins :].mean(axis=-2)
        return trace.reshape(*shape, bins, width).mean(axis=-1)
    copy, _, index = _binned(response, population, width, bins)
    counts = np.bincount(copy * bins + index, minlength=int(np.prod(shape)) * bins)
    return counts.reshape(*shape, bins) / (size * width * response.dt)


@explains_arguments
def irregularity(response: Response, population: str, minimum: int = MINIMUM) -> np.ndarray:
    """Mean coefficient of variation (CV) of inter-spike intervals: 0 if regular, 1 if Poisson.

    Parameters
    ----------
    minimum : int
        Neurons with fewer intervals than this do not count.
    """
    return _mean_over_neurons(response, population, _cv, minimum)


@explains_arguments
def local_irregularity(response: Response, population: str, minimum: int = MINIMUM) -> np.ndarray:
    """Mean CV2 of adjacent intervals, which slow changes of rate leave alone: 0 if regular, 1 if Poisson.

    (Holt, Softky, Koch & Douglas, J. Neurophysiol. 75:1806, 1996.)

    Parameters
    ----------
    minimum : int
        Neurons with fewer intervals than this do not count.
    """
    return _mean_over_neurons(response, population, _cv2, minimum)


@renamed(bin="bin_width")
@explains_arguments
def correlation(response: Response, population: str, bin_width=5e-3, neurons: int = 500, seed: Seed = 0) -> np.ndarray:
    """Mean correlation coefficient of the spike counts of pairs: 0 if independent, 1 if the same.

    Parameters
    ----------
    bin_width : quantity
        Width of a bin, in s.
    neurons : int
        All pairs of this many neurons, drawn at random, are taken; silent ones do not count.
    seed : int or Generator
        Of the draw.
    """
    width, bins = _bins(response, bin_width)
    shape, size = _shape(response, population)
    _expect_spiking(response, "correlation")
    chosen = np.sort(np.random.default_rng(seed_of(seed, "correlation: seed")).permutation(size)[:neurons])
    column = np.full(size, -1)
    column[chosen] = np.arange(chosen.size)
    copy, neuron, index = _binned(response, population, width, bins)
    copies, place = int(np.prod(shape)), (copy * chosen.size + column[neuron]) * bins + index
    counts = np.bincount(place[column[neuron] >= 0], minlength=copies * chosen.size * bins)
    counts = counts.reshape(copies, chosen.size, bins)
    spread = counts.std(axis=-1)
    active = spread > 0
    # The sum of all correlations is the variance of the sum of standardised counts.
    total = np.einsum("cn,cnb->cb", np.divide(1, spread, out=np.zeros_like(spread), where=active), counts)
    n = active.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return ((total.var(axis=-1) - n) / (n * (n - 1))).reshape(shape)


@renamed(bin="bin_width")
@explains_arguments
def synchrony(response: Response, population: str, bin_width=1e-3) -> np.ndarray:
    r"""Synchrony of spike counts: from :math:`1/\sqrt{N}` for N independent neurons to 1 for identical ones.

    The measure of Golomb & Rinzel (Physica D 72:259, 1994), of spike counts instead of membrane potentials:
    :math:`\chi^2 = \mathrm{Var}_t\langle n_i\rangle_i / \langle\mathrm{Var}_t\,n_i\rangle_i`.

    Parameters
    ----------
    bin_width : quantity
        Width of a bin, in s.
    """
    width, bins = _bins(response, bin_width)
    shape, size = _shape(response, population)
    _expect_spiking(response, "synchrony")
    copy, neuron, index = _binned(response, population, width, bins)
    copies, cell = int(np.prod(shape)), copy * size + neuron
    mean = population_rate(response, population, bin_width).reshape(copies, bins) * width * response.dt
    cells, counts = np.unique(cell * bins + index, return_counts=True)
    squares = np.bincount(cells // (size * bins), counts**2, minlength=copies) / (size * bins)
    who, per_neuron = np.unique(cell, return_counts=True)
    squared_means = np.bincount(who // size, (per_neuron / bins) ** 2, minlength=copies) / size
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.sqrt(mean.var(axis=-1) / (squares - squared_means)).reshape(shape)


@renamed(bin="bin_width")
@explains_arguments
def modulation(response: Response, population: str, bin_width=1e-3) -> np.ndarray:
    r"""Coefficient of variation of the population rate over time, beyond what independent neurons would show.

    With :math:`F` the Fano factor of the population's spike count in a bin and :math:`\bar{n}` its mean, it is
    :math:`\sqrt{(F - 1)/\bar{n}}`: 0 for independent Poisson neurons, :math:`a/\sqrt{2}` if their common rate goes
    as :math:`1 + a\sin\omega t`. Counts that vary less than Poisson ones have none.

    Parameters
    ----------
    bin_width : quantity
        Width of a bin, in s.
    """
    width, _ = _bins(response, bin_width)
    rate = population_rate(response, population, bin_width)
    _, size = _shape(response, population)
    of_counting = rate.mean(axis=-1) / (size * width * response.dt) if response.circuit.kind == "spiking" else 0.0
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.sqrt(np.maximum(rate.var(axis=-1) - of_counting, 0.0)) / rate.mean(axis=-1)


@renamed(bin="bin_width")
@explains_arguments
def spectrum(response: Response, population: str, bin_width=1e-3, resolution=None) -> tuple[np.ndarray, np.ndarray]:
    """Power spectral density of the population rate (Welch's method).

    Parameters
    ----------
    bin_width : quantity
        Width of a bin, in s: frequencies go up to half its inverse.
    resolution : quantity, optional
        Distance of frequencies, in Hz; the inverse of a segment's length. By default a half of the window is a segment.

    Returns
    -------
    frequency : ndarray of shape (frequencies,)
        In Hz.
    power : ndarray of shape ((seeds,) trials, frequencies)
        In Hz (Hz squared, for each Hz).
    """
    width, bins = _bins(response, bin_width)
    spacing = width * response.dt
    segment = bins // 2
    if resolution is not None:
        segment = round(1 / (scalar_si(resolution, "hertz", "spectrum: resolution") * spacing))
    if not 4 <= segment <= bins:
        expected = f"segments of 4 bins to the window's {bins}"
        raise InputError(f"spectrum: resolution: expected {expected}, found {segment} bins")
    rate = population_rate(response, population, bin_width)
    return scipy.signal.welch(rate, fs=1 / spacing, nperseg=segment, axis=-1)


@renamed(bin="bin_width")
@explains_arguments
def rhythm(response: Response, population: str, bin_width=1e-3, resolution=None, lowest=None) -> Rhythm:
    """The strongest rhythm of the population rate.

    Parameters
    ----------
    bin_width, resolution : quantity
        As in `spectrum`.
    lowest : quantity, optional
        Frequency from which on to look, in Hz; twice the resolution by default.
    """
    frequency, power = spectrum(response, population, bin_width, resolution)
    lowest = 2 * frequency[1] if lowest is None else scalar_si(lowest, "hertz", "rhythm: lowest")
    seen = frequency >= lowest
    frequency, power = frequency[seen], power[..., seen]
    if not frequency.size:
        raise InputError(f"rhythm: lowest: expected less than half the inverse of a bin, found {lowest:g} Hz")
    silent = power.sum(axis=-1) == 0
    peak = np.where(silent, np.nan, frequency[power.argmax(axis=-1)])
    with np.errstate(invalid="ignore", divide="ignore"):
        return Rhythm(peak, power.max(axis=-1) / np.median(power, axis=-1))


def _shape(response, population):
    """Shape of the trials, and number of neurons."""
    if population not in response.rates:
        known = ", ".join(repr(name) for name in response.rates)
        raise InputError(f"activity: population: expected one of {known}, found {population!r}")
    has_rates = isinstance(response.traces.stored.get(population), np.ndarray)
    if not (has_rates if response.circuit.kind == "rate" else population in response.spikes):
        expected = "a recorded response (simulate(..., record=True))"
        raise InputError(f"activity: expected {expected}, found none of {population!r}")
    *shape, size = response.rates[population].shape
    return tuple(shape), size


def _expect_spiking(response, what):
    if response.circuit.kind != "spiking":
        raise InputError(f"{what}: expected the response of a spiking circuit, found that of a rate circuit")


def _bins(response, bin_width):
    """Steps of a bin, and number of bins in the window."""
    width = scalar_si(bin_width, "second", "bin_width") / response.dt
    steps = round(response.window / response.dt)
    if abs(width - round(width)) > 1e-6 or not 1 <= round(width) <= steps // 2:
        expected = "a whole number of time steps, at most half of the window"
        raise InputError(f"bin_width: expected {expected}, found {width:g} of {steps} steps")
    return round(width), steps // round(width)


def _window(response, population):
    """Copies, neurons and steps of the spikes in the window."""
    spikes = response.spikes[population]
    steps = round(response.duration / response.dt)
    late = spikes.step >= steps - round(response.window / response.dt)
    return tuple(column[late].astype(np.int64) for column in (spikes.copy, spikes.neuron, spikes.step))


def _binned(response, population, width, bins):
    """Copies, neurons and bins of the spikes in the bins, which end with the window."""
    copy, neuron, step = _window(response, population)
    index = (step - (round(response.duration / response.dt) - width * bins)) // width
    inside = index >= 0
    return copy[inside], neuron[inside], index[inside]


@np.errstate(invalid="ignore", divide="ignore")
def _mean_over_neurons(response, population, measure, minimum):
    shape, size = _shape(response, population)
    _expect_spiking(response, "irregularity")
    copy, neuron, step = _window(response, population)
    order = np.lexsort((step, copy * size + neuron))
    who, step = (copy * size + neuron)[order], step[order]
    same = who[1:] == who[:-1]
    interval, owner = np.diff(step)[same].astype(float), who[1:][same]
    copies = int(np.prod(shape))
    enough = np.bincount(owner, minlength=copies * size) >= max(minimum, 2)
    value = measure(interval, owner, copies * size)
    total = np.where(enough, value, 0.0).reshape(copies, size).sum(axis=-1)
    return (total / enough.reshape(copies, size).sum(axis=-1)).reshape(shape)


def _cv(interval, owner, n):
    number = np.bincount(owner, minlength=n)
    mean = np.bincount(owner, interval, minlength=n) / number
    return np.sqrt(np.bincount(owner, (interval - mean[owner]) ** 2, minlength=n) / number) / mean


def _cv2(interval, owner, n):
    same = owner[1:] == owner[:-1]
    pair = 2 * np.abs(np.diff(interval)) / np.maximum(interval[1:] + interval[:-1], 1)
    return np.bincount(owner[1:][same], pair[same], minlength=n) / np.bincount(owner[1:][same], minlength=n)
