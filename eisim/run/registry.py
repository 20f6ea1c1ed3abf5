"""What can be run: experiments and models of installed packages, and files of the user's own."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType, SimpleNamespace

from eisim.base.errors import InputError, did_you_mean

EXPERIMENTS, MODELS = "eisim.experiments", "eisim.models"
#: Ends of the names of tables that can be read.
TABLES = (".csv", ".tsv", ".tab", ".txt", ".gz", ".bz2", ".xz", ".zip", ".parquet", ".feather", ".xlsx", ".dta")
#: Parts of an experiment (see `Runnable`); those behind the first two may be missing.
PARTS = ("Settings", "run", "to_json", "table", "tables", "figures", "findings")


@dataclass(frozen=True)
class Runnable:
    """Something to run.

    Attributes
    ----------
    name : str
        Of its results.
    experiment : module or namespace
        Settings, run, to_json, table, tables, figures, and perhaps findings; ``__name__`` is the module that another
        process imports to draw the figures.
    settings : object
        Of the type ``experiment.Settings``.
    """

    name: str
    experiment: ModuleType | SimpleNamespace
    settings: object


def points(group: str) -> dict[str, EntryPoint]:
    """Entry points of a group, by name."""
    return {point.name: point for point in sorted(entry_points(group=group), key=lambda p: p.name)}


def load(point: EntryPoint) -> ModuleType:
    """The module of an entry point.

    Raises
    ------
    InputError
        If its package cannot be imported; in one line, whatever it raised.
    """
    from eisim.base.user_files import blamed_on

    with blamed_on(f"{point.name} (entry point {point.value})", "cannot be loaded"):
        return point.load()


def prepare(name: str, changes: Sequence[str] = ()) -> Runnable:
    """What a name stands for, with its settings.

    Parameters
    ----------
    name : str
        An experiment, a model with a task, a Python file (``.py``) or a table (``.csv`` and others).
    changes : sequence of str
        ``"KEY=VALUE"`` for settings.

    Returns
    -------
    Runnable

    Raises
    ------
    InputError
        If there is no such thing, or it is not what can be run.
    """
    from eisim.base.schema import read_settings

    experiment = experiment_of(name)
    found = read_settings(experiment.Settings, changes)
    return Runnable(Path(name).stem if _is_file(name) else name, experiment, found)


def _is_file(name):
    return Path(name).suffix.lower() in (".py", *TABLES)


def experiment_of(name: str):
    """The experiment that a name stands for; see `prepare`."""
    experiments = points(EXPERIMENTS)
    if name in experiments:
        return _completed(load(experiments[name]), name)
    if _is_file(name):
        return _of_file(name)
    models = points(MODELS)
    if name in models:
        if not hasattr(load(models[name]), "task"):
            raise InputError(
                f"run: expected a model with a task, found {name!r}, which has no task to run; {_instead(name)}"
            )
        return import_module("eisim.experiments.functions").alone(name)
    found = f"the folder {name!r}" if Path(name).is_dir() else repr(name)
    raise InputError(
        f"run: expected one of {', '.join(experiments)}, a model with a task, or a .py or .csv file, found {found}"
        f"{did_you_mean(name, [*experiments, *models])}"
    )


def _instead(name):
    """What can be done with a model that has no task."""
    from eisim.functions import TRUTH_TABLES

    export = f"`export {name}` writes its DNN"
    known = {*TRUTH_TABLES, import_module("eisim.experiments.boolean").INHIBITED_AND}
    function = name.replace("_", "-")
    return f"`run boolean --set functions={function}` ablates it, {export}" if function in known else export


def _of_file(name):
    """The experiment that a file is, or that is made with what it defines."""
    path = Path(name)
    if not path.is_file():
        found = "a folder" if path.is_dir() else "no such file"
        raise InputError(f"run: {name}: expected a file that can be read, found {found}")
    if path.suffix.lower() != ".py":
        return with_file(import_module("eisim.experiments.data"), name)
    from eisim.base.user_files import found_instead, load_file

    module = load_file(path)
    if hasattr(module, "Settings") and hasattr(module, "run"):
        return _completed(module, module.__file__)
    if hasattr(module, "task"):
        from eisim.run.user_tasks import task_of

        return import_module("eisim.experiments.functions").alone(path.stem, task_of(module))
    if hasattr(module, "circuit"):
        return with_file(import_module("eisim.experiments.circuit"), name)
    found = found_instead(module, ("circuit", "task", "Settings", "run"))
    raise InputError(f"{path.name}: expected an experiment (Settings and run), task or circuit, found {found}")


def parts_of(experiment, **changed) -> SimpleNamespace:
    """The same experiment with some parts changed."""
    parts = {part: getattr(experiment, part) for part in PARTS if hasattr(experiment, part)}
    return SimpleNamespace(**(parts | {"__name__": experiment.__name__, "__doc__": experiment.__doc__} | changed))


def with_file(experiment, file: str) -> SimpleNamespace:
    """The experiment with its setting ``file`` given."""
    from dataclasses import field, make_dataclass

    given = field(default=file, metadata={"given": True})
    settings = make_dataclass("Settings", [("file", str, given)], bases=(experiment.Settings,), frozen=True)
    return parts_of(experiment, Settings=settings)


def _completed(module, place):
    """An experiment of another package or file: parts that it leaves out, and its errors in one line each."""
    if module.__name__.startswith("eisim.experiments."):
        return module
    from eisim.base.user_files import guarded

    for part in PARTS[:2]:
        if not callable(getattr(module, part, None)):
            raise InputError(f"{Path(place).name}: expected an experiment (Settings and run), found none in {part!r}")
    found = parts_of(module)
    for part in PARTS[1:]:
        if part in ("tables", "figures"):
            given = getattr(module, part, lambda result: ())
            setattr(found, part, guarded(lambda result, given=given: list(given(result)), place, part))
        elif hasattr(module, part):
            setattr(found, part, guarded(getattr(module, part), place, part))
    found.to_json = guarded(getattr(module, "to_json", _as_document), place, "to_json")
    found.to_json = guarded(lambda result, given=found.to_json: _checked(given(result)), place, "")
    found.table = getattr(found, "table", lambda result: _as_text(found.to_json(result)))
    return found


def _as_document(result):
    """A result that is a dict, or a dataclass of plain values."""
    from dataclasses import asdict, is_dataclass

    return asdict(result) if is_dataclass(result) else result


def _checked(document):
    """What can be written as a JSON object."""
    from eisim.base.files import to_json

    if not isinstance(document, dict):
        raise InputError(f"to_json: expected a dict, found {document!r:.60}")
    try:
        to_json(document)
    except (TypeError, ValueError) as error:
        raise InputError(f"to_json: expected plain values, found {error}") from None
    return document


def _as_text(document):
    return "\n".join(f"{key}: {value}" for key, value in document.items())
