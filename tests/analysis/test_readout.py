"""Thresholds of a readout, against all thresholds one by one."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eisim.analysis.readout import best_threshold, middle_threshold, refitted


@st.composite
def labelled(draw):
    """Rates, of which some are equal, a class that may be empty or all, and weights."""
    n = draw(st.integers(1, 12))
    rates = draw(st.lists(st.integers(0, 6).map(float), min_size=n, max_size=n))
    is_class = draw(st.lists(st.booleans(), min_size=n, max_size=n))
    weights = draw(st.lists(st.integers(1, 4).map(float), min_size=n, max_size=n))
    return np.array(rates), np.array(is_class), np.array(weights)


def share_wrong(rates, is_class, weights, threshold):
    return np.average((rates > threshold) != is_class, weights=weights)


def candidates(rates):
    """A threshold in each gap between rates, and beyond them."""
    values = np.unique(rates)
    return [values[0] - 1, *(values[:-1] + np.diff(values) / 2), values[-1] + 1]


@given(labelled())
def test_no_threshold_is_better_than_the_best(case):
    rates = case[0]
    error, lowest = best_threshold(*case)
    of_all = np.array([share_wrong(*case, threshold) for threshold in candidates(rates)])
    assert error == pytest.approx(of_all.min(), abs=1e-12)
    assert share_wrong(*case, lowest) == pytest.approx(error, abs=1e-12)
    first = candidates(rates)[int(np.flatnonzero(of_all < error + 1e-12)[0])]
    assert lowest <= first and not ((rates > lowest) & (rates < first)).any()  # the lowest of the best ones


@given(labelled())
def test_the_middle_threshold_is_as_good_and_in_the_middle_of_its_gap(case):
    rates = case[0]
    threshold = middle_threshold(*case)
    assert share_wrong(*case, threshold) == pytest.approx(best_threshold(*case)[0], abs=1e-12)
    if np.isfinite(threshold) and threshold < rates.max():
        below, above = rates[rates <= threshold].max(), rates[rates > threshold].min()
        assert threshold == (below + above) / 2


def test_by_hand():
    rates, is_class = np.array([0, 100, 100, 200.0]), np.array([False, False, False, True])
    assert best_threshold(rates, is_class, np.ones(4)) == (0, 100)
    assert middle_threshold(rates, is_class, np.ones(4)) == 150
    assert best_threshold(rates, ~is_class, np.ones(4)) == (0.25, -np.inf)  # yes to all
    assert best_threshold(rates, is_class, np.array([1, 1, 1, 9.0])) == (0, 100)


@given(st.integers(2, 5), labelled(), st.data())
def test_seeds_are_scored_with_the_threshold_of_others(seeds, case, data):
    _, values, weights = case
    rate = st.integers(0, 6).map(float)
    row = st.lists(rate, min_size=len(values), max_size=len(values))
    rates = np.array(data.draw(st.lists(row, min_size=seeds, max_size=seeds)))
    fitted, scored = np.arange(seeds)[::2], np.arange(seeds)[1::2]
    found = refitted(rates, values, fitted, scored, weights)
    threshold = middle_threshold(rates[fitted].ravel(), np.tile(values, len(fitted)), np.tile(weights, len(fitted)))
    expected = [1 - share_wrong(rates[k], values, weights, threshold) for k in scored]
    np.testing.assert_allclose(found, expected, atol=1e-12)
    np.testing.assert_allclose(
        refitted(rates, values, fitted, scored), refitted(rates, values, fitted, scored, np.ones(len(values)))
    )


def test_rates_that_differ_less_than_the_resolution_are_not_told_apart():
    """Saturated cells differ by what is left of a transient, which is no answer."""
    rates = np.array([[0.0, 99.9998224, 99.9998224, 99.9998247]])
    wanted = np.array([False, False, False, True])
    assert refitted(rates, wanted, [0], [0]).tolist() == [1.0]
    assert refitted(rates, wanted, [0], [0], resolution=0.1).tolist() == [0.75]
    assert refitted(rates, wanted == 0, [0], [0], resolution=0.1).tolist() == [0.75]
    assert refitted(np.full((1, 4), np.inf), wanted, [0], [0], resolution=0.1).tolist() == [0.75]


@given(st.data())
def test_thresholds_of_several_outputs_are_fitted_together(data):
    """All outputs have to be right; no change of one threshold alone does better, and one output is as before."""
    points, outputs = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 3))
    cells = st.lists(st.integers(0, 4).map(float), min_size=points * outputs, max_size=points * outputs)
    rates = np.array(data.draw(cells)).reshape(1, points, outputs)
    bits = data.draw(st.lists(st.booleans(), min_size=points * outputs, max_size=points * outputs))
    wanted = np.array(bits).reshape(points, outputs)
    found = refitted(rates, wanted, [0], [0])[0]
    grids = [[*np.unique(rates[..., k]) - 0.5, np.inf] for k in range(outputs)]
    best = max(((rates[0] > np.array(t)) == wanted).all(axis=1).mean() for t in itertools.product(*grids))
    assert found <= best + 1e-12
    if outputs == 1:
        assert found == pytest.approx(best) == pytest.approx(refitted(rates[..., 0], wanted[:, 0], [0], [0])[0])
    if best == 1:
        assert found == 1
