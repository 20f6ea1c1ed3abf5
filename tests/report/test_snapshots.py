"""What people read of a result: a change is seen in a file, and accepted by ``python -m tests.snapshots``."""

import pytest

from tests.snapshots import FOLDER, RESULTS, snapshot


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] * (name == "sweep")) for name in RESULTS])
def test_what_people_read(name):
    assert snapshot(name) == (FOLDER / f"{name}.txt").read_text(encoding="utf-8")


def test_every_file_is_of_a_result():
    assert {path.stem for path in FOLDER.iterdir()} == set(RESULTS)
