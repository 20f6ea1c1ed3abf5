"""The functions of `eisim.base.elementary` in C++ and as functions of Brian2.

Equations, steps and events are written with ``exp``, ``log`` and the like. Before Brian2 sees them, those that
`eisim.base.elementary` has are given the names of our own, so that no program calls a C library for them. The rest are
still those of the C library, and can differ between machines in the last place: ``cos`` (of `eisim.neurons.Theta`),
powers (of `eisim.neurons.PowerLaw`), and what equations of a user call besides.
"""

import re

from eisim.base import elementary
from eisim.base.elementary import EXP, FAR, LARGEST, LEAST, LN2, LOG, PER_LN2, ROUNDER, SQRT_HALF

#: Before the name of a function in Brian2's text.
PREFIX = "eisim_"
NAMES = ("exp", "expm1", "exprel", "log", "log1p")
_CALL = re.compile(rf"(?<![\w.])({'|'.join(NAMES)})(?=\s*\()")


def _polynomial(coefficients, x: str) -> str:
    """C++ of a polynomial, in the order of `eisim.base.elementary`."""
    terms = [repr(coefficient) for coefficient in coefficients]
    while len(terms) > 1:
        last = terms[len(terms) // 2 * 2 :]
        terms = [f"({low} + {high} * {x})" for low, high in zip(terms[::2], terms[1::2], strict=False)] + last
        x = f"({x} * {x})"
    return terms[0]


#: Without branches, but for the logarithm of 1, so that loops become vectors. A code object may have it several times.
CPP = f"""
#ifndef EISIM_ELEMENTARY
#define EISIM_ELEMENTARY
#ifdef __CUDACC__
#define EISIM_ANYWHERE __host__ __device__
#else
#define EISIM_ANYWHERE
#endif
EISIM_ANYWHERE static inline int64_t _bits(double x) {{
    union {{ double number; int64_t bits; }} both = {{x}};
    return both.bits;
}}
EISIM_ANYWHERE static inline double _of_bits(int64_t x) {{
    union {{ int64_t bits; double number; }} both = {{x}};
    return both.number;
}}
// 2^n for a whole number n that is the exponent of a float.
EISIM_ANYWHERE static inline double _power_of_2(double n) {{
    return _of_bits((int64_t)((uint64_t)_bits(n + {ROUNDER!r}) << 52) + ((int64_t)1023 << 52));
}}
// e^r - 1, of e^x = 2^n e^r.
EISIM_ANYWHERE static inline double _reduced(double x, double &n) {{
    n = (x * {PER_LN2!r} + {ROUNDER!r}) - {ROUNDER!r};
    const double high = x - n * {LN2[0]!r}, low = n * {LN2[1]!r};
    const double r = high - low;
    const double lost = (high - r) - low;
    return r + (r * r * {_polynomial(EXP, "r")} + lost);
}}
EISIM_ANYWHERE static inline double _eisim_exp(double x) {{
    double n;
    x = x < {LEAST!r} ? {LEAST!r} : x;
    x = x > {LARGEST!r} ? {LARGEST!r} : x;
    const double beyond_1 = _reduced(x, n);
    const double half = (n * 0.5 + {ROUNDER!r}) - {ROUNDER!r};
    return (beyond_1 + 1.0) * _power_of_2(half) * _power_of_2(n - half);
}}
EISIM_ANYWHERE static inline double _eisim_expm1(double x) {{
    double n, within = x < -{FAR!r} ? -{FAR!r} : x;
    within = within > {FAR!r} ? {FAR!r} : within;
    const double beyond_1 = _reduced(within, n), power = _power_of_2(n);
    const double near = power * beyond_1 + (power - 1.0), far = _eisim_exp(x);
    return x > {FAR!r} ? far : near;
}}
EISIM_ANYWHERE static inline double _eisim_exprel(double x) {{
    const double above = _eisim_expm1(x), ratio = above / (x == 0.0 ? 1.0 : x);
    return x == 0.0 ? 1.0 : above == INFINITY ? above : ratio;
}}
EISIM_ANYWHERE static inline double _log_with(double x, double beyond) {{
    const bool is_plain = x > 0.0 && x < INFINITY;
    const bool is_tiny = x < 0x1p-1022;
    const int64_t bits = _bits(is_plain ? x * (is_tiny ? 0x1p54 : 1.0) : 1.0);
    const double m = _of_bits((bits & 0xfffffffffffff) | ((int64_t)1022 << 52));
    // A whole number as the last bits of 2^52.
    double n = _of_bits((bits >> 52) | ((int64_t)1075 << 52)) - (0x1p52 + 1022.0);
    n = n - (is_tiny && is_plain ? 54.0 : 0.0) - (m < {SQRT_HALF!r} ? 1.0 : 0.0);
    const double f = (m < {SQRT_HALF!r} ? 2.0 * m : m) - 1.0;
    const double s = f / (2.0 + f);
    const double z = s * s, half = 0.5 * f * f;
    const double rest = s * (half + z * {_polynomial(LOG, "z")}) + (n * {LN2[1]!r} + beyond);
    const double value = n * {LN2[0]!r} + (f - (half - rest));
    return is_plain ? value : x == 0.0 ? -INFINITY : x > 0.0 ? INFINITY : NAN;
}}
EISIM_ANYWHERE static inline double _eisim_log(double x) {{
    if (x == 1.0) // of each silent Poisson input, in each step
        return 0.0;
    return _log_with(x, 0.0);
}}
EISIM_ANYWHERE static inline double _eisim_log1p(double x) {{
    const double u = 1.0 + x;
    const double lost = x <= 1.0 ? x - (u - 1.0) : 1.0 - (u - x);
    const bool is_plain = u > 0.0 && u < INFINITY;
    return _log_with(u, (is_plain ? lost : 0.0) / (is_plain ? u : 1.0));
}}
#endif
"""


def own(text: str) -> str:
    """Brian2 text that calls our own functions."""
    return _CALL.sub(rf"{PREFIX}\1", text)


def brian2_functions() -> dict:
    """Our own functions as Brian2 functions, each with a C++ and a NumPy implementation."""
    from brian2 import Function

    found = {}
    for name in NAMES:
        function = Function(getattr(elementary, name), arg_units=[1], return_unit=1, arg_types=["float"])
        for target in ("cpp", "cuda"):
            function.implementations.add_implementation(target, CPP, name=f"_{PREFIX}{name}")
        function.implementations.add_implementation("numpy", getattr(elementary, name))
        found[PREFIX + name] = function
    return found
