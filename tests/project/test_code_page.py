"""The page on the layout of the code agrees with the code."""

import importlib
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "code.md").read_text(encoding="utf-8")
NAMED = set(re.findall(r"`((?:[\w.]+/)+[\w.]*|pyproject\.toml)`", PAGE))


@pytest.mark.parametrize("path", sorted(NAMED))
def test_every_path_on_the_page_exists(path):
    there = ROOT / path
    assert there.is_dir() if path.endswith("/") else there.is_file()


def test_every_module_and_package_of_eisim_is_on_the_page():
    package = ROOT / "eisim"
    modules = {f"eisim/{path.name}" for path in package.glob("*.py")}
    packages = {f"eisim/{path.parent.name}/" for path in package.glob("*/__init__.py")}
    assert modules | packages <= NAMED


def test_the_layers_are_those_of_the_contract():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    [layers] = [contract["layers"] for contract in contracts if contract["type"] == "layers"]
    listed = re.search(r"<!-- layers -->(.*)<!-- end of layers -->", PAGE, re.DOTALL)[1]
    shown = [re.findall(r"`([\w.]+)`", line) for line in listed.strip().splitlines()]
    assert shown == [layer.split(" | ") for layer in layers]


@pytest.mark.parametrize("name", ["activity", "assessment", "brian", "errors", "experiment", "task", "values"])
def test_public_paths_give_the_names_of_their_layer(name):
    module = importlib.import_module(f"eisim.{name}")
    assert module.__all__ and all(getattr(module, each).__module__ != module.__name__ for each in module.__all__)
