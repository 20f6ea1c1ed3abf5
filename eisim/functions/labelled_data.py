"""Labelled data: points, what is wanted at each, and how much each counts."""

import csv
import io
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from eisim.errors import InputError, did_you_mean
from eisim.incoming import regular_file
from eisim.progress import shows_progress
from eisim.values import Shown

#: More distinct rows than this are refused: all pairs of points are compared, in a bit each.
MAX_DISTINCT = 200_000
#: Larger CSV files, and those with more columns, longer names, more repeated names or more cells, are refused.
LARGEST_FILE, MOST_COLUMNS, LONGEST_NAME = 1_000_000_000, 20_000, 1_000
MOST_REPEATED, MOST_CELLS = 100, 100_000_000
#: Cells that hold no value, and those that hold a truth value, in small letters.
MISSING = ("", "na", "n/a", "nan", "null")
TRUTH = {"yes": 1.0, "true": 1.0, "no": 0.0, "false": 0.0}
LARGEST = 1e150  # the square of a target is a number too
_ROWS_AT_ONCE, _CELLS_AT_ONCE = 250_000, 5_000_000
#: The first two rows are looked for among so many lines and characters.
_FIRST_LINES, _HEAD = 100, 20_000_000


@dataclass(frozen=True, eq=False, repr=False)
class LabelledData(Shown):
    """Points with targets.

    Attributes
    ----------
    points : ndarray of shape (n_points, n_inputs)
        Real inputs, one row for each point.
    targets : ndarray of shape (n_points,)
        Binary, ordinal or real.
    weights : ndarray of shape (n_points,)
        How much each point counts, 0 or more; 1 unless given.
    names : tuple of str
        Names of the inputs; x1, x2, ... unless given.
    target : str
        Name of the target.
    name : str
        What to call the data.
    notes : tuple of str
        What was done to the data on the way, in words.

    Raises
    ------
    InputError
        For fewer than two points, no inputs, numbers that are not finite, or shapes that do not fit; the message
        names row and column.

    Examples
    --------
    >>> from eisim import LabelledData, certify
    >>> data = LabelledData([[0, 0], [1, 0], [1, 1]], [0, 1, 0], names=["food", "threat"], target="approach")
    >>> certify(data).representable
    False
    """

    points: np.ndarray
    targets: np.ndarray
    weights: np.ndarray | None = None
    names: Sequence[str] = ()
    target: str = "target"
    name: str = "data"
    notes: tuple[str, ...] = ()

    def __post_init__(self):
        points = _numbers(self.points, f"{self.name}: points")
        targets = _numbers(self.targets, f"{self.name}: targets")
        if points.ndim != 2 or not points.shape[1]:
            raise InputError(f"{self.name}: points: expected shape (points, inputs), found {points.shape}")
        n, n_inputs = points.shape
        if n < 2:
            raise InputError(f"{self.name}: expected at least 2 rows, found {n}")
        weights = np.ones(n) if self.weights is None else _numbers(self.weights, f"{self.name}: weights")
        names = tuple(map(str, self.names)) or tuple(f"x{k + 1}" for k in range(n_inputs))
        if len(names) != n_inputs:
            raise InputError(f"{self.name}: names: expected {n_inputs}, one for each input, found {len(names)}")
        for what, array in (("targets", targets), ("weights", weights)):
            if array.shape != (n,):
                raise InputError(f"{self.name}: {what}: expected shape ({n},), one for each row, found {array.shape}")
        columns = zip((*names, self.target, "weights"), (*points.T, targets, weights), strict=True)
        for column, values in columns:
            if not np.isfinite(values).all():
                row = int(np.flatnonzero(~np.isfinite(values))[0])
                raise InputError(
                    f"{self.name}: row {row + 1}, column {column!r}: expected a finite number, found {values[row]}"
                )
        if np.abs(targets).max() > LARGEST:
            row = int(np.argmax(np.abs(targets)))
            raise InputError(
                f"{self.name}: row {row + 1}, column {self.target!r}: expected at most {LARGEST:g} in size, "
                f"found {targets[row]:g}"
            )
        if weights.min() < 0:
            row = int(np.argmin(weights))
            raise InputError(f"{self.name}: row {row + 1}: expected a weight of 0 or more, found {weights[row]:g}")
        if not weights.any():
            raise InputError(f"{self.name}: weights: expected some above 0, found none")
        for field, value in (("points", points), ("targets", targets), ("weights", weights), ("names", names)):
            object.__setattr__(self, field, value)

    def __repr__(self):
        return f"<{self.name}: {len(self.points)} points × {self.n_inputs} inputs>"

    @property
    def n_inputs(self) -> int:
        """Number of inputs."""
        return self.points.shape[1]

    @classmethod
    @shows_progress
    def from_csv(
        cls,
        path,
        target: str | None,
        weights: str | None = None,
        report: Callable[..., None] | None = None,
        *,
        ignore: Sequence[str] = (),
        classes: bool = False,
    ) -> "LabelledData":
        """Read a CSV file whose first line names the columns.

        Parameters
        ----------
        path : path-like
        target : str or None
            Column of the targets, ``None`` for the last one; all other columns are inputs.
        weights : str, optional
            Column of the weights.
        report : callable, optional
            Called with the stage. By default long work shows its progress in a terminal or a notebook.
        ignore : sequence of str
            Columns to leave out; what their cells hold does not matter.
        classes : bool
            Whether targets are classes, whose order does not matter, so that they may be more than two words.

        Raises
        ------
        InputError
            For a file that cannot be read, columns that are not there, or cells that are not finite numbers.

        Notes
        -----
        Cells are separated by commas, semicolons or tabs. ``yes`` and ``true`` are 1, ``no`` and ``false`` 0. Empty
        cells, ``NA``, ``N/A``, ``NaN`` and ``null`` are missing values; a row that has one is left out, and `notes`
        says so. Capitals do not matter. Targets may be two other words: they become 0 and 1 in alphabetical order, and
        `notes` says which is which.
        """
        import pandas

        path = regular_file(path, LARGEST_FILE)
        report(f"reading {path.name}")
        try:
            separator, n_columns = _heading(path)
            parts = pandas.read_csv(
                path,
                sep=separator,
                dtype=str,
                keep_default_na=False,
                skipinitialspace=True,
                chunksize=max(1, min(_ROWS_AT_ONCE, _CELLS_AT_ONCE // n_columns)),
                compression=None,  # whatever its name ends in: a packed file may grow without bounds
            )
            table = _read(parts, path, target, weights, tuple(ignore))
            target = table.columns[-1] if target is None else target
        except pandas.errors.EmptyDataError:
            raise InputError(f"{path}: expected a first line with column names, found an empty file") from None
        except pandas.errors.ParserError as error:
            raise InputError(
                f"{path}: expected comma-separated values, found: {' '.join(str(error).split())}"
            ) from None
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
            raise InputError(f"{path}: cannot be read: {reason}") from None
        table, coded = _coded(table, target, path, classes)
        table, notes = _without_missing(table, path)
        return cls._of_table(table, target, weights, path.name, coded + notes)

    @classmethod
    def from_dataframe(
        cls,
        frame,
        target: str,
        weights: str | None = None,
        name: str = "data",
        ignore: Sequence[str] = (),
        classes: bool = False,
    ) -> "LabelledData":
        """Take a pandas DataFrame.

        Parameters
        ----------
        frame : DataFrame
            Of numbers (or truth values).
        target : str
            Column of the targets; all other columns are inputs.
        weights : str, optional
            Column of the weights.
        name : str
            What to call the data.
        ignore : sequence of str
            Columns to leave out.
        classes : bool
            As of `from_csv`, and so are words as targets.

        Raises
        ------
        InputError
            For columns that are not there, or cells that are not finite numbers.

        Notes
        -----
        A row with a missing value is left out, and `notes` says so.
        """
        import pandas

        table = frame.set_axis([str(column) for column in frame.columns], axis="columns").reset_index(drop=True)
        if len(set(table)) < table.shape[1]:
            raise InputError(f"{name}: expected columns of different names, found {', '.join(table)}")
        target, weights = str(target), None if weights is None else str(weights)
        table = _kept_columns(table, name, target, weights, tuple(map(str, ignore)))
        coded = ()
        if table[target].map(lambda cell: isinstance(cell, str)).any() and _are_words(table[target].dropna()):
            table, coded = _coded(table, target, name, classes)
        numbers = {}
        for column in table:
            missing = table[column].isna()
            values = pandas.to_numeric(table[column], errors="coerce").astype(float)
            bad = ~(np.isfinite(values) | missing).to_numpy(dtype=bool)
            if bad.any():
                k = int(np.argmax(bad))
                raise InputError(
                    f"{name}: row {k + 1}, column {column!r}: expected a finite number, found {table[column].iloc[k]!r}"
                )
            numbers[column] = values
        table, notes = _without_missing(pandas.DataFrame(numbers), name, lines=False)
        return cls._of_table(table, target, weights, name, coded + notes)

    @classmethod
    def _of_table(cls, table, target, weights, name, notes):
        inputs = [column for column in table if column not in (target, weights)]
        return cls(
            table[inputs].to_numpy(),
            table[target].to_numpy(),
            None if weights is None else table[weights].to_numpy(),
            inputs,
            target,
            name,
            notes,
        )

    def to_dataframe(self):
        """The points as a pandas DataFrame: a column for each input, then the target, then ``"weight"``."""
        import pandas

        values = np.column_stack([self.points, self.targets, self.weights])
        return pandas.DataFrame(values, columns=[*self.names, self.target, "weight"])


def _numbers(values, what):
    try:
        return np.array(values, dtype=float)
    except (TypeError, ValueError):
        raise InputError(f"{what}: expected numbers, found {values!r:.60}") from None


def _heading(path: Path) -> tuple[str, int]:
    """Separator and number of columns, if the first two rows are such as pandas reads in little time."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        text = file.read(_HEAD)
    lines = list(islice(io.StringIO(text, newline=""), _FIRST_LINES))
    separator = max(",;\t", key=next(filter(str.strip, lines), "").count)
    rows = csv.reader(lines, delimiter=separator, skipinitialspace=True)
    rows = (row for row in rows if len(row) > 1 or any(map(str.strip, row)))  # pandas, too, passes over blank lines
    try:
        names, cells = next(rows, []), next(rows, [])
    except csv.Error as error:
        raise InputError(f"{path}: expected comma-separated values, found: {error}") from None
    if not cells and (len(text) == _HEAD or len(lines) == _FIRST_LINES):
        raise InputError(f"{path}: expected two rows within the first {_FIRST_LINES} lines, found fewer")
    n = len(names)
    if n > MOST_COLUMNS:
        raise InputError(f"{path}: expected at most {MOST_COLUMNS:,} columns, found {n:,}")
    if len(cells) > n:
        raise InputError(f"{path}: row 1 (line 2): expected {n} cells, one for each column, found {len(cells):,}")
    for k, name in enumerate(names):
        if len(name) > LONGEST_NAME:
            raise InputError(
                f"{path}: column {k + 1}: expected a name of at most {LONGEST_NAME:,} characters, found {len(name):,}"
            )
    filled = [name for name in names if name]
    if (repeated := len(filled) - len(set(filled))) > MOST_REPEATED:
        raise InputError(f"{path}: expected columns of different names, found {repeated:,} of a name that was there")
    return separator, max(1, n)


def _read(parts, path, target, weights, ignore):
    """The whole table as numbers, missing values as NaN."""
    import pandas

    frames, first, limit, worded = [], 1, 2 * _ROWS_AT_ONCE, None
    for part in parts:
        if first == 1 and not isinstance(part.index, pandas.RangeIndex):
            n = part.shape[1]
            raise InputError(f"{path}: row 1 (line 2): expected {n} cells, one for each column, found {n + 1}")
        kept = _kept_columns(part, path, target, weights, ignore)
        wanted = kept.columns[-1] if target is None else target
        if first == 1 and _are_words(_filled(kept[wanted])):
            worded = wanted
        words = {} if worded is None else {worded: _filled(kept[worded]).reindex(kept.index).to_numpy()}
        numbers = _to_numbers(kept.drop(columns=list(words)), path, first, (target, weights))
        frames.append(numbers.assign(**words)[list(kept)])
        first += len(part)
        if first * kept.shape[1] > MOST_CELLS:
            raise InputError(
                f"{path}: expected at most {MOST_CELLS:,} cells, found more in the first {first - 1:,} rows"
            )
        if first > limit:  # too many is known long before the end
            frames = [pandas.concat(frames)]
            if (~frames[0].duplicated()).sum() > MAX_DISTINCT:
                raise InputError(
                    f"{path}: expected at most {MAX_DISTINCT:,} distinct rows, since all pairs are compared, "
                    f"found more in the first {first - 1:,} rows"
                )
            limit *= 2
    return pandas.concat(frames, ignore_index=True)


def _kept_columns(part, path, target, weights, ignore):
    """The columns that are not ignored, where all names that were given are those of columns."""
    if not len(part.columns):
        raise InputError(f"{path}: expected a first line with column names, found none")
    for what, column in (("target", target), ("weights", weights), *(("ignore", column) for column in ignore)):
        if column is not None and column not in part:
            near = did_you_mean(column, part)
            raise InputError(f"{path}: {what}: expected one of the columns {', '.join(part)}, found {column!r}{near}")
        if what == "ignore" and column in (target, weights):
            used = "target" if column == target else "weights"
            raise InputError(f"{path}: ignore: expected another column than the {used}, found {column!r}")
    kept = part.drop(columns=list(ignore))
    target = kept.columns[-1] if target is None and len(kept.columns) else target
    if target == weights:
        raise InputError(f"{path}: weights: expected another column than the target, found {weights!r}")
    if not len(set(kept) - {target, weights}):
        raise InputError(f"{path}: expected at least one column beside the target, found {', '.join(kept) or 'none'}")
    return kept


def _filled(cells):
    """The cells that hold a value, stripped."""
    text = cells.str.strip()
    return text[~text.str.lower().isin(MISSING)]


def _are_words(cells) -> bool:
    """Whether cells are words, none a number, and not all of them truth values."""
    import pandas

    return pandas.to_numeric(cells, errors="coerce").isna().all() and not cells.str.lower().isin(TRUTH).all()


def _coded(table, column, path, classes):
    """Number a column of words in alphabetical order; returns the table and notes that say so."""
    import pandas

    if pandas.api.types.is_numeric_dtype(table[column]):
        return table, ()
    words = sorted(table[column].dropna().unique())
    if len(words) > 2 and not classes:
        raise InputError(
            f"{path}: column {column!r}: expected numbers or two words, found {len(words):,} words "
            f"({', '.join(map(repr, words[:2]))}, ...), which have no order: code them as numbers"
        )
    codes = {word: float(k) for k, word in enumerate(words)}
    said = ", ".join(f"{word} = {k}" for k, word in enumerate(words))
    return table.assign(**{column: table[column].map(codes)}), (f"{column} in alphabetical order: {said}.",)


def _to_numbers(part, path, first, needed):
    """Convert one part of the table; `first` is the number of its first row, `needed` columns cannot be ignored."""
    import pandas

    n = len(part)
    text = pandas.Series(part.to_numpy(dtype=object).ravel(order="F")).astype(str).str.strip()  # column by column
    values = pandas.to_numeric(text, errors="coerce").astype(float)
    if not np.isfinite(values.to_numpy()).all():
        words = text[values.isna()].str.lower()
        values = values.fillna(words.map(TRUTH).astype(float))
        bad = ~np.isfinite(values.to_numpy())
        bad[words.index[words.isin(MISSING)]] = False
        if bad.any():
            k = int(np.argmax(bad))
            column, row = part.columns[k // n], first + k % n
            leave = "" if column in needed else f", or leave the column out with --ignore {shlex.quote(column)}"
            hint = f" (words have no order: code them as numbers{leave})" if np.isnan(values.iloc[k]) else ""
            raise InputError(
                f"{path}: row {row} (line {row + 1}), column {column!r}: "
                f"expected a finite number, found {text.iloc[k]!r}{hint}"
            )
    return pandas.DataFrame(values.to_numpy().reshape(n, part.shape[1], order="F"), columns=part.columns)


def _without_missing(table, path, lines=True):
    """Leave out the rows with missing values; returns the rest and notes that say so."""
    missing = table.isna()
    rows = missing.any(axis=1)
    if not rows.any():
        return table, ()
    k = int(np.argmax(rows.to_numpy()))
    column = missing.columns[int(np.argmax(missing.iloc[k].to_numpy()))]
    if (~rows).sum() < 2:
        raise InputError(
            f"{path}: expected at least 2 rows without missing values, found {(~rows).sum()}; "
            f"the first is missing at row {k + 1}{f' (line {k + 2})' if lines else ''}, column {column!r}"
        )
    note = (
        f"{rows.sum():,} of {len(table):,} rows have missing values and are left out; the first is row {k + 1}, "
        f"column {column!r}."
    )
    return table[~rows], (note,)
