"""Progress of long work: a bar in a terminal, a bar in a notebook, now and then a line in a pipe."""

import inspect
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import wraps
from html import escape

from eisim.base.brian import leave_interrupts_ignored
from eisim.base.errors import InputError, argument_error, printable
from eisim.base.values import Explained

Report = Callable[..., None]

#: Delay after which unreported work shows its progress, in s.
PATIENCE = 2.0
#: Delay of the first line where standard error is no terminal, in s; it doubles with each later one.
FIRST_LINE = 15.0
#: Time between two drawings of the bar, in s.
_PERIOD = 0.2

#: What shows or records progress at present; nested calls do not show theirs.
_ongoing: list[object] = []
#: Gives the time to the end of the whole run, in s; see `whole_run`.
_rest: list[Callable[[], float | None]] = [lambda: None]


def silent(stage: str, fraction: float | None = None) -> None:
    """A report that says nothing."""


def headed(report: Report, what: str) -> Report:
    """The report of a part, whose stages begin with what it is."""
    return lambda stage, fraction=None: report(f"{what}: {stage}", fraction)


@contextmanager
def whole_run(remaining: Callable[[], float | None]) -> Iterator[None]:
    """Show within this context the time to the end of the whole run, in s, with that of each stage.

    `remaining` returns ``None`` while it is not known.
    """
    _rest.append(remaining)
    try:
        yield
    finally:
        _rest.remove(remaining)


@dataclass(frozen=True)
class Moment:
    """Progress of a stage of the work, its elapsed time, and the time to the end of the whole run, in s."""

    stage: str
    fraction: float | None
    elapsed: float
    rest: float | None = None

    @property
    def remaining(self) -> float | None:
        """Time to the end of the stage at its pace so far, in s; ``None`` if that is not known."""
        return self.elapsed * (1 - self.fraction) / self.fraction if self.fraction else None

    @property
    def clock(self) -> str:
        """Elapsed and remaining time as text: ``"0:05, about 0:12 left"``."""
        left = "" if self.remaining is None else f", about {_clock(self.remaining)} left"
        rest = "" if self.rest is None else f"; whole run: about {_clock(self.rest)} left"
        return _clock(self.elapsed) + left + rest


def _clock(seconds):
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


class Progress(Explained):
    """Shows stages of work with the fraction done, the time elapsed and the time remaining; keeps their times.

    A context manager that gives a function ``report(stage, fraction=None)``, which every function of eisim that
    takes ``report=`` calls. What it shows goes to standard error if that is a terminal, or below the cell of a
    notebook, and vanishes at the end. Elsewhere, such as in a pipe, work that lasts gets a line now and then.

    Parameters
    ----------
    times : dict of str to float, optional
        Takes the time that each stage took, in s.
    after : float
        Delay before anything is shown, in s.

    Examples
    --------
    >>> from eisim import Progress
    >>> with Progress() as report:
    ...     report("counting", 0.5)
    """

    def __init__(self, times: dict[str, float] | None = None, after: float = 0.0):
        self.times = {} if times is None else times
        self.after = after
        self.stage, self.fraction, self.start = "", None, time.perf_counter()
        self.ended = threading.Event()
        self.thread: threading.Thread | None = None

    def __enter__(self) -> Report:
        _ongoing.append(self)
        view = _view()
        if view is not None and len(_ongoing) == 1:
            self.thread = threading.Thread(target=self._draw, args=(view,), name="eisim progress", daemon=True)
            self.thread.start()
        return self.report

    def report(self, stage: str, fraction: float | None = None) -> None:
        """Report the present stage of the work, and the fraction completed."""
        if stage != self.stage:
            self._close_stage()
            self.fraction, self.stage = None, stage
        if fraction is not None:
            self.fraction = min(max(float(fraction), 0.0), 1.0)

    def _close_stage(self):
        now = time.perf_counter()
        if self.stage:
            self.times[self.stage] = round(self.times.get(self.stage, 0) + now - self.start, 3)
        self.start = now

    @property
    def moment(self) -> Moment:
        """The present progress of the work."""
        return Moment(self.stage or "starting", self.fraction, time.perf_counter() - self.start, _rest[-1]())

    def _draw(self, view):
        """Draw from a separate thread, so that the time advances even while the work does not report."""
        if self.ended.wait(self.after):
            return
        with suppress(OSError, ValueError), view() as show:  # a terminal that is gone is no fault of the work
            show(self.moment)
            while not self.ended.wait(_PERIOD):
                show(self.moment)

    def __exit__(self, *_):
        self._close_stage()
        self.stage = ""
        _ongoing.remove(self)
        self.ended.set()
        if self.thread is not None:
            self.thread.join()


@contextmanager
def _terminal():
    """A bar on standard error."""
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TextColumn("{task.fields[clock]}"))
    with Bar(*columns, console=Console(stderr=True), transient=True, auto_refresh=False) as bar:
        task = bar.add_task("", total=None, clock="")

        def show(moment: Moment) -> None:
            total, completed = (None, 0) if moment.fraction is None else (1, moment.fraction)
            bar.update(
                task, description=moment.stage, clock=moment.clock, total=total, completed=completed, refresh=True
            )

        yield show


@contextmanager
def _notebook():
    """A bar below the cell of a notebook, in HTML that needs no widgets, as Rich's own would."""
    from IPython.display import HTML, display

    place = display(HTML(""), display_id=True)
    yield lambda moment: place.update(HTML(progress_html(moment)))
    place.update(HTML(""))


@contextmanager
def _lines():
    """Lines on a standard error that is no terminal: the first after a while, then ever more seldom."""
    start, due = time.perf_counter(), FIRST_LINE

    def show(moment: Moment) -> None:
        nonlocal due
        elapsed = time.perf_counter() - start
        if elapsed >= due:
            due = max(2 * due, elapsed)
            share = "" if moment.fraction is None else f", {moment.fraction:.0%}"
            print(f"eisim: {printable(moment.stage)}{share} ({moment.clock})", file=sys.stderr, flush=True)

    yield show


def progress_html(moment: Moment) -> str:
    """The bar of a notebook."""
    value = "" if moment.fraction is None else f' value="{moment.fraction:.3f}"'
    return (
        f'<div style="font: 13px sans-serif"><progress max="1"{value} aria-label="{escape(moment.stage)}"></progress> '
        f"{escape(moment.stage)} <small>{moment.clock}</small></div>"
    )


def _view():
    """Where progress is shown: in a notebook, in a terminal, as lines, or ``None`` without standard error."""
    ipython = sys.modules.get("IPython")
    if hasattr(ipython and ipython.get_ipython(), "kernel"):
        return _notebook
    with suppress(AttributeError, ValueError):  # no standard error, or a closed one
        return _terminal if sys.stderr.isatty() and os.environ.get("TERM") != "dumb" else _lines
    return None


def shows_progress(function):
    """Make a function show the progress of long work by default, where its parameter ``report`` is None.

    It does so in a terminal and in a notebook once the work has lasted `PATIENCE`, unless it is part of work that
    reports already.
    """
    signature = inspect.signature(function)

    @wraps(function)
    def wrapped(*args, **kwargs):
        try:
            given = signature.bind(*args, **kwargs)
        except TypeError as error:
            raise (argument_error(function.__name__, function, args, kwargs) or error) from None
        with _reporting(given.arguments.get("report")) as report:
            given.arguments["report"] = report
            return function(*given.args, **given.kwargs)

    return wrapped


@contextmanager
def _reporting(report):
    if report is not None and not callable(report):
        raise InputError(f"report: expected a function of a stage and a fraction, found {report!r:.60}")
    leave_interrupts_ignored()
    if report is None and not _ongoing:
        with Progress(after=PATIENCE) as own:
            yield own
        return
    _ongoing.append(token := object())
    try:
        yield report or silent
    finally:
        _ongoing.remove(token)
