import numpy as np
import pytest
from brian2 import ms, mV, nA

from eisim import LIF, AdEx, Population
from eisim.analysis.fi_curve import FICurve, fi_curve
from eisim.base.errors import InputError
from eisim.studies.curves import ADAPTING, ASSUMED, UNSHOWN, questioned
from tests.neurons.test_neuron import NOISY, leaky, small


def test_measured_curve_of_leaky_equations_is_that_of_lif():
    drives = np.linspace(10, 40, 7) * mV
    curve, lif = fi_curve(leaky(), drives, duration=1.0, window=0.9), LIF()
    assert np.all(np.abs(curve.rates - lif.activation(curve.drives)) <= 0.03 * curve.rates + curve.errors)
    assert curve.is_non_decreasing and curve.fall == 0 and curve.rheobase == 20e-3
    assert curve.activation(25e-3) == curve.rates[3]
    with pytest.raises(InputError, match=r"from 0\.01 to 0\.04"):
        curve.activation(1.0)


def test_it_is_measured_once():
    again = [fi_curve(leaky(), [0, 30] * mV, duration=0.2, window=0.1) for _ in range(2)]
    assert again[0] is again[1]


def test_falls_beyond_the_intervals_are_found():
    values = np.array([0.0, 10.0, 30.0, 20.0])
    curve = FICurve(leaky(), np.arange(4.0), values, np.full(4, 2.0))
    assert not curve.is_non_decreasing and curve.fall == 10 and curve.shown.non_decreasing is False
    assert FICurve(leaky(), np.arange(4.0), values, np.full(4, 6.0)).is_non_decreasing


def test_what_a_curve_shows_is_what_verdicts_assume():
    neuron = leaky()
    assert ASSUMED[UNSHOWN] in [ASSUMED[each] for each in questioned(small_plain(neuron), True)]
    shown = fi_curve(neuron, [0, 30] * mV, duration=0.2, window=0.1).shown
    assert UNSHOWN not in questioned(small_plain(shown), True)
    falling = FICurve(neuron, np.arange(2.0), np.array([50.0, 0.0]), np.ones(2)).shown
    assert "does not hold" in questioned(small_plain(falling), True)[0]


def test_a_rising_curve_says_nothing_of_adaptation():
    shown = fi_curve(AdEx(), [0.6, 1.0] * nA, duration=0.3, window=0.2).shown
    assert shown.non_decreasing and questioned(small_plain(shown), False) == (ADAPTING,)
    assert ADAPTING not in questioned(small_plain(leaky()), False)  # it has a membrane and synapses alone


def small_plain(neuron):
    """A circuit without plasticity, which alone would break an assumption."""
    from dataclasses import replace

    circuit = small(neuron)
    return replace(circuit, projections=[replace(p, plasticity=None) for p in circuit.projections])


def test_noise_widens_the_interval():
    quiet, noisy = (fi_curve(n, [13, 30] * mV, duration=0.3, window=0.2, copies=4) for n in (leaky(), NOISY))
    assert noisy.rates[0] > 0 == quiet.rates[0] and noisy.errors.min() > 0


def test_bad_input_in_words():
    for arguments, words in (((AdEx(), [1 * mV, 2 * mV]), "a current"), ((AdEx(), [1] * nA), "two different")):
        with pytest.raises(InputError, match=words):
            fi_curve(*arguments)


def test_a_flat_curve_shows_nothing():
    flat = fi_curve(leaky(), [0, 5] * mV, duration=0.2, window=0.1)
    assert flat.rates.tolist() == [0, 0] and flat.is_non_decreasing and flat.shown.rises is None


def test_what_was_shown_is_of_these_values_alone():
    shown = fi_curve(leaky(), [0, 30] * mV, duration=0.2, window=0.1).shown
    assert shown.rises is True and shown.with_values(tau=shown["tau"]).rises is True
    assert shown.with_values(tau=5e-3).rises is None is shown.with_values(refractory=5e-3).rises
    assert small_plain(shown).with_neurons(tau=5 * ms).populations[0].neuron.rises is None
    assert Population("p", "E", shown, 2).neuron.non_decreasing is True
    assert Population("p", "E", shown, 2, spread={"tau": 1 * ms}).neuron.non_decreasing is None
    assert Population("p", "E", shown, 2, spread={"tau": 0 * ms}).neuron.non_decreasing is True


def test_a_curve_that_is_kept_cannot_be_changed():
    curve = fi_curve(leaky(), [0, 30] * mV, duration=0.2, window=0.1)
    for array in (curve.drives, curve.rates, curve.errors):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 999
