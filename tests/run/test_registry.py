"""Experiments and models are read once, and what is neither is handed to the experiment that studies it."""

import json
from dataclasses import replace
from importlib.metadata import entry_points

import numpy as np
import pytest

from eisim import InputError
from eisim.cli.commands import run_command
from eisim.report.view import view_of
from eisim.run import registry
from eisim.run.experiment import Experiment, ShownByModule
from eisim.run.model import Model

QUICK = ["levels=3", "seeds=1", "duration=100ms", "window=50ms", "dt=1ms"]


def run(name, *changes, kinds=("rate",)):
    experiment = registry.experiment_of(str(name))
    return experiment.run(experiment.with_changes(changes), list(kinds), 0, "numpy", lambda stage, fraction=None: None)


def test_a_model_without_a_task_is_judged_by_its_truth_table():
    """The newcomer's thread: models/xor.py, `run xor`, the page."""
    view = view_of(run("xor", *QUICK))
    (row,) = view.to_json()["rows"]
    assert (row["truth_table"], row["verdict"], row["floor"], row["inversion_complexity"]) == ("0110", "lost", 0.25, 1)
    assert row["accuracy"]["intact"]["rate"] == 1 and row["accuracy"]["ablated"]["rate"] == 0.75
    page = view.findings()
    assert "xor" in page.question and page.tables and page.pictures and page.circuits and page.proofs


@pytest.mark.parametrize("name", [point.name for point in entry_points(group="eisim.models")])
def test_every_model_can_be_run(name):
    experiment = registry.experiment_of(name)
    assert isinstance(registry.find(name, "run"), Model) and experiment.name == name
    assert experiment.with_changes(()) is not None


def test_a_model_may_have_several_tasks():
    model = registry.models()["inhibition_stabilized_network"]()
    further = "inhibition_stabilized_network_paradoxical_response"
    assert list(model.with_each_task) == [model.name, further]
    of_both = [each.task_of("rate", quick=True) for each in model.with_each_task.values()]
    assert of_both[0].bound != of_both[1].bound == 0 and model.with_each_task[further].last_measured() == ()
    with pytest.raises(InputError, match="TASKS: expected functions from kind to Task by their names, found"):
        _ = replace(model, tasks={"a": 1}).with_each_task


def test_what_a_name_fixes_cannot_be_changed():
    for name, key in (("xor", "file"), ("decision", "circuits")):
        experiment = registry.experiment_of(name)
        with pytest.raises(InputError, match=f"--set: expected one of .*, found '{key}'"):
            experiment.with_changes([f"{key}=other"])


def test_what_is_found_by_name(tmp_path):
    assert isinstance(registry.find("boolean", "run"), Experiment)
    for name, said in (("bolean", "did you mean 'boolean'?"), (str(tmp_path / "no.csv"), "found no such file")):
        with pytest.raises(InputError) as error:
            registry.find(name, "run")
        assert said in str(error.value) and "\n" not in str(error.value)


HOOKED = """
from dataclasses import dataclass

@dataclass(frozen=True)
class Settings:
    n: int = 3

def run(settings, kinds, seed, backend, report):
    return {"twice": 2 * settings.n}
"""


def test_a_module_may_show_its_result_itself_or_leave_it_to_the_default(tmp_path):
    plain = tmp_path / "plain.py"
    plain.write_text(HOOKED)
    result = run(plain, "n=4")
    assert isinstance(result, ShownByModule) and view_of(result).to_json() == {"twice": 8}
    assert view_of(result).terminal() == "twice: 8" and view_of(result).all_files() == view_of(result).drawn() == []
    hooked = tmp_path / "hooked.py"
    hooked.write_text(HOOKED + "def table(result):\n    return 'mine'\ndef tables(result):\n    yield 'a.csv', 'x'\n")
    assert view_of(run(hooked)).terminal() == "mine" and view_of(run(hooked)).all_files() == [("a.csv", "x")]
    broken = tmp_path / "broken.py"
    broken.write_text(HOOKED + "def to_json(result):\n    return {'it': object()}\n")
    with pytest.raises(InputError, match="to_json: expected plain values"):
        view_of(run(broken)).to_json()


def test_names_are_listed_without_being_imported():
    experiments, models = registry.listed()
    assert {"boolean", "functions"} <= {each.name for each in experiments}
    found = {each.name: each for each in models}
    assert found["xor"].function == "xor" and not found["xor"].has_task
    assert found["decision"].function == "decide" and found["decision"].has_task
    assert all(each.summary for each in (*experiments, *models))


def test_a_sweep_reads_a_model_in_the_same_way():
    from eisim import sweep

    found = sweep("xor", kind="rate", over={"stimulus": [0.0, 1.0]}, backend="numpy", workers=1)
    assert found.phases is None and np.isfinite(found.numbers["rate_readout"]).all()


def test_experiments_on_one_kind_of_circuit_refuse_the_other():
    worm = registry.experiment_of("worm")
    assert worm.taken(["spiking", "rate"]) == ["rate"]
    with pytest.raises(InputError, match="worm: kind: expected rate, found spiking"):
        worm.taken(["spiking"])
    assert registry.experiment_of("boolean").taken(["spiking", "rate"]) == ["spiking", "rate"]


@pytest.mark.parametrize(("name", "first"), [("census", "spiking"), ("connectome", "rate")])
def test_experiments_that_simulate_one_kind_say_which(name, first):
    experiment, (other,) = registry.experiment_of(name), {"spiking", "rate"} - {first}
    for asked in (["spiking", "rate"], ["rate", "spiking"], [first]):
        assert experiment.taken(asked) == [first]
    assert experiment.taken([other]) == [other]


def test_the_record_names_the_backend_that_was_used(tmp_path):
    out = tmp_path / "out"
    how = ["--kind", "spiking", "--backend", "cpp", "--set", "networks=1", "--out", str(out)]
    assert run_command(["run", "paper", *how]) == 0
    assert json.loads((out / "run.json").read_text())["backend"] == "numpy"


def test_the_record_names_the_kind_that_was_simulated(tmp_path):
    how = ["--kind", "both", "--backend", "numpy", "--out", str(tmp_path / "out")]
    assert run_command(["run", "census", "--set", "inputs=1", "--set", "levels=2", *how]) == 0
    record = json.loads((tmp_path / "out" / "run.json").read_text())
    assert record["kinds"] == ["spiking"]
