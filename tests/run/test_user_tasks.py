"""The user's own work: Python files, CSV files, packages with entry points, settings."""

import io
import json
from pathlib import Path

import numpy as np
import pytest

from eisim import InputError, LabelledData, TruthTable, certify
from eisim.base.schema import read_settings
from eisim.base.user_files import blamed_on, load_file
from eisim.cli import commands as cli
from eisim.report.view import view_of
from eisim.run.registry import experiment_of
from eisim.studies.circuit import read_circuit
from eisim.studies.data import prepared, read
from experiments import boolean

EXAMPLES = Path(__file__).parents[2] / "examples"
QUICK = ("--backend", "numpy", "--json")
SMALL = ("levels=2", "seeds=2", "duration=100ms", "window=60ms")

VETO = """
from eisim import Circuit, Input, Population, Projection, Readout, ThresholdLinear
def veto(weight=2.0, readouts=("out",)):
    cells = [Population("relay", "I", ThresholdLinear()), Population("out", "E", ThresholdLinear())]
    wires = [("B", "relay", 1.0), ("A", "out", 1.0), ("relay", "out", weight)]
    projections = [Projection(a, b, [[w]]) for a, b, w in wires]
    return Circuit("veto", [Input("A"), Input("B")], cells, projections, [Readout(r, 25.0) for r in readouts])
"""


@pytest.fixture
def run(capsys):
    """Run in this process: exit status, the JSON document or None, what was said."""

    def command(*words):
        status = cli.run_command(["run", *map(str, words)])
        out, said = capsys.readouterr()
        return status, json.loads(out) if out.startswith("{") else None, said

    return command


def measure(name, *changes, kinds=("rate",)):
    """Run without the command line: the view of the result, the result and its JSON document."""
    experiment = experiment_of(str(name))
    settings = experiment.with_changes(changes)
    result = experiment.run(settings, list(kinds), 0, "numpy", lambda stage, fraction=None: None)
    return view_of(result), result, view_of(result).to_json()


@pytest.fixture
def file(tmp_path):
    """Write a file of the user's."""

    def write(content, name="mine.py"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def test_a_circuit_without_a_function_is_asked_what_it_computes():
    _, result, found = measure(EXAMPLES / "my_circuit.py", *SMALL, kinds=("spiking", "rate"))
    assert result.problems == []
    (row,) = found["rows"]
    assert row["truth_table"] == "0001" and row["representable"] and row["verdict"] == "lost"
    accuracy = row["accuracy"]
    assert set(accuracy["intact"].values()) == {1.0} and {"spiking", "rate", "dnn"} < set(accuracy["intact"])
    assert accuracy["ablated"]["rate"] == 0.75 and accuracy["best_excitatory"]["spiking"] == 1
    assert "0001 is what the intact circuit computes" in found["notes"][0]


@pytest.mark.slow
def test_a_file_with_neurons_of_its_own_is_drawn_in_another_process(run, file, tmp_path):
    text = VETO.replace("def veto", "class Mine(ThresholdLinear):\n    pass\ndef veto").replace("()), Pop", "()), Pop")
    path = file(text.replace('"out", "E", ThresholdLinear()', '"out", "E", Mine()') + "circuit = veto()\n")
    words = [word for change in SMALL for word in ("--set", change)]
    status, found, said = run(path, "--kind", "rate", *QUICK, *words, "--out", tmp_path / "out")
    assert status == 0, said
    (row,) = found["mine"]["rows"]
    assert row["truth_table"] == "0010" and row["verdict"] == "lost" and row["accuracy"]["ablated"]["rate"] == 0.75
    names = {"run.json", "table.csv", "data.nc", "veto_activity.svg", "veto_weights.svg", "ablation_curves.svg"}
    assert names <= {p.name for p in (tmp_path / "out").iterdir()}


def test_each_readout_is_a_function_and_a_kind_that_is_missing_is_left_out(file):
    path = file(VETO + 'circuit = veto(readouts=("relay", "out"))\nfunction = ["0101", TruthTable("0010")]\n')
    path.write_text("from eisim import TruthTable\n" + path.read_text())
    _, _, found = measure(path, *SMALL, kinds=("spiking", "rate"))
    assert found["problems"] == []
    relay, out = found["rows"]
    assert relay["function"] == "relay" and relay["verdict"] == "kept"
    assert out["function"] == "out" and out["verdict"] == "lost" and out["witness"] == [[1, 0], [1, 1]]
    assert out["accuracy"]["intact"]["rate"] == 1 and out["accuracy"]["ablated"]["dnn"] == 0.75
    assert "Left out, the spiking circuit" in found["notes"][0] and "spiking" not in relay["equivalence_error"]


def test_a_circuit_that_misses_its_function_fails_the_check(file):
    home, result, found = measure(file(VETO + 'circuit = veto()\nfunction = "xor"\n'), *SMALL)
    assert "veto: the intact circuit answers 75.0% correctly (rate circuit)" in result.problems
    assert found["rows"][0]["verdict"] == "not computed"
    assert "veto is not computed by the intact circuit; wrong patterns: rate: 01." in home.findings().answer


@pytest.mark.parametrize("given", ['TruthTable("0010")', '"0010"'])
def test_a_models_function_is_read_too(file, given):
    path = file(VETO + f"from eisim import TruthTable\ncircuit = veto()\nFUNCTION = {given}\n")
    module = load_file(path)
    own = read_circuit(module, "mine", module.FUNCTION, ("rate",), {"duration": 0.1, "window": 0.05, "dt": 5e-4})
    assert own.functions[0].bits == "0010" and not any("No function" in note for note in own.notes)


def test_a_misspelt_name_is_answered_with_the_right_one(file):
    path = file("import math\nfrom eisim import LIF\nSIZE = 2\ndef circut(kind):\n    return None\n")
    with pytest.raises(InputError) as error:
        experiment_of(str(path))
    assert str(error.value).endswith("found SIZE, circut; did you mean 'circuit'?")


def test_a_region_is_judged_point_by_point(file):
    text = 'from eisim import Region\ncircuit = veto()\nfunction = Region("below", lambda x, y: x - 2 * y > 0.25, 8)\n'
    home, result, found = measure(file(VETO + text), *SMALL)
    (row,) = found["rows"]
    floor = certify(_region(), ("zero_one",)).floor["zero_one"]
    assert row["function"] == "below" and row["points"] == 64 and row["floor"] == floor > 0
    assert row["accuracy"]["intact"]["rate"] == 1 and 1 - row["accuracy"]["ablated"]["rate"] >= floor
    (curve,) = result.curves
    assert (curve.function, curve.system, curve.verdict, curve.floor) == ("below", "rate", row["verdict"], floor)
    files = dict(home.all_files())
    table = np.genfromtxt(io.StringIO(files["points.csv"]), delimiter=",", names=True)
    assert ((table["rate_intact_hz"] > 25) == table["wanted"]).all()
    _pictures_have_files(home, result)


def _pictures_have_files(home, result):
    """What a page shows of a result is in its folder."""
    page, drawn, files = home.findings(), dict(home.drawn()), dict(home.all_files())
    assert page.answer and {picture.file for picture in (*page.pictures, *page.circuits)} == set(drawn)
    assert {part.data for part in (*page.pictures, *page.circuits, *page.tables)} <= set(files)
    for table in page.tables:
        assert all(len(row) == len(table.columns) for row in table.rows)


def _region():
    from eisim import Region

    return Region("below", lambda x, y: x - 2 * y > 0.25, 8)


def test_circuits_that_have_no_dnn_are_simulated_all_the_same(file):
    text = VETO.replace('Input("A")', 'Input("A", train="poisson")').replace("ThresholdLinear", "LIF")
    text = text.replace("weight=2.0", "weight=0.09").replace("1.0)", "0.09)")
    path = file(text + "circuit = veto()\nfunction = '0010'\n")
    _, result, found = measure(path, *SMALL, kinds=("spiking",))
    assert result.problems == []
    (row,) = found["rows"]
    assert row["floor"] == 0.25 and row["accuracy"]["ablated"]["spiking"] == 0.75
    assert "Poisson input 'A'" in found["notes"][-1]


def test_a_task():
    _, _, found = measure(EXAMPLES / "my_task.py", "doses=2", "seeds=1", kinds=("spiking", "rate"))
    (row,) = found["rows"]
    assert row["function"] == "choose" and row["verdict"] == "lost" and row["score"]["intact"]["rate"] == 1
    assert "expected a spiking circuit, found a rate one" in row["left_out"]["spiking"]


@pytest.mark.slow
def test_an_experiment(run, tmp_path):
    words = ("--set", "inputs=2", "--set", "bias=1.0", "--out", tmp_path / "out")
    status, found, said = run(EXAMPLES / "my_experiment.py", *QUICK, *words)
    assert status == 0, said
    assert {row["function"] for row in found["my_experiment"]["rows"]} == {"1111"}
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"table.csv", "floors.svg", "run.json", "report.html"}
    assert json.loads((tmp_path / "out" / "run.json").read_text())["settings_si"]["bias"] == 1.0


def test_data_against_the_theory():
    home, result, found = measure(EXAMPLES / "my_data.csv", "target=responds", "levels=2", "tries=1")
    (row,) = found["rows"]
    proof = certify(LabelledData.from_csv(EXAMPLES / "my_data.csv", "responds"), ("zero_one",))
    assert row["floor"] == proof.floor["zero_one"] and row["violating_pairs"] == proof.violating_pairs
    assert row["witness"] == [list(proof.witness.lower), list(proof.witness.upper)]
    accuracy = row["accuracy"]
    assert accuracy["intact"]["rate"] == pytest.approx(accuracy["intact"]["dnn"]) and accuracy["intact"]["dnn"] > 0.98
    assert accuracy["constant"] <= accuracy["trained_excitatory"] <= accuracy["best_excitatory"] == 1 - row["floor"]
    assert row["verdict"] == "lost" and accuracy["ablated"]["rate"] <= 1 - row["floor"]
    assert "scaled to 0 to 1 by its range" in found["notes"][0]
    answer = home.findings().answer
    for part in (
        "“responds” in my_data.csv",
        "18 of 120 rows (15.0%)",
        "43 of 120 rows (35.8%)",
        "noisy labels do not explain the floor",
    ):
        assert part in answer
    assert answer.endswith("Inputs: dose and mass.")
    _pictures_have_files(home, result)


def test_the_floor_survives_scaling():
    rng = np.random.default_rng(0)
    data = LabelledData(rng.normal(size=(60, 2)) * [1e-3, 1e300], rng.integers(0, 3, 60))
    wanted = certify(data, ("zero_one",)).floor
    for scale in ("range", "rank"):
        used, scaled = prepared(data, 1000, scale, 0)
        assert (scaled.points.min(), scaled.points.max()) == (0, 1)
        assert certify(scaled, ("zero_one",)).floor == wanted == certify(used, ("zero_one",)).floor
    few, _ = prepared(data, 5, "range", 0)
    assert len(few.targets) == 5 and set(few.targets) == {0, 1, 2}


def test_rows_that_disagree_are_no_matter_of_inhibition(file):
    path = file("a,b,y\n1,2,0\n1,2,1\n3,4,1\n3,4,0\n5,5,1\n", "mine.csv")
    home, _, found = measure(path, "target=y", "levels=2", "tries=1")
    (row,) = found["rows"]
    assert row["floor"] == row["floor_of_any_function"] == 0.4 and not row["needs_inhibition"]
    assert home.findings().answer.startswith(
        "These rows need no inhibition: rows of mine.csv with the same inputs disagree"
    )
    assert any("4 rows repeat an input with another target" in note for note in found["notes"])


def test_a_network_that_learned_nothing_is_said_to_be_so(file):
    rng = np.random.default_rng(0)
    rows = "".join(f"{a},{b},{int(c > 0.5)}\n" for a, b, c in rng.random((40, 3)).round(3))
    _, _, found = measure(file("a,b,y\n" + rows, "mine.csv"), "target=y", "iterations=1", "tries=1", "levels=2")
    assert "no better than the best excitatory-only one on class 1" in found["notes"][-1]


def test_a_file_that_is_a_truth_table_is_run_as_one():
    _, result, found = measure(EXAMPLES / "my_truth_table.csv", "levels=2")
    (row,) = found["rows"]
    assert row["truth_table"] == "01101001" and row["floor"] == 0.375 and row["verdict"] == "lost"
    assert result.problems == []


def test_certify_takes_a_truth_table_from_a_file(file, capsys, tmp_path):
    words = ["certify", str(file("a,b,y\n0,1,1\n1,0,1\n1,1,0\n0,0,0\n", "mine.csv")), "--json", "--out", str(tmp_path)]
    assert cli.run_command(words) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["target"] == "y" and found["floor"]["zero_one"] == 0.25 and found["inversion_complexity"] == 1
    file("a,b,y\n0,1,1\n1,0,1\n", "mine.csv")
    assert cli.run_command(words) == 2
    said = capsys.readouterr().err
    assert "each pattern of a, b once, found no 00 (--target y reads it as data)" in said
    assert cli.run_command([*words, "--target", "y"]) == 0


def test_truth_tables_from_csv_in_any_order(file):
    path = file("y,b,a\n0,1,1\n1,0,1\n0,1,0\n0,0,0\n", "veto.csv")
    assert TruthTable.from_csv(path, "y") == TruthTable("0100")  # f(b, a): 1 where a alone is
    assert TruthTable.from_csv(path, "y").name == "veto"
    assert certify(LabelledData.from_csv(path, "y")).floor == certify(TruthTable("0100")).floor
    assert [case.function.bits for case in boolean.cases(f"{path}:y,or")] == ["0100", "0111"]


PACKAGE = '''"""{}"""
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Literal
from eisim.base.values import Value, quantity
class Colour(Enum):
    RED = "red"
@dataclass(frozen=True)
class Settings(Value):
    number: int = 1
    share: float = 0.5
    on: bool = False
    text: str = ""
    where: Path | None = None
    colour: Colour = Colour.RED
    how: Literal["fast", "slow"] = "fast"
    sizes: tuple[int, ...] = ()
    pair: tuple[float, float] = (0.0, 1.0)
    tau: float = quantity(10e-3, "second", positive=True)
def run(settings, kinds, seed, backend, report):
    print("words of a user")
    if settings.text == "break":
        return 1 / 0
    return {{"tau": settings.tau, "on": settings.on, "share": settings.share}}
'''


@pytest.mark.slow
def test_a_package_adds_experiments_and_models(eisim, tmp_path):
    (tmp_path / "their_package").mkdir()
    (tmp_path / "their_package" / "__init__.py").touch()
    (tmp_path / "their_package" / "question.py").write_text(PACKAGE.format("A question of theirs."))
    (tmp_path / "their_package" / "choice.py").write_text((EXAMPLES / "my_task.py").read_text())
    (tmp_path / "their_package" / "broken.py").write_text('"""Broken."""\nimport no_such_module\n')
    (tmp_path / "their_package" / "rude").mkdir()
    (tmp_path / "their_package" / "rude" / "__init__.py").write_text("raise SystemExit(3)")
    about = tmp_path / "their_package-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: their-package\nVersion: 1\n")
    (about / "entry_points.txt").write_text(
        "[eisim.experiments]\nquestion = their_package.question\nbroken = their_package.broken\n"
        "rude = their_package.rude.inner\ngone = their_package.gone\n[eisim.models]\nchoice = their_package.choice\n"
    )
    path = {"PYTHONPATH": f"{tmp_path}:{Path(__file__).parents[2]}"}
    listed = eisim("list", "--json", **path)
    assert listed.returncode == 0 and "A question of theirs." in listed.stdout and "boolean" in listed.stdout
    assert "choose the stronger of two inputs" in listed.stdout and "cannot be read" in listed.stdout
    words = [
        "number=3",
        "share=0.25",
        "on=yes",
        "where=/x",
        "colour=red",
        "how=slow",
        "sizes=8,4",
        "pair=0,2.5",
        "tau=20ms",
    ]
    words = [word for each in words for word in ("--set", each)]
    done = eisim("run", "question", "--json", "--out", tmp_path / "out", *words, **path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["question"] == {"seed": 0, "tau": 0.02, "on": True, "share": 0.25}
    assert "words of a user" in done.stderr
    kept = json.loads((tmp_path / "out" / "run.json").read_text())["settings_si"]
    assert kept["sizes"] == [8, 4] and kept["pair"] == [0, 2.5] and kept["where"] == "/x" and kept["colour"] == "red"
    for words, said in (
        (("broken",), "broken (entry point their_package.broken): cannot be loaded: ModuleNotFoundError"),
        (("rude",), "sys.exit was called"),
        (("gone",), "No module named 'their_package.gone'"),
        (("question", "--set", "text=break"), "question.py, line 24: run: ZeroDivisionError: division by zero"),
    ):
        done = eisim("run", *words, "--out", tmp_path / "no", **path)
        assert done.returncode == 2 and said in done.stderr and "Traceback" not in done.stderr, done.stderr


def test_settings_are_read_as_their_types(tmp_path):
    scope = {"__name__": __name__}
    exec(PACKAGE.format(""), scope)
    kind = scope["Settings"]
    assert read_settings(kind, ["number=2", "number=3"]).number == 3
    assert read_settings(kind, ["where=none"]).where is None and read_settings(kind, ["where=a"]).where == Path("a")
    for change, said in (
        ("number=1.5", "number: expected a whole number, found '1.5'"),
        ("share=much", "share: expected a number, found 'much'"),
        ("on=maybe", "on: expected one of true, yes, on, 1, false, no, off, 0, found 'maybe'"),
        ("colour=blue", "colour: expected one of red, RED, found 'blue'"),
        ("how=warm", "how: expected one of fast, slow, found 'warm'"),
        ("sizes=8,x", "sizes: expected a whole number, found 'x'"),
        ("pair=1", "pair: expected 2 values with commas between them, found '1'"),
        ("tau=-1ms", "tau: expected more than 0, found -0.001"),
        ("tau=1", "tau: expected a time such as 5*ms, found '1'"),
        ("speed=1", "--set: expected one of number, share"),
        ("speed", "--set: expected KEY=VALUE, found 'speed'"),
    ):
        with pytest.raises(InputError) as error:
            read_settings(kind, [change])
        assert said in str(error.value)


BAD_FILES = {
    "": "mine.py: expected an experiment (Settings and run), task or circuit, found nothing",
    "import os\nx = 1\n": "task or circuit, found x",
    "x = 1\ndef f(:\n": "mine.py, line 2: SyntaxError: invalid syntax",
    "x = 1\n\nraise KeyError('volt')\n": "mine.py, line 3: KeyError: 'volt'",
    "import no_such_module\n": "mine.py, line 1: ModuleNotFoundError: No module named 'no_such_module'",
    "import sys\nsys.exit()\n": "mine.py, line 2: sys.exit was called",
    b"\x00\x01\xff": "mine.py: SyntaxError: source code cannot contain null bytes",
    b"x = 1\nclass A:\n  y\x00": "mine.py: SyntaxError: source code cannot contain null bytes",
    "circuit = 3\n": "mine.py: circuit: expected a Circuit or a function from kind to Circuit, found 3",
    "def circuit(kind):\n    return kind\n": "mine.py: circuit('spiking'): expected a Circuit, found 'spiking'",
    "def circuit(a, b):\n    pass\n": "expected circuit() or circuit(kind), found circuit(a, b)",
    "def circuit(kind):\n    return 1 / 0\n": "line 2: circuit('spiking'): ZeroDivisionError: division by zero",
    VETO + "circuit = veto(-1.0)\n": "'relay->out': weights: expected non-negative magnitudes (Dale's law",
    VETO + "circuit = veto(float('inf'))\n": "'relay->out': weights: expected finite numbers, found inf",
    VETO + "circuit = veto(readouts=())\n": "readouts: expected at least one, found none",
    VETO + "circuit = veto(readouts=('in',))\n": "expected one of 'relay', 'out', found 'in'",
    VETO + "circuit = veto()\nfunction = '011'\n": "mine.py: function: truth table: expected 2, 4, 8",
    VETO
    + "circuit = veto()\nfunction = 'parity-3'\n": "function: expected one of 2 inputs, as the circuit has, found 3",
    VETO + "circuit = veto()\nfunction = ['0010', '0100']\n": "function: expected 1, one for each output, found 2",
    VETO + "circuit = veto()\nfunction = print\n": "function: expected a TruthTable, a Region or LabelledData, found",
    VETO.replace('Input("A")', 'Input("A", 7)').replace("[[w]]", "[[w]] * (7 if a == 'A' else 1)")
    + "circuit = veto()\n": "8 inputs are too many to try all patterns (at most 6)",
    "def task(kind):\n    return 3\n": "mine.py: task('spiking'): expected a Task, found 3",
    "task = 3\n": "mine.py: task: expected a Task or a function from kind to Task, found 3",
    "Settings = 3\ndef run(*all):\n    pass\n": "mine.py: Settings: expected a dataclass, found 3",
    "def run(*all):\n    pass\n": "mine.py: expected an experiment (Settings and run), found no 'Settings'",
    "class Settings:\n    pass\n": "mine.py: expected an experiment (Settings and run), found no 'run'",
    "class Settings:\n    pass\ndef run(*all):\n    pass\n": "Settings: expected a dataclass, found <class 'Settings'>",
}


@pytest.mark.parametrize(("content", "said"), BAD_FILES.items(), ids=range(len(BAD_FILES)))
def test_bad_files_in_one_line(run, file, tmp_path, content, said):
    status, _, heard = run(file(content), *QUICK, "--out", tmp_path / "out")
    assert status == 2 and said in heard and heard.count("\n") == 1, heard


def test_d11_a_null_byte_is_said_in_our_words_whatever_python_raises(run, file, tmp_path):
    file(b"x\x00", "helper.py")
    status, _, heard = run(file("import helper\n"), *QUICK, "--out", tmp_path / "out")
    assert status == 2 and heard == "eisim: mine.py, line 1: SyntaxError: source code cannot contain null bytes\n"
    for error in (
        ValueError("source code string cannot contain null bytes"),
        SyntaxError("source contains null bytes"),
    ):
        with (
            pytest.raises(InputError, match=r"mine\.py: SyntaxError: source code cannot contain"),
            blamed_on("mine.py"),
        ):
            raise error


RESULTS = "from dataclasses import dataclass\n@dataclass\nclass Settings:\n    x: int = 1\n"
ONE = "def run(*all):\n    return {'x': 1}\n"
BAD_EXPERIMENTS = {
    "def run(*all):\n    return 3\n": "mine.py: to_json: expected a dict, found 3",
    "def run(*all):\n    return {'x': float('nan')}\n": "mine.py: to_json: expected plain values, found",
    "def run(*all):\n    return {'x': lambda: 1}\n": "expected a result that can be pickled",
    "def run(*all):\n    return {}\ndef tables(r):\n    yield r['x']\n": "mine.py, line 8: tables: KeyError: 'x'",
    "def run(a):\n    return {}\n": "mine.py: run: TypeError: run() takes 1 positional argument",
    "run = 3\n": "mine.py: run: expected a function, found 3",
    "def run(*all):\n    return {'problems': 3}\n": "mine.py: problems: expected a list of sentences, found 3",
    ONE + "findings = str\n": "mine.py: findings: expected eisim.report.findings.Findings, found \"{'x': 1}\"",
    ONE
    + "from eisim.report.findings import Findings\nfindings = lambda r: Findings('q', 3)\n": "answer: expected text",
    ONE + "tables = str\n": "mine.py: tables: expected pairs of file name and text or bytes, found '{'",
    ONE + "def tables(r):\n    yield 'a.csv', 3\n": "file name and text or bytes, found ('a.csv', 3)",
    ONE + "def tables(r):\n    yield '', 'x'\n": "expected names of files in this folder, found ''",
    ONE
    + "def tables(r):\n    yield 'run.json', 'x'\n": "expected files with different names, found two named 'run.json'",
    ONE + "def tables(r):\n    yield from 2 * [('a.csv', 'x')]\n": "found 'a.csv' twice",
    ONE + "figures = list\n": "mine.py: figures: expected pairs of file name and a Matplotlib figure, found 'x'",
    ONE + "def tables(r):\n    yield 'table.csv', 'a,b\\n1\\n'\n": "out/table.csv, row 1: expected 2 cells, found 1",
    ONE + "def figures(r):\n    1 / 0\n": "mine.py, line 8: figures: ZeroDivisionError: division by zero",
}


@pytest.mark.parametrize(("content", "said"), BAD_EXPERIMENTS.items(), ids=range(len(BAD_EXPERIMENTS)))
def test_bad_experiments_in_one_line(run, file, tmp_path, content, said):
    status, _, heard = run(file(RESULTS + content), *QUICK, "--out", tmp_path / "out")
    assert status == 2 and said in heard and heard.count("\n") == 1, heard
    assert not (tmp_path / "out" / "run.json").exists()


def test_a_figure_that_cannot_be_written_is_said_in_one_line(run, file, tmp_path):
    bad = "class Drawn:\n    savefig = None\ndef figures(r):\n    yield 'a.svg', Drawn()\n"
    status, _, heard = run(file(RESULTS + ONE + bad), *QUICK, "--out", tmp_path / "out")
    assert (
        status == 1 and heard.startswith("eisim: a.svg: could not be drawn: AttributeError") and heard.count("\n") == 1
    )


NESTED = """
@dataclass
class Found:
    proof: object

def run(*all):
    from eisim import TruthTable, certify
    return Found(certify(TruthTable("01")))
"""


def test_a_result_that_needs_a_view_says_so(run, file, tmp_path):
    status, _, heard = run(file(RESULTS + NESTED), *QUICK, "--out", tmp_path / "out")
    assert status == 2 and heard.count("\n") == 1
    assert heard.startswith("eisim: mine.py: expected to_json or a view (entry point eisim.displays), found Found with")


def test_problems_of_a_dict_count_as_those_of_an_object(run, file, tmp_path):
    said = "def run(*all):\n    return {'problems': ['it fell']}\n"
    status, document, heard = run(file(RESULTS + said), *QUICK, "--out", tmp_path / "out")
    assert (status, heard) == (1, "eisim: it fell\n") and document["mine"]["problems"] == ["it fell"]


@pytest.mark.parametrize("name", ["numpy", "json", "eisim"])
def test_a_file_named_like_a_library_beside_the_users_is_not_taken_for_it(eisim, file, tmp_path, name):
    file("1 / 0\n", f"{name}.py")
    done = eisim("run", file(RESULTS + ONE), *QUICK, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr


BAD_DATA = {
    ("", "y"): "expected a first line with column names, found an empty file",
    ("a,y\n", "y"): "expected at least 2 rows, found 0",
    ("a,y\n1,0\n", "y"): "expected at least 2 rows, found 1",
    ("a,y\n1,0\n2,1\n", "z"): "target: expected one of the columns a, y, found 'z'",
    ("a,y\n1,0\n2,1\n", None): "target: expected one of the columns a, y, found none (--target COLUMN)",
    ("y\n1\n0\n", "y"): "expected at least one column besides the target, found y",
    ("a,y\n1,0\nred,1\n", "y"): "row 2 (line 3), column 'a': expected a finite number, found 'red'",
    ("a,y\n1,red\n2,3\n", "y"): "found 'red' (words have no order: code them as numbers)",
    ("a,b,y\n0,0,0\n0,1,1\n1,0,1\n", None): "found no 11 (--target y reads it as data)",
    ("a,y\n1,0\ninf,1\n", "y"): "expected a finite number, found 'inf'",
    ("a,y\n1,0\n2,0\n", "y"): "target 'y': expected 2 to 20 classes, found 1 values",
    ("a,y\n" + "".join(f"{k},{k / 7}\n" for k in range(30)), "y"): "found 30 values (python -m eisim certify takes any",
    ("a,y\n1,0,3\n2,1,4\n", "y"): "expected 2 cells, one for each column, found 3",
    (b"\xff\xfea,y\n", "y"): "cannot be read: it is not UTF-8 text",
    ("a,y\n,0\n,1\n", "y"): "expected at least 2 rows without missing values, found 0",
}


@pytest.mark.parametrize(("given", "said"), BAD_DATA.items(), ids=range(len(BAD_DATA)))
def test_bad_data_in_one_line(run, file, tmp_path, given, said):
    content, target = given
    words = () if target is None else ("--target", target)
    status, _, heard = run(file(content, "mine.csv"), *words, *QUICK, "--out", tmp_path / "out")
    assert status == 2 and said in heard and heard.count("\n") == 1, heard


def test_columns_that_are_ignored_are_no_inputs(file):
    path = file('who,"rate (Hz), mean",a,b,y\n' + "Ann,x,0,0,0\nBob,x,0,1,1\nEve,x,1,0,1\nDan,x,1,1,0\n", "mine.csv")
    settings = experiment_of(str(path)).with_changes(["target=y", 'ignore=who,"rate (Hz), mean"'])
    assert settings.ignore == ("who", "rate (Hz), mean")
    report = lambda stage, fraction=None: None  # noqa: E731
    assert read(path, "y", None, settings.ignore, report) == TruthTable("0110")


def test_bad_truth_tables_and_names_in_one_line(run, file, tmp_path):
    for content, said in (
        ("a,b,y\n0,0,0\n0,1,1\n1,0,1\n", "truth table: expected each pattern of a, b once, found no 11"),
        ("a,y\n0,0\n0,1\n1,1\n", "truth table: expected each pattern of a once, found 0 in 2 rows"),
        ("a,y\n0,0\n2,1\n", "truth table: column 'a': expected only 0 and 1, found 2"),
        ("a,y\n0,0\n1,3\n", "truth table: column 'y': expected only 0 and 1, found 3"),
        ("a,b,c,d,e,f,g,y\n" + "0,0,0,0,0,0,0,1\n" * 2, "truth table: expected 1 to 6 inputs, found 7"),
    ):
        with pytest.raises(InputError) as error:
            TruthTable.from_csv(file(content, "mine.csv"))
        assert said in str(error.value)
    good = file("a,y\n0,0\n1,1\n", "good.csv")
    for words, said in (
        ((tmp_path / "none.csv",), "expected a file that can be read, found no such file"),
        ((tmp_path / "none.py",), "expected a file that can be read, found no such file"),
        ((file("", "x.csv").parent / "d.csv",), "found no such file"),
        (("nothing",), "run: expected an experiment (boolean,"),
        (("boolean", "--target", "y"), "--set: expected one of functions, levels"),
        ((good, "--target", "y", "--ignore", "b"), "ignore: expected one of the columns a, y, found 'b'"),
        ((good, "--target", "y", "--ignore", "y"), "ignore: expected another column than the target, found 'y'"),
        ((good, "--target", "y", "--ignore", "a"), "expected at least one column besides the target, found y"),
        (("boolean", "--ignore", "y"), "--set: expected one of functions, levels"),
        ((good, "--weights", "w"), "weights: expected one of the columns a, y, found 'w'"),
        ((good, file("", "good.py")), "good.py: expected an experiment"),
        ((good, file("circuit = 1", "deep.csv").parent / "sub" / ".." / "good.csv"), "results of different names"),
        ((good, "--set", "scale=log"), "scale: expected one of range, rank, found 'log'"),
        ((good, "--set", "hidden=0"), "hidden: expected sizes of at least 1"),
    ):
        (tmp_path / "sub").mkdir(exist_ok=True)
        status, _, heard = run(*words, "--out", tmp_path / "out")
        assert status == 2 and said in heard and heard.count("\n") == 1, heard
    (tmp_path / "folder.py").mkdir()
    status, _, heard = run(tmp_path / "folder.py")
    assert status == 2 and "found a folder" in heard
