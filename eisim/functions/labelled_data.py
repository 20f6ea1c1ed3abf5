"""Labelled data: points, what is wanted at each, and how much each counts."""

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from eisim.base.errors import InputError, did_you_mean
from eisim.base.progress import shows_progress
from eisim.base.values import Shown
from eisim.functions.columns import exact_order, one_hot, read_column
from eisim.functions.tables import RawTable, columns_of, counts_rows, read_table

LARGEST = 1e150  # the square of a target is a number too
#: Below this, all whole numbers are float64.
_WHOLE = 2.0**53
#: Largest number of classes that are listed with their sizes.
MOST_NAMED = 20


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
        How the data were processed, as text.
    classes : tuple of str
        Names of the classes 0, 1, ... if the targets are words; their order means nothing.
    order : ndarray of int, shape (n_points, n_inputs), or None
        Rank of each value within its input, where float64 merges values that differ, such as whole numbers above 2**53.
        ``None`` where the points themselves say it.

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
    classes: tuple[str, ...] = ()
    order: np.ndarray | None = None

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
        for column, values in zip((*names, self.target, "weights"), (*points.T, targets, weights), strict=True):
            self._refuse_above(0, ~np.isfinite(values), values, f", column {column!r}", "a finite number")
        at_most = f"at most {LARGEST:g} in size"
        self._refuse_above(LARGEST, np.abs(targets), targets, f", column {self.target!r}", at_most)
        self._refuse_above(0, -weights, weights, "", "a weight of 0 or more")
        if not weights.any():
            raise InputError(f"{self.name}: weights: expected some above 0, found none")
        if self.order is None:
            order = _stacked(points, _orders(self.points, points))
        else:
            order = np.array(self.order, dtype=int)
            _check_order(order, points, self.name)
        if _orders(self.targets, targets[:, None])[0] is not None:
            raise _merged_targets(self.name, self.target)
        found = {"points": points, "targets": targets, "weights": weights, "names": names, "order": order}
        for field, value in (found | {"classes": tuple(map(str, self.classes))}).items():
            object.__setattr__(self, field, value)

    def _refuse_above(self, most, size, values, where, expected):
        """Refuse the row in which the size is the largest, if it is above what may be."""
        row = int(np.argmax(size))
        if size[row] > most:
            raise InputError(f"{self.name}: row {row + 1}{where}: expected {expected}, found {values[row]:g}")

    def __repr__(self):
        return f"<{self.name}: {len(self.points)} points × {self.n_inputs} inputs>"

    def label(self, value: float) -> str:
        """The label of a value of the target: the word that it encodes, or the number."""
        named = 0 <= value < len(self.classes) and value == int(value)
        return self.classes[int(value)] if named else f"{value:g}"

    def against_others(self, value: float) -> "LabelledData":
        """The same points with 1 for the targets of this value and 0 for all others."""
        if value not in self.targets:
            raise InputError(f"{self.name}: target {self.target!r}: expected one of its values, found {value!r}")
        targets = (self.targets == value).astype(float)
        if len(self.classes) <= 2:
            return replace(self, targets=targets, classes=())
        label = self.label(value)
        return replace(self, targets=targets, classes=("other", label), target=f"{self.target} is {label}")

    @property
    def ordered(self) -> np.ndarray:
        """The values that order the points: `order` if there is one, else the points themselves."""
        return self.points if self.order is None else self.order

    @property
    def n_inputs(self) -> int:
        """Number of inputs."""
        return self.points.shape[1]

    @classmethod
    @shows_progress
    def from_file(
        cls,
        path,
        target: str | None,
        weights: str | None = None,
        report: Callable[..., None] | None = None,
        *,
        ignore: Sequence[str] = (),
        classes: bool = False,
        header: bool | None = None,
    ) -> "LabelledData":
        """Read a table from a file.

        Parameters
        ----------
        path : path-like
            Text with a column for each input (CSV), packed by gzip, bzip2, xz or ZIP or not; or an Excel (.xlsx),
            Parquet, Feather or Stata file. Parquet and Feather need pyarrow, Excel needs openpyxl.
        target : str or None
            Column of the targets, ``None`` for the last one; all other columns are inputs.
        weights : str, optional
            Column of the weights.
        report : callable, optional
            Called with the stage and the fraction done. By default long work shows its progress in a terminal or a
            notebook.
        ignore : sequence of str
            Columns to leave out; what their cells hold does not matter.
        classes : bool
            Whether targets are classes, whose order does not matter, so that they may be more than two words.
        header : bool, optional
            Whether the first line names the columns; if not, they are x1, x2, ... By default it must, and a first line
            that holds values is refused.

        Raises
        ------
        InputError
            For a file that cannot be read, columns that are not there, names that occur twice, or cells that are
            neither numbers nor words or could be read in two ways.

        Notes
        -----
        How cells are read; `notes` says what was done that is not plain.

        - Cells are separated by commas, semicolons, tabs or bars.
        - Numbers keep their order however many digits they have (see `order`). Decimal commas, commas between
          thousands, percentages and ISO dates are read where their meaning is sure.
        - ``yes`` and ``true`` are 1, ``no`` and ``false`` 0.
        - Empty cells, ``NA``, ``N/A``, ``NaN``, ``null`` and ``?`` are missing values, and so are ``-``, ``.``,
          ``none`` and ``missing`` among numbers; a row that has one is left out. Capitals do not matter.
        - Words as inputs are categories: two become 0 and 1 in alphabetical order, more an input of 0 and 1 each.
        - Words as targets: two become 0 and 1 in alphabetical order; more need `classes`.
        - A column that only numbers the rows, such as pandas' index, and one without values are left out.
        """
        table = read_table(path, header, report, frozenset(ignore))
        return cls._of_columns(table, Path(path).name, target, weights, ignore, classes)

    from_csv = from_file

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
        """Take a pandas DataFrame, whose cells are read as those of a file (see `from_file`).

        Parameters
        ----------
        frame : DataFrame
            Its index does not count.
        target : str
            Column of the targets; all other columns are inputs.
        weights : str, optional
            Column of the weights.
        name : str
            What to call the data.
        ignore : sequence of str
            Columns to leave out.
        classes : bool
            As of `from_file`.

        Raises
        ------
        InputError
            For columns that are not there, or cells that are neither finite numbers nor words.
        """
        target, weights = str(target), None if weights is None else str(weights)
        table = RawTable(name, columns_of(frame, name))
        return cls._of_columns(table, name, target, weights, tuple(map(str, ignore)), classes)

    @classmethod
    def _of_columns(cls, table, name, target, weights, ignore, classes):
        where, notes = table.where, list(table.notes)
        columns, target, weights = _kept_columns(table.columns, where, target, weights, ignore)
        readings = {}
        for column in columns:
            leave_out = column.name not in (target, weights)
            readings[column.name] = read_column(column, where, table.line, table.separator, leave_out)
        _check_commas(readings.values(), where)
        readings = _without_idle(readings, (target, weights), notes)
        notes += [reading.note for reading in readings.values() if reading.note]
        kept = _without_missing(readings, where, table.line, notes)
        inputs, orders, names, worded, refused = [], [], [], [], {}
        for column, reading in readings.items():
            if column in (target, weights):
                continue
            if reading.words is None:
                added, values, order = [column], reading.values[kept, None], reading.order
                orders.append(None if order is None else order[kept])
            else:
                try:
                    added, values, note = one_hot(column, reading.words[kept], where)
                except InputError as error:
                    refused[column] = str(error)
                    continue
                orders += [None] * len(added)
                worded.append(note)
            names += added
            inputs.append(values)
        if refused:
            raise InputError(_of_all(refused))
        if len(set(names)) < len(names):
            twice = next(each for each in names if names.count(each) > 1)
            raise InputError(f"{where}: expected inputs of different names, found {twice!r} more than once")
        points = np.hstack(inputs)
        if rounded := [each for each, ranks in zip(names, orders, strict=True) if ranks is not None]:
            what = "some values that differ are the same as float64. They are compared exactly and shown rounded."
            worded.append(f"{', '.join(rounded)}: {what}")
        targets, labels, note = _targets(readings[target], kept, where, classes)
        counts = None if weights is None else _weights(readings[weights], kept, where)
        notes = (*filter(None, [note]), *notes, *worded)
        return cls(points, targets, counts, names, target, name, notes, labels, _stacked(points, orders))

    def to_dataframe(self):
        """The points as a pandas DataFrame: a column for each input, then the target, then ``"weight"``."""
        import pandas

        values = np.column_stack([self.points, self.targets, self.weights])
        return pandas.DataFrame(values, columns=[*self.names, self.target, "weight"])


def _numbers(values, what):
    if np.ma.is_masked(values):
        raise InputError(f"{what}: expected numbers, found masked ones: leave their rows out")
    try:
        if np.iscomplexobj(values):
            raise TypeError
        return np.array(values, dtype=float)
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"{what}: expected numbers, found {values!r:.60}") from None


def _orders(given, floats) -> list[np.ndarray | None]:
    """For each column the ranks of its numbers, if as floats some are the same that differ."""
    array = np.asarray(given)
    if array.dtype.kind in "iufb" and array.dtype.itemsize <= 8:
        is_float = isinstance(given, np.ndarray) and array.dtype.kind in "fb"
        if is_float or not (np.abs(floats) >= _WHOLE).any():
            return [None] * floats.shape[1]
    if hasattr(given, "columns"):  # a DataFrame, whose columns have types of their own
        given = given.astype(object)
    exact = np.array(given, dtype=object).reshape(floats.shape)
    rows = np.arange(len(floats))
    return [
        exact_order(values, rows, np.array([_exact(x) for x in column], dtype=object))
        for values, column in zip(floats.T, exact.T, strict=True)
    ]


def _stacked(points, orders):
    """Ranks of all points, if those of one input are not what the points say."""
    if all(each is None for each in orders):
        return None
    columns = zip(points.T, orders, strict=True)
    ranks = (np.unique(x, return_inverse=True)[1] if each is None else each for x, each in columns)
    return np.column_stack(list(ranks))


def _exact(number):
    """A number of Python that says what a number of any type does, or its text."""
    if isinstance(number, str):
        return number.strip()
    if hasattr(number, "as_integer_ratio"):
        return Fraction(*number.as_integer_ratio())
    return Fraction(int(number)) if isinstance(number, (int, np.integer, np.bool_)) else Fraction(float(number))


def _check_order(order, points, name):
    """Refuse ranks that contradict the points, such as those of other points."""
    if order.shape != points.shape:
        raise InputError(f"{name}: order: expected shape {points.shape}, as the points have, found {order.shape}")
    for k, (ranks, values) in enumerate(zip(order.T, points.T, strict=True)):
        by_rank = np.lexsort((values, ranks))
        steps, rises = np.diff(values[by_rank]), np.diff(ranks[by_rank]) > 0
        if (steps < 0).any() or (steps[~rises] > 0).any():
            raise InputError(f"{name}: order: expected ranks of the points in input {k + 1}, found others")


def _merged_targets(where, target):
    """The message for different targets that float64 merges: errors are counted in numbers."""
    wanted = "expected targets that differ as float64, found some that do not: subtract a constant"
    return InputError(f"{where}: column {target!r}: {wanted}")


def _kept_columns(columns, where, target, weights, ignore):
    """The columns that are not ignored, where all names that were given are those of columns."""
    names = [column.name for column in columns]
    if not names:
        raise InputError(f"{where}: expected a first line with column names, found none")

    def known(what, name):
        found = name if name is None or name in names else name.strip()
        if found is not None and found not in names:
            near = did_you_mean(found, names)
            raise InputError(f"{where}: {what}: expected one of the columns {', '.join(names)}, found {name!r}{near}")
        return found

    target, weights = known("target", target), known("weights", weights)
    ignored = {known("ignore", column) for column in ignore}
    for column in ignored & {target, weights}:
        used = "target" if column == target else "weights"
        raise InputError(f"{where}: ignore: expected another column than the {used}, found {column!r}")
    kept = [column for column in columns if column.name not in ignored]
    if target is None and kept:
        target = kept[-1].name
    if target == weights:
        raise InputError(f"{where}: weights: expected another column than the target, found {weights!r}")
    if not {column.name for column in kept} - {target, weights}:
        found = ", ".join(column.name for column in kept) or "none"
        raise InputError(f"{where}: expected at least one column besides the target, found {found}")
    return kept, target, weights


def _check_commas(readings, where):
    """Refuse a table in which some numbers have decimal commas and others points: one of them separates thousands."""
    comma = next((reading for reading in readings if reading.comma), None)
    point = next((reading for reading in readings if reading.column.has_points), None)
    if comma and point:
        found = f"{comma.comma!r} in column {comma.column.name!r} and points in column {point.column.name!r}"
        raise InputError(f"{where}: expected decimal points or decimal commas throughout, found {found}")


def _without_idle(readings, needed, notes):
    """Leave out columns that hold no values or only number the rows; adds notes that say so."""
    inputs, idle = {name: reading for name, reading in readings.items() if name not in needed}, {}
    for name, reading in inputs.items():
        if len(reading.missing) and reading.missing.all():
            idle[name] = "holds no values"
        elif counts_rows(reading.column):
            idle[name] = "numbers the rows"
    if len(idle) == len(inputs):  # the only ones there are
        idle = {}
    notes += [f"{name} {why} and is left out." for name, why in idle.items()]
    for name, reading in inputs.items():
        numbers = reading.values
        if name in idle or numbers is None or reading.column.texts:
            continue
        if len(numbers) < 10 or len(np.unique(numbers)) < len(numbers) or (numbers % 1).any():
            continue
        if (np.diff(numbers) == 1).all() or name.lower().rpartition("_")[2] in ("id", "index", "number", "no"):
            how = f"if it only names rows, leave it out with --ignore {shlex.quote(name)}"
            notes.append(f"{name} is an input with another whole number in each row; {how}.")
    return {name: reading for name, reading in readings.items() if name not in idle}


def _without_missing(readings, where, line, notes):
    """The rows that have all values; adds notes that say how many have not."""
    names = list(readings)
    missing = np.stack([reading.missing for reading in readings.values()])
    rows = missing.any(axis=0)
    if not rows.any():
        return np.flatnonzero(~rows)
    k = int(np.argmax(rows))
    column = names[int(np.argmax(missing[:, k]))]
    worst = int(np.argmax(missing.sum(axis=1)))
    most = f"; {names[worst]!r} alone in {missing[worst].sum():,}"
    if missing.any(axis=1).sum() == 1 or missing[worst].sum() <= len(rows) / 4:
        most = ""
    if (~rows).sum() < 2:
        lines = "" if line is None else f" (line {k + line})"
        found = f"{(~rows).sum()}; the first is missing at row {k + 1}{lines}, column {column!r}{most}"
        raise InputError(f"{where}: expected at least 2 rows without missing values, found {found}")
    first = f"the first is row {k + 1}, column {column!r}{most}"
    notes.append(f"{rows.sum():,} of {len(rows):,} rows have missing values and are left out; {first}.")
    return np.flatnonzero(~rows)


def _of_all(refused: dict[str, str]) -> str:
    """The fault of the first of some columns, and that the others share it."""
    first, *others = refused
    if not others:
        return refused[first]
    more = " ".join(f"--ignore {shlex.quote(name)}" for name in others)
    return f"{refused[first]} (the same holds for {', '.join(map(repr, others))}: {more})"


def _targets(reading, kept, where, classes):
    """Targets as numbers, the names of classes, and a note that says how words were numbered."""
    name = reading.column.name
    if reading.words is None:
        if reading.order is not None and len(np.unique(reading.order[kept])) > len(np.unique(reading.values[kept])):
            raise _merged_targets(where, name)
        return reading.values[kept], (), ""
    words, codes = np.unique(reading.words[kept].astype(str), return_inverse=True)
    if len(words) > 2 and not classes:
        raise InputError(
            f"{where}: column {name!r}: expected numbers or two words, found {len(words):,} words "
            f"({', '.join(map(repr, words[:2].tolist()))}, ...), which have no order: code them as numbers, or read "
            "them with classes=True"
        )
    said = ", ".join(f"{word} = {k}" for k, word in enumerate(words[:MOST_NAMED]))
    more = f", and {len(words) - MOST_NAMED:,} more" if len(words) > MOST_NAMED else ""
    return codes.astype(float), tuple(words.tolist()), f"{name} in alphabetical order: {said}{more}."


def _weights(reading, kept, where):
    if reading.words is not None:
        row = int(kept[0]) if len(kept) else 0
        place, found = f"{where}: row {row + 1}, column {reading.column.name!r}", reading.words[row]
        raise InputError(f"{place}: expected a finite number, found {found!r:.60}")
    return reading.values[kept]
