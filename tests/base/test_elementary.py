"""Elementary functions of our own, against functions of arbitrary precision."""

import itertools
import warnings

import mpmath
import numpy as np
import pytest

from eisim.base import elementary

EXACT = {
    "exp": mpmath.exp,
    "expm1": mpmath.expm1,
    "exprel": lambda x: mpmath.expm1(x) / x,
    "log": mpmath.log,
    "log1p": mpmath.log1p,
}
#: Largest differences from the correctly rounded value, in units in the last place.
LARGEST = {"exp": 1, "expm1": 2, "exprel": 3, "log": 1, "log1p": 1}
EDGES = np.array(
    [
        *(0.0, 5e-324, 1e-310, 2.2250738585072014e-308, 1e-300, 1e-17, 1.1e-16, 1e-8, 0.34657359, 0.3465736, 0.5),
        *(0.7071067811865475, 0.7071067811865476, 0.9999999999999999, 1.0, 1.0000000000000002, 1.4142135623730951),
        *(2.0, 36.7, 37.0, 40.0, 40.00000000000001, 54.0, 700.0, 708.4, 709.782712893384, 709.7827128933841, 710.0),
        *(710.1, 717.0, 744.0, 745.13, 745.1332191019412, 745.2, 746.0, 746.1, 1e10, 1e300, np.inf),
    ]
)


def numbers(name, n, seed=0):
    """Edges, and n numbers of each of several ranges in which the function is defined."""
    rng = np.random.default_rng(seed)
    ranges = [
        rng.uniform(-2, 2, n),
        rng.uniform(-745.2, 709.8, n),
        rng.standard_normal(n) * 10.0 ** rng.uniform(-20, 1),
    ]
    ranges += [rng.uniform(0.3, 0.4, n), rng.uniform(-0.4, -0.3, n), rng.uniform(-745.2, -700, n), EDGES, -EDGES]
    if name in ("log", "log1p"):
        ranges += [2.0 ** rng.uniform(-1074, 1024, n), rng.uniform(0.6, 1.5, n), 1 + rng.standard_normal(n) * 1e-6]
    return np.concatenate(ranges)


def distance(one, other):
    """How many floats lie between, of numbers of the same sign."""
    return abs(np.asarray(one, dtype=float).view(np.int64) - np.asarray(other, dtype=float).view(np.int64))


@pytest.mark.parametrize("name", EXACT)
def test_values_are_next_to_the_correctly_rounded_ones(name):
    x = numbers(name, 1500)
    x = x[np.isfinite(x) & (x > {"log": 0, "log1p": -1}.get(name, -np.inf))]
    if name == "exprel":
        x = x[(x != 0) & (x < 709.78)]
    with mpmath.workprec(2200):  # more than the exponents of floats are apart
        tiny = [EXACT[name](mpmath.mpf(v)) for v in x[abs(x) < 1e-14]]
    with mpmath.workprec(160):
        other = [EXACT[name](mpmath.mpf(v)) for v in x[abs(x) >= 1e-14]]
    right = np.array([float(v) for v in (*tiny, *other)])
    x = np.concatenate([x[abs(x) < 1e-14], x[abs(x) >= 1e-14]])
    found = getattr(elementary, name)(x)
    assert distance(found, right).max() <= LARGEST[name]


@pytest.mark.skipif(np.finfo(np.longdouble).nmant < 63, reason="needs 80-bit floats")
@pytest.mark.parametrize("name", ["exp", "log"])
def test_hundreds_of_thousands_of_values(name):
    x = numbers(name, 60_000, seed=1)
    x = x[np.isfinite(x) & ((x > 0) | (name == "exp"))]
    with np.errstate(all="ignore"):
        right = getattr(np, name)(x.astype(np.longdouble)).astype(float)
    off = distance(getattr(elementary, name)(x), right)
    assert x.size > 300_000 and off.max() <= 1 and (off > 0).mean() < 0.1


@pytest.mark.parametrize("name", EXACT)
def test_numbers_are_computed_as_arrays_are_and_nothing_is_warned_of(name):
    function, x = getattr(elementary, name), numbers(name, 200)
    with warnings.catch_warnings(action="error"):
        each = np.array([function(v) for v in x])
        assert each.tobytes() == function(x).tobytes()
        shape = function(x[: x.size // 6 * 6].reshape(3, -1, 2)).shape
        assert shape == (3, x.size // 6, 2) and function(np.empty((0, 2))).shape == (0, 2)
        assert np.isnan(function(np.nan)) and np.isnan(function([np.nan])).all()
    assert isinstance(function(1), float)


def test_values_at_the_edges():
    e = elementary
    assert e.exp(0) == e.exp(-0.0) == e.exprel(0) == 1 and e.expm1(0) == e.log(1) == e.log1p(0) == 0
    assert e.exp(np.inf) == e.expm1(np.inf) == e.exprel(np.inf) == e.log(np.inf) == e.log1p(np.inf) == np.inf
    assert e.exp(-np.inf) == e.exp(-746) == 0 and e.exp(709.79) == e.exp(1e300) == np.inf and e.exp(709.78) < np.inf
    assert e.exp(-745.13) == 5e-324 and e.expm1(-np.inf) == e.expm1(-50) == -1
    assert e.log(0) == e.log1p(-1) == -np.inf and np.isnan([e.log(-1), e.log1p(-1.1), e.log(-np.inf)]).all()


@pytest.mark.parametrize("name", ["exp", "expm1", "log", "log1p"])
def test_none_falls_from_one_float_to_the_next(name):
    """As the theorem wants it of activations."""
    function = getattr(elementary, name)
    for low, high in itertools.pairwise([1e-12, 1e-3, 0.3, 0.4, 1.0, 3.0, 700.0]):
        x = np.random.default_rng(0).uniform(low, high, 20_000)
        for sign in (1, -1) if name.startswith("exp") else (1,):
            assert (function(np.nextafter(sign * x, np.inf)) >= function(sign * x)).all()
