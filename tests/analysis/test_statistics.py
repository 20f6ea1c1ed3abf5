"""Intervals of scores, critical fractions and shares: closed forms, invariants, and coverage by Monte Carlo."""

import subprocess
import sys
from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from eisim import InputError
from eisim.analysis.statistics import Critical, Estimate, critical_fraction, over_seeds, wilson

#: Scores as shares of 8 trials, so that ties and equal seeds are common.
shares = st.integers(0, 8).map(lambda k: k / 8)
scores_of_seeds = st.lists(shares | st.floats(0, 1), min_size=1, max_size=12)
levels = st.floats(0.05, 0.95)
EXPERIMENTS = 200


@st.composite
def experiments(draw, seeds=None):
    """Fractions and scores, fractions × seeds."""
    n = draw(st.sampled_from([2, 3, 6, 21, 41]))
    size = seeds or draw(st.integers(2, 6))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    slope, sd = draw(st.floats(-0.5, 1.5)), draw(st.sampled_from([0, 0.05, 0.2]))
    fractions = np.linspace(0, 1, n)
    scores = np.clip(0.8 - slope * fractions[:, None] + rng.normal(0, sd, (n, size)), 0, 1)
    return fractions, np.round(scores * 8) / 8 if draw(st.booleans()) else scores


def ends(critical):
    """Value, low and high, infinite where they are beyond the largest fraction."""
    return [np.inf if end is None else end for end in astuple(critical)]


# means over seeds


def test_the_interval_is_the_union_of_students_and_wilsons():
    scores = np.array([1.0, 1.0, 0.875, 0.75, 1.0])
    mean, error, t = scores.mean(), stats.sem(scores), stats.t.ppf(0.975, 4)
    # Wilson's ends: the probabilities p from which the mean is t standard errors away, if p * (1 - p) sets the error
    inverse = error**2 / (mean * (1 - mean))
    low, high = sorted(np.roots([1 + t**2 * inverse, -2 * mean - t**2 * inverse, mean**2]))
    student = stats.t.interval(0.95, 4, mean, error)
    assert low < student[0] < high < 1 < student[1]
    assert astuple(over_seeds(scores)) == pytest.approx((mean, low, 1.0))
    middle = over_seeds([0.5, 0.51, 0.52, 0.49, 0.48])
    assert astuple(middle) == pytest.approx((0.5, 0.5 - 0.0196324, 0.5 + 0.0196324), abs=1e-6)


def test_scores_without_spread_and_single_seeds():
    assert over_seeds([0.7] * 10) == Estimate(0.7, 0.7, 0.7)
    assert over_seeds([0.7]) == Estimate(0.7, 0.0, 1.0)
    assert over_seeds([0.7], is_exact=True) == over_seeds([0.7, 0.7], is_exact=True) == Estimate(0.7, None, None)


@given(scores_of_seeds)
def test_a_mean_is_within_its_interval_and_that_within_0_and_1(scores):
    found = over_seeds(scores)
    assert 0 <= found.low <= found.mean <= found.high <= 1
    mirrored = over_seeds(1 - np.array(scores))
    assert (mirrored.low, mirrored.high) == pytest.approx((1 - found.high, 1 - found.low), abs=1e-6)


@given(st.lists(shares, min_size=2, max_size=12).filter(lambda s: len(set(s)) > 1), st.floats(0.1, 0.9))
def test_more_noise_makes_a_wider_interval(scores, factor):
    scores = np.array(scores)
    less = scores.mean() + factor * (scores - scores.mean())
    wide, narrow = over_seeds(scores), over_seeds(np.clip(less, 0, 1))
    assert wide.low <= narrow.low + 1e-9 and narrow.high <= wide.high + 1e-9
    assert narrow.high - narrow.low < wide.high - wide.low or (wide.low, wide.high) == (0, 1)


@given(scores_of_seeds, st.integers(2, 4))
def test_more_seeds_with_the_same_scores_make_a_narrower_interval(scores, times):
    once, often = over_seeds(scores), over_seeds(scores * times)
    assert once.low <= often.low + 1e-9 and often.high <= once.high + 1e-9


def test_scores_outside_0_and_1_have_an_interval_around_their_mean():
    found = over_seeds([1.1, 1.0, 1.3])
    assert found.low < found.mean == found.high == pytest.approx(3.4 / 3)


@pytest.mark.parametrize(
    ("draw", "truth"),
    [
        (lambda rng, shape: rng.normal(0.5, 0.1, shape), 0.5),
        (lambda rng, shape: rng.beta(8, 2, shape), 0.8),
        (lambda rng, shape: rng.beta(20, 1, shape), 20 / 21),
        (lambda rng, shape: rng.binomial(3, 0.9, shape) / 3, 0.9),
        (lambda rng, shape: rng.binomial(8, 0.05, shape) / 8, 0.05),
        (lambda rng, shape: rng.binomial(8, 0.99, shape) / 8, 0.99),
    ],
    ids=["normal", "beta", "skewed beta", "shares of 3", "shares near 0", "shares near 1"],
)
def test_intervals_over_ten_seeds_cover_the_mean(draw, truth):
    scores = draw(np.random.default_rng(1), (10 * EXPERIMENTS, 10))
    found = [over_seeds(each) for each in scores if np.ptp(each) > 0]
    assert len(found) > 5 * EXPERIMENTS
    assert np.mean([each.low <= truth <= each.high for each in found]) >= 0.92


# critical fractions


def test_an_exact_curve_is_interpolated_and_bracketed():
    fractions = [0, 0.2, 0.4, 1.0]
    find = lambda scores, level: critical_fraction(fractions, np.transpose([scores]), level, is_exact=True)  # noqa: E731
    assert astuple(find([1, 0.9, 0.5, 0.1], 0.6)) == pytest.approx((0.35, 0.2, 0.4))
    assert find([1, 0.9, 0.5, 0.1], 0.5).value == pytest.approx(0.4)  # as high as the level is kept
    assert find([1, 0.9, 0.5, 0.1], 0.5).low == 0.4
    assert find([1, 1, 1, 0.6], 0.6) == Critical(None, None, None)
    assert find([0.5, 0.2, 0.2, 0.1], 0.6) == Critical(0.0, 0.0, 0.0)
    # rows two and three rise: both are 0.7 in the fit, and each of them may be right
    assert astuple(find([1, 0.5, 0.9, 0.1], 0.6)) == pytest.approx((0.4 + 0.6 / 6, 0.0, 1.0))
    fine = np.linspace(0, 1, 101)
    assert astuple(critical_fraction(fine, 1 - fine[:, None], 0.355, True)) == pytest.approx((0.645, 0.64, 0.65))


@given(experiments(), levels)
def test_the_value_is_where_the_isotonic_fit_crosses(experiment, level):
    fractions, scores = experiment
    mean, n = scores.mean(axis=1), len(fractions)
    fit = [min(max(mean[i : j + 1].mean() for j in range(k, n)) for i in range(k + 1)) for k in range(n)]
    value = critical_fraction(fractions, scores, level).value
    if value is None:
        assert fit[-1] >= level - 1e-9
    elif value == 0:
        assert fit[0] <= level + 1e-9
    else:
        assert np.interp(value, fractions, fit) == pytest.approx(level, abs=1e-6)


@given(experiments(), levels, st.booleans())
def test_the_interval_encloses_the_value_between_fractions(experiment, level, is_exact):
    fractions, scores = experiment
    found = critical_fraction(fractions, scores, level, is_exact)
    value, low, high = ends(found)
    assert low <= value <= high
    assert {found.low, found.high} <= {None, *fractions}


@given(experiments(), levels)
def test_ends_are_where_intervals_over_seeds_leave_the_level(experiment, level):
    fractions, scores = experiment
    below, above = [], []
    for x in fractions:
        below.append(over_seeds(scores[(fractions > x - 0.0499) & (fractions <= x)].mean(axis=0)).high < level)
        above.append(over_seeds(scores[(fractions < x + 0.0499) & (fractions >= x)].mean(axis=0)).low >= level)
    lost = [x for k, x in enumerate(fractions) if all(below[k:])]
    kept = [x for k, x in enumerate(fractions) if all(above[: k + 1])]
    found = critical_fraction(fractions, scores, level)
    assert found.high == (lost[0] if lost else None)
    assert found.low == (None if len(kept) == len(fractions) else kept[-1] if kept else fractions[0])


@given(experiments(seeds=5), levels, st.floats(0, 0.9))
def test_more_noise_makes_a_wider_interval_of_the_critical_fraction(experiment, level, factor):
    fractions, scores = experiment
    mean = scores.mean(axis=1, keepdims=True)
    less = np.clip(mean + factor * (scores - mean), 0, 1)
    _, low, high = ends(critical_fraction(fractions, scores, level))
    _, less_low, less_high = ends(critical_fraction(fractions, less, level))
    assert low <= less_low and less_high <= high


def test_one_seed_shows_nothing_unless_it_is_exact():
    scores = [[1.0], [0.5], [0.0]]
    assert critical_fraction([0, 0.5, 1], scores, 0.75) == Critical(0.25, 0.0, None)
    assert critical_fraction([0, 0.5, 1], scores, 0.75, is_exact=True) == Critical(0.25, 0.0, 0.5)


@pytest.mark.parametrize(
    ("curve", "level", "truth"),
    [
        (lambda x: 1 / (1 + np.exp((x - 0.625) / 0.1)), 0.5, 0.625),
        (lambda x: 1 / (1 + np.exp((x - 0.6) / 0.1)), 0.5, 0.6),  # at a fraction of all grids
        (lambda x: 0.75 - 0.4 * x, 0.5, 0.625),
        (lambda x: np.where(x < 0.625, 0.95, 0.45), 0.7, 0.625),
    ],
    ids=["logistic", "at a fraction", "shallow", "step"],
)
def test_more_fractions_make_the_critical_fraction_better_and_intervals_cover_it(curve, level, truth):
    rng, errors, widths = np.random.default_rng(2), [], []
    for n in (6, 21, 101):
        fractions = np.linspace(0, 1, n)
        scores = curve(fractions)[:, None] + rng.normal(0, 0.1, (EXPERIMENTS, n, 10))
        found = np.array([ends(critical_fraction(fractions, each, level)) for each in scores])
        assert np.mean((found[:, 1] <= truth) & (truth <= found[:, 2])) >= 0.92
        errors.append(np.sqrt(np.mean((found[:, 0] - truth) ** 2)))
        widths.append(np.mean(np.minimum(found[:, 2], 1) - found[:, 1]))
    assert errors[2] < errors[1] < errors[0]
    assert widths[2] < 0.055 or widths[2] < widths[1] < widths[0]


def test_a_curve_that_is_never_lost_is_seldom_called_lost():
    rng, fractions = np.random.default_rng(3), np.linspace(0, 1, 21)
    scores = 0.5 + rng.normal(0, 0.1, (EXPERIMENTS, 21, 10))  # at the level everywhere
    assert np.mean([critical_fraction(fractions, each, 0.5).high is None for each in scores]) >= 0.92


# shares


@pytest.mark.parametrize(("successes", "n"), [(0, 30), (1, 30), (7, 30), (30, 30), (3, 5760)])
def test_wilson(successes, n):
    expected = stats.binomtest(successes, n).proportion_ci(method="wilson")
    assert wilson(successes, n) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_without_draws_nothing_is_known():
    assert wilson(0, 0) == (0, 1)


# what is refused


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: over_seeds([]), r"scores: expected an array seeds, found shape \(0,\)"),
        (lambda: over_seeds([[0.5]]), "found shape"),
        (lambda: over_seeds([0.5, np.nan]), "scores: expected finite numbers, found nan"),
        (lambda: critical_fraction([0, 1], [[0.5]], 0.5), "scores: expected rows for 2 fractions, found 1"),
        (lambda: critical_fraction([0, 1], [1, 0], 0.5), "fractions × seeds"),
        (lambda: critical_fraction([0, 0], [[1], [0]], 0.5), "fractions: expected increasing"),
        (lambda: critical_fraction([0, 1], [[1], [np.inf]], 0.5), "found inf"),
        (lambda: wilson(4, 3), "successes: expected from 0 to 3, found 4"),
        (lambda: wilson(-1, 3), "found -1"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_the_import_is_cheap():
    code = "import sys, eisim.analysis.statistics; sys.exit('scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
