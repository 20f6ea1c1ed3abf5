"""What the shell completes, asked as bash and zsh ask."""

import os
import subprocess
import sys

import pytest

from eisim.cli import commands as cli


@pytest.fixture
def complete(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cells.csv").write_text("contrast, size,fires\n1,2,0\n")
    (tmp_path / "mine.py").touch()
    (tmp_path / "net.onnx").touch()
    (tmp_path / "data").mkdir()

    def run(line):
        """The completions of a line whose last word is not whole; bash takes = for a word."""
        words = line.replace("=", " = ").split(" ")
        words = [word for word in words[:-1] if word] + words[-1:]
        monkeypatch.setenv("COMP_WORDS", " ".join(words))
        monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
        monkeypatch.setenv("_EISIM_COMPLETE", "complete_bash")
        with pytest.raises(SystemExit):
            cli.run_command(["--help"])
        return capsys.readouterr().out.split()

    return run


@pytest.mark.parametrize(
    ("line", "completed"),
    [
        ("eisim ru", ["run"]),
        ("eisim run bo", ["boolean"]),
        ("eisim run dec", ["decision"]),
        ("eisim run m", ["monotone_dynamics", "microcircuit", "mine.py"]),
        ("eisim run c", ["census", "circuit", "connectome", "center_surround", "cells.csv"]),
        ("eisim run boolean --set f", ["functions="]),
        ("eisim run geometry --set r", ["regions=", "resolution="]),
        ("eisim run decision --set d", ["doses="]),
        ("eisim run --set functions=x", ["xor", "xnor"]),
        ("eisim run --set functions=and,x", ["and,xor", "and,xnor"]),
        ("eisim run functions --set circuits=win", ["winner_take_all"]),
        ("eisim run functions --set how=", ["block", "silence", "reversal"]),
        ("eisim run --kind sp", ["spiking"]),
        ("eisim certify --region di", ["disc"]),
        ("eisim certify --truth-table ma", ["majority"]),
        ("eisim certify ", ["cells.csv", "data/"]),
        ("eisim certify cells.csv --target ", ["contrast", "size", "fires"]),
        ("eisim run cells.csv --target fires --ignore c", ["contrast"]),
        ("eisim ablate ", ["data/", "net.onnx"]),
        ("eisim ablate net.onnx --data cells.csv --target f", ["fires"]),
        ("eisim export xo", ["xor"]),
    ],
)
def test_bash(complete, line, completed):
    assert complete(line) == completed


def test_other_shells_have_the_key_with_the_value(monkeypatch, capsys):
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", "eisim run --set functions=and,x")
    monkeypatch.setenv("_EISIM_COMPLETE", "complete_zsh")
    with pytest.raises(SystemExit):
        cli.run_command(["--help"])
    assert "functions=and,xor" in capsys.readouterr().out


def test_the_script_is_installed_for_the_name_of_the_program(tmp_path):
    env = os.environ | {"HOME": str(tmp_path), "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    command = [sys.executable, "-m", "eisim", "--install-completion", "bash"]
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    assert done.returncode == 0, done.stderr
    script = (tmp_path / ".bash_completions" / "eisim.sh").read_text()
    assert "_EISIM_COMPLETE=complete_bash" in script and "python -m" not in script
