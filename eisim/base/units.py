"""Quantities at the surface, plain SI numbers inside.

A user writes Brian2 quantities (``200*ms``, ``10*Hz``); eisim stores floats in SI units. A plain number is taken
to be in SI units already. Brian2 itself is not imported here: a quantity is known by its ``dim`` attribute.
"""

import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING

from eisim.base.errors import InputError, is_masked

if TYPE_CHECKING:  # what only reads the command line does without arrays
    import numpy as np

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
_PLAIN = {int, float, bool}
#: What values do while they are made.
_MAKING = ("__call__", "__init__", "__post_init__", "_for_each", "_magnitudes")
#: What neurons' quantities are given in.
_USUAL = {"second": "ms", "volt": "mV", "ampere": "pA", "siemens": "nS", "farad": "pF"}
#: Parameters of this size are no neuron's or synapse's: someone left out the unit.
_HUGE = {"second": 2.0, "volt": 2.0, "ampere": 1e-6, "siemens": 1e-4, "farad": 1e-6}


def expected(unit: str) -> str:
    """Description of a quantity with this unit: ``"a time such as 5*ms"``."""
    return _EXAMPLES.get(unit, unit)


class Measured(float):
    """A number in SI units that knows its unit, where Brian2 need not be imported to make a quantity."""

    unit: str

    def __new__(cls, value: float, unit: str):
        number = super().__new__(cls, value)
        number.unit = unit
        return number

    def __getnewargs__(self):
        return float(self), self.unit

    def __str__(self):
        return format_quantity(float(self), self.unit)


def unit_of(value) -> str | None:
    """The unit ("second", "hertz", "volt", ..., or "1") of a quantity or a list of quantities, else ``None``.

    In a list a plain 0 has any unit. Where parts differ it is all of theirs, such as ``"second and volt"``, which no
    parameter takes.
    """
    if isinstance(value, Measured):
        return value.unit
    if isinstance(value, (list, tuple)):
        found = dict.fromkeys(_units_in(value))
        return next(iter(found), None) if len(found) < 2 else " and ".join(unit or "plain numbers" for unit in found)
    dim, dimensions = getattr(value, "dim", None), sys.modules.get("brian2.units.fundamentalunits")
    if dim is None or not isinstance(dim, getattr(dimensions, "Dimension", ())):
        return None
    return unit_of_dimension(dim)


def unit_of_dimension(dim) -> str:
    """The unit of one of Brian2's dimensions, which is a unit of Brian2, too."""
    from brian2.units import allunits, fundamentalunits

    if dim is fundamentalunits.DIMENSIONLESS:
        return "1"
    for unit in _EXAMPLES:
        if unit != "1" and dim is getattr(allunits, unit).dim:
            return unit
    return repr(dim)


def _units_in(value) -> Iterator[str | None]:
    """The units of the parts of nested lists."""
    if {type(part) for part in value} <= _PLAIN:
        if any(value):
            yield None
        return
    for part in value:
        if isinstance(part, (list, tuple)):
            yield from _units_in(part)
        elif type(part) not in _PLAIN or part:
            yield unit_of(part)


def to_si(value, unit: str, what: str) -> "np.ndarray":
    """Convert a quantity or plain SI number(s) to an array of finite floats in SI units.

    ``InputError``, which says `what` it is, if it has another unit, is not numeric, or is not finite.
    """
    import numpy as np

    found = unit_of(value)
    if value is None or found not in (None, unit):
        raise InputError(f"{what}: expected {expected(unit)}, found {value}")
    kind = getattr(getattr(value, "dtype", None), "kind", "")
    if kind == "c":
        raise InputError(f"{what}: expected real numbers, found complex ones")
    if kind in tuple("mM"):
        raise InputError(f"{what}: expected {expected(unit)}, found dates or times of NumPy")
    if is_masked(value):
        raise InputError(f"{what}: expected numbers, found masked ones")
    try:
        array = np.array(value, dtype=float)
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"{what}: expected {expected(unit)}, found {value!r:.200}") from None
    if not np.isfinite(array).all():
        raise InputError(f"{what}: expected finite numbers, found {array[~np.isfinite(array)][0]}")
    return array


def scalar_si(value, unit: str, what: str) -> float:
    """Like `to_si`, for exactly one number."""
    array = to_si(value, unit, what)
    if array.ndim:
        raise InputError(f"{what}: expected {expected(unit)}, found an array of shape {array.shape}")
    return float(array)


def warn_of_plain(value, unit: str, what: str, huge: float | None = None, by_hand: bool = False) -> bool:
    """Warn of a plain number that is hardly meant in SI units, such as a threshold of 60 V; returns whether it does.

    `huge` is the least size that is hardly meant, by default far beyond those of neurons and synapses. `by_hand` says
    so only where the value to which the number belongs is made outside of eisim.
    """
    huge = _HUGE.get(unit, inf) if huge is None else huge
    if isinstance(value, (int, float)) and abs(value) < huge:  # nearly all are
        return False
    if unit_of(value) is not None:
        return False
    import numpy as np

    try:
        numbers = np.asarray(value, dtype=float)
    except (TypeError, ValueError, OverflowError):
        return False  # it is refused elsewhere
    largest = max(numbers.min(initial=0), numbers.max(initial=0), key=abs)
    if not huge <= abs(largest) < inf or (by_hand and not is_made_by_hand()):
        return False
    said = f"{what}: the plain number {largest:g} is {largest:g} {next(iter(_SUFFIXES.get(unit, (unit,))))}".rstrip()
    if usual := _USUAL.get(unit):
        said += f"; if {largest:g} {usual} are meant, write {largest:g}*{usual}"
    warnings.warn(said, stacklevel=outside())
    return True


def outside() -> int:
    """The ``stacklevel`` with which a warning names the calling line outside of eisim."""
    frame, level = sys._getframe(1), 1
    while frame.f_back and is_ours(frame.f_globals.get("__name__", "")):
        frame, level = frame.f_back, level + 1
    return level


def is_ours(module: str) -> bool:
    """Whether a module is one of eisim's own that reckons in SI units; models and experiments are written by people."""
    return module.partition(".")[0] == "eisim" and not module.startswith(("eisim.models", "eisim.experiments"))


def is_made_by_hand() -> bool:
    """Whether the value under construction was requested outside of eisim, where numbers may lack their units."""
    frame = sys._getframe(1)
    while frame and not _asks(frame):
        frame = frame.f_back
    return frame is None or not is_ours(frame.f_globals.get("__name__", ""))


def _asks(frame):
    """Whether the code of a frame is neither part of making a value nor of checking it."""
    module, name = frame.f_globals.get("__name__", ""), frame.f_code.co_name
    if module in ("dataclasses", "eisim.base.values", __name__):
        return False
    if name == "__init__" and frame.f_code.co_filename == "<string>":  # of a dataclass, in whose module it is
        return False
    return not (is_ours(module) and (name in _MAKING or name.startswith("_check")))


def plain_number(text: str, kind: type = float):
    """A number as people write it, of type int or float; ValueError for ``1_0``, which to Python is 10."""
    if "_" in text or not text.isascii():
        raise ValueError(text)
    return kind(text)


def parse_quantity(text: str, unit: str, what: str) -> float:
    """Read "200ms", "200 ms" or "200*ms" into an SI float."""
    match = re.fullmatch(r"\s*([-+0-9.eE]+?)\s*\*?\s*([A-Za-z]*)\s*", text)
    try:
        return float(match[1]) * _SUFFIXES[unit][match[2]]
    except (TypeError, KeyError, ValueError):
        raise InputError(f"{what}: expected {expected(unit)}, found {text!r}") from None


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


def exact_text(value, unit: str) -> str:
    """Write an SI number so that it is read to the bit: 0.2 of a "second" as "0.2s"."""
    return f"{value!r}{next(iter(_SUFFIXES.get(unit, (unit,))))}"
