"""What is kept between runs: whole, checked, the user's own, built once, and not without bound."""

import json
import os
import pwd
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from eisim.base.errors import InputError
from eisim.base.store import cache, checkpoint, locks
from eisim.base.store.cache import HEADERS, PROGRAMS, RUNS
from eisim.base.store.workspace import Workspace, clear_abandoned
from eisim.cli import commands as cli

NAMES = [f"{k:032x}-main" for k in range(20)]
P, Q = NAMES[:2]
CONTENT = bytes(range(256)) * 5000

#: Processes that want programs; building one takes a while and leaves a line.
SCRIPT = """
import os, sys, tempfile, time
from multiprocessing import get_context
from pathlib import Path
from eisim.base.store import cache

log = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT)

def want(names, start):
    folder = Path(tempfile.mkdtemp(dir=os.path.dirname(sys.argv[1])))
    start.wait()
    def begin(name):
        def build():
            time.sleep(0.3)
            os.write(log, f"{name}\\n".encode())
            (folder / name).write_text(name)
        return lambda: build()
    waiting = [cache.obtain(cache.PROGRAMS, n, folder / n, lambda n=n: begin(n), print) for n in names]
    for wait in waiting:
        if wait is not None:
            wait()
    assert [(folder / n).read_text() for n in names] == names

context = get_context("fork")
start = context.Event()
wishes = [words.split(",") for words in sys.argv[2:]]
processes = [context.Process(target=want, args=(names, start)) for names in wishes]
for process in processes:
    process.start()
start.set()
for process in processes:
    process.join()
sys.exit(any(process.exitcode for process in processes))
"""


@pytest.fixture(autouse=True)
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("EISIM_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def made(tmp_path):
    file = tmp_path / "made"
    file.write_bytes(CONTENT)
    return file


def taken(tmp_path, name=P):
    """The content of a kept file, or ``None``."""
    target = tmp_path / "taken"
    return target.read_bytes() if cache.take(PROGRAMS, name, target) else None


def race(tmp_path, *wishes):
    log = tmp_path / "log"
    command = [sys.executable, "-c", SCRIPT, str(log), *wishes]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
    assert done.returncode == 0, done.stderr
    return log.read_text().split(), done.stdout


def test_what_is_kept_is_what_is_taken(tmp_path, made, root):
    assert taken(tmp_path) is None and not cache.has(PROGRAMS, P)
    cache.put(PROGRAMS, P, made)
    assert taken(tmp_path) == CONTENT and cache.has(PROGRAMS, P)
    assert os.access(tmp_path / "taken", os.X_OK)
    assert [file.name for file in (root / PROGRAMS).iterdir()] == [P]


def test_twenty_processes_build_once(tmp_path, root):
    built, said = race(tmp_path, *[P] * 20)
    assert built == [P] and "waiting for another process that compiles the same" in said
    assert [file.name for file in (root / PROGRAMS).iterdir()] == [P], "no locks are left"


def test_processes_that_build_what_the_other_wants_do_not_wait_for_each_other(tmp_path):
    built, _ = race(tmp_path, f"{P},{Q}", f"{Q},{P}")  # within less than `PATIENCE`
    assert {P, Q} == set(built) and len(built) <= 4


def test_a_killed_builder_is_not_waited_for_and_a_stopped_one_not_for_ever(tmp_path, root, monkeypatch):
    code = "import sys, time\nfrom eisim.base.store import cache\n" + "\n".join(
        [
            "def begin():",
            "    print('building', flush=True)",
            "    time.sleep(60)",
            f"cache.obtain(cache.PROGRAMS, {P!r}, cache.root() / 'nowhere', begin, print)",
        ]
    )

    def builder():
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        assert process.stdout.readline() == "building\n"
        return process

    def build(name):
        target = tmp_path / name
        said = []
        wait = cache.obtain(PROGRAMS, P, target, lambda: lambda: target.write_bytes(CONTENT), said.append)
        if wait is not None:
            wait()
        assert target.read_bytes() == CONTENT
        return said

    with builder() as killed:
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        assert build("a") == []
    cache.clear([PROGRAMS])
    with builder() as stopped:
        stopped.send_signal(signal.SIGSTOP)
        monkeypatch.setattr(cache, "PATIENCE", 0.2)
        assert build("b") == ["waiting for another process that compiles the same"]
        stopped.kill()
    assert taken(tmp_path) == CONTENT


def test_a_build_that_fails_lets_others_build(tmp_path):
    def fail():
        raise RuntimeError("no licence")

    for begin in (fail, lambda: fail):
        with pytest.raises(RuntimeError, match="no licence"):
            cache.obtain(PROGRAMS, P, tmp_path / "x", begin, print)()
    assert locks.Lock(cache.root() / PROGRAMS / f"{P}.lock").take() and not cache._building


@pytest.mark.parametrize(
    "damage",
    [
        lambda b: b"",
        lambda b: b[:20],
        lambda b: b[:32],
        lambda b: b[:-1],
        lambda b: b + b"\0",
        lambda b: b[:500_000] + bytes([b[500_000] ^ 1]) + b[500_001:],
        lambda b: b[1:],
        lambda b: CONTENT,
    ],
)
def test_what_is_damaged_is_thrown_away(tmp_path, made, root, damage):
    cache.put(PROGRAMS, P, made)
    file = root / PROGRAMS / P
    file.write_bytes(damage(file.read_bytes()))
    assert taken(tmp_path) is None and not file.exists() and not (tmp_path / "taken").exists()
    cache.put(PROGRAMS, P, made)
    assert taken(tmp_path) == CONTENT


@pytest.mark.parametrize("where", ["file", "kind", "root", "above", "symlink", "link above", "owner"])
def test_nothing_is_read_that_others_can_write(tmp_path, made, root, monkeypatch, where):
    above = tmp_path / "above"
    above.mkdir()
    root = above / "cache"
    monkeypatch.setenv("EISIM_CACHE_DIR", str(root))
    cache.put(PROGRAMS, P, made)
    if where == "file":
        (root / PROGRAMS / P).chmod(0o622)
        assert taken(tmp_path) is None
        return
    if where == "symlink":
        (root / PROGRAMS).rename(tmp_path / "elsewhere")
        (root / PROGRAMS).symlink_to(tmp_path / "elsewhere")
    elif where == "link above":
        (tmp_path / "open").mkdir()
        (tmp_path / "open").chmod(0o777)
        (tmp_path / "open" / "link").symlink_to(above)
        monkeypatch.setenv("EISIM_CACHE_DIR", str(tmp_path / "open" / "link" / "cache"))
    elif where == "owner":
        monkeypatch.setattr(os, "geteuid", lambda: 54_321)
    else:
        {"kind": root / PROGRAMS, "root": root, "above": above}[where].chmod(0o777)
    with pytest.warns(UserWarning, match=r"nothing can be kept in the cache .*(others can write|no folder)") as warned:
        assert taken(tmp_path) is None
        assert cache.what_is_wrong()
        cache.put(PROGRAMS, Q, made)
    assert len(warned) == 1
    if where == "owner":
        return  # of no file
    assert taken(tmp_path, Q) == CONTENT, "kept for as long as the process lasts"
    assert not (root / PROGRAMS / Q).exists()


def test_folders_in_which_others_can_write_but_not_rename_will_do(tmp_path, made, monkeypatch):
    (tmp_path / "sticky").mkdir()
    (tmp_path / "sticky").chmod(0o1777)
    monkeypatch.setenv("EISIM_CACHE_DIR", str(tmp_path / "sticky" / "a" / "b"))
    cache.put(PROGRAMS, P, made)
    assert taken(tmp_path) == CONTENT and cache.what_is_wrong() is None
    for folder in (tmp_path / "sticky" / "a", tmp_path / "sticky" / "a" / "b" / PROGRAMS):
        assert folder.stat().st_mode & 0o777 == 0o700


def test_no_home(tmp_path, made, monkeypatch):
    def unknown(number):
        raise KeyError(number)

    for name in ("EISIM_CACHE_DIR", "HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    monkeypatch.chdir(tmp_path)
    with pytest.warns(UserWarning, match="there is no home folder"):
        cache.put(PROGRAMS, P, made)
    assert taken(tmp_path) == CONTENT and not (tmp_path / "~").exists()


def test_no_room(tmp_path, made, root):
    """A limit on the size of files stands for a full disk: the same call fails."""
    resource = pytest.importorskip("resource", reason="POSIX")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.warns(UserWarning, match="nothing can be kept in the cache"):
            cache.put(PROGRAMS, P, made)
        assert taken(tmp_path) is None
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list((root / PROGRAMS).iterdir()) == [], "nothing half-written is left"


def test_the_least_recently_used_go_first(tmp_path, made, root, monkeypatch):
    monkeypatch.setenv("EISIM_CACHE_SIZE", "6.5MB")  # five of them
    now = time.time()
    for age, name in enumerate(NAMES[:5]):
        cache.put(PROGRAMS, name, made)
        os.utime(root / PROGRAMS / name, (now - 1000 + age,) * 2)
    (root / PROGRAMS / "notes.txt").write_text("of the user")
    assert taken(tmp_path, NAMES[0]) == CONTENT  # used: no longer the oldest
    cache.put(PROGRAMS, NAMES[5], made)
    kept = {kept.path.name for kept in cache.kept_files(PROGRAMS)}
    assert kept == {NAMES[k] for k in (0, 2, 3, 4, 5)} and (root / PROGRAMS / "notes.txt").exists()

    cache.put(HEADERS, f"{0:032x}.gch", made)  # both kinds count
    assert len(cache.kept_files(PROGRAMS)) == 4 and len(cache.kept_files(HEADERS)) == 1
    monkeypatch.setenv("EISIM_CACHE_SIZE", "0MB")
    cache.put(PROGRAMS, P, made)
    assert cache.kept_files(PROGRAMS) == cache.kept_files(HEADERS) == []


def test_a_clock_that_was_wrong(tmp_path, made, root, monkeypatch):
    """Files of the future would be the last to go, and push out all that is used."""
    monkeypatch.setenv("EISIM_CACHE_SIZE", "4MB")  # three of them
    future = time.time() + 1e9
    for name in NAMES[:3]:
        cache.put(PROGRAMS, name, made)
        os.utime(root / PROGRAMS / name, (future, future))
    for name in NAMES[3:6]:
        cache.put(PROGRAMS, name, made)
        assert taken(tmp_path, name) == CONTENT
        assert all(kept.used < future - 1e6 for kept in cache.kept_files(PROGRAMS))
    assert {kept.path.name for kept in cache.kept_files(PROGRAMS)} >= set(NAMES[4:6])
    monkeypatch.setattr(time, "time", lambda: 0.0)  # and now it is 1970
    cache.put(PROGRAMS, P, made)
    assert taken(tmp_path) == CONTENT and len(cache.kept_files(PROGRAMS)) == 3


def test_parts_outlive_a_wrong_clock(root):
    def run(name):
        with pytest.raises(KeyboardInterrupt), checkpoint.kept(lambda: name, lambda line: None):
            checkpoint.part("part", lambda: computed.append(name))
            raise KeyboardInterrupt

    computed = []
    run("a")
    run("b")
    first, second = sorted((root / RUNS).iterdir(), key=lambda folder: folder.stat().st_mtime_ns)
    os.utime(first, (0, 0))  # written when it was 1970
    os.utime(second, (time.time() + 1e9,) * 2)
    run("a")
    assert computed == ["a", "b"], "what is asked for is not forgotten, however old"
    assert second.exists() and abs(second.stat().st_mtime - time.time()) < 100, "and what is new grows old from now on"


def test_a_bad_size_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("EISIM_CACHE_SIZE", "much")
    with pytest.raises(InputError, match="EISIM_CACHE_SIZE: expected a size such as 500MB or 2GB, found 'much'"):
        cache.obtain(PROGRAMS, P, tmp_path / "x", lambda: pytest.fail("built"), print)
    monkeypatch.setenv("EISIM_CACHE_SIZE", "1.5 gb")
    assert cache.size_limit() == 1_500_000_000


def test_what_killed_processes_left_half_written(made, root):
    cache.put(PROGRAMS, P, made)
    old, new, held = (root / PROGRAMS / f".{Q}-{name:_<8}" for name in ("old", "new", "held"))
    for partial in (old, new, held):
        partial.touch()
    with_lock = locks.Lock(held)
    assert with_lock.take()
    os.utime(old, (0, 0))
    os.utime(held, (0, 0))
    cache.put(PROGRAMS, P, made)
    assert not old.exists() and new.exists() and held.exists(), "who holds a lock still writes"


def test_folders_of_killed_processes_are_thrown_away(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    code = (
        "import time\nfrom eisim.base.store.workspace import Workspace\n"
        "w = Workspace()\nprint(w.name, flush=True)\ntime.sleep(60)"
    )
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment)
    with process, Workspace() as own:
        theirs = Path(process.stdout.readline().strip())
        (tmp_path / "eisim-notes").mkdir()  # no process made it
        assert clear_abandoned() == 0 and theirs.exists()
        process.kill()
        process.wait()
        assert clear_abandoned() == 1 and not theirs.exists()
        assert Path(own).exists() and (tmp_path / "eisim-notes").exists()
    assert not Path(own).exists()


@pytest.fixture
def command(capsys):
    def run(*words):
        status = cli.run_command(["cache", *words])
        return status, *capsys.readouterr()

    return run


def test_the_command(command, made, root):
    cache.put(PROGRAMS, P, made)
    cache.put(HEADERS, f"{1:032x}.gch", made)
    (root / RUNS / f"{2:032x}").mkdir(parents=True)
    (root / RUNS / f"{2:032x}" / "1.part").write_bytes(CONTENT)
    strangers = [root / "notes.txt", root / PROGRAMS / "mine", root / RUNS / "diary"]
    for file in strangers:
        file.write_text("of the user")
    status, out, _ = command("--json")
    found = json.loads(out)
    assert status == 0 and found["folder"] == str(root) and found["problem"] is None
    assert found["limit"] == 1_000_000_000 and found["size"] == 2 * (len(CONTENT) + 32)
    assert found["kinds"][PROGRAMS]["entries"] == found["kinds"][RUNS]["entries"] == 1
    assert found["kinds"][RUNS]["size"] == len(CONTENT) and found["kinds"][RUNS]["last_used"].endswith("+00:00")

    status, out, _ = command()
    assert status == 0 and str(root) in out.replace("\n", "")
    assert re.search(r"compiled programs +1 +1\.3 +20", out) and "Only this user can write there." in out

    status, out, _ = command("clear")
    assert status == 0 and "2 entries, 2.6 MB" in out and "interrupted runs stay (1); --runs" in out
    status, out, _ = command("clear", "--runs", "--json")
    assert status == 0 and json.loads(out)["cleared"]["entries"] == 1
    assert all(kept["entries"] == 0 for kept in json.loads(out)["kinds"].values())
    assert all(file.exists() for file in strangers)


def test_the_command_says_what_is_wrong(command, root):
    assert command("--runs")[0] == 2 and command("empty")[0] == 2
    root.mkdir()
    root.chmod(0o777)
    status, out, _ = command()
    assert status == 0 and "It cannot be used: others can write in" in out
    assert json.loads(command("--json")[1])["problem"].startswith("others can write in")
