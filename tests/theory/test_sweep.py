"""Floors of points of two inputs by a sweep, against all pairs, brute force and SciPy's flow."""

import json
from contextlib import contextmanager
from unittest.mock import patch

import numpy as np
import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_flow

from eisim import REGIONS, LabelledData, certify
from eisim.cli.commands import run_command
from eisim.report.views import certificate, certificate_figures
from eisim.theory import evidence, order, swept
from eisim.theory.order import extend
from eisim.theory.plane import highest_before, least_monotone, ordered_pairs, sorted_places
from eisim.theory.sample import Sample
from eisim.theory.sweep import Places, heaviest_up_set, lightest_loss
from eisim.theory.swept import SweptViolations, find_violations

WHOLE = st.integers(-(2**70), 2**70)


@contextmanager
def sweeping(always: bool):
    """Sweep whatever can be swept, or nothing."""
    least = -1 if always else 10**9
    with patch.object(swept, "FROM", least), patch.object(order, "_MANY", least):
        yield


@st.composite
def tables(draw, values=2, max_points=25):
    """Few values, so that ties, repeated points and disagreement are common; one input may be constant or twice."""
    n, d = draw(st.integers(2, max_points)), draw(st.integers(1, 2))
    points = draw(st.lists(st.lists(st.integers(0, 5), min_size=d, max_size=d), min_size=n, max_size=n))
    targets = draw(st.lists(st.integers(0, values - 1), min_size=n, max_size=n))
    weights = draw(st.lists(st.integers(0, 3), min_size=n, max_size=n).filter(any))
    more = draw(st.sampled_from(([], [0], [-1])))
    columns = [np.array(points), *(np.full((n, 1), 7) if k else np.array(points)[:, :1] for k in more)]
    return LabelledData(np.hstack(columns), targets, weights)


def everything(data):
    """All that a certificate says of data of two inputs."""
    found = certify(data)
    return found, {**{name: getattr(found, name) for name in ("violating_pairs", "witness", "notes")}, **found.floor}


@settings(max_examples=300)
@given(st.sampled_from((2, 2, 4)).flatmap(lambda values: tables(values)))
def test_a_sweep_finds_what_all_pairs_say(data):
    with sweeping(False):
        compared, said = everything(data)
        evidence = compared.evidence()
    with sweeping(True):
        swept_, found = everything(data)
        assert found == said
        assert swept_.evidence() == evidence
    for loss, best in compared.best.items():
        np.testing.assert_array_equal(swept_.best[loss], best)


@pytest.mark.parametrize("seed", range(8))
def test_a_sweep_of_more_points_finds_what_all_pairs_say(seed):
    rng = np.random.default_rng(seed)
    n = 400
    points = rng.integers(0, 25, (n, 2)) if seed % 2 else rng.normal(size=(n, 1)) + rng.normal(size=(n, 2))
    targets = (points.sum(axis=1) > np.median(points.sum(axis=1))) ^ (rng.random(n) < 0.2)
    data = LabelledData(points, targets, rng.random(n) if seed % 4 < 2 else None)
    with sweeping(False):
        compared, said = everything(data)
        evidence = compared.evidence()
    with sweeping(True):
        swept_, found = everything(data)
        assert found == said and swept_.evidence() == evidence
    for loss, best in compared.best.items():
        np.testing.assert_array_equal(swept_.best[loss], best)


@pytest.mark.parametrize("name", ["disc", "half-plane", "rising-half-plane"])
def test_regions_of_many_cells_are_swept(name):
    with sweeping(False):
        _, said = everything(REGIONS[name])
    _, found = everything(REGIONS[name])
    assert found == said


def test_only_two_values_of_two_inputs_are_swept():
    points, ones = np.random.default_rng(0).random((20, 3)), np.ones(20)
    with sweeping(True):
        for inputs, values, is_swept in ((1, 2, True), (2, 2, True), (2, 3, False), (3, 2, False)):
            sample = Sample(points[:, :inputs], np.arange(20.0) % values, ones)
            assert isinstance(find_violations(sample), SweptViolations) == is_swept


@given(st.lists(WHOLE, min_size=1, max_size=9), st.randoms(use_true_random=False))
def test_heaviest_up_set_by_trying_all(gains, random):
    n = len(gains)
    place = np.array(random.sample(range(n), n))
    above = [sum(1 << j for j in range(i, n) if place[j] >= place[i]) for i in range(n)]
    best, smallest = 0, 0
    for chosen in range(1 << n):
        if any(chosen >> i & 1 and above[i] & ~chosen for i in range(n)):
            continue
        gain = sum(g for i, g in enumerate(gains) if chosen >> i & 1)
        if gain > best or (gain == best and chosen & smallest == chosen):  # there is one in all others
            best, smallest = gain, chosen
    found = heaviest_up_set(place, gains)
    assert sum(1 << i for i in np.flatnonzero(found).tolist()) == smallest
    assert lightest_loss(place, gains) == sum(g for g in gains if g > 0) - best


@pytest.mark.parametrize("seed", range(4))
def test_the_cover_has_the_weight_of_the_largest_flow(seed):
    rng = np.random.default_rng(seed)
    n = 300
    points, gains = rng.integers(0, 12 if seed % 2 else 1000, (n, 2)), rng.integers(-50, 51, n)
    by, place = sorted_places(points[:, 0], points[:, 1], gains < 0)
    points, gains = points[by], gains[by]
    capacities = np.zeros((n + 2, n + 2), dtype=np.int32)
    capacities[n, :n], capacities[:n, n + 1] = np.maximum(gains, 0), np.maximum(-gains, 0)
    below = (points[:, None] <= points[None]).all(axis=2)
    capacities[:n, :n] = 10**6 * (below & (gains[:, None] > 0) & (gains[None] < 0))
    assert lightest_loss(place, gains.tolist()) == maximum_flow(csr_array(capacities), n, n + 1).flow_value


@given(st.integers(1, 200).flatmap(lambda n: st.tuples(st.just(n), st.lists(st.integers(0, n - 1), max_size=80))))
def test_places_against_a_set(drawn):
    n, numbers = drawn
    places, wanted = Places(n), set()
    for k in numbers:
        if k in wanted:
            places.remove(k)
            wanted.remove(k)
        else:
            places.add(k)
            wanted.add(k)
        for ask in {0, k, max(k - 1, 0), n - 1}:
            assert places.last(ask) == max((m for m in wanted if m <= ask), default=-1)
            assert places.first(ask, n) == min((m for m in wanted if m >= ask), default=n)


@given(tables(values=5), st.randoms(use_true_random=False))
def test_counts_and_neighbours_of_a_permutation(data, random):
    points, values = data.points[:, [0, -1]], data.targets.astype(int)
    by, place = sorted_places(*points.T)
    n, s, v = len(by), points[by], values[by]
    below = (s[:, None] <= s[None]).all(axis=2) & (np.arange(n)[:, None] < np.arange(n))
    weights = data.weights[by].astype(int)
    assert ordered_pairs(place, v, weights) == v @ below @ weights
    np.testing.assert_array_equal(highest_before(place, v), np.where(below, v[:, None], -1).max(axis=0))
    asked = np.array([[random.randrange(-1, 7), random.randrange(-1, 7)] for _ in range(9)], dtype=float)
    with sweeping(False):
        np.testing.assert_array_equal(least_monotone(asked, points, values), extend(asked, points, values))


def test_the_command_on_a_table_of_two_inputs(tmp_path, capsys, monkeypatch):
    rng = np.random.default_rng(0)
    points = rng.random((3_000, 2))
    frame = pandas.DataFrame(points, columns=["a", "b"]).assign(y=(points[:, 0] < points[:, 1]).astype(int))
    frame.to_csv(tmp_path / "plane.csv", index=False)
    words = ["certify", str(tmp_path / "plane.csv"), "--target", "y", "--json", "--out"]
    with sweeping(False):
        assert run_command([*words, str(tmp_path / "pairs")]) == 0
    said = json.loads(capsys.readouterr().out)
    for module in (certificate, certificate_figures):
        monkeypatch.setattr(module, "MOST_DOTS", 2_000)
        monkeypatch.setattr(module, "DOTS", 1_000)
    assert run_command([*words, str(tmp_path / "swept")]) == 0
    assert json.loads(capsys.readouterr().out) == said
    points = [(tmp_path / each / "points.csv").read_text() for each in ("pairs", "swept")]
    assert points[0] == points[1]
    captions = [(tmp_path / each / "report.html").read_text() for each in ("pairs", "swept")]
    assert ["Dots are 1,000 of the 3,000 points" in each for each in captions] == [False, True]


def test_beyond_what_is_compared_labels_are_permuted_if_few_pairs_are_comparable(monkeypatch):
    rng = np.random.default_rng(0)
    x = rng.permutation(60)
    data = LabelledData(np.column_stack([x, -x + 0.1 * rng.integers(-9, 10, 60)]), rng.integers(0, 2, 60))
    monkeypatch.setattr(evidence, "MOST_POINTS", 50)
    for most, is_permuted in ((1_000, True), (3, False)):
        monkeypatch.setattr(evidence, "MOST_PAIRS", most)
        with sweeping(False):
            wanted = certify(data, ["zero_one"]).evidence()
        with sweeping(True):
            found = certify(data, ["zero_one"]).evidence()
        assert (found.permuted, found.left_out) == (wanted.permuted, wanted.left_out)
        assert (found.floor, found.floor_inverted) == (wanted.floor, wanted.floor_inverted)
        assert bool(found.permuted) == is_permuted
