"""Tables from files: text with separators, packed or not, and the formats that pandas has readers for."""

import bz2
import codecs
import csv
import gzip
import io
import lzma
import re
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from importlib import import_module
from numbers import Integral, Real
from pathlib import Path

import numpy as np

from eisim.base.errors import InputError, quoted
from eisim.base.store.safe_read import regular_file
from eisim.functions.columns import Column, as_float

#: More distinct rows than this are refused: all pairs of points are compared, in a bit each. Points of two inputs are
#: swept instead, so tables of as few columns as those with target and weights have may be longer.
MAX_DISTINCT, MAX_DISTINCT_IN_PLANE, COLUMNS_OF_PLANE = 200_000, 5_000_000, 4
#: Larger files, and those with more columns, longer names, more repeated names or more cells, are refused.
LARGEST_FILE, MOST_COLUMNS, LONGEST_NAME = 1_000_000_000, 20_000, 1_000
MOST_REPEATED, MOST_CELLS = 100, 100_000_000
#: Largest file that is read in parts, in bytes, and largest size of what is read of it when it is unpacked.
LARGEST_IN_PARTS = 20_000_000_000
#: Largest size of an unpacked file, in bytes, and of a spreadsheet, which is slow to read.
LARGEST_UNPACKED, LARGEST_SPREADSHEET = 300_000_000, 100_000_000
_ROWS_AT_ONCE, _CELLS_AT_ONCE = 250_000, 5_000_000
#: The first two rows must lie within this many lines and characters.
_FIRST_LINES, _HEAD = 100, 20_000_000
_SEPARATORS = "\t;|,"
#: Names of columns that only count rows, in lower case.
_COUNTERS = {"index", "row", "rows", "rownames", "row_names", "row.names", "row_id", "rowid", "id", "no", "nr", "#"}
_PACKERS = {"gzip": gzip.open, "bzip2": bz2.open, "xz": lzma.open}
#: What files begin with.
_MAGIC = {
    "gzip": b"\x1f\x8b",
    "bzip2": b"BZh",
    "xz": b"\xfd7zXZ\x00",
    "zip": (b"PK\x03\x04", b"PK\x05\x06"),
    "Parquet": b"PAR1",
    "Feather": b"ARROW1",
    "Feather, version 1,": b"FEA1",
    "Stata": b"<stata_dta>",
    "Excel 97": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    "HDF5": b"\x89HDF",
    "SQLite": b"SQLite format 3",
    "SPSS": (b"$FL2", b"$FL3"),
    "NumPy": b"\x93NUMPY",
    "PDF": b"%PDF",
    "PNG": b"\x89PNG",
    "pickle": (b"\x80\x03", b"\x80\x04", b"\x80\x05"),
}
#: Encodings of text by its first bytes; UTF-8 otherwise.
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
#: Kinds by the end of the name, where their content does not say it.
_SUFFIXES = {".dta": "Stata", ".json": "JSON", ".pkl": "pickle", ".pickle": "pickle"}
#: Readers that pandas needs, by kind.
_READERS = {"Parquet": "pyarrow", "Feather": "pyarrow", "Excel": "openpyxl"}


@dataclass(frozen=True, eq=False)
class RawTable:
    """Columns with distinct names, as read from a file.

    `where` names the table in errors; text has a separator, and a line for the first row.
    """

    where: str
    columns: list[Column]
    line: int | None = None
    separator: str = ""
    notes: tuple[str, ...] = ()


def read_table(
    path, header: bool | None, report: Callable[..., None], ignore: frozenset[str] = frozenset()
) -> RawTable:
    """Read a file; `header`: whether the first line names columns. By default it must, and values are refused there.

    What the columns to ignore hold does not count where too many rows differ.
    """
    path = regular_file(path, LARGEST_FILE)
    report(f"reading {path.name}")
    try:
        kind = _kind(path)
        if kind in ("Parquet", "Feather", "Stata"):
            return RawTable(str(path), _typed(path, kind))
        if kind == "Excel":
            return _of_rows(_spreadsheet(path), path, header)
        if kind not in ("text", "zip", *_PACKERS):
            why = ", which may run code when it is read" if kind == "pickle" else ""
            raise InputError(f"{path}: expected a table, found a {kind} file{why}: export it as CSV")
        return _text(path, kind, header, report, ignore)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None


@dataclass(frozen=True, eq=False)
class Parts:
    """Some columns of a table of any length, part by part.

    `where` names the table in errors, and `line` is that of the first row of a text. Each part has the cells by column:
    numbers of a NumPy type, or objects, ``""`` where nothing is.
    """

    where: str
    names: list[str]
    line: int | None
    rows: Iterator[dict[str, np.ndarray]]


def read_parts(path, choose: Callable[[list[str]], Sequence[str]], report: Callable[..., None]) -> Parts:
    """Read the columns of a file that `choose` picks of their names, in parts that take little memory.

    That is text, packed or not, Parquet or Feather.
    """
    path = regular_file(path, LARGEST_IN_PARTS)
    report(f"reading {path.name}")
    try:
        kind = _kind(path)
        if kind in ("Parquet", "Feather"):
            return _typed_parts(path, kind, choose, report)
        if kind in ("text", "zip", *_PACKERS):
            return _text_parts(path, kind, choose, report)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
    raise InputError(f"{path}: expected text, Parquet or Feather, found a {kind} file: export it as CSV")


def names_of(path) -> list[str]:
    """Names of the columns of a text file, for the shell to complete; empty for other kinds."""
    path = regular_file(path, LARGEST_FILE)
    if _kind(path) != "text":
        return []
    return [name.strip() for name in _heading(_Opened(path, "text", lambda *_: None), path).names]


@contextmanager
def _whole(path, what: str, found: str = "a damaged one") -> Iterator[None]:
    """While another package reads a file: any error that a damaged file provokes becomes one line."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{path}: expected a whole {what}, found {found} ({quoted(error)})") from None


def _kind(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(64)
    kind = next((kind for kind, magic in _MAGIC.items() if start.startswith(magic)), None)
    if kind == "zip":
        with _whole(path, "ZIP archive"), zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
        if "xl/workbook.xml" in names:
            return "Excel"
        if "content.xml" in names and "mimetype" in names:
            return "OpenDocument"
        return "zip"
    return kind or _SUFFIXES.get(path.suffix.lower(), "text")


# --- Text ------------------------------------------------------------------------------------------------------------


class _Opened:
    """A text file, packed or not, that is opened several times."""

    def __init__(self, path: Path, kind: str, report):
        self.path, self.content, self.report = path, None, report
        if kind in _PACKERS:
            with _PACKERS[kind](path) as file:
                self.content = _unpacked(file, path)
        elif kind == "zip":
            self.content = _member(path)
        self.size = path.stat().st_size if self.content is None else len(self.content)
        with self.binary() as file:
            start = file.read(1 << 16)
        self.encoding = next((_MARKS[mark] for mark in _MARKS if start.startswith(mark)), "utf-8-sig")
        if self.encoding == "utf-8-sig" and b"\0" in start:
            raise InputError(f"{path}: expected comma-separated values, found null bytes, which no text has")
        if self.encoding != "utf-8-sig" and b"\0" not in start:  # which digits and separators have there
            raise InputError(f"{path}: cannot be read: it is not UTF-8 text")

    def binary(self):
        return self.path.open("rb") if self.content is None else io.BytesIO(self.content)

    def text(self, encoding: str) -> io.TextIOWrapper:
        return io.TextIOWrapper(self.binary(), encoding=encoding, newline="")


def _member(path) -> bytes:
    """The one file of a ZIP archive."""
    with _whole(path, "ZIP archive", "one that cannot be unpacked"), zipfile.ZipFile(path) as archive:
        members = [m for m in archive.infolist() if not m.is_dir() and not m.filename.startswith("__MACOSX/")]
        if len(members) != 1:
            raise InputError(f"{path}: expected a ZIP archive of one table, found {len(members):,} files")
        with archive.open(members[0]) as file:
            return _unpacked(file, path)


def _unpacked(file, path) -> bytes:
    with _whole(path, "packed file"):
        content = file.read(LARGEST_UNPACKED + 1)
    if len(content) > LARGEST_UNPACKED:
        expected = f"at most {LARGEST_UNPACKED:,} bytes when unpacked"
        raise InputError(f"{path}: expected {expected}, found more: unpack it first")
    return content


def _text(path, kind, header, report, ignore) -> RawTable:
    opened = _Opened(path, kind, report)
    try:
        return _cells(opened, path, header, ignore)
    except UnicodeDecodeError:
        if opened.encoding != "utf-8-sig":
            raise InputError(f"{path}: cannot be read: it is not whole {opened.encoding.upper()} text") from None
    opened.encoding = "cp1252"
    try:
        table = _cells(opened, path, header, ignore)
    except UnicodeDecodeError:
        raise InputError(f"{path}: cannot be read: it is neither UTF-8 nor Windows-1252 text") from None
    note = "The file is not UTF-8 text and is read as Windows-1252."
    return replace(table, notes=(note, *table.notes))


@dataclass(frozen=True)
class _Heading:
    """The first row of a text file, with the number of lines before it and up to its end."""

    names: list[str]
    separator: str
    before: int
    lines: int
    notes: tuple[str, ...]


def _heading(opened: _Opened, path: Path, header: bool | None = None) -> _Heading:
    """Separator and names, if the first two rows are such as pandas reads in little time."""
    with opened.text(opened.encoding) as file:
        text = file.read(_HEAD)
    lines = [line for _, line in zip(range(_FIRST_LINES), io.StringIO(text, newline=""), strict=False)]
    start, separators, notes = 0, _SEPARATORS, ()
    if lines and (said := re.fullmatch(r"sep=(.)\s*", lines[0])):  # Excel's own way to name it
        start, separators = 1, said[1]
    comments = start
    while comments < len(lines) and (lines[comments].startswith("#") or not lines[comments].strip()):
        comments += 1
    hashes = [k for k in range(start, comments) if lines[k].startswith("#")]
    if hashes and comments < len(lines):
        _, rows, _ = _separated(lines[hashes[-1] :], separators, path)
        is_table = len(rows) == 2 and len(rows[0]) == len(rows[1]) > 1 and None not in map(as_float, rows[1])
        if is_table and header is not False:
            start = hashes[-1]  # a heading after a sign, as NumPy writes it
            lines[start] = lines[start].lstrip("# ")
        else:
            start = comments
            notes = (f"Lines at the beginning that start with # are left out: {len(hashes)}.",)
    separator, rows, end = _separated(lines[start:], separators, path)
    names, cells = (*rows, [], [])[:2]
    if len(rows) < 2 and (len(text) == _HEAD or len(lines) == _FIRST_LINES):
        raise InputError(f"{path}: expected two rows within the first {_FIRST_LINES} lines, found fewer")
    n = len(names)
    _check_size(path, 0, n)
    if not n:
        raise InputError(f"{path}: expected a first line with column names, found an empty file")
    if len(cells) > n:
        where = f"{path}: row 1 (line {start + end + 1})"
        raise InputError(f"{where}: expected {n} cells, one for each column, found {len(cells):,}")
    if n == 1 and separators == _SEPARATORS and 1 < len(names[0].split()) == len("".join(cells).split()):
        found = f"a first line with none of them ({names[0]!r:.60})"
        raise InputError(f"{path}: expected cells separated by commas, semicolons, tabs or bars, found {found}")
    _check_names(names, path)
    return _Heading(names, separator, start, start + end, notes)


def _separated(lines, separators, path) -> tuple[str, list[list[str]], int]:
    """The separator with which the first two rows have as many cells, else the most frequent; see `_first_rows`."""
    first = next(filter(str.strip, lines), "")
    for separator in separators:
        if separator in first:
            rows, end = _first_rows(lines, separator, path)
            if len(rows) == 2 and len(rows[0]) == len(rows[1]):
                return separator, rows, end
    separator = max(",;\t|" if len(separators) > 1 else separators, key=first.count)
    return separator, *_first_rows(lines, separator, path)


def _first_rows(lines, separator, path) -> tuple[list[list[str]], int]:
    """The first two rows, and the number of lines up to the end of the first one."""
    reader, rows, end = csv.reader(lines, delimiter=separator, skipinitialspace=True), [], 0
    try:
        for row in reader:
            if len(row) > 1 or any(map(str.strip, row)):  # pandas, too, passes over blank lines
                rows.append(row)
                end = end or reader.line_num
            if len(rows) == 2:
                break
    except csv.Error as error:
        raise InputError(f"{path}: expected comma-separated values, found: {error}") from None
    return rows, end or reader.line_num


def _check_names(names, path):
    for k, name in enumerate(names):
        if len(name) > LONGEST_NAME:
            expected = f"a name of at most {LONGEST_NAME:,} characters"
            raise InputError(f"{path}: column {k + 1}: expected {expected}, found {len(name):,}")
    filled = [name for name in names if name]
    if (repeated := len(filled) - len(set(filled))) > MOST_REPEATED:
        raise InputError(f"{path}: expected columns of different names, found {repeated:,} of a name that was there")


def _cells(opened, path, header, ignore) -> RawTable:
    """All cells of a text file."""
    import pandas

    heading = _heading(opened, path, header)
    skipped = heading.before if header is False else heading.lines
    columns = _named(heading.names, header)
    n = len(columns)
    with opened.text(opened.encoding) as file:
        for _ in range(skipped):
            file.readline()
        try:
            parts = pandas.read_csv(
                file,
                sep=heading.separator,
                header=None,
                names=range(n),
                dtype=str,
                keep_default_na=False,
                skipinitialspace=True,
                chunksize=max(1, min(_ROWS_AT_ONCE, _CELLS_AT_ONCE // n)),
            )
            limit = 2 * _ROWS_AT_ONCE
            for part in parts:
                cells = part.to_numpy(dtype=object)
                if not len(columns[0]):
                    if not isinstance(part.index, pandas.RangeIndex):
                        where = f"{path}: row 1 (line {skipped + 1})"
                        raise InputError(f"{where}: expected {n} cells, one for each column, found {n + 1}")
                    if header is None:
                        _check_heading(heading.names, cells, path)
                    _check_different([column.name for column in columns], path)
                for column, texts in zip(columns, cells.T, strict=True):
                    column.add_texts(texts.copy())
                opened.report(f"reading {path.name}", min(1.0, file.buffer.tell() / max(1, opened.size)))
                limit = _check_rows(columns, limit, path, ignore)
        except pandas.errors.EmptyDataError:
            pass
        except pandas.errors.ParserError as error:
            raise InputError(_parsed(str(error), path, skipped)) from None
        except csv.Error as error:
            raise InputError(f"{path}: expected comma-separated values, found: {error}") from None
    return RawTable(str(path), columns, skipped + 1, heading.separator, heading.notes)


def _text_parts(path, kind, choose, report) -> Parts:
    try:
        opened = _Opened(path, kind, report)
        heading = _heading(opened, path)
    except UnicodeDecodeError:
        raise InputError(f"{path}: cannot be read: it is not whole UTF-8 text") from None
    names = [column.name for column in _named(heading.names)]
    _check_different(names, path)
    chosen = list(dict.fromkeys(choose(names)))
    return Parts(str(path), names, heading.lines + 1, _rows_of_text(opened, path, heading, names, chosen))


def _rows_of_text(opened, path, heading, names, chosen) -> Iterator[dict[str, np.ndarray]]:
    import pandas

    with opened.text(opened.encoding) as file:
        try:
            for _ in range(heading.lines):
                file.readline()
            parts = pandas.read_csv(
                file,
                sep=heading.separator,
                header=None,
                names=range(len(names)),  # all of them: with some alone, longer rows would be cut off without a word
                dtype=str,
                keep_default_na=False,
                skipinitialspace=True,
                chunksize=_ROWS_AT_ONCE,
            )
            for part in parts:
                if not isinstance(part.index, pandas.RangeIndex):
                    raise InputError(f"{path}: expected {len(names)} cells in each row, found one more")
                yield {name: part[names.index(name)].fillna("").to_numpy(dtype=object) for name in chosen}
                opened.report(f"reading {path.name}", min(1.0, file.buffer.tell() / max(1, opened.size)))
        except pandas.errors.EmptyDataError:
            return
        except pandas.errors.ParserError as error:
            raise InputError(_parsed(str(error), path, heading.lines)) from None
        except csv.Error as error:
            raise InputError(f"{path}: expected comma-separated values, found: {error}") from None
        except UnicodeDecodeError:
            raise InputError(f"{path}: cannot be read: it is not whole UTF-8 text") from None


def _parsed(error: str, path, skipped: int) -> str:
    """The message of pandas on malformed rows, with the line counted from the beginning of the file."""
    if found := re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", error):
        expected, line, saw = map(int, found.groups())
        error = f"row {line} (line {line + skipped}) has {saw} cells, not {expected}"
    return f"{path}: expected comma-separated values, found: {' '.join(error.split())}"


def _check_rows(columns, limit: int, path, ignore) -> int:
    """Refuse what is too much long before its end; returns the number of rows at which to look again."""
    import pandas

    first = len(columns[0])
    if first * len(columns) > MOST_CELLS:
        raise InputError(f"{path}: expected at most {MOST_CELLS:,} cells, found more in the first {first:,} rows")
    if first < limit:
        return limit
    used = [column for column in columns if column.name not in ignore and not counts_rows(column)]
    most = MAX_DISTINCT_IN_PLANE if len(used) <= COLUMNS_OF_PLANE else MAX_DISTINCT
    if first <= most:
        return 2 * limit
    keys = [part for column in used for part in (column.numbers, column.codes)]
    if (~pandas.DataFrame(dict(enumerate(keys))).duplicated()).sum() > most:
        why = "since all pairs are compared" if most == MAX_DISTINCT else "in tables of two inputs"
        expected = f"at most {most:,} distinct rows, {why}"
        raise InputError(f"{path}: expected {expected}, found more in the first {first:,} rows")
    return 2 * limit


def counts_rows(column: Column) -> bool:
    """Whether a column has a name that such columns have, or none, and numbers its rows from 0 or 1 on."""
    name = column.name.lower()
    if (name not in _COUNTERS and not re.fullmatch(r"unnamed: \d+", name)) or column.texts or len(column) < 2:
        return False
    numbers = column.numbers
    return numbers[0] in (0, 1) and bool((numbers == numbers[0] + np.arange(len(numbers))).all())


def _named(cells: Sequence[str], header: bool | None = None) -> list[Column]:
    """Columns without cells, with the names that the first line gives them."""
    if header is False:
        return [Column(f"x{k + 1}") for k in range(len(cells))]
    return [Column(cell.strip() or f"Unnamed: {k}") for k, cell in enumerate(cells)]


def _check_heading(heading: Sequence[str], cells: np.ndarray, path) -> None:
    """Refuse a first line that holds values: numbers, or words that also occur below them."""
    names = [name.strip() for name in heading]
    if not any(names):
        return
    for name, column in zip(names, cells.T, strict=True):
        if name and as_float(name) is None and name not in {str(cell).strip() for cell in column}:
            return
    shown = ", ".join(map(repr, names[:4])) + (", ..." if len(names) > 4 else "")
    raise InputError(
        f"{path}: expected a first line with column names, found values ({shown:.200}): --no-header reads it as a row "
        "and calls the columns x1, x2, ...; --header takes it for names (in Python header=False, header=True)"
    )


def _check_different(names, where):
    """Refuse names that occur twice: choosing a column would be a guess."""
    for name, times in Counter(names).items():
        if times > 1:
            raise InputError(f"{where}: expected columns of different names, found {name!r} more than once")


# --- Other formats ---------------------------------------------------------------------------------------------------


def _reader(kind: str, path):
    """The package that reads a kind of file."""
    try:
        return import_module(_READERS[kind])
    except ImportError:
        article = "an" if kind == "Excel" else "a"
        raise InputError(f"{path}: {article} {kind} file: pip install {_READERS[kind]}, or export it as CSV") from None


def _check_size(path, rows: int, columns: int, size: int = 0):
    if columns > MOST_COLUMNS:
        raise InputError(f"{path}: expected at most {MOST_COLUMNS:,} columns, found {columns:,}")
    if rows * columns > MOST_CELLS:
        raise InputError(f"{path}: expected at most {MOST_CELLS:,} cells, found {rows:,} × {columns:,}")
    if size > LARGEST_FILE:
        raise InputError(f"{path}: expected at most {LARGEST_FILE:,} bytes when unpacked, found {size:,}")


def _typed(path, kind) -> list[Column]:
    """The columns of a Parquet, Feather or Stata file."""
    if kind != "Stata":
        _reader(kind, path)
    with _whole(path, f"{kind} file"):
        return columns_of({"Parquet": _parquet, "Feather": _feather, "Stata": _stata}[kind](path), str(path))


def _parquet(path):
    import pyarrow
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        about, schema = file.metadata, file.schema_arrow
        size = sum(about.row_group(k).total_byte_size for k in range(about.num_row_groups))
        _check_size(path, about.num_rows, about.num_columns, size)
    words = [field.name for field in schema if pyarrow.types.is_string(field.type)]
    # As dictionaries, texts that repeat take the memory of one.
    with parquet.ParquetFile(path, read_dictionary=words) as file:
        return _to_pandas(file.read(), path)


def _feather(path):
    import pyarrow

    with pyarrow.OSFile(str(path)) as source:
        file = pyarrow.ipc.open_file(source)
        _check_size(path, 0, len(file.schema))
        batches, rows, size = [], 0, 0
        for k in range(file.num_record_batches):
            batches.append(file.get_batch(k))
            rows, size = rows + batches[-1].num_rows, size + batches[-1].nbytes
            _check_size(path, rows, len(file.schema), size)
        return _to_pandas(pyarrow.Table.from_batches(batches, file.schema), path)


def _typed_parts(path, kind, choose, report) -> Parts:
    """Parts of a Parquet or Feather file."""
    _reader(kind, path)
    with _whole(path, f"{kind} file"):
        names, rows = {"Parquet": _parts_of_parquet, "Feather": _parts_of_feather}[kind](path)
    _check_size(path, 0, len(names))
    _check_names(names, path)
    _check_different(names, path)
    return Parts(str(path), names, None, _rows_of_typed(path, kind, rows, list(dict.fromkeys(choose(names))), report))


def _rows_of_typed(path, kind, rows, chosen, report) -> Iterator[dict[str, np.ndarray]]:
    with _whole(path, f"{kind} file"):
        for batch, share in rows(chosen):
            yield {name: _cells_of_arrow(batch.column(name), f"{path}: column {name!r}") for name in chosen}
            report(f"reading {path.name}", share)


def _cells_of_arrow(column, where) -> np.ndarray:
    """A column as numbers of a NumPy type where all cells are, else as texts."""
    from pyarrow import types

    kind = column.type
    if types.is_dictionary(kind):
        column, kind = column.dictionary_decode(), kind.value_type
    if (types.is_integer(kind) or types.is_floating(kind)) and not column.null_count:
        return column.to_numpy(zero_copy_only=False)
    if not (types.is_primitive(kind) or types.is_string(kind) or types.is_large_string(kind) or types.is_null(kind)):
        raise InputError(f"{where}: expected numbers or text, found {kind}")
    return np.array(["" if value is None else _as_text(value, where) for value in column.to_pylist()], dtype=object)


def _parts_of_parquet(path):
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        names, about = list(file.schema_arrow.names), file.metadata

    def rows(chosen):
        done = size = 0
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(_ROWS_AT_ONCE, columns=chosen):
                done, size = done + batch.num_rows, size + batch.nbytes
                if size > LARGEST_IN_PARTS:  # of a damaged file, asking the metadata of columns can end the process
                    raise InputError(f"{path}: expected at most {LARGEST_IN_PARTS:,} bytes when unpacked, found more")
                yield batch, min(1.0, done / max(1, about.num_rows))

    return names, rows


def _parts_of_feather(path):
    import pyarrow

    with pyarrow.OSFile(str(path)) as source:
        names = list(pyarrow.ipc.open_file(source).schema.names)

    def rows(chosen):
        with pyarrow.OSFile(str(path)) as source:
            file = pyarrow.ipc.open_file(source)
            for k in range(file.num_record_batches):
                batch = file.get_batch(k)
                for start in range(0, batch.num_rows, _ROWS_AT_ONCE):
                    yield batch.slice(start, _ROWS_AT_ONCE), (k + 1) / file.num_record_batches

    return names, rows


def _to_pandas(table, path):
    import pyarrow

    _check_different(table.column_names, path)
    for field in table.schema:
        if pyarrow.types.is_nested(field.type):
            place, types = table.schema.get_field_index(field.name), [str(field.type)] * len(table)
            table = table.set_column(place, field.name, pyarrow.array(types))
    # Whole numbers with gaps would become floats, which merges large ones.
    return table.to_pandas(integer_object_nulls=True, ignore_metadata=True, date_as_object=True)


def _stata(path):
    import pandas

    with (
        warnings.catch_warnings(action="ignore"),
        pandas.read_stata(path, chunksize=_ROWS_AT_ONCE, convert_categoricals=True) as reader,
    ):
        rows, frames = 0, []
        for part in reader:
            rows += len(part)
            _check_size(path, rows, part.shape[1])
            frames.append(part.astype({name: object for name in part if part[name].dtype == "category"}))
    return pandas.concat(frames, ignore_index=True)


def columns_of(frame, where: str) -> list[Column]:
    """The columns of a pandas DataFrame; ``InputError`` for names that occur twice, and cells of other types."""
    import pandas

    if not isinstance(frame, pandas.DataFrame):
        raise InputError(f"{where}: expected a pandas DataFrame, found {type(frame).__name__}")
    columns = _named([*map(str, frame.columns)])
    names = [column.name for column in columns]
    _check_names(names, where)
    _check_different(names, where)
    for k, column in enumerate(columns):
        values = frame.iloc[:, k]
        dtype = values.dtype
        if isinstance(dtype, np.dtype) and dtype.kind in "biuf" and dtype.itemsize <= 8:
            column.add_numbers(values.to_numpy())
        else:
            cells = zip(values.to_numpy(dtype=object), values.isna().to_numpy(dtype=bool), strict=True)
            texts = [
                "" if is_missing else _as_text(value, f"{where}: row {row}, column {column.name!r}")
                for row, (value, is_missing) in enumerate(cells, 1)
            ]
            column.add_texts(np.array(texts, dtype=object))
    return columns


def _as_text(value, where) -> str:
    """A cell of a typed table as text that says the same."""
    if isinstance(value, (bool, np.bool_)):
        return "1" if value else "0"
    if isinstance(value, (str, Integral, Decimal, date)):
        return str(value)
    if isinstance(value, Real):
        return repr(float(value))
    from pandas import Interval

    if isinstance(value, Interval):
        return str(value)
    raise InputError(f"{where}: expected a number or text, found {value!r:.60}")


def _spreadsheet(path) -> list[list]:
    """The rows of the first sheet of an Excel file, without empty ones."""
    openpyxl = _reader("Excel", path)
    with zipfile.ZipFile(path) as archive:
        size = sum(member.file_size for member in archive.infolist())
    if size > LARGEST_SPREADSHEET:
        raise InputError(f"{path}: expected at most {LARGEST_SPREADSHEET:,} bytes when unpacked, found {size:,}: "
                         "export it as CSV")  # fmt: skip
    rows, n_cells = [], 0
    with _whole(path, "Excel file"), warnings.catch_warnings(action="ignore"):
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()
        for row in sheet.iter_rows(values_only=True):
            row = list(row[:MOST_COLUMNS])
            n_cells += len(row) + 1
            if n_cells > MOST_CELLS // 10:
                most = f"{MOST_CELLS // 10:,} cells"
                raise InputError(f"{path}: expected at most {most}, found more: export it as CSV")
            if any(cell is not None for cell in row):
                rows.append(row)
        book.close()
    return rows


def _of_rows(rows, path, header) -> RawTable:
    """A table of rows of Python's objects, the first of which names the columns."""
    import pandas

    if not rows:
        raise InputError(f"{path}: expected a first line with column names, found an empty sheet")
    heading = ["" if cell is None else _as_text(cell, f"{path}: row 0").strip() for cell in rows[0]]
    while heading and not heading[-1]:
        heading.pop()
    n = len(heading)
    for k, row in enumerate(rows):
        if any(cell is not None and str(cell).strip() for cell in row[n:]):
            raise InputError(f"{path}: row {k}: expected {n} cells, one for each column, found {len(row):,}")
        rows[k] = row[:n] + [None] * (n - len(row))
    _check_names(heading, path)
    names = [column.name for column in _named(heading, header)]
    frame = pandas.DataFrame(rows if header is False else rows[1:], columns=names, dtype=object)
    if header is None and len(frame):
        _check_heading(heading, frame.to_numpy(), path)
    return RawTable(str(path), columns_of(frame, str(path)))
