"""Ablation from one time to another: until it begins nothing differs, while it lasts it is the ablation."""

import brian2 as b2
import numpy as np
import pytest
from brian2 import Hz, ms, mV
from hypothesis import given, settings
from hypothesis import strategies as st

from eisim import (
    LIF,
    AllToAll,
    Circuit,
    ConductanceLIF,
    FixedProbability,
    Input,
    InputError,
    Population,
    Projection,
    Readout,
    ShortTerm,
    ThresholdLinear,
    Transient,
    ablate,
    load,
    mean_field,
    save,
    simulate,
    to_dnn,
)
from tests.support.drawn import draw_circuit

TIMES = {"duration": 60e-3, "window": 60e-3, "dt": 0.1e-3}
DURING = (20 * ms, 40 * ms)
BEGIN, END = 200, 400  # steps


def spiking(pooled=False, **plasticity):
    rule = AllToAll(0.3 * mV) if pooled else FixedProbability(0.4, 1.5 * mV)
    return Circuit(
        "spiking",
        [Input("x")],
        [Population("E", "E", LIF(), 20, bias=16 * mV), Population("I", "I", LIF(), 8, bias=15 * mV)],
        [
            Projection("x", "E", np.full((1, 20), 2) * mV),
            Projection("E", "I", FixedProbability(0.3, 0.6 * mV), 1 * ms),
            Projection("I", "E", rule, 0.5 * ms, **plasticity),
            Projection("I", "I", FixedProbability(0.4, 0.5 * mV), np.full((8, 8), 1.5) * ms),
        ],
        [Readout("E")],
    )


def rate():
    units = ThresholdLinear(tau=5 * ms)
    return Circuit(
        "rate",
        [Input("x")],
        [Population("E", "E", units, 3, bias=20 * Hz), Population("I", "I", units, 2, bias=5 * Hz)],
        [
            Projection("x", "E", np.ones((1, 3))),
            Projection("E", "I", np.full((3, 2), 0.3), 1 * ms),
            Projection("I", "E", np.full((2, 3), 0.4), 2 * ms),
            Projection("I", "I", np.full((2, 2), 0.1)),
        ],
        [Readout("E")],
    )


def run(circuits, backend="numpy", **keywords):
    return simulate(circuits, [[1.0]], record=True, backend=backend, **TIMES | keywords)


def activity(response, first=0, last=10**9):
    """All that happened from one step to another."""
    if response.traces:
        return np.concatenate([trace[..., first:last].ravel() for trace in response.traces.values()])
    found = [
        np.stack([s.copy, s.neuron, s.step])[:, (s.step >= first) & (s.step < last)] for s in response.spikes.values()
    ]
    return np.concatenate([part.ravel() for part in found])


times = st.floats(0, 0.1)


@given(times, st.floats(0.01, 0.1), st.floats(1e-3, 0.05), st.floats(1e-3, 0.05), st.floats(0.01, 1))
def test_the_course_is_that_of_first_order_kinetics(start, length, wash_in, wash_out, fraction):
    lost = Transient(fraction, start, start + length, wash_in, wash_out)
    at, dt = np.linspace(0, 0.3, 6001, retstep=True)
    level, expected = 0.0, []
    for t in at:  # Euler steps of its equation
        expected.append(1 - fraction * level)
        inside = start <= t < start + length
        level += dt * ((1 - level) / wash_in if inside else -level / wash_out)
    np.testing.assert_allclose(lost.transmission(at), expected, atol=0.06)
    at = at[(abs(at - start) > 1e-8) & (abs(at - start - length) > 1e-8)]
    expected = np.where((at >= start) & (at < start + length), 1 - fraction, 1.0)
    assert np.array_equal(Transient(fraction, start, start + length).transmission(at), expected)


@given(st.integers(0, 20_000), st.integers(1, 20_000), st.sampled_from([0.1e-3, 0.05e-3, 0.025e-3]))
def test_whole_steps_begin_and_end_it_in_their_step(first, length, dt):
    steps = np.arange(first + length + 3)
    for unit in (1.0, 1e-3):  # as seconds, and as milliseconds times a thousandth
        start, stop = ((k * (dt / unit)) * unit for k in (first, first + length))
        kept = Transient(1.0, start, stop).transmission(steps * dt)
        assert np.array_equal(kept, np.where((steps >= first) & (steps < first + length), 0.0, 1.0))


CIRCUITS = {
    "spiking": spiking,
    "pooled": lambda: spiking(pooled=True),
    "depressing": lambda: spiking(plasticity=ShortTerm(0.5, 50 * ms)),
    "rate": rate,
}


@pytest.mark.parametrize("name", CIRCUITS)
def test_nothing_differs_before_and_all_the_time_is_the_ablation(name):
    circuit = CIRCUITS[name]()
    parts = [{}, {"projections": ["I->E"]}]
    batch = [circuit]
    for part in parts:
        always = ablate(circuit, 0.7, during=(0 * ms, 61 * ms), **part)
        batch += [ablate(circuit, 0.7, during=DURING, **part), ablate(circuit, 0.7, **part), always]
    intact, *found = run(batch)
    assert np.array_equal(activity(intact), activity(run(circuit)))  # whatever else is in the batch
    for during, ablated, always in zip(*[iter(found)] * 3, strict=True):
        assert np.array_equal(activity(during, 0, BEGIN), activity(intact, 0, BEGIN))
        assert not np.array_equal(activity(during, BEGIN), activity(intact, BEGIN))
        assert np.array_equal(activity(always), activity(ablated))
    assert np.array_equal(activity(run(batch[1])), activity(found[0]))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["spiking", "rate"])
def test_compiled_and_on_numpy_the_bits_are_the_same(name):
    circuit = CIRCUITS[name]()
    batch = [circuit, *(ablate(circuit, f, ["I->E"], during=DURING, wash_in=5 * ms, wash_out=9 * ms) for f in (0.5, 1))]
    for compiled, numpy in zip(run(batch, "cpp"), run(batch), strict=True):
        assert np.array_equal(activity(compiled), activity(numpy))


@pytest.mark.parametrize("name", ["spiking", "rate"])
def test_what_is_ablated_already_may_be_ablated_for_a_while(name):
    ablated = ablate(CIRCUITS[name]())
    assert np.array_equal(activity(run(ablate(ablated, during=DURING), "cpp")), activity(run(ablated)))


def test_rates_recover_after_the_loss():
    circuit = rate()
    found = run(ablate(circuit, during=(100 * ms, 200 * ms)), duration=0.4).traces["E"][0]
    intact, ablated = (run(each, duration=0.4).traces["E"][0, :, -1] for each in (circuit, ablate(circuit)))
    np.testing.assert_allclose(found[:, 999], intact, rtol=1e-3)
    np.testing.assert_allclose(found[:, 1999], ablated, rtol=1e-3)
    np.testing.assert_allclose(found[:, 3999], intact, rtol=1e-3)
    assert (ablated > 1.2 * intact).all()


@pytest.mark.parametrize("kind", ["rate", "spiking"])
@settings(max_examples=4)
@given(seed=st.integers(0, 10**6), start=st.integers(0, 300), length=st.integers(1, 300), wash=st.booleans())
def test_the_unrolled_dnn_is_the_simulation(kind, seed, start, length, wash):
    circuit = draw_circuit(kind, seed)
    if not circuit.inhibitory_projections:
        return
    taus = {"wash_in": 4 * ms, "wash_out": 6 * ms} if wash else {}
    first, *_ = circuit.inhibitory_projections
    lost = ablate(circuit, 0.8, [first.name], during=(start * 0.1 * ms, (start + length) * 0.1 * ms), **taus)
    stimuli = np.random.default_rng(seed).random((2, 3))
    response = simulate(lost, stimuli, backend="numpy", **TIMES)
    np.testing.assert_allclose(to_dnn(lost, True, **TIMES)(stimuli), response.readouts, rtol=1e-9, atol=1e-9)


def test_a_brian2_script_has_the_same_spikes():
    """Neurons, weights and delays written by hand; transmission as a TimedArray."""
    neuron = LIF(tau=12 * ms)
    weights = np.random.default_rng(0).uniform(0, 3e-3, (4, 6))
    circuit = Circuit(
        "script",
        [Input("x")],
        [
            Population("I", "I", neuron, 4, bias=[16e-3, 17e-3, 18e-3, 19e-3] * b2.volt),
            Population("E", "E", neuron, 6, bias=17 * mV),
        ],
        [Projection("I", "E", weights * b2.volt, 1 * ms)],
    )
    lost = ablate(circuit, 0.9, during=(40 * ms, 90 * ms), wash_in=5 * ms, wash_out=3 * ms)
    mine = simulate(lost, [[0.0]], record=True, backend="numpy", duration=0.15, window=0.15).spikes["E"]

    def keep_at(t):
        c = 0 if t < 40 else 1 - np.exp(-(t - 40) / 5) if t < 90 else (1 - np.exp(-10)) * np.exp(-(t - 90) / 3)
        return 1 - 0.9 * c

    b2.start_scope()
    b2.prefs.codegen.target = "numpy"
    b2.defaultclock.dt = 0.1 * ms
    keep = b2.TimedArray([keep_at(round(0.1 * k, 6)) for k in range(1500)], dt=0.1 * ms)
    group = b2.NeuronGroup(
        10,
        """dv/dt = (-65*mV + bias - v + I_i)/(12*ms) : volt (unless refractory)
        dI_i/dt = -I_i/(10*ms) : volt
        bias : volt""",
        threshold="v > -50*mV",
        reset="v = -65*mV",
        refractory=2 * ms,
        method="exact",
    )
    group.v, group.bias = -65 * mV, np.r_[16, 17, 18, 19, [17] * 6] * mV
    synapses = b2.Synapses(group, group, "w : volt", on_pre="I_i_post -= w*keep(t)", delay=1 * ms)
    synapses.connect(i=np.repeat(np.arange(4), 6), j=np.tile(np.arange(4, 10), 4))
    synapses.w = weights.ravel() * b2.volt
    spikes = b2.SpikeMonitor(group)
    b2.Network(group, synapses, spikes).run(150 * ms, namespace={"keep": keep, "mV": mV, "ms": ms})
    theirs = sorted((round(t / (0.1 * ms)), i - 4) for i, t in zip(spikes.i, spikes.t, strict=True) if i >= 4)
    assert sorted(zip(mine.step.tolist(), mine.neuron.tolist(), strict=True)) == theirs and len(theirs) > 10


def test_what_cannot_take_it_says_so(tmp_path):
    circuit = ablate(spiking(), during=DURING)
    for refuses in (to_dnn, mean_field):
        with pytest.raises(InputError, match="the transient loss of projection 'I->E'"):
            refuses(circuit)
    with pytest.raises(InputError, match="the transient loss of projection"):
        to_dnn(ablate(rate(), during=DURING))
    with pytest.raises(InputError, match="found a transient loss of transmission"):
        circuit.to_brian2()
    save(circuit, tmp_path / "circuit.eisim")
    assert load(tmp_path / "circuit.eisim").projections[2].transient == Transient(1.0, *DURING)
    assert not circuit.is_excitatory_only and "Transient" in circuit._repr_html_()
    for wrong, words in (
        ({"during": 3}, "during: expected two times"),
        ({"during": "ab"}, "during: expected two times"),
        ({"during": [1, 2, 3] * ms}, "during: expected two times"),
        ({"during": (40 * ms, 20 * ms)}, "stop: expected more than the start"),
        ({"during": (-1 * ms, 20 * ms)}, "start: expected 0 or more"),
        ({"during": (1 * mV, 20 * ms)}, "start: expected"),
        ({"during": DURING, "wash_in": -1 * ms}, "wash_in: expected 0 or more"),
        ({"wash_out": 1 * ms}, "expected `during`"),
    ):
        with pytest.raises(InputError, match=words):
            ablate(spiking(), 0.5, **wrong)
    with pytest.raises(InputError, match="have no Transient yet, found I->E"):
        ablate(circuit, during=DURING)
    with pytest.raises(InputError, match="transient: expected Transient"):
        Projection("I", "E", [[1]], transient=3)
    assert ablate(spiking(), 0, during=DURING).projections[2].transient is None
    with pytest.raises(InputError, match="during: expected two times"):
        ablate(spiking(), 0, during=("bad",))
    assert ablate(spiking(), during=[20, 40] * ms).projections[2].transient == Transient(1.0, *DURING)
    with pytest.raises(UserWarning, match="the plain number 500 is 500 s"):
        ablate(spiking(), during=(500, 800))


def test_conductances_too():
    neuron = ConductanceLIF()
    circuit = Circuit(
        "conductances",
        [Input("x")],
        [Population("E", "E", neuron, 10, bias=200 * b2.pA), Population("I", "I", neuron, 5, bias=250 * b2.pA)],
        [Projection("I", "E", FixedProbability(0.8, 4 * b2.nS), 1 * ms)],
    )
    intact, during, ablated = run([circuit, ablate(circuit, during=DURING), ablate(circuit)], duration=0.1)
    assert np.array_equal(activity(during, 0, BEGIN), activity(intact, 0, BEGIN))
    counts = [(each.spikes["E"].step >= BEGIN).sum() for each in (intact, during, ablated)]
    assert counts[0] < counts[1] < counts[2]
