"""A process that draws figures, so that Matplotlib is imported and drawing done beside everything else.

``python -m eisim.report.draw MODULE [FILE]...`` loads the user's own files, reads a pickled result from its parent, and
answers with pairs of file name and SVG of what ``MODULE.figures(result)`` yields.
"""

import importlib
import io
import os
import pickle
import signal
import string
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stdout, suppress

from eisim.errors import InputError, printable
from eisim.own.files import guarded, load_file, loaded_files


class Artist:
    """The drawing process of one experiment, ready when the result is."""

    def __init__(self, experiment: str):
        here = sys.path[:1] in ([""], [os.getcwd()])  # else no module is to be found there, such as a stranger's
        command = [sys.executable, *(() if here else ("-P",)), "-m", "eisim.report.draw", experiment, *loaded_files()]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def begin(self, result) -> None:
        """Hand over the result."""
        try:
            content = pickle.dumps(result)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise InputError(
                f"figures: expected a result that can be pickled (no function within a function), found: {error}"
            ) from None
        self.process.stdin.write(content)
        self.process.stdin.close()

    def finish(self) -> list[tuple[str, bytes]]:
        """Wait for the figures: pairs of file name and SVG."""
        drawn = self.process.stdout.read()
        if self.process.wait():
            raise RuntimeError("the figures could not be drawn (see above)")
        return pickle.loads(drawn)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


def main(experiment: str, *files: str) -> None:
    """Draw what the parent sends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    for file in files:
        load_file(file)
    module = importlib.import_module(experiment)
    for name in (
        "eisim.report.ablation",
        "eisim.report.diagram",
        "eisim.report.figures",
    ):  # while there is no result yet
        importlib.import_module(name)
    _warm_up()
    try:
        result = pickle.load(sys.stdin.buffer)
    except EOFError:  # the parent has come to its end without a result
        return
    figures = getattr(module, "figures", lambda result: ())
    if experiment.partition(".")[0] != "experiments":
        figures = guarded(figures, module.__file__, "figures")
    try:
        with redirect_stdout(sys.stderr):
            drawn = draw(figures, result)
    except InputError as error:
        sys.exit(f"eisim: {error}")
    pickle.dump(drawn, sys.stdout.buffer)


def draw(figures: Callable, result) -> list[tuple[str, bytes]]:
    """Pairs of file name and SVG of what ``figures(result)`` yields."""
    from eisim.report.style import paper

    with paper():
        return [(name, _svg(figure)) for name, figure in figures(result)]


def _svg(figure) -> bytes:
    from matplotlib.text import Text

    for text in figure.findobj(Text):  # a name with dollar signs, such as a stranger's, is no formula
        if "$" in text.get_text() and not text.get_text().startswith(r"$\mathdefault"):
            text.set_parse_math(False)
            text.set_text(printable(text.get_text()))
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()


def _warm_up() -> None:
    """Draw a figure of no meaning: fonts are read, and what Matplotlib imports late is there."""
    from matplotlib.figure import Figure

    from eisim.report.style import paper

    with paper():
        figure = Figure()
        ax = figure.subplots()
        ax.plot([0, 1], "o", label="glyphs")
        figure.colorbar(ax.imshow([[0, 1]]), ax=ax)
        ax.annotate(string.ascii_letters, (0, 0), (1, 1), fontweight="bold", arrowprops={"arrowstyle": "-|>"})
        ax.set_title(string.printable[:95].replace("$", ""))
        ax.legend()
        _svg(figure)


if __name__ == "__main__":
    main(*sys.argv[1:])
