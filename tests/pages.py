"""Run the blocks of a page of the documentation in turn, in one namespace and one folder, as a reader does."""

import contextlib
import io
import os
import re
import shlex
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple
from unittest import mock

from eisim import catalogue

DOCS = Path(__file__).parents[1] / "docs"
#: The first changes the shell of who runs the tests; the second has tests of its own, and takes seconds.
UNTRIED = ("--install-completion", "doctor")
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
        for change in (
            contextlib.redirect_stderr(io.StringIO()),
            mock.patch.dict(os.environ, {"COLUMNS": "100", "NO_COLOR": "1"}),
            mock.patch("logging.disable"),  # a command sets both for the process, which here goes on
            mock.patch("warnings.showwarning"),
        ):
            stack.enter_context(change)
        if only_arguments and words[3] == "run":
            stack.enter_context(mock.patch("eisim.catalogue.prepare", partial(_prepare, catalogue.prepare)))
            stack.enter_context(contextlib.suppress(ReachedError))
        status = run_command(words[3:])
        assert status == 0, f"{command}: exit status {status}"


def _prepare(prepare, *arguments):
    """What a command would run, with an end where its experiment begins."""
    found = prepare(*arguments)
    return replace(found, experiment=catalogue.parts_of(found.experiment, run=_reach))


def _reach(settings, kinds, seed, backend, report):
    raise ReachedError
