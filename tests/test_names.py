"""Names: none hides one of Python's own, and former ones are still taken."""

import ast
import builtins
import inspect
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import eisim
from eisim import InputError, functions, sweep
from eisim.analysis import activity
from eisim.base.former import renamed

ROOT = Path(__file__).parents[1]
BUILTINS = {name for name in dir(builtins) if not name.startswith("_")}


def hidden(tree):
    """Names of Python's own that arguments and variables take; what is found on an object hides nothing."""
    in_classes = {id(each) for node in ast.walk(tree) if isinstance(node, ast.ClassDef) for each in node.body}
    on_objects = {
        id(name) for node in ast.walk(tree) if id(node) in in_classes for name in ast.walk(node) if _assigns(node)
    }
    for node in ast.walk(tree):
        name = getattr(node, "arg", None) if isinstance(node, ast.arg) else None
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and id(node) not in on_objects:
            name = node.id
        if isinstance(node, ast.FunctionDef) and id(node) not in in_classes:
            name = node.name
        if name in BUILTINS:
            yield f"{node.lineno}: {name}"


def _assigns(node):
    return isinstance(node, (ast.Assign, ast.AnnAssign))


def test_no_argument_or_variable_hides_one_of_pythons_own():
    assert list(hidden(ast.parse("def f(set, x=1):\n    bin = [id for id in x]\nclass A:\n    id: int = 1\n")))
    found = [
        f"{file.relative_to(ROOT)}:{each}"
        for folder in ("eisim", "models", "experiments", "benchmarks", "examples")
        for file in sorted((ROOT / folder).rglob("*.py"))
        if file.name != "onnx_operations.py"  # where ONNX's attributes are the arguments
        for each in hidden(ast.parse(file.read_text(encoding="utf-8")))
    ]
    assert not found


def test_an_argument_is_taken_by_its_former_name():
    @renamed(old="new")
    def f(x, new=0):
        return x + new

    with pytest.warns(DeprecationWarning, match="f: 'old' is now called 'new'") as caught:
        assert f(1, old=2) == 3
    assert caught[0].filename == __file__
    assert f(1, new=2) == 3 and list(inspect.signature(f).parameters) == ["x", "new"]
    with pytest.raises(InputError, match="f: new: expected it once, found it as 'old', too"):
        f(1, old=1, new=2)


def test_former_names_are_still_taken():
    with pytest.warns(DeprecationWarning, match="is now called 'settings'"), pytest.raises(InputError, match="swept"):
        sweep("wilson_cowan", {"stimulus": [1]}, set={"stimulus": 1}, kind="rate")
    circuit = eisim.synthesize(eisim.TRUTH_TABLES["xor"])
    times = {"duration": 20e-3, "window": 20e-3, "dt": 1e-3, "backend": "numpy"}
    response = eisim.simulate(circuit, [[1, 0]], record=True, **times)
    name = circuit.populations[0].name
    for function in (activity.population_rate, activity.synchrony, activity.modulation, activity.correlation):
        with pytest.warns(DeprecationWarning, match="'bin' is now called 'bin_width'"):
            found = function(response, name, bin=2e-3)
        assert np.array_equal(found, function(response, name, 2e-3), equal_nan=True)
    for module in (eisim, functions):
        with pytest.warns(DeprecationWarning, match="NAMED is now called .*TRUTH_TABLES"):
            assert module.NAMED is eisim.TRUTH_TABLES
        assert "NAMED" not in module.__all__


def test_modules_are_the_same_under_their_former_names(tmp_path):
    script = tmp_path / "copied.py"
    script.write_text(
        "import eisim.units\nfrom eisim.sweeps.axes import Axis\nfrom eisim.run.sweep.axes import Axis as now\n"
        "from eisim.assessment import DoseResponse\nassert Axis is now\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "default", script], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    said = [line for line in done.stderr.splitlines() if "DeprecationWarning" in line]
    assert [line.partition("copied.py")[2].partition(" is now")[0] for line in said] == [
        ":1: DeprecationWarning: eisim.units",
        ":2: DeprecationWarning: eisim.sweeps",
        ":4: DeprecationWarning: eisim.assessment.DoseResponse",
    ]
