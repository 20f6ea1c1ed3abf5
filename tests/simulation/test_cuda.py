"""Brian2CUDA as a backend. Nothing here needs a GPU: what is generated is looked at, and our C++ in it is run."""

import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from eisim import simulate
from eisim.base.errors import InputError
from eisim.simulation import codegen, cuda, noise, program, toolchain
from models import xor

pytestmark = pytest.mark.slow

NOISE = """
#include <cmath>
#include <cstdint>
#include <cstdio>
#define __CUDACC__
#define __host__
#define __device__
{code}
int main() {{
    for (int i = 0; i < 500; i++)
        printf("%.17g %.17g\\n", _gaussian(1e15 + 977.0 * i, i), _poisson_number(1e14 + 31.0 * i, i, 0.1 * i));
}}
"""


@pytest.mark.parametrize(
    ("has_brian2cuda", "nvcc", "gpus", "words"),
    [
        (False, None, [], "found no Brian2CUDA (python -m pip install brian2cuda)"),
        (True, None, [], "found no nvcc"),
        (True, Path("nvcc"), [], "found no GPU"),
    ],
)
def test_what_is_missing_is_said(monkeypatch, has_brian2cuda, nvcc, gpus, words):
    monkeypatch.setattr(cuda, "find_spec", lambda name: has_brian2cuda or None)
    monkeypatch.setattr(cuda, "find_nvcc", lambda: nvcc)
    monkeypatch.setattr(cuda, "_gpus", lambda: gpus)
    monkeypatch.setattr(toolchain, "find_compiler", lambda: "g++")
    with pytest.raises(InputError, match=r"^backend: expected .*, found ") as raised:
        simulate(xor.circuit(kind="rate"), [[0, 1]], backend="cuda_standalone")
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_program_for_a_gpu_is_not_the_one_for_the_processor(monkeypatch):
    monkeypatch.setattr(cuda, "toolchain", lambda: "nvcc")
    jobs, started = [], lambda job, *_: jobs.append(job)
    monkeypatch.setattr(cuda, "check_available", lambda: None)
    monkeypatch.setattr("eisim.simulation.check_available", lambda: None)
    monkeypatch.setattr(program, "start", started)
    for backend in ("cpp", "cuda_standalone"):
        with pytest.raises(TypeError):  # what starts gives no function that waits
            simulate(xor.circuit(kind="rate"), [[0, 1]], backend=backend)
    assert [job.device for job in jobs] == ["eisim_standalone", "cuda_standalone"]
    assert jobs[0].signature != jobs[1].signature


def test_noise_for_a_gpu_has_the_numbers_of_numpy(tmp_path):
    functions = noise.brian2_functions()
    code = [f.implementations["cuda"].get_code(None) for f in functions.values()]
    source, binary = tmp_path / "noise.cpp", tmp_path / "noise"
    source.write_text(NOISE.format(code="\n".join(code)))
    subprocess.run([toolchain.find_compiler(), *toolchain.COMPILER_FLAGS, source, "-o", binary], check=True)
    printed = subprocess.run([binary], capture_output=True, text=True, check=True).stdout
    found, i = np.array(printed.split(), float).reshape(-1, 2), np.arange(500)
    assert np.array_equal(found[:, 0], noise.gaussian(1e15 + 977.0 * i, i))
    assert np.array_equal(found[:, 1], noise.poisson_number(1e14 + 31.0 * i, i, 0.1 * i))


@pytest.mark.parametrize(("said", "fails"), [("INFO: creation took 0s", False), ("ERROR: invalid device", True)])
def test_what_a_program_for_a_gpu_says_is_no_failure_unless_it_is_an_error(tmp_path, said, fails):
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "last_run_info.txt").write_text("0.5 1\n")
    process = subprocess.Popen(["echo", said], stdout=subprocess.PIPE, text=True)
    if fails:
        with pytest.raises(RuntimeError, match=said):
            program._wait(process, tmp_path, cuda.CUDA, lambda *_: None)
    else:
        assert program._wait(process, tmp_path, cuda.CUDA, lambda *_: None) == 0.5


@pytest.mark.skipif(find_spec("brian2cuda") is None, reason="Brian2CUDA, which pins its own Brian2, is not installed")
@pytest.mark.skipif(shutil.which("nvcc") is None, reason="the CUDA Toolkit is not installed")
@pytest.mark.parametrize("kind", ["spiking", "rate"])
def test_brian2cuda_generates_the_program(monkeypatch, tmp_path, kind):
    import brian2
    import brian2cuda  # noqa: F401 - it registers its preferences

    backend = brian2.prefs.devices.cuda_standalone.cuda_backend
    backend.detect_gpus, backend.gpu_id, backend.compute_capability = False, 0, 7.5
    monkeypatch.setenv("EISIM_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(cuda, "_gpus", lambda: ["GPU 0: none"])
    files = {}

    def begin_plain_make(folder):
        files.update({file.name: file.read_text() for file in folder.rglob("*.cu")})
        raise StopIteration

    monkeypatch.setattr(codegen, "begin_plain_make", begin_plain_make)
    with pytest.raises(StopIteration):
        simulate(xor.circuit(kind=kind), [[0, 1]], backend="cuda_standalone")
    states = "".join(text for name, text in files.items() if "stateupdater" in name)
    assert "__global__" in states
    assert ("_gaussian(" in states) == (kind == "spiking")
    assert "set_from_command_line(args);" in files["main.cu"]
