"""Files that the user's Python files load and open, on which their results depend as well.

Python announces each file that is opened (PEP 578). Those are noted that code in the folders of the user's files asks
for, directly or through a library: modules, data, folders that are listed, and files that were looked for in vain. What
belongs to Python, to installed packages or to eisim's cache is not, nor what the process has written itself.
"""

import ast
import hashlib
import os
import sys
import sysconfig
import tempfile
import threading
import time
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import source_from_cache
from pathlib import Path
from stat import S_ISDIR, S_ISREG

from eisim.base.errors import InputError

#: Of larger files, in bytes, size and time count, not the content.
LARGEST = 200_000_000
_SYSTEM = ("/usr/", "/lib", "/proc/", "/sys/", "/dev/", "/etc/")
#: Changes closer together than this, in ns, may leave a file's time unchanged.
_TICK = 2_000_000_000
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC

_seen: dict[str, str] = {}
_at_import: dict[str, str] = {}
_digests: dict[str, tuple] = {}
_written: set[str] = set()
_folders: tuple[str, ...] = ()
_present = threading.local()


def watch(path: Path) -> None:
    """Note from now on what the code in the folder of a file opens, and the file."""
    global _folders
    if not _folders:
        sys.addaudithook(_notice)
    folder = f"{path.parent}{os.sep}"
    if folder not in _folders:
        _folders = (*_folders, folder)
    _note(str(path))


def keep_as_imported() -> None:
    """Mark what was recorded so far as needed to load the files: it is known before anything runs."""
    _at_import.update(_seen)


def at_import() -> dict[str, str]:
    """Digests, by path, of what the files needed to be loaded."""
    return dict(_at_import)


def seen() -> dict[str, str]:
    """Digests, by path, of all that they loaded and opened, as it was when they first did."""
    return dict(_seen)


def news() -> dict[str, str | None]:
    """What was recorded, for the process that requested the work; ``None`` for this process's own files."""
    return {**_seen, **dict.fromkeys(_written)}


def learn(found: dict[str, str | None]) -> None:
    """Add what another process of the same run has noted (`news`); ``InputError`` if a file differs here."""
    for path, known in found.items():
        if known is None:
            _written.add(path)
            _seen.pop(path, None)
        elif path not in _written and _seen.get(path) != known:
            here = _seen.get(path) or digest(path)
            if here and here != known:
                raise InputError(change_of(path))
            if here == known:  # else of another machine
                _seen[path] = known


def change_of(path: str) -> str:
    """The message for a file that changed while it was needed."""
    return f"{path}: changed while it was in use, so that results before and after would be mixed; run the same again"


def changed(digests: dict[str, str]) -> str | None:
    """The first of these files that is not as it was; ``None`` if there is none."""
    return next((path for path, known in digests.items() if digest(path) != known), None)


def digest(path: str) -> str:
    """A file, or the names in a folder, as they are now, as text: ``""`` if there is no such thing."""
    try:
        status = os.stat(path)
        state = (status.st_size, status.st_mtime_ns, status.st_ino)
        if _digests.get(path, ("",))[0] != state:
            is_fresh = time.time_ns() - status.st_mtime_ns < _TICK  # it may change again and seem the same
            _digests[path] = (None if is_fresh else state, _digest(path, status))
        return _digests[path][1]
    except OSError:
        return ""


def _digest(path, status):
    if S_ISDIR(status.st_mode):
        names = sorted(each.name for each in os.scandir(path) if each.is_file() and not each.name.startswith("."))
        return hashlib.sha256("\0".join(names).encode("utf-8", "surrogateescape")).hexdigest()
    if not S_ISREG(status.st_mode):
        return "no file"
    if status.st_size > LARGEST:
        return f"{status.st_size} bytes of {status.st_mtime_ns}"
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def imported_versions() -> dict[str, str]:
    """Versions of the packages that the user's modules import."""
    modules, found = set(), {}
    for path in [path for path in _seen if path.endswith(".py")]:
        with suppress(OSError, SyntaxError, ValueError):
            for node in ast.walk(ast.parse(Path(path).read_bytes())):
                if isinstance(node, ast.Import):
                    modules.update(alias.name for alias in node.names)
                elif isinstance(node, ast.ImportFrom) and not node.level:
                    modules.add(node.module)
    for name in sorted({module.partition(".")[0] for module in modules} - sys.stdlib_module_names):
        try:
            found[name] = version(name)
        except (PackageNotFoundError, ValueError):
            found[name] = str(getattr(sys.modules.get(name), "__version__", ""))
    return {name: known for name, known in found.items() if known}


def _notice(event, arguments):
    """The audit hook: it sees everything that Python does, so it leaves at once what is no file."""
    if event == "open":
        path, mode, flags = arguments
    elif event in ("os.listdir", "os.scandir", "sqlite3.connect"):
        path, mode, flags = arguments[0], None, 0
    else:
        return
    if getattr(_present, "is_noting", False) or isinstance(path, int):
        return
    with suppress(Exception):  # even if anything fails here, the user's file is opened
        path = os.path.abspath(os.fsdecode("." if path is None else path))
        if (isinstance(mode, str) and set(mode) & set("wax+")) or (isinstance(flags, int) and flags & _WRITES):
            _written.add(path)
            _seen.pop(path, None)
        elif path not in _seen and path not in _written and not is_library(path):
            frame = sys._getframe(1)
            if event != "open" and frame.f_code.co_filename.startswith("<frozen importlib"):
                return  # who looks for a module lists its folder
            while frame is not None and not _is_theirs(frame.f_code.co_filename):
                frame = frame.f_back
            if frame is not None:
                _note(path)


def _note(path):
    if path.endswith(".pyc"):
        with suppress(ValueError):
            path = source_from_cache(path)
    _present.is_noting = True
    try:
        _seen.setdefault(path, digest(path))
    finally:
        _present.is_noting = False


def _is_theirs(file: str) -> bool:
    return file.startswith(_folders) and not is_library(file)


def is_library(path: str) -> bool:
    """Whether a file belongs to Python, to an installed package, to eisim or to the system."""
    return path.startswith(_known_folders()) or f"{os.sep}site-packages{os.sep}" in path or "dist-packages" in path


@cache
def _known_folders() -> tuple[str, ...]:
    """Folders of Python, of eisim and of its cache, of temporary and of configuration files."""
    from eisim.base.store.cache import root

    home = Path(__file__).parents[3]  # of the package
    named = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    named += [str(home / part) for part in ("eisim", "models", "experiments")]
    named += [str(root()), *(os.path.expanduser(f"~/.{name}") for name in ("cache", "cython", "config"))]
    temporary = os.path.join(tempfile.gettempdir(), "eisim-")
    return (*_SYSTEM, temporary, *(f"{folder}{os.sep}" for folder in named if folder))
