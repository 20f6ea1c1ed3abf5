"""Compiling what Brian2 generated: two translation units instead of one for each code object.

Nearly all of the time goes into parsing the same headers again and into optimising what runs once. So the sources that
run in every step become one translation unit, those that set up and write results another, which is not optimised; both
include the standard library from a header that is compiled once for a toolchain and kept in the cache.
"""

import hashlib
import os
import re
import shlex
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

#: Brian2 names the support code of each code object in an unnamed namespace, and uses it in functions that begin so.
_SUPPORT, _FUNCTION = "\nnamespace {\n", "using namespace brian;"
#: Sources of which every line runs once in a run.
_RUN_ONCE = ("main.cpp", "objects.cpp", "run.cpp")
_STEPS, _ONCE = "eisim_steps.cpp", "eisim_once.cpp"
_HEADER = "eisim_standard.h"
_STANDARD = (
    *("algorithm", "cassert", "chrono", "climits", "cmath", "cstddef", "cstdlib", "cstring", "ctime", "fstream"),
    *("iosfwd", "iostream", "iterator", "limits", "map", "random", "set", "sstream", "stdexcept", "string"),
    *("tuple", "type_traits", "utility", "vector", "assert.h", "math.h", "stddef.h", "stdint.h", "stdlib.h", "time.h"),
)


def begin_header(compiler: str, flags: list[str], toolchain: str, cache: Path) -> Callable[[], Path | None]:
    """Begin to compile the header of the standard library, if the cache has none for this toolchain.

    Returns a function that waits for it and gives the header's place, or ``None`` where there is none; without it
    programs take longer to compile and are the same.
    """
    folder = cache / f"headers-{hashlib.sha256(toolchain.encode()).hexdigest()[:32]}"
    header = folder / _HEADER
    compiled = folder / f"{_HEADER}.gch"
    if compiled.exists():
        return lambda: header
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, partial = tempfile.mkstemp(dir=folder, prefix="partial-")
        os.close(handle)
        if not header.exists():
            Path(partial).write_text("".join(f"#include <{name}>\n" for name in _STANDARD))
            os.replace(partial, header)
        command = [compiler, *flags, "-x", "c++-header", str(header), "-o", partial]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    except OSError:
        return lambda: None

    def wait():
        try:
            if process.wait():
                return None
            os.replace(partial, compiled)
            return header
        except OSError:
            return None
        except BaseException:
            process.kill()
            raise
        finally:
            with suppress(OSError):
                os.unlink(partial)

    return wait


def begin_make(folder: Path, header: Path | None) -> Callable[[], None]:
    """Begin to compile the sources that Brian2 left in a folder, with its makefile; returns a function that waits."""
    makefile = folder / "makefile"
    sources = re.search(r"^SRCS = (.*)$", makefile.read_text(), re.MULTILINE)
    arguments = [f"SRCS={' '.join(gather(folder, shlex.split(sources[1])))}"] if sources else []
    if header is not None:
        with makefile.open("a") as file:
            file.write(f"\n$(OBJS): CXXFLAGS += -include {shlex.quote(str(header))}\n")
    return begin_plain_make(folder, *arguments)


def begin_plain_make(folder: Path, *arguments: str) -> Callable[[], None]:
    """Begin to make a folder as its makefile says; returns a function that waits."""
    command = ["make", "-j", str(os.cpu_count() or 1), *arguments]
    log = folder / "make.log"
    with log.open("w") as file:
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=file)

    def wait():
        try:
            status = process.wait()
        except BaseException:
            process.kill()
            raise
        if status:
            raise RuntimeError(f"the generated program does not compile:\n{log.read_text()[-2000:]}")

    return wait


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
    (folder / _STEPS).write_text("".join(f'#include "{name}"\n#undef EISIM_BITS\n' for name in steps))
    (folder / _ONCE).write_text('#pragma GCC optimize ("O0")\n' + "".join(f'#include "{name}"\n' for name in once))
    return [_STEPS, _ONCE, *others]


def _rename_support(file: Path, name: str) -> bool:
    """Give a code object's support code a namespace of its own, so that one unit can hold many."""
    text = file.read_text()
    if text.count(_SUPPORT) != 1 or _FUNCTION not in text:
        return False
    text = text.replace(_SUPPORT, f"\nnamespace {name} {{\n")
    file.write_text(text.replace(_FUNCTION, f"{_FUNCTION} using namespace {name};"))
    return True
