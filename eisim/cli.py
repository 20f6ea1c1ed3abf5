"""The command line: parse, call, print."""

import importlib
import sys
import threading
import time
import warnings
from collections.abc import Sequence
from enum import Enum
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated

import typer
from typer import Context, Option

from eisim.errors import InputError

app = typer.Typer(
    name="eisim",
    help="What does inhibition buy a network?",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


class Kind(str, Enum):
    """Kinds of circuit."""

    rate = "rate"
    spiking = "spiking"
    both = "both"


class Backend(str, Enum):
    """Brian2 devices."""

    cpp = "cpp"
    numpy = "numpy"


CommandLineError = typer.BadParameter.__base__.__base__  # what every misuse of the command line raises


def run_command(arguments: Sequence[str]) -> int:
    """Run one command; returns the exit status: 0 done, 1 a check failed, 2 bad input, 130 interrupted."""
    warnings.showwarning = lambda message, *_, **__: _say(f"note: {message}")
    try:
        result = typer.main.get_command(app).main(
            list(arguments) or ["--help"], prog_name="python -m eisim", standalone_mode=False
        )
        return result if isinstance(result, int) else 0
    except CommandLineError as error:
        _say(error.format_message())
        return 2
    except InputError as error:
        _say(str(error))
        return 2
    except (KeyboardInterrupt, typer.Abort):
        _say("interrupted; nothing half-written is left")
        return 130


def _say(text: str) -> None:
    print("eisim: " + " ".join(text.split()), file=sys.stderr)


@app.callback()
def _root() -> None:
    """What does inhibition buy a network?

    Builds excitatory-inhibitory circuits, rate and spiking, maps each to its equivalent DNN, ablates inhibition, and
    proves which functions had to be lost.
    """


@app.command("list")
def list_() -> None:
    """List experiments and models."""
    for group, what in (("eisim.experiments", "experiments"), ("eisim.models", "models")):
        print(f"{what}:")
        for point in sorted(entry_points(group=group), key=lambda p: p.name):
            print(f"  {point.name:<20} {_summary(point)}")


def _summary(point) -> str:
    """First line of the module's docstring, read without running the module."""
    import ast
    from importlib.util import find_spec

    try:
        source = Path(find_spec(point.module).origin).read_text(encoding="utf-8")
        return (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]
    except (ImportError, AttributeError, OSError, SyntaxError) as error:
        return f"(cannot be read: {error})"


@app.command()
def run(
    names: Annotated[list[str] | None, typer.Argument(help="Experiments (see list).", metavar="[NAME]...")] = None,
    kind: Annotated[Kind, Option(help="Kinds of circuit to simulate.")] = Kind.both,
    seed: Annotated[int, Option(min=0, help="Seed of all randomness.")] = 0,
    out: Annotated[Path | None, Option(help="Folder for the results; results/NAME by default.")] = None,
    backend: Annotated[Backend, Option(help="Brian2 device.")] = Backend.cpp,
    set_: Annotated[list[str] | None, Option("--set", metavar="KEY=VALUE", help="Change a setting.")] = None,
    json_: Annotated[bool, Option("--json", help="Print one JSON document instead of a table.")] = False,
) -> int:
    """Run experiments: the default is boolean.

    Example: python -m eisim run boolean --set functions=xor,0110 --set noise=1mV --out results/mine
    """
    names = names or ["boolean"]
    experiments = {name: _load_experiment(name) for name in names}
    settings = {name: _settings(experiment, set_ or []) for name, experiment in experiments.items()}
    document, problems = {}, []
    for name, experiment in experiments.items():
        from eisim.report.files import check_writable

        folder = Path("results") / name if out is None else out if len(names) == 1 else out / name
        check_writable(folder)
        kinds = ["spiking", "rate"] if kind is Kind.both else [kind.value]
        times: dict[str, float] = {}
        with _progress(times) as report:
            threading.Thread(target=_import_reports, daemon=True).start()
            result = experiment.run(settings[name], kinds, seed, backend.value, report)
            report("writing results")
            _save(folder, experiment.files(result))
        found = {"seed": seed, **experiment.to_json(result)}
        _save(folder, [("run.json", _provenance(name, settings[name], kinds, seed, backend.value, times, found))])
        document[name] = found
        problems += result.problems
        if not json_:
            _show(experiment.table(result), folder)
    if json_:
        from eisim.report.files import to_json

        print(to_json(document))
    for problem in problems:
        _say(problem)
    return 1 if problems else 0


def _import_reports():
    """Import what writing results needs while the simulation, a process of its own, runs."""
    from eisim.simulation.program import IMPORTING

    with IMPORTING:
        for module in ("matplotlib.backends.backend_svg", "xarray"):
            importlib.import_module(module)


def _load_experiment(name):
    points = {point.name: point for point in entry_points(group="eisim.experiments")}
    if name not in points:
        raise InputError(f"run: expected one of {', '.join(sorted(points))}, found {name!r}")
    return points[name].load()


def _settings(experiment, changes):
    """The experiment's settings with ``KEY=VALUE`` changes, each read as the type and unit of its field."""
    from dataclasses import fields

    from eisim.units import parse_quantity

    known = {f.name: f for f in fields(experiment.Settings)}
    values = {}
    for change in changes:
        key, equals, text = change.partition("=")
        if not equals:
            raise InputError(f"--set: expected KEY=VALUE, found {change!r}")
        if key not in known:
            raise InputError(f"--set: expected one of {', '.join(known)}, found {key!r}")
        field = known[key]
        if "unit" in field.metadata:
            values[key] = parse_quantity(text, field.metadata["unit"], key)
        elif field.type in (int, "int"):
            try:
                values[key] = int(text)
            except ValueError:
                raise InputError(f"{key}: expected a whole number, found {text!r}") from None
        else:
            values[key] = text
    return experiment.Settings(**values)


class _progress:
    """Show the stages of "task: stage" on a terminal, with the fraction done, and keep the time that each takes, in s."""

    def __init__(self, times: dict[str, float]):
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        console = Console(stderr=True)
        self.times, self.now = times, {}  # of each task its stage, when that began, its bar
        self.bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )

    def __enter__(self):
        self.bars.start()
        return self.report

    def report(self, stage: str, fraction: float | None = None) -> None:
        task = stage.partition(": ")[0]
        previous, _, bar = self.now.get(task, (None, None, None))
        if stage != previous:
            self._finish(task)
            bar = self.bars.add_task(stage, total=None)
            self.now[task] = (stage, time.perf_counter(), bar)
        if fraction is not None:
            self.bars.update(bar, total=1, completed=fraction)

    def _finish(self, task):
        if task in self.now:
            stage, start, bar = self.now.pop(task)
            self.times[stage] = round(self.times.get(stage, 0) + time.perf_counter() - start, 3)
            self.bars.remove_task(bar)

    def __exit__(self, *_):
        for task in list(self.now):
            self._finish(task)
        self.bars.stop()


def _save(folder: Path, files) -> None:
    """Write text, datasets and figures, each file atomically."""
    import io

    import matplotlib

    from eisim.report.figures import STYLE
    from eisim.report.files import write

    with matplotlib.rc_context(STYLE):
        for name, content in files:
            if hasattr(content, "to_netcdf"):
                content = bytes(content.to_netcdf(engine="scipy"))
            elif hasattr(content, "savefig"):
                buffer = io.BytesIO()
                content.savefig(buffer, format="svg", metadata={"Date": None})
                content = buffer.getvalue()
            write(folder / name, content)


def _provenance(name, settings, kinds, seed, backend, times, found) -> str:
    """run.json: everything needed to do the run again, and what it found."""
    import platform
    from dataclasses import asdict
    from datetime import UTC, datetime
    from importlib.metadata import version

    from eisim.report.files import to_json

    packages = ("eisim", "brian2", "numpy", "scipy", "matplotlib", "xarray")
    return to_json(
        {
            "experiment": name,
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "command": " ".join(["python -m eisim", *sys.argv[1:]]),
            "seed": seed,
            "kinds": kinds,
            "backend": backend,
            "settings_si": asdict(settings),
            "versions": {"python": platform.python_version()} | {p: version(p) for p in packages},
            "platform": platform.platform(),
            "seconds": times,
            "result": found,
        }
    )


def _show(table, folder: Path) -> None:
    from rich.console import Console

    console = Console()
    console.print(table)
    console.print(f"Figures, data and run.json are in {folder}", soft_wrap=True)
