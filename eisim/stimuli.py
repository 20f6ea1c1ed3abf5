"""Stimuli: courses over time, spike times, and labelled tables whose columns are matched to inputs by name."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eisim.base import memory
from eisim.base.errors import InputError, explains_arguments
from eisim.base.units import outside, scalar_si, to_si, unit_of_dimension, warn_of_plain
from eisim.base.values import Brief, ReadOnly

_DIMENSIONS = (("trial", "input"), ("trial", "time", "input"))


@dataclass(frozen=True, eq=False, repr=False)
class SpikeTimes(ReadOnly, Brief):
    """Spikes of given afferents at given times, in the order of afferents and times.

    Attributes
    ----------
    i : ndarray of int, shape (spikes,)
        Afferents.
    t : ndarray of shape (spikes,)
        Times, in s.
    """

    i: np.ndarray
    t: np.ndarray

    def __post_init__(self):
        i, t = np.asarray(self.i), to_si(self.t, "second", "SpikeTimes: t")
        if i.dtype.kind not in "iu" or i.ndim != 1 or i.shape != t.shape:
            raise InputError(
                f"SpikeTimes: expected whole numbers of afferents, and a time for each, found arrays of shapes "
                f"{i.shape} and {t.shape}"
            )
        if t.min(initial=0) < 0:
            raise InputError(f"SpikeTimes: t: expected 0 or more, found {t.min():g} s")
        order = np.lexsort((t, i))
        for name, values in (("i", i[order].astype(np.int64)), ("t", t[order])):
            values.flags.writeable = False
            object.__setattr__(self, name, values)

    def __eq__(self, other):
        return isinstance(other, SpikeTimes) and self._bytes == other._bytes

    def __hash__(self):
        return hash(self._bytes)

    @property
    def _bytes(self):
        return self.i.tobytes(), self.t.tobytes()

    @classmethod
    def of(cls, spikes, size: int, what: str) -> "SpikeTimes":
        """Spikes of an input of that size, given as a pair of arrays or a DataFrame; `what` they are for messages."""
        if _is_frame(spikes):
            afferent = next((name for name in ("i", "neuron") if name in spikes.columns), None)
            if afferent is None or "t" not in spikes.columns:
                raise InputError(
                    f"{what}: expected the columns i (or neuron) and t, found {', '.join(map(str, spikes.columns))}"
                )
            spikes = spikes[afferent].to_numpy(), spikes["t"].to_numpy()
        if isinstance(spikes, cls):
            found = spikes
        elif isinstance(spikes, (tuple, list)) and len(spikes) == 2:
            i, t = spikes
            numbers = to_si(i, "1", f"{what}: afferents")
            times = to_si(t, "second", f"{what}: times")
            warn_of_plain(t, "second", f"{what}: times", huge=100.0, by_hand=True)
            if numbers.ndim != 1 or numbers.shape != times.shape:
                raise InputError(
                    f"{what}: expected as many times as afferents, found shapes {numbers.shape} and {times.shape}"
                )
            if (numbers % 1).any():
                raise InputError(f"{what}: afferents: expected whole numbers, found {numbers[numbers % 1 != 0][0]:g}")
            if times.min(initial=0) < 0:
                raise InputError(f"{what}: times: expected 0 or more, found {times.min():g} s")
            found = cls(numbers.astype(np.int64), times)
        else:
            raise InputError(
                f"{what}: expected (afferents, times) or a DataFrame with the columns i and t, found {spikes!r:.80}"
            )
        outside_of = found.i[(found.i < 0) | (found.i >= size)]
        if outside_of.size:
            raise InputError(f"{what}: afferents: expected from 0 to {size - 1}, found {outside_of[0]}")
        return found

    def steps(self, dt: float, what: str) -> np.ndarray:
        """Time steps of length dt (s) in which the spikes are, as Brian2 finds them: at most one of an afferent."""
        steps = np.floor(self.t / dt + 1e-3).astype(np.int64)
        same = (np.diff(self.i) == 0) & (np.diff(steps) == 0)
        if same.any():
            first = int(np.flatnonzero(same)[0])
            raise InputError(
                f"{what}: spikes: expected at most one of an afferent in a time step of {dt * 1e3:g} ms, found two of "
                f"afferent {self.i[first]} at {self.t[first] * 1e3:g} and {self.t[first + 1] * 1e3:g} ms"
            )
        return steps


def spike_raster(
    spikes: SpikeTimes, size: int, stimuli: np.ndarray, steps: int, dt: float, what: str
) -> list[list[np.ndarray]]:
    """Time steps of the spikes of each afferent of an input in each trial: those while its stimulus is 1.

    Stimuli are trials × afferents, or trials × time × afferents, of 0 and 1.
    """
    if not np.isin(stimuli, (0, 1)).all():
        wrong = stimuli[~np.isin(stimuli, (0, 1))][0]
        raise InputError(
            f"{what}: expected stimuli of 0 (off) and 1 (on), since its spike times are given, found {wrong:g}"
        )
    found = spikes.steps(dt, what)
    frames = stimuli if stimuli.ndim == 3 else stimuli[:, None]
    within = found < steps
    begin, end = (np.searchsorted(spikes.i[within], np.arange(size), side) for side in ("left", "right"))
    of_afferent = [found[within][b:e] for b, e in zip(begin, end, strict=True)]
    return [[of[trial[of * len(trial) // steps, k] == 1] for k, of in enumerate(of_afferent)] for trial in frames]


_EVERY = 0.1e-3


@explains_arguments
def step(duration, start=0.0, stop=None, *, every=_EVERY) -> np.ndarray:
    """A step over time: 1 from start to stop, 0 before and after.

    Of shape (time,), to be multiplied and added as one likes; ``step(...)[None, :, None]`` is the stimuli of one trial
    of one input.

    Parameters
    ----------
    duration, start, stop : quantity
        Of the trial, and of the step within it, in s; by default the step lasts to the end.
    every : quantity
        Length of a frame, in s.

    Returns
    -------
    ndarray of shape (time,)

    Raises
    ------
    InputError
        If the duration is not a whole number of frames, or the stop before the start.

    Examples
    --------
    >>> step(0.5, 0.1, 0.4, every=0.1)
    array([0., 1., 1., 1., 0.])
    """
    time, start, stop, every = _course("step", duration, start, stop, every)
    if stop < start:
        raise InputError(f"step: stop: expected a time after the start, {start:g} s, found {stop:g} s")
    return ((time >= start - every / 1000) & (time < stop - every / 1000)).astype(float)


@explains_arguments
def ramp(duration, start=0.0, stop=None, *, every=_EVERY) -> np.ndarray:
    """A ramp over time: 0 until start, then linearly up to 1 at stop, and 1 from there on.

    Parameters, result and errors are those of `step`; a frame has the value at its beginning.

    Examples
    --------
    >>> ramp(0.6, 0.1, 0.5, every=0.1)
    array([0.  , 0.  , 0.25, 0.5 , 0.75, 1.  ])
    """
    time, start, stop, _ = _course("ramp", duration, start, stop, every)
    if not start < stop:
        raise InputError(f"ramp: stop: expected a time after the start, {start:g} s, found {stop:g} s")
    return np.clip((time - start) / (stop - start), 0.0, 1.0)


@explains_arguments
def sine(duration, frequency, phase=0.0, *, every=_EVERY) -> np.ndarray:
    """A sine over time, from -1 to 1: ``sin(2 pi frequency t + phase)`` at the beginning of each frame.

    Parameters
    ----------
    duration : quantity
        Of the trial, in s.
    frequency : quantity
        In Hz.
    phase : float
        In rad.
    every : quantity
        Length of a frame, in s.

    Returns
    -------
    ndarray of shape (time,)

    Raises
    ------
    InputError
        If the duration is not a whole number of frames.
    """
    time, *_ = _course("sine", duration, 0.0, None, every)
    frequency, phase = scalar_si(frequency, "hertz", "sine: frequency"), scalar_si(phase, "1", "sine: phase")
    return np.sin(2 * np.pi * frequency * time + phase)


def _course(what, duration, start, stop, every):
    """Times of the frames of a course, and its start, stop and frame as numbers."""

    def seconds(name, given):
        number = scalar_si(given, "second", f"{what}: {name}")
        warn_of_plain(given, "second", f"{what}: {name}", huge=100.0)
        return number

    duration, every, start = seconds("duration", duration), seconds("every", every), seconds("start", start)
    stop = duration if stop is None else seconds("stop", stop)
    for name, number in (("duration", duration), ("every", every)):
        if not number > 0:
            raise InputError(f"{what}: {name}: expected more than 0, found {number:g} s")
    frames = round(duration / every)
    if frames < 1 or abs(frames * every - duration) > 1e-9 * duration:
        raise InputError(f"{what}: duration: expected a whole number of frames of {every:g} s, found {duration:g} s")
    memory.check(what, 32.0 * frames, f"{frames:,} frames")
    return np.arange(frames) * every, start, stop, every


def afferent_names(inputs: Sequence[tuple[str, int]]) -> list[str]:
    """Name of each column of the stimuli: that of the input, ``"x"``, or ``"x[0]"``, ``"x[1]"``, ... by its size."""
    return [name if size == 1 else f"{name}[{k}]" for name, size in inputs for k in range(size)]


def sets_of(stimuli, n: int) -> list:
    """The set of stimuli of each of n circuits.

    What matters is the number of axes, not whether the numbers are nested in lists or in an array. There is one set
    for all circuits: a labelled table, trials × inputs, or trials × time × inputs. Or one set for each: a sequence of n
    arrays or tables, circuits × trials × time × inputs, or nested lists of different lengths, which are no one array.

    Nested lists with three axes of which the first has a length of n are read as the array of these numbers is, as
    trials × time × inputs for all circuits, with a warning: trials × inputs for each may have been meant.
    """
    if is_labelled(stimuli):
        return [stimuli] * n
    if not hasattr(stimuli, "ndim") and not isinstance(stimuli, (list, tuple, str)) and np.iterable(stimuli):
        stimuli = list(stimuli)
    nested = isinstance(stimuli, (list, tuple)) or getattr(getattr(stimuli, "dtype", None), "kind", "") == "O"
    arrays = nested and any(is_labelled(each) or is_timed(each) or getattr(each, "ndim", 0) > 1 for each in stimuli)
    if not arrays and ((depth := _depth(stimuli)) < 3 or (depth == 3 and _is_regular(stimuli))):
        if nested and depth == 3 and len(stimuli) == n > 1:
            shape = " × ".join(map(str, np.shape(stimuli)))
            warnings.warn(
                f"stimuli: lists of {shape} numbers are read as trials × time × inputs for all {n} circuits; if trials "
                f"× inputs for each are meant, write a list of {n} arrays",
                stacklevel=outside(),
            )
        return [stimuli] * n
    sets = list(stimuli)
    if len(sets) != n:
        raise InputError(f"stimuli: expected one array for each of {n} circuits, found {len(sets)}")
    return sets


def _depth(value) -> int:
    """Number of axes of an array, or of numbers in lists."""
    if isinstance(value, (list, tuple)):
        return 1 + max(map(_depth, value), default=0)
    return getattr(value, "ndim", 0)


def _is_regular(value) -> bool:
    """Whether nested lists are as long as each other."""
    try:
        np.shape(value)
    except ValueError:
        return False
    return True


def in_frames(stimuli, inputs: Sequence[tuple[str, float, str]], duration: float, dt: float, what: str):
    """Stimuli that are a Brian2 ``TimedArray`` as an array of one trial × time × inputs; all others as they are.

    It has one column for all afferents, or one for each. Frames are its own where they fill the duration (s), else time
    steps of length dt (s). Its values are plain numbers, or rates or currents where all inputs (their names, rates or
    currents, and units) have that unit.
    """
    if not is_timed(stimuli):
        return stimuli
    values, frame = np.asarray(stimuli.values, dtype=float), float(stimuli.dt)
    if (found := unit_of_dimension(stimuli.dim)) != "1":
        if {unit for _, _, unit in inputs} != {found}:
            raise InputError(
                f"{what}: expected a TimedArray of plain numbers, which multiply the rate or current of each input, or "
                f"of rates or currents in the unit of all inputs, found one in {stimuli.dim}"
            )
        for name, scale, _ in inputs:
            if not scale:
                raise InputError(
                    f"{what}: expected a current above 0 of input {name!r}, since a TimedArray in {found} gives "
                    "multiples of it, found 0"
                )
        values = (values if values.ndim == 2 else values[:, None]) / [scale for _, scale, _ in inputs]
    values = np.broadcast_to(values[:, None], (len(values), len(inputs))) if values.ndim == 1 else values
    frames = round(duration / frame)
    if not (1 <= frames <= len(values) and abs(frames * frame - duration) < 1e-6 * dt and frame > dt * (1 - 1e-6)):
        steps = round(duration / dt)
        memory.check(what, 8.0 * steps * values.shape[1], f"{steps:,} time steps of a TimedArray")
        place = np.floor(np.arange(steps) * (dt / frame) + 1e-6).astype(int)
        return values[np.minimum(place, len(values) - 1)][None]
    return values[None, :frames]


def is_timed(stimuli) -> bool:
    """Whether stimuli are a Brian2 ``TimedArray``."""
    return type(stimuli).__name__ == "TimedArray" and hasattr(stimuli, "values")


def is_labelled(stimuli) -> bool:
    """Whether stimuli are a DataFrame or a DataArray."""
    return _is_frame(stimuli) or _is_data_array(stimuli)


def _is_frame(stimuli):
    return hasattr(stimuli, "columns") and hasattr(stimuli, "iloc")


def _is_data_array(stimuli):
    return hasattr(stimuli, "dims") and hasattr(stimuli, "coords") and hasattr(stimuli, "transpose")


def unlabelled(stimuli, inputs: Sequence[tuple[str, int]], what: str):
    """Stimuli as an array in the order of the inputs (name and size of each); what has no labels as it is.

    Columns of a DataFrame have the names of the inputs (`afferent_names`), in any order. A DataArray has the
    dimensions trial and input, or trial, time and input, in any order; a coordinate of the inputs has their names.
    Other names and dimensions are refused; `what` the stimuli are is for the error message.
    """
    names = afferent_names(inputs)
    if is_labelled(stimuli) and len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        why = f"two afferents would have the name {twice!r}"
        raise InputError(f"{what}: expected an array without labels, as {why}, found labels")
    if _is_frame(stimuli):
        _check_names(list(stimuli.columns), names, f"{what}: columns")
        return stimuli[names].to_numpy()
    if _is_data_array(stimuli):
        dims = next((dims for dims in _DIMENSIONS if set(dims) == set(stimuli.dims)), None)
        if dims is None:
            found = ", ".join(map(str, stimuli.dims)) or "none"
            raise InputError(
                f"{what}: expected the dimensions trial and input, or trial, time and input, found {found}"
            )
        if "input" in stimuli.coords:
            _check_names(stimuli["input"].values.tolist(), names, f"{what}: coordinate input")
            stimuli = stimuli.sel(input=names)
        return stimuli.transpose(*dims).to_numpy()
    return stimuli


def checked(stimuli, inputs: Sequence[tuple[str, int]], what: str, in_time: bool = False) -> np.ndarray:
    """Stimuli as an array of trials × inputs, or, if they may vary `in_time`, of trials × time × inputs."""
    stimuli, n = to_si(unlabelled(stimuli, inputs, what), "1", what), sum(size for _, size in inputs)
    if stimuli.ndim not in (2, 2 + in_time) or stimuli.shape[-1] != n:
        shapes = f"(trials, {n})" + in_time * f" or (trials, time, {n})"
        raise InputError(f"{what}: expected shape {shapes}, found {stimuli.shape}")
    return stimuli


def _check_names(found, names, what):
    if len(found) != len(names) or set(found) != set(names):
        raise InputError(f"{what}: expected {', '.join(names)}, found {', '.join(map(str, found)) or 'none'}")
