"""Synthesis: from a truth table to the circuit that computes it with the least inhibition (DESIGN T4, T6)."""

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
    to_gate : float
        Strength of an input onto a coincidence unit that needs one input; divided by (k - 1/2) for k inputs.
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
CELLS = {
    "rate": Cells(
        # The gain makes the half unit of input above threshold that 6 coincident inputs leave saturate the unit.
        Saturating(tau=10e-3, threshold=AFFERENT_RATE, gain=12.0, maximum=AFFERENT_RATE),
        to_or=2.0,
        inhibition=2.0,
        readout_threshold=50.0,
    ),
    "spiking": Cells(LIF(noise=0.5e-3), to_or=4.0, inhibition=5.0, readout_threshold=20.0),
}


def synthesize(
    function: TruthTable, inhibitory: int | None = None, kind: str = "spiking", neuron=None
) -> Circuit:
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
        Input ``"x"``; excitatory ``"coincidence"`` units and ``"readout"``; inhibitory neurons ``"I1"``, ``"I2"``, ...

    Raises
    ------
    InputError
        For another number of inhibitory neurons, or an unknown kind.

    Notes
    -----
    Markov, J. ACM 5:331 (1957); Mikulincer & Reichman, arXiv:2207.05275.
    """
    if kind not in CELLS:
        raise InputError(f"synthesize: kind: expected 'rate' or 'spiking', found {kind!r}")
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
    """The circuit of `gates(function)`."""
    cells = CELLS[kind]
    neuron = neuron or cells.neuron
    layers = gates(function)
    units = [(gate, layer) for layer, members in enumerate(layers) for gate in members]
    n_inhibitory = len(layers) - 1
    excites = just_at_threshold(neuron, 1)
    inhibits = just_at_threshold(neuron, -1)

    from_input = np.zeros((function.n_inputs, len(units)))
    to_layer = np.zeros((len(units), len(layers)))
    from_inhibition = np.zeros((n_inhibitory, len(units)))
    tonic = np.zeros(len(units))
    for k, (gate, layer) in enumerate(units):
        from_input[list(gate.excited_by), k] = excites / (len(gate.excited_by) - 0.5)
        to_layer[k, layer] = cells.to_or * excites
        from_inhibition[list(gate.silenced_by), k] = cells.inhibition * inhibits
        if not gate.excited_by:  # a unit that needs silence alone is driven as by the one input of other units
            tonic[k] = 2 * excites * AFFERENT_RATE * (neuron.excitation.area if kind == "spiking" else 1.0)

    inhibitory_names = [f"I{k + 1}" for k in range(n_inhibitory)]
    populations = [Population(name, "I", neuron) for name in inhibitory_names]
    populations.append(Population("readout", "E", neuron))
    projections = []
    if units:
        populations.insert(0, Population("coincidence", "E", neuron, len(units), tonic))
        projections.append(Projection("x", "coincidence", from_input))
        projections += [
            Projection("coincidence", name, to_layer[:, [k]])
            for k, name in enumerate([*inhibitory_names, "readout"])
        ]
        projections += [
            Projection(name, "coincidence", from_inhibition[[k]]) for k, name in enumerate(inhibitory_names)
        ]
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
