"""Numbers of one run: rates, irregularity, synchrony, a raster, the user's score."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from eisim.analysis.rasters import irregularity_of, synchrony_of
from eisim.studies.brian2_networks.result import GroupSpikes

#: Width of the bins of synchrony, in s, as in `eisim.activity.synchrony`.
BIN = 1e-3
#: Neurons of each group in a raster.
RASTER = 100


@dataclass(frozen=True)
class Measured:
    """Numbers of one group in one run."""

    size: int
    duration: float
    rate: float
    cv: float
    synchrony: float


def measured(spikes: GroupSpikes) -> Measured:
    """The numbers of a group."""
    step = np.round(spikes.t / spikes.dt).astype(np.int64)
    neuron = spikes.i.astype(np.int64)
    copy = np.zeros(step.size, np.int64)
    rate = step.size / (spikes.size * spikes.duration) if spikes.duration > 0 else math.nan
    cv = irregularity_of(copy, neuron, step, 1, spikes.size)
    width = max(1, round(BIN / spikes.dt))
    bins = round(spikes.duration / spikes.dt) // width
    synchrony = math.nan
    if bins >= 2:
        index = step // width
        inside = (index >= 0) & (index < bins)
        copy, neuron, index = copy[inside], neuron[inside], index[inside]
        mean = np.bincount(index, minlength=bins).reshape(1, bins) / spikes.size
        synchrony = float(synchrony_of(copy, neuron, index, mean, spikes.size)[0])
    return Measured(spikes.size, spikes.duration, rate, float(cv[0]), synchrony)


def digest(spikes: Mapping[str, GroupSpikes]) -> str:
    """A digest that equal spikes share."""
    found = hashlib.sha256()
    for name, each in sorted(spikes.items()):
        found.update(f"{name} {each.size} {each.duration!r} {each.t.size};".encode())
        found.update(np.ascontiguousarray(each.t).tobytes())
        found.update(np.ascontiguousarray(each.i).tobytes())
    return found.hexdigest()


def first_difference(one: Mapping[str, GroupSpikes], other: Mapping[str, GroupSpikes]) -> float | None:
    """Time from which on two sets of spikes differ, in s; ``None`` if they are equal."""
    times = []
    for name in one.keys() | other.keys():
        a, b = one.get(name), other.get(name)
        if a is None or b is None:
            times.append(0.0)
            continue
        n = min(a.t.size, b.t.size)
        differ = np.flatnonzero((a.t[:n] != b.t[:n]) | (a.i[:n] != b.i[:n]))
        if differ.size:
            times.append(float(min(a.t[differ[0]], b.t[differ[0]])))
        elif a.t.size != b.t.size:
            times.append(float((a.t if a.t.size > n else b.t)[n]))
    return min(times, default=None)


def raster(spikes: GroupSpikes) -> tuple[np.ndarray, np.ndarray]:
    """Times and neurons of the spikes of some neurons, spread evenly."""
    chosen = np.unique(np.linspace(0, spikes.size - 1, min(RASTER, spikes.size)).astype(np.int32))
    shown = np.isin(spikes.i, chosen)
    return spikes.t[shown], spikes.i[shown]
