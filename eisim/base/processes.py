"""Other programs: Ctrl-C in the terminal goes to this process alone, which ends them.

Were it to reach them, too, their end could be taken for a failure before this process knows of the interrupt.
"""

import ctypes
import os
import pickle
import signal
import subprocess
import sys
import warnings
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from typing import Any

if sys.platform == "win32":
    _APART = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
else:
    _APART = {"process_group": 0}

start = partial(subprocess.Popen, **_APART)
run = partial(subprocess.run, **_APART)

_most: int | None = None


def processors() -> int:
    """Processors that this process may use: fewer where others that do the same work use the rest."""
    found = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return found if _most is None else min(found, _most)


def use_at_most(number: int) -> None:
    """Use so many processors from now on."""
    global _most
    _most = number


#: A forked process has what was there before, and shares the memory. Only on Linux do all libraries tolerate it.
FORKS = sys.platform == "linux"
#: Of Linux's prctl: the signal that a process gets when the one that forked it ends.
_SIGNAL_OF_PARENTS_END = 1


class EndedError(Exception):
    """A process came to its end before it had sent all; the text says how."""


class Fork:
    """A copy of this process, seen from its parent: what it sends can be received, and it can be ended."""

    def __init__(self, pid: int, pipe):
        self.pid, self.pipe, self._status = pid, pipe, None

    def receive(self) -> Any:
        """The next thing that it sends; `EndedError` if it has come to its end."""
        try:
            return pickle.loads(self.pipe.recv_bytes())
        except (EOFError, OSError, pickle.UnpicklingError) as error:
            raise EndedError(self.wait()) from error

    def wait(self) -> str:
        """Wait for its end, and say how that came."""
        if self._status is None:
            _, self._status = os.waitpid(self.pid, 0)
        code = os.waitstatus_to_exitcode(self._status)
        return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"

    def end(self) -> None:
        """Kill it with all that it started, if it has not ended, and wait."""
        if self._status is None:
            with suppress(OSError):
                os.killpg(self.pid, signal.SIGKILL)
            with suppress(OSError):  # it may not have left our group yet
                os.kill(self.pid, signal.SIGKILL)
            self.wait()
        self.pipe.close()


class Sender:
    """The end of a pipe at which a forked process sends to its parent."""

    def __init__(self, pipe):
        self.pipe = pipe

    def send(self, thing: Any) -> None:
        """Send something that can be pickled."""
        self.pipe.send_bytes(pickle.dumps(thing, pickle.HIGHEST_PROTOCOL))


def fork(apart: bool = True) -> tuple[Fork | None, Sender | None]:
    """Fork, and return twice: in the parent the `Fork`, in the child the `Sender`.

    The child gets no Ctrl-C, has devices of no data as its standard streams, and ends with its parent. It has to end
    by ``os._exit``. With `apart` it begins a group of processes, which end together.
    """
    from multiprocessing.connection import Pipe

    pipe, theirs = Pipe(duplex=False)
    for stream in filter(None, (sys.stdout, sys.stderr)):
        with suppress(OSError, ValueError):
            stream.flush()
    parent = os.getpid()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of threads, which only draw progress
            pid = os.fork()
        if not pid:
            _begin_as_child(parent, apart)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    if pid:
        theirs.close()
        return Fork(pid, pipe), None
    pipe.close()
    return None, Sender(theirs)


def _begin_as_child(parent: int, apart: bool) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if apart:
        os.setpgid(0, 0)
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_SIGNAL_OF_PARENTS_END, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(nothing, stream)
    os.close(nothing)
    streams = [open(number, "w" if number else "r", closefd=False) for number in range(3)]  # noqa: SIM115 - they stay
    sys.stdin, sys.stdout, sys.stderr = streams


def next_of(forks: Iterable[Fork]) -> list[Fork]:
    """Those that have sent something or come to their end; waits for the first."""
    from multiprocessing.connection import wait

    forks = list(forks)
    ready = wait([each.pipe for each in forks])
    return [each for each in forks if each.pipe in ready]
