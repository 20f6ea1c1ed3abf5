"""Docstrings in numpydoc format: the meaning of each parameter, and the text for a terminal."""

import re
from inspect import cleandoc

_UNDERLINE = re.compile(r"^(-{3,}|={3,})$")
_ENTRY = re.compile(r"^(\*{0,2}\w+(?:, \*{0,2}\w+)*)(?: : (.*))?$")


def sections(doc: str | None) -> dict[str, str]:
    """The sections of a docstring by heading; text before the first has the heading ``""``."""
    lines, heading = cleandoc(doc or "").splitlines() or [""], ""
    found: dict[str, list[str]] = {"": []}
    for line, below in zip(lines, [*lines[1:], ""], strict=True):
        if line and _UNDERLINE.match(below):
            heading = line
            found.setdefault(heading, [])
        elif not (_UNDERLINE.match(line) and not found[heading]):
            found[heading].append(line)
    return {title: "\n".join(body).strip() for title, body in found.items()}


def described(doc: str | None) -> dict[str, str]:
    """Descriptions of the parameters or attributes of a docstring, by name, each in one line."""
    found: dict[str, str] = {}
    for title in ("Attributes", "Parameters", "Other Parameters"):
        names: list[str] = []
        for line in sections(doc).get(title, "").splitlines():
            if entry := _ENTRY.match(line):
                names = [name.lstrip("*") for name in entry[1].split(", ")]
                found |= dict.fromkeys(names, "")
            elif line.strip():
                found |= {name: f"{found[name]} {line.strip()}".strip() for name in names}
    return {name: plain(text) for name, text in found.items()}


def plain(text: str) -> str:
    """Text without the mark-up of reStructuredText, whose formulas stay as they are written."""
    text = re.sub(r":\w+:`([^`<]*?)(?: <[^`>]*>)?`", r"\1", text)
    text = re.sub(r"`([^`<]+?) *<[^`>]*>`__?", r"\1", text)
    text = re.sub(r"``(.+?)``|`([^`]+)`", lambda found: found[1] or found[2], text)
    return re.sub(r"^( *)\.\. \w+::.*\n(?: *:\w+:.*\n)*\n?", "", text, flags=re.MULTILINE)
