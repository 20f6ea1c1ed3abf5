"""Former names: still accepted, with a warning that gives the present one."""

import functools
import warnings
from collections.abc import Callable

from eisim.base.errors import ArgumentError
from eisim.base.units import outside


def renamed(**names: str) -> Callable[[Callable], Callable]:
    """Accept arguments by their former names, which are mapped to the present ones."""

    def decorate(function):
        @functools.wraps(function)
        def renaming(*arguments, **keywords):
            for old, new in names.items():
                if old not in keywords:
                    continue
                if new in keywords:
                    raise ArgumentError(f"{function.__name__}: {new}: expected it once, found it as {old!r}, too")
                say = f"{function.__name__}: {old!r} is now called {new!r}"
                warnings.warn(say, DeprecationWarning, stacklevel=outside())
                keywords[new] = keywords.pop(old)
            return function(*arguments, **keywords)

        return renaming

    return decorate


def warn_of_former(module: str, old: str, new: str) -> None:
    """Warn who takes a name of a module that it once had; to be called by the module's ``__getattr__``."""
    warnings.warn(f"{module}.{old} is now called {module}.{new}", DeprecationWarning, stacklevel=3)
