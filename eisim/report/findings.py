"""Findings of a run in the form shown on its page: plain values, stored in ``run.json``.

A page needs nothing but the folder of a run: these values, and the files that they name.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class PageColumn:
    """A column of a table, see `eisim.report.table.Column`.

    Its kind is ``"text"``, ``"number"`` or ``"verdict"``: how its cells are shown and sorted.
    """

    name: str
    kind: str = "text"
    unit: str = ""
    note: str = ""
    decimals: int | None = None


@dataclass(frozen=True)
class PageTable:
    """A table, see `eisim.report.table.Table`: a str, a number or None (empty cell) for each row and column."""

    title: str
    columns: tuple[PageColumn, ...]
    rows: tuple[tuple[float | str | None, ...], ...]
    notes: tuple[str, ...] = ()
    data: str = ""
    keys: int = 1


@dataclass(frozen=True)
class Picture:
    """A figure in the run's folder, an SVG file.

    The caption says what is drawn and what to see in it, the alternative what it shows, for who cannot see it; `data`
    is the name of the CSV file with the numbers that are drawn, empty if they are in no file.
    """

    file: str
    title: str
    caption: str
    alternative: str
    data: str = ""


@dataclass(frozen=True)
class Explanation:
    """Paragraphs under a heading that explain a witness or a floor."""

    title: str
    paragraphs: tuple[str, ...]


@dataclass(frozen=True)
class Findings:
    """Findings of a run: the heading of the page, the answer, and the evidence and proofs.

    The table of functions comes first, but follows the figures where `figures_first` is 1, as in a sweep.
    """

    question: str
    answer: str
    tables: tuple[PageTable, ...] = ()
    pictures: tuple[Picture, ...] = ()
    circuits: tuple[Picture, ...] = ()
    proofs: tuple[Explanation, ...] = ()
    figures_first: int = 0
