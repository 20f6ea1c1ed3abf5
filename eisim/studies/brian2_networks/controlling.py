"""Controls of the ablation of a script: excitation scaled down with it, and shams that take as much elsewhere.

Weights are what a spike adds, so that those of excitation and inhibition compare only where they have one unit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from eisim.studies.brian2_networks.result import Finding
from eisim.studies.controls import ALL, BETWEEN, FEW_FACTORS, NONE

COMPENSATED, SHAM_EXCITATION, SHAM_RANDOM = "compensated", "sham_excitation", "sham_random"
NO_THRESHOLD = "a score of one's own has no threshold that could be re-fitted"


@dataclass(frozen=True)
class Control:
    """What is changed beside, or in the place of, the fraction of inhibition that the ablation removes."""

    condition: str
    fraction: float  # of the ablation
    scale: float = 1.0  # of excitation
    scaled: str = ""


@dataclass(frozen=True)
class Amounts:
    """What is lost, as shares: of inhibition, of excitation between populations and of inputs, and at random."""

    inhibition: float = 0.0
    between: float = 0.0
    inputs: float = 0.0
    random: float = 0.0
    draw: int = 0


class NotHadError(BaseException):  # a script's own try does not catch it
    """A control that a network does not allow, with the reason."""


def controls_of(fraction: float) -> tuple[Control, ...]:
    """The controls of an ablation of this fraction."""
    between = (Control(COMPENSATED, fraction, scale, BETWEEN) for scale in (*FEW_FACTORS, NONE))
    every = (Control(COMPENSATED, fraction, scale, ALL) for scale in FEW_FACTORS)
    return (*between, *every, Control(SHAM_EXCITATION, fraction), Control(SHAM_RANDOM, fraction))


def amounts_of(run, rows: Sequence[Finding], draw: int = 0) -> Amounts:
    """What is lost in a run, a fraction or a control, of synapses with these findings."""
    if not isinstance(run, Control):
        return Amounts(inhibition=float(run))
    exciting = [row for row in rows if row.is_excitation]
    between = [row for row in exciting if not row.is_input]
    if run.scaled == ALL and len(between) == len(exciting):
        raise NotHadError("no excitatory synapses come from inputs")
    if run.condition != SHAM_RANDOM and not exciting:
        raise NotHadError("no synapses excite")
    if run.scaled != ALL and run.condition != SHAM_RANDOM and not between:
        raise NotHadError("no synapses excite between populations")
    if run.condition == COMPENSATED:
        lost = 1 - run.scale
        return Amounts(run.fraction, lost, lost if run.scaled == ALL else 0.0)
    inhibiting = [row for row in rows if row.is_scaled]
    of_all = run.condition == SHAM_RANDOM
    share, _ = share_of(inhibiting, between, of_all)
    share = run.fraction * share
    return Amounts(random=min(1.0, share), draw=draw) if of_all else Amounts(between=min(1.0, share))


def share_of(inhibiting: Sequence[Finding], exciting: Sequence[Finding], of_all: bool) -> tuple[float, str]:
    """Inhibition as a share of excitation, or of all synapses between populations; and by what it is one.

    That is the summed weight where all have one unit, else the number of synapses.
    """
    own = [row for row in inhibiting if not row.is_input] if of_all else inhibiting
    rows = {*inhibiting, *exciting}
    weights = sum(row.weights[0] for row in inhibiting), sum(row.weights[1] for row in exciting)
    is_by_weight = len({row.unit for row in rows}) == 1 and all(math.isfinite(w) and w > 0 for w in weights)
    if is_by_weight:
        whole = weights[1] + (sum(row.weights[0] for row in own) if of_all else 0.0)
        return weights[0] / whole, "weight"
    numbers = sum(row.numbers[0] for row in inhibiting), sum(row.numbers[1] for row in exciting)
    whole = numbers[1] + (sum(row.numbers[0] for row in own) if of_all else 0)
    if not whole:
        raise NotHadError("no synapses between populations")
    return numbers[0] / whole, "number of synapses"
