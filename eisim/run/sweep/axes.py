"""The axes of a sweep: a parameter, and the values that it takes."""

import inspect
import math
import re
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass, fields

import numpy as np

from eisim.base.errors import InputError, did_you_mean
from eisim.base.schema import read_text
from eisim.base.units import Measured, format_quantity, split_quantity, unit_of

#: Values of an axis, at most; and points with their seeds.
MOST_VALUES, MOST_POINTS = 10_000, 1_000_000
#: Values of a range are rounded to so many digits: 0.3, not 0.30000000000000004.
_DIGITS = 12

Scalar = float | int | bool | str


@dataclass(frozen=True)
class Parameter:
    """What can be swept or set.

    Attributes
    ----------
    name : str
    kind : type
        How its values are read from text (see `eisim.base.schema.read_settings`).
    unit : str or None
        "second", "volt", ..., "1" for plain numbers; ``None`` where only its owner knows.
    """

    name: str
    kind: object = float
    unit: str | None = None

    def read(self, text: str) -> tuple[Scalar, str]:
        """A value in SI units, and its unit; ``InputError`` if the text is none. Of tuples and the like, the text."""
        if self.kind is not float:
            value = read_text(text.strip(), self.kind, self.name)
            return (value if isinstance(value, (bool, int, float)) else text.strip()), ""
        value, unit = split_quantity(text, self.name)
        if self.unit is not None and unit != (self.unit if self.unit != "1" else ""):
            from eisim.base.units import parse_quantity

            parse_quantity(text, self.unit, self.name)  # says what was expected
        if not math.isfinite(value):
            raise InputError(f"{self.name}: expected a finite number, found {text!r}")
        return value, unit

    def convert(self, value: Scalar):
        """A value as a function takes it."""
        if isinstance(value, str) and self.kind is not str:
            return read_text(value, self.kind, self.name)
        return value


@dataclass(frozen=True)
class Axis:
    """One axis of a sweep.

    Attributes
    ----------
    name : str
        Of the parameter.
    values : tuple of float, int, bool or str
        In SI units; numbers rise.
    unit : str
        "second", "hertz", "volt", ...; empty for numbers without one, and for words.
    """

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

    def given(self, value: Scalar):
        """A value as a circuit takes it: it knows its unit."""
        return Measured(value, self.unit) if self.unit else value


def parse_axis(text: str, parameters: Mapping[str, Parameter]) -> Axis:
    """Read ``g=3:7:9`` (9 values from 3 to 7), ``g=3,4,6`` or ``delay=1ms:3ms:5``.

    Parameters
    ----------
    text : str
    parameters : mapping of str to Parameter
        Those that there are.

    Raises
    ------
    InputError
    """
    name, equals, values = text.partition("=")
    if not equals:
        raise InputError(f"--over: expected NAME=FROM:TO:NUMBER or NAME=VALUE,VALUE,..., found {text!r}")
    parameter = known(name.strip(), parameters, "--over")
    words = [word for word in values.split(",") if word.strip()]
    if not words:
        raise InputError(f"--over: {parameter.name}: expected at least one value, found none")
    bounds = values.split(":")
    if len(bounds) > 1 and parameter.kind in (int, float):
        if len(bounds) != 3:
            raise InputError(f"--over: {parameter.name}: expected FROM:TO:NUMBER, found {values!r}")
        return _range(parameter, *bounds)
    found = [parameter.read(word) for word in words]
    return Axis(parameter.name, tuple(value for value, _ in found), _unit(parameter, [unit for _, unit in found]))


def make_axis(name: str, values, parameters: Mapping[str, Parameter]) -> Axis:
    """The axis of a text as `parse_axis` reads it, or of an array, a quantity or a list of values."""
    if isinstance(values, str):
        return parse_axis(f"{name}={values}", parameters)
    parameter = known(name, parameters, "over")
    unit = unit_of(values)
    if unit is not None or isinstance(values, np.ndarray):
        plain = np.atleast_1d(np.asarray(values)).tolist()
        if np.ndim(plain) != 1:
            raise InputError(f"over: {name}: expected values in a row, found shape {np.shape(plain)}")
    elif isinstance(values, Iterable):
        plain = [value.item() if isinstance(value, np.generic) else value for value in values]
    else:
        plain = [values]
    if unit in (None, "1"):
        unit = ""
    found = [_checked(parameter, value, unit) for value in plain]
    return Axis(name, tuple(found), unit or _si_unit(parameter))


def known(name: str, parameters: Mapping[str, Parameter], where: str) -> Parameter:
    """The parameter of this name; ``InputError`` if there is none."""
    if name not in parameters:
        expected = f"one of {', '.join(parameters)}" if parameters else "none, for there are no parameters"
        raise InputError(f"{where}: expected {expected}, found {name!r}{did_you_mean(name, parameters)}")
    return parameters[name]


def parameters_of(function: Callable, leave_out: Iterable[str]) -> dict[str, Parameter]:
    """The parameters that a function takes by name."""
    try:
        hints = typing.get_type_hints(function)
    except (NameError, TypeError):
        hints = {}
    found = {}
    for each in inspect.signature(function).parameters.values():
        if each.name not in leave_out and each.kind in (each.KEYWORD_ONLY, each.POSITIONAL_OR_KEYWORD):
            found[each.name] = Parameter(each.name, _plain(hints.get(each.name) or _kind_of(each.default)))
    return found


def parameters_of_settings(settings: type) -> dict[str, Parameter]:
    """The fields of the settings of an experiment."""
    try:
        hints = typing.get_type_hints(settings)
    except NameError:
        hints = {}
    found = {}
    for f in fields(settings):
        if f.init:
            unit, kind = f.metadata.get("unit"), _plain(hints.get(f.name, _kind_of(f.default)))
            if unit is None and kind is float:
                unit = "1"
            found[f.name] = Parameter(f.name, float if unit else kind, unit)
    return found


def _plain(kind):
    """A number's type where nothing else is left of a union with None."""
    parts = [part for part in typing.get_args(kind) if part is not type(None)]
    union = typing.get_origin(kind) in (typing.Union, types.UnionType)
    return parts[0] if union and parts in ([int], [float]) else kind


def _kind_of(default):
    """The type of values that a default stands for; a number where nothing says what."""
    if default in (MISSING, inspect.Parameter.empty, None):
        return float
    if isinstance(default, tuple):
        return tuple[type(default[0]), ...] if default else tuple
    return type(default) if isinstance(default, (bool, int, str)) else float


def _range(parameter, first, last, number):
    try:
        n = int(number)
    except ValueError:
        n = 0
    if n < 1:
        raise InputError(f"--over: {parameter.name}: expected a number of values of 1 or more, found {number!r}")
    if n > MOST_VALUES:
        raise InputError(f"--over: {parameter.name}: expected at most {MOST_VALUES:,} values, found {n:,}")
    bound = Parameter(parameter.name, float, parameter.unit)
    (a, unit), (b, other) = bound.read(first), bound.read(last)
    unit = _unit(parameter, [unit, other])
    if n == 1 and a != b:
        raise InputError(f"--over: {parameter.name}: expected at least 2 values from {first} to {last}, found 1")
    values = [float(f"{value:.{_DIGITS}g}") for value in np.linspace(a, b, n)]
    if parameter.kind is int:
        if any(value != round(value) for value in values):
            wrong = next(value for value in values if value != round(value))
            raise InputError(f"--over: {parameter.name}: expected whole numbers, found {wrong:g} in {first}:{last}:{n}")
        values = [int(value) for value in values]
    return Axis(parameter.name, tuple(values), unit)


def _unit(parameter, units):
    if len(set(units)) > 1:
        raise InputError(
            f"--over: {parameter.name}: expected values of one unit, found {' and '.join(u or 'none' for u in units)}"
        )
    return units[0]


def _si_unit(parameter):
    return parameter.unit if parameter.unit not in (None, "1") else ""


def _checked(parameter, value, unit):
    """A value from Python that a parameter can have."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if parameter.kind is float:
        if not number or not math.isfinite(value):
            raise InputError(f"over: {parameter.name}: expected finite numbers, found {value!r}")
        if unit and parameter.unit not in (None, unit):
            raise InputError(f"over: {parameter.name}: expected values in {parameter.unit}, found {unit}")
        return value
    if parameter.kind is int and number and value == round(value):
        return int(value)
    return parameter.read(re.sub(r"^\((.*?),?\)$", r"\1", str(value)))[0]
