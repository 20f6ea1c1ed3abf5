"""What a run found, in the form in which a page shows it: plain values that ``run.json`` holds.

A page needs nothing but the folder of a run: these values, and the files that they name.
"""

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class PageColumn:
    """A column of a table.

    Attributes
    ----------
    name : str
        Heading.
    kind : {"text", "number", "verdict"}
        How its cells are shown and sorted. A verdict is ``"kept"`` or ``"lost"``, with words behind it if need be
        (``"lost, impossible"``).
    unit : str
        Shown behind the heading; empty for numbers without one.
    note : str
        What the heading means, in a sentence; empty if it speaks for itself.
    decimals : int or None
        With which its numbers are shown, such as 2 for scores; None: four significant digits.
    """

    name: str
    kind: str = "text"
    unit: str = ""
    note: str = ""
    decimals: int | None = None


@dataclass(frozen=True)
class PageTable:
    """A table: its first column, or several, name the row, and tell rows of several runs apart.

    Attributes
    ----------
    title : str
    columns : tuple of PageColumn
    rows : tuple of tuple
        A str, a number or None (empty cell) for each column.
    notes : tuple of str
        Sentences below it.
    data : str
        Name of the CSV file in the run's folder with the same numbers in full; empty if there is none.
    keys : int
        Number of leading columns that together name the row.
    """

    title: str
    columns: tuple[PageColumn, ...]
    rows: tuple[tuple[float | str | None, ...], ...]
    notes: tuple[str, ...] = ()
    data: str = ""
    keys: int = 1


@dataclass(frozen=True)
class Picture:
    """A figure in the run's folder.

    Attributes
    ----------
    file : str
        Name of the SVG file.
    title : str
    caption : str
        What is drawn, and what to see in it.
    alternative : str
        What it shows, for who cannot see it.
    data : str
        Name of the CSV file with the numbers that are drawn; empty if they are in no file.
    """

    file: str
    title: str
    caption: str
    alternative: str
    data: str = ""


@dataclass(frozen=True)
class Explanation:
    """Paragraphs under a heading: a witness, a floor, in words."""

    title: str
    paragraphs: tuple[str, ...]


@dataclass(frozen=True)
class Findings:
    """What a run found.

    Attributes
    ----------
    question : str
        The heading of the page.
    answer : str
        The answer to it, in a sentence or two, with the numbers.
    tables : tuple of PageTable
        The table of functions first.
    pictures : tuple of Picture
    circuits : tuple of Picture
        Circuits with their populations, signs and weights, each beside its equivalent DNN.
    proofs : tuple of Explanation
        Witnesses and floors in words.
    figures_first : int
        1 where the figures stand before the table, as those of a sweep do.
    """

    question: str
    answer: str
    tables: tuple[PageTable, ...] = ()
    pictures: tuple[Picture, ...] = ()
    circuits: tuple[Picture, ...] = ()
    proofs: tuple[Explanation, ...] = ()
    figures_first: int = 0


def to_document(findings: Findings) -> dict:
    """The findings as a JSON object."""
    return asdict(findings)
