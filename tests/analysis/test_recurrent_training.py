"""Training of recurrent networks: exact signs, reproducible, and good enough; and what is saved of one."""

import sys
from dataclasses import replace

import numpy as np
import pytest

from eisim import RECURRENT_TASKS, InputError, RecurrentNetwork, load, save, simulate, train_recurrent
from eisim.analysis.recurrent_network import ACTIVATIONS
from eisim.analysis.recurrent_tasks import perceptual_decision
from eisim.analysis.recurrent_training import RADIUS, SLOPES, _initial

SHORT = perceptual_decision([0.5], noise=0.0)


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch")


def network(**changes):
    rng = np.random.default_rng(0)
    arrays = {"W_in": rng.random((4, 2)), "W_rec": 0.2 * rng.normal(size=(4, 4))}
    return RecurrentNetwork(**arrays | {"b": np.zeros(4), "W_out": rng.random((1, 4))} | changes)


@pytest.mark.parametrize("method", ["projected", "exponentiated"])
@pytest.mark.parametrize("signs", ["dale", "excitatory"])
def test_signs_hold_exactly(torch, signs, method):
    found = train_recurrent(SHORT, 10, signs, method=method, iterations=12, share_inhibitory=0.3, seed=1)
    assert found.inhibitory == (3 if signs == "dale" else 0)
    assert (found.W_in >= 0).all() and (found.W_out >= 0).all() and not np.diag(found.W_rec).any()
    inhibitory = found.W_rec[:, 10 - found.inhibitory :]
    assert (found.W_rec[:, : 10 - found.inhibitory] >= 0).all() and (inhibitory <= 0).all()
    assert not found.W_out[:, 10 - found.inhibitory :].any()
    again = train_recurrent(SHORT, 10, signs, method=method, iterations=12, share_inhibitory=0.3, seed=1)
    for name in ("W_in", "W_rec", "b", "W_out", "history"):
        np.testing.assert_array_equal(getattr(found, name), getattr(again, name))


@pytest.mark.parametrize(("units", "share", "inhibitory"), [(2, 0.01, 1), (2, 0.99, 1), (5, 0.95, 4), (6, 0.5, 3)])
def test_dale_networks_have_units_of_both_signs(torch, units, share, inhibitory):
    found = train_recurrent(SHORT, units, "dale", share_inhibitory=share, iterations=1)
    assert found.inhibitory == inhibitory and found.units == units


def test_loss_is_that_of_the_network_and_falls(torch):
    found = train_recurrent(SHORT, 12, "free", iterations=100, seed=2)
    assert found.history[-1, 1] < found.history[0, 1] and found.history[:, 0].tolist() == [50, 100]
    assert found.score(SHORT) == found.history[:, 2].max() == 1
    assert (found.W_rec < 0).any() and (found.W_rec > 0).any() and found.task == "perceptual_decision"


@pytest.mark.slow
@pytest.mark.parametrize(("method", "iterations"), [("projected", 200), ("exponentiated", 400)])
def test_dale_network_learns_the_perceptual_decision(torch, method, iterations):
    found = train_recurrent("perceptual_decision", 64, "dale", method=method, iterations=iterations)
    assert found.score(RECURRENT_TASKS["perceptual_decision"]) >= 0.85


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(("signs", "inhibitory"), [("free", 0), ("dale", 12), ("excitatory", 0)])
def test_initial_spectra_do_not_explode(signs, inhibitory, activation):
    weights = _initial(np.random.default_rng(0), signs, activation, 60, inhibitory, 3, 1)["W_rec"]
    values = np.abs(np.linalg.eigvals(weights))
    assert values.max() * SLOPES[activation] == pytest.approx(RADIUS)
    if inhibitory:  # no eigenvalue of the mean stands out, and drive is balanced
        assert values.max() < 3 * np.median(values)
        np.testing.assert_allclose(weights.sum(axis=1), 0, atol=1e-12)


def test_rates_step_by_step():
    made, stimuli = network(b=np.array([0.1, -0.2, 0.0, 0.3])), np.random.default_rng(1).random((2, 3, 2))
    rate = np.zeros((2, 4))
    for k in range(3):
        rate = 0.8 * rate + 0.2 * np.maximum(stimuli[:, k] @ made.W_in.T + rate @ made.W_rec.T + made.b, 0)
        np.testing.assert_allclose(made.rates(stimuli)[:, k], rate, rtol=1e-14)
    np.testing.assert_allclose(made.outputs(stimuli), rate @ made.W_out.T, rtol=1e-14)


def test_the_circuit_has_its_rates():
    made, stimuli = network(activation="sigmoid"), np.random.default_rng(1).random((2, 3, 2))
    times = {"duration": 3 * made.dt, "window": made.dt, "dt": made.dt}
    response = simulate(made.rnn.circuit, made.rnn.stimuli(stimuli), **times, record=True, backend="numpy")
    np.testing.assert_allclose(made.rnn.cells(response.traces), made.rates(stimuli), rtol=1e-12)
    np.testing.assert_allclose(made.rnn.rates(stimuli), made.rates(stimuli), rtol=1e-12)


def test_saved_and_loaded(tmp_path):
    made = network(history=[[50, 0.3, 0.9]], task="delayed_match", seed=3, activation="sigmoid")
    save({"a": made}, tmp_path / "networks.eisim")
    found = load(tmp_path / "networks.eisim")["a"]
    for name in RecurrentNetwork.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(found, name), getattr(made, name))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"W_rec": np.zeros((4, 3))}, r"W_rec: expected shape 4 × 4, found \(4, 3\)"),
        ({"W_in": np.zeros((4, 0))}, "expected at least one of each, found 4 units, 0 inputs"),
        ({"b": [0, 0, 0, np.nan]}, "RecurrentNetwork.b: expected finite numbers"),
        ({"b": None}, "RecurrentNetwork.b: expected"),
        ({"signs": "dales"}, "signs: expected one of free, dale, excitatory, found 'dales'; did you mean 'dale'"),
        ({"signs": "excitatory"}, "W_rec: signs 'excitatory': expected the sign of the unit"),
        ({"signs": "dale", "inhibitory": 5}, "inhibitory: expected a whole number from 0 to 4, found 5"),
        ({"inhibitory": 1}, "inhibitory: expected 0 unless signs are 'dale'"),
        ({"activation": ["relu"]}, "activation: expected one of relu"),
        ({"dt": 0.2}, "dt: expected at most tau"),
        ({"seed": -1}, "seed: expected a whole number"),
        ({"task": 3}, "task: expected a name"),
        ({"history": [1.0, 2.0]}, "history: expected"),
        ({"history": [[1.0], [1.0, 2.0]]}, "history: expected a plain number"),
        ({"history": None}, "history: expected a plain number, found None"),
        ({"signs": np.array(["free", "free"])}, "signs: expected one of free, dale, excitatory, found array"),
    ],
)
def test_bad_networks(changes, message):
    with pytest.raises(InputError, match=message):
        network(**changes)


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (lambda made: made.rates(np.zeros((2, 3, 4))), "stimuli: expected trials × time × 2 inputs"),
        (lambda made: made.rates("x"), "stimuli: expected a plain number, found 'x'"),
        (lambda made: made.outputs([[[1, 1]], [[1], [2]]]), "stimuli: expected a plain number"),
        (lambda made: made.rates(np.full((1, 2, 2), np.nan)), "stimuli: expected finite numbers, found nan"),
        (
            lambda made: made.outputs(np.ones((1, 0, 2))),
            "window: expected a whole number of steps from 1 to 0, found 1",
        ),
        (lambda made: made.outputs(np.ones((1, 3, 2)), 4), "window: expected a whole number of steps from 1 to 3"),
        (lambda made: made.outputs(np.ones((1, 3, 2)), 1.5), "window: expected .*, found 1.5"),
        (lambda made: made.score("perceptual_decision"), "score: task: expected RecurrentTask, found 'perceptual_de"),
        (lambda made: made.score(SHORT, 3), "score: trials: expected Trials, found 3"),
        (lambda made: made.score(SHORT, threshold=np.nan), "score: threshold: expected finite numbers, found nan"),
        (lambda made: SHORT.marks("x", [[1]]), "perceptual_decision: marks: expected an array of numbers, found 'x'"),
        (lambda made: SHORT.marks([[1], [1]], [[1]]), r"marks: expected outputs of shape .*\(1, 1\), found \(2, 1\)"),
        (lambda made: SHORT.trials(10**13), "number: expected what fits into memory, found 10,000,000,000,000 trials"),
    ],
)
def test_bad_use(use, message):
    with pytest.raises(InputError, match=message):
        use(network())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"task": "delayed"}, "task: expected one of"),
        ({"task": 1}, "train_recurrent: task: expected a RecurrentTask"),
        ({"signs": "Dale"}, "signs: expected one of free, dale, excitatory, found 'Dale'; did you mean 'dale'"),
        ({"units": 0}, "units: expected a whole number of 1 or more"),
        ({"iterations": 1.5}, "iterations: expected a whole number"),
        ({"share_inhibitory": 2}, "share_inhibitory: expected a share"),
        ({"share_inhibitory": "a"}, "share_inhibitory: expected a plain number, found 'a'"),
        ({"share_inhibitory": 0, "signs": "dale"}, "share_inhibitory: expected units of both signs, a share above 0"),
        ({"share_inhibitory": 1, "signs": "dale"}, "share_inhibitory: expected units of both signs, a share above 0"),
        ({"units": 1, "signs": "dale"}, "units: expected 2 or more, one excitatory and one inhibitory, found 1"),
        ({"units": 10**9}, "units: expected what fits into memory, found 1,000,000,000"),
        ({"signs": np.array(["dale"])}, "signs: expected one of free, dale, excitatory, found array"),
        ({"method": "exponentiated"}, "method: expected 'projected' with free signs"),
        ({"activation": "tanh"}, "activation: expected one of relu, softplus, sigmoid"),
    ],
)
def test_bad_arguments(changes, message):
    with pytest.raises(InputError, match=message):
        train_recurrent(**{"task": SHORT, "units": 4} | changes)


def test_without_torch_one_line_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(InputError, match=r"train_recurrent: expected the package torch.*pip install 'eisim\[torch\]'"):
        train_recurrent(SHORT, 4)


def test_weights_cannot_be_changed():
    made = network()
    with pytest.raises(ValueError, match="read-only"):
        made.W_rec[0, 0] = 1
    assert replace(made, task="mine").task == "mine" and "4 relu units" in repr(made)
