"""A process that draws figures, so that Matplotlib is imported and used in parallel with everything else."""

import io
import logging
import multiprocessing
import os
import pickle
import signal
import string
import sys
from collections import deque
from collections.abc import Iterable
from contextlib import contextmanager, redirect_stdout, suppress
from typing import Any

from eisim.base.errors import InputError, printable
from eisim.base.user_files import load_file, loaded_files
from eisim.report.style import Figure, paper
from eisim.report.view import view_of

#: A forked process has what was imported before it, and shares the memory. Only on Linux do all libraries tolerate it.
_FORKS = sys.platform == "linux"


class Artist:
    """The drawing process of one result, ready when the result is."""

    def __init__(self):
        from eisim.report.views import boolean  # noqa: F401 - with what most results need, which both processes share

        processes: Any = multiprocessing.get_context("fork" if _FORKS else "spawn")
        self.pipe, theirs = processes.Pipe()
        self.process = processes.Process(target=_serve, args=(theirs, self.pipe, loaded_files()))
        with _uninterrupted():
            self.process.start()
        theirs.close()

    def begin(self, result) -> None:
        """Hand over the result."""
        try:
            content = pickle.dumps(result, pickle.HIGHEST_PROTOCOL)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise InputError(
                f"figures: expected a result that can be pickled (no function within a function), found: {error}"
            ) from None
        with suppress(ConnectionError):  # `finish` says so
            self.pipe.send_bytes(content)

    def finish(self) -> list[tuple[str, bytes]]:
        """Wait for the figures: pairs of file name and SVG."""
        try:
            found = self.pipe.recv()
        except (EOFError, ConnectionError):
            raise RuntimeError("the figures could not be drawn: the process that draws them has ended") from None
        if isinstance(found, Exception):
            raise found
        return found

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.join()
        self.pipe.close()


@contextmanager
def _uninterrupted():
    """Put off Ctrl-C: a process that is forked meanwhile must not get it before it leaves it to its parent."""
    if not _FORKS:
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(pipe, parents_end, files: list[str]) -> None:
    """Draw what the parent sends."""
    if _FORKS:
        parents_end.close()  # so that the pipe ends with the parent
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    if _FORKS:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    logging.disable(logging.WARNING)  # Matplotlib would speak of a home that cannot be written
    for file in files:
        load_file(file)
    _warm_up()
    try:
        result = pickle.loads(pipe.recv_bytes())
    except EOFError:  # the parent has come to its end without a result
        return
    try:
        with redirect_stdout(sys.stderr):
            drawn = (_draw_side_by_side if _FORKS else draw)(view_of(result).drawn())
    except (InputError, RuntimeError) as error:
        drawn = error
    except Exception as error:  # the parent waits for something
        drawn = RuntimeError(f"the figures could not be drawn: {type(error).__name__}: {error}")
    with suppress(BrokenPipeError):  # the parent has gone
        pipe.send(drawn)


Figures = Iterable[tuple[str, Figure]]


def draw(figures: Figures) -> list[tuple[str, bytes]]:
    """Pairs of file name and SVG, of pairs of file name and figure; what yields them draws in the paper's style."""
    with paper():
        return [(name, _converted(name, figure)) for name, figure in figures]


def _draw_side_by_side(figures: Figures) -> list[tuple[str, bytes]]:
    """Draw several figures; while one is drawn, others are converted to SVG in forked processes."""
    processes, most = multiprocessing.get_context("fork"), os.cpu_count() or 1
    drawn, waiting = {}, deque()

    def collect():
        name, pipe, process = waiting.popleft()
        try:
            found = pipe.recv()
        except EOFError:
            found = RuntimeError(f"{name}: could not be drawn")
        process.join()
        if isinstance(found, Exception):
            raise found
        drawn[name] = found

    with paper(), _ended_at_last(waiting):
        for name, figure in figures:
            drawn[name] = b""  # keeps the order in which they are made
            pipe, theirs = processes.Pipe(duplex=False)
            readers = [pipe, *(other for _, other, _ in waiting)]
            process = processes.Process(target=_send, args=(theirs, readers, name, figure))
            process.start()
            theirs.close()
            waiting.append((name, pipe, process))
            if len(waiting) > most:
                collect()
        while waiting:
            collect()
    return list(drawn.items())


@contextmanager
def _ended_at_last(waiting):
    """End the processes that are still waiting when drawing fails: nobody reads what they send."""
    try:
        yield
    finally:
        for _, _, process in waiting:
            process.kill()


def _converted(name, figure) -> bytes:
    try:
        return _svg(figure)
    except Exception as error:  # a user's figure may hold anything
        raise RuntimeError(f"{name}: could not be drawn: {type(error).__name__}: {error}") from error


def _send(pipe, readers, name, figure) -> None:
    for reader in readers:  # so that a pipe breaks when the process ends that is to read from it
        reader.close()
    found: bytes | RuntimeError
    try:
        found = _converted(name, figure)
    except RuntimeError as error:
        found = error
    with suppress(BrokenPipeError):
        pipe.send(found)


def _svg(figure) -> bytes:
    from matplotlib.text import Text

    for text in figure.findobj(Text):  # an untrusted name with dollar signs is no formula
        if "$" in text.get_text() and not text.get_text().startswith(r"$\mathdefault"):
            text.set_parse_math(False)
            text.set_text(printable(text.get_text()))
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()


def _warm_up() -> None:
    """Draw a dummy figure, so that fonts and the late imports of Matplotlib are loaded."""
    from matplotlib.figure import Figure

    from eisim.report import diagram, figures  # noqa: F401 - what most figures need
    from eisim.report.views import boolean_figures  # noqa: F401

    with paper():
        figure = Figure()
        ax = figure.subplots()
        ax.plot([0, 1], "o", label="glyphs")
        figure.colorbar(ax.imshow([[0, 1]]), ax=ax)
        ax.annotate(string.ascii_letters, (0, 0), (1, 1), fontweight="bold", arrowprops={"arrowstyle": "-|>"})
        ax.set_title(string.printable[:95].replace("$", ""))
        ax.legend()
        _svg(figure)
