"""No name that users may have written is lost."""

import json
import warnings

import pytest

from tests import public_names

RECORD = json.loads(public_names.RECORD.read_text(encoding="utf-8"))


@pytest.mark.parametrize("module", RECORD["names"])
def test_every_name_is_imported_from_where_it_was(module):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        for name in RECORD["names"][module]:
            assert public_names.reach(module, name) is not None


def test_all_names_of_eisim_are_said_to_be_public():
    import eisim

    assert set(RECORD["names"]["eisim"]) - {"NAMED"} <= set(eisim.__all__)  # NAMED still works, with a warning


@pytest.mark.parametrize("part", ["arguments", "attributes"])
def test_arguments_and_attributes_are_there(part):
    found = getattr(public_names, part)(RECORD["names"])
    assert not public_names.lost(RECORD[part], found)


def test_commands_and_options_are_there():
    assert not public_names.lost(RECORD["commands"], public_names.commands())


def test_experiments_models_and_their_settings_are_there():
    assert not public_names.lost(RECORD["settings"], public_names.listed())


def test_functions_and_regions_are_there():
    import eisim

    assert set(RECORD["functions"]) <= set(eisim.NAMED) and set(RECORD["regions"]) <= set(eisim.REGIONS)


def test_what_is_lost_is_said():
    before = {"a": {"b": ["x", "y"]}, "c": ["z"]}
    assert public_names.lost(before, {"a": {"b": ["y", "new"]}}) == ["a: b: x", "c"]
    assert public_names.lost(before, before) == []
