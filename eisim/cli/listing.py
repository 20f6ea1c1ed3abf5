"""The ``list`` command: all experiments and models, or one with its settings and published numbers."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from inspect import cleandoc
from pathlib import Path

from eisim.base.errors import InputError
from eisim.base.schema import Parameter, describe
from eisim.base.units import expected
from eisim.run import registry
from eisim.run.model import Model


@dataclass(frozen=True)
class About:
    """Description of an experiment, a model or a file.

    Settings are what ``run`` can change by ``--set``, parameters what else ``sweep`` can: the arguments of ``circuit``
    and ``task``. A module that `measures` has ``published``, which measures the facts again.
    """

    name: str
    kind: str
    doc: str
    settings: tuple[Parameter, ...]
    parameters: tuple[Parameter, ...]
    facts: tuple
    measures: bool


def settings_of(name: str) -> tuple[str, list[tuple[str, str]]]:
    """Title and rows of the settings that ``run NAME`` has."""
    return f"Settings of {name}: --set KEY=VALUE", _rows(_settings(name))


def _settings(name):
    experiment = registry.experiment_of(name)
    return describe(experiment.settings, experiment.given)


def parameters_of(name: str) -> tuple[str, list[tuple[str, str]]]:
    """Title and rows of what ``sweep NAME`` can change."""
    from eisim.run.sweep.subject import SIMULATION

    found = registry.find(name, "sweep")
    if isinstance(found, Model):
        rows = _rows(_parameters(found))
        rows += [(each.name, expected(each.unit)) for each in SIMULATION.values() if each.name not in dict(rows)]
    else:
        rows = _rows(_settings(name))
    return f"Parameters of {name}: --over NAME=VALUES, --set KEY=VALUE", rows


def about(name: str, measure: bool = False, report: Callable[..., None] | None = None) -> About:
    """Describe an experiment, a model, or a file; ``InputError`` if there is no such thing.

    Published numbers are as last measured, or are measured now, which may take minutes.
    """
    found = registry.find(name, "list")
    if isinstance(found, Model):
        facts = found.measure_published(report) if measure else found.last_measured()
        kind, parameters, measures = "model", tuple(_parameters(found)), found.published is not None
    elif measure:
        raise InputError(f"list: {name}: expected a model with published(), found none to measure")
    else:
        kind, parameters, facts, measures = "experiment", (), (), False
    doc = "" if isinstance(found, Path) else cleandoc(found.about)
    kind = "file" if registry.is_file(name) else kind
    runs = not isinstance(found, Model) or found.circuit is not None or found.task is not None
    return About(name, kind, doc, tuple(_settings(name)) if runs else (), parameters, facts, measures)


def _parameters(model):
    found = {}
    for function, leave_out in ((model.circuit, ("kind", "seed")), (model.task, ("kind",))):
        found |= {each.name: each for each in describe(function, leave_out)}
    return list(found.values())


def _rows(found):
    return [(each.name, each.words) for each in found]


def document(found: About) -> dict:
    """The document of ``list NAME --json``."""
    return {
        "name": found.name,
        "kind": found.kind,
        "doc": found.doc,
        "settings": [each.described for each in found.settings],
        "parameters": [each.described for each in found.parameters],
        "published": [asdict(fact) | {"reproduced": fact.is_reproduced} for fact in found.facts],
    }


def shown(found: About):
    """The output of ``list NAME``, for Rich."""
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


def document_of_all() -> dict:
    """The document of ``list --json``."""
    experiments, models = registry.listed()
    return {
        "experiments": [{"name": e.name, "summary": e.summary} for e in experiments],
        "models": [
            {"name": m.name, "function": m.function, "runs_by_name": True, "has_task": m.has_task, "summary": m.summary}
            for m in models
        ],
    }


def tables_of_all():
    """The output of ``list``, for Rich."""
    from rich.console import Group
    from rich.text import Text

    from eisim.report.terminal import titled_table

    def table(title, rows, *headings):
        made = titled_table(title)
        for heading in headings:
            made.add_column(heading, no_wrap=heading != "summary", min_width=30 if heading == "summary" else None)
        for *cells, summary in rows:
            made.add_row(*cells, Text(summary))
        return made

    experiments, models = registry.listed()
    return Group(
        table("Experiments", [(e.name, e.summary) for e in experiments], "name", "summary"),
        "",
        table(
            "Models, each as a rate and as a spiking circuit",
            [(m.name, m.function, m.summary) for m in models],
            *("name", "function", "summary"),
        ),
        "",
        "Run them by name: python -m eisim run NAME. A model without a task is judged by its truth table. "
        "python -m eisim list NAME shows its docstring, settings and published numbers.",
    )
