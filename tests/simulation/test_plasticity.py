"""Weights that are learnt, against plain Brian2 scripts and closed forms, and the same whatever the batch."""

import brian2 as b2
import numpy as np
import pytest
from brian2 import Hz, ms, mV, nS, second
from hypothesis import given, settings
from hypothesis import strategies as st

from eisim import (
    LIF,
    AllToAll,
    Circuit,
    ConductanceLIF,
    Delta,
    Exponential,
    Input,
    InputError,
    Population,
    Projection,
    ShortTerm,
    ablate,
    freeze,
    simulate,
)
from eisim.plasticity import STDP, InhibitoryPlasticity, PlasticityRule, TripletSTDP
from eisim.stimuli import SpikeTimes

TIMES = {"duration": 300 * ms, "window": 200 * ms, "dt": 0.1 * ms, "backend": "numpy"}
LARGEST = 12 * mV
TRACES = """w : volt
dpre/dt = -pre/tau_plus : 1 (event-driven)
dpost/dt = -post/tau_minus : 1 (event-driven)
"""
#: Rules of ours, and their synapses as they are written in Brian2: equations, on_pre, on_post and constants.
PLAIN = {
    "pairs": (
        STDP(largest=LARGEST, potentiation=0.05, depression=0.06, tau_pre=15 * ms, tau_post=25 * ms),
        TRACES,
        "pre += 0.05; w = clip(w - post*largest, 0*mV, largest)",
        "post += 0.06; w = clip(w + pre*largest, 0*mV, largest)",
        {"tau_plus": 15 * ms, "tau_minus": 25 * ms},
    ),
    "triplets": (
        TripletSTDP(largest=LARGEST, potentiation=0.01, triplet=0.05, depression=0.04),
        TRACES + "dslow/dt = -slow/(114*ms) : 1 (event-driven)",
        "pre += 1; w = clip(w - 0.04*largest*post, 0*mV, largest)",
        "w = clip(w + pre*largest*(0.01 + 0.05*slow), 0*mV, largest); post += 1; slow += 1",
        {"tau_plus": 16.8 * ms, "tau_minus": 33.7 * ms},
    ),
    "inhibitory": (
        InhibitoryPlasticity(target=20 * Hz, step=0.3 * mV, largest=LARGEST),
        TRACES,
        "pre += 1; w = clip(w + 0.3*mV*(post - 2*20*Hz*20*ms), 0*mV, largest)",
        "post += 1; w = clip(w + 0.3*mV*pre, 0*mV, largest)",
        {"tau_plus": 20 * ms, "tau_minus": 20 * ms},
    ),
}
N = 6
#: With an inhibitory time constant that is not the membrane's: for equal ones Brian2's exact method has no step.
NEURON = LIF(inhibition=Exponential(8 * ms))


def trained(rule):
    """Afferents with given spike times excite cells and, through relays, inhibit them; the rule is of one of both."""
    rng = np.random.default_rng(3)
    numbers, times = rng.integers(0, N, 90), rng.uniform(0, 0.3, 90)
    rules = {"x": None, "I": None, "I" if rule.name == "InhibitoryPlasticity" else "x": rule}
    return Circuit(
        "trained",
        [Input("x", N, spikes=SpikeTimes(numbers, np.round(times, 4) * second)), Input("hold", current=14.5 * mV)],
        [Population("E", "E", NEURON, 3), Population("I", "I", NEURON, N)],
        [
            Projection(
                "x", "E", rng.uniform(4, 9, (N, 3)) * mV, rng.integers(0, 30, (N, 3)) * 0.1 * ms, learning=rules["x"]
            ),
            Projection("x", "I", np.eye(N) * 90 * mV),
            Projection("hold", "E", AllToAll(1)),
            Projection("I", "E", rng.uniform(1, 5, (N, 3)) * mV, 0.3 * ms, learning=rules["I"]),
        ],
    )


def script(circuit, equations, on_pre, on_post, constants):
    """Spikes and weights over time of a plain Brian2 script of the circuit."""
    b2.start_scope()
    b2.prefs.codegen.target = "numpy"
    b2.defaultclock.dt = 0.1 * ms
    given = circuit.inputs[0].spikes
    sources = {"x": b2.SpikeGeneratorGroup(N, given.i, given.t * second)}
    for name, size, drive in (("E", 3, 14.5 * mV), ("I", N, 0 * mV)):
        sources[name] = b2.NeuronGroup(
            size,
            """dv/dt = (-65*mV - v + drive + I_e + I_i)/(10*ms) : volt (unless refractory)
            dI_e/dt = -I_e/(5*ms) : volt
            dI_i/dt = -I_i/(8*ms) : volt
            drive : volt (constant, shared)""",
            threshold="v > -50*mV",
            reset="v = -65*mV",
            refractory=2 * ms,
            method="exact",
        )
        sources[name].v, sources[name].drive = -65 * mV, drive
    objects, weights = list(sources.values()), None
    for p in circuit.projections:
        if p.source == "hold":
            continue
        adds = "I_i_post -= w" if p.source == "I" else "I_e_post += w"
        learns = p.learning is not None
        synapses = b2.Synapses(
            sources[p.source],
            sources[p.target],
            equations if learns else "w : volt",
            on_pre=f"{adds}\n{on_pre}" if learns else adds,
            on_post=on_post if learns else None,
            namespace=constants | {"largest": LARGEST},
        )
        rows, columns = p.weights.nonzero()
        synapses.connect(i=rows, j=columns)
        synapses.w_[:] = p.weights.data
        synapses.pre.delay_[:] = np.broadcast_to(circuit.delays(p), p.weights.nnz)
        objects.append(synapses)
        if learns:
            weights = b2.StateMonitor(synapses, "w", record=True)
    spikes = b2.SpikeMonitor(sources["E"])
    b2.Network(*objects, weights, spikes).run(300 * ms, namespace={})
    return sorted(zip(np.round(spikes.t_ / 1e-4).astype(int), spikes.i, strict=True)), weights.w_


@pytest.mark.parametrize("name", PLAIN)
def test_weights_over_time_are_those_of_a_plain_brian2_script(name):
    rule, *plain = PLAIN[name]
    circuit = trained(rule)
    (learns,) = circuit.rules
    ours = simulate(circuit, np.ones((1, N + 1)), record={"E": "spikes", learns: "w"}, **TIMES)
    spikes, weights = script(circuit, *plain)
    found = ours.spikes["E"]
    assert sorted(zip(found.step, found.neuron, strict=True)) == spikes and len(spikes) > 10
    over_time = ours.traces[learns].w[0, 0]
    assert over_time.dims == ("synapse", "time") and over_time.attrs["units"] == "V"
    np.testing.assert_allclose(over_time, weights, rtol=1e-9, atol=1e-18)
    assert np.ptp(weights, axis=1).min() > 1e-4 and not np.array_equal(weights[:, -1], weights[:, 0])


def pair(rule, pre, post, weight=1 * mV, delay=0 * ms):
    """One synapse between two cells that fire once each, at these times in ms."""
    forced = Projection("x", "A", [[100 * mV]]), Projection("y", "B", [[100 * mV]])
    return Circuit(
        "pair",
        [Input("x", spikes=SpikeTimes([0], [pre] * ms)), Input("y", spikes=SpikeTimes([0], [post] * ms))],
        [Population("A", "E", LIF(excitation=Delta())), Population("B", "E", LIF(excitation=Delta()))],
        [*forced, Projection("A", "B", [[weight]], delay, learning=rule)],
    )


@pytest.mark.parametrize("difference", [-30.0, -3.2, 0.0, 0.4, 12.0, 60.0])
@pytest.mark.parametrize("delay", [0.0, 2.5])
def test_a_pair_of_spikes_changes_a_weight_by_the_window(difference, delay):
    """The cells fire in the step after their input's spike, and the presynaptic spike arrives after the delay."""
    rule = STDP(largest=4 * mV, potentiation=0.1, depression=0.08, tau_pre=17 * ms, tau_post=34 * ms)
    circuit = pair(rule, 100.0, 100.0 + difference, delay=delay * ms)
    (weight,) = simulate(circuit, [[1, 1]], **TIMES).weights["A->B"].values.ravel()
    after = difference - delay
    change = 0.1 * np.exp(-after / 17) if after >= 0 else -0.08 * np.exp(after / 34)
    assert weight == pytest.approx(1e-3 + 4e-3 * change, rel=1e-9)


def test_weights_stay_within_their_bounds():
    rule = STDP(largest=1.2 * mV, potentiation=0.5, depression=5)
    up, down = pair(rule, 100, 101), pair(rule, 101, 100)
    found = [simulate(c, [[1, 1]], **TIMES).weights["A->B"].item() for c in (up, down)]
    assert found == [1.2e-3, 0.0]


def test_a_spike_is_transmitted_with_the_weight_that_it_finds():
    """And a synapse whose weight became 0 transmits nothing."""
    rule = PlasticityRule(on_pre="w -= largest", largest=20 * mV)
    cell = LIF(tau=50 * ms, refractory=0 * ms, excitation=Delta())
    circuit = Circuit(
        "once",
        [Input("x", spikes=SpikeTimes([0, 0], [10, 20] * ms))],
        [Population("E", "E", cell)],
        [Projection("x", "E", [[20 * mV]], learning=rule)],
    )
    spikes = simulate(circuit, [[1]], record=True, **TIMES).spikes["E"]
    assert len(spikes.t) == 1 and spikes.t[0] < 0.0102


RULES = [
    STDP(largest=3 * nS),
    TripletSTDP(largest=4 * nS, triplet=0.1),
    InhibitoryPlasticity(target=10 * Hz, step=0.2 * nS),
    PlasticityRule(
        """dx/dt = -x/tau : 1 (event-driven)
        n : 1""",
        on_pre="x += 1; n += 1",
        on_post="w *= 1 + A*x*exp(-n/40)*(1 - w/largest)**2",
        tau=30 * ms,
        A=0.2,
        largest=5 * nS,
    ),
    PlasticityRule(
        """dw/dt = (w0 - w)/tau : siemens
        da/dt = -a/tau : 1 (clock-driven)""",
        on_post="a += 1; w += a*step",
        tau=80 * ms,
        w0=1 * nS,
        step=0.1 * nS,
        largest=6 * nS,
        method="exponential_euler",
    ),
]


def drawn(seed):
    """A circuit in which some projections learn by one of several rules."""
    rng = np.random.default_rng(seed)
    sizes = {"x": 5, "E": 4, "I": 3}
    projections = []
    for source, target in (("x", "E"), ("x", "I"), ("E", "E"), ("E", "I"), ("I", "E"), ("I", "I")):
        rule = RULES[rng.integers(len(RULES))] if rng.random() < 0.7 else None
        weights = rng.uniform(0.1, 2.9, (sizes[source], sizes[target])) * (rng.random((sizes[source], 1)) < 0.8) * nS
        weights = AllToAll(1.5 * nS) if rng.random() < 0.3 else weights
        shape = (sizes[source], sizes[target])
        delay = (0.7 if rng.random() < 0.5 else rng.integers(0, 20, shape) * 0.1) * ms
        short = ShortTerm(0.4, 100 * ms, 50 * ms) if rng.random() < 0.3 else None
        projections.append(Projection(source, target, weights, delay, plasticity=short, learning=rule))
    neuron = ConductanceLIF(noise=2 * mV)
    populations = [Population("E", "E", neuron, 4, bias=0.3e-9), Population("I", "I", neuron, 3, bias=0.3e-9)]
    circuit = Circuit(f"drawn {seed}", [Input("x", 5, 60 * Hz, train="poisson")], populations, projections)
    return ablate(circuit, 0.3) if rng.random() < 0.5 else circuit


SHORT = {"duration": 150 * ms, "window": 100 * ms, "dt": 0.1 * ms}


def learnt(response, **place):
    return {name: each.isel(place).values for name, each in response.weights.items()}


def equal(one, other):
    assert one.keys() == other.keys()
    for name, values in one.items():
        assert np.array_equal(values, other[name]), name


@given(st.lists(st.integers(0, 10_000), min_size=2, max_size=3, unique=True))
@settings(max_examples=6)
def test_what_is_learnt_does_not_depend_on_the_batch_or_on_what_is_recorded(seeds):
    circuits, stimuli = [drawn(seed) for seed in seeds], np.linspace(0.5, 1.5, 3)[:, None] * np.ones(5)
    together = simulate(circuits, stimuli, seed=[1, 2], backend="numpy", **SHORT)
    for circuit, response in zip(circuits, together, strict=True):
        record = {"E": ["v", "spikes"], **dict.fromkeys(circuit.rules, "w")}
        alone = simulate(circuit, stimuli[:1], seed=2, record=record, backend="numpy", **SHORT)
        equal(learnt(alone, trial=0), learnt(response, seed=1, trial=0))
        assert (alone.rates["E"][0] == response.rates["E"][1, 0]).all()


def test_compiled_and_numpy_learn_the_same_bits():
    circuits, stimuli = [drawn(seed) for seed in range(6)], np.ones((2, 5))
    assert {rule.name for c in circuits for rule in c.rules.values()} == {rule.name for rule in RULES}
    found = [simulate(circuits, stimuli, seed=[1, 2], backend=b, **SHORT) for b in ("numpy", "cpp")]
    for ours, compiled in zip(*found, strict=True):
        equal(learnt(ours), learnt(compiled))
        assert all((ours.rates[name] == compiled.rates[name]).all() for name in ours.rates)
    changed = [not np.array_equal(w[0, 0], w[1, 1]) for c in found[0] for w in learnt(c).values()]
    assert changed and all(changed)


def test_what_is_ablated_is_transmission_and_learning_goes_on():
    """Nothing reaches the cells through an ablated synapse; its weight learns from their spikes as it would."""
    rule = PlasticityRule(on_pre="w += step", step=0.1 * nS)
    circuit = Circuit(
        "ablated",
        [Input("x", 2, 100 * Hz)],
        [Population("I", "I", ConductanceLIF(), 2), Population("E", "E", ConductanceLIF(), bias=0.4e-9)],
        [Projection("x", "I", np.eye(2) * 30 * nS), Projection("I", "E", [[2 * nS], [3 * nS]], learning=rule)],
    )
    without = Circuit("without", circuit.inputs, circuit.populations, circuit.projections[:1])
    intact, half, whole, none = simulate(
        [circuit, ablate(circuit, 0.5), ablate(circuit), without], np.ones((1, 2)), **TIMES
    )
    assert ablate(circuit).is_excitatory_only and not ablate(circuit, 0.5).is_excitatory_only
    assert intact.rates["E"] < half.rates["E"] < whole.rates["E"] == none.rates["E"]
    equal(learnt(intact), learnt(whole))
    frozen = freeze(ablate(circuit, 0.5), intact)
    np.testing.assert_allclose(
        frozen.projections[1].weights.toarray()[:, 0], intact.weights["I->E"].values[0] / 2, rtol=1e-15
    )


def test_frozen_is_the_circuit_as_it_ended():
    circuit = drawn(1)
    response = simulate(circuit, np.ones((2, 5)), seed=[3, 4], backend="numpy", **SHORT)
    frozen = freeze(circuit, response, trial=1, seed=0)
    assert not frozen.rules and frozen.populations == circuit.populations
    for p in circuit.learning_projections:
        of = response.weights[p.name].isel(seed=0, trial=1)
        matrix = next(q for q in frozen.projections if q.name == p.name).weights.toarray()
        np.testing.assert_array_equal(matrix[of.source, of.target], of.values * p.transmission)
    for bad in ({"trial": 2}, {"seed": 2}, {"trial": True}):
        with pytest.raises(InputError, match="expected a whole number"):
            freeze(circuit, response, **bad)
    with pytest.raises(InputError, match="expected a response that has its weights"):
        freeze(circuit, simulate(frozen, np.ones((1, 5)), backend="numpy", **SHORT))
