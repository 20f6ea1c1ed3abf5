"""Gap junctions, against closed forms, plain Brian2 scripts and the unrolled DNN."""

from dataclasses import replace

import brian2 as b2
import numpy as np
import pytest
from brian2 import cm, ms, msiemens, mV, nS, pA, second
from scipy import sparse

from eisim import (
    LIF,
    AdEx,
    AllToAll,
    Circuit,
    ConductanceLIF,
    FixedInDegree,
    FixedProbability,
    GaussianProfile,
    Input,
    InputError,
    Izhikevich,
    Lognormal,
    Neuron,
    Population,
    Projection,
    Readout,
    Saturating,
    Step,
    Theta,
    ThresholdLinear,
    WangBuzsaki,
    ablate,
    load,
    mean_field,
    save,
    silence,
    simulate,
    to_dnn,
    to_spiking,
)
from eisim.circuit import union

TIMES = {"duration": 50e-3, "window": 50e-3, "dt": 0.1e-3, "backend": "numpy"}


def pair(neuron, conductance, **population):
    """Two coupled cells and an input that is silent."""
    cells = Population("cells", "I", neuron, 2, gap_junctions=[[0, conductance], [conductance, 0]], **population)
    return Circuit("pair", [Input("x")], [cells])


def network(neuron=None, rule=None, *, weight=1e-3, size=12, seed=0):
    """Excitatory and coupled inhibitory neurons, at random connected."""
    neuron = neuron or LIF()
    bias = np.linspace(0.8, 1.4, size) * getattr(neuron, "rheobase", 40.0)
    rule = FixedProbability(0.4, Lognormal(0.05, 0.03)) if rule is None else rule
    return Circuit(
        "network",
        [Input("x", 3, 200.0)],
        [Population("E", "E", neuron, size, bias), Population("I", "I", neuron, size, bias, gap_junctions=rule)],
        [
            Projection("x", "E", AllToAll(weight)),
            Projection("E", "I", FixedProbability(0.3, weight), delay=0.3e-3),
            Projection("I", "E", FixedProbability(0.3, 2 * weight), delay=0.2e-3),
        ],
        [Readout("I")],
        seed=seed,
    )


def difference(circuit, state, dt, backend="numpy"):
    """That of two cells over time, with the times, and the current into the first."""
    record = {"cells": [state, "I_gap"]}
    times = {"duration": 30e-3, "window": 10e-3, "dt": dt}
    traces = simulate(circuit, [[0.0]], record=record, backend=backend, **times).traces["cells"]
    first, second = traces[state].values[0, 0]
    return first - second, traces.time.values, traces.I_gap.values[0, 0, 0]


@pytest.mark.parametrize(
    ("neuron", "conductance", "relative", "population"),
    [
        (ThresholdLinear(), 0.7, 0.7, {"bias": 50.0, "initial": [80, 20]}),
        (LIF(threshold=0.0), 0.7, 0.7, {"initial": [-70, -60] * mV}),
        (ConductanceLIF(threshold=0.0), 7 * nS, 0.7, {"initial": [-70, -60] * mV}),
    ],
)
def test_two_coupled_passive_cells_approach_each_other_as_in_closed_form(neuron, conductance, relative, population):
    """The difference decays with the rate (1 + 2g)/tau, to the order of the step; the current is that of the state."""
    circuit, errors = pair(neuron, conductance, **population), []
    state = "r" if neuron.kind == "rate" else "v"
    for dt in (0.4e-3, 0.2e-3, 0.1e-3):
        found, times, current = difference(circuit, state, dt)
        exact = found[0] * np.exp(-(1 + 2 * relative) * times / neuron.tau)
        errors.append(np.abs(found - exact).max() / abs(found[0]))
        np.testing.assert_allclose(current, -float(conductance) * found, rtol=1e-12)
    assert errors[-1] < 0.01
    np.testing.assert_allclose(np.divide(errors[1:], errors[:-1]), 0.5, atol=0.03)


@pytest.mark.parametrize(
    ("neuron", "conductance", "initial"),
    [(AdEx(), 5 * nS, None), (WangBuzsaki(), 0.05 * msiemens / cm**2, None), (Izhikevich(), 0.1, [-75, -65])],
)
def test_neurons_of_equations_are_coupled(neuron, conductance, initial):
    """The current enters where the drive does, and brings the potentials together."""
    initial = [-75, -65] * mV if initial is None else initial
    coupled, times, current = difference(pair(neuron, conductance, initial=initial), "v", 0.05e-3)
    alone = difference(pair(neuron, 0 * conductance, initial=initial), "v", 0.05e-3)[0]
    np.testing.assert_allclose(current, -float(conductance) * coupled, rtol=1e-12)
    at = np.searchsorted(times, 3e-3)
    assert abs(coupled[at]) < 0.95 * abs(alone[at]) and coupled[0] == alone[0]


def test_a_plain_script_of_brian2_spikes_at_the_same_steps():
    """Current-based neurons, coupled by a summed variable, integrated by Brian2's exact method."""
    circuit, dt = network(size=20), 0.1e-3
    inhibitory = circuit.population("I")
    alone = replace(circuit, populations=[inhibitory], projections=[])
    ours = simulate(alone, [[0, 0, 0]], record=True, **TIMES).spikes["I"]
    b2.start_scope()
    before, b2.prefs.codegen.target = b2.prefs.codegen.target, "numpy"
    b2.defaultclock.dt = dt * second
    equations = """dv/dt = (-65*mV + bias + gap - v)/(10*ms) : volt (unless refractory)
                   bias : volt (constant)
                   gap : volt"""
    threshold = {"threshold": "v > -50*mV", "reset": "v = -65*mV", "refractory": 2 * ms, "method": "exact"}
    group = b2.NeuronGroup(20, equations, **threshold)
    group.v, group.bias = -65 * mV, inhibitory.bias * b2.volt
    junctions = b2.Synapses(group, group, "w : 1\ngap_post = w*(v_pre - v_post) : volt (summed)")
    matrix = alone.gap_junctions(inhibitory).tocoo()
    junctions.connect(i=matrix.coords[0], j=matrix.coords[1])
    junctions.w = matrix.data
    spikes = b2.SpikeMonitor(group)
    b2.Network(group, junctions, spikes).run(50 * ms)
    b2.prefs.codegen.target = before
    theirs = sorted(zip(np.round(np.asarray(spikes.t) / dt).astype(int), np.asarray(spikes.i), strict=True))
    assert sorted(zip(ours.step, ours.i, strict=True)) == theirs and len(theirs) > 20


@pytest.mark.parametrize("backend", ["numpy", pytest.param("cpp", marks=pytest.mark.slow)])
def test_same_bits_in_every_batch_and_recorded_or_not(backend):
    """Beside circuits of the same neurons without gap junctions, of other sizes and conductances."""
    stimuli = np.array([[0.2, 1, 0], [1, 0.5, 0.3]])
    plain = replace(network(), populations=[replace(p, gap_junctions=None) for p in network().populations])
    others = [network(seed=3), plain, network(rule=AllToAll(0.02), size=7)]
    times = TIMES | {"backend": backend, "dt": 0.2e-3}
    record = {"I": ["v", "I_gap", "spikes"]}
    alone = simulate(network(), stimuli, record=record, **times)
    records = [record, record, {"I": "v"}, record]
    _, middle, *_ = simulate([others[0], network(), *others[1:]], stimuli, record=records, **times)
    unseen = simulate(network(), stimuli, **times)
    first = simulate(network(), stimuli, **TIMES | {"dt": 0.2e-3})
    for found in (middle, unseen, first):
        np.testing.assert_array_equal(found.rates["I"], alone.rates["I"])
    np.testing.assert_array_equal(middle.traces["I"].v, alone.traces["I"].v)
    np.testing.assert_array_equal(middle.traces["I"].I_gap, alone.traces["I"].I_gap)
    assert alone.rates["I"].any() and np.abs(alone.traces["I"].I_gap).max() > 1e-4
    assert (alone.rates["I"] != simulate(plain, stimuli, **times).rates["I"]).any()


def test_neurons_without_junctions_do_what_they_do_alone():
    """In the same group of a program as coupled ones, of a population with none among its neurons."""
    none = network(rule=np.zeros((12, 12)))
    plain = replace(none, populations=[replace(p, gap_junctions=None) for p in none.populations])
    found, coupled, without = simulate([none, network(), plain], [[1, 1, 1]], **TIMES)
    np.testing.assert_array_equal(found.rates["I"], without.rates["I"])
    assert (coupled.rates["I"] != without.rates["I"]).any()


@pytest.mark.parametrize("moving", [False, True])
@pytest.mark.parametrize("kind", ["rate", "spiking"])
def test_the_unrolled_dnn_is_the_simulation(kind, moving):
    rate = kind == "rate"
    circuit = network(Saturating(gain=0.5) if rate else None, weight=0.2 if rate else 2e-3)
    electrode = Input("electrode", current=30.0 if rate else 5e-3)
    injects = [Projection("electrode", "I", AllToAll(1.0))]
    circuit = replace(circuit, inputs=[*circuit.inputs, electrode], projections=[*circuit.projections, *injects])
    stimuli = np.random.default_rng(1).random((2, 5, 4) if moving else (2, 4))
    times = {name: TIMES[name] for name in ("duration", "window", "dt")}
    dnn, found = to_dnn(circuit, unrolled=True, **times), simulate(circuit, stimuli, record=True, **TIMES)
    layers = np.stack(list(dnn.layers(stimuli)), axis=-1)[:, dnn.units["I"]]
    if rate:
        np.testing.assert_allclose(layers, found.traces["I"], rtol=1e-12, atol=1e-12)
    else:
        raster, spikes = np.zeros(layers.shape, dtype=bool), found.spikes["I"]
        raster[spikes.copy, spikes.i, spikes.step] = True
        np.testing.assert_array_equal(layers, raster)
    assert layers.any()
    plain = replace(circuit, populations=[replace(p, gap_junctions=None) for p in circuit.populations])
    assert (to_dnn(plain, unrolled=True, **times)(stimuli) != dnn(stimuli)).any()


@pytest.mark.parametrize("unit", [Saturating, ThresholdLinear, Step])
def test_order_is_preserved_at_every_step_up_to_the_longest(unit):
    """T1: gap junctions are positive couplings both ways, and the longest step leaves nothing of the leak."""
    rng, circuits, stimuli = np.random.default_rng(1), [], []
    for k in range(60):
        junctions = np.triu(rng.random((4, 4)) * (rng.random((4, 4)) < 0.7), 1)
        junctions = junctions + junctions.T
        junctions *= 8.999 / max(junctions.sum(axis=0).max(), 1e-9)  # a tenth of the time constant is the longest step
        cells = Population("E", "E", unit(tau=10e-3, threshold=60.0), 4, 10 * rng.random(4), gap_junctions=junctions)
        projections = [Projection("x", "E", rng.random((2, 4))), Projection("E", "E", 0.2 * rng.random((4, 4)))]
        circuits.append(Circuit(f"cooperative {k}", [Input("x", 2)], [cells], projections))
        low = rng.random(2)
        stimuli.append(np.array([low, low + rng.random(2) * (rng.random(2) < 0.7)]))
    times = {"duration": 20e-3, "window": 20e-3, "dt": 1e-3, "backend": "numpy"}
    traces = np.stack([each.traces["E"] for each in simulate(circuits, stimuli, record=True, **times)])
    assert (traces[:, 0] <= traces[:, 1] + 1e-9).all() and (traces[:, 0] < traces[:, 1]).any()
    with pytest.raises(InputError, match=r"dt: expected at most 1 ms for .* of the gap junctions of population 'E'"):
        simulate(circuits[0], stimuli[0], **times | {"dt": 1.1e-3, "duration": 22e-3, "window": 22e-3})


@pytest.mark.parametrize(
    ("neuron", "junctions", "words"),
    [
        (LIF(), [[0, 0.1], [0.2, 0]], "a symmetric matrix, found 0.1 between 0 and 1, and 0.2 between 1 and 0"),
        (LIF(), [[0, 0.1, 0], [0.1, 0, 0]], r"shape \(2, 2\), found \(2, 3\)"),
        (LIF(), [[0.1, 0], [0, 0]], "0 on the diagonal, found a junction of a neuron with itself"),
        (LIF(), [[0, -0.1], [-0.1, 0]], "0 or more, found -0.1"),
        (LIF(), [[0, np.nan], [np.nan, 0]], "finite numbers"),
        (LIF(), [[0, 1], [1, 0]] * nS, "a plain number"),
        (ConductanceLIF(), [[0, 1], [1, 0]] * mV, "a conductance such as 3"),
        (ConductanceLIF(), AllToAll(1 * mV), "weight: expected a conductance"),
        (LIF(), AllToAll(-0.1), "0 or more, found -0.1"),
        (LIF(), FixedInDegree(1, 0.1), "AllToAll without silent sources, FixedProbability or GaussianProfile"),
        (LIF(), AllToAll(0.1, silent=(0,)), "AllToAll without silent sources"),
        (ConductanceLIF(), AllToAll(Lognormal(1 * mV, 1 * mV)), "found a quantity in volt"),
        (Theta(), AllToAll(0.1), "neurons whose potential v and whose drive are in V, or in V and A, .* found Theta"),
        (Neuron("dv/dt = -v/(10*ms) : volt", threshold="v > 1*mV", reset="v = 0*mV"), AllToAll(0.1), "whose drive"),
        (LIF(), "all", "expected"),
    ],
)
def test_what_gap_junctions_cannot_be_is_named(neuron, junctions, words):
    with pytest.raises(InputError, match=f"gap_junctions.*{words}"):
        Population("I", "I", neuron, 2, gap_junctions=junctions)


@pytest.mark.parametrize(
    "rule",
    [
        AllToAll(0.01),
        FixedProbability(0.5, 0.02),
        FixedProbability(0.5, Lognormal(0.02, 0.01)),
        GaussianProfile(0.9, 0.2, 0.02),
    ],
)
def test_rules_couple_pairs_once(rule):
    circuit = network(rule=rule, size=30)
    inhibitory = circuit.population("I")
    matrix = circuit.gap_junctions(inhibitory).toarray()
    np.testing.assert_array_equal(matrix, matrix.T)
    assert not matrix.diagonal().any() and matrix.any()
    assert f"{np.count_nonzero(matrix) // 2} gap junctions" in circuit._repr_html_()
    if isinstance(rule, FixedProbability):
        assert 0.4 < (matrix > 0).sum() / (30 * 29) < 0.6
        assert (matrix != network(rule=rule, size=30, seed=1).gap_junctions(inhibitory).toarray()).any()
        assert replace(circuit, projections=[], inputs=[Input("x")]).is_random
    both = union([circuit, network(rule=rule, size=30, seed=5)])
    np.testing.assert_array_equal(both.gap_junctions(both.population("0/I")).toarray(), matrix)


def test_ablation_and_silence_leave_them_and_membranes_of_silenced_neurons_act():
    circuit = network()
    junctions = circuit.gap_junctions(circuit.population("I")).toarray()
    for changed in (ablate(circuit), ablate(circuit, during=(10 * ms, 20 * ms)), silence(circuit, 0.5)):
        np.testing.assert_array_equal(changed.gap_junctions(changed.population("I")).toarray(), junctions)
    quiet = silence(circuit, 0.5, seed=1)
    silenced = list(quiet.population("I").silenced)
    traces = simulate(quiet, [[1, 1, 1]], record={"I": ["I_gap"]}, **TIMES).traces["I"].I_gap.values[0, 0]
    touches = junctions[silenced].any(axis=0)
    assert touches.any() and traces[touches].any(axis=-1).all()
    assert not simulate(quiet, [[1, 1, 1]], **TIMES).rates["I"][:, silenced].any()


def test_saved_loaded_and_continued(tmp_path):
    for circuit in (network(), network(rule=sparse.csr_array(0.02 * (1 - np.eye(12))))):
        save(circuit, tmp_path / "coupled.eisim")
        again = load(tmp_path / "coupled.eisim")
        found, expected = simulate([again, circuit], [[1, 1, 1]], **TIMES)
        np.testing.assert_array_equal(found.rates["I"], expected.rates["I"])
    cells = replace(network(Saturating()), projections=[])
    half = {"duration": 25e-3, "window": 25e-3, "dt": 0.1e-3, "backend": "numpy"}
    first = simulate(cells, [[1, 1, 1]], keep_state=True, **half)
    second_half = simulate(cells, [[1, 1, 1]], initial=first, record=True, **half)
    whole = simulate(cells, [[1, 1, 1]], record=True, **TIMES)
    np.testing.assert_array_equal(second_half.traces["I"], whole.traces["I"][..., 250:])


def test_what_has_no_gap_junctions_says_so():
    circuit, rates = network(), network(Saturating())
    for call in (lambda: mean_field(circuit), lambda: to_dnn(circuit), lambda: to_dnn(rates)):
        with pytest.raises(InputError, match=r"(gap junctions|those) of population 'I'"):
            call()
    with pytest.raises(InputError, match="to_spiking: expected no gap junctions, found those of population 'I'"):
        to_spiking(rates, [[1, 1, 1]])
    with pytest.raises(InputError, match=r"record: 'E': expected some of 'v', .*found 'I_gap'"):
        simulate(circuit, [[1, 1, 1]], record={"E": "I_gap"}, **TIMES)


@pytest.mark.parametrize("kind", ["rate", "spiking", "conductances"])
def test_in_brian2_they_are_summed_variables(kind):
    before, b2.prefs.codegen.target = b2.prefs.codegen.target, "numpy"
    neuron = {"rate": Saturating(gain=0.5), "spiking": LIF(), "conductances": ConductanceLIF()}[kind]
    weight, rule = {"rate": (0.2, None), "spiking": (2e-3, None), "conductances": (2 * nS, AllToAll(0.2 * nS))}[kind]
    circuit = network(neuron, rule, weight=weight)
    if kind == "rate":
        circuit = replace(circuit, projections=[replace(p, delay=0.0) for p in circuit.projections])
    made = circuit.to_brian2([1, 0.5, 0.2], duration=50 * ms, dt=0.1 * ms)
    made.network.run(50 * ms)
    b2.prefs.codegen.target = before
    ours = simulate(circuit, [[1, 0.5, 0.2]], record=True, **TIMES)
    assert len(made.synapses["gap junctions of I"]) == circuit.gap_junctions(circuit.population("I")).nnz
    if kind == "rate":
        np.testing.assert_allclose(np.asarray(made.monitors["I"].r), ours.traces["I"][0], rtol=1e-9, atol=1e-9)
    elif kind == "spiking":
        theirs = np.round(np.asarray(made.monitors["I"].t) / 0.1e-3).astype(int), np.asarray(made.monitors["I"].i)
        spikes = ours.spikes["I"].step, ours.spikes["I"].i
        assert sorted(zip(*theirs, strict=True)) == sorted(zip(*spikes, strict=True)) and len(spikes[0]) > 10
        assert made.note.startswith("Exact")
    else:
        counts = made.monitors["I"].num_spikes, len(ours.spikes["I"].i)
        assert counts[0] == pytest.approx(counts[1], rel=0.05) and counts[1] > 20


def test_current_in_amperes():
    circuit = pair(ConductanceLIF(), 2 * nS, initial=[-70, -60] * mV)
    traces = simulate(circuit, [[0]], record={"cells": "I_gap"}, **TIMES).traces["cells"]
    assert traces.I_gap.attrs["units"] == "A" and traces.I_gap.values[0, 0, 0, 0] == pytest.approx(20 * pA / b2.amp)
