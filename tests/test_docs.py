"""The pages of the documentation: their code runs and prints what they show, their commands hold, and the site builds."""

import doctest
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import pages

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    page for page in pages.DOCS.rglob("*.md") if "generated" not in page.parts and "_build" not in page.parts
)
CHECKER = doctest.OutputChecker()


def test_code_and_commands_of_the_pages(tmp_path, monkeypatch):
    """One test, so that one process imports everything once and circuits of one shape share their program."""
    wrong, n_blocks = [], 0
    for page in PAGES:
        folder = tmp_path / page.relative_to(pages.DOCS).with_suffix("")
        shutil.copytree(ROOT / "examples", folder / "examples")
        monkeypatch.chdir(folder)
        for block, printed in pages.run_page(page):
            n_blocks += 1
            shown = block.shown if block.shown is not None or block.kind == "console" else ""
            if shown is not None and not CHECKER.check_output(
                shown, printed, doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
            ):
                wrong.append(f"{page.name}:\n{block.code}\nshown:\n{shown}\nprinted:\n{printed}")
    assert not wrong, "\n\n".join(wrong)
    assert n_blocks > 40


def test_site_builds_without_warnings(tmp_path):
    pytest.importorskip("sphinx", reason="pip install 'eisim[docs]'")
    words = ["-m", "sphinx", "-W", "--keep-going", "-n", "-q", "-t", "quick", str(pages.DOCS), str(tmp_path / "site")]
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, env=os.environ, cwd=ROOT)
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
