"""Training under sign constraints: gradients, exact constraints, and what excitation alone cannot learn."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.optimize import check_grad

from eisim import TRUTH_TABLES, InputError, Logistic, Region, Saturating, ThresholdLinear, certify, train
from eisim.adapter.activations import Identity
from eisim.analysis.training import SIGNS, Objective, train_all

UNITS = (
    ThresholdLinear(gain=0.7, threshold=0.2),
    Logistic(slope=0.5, maximum=2.0, threshold=0.3),
    Saturating(gain=1.5, maximum=0.8, threshold=-0.1),
)
GRID = (np.stack(np.meshgrid(*[np.arange(20)] * 2), -1).reshape(-1, 2) + 0.5) / 20


def weights_of(dnn):
    return [layer.incoming[0][1].toarray() for layer in dnn.layers]


@pytest.mark.parametrize("activation", UNITS, ids=lambda unit: type(unit).__name__)
@pytest.mark.parametrize(("outputs", "competing"), [(1, False), (3, False), (3, True)])
def test_gradient_against_finite_differences(activation, outputs, competing):
    rng = np.random.default_rng(0)
    sizes = (3, 5, 4, outputs)
    wanted = np.eye(3)[rng.integers(3, size=20)][:, :outputs]
    centres = tuple(rng.normal(size=n) for n in sizes[:-1])
    objective = Objective(rng.random((20, 3)), wanted, sizes, centres, activation, competing, 0.1)
    at = rng.normal(size=sum(n * m + m for n, m in pairwise(sizes)))
    gradient = objective(at)[1]
    error = check_grad(lambda p: objective(p)[0], lambda p: objective(p)[1], at, epsilon=1e-7)
    assert error < 1e-5 * np.linalg.norm(gradient) and np.linalg.norm(gradient[: 3 * 5]) > 0.1


@pytest.mark.parametrize("activation", UNITS, ids=lambda unit: type(unit).__name__)
@pytest.mark.parametrize("signs", SIGNS)
def test_constraints_hold_exactly(activation, signs):
    rng = np.random.default_rng(1)
    points = rng.random((60, 4))
    dnn = train(points, rng.integers(3, size=60), (10, 5), signs, activation, inhibitory=0.3, iterations=30)
    assert [layer.size for layer in dnn.layers] == [10, 5, 3] and isinstance(dnn.layers[-1].neuron, Identity)
    first, *later = weights_of(dnn)
    if signs == "free":
        assert all((w > 0).any() and (w < 0).any() for w in (first, *later))
        return
    assert (first >= 0).all() and (first > 0).any()
    for w in later:
        inhibitory = round(0.3 * len(w)) if signs == "dale" else 0
        excitatory = len(w) - inhibitory
        assert (w[:excitatory] >= 0).all() and (w[excitatory:] <= 0).all()
        assert (w[excitatory:] < 0).any() == (signs == "dale")
    assert dnn.is_nonnegative == (signs == "excitatory")


@pytest.mark.parametrize("activation", [ThresholdLinear(), Logistic(slope=1, maximum=1), Saturating(maximum=1)])
def test_xor_needs_inhibition(activation):
    xor, best = TRUTH_TABLES["xor"], dict.fromkeys(SIGNS, 0.0)
    for signs in SIGNS:
        for seed in range(4):
            dnn = train(xor.patterns, xor.values, (8,), signs, activation, seed=seed)
            best[signs] = max(best[signs], np.mean(dnn.decide(xor.patterns)[:, 0] == xor.values))
    assert best["free"] == best["dale"] == 1
    assert best["excitatory"] <= 1 - certify(xor).floor["zero_one"]


def test_a_closed_region_and_the_floor():
    disc = Region("disc", lambda x, y: np.hypot(x - 0.5, y - 0.5) < 0.3, resolution=20)
    data = disc.labelled()
    error = {}
    for signs in SIGNS:
        decided = train(data.points, data.targets, (16, 16), signs).decide(data.points)[:, 0]
        error[signs] = np.mean(decided != data.targets)
    assert error["free"] < 0.02 and error["dale"] < 0.02
    assert error["excitatory"] >= certify(disc).floor["zero_one"] > 0.1


def test_excitation_alone_learns_what_is_monotone():
    rises = GRID.sum(axis=1) > 0.9
    dnn = train(GRID, rises, (8,), "excitatory")
    assert np.mean(dnn.decide(GRID)[:, 0] == rises) > 0.99


def test_classes_that_each_exceed_a_threshold():
    third = (3 * GRID[:, 0]).astype(int)
    dnn = train(GRID, third + 5, (16,), loss="one-vs-rest")
    assert np.mean((dnn(GRID) > 0) == np.eye(3)[third]) > 0.98
    assert np.mean(train(GRID, third, (16,))(GRID).argmax(axis=1) == third) > 0.98


def test_the_seed_decides():
    said = []
    xor = TRUTH_TABLES["xor"]
    first, again, other = (
        train(xor.patterns, xor.values, (4,), iterations=20, seed=seed, report=lambda *stage: said.append(stage))
        for seed in (1, 1, 2)
    )
    assert all(np.array_equal(a, b) for a, b in zip(weights_of(first), weights_of(again), strict=True))
    assert not np.array_equal(weights_of(first)[0], weights_of(other)[0])
    assert said[0] == ("training trained", 0.0) and 0 < said[-1][1] <= 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"points": [[0.0, np.nan], [1, 1]]}, "points: expected finite numbers of shape"),
        ({"targets": [0, 1, 1]}, "targets: expected shape (2,), one for each point, found (3,)"),
        ({"targets": [1, 1]}, "targets: expected at least 2 classes, found 1"),
        ({"hidden": (0,)}, "hidden: expected whole numbers of 1 or more, found (0,)"),
        ({"signs": "mixed"}, "signs: expected one of free, dale, excitatory, found 'mixed'"),
        ({"loss": "hinge"}, "loss: expected one of softmax, one-vs-rest, found 'hinge'"),
        ({"activation": Identity()}, "activation: expected one of ThresholdLinear, Logistic, Saturating, found"),
        ({"activation": ThresholdLinear(gain=0)}, "activation: expected a gain of more than 0"),
        ({"inhibitory": 2}, "inhibitory: expected a share from 0 to 1, found 2"),
        ({"penalty": -1}, "penalty: expected 0 or more, found -1"),
        ({"iterations": 0}, "iterations: expected at least 1, found 0"),
    ],
)
def test_bad_arguments_are_one_clear_line(change, message):
    with pytest.raises(InputError) as error:
        train(**{"points": [[0.0, 0], [1, 1]], "targets": [0, 1]} | change)
    assert str(error.value).startswith("train: " + message) and "\n" not in str(error.value)


def test_networks_trained_together_are_those_trained_alone():
    targets = np.hypot(*(GRID - 0.5).T) < 0.4
    job = {"points": GRID, "targets": targets, "hidden": (5,), "iterations": 20}
    for seed, dnn in enumerate(train_all([job | {"seed": seed} for seed in range(3)])):
        assert np.array_equal(train(**job, seed=seed)(GRID), dnn(GRID))
