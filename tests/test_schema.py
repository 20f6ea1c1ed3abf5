"""One reader of types for text, JSON and Python's own values."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eisim import InputError
from eisim.base.schema import DEEPEST, JSON, PYTHON, TEXT, default_words, describe, parameters_of, read
from eisim.base.values import Value, quantity


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Part(Value):
    """A part.

    Attributes
    ----------
    size : int
        How large it is.
    """

    size: int
    tau: float = quantity(5e-3, "second")
    names: tuple[str, ...] = ()
    inner: "Part | None" = None
    more: dict[str, Any] = field(default_factory=dict)


DEEP = 3
for _ in range(2 * DEEPEST):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    ("kind", "value", "source", "found"),
    [
        (int, " 3", TEXT, 3),
        (float, "1e-3", TEXT, 1e-3),
        (bool, "Yes", TEXT, True),
        (str, " a", TEXT, " a"),
        (Path, "/a", TEXT, Path("/a")),
        (Colour, "red", TEXT, Colour.RED),
        (Colour, "BLUE", TEXT, Colour.BLUE),
        (Literal[1, "two"], "1", TEXT, 1),
        (int | None, "None", TEXT, None),
        (int | str, "x", TEXT, "x"),
        (tuple[int, float], "(1, 2)", TEXT, (1, 2.0)),
        (tuple[str, ...], 'a,"b,c"', TEXT, ("a", "b,c")),
        (float, 3, JSON, 3),
        (Literal["a", 1], 1, JSON, 1),
        (tuple[tuple[float | str | None, ...], ...], [[1, "a"], [None]], JSON, ((1, "a"), (None,))),
        (dict[str, int], {"a\x1b": 1}, JSON, {r"a\x1b": 1}),
        (Any, {"a": ["\x1b", True, None]}, JSON, {"a": [r"\x1b", True, None]}),
        (Part, {"size": 1, "inner": {"size": 2, "other": 3}, "tau": None}, JSON, Part(1, inner=Part(2))),
        (float, float("inf"), PYTHON, float("inf")),
        (Sequence[int], [1, 2], PYTHON, [1, 2]),
        (tuple[int, ...] | None, (1, 2), PYTHON, (1, 2)),
        (Callable[[str], int], len, PYTHON, len),
        (np.ndarray, [1.0], PYTHON, [1.0]),
        (Colour | None, Colour.RED, PYTHON, Colour.RED),
    ],
)
def test_values_are_read_as_their_type(kind, value, source, found):
    assert read(kind, value, "x", source) == found


@pytest.mark.parametrize(
    ("kind", "value", "source", "said"),
    [
        (int, "1.5", TEXT, "x: expected a whole number, found '1.5'"),
        (float, "a", TEXT, "x: expected a number, found 'a'"),
        (bool, "2", TEXT, "x: expected one of true, yes, on, 1, false, no, off, 0, found '2'"),
        (Colour, "redd", TEXT, "x: expected one of red, blue, RED, BLUE, found 'redd'; did you mean"),
        (int | None, "x", TEXT, "x: expected a whole number, found 'x'"),
        (tuple[int, int], "1", TEXT, "x: expected 2 values with commas between them, found '1'"),
        (np.ndarray, "1", TEXT, "--set: x: expected a setting that text can give"),
        (int, True, JSON, "x: expected a whole number, found True"),
        (float, float("nan"), JSON, "x: expected a number, found nan"),
        (int, 10**400, JSON, "x: expected a whole number, found 1000"),
        (Any, [10**400], JSON, "x: expected a number that a float holds, found 1000"),
        (Any, DEEP, JSON, f"x: expected at most {DEEPEST} levels, found more"),
        (str | None, 3, JSON, "x: expected text or null, found 3"),
        (Literal["range", "rank"], "rang", JSON, "x: expected one of range, rank, found 'rang'; did you mean 'range'?"),
        (tuple[str, ...], ["a", 1], JSON, "x[1]: expected text, found 1"),
        (dict[str, int], {"a": "b"}, JSON, "x: a: expected a whole number, found 'b'"),
        (Part, [], JSON, "x: expected an object, found []"),
        (Part, {"tau": 1.0}, JSON, "x: expected 'size', found none"),
        (Part, {"size": 1, "inner": {}}, JSON, "x: inner: expected 'size', found none"),
        (str, 3, PYTHON, "x: expected text, found 3"),
        (float, True, PYTHON, "x: expected a number, found True"),
        (Part, {"size": 1}, PYTHON, "x: expected Part, found {'size': 1}"),
        (tuple[int, int], (1,), PYTHON, "x: expected 2 values"),
        (Colour, "red", PYTHON, "x: expected one of red, blue, RED, BLUE, found 'red'"),
    ],
)
def test_what_is_of_another_type_is_refused_in_the_same_words(kind, value, source, said):
    with pytest.raises(InputError) as error:
        read(kind, value, "x", source)
    assert str(error.value).startswith(said) and "\n" not in str(error.value)


WHOLE = st.one_of(st.integers(-(10**6), 10**6), st.booleans(), st.text(), st.floats(), st.none())
SOME = st.recursive(WHOLE, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3))
KINDS = (int, float, bool, str, Any, int | None, tuple[int, ...], dict[str, float], Part, Colour, Literal["a", 1])


@given(kind=st.sampled_from(KINDS), value=SOME, source=st.sampled_from([JSON, PYTHON]))
def test_whatever_comes_is_read_or_refused_in_one_line(kind, value, source):
    try:
        read(kind, value, "x", source)
    except InputError as error:
        assert str(error).startswith("x") and "\n" not in str(error)


@given(value=st.one_of(st.integers(), st.booleans(), st.none(), st.lists(st.integers(), min_size=1).map(tuple)))
def test_defaults_are_written_as_they_are_read(value):
    kind = {bool: bool, int: int, tuple: tuple[int, ...]}.get(type(value), int | None)
    assert abs(value if isinstance(value, int) else 0) < 1e300 and read(kind, default_words(value), "x", TEXT) == value


def test_what_can_be_set_is_described():
    size, tau, *_ = describe(Part)
    assert size.words == "How large it is (a whole number; no default)"
    assert tau.described == {"name": "tau", "default": "5 ms", "kind": "a time such as 5*ms", "meaning": ""}

    def function(a, b: bool = True, *, c: Literal["x", "y"] = "x", **others):
        pass

    assert [each.words for each in describe(function, ["a"])] == ["yes or no; default yes", "x or y; default x"]
    assert list(parameters_of(function)) == ["a", "b", "c"] and describe(3) == []
