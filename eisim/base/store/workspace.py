"""Folders for what a process needs while it runs; later processes delete those that killed ones left."""

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from eisim.base.store.locks import Lock

_PREFIX = "eisim-"
_MARK = ".in-use"


class Workspace(tempfile.TemporaryDirectory):
    """A folder that is deleted with its context, or with the process."""

    def __init__(self):
        super().__init__(prefix=_PREFIX, ignore_cleanup_errors=True)
        mark = Path(self.name) / ".new"
        self.lock = Lock(mark)
        self.lock.take()
        with suppress(OSError):  # held before it has the name by which others know it
            mark.rename(mark.with_name(_MARK))


def clear_abandoned() -> int:
    """Delete this user's folders whose processes have ended; returns how many."""
    cleared = 0
    if not hasattr(os, "geteuid"):
        return cleared
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError):
            if folder.lstat().st_uid == os.geteuid() and (folder / _MARK).exists():
                lock = Lock(folder / _MARK)
                if not lock.take() or lock.number is None:
                    continue
                shutil.rmtree(folder, ignore_errors=True)
                lock.release()
                if folder.exists():  # a compiler without a parent still writes there
                    (folder / _MARK).touch()
                else:
                    cleared += 1
    return cleared
