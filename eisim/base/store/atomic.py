"""Files that are replaced as a whole: written under another name first, then renamed."""

import os
import tempfile
import time
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path

from eisim.base.store.locks import Lock

#: A file that is younger, in s, may be one that another process has just made and not yet locked.
_YOUNG = 2.0
#: Nobody is still writing a file that is older, in s.
_OLD = 3_600.0


@contextmanager
def replaced(path: Path, private: bool = False):
    """A binary file to write under another name, which then replaces what was there (`private`: for the user alone)."""
    clear_partial(path.parent, escape(path.name))  # left by a process that was killed
    handle, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    lock = Lock(Path(partial))
    lock.take()
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        if not private:
            umask = os.umask(0)
            os.umask(umask)
            os.chmod(partial, 0o666 & ~umask)
        os.replace(partial, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(partial)
        raise
    finally:
        lock.release()


def clear_partial(folder: Path, name: str = "*") -> None:
    """Delete what killed processes left half-written in a folder."""
    for left in folder.glob(f".{name}-????????"):
        with suppress(OSError):
            age = abs(time.time() - left.stat().st_mtime)
            lock = Lock(left) if age > _YOUNG else None
            if lock is not None and lock.take():
                if age > _OLD:
                    left.unlink()  # where there are no locks, too
                lock.release()
