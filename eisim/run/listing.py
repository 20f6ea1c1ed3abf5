"""The experiments and models that are installed, as their sources say, read without running them."""

import ast
import re
import sys
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path

from eisim.run.registry import EXPERIMENTS, MODELS


@dataclass(frozen=True)
class Listed:
    """An experiment or a model.

    Attributes
    ----------
    name : str
    summary : str
        First line of its docstring.
    function : str
        What a model computes; "" for an experiment.
    has_task : bool
        Whether a model can be run by its name.
    """

    name: str
    summary: str
    function: str = ""
    has_task: bool = False


def listed() -> tuple[list[Listed], list[Listed]]:
    """All experiments and all models, each by name."""
    every = entry_points()  # looks through all that is installed, so once
    return tuple(
        [_listed(point) for point in sorted(every.select(group=group), key=lambda point: point.name)]
        for group in (EXPERIMENTS, MODELS)
    )


def document() -> dict:
    """Both, as ``list --json`` has them."""
    experiments, models = listed()
    return {
        "experiments": [{"name": e.name, "summary": e.summary} for e in experiments],
        "models": [
            {"name": m.name, "function": m.function, "runs_by_name": m.has_task, "summary": m.summary} for m in models
        ],
    }


def tables():
    """Both, as Rich tables."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    def table(title, *headings):
        made = Table(title=title, title_justify="left", title_style="bold", box=None, header_style="underline")
        for heading in headings:
            made.add_column(heading, no_wrap=heading != "what", min_width=30 if heading == "what" else None)
        return made

    questions = table("Experiments", "name", "what")
    experiments, models = listed()
    for experiment in experiments:
        questions.add_row(experiment.name, Text(experiment.summary))
    circuits = table("Models, each as a rate and as a spiking circuit", "name", "function", "what")
    for model in models:
        circuits.add_row(model.name + ("" if model.has_task else " *"), model.function, Text(model.summary))
    note = (
        "Run them by name: python -m eisim run NAME. Models with * have no task to run; they can be exported. "
        "python -m eisim list NAME says what one is, its settings and its published numbers."
    )
    return Group(questions, "", circuits, "", note)


def _listed(point: EntryPoint) -> Listed:
    try:
        with redirect_stdout(sys.stderr):  # the packages around a module are run
            source = Path(find_spec(point.module).origin).read_text(encoding="utf-8")
        function = re.search(r"""^FUNCTION\b.*?["'](.*?)["']""", source, re.MULTILINE)
        task = re.search(r"^def task\(", source, re.MULTILINE)
        return Listed(point.name, _summary(source), function[1] if function else "", bool(task))
    except (Exception, SystemExit) as error:  # of another's package
        return Listed(point.name, f"(cannot be read: {' '.join(str(error).split()) or type(error).__name__})")


def _summary(source: str) -> str:
    """First line of a module's docstring; most begin the source, and only of others all is parsed."""
    found = re.match(r'[rR]?"""(.*?)(\n|""")', source)
    return found[1] if found else (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]
