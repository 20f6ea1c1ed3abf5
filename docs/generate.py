"""What the site takes from the code when it is built: command line, models, gallery and the figures of the theory."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import entry_points
from inspect import cleandoc
from pathlib import Path

from matplotlib import rc_context

ROOT = Path(__file__).parents[1]
STYLE = {"font.size": 8, "axes.titlesize": 8, "svg.hashsalt": "eisim", "savefig.transparent": False}


@dataclass(frozen=True)
class Example:
    """A run of an experiment in the gallery.

    Attributes
    ----------
    name : str
        Experiment.
    settings : str
        What makes the run short, as words of the command line; empty for the run as it is by default.
    """

    name: str
    settings: str = ""

    @property
    def command(self) -> str:
        """What a reader types."""
        return " ".join(["python -m eisim run", self.name, self.settings]).strip()


EXAMPLES = (
    Example("boolean"),
    Example("census", "--set inputs=3"),
    Example("geometry", "--set resolution=40 --set regions=half-plane,rising-half-plane,disc,two-islands"),
    Example("functions", "--set quick=1 --set seeds=1 --set circuits=center_surround,winner_take_all,wilson_cowan"),
    Example("monotone_dynamics", "--set circuits=6 --set population=10 --set generations=2"),
    Example(
        "images",
        "--kind rate --set train=300 --set test=200 --set hidden=12 --set pooled_hidden=6 --set iterations=60 "
        "--set functions=3",
    ),
)


def write_all(folder: Path, quick: bool = False) -> None:
    """Write all generated pages and figures; `quick` leaves the runs of the experiments out."""
    figures(folder / "figures")
    _write(folder / "command_line.md", command_line())
    for file, text in models():
        _write(folder / "models" / file, text)
    for file, text in gallery(folder / "runs", quick):
        _write(folder / "gallery" / file, text)


def figures(folder: Path) -> None:
    """Draw the figures of the theory page."""
    import theory_figures

    folder.mkdir(parents=True, exist_ok=True)
    with rc_context(STYLE):
        for draw in theory_figures.FIGURES:
            draw().savefig(folder / f"{draw.__name__}.svg", metadata={"Date": None})


def command_line() -> str:
    """Capture what ``--help`` says of every command."""
    from typer.main import get_command

    from eisim.cli import app

    command = get_command(app)
    parts = ["# Command line", "", "What `--help` says of each command."]
    for name in ["", *command.commands]:
        words = f"python -m eisim {name}".strip()
        parts += ["", f"## {name or 'eisim'}", "", "```console", f"$ {words} --help", "```", "", "```text"]
        parts += [_eisim([*name.split(), "--help"]).strip(), "```"]
    return "\n".join(parts) + "\n"


def models():
    """Write pairs of file name and page: a table of all models, and a page for each from its docstring."""
    rows = []
    for point in sorted(entry_points(group="eisim.models"), key=lambda p: p.name):
        if not point.module.startswith("eisim.models."):
            continue
        model = point.load()
        task = model.task("rate", quick=True) if hasattr(model, "task") else None
        function = model.FUNCTION if task else model.FUNCTION.name
        what = cleandoc(model.__doc__).splitlines()[0].rstrip(".")
        title = point.name.replace("_", " ")
        rows.append((function, f"[{title}](../generated/models/{point.name}.rst)", what, _obstruction(model, task)))
        yield f"{point.name}.rst", _model_page(point, model, task)
    table = ["```{list-table}", ":header-rows: 1", ":widths: 14 20 44 22", ""]
    for row in [("function", "circuit", "what it is", "why excitation alone cannot do it"), *sorted(rows)]:
        table += [f"{'  -' if k else '* -'} {cell}" for k, cell in enumerate(row)]
    yield "table.txt", "\n".join([*table, "```"]) + "\n"


def _obstruction(model, task) -> str:
    from eisim import certify

    if task:
        return task.obstruction
    witness = certify(model.FUNCTION).witness
    if witness is None:
        return "it can, in another circuit"
    lower, upper = ("".join(str(int(v)) for v in x) for x in witness)
    return f"witness {lower} ≤ {upper}"


def _model_page(point, model, task) -> str:
    title = point.name.replace("_", " ")
    commands = [f"python -m eisim run {point.name}"] if task else []
    commands.append(f"python -m eisim export {point.name} --to onnx --out {point.name}.onnx")
    members = [m for m in ("circuit", "task", "published") if hasattr(model, m)]
    return "\n".join(
        [
            title,
            "=" * len(title),
            "",
            *([f"The task's measure: {task.measure}; criterion {task.criterion:g}.", ""] if task else []),
            ".. code-block:: console",
            "",
            *(f"   $ {command}" for command in commands),
            "",
            f".. automodule:: {point.module}",
            f"   :members: {', '.join(members)}",
            "",
        ]
    )


def gallery(folder: Path, quick: bool):
    """Write pairs of file name and page: each example is run as its command, and shown with what the run wrote."""
    for example in EXAMPLES:
        yield f"{example.name}.md", _gallery_page(example, folder / example.name, quick)
    index = [
        "# Gallery",
        "",
        "Each page shows what one command wrote: the figures, the table and `report.html`. Where a setting makes",
        "the run shorter than the experiment is by default, the page says so.",
        "",
        "````{grid} 1 2 2 2",
        ":gutter: 3",
        "",
        *(line for example in EXAMPLES for line in _card(example, folder / example.name, quick)),
        "````",
        "",
        "```{toctree}",
        ":hidden:",
        "",
        *(example.name for example in EXAMPLES),
        "```",
    ]
    yield "index.md", "\n".join(index) + "\n"


def _card(example, folder, quick):
    """The lines of an example's card: its first picture, name and question."""
    shown = [] if quick else _pictures(folder)
    yield f"```{{grid-item-card}} {_title(example)}"
    yield from (f":link: {example.name}", ":link-type: doc")
    if shown:
        yield from (
            f":img-top: ../runs/{example.name}/{shown[0]['file']}",
            f":img-alt: {_line(shown[0]['alternative'])}",
        )
    yield from ("", _question(example), "```", "")


def _title(example) -> str:
    return example.name.replace("_", " ").capitalize()


def _experiment(example):
    return {p.name: p for p in entry_points(group="eisim.experiments")}[example.name].load()


def _question(example) -> str:
    return cleandoc(_experiment(example).__doc__).splitlines()[0]


def _pictures(folder) -> list[dict]:
    """The pictures of a run with their captions, its circuits last."""
    findings = json.loads((folder / "run.json").read_text(encoding="utf-8")).get("report") or {}
    pictures = [*findings.get("pictures", []), *findings.get("circuits", [])]
    return [p for p in pictures if (folder / p["file"]).exists()] or [
        {"file": p.name, "caption": "", "alternative": p.stem.replace("_", " ")} for p in sorted(folder.glob("*.svg"))
    ]


def _gallery_page(example, folder, quick) -> str:
    module = _experiment(example)
    parts = [f"# {_title(example)}", "", _question(example), "", "```console", f"$ {example.command}", "```", ""]
    if example.settings:
        parts += [f"The full experiment, with its own settings, is `python -m eisim run {example.name}`.", ""]
    if quick:
        return "\n".join([*parts, "The experiments were left out when this site was built."]) + "\n"
    shown = _run(example, folder)
    found = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    findings = found.get("report") or {}
    where = f"../runs/{example.name}"
    if findings:
        parts += [f"**{findings['question']}** {findings['answer']}", ""]
    if (folder / "report.html").exists():
        parts += [f"{{download}}`The whole report <{where}/report.html>` is one file that opens in any browser.", ""]
    for picture in _pictures(folder):
        parts += [f"```{{figure}} {where}/{picture['file']}", f":alt: {_line(picture['alternative'])}", ""]
        parts += [*([_line(picture["caption"])] if picture["caption"] else []), "```", ""]
    parts += ["## What the command prints", "", "```text", shown.rstrip(), "```", "", "## How it is made", ""]
    doc = cleandoc(module.Settings.__doc__)
    settings = [f"- `{key}` = {value}" for key, value in found["settings_si"].items()]
    parts += [*doc.splitlines(), "", "Settings of this run, in SI units:", "", *settings, ""]
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    parts += [f"Seed {found['seed']}; {versions}."]
    return "\n".join(parts) + "\n"


def _line(text) -> str:
    return " ".join(text.split())


def _run(example, folder) -> str:
    """Run the example if neither its command nor the code has changed since; returns what it printed."""
    stamp, printed = folder / "made_from.txt", folder / "printed.txt"
    made_from = f"{example.command} {_newest()}"
    if not stamp.exists() or stamp.read_text() != made_from:
        words = ["run", example.name, *example.settings.split(), "--out", str(folder)]
        shown = _eisim(words, width=132).replace(str(folder), f"results/{example.name}")
        _write(printed, shown)
        _write(stamp, made_from)
    return printed.read_text(encoding="utf-8")


def _newest() -> float:
    sources = [p for part in ("eisim", "experiments", "models") for p in (ROOT / part).rglob("*.py")]
    return max(p.stat().st_mtime for p in sources)


def _eisim(words, width=80) -> str:
    """What ``python -m eisim`` prints, so many columns wide, without colour."""
    env = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": str(width), "TERMINAL_WIDTH": str(width), "NO_COLOR": "1"}
    done = subprocess.run([sys.executable, "-m", "eisim", *words], capture_output=True, text=True, env=env, cwd=ROOT)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)}: exit status {done.returncode}: {done.stderr.strip()}")
    return re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text(encoding="utf-8") != text:  # what is unchanged is not read again
        path.write_text(text, encoding="utf-8")
