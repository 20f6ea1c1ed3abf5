"""Sweeps of functions that build circuits, in modules, scripts, notebooks and other functions."""

import functools
import importlib
import subprocess
import sys

import numpy as np
import pytest

from eisim import LIF, Circuit, Input, InputError, Population, Projection, ThresholdLinear, sweep
from eisim.run.sweep import identity_of
from eisim.run.sweep.axes import make_axis
from eisim.run.sweep.function import is_known_elsewhere
from eisim.run.sweep.subject import Subject, parameters

SOURCE = '''
"""A circuit of a test."""
from pathlib import Path
from eisim import Circuit, Input, Population, Projection, ThresholdLinear, FixedProbability

def circuit(kind="rate", seed=0, g: float = 2.0, bias: float = 0.0):
    """A drawn circuit."""
    if g == 3 and Path(__file__).with_name("fail").exists():
        raise ValueError("no such state")
    return Circuit(
        "own", [Input("x", 10)], [Population("E", "E", ThresholdLinear(), 5, bias=bias)],
        [Projection("x", "E", FixedProbability(0.5, g))], seed=seed,
    )
'''


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A module that other processes can import, too; its finished points are kept elsewhere."""
    monkeypatch.setenv("EISIM_CACHE_DIR", str(tmp_path / "cache"))
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "swept_by_test.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(folder))
    yield importlib.import_module("swept_by_test")
    del sys.modules["swept_by_test"]


def kept(tmp_path):
    return list((tmp_path / "cache" / "runs").glob("*/*.part"))


def build(g, bias=0.0):
    """What this process alone has is given by `bound`."""
    return Circuit(
        "c", [Input("x")], [Population("E", "E", ThresholdLinear(), bias=bias)], [Projection("x", "E", [[g]])]
    )


def bound(function=build):
    """The function within another one, which no other process has."""
    return lambda g, bias=0.0: function(g, bias)


def on_numpy(*arguments, **named):
    return sweep(*arguments, backend="numpy", **named)


@pytest.mark.slow
def test_a_function_of_a_module_gives_the_numbers_of_its_file(module):
    """In other processes; drawn by the same seeds."""
    over, how = {"g": [1.0, 2.0], "bias": [0, 5]}, {"kind": "rate", "seeds": 2, "seed": 7}
    mine, file = on_numpy(module.circuit, over, workers=2, **how), on_numpy(module.__file__, over, workers=1, **how)
    assert mine.to_dataframe().equals(file.to_dataframe()) and mine.axes == file.axes and mine.seeds == file.seeds
    assert len(np.unique(mine.numbers["rate_E"])) == 8
    assert mine.subject.title == "circuit" and mine.subject.build is None


@pytest.mark.slow
def test_a_function_of_this_process_gives_the_same_numbers(module, capsys):
    over, how = {"g": "1:2:2"}, {"kind": "rate", "seeds": 2}
    inner = on_numpy(lambda kind, seed, g: module.circuit(kind, seed, g), over, **how)
    assert inner.to_dataframe().equals(on_numpy(module.circuit, over, workers=1, **how).to_dataframe())
    assert "note: only this process has <lambda>" in capsys.readouterr().err


def test_values_with_units_and_settings():
    def lif(tau, bias, size=1):
        return Circuit("c", [Input("x")], [Population("E", "E", LIF(tau=tau), size, bias=bias)])

    from brian2 import ms, mV

    found = on_numpy(lif, {"tau": [10, 20] * ms}, settings={"bias": 20 * mV, "size": 3})
    response = [on_numpy(lif, {"tau": [tau] * ms}, settings={"bias": 20 * mV}).mean("rate_E")[0] for tau in (10, 20)]
    assert found.mean("rate_E").tolist() == response and response[0] > response[1] > 0
    assert found.axes[0].unit == "second"


def test_partial_functions_and_callable_objects():
    class Builder:
        def __call__(self, g):
            return build(g)

    expected = on_numpy(bound(), {"g": [1, 2]}).mean("rate_E")
    assert on_numpy(functools.partial(build, bias=0.0), {"g": [1, 2]}).mean("rate_E").tolist() == expected.tolist()
    assert on_numpy(Builder(), {"g": [1, 2]}).mean("rate_E").tolist() == expected.tolist()
    assert expected.tolist() == pytest.approx([100, 200], rel=1e-5)


@pytest.mark.parametrize("how", ["script", "typed in"])
def test_in_a_script_and_in_a_session(how, tmp_path):
    """The script runs once: other processes do not run it again."""
    code = (
        "print('begun')\n"
        "from eisim import *\n"
        "def build(g):\n"
        "    E = Population('E', 'E', ThresholdLinear())\n"
        "    return Circuit('c', [Input('x')], [E], [Projection('x', 'E', [[g]])])\n"
        "print(sweep(build, {'g': [1, 2]}, backend='numpy').mean('rate_E').round(2).tolist())\n"
    )
    (tmp_path / "script.py").write_text(code)
    command = ["script.py"] if how == "script" else ["-c", code]
    ran = subprocess.run([sys.executable, *command], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines() == ["begun", "[100.0, 200.0]"]


@pytest.mark.slow
def test_finished_points_are_kept_of_a_module_and_not_of_this_process(module, tmp_path):
    (tmp_path / "own" / "fail").touch()
    found = on_numpy(module.circuit, {"g": [1, 3]}, kind="rate", workers=1)
    assert [why for _, why in found.failed] == ["swept_by_test.py, line 9: circuit: ValueError: no such state"]
    assert len(kept(tmp_path)) == 1
    on_numpy(lambda g: module.circuit("rate", 0, g), {"g": [1, 3]})
    assert len(kept(tmp_path)) == 1
    (tmp_path / "own" / "fail").unlink()
    assert not on_numpy(module.circuit, {"g": [1, 3]}, kind="rate", workers=1).failed
    assert not kept(tmp_path)


def test_the_identity_has_the_source_and_the_arguments(module, tmp_path):
    def identity(build):
        plan = Subject("circuit", ("rate",), build=build)
        return identity_of(plan, (make_axis("g", [1, 2], parameters(plan)),), 1, 0)

    one = identity(module.circuit)
    assert identity(module.circuit) == one
    assert identity(functools.partial(module.circuit, bias=1.0)) != one
    (tmp_path / "own" / "swept_by_test.py").write_text(SOURCE + "\n")
    assert identity(module.circuit) != one


def test_which_functions_other_processes_have(module):
    assert is_known_elsewhere(module.circuit) and is_known_elsewhere(functools.partial(module.circuit, bias=1.0))
    assert not is_known_elsewhere(bound()) and not is_known_elsewhere(functools.partial(bound()))


def needs(g, other):
    """A parameter that is not swept."""


def timed(g, duration):
    """A name that is taken."""


@pytest.mark.parametrize(
    ("function", "over", "options", "words"),
    [
        (build, {"h": [1]}, {}, r"over: expected one of .*g.*found 'h'"),
        (build, {}, {}, "expected at least one parameter to sweep"),
        (needs, {"g": [1]}, {}, r"sweep: needs: expected a value of 'other' \(in over or settings\), found none"),
        (timed, {"g": [1]}, {}, "sweep: timed: expected parameters with other names .* found 'duration'"),
        (bound(), {"g": [1]}, {"workers": 2}, "workers: expected 1, since only this process has the function <lambda>"),
        (bound(), {"g": [1]}, {"scheduler": "tcp://host:1"}, "scheduler: expected .* by its name, found a function"),
        (bound(), {"g": [1]}, {"kind": "both"}, "expected rate or spiking for a function"),
        (bound(), {"g": [1]}, {"kind": "spiking"}, "all points failed; .*expected a spiking circuit, found a rate one"),
        (bound(lambda g, bias: 3), {"g": [1]}, {}, "all points failed; .*expected a Circuit, found 3"),
        (bound(lambda g, bias: 1 / 0), {"g": [1]}, {}, r"test_sweep_function.py, line \d+: .*ZeroDivisionError"),
        (dict, {"g": [1]}, {}, "sweep: dict: expected a function that builds a circuit from parameters by name"),
        (print, {"g": [1]}, {}, "found 'g'"),
    ],
)
def test_refused_in_words(function, over, options, words):
    with pytest.raises(InputError, match=words):
        on_numpy(function, over, **options)
