"""The command line: parse, call, print."""

import logging
import sys
import textwrap
import time
import warnings
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from typer import Option

from eisim import catalogue
from eisim.errors import InputError

app = typer.Typer(
    name="eisim",
    help="What does inhibition buy a network?",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


class Kind(StrEnum):
    """Kinds of circuit."""

    rate = "rate"
    spiking = "spiking"
    both = "both"


class Backend(StrEnum):
    """Brian2 devices."""

    cpp = "cpp"
    numpy = "numpy"


class Loss(StrEnum):
    """Losses of which there is a floor."""

    zero_one = "zero-one"
    l1 = "l1"
    l2 = "l2"
    linf = "linf"
    all = "all"


INTERRUPTED = 130
CommandLineError = typer.BadParameter.__base__.__base__  # what every misuse of the command line raises


def run_command(arguments: Sequence[str]) -> int:
    """Run one command; returns the exit status: 0 done, 1 a check failed, 2 bad input, 130 interrupted."""
    warnings.showwarning = lambda message, category, *_: _say(f"note: {message}") if category is UserWarning else None
    logging.disable(logging.WARNING)  # Brian2 would speak of what an interrupt left unused
    try:
        result = typer.main.get_command(app).main(
            list(arguments) or ["--help"], prog_name="python -m eisim", standalone_mode=False
        )
        if result != INTERRUPTED:  # Typer turns an interrupt into this status
            return result if isinstance(result, int) else 0
    except CommandLineError as error:
        _say(error.format_message())
        return 2
    except InputError as error:
        _say(str(error))
        return 2
    except (KeyboardInterrupt, typer.Abort):
        pass
    except (RuntimeError, ArithmeticError) as error:
        print(f"eisim: {error}", file=sys.stderr)
        return 1
    _say("interrupted; nothing half-written is left")
    return INTERRUPTED


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
    for group, what in ((catalogue.EXPERIMENTS, "experiments"), (catalogue.MODELS, "models")):
        print(f"{what}:")
        for name, point in catalogue.points(group).items():
            print(f"  {name:<20} {catalogue.summary(point)}")


@app.command()
def run(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Experiments, models with a task, or files of your own: .py, .csv.", metavar="[NAME]..."),
    ] = None,
    kind: Annotated[Kind, Option(help="Kinds of circuit to simulate.")] = Kind.both,
    seed: Annotated[str, Option(help="Seed of all randomness, a whole number.", metavar="N")] = "0",
    out: Annotated[Path | None, Option(help="Folder for the results; results/NAME by default.")] = None,
    backend: Annotated[Backend, Option(help="Brian2 device.")] = Backend.cpp,
    set_: Annotated[list[str] | None, Option("--set", metavar="KEY=VALUE", help="Change a setting.")] = None,
    target: Annotated[str | None, Option(help="Column of a CSV file to predict.", metavar="COLUMN")] = None,
    weights: Annotated[str | None, Option(help="Column with the weight of each row.", metavar="COLUMN")] = None,
    json_: Annotated[bool, Option("--json", help="Print one JSON document instead of a table.")] = False,
) -> int:
    """Run experiments: the default is boolean.

    Example: python -m eisim run boolean --set functions=xor,0110 --set noise=1mV --out results/mine
    """
    if not seed.isdecimal():
        raise InputError(f"--seed: expected a whole number of 0 or more, found {seed!r}")
    names = names or ["boolean"]
    columns = [f"{key}={column}" for key, column in (("target", target), ("weights", weights)) if column is not None]
    chosen = [catalogue.prepare(name, [*(set_ or []), *columns]) for name in dict.fromkeys(names)]
    if len({each.name for each in chosen}) < len(chosen):
        raise InputError(f"run: expected results of different names, found {', '.join(each.name for each in chosen)}")
    document, problems = {}, []
    for name, experiment, settings in ((each.name, each.experiment, each.settings) for each in chosen):
        from eisim.report.draw import Artist
        from eisim.report.files import check_writable, write

        folder = Path("results") / name if out is None else out if len(chosen) == 1 else out / name
        check_writable(folder)
        kinds = ["spiking", "rate"] if kind is Kind.both else [kind.value]
        times: dict[str, float] = {}
        with _progress(times) as report, Artist(experiment.__name__) as artist:
            report("starting")
            result = experiment.run(settings, kinds, int(seed), backend.value, report)
            report("writing results")
            artist.begin(result)
            (folder / "run.json").unlink(missing_ok=True)  # written last: with it the folder is whole
            for file, content in experiment.tables(result):
                write(folder / file, content)
            for file, svg in artist.finish():
                write(folder / file, svg)
        found = {"seed": int(seed), **experiment.to_json(result)}
        write(folder / "run.json", _provenance(name, settings, kinds, int(seed), backend.value, times, found))
        document[name] = found
        problems += getattr(result, "problems", ())
        if not json_:
            _show(experiment.table(result), folder)
    if json_:
        from eisim.report.files import to_json

        print(to_json(document))
    for problem in problems:
        _say(problem)
    return 1 if problems else 0


@app.command()
def certify(
    file: Annotated[Path | None, typer.Argument(help="CSV file with named columns.", metavar="[FILE.csv]")] = None,
    target: Annotated[str | None, Option(help="Column of the file to predict.", metavar="COLUMN")] = None,
    weights: Annotated[str | None, Option(help="Column with the weight of each row.", metavar="COLUMN")] = None,
    truth_table: Annotated[
        str | None, Option(help="Truth table in counting order, or its name.", metavar="BITS")
    ] = None,
    region: Annotated[str | None, Option(help="Region of the unit square.", metavar="NAME")] = None,
    loss: Annotated[Loss, Option(help="Floors to work out.")] = Loss.all,
    orient: Annotated[
        bool | None, Option("--orient/--no-orient", help="Look for inputs to flip; by default for small data.")
    ] = None,
    out: Annotated[Path, Option(help="Folder for the results.")] = Path("results/certify"),
    json_: Annotated[bool, Option("--json", help="Print one JSON document instead of words.")] = False,
) -> None:
    """Prove what excitation alone can do with a function or with data: floor, witness, inhibition needed.

    Example: python -m eisim certify --truth-table 0110
    """
    from eisim.report.files import check_writable, to_json, write

    check_writable(out)
    with _progress({}) as report:
        report("reading")
        function = _function(file, target, weights, truth_table, region, report)
        from eisim.report import certificate as shown
        from eisim.report.draw import draw
        from eisim.theory.certificate import LOSSES, certify

        losses = LOSSES if loss is Loss.all else (loss.name,)
        certificate = certify(function, losses, orient, report)
        report("writing results")
        found = shown.to_json(certificate)
        (out / "certificate.json").unlink(missing_ok=True)  # written last: with it the folder is whole
        (out / "certificate.svg").unlink(missing_ok=True)
        write(out / "points.csv", shown.points_table(certificate))
        for name, svg in draw(shown.figures, certificate):
            write(out / name, svg)
        write(out / "certificate.json", to_json(found))
    if json_:
        print(to_json(found))
    else:
        for line in shown.words(certificate):
            print(textwrap.fill(line, 110, subsequent_indent="  ", break_long_words=False))
        print(f"Points, certificate and picture are in {out}")


class Format(StrEnum):
    """Exchange formats of networks."""

    onnx = "onnx"
    torch = "torch"
    nir = "nir"


@app.command()
def export(
    model: Annotated[str, typer.Argument(help="Model (see list).", metavar="MODEL")],
    out: Annotated[Path, Option(help="File to write: .onnx, .pt2 or .nir.", metavar="FILE")],
    to: Annotated[Format, Option(help="Format.")] = Format.onnx,
    kind: Annotated[Kind | None, Option(help="Kind of circuit: rate by default, spiking for nir.")] = None,
) -> None:
    """Export a model: its equivalent DNN (onnx, torch), or its spiking circuit (nir).

    Example: python -m eisim export xor --to onnx --out xor.onnx
    """
    points = catalogue.points(catalogue.MODELS)
    if model not in points:
        raise InputError(f"export: expected one of {', '.join(sorted(points))}, found {model!r}")
    if kind is Kind.both:
        raise InputError("export: --kind: expected rate or spiking, found 'both'")
    from eisim.export import write_network

    if kind is None:
        kind = Kind.spiking if to is Format.nir else Kind.rate
    circuit = catalogue.load(points[model]).circuit(kind=kind.value)
    with _progress({}) as report:
        written, left_out = write_network(circuit, to.value, out, report)
    print(f"{out}: {to.value} of {written!r}")
    if left_out:
        _say(f"note: {left_out}")


@app.command()
def ablate(
    network: Annotated[Path, typer.Argument(help="Network in an ONNX file.", metavar="NET.onnx")],
    data: Annotated[Path, Option(help="CSV file with named columns.", metavar="FILE.csv")],
    target: Annotated[str, Option(help="Column with the class of each row.", metavar="COLUMN")],
    weights: Annotated[str | None, Option(help="Column with the weight of each row.", metavar="COLUMN")] = None,
    kind: Annotated[Kind, Option(help="Kinds of circuit to simulate.")] = Kind.both,
    levels: Annotated[int, Option(help="Levels of ablation, with none and all.", min=2, max=101)] = 6,
    backend: Annotated[Backend, Option(help="Brian2 device.")] = Backend.cpp,
    out: Annotated[Path, Option(help="Folder for the results.")] = Path("results/ablate"),
    json_: Annotated[bool, Option("--json", help="Print one JSON document instead of a table.")] = False,
) -> int:
    """Take the inhibition out of a network of your own, and see which of its classes go.

    Example: python -m eisim ablate net.onnx --data test.csv --target digit
    """
    from eisim.report.files import check_writable, to_json, write

    check_writable(out)
    with _progress({}) as report:
        import numpy as np

        from eisim.adapter.onnx_reader import read_onnx
        from eisim.functions import LabelledData
        from eisim.network_ablation import ablate_network, class_floors
        from eisim.report import network as shown
        from eisim.report.draw import draw

        report("reading")
        dnn, labelled = read_onnx(network), LabelledData.from_csv(data, target, weights, report)
        fractions, floors = np.linspace(0, 1, levels), class_floors(dnn, labelled, report)
        kinds = ["rate", "spiking"] if kind is Kind.both else [kind.value]
        results = [ablate_network(dnn, labelled, fractions, k, backend.value, report, floors) for k in kinds]
        report("writing results")
        (out / "ablation.json").unlink(missing_ok=True)  # written last: with it the folder is whole
        write(out / "classes.csv", shown.csv_table(results))
        for spiking in (result for result in results if len(result.times)):
            write(out / "time.csv", shown.time_table(spiking))
        for name, svg in draw(shown.figures, results):
            write(out / name, svg)
        found = shown.to_json(results)
        write(out / "ablation.json", to_json(found))
    if json_:
        print(to_json(found))
    else:
        _show(shown.terminal_table(results), out)
    for problem in found["problems"]:
        _say(problem)
    return 1 if found["problems"] else 0


def _function(file, target, weights, truth_table, region, report):
    """The function that the arguments of `certify` name."""
    from eisim.functions import NAMED, REGIONS, LabelledData, TruthTable

    given = [what for what in (file, truth_table, region) if what is not None]
    if len(given) != 1:
        raise InputError(f"certify: expected one of FILE.csv, --truth-table and --region, found {len(given)} of them")
    if file is None and (target is not None or weights is not None):
        raise InputError("certify: --target and --weights: expected with FILE.csv only")
    if truth_table is not None:
        return NAMED.get(truth_table) or TruthTable(truth_table)
    if region is not None:
        if region not in REGIONS:
            raise InputError(f"--region: expected one of {', '.join(REGIONS)}, found {region!r}")
        return REGIONS[region]
    if target is None:
        raise InputError("certify: --target: expected the column to predict, found none")
    return LabelledData.from_csv(file, target, weights, report)


class _progress:
    """Show the present stage on a terminal, with the fraction done, and keep the time that each stage takes, in s."""

    def __init__(self, times: dict[str, float]):
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        console = Console(stderr=True)
        self.times, self.stage, self.start = times, None, 0.0
        columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
        self.bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self.task = self.bar.add_task("starting", total=None)

    def __enter__(self):
        self.bar.start()
        return self.report

    def report(self, stage: str | None, fraction: float | None = None) -> None:
        if stage != self.stage:
            now = time.perf_counter()
            if self.stage:
                self.times[self.stage] = round(self.times.get(self.stage, 0) + now - self.start, 3)
            self.stage, self.start = stage, now
            self.bar.reset(self.task, total=None, description=stage or "done")
        if fraction is not None:
            self.bar.update(self.task, total=1, completed=fraction)

    def __exit__(self, *_):
        self.report(None)
        self.bar.stop()


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
    if not console.is_terminal:
        console = Console(width=120)  # a pipe has no width
    console.print(table, highlight=False)
    console.print(f"Figures and data are in {folder}", soft_wrap=True, highlight=False)
