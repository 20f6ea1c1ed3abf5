"""Interpolation: the excitatory-only circuit of saturating units that gives monotone points their values (T4)."""

import numpy as np
from scipy import sparse

from eisim.base.errors import InputError, explains_arguments
from eisim.base.units import Measured
from eisim.circuit import Circuit, Input, Population, Projection, Readout
from eisim.functions import LabelledData
from eisim.neurons import RateUnit, Step, ThresholdLinear
from eisim.neurons.rate import CONVEX
from eisim.theory.sample import Sample
from eisim.theory.swept import find_violations

#: Most points, and most numbers in all of them.
MOST_POINTS, MOST_NUMBERS = 2_000, 200_000
#: How close to its limits a unit is taken to be, as a share of its range: for all of its sources together.
CLOSE = 1e-3
#: Inputs that stand for very large ones.
FAR = 1e15


@explains_arguments
def interpolate(data: LabelledData, neuron: RateUnit | None = None) -> Circuit:
    """Build the excitatory-only rate circuit that takes given values at given points.

    Units of the first layer compare an input with the value of a point, coincidence units of the second compare all
    inputs, and units of the third are ORs: one for each value but the lowest, of the points with that value or more.
    The readout, a threshold-linear unit, adds the differences between values.

    Parameters
    ----------
    data : LabelledData
        Points of any numbers, and targets of 0 or more, in Hz, which do not fall from a point to one above.
    neuron : RateUnit, optional
        Units of the three layers, which must saturate on both sides; `Step` by default. Others come close to the
        targets, within some thousandths of the differences between them.

    Returns
    -------
    Circuit
        Input ``"x"``, a current of 1 Hz for a value of 1; populations ``"comparison"``, ``"coincidence"``, ``"or"`` and
        ``"readout"``, with a decision threshold halfway between the lowest and the highest target. With n points in d
        dimensions the layers have at most nd, n and n units: the depth of 4 and the size of order nd of Mikulincer &
        Reichman (NeurIPS 2022, arXiv:2207.05275). Points that lie above others of the same value need no units.

    Raises
    ------
    InputError
        For targets that fall or are below 0, units that do not saturate, or more than 2,000 points.

    Examples
    --------
    >>> from eisim import LabelledData, to_dnn
    >>> from eisim.theory.interpolation import interpolate
    >>> data = LabelledData([[0, 2], [1, 1], [3, 0], [2, 3]], [10, 10, 30, 40])
    >>> circuit = interpolate(data)
    >>> circuit.is_excitatory_only, to_dnn(circuit)(data.points).ravel()
    (True, array([10., 10., 30., 40.]))
    """
    neuron = Step() if neuron is None else neuron
    _check(data)
    points, targets = data.points, data.targets
    values = np.unique(targets)
    kept = np.flatnonzero((targets > values[0]) & ~_is_above_another(points, targets))
    step = _Steps(neuron, max(len(kept), points.shape[1]))
    parts = []
    levels = points[kept]
    inputs, thresholds, needs = _comparisons(points, levels)
    gaps = np.array([_gap(points[:, i], t) for i, t in zip(inputs, thresholds, strict=True)])
    steep = step.reach / gaps
    from_input = sparse.csr_array((steep, (inputs, np.arange(len(inputs)))), shape=(points.shape[1], len(inputs)))
    parts.append(("comparison", from_input, step.middle - steep * (thresholds - gaps)))
    parts.append(("coincidence", *step.sums(needs, needs.sum(axis=0) - 0.5)))
    reaches = (targets[kept][:, None] >= values[None, 1:]).astype(float)
    parts.append(("or", *step.sums(sparse.csr_array(reaches), np.full(len(values) - 1, 0.5))))
    heights = np.diff(values)
    weights = sparse.csr_array(heights[:, None] / step.range)
    populations, projections, source = [], [], "x"
    for name, matrix, bias in parts if len(kept) else ():
        populations.append(Population(name, "E", neuron, matrix.shape[1], bias))
        projections.append(Projection(source, name, matrix))
        source = name
    lowest = values[0] - (step.low / step.range * heights.sum() if len(kept) else 0.0)
    populations.append(Population("readout", "E", ThresholdLinear(), 1, lowest))
    if len(kept):
        projections.append(Projection(source, "readout", weights))
    middle = (values[0] + values[-1]) / 2
    return Circuit(
        f"interpolation of {data.name}",
        [Input("x", points.shape[1], current=Measured(1.0, "hertz"))],
        populations,
        projections,
        [Readout("readout", middle)],
    )


def _check(data):
    n, d = data.points.shape
    if n > MOST_POINTS or n * d > MOST_NUMBERS:
        raise InputError(
            f"interpolate: expected at most {MOST_POINTS:,} points and {MOST_NUMBERS:,} numbers, found {n:,} × {d:,}"
        )
    if data.targets.min() < 0:
        raise InputError(f"interpolate: expected targets of 0 or more, which are rates, found {data.targets.min():g}")
    found = find_violations(Sample(data.points, data.targets, data.weights, data.order))
    if found.pairs:
        raise InputError(
            f"interpolate: expected targets that do not fall from a point to one above, found {found.witness}"
        )


def _is_above_another(points, targets) -> np.ndarray:
    """Which points lie above another of the same target, or repeat an earlier one."""
    found = np.zeros(len(points), bool)
    for k, point in enumerate(points):
        below = (points <= point).all(axis=1) & (targets == targets[k])
        equal = (points == point).all(axis=1)
        found[k] = (below & ~equal).any() or equal[:k].any()
    return found


def _comparisons(points, levels):
    """Pairs of an input and a value to compare it with, and by pair which points need it (pairs × points)."""
    pairs = [(i, v) for i in range(points.shape[1]) for v in np.unique(levels[:, i])]
    inputs, values = np.array([i for i, _ in pairs], int), np.array([v for _, v in pairs], float)
    return inputs, values, sparse.csr_array((values[:, None] == levels[:, inputs].T).astype(float))


def _gap(column, value) -> float:
    """Half the distance from a value to the next lower one of its input."""
    lower = column[column < value]
    return (value - lower.max()) / 2 if lower.size else 0.5


class _Steps:
    """A unit as a step between two rates: where its middle is, and how far from there it is close to both."""

    def __init__(self, neuron, sources):
        if not isinstance(neuron, RateUnit):
            raise InputError(f"interpolate: neuron: expected a RateUnit, found {neuron!r:.80}")
        self.low, self.high, further = (float(neuron.activation(np.float64(u))) for u in (-FAR, FAR, 1e3 * FAR))
        self.range = self.high - self.low
        is_unbounded = neuron.excitatory_class == CONVEX or not further - self.high <= CLOSE * self.range
        if is_unbounded or not self.range > 0:
            raise InputError(f"interpolate: neuron: expected a unit that saturates on both sides, found {neuron!r:.80}")
        below, above = -FAR, FAR
        for _ in range(200):
            middle = (below + above) / 2
            if neuron.activation(np.float64(middle)) > (self.low + self.high) / 2:
                above = middle
            else:
                below = middle
        self.middle, self.reach, off = above, 1e-9 * max(abs(above), 1.0), CLOSE / sources * self.range
        while (
            neuron.activation(np.float64(self.middle - self.reach)) > self.low + off
            or neuron.activation(np.float64(self.middle + self.reach)) < self.high - off
        ):
            self.reach *= 2

    def sums(self, sources, thresholds):
        """Weights and bias of units that are on if more of their sources than a threshold are; sources × units."""
        steep = 4 * self.reach
        weights = sources * (steep / self.range)
        offset = self.low * np.asarray(weights.sum(axis=0)).ravel()
        return sparse.csr_array(weights), self.middle - steep * thresholds - offset
