"""Networks that compute regions of the plane: constructed where a construction is plain, else trained.

Their input ``x`` has the two coordinates, from 0 to 1; their output is above 0 inside the region.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy import sparse

from eisim.adapter.activations import Identity
from eisim.adapter.static import DNN, Layer
from eisim.analysis.training import train
from eisim.functions import LabelledData
from eisim.neurons import Step, ThresholdLinear

#: Side of the pieces between which parabolas are straight.
PIECE = 0.1
#: Between points on a boundary and those beyond it: more than rounding, less than any cell.
HAIR = 1e-6
#: Largest number of training starts, and the share of points wrong at which training stops.
STARTS, LEARNED = 5, 0.04


def _layer(name, bias, unit, **incoming) -> Layer:
    """A layer of units; weights of each source are sources × units, or one row."""
    bias = np.atleast_1d(np.asarray(bias, dtype=float))
    weights = tuple((source, sparse.csr_array(np.reshape(w, (-1, len(bias))))) for source, w in incoming.items())
    return Layer(name, len(bias), weights, bias, unit)


def _network(*hidden: Layer, bias: float, **incoming) -> DNN:
    """A network of hidden layers and a linear output."""
    out = _layer("out", bias, Identity(), **incoming)
    return DNN((("x", 2, 1.0),), (*hidden, out), (("out", 0.0),), recurrent=False)


def half_plane(a: float, b: float, c: float) -> DNN:
    """Inside where ``a x + b y > c``."""
    return _network(x=[a, b], bias=-c)


def steps(x, y, needed: float) -> DNN:
    """Inside where more than `needed` of the thresholds in `x` and `y` lie below the coordinates."""
    weights = np.repeat(np.eye(2), [len(x), len(y)], axis=1)
    units = _layer("steps", -np.array([*x, *y]), Step(maximum=1.0), x=weights)
    return _network(units, steps=np.ones(units.size), bias=-needed)


def stripe(middle: float, half_width: float) -> DNN:
    """Inside where x + y is within half a width of the middle: the tent ``half_width - |x + y - middle|``."""
    beyond = _layer("beyond", -middle, ThresholdLinear(), x=[1, 1])
    return _network(beyond, x=[1, 1], beyond=-2, bias=half_width - middle)


def four_quadrants() -> DNN:
    """Inside where ``|x - y| > |x + y - 1|``: on one side of 1/2 with one coordinate only."""
    folds = _layer("folds", [0, -1], ThresholdLinear(), x=[[1, 1], [-1, 1]])
    return _network(folds, x=[0, 2], folds=[2, -2], bias=-1)


def _bowl(centre):
    """The squared distance from a centre in straight pieces, right in the mean: hinges and their weights."""
    places = np.arange(PIECE, 1 - PIECE / 2, PIECE)
    hinges = _layer("hinges", -np.tile(places, 2), ThresholdLinear(), x=np.repeat(np.eye(2), len(places), axis=1))
    centre = np.asarray(centre)
    constant = centre @ centre - PIECE**2 / 3  # a chord lies PIECE² / 6 above a parabola in the mean
    return hinges, PIECE - 2 * centre, np.full(hinges.size, 2 * PIECE), constant


def disc(centre, radius: float) -> DNN:
    """Inside where the squared distance is below that of the radius; hinges inhibit."""
    hinges, slope, weights, constant = _bowl(centre)
    return _network(hinges, x=-slope, hinges=-weights, bias=radius**2 - constant)


def ring(centre, inner: float, outer: float) -> DNN:
    """Inside where the squared distance is between two: it excites, and from the middle on inhibits twice as much."""
    hinges, slope, weights, constant = _bowl(centre)
    middle = (inner**2 + outer**2) / 2
    beyond = _layer("beyond", constant - middle, ThresholdLinear(), x=slope, hinges=weights)
    return _network(hinges, beyond, x=slope, hinges=weights, beyond=-2, bias=constant - inner**2)


def two_discs(first, second, radius: float) -> DNN:
    """Inside the nearer of two discs: max(a, b) = a + [b - a]+, where b - a is linear."""
    hinges, slope, weights, constant = _bowl(first)
    first, second = np.asarray(first), np.asarray(second)
    excess = _layer("excess", first @ first - second @ second, ThresholdLinear(), x=2 * (second - first))
    return _network(hinges, excess, x=-slope, hinges=-weights, excess=1, bias=radius**2 - constant)


def _trained(hidden: tuple[int, ...]):
    """Under Dale's law, on every second point each way.

    A start may end in a poor minimum, and rounding, which differs between processors, decides which one does.
    """

    def network(data: LabelledData, seed: int, report) -> DNN:
        points, side = np.arange(len(data.points)), round(len(data.points) ** 0.5)
        chosen = (points % side % 2 == 0) & (points // side % 2 == 0)
        seen, wanted, best, error = data.points[chosen], data.targets[chosen], None, np.inf
        how = {"penalty": 1e-4, "iterations": 800, "name": data.name, "report": report}
        for start in (seed, *map(int, np.random.SeedSequence(seed).generate_state(STARTS - 1))):
            found = train(seen, wanted, hidden, "dale", seed=start, **how)
            wrong = (found.decide(seen)[:, 0] != wanted).mean()
            if wrong < error:
                best, error = found, wrong
            if error <= LEARNED:
                break
        return best  # type: ignore[return-value]  # no error is infinite

    return network


#: How networks for the regions in `eisim.REGIONS` are constructed.
CONSTRUCTED: dict[str, Callable[[], DNN]] = {
    "half-plane": lambda: half_plane(1, 1, 1),
    "staircase": lambda: steps(*[np.array([0.25, 0.5, 0.75]) - HAIR] * 2, needed=3.5),
    "quadrant": lambda: steps([0.4], [0.4], 1.5),
    "rising-half-plane": lambda: half_plane(-1, 1, HAIR),
    "disc": lambda: disc((0.5, 0.5), 0.3),
    "ring": lambda: ring((0.5, 0.5), 0.2, 0.4),
    "stripe": lambda: stripe(1, 0.25),
    "two-islands": lambda: two_discs((0.28, 0.28), (0.72, 0.72), 0.2),
    "four-quadrants": four_quadrants,
}
#: The others are trained.
TRAINED = {"moons": _trained((10, 10)), "spirals": _trained((24, 24))}


def network(data: LabelledData, seed: int, report: Callable[..., None]) -> DNN:
    """The network for a region of the two tables, given as labelled points."""
    found = CONSTRUCTED[data.name]() if data.name in CONSTRUCTED else TRAINED[data.name](data, seed, report)
    return replace(found, name=data.name)


def best_excitatory(data: LabelledData, best: np.ndarray) -> DNN:
    """The excitatory-only network of a monotone function (0 or 1, non-decreasing) on the cells of the unit square.

    In each column of cells the function is 1 above a height, which does not rise from column to column: y counts
    against it, with a step unit for each fall (T4, where the minimal true points are the corners).
    """
    side = round(len(best) ** 0.5)
    heights = (best.reshape(side, side) == 0).sum(axis=0) / side  # of each column, from 0 to 1
    falls = -np.diff(heights)
    columns = np.flatnonzero(falls)
    found = _network(x=[0, 1], bias=-heights[0])
    if len(columns):
        units = _layer("steps", -(columns + 1) / side, Step(maximum=1.0), x=[np.ones(len(columns)), 0 * columns])
        found = _network(units, x=[0, 1], steps=falls[columns], bias=-heights[0])
    return replace(found, name=f"best excitatory-only: {data.name}")
