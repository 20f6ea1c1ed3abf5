"""Regions of the plane."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from eisim.base.errors import InputError
from eisim.base.values import Brief, ByName, Shown
from eisim.functions.labelled_data import LabelledData


@dataclass(frozen=True, eq=False, repr=False)
class Cells(Brief):
    """The function of a region that is known by its cells alone.

    `inside` says of each cell of the unit square whether it lies inside; rows by y, columns by x, both upwards.
    """

    inside: np.ndarray

    def __call__(self, x, y) -> np.ndarray:
        """Whether each point lies in a cell that is inside."""
        n = len(self.inside)
        column, row = (np.clip(np.floor(np.asarray(c) * n).astype(int), 0, n - 1) for c in (x, y))
        return self.inside[row, column]


@dataclass(frozen=True, repr=False)
class Region(Shown):
    """A set of points of the unit square: the function is 1 inside and 0 outside.

    Attributes
    ----------
    name : str
    contains : callable
        ``contains(x, y)`` for arrays of coordinates from 0 to 1: whether each point lies inside, array of bool.
    resolution : int
        The region is judged at the centres of resolution × resolution equal cells.

    Raises
    ------
    InputError
        If `resolution` is below 2, or `contains` does not answer with one truth value for each point.
    """

    name: str
    contains: Callable[[np.ndarray, np.ndarray], np.ndarray]
    resolution: int = 64

    def __post_init__(self):
        if not isinstance(self.resolution, (int, np.integer)) or self.resolution < 2:
            raise InputError(f"region {self.name!r}: resolution: expected 2 or more, found {self.resolution!r}")

    def __repr__(self):
        return f"<Region {self.name!r}: {self.resolution} × {self.resolution} cells>"

    def __reduce__(self):
        """Regions of eisim are pickled by name: their functions have none."""
        known = REGIONS.get(self.name)
        if known is None or known.contains is not self.contains:
            return super().__reduce__()
        return _named, (self.name, self.resolution)

    def labelled(self) -> LabelledData:
        """The region as labelled points, one for each cell."""
        centres = (np.arange(self.resolution) + 0.5) / self.resolution
        x, y = (grid.ravel() for grid in np.meshgrid(centres, centres))
        inside = np.asarray(self.contains(x, y))
        if inside.shape != x.shape or not set(np.unique(inside)) <= {0, 1}:
            found = f"{inside.dtype} of shape {inside.shape}"
            raise InputError(f"region {self.name!r}: contains: expected {x.size} truth values, found {found}")
        return LabelledData(np.column_stack([x, y]), inside, names=("x", "y"), target="inside", name=self.name)


def _named(name, resolution):
    return replace(REGIONS[name], resolution=resolution)


def _disc(x, y, centre, radius):
    return np.hypot(x - centre[0], y - centre[1]) < radius


def _to_half_circle(x, y, centre, radius, upper):
    """Distance from the upper or lower half of a circle."""
    dx, dy = x - centre[0], y - centre[1]
    to_ends = np.minimum(np.hypot(dx - radius, dy), np.hypot(dx + radius, dy))
    return np.where((dy >= 0) == upper, np.abs(np.hypot(dx, dy) - radius), to_ends)


def _moons(x, y):
    """Nearer to the upper than to the lower of two interleaved half circles."""
    return _to_half_circle(x, y, (0.36, 0.42), 0.25, True) < _to_half_circle(x, y, (0.64, 0.58), 0.25, False)


def _spirals(x, y):
    """On one of two arms that wind around the centre, a turn every 0.45."""
    dx, dy = x - 0.5, y - 0.5
    return np.sin(np.arctan2(dy, dx) - 2 * np.pi * np.hypot(dx, dy) / 0.45) > 0


#: Regions that an excitatory-only circuit can compute, then the geometric forms of those that it cannot: a boundary of
#: positive slope, closed regions, disconnected regions.
_REGIONS = (
    Region("half-plane", lambda x, y: x + y > 1),
    Region("staircase", lambda x, y: np.floor(4 * x) + np.floor(4 * y) >= 4),
    Region("quadrant", lambda x, y: (x > 0.4) & (y > 0.4)),
    Region("rising-half-plane", lambda x, y: y > x),
    Region("disc", lambda x, y: _disc(x, y, (0.5, 0.5), 0.3)),
    Region("ring", lambda x, y: _disc(x, y, (0.5, 0.5), 0.4) & ~_disc(x, y, (0.5, 0.5), 0.2)),
    Region("stripe", lambda x, y: np.abs(x + y - 1) < 0.25),
    Region("two-islands", lambda x, y: _disc(x, y, (0.28, 0.28), 0.2) | _disc(x, y, (0.72, 0.72), 0.2)),
    Region("four-quadrants", lambda x, y: (x > 0.5) != (y > 0.5)),
    Region("moons", _moons),
    Region("spirals", _spirals),
)
REGIONS = ByName("REGIONS", {region.name: region for region in _REGIONS})
