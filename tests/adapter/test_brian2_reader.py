"""Networks of Brian2 as circuits: the same spikes, and what is refused."""

import warnings

import numpy as np
import pytest
from brian2 import Hz, ms, mV, nS, pF, second

from eisim import (
    LIF,
    Alpha,
    Conductance,
    ConductanceLIF,
    Delta,
    Exponential,
    InputError,
    Neuron,
    ShortTerm,
    from_brian2,
    simulate,
)
from eisim.adapter.brian2_script import brian2_script
from tests.adapter.test_brian2_script import DT, DURATION, EXACT, on_numpy, simulated  # noqa: F401 (a fixture)
from tests.support.drawn import draw_circuit

b2 = pytest.importorskip("brian2")
VALUES = {"tau": 20 * ms, "E": -60 * mV, "th": -50 * mV, "tau_e": 5 * ms, "tau_i": 10 * ms}
VALUES |= {"we": 4 * mV, "wi": 9 * mV, "J": 0.5 * mV, "g": 5}
CURRENTS = """dv/dt = (E - v + ge + gi + I)/tau : volt (unless refractory)
dge/dt = -ge/tau_e : volt
dgi/dt = -gi/tau_i : volt
I : volt (constant)"""
#: The time step of Brian2, in s.
STEP = 0.1e-3
#: That `to_brian2` writes as what a circuit cannot have: values for each neuron, or a rising alpha function.
_ONE_WAY = ("spread", "spread of thresholds", "own names", "alpha states")


def group(n=4, equations=CURRENTS, *, start=-60 * mV, **changes):
    options = {"threshold": "v > th", "reset": "v = E", "refractory": 2 * ms, "method": "exact", "name": "cells"}
    found = b2.NeuronGroup(n, equations, **options | {"namespace": dict(VALUES)} | changes)
    if start is not None:
        found.v = start
    return found


def onto(target, code="ge_post += 1*mV", source=None, model="", name="synapses", **connect):
    source = target if source is None else source
    found = b2.Synapses(source, target, model, on_pre=code, name=name, namespace=dict(VALUES))
    found.connect(**connect)
    return found


def taken(*objects, **options):
    return from_brian2(b2.Network(*objects, name="given"), **options)


def run(network, monitors, duration=DURATION):
    network.run(duration * second)
    return {
        name: sorted(zip(np.round(np.array(m.t) / STEP).astype(int).tolist(), np.array(m.i).tolist(), strict=True))
        for name, m in monitors.items()
    }


@pytest.mark.parametrize("name", [*(name for name in EXACT if name not in _ONE_WAY), 0, 1])
def test_there_and_back_the_spikes_are_equal(name):
    circuit = EXACT[name] if name in EXACT else draw_circuit("spiking", name)
    made = circuit.to_brian2(duration=DURATION, dt=DT)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        back = from_brian2(made)
    names = brian2_script(circuit, duration=DURATION, dt=DT).names
    assert [type(p.neuron) for p in back.populations] == [
        type(circuit.population(next(n for n in names if names[n] == p.name)).neuron) for p in back.populations
    ]
    found, expected = simulated(back), simulated(circuit)
    assert {p.name: found[names[p.name]] for p in circuit.populations} == {
        p.name: expected[p.name] for p in circuit.populations
    }


def test_cuba_has_the_same_spikes_in_two_populations():
    b2.seed(3)
    cells = group(
        60,
        CURRENTS.replace("+ I)", "- (v - v))").replace("I : volt (constant)", ""),
        name="P",
        start=None,
        reset="v = -60*mV",
    )
    cells.v = "-60*mV + rand()*10*mV"
    excitatory = onto(cells, "ge += we", name="Ce", condition="i < 48", p=0.2)
    inhibitory = onto(cells[48:], "gi -= wi", source=cells[48:], name="Ci", p=0.3)
    outward = b2.Synapses(cells[48:], cells[:48], on_pre="gi += -wi", name="Co", delay=1.5 * ms, namespace=VALUES)
    outward.connect(p=0.3)
    monitor = b2.SpikeMonitor(cells)
    cells.namespace["E"] = -49 * mV
    network = b2.Network(cells, excitatory, inhibitory, outward, monitor, name="CUBA")
    circuit = from_brian2(network)
    expected = run(network, {"P": monitor}, 0.05)["P"]
    assert [(p.name, p.sign, p.size) for p in circuit.populations] == [("P E", "E", 48), ("P I", "I", 12)]
    assert {p.name for p in circuit.projections} == {"Ce P E->P E", "Ce P E->P I", "Ci", "Co"}
    neuron = LIF(20e-3, -49e-3, -50e-3, -60e-3, 2e-3, excitation=Exponential(5e-3), inhibition=Exponential(10e-3))
    assert all(p.neuron == neuron for p in circuit.populations)
    assert float(circuit.projections[2].delay) == 0 and circuit.inputs[0].name == "none"
    response = simulate(circuit, np.ones((1, 1)), duration=0.05, window=0.05, dt=STEP, record=True, backend="numpy")
    found = [(s, n) for s, n in zip(response.spikes["P E"].step, response.spikes["P E"].neuron, strict=True)]
    found += [(s, n + 48) for s, n in zip(response.spikes["P I"].step, response.spikes["P I"].neuron, strict=True)]
    assert sorted(found) == expected
    assert len(expected) > 40


def test_brunel_has_jumps_and_a_poisson_train_for_each_neuron():
    cells = group(
        20, "dv/dt = -v/tau : volt (unless refractory)", threshold="v > 20*mV", reset="v = 10*mV", start=0 * mV
    )
    excitatory, inhibitory = cells[:16], cells[16:]
    synapses = [
        onto(cells, "v += J", source=excitatory, name="fromE", p=0.5),
        onto(cells, "v += -g*J", source=inhibitory, name="fromI", p=0.5),
    ]
    synapses[0].delay = 1.5 * ms
    drive = b2.PoissonInput(cells, "v", 300, 10 * Hz, weight=VALUES["J"])
    monitor = b2.SpikeMonitor(cells)
    network = b2.Network(cells, *synapses, drive, monitor)
    circuit = from_brian2(network)
    delta = LIF(20e-3, 0.0, 20e-3, 10e-3, 2e-3, excitation=Delta(), inhibition=Delta())
    assert [(p.sign, p.size, p.neuron) for p in circuit.populations] == [("E", 16, delta), ("I", 4, delta)]
    assert [(i.rate, i.train, i.size) for i in circuit.inputs] == [(3000.0, "poisson", 1)]
    weights = {p.name: np.unique(circuit.weights(p).data) for p in circuit.projections}
    assert weights["fromE cells E->cells I"] == 0.5e-3 and weights["fromI cells I->cells E"] == 2.5e-3
    assert weights[f"{drive.name}->cells I"] == 0.5e-3
    assert {float(p.delay) for p in circuit.projections if p.name.startswith("fromE")} == {1.5e-3}
    rates = simulate(circuit, [[1.0]], duration=0.15, window=0.1, backend="numpy").rates
    expected = len([step for step, _ in run(network, {"": monitor}, 0.15)[""] if step >= 500]) / 20 / 0.1
    assert (16 * rates["cells E"].mean() + 4 * rates["cells I"].mean()) / 20 == pytest.approx(expected, rel=0.2)


VOGELS = """dv/dt = (-gl*(v - E) - (ga*v + gg*(v - E_gaba))*nS + I)/C : volt (unless refractory)
dga/dt = -ga/tau_e : 1
dgg/dt = -gg/tau_i : 1
I : amp"""


def test_conductances_need_neither_a_unit_nor_a_name():
    values = VALUES | {"gl": 10 * nS, "C": 200 * pF, "E_gaba": -80 * mV}
    cells = group(10, VOGELS, namespace=values, method="euler")
    cells.I = np.linspace(0, 0.2, 10) * 1e-9 * b2.amp
    synapses = [
        onto(cells, "ga += 3", name="e", source=cells[:8], p=1),
        onto(cells, "gg += w", name="i", source=cells[8:], model="w : 1", p=1),
    ]
    synapses[1].w = 7.0
    circuit = taken(*reversed(synapses), cells)
    expected = ConductanceLIF(
        200e-12, 10e-9, -60e-3, -50e-3, -60e-3, 2e-3, 0.0, Conductance(0.0, 5e-3), Conductance(-80e-3, 10e-3)
    )
    for p in circuit.populations:
        for name, quantity in expected.quantities.items():
            assert float(p.neuron.quantities[name]) == pytest.approx(float(quantity), rel=1e-12)
        assert p.neuron.excitation == expected.excitation
        assert p.neuron.inhibition.reversal == pytest.approx(-80e-3)
    ratio = circuit.populations[0].neuron.capacitance / 200e-12
    weights = {p.source: np.unique(circuit.weights(p).data) for p in circuit.projections}
    np.testing.assert_allclose(weights["cells E"], 3e-9 * ratio)
    np.testing.assert_allclose(weights["cells I"], 7e-9 * ratio)
    np.testing.assert_allclose(circuit.population("cells I").bias, np.linspace(0, 0.2e-9, 10)[8:] * ratio)


def test_short_term_plasticity_is_found_under_other_names():
    cells = group()
    model = """dx/dt = Omega_d*(1 - x) : 1 (event-driven)
    dy/dt = -Omega_f*y : 1 (event-driven)
    w : volt"""
    code = "y += U_0*(1 - y)\nr = y*x\nx -= r\nge_post += w*r"
    synapses = onto(cells, code, model=model, p=1)
    synapses.x, synapses.w = 1, "(1 + i)*mV"
    circuit = taken(cells, synapses, namespace={"U_0": 0.6, "Omega_d": 2 / second, "Omega_f": 4 / second})
    (projection,) = circuit.projections
    assert projection.plasticity == ShortTerm(0.6, 0.5, 0.25)
    np.testing.assert_array_equal(circuit.weights(projection).toarray()[:, 0], np.arange(1, 5) * 1e-3)


def test_alpha_functions_have_their_peak_as_weight():
    cells = group(
        2, "dv/dt = (E - v + R*I)/tau : volt\ndI/dt = (a - I)/tau_e : amp\nda/dt = -a/tau_e : amp", refractory=False
    )
    synapses = onto(cells, "a_post += 100*pA", p=1)
    circuit = taken(cells, synapses, namespace=VALUES | {"R": 50e6 * b2.ohm})
    assert circuit.populations[0].neuron.excitation == Alpha(5e-3)
    np.testing.assert_allclose(circuit.weights(circuit.projections[0]).data, 5e-3 / np.e)


def test_inputs_become_inputs():
    cells = group()
    poisson = b2.PoissonGroup(6, "(1 + i//2)*10*Hz", name="poisson")
    given = b2.SpikeGeneratorGroup(2, [0, 1], [3, 4] * ms, name="given")
    synapses = [onto(cells, source=poisson, name="a", p=1), onto(cells, source=given, name="b", p=1)]
    circuit = taken(cells, poisson, given, *synapses)
    assert [(i.name, i.size, i.rate) for i in circuit.inputs if i.spikes is None] == [
        (f"poisson {rate} Hz", 2, rate) for rate in (10, 20, 30)
    ]
    np.testing.assert_array_equal(next(i for i in circuit.inputs if i.name == "given").spikes.t, [3e-3, 4e-3])


def test_synapses_of_one_pair_add_up_or_keep_their_delays():
    cells = group(2)
    for late in (None, np.array([1, 2, 1, 2]) * ms):
        synapses = b2.Synapses(cells, cells, on_pre="ge += 1*mV", name="synapses")
        synapses.connect(i=[0, 0, 1, 1], j=[1, 1, 0, 0])
        if late is not None:
            synapses.delay = late
        circuit = taken(cells, synapses)
        weights = [circuit.weights(p).data.tolist() for p in circuit.projections]
        assert weights == ([[2e-3, 2e-3]] if late is None else [[1e-3, 1e-3]] * 2)
        assert len({float(np.max(circuit.delays(p))) for p in circuit.projections}) == len(weights)


CARRIED = {
    "noise on another variable": (
        {"equations": CURRENTS.replace("-ge/tau_e", "-ge/tau_e + 1*mV*tau_e**-0.5*xi")},
        r"dge/dt = .*: noise acts on ge, expected it on v alone",
    ),
    "not held": (
        {"equations": CURRENTS.replace(" (unless refractory)", "")},
        r"dv/dt = .*: v changes while a neuron is refractory",
    ),
    "a threshold for each neuron": (
        {"equations": f"{CURRENTS}\nvt : volt", "threshold": "v > vt"},
        r"threshold v > vt: the threshold is -0.052 to -0.049 among neurons",
    ),
    "adaptation": (
        {
            "equations": f"{CURRENTS}\ndw/dt = -w/(3*tau) : volt".replace("+ I)", "+ I - w)"),
            "reset": "v = E; w += 1*mV",
        },
        r"reset v = E; w \+= 1\*mV: expected v = a constant",
    ),
    "no leak": (
        {"equations": CURRENTS.replace("E - v", "0*mV")},
        "dv/dt = .*: expected a leak of v",
    ),
    "not linear": (
        {"equations": CURRENTS.replace("- v", "- v**2/volt")},
        r"dv/dt = .*: it has a term with v\*\*2",
    ),
    "at the threshold": ({"threshold": "v >= th"}, "threshold v >= th: expected v > a constant"),
}


@pytest.mark.parametrize("case", CARRIED)
def test_other_equations_are_carried_over_with_the_reason(case):
    changes, why = CARRIED[case]
    changes = dict(changes)
    cells = group(6, changes.pop("equations", CURRENTS), method="euler", **changes)
    if "vt" in cells.variables:
        cells.vt = np.linspace(-52, -49, 6) * mV
    cells.v, cells.I = np.linspace(-60, -51, 6) * mV, np.linspace(0, 15, 6) * mV
    synapses = [onto(cells, source=cells[:4], name="a", p=1), onto(cells, "gi -= 2*mV", cells[4:], name="b", p=1)]
    monitor = b2.SpikeMonitor(cells)
    network = b2.Network(cells, *synapses, monitor)
    with pytest.warns(UserWarning, match=f"^from_brian2: cells: taken over as a Neuron .*{why}"):
        circuit = from_brian2(network)
    assert {type(p.neuron) for p in circuit.populations} == {Neuron}
    if "noise" in case:
        return
    expected = run(network, {"": monitor})[""]
    spikes = simulate(
        circuit, np.ones((1, 1)), duration=DURATION, window=DURATION, dt=STEP, record=True, backend="numpy"
    ).spikes
    first, second_ = spikes["cells E"], spikes["cells I"]
    found = [*zip(first.step, first.neuron, strict=True), *zip(second_.step, second_.neuron + 4, strict=True)]
    assert sorted(found) == expected
    assert len(found) > 4 or case == "not linear"


STDP = "ge_post += w\nApre += 0.1*mV\nw = clip(w + Apost, 0*mV, 1*mV)"
STDP_MODEL = "w : volt\ndApre/dt = -Apre/tau : volt (event-driven)\ndApost/dt = -Apost/tau : volt (event-driven)"


def two(code, **options):
    def made():
        cells = group()
        return cells, onto(cells, code, p=1, **options)

    return made


def with_(**changes):
    return lambda: [group(**changes)]


def inhibiting_input():
    cells, poisson = group(), b2.PoissonGroup(3, 10 * Hz, name="poisson")
    return cells, poisson, onto(cells, "gi -= 1*mV", source=poisson, p=1)


def both_signs():
    cells = group()
    return cells, onto(cells, p=1), onto(cells[2:], "gi -= 1*mV", source=cells, name="more", p=1)


def timed():
    VALUES["ramp"] = b2.TimedArray([0, 1] * mV, dt=10 * ms, name="ramp")
    try:
        return [group(equations=CURRENTS.replace("I :", "I = ramp(t) :").replace("(constant)", ""), method="euler")]
    finally:
        del VALUES["ramp"]


def summed():
    cells = group()
    return cells, onto(cells, "", model="I_post = w*v_pre : volt (summed)\nw : 1", p=1)


def rated():
    cells = group()
    return cells, b2.PoissonGroup(3, "(1 + t/second)*Hz", name="poisson")


def two_steps():
    return group(), group(name="others", dt=0.5 * ms)


def operation():
    @b2.network_operation(name="operation")
    def act():
        pass

    return group(), act


def regularly():
    cells = group()
    cells.run_regularly("v += 1*mV", dt=10 * ms)
    return [cells]


REFUSED = {
    "TimedArray": (timed, r"cells: dv/dt = .*: expected terms that do not change with time, found 'ramp'"),
    "learning": (two(STDP, model=STDP_MODEL), r"synapses: '.*w = clip.*': expected weights that stay"),
    "learning after": (
        lambda: (cells := group(), _learning(cells)),
        r"synapses: on_post: expected none, found 'w \+= Apre': weights that are learnt",
    ),
    "other short-term plasticity": (
        two("ge_post += x*mV\nx *= 0.5 + x", model="dx/dt = (1 - x)/tau : 1 (event-driven)"),
        r"synapses: .*: expected the short-term plasticity of eisim.ShortTerm, found other equations of x",
    ),
    "depends on v": (
        two("ge_post += 0.1*(E - v_post)"),
        r"expected constant amounts, found one that depends on v_post",
    ),
    "set": (two("ge_post = 1*mV"), r"expected constant amounts, found one that depends on ge_post"),
    "chance": (two("ge_post += rand()*mV"), "expected constant amounts, found 'rand'"),
    "no name": (two("ge_post += unknown_weight"), "synapses: expected a value for 'unknown_weight', found none"),
    "summed": (summed, r"synapses: expected spikes that add to a variable, found 'I_post = .*\(summed\)'"),
    "inputs inhibit": (inhibiting_input, "synapses: expected inputs that excite"),
    "both signs": (both_signs, r"cells: expected neurons that excite or inhibit \(Dale's law\), found 4 that do both"),
    "rates": (rated, "poisson: rates = .*: expected rates that stay, found 't'"),
    "no threshold": (with_(threshold=None, reset=None, refractory=False), "cells: expected a group with a threshold"),
    "refractory until": (with_(refractory="v > -55*mV"), "cells: refractory: expected a time"),
    "time steps": (two_steps, r"expected one time step, found 0\.\d ms"),
    "operation": (operation, "operation: expected groups of neurons.*, found a NetworkOperation"),
    "regularly": (regularly, r"cells: run_regularly: expected none, found 'v \+= 1\*mV'"),
    "left out": (
        lambda: [group(), onto(group(name="others"), p=1)],
        "given: expected the groups of synapses, found no others",
    ),
    "not finite": (lambda: _weighted(np.nan), "synapses: expected finite amounts, found nan"),
    "a constant of the target": (two("I += 1*mV"), r"I \+= ...: expected one of .* to be added to"),
    "nothing": (list, "given: expected a NeuronGroup, found none"),
    "neither": (
        with_(equations=CURRENTS.replace("+ I)", "+ I + bessel(v/mV)*mV)"), method="euler", namespace=VALUES),
        "cells: .*bessel",
    ),
}


def _weighted(weight):
    cells = group()
    synapses = onto(cells, "ge += w", model="w : volt", p=1)
    synapses.w = weight * b2.volt
    return cells, synapses


def _learning(cells):
    model = "w : volt\ndApre/dt = -Apre/tau : volt (event-driven)"
    found = b2.Synapses(
        cells, cells, model, on_pre="ge_post += w", on_post="w += Apre", name="synapses", namespace=VALUES
    )
    found.connect()
    return found


@pytest.mark.parametrize("case", REFUSED)
def test_what_no_circuit_has_is_refused_in_a_line(case):
    build, why = REFUSED[case]
    objects = build()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(InputError, match=f"^from_brian2: .*{why}") as error:
            taken(*objects)
    assert "\n" not in str(error.value)


def test_a_network_that_has_run_is_refused():
    network = b2.Network(group())
    network.run(1 * ms)
    with pytest.raises(InputError, match=r"expected a network that has not run, found one at t = 0\.001 s"):
        from_brian2(network)
    with pytest.raises(InputError, match=r"expected a brian2.Network, found 3"):
        from_brian2(3)
    with pytest.raises(InputError, match="namespace: expected values by name, found 3"):
        from_brian2(b2.Network(group()), namespace=3)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda cells, _: setattr(cells, "active", False), "cells: expected what is active"),
        (lambda cells, _: setattr(cells.thresholder["spike"], "active", False), "cells_spike_thresholder: .* active"),
        (lambda cells, _: setattr(cells.state_updater, "when", "end"), "expected when='groups', found 'end'"),
        (lambda _, synapses: setattr(synapses, "active", False), "synapses: expected what is active"),
        (lambda _, synapses: setattr(synapses.pre, "when", "after_resets"), "expected when='synapses'"),
        (lambda cells, _: setattr(cells, "lastspike", -1 * ms), "lastspike: expected neurons that have not spiked"),
    ],
)
def test_objects_that_do_not_act_as_they_usually_do_are_refused(change, why):
    cells = group()
    synapses = onto(cells, "ge += we", name="synapses", p=1)
    change(cells, synapses)
    with pytest.raises(InputError, match=f"^from_brian2: .*{why}"):
        from_brian2(b2.Network(cells, synapses), namespace=VALUES)
