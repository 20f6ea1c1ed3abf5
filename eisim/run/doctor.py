"""Diagnosis of this machine: versions, compiler, cache and extras; what is missing, and how to install it."""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from pathlib import Path

from eisim.base import processes
from eisim.base.store import cache

#: Whether something is as it should be, is missing though a run can do without, or stops every run.
OK, MISSING, FAILS = "ok", "missing", "fails"
_MARKS = {OK: "green", MISSING: "yellow", FAILS: "bold red"}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at, how it is, and what to do if it is not as it should be."""

    what: str
    state: str
    found: str
    advice: str = ""


@dataclass(frozen=True)
class Examination:
    """All that was looked at, and the backend that a run would use."""

    findings: tuple[Finding, ...]
    backend: str

    @property
    def is_able(self) -> bool:
        """Whether a run can work."""
        return all(finding.state != FAILS for finding in self.findings)

    @property
    def document(self) -> dict:
        """The document of ``doctor --json``."""
        findings = [asdict(finding) for finding in self.findings]
        return {"able": self.is_able, "backend": self.backend, "findings": findings}

    def table(self):
        """The findings as a Rich table."""
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
        table.add_column("what", no_wrap=True)
        table.add_column("state", no_wrap=True)
        table.add_column("found", overflow="fold", min_width=20)
        for finding in self.findings:
            words = finding.found + (f"\n{finding.advice}" if finding.advice else "")
            table.add_row(finding.what, Text(finding.state, style=_MARKS[finding.state]), Text(words))
        end = f"Runs work on the backend {self.backend}." if self.is_able else "Runs do not work: see above."
        return Group(table, "", Text(end, style="bold"))


def examine() -> Examination:
    """Look at everything."""
    python = Finding("Python", OK, f"{platform.python_version()} ({sys.executable}) on {platform.platform()}")
    compiler = tuple(_compiler())
    backend = "cpp" if all(finding.state == OK for finding in compiler) else "numpy"
    return Examination((python, *_dependencies(), _brian2(), *compiler, *_folders(), *_extras()), backend)


def _checked(what: str, is_fine, found: str, advice: str) -> Finding:
    """A finding of what a run can do without."""
    return Finding(what, OK, found) if is_fine else Finding(what, MISSING, found, advice)


def _requirements() -> Iterator:
    """The requirements in eisim's metadata, with markers that hold here or in an extra."""
    from packaging.requirements import Requirement

    for line in requires("eisim") or ():
        yield Requirement(line)


def _installed(requirement) -> tuple[str | None, bool]:
    """The installed version, and whether it meets the requirement."""
    try:
        found = version(requirement.name)
    except PackageNotFoundError:
        return None, False
    return found, requirement.specifier.contains(found, prereleases=True)


def _dependencies():
    yield Finding("eisim", OK, version("eisim"))
    for requirement in _requirements():
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        found, fits = _installed(requirement)
        if fits:
            yield Finding(requirement.name, OK, found)
        else:
            wanted = f"{requirement.name}{requirement.specifier}"
            words = f"expected {wanted}, found {found or 'none'}"
            yield Finding(requirement.name, FAILS, words, f'python -m pip install "{wanted}"')


def _brian2():
    """Whether the simulator can be imported, tried in a separate process, since it may fail in any way."""
    start = time.perf_counter()
    command = [sys.executable, "-W", "ignore", "-c", "import brian2"]
    done = processes.run(command, capture_output=True, text=True, errors="replace", check=False)
    if not done.returncode:
        return Finding("import of Brian2", OK, f"{time.perf_counter() - start:.1f} s")
    last = (done.stderr.strip().splitlines() or ["no message"])[-1]
    return Finding("import of Brian2", FAILS, last, "python -m pip install --upgrade --force-reinstall eisim")


def _compiler():
    """The C++ compiler and make; a run can do without, slowly."""
    from eisim.simulation.toolchain import flags_of

    slow = "without it runs are slower (backend numpy). " + _how_to_get_a_compiler()
    name, *words = os.environ.get("CXX", "g++").split() or ["compiler: CXX is empty"]
    place = shutil.which(name)
    if place is None:
        yield Finding("C++ compiler", MISSING, f"no {name}", slow)
    else:
        yield _compiled([place, *words], flags_of(" ".join([name, *words])), slow)
    make = shutil.which("make")
    yield _checked("make", make, make or "no make", slow)


def _how_to_get_a_compiler():
    if sys.platform == "darwin":
        return "xcode-select --install"
    if os.name == "nt":
        return "conda install -c conda-forge gxx make"
    return "sudo apt install g++ make, or conda install -c conda-forge gxx make"


def _compiled(compiler, flags, advice):
    """Whether the compiler compiles, how long a line takes, and whether what it makes can be started."""
    from eisim.simulation.toolchain import ask

    place, start = " ".join(compiler), time.perf_counter()
    try:
        asked = ask(*compiler, "--version")
        named = f"{place} ({(asked.stdout.splitlines() or ['unknown version'])[0]})"
        with tempfile.TemporaryDirectory(prefix="eisim-") as folder:
            source, program = Path(folder) / "line.cpp", str(Path(folder) / "line")
            source.write_text("#include <vector>\nint main() { return std::vector<int>(1)[0]; }\n")
            start = time.perf_counter()
            done = ask(*compiler, *flags, str(source), "-o", program)
            if done.returncode:
                last = (done.stderr.strip().splitlines() or ["no message"])[0]
                return Finding("C++ compiler", MISSING, f"{named} does not compile: {last}", advice)
            took = time.perf_counter() - start
            place = program
            ask(program)
    except subprocess.TimeoutExpired:
        return Finding("C++ compiler", MISSING, f"{place} does not answer", advice)
    except OSError as error:
        if place == " ".join(compiler):
            return Finding("C++ compiler", MISSING, f"{place} cannot be started: {error.strerror}", advice)
        words = f"{named}; programs cannot be started in {tempfile.gettempdir()}: {error.strerror}"
        return Finding("C++ compiler", MISSING, words, "set TMPDIR to a folder that is not mounted noexec")
    return Finding("C++ compiler", OK, f"{named}; compiling a line takes {took:.1f} s")


def _folders():
    kept = [file for kind in cache.KINDS for file in cache.kept_files(kind)]
    size = sum(file.size for file in kept)
    words = f"{cache.root()}: {len(kept)} entries, {size / 1e6:.1f} MB"
    wrong = cache.what_is_wrong()
    words += "; only this user can write there" if wrong is None else f"; cannot be used: {wrong}"
    advice = "programs are compiled again in each process; set EISIM_CACHE_DIR to your own folder"
    yield _checked("cache", wrong is None, words, advice)
    try:
        with tempfile.TemporaryFile(dir="."):
            yield Finding("this folder", OK, "results can be written here")
    except OSError:
        yield Finding("this folder", MISSING, "results cannot be written here", "run elsewhere, or with --out DIR")
    try:
        tempfile.gettempdir()
    except OSError:
        yield Finding("temporary folder", MISSING, "there is none", "set TMPDIR to a folder that can be written")


def _extras():
    """For each extra in the metadata, the packages that are missing."""
    extras = metadata("eisim").get_all("Provides-Extra") or []
    for extra in sorted(extras):
        mine = [r for r in _requirements() if r.marker is not None and r.marker.evaluate({"extra": extra})]
        mine = [r for r in mine if not r.marker.evaluate({"extra": ""}) and r.name != "eisim"]
        lacking = [r.name for r in mine if not _installed(r)[1]]
        what = f"extra {extra}"
        if not mine:
            yield Finding(what, MISSING, f"not for this system{_condition(extra)}")
        elif lacking:
            wanted = " ".join(f'"{r.name}{r.specifier}"' for r in mine if r.name in lacking)
            yield Finding(what, MISSING, f"lacks {', '.join(lacking)}", f"python -m pip install {wanted}")
        else:
            yield Finding(what, OK, ", ".join(f"{r.name} {version(r.name)}" for r in mine))


def _condition(extra: str) -> str:
    """The markers of an extra's requirement in the metadata, as the end of a sentence."""
    markers = [str(r.marker).replace('"', "'") for r in _requirements() if r.marker is not None]
    asked = {marker.replace(f"extra == '{extra}'", "") for marker in markers if f"extra == '{extra}'" in marker}
    words = sorted(filter(None, (" ".join(each.removesuffix(" and ").split()) for each in asked)))
    return f": expected {' or '.join(words)}" if words else ""
