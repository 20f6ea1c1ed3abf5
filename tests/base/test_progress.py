"""Progress: a bar in a terminal and in a notebook, lines in a pipe, and the time that each stage took."""

import inspect
import os
import subprocess
import sys
import time

import pytest

from eisim import LabelledData, assess, certify, simulate, train
from eisim.base import progress
from eisim.base.progress import Moment, Progress, progress_html, shows_progress
from eisim.studies.networks import ablate_network


def test_times_of_stages_add_up():
    times = {}
    with Progress(times) as report:
        report("first")
        time.sleep(0.02)
        report("second", 0.5)
        report("first")
        time.sleep(0.02)
    assert list(times) == ["first", "second"]
    assert 0.035 < times["first"] < 1
    assert times["second"] < times["first"]


def test_remaining_time_is_that_of_the_pace_so_far():
    assert Moment("x", 0.25, 60.0).clock == "1:00, about 3:00 left"
    assert Moment("x", None, 3700.4).clock == "1:01:40"
    assert Moment("x", 0.0, 1.0).remaining is None


def test_html_is_escaped_and_says_how_far():
    html = progress_html(Moment("<b>a & b</b>", 0.5, 2.0))
    assert "<b>" not in html
    assert "&lt;b&gt;a &amp; b" in html
    assert 'value="0.500"' in html
    assert "value=" not in progress_html(Moment("compiling", None, 2.0))


class Shown:
    """A view that remembers what it was shown."""

    def __init__(self):
        self.moments = []

    def __call__(self):
        return self

    def __enter__(self):
        return self.moments.append

    def __exit__(self, *_):
        self.moments.append("closed")


@pytest.fixture
def shown(monkeypatch):
    view = Shown()
    monkeypatch.setattr(progress, "_view", lambda: view)
    monkeypatch.setattr(progress, "_PERIOD", 0.01)
    monkeypatch.setattr(progress, "PATIENCE", 0.05)
    return view


@shows_progress
def work(seconds, report=None):
    report("working", 0.5)
    time.sleep(seconds)
    return report


@shows_progress
def work_in_parts(seconds, report=None):
    work(seconds)
    report("last part")


def test_work_shows_itself_when_it_lasts(shown):
    work(0.0)
    assert shown.moments == []
    work(0.3)
    assert shown.moments[0].stage == "working"
    assert shown.moments[0].elapsed > 0
    assert shown.moments[-1] == "closed"


def test_parts_of_reported_work_show_nothing_of_their_own(shown):
    said = []
    work_in_parts(0.2, lambda *stage: said.append(stage))
    assert said == [("last part",)]
    assert shown.moments == []
    with Progress():
        work(0.2)
    assert {m.stage for m in shown.moments if m != "closed"} == {"starting"}


def test_a_given_report_is_called_wherever_it_stands():
    given = lambda stage, fraction=None: None  # noqa: E731
    assert work(0.0, given) is given
    assert work(0.0, report=given) is given
    assert work(0.0) is not None


@pytest.mark.parametrize("function", [assess, certify, simulate, train, LabelledData.from_csv, ablate_network])
def test_public_functions_show_themselves(function):
    assert inspect.signature(function).parameters["report"].default is None
    assert hasattr(function, "__wrapped__")


PROGRAM = """
import time
from eisim.base.progress import Progress
with Progress() as report:
    report("counting sheep", 0.5)
    time.sleep(0.7)
"""


def test_a_pipe_is_quiet():
    run = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, check=True)
    assert (run.stdout, run.stderr) == (b"", b"")


def test_b11_long_work_says_now_and_then_in_a_pipe_how_far_it_is(monkeypatch, capsys):
    now = [0.0]
    monkeypatch.setattr(progress.time, "perf_counter", lambda: now[0])
    assert progress._view() is progress._lines
    with progress._lines() as show:
        for step in range(5 * 3600):
            now[0] = step / 5
            show(Moment("comparing points", step / 18_000, now[0]))
            if step == 70:
                assert capsys.readouterr().err == ""  # 14 s
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "eisim: comparing points, 0% (0:15, about 59:45 left)"
    assert len(lines) == 8  # at 15 s, 30 s, 1 min, 2 min, ... in an hour


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pseudo-terminal")
def test_a_terminal_shows_the_stage_and_the_time_left():
    import pty

    ours, theirs = pty.openpty()
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "100"}
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stderr=theirs, env=environment) as process:
        os.close(theirs)
        written = b""
        while True:
            try:
                part = os.read(ours, 10_000)
            except OSError:  # how Linux says that the other end is closed
                break
            if not part:
                break
            written += part
    os.close(ours)
    assert process.returncode == 0
    assert b"counting sheep" in written
    assert b"left" in written


def test_a_notebook_shows_a_bar_that_vanishes():
    import nbclient
    import nbformat

    class Recording(nbclient.NotebookClient):
        """Runs a notebook and keeps the HTML that it displays."""

        def process_message(self, msg, cell, cell_index):
            html = msg["content"].get("data", {}).get("text/html")
            if html is not None:
                seen.append(html)
            return super().process_message(msg, cell, cell_index)

    seen = []
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(PROGRAM)])
    Recording(notebook, kernel_name="python3", timeout=60).execute()
    assert any("<progress" in html and "counting sheep" in html and "left" in html for html in seen)
    assert seen[-1] == ""
    assert "<progress" not in str(notebook.cells[0].outputs)
