"""What one experiment, model or file is: its docstring, settings and parameters, and published numbers beside ours."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.resources import files
from inspect import cleandoc
from pathlib import Path
from types import ModuleType, SimpleNamespace

from eisim.base.errors import InputError, did_you_mean
from eisim.base.schema import Described, describe, describe_function
from eisim.base.units import expected
from eisim.run import registry as catalogue

#: Beside the models of a package, what their ``published`` gave when they were last measured.
MEASURED = "published.json"


@dataclass(frozen=True)
class About:
    """What a name stands for.

    Attributes
    ----------
    name : str
    kind : {"experiment", "model", "file"}
    doc : str
        The docstring of its module.
    settings : tuple of Described
        What ``run`` can change by ``--set``; none for a model without a task.
    parameters : tuple of Described
        What else ``sweep`` can change: the arguments of ``circuit`` and ``task``.
    facts : tuple of Fact
        Published numbers beside ours.
    measures : bool
        Whether its module has ``published``, which measures them.
    """

    name: str
    kind: str
    doc: str
    settings: tuple[Described, ...]
    parameters: tuple[Described, ...]
    facts: tuple
    measures: bool


def settings_of(name: str) -> tuple[str, list[tuple[str, str]]]:
    """Title and rows of the settings that ``run NAME`` has."""
    return f"Settings of {name}: --set KEY=VALUE", _rows(describe(catalogue.experiment_of(name).Settings))


def parameters_of(name: str) -> tuple[str, list[tuple[str, str]]]:
    """Title and rows of what ``sweep NAME`` can change."""
    from eisim.run.sweep.subject import SIMULATION, Subject, find

    module = find(Subject(name, ("spiking",)))
    found = describe(catalogue.experiment_of(name).Settings) if module is None else _parameters(module)
    rows = _rows(found)
    if module is not None:
        rows += [(each.name, expected(each.unit)) for each in SIMULATION.values() if each.name not in dict(rows)]
    return f"Parameters of {name}: --over NAME=VALUES, --set KEY=VALUE", rows


def about(name: str, measure: bool = False, report: Callable[..., None] | None = None) -> About:
    """What a name stands for.

    Parameters
    ----------
    name : str
        An experiment, a model, or a Python file.
    measure : bool
        Whether to measure the published numbers now, which may take minutes; else they are as last measured.
    report : callable, optional
        Called with a line of text as each stage begins.

    Raises
    ------
    InputError
        If there is no such thing, or nothing to measure.
    """
    kind, module = _module(name)
    measures = callable(getattr(module, "published", None))
    if measure and not measures:
        raise InputError(f"list: {name}: expected a model with published(), found none to measure")
    runs = kind == "experiment" or hasattr(module, "task") or (kind == "file" and hasattr(module, "circuit"))
    return About(
        name,
        kind,
        cleandoc(module.__doc__ or ""),
        tuple(describe(catalogue.experiment_of(name).Settings)) if runs else (),
        tuple(_parameters(module)),
        _measure(module, report) if measure else measured(module),
        measures,
    )


def measured(module: ModuleType | SimpleNamespace) -> tuple:
    """Published numbers beside ours, as they were last measured; empty where none were kept."""
    package, _, name = getattr(module, "__name__", "").rpartition(".")  # a file of the user's own has none
    if not package:
        return ()
    try:
        text = files(package).joinpath(MEASURED).read_text(encoding="utf-8")
    except (OSError, ModuleNotFoundError, TypeError):
        return ()
    return tuple(_fact(**fact) for fact in json.loads(text).get(name, ()))


def _fact(**parts):
    from eisim.analysis.task import Fact

    return Fact(**parts)


def _measure(module, report):
    from eisim.analysis.task import Fact
    from eisim.base.user_files import blamed_on

    with blamed_on(module.__file__, "published"):
        found = tuple(module.published(report))
    for fact in found:
        if not isinstance(fact, Fact):
            raise InputError(f"{Path(module.__file__).name}: published: expected eisim.Fact values, found {fact!r:.60}")
    return found


def _module(name):
    """Kind and module of a name."""
    experiments, models = catalogue.points(catalogue.EXPERIMENTS), catalogue.points(catalogue.MODELS)
    if name in experiments:
        return "experiment", catalogue.load(experiments[name])
    if name in models:
        return "model", catalogue.load(models[name])
    if Path(name).suffix.lower() == ".py":
        if not Path(name).is_file():
            raise InputError(f"list: {name}: expected a file that can be read, found no such file")
        from eisim.base.user_files import load_file

        return "file", load_file(name)
    raise InputError(
        f"list: expected one of {', '.join([*experiments, *models])}, or a .py file, found {name!r}"
        f"{did_you_mean(name, [*experiments, *models])}"
    )


def _parameters(module):
    found = {}
    for function, leave_out in (("circuit", ("kind", "seed")), ("task", ("kind",))):
        found |= {each.name: each for each in describe_function(getattr(module, function, None), leave_out)}
    return list(found.values())


def _rows(found):
    return [(each.name, each.words) for each in found]


def document(found: About) -> dict:
    """What ``list NAME --json`` prints."""
    return {
        "name": found.name,
        "kind": found.kind,
        "doc": found.doc,
        "settings": [asdict(each) for each in found.settings],
        "parameters": [asdict(each) for each in found.parameters],
        "published": [asdict(fact) | {"reproduced": fact.is_reproduced} for fact in found.facts],
    }


def shown(found: About):
    """What ``list NAME`` prints, for Rich."""
    from rich.console import Group
    from rich.text import Text

    from eisim.base.docstrings import plain
    from eisim.cli.help import panel
    from eisim.report.published import beside, published_table
    from eisim.report.table import terminal_table

    parts = [Text(f"{found.name}: {found.kind}", style="bold"), Text(plain(found.doc))]
    if found.settings:
        parts += ["", panel(f"Settings: python -m eisim run {found.name} --set KEY=VALUE", _rows(found.settings))]
    if found.parameters:
        title = f"Parameters: python -m eisim sweep {found.name} --over NAME=VALUES"
        parts += ["", panel(title, _rows(found.parameters))]
    if found.facts:
        parts += ["", terminal_table(published_table(beside(found.facts)))]
    if found.measures:
        parts.append(f"python -m eisim list {found.name} --published measures these numbers now.")
    return Group(*parts)
