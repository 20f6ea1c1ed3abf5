"""What the command line says of a Brian2 script that is to be ablated, read and checked."""

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eisim.base.errors import InputError, did_you_mean
from eisim.base.units import plain_number

EFFECTS = ("inhibitory", "excitatory", "leave")


@dataclass(frozen=True)
class OwnScore:
    """The score that a script's own function makes of its spikes."""

    name: str

    def __call__(self, left: Any, spikes: dict) -> float:
        return getattr(left, self.name)(spikes)


def fractions_of(text: str) -> tuple[float, ...]:
    """The numbers of a list such as ``0,.5,1``."""
    try:
        return tuple(plain_number(each) for each in text.split(","))
    except ValueError:
        raise InputError(f"--fractions: expected numbers with commas such as 0,0.5,1, found {text!r:.60}") from None


def overrides_of(texts: Sequence[str]) -> dict[str, str]:
    """The effects of synapses by their names, given as ``NAME=EFFECT``."""
    found: dict[str, str] = {}
    for text in texts:
        name, equals, effect = text.rpartition("=")
        if not equals or not name or effect not in EFFECTS:
            hint = did_you_mean(effect, EFFECTS) if equals else ""
            raise InputError(f"--override: expected NAME={'|'.join(EFFECTS)}, found {text!r:.60}{hint}")
        if found.setdefault(name, effect) != effect:
            raise InputError(f"--override: expected one effect of {name}, found {found[name]} and {effect}")
    return found


def score_of(script: Path, name: str | None) -> OwnScore | None:
    """The score of that name, if the script may define it; nothing is executed."""
    if name is None:
        return None
    try:
        tree = ast.parse(script.read_bytes())
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # which running it reports, with the line
        return OwnScore(name)
    known = {node.name for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    known |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    names = [alias for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom)) for alias in node.names]
    known |= {alias.asname or alias.name for alias in names}
    if name not in known:
        functions = sorted(node.name for node in tree.body if isinstance(node, ast.FunctionDef))
        has = ", ".join(functions) or "none"
        raise InputError(
            f"--score: expected a function of {script.name} ({has}), found {name!r}{did_you_mean(name, functions)}"
        )
    return OwnScore(name)
