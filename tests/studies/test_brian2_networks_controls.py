"""Controls of the ablation of a script: they equal the script with its weights changed by hand, and judge a score."""

import sys

import numpy as np
import pytest

from eisim import brian
from eisim.studies.brian2_networks.controlling import NO_THRESHOLD
from eisim.studies.brian2_networks.scaling import DRAW, NUMBER
from eisim.studies.controls import ALL, BETWEEN
from tests.studies.test_brian2_networks import CURRENTS, START, at_last, scored, script, spikes_of

WEAKER = CURRENTS.replace("-4*J", "-J")
BOTH_SIGNS = (
    START
    + """
cells = NeuronGroup(40, 'dv/dt = (1.2 + g - v)/(10*ms) : 1\\ndg/dt = -g/(5*ms) : 1', threshold='v > 1', reset='v = 0',
                    method='euler', name='neurongroup')
cells.v = 'i/40'
outside = PoissonGroup(20, 200*Hz)
driving = Synapses(outside, cells, on_pre='v_post += 0.05*1.0')
driving.connect(p=0.2)
S = Synapses(cells, cells, 'w : 1', on_pre='g += w')
S.connect(p=0.2)
S.w = '0.2*randn()'
monitor = SpikeMonitor(cells)
run(30*ms)
"""
)


def quiet(left, spikes):
    """A score that runaway excitation loses."""
    return float(spikes["neurongroup"].rate() < 56)


def by_hand(folder, text, *changes):
    for old, new in changes:
        assert text.count(old) == 1
        text = text.replace(old, new)
    return scored(spikes_of(script(folder, text, "by_hand.py")))


def of(result, condition, scaled=BETWEEN, scale=None):
    """The one control of a condition."""
    found = [c for c in result.controls if (c.condition, c.scaled) == (condition, scaled)]
    (one,) = found if scale is None else [c for c in found if c.scale == scale]
    return one


@pytest.mark.slow
def test_controls_are_the_script_with_weights_changed_by_hand(tmp_path):
    result = brian.ablate(script(tmp_path, WEAKER), (1,), seeds=1, score=at_last)
    assert result.identical and result.without == {
        "compensated: all excitation": "no excitatory synapses come from inputs",
        "refitted": NO_THRESHOLD,
    }
    weaker = of(result, "compensated", scale=0.4)
    expected = by_hand(tmp_path, WEAKER, ("g += J", "g += 0.4*J"), ("-J", "0*J"))
    assert weaker.scores[0] == pytest.approx(expected, rel=1e-12)
    rows = {row.name: row for row in result.found.rows}
    taken = rows["other"].weights[0] / rows["exciting"].weights[1]
    assert rows["other"].numbers == (rows["other"].n, 0) and 0.2 < taken < 0.6
    assert rows["other"].weights[0] == pytest.approx(rows["other"].n * 1.5e-3)
    sham = of(result, "sham_excitation")
    assert sham.scale == pytest.approx(1 - taken)
    assert sham.scores[0] == pytest.approx(by_hand(tmp_path, WEAKER, ("g += J", f"g += {1 - taken!r}*J")), rel=1e-12)
    assert of(result, "sham_random", "").scale == pytest.approx(1 - taken / (1 + taken))
    nearest = result.nearest(BETWEEN)
    rates = [each.rates.mean() for each in result.controls if each.condition == "compensated"]
    distances = np.abs(np.log(np.array(rates) / result.rates[0].mean()))
    assert nearest.rates.mean() == rates[int(distances.argmin())]


@pytest.mark.slow
def test_of_synapses_of_both_signs_each_control_scales_its_own(tmp_path):
    result = brian.ablate(script(tmp_path, BOTH_SIGNS), (1,), seeds=1, score=at_last)
    own = "g += w", "g += 0.6*int(w > 0)*w"
    compensated = by_hand(tmp_path, BOTH_SIGNS, own)
    assert of(result, "compensated", scale=0.6).scores[0] == pytest.approx(compensated, rel=1e-12)
    everything = by_hand(tmp_path, BOTH_SIGNS, own, ("0.05*1.0", "0.6*0.05"))
    assert of(result, "compensated", ALL, 0.6).scores[0] == pytest.approx(everything, rel=1e-12)
    assert everything != compensated and "compensated: all excitation" not in result.without


@pytest.mark.slow
def test_a_loss_has_its_reason_and_is_specific(tmp_path):
    result = brian.ablate(script(tmp_path, CURRENTS), (0, 1), seeds=2, score=quiet, criterion=0.9)
    (curve,) = result.curves
    judgement = curve.judgement
    assert (judgement.verdict, judgement.reason) == ("lost", "runaway") and judgement.parts["runaway"] == 1
    assert judgement.is_specific is True and judgement.controls.refitted is None


def test_what_no_control_can_be_had_of_is_said(tmp_path):
    text = CURRENTS.replace("g += J", "g += 0*J")
    result = brian.ablate(script(tmp_path, text), (1,), seeds=1, override={"exciting": "leave"})
    assert {each.condition for each in result.controls} == {"sham_random"}
    assert result.without["sham_excitation"] == result.without[f"compensated: {BETWEEN}"] == "no synapses excite"
    none = brian.ablate(script(tmp_path, text), (0,), seeds=1, override={"exciting": "leave"})
    assert not none.controls and not none.without


def test_random_synapses_are_an_even_share_and_other_ones_in_each_draw():
    i, j = np.meshgrid(np.arange(300), np.arange(300), indexing="ij")
    names = {"i": i, "j": j, "sin": np.sin}
    draws = [eval(NUMBER, names | {DRAW: float(draw)}) for draw in (0, 1, 2, 77)]
    for draw in draws:
        assert draw.min() >= 0 and draw.max() < 1
        shares = [np.mean(draw < share) for share in (0.1, 0.5, 0.9)]
        assert shares == pytest.approx([0.1, 0.5, 0.9], abs=0.01)
        assert np.std((draw < 0.5).mean(axis=0)) < 0.06 > np.std((draw < 0.5).mean(axis=1))
    together = np.corrcoef([draw.ravel() for draw in draws]) - np.eye(4)
    assert np.abs(together).max() < 0.05


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="forks")
def test_one_program_has_all_controls(tmp_path):
    quick = "prefs.codegen.cpp.extra_compile_args_gcc = ['-w', '-O0', '-std=c++11']\n"
    path = script(tmp_path, BOTH_SIGNS.replace(START, START + quick))
    result = brian.ablate(path, (1,), seeds=2, score=at_last, backend="cpp")
    assert result.identical is True and list(result.without) == ["refitted"] and len(result.controls) == 11
    assert len({tuple(each.scores) for each in result.controls}) == 11
