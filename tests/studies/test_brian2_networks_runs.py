"""Scripts with several runs, between which synapses change; and fraction 0 where it is not the script's own run."""

import sys
from types import SimpleNamespace

import brian2
import numpy as np
import pytest

from eisim import brian
from eisim.base import memory, processes
from eisim.studies.brian2_networks.running import _why
from tests.studies.test_brian2_networks import script

START = """from brian2 import *
prefs.codegen.target = 'numpy'
P = NeuronGroup(40, 'dv/dt = (1.5 + g - v)/(10*ms) : 1\\ndg/dt = -g/(5*ms) : 1', threshold='v > 1', reset='v = 0',
                method='euler')
P.v = 'i/40'
monitor = SpikeMonitor(P)
S = Synapses(P, P, 'w : 1', on_pre='g += w', name='S')
S.connect('i % 4 == 0')
"""
FLIPPED = START + "S.w = 0.1\nrun(10*ms)\nS.w = {negative}\nrun(20*ms)\n"
SILENT = START + "S.w = {negative}\nS.active = False\nrun(10*ms)\nS.active = True\nrun(20*ms)\n"
BACK = START + "S.w = 0.1\nrun(10*ms)\nS.w = {negative}\nrun(5*ms)\nS.w = 0.1\nrun(5*ms)\n"


def times(left, spikes):
    """A number of the script's own monitor."""
    return float((np.array(left.monitor.t_) * (1 + np.array(left.monitor.i))).sum())


def rows(found):
    return {(row.pathway, row.verdict): row for row in found.rows if row.verdict != "none"}


@pytest.mark.parametrize("text", [FLIPPED, SILENT])
def test_synapses_are_judged_again_at_each_run(tmp_path, text):
    plain = brian.ablate(script(tmp_path, text.format(negative=-0.3)), (0.5,), seeds=1, controls=False, score=times)
    halved = brian.ablate(script(tmp_path, text.format(negative=-0.15)), (0.5,), seeds=1, controls=False, score=times)
    assert plain.identical and plain.scores[1, 0] == pytest.approx(halved.scores[0, 0], rel=1e-12)
    assert plain.scores[0, 0] != plain.scores[1, 0] and plain.found.inhibitory == ("S",)


def test_a_verdict_that_changes_is_said_with_its_runs(tmp_path):
    def found(text):
        return rows(brian.ablate(script(tmp_path, text.format(negative=-0.3)), (1,), seeds=1, controls=False).found)

    flipped = found(FLIPPED)
    assert flipped["pre", "excitatory"].why.endswith("; in run 1 only") and not flipped["pre", "excitatory"].is_scaled
    assert flipped["pre", "inhibitory"].why.endswith("; in run 2 only") and flipped["pre", "inhibitory"].is_scaled
    assert found(BACK)["pre", "excitatory"].why.endswith("; in 2 of runs 1 to 3 only")
    silent = found(SILENT)
    assert {verdict for _, verdict in silent} == {"inhibitory"}
    assert silent["pre", "inhibitory"].why.endswith("; in run 2 only")


def test_a_sign_that_is_lost_is_that_of_the_run_before(tmp_path):
    text = START + "S.w = -0.3\nrun(10*ms)\nS.w = 0\nrun(10*ms)\n"
    result = brian.ablate(script(tmp_path, text), (1,), seeds=1, controls=False)
    assert result.identical and rows(result.found)["pre", "inhibitory"].is_scaled


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("", [("pre", "none", "pre: not active", False)]),
        (", on_post='g_pre -= 0.01'", [("post", "inhibitory", "", True)]),
    ],
)
def test_a_pathway_that_is_not_active_is_not_ablated(tmp_path, more, expected):
    text = START.replace("'g += w'", "'g += w'" + more) + "S.w = -0.3\nS.pre.active = False\nrun(10*ms)\n"
    (row,) = brian.inhibition(script(tmp_path, text)).rows
    ((pathway, verdict, why, is_scaled),) = expected
    assert (row.pathway or "pre", row.verdict, row.is_scaled) == (pathway, verdict, is_scaled) and why in row.why


def test_fraction_0_that_differs_is_said_with_the_time(tmp_path):
    text = START + "S.w = -0.3\nimport os\n@network_operation(dt=1*ms)\ndef kick(t):\n"
    text += "    if t >= 12*ms:\n        P.v = 2*(os.urandom(1)[0] < 128)\n"
    result = brian.ablate(script(tmp_path, text + "run(30*ms)\n"), (1,), seeds=1, controls=False)
    assert result.identical is False and 0.012 <= result.differs_from < 0.03
    (problem,) = result.problems
    assert problem.startswith(
        f"with fraction 0 the spikes differ from your script's from {result.differs_from * 1e3:.4g} ms"
    )
    assert "the script is not repeatable: run twice with the same seed, its own spikes differ from 1" in problem


def test_a_script_that_repeats_itself_differs_by_rounding():
    plain = SimpleNamespace(digest="a")
    assert _why(plain, plain) == "by rounding: the script gives the same spikes when it runs twice"


def test_a_network_is_as_it_was_after_the_context(tmp_path):
    from brian2 import Network, NeuronGroup, SpikeMonitor, Synapses, ms, prefs

    prefs.codegen.target = "numpy"
    cells = NeuronGroup(10, "dv/dt = (2 - v)/(10*ms) : 1", threshold="v > 1", reset="v = 0", method="euler")
    cells.v = "i/10"
    inhibits = Synapses(cells, cells, on_pre="v_post -= 0.3")
    inhibits.connect("i < 3 and i != j")
    network = Network(cells, inhibits, SpikeMonitor(cells))
    network.store()

    def counts(fraction):
        network.restore()
        with brian.ablated(fraction) as run:
            network.run(30 * ms)
        (spikes,) = run.spikes.values()
        return spikes.t.size

    first = [counts(fraction) for fraction in (0, 1, 0.5, 0)]
    assert first[0] == first[3] < first[2] < first[1] and inhibits.pre.code == "v_post -= 0.3"


@pytest.mark.skipif(sys.platform != "linux", reason="forks")
def test_low_memory_is_said_and_runs_go_one_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "processors", lambda: 4)
    monkeypatch.setattr(memory, "free", lambda: 1e6)
    text = START + "S.w = -0.3\nrun(10*ms)\n"
    result = brian.ablate(script(tmp_path, text), (0.5, 1), seeds=1, controls=False)
    assert result.identical and [note.partition(" (")[0] for note in result.notes] == ["memory is low"]


ASSIGNED = [
    ("v_post = 0*mV", "v_post = v_post + 0.5*(-v_post)"),
    ("v_post = 0*volt", "v_post = v_post + 0.5*(-v_post)"),
    ("v_post = rest", "v_post = v_post + 0.5*(rest - v_post)"),
    ("v_post = -5*mV", "v_post = v_post + 0.5*(-5*mV - v_post)"),
    ("v_post += rest - v_post", "v_post += 0.5*(rest - v_post)"),
    ("v_post += 0.1*(-62*mV - v_post)", "v_post += 0.05*(-62*mV - v_post)"),
    ("v_post = int(v_post > 2*mV)*0*mV", "v_post = v_post + 0.5*(-v_post)"),
    ("v_post = v_post - rand()*3*mV", "v_post -= rand()*1.5*mV"),
]


@pytest.mark.parametrize(("code", "half"), ASSIGNED)
def test_values_that_a_spike_assigns_are_approached_by_what_is_left(code, half):
    def spikes(code, fraction):
        brian2.start_scope()
        names = {"rest": -5 * brian2.mV}
        cells = brian2.NeuronGroup(
            12, "dv/dt = (i*mV/4 + 11*mV - v)/(10*ms) : volt", threshold="v > 10*mV", reset="v = 0*mV", method="euler"
        )
        cells.v = "i*0.7*mV"
        inhibits = brian2.Synapses(cells, cells, "w : 1", on_pre=code)
        inhibits.connect("i != j", p=0.3)
        inhibits.w = 0.1
        monitor = brian2.SpikeMonitor(cells)
        network = brian2.Network(cells, inhibits, monitor)
        if fraction is None:
            network.run(40 * brian2.ms, namespace=names)
        else:
            with brian.ablated(fraction, override={inhibits.name: "inhibitory"}):
                network.run(40 * brian2.ms, namespace=names)
        return list(zip(np.array(monitor.t_), np.array(monitor.i), strict=True))

    def seeded(*given):
        brian2.seed(1)
        return spikes(*given)

    target, brian2.prefs.codegen.target = brian2.prefs.codegen.target, "numpy"
    try:
        script, by_hand = seeded(code, None), seeded(half, None)
        assert seeded(code, 0) == script and seeded(code, 0.5) == by_hand and script != by_hand
        assert seeded(code, 1) == seeded("v_post += 0*mV", None)
    finally:
        brian2.prefs.codegen.target = target


def test_a_network_whose_time_goes_back_is_said(tmp_path):
    text = "S.w = -0.3\nN = Network(P, S, monitor)\nN.store()\nN.run(10*ms)\n{}N.run(10*ms)\n"
    for between, is_said in (("", False), ("N.restore()\n", True)):
        result = brian.ablate(script(tmp_path, START + text.format(between)), (1,), seeds=1, controls=False)
        assert result.identical and any("went back" in note for note in result.notes) == is_said
