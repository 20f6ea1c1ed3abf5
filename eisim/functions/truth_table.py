"""Boolean functions."""

import shlex
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from eisim.base.errors import InputError
from eisim.base.units import outside
from eisim.base.values import ByName, Shown

MAX_INPUTS = 6


@dataclass(frozen=True, repr=False)
class TruthTable(Shown):
    """A Boolean function, as its values on all input patterns in counting order.

    Attributes
    ----------
    bits : str
        Character k is the value on the k-th pattern, the first input being the most significant bit: for two
        inputs f(0,0), f(0,1), f(1,0), f(1,1).
    name : str
        What to call it; the bits unless given. It does not count in comparisons.

    Raises
    ------
    InputError
        If `bits` is not 2, 4, ..., 64 characters of 0 and 1 (1 to 6 inputs).

    Examples
    --------
    >>> from eisim import TruthTable
    >>> TruthTable("0110")([1, 0])
    True
    """

    bits: str
    name: str = field(default="", compare=False)

    def __post_init__(self):
        sizes = [2**n for n in range(1, MAX_INPUTS + 1)]
        if not isinstance(self.bits, str):
            raise InputError(f"truth table: expected a text of 0 and 1, found {self.bits!r}")
        if strange := set(self.bits) - {"0", "1"}:
            raise InputError(f"truth table: expected only 0 and 1, found {min(strange)!r} in {self.bits!r}")
        if len(self.bits) not in sizes:
            expected = f"{', '.join(map(str, sizes[:-1]))} or {sizes[-1]} characters"
            raise InputError(f"truth table: expected {expected}, found {len(self.bits)} ({self.bits!r})")
        object.__setattr__(self, "name", self.name or self.bits)

    @classmethod
    def of(cls, n_inputs: int, predicate: Callable[..., bool], name: str = "") -> "TruthTable":
        """The truth table of a Python predicate of `n_inputs` arguments, each 0 or 1."""
        if not isinstance(n_inputs, (int, np.integer)) or not 1 <= n_inputs <= MAX_INPUTS:
            expected = f"a whole number from 1 to {MAX_INPUTS}"
            raise InputError(f"truth table: n_inputs: expected {expected}, found {n_inputs!r}")
        if not callable(predicate):
            raise InputError(f"truth table: predicate: expected a function, found {predicate!r}")
        bits = "".join("1" if predicate(*map(int, x)) else "0" for x in patterns(n_inputs))
        return cls(bits, name)

    @classmethod
    def from_csv(cls, path, target: str | None = None, name: str = "", header: bool | None = None) -> "TruthTable":
        """Read a table whose rows are all input patterns, each once and in any order, with the value of each.

        Parameters
        ----------
        path : path-like
            The first line names the columns; all others are of 0 and 1.
        target : str, optional
            Column of the values; the last one unless given. The other columns are the inputs, the first the most
            significant bit.
        name : str, optional
            That of the file without its ending unless given.
        header : bool, optional
            As of `LabelledData.from_file`.

        Raises
        ------
        InputError
            If a pattern is missing or repeated, or a number is neither 0 nor 1; the message names it.
        """
        from eisim.functions.labelled_data import LabelledData

        return cls.of_data(LabelledData.from_file(path, target, header=header), name or Path(path).stem)

    @classmethod
    def of_data(cls, data, name: str = "") -> "TruthTable":
        """The truth table of labelled data that have each pattern of their inputs once; ``InputError`` for others."""
        what = f"{data.name}: truth table"
        if data.n_inputs > MAX_INPUTS:
            raise InputError(f"{what}: expected 1 to {MAX_INPUTS} inputs, found {data.n_inputs}")
        columns = zip((*data.names, data.target), (*data.points.T, data.targets), strict=True)
        for column, values in columns:
            if strange := set(values.tolist()) - {0.0, 1.0}:
                raise InputError(f"{what}: column {column!r}: expected only 0 and 1, found {min(strange):g}")
        place = data.points.astype(int) @ (1 << np.arange(data.n_inputs)[::-1])
        counts = np.bincount(place, minlength=2**data.n_inputs)
        if (counts != 1).any():
            k = int(np.argmax(counts != 1))
            pattern = "".join(map(str, patterns(data.n_inputs)[k]))
            found = f"{pattern} in {counts[k]} rows" if counts[k] else f"no {pattern}"
            raise InputError(f"{what}: expected each pattern of {', '.join(data.names)} once, found {found}")
        for note in data.notes:  # which a truth table cannot hold
            warnings.warn(f"{data.name}: {note}", stacklevel=outside())
        return cls("".join("01"[int(value)] for value in data.targets[np.argsort(place)]), name or data.name)

    @property
    def n_inputs(self) -> int:
        """Number of inputs."""
        return len(self.bits).bit_length() - 1

    @cached_property
    def values(self) -> np.ndarray:
        """Values on all patterns, bool of shape (2**n_inputs,)."""
        return np.array([b == "1" for b in self.bits])

    @property
    def patterns(self) -> np.ndarray:
        """All input patterns in counting order, 0 or 1, of shape (2**n_inputs, n_inputs)."""
        return patterns(self.n_inputs)

    def __call__(self, inputs) -> bool:
        return bool(self.values[int("".join(str(int(x)) for x in inputs), 2)])


def without_target(data, name: str = "") -> TruthTable:
    """The truth table that a file is of which no target was named; its last column is the target.

    ``InputError`` if it is none; of one that is not whole the message names the pattern.
    """
    try:
        return TruthTable.of_data(data, name)
    except InputError as error:
        if data.n_inputs <= MAX_INPUTS and np.isin(np.column_stack([data.points, data.targets]), (0, 1)).all():
            raise InputError(f"{error} (--target {shlex.quote(data.target)} reads it as data)") from None
    columns = ", ".join((*data.names, data.target))
    raise InputError(f"{data.name}: target: expected one of the columns {columns}, found none (--target COLUMN)")


def patterns(n_inputs: int) -> np.ndarray:
    """All patterns of `n_inputs` bits in counting order, shape (2**n_inputs, n_inputs)."""
    return (np.arange(2**n_inputs)[:, None] >> np.arange(n_inputs)[::-1]) & 1


#: Functions that excitatory-only circuits can compute, then functions that they cannot.
_TRUTH_TABLES = (
    TruthTable.of(2, lambda a, b: a and b, "and"),
    TruthTable.of(2, lambda a, b: a or b, "or"),
    TruthTable.of(3, lambda *x: sum(x) >= 2, "majority"),
    TruthTable.of(4, lambda *x: sum(x) >= 2, "at-least-2-of-4"),
    TruthTable.of(3, lambda a, b, c: a and (b or c), "a-and-(b-or-c)"),
    TruthTable.of(1, lambda a: not a, "not"),
    TruthTable.of(2, lambda a, b: not (a and b), "nand"),
    TruthTable.of(2, lambda a, b: not a or b, "implies"),
    TruthTable.of(2, lambda a, b: a != b, "xor"),
    TruthTable.of(2, lambda a, b: a == b, "xnor"),
    TruthTable.of(3, lambda *x: sum(x) == 1, "exactly-one-of-3"),
    TruthTable.of(3, lambda *x: sum(x) % 2, "parity-3"),
    TruthTable.of(4, lambda *x: sum(x) % 2, "parity-4"),
    TruthTable.of(3, lambda select, a, b: b if select else a, "multiplexer"),
    TruthTable.of(4, lambda a1, a0, b1, b0: (a1, a0) == (b1, b0), "equality"),
)
TRUTH_TABLES = ByName("TRUTH_TABLES", {function.name: function for function in _TRUTH_TABLES})
