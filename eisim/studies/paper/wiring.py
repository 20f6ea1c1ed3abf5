"""Rate circuits of building blocks: sums of rates and non-decreasing activations, so that what falls needs inhibition.

Rates of 100 Hz stand for 1. A circuit multiplies and divides by sums and differences of logarithms.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from eisim.adapter.static import Layer
from eisim.neurons import Logistic, PowerLaw, RateUnit, Step, ThresholdLinear
from eisim.studies.paper.units import Exponential, Logarithm

#: Rate that stands for 1, in Hz.
ONE = 100.0
#: What is added to a number before its logarithm is taken.
TINY = 1e-12
UNIT = Logistic(slope=ONE, maximum=ONE)
LINEAR = ThresholdLinear()
LOGARITHM, EXPONENTIAL = Logarithm(least=TINY * ONE), Exponential()

#: Signed weights by the name of their source, each (source size, size).
Weights = dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Wired:
    """Layers, and the weights and constants by which their rates are the outputs of a block."""

    layers: tuple[Layer, ...]
    outputs: Weights
    constant: np.ndarray  # (outputs,)


def layer(name: str, neuron: RateUnit, weights: Weights, bias=0.0) -> Layer:
    """Units with these signed weights, and a bias in units of `ONE`."""
    size = next(iter(weights.values())).shape[1]
    incoming = tuple((source, sparse.csr_array(matrix)) for source, matrix in weights.items())
    return Layer(name, size, incoming, np.broadcast_to(ONE * np.asarray(bias, float), (size,)).copy(), neuron)


def linear(weights: Weights, constant) -> Wired:
    """Units that pass on sums of hidden units and inputs, which lie between 0 and 1, raised so that none is below 0."""
    size = next(iter(weights.values())).shape[1]
    lowest = constant + sum(np.minimum(matrix, 0).sum(axis=0) for matrix in weights.values())
    lift = np.maximum(0.0, -lowest)
    return Wired((layer("block", LINEAR, weights, constant + lift),), {"block": np.eye(size)}, -lift)


def convolution(parameters, hidden) -> Wired:
    size = hidden.shape[1]
    matrix = sum(weight * np.roll(np.eye(size), k, axis=1) for k, weight in enumerate(parameters))
    return linear({"hidden": matrix}, np.zeros(size))


def max_pooling(parameters, hidden) -> Wired:
    """Steps at the levels between the values `hidden` (points, units) of each pair, and an OR for each level.

    It is the maximum at those values. In between it is a step; without negative weights, units with convex activations
    have no maximum of two rates (T5).
    """
    size, pairs = hidden.shape[1], hidden.shape[1] // 2
    values = [np.unique(hidden[:, [2 * k, 2 * k + 1]].round(12)) for k in range(pairs)]
    pair = np.repeat(np.arange(pairs), [len(each) - 1 for each in values])
    levels = np.concatenate([(each[1:] + each[:-1]) / 2 for each in values])
    compared = np.concatenate([2 * pair, 2 * pair + 1])  # the first and the second unit of each pair
    compare = (np.arange(size)[:, None] == compared).astype(float)
    both = np.tile(np.eye(len(levels)), (2, 1))
    heights = np.concatenate([np.diff(each) for each in values])
    return Wired(
        (
            layer("levels", Step(), {"hidden": compare}, -np.tile(levels, 2)),
            layer("either", Step(threshold=ONE / 2), {"levels": both}),
        ),
        {"either": heights[:, None] * (pair[:, None] == np.arange(pairs))},
        np.array([each[0] for each in values]),
    )


def average_pooling(parameters, hidden) -> Wired:
    size = hidden.shape[1]
    return linear({"hidden": np.repeat(np.eye(size // 2), 2, axis=0) / 2}, np.zeros(size // 2))


def skip_connection(parameters, hidden) -> Wired:
    return linear({"hidden": np.eye(len(parameters)), "x": np.tile(parameters, (2, 1))}, np.zeros(len(parameters)))


def batch_normalisation(parameters, hidden, mean: float, deviation: float) -> Wired:
    scale, shift = np.split(parameters, 2)
    return linear({"hidden": np.diag(scale / deviation)}, shift - scale * mean / deviation)


def layer_normalisation(parameters, hidden, least: float) -> Wired:
    """Deviations from the mean as rates of units above and below it, each over the root of their mean square."""
    scale, shift = np.split(parameters, 2)
    size = len(scale)
    deviation = np.eye(size) - 1 / size
    sides = np.eye(2 * size)
    return Wired(
        (
            layer("sides", LINEAR, {"hidden": np.hstack([deviation, -deviation])}),
            layer("squares", PowerLaw(scale=ONE, exponent=2.0), {"sides": sides}),
            layer("variance", Logarithm(least=least * ONE), {"squares": np.full((2 * size, 1), 1 / size)}),
            *product({"sides": sides}, {"variance": np.full((1, 2 * size), -0.5)}, -0.5 * np.log(least)),
        ),
        {"product": np.vstack([np.diag(scale), -np.diag(scale)])},
        shift,
    )


def divisive_normalisation(parameters, hidden, least: float) -> Wired:
    size = len(parameters)
    pool = layer("pool", Logarithm(least=least * ONE), {"hidden": parameters[:, None]})
    ratio = product({"hidden": np.eye(size)}, {"pool": -np.ones((1, size))}, -np.log(least))
    return Wired((pool, *ratio), {"product": np.eye(size)}, np.zeros(size))


def attention(parameters, hidden) -> Wired:
    """Softmax of scores that are 0 or more: e to the score of each less the logarithm of the sum."""
    scores, values = parameters[:8].reshape(2, -1), parameters[8:]
    size = len(values)
    return Wired(
        (
            layer("powers", EXPONENTIAL, {"x": scores}),
            layer("sum", Logarithm(), {"powers": np.ones((size, 1))}, -1.0),
            *product({"hidden": np.eye(size)}, {"x": scores, "sum": -np.ones((1, size))}, 0.0),
        ),
        {"product": values[:, None]},
        np.zeros(1),
    )


def gate(parameters, hidden, closes: bool = False, is_signed: bool = False) -> Wired:
    """Each hidden unit times its gate; of a unit less 1, which is not positive, the negative times the gate."""
    size = hidden.shape[1]
    opened = layer("gate", UNIT, {"x": parameters[:8].reshape(2, -1)}, parameters[8:])
    layers, factors = [opened], ["hidden", "gate"]
    if closes or is_signed:
        factors[closes] = "rest"
        layers.append(layer("rest", LINEAR, {"gate" if closes else "hidden": -np.eye(size)}, 1.0))
    logarithm = layer("logarithm of gate", LOGARITHM, {factors[1]: np.eye(size)})
    layers += [logarithm, *product({factors[0]: np.eye(size)}, {logarithm.name: np.eye(size)}, np.log(TINY))]
    return Wired(tuple(layers), {"product": (-1) ** is_signed * np.eye(size)}, np.zeros(size))


def product(factor: Weights, logarithms: Weights, constant: float) -> tuple[Layer, Layer]:
    """Units ``logarithm`` and ``product``: a sum of rates times e to the power of other rates and a constant."""
    size = next(iter(factor.values())).shape[1]
    return (
        layer("logarithm", LOGARITHM, factor),
        layer("product", EXPONENTIAL, {"logarithm": np.eye(size)} | logarithms, np.log(TINY) + constant),
    )
