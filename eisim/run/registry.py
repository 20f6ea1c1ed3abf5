"""Registry of what can be run: experiments and models of installed packages, and the user's own files.

All are found by entry points, so that eisim imports neither. An experiment is a module with ``Settings`` and ``run``, a
model one with ``circuit`` and perhaps ``task``. What is neither an experiment nor has its own settings is handed to one
that studies it: a model with a task, another model or circuit, a table (entry points ``eisim.handlers``).
"""

import ast
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from eisim.base.errors import InputError, did_you_mean
from eisim.base.user_files import blamed_on, found_instead, load_file
from eisim.run.experiment import Experiment
from eisim.run.model import Model

EXPERIMENTS, MODELS = "eisim.experiments", "eisim.models"
#: From a Model, or the path of a table, to the Experiment that studies it.
HANDLERS = "eisim.handlers"
#: Ends of the names of tables that can be read.
TABLES = (".csv", ".tsv", ".tab", ".txt", ".gz", ".bz2", ".xz", ".zip", ".parquet", ".feather", ".xlsx", ".dta")


def points(group: str) -> dict[str, EntryPoint]:
    """Entry points of a group, by name."""
    return {point.name: point for point in sorted(entry_points(group=group), key=lambda p: p.name)}


def load(point: EntryPoint) -> Any:
    """Load the object that an entry point names.

    Raises
    ------
    InputError
        If its package cannot be imported; in one line, for any exception.
    """
    with blamed_on(f"{point.name} (entry point {point.value})", "cannot be loaded"):
        return point.load()


def is_table(name: str) -> bool:
    """Whether a name is that of a table, by its suffix."""
    return Path(name).suffix.lower() in TABLES


def is_file(name: str) -> bool:
    """Whether a name is that of a table or a Python file, by its suffix."""
    return is_table(name) or Path(name).suffix.lower() == ".py"


def experiment_of(name: str) -> Experiment:
    """The experiment that a name refers to: its own, or one that studies a model or a file (``.py``, ``.csv``, ...).

    Raises
    ------
    InputError
        If there is no such thing, or it is not what can be run.
    """
    found = find(name, "run")
    if isinstance(found, Experiment):
        return found
    if isinstance(found, Model):
        return _handler("circuit" if found.task is None else "task")(found)
    return _handler("table")(found)


def find(name: str, command: str) -> Experiment | Model | Path:
    """What a name refers to; a table by its path. Errors name the command."""
    experiments, models = points(EXPERIMENTS), points(MODELS)
    if name in experiments:
        return Experiment.of_module(load(experiments[name]), name)
    if is_file(name):
        path = Path(name)
        if not path.is_file():
            what = "a folder" if path.is_dir() else "no such file"
            raise InputError(f"{command}: {name}: expected a file that can be read, found {what}")
        return path if is_table(name) else _of_source(path)
    if name in models:
        return Model.of_module(load(models[name]), name)
    what = f"the folder {name!r}" if Path(name).is_dir() else repr(name)
    raise InputError(
        f"{command}: expected an experiment ({', '.join(experiments)}), a model ({', '.join(models)}), or a .py or "
        f".csv file, found {what}{did_you_mean(name, [*experiments, *models])}"
    )


def models() -> dict[str, Callable[[], Model]]:
    """The entry point of each installed model, by name."""
    return {name: lambda p=point, n=name: Model.of_module(load(p), n) for name, point in points(MODELS).items()}


def _of_source(path: Path) -> Experiment | Model:
    module: ModuleType = load_file(path)
    if hasattr(module, "Settings") and hasattr(module, "run"):
        return Experiment.of_module(module, path.stem)
    if any(hasattr(module, part) for part in ("circuit", "task", "published")):
        return Model.of_module(module, path.stem)
    if hasattr(module, "Settings") or hasattr(module, "run"):
        return Experiment.of_module(module, path.stem)  # says what is missing
    found = found_instead(module, ("circuit", "task", "Settings", "run"))
    raise InputError(f"{path.name}: expected an experiment (Settings and run), task or circuit, found {found}")


def _handler(of: str) -> Callable[[Any], Experiment]:
    handlers = points(HANDLERS)
    if of not in handlers:
        raise InputError(f"expected an entry point {of!r} in {HANDLERS}, found none; install eisim again")
    return load(handlers[of])


@dataclass(frozen=True)
class Listed:
    """An experiment or a model as its source says, which is read without being run: importing all takes a second.

    The summary is the first line of its docstring, the function what a model computes.
    """

    name: str
    summary: str
    function: str = ""
    has_task: bool = False


def listed() -> tuple[list[Listed], list[Listed]]:
    """All experiments and all models, each by name."""
    every = entry_points()  # looks through all that is installed, so once
    experiments, models = (
        [_listed(point) for point in sorted(every.select(group=group), key=lambda point: point.name)]
        for group in (EXPERIMENTS, MODELS)
    )
    return experiments, models


def _listed(point: EntryPoint) -> Listed:
    try:
        with redirect_stdout(sys.stderr):  # the packages around a module are run
            source = Path(find_spec(point.module).origin).read_text(encoding="utf-8")
        tree = ast.parse(source)
        summary = (ast.get_docstring(tree) or "").partition("\n")[0]
        has_task = any(isinstance(part, ast.FunctionDef) and part.name == "task" for part in tree.body)
        return Listed(point.name, summary, _function(tree), has_task)
    except (Exception, SystemExit) as error:  # of another's package
        return Listed(point.name, f"(cannot be read: {' '.join(str(error).split()) or type(error).__name__})")


def _function(tree: ast.Module) -> str:
    """The name in ``FUNCTION = "decide"`` or ``FUNCTION = TRUTH_TABLES["xor"]``; "" where there is none."""
    for part in tree.body:
        targets = part.targets if isinstance(part, ast.Assign) else [getattr(part, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == "FUNCTION" for target in targets):
            texts = [node.value for node in ast.walk(part) if isinstance(node, ast.Constant)]
            return next((text for text in texts if isinstance(text, str)), "")
    return ""
