"""The user's Python files: imported under a private name, and their mistakes in one line each."""

import ast
import importlib
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from hashlib import sha256
from pathlib import Path
from types import ModuleType

from eisim.base import folders
from eisim.base.errors import InputError, did_you_mean
from eisim.base.store import sources

#: Modules made of files are named so, that they shadow no other.
PREFIX = "_eisim_own_"


def load_file(path) -> ModuleType:
    """The module that a Python file defines; the same one if it was loaded before.

    Its folder comes first on ``sys.path``, as when Python runs it. What it prints goes to stderr. Where it cannot be
    read or run, an ``InputError`` names file, line and error.
    """
    path = Path(path).resolve()
    name = PREFIX + sha256(str(path).encode()).hexdigest()[:12]
    if name in sys.modules:
        _enter(str(path.parent))
        return sys.modules[name]
    try:
        source = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path.name}: cannot be read: {error.strerror}") from None
    import numpy  # noqa: F401 - ours, before a folder is first on the path that may have a file of this name

    module = ModuleType(name)
    module.__file__ = str(path)
    _entered.setdefault(str(path.parent), {})
    sources.watch(path)
    sys.modules[name] = module  # classes that it defines are found there when they are unpickled
    try:
        with blamed_on(path):
            exec(compile(source, str(path), "exec"), module.__dict__)
    except BaseException:
        del sys.modules[name]
        raise
    sources.keep_as_imported()
    return module


#: Folders of files that were loaded, with the modules that they imported, while another one is in use.
_entered: dict[str, dict[str, ModuleType]] = {}
#: The folder in use, and the names of modules that were there before.
_in_use: list[tuple[str, set[str]]] = []


def _enter(folder: str) -> None:
    """Put a folder first on the path; modules with the same names from other folders are set aside."""
    if _in_use and _in_use[0][0] == folder:
        return
    if _in_use:
        last, known = _in_use.pop()
        for name, module in list(sys.modules.items()):
            file = str(getattr(module, "__file__", None) or next(iter(getattr(module, "__path__", ())), ""))
            mine = name not in known and not name.startswith(PREFIX)
            if mine and file.startswith(f"{last}{os.sep}") and not sources.is_library(file):
                _entered[last][name] = sys.modules.pop(name)
        if last in sys.path:
            sys.path.remove(last)
    for name in filter(folders.is_ours, folders.NAMES):  # the folder may have one itself
        for each in [each for each in sys.modules if each.partition(".")[0] == name]:
            del sys.modules[each]
    known = set(sys.modules)
    sys.modules.update(_entered[folder])
    sys.path.insert(0, folder)
    importlib.invalidate_caches()
    _in_use.append((folder, known))


def named_module(name: str) -> ModuleType:
    """The module with this name, imported if necessary; that of a user's file was loaded before."""
    return sys.modules.get(name) or importlib.import_module(name)


def found_instead(module: ModuleType, expected: Iterable[str]) -> str:
    """The names that a file itself defines, for a message, and which of the expected ones one of them may be meant for.

    What it imports is not among them.
    """
    own = []
    for part in ast.parse(Path(module.__file__).read_bytes()).body:
        if isinstance(part, ast.FunctionDef | ast.ClassDef):
            own.append(part.name)
        elif isinstance(part, ast.Assign | ast.AnnAssign):
            targets = part.targets if isinstance(part, ast.Assign) else [part.target]
            own += [node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)]
    own = list(dict.fromkeys(own))
    expected = list(expected)
    meant = next(filter(None, (did_you_mean(name, expected) for name in own)), "")
    return (", ".join(own[:6]) + (", ..." if len(own) > 6 else "") or "nothing") + meant


def without_prefix(text: str) -> str:
    """A message in which classes of a user's file have the names that they have there."""
    return re.sub(rf"{PREFIX}[0-9a-f]{{12}}\.", "", text)


def loaded_files() -> list[str]:
    """The files that were loaded: another process needs them for what they define."""
    return [module.__file__ for name, module in sys.modules.items() if name.startswith(PREFIX)]


@contextmanager
def blamed_on(path: Path | str, what: str = "") -> Iterator[None]:
    """While the user's code runs: what it raises becomes one line, and what it prints goes to stderr.

    Of the file the last line that was reached is named; where there is no file, `path` is a name. `what` was called.
    """
    folder = os.path.dirname(path)
    if folder in _entered:
        _enter(folder)
    try:
        with redirect_stdout(sys.stderr):
            yield
    except (Exception, SystemExit) as error:
        raise InputError(in_one_line(error, path, what)) from None


def guarded(function: Callable, path: Path | str, what: str) -> Callable:
    """The user's function, its errors in one line each."""

    def call(*arguments, **named):
        with blamed_on(path, what):
            return function(*arguments, **named)

    return call


def in_one_line(error: BaseException, path: Path | str, what: str = "") -> str:
    """What the user's code raised, with the last line of the file that was reached; `what` was called."""
    place = place_of(error, path)
    if isinstance(error, SystemExit):
        said = "sys.exit was called"
    elif isinstance(error, InputError):
        said = str(error)
    elif isinstance(error, ValueError | SyntaxError) and "null byte" in str(error):  # releases of Python differ in this
        said = "SyntaxError: source code cannot contain null bytes"
    elif isinstance(error, SyntaxError):
        said = f"{type(error).__name__}: {error.msg}"
        if error.filename and Path(error.filename).name != Path(path).name:
            said += f" ({Path(error.filename).name}, line {error.lineno})"
    else:
        said = f"{type(error).__name__}: {error}".rstrip(": ")
    return " ".join(": ".join(part for part in (place, what, said) if part).split())


def place_of(error: BaseException, path: Path | str) -> str:
    """The name of a file, with the last line of it that was reached before an error."""
    line = _line(error, str(path))
    return f"{Path(path).name}, line {line}" if line else Path(path).name


def _line(error, path):
    """The last line of the file that was reached."""
    if isinstance(error, SyntaxError) and error.filename == path:
        return error.lineno
    reached = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
    return reached[-1] if reached else None
