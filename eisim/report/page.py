"""The page of a run, or of several side by side: one HTML file that loads nothing, made of stored folders alone.

The contents of a folder may be untrusted. Everything is escaped, a figure is an image (its scripts cannot run), and
the page's own policy lets nothing be loaded, and nothing be run but the one script that is named by its hash.
"""

import base64
import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from eisim.base.errors import InputError
from eisim.base.units import format_quantity
from eisim.report import numbers
from eisim.report.findings import Findings, Picture
from eisim.report.grid import grid, joined, match
from eisim.report.plain import plain_findings
from eisim.report.provenance import is_command
from eisim.report.stored import LARGEST_FIGURE, LARGEST_TABLE, Stored, read_stored

#: Runs that a page sets side by side.
MOST_RUNS = 8
#: Largest total size of embedded files, in bytes, and of a page, in characters.
MOST_CARRIED, LARGEST_PAGE = 40_000_000, 100_000_000
#: The paper whose theorem eisim tests, as in CITATION.cff.
PAPER = {
    "authors": (
        "Qingyang Wang",
        "Mike A. Powell",
        "Ali Geisa",
        "Eric Bridgeford",
        "Carey E. Priebe",
        "Joshua T. Vogelstein",
    ),
    "title": "Why do networks have inhibitory/negative connections?",
    "conference": "IEEE/CVF International Conference on Computer Vision (ICCV)",
    "year": 2023,
    "pages": (22551, 22559),
    "arxiv": "2208.03211",
}
SOFTWARE = {"authors": ("The eisim developers",), "title": "eisim: what does inhibition buy a network?"}


@dataclass(frozen=True)
class Download:
    """A file to be saved: its address, or the id of the element that has it already; neither if it is too large."""

    name: str
    size: str
    id: str = ""
    address: str = ""
    source: str = ""


@dataclass(frozen=True)
class Figure:
    """A figure of one run; without an address it is too large to be carried."""

    id: str
    run: str
    picture: Picture
    address: str
    width: int | None
    height: int | None
    size: str
    data: Download | None


@dataclass(frozen=True)
class Run:
    """One run as the page shows it; its label is empty where it is the only one."""

    label: str
    stored: Stored
    findings: Findings

    @property
    def settings(self) -> list[tuple[str, str]]:
        """Settings as text, with units."""
        shown, provenance = [], self.stored.provenance
        for name, value in provenance.settings_si.items():
            if value is None or value in ("", [], {}):  # not given
                continue
            unit = provenance.settings_units.get(name, "")
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            shown.append((name, format_quantity(value, unit) if number and unit else numbers.number(value)))
        return shown

    @property
    def command(self) -> str:
        """The command as one line, line ends and the like written out."""
        text = self.stored.provenance.command
        return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)

    @property
    def is_repeatable(self) -> bool:
        """Whether the command may be copied: an untrusted one may be anything."""
        return is_command(self.stored.provenance.command)

    @property
    def total(self) -> float:
        """Seconds that all stages took."""
        return sum(self.stored.provenance.seconds.values())


def page(folders: Sequence, tell: Callable[[str], None] = lambda line: None) -> str:
    """The HTML of the runs in these folders: one by itself, several side by side.

    `tell` takes a line for each of their files that is not as it was written.
    """
    if not 1 <= len(folders) <= MOST_RUNS:
        raise InputError(f"report: expected 1 to {MOST_RUNS} folders, found {len(folders)}")
    found = [read_stored(folder) for folder in folders]
    labels = "ABCDEFGH" if len(folders) > 1 else [""]
    runs = [
        Run(label, stored, stored.provenance.report or plain_findings(stored))
        for label, stored in zip(labels, found, strict=False)
    ]
    for run in runs:
        for name in run.stored.changed:
            tell(f"{run.stored.folder / name}: changed since the run")
    carried = _Carried(runs)
    if len(runs) == 1:
        grids = [grid(table) for table in runs[0].findings.tables]
    else:
        rows = match([run.findings.tables for run in runs])
        grids = [joined(row, [run.label for run in runs]) for row in rows]
    tables = [(shown, [*map(carried.table, shown.data)]) for shown in grids]
    questions = dict.fromkeys(run.findings.question for run in runs)
    question = next(iter(questions)) if len(questions) == 1 else f"{len(runs)} runs side by side"
    html = _bounded(
        template(),
        question=question,
        runs=runs,
        tables=tables,
        circuits=_rows(runs, "circuits", carried),
        pictures=_rows(runs, "pictures", carried),
        figures_first=all(run.findings.figures_first for run in runs),
        proofs=[(run, proof) for run in runs for proof in run.findings.proofs],
        differences=_differences(runs),
        problems=[(run.label, problem) for run in runs for problem in run.stored.problems],
        changed=[(run.label, name) for run in runs for name in run.stored.changed],
        paper=PAPER,
        software=SOFTWARE,
        versions=sorted({run.stored.provenance.versions.get("eisim", "") for run in runs} - {""}),
        bibtex=_bibtex(runs[0].stored.provenance.versions.get("eisim", "")),
        style=_part("page.css"),
        script=_part("page.js"),
    )
    return html.encode("utf-8", "replace").decode("utf-8")  # half a surrogate pair is valid JSON, but not UTF-8


def _bounded(made, **parts) -> str:
    """Render a template; an untrusted folder could make it arbitrarily long."""
    written, size = [], 0
    for piece in made.generate(**parts):
        written.append(piece)
        size += len(piece)
        if size > LARGEST_PAGE:
            raise InputError(f"report: expected runs that make a page of at most {LARGEST_PAGE:,} bytes, found more")
    return "".join(written)


class _Carried:
    """Files that the page carries, each once."""

    def __init__(self, runs: Sequence[Run]):
        self.runs = {run.label: run for run in runs}
        self.ids: dict[tuple, str] = {}
        self.carried = 0

    def _attachment(self, run, name: str, largest: int):
        """The file, without its content where that is one too many."""
        file = run.stored.attachment(name, min(largest, MOST_CARRIED - self.carried))
        self.carried += len(file.content or b"")
        return file

    def table(self, data: tuple[str, str]) -> Download:
        """The CSV file (label of the run, name)."""
        label, name = data
        if source := self.ids.get(data):
            return Download(name, "", source=source)
        file = self._attachment(self.runs[label], name, LARGEST_TABLE)
        if file.content is None:
            return Download(name, _size(file.size))
        self.ids[data] = f"file{len(self.ids)}"
        return Download(name, _size(file.size), self.ids[data], _data("text/csv;charset=utf-8", file.content))

    def figure(self, run: Run, picture: Picture) -> Figure:
        """The figure of a run, with the numbers that it draws."""
        file = self._attachment(run, picture.file, LARGEST_FIGURE)
        if file.content is not None and b"<svg" not in file.content[:4096]:
            raise InputError(f"{run.stored.folder / picture.file}: expected an SVG figure, found something else")
        width, height = _extent(file.content or b"")
        data = self.table((run.label, picture.data)) if picture.data else None
        identity = f"figure{len(self.ids)}"
        self.ids[run.label, picture.file, identity] = identity
        address = _data("image/svg+xml", file.content) if file.content is not None else ""
        return Figure(identity, run.label, picture, address, width, height, _size(file.size), data)


def _rows(runs, part, carried) -> list[list[Figure]]:
    """Figures, those of several runs with the same file name together."""
    rows: dict[str, list[Figure]] = {}
    for run in runs:
        for picture in getattr(run.findings, part):
            rows.setdefault(picture.file, []).append(carried.figure(run, picture))
    return list(rows.values())


def _differences(runs) -> tuple[list[tuple[str, list[str]]], list[str]]:
    """Settings in which several runs differ, with the value of each; and those that they share."""
    described = [_described(run) for run in runs]
    names = dict.fromkeys(name for one in described for name in one)
    differ, same = [], []
    for name in names:
        values = [one.get(name, "–") for one in described]
        if len(set(values)) > 1:
            differ.append((name, values))
        elif values[0]:
            same.append(f"{name} {values[0]}")
    return differ, same


def _described(run) -> dict[str, str]:
    stored, provenance = run.stored, run.stored.provenance
    return {
        "experiment": stored.name,
        "seed": "" if provenance.seed is None else str(provenance.seed),
        "kinds": " and ".join(provenance.kinds),
        "backend": provenance.backend,
        **{f"setting {name}": value for name, value in run.settings},
        **{f"version of {name}": version for name, version in provenance.versions.items()},
        "platform": provenance.platform,
    }


def _extent(svg: bytes) -> tuple[int | None, int | None]:
    """Width and height of an SVG figure, in pixels; None where it does not say."""
    head = re.search(rb"<svg[^>]*>", svg[:8192])
    found = [re.search(_LENGTH % side, head[0] if head else b"") for side in _SIDES]
    if not all(found):
        return None, None
    sizes = [round(float(m[1]) * (4 / 3 if m[2] == b"pt" else 1)) for m in found]
    return sizes[0] or None, sizes[1] or None


_SIDES = (b"width", b"height")
_LENGTH = rb"\s%s=[\"']([0-9]{1,9}(?:\.[0-9]{1,9})?)[0-9]*(pt|px|)[\"']"


def _data(media: str, content: bytes) -> str:
    return f"data:{media};base64,{base64.b64encode(content).decode()}"


def _size(number: int) -> str:
    return f"{number / 1e6:.1f} MB" if number >= 999_500 else f"{max(1, round(number / 1e3))} kB"


def _bibtex(version: str) -> str:
    names = " and ".join(PAPER["authors"])
    first, last = PAPER["pages"]
    return (
        f"@inproceedings{{wang2023inhibitory,\n  title = {{{PAPER['title']}}},\n  author = {{{names}}},\n"
        f"  booktitle = {{{PAPER['conference']}}},\n  year = {{{PAPER['year']}}},\n  pages = {{{first}--{last}}},\n"
        f"  note = {{arXiv:{PAPER['arxiv']}}}\n}}\n"
        f"@software{{eisim,\n  title = {{{SOFTWARE['title']}}},\n  author = {{{{{SOFTWARE['authors'][0]}}}}}"
        + (f",\n  version = {{{version}}}" if re.fullmatch(r"[\w.+]{1,40}", version) else "")
        + "\n}"
    )


@cache
def _part(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8").strip()


@cache
def template():
    """The template, compiled: a tenth of a second that may be spent while figures are drawn."""
    import jinja2
    from markupsafe import Markup

    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    environment.trim_blocks = environment.lstrip_blocks = True
    environment.filters["own"] = Markup  # the style and the script, which are eisim's, are not escaped
    environment.filters["hash"] = _hash
    environment.filters["number"] = numbers.number
    return environment.from_string(_part("page.html"))


def _hash(part: str) -> str:
    """The source expression of a style or a script in a content security policy."""
    return "sha256-" + base64.b64encode(hashlib.sha256(part.encode()).digest()).decode()
