import numpy as np
import pandas
import pytest

from eisim import TRUTH_TABLES, InputError, LabelledData, TruthTable
from eisim.functions import tables


def test_counting_order_has_the_first_input_as_most_significant_bit():
    implies = TruthTable.of(2, lambda a, b: not a or b)
    assert implies.bits == "1101"
    assert [implies(x) for x in ([0, 0], [0, 1], [1, 0], [1, 1])] == [True, True, False, True]
    assert implies.patterns.tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]


def test_named_functions():
    assert TRUTH_TABLES["xor"].bits == "0110"
    assert TRUTH_TABLES["multiplexer"].bits == "00110101"
    assert sum(TRUTH_TABLES["equality"].values) == 4
    assert TRUTH_TABLES["at-least-2-of-4"].bits.count("1") == 11


@pytest.mark.parametrize("bits", ["", "0", "011", "01a0", "0" * 128, 110, None, "0 1 "])
def test_bad_truth_tables(bits):
    with pytest.raises(InputError, match="truth table: expected"):
        TruthTable(bits)


def csv(folder, text):
    path = folder / "data.csv"
    path.write_text(text)
    return path


def test_labelled_data_from_csv(tmp_path):
    data = LabelledData.from_csv(csv(tmp_path, "a, b ,rate,w\n1,2.5,0,1\n 3,-4e2,1,2\n"), "rate", "w")
    assert data.points.tolist() == [[1, 2.5], [3, -400]]
    assert data.targets.tolist() == [0, 1] and data.weights.tolist() == [1, 2]
    assert data.names == ("a", "b") and data.target == "rate" and data.notes == ()


def test_rows_with_missing_values_are_left_out_and_counted(tmp_path):
    data = LabelledData.from_csv(csv(tmp_path, "a,b,y\n1,2,0\n,5,1\n3,NA,0\n4,5,1\n"), "y")
    assert data.points.tolist() == [[1, 2], [4, 5]]
    assert data.notes == ("2 of 4 rows have missing values and are left out; the first is row 2, column 'a'.",)


def test_cells_that_hold_nothing_or_a_truth_value(tmp_path):
    cells = ["yes", "No", "TRUE", "false", " 1", "nan", "NaN", "N/A", "na", "null", "NULL", ""]
    data = LabelledData.from_csv(csv(tmp_path, "a,y\n" + "".join(f"{cell},1\n" for cell in cells)), "y")
    assert data.points.ravel().tolist() == [1, 0, 1, 0, 1]
    assert data.notes[0].startswith("7 of 12 rows have missing values and are left out; the first is row 6")


def test_words_as_targets_are_numbered_and_the_notes_say_how(tmp_path):
    two = csv(tmp_path, "a,y\n1,dog\n2, cat\n3,\n4,dog\n")
    frame = pandas.DataFrame({"a": [1, 2, 3, 4], "y": ["dog", "cat", None, "dog"]})
    for data in (
        LabelledData.from_csv(two, "y"),
        LabelledData.from_csv(two, None),
        LabelledData.from_dataframe(frame, "y"),
    ):
        assert data.points.ravel().tolist() == [1, 2, 4] and data.targets.tolist() == [1, 0, 1]
        assert data.notes[0] == "y in alphabetical order: cat = 0, dog = 1." and len(data.notes) == 2
    three = csv(tmp_path, "a,y\n1,no\n2,maybe\n3,yes\n")
    assert LabelledData.from_csv(three, "y", classes=True).targets.tolist() == [1, 0, 2]
    with pytest.raises(InputError, match=r"expected numbers or two words, found 3 words .* which have no order"):
        LabelledData.from_csv(three, "y")
    with pytest.raises(InputError, match="row 1, column 'y': expected a finite number, found 'dog'"):
        LabelledData.from_dataframe(frame.assign(y=["dog", 1, 2, 3]), "y")
    with pytest.warns(UserWarning, match="no = 0, yea = 1"):
        assert TruthTable.from_csv(csv(tmp_path, "a,b,y\n0,0,no\n0,1,yea\n1,0,yea\n1,1,no\n")).bits == "0110"


def test_ignored_columns_are_left_out(tmp_path):
    path = csv(tmp_path, "who,a,b,y\nAnn,1,,0\nBob,2,,1\n")
    assert LabelledData.from_csv(path, "y", ignore=["who", "b"]).names == ("a",)
    assert LabelledData.from_csv(path, None, ignore=["who", "b"]).target == "y"
    with pytest.raises(InputError, match=r"ignore: expected one of the columns .*, found 'whom'; did you mean 'who'"):
        LabelledData.from_csv(path, "y", ignore=["whom"])
    frame = pandas.read_csv(path)
    assert LabelledData.from_dataframe(frame, "y", ignore=["who", "b"]).points.tolist() == [[1], [2]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a first line with column names, found an empty file"),
        ("a,y\n", "expected at least 2 rows, found 0"),
        ("a,y\n1,1\n", "expected at least 2 rows, found 1"),
        ("a,b\n1,1\n2,2\n", "target: expected one of the columns a, b, found 'y'"),
        ("y\n1\n2\n", "expected at least one column besides the target, found y"),
        ("a,y\n1,1\nspam,0\n", "row 2 (line 3), column 'a': expected a finite number, found 'spam'"),
        ("a,y\n1,1\n2,inf\n", "row 2 (line 3), column 'y': expected a finite number, found 'inf'"),
        ("a b,y\nred,1\n2,1\n", "code them as numbers, or leave the column out with --ignore 'a b')"),
        ("a,y\nnan,1\n2,1\n", "expected at least 2 rows without missing values, found 1"),
        ("a,y\n1,1\n2,1,3,4\n", "expected comma-separated values, found:"),
        ("a,y\n1,1,2\n2,1,3\n", "row 1 (line 2): expected 2 cells, one for each column, found 3"),
        ("a,y\n1,1\n,1\n", "expected at least 2 rows without missing values, found 1"),
    ],
)
def test_bad_csv_names_row_and_column(tmp_path, text, message):
    with pytest.raises(InputError) as error:
        LabelledData.from_csv(csv(tmp_path, text), "y")
    assert message in str(error.value) and "data.csv" in str(error.value)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_separators_of_cells(tmp_path, separator):
    (tmp_path / "x.csv").write_text("a,b,y\n1,2,0\n3,4,1\n".replace(",", separator))
    np.testing.assert_array_equal(LabelledData.from_csv(tmp_path / "x.csv", "y").points, [[1, 2], [3, 4]])


def test_csv_that_is_none(tmp_path):
    with pytest.raises(InputError, match="cannot be read: No such file"):
        LabelledData.from_csv(tmp_path / "nowhere.csv", "y")
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        LabelledData.from_csv(tmp_path, "y")
    (tmp_path / "picture.csv").write_bytes(bytes(range(256)))
    with pytest.raises(InputError, match=r"picture\.csv"):
        LabelledData.from_csv(tmp_path / "picture.csv", "y")


def test_more_rows_than_can_be_compared_are_refused_before_all_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "MAX_DISTINCT", 50)
    monkeypatch.setattr(tables, "_ROWS_AT_ONCE", 40)
    rows = "".join(f"{k},0,1,2,{k % 2}\n" for k in range(1000))
    with pytest.raises(InputError, match=r"expected at most 50 distinct rows.* found more in the first 80 rows"):
        LabelledData.from_csv(csv(tmp_path, "a,b,c,d,y\n" + rows), "y")
    rows = "".join(f"{k % 7},0,1,2,{k % 2}\n" for k in range(1000))
    assert len(LabelledData.from_csv(csv(tmp_path, "a,b,c,d,y\n" + rows), "y").targets) == 1000


def test_tables_of_two_inputs_may_be_longer(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "MAX_DISTINCT", 50)
    monkeypatch.setattr(tables, "MAX_DISTINCT_IN_PLANE", 500)
    monkeypatch.setattr(tables, "_ROWS_AT_ONCE", 40)
    rows = [f"{k},{k % 3},{k % 2},1,{k},x\n" for k in range(400)]
    data = LabelledData.from_csv(csv(tmp_path, "a,b,y,w,row,c\n" + "".join(rows)), "y", "w", ignore=["c"])
    assert data.points.shape == (400, 2)
    with pytest.raises(InputError, match="expected at most 50 distinct rows"):
        LabelledData.from_csv(csv(tmp_path, "a,b,y,w,row,c\n" + "".join(rows)), "y", "w")
    more = "".join(f"{k},{k % 3},{k % 2}\n" for k in range(1000))
    wanted = r"expected at most 500 distinct rows, in tables of two inputs, found more in the first 640 rows"
    with pytest.raises(InputError, match=wanted):
        LabelledData.from_csv(csv(tmp_path, "a,b,y\n" + more), "y")


@pytest.mark.parametrize(
    ("points", "targets", "weights", "message"),
    [
        ([[1, 2], [3, np.nan]], [0, 1], None, "row 2, column 'x2': expected a finite number, found nan"),
        ([[1], [3]], [0, np.inf], None, "row 2, column 'target': expected a finite number, found inf"),
        ([[1], [3]], [0, 1, 1], None, r"targets: expected shape \(2,\), one for each row, found \(3,\)"),
        ([1, 3], [0, 1], None, r"points: expected shape \(points, inputs\), found \(2,\)"),
        ([[1]], [0], None, "expected at least 2 rows, found 1"),
        ([["a"], ["b"]], [0, 1], None, "points: expected numbers, found"),
        ([[10**400], [1]], [0, 1], None, "points: expected numbers, found"),
        (np.array([[1j], [1]]), [0, 1], None, "points: expected numbers, found"),
        ([[1], [3]], [0, 1], [1, -1], "row 2: expected a weight of 0 or more, found -1"),
        ([[1], [3]], [0, 1], [0, 0], "weights: expected some above 0, found none"),
        (np.empty((0, 2)), [], None, "expected at least 2 rows, found 0"),
    ],
)
def test_bad_labelled_data(points, targets, weights, message):
    with pytest.raises(InputError, match=message):
        LabelledData(points, targets, weights)
