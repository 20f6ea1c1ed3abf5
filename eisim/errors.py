"""The one error that a user's input can cause, and what the user may have meant."""

from collections.abc import Iterable


class InputError(ValueError):
    """Bad input: one line that names the thing, what was found and what was expected."""


def did_you_mean(found: str, known: Iterable[str]) -> str:
    """The end of a line that says which names were expected: ``"; did you mean 'xor'?"``, or ``""`` if none is near."""
    from difflib import get_close_matches

    names = {name.casefold(): name for name in known}
    near = get_close_matches(str(found).casefold(), names, n=1)
    return f"; did you mean {names[near[0]]!r}?" if near else ""


def check_kind(kind: str, what: str) -> None:
    """Refuse what is no kind of circuit; `what` is asked for it."""
    if kind not in ("rate", "spiking"):
        near = did_you_mean(kind, ("rate", "spiking"))
        raise InputError(f"{what}: kind: expected 'rate' or 'spiking', found {kind!r}{near}")
