"""Results of a sweep, labelled."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from eisim.base.display import display, labelled, tabulated
from eisim.base.errors import InputError, did_you_mean
from eisim.base.values import Shown
from eisim.run.sweep.axes import Axis
from eisim.run.sweep.subject import Point, Subject, over_known


@dataclass(frozen=True, eq=False, repr=False)
class Sweep(Shown):
    """Results of a sweep.

    Attributes
    ----------
    subject : Subject
        What was swept.
    axes : tuple of Axis
    seed : int
        From which the seeds of the points follow.
    seeds : tuple of int
        The same ones at each point.
    numbers : dict of str to ndarray of shape (values of each axis..., seeds)
        By measure; NaN where a point failed or lacks the measure. Read-only.
    failed : tuple of (Point, str)
        Points that failed, and why.
    phases : ndarray of str, shape (values of each axis...), or None
        The state of each point by its mean numbers, where the model names states.
    criteria : mapping of str to str
        The states that the model tells apart, each with its criterion.
    """

    subject: Subject
    axes: tuple[Axis, ...]
    seed: int
    seeds: tuple[int, ...]
    numbers: dict[str, np.ndarray]
    failed: tuple[tuple[Point, str], ...] = ()
    phases: np.ndarray | None = None
    criteria: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self):
        for values in self.numbers.values():
            values.flags.writeable = False

    def __repr__(self):
        axes = " × ".join(f"{len(axis.values)} of {axis.name}" for axis in self.axes)
        return f"<Sweep of {self.subject.title}: {axes} × {len(self.seeds)} seeds; {', '.join(self.numbers)}>"

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of values on each axis."""
        return tuple(len(axis.values) for axis in self.axes)

    @property
    def problems(self) -> list[str]:
        """Points that failed, as text."""
        return [f"{point.show(self.axes)} failed: {why}" for point, why in self.failed]

    @property
    def measures(self) -> list[str]:
        """Measures that differ between points, the score first; if none differs all of them."""
        means = {name: self.mean(name) for name in self.numbers}
        differ = [name for name, values in means.items() if np.unique(values[np.isfinite(values)]).size > 1]
        return differ or list(self.numbers)

    def mean(self, measure: str) -> np.ndarray:
        """Mean of a measure over the seeds with a value, shape (values of each axis...); NaN where there is none."""
        return np.apply_along_axis(over_known, -1, self._values(measure))

    def sd(self, measure: str) -> np.ndarray:
        """Standard deviation of a measure over the seeds with a value."""
        return np.apply_along_axis(over_known, -1, self._values(measure), np.std)

    def spread(self, measure: str) -> np.ndarray:
        """The former name of `sd`."""
        warnings.warn("Sweep.spread is now Sweep.sd", DeprecationWarning, stacklevel=2)
        return self.sd(measure)

    def _values(self, measure):
        if measure not in self.numbers:
            found = f"{measure!r}{did_you_mean(measure, self.numbers)}"
            raise InputError(f"measure: expected one of {', '.join(self.numbers)}, found {found}")
        return self.numbers[measure]

    to_xarray = labelled("The numbers as an `xarray.Dataset`: dimensions are the axes and ``seed``.")
    to_dataframe = tabulated("The numbers as a `pandas.DataFrame`: a row for each point and seed.")

    def plot(self, measure: str | None = None, ax=None, **keywords):
        """Draw a measure: a curve with its standard deviation over seeds for one axis, a map for two.

        Parameters
        ----------
        measure : str, optional
            The first one by default.
        ax : Axes, optional
            A new figure's by default.

        Returns
        -------
        Axes

        Raises
        ------
        InputError
            For more than two axes, or an unknown measure.
        """
        return display("plot", self)(self, ax, keywords, measure=measure or self.measures[0])


def with_phases(sweep: Sweep, phase: Callable[[Mapping[str, float]], str], criteria: Mapping[str, str]) -> Sweep:
    """The sweep with the state of each point, which `phase` names by the point's mean numbers."""
    means = {name: sweep.mean(name) for name in sweep.numbers}
    found = np.empty(sweep.shape, dtype=object)
    failed = {point.index[:-1] for point, _ in sweep.failed}
    for index in np.ndindex(*sweep.shape):
        mine = {name: float(values[index]) for name, values in means.items()}
        found[index] = "" if index in failed and not np.isfinite(list(mine.values())).any() else phase(mine)
    return replace(sweep, phases=found.astype(str), criteria=dict(criteria))
