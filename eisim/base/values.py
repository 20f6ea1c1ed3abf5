"""The base of eisim's immutable values: fields that know their unit and range."""

import inspect
from abc import ABCMeta
from dataclasses import field, fields
from itertools import islice

from eisim.base import memory
from eisim.base.display import display
from eisim.base.errors import InputError, argument_error, did_you_mean, explains_arguments, masked_error
from eisim.base.units import scalar_si, warn_of_plain


def quantity(
    default: float, unit: str, *, positive: bool = False, non_negative: bool = False, huge: float | None = None
):
    """Declare a dataclass field that holds one SI number of a given unit, checked when the value is made.

    A plain number of `huge` or more is asked about (`eisim.base.units.warn_of_plain`).
    """
    limits = {"unit": unit, "positive": positive, "non_negative": non_negative, "huge": huge}
    return field(default=default, metadata=limits)


def count(default: int, least: int, most: int | None = None, *, each: int = 0):
    """Declare a dataclass field that holds a number of things within limits, checked when the value is made.

    Every one takes `each` bytes of memory at least: more than fit are refused.
    """
    return field(default=default, metadata={"least": least, "most": most, "each": each})


class ExplainsArguments(ABCMeta):
    """Type of classes that answer a call whose arguments they do not take with an `eisim.base.errors.ArgumentError`.

    So do their public methods. A class that lacks an abstract method cannot be made: an `InputError` names it.
    """

    def __new__(mcs, name, bases, namespace, **keywords):
        for key, value in namespace.items():
            if key.startswith("_"):
                continue
            if inspect.isfunction(value):
                namespace[key] = explains_arguments(value, is_method=True)
            elif isinstance(value, classmethod):
                namespace[key] = classmethod(explains_arguments(value.__func__, is_method=True))
            elif isinstance(value, staticmethod):
                namespace[key] = staticmethod(explains_arguments(value.__func__))
        return super().__new__(mcs, name, bases, namespace, **keywords)

    @property
    def __signature__(cls) -> inspect.Signature:
        """The signature of the constructor: Python would show the arguments of `__call__`."""
        _, *parameters = inspect.signature(cls.__init__).parameters.values()
        return inspect.Signature(parameters)

    def __call__(cls, *arguments, **keywords):
        if wrong := masked_error(cls.__name__, cls, arguments, keywords):
            raise wrong
        try:
            return super().__call__(*arguments, **keywords)
        except TypeError as error:
            if error.__traceback__.tb_next is None:  # no code of the class was entered
                raise (argument_error(cls.__name__, cls, arguments, keywords) or _abstract(cls) or error) from None
            raise


def _abstract(cls) -> InputError | None:
    """The error for a class without some method that it has to define."""
    lacks = ", ".join(sorted(cls.__abstractmethods__))
    return InputError(f"{cls.__name__}: expected that the class defines {lacks}, found none") if lacks else None


class Explained(metaclass=ExplainsArguments):
    """Mixin for classes that explain with which arguments they are made."""


class Value(Explained):
    """Mixin for frozen dataclasses: converts each `quantity` to an SI float, and checks its range and each `count`."""

    def __post_init__(self):
        for f in fields(self):
            if "least" in f.metadata:
                _check_count(f.name, getattr(self, f.name), **f.metadata)
            if "unit" not in f.metadata:
                continue
            what = f"{type(self).__name__}.{f.name}"
            given, unit = getattr(self, f.name), f.metadata["unit"]
            number = scalar_si(given, unit, what)
            if f.metadata["positive"] and not number > 0:
                raise InputError(f"{what}: expected more than 0, found {number:g}")
            if f.metadata["non_negative"] and number < 0:
                raise InputError(f"{what}: expected 0 or more, found {number:g}")
            warn_of_plain(given, unit, what, f.metadata["huge"], by_hand=True)
            object.__setattr__(self, f.name, number)


def revised(value, **changes):
    """The value with other fields that are known to be right: unlike in `dataclasses.replace` nothing is checked."""
    found = object.__new__(type(value))
    found.__dict__.update({name: getattr(value, name) for name in value.__dataclass_fields__} | changes)
    return found


def _check_count(name, number, least, most, each):
    if number < least or (most is not None and number > most):
        expected = f"at least {least}" if most is None else f"from {least} to {most}"
        raise InputError(f"{name}: expected {expected}, found {number}")
    memory.check(name, number * float(each), f"{number:,}")


class ByName(dict):
    """A dict by name, for which a name that it does not have is bad input; `what` says in the message what it holds."""

    def __init__(self, what: str, values):
        super().__init__(values)
        self.what = what

    def __getitem__(self, name):
        try:
            return super().__getitem__(name)
        except TypeError:  # what cannot be hashed, such as a list
            return self.__missing__(name)

    def __missing__(self, name):
        known = f"one of {', '.join(map(str, self))}" if self else "no name, since nothing is there"
        raise InputError(f"{self.what}: expected {known}, found {name!r:.60}{did_you_mean(name, map(str, self))}")


class ReadOnly(Explained):
    """Mixin for dataclasses with read-only arrays: copies and pickles keep them so, and leave out what is cached."""

    def __getstate__(self):
        return {f.name: getattr(self, f.name) for f in fields(self)}

    def __setstate__(self, state):
        import numpy as np

        self.__dict__.update(state)
        for value in state.values():
            parts = [value.data, value.indices, value.indptr] if hasattr(value, "indptr") else [value]
            parts = value.values() if isinstance(value, dict) else parts
            for part in parts:
                if isinstance(part, np.ndarray):
                    part.flags.writeable = False


class Brief(Explained):
    """Mixin for dataclasses: a repr that says of large parts only what they are."""

    def __repr__(self):
        parts = ", ".join(f"{f.name}={brief(getattr(self, f.name))}" for f in fields(self) if f.repr)
        return f"{type(self).__name__}({parts})"


class Shown(Brief):
    """Mixin for dataclasses that show themselves in a notebook."""

    def _repr_html_(self):
        return display("html", self)(self)


def brief(value, most: int = 6) -> str:
    """A repr without what is beyond `most` parts: of a larger array its shape and type."""
    import numpy as np

    if isinstance(value, np.ndarray):
        if value.size <= most:
            return f"array({value.tolist()!r})"
        return f"<array of {' × '.join(map(str, value.shape))} {value.dtype}>"
    if hasattr(value, "nnz"):
        return f"<sparse array of {' × '.join(map(str, value.shape))}, {value.nnz} entries>"
    if type(value) in (tuple, list):
        shown = [brief(each) for each in value[:most]] + ["..."] * (len(value) > most)
        start, end = "()" if isinstance(value, tuple) else "[]"
        return start + ", ".join(shown) + ("," if start == "(" and len(value) == 1 else "") + end
    if isinstance(value, dict):
        shown = [f"{key!r}: {brief(each)}" for key, each in islice(value.items(), most)] + ["..."] * (len(value) > most)
        return "{" + ", ".join(shown) + "}"
    return repr(value)
