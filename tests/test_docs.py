"""The documentation: the pages' code runs and prints what they show, their commands hold, and the site builds."""

import doctest
import inspect
import os
import subprocess
import sys

import pytest

import eisim
from tests import pages

PAGES = sorted(
    page for page in pages.DOCS.rglob("*.md") if "generated" not in page.parts and "_build" not in page.parts
)


def test_code_and_commands_of_the_pages(tmp_path, monkeypatch):
    """One test, so that one process imports everything once and circuits of one shape share their program."""
    wrong, n_blocks = [], 0
    for page in PAGES:
        monkeypatch.chdir(pages.enter(page, tmp_path))
        for block, printed in pages.run_page(page):
            n_blocks += 1
            if not pages.agree(block, printed):
                wrong.append(f"{page.name}:\n{block.code}\nshown:\n{block.shown}\nprinted:\n{printed}")
    assert not wrong, "\n\n".join(wrong)
    assert n_blocks > 40


def test_the_reference_has_all_public_names():
    listed = set((pages.DOCS / "api.md").read_text(encoding="utf-8").split())
    assert set(eisim.__all__) - {"NAMED", "REGIONS"} <= listed


def test_site_builds_without_warnings(tmp_path):
    pytest.importorskip("sphinx", reason="pip install 'eisim[docs]'")
    words = ["-m", "sphinx", "-W", "--keep-going", "-n", "-q", "-t", "quick", str(pages.DOCS), str(tmp_path / "site")]
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, env=os.environ, cwd=pages.ROOT)
    assert done.returncode == 0, done.stderr[-3000:]
    names = {path.relative_to(tmp_path / "site").as_posix() for path in (tmp_path / "site").rglob("*.html")}
    assert {
        "index.html",
        "tutorial.html",
        "theory.html",
        "generated/models/xor.html",
        "generated/api/eisim.certify.html",
    } <= names
    assert "balance" in (tmp_path / "site/questions/published_circuits.html").read_text(encoding="utf-8")


def test_examples_of_the_docstrings():
    names = [
        name for name in eisim.__all__ if inspect.isroutine(thing := getattr(eisim, name)) or inspect.isclass(thing)
    ]
    finder, runner, wrong = doctest.DocTestFinder(recurse=False), doctest.DocTestRunner(verbose=False), []
    for name in names:
        for example in finder.find(getattr(eisim, name), name, globs={}):
            runner.run(example, out=wrong.append)
    assert runner.tries > 25 and not wrong, "".join(wrong)
