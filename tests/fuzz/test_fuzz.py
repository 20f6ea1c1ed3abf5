"""Files from strangers: a share of what ``python -m tests.fuzz`` does, and attacks that need a file of their own."""

import bz2
import csv
import gzip
import io
import json
import lzma
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from eisim import InputError, LabelledData, certify, load, read_onnx
from eisim.base.errors import LONGEST
from eisim.base.files import frame_to_csv, to_csv
from eisim.cli import completion
from eisim.cli.commands import run_command
from eisim.functions import tables
from eisim.report import page as pages
from eisim.studies.images import data as images
from tests.fuzz.kinds import KINDS
from tests.fuzz.workers import outcomes, tasks
from tests.support.sample import findings, write_run

pytestmark = pytest.mark.slow

ESCAPE = "\x1b]0;taken\x07"


def test_hostile_files_are_taken_or_refused_in_one_line():
    pytest.importorskip("onnx")
    found = list(outcomes(tasks(240, list(KINDS), first=10**6), seed=1, n_workers=1))
    failed = [f"--only {each.kind} --seed 1 --number {each.number}\n{each.said}" for each in found if each.failed]
    assert not failed, "\n\n".join(failed)
    taken = {each.kind for each in found if each.said == "taken"}
    assert len(found) >= 235 and {"csv", "onnx", "saved", "stored", "images"} <= taken


def test_a_fuzzer_that_sees_failures(monkeypatch, tmp_path):
    """Tracebacks, lines that steer a terminal, and processes that die count as failures."""
    from tests.fuzz import kinds

    def fails(rng, folder):
        raise rng.choice((KeyError("x"), InputError("a"), ZeroDivisionError()))

    monkeypatch.setitem(kinds.KINDS, "fails", (fails, 1.0))
    said = set()
    for number in range(20):
        try:
            said.add(kinds.enter("fails", 0, number, tmp_path / "input"))
        except (KeyError, ZeroDivisionError) as error:
            said.add(type(error))
    assert said == {"a", KeyError, ZeroDivisionError}


def test_a_pipe_is_not_waited_for(tmp_path):
    for name, read in (
        ("a.csv", lambda path: LabelledData.from_csv(path, "y")),
        ("a.onnx", read_onnx),
        ("a.eisim", load),
        ("a.npz", lambda path: images.load(str(path), None)),
    ):
        os.mkfifo(tmp_path / name)
        with pytest.raises(InputError, match="expected a file, found a pipe or a device"):
            read(tmp_path / name)


def write(path, content) -> object:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,y\n" + "1," * 60_000 + "\n1,2\n", "row 1 (line 2): expected 2 cells, one for each column, found 60,001"),
        ("a,y\n \n" + "1," * 60_000 + "\n1,2\n", "expected 2 cells, one for each column, found 60,001"),
        ("a,y\n" + "\n" * 200 + "1," * 60_000, "expected two rows within the first 100 lines, found fewer"),
        (",".join(map(str, range(30_000))) + "\n", "expected at most 20,000 columns, found 30,000"),
        ("a," * 15_000 + "\n", "expected columns of different names, found 14,999 of a name that was there"),
        ("a" * 2000 + ",y\n1,2\n", "column 1: expected a name of at most 1,000 characters, found 2,000"),
        ("a" * 200_000 + ",y\n1,2\n", "expected comma-separated values, found: field larger than field limit"),
    ],
)
def test_tables_that_would_take_long_are_refused_at_once(tmp_path, content, message):
    with pytest.raises(InputError) as error:
        LabelledData.from_csv(write(tmp_path / "a.csv", content), "y")
    assert message in str(error.value)


def test_sizes_of_tables(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "MOST_CELLS", 50)
    path = write(tmp_path / "a.csv", "a,y\n" + "1,2\n" * 100)
    with pytest.raises(InputError, match=r"expected at most 50 cells, found more in the first 100 rows"):
        LabelledData.from_csv(path, "y")
    monkeypatch.setattr(tables, "LARGEST_FILE", 60)
    with pytest.raises(InputError, match=r"expected at most 60 bytes, found 404"):
        LabelledData.from_csv(path, "y")


@pytest.mark.parametrize("ending", ["gz", "bz2", "xz", "zip"])
def test_a_packed_table_is_unpacked_up_to_a_bound(tmp_path, monkeypatch, ending):
    path, content = tmp_path / f"cells.csv.{ending}", b"a,y\n" + b"1,0\n" * 100_000
    if ending == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("cells.csv", content)
    else:
        path.write_bytes({"gz": gzip, "bz2": bz2, "xz": lzma}[ending].compress(content))
    assert len(LabelledData.from_csv(path, "y").targets) == 100_000
    monkeypatch.setattr(tables, "LARGEST_UNPACKED", 300_000)
    with pytest.raises(InputError, match=r"expected at most 300,000 bytes when unpacked, found more"):
        LabelledData.from_csv(path, "y")
    monkeypatch.undo()
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(InputError, match=r"cells\.csv.*damaged"):
        LabelledData.from_csv(path, "y")


def test_names_do_not_steer_a_terminal(tmp_path, capsys):
    """Neither in what is refused, nor in what is found, nor in what a shell completes."""
    heading = f"[/]{ESCAPE},$\\frac{{$,=cmd|' /C calc'!A0"
    path = write(tmp_path / f"[red]{ESCAPE[:4]}.csv", f"{heading}\n0,0,0\n0,1,1\n1,0,1\n1,1,0\n0.5,1,1\n")
    with pytest.raises(InputError) as error:
        LabelledData.from_csv(path, "nothing")
    assert str(error.value).isprintable() and r"\x1b]0;taken\x07" in str(error.value)
    target = "=cmd|' /C calc'!A0"
    assert run_command(["certify", str(path), "--target", target, "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr()
    assert all(c.isprintable() or c == "\n" for c in said.out + said.err) and r"[/]\x1b]0;taken\x07" in said.out
    assert (tmp_path / "out" / "certificate.svg").stat().st_size > 1000
    html = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert html.count("<script") == 1
    headings = next(csv.reader((tmp_path / "out" / "points.csv").read_text(encoding="utf-8").splitlines()))
    assert headings[2] == f"'{target}"


def test_the_shell_completes_plain_names_only(tmp_path, monkeypatch):
    path = write(tmp_path / "cells.csv", f"food,$(touch taken),a`b`,two words,{ESCAPE},x;y\n1,2,3,4,5,6\n")
    monkeypatch.setenv("COMP_WORDS", f"eisim certify {path} --target ")
    assert completion.column("") == ["food", "two words"]
    os.mkfifo(tmp_path / "pipe.csv")
    monkeypatch.setenv("COMP_WORDS", f"eisim certify {tmp_path / 'pipe.csv'} --target ")
    assert completion.column("") == []


def test_spreadsheets_get_text_for_formulas():
    import pandas

    rows = [{"=1+1": "@SUM(A1)", "n": -2.5, "class": "-1"}, {"=1+1": None, "n": 1, "class": "-1e3"}]
    expected = [["'=1+1", "n", "class"], ["'@SUM(A1)", "-2.5", "-1"], ["", "1", "-1e3"]]
    assert list(csv.reader(io.StringIO(to_csv(rows, list(rows[0]))))) == expected
    expected[2][1] = "1.0"
    assert list(csv.reader(io.StringIO(frame_to_csv(pandas.DataFrame(rows))))) == expected


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("a;=cmd()", "a;'=cmd()"),
        (" =cmd()", "' =cmd()"),
        ("a;  @SUM(A1);b", "a;'  @SUM(A1);b"),
        ("a\t+cmd|' /C calc'!A0", "a\t'+cmd|' /C calc'!A0"),
        ('a\n"=cmd()', "a\n'\"=cmd()"),
        ("＝cmd()", "'＝cmd()"),
        ("\tx", "'\tx"),
        ("a;-1.5", "a;-1.5"),
        ("-1e3", "-1e3"),
        ("w_ee = 0.5; w_ei = -2", "w_ee = 0.5; w_ei = -2"),
        ("-", "-"),
    ],
)
def test_d10_formulas_behind_other_separators_are_text(cell, written):
    assert next(csv.reader(io.StringIO(to_csv([(cell, 1)], ["a", "b"]).partition("\n")[2]))) == [written, "1"]


def test_lines_of_errors_are_bounded():
    said = str(InputError("a" * 10**6 + "\n\x00" + "the end"))
    assert said.isprintable() and len(said) <= LONGEST and said.endswith("the end")


def test_packed_images_that_grow_are_refused(tmp_path):
    arrays = {"x_train": np.zeros((30_000, 30, 30), np.uint8), "y_train": np.arange(30_000) % 2}
    arrays |= {"x_test": np.zeros((2, 30, 30), np.uint8), "y_test": np.arange(2)}
    np.savez_compressed(tmp_path / "blank.npz", **arrays)
    with pytest.raises(InputError, match=r"when unpacked, found 27,000,128"):
        images.load(str(tmp_path / "blank.npz"), None)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        ({"seconds": {"simulating": 10**400}}, "simulating: expected a number"),
        ({"settings_si": {"noise": 10**400}, "settings_units": {"noise": "volt"}}, "noise: expected a number that"),
        (
            {"report": {"question": "q", "answer": "a", "tables": [{"title": "t", "columns": [{"name": "c"}] * 2000}]}},
            "",
        ),
    ],
)
def test_numbers_and_tables_that_no_page_holds(tmp_path, spoil, message):
    folder = write_run(tmp_path / "run")
    document = json.loads((folder / "run.json").read_text()) | spoil
    for table in document["report"].get("tables", []):
        table.setdefault("rows", [])
    (folder / "run.json").write_text(json.dumps(document))
    with pytest.raises(InputError, match=message or "expected at most 1,000 columns, found 2,000"):
        pages.page([folder])


def test_a_page_has_a_largest_size(tmp_path, monkeypatch):
    drawn = findings().pictures * 50
    folder = write_run(tmp_path / "run", findings(pictures=drawn), "<rect/>" * 1000)
    monkeypatch.setattr(pages, "MOST_CARRIED", 30_000)
    html = pages.page([folder])
    assert html.count("is too large for this page") >= 46 and len(html) < 200_000
    monkeypatch.setattr(pages, "LARGEST_PAGE", 50_000)
    with pytest.raises(InputError, match="a page of at most 50,000 bytes, found more"):
        pages.page([folder])


def test_a_strange_folder_gives_no_module(tmp_path):
    """Neither the command nor the process that draws imports what lies in the folder where they are called."""
    for name in ("matplotlib", "pandas", "pickle", "string"):
        (tmp_path / f"{name}.py").write_text("open('taken', 'w').close()\nraise SystemExit(9)\n")
    code = "import eisim.report.draw as draw\nwith draw.Artist() as artist: artist.begin(None)\nartist.process.wait()\n"
    root = str(Path(__file__).parents[2])
    env = os.environ | {"PYTHONPATH": root}
    subprocess.run([sys.executable, "-P", "-c", code], cwd=tmp_path, env=env, capture_output=True, check=False)
    assert not (tmp_path / "taken").exists()


def test_figures_show_dollars(tmp_path):
    from eisim.report.draw import draw
    from eisim.report.view import view_of

    data = LabelledData([[0.0], [1.0], [2.0]], [0, 1, 0], names=[r"$\frac{$"], target="$y$", name="[/]$x$")
    ((name, svg), *_) = draw(view_of(certify(data)).drawn())
    assert name == "certificate.svg" and svg.startswith(b"<?xml")
