"""A function that builds circuits, as what is swept.

Other processes have a function by its name in a module that they can import. One that was defined in a script, a
notebook or another function is known in its own process only: its points are computed there, and are not kept, since
nothing says whether what it uses has changed.
"""

import hashlib
import inspect
import pickle
from collections.abc import Callable
from functools import partial, wraps
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from eisim.base.errors import InputError
from eisim.base.store import sources
from eisim.base.user_files import PREFIX, guarded
from eisim.run.model import Model


def check(build: Callable) -> None:
    """Refuse what has no parameters by name."""
    try:
        inspect.signature(build)
    except (TypeError, ValueError):
        raise InputError(
            f"sweep: {name_of(build)}: expected a function that builds a circuit from parameters by name, found one of "
            "which Python does not know the parameters"
        ) from None


def name_of(build: Callable) -> str:
    """Its name, for headings and messages."""
    build = _innermost(build)
    return getattr(build, "__name__", type(build).__name__)


def model_of(build: Callable) -> Model:
    """The model whose circuit it builds; its errors become one line each."""
    file, name = file_of(build), name_of(build)
    module = inspect.getmodule(_innermost(build)) or ModuleType(name)
    return Model(name, module, wraps(build)(guarded(build, file or name, name)))


def file_of(build: Callable) -> str:
    """Where it is defined: a file, or the name that a notebook gives a cell; "" if that is not known."""
    build = _innermost(build)
    code = getattr(build, "__code__", None) or getattr(type(build).__call__, "__code__", None)
    return getattr(code, "co_filename", "")


def watch(build: Callable) -> None:
    """Note what its file opens, in a process in which nothing else of that folder runs."""
    if (file := Path(file_of(build))).is_file():
        sources.watch(file)


def is_known_elsewhere(build: Callable) -> bool:
    """Whether another process can have it, by its name in a module."""
    module = getattr(_innermost(build), "__module__", None) or ""
    try:
        sent = pickle.dumps(build)
        return b"__main__" not in sent and not module.startswith(PREFIX) and find_spec(module) is not None
    except Exception:  # whatever its own parts raise when they are pickled
        return False


def identity(build: Callable) -> dict[str, str]:
    """What distinguishes it from others, for the identity of a sweep: a file, and its name and arguments in that."""
    return {"file of the function": file_of(build), "function": hashlib.sha256(pickle.dumps(build)).hexdigest()}


def _innermost(build):
    while isinstance(build, partial):
        build = build.func
    return build
