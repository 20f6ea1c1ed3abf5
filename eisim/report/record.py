"""The folder of a run, written by every command in one way: whole, or as it was.

All files of a run are written to a hidden folder beside the one that they are for, which is then exchanged for it in
one step. Files that the user added to the folder are kept; those of an earlier run are not. Where two
folders cannot be exchanged, the hidden one is put into the other, and its files take their places from there: a process
that is killed meanwhile leaves the rest to the next one that comes. One process at a time writes to a folder.
"""

import ctypes
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from glob import escape
from pathlib import Path

from eisim.base.errors import InputError
from eisim.base.files import check_writable, to_json, write
from eisim.base.store.locks import Lock
from eisim.report.page import page
from eisim.report.provenance import provenance
from eisim.report.stored import PAGE, RUN, fingerprint, inside, names_in
from eisim.report.view import View

#: Time to wait for another process that writes to the same folder, in s.
PATIENCE = 60.0
#: Time after which files of a process are deleted, in s, where no lock shows that it ended.
_LEFT = 3_600.0
_NEW, _WHOLE = ".eisim-new-", ".eisim-whole"
_HERE, _EXCHANGE = -100, 2  # AT_FDCWD, RENAME_EXCHANGE


def record_view(
    folder: Path, name: str, view: View, files: Iterable[tuple], how: dict, first: dict | None = None, also: str = ""
) -> dict:
    """Write all of a result into a folder: its files and figures, ``run.json`` and the page.

    Figures, which another process may have drawn, are among the files; `how` says how the result came about, see
    `provenance`, and `first` comes first in the result's document, which is returned: ``--json`` prints it. `also`
    names a file for that document with all the rest beside its keys, as some commands have always written it.
    """
    found, findings = (first or {}) | view.to_json(), view.findings()
    how = {**provenance(**how), "report": findings and asdict(findings)}
    if also:
        files = (*files, (also, to_json(found | how)))
    record(folder, files, {"experiment": name, **how, "result": found})
    return found


def record(folder: Path, files: Iterable[tuple[str, bytes | str]], document: dict) -> None:
    """Write the results of a run into a folder, with their page, in place of those of an earlier run.

    The document of ``run.json`` gets the names of the files and their digests. Where the folder cannot be written, or
    has no room, it is as it was.
    """
    check_writable(folder)
    with _made(folder), alone(folder) as real:
        new = _beside(real)
        try:
            digests = {}
            for name, content in files:
                if name in (*digests, RUN, PAGE):
                    raise InputError(f"{folder}: expected files with different names, found two named {name!r}")
                content = content.encode() if isinstance(content, str) else content
                write(new / inside(folder, name).name, content)
                digests[name] = hashlib.sha256(content).hexdigest()
            document = document | {"files": list(digests)}
            digests[RUN] = fingerprint(json.loads(to_json(document)))
            write(new / RUN, to_json(document | {"digests": digests}))
            write(new / PAGE, page([new]))
            _swap(new, real)
        except OSError as error:
            error.filename = str(folder)  # not the hidden one
            raise
        except InputError as error:
            raise InputError(str(error).replace(str(new), str(folder))) from None
        finally:
            shutil.rmtree(new, ignore_errors=True)


@contextmanager
def _made(folder) -> Iterator[None]:
    """Make a folder, and those above it; what nothing was put into is deleted."""
    new = [each for each in (folder, *folder.parents) if not os.path.lexists(each)]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    finally:
        for each in new:
            with suppress(OSError):
                each.rmdir()


@contextmanager
def alone(folder) -> Iterator[Path]:
    """Hold a folder exclusively; what killed processes left there is completed or deleted."""
    real = Path(folder).resolve()
    lock = Lock(real)
    if not lock.wait(PATIENCE):
        raise InputError(f"{folder}: expected a folder that no other process writes to, found one that does")
    try:
        with suppress(OSError):
            _recover(real, lock.number is not None)
        yield real
    finally:
        lock.release()


def _recover(folder, is_locked):
    if (folder / _WHOLE).is_dir() and not (folder / _WHOLE).is_symlink():  # an untrusted link may lead elsewhere
        _move_in(folder / _WHOLE, folder)
    for left in [*folder.glob(f"{_NEW}*"), *folder.parent.glob(f".{escape(folder.name)}{_NEW}*")]:
        if is_locked or time.time() - left.stat().st_mtime > _LEFT:
            shutil.rmtree(left, ignore_errors=True)


def _beside(folder: Path) -> Path:
    """A hidden folder next to a folder, or inside it where that is in use as one or cannot be replaced."""
    here = Path.cwd()
    if not (folder.is_mount() or here == folder or folder in here.parents):
        with suppress(OSError):
            return Path(tempfile.mkdtemp(prefix=f".{folder.name}{_NEW}", dir=folder.parent))
    return Path(tempfile.mkdtemp(prefix=_NEW, dir=folder))


def _swap(new: Path, folder: Path) -> None:
    """Put the new files in the place of the old ones."""
    ours = names_in(folder)
    for entry in new.iterdir():
        if (folder / entry.name).is_dir():
            raise InputError(f"--out: {folder / entry.name}: expected a file or nothing, found a folder")
    if new.parent == folder.parent:
        taken: list[Path] = []
        guard = Lock(new)  # moves with the folder, which must not appear free to others
        guard.take()
        try:
            with suppress(OSError):
                _take_along(folder, new, ours, taken)
                shutil.copystat(folder, new)
                if _exchange(new, folder):
                    _take_late(new, folder, ours)
                    return
        finally:
            guard.release()
        for entry in taken:
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
    _move_in(new.rename(folder / _WHOLE), folder)


def _take_along(folder, new, ours, taken):
    """Give the new folder what the user has put into the old one: the same files under a second name."""
    for entry in folder.iterdir():
        if entry.name not in ours and not os.path.lexists(new / entry.name):
            taken.append(new / entry.name)
            if entry.is_dir() and not entry.is_symlink():
                shutil.copytree(entry, new / entry.name, symlinks=True, copy_function=_link)
            else:
                _link(entry, new / entry.name)


def _link(source, target):
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)


def _take_late(old, folder, ours):
    """Move in files that were added to the old folder in the meantime."""
    with suppress(OSError):
        for entry in old.iterdir():
            if entry.name not in ours and not os.path.lexists(folder / entry.name):
                entry.rename(folder / entry.name)


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two folders in one step, where the system can."""
    try:
        rename = ctypes.CDLL(None).renameat2
        return rename(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) == 0
    except (AttributeError, OSError, TypeError):
        return False


def _move_in(whole: Path, folder: Path) -> None:
    """Put all files of a folder that is in another one in their places there, the document last."""
    new = sorted((entry.name for entry in whole.iterdir()), key=lambda name: (name == RUN, name))
    if RUN in new:  # else only the end of this is missing
        for name in names_in(folder) - names_in(whole) - set(new):
            with suppress(FileNotFoundError):
                (folder / name).unlink()
    for name in new:
        os.replace(whole / name, folder / name)
    whole.rmdir()
