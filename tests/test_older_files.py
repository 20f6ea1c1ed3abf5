"""Files that ec122c6 wrote, the last commit before archives of it may be with users, are read as what they were."""

import json
import zipfile
from html import unescape
from pathlib import Path

import pytest

from eisim import load
from eisim.cli.commands import run_command
from tests.fixtures.ec122c6.facts import facts
from tests.golden.compare import differ

HERE = Path(__file__).parent / "fixtures" / "ec122c6"
ARCHIVES = sorted(HERE.glob("archives/*.eisim"))
RUNS = sorted(HERE.glob("runs/*.zip"))
#: Folders that one page takes.
MOST = 8
KNOWN = json.loads((HERE / "facts.json").read_text())


def named(paths):
    return [pytest.param(path, id=path.stem) for path in paths]


def unpacked(run: Path, folder: Path) -> Path:
    with zipfile.ZipFile(run) as archive:
        archive.extractall(folder / run.stem)
    return folder / run.stem


def stored_report(folder: Path) -> dict | None:
    [document] = [path for name in ("run", "certificate", "ablation") if (path := folder / f"{name}.json").exists()][:1]
    return json.loads(document.read_text()).get("report")


def test_there_is_a_file_for_all_that_is_known():
    assert sorted(KNOWN) == [path.stem for path in ARCHIVES] and len(ARCHIVES) > 40 and len(RUNS) > 15


@pytest.mark.parametrize("path", named(ARCHIVES))
def test_an_archive_holds_the_same_numbers(path):
    found = json.loads(json.dumps(facts(load(path))))
    differences = list(differ(KNOWN[path.stem], found, path.stem, 1e-9))
    assert not differences, "\n".join(differences[:20])


@pytest.mark.parametrize("path", named(RUNS))
def test_a_folder_of_results_gets_a_page(path, tmp_path, capsys):
    folder = unpacked(path, tmp_path)
    pictures = list(folder.glob("*.svg"))
    assert run_command(["report", str(folder)]) == 0, capsys.readouterr().err
    page = unescape((folder / "report.html").read_text())
    assert page.count("data:image/svg+xml") >= len(pictures)
    for table in (stored_report(folder) or {}).get("tables", ()):
        for row in table["rows"]:
            assert str(row[0]) in page


@pytest.mark.parametrize("first", range(0, len(RUNS), MOST))
def test_folders_are_set_side_by_side(first, tmp_path, capsys):
    folders = [unpacked(path, tmp_path) for path in RUNS[first : first + MOST]]
    out = tmp_path / "several.html"
    assert run_command(["report", *map(str, folders), "--out", str(out)]) == 0, capsys.readouterr().err
    assert all(folder.name in out.read_text() for folder in folders)
