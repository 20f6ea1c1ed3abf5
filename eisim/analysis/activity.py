"""Statistics of recorded activity: rates over time, irregularity, correlation, synchrony, rhythm, field potential.

All measures are of one population over the read-out window (the last ``response.window`` of a trial). They have a
value for each trial, shape (seeds ×) trials as the rates of the response; NaN where a trial has too few spikes.
"""

from dataclasses import dataclass
from functools import reduce

import numpy as np
import scipy

from eisim.analysis.rasters import MINIMUM, irregularity_of, synchrony_of, variation
from eisim.base.errors import InputError, explains_arguments
from eisim.base.former import renamed
from eisim.base.seeds import Seed, seed_of
from eisim.base.units import scalar_si, to_si, unit_of
from eisim.neurons.spiking import EXCITATORY
from eisim.simulation.recording import current_signs
from eisim.simulation.response import Response

#: Of the field potential: weight of inhibitory currents, and delay of excitatory ones in s.
INHIBITORY_WEIGHT, EXCITATORY_DELAY = 1.65, 6e-3
#: Frequencies that a fit of the spectral slope needs.
FEWEST = 5


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
    return _mean_over_neurons(response, population, variation, minimum)


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
    mean = population_rate(response, population, bin_width).reshape(-1, bins) * width * response.dt
    return synchrony_of(copy, neuron, index, mean, size).reshape(shape)


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
        segment = round(1 / (_positive(resolution, "spectrum: resolution") * spacing))
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


@explains_arguments
def field_potential(
    response: Response, population: str, weight: float = INHIBITORY_WEIGHT, delay=EXCITATORY_DELAY
) -> tuple[np.ndarray, np.ndarray]:
    r"""Proxy of the local field potential: a weighted sum of the synaptic currents of the pyramidal cells.

    .. math:: \langle I_e(t - d) - \alpha\, I_i(t) \rangle, \qquad \alpha = 1.65,\ d = 6\ \mathrm{ms}

    The reference weighted sum of Mazzoni, Lindén, Cuntz, Lansner, Panzeri & Einevoll (PLoS Comput. Biol. 11:e1004584,
    2015), who fitted it to morphologically detailed cells that received the currents of a LIF network. Currents
    have their signs, depolarising positive; a variable ``I_e`` or ``I_i`` of a user's equations that hyperpolarises
    where it is positive is turned. As inhibitory ones are negative where the membrane is above their reversal
    potential, magnitudes add up there. Its time course predicts that of the field potential where a population
    with separate apical excitation and perisomatic inhibition dominates it; its size and sign, which depend on the
    depth of the electrode, it does not predict. (Weight and delay as in published implementations of the proxy; the
    paper's own equation was not at hand.)

    Parameters
    ----------
    response : Response
        Of a spiking circuit, with the currents recorded: ``record={population: ["I_e", "I_i"]}``. Of a `eisim.Neuron`
        with several receptors of a sign, such as those of a dendrite, the currents of all that projections end on are
        needed, ``"I_de"`` for ``g_de``; their sum counts.
    population : str
        The pyramidal cells; currents of interneurons contribute little. The mean is over the recorded neurons.
    weight : float
        Weight :math:`\alpha` of inhibitory currents.
    delay : quantity
        Delay :math:`d` of excitatory currents, in s: a whole number of recorded times.

    Returns
    -------
    time : ndarray of shape (times,)
        Recorded times in the read-out window for which the delayed currents are known, in s: if the window begins
        sooner than a delay after the trial, the times from that delay on.
    potential : ndarray of shape ((seeds,) trials, times)
        In the unit of the currents. NMDA currents (``I_n``) are not part of it, also where they are recorded: the proxy
        was fitted to networks without them.

    Raises
    ------
    InputError
        If the currents were not recorded or have different units, the equations do not show whether they depolarise,
        the population is unknown, or the delay does not fit.
    """
    _expect_spiking(response, "field_potential")
    if population not in response.rates:
        _shape(response, population)
    recording = getattr(response.traces, "recordings", {}).get(population)
    recorded = {} if recording is None else recording.values
    signs = _current_signs(response.circuit, population, recorded)
    units = {name: recording.units[name] for of in signs for name in of}
    if len(set(units.values())) > 1:
        found = ", ".join(f"{name} in {unit}" for name, unit in units.items())
        raise InputError(f"field_potential: {population!r}: expected currents in one unit, found {found}")
    weight = scalar_si(weight, "1", "field_potential: weight")
    time = recording.times
    if len(time) < 2:
        raise InputError(f"field_potential: {population!r}: expected currents at several times, found one")
    every = (time[-1] - time[0]) / (len(time) - 1)
    shift = scalar_si(delay, "second", "field_potential: delay") / every
    if not 0 <= shift <= len(time) - 2 or abs(shift - round(shift)) > 1e-6:
        expected = f"a whole number, from 0 to {len(time) - 2}, of recorded times ({every * 1e3:g} ms each)"
        raise InputError(f"field_potential: delay: expected {expected}, found {shift:g}")
    shift = round(shift)
    excitatory, inhibitory = (
        reduce(np.add, [sign * recorded[name].mean(axis=-2) for name, sign in of.items()]) for of in signs
    )
    potential = excitatory[..., : len(time) - shift] - weight * inhibitory[..., shift:]
    seen = time[shift:] >= response.duration - response.window - every / 2
    if response.rates[population].ndim == 2:
        potential = potential[0]
    return time[shift:][seen], potential[..., seen]


def _current_signs(circuit, population, recorded) -> tuple[dict[str, int], dict[str, int]]:
    """The names and signs of the excitatory and of the inhibitory currents that make a field potential."""
    what = f"field_potential: {population!r}"
    known, used = current_signs(circuit.population(population)), {"e", "i"}
    injected = {each.name for each in circuit.inputs if each.is_current}
    for projection in circuit.projections:
        if projection.target == population and projection.source not in injected:
            used.add(circuit.receptor(projection))
    wanted = ["I_e", "I_i"] + [name for letter, (name, _) in known.items() if letter in used - {"e", "i"}]
    if lacking := [name for name in wanted if name not in recorded]:
        asked = ", ".join(f'"{name}"' for name in wanted)
        expected = f"currents recorded (simulate(..., record={{{population!r}: [{asked}]}}))"
        found = ", ".join(recorded) or "none"
        lacks = f", without {', '.join(lacking)}" if recorded else ""
        raise InputError(f"{what}: expected {expected}, found {found}{lacks}")
    signs = {letter: (name, sign) for letter, (name, sign) in known.items() if name in recorded}
    if unknown := [name for name, sign in signs.values() if not sign]:
        expected = "currents of which the equations show whether they depolarise or hyperpolarise"
        raise InputError(f"{what}: expected {expected}, found {', '.join(unknown)}")
    excitatory = {name: sign for letter, (name, sign) in signs.items() if letter in EXCITATORY}
    return excitatory, {name: sign for name, sign in signs.values() if name not in excitatory}


@explains_arguments
def spectral_slope(signal, dt, lowest=30.0, highest=50.0, resolution=None) -> np.ndarray:
    r"""Slope of the power spectrum in double logarithmic coordinates.

    It is :math:`-\beta` where power goes as :math:`1/f^\beta`. Gao, Peterson & Voytek (NeuroImage 158:70, 2017) infer
    the balance of excitation and inhibition from the slope of field potentials between 30 and 50 Hz: the steeper, the
    more inhibition. The spectrum is estimated by Welch's method, and the line by the median of the slopes between all
    pairs of frequencies (Theil 1950; Sen 1968), which peaks of rhythms leave alone as long as they take up less than
    29 % of the frequencies. (The range of frequencies is cited from memory; the paper fits the line by another robust
    regression.)

    Parameters
    ----------
    signal : array_like of shape (..., times)
        Such as a `field_potential` or a `population_rate`.
    dt : quantity
        Time from one value of the signal to the next, in s.
    lowest, highest : quantity
        Frequencies between which the line is fitted, in Hz.
    resolution : quantity, optional
        Distance of frequencies, in Hz; the inverse of a segment's length. By default a half of the signal is a segment.

    Returns
    -------
    ndarray of shape (...)
        NaN where the signal has no power.

    Raises
    ------
    InputError
        For fewer than 5 frequencies in that range, or frequencies that the signal does not have.
    """
    signal, dt = (
        to_si(signal, unit_of(signal) or "1", "spectral_slope: signal"),
        scalar_si(dt, "second", "spectral_slope: dt"),
    )
    low, high = (
        scalar_si(f, "hertz", f"spectral_slope: {what}") for what, f in (("lowest", lowest), ("highest", highest))
    )
    if not dt > 0:
        raise InputError(f"spectral_slope: dt: expected more than 0, found {dt:g} s")
    if not 0 < low < high <= 0.5 / dt:
        expected = f"0 < lowest < highest <= {0.5 / dt:g} Hz, half the inverse of dt"
        raise InputError(f"spectral_slope: expected {expected}, found {low:g} and {high:g} Hz")
    times = signal.shape[-1] if signal.ndim else 0
    segment = times // 2
    if resolution is not None:
        segment = round(1 / (_positive(resolution, "spectral_slope: resolution") * dt))
    if not signal.size:
        raise InputError(f"spectral_slope: signal: expected values, found none (shape {signal.shape})")
    if not 4 <= segment <= times:
        raise InputError(f"spectral_slope: expected segments of 4 to all {times} values, found {segment}")
    frequency, power = scipy.signal.welch(signal, fs=1 / dt, nperseg=segment, axis=-1)
    seen = (frequency >= low) & (frequency <= high)
    if np.count_nonzero(seen) < FEWEST:
        raise InputError(
            f"spectral_slope: expected at least {FEWEST} frequencies from {low:g} to {high:g} Hz, found "
            f"{np.count_nonzero(seen)} at a resolution of {frequency[1]:g} Hz (take a longer signal or a wider range)"
        )
    x, power = np.log(frequency[seen]), power[..., seen]
    flat = power.reshape(-1, power.shape[-1])
    slopes = [scipy.stats.theilslopes(np.log(y), x)[0] if (y > 0).all() else np.nan for y in flat]
    return np.array(slopes).reshape(power.shape[:-1])


def _positive(frequency, what):
    number = scalar_si(frequency, "hertz", what)
    if not number > 0:
        raise InputError(f"{what}: expected more than 0, found {number:g} Hz")
    return number


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


def _mean_over_neurons(response, population, measure, minimum):
    shape, size = _shape(response, population)
    _expect_spiking(response, "irregularity")
    copy, neuron, step = _window(response, population)
    return irregularity_of(copy, neuron, step, int(np.prod(shape)), size, measure, minimum).reshape(shape)


def _cv2(interval, owner, n):
    same = owner[1:] == owner[:-1]
    pair = 2 * np.abs(np.diff(interval)) / np.maximum(interval[1:] + interval[:-1], 1)
    return np.bincount(owner[1:][same], pair[same], minlength=n) / np.bincount(owner[1:][same], minlength=n)
