"""An excitatory and an inhibitory population, recurrently connected, each with a separate input.

As a rate circuit the populations are single units, whose activity represents that of many neurons. As a spiking
circuit they are LIF neurons with sparse random synapses, and the same weights: a unit of drive, 1 Hz, becomes a mean
synaptic input in V.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy

from eisim.base.errors import check_kind
from eisim.base.seeds import Seed
from eisim.circuit import Circuit, Input, Population, Projection, Readout
from eisim.neurons import LIF, RateUnit
from eisim.weights import FixedInDegree


@dataclass(frozen=True)
class Cells:
    """The neurons of a spiking version.

    Attributes
    ----------
    excitatory, inhibitory : LIF
    volts : float
        Mean synaptic input for a drive of 1 Hz, in V.
    bias : tuple of float
        Tonic input of excitatory and inhibitory neurons, in V.
    sizes, in_degrees : tuple of int
        Numbers of excitatory and inhibitory neurons, and of those from which each neuron receives a synapse.
    """

    excitatory: LIF
    inhibitory: LIF
    volts: float
    bias: tuple[float, float]
    sizes: tuple[int, int] = (240, 60)
    in_degrees: tuple[int, int] = (48, 24)


def two_populations(
    name: str,
    kind: str,
    weights: tuple[tuple[float, float], tuple[float, float]],
    units: tuple[RateUnit, RateUnit],
    cells: Cells,
    *,
    rate: float,
    afferent_rate: float = 100.0,
    bias: tuple[float, float] = (0.0, 0.0),
    delay: float = 0.0,
    seed: Seed = 0,
) -> Circuit:
    """The circuit.

    Parameters
    ----------
    name : str
    kind : {"rate", "spiking"}
    weights : tuple
        ``((to E from E, to E from I), (to I from E, to I from I))``: Hz of drive per Hz, all non-negative.
    units : tuple of RateUnit
        The excitatory and the inhibitory unit of the rate version.
    cells : Cells
        The neurons of the spiking version.
    rate : float
        Drive for a stimulus value of 1, in Hz; the two stimulus columns are the inputs to E and to I.
    afferent_rate : float
        Total rate of all afferents of an input for a stimulus value of 1, in Hz.
    bias : tuple of float
        Tonic drives of the rate units, in Hz.
    delay : float
        Synaptic delay of the spiking version, in s.
    seed : int or Generator
        Fixes the random synapses.
    """
    check_kind(kind, name)
    inputs = [Input(f"to {sign}", 1, afferent_rate) for sign in "EI"]
    if kind == "rate":
        populations = [Population(s, s, unit, 1, b) for s, unit, b in zip("EI", units, bias, strict=True)]
        rules = {(t, s): weights[j][i] for j, t in enumerate("EI") for i, s in enumerate("EI")}
        drives = dict.fromkeys("EI", rate / afferent_rate)
    else:
        neurons = (cells.excitatory, cells.inhibitory)
        populations = [
            Population(*(s, s), neuron, size, b)
            for s, neuron, size, b in zip("EI", neurons, cells.sizes, cells.bias, strict=True)
        ]
        rules, drives = {}, {}
        for j, (t, neuron) in enumerate(zip("EI", neurons, strict=True)):
            drives[t] = [[rate * cells.volts / (afferent_rate * neuron.excitation.area)] * cells.sizes[j]]
            for i, (s, receptor) in enumerate(zip("EI", (neuron.excitation, neuron.inhibition), strict=True)):
                weight = weights[j][i] * cells.volts / (cells.in_degrees[i] * receptor.area)
                rules[t, s] = FixedInDegree(cells.in_degrees[i], weight)
    projections = [Projection(f"to {t}", t, drives[t]) for t in "EI"]
    projections += [Projection(s, t, rule, delay if kind == "spiking" else 0.0) for (t, s), rule in rules.items()]
    return Circuit(name, inputs, populations, projections, [Readout("E")], seed=seed)


def velocity(circuit: Circuit, stimulus: tuple[float, float]) -> Callable[[np.ndarray], np.ndarray]:
    """Rate of change of the activity of a rate circuit of two populations under a constant stimulus.

    Parameters
    ----------
    circuit : Circuit
    stimulus : tuple of float
        To E and to I.

    Returns
    -------
    callable
        From rates of E and I in Hz, shape (2, ...), to their change in Hz/s, of the same shape: the equations of
        `eisim.neurons.RateUnit`.
    """
    units = [p.neuron for p in circuit.populations]
    weight = {(p.source, p.target): circuit.sign(p) * circuit.weights(p).sum() for p in circuit.projections}
    recurrent = [[weight.get((s.name, t.name), 0.0) for s in circuit.populations] for t in circuit.populations]
    inputs = [i.rate * x for i, x in zip(circuit.inputs, stimulus, strict=True)]
    outer = [
        p.bias[0] + sum(weight.get((i.name, p.name), 0.0) * x for i, x in zip(circuit.inputs, inputs, strict=True))
        for p in circuit.populations
    ]

    def change(rates):
        drives = [w[0] * rates[0] + w[1] * rates[1] + b for w, b in zip(recurrent, outer, strict=True)]
        return np.stack(
            [
                ((1 - unit.refractory * rate) * unit.transfer(drive) - rate) / unit.tau
                for unit, rate, drive in zip(units, rates, drives, strict=True)
            ]
        )

    return change


def steady_states(circuit: Circuit, stimulus: tuple[float, float], highest: float) -> tuple[np.ndarray, np.ndarray]:
    """The steady states of a rate circuit of two populations: where its nullclines cross.

    Parameters
    ----------
    circuit : Circuit
    stimulus : tuple of float
        To E and to I.
    highest : float
        Rates are sought up to this, in Hz.

    Returns
    -------
    rates : ndarray of shape (states, 2)
        Of E and I, in Hz, by rising E.
    growth : ndarray of shape (states,)
        Largest real part of the eigenvalues of the Jacobian there, in 1/s: a state is stable if it is below 0.
    """
    change, found = velocity(circuit, stimulus), []
    for start in itertools.product(np.linspace(0, highest, 12), repeat=2):
        with np.errstate(all="ignore"):
            state, _, success, _ = scipy.optimize.fsolve(change, start, full_output=True)
        if success == 1 and not any(np.allclose(state, other, atol=1e-5 * highest) for other in found):
            found.append(state)
    found.sort(key=lambda state: state[0])
    step = 1e-6 * highest * np.eye(2)
    growth = [
        np.linalg.eigvals(np.stack([(change(x + d) - change(x - d)) / (2e-6 * highest) for d in step], 1)).real.max()
        for x in found
    ]
    return np.array(found), np.array(growth)
