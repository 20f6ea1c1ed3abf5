"""What synapses of Brian2 networks do, found in networks of all the kinds that people write."""

import sys

import brian2
import numpy as np
import pytest
from brian2 import (
    Hz,
    Network,
    NeuronGroup,
    PoissonGroup,
    PoissonInput,
    Synapses,
    TimedArray,
    ms,
    mV,
    network_operation,
    siemens,
)

from eisim import InputError, brian
from eisim.studies.brian2_networks.finding import Change
from eisim.studies.brian2_networks.scaling import scaled_code


@pytest.fixture(autouse=True)
def alone():
    """Networks of their own, on NumPy, whose names are those of a script."""
    target = brian2.prefs.codegen.target
    brian2.prefs.codegen.target = "numpy"
    brian2.start_scope()
    yield
    brian2.prefs.codegen.target = target


def cells(n=6, eqs="dv/dt = -v/(10*ms) : volt", threshold="v > 10*mV", name="cells", **more):
    return NeuronGroup(n, eqs, threshold=threshold, reset=threshold and "", method="euler", name=name, **more)


def joined(source, target=None, model="", name="S", **more):
    synapses = Synapses(source, target, model, name=name, method="euler", **more)
    synapses.connect()
    return synapses


def found(*objects, **names):
    return brian.inhibition(Network(*objects), namespace=brian2.__dict__ | names)


def verdicts(*objects, **names):
    return [(row.pathway, row.variable, row.verdict) for row in found(*objects, **names).rows]


def test_a_conductance_inhibits_where_its_reversal_potential_is_below_threshold():
    eqs = "dv/dt = (10*nS*(-70*mV - v) + g*(E - v))/(200*pF) : volt\ndg/dt = -g/(5*ms) : siemens\nE : volt"
    for potential, verdict in ((-80, "inhibitory"), (0, "excitatory"), (-55, "inhibitory"), (-45, "excitatory")):
        brian2.start_scope()
        group = cells(eqs=eqs, threshold="v > -50*mV")
        group.v, group.E = -90 * mV, potential * mV  # below all: the present driving force decides nothing
        assert verdicts(group, joined(group, on_pre="g += 1*nS")) == [("pre", "g", verdict)]


def test_a_synapse_that_inhibits_some_cells_and_excites_others_is_asked_about():
    group = cells(eqs="dv/dt = (g*(E - v) - v)/(10*ms) : 1\ndg/dt = -g/ms : 1\nE : 1", threshold="v > 1")
    group.E = "2*(i % 2)"
    (row,) = found(group, joined(group, on_pre="g += 1")).rows
    assert row.verdict == "unknown" and "some neurons nearer to threshold and others away" in row.why


def test_signs_by_weight_are_mixed_and_what_learns_is_no_effect():
    group = cells()
    synapses = joined(
        group, model="w : volt\ndtrace/dt = -trace/ms : 1 (event-driven)", on_pre="v_post += w; trace += 1"
    )
    synapses.w = "(0.5 - i % 2)*mV"
    (row,) = found(group, synapses).rows
    assert (row.variable, row.verdict, row.toward) == ("v_post", "mixed", 1) and row.why.startswith(
        "18 of 36 synapses inhibit"
    )


def test_a_weight_of_0_is_followed_by_its_own_rule_or_asked_about():
    eqs = "dv/dt = (g - v)/(10*ms) : 1\ndg/dt = -g/ms : 1"
    group = cells(eqs=eqs, threshold="v > 1")
    learns = joined(group, model="w : 1\nx : 1", on_pre="g -= w; x += 0.1", on_post="w = clip(w + x, 0, 1)")
    assert verdicts(group, learns) == [("pre", "g", "inhibitory")]
    brian2.start_scope()
    group = cells(eqs=eqs, threshold="v > 1")
    network = Network(group, joined(group, model="w : 1", on_pre="g += w"))
    (row,) = brian.inhibition(network).unknown
    assert row.why.startswith("S.w is 0 at the first run, so its sign is not known")
    with pytest.raises(
        InputError, match=r"S\.w is 0 at the first run.*say override=\{'S': 'inhibitory'\} or"
    ) as caught:
        brian.ablate(network, duration=1 * ms, seeds=1, controls=False)
    assert "\n" not in str(caught.value)
    assert brian.inhibition(network, override={"S": "inhibitory"}).inhibitory == ("S",)


def test_short_term_plasticity_local_values_and_pathways_by_name():
    group = cells(eqs="dv/dt = (h - v)/(10*ms) : 1\ndh/dt = -h/ms : 1", threshold="v > 1")
    model = "du/dt = -u/second : 1 (event-driven)\ndx/dt = (1 - x)/second : 1 (event-driven)"
    code = {"release": "u += 0.5*(1 - u); sent = u*x; x -= sent", "arrival": "h -= 0.3*u*x"}
    synapses = joined(group, model=model, on_pre=code)
    synapses.x = 1
    assert verdicts(group, synapses) == [("arrival", "h", "inhibitory")]


def test_sums_over_synapses_and_what_passes_on_through_several():
    pre, relay = (
        cells(name="pre", eqs="dv/dt = -v/ms : 1\nds/dt = -s/ms : 1", threshold="v > 1"),
        cells(2, "s : 1", None, "relay"),
    )
    post = cells(eqs="dv/dt = (-total*v - v)/ms : 1\ntotal : 1", threshold="v > 1")
    raise_s = joined(pre, on_pre="s_pre += 1", name="raise_s")
    collect = joined(pre, relay, "s_post = s_pre : 1 (summed)", "collect")
    spread = joined(relay, post, "w : 1\ntotal_post = w*s_pre : 1 (summed)", "spread")
    spread.w = 0.5
    result = found(pre, relay, post, raise_s, collect, spread)
    assert [(r.synapses, r.verdict, r.is_scaled) for r in result.rows] == [
        ("collect", "inhibitory", False),
        ("raise_s", "inhibitory", False),
        ("spread", "inhibitory", True),
    ]


def test_a_conductance_of_synapses_that_saturates_is_scaled_where_it_is_summed():
    group = cells(eqs="dv/dt = (I - v)/ms : 1\nI : 1", threshold="v > 1")
    model = (
        "dx/dt = -x/ms : 1 (clock-driven)\nds/dt = (x*(1 - s) - s)/ms : 1 (clock-driven)\nI_post = -0.1*s : 1 (summed)"
    )
    result = found(group, joined(group, model=model, on_pre="x += 1"))
    assert [(r.pathway, r.verdict, r.is_scaled) for r in result.rows] == [
        ("pre", "inhibitory", False),
        ("sum", "inhibitory", True),
    ]


def test_gap_junctions_are_electrical():
    group = cells(eqs="dv/dt = (I - v)/ms : 1\nI : 1", threshold="v > 1")
    network = Network(group, joined(group, model="I_post = 0.1*(v_pre - v_post) : 1 (summed)"))
    assert [row.verdict for row in brian.inhibition(network).rows] == ["electrical"]
    with pytest.raises(InputError, match="S: electrical, neither excitatory nor inhibitory; nothing to ablate"):
        brian.ablate(network, duration=1 * ms, seeds=1, controls=False)


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        ("v_post = v_post - 1*mV", "inhibitory"),
        ("v_post = clip(v_post + 2*mV, 0*mV, 19*mV)", "excitatory"),
        ("v_post = clip(v_post + 2*mV, 0*mV, 9*mV)", "unknown"),  # at threshold it takes away
        ("v_post = 5*mV", "unknown"),
        ("v_post = 0*mV", "inhibitory"),
        ("v_post += 0.1*(5*mV - v_post)", "inhibitory"),  # a reversal potential below threshold
        ("v_post += 0.1*(15*mV - v_post)", "excitatory"),
        ("v_post -= 1*mV*(rand() < 0.5)", "inhibitory"),
        ("v_post += -J*int(i < 3)", "inhibitory"),
        ("v_post += 1*mV", "excitatory"),
    ],
)
def test_ways_to_write_it(code, verdict):
    group = cells()
    assert verdicts(group, joined(group, on_pre=code), J=1 * mV) == [("pre", "v_post", verdict)]


def test_several_variables_of_opposite_signs_are_asked_about():
    group = cells(eqs="dv/dt = (g - h - v)/ms : 1\ndg/dt = -g/ms : 1\ndh/dt = -h/ms : 1", threshold="v > 1")
    rows = found(group, joined(group, on_pre="g += 1; h += 1")).rows
    assert {row.verdict for row in rows} == {"unknown"} and "S acts on g and h with opposite signs" in rows[0].why
    brian2.start_scope()
    group = cells(eqs="dv/dt = (g - h - v)/ms : 1\ndg/dt = -g/ms : 1\ndh/dt = -h/ms : 1", threshold="v > 1")
    apart = joined(group, on_pre={"fast": "g += 1", "slow": "h += 1"})
    assert sorted(verdicts(group, apart)) == [("fast", "g", "excitatory"), ("slow", "h", "inhibitory")]


def test_what_is_not_followed_is_asked_about():
    group = cells(eqs="dv/dt = -v/ms : 1\nkick : 1", threshold="v > 1")
    group.run_regularly("v -= kick")
    (row,) = found(group, joined(group, on_pre="kick += 1")).rows
    assert row.verdict == "unknown" and "which is not followed" in row.why
    brian2.start_scope()
    group = cells(eqs="dv/dt = (h*a - v)/ms : 1\ndh/dt = -h/ms : 1\na : 1", threshold="v > 1")
    (row,) = found(group, joined(group, on_pre="h += 1")).rows
    assert row.verdict == "unknown" and "v of cells does not change with h at the values of the first run" in row.why


def test_what_has_no_threshold_or_is_random():
    group = cells(eqs="dv/dt = -v/ms : 1", threshold=None)
    source = PoissonGroup(3, 10 * Hz, name="source")
    assert verdicts(source, group, joined(source, group, on_pre="v_post -= 1")) == [("pre", "v_post", "none")]
    brian2.start_scope()
    group = cells(eqs="dv/dt = (1 - v)/ms : 1\nrate = 100*Hz*v : Hz", threshold="rand() < rate*dt")
    assert verdicts(group, joined(group, on_pre="v_post -= 1")) == [("pre", "v_post", "inhibitory")]


def test_parts_of_groups_time_courses_and_a_threshold_that_adapts():
    eqs = "dv/dt = (drive(t) + h - v)/ms : 1\ndh/dt = -h/ms : 1\ndtheta/dt = (1 - theta)/ms : 1"
    group = cells(eqs=eqs, threshold="v > theta")
    group.theta = 1
    drive = TimedArray(np.ones(3), dt=1 * ms)
    part = joined(group[:2], group[3:], on_pre="h_post -= 1")
    raises = joined(group[2:], group[:3], on_pre="theta_post += 0.1", name="T")
    assert verdicts(group, part, raises, drive=drive) == [
        ("pre", "h_post", "inhibitory"),
        ("pre", "theta_post", "inhibitory"),
    ]


def test_what_is_not_examined_is_listed_and_nothing_is_changed():
    group = cells()
    negative = PoissonInput(group, "v", 10, 5 * Hz, -1 * mV)

    @network_operation
    def watch():
        group.v_[0] = 0

    regular = group.run_regularly("v += 0*mV")
    synapses = joined(group, on_pre="v -= 1*mV")
    code, state = synapses.pre.code, np.random.get_state()[1].copy()  # noqa: NPY002
    result = found(group, negative, watch, synapses, regular)
    said = " ".join(result.not_examined)
    assert "a function that runs at each step" in said and "code that runs regularly" in said
    assert "weight is not known to be positive" in said and "not examined" in repr(result)
    assert synapses.pre.code == code and "eisim_keep" not in synapses.variables
    assert np.array_equal(state, np.random.get_state()[1])  # noqa: NPY002
    assert result.to_dataframe()["verdict"].tolist() == ["inhibitory"]


def test_synapses_that_change_other_synapses_are_asked_about():
    group = cells(eqs="dv/dt = (g - v)/ms : 1\ndg/dt = -g/ms : 1", threshold="v > 1")
    sends = joined(group, model="p : 1", on_pre="g += 0.1*p", name="sends")
    sends.p = 1
    modulates = Synapses(group, sends, "y : 1", on_pre="p_post -= 0.1; y += 1", name="modulates")
    modulates.connect(j="i")
    rows = {row.synapses: row for row in found(group, sends, modulates).rows}
    assert rows["sends"].verdict == "excitatory" and rows["modulates"].verdict == "unknown"
    with pytest.raises(InputError, match="override: still: expected synapses that change neurons, found nothing"):
        still = joined(group, model="y : 1", on_pre="y += 1", name="still")
        brian.inhibition(Network(group, still), override={"still": "inhibitory"})


def test_synapses_of_nothing():
    group = cells()
    empty = Synapses(group, group, on_pre="v -= 1*mV", name="S")
    empty.connect(False)
    (row,) = found(group, empty).rows
    assert row.verdict == "none" and row.why == "has no synapses"
    assert found(group).rows == () and "0 effects" in repr(found(group))


HH = """dv/dt = (-30*nS*(v + 60*mV) - 3*uS*n**4*(v + 90*mV) - 20*uS*m**3*h*(v - 50*mV) - g*(v - E))/(200*pF) : volt
dm/dt = 1.28/exprel((-50*mV - v)/(4*mV))/ms*(1 - m) - 1.4/exprel((v + 23*mV)/(5*mV))/ms*m : 1
dn/dt = 0.16/exprel((-48*mV - v)/(5*mV))/ms*(1 - n) - .5*exp((-53*mV - v)/(40*mV))/ms*n : 1
dh/dt = 0.128*exp((-46*mV - v)/(18*mV))/ms*(1 - h) - 4./(1 + exp((-23*mV - v)/(5*mV)))/ms*h : 1
dg/dt = -g/(5*ms) : siemens
E : volt"""
ADEX = """dv/dt = (30*nS*(-70.6*mV - v) + 60*nS*mV*exp((v + 50.4*mV)/(2*mV)) - w + g*(E - v))/(281*pF) : volt
dw/dt = (4*nS*(v + 70.6*mV) - w)/(144*ms) : amp
dg/dt = -g/(5*ms) : siemens
E : volt"""
IZHIKEVICH = """dv/dt = (0.04*v**2/mV + 5*v + 140*mV - u + g*(E - v))/ms : volt
du/dt = 0.02*(0.2*v - u)/ms : volt
dg/dt = -g/(5*ms) : 1
E : volt"""
QIF = "dv/dt = ((v + 60*mV)*(v + 45*mV)/(5*mV) + g*(E - v))/(10*ms) : volt\ndg/dt = -g/(5*ms) : 1\nE : volt"
DRIVEN_EIF = """dv/dt = (-65*mV - v + 20*mV + 2*mV*exp((v + 50*mV)/(2*mV)) + g*(E - v))/(10*ms) : volt
dg/dt = -g/(5*ms) : 1
E : volt"""


@pytest.mark.parametrize(
    ("eqs", "threshold", "reset"),
    [
        (HH, "v > 10*mV", ""),
        (HH, "m > 0.5", ""),
        (ADEX, "v > 20*mV", "v = -70*mV; w += 80*pA"),
        (IZHIKEVICH, "v >= 30*mV", "v = -65*mV; u += 8*mV"),
        (QIF, "v > 50*mV", "v = -60*mV"),
        (DRIVEN_EIF, "v > 0*mV", "v = -60*mV"),
    ],
)
@pytest.mark.parametrize(("potential", "verdict"), [(-80, "inhibitory"), (0, "excitatory")])
def test_a_spike_begins_below_the_value_at_which_it_is_detected(eqs, threshold, reset, potential, verdict):
    group = NeuronGroup(2, eqs, threshold=threshold, reset=reset, method="euler", dt=0.05 * ms)
    group.v, group.E = -65 * mV, potential * mV
    size = 1e-9 * siemens if "siemens" in eqs else 0.1
    assert verdicts(group, joined(group, on_pre="g += size"), size=size) == [("pre", "g", verdict)]


def test_a_reversal_potential_where_a_spike_begins_is_asked_about():
    group = NeuronGroup(2, QIF, threshold="v > 50*mV", reset="v = -60*mV", method="euler")
    group.v = -60 * mV
    group.E = -45 * mV
    (row,) = found(group, joined(group, on_pre="g += 1")).rows
    assert row.verdict == "unknown" and row.why.startswith("where a spike begins is not known well enough")


def driven(more="", threshold="v > 1", reset="v = 0", eqs=None, **rest):
    eqs = eqs or "dv/dt = (I0 + g - v)/(10*ms) : 1 (unless refractory)\ndg/dt = -g/(5*ms) : 1\nI0 : 1\n"
    return NeuronGroup(6, eqs + more, threshold=threshold, reset=reset, method="euler", **rest)


REVERSAL = "dv/dt = (I0 - v + g*(E - v))/(10*ms) : 1\ndg/dt = -g/(5*ms) : 1\nI0 : 1\n"
#: What synapses do, of a neuron of which kind, and what they are: "ask" stands for unknown.
KINDS = {
    "a longer refractory period": ("ref_post += 1*ms", {"more": "ref : second", "refractory": "ref"}, "inhibitory"),
    "a shorter one": ("ref_post -= 1*ms", {"more": "ref : second", "refractory": "ref"}, "excitatory"),
    "a refractory condition": (
        "b_post = True",
        {"more": "b : boolean", "refractory": "b"},
        "inhibitory",
    ),
    "a refractory state": ("r_post += 1", {"more": "dr/dt = -r/ms : 1", "refractory": "r > 0.5"}, "inhibitory"),
    "the last spike": ("lastspike_post = t", {"refractory": 2 * ms}, "inhibitory"),
    "a threshold": ("vt_post += 0.1", {"more": "vt : 1", "threshold": "v > vt"}, "inhibitory"),
    "a part of a threshold": (
        "a_post += 0.1",
        {"more": "a : 1\nvt = 1 + a : 1", "threshold": "v > vt"},
        "inhibitory",
    ),
    "a gate in the threshold": ("b_post = True", {"more": "b : boolean", "threshold": "v > 1 and b"}, "excitatory"),
    "a gate that shuts": ("b_post = True", {"more": "b : boolean", "threshold": "v > 1 and not b"}, "inhibitory"),
    "a gain in the threshold": ("a_post += 1", {"more": "a : 1", "threshold": "v*a > 1"}, "ask"),
    "a gain of all": ("a_post = 0", {"eqs": "dv/dt = a*(0.5 - v)/ms : 1\ndg/dt = -g/ms : 1\na : 1"}, "ask"),
    "sign by time": ("g += cos(t/ms)", {}, "mixed"),
    "sign by an array of times": ("g -= course(t)", {}, "mixed"),
    "later": ("g -= int(t > 500*ms)", {}, "inhibitory"),
    "a reversal potential of an array": ("g += 1", {"eqs": REVERSAL, "more": "E = 2*course(t) : 1"}, "ask"),
    "a reversal potential of time": ("g += 1", {"eqs": REVERSAL, "more": "E = 3*cos(t/second) : 1"}, "ask"),
    "a reversal potential that moves": ("g += 1", {"eqs": REVERSAL, "more": "dE/dt = (3 - E)/second : 1"}, "ask"),
    "a reversal potential that resets set": (
        "g += 1",
        {"eqs": REVERSAL, "more": "E : 1", "reset": "v = 0; E = 3"},
        "ask",
    ),
    "once in a step": (
        "g -= 1",
        {"eqs": "dv/dt = (q - v)/ms : 1\nq = 2*g : 1 (constant over dt)\ndg/dt = -g/ms : 1\n"},
        "inhibitory",
    ),
    "two ways": ("g += 1", {"eqs": "dv/dt = (g - k - v)/ms : 1\ndk/dt = (5*g - k)/ms : 1\ndg/dt = -g/ms : 1"}, "ask"),
    "a way through a reset": ("g += 1", {"reset": "v = -5*g"}, "ask"),
    "a bump": ("g += 1", {"eqs": "dv/dt = (exp(-(g - 1)**2) - v)/ms : 1\ndg/dt = -g/ms : 1"}, "ask"),
    "a modulus": ("g += 1", {"eqs": "dv/dt = (abs(g) - v)/ms : 1\ndg/dt = -g/ms : 1"}, "ask"),
    "one variable by two names": ("g += 1; g_post -= 3", {}, "inhibitory"),
    "thresholds on both sides": ("g += 0.1", {"threshold": "abs(v) > 1"}, "ask"),
    "either side": ("g += 0.1", {"threshold": "v > 1 or v < -1"}, "ask"),
    "a square": ("v_post += 0.1", {"threshold": "v**2 > 1"}, "ask"),
    "a window": ("g += 0.1", {"threshold": "v > 1 and v < 5"}, "ask"),
    "an integer": ("g += 0.1", {"threshold": "int(v > 1) > 0"}, "ask"),
    "a negation": ("g += 0.1", {"threshold": "not (v < 1)"}, "excitatory"),
    "a threshold from above": ("g += 0.1", {"threshold": "v < -1"}, "inhibitory"),
    "a condition by name": ("g += 0.1", {"more": "up = v > 1 : boolean", "threshold": "up"}, "excitatory"),
    "chance of both signs": ("g += 2 + randn()", {}, "ask"),
    "chance of one sign": ("g -= 2 + 0.1*randn()", {}, "inhibitory"),
    "a function": ("g += less(2)", {}, "inhibitory"),
    "a function of chance": ("g += chance()", {}, "ask"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_of_effects(kind):
    code, neuron, verdict = KINDS[kind]
    group = driven(**neuron)
    for name, value in (("vt", 1.0), ("E", -3.0), ("a", float("a*(" in str(neuron)))):
        if name in group.equations and group.equations[name].type != "subexpression":
            setattr(group, name, value)
    names = {"course": TimedArray([1, 1, 1, -1, 3], dt=100 * ms), "less": less, "chance": chance}
    (row,) = found(group, joined(group, on_pre=code), **names).rows
    assert row.verdict == ("unknown" if verdict == "ask" else verdict) and (verdict != "ask" or row.why)


@brian2.implementation("numpy", discard_units=True)
@brian2.check_units(x=1, result=1)
def less(x):
    return -x


@brian2.implementation("numpy", discard_units=True)
@brian2.check_units(result=1)
def chance():
    return np.random.randn()  # noqa: NPY002


@pytest.mark.parametrize(
    ("model", "code", "verdict"),
    [
        ("w : 1", "g += w; w -= 0.1", "mixed"),
        ("w : 1", "g -= w; w -= 0.1", "mixed"),
        ("w : 1", "g += w; w = clip(w - 0.1, 0, 1)", "excitatory"),
        ("w : 1", "g -= w; w *= 0.9", "inhibitory"),
        ("dw/dt = (-1 - w)/second : 1 (clock-driven)", "g += w", "mixed"),
        ("dw/dt = (1 - w)/second : 1 (clock-driven)", "g += w", "excitatory"),
    ],
)
def test_weights_that_their_own_rule_takes_past_0(model, code, verdict):
    group = driven()
    synapses = joined(group, model=model, on_pre=code)
    synapses.w = 1
    (row,) = found(group, synapses).rows
    assert row.verdict == verdict and ("takes w past 0" in row.why) == (verdict == "mixed")


#: What synapses add with a variable of neurons, its equation, a reset, code that runs regularly, and the verdict.
LED = {
    "a sign that an equation turns": ("g += p_pre", "dp/dt = (-1 - p)/second : 1", "v = 0", "", "mixed"),
    "one that it keeps": ("g += p_pre", "dp/dt = (2 - p)/second : 1", "v = 0", "", "excitatory"),
    "one that decays": ("g -= p_pre", "dp/dt = -p/second : 1", "v = 0", "", "inhibitory"),
    "depression": ("g -= p_pre", "dp/dt = (1 - p)/second : 1", "v = 0; p -= 0.3*p", "", "inhibitory"),
    "of the neuron after": ("g += p_post", "dp/dt = (-1 - p)/second : 1", "v = 0", "", "mixed"),
    "by another variable": ("g += p_pre", "dp/dt = (q - p)/ms : 1\ndq/dt = (-1 - q)/ms : 1", "v = 0", "", "mixed"),
    "by drift": ("g += p_pre", "dp/dt = -1*Hz : 1", "v = 0", "", "mixed"),
    "by noise": ("g += p_pre", "dp/dt = (1 - p)/ms + 2*xi/ms**0.5 : 1", "v = 0", "", "mixed"),
    "by little noise": ("g += p_pre", "dp/dt = (1 - p)/ms + 0.1*xi/ms**0.5 : 1", "v = 0", "", "excitatory"),
    "by resets": ("g += p_pre", "p : 1", "v = 0; p -= 0.05", "", "mixed"),
    "by code at times": ("g += p_pre", "p : 1", "v = 0", "p = 1 - 2*int(t > 50*ms)", "mixed"),
    "by code step by step": ("g += p_pre", "p : 1", "v = 0", "p -= 0.01", "mixed"),
    "by a factor of code": ("g += p_pre", "p : 1", "v = 0", "p *= -1", "mixed"),
    "by code of one sign": ("g += p_pre", "p : 1", "v = 0", "p = 0.9*p", "excitatory"),
    "a reversal potential that rises": (
        "v_post += 0.1*(p_post - v_post)",
        "dp/dt = (3 - p)/ms : 1",
        "v = 0",
        "",
        "mixed",
    ),
}


@pytest.mark.parametrize("kind", LED)
def test_what_a_spike_adds_with_variables_of_neurons_that_change(kind):
    code, model, reset, regular, verdict = LED[kind]
    group = driven(more=model, reset=reset)
    group.p = -5 if kind.startswith("a reversal") else 1
    group.v = 0.5
    more = [group.run_regularly(regular)] if regular else []
    (row,) = found(group, joined(group, on_pre=code), *more).rows
    assert row.verdict == verdict and ("may change sign with p of" in row.why) == (verdict == "mixed")


def test_what_a_spike_adds_with_a_variable_that_other_synapses_change():
    for added, verdict in (("-0.2", "mixed"), ("0.2", "excitatory")):
        brian2.start_scope()
        group = driven(more="p : 1")
        group.p = 1
        modulates = joined(group, on_pre=f"p_post += {added}", name="modulates")
        rows = {row.synapses: row.verdict for row in found(group, joined(group, on_pre="g += p_pre"), modulates).rows}
        assert rows["S"] == verdict


DENDRITE = "dv/dt = -v/ms : 1\ndd/dt = -d/ms : 1\nopen : 1\ndc/dt = -c/ms : 1"


@pytest.mark.parametrize(
    ("code", "at_event", "verdict"),
    [
        ("d_post += 1", "v += 0.5", "excitatory"),
        ("d_post -= 1", "v += 0.5; d = 0", "inhibitory"),
        ("d_post += 1", "v -= 0.5", "inhibitory"),
        ("d_post += 1", "open = 1", "none"),  # which nothing reads
        ("d_post += 1", "v = 0.5", "inhibitory"),  # at threshold
        ("d_post += 1", "v += randn()", "unknown"),
        ("d_post += 1", "d = 0", "none"),
        ("c_post += 1", "v += 0.5", "none"),
    ],
)
def test_events_of_dendrites(code, at_event, verdict):
    group = driven(eqs=DENDRITE, events={"dendritic": "d > 1"})
    runner = group.run_on_event("dendritic", at_event)
    assert [row.verdict for row in found(group, joined(group, on_pre=code), runner).rows] == [verdict]


COUPLED = """dv/dt = (-v + (d - v) + (f - v))/(10*ms) : 1
dd/dt = (-d + 0.5*(v - d) + g*(E - d))/(10*ms) : 1
df/dt = (-f + 0.5*(v - f))/(10*ms) : 1
dg/dt = -g/(5*ms) : 1
E : 1"""
LATER = """dv/dt = (-v - x*s**4/(s**4 + 100))/(10*ms) : 1
ds/dt = (0.18*g - 0.034*s)/ms : 1
dg/dt = -g/ms : 1
x : 1"""
DIVIDED = "dv/dt = (-v + h/(1 + g))/(10*ms) : 1\ndh/dt = -h/ms : 1\ndg/dt = -g/ms : 1"


def test_compartments_gates_that_are_shut_at_first_and_division():
    for potential, verdict in ((-0.5, "inhibitory"), (0.3, "inhibitory"), (5, "excitatory")):
        brian2.start_scope()
        group = driven(eqs=COUPLED)
        group.E = potential
        assert verdicts(group, joined(group, on_pre="g += 1")) == [("pre", "g", verdict)]
    brian2.start_scope()
    group = driven(eqs=LATER)
    group.x = 0.5
    assert verdicts(group, joined(group, on_pre="g += 1")) == [("pre", "g", "inhibitory")]
    brian2.start_scope()
    group = driven(eqs=DIVIDED)
    drives = joined(group, on_pre="h += 1", name="drives")
    rows = found(group, joined(group, on_pre="g += 1"), drives).rows
    assert {row.synapses: row.verdict for row in rows} == {"S": "inhibitory", "drives": "excitatory"}


@pytest.mark.parametrize(
    ("slow", "reversal", "verdict"), [(5, -1, "inhibitory"), (5, 3, "excitatory"), (0.2, -1, "excitatory")]
)
def test_differences_of_exponentials(slow, reversal, verdict):
    eqs = "dv/dt = ((g - h)*(E - v) - v)/ms : 1\ndg/dt = -g/(slow*ms) : 1\ndh/dt = -h/ms : 1\nE : 1"
    group = driven(eqs=eqs)
    group.E = reversal
    rows = found(group, joined(group, on_pre="g += 0.2; h += 0.2"), slow=slow).rows
    assert [(row.verdict, row.is_scaled) for row in rows] == 2 * [(verdict, verdict == "inhibitory")]
    unequal = joined(group, on_pre="g += 0.2; h += 0.3", name="unequal")  # first one, then the other
    assert {row.verdict for row in found(group, unequal, slow=slow).rows} == {verdict if slow < 1 else "unknown"}


def test_events_that_start_pathways():
    group = driven(eqs=DENDRITE, events={"release": "c > 2"})
    fills = joined(group, on_pre="c_post += 1", name="fills")
    sends = joined(group, on_pre="v_post -= 0.2", on_event={"pre": "release"}, name="sends")
    assert [row.verdict for row in found(group, fills, sends).rows] == ["inhibitory", "inhibitory"]


def test_functions_that_run_at_each_step_may_read_and_change_what_nothing_else_does():
    group = driven(eqs=DENDRITE)

    @network_operation
    def inhibit():
        group.v_[:] -= group.c_[:]

    reads = joined(group, on_pre="c_post += 1", name="reads")
    weighted = joined(group, model="w : 1", on_pre="v_post += w", name="weighted")
    plain = joined(group, on_pre="v_post -= 0.1", name="plain")
    weighted.w = 1
    rows = {row.synapses: row for row in found(group, reads, weighted, plain, inhibit).rows}
    assert {name: row.verdict for name, row in rows.items()} == {
        "reads": "unknown",
        "weighted": "excitatory",
        "plain": "inhibitory",
    }
    assert "runs at each step, may read it" in rows["reads"].why
    assert "runs at each step, may change it" in rows["weighted"].why and "step" not in rows["plain"].why
    assert found(group, reads).rows[0].verdict == "none"


def test_weights_of_both_signs_that_two_conductances_share():
    eqs = "dv/dt = (3 + g - h*(v + 1) - v)/(5*ms) : 1\ndg/dt = -g/ms : 1\ndh/dt = -h/ms : 1"
    code = "g_post += int(w > 0)*w; h_post += int(w < 0)*(-w)"
    group = driven(eqs=eqs)
    group.v = "i/6."
    synapses = joined(group, model="w : 1", on_pre=code)
    synapses.w = "0.3 - 0.8*int(i > 3)"
    spikes = brian2.SpikeMonitor(group)
    network = Network(group, synapses, spikes)
    rows = brian.inhibition(network).rows
    assert [(row.variable, row.verdict, row.is_scaled) for row in rows] == [
        ("g_post", "excitatory", False),
        ("h_post", "inhibitory", True),
    ]
    network.store()
    with brian.ablated(0.5, seed=1):
        network.run(40 * ms)
    ablated = np.array(spikes.t_)
    network.restore()
    synapses.w = np.where(np.array(synapses.w) < 0, 0.5, 1) * np.array(synapses.w)
    network.run(40 * ms)
    assert ablated.size and np.array_equal(ablated, np.array(spikes.t_))


def test_what_linked_variables_and_graded_neurons_pass_on():
    other = NeuronGroup(6, "dx/dt = -x/ms : 1", method="euler", name="other")
    group = driven(eqs="dv/dt = (-y - v)/ms : 1\ny : 1 (linked)")
    group.y = brian2.linked_var(other, "x")
    assert verdicts(other, group, joined(group, other, on_pre="x += 1")) == [("pre", "x", "inhibitory")]
    brian2.start_scope()
    relay = NeuronGroup(6, "dv/dt = (I - v)/ms : 1\nI : 1", method="euler", name="relay")
    group = driven(eqs="dv/dt = (I - v)/ms : 1\nI : 1")
    first = joined(group, relay, on_pre="I_post += 1", name="first")
    model = "ds/dt = (v_pre - s)/ms : 1 (clock-driven)\nI_post = -s : 1 (summed)"
    rows = found(relay, group, first, joined(relay, group, model, name="second")).rows
    assert [(row.synapses, row.verdict) for row in rows] == [("first", "inhibitory"), ("second", "inhibitory")]


def test_compartments():
    model = "Im = gL*(-70*mV - v) + gs*(E - v) : amp/meter**2\ndgs/dt = -gs/ms : siemens/meter**2\nE : volt"
    for potential, verdict in ((-80, "inhibitory"), (0, "excitatory")):
        brian2.start_scope()
        cable = brian2.SpatialNeuron(
            brian2.Cylinder(length=100 * brian2.um, diameter=2 * brian2.um, n=5),
            model,
            threshold="v > -50*mV",
            threshold_location=0,
            refractory="v > -50*mV",
            method="exponential_euler",
        )
        cable.v, cable.E = -70 * mV, potential * mV
        group = driven()
        synapses = joined(group, cable, on_pre="gs += 1*siemens/meter**2")
        names = {"gL": 1 * siemens / brian2.meter**2}
        assert verdicts(cable, group, synapses, **names) == [("pre", "gs", verdict)]


@pytest.mark.parametrize(
    ("code", "scaled"),
    [
        ("g += w", "g += eisim_keep*w"),
        ("g *= 0.5; g_post -= w", "g *= 0.5\ng_post -= eisim_keep*w"),
        ("g -= w; g = clip(g, -1, 1)", "g -= eisim_keep*w\ng = clip(g, -1, 1)"),
        ("g = g - w", "eisim_new0 = g - w\ng = eisim_new0 - eisim_lost*(eisim_new0 - g)"),
        ("g = clip(g - w, -1, 1)", "eisim_new0 = g - w\ng = clip(eisim_new0 - eisim_lost*(eisim_new0 - g), -1, 1)"),
        ("g *= 0.5", "eisim_new0 = g * (0.5)\ng = eisim_new0 - eisim_lost*(eisim_new0 - g)"),
        ("g = g + w*(1 - g)", "eisim_new0 = g + w*(1 - g)\ng = eisim_new0 - eisim_lost*(eisim_new0 - g)"),
        ("g += 0.3*(1 - g)", "g += eisim_keep*0.3*(1 - g)"),
        ("s = g - 2*w; g = s", "s = g - 2*w\neisim_new1 = s\ng = eisim_new1 - eisim_lost*(eisim_new1 - g)"),
        ("g = w", "eisim_new0 = w\ng = eisim_new0 - eisim_lost*(eisim_new0 - g)"),
        ("g = 0", "eisim_new0 = 0\ng = eisim_new0 - eisim_lost*(eisim_new0 - g)"),
        ("g += w - g", "g += eisim_keep*(w - g)"),
        ("g -= (g - 2*w)/4", "g -= eisim_keep*(g - 2*w)/4"),
        ("g = g + 0.1*(-2 - g)", "eisim_new0 = g + 0.1*(-2 - g)\ng = eisim_new0 - eisim_lost*(eisim_new0 - g)"),
    ],
)
def test_what_is_scaled_is_what_a_spike_adds(code, scaled):
    group = driven()
    synapses = joined(group, model="w : 1", on_pre=code)
    found = scaled_code(synapses.pre.code, Change(synapses, synapses.pre, "g", 1.0))
    assert found == scaled


@pytest.mark.parametrize(
    "code", ["g = g*0.5 - w", "s = 0.5*g - w; g = s", "g += 0.5*(-g) - w", "g = clip(0.5*g - w, -1, 1)"]
)
def test_a_decay_and_a_weight_in_one_statement_are_refused(code):
    group = driven()
    synapses = joined(group, model="w : 1", on_pre=code)
    with pytest.raises(InputError, match=r"expected what a spike adds in a statement of its own \('g \+= \.\.\.'\)"):
        scaled_code(synapses.pre.code, Change(synapses, synapses.pre, "g", 1.0))


@pytest.mark.skipif(sys.platform != "linux", reason="forks")
def test_networks_that_run_in_processes_of_the_script_are_refused(tmp_path):
    text = """from multiprocessing import get_context
from brian2 import *
prefs.codegen.target = "numpy"
def simulate(number):
    run(1*ms)
G = NeuronGroup(1, "dv/dt = -v/ms : 1", threshold="v > 1", method="euler")
with get_context("fork").Pool(1) as pool:
    pool.map(simulate, [1])
"""
    path = tmp_path / "pool.py"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="expected a script that runs its networks itself, found multiprocessing"):
        brian.inhibition(path)


@pytest.mark.parametrize("turning", ["pre", "post"])
def test_a_sum_whose_sign_changes_with_a_variable_of_neurons_is_asked_about(turning):
    for goal, verdict in ((-1, "unknown"), (2, "excitatory")):
        brian2.start_scope()
        eqs = f"dv/dt = (I - v)/(10*ms) : 1\nI : 1\ndp/dt = ({goal} - p)/(50*ms) : 1"
        group = cells(eqs=eqs, threshold="v > 1")
        group.p = 1
        model = f"ds/dt = -s/(5*ms) : 1 (clock-driven)\nI_post = s*p_{turning} : 1 (summed)"
        assert ("sum", "I_post", verdict) in verdicts(group, joined(group, model=model, on_pre="s += 0.1"))
