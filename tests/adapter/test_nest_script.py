"""Scripts for NEST: what they create and connect, on a stand-in for NEST, and what is refused."""

import ast
import builtins
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from brian2 import volt

from eisim import (
    EIF,
    LIF,
    NMDA,
    AdEx,
    AllToAll,
    Alpha,
    Circuit,
    Conductance,
    ConductanceLIF,
    Delta,
    Exponential,
    FixedInDegree,
    FixedOutDegree,
    FixedProbability,
    FixedTotalNumber,
    Gamma,
    GaussianProfile,
    HodgkinHuxley,
    Independent,
    Input,
    InputError,
    Izhikevich,
    Lognormal,
    Normal,
    Population,
    Projection,
    Readout,
    ShortTerm,
    Theta,
    Transient,
    ablate,
    silence,
    to_nest,
)
from eisim.adapter.nest_text import law_of, number
from eisim.circuit import delay_steps
from eisim.neurons import Saturating
from eisim.neurons.lif import NEVER
from eisim.plasticity import STDP
from eisim.run.export import write_network
from tests.support.nest_stand_in import between, run

DT = 0.1e-3


def pair(neuron=None, weights=0.0, delay=1e-3, size=6, inputs=None, projections=(), **changes):
    """Excitatory and inhibitory neurons of one model; E sends to I by the given weights."""
    neuron, weights = neuron or LIF(), AllToAll(weights) if isinstance(weights, float) else weights
    populations = [Population("E", "E", neuron, size, **changes), Population("I", "I", neuron, size)]
    middle = [Projection("E", "I", weights, delay)] if weights is not None else []
    return Circuit("pair", inputs or [Input("x")], populations, [*middle, *projections], [Readout("E", 20.0)])


@pytest.fixture
def ran(tmp_path):
    """Run the script of a circuit on the stand-in."""
    return lambda circuit, *given, words=(), **named: run(to_nest(circuit, *given, **named), tmp_path / "c.py", words)


@pytest.mark.parametrize(
    "rule, target, expected",
    [
        (FixedInDegree(3, 1e-3), "I", {"rule": "fixed_indegree", "indegree": 3, "allow_multapses": False}),
        (
            FixedInDegree(3, 1e-3),
            "E",
            {"rule": "fixed_indegree", "indegree": 3, "allow_autapses": False, "allow_multapses": False},
        ),
        (FixedInDegree(5, 1e-3), "E", {"rule": "all_to_all", "allow_autapses": False}),
        (FixedInDegree(6, 1e-3), "I", {"rule": "all_to_all"}),
        (
            FixedInDegree(9, 1e-3, multapses=True),
            "I",
            {"rule": "fixed_indegree", "indegree": 9, "allow_multapses": True},
        ),
        (FixedOutDegree(2, 1e-3), "I", {"rule": "fixed_outdegree", "outdegree": 2, "allow_multapses": False}),
        (FixedOutDegree(6, 1e-3), "I", {"rule": "all_to_all"}),
        (FixedProbability(0.25, 1e-3), "I", {"rule": "pairwise_bernoulli", "p": 0.25}),
        (
            FixedProbability(0.25, 1e-3, autapses=True),
            "E",
            {"rule": "pairwise_bernoulli", "p": 0.25, "allow_autapses": True},
        ),
        (FixedTotalNumber(40, 1e-3, multapses=True), "I", {"rule": "fixed_total_number", "N": 40}),
        (AllToAll(1e-3, autapses=False), "E", {"rule": "all_to_all", "allow_autapses": False}),
    ],
)
def test_rules_are_those_of_nest(ran, rule, target, expected):
    circuit = pair(weights=None, projections=[Projection("E", target, rule, 1e-3)])
    nest, made = ran(circuit)
    ((how, synapse),), singles = between(nest, made["E"], made[target])
    assert how == expected and not singles
    assert synapse == {"weight": 1.0, "delay": 1.0}


@pytest.mark.parametrize(
    "neuron, weight, delay",
    [
        (LIF(), 1e-3, 1e-3),
        (LIF(), 1e-3, 0.0),
        (LIF(), Gamma(1e-3, 3e-4), 1e-3),
        (LIF(), 1e-3, Gamma(1e-3, 9e-4)),
        (LIF(excitation=Delta(), inhibition=Delta()), Gamma(1e-3, 3e-4), 1e-3),
        (ConductanceLIF(), 1e-9, np.linspace(0, 2e-3, 36).reshape(6, 6)),
    ],
)
@pytest.mark.parametrize("kind", ["matrix", "total", "profile", "silent"])
def test_other_synapses_are_those_that_eisim_draws(ran, neuron, weight, delay, kind):
    rng = np.random.default_rng(0)
    rules = {
        "total": FixedTotalNumber(9, weight),
        "profile": GaussianProfile(0.9, 0.3, weight),
        "silent": AllToAll(weight, silent=(0, 4)),
        "matrix": rng.random((6, 6)) * (rng.random((6, 6)) < 0.4) * (weight if isinstance(weight, float) else 1e-3),
    }
    projections = [Projection(source, "I", rules[kind], delay) for source in "EI"]
    circuit = pair(neuron, weights=None, projections=projections)
    nest, made = ran(circuit)
    late, left = (1, np.exp(-DT / neuron.tau)) if isinstance(neuron.excitation, Delta) else (0, 1.0)
    for q, sign in zip(projections, (1, -1), strict=True):
        _, ((i, j, synapse),) = between(nest, made[q.source], made["I"])
        matrix = circuit.weights(q).tocoo()
        assert i.tolist() == matrix.coords[0].tolist() and j.tolist() == matrix.coords[1].tolist()
        scale = 1e9 if isinstance(neuron, ConductanceLIF) else 1e3
        np.testing.assert_allclose(synapse["weight"], sign * scale * left * matrix.data, rtol=1e-12)
        steps = np.maximum(delay_steps(circuit.delays(q), DT) + late, 1)
        np.testing.assert_allclose(synapse["delay"], np.broadcast_to(steps * 0.1, i.shape), rtol=1e-12)


@pytest.mark.parametrize(
    "neuron, model, values",
    [
        (
            LIF(tau=20e-3, excitation=Exponential(2e-3)),
            "iaf_psc_exp",
            {"tau_m": 20, "C_m": 20, "tau_syn_ex": 2, "tau_syn_in": 10, "E_L": -65, "V_th": -50, "t_ref": 1.9},
        ),
        (LIF(excitation=Alpha(2e-3), inhibition=Alpha(3e-3)), "iaf_psc_alpha", {"tau_syn_ex": 2, "tau_syn_in": 3}),
        (
            LIF(tau=20e-3, reset=-60e-3, excitation=Delta(), inhibition=Delta()),
            "iaf_psc_delta",
            {"V_reset": -65 + 5 * np.exp(-0.005), "t_ref": 2.0},
        ),
        (ConductanceLIF(), "iaf_cond_exp", {"C_m": 200, "g_L": 10, "E_ex": 0, "E_in": -80, "tau_syn_in": 10}),
        (
            ConductanceLIF(excitation=Conductance(0.0, 5e-3, 1e-3)),
            "iaf_cond_beta",
            {"tau_rise_ex": 1, "tau_decay_ex": 5},
        ),
        (LIF(refractory=0.0), "iaf_psc_exp", {"t_ref": 0.0}),
        (AdEx(), "aeif_cond_exp", {"C_m": 281, "V_th": -50.4, "V_peak": -40.4, "b": 80.5, "a": 4, "tau_w": 144}),
        (EIF(), "aeif_psc_exp", {"C_m": 10, "g_L": 1, "V_th": -59.9, "Delta_T": 3.48, "a": 0, "b": 0, "t_ref": 1.6}),
    ],
)
def test_neurons_have_their_parameters_in_the_units_of_nest(ran, neuron, model, values):
    weight = 1e-9 if neuron.weight_unit == "siemens" else 1e-3
    _, made = ran(pair(neuron, weights=AllToAll(weight), bias=0.2e-9 if neuron.drive_unit == "ampere" else 2e-3))
    assert made["E"].model == made["I"].model == model
    assert {name: made["I"].given[name] for name in values} == pytest.approx(values)
    assert made["E"].given["I_e"] == pytest.approx(200 if neuron.drive_unit == "ampere" else 2)


def test_a_reset_has_moved_on_only_where_jumps_arrive_that_are_to_be_ignored(ran):
    """Noise and independent trains act before the threshold is tested in both simulators."""
    jumping = LIF(tau=20e-3, reset=-60e-3, noise=1e-3, excitation=Delta(), inhibition=Delta())
    drive = [Projection("d", name, Independent(1e-3)) for name in "EI"]
    circuit = pair(jumping, 1e-3, inputs=[Input("d", 1, 500.0, train="poisson")], projections=drive)
    _, made = ran(circuit)
    assert (made["E"].given["V_reset"], made["E"].given["t_ref"]) == (-60, pytest.approx(1.9))
    assert (made["I"].given["V_reset"], made["I"].given["t_ref"]) == (pytest.approx(-59.97494), pytest.approx(2.0))
    said = "in the first time step after a refractory period"
    note = to_nest(circuit).note
    assert f"receive no noise {said}" in note and f"receive the mean of independent trains {said}" in note
    assert said not in to_nest(replace(circuit, projections=drive)).note


@pytest.mark.parametrize(
    "neuron, initial, expected",
    [
        (AdEx(initial={"v": 0.0}), None, {"V_m": 0}),
        (AdEx(), 0.0, {"V_m": 0}),
        (AdEx(), {"w": 1e-10, "g_i": 2e-9}, {"V_m": -70.6, "w": 100, "g_in": 2}),
        (EIF(), {"v": -60e-3, "I_e": 2e-3, "I_i": -3e-3}, {"V_m": -60, "I_syn_ex": 2, "I_syn_in": 3}),
        (ConductanceLIF(), {"g_e": 2e-9}, {"V_m": -60, "g_ex": 2}),
    ],
)
def test_neurons_start_where_they_do_in_eisim(ran, neuron, initial, expected):
    _, made = ran(pair(neuron, None, initial=initial))
    assert {name: made["E"].given[name] for name in expected} == pytest.approx(expected)


def test_synapses_that_ablation_left_none_of_are_of_no_kind(ran):
    mixed = LIF(excitation=Delta(), inhibition=Exponential(5e-3))
    circuit = pair(mixed, 1e-3, projections=[Projection("I", "I", np.eye(6) * 1e-3, 1e-3)])
    with pytest.raises(InputError, match="Delta and Exponential"):
        to_nest(circuit)
    _, made = ran(ablate(circuit))
    assert made["I"].model == "iaf_psc_delta"


def test_each_neuron_has_its_own_values(ran):
    spread = {"tau": 2e-3, "threshold": 1e-3, "rest": 1e-3}
    circuit = pair(spread=spread, bias=np.arange(6) * 1e-3, initial=np.linspace(-70e-3, -60e-3, 6))
    _, made = ran(circuit)
    given, neurons = made["E"].given, circuit.neurons(circuit.population("E"))
    for name, of in (("tau_m", "tau"), ("C_m", "tau"), ("V_th", "threshold"), ("E_L", "rest")):
        np.testing.assert_allclose(given[name], [1e3 * getattr(each, of) for each in neurons])
    np.testing.assert_allclose(given["I_e"], np.arange(6))
    np.testing.assert_allclose(given["V_m"], np.linspace(-70, -60, 6))


def test_notes_speak_of_what_nest_draws_alone():
    """The weights and delays of synapses that are written one by one are drawn by eisim, whatever their law."""
    rule = FixedTotalNumber(9, Normal(1e-3, 1e-4))
    assert to_nest(pair(weights=rule, delay=Normal(2e-3, 1e-4))).note.startswith("Exact")
    note = to_nest(pair(weights=FixedInDegree(2, Normal(1e-3, 1e-4)), delay=Normal(2e-3, 1e-4))).note
    assert note == "Equal in distribution: NEST draws weights, delays and connections."


def test_arrays_of_parts_with_one_name_are_kept_apart(ran):
    inputs = [Input("x", 3, spikes=(np.arange(30) % 3, np.arange(30) * 1e-3))]
    matrix = np.ones((3, 6)) * (np.arange(18).reshape(3, 6) + 1) * 1e-4
    circuit = pair(size=60, inputs=inputs, projections=[Projection("x", "E", np.tile(matrix, 10), name="x")])
    nest, made = ran(circuit)
    ((i, _, synapse),) = between(nest, made["x"], made["E"])[1]
    assert len(i) == 180 and synapse["weight"] == pytest.approx(np.tile(matrix, 10).ravel() * 1e3)
    assert made["x"].given["spike_times"][0][1] == pytest.approx(3.0)


def test_a_rule_that_draws_no_synapse_connects_nothing(ran):
    nest, made = ran(pair(weights=None, projections=[Projection("E", "I", FixedTotalNumber(0, 1e-3), 1e-3)]))
    assert between(nest, made["E"], made["I"]) == ([], [])


def test_injected_currents_and_rates_follow_the_frames_of_the_stimulus(ran):
    inputs = [Input("electrode", 2, current=3e-3), Input("p", 2, 10.0, train="poisson")]
    matrix = np.arange(12).reshape(2, 6) / 10
    more = [Projection("electrode", "E", matrix), Projection("p", "E", AllToAll(1e-3))]
    stimulus = np.array([[0, 1, 1, 0.5], [1, -1, 0, 2]])
    nest, made = ran(pair(inputs=inputs, projections=more, bias=1e-3), stimulus, duration=0.1)
    assert nest.simulated == [50.0, 50.0]
    np.testing.assert_allclose(made["E"].given["I_e"], 1 + 3 * stimulus[1, :2] @ matrix)  # of the last frame
    np.testing.assert_allclose(made["p_generator"].given["rate"], [0, 20])
    nest, made = ran(pair(inputs=inputs, projections=more, bias=1e-3), stimulus[0], words=["--duration", 70])
    assert nest.simulated == [70.0]
    np.testing.assert_allclose(made["E"].given["I_e"], 1 + 3 * stimulus[0, :2] @ matrix)


def test_trains_that_are_known_are_one_step_early_with_delays_that_are_longer(ran):
    inputs = [Input("x", 2, 90.0), Input("g", 2, spikes=([0, 1, 1], [0.0, 3e-3, 7.2e-3]))]
    more = [Projection("x", "E", AllToAll(1e-3)), Projection("g", "E", AllToAll(1e-3), 2e-3)]
    circuit = pair(inputs=inputs, projections=more)
    nest, made = ran(circuit, duration=0.1)
    assert [list(each) for each in made["g"].given["spike_times"]] == [[0.1], [3.0, 7.2]]
    assert between(nest, made["x"], made["E"])[0][0][1]["delay"] == pytest.approx(0.1)
    assert between(nest, made["g"], made["E"])[0][0][1]["delay"] == pytest.approx(2.1)
    phase = np.array([0.25, 0.75])
    for times, first in zip(made["x"].given["spike_times"], phase, strict=True):
        steps = np.ceil((np.arange(1, 10) - first) / (90 * DT) - 1e-6) - 1
        np.testing.assert_allclose(times, steps[steps < 1000] * 0.1)
    _, names = ran(circuit, np.ones((4, 4)), duration=0.1)
    for static, varied in zip(made["x"].given["spike_times"], names["x"].given["spike_times"], strict=True):
        np.testing.assert_allclose(static, varied)
    assert "first time step act one step late" in to_nest(circuit).note


def test_poisson_trains_are_shared_or_independent(ran):
    inputs = [Input("p", 3, 10.0, train="poisson"), Input("drive", 1, 5000.0, train="poisson")]
    more = [Projection("p", "E", AllToAll(1e-3)), Projection("drive", "E", Independent(2e-3))]
    nest, made = ran(pair(inputs=inputs, projections=more))
    assert made["p"].model == "parrot_neuron" and "drive" not in made
    assert (made["p_generator"], made["p"], "one_to_one", {"delay": 0.1}) in nest.connections
    assert (made["drive_generator"], made["E"], "all_to_all", {"weight": 2.0, "delay": 0.1}) in nest.connections
    assert made["drive_generator"].given["rate"] == 5000


@pytest.mark.parametrize(
    "law, factor, expected",
    [
        (Normal(2e-3, 1e-3), 1e3, "nest.math.redraw(nest.random.normal(mean=2.0, std=1.0), 0.0, np.inf)"),
        (Normal(2e-3, 1e-3), -1e3, "nest.math.redraw(nest.random.normal(mean=-2.0, std=1.0), -np.inf, 0.0)"),
        (
            Normal(2e-3, 1e-3, 0.5e-3),
            -1e3,
            "nest.math.redraw(nest.random.normal(mean=-2.0, std=1.0), -np.inf, -0.5)",
        ),
        (Normal(2e-3, 0.0), 1e3, "2.0"),
        (Gamma(2e-3, 1e-3), 1e3, None),
    ],
)
def test_distributions_are_those_of_nest(law, factor, expected):
    assert law_of(law, factor) == expected


def test_lognormal_numbers_have_the_mean_and_deviation_of_numbers():
    text = law_of(Lognormal(2e-3, 1e-3), -1e3)
    assert text.startswith("-1.0*nest.random.lognormal(")
    mu, sigma = (float(each.value.value) for each in ast.parse(text).body[0].value.right.keywords)
    assert np.exp(mu + sigma**2 / 2) == pytest.approx(2) and np.exp(mu + sigma**2 / 2) * np.sqrt(
        np.expm1(sigma**2)
    ) == pytest.approx(1)


def test_delays_that_are_drawn_are_at_least_a_step():
    def delays(delay, neuron=None):
        return to_nest(pair(neuron, FixedInDegree(2, 1e-3), delay)).text

    normal = "nest.math.redraw(nest.random.normal(mean=1.0, std=0.5), 0.0, np.inf)"
    assert f'"delay": nest.math.max({normal}, dt)' in delays(Normal(1e-3, 0.5e-3))
    assert f'"delay": {normal} + 0.1' in delays(Normal(1e-3, 0.5e-3), LIF(excitation=Delta(), inhibition=Delta()))
    assert '"delay": nest.math.redraw' in delays(Normal(1e-3, 0.5e-3, 0.1e-3))
    assert "Delays of less than a time step" in to_nest(pair(weights=1e-3, delay=0.0)).note
    assert "Delays of less than a time step" not in to_nest(pair(weights=1e-3)).note


def test_short_term_plasticity_is_tsodyks2(ran):
    plastic = [
        Projection(source, "E", AllToAll(1e-3), 1e-3, plasticity=ShortTerm(0.4, 0.2, 0.1), name=f"{source} plastic")
        for source in ("x", "I")
    ]
    nest, made = ran(pair(projections=plastic))
    for source in (made["x_relay"], made["I"]):
        ((_, synapse),), _ = between(nest, source, made["E"])
        assert synapse["synapse_model"] == "tsodyks2_synapse"
        assert {name: synapse[name] for name in ("U", "u", "x", "tau_rec", "tau_fac", "delay")} == pytest.approx(
            {"U": 0.4, "u": 0.4, "x": 1.0, "tau_rec": 200.0, "tau_fac": 100.0, "delay": 1.0}
        )


def test_no_model_of_a_synapse_has_more_than_a_thread_of_nest_holds(ran, monkeypatch):
    short = ShortTerm(0.4, 0.2, 0.1)
    circuit = pair(
        weights=1e-3,
        projections=[
            Projection("E", "E", FixedInDegree(2, 1e-3)),  # 12 synapses beside 36
            Projection("I", "E", np.eye(6)[::-1] * 1e-3),  # 6, one by one
            Projection("x", "E", AllToAll(1e-3), plasticity=short, name="plastic"),
            Projection("I", "I", AllToAll(1e-3), plasticity=short, name="plastic, too"),
        ],
    )
    assert "CopyModel" not in to_nest(circuit).text
    monkeypatch.setattr("eisim.adapter.nest_writer.MOST", 40)
    nest, made = ran(circuit)
    assert nest.copies == {"static_synapse 1": "static_synapse", "tsodyks2_synapse 1": "tsodyks2_synapse"}

    def model(source, target):
        ((*_, synapse),) = [each for found in between(nest, made[source], made[target]) for each in found]
        return synapse.get("synapse_model", "static_synapse")

    assert [model("E", "I"), model("E", "E"), model("I", "E")] == ["static_synapse", *["static_synapse 1"] * 2]
    assert [model("x_relay", "E"), model("I", "I")] == ["tsodyks2_synapse", "tsodyks2_synapse 1"]


def test_the_synapses_of_a_generator_are_of_one_model(ran, monkeypatch):
    """NEST refuses another, and holds them beside those that it counts."""
    monkeypatch.setattr("eisim.adapter.nest_writer.MOST", 10)
    onto = [Projection("x", name, AllToAll(1e-3), name=f"x {k} {name}") for name in "EI" for k in range(3)]
    nest, made = ran(pair(weights=1e-3, projections=[*onto, Projection("I", "I", AllToAll(1e-3), 1e-3)]))
    found = [synapse for name in "EI" for _, synapse in between(nest, made["x"], made[name])[0]]
    assert len(found) == 6 and not any("synapse_model" in synapse for synapse in found)
    assert nest.copies == {"static_synapse 1": "static_synapse"}


def test_silenced_neurons_never_reach_the_threshold(ran):
    circuit = silence(pair(projections=[Projection("I", "E", FixedInDegree(3, 1e-3), 1e-3)]), 0.5)
    _, made = ran(circuit)
    ((which, given),) = made["I"].given["parts"]
    assert tuple(which) == circuit.population("I").silenced and given["V_th"] > 1e5


REFUSED = {
    "rates": (
        Circuit("c", [Input("x")], [Population("E", "E", Saturating())]),
        ["the rate units of population 'E'"],
    ),
    "equations": (pair(HodgkinHuxley(), 1e-9 * np.ones((6, 6))), ["(HodgkinHuxley)", "'I'"]),
    "izhikevich": (pair(Izhikevich(), np.ones((6, 6))), ["(Izhikevich)"]),
    "theta": (pair(Theta(), None), ["(Theta"]),
    "nmda": (
        pair(ConductanceLIF(nmda=NMDA()), None, projections=[Projection("E", "I", AllToAll(1e-9), receptor="nmda")]),
        ["the neurons of population 'I' (ConductanceLIF with NMDA synapses)"],
    ),
    "mixed": (
        pair(LIF(excitation=Delta()), 1e-3, projections=[Projection("I", "I", AllToAll(1e-3))]),
        ["(LIF with Delta and Exponential synapses)"],
    ),
    "gap": (pair(gap_junctions=AllToAll(0.1)), ["the gap junctions of population 'E'"]),
    "potentials": (pair(LIF(threshold=NEVER * volt)), ["the potentials of population 'E'"]),
    "reset": (pair(LIF(reset_by_subtraction=True)), ["the reset by subtraction of population 'E'"]),
    "fluctuation": (
        pair(
            inputs=[Input("x", current=1e-3, fluctuation=1e-3)],
            projections=[Projection("x", "E", Independent(1.0))],
        ),
        ["the fluctuation of the current 'x'"],
    ),
    "learning": (
        pair(projections=[Projection("E", "E", AllToAll(1e-3), learning=STDP(largest=2e-3))]),
        ["the learning of projection 'E->E' (STDP; see eisim.freeze)"],
    ),
    "transient": (
        pair(projections=[Projection("I", "E", AllToAll(1e-3), transient=Transient())]),
        ["the transient loss of projection 'I->E'"],
    ),
    "initial": (pair(initial={"I_e": 1e-3}), ["the initial I_e of population 'E'"]),
    "negative": (
        pair(AdEx(), 1e-9, initial={"g_e": Normal(1e-9, 1e-9), "g_i": -1e-9}),
        [f"the initial g_{k} of population 'E', which may be of the wrong sign" for k in "ei"],
    ),
    "inhibiting current": (pair(EIF(), initial={"I_i": 1e-3}), ["the initial I_i of population 'E', which may be of"]),
    "cut": (pair(AdEx(V_cut=-55e-3), 1e-9), ["the V_cut of population 'E', which is below V_T"]),
    "cut of one": (pair(AdEx(V_cut=-50e-3), 1e-9, spread={"V_T": 1e-3}), ["the V_cut of population 'E', which is"]),
    "high reset": (pair(EIF(V_r=-30e-3)), ["the V_cut of population 'E', which is not above V_r"]),
    "upstroke": (pair(EIF(Delta_T=1e-5)), ["the upstroke of population 'E', which exceeds all numbers at V_cut"]),
    "silenced": (silence(pair(AdEx(), 1e-9), 0.5), ["the silenced neurons of population 'I'"]),
    "plastic drive": (
        pair(
            inputs=[Input("d", 1, 10.0, train="poisson")],
            projections=[Projection("d", "E", Independent(1e-3), plasticity=ShortTerm())],
        ),
        ["the short-term plasticity of projection 'd->E', a Poisson drive"],
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_nest_has_no_model_for_is_refused_by_name(name):
    circuit, found = REFUSED[name]
    with pytest.raises(InputError) as error:
        to_nest(circuit)
    said = str(error.value)
    assert said.startswith("to_nest: expected a circuit of what NEST has models for, found ") and "\n" not in said
    assert all(each in said for each in found) and repr(circuit.name) in said


def test_all_that_stands_in_the_way_is_said_at_once():
    circuit = pair(
        LIF(reset_by_subtraction=True),
        gap_junctions=AllToAll(0.1),
        projections=[Projection("I", "E", AllToAll(1e-3), transient=Transient())],
    )
    with pytest.raises(InputError, match=r"gap junctions of population 'E'; .*'E'; .*'I'; the transient loss"):
        to_nest(circuit)


@pytest.mark.parametrize(
    "stimulus, expected",
    [
        ([1.0, 1.0], "expected shape (1,) or (time, 1), found (2,)"),
        ([-1.0], "expected 0 or more (a rate is not negative), found -1"),
        (np.ones((7, 1)), "expected a number of time frames that divides the 3,000 time steps, found 7"),
        ([101.0], "expected rates of at most one spike a time step (10000 Hz), found 10100 Hz"),
    ],
)
@pytest.mark.parametrize("train", ["regular", "poisson"])
def test_stimuli_that_do_not_fit_are_refused(train, stimulus, expected):
    circuit = pair(inputs=[Input("x", train=train)], projections=[Projection("x", "E", AllToAll(1e-3))])
    with pytest.raises(InputError) as error:
        to_nest(circuit, stimulus)
    assert expected in str(error.value)


def test_independent_trains_may_have_several_spikes_in_a_step():
    circuit = pair(inputs=[Input("x", train="poisson")], projections=[Projection("x", "E", Independent(1e-3))])
    assert "rate" in to_nest(circuit, [1e3]).text


def test_a_time_step_that_nest_does_not_have_is_refused():
    with pytest.raises(InputError, match=r"dt: expected a whole number of microseconds, as NEST has, found 0.0125 ms"):
        to_nest(pair(), dt=12.5e-6)
    assert "dt = 0.025\n" in to_nest(pair(), dt=25e-6).text
    with pytest.raises(InputError, match="dt: expected a whole number of microseconds"):
        to_nest(pair(LIF(refractory=0.0)), duration=1e-9, dt=1e-12)


NAMES = ["dt", "nest", "for", "E noise", "x generator", "neurons", "2nd", "ä ö", "I->E", "__file__", "options", "np"]


def test_any_names_make_a_script_that_runs(ran):
    noisy = LIF(noise=1e-3, excitation=Delta(), inhibition=Delta())
    populations = [Population(name, "E", noisy, 2, spread={"tau": 1e-3}) for name in [*NAMES, "E", "x"]]
    inputs = [Input("X", 1, 10.0, train="poisson"), Input("times", 1)]
    projections = [Projection(i.name, name, AllToAll(1e-3)) for i in inputs for name in NAMES]
    projections += [Projection(name, "E", AllToAll(1e-3)) for name in NAMES]
    circuit = Circuit('it\'s "so"\n', inputs, populations, projections, [Readout("dt")])
    _, made = ran(circuit)
    assert list(made["populations"]) == [p.name for p in populations]
    assert all(nodes.given["V_th"] == -50 and len(nodes) == 2 for nodes in made["populations"].values())
    assert to_nest(circuit).text.isascii()


def test_every_name_of_a_script_is_given_to_one_thing():
    """Whatever parts are called: none takes the name of another, of what belongs to it, or of a built-in function."""
    endings = ["", "_i", "_step", "_relay", "_generator", "_noise", "_decay", "_rate_frames", "_I_e_frames"]
    names = [*dir(builtins), *NAMES, *(f"x{ending}" for ending in endings), "file", "arrays", "times", "time"]
    inputs = [
        Input(f"{name}{'!' * k}", 1, spikes=([0], [1e-3])) if k else Input(name, 1, 50.0, train="poisson")
        for name in names
        for k in (0, 1)
    ]
    jumping = LIF(noise=1e-3, excitation=Delta(), inhibition=Delta())
    populations = [Population(f"{name}?", "E", jumping, 2) for name in names]
    projections = [Projection(i.name, p.name, AllToAll(1e-3)) for i, p in zip(inputs[::2], populations, strict=True)]
    circuit = Circuit("names", [*inputs, Input("electrode", current=1e-3)], populations, projections)
    injected = [Projection("electrode", p.name, AllToAll(1.0)) for p in populations]
    for script in (
        to_nest(circuit),
        to_nest(replace(circuit, projections=[*projections, *injected]), np.eye(2)[:, :1] * np.ones(circuit.n_inputs)),
    ):
        given = []
        for line in ast.parse(script.text).body:
            for target in getattr(line, "targets", []):
                stored = [each for each in ast.walk(target) if isinstance(getattr(each, "ctx", None), ast.Store)]
                given += [each.id for each in stored if isinstance(each, ast.Name)]
            given += [line.name] if isinstance(line, ast.FunctionDef) else []
            given += [each.asname or each.name for each in getattr(line, "names", [])]
        assert len(set(given)) == len(given) > 3 * len(names) and not {*given} & {*dir(builtins)}


@pytest.mark.parametrize(
    "words, expected",
    [
        (["--seed", 0], "--seed and --threads: expected whole numbers from 1 on"),
        (["--seed", 2**32], "--seed and --threads"),
        (["--threads", 0], "--seed and --threads"),
        (["--warm-up", 300], "--warm-up: expected from 0 to less than the duration"),
        (["--warm-up", -1], "--warm-up"),
        (["--duration", 0], "--warm-up"),
        (["--duration", "nan"], "--warm-up"),
        (["--duration", "inf"], "--warm-up"),
        (["--duration", 10.05], "--duration and --warm-up: expected whole numbers of time steps of 0.1 ms"),
        (["--out", "missing/spikes.npz"], "--out: expected a file in a folder that exists"),
        (["--out", "c.npz"], "--out: expected another file than that of the arrays"),
        (["--out", "./c"], "--out: expected another file than that of the arrays"),
    ],
)
def test_options_that_nest_would_stumble_over_are_refused_in_one_line(
    ran, words, expected, capsys, monkeypatch, tmp_path
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        ran(pair(weights=np.ones((6, 6)) * 1e-3), words=words)
    assert expected in capsys.readouterr().err.splitlines()[-1]


def test_a_network_that_nest_draws_is_not_drawn_here():
    """10⁹ synapses as rules: no matrix is made of them."""
    populations = [Population(name, name, LIF(), 500_000) for name in "EI"]
    rules = [FixedInDegree(1000, Normal(1e-3, 1e-4)), FixedTotalNumber(10**9, 1e-3, multapses=True)]
    projections = [
        Projection(a, b, rule, Normal(1.5e-3, 0.7e-3, 0.1e-3))
        for a, rule in zip("EI", rules, strict=True)
        for b in "EI"
    ]
    script = to_nest(Circuit("large", [Input("x")], populations, projections))
    assert not script.arrays and script.text.count("fixed_total_number") == 2


@pytest.mark.parametrize("value, text", [(0.0201 * 1e3, "20.1"), (-0.0, "0.0"), (1e6, "1000000.0"), (0.1, "0.1")])
def test_numbers_are_those_of_a_paper(value, text):
    assert number(value) == text


def test_export_writes_the_script_and_its_arrays(tmp_path, monkeypatch):
    circuit = pair(weights=np.ones((6, 6)) * 1e-3)
    script, note = write_network(circuit, "nest", tmp_path / "c.py")
    assert (tmp_path / "c.py").read_text() == script.text
    with np.load(tmp_path / "c.npz") as arrays:
        assert set(arrays) == set(script.arrays)
    assert "Exact" in note and str(tmp_path / "c.npz") in note
    with pytest.raises(InputError, match=r"ends in \.py"):
        write_network(circuit, "nest", tmp_path / "c.txt")
    with pytest.raises(InputError, match=r"ends in \.py"):
        script.save(tmp_path / "c.npz")
    with pytest.raises(InputError, match="cannot be written"):
        script.save(tmp_path / "missing" / "c.py")


def test_the_command_exports_a_model_and_refuses_another(tmp_path):
    def export(*words):
        return subprocess.run(
            [sys.executable, "-m", "eisim", "export", *words], capture_output=True, text=True, cwd=tmp_path
        )

    found = export("brunel", "--to", "nest", "--out", "brunel.py")
    assert found.returncode == 0 and "NEST draws Poisson trains and connections" in found.stderr
    ast.parse((tmp_path / "brunel.py").read_text())
    found = export("vogels_plasticity", "--to", "nest", "--out", "v.py")
    assert found.returncode == 2 and "the learning of projection 'I->E'" in found.stderr
    assert "Traceback" not in found.stderr and not (tmp_path / "v.py").exists()


def test_what_the_note_says_is_so():
    assert to_nest(pair()).note.startswith("Exact: the same spikes as in eisim")
    assert to_nest(pair(weights=FixedInDegree(2, 1e-3))).note == "Equal in distribution: NEST draws connections."
    noisy = replace(pair(), populations=[Population(n, n, LIF(noise=1e-3), 6) for n in "EI"])
    assert to_nest(noisy).note == "Equal in distribution: NEST draws noise. Noise acts up to two time steps late."
    late = "Equal in distribution: NEST draws Poisson trains. Poisson trains act up to two time steps late"
    several = "A Poisson train can have several spikes in a time step, in eisim one"
    for rate, weights, more in [(90, AllToAll, ""), (110, AllToAll, f" {several}."), (1e4, Independent, "")]:
        inputs = [Input("x", 1, rate, train="poisson")]
        circuit = pair(inputs=inputs, projections=[Projection("x", "E", weights(1e-3), 1e-3)])
        assert to_nest(circuit).note == f"{late}.{more}"
    assert "iaf_cond_exp in adaptive steps" in to_nest(pair(ConductanceLIF(), 1e-9)).note
