"""Excitatory-only circuits through monotone points, and what their units can and cannot do."""

import numpy as np
import pytest

from eisim import (
    AbbottChance,
    ExponentialLinear,
    InputError,
    LabelledData,
    Logistic,
    PowerLaw,
    RectifiedTanh,
    Saturating,
    Softplus,
    Step,
    ThresholdLinear,
    TruthTable,
    WilsonCowan,
    simulate,
    synthesize,
    to_dnn,
)
from eisim.functions import patterns
from eisim.theory.interpolation import interpolate

SATURATING = [
    Step(),
    Step(threshold=-7.0, maximum=3.0),
    Saturating(),
    Logistic(threshold=50.0, slope=0.01),
    RectifiedTanh(),
    WilsonCowan(),
    PowerLaw(exponent=0.5),
    ThresholdLinear(refractory=2e-3),
    Softplus(refractory=2e-3),
    AbbottChance(refractory=2e-3),
    ExponentialLinear(base=5.0, gain=0.0),
]
CONVEX = [ThresholdLinear(), Softplus(), AbbottChance(), ExponentialLinear(), ExponentialLinear(base=2.0, scale=5.0)]
OR = LabelledData([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 1])


def monotone(seed, n, d, grid=0):
    """Random points, of whole numbers below `grid` if that is given, with random values that do not fall."""
    rng = np.random.default_rng(seed)
    points = rng.integers(-grid, grid, (n, d)) if grid else rng.normal(size=(n, d)) * 1e3
    order = np.argsort(points.sum(axis=1), kind="stable")
    values = 10.0 * (rng.integers(0, 3, n) + 3 * order.argsort() // n)
    for k in order:
        values[k] = values[(points <= points[k]).all(axis=1)].max()
    return LabelledData(points, values)


@pytest.mark.parametrize("seed", range(8))
def test_values_are_taken_within_the_bounds_of_mikulincer_and_reichman(seed):
    n, d = 30, 1 + seed % 4
    data = monotone(seed, n, d, grid=(0, 6)[seed % 2])
    circuit = interpolate(data)
    assert np.allclose(to_dnn(circuit)(data.points).ravel(), data.targets, atol=1e-9)
    assert circuit.is_excitatory_only and to_dnn(circuit).is_nonnegative
    sizes = {p.name: p.size for p in circuit.populations}
    assert sizes["comparison"] <= n * d and sizes["coincidence"] <= n and sizes["or"] <= n and len(sizes) == 4
    rng = np.random.default_rng(seed)
    lower = data.points[rng.integers(n, size=300)] + rng.normal(size=(300, d))
    upper = lower + rng.random((300, d)) * np.ptp(data.points)
    assert (to_dnn(circuit)(lower) <= to_dnn(circuit)(upper) + 1e-9).all()


@pytest.mark.parametrize("unit", SATURATING, ids=repr)
def test_units_that_saturate_are_universal(unit):
    assert unit.excitatory_class == "monotone functions"
    for data in (OR, monotone(3, 30, 3)):
        error = np.abs(to_dnn(interpolate(data, unit))(data.points).ravel() - data.targets)
        assert error.max() < 5e-3 * np.ptp(data.targets)


@pytest.mark.parametrize("unit", CONVEX, ids=repr)
def test_convex_units_are_supermodular_in_any_excitatory_only_network(unit):
    assert (
        "convex and supermodular" in unit.excitatory_class
        and (np.diff(unit.activation(np.linspace(-60, 60, 999)), 2) > -1e-9).all()
    )
    rng = np.random.default_rng(1)
    for _ in range(200):
        rates = patterns(2) * rng.random(2) * 50
        for width in (6, 6, 1):
            rates = unit.activation(rates @ rng.exponential(1.0, (rates.shape[1], width)) / 3 - 40 * rng.random(width))
        nothing, one, other, both = rates[:, 0]
        assert both + nothing >= one + other - 1e-9 * both
    with pytest.raises(InputError, match="expected a unit that saturates on both sides, found"):
        interpolate(OR, unit)


def test_bent_units_compute_or_by_their_kink():
    """An ELU whose slope falls at threshold is not convex; layer upon layer, its kink becomes a saturation."""
    unit, narrow = ExponentialLinear(base=3.0, scale=1.0), 1e-3
    assert unit.excitatory_class == "monotone functions"
    values = np.array([-1.0, 0, 0, 1])  # one less than the number of active inputs
    for _ in range(5):
        values = (unit.activation(narrow * values) - unit.base) / (narrow * unit.base)
    assert values == pytest.approx([-1, 0, 0, 3.0**-5], abs=5e-3)


def test_the_same_in_simulation():
    data = monotone(5, 8, 2)
    circuit = interpolate(data, Logistic())
    response = simulate(circuit, data.points, duration=0.4, window=0.05, dt=1e-3, backend="numpy")
    assert response.readouts.ravel() == pytest.approx(to_dnn(circuit)(data.points).ravel(), abs=1e-3)


@pytest.mark.parametrize("d", [1, 2, 3, 4])
def test_truth_tables_need_one_unit_for_each_minimal_point(d):
    table = TruthTable("".join(str(int(k >= (d + 1) // 2)) for k in patterns(d).sum(axis=1)))
    circuit = interpolate(LabelledData(table.patterns, table.values))
    least = {p.name: p.size for p in synthesize(table, inhibitory=0).populations}
    sizes = {p.name: p.size for p in circuit.populations}
    assert sizes["coincidence"] == least["coincidence"] and sizes["or"] == least["readout"] == 1
    assert (to_dnn(circuit).decide(table.patterns).ravel() == table.values).all()


def test_points_that_say_nothing():
    constant = interpolate(LabelledData([[0, 1], [1, 1]], [5, 5]))
    assert to_dnn(constant)([[0, 0], [3, 3]]).ravel() == pytest.approx([5, 5])
    repeated = LabelledData([[1.0], [1.0], [2.0], [2.0]], [1, 1, 4, 4])
    circuit = interpolate(repeated)
    assert to_dnn(circuit)(repeated.points).ravel() == pytest.approx([1, 1, 4, 4])
    assert [p.size for p in circuit.populations] == [1, 1, 1, 1]


@pytest.mark.parametrize(
    ("data", "unit", "found"),
    [
        (TruthTable("0110"), None, "expected a LabelledData, found TruthTable"),
        (LabelledData([[0], [1]], [1, 0]), None, "do not fall from a point to one above, found Witness"),
        (LabelledData([[0], [0]], [1, 0]), None, "do not fall from a point to one above, found Witness"),
        (LabelledData([[0], [1]], [-1, 0]), None, "expected targets of 0 or more, which are rates, found -1"),
        (LabelledData(np.zeros((2001, 1)), np.zeros(2001)), None, "found 2,001 × 1"),
        (OR, Saturating(gain=0.0), "expected a unit that saturates"),
        (OR, "Step", "expected a RateUnit, found 'Step'"),
    ],
)
def test_what_cannot_be_interpolated(data, unit, found):
    with pytest.raises(InputError, match=found):
        interpolate(data, unit)
