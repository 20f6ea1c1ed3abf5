"""Synaptic and injected currents of neurons of equations, against the equations and their steps."""

import re

import numpy as np
import pytest
from brian2 import Hz, Mohm, ms, mV, nS, pA, pF
from hypothesis import given
from hypothesis import strategies as st

from eisim import (
    EIF,
    LIF,
    QIF,
    AdEx,
    Circuit,
    HodgkinHuxley,
    Input,
    InputError,
    Izhikevich,
    Neuron,
    Population,
    Projection,
    Saturating,
    WangBuzsaki,
    activity,
    simulate,
)
from eisim.neurons.dynamics import units_in
from eisim.neurons.expressions import parse, value_of
from eisim.simulation.recording import recordable

TIMES = {"duration": 40 * ms, "window": 40 * ms, "dt": 0.1 * ms, "backend": "numpy", "seed": [0, 1]}


def neuron(membrane, receptor, **more):
    values = {"E": -65 * mV, "E_e": 0 * mV, "tau": 10 * ms, "tau_e": 5 * ms, "C": 200 * pF, "g_L": 20 * nS} | more
    text = f"{membrane}\n{receptor}"
    used = {name: value for name, value in values.items() if re.search(rf"\b{name}\b", text)}
    return Neuron(
        text, threshold="v > -50*mV", reset="v = -65*mV", excitation=f"+{receptor.split('/')[0][1:]}", parameters=used
    )


@pytest.mark.parametrize(
    ("membrane", "receptor", "more", "expression", "unit"),
    [
        ("dv/dt = (g_L*(E - v) + g*(E_e - v))/C : volt", "dg/dt = -g/tau_e : siemens", {}, "g*(E_e - v)", "ampere"),
        ("dv/dt = (E - v)/tau + 1/C*g*(E_e - v) : volt", "dg/dt = -g/tau_e : siemens", {}, "g*(E_e - v)", "ampere"),
        ("dv/dt = (g_L*(E - v) - g*(v - E_e))/C : volt", "dg/dt = -g/tau_e : siemens", {}, "g*(E_e - v)", "ampere"),
        ("dv/dt = (E - v + g/g_L*(E_e - v))/tau : volt", "dg/dt = -g/tau_e : siemens", {}, "g/g_L*(E_e - v)", "volt"),
        ("dv/dt = (E - v + R*g)/tau : volt", "dg/dt = -g/tau_e : amp", {"R": 100 * Mohm}, "R*g", "volt"),
        (
            "dv/dt = (g_L*(E - v) + now)/C : volt\nnow = s*g_L/(1 + exp(-v/(16*mV))/3.57)*(E_e - v) : amp",
            "dx/dt = -x/tau_e : 1\nds/dt = (x - s)/tau_e : 1",
            {},
            "s*g_L/(1 + exp(-v/0.016)/3.57)*(E_e - v)",
            "ampere",
        ),
    ],
)
def test_currents_are_read_from_the_membrane_equation(membrane, receptor, more, expression, unit):
    cell = neuron(membrane, receptor, **more)
    assert list(cell.currents) == ["I_e"] and cell.currents["I_e"].unit == unit
    variables = {"v": np.array([-0.06, -0.01]), "g": np.array([2e-9, 3e-10]), "s": 0.3, "x": 0.1}
    values = {name: float(value) for name, value in cell.parameters} | variables
    current = cell.currents["I_e"]
    found = current.value({name: values[name] for name in current.names})
    np.testing.assert_allclose(found, eval(expression, {"exp": np.exp}, values), rtol=1e-12)  # text of this file


@pytest.mark.parametrize(
    ("membrane", "receptor", "more"),
    [
        ("dv/dt = (g_L*E + g*E_e)/(g_L + g)/tau - v/tau : volt", "dg/dt = -g/tau_e : siemens", {}),
        ("dv/dt = (E - v)/tau + g*(E_e - v) : volt", "dg/dt = -g/tau_e : Hz", {}),
        (
            "dv/dt = (g_L*(E - v) + g*(E_e - v))/C - w : volt",
            "dg/dt = -g/tau_e : siemens\ndw/dt = g*k - w/tau_e : volt/second",
            {"k": 1 * mV / ms**2 / nS},
        ),
        ("dv/dt = (g_L*(E - v) + g*(E_e - v)*sin(t/ms)**2)/C : volt", "dg/dt = -g/tau_e : siemens", {}),
        ("dv/dt = (g_L*(E - v) + g_L*exp(g/g_L)*(E_e - v))/C : volt", "dg/dt = -g/tau_e : siemens", {}),
    ],
    ids=["normalised", "no current", "two ways", "time", "not 0 without"],
)
def test_what_the_equations_do_not_show_is_no_current(membrane, receptor, more):
    cell = neuron(membrane, receptor, **more)
    assert cell.currents == {}
    circuit = Circuit("x", [Input("x")], [Population("E", "E", cell)], [])
    with pytest.raises(InputError, match="found 'I_e', a current that its equations do not show"):
        simulate(circuit, [[1]], record={"E": "I_e"}, **TIMES)


def test_receptors_that_act_together_have_no_currents():
    cell = Neuron(
        "dv/dt = (E - v)/tau + (g*(E_e - v) - g*h/g_L*(E_e - v))/C : volt\ndg/dt = -g/tau : siemens\n"
        "dh/dt = -h/tau : siemens",
        threshold="v > -50*mV", reset="v = E", excitation="+g", inhibition="+h",
        E=-65 * mV, E_e=0 * mV, tau=5 * ms, C=100 * pF, g_L=10 * nS,
    )  # fmt: skip
    assert cell.currents == {}


@pytest.mark.parametrize("make", [AdEx, HodgkinHuxley, WangBuzsaki, EIF, QIF, Izhikevich])
def test_built_in_neurons_have_currents(make):
    cell = make()
    assert {"I_e", "I_i"} <= {*cell.currents, *cell.units}
    units = {"AdEx": "ampere", "HodgkinHuxley": "ampere", "WangBuzsaki": "metre ** -2 * amp"}
    assert {current.unit for current in cell.currents.values()} <= {units.get(make.__name__)}


def circuit(**injected):
    return Circuit(
        "recorded",
        [Input("a", 5, 200 * Hz, train="poisson"), Input("i", 2, 150 * Hz), Input("el", current=300 * pA, **injected)],
        [
            Population("P", "E", AdEx(), 4, bias=20 * pA, spread={"C": 20 * pF}),
            Population("Q", "I", HodgkinHuxley(), 2),
            Population("L", "I", LIF(), 2, bias=16 * mV),
        ],
        [
            Projection("a", "P", np.full((5, 4), 2.0) * nS),
            Projection("i", "Q", np.full((2, 2), 2.0) * nS),
            Projection("L", "P", np.full((2, 4), 3.0) * nS),
            Projection("el", "P", [[1.0, 2.0, 1.0, 1.0]]),
        ],
    )


def test_the_membrane_moves_by_the_currents_that_are_recorded():
    stimuli = np.ones((2, 8))
    stimuli[0, -1] = 0
    names = ["v", "w", "upstroke", "I_e", "I_i", "I_ext"]
    fluctuating = circuit(fluctuation=50 * pA, tau=5 * ms)
    chosen = {"neurons": {"P": [0, 3]}, "trials": [1]}
    response = simulate(fluctuating, stimuli, record={"P": names}, **chosen, **TIMES)
    found = {name: response.traces["P"][name].values for name in names}
    assert all(response.traces["P"][name].attrs["units"] == "A" for name in names[1:])
    assert found["I_e"].max() > 0 > found["I_i"].min() and found["I_ext"].std() > 1e-12
    each = [fluctuating.neurons(fluctuating.population("P"))[n] for n in (0, 3)]
    leak = each[0]["g_L"] * (float(each[0]["E_L"]) - found["v"])
    total = leak + found["upstroke"] - found["w"] + found["I_e"] + found["I_i"] + found["I_ext"]
    steps = np.diff(found["v"]) / 0.1e-3 * np.array([float(n["C"]) for n in each])[:, None]
    smooth = np.abs(np.diff(found["v"])) < 5e-3  # no reset
    np.testing.assert_allclose(steps[smooth], total[..., :-1][smooth], atol=1e-20, rtol=1e-9)
    frames = np.repeat(stimuli[:, None], 4, axis=1)
    moving = simulate(fluctuating, frames, record={"P": names}, **chosen, **TIMES)
    for name in names:
        np.testing.assert_array_equal(moving.traces["P"][name], found[name])


@pytest.mark.parametrize("moves", [False, True])
def test_a_current_that_does_not_fluctuate_is_recorded_with_the_bias(moves):
    stimuli = np.ones((2, 8))
    stimuli[:, -1] = 2, -1
    if moves:
        stimuli = np.stack([stimuli, 0.5 * stimuli], axis=1)
    names = {name: "I_ext" for name in "PQL"}
    found = simulate(circuit(), stimuli, record=names, neurons={"P": [1, 2]}, **TIMES).traces
    given = np.repeat([[2, 1], [-1, -0.5]], 200, axis=1) if moves else np.repeat([[2], [-1]], 400, axis=1)
    expected = 20e-12 + 300e-12 * np.array([2, 1])[:, None] * given[:, None]
    np.testing.assert_allclose(found["P"]["I_ext"], [expected] * 2, rtol=1e-12)
    assert not found["Q"]["I_ext"].any() and (found["L"]["I_ext"] == 16e-3).all()
    assert [found[name]["I_ext"].attrs["units"] for name in "PQL"] == ["A", "A", "V"]


def test_rate_units_record_what_is_injected():
    made = Circuit(
        "rates",
        [Input("a", 1, 50 * Hz), Input("el", current=5 * Hz, fluctuation=1 * Hz)],
        [Population("E", "E", Saturating(), 2, bias=3 * Hz), Population("F", "E", Saturating(), 2, bias=3 * Hz)],
        [Projection("a", "E", [[0.5, 0.5]]), Projection("el", "E", [[1, 2]]), Projection("E", "F", np.eye(2))],
    )
    record = {"E": ["drive", "I_e", "I_ext"], "F": ["drive", "I_e", "I_ext"]}
    found = simulate(made, [[1, 1], [1, 2]], record=record, **TIMES | {"dt": 1 * ms}).traces
    for name in "EF":
        np.testing.assert_allclose(found[name]["drive"], found[name]["I_e"] + found[name]["I_ext"], rtol=1e-12)
    assert found["E"]["I_ext"].std() > 1 and (found["F"]["I_ext"] == 3).all()


def test_field_potential_and_figure_have_the_currents_of_equations():
    record = {"P": ["I_e", "I_i"]}
    response = simulate(circuit(), np.ones((1, 8)), record=record, **TIMES)
    _, potential = activity.field_potential(response, "P", delay=1 * ms)
    currents = response.traces["P"].mean("neuron")
    expected = currents["I_e"].values[..., :-10] - 1.65 * currents["I_i"].values[..., 10:]
    np.testing.assert_allclose(potential, expected, rtol=1e-12)
    labels = [line.get_label() for ax in response.plot().child_axes for line in ax.lines]
    assert {"I_e", "I_i", "sum"} <= set(labels)


def test_a_variable_of_the_name_of_a_current_is_recorded_itself():
    cell = Neuron(
        "dv/dt = (E - v + I_ext + I_e/2)/tau : volt\ndI_e/dt = -I_e/tau : volt\nI_ext = 3*mV : volt\nI : volt",
        threshold="v > -50*mV", reset="v = E", excitation="I_e", E=-65 * mV, tau=5 * ms, initial={"I_e": 4 * mV},
    )  # fmt: skip
    made = Circuit("x", [Input("x")], [Population("E", "E", cell)], [])
    found = simulate(made, [[0]], record={"E": ["I_e", "I_ext"]}, **TIMES).traces["E"]
    assert (found["I_ext"] == 3e-3).all() and found["I_e"].values.flat[0] == 4e-3


SUM, CONSTANT = "(g_L*(E_L - v) + 2*g_e*(E_e - v) - g_i*(v - E_i))", {"C": "200*pF", "tau": "20*ms", "R": "100*Mohm"}
#: Ways to write a capacitance of 200 pF as what divides a sum.
WAYS = ["{}/C", "{}/(200*pF)", "{}/(0.2*nF)", "{}/200/pF", "{}*5/nF", "5*{}/nF", "{}*(5/nF)", "1/(pF*200)*{}"]
WAYS += ["{}*5*nF**-1", "-(-{})/(100*pF + 100*pF)", "{}/(100*pF*2)", "(0.5*{})/(0.1*nF)"]


def of_membrane(membrane, inner="", **more):
    values = {"C": 200 * pF, "g_L": 10 * nS, "E_L": -70 * mV, "E_e": 0 * mV, "E_i": -80 * mV, "tau": 20 * ms}
    values |= {"R": 100 * Mohm, "tau_e": 5 * ms, "E": -70 * mV} | more
    text = f"dv/dt = {membrane} : volt\n{inner}\ndg_e/dt = -g_e/tau_e : siemens\ndg_i/dt = -g_i/tau_e : siemens"
    used = {name: value for name, value in values.items() if re.search(rf"\b{name}\b", text)}
    synapses = {"excitation": "+g_e", "inhibition": "+g_i"}
    return Neuron(text, threshold="v > -50*mV", reset="v = -70*mV", method="euler", parameters=used, **synapses)


def values_of(cell, **more):
    given = {name: float(value) for name, value in cell.parameters}
    values = {"v": -0.06, "g_e": 3e-9, "g_i": 2e-9} | more
    return {
        name: float(current.value({n: (values | given)[n] for n in current.names}))
        for name, current in cell.currents.items()
    }


EXPECTED = {"I_e": 2 * 3e-9 * 0.06, "I_i": -2e-9 * 0.02}


@given(st.sampled_from(WAYS), st.sampled_from(WAYS), st.booleans())
def test_currents_do_not_depend_on_how_a_constant_is_written(way, other, noisy):
    noise = " + 1*mV*xi*(20*ms)**-0.5" * noisy
    assert values_of(of_membrane(way.format(SUM) + noise)) == pytest.approx(EXPECTED, rel=1e-12)
    apart = "g_L*(E_L - v)", "2*g_e*(E_e - v)", "g_i*(E_i - v)"
    if "{}/" in way and "{}/" in other:  # each term with its own
        written = way.format(apart[0]), way.format(apart[1]), other.format(apart[2])
        found = values_of(of_membrane(" + ".join(written)))
        assert found["I_e"] / found["I_i"] == pytest.approx(EXPECTED["I_e"] / EXPECTED["I_i"], rel=1e-12)
        if way.startswith("{}/") and "2)" not in way:
            assert found == pytest.approx(EXPECTED, rel=1e-12)


@pytest.mark.parametrize("name", ["tau", "R"])
@pytest.mark.parametrize(
    "membrane",
    [
        "(E_L - v + R*(2*g_e*(E_e - v) + g_i*(E_i - v)))/tau",
        "(E_L - v)/tau + R*2*g_e*(E_e - v)/tau + R*g_i*(E_i - v)/tau",
        "R*(2*g_e*(E_e - v) + g_i*(E_i - v))/tau - v/tau",
    ],
)
def test_times_and_resistances_are_left_out_or_in_as_numbers_or_as_parameters(membrane, name):
    literal = re.sub(rf"\b{name}\b", f"({CONSTANT[name]})", membrane)
    expected = {name: 1e8 * value for name, value in EXPECTED.items()}
    for cell in (of_membrane(membrane), of_membrane(literal)):
        assert values_of(cell) == pytest.approx(expected, rel=1e-12)
        assert {current.unit for current in cell.currents.values()} == {"volt"}


@pytest.mark.parametrize(
    "membrane",
    [
        "(g_L*(E_L - v)/2 + g_e*(E_e - v)/4 + g_i*(E_i - v)/8)/(200*pF)",
        "(E_L - v)/tau + g_e*(E_e - v)/(100*pF) + g_i*(E_i - v)/(50*pF)",
        "(E_L - v)/tau + 5/nF*g_e*(E_e - v) + g_i*(E_i - v)/C",
        "(E_L - v)/(20*ms) + g_e/(10*nS)*(E_e - v)/(20*ms) + g_i/(20*nS)*(E_i - v)/(20*ms)",
        "(E_L - v)/tau + (g_e*(E_e - v) + syn)/(3*C)",
    ],
)
def test_currents_are_what_a_receptor_adds_times_one_constant(membrane):
    cell = of_membrane(membrane, "syn = g_i*(E_i - v)/7 : amp" if "syn" in membrane else "")
    values = {name: float(value) for name, value in cell.parameters} | units_in() | {"v": -0.06}

    def derivative(**conductances):
        return value_of(parse(cell.dynamics.derivatives["v"], ""), values | {"g_e": 0.0, "g_i": 0.0} | conductances)

    found, without = values_of(cell), derivative()
    ratios = [
        found["I_e"] / (derivative(g_e=3e-9) - without),
        found["I_i"] / (derivative(g_i=2e-9) - without),
    ]
    assert ratios[0] == pytest.approx(ratios[1], rel=1e-9) and ratios[0] > 0
    assert len({current.unit for current in cell.currents.values()}) == 1


def recorded(cell, currents, weights=5 * nS, **projection):
    made = Circuit(
        "own",
        [Input("a", 5, 200 * Hz), Input("i", 2, 150 * Hz)],
        [Population("P", "E", cell, 2), Population("L", "I", LIF(), 2)],
        [
            Projection("a", "P", np.full((5, 2), 1.0) * weights, **projection),
            Projection("i", "L", np.full((2, 2), 12.0) * mV),
            Projection("L", "P", np.full((2, 2), 1.0) * weights),
        ],
    )
    return simulate(made, np.ones((1, 7)), record={"P": currents}, **TIMES)


OWN = "I_e = {}g_e*(v - E_e) : amp\nI_i = {}g_i*(v - E_i) : amp"


def test_a_users_current_is_turned_where_it_hyperpolarises():
    mirrored = recorded(of_membrane("-(g_L*(v - E_L) + I_e + I_i)/C", OWN.format("", "")), ["I_e", "I_i"])
    as_documented = recorded(of_membrane("(g_L*(E_L - v) + I_e + I_i)/C", OWN.format("-", "-")), ["I_e", "I_i"])
    mixed = recorded(of_membrane("(g_L*(E_L - v) + I_e - I_i)/C", OWN.format("-", "")), ["I_e", "I_i"])
    read = recorded(of_membrane(f"{SUM.replace('2*', '')}/C"), ["I_e", "I_i"])
    _, expected = activity.field_potential(read, "P", delay=1 * ms)
    assert expected.max() > 1e-11 and np.abs(read.traces["P"]["I_i"]).max() > 1e-12
    for response, signs in ((mirrored, (-1, -1)), (as_documented, (1, 1)), (mixed, (1, -1))):
        np.testing.assert_allclose(activity.field_potential(response, "P", delay=1 * ms)[1], expected, rtol=1e-9)
        lines = [line.get_label() for ax in response.plot().child_axes for line in ax.lines]
        assert ("sum" in lines) == (signs == (1, 1))
        for name, sign in zip(("I_e", "I_i"), signs, strict=True):
            found = response.traces["P"][name]
            np.testing.assert_allclose(found, sign * read.traces["P"][name], rtol=1e-9, atol=1e-24)
            assert ("depolarising positive", "hyperpolarising positive")[sign < 0] in found.attrs["long_name"]


def test_currents_in_volt_that_the_equation_subtracts_are_turned():
    text = "dv/dt = (E - v + I_e - I_i)/tau : volt\ndI_e/dt = -I_e/tau : volt\ndI_i/dt = -I_i/tau : volt"
    cell = Neuron(
        text, threshold="v > -50*mV", reset="v = E", excitation="I_e", inhibition="I_i", E=-65 * mV, tau=9 * ms
    )
    assert cell.current_signs == {"e": ("I_e", 1), "i": ("I_i", -1)}
    response = recorded(cell, ["I_e", "I_i"], 3 * mV)
    _, potential = activity.field_potential(response, "P", delay=0 * ms)
    currents = response.traces["P"].mean("neuron")
    assert currents["I_i"].max() > 1e-3
    np.testing.assert_allclose(potential, currents["I_e"] + 1.65 * currents["I_i"], rtol=1e-12)


def test_a_users_current_of_unknown_sign_is_no_part_of_a_field_potential():
    cell = of_membrane("(g_L*(E_L - v) + I_e*(E_e - v) + I_i)/C", "I_e = g_e : siemens\nI_i = g_i*(E_i - v) : amp")
    response = recorded(cell, ["I_e", "I_i"])
    with pytest.raises(InputError, match="equations show whether they depolarise or hyperpolarise, found I_e"):
        activity.field_potential(response, "P")
    assert "sum" not in [line.get_label() for ax in response.plot().child_axes for line in ax.lines]


def test_field_potential_has_the_currents_of_all_receptors():
    import examples.two_compartments as example

    made, stimuli = example.circuit(), np.zeros((1, 40))
    stimuli[:, 10:20] = 1  # the dendrite alone
    with pytest.raises(InputError, match="found I_e, I_i, without I_de, I_di"):
        activity.field_potential(simulate(made, stimuli, record={"PYR": ["I_e", "I_i"]}, **TIMES), "PYR")
    names = ["I_e", "I_i", "I_de", "I_di"]
    response = simulate(made, stimuli, record={"PYR": names}, **TIMES)
    _, potential = activity.field_potential(response, "PYR", delay=0 * ms)
    each = response.traces["PYR"].mean("neuron")
    assert each["I_de"].max() > 1e-11
    expected = each["I_e"] + each["I_de"] - 1.65 * (each["I_i"] + each["I_di"])
    np.testing.assert_allclose(potential, expected, rtol=1e-12)


def test_units_and_meanings_are_written_as_people_do():
    cells = [Population("W", "I", WangBuzsaki()), Population("F", "I", EIF())]
    made = Circuit("x", [Input("x")], cells, [])
    found = recordable(made, cells[0])
    assert {name: found[name].unit for name in ("g_e", "I_i", "I_ext")} == {
        "g_e": "S/m^2", "I_i": "A/m^2", "I_ext": "A/m^2",
    }  # fmt: skip
    assert found["g_i"].meaning == "inhibitory conductance"
    found = recordable(made, cells[1])
    assert found["I_i"].meaning == "inhibitory synaptic current, depolarising positive, times the membrane resistance"
