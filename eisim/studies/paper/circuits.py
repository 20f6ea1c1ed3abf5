"""Trained networks as rate circuits under Dale's law: whether they compute the same, and what inhibition they need."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from eisim.ablation import ablate
from eisim.adapter import DNN, from_dnn
from eisim.circuit import Circuit
from eisim.simulation import simulate
from eisim.studies.paper.check import ROUNDING, Simulated
from eisim.studies.paper.networks import Fitted
from eisim.studies.paper.wiring import LINEAR, ONE, layer

#: Points along each side of the square on which circuits are compared with networks.
SIDE = 5
#: With steps of the time constant, each layer has its activation after one step; there are at most nine layers.
TIMES = {"duration": 0.2, "window": 0.05, "dt": 10e-3}
#: How near a circuit comes to its network, as a share of the largest output.
EQUAL = 1e-6


@dataclass(frozen=True, eq=False)
class Built:
    """The circuit of a trained network, its number of inhibitory neurons, and what was found by simulation."""

    inhibitory: int
    simulated: tuple[Simulated, ...]


def grid() -> np.ndarray:
    """Points of the square, (points, 2); the corners are the patterns of two binary inputs."""
    side = np.linspace(0, 1, SIDE)
    return np.array([(x, y) for x in side for y in side])


def circuit_of(fitted: Fitted, points: np.ndarray, raised: float) -> Circuit:
    """The rate circuit whose readout, at these points, has the output of the network, raised by that, times `ONE`."""
    weights, bias = fitted.output
    wired = fitted.network.wired(fitted.parameters, points)
    incoming = {name: matrix @ weights[:, None] for name, matrix in wired.outputs.items()}
    out = layer("out", LINEAR, incoming, wired.constant @ weights + bias + raised)
    outputs = (("out", ONE * (raised + 0.5)),)
    return from_dnn(DNN((("x", 2, ONE),), (*wired.layers, out), outputs, recurrent=False, name="trained"))


def build(
    networks: Sequence[Fitted], keeps: Sequence[bool], function, backend: str, report: Callable[..., None]
) -> list[Built]:
    """Simulate the circuits of trained networks, and those with inhibition without it, too, in one batch.

    Parameters
    ----------
    networks : sequence of Fitted
    keeps : sequence of bool
        For each, whether it has to keep order, so that its circuit has no inhibition.
    function : TruthTable
        What they were trained on, of two inputs.
    backend, report
        As for `eisim.simulate`.

    Returns
    -------
    list of Built
    """
    points = grid()
    outputs = [each(points) for each in networks]
    raised = [max(0.0, -each.min()) for each in outputs]  # rates are not below 0
    circuits = [circuit_of(each, points, by) for each, by in zip(networks, raised, strict=True)]
    batch = circuits + [ablate(each) for each in circuits]
    responses = simulate(batch, points, backend=backend, report=report, **TIMES)
    rates = [each.readouts[:, 0] / ONE - by for each, by in zip(responses, raised * 2, strict=True)]
    corners = [int(np.flatnonzero((points == pattern).all(axis=1))[0]) for pattern in function.patterns]
    found = []
    for expected, kept, circuit, intact, ablated in zip(
        outputs, keeps, circuits, rates[: len(circuits)], rates[len(circuits) :], strict=True
    ):
        n = circuit.n_inhibitory
        off = np.abs(intact - expected).max() / max(1.0, np.abs(expected).max())
        score = ((intact[corners] > 0.5) == function.values).mean()
        best = ((expected[corners] > 0.5) == function.values).mean()
        neurons = "no inhibitory neuron" if n == 0 else f"{n} inhibitory neuron{'s' * (n > 1)}"
        found.append(
            Built(
                n,
                (
                    Simulated("difference between the rate circuit and the network", float(off), 0.0, EQUAL),
                    Simulated(f"score of the rate circuit, with {neurons}, on {function.name}", score, best),
                    Simulated("whether the rate circuit has inhibitory neurons", float(n > 0), float(not kept)),
                    Simulated("ordered pairs that fall without inhibition", violations(points, ablated), 0),
                ),
            )
        )
    return found


def violations(points: np.ndarray, values: np.ndarray) -> int:
    """How many ordered pairs of points have values that fall."""
    below = (points[:, None] <= points).all(axis=-1)
    falls = values[:, None] - values
    return int((below & (falls > ROUNDING * np.maximum(1.0, np.abs(values)))).sum())
