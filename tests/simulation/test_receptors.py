"""Receptors, plasticity, Poisson drives and pools against closed forms and against other integrations."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from eisim import (
    LIF,
    NMDA,
    AllToAll,
    Alpha,
    Circuit,
    Conductance,
    ConductanceLIF,
    Delta,
    Exponential,
    Independent,
    Input,
    InputError,
    Population,
    Projection,
    Readout,
    ShortTerm,
    simulate,
)
from eisim.base.timing import Timing
from eisim.simulation import noise
from eisim.simulation.layout import Trials, lay_out
from eisim.simulation.model import models

DT = 0.1e-3


def potential_after_spikes(neuron, weight, spikes, steps, receptor="", plasticity=None):
    """Membrane potential of a neuron at each step, from the step's own code, after presynaptic spikes at `spikes`."""
    circuit = Circuit(
        "c",
        [Input("x", 1, 1.0)],
        [Population("e", "E", neuron)],
        [Projection("x", "e", [[weight]], receptor=receptor, plasticity=plasticity)],
    )
    layout = lay_out([Trials(circuit, np.ones((1, 1)), np.arange(1), np.arange(1), False)], DT)
    timing = Timing(steps * DT, DT, DT)
    (model,) = (m for name, m in models(layout, "spiking", timing).items() if name != "input")
    (letter,) = {b.receptor for b in layout.synapses}
    state = {"exp": np.exp, "t_in_timesteps": 0} | {v: 0.0 for v in ("I_e", "I_i", "x_e", "g_e", "g_i", "g_n", "x_n")}
    state |= model.values
    trace, gating = [], 1.0
    for k in range(steps):
        for line in model.step.strip().splitlines():
            exec(line.strip(), state)
        trace.append(state["v"])
        if k in spikes:
            given = weight
            if receptor == "nmda":
                release = neuron.nmda.release
                since = (k - max([s for s in spikes if s < k], default=-(10**9))) * DT
                gating = 1 - (1 - gating) * np.exp(-since / release.depression)
                given, gating = weight * release.release * gating, gating * (1 - release.release)
            exec(neuron.spike_adds(letter).replace("_post", "").format(float(given)), state)
    return np.array(trace)


def test_alpha_synapse_has_the_closed_form():
    neuron = LIF(tau=10e-3, rest=0, reset=-0.01, threshold=1, excitation=Alpha(3e-3))
    found = potential_after_spikes(neuron, 2e-3, {0}, 400)
    t = np.arange(400) * DT
    exact = solve_ivp(
        lambda t, v: (-v + 2e-3 * t / 3e-3 * np.exp(1 - t / 3e-3)) / 10e-3,
        (0, t[-1]),
        [0],
        t_eval=t,
        rtol=1e-10,
        atol=1e-14,
    )
    np.testing.assert_allclose(found, exact.y[0], atol=1e-9)


@pytest.mark.parametrize("rise", [0.0, 1e-3])
def test_conductance_is_integrated_to_second_order(rise):
    neuron = ConductanceLIF(threshold=1, excitation=Conductance(0.0, 4e-3, rise))
    found = potential_after_spikes(neuron, 8e-9, {0}, 300)
    t = np.arange(300) * DT
    shape = np.exp(-t / 4e-3) - (np.exp(-t / rise) if rise else 0)
    peak = 1.0 if not rise else max(np.exp(-s / 4e-3) - np.exp(-s / rise) for s in np.linspace(0, 6e-3, 60001))

    def slope(t, v):
        g = 8e-9 * (np.exp(-t / 4e-3) - (np.exp(-t / rise) if rise else 0)) / peak
        return (10e-9 * (-60e-3 - v) - g * v) / 200e-12

    exact = solve_ivp(slope, (0, t[-1]), [-60e-3], t_eval=t, rtol=1e-10, atol=1e-12).y[0]
    assert shape.max() <= 1 and exact.max() > -58e-3
    np.testing.assert_allclose(found, exact, atol=2e-6)  # of about 5 mV


def test_nmda_is_close_to_its_equations():
    """What is left out, the rise during a spike's own opening, matters for a few ms and little."""
    receptor, rate = NMDA(), 40.0
    neuron = ConductanceLIF(capacitance=500e-12, leak=25e-9, rest=-70e-3, threshold=1, nmda=receptor)
    spikes = [round(k / rate / DT) for k in range(20)]
    found = potential_after_spikes(neuron, 60e-9, set(spikes), 6000, receptor="nmda")

    def slope(t, y):
        v, s, x = y
        g = 60e-9 * s * receptor.open_share(v)
        return [(25e-9 * (-70e-3 - v) - g * v) / 500e-12, -s / 0.1 + 500 * x * (1 - s), -x / 2e-3]

    state, exact, edges = [-70e-3, 0, 0], [], [*spikes, 5999]
    for first, last in pairwise(edges):
        state[2] += 1
        t = np.arange(first, last + 1) * DT
        solution = solve_ivp(slope, (t[0], t[-1]), state, t_eval=t, rtol=1e-8, atol=1e-12)
        exact.append(solution.y[0][:-1])
        state = list(solution.y[:, -1])
    exact = np.concatenate(exact)
    depolarised = exact.max() - exact[0]
    assert depolarised > 3e-3
    assert np.abs(found[: len(exact)] - exact).max() < 0.03 * depolarised


@pytest.mark.parametrize("rate", [5.0, 40.0])
def test_nmda_gating_has_the_mean_of_its_equations(rate):
    receptor, state = NMDA(), [0.0, 0.0]
    for _ in range(20):
        state[1] += 1
        equations = lambda t, y: [-y[0] / receptor.tau + receptor.alpha * y[1] * (1 - y[0]), -y[1] / receptor.rise]  # noqa: E731
        solution = solve_ivp(equations, (0, 1 / rate), state, rtol=1e-8, dense_output=True, max_step=1e-3)
        state = list(solution.y[:, -1])
    exact = solution.sol(np.linspace(0, 1 / rate, 2000))[0].mean()
    assert receptor.release.steady(rate) * rate * receptor.area == pytest.approx(exact, rel=0.01)


def networks(neuron, weight, rule, **more):
    """An E-I network, all to all, whose projections are rules or the same as matrices; and a shuffled one."""
    sizes = {"E": 12, "I": 4}

    def of(total, source, target):
        one = total / sizes[source]
        return AllToAll(one) if rule else np.full((sizes[source], sizes[target]), one)

    projections = [Projection("x", p, Independent(weight)) for p in "EI"]
    projections += [Projection("E", p, of(2 * weight, "E", p), delay=1e-3, **more) for p in "EI"]
    projections += [Projection("I", p, of(4 * weight, "I", p), delay=0.5e-3) for p in "EI"]
    if neuron.receptors.get("n"):
        projections += [Projection("E", p, of(weight, "E", p), 1e-3, f"slow to {p}", "nmda") for p in "EI"]
    start = neuron.rest + (neuron.threshold - neuron.rest) * np.linspace(0, 0.9, 12)
    populations = [Population("E", "E", neuron, 12, initial=start), Population("I", "I", neuron, 4)]
    return Circuit("c", [Input("x", 1, 900, "poisson")], populations, projections, [Readout("E")])


CONDUCTANCES = ConductanceLIF(nmda=NMDA(), inhibition=Conductance(-70e-3, 10e-3, 1e-3))
CURRENTS = LIF(excitation=Alpha(2e-3), inhibition=Exponential(8e-3))


@pytest.mark.parametrize(
    "neuron, weight, more, backend",
    [
        (CONDUCTANCES, 1.2e-9, {}, "cpp"),
        (CURRENTS, 2.5e-3, {"plasticity": ShortTerm(0.4, 0.2, 0.3)}, "numpy"),
    ],
)
def test_a_pool_gives_the_spikes_of_the_synapses_that_it_stands_for(neuron, weight, more, backend):
    circuits = [networks(neuron, weight, rule, **more) for rule in (True, False)]
    stimuli = np.array([[1.0], [1.5]])
    pooled, explicit = simulate(circuits, stimuli, duration=0.15, window=0.1, record=True, backend=backend)
    for name in "EI":
        np.testing.assert_array_equal(pooled.spikes[name].step, explicit.spikes[name].step)
        np.testing.assert_array_equal(pooled.spikes[name].neuron, explicit.spikes[name].neuron)
    assert len(pooled.spikes["E"].step) > 20
    if backend == "cpp":  # the same in NumPy
        same = simulate(circuits[0], stimuli, duration=0.15, window=0.1, record=True, backend="numpy")
        np.testing.assert_array_equal(pooled.spikes["E"].step, same.spikes["E"].step)


@pytest.mark.parametrize("moving", [False, True])
def test_poisson_drive_moves_a_membrane_as_shot_noise_does(moving):
    """Campbell's theorem: mean w·rate·tau and variance w²·rate·tau/2 of a membrane that never spikes."""
    neuron = LIF(tau=10e-3, rest=0, reset=-1, threshold=10e-3, refractory=0, excitation=Delta())
    circuit = Circuit(
        "c",
        [Input("x", 1, 2000, "poisson")],
        [Population("e", "E", neuron, 400)],
        [Projection("x", "e", Independent(0.2e-3))],
        [Readout("e")],
    )
    # The threshold at one standard deviation above the mean is crossed at the rate that theory gives.
    mean, sd = 0.2e-3 * 2000 * 10e-3, 0.2e-3 * np.sqrt(2000 * 10e-3 / 2)
    neuron = replace(neuron, threshold=mean + sd, reset=mean - sd)
    circuit = replace(circuit, populations=[replace(circuit.populations[0], neuron=neuron)])
    stimuli = np.ones((1, 4, 1)) if moving else np.ones((1, 1))
    found = simulate(circuit, stimuli, duration=0.4, window=0.35, backend="numpy", seed=1).rates["e"].mean()
    theory = replace(neuron, noise=sd).activation(mean)
    assert found == pytest.approx(theory, rel=0.08)  # shot noise in steps against white noise


def test_poisson_numbers_have_the_moments_of_the_distribution():
    key = noise.keys(1, 2, np.arange(200_000))
    for mean in (0.05, 1.0, 12.0, 40.0):
        numbers = noise.poisson_number(key, 7, mean)
        assert numbers.mean() == pytest.approx(mean, abs=4 * np.sqrt(mean / len(key)))
        assert numbers.var() == pytest.approx(mean, rel=0.02 + 4 * np.sqrt(1 / (mean * len(key))))
    assert not noise.poisson_number(key, 7, 0.0).any()


def test_poisson_afferents_fire_irregularly_at_their_rate():
    circuit = Circuit(
        "c",
        [Input("x", 50, 100, "poisson"), Input("y", 1, 100)],
        [Population("e", "E", LIF())],
        [Projection("x", "e", np.full((50, 1), 1e-6)), Projection("y", "e", [[1e-6]])],
    )
    sent = simulate(circuit, np.ones((1, 51)), duration=1.0, window=0.5, record=True, backend="numpy").spikes
    counts = np.bincount(sent["x"].neuron, minlength=50)
    assert counts.mean() == pytest.approx(100, abs=4 * np.sqrt(100 / 50))
    assert 0.5 < counts.var() / counts.mean() < 1.8
    assert np.ptp(np.diff(sent["y"].step)) <= 1


def test_depressing_and_facilitating_synapses_release_what_theory_says():
    plain = LIF(tau=5e-3, rest=0, reset=-1, threshold=1e-3, refractory=0, excitation=Delta())
    for plasticity in (ShortTerm(0.5, 0.2), ShortTerm(0.1, 0.1, 0.5)):
        # The weight at which what is released just reaches the threshold, a step later.
        last = float(plasticity.steady(20.0)) * np.exp(-1e-3 / plain.tau)
        for factor, spikes in ((1.02, True), (0.98, False)):
            circuit = Circuit(
                "c",
                [Input("x", 1, 20.0)],
                [Population("e", "E", plain)],
                [Projection("x", "e", [[factor * 1e-3 / last]], plasticity=plasticity)],
                [Readout("e")],
            )
            rate = simulate(circuit, [[1.0]], duration=2.0, window=0.5, dt=1e-3, backend="numpy").readouts
            assert (rate[0, 0] > 0) == spikes


def test_heterogeneity_is_drawn_by_the_seed_and_moves_thresholds():
    def circuit(seed):
        population = Population("e", "E", LIF(), 200, bias=16e-3, spread={"threshold": 1e-3, "tau": 1e-3})
        return Circuit("c", [Input("x")], [population], readouts=[Readout("e")], seed=seed)

    neurons = circuit(0).neurons(circuit(0).populations[0])
    thresholds = np.array([n.threshold for n in neurons])
    assert thresholds.std() == pytest.approx(1e-3, rel=0.2)
    rates = simulate([circuit(0), circuit(0), circuit(1)], np.zeros((1, 1)), backend="numpy")
    same, again, other = (r.rates["e"][0] for r in rates)
    np.testing.assert_array_equal(same, again)
    assert (same != other).any()
    theory = np.array([n.activation(16e-3) for n in neurons])
    assert np.abs(same - theory).max() < 6  # one spike in 200 ms is 5 Hz


@pytest.mark.parametrize(
    "make, says",
    [
        (lambda: Projection("x", "e", Independent(-1e-3)), "expected a non-negative magnitude"),
        (lambda: Conductance(0, 5e-3, 6e-3), "Conductance.rise: expected less than the decay time 5 ms, found 6 ms"),
        (lambda: ShortTerm(1.5), "ShortTerm.release: expected at most 1, found 1.5"),
        (lambda: Input("x", train="bursty"), "train: expected 'regular' or 'poisson', found 'bursty'"),
        (lambda: Population("e", "E", LIF(), spread={"gain": 1}), "spread: expected one of tau, rest"),
        (lambda: Population("e", "E", LIF(), 2, initial=[0, 0, 0]), "initial: expected shape"),
        (lambda: LIF(excitation=Conductance()), "LIF.excitation: expected Exponential"),
        (lambda: ConductanceLIF(nmda=Conductance()), "ConductanceLIF.nmda: expected NMDA"),
    ],
)
def test_bad_values_are_named(make, says):
    with pytest.raises(InputError, match=says):
        make()


@pytest.mark.parametrize(
    "projection, says",
    [
        (Projection("e", "e", [[1e-9]], receptor="nmda"), "receptor: expected one that LIF has"),
        (Projection("i", "e", [[1e-9]], receptor="excitation"), "receptor: expected one of the sign of the source"),
        (Projection("e", "e", Independent(1e-3)), "Independent: expected an input with train='poisson'"),
        (Projection("two", "e", Independent(1e-3)), "Independent: expected a source of size 1, found 2"),
    ],
)
def test_projections_that_do_not_fit_are_named(projection, says):
    inputs = [Input("x", train="poisson"), Input("two", 2, train="poisson")]
    populations = [Population("e", "E", LIF()), Population("i", "I", LIF())]
    with pytest.raises(InputError, match=says):
        Circuit("c", inputs, populations, [projection])
