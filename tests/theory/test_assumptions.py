"""Assumptions of the theorem that a circuit breaks are named, and those that it does not show: no case goes unsaid."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from brian2 import Hz, ms, mV, nS, pA

from eisim import (
    Circuit,
    Input,
    Neuron,
    Population,
    Projection,
    Readout,
    TruthTable,
    certify,
    shift_reversal,
    silence,
    simulate,
)
from eisim.errors import InputError
from eisim.neurons import (
    LIF,
    AbbottChance,
    ConductanceLIF,
    ExponentialLinear,
    Logistic,
    PowerLaw,
    RateUnit,
    RectifiedTanh,
    Saturating,
    Softplus,
    Step,
    Theta,
    ThresholdLinear,
    WilsonCowan,
)
from eisim.report.view import view_of
from eisim.studies.limits.units import Adapting, BandPass, Depressing
from eisim.synapses import NMDA, Conductance
from eisim.theory.assumptions import unshown, violated

OWN = (
    *(ThresholdLinear, Saturating, Logistic, Step, PowerLaw, WilsonCowan),
    *(RectifiedTanh, AbbottChance, Softplus, ExponentialLinear),
)
#: Five time constants of the slowest unit below.
TIMES = {"duration": 60 * ms, "window": 1 * ms, "backend": "numpy"}


def alone(neuron, **options) -> Circuit:
    """One neuron that one input excites."""
    weights = [[1.0]] if neuron.kind == "rate" else [[30.0]] * nS
    return Circuit(
        "alone",
        [Input("x", rate=200 * Hz)],
        [Population("out", "E", neuron, **options)],
        [Projection("x", "out", weights)],
        [Readout("out")],
    )


def relayed(sign: str, neuron, **options) -> Circuit:
    """A neuron that fires by a bias, and a relay of a sign that the input drives."""
    return Circuit(
        "relayed",
        [Input("x", rate=200 * Hz)],
        [Population("relay", sign, ConductanceLIF()), Population("out", "E", neuron, bias=150 * pA)],
        [Projection("x", "relay", [[30]] * nS), Projection("relay", "out", [[20]] * nS, **options)],
        [Readout("out")],
    )


def rates(circuit, stimuli, **options) -> list[float]:
    return simulate(circuit, stimuli, **{**TIMES, **options}).readouts[:, 0].tolist()


@dataclass(frozen=True)
class Band(RateUnit):
    """A unit of a user's that falls beyond 50 Hz."""

    transfer_text = "drive*(100*Hz - drive)/(25*Hz)*int(drive < 100*Hz)"

    def transfer(self, drive):
        drive = np.asarray(drive)
        return drive * (100 - drive) / 25 * (drive < 100)


@dataclass(frozen=True)
class Squared(ThresholdLinear):
    """A unit of a user's with a transfer function of its own."""

    transfer_text = "drive**2/(100*Hz)*int(drive > 0*Hz)"

    def transfer(self, drive):
        return np.maximum(drive, 0) ** 2 / 100


def test_units_of_eisim_say_that_they_are_non_decreasing_and_are():
    """Each class states it beside its transfer function, so that none inherits it."""
    drives = np.linspace(-300, 300, 2001)
    for unit in OWN:
        assert vars(unit)["non_decreasing"] is True
        assert (np.diff(unit().transfer(drives)) >= -1e-9).all()
    assert {cls.non_decreasing for cls in (LIF, ConductanceLIF, Theta)} == {True}
    assert not [*violated(alone(ThresholdLinear()))] and not [*unshown(alone(ThresholdLinear()))]


def test_a_class_with_a_transfer_function_that_says_nothing_is_not_taken_for_non_decreasing():
    assert Band.non_decreasing is None and Squared.non_decreasing is None
    assert "not known" in Squared().excitatory_class and "not known" in BandPass().excitatory_class
    assert [*unshown(alone(Squared()))] == ["a non-decreasing activation of out"] and not [*violated(alone(Squared()))]
    band = alone(Band())
    assert [*violated(band)] == ["the activation of out is not non-decreasing"]
    low, high = rates(replace(band, inputs=[Input("x", rate=50 * Hz)]), [[1], [1.9]])
    assert high < low  # as it says
    assert certify(band).broken == ("Nothing is proved: the activation of out is not non-decreasing.",)


def test_a_transfer_function_that_cannot_be_examined_shows_nothing():
    @dataclass(frozen=True)
    class Picky(RateUnit):
        transfer_text = "drive"

        def transfer(self, drive):
            if np.max(drive) > 500:
                raise ValueError("too large")
            return max(drive, 0)

    assert not [*violated(alone(Picky()))]
    assert certify(alone(Picky())).notes == ("Assumed, not shown: a non-decreasing activation of out.",)


@pytest.mark.parametrize("unit", [Adapting(strength=3.0), Depressing(release=0.5)])
def test_states_of_units_besides_the_rate_are_named(unit):
    """An earlier input lowers a later response."""
    stimuli = np.zeros((2, 20, 1))
    stimuli[:, 10:], stimuli[1, :10] = 0.3, 1
    before, after = rates(alone(unit), stimuli, duration=200 * ms, window=50 * ms)
    assert after < before
    assert certify(alone(unit)).notes == ("Assumed, not shown: no slow negative feedback within the neurons of out.",)


def test_rates_that_begin_beyond_what_the_refractory_period_allows():
    unit = ThresholdLinear(refractory=2 * ms, tau=50 * ms)
    beyond = alone(unit, initial=2000 * Hz)
    below = alone(unit, initial=400 * Hz)
    assert np.all(np.diff(rates(beyond, [[0], [1], [5]], duration=20 * ms)) < 0)
    assert np.all(np.diff(rates(below, [[0], [1], [5]], duration=20 * ms)) > 0)
    assert "begins at a higher rate" in certify(beyond).broken[0] and not certify(below).broken
    assert "tau/(1 + refractory*activation)" in certify(below).notes[0]
    assert not [*unshown(alone(Saturating(refractory=2 * ms)))]


@pytest.mark.parametrize(
    ("sign", "neuron", "wanted"),
    [
        ("I", ConductanceLIF(), None),
        ("I", ConductanceLIF(inhibition=Conductance(-60 * mV)), None),
        ("I", ConductanceLIF(inhibition=Conductance(-40 * mV)), 1),
        ("E", ConductanceLIF(), None),
        ("E", ConductanceLIF(excitation=Conductance(-80 * mV)), -1),
    ],
)
def test_reversal_potentials_that_turn_an_effect_are_named(sign, neuron, wanted):
    """Inhibition that reverses above rest can excite, and excitation that reverses below threshold inhibit."""
    circuit = relayed(sign, neuron)
    found = certify(circuit)
    assert found.word("x", "out") == ({"I": "falls", "E": "rises"}[sign] if wanted is None else "mixed")
    change = np.sign(np.subtract(*rates(circuit, [[1], [0]], duration=300 * ms, window=200 * ms)))
    if wanted is None:
        assert not found.broken and change == {"I": -1, "E": 1}[sign]
    else:
        assert "relay->out have a reversal potential" in found.broken[0] and change == wanted
    assert any("membrane potentials of relay" in note for note in found.notes)


def test_a_shifted_reversal_potential_breaks_what_was_proved():
    circuit = relayed("I", ConductanceLIF())
    assert not certify(circuit).broken and certify(shift_reversal(circuit, 40 * mV)).broken


def test_reversal_of_nmda_and_of_synapses_that_there_are_not():
    neuron = ConductanceLIF(nmda=NMDA(), inhibition=Conductance(-40 * mV))
    assert not certify(relayed("E", neuron, receptor="nmda")).broken  # no synapse inhibits
    assert certify(relayed("E", replace(neuron, nmda=NMDA(-70 * mV)), receptor="nmda")).broken


@pytest.mark.parametrize(
    ("reversal", "inhibition", "is_broken"), [(-80, "g_i", 0), (-60, "g_i", 0), (-55, "g_i", 1), (-40, "+g_i", 1)]
)
def test_reversal_potentials_in_equations(reversal, inhibition, is_broken):
    neuron = Neuron(
        """dv/dt = (E - v + g_e*(E_e - v) + g_i*(E_i - v))/tau : volt (unless refractory)
        dg_e/dt = -g_e/tau_s : 1
        dg_i/dt = -g_i/tau_s : 1""",
        threshold="v > -50*mV",
        reset="v = E",
        excitation="g_e",
        inhibition=inhibition,
        **{"E": -60 * mV, "E_e": 0 * mV, "E_i": reversal * mV, "tau": 20 * ms, "tau_s": 5 * ms},
    )
    circuit = Circuit(
        "own",
        [Input("x")],
        [Population("relay", "I", neuron), Population("out", "E", neuron)],
        [Projection("x", "relay", [[1.0]]), Projection("relay", "out", [[1.0]])],
        [Readout("out")],
    )
    assert [len(each) for each in (certify(circuit).broken, certify(silence(circuit)).broken)] == [is_broken, 0]


def test_of_a_circuit_that_breaks_an_assumption_no_word_says_more_than_that_there_is_a_walk():
    """So that signs, counts, floors of the wiring and pages agree."""
    one = [[1.0]]
    for neuron in (Band(), Saturating()):
        parts = [Population(name, sign, neuron) for name, sign in (("r", "I"), ("out", "E"), ("alone", "E"))]
        pairs = [("a", "out"), ("b", "r"), ("r", "out")]
        projections = [Projection(*pair, one) for pair in pairs]
        circuit = Circuit("c", [Input("a"), Input("b")], parts, projections, [Readout("out"), Readout("alone")])
        found = certify(circuit)
        words = [["mixed"], ["mixed"]] if found.broken else [["rises"], ["falls"]]
        assert found.words().tolist() == [[*word, "none"] for word in words]
        assert found.counts()["mixed"] == 2 * bool(found.broken)
        view = view_of(found)
        assert len([*view.figures()]) == len([*view.proofs()]) == (not found.broken)
        assert ("Nothing is proved" in next(view.answer())) == bool(found.broken)
        assert [each["sign"] for each in found.to_dict()["pairs"]] == found.words().ravel().tolist()
        assert certify(TruthTable("0010"), signs=[*found.signs("out").values()]).representable
        assert certify(TruthTable("0111"), signs=[*found.signs("out").values()]).representable == bool(found.broken)


def test_given_spike_times_are_no_rates():
    circuit = Circuit(
        "timed",
        [Input("x", spikes=([0, 0], [10e-3, 20e-3]))],
        [Population("out", "E", LIF())],
        [Projection("x", "out", [[60]] * mV)],
        [Readout("out")],
    )
    assert certify(circuit).broken == ("Nothing is proved: inputs are rates, but x fires at given times.",)


def test_gap_junctions_between_spiking_neurons_have_either_sign():
    """Below threshold a neuron raises the rate of its neighbour, and lowers it by its resets as it fires more."""
    coupled = {"bias": [0, 20] * mV, "gap_junctions": [[0, 0.3], [0.3, 0]]}
    circuit = Circuit(
        "coupled",
        [Input("x", current=20 * mV)],
        [Population("pair", "E", LIF(), 2, **coupled)],
        [Projection("x", "pair", [[1, 0]])],
        [Readout("pair")],
    )
    stimuli = [[0], [0.7], [8]]
    silent, near, firing = simulate(circuit, stimuli, duration=0.5, window=0.4, backend="numpy").readouts[:, 1]
    assert silent < near > firing + 10
    assert certify(circuit).words().tolist() == [["mixed", "mixed"]]


def test_neurons_that_are_marked_as_silenced_send_nothing():
    """So that simulation, DNN and wiring agree about them."""
    unit = Saturating()
    parts = [Population("gate", "I", unit, 2), Population("out", "E", unit)]
    projections = [Projection("x", "gate", [[1.0, 1.0]]), Projection("gate", "out", [[1.0], [1.0]])]
    circuit = Circuit("marked", [Input("x")], parts, projections, [Readout("out")])
    marked = [replace(parts[0], silenced=(1,)), parts[1]]
    with pytest.raises(InputError, match=r"expected silenced neurons that send nothing, .*, found synapses of such"):
        replace(circuit, populations=marked)
    replace(circuit, populations=marked, projections=[projections[0], Projection("gate", "out", [[1.0], [0.0]])])
    assert certify(silence(circuit)).signs() == {"x": "none"}
