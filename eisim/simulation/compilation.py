"""Compiling what Brian2 generated: two translation units instead of one for each code object.

Nearly all of the time goes into parsing the same headers again and into optimising what runs once. So the sources that
run in every step become one translation unit, those that set up and write results another, which is not optimised; both
include the standard library from a header that is compiled once for a toolchain and kept in the cache.
"""

import hashlib
import os
import re
import shlex
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from functools import cache as cache_of_call
from pathlib import Path

from eisim.base import processes
from eisim.base.progress import Report
from eisim.base.store import cache
from eisim.simulation.job import BINARY
from eisim.simulation.toolchain import NoProgramError, room

#: A compiler that takes longer is taken for one that hangs, in s.
TIMEOUT = 300.0
#: Brian2 names the support code of each code object in an unnamed namespace, and uses it in functions that begin so.
_SUPPORT, _FUNCTION = "\nnamespace {\n", "using namespace brian;"
#: Sources whose every line is executed once per run.
_RUN_ONCE = ("main.cpp", "objects.cpp", "run.cpp")
#: What lets a code object define functions that another one in its unit has defined.
_FORGET = "#undef EISIM_BITS\n#undef EISIM_ELEMENTARY\n"
_STEPS, _ONCE = "eisim_steps.cpp", "eisim_once.cpp"
_HEADER = "eisim_standard.h"
_STANDARD = (
    *("algorithm", "cassert", "chrono", "climits", "cmath", "cstddef", "cstdlib", "cstring", "ctime", "fstream"),
    *("iosfwd", "iostream", "iterator", "limits", "map", "random", "set", "sstream", "stdexcept", "string"),
    *("tuple", "type_traits", "utility", "vector", "assert.h", "math.h", "stddef.h", "stdint.h", "stdlib.h", "time.h"),
)


def begin_header(
    compiler: str, flags: list[str], toolchain: str, folder: Path, report: Report
) -> Callable[[], Path | None]:
    """Begin to compile the header of the standard library into a new folder, if the cache has none for this toolchain.

    Returns a function that waits for it and gives the header's place, or ``None`` where there is none; without it
    programs take longer to compile and are the same.
    """
    header, compiled = folder / _HEADER, folder / f"{_HEADER}.gch"
    text = "".join(f"#include <{name}>\n" for name in _STANDARD)
    name = hashlib.sha256(f"{toolchain}\n{text}".encode()).hexdigest()[:32] + ".gch"
    command = [*compiler.split(), *flags, "-x", "c++-header", str(header), "-o", str(compiled)]
    try:
        folder.mkdir()
        header.write_text(text)
        built = cache.obtain(cache.HEADERS, name, compiled, lambda: _begin(command, folder, compiled), report)
    except (OSError, NoProgramError):
        return lambda: None

    @cache_of_call  # a program that cannot be generated waits for its header once more
    def wait():
        try:
            if built is not None:
                built()
            return header
        except (OSError, NoProgramError):
            return None

    return wait


def begin_make(folder: Path, flags: list[str], header: Path | None) -> Callable[[], None]:
    """Begin to compile the sources that Brian2 left in a folder, with its makefile; returns a function that waits."""
    makefile = folder / "makefile"
    sources = re.search(r"^SRCS = (.*)$", makefile.read_text(), re.MULTILINE)
    arguments = [f"SRCS={' '.join(gather(folder, shlex.split(sources[1])))}"] if sources else []
    # Relative to this folder: parent folders may have any name, and make interprets some characters.
    included = [] if header is None else ["-include", os.path.relpath(header, folder)]
    with makefile.open("a") as file:
        file.write(f"\n$(OBJS): CXXFLAGS += {shlex.join([*flags, *included])}\n")
    return begin_plain_make(folder, "DEPS=", *arguments)  # what depends on what is all compiled once


def begin_plain_make(folder: Path, *arguments: str) -> Callable[[], None]:
    """Begin to make a folder as its makefile says; returns a function that waits."""
    return _begin(["make", "-j", str(os.cpu_count() or 1), *arguments], folder, folder / BINARY)


def _begin(command: list[str], folder: Path, made: Path) -> Callable[[], None]:
    """Begin to compile what will be `made`; returns a function that waits, and raises `NoProgramError` if it fails."""
    nothing = subprocess.DEVNULL
    log = folder / "compiler.log"
    with log.open("w") as said:
        process = processes.start(command, cwd=folder, stdin=nothing, stdout=nothing, stderr=said)

    def wait():
        try:
            status = process.wait(TIMEOUT)
        except BaseException as error:
            with suppress(ProcessLookupError):  # its group, with the compilers that make has called
                os.killpg(process.pid, signal.SIGKILL) if os.name == "posix" else process.kill()
            process.wait()
            if isinstance(error, subprocess.TimeoutExpired):
                raise NoProgramError(f"{command[0]} did not end within {TIMEOUT:g} s") from None
            raise
        if status or not made.is_file():
            raise NoProgramError(
                f"the generated program does not compile: {_what_failed(log.read_text(errors='replace'))}{room(folder)}"
            )

    return wait


def _what_failed(log: str) -> str:
    """The line of a compiler's messages that says the most."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    of_compiler = [line for line in lines if not line.startswith("make")]
    errors = [line for line in of_compiler if re.search(r"error|No space left", line, re.IGNORECASE)]
    said = ([*errors, *of_compiler, *lines] or ["it says nothing"])[0][:300]
    return "".join(letter if letter.isprintable() else "?" for letter in said)


def gather(folder: Path, sources: list[str]) -> list[str]:
    """Gather sources into translation units in the same folder; returns the units, whose objects are the program.

    Sources that are not written as we know them from Brian2 stay units of their own.
    """
    steps, once, others = [], [], []
    for number, name in enumerate(sources):
        if name in _RUN_ONCE:
            once.append(name)
        elif not name.startswith("code_objects/") or _rename_support(folder / name, f"eisim_support_{number}"):
            steps.append(name)
        else:
            others.append(name)
    (folder / _STEPS).write_text("".join(f'#include "{name}"\n{_FORGET}' for name in steps))
    (folder / _ONCE).write_text('#pragma GCC optimize ("O0")\n' + "".join(f'#include "{name}"\n' for name in once))
    return [_STEPS, _ONCE, *others]


def _rename_support(file: Path, name: str) -> bool:
    """Put a code object's support code in a separate namespace, so that one unit can hold many."""
    text = file.read_text()
    if text.count(_SUPPORT) != 1 or _FUNCTION not in text:
        return False
    text = text.replace(_SUPPORT, f"\nnamespace {name} {{\n")
    file.write_text(text.replace(_FUNCTION, f"{_FUNCTION} using namespace {name};"))
    return True
