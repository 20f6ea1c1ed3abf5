"""What the doctor finds, and what it says where something is missing."""

import json
import os
from importlib.metadata import metadata, version

import pytest

from eisim.cli import commands as cli
from eisim.run import doctor


@pytest.fixture
def examine(monkeypatch):
    """Findings by what was looked at; without the import of Brian2, which takes long."""
    monkeypatch.setattr(doctor, "_brian2", lambda: doctor.Finding("import of Brian2", doctor.OK, ""))

    def run():
        found = doctor.examine()
        return found, {finding.what: finding for finding in found.findings}

    return run


def test_all_that_there_is(capsys):
    assert cli.run_command(["doctor", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    states = {finding["what"]: finding["state"] for finding in found["findings"]}
    assert found["able"] is True and states["import of Brian2"] == "ok"
    assert {"eisim", "brian2", "numpy", "typer"} <= states.keys()
    assert states["cache"] == "ok"
    extras = {what.removeprefix("extra ") for what in states if what.startswith("extra ")}
    assert extras == set(metadata("eisim").get_all("Provides-Extra"))


def test_no_compiler(examine, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    found, by_name = examine()
    assert found.is_able and found.backend == "numpy"
    assert by_name["C++ compiler"].state == by_name["make"].state == doctor.MISSING
    assert "no g++" in by_name["C++ compiler"].found and "install" in by_name["C++ compiler"].advice


@pytest.mark.skipif(os.name == "nt", reason="a script of POSIX")
def test_a_compiler_that_does_not_compile(examine, monkeypatch, tmp_path):
    broken = tmp_path / "c++"
    broken.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "broken 1.0" && exit 0\necho "no headers" >&2\nexit 1\n')
    broken.chmod(0o755)
    monkeypatch.setenv("CXX", str(broken))
    found, by_name = examine()
    assert found.is_able and found.backend == "numpy"
    assert "(broken 1.0) does not compile: no headers" in by_name["C++ compiler"].found


def test_a_cache_that_cannot_be_written(examine, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("EISIM_CACHE_DIR", str(tmp_path / "file" / "cache"))
    found, by_name = examine()
    assert found.is_able and by_name["cache"].state == doctor.MISSING
    assert "0 entries" in by_name["cache"].found and "EISIM_CACHE_DIR" in by_name["cache"].advice


def test_a_cache_in_which_others_can_write(examine, monkeypatch, tmp_path):
    monkeypatch.setenv("EISIM_CACHE_DIR", str(tmp_path / "cache"))
    assert examine()[1]["cache"].found.endswith("only this user can write there")
    (tmp_path / "cache").chmod(0o777)
    found, by_name = examine()
    assert found.is_able and by_name["cache"].state == doctor.MISSING
    assert "cannot be used: others can write in" in by_name["cache"].found


def test_what_is_missing_or_too_old(examine, monkeypatch, capsys):
    lines = ["numpy>=2.0", "scipy>=99", "no-such-package>=1; python_version < '3'", 'no-such-extra; extra == "more"']
    lines += ['numpy; extra == "less"']
    monkeypatch.setattr(doctor, "requires", lambda name: lines)
    monkeypatch.setattr(doctor, "metadata", lambda name: Extras())
    found, by_name = examine()
    assert not found.is_able and "no-such-package" not in by_name
    assert by_name["numpy"].state == doctor.OK
    scipy = by_name["scipy"]
    assert scipy.state == doctor.FAILS and scipy.found == f"expected scipy>=99, found {version('scipy')}"
    assert scipy.advice == 'python -m pip install "scipy>=99"'
    more = by_name["extra more"]
    assert more.state == doctor.MISSING and more.found == "lacks no-such-extra"
    assert more.advice == 'python -m pip install "no-such-extra"' and by_name["extra less"].state == doctor.OK
    assert cli.run_command(["doctor"]) == 1
    assert "Runs do not work" in capsys.readouterr().out


class Extras:
    def get_all(self, key):
        return ["less", "more"]


def test_d10_an_extra_that_asks_for_nothing_here_is_not_said_to_be_there(examine, monkeypatch):
    lines = ["numpy>=2.0", "cuda-thing>=1; python_version < '3.0' and extra == 'more'", "numpy; extra == 'less'"]
    monkeypatch.setattr(doctor, "requires", lambda name: lines)
    monkeypatch.setattr(doctor, "metadata", lambda name: Extras())
    _, by_name = examine()
    more = by_name["extra more"]
    assert more.state == doctor.MISSING and more.found == "not for this system: expected python_version < '3.0'"
    assert by_name["extra less"].state == doctor.OK


def test_a_simulator_that_cannot_be_imported(monkeypatch, tmp_path):
    (tmp_path / "brian2.py").write_text("raise AttributeError('no ptp')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    finding = doctor._brian2()
    assert finding.state == doctor.FAILS and finding.found == "AttributeError: no ptp"
