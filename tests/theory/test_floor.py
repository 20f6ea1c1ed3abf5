"""Floors on labelled data against linear, quadratic and integer programs, SciPy and brute force."""

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, isotonic_regression, linprog, milp, minimize
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import maximum_flow

from eisim import REGIONS, InputError, LabelledData, Region, TruthTable, certify
from eisim.base import memory
from eisim.theory import cost, order
from eisim.theory.cover import lightest_cover
from eisim.theory.inversion import floor_with, floors_with
from eisim.theory.sample import Sample

LOSSES = ("zero_one", "l1", "l2", "linf")


@st.composite
def labelled(draw, targets=None, max_points=12):
    """Few values, so that ties, repeated points and disagreement are common."""
    n, d = draw(st.integers(2, max_points)), draw(st.integers(1, 3))
    points = draw(st.lists(st.lists(st.integers(0, 3), min_size=d, max_size=d), min_size=n, max_size=n))
    targets = draw(st.lists(st.integers(0, 3) if targets is None else targets, min_size=n, max_size=n))
    weights = draw(st.lists(st.integers(0, 3), min_size=n, max_size=n).filter(any))
    return LabelledData(points, targets, weights)


def below(data):
    return (data.points[:, None] <= data.points[None]).all(axis=2)


def loss(name, data, values):
    error = np.abs(values - data.targets)
    mean = {"zero_one": error > 0, "l1": error, "l2": error**2}
    return error.max() if name == "linf" else np.average(mean[name], weights=data.weights)


def is_monotone_on(data, values):
    return not (below(data) & (values[:, None] > values[None] + 1e-12)).any()


def mixed(rng, trial):
    n, d = rng.integers(2, 40), rng.integers(1, 4)
    points = rng.integers(0, 6, (n, d)) if trial % 2 else rng.random((n, d))
    targets = rng.integers(0, 5, n) if trial % 3 else rng.normal(size=n)
    return LabelledData(points, targets, rng.random(n) + 0.01)


@pytest.mark.parametrize("trial", range(30))
def test_floors_against_linear_quadratic_and_integer_programs(trial):
    data = mixed(np.random.default_rng(trial), trial)
    n, y, w = len(data.targets), data.targets, data.weights / data.weights.sum()
    pairs = np.argwhere(below(data) & ~np.eye(n, dtype=bool))
    rises = np.zeros((len(pairs), n))
    rises[np.arange(len(pairs)), pairs[:, 0]], rises[np.arange(len(pairs)), pairs[:, 1]] = 1, -1
    certificate = certify(data, orient=False)
    one = np.eye(n)
    a = np.block([[rises, np.zeros_like(rises)], [one, -one], [-one, -one]])
    b = np.r_[np.zeros(len(pairs)), y, -y]
    l1 = linprog(np.r_[np.zeros(n), w], a, b, bounds=[(None, None)] * n + [(0, None)] * n).fun
    a = np.block([[rises, np.zeros((len(pairs), 1))], [one, -np.ones((n, 1))], [-one, -np.ones((n, 1))]])
    linf = linprog(np.r_[np.zeros(n), 1], a, b, bounds=[(None, None)] * n + [(0, None)]).fun
    l2 = minimize(
        lambda f: w @ (f - y) ** 2,
        np.full(n, y.mean()),
        jac=lambda f: 2 * w * (f - y),
        constraints={"type": "ineq", "fun": lambda f: -rises @ f, "jac": lambda f: -rises} if len(pairs) else (),
        method="SLSQP",
        options={"ftol": 1e-13, "maxiter": 500},
    ).fun
    wrong = pairs[y[pairs[:, 0]] > y[pairs[:, 1]]]
    zero_one = 0.0
    if len(wrong):
        touches = np.zeros((len(wrong), n))
        touches[np.arange(len(wrong)), wrong[:, 0]] = touches[np.arange(len(wrong)), wrong[:, 1]] = 1
        zero_one = milp(w, constraints=LinearConstraint(touches, 1), integrality=np.ones(n), bounds=Bounds(0, 1)).fun
    expected = {"zero_one": zero_one, "l1": l1, "l2": l2, "linf": linf}
    for name, floor in certificate.floor.items():
        assert floor == pytest.approx(expected[name], abs=1e-6 if name == "l2" else 1e-9)
    assert certificate.violating_pairs == len(wrong)


@given(labelled())
def test_the_best_functions_are_monotone_and_have_the_floor(data):
    certificate = certify(data, orient=False)
    for name in LOSSES:
        best = certificate.best[name]
        assert is_monotone_on(data, best)
        assert loss(name, data, best) == pytest.approx(certificate.floor[name], abs=1e-12)
    assert certificate.representable == is_monotone_on(data, data.targets)
    if certificate.representable:
        assert certificate.witness is None
        assert not any(certificate.floor.values())
    elif data.weights.all():
        assert min(certificate.floor.values()) > 0


@given(labelled(), st.integers(0, 11))
def test_floors_counted_in_points_fall_when_a_point_is_dropped_and_rise_when_one_is_added(data, k):
    assume(len(data.targets) > 2)
    keep = np.arange(len(data.targets)) != k % len(data.targets)
    assume(data.weights[keep].any())
    fewer = LabelledData(data.points[keep], data.targets[keep], data.weights[keep])
    more, less = certify(data, orient=False), certify(fewer, orient=False)
    for name in ("zero_one", "l1", "l2"):
        assert less.floor[name] * fewer.weights.sum() <= more.floor[name] * data.weights.sum() + 1e-12
    assert less.floor["linf"] <= more.floor["linf"]
    assert less.violating_pairs <= more.violating_pairs


@given(labelled(), st.randoms(use_true_random=False))
def test_order_is_all_that_counts(data, random):
    """Neither increasing transformations of inputs, nor repeated or constant ones, nor the sequence of rows matter."""
    rows = random.sample(range(len(data.targets)), len(data.targets))
    columns = [np.exp(data.points), 7 * data.points**3, np.zeros((len(rows), 1))]
    other = LabelledData(np.hstack(columns)[rows], data.targets[rows], data.weights[rows] * 3)
    ours, theirs = certify(data, orient=False), certify(other, orient=False)
    assert ours.floor == pytest.approx(theirs.floor, abs=1e-12)
    assert ours.violating_pairs == theirs.violating_pairs


@given(labelled(max_points=8))
def test_a_weight_is_a_number_of_copies(data):
    copies = np.repeat(np.arange(len(data.targets)), data.weights.astype(int))
    assume(len(copies) > 1)
    ours = certify(data, orient=False).floor
    theirs = certify(LabelledData(data.points[copies], data.targets[copies]), orient=False).floor
    for name in ("zero_one", "l1", "l2"):
        assert ours[name] == pytest.approx(theirs[name], abs=1e-12)


@given(labelled(targets=st.integers(0, 1)))
def test_for_two_values_l1_is_zero_one(data):
    certificate = certify(data, orient=False)
    assert certificate.floor["l1"] == certificate.floor["zero_one"]


@given(labelled(targets=st.integers(0, 1), max_points=10))
def test_more_inhibition_never_hurts(data):
    certificate = certify(data)
    floors = [certificate.floor_with[r] for r in sorted(certificate.floor_with)]
    assert floors[0] == certificate.floor["zero_one"]
    assert floors == sorted(floors, reverse=True)
    assert floors[-1] == certificate.orientation.on_off_floor  # only disagreement at one point is left


@given(labelled(targets=st.integers(0, 1)))
def test_the_number_alone_is_the_error_of_the_function(data):
    """The weight of the cover is the error that is counted: with ties, weights of 0, and points with both labels."""
    sample = Sample(data.points, data.targets, data.weights)
    for r, error in enumerate(floors_with(sample, range(4))):
        floor, values = floor_with(sample, r)
        assert error == floor == pytest.approx(loss("zero_one", data, values), abs=1e-12)


def test_the_number_alone_with_real_weights():
    rng = np.random.default_rng(0)
    sample = Sample(rng.integers(0, 9, (80, 2)).astype(float), rng.integers(3, 5, 80).astype(float), rng.random(80))
    assert [*floors_with(sample, range(3))] == [floor_with(sample, r)[0] for r in range(3)]


@given(labelled(max_points=8))
def test_orientation_by_trying_all(data):
    found = certify(data).orientation
    floors = {}
    for signs in product((1, -1), repeat=data.n_inputs):
        flipped = tuple(np.flatnonzero(np.array(signs) < 0).tolist())
        floors[flipped] = certify(LabelledData(data.points * signs, data.targets, data.weights), orient=False).floor
    least = min(floor["zero_one"] for floor in floors.values())
    assert found.exact and found.floor == floors[found.flipped]["zero_one"] == least
    assert len(found.flipped) == min(len(f) for f, floor in floors.items() if floor["zero_one"] == least)
    both = LabelledData(np.hstack([data.points, -data.points]), data.targets, data.weights)
    assert found.on_off_floor == certify(both, orient=False).floor["zero_one"]


def test_beyond_twelve_inputs_a_heuristic_never_worse_than_no_flip():
    rng = np.random.default_rng(0)
    points = np.zeros((300, 14))
    points[:, 0], points[:, 5] = rng.random(300), rng.integers(0, 2, 300)
    data = LabelledData(points, points[:, 0] + rng.normal(size=300) < points[:, 5])
    certificate = certify(data, losses=["zero_one"], orient=True)
    assert certificate.orientation.flipped == (0,) and not certificate.orientation.exact
    assert 0 < certificate.orientation.floor < certificate.floor["zero_one"]
    points[:, 0] *= -1
    assert certify(LabelledData(points, data.targets)).floor["zero_one"] == certificate.orientation.floor


@pytest.mark.parametrize("seed", range(5))
def test_one_input_against_scipy(seed):
    rng = np.random.default_rng(seed)
    x, w = np.sort(rng.random(200)), rng.random(200)
    y = x + rng.normal(size=200)
    fitted = isotonic_regression(y, weights=w).x
    certificate = certify(LabelledData(x[:, None], y, w), orient=False)
    assert certificate.best["l2"] == pytest.approx(fitted, abs=1e-12)
    fall = np.maximum.accumulate(y) - y
    assert certificate.floor["linf"] == pytest.approx(fall.max() / 2)


@given(st.integers(1, 9), st.integers(1, 9), st.data())
def test_lightest_cover_by_trying_all(n_rows, n_columns, data):
    whole = st.integers(0, 2**70)
    edges = data.draw(st.lists(st.integers(0, 2**n_columns - 1), min_size=n_rows, max_size=n_rows))
    rows = data.draw(st.lists(whole, min_size=n_rows, max_size=n_rows))
    columns = data.draw(st.lists(whole, min_size=n_columns, max_size=n_columns))
    cover = lightest_cover(edges, rows, dict(enumerate(columns)))
    least = min(
        sum(rows[i] for i in chosen)
        + sum(columns[j] for j in range(n_columns) if any(e >> j & 1 for i, e in enumerate(edges) if i not in chosen))
        for k in range(n_rows + 1)
        for chosen in map(set, combinations(range(n_rows), k))
    )
    assert cover.weight == least == sum(rows[i] for i in cover.rows) + sum(columns[j] for j in cover.columns)
    for i, e in enumerate(edges):
        for j in range(n_columns):
            assert not e >> j & 1 or i in cover.rows or j in cover.columns or not rows[i] or not columns[j]
    assert lightest_cover(edges, rows, dict(enumerate(columns)), less_than=least) is None or least == 0


def test_lightest_cover_of_large_graphs_against_scipy():
    rng = np.random.default_rng(1)
    for density in (0.02, 0.5):
        edges = rng.random((300, 200)) < density
        rows, columns = rng.integers(1, 1000, 300), rng.integers(1, 1000, 200)
        capacities = np.zeros((502, 502), dtype=np.int32)
        capacities[500, :300], capacities[300:500, 501] = rows, columns
        capacities[:300, 300:500] = edges * 10**6
        expected = maximum_flow(csr_matrix(capacities), 500, 501).flow_value
        sets = [sum(1 << int(j) for j in np.flatnonzero(row)) for row in edges]
        assert lightest_cover(sets, rows.tolist(), dict(enumerate(columns.tolist()))).weight == expected


@settings(max_examples=50)
@given(labelled(targets=st.integers(0, 1)))
def test_the_chain_is_increasing_and_the_longest(data):
    chain = np.array(certify(data, losses=[], orient=False).chain)
    assert len(chain) < 2 or (chain[:-1] <= chain[1:]).all()
    points = np.unique(data.points, axis=0)
    at = (data.points[:, None] == points).all(axis=2)
    high = data.targets > data.targets.min()
    label = np.array([data.weights[a & high].sum() > data.weights[a & ~high].sum() for a in at.T])
    longest = {}
    for i in np.lexsort(points.T[::-1]):  # of each point the most falls and the label there, over all chains to it
        lower = [j for j in longest if (points[j] <= points[i]).all()]
        longest[i] = max((longest[j] + (label[j] and not label[i]) for j in lower), default=0)
    assert len(chain) == 2 * max(longest.values())


def test_regions():
    for name, floor in (("half-plane", 0), ("staircase", 0), ("four-quadrants", 0.25)):
        assert certify(REGIONS[name]).floor["zero_one"] == floor
    for name in ("rising-half-plane", "disc", "ring", "two-islands"):
        certificate = certify(REGIONS[name])
        lower, upper = np.array(certificate.witness)
        assert (lower <= upper).all() and not certificate.representable
    for resolution in (4, 20):  # the best for y > x is x + y > 1: the mean of a triangle's quarter, and of its edge
        assert certify(Region("rising", lambda x, y: y > x, resolution)).floor["zero_one"] == pytest.approx(
            0.25, abs=0.1
        )
    with pytest.raises(InputError, match="resolution: expected 2 or more, found 1"):
        Region("dot", lambda x, y: x > y, 1)
    with pytest.raises(InputError, match="contains: expected 4096 truth values, found float64"):
        certify(Region("slope", lambda x, y: x - y))


def test_peculiar_data_are_explained():
    data = LabelledData([[0, 5], [0, 5], [1, 5], [1, 5]], [1, 0, 0, 0], names=("a", "b"))
    certificate = certify(data)
    assert certificate.floor["zero_one"] == 0.25 and certificate.violating_pairs == 3
    notes = " ".join(certificate.notes)
    assert "Constant" in notes and ": b." in notes
    assert "2 rows repeat an input with another target" in notes
    assert "1 row repeats an input with the same target" in notes
    assert "constant is a monotone function" in certify(LabelledData([[1], [2]], [3, 3])).notes[0]


def test_extreme_numbers():
    big = 1.7e308
    certificate = certify(LabelledData([[-big], [big], [5e-324], [0]], [1e150, -1e150, 0, 1], [1e-300, 1e300, 1, 1]))
    assert certificate.floor["linf"] == 1e150
    assert certificate.witness == ((-big,), (big,))
    assert certificate.floor["zero_one"] == pytest.approx(1e-300)
    with pytest.raises(InputError, match="row 2, column 'target': expected at most 1e\\+150 in size, found -1e\\+151"):
        LabelledData([[1], [2]], [0, -1e151])


def test_too_many_points_are_refused(monkeypatch):
    monkeypatch.setattr(order, "MOST_COMPARISONS", 100)
    with pytest.raises(InputError, match=r"expected at most 10 distinct points.* found 15 × 15 pairs"):
        certify(LabelledData(np.arange(30)[:, None], np.arange(30) % 2))


def test_what_does_not_fit_into_memory_is_refused_before_it_is_begun(monkeypatch):
    points = np.random.default_rng(0).random((20_000, 3))
    data = LabelledData(points, points[:, 0] > 0.5)
    monkeypatch.setattr(memory, "free", lambda: 6e7)
    with pytest.raises(InputError, match=r"found 20,000 points, of whose pairs .* which need 112 MB; 60 MB are free"):
        certify(data, ["l1"], report=lambda stage, fraction=None: pytest.fail(stage))


def test_what_takes_long_is_announced_with_each_stage(monkeypatch):
    said, points = [], np.random.default_rng(0).random((1_100, 3))
    data = LabelledData(points, points[:, 0] > 0.5)
    monkeypatch.setattr(cost, "LONG", 0.0)
    certify(data, ["zero_one"], report=lambda stage, fraction=None: said.append(stage))
    assert said[0].startswith("1,100 points (about 0 min, ") and said[0].endswith("kB): comparing points")
    said.clear()
    certify(LabelledData(points[:, :2], data.targets), report=lambda stage, fraction=None: said.append(stage))
    assert said[0] == "sorting points"


def test_truth_tables_as_data_and_data_as_truth_tables():
    for bits in ("0110", "10010110", "0111100110010110"):
        f = TruthTable(bits)
        ours, theirs = certify(f), certify(LabelledData(f.patterns, f.values))
        assert (ours.floor, ours.chain, ours.floor_with) == (theirs.floor, theirs.chain, theirs.floor_with)
        assert ours.inversion_complexity == theirs.inversion_complexity
