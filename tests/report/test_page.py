"""The page of a run: what it says, that it loads nothing and runs nothing foreign, and how it does in a browser."""

import json
import os
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from eisim.base.errors import InputError
from eisim.base.units import format_quantity, parse_quantity
from eisim.cli.commands import run_command
from eisim.report.findings import PageColumn, PageTable
from eisim.report.page import MOST_RUNS, PAPER, page
from tests.support.sample import ROWS, findings, write_run

HOSTILE = "<script>window.taken=1</script><img src=x onerror='window.taken=1'>\"'{{ 7*7 }}\u202e"
VOID = {"meta", "link", "img", "input", "br"}


class Outline(HTMLParser):
    """Elements of a page, checked to be nested well: (name, attributes, text inside)."""

    def __init__(self, html):
        super().__init__()
        self.open, self.elements = [], []
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        element = [tag, dict(attrs), ""]
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag
        if tag in ("th", "td"):
            self.handle_data(" ")

    def handle_data(self, data):
        for element in self.open:
            element[2] += data

    def all(self, *tags):
        return [(attributes, " ".join(text.split())) for tag, attributes, text in self.elements if tag in tags]


def test_says_what_the_folder_holds(tmp_path):
    html = page([write_run(tmp_path / "run")])
    outline = Outline(html)
    assert html.startswith("<!DOCTYPE html>") and outline.all("html")[0][0]["lang"] == "en"
    assert [text for _, text in outline.all("title")] == ["Which functions go? · eisim"]
    headings = [text for _, text in outline.all("h1", "h2")]
    assert headings[:2] == ["Which functions go?", "Functions"]
    order = [headings.index(h) for h in ("Functions", "Figures", "How to reproduce it", "How to cite")]
    assert order == sorted(order)
    text = outline.all("body")[0][1]
    for said in (
        *("Four of five.", "A note.", "Witness: 01 ≤ 11.", "Floor: a quarter.", "Weights in mV.", "ablated (%)"),
        *("python -m eisim run --seed 3", "noise = 0.5 mV", "eisim 0.1.0", "1.75 s in 2 stages", "simulating: 0.5 s"),
    ):
        assert said in text, said
    assert "Problems" not in headings
    rows = [text for _, text in outline.all("tr")]
    assert rows[1] == "xor 0110 ✗ lost, impossible 0.75 0.25" and rows[2] == "and 0001 ✓ kept 1 0"
    assert rows[5] == "and-by-inhibition 0001 ✗ lost, here only – 0"
    assert [a["alt"] for a, _ in outline.all("img")] == ["Accuracy falls for xor.", "Two E populations and one I."]
    saved = [a for a, _ in outline.all("a") if "download" in a]
    assert [a["download"] for a in saved] == ["table.csv", "curves.svg", "table.csv", "circuit.svg"]
    assert html.count("data:text/csv") == 1  # a file that two links name is carried once
    ids = [attributes["id"] for _, attributes, _ in outline.elements if "id" in attributes]
    assert len(set(ids)) == len(ids) and {a["href"][1:] for a, _ in outline.all("a") if "#" in a.get("href", "")} <= {
        *ids
    }


def test_problems_are_said_at_the_top(tmp_path):
    html = page([write_run(tmp_path, result={"problems": ["xor: the DNN is 3 Hz off"]})])
    text = Outline(html).all("main")[0][1]
    assert text.index("1 problem found") < text.index("Functions") < text.index("xor: the DNN is 3 Hz off")


def test_cites_what_citation_cff_says():
    facts = (Path(__file__).parents[2] / "CITATION.cff").read_text(encoding="utf-8")
    names = re.findall(r"family-names: (.+?), given-names: (.+?)}", facts)
    assert PAPER["authors"] == tuple(f"{given} {family}" for family, given in names)
    for fact in (PAPER["title"], PAPER["conference"], PAPER["year"], *PAPER["pages"], f"arXiv:{PAPER['arxiv']}"):
        assert str(fact) in facts


def test_without_findings_it_shows_docstring_table_and_figures(tmp_path):
    outline = Outline(page([write_run(tmp_path, report=None)]))
    assert outline.all("h1")[0][1] == "Which functions?" and "Those that fall." in outline.all("header")[0][1]
    assert [text for _, text in outline.all("tr")] == ["function verdict ablated", "xor ✗ lost 0.75", "and ✓ kept 1"]
    assert [a["alt"] for a, _ in outline.all("img")] == ["Figure: curves", "Figure: circuit"]


@pytest.mark.parametrize("name", ["certificate.json", "ablation.json"])
def test_other_commands_leave_folders_too(tmp_path, name):
    write_run(tmp_path)
    document = json.loads((tmp_path / "run.json").read_text())
    (tmp_path / "run.json").unlink()
    (tmp_path / name).write_text(json.dumps({"report": document["report"], "problems": ["bad"]}))
    outline = Outline(page([tmp_path]))
    assert outline.all("h1")[0][1] == "Which functions go?" and "1 problem found" in outline.all("header")[0][1]


def test_a_run_of_eisim_0_1_0_said_otherwise_that_the_intact_circuit_does_not_compute_it(tmp_path):
    words = {"one": "never had", "two": "not computed"}
    folders = [
        write_run(tmp_path / name, findings((("xor", "0110", said, 0.5, 0.25),))) for name, said in words.items()
    ]
    assert "xor 0110 never had 0.5 0.25" in [text for _, text in Outline(page(folders[:1])).all("tr")]
    assert "xor none 0110 never had not computed 0.5 0.25" in [text for _, text in Outline(page(folders)).all("tr")]


def test_several_runs_are_joined_on_the_first_column(tmp_path):
    other = (("xor", "0110", "kept", 1.0, 0.25), *ROWS[1:4], ("or", "0111", "kept", 1.0, 0.0))
    folders = [
        write_run(tmp_path / "one"),
        write_run(tmp_path / "two", findings(other, answer="Three of five."), seed=4, versions={"python": "3.12.0"}),
    ]
    outline = Outline(page(folders))
    text = outline.all("main")[0][1]
    assert "A one Four of five. B two Three of five." in text
    rows = [text for _, text in outline.all("tr")]
    assert rows[:4] == ["what A one B two", "seed 3 4", "version of python 3.13.0 3.12.0", "version of eisim 0.1.0 –"]
    assert "setting noise 0.5 mV" in text
    assert rows[4] == "function difference truth table A verdict B verdict A ablated (%) B ablated (%) floor"
    assert rows[5] == ("xor ≠ verdict: lost, impossible in A, kept in B 0110 ✗ lost, impossible ✓ kept 0.75 1 0.25")
    assert rows[6] == "and none 0001 ✓ kept ✓ kept 1 1 0"
    assert rows[9:] == [
        "and-by-inhibition only in A 0001 ✗ lost, here only – – – 0",
        "or only in B 0111 – ✓ kept – 1 0",
    ]
    assert len(outline.all("img")) == 4


def test_strangers_words_stay_words(tmp_path):
    columns = (PageColumn(HOSTILE, unit=HOSTILE, note=HOSTILE), PageColumn("verdict", "verdict"))
    table = PageTable(HOSTILE, columns, ((HOSTILE, f"lost, {HOSTILE}"), ("\ud800", "kept")), (HOSTILE,))
    found = findings(question=HOSTILE, answer=HOSTILE, tables=(table,))
    found = replace(found, pictures=tuple(replace(p, title=HOSTILE, alternative=HOSTILE) for p in found.pictures))
    folder = write_run(
        tmp_path,
        found,
        command=HOSTILE,
        platform=HOSTILE,
        versions={HOSTILE: HOSTILE},
        settings_units={"noise": HOSTILE},
    )
    for html in (page([folder]), page([folder, folder])):
        html.encode()
        outline = Outline(html)
        assert len(outline.all("script")) == 1 and "window.taken" not in outline.all("script")[0][1]
        assert {a["src"][:19] for a, _ in outline.all("img")} == {"data:image/svg+xml;"}
        assert not [a for _, a, _ in outline.elements if any(name.startswith("on") for name in a)]
        assert "49" not in outline.all("h1")[0][1]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda f: shutil.rmtree(f), "expected the folder of a run, with run.json or certificate.json"),
        (lambda f: (f / "run.json").unlink(), "found a folder without it"),
        (lambda f: (f / "run.json").write_text("{"), "run.json: expected JSON, found Expecting property name"),
        (lambda f: (f / "run.json").write_bytes(b"\xff\xfe\x00"), "run.json: expected JSON, found"),
        (lambda f: (f / "run.json").write_text("[" * 200_000), "run.json: expected JSON, found nested too deep"),
        (lambda f: (f / "run.json").write_text("[1]"), "run.json: expected a JSON object, found [1]"),
        (lambda f: (f / "run.json").write_text("{}"), "expected what eisim run wrote, found no 'experiment'"),
        (lambda f: (f / "ablation.json").write_text("{}"), "expected the results of one run, found run.json and abl"),
        (lambda f: (f / "curves.svg").unlink(), "curves.svg: expected a file that the folder's document names"),
        (lambda f: (f / "curves.svg").write_text("GIF"), "curves.svg: expected an SVG figure, found something else"),
        (lambda f: (f / "table.csv").unlink(), "table.csv: expected a file"),
        (lambda f: ((f / "table.csv").unlink(), (f / "table.csv").mkdir()), "table.csv: expected a file"),
    ],
)
def test_a_damaged_folder_is_one_line(tmp_path, spoil, said):
    folder = write_run(tmp_path / "run")
    spoil(folder)
    with pytest.raises(InputError, match=re.escape(said)) as error:
        page([folder])
    assert str(folder) in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"report": 3}, "run.json: report: expected an object or null, found 3"),
        ({"report": {"question": "?"}}, "run.json: report: expected 'answer', found none"),
        ({"seed": "many"}, "run.json: seed: expected a whole number or null, found 'many'"),
        ({"seconds": {"x": float("nan")}}, "run.json: seconds: x: expected a number, found nan"),
        (
            {"files": ["../../secret.svg"], "report": None},
            "expected names of files in this folder, found '../../secret",
        ),
        ({"files": [".hidden.svg"], "report": None}, "expected names of files in this folder, found '.hidden.svg'"),
        ({"result": {"problems": [1]}}, "problems[0]: expected text, found 1"),
    ],
)
def test_a_foreign_document_is_one_line(tmp_path, change, said):
    with pytest.raises(InputError, match=re.escape(said)):
        page([write_run(tmp_path, **change)])


def test_tables_that_do_not_fit(tmp_path):
    columns = (PageColumn("function"), PageColumn("verdict", "verdict"))
    for table, said in (
        (PageTable("T", columns, (("xor",),)), "report.tables[0].rows[0]: expected 2 cells, found 1"),
        (PageTable("T", (), ()), "report.tables[0]: expected columns, found none"),
        (PageTable("T", (PageColumn("x", "plot"),), ()), "expected columns of text, number or verdict, found 'plot'"),
        (PageTable("T", columns, (("xor", {}),)), "rows[0][1]: expected a number or text or null, found {}"),
    ):
        with pytest.raises(InputError, match=re.escape(said)):
            page([write_run(tmp_path, findings(tables=(table,)))])


@pytest.mark.skipif(not hasattr(os, "O_NOFOLLOW"), reason="links are followed on this system")
def test_a_link_does_not_lead_out_of_the_folder(tmp_path):
    folder, secret = write_run(tmp_path / "run"), tmp_path / "secret.csv"
    secret.write_text("secret")
    (folder / "table.csv").unlink()
    (folder / "table.csv").symlink_to(secret)
    with pytest.raises(InputError, match=r"table\.csv: expected a file that can be read"):
        page([folder])


def test_large_files_are_named_and_not_carried(tmp_path):
    long = tuple((f"f{k}", "01", "kept", 1.0, 0.0) for k in range(1200))
    folder = write_run(tmp_path, findings(long))
    (folder / "table.csv").write_text("x\n" + "1\n" * 200_000)
    (folder / "curves.svg").write_text("<svg>" + " " * 2_000_000 + "</svg>")
    html = page([folder])
    text = Outline(html).all("main")[0][1]
    assert "table.csv (400 kB, in the run's folder)" in text and "curves.svg (2.0 MB, in the run's folder)" in text
    assert "200 more rows are not shown" in text and len(html) < 1e6


def test_number_of_folders(tmp_path):
    with pytest.raises(InputError, match=f"report: expected 1 to {MOST_RUNS} folders, found 9"):
        page([tmp_path] * 9)


def test_report_command(tmp_path, capsys, monkeypatch):
    folder = write_run(tmp_path / "run")
    assert run_command(["report", str(folder)]) == 0
    assert capsys.readouterr().out == f"Report: {folder / 'report.html'}\n"
    assert (folder / "report.html").read_text(encoding="utf-8") == page([folder])
    monkeypatch.chdir(tmp_path)
    assert run_command(["report", "run", "run"]) == 0
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == page([Path("run"), Path("run")])
    assert run_command(["report", "run", "--out", str(tmp_path / "no" / "x.html")]) == 2
    assert run_command(["report", "nothing"]) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2 and "x.html: cannot be written" in said[0] and "expected the folder of a run" in said[1]


def test_certify_leaves_a_page(tmp_path, capsys):
    assert run_command(["certify", "--truth-table", "0110", "--out", str(tmp_path)]) == 0
    assert capsys.readouterr().out.endswith(f"Report: {tmp_path / 'report.html'}\n")
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == page([tmp_path])
    stored = json.loads((tmp_path / "certificate.json").read_text())
    assert {"command", "versions", "platform", "finished", "seconds", "settings_si", "report"} <= stored.keys()


def test_quantities_read_back():
    for number, unit, text in (
        *((0.0005, "volt", "0.5 mV"), (0.3, "second", "300 ms"), (-0.02, "second", "-20 ms"), (0.0, "volt", "0 mV")),
        *((3.0, "1", "3"), (2e-10, "farad", "200 pF"), (40.0, "hertz", "40 Hz")),
    ):
        assert format_quantity(number, unit) == text
        assert parse_quantity(text, unit, "x") == pytest.approx(number)


# In a browser


def _chromium():
    known = [os.environ.get("EISIM_CHROMIUM"), *map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))]
    return next(filter(None, known), None)


@pytest.fixture(scope="module")
def browser():
    """One headless Chromium for all tests."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (pip install eisim[browser])")
    if not _chromium():
        pytest.skip("no chromium on PATH; EISIM_CHROMIUM can name one")
    quiet = ["--no-sandbox", "--disable-background-networking", "--no-first-run"]
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_chromium(), args=quiet)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Pages of one run, of two, and of a hostile one."""
    folder = tmp_path_factory.mktemp("pages")
    one, two = write_run(folder / "one"), write_run(folder / "two", findings(ROWS[1:]), seed=4)
    attack = "<script>top.taken=1</script><image href='http://192.0.2.1/x.png' width='9' height='9'/>"
    hostile = write_run(folder / "bad", findings(question=HOSTILE, answer=HOSTILE), attack, command=HOSTILE)
    for name, folders in (("one", [one]), ("both", [one, two]), ("hostile", [hostile])):
        (folder / f"{name}.html").write_text(page(folders), encoding="utf-8")
    return folder


@pytest.fixture
def visit(browser, pages):
    """Open a page of `pages`; afterwards nothing may have been said on the console, nor asked of a network."""
    contexts, said = [], []

    def opened(name, **context):
        contexts.append(browser.new_context(**context))
        tab = contexts[-1].new_page()
        url = (pages / f"{name}.html").as_uri()
        tab.on("console", lambda message: said.append(message.text))
        tab.on("pageerror", lambda error: said.append(str(error)))
        tab.on("request", lambda r: None if r.url == url or r.url.startswith("data:") else said.append(r.url))
        tab.goto(url)
        return tab

    yield opened
    for context in contexts:
        context.close()
    assert said == []


def _shown(tab):
    return tab.locator("table.sortable tbody tr:visible th").all_inner_texts()


@pytest.mark.slow
def test_table_sorts_by_click_and_by_keyboard(visit):
    tab = visit("one")
    ablated = tab.get_by_role("columnheader", name="ablated")
    ablated.get_by_role("button").click()
    assert ablated.get_attribute("aria-sort") == "ascending"
    assert _shown(tab) == ["not", "parity-4", "xor", "and", "and-by-inhibition"]  # the empty cell is last
    ablated.get_by_role("button").click()
    assert ablated.get_attribute("aria-sort") == "descending"
    assert _shown(tab) == ["and", "xor", "parity-4", "not", "and-by-inhibition"]
    tab.get_by_role("button", name="function").focus()
    tab.keyboard.press("Enter")
    assert _shown(tab) == ["and", "and-by-inhibition", "not", "parity-4", "xor"]
    tab.keyboard.press("Tab")
    tab.keyboard.press("Space")
    assert _shown(tab) == ["and", "and-by-inhibition", "not", "xor", "parity-4"]  # truth tables, as numbers
    assert tab.locator("[aria-sort]").count() == 1


@pytest.mark.slow
def test_table_filters_by_text_and_verdict(visit):
    tab = visit("one")
    tab.get_by_label("Show rows with").fill("AND")
    assert _shown(tab) == ["and", "and-by-inhibition"] and tab.locator("output").inner_text() == "2 of 5 rows"
    tab.get_by_label("Verdict").select_option("lost")
    assert _shown(tab) == ["and-by-inhibition"]
    tab.get_by_label("Show rows with").fill("")
    tab.get_by_label("Verdict").select_option("kept")
    assert _shown(tab) == ["and"]


@pytest.mark.slow
def test_files_can_be_saved_and_the_command_copied(visit):
    tab = visit("one", permissions=["clipboard-read", "clipboard-write"])
    for name, head in (("curves.svg", b"<svg"), ("table.csv", b"function,")):
        with tab.expect_download() as download:
            tab.locator("#figures a").filter(has_text=name).click()
        assert download.value.suggested_filename == name
        assert Path(download.value.path()).read_bytes().startswith(head)
    tab.get_by_role("button", name="Copy").first.click()
    tab.get_by_text("Copied.").wait_for()
    assert tab.evaluate("navigator.clipboard.readText()") == "python -m eisim run --seed 3"


VIEWS = {
    "light": {"viewport": {"width": 1280, "height": 800}},
    "dark": {"viewport": {"width": 1280, "height": 800}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 360, "height": 740}},
    "projector": {"viewport": {"width": 1920, "height": 1080}},
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "view"), [("one", "light"), ("one", "dark"), ("one", "phone"), ("both", "phone"), ("both", "projector")]
)
def test_accessible_and_no_wider_than_the_screen(visit, name, view):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    tab = visit(name, **VIEWS[view])
    assert tab.evaluate("document.documentElement.scrollWidth") <= VIEWS[view]["viewport"]["width"]
    assert tab.evaluate("[...document.images].every(i => i.complete && i.naturalWidth > 0)")
    levels = tab.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map(h => +h.tagName[1])")
    assert levels.count(1) == 1 and levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    violations = axe.Axe().run(tab).response["violations"]
    assert [v["id"] for v in violations if v["impact"] in ("serious", "critical")] == []


@pytest.mark.slow
def test_readable_without_script(visit):
    tab = visit("one", java_script_enabled=False)
    text = tab.locator("main").inner_text()
    for said in ("Four of five.", "parity-4", "lost, impossible", "Witness: 01 ≤ 11.", "python -m eisim run --seed 3"):
        assert said in text
    assert "Show rows with" not in text and tab.locator("img").first.is_visible()


@pytest.mark.slow
def test_nothing_foreign_runs_or_is_loaded(visit):
    tab = visit("hostile")
    tab.wait_for_function("[...document.images].every(i => i.complete)")
    assert tab.evaluate("window.taken") is None
    assert tab.locator("h1").inner_text().startswith("<script>window.taken=1</script>")
