"""Numbers as people read them: one way for pages, terminal and sentences. Files hold them in full."""

import math

import numpy as np

#: Significant digits of a number.
DIGITS = 4
#: Below the first, numbers are underflow; below the second, as a share of the largest next to them, negligible.
NOTHING, NEGLIGIBLE = 1e-30, 1e-6
#: Whole numbers are written out up to here.
LARGE = 1e7
#: Decimals of scores and other measures whose scale is 1.
OF_ONE = 2
#: A rate below this is 0, in Hz.
LEAST_RATE = 1e-3


def number(value, decimals: int | None = None, beside: float = 0.0) -> str:
    """A number as text, with four significant digits or these decimals, which measures with a known scale have.

    Texts stay as they are; ``None`` and NaN are a dash. What is negligible `beside` the largest size of the numbers in
    the same column is 0.
    """
    if value is None or isinstance(value, str):
        return "–" if value is None else value
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if isinstance(value, (int, np.integer)):
        return str(value)
    try:
        value = float(value)
    except (TypeError, ValueError):
        return str(value)
    if not math.isfinite(value):
        return "–" if math.isnan(value) else "∞" if value > 0 else "−∞"
    if decimals is not None:
        return f"{round(value, decimals) + 0.0:.{decimals}f}"  # no minus before 0.00
    if abs(value) < max(NOTHING, NEGLIGIBLE * abs(beside)):
        return "0"
    if 10**DIGITS <= abs(value) < LARGE:
        return f"{value:.0f}"
    return f"{value:.{DIGITS}g}"


def column(values, decimals: int | None = None) -> list[str]:
    """The cells of a column as text: what is negligible compared with the largest is 0."""
    sizes = [abs(v) for v in values if isinstance(v, (float, np.floating)) and math.isfinite(v)]
    return [number(value, decimals, max(sizes, default=0.0)) for value in values]


def hertz(value: float) -> str:
    """A rate in Hz as text, with three digits; below a thousandth it is 0."""
    return f"{value:.3g}" if abs(value) >= LEAST_RATE else "0"
