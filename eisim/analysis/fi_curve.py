"""The f-I curve of a neuron, measured by simulation."""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from eisim.base.errors import InputError, explains_arguments
from eisim.base.units import to_si
from eisim.base.values import Brief, ReadOnly
from eisim.circuit import Circuit, Input, Population
from eisim.neurons import Neuron, SpikingNeuron
from eisim.simulation import simulate


@dataclass(frozen=True, eq=False, repr=False)
class FICurve(ReadOnly, Brief):
    """Rates of a neuron for constant drives, as they were measured.

    Attributes
    ----------
    neuron : SpikingNeuron
    drives : ndarray of shape (drives,)
        Constant biases, ascending, in SI units of the neuron's drive.
    rates : ndarray of shape (drives,)
        Mean rates in the window, in Hz.
    errors : ndarray of shape (drives,)
        Half-widths of the rates' 95 % intervals, in Hz: of one spike more or less in the window where there is no
        noise, else from the spread over copies as well.
    """

    neuron: SpikingNeuron
    drives: np.ndarray
    rates: np.ndarray
    errors: np.ndarray

    @property
    def fall(self) -> float:
        """The largest fall of the rate from a drive to a stronger one, in Hz; 0 if there is none."""
        return float((np.maximum.accumulate(self.rates) - self.rates).max())

    @property
    def is_non_decreasing(self) -> bool:
        """Whether no rate lies below that of a weaker drive by more than the intervals of both."""
        lowest = np.maximum.accumulate(self.rates - self.errors)
        return bool((self.rates + self.errors >= lowest).all())

    @property
    def rheobase(self) -> float:
        """The weakest of the drives at which it fires, in SI units; infinite if it fires at none."""
        firing = np.flatnonzero(self.rates > 0)
        return float(self.drives[firing[0]]) if firing.size else np.inf

    def activation(self, drive) -> np.ndarray:
        """Rate in Hz for a drive in SI units (any shape) between the measured ones, by linear interpolation.

        Raises
        ------
        InputError
            For a drive beyond those that were measured.
        """
        drive = np.asarray(drive, dtype=float)
        low, high = self.drives[[0, -1]]
        if drive.size and (drive.min() < low or drive.max() > high):
            raise InputError(
                f"FICurve: expected drives from {low:g} to {high:g}, found {drive.min():g} to {drive.max():g}"
            )
        return np.interp(drive, self.drives, self.rates)

    @property
    def shown(self) -> SpikingNeuron:
        """The neuron with what the curve says of it: whether its rate is non-decreasing in a constant drive.

        That is shown within the range of `drives` alone, and only if the rate rises there by more than the intervals:
        a flat curve shows nothing.
        """
        if not isinstance(self.neuron, Neuron):
            return self.neuron
        is_risen = bool(self.rates[-1] - self.errors[-1] > self.rates[0] + self.errors[0])
        return replace(self.neuron, rises=(is_risen or None) if self.is_non_decreasing else False)


@explains_arguments
def fi_curve(
    neuron: SpikingNeuron, drives, *, duration=1.0, window=0.5, dt=0.1e-3, copies: int = 20, backend: str = "numpy"
) -> FICurve:
    """Measure the f-I curve of a neuron: all drives are neurons of one population in one run.

    A curve is measured once in a process for each neuron and each set of arguments.

    Parameters
    ----------
    neuron : SpikingNeuron
        Of equations with ``drive=``, or one of eisim's.
    drives : quantity, array_like of shape (drives,)
        Constant biases, in any order, in the unit of the neuron's drive.
    duration, window, dt : quantity
        As for `eisim.simulate`, in s: rates are means over the window at the end.
    copies : int
        Neurons for each drive if the neuron has noise, at least 2; without noise there is one.
    backend : {"numpy", "cpp"}

    Returns
    -------
    FICurve

    Raises
    ------
    InputError
        For a neuron that takes no drive, fewer than two drives, or other units.
    """
    if not isinstance(neuron, SpikingNeuron):
        raise InputError(f"fi_curve: neuron: expected a spiking neuron, found {neuron!r:.60}")
    if not neuron.takes_bias:
        raise InputError("fi_curve: neuron: expected one with a drive (see drive= of Neuron), found one without")
    found = np.unique(to_si(drives, neuron.drive_unit, "fi_curve: drives"))
    if found.size < 2:
        raise InputError(f"fi_curve: drives: expected at least two different ones, found {found.size}")
    if isinstance(copies, bool) or not isinstance(copies, (int, np.integer)) or copies < 2:
        raise InputError(f"fi_curve: copies: expected a whole number of at least 2, found {copies!r}")
    times = tuple(float(to_si(each, "second", "fi_curve: times")) for each in (duration, window, dt))
    return _measured(neuron, tuple(found.tolist()), times, int(copies) if neuron.noise else 1, backend)


@lru_cache(maxsize=64)
def _measured(neuron, drives, times, copies, backend):
    duration, window, dt = times
    cells = Population("cells", "E", neuron, len(drives) * copies, bias=np.repeat(drives, copies))
    circuit = Circuit("f-I curve", [Input("none")], [cells])
    response = simulate(circuit, [[0.0]], duration=duration, window=window, dt=dt, backend=backend)
    each = response.rates["cells"].reshape(len(drives), copies)
    errors = np.full(len(drives), 1 / window)
    if copies > 1:
        errors = 1 / (window * copies) + 1.96 * each.std(axis=1, ddof=1) / np.sqrt(copies)
    arrays = np.array(drives), each.mean(axis=1), errors
    for array in arrays:  # the curve is kept for the next who asks
        array.flags.writeable = False
    return FICurve(neuron, *arrays)
