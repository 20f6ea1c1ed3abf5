"""Run the blocks of a page of the documentation in turn, in one namespace and one folder, as a reader does."""

import contextlib
import io
import os
import re
import shlex
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import NamedTuple
from unittest import mock

DOCS = Path(__file__).parents[1] / "docs"
#: Commands that need a terminal or results of other runs.
UNTRIED = ("report", "doctor", "--install-completion")
BLOCK = re.compile(r"^```(python|console)\n(.*?)^```$(?:\n\n```text\n(.*?)^```$)?", re.DOTALL | re.MULTILINE)


class Block(NamedTuple):
    """A block of code or commands, and what the page says that it prints; `None` if it says nothing."""

    kind: str
    code: str
    shown: str | None


class ReachedError(Exception):
    """A command got through its arguments and settings to the experiment."""


def blocks(page: Path) -> list[Block]:
    """The code and console blocks of a page."""
    return [Block(*found.groups()) for found in BLOCK.finditer(page.read_text(encoding="utf-8"))]


def run_page(page: Path) -> Iterator[tuple[Block, str]]:
    """Run every block in the present folder; yields each with what it printed.

    A command whose output the page shows is run. Another ``run`` command is followed up to its experiment, so that its
    names, options and settings are known to hold, and not through the experiment.
    """
    names = {}
    for block in blocks(page):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            if block.kind == "python":
                exec(compile(block.code, str(page), "exec"), names)
            else:
                for command in block.code.splitlines():
                    _run_command(command, block.shown is None)
        yield block, out.getvalue()


def _run_command(command, only_arguments):
    from eisim.cli import run_command

    words = shlex.split(command.removeprefix("$ "))
    if words[:3] != ["python", "-m", "eisim"] or words[3] in UNTRIED:
        return
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.redirect_stderr(io.StringIO()))
        stack.enter_context(mock.patch.dict(os.environ, {"COLUMNS": "100", "NO_COLOR": "1"}))
        if only_arguments and words[3] == "run":
            for point in entry_points(group="eisim.experiments"):
                module = point.load()
                stack.enter_context(mock.patch.object(module, "run", _reached(module)))
            try:
                run_command(words[3:])
            except ReachedError:
                return
            raise AssertionError(f"{command}: expected to come to its experiment")
        assert run_command(words[3:]) == 0, command


def _reached(module):
    def run(settings, kinds, seed, backend, report):
        raise ReachedError(module.__name__)

    return run
