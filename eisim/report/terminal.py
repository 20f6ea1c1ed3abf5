"""Terminal output: fitted to the terminal's width and character set, in colour only where wanted."""

import codecs
import io
import os
import re
import sys
import unicodedata

from eisim.base.errors import printable

#: Width of output that does not go to a terminal, in columns.
PIPE_WIDTH = 120
#: Letters that a poor encoding lacks, in ones that all have.
PLAIN = {
    "×": "x", "·": "*", "−": "-", "–": "-", "—": "-", "…": "...", "≤": "<=", "≥": ">=", "≠": "!=", "≈": "~", "±": "+-",
    "→": "->", "←": "<-", "∞": "inf", "µ": "u", "μ": "u", "σ": "sigma", "τ": "tau", "∑": "sum", "∧": "and", "∨": "or",
    "¬": "not ", "°": " deg", "√": "sqrt", "‘": "'", "’": "'", "“": '"', "”": '"', "•": "*", "✓": "yes", "✗": "no",
}  # fmt: skip
_PLAIN_HANDLER = "eisim.plain"
#: The only mark-up that text may have. Untrusted names of files and columns have none.
_COLOURED = re.compile(r"\[(green|red|yellow)\](.*)\[/\]")


def _plain(error: UnicodeError) -> tuple[str, int]:
    """Replace letters that cannot be encoded."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    found = []
    for letter in error.object[error.start : error.end]:
        plain = PLAIN.get(letter) or unicodedata.normalize("NFKD", letter).encode("ascii", "ignore").decode()
        found.append(plain or "?")
    return "".join(found), error.end


def use_plain_letters() -> None:
    """Make output streams replace characters that they cannot encode instead of failing: ``x`` for ``×``."""
    codecs.register_error(_PLAIN_HANDLER, _plain)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=_PLAIN_HANDLER)


def _as_written(text: str) -> str:
    """The text with the letters that standard output replaces already replaced: they may be longer."""
    encoding = sys.stdout.encoding
    if not encoding or sys.stdout.errors != _PLAIN_HANDLER:
        return text
    return text.encode(encoding, _PLAIN_HANDLER).decode(encoding)


def console(**options):
    """The Rich console of standard output: plain text in a pipe, without colours under ``NO_COLOR``."""
    from rich.console import Console

    class Ours(Console):
        def on_broken_pipe(self):
            raise  # whoever runs the command ends it

        def render_str(self, text, *, style="", markup=None, **how):
            if coloured := _COLOURED.fullmatch(text):
                style, text = coloured.groups()
            return super().render_str(_as_written(printable(text)), style=style, markup=False, **how)

    made = Ours(highlight=False, emoji=False, **options)
    if not made.is_terminal and "COLUMNS" not in os.environ:
        made.width = PIPE_WIDTH
    return made


def titled_table(title: str):
    """A Rich table without lines, as used for all results."""
    from rich.table import Table

    style = {"title_justify": "left", "title_style": "bold", "header_style": "underline"}
    return Table(title=title, box=None, padding=(0, 1, 0, 0), **style)


def show(content) -> None:
    """Print a Rich renderable such as an experiment's table; tables too wide for the terminal become lists."""
    there = console()
    there.print(_fitted(content, there))


def as_text(content) -> str:
    """A Rich renderable as it is printed in a pipe."""
    text = io.StringIO()
    there = console(file=text, color_system=None, width=PIPE_WIDTH)
    there.print(_fitted(content, there))
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines())


def _fitted(content, there):
    from rich.console import Group
    from rich.table import Table

    if isinstance(content, Group):
        return Group(*(_fitted(part, there) for part in content.renderables))
    # Measured within the terminal's width, every table would appear to fit.
    unlimited = there.options.update(max_width=sys.maxsize)
    if isinstance(content, Table) and content.__rich_measure__(there, unlimited).minimum > there.width:
        return _listed(content)
    return content


def _in_a_line(cell, between=", "):
    return between.join(line.strip() for line in cell.splitlines()) if isinstance(cell, str) else cell


def _listed(table):
    """The rows of a table one below the other: the first cell, then every other with its heading."""
    from rich.console import Group
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    columns = [list(column.cells) for column in table.columns]
    headings = [_in_a_line(column.header, " ") for column in table.columns]
    parts = [Text(str(table.title), style="bold")] if table.title else []
    for row in zip(*columns, strict=True):
        record = Table(box=None, show_header=False, padding=(0, 1, 0, 0))
        record.add_column(style="dim", no_wrap=True)
        record.add_column(overflow="fold")
        for heading, cell in zip(headings[1:], row[1:], strict=True):
            if cell != "":
                record.add_row(heading, _in_a_line(cell))
        parts += [row[0], Padding(record, (0, 0, 0, 2))]
    return Group(*parts, *([table.caption] if table.caption else []))
