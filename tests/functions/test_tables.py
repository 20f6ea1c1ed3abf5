"""Tables as people have them: each read as it is meant, or refused in one line that says what was found."""

import gzip
import io
import json
import sys
import zipfile

import numpy as np
import pandas
import pytest

from eisim import Certificate, InputError, LabelledData, TruthTable, certify
from eisim.cli import completion
from eisim.cli.commands import run_command
from eisim.functions import tables
from eisim.report.view import view_of
from eisim.theory.certificate import certify_classes
from tests.support.findings import check

ROWS = "1,2,0\n3,4,1\n"
POINTS, TARGETS = [[1, 2], [3, 4]], [0, 1]


def read(path, content, target="y", name="odd.csv", **options):
    path = path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return LabelledData.from_file(path, target, **options)


#: Content, points, targets, and what a note says.
READ = {
    "byte order mark": (b"\xef\xbb\xbfa,b,y\n" + ROWS.encode(), POINTS, TARGETS, ""),
    "UTF-16": (("a,b,y\n" + ROWS).encode("utf-16"), POINTS, TARGETS, ""),
    "UTF-16, big-endian": (b"\xfe\xff" + ("a,b,y\n" + ROWS).encode("utf-16-be"), POINTS, TARGETS, ""),
    "Windows-1252": (("größe,b,y\n" + ROWS).encode("cp1252"), POINTS, TARGETS, "read as Windows-1252"),
    "Windows line ends": (("a,b,y\n" + ROWS).replace("\n", "\r\n"), POINTS, TARGETS, ""),
    "old Macintosh line ends": (("a,b,y\n" + ROWS).replace("\n", "\r"), POINTS, TARGETS, ""),
    "blank lines": ("\na,b,y\n\n1,2,0\n\n3,4,1\n\n", POINTS, TARGETS, ""),
    "comments": ("# made by hand\n# twice\na,b,y\n" + ROWS, POINTS, TARGETS, "start with # are left out: 2"),
    "NumPy's heading": ("# a,b,y\n1.0e+00,2.0e+00,0\n3.0e+00,4.0e+00,1\n", POINTS, TARGETS, ""),
    "Excel's separator line": ("sep=;\na;b;y\n1;2;0\n3;4;1\n", POINTS, TARGETS, ""),
    "bars": ("a|b|y\n1|2|0\n3|4|1\n", POINTS, TARGETS, ""),
    "commas in names, cells by semicolons": ("a, cm;b, kg;y\n1;2;0\n3;4;1\n", POINTS, TARGETS, ""),
    "line end in a quoted name": ('"a\nb",b,y\n' + ROWS, POINTS, TARGETS, ""),
    "B10 blanks in names": (" a , b,y \n" + ROWS, POINTS, TARGETS, ""),
    "B10 pandas' index": (",a,b,y\n0,1,2,0\n1,3,4,1\n", POINTS, TARGETS, "Unnamed: 0 numbers the rows and is left out"),
    "B10 R's row names": ('"","a","b","y"\n"1",1,2,0\n"2",3,4,1\n', POINTS, TARGETS, "numbers the rows"),
    "B10 id": ("Id,a,b,y\n1,1,2,0\n2,3,4,1\n", POINTS, TARGETS, "Id numbers the rows and is left out"),
    "a column without values": ("a,b,,y\n1,2,,0\n3,4,,1\n", POINTS, TARGETS, "Unnamed: 2 holds no values"),
    "missing words": (
        "a,b,y\n1,2,0\n?,9,1\nNone,9,1\n.,9,1\n-,9,1\n#N/A,9,1\n<NA>,9,0\n3,4,1\n", POINTS, TARGETS, "6 of 8 rows",
    ),
    "a short row": ("a,b,y\n1,2,0\n7\n3,4,1\n", POINTS, TARGETS, "1 of 3 rows have missing values"),
    "B7 decimal commas": ("a;b;y\n1,0;2;0\n3;4,0;1\n", POINTS, TARGETS, "decimal commas (1,0 = 1.0)"),
    "B7 German thousands": ("a;b;y\n1.001,5;2;0\n3.001,5;4;1\n", [[1001.5, 2], [3001.5, 4]], TARGETS, "decimal commas"),
    "B7 thousands": ('a,b,y\n"1,001",2,0\n"3,001",4,1\n', [[1001, 2], [3001, 4]], TARGETS, "separators (1,001 = 1001)"),
    "B7 millions": ("a;b;y\n1,000,001;2;0\n3;4;1\n", [[1000001, 2], [3, 4]], TARGETS, "thousands separators"),
    "B7 percentages": ("a,b,y\n1%,2,0\n3 %,4,1\n", POINTS, TARGETS, "percentages are read as numbers (1% = 1)"),
    "B7 dates": ("a,b,y\n1970-01-02,2,0\n1970-01-04,4,1\n", POINTS, TARGETS, "days since 1970-01-01"),
    "B7 times": (
        "a,b,y\n1970-01-02T12:00:00+12:00,2,0\n1970-01-04 00:00Z,4,1\n", POINTS, TARGETS, "days since",
    ),
    "true minus signs": ("a,b,y\n\u22121,2,0\n3,4,1\n", [[-1, 2], [3, 4]], TARGETS, ""),
    "truth values": ("a,b,y\nTrue,no,0\nFALSE,yes,1\n", [[1, 0], [0, 1]], TARGETS, ""),
    "B6 two words": ("a,b,y\nm,2,0\nf,4,1\n", [[1, 2], [0, 4]], TARGETS, "f = 0, m = 1"),
    "B6 plus and minus": ("a,b,y\n+,2,0\n-,4,1\n", [[0, 2], [1, 4]], TARGETS, "+ = 0, - = 1"),
    "B6 categories": (
        "a,b,y\nu,2,0\nv,4,1\nw,4,1\nu,4,1\n", [[1, 0, 0, 2], [0, 1, 0, 4], [0, 0, 1, 4], [1, 0, 0, 4]], [0, 1, 1, 1],
        "3 categories without order (u, v, w)",
    ),
    "B6 ranges": ("a,b,y\n9-17,2,0\n18 to 25 years,4,1\n", [[1, 2], [0, 4]], TARGETS, "18 to 25 years = 0, 9-17 = 1"),
    "B6 bounds": ("a,b,y\n<=50K,2,0\n>50K,4,1\n", [[0, 2], [1, 4]], TARGETS, "<=50K = 0, >50K = 1"),
    "B6 half-open ranges": (
        'a,b,y\n"(0.0, 5.5]",2,0\n"(-inf, 0.0]",4,1\n', [[1, 2], [0, 4]], TARGETS, "(-inf, 0.0] = 0, (0.0, 5.5] = 1"
    ),
    "B6 places in an order": (
        "a,b,y\n1st,2,0\n2nd,4,1\n3rd,4,1\n1st,4,1\n", [[1, 0, 0, 2], [0, 1, 0, 4], [0, 0, 1, 4], [1, 0, 0, 4]],
        [0, 1, 1, 1], "3 categories without order (1st, 2nd, 3rd)",
    ),
    "B6 a bound among words": ("a,b,y\n65+,2,0\nunknown,4,1\n", [[0, 2], [1, 4]], TARGETS, "65+ = 0, unknown = 1"),
    "B5 bounds as a target": ("a,b,y\n1,2,<18\n3,4,>=18\n", POINTS, TARGETS, "<18 = 0, >=18 = 1"),
    "B6 a word of an incomplete row": ("a,b,y\nm,2,0\nf,4,1\nx,,1\n", [[1, 2], [0, 4]], TARGETS, "f = 0, m = 1"),
    "B3 large whole numbers": (
        "a,b,y\n9007199254740992,2,0\n9007199254740993,4,1\n", [[2**53, 2], [2**53, 4]], TARGETS, "compared exactly"
    ),
    "rows sorted by class": ("a,b,y\n1,2,0\n1,2,0\n3,4,1\n3,4,1\n", [[1, 2]] * 2 + [[3, 4]] * 2, [0, 0, 1, 1], ""),
}  # fmt: skip


@pytest.mark.parametrize("kind", READ)
def test_odd_tables_that_are_read(tmp_path, kind):
    content, points, targets, note = READ[kind]
    data = read(tmp_path, content)
    assert data.points.tolist() == points and data.targets.tolist() == targets
    assert note in " ".join(data.notes) and bool(note) == bool(data.notes)


#: Content, what was found, and options.
REFUSED = {
    "B4 a target twice": ("y,a,y\n1,2,3\n2,3,4\n", "expected columns of different names, found 'y' more than once", {}),
    "B4 weights twice": ("w,a,y,w\n1,2,3,1\n2,3,4,1\n", "found 'w' more than once", {"weights": "w"}),
    "B4 an ignored name twice": ("a,b,y,a\n1,2,3,1\n2,3,4,1\n", "found 'a' more than once", {"ignore": ["a"]}),
    "B4 twice but for blanks": ("y,a,y \n1,2,3\n2,3,4\n", "found 'y' more than once", {}),
    "B7 a comma with two meanings": ("a;y\n1,500;0\n2,500;1\n", "expected a number without a comma, found '1,500'", {}),
    "B7 commas and points in a column": ("a;y\n1,5;0\n2.5;1\n", "decimal points or with decimal commas, not both", {}),
    "B7 commas and points in a table": ("a;b;y\n1,5;1.234;0\n2,5;2.5;1\n", "found '1,5' in column 'a' and points", {}),
    "B7 dates of two meanings": ("a,y\n01/02/2020,0\n03/04/2020,1\n", "found '01/02/2020' (write all cells", {}),
    "B7 a date that is none": ("a,y\n2020-13-01,0\n2020-01-01,1\n", "dates as YYYY-MM-DD, found '2020-13-01'", {}),
    "B7 some percentages": ("a,y\n10%,0\n20,1\n", "percentages in all cells of the column or in none", {}),
    "B7 spaces between thousands": ("a,y\n1 000,0\n2 000,1\n", "expected a number or a word, found '1 000'", {}),
    "B7 units": ("a,y\n5 km,0\n7 km,1\n", "found '5 km'", {}),
    "B7 money": ("a,y\n$5,0\n$7,1\n", "found '$5'", {}),
    "B7 times of the day": ("a,y\n10:30,0\n11:30,1\n", "found '10:30'", {}),
    "B7 hexadecimal": ("a,y\n0x10,0\n0x11,1\n", "found '0x10'", {}),
    "B7 underscores": ("a,y\n1_000,0\n2_000,1\n", "found '1_000'", {}),
    "B7 values below a limit of detection": ("a,y\n<3,0\n7,1\n", "found '<3'", {}),
    "B7 months and days": ("a,y\n01-02,0\n02-03,1\n", "found '01-02'", {}),
    "B7 a range that falls": ("a,y\n25-18,0\n18-25,1\n", "found '25-18'", {}),
    "B7 a comma in the first row": ("a;y\n1,500;0\n2;1\n", "write numbers without it, or leave", {}),
    "B8 a second line of units": ("a,y\nmV,Hz\n1,0\n2,1\n", "'mV' (if it is a second line of names or of units", {}),
    "B8 numbers as names": (
        "5.1,3.5,0\n4.9,3.0,1\n",
        "expected a first line with column names, found values ('5.1'",
        {},
    ),
    "B8 a row as in UCI's iris": ("5.1,Iris-setosa\n4.9,Iris-setosa\n4,b\n", "found values ('5.1', 'Iris-setosa')", {}),
    "B8 letters alone": ("p,x\ne,x\np,y\n", "--no-header reads it as a row", {}),
    "B5 classes that were not asked for": ("a,y\n1,u\n2,v\n3,w\n", "found 3 words ('u', 'v', ...), which have no", {}),
    "B6 names of things": ("a,y\nAl,1\nBo,2\nCy,3\nDi,4\nEd,5\nFy,6\n", "a different word in each row ('Al'", {}),
    "B6 several columns of names": (
        "a,b,c,y\n" + "".join(f"n{k},{k},t{k},{k % 2}\n" for k in range(9)),
        "(the same holds for 'c': --ignore c)",
        {},
    ),
    "B6 too many words": (
        "a,y\n" + "".join(f"w{k},{k % 2}\n" * 2 for k in range(60)),
        "at most 50 different words",
        {},
    ),
    "words among numbers": (
        "a,y\n1,0\nred,1\n",
        "row 2 (line 3), column 'a': expected a finite number, found 'red'",
        {},
    ),
    "words as weights": ("a,w,y\n1,u,0\n2,v,1\n", "column 'w': expected a finite number, found 'u'", {"weights": "w"}),
    "infinity": ("a,y\n1,0\n-Infinity,1\n", "expected a finite number, found '-Infinity'", {}),
    "too large for float64 in the first row": ("a,y\n1e999,0\n1,1\n", "found '1e999' (leave the column out with", {}),
    "too large for float64": ("a,y\n1,0\n1e999,1\n", "expected a finite number, found '1e999'", {}),
    "B3 targets that float64 merges": ("a,y\n1,9007199254740992\n2,9007199254740993\n", "targets that differ as", {}),
    "a long row": ("# c\na,b,y\n1,2,0\n3,4,1,9\n", "row 2 (line 4) has 4 cells, not 3", {}),
    "cells by blanks": ("a b y\n1 2 0\n3 4 1\n", "expected cells separated by commas, semicolons, tabs or bars", {}),
    "nothing": ("", "found an empty file", {}),
    "no rows": ("a,y\n", "expected at least 2 rows, found 0", {}),
    "no values": ("a,y\n,0\n,1\n", "expected at least 2 rows without missing values, found 0", {}),
    "null bytes": (b"a,y\n1,0\n\x00,1\n", "found null bytes", {}),
    "a pickle": (b"\x80\x04\x95\x00", "found a pickle file, which may run code when it is read: export it", {}),
    "a picture": (b"\x89PNG\r\n\x1a\n", "expected a table, found a PNG file: export it as CSV", {}),
    "half a ZIP archive": (b"PK\x03\x04abc", "expected a whole ZIP archive, found a damaged one", {}),
    "half a Parquet file": (b"PAR1abcPAR1", "expected a whole Parquet file, found a damaged one", {}),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_odd_tables_that_are_refused(tmp_path, kind):
    content, said, options = REFUSED[kind]
    if "Parquet" in kind:
        pytest.importorskip("pyarrow")
    with pytest.raises(InputError) as error:
        read(tmp_path, content, **options)
    assert said in str(error.value) and "odd.csv" in str(error.value) and "\n" not in str(error.value)


def test_b8_a_table_without_names(tmp_path):
    data = read(tmp_path, "5.1,3.5,0\n4.9,3.0,1\n", "x3", header=False)
    assert data.names == ("x1", "x2") and data.points.tolist() == [[5.1, 3.5], [4.9, 3.0]]
    assert read(tmp_path, "400,410,y\n1,2,0\n3,4,1\n").names == ("400", "410")  # wavelengths, say
    assert read(tmp_path, "1,2\n3,4\n5,6\n", "2", header=True).points.tolist() == [[3], [5]]
    (tmp_path / "bits.csv").write_text("0,0,0\n0,1,1\n1,0,1\n1,1,0\n")
    assert TruthTable.from_csv(tmp_path / "bits.csv", header=False).bits == "0110"


def test_b8_from_the_command_line(tmp_path, capsys):
    path = tmp_path / "odd.csv"
    path.write_text("5.1,3.5,0\n4.9,3.0,1\n5.0,3.1,1\n")
    words = ["certify", str(path), "--target", "x3", "--json", "--out", str(tmp_path / "out")]
    assert run_command(words) == 2
    assert "--no-header reads it as a row and calls the columns x1, x2" in capsys.readouterr().err
    assert run_command([*words, "--no-header"]) == 0
    assert json.loads(capsys.readouterr().out)["points"] == 3


FRAME = pandas.DataFrame(
    {
        "a": [2**53, 2**53 + 1, 7, 9],
        "b": [0.1, 0.2, 0.3, None],
        "c": ["u", "v", "w", "u"],
        "d": pandas.to_datetime(["2020-01-01", "2020-01-02", "2020-01-03", "2020-01-04"]),
        "y": ["no", "yes", "yes", "no"],
    }
)


@pytest.mark.parametrize(
    "ending", ["csv", "csv.gz", "csv.zip", "csv.xz", "csv.bz2", "tsv", "parquet", "feather", "dta"]
)
def test_b9_the_same_table_in_all_formats(tmp_path, ending):
    path = tmp_path / f"table.{ending}"
    if ending in ("parquet", "feather"):
        pytest.importorskip("pyarrow")
        getattr(FRAME, f"to_{ending}")(path)
    elif ending == "dta":
        FRAME.assign(a=FRAME["a"].astype(float)).to_stata(path, write_index=False)
    else:
        FRAME.to_csv(path, index=False, sep="\t" if ending == "tsv" else ",")
    data = LabelledData.from_file(path, "y")
    assert data.names == ("a", "b", "c=u", "c=v", "c=w", "d")
    assert data.points[:, 1:5].tolist() == [[0.1, 1, 0, 0], [0.2, 0, 1, 0], [0.3, 0, 0, 1]]
    assert data.points[:, 5].tolist() == [18262, 18263, 18264] and data.targets.tolist() == [0, 1, 1]
    if ending != "dta":
        assert np.argsort(data.order[:, 0]).tolist() == [2, 0, 1]
    assert any("1 of 4 rows have missing values" in note for note in data.notes)


def test_b9_a_spreadsheet(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in (["a ", None, "c", "y"], [2, 5, "u", 0], [], [3.5, 6, "v", 1], [None, 6, "v", 1]):
        book.active.append(row)
    book.save(tmp_path / "table.xlsx")
    data = LabelledData.from_file(tmp_path / "table.xlsx", "y")
    assert data.names == ("a", "Unnamed: 1", "c") and data.points.tolist() == [[2, 5, 0], [3.5, 6, 1]]
    book.active.append([1, 2, 3, 4, 5])
    book.save(tmp_path / "table.xlsx")
    with pytest.raises(InputError, match="expected 4 cells, one for each column, found 5"):
        LabelledData.from_file(tmp_path / "table.xlsx", "y")


@pytest.mark.parametrize(("package", "ending"), [("pyarrow", "parquet"), ("pyarrow", "feather"), ("openpyxl", "xlsx")])
def test_b9_a_reader_that_is_missing_is_named(tmp_path, monkeypatch, package, ending):
    path = tmp_path / f"table.{ending}"
    if ending == "xlsx":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("xl/workbook.xml", "")
    else:
        path.write_bytes({"parquet": b"PAR1", "feather": b"ARROW1"}[ending])
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match=f"file: pip install {package}, or export it as CSV"):
        LabelledData.from_file(path, "y")


def test_b9_bounds_of_packed_tables(tmp_path, monkeypatch):
    pytest.importorskip("pyarrow")
    pandas.DataFrame({"a": np.zeros(5000), "y": np.zeros(5000)}).to_parquet(tmp_path / "many.parquet")
    pandas.DataFrame({"a": np.zeros(5000), "y": np.zeros(5000)}).to_feather(tmp_path / "many.feather")
    monkeypatch.setattr(tables, "MOST_CELLS", 5000)
    for name in ("many.parquet", "many.feather"):
        with pytest.raises(InputError, match="expected at most 5,000 cells, found 5,000 × 2"):
            LabelledData.from_file(tmp_path / name, "y")
    pytest.importorskip("openpyxl")
    pandas.DataFrame({"a": np.arange(600), "y": np.arange(600)}).to_excel(tmp_path / "many.xlsx", index=False)
    with pytest.raises(InputError, match="expected at most 500 cells, found more: export it as CSV"):
        LabelledData.from_file(tmp_path / "many.xlsx", "y")
    monkeypatch.setattr(tables, "LARGEST_SPREADSHEET", 5000)
    with pytest.raises(InputError, match="expected at most 5,000 bytes when unpacked"):
        LabelledData.from_file(tmp_path / "many.xlsx", "y")


def test_b9_archives_of_several_tables_are_refused(tmp_path):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a.csv", "a,y\n1,2\n")
        archive.writestr("b.csv", "a,y\n1,2\n")
    with pytest.raises(InputError, match="expected a ZIP archive of one table, found 2 files"):
        read(tmp_path, stream.getvalue(), name="two.zip")
    assert len(read(tmp_path, gzip.compress(b"a,y\n1,2\n3,4\n"), name="misnamed.csv").targets) == 2


IRIS_LIKE = "a,b,kind\n1,5,u\n2,4,u\n3,3,v\n4,2,v\n5,1,w\n6,0,w\n1,1,w\n"


def test_b5_classes_are_judged_one_against_the_others(tmp_path, capsys):
    path = tmp_path / "kinds.csv"
    path.write_text(IRIS_LIKE)
    words = ["certify", str(path), "--target", "kind", "--out", str(tmp_path / "out")]
    assert run_command([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [each["class"] for each in found["classes"]] == ["u", "v", "w"] and found["target"] == "kind"
    data = LabelledData.from_file(path, "kind", classes=True)
    for value, each in enumerate(found["classes"]):
        alone = certify(LabelledData(data.points, data.targets == value))
        assert each["floor"] == alone.floor and each["floor_inverted"] == alone.floor_inverted
        assert each["violating_pairs"] == alone.violating_pairs
    assert found["floor"]["zero_one"] == max(each["floor"]["zero_one"] for each in found["classes"])
    assert run_command(words) == 0
    assert "3 classes without order, each judged against the others" in capsys.readouterr().out
    with pytest.raises(InputError, match=r"expected values with an order, found 3 classes \(data.against_others"):
        certify(data)
    with pytest.raises(InputError, match="expected one of its values, found 7"):
        data.against_others(7)


def test_b5_the_page_of_classes(tmp_path):
    data = read(tmp_path, IRIS_LIKE, "kind", classes=True)
    view = view_of(certify_classes(data))
    lines = check(view.findings(), dict(view.all_files()), [name for name, _ in view.drawn()])["points.csv"]
    assert [float(row["kind is v"]) for row in lines] == [0, 0, 1, 1, 0, 0, 0]
    assert {"best_zero_one, u", "best_l2, w", "weight", "a", "b"} <= set(lines[0])
    assert isinstance(certify_classes(data.against_others(0)), Certificate)


def test_b5_codes_are_said_to_be_taken_as_ordered():
    data = LabelledData([[1], [2], [3], [4]], [0, 1, 2, 1], target="kind")
    assert "The 3 whole values of 'kind' are taken as ordered (0 < 1 < 2)" in " ".join(certify(data).notes)
    assert "ordered" not in " ".join(certify(LabelledData([[1], [2], [3]], [0, 1, 0])).notes)
    assert "ordered" not in " ".join(certify(LabelledData([[1], [2], [3]], [0, 1.5, 0.2])).notes)


def test_b6_inputs_that_do_not_match_a_network_are_named(tmp_path):
    from eisim import to_dnn
    from eisim.studies.networks import class_floors
    from models import xor

    data = read(tmp_path, "a,b,y\nu,2,0\nv,4,1\nw,4,1\nu,4,1\n")
    with pytest.raises(InputError, match=r"expected 2 inputs, as '.*' has, found 4 \(a=u, a=v, a=w, b\)"):
        class_floors(to_dnn(xor.circuit(kind="rate")), data)


def test_b10_what_names_rows_is_said_to_be_an_input(tmp_path):
    rows = "".join(f"{900 + 7 * k % 13},{k % 3},{k % 2}\n" for k in range(13))
    data = read(tmp_path, "subject_id,a,y\n" + rows)
    assert data.names == ("subject_id", "a") and "--ignore subject_id" in data.notes[0]
    counted = "".join(f"{k + 1},{k % 3},{k % 2}\n" for k in range(13))
    data = read(tmp_path, "trial,a,y\n" + counted)
    assert data.names == ("trial", "a") and "--ignore trial" in data.notes[0]
    only = read(tmp_path, "id,y\n1,0\n2,1\n3,0\n")  # the only input
    assert only.names == ("id",)


def test_frames_are_read_as_files_are():
    frame = FRAME.assign(e=pandas.Categorical(["p", "q", "p", "q"]), f=pandas.array([1, 2, 3, None], dtype="Int64"))
    data = LabelledData.from_dataframe(frame, "y")
    assert data.names == ("a", "b", "c=u", "c=v", "c=w", "d", "e", "f") and data.points[:, 6].tolist() == [0, 1, 0]
    with pytest.raises(InputError, match=r"row 1, column 'a': expected a number or text, found \[1\]"):
        LabelledData.from_dataframe(pandas.DataFrame({"a": [[1], [2]], "y": [0, 1]}), "y")


def test_b6_intervals_of_pandas_are_categories():
    ages = pandas.cut(pandas.Series([9, 20, 33]), [0, 18, 30, 40])
    data = LabelledData.from_dataframe(pandas.DataFrame({"age": ages, "y": [0, 1, 0]}), "y")
    assert data.names == ("age=(0, 18]", "age=(18, 30]", "age=(30, 40]") and data.points.tolist() == np.eye(3).tolist()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (
            lambda: LabelledData.from_dataframe({"a": [1, 2], "y": [0, 1]}, "y"),
            "expected a pandas DataFrame, found dict",
        ),
        (lambda: LabelledData.from_dataframe([[1, 2]], "y"), "expected a pandas DataFrame, found list"),
        (lambda: LabelledData(np.ma.array([[1.0], [2.0]], mask=[[1], [0]]), [1, 0]), "found masked ones"),
        (lambda: LabelledData([[1], [2]], np.ma.array([1, 0], mask=[1, 0])), "targets: expected numbers, found masked"),
        (lambda: TruthTable.of(lambda a, b: a, 2), "n_inputs: expected a whole number from 1 to 6, found <function"),
        (lambda: TruthTable.of(2, "and"), "predicate: expected a function, found 'and'"),
        (lambda: TruthTable.of(30, max), "n_inputs: expected a whole number from 1 to 6, found 30"),
    ],
)
def test_arguments_of_other_types_are_refused(make, said):
    with pytest.raises(InputError) as error:
        make()
    assert said in str(error.value) and "\n" not in str(error.value)


def test_ranks_of_other_points_are_refused():
    data = LabelledData([[2**53], [2**53 + 1]], [0, 1])
    assert data.order.tolist() == [[0], [1]]
    with pytest.raises(InputError, match="order: expected ranks of the points in input 1, found others"):
        LabelledData([[5], [3]], [0, 1], order=data.order)
    with pytest.raises(InputError, match="order: expected shape"):
        LabelledData([[5, 1], [3, 1]], [0, 1], order=data.order)


def test_columns_are_completed(tmp_path, monkeypatch):
    (tmp_path / "cells.tsv").write_text("food\tthreat\n1\t2\n")
    monkeypatch.setenv("COMP_WORDS", f"eisim certify {tmp_path / 'cells.tsv'} --target ")
    assert completion.column("") == ["food", "threat"]
