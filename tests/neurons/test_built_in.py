"""Built-in neurons of equations against plain scripts of Brian2."""

import numpy as np
import pytest
from brian2 import ms, mV, nA, nS, pF

from eisim import EIF, QIF, AdEx, HodgkinHuxley, Izhikevich, Neuron, Population, WangBuzsaki
from eisim.base.errors import InputError
from eisim.neurons import adex, izhikevich
from tests.neurons.test_neuron import alone, plain

#: With drives in SI units, of which the first does not suffice for more than a spike, and the time step.
MODELS = {
    "AdEx": (AdEx(), [0.3e-9, 1e-9], 0.1e-3),
    "EIF": (EIF(), [0.0, 15e-3], 0.1e-3),
    "QIF": (QIF(), [3e-3, 10e-3], 0.1e-3),
    "HodgkinHuxley": (HodgkinHuxley(), [-0.1e-9, 0.5e-9], 0.05e-3),
    "WangBuzsaki": (WangBuzsaki(), [0.0, 1e-2], 0.05e-3),
    **{f"Izhikevich {name}": (Izhikevich(name), [-5.0, 10.0], 0.5e-3) for name in izhikevich.PATTERNS},
    **{f"AdEx {name}": (AdEx(name), [0.3e-9, 1e-9], 0.1e-3) for name in adex.PATTERNS if adex.PATTERNS[name]},
}


@pytest.mark.parametrize("name", MODELS)
def test_spikes_are_those_of_a_plain_script(name):
    neuron, drives, dt = MODELS[name]
    duration = 0.05 if name == "WangBuzsaki" else 0.2
    found = alone(Population("p", "E", neuron, len(drives), bias=drives), dt=dt, duration=duration)
    assert found == plain(neuron, drives, dt=dt, duration=duration)
    assert len(found[0]) <= 2 and len(found[-1]) >= 3


def test_patterns_differ_as_they_are_called():
    """Bursts have short intervals in a row; regular spiking slows down, fast spiking does not."""
    regular, bursting, fast = (
        alone(Population("p", "E", AdEx(name), 1, bias=1 * nA), duration=0.4)[0] for name in adex.PATTERNS
    )
    intervals = [np.diff(each) for each in (regular, bursting, fast)]
    assert intervals[0][-1] > 1.5 * intervals[0][0]
    assert intervals[1].max() > 3 * intervals[1].min()
    assert np.ptp(intervals[2][1:]) < 0.1 * intervals[2].mean() and len(fast) > len(regular)


def test_channels_start_in_their_steady_state():
    """Without input the membrane stays where it is, but for what the channels let through."""
    for neuron in (HodgkinHuxley(), WangBuzsaki()):
        values = neuron.values
        assert all(0 < values[x] < 1 for x in "hn") and values["v"] == neuron["E_L"]


def test_values_are_those_of_the_docstrings():
    import eisim

    for build in (AdEx, EIF, QIF, HodgkinHuxley, WangBuzsaki, Izhikevich):
        neuron = build()
        assert isinstance(neuron, Neuron) and neuron.name == build.__name__ and hasattr(eisim, build.__name__)
        for name, value in neuron.parameters:
            if value.unit != "1" and "**" not in value.unit:
                assert any(name in line and str(value) in line for line in build.__doc__.splitlines()) or name in (
                    *("C", "g_Na", "g_K"),
                    *("tau_e", "tau_i"),
                ), (name, str(value))


def test_other_values_and_words_for_wrong_ones():
    assert AdEx(a=2e-9).parameters != AdEx().parameters and AdEx(refractory=2 * ms).refractory == 2e-3
    assert AdEx(initial={"v": -60 * mV}).rest == -60e-3
    for wrong, words in (
        ({"Delta": 1 * mV}, "Delta_T"),
        ({"C": 1 * mV}, "capacitance"),
        ({"pattern": "b"}, "bursting"),
    ):
        with pytest.raises(InputError, match=words):
            AdEx(**wrong)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: AdEx(["x"]), "AdEx: pattern"),
        (lambda: AdEx({}), "AdEx: pattern"),
        (lambda: Izhikevich(["a"]), "Izhikevich: pattern"),
        (lambda: AdEx(initial=3), "AdEx: initial"),
        (lambda: AdEx(C=-281 * pF), "AdEx: C: expected more than 0"),
        (lambda: AdEx(tau_w=0 * ms), "AdEx: tau_w: expected more than 0"),
        (lambda: WangBuzsaki(g_K=-1.0), "WangBuzsaki: g_K: expected 0 or more"),
        (lambda: AdEx(refractory=True), "refractory"),
    ],
)
def test_nonsense_is_refused_in_words(make, words):
    with pytest.raises(InputError, match=words):
        make()
    assert HodgkinHuxley(g_K=0 * nS)["g_K"] == 0  # a channel that is blocked
