"""Neurons of users' equations: against plain Brian2 scripts, and as parts of a batch."""

import importlib
import sys
import zipfile
from contextlib import nullcontext
from pathlib import Path

import brian2 as b2
import numpy as np
import pytest
from brian2 import Hz, amp, mA, ms, mV, nA, nS, ohm, pF, second
from hypothesis import given, settings
from hypothesis import strategies as st

from eisim import (
    LIF,
    Circuit,
    Exponential,
    HodgkinHuxley,
    Input,
    Neuron,
    Population,
    Projection,
    Readout,
    ShortTerm,
    WangBuzsaki,
    ablate,
    load,
    mean_field,
    save,
    simulate,
    to_dnn,
    to_nir,
)
from eisim.base.errors import InputError

SYNAPSES = """
dg_e/dt = -g_e/tau_e : siemens
dg_i/dt = -g_i/tau_i : siemens
"""
ADAPTING = "dv/dt = (g_L*(E_L - v) + g_L*D*exp((v - V_T)/D) - w + I + g_e*(E_e - v) + g_i*(E_i - v))/C : volt" + (
    """ (unless refractory)
    dw/dt = (a*(v - E_L) - w)/tau_w : amp
    I : amp"""
    + SYNAPSES
)
CELL = {"C": 281 * pF, "g_L": 30 * nS, "E_L": -70.6 * mV, "V_T": -50.4 * mV, "D": 2 * mV, "tau_w": 144 * ms}
CELL |= {"a": 4 * nS, "b": 0.0805 * nA, "E_e": 0 * mV, "E_i": -80 * mV, "tau_e": 5 * ms, "tau_i": 10 * ms}
EVENTS = {"threshold": "v > -20*mV", "reset": "v = E_L; w += b", "refractory": 2 * ms}
CHANNELS = {"excitation": "g_e", "inhibition": "g_i", "drive": "I"}


def adapting(method="euler", **changes):
    return Neuron(ADAPTING, method=method, **EVENTS, **CHANNELS, **(CELL | changes))


def alone(population, *, duration=0.2, backend="numpy", dt=0.1e-3):
    """Steps of the spikes of each neuron under its bias."""
    circuit = Circuit("alone", [Input("x")], [population])
    response = simulate(circuit, [[0]], duration=duration, window=duration, dt=dt, record=True, backend=backend)
    spikes = response.spikes[population.name]
    return [spikes.step[spikes.neuron == k].tolist() for k in range(population.size)]


def plain(neuron, drives, duration=0.2, dt=0.1e-3):
    """The same from a script of Brian2 alone."""
    b2.start_scope()
    b2.prefs.codegen.target = "numpy"
    namespace = {name: v * eval(v.unit.replace("ampere", "amp"), vars(b2) | {"1": 1}) for name, v in neuron.parameters}
    reset = neuron.reset.replace(";", "\n")
    cells = b2.NeuronGroup(
        len(drives),
        neuron.model,
        threshold=neuron.threshold,
        reset=reset,
        refractory=neuron.refractory * b2.second,
        method=neuron.method or ("exact", "euler", "heun"),
        dt=dt * b2.second,
        namespace=namespace,
    )
    for name in (*neuron.dynamics.derivatives, *neuron.dynamics.declared):
        setattr(cells, name + "_", neuron.values[name])
    if neuron.drive:
        setattr(cells, neuron.drive + "_", np.asarray(drives))
    monitor = b2.SpikeMonitor(cells)
    b2.Network(cells, monitor).run(duration * b2.second)
    steps = np.round(np.asarray(monitor.t) / dt).astype(int)
    return [steps[np.asarray(monitor.i) == k].tolist() for k in range(len(drives))]


@pytest.mark.parametrize("method", ["euler", "rk2"])
def test_adapting_neuron_spikes_as_in_a_plain_script(method):
    drives = np.array([0.5, 0.7, 1.0, 2.0]) * 1e-9
    neuron = adapting(method)
    found = alone(Population("p", "E", neuron, 4, bias=drives))
    assert found == plain(neuron, drives)
    assert [len(each) > 2 for each in found] == [False, True, True, True]


LEAKY = """dv/dt = (E - v + b + I_e + I_i)/tau : volt (unless refractory)
dI_e/dt = -I_e/tau_e : volt
dI_i/dt = -I_i/tau_i : volt
b : volt"""


def leaky(**changes):
    return Neuron(
        LEAKY,
        **{
            "threshold": "v > -50*mV",
            "reset": "v = E",
            "refractory": 2 * ms,
            "excitation": "I_e",
            "inhibition": "I_i",
            "drive": "b",
            "method": "exact",
            "tau": 10 * ms,
            "E": -65 * mV,
            "tau_e": 5 * ms,
            "tau_i": 8 * ms,
        }
        | changes,
    )


def small(neuron, seed=0, noise=0):
    """A circuit of E and I cells with delays, plasticity and a Poisson input."""
    rng = np.random.default_rng(seed)
    scale = 1e-3 if neuron.weight_unit == "volt" else 1e-9
    bias = 1e-3 if neuron.weight_unit == "volt" else 5e-11
    return Circuit(
        "small",
        [Input("x", 3, 200 * Hz), Input("y", 2, 300 * Hz, train="poisson")],
        [Population("E", "E", neuron, 4, bias=bias), Population("I", "I", neuron, 2)],
        [
            Projection("x", "E", rng.uniform(0, 12, (3, 4)) * scale, delay=rng.integers(0, 20, (3, 4)) * 1e-4),
            Projection("y", "I", rng.uniform(0, 20, (2, 2)) * scale),
            Projection("E", "I", rng.uniform(0, 15, (4, 2)) * scale, plasticity=ShortTerm()),
            Projection("I", "E", rng.uniform(0, 15, (2, 4)) * scale, delay=1 * ms),
        ],
        [Readout("E")],
    )


def spikes_of(response):
    return {name: np.stack([s.copy, s.neuron, s.step]).tolist() for name, s in response.spikes.items()}


def test_leaky_equations_spike_as_lif_does():
    """Of the method "exact" the step is that of LIF; its inhibition is subtracted."""
    lif = LIF(excitation=Exponential(5e-3), inhibition=Exponential(8e-3))
    assert leaky().signed_weights
    own, built_in = (
        simulate(small(neuron), [[1, 1, 1, 1, 1], [2, 0, 1, 1, 2]], record=True, backend="numpy")
        for neuron in (leaky(), lif)
    )
    assert spikes_of(own) == spikes_of(built_in)
    assert len(own.spikes["E"].step) > 20 and len(own.spikes["I"].step) > 20


NOISY = Neuron(
    LEAKY.replace("/tau :", "/tau + sigma*sqrt(2/tau)*xi_1 + eta*sqrt(2/tau)*xi_2 :"),
    threshold="v > -50*mV",
    reset="v = E",
    refractory=2 * ms,
    excitation="I_e",
    inhibition="I_i",
    drive="b",
    tau=10 * ms,
    E=-65 * mV,
    tau_e=5 * ms,
    tau_i=8 * ms,
    sigma=2 * mV,
    eta=1 * mV,
)


def test_programs_and_numpy_give_the_same_spikes():
    """Conductances, jumps and noise, all in one program."""
    neurons, stimuli = [adapting(), leaky(excitation="v", inhibition="v"), NOISY], [[1, 1, 1, 1, 1], [2, 0, 1, 1, 2]]
    circuits = [small(neuron) for neuron in neurons]
    found = [
        [spikes_of(r) for r in simulate(circuits, stimuli, record=True, backend=each, duration=0.1, window=0.1)]
        for each in ("numpy", "cpp")
    ]
    assert found[0] == found[1]
    assert all(len(spikes["E"][0]) > 5 for spikes in found[0])


ODD = Neuron(
    """dv/dt = (E - v + b + x + I_e)/tau*(1/3 + 2**(1/3)) + (v % (7*mV))/tau/3 : volt (unless refractory)
    dI_e/dt = -I_e*(5/3)/tau : volt
    x = (1/3)*mV + (v/(70*mV))**12*mV/9 : volt
    y = int(v/(1/3*mV))/7 + clip(int(v/mV), -50.5, 1/3) : 1
    k : 1
    b : volt""",
    threshold="v + (1/3)*mV > -50*mV + int(k % 2)/3*mV + ((v > -60*mV) + (k > 1/3))*(1/3)*mV",
    reset="v = -65*mV - (1/3)*mV; k = k + 1/3 + (k/3)**11 + sign(k)/3 + int(k)/3 - (3*k > 2)*(k/7); k /= 3",
    excitation="+I_e",
    drive="b",
    tau=10 * ms,
    E=-65 * mV,
)


@pytest.mark.slow
def test_whole_numbers_are_floats_in_programs_too():
    """Quotients, remainders, powers, limits and conditions, in each place where a user writes them."""
    neurons = [HodgkinHuxley(), WangBuzsaki(), ODD]
    drives = [[2e-9, 5e-9], [0.02, 0.05], [20e-3, 40e-3]]
    circuits = [
        Circuit("c", [Input("x")], [Population("p", "E", neuron, 2, bias=np.array(drive))])
        for neuron, drive in zip(neurons, drives, strict=True)
    ]
    found = [
        [
            simulate(
                circuit,
                [[0]],
                record={"p": ["spikes", *circuit.populations[0].neuron.units]},
                backend=each,
                duration=0.05,
                window=0.05,
            )
            for circuit in circuits
        ]
        for each in ("numpy", "cpp")
    ]
    for one, other in zip(*found, strict=True):
        assert spikes_of(one) == spikes_of(other)
        assert len(one.spikes["p"].step) > 2
        for name in one.traces["p"]:
            assert np.array_equal(one.traces["p"][name], other.traces["p"][name]), name


@pytest.mark.slow
@settings(max_examples=3, deadline=None)
@given(
    seeds=st.lists(st.integers(0, 99), min_size=1, max_size=2, unique=True),
    stimuli=st.lists(st.lists(st.sampled_from([0.0, 0.5, 1.0, 2.0]), min_size=5, max_size=5), min_size=1, max_size=3),
    others=st.permutations([adapting(), leaky(), NOISY, adapting(a=2 * nS)]),
    duration=st.sampled_from([0.02, 0.05]),
)
def test_alone_as_in_a_batch(seeds, stimuli, others, duration):
    options = {"record": True, "backend": "numpy", "duration": duration, "window": duration}
    together = simulate([small(n, 1) for n in others], stimuli, seed=[seeds] * len(others), **options)
    for neuron, response in zip(others, together, strict=True):
        assert spikes_of(simulate(small(neuron, 1), stimuli, seed=seeds, **options)) == spikes_of(response)


def test_noise_has_its_spread_and_several_are_independent():
    """Without a threshold in reach the membrane has the standard deviation of both noises together."""
    free = Neuron(
        "dv/dt = -v/tau + s*sqrt(2/tau)*xi_1 + s*sqrt(2/tau)*xi_2 : 1",
        threshold="v > 1",
        reset="v = 0",
        tau=10 * ms,
        s=0.3,
    )
    assert free.noise and not free.without_noise().noise
    cells = Population("p", "E", free, 400)
    rate = simulate(Circuit("c", [Input("x")], [cells]), [[0]], duration=0.5, window=0.4, dt=0.1e-3, backend="numpy")
    b2.start_scope()
    b2.prefs.codegen.target = "numpy"
    b2.seed(1)
    group = b2.NeuronGroup(
        400, "dv/dt = -v/tau + s*sqrt(4/tau)*xi : 1", threshold="v > 1", reset="v = 0", method="euler",
        namespace={"tau": 10 * ms, "s": 0.3}, dt=0.1 * ms,
    )  # fmt: skip
    monitor = b2.SpikeMonitor(group)
    net = b2.Network(group, monitor)
    net.run(100 * ms)
    before = monitor.num_spikes
    net.run(400 * ms)
    expected = (monitor.num_spikes - before) / 400 / 0.4
    ours = rate.rates["p"].ravel()
    assert abs(ours.mean() - expected) < 5 * ours.std() / 20 + 1e-9


def test_parameters_can_be_spread():
    neuron = adapting()
    population = Population("p", "E", neuron, 5, bias=0.9 * nA, spread={"C": 30 * pF})
    circuit = Circuit("c", [Input("x")], [population], seed=3)
    each = circuit.neurons(population)
    found = alone(population)
    drawn = Circuit("alone", [Input("x")], [population]).neurons(population)
    assert found == [alone(Population("p", "E", n, 1, bias=0.9 * nA))[0] for n in drawn[:2]] + found[2:]
    assert len({n["C"] for n in each}) == 5


@pytest.mark.parametrize(
    ("equation", "inhibition", "is_subtracted"),
    [
        ("(E - v)/tau + s/tau : volt\nds/dt = -s/ts : volt", "s", True),
        ("(E - v)/tau - s/tau : volt\nds/dt = -s/ts : volt", "s", False),
        ("(E - v)/tau + s*(E_i - v)/tau : volt\nds/dt = -s/ts : 1", "s", False),
        ("(E - v)/tau + s*(E_i - v)/tau : volt\nds/dt = (x - s)/ts : 1\ndx/dt = -x/ts : 1", "x", False),
        ("(E - v)/tau + s/tau : volt\nds/dt = (x - s)/ts : volt\ndx/dt = -x/ts : volt", "x", True),
        ("(d - v)/tau : volt\ndd/dt = (E - d + v - d)/tau + s*(E_i - d)/tau : volt\nds/dt = -s/ts : 1", "s", False),
        ("(E - v)/tau : volt", "v", True),
    ],
    ids=["current", "negative current", "conductance", "rising conductance", "rising current", "dendrite", "jump"],
)
def test_sign_of_inhibition_is_found_by_its_effect(equation, inhibition, is_subtracted):
    values = {"E": -65 * mV, "E_i": -80 * mV, "tau": 10 * ms, "ts": 5 * ms}
    used = {name: value for name, value in values.items() if name in equation}
    neuron = Neuron("dv/dt = " + equation, threshold="v > -50*mV", reset="v = E", inhibition=inhibition, **used)
    assert neuron.signed_weights is is_subtracted


@pytest.mark.parametrize("compares", ["<=", ">=", "==", "!=", "<", ">"])
def test_comparisons_in_equations_thresholds_and_resets(compares):
    neuron = Neuron(
        f"dv/dt = (E - v + k*s)/tau + k*int(v {compares} E)/tau : volt\ns = int(v {compares} -60*mV) : 1",
        threshold=f"v > -50*mV and v {compares} -40*mV",
        reset=f"v = E + k*int(v {compares} -45*mV)",
        method="euler",
        **{"tau": 10 * ms, "E": -65 * mV, "k": 3 * mV},
    )
    assert f"v {compares} -45*mV" in neuron.reset and f"v {compares} E" in neuron.model
    for model in ("dv/dt == (E - v)/tau : volt", "dv/dt = v = (E - v)/tau : volt"):
        with pytest.raises(InputError, match="expected an expression of Brian2, found '"):
            Neuron(model, **BASE)
    with pytest.raises(InputError, match="exponents"):  # whatever is compared before
        Neuron(f"dv/dt = (E - v)*int(v {compares} E)/tau*10**10**10 : volt", **BASE)


BASE = {"threshold": "v > -50*mV", "reset": "v = E", "tau": 10 * ms, "E": -65 * mV}


@pytest.mark.parametrize(
    ("model", "changes", "words"),
    [
        ("dv/dt = (E - v)/tou : volt", {}, "a value for tou"),
        ("dv/dt = (E - v)/tau : volt", {"k": 1}, "found 'k'"),
        ("dv/dt = (E - v)/tau*mV : volt", {}, "equation of v"),
        ("dx/dt = (E - x)/tau : volt", {}, "dv/dt"),
        ("dv/dt = (E - v)/tau : mV", {}, "equations"),
        ("dv/dt = (E - v)/tau + rand()*mV/ms : volt", {}, "a call of rand (noise is written as xi)"),
        ("dv/dt = (E - v)/tau + __import__('os') : volt", {}, "equations"),
        ("dv/dt = (E - v)/tau + i*mV/ms : volt", {}, "the same for every neuron"),
        ("dv/dt = (E - v)/tau*10**10**10 : volt", {}, "exponents"),
        ("dv/dt = (E - v)/tau : volt**99**99", {}, "a unit such as volt"),
        ("dv/dt = (E - v)/tau : volt", {"threshold": "v"}, "threshold"),
        ("dv/dt = (E - v)/tau : volt", {"reset": "q = 3"}, "found 'q'"),
        ("dv/dt = (E - v)/tau : volt", {"reset": "v = 3"}, "reset of v"),
        ("dv/dt = (E - v)/tau : volt", {"excitation": "g"}, "found 'g'"),
        ("dv/dt = (E - v)/tau : volt", {"drive": "I"}, "drive"),
        ("dv/dt = (E - v)/tau : volt", {"initial": {"w": 1 * mV}}, "found 'w'"),
        ("dv/dt = (E - v)/tau : volt", {"initial": {"v": 1 * mA}}, "a voltage"),
        ("dv/dt = (E - v)/tau : volt", {"method": "rk5"}, "rk5"),
        ("dv/dt = (E - v)/tau + 0*xi*tau**-0.5*mV : volt", {"method": "rk4"}, "method"),
        ("dv/dt = (E - v)/tau : volt\ng : siemens (shared)", {}, "flag"),
        ("dv/dt = (E - v)/tau + g*(0*mV - v)/tau : volt\ndg/dt = -g/tau : 1", {"inhibition": "g"}, "found 'g'"),
        ("dv/dt = (E - v)/tau : volt\ndtime/dt = -time/tau : 1", {}, "no column of recorded variables"),
        ("dv/dt = (E - v)/tau : volt\nspikes = v/mV : 1", {}, "found 'spikes'"),
        ("dv/dt = (E - v)/tau : volt\nspikespace : 1", {}, "found 'spikespace'"),
        ("dv/dt = (E - v*refractory)/tau : volt (unless refractory)", {"parameters": {"refractory": 1}}, "refractory"),
        ("dv/dt = (E - v*exp(exp))/tau : volt", {"exp": 1}, "no function or flag, found exp"),
        ("dv/dt = (E - v*rand)/tau : volt", {"rand": 1}, "no function or flag, found rand"),
        ("dv/dt = (E - v + I)/tau : volt\ndI/dt = -I/tau : volt", {"inhibition": "--I"}, "at most one + or -"),
        ("dv/dt = (E - v + I)/tau : volt\ndI/dt = -I/tau : volt", {"excitation": "I,+I"}, "different variables"),
        ("dv/dt = (E - v + I)/tau : volt\ndI/dt = -I/tau : volt", {"rises": 1}, "rises"),
        ("dv/dt = (E - v + I)/tau : volt\ndI/dt = -I/tau : volt", {"refractory": True}, "refractory"),
        ("dv/dt = (E - v + I)/tau : volt\ndI/dt = -I/tau : volt", {"name": "a\x1b[31m\nb"}, "printable"),
        ("dv/dt = (E - v)/tau - g/tau : volt\ndg/dt = -g/tau : volt", {"excitation": "g"}, "lowers it"),
        ("dv/dt = (E - v)/tau - g*(v - 5*E)/tau : volt\ndg/dt = -g/tau : 1", {"excitation": "g"}, "lowers it"),
    ],
)  # fmt: skip
def test_bad_equations_are_refused_in_words(model, changes, words):
    with pytest.raises(InputError) as error:
        Neuron(model, **(BASE | changes))
    assert words in str(error.value)


def test_a_population_has_a_bias_only_by_a_drive():
    neuron = Neuron("dv/dt = (E - v)/tau : volt", **BASE)
    with pytest.raises(InputError, match="drive"):
        Population("p", "E", neuron, bias=1.0)
    with pytest.raises(InputError, match=r"without drive= .*found 5. mV"):
        Population("p", "E", neuron, bias=5 * mV)
    with pytest.raises(InputError, match=r"a neuron with synapses .*found Neuron without any"):
        Circuit("c", [Input("x")], [Population("p", "E", neuron)], [Projection("x", "p", [[1]] * mV)])
    with pytest.raises(InputError, match="a current"):
        Population("p", "E", adapting(), bias=1 * mV)
    with pytest.raises(InputError, match="conductances"):
        Circuit("c", [Input("x")], [Population("p", "E", adapting())], [Projection("x", "p", [[1]] * mV)])


def test_what_diverges_is_no_silence():
    """Runge-Kutta of fourth order oversteps the upstroke of an exponential."""
    with pytest.raises(InputError, match="another method"), np.errstate(all="ignore"):
        alone(Population("p", "E", adapting("rk4"), 1, bias=1 * nA))


def test_equal_time_constants_are_no_silence():
    """Brian2's exact step divides by their difference."""
    circuit = Circuit("c", [Input("x")], [Population("p", "E", leaky(tau_i=10 * ms))])
    with pytest.raises(InputError, match="two time constants equal"):
        simulate(circuit, [[0]], backend="numpy")


@pytest.mark.parametrize("name", ["S", "I", "E", "input", "id", "any", "gamma", "Circle"])
def test_names_of_sympy_are_free_for_users(name):
    """ "exact" uses SymPy, for which these are a function, a number or something else."""
    model = "dv/dt = (X - v)/tau : volt (unless refractory)\ndX/dt = (e_x - X)/(3*tau) : volt"
    values = {"e_x": 20 * mV, "tau": 5 * ms, "initial": {"v": 3 * mV}}
    own, plain_name = (
        Neuron(
            model.replace("X", each),
            threshold="v > 15*mV",
            reset=f"v = 0*mV; {each} += 1*mV",
            refractory=1 * ms,
            **values,
        )
        for each in (name, "some")
    )
    found, expected = (alone(Population("p", "E", each, 1)) for each in (own, plain_name))
    assert found == expected and len(found[0]) > 5


@pytest.mark.parametrize("distance", [1e-15, 1e-14, 1e-12, 1e-10, 1e-4, 1.0])
@pytest.mark.parametrize("is_spread", [False, True])
def test_nearly_equal_time_constants_are_no_silence(distance, is_spread):
    """The membrane after an impulse of current is that of the closed form, or the step is refused."""
    model = "dv/dt = (R*I_e - v)/tau : volt\ndI_e/dt = -I_e/tau_e : amp"
    tau, tau_e, jump = 20e-3, 20e-3 * (1 + distance), 1e-9
    options = {"threshold": "v > 1*volt", "excitation": "I_e", "R": 1e8 * ohm, "tau": tau * second}
    neuron = Neuron(model, **options, tau_e=(0.1 if is_spread else tau_e) * second, initial={"I_e": jump * amp})
    if is_spread:
        with pytest.raises(InputError, match="nearly equal") if distance < 1e-8 else nullcontext():
            neuron.with_values(tau_e=tau_e).step_parameters(1e-4)
        return
    circuit = Circuit("c", [Input("x")], [Population("p", "E", neuron)])
    options = {"duration": 0.02, "window": 0.02, "backend": "numpy", "record": {"p": "v"}}
    if distance < 1e-8:
        with pytest.raises(InputError, match="nearly equal"):
            simulate(circuit, [[0]], **options)
        return
    t = np.arange(200) * 1e-4
    right = 1e8 * jump / tau * -np.expm1(-t * (1 / tau - 1 / tau_e)) * np.exp(-t / tau_e) / (1 / tau - 1 / tau_e)
    np.testing.assert_allclose(np.ravel(simulate(circuit, [[0]], **options).traces["p"]["v"]), right, rtol=1e-6)


def test_what_is_constant_over_dt_is_so_or_refused():
    model = "dv/dt = (x - v)/tau : volt\nx = 2*v : volt (constant over dt)"
    Neuron(model, threshold="v > 1*volt", method="euler", tau=10 * ms)
    for method in ("rk2", "rk4", "exponential_euler", "exact", None):
        with pytest.raises(InputError, match="constant over dt"):
            Neuron(model, threshold="v > 1*volt", method=method, tau=10 * ms)


@pytest.mark.parametrize(
    "changes", [{"model": "dv/dt = -v/tau*sin(t/tau) : 1"}, {"threshold": "v > t/tau"}, {"reset": "v = t/tau"}]
)
def test_equations_with_time_are_not_continued(changes):
    """A continued run begins at t = 0."""
    plain = {"model": "dv/dt = -v/tau : 1", "threshold": "v > 1", "reset": "v = 0"}
    steady, timed = (
        Circuit("c", [Input("x")], [Population("p", "E", Neuron(**texts, method="euler", tau=10 * ms))])
        for texts in (plain, plain | changes)
    )
    options = {"duration": 0.01, "window": 0.01, "backend": "numpy"}
    with pytest.raises(InputError, match=r"keep_state.*time t"):
        simulate(timed, [[0]], keep_state=True, **options)
    before = simulate(steady, [[0]], keep_state=True, **options)
    simulate(steady, [[0]], initial=before, **options)
    with pytest.raises(InputError, match=r"initial.*time t"):
        simulate(timed, [[0]], initial=before, **options)


def test_names_of_ours_are_free_for_users():
    """Variables named as those of the simulator, of synapses and of Brian2's groups."""
    names = [
        "key",
        "hold",
        "free_at",
        "pool",
        "bias",
        "noise_step",
        "spikes_in_window",
        "w",
        "release",
        "rest",
        "clock",
    ]
    terms = " + ".join(names)
    neuron = Neuron(
        f"dv/dt = (E - v + {terms})/tau : volt\n" + "\n".join(f"d{name}/dt = -{name}/tau : volt" for name in names),
        **BASE,
        excitation="w",
        initial={"key": 3 * mV},
    )
    population = [Population("p", "E", neuron, 2), Population("q", "E", neuron, 2)]
    projections = [
        Projection("x", "p", [[30, 40]] * mV),
        Projection("p", "q", np.full((2, 2), 80) * mV, plasticity=ShortTerm()),
    ]
    circuit = Circuit("c", [Input("x", 1, 300)], population, projections)
    rates = simulate(circuit, [[1]], backend="numpy", duration=0.1, window=0.1).rates
    assert rates["p"].min() > 0 and rates["q"].min() > 0
    assert neuron.units == dict.fromkeys(["v", *sorted(names)], "volt")


def test_circuits_of_own_neurons_are_saved_whole(tmp_path):
    circuit = small(NOISY)
    save(circuit, tmp_path / "circuit")
    again = load(tmp_path / "circuit")
    assert [p.neuron for p in again.populations] == [p.neuron for p in circuit.populations]
    assert again.populations[0].neuron.parameters[0][1].unit == NOISY.parameters[0][1].unit
    options = {"record": True, "backend": "numpy", "duration": 0.02, "window": 0.02}
    assert spikes_of(simulate(again, [[1] * 5], **options)) == spikes_of(simulate(circuit, [[1] * 5], **options))


def test_a_file_does_not_say_what_was_measured(tmp_path):
    for said, kept in ((True, None), (False, False), (None, None)):
        save(small(leaky(rises=said)), tmp_path / "circuit")
        assert {p.neuron.rises for p in load(tmp_path / "circuit").populations} == {kept}


def test_every_variable_can_be_recorded():
    """Against a plain script of Brian2, at the beginning of each step."""
    neuron = adapting(method="rk2")
    circuit = Circuit("c", [Input("x")], [Population("p", "E", neuron, 1, bias=0.8 * nA)])
    options = {"duration": 0.05, "window": 0.05, "backend": "numpy"}
    traces = simulate(circuit, [[0]], record={"p": ["v", "w", "g_e"]}, **options).traces["p"]
    b2.start_scope()
    b2.prefs.codegen.target = "numpy"
    cells = b2.NeuronGroup(1, ADAPTING, method="rk2", namespace=dict(CELL), dt=0.1 * ms, **EVENTS)
    cells.v, cells.I = CELL["E_L"], 0.8 * nA
    monitor = b2.StateMonitor(cells, ["v", "w"], record=True, when="start")
    b2.Network(cells, monitor).run(50 * ms)
    np.testing.assert_allclose(np.ravel(traces["v"]), np.ravel(monitor.v_), rtol=1e-9)
    np.testing.assert_allclose(np.ravel(traces["w"]), np.ravel(monitor.w_), rtol=1e-9, atol=1e-18)
    assert not np.any(traces["g_e"])
    with pytest.raises(InputError, match="g_x"):
        simulate(circuit, [[0]], record={"p": "g_x"}, **options)


def test_inhibition_of_a_dendrite_spares_the_soma():
    """The example of two compartments: SST cells take less of the somatic input than of the dendritic one."""
    sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))
    try:
        circuit = importlib.import_module("two_compartments").circuit()
    finally:
        sys.path.pop(0)
    assert [circuit.receptor(p) for p in circuit.projections] == ["e", "f", "e", "e", "i", "j"]
    groups = [(1, 0, 0, 0), (1, 0, 0, 1), (1, 0, 1, 0), (0, 1, 0, 0), (0, 1, 0, 1), (0, 1, 1, 0)]
    rates = simulate(circuit, [np.repeat(each, 10) for each in groups], backend="numpy").rates["PYR"].mean(axis=1)
    soma, soma_sst, soma_pv, dendrite, dendrite_sst, _ = rates
    assert soma_sst / soma > 0.5 > dendrite_sst / dendrite
    assert soma_pv < soma_sst
    kept = ablate(circuit, projections=["SST->PYR"])
    assert simulate(kept, [np.repeat(groups[4], 10)], backend="numpy").rates["PYR"].mean() == dendrite


def test_dnns_and_mean_fields_say_that_there_is_none():
    circuit = small(leaky(name="mine"))
    for of, words in ((to_dnn, "LIF.*mine"), (mean_field, "LIF.*mine"), (to_nir, "LIF")):
        with pytest.raises(InputError, match=words):
            of(circuit)


def test_veto():
    """B vetoes A through an interneuron; without inhibition A is never vetoed."""
    neuron = adapting()
    circuit = Circuit(
        "veto",
        [Input("A", 1, 100 * Hz), Input("B", 1, 100 * Hz)],
        [Population("gate", "I", neuron), Population("out", "E", neuron)],
        [
            Projection("A", "out", [[40]] * nS),
            Projection("B", "gate", [[60]] * nS),
            Projection("gate", "out", [[300]] * nS),
        ],
        [Readout("out", 20 * Hz)],
    )
    patterns = [[0, 0], [0, 1], [1, 0], [1, 1]]
    intact, ablated = (simulate(c, patterns, backend="numpy").decisions[:, 0] for c in (circuit, ablate(circuit)))
    assert intact.tolist() == [False, False, True, False] and ablated.tolist() == [False, False, True, True]


@pytest.mark.parametrize(
    ("text", "other", "words"),
    [
        ("v > -50*mV", "v > __import__('os').getpid()*mV", "expected calls of"),
        ("(E - v + b + I_e + I_i)/tau", "(E - v + b + I_e + I_i)/tau*2**9**9**9", "exponents"),
        ("(E - v + b + I_e + I_i)/tau", "(" * 300 + "v" + ")" * 300 + "/tau", "an expression"),
        ('"second"]', '"second**9**9**9**9"]', "a unit such as"),
        ('"second"]', "3]", "a unit such as"),
        ("v = E", "v = E + x.y", "arithmetic with"),
    ],
)
def test_files_with_code_in_equations_are_refused(tmp_path, text, other, words):
    save(small(leaky()), tmp_path / "circuit")
    with zipfile.ZipFile(tmp_path / "circuit") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    assert text.encode() in members["value.json"].replace(b'\\"', b'"')
    members["value.json"] = members["value.json"].replace(text.encode(), other.encode())
    with zipfile.ZipFile(tmp_path / "hostile", "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(InputError, match=words):
        load(tmp_path / "hostile")


def test_neurons_of_a_circuit_can_be_changed():
    circuit = small(adapting()).with_neurons(C=100 * pF, refractory=1 * ms)
    assert {(p.neuron["C"], p.neuron.refractory) for p in circuit.populations} == {(100e-12, 1e-3)}
    with pytest.raises(InputError, match="found 'D2'"):
        small(adapting()).with_neurons(D2=1 * mV)


def test_refractory_periods_beyond_the_number_of_steps_are_refused():
    for neuron in (LIF(refractory=2**31 * 1e-4 * second), leaky(refractory=2**31 * 1e-4 * second)):
        with pytest.raises(InputError, match="refractory"):
            neuron.step_parameters(1e-4)


def test_powers_that_algebra_would_write_out_are_refused():
    model = "dv/dt = (v + a + b + c)**{}/tau : 1\na : 1\nb : 1\nc : 1"
    Neuron(model.format(2), threshold="v > 1", tau=10 * ms, method="euler")
    for power in (10, 60):
        with pytest.raises(InputError, match="written out"):
            Neuron(model.format(power), threshold="v > 1", tau=10 * ms)


def test_exponents_that_algebra_makes_are_no_exponents_of_users():
    WangBuzsaki(method="exponential_euler").step_parameters(1e-4)


@pytest.mark.parametrize(
    "changes",
    [
        {"threshold": "v > th", "more": "\ndth/dt = (-50*mV - th)/tau : volt"},  # where the threshold is, is not known
        {"threshold": "v < -90*mV"},  # below it, what lowers v makes spikes
        {"more": "\ndx/dt = (100*I - x)/tau : volt", "drive": " + x"},  # by x it excites
        {
            "more": "\n"
            + "\n".join(f"dx{k}/dt = ({' + '.join(f'x{j}' for j in range(12))} + I)/tau : volt" for k in range(12)),
            "drive": " + x0",
        },  # on too many ways
    ],
)
def test_inhibition_whose_effect_is_not_known_has_to_be_said(changes):
    model = f"dv/dt = (E - v - I{changes.get('drive', '')})/tau : volt\ndI/dt = -I/tau : volt" + changes.get("more", "")
    threshold = changes.get("threshold", "v > -50*mV")

    def neuron(inhibition):
        values = {"E": -65 * mV, "tau": 10 * ms}
        return Neuron(model, threshold=threshold, reset="v = E", inhibition=inhibition, method="euler", **values)

    with pytest.raises(InputError, match="whose effect is not known; write inhibition='-I' or '\\+I'"):
        neuron("I")
    assert not neuron("+I").signed_weights and neuron("-I").signed_weights
