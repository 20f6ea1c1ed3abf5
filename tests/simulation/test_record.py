"""Variables that are recorded, against plain Brian2, closed forms and other ways to the same."""

import brian2 as b2
import numpy as np
import pytest
from brian2 import Hz, ms, mV, nS
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
    Independent,
    Input,
    InputError,
    Population,
    Projection,
    ShortTerm,
    Theta,
    load,
    save,
    simulate,
)
from eisim.base import memory, processes
from eisim.neurons import Logistic, Saturating
from eisim.simulation import shares
from tests.support.drawn import draw_circuit

TIMES = {"duration": 60e-3, "window": 30e-3, "dt": 0.1e-3}
COARSE = {"duration": 50e-3, "window": 30e-3, "dt": 0.5e-3, "backend": "numpy"}


def feed_forward(neuron, weights=(5 * mV, 6 * mV, 5 * mV), inhibition=None, **options):
    """Ten afferents excite five cells, and three others that inhibit these."""
    rng = np.random.default_rng(1)
    ones = rng.random((10, 5)), rng.random((10, 3)), rng.random((3, 5))
    dense = [np.asarray(w) * one for w, one in zip(weights, ones, strict=True)]
    return Circuit(
        "feed-forward inhibition",
        [Input("thalamus", 10, 300 * Hz, train="poisson")],
        [Population("PYR", "E", neuron, 5, **options), Population("PV", "I", neuron, 3)],
        [
            Projection("thalamus", "PYR", dense[0], 1 * ms),
            Projection("thalamus", "PV", dense[1], rng.integers(1, 20, (10, 3)) * 0.1e-3),
            Projection("PV", "PYR", inhibition or dense[2], 0.5 * ms),
        ],
    )


def test_currents_and_potentials_are_those_of_a_plain_brian2_script():
    circuit = feed_forward(LIF(tau=20 * ms, refractory=2 * ms))
    record = {"PYR": ["v", "I_e", "I_i", "spikes"], "PV": ["v", "spikes"], "thalamus": "spikes"}
    ours = simulate(circuit, np.ones((1, 10)), record=record, backend="numpy", **TIMES)

    b2.prefs.codegen.target = "numpy"
    clock = b2.Clock(0.1 * ms)
    given = ours.spikes["thalamus"]
    source = b2.SpikeGeneratorGroup(10, given.i, given.t * b2.second, clock=clock)
    groups = {
        name: b2.NeuronGroup(
            size,
            """dv/dt = (-65*mV - v + I_e + I_i)/(20*ms) : volt (unless refractory)
            dI_e/dt = -I_e/(5*ms) : volt
            dI_i/dt = -I_i/(10*ms) : volt""",
            threshold="v > -50*mV",
            reset="v = -65*mV",
            refractory=2 * ms,
            method="exact",
            clock=clock,
        )
        for name, size in (("PYR", 5), ("PV", 3))
    }
    everything = [clock, source, *groups.values()]
    for projection in circuit.projections:
        pre, target = groups.get(projection.source, source), groups[projection.target]
        receptor = "I_i_post -= w" if projection.source == "PV" else "I_e_post += w"
        synapses = b2.Synapses(pre, target, "w : volt", on_pre=receptor, clock=clock)
        rows, columns = np.indices(projection.weights.shape).reshape(2, -1)
        synapses.connect(i=rows, j=columns)
        synapses.w_[:] = projection.weights.toarray().ravel()
        synapses.delay_[:] = np.broadcast_to(projection.delay, projection.weights.shape).ravel()
        everything.append(synapses)
    for group in groups.values():
        group.v = -65 * mV
    states = {name: b2.StateMonitor(group, True, record=True, clock=clock) for name, group in groups.items()}
    spikes = {name: b2.SpikeMonitor(group) for name, group in groups.items()}
    network = b2.Network(*everything[1:], *states.values(), *spikes.values())
    network.run(60 * ms)

    assert len(ours.spikes["PV"].t) > 10 < len(ours.spikes["PYR"].t)
    for name, variables in record.items():
        if name != "thalamus":
            np.testing.assert_allclose(ours.spikes[name].t, np.sort(spikes[name].t_), rtol=1e-12)
            assert sorted(zip(ours.spikes[name].step, ours.spikes[name].i, strict=True)) == sorted(
                zip(np.round(spikes[name].t_ / 1e-4).astype(int), spikes[name].i, strict=True)
            )
            for variable in set(variables) - {"spikes"}:
                found = ours.traces[name][variable]
                assert found.attrs["units"] == "V"
                theirs = getattr(states[name], f"{variable}_")
                np.testing.assert_allclose(found[0, 0], theirs, rtol=1e-9, atol=1e-15)
                np.testing.assert_allclose(found.time, states[name].t_, rtol=1e-12)


SYNAPSES = {
    "excitation": Conductance(0 * mV, 5 * ms, rise=0.5 * ms),
    "inhibition": Conductance(-80 * mV, 10 * ms),
    "nmda": NMDA(tau=80 * ms),
}


def shared(excitation, nmda, inhibition, initial=None):
    """Cells that all get the same, by a rule or synapse by synapse."""
    neuron = ConductanceLIF(**SYNAPSES, threshold=0.0, refractory=0.0)

    def given(weight, size):
        return AllToAll(weight) if initial is None else np.full((size, 4), float(weight))

    return Circuit(
        "shared",
        [Input("x", 6, 200 * Hz, train="poisson"), Input("y", 2, 90 * Hz, train="poisson")],
        [Population("E", "E", neuron, 4, initial=np.linspace(-70e-3, -50e-3, 4)), Population("I", "I", LIF(), 2)],
        [
            Projection("x", "E", given(excitation, 6)),
            Projection("x", "E", given(nmda, 6), receptor="nmda", name="slow"),
            Projection("y", "I", np.full((2, 2), 30e-3)),
            Projection("I", "E", given(inhibition, 2), 1 * ms),
        ],
    )


CURRENTS = ["v", "g_e", "g_i", "g_n", "I_e", "I_i", "I_n"]


def test_what_comes_by_way_of_a_pool_is_what_synapses_give():
    weights = 1 * nS, 2 * nS, 3 * nS
    pooled, explicit = (
        simulate(shared(*weights, initial=each), np.ones((2, 8)), record={"E": CURRENTS}, backend="numpy", **TIMES)
        for each in (None, 0)
    )
    for name in CURRENTS:
        found = pooled.traces["E"][name]
        assert np.ptp(found.values) > 0, name
        np.testing.assert_allclose(found, explicit.traces["E"][name], rtol=1e-9, atol=1e-20)


def test_recorded_currents_charge_the_membrane():
    circuit = shared(1 * nS, 2 * nS, 3 * nS)
    dt = 0.02e-3
    how = {"duration": 40e-3, "window": 10e-3, "dt": dt, "backend": "numpy"}
    found = simulate(circuit, np.ones((1, 8)), record={"E": CURRENTS}, **how).traces["E"]
    assert [found[name].attrs["units"] for name in CURRENTS] == ["V", "S", "S", "S", "A", "A", "A"]
    neuron = circuit.population("E").neuron
    current = found.I_e + found.I_i + found.I_n + neuron.leak * (neuron.rest - found.v)
    charging = neuron.capacitance * np.diff(found.v) / dt
    middle = (current.values[..., 1:] + current.values[..., :-1]) / 2
    spikes = np.abs(np.diff(found.g_e)) + np.abs(np.diff(found.g_i)) + np.abs(np.diff(found.g_n))
    smooth = spikes < np.quantile(spikes, 0.9)
    np.testing.assert_allclose(charging[smooth], middle[smooth], atol=2e-3 * np.abs(middle).max())
    assert (found.I_e >= 0).all() and (found.I_i <= 0).all() and (found.I_n >= 0).all()


def test_block_of_nmda_receptors_is_in_the_current_and_not_in_the_conductance():
    found = simulate(
        shared(1 * nS, 2 * nS, 3 * nS), np.ones((1, 8)), record={"E": ["v", "g_n", "I_n"]}, backend="numpy", **TIMES
    ).traces["E"]
    share = 1 / (1 + 1 / 3.57 * np.exp(-62 * found.v))
    np.testing.assert_allclose(found.I_n, found.g_n * share * (0 - found.v), rtol=1e-12)


def test_conductance_of_one_spike():
    """Each spike comes after a delay, with the rise and decay of the receptor."""
    neuron = ConductanceLIF(excitation=Conductance(0 * mV, 5 * ms, rise=1 * ms))
    circuit = Circuit(
        "one",
        [Input("x", 1, 40 * Hz)],
        [Population("E", "E", neuron, 1)],
        [Projection("x", "E", [[2 * nS]], 1 * ms)],
    )
    response = simulate(circuit, [[1.0]], record={"E": ["g_e", "g_i"], "x": "spikes"}, backend="numpy", **TIMES)
    arrivals = response.spikes["x"].t + 1e-3 + 1e-4  # what arrives in a step is there at the beginning of the next
    found = response.traces["E"]
    late = np.maximum(found.time.values[:, None] - arrivals, 0)
    shape = (np.exp(-late / 5e-3) - np.exp(-late / 1e-3)).sum(axis=1)
    assert 1 <= len(arrivals) <= 3
    peak = np.log(5) * 5e-3 * 1e-3 / 4e-3
    exact = 2e-9 * shape / (np.exp(-peak / 5e-3) - np.exp(-peak / 1e-3))
    np.testing.assert_allclose(found.g_e[0, 0, 0], exact, rtol=1e-9, atol=1e-22)
    assert not found.g_i.any()


def test_rate_units_record_what_makes_their_next_rate():
    inputs, units = [Input("x", 2, 50 * Hz)], Saturating(tau=5 * ms, gain=1.5)
    circuit = Circuit(
        "rates",
        inputs,
        [Population("E", "E", units, 2, [5.0, 1.0]), Population("I", "I", Logistic(), 1)],
        [
            Projection("x", "E", [[1.0, 0.3], [0.2, 0.5]]),
            Projection("x", "I", [[0.6], [0.4]], 3 * ms),
            Projection("E", "I", [[0.5], [0.4]]),
            Projection("I", "E", [[0.7, 0.9]], 2 * ms),
        ],
    )
    stimuli = np.random.default_rng(0).random((3, 100, 2))
    names = ["r", "I_e", "I_i", "drive", "activation"]
    found = simulate(circuit, stimuli, record={"E": names, "I": "r"}, **COARSE).traces
    rates = simulate(circuit, stimuli, record=True, **COARSE).traces
    assert found["E"].sizes == {"seed": 1, "trial": 3, "neuron": 2, "time": 100}
    assert {each.attrs["units"] for each in found["E"].values()} == {"Hz"}
    r = found["E"].r.values[0]
    np.testing.assert_array_equal(r[..., 1:], rates["E"][..., :-1])
    e, i, drive = (found["E"][name].values[0] for name in ("I_e", "I_i", "drive"))
    np.testing.assert_allclose(drive, np.array([[5.0], [1.0]]) + e + i, rtol=1e-12)
    inhibition = np.zeros_like(i)
    inhibition[..., 4:] = -np.array([[0.7], [0.9]]) * found["I"].r.values[0][..., :-4]
    np.testing.assert_allclose(i, inhibition, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(e, 50 * np.einsum("kti,ij->kjt", stimuli, [[1.0, 0.3], [0.2, 0.5]]), rtol=1e-12)
    activation = found["E"].activation.values[0]
    np.testing.assert_allclose(activation, units.transfer(drive), rtol=1e-12)
    np.testing.assert_allclose(r[..., 1:], (r + 0.1 * (activation - r))[..., :-1], rtol=1e-12)


def test_input_noise_of_rate_units():
    circuit = Circuit(
        "noisy",
        [Input("x", 1, 10 * Hz)],
        [Population("E", "E", Saturating(noise=5 * Hz), 2)],
        [Projection("x", "E", [[1.0, 1.0]])],
    )
    found = simulate(circuit, [[1.0]], record={"E": ["drive", "noise_drive", "I_e", "I_i"]}, seed=[3, 4], **COARSE)
    found = found.traces["E"]
    np.testing.assert_allclose(found.drive, found.I_e + found.I_i + found.noise_drive, rtol=1e-12)
    assert (found.I_e == 10).all() and (found.I_i == 0).all() and found.noise_drive.std() > 1
    assert found.seed.values.tolist() == [3, 4] and (found.noise_drive[0] != found.noise_drive[1]).any()


NEURONS = {
    "LIF": (LIF(noise=3 * mV), 8 * mV, ["v", "I_e", "I_i"]),
    "alpha": (LIF(excitation=Alpha(2 * ms), inhibition=Delta()), 6 * mV, ["v", "I_e", "x_e"]),
    "conductances": (ConductanceLIF(**SYNAPSES, noise=2 * mV), 4 * nS, ["v", "g_e", "I_e", "I_i", "x_n"]),
    "theta": (Theta(), 0.2, ["v", "I_e", "I_i"]),
}


def mixed(neuron, weight):
    """A circuit with everything that brings spikes to a cell: synapses, pools, a Poisson drive, depression."""
    unit = weight * np.ones((2, 3))
    return Circuit(
        f"mixed {type(neuron).__name__}",
        [Input("x", 2, 150 * Hz, train="poisson"), Input("z", 1, 400 * Hz, train="poisson")],
        [Population("E", "E", neuron, 3), Population("I", "I", neuron, 2)],
        [
            Projection("x", "E", unit, 1 * ms, plasticity=ShortTerm()),
            Projection("x", "I", weight * np.ones((2, 2))),
            Projection("z", "E", Independent(weight)),
            Projection("I", "E", unit / 4, 1 * ms),
            Projection("E", "I", AllToAll(weight / 4)),
        ],
    )


def assert_same_bits(a, b):
    for name, recording in a.traces.recordings.items():
        same = b.traces.recordings[name]
        assert recording.values.keys() == same.values.keys()
        for variable, values in recording.values.items():
            np.testing.assert_array_equal(values, same.values[variable], err_msg=f"{name}.{variable}")
            assert values.tobytes() == same.values[variable].tobytes() or not values.all()
    for name, spikes in a.spikes.items():
        for column in ("copy", "neuron", "step"):
            np.testing.assert_array_equal(getattr(spikes, column), getattr(b.spikes[name], column))
    for name, rates in a.rates.items():
        np.testing.assert_array_equal(rates, b.rates[name])


@pytest.mark.parametrize("name", NEURONS)
def test_recording_changes_nothing_and_the_batch_does_not_change_it(name):
    neuron, weight, variables = NEURONS[name]
    circuit, stimuli = mixed(neuron, weight), np.array([[1.0, 0.5, 1.0], [0.3, 1.0, 0.2]])
    record = {"E": [*variables, "spikes"], "I": "v", "x": "spikes"}
    how = COARSE | {"seed": [3, 4]}
    alone = simulate(circuit, stimuli, record=record, **how)
    without = simulate(circuit, stimuli, record=True, **how)
    assert set(alone.spikes) == {"E", "x"} and set(alone.traces) == {"E", "I"}
    for population, rates in without.rates.items():
        np.testing.assert_array_equal(rates, alone.rates[population])
    for population, spikes in alone.spikes.items():
        np.testing.assert_array_equal(spikes.step, without.spikes[population].step)
        np.testing.assert_array_equal(spikes.i, without.spikes[population].i)
        assert len(spikes.t) > 5
    other_neuron, other_weight, other = NEURONS["conductances" if name == "LIF" else "LIF"]
    others = [mixed(other_neuron, other_weight), circuit, mixed(neuron, weight * 0.5)]
    records = [{"I": other}, record, {"E": "v"}]
    among = simulate(others, [stimuli[:1], stimuli, stimuli], record=records, **how)[1]
    assert_same_bits(alone, among)


@pytest.mark.slow
@given(st.integers(0, 10**6), st.integers(0, 10**6), st.booleans())
@settings(max_examples=3)
def test_drawn_circuits_record_the_same_in_every_batch(seed, other, is_rate):
    kind = "rate" if is_rate else "spiking"
    circuits = [draw_circuit(kind, other), draw_circuit(kind, seed), draw_circuit(kind, other + 1)]
    names = ["r", "drive", "I_e", "I_i"] if is_rate else ["v", "I_e", "I_i"]
    record = {population.name: names for population in circuits[1].populations}
    stimuli = np.random.default_rng(seed).random((2, 3))
    alone = simulate(circuits[1], stimuli, record=record, **COARSE)
    among = simulate(circuits, stimuli, record=[True, record, False], **COARSE)
    assert_same_bits(alone, among[1])
    assert_same_bits(simulate(circuits[0], stimuli, record=True, **COARSE), among[0])


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["rate", *NEURONS])
def test_backends_record_the_same_bits(kind):
    if kind == "rate":
        circuit, record = draw_circuit("rate", 3), {"p0": ["r", "drive", "I_e", "I_i", "activation"], "p1": "r"}
    else:
        neuron, weight, variables = NEURONS[kind]
        circuit, record = mixed(neuron, weight), {"E": [*variables, "spikes"], "I": "spikes"}
    how = COARSE | {"seed": [1, 2], "record": record, "every": 1.5 * ms, "neurons": 0, "trials": 1}
    stimuli = np.random.default_rng(0).random((2, 3))
    ours = simulate(circuit, stimuli, **how)
    compiled = simulate(circuit, stimuli, **how | {"backend": "cpp"})
    assert_same_bits(ours, compiled)
    plain = simulate(
        circuit,
        stimuli,
        **how | {"backend": "cpp", "record": kind != "rate", "every": None} | dict.fromkeys(("neurons", "trials")),
    )
    for name, rates in plain.rates.items():
        np.testing.assert_array_equal(rates, compiled.rates[name])
    for name, spikes in compiled.spikes.items():
        np.testing.assert_array_equal(spikes.step, plain.spikes[name].step)


def test_chosen_neurons_trials_and_times_are_those_of_all():
    circuit, stimuli = mixed(*NEURONS["conductances"][:2]), np.random.default_rng(0).random((4, 3))
    how = COARSE | {"seed": [1, 2]}
    whole = simulate(circuit, stimuli, record={"E": ["v", "I_e"], "I": "v"}, **how)
    chosen = {"neurons": {"E": [2, 0]}, "trials": [3, 1], "every": 2 * ms}
    part = simulate(circuit, stimuli, record={"E": ["v", "I_e"], "I": "v"}, **how, **chosen)
    places = {"trial": [3, 1], "time": slice(None, None, 4)}
    for name, more in (("E", {"neuron": [2, 0]}), ("I", {})):
        expected = whole.traces[name].isel(places | more)
        assert expected.identical(part.traces[name])
    assert simulate(circuit, stimuli, record={"E": "v"}, neurons=1, **how).traces["E"].neuron.values.tolist() == [1]


def test_circuits_of_a_batch_record_different_populations():
    circuit, stimuli = mixed(*NEURONS["LIF"][:2]), np.ones((2, 3))
    records = [{"E": "v"}, {"I": iter(["v", "spikes"])}, {"E": "spikes"}, False]
    how = COARSE | {"neurons": {"E": [2], "I": [0]}, "trials": 1}
    e, i, spikes, _ = simulate([circuit] * 4, stimuli, record=records, **how)
    assert e.traces["E"].neuron.values.tolist() == [2] and i.traces["I"].neuron.values.tolist() == [0]
    assert e.traces["E"].trial.values.tolist() == [1] and not spikes.traces and set(spikes.spikes) == {"E"}
    with pytest.raises(InputError, match=r"neurons: expected populations of which variables are recorded .*'Z'"):
        simulate([circuit] * 2, stimuli, record=[{"E": "v"}, {"I": "v"}], **COARSE, neurons={"Z": [0]})


def test_what_was_recorded_cannot_be_changed():
    traces = simulate(mixed(*NEURONS["LIF"][:2]), np.ones((1, 3)), record={"E": "v"}, **COARSE).traces
    with pytest.raises(ValueError, match=r"copy|read-only"):
        traces["E"]["v"][:] = 0
    assert traces["E"]["v"].values.any()


@pytest.mark.parametrize(("trials", "chosen"), [(7, None), (4, [6, 1, 2]), (4, [0]), (1, 0)])
def test_shares_make_the_whole(monkeypatch, trials, chosen):
    circuits, stimuli = (
        [mixed(*NEURONS["LIF"][:2])] * 2,
        [np.random.default_rng(0).random((7, 3)), np.ones((trials, 3))],
    )
    record = [{"E": ["v", "spikes"]}, False]
    if trials == 1:
        record = {"E": "v", "x": "spikes"}
    how = COARSE | {"seed": [3, 4], "record": record, "trials": chosen}
    whole = simulate(circuits, stimuli, **how)
    monkeypatch.setattr(shares, "WORTHWHILE", 1)
    monkeypatch.setattr(processes, "processors", lambda: 3)
    for a, b in zip(whole, simulate(circuits, stimuli, **how), strict=True):
        assert_same_bits(a, b)
        for name, found in a.traces.items():
            assert found.identical(b.traces[name])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"record": {"PYR": "w"}}, "record: 'PYR': expected some of 'v', 'I_e', 'I_i', 'I_ext', 'spikes', found 'w'"),
        ({"record": {"PYR": ["v", 3]}}, "found 3"),
        ({"record": {"PYR": []}}, "found none"),
        ({"record": {}}, "empty dict"),
        ({"record": {"PRY": "v"}}, "(PYR, PV, thalamus), found 'PRY'; did you mean 'PYR'?"),
        ({"record": {"thalamus": "v"}}, "record: 'thalamus': expected some of 'spikes', found 'v'"),
        ({"record": "v"}, "a dict that names what to record"),
        ({"record": {"PYR": "v"}, "neurons": 5}, "neurons: 'PYR': expected numbers from 0 to 4, found 5"),
        ({"record": {"PYR": "v"}, "neurons": {"PV": 0}}, "neurons: expected populations"),
        ({"record": {"PYR": "v"}, "neurons": [1, 1]}, "expected different numbers"),
        ({"record": {"PYR": "v"}, "neurons": [[1], [2, 3]]}, "neurons: 'PYR': expected a whole number or a list"),
        ({"record": {"PYR": "v"}, "neurons": True}, "neurons: 'PYR': expected a whole number or a list"),
        ({"record": {"PYR": "v"}, "trials": 1.0}, "trials: expected a whole number or a list"),
        ({"record": {"PYR": "v"}, "trials": 2}, "trials: expected numbers from 0 to 0, found 2"),
        ({"record": {"PYR": "v"}, "every": 0.25 * ms}, "every: expected a whole number of time steps of 0.0001 s"),
        ({"record": {"PYR": "v"}, "every": 1 * mV}, "every: expected a time"),
        ({"record": {"PYR": "v"}, "every": 1.0}, "up to the duration of 0.06 s"),
        ({"record": True, "every": 1 * ms}, "every: expected it with a dict as record"),
        ({"record": {"PYR": {"v": 1}}}, "record: 'PYR': expected a list of 'v', 'I_e', 'I_i', 'I_ext', 'spikes'"),
        ({"record": {"PYR": "spikes"}, "every": 1 * ms}, "every: expected variables to record, such as"),
        ({"record": {"PYR": ["spikes"]}, "neurons": 1}, "neurons: expected variables to record, such as"),
        ({"record": {"PYR": "spikes"}, "trials": 0}, "trials: expected variables to record, such as"),
    ],
)
def test_what_cannot_be_recorded(options, message):
    with pytest.raises(InputError) as caught:
        simulate(feed_forward(LIF()), np.ones((1, 10)), backend="numpy", **TIMES, **options)
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_delta_synapses_and_rate_units_say_what_they_have():
    circuit = feed_forward(LIF(excitation=Delta()))
    with pytest.raises(InputError, match="expected some of 'v', 'I_i', 'I_ext', 'spikes', found 'I_e'"):
        simulate(circuit, np.ones((1, 10)), record={"PYR": "I_e"}, backend="numpy", **TIMES)
    with pytest.raises(InputError, match=r"of circuit 'mixed LIF' \(E, I, x\), found 'z'"):
        simulate(mixed(LIF(), 1 * mV), np.ones((1, 3)), record={"z": "spikes"}, **COARSE)
    with pytest.raises(InputError, match="'r', 'drive', 'activation', 'I_e', 'I_i', 'I_ext', found 'spikes'"):
        simulate(draw_circuit("rate", 1), np.ones((1, 3)), record={"p0": "spikes"}, **COARSE)


def test_memory_of_what_is_recorded_is_known_before(monkeypatch):
    monkeypatch.setattr(memory, "free", lambda: 1e9)
    circuit = feed_forward(LIF())
    how = {"duration": 1000e3 * ms, "window": 1000 * ms, "dt": 0.1 * ms, "record": {"PYR": ["v", "I_e"]}}
    with pytest.raises(InputError, match=r"recorded at 10,000,000 steps, which need 3\.2 GB"):
        simulate(circuit, np.ones((1, 10)), **how)


def test_spread_of_parameters_and_saved_responses(tmp_path):
    circuit = feed_forward(ConductanceLIF(), (2 * nS, 3 * nS, 4 * nS), spread={"leak": 1 * nS})
    record = {"PYR": ["v", "g_e", "I_e"], "PV": "spikes"}
    response = simulate(circuit, np.ones((2, 10)), record=record, neurons={"PYR": [4, 1]}, backend="numpy", **TIMES)
    assert (response.traces["PYR"].v[:, :, 0] != response.traces["PYR"].v[:, :, 1]).any()
    save(response, tmp_path / "response.eisim")
    again = load(tmp_path / "response.eisim")
    assert_same_bits(response, again)
    assert again.traces["PYR"].identical(response.traces["PYR"]) and set(again.traces) == {"PYR"}
    np.testing.assert_array_equal(again.spikes["PV"].t, response.spikes["PV"].t)


def test_a_poisson_input_without_a_train_of_its_own_has_no_spikes_to_record():
    """Each of its targets has a separate train, which is drawn as a number of spikes for each step."""
    inputs = [Input("own", train="poisson", rate=2000.0), Input("shared", train="poisson"), Input("regular")]
    weights = {"own": Independent(2e-3), "shared": AllToAll(2e-3), "regular": AllToAll(2e-3)}
    projections = [Projection(name, "E", rule) for name, rule in weights.items()]
    circuit = Circuit("c", inputs, [Population("E", "E", LIF(), 3)], projections)
    found = simulate(circuit, [[1, 1, 1]], record=True, **COARSE)
    assert list(found.spikes) == ["E", "shared", "regular"] and found.spikes["E"].i.size
    assert set(found.spikes_to_dataframe().population.cat.categories) == {"E", "shared", "regular"}
    with pytest.raises(InputError, match="found 'own'"):
        simulate(circuit, [[1, 1, 1]], record={"own": "spikes"}, **COARSE)
