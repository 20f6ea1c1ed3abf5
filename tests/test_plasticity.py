"""Rules by which synapses learn: what is read, what is refused, and where."""

import pytest
from brian2 import Hz, ms, mV, nS

from eisim import (
    LIF,
    Circuit,
    ConductanceLIF,
    Independent,
    Input,
    InputError,
    Population,
    Projection,
    Readout,
    ThresholdLinear,
    ablate,
    compensate,
    load,
    mean_field,
    save,
    to_dnn,
    to_spiking,
)
from eisim.adapter.nir_format import to_nir
from eisim.plasticity import (
    STDP,
    Hebb,
    InhibitoryPlasticity,
    Oja,
    PlasticityRule,
    SynapticScaling,
    TripletSTDP,
)

NAMED = [
    STDP(largest=1 * nS),
    TripletSTDP(largest=1 * nS),
    InhibitoryPlasticity(target=3 * Hz, step=0.1 * nS),
    SynapticScaling(target=3 * Hz),
    Hebb(largest=2),
    Oja(),
]


def learning(rule, neuron=None, weight=0.5 * nS, **more):
    neuron = neuron or ConductanceLIF()
    return Circuit(
        "learning",
        [Input("x", rate=100 * Hz)],
        [Population("E", "E", neuron)],
        [Projection("x", "E", [[weight]], learning=rule, **more)],
        [Readout("E")],
    )


def test_rules_are_values():
    assert STDP(largest=1 * nS) == NAMED[0] != STDP(largest=2 * nS)
    assert len({*NAMED, *NAMED}) == len(NAMED)
    assert NAMED[0]["tau_plus"] == 0.02 and NAMED[0].variables == ["pre", "post"]
    assert repr(NAMED[2]) == "<InhibitoryPlasticity: step=0.1 nS, target=3 Hz, tau=20 ms>"
    faster = NAMED[2].with_values(step=0.2 * nS, largest=5 * nS)
    assert faster["step"] == float(0.2 * nS) and faster.largest == float(5 * nS)
    with pytest.raises(InputError, match=r"expected parameters .*, found 'stp'; did you mean 'step'"):
        NAMED[2].with_values(stp=1 * nS)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"on_pre": "w += A"}, "expected a value for A, which the rule uses, found none"),
        ({"on_pre": "w += A", "A": 1, "B": 2}, r"B: expected parameters that the rule uses \(A\), found 'B'"),
        ({"on_pre": "x += 1"}, "expected statements that change one of w, found 'x'"),
        ({"equations": "dx/dt = -x/(10*ms) : 1 (event-driven)", "on_pre": "x += 1"}, "changes w, found none"),
        ({"on_pre": "w += largest"}, "largest: expected a value, since the rule uses it, found none"),
        ({"on_pre": "w += v_post"}, "expected the weight w, variables of the synapse, .*, found v_post"),
        ({"on_pre": "w += randn()*largest"}, "found a call of randn"),
        ({"on_pre": "w += xi"}, "expected no noise in what is learnt, found xi"),
        ({"on_pre": "__import__('os').system('x')"}, "on_pre: expected statements such as w"),
        ({"on_pre": "w += open('x')"}, "found a call of open"),
        ({"equations": "dw/dt = r_pre*r_post : 1", "on_pre": "w += 1"}, "expected either rates, .*, found both"),
        ({"equations": "dw/dt = -w/second : 1 (event-driven)"}, r"expected \(clock-driven\), found \(event-driven\)"),
        ({"equations": "dw/dt = -w/second : 1 (unless refractory)"}, "found .*unless refractory"),
        ({"equations": "dw/dt = : 1"}, "equations: expected an expression of Brian2"),
        ({"equations": "x = 2*w : 1", "on_pre": "w += x"}, "expected a differential equation or a number"),
        (
            {"equations": "dx/dt = -x/second : 1 (event-driven)\ndw/dt = x/second : 1"},
            r"equation of w: expected variables that are all \(event-driven\) or none, found x",
        ),
        ({"equations": "n : integer", "on_pre": "w += n"}, "expected a differential equation or a number"),
        ({"equations": "mV : 1", "on_pre": "w += 1"}, "found: 'mV' is the name of a unit"),
        ({"equations": "tanh : 1", "on_pre": "w += 1"}, "tanh"),
        ({"equations": "largest : 1", "on_pre": "w += 1"}, "expected a name that is not taken already"),
        ({"on_pre": "w += 1", "method": "magic"}, "method: expected one of euler"),
        ({"on_pre": "w += 1", "largest": -1}, "largest: expected more than 0, found -1"),
        ({"on_pre": 3}, "on_pre: expected text, found 3"),
        ({"on_pre": "w += 1/0"}, "on_pre: expected no division by 0, found '1 / 0'"),
        ({"on_pre": "w += 1", "self": 3}, "self: expected parameters that the rule uses"),
        ({"on_pre": "w += A", "parameters": 3}, "parameters: expected a dict of names to quantities, found 3"),
        ({"on_pre": "w += A", "parameters": {1: 2}}, "parameters: expected names, found 1"),
        ({"on_pre": "w += A", "parameters": {"A": 2}, "A": 1}, "A: expected one value, found another"),
        (
            {"equations": "dx/dt = -x/dt : 1 (event-driven)", "on_pre": "w += x"},
            r"equation of x: expected \(clock-driven\) where the time is in it, .*, found dt",
        ),
    ],
)
def test_what_a_rule_cannot_be(arguments, words):
    with pytest.raises(InputError, match=words):
        PlasticityRule(**arguments)


def test_a_chain_of_equations_ends_before_algebra_does():
    chain = "\n".join(f"dx{k + 1}/dt = (x{k} - x{k + 1})/tau : 1 (event-driven)" for k in range(40))
    rule = PlasticityRule(f"dx0/dt = -x0/tau : 1 (event-driven)\n{chain}", on_pre="w += x40*A", A=1 * nS, tau=1 * ms)
    with pytest.raises(InputError, match=r"expected at most 5 equations that act on each other .*, found 41"):
        learning(rule)
    alone = "\n".join(f"dx{k}/dt = -x{k}/tau : 1 (event-driven)" for k in range(8))
    assert learning(PlasticityRule(alone, on_pre="w += x7*A", A=1 * nS, tau=1 * ms)).learning_projections


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: STDP(largest=1 * nS, depression=-1), "STDP: depression: expected 0 or more, found -1"),
        (lambda: STDP(largest=1 * nS, tau_pre=0 * ms), "STDP: tau_pre: expected more than 0"),
        (lambda: TripletSTDP(largest=1 * nS, tau_triplet=3 * mV), "TripletSTDP: tau_triplet: expected a time"),
        (lambda: InhibitoryPlasticity(target=3 * mV, step=1 * nS), "target: expected a rate"),
        (lambda: SynapticScaling(target=-3 * Hz), "SynapticScaling: target: expected 0 or more"),
        (lambda: Oja(scale=0 * Hz), "Oja: scale: expected more than 0"),
        (lambda: NAMED[0].with_values(tau_plus=3 * mV), "STDP: tau_plus: expected a time"),
        (lambda: NAMED[0].with_values(tau_plus=0 * ms), "STDP: tau_plus: expected more than 0, found 0"),
        (lambda: NAMED[0].with_values(potentiation=-3), "STDP: potentiation: expected 0 or more, found -3"),
    ],
)
def test_values_that_named_rules_do_not_take(make, words):
    with pytest.raises(InputError, match=words):
        make()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"rule": STDP(largest=1 * mV)}, "learning: largest: expected siemens, as the target has its weights"),
        ({"rule": InhibitoryPlasticity(target=3 * Hz, step=1 * mV)}, "learning: PlasticityRule: on_pre: w: "),
        ({"rule": PlasticityRule(on_pre="w += 1")}, "learning: PlasticityRule: on_pre: w"),
        ({"rule": PlasticityRule("dw/dt = 1*volt/second : volt")}, "expected w in siemens, .*, found volt"),
        ({"rule": Oja()}, r"learning: expected a rule of spikes .*, found Oja of rates"),
        (
            {"rule": STDP(largest=1), "neuron": ThresholdLinear(), "weight": 0.5},
            "learning: expected a rule of rates .* onto rate units, found STDP of spikes",
        ),
        ({"rule": STDP(largest=0.1 * nS)}, "weights: expected up to the largest of its rule, 0.1 nS, found 5e-10"),
        ({"rule": "STDP"}, r"learning: expected a PlasticityRule, .* found 'STDP'"),
        ({"rule": STDP(largest=1 * nS), "transmission": -1}, "transmission: expected 0 or more, found -1"),
        ({"rule": None, "transmission": 0.5}, "transmission: expected 1 without learning"),
        ({"rule": STDP(largest=1 * nS), "name": "E"}, "expected a name that no input or population has"),
    ],
)
def test_where_a_rule_cannot_be(arguments, words):
    with pytest.raises(InputError, match=words):
        learning(**arguments)


def test_drives_and_currents_have_nothing_to_learn():
    populations = [Population("E", "E", ConductanceLIF())]
    drive = Projection("x", "E", Independent(1 * nS), learning=STDP(largest=2 * nS))
    with pytest.raises(InputError, match="learning: expected none of an Independent drive"):
        Circuit("drive", [Input("x", train="poisson")], populations, [drive])
    current = Projection("x", "E", [[1]], learning=STDP(largest=2 * nS))
    with pytest.raises(InputError, match="learning: expected none, since input 'x' injects a current"):
        Circuit("current", [Input("x", current=1e-9)], populations, [current])


def test_plain_numbers_are_in_the_unit_of_the_weights():
    rule = InhibitoryPlasticity(target=3 * Hz, step=1e-10, largest=2e-9)
    assert learning(rule).rules["x->E"].units("siemens")["w"] == "siemens"
    assert learning(STDP(largest=0.01), LIF(), 5 * mV).rules["x->E"].largest == 0.01


def test_what_needs_weights_that_stay_says_how_to_have_them():
    circuit = learning(STDP(largest=20 * mV), LIF(), 5 * mV)
    for ask in (to_dnn, lambda c: to_dnn(c, unrolled=True), mean_field, to_nir, lambda c: c.to_brian2()):
        with pytest.raises(InputError, match=r"found projection 'x->E' of 'learning', which learns by STDP; freeze\(c"):
            ask(circuit)
    rates = learning(Oja(), ThresholdLinear(), 0.5)
    for ask in (to_dnn, lambda c: to_dnn(c, unrolled=True), lambda c: to_spiking(c, [[1.0]])):
        with pytest.raises(InputError, match=r"which learns by Oja; freeze\(circuit, response\)"):
            ask(rates)


def test_ablation_and_compensation_scale_what_is_transmitted():
    projections = [
        Projection("x", "I", [[1 * nS]]),
        Projection("I", "E", [[1 * nS]], learning=NAMED[2]),
        Projection("E", "E", [[1 * nS]], learning=NAMED[0]),
    ]
    neuron = ConductanceLIF()
    circuit = Circuit("both", [Input("x")], [Population(s, s, neuron) for s in "EI"], projections)
    changed = compensate(ablate(ablate(circuit, 0.5), 0.5), 0.3)
    assert [p.transmission for p in changed.projections] == [1.0, 0.25, 0.3]
    assert [p.weights.data.tolist() for p in changed.projections] == [p.weights.data.tolist() for p in projections]
    assert ablate(circuit).is_excitatory_only and not ablate(circuit, 0.9).is_excitatory_only


@pytest.mark.parametrize("rule", NAMED, ids=lambda rule: rule.name)
def test_circuits_that_learn_are_saved(rule, tmp_path):
    is_rate = rule.name in ("Hebb", "Oja")
    circuit = learning(rule, ThresholdLinear() if is_rate else ConductanceLIF(), 0.5 if is_rate else 0.5 * nS)
    save(circuit, tmp_path / "circuit.eisim")
    loaded = load(tmp_path / "circuit.eisim")
    assert loaded.rules == circuit.rules
    assert repr(loaded.rules["x->E"]) == repr(rule) and rule.name in circuit._repr_html_()
