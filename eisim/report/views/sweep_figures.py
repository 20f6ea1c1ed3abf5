"""Curves, maps and phase diagrams of a sweep, and what its measures are called."""

from typing import NamedTuple

import numpy as np

from eisim.base.errors import InputError
from eisim.report.numbers import OF_ONE
from eisim.report.style import DOUBLE, NEUTRAL, SINGLE, TALLEST, new_figure
from eisim.run.sweep.axes import Axis
from eisim.run.sweep.result import Sweep

#: Measures that a figure and a table show, and panels of the third axis.
MOST_SHOWN, MOST_COLUMNS = 6, 6
#: Axes that a figure can show.
MOST_AXES = 3


class Measure(NamedTuple):
    """What is said of a measure."""

    name: str
    unit: str = ""
    decimals: int | None = None
    meaning: str = ""

    @property
    def label(self) -> str:
        """Its name with its unit."""
        return f"{self.name} ({self.unit})" if self.unit else self.name


REGULAR = "Coefficient of variation of inter-spike intervals: 0 regular, 1 as irregular as Poisson."
ALIKE = "From 1 over the root of the number of neurons if they are independent to 1 if they are alike."
RATE_CV = "Coefficient of variation of the population rate in 1 ms, beyond that of independent neurons."
COUNTS = "Mean correlation coefficient of the spike counts of pairs in 5 ms."
#: Measures of a population, by the beginning of their names.
MEASURES = {
    "rate": Measure("rate of {}", "Hz", None, "Mean over the neurons, the read-out window and trials."),
    "cv": Measure("ISI CV of {}", "", OF_ONE, REGULAR),
    "synchrony": Measure("synchrony of {}", "", OF_ONE, ALIKE),
    "modulation": Measure("modulation of {}", "", OF_ONE, RATE_CV),
    "correlation": Measure("correlation of {}", "", 3, COUNTS),
    "frequency": Measure("peak frequency of {}", "Hz", None, "Where the power spectrum of the population rate peaks."),
    "prominence": Measure("peak prominence of {}", "", None, "Power at the peak over the median power."),
}
SCORE = Measure("score", "", OF_ONE, "How well the model does its task, from 0 to 1.")
SIGNS = {"second": ("ms", 1e3), "hertz": ("Hz", 1.0), "volt": ("mV", 1e3), "ampere": ("pA", 1e12)}
SIGNS |= {"siemens": ("nS", 1e9), "farad": ("pF", 1e12)}
MISSING = "#ececec"
PHASE_COLOURS = ("#dddddd", "#efac8f", "#f2d389", "#8fcab4", "#a9cdec", "#dcb4d0", "#c9c58b", "#b8b8e6")


def about(measure: str) -> Measure:
    """What is said of a measure, such as of ``"rate_E"``."""
    what, _, population = measure.partition("_")
    if what in MEASURES and population:
        return MEASURES[what]._replace(name=MEASURES[what].name.format(population))
    return SCORE if measure == "score" else Measure(_readable(measure))


def _readable(measure):
    """The name of a field of a row, such as ``"rows.xor.accuracy.intact.rate"``, as text."""
    rows, _, field = measure.partition(".")
    if rows != "rows" or "." not in field:
        return measure
    row, *parts = field.split(".")
    return f"{row}: {', '.join(parts).replace('_', ' ')}"


def shown_in(axis: Axis) -> tuple[str, float]:
    """The unit in which values of an axis are shown, and how many of it make one of the unit in which they are held."""
    return SIGNS[axis.unit] if axis.unit else ("", 1.0)


def shown(sweep: Sweep) -> list[str]:
    """The measures that are shown: the score and those of the first population, or the first of those that vary."""
    found = sweep.measures
    first = next((name.partition("_")[2] for name in sweep.numbers if name.startswith("rate_")), None)
    if first is not None:
        mine = [name for name in found if name == "score" or name.partition("_")[2] == first]
        found = [name for name in mine if not name.startswith(("prominence", "correlation"))] or found
    else:
        found = [name for name in found if _varies(sweep.mean(name))] or found
    return found[:MOST_SHOWN]


def _varies(values):
    return np.unique(values[np.isfinite(values)]).size > 1


def overview(sweep: Sweep):
    """The shown measures, as a figure: curves for one axis, maps for two, a row of maps for each measure for three."""
    measures = shown(sweep)
    if len(sweep.axes) == MOST_AXES:
        return _multiples(sweep, measures[:MOST_AXES])
    columns = min(3 if len(measures) > 4 else 2, len(measures))
    rows = -(-len(measures) // columns)
    width = SINGLE if columns == 1 else DOUBLE
    figure = new_figure(width, min(TALLEST, 2.15 * rows + 0.1), "constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for ax, name in zip(panels, measures, strict=False):
        draw_measure(ax, sweep, name)
    for ax in panels[len(measures) :]:
        ax.remove()
    return figure


def _multiples(sweep, measures):
    """Maps over two axes, a column for each of some values of the third: of words, or the shortest."""
    lengths = [(axis.is_numeric, len(axis.values)) for axis in sweep.axes]
    third = lengths.index(min(lengths))
    others = [k for k in range(MOST_AXES) if k != third]
    axis = sweep.axes[third]
    number = min(len(axis.values), MOST_COLUMNS)
    chosen = np.unique(np.linspace(0, len(axis.values) - 1, number).round().astype(int))
    figure = new_figure(DOUBLE, min(TALLEST, 1.9 * len(measures) + 0.3), "constrained")
    panels = figure.subplots(len(measures), len(chosen), squeeze=False, sharex=True, sharey=True)
    for row, name in zip(panels, measures, strict=True):
        values = np.moveaxis(sweep.mean(name), third, -1)
        limits = _limits(values)
        for k, ax in zip(chosen, row, strict=True):
            mesh = _map(ax, [sweep.axes[j] for j in others], values[..., k], limits)
            ax.label_outer()
            if ax in panels[0]:
                ax.set_title(f"{axis.name} = {axis.show(axis.values[k])}")
        figure.colorbar(mesh, ax=list(row), label=about(name).label, aspect=15)
    return figure


def draw_measure(ax, sweep: Sweep, measure: str):
    """Draw a measure on Axes: a curve with its standard deviation over seeds for one axis, a map for two."""
    if len(sweep.axes) > 2:
        raise InputError(f"plot: expected a sweep of 1 or 2 axes, found {len(sweep.axes)}; see to_xarray")
    mean = sweep.mean(measure)
    if len(sweep.axes) == 1:
        _curve(ax, sweep.axes[0], mean, sweep.sd(measure), len(sweep.seeds) > 1)
        ax.set_ylabel(about(measure).label)
    else:
        mesh = _map(ax, sweep.axes, mean, _limits(mean))
        ax.figure.colorbar(mesh, ax=ax, label=about(measure).label)


def _curve(ax, axis, mean, sd, several):
    x = _positions(axis)
    if axis.is_numeric:
        ax.plot(x, mean, "-o" if len(x) < 30 else "-", color="black")
        if several:
            ax.fill_between(x, mean - sd, mean + sd, color=NEUTRAL, alpha=0.25, linewidth=0)
    else:
        ax.errorbar(x, mean, sd if several else None, fmt="o", color="black", capsize=2)
    _name(ax, axis, "x")


def _map(ax, axes, values, limits):
    from matplotlib import colormaps

    cmap = colormaps["viridis"].with_extremes(bad=MISSING)
    x, y = axes
    shown = np.ma.masked_invalid(values.T)
    many = shown.size > 2500
    how = {"rasterized": True} if many else {"edgecolor": "face", "linewidth": 0.3}  # no seams between the cells
    mesh = ax.pcolormesh(_edges(x), _edges(y), shown, cmap=cmap, vmin=limits[0], vmax=limits[1], **how)
    ax.set_facecolor(MISSING)
    _name(ax, x, "x")
    _name(ax, y, "y")
    return mesh


def phase_diagram(sweep: Sweep):
    """The state of each point, over two axes, as a figure."""
    from matplotlib.colors import BoundaryNorm, ListedColormap
    from matplotlib.patches import Patch

    figure = new_figure(SINGLE + 1.3, 3.2, "constrained")
    ax = figure.subplots()
    names = [name for name in sweep.criteria if (sweep.phases == name).any()]
    colours = dict(zip(sweep.criteria, PHASE_COLOURS, strict=False))
    codes = np.full(sweep.shape, np.nan)
    for k, name in enumerate(names):
        codes[sweep.phases == name] = k
    cmap = ListedColormap([colours[name] for name in names]).with_extremes(bad="white")
    x, y = sweep.axes
    norm = BoundaryNorm(np.arange(len(names) + 1) - 0.5, len(names))
    ax.pcolormesh(_edges(x), _edges(y), np.ma.masked_invalid(codes.T), cmap=cmap, norm=norm, edgecolor="white", lw=0.3)
    if max(sweep.shape) <= 13:
        for i, j in np.ndindex(*sweep.shape):
            words = str(sweep.phases[i, j]).replace(" ", "\n")
            ax.text(_positions(x)[i], _positions(y)[j], words, ha="center", va="center", fontsize=6, linespacing=0.9)
    _name(ax, x, "x")
    _name(ax, y, "y")
    handles = [Patch(facecolor=colours[name], label=name) for name in names]
    ax.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.01, 1), title="state", borderaxespad=0)
    return figure


def _limits(values):
    known = values[np.isfinite(values)]
    return (known.min(), known.max()) if known.size else (0.0, 1.0)


def _positions(axis):
    if not axis.is_numeric:
        return np.arange(len(axis.values), dtype=float)
    return np.array(axis.values, dtype=float) * shown_in(axis)[1]


def _edges(axis):
    """Where the cells of a map end: half-way between the values."""
    x = _positions(axis)
    if len(x) == 1:
        return x[0] + np.array([-0.5, 0.5])
    between = (x[1:] + x[:-1]) / 2
    return np.concatenate([[2 * x[0] - between[0]], between, [2 * x[-1] - between[-1]]])


def _name(ax, axis, side):
    unit, _ = shown_in(axis)
    getattr(ax, f"set_{side}label")(f"{axis.name} ({unit})" if unit else axis.name)
    if not axis.is_numeric:
        words = [str(value) for value in axis.values]
        getattr(ax, f"set_{side}ticks")(range(len(words)), words)
