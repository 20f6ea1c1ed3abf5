"""Columns that several studies have, and what they count."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from eisim.report.proof import CONDITIONS
from eisim.report.table import Column

REASONS = (
    f"Lost, provable: no excitatory-only circuit {CONDITIONS} reaches the criterion; readout, runaway: re-fitting the "
    "threshold, scaling excitation down brings it back; wiring: another excitatory-only circuit reaches it."
)


def verdict(value: Callable, note: str) -> Column:
    """Kept, lost or not computed."""
    return Column("verdict", value, "verdict", note=note)


def floor(value: Callable, of: str = "patterns", **how) -> Column:
    """Least error of any excitatory-only circuit."""
    return Column("floor", value, note=f"Least share of {of} that any excitatory-only circuit answers wrongly.", **how)


def witness(value: Callable) -> Column:
    """Why there is a floor."""
    return Column("witness", value, note="x ≤ y with f(x) > f(y): the function is not monotone.")


def neurons(value: Callable) -> Iterator[Column]:
    """How many there are of either sign: ``value(row, sign)``."""
    for sign, name in (("E", "excitatory"), ("I", "inhibitory")):
        yield Column(f"{name} neurons", lambda row, sign=sign: value(row, sign), short=sign)


def conditions(value: Callable, note: str, decimals: int = 3) -> Iterator[Column]:
    """A measure with and without inhibition: ``value(row, condition)``."""
    for condition, meaning in (("intact", note), ("ablated", "The same without inhibition.")):
        yield Column(condition, lambda row, c=condition: value(row, c), note=meaning, decimals=decimals)


def lost(verdicts: Sequence[str], what: str) -> str:
    """How many are lost and why, in a sentence, from verdicts with reasons."""
    others = {"differs": "whose systems differ", "undecided": "undecided", "not computed": "not computed intact"}
    more = [f"{n} {said}" for verdict, said in others.items() if (n := list(verdicts).count(verdict))]
    return f"{'; '.join([counted(verdicts, what + ' lost without inhibition'), *more])}."


def counted(verdicts: Sequence[str], what: str = "") -> str:
    """How many are lost and why, in words, from verdicts with reasons."""
    found = [verdict for verdict in verdicts if verdict.startswith("lost")]
    reasons = Counter(verdict.partition(": ")[2] or "differs" for verdict in found)
    why = f" ({', '.join(f'{reason} {n}' for reason, n in reasons.most_common())})" if found else ""
    return f"{len(found)} of {len(verdicts)}{what and ' ' + what}{why}"
