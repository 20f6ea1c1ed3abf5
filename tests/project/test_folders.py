"""The names `models` and `experiments`: eisim's, and the user's own, which never meet."""

import ast
import json
import os
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
CIRCUIT = """
from {where} import {what}
from eisim import Circuit, Input, Population, Projection, Readout, ThresholdLinear
function = "01"
circuit = Circuit("mine", [Input("A")], [Population("out", "E", ThresholdLinear())],
                  [Projection("A", "out", [[{what}.WEIGHT]])], [Readout("out", 25.0)])
"""
SMALL = ("--kind", "rate", "--backend", "numpy", "--set", "levels=2", "--set", "seeds=1")


def theirs(folder: Path, form: str, name: str) -> None:
    """A folder of the user's with this name, as a package, a folder without ``__init__.py``, or a module."""
    folder.mkdir(exist_ok=True)
    where, what = name, "net"
    if form == "module":
        (folder / f"{name}.py").write_text("class net:\n    WEIGHT = 2.0\n")
    else:
        (folder / name).mkdir()
        (folder / name / "net.py").write_text("WEIGHT = 2.0\n")
        (folder / name / "xor.py").write_text("raise SystemExit('this is not the model of eisim')\n")
        (folder / name / "boolean.py").write_text("raise SystemExit('this is not the experiment of eisim')\n")
        if form == "package":
            (folder / name / "__init__.py").write_text("")
    (folder / f"with_{name}.py").write_text(CIRCUIT.format(where=where, what=what))


def other_python(folder: Path, *, editable: bool) -> Path:
    """An environment where eisim is installed, and sees the other packages of this one."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    for tool in ("pip", "setuptools"):  # to look for pip as a module would change which distutils is imported
        try:
            version(tool)
        except PackageNotFoundError:
            pytest.skip(f"{tool} is not installed")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    python = folder / "venv" / "bin" / "python"
    ask = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    packages = Path(subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip())
    entries = [path for path in sys.path if path.rstrip("/").endswith("-packages")]
    (packages / "others.pth").write_text("".join(f"{path}\n" for path in entries))
    source = folder / "source"
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    for name in names:
        if not name.startswith(("tests/", "docs/", "benchmarks/")) and (ROOT / name).exists():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, source / name)
    words = [python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    done = subprocess.run(
        [*words, *(["--editable"] if editable else []), source], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return python


@pytest.fixture(scope="module", params=["checkout", "installed", "editable"])
def ways(request, tmp_path_factory):
    """Ways to start eisim: from a checkout, and installed, with ``python -m`` and as a script."""
    if request.param == "checkout":
        yield [[sys.executable, "-m", "eisim"]]
        return
    folder = tmp_path_factory.mktemp("installed")
    python = other_python(folder, editable=request.param == "editable")
    yield [[python, "-m", "eisim"], [python.parent / "eisim"]]


def run(words, cwd, **env):
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [*map(str, words)], cwd=cwd, capture_output=True, text=True, env=clean | env, check=False, timeout=300
    )


@pytest.mark.nightly
@pytest.mark.parametrize("form", ["package", "module", "without __init__.py"])
def test_d1_folders_of_the_users_own_are_never_taken_for_eisims(ways, form, tmp_path):
    work = tmp_path / "work"
    for name in ("models", "experiments"):
        theirs(work, form, name)
    (work / "mine.py").write_text(
        (work / "with_models.py").read_text() + "from experiments import net as other\nassert other is not net\n"
    )
    places = [("mine.py", work), ("work/mine.py", tmp_path), (work / "mine.py", "/")]
    for k, eisim in enumerate(ways):
        env = {"PYTHONPATH": str(ROOT)} if eisim[0] == sys.executable else {}
        listed = run([*eisim, "list", "--json"], work, **env)
        assert listed.returncode == 0, listed.stderr
        assert len(json.loads(listed.stdout)["models"]) >= 15 and "cannot be read" not in listed.stdout
        for name, cwd in places[k :: len(ways)]:
            done = run([*eisim, "run", name, *SMALL, "--out", tmp_path / "out", "--json"], cwd, **env)
            assert done.returncode == 0, done.stderr
            assert json.loads(done.stdout)["mine"]["rows"][0]["verdict"] == "kept"
        done = run([*eisim, "export", "xor", "--to", "onnx", "--out", tmp_path / "xor.onnx"], work, **env)
        assert done.returncode == 0, done.stderr
        name = ("mine.py", "wilson_cowan")[k]
        words = ["sweep", name, "--over", "stimulus=0,1", "--kind", "rate", "--backend", "numpy", "--workers", "1"]
        done = run([*eisim, *words, "--out", tmp_path / "sweep"], work, **env)
        assert done.returncode == 0, done.stderr
    plain = run([ways[0][0], "-c", "import eisim, models; from models import net; print(net.WEIGHT)"], work)
    assert plain.stdout == "2.0\n", plain.stderr  # in a script of the user's as well


@pytest.mark.nightly
def test_d1_models_and_experiments_are_import_names_for_people(request, ways, tmp_path):
    env = {"PYTHONPATH": str(ROOT)} if ways[0][0] == sys.executable else {}
    python = ways[0][0]
    if request.node.callspec.params["ways"] != "editable":  # there Python itself takes any folder first
        (tmp_path / "models").mkdir()  # of data
        (tmp_path / "models" / "weights.npz").write_text("")
    code = (
        "import models, models.brunel; from models import xor; from models.wilson_cowan import TAU\n"
        "import experiments.boolean; from experiments import census\n"
        "import eisim.models.brunel, eisim.experiments.boolean\n"
        "assert models is eisim.models and models.brunel is eisim.models.brunel\n"
        "assert experiments.boolean is eisim.experiments.boolean and xor.__name__ == 'eisim.models.xor'\n"
        "print(xor.circuit(kind='rate').name, len(models.__all__))"
    )
    done = run([python, "-c", code], tmp_path, **env)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == str(len(list((ROOT / "models").glob("[a-z]*.py"))))
    (tmp_path / "mine.py").write_text(CIRCUIT.format(where="models", what="xor").replace("xor.WEIGHT", "2.0"))
    for eisim in ways:
        done = run([*eisim, "run", "mine.py", *SMALL, "--json"], tmp_path, **env)
        assert done.returncode == 0, done.stderr
    for words in ([ROOT / "experiments" / "boolean.py"], ["-m", "experiments.boolean"]):
        out = tmp_path / "script"
        done = run([python, *words, "--set", "functions=or", *SMALL[:4], "--out", out], tmp_path, **env)
        assert done.returncode == 0, done.stderr
        command = json.loads((out / "run.json").read_text())["command"]
        assert command.startswith("python -m eisim run boolean --set functions=or")


def test_d1_eisim_imports_them_within_itself_only(tmp_path):
    for name in ("models", "experiments"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the name is the user’s')\n")
    code = (
        "import sys; from eisim.run import registry as catalogue\n"
        "for group in (catalogue.EXPERIMENTS, catalogue.MODELS):\n"
        "    for name in catalogue.points(group): catalogue.experiment_of(name) if group == catalogue.EXPERIMENTS "
        "else catalogue.load(catalogue.points(group)[name])\n"
        "print({'models', 'experiments'} & set(sys.modules))"
    )
    done = run([sys.executable, "-c", code], tmp_path, PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}")
    assert done.stdout == "set()\n", done.stderr


def test_d1_neighbours_of_two_files_have_the_same_name(eisim, tmp_path):
    for name, weight in (("a", 2.0), ("b", 0.1)):
        folder = tmp_path / name
        theirs(folder, "package", "models")
        (folder / "models" / "net.py").write_text(f"WEIGHT = {weight}\n")
        (folder / "with_models.py").rename(folder / f"{name}.py")
    done = eisim("run", "a/a.py", "b/b.py", *SMALL, "--json", "--out", "out", cwd=tmp_path, PYTHONPATH=str(ROOT))
    rows = [json.loads(done.stdout)[name]["rows"][0] for name in "ab"]
    assert done.returncode == 1 and [row["accuracy"]["intact"]["rate"] for row in rows] == [1.0, 0.5]


def test_d1_this_folder_takes_no_packages_place(eisim, tmp_path):
    (tmp_path / "rich.py").write_text("raise SystemExit('not this one')\n")
    (tmp_path / "brian2.py").write_text("raise SystemExit('not this one')\n")
    done = eisim("certify", "--truth-table", "0110", cwd=tmp_path, PYTHONPATH=str(ROOT))
    assert done.returncode == 0, done.stderr


def test_d1_no_source_names_the_users_folders():
    """Inside functions, too: our own modules are imported as ``eisim.models`` and ``eisim.experiments`` only."""
    found = []
    for folder in ("eisim", "models", "experiments", "examples"):
        for file in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                if isinstance(node, ast.ImportFrom) and not node.level:
                    names = [node.module]
                if {name.partition(".")[0] for name in names} & {"models", "experiments"}:
                    found.append(f"{file.relative_to(ROOT)}:{node.lineno}")
    assert not found
