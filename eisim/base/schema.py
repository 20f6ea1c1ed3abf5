"""Values of a type, read from text, from JSON, or from Python's own: one walk over the type, the same words for all."""

import csv
import inspect
import sys
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from enum import Enum
from functools import cache
from pathlib import Path

from eisim.base.docstrings import described
from eisim.base.errors import InputError, did_you_mean, printable
from eisim.base.units import expected, format_quantity, parse_quantity, plain_number

#: Numbers that no float holds are refused, and JSON that is nested deeper where its type says nothing.
LARGEST_NUMBER, DEEPEST = sys.float_info.max, 100

_NONE = type(None)
_BOOL = dict.fromkeys(("true", "yes", "on", "1"), True) | dict.fromkeys(("false", "no", "off", "0"), False)
_SEQUENCES = (tuple, list, Sequence)
_UNIONS = (typing.Union, types.UnionType)
_NUMBERS = {int: "a whole number", float: "a number"}


@dataclass(frozen=True, eq=False)
class Source:
    """Where values come from, and what its types are called there."""

    words: Mapping


#: What people write; the values of a JSON document, which may be untrusted; Python's own, which are unchanged.
TEXT = Source(_NUMBERS | {bool: "yes or no", tuple: "values separated by commas"})
JSON = Source(
    _NUMBERS
    | {
        bool: "true or false",
        str: "text",
        _NONE: "null",
        tuple: "a list",
        dict: "an object",
        object: "a number that a float holds",
    }
)
PYTHON = Source(JSON.words | {_NONE: "none", dict: "a dict"})


@dataclass(frozen=True)
class Parameter:
    """A parameter: a field of a dataclass, or a parameter of a function.

    Its values are read as its `kind`, if there is one. Its unit is "second", "volt", ..., "1" for plain numbers,
    ``None`` where only its owner knows. What it means is from the docstring; its default is ``inspect.Parameter.empty``
    if there is none.
    """

    name: str
    kind: object = float
    unit: str | None = None
    default: object = inspect.Parameter.empty
    meaning: str = ""

    @property
    def described(self) -> dict[str, str]:
        """Its name, its default as ``--set`` reads it, what kind of value is expected, and its meaning."""
        default, kind = default_words(self.default, self.unit or ""), expected_words(self.kind, TEXT, self.unit)
        return {"name": self.name, "default": default, "kind": kind, "meaning": self.meaning}

    @property
    def words(self) -> str:
        """Its meaning, expected values and default, in one line."""
        _, default, kind, meaning = self.described.values()
        ends = "; ".join(filter(None, (kind, f"default {default}" if default else "no default")))
        return f"{meaning.rstrip('.')} ({ends})" if meaning else ends

    def read(self, value, where: str, source: Source):
        """A value of this parameter (see `read`); text with its unit, if it has one."""
        if self.unit and source is TEXT:
            return parse_quantity(value, self.unit, where)
        anything = str if source is TEXT else object
        return read(anything if self.kind is None else self.kind, value, where, source)


@cache
def parameters_of(thing: Callable) -> dict[str, Parameter]:
    """The parameters of a class or function, with their descriptions in its docstring or those of its bases."""
    meanings = {}
    for each in reversed(inspect.getmro(thing)) if isinstance(thing, type) else [thing]:
        meanings |= described(vars(each).get("__doc__") if isinstance(thing, type) else each.__doc__)
    try:
        hints = typing.get_type_hints(thing)
    except (NameError, TypeError):  # names that have no meaning at run time
        hints = {
            name: kind for name, kind in getattr(thing, "__annotations__", {}).items() if not isinstance(kind, str)
        }
    if is_dataclass(thing):
        taken = [(f.name, _default(f), f.metadata.get("unit")) for f in fields(thing) if f.init]
    else:
        known = inspect.signature(thing).parameters.values()
        by_name = [each for each in known if each.kind in (each.KEYWORD_ONLY, each.POSITIONAL_OR_KEYWORD)]
        taken = [(each.name, each.default, None) for each in by_name]
    return {
        name: Parameter(name, hints.get(name), unit, default, meanings.get(name, "")) for name, default, unit in taken
    }


def _default(f):
    if f.default_factory is not MISSING:
        return f.default_factory()
    return inspect.Parameter.empty if f.default is MISSING else f.default


def describe(thing, leave_out: Iterable[str] = ()) -> list[Parameter]:
    """The parameters that users can set of a dataclass or a function; empty for anything else."""
    if not is_dataclass(thing) and not inspect.isroutine(thing):
        return []
    return [each for name, each in parameters_of(thing).items() if name not in leave_out]


def default_words(value, unit: str = "") -> str:
    """A default as ``--set`` reads it; "" if there is none."""
    if value is inspect.Parameter.empty:
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


def expected_words(kind, source: Source, unit: str | None = None) -> str:
    """The expected values of a type; for text, "" where the parameter's name says enough."""
    origin = _origin(kind)
    if unit not in (None, "1"):
        return expected(unit)
    if origin in _UNIONS:
        words = (expected_words(part, source) for part in typing.get_args(kind))
        return " or ".join(dict.fromkeys(filter(None, words)))
    if choices := _choices(kind):
        return " or ".join(dict.fromkeys(str(getattr(each, "value", each)) for each in choices.values()))
    like = tuple if origin in _SEQUENCES else dict if is_dataclass(kind) and source is JSON else origin
    return source.words.get(like, "" if source is TEXT else getattr(kind, "__name__", str(kind)))


def read(kind, value, where: str, source: Source):
    """The value of a type; `where` says in errors what it is for.

    A type is int, float, bool, str, ``Path``, an ``Enum``, a ``Literal``, a sequence or dict of these, a union, a
    dataclass, or of Python's own values any class.
    """
    origin = _origin(kind)
    if origin in _UNIONS:
        return _read_union(kind, value, where, source)
    if choices := _choices(kind):
        return _choose(choices, value, where, source)
    if source is TEXT and origin is not tuple:
        return _read_text(kind, value, where)
    if source is not TEXT and not _fits(kind, value, source):
        raise _refused(where, expected_words(kind, source), value)
    parts = typing.get_args(kind)
    if origin in _SEQUENCES:
        items = _split(value, where) if source is TEXT else value
        if origin is not tuple or parts[1:] in ((), (...,)):
            parts = (parts or (str if source is TEXT else object,))[:1] * len(items)
        elif len(parts) != len(items):
            raise _refused(where, f"{len(parts)} values with commas between them", value)
        names = [where if source is TEXT else f"{where}[{k}]" for k in range(len(items))]
        found = tuple(read(part, item, name, source) for part, item, name in zip(parts, items, names, strict=True))
        return value if source is PYTHON else found
    if origin is dict and parts:
        keys = {read(parts[0], key, where, source): key for key in value}
        found = {name: read(parts[1], value[key], f"{where}: {key}", source) for name, key in keys.items()}
        return value if source is PYTHON else found
    if source is PYTHON:
        return value
    if isinstance(value, dict) and is_dataclass(kind):
        known = [name for name in parameters_of(kind) if value.get(name) is not None]
        return build(kind, {name: (value[name], f"{where}: {name}") for name in known}, where, JSON)
    return _printable(value, where)


def build(kind: type, given: Mapping, where: str, source: Source, fixed: Mapping | None = None):
    """A class made from what it takes: by name a value, read as its type, and what errors call it.

    Values that are `fixed` are as they are, and cannot be given. ``InputError`` for an unknown name, a value that is
    not of its type, or none where there is no default.
    """
    values = dict(fixed or {})
    known = {name: each for name, each in parameters_of(kind).items() if name not in values}
    for name, (value, called) in given.items():
        values[name] = lookup(name, known, where, "settings").read(value, called, source)
    needed = [name for name, each in known.items() if each.default is inspect.Parameter.empty]
    if lacks := [name for name in needed if name not in values]:
        raise InputError(f"{where}: expected {lacks[0]!r}, found none")
    return kind(**values)


def lookup(name: str, known: Mapping[str, Parameter], where: str, what: str = "parameters") -> Parameter:
    """The parameter with this name; ``InputError`` if there is none."""
    if name not in known:
        wanted = f"one of {', '.join(known)}" if known else f"none, for there are no {what}"
        raise InputError(f"{where}: expected {wanted}, found {short(name)}{did_you_mean(name, known)}")
    return known[name]


def split(changes: Sequence[str]) -> dict[str, str]:
    """Keys and values of texts such as ``"seeds=3"``; the last one of a key counts."""
    found = {}
    for change in changes:
        key, equals, text = change.partition("=")
        if not equals:
            raise InputError(f"--set: expected KEY=VALUE, found {change!r}")
        found[key.strip()] = text
    return found


def read_settings(kind: type, changes: Sequence[str], fixed: Mapping | None = None):
    """The settings of a dataclass, with changes such as ``"seeds=3"``; those that are `fixed` cannot be changed.

    A field is read as its type, see `read`: an ``Enum`` from its name or value, a tuple from values with commas between
    them, ``None`` from "none", and a `eisim.base.values.quantity` with its unit.
    """
    if not (isinstance(kind, type) and is_dataclass(kind)):
        raise InputError(f"Settings: expected a dataclass, found {kind!r}")
    given = {name: (text, name) for name, text in split(changes).items()}
    try:
        return build(kind, given, "--set", TEXT, fixed)
    except InputError as error:
        raise InputError(str(error).removeprefix(f"{kind.__name__}.")) from None  # settings have the names typed
    except (TypeError, ValueError, ArithmeticError) as error:
        raise InputError(f"Settings: {error}") from None


def short(value) -> str:
    """A repr of bounded length."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _refused(where, wanted, found, more=""):
    return InputError(f"{where}: expected {wanted}, found {short(found)}{more}")


@cache
def _origin(kind):
    return object if kind is typing.Any else typing.get_origin(kind) or kind


@cache
def _choices(kind):
    """The text of each value of a type with few values; ``None`` for other types."""
    if _origin(kind) is typing.Literal:
        return {str(choice): choice for choice in typing.get_args(kind)}
    is_enum = isinstance(kind, type) and issubclass(kind, Enum)
    return {str(each.value): each for each in kind} | {each.name: each for each in kind} if is_enum else None


def _read_union(kind, value, where, source):
    """Read a value as the first of several types that accepts it; text is refused only after all were tried."""
    parts = typing.get_args(kind)
    if source is TEXT:
        parts = sorted(parts, key=lambda part: part is not _NONE)
    refusals = []
    for part in parts:
        if source is TEXT or _choices(part) or _fits(part, value, source):
            try:
                return read(part, value, where, source)
            except InputError as error:
                refusals += [error] * (part is not _NONE)
    raise refusals[0] if refusals else _refused(where, expected_words(kind, source), value)


def _choose(choices, value, where, source):
    """The one of the choices that a value is."""
    if source is TEXT and value.strip() in choices:
        return choices[value.strip()]
    for choice in choices.values() if source is not TEXT else ():
        if choice is value or (type(choice) is type(value) and choice == value):
            return choice
    raise _refused(where, f"one of {', '.join(choices)}", value, did_you_mean(str(value), choices))


def _read_text(kind, text, where):
    """A value without parts."""
    if kind is bool:
        return _choose(_BOOL, text.lower(), where, TEXT)
    if kind is _NONE and text.strip().lower() in ("", "none"):
        return None
    if kind in (int, float, _NONE):
        try:
            return plain_number(text, kind)
        except (TypeError, ValueError):
            raise _refused(where, expected_words(kind, JSON), text) from None
    if kind in (str, Path, typing.Any, object):
        return Path(text) if kind is Path else text
    raise InputError(f"--set: {where}: expected a setting that text can give, found one of type {kind}")


def _split(text, where):
    """The items of a comma-separated text; an item that contains a comma is quoted."""
    inner = text.strip()
    inner = inner[1:-1] if inner.startswith("(") and inner.endswith(")") else inner
    try:
        found = next(csv.reader([inner], skipinitialspace=True), [])
    except csv.Error as error:
        raise _refused(where, "values with commas between them", text, f" ({error})") from None
    return [word.strip() for word in found if word.strip()]


def _fits(kind, value, source):
    """Whether a value that is no text is of a type; its parts are not looked at."""
    import numpy as np

    origin = _origin(kind)
    if isinstance(value, int) and ((isinstance(value, bool) and origin in _NUMBERS) or abs(value) > LARGEST_NUMBER):
        return False
    if origin is float:
        return isinstance(value, (int, float)) and (source is PYTHON or abs(value) <= LARGEST_NUMBER)
    if origin in _SEQUENCES:
        return isinstance(value, (tuple, list))
    if origin is np.ndarray:  # a list of numbers does as well
        return isinstance(value, (np.ndarray, list, tuple))
    if origin is Callable:
        return callable(value)
    like = dict if source is JSON and is_dataclass(kind) else origin
    return not isinstance(like, type) or isinstance(value, like)


def _printable(value, where, depth=0):
    """JSON without what would steer a terminal or hide a part of its text; line ends stay."""
    if isinstance(value, str):
        return printable(value)
    if depth > DEEPEST:
        raise InputError(f"{where}: expected at most {DEEPEST} levels, found more")
    if isinstance(value, list):
        return [_printable(each, where, depth + 1) for each in value]
    if isinstance(value, dict):
        return {printable(key): _printable(each, where, depth + 1) for key, each in value.items()}
    if not _fits(object, value, JSON):
        raise _refused(where, JSON.words[object], value)
    return value
