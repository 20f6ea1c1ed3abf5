"""Networks of built-in neurons and of equations against plain scripts of Brian2: spikes, and traces of some cells."""

import brian2 as b2
import numpy as np
import pytest
from brian2 import cm, ms, msiemens, mV, nA, nS, pA, pF, uA, uF, uS

from eisim import (
    AdEx,
    Circuit,
    FixedProbability,
    HodgkinHuxley,
    Input,
    Neuron,
    Population,
    Projection,
    WangBuzsaki,
    simulate,
)
from eisim.circuit import initial_state
from eisim.simulation import elementary

CONDUCTANCES = """
dg_e/dt = -g_e/(5*ms) : {0}
dg_i/dt = -g_i/(10*ms) : {0}
"""
TRAUB_MILES = """
dv/dt = (g_l*(E_l - v) + g_e*(0*mV - v) + g_i*(-80*mV - v) - g_na*m**3*h*(v - E_Na) - g_k*n**4*(v - E_K))/C : volt
dm/dt = a_m*(1 - m) - b_m*m : 1
dn/dt = a_n*(1 - n) - b_n*n : 1
dh/dt = a_h*(1 - h) - b_h*h : 1
a_m = 1.28/exprel((13*mV - v + V_T)/(4*mV))/ms : Hz
b_m = 1.4/exprel((v - V_T - 40*mV)/(5*mV))/ms : Hz
a_h = 0.128*exp((17*mV - v + V_T)/(18*mV))/ms : Hz
b_h = 4/(1 + exp((40*mV - v + V_T)/(5*mV)))/ms : Hz
a_n = 0.16/exprel((15*mV - v + V_T)/(5*mV))/ms : Hz
b_n = 0.5*exp((10*mV - v + V_T)/(40*mV))/ms : Hz
""" + CONDUCTANCES.format("siemens")
WANG_BUZSAKI = """
dv/dt = (I - 0.1*mS*(v + 65*mV) - 35*mS*m**3*h*(v - 55*mV) - 9*mS*n**4*(v + 90*mV) - g_e*v - g_i*(v + 75*mV))/C : volt
m = a_m/(a_m + b_m) : 1
a_m = -0.1/mV*(v + 35*mV)/(exp(-0.1/mV*(v + 35*mV)) - 1)/ms : Hz
b_m = 4*exp(-(v + 60*mV)/(18*mV))/ms : Hz
dh/dt = 5*(0.07*exp(-(v + 58*mV)/(20*mV))/ms*(1 - h) - 1/(exp(-0.1/mV*(v + 28*mV)) + 1)/ms*h) : 1
dn/dt = 5*(-0.01/mV*(v + 34*mV)/(exp(-0.1/mV*(v + 34*mV)) - 1)/ms*(1 - n) - 0.125*exp(-(v + 44*mV)/(80*mV))/ms*n) : 1
I : amp/meter**2
""" + CONDUCTANCES.format("siemens/meter**2")
BRETTE_GERSTNER = """
dv/dt = (30*nS*(-70.6*mV - v) + upstroke - w + I + g_e*(0*mV - v) + g_i*(-80*mV - v))/(281*pF) : volt
upstroke = 60*nS*mV*exp((v + 50.4*mV)/(2*mV)) : amp
dw/dt = (4*nS*(v + 70.6*mV) - w)/(144*ms) : amp
I : amp
""" + CONDUCTANCES.format("siemens")
IZHIKEVICH = """
dv/dt = (0.04*v**2 + 5*v + 140 - u + I)/ms : 1
du/dt = a*(b*v - u)/ms : 1
a : 1
b : 1
c : 1
d : 1
I : 1
"""


def rng():
    return np.random.default_rng(1)


def cobahh():
    """Brette et al. 2007, benchmark 3, with 100 cells."""
    draw, neuron = rng(), HodgkinHuxley()
    steady = {x: neuron.values[x] for x in "mnh"}

    def start(n):
        volts = (-65 + 5 * draw.standard_normal(n)) * mV
        conductances = {"g_e": 40 + 15 * draw.standard_normal(n), "g_i": 200 + 120 * draw.standard_normal(n)}
        return {"v": volts} | {name: np.abs(each) * nS for name, each in conductances.items()} | steady

    populations = [Population(s, s, neuron, n, initial=start(n)) for s, n in (("E", 80), ("I", 20))]
    projections = [
        Projection(a, b, FixedProbability(0.2, w), delay)
        for a, b, w, delay in (
            ("E", "E", 6 * nS, 0 * ms),
            ("E", "I", 6 * nS, 1 * ms),
            ("I", "E", 67 * nS, 0.5 * ms),
            ("I", "I", 67 * nS, 0 * ms),
        )
    ]
    values = {"C": 200 * pF, "g_l": 10 * nS, "E_l": -60 * mV, "g_na": 20 * uS, "E_Na": 50 * mV}
    values |= {"g_k": 6 * uS, "E_K": -90 * mV, "V_T": -63 * mV}
    how = {"threshold": "v > -20*mV", "refractory": 3 * ms, "method": "exponential_euler", "namespace": values}
    return populations, projections, TRAUB_MILES, how, 0.1e-3


def interneurons():
    """Wang and Buzsáki 1996, with 60 cells and synapses of GABA-A that do not saturate."""
    draw, neuron = rng(), WangBuzsaki()
    currents = (1.5 + 0.05 * draw.standard_normal(60)) * uA / cm**2
    volts = draw.uniform(-70, -50, 60) * mV
    initial = {"v": volts} | {x: neuron.values[x] for x in "hn"}
    populations = [Population("I", "I", neuron, 60, bias=currents, initial=initial)]
    projections = [Projection("I", "I", FixedProbability(0.5, 2e-3 * msiemens / cm**2), 0.5 * ms)]
    values = {"C": 1 * uF / cm**2, "mS": msiemens / cm**2}
    how = {"threshold": "v > 0*mV", "refractory": 1 * ms, "method": "rk4", "namespace": values}
    return populations, projections, WANG_BUZSAKI, how, 0.05e-3


def adaptive():
    """Brette and Gerstner 2005, with conductances, and a delay of each synapse."""
    draw, neuron = rng(), AdEx()
    populations = [
        Population(s, s, neuron, n, bias=draw.uniform(0.5, 1.2, n) * nA, initial={"v": draw.uniform(-70, -52, n) * mV})
        for s, n in (("E", 80), ("I", 20))
    ]
    projections = [
        Projection(a, b, w * draw.random((m, n)) * (draw.random((m, n)) < 0.3), draw.integers(0, 30, (m, n)) * 1e-4)
        for a, m, w in (("E", 80, 4 * nS), ("I", 20, 20 * nS))
        for b, n in (("E", 80), ("I", 20))
    ]
    how = {
        "threshold": "v > -40.4*mV",
        "reset": "v = -70.6*mV; w += 80.5*pA",
        "method": "euler",
        "namespace": {"pA": pA},
    }
    return populations, projections, BRETTE_GERSTNER, how, 0.1e-3


def simple():
    """Izhikevich 2003: spikes are jumps of v, and no two cells are equal."""
    draw = rng()
    populations, patterns = [], {"E": (0.02, 0.2, -65.0, 8.0), "I": (0.06, 0.22, -65.0, 2.0)}
    spread = {"E": {"c": 4.0, "d": 1.5}, "I": {"a": 0.01, "b": 0.01}}
    for s, n in (("E", 80), ("I", 20)):
        equations = "\n".join([*IZHIKEVICH.strip().splitlines()[:2], "I : 1"])
        neuron = Neuron(
            equations,
            threshold="v >= 30",
            reset="v = c; u += d",
            excitation="v",
            inhibition="v",
            drive="I",
            method="euler",
            initial={"u": -13.0},
            **dict(zip("abcd", patterns[s], strict=True)),
        )
        bias = draw.uniform(2, 12, n)
        populations.append(Population(s, s, neuron, n, bias=bias, spread=spread[s]))
    projections = [
        Projection(a, b, w * draw.random((m, n)), 0.5 * ms * (a == "I"))
        for a, m, w in (("E", 80, 0.5), ("I", 20, 1.0))
        for b, n in (("E", 80), ("I", 20))
    ]
    how = {"threshold": "v >= 30", "reset": "v = c; u += d", "method": "euler"}
    return populations, projections, IZHIKEVICH, how, 0.5e-3


NETWORKS = {"COBAHH": cobahh, "WangBuzsaki": interneurons, "AdEx": adaptive, "Izhikevich": simple}
DURATION, WATCHED = 50e-3, [0, 7, 19]


def in_plain_brian2(circuit, equations, how, dt, variables):
    """Steps and cells of the spikes, and variables of some cells, from a script of Brian2 with our own `exp`."""
    b2.start_scope()
    b2.prefs.codegen.target = "numpy"
    how = how | {"namespace": how.get("namespace", {}) | elementary.brian2_functions()}
    groups, objects = {}, []
    for p in circuit.populations:
        group = groups[p.name] = b2.NeuronGroup(p.size, elementary.own(equations), dt=dt * b2.second, **how)
        start = initial_state(p, circuit.seed)
        for name in p.neuron.states:
            setattr(group, f"{name}_", start.get(name, [each.values[name] for each in circuit.neurons(p)]))
        if "I" in group.variables:
            group.I_ = p.bias
        if p.spread:
            for name in "abcd":
                setattr(group, f"{name}_", [float(each[name]) for each in circuit.neurons(p)])
    for projection in circuit.projections:
        target = circuit.population(projection.target).neuron
        to = target.excitation if circuit.sign(projection) > 0 else target.inhibition
        sign = "-" if projection.source == "I" and target.signed_weights else "+"
        weights = circuit.weights(projection)
        code = f"{to.lstrip('+-')}_post {sign}= weight"
        synapses = b2.Synapses(
            groups[projection.source],
            groups[projection.target],
            f"weight : {target.weight_unit}",
            on_pre=code,
            dt=dt * b2.second,
        )
        synapses.connect(i=np.repeat(np.arange(weights.shape[0]), np.diff(weights.indptr)), j=weights.indices)
        synapses.weight_ = weights.data
        synapses.delay_ = circuit.delays(projection)
        objects.append(synapses)
    states = {name: b2.StateMonitor(group, variables, record=WATCHED) for name, group in groups.items()}
    spikes = {name: b2.SpikeMonitor(group) for name, group in groups.items()}
    b2.Network(*groups.values(), *objects, *states.values(), *spikes.values()).run(DURATION * b2.second)
    steps = {
        name: sorted(zip(np.round(m.t_ / dt).astype(int), np.asarray(m.i), strict=True)) for name, m in spikes.items()
    }
    # Copies: from Brian2 2.10 on, what a monitor gives is a view of memory that ends with the monitor.
    return steps, {name: {v: np.array(getattr(m, f"{v}_")) for v in variables} for name, m in states.items()}


def in_eisim(circuits, dt, **options):
    """Responses with the states of some cells and the spikes of all."""
    record = [{p.name: [*p.neuron.states, "spikes"] for p in each.populations} for each in circuits]
    neurons = {p.name: WATCHED for each in circuits for p in each.populations}
    times = {"duration": DURATION, "window": DURATION, "dt": dt}
    return simulate(circuits, [[0]], record=record, neurons=neurons, **times, **options)


def named(name):
    populations, projections, *others = NETWORKS[name]()
    return Circuit(name, [Input("x")], populations, projections), *others


@pytest.mark.parametrize(
    "name",
    [*(pytest.param(name, marks=pytest.mark.slow) for name in ("COBAHH", "WangBuzsaki")), "AdEx", "Izhikevich"],
)
def test_networks_spike_as_plain_scripts_do(name):
    circuit, equations, how, dt = named(name)
    (found,) = in_eisim([circuit], dt, backend="numpy")
    variables = list(circuit.populations[0].neuron.states)
    spikes, traces = in_plain_brian2(circuit, equations, how, dt, variables)
    for p in circuit.populations:
        each = found.spikes[p.name]
        assert sorted(zip(each.step, each.i, strict=True)) == spikes[p.name]
        assert len(spikes[p.name]) > p.size / 2
        for variable in variables:
            ours = found.traces[p.name][variable][0, 0]
            np.testing.assert_allclose(ours, traces[p.name][variable], rtol=1e-9, err_msg=variable)


@pytest.mark.slow
def test_programs_and_numpy_give_the_same_networks():
    circuits, dt = [named(name)[0] for name in ("COBAHH", "AdEx")], 0.1e-3
    for one, other in zip(*(in_eisim(circuits, dt, backend=each) for each in ("numpy", "cpp")), strict=True):
        for name, spikes in one.spikes.items():
            assert len(spikes.step) > 10
            assert np.array_equal(spikes.step, other.spikes[name].step)
            assert np.array_equal(spikes.i, other.spikes[name].i)
            assert one.traces[name].identical(other.traces[name])
