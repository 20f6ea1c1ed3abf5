"""Display of values: their drawings and tables are registered by the package that makes them.

A value knows nothing of reports. Its methods ``plot``, ``to_dataframe``, ``to_xarray`` and ``_repr_html_`` look here
for what was registered for its type. Where nothing was, the entry points ``eisim.displays`` say what is to be imported:
the name of each is the module that defines the type, its value the module that registers how that is shown. Another
package registers its types in the same way.
"""

from collections import defaultdict
from collections.abc import Callable
from functools import cache, partial
from importlib.metadata import EntryPoint, entry_points

from eisim.base.errors import InputError

#: Group of entry points.
GROUP = "eisim.displays"

_registered: defaultdict[str, dict[type, Callable]] = defaultdict(dict)


def register(shown: type, **displays: Callable) -> None:
    """Register how values of a type and of its subclasses are shown, by any of these functions of the value.

    ``view`` gives its `eisim.report.view.View`: how a result is shown on a page, in the terminal and in files. ``plot``
    is also given Axes, or None for those of a new figure, and a dict with properties of Matplotlib's artists; it
    returns the Axes. ``html`` gives a str for notebooks, ``text`` what ``str(value)`` is, ``to_dataframe`` a pandas
    DataFrame, ``to_xarray`` an `xarray.Dataset`, ``spikes_to_dataframe`` and ``traces_to_dataframe`` the spikes and the
    recorded variables of a response, ``to_brian2`` the objects of Brian2 that are a circuit.
    """
    for how, display in displays.items():
        _registered[how][shown] = display


def display(how: str, value) -> Callable:
    """The display registered for the type of a value or its nearest base class; TypeError if there is none."""
    for base in type(value).__mro__:
        if base not in _registered[how]:
            _load(base.__module__)
        if base in _registered[how]:
            return _registered[how][base]
    raise TypeError(f"{how}: expected a type that is registered with eisim.base.display, found {type(value).__name__}")


@cache
def _points() -> tuple[EntryPoint, ...]:
    return tuple(entry_points(group=GROUP))


@cache
def _load(module: str) -> None:
    """Import what shows the types of a module."""
    for point in _points():
        if point.name != module:
            continue
        try:
            point.load()
        except (Exception, SystemExit) as error:
            if module.startswith("eisim."):
                raise
            where = f"{module} (entry point {point.value}): its display cannot be loaded"
            raise InputError(f"{where}: {type(error).__name__}: {error}") from error


_PLOT = """{what}

    Parameters
    ----------
    ax : matplotlib Axes, optional
        Where to draw; by default on those of a new figure in the style ``eisim.paper``.
    **keywords
        Properties of Matplotlib's lines, markers, bars and areas, such as ``linewidth`` or ``alpha``, for all that is
        drawn.

    Returns
    -------
    Axes
    """


def plotted(what: str, raises: str = "") -> Callable:
    """A method ``plot`` that draws what is registered; `what` begins its docstring, `raises` says what it refuses."""

    def plot(self, ax=None, **keywords):
        return display("plot", self)(self, ax, keywords)

    ending = f"\n    Raises\n    ------\n    InputError\n        {raises}\n    " if raises else ""
    plot.__doc__ = _PLOT.format(what=what) + ending
    return plot


def _shows(how: str, what: str) -> Callable:
    """A method that shows a value as is registered under its name; `what` is its docstring."""

    def method(self):
        return display(how, self)(self)

    method.__name__ = method.__qualname__ = how
    method.__doc__ = what
    return method


tabulated, labelled = partial(_shows, "to_dataframe"), partial(_shows, "to_xarray")
