"""Bad surroundings: compilers that fail or hang, killed builds, no room, folders in which no program starts.

One line says what is wrong, and what can still be simulated is.
"""

import errno
import os
import re
import subprocess
import sys
import tempfile
import time
import warnings

import numpy as np
import pytest

from eisim import TRUTH_TABLES, simulate, simulation, synthesize
from eisim.base import files
from eisim.base.store import cache
from eisim.base.store.locks import Lock
from eisim.cli import commands as cli
from eisim.report import record
from eisim.run import doctor
from eisim.simulation import codegen, compilation, program, toolchain
from eisim.simulation.compilation import begin_header, begin_make
from eisim.simulation.toolchain import NoProgramError

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="scripts of POSIX stand for compilers"),
]

XOR = TRUTH_TABLES["xor"]
TIMES = {"duration": 0.06, "window": 0.03, "dt": 5e-4}
MAKEFILE = "OBJS = main.o\nmain: main.o\n\t$(CXX) main.o -o main\nmain.o: main.cpp\n\t$(CXX) -c main.cpp -o main.o\n"
#: Processes that build a program as ours are built, and run it; all but the last two are killed. It says how often they
#: were killed before their end, and what the last two did.
KILLED = """
import os, random, signal, subprocess, sys, time
from pathlib import Path
from eisim.base.store import cache
from eisim.simulation.compilation import begin_make
from eisim.base.store.workspace import Workspace, clear_abandoned

NAME = "0" * 32 + "-main"

def build():
    with Workspace() as name:
        folder = Path(name)
        (folder / "makefile").write_text(sys.argv[1])
        (folder / "main.cpp").write_text("#include <cstdio>\\nint main() { puts(\\"it runs\\"); }\\n")
        wait = cache.obtain(cache.PROGRAMS, NAME, folder / "main", lambda: begin_make(folder, [], None), print)
        if wait is not None:
            wait()
        done = subprocess.run([folder / "main"], capture_output=True, text=True, check=True)
        print("found" if wait is None else "built", done.stdout.strip(), flush=True)

def begin():
    child = os.fork()
    if not child:
        try:
            build()
        finally:
            os._exit(0)
    return child

chance, killed = random.Random(7), 0
for _ in range(12):
    child = begin()
    time.sleep(chance.uniform(0, 0.4))
    os.kill(child, signal.SIGKILL)
    killed += os.waitpid(child, 0)[1] == signal.SIGKILL
    if chance.random() < 0.5:
        cache.clear([cache.PROGRAMS])
print("---", killed, flush=True)
cache.clear([cache.PROGRAMS])
for _ in range(2):
    os.waitpid(begin(), 0)
time.sleep(0.3)  # compilers without parents come to their end
clear_abandoned()
"""


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("EISIM_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(simulation, "_failed", set())
    simulation._warn_once.cache_clear()
    return tmp_path / "cache"


@pytest.fixture
def compiler(tmp_path, monkeypatch):
    """Make a script the compiler."""

    def make(script, mode=0o755):
        path = tmp_path / "bin" / "c++"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(script if isinstance(script, bytes) else f"#!/bin/sh\n{script}\n".encode())
        path.chmod(mode)
        monkeypatch.setenv("CXX", str(path))
        return str(path)

    return make


@pytest.fixture
def sources(tmp_path):
    folder = tmp_path / "sources"
    folder.mkdir()
    (folder / "makefile").write_text(MAKEFILE)
    (folder / "main.cpp").write_text("int main() {}\n")
    return folder


def rates(**changes):
    return simulate(synthesize(XOR, kind="rate"), XOR.patterns, **TIMES | changes).readouts


VERSION = 'case "$*" in *--version*) echo "fake 1.0"; exit 0;; esac\n'


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo 'no licence' >&2; exit 1", "no licence"),
        (VERSION + "echo 'cc1plus: error: unrecognized command line option -std=c++17' >&2; exit 1", "error: unrec"),
        ("printf '\\377\\001\\033[31mrubbish\\n' >&2; exit 3", "does not compile: "),
        (VERSION + "kill -SEGV $$", "main.o] "),
        (VERSION + "exit 0", "it says nothing"),
    ],
)
def test_a_compiler_that_fails(compiler, sources, script, said):
    compiler(script)
    with pytest.raises(NoProgramError, match="the generated program does not compile: ") as error:
        begin_make(sources, [], None)()
    assert said in str(error.value) and str(error.value).isprintable()


def test_a_compiler_that_hangs_is_stopped_with_all_that_it_called(compiler, sources, monkeypatch, tmp_path):
    monkeypatch.setattr(compilation, "TIMEOUT", 0.5)
    compiler(f"echo $$ > {tmp_path}/number; read line; sleep 20")
    with pytest.raises(NoProgramError, match=r"make did not end within 0\.5 s"):
        begin_make(sources, [], None)()
    number = int((tmp_path / "number").read_text())
    with pytest.raises(ProcessLookupError):
        for _ in range(100):  # it is gone once its new parent has asked for its status
            os.kill(number, 0)
            time.sleep(0.02)


@pytest.mark.parametrize(
    ("script", "said"), [("exec sleep 20", "does not answer"), (b"\x00garbage", "cannot be started")]
)
def test_a_compiler_that_does_not_say_its_version(compiler, monkeypatch, script, said):
    monkeypatch.setattr(toolchain, "ANSWER", 0.2)
    compiler(script)
    with pytest.raises(NoProgramError, match=said):
        toolchain.toolchain()
    state = {finding.what: finding for finding in doctor._compiler()}["C++ compiler"]
    assert state.state == doctor.MISSING and said in state.found


def test_words_after_the_compiler(monkeypatch, compiler):
    path = compiler(VERSION)
    monkeypatch.setenv("CXX", f"{path} -m64")
    assert toolchain.find_compiler() == f"{path} -m64" and toolchain.toolchain().startswith("fake 1.0")
    for nonsense in ("no-such-compiler", "", "  ", "'", "/", "no such\ncompiler"):
        monkeypatch.setenv("CXX", nonsense)
        assert toolchain.find_compiler() is None


def test_c10_a_compiler_that_is_not_installed_is_named(monkeypatch):
    for named, words in (
        ("no-such-compiler -m64", "no C++ compiler found (CXX names 'no-such-compiler -m64')"),
        (" ", "no C++ compiler named (CXX is empty)"),
    ):
        monkeypatch.setenv("CXX", named)
        assert toolchain.find_compiler() is None and toolchain.what_is_missing() == words
        simulation._warn_once.cache_clear()
        with pytest.warns(UserWarning, match=re.escape(words)):
            simulate(synthesize(XOR, kind="rate"), [[1, 0]], **TIMES)
    monkeypatch.setenv("CXX", "sh")
    monkeypatch.setattr(toolchain.shutil, "which", lambda word: None if word == "make" else f"/bin/{word}")
    assert toolchain.find_compiler() is None and toolchain.what_is_missing() == "no make found"


def test_c10_a_compiler_without_march_native_is_asked_without(compiler):
    path = compiler(
        'case "$*" in *march=native*) echo "error: unknown target CPU for -march=native" >&2; exit 1;; esac\n' + VERSION
    )
    assert toolchain.flags_of(path) == [flag for flag in toolchain.COMPILER_FLAGS if flag != "-march=native"]
    assert "-march=native" not in toolchain.toolchain() and "-O3" in toolchain.toolchain()
    assert toolchain.flags_of("g++") == toolchain.COMPILER_FLAGS or toolchain.platform.machine() != "x86_64"


@pytest.mark.parametrize("name", ["a b", "$HOME", "a#b", "it's", 'say "so"', "größe", "a%b", "a\\b"])
def test_c10_any_name_of_the_temporary_folder(compiler, monkeypatch, tmp_path, name):
    """The header is named from the folder in which make works, so that make does not see the names above it."""
    compiler(VERSION + 'while [ "$1" != -o ]; do [ "$1" = -include ] && cp "$2" /dev/null; shift; done; touch "$2"')
    folder = tmp_path / name
    (folder / "header").mkdir(parents=True)
    header = folder / "header" / "eisim_standard.h"
    header.write_text("")
    (folder / "makefile").write_text(MAKEFILE.replace("-c main.cpp", "$(CXXFLAGS) -c main.cpp"))
    (folder / "main.cpp").write_text("int main() {}\n")
    begin_make(folder, ["-O1"], header)()
    assert "-include header/eisim_standard.h" in (folder / "makefile").read_text()


def test_c10_a_full_disk_is_named(monkeypatch, own_cache):
    """Brian2 writes its sources before there is anything to compile."""

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(type(codegen.all_devices["cpp_standalone"]), "build", full)
    monkeypatch.setattr(compilation, "begin_header", lambda *_: lambda: None)
    monkeypatch.setattr(toolchain, "_FULL", float("inf"))
    where = re.escape(tempfile.gettempdir())
    with pytest.warns(UserWarning, match=f"No space left on device; .* MB are free in {where}: TMPDIR names another"):
        rates(dt=1e-3)


def test_c10_a_compiler_without_room_names_the_disk(compiler, sources, monkeypatch):
    compiler(VERSION + "exit 1")
    monkeypatch.setattr(toolchain, "_FULL", float("inf"))
    with pytest.raises(NoProgramError, match=r"MB are free in .*: TMPDIR names another folder"):
        begin_make(sources, [], None)()


UNCAUGHT = """
import sys
if sys.argv[1] == "first":
    from brian2 import *
from eisim import TRUTH_TABLES, InputError, simulate, synthesize
if sys.argv[1] == "last":
    from brian2 import *
if sys.argv[1] == "ours":
    simulate(synthesize(TRUTH_TABLES["xor"], kind="rate"), [[1, 0]], dt=1e-3, backend="numpy")
if sys.argv[2] == "theirs":
    raise KeyError("theirs")
simulate(synthesize(TRUTH_TABLES["xor"]), [[1, 0, 0]])
"""


@pytest.mark.parametrize("who", ["first", "last", "ours"])
def test_c9_our_errors_are_not_brian2s(tmp_path, who):
    def said(whose):
        command = [sys.executable, "-c", UNCAUGHT, who, whose]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, env=os.environ | {"TMPDIR": str(tmp_path)}
        )
        assert done.returncode == 1
        return done.stderr

    uncaught = said("ours")
    assert "report this issue" not in uncaught and "Brian 2 encountered" not in uncaught
    assert (
        uncaught.strip().splitlines()[-1].startswith("eisim.base.errors.InputError: stimuli of circuit 'xor': expected")
    )
    assert not list(tmp_path.glob("brian_*"))
    assert "Brian 2 encountered" in said("theirs"), "of others it says what it said"


def test_d10_nothing_of_brian2s_is_left_and_nothing_is_said_of_its_future(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import glob, sys\n"
        "from eisim import TRUTH_TABLES, simulate, synthesize\n"
        "simulate(synthesize(TRUTH_TABLES['xor'], kind='rate'), [[1, 0]], dt=1e-3, backend='numpy')\n"
        "assert 'brian2' in sys.modules\n"
        "print(len(glob.glob(sys.argv[1] + '/brian_*')))\n"
    )
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    command = [sys.executable, "-W", "error", str(script), str(temporary)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | {"TMPDIR": str(temporary)}
    )
    assert done.returncode == 0 and done.stdout == "0\n" and not done.stderr, done.stderr


def test_d10_no_folder_is_left_to_the_collector(monkeypatch, tmp_path):
    """A workspace of which nothing comes is thrown away at once, and what compiles the header is waited for."""
    waited, made = [], []
    start = program.Workspace

    def noted():
        made.append(start())
        return made[-1]

    def fails(*_):
        raise NoProgramError("not today")

    monkeypatch.setattr(program, "Workspace", noted)
    monkeypatch.setattr(codegen, "compile_program", fails)
    monkeypatch.setattr(program, "begin_header", lambda *_: lambda: waited.append(True))
    with pytest.warns(UserWarning, match="not today"):
        rates(dt=1e-3)
    assert waited == [True] and made and not any(os.path.exists(folder.name) for folder in made)


def test_a_header_that_cannot_be_compiled_is_done_without(compiler, tmp_path):
    path = compiler("exit 1")
    assert begin_header(path, [], "tools", tmp_path / "a", print)() is None
    path = compiler('while [ "$1" != -o ]; do shift; done; echo compiled > "$2"')
    assert begin_header(path, [], "tools", tmp_path / "b", print)() == tmp_path / "b" / "eisim_standard.h"
    compiler("exit 1")
    header = begin_header(path, [], "tools", tmp_path / "c", print)()
    assert (header.parent / "eisim_standard.h.gch").read_text() == "compiled\n", "from the cache"
    [kept] = cache.kept_files(cache.HEADERS)
    kept.path.write_bytes(kept.path.read_bytes()[:-3])
    assert begin_header(path, [], "tools", tmp_path / "d", print)() is None, "a damaged one is not used"


def test_what_does_not_compile_is_simulated_with_numpy(compiler):
    assert codegen  # with it Brian2 is imported, which takes warnings for itself
    compiler("echo 'no licence' >&2; exit 1")
    with pytest.warns(UserWarning, match=r"no licence: simulating with NumPy, which is slower") as warned:
        found = rates()
    with warnings.catch_warnings(record=True) as again_warned:
        warnings.simplefilter("always")
        again = rates()  # without another attempt
    assert [len([w for w in of if "NumPy" in str(w.message)]) for of in (warned, again_warned)] == [1, 0]
    np.testing.assert_array_equal(found, again)
    np.testing.assert_array_equal(found, rates(backend="numpy"))
    assert not cache.kept_files(cache.PROGRAMS)


def test_builds_killed_at_random_moments(compiler, tmp_path, own_cache):
    compiler('sleep 0.05; exec g++ "$@"')
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environment = os.environ | {"TMPDIR": str(temporary)}
    command = [sys.executable, "-c", KILLED, MAKEFILE]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=100, check=False)
    killed, *last = done.stdout.partition("--- ")[2].splitlines()
    assert done.returncode == 0 and not done.stderr
    assert int(killed) >= 4
    assert last == ["built it runs", "found it runs"]
    left = {path.name for path in temporary.rglob("*") if path.is_file()}
    assert left <= {".new"}, "killed ones leave no work behind"


@pytest.fixture(scope="module")
def compiled(request):
    """The program of `spikes`, in the cache of this session."""
    names, name = [], program._name
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EISIM_CACHE_DIR", str(request.getfixturevalue("cache")))
        patch.setattr(program, "_name", lambda job: names.append(name(job)) or names[-1])
        spikes()
        return cache.root() / cache.PROGRAMS / names[0]


def spikes():
    return simulate(synthesize(XOR, kind="spiking"), XOR.patterns, **TIMES, record=True)


@pytest.fixture
def in_compiled(compiled, monkeypatch):
    monkeypatch.setenv("EISIM_CACHE_DIR", str(compiled.parents[1]))
    return compiled


def test_programs_cannot_be_started(in_compiled, monkeypatch):
    """As in a folder that is mounted noexec: the system says the same of a file without the right to be run."""
    monkeypatch.setattr(cache, "_for_running", lambda path, flags: os.open(path, flags, 0o600))
    with pytest.warns(UserWarning, match=r"programs cannot be started in .*noexec; TMPDIR names another folder"):
        found = spikes()
    np.testing.assert_array_equal(found.readouts, simulate_with_numpy().readouts)


def simulate_with_numpy():
    return simulate(synthesize(XOR, kind="spiking"), XOR.patterns, **TIMES, record=True, backend="numpy")


@pytest.mark.parametrize(
    ("cut", "said"),
    [
        ("_dynamic_array_eisim_*_monitor_i_*", "left 1 of .* values of i"),
        ("_dynamic_array_eisim_*_monitor_t_*", "left 0 of .* values of t"),
        ("_array_eisim_*_spikes_in_window_*", "left 1 of .* values of spikes_in_window"),
        ("last_run_info.txt", "it left no results"),
    ],
)
def test_results_that_are_not_whole(in_compiled, monkeypatch, tmp_path, cut, said):
    """A program does not notice when there is no room for its results: they must not be taken for all."""
    content = cache.read(in_compiled)
    (tmp_path / "real").write_bytes(content)
    (tmp_path / "real").chmod(0o755)
    script = f'#!/bin/sh\n{tmp_path}/real "$@"\nfor f in results/{cut}; do head -c 4 $f > cut; cat cut > $f; done\n'
    monkeypatch.setenv("EISIM_CACHE_DIR", str(tmp_path / "cache"))
    cache.private(cache.root() / cache.PROGRAMS)
    cache.write(cache.root() / cache.PROGRAMS / in_compiled.name, script.encode())
    with pytest.raises(RuntimeError, match=said):
        spikes()
    monkeypatch.setattr(toolchain, "_FULL", float("inf"))
    with pytest.raises(RuntimeError, match=r"MB are free in .*: TMPDIR names another folder"):
        spikes()


def test_no_room_for_the_numbers(in_compiled, monkeypatch):
    resource = pytest.importorskip("resource", reason="POSIX")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    monkeypatch.setattr(cache, "read", lambda file: b"")
    resource.setrlimit(resource.RLIMIT_FSIZE, (8, before[1]))
    try:
        with pytest.raises(RuntimeError, match="the numbers of a batch cannot be written"):
            spikes()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_no_room_for_results_is_a_line(monkeypatch, tmp_path, capsys):
    def full(path):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files, "replaced", full)
    assert cli.run_command(["certify", "--truth-table", "0110", "--out", str(tmp_path / "out")]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and said.startswith(f"eisim: {tmp_path}/out: ")
    assert "No space left on device; free some space, and the same command resumes" in said


def test_no_temporary_folder_is_a_line(monkeypatch, tmp_path, capsys, in_compiled):
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: [str(tmp_path / "nowhere")])
    words = ["run", "boolean", "--set", "functions=xor", "--kind", "rate", "--out", str(tmp_path / "out")]
    assert cli.run_command(words) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "temporary directory" in said and "TMPDIR" in said


def test_nobody_else_writes_into_a_folder_of_results_at_the_same_time(monkeypatch, tmp_path):
    """So two runs into one folder leave the files of one of them."""
    out, write, taken = tmp_path / "out", record.write, []

    def watched(path, content):
        taken.append(Lock(out).take())
        write(path, content)

    monkeypatch.setattr(record, "write", watched)
    words = ["run", "boolean", "--kind", "rate", "--backend", "numpy", "--set", "functions=xor", "--out", str(out)]
    assert cli.run_command([*words, "--json"]) == 0
    assert len(taken) > 5 and not any(taken) and Lock(out).take()


IGNORING = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
if sys.argv[1:]:
    import brian2  # whose handler calls the one before
from eisim import TRUTH_TABLES, simulate, synthesize
simulate(synthesize(TRUTH_TABLES["xor"]), TRUTH_TABLES["xor"].patterns, backend="numpy")
os.kill(os.getpid(), signal.SIGINT)
print("went on")
"""


@pytest.mark.parametrize("words", [(), ("brian2",)])
def test_an_interrupt_that_is_ignored_stays_so(words):
    """A shell's script has programs in the background ignore Ctrl-C."""
    done = subprocess.run([sys.executable, "-c", IGNORING, *words], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "went on\n"), done.stderr
