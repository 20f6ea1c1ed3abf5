"""The numbers are those that they were; ``python -m tests.golden`` compares them to the bit."""

import pytest

from tests.golden.__main__ import check
from tests.golden.cases import CASES

#: Relative; mathematical functions differ between machines.
TOLERANCE = 1e-9


def compare(case, as_script=False):
    if case.needs:
        pytest.importorskip(case.needs)
    found = check(case, as_script, TOLERANCE)
    assert not found, f"{case.name}: {len(found)} differences:\n" + "\n".join(found[:20])


@pytest.mark.slow
@pytest.mark.parametrize(
    "case", [pytest.param(case, id=case.name, marks=[pytest.mark.nightly] * case.is_slow) for case in CASES]
)
def test_numbers_are_those_that_they_were(case):
    compare(case)


@pytest.mark.nightly
@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES if case.script])
def test_an_experiment_as_a_script_gives_the_same(case):
    compare(case, as_script=True)
