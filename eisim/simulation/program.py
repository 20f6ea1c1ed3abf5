"""Compiled programs: built once, kept in the user's cache, run as often as wanted.

A program is Brian2's C++ for one layout. Numbers (weights, parameters, stimuli) are files beside it that it reads
when it starts, so programs that differ in numbers alone are the same program.
"""

import gc
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import brian2 as b2
from brian2.codegen.cpp_prefs import get_compiler_and_args
from brian2.devices.device import get_device, reset_device, set_device
from platformdirs import user_cache_path

from eisim.simulation.network import BatchNetwork

#: No -ffast-math: the same arithmetic in C++, in NumPy and in the DNN.
COMPILER_FLAGS = ["-O2", "-march=native", "-ffp-contract=off", "-std=c++17", "-w"]

Report = Callable[[str], None]


def cache_directory() -> Path:
    """Where compiled programs are kept: ``$EISIM_CACHE_DIR``, or the user's cache directory."""
    return Path(os.environ.get("EISIM_CACHE_DIR") or user_cache_path("eisim")) / "programs"


def find_compiler() -> str | None:
    """The C++ compiler that Brian2's makefile calls, or ``None`` where it or make is missing."""
    compiler = os.environ.get("CXX", "g++")
    return compiler if shutil.which(compiler) and shutil.which("make") else None


@contextmanager
def brian2_device(backend: str) -> Iterator[None]:
    """Make Brian2's standalone ("cpp") or NumPy device the active one for a while."""
    gc.collect()  # Brian2 numbers the names of objects that live at once, and names are code
    before = {name: b2.prefs[name] for name in ("codegen.target", "codegen.cpp.extra_compile_args_gcc")}
    try:
        b2.prefs["codegen.cpp.extra_compile_args_gcc"] = COMPILER_FLAGS
        if backend == "cpp":
            set_device("cpp_standalone", build_on_run=False)
            get_device().reinit()
            get_device().activate(build_on_run=False)
        else:
            set_device("runtime")
            b2.prefs["codegen.target"] = "numpy"
        yield
    finally:
        if backend == "cpp":
            get_device().reinit()
        reset_device()
        for name, value in before.items():
            b2.prefs[name] = value


def run_standalone(network: BatchNetwork, report: Report) -> tempfile.TemporaryDirectory:
    """Generate the code of a network made on the standalone device, compile it unless it is cached, and run it.

    Returns the folder that holds the results, which Brian2 reads when they are asked for.
    """
    device = get_device()
    folder = tempfile.TemporaryDirectory(prefix="eisim-", ignore_cleanup_errors=True)
    try:
        network.run()
        device.build(directory=folder.name, compile=False, run=False)
        _provide_binary(device, Path(folder.name), report)
        report("simulating")
        device.run(with_output=False, run_args=network.values)
    except BaseException:
        folder.cleanup()
        raise
    return folder


def _provide_binary(device, folder: Path, report: Report) -> None:
    """Put the compiled program into `folder`: from the cache, or compiled and then kept there."""
    binary = "main.exe" if os.name == "nt" else "main"
    cached = cache_directory() / f"{_key(folder)}-{binary}"
    try:
        shutil.copy2(cached, folder / binary)
        os.utime(cached)
        return
    except OSError:
        report("compiling (once for each program, then cached)")
    _compile(device, folder)
    try:
        cached.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, partial = tempfile.mkstemp(dir=cached.parent, prefix="partial-")
        os.close(handle)
        try:
            shutil.copy2(folder / binary, partial)
            os.replace(partial, cached)
        except BaseException:
            with suppress(OSError):
                os.unlink(partial)
            raise
    except OSError as error:
        warnings.warn(f"the compiled program is not cached: {error}", stacklevel=2)


_COMMON_HEADERS = (
    '"objects.h"',
    '"brianlib/common_math.h"',
    '"brianlib/stdint_compat.h"',
    *("<chrono>", "<climits>", "<cmath>", "<ctime>", "<fstream>", "<iostream>"),
)
_HEADER = "eisim_objects.h"
_HEADER_RULES = f"""
# What every translation unit includes is parsed once.
{_HEADER}.gch: {_HEADER}
\t$(CXX) -c -Wno-write-strings $(OPTIMISATIONS) -I. -x c++-header $< -o $@
$(OBJS): CXXFLAGS += -include {_HEADER}
$(OBJS): {_HEADER}.gch
"""


def _compile(device, folder: Path) -> None:
    """Compile the generated project, with its common header precompiled where make and gcc or clang do it."""
    compiler, _ = get_compiler_and_args()
    if compiler == "msvc":
        device.compile_source(str(folder), compiler, debug=False, clean=False)
        return
    (folder / _HEADER).write_text("".join(f"#include {header}\n" for header in _COMMON_HEADERS))
    with (folder / "makefile").open("a") as makefile:
        makefile.write(_HEADER_RULES)
    done = subprocess.run(
        ["make", "-j", str(os.cpu_count() or 1)], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"the generated C++ does not compile:\n{done.stderr[-2000:]}")


def _key(folder: Path) -> str:
    """Hash of the generated code and of the toolchain that compiles it."""
    digest = hashlib.sha256(_toolchain().encode())
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.relative_to(folder).parts[0] not in ("static_arrays", "results"):
            digest.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:32]


def _toolchain() -> str:
    """Compiler version and processor: -march=native code runs only where it was compiled."""
    version = subprocess.run([find_compiler(), "--version"], capture_output=True, text=True).stdout
    processor = platform.processor()
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        processor += next((line for line in lines if line.startswith(("flags", "Features"))), "")
    return "\n".join([version, platform.machine(), processor, b2.__version__])
