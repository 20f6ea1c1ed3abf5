"""Numbers and names in sentences."""

from collections.abc import Iterable, Sequence


def count(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun: ``"1 circuit"``, ``"2 circuits"``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def listing(words: Iterable[str], most: int = 0) -> str:
    """Words one after another: ``"a, b and c"``; with `most`, those beyond are counted only."""
    words = list(words)
    if most and len(words) > most:
        words = [*words[:most], f"{len(words) - most:,} more"]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""


def share(value: float) -> str:
    """A share in per cent, with a decimal, or with two digits if it is small."""
    return f"{value:.1%}" if value >= 1e-3 or value == 0 else f"{100 * value:.2g}%"


def capital(sentence: str) -> str:
    """The sentence with a capital at its beginning, the rest as it is."""
    return sentence[:1].upper() + sentence[1:]


def answer(*sentences: str, problems: Sequence[str] = ()) -> str:
    """Sentences in a row; where checks failed, the last one says so."""
    if problems:
        failed = count(len(problems), "check")
        sentences = (*sentences, f"But {failed} failed, so read the problems before this answer.")
    return " ".join(sentence for sentence in sentences if sentence)
