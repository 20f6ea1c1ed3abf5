"""What is ablated: a script, a function that builds a network, or a network; and how it is run."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from eisim.base.errors import InputError
from eisim.base.store import sources
from eisim.base.user_files import in_one_line, place_of


@dataclass(frozen=True)
class Source:
    """A script, function or network, and the names that its equations see."""

    given: Any
    duration: float | None = None
    namespace: Mapping | None = None

    @property
    def is_script(self) -> bool:
        """Whether it is a file."""
        return isinstance(self.given, Path)

    @property
    def is_code(self) -> bool:
        """Whether it is a file or function, which makes objects anew wherever it runs."""
        return self.is_script or inspect.isfunction(self.given)

    @property
    def name(self) -> str:
        """What it is called in messages."""
        if self.is_script:
            return self.given.name
        return str(getattr(self.given, "__name__", None) or getattr(self.given, "name", "network"))

    def run(self, has_run: Callable[[], bool] = lambda: True) -> Any:
        """Run it; what it leaves: the globals of a script, or what the function returned.

        It may end itself by ``sys.exit()`` once a network has run, which is asked of `has_run`.
        """
        import brian2

        with self._ending(has_run):
            if self.is_script:
                return _run_script(self.given, has_run)
            found = self.given() if callable(self.given) and not isinstance(self.given, brian2.Network) else self.given
        if isinstance(found, brian2.Network) and self.duration is not None:
            found.run(self.duration * brian2.second, namespace=self.names)
        return found

    @contextmanager
    def _ending(self, has_run) -> Iterator[None]:
        """What ends itself before a network has run, or says that it failed, is refused."""
        try:
            yield
        except SystemExit as end:
            failed = f" with status {end.code!r:.80}" if end.code else ""
            before = "" if has_run() else " before it ran a network"
            if failed or before:
                said = f"the script ended itself{failed}{before}; it is given no arguments"
                raise InputError(f"{place_of(end, self.file)}: {said}") from None

    @property
    def names(self) -> dict[str, Any]:
        """What the equations of a network refer to, unless a script or function runs it."""
        if self.namespace is not None:
            return dict(self.namespace)
        return (
            inspect.getclosurevars(self.given).nonlocals | self.given.__globals__
            if inspect.isfunction(self.given)
            else {}
        )

    def error(self, error: BaseException) -> str:
        """What the user's code raised, in one line."""
        if isinstance(error, InputError) and str(error).startswith((f"{self.name}: ", f"{self.name}, line ")):
            return str(error)
        root = error
        while type(root).__name__ == "BrianObjectException" and root.__cause__ is not None:
            root = root.__cause__
        if root is not error:
            root = root.with_traceback(error.__traceback__)
        return in_one_line(root, self.file)

    @property
    def file(self) -> str:
        """The file of which a line is named in messages."""
        if self.is_script:
            return str(self.given)
        code = getattr(self.given, "__code__", None)
        return code.co_filename if code is not None else self.name


def source_of(given: Any, duration: Any, namespace: Mapping | None) -> Source:
    """The source that a user names; ``InputError`` if it is none."""
    from brian2 import Network

    from eisim.base.units import scalar_si

    seconds = None
    if duration is not None:
        seconds = scalar_si(duration, "second", "duration")
        if not seconds > 0:
            raise InputError(f"duration: expected more than 0 s, found {seconds:g} s")
    if isinstance(given, (str, os.PathLike)):
        path = Path(given)
        if not path.is_file():
            found = "a folder" if path.is_dir() else "no such file"
            raise InputError(f"{path.name or path}: expected a Python script, found {found}")
        if path.suffix not in (".py", ""):
            raise InputError(f"{path.name}: expected a Python script (.py), found a {path.suffix} file")
        if seconds is not None:
            raise InputError(f"{path.name}: a script says itself how long it runs: expected no duration, found one")
        return Source(path.resolve())
    if isinstance(given, Network):
        if seconds is None:
            raise InputError(f"{given.name}: expected how long to run the network (duration=1*second), found nothing")
        return Source(given, seconds, namespace)
    if callable(given):
        return Source(given, seconds, namespace)
    raise InputError(f"network: expected a script's path, a function that builds, or a Network, found {given!r:.60}")


def _run_script(path: Path, has_run) -> SimpleNamespace:
    module = ModuleType("__main__")
    module.__file__ = str(path)
    vars(module)["__builtins__"] = __builtins__
    folder = str(path.parent)
    for name, other in list(sys.modules.items()):  # a module of the script's folder may have the name of one of ours
        file = getattr(other, "__file__", None) or ""
        beside = (path.parent / f"{name}.py").is_file() or (path.parent / name / "__init__.py").is_file()
        if "." not in name and beside and not file.startswith(folder + os.sep) and not sources.is_library(file):
            del sys.modules[name]
    sys.modules["__main__"] = module
    sys.argv = [str(path)]
    sys.path.insert(0, folder)
    text = path.read_bytes()
    try:
        exec(compile(text, str(path), "exec"), module.__dict__)
    except SystemExit as end:
        if end.code or not has_run():
            raise
    return SimpleNamespace(**module.__dict__)
