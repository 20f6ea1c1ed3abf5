"""Signs of synapses: what tables call them, and which transmitters have which."""

from collections.abc import Mapping

from eisim.base.errors import InputError, did_you_mean

#: Codes of synapses: excitatory, inhibitory, without a known sign, and of either sign ("complex", "both").
EXCITES, INHIBITS, UNKNOWN, MIXED = 1, -1, 0, 2
#: A sign column says nothing: a transmitter may.
BLANK = 7
#: Signs of transmitters by their names in lower case. 0: they have receptors of both signs; a table of one's own
#: says for a species which it is.
SIGNS = {
    "acetylcholine": 1,
    "ach": 1,
    "gaba": -1,
    "glycine": -1,
    "gly": -1,
    "glutamate": 0,
    "glut": 0,
    "glu": 0,
}
#: What sign columns hold, in lower case.
_WORDS = {
    EXCITES: ("+", "+1", "1", "e", "exc", "excitatory", "excitation", "positive", "pos", "plus"),
    INHIBITS: ("-", "-1", "i", "inh", "inhibitory", "inhibition", "negative", "neg", "minus"),
    MIXED: ("complex", "mixed", "both", "+/-", "+-", "±", "ambiguous", "dual"),
    BLANK: ("", "na", "n/a", "nan", "none", "null", "?", "unknown", "unclear", "undefined", "<na>"),
    UNKNOWN: ("unpredicted", "no pred", "no prediction", "no_pred", "nopred", "not predicted"),
}
_CODES = {word: code for code, words in _WORDS.items() for word in words}
#: What columns of the kind of a synapse hold: whether it is electrical; ``None``: the same synapse, seen from its
#: target, is left out.
_KINDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "chemical", "chem", "c", "cs", "generic_cs", "synapse", "s", "sp", "send", "nmj"), False),
    **dict.fromkeys(
        ("electrical", "electric", "elec", "el", "ej", "e", "gj", "gap", "gap junction", "gap_junction", "gapjunction"),
        True,
    ),
    **dict.fromkeys(("generic_gj", "electrical junction"), True),
    **dict.fromkeys(("r", "rp", "receive"), None),
}


def code_of(text: str) -> int | None:
    """The code of what a sign column holds, `BLANK` where that is nothing; ``None`` where its meaning is not known."""
    word = text.strip().casefold().replace("\u2212", "-")
    if word in _CODES:
        return _CODES[word]
    try:
        number = float(word)
    except ValueError:
        return None
    return {1.0: EXCITES, -1.0: INHIBITS}.get(number)


def is_electrical(text: str) -> bool | None:
    """Whether what a column of kinds holds means a gap junction; KeyError where its meaning is not known."""
    return _KINDS[text.strip().casefold()]


def words() -> str:
    """What sign columns can hold, for messages."""
    return "1 or excitatory, -1 or inhibitory, complex or both, or nothing"


def policy(given: Mapping[str, int | str] | None, what: str = "signs") -> dict[str, int]:
    """Signs of transmitters as codes, those given over `SIGNS`; ``InputError`` for what is no sign."""
    if given is not None and not isinstance(given, Mapping):
        raise InputError(
            f"{what}: expected a dict from transmitter to sign, such as {{'GABA': -1}}, found {given!r:.60}"
        )
    found = {name: sign or MIXED for name, sign in SIGNS.items()}
    for name, sign in (given or {}).items():
        if not isinstance(name, str) or not name.strip():
            raise InputError(f"{what}: expected names of transmitters, found {name!r:.60}")
        code = MIXED if not isinstance(sign, str) and sign == 0 else code_of(str(sign))
        code = UNKNOWN if code == BLANK else code
        if code is None or isinstance(sign, bool):
            raise InputError(f"{what}: {name!r:.60}: expected 1, -1 or 0 (either sign), found {sign!r:.60}")
        found[name.strip().casefold()] = code
    return found


def sign_of(transmitter: str, signs: Mapping[str, int]) -> int:
    """The code of a transmitter; of several, such as "ACh/GABA", the one that those of a known sign share."""
    name = transmitter.strip().casefold()
    if name in signs:
        return signs[name]
    codes = {signs.get(part, UNKNOWN) for part in _transmitters(name, signs)} - {UNKNOWN}
    if codes:
        return codes.pop() if len(codes) == 1 else MIXED
    return UNKNOWN


def _transmitters(name: str, signs: Mapping[str, int]) -> list[str]:
    """The transmitters of a list, in lower case: whatever separates them, but for marks within a known name."""
    found = [name]
    for mark in "/;|+,&_":
        found = [part.strip() for each in found for part in ([each] if each in signs else each.split(mark))]
    return found


def are_several(text: str) -> bool:
    """Whether a text lists several transmitters, some of which are known."""
    parts = {*_transmitters(text.strip().casefold(), SIGNS)} - {""}
    return len(parts) > 1 and not parts.isdisjoint(SIGNS)


def checked(value: str, what: str, ways: tuple[str, ...]) -> str:
    """One of several texts; ``InputError`` for others."""
    if not isinstance(value, str) or value not in ways:
        raise InputError(f"{what}: expected one of {', '.join(ways)}, found {value!r:.60}{did_you_mean(value, ways)}")
    return value
