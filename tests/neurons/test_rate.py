"""Rate units with refractoriness and noise, and those of published models."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from eisim import (
    AbbottChance,
    Circuit,
    ExponentialLinear,
    Input,
    InputError,
    Logistic,
    Population,
    PowerLaw,
    Projection,
    Readout,
    RectifiedTanh,
    Saturating,
    Softplus,
    ThresholdLinear,
    WilsonCowan,
    ablate,
    simulate,
    to_dnn,
)
from eisim.adapter.onnx_writer import write_onnx
from eisim.adapter.spiking import parts_of
from eisim.neurons import RateUnit

UNITS = (
    PowerLaw(scale=25.0, threshold=3.0),
    PowerLaw(tau=20e-3, exponent=1.3, maximum=80.0, refractory=3e-3),
    WilsonCowan(slope=8.0, threshold=30.0, refractory=10e-3),
    WilsonCowan(tau=5e-3, threshold=20.0),
    RectifiedTanh(threshold=20.0, slope=40.0, refractory=2e-3),
    AbbottChance(threshold=20.0, noise_time=0.1),
    AbbottChance(tau=50e-3, threshold=10.0, refractory=8e-3),
    Logistic(threshold=40.0, refractory=5e-3),
    ThresholdLinear(gain=0.8, refractory=5e-3),
    Softplus(threshold=20.0, scale=5.0),
    ExponentialLinear(threshold=10.0, base=8.0, scale=12.0, gain=0.7, refractory=5e-3),
)
#: Small enough for the drives that occur here: ThresholdLinear and AbbottChance have no bound of their own.
DT = 0.5e-3
TIMES = {"duration": 100e-3, "window": 50e-3, "dt": DT}
drives = st.lists(st.floats(-200, 400), min_size=2, max_size=2)


def network(seed, units=UNITS, **kind):
    """Each unit in a population of two, all connected at random, half of them inhibitory."""
    rng = np.random.default_rng(seed)
    populations = [
        Population(f"p{k}", "EI"[k % 2], unit, 2, 30 * rng.random(2) - 10, 20 * rng.random(2))
        for k, unit in enumerate(units)
    ]
    projections = [
        Projection(source.name, target.name, 0.3 * rng.random((source.size, target.size)), DT * (rng.random() < 0.3))
        for source in [Input("x", 2), *populations]
        for target in populations
    ]
    return Circuit("units", [Input("x", 2)], populations, projections, [Readout(p.name) for p in populations])


@pytest.mark.parametrize("unit", UNITS, ids=repr)
@given(drives=drives)
def test_transfer_and_activation_do_not_decrease(unit, drives):
    drives = np.sort(drives)
    for curve in (unit.transfer(drives), unit.activation(drives)):
        assert curve[0] <= curve[1] + 1e-12
    assert unit.activation(drives)[1] <= (1 / unit.refractory if unit.refractory else np.inf)


def test_a_unit_without_its_transfer_function_is_refused():
    @dataclass(frozen=True)
    class Mine(RateUnit):
        transfer_text = "drive"

    with pytest.raises(InputError, match="Mine: expected that the class defines transfer, found none"):
        Mine()
    with pytest.raises(InputError, match=r"RateUnit: .* transfer"):
        RateUnit(tau=20e-3)


def test_units_are_those_of_the_papers():
    x = np.array([0.0, 1.0, 10.0, 40.0])
    np.testing.assert_allclose(PowerLaw().transfer(x), 0.04 * x**2)
    sigmoid = 1 / (1 + np.exp(-1.3 * (x - 4))) - 1 / (1 + np.exp(1.3 * 4))
    np.testing.assert_allclose(WilsonCowan(threshold=4, slope=1 / 1.3, maximum=1).transfer(x), sigmoid)
    assert WilsonCowan(threshold=4, slope=1, maximum=1).transfer(0) == 0
    np.testing.assert_allclose(
        RectifiedTanh(threshold=4, slope=5, maximum=2).transfer(x), 2 * np.tanh([0, 0, 1.2, 7.2])
    )
    current = np.array([0.3, 0.35, 0.4, 0.5])  # nA; Wong & Wang 2006: a = 270 Hz/nA, b = 108 Hz, d = 0.154 s
    y = 270 * current - 108
    with np.errstate(invalid="ignore"):
        published = np.where(y == 0, 1 / 0.154, y / (1 - np.exp(-0.154 * y)))
    np.testing.assert_allclose(AbbottChance(threshold=108.0).transfer(270 * current), published)


@pytest.mark.slow
def test_unrolled_dnn_equals_brian2():
    rng = np.random.default_rng(0)
    circuits = [network(seed) for seed in range(3)]
    stimuli = rng.random((3, 2))
    for circuit, response in zip(circuits, simulate(circuits, stimuli, backend="numpy", **TIMES), strict=True):
        ours = to_dnn(circuit, unrolled=True, **TIMES)(stimuli)
        np.testing.assert_allclose(ours, response.readouts, rtol=0, atol=1e-9)


def test_equations_are_those_that_the_step_solves():
    """Small steps against SciPy's solution of the equations, written here again, and the steady rate."""
    for unit in UNITS:
        circuit = Circuit("one", [Input("x")], [Population("e", "E", unit, 1, 45.0)], (), [Readout("e")])
        late = unit.activation(45.0)
        short = to_dnn(circuit, unrolled=True, duration=10e-3, window=1e-5, dt=1e-5)([[0]]).item()
        phi = float(unit.transfer(45.0))
        path = solve_ivp(
            lambda t, r, u=unit, phi=phi: (-r + (1 - u.refractory * r) * phi) / u.tau, (0, 10e-3), [0.0], rtol=1e-8
        )
        assert short == pytest.approx(path.y[0, -1], rel=2e-3)
        steady = to_dnn(circuit, unrolled=True, duration=1.0, window=DT, dt=DT)([[0]]).item()
        assert steady == pytest.approx(late, rel=1e-6)


@given(seed=st.integers(0, 10**6))
@settings(max_examples=8)
def test_excitatory_only_circuits_keep_order_at_every_step(seed):
    circuit = ablate(network(seed))
    rng = np.random.default_rng(seed)
    lower = rng.random((4, 2))
    upper = lower + rng.random((4, 2)) * (rng.random((4, 2)) < 0.5)
    dnn = to_dnn(circuit, unrolled=True, duration=20e-3, window=DT, dt=0.1e-3)
    for below, above in zip(dnn.layers(lower), dnn.layers(upper), strict=True):
        assert (below <= above + 1e-9).all()


def test_noise_is_an_ornstein_uhlenbeck_process():
    """Of a linear unit the mean, the variance (Gardiner, coloured noise through a leak) and the correlation in time."""
    tau, sigma, correlation, dt = 10e-3, 3.0, 5e-3, 1e-3
    noisy = ThresholdLinear(tau=tau, threshold=-1000.0, noise=sigma, noise_tau=correlation)
    quiet = ThresholdLinear(tau=tau, threshold=-1000.0)
    populations = [Population("noisy", "E", noisy, 100), Population("quiet", "E", quiet, 3)]
    circuit = Circuit("noise", [Input("x")], populations, (), [Readout("noisy")])
    times = {"duration": 1.0, "window": 0.5, "dt": dt, "record": True, "backend": "numpy"}
    response = simulate(circuit, [[0], [0]], seed=[1, 2], **times)
    rates = response.traces["noisy"][..., 200:] - 1000.0
    np.testing.assert_allclose(response.traces["quiet"][..., -1], 1000.0)
    # The Euler leak of the unit acts on the noise: r' = (1 - a) r + a eta, eta' = b eta + ...
    a, b = dt / tau, np.exp(-dt / correlation)
    variance = sigma**2 * a * (1 + (1 - a) * b) / ((2 - a) * (1 - (1 - a) * b))
    assert rates.mean() == pytest.approx(0, abs=0.1)
    assert rates.var() == pytest.approx(variance, rel=0.03)
    assert variance == pytest.approx(sigma**2 * correlation / (correlation + tau), rel=0.1)
    copies = rates.reshape(4, -1)
    assert np.abs(np.corrcoef(copies) - np.eye(4)).max() < 0.05, "seeds and trials have noise of their own"
    alone = simulate(circuit, [[0]], seed=2, **times)
    np.testing.assert_array_equal(alone.traces["noisy"][0], response.traces["noisy"][1, 0])


def test_noise_is_the_same_in_cpp():
    """In one group, as one compiled program: a unit with noise and refractoriness, and one without either."""
    circuit = network(0, (AbbottChance(threshold=10.0, refractory=3e-3, noise=5.0), AbbottChance()))
    times = {"duration": 20e-3, "window": 10e-3, "dt": DT, "seed": [3, 4]}
    one, other = (simulate(circuit, [[0.2, 0.5]], backend=b, **times).readouts for b in ("cpp", "numpy"))
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-9)
    assert (np.ptp(one, axis=0) > 0).any(), "seeds differ"


def test_noise_and_refractoriness_are_refused_where_they_would_be_lost():
    circuit = network(0, (ThresholdLinear(noise=1.0),))
    with pytest.raises(InputError, match="expected a circuit without noise"):
        to_dnn(circuit, unrolled=True)
    quiet = to_dnn(circuit.without_noise(), unrolled=True, **TIMES)([[0.5, 0.5]])
    assert np.isfinite(quiet).all()
    chain = Circuit(
        "chain",
        [Input("x")],
        [Population("e", "E", Saturating(refractory=1e-3))],
        [Projection("x", "e", 1.0)],
        [Readout("e")],
    )
    assert to_dnn(chain)([[0.5]]).item() == pytest.approx(50 / 1.05)
    with pytest.raises(InputError, match="without a refractory period"):
        write_onnx(to_dnn(chain))
    with pytest.raises(InputError, match="without a refractory period"):
        parts_of(Saturating(refractory=1e-3), 1.0, 1.0)
    with pytest.raises(InputError, match=r"time constant / \(1 \+ refractory\*maximum\) of Logistic, 5 ms, found 6 ms"):
        Logistic(refractory=10e-3).step_parameters(6e-3)
