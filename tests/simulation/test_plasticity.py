"""Weights that are learnt, against plain Brian2 scripts and closed forms, and the same whatever the batch."""

import brian2 as b2
import numpy as np
import pytest
import xarray
from brian2 import Hz, ms, mV, nS, second
from hypothesis import given, settings
from hypothesis import strategies as st

from eisim import (
    LIF,
    AdEx,
    AllToAll,
    Circuit,
    ConductanceLIF,
    Delta,
    Exponential,
    HodgkinHuxley,
    Input,
    InputError,
    Izhikevich,
    Population,
    Projection,
    Readout,
    ShortTerm,
    ThresholdLinear,
    ablate,
    freeze,
    load,
    save,
    simulate,
)
from eisim.base import processes
from eisim.base.timing import Timing
from eisim.distributions import Lognormal
from eisim.plasticity import STDP, Hebb, InhibitoryPlasticity, Oja, PlasticityRule, SynapticScaling, TripletSTDP
from eisim.simulation import shares
from eisim.simulation.layout import Trials
from eisim.simulation.memory import bytes_of
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
    return sorted(zip(np.round(spikes.t_ / 1e-4).astype(int), spikes.i, strict=True)), np.array(weights.w_)


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
    neuron = AdEx() if rng.random() < 0.3 else ConductanceLIF(noise=2 * mV)
    populations = [Population("E", "E", neuron, 4, bias=0.8e-9), Population("I", "I", neuron, 3, bias=0.8e-9)]
    inputs, readouts = [Input("x", 5, 60 * Hz, train="poisson")], [Readout("E")]
    circuit = Circuit(f"drawn {seed}", inputs, populations, projections, readouts)
    changed = ablate(circuit, 0.3), ablate(circuit, 0.6, during=(50 * ms, 110 * ms), wash_in=10 * ms), circuit
    return changed[rng.integers(3)]


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
    circuits, stimuli = [drawn(seed) for seed in range(8)], np.ones((2, 5))
    assert {rule.name for c in circuits for rule in c.rules.values()} == {rule.name for rule in RULES}
    assert len({c.populations[0].neuron.structure for c in circuits}) == 2 and any(
        p.transient and p.learning for c in circuits for p in c.projections
    )
    found = [simulate(circuits, stimuli, seed=[1, 2], backend=b, **SHORT) for b in ("numpy", "cpp")]
    for ours, compiled in zip(*found, strict=True):
        equal(learnt(ours), learnt(compiled))
        assert all((ours.rates[name] == compiled.rates[name]).all() for name in ours.rates)
    changed = [not np.array_equal(w[0, 0], w[1, 1]) for c in found[0] for w in learnt(c).values()]
    assert np.mean(changed) > 0.8


def test_compiled_and_numpy_learn_the_same_bits_in_other_units():
    """Current-based synapses that jump, and equations of users whose weights have units of their own."""
    others = [
        (HodgkinHuxley(), 30 * nS, STDP(largest=100 * nS, potentiation=0.1)),
        (Izhikevich(), 9.0, InhibitoryPlasticity(target=10 * Hz, step=0.5)),
        (LIF(excitation=Delta(), inhibition=Delta()), 8 * mV, TripletSTDP(largest=10 * mV, triplet=0.1)),
    ]
    circuits = [trained(rule) for rule, *_ in PLAIN.values()]
    for neuron, weight, rule in others:
        weights = [np.full(shape, float(weight)) for shape in ((7, 3), (3, 3), (3, 3))]
        populations = [Population("E", "E", neuron, 3), Population("I", "I", neuron, 3)]
        ends = [("x", "E"), ("E", "I"), ("I", "E")]
        projections = [Projection(*e, w, 1 * ms, learning=rule) for e, w in zip(ends, weights, strict=True)]
        circuits.append(Circuit("other", [Input("x", 7, 150 * Hz)], populations, projections))
    found = [simulate(circuits, np.ones((1, 7)), **TIMES | {"backend": b}) for b in ("numpy", "cpp")]
    for ours, compiled in zip(*found, strict=True):
        equal(learnt(ours), learnt(compiled))
        assert any(np.ptp(w.values) > 0 for w in ours.weights.values())


def test_shares_make_the_whole(monkeypatch):
    circuits, stimuli = [drawn(seed) for seed in (1, 3)], np.linspace(0.2, 1.5, 7)[:, None] * np.ones(5)
    names = [next(iter(c.rules)) for c in circuits]
    how = {"seed": [3, 4], "record": [{name: "w"} for name in names], "trials": [5, 0], "backend": "numpy", **SHORT}
    whole = simulate(circuits, stimuli, **how)
    monkeypatch.setattr(shares, "WORTHWHILE", 1)
    monkeypatch.setattr(processes, "processors", lambda: 3)
    for name, ours, shared in zip(names, whole, simulate(circuits, stimuli, **how), strict=True):
        equal(learnt(ours), learnt(shared))
        assert ours.traces[name].identical(shared.traces[name])


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


def rates(rule, delay=0 * ms, sign="E"):
    """Three afferents onto two units that answer with the weighted sum."""
    weights = [[0.3, 0.1], [0.2, 0.5], [0.4, 0.2]]
    projections = [
        Projection("x", "E", weights, delay, learning=rule),
        Projection("E", "out", [[0.3, 0.1], [0.2, 0.5]], delay, learning=rule),
    ]
    units = [Population("E", sign, ThresholdLinear(tau=2 * ms), 2), Population("out", "E", ThresholdLinear(), 2)]
    return Circuit("rates", [Input("x", 3, 10 * Hz)], units, projections)


RATES = {"duration": 200 * ms, "window": 50 * ms, "dt": 0.1 * ms, "backend": "numpy"}
STIMULI = np.array([[1, 2, 0.5], [0.3, 0.2, 1.0]])


def test_ojas_rule_turns_weights_to_the_direction_of_the_input_with_length_1():
    found = simulate(rates(Oja(tau=5 * ms)), STIMULI, **RATES).weights["x->E"].values.reshape(2, 3, 2)
    direction = STIMULI / np.linalg.norm(STIMULI, axis=1, keepdims=True)
    np.testing.assert_allclose(found, np.repeat(direction[..., None], 2, axis=2), rtol=1e-6)


@pytest.mark.parametrize("rule", [Oja(tau=50 * ms), Hebb(tau=1 * second, largest=0.55)], ids=["Oja", "Hebb"])
@pytest.mark.parametrize("sign", ["E", "I"])
def test_rates_and_weights_are_eulers_steps(rule, sign):
    """Both of the state at the beginning of a step; the delay is that of the rate before the synapse."""
    late, dt = 7, 1e-4
    response = simulate(rates(rule, late * dt * second, sign), STIMULI, record={"x->E": "w", "E->out": "w"}, **RATES)
    one, two = (np.array(p.weights.toarray()) for p in response.circuit.projections)
    tau, largest = float(rule["tau"]), 0.55 if rule.name == "Hebb" else np.inf

    def learn(w, pre, post):
        pre, post = pre[:, None] / 10, post[None] / 10
        change = pre * post if rule.name == "Hebb" else post * (pre - post * w)
        return np.clip(w + change * dt / tau, 0, largest)

    x, middle, out = 10 * STIMULI[1], np.zeros(2), np.zeros(2)
    past, seen = [np.zeros((late, 3)), np.zeros((late, 2))], []
    for _ in range(2000):
        seen.append((one, two))
        before = past[0][0], past[1][0]
        drives = before[0] @ one, (1 if sign == "E" else -1) * (before[1] @ two)
        one, two = learn(one, before[0], middle), learn(two, before[1], out)
        past = [np.vstack([p[1:], [now]]) for p, now in zip(past, (x, middle), strict=True)]
        middle = middle + dt / 2e-3 * (np.maximum(drives[0], 0) - middle)
        out = out + dt / 10e-3 * (np.maximum(drives[1], 0) - out)
    for name, k in (("x->E", 0), ("E->out", 1)):
        expected = np.array([each[k].ravel() for each in seen]).T
        np.testing.assert_allclose(response.traces[name].w[0, 1], expected, rtol=1e-9)
    assert not np.array_equal(one, [[0.3, 0.1], [0.2, 0.5], [0.4, 0.2]])


def test_compiled_and_numpy_learn_the_same_bits_of_rates():
    circuits = [rates(Oja(tau=50 * ms)), rates(Hebb(largest=0.6), 0.5 * ms, "I"), rates(None), rates(Oja(), 1 * ms)]
    circuits.append(ablate(circuits[1], 0.5))
    found = [simulate(circuits, STIMULI, **RATES | {"backend": b}) for b in ("numpy", "cpp")]
    for ours, compiled, circuit in zip(*found, circuits, strict=True):
        alone = simulate(circuit, STIMULI[1:], **RATES)
        equal(learnt(ours), learnt(compiled))
        equal(learnt(alone, trial=0), learnt(ours, trial=1))
        for response in (compiled, alone):
            assert all((ours.rates[name][-1] == response.rates[name][-1]).all() for name in ours.rates)


def test_scaling_is_multiplicative_and_stops_at_the_target_rate():
    """With an estimate of the rate that is fast, the weights settle where the cell fires at its target."""
    rule = SynapticScaling(target=25 * Hz, speed=0.4, tau=200 * ms)
    weights = np.array([[2.0], [5.0], [8.0]]) * mV
    projections = [Projection("x", "E", weights, learning=rule)]
    circuit = Circuit("scaled", [Input("x", 3, 200 * Hz)], [Population("E", "E", LIF())], projections)
    long = {**TIMES, "duration": 4 * second, "window": 2 * second, "dt": 0.5 * ms}
    response = simulate(circuit, np.ones((1, 3)), **long)
    assert response.rates["E"].item() == pytest.approx(25, abs=1.5)
    found = response.weights["x->E"].values[0]
    np.testing.assert_allclose(found / found[0], [1, 2.5, 4], rtol=1e-9)


def test_a_silent_cell_scales_its_weights_up_exponentially():
    rule = SynapticScaling(target=10 * Hz, speed=0.1, tau=100 * ms, largest=30 * mV)
    circuit = pair(rule, 10, 500)  # B is never reached by what A sends
    found = simulate(circuit, [[1, 1]], record={"A->B": ["w", "rate"]}, **TIMES).traces["A->B"]
    np.testing.assert_allclose(found.w[0, 0, 0], 1e-3 * (1 + 1e-4) ** np.arange(3000), rtol=1e-9)
    assert not found.rate.values.any() and found.rate.attrs["units"] == "Hz"


def test_responses_with_weights_are_tables_and_files(tmp_path):
    circuit = drawn(1)
    names = list(circuit.rules)
    record = {"E": "v", names[0]: ["w", *circuit.rules[names[0]].variables]}
    asked = {"neurons": {names[0]: [3, 1]}, "every": 10 * ms, "trials": [1]}
    response = simulate(circuit, np.ones((2, 5)), seed=[1, 2], record=record, backend="numpy", **asked, **SHORT)
    kept = response.traces[names[0]]
    assert kept.w.dims == ("seed", "trial", "synapse", "time") and kept.w.shape == (2, 1, 2, 15)
    assert kept.synapse.values.tolist() == [3, 1] and kept.trial.values.tolist() == [1]
    ends = response.weights[names[0]]
    assert (kept.source == ends.source[[3, 1]]).all() and (kept.target == ends.target[[3, 1]]).all()
    save(response, tmp_path / "response.eisim")
    loaded = load(tmp_path / "response.eisim")
    equal(learnt(loaded), learnt(response))
    assert loaded.traces[names[0]].identical(kept) and loaded.circuit.rules == circuit.rules
    table = response.to_xarray()
    table.to_netcdf(tmp_path / "response.nc", engine="scipy")
    read = xarray.load_dataset(tmp_path / "response.nc", engine="scipy")
    for dataset in (table, read):
        np.testing.assert_array_equal(dataset[f"{names[0]}_weight"], ends)
        np.testing.assert_array_equal(dataset[f"{names[0]}_source"], ends.source)
        np.testing.assert_array_equal(dataset[f"{names[0]}_w"], kept.w)
    rows = response.traces_to_dataframe().query("population == @names[0] and seed == 2 and neuron == 3")
    np.testing.assert_array_equal(rows.w, kept.w[1, 0, 0])
    assert response.plot() is not None and "learn" not in repr(response)


def test_what_of_a_projection_can_be_recorded():
    circuit = pair(STDP(largest=4 * mV), 10, 20)
    for record, words in (
        ({"A->B": "g"}, "record: 'A->B': expected some of 'w', 'pre', 'post', found 'g'"),
        ({"x->A": "w"}, r"record: expected names of populations, .*A->B\), found 'x->A'.*its weights stay"),
    ):
        with pytest.raises(InputError, match=words):
            simulate(circuit, [[1, 1]], record=record, **TIMES)
    with pytest.raises(InputError, match="neurons: 'A->B': expected numbers from 0 to 0, found 1"):
        simulate(circuit, [[1, 1]], record={"A->B": "w"}, neurons={"A->B": [1]}, **TIMES)
    with pytest.raises(InputError, match="projection 'A->B': expected weights that stay, found STDP"):
        simulate(circuit, [[1, 1]], keep_state=True, **TIMES)


@pytest.mark.filterwarnings("ignore:invalid value encountered in sqrt")
def test_weights_that_run_away_are_no_result():
    rule = PlasticityRule(on_pre="w *= A", A=1e200)
    for on_pre, more in (("w += A*(w - w0)**0.5/w0**0.5", {"A": 1 * mV, "w0": 2 * mV}), ("w *= A*A", {"A": 1e200})):
        circuit = pair(PlasticityRule(on_pre=on_pre, **more), 10, 20)
        with pytest.raises(InputError, match="expected weights that stay finite, found 1 of 1 that do not"):
            simulate(circuit, [[1, 1]], **TIMES)
    assert simulate(pair(rule, 10, 20), [[1, 1]], **TIMES).weights["A->B"].item() == 1e197


def test_memory_of_what_is_learnt_is_known_before():
    many = np.ones((1000, 1000))
    for rule, fits in ((None, True), (STDP(largest=4 * nS), False)):
        cells = [Population("E", "E", ConductanceLIF(), 1000)]
        circuit = Circuit("many", [Input("x", 1000)], cells, [Projection("x", "E", many * nS, learning=rule)])
        trials = Trials(circuit, np.ones((10, 1000)), np.arange(10), np.arange(1), False)
        (needed,) = bytes_of([trials], Timing(0.1, 0.1, 1e-4))
        assert (needed < 1e9) == fits


def test_a_users_name_is_none_of_ours():
    """Names that the code has for itself, as a variable and as a parameter."""
    ends = [
        simulate(pair(rule, 10, 20), [[1, 1]], **TIMES).weights["A->B"].item()
        for rule in (
            PlasticityRule(
                f"d{x}/dt = -{x}/{tau} : 1 (event-driven)",
                on_pre=f"{x} += 1",
                on_post=f"w += A*{x}",
                A=1 * mV,
                **{tau: 9 * ms},
            )
            for x, tau in (("x", "tau"), ("learnt_at", "tau"), ("x", "learnt_at"), ("share", "course"))
        )
    ]
    assert ends[0] > 1e-3 and ends == ends[:1] * 4


def test_weights_of_other_synapses_are_not_taken():
    def circuit(weights):
        projection = Projection("x", "E", np.array(weights) * mV, learning=STDP(largest=4 * mV))
        return Circuit("two", [Input("x", 2)], [Population("E", "E", LIF(), 2)], [projection], [Readout("E")])

    response = simulate(circuit([[1, 1], [0, 1]]), [[1, 1]], **TIMES)
    assert freeze(circuit([[2, 2], [0, 2]]), response).projections[0].weights.nnz == 3
    with pytest.raises(InputError, match="expected weights of its synapses, found those of synapses between other"):
        freeze(circuit([[0, 1], [1, 1]]), response)


def test_weights_are_not_drawn_above_the_largest():
    learning = STDP(largest=0.2 * mV)
    drawn = Projection("x", "E", AllToAll(Lognormal(1 * mV, 3 * mV)), learning=learning)
    circuit = Circuit("drawn", [Input("x", 9)], [Population("E", "E", LIF(), 9)], [drawn], [Readout("E")])
    with pytest.raises(InputError, match=r"weights: expected up to the largest of its rule, 0.2 mV, found .* drawn"):
        simulate(circuit, np.ones((1, 9)), **TIMES)
