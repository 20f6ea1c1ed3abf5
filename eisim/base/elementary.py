r"""Elementary functions that give the same bits in NumPy and in compiled programs, wherever arithmetic is IEEE 754's.

The functions of a C library, and those of NumPy, differ in the last place between libraries and processors. These are
made of additions, multiplications, divisions and roundings, each as IEEE 754 defines it, in an order that is written
here; `eisim.simulation.elementary` writes the same operations in C++. They are used wherever a simulation, or what
must equal it to the bit, needs one of them.

The argument is reduced as Cody and Waite do (Software Manual for the Elementary Functions, 1980), so that a polynomial
is left: :math:`e^x = 2^n e^r` with :math:`|r| \le \ln(2)/2`, and :math:`\ln x = n \ln 2 + \ln m` with
:math:`\sqrt{1/2} \le m \le \sqrt 2`. The coefficients are minimax, from Remez' algorithm. All take numbers or arrays,
and give ``nan`` for ``nan`` and no warnings; their errors, in units in the last place (ulp), were measured against the
correctly rounded values and are bounds of the tests.
"""

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np

#: 1/ln 2, and ln 2 as a sum, of which multiples of the first part by n are exact.
PER_LN2 = 1.4426950408889634
LN2 = (0.693147180559663, 2.8235290563031577e-13)
#: Added and subtracted, it rounds to a whole number, which is in the last bits of the sum.
ROUNDER = 1.5 * 2.0**52
#: (e^r - 1 - r)/r^2 as a polynomial in r.
EXP = (
    *(0.5, 0.16666666666666682, 0.041666666666666095, 0.008333333333317034, 0.0013888888889115587),
    *(0.00019841269896383085, 2.480158692671121e-05, 2.7557234862552098e-06, 2.75575817837713e-07),
    *(2.5112036646527386e-08, 2.082664649860019e-09),
)
#: With s = (m - 1)/(m + 1), (ln m - 2 s)/s^3 as a polynomial in s^2.
LOG = (
    *(0.6666666666666734, 0.39999999999414304, 0.2857142874247853, 0.22222198563157539, 0.1818356488200815),
    *(0.15314035475729576, 0.14796108781330972),
)
SQRT_HALF = 0.7071067811865476
#: Below the first of these e^x is 0, above the second infinite.
LEAST, LARGEST = -746.0, 710.0
#: Beyond, e^x - 1 is e^x or -1.
FAR = 40.0
#: Numbers that are computed at once, so that they stay in the first-level cache.
_BLOCK = 4096


def exp(x):
    """The exponential function, to 1 ulp; exactly 1 for 0."""
    return _of_each(_exp, x)


def expm1(x):
    """``exp(x) - 1``, to 2 ulp also for small `x`."""
    return _of_each(_expm1, x)


def exprel(x):
    """``(exp(x) - 1)/x``, to 3 ulp; 1 for 0, and ``inf`` where ``exp(x)`` is."""
    return _of_each(_exprel, x)


def log(x):
    """The natural logarithm, to 1 ulp; ``-inf`` for 0 and ``nan`` below."""
    return _of_each(_log, x)


def log1p(x):
    """``log(1 + x)``, to 1 ulp also for small `x`."""
    return _of_each(_log1p, x)


def _of_each(function: Callable, x):
    """A function of numbers or arrays of any shape; NumPy takes longer than Python for one number."""
    if np.ndim(x) == 0:
        return _of_number(function, float(x))
    x = np.asarray(x, dtype=float)
    found = np.empty(x.shape)
    ins, outs = x.reshape(-1), found.reshape(-1)
    with np.errstate(all="ignore"):
        for begin in range(0, ins.size, _BLOCK):
            outs[begin : begin + _BLOCK] = function(ins[begin : begin + _BLOCK])
    return found


@lru_cache(maxsize=4096)  # time constants are few, and asked for in every circuit of a batch
def _of_number(function, x):
    return np.float64(function(x))


def _polynomial(coefficients, x):
    """A polynomial by Estrin's scheme, in which few operations wait for others."""
    terms = list(coefficients)
    while len(terms) > 1:
        last = terms[len(terms) // 2 * 2 :]
        terms = [low + high * x for low, high in zip(terms[::2], terms[1::2], strict=False)] + last
        x = x * x
    return terms[0]


def _reduced(x):
    """The whole number n (as a float), and e^r - 1, of e^x = 2^n e^r."""
    n = (x * PER_LN2 + ROUNDER) - ROUNDER
    high, low = x - n * LN2[0], n * LN2[1]
    r = high - low
    lost = (high - r) - low
    return n, r + (r * r * _polynomial(EXP, r) + lost)


def _times_power_of_2(y, n):
    """Y * 2^n, rounded once; for n beyond the exponents of floats, too."""
    if isinstance(y, np.ndarray):
        return np.ldexp(y, n.astype(np.int32))
    if n != n:
        return n
    half = int(n) // 2
    return y * math.ldexp(1.0, half) * math.ldexp(1.0, int(n) - half)


def _within(x, least, most):
    """The number, but not less or more than these; ``nan`` stays."""
    return np.minimum(np.maximum(x, least), most) if isinstance(x, np.ndarray) else min(max(x, least), most)


def _where(condition, one, other):
    return np.where(condition, one, other) if isinstance(condition, np.ndarray) else one if condition else other


def _exp(x):
    n, beyond_1 = _reduced(_within(x, LEAST, LARGEST))
    return _times_power_of_2(beyond_1 + 1.0, n)


def _expm1(x):
    n, beyond_1 = _reduced(_within(x, -FAR, FAR))
    power = _times_power_of_2(1.0 + 0.0 * n, n)
    return _where(x > FAR, _exp(x), power * beyond_1 + (power - 1.0))


def _exprel(x):
    above = _expm1(x)
    return _where(x == 0.0, 1.0, _where(above == math.inf, above, above / _where(x == 0.0, 1.0, x)))


def _log(x, beyond=0.0):
    """The logarithm of x * (1 + beyond), for what is beyond the last place of x."""
    is_plain = (x > 0.0) & (x < math.inf)
    m, n = (np if isinstance(x, np.ndarray) else math).frexp(_where(is_plain, x, 1.0))
    is_small = m < SQRT_HALF
    f, n = _where(is_small, 2.0 * m, m) - 1.0, 1.0 * n - _where(is_small, 1.0, 0.0)
    s = f / (2.0 + f)
    z, half = s * s, 0.5 * f * f
    rest = s * (half + z * _polynomial(LOG, z)) + (n * LN2[1] + beyond)
    value = n * LN2[0] + (f - (half - rest))
    return _where(is_plain, value, _where(x == 0.0, -math.inf, _where(x > 0.0, math.inf, math.nan)))


def _log1p(x):
    u = 1.0 + x
    lost = _where(x <= 1.0, x - (u - 1.0), 1.0 - (u - x))  # by the rounding of u
    is_plain = (u > 0.0) & (u < math.inf)
    return _log(u, _where(is_plain, lost, 0.0) / _where(is_plain, u, 1.0))
