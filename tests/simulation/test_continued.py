"""A simulation that begins where another has ended is the second part of one."""

import re
from dataclasses import replace

import numpy as np
import pytest
from brian2 import ms, mV
from hypothesis import given, settings
from hypothesis import strategies as st

from eisim import (
    LIF,
    NMDA,
    AllToAll,
    Alpha,
    Circuit,
    Conductance,
    ConductanceLIF,
    Delta,
    Gamma,
    Input,
    InputError,
    Neuron,
    Population,
    Projection,
    Readout,
    ShortTerm,
    Theta,
    ThresholdLinear,
    ablate,
    load,
    save,
    simulate,
)
from eisim.simulation import shares
from tests.support import two_choice
from tests.support.drawn import draw_circuit

DT = 0.5e-3
WHOLE = {"duration": 200e-3, "window": 100e-3, "dt": DT}
HALF = WHOLE | {"duration": 100e-3}
STIMULI = np.array([[1.0, 0.5, 0.7], [0.4, 1.0, 0.9], [0.0, 0.3, 1.0]])


def halves(circuit, stimuli=STIMULI, **options):
    """The whole run, and its second half as a run by itself; options may be those of every backend."""
    options = {"record": True, "backend": "numpy"} | options
    whole = simulate(circuit, stimuli, **WHOLE, **options)
    first = simulate(circuit, stimuli, **HALF, keep_state=True, **options)
    return whole, simulate(circuit, stimuli, **HALF, initial=first, **options)


def assert_continues(whole, second):
    """The second half has the bits of that of the whole run."""
    steps = round(HALF["duration"] / DT)
    for name, rates in second.rates.items():
        np.testing.assert_array_equal(rates, whole.rates[name])
    for name, spikes in second.spikes.items():
        late = whole.spikes[name].step >= steps
        expected = [
            whole.spikes[name].copy[late],
            whole.spikes[name].neuron[late],
            whole.spikes[name].step[late] - steps,
        ]
        np.testing.assert_array_equal([spikes.copy, spikes.neuron, spikes.step], expected)
    for name, traces in second.traces.items():
        np.testing.assert_array_equal(traces, whole.traces[name][..., steps:])


@pytest.mark.slow
@given(st.integers(0, 10**6), st.sampled_from(["rate", "spiking"]))
@settings(max_examples=6, deadline=None)
def test_two_halves_are_the_whole(seed, kind):
    circuit = draw_circuit(kind, seed, delays=kind == "rate")
    whole, second = halves(circuit)
    assert_continues(whole, second)


#: A neuron whose reset also changes a variable without an equation of its own.
COUNTING = Neuron(
    """dv/dt = (E - v + I_e - w - k)/tau : volt (unless refractory)
    dI_e/dt = -I_e/tau_e : volt
    dI_i/dt = -I_i/tau_i : volt
    dw/dt = (0.2*(v - E) - w)/tau_w : volt
    k : volt""",
    threshold="v > -50*mV",
    reset="v = E; w += 1*mV; k += 0.1*mV",
    refractory=3 * ms,
    excitation="I_e",
    inhibition="-I_i",
    method="euler",
    tau=10 * ms,
    tau_e=5 * ms,
    tau_i=8 * ms,
    tau_w=50 * ms,
    E=-65 * mV,
)
NEURONS = {
    "alpha": (LIF(excitation=Alpha(2e-3), refractory=20e-3), 30e-3),
    "jumps": (LIF(excitation=Delta(), inhibition=Delta(), reset_by_subtraction=True), 6e-3),
    "conductance": (ConductanceLIF(inhibition=Conductance(-70e-3, 8e-3, 1e-3)), 8e-9),
    "theta": (Theta(tau=5e-3), 1.0),
    "equations": (COUNTING, 20e-3),
}


def pooled(neuron, weight, name="c"):
    populations = [Population("E", "E", neuron, 4), Population("I", "I", neuron, 3)]
    projections = [
        Projection("x", "E", np.full((3, 4), weight)),
        Projection("x", "I", np.full((3, 3), weight)),
        Projection("E", "I", AllToAll(weight / 4)),
        Projection("I", "E", AllToAll(weight / 4)),
    ]
    return Circuit(name, [Input("x", 3, 150.0)], populations, projections, [Readout("E")])


@pytest.mark.parametrize("backend", ["numpy", pytest.param("cpp", marks=pytest.mark.slow)])
def test_models_pools_refractoriness_and_seeds_continue_in_one_batch(backend):
    circuits = [pooled(*each) for each in NEURONS.values()]
    whole, second = halves(circuits, backend=backend, seed=[1, 2])
    for one, other in zip(whole, second, strict=True):
        assert_continues(one, other)
        assert one.spikes["E"].step.size > 10
    (first, *_) = simulate(circuits, STIMULI, **HALF, keep_state=True, seed=[1, 2], backend=backend)
    assert first.state["E"]["v"].shape == (2, 3, 4) and first.state["x"]["phase"].shape == (2, 3, 3)
    assert (first.state["E"]["free_at"] > 0).any() and first.state["E"].keys() == {"v", "I_e", "x_e", "I_i", "free_at"}


def test_one_settling_is_the_start_of_many_trials_and_circuits():
    circuit = pooled(*NEURONS["conductance"])
    options = {"backend": "numpy", "record": True}
    settled = simulate(circuit, STIMULI[:1], **HALF, keep_state=True, **options)
    beside = simulate([circuit, ablate(circuit), circuit], STIMULI, **HALF, initial=[settled, settled, None], **options)
    for trial in range(3):
        alone = simulate(circuit, STIMULI[trial : trial + 1], **HALF, initial=settled, **options)
        mine = beside[0].spikes["E"].copy == trial
        np.testing.assert_array_equal(alone.spikes["E"].step, beside[0].spikes["E"].step[mine])
    fresh = simulate(circuit, STIMULI, **HALF, **options)
    np.testing.assert_array_equal(beside[2].spikes["E"].step, fresh.spikes["E"].step)
    assert not np.array_equal(beside[0].spikes["E"].step, fresh.spikes["E"].step)
    assert beside[1].rates["E"].sum() > beside[0].rates["E"].sum()


def test_shares_of_a_batch_keep_and_take_the_states_of_their_trials(monkeypatch):
    circuit = pooled(*NEURONS["jumps"])
    whole, _ = halves(circuit)
    monkeypatch.setattr(shares, "WORTHWHILE", 1)
    monkeypatch.setattr(shares.processes, "processors", lambda: 2)
    _, shared = halves(circuit)
    assert_continues(whole, shared)


def test_a_saved_response_continues(tmp_path):
    circuit = pooled(*NEURONS["conductance"])
    first = simulate(circuit, STIMULI, **HALF, keep_state=True, backend="numpy")
    save(first, tmp_path / "first.eisim")
    loaded = load(tmp_path / "first.eisim")
    one, other = (simulate(circuit, STIMULI, **HALF, initial=r, backend="numpy", record=True) for r in (first, loaded))
    np.testing.assert_array_equal(one.spikes["E"].step, other.spikes["E"].step)


def test_noise_begins_anew_and_noise_of_rates_continues_its_value():
    circuit = Circuit("c", [Input("x")], [Population("E", "E", ThresholdLinear(noise=5.0), 3, 20.0)])
    first = simulate(circuit, [[0]], **HALF, keep_state=True, backend="numpy", seed=4)
    again = simulate(circuit, [[0]], **HALF, backend="numpy", seed=4, keep_state=True)
    np.testing.assert_array_equal(first.state["E"]["noise_drive"], again.state["E"]["noise_drive"])
    on, other = (simulate(circuit, [[0]], **HALF, initial=first, record=True, backend="numpy", seed=s) for s in (4, 5))
    r, eta = first.state["E"]["r"][0], first.state["E"]["noise_drive"][0]
    np.testing.assert_allclose(on.traces["E"][0, :, 0], r + DT / 10e-3 * (np.maximum(20 + eta, 0) - r), rtol=1e-12)
    assert (on.traces["E"][..., 1] != other.traces["E"][..., 1]).all()


def with_projection(**changes):
    circuit = pooled(*NEURONS["alpha"])
    return replace(circuit, projections=[replace(p, **changes) if p.source == "E" else p for p in circuit.projections])


NMDAR = Circuit(
    "n",
    [Input("x", 3)],
    [Population("E", "E", ConductanceLIF(nmda=NMDA()), 2)],
    [Projection("x", "E", np.ones((3, 2)) * 1e-9, receptor="nmda")],
)


@pytest.mark.parametrize(
    ("circuit", "said"),
    [
        (
            with_projection(delay=1e-3),
            "'E->I': expected no delay, since spikes on their way would be lost, found up to 1",
        ),
        (with_projection(delay=Gamma(1e-3, 1e-4)), "'E->I': expected no delay"),
        (
            with_projection(plasticity=ShortTerm()),
            "expected synapses without a state of their own, found short-term pl",
        ),
        (NMDAR, "expected synapses without a state of their own, found NMDA receptors"),
    ],
)
def test_what_cannot_continue_is_refused(circuit, said):
    with pytest.raises(InputError, match=re.escape(said)):
        simulate(circuit, STIMULI, **HALF, keep_state=True, backend="numpy")
    simulate(replace(circuit, projections=()), STIMULI, **HALF, keep_state=True, backend="numpy")


def test_another_circuit_or_time_step_is_refused():
    circuit = pooled(*NEURONS["alpha"])
    first = simulate(circuit, STIMULI, **HALF, keep_state=True, backend="numpy")

    def refused(said, circuit=circuit, initial=first, stimuli=STIMULI, **times):
        with pytest.raises(InputError, match=re.escape(said)) as error:
            simulate(circuit, stimuli, **HALF | times, initial=initial, backend="numpy")
        assert "\n" not in str(error.value)

    refused("expected the response of another simulation, found 3", initial=3)
    plain = simulate(circuit, STIMULI, **HALF, backend="numpy")
    refused("expected a response of simulate(..., keep_state=True), found one without its state", initial=plain)
    refused("in steps of 0.001 s, found spiking in steps of 0.0005 s", dt=1e-3)
    refused("x.phase: expected 1 or 1 seeds × 2 or 1 trials × 3 neurons, found 1 × 3 × 3", stimuli=STIMULI[:2])
    refused("initial: expected one for all or one for each of 1 circuits, found 2", initial=[first, first])
    refused(
        "'E': expected the state variables free_at, v, found I_e, I_i, free_at, v, x_e",
        circuit=pooled(*NEURONS["jumps"]),
    )
    larger = replace(circuit, populations=[replace(p, size=5, bias=0.0) for p in circuit.populations], projections=())
    refused("E.I_e_pool: expected 1 or 1 seeds × 3 or 1 trials × 5 neurons", circuit=larger)
    with pytest.raises(InputError, match="keep_state: expected True or False, found 'yes'"):
        simulate(circuit, STIMULI, **HALF, keep_state="yes", backend="numpy")
    late = draw_circuit("rate", 1)
    late = replace(late, projections=[replace(p, delay=2e-3) for p in late.projections])
    now = replace(late, projections=[replace(p, delay=0.0) for p in late.projections])
    settled = simulate(now, STIMULI, **HALF, keep_state=True, backend="numpy")
    refused("expected a response that holds the rates of 1 steps ago", circuit=late, initial=settled)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["alpha", "conductance"])
def test_what_a_pool_held_goes_on_in_neurons_without_one(name):
    """And the other way round, up to rounding."""
    circuit = pooled(*NEURONS[name])
    dense = replace(circuit, projections=[replace(p, weights=circuit.weights(p)) for p in circuit.projections])
    options = {"backend": "numpy", "keep_state": True}
    whole = simulate(circuit, STIMULI, **WHOLE, **options)
    for first, second in ((circuit, dense), (dense, circuit)):
        settled = simulate(first, STIMULI, **HALF, **options)
        found = simulate(second, STIMULI, **HALF, initial=settled, **options)
        np.testing.assert_allclose(found.state["E"]["v"], whole.state["E"]["v"], rtol=1e-9)
        np.testing.assert_array_equal(found.rates["I"], whole.rates["I"])


def test_the_state_has_the_names_of_the_neuron_and_holds_all_of_a_variable():
    """What a recording of a longer run has at that time, pools included; the refractory period in s."""
    for name in ("equations", "conductance"):
        circuit = pooled(*NEURONS[name])
        first = simulate(circuit, STIMULI, **HALF, keep_state=True, backend="numpy", record=True)
        neuron = circuit.population("E").neuron
        assert first.state["E"].keys() == {*neuron.states, "free_at"}
        whole = simulate(circuit, STIMULI, **WHOLE, record={"E": list(neuron.states)}, backend="numpy").traces["E"]
        for variable in neuron.states:
            there = whole[variable].sel(time=HALF["duration"], method="nearest").values[0]
            np.testing.assert_allclose(first.state["E"][variable], there, rtol=1e-12)
        last = np.full((3, 4), -np.inf)
        np.maximum.at(last, (first.spikes["E"].copy, first.spikes["E"].neuron), first.spikes["E"].t)
        until = last + neuron.refractory - HALF["duration"]
        fired = np.isfinite(last)
        assert fired.any()
        np.testing.assert_allclose(first.state["E"]["free_at"][fired], until[fired], atol=DT * 1.01)
        with pytest.raises(InputError, match=r"Response.state: expected one of .*, found 'Z'"):
            first.state["Z"]
        with pytest.raises(InputError, match=r"Response.state\['E'\]: expected one of v, .*, found 'u'"):
            first.state["E"]["u"]


def test_ablation_in_time_and_states_of_other_populations_are_refused():
    circuit = pooled(*NEURONS["alpha"])
    options = {"backend": "numpy", "keep_state": True}
    with pytest.raises(InputError, match="expected the same transmission throughout, found ablation in time"):
        simulate(ablate(circuit, during=(10 * ms, 20 * ms)), STIMULI, **HALF, **options)
    first = simulate(circuit, STIMULI, **HALF, **options)
    fewer = Circuit("f", circuit.inputs, circuit.populations[:1], (), [])
    with pytest.raises(InputError, match=r"expected the state of E, x, found that of E, I, x"):
        simulate(fewer, STIMULI, **HALF, initial=first, backend="numpy")
    rates = Circuit("r", [Input("x")], [Population(n, "E", ThresholdLinear(), 1, 20.0) for n in "AB"])
    first = simulate(rates, [[0]], **HALF, **options)
    with pytest.raises(InputError, match="expected the state of A, x, found that of A, B"):
        simulate(replace(rates, populations=rates.populations[:1]), [[0]], **HALF, initial=first, backend="numpy")


def test_without_noise_keeps_the_initial_rate_and_leaves_out_that_of_the_noise():
    def unit(initial):
        return Circuit("c", [Input("x")], [Population("E", "E", ThresholdLinear(noise=5.0), 2, 20.0, initial=initial)])

    quiet = unit({"r": 3.0, "noise_drive": 2.0}).without_noise().population("E")
    assert quiet.neuron.noise == 0 and np.array_equal(quiet.initial, [3, 3])
    assert unit({"noise_drive": 2.0}).without_noise().population("E").initial is None


@pytest.mark.parametrize("kind", ["rate", "spiking"])
def test_times_of_an_ablation_in_time_count_from_where_it_begins(kind):
    """A settled circuit is ablated for a while in the second simulation, as it is in one long one."""
    circuit = two_choice.circuit(kind).without_noise()
    settled = simulate(circuit, two_choice.STIMULI, **HALF, keep_state=True, backend="numpy")
    long, lost = (ablate(circuit, during=(begin * ms, (begin + 40) * ms)) for begin in (120, 20))
    whole = simulate(long, two_choice.STIMULI, **WHOLE, record=True, backend="numpy")
    second = simulate(lost, two_choice.STIMULI, **HALF, initial=settled, record=True, backend="numpy")
    assert_continues(whole, second)
    intact = simulate(circuit, two_choice.STIMULI, **HALF, initial=settled, backend="numpy")
    assert any((second.rates[name] != intact.rates[name]).any() for name in "EI")
