"""Quantities at the surface, plain SI numbers inside.

A user writes Brian2 quantities (``200*ms``, ``10*Hz``); eisim stores floats in SI units. A plain number is taken
to be in SI units already. Brian2 itself is not imported here: a quantity is known by its ``dim`` attribute.
"""

import re
import sys
import warnings
from contextlib import suppress

import numpy as np

from eisim.errors import InputError

_EXAMPLES = {
    "second": "a time such as 5*ms",
    "hertz": "a rate such as 100*Hz",
    "volt": "a voltage such as 15*mV",
    "ampere": "a current such as 0.5*nA",
    "siemens": "a conductance such as 3*nS",
    "farad": "a capacitance such as 200*pF",
    "1": "a plain number",
}
_SUFFIXES = {
    "second": {"s": 1.0, "ms": 1e-3, "us": 1e-6},
    "hertz": {"Hz": 1.0, "kHz": 1e3},
    "volt": {"V": 1.0, "mV": 1e-3, "uV": 1e-6},
    "ampere": {"A": 1.0, "nA": 1e-9, "pA": 1e-12},
    "siemens": {"S": 1.0, "uS": 1e-6, "nS": 1e-9},
    "farad": {"F": 1.0, "nF": 1e-9, "pF": 1e-12},
    "1": {"": 1.0},
}
#: What neurons' quantities are given in.
_USUAL = {"second": "ms", "volt": "mV", "ampere": "pA", "siemens": "nS", "farad": "pF"}
#: Parameters of this size are no neuron's or synapse's: someone left out the unit.
_HUGE = {"second": 2.0, "volt": 2.0, "ampere": 1e-3, "siemens": 1e-3, "farad": 1e-6}


def expected(unit: str) -> str:
    """What is expected of a quantity of this unit: ``"a time such as 5*ms"``."""
    return _EXAMPLES.get(unit, unit)


class Measured(float):
    """A number in SI units that knows its unit, where Brian2 need not be imported to make a quantity."""

    def __new__(cls, value: float, unit: str):
        number = super().__new__(cls, value)
        number.unit = unit
        return number

    def __getnewargs__(self):
        return float(self), self.unit

    def __str__(self):
        return format_quantity(float(self), self.unit)


def unit_of(value) -> str | None:
    """The unit ("second", "hertz", "volt", ..., or "1") of a quantity, ``None`` for a plain number."""
    if isinstance(value, Measured):
        return value.unit
    dim = getattr(value, "dim", None)
    if dim is None:
        return None
    from brian2.units import allunits, fundamentalunits

    if dim is fundamentalunits.DIMENSIONLESS:
        return "1"
    for unit in _EXAMPLES:
        if unit != "1" and dim is getattr(allunits, unit).dim:
            return unit
    return repr(dim)


def to_si(value, unit: str, what: str) -> np.ndarray:
    """Convert a quantity or plain SI number(s) to an array of finite floats in SI units.

    Parameters
    ----------
    value : quantity, float or array_like
    unit : {"second", "hertz", "volt", "ampere", "siemens", "farad", "1"}
    what : str
        What the value is, for the error message.

    Raises
    ------
    InputError
        If the value has another unit, is not numeric, or is not finite.
    """
    found = unit_of(value)
    if found not in (None, unit):
        raise InputError(f"{what}: expected {_EXAMPLES[unit]}, found {value}")
    try:
        array = np.array(value, dtype=float)
    except (TypeError, ValueError):
        raise InputError(f"{what}: expected {_EXAMPLES[unit]}, found {value!r}") from None
    if not np.isfinite(array).all():
        raise InputError(f"{what}: expected finite numbers, found {array[~np.isfinite(array)][0]}")
    return array


def scalar_si(value, unit: str, what: str) -> float:
    """Like `to_si`, for exactly one number."""
    array = to_si(value, unit, what)
    if array.ndim:
        raise InputError(f"{what}: expected {_EXAMPLES[unit]}, found an array of shape {array.shape}")
    return float(array)


def warn_of_plain(value, unit: str, what: str, huge: float | None = None) -> None:
    """Warn of a plain number that is hardly meant in SI units, such as a threshold of 60 V.

    Parameters
    ----------
    value : quantity, float or array_like
    unit : str
        As of `to_si`.
    what : str
        What the value is, for the warning.
    huge : float, optional
        The least size that is hardly meant; by default far beyond those of neurons and synapses.
    """
    huge = _HUGE.get(unit, np.inf) if huge is None else huge
    if isinstance(value, (int, float)) and abs(value) < huge:  # nearly all are
        return
    if unit_of(value) is not None or np.max(np.abs(value), initial=0) < huge:
        return
    largest = np.ravel(value)[np.argmax(np.abs(value))]
    usual, frame, level = _USUAL[unit], sys._getframe(), 0
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] == "eisim":
        frame, level = frame.f_back, level + 1
    warnings.warn(
        f"{what}: the plain number {largest:g} is {largest:g} {next(iter(_SUFFIXES[unit]))}; "
        f"if {largest:g} {usual} are meant, write {largest:g}*{usual}",
        stacklevel=level + 1,
    )


def parse_quantity(text: str, unit: str, what: str) -> float:
    """Read "200ms", "200 ms" or "200*ms" into an SI float."""
    match = re.fullmatch(r"\s*([-+0-9.eE]+?)\s*\*?\s*([A-Za-z]*)\s*", text)
    try:
        return float(match[1]) * _SUFFIXES[unit][match[2]]
    except (TypeError, KeyError, ValueError):
        raise InputError(f"{what}: expected {_EXAMPLES[unit]}, found {text!r}") from None


def split_quantity(text: str, what: str) -> tuple[float, str]:
    """Read "5", "200ms" or "200*ms" into an SI float and its unit, "" for a plain number."""
    for unit, suffixes in _SUFFIXES.items():
        if unit != "1" and any(text.rstrip().endswith(suffix) for suffix in suffixes):
            with suppress(InputError):
                return parse_quantity(text, unit, what), unit
    return parse_quantity(text, "1", what), ""


def format_quantity(value: float, unit: str) -> str:
    """Write an SI number as people do: 0.2 of a "second" as "200 ms"; the reverse of `parse_quantity`."""
    suffixes = _SUFFIXES.get(unit, {unit: 1.0})
    usual = _USUAL.get(unit) or next(iter(suffixes))
    fitting = [s for s, factor in suffixes.items() if 1 <= abs(value) / factor < 1000]
    if value and not fitting:
        fitting = [(min if abs(value) < 1 else max)(suffixes, key=suffixes.get)]
    usual_fits = not fitting or 0.1 <= abs(value) / suffixes[usual] < 1000
    suffix = usual if usual_fits else fitting[0]
    return f"{value / suffixes[suffix]:.4g} {suffix}".rstrip()
