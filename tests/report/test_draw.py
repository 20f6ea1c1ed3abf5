"""The process that draws."""

import os
import subprocess
import sys
import time

import pytest
from matplotlib.figure import Figure

from eisim.report import draw as drawing
from eisim.report.draw import draw

pytestmark = pytest.mark.slow


def figures(numbers):
    """Figures that are written at different speeds."""
    for number in numbers:
        figure = Figure()
        figure.subplots().plot(range(number), "o")
        yield f"{number}.svg", figure


class Unwritable(Figure):
    def savefig(self, *_, **__):
        os._exit(1)


@pytest.mark.skipif(not drawing._FORKS, reason="processes are not forked here")
def test_figures_that_are_written_side_by_side_are_the_same(capfd):
    numbers = [2000, 1, 50, 1000, 3]
    expected = draw(figures(numbers))
    assert drawing._draw_side_by_side(figures(numbers)) == expected
    assert [name for name, _ in expected] == [f"{n}.svg" for n in numbers]
    with pytest.raises(RuntimeError, match="could not be drawn"):
        drawing._draw_side_by_side([*figures([1]), ("worst.svg", Unwritable())])


FAILED = """
from eisim.report import draw, views
from tests.report.test_draw import figures

class View:
    def drawn(self):
        yield from figures([200_000, 200_000])  # more than a pipe holds
        raise ZeroDivisionError("no axes")

draw.view_of = lambda result: View()
with draw.Artist() as artist:
    artist.begin(None)
    try:
        artist.finish()
    except RuntimeError as error:
        print(error)
artist.process.join()
"""


@pytest.mark.skipif(not drawing._FORKS, reason="processes are not forked here")
def test_a_view_that_fails_in_any_way_ends_the_run_with_an_error():
    run = subprocess.run([sys.executable, "-c", FAILED], capture_output=True, text=True, timeout=120)
    assert run.stdout == "the figures could not be drawn: ZeroDivisionError: no axes\n", run.stderr


KILLED = """
import os, signal
from eisim.report.draw import _draw_side_by_side
from tests.report.test_draw import figures

def then_killed():
    yield from figures([20_000, 20_000])
    os.kill(os.getpid(), signal.SIGKILL)

_draw_side_by_side(then_killed())
"""


@pytest.mark.skipif(not drawing._FORKS, reason="processes are not forked here")
def test_d4_nothing_goes_on_drawing_for_a_process_that_was_killed():
    begun = subprocess.Popen([sys.executable, "-c", KILLED], start_new_session=True)
    begun.wait()
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            os.killpg(begun.pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    os.killpg(begun.pid, 9)
    pytest.fail("it still waits for somebody to read its figure")
