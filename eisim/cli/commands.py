"""The command line: parse, call, print."""

import errno
import json
import logging
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import asdict, fields, replace
from enum import StrEnum
from functools import partial
from importlib.util import LazyLoader, find_spec, module_from_spec
from pathlib import Path
from typing import Annotated

import typer
from typer import Option

from eisim.base import interrupts
from eisim.base.errors import InputError, did_you_mean, one_line, printable
from eisim.base.progress import Progress
from eisim.base.store.checkpoint import Parts, kept
from eisim.base.user_files import without_prefix
from eisim.cli import completion
from eisim.cli.help import Commands, Group, about_named, explain
from eisim.report.terminal import show, use_plain_letters
from eisim.run import registry

app = Commands(
    name="eisim",
    cls=Group,
    no_args_is_help=True,
    rich_markup_mode=None,  # `eisim.cli.help` writes the help
    pretty_exceptions_enable=False,
)


Kind = StrEnum("Kind", ["rate", "spiking", "both"])
Backend = StrEnum("Backend", ["cpp", "numpy", "cuda_standalone"])
AblationBackend = StrEnum("AblationBackend", ["cpp", "numpy", "cuda_standalone", "runtime"])
Controls = StrEnum("Controls", ["all", "none"])
Reset = StrEnum("Reset", [(each, each) for each in ("value", "late-value", "subtraction", "late-subtraction")])
Readout = StrEnum("Readout", [(each, each) for each in ("spikes", "mean", "max", "final")])
Format = StrEnum("Format", ["onnx", "torch", "nir", "brian2", "nest"])
CacheAction = StrEnum("CacheAction", ["show", "clear"])
TakenFor = StrEnum("TakenFor", ["both", "excitatory", "inhibitory", "omitted"])
Loss = StrEnum("Loss", {"zero_one": "zero-one", "l1": "l1", "l2": "l2", "linf": "linf", "all": "all"})

INTERRUPTED = 130
LONGEST_SEED = 1000  # digits: Python refuses to read far longer numbers
RESULTS = "Results"  # the group of options for what a command prints and writes
PAGE = "report.html"  # the page in the folder of a run
A_NETWORK = "a network (NET.onnx, NET.nir) with --data, or a Brian2 script (.py)"
MOST_SAID = 10  # points of a sweep that failed and are named on standard error
CommandLineError = typer.BadParameter.__base__.__base__  # what every misuse of the command line raises


def _warning_sayer():
    """Returns the handler that prints warnings for the user; those on missing glyphs, issued singly, only once."""
    said = set()

    def say(message, category, *_):
        text = str(message)
        if text.startswith("Glyph "):
            text = "some characters of names are not in the font of the figures, which show boxes instead"
            category = None if text in said else category
        if category is UserWarning:
            said.add(text)
            _say(f"note: {text}")

    return say


def run_command(arguments: Sequence[str]) -> int:
    """Run one command; returns the exit status: 0 done, 1 a check failed, 2 bad input, 130 interrupted."""
    logging.captureWarnings(True)  # or Brian2, when it is imported, would do so and say them elsewhere
    warnings.showwarning = _warning_sayer()
    use_plain_letters()
    logging.disable(logging.WARNING)  # Brian2 would speak of what an interrupt left unused
    try:
        result = typer.main.get_command(app).main(
            list(arguments) or ["--help"], _name(arguments), "_EISIM_COMPLETE", standalone_mode=False
        )
        sys.stdout.flush()
        if result != INTERRUPTED:  # Typer turns an interrupt into this status
            return result if isinstance(result, int) else 0
    except CommandLineError as error:
        _say(explain(error, typer.main.get_group(app).commands))
        return 2
    except InputError as error:
        _say(str(error))
        return 2
    except (KeyboardInterrupt, typer.Abort):
        pass
    except BrokenPipeError:  # who reads standard output has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except MemoryError as error:
        _say(f"expected what fits into memory, found more ({error or 'nothing is free'})")
        return 2
    except OSError as error:
        if not interrupts.is_wanted():
            _say(_of_files(error))
            return 1
    except (RuntimeError, ArithmeticError, ImportError) as error:
        if not interrupts.is_wanted():
            print(f"eisim: {printable(str(error))}", file=sys.stderr)
            return 1
    _say("interrupted; no partial files written")
    return INTERRUPTED


def _of_files(error: OSError) -> str:
    """The system's message about a file and, on a full disk, how to resume."""
    words = f"{error.filename}: {error.strerror}" if error.filename and error.strerror else str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        words += "; free some space, and the same command resumes; --out and TMPDIR name other folders"
    elif isinstance(error, FileNotFoundError) and "temporary directory" in words:
        words += "; TMPDIR names another"
    return words


def _name(arguments: Sequence[str]) -> str:
    """The name under which the program was called; shells complete only the script."""
    is_script = Path(sys.argv[0]).stem == "eisim" or {"--install-completion", "--show-completion"} & set(arguments)
    return "eisim" if is_script else "python -m eisim"


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(f"eisim {version('eisim')}")
        raise typer.Exit


def _say(text: str) -> None:
    print("eisim: " + one_line(" ".join(without_prefix(text).split())), file=sys.stderr)


def _named(words: str, complete: Callable, metavar: str = "NAME"):
    return typer.Argument(help=words, metavar=metavar, autocompletion=complete)


def _json(instead: str = "a table"):
    return Option("--json", help=f"Print one JSON document instead of {instead}.", rich_help_panel=RESULTS)


def _out(usual: str):
    return Option(help=f"Folder for the results; {usual} by default.", metavar="DIR", rich_help_panel=RESULTS)


def _fresh(what: str):
    words = f"Ignore checkpoints of an interrupted {what} and start over."
    return Option("--fresh", help=words, rich_help_panel=RESULTS)


def _column(words: str, *names: str):
    return Option(*names, help=words, metavar="COLUMN", autocompletion=completion.column)


def _neurons(name: str, which: str):
    words = f"Of a connectome: neurons {which}, or classes, with commas; may be given several times."
    return Option(name, help=words, metavar="NAMES")


ControlsOption = Annotated[
    Controls | None,
    Option(help="Whether to measure the controls of the full ablation: re-fitting, compensation, shams."),
]
BackendOption = Annotated[Backend, Option("--backend", "--device", help="Brian2 device; cuda_standalone: a GPU.")]
Json = Annotated[bool, _json()]
TargetColumn = Annotated[str | None, _column("Column to predict; for a truth table, the last by default.")]
WeightsColumn = Annotated[str | None, _column("Column with the weight of each row.")]
IgnoredColumns = Annotated[list[str] | None, _column("Column to leave out; may be given several times.", "--ignore")]
Header = Annotated[
    bool | None,
    Option(
        "--header/--no-header",
        help="Whether the first line of a table names its columns; otherwise they are x1, x2, ...",
    ),
]
TABLE = "Table with named columns: CSV, Excel, Parquet."


@app.callback()
def _root(
    version: Annotated[
        bool, Option("--version", help="Show the version and exit.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """What does inhibition buy a network?

    Builds excitatory-inhibitory circuits, rate and spiking, maps each to its equivalent DNN, ablates inhibition, and
    proves which functions no excitatory-only circuit computes.

    Example: python -m eisim run
    Example: python -m eisim certify --truth-table 0110
    Example: python -m eisim run --help
    """


@app.command("list")
def list_(
    name: Annotated[
        str | None,
        _named("Experiment, model or .py file to describe in full.", completion.what_to_sweep),
    ] = None,
    published: Annotated[
        bool, Option("--published", help="Measure the model's published numbers again; may take minutes.")
    ] = False,
    json_: Annotated[bool, Option("--json", help="Print one JSON document instead of tables.")] = False,
) -> None:
    """List experiments and models, or describe one: its docstring, settings and published numbers.

    Example: python -m eisim list
    Example: python -m eisim list brunel
    """
    from eisim.cli import listing

    if published and name is None:
        raise InputError("list: --published: expected with the name of a model only")
    if name is not None:
        from eisim.base.files import to_json

        with Progress({}) as report:
            found = listing.about(name, published, report)
        print(to_json(listing.document(found))) if json_ else show(listing.shown(found))
    elif json_:
        print(json.dumps(listing.document_of_all(), indent=1))
    else:
        show(listing.tables_of_all())


@app.command()
def doctor(
    json_: Json = False,
) -> int:
    """Report installed versions, compiler and missing extras.

    Example: python -m eisim doctor
    """
    from eisim.run.doctor import examine

    found = examine()
    if json_:
        print(json.dumps(found.document, indent=1))
    else:
        show(found.table())
    return 0 if found.is_able else 1


@app.command()
def cache(
    action: Annotated[CacheAction, typer.Argument(help="show or clear.", metavar="ACTION")] = CacheAction.show,
    programs: Annotated[bool, Option("--programs", help="Clear compiled programs.")] = False,
    headers: Annotated[bool, Option("--headers", help="Clear compiled headers.")] = False,
    runs: Annotated[bool, Option("--runs", help="Clear finished parts of interrupted runs.")] = False,
    json_: Json = False,
) -> None:
    """Show what is cached between runs, or clear it (programs and headers by default).

    Example: python -m eisim cache
    Example: python -m eisim cache clear
    Example: python -m eisim cache clear --runs
    """
    from eisim.cli import cache_table

    kinds = [kind for kind, asked in (("programs", programs), ("headers", headers), ("runs", runs)) if asked]
    if action is CacheAction.clear:
        gone, line = cache_table.clear(kinds)
        print(json.dumps({"cleared": gone} | cache_table.document(), indent=1) if json_ else line)
    elif kinds:
        raise InputError(f"cache: --{kinds[0]}: expected with clear only")
    elif json_:
        print(json.dumps(cache_table.document(), indent=1))
    else:
        show(cache_table.table(cache_table.document()))


@app.command(cls=about_named("names", "eisim.cli.listing:settings_of"))
def run(
    names: Annotated[
        list[str] | None,
        _named("Experiments, models or your own files (.py, .csv and other tables).", completion.what_to_run),
    ] = None,
    kind: Annotated[Kind, Option(help="Kinds of circuit to simulate.")] = Kind.both,
    seed: Annotated[str, Option(help="Seed of the random numbers, an integer.", metavar="N")] = "0",
    out: Annotated[Path | None, _out("results/NAME")] = None,
    backend: BackendOption = Backend.cpp,
    set_: Annotated[
        list[str] | None,
        Option("--set", metavar="KEY=VALUE", help="Change a setting.", autocompletion=completion.setting),
    ] = None,
    target: TargetColumn = None,
    weights: WeightsColumn = None,
    ignore: IgnoredColumns = None,
    header: Header = None,
    controls: ControlsOption = None,
    record: Annotated[
        list[str] | None,
        Option(
            help="Record a population of your own circuit, intact and ablated; may be given several times.",
            metavar="POPULATION:VARIABLE,...",
        ),
    ] = None,
    fresh: Annotated[bool, _fresh("run")] = False,
    json_: Json = False,
) -> int:
    """Run one or more experiments; boolean by default.

    Example: python -m eisim run boolean --set functions=xor,0110 --set noise=1mV --out results/mine
    Example: python -m eisim run decision --kind rate --set quick=yes
    Example: python -m eisim run decision --help
    Example: python -m eisim run my_circuit.py
    Example: python -m eisim run my_circuit.py --kind spiking --record out:v,I_e,I_i --record gate:spikes
    Example: python -m eisim run cells.csv --target fires --ignore subject
    """
    from eisim.run.run_key import identity

    number = _whole(seed)
    if record:
        from eisim.studies.recording import asked

        asked(record)
    names = list(dict.fromkeys(names or ["boolean"]))
    quoted = ['"' + column.replace('"', '""') + '"' for column in ignore or ()]  # names may have commas themselves
    ignored = ",".join(quoted) or None
    headed = None if header is None else "yes" if header else "no"
    of_table = {"target": target, "weights": weights, "ignore": ignored, "header": headed, "controls": controls}
    columns = [f"{key}={text}" for key, text in of_table.items() if text is not None]
    chosen = [registry.experiment_of(name) for name in names]
    if record:
        chosen = [_recording(each) for each in chosen]
        columns.append(f"record={';'.join(record)}")
    settings = [each.with_changes([*(set_ or []), *columns]) for each in chosen]
    if len({each.name for each in chosen}) < len(chosen):
        raise InputError(f"run: expected results of different names, found {', '.join(each.name for each in chosen)}")
    asked_kinds = ["spiking", "rate"] if kind is Kind.both else [kind.value]
    all_kinds = [each.taken(asked_kinds) for each in chosen]
    document, problems = {}, []
    put_off_imports()
    for asked, experiment, chosen_settings, kinds in zip(names, chosen, settings, all_kinds, strict=True):
        folder = out if out is not None and len(chosen) == 1 else (out or Path("results")) / experiment.name
        values, device = asdict(chosen_settings), experiment.backend or backend.value
        identify = partial(identity, asked, experiment.module, values, kinds, number, device)
        compute = partial(experiment.run, chosen_settings, kinds, number, device)
        how = {"seed": number, "kinds": kinds, "backend": device, "about": experiment.about}
        units = {f.name: f.metadata["unit"] for f in fields(chosen_settings) if "unit" in f.metadata}
        how |= {"settings_si": values, "settings_units": units}
        with kept(identify, _say, fresh) as parts:
            found, view = _record(experiment.name, folder, compute, how, parts)
        document[experiment.name] = found
        problems += view.problems
        if not json_:
            _show(view.terminal(), folder)
    return _end(document, problems, json_)


def _recording(experiment):
    """The experiment with the settings that it has for --record."""
    kind = getattr(sys.modules.get(experiment.module), "RecordSettings", None)
    if kind is None:
        raise InputError(
            f"--record: expected a circuit of your own or a model without a task, found {experiment.name!r}"
        )
    return replace(experiment, settings=kind)


@app.command(cls=about_named("name", "eisim.cli.listing:parameters_of"))
def sweep(
    name: Annotated[str, _named("Model, experiment or your own file (.py, .csv).", completion.what_to_sweep)],
    over: Annotated[
        list[str] | None,
        Option(
            help="Values of a parameter: FROM:TO:NUMBER or VALUE,VALUE,...; may be given several times.",
            metavar="NAME=VALUES",
        ),
    ] = None,
    seeds: Annotated[int, Option(help="Runs per point, each with its own seed.", min=1, metavar="N")] = 1,
    seed: Annotated[str, Option(help="Seed from which these are derived, an integer.", metavar="N")] = "0",
    kind: Annotated[Kind | None, Option(help="Kind of circuit: spiking by default, both for an experiment.")] = None,
    set_: Annotated[
        list[str] | None, Option("--set", metavar="KEY=VALUE", help="Fix a parameter at all points.")
    ] = None,
    backend: Annotated[Backend, Option(help="Brian2 device.")] = Backend.cpp,
    workers: Annotated[
        int | None, Option(help="Local worker processes; one per processor by default.", min=1, metavar="N")
    ] = None,
    scheduler: Annotated[
        str | None,
        Option(help="Use the workers of this Dask scheduler instead, such as tcp://host:8786.", metavar="ADDRESS"),
    ] = None,
    out: Annotated[Path | None, _out("results/sweep-NAME")] = None,
    fresh: Annotated[bool, _fresh("sweep")] = False,
    json_: Json = False,
) -> int:
    """Run a model or an experiment at every point of a parameter grid.

    Example: python -m eisim sweep brunel --over g=3:7:9 --over eta=0.5:4:8
    Example: python -m eisim sweep boolean --over noise=0mV:2mV:5 --set functions=xor,and --seeds 3
    """
    from eisim.base.schema import split
    from eisim.run.sweep import compute, describe, identity_of, parameters, parse_axis

    number = _whole(seed)
    subject = describe(name, kind and kind.value, tuple(split(set_ or ()).items()), backend.value)
    there = parameters(subject)
    axes = tuple(parse_axis(text, there) for text in over or ())
    folder = out or Path("results") / f"sweep-{subject.title}"
    how = {
        "seed": number,
        "kinds": list(subject.kinds),
        "backend": backend.value,
        "settings_si": dict(subject.settings) | {f"over {axis.name}": axis.words for axis in axes} | {"seeds": seeds},
        "about": "A sweep: the same measurement at every point of a parameter grid.",
    }
    with kept(partial(identity_of, subject, axes, seeds, number), _say, fresh) as parts:
        found, view = _record(
            f"sweep {subject.title}",
            folder,
            lambda report: compute(subject, axes, seeds, number, report, workers, scheduler, _say),
            how,
            parts,
        )
    if not json_:
        _show(view.terminal(), folder)
    problems = view.problems[:MOST_SAID]
    if more := len(view.problems) - len(problems):
        problems.append(f"and {more:,} more points failed; all are in {folder / 'run.json'}")
    return _end({"sweep": found}, problems, json_)


def _record(name: str, folder: Path, compute: Callable, how: dict, parts: Parts | None = None, also: str = ""):
    """Compute a result and write it to a folder; returns its document and its view.

    Where parts of it are kept, a process that draws is begun beforehand; they stay for another try if the result cannot
    be written, or points of a sweep have failed. See `record_view` for `how` and `also`.
    """
    from eisim.base.files import check_writable
    from eisim.report.draw import Artist, draw
    from eisim.report.page import template
    from eisim.report.record import record_view
    from eisim.report.view import view_of

    if parts:
        check_writable(folder)
    times: dict[str, float] = {}
    with Artist() if parts else nullcontext() as artist, Progress(times) as report:
        report("starting")
        result = compute(report)
        report("writing results")
        if artist:
            artist.begin(result)
        template()  # made ready, like all that follows, while the figures are drawn
        view = view_of(result)
        files = [*view.all_files()]
        files += artist.finish() if artist else draw(view.drawn())
        if parts:
            parts.check()
    first = {"seed": how["seed"]} if "seed" in how else {}
    try:
        found = record_view(folder, name, view, files, how | {"seconds": times}, first, also)
    except OSError as error:
        if not parts:
            raise
        raise InputError(
            f"--out: {folder}: cannot be written: {error.strerror}; all that is finished is kept, the same "
            "command resumes from there"
        ) from None
    if parts and not getattr(result, "failed", ()):
        parts.clear()
    return found, view


def _end(document: dict, problems: Sequence[str], json_: bool) -> int:
    """Print what has to be printed last; the exit status."""
    from eisim.base.files import to_json

    if json_:
        print(to_json(document))
    for problem in problems:
        _say(problem)
    return 1 if problems else 0


def _whole(seed: str) -> int:
    if not seed.isdecimal() or len(seed) > LONGEST_SEED:
        raise InputError(f"--seed: expected a whole number of 0 or more, found {seed!r}")
    return int(seed)


@app.command()
def certify(
    file: Annotated[
        Path | None,
        _named("Table with named columns, circuit (.py), or edges of a connectome.", completion.table, "FILE.csv"),
    ] = None,
    target: TargetColumn = None,
    weights: WeightsColumn = None,
    ignore: IgnoredColumns = None,
    header: Header = None,
    truth_table: Annotated[
        str | None,
        Option(
            help="Truth table in counting order, or its name.", metavar="BITS", autocompletion=completion.truth_table
        ),
    ] = None,
    region: Annotated[
        str | None, Option(help="Region of the unit square.", metavar="NAME", autocompletion=completion.region)
    ] = None,
    loss: Annotated[Loss, Option(help="Losses for which floors are computed.")] = Loss.all,
    orient: Annotated[
        bool | None, Option("--orient/--no-orient", help="Search for inputs to invert; the default for small data.")
    ] = None,
    inputs: Annotated[list[str] | None, _neurons("--inputs", "that are driven")] = None,
    readouts: Annotated[list[str] | None, _neurons("--readouts", "that are read out")] = None,
    from_: Annotated[str | None, _column("Of a connectome: column with the source of each row.", "--from")] = None,
    to: Annotated[str | None, _column("Of a connectome: column with the target.", "--to")] = None,
    sign: Annotated[str | None, _column("Of a connectome: column with the sign.", "--sign")] = None,
    transmitter: Annotated[
        str | None, _column("Of a connectome: column with the transmitter.", "--transmitter")
    ] = None,
    neurons: Annotated[
        Path | None,
        Option(
            help="Of a connectome: table of its neurons and classes.", metavar="FILE", autocompletion=completion.table
        ),
    ] = None,
    unknown: Annotated[
        TakenFor | None,
        Option(help="Of a connectome: what synapses of unknown sign are taken for; both by default."),
    ] = None,
    mixed: Annotated[
        TakenFor | None,
        Option(help="Of a connectome: what synapses that may have either sign are taken for; both by default."),
    ] = None,
    assume: Annotated[
        list[str] | None,
        Option(
            help="Of a connectome: sign of a transmitter, such as glutamate=+; may be given several times.",
            metavar="TRANSMITTER=SIGN",
        ),
    ] = None,
    out: Annotated[Path | None, _out("results/certify-WHAT")] = None,
    json_: Annotated[bool, _json("words")] = False,
) -> int:
    """Prove what excitatory-only circuits can do with a function or data, or what wiring alone proves.

    Of data and functions: floor, witness, required inhibition. Of a circuit (.py) and of a connectome (a file of edges
    with --inputs and --readouts): for each input and readout the sign of all paths.

    Example: python -m eisim certify --truth-table 0110
    Example: python -m eisim certify cells.csv --target fires
    Example: python -m eisim certify circuit.py
    Example: python -m eisim certify edges.csv --from pre --to post --sign sign --inputs ASEL,ASER --readouts AVA
    """
    of_wiring = {"--inputs": inputs, "--readouts": readouts, "--from": from_, "--to": to, "--sign": sign}
    of_wiring |= {"--transmitter": transmitter, "--neurons": neurons, "--unknown": unknown, "--mixed": mixed}
    of_wiring |= {"--assume": assume}
    given = [name for name, value in of_wiring.items() if value is not None]
    is_circuit = file is not None and file.suffix.lower() == ".py"
    if is_circuit or given:
        of_data = {"--target": target, "--weights": weights, "--ignore": ignore, "--header": header}
        of_data |= {"--truth-table": truth_table, "--region": region, "--orient": orient}
        of_data["--loss"] = None if loss is Loss.all else loss
        others = [name for name, value in of_data.items() if value is not None]
        if is_circuit:
            others = given + others
        if others:
            raise InputError(f"certify: {others[0]}: expected without {file.name if is_circuit else given[0]}")
        columns = {"source": from_, "target": to, "sign": sign, "transmitter": transmitter, "nodes": neurons}
        ways = {"unknown": unknown, "mixed": mixed}
        return _certify_wiring(file, is_circuit, columns, inputs, readouts, ways, assume or (), out, json_)
    read = _function(file, target, weights, ignore or (), header, truth_table, region)
    out = out or Path("results") / f"certify-{file.stem if file else truth_table or region}"

    def compute(report):
        from eisim.base.files import check_writable
        from eisim.theory.certificate import LOSSES, certify_classes

        report("reading")
        function = read(report)
        check_writable(out)
        return certify_classes(function, LOSSES if loss is Loss.all else (loss.name,), orient, report)

    how = {"settings_si": {"loss": loss.value, "orient": orient}}
    found, view = _record("certify", out, compute, how, also="certificate.json")
    if json_:
        return _end(found, (), json_)
    is_drawn = any(view.figures()) or any(view.circuits())
    _show(view.terminal(), out, "Points, certificate and picture" if is_drawn else "Points and certificate")
    return 0


def _certify_wiring(file, is_circuit, columns, inputs, readouts, ways, assume, out, json_) -> int:
    """Certify the wiring of a circuit in a file, or of a connectome."""
    if file is None:
        raise InputError("certify: expected a file of edges with --inputs and --readouts, found none")
    wanted = {"--inputs": inputs, "--readouts": readouts}
    if lacking := [name for name, value in wanted.items() if not value and not is_circuit]:
        raise InputError(f"certify: {lacking[0]}: expected with {file.name}, found none")
    out = out or Path("results") / f"certify-{file.stem}"
    signs = {}
    for text in assume:
        transmitter, equals, sign = text.rpartition("=")
        if not equals or not transmitter.strip():
            raise InputError(f"--assume: expected TRANSMITTER=SIGN, such as glutamate=+, found {text!r:.60}")
        signs[transmitter.strip()] = sign.strip()

    def compute(report):
        from eisim.base.files import check_writable
        from eisim.theory.structure.certificate import certify_structure

        report("reading")
        if is_circuit:
            from eisim.run.export import circuit_of_file

            circuit = circuit_of_file(str(file), ["rate", "spiking"], "certify")
            check_writable(out)
            return detailed(certify_structure(circuit, report=report), report)
        from eisim.connectome import read_connectome

        connectome = read_connectome(file, **columns, signs=signs or None, report=report)
        check_writable(out)
        entries = {name: [each.strip() for text in given for each in text.split(",")] for name, given in wanted.items()}
        taken = {part: way.value for part, way in ways.items() if way is not None}
        made = certify_structure(connectome, entries["--inputs"], entries["--readouts"], **taken, report=report)
        return detailed(made, report)

    def detailed(made, report):
        if made.is_small:
            made.details(report)
        return made

    found, view = _record("certify", out, compute, {"settings_si": {"file": str(file)}}, also="certificate.json")
    if json_:
        return _end(found, (), json_)
    _show(view.terminal(), out, f"Pairs{', certificate and picture' if any(view.figures()) else ' and certificate'}")
    return 0


@app.command()
def export(
    model: Annotated[str, _named("Model (see list), or a .py file that defines circuit.", completion.model, "MODEL")],
    out: Annotated[Path, Option(help="File to write: .onnx, .pt2, .nir or .py.", metavar="FILE")],
    to: Annotated[Format, Option(help="Format.")] = Format.onnx,
    kind: Annotated[
        Kind | None, Option(help="Kind of circuit: rate by default, spiking for nir, brian2, nest.")
    ] = None,
) -> None:
    """Export a model: its f–I approximation, a static DNN (onnx, torch), or the circuit (nir, brian2, nest).

    Example: python -m eisim export xor --to onnx --out xor.onnx
    Example: python -m eisim export brunel --to nest --out brunel.py
    """
    models, of_file = registry.models(), registry.is_file(model)
    if model not in models and not of_file:
        raise InputError(
            f"export: expected one of {', '.join(sorted(models))}, or a .py file, found {model!r}"
            f"{did_you_mean(model, models)}"
        )
    if kind is Kind.both:
        raise InputError("export: --kind: expected rate or spiking, found 'both'")
    if of_file and out.resolve() == Path(model).resolve():
        raise InputError(f"export: --out: expected another file than {model}, which would be lost, found {str(out)!r}")
    from eisim.run.export import circuit_of_file, write_network

    kinds = ["spiking", "rate"] if to in (Format.nir, Format.brian2, Format.nest) else ["rate", "spiking"]
    kinds = [kind.value] if kind else kinds
    circuit = circuit_of_file(model, kinds) if of_file else models[model]().circuit(kind=kinds[0])
    with Progress({}) as report:
        written, note = write_network(circuit, to.value, out, report)
    _say_where(f"{out}: {to.value} of {written!r}")
    if note:
        _say(f"note: {note}")


@app.command()
def ablate(
    network: Annotated[Path, _named("Network in an ONNX or NIR file, or a Brian2 script.", completion.network, "NET")],
    data: Annotated[Path | None, Option(help=TABLE, metavar="FILE.csv", autocompletion=completion.table)] = None,
    target: Annotated[str | None, _column("Column with the class label of each row.")] = None,
    weights: WeightsColumn = None,
    ignore: IgnoredColumns = None,
    header: Header = None,
    kind: Annotated[Kind, Option(help="Kinds of circuit to simulate.")] = Kind.both,
    levels: Annotated[int, Option(help="Number of fractions removed, including none and all.", min=2, max=101)] = 6,
    steps: Annotated[int, Option(help="Of NIR: time steps for which a row acts.", min=1, max=100_000)] = 25,
    dt: Annotated[str | None, Option(help="Of NIR: time step of the network, such as 1ms.", metavar="TIME")] = None,
    reset: Annotated[Reset, Option(help="Of NIR: what a spike does to the potential.")] = Reset.value,
    readout: Annotated[
        Readout | None, Option(help="Of NIR: of an output its spikes, or its mean, largest or final potential.")
    ] = None,
    backend: Annotated[
        AblationBackend | None,
        Option("--backend", "--device", help="Brian2 device: cpp by default, of a script runtime."),
    ] = None,
    controls: ControlsOption = None,
    fractions: Annotated[
        str | None, Option(help="Of a script: fractions to remove, 0,.25,.5,.75,1 by default.", metavar="LIST")
    ] = None,
    seeds: Annotated[int | None, Option(help="Of a script: number of seeds, 5 by default.", min=1, max=10_000)] = None,
    override: Annotated[
        list[str] | None,
        Option(
            help="Of a script: synapses that are inhibitory or excitatory, or to leave; may be given several times.",
            metavar="NAME=EFFECT",
        ),
    ] = None,
    score: Annotated[
        str | None, Option(help="Of a script: its function of the spikes that returns a score.", metavar="FUNCTION")
    ] = None,
    criterion: Annotated[float | None, Option(help="Of a script: the score that is enough.")] = None,
    out: Annotated[Path | None, _out("results/ablate-NET")] = None,
    json_: Json = False,
) -> int:
    """Ablate inhibition in a trained classifier, and report the classes lost, or in a Brian2 script.

    A script (.py) is executed, once for each fraction and seed: it can do all that you can.

    Example: python -m eisim ablate net.onnx --data test.csv --target digit
    Example: python -m eisim ablate net.nir --data test.csv --target digit --steps 25 --reset late-subtraction
    Example: python -m eisim ablate CUBA.py --fractions 0,.5,1 --seeds 5
    Example: python -m eisim ablate CUBA.py --override synapses_1=inhibitory --score works --criterion 0.9
    """
    of_network = {"--data": data, "--target": target, "--weights": weights, "--ignore": ignore, "--header": header}
    of_network |= {"--dt": dt, "--readout": readout}
    usual = {
        "--kind": (kind, Kind.both),
        "--levels": (levels, 6),
        "--steps": (steps, 25),
        "--reset": (reset, Reset.value),
    }
    of_network |= {name: value for name, (value, by_default) in usual.items() if value != by_default}
    of_script = {"--fractions": fractions, "--seeds": seeds, "--override": override, "--score": score}
    of_script["--criterion"] = criterion
    if network.is_dir():
        raise InputError(f"ablate: expected {A_NETWORK}, found the folder {network}")
    is_script = network.suffix.lower() == ".py"
    if given := [name for name, value in (of_network if is_script else of_script).items() if value is not None]:
        raise InputError(
            f"ablate: {given[0]}: expected with {'NET.onnx or NET.nir' if is_script else 'SCRIPT.py'} only"
        )
    if is_script:
        device = backend or AblationBackend.runtime
        judged = score, criterion, controls is not Controls.none
        return _ablate_script(network, fractions, seeds or 5, override or (), judged, device, out, json_)
    if data is None and network.suffix.lower() not in (".onnx", ".nir"):
        raise InputError(f"ablate: expected {A_NETWORK}, found {network.name!r}")
    if lacking := [name for name in ("--data", "--target") if of_network[name] is None]:
        raise InputError(f"ablate: {lacking[0]}: expected with {network.name}, found none")
    if backend is AblationBackend.runtime:
        raise InputError("ablate: --backend: expected cpp, numpy or cuda_standalone, found 'runtime'")
    backend = backend or AblationBackend.cpp
    of_nir = network.suffix.lower() == ".nir"
    for_nir = [name for name in ("--steps", "--dt", "--reset", "--readout") if of_network.get(name) is not None]
    if for_nir and not of_nir:
        raise InputError(f"ablate: {for_nir[0]}: expected with NET.nir only")
    if of_nir and kind is Kind.rate:
        raise InputError("ablate: --kind: expected spiking for a NIR file, found 'rate'")
    kind = Kind.spiking if of_nir else kind
    kinds = ["rate", "spiking"] if kind is Kind.both else [kind.value]

    def compute(report):
        import numpy as np

        from eisim.adapter.onnx_reader import read_onnx
        from eisim.adapter.static import feed_forward
        from eisim.base.files import check_writable
        from eisim.functions import LabelledData
        from eisim.studies.networks import NetworkAblations, ablate_network, class_evidence, class_floors

        check_writable(out)
        report("reading")
        read = {"ignore": ignore or (), "classes": True, "header": header}
        if of_nir:
            from eisim.base.units import parse_quantity
            from eisim.studies.spiking_networks import ablate_file

            labelled = LabelledData.from_file(data, target, weights, report, **read)
            step = None if dt is None else parse_quantity(dt, "second", "ablate: --dt")
            wanted = np.linspace(0, 1, levels), steps, backend.value, report, controls is not Controls.none
            how = step, reset.value.replace("-", " "), None if readout is None else readout.value
            return NetworkAblations((ablate_file(network, labelled, *wanted, *how),))
        dnn = feed_forward(read_onnx(network), "ablate")
        labelled = LabelledData.from_file(data, target, weights, report, **read)
        fractions, floors = np.linspace(0, 1, levels), class_floors(dnn, labelled, report)
        of_data = floors, controls is not Controls.none, class_evidence(dnn, labelled, floors, report)
        ablated = (ablate_network(dnn, labelled, fractions, k, backend.value, report, *of_data) for k in kinds)
        return NetworkAblations(tuple(ablated))

    out = out or Path("results") / f"ablate-{network.stem}"
    settings = {"levels": levels} | ({"steps": steps, "dt": dt, "reset": reset.value} if of_nir else {})
    settings |= {} if readout is None else {"readout": readout.value}
    how = {"kinds": kinds, "backend": backend.value, "settings_si": settings}
    found, view = _record("ablate", out, compute, how, also="ablation.json")
    if not json_:
        _show(view.terminal(), out)
    return _end(found, view.problems, json_)


def _ablate_script(script, fractions, seeds, override, judged, backend, out, json_) -> int:
    from eisim.cli import scripts

    score, criterion, controls = judged
    wanted = scripts.fractions_of("0,.25,.5,.75,1" if fractions is None else fractions)
    effects = scripts.overrides_of(override)
    if backend not in (AblationBackend.runtime, AblationBackend.cpp):
        raise InputError(f"ablate: --backend: expected runtime or cpp for a script, found {backend.value!r}")
    out = out or Path("results") / f"ablate-{script.stem}"

    def compute(report):
        from eisim.base.files import check_writable
        from eisim.studies.brian2_networks.running import ablate

        own = scripts.score_of(script, score)
        check_writable(out)
        options = {"criterion": criterion, "backend": backend.value, "controls": controls, "report": report}
        return ablate(script, wanted, seeds, own, effects, **options)

    settings = {"fractions": wanted, "seeds": seeds, "override": effects, "score": score, "criterion": criterion}
    settings["controls"] = controls
    found, view = _record(
        "ablate", out, compute, {"backend": backend.value, "settings_si": settings}, also="ablation.json"
    )
    if not json_:
        _show(view.terminal(), out)
    return _end(found, view.problems, json_)


@app.command("report")
def report_(
    folders: Annotated[list[Path], typer.Argument(help="Folders of runs.", metavar="DIR...")],
    out: Annotated[
        Path | None, Option(help="File to write: DIR/report.html, or report.html for several folders.", metavar="FILE")
    ] = None,
) -> None:
    """Rebuild the page of a run from its folder, or compare several runs side by side.

    Example: python -m eisim report results/boolean results/mine --out both.html
    """
    from contextlib import ExitStack

    from eisim.base.files import save
    from eisim.report.page import page
    from eisim.report.record import alone

    out = out or (folders[0] / PAGE if len(folders) == 1 else Path(PAGE))
    with ExitStack() as held:
        for folder in sorted({folder.resolve() for folder in folders if folder.is_dir()}):  # in order: no deadlock
            held.enter_context(alone(folder))
        save(out, page(folders, _say))
    _say_where(f"Report: {out}")


def _function(file, target, weights, ignore, header, truth_table, region) -> Callable:
    """A function of `report` that reads, or names, what the arguments of `certify` say."""
    from eisim.functions import REGIONS, TRUTH_TABLES, LabelledData, TruthTable
    from eisim.functions.truth_table import without_target

    given = [what for what in (file, truth_table, region) if what is not None]
    if len(given) != 1:
        raise InputError(f"certify: expected one of FILE.csv, --truth-table and --region, found {len(given)} of them")
    if file is None and (target is not None or weights is not None or ignore):
        raise InputError("certify: --target, --weights and --ignore: expected with FILE.csv only")
    if file is None and header is not None:
        raise InputError(f"certify: --{'' if header else 'no-'}header: expected with FILE.csv only")
    if truth_table is not None:
        if truth_table not in TRUTH_TABLES and set(truth_table) - {"0", "1"}:
            raise InputError(
                f"--truth-table: expected 0 and 1 in counting order or one of {', '.join(TRUTH_TABLES)}, "
                f"found {truth_table!r}{did_you_mean(truth_table, TRUTH_TABLES)}"
            )
        function = TRUTH_TABLES.get(truth_table) or TruthTable(truth_table)
        return lambda report: function
    if region is not None:
        if region not in REGIONS:
            raise InputError(
                f"--region: expected one of {', '.join(REGIONS)}, found {region!r}{did_you_mean(region, REGIONS)}"
            )
        return lambda report: REGIONS[region]

    def read(report):
        data = LabelledData.from_file(file, target, weights, report, ignore=ignore, classes=True, header=header)
        if target is None:
            without_target(data)
        return data

    return read


def put_off_imports() -> None:
    """Defer NumPy modules that SciPy's sparse arrays import, and few use, until they are first used."""
    import numpy

    for name in ("f2py", "testing"):
        spec = None if f"numpy.{name}" in sys.modules else find_spec(f"numpy.{name}")
        if spec is not None:
            spec.loader = LazyLoader(spec.loader)
            sys.modules[spec.name] = module = module_from_spec(spec)
            spec.loader.exec_module(module)
            setattr(numpy, name, module)


def _show(table, folder: Path, what: str = "Figures and data") -> None:
    show(table)
    _say_where(f"{what} are in {folder}", f"Report: {folder / PAGE}")


def _say_where(*lines: str) -> None:
    """Report where the results are; a name may be untrusted."""
    for line in lines:
        print(printable(line))
