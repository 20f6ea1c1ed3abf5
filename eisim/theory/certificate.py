"""`certify`: everything the theory says of a function, before anything is simulated."""

from dataclasses import dataclass

import numpy as np

from eisim.errors import InputError
from eisim.functions import TruthTable
from eisim.theory.floor import best_monotone
from eisim.theory.inversion import inversion_complexity
from eisim.theory.order import Witness, find_witness, violating_pairs


@dataclass(frozen=True)
class Certificate:
    """What excitation alone can and cannot do with a function.

    Attributes
    ----------
    function : TruthTable
    violating_pairs : int
        Number of pairs x <= y with f(x) > f(y).
    witness : Witness or None
        One such pair, with the nearest inputs.
    floor : dict of str to float
        ``"zero_one"``: the least fraction of patterns that any excitatory-only circuit gets wrong.
    best_monotone : TruthTable
        The monotone function that attains it.
    inversion_complexity : int
        The least number of inhibitory neurons that compute the function.
    """

    function: TruthTable
    violating_pairs: int
    witness: Witness | None
    floor: dict[str, float]
    best_monotone: TruthTable
    inversion_complexity: int

    @property
    def representable(self) -> bool:
        """Whether some excitatory-only circuit computes the function."""
        return self.violating_pairs == 0


def certify(function: TruthTable) -> Certificate:
    """Prove what excitation alone can do with a truth table.

    Parameters
    ----------
    function : TruthTable

    Returns
    -------
    Certificate
    """
    if not isinstance(function, TruthTable):
        raise InputError(f"certify: expected a TruthTable, found {function!r}")
    pairs = violating_pairs(function.patterns, function.values)
    best = best_monotone(function.values, pairs)
    return Certificate(
        function=function,
        violating_pairs=len(pairs),
        witness=find_witness(function.patterns, function.values, pairs),
        floor={"zero_one": float(np.mean(best != function.values))},
        best_monotone=TruthTable("".join("01"[int(b)] for b in best)),
        inversion_complexity=inversion_complexity(function),
    )
