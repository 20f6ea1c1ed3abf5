"""The axes of a sweep: a parameter, and the values that it takes."""

import math
import re
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, is_dataclass, replace

import numpy as np

from eisim.base.errors import InputError
from eisim.base.schema import TEXT, Parameter, lookup, parameters_of, read
from eisim.base.units import (
    Measured,
    exact_text,
    format_quantity,
    parse_quantity,
    plain_number,
    split_quantity,
    unit_of,
)

#: Values of an axis, at most; and points with their seeds.
MOST_VALUES, MOST_POINTS = 10_000, 1_000_000
#: Values of a range are rounded to this many digits: 0.3, not 0.30000000000000004.
_DIGITS = 12

Scalar = float | int | bool | str


@dataclass(frozen=True)
class Axis:
    """One axis of a sweep: a parameter and its values in SI units; numbers rise, and have a unit ("second") or none."""

    name: str
    values: tuple[Scalar, ...]
    unit: str = ""

    def __post_init__(self):
        if not self.values:
            raise InputError(f"over: {self.name}: expected at least one value, found none")
        if len(self.values) > MOST_VALUES:
            raise InputError(f"over: {self.name}: expected at most {MOST_VALUES:,} values, found {len(self.values):,}")
        twice = [value for k, value in enumerate(self.values) if value in self.values[:k]]
        if twice:
            raise InputError(f"over: {self.name}: expected different values, found {self.show(twice[0])} twice")
        if self.is_numeric:
            object.__setattr__(self, "values", tuple(sorted(self.values)))

    @property
    def is_numeric(self) -> bool:
        """Whether the values are numbers, which have an order and distances."""
        return all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in self.values)

    def show(self, value: Scalar) -> str:
        """A value as people write it: ``"0.2 mV"``."""
        if self.unit:
            return format_quantity(value, self.unit)
        return str(value) if isinstance(value, (str, bool)) else f"{value:.6g}"

    @property
    def words(self) -> str:
        """The values, in short."""
        if len(self.values) <= 6 or not self.is_numeric:
            return ", ".join(map(self.show, self.values))
        return f"{self.show(self.values[0])} to {self.show(self.values[-1])}, {len(self.values)} values"


def parse_axis(text: str, parameters: Mapping[str, Parameter]) -> Axis:
    """Read ``g=3:7:9`` (9 values from 3 to 7), ``g=3,4,6`` or ``delay=1ms:3ms:5`` for one of the parameters."""
    name, equals, values = text.partition("=")
    if not equals:
        raise InputError(f"--over: expected NAME=FROM:TO:NUMBER or NAME=VALUE,VALUE,..., found {text!r}")
    parameter = lookup(name.strip(), parameters, "--over")
    words = [word for word in values.split(",") if word.strip()]
    if not words:
        raise InputError(f"--over: {parameter.name}: expected at least one value, found none")
    bounds = values.split(":")
    if len(bounds) > 1 and parameter.kind in (int, float):
        if len(bounds) != 3:
            raise InputError(f"--over: {parameter.name}: expected FROM:TO:NUMBER, found {values!r}")
        return _range(parameter, *bounds)
    found, units = zip(*(read_value(parameter, word) for word in words), strict=True)
    return Axis(parameter.name, found, _unit(parameter, units))


def make_axis(name: str, values, parameters: Mapping[str, Parameter]) -> Axis:
    """The axis of a text as `parse_axis` reads it, or of an array, a quantity or a list of values."""
    if isinstance(values, str):
        return parse_axis(f"{name}={values}", parameters)
    parameter, unit = lookup(name, parameters, "over"), unit_of(values)
    if unit is not None or isinstance(values, np.ndarray):
        values = np.atleast_1d(np.asarray(values)).tolist()
        if np.ndim(values) != 1:
            raise InputError(f"over: {name}: expected values in a row, found shape {np.shape(values)}")
    values = list(values) if isinstance(values, Iterable) else [values]
    values = [value.item() if isinstance(value, np.generic) else value for value in values]
    unit = unit or parameter.unit or "1"
    found = [read_value(parameter, _as_text(value, parameter.kind, unit))[0] for value in values]
    if parameter.kind is float:  # whole numbers stay whole
        found = [value if value == number else number for value, number in zip(values, found, strict=True)]
    return Axis(name, tuple(found), "" if unit == "1" else unit)


def swept(thing: Callable, leave_out: Iterable[str] = ()) -> dict[str, Parameter]:
    """Parameters of a function or of an experiment that can be swept; untyped ones are numbers."""
    found = {}
    for name, each in parameters_of(thing).items():
        kind = float if each.unit else each.kind or _kind_of(each.default)
        parts = [part for part in typing.get_args(kind) if part is not type(None)]
        if parts in ([int], [float]) and typing.get_origin(kind) in (typing.Union, types.UnionType):
            kind = parts[0]
        unit = "1" if kind is float and each.unit is None and is_dataclass(thing) else each.unit
        found[name] = replace(each, kind=kind, unit=unit)
    return {name: each for name, each in found.items() if name not in leave_out}


def read_value(parameter: Parameter, text: str) -> tuple[Scalar, str]:
    """A value in SI units, and its unit; ``InputError`` if the text is none. Of tuples and the like, the text."""
    name, text = parameter.name, text.strip()
    if parameter.kind is not float:
        value = read(parameter.kind, text, name, TEXT)
        return (value if isinstance(value, (bool, int, float)) else text), ""
    if parameter.unit is None:
        value, unit = split_quantity(text, name)
    else:
        value, unit = parse_quantity(text, parameter.unit, name), parameter.unit
    if not math.isfinite(value):
        raise InputError(f"{name}: expected a finite number, found {text!r}")
    return value, "" if unit == "1" else unit


def taken(parameter: Parameter, value: Scalar, unit: str):
    """A value as a function takes it: it knows its unit."""
    if isinstance(value, str) and parameter.kind is not str:
        return read(parameter.kind, value, parameter.name, TEXT)
    return Measured(value, unit) if unit else value


def _kind_of(default):
    """The type of values that a default implies; a number where there is none."""
    if isinstance(default, tuple):
        return tuple[type(default[0]), ...] if default else tuple
    return type(default) if isinstance(default, (bool, int, str)) else float


def _as_text(value, kind, unit):
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return exact_text(int(value) if kind is int and float(value).is_integer() else value, unit)
    return re.sub(r"^\((.*?),?\)$", r"\1", str(value))


def _range(parameter, first, last, number):
    try:
        n = plain_number(number, int)
    except ValueError:
        n = 0
    if n < 1:
        raise InputError(f"--over: {parameter.name}: expected a number of values of 1 or more, found {number!r}")
    if n > MOST_VALUES:
        raise InputError(f"--over: {parameter.name}: expected at most {MOST_VALUES:,} values, found {n:,}")
    bound = replace(parameter, kind=float)
    (a, unit), (b, other) = read_value(bound, first), read_value(bound, last)
    unit = _unit(parameter, [unit, other])
    if n == 1 and a != b:
        raise InputError(f"--over: {parameter.name}: expected at least 2 values from {first} to {last}, found 1")
    values = [float(f"{value:.{_DIGITS}g}") for value in np.linspace(a, b, n)]
    if parameter.kind is int:
        if wrong := [value for value in values if value != round(value)]:
            found = f"{wrong[0]:g} in {first}:{last}:{n}"
            raise InputError(f"--over: {parameter.name}: expected whole numbers, found {found}")
        values = [int(value) for value in values]
    return Axis(parameter.name, tuple(values), unit)


def _unit(parameter, units):
    if len(set(units)) > 1:
        found = " and ".join(unit or "none" for unit in units)
        raise InputError(f"--over: {parameter.name}: expected values of one unit, found {found}")
    return units[0]
