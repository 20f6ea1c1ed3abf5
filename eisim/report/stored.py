"""The folder of a run as it was written, read back with every check: it may be damaged or untrusted."""

import hashlib
import json
import os
import stat
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eisim.base.errors import InputError
from eisim.base.schema import JSON, read, short
from eisim.report.findings import Findings

#: The document that says what a run found, and those of earlier versions for commands that had their own.
RUN = "run.json"
DOCUMENTS = (RUN, "certificate.json", "ablation.json")
#: The page.
PAGE = "report.html"
#: Largest files that are read and shown, in bytes: documents, figures and tables.
LARGEST_DOCUMENT, LARGEST_FIGURE, LARGEST_TABLE = 64_000_000, 2_000_000, 300_000
#: More columns in a table are refused.
MOST_COLUMNS = 1_000
MOST_DECIMALS = 15


@dataclass(frozen=True)
class Provenance:
    """How a result was produced; older folders lack some of these fields."""

    experiment: str = ""
    about: str = ""
    command: str = ""
    finished: str = ""
    seed: int | None = None
    kinds: tuple[str, ...] = ()
    backend: str = ""
    settings_si: dict[str, Any] = field(default_factory=dict)
    settings_units: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    platform: str = ""
    seconds: dict[str, float] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    digests: dict[str, str] = field(default_factory=dict)
    report: Findings | None = None


@dataclass(frozen=True)
class Attachment:
    """A file of the folder; its content is None where it is too large to be carried in a page."""

    name: str
    size: int
    content: bytes | None


@dataclass(frozen=True)
class Stored:
    """A run that is in a folder; its name is that of the experiment, or the command.

    Problems contradict the theory or a check; changed files are not as the run wrote them.
    """

    folder: Path
    name: str
    provenance: Provenance
    problems: tuple[str, ...]
    changed: tuple[str, ...] = ()

    def attachment(self, name: str, largest: int) -> Attachment:
        """The file with this name, which must be in the folder itself."""
        return Attachment(name, *_content(inside(self.folder, name), largest))


def inside(folder: Path, name: str) -> Path:
    """The file with this name, which must be in the folder itself."""
    if not name or name != os.path.basename(name) or "\\" in name or name.startswith(".") or not name.isprintable():
        raise InputError(f"{folder}: expected names of files in this folder, found {short(name)}")
    return folder / name


def fingerprint(document: dict) -> str:
    """SHA-256 of a document without its digests, which hold this one."""
    rest = {key: value for key, value in document.items() if key != "digests"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def names_in(folder: Path) -> set[str]:
    """Names of what a run has left in a folder, as its document says; all else there is the user's."""
    names = {PAGE}
    for document in DOCUMENTS:
        with suppress(InputError, OSError, AttributeError, TypeError):
            found = _document(folder / document)
            report = found.get("report") or {}
            shown = [part for key in ("tables", "pictures", "circuits") for part in report.get(key) or ()]
            listed = [*(found.get("files") or ()), *(part.get(key, "") for part in shown for key in ("file", "data"))]
            names |= {document, *(name for name in listed if name and inside(folder, name))}
    return names


def read_stored(folder) -> Stored:
    """Read the document of a folder that ``run``, ``certify`` or ``ablate`` wrote."""
    folder = Path(folder)
    found = [name for name in DOCUMENTS if os.path.lexists(folder / name)]
    if not found:
        what = "a folder without it" if folder.is_dir() else "a file" if folder.exists() else "nothing there"
        raise InputError(f"{folder}: expected the folder of a run, with {' or '.join(DOCUMENTS)}, found {what}")
    path = folder / found[0]
    document = _document(path)
    provenance = read(Provenance, document, str(path), JSON)
    others = [name for name in found[1:] if name not in provenance.files]
    if others:
        raise InputError(f"{folder}: expected the results of one run, found {' and '.join([found[0], *others])}")
    if path.name == RUN:
        name, result = provenance.experiment, document.get("result")
        if not name or not isinstance(result, dict):
            missing = "experiment" if not name else "result"
            raise InputError(f"{path}: expected what eisim run wrote, found no {missing!r}")
    else:
        name, result = {"certificate.json": "certify", "ablation.json": "ablate"}[path.name], document
    problems = read(tuple[str, ...], result.get("problems", []), f"{path}: problems", JSON)
    for number, table in enumerate(provenance.report.tables if provenance.report else ()):
        _check_table(table, f"{path}: report.tables[{number}]")
    return Stored(folder, name, provenance, problems, tuple(_changed(folder, path.name, document, provenance.digests)))


def _changed(folder, own, document, digests):
    """Names of files that are not what their digests say; folders of earlier versions have none."""
    for name, known in digests.items():
        if (fingerprint(document) if name == own else _digest(inside(folder, name))) != known:
            yield name


def _digest(path: Path) -> str:
    try:
        with open(path, "rb", opener=_open_here) as file:
            regular = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
            return hashlib.file_digest(file, "sha256").hexdigest() if regular else ""
    except OSError:
        return ""


def _content(path: Path, largest: int) -> tuple[int, bytes | None]:
    """Size of a regular file, and its content if it is no larger than that."""
    try:
        with open(path, "rb", opener=_open_here) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise InputError(f"{path}: expected a file, found something else")
            return status.st_size, file.read(largest) if status.st_size <= largest else None
    except FileNotFoundError:
        raise InputError(f"{path}: expected a file that the folder's document names, found none") from None
    except OSError as error:
        raise InputError(f"{path}: expected a file that can be read, found: {error.strerror}") from None


def _open_here(path, flags):
    """Open without waiting for a pipe's other end, and not through a link, which may lead out of the folder."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0))


def _document(path):
    size, content = _content(path, LARGEST_DOCUMENT)
    if content is None:
        raise InputError(f"{path}: expected at most {LARGEST_DOCUMENT:,} bytes, found {size:,}")
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        why = "nested too deep" if isinstance(error, RecursionError) else str(error)
        raise InputError(f"{path}: expected JSON, found {why}") from None
    if not isinstance(document, dict):
        raise InputError(f"{path}: expected a JSON object, found {short(document)}")
    return document


def _check_table(table, where):
    if not table.columns:
        raise InputError(f"{where}: expected columns, found none")
    if len(table.columns) > MOST_COLUMNS:
        raise InputError(f"{where}: expected at most {MOST_COLUMNS:,} columns, found {len(table.columns):,}")
    for column in table.columns:
        if column.kind not in ("text", "number", "verdict"):
            raise InputError(f"{where}: expected columns of text, number or verdict, found {short(column.kind)}")
        if column.decimals is not None and not 0 <= column.decimals <= MOST_DECIMALS:
            raise InputError(f"{where}: expected 0 to {MOST_DECIMALS} decimals, found {column.decimals}")
    if not 1 <= table.keys <= len(table.columns):
        raise InputError(f"{where}: expected 1 to {len(table.columns)} columns that name a row, found {table.keys}")
    for k, row in enumerate(table.rows):
        if len(row) != len(table.columns):
            raise InputError(f"{where}.rows[{k}]: expected {len(table.columns)} cells, found {len(row)}")
