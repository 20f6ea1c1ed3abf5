"""Generate documentation from the code: API, command line, circuits, gallery and the figures of the theory page.

The pages on performance and on large circuits are generated from the figures that benchmarks/bars.py measured.

``python docs/generate.py`` writes the pages that are committed; the gallery is generated when the site is built.
"""

import inspect
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, fields, is_dataclass
from enum import EnumType
from importlib import import_module
from importlib.metadata import entry_points
from inspect import cleandoc
from pathlib import Path

from matplotlib import rc_context

from eisim.base.docstrings import sections
from eisim.base.schema import describe
from eisim.base.units import format_quantity

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
STYLE = {"font.size": 8, "axes.titlesize": 8, "svg.hashsalt": "eisim", "savefig.transparent": False}


@dataclass(frozen=True)
class Example:
    """A run of an experiment in the gallery.

    Attributes
    ----------
    name : str
        Experiment.
    settings : str
        Command-line options that shorten the run; empty for the default run.
    """

    name: str
    settings: str = ""

    @property
    def command(self) -> str:
        """The command that reproduces the run."""
        return " ".join(["python -m eisim run", self.name, self.settings]).strip()


EXAMPLES = (
    Example("boolean"),
    Example("census", "--set inputs=3"),
    Example("geometry", "--set resolution=40 --set regions=half-plane,rising-half-plane,disc,two-islands"),
    Example("functions", "--set quick=1 --set seeds=1 --set circuits=center_surround,winner_take_all,wilson_cowan"),
    Example("limits", "--kind rate --set pairs=50"),
    Example("paper", "--kind rate --set networks=100"),
    Example("monotone_dynamics", "--set circuits=6 --set population=10 --set generations=2"),
    Example(
        "images",
        "--kind rate --set train=300 --set test=200 --set hidden=12 --set pooled_hidden=6 --set iterations=60 "
        "--set functions=3",
    ),
)


#: Toctrees that Sphinx adds to pages; readers of the repository follow the links in the text instead.
TREES = {
    "index": (2, ("install", "tutorial", "questions/index", "theory", "structure", "known_results",
                  "generated/gallery/index", "custom", "add_experiment", "record", "neurons", "plasticity",
                  "connectomes", "network_files", "brian2", "activity", "sweeps", "slurm", "reports", "untrusted_files",
                  "reference", "about")),
    "questions/index": (1, ("needs_inhibition", "your_brian2_script", "trained_network", "trained_rnn", "connectome",
                            "published_circuits", "partial_block", "recovery", "minimum_inhibition", "paper",
                            "limits")),
    "questions/published_circuits": (1, ("../circuits/*",)),
    "reference": (1, ("api", "generated/api_pages", "command_line", "glossary")),
    "about": (1, ("cite", "numbers", "verdicts", "statistics", "performance", "scale", "code", "changelog")),
}  # fmt: skip
#: Public names by heading of the API page, with the module from which they are imported.
API = {
    "Circuits": ("eisim", "Circuit Input Population Projection Readout AllToAll FixedInDegree FixedOutDegree "
                 "FixedProbability FixedTotalNumber GaussianProfile Independent Lognormal Normal Gamma from_brian2"),
    "Circuits in Brian2": ("eisim.adapter.brian2_network", "Brian2Network"),
    "Circuits in NEST": ("eisim", "to_nest"),
    "Scripts for NEST": ("eisim.adapter.nest_script", "NestScript"),
    "Neurons": ("eisim", "LIF ConductanceLIF Theta ThresholdLinear Saturating Softplus ExponentialLinear Logistic Step "
                "PowerLaw WilsonCowan RectifiedTanh AbbottChance"),
    "Neurons of equations": ("eisim", "Neuron AdEx EIF QIF Izhikevich HodgkinHuxley WangBuzsaki"),
    "f–I curves": ("eisim.analysis.fi_curve", "fi_curve FICurve"),
    "Custom neurons": ("eisim.neurons", "SpikingNeuron RateUnit"),
    "Synapses": ("eisim", "Delta Exponential Alpha Conductance NMDA ShortTerm Transient"),
    "Connectomes": ("eisim", "read_connectome Connectome"),
    "Neurons of connectomes": ("eisim.connectome", "shiu"),
    "Plasticity": ("eisim", "PlasticityRule STDP TripletSTDP InhibitoryPlasticity SynapticScaling Hebb Oja freeze"),
    "Functions and tasks": ("eisim", "TruthTable Region LabelledData Task Obstruction Fact"),
    "Simulation": ("eisim", "simulate Response"),
    "Stimuli": ("eisim.stimuli", "step ramp sine SpikeTimes"),
    "Statistics of activity": ("eisim.activity", "population_rate irregularity local_irregularity correlation "
                               "synchrony modulation spectrum rhythm Rhythm field_potential spectral_slope"),
    "Sweeps": ("eisim", "sweep Sweep"),
    "Ablation": ("eisim", "ablate silence shift_reversal compensate sham_excitation sham_random assess Assessment"),
    "Any Brian2 network": ("eisim.brian", "ablate inhibition ablated BrianAblation ControlRuns Found Finding "
                                          "GroupSpikes"),
    "DNNs": ("eisim", "to_dnn from_dnn to_spiking DNN UnrolledDNN train on_off decode read_onnx from_torch "
                        "to_torch from_nir to_nir"),
    "Recurrent networks": ("eisim", "RNN from_rnn train_recurrent RecurrentNetwork RecurrentTask task_from_neurogym"),
    "Tasks of recurrent networks": ("eisim.analysis.recurrent_tasks", "perceptual_decision context_integration "
                                    "delayed_match angle_memory"),
    "Theory": ("eisim", "certify Certificate StructuralCertificate WiringFloor synthesize predict Prediction "
               "mean_field MeanField"),
    "Spectra": ("eisim", "spectrum Spectrum"),
    "Interpolation": ("eisim.theory.interpolation", "interpolate"),
    "Perceptrons": ("eisim.analysis.perceptron", "capacity Capacity separable separable_share"),
    "Settings of an experiment": ("eisim.values", "Value quantity"),
    "Files and progress": ("eisim", "save load Progress"),
    "Errors": ("eisim", "InputError"),
}  # fmt: skip
BRIAN2_SCRIPT = DOCS / "questions" / "your_brian2_script.md"
#: Example files included in pages, each preceded by a comment that names it.
SHOWN = re.compile(r"(<!-- (examples/[\w/]+\.\w+) -->\n\n```\w+\n)(.*?)(^```$)", re.DOTALL | re.MULTILINE)
#: What is the same in reStructuredText and Markdown: items of lists, bold and italic text.
EMPHASIS = re.compile(r"^\* |\*\*[^*\s][^*]*\*\*|(?<!\w)\*[^*\s][^*]*\*(?!\w)", re.MULTILINE)
CIRCUITS = re.compile(r"(<!-- circuits -->\n)(.*?)(<!-- end of circuits -->)", re.DOTALL)


def committed() -> dict[Path, str]:
    """Committed pages that are generated from the code: path and text of each.

    ``python docs/generate.py`` writes them, and a test checks that they are up to date.
    """
    import performance

    pages = {
        DOCS / "api.md": api(),
        DOCS / "command_line.md": command_line(),
        DOCS / "performance.md": performance.page(),
        DOCS / "scale.md": performance.page(template="scale.md.j2"),
    }
    table, circuits = models()
    pages |= {DOCS / "circuits" / f"{name}.md": text for name, text in circuits.items()}
    page = DOCS / "questions" / "published_circuits.md"
    pages[page] = CIRCUITS.sub(lambda found: f"{found[1]}\n{table}\n\n{found[3]}", page.read_text(encoding="utf-8"))
    for page in (DOCS / "custom.md", DOCS / "add_experiment.md", DOCS / "neurons.md", BRIAN2_SCRIPT):
        shown = page.read_text(encoding="utf-8")
        pages[page] = SHOWN.sub(
            lambda found: found[1] + (ROOT / found[2]).read_text(encoding="utf-8") + found[4], shown
        )
    return pages


def _with_example(found: re.Match) -> str:
    return found[1] + (ROOT / found[2]).read_text(encoding="utf-8") + found[4]


def write_all(folder: Path, quick: bool = False) -> None:
    """Write the pages that exist only on the site; `quick` skips the experiments."""
    _write(folder / "api_pages.md", api_pages())
    for file, text in gallery(folder / "runs", quick):
        _write(folder / "gallery" / file, text)


def for_site(name: str, text: str) -> str:
    """The source of a page as Sphinx reads it, with its toctree."""
    if name == "changelog":
        return "```{include} ../CHANGELOG.md\n```\n"
    if name not in TREES:
        return text
    depth, pages = TREES[name]
    return "\n".join([text, "```{toctree}", ":hidden:", ":glob:", f":maxdepth: {depth}", "", *pages, "```", ""])


def figures(folder: Path) -> None:
    """Draw the figures of the theory page."""
    import theory_figures

    folder.mkdir(parents=True, exist_ok=True)
    with rc_context(STYLE):
        for draw in theory_figures.FIGURES:
            draw().savefig(folder / f"{draw.__name__}.svg", metadata={"Date": None})


def command_line() -> str:
    """Capture the ``--help`` output of every command."""
    from typer.main import get_command

    from eisim.cli.commands import app

    command = get_command(app)
    parts = [
        "# Command line",
        "",
        "The output of `--help` for each command. `run NAME --help` lists the settings of NAME.",
    ]
    for name in ["", *command.commands]:
        words = f"python -m eisim {name}".strip()
        parts += ["", f"## {name or 'eisim'}", "", "```sh", f"{words} --help", "```", "", "```text"]
        parts += [*(line.rstrip() for line in _eisim([*name.split(), "--help"]).strip().splitlines()), "```"]
    return "\n".join(parts) + "\n"


def api() -> str:
    """Every public name with its signature and docstring."""
    parts = [
        "# API",
        "",
        "The public names of `eisim`. Times, rates and voltages are Brian2 quantities; plain numbers are in SI units.",
        "",
        "eisim reads a plain number in SI units. If the value is physiologically implausible, such as a weight of 60",
        "onto a LIF neuron (60 V), a warning asks whether 60 mV was meant.",
        "",
        "`simulate` can be called from any thread, including through `asyncio.to_thread`. Brian2 serves one thread at",
        "a time, compiled programs run in parallel, and the results are identical to the bit. A separate Brian2 script",
        "is not protected in this way: run it in the same thread, before or after. With several circuits, stimuli",
        "with two or three axes are shared by all of them; a list of arrays or tables, or an array with four axes,",
        "holds one set per circuit. Nested lists are equivalent to the array of the same numbers.",
        "",
    ]
    for title, (home, names) in API.items():
        rows = [
            (f"[`{name}`](#{name.lower()})", _summary(getattr(import_module(home), name))) for name in names.split()
        ]
        parts += [f"## {title}", "", *_table(("name", "description"), rows), ""]
    parts += [
        "`eisim.TRUTH_TABLES` maps names to truth tables, `eisim.REGIONS` names to regions of the plane, "
        "`eisim.RECURRENT_TASKS` names to tasks of recurrent networks.",
        "",
    ]
    for home, names in API.values():
        for name in names.split():
            parts += [f"### {name}", "", *_described(home, name, getattr(import_module(home), name)), ""]
    return "\n".join(parts).rstrip() + "\n"


def _summary(thing) -> str:
    return markdown(cleandoc(thing.__doc__ or "").partition("\n\n")[0]).replace("\n", " ")


def _described(home, name, thing):
    """Lines on a public name: where it is imported from, its signature, and its docstring."""
    yield from ("```py", f"from {home} import {name}")
    if signature := _signature(name, thing):
        yield signature
    yield from ("```", "", markdown(cleandoc(thing.__doc__ or "")).strip())


def _signature(name, thing) -> str:
    """A call with every argument and its default, in the units in which people write it."""
    if isinstance(thing, EnumType) or (inspect.isclass(thing) and issubclass(thing, Exception)):
        return ""
    units = {f.name: f.metadata.get("unit", "") for f in fields(thing)} if is_dataclass(thing) else {}
    words, marked = [], False
    for each in inspect.signature(thing).parameters.values():
        if each.kind is each.KEYWORD_ONLY and not marked:
            words, marked = [*words, "*"], True
        star = {each.VAR_POSITIONAL: "*", each.VAR_KEYWORD: "**"}.get(each.kind, "")
        default = "" if each.default is each.empty else f"={_default(each.default, units.get(each.name, ''))}"
        words.append(f"{star}{each.name}{default}")
    call = f"{name}({', '.join(words)})"
    return call if len(call) <= 100 else f"{name}(\n    " + ",\n    ".join(words) + ",\n)"


def _default(value, unit):
    if isinstance(value, float) and unit not in ("", "1"):
        return format_quantity(value, unit).replace(" ", "*")
    return "..." if "<factory>" in repr(value) else repr(value)


def api_pages() -> str:
    """The page from which Sphinx generates one page per public name."""
    parts = ["# API: one page per name", ""]
    for title, (home, names) in API.items():
        parts += [f"## {title}", "", "```{eval-rst}", f".. currentmodule:: {home}", ".. autosummary::"]
        parts += ["   :toctree: api", "", *(f"   {name}" for name in names.split()), "```", ""]
    return "\n".join(parts)


def models() -> tuple[str, dict[str, str]]:
    """Return a table of all models, and a page for each by its name, from its docstrings."""
    rows, pages = [], {}
    for point in sorted(entry_points(group="eisim.models"), key=lambda p: p.name):
        model = point.load()
        if model.__name__.rpartition(".")[0] not in ("models", "eisim.models"):
            continue
        task = _task(model)
        function = model.FUNCTION if isinstance(model.FUNCTION, str) else model.FUNCTION.name
        what = markdown(cleandoc(model.__doc__).splitlines()[0].rstrip("."))
        title = point.name.replace("_", " ")
        rows.append((str(function), f"[{title}](../circuits/{point.name}.md)", what, str(_obstruction(model, task))))
        pages[point.name] = _model_page(point.name, model, task)
    table = _table(("function", "circuit", "description", "declared obstruction"), sorted(rows))
    return "\n".join(table), pages


def _task(model):
    """The task of a model, if there is one: of the rate circuit, or else of the spiking one."""
    from eisim.base.errors import InputError

    if not hasattr(model, "task"):
        return None
    try:
        return model.task("rate", quick=True)
    except InputError:
        return model.task("spiking", quick=True)


def _table(headings, rows):
    yield "| " + " | ".join(headings) + " |"
    yield "|" + " --- |" * len(headings)
    for row in rows:
        yield "| " + " | ".join(cell.replace("|", r"\|") for cell in row) + " |"


def _obstruction(model, task) -> str:
    from eisim import certify

    if task:
        return task.obstruction
    if isinstance(model.FUNCTION, str):
        return "no task"
    witness = certify(model.FUNCTION).witness
    if witness is None:
        return "an excitatory-only circuit with other wiring does"
    lower, upper = ("".join(str(int(v)) for v in x) for x in witness)
    return f"witness {lower} ≤ {upper}"


def _model_page(name, model, task) -> str:
    from eisim.base.schema import describe
    from eisim.report.numbers import number
    from eisim.run.model import Model

    commands = [f"python -m eisim run {name}"] if task else []
    commands += [f"python -m eisim list {name}"]
    if not isinstance(model.FUNCTION, str) or (task and task.circuit(0).kind == "rate"):
        commands += [f"python -m eisim export {name} --to onnx --out {name}.onnx"]
    parts = [f"# {name.replace('_', ' ')}", "", markdown(cleandoc(model.__doc__)), ""]
    if task:
        parts += [f"The task's score: {task.measure}; criterion {task.criterion:g}.", ""]
    parts += ["```sh", *commands, "```", "", f"The source is [models/{name}.py](../../models/{name}.py).", ""]
    for part in ("circuit", "task"):
        if hasattr(model, part):
            function = getattr(model, part)
            parts += [f"## `{_signature(part, function)}`".replace("\n", " ").replace("(     ", "("), ""]
            parts += [markdown(cleandoc(function.__doc__ or "")), ""]
            described = [(f"`{each.name}`", each.words) for each in describe(function, ("kind", "seed"))]
            if described and "Parameters" not in sections(function.__doc__):
                parts += [*_table(("parameter", "description"), described), ""]
    if facts := Model.of_module(model, name).last_measured():
        rows = [
            (
                fact.what,
                number(float(fact.published)),
                number(float(fact.ours)),
                number(float(fact.tolerance)),
                fact.source,
            )
            for fact in facts
        ]
        parts += ["## Comparison with published values", ""]
        parts += [*_table(("quantity", "published", "eisim", "tolerance", "source"), rows), ""]
        parts += [f"`python -m eisim list {name} --published` repeats the measurement.", ""]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(parts)).rstrip() + "\n"


def markdown(doc: str) -> str:
    """A numpydoc docstring as Markdown that GitHub renders."""
    parts = []
    for title, body in sections(doc).items():
        if title == "Examples":
            parts += ["**Examples**", "", "```pycon", body, "```", ""]
        elif title in ("Parameters", "Attributes", "Returns", "Raises", "Yields", "Other Parameters"):
            parts += [f"**{title}**", "", *_entries(body), ""]
        else:
            parts += [*([f"**{title}**", ""] if title else []), _prose(body), ""]
    return "\n".join(parts).strip()


def _entries(body):
    """Parameters and the like as a list: the lines that are not indented, each with what follows it."""
    entries = re.split(r"\n(?=\S)", body)
    for entry in entries:
        head, _, text = entry.partition("\n")
        name, colon, kind = head.partition(" : ")
        said = " ".join(_prose(cleandoc(text)).split())
        yield f"- `{name}`{f' ({_inline(kind)})' if colon else ''}{f': {said}' if said else ''}"


def _prose(text: str) -> str:
    blocks, after_math = [], False
    for block in re.split(r"\n\n+", text):
        lines = block.splitlines()
        if after_math:  # a formula separated from its directive
            blocks.append("\n".join(["$$", *(line.strip() for line in lines), "$$"]))
        elif lines and lines[0].lstrip().startswith(".. math::"):
            indent = lines[0][: -len(lines[0].lstrip())]  # that of a list
            formula = [lines[0].strip().removeprefix(".. math::").strip(), *(line.strip() for line in lines[1:])]
            if any(formula):
                blocks.append("\n".join(indent + line for line in ("$$", *filter(None, formula), "$$")))
        elif lines and re.fullmatch(r"=+( +=+)+", lines[0]):
            blocks.append("\n".join(_simple_table(lines)))
        elif lines and all(line.startswith("    ") for line in lines):
            blocks.append("\n".join(["```text", *(line[4:] for line in lines), "```"]))
        else:
            blocks.append(_inline(block))
        after_math = lines == [".. math::"]
    return "\n\n".join(blocks)


def _simple_table(lines):
    """A simple table of reStructuredText; a row without a first cell continues the row above."""
    spans = [found.span() for found in re.finditer("=+", lines[0])]
    spans[-1] = (spans[-1][0], 10_000)
    rows = [[line[start:end].strip() for start, end in spans] for line in lines if not re.fullmatch("[= ]+", line)]
    joined = []
    for row in rows:
        if joined and not row[0]:
            joined[-1] = [f"{above} {cell}".strip() for above, cell in zip(joined[-1], row, strict=True)]
        else:
            joined.append(row)
    heading, *body = [[_inline(cell) for cell in row] for row in joined]
    return _table(heading, body)


def _inline(text: str) -> str:
    """Roles, literals and links of reStructuredText as Markdown."""
    kept = []

    def keep(found):
        kept.append(found)
        return f"\0{len(kept) - 1}\0"

    text = re.sub(r":math:`([^`]*)`", lambda m: keep(f"${' '.join(m[1].split())}$"), text)
    text = re.sub(r"``(.+?)``", lambda m: keep(f"`{m[1]}`"), text)
    text = re.sub(r":\w+:`~?([^`]*)`", lambda m: keep(f"`{m[1]}`"), text)
    text = re.sub(r"`([^`<]+?)\s*<([^`>]*)>`__?", lambda m: keep(f"[{m[1]}]({m[2]})"), text)
    text = re.sub(r"`([^`]+)`", lambda m: keep(f"`{m[1]}`"), text)
    text = EMPHASIS.sub(lambda m: keep(m[0]), text)
    text = text.replace("*", "\\*").replace("<", "&lt;")
    while "\0" in text:  # emphasis may hold a literal
        text = re.sub("\0([0-9]+)\0", lambda m: kept[int(m[1])], text)
    return text


def gallery(folder: Path, quick: bool):
    """Yield pairs of file name and page: the command of each example and the files that it wrote."""
    for example in EXAMPLES:
        yield f"{example.name}.md", _gallery_page(example, folder / example.name, quick)
    index = [
        "# Gallery",
        "",
        "Each page shows the output of one command: the figures, the table and `report.html`. Each page states whether",
        "its settings make the run shorter than the default experiment.",
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
        parts += [f"The experiment with its default settings is `python -m eisim run {example.name}`.", ""]
    if quick:
        return "\n".join([*parts, "This site was built without running the experiments."]) + "\n"
    shown = _run(example, folder)
    found = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    findings = found.get("report") or {}
    where = f"../runs/{example.name}"
    if findings:
        parts += [f"**{findings['question']}** {findings['answer']}", ""]
    if (folder / "report.html").exists():
        parts += [
            f"{{download}}`Full report <{where}/report.html>`, a single file that opens in any browser.",
            "",
        ]
    for picture in _pictures(folder):
        parts += [f"```{{figure}} {where}/{picture['file']}", f":alt: {_line(picture['alternative'])}", ""]
        parts += [*([_line(picture["caption"])] if picture["caption"] else []), "```", ""]
    parts += ["## Output", "", "```text", shown.rstrip(), "```", "", "## Settings", ""]
    settings = [(f"`{each.name}`", each.words) for each in describe(module.Settings)]
    parts += [*_table(("setting", "description"), settings), ""]
    settings = [f"- `{key}` = {value}" for key, value in found["settings_si"].items()]
    parts += ["Settings used for this run, in SI units:", "", *settings, ""]
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
    """The output of ``python -m eisim`` at the given width in columns, without colour."""
    env = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": str(width), "TERMINAL_WIDTH": str(width), "NO_COLOR": "1"}
    done = subprocess.run([sys.executable, "-m", "eisim", *words], capture_output=True, text=True, env=env, cwd=ROOT)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)}: exit status {done.returncode}: {done.stderr.strip()}")
    return re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text(encoding="utf-8") != text:  # what is unchanged is not read again
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    for path, text in committed().items():
        _write(path, text)
    figures(DOCS / "figures")
