"""A spiking E/I circuit whose excitatory population fires in a given region: a difference of two convex functions."""

from collections.abc import Callable

import numpy as np
from scipy.optimize import nnls

from eisim.base.errors import InputError, explains_arguments
from eisim.base.units import Measured
from eisim.circuit import Circuit, Input, Population, Projection, Readout
from eisim.neurons import LIF
from eisim.synapses import Exponential
from eisim.weights import AllToAll

#: Distance from rest to threshold, which is an input of 1, in V; weight of recurrent excitation, in V.
REACH, RECURRENT = 15e-3, 0.05e-3
#: The inhibitory neurons fire beyond lines at this many distances in each of these directions, with this gain.
DISTANCES, DIRECTIONS, GAIN = 12, ((1, 0), (0, 1), (1, 1), (1, 2), (2, 1)), 3.0
#: Points along each side at which curvature is found and inhibition is fitted, and step of the differences.
FITTED, STEP = 20, 1e-3

Function = Callable[[np.ndarray, np.ndarray], np.ndarray]


@explains_arguments
def draw_region(function: Function, tangents: int = 7, dt: float = 0.2e-3, name: str = "region") -> Circuit:
    r"""Build LIF neurons of which the excitatory ones fire where a smooth function of two inputs is positive.

    Each excitatory neuron has a threshold, a line in the plane, and one of them fires where the largest of their inputs
    exceeds the inhibition that all receive. The function F is the difference of two convex functions that rise with
    both inputs, F + G and :math:`G = c\,|x|^2/2 + m (x_1 + x_2)`: c is the largest curvature by which F is concave, m
    the steepest fall that is left. The excitatory neurons are tangents of F + G. The weights of the inhibitory ones,
    whose rates rise beyond lines, make inhibition G, by non-negative least squares on their f-I curves.

    Parameters
    ----------
    function : callable
        ``function(x, y)`` of arrays from 0 to 1, twice differentiable.
    tangents : int
        Number of excitatory neurons along each side.
    dt : float
        Step of the simulation, in s, on which rates depend a little.
    name : str

    Returns
    -------
    Circuit
        Input ``"x"``, currents from 0 to 1; populations ``"E"`` and ``"I"``.

    Raises
    ------
    InputError
        For a function whose values are not finite.

    References
    ----------
    Podlaski & Machens, Neural Comput. 36:803, 2024, for populations as boundaries and their difference.

    Examples
    --------
    >>> from eisim.theory.boundaries import draw_region
    >>> circuit = draw_region(lambda x, y: y - x)
    >>> circuit.is_excitatory_only, [p.size for p in circuit.populations]
    (False, [49, 60])
    """
    points, fitted = _middles(tangents), _middles(FITTED)
    concave, fall = _needed(function, fitted)
    slopes = _gradient(function, points) + concave * points + fall
    values = function(*points.T) + _convex(points, concave, fall)
    levels = values - (slopes * points).sum(axis=1)
    directions = np.repeat(np.array(DIRECTIONS, float), DISTANCES, axis=0)
    lines = np.tile(np.arange(DISTANCES) / DISTANCES, len(DIRECTIONS)) * directions.sum(axis=1)
    # Slow synapses, so that the spikes of few neurons add up to a steady inhibition.
    excitatory, inhibitory = LIF(inhibition=Exponential(100e-3)), LIF()
    drives = REACH * (1 + GAIN * (fitted @ directions.T - lines))
    effect = inhibitory.stepped(dt).activation(drives) * abs(excitatory.area("i")) / REACH
    weights, _ = nnls(effect, _convex(fitted, concave, fall))
    return Circuit(
        name,
        [Input("x", 2, current=Measured(REACH, "volt"))],
        [
            Population("E", "E", excitatory, len(points), Measured(REACH, "volt") * (1 + levels)),
            Population("I", "I", inhibitory, len(lines), Measured(REACH, "volt") * (1 - GAIN * lines)),
        ],
        [
            Projection("x", "E", np.maximum(slopes.T, 0)),  # but for rounding, none is below 0
            Projection("x", "I", GAIN * directions.T),
            Projection("E", "E", AllToAll(Measured(RECURRENT, "volt"), autapses=False)),
            Projection("I", "E", np.repeat(weights[:, None], len(points), axis=1)),
        ],
        [Readout("E")],
    )


def _middles(n: int) -> np.ndarray:
    """Middles of the cells of the unit square, (cells, 2)."""
    side = (np.arange(n) + 0.5) / n
    return np.column_stack([each.ravel() for each in np.meshgrid(side, side)])


def _convex(points, concave, fall) -> np.ndarray:
    return concave * (points**2).sum(axis=1) / 2 + fall * points.sum(axis=1)


def _gradient(function, points) -> np.ndarray:
    shifts = STEP * np.eye(2)
    return np.column_stack([(function(*(points + s).T) - function(*(points - s).T)) / (2 * STEP) for s in shifts])


def _needed(function, points) -> tuple[float, float]:
    """Constants c and m."""
    values = np.asarray(function(*points.T), float)
    if values.shape != (len(points),) or not np.isfinite(values).all():
        raise InputError(f"draw_region: function: expected a finite number for each point, found {values!r:.60}")
    shifts = STEP * np.eye(2)
    rows = [(_gradient(function, points + s) - _gradient(function, points - s)) / (2 * STEP) for s in shifts]
    hessian = np.stack(rows, axis=1)
    hessian = (hessian + hessian.transpose(0, 2, 1)) / 2
    concave = max(0.0, -np.linalg.eigvalsh(hessian).min())
    return concave, max(0.0, -(_gradient(function, points) + concave * points).min())
