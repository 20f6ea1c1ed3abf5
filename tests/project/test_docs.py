"""The documentation: the pages' code runs and prints what they show, their commands hold, and the site builds."""

import doctest
import importlib
import inspect
import os
import re
import subprocess
import sys

import pytest

import eisim
from eisim import neurons
from eisim.analysis import activity
from tests import pages

pytestmark = pytest.mark.slow

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


def test_e8_the_reference_has_all_public_names():
    text = (pages.DOCS / "api.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^### (\w+)$", text, re.MULTILINE))
    assert set(eisim.__all__) - {"TRUTH_TABLES", "REGIONS", "RECURRENT_TASKS"} <= listed
    of_activity = {name for name, value in vars(activity).items() if inspect.isfunction(value) and name[0] != "_"}
    of_activity = {name for name in of_activity if getattr(activity, name).__module__ == activity.__name__}
    assert of_activity | set(neurons.__all__) | {"Value", "quantity", "Rhythm"} <= listed
    assert "LIF(\n    tau=10*ms," in text and "bin_width=0.001" in text and "Coefficient of variation" in text


#: What only Sphinx renders: directives, roles, targets, definition lists.
UNRENDERED = re.compile(r"^[`:~]{3,}\{|\{[\w:-]+\}`|^\(\w+\)=$|^\.\. \w+::|:\w+:`", re.MULTILINE)


@pytest.mark.parametrize("page", [*PAGES, pages.ROOT / "README.md"], ids=lambda page: page.stem)
def test_e3_pages_are_readable_in_the_repository(page):
    text = page.read_text(encoding="utf-8")
    assert not (found := UNRENDERED.search(text)), found
    if page.name == "changelog.md":
        return
    words = re.sub(r"```.*?```", "", text, flags=re.DOTALL).split()
    assert len(words) > 15, "nothing to read"
    for image, target in re.findall(r"(!?)\[[^]]*\]\(([^)\s]+)\)", re.sub(r"`[^`]*`|\$[^$]*\$", "", text)):
        if target.startswith(("http://", "https://")):
            continue
        file, _, anchor = target.partition("#")
        there = (page.parent / file).resolve() if file else page
        assert there.exists(), target
        assert "generated" not in there.relative_to(pages.ROOT).parts, target
        assert not image or there.suffix == ".svg"
        if anchor:
            headings = re.findall(r"^#+ (.*)$", there.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}, target


def test_e3_committed_pages_are_in_step_with_the_code(monkeypatch):
    """``python docs/generate.py`` writes them."""
    monkeypatch.syspath_prepend(str(pages.DOCS))
    generate = importlib.import_module("generate")
    found = generate.committed()
    assert {path.name for path in found} >= {"api.md", "command_line.md", "published_circuits.md", "brunel.md"}
    for path, text in found.items():
        kept = path.read_text(encoding="utf-8")
        if path.name == "command_line.md":  # how lines are broken is another package's choice
            kept, text = (set(re.findall(r"--[a-z-]+|^## .*$", each, re.MULTILINE)) for each in (kept, text))
        assert kept == text, path.name
    assert {path.stem for path in (pages.DOCS / "circuits").iterdir()} == set(generate.models()[1])
    assert "| [brunel](../circuits/brunel.md) |" in (pages.DOCS / "questions/published_circuits.md").read_text()
    figures = {path.stem for path in (pages.DOCS / "figures").iterdir()}
    assert figures == {draw.__name__ for draw in importlib.import_module("theory_figures").FIGURES}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("A :math:`C_E`, ``x`` and `y`.", "A $C_E$, `x` and `y`."),
        (".. math:: x = 1", "$$\nx = 1\n$$"),
        (".. math::\n\n    x = 1", "$$\nx = 1\n$$"),
        ("=  ===\na  b\n=  ===\n1  2\n   3\n=  ===", "| a | b |\n| --- | --- |\n| 1 | 2 3 |"),
        ("`text <https://x.org>`_", "[text](https://x.org)"),
        ("**Bold ``x``** and *one*, 2 * 3, **keywords", "**Bold `x`** and *one*, 2 \\* 3, \\*\\*keywords"),
        ("* Item:\n\n  .. math:: x = 1\n\nEnd.", "* Item:\n  $$\n  x = 1\n  $$\nEnd."),
        ("x\n\nParameters\n----------\na : int\n    One\n    line.", "x\n\n\n**Parameters**\n\n- `a` (int): One line."),
    ],
)
def test_e3_docstrings_as_markdown(monkeypatch, text, shown):
    monkeypatch.syspath_prepend(str(pages.DOCS))
    made = importlib.import_module("generate").markdown(text)
    assert re.sub(r"\n+", "\n", made) == re.sub(r"\n+", "\n", shown)


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
        "circuits/xor.html",
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
