"""Synthesis: from a truth table to the circuit that computes it with the least inhibition."""

from dataclasses import dataclass

import numpy as np

from eisim.circuit import Circuit, Input, Population, Projection, Readout
from eisim.errors import InputError
from eisim.functions import TruthTable
from eisim.neurons import LIF, RateUnit, Saturating
from eisim.theory.certificate import certify
from eisim.theory.inversion import falls, inversion_complexity


@dataclass(frozen=True)
class Gate:
    """One coincidence unit: on when all of `excited_by` are active and all of `silenced_by` are silent.

    Attributes
    ----------
    excited_by : tuple of int
        Indices of inputs.
    silenced_by : tuple of int
        Indices of inhibitory neurons.
    """

    excited_by: tuple[int, ...]
    silenced_by: tuple[int, ...]


@dataclass(frozen=True)
class Cells:
    """The neurons and synaptic strengths that a synthesised circuit is made of, one set for each kind.

    Strengths are in units of the input that just reaches the target's threshold when the source fires at the
    inputs' rate.

    Attributes
    ----------
    neuron : RateUnit or LIF
    to_or : float
        Strength of a coincidence unit onto the neuron that any one of them fires.
    inhibition : float
        Strength of an inhibitory neuron onto a coincidence unit.
    readout_threshold : float
        Decision threshold, in Hz.
    """

    neuron: RateUnit | LIF
    to_or: float
    inhibition: float
    readout_threshold: float


AFFERENT_RATE = 100.0  # Hz
# A coincidence unit of k inputs has its threshold at k - SLACK active ones: nearer to k than to k - 1, because noise
# makes a unit below threshold fire, but hardly silences one above.
SLACK = 0.4
CELLS = {
    "rate": Cells(
        # The gain makes the least that 6 coincident inputs leave above threshold saturate the unit.
        Saturating(tau=10e-3, threshold=AFFERENT_RATE, gain=15.0, maximum=AFFERENT_RATE),
        to_or=2.0,
        inhibition=2.0,
        readout_threshold=50.0,
    ),
    "spiking": Cells(LIF(noise=0.5e-3), to_or=4.0, inhibition=5.0, readout_threshold=25.0),
}


def synthesize(function: TruthTable, inhibitory: int | None = None, kind: str = "spiking", neuron=None) -> Circuit:
    """Build the circuit that computes a truth table, or the best that the allowed inhibition can do.

    Each inhibitory neuron carries one bit of the number of falls of the function up to the present input, computed
    from the inputs and from the silence of the inhibitory neurons before it; the function is then monotone in the
    inputs and those silences, and each monotone function is an OR over coincidence units, one for each minimal
    true point.

    Parameters
    ----------
    function : TruthTable
    inhibitory : int, optional
        Number of inhibitory neurons: the inversion complexity (the default), or 0 for the best excitatory-only
        circuit, whose error is the floor.
    kind : {"spiking", "rate"}
    neuron : RateUnit or LIF, optional
        The neuron to build from, in place of the default of that kind.

    Returns
    -------
    Circuit
        Input ``"x"``; inhibitory neurons ``"I1"``, ``"I2"``, ..., each after its excitatory units
        ``"coincidence_I1"``, ...; then ``"coincidence"`` and ``"readout"``.

    Raises
    ------
    InputError
        For another number of inhibitory neurons, an unknown kind, or a neuron of another kind or without threshold.

    Notes
    -----
    Markov, J. ACM 5:331 (1957); Mikulincer & Reichman, arXiv:2207.05275.
    """
    if not isinstance(function, TruthTable):
        raise InputError(f"synthesize: expected a TruthTable, found {function!r}")
    if kind not in CELLS:
        raise InputError(f"synthesize: kind: expected 'rate' or 'spiking', found {kind!r}")
    if neuron is not None and (getattr(neuron, "kind", None) != kind or just_at_threshold(neuron, 1) <= 0):
        raise InputError(f"synthesize: neuron: expected a {kind} neuron that is silent without input, found {neuron!r}")
    least = inversion_complexity(function)
    if inhibitory not in (None, 0, least):
        raise InputError(
            f"synthesize: inhibitory: expected 0 or {least} (the inversion complexity of {function.name}), "
            f"found {inhibitory!r}"
        )
    if inhibitory == 0 and least:
        name = f"best excitatory-only for {function.name}"
        return build(TruthTable(certify(function).best_monotone.bits, name), kind, neuron)
    return build(function, kind, neuron)


def gates(function: TruthTable) -> list[list[Gate]]:
    """Coincidence units of each inhibitory neuron in turn, then those of the readout."""
    count = falls(function)
    n_bits = int(count.max()).bit_length()
    silence = np.empty((len(count), 0), dtype=bool)
    layers = []
    for bit in reversed(range(n_bits)):
        carries = (count >> bit & 1).astype(bool)
        layers.append(_minimal_true_points(function.patterns, silence, carries))
        silence = np.column_stack([silence, ~carries])
    layers.append(_minimal_true_points(function.patterns, silence, function.values))
    return layers


def _minimal_true_points(patterns, silence, values):
    """Gates for the minimal points, in inputs and silences together, at which `values` is true."""
    points = np.unique(np.column_stack([patterns, silence]).astype(bool)[values], axis=0)
    below = (points[:, None, :] <= points[None, :, :]).all(axis=2)
    np.fill_diagonal(below, False)
    n = patterns.shape[1]
    return [
        Gate(tuple(np.flatnonzero(p[:n]).tolist()), tuple(np.flatnonzero(p[n:]).tolist()))
        for p in points[~below.any(axis=0)]
    ]


def build(function: TruthTable, kind: str, neuron: RateUnit | LIF | None = None) -> Circuit:
    """The circuit of `gates(function)`: coincidence units and an OR for each inhibitory neuron and the readout."""
    cells = CELLS[kind]
    neuron = neuron or cells.neuron
    excites, inhibits = just_at_threshold(neuron, 1), just_at_threshold(neuron, -1)
    drive_of_input = AFFERENT_RATE * excites * (neuron.excitation.area if kind == "spiking" else 1.0)
    layers = gates(function)
    populations, projections = [], []
    for layer, members in enumerate(layers):
        is_readout = layer == len(layers) - 1
        target = "readout" if is_readout else f"I{layer + 1}"
        if members:
            units = "coincidence" if is_readout else f"coincidence_{target}"
            needed = np.array([len(gate.excited_by) for gate in members])
            # A unit that needs silence alone is driven tonically as the one input of other units would drive it.
            tonic = np.where(needed == 0, drive_of_input / (1 - SLACK), 0.0)
            populations.append(Population(units, "E", neuron, len(members), tonic))
            from_input = np.zeros((function.n_inputs, len(members)))
            from_inhibition = np.zeros((layer, len(members)))
            for k, gate in enumerate(members):
                from_input[list(gate.excited_by), k] = excites / (len(gate.excited_by) - SLACK)
                from_inhibition[list(gate.silenced_by), k] = cells.inhibition * inhibits
            projections.append(Projection("x", units, from_input))
            projections += [
                Projection(f"I{j + 1}", units, row[None]) for j, row in enumerate(from_inhibition) if row.any()
            ]
            projections.append(Projection(units, target, np.full((len(members), 1), cells.to_or * excites)))
        populations.append(Population(target, "E" if is_readout else "I", neuron))
    return Circuit(
        name=function.name,
        inputs=[Input("x", function.n_inputs, AFFERENT_RATE)],
        populations=populations,
        projections=projections,
        readouts=[Readout("readout", cells.readout_threshold)],
    )


def just_at_threshold(neuron: RateUnit | LIF, sign: int) -> float:
    """Weight with which a source that fires at `AFFERENT_RATE` brings as much input as reaches threshold."""
    if neuron.kind == "rate":
        return neuron.threshold / AFFERENT_RATE
    receptor = neuron.excitation if sign > 0 else neuron.inhibition
    return neuron.rheobase / (receptor.area * AFFERENT_RATE)
