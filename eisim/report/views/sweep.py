"""How a sweep is shown."""

from collections.abc import Iterator

import numpy as np

from eisim.base.files import to_csv
from eisim.report.numbers import column
from eisim.report.style import drawn_by
from eisim.report.table import Column, Table
from eisim.report.view import Drawing, View, show_with
from eisim.report.views.sweep_figures import MOST_AXES, about, draw_measure, overview, phase_diagram, shown, shown_in
from eisim.report.wording import capital, count, listing
from eisim.run.sweep.result import Sweep

#: Units of what is measured of circuits, by the beginning of the name, and those of axes; others have none.
UNITS = {"rate": "Hz", "frequency": "Hz"}
SIGNS = {"second": "s", "hertz": "Hz", "volt": "V", "ampere": "A", "siemens": "S", "farad": "F"}


class SweepView(View[Sweep]):
    """A table of all points, maps or curves, and a phase diagram."""

    figures_first = True

    @property
    def heading(self) -> str:
        return f"How does {self.result.subject.title} change with {listing(axis.name for axis in self.result.axes)}?"

    def to_json(self) -> dict:
        sweep = self.result
        return {
            "name": sweep.subject.title,
            "kinds": list(sweep.subject.kinds),
            "settings": dict(sweep.subject.settings),
            "axes": [{"name": axis.name, "values": list(axis.values), "unit": axis.unit} for axis in sweep.axes],
            "seeds": list(sweep.seeds),
            "numbers": {
                name: np.where(np.isfinite(values), values, None).tolist() for name, values in sweep.numbers.items()
            },
            "phases": None if sweep.phases is None else sweep.phases.tolist(),
            "failed": [
                {"point": point.show(sweep.axes), "index": list(point.index), "why": why} for point, why in sweep.failed
            ],
            "problems": sweep.problems,
        }

    def answer(self) -> Iterator[str]:
        sweep = self.result
        sizes = " × ".join(f"{len(axis.values)} values of {axis.name}" for axis in sweep.axes)
        yield f"{sizes} × {count(len(sweep.seeds), 'seed')}."
        yield from self._ranges()
        if sweep.phases is not None:
            yield f"Points by state: {self._states()}."
        if sweep.failed:
            yield f"{count(len(sweep.failed), 'point')} failed."

    def _ranges(self):
        for name in shown(self.result)[:2]:
            mean = self.result.mean(name)
            if np.isfinite(mean).any():
                places = [np.unravel_index(pick(mean), mean.shape) for pick in (np.nanargmin, np.nanargmax)]
                values = column([mean[place] for place in places], about(name).decimals)
                unit = about(name).unit and f" {about(name).unit}"
                ends = (f"{value}{unit} ({self._where(place)})" for value, place in zip(values, places, strict=True))
                yield f"{capital(about(name).name)}: {' to '.join(ends)}."

    def _where(self, index):
        axes = zip(self.result.axes, index, strict=True)
        return ", ".join(f"{axis.name} = {axis.show(axis.values[k])}" for axis, k in axes)

    def _states(self):
        found = {name: int((self.result.phases == name).sum()) for name in self.result.criteria}
        return ", ".join(f"{name} {n}" for name, n in found.items() if n)

    def tables(self) -> Iterator[Table]:
        sweep, several = self.result, len(self.result.seeds) > 1
        measures = shown(sweep)
        columns = [
            Column(axis.name, lambda index, k=k: _value(sweep.axes[k], index[k]), unit=shown_in(axis)[0])
            for k, axis in enumerate(sweep.axes)
        ]
        if sweep.phases is not None:
            columns.append(Column("state", lambda index: str(sweep.phases[index])))
        for name in measures:
            measure, mean, sd = about(name), sweep.mean(name), sweep.sd(name)
            how = {"unit": measure.unit, "decimals": measure.decimals}
            columns.append(Column(measure.name, mean.__getitem__, note=measure.meaning, **how))
            if several:
                how |= {"note": "Standard deviation over seeds.", "on_page_only": True}
                columns.append(Column(f"s.d. of {measure.name}", sd.__getitem__, **how))
        notes = [f"Mean over {count(len(sweep.seeds), 'seed')}."]
        if len(sweep.numbers) > len(measures):
            notes.append(f"{count(len(sweep.numbers), 'measure')} of each seed are in data.csv and data.nc.")
        if sweep.phases is not None:
            notes += [f"State {name}: {criterion}." for name, criterion in sweep.criteria.items()]
        if len(sweep.axes) > MOST_AXES:
            notes.append(f"Figures show up to {MOST_AXES} axes: there is none of these {len(sweep.axes)}.")
        yield Table("Points", columns, list(np.ndindex(*sweep.shape)), notes, "data.csv", keys=len(sweep.axes))

    def figures(self) -> Iterator[Drawing]:
        sweep = self.result
        if len(sweep.axes) <= MOST_AXES:
            title = capital(listing(about(name).label for name in shown(sweep)))
            names = listing(axis.name for axis in sweep.axes)
            grey = " Grey cells: no value." * (len(sweep.axes) > 1)
            bands = " with its standard deviation" if len(sweep.axes) == 1 and len(sweep.seeds) > 1 else ""
            yield Drawing(
                "sweep.svg",
                f"Measures against {names}" if len(shown(sweep)) > 1 else title,
                f"{title} against {names}: mean over seeds{bands}.{grey}",
                " ".join(self._ranges()) or "No number was found.",
                "data.csv",
                draw=lambda: overview(sweep),
            )
        if sweep.phases is not None and len(sweep.axes) == 2:
            criteria = " ".join(f"{name}: {criterion}." for name, criterion in sweep.criteria.items())
            yield Drawing(
                "phases.svg",
                "Phase diagram",
                f"The state of each point. {criteria}",
                f"Points by state: {self._states()}.",
                "phases.csv",
                draw=lambda: phase_diagram(sweep),
            )

    def files(self) -> Iterator[tuple[str, str | bytes]]:
        sweep = self.result
        columns, rows = _table(sweep)
        yield "data.csv", to_csv(rows, columns)
        if sweep.phases is not None:
            places = [
                (*(a.values[k] for a, k in zip(sweep.axes, i, strict=True)), str(sweep.phases[i]))
                for i in np.ndindex(*sweep.shape)
            ]
            yield "phases.csv", to_csv(places, [*(axis.name for axis in sweep.axes), "phase"])

    def labelled(self) -> tuple[dict, dict]:
        sweep = self.result
        dims = (*(axis.name for axis in sweep.axes), "seed")
        coordinates = {a.name: ((a.name,), _array(a), {"units": SIGNS.get(a.unit, "1")}) for a in sweep.axes}
        coordinates["seed"] = (("seed",), np.array(sweep.seeds, dtype=float), {"units": "1"})
        variables = {
            name: (dims, values, {"units": UNITS.get(name.partition("_")[0], "1")})
            for name, values in sweep.numbers.items()
        }
        if sweep.phases is not None:
            variables["phase"] = (dims[:-1], sweep.phases, {"long_name": "state"})
        return variables, coordinates


def _array(axis):
    return np.array(axis.values, dtype=float) if axis.is_numeric else np.array(list(map(str, axis.values)))


def _table(sweep):
    """Columns and rows: a row for each point and seed; ``None`` where there is no number."""
    columns = [*(axis.name for axis in sweep.axes), "seed", *sweep.numbers]
    rows = []
    for index in np.ndindex(*sweep.shape, len(sweep.seeds)):
        where = [axis.values[k] for axis, k in zip(sweep.axes, index[:-1], strict=True)]
        found = [float(values[index]) for values in sweep.numbers.values()]
        rows.append((*where, sweep.seeds[index[-1]], *(value if np.isfinite(value) else None for value in found)))
    return columns, rows


def _frame(sweep):
    import pandas

    columns, rows = _table(sweep)
    return pandas.DataFrame(rows, columns=columns)


def _value(axis, k):
    """A value of an axis as a cell, in the unit of its heading."""
    value = axis.values[k]
    if not axis.is_numeric:
        return axis.show(value)
    return float(f"{value * shown_in(axis)[1]:.12g}") if axis.unit else value


show_with(Sweep, SweepView, plot=drawn_by(draw_measure), to_dataframe=_frame)
