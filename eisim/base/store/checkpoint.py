"""Finished parts of a long run, kept until the run is complete, so that an interrupted run resumes from them.

An experiment wraps in `part` what takes long and can be had alone, such as one circuit of many. The command line
says with `kept` what run it is; elsewhere, in scripts and tests, a part is just computed.

A kept part is a pickle in the cache (`eisim.base.store.cache`), in a folder of its run. The folder's name is a hash of
all that is known to decide the results when the run begins: experiment, settings, sources, versions. What the user's
code has opened besides is kept with each part, which does not count any more when any of it has changed.
"""

import hashlib
import os
import pickle
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from eisim.base.errors import InputError
from eisim.base.progress import whole_run
from eisim.base.store import cache, sources
from eisim.base.store.cache import Damaged, private

T = TypeVar("T")

#: Parts of a run that was not resumed are deleted after this time, in s.
FORGOTTEN = 30 * 86_400.0
_SUFFIX = ".part"

_present: "Parts | None" = None  # a run is one process


def part(name: str, compute: Callable[[], T]) -> T:
    """A part of the present run: its kept value, or what `compute` returns, which is then kept.

    Its name is different for each part; its value depends only on the run (see `kept`) and the name, and can be
    pickled.
    """
    return begin_part(name, lambda: compute)()


def expect(parts: int) -> None:
    """Say that the present run has so many parts more, so that the remaining time can be estimated."""
    if _present is not None:
        _present.expected = (_present.expected or 0) + parts


def begin_part(name: str, begin: Callable[[], Callable[[], T]]) -> Callable[[], T]:
    """The same in two steps, for parts that run concurrently: `begin`, like this, returns what waits for the value."""
    return begin() if _present is None else _present.begin(name, begin)


@contextmanager
def kept(identify: Callable[[], str], say: Callable[[str], None], fresh: bool = False) -> Iterator["Parts"]:
    """Keep the parts of the run within this context, until the `Parts` that it gives are cleared.

    `identify` returns text that is the same for the same run only, when the first part is asked for. `say` takes lines
    for the user. Parts of an earlier run are deleted if this one is to start `fresh`.
    """
    global _present
    _present = parts = Parts(identify, say, fresh)
    try:
        with whole_run(lambda: parts.remaining):
            yield parts
    except KeyboardInterrupt:
        parts.leave()
        raise
    finally:
        _present = None


class Parts:
    """The parts of one run; see `kept`."""

    def __init__(self, identify: Callable[[], str], say: Callable[[str], None], fresh: bool):
        self.identify, self.say, self.fresh = identify, say, fresh
        self.lock = threading.Lock()  # networks are trained in threads
        self.folder: Path | None = None
        self.begun: float | None = None
        self.found = self.computed = self.written = 0
        self.fails = self.is_outdated = False
        self.expected: int | None = None

    def begin(self, name: str, begin: Callable[[], Callable[[], T]]) -> Callable[[], T]:
        """See `begin_part`."""
        with self.lock:
            if self.begun is None:
                self._open()
        file = None if self.folder is None else self.folder / (hashlib.sha256(name.encode()).hexdigest() + _SUFFIX)
        if file is not None:
            with suppress(OSError, Damaged):
                value = self._found(file)
                with self.lock:
                    self.found += 1
                return lambda: value
        wait = begin()

        def finish():
            value = wait()
            if file is not None:
                self._keep(file, value)
            with self.lock:
                self.computed += 1
            return value

        return finish

    @property
    def remaining(self) -> float | None:
        """Time to the end of the run at the pace of its parts so far, in s; ``None`` if not known."""
        if self.expected is None or not self.computed:
            return None
        left = max(0, self.expected - self.found - self.computed)
        return (time.perf_counter() - self.begun) / self.computed * left

    def _open(self):
        """Find the parts of an earlier run, and delete abandoned ones."""
        key = hashlib.sha256(self.identify().encode()).hexdigest()[:32]
        try:
            root = private(cache.root() / cache.RUNS)
            _forget(root, key)
            if self.fresh:
                shutil.rmtree(root / key, ignore_errors=True)
            self.folder = private(root / key)
            os.utime(self.folder)
            number = sum(file.suffix == _SUFFIX for file in self.folder.iterdir())
            if number:
                self.say(f"resuming from {_parts(number)} of an interrupted run; --fresh starts over")
        except OSError as error:
            self.folder = None
            cache.say_that_nothing_is_kept(error)
        self.begun = time.perf_counter()

    def _found(self, file):
        """The value of a part that is kept; `Damaged` if a file that it needed is not what it was."""
        value, needed = read(file)
        if path := sources.changed(needed):
            with self.lock:
                first, self.is_outdated = not self.is_outdated, True
            if first:
                self.say(f"{path} has changed since then: parts that needed it are computed again")
            raise Damaged(f"{file} was made from another {path}")
        sources.learn(needed)
        return value

    def check(self) -> None:
        """Refuse results of which some were found before and others after data that they need were changed."""
        data = {path: known for path, known in sources.seen().items() if not path.endswith(".py")}  # code is in memory
        if path := sources.changed(data):
            raise InputError(sources.change_of(path))

    def _keep(self, file, value):
        self.check()
        try:
            part_and_needed = value, sources.seen()  # of the files that it may have needed
            try:
                write(file, part_and_needed)
            except FileNotFoundError:  # the same run, started twice, is complete and has cleared up
                write(private(file.parent) / file.name, part_and_needed)
        except (OSError, pickle.PicklingError, AttributeError, TypeError) as error:  # the next part may find room again
            with self.lock:
                first, self.fails = not self.fails, True
            if first:
                self.say(f"note: finished parts cannot be kept: {error}")
        else:
            with self.lock:
                self.fails, self.written = False, self.written + 1

    def leave(self) -> None:
        """The user stops the run."""
        if self.folder is not None and self.found + self.written:
            self.say(f"{_parts(self.found + self.written)} kept; the same command resumes from here")

    def clear(self) -> None:
        """The run is complete: nothing has to be kept."""
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)


def read(file: Path):
    """The value that was kept in a file; `Damaged` if it is not whole."""
    content = cache.read(file)
    try:
        return pickle.loads(content)
    except Exception as error:
        raise Damaged(f"{file} cannot be read: {error}") from error


def write(file: Path, value) -> None:
    """Keep a value in a file, whole or not at all."""
    cache.write(file, pickle.dumps(value, pickle.HIGHEST_PROTOCOL))


def _forget(root, wanted):
    now = time.time()
    for folder in root.iterdir():
        with suppress(OSError):
            since = now - folder.stat().st_mtime
            if since < 0:  # of a clock that was wrong; it would stay until then
                os.utime(folder)
            elif since > FORGOTTEN and folder.name != wanted:
                shutil.rmtree(folder, ignore_errors=True)


def _parts(number):
    return f"{number} finished part" + "s" * (number != 1)
