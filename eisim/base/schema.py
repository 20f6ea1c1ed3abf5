"""Settings from text: ``KEY=VALUE``, each read as the type and the unit of its field."""

import csv
import inspect
import types
import typing
from collections.abc import Collection, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from eisim.base.errors import InputError, did_you_mean

TRUE, FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


@dataclass(frozen=True)
class Described:
    """A setting or a parameter, in words.

    Attributes
    ----------
    name : str
    default : str
        As ``--set`` reads it, with its unit; "none" for ``None`` and "" where there is no default.
    kind : str
        What is expected: "a whole number", "a time such as 5*ms", "range or rank"; "" where that is not known.
    meaning : str
        What its docstring says; "" if nothing.
    """

    name: str
    default: str
    kind: str
    meaning: str

    @property
    def words(self) -> str:
        """What it means, what is expected and its default, in one line."""
        ends = f"default {self.default}" if self.default else "no default"
        expected = f"{self.kind}; {ends}" if self.kind else ends
        return f"{self.meaning.rstrip('.')} ({expected})" if self.meaning else expected


def describe(kind: type, given: Collection[str] = ()) -> list[Described]:
    """The settings of a dataclass that can be changed, with their defaults, in words.

    Those that are `given` are left out. What they mean is read from the "Attributes" of its docstring, or of those of
    the classes it is derived from.
    """
    from eisim.base.docstrings import described

    meanings = {}
    for base in reversed(kind.__mro__):
        meanings |= described(base.__doc__ if "__doc__" in vars(base) else "")
    hints = _hints(kind)
    return [
        Described(
            f.name,
            default_words(_default(f), f.metadata.get("unit", "")),
            expected_words(hints.get(f.name), f.metadata.get("unit", "")),
            meanings.get(f.name, ""),
        )
        for f in fields(kind)
        if f.init and f.name not in given
    ]


def describe_function(function, leave_out: Sequence[str] = ()) -> list[Described]:
    """The parameters that a function takes by name, in words; none of what is no function."""
    from eisim.base.docstrings import described

    if not inspect.isroutine(function):
        return []
    meanings, found = described(function.__doc__), []
    try:
        hints = typing.get_type_hints(function)
    except (NameError, TypeError):
        hints = {}
    for each in inspect.signature(function).parameters.values():
        if each.name not in leave_out and each.kind in (each.KEYWORD_ONLY, each.POSITIONAL_OR_KEYWORD):
            default = MISSING if each.default is each.empty else each.default
            words = default_words(default), expected_words(hints.get(each.name))
            found.append(Described(each.name, *words, meanings.get(each.name, "")))
    return found


def _default(f):
    return (
        f.default if f.default is not MISSING else f.default_factory() if f.default_factory is not MISSING else MISSING
    )


def default_words(value, unit: str = "") -> str:
    """A default as ``--set`` reads it; "" if there is none."""
    from eisim.base.units import format_quantity

    if value is MISSING:
        return ""
    if value is None or value in ("", ()):
        return "none"
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (tuple, list)):
        return ",".join(map(default_words, value))
    if isinstance(value, float):
        return format_quantity(value, unit) if unit not in ("", "1") else f"{value:g}"
    return str(value)


def expected_words(kind, unit: str = "") -> str:
    """What a setting of a type expects; "" where the type says nothing that is not plain from its name."""
    from eisim.base.units import expected

    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if unit not in ("", "1"):
        return expected(unit)
    if origin in (typing.Union, types.UnionType):
        named = (expected_words(part) for part in parts if part is not type(None))
        return " or ".join(dict.fromkeys(words for words in named if words))
    if origin is typing.Literal:
        return " or ".join(map(str, parts))
    if origin is tuple:
        return "values separated by commas"
    if isinstance(kind, type) and issubclass(kind, Enum):
        return " or ".join(str(each.value) for each in kind)
    return {int: "a whole number", float: "a number", bool: "yes or no"}.get(kind, "")


def split(changes: Sequence[str]) -> dict[str, str]:
    """Keys and values of texts such as ``"seeds=3"``; the last one of a key counts.

    Raises
    ------
    InputError
    """
    found = {}
    for change in changes:
        key, equals, text = change.partition("=")
        if not equals:
            raise InputError(f"--set: expected KEY=VALUE, found {change!r}")
        found[key.strip()] = text
    return found


def read_settings(kind: type, changes: Sequence[str], given: Mapping[str, Any] | None = None):
    """The settings of a dataclass, with changes.

    A field is read as its type: int, float, bool, str, ``Path``, an ``Enum`` (name or value), a ``Literal``, a tuple
    of these (values with commas between them), any of them ``| None``. A `eisim.base.values.quantity` is read with its
    unit. Values that are `given`, by name, cannot be changed.

    Raises
    ------
    InputError
        For an unknown key, or a value that is not of its type.
    """
    if not (isinstance(kind, type) and is_dataclass(kind)):
        raise InputError(f"Settings: expected a dataclass, found {kind!r}")
    values = dict(given or {})
    hints, known = _hints(kind), {f.name: f for f in fields(kind) if f.init and f.name not in values}
    for key, text in split(changes).items():
        if key not in known:
            raise InputError(f"--set: expected {_one_of(known)}, found {key!r}{did_you_mean(key, known)}")
        unit = known[key].metadata.get("unit")
        if unit:
            from eisim.base.units import parse_quantity

            values[key] = parse_quantity(text, unit, key)
        else:
            values[key] = read_text(text, hints.get(key, str), key)
    try:
        return kind(**values)
    except (TypeError, ValueError, ArithmeticError) as error:  # InputError is a ValueError
        raise error if isinstance(error, InputError) else InputError(f"Settings: {error}") from None


def _one_of(known):
    return f"one of {', '.join(known)}" if known else "none, for there are no settings"


def _hints(kind):
    """Types of the fields; those that have no meaning at run time are left out."""
    try:
        return typing.get_type_hints(kind)
    except NameError:
        return {f.name: f.type for f in fields(kind) if not isinstance(f.type, str)}


def read_text(text: str, kind, key: str):
    """The value of a type that a text gives; `key` says in errors what it is for."""
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        if type(None) in parts and text.strip().lower() in ("", "none"):
            return None
        return _read_first(text, [part for part in parts if part is not type(None)], key)
    if origin is typing.Literal:
        return _choose(text, {str(choice): choice for choice in parts}, key)
    if origin is tuple:
        return _read_tuple(text, parts, key)
    if kind is bool:
        return _choose(text.strip().lower(), {**dict.fromkeys(TRUE, True), **dict.fromkeys(FALSE, False)}, key)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _choose(text, {str(e.value): e for e in kind} | {e.name: e for e in kind}, key)
    if kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            what = {int: "a whole number", float: "a number"}[kind]
            raise InputError(f"{key}: expected {what}, found {text!r}") from None
    if kind in (str, Path, typing.Any, object):
        return Path(text) if kind is Path else text
    raise InputError(f"--set: {key}: expected a setting that text can give, found one of type {kind}")


def _read_first(text, kinds, key):
    """As the first of several types that it can be read as."""
    errors = []
    for kind in kinds:
        try:
            return read_text(text, kind, key)
        except InputError as error:
            errors.append(error)
    raise errors[0]


def _choose(text, choices, key):
    if text.strip() not in choices:
        raise InputError(f"{key}: expected one of {', '.join(choices)}, found {text!r}{did_you_mean(text, choices)}")
    return choices[text.strip()]


def _read_tuple(text, parts, key):
    text = text.strip()
    if text.startswith("(") and text.endswith(")"):
        text = text[1:-1]
    try:
        found = next(csv.reader([text], skipinitialspace=True), [])  # a name with a comma stands in quotation marks
    except csv.Error as error:
        raise InputError(f"{key}: expected values with commas between them, found {text!r} ({error})") from None
    words = [word.strip() for word in found if word.strip()]
    if len(parts) == 2 and parts[1] is Ellipsis:
        parts = parts[:1] * len(words)
    elif parts and len(parts) != len(words):
        raise InputError(f"{key}: expected {len(parts)} values with commas between them, found {text!r}")
    return tuple(read_text(word, part, key) for word, part in zip(words, parts or [str] * len(words), strict=True))
