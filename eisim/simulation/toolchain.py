"""The compiler and what decides how it compiles: where it is, its version, the flags that it takes."""

import os
import platform
import shutil
import subprocess
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path

from eisim.base import processes

#: No -ffast-math: the same arithmetic in C++, in NumPy and in the DNN. Nobody looks at the flags of floating-point
#: exceptions, so that a selection need not be a branch: no value depends on it.
_NATIVE = "-march=native"
COMPILER_FLAGS = ["-O3", _NATIVE, "-ffp-contract=off", "-fno-trapping-math", "-std=c++17", "-w"]
#: Time allowed for a compiler to report its version, in s.
ANSWER = 30.0
#: A disk with less room than this is full, in bytes.
_FULL = 1e6


class NoProgramError(RuntimeError):
    """There is no compiled program of a batch, since it cannot be made or started here."""


def what_is_missing() -> str:
    """The reason, as text, why `find_compiler` finds no compiler."""
    named = os.environ.get("CXX")
    words = "g++" if named is None else named
    if not words.split():
        return "no C++ compiler named (CXX is empty)"
    if shutil.which(words.split()[0]):
        return "no make found"
    return "no C++ compiler (g++) found" if named is None else f"no C++ compiler found (CXX names {words!r})"


def ask(*command: str | Path) -> subprocess.CompletedProcess:
    """Run a command for what it says."""
    quiet = {"stdin": subprocess.DEVNULL, "timeout": ANSWER}
    return processes.run(command, capture_output=True, text=True, errors="replace", check=False, **quiet)


@cache
def flags_of(compiler: str) -> list[str]:
    """Those of our flags that a compiler takes: on some processors there is no -march=native."""
    with suppress(OSError, subprocess.TimeoutExpired):  # said where it is asked for its version
        asked = ask(*compiler.split(), _NATIVE, "-fsyntax-only", "-x", "c++", os.devnull)
        if asked.returncode and "march" in asked.stderr:
            return [flag for flag in COMPILER_FLAGS if flag != _NATIVE]
    return COMPILER_FLAGS


def find_compiler() -> str | None:
    """The C++ compiler that Brian2's makefile calls, a command with words, or ``None`` where it or make is missing."""
    compiler = os.environ.get("CXX", "g++")
    words = compiler.split()
    return compiler if words and shutil.which(words[0]) and shutil.which("make") else None


def toolchain() -> str:
    """Versions of Brian2 and the compiler, flags and processor: -march=native code runs only where it was compiled."""
    command = find_compiler().split()
    try:
        compiler = ask(*command, "--version")
    except OSError as error:
        raise NoProgramError(f"{command[0]} cannot be started: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise NoProgramError(f"{command[0]} does not answer") from None
    processor = platform.processor()
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        processor += next((line for line in lines if line.startswith(("flags", "Features"))), "")
    flags = flags_of(find_compiler())
    return "\n".join([compiler.stdout, *flags, platform.machine(), processor, version("brian2")])


def room(folder: Path) -> str:
    """The message if a folder is on a full disk."""
    free = shutil.disk_usage(folder).free
    if free > _FULL:
        return ""
    return f"; {free / 1e6:.1f} MB are free in {folder.parent}: TMPDIR names another folder"
