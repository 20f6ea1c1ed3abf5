"""The comparison sees what changes, and lets words change."""

import copy
import csv
import io

import pytest

from tests.golden.__main__ import read
from tests.golden.cases import BY_NAME
from tests.golden.compare import differences

EXPECTED = read(BY_NAME["boolean"])


def changed(change):
    found = copy.deepcopy(EXPECTED)
    change(found)
    return list(differences(EXPECTED, found))


def with_table(change):
    """A change of the rows of table.csv, the headings among them."""

    def apply(found):
        rows = list(csv.reader(io.StringIO(found["table.csv"].decode())))
        change(rows)
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows(rows)
        found["table.csv"] = out.getvalue().encode()

    return apply


def row(found):
    return found["printed.json"]["boolean"]["rows"][0]


def test_the_same_is_the_same():
    assert changed(lambda found: None) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda found: row(found).update(meaning="other words", verdict="something else"),
        lambda found: row(found).update(a_new_key=1.5),
        lambda found: found.update({"new.csv": b"a\n1\n"}),
        with_table(lambda rows: [each.insert(3, "new") for each in rows]),
        with_table(lambda rows: rows[1].__setitem__(rows[0].index("verdict"), "other")),
        lambda found: found["facts.json"]["page"].reverse(),
    ],
)
def test_words_and_what_is_new_may_differ(change):
    assert changed(change) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda found: row(found).update(floor=0.25000000000000006), "floor: expected 0.25, found 0.25000000000000006"),
        (lambda found: row(found).update(inputs=2.0), "inputs: expected 2, found 2.0"),
        (lambda found: row(found).update(representable=0), "representable: expected False, found 0"),
        (lambda found: row(found).update(truth_table="0111"), "truth_table: expected '0110'"),
        (lambda found: row(found).update(floor=None), "floor: expected 0.25, found None"),
        (lambda found: row(found).pop("verdict"), "verdict: lost"),
        (lambda found: found["printed.json"]["boolean"]["rows"].pop(), "expected 4 entries, found 3"),
        (lambda found: found.pop("ablation_curves.csv"), "ablation_curves.csv: lost"),
        (lambda found: found["facts.json"]["files"].remove("report.html"), "report.html: lost"),
        (lambda found: found["facts.json"].update(status=1), "status: expected 0, found 1"),
        (lambda found: found["facts.json"].update(page=[]), "page: no table has the column"),
        (with_table(lambda rows: [each.pop(5) for each in rows]), "table.csv: floor: lost"),
        (with_table(lambda rows: rows.pop()), "expected 4 entries, found 3"),
        (with_table(lambda rows: rows[1].__setitem__(5, "0.2500000000000001")), "table.csv: floor[0]: expected 0.25"),
    ],
)
def test_numbers_names_and_what_is_lost_are_said(change, said):
    found = changed(change)
    assert found and any(said in each for each in found), found


def test_a_tolerance_is_for_numbers_only():
    found = copy.deepcopy(EXPECTED)
    row(found).update(floor=0.25 + 1e-13)
    assert list(differences(EXPECTED, found, 1e-9)) == [] != list(differences(EXPECTED, found))
    row(found).update(floor=0.25 + 1e-9)
    assert len(list(differences(EXPECTED, found, 1e-9))) == 1


def test_arrays_in_netcdf_are_compared():
    found = copy.deepcopy(EXPECTED)
    content = bytearray(found["data.nc"])
    content[-2] ^= 1
    found["data.nc"] = bytes(content)
    assert [each for each in differences(EXPECTED, found) if each.startswith("data.nc: ")]
