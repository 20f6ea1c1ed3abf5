"""Columns of a table as numbers: what their cells hold, and what they mean as an input, a target or weights."""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from fractions import Fraction

import numpy as np

from eisim.base.errors import InputError

#: Cells without a value, and those with a truth value, in lower case.
MISSING = {"", "na", "n/a", "#n/a", "nan", "null", "<na>", "nat", "?"}
TRUTH = {"yes": "1", "true": "1", "no": "0", "false": "0"}
#: Cells that hold no value where the others of their column are numbers; elsewhere they may be words.
_BLANKS = {"-", "--", "\u2013", "\u2014", ".", "..", "none", "missing"}
#: An input with more distinct words than this is not read as categories.
MOST_CATEGORIES = 50
#: Nor is one with more words than this if no two rows share a word.
FEW_WORDS = 5
#: Different decimal numbers with this many digits remain different as float64.
_SAFE_DIGITS = 15
_TINY = 1e-290
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_PERCENT = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))\s?%")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d+)?")
_SEVERAL_GROUPS = re.compile(r".*,\d{3}[,.]\d+")
_DECIMAL_COMMA = re.compile(r"[+-]?(\d*,\d+|\d{1,3}(\.\d{3})+,\d+)([eE][+-]?\d+)?")
_DATE = re.compile(
    r"(\d{4})([-/.])(\d\d?)\2(\d\d?)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?\s?(Z|[+-]\d\d:?\d\d)?)?"
)
_OTHER_DATE = re.compile(r"\d{1,2}[-/.]\d{1,2}[-/.](\d{2}|\d{4})(\s.*)?")
_LIKE_A_NUMBER = re.compile(r"[^\w]*\d")
#: Words that begin like numbers: 1st, 2nd class; <18, >=65, <=50K, 65+; 18-25, 18 to 25 years, (18, 25], [18, 25).
_ORDINAL = re.compile(r"\d+(st|nd|rd|th)\b.*", re.IGNORECASE)
_BOUND = re.compile(r"([<>]=?|[\u2264\u2265])\s?\d+(\.\d+)?\s?[^\W\d]*\.?|\d+(\.\d+)?[^\W\d]?\+")
_RANGE = re.compile(r"(\d+(?:\.\d+)?)\s?(?:-|\u2013|to)\s?([1-9]\d*(?:\.\d+)?)(?:\s?[^\W\d]+)?")
_HALF_OPEN = re.compile(r"(?:\((.+?),(.+?)\]|\[(.+?),(.+?)\))")


class Column:
    """The cells of one column: those that are plain numbers, and the texts of all others."""

    def __init__(self, name: str):
        self.name = name
        self.has_points = False  # whether a number has a decimal point
        self.texts: dict[str, int] = {}  # what is no plain number, by code
        self._numbers = [np.empty(0)]
        self._codes: list[tuple[np.ndarray, np.ndarray]] = []  # rows and codes
        self._long = [(np.empty(0, dtype=int), np.empty(0, dtype=object))]  # rows and texts that float64 may merge
        self._n = 0

    def __len__(self):
        return self._n

    def add_texts(self, cells: np.ndarray) -> None:
        """Append cells: an array of objects, text or NaN."""
        try:
            values = None if "_" in "".join(cells) else cells.astype(float)
        except (TypeError, ValueError):
            values = None
        if values is None or not np.isfinite(values).all():
            import pandas

            codes, unique = pandas.factorize(cells)
            texts = [text.strip().replace("\u2212", "-") for text in unique]
            values = np.array([*map(as_float, texts), np.nan], dtype=float)[codes]
            cells = np.array([*texts, ""], dtype=object)[codes]
        others = np.flatnonzero(~np.isfinite(values))
        texts, cells[others] = cells[others], "0"
        self.has_points |= "." in "".join(cells)
        lengths = np.fromiter(map(len, cells), dtype=int, count=len(cells))
        is_long = lengths > _SAFE_DIGITS
        tiny = np.flatnonzero((np.abs(values) < _TINY) & (lengths > 4))
        is_long[[k for k in tiny.tolist() if cells[k].strip(" +-0.")]] = True
        long = np.flatnonzero(is_long)
        self._add(values, others, texts, long, cells[long])

    def add_numbers(self, values: np.ndarray) -> None:
        """Append numbers of a NumPy type; NaN is a missing value."""
        floats = values.astype(float)
        others = np.flatnonzero(~np.isfinite(floats))
        texts = ["" if np.isnan(x) else str(x) for x in floats[others].tolist()]
        long = np.flatnonzero(np.abs(floats) >= 2.0**53) if values.dtype.kind in "iu" else others[:0]
        self._add(floats, others, texts, long, np.array([*map(str, values[long].tolist())], dtype=object))

    def _add(self, values, others, texts, long, exact):
        codes = [self.texts.setdefault(text, len(self.texts)) for text in texts]
        values[others] = np.nan
        self._codes.append((self._n + others, np.array(codes, dtype=int)))
        self._long.append((self._n + long, exact))
        self._numbers.append(values)
        self._n += len(values)

    @property
    def numbers(self) -> np.ndarray:
        """The plain numbers, NaN elsewhere."""
        return np.concatenate(self._numbers)

    @property
    def codes(self) -> np.ndarray:
        """For each row the code of its text, -1 for plain numbers."""
        codes = np.full(self._n, -1)
        for rows, part in self._codes:
            codes[rows] = part
        return codes

    def long_texts(self) -> tuple[np.ndarray, np.ndarray]:
        """Rows and texts of plain numbers that float64 may merge with others."""
        rows, texts = map(np.concatenate, zip(*self._long, strict=True))
        return rows, texts


def as_float(text: str) -> float | None:
    """The number that a text is, maybe one without end; ``None`` if it is none."""
    try:
        return None if "_" in text else float(text)
    except ValueError:
        return None


@dataclass(frozen=True, eq=False)
class Reading:
    """The content of a column: a number or a word for each row that is not missing.

    `order` ranks the values where float64 merges some that differ; `comma` is the first number with a decimal comma, if
    there is one; `note` says how cells were read that are no plain numbers.
    """

    column: Column
    missing: np.ndarray
    values: np.ndarray | None = None
    order: np.ndarray | None = None
    words: np.ndarray | None = None
    comma: str = ""
    note: str = ""


def read_column(column: Column, where: str, line: int | None, separator: str = "", leave_out: bool = True) -> Reading:
    """Find out what a column holds; ``InputError`` for cells that are neither numbers nor words, or have two meanings.

    `line` is that of the first row in its file, if it has lines; `leave_out` says whether the column could be left out.
    """
    name, codes = column.name, column.codes
    rest = {text: code for text, code in column.texts.items() if text.lower() not in MISSING}
    firm = {text: code for text, code in rest.items() if text.lower() not in _BLANKS}
    has_numbers = bool((codes < 0).any())
    way = _way(firm, column, has_numbers, separator)
    if way.problem:
        wrong = np.isin(codes, [firm[each] for each in way.culprits or firm])
        row = int(np.argmax(wrong))
        text = [*column.texts][codes[row]]
        lines = "" if line is None else f" (line {line + row})"
        hint = way.hint
        is_word = way.problem == "a finite number" and not way.culprits and leave_out
        if is_word and row == 0 and wrong.sum() == 1:
            hint = f"if it is a second line of names or of units, delete it; {hint}"
        if leave_out:
            hint += f"{', or ' if hint else ''}leave the column out with --ignore {shlex.quote(name)}"
        ending = f" ({hint})" if hint else ""
        place = f"{where}: row {row + 1}{lines}, column {name!r}"
        raise InputError(f"{place}: expected {way.problem}, found {text!r:.60}{ending}")
    is_words = firm and way.numbers is None and not has_numbers
    if is_words:
        firm = rest  # a word may be "none" or "-"
    missing = (codes >= 0) & ~np.isin(codes, [*firm.values()])
    if is_words:
        return Reading(column, missing, words=np.array([*column.texts], dtype=object)[codes])
    values, order = _values(column, way.numbers)
    return Reading(column, missing, values, order, None, way.comma, way.note and f"{name}: {way.note}")


@dataclass(frozen=True)
class _Way:
    """A way to read texts: as numbers, by text; or what was expected instead of the texts that do not fit."""

    numbers: dict[str, object] | None = None
    note: str = ""
    comma: str = ""
    problem: str = ""
    hint: str = ""
    culprits: tuple[str, ...] = ()


def _way(texts: dict[str, int], column: Column, has_numbers: bool, separator: str) -> _Way:
    """How the non-empty texts of a column can be read."""
    if not texts:
        return _Way()
    if all(text.lower() in TRUTH for text in texts):
        return _Way({text: TRUTH[text.lower()] for text in texts})
    if unbounded := tuple(text for text in texts if not np.isfinite(as_float(text) or 0)):
        return _Way(problem="a finite number", culprits=unbounded)
    if any(_PERCENT.fullmatch(text) for text in texts):
        return _percentages(texts, has_numbers)
    if all(_DATE.fullmatch(text) for text in texts) and not has_numbers:
        return _dates(texts)
    like = tuple(text for text in texts if _LIKE_A_NUMBER.match(text))
    if like and not has_numbers and all(map(_is_category, like)):
        return _Way()
    if any("," in text for text in like):
        return _commas(texts, column, separator)
    if like:
        if any(_DATE.fullmatch(text) or _OTHER_DATE.fullmatch(text) for text in like):
            return _Way(problem="a number", hint="write all cells of the column as dates: YYYY-MM-DD", culprits=like)
        hint = "write plain numbers, or words that begin with a letter"
        return _Way(problem="a number or a word", hint=hint, culprits=like)
    if has_numbers:
        return _Way(problem="a finite number", hint="words have no order: code them as numbers")
    return _Way()


def _is_category(text):
    """Whether a text that begins like a number names a place in an order, a bound or a range."""
    if _ORDINAL.fullmatch(text) or _BOUND.fullmatch(text):
        return True
    if ends := _RANGE.fullmatch(text) or _HALF_OPEN.fullmatch(text):
        low, high = (as_float(end) for end in ends.groups() if end is not None)
        return low is not None and high is not None and low < high
    return False


def _percentages(texts, has_numbers):
    found = {text: match[1] for text in texts if (match := _PERCENT.fullmatch(text))}
    if has_numbers or len(found) < len(texts):
        others = tuple(text for text in texts if text not in found) or tuple(found)
        return _Way(problem="percentages in all cells of the column or in none", culprits=others)
    first = next(iter(found))
    return _Way(found, f"percentages are read as numbers ({first} = {found[first]}).")


def _dates(texts):
    """ISO dates and times as days since 1970, exactly to the nanosecond."""
    found, zones = {}, set()
    for text in texts:
        year, _, month, day, hour, minute, second, fraction, zone = _DATE.fullmatch(text).groups()
        time = ":".join(part or "00" for part in (hour, minute, second))
        try:
            since = datetime.fromisoformat(f"{year}-{month:0>2}-{day:0>2}T{time}{zone or 'Z'}") - _EPOCH
        except ValueError:
            return _Way(problem="dates as YYYY-MM-DD", culprits=(text,))
        nanoseconds = (since.days * 86_400 + since.seconds) * 10**9 + int((fraction or "0").ljust(9, "0"))
        zones.add(bool(zone))
        found[text] = Fraction(nanoseconds, 86_400 * 10**9)
    if len(zones) > 1:
        return _Way(problem="times that all have a time zone, or none")
    return _Way(found, "dates are read as days since 1970-01-01.")


def _commas(texts, column, separator):
    """Numbers with commas: decimal commas or thousands separators, if that is sure."""
    thousands = all(_THOUSANDS.fullmatch(text) for text in texts)
    decimal = all(_DECIMAL_COMMA.fullmatch(text) for text in texts)
    first = next(text for text in texts if "," in text)
    sure = separator == "," or column.has_points or any(_SEVERAL_GROUPS.fullmatch(text) for text in texts)
    if thousands and sure:
        found = {text: text.replace(",", "") for text in texts}
        return _Way(found, f"commas are read as thousands separators ({first} = {found[first]}).")
    if thousands:
        hint = "the comma may separate thousands or be a decimal comma: write numbers without it"
        return _Way(problem="a number without a comma", hint=hint)
    if decimal and not column.has_points:
        found = {text: text.replace(".", "").replace(",", ".") for text in texts}
        return _Way(found, f"commas are read as decimal commas ({first} = {found[first]}).", comma=first)
    if decimal:
        return _Way(problem="numbers with decimal points or with decimal commas, not both")
    others = tuple(t for t in texts if not _THOUSANDS.fullmatch(t) and not _DECIMAL_COMMA.fullmatch(t)) or (first,)
    return _Way(problem="a number", hint="the comma has no clear meaning", culprits=others)


def _values(column, numbers):
    """Values and exact order of a column of numbers, some of which are replaced by text."""
    values, (rows, long) = column.numbers, column.long_texts()
    if numbers:
        exact = np.array([*(numbers.get(text, np.nan) for text in column.texts), np.nan], dtype=object)
        by_row = exact.astype(float)[column.codes]
        read = np.flatnonzero(~np.isnan(by_row))
        values[read] = by_row[read]
        if any(isinstance(n, Fraction) or len(n) > _SAFE_DIGITS or abs(float(n)) < _TINY for n in numbers.values()):
            rows, long = np.concatenate([rows, read]), np.concatenate([long, exact[column.codes[read]]])
    return values, exact_order(values, rows, long)


def exact_order(values: np.ndarray, rows: np.ndarray, exact: np.ndarray) -> np.ndarray | None:
    """Ranks of numbers that float64 may merge; ``None`` if no two different ones have the same value.

    `exact` holds the originals of rows that may be rounded: the text of a decimal number, or a Python number.
    """
    import pandas

    repeated = pandas.Series(values).duplicated(keep=False) if len(rows) else np.zeros(len(values), dtype=bool)
    at_repeated = np.isin(values[rows], values[repeated])
    rows, exact = rows[at_repeated], exact[at_repeated]
    at = np.flatnonzero(np.isin(values, values[rows]))
    found = np.array([*map(repr, values[at].tolist())], dtype=object)
    found[np.searchsorted(at, rows)] = exact
    codes, unique = pandas.factorize(found)
    floats = np.empty(len(unique))
    floats[codes] = values[at]
    shared = pandas.Series(floats).duplicated(keep=False).to_numpy()  # values of more than one text
    numbers = {code: _exactly(unique[code]) for code in np.flatnonzero(shared)}
    place = {number: k for k, number in enumerate(sorted(set(numbers.values())))}
    if len(place) == len(set(floats[shared].tolist())):
        return None
    ranks_of_codes, among = np.zeros(len(unique), dtype=int), np.zeros(len(values), dtype=int)
    ranks_of_codes[[*numbers]] = [place[number] for number in numbers.values()]
    among[at] = ranks_of_codes[codes]
    return pandas.DataFrame({"value": values, "among": among}).groupby(["value", "among"]).ngroup().to_numpy()


def _exactly(number):
    """The number that a text or a number of Python is, without rounding."""
    if not isinstance(number, str):
        return number
    try:
        return Decimal(number)
    except InvalidOperation:
        return Decimal(repr(float(number)))


def one_hot(name: str, words: np.ndarray, where: str) -> tuple[Sequence[str], np.ndarray, str]:
    """Inputs of 0 and 1 for a column of words (names, values) and a note; ``InputError`` if they are no categories."""
    found, codes, copies = np.unique(words.astype(str), return_inverse=True, return_counts=True)
    found = found.tolist()
    hint = f"leave the column out with --ignore {shlex.quote(name)}, or code it as numbers"
    place, words = f"{where}: column {name!r}", f"({found[0]!r:.60}, ...)"
    if len(found) > MOST_CATEGORIES:
        expected = f"at most {MOST_CATEGORIES} different words"
        raise InputError(f"{place}: expected {expected}, found {len(found):,} {words}: {hint}")
    if len(found) > FEW_WORDS and copies.max() == 1:
        wrong = f"a different word in each row {words}, which tells rows apart but orders none"
        raise InputError(f"{place}: expected categories, found {wrong}: {hint}")
    if len(found) <= 2:
        note = f"{name} in alphabetical order: {found[0]} = 0, {found[-1]} = 1."
        if len(found) == 1:
            note = f"{name}: all rows hold {found[0]!r:.60}, taken as 0."
        return [name], codes.reshape(-1, 1).astype(float), note
    return (
        [f"{name}={word}" for word in found],
        (codes[:, None] == np.arange(len(found))).astype(float),
        f"{name}: {len(found)} categories without order ({', '.join(found)}), an input of 0 and 1 for each, so that "
        "rows of different categories are not comparable.",
    )
