"""The cache: compiled programs, compiled headers and finished parts of interrupted runs, kept for later processes.

A kept file is complete or absent: it is written under another name and then renamed. It begins with the SHA-256 of the
rest, which is checked whenever it is read; what is damaged is deleted and rebuilt. Since programs are run
and parts unpickled, files are read only if they are the user's own, in a folder to which nobody else could have written
them. Where there is no such folder, or it cannot be written, they are kept for the time of the process.

A program that several processes want is compiled by the first of them while the others wait. The
system releases the lock when a process ends, for any reason, and no process waits for it forever.
"""

import hashlib
import os
import re
import shutil
import stat
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from eisim.base.errors import InputError
from eisim.base.store.atomic import clear_partial, replaced
from eisim.base.store.locks import Lock
from eisim.base.store.workspace import Workspace

#: Kinds of kept files, each in a separate folder.
PROGRAMS, HEADERS, RUNS = KINDS = ("programs", "headers", "runs")
#: Largest size of programs and headers, in bytes; the least recently used are deleted first.
SIZE = 1_000_000_000
#: Time that a process waits for another to build what it needs, in s; then it builds that itself.
PATIENCE = 60.0
_DIGEST = hashlib.sha256().digest_size
#: Names of eisim's files: nothing else is counted or deleted, whichever folder the user chooses as cache.
_NAMES = {
    PROGRAMS: re.compile(r"[0-9a-f]{32}-main(\.exe)?"),
    HEADERS: re.compile(r"[0-9a-f]{32}\.gch"),
    RUNS: re.compile(r"[0-9a-f]{32}"),
}
_MACHINE_WIDE = 0  # the user who may do everything anyway


class Damaged(ValueError):
    """A kept file that is not what was written."""


def root() -> Path:
    """Where everything is kept: ``$EISIM_CACHE_DIR``, or the user's cache directory."""
    named = os.environ.get("EISIM_CACHE_DIR")
    if named:
        return Path(named).absolute()
    from platformdirs import user_cache_path

    try:
        return user_cache_path("eisim")
    except RuntimeError:  # no home directory is known
        return Path("~")


def size_limit() -> int:
    """Size that programs and headers may have together, in bytes: ``$EISIM_CACHE_SIZE``, such as ``2GB``, or `SIZE`."""
    text = os.environ.get("EISIM_CACHE_SIZE")
    if not text:
        return SIZE
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([MG])B", text.strip(), re.IGNORECASE | re.ASCII)
    if found is None:
        raise InputError(f"EISIM_CACHE_SIZE: expected a size such as 500MB or 2GB, found {text!r}")
    return int(float(found[1]) * {"M": 1e6, "G": 1e9}[found[2].upper()])


def obtain(
    kind: str, name: str, target: Path, begin: Callable[[], Callable[[], None]], report: Callable[..., None]
) -> Callable[[], None] | None:
    """Copy a kept file to a place, or begin to build it there, once for all processes that want it.

    The name is the same for the same content only. `begin` begins to build the file at `target`, and returns a function
    that waits; `report` is told when another process is waited for. Returns what waits until the file is built and
    keeps it; ``None`` if it is at `target` already.
    """
    if take(kind, name, target):
        return None
    size_limit()  # a bad one is said now, not when everything is built
    folder = next(_folders(kind), None)
    lock = Lock(folder and folder / f"{name}.lock")
    # Who builds does not wait for another of the same kind, so that no two processes or threads wait for each other.
    mine = (threading.get_ident(), kind)
    lock.wait(
        0 if mine in _building else PATIENCE, lambda: report("waiting for another process that compiles the same")
    )
    with ExitStack() as end:
        end.callback(lock.release)
        _building.append(mine)
        end.callback(_building.remove, mine)
        if take(kind, name, target):  # another process was first
            return None
        built, end_later = begin(), end.pop_all()

    def finish():
        with end_later:
            built()
            put(kind, name, target)

    return finish


def take(kind: str, name: str, target: Path) -> bool:
    """Copy a kept file to a place, if it is kept; a damaged one is deleted."""
    for folder in _folders(kind):
        try:
            content = read(folder / name)
            with open(target, "wb", opener=_for_running) as copy:
                copy.write(content)
        except (Damaged, PermissionError):
            with suppress(OSError):
                (folder / name).unlink()
        except OSError:
            pass
        else:
            with suppress(OSError):
                os.utime(folder / name)
            return True
        with suppress(OSError):
            target.unlink(missing_ok=True)
    return False


def has(kind: str, name: str) -> bool:
    """Whether there is a kept file of that name."""
    return any((folder / name).exists() for folder in _folders(kind))


def put(kind: str, name: str, source: Path) -> None:
    """Keep a copy of a file, and delete what then exceeds the limit."""
    try:
        write(private(root() / kind) / name, source.read_bytes())
    except OSError as error:
        say_that_nothing_is_kept(error)
        with suppress(OSError):
            write(_spare(kind) / name, source.read_bytes())
    else:
        _trim(kind, name)


def read(file: Path) -> bytes:
    """The content of a kept file; `Damaged`, or PermissionError if it is not the user's own or others can write it."""
    with file.open("rb") as opened:
        check_own(os.fstat(opened.fileno()), file)
        digest, content = opened.read(_DIGEST), opened.read()
    if hashlib.sha256(content).digest() != digest:
        raise Damaged(f"{file} is damaged")
    return content


def write(file: Path, content: bytes) -> None:
    """Keep bytes in a file, whole or not at all."""
    with replaced(file, private=True) as kept:
        kept.write(hashlib.sha256(content).digest())
        kept.write(content)


def _for_running(path, flags):
    return os.open(path, flags, 0o700)


def private(folder: Path) -> Path:
    """Make a folder if there is none; an OSError if it cannot be made, or others could change or replace it."""
    if not folder.is_absolute():
        raise FileNotFoundError("there is no home folder")
    _make(folder)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise NotADirectoryError(f"{folder} is no folder")
    check_own(found, folder)
    for parent in {*folder.parents, *folder.resolve().parents}:
        _check_parent(parent)
    return folder


def what_is_wrong() -> str | None:
    """Why nothing can be kept, or ``None`` if all can."""
    try:
        for kind in KINDS:
            with tempfile.TemporaryFile(dir=private(root() / kind)):
                pass
    except OSError as error:
        return reason(error)
    return None


def reason(error: OSError) -> str:
    """The message of an error, without its number."""
    return error.strerror or str(error)


def _make(folder):
    if not folder.exists():
        _make(folder.parent)
        folder.mkdir(exist_ok=True, mode=0o700)


def check_own(found: os.stat_result, path: Path) -> None:
    """A `PermissionError` if a file or folder is not the user's own, or others can write there."""
    if hasattr(os, "geteuid") and (found.st_uid != os.geteuid() or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)):
        raise PermissionError(f"{path} is not the user's own, or others can write there")


def _check_parent(folder):
    """Whether nobody else can replace a folder inside this one."""
    if not hasattr(os, "geteuid"):
        return
    found = folder.lstat()
    # In a container the user who may do everything can have another number: it is who owns what is at the top.
    trusted = {_MACHINE_WIDE, os.geteuid(), os.stat("/").st_uid}
    for_all = stat.S_IWOTH if _is_own_group(found.st_gid) else stat.S_IWOTH | stat.S_IWGRP
    open_to_others = found.st_mode & for_all and not found.st_mode & stat.S_ISVTX and not stat.S_ISLNK(found.st_mode)
    if found.st_uid not in trusted or open_to_others:
        raise PermissionError(f"others can write in {folder}")


def _is_own_group(number):
    """Whether a group is that of this user alone, as many systems make one for each user."""
    import grp
    import pwd

    try:
        user, group = pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(number)
    except KeyError:
        return False
    return group.gr_name == user and set(group.gr_mem) <= {user}


_spares: dict[Path, Workspace] = {}  # by the cache that they replace
_said: set[Path] = set()


def say_that_nothing_is_kept(error: OSError) -> None:
    """Warn, once in a process, that the cache cannot be used."""
    if root() not in _said:
        _said.add(root())
        warnings.warn(
            f"nothing can be kept in the cache {root()} ({reason(error)}): later runs compile again, and interrupted "
            "ones start over; EISIM_CACHE_DIR names another folder",
            stacklevel=2,
        )


def _folders(kind: str) -> Iterator[Path]:
    """Where files of a kind may be kept."""
    try:
        yield private(root() / kind)
    except OSError as error:
        say_that_nothing_is_kept(error)
    if root() in _spares:
        yield Path(_spares[root()].name) / kind


def _spare(kind: str) -> Path:
    """Make a folder that lasts as long as this process."""
    if root() not in _spares:
        _spares[root()] = Workspace()
    folder = Path(_spares[root()].name) / kind
    folder.mkdir(exist_ok=True)
    return folder


#: Builds that go on in this process, by their thread and the kind of what they build.
_building: list[tuple[int, str]] = []


@dataclass(frozen=True)
class Kept:
    """A kept file, or the folder of an interrupted run, its size in bytes, and its last use in s since 1970."""

    path: Path
    size: int
    used: float


def kept_files(kind: str) -> list[Kept]:
    """All that is kept of a kind, the least recently used first."""
    found = []
    with suppress(OSError), os.scandir(root() / kind) as entries:
        for entry in entries:
            if _NAMES[kind].fullmatch(entry.name):
                with suppress(OSError):  # another process may throw it away
                    own = entry.stat(follow_symlinks=False)
                    parts = os.scandir(entry) if entry.is_dir(follow_symlinks=False) else [entry]
                    size = sum(part.stat(follow_symlinks=False).st_size for part in parts)
                    found.append(Kept(Path(entry.path), size, own.st_mtime))
    return sorted(found, key=lambda kept: kept.used)


def _trim(kind: str, newest: str) -> None:
    """Delete the least recently used programs and headers beyond the limit, and what killed processes left.

    Other processes may use what is deleted: they have copies.
    """
    now = time.time()
    found = [kept for each in (PROGRAMS, HEADERS) for kept in kept_files(each)]
    for kept in found:
        if kept.used > now:  # of a clock that was wrong; it would be the last to go
            with suppress(OSError):
                os.utime(kept.path)
    found.sort(key=lambda kept: (kept.path == root() / kind / newest, min(kept.used, now)))
    excess = sum(kept.size for kept in found) - size_limit()
    for kept in found:
        if excess > 0:
            with suppress(OSError):
                kept.path.unlink()
                excess -= kept.size
    for each in (PROGRAMS, HEADERS):
        clear_partial(root() / each)


def clear(kinds: Iterable[str]) -> tuple[list[Kept], list[Kept]]:
    """Delete everything of some kinds; returns what was deleted and what could not be."""
    found = [(kind, kept) for kind in kinds for kept in kept_files(kind)]
    for kind, kept in found:
        if kind == RUNS:
            shutil.rmtree(kept.path, ignore_errors=True)
        else:
            with suppress(OSError):
                kept.path.unlink(missing_ok=True)
    left = [kept for _, kept in found if os.path.lexists(kept.path)]
    return [kept for _, kept in found if kept not in left], left
