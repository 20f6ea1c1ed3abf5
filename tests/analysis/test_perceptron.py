"""Separability by linear programming against brute force, and the capacity against its exact expectation."""

from itertools import product

import numpy as np
import pytest
from scipy.special import comb

from eisim import InputError, TruthTable, certify
from eisim.analysis.perceptron import capacity, expected_patterns, separable, separable_share
from eisim.analysis.statistics import wilson
from eisim.functions import patterns

SQUARE = patterns(2)


def test_all_functions_of_three_inputs():
    """104 of the 256 are threshold functions, and all 20 monotone ones are among them."""
    cube = patterns(3)
    labels = [np.array(bits) for bits in product((0, 1), repeat=8)]
    assert sum(separable(cube, each) for each in labels) == 104
    rising = [each for each in labels if separable(cube, each, np.ones(3))]
    monotone = [each for each in labels if certify(TruthTable("".join(map(str, each))), ("zero_one",)).representable]
    assert {each.tobytes() for each in rising} <= {each.tobytes() for each in monotone}
    assert len(rising) == len(monotone) == 20  # of three inputs all monotone functions are threshold functions


@pytest.mark.parametrize(
    ("labels", "free", "excitatory", "mixed"),
    [
        ("0001", True, True, False),
        ("0010", True, False, True),
        ("0110", False, False, False),
        ("1000", True, False, False),
        ("1111", True, True, True),
    ],
)
def test_signs(labels, free, excitatory, mixed):
    labels = [int(each) for each in labels]
    assert separable(SQUARE, labels) == separable(SQUARE, labels, [0, 0]) == free
    assert separable(SQUARE, labels, [1, 1]) == excitatory
    assert separable(SQUARE, labels, [1, -1]) == mixed
    assert separable(1e9 * SQUARE + [1e9, -3], labels, [1, -1]) == mixed  # in other units


@pytest.mark.parametrize("n", [1, 2, 5, 12])
@pytest.mark.parametrize("has_signs", [False, True])
def test_shares_are_cover_s_and_add_up(n, has_signs):
    for k in range(1, 30):
        planes = k + n * has_signs
        regions = 2 * sum(comb(planes - 1, j, exact=True) for j in range(n + 1))
        assert separable_share(k, n, has_signs) == pytest.approx(regions / 2**planes, rel=1e-12)
    total = sum(separable_share(k, n, has_signs) for k in range(1, 500))
    assert total == pytest.approx(expected_patterns(n, has_signs), rel=1e-9)
    assert separable_share(0, n, has_signs) == 1


@pytest.mark.parametrize("signs", [None, (1, 1, 1), (1, -1, 1)])
def test_shares_of_random_patterns(signs):
    rng, n, trials = np.random.default_rng(3), 6, 300
    found = sum(separable(rng.random((n, 3)), rng.integers(2, size=n), signs) for _ in range(trials))
    low, high = wilson(found, trials)
    assert low <= separable_share(n, 3, signs is not None) <= high
    assert separable_share(n, 3, True) < 0.6 * separable_share(n, 3, False)


def test_capacity():
    free, excitatory = capacity(10, draws=40, seed=1), capacity(10, 0, draws=40, seed=1)
    for found, expected in ((free, 22), (excitatory, 12)):
        assert found.expected == expected and len(found.patterns) == 40
        low, high = found.interval
        assert low < found.mean < high and low - 1 < expected < high + 1
    assert (free.patterns >= excitatory.patterns).all()  # of the same patterns
    again = capacity(10, 0, draws=40, seed=1)
    assert (again.patterns == excitatory.patterns).all()
    assert (capacity(10, 0, draws=3, seed=1).patterns == excitatory.patterns[:3]).all()
    assert capacity(1, 1, draws=1).interval == (capacity(1, 1, draws=1).mean,) * 2


@pytest.mark.slow
def test_the_ratio_is_2_at_many_inputs():
    found = [capacity(60, inhibitory, draws=20) for inhibitory in (None, 30, 0)]
    for each in found:
        assert each.interval[0] <= each.expected <= each.interval[1]
    free, mixed, excitatory = (each.mean for each in found)
    assert free / excitatory == pytest.approx(2, rel=0.15) and free / mixed == pytest.approx(2, rel=0.15)


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (([1, 2], [0, 1]), r"patterns: expected shape .* found \(2,\)"),
        (([[np.nan]], [0]), "patterns: expected finite numbers"),
        ((SQUARE, [0, 1]), r"labels: expected shape \(4,\), found \(2,\)"),
        ((SQUARE, [0, 1, 2, 0]), "labels: expected 0, 1, found 2"),
        ((SQUARE, [0, 1, 1, 0], [1]), r"signs: expected shape \(2,\), found \(1,\)"),
        ((SQUARE, [0, 1, 1, 0], [1, 2]), "signs: expected -1, 0, 1, found 2"),
        ((SQUARE, "0110"), "labels: expected finite numbers, found '0110'"),
    ],
)
def test_what_are_no_patterns(arguments, found):
    with pytest.raises(InputError, match=found):
        separable(*arguments)


@pytest.mark.parametrize("arguments", [(0,), (1.5,), (True,), (1001,), (3, 4), (3, -1), (3, 0, 0), (3, 0, 10**9)])
def test_numbers_out_of_range(arguments):
    with pytest.raises(InputError, match="expected a whole number from"):
        capacity(*arguments)


def test_nothing_to_separate():
    assert separable(np.empty((0, 3)), []) and separable([[1.0, 2.0]], [1]) and separable(np.empty((2, 0)), [1, 1])
    assert not separable(np.empty((2, 0)), [0, 1]) and not separable([[1.0], [1.0]], [0, 1])
