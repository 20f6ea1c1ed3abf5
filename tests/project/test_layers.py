"""Who may import whom: the contracts of pyproject.toml, and what they do not see."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_contracts_hold():
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_eisim_names_no_model_and_no_experiment():
    named = {str(path): modules_named(path.read_text("utf-8")) for path in (ROOT / "eisim").rglob("*.py")}
    assert not {name: found for name, found in named.items() if found}


def test_other_programs_are_started_apart():
    """Else Ctrl-C reaches them, too, and their end may be reported as a failure."""
    calls = re.compile(r"subprocess\.(run|Popen|call|check_\w+)\(|from subprocess import|os\.(system|popen)")
    files = {path: path.read_text("utf-8") for path in (ROOT / "eisim").rglob("*.py")}
    assert [str(path) for path, text in files.items() if calls.search(text)] == []


def test_names_of_modules_are_recognized():
    code = 'f("models.xor", f"eisim.experiments.{x}", "eisim.models", "experiments.", "a.models.b")'
    assert modules_named(code) == {"models.xor", "eisim.experiments."}


def modules_named(code: str) -> set[str]:
    """Strings that name a module in ``models`` or ``experiments``, and beginnings of such that are put together."""
    tree = ast.parse(code)
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    strings = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return {
        node.value
        for node in strings
        if re.fullmatch(r"(eisim\.)?(models|experiments)\.[\w.]" + ("*" if id(node) in parts else "+"), node.value)
    }


def test_d1_every_package_is_installed_and_entry_points_are_within_eisim():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    folders = {str(file.parent.relative_to(ROOT)) for file in (ROOT / "eisim").rglob("*.py")}
    named = set(project["tool"]["setuptools"]["packages"])
    assert named == {name.replace("/", ".") for name in folders} | {
        "models",
        "experiments",
        "eisim.models",
        "eisim.experiments",
    }
    for group in ("models", "experiments"):
        points = project["project"]["entry-points"][f"eisim.{group}"]
        files = {file.stem for file in (ROOT / group).glob("[a-z]*.py")}
        assert points == {name: f"eisim.{group}.{name}" for name in files}
