"""The floor of a wiring: the least error on data of any circuit with these signs from inputs to a readout (T10).

With a sign for each input, points are ordered by x <= y where all walks are excitatory, by x >= y where all are
inhibitory, and only if equal where there are walks of both signs; inputs without a walk do not count. Every circuit of
the wiring computes a function that does not fall in this preorder, so floors are those of T3 in it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from eisim.base.display import tabulated
from eisim.base.errors import InputError, did_you_mean
from eisim.base.progress import Report, silent
from eisim.base.values import ByName, Shown
from eisim.functions import LabelledData
from eisim.theory import floor as floors
from eisim.theory.order import Witness
from eisim.theory.sample import Sample
from eisim.theory.structure.certificate import BLIND, FALLS, MIXED, RISES, WORDS
from eisim.theory.swept import find_violations

#: Other ways to write the words.
_SAME = {"+": RISES, "-": FALLS, "": BLIND, "+-": MIXED, "both": MIXED}
#: The route that an input lacks if a witness differs in it.
LACKING = {RISES: "inhibitory", FALLS: "excitatory", BLIND: "any"}


@dataclass(frozen=True, eq=False, repr=False)
class WiringFloor(Shown):
    """What circuits of a wiring can and cannot do with a function.

    Attributes
    ----------
    data : LabelledData
        The function as labelled points.
    signs : dict of str to str
        For each input ``"rises"``, ``"falls"``, ``"none"`` or ``"mixed"``.
    violating_pairs : int
        Number of pairs of points that are ordered by the signs and at which the function falls.
    witness : Witness or None
        The pair with the largest fall: no circuit of this wiring computes the function.
    lacking : tuple of (str, str)
        Inputs in which the points of the witness differ, and the route to the readout that each lacks:
        ``"inhibitory"``, ``"excitatory"``, or ``"any"``. Every circuit that computes the function has one of them.
    floor : dict of str to float
        No circuit of this wiring has a smaller error, as in `Certificate`; one of this wiring may have a larger one.
    best : dict of str to ndarray
        For each loss the values, at the points, of a function of this order that attains the floor.
    """

    data: LabelledData
    signs: dict[str, str]
    violating_pairs: int
    witness: Witness | None
    lacking: tuple[tuple[str, str], ...]
    floor: dict[str, float]
    best: dict[str, np.ndarray]

    def __post_init__(self):
        for by_loss in ("floor", "best"):
            object.__setattr__(self, by_loss, ByName(f"WiringFloor.{by_loss}", getattr(self, by_loss)))

    def __repr__(self):
        can = "a function of its order"
        if not self.representable:
            floor = ", ".join(f"{loss.replace('_', '-')} floor {value:.4g}" for loss, value in self.floor.items())
            can = f"no circuit of the wiring computes it; {self.violating_pairs:,} violating pairs, {floor}"
        return f"<WiringFloor of {self.data.name!r}: {can}>"

    @property
    def representable(self) -> bool:
        """Whether the function does not fall in the order of the signs, so that they do not exclude it."""
        return self.violating_pairs == 0

    def to_dict(self) -> dict:
        """Plain values, without the best functions."""
        return {
            "function": self.data.name,
            "signs": dict(self.signs),
            "representable": self.representable,
            "violating_pairs": self.violating_pairs,
            "witness": self.witness and [list(self.witness.lower), list(self.witness.upper)],
            "lacking": [{"input": name, "route": route} for name, route in self.lacking],
            "floor": dict(self.floor),
        }

    to_dataframe = tabulated("The points as a pandas DataFrame: inputs, target, weight, and the best functions.")


def certify_with_signs(
    data: LabelledData, signs: Mapping[str, str] | Sequence[str], losses: Sequence[str], report: Report = silent
) -> WiringFloor:
    """The floor of data for circuits with these signs from inputs to the readout."""
    words = _words(data, signs)
    order = None if data.order is None else _ordered(data.order, words)
    sample = Sample(_ordered(data.points, words), data.targets, data.weights, order)
    found = find_violations(sample, report)
    solved = {loss: getattr(floors, loss)(found if loss in ("zero_one", "linf") else sample, report) for loss in losses}
    witness, lacking = None, []
    if (pair := found.worst) is not None:
        lower, upper = (tuple(data.points[i].tolist()) for i in pair)
        witness = Witness(lower, upper)
        differ = np.flatnonzero(data.ordered[pair[0]] != data.ordered[pair[1]])
        lacking = [(data.names[k], LACKING[words[k]]) for k in differ]
    return WiringFloor(
        data,
        dict(zip(data.names, words, strict=True)),
        found.pairs,
        witness,
        tuple(lacking),
        {loss: floor for loss, (floor, _) in solved.items()},
        {loss: best for loss, (_, best) in solved.items()},
    )


def _ordered(points: np.ndarray, words: Sequence[str]) -> np.ndarray:
    """Columns whose dominance order is that of the signs."""
    columns = [np.zeros(len(points), dtype=points.dtype)] if set(words) == {BLIND} else []
    for x, word in zip(points.T, words, strict=True):
        columns += {RISES: [x], FALLS: [-x], MIXED: [x, -x], BLIND: []}[word]
    return np.column_stack(columns)


def _words(data, given) -> list[str]:
    """The word of each input."""
    if isinstance(given, Mapping):
        for name in data.names:
            if name not in given:
                found = f"none{did_you_mean(name, map(str, given))}"
                raise InputError(f"certify: signs: expected a sign of input {name!r}, found {found}")
        for name in given:
            if name not in data.names:
                wanted = ", ".join(data.names[:6])
                hint = did_you_mean(str(name), data.names)
                raise InputError(f"certify: signs: expected inputs of the data ({wanted}), found {name!r:.60}{hint}")
        given = [given[name] for name in data.names]
    if isinstance(given, str) or not isinstance(given, Sequence) or len(given) != len(data.names):
        wanted = f"a sign for each of {len(data.names)} inputs, by name or in order"
        raise InputError(f"certify: signs: expected {wanted}, found {given!r:.60}")
    words = [_SAME.get(word, word) if isinstance(word, str) else word for word in given]
    for word in words:
        if not isinstance(word, str) or word not in WORDS:
            raise InputError(f"certify: signs: expected {', '.join(WORDS)}, + or -, found {word!r:.60}")
    return words
