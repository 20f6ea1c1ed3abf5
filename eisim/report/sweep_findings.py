"""What a sweep found, for its page."""

import numpy as np

from eisim.report.findings import Findings, PageColumn, PageTable, Picture
from eisim.report.numbers import column
from eisim.report.sweep import MOST_AXES, MOST_SHOWN, SIGNS, decimals_of, label_of, name_of, shown, unit_of
from eisim.report.wording import answer, capital, count, listing

MEANINGS = {
    "score": "How well the model does its task, from 0 to 1.",
    "rate": "Mean over the neurons, the read-out window and trials.",
    "cv": "Coefficient of variation of inter-spike intervals: 0 regular, 1 as irregular as Poisson.",
    "synchrony": "From 1 over the root of the number of neurons if they are independent to 1 if they are alike.",
    "modulation": "Coefficient of variation of the population rate in 1 ms, beyond that of independent neurons.",
    "correlation": "Mean correlation coefficient of the spike counts of pairs in 5 ms.",
    "frequency": "Where the power spectrum of the population rate peaks.",
    "prominence": "Power at the peak over the median power.",
}


def findings(sweep) -> Findings:
    """What the page of ``python -m eisim sweep`` shows, of an `eisim.run.sweep.Sweep`."""
    names = listing(axis.name for axis in sweep.axes)
    return Findings(
        question=f"How does {sweep.subject.title} change with {names}?",
        answer=answer(_size(sweep), *map(str, _ranges(sweep)), _states(sweep), _failures(sweep)),
        tables=(_points(sweep),),
        pictures=tuple(_pictures(sweep)),
        figures_first=1,
    )


def _size(sweep):
    each = "" if len(sweep.seeds) == 1 else f", each with {count(len(sweep.seeds), 'seed')}"
    values = listing(f"{count(len(axis.values), 'value')} of {axis.name}" for axis in sweep.axes)
    return f"{capital(values)} make {count(int(np.prod(sweep.shape)), 'place')}{each}."


def _where(sweep, index):
    return ", ".join(f"{axis.name} = {axis.show(axis.values[k])}" for axis, k in zip(sweep.axes, index, strict=True))


def _ranges(sweep):
    for name in shown(sweep)[:2]:
        mean = sweep.mean(name)
        if not np.isfinite(mean).any():
            continue
        low, high = (np.unravel_index(pick(mean), mean.shape) for pick in (np.nanargmin, np.nanargmax))
        unit = f" {unit_of(name)}" if unit_of(name) else ""
        least, largest = (f"{text}{unit}" for text in column([mean[low], mean[high]], decimals_of(name)))
        if mean[low] == mean[high]:
            yield f"The {name_of(name)} is {least} everywhere."
        else:
            yield (
                f"The {name_of(name)} goes from {least} at {_where(sweep, low)} to {largest} at {_where(sweep, high)}."
            )


def _states(sweep):
    if sweep.phases is None:
        return ""
    found = [(name, int((sweep.phases == name).sum())) for name in sweep.criteria]
    words = [f"{name} is found at {count(n, 'place')}" for name, n in found if n]
    return f"Of the states, {listing(words)}."


def _failures(sweep):
    if not sweep.failed:
        return ""
    n = len(sweep.failed)
    return f"{count(n, 'point')} failed, so {'its numbers are' if n == 1 else 'their numbers are'} missing."


def _points(sweep):
    measures = shown(sweep)
    columns = [
        PageColumn(axis.name, "number" if axis.is_numeric else "text", SIGNS[axis.unit][0] if axis.unit else "")
        for axis in sweep.axes
    ]
    if sweep.phases is not None:
        columns.append(PageColumn("state", note="By the mean numbers of the point; the criteria are below."))
    for name in measures:
        how = ("number", unit_of(name))
        note, decimals = MEANINGS.get(name.partition("_")[0], ""), decimals_of(name)
        columns.append(PageColumn(name_of(name), *how, note, decimals))
        if len(sweep.seeds) > 1:
            columns.append(PageColumn(f"spread of {name_of(name)}", *how, "Standard deviation over seeds.", decimals))
    means, spreads = [sweep.mean(name) for name in measures], [sweep.spread(name) for name in measures]
    rows = []
    for index in np.ndindex(*sweep.shape):
        row = [_value(axis, axis.values[k]) for axis, k in zip(sweep.axes, index, strict=True)]
        if sweep.phases is not None:
            row.append(str(sweep.phases[index]))
        for mean, spread in zip(means, spreads, strict=True):
            row.append(_number(mean[index]))
            if len(sweep.seeds) > 1:
                row.append(_number(spread[index]))
        rows.append(tuple(row))
    notes = [f"The mean over {count(len(sweep.seeds), 'seed')}."]
    if len(sweep.numbers) > len(measures):
        notes.append(f"All {count(len(sweep.numbers), 'measure')} of each seed are in data.csv and data.nc.")
    if sweep.phases is not None:
        notes += [f"State {name}: {criterion}." for name, criterion in sweep.criteria.items()]
    if len(sweep.axes) > MOST_AXES:
        notes.append(f"A figure shows up to {MOST_AXES} axes, so there is none of these {len(sweep.axes)}.")
    return PageTable("Points", tuple(columns), tuple(rows), tuple(notes), "data.csv", keys=len(sweep.axes))


def _value(axis, value):
    """A value of an axis as a cell, in the unit of its heading."""
    if not axis.is_numeric:
        return axis.show(value)
    return float(f"{value * SIGNS[axis.unit][1]:.12g}") if axis.unit else value


def _number(value):
    return float(value) if np.isfinite(value) else None


def _pictures(sweep):
    if len(sweep.axes) <= MOST_AXES:
        names = listing(axis.name for axis in sweep.axes)
        one = len(sweep.axes) == 1
        how = "The mean over seeds" + (
            ", with a band of its standard deviation." if one and len(sweep.seeds) > 1 else "."
        )
        if not one:
            how += " Grey cells have no number."
        yield Picture(
            "sweep.svg",
            f"{capital(listing(map(label_of, shown(sweep)[:MOST_SHOWN])))}",
            f"{capital(listing(map(label_of, shown(sweep))))} against {names}. {how}",
            " ".join([*_ranges(sweep)]) or "No number was found.",
            "data.csv",
        )
    if sweep.phases is not None and len(sweep.axes) == 2:
        criteria = " ".join(f"{name}: {criterion}." for name, criterion in sweep.criteria.items())
        yield Picture(
            "phases.svg", "Phase diagram", f"The state of each point. {criteria}", _states(sweep), "phases.csv"
        )
