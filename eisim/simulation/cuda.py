"""Brian2CUDA: the same network as a program for an NVIDIA GPU.

Alevi, Stimberg, Sprekeler, Obermayer & Augustin, Front. Neuroinform. 16:883700, 2022. Nothing here needs Brian2. What
Brian2CUDA generates is compiled by its own makefile.
"""

import os
import shutil
import subprocess
from contextlib import suppress
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from eisim.base.errors import InputError
from eisim.simulation import toolchain as cpp

#: Brian2's name of the device, and ours of the backend.
CUDA = "cuda_standalone"
#: No fused multiply-add: the same arithmetic as on the processor. Thrust asks for C++17 since CUDA 13.
NVCC_FLAGS = ["-w", "-std=c++17", "--fmad=false"]


def check_available() -> None:
    """Refuse where Brian2CUDA, the CUDA Toolkit or a GPU is missing."""
    needed = {
        "no Brian2CUDA (python -m pip install brian2cuda)": lambda: find_spec("brian2cuda"),
        "no nvcc (install the CUDA Toolkit, or set CUDA_PATH)": find_nvcc,
        "no C++ compiler (or make)": cpp.find_compiler,
        "no GPU (nvidia-smi lists none)": _gpus,
    }
    for missing in (words for words, found in needed.items() if not found()):
        raise InputError(
            f"backend: expected Brian2CUDA, the CUDA Toolkit and an NVIDIA GPU for {CUDA!r}, found {missing}; "
            "the backend 'cpp' simulates the same circuits on the processor"
        )


def find_nvcc() -> Path | None:
    """The CUDA compiler, where Brian2CUDA looks for it, or ``None``."""
    on_path = shutil.which("nvcc")
    folders = [os.environ.get("CUDA_PATH"), on_path and Path(on_path).parents[1], "/usr/local/cuda", "/opt/cuda"]
    places = [Path(folder) / "bin" / "nvcc" for folder in folders if folder]
    return next((place for place in places if place.exists()), None)


def _gpus() -> list[str]:
    with suppress(OSError, subprocess.TimeoutExpired):
        return [line for line in cpp.ask("nvidia-smi", "-L").stdout.splitlines() if line.startswith("GPU ")]
    return []


def toolchain() -> str:
    """All that decides, with the generated code, what is compiled: versions of Brian2CUDA and nvcc, flags and GPUs."""
    nvcc = cpp.ask(find_nvcc(), "--version")
    return "\n".join([nvcc.stdout, *NVCC_FLAGS, version("brian2cuda"), *_gpus()])
