"""Runs that are stopped and go on."""

import os
import pickle
import random
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass

import numpy as np
import pytest

from eisim.base.progress import Progress
from eisim.base.store import checkpoint
from eisim.base.store.checkpoint import begin_part, expect, kept, part
from eisim.run.run_key import identity

needs_posix = pytest.mark.skipif(sys.platform == "win32", reason="signals and owners of POSIX")

#: A run of several parts, as an experiment has them: one after the other, in threads, and begun beside each other.
SCRIPT = """
import os, sys, time
from concurrent.futures import ThreadPoolExecutor
from eisim.base.store.checkpoint import begin_part, expect, kept, part

def compute(k):
    time.sleep(0.05)
    os.write(2, b"%d\\n" % k)  # whole, whatever other threads write
    return [hash((k, n)) for n in range(20_000)]

with kept(lambda: "this run", lambda said: print(said, file=sys.stderr)) as parts:
    expect(10)
    found = [part(f"part {k}", lambda: compute(k)) for k in range(4)]
    with ThreadPoolExecutor(2) as pool:
        found += pool.map(lambda k: part(f"part {k}", lambda: compute(k)), range(4, 8))
    waiting = [begin_part(f"part {k}", lambda k=k: lambda: compute(k)) for k in (8, 9)]
    found += [finish() for finish in waiting]
    sys.stdout.write(repr(found))
    sys.stdout.flush()
parts.clear()
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("EISIM_CACHE_DIR", str(tmp_path))
    return tmp_path / "runs"


@pytest.fixture
def said():
    return []


def files(folder):
    return sorted(folder.glob("*/*.part"))


def start(stdout=subprocess.PIPE):
    return subprocess.Popen([sys.executable, "-c", SCRIPT], stdout=stdout, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
@needs_posix
def test_a_run_that_is_killed_again_and_again_ends_with_the_same_bytes(folder):
    whole, computed = start().communicate()
    assert sorted(map(int, computed.split())) == list(range(10)) and files(folder) == []
    chance, resumed = random.Random(3), 0
    for _ in range(6):
        running = start(subprocess.DEVNULL)  # nobody would read a pipe
        had = len(files(folder))
        while len(files(folder)) <= had and running.poll() is None:
            time.sleep(0.005)
        time.sleep(chance.uniform(0, 0.12))
        running.send_signal(signal.SIGKILL)
        _, computed = running.communicate()
        resumed += "resuming from" in computed
    assert resumed >= 2
    finished = len(files(folder))  # none, if the last one was faster than its end
    again, computed = start().communicate()
    assert again == whole and sum(map(str.isdigit, computed.splitlines())) == 10 - finished
    assert list(folder.iterdir()) == []


def test_the_same_run_twice_at_once_does_no_harm(folder):
    both = [start(), start()]
    outputs = {running.communicate()[0] for running in both}
    assert len(outputs) == 1 and [running.returncode for running in both] == [0, 0]
    assert files(folder) == []


def interrupted(said, name="a", identify=lambda: "run", **options):
    """A run that finishes one part and is stopped; whether the part was computed."""
    computed = []
    with pytest.raises(KeyboardInterrupt), kept(identify, said.append, **options):
        part(name, lambda: computed.append(name) or np.arange(3))
        raise KeyboardInterrupt
    return bool(computed)


def test_what_it_says(said):
    assert interrupted(said)
    assert said.pop() == "1 finished part kept; the same command resumes from here" and not said
    assert not interrupted(said)
    assert said[0] == "resuming from 1 finished part of an interrupted run; --fresh starts over"
    assert interrupted(said, fresh=True)
    with kept(lambda: "run", said.append) as parts:
        np.testing.assert_array_equal(part("a", None), np.arange(3))
    parts.clear()
    assert interrupted(said)


def test_another_run_has_other_parts(said):
    assert interrupted(said) and interrupted(said, identify=lambda: "another") and interrupted(said, "b")


@pytest.mark.parametrize("damage", [lambda b: b[:-1], lambda b: b"", lambda b: b[:40] + bytes([b[40] ^ 1]) + b[41:]])
def test_a_damaged_part_is_computed_again(folder, said, damage):
    interrupted(said)
    (file,) = files(folder)
    file.write_bytes(damage(file.read_bytes()))
    assert interrupted(said) and not interrupted(said)


@needs_posix
def test_what_others_can_write_is_not_read(folder, said):
    interrupted(said)
    (file,) = files(folder)
    file.chmod(0o666)
    assert interrupted(said)
    file.parent.chmod(0o777)
    with pytest.warns(UserWarning, match=r"nothing can be kept in the cache .*others can write there"):
        assert interrupted(said)
    file.parent.chmod(0o700)
    file.parent.rename(folder / "elsewhere")
    file.parent.symlink_to(folder / "elsewhere")
    assert interrupted(said)


@needs_posix
def test_where_nothing_can_be_kept_the_run_goes_on(tmp_path, monkeypatch, said):
    (tmp_path / "file").touch()
    monkeypatch.setenv("EISIM_CACHE_DIR", str(tmp_path / "file"))
    with pytest.warns(UserWarning, match="nothing can be kept in the cache .*: later runs compile again") as warned:
        assert interrupted(said) and interrupted(said)
    assert len(warned) == 1 and not any("kept;" in line for line in said)


def test_a_part_that_cannot_be_kept_is_returned(said):
    with kept(lambda: "run", said.append):
        assert part("a", lambda: print) is print
        assert part("b", lambda: lambda: 7)() == 7
    assert "finished parts cannot be kept" in said[0] and len(said) == 1


def test_forgotten_parts_are_thrown_away(folder, said):
    interrupted(said)
    (old,) = folder.iterdir()
    os.utime(old, (0, 0))
    interrupted(said, identify=lambda: "another")
    assert not old.exists() and len(files(folder)) == 1


def test_without_a_run_a_part_is_just_computed(folder):
    expect(2)
    assert part("a", lambda: 5) == 5 and begin_part("a", lambda: lambda: 6)() == 6
    assert Progress().moment.rest is None and not folder.exists()


def test_the_time_that_is_left(said):
    with kept(lambda: "run", said.append):
        expect(3)
        assert Progress().moment.rest is None
        part("a", lambda: time.sleep(0.05))
        assert 0.1 <= Progress().moment.rest < 1
        part("b", lambda: None)
        part("c", lambda: None)
        assert Progress().moment.rest == 0


@dataclass(frozen=True)
class Settings:
    data: str = "digits"
    seeds: int = 3


DEFAULT = Settings()


def test_what_decides_a_run_tells_runs_apart(tmp_path, monkeypatch):
    def of(name="functions", settings=DEFAULT, kinds=("rate",), seed=0, backend="numpy"):
        return identity(name, checkpoint.__name__, asdict(settings), kinds, seed, backend)

    others = [of(kinds=("rate", "spiking")), of(seed=1), of(backend="cpp"), of(settings=Settings(seeds=4))]
    assert of() == of() and len({of(), *others}) == 5
    mine, helper, data = tmp_path / "mine.py", tmp_path / "helper.py", tmp_path / "data.npz"
    for file in (mine, helper, data):
        file.write_text("1")
    seen = {of(str(mine), Settings(str(data)))}
    for file in (mine, helper, data):
        file.write_text("2")
        seen.add(of(str(mine), Settings(str(data))))
    assert len(seen) == 4
    (tmp_path / "own_package").mkdir()
    (tmp_path / "own_package" / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    import own_package

    before = identity("own", own_package.__name__, asdict(Settings()), [], 0, "cpp")
    (tmp_path / "own_package" / "part.py").write_text("")
    assert identity("own", own_package.__name__, asdict(Settings()), [], 0, "cpp") != before


def test_parts_are_pickles_behind_their_digest(tmp_path):
    checkpoint.write(tmp_path / "x.part", {"a": 1})
    assert pickle.loads((tmp_path / "x.part").read_bytes()[32:]) == checkpoint.read(tmp_path / "x.part") == {"a": 1}
