"""What people read: on narrow terminals, in pipes, in poor encodings."""

import io
import logging
import os
import signal
import subprocess
import sys
import time
import warnings
from contextlib import contextmanager

import pytest
from rich.console import Group
from rich.table import Table

from eisim.base import interrupts
from eisim.cli import commands as cli
from eisim.report import terminal


@pytest.fixture
def command(monkeypatch, capsys):
    """Run a command in this process: exit status and what it printed."""
    for name in ("COLUMNS", "NO_COLOR", "FORCE_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)

    def run(*words, **env):
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        return cli.run_command(words), capsys.readouterr().out

    return run


def table():
    made = Table("name", "first heading", "second\nheading", title="A table", box=None)
    made.add_row("one", "3.14159265358979", "a\nb")
    made.add_row("two", "", "c")
    return Group(made, "words below")


def shown(monkeypatch, capsys, width):
    monkeypatch.setenv("COLUMNS", str(width))
    terminal.show(table())
    return [line.rstrip() for line in capsys.readouterr().out.splitlines()]


def test_a_table_that_does_not_fit_becomes_a_list(monkeypatch, capsys):
    wide, narrow = shown(monkeypatch, capsys, 60), shown(monkeypatch, capsys, 25)
    assert any("one" in line and "3.14159265358979" in line for line in wide)
    assert max(map(len, narrow)) <= 25 and narrow[:2] == ["A table", "one"] and narrow[-1] == "words below"
    first = next(k for k, line in enumerate(narrow) if "first heading" in line)
    assert "".join(line.split()[-1] for line in narrow[first : narrow.index("two") - 1]) == "3.14159265358979"
    assert [line.split() for line in narrow if "second" in line] == [
        ["second", "heading", "a,", "b"],
        ["second", "heading", "c"],
    ]


@pytest.mark.parametrize("words", [("list",), ("--help",), ("run", "--help"), ("certify", "--help")])
def test_nothing_is_wider_than_the_terminal_or_lost(command, words):
    status, wide = command(*words)
    assert status == 0 and "\x1b" not in wide
    for columns in (40, 72):
        status, narrow = command(*words, COLUMNS=str(columns))
        assert status == 0 and max(map(len, narrow.splitlines())) <= columns
        # What it says is the same; only lines, frames and headings are others.
        letters = [set("".join(c if c.isalnum() else " " for c in text).split()) for text in (wide, narrow)]
        assert columns < 60 or len(letters[0] - letters[1]) <= len(letters[0]) / 20


def test_colours_only_where_they_are_wanted(command):
    assert "\x1b[" in command("--help", FORCE_COLOR="1")[1]
    assert "\x1b[3" not in command("--help", FORCE_COLOR="1", NO_COLOR="1")[1]
    assert "\x1b" not in command("--help", FORCE_COLOR="1", NO_COLOR="1", TERM="dumb")[1]


@pytest.mark.parametrize(
    ("encoding", "text", "written"),
    [
        ("ascii", "2 × 3 ≤ x → é ✓ 漢", "2 x 3 <= x -> e yes ?"),
        ("cp1252", "2 × 3 ≤ x → é", "2 × 3 <= x -> é"),
        ("utf-8", "2 × 3 ≤ x → é", "2 × 3 ≤ x → é"),
    ],
)
def test_letters_that_the_terminal_lacks_are_replaced(monkeypatch, encoding, text, written):
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    terminal.use_plain_letters()
    print(text, end="", flush=True)
    assert stream.buffer.getvalue().decode(encoding) == written


def test_a_command_in_a_poor_encoding(eisim, tmp_path):
    done = eisim("certify", "--truth-table", "0110", PYTHONIOENCODING="ascii", COLUMNS="40", cwd=tmp_path)
    assert done.returncode == 0 and done.stderr == ""
    assert "01 <= 11" in " ".join(done.stdout.split())
    assert max(len(line) for line in done.stdout.splitlines() if "results" not in line) <= 40  # paths stay whole


@pytest.mark.skipif(sys.platform == "win32", reason="pipes of POSIX")
@pytest.mark.parametrize("words", [("--help",), ("list", "--json")])
def test_a_reader_that_goes_away_is_no_error(words):
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "eisim", *words]
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write)
    assert done.stderr == "" and done.returncode == 1


def test_d7_an_interrupt_while_python_cleans_up_is_not_forgotten(capfd):
    class Late:
        def __del__(self):
            raise KeyboardInterrupt

    with interrupts_remembered(), pytest.raises(KeyboardInterrupt):
        Late()
        time.sleep(10)
    assert capfd.readouterr() == ("", "")


def test_an_interrupt_that_turns_into_another_error_is_one(monkeypatch, capfd):
    def turned(*_, **__):
        try:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(10)
        except KeyboardInterrupt:
            raise ImportError("numpy.core.multiarray failed to import") from None

    monkeypatch.setattr("typer.main.get_command", turned)
    with interrupts_remembered():
        assert cli.run_command(["list"]) == 130
    assert capfd.readouterr().err == "eisim: interrupted; no partial files written\n"


@contextmanager
def interrupts_remembered():
    """As in a process of its own."""
    hook, showing = sys.unraisablehook, warnings.showwarning
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGALRM)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    interrupts.remember()
    try:
        yield
    finally:
        sys.unraisablehook, warnings.showwarning = hook, showing
        for number, handler in handlers.items():
            signal.signal(number, handler)
        interrupts._wanted.clear()
        logging.disable(logging.NOTSET)
