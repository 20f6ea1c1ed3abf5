"""The base of eisim's immutable values: fields that know their unit and range."""

from dataclasses import field, fields

from eisim.errors import InputError
from eisim.units import scalar_si


def quantity(default: float, unit: str, *, positive: bool = False, non_negative: bool = False):
    """Declare a dataclass field that holds one SI number of a given unit, checked when the value is made."""
    limits = {"unit": unit, "positive": positive, "non_negative": non_negative}
    return field(default=default, metadata=limits)


class Value:
    """Mixin for frozen dataclasses: converts each `quantity` field to an SI float and checks its range."""

    def __post_init__(self):
        for f in fields(self):
            if "unit" not in f.metadata:
                continue
            what = f"{type(self).__name__}.{f.name}"
            number = scalar_si(getattr(self, f.name), f.metadata["unit"], what)
            if f.metadata["positive"] and not number > 0:
                raise InputError(f"{what}: expected more than 0, found {number:g}")
            if f.metadata["non_negative"] and number < 0:
                raise InputError(f"{what}: expected 0 or more, found {number:g}")
            object.__setattr__(self, f.name, number)


class Rebuilt:
    """Mixin for dataclasses that check and freeze what they are made from: a copy is made in the same way."""

    def __reduce__(self):
        """Pickle what it is made from, and nothing that was worked out since."""
        return _rebuild, (type(self), {f.name: getattr(self, f.name) for f in fields(self) if f.init})


def _rebuild(cls, values):
    return cls(**values)
