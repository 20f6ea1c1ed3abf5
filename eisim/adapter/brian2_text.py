"""Numbers, units and names as text of scripts for Brian2."""

import re
from functools import cache

from eisim.base.brian import brian2_alone
from eisim.base.units import unit_of_dimension

#: Of units in which eisim holds numbers: Brian2's names with their scales, the ones preferred first.
_WRITTEN = {
    "volt": (("mV", 1e-3), ("volt", 1.0)),
    "second": (("ms", 1e-3), ("second", 1.0)),
    "siemens": (("nS", 1e-9), ("siemens", 1.0)),
    "farad": (("pF", 1e-12), ("farad", 1.0)),
    "ampere": (("pA", 1e-12), ("amp", 1.0)),
    "hertz": (("Hz", 1.0),),
    "1/volt": (("/volt", 1.0),),
    "1": (("", 1.0),),
}
_DECLARED = {"ampere": "amp", "hertz": "Hz"}
#: Units of Brian2 that are written so, not as powers of base units.
_COMPOSED = ("ohm", "coulomb", "volt/second", *(f"{each}/meter**2" for each in ("siemens", "farad", "amp")))


def with_unit(value: float, unit: str) -> str:
    """A number with its unit as Python code, of exactly this value."""
    return next(
        plain_number(number) + times_unit(name)
        for name, scale in scales_of(unit)
        if (number := number_of(value, scale)) is not None
    )


def scales_of(unit: str) -> tuple[tuple[str, float], ...]:
    """What a unit of eisim can be written as in Python, with the scales."""
    return _WRITTEN.get(unit) or ((_composed().get(unit, unit), 1.0),)


def unit_text(unit: str) -> str:
    """A unit of eisim in equations."""
    return _DECLARED.get(unit) or _composed().get(unit, unit)


@cache
def _composed() -> dict[str, str]:
    """The units that are composed of others, by the powers of base units that eisim holds them as."""
    with brian2_alone():
        from brian2.equations.equations import dimensions_and_type_from_string

        return {unit_of_dimension(dimensions_and_type_from_string(unit)[0]): unit for unit in _COMPOSED}


def number_of(value: float, scale: float) -> float | None:
    """The number that is this value when multiplied by a scale; None if there is none of few digits."""
    number = float(value) if scale == 1 else float(f"{value / scale:.15g}")
    return number if number * scale == value else None


def plain_number(number: float) -> str:
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)


def times_unit(unit: str) -> str:
    return unit if unit[:1] in ("", "/") else f"*{unit}"


def quoted(text: str) -> str:
    """A text as Python code, in ASCII."""
    written = ascii(text)
    return written if '"' in written else f'"{written[1:-1]}"'


def lines_of(text: str) -> str:
    return f'"""\n{text}\n"""' if "\n" in text else f'"{text}"'


def identifier(name: str) -> str:
    """A name in ASCII letters, digits and underscores, as Python and Brian2 take it."""
    found = re.sub(r"\W+", "_", name.replace("->", "_to_"), flags=re.ASCII).strip("_")
    found = found if found and not found[0].isdigit() else f"n_{found}"
    return f"{found}_1" if found.endswith(("_rate", "_equations", "_constants")) else found
