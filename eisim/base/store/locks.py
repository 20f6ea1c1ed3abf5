"""Locks between processes: the system takes them back when a process ends, however that comes."""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

_PERIOD = 0.05


class Lock:
    """A lock on a folder, or on a file that exists while the lock is held; none where the path is ``None``.

    It orders work and does not protect it: where no lock can be had (no right to write, a file system or system
    without) it counts as taken.
    """

    def __init__(self, path: Path | None):
        self.path, self.number = path, None
        self.is_folder = path is not None and path.is_dir()

    def take(self) -> bool:
        """Whether it is taken: ``False`` while another process or thread holds it."""
        if fcntl is None or self.path is None:
            return True
        try:
            number = os.open(self.path, os.O_RDONLY if self.is_folder else os.O_RDWR | os.O_CREAT, 0o600)
        except OSError:
            return True
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not os.path.samestat(os.fstat(number), os.stat(self.path)):
                raise BlockingIOError  # whoever had it has just taken the file away
        except (BlockingIOError, FileNotFoundError):
            os.close(number)
            return False
        except OSError:
            os.close(number)
            return True
        self.number = number
        return True

    def wait(self, patience: float, tell: Callable[[], None] = lambda: None) -> bool:
        """Wait for it, at most so long (s); returns whether it is taken. ``tell`` is called if there is a wait."""
        end = time.monotonic() + patience
        if self.take():
            return True
        tell()
        while time.monotonic() < end:
            time.sleep(_PERIOD)
            if self.take():
                return True
        return False

    def release(self) -> None:
        """Release the lock."""
        if self.number is not None:
            if not self.is_folder:
                with suppress(OSError):
                    self.path.unlink()
            os.close(self.number)
            self.number = None

    __del__ = release
