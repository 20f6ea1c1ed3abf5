"""Brian2 networks of a user: inhibition found by its effect, and removed with nothing else changed."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from eisim import InputError, brian

START = "from brian2 import *\nprefs.codegen.target = 'numpy'\n"
CURRENTS = (
    START
    + """
tau = 10*ms
eqs = '''dv/dt = (g + h - v + drive)/tau : volt (unless refractory)
dg/dt = -g/(5*ms) : volt
dh/dt = -h/(10*ms) : volt
drive : volt'''
cells = NeuronGroup(60, eqs, threshold="v > 10*mV", reset="v = 0*mV", refractory=2*ms, method="euler")
cells.v = "rand()*10*mV"
cells.drive = 11*mV
J = 1.5*mV
exciting = Synapses(cells, cells, on_pre="g += J")
exciting.connect("i < 48", p=0.2)
other = Synapses(cells, cells, on_pre="h += -4*J")
other.connect("i >= 48", p=0.3)
monitor = SpikeMonitor(cells)
run(40*ms)
"""
)


def script(folder, text, name="network.py"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def spikes_of(path, seed=0):
    """Spikes of a script's own monitor, run by Python alone, with seeds in front."""
    seeded = f"import brian2, numpy, random\nbrian2.seed({seed}); numpy.random.seed({seed}); random.seed({seed})\n"
    ending = "\nimport sys\nnumpy.savez(sys.argv[1], t=numpy.array(monitor.t_), i=numpy.array(monitor.i))\n"
    own = path.with_name("own.py")
    own.write_text(seeded + path.read_text(encoding="utf-8") + ending, encoding="utf-8")
    out = path.with_name("own.npz")
    subprocess.run([sys.executable, str(own), str(out)], check=True, capture_output=True, cwd=path.parent)
    found = np.load(out)
    return found["t"], found["i"]


def at_last(left, spikes):
    """A score that takes the spikes apart: to be pickled, of this module."""
    return float(spikes["neurongroup"].t.sum() + 1e-6 * spikes["neurongroup"].i.sum())


def scored(spikes):
    t, i = spikes
    return float(t.sum() + 1e-6 * i.sum())


def verdicts(found):
    return {(row.name, row.variable): row.verdict for row in found.rows}


@pytest.fixture(scope="module")
def ablation(tmp_path_factory):
    path = script(tmp_path_factory.mktemp("brian2"), CURRENTS)
    return path, brian.ablate(path, (0, 0.5, 1), seeds=2, controls=False, score=at_last, criterion=0.5)


def test_fraction_0_is_the_script_and_half_is_half_the_weight(ablation):
    path, result = ablation
    assert result.identical is True and result.differs_from is None and not result.problems
    assert result.scores[0, 0] == pytest.approx(scored(spikes_of(path)), rel=1e-12)
    by_hand = script(path.parent, CURRENTS.replace("-4*J", "-2*J"), "by_hand.py")
    assert result.scores[1, 0] == pytest.approx(scored(spikes_of(by_hand)), rel=1e-12)
    assert result.scores[0, 0] != result.scores[0, 1] != result.scores[1, 1]


def test_what_is_measured(ablation):
    _, result = ablation
    assert result.found.inhibitory == ("other",)
    assert verdicts(result.found) == {("exciting", "g"): "excitatory", ("other", "h"): "inhibitory"}
    assert result.rates.shape == (3, 2, 1) and (np.diff(result.rates[:, :, 0], axis=0) > 0).all()
    assert result.groups == ("neurongroup",) and result.sizes == (60,) and result.limits.tolist() == [500.0]
    assert result.to_xarray()["rate"].sel(fraction=1, seed=0).item() == result.rates[2, 0, 0]
    assert len(result.to_dataframe()) == 6 and list(result.table["fraction"]) == [0, 0.5, 1]
    t, i = result.rasters[0]["neurongroup"]
    assert t.size == i.size and t.size == pytest.approx(result.rates[0, 0, 0] * 60 * 0.04)
    (curve,) = result.curves
    assert curve.scores is result.scores and "other" in repr(result) and "inhibitory" in repr(result.found)


def test_a_function_that_returns_a_network_and_a_network():
    from brian2 import Network, NeuronGroup, SpikeMonitor, Synapses, ms, mV, prefs

    def build():
        prefs.codegen.target = "numpy"
        weight = 2 * mV
        cells = NeuronGroup(
            10, "dv/dt = (20*mV - v)/(10*ms) : volt", threshold="v > 10*mV", reset="v = 0*mV", method="euler"
        )
        cells.v = "i*mV"
        inhibits = Synapses(cells, cells, on_pre="v_post -= w", model="w : volt", name="inhibits")
        inhibits.connect("i < 3 and i != j")
        inhibits.w = weight
        return Network(cells, inhibits, SpikeMonitor(cells))

    found = brian.inhibition(build)
    assert verdicts(found) == {("inhibits", "v_post"): "inhibitory"}
    result = brian.ablate(build, (1,), seeds=1, controls=False, duration=30 * ms)
    assert result.identical and result.fractions.tolist() == [0, 1] and result.rates[1] > result.rates[0]
    network = build()
    assert verdicts(brian.inhibition(network)) == verdicts(found)
    again = brian.ablate(network, (1,), seeds=1, controls=False, duration=30 * ms)
    assert np.array_equal(again.rates, result.rates)
    assert "eisim_keep" not in network["inhibits"].variables and float(network.t_) == 0  # it is left as it was
    with pytest.raises(InputError, match="how long to run"):
        brian.ablate(build, seeds=1, controls=False)


REFUSED = {
    "no inhibition": (
        CURRENTS.replace("-4*J", "4*J"),
        "network.py: no synapse lowers a neuron's drive to threshold; nothing to ablate. Name one with override=",
    ),
    "no run": (CURRENTS.replace("run(40*ms)", ""), "network.py: expected a script that runs a network, found no run"),
    "an error": (CURRENTS.replace("run(40*ms)", "1/0"), "network.py, line 18: ZeroDivisionError: division by zero"),
    "an error after the run": (CURRENTS + "int('x')", "network.py, line 19: ValueError: invalid literal"),
    "Brian2's error": (CURRENTS.replace("tau : volt", "tau : amp"), "network.py, line 10: DimensionMismatchError"),
    "an unknown name": (CURRENTS.replace("-4*J", "-4*K"), "what a spike adds to h is not known: K is not known"),
    "an exit": (
        CURRENTS.replace("run(40*ms)", "import sys; sys.exit()"),
        "network.py, line 18: the script ended itself before it ran a network; it is given no arguments",
    ),
    "arguments": (
        CURRENTS.replace(
            "run(40*ms)", "import argparse; p = argparse.ArgumentParser(); p.add_argument('n'); p.parse_args()"
        ),
        "network.py, line 18: the script ended itself with status 2 before it ran a network; it is given no arguments",
    ),
    "a failure after the run": (CURRENTS + "raise SystemExit('bad')", "line 19: .* ended itself with status 'bad';"),
    "a question": (
        CURRENTS.replace("run(40*ms)", "import builtins; builtins.input('?')"),
        r"network.py, line 18: input\(\): expected a script",
    ),
    "no Python": ("def", "network.py, line 1: SyntaxError"),
    "an end": (CURRENTS.replace("run(40*ms)", "import os; os._exit(4)"), r"ended before its first run.*exit status 4"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_ablated_is_refused_in_one_line(tmp_path, what):
    text, said = REFUSED[what]
    with pytest.raises(InputError, match=said) as caught:
        brian.ablate(script(tmp_path, text), (0, 1), seeds=1, controls=False)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"fractions": (0, 1.5)}, "fractions: expected numbers from 0 to 1, found 1.5"),
        ({"fractions": "half"}, "fractions: expected numbers from 0 to 1"),
        ({"fractions": (float("nan"),)}, "fractions: expected numbers from 0 to 1, found nan"),
        ({"seeds": 0}, "seeds: expected from 1 to 10,000, found 0"),
        ({"seeds": (1, 1)}, "seeds: expected different ones"),
        ({"seeds": (-1,)}, "seeds: expected a number of seeds or whole numbers"),
        ({"score": 3}, "score: expected a function"),
        ({"override": ["other"]}, "override: expected a dict"),
        ({"override": {"othr": "leave"}}, "override: expected one of .*, found 'othr'; did you mean 'other'"),
        ({"override": {"other": "inhibit"}}, "other: expected one of .*, found 'inhibit'; did you mean 'inhibitory'"),
        ({"criterion": float("nan"), "score": at_last}, "criterion: expected a number or a Criterion, found nan"),
        ({"criterion": 0.5}, "criterion: expected one only of a score"),
        ({"duration": 1.0}, "duration"),
        ({"backend": "gpu"}, "backend: expected one of runtime, cpp, found 'gpu'"),
    ],
)
def test_bad_arguments(tmp_path, arguments, said):
    with pytest.raises(InputError, match=said):
        brian.ablate(script(tmp_path, CURRENTS), **arguments)


@pytest.mark.parametrize(("given", "said"), [("nothing.py", "no such file"), (".", "a folder"), (3, "a script's path")])
def test_what_is_no_network(given, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=said):
        brian.inhibition(given)


def test_a_killed_process_is_said(tmp_path):
    text = (
        CURRENTS + "import os, signal\nif 'eisim_lost' in other.variables:\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    with pytest.raises(InputError, match=r"its process ended with fraction .* \(signal SIGKILL\)"):
        brian.ablate(script(tmp_path, text), (0, 1), seeds=1, controls=False)


def test_override_and_notebook_context(tmp_path):
    path = script(tmp_path, CURRENTS)
    left = brian.inhibition(path, override={"other": "leave"})
    assert not left.inhibitory
    assert brian.inhibition(path, override={"exciting": "inhibitory"}).inhibitory == ("exciting", "other")
    with brian.ablated(fraction=1.0, seed=0) as run:
        exec(compile(CURRENTS, "notebook", "exec"), {"__name__": "notebook"})
    t, _ = spikes_of(script(tmp_path, CURRENTS.replace("-4*J", "0*J"), "by_hand.py"))
    (spikes,) = run.spikes.values()
    assert np.array_equal(spikes.t, t) and run.found.inhibitory == ("other",)


def test_a_script_finds_its_folder_and_itself(tmp_path):
    (tmp_path / "constants_of_mine.py").write_text("strength = 4\n", encoding="utf-8")
    text = CURRENTS.replace("-4*J", "-strength*J").replace(START, START + "from constants_of_mine import strength\n")
    text += "assert __name__ == '__main__' and __file__.endswith('network.py') and sys.argv == [__file__]\n"
    text += "plot(monitor.t/ms, monitor.i)\nshow()\nsavefig('figure.png')\nsys.exit()\n"
    result = brian.ablate(script(tmp_path, text.replace(START, START + "import sys\n")), (1,), seeds=1, controls=False)
    assert result.identical and not (tmp_path / "figure.png").exists() and Path.cwd() == Path(os.getcwd())


def test_names_of_loops_come_last_and_all_names_are_taken(tmp_path):
    looped = CURRENTS.replace("run(40*ms)", "for S in (exciting, other):\n    S.delay = 1*ms\nrun(1*ms)")
    path = script(tmp_path, looped)
    assert brian.inhibition(path).inhibitory == ("other",)
    named = script(tmp_path, looped.replace('on_pre="h += -4*J"', 'on_pre="h += -4*J", name="I_to_I"'), "named.py")
    assert brian.inhibition(named).inhibitory == ("I_to_I",)
    for given, names in ((path, ("other", "S", "synapses_1")), (named, ("other", "S", "I_to_I"))):
        for name in names:
            assert not brian.inhibition(given, override={name: "leave"}).inhibitory
