import numpy as np
import pytest
from scipy.integrate import solve_ivp

from eisim import InputError, ablate, simulate, to_dnn
from eisim.analysis.task import Obstruction
from eisim.models._two_populations import steady_states, velocity
from eisim.simulation import Response, Spikes
from models import wilson_cowan
from models.wilson_cowan import REGIMES, TAU
from tests.support.scores import scaled


def published_velocity(regime, p, q, e, i):
    """The equations as they stand in the paper."""
    (c1, c2, c3, c4), (a_e, a_i), (theta_e, theta_i) = REGIMES[regime]

    def s(x, a, theta):
        return 1 / (1 + np.exp(-a * (x - theta))) - 1 / (1 + np.exp(a * theta))

    k_e, k_i = s(1e3, a_e, theta_e), s(1e3, a_i, theta_i)
    return (
        (-e + (k_e - e) * s(c1 * e - c2 * i + p, a_e, theta_e)) / TAU,
        (-i + (k_i - i) * s(c3 * e - c4 * i + q, a_i, theta_i)) / TAU,
    )


@pytest.mark.parametrize("regime", REGIMES)
def test_the_units_are_the_published_equations(regime):
    rates = np.random.default_rng(0).uniform(-0.02, 0.5, (2, 50))
    ours = velocity(wilson_cowan.circuit("rate", regime=regime), (1.1, 0.4))(100 * rates) / 100
    np.testing.assert_allclose(ours, published_velocity(regime, 1.1, 0.4, *rates), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("regime", "stimulus", "stable"),
    [
        ("hysteresis", (0, 0), [True, False, True]),
        ("multiple hysteresis", (0, 0), [True, False, True, False, True]),
        ("limit cycle", (1.25, 0), [False]),
        ("limit cycle", (5, 4), [True, False, True]),
    ],
)
def test_steady_states_are_those_of_the_paper(regime, stimulus, stable):
    rates, growth = steady_states(wilson_cowan.circuit("rate", regime=regime), stimulus, 60.0)
    assert list(growth < 0) == stable
    assert (np.diff(rates[:, 0]) > 0).all()


def test_the_limit_cycle_is_that_of_an_independent_solver():
    """Euler steps of 0.02 ms make the weakly unstable state a few per cent more unstable."""
    inputs = [1.25, 1.6]
    times = {"duration": 0.3, "window": 0.1, "dt": 0.02e-3}
    dnn = to_dnn(wilson_cowan.circuit("rate"), unrolled=True, **times)
    ours = np.array([layer[:, 0] for layer in dnn.layers(np.stack([inputs, [0, 0]], axis=1))]).T / 100
    grid = times["dt"] * (1 + np.arange(ours.shape[1]))
    periods = []
    for p, mine in zip(inputs, ours, strict=True):
        theirs = solve_ivp(
            lambda t, x, p=p: published_velocity("limit cycle", p, 0, *x), (0, 0.301), (0, 0), rtol=1e-8, t_eval=grid
        ).y[0]
        late = slice(len(grid) // 2, None)
        period = [
            np.diff(np.flatnonzero(np.diff(np.sign(x[late] - x[late].mean())) > 0)).mean() for x in (mine, theirs)
        ]
        assert period[0] == pytest.approx(period[1], rel=0.02)
        assert np.ptp(mine[late]) == pytest.approx(np.ptp(theirs[late]), rel=0.05)
        assert np.ptp(theirs[late]) > 0.05
        periods.append(period[0])
    assert periods[0] > periods[1], "the frequency rises with P"


def test_frequencies_are_read_off_rates_and_spikes():
    circuit, dt = wilson_cowan.circuit("rate"), 1e-3
    t = np.arange(600) * dt
    waves = np.stack([20 + 5 * np.sin(2 * np.pi * f * t) for f in (11.3, 27.0)] + [np.full(600, 20.0)])
    rates = {"E": waves[:, None, -1]}
    of_rates = wilson_cowan.frequencies(Response(circuit, rates, 0.6, 0.5, dt, traces={"E": waves[:, None]}))
    np.testing.assert_allclose(of_rates, [11.3, 27.0, np.nan], rtol=0.02)
    trial, step = np.nonzero(np.random.default_rng(0).random((3, 600)) < 0.5 * (waves > 22))
    spikes = Spikes(trial, np.zeros_like(trial), step)
    of_spikes = wilson_cowan.frequencies(Response(circuit, rates, 0.6, 0.5, dt, spikes={"E": spikes}))
    assert of_spikes[:2] == pytest.approx([11.3, 27.0], rel=0.1)


def respond(task, *circuits):
    return simulate(list(circuits), task.stimuli, seed=0, record=task.record, backend="numpy", **task.times)


@pytest.mark.parametrize("kind", ["rate", "spiking"])
def test_the_working_points_are_kept_by_inhibition_or_by_cells_without_recurrent_synapses(kind):
    task = wilson_cowan.task(kind)
    assert task.obstruction is Obstruction.STABILITY
    circuit, alone = task.circuit(0), task.excitatory_only(0)
    assert alone.is_excitatory_only
    without = [ablate(circuit), scaled(circuit, "E", 0.0), scaled(circuit, "all", 0.0)]
    intact, attained, ablated, feedforward, silent = (task.score(r) for r in respond(task, circuit, alone, *without))
    assert intact == attained == 1
    assert feedforward <= intact
    assert ablated == silent == 0


def test_a_constant_rate_keeps_a_third_of_the_working_points_at_most():
    task = wilson_cowan.task("rate")
    points = np.repeat(wilson_cowan.SET_POINTS, 2)

    def score(rates):
        rates = np.broadcast_to(np.asarray(rates, dtype=float), 6)
        return task.score(Response(task.circuit(0), {"E": rates[:, None]}, **task.times))

    assert max(map(score, np.geomspace(0.1, 100, 200))) == pytest.approx(task.constant)
    assert score(points) == 1
    assert score(points / 2.1) == score(points * 2.1) == 0, "two-sided"


@pytest.mark.parametrize("kind", ["rate", "spiking"])
def test_the_rhythm_needs_inhibition_and_excitation(kind):
    assert list(wilson_cowan.TASKS) == ["rhythm"]
    task = wilson_cowan.TASKS["rhythm"](kind, quick=True)
    assert task.obstruction is Obstruction.RHYTHM and task.constant == 0
    circuit = task.circuit(0)
    without = [ablate(circuit), scaled(circuit, "E", 0.0), scaled(circuit, "all", 0.0)]
    intact, ablated, feedforward, silent = (task.score(r) for r in respond(task, circuit, *without))
    assert intact > 1.5 * task.criterion
    assert ablated == silent == 0
    assert feedforward < task.criterion
    if kind == "rate":
        assert feedforward == task.bound == 0
    else:
        alone = task.excitatory_only(0)
        assert alone.is_excitatory_only
        assert task.score(respond(task, alone)[0]) == 1, "cells that are oscillators, and alike"


def test_the_depth_is_that_of_a_modulated_rate_and_a_rise_has_none():
    circuit, dt = wilson_cowan.circuit("rate"), 1e-3
    t = np.arange(500) * dt
    traces = np.stack(
        [20 * (1 + 0.3 * np.sin(2 * np.pi * 30 * t)), np.full(500, 20.0), 20 + 10 * (t > 0.45), 60 + 0 * t, 0 * t]
    )
    traces[3] += 20 * np.sin(2 * np.pi * 30 * t)
    for trace, expected in zip(traces, [0.3, 0, 0, 0, 0], strict=True):
        rates = {"E": trace.mean()[None, None]}
        response = Response(circuit, rates, 0.5, 0.5, dt, traces={"E": trace[None, None]})
        assert wilson_cowan.depth(response) == pytest.approx(expected, abs=0.01)


def test_unknown_regimes_are_named():
    with pytest.raises(InputError, match="regime: expected one of hysteresis, multiple hysteresis, limit cycle, found"):
        wilson_cowan.circuit("rate", regime="chaos")
    with pytest.raises(InputError, match="kind: expected 'rate' or 'spiking', found 'fast'"):
        wilson_cowan.circuit("fast")
