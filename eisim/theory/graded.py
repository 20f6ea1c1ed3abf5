"""One inhibitory neuron is enough if it is graded: its rate carries the number of falls of the function."""

from dataclasses import dataclass, replace

import numpy as np

from eisim.circuit import Circuit, Input, Population, Projection, Readout
from eisim.functions import TruthTable
from eisim.neurons import LIF, RateUnit, ThresholdLinear
from eisim.synapses import Exponential
from eisim.theory.cells import AFFERENT_RATE, CELLS, SLACK, just_at_threshold
from eisim.theory.code import minimal_true_points
from eisim.theory.inversion import falls


@dataclass(frozen=True)
class GradedCells:
    """The neurons of a circuit with graded inhibition, and their strengths in the units of `Cells`."""

    level: RateUnit | LIF  # fires at one rate whenever it fires
    to_level: float  # of a coincidence unit onto it
    inhibitory: RateUnit | LIF  # its rate grows with the number of active levels
    drive: float  # its input for each active level, in Hz or V
    coincidence: RateUnit | LIF  # tells one rate of the inhibitory neuron from the next
    to_or: float  # of a coincidence unit onto the readout
    readout_threshold: float  # Hz


_RATE, _LIF = CELLS["rate"].neuron, CELLS["spiking"].neuron
GRADED = {
    "rate": GradedCells(
        level=_RATE,
        to_level=CELLS["rate"].to_or,
        inhibitory=ThresholdLinear(tau=_RATE.tau),
        drive=AFFERENT_RATE,
        coincidence=replace(_RATE, gain=60.0),  # type: ignore[call-arg]  # it has a gain; steep: a level more or less decides
        to_or=CELLS["rate"].to_or,
        readout_threshold=CELLS["rate"].readout_threshold,
    ),
    "spiking": GradedCells(
        # Slow excitation and a long refractory period give the same rate for any drive.
        level=replace(_LIF, refractory=8e-3, excitation=Exponential(20e-3)),
        to_level=10.0,
        # Fast-spiking, so that its rate does not saturate.
        inhibitory=replace(_LIF, refractory=0.5e-3),
        drive=1.5 * _LIF.rheobase,
        # Slow inhibition carries a rate, not single spikes.
        coincidence=replace(_LIF, inhibition=Exponential(20e-3)),
        to_or=2.5,
        readout_threshold=20.0,
    ),
}
#: Of the room between one missing input and threshold, how much the inhibition of all tolerated levels takes.
SHARE = 0.75


def build_graded(function: TruthTable, kind: str) -> Circuit:
    """The circuit of a truth table in which one inhibitory neuron carries the number of falls as its rate.

    Let L(x) be the largest number of falls on chains from 0 up to x. Whether L >= k is monotone in x for each k, so
    excitatory units compute it; together they drive the inhibitory neuron; and the function is monotone in
    (x, -L(x)), so a coincidence unit for each minimal true point, on while all its inputs are active and L is no
    higher than there, finishes it. The populations are ``"coincidence_I1"`` and ``"level"``, which drive ``"I1"``;
    ``"coincidence"``; and ``"readout"``.
    """
    cells, plain = GRADED[kind], CELLS[kind].neuron
    excites = just_at_threshold(plain, 1)
    count = falls(function.values).astype(int)
    most = int(count.max())
    populations, projections = [], []
    if most:
        reaches = count >= np.arange(1, most + 1)[:, None]
        minimal = minimal_true_points(reaches, np.ones((most, 0, len(count)), dtype=bool))
        at = np.flatnonzero(minimal.any(axis=0))
        active = function.patterns[at]
        to_level = cells.to_level * just_at_threshold(cells.level, 1)
        populations += [
            Population("coincidence_I1", "E", plain, len(at)),
            Population("level", "E", cells.level, most),
            Population("I1", "I", cells.inhibitory),
        ]
        projections += [
            Projection("x", "coincidence_I1", excites * active.T / (active.sum(axis=1) - SLACK)),
            Projection("coincidence_I1", "level", to_level * minimal[:, at].T),
            Projection("level", "I1", np.full((most, 1), _weight_of_level(cells))),
        ]
    below = count < np.arange(1, most + 1)[:, None]  # y counts as below x only where L(y) >= L(x)
    at = np.flatnonzero(minimal_true_points(function.values[None], below[None])[0])
    if len(at):
        active = function.patterns[at]
        rates = cells.inhibitory.activation(cells.drive * np.arange(most + 2)) / AFFERENT_RATE
        units = zip(active.sum(1), count[at], strict=True)
        tuned = [_tuned(n, rates[level : level + 2], level == most, kind) for n, level in units]
        weights, inhibition, tonic = np.array(tuned).T
        drive_of_input = AFFERENT_RATE * excites * (plain.excitation.area if kind == "spiking" else 1.0)
        populations.append(Population("coincidence", "E", cells.coincidence, len(at), drive_of_input * tonic))
        projections.append(Projection("x", "coincidence", excites * active.T * weights))
        if most:
            inhibits = just_at_threshold(cells.coincidence, -1)
            projections.append(Projection("I1", "coincidence", inhibits * inhibition[None]))
        projections.append(Projection("coincidence", "readout", np.full((len(at), 1), cells.to_or * excites)))
    populations.append(Population("readout", "E", plain))
    inputs, readouts = [Input("x", function.n_inputs, AFFERENT_RATE)], [Readout("readout", cells.readout_threshold)]
    return Circuit(f"{function.name}, graded", inputs, populations, projections, readouts)


def _weight_of_level(cells):
    """The weight with which an active level gives the inhibitory neuron `cells.drive`."""
    if cells.level.kind == "rate":
        return cells.drive / cells.level.maximum
    rate = cells.level.activation(cells.to_level * cells.level.rheobase)
    return cells.drive / (rate * cells.inhibitory.excitation.area)


def _tuned(n_active, rates, tolerates_all, kind):
    """Weight of inputs, of inhibition, and tonic drive of a coincidence unit, in units just at threshold.

    It is on with all its inputs while the inhibitory neuron has the first of two `rates` (in units of the inputs'),
    off at the second; and off with one input fewer, regardless of the inhibition.
    """
    strong = CELLS[kind].inhibition / rates[1]
    if n_active == 0:
        return 0.0, strong, 1 / (1 - SLACK)
    if tolerates_all:
        return 1 / (n_active - SLACK), 0.0, 0.0
    if rates[0] == 0:
        return 1 / (n_active - SLACK), strong, 0.0
    surplus = SHARE / max(n_active - 1, 0.5)
    return (1 + surplus) / n_active, surplus / np.mean(rates), 0.0
