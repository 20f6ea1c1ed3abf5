"""Help, and hints for what was mistyped."""

import pytest

from eisim.base.errors import did_you_mean
from eisim.cli import commands as cli


@pytest.fixture
def command(capsys):
    def run(*words):
        status = cli.run_command(words)
        return status, *capsys.readouterr()

    return run


def test_the_nearest_name_is_meant():
    assert did_you_mean("bolean", ["boolean", "images"]) == "; did you mean 'boolean'?"
    assert did_you_mean("XOR", ["and", "xor"]) == "; did you mean 'xor'?"
    assert did_you_mean("Contrast", ["contrast", "Size"]) == "; did you mean 'contrast'?"
    assert did_you_mean("pears", ["boolean", "images"]) == did_you_mean("x", []) == ""


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (("rnu",), "run"),
        (("boolean",), "run boolean"),
        (("run", "--jsn"), "--json"),
        (("run", "--kind", "spikng"), "spiking"),
        (("run", "bolean"), "boolean"),
        (("run", "decison"), "decision"),
        (("run", "--set", "functons=xor"), "functions"),
        (("run", "--set", "functions=xorr"), "xor"),
        (("run", "geometry", "--set", "regions=disk"), "disc"),
        (("run", "functions", "--set", "circuits=decison"), "decision"),
        (("run", "functions", "--set", "how=blok"), "block"),
        (("export", "xorr", "--out", "x.onnx"), "xor"),
        (("certify", "--region", "moon"), "moons"),
        (("certify", "--truth-table", "xorr"), "xor"),
        (("certify", "cells.csv", "--target", "fire"), "fires"),
    ],
)
def test_what_was_mistyped_is_met_with_what_was_meant(command, tmp_path, monkeypatch, words, meant):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cells.csv").write_text("size,fires\n1,0\n2,1\n")
    status, out, said = command(*words)
    assert status == 2 and out == "" and said.count("\n") == 1
    assert said.endswith(f"; did you mean {meant!r}?\n"), said


def test_help_has_groups_and_examples(command):
    status, text, _ = command("run", "--help")
    assert status == 0
    places = [text.index(f" {title} ─") for title in ("Arguments", "Options", "Results", "Examples")]
    assert places == sorted(places)
    results, examples = text[places[2] : places[3]], text[places[3] :]
    assert "--json" in results and "--fresh" in results and "--kind" not in results
    assert "python -m eisim run my_circuit.py" in examples
    for name in ("list", "doctor", "cache", "certify", "export", "ablate", "report"):
        status, text, _ = command(name, "--help")
        assert status == 0 and f"python -m eisim {name}" in text[text.index(" Examples ─") :]
        assert "Example:" not in text


def test_the_version(command):
    from importlib.metadata import version

    assert command("--version") == (0, f"eisim {version('eisim')}\n", "")
