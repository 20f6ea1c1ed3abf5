"""Display of a result, declared once: its answer, tables, figures, circuits and proofs.

The terminal, the page, a notebook and the files of a run are renderings of the same view.
"""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Generic, TypeVar

from eisim.base import display
from eisim.base.files import to_csv, to_netcdf
from eisim.base.values import Explained
from eisim.circuit import Circuit
from eisim.report.circuit import circuit_picture, circuit_table
from eisim.report.findings import Explanation, Findings, Picture
from eisim.report.style import Figure
from eisim.report.table import Table, html_box, html_table, page_table, sentences, terminal_table
from eisim.report.wording import answer

Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True)
class Drawing(Picture):
    """A figure with its text, and the function that draws it.

    ``draw()`` returns a Matplotlib Figure; it is called in a separate process, in the style ``eisim.paper``.
    """

    draw: Callable[[], Figure]

    @property
    def picture(self) -> Picture:
        """The figure as it is stored."""
        return Picture(**{f.name: getattr(self, f.name) for f in fields(Picture)})


@dataclass(frozen=True)
class DrawnCircuit:
    """A circuit drawn next to its f–I approximation; ``{stem}.svg`` is the drawing, ``{stem}.csv`` its projections."""

    stem: str
    title: str
    circuit: Circuit


class View(Explained, Generic[Result]):
    """Display of results of a type; a subclass defines it for its type, and `show_with` registers it."""

    #: The heading of the page.
    question: ClassVar[str] = ""
    #: Whether figures come before tables, as those of a sweep do.
    figures_first: ClassVar[bool] = False
    #: Name of the CSV file with all `rows`.
    rows_file: ClassVar[str] = "table.csv"

    def __init__(self, result: Result):
        self.result = result

    @property
    def heading(self) -> str:
        """The question that the result answers; by default that of the class."""
        return self.question

    @property
    def problems(self) -> list[str]:
        """Contradictions of the theory, and checks that failed."""
        return list(getattr(self.result, "problems", ()))

    @abstractmethod
    def to_json(self) -> dict:
        """The document of ``--json``, without the seed."""
        return {}

    def answer(self) -> Iterable[str]:
        """Sentences, short and with the numbers."""
        return ()

    def tables(self) -> Iterable[Table]:
        """Tables, the most important first."""
        return ()

    def details(self) -> Iterable[str]:
        """Sentences below the answer in the terminal and in a notebook; a page has `proofs`."""
        return ()

    def figures(self) -> Iterable[Drawing]:
        """Figures; each is drawn only on request."""
        return ()

    def circuits(self) -> Iterable[DrawnCircuit]:
        """Circuits with their populations, signs and weights, each with its f–I approximation."""
        return ()

    def proofs(self) -> Iterable[Explanation]:
        """Witnesses, floors and their meaning, in paragraphs."""
        return ()

    def rows(self) -> list[dict]:
        """The numbers in full, a row without nesting for each line of the CSV file and of ``to_dataframe``."""
        return []

    def labelled(self) -> tuple[dict, dict]:
        """Variables and coordinates of ``data.nc`` and ``to_xarray``, each (dimensions, values, attributes)."""
        return {}, {}

    def files(self) -> Iterable[tuple[str, str | bytes]]:
        """Pairs of name and content of more files, such as the CSV behind each figure."""
        return ()

    def findings(self) -> Findings | None:
        """The findings shown on a page and stored in ``run.json``."""
        return Findings(
            question=self.heading,
            answer=answer(*self.answer(), problems=self.problems),
            tables=tuple(map(page_table, self.tables())),
            pictures=tuple(drawing.picture for drawing in self.figures()),
            circuits=tuple(circuit_picture(each.circuit, each.stem, each.title) for each in self.circuits()),
            proofs=tuple(self.proofs()),
            figures_first=int(self.figures_first),
        )

    def terminal(self) -> Any:
        """Output for the terminal: tables with the meaning of their headings, and the answer, as a Rich group."""
        from rich.console import Group

        tables = [terminal_table(table) for table in self.tables() if not table.on_page_only]
        return Group(
            *(part for table in tables for part in (table, "")),
            answer(*self.answer(), problems=self.problems),
            *self.details(),
        )

    def html(self) -> str:
        """Output for a notebook."""
        tables = [html_table(table) for table in self.tables() if not table.on_page_only]
        said = sentences(answer(*self.answer()), *self.problems, *self.details())
        return html_box(self.heading, *tables, said)

    def all_files(self) -> Iterator[tuple[str, str | bytes]]:
        """All files but the figures: pairs of name and content."""
        if rows := self.rows():
            yield self.rows_file, to_csv(rows)
        yield from self.files()
        variables, coordinates = self.labelled()
        if variables:
            yield "data.nc", to_netcdf(variables, coordinates)
        for each in self.circuits():
            yield f"{each.stem}.csv", circuit_table(each.circuit)

    def drawn(self) -> Iterator[tuple[str, Figure]]:
        """All figures, drawn one after another: pairs of file name and Matplotlib Figure."""
        from eisim.report import diagram

        for figure in self.figures():
            yield figure.file, figure.draw()
        for each in self.circuits():
            yield f"{each.stem}.svg", diagram.circuit_and_dnn(each.circuit, diagram.static_dnn(each.circuit))


def show_with(shown: type, view: Callable[[Any], View], **displays: Callable) -> None:
    """Register a view for results of a type, and with it how they are shown in a notebook; see `display.register`."""

    def to_dataframe(result):
        import pandas

        return pandas.DataFrame(view(result).rows())

    def to_xarray(result):
        import xarray

        return xarray.Dataset(*view(result).labelled())

    made = {"html": lambda result: view(result).html(), "to_dataframe": to_dataframe, "to_xarray": to_xarray}
    display.register(shown, view=view, **made | displays)


def view_of(result) -> View:
    """The view of a result; TypeError if none is registered for its type."""
    return display.display("view", result)(result)
