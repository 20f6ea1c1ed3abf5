"""Help of the commands, and suggestions for mistyped names."""

import ast
import re
import textwrap
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import chain
from pathlib import Path
from pkgutil import resolve_name

import typer
from typer.core import TyperCommand, TyperGroup

from eisim.base.errors import did_you_mean

#: Largest width of the help, in columns.
WIDTH = 100
#: Names of options are wrapped beyond this width, in columns.
NAMES = 26
#: Where a command keeps the words that follow it.
_WORDS = "eisim.words"
ClickError = typer.BadParameter.__base__.__base__
#: Flags that Typer adds, without a default: with one it need not convert them, which imports much.
ADDED_FLAGS = ("help", "install_completion", "show_completion")
#: What Typer's reader of numbers finds wrong with one.
NO_NUMBERS = (
    "int_parsing",
    "int_parsing_size",
    "float_parsing",
    "finite_number",
    "greater_than_equal",
    "less_than_equal",
)


class _Explained:
    """Help in panels: what the command does, its arguments, its options by group, and examples.

    Lines of the docstring that begin with ``Example:`` are the examples.
    """

    help: str | None
    collect_usage_pieces: Callable[..., list[str]]

    def get_params(self, ctx):
        params = super().get_params(ctx)
        for param in params:
            if param.name in ADDED_FLAGS and param.default is None:
                param.default = False
            if param.name == "install_completion":
                param.help = "Install completion for eisim (not python -m eisim) in this shell."
        return params

    def format_help(self, ctx, formatter):
        from rich.text import Text

        from eisim.report.terminal import console

        there = console()
        there.width = min(there.width, WIDTH)
        words, examples = _split(self.help or "")
        groups = self._groups(ctx)  # first: what is named may not be there
        there.print(Text(f"Usage: {ctx.command_path} {' '.join(self.collect_usage_pieces(ctx))}", style="bold"))
        for paragraph in words:
            there.print(Text("\n" + paragraph))
        there.print()
        for title, rows in groups.items():
            there.print(panel(title, rows))
        if examples:
            there.print(panel("Examples", [(example,) for example in examples]))

    def _groups(self, ctx) -> dict[str, list[tuple[str, str]]]:
        groups: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None:
                usual = "Arguments" if param.param_type_name == "argument" else "Options"
                name = re.sub(r" <list\[.*>", "", record[0])  # Typer's word for the type, not ours
                groups.setdefault(getattr(param, "rich_help_panel", None) or usual, []).append((name, record[1]))
        return groups


class Command(_Explained, TyperCommand):
    """A command that explains itself."""

    def parse_args(self, ctx, args):
        ctx.meta[_WORDS] = list(args)  # --help is handled before the other arguments are read
        return super().parse_args(ctx, args)


def about_named(argument: str, explain_one: str) -> type[Command]:
    """A class of commands whose help also says what belongs to the names that are given as an argument.

    ``module:function`` is imported only for that; from a name it makes the title and the rows of a panel.
    """

    class About(Command):
        def _groups(self, ctx):
            groups = {}
            with suppress(ClickError):  # the rest of the line may be wrong
                given = self.make_parser(ctx).parse_args(list(ctx.meta.get(_WORDS, ())))[0].get(argument)
                for name in [given] if isinstance(given, str) else given or ():
                    title, rows = resolve_name(explain_one)(name)
                    groups[title] = rows
            return groups | super()._groups(ctx)

    return About


class Group(_Explained, TyperGroup):
    """A command with commands."""

    def _groups(self, ctx):
        commands = {name: self.get_command(ctx, name) for name in self.list_commands(ctx)}
        rows = [(name, _split(command.help or "")[0][0]) for name, command in commands.items()]
        return {"Commands": rows, **super()._groups(ctx)}


class Commands(typer.Typer):
    """A Typer application whose commands explain themselves."""

    def command(self, name=None, *, cls=Command, **options):
        return _with_docstring(super().command(name, cls=cls, **options))

    def callback(self, *arguments, **options):
        return _with_docstring(super().callback(*arguments, **options))


def _with_docstring(register):
    """Give a function that is registered its docstring back, which ``python -OO`` takes away: it is the help."""

    def registered(function):
        if function.__doc__ is None:
            for part in ast.walk(ast.parse(Path(function.__code__.co_filename).read_bytes())):
                if isinstance(part, ast.FunctionDef) and part.name == function.__name__:
                    function.__doc__ = ast.get_docstring(part)
        return register(function)

    return registered


def _split(text: str) -> tuple[list[str], list[str]]:
    """Paragraphs of a help text, and the examples among them."""
    examples = re.findall(r"^Example: *(.*)$", text, re.MULTILINE)
    words = re.sub(r"^Example:.*$", "", text, flags=re.MULTILINE)
    return [" ".join(paragraph.split()) for paragraph in re.split(r"\n\s*\n", words.strip())], examples


def panel(title: str, rows: Iterable[tuple[str, ...]]):
    """A Rich panel of names and what they mean."""
    from rich.panel import Panel
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    for row in rows:
        first, *rest = row
        name = Text(first, style="bold" if rest else "")
        table.add_row(name, *map(Text, rest))
    table.columns[0].overflow = "fold"
    if len(table.columns) > 1:
        pieces = [piece for row in rows for piece in textwrap.wrap(row[0], NAMES, break_long_words=False)]
        table.columns[0].width = max(map(len, pieces))
    return Panel(table, title=title, title_align="left", border_style="dim")


def explain(error, commands: Iterable[str]) -> str:
    """The one line that says what is wrong with a command line, and what may have been meant."""
    if (wrong := _no_number(error)) is not None:
        return wrong
    message = error.format_message().replace("Value error, ", "")
    if found := re.match(r"No such command '([^']*)'", message):
        from eisim.run.registry import listed

        runnable = {each.name for each in chain(*listed())}
        return found[0] + (
            f"; did you mean 'run {found[1]}'?" if found[1] in runnable else did_you_mean(found[1], commands)
        )
    if found := re.match(r"No such option: ([^\s(]*)", message):
        known = [name for param in error.ctx.command.params for name in param.opts] if error.ctx else ()
        return found[0].rstrip(".") + did_you_mean(found[1], known)
    if found := re.search(r"'([^']*)' is not one of (.*)$", message, re.DOTALL):
        return message.rstrip(".") + did_you_mean(found[1], re.findall(r"'([^']*)'", found[2]))
    return message


def _no_number(error) -> str | None:
    """What is wrong with the number of an option; ``None`` if nothing is."""
    param, cause = getattr(error, "param", None), error.__cause__
    (found, *_) = cause.errors() if hasattr(cause, "errors") else ({"type": ""},)
    if param is None or found["type"] not in NO_NUMBERS:
        return None
    is_whole = param.type_descriptor.annotation is int
    least, most = getattr(param, "min", None), getattr(param, "max", None)
    limits = f" of {least} or more" if least is not None else ""
    limits = f" from {least} to {most:,}" if limits and most is not None else limits
    number = "a whole number" if is_whole else "a number"
    return f"{param.opts[0]}: expected {number}{limits}, found {found['input']!r:.60}"
