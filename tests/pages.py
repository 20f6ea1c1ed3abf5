"""Run the blocks of a page of the documentation in turn, in one namespace and one folder, as a reader does.

``python -m tests.pages PAGE...`` writes what the blocks print into the pages, where these show something else.
"""

import contextlib
import doctest
import io
import os
import re
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple
from unittest import mock

from eisim.run import registry

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
#: The first changes the shell of who runs the tests; the others have tests of their own: they take time, or throw away.
UNTRIED = ("--install-completion", "doctor", "cache")
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


def agree(block: Block, printed: str) -> bool:
    """Whether a block printed what the page shows; ``...`` stands for anything. Silent code shows nothing."""
    shown = "" if block.shown is None and block.kind == "python" else block.shown
    options = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    return shown is None or doctest.OutputChecker().check_output(shown, printed, options)


def enter(page: Path, folder: Path) -> Path:
    """Make a folder for a page, with the examples in it."""
    place = folder / page.relative_to(DOCS).with_suffix("")
    shutil.copytree(ROOT / "examples", place / "examples")
    return place


def renew(page: Path, folder: Path) -> None:
    """Write what the blocks of a page print into the page, where it shows something else."""
    with contextlib.chdir(enter(page, folder)):
        done = iter([*run_page(page)])

    def shown(found):
        block, printed = next(done)
        if block.shown is None or agree(block, printed):
            return found[0]
        lines = "\n".join(line.rstrip() for line in printed.rstrip().splitlines())
        return f"```{block.kind}\n{block.code}```\n\n```text\n{lines}\n```"

    page.write_text(BLOCK.sub(shown, page.read_text(encoding="utf-8")), encoding="utf-8")


def _run_command(command, only_arguments):
    from eisim.cli.commands import run_command

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
            stack.enter_context(
                mock.patch("eisim.run.registry.experiment_of", partial(_unreached, registry.experiment_of))
            )
            stack.enter_context(contextlib.suppress(ReachedError))
        status = run_command(words[3:])
        assert status == 0, f"{command}: exit status {status}"


def _unreached(experiment_of, name):
    """The experiment of a name, with an end where it begins."""
    return replace(experiment_of(name), run=_reach)


def _reach(settings, kinds, seed, backend, report):
    raise ReachedError


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        for page in sys.argv[1:]:
            renew(Path(page).resolve(), Path(folder))
