"""The one error that a user's input can cause, and what the user may have meant."""

import functools
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice

#: Largest length of a line of an error, in characters; longer ones are shortened in the middle.
LONGEST = 1500
#: The same of what is said about the content of a file, and of what another package says about it.
LONGEST_OF_FILE, LONGEST_QUOTED = 700, 200
#: Names longer than this, in characters, or beyond this number are not suggested as corrections.
_LONGEST_NAME, _MOST_NAMES = 100, 2000
#: Parts of a list that are looked at for masked arrays.
_MOST_PARTS = 1000


class InputError(ValueError):
    """Bad input: one line that names the thing, what was found and what was expected."""

    def __init__(self, said: str = ""):
        super().__init__(one_line(str(said)))
        _say_without_brian2()


def _say_without_brian2() -> None:
    """Let Python print our errors where they are not caught: Brian2 would report them as its own.

    It takes the hook of uncaught errors as it is imported, by the user or by us, so this waits for an error.
    """
    theirs = getattr(sys.modules.get("brian2.utils.logger"), "brian_excepthook", None)
    if theirs is None or sys.excepthook is not theirs:
        return

    def hook(kind, error, trace):
        (sys.__excepthook__ if issubclass(kind, InputError) else theirs)(kind, error, trace)

    sys.excepthook = hook


class ArgumentError(InputError, TypeError):
    """A call with arguments that a function or class does not take; to Python a TypeError, too."""


def argument_error(what: str, function: Callable, arguments: tuple, keywords: dict) -> ArgumentError | None:
    """The error in the arguments of a function call, in one line; ``None`` if they fit."""
    parameters = inspect.signature(function).parameters.values()
    named = [p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    in_order = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    kinds = {p.kind for p in parameters}
    unknown = [name for name in keywords if name not in named]
    if unknown and inspect.Parameter.VAR_KEYWORD not in kinds:
        expected = f"one of {', '.join(named)}" if named else "no arguments by name"
        return ArgumentError(f"{what}: expected {expected}, found {unknown[0]!r}{did_you_mean(unknown[0], named)}")
    if len(arguments) > len(in_order) and inspect.Parameter.VAR_POSITIONAL not in kinds:
        rest = [name for name in named if name not in in_order]
        by_name = f" ({', '.join(rest)} by name)" if rest else ""
        return ArgumentError(
            f"{what}: expected at most {len(in_order)} arguments in order{by_name}, found {len(arguments)}"
        )
    given = {*in_order[: len(arguments)]}
    if twice := sorted(given & {*keywords}):
        return ArgumentError(f"{what}: {twice[0]}: expected it once, found it in order and by name")
    needed = [p.name for p in parameters if p.default is p.empty and p.name in {*named, *in_order}]
    if missing := [name for name in needed if name not in given and name not in keywords]:
        return ArgumentError(f"{what}: expected {', '.join(needed)}, found no {missing[0]!r}")
    return None


def masked_error(what: str, function: Callable, arguments: tuple, keywords: dict) -> InputError | None:
    """The error in arguments that are masked arrays, or hold some; ``None`` if there is none, or nothing is masked.

    What is masked has no value, but NumPy gives the one below the mask.
    """
    if not (looked_at := _can_be_masked()):
        return None
    given = (*arguments, *keywords.values()) if keywords else arguments
    for value in given:  # of hundreds of thousands of calls, nearly all end after this
        if isinstance(value, looked_at) and is_masked(value):
            place = next(k for k, each in enumerate(given) if each is value)
            names = [*[*inspect.signature(function).parameters][: len(arguments)], *keywords]
            known = f" {names[place]}:" if len(names) == len(arguments) + len(keywords) else ""
            return InputError(f"{what}:{known} expected numbers, found masked ones")
    return None


def _can_be_masked() -> tuple[type, ...]:
    """What can be masked, or hold something that is; nothing can without numpy.ma."""
    masked = sys.modules.get("numpy.ma")
    return (masked.MaskedArray, list, tuple, dict) if masked else ()


def is_masked(value) -> bool:
    """Whether something of an array of numpy.ma is masked, or of one in a list or dict."""
    if not (looked_at := _can_be_masked()):
        return False
    if type(value) in (list, tuple, dict):
        parts = value.values() if type(value) is dict else value
        nested = (part for part in islice(parts, _MOST_PARTS) if isinstance(part, looked_at))
        return any(map(is_masked, nested))
    return isinstance(value, looked_at[0]) and bool(sys.modules["numpy.ma"].is_masked(value))


def explains_arguments(function: Callable, is_method: bool = False) -> Callable:
    """Make a function raise an `ArgumentError` for arguments that it does not accept.

    A function has those checked that it annotates with one of our classes; masked arrays are refused. Classes and
    their methods, whose first argument is the object or the class, have the same from `eisim.base.values.Explained`.
    """
    expected = () if is_method else tuple(_classes(function).items())
    said = function.__qualname__ if is_method else function.__name__

    @functools.wraps(function)
    def explained(*arguments, **keywords):
        for place, (name, kind) in expected:
            value = arguments[place] if place < len(arguments) else keywords.get(name)
            if (place < len(arguments) or name in keywords) and not isinstance(value, kind):
                name = function.__name__
                wrong = InputError(f"{name}: expected a {kind.__name__}, found {value!r:.60}")
                raise argument_error(name, function, arguments, keywords) or wrong
        if wrong := masked_error(said, function, arguments, keywords):
            raise wrong
        try:
            return function(*arguments, **keywords)
        except TypeError as error:
            if error.__traceback__.tb_next is None:  # the function was not entered
                called = functools.partial(function, arguments[0]) if is_method and arguments else function
                given = arguments[1:] if is_method else arguments
                raise (argument_error(said, called, given, keywords) or error) from None
            raise

    return explained


def _classes(function) -> dict[int, tuple[str, type]]:
    """Place and name of each argument that is to be a value of one of our classes, and the class."""
    parameters = enumerate(inspect.signature(function).parameters.values())
    named = {place: (p.name, p.annotation) for place, p in parameters if inspect.isclass(p.annotation)}
    return {place: each for place, each in named.items() if each[1].__module__.startswith("eisim.")}


def printable(text: str) -> str:
    r"""The text with what would steer a terminal written out, such as ``\x1b``; line ends and tabs stay."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\n\t" else _escaped(c) for c in text)


def one_line(text: str, longest: int = LONGEST) -> str:
    """The text as one printable line of bounded length: it may quote an untrusted file."""
    if len(text) > longest:
        text = f"{text[: longest * 2 // 3]} ... {text[-longest // 4 :]}"
    text = text if text.isprintable() else printable("".join(" " if c.isspace() else c for c in text))
    return text if len(text) <= longest else f"{text[: longest * 2 // 3]} ... {text[-longest // 4 :]}"


def quoted(error: BaseException) -> str:
    """What an error of another package says, in few words: without the bytes of a file that it quotes at length."""
    text = " ".join(str(error).split()) or type(error).__name__
    if len(text) <= LONGEST_QUOTED:
        return printable(text)
    kept = text[:LONGEST_QUOTED].partition("\\x")[0]
    return f"{printable(kept).rstrip()} ..."


@contextmanager
def of_hostile_file(path, expected: str) -> Iterator[None]:
    """Whatever goes wrong with the content of a file is said in one line that names it, and what was expected of it."""
    try:
        yield
        return
    except InputError as error:
        said = str(error)
    except MemoryError:
        said = "expected enough memory to read it, found too little"
    except Exception as error:  # whatever a hostile file provokes
        said = f"expected {expected}, found one that cannot be read ({type(error).__name__})"
    raise InputError(f"{path}: {one_line(said, LONGEST_OF_FILE)}") from None


def _escaped(c: str) -> str:
    return " " if c.isspace() else c.encode("unicode_escape").decode()


def did_you_mean(found: str, known: Iterable[str]) -> str:
    """The end of a line that says which names were expected: ``"; did you mean 'xor'?"``, or ``""`` if none is near."""
    from difflib import get_close_matches

    names = {name.casefold(): name for name in islice(known, _MOST_NAMES) if 0 < len(name) <= _LONGEST_NAME}
    near = get_close_matches(str(found)[:_LONGEST_NAME].casefold(), names, n=1)
    return f"; did you mean {names[near[0]]!r}?" if near else ""


def check_kind(kind: str, what: str) -> None:
    """Refuse an unknown kind of circuit; `what` names the argument."""
    if kind not in ("rate", "spiking"):
        near = did_you_mean(kind, ("rate", "spiking"))
        raise InputError(f"{what}: kind: expected 'rate' or 'spiking', found {kind!r}{near}")
