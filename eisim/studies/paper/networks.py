"""Networks without negative weights, their building blocks, and how they are trained."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy.optimize import linprog, minimize, nnls
from scipy.special import expit, softmax

from eisim.studies.order.order import Share, share
from eisim.studies.paper import wiring
from eisim.studies.paper.wiring import UNIT, Wired

#: Units of a hidden layer, and largest weight.
WIDTH, LARGEST = 4, 60.0
#: Weights at the start of training, up to each of these in turn.
SCALES = (3.0, 8.0, 20.0)
#: Distance from the goal at which training ends, and the largest weight of the output at which it does: larger ones
#: magnify differences between features that are rounding errors.
CLOSE, STRONGEST = 1e-7, 1e4
#: Statistics of training, by which batch normalisation is a fixed map, and what is added to divisors.
MEAN, DEVIATION, LEAST_VARIANCE, LEAST_POOL = 0.5, 0.29, 1e-2, 0.1


@dataclass(frozen=True)
class Network:
    """Features with parameters of their own, and one linear output.

    Attributes
    ----------
    features : callable
        ``features(parameters, points)`` is of shape (points, outputs).
    is_weight : ndarray of bool, shape (parameters,)
        Which of the parameters are weights, and so non-negative; others are biases.
    signs : bool
        Whether the weights of the output are non-negative, too; its bias is free.
    wired : callable or None
        ``wired(parameters, points)``: the features as rates of a circuit, if its units have the activations.
    """

    features: Callable[[np.ndarray, np.ndarray], np.ndarray]
    is_weight: np.ndarray
    signs: bool = True
    wired: Callable[[np.ndarray, np.ndarray], Wired] | None = None

    @property
    def bounds(self) -> list[tuple[float, float]]:
        """Range of each parameter."""
        return [(0.0 if weight else -LARGEST, LARGEST) for weight in self.is_weight]

    def draw(self, rng: np.random.Generator, scale: float) -> np.ndarray:
        """Random parameters: weights up to that scale, biases of either sign."""
        n = len(self.is_weight)
        return np.where(self.is_weight, scale * rng.random(n), scale * rng.normal(0, 0.5, n))

    def output(self, parameters, points, targets) -> "Output":
        """The best linear output for these targets."""
        found = self.features(parameters, points)
        one = np.ones((len(points), 1))
        if self.signs:
            *weights, up, down = nnls(np.hstack([found, one, -one]), targets, maxiter=1000)[0]
            return Output(np.array(weights), up - down)
        *weights, bias = np.linalg.lstsq(np.hstack([found, one]), targets, rcond=None)[0]
        return Output(np.array(weights), bias)


class Output(NamedTuple):
    """Weights of the features, and a bias."""

    weights: np.ndarray
    bias: float


class Fitted(NamedTuple):
    """A network as it was trained: its mean squared error, parameters, and linear output."""

    network: Network
    loss: float
    parameters: np.ndarray
    output: Output

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Outputs, (points,)."""
        return self.network.features(self.parameters, points) @ self.output.weights + self.output.bias


@dataclass(frozen=True)
class Block:
    """A building block between the hidden layer and the output.

    Attributes
    ----------
    name, proof : str
    keeps : bool
        Whether a network with it keeps order.
    apply : callable
        ``apply(hidden, parameters, points)``: (points, `WIDTH`) to (points, outputs).
    wired : callable
        ``wired(parameters, hidden)``: the same as layers of a circuit, where the hidden layer has these values.
    is_weight : tuple of bool
        Which of its parameters are weights.
    """

    name: str
    proof: str
    keeps: bool
    apply: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
    wired: Callable[[np.ndarray, np.ndarray], Wired]
    is_weight: tuple[bool, ...] = ()


def layered(widths: tuple[int, ...], activation: Callable = expit, signs: bool = True) -> Network:
    """Hidden layers of those widths on two inputs; with `signs`, no negative weight."""
    sizes = [2, *widths]
    shapes = list(pairwise(sizes))

    def taken(parameters):
        at = 0
        for n, m in shapes:
            yield parameters[at : at + n * m].reshape(n, m), parameters[at + n * m : at + n * m + m]
            at += n * m + m

    def features(parameters, points):
        for weights, bias in taken(parameters):
            points = activation(points @ weights + bias)
        return points

    def wired(parameters, points):
        names = ["x", *(f"hidden {k + 1}" for k in range(len(widths)))]
        layers = (
            wiring.layer(name, UNIT, {source: weights}, bias)
            for (source, name), (weights, bias) in zip(pairwise(names), taken(parameters), strict=True)
        )
        return Wired(tuple(layers), {names[-1]: np.eye(widths[-1])}, np.zeros(widths[-1]))

    is_weight = np.concatenate([[signs] * (n * m) + [False] * m for n, m in shapes]).astype(bool)
    return Network(features, is_weight, signs, wired if activation is expit else None)


def with_block(block: Block) -> Network:
    """One hidden layer of logistic units, and the block before the output."""
    first = 3 * WIDTH

    def taken(parameters):
        return parameters[: 2 * WIDTH].reshape(2, WIDTH), parameters[2 * WIDTH : first], parameters[first:]

    def features(parameters, points):
        weights, bias, own = taken(parameters)
        return block.apply(expit(points @ weights + bias), own, points)

    def wired(parameters, points):
        weights, bias, own = taken(parameters)
        found = block.wired(own, expit(points @ weights + bias))
        return replace(found, layers=(wiring.layer("hidden", UNIT, {"x": weights}, bias), *found.layers))

    is_weight = np.array([True] * (2 * WIDTH) + [False] * WIDTH + [*block.is_weight])
    return Network(features, is_weight, wired=wired)


def fit(network: Network, points, targets, goal: float, rng: np.random.Generator, tries: int = 90) -> Fitted:
    """Train by L-BFGS-B from random starts, the output by non-negative least squares, until the goal is reached.

    Of several networks the best has the least loss, and of those at the goal it has no output weight above `STRONGEST`.
    """

    def fitted(parameters):
        found = Fitted(network, np.nan, parameters, network.output(parameters, points, targets))
        return found._replace(loss=float(np.mean((found(points) - targets) ** 2)))

    def rank(found):
        is_far, is_strong = found.loss > goal + CLOSE, np.abs(found.output.weights).max() > STRONGEST
        return (is_far, found.loss) if is_far else (is_far, is_strong, found.loss)

    found: list[Fitted] = []
    for k in range(tries):
        start = network.draw(rng, SCALES[k % len(SCALES)])
        options = {"maxiter": 200, "ftol": 1e-13, "gtol": 1e-10}
        end = minimize(lambda p: fitted(p).loss, start, method="L-BFGS-B", bounds=network.bounds, options=options)
        found.append(fitted(end.x))
        if rank(found[-1])[:2] == (False, False):
            break
    return min(found, key=rank)


def falls(network: Network, n: int, rng: np.random.Generator, each: int = 10) -> Share:
    """Of random networks those whose output falls in some of ten random ordered pairs of inputs."""
    broken = []
    for _ in range(n):
        lower = rng.random((each, 2))
        upper = lower + (1 - lower) * rng.random((each, 2))
        parameters = network.draw(rng, 4.0)
        found = [network.features(parameters, points) for points in (lower, upper)]
        output = rng.random(found[0].shape[1])
        broken.append(((found[0] - found[1]) @ output > 1e-9).any())
    return share(broken)


def steps(points: np.ndarray, targets: np.ndarray) -> tuple[float, int]:
    """Train an excitatory-only threshold network: units are added one by one, output weights are fitted again.

    Each new unit is active on that up-set of the points whose targets exceed the output most, the solution of a linear
    program; it is an OR of coincidence units (T4). Weights are those of non-negative least squares, beside a free bias.
    The mean squared error is convex in them, and no unit lowers it where the program has no positive solution, so it
    ends at the least one of all networks.

    Returns
    -------
    loss : float
    units : int
    """
    below = (points[:, None] <= points).all(axis=-1) & ~np.eye(len(points), dtype=bool)
    lower, upper = np.nonzero(below)
    rows = np.zeros((len(lower), len(points)))
    rows[np.arange(len(lower)), lower], rows[np.arange(len(lower)), upper] = 1, -1  # what is active stays so above
    units = [np.ones(len(points)), -np.ones(len(points))]  # the bias, of either sign
    while True:
        matrix = np.column_stack(units)
        weights, _ = nnls(matrix, targets, maxiter=10_000)
        residual = targets - matrix @ weights
        found = linprog(-residual, A_ub=rows, b_ub=np.zeros(len(rows)), bounds=(0, 1), method="highs-ds")
        if -found.fun < 1e-9:
            return float(np.mean(residual**2)), len(units) - 2
        units.append(np.round(found.x))


def gaussian(z):
    """A bump, which falls above 0."""
    return np.exp(-(z**2))


def silu(z):
    """Z times its logistic, which falls below -1.28."""
    return z * expit(z)


def _convolve(hidden, kernel, points):
    return sum(weight * np.roll(hidden, k, axis=1) for k, weight in enumerate(kernel))


def _pool(hidden, parameters, points, how=np.max):
    return how(hidden.reshape(len(hidden), -1, 2), axis=2)


def _skip(hidden, parameters, points):
    return hidden + points.sum(axis=1, keepdims=True) * parameters


def _scaled(hidden, parameters, points):
    """With statistics of the training data, which are numbers."""
    return parameters[:WIDTH] * (hidden - MEAN) / DEVIATION + parameters[WIDTH:]


def _layer_norm(hidden, parameters, points):
    centred = hidden - hidden.mean(axis=1, keepdims=True)
    deviation = np.sqrt((centred**2).mean(axis=1, keepdims=True) + LEAST_VARIANCE)
    return parameters[:WIDTH] * centred / deviation + parameters[WIDTH:]


def _divide(hidden, parameters, points):
    return hidden / (LEAST_POOL + hidden @ parameters[:WIDTH, None])


def _attend(hidden, parameters, points):
    scores, values = points @ parameters[:8].reshape(2, WIDTH), hidden * parameters[8:]
    return (softmax(scores, axis=1) * values).sum(axis=1, keepdims=True)


def _gate(hidden, parameters, points, closes=False, is_signed=False):
    gate = expit(points @ parameters[:8].reshape(2, WIDTH) + parameters[8:12])
    return (hidden - is_signed) * (1 - gate if closes else gate)


GATE = (True,) * 8 + (False,) * WIDTH
SCALE = (True,) * WIDTH + (False,) * WIDTH
BATCH = partial(wiring.batch_normalisation, mean=MEAN, deviation=DEVIATION)
BLOCKS = (
    Block("convolution", "A convolution is a matrix that shares weights; a non-negative kernel gives it none below 0.",
          True, _convolve, wiring.convolution, (True,) * 3),
    Block("max pooling", "A maximum of non-decreasing functions is non-decreasing. Units whose activations are convex "
          "have it only with inhibition (T5); steps and an OR for each level have it without.",
          True, _pool, wiring.max_pooling),
    Block("average pooling", "A mean is a sum with positive weights.", True, partial(_pool, how=np.mean),
          wiring.average_pooling),
    Block("skip connection", "A sum of non-decreasing functions is non-decreasing; so is the identity.", True, _skip,
          wiring.skip_connection, (True,) * WIDTH),
    Block("batch normalisation with scales above 0", "With the statistics of training, it is an affine map whose "
          "slope is the scale; a negative shift is a threshold. During training, with the statistics of the "
          "batch, the output is no function of the input alone.", True, _scaled, BATCH, SCALE),
    Block("batch normalisation with scales of either sign", "Where a scale is below 0, so is the slope of the "
          "affine map: a negative weight by another name.", False, _scaled, BATCH, (False,) * (2 * WIDTH)),
    Block("layer normalisation with scales above 0", "It subtracts the mean of the present activity, so that what "
          "raises one unit lowers the others.", False, _layer_norm,
          partial(wiring.layer_normalisation, least=LEAST_VARIANCE), SCALE),
    Block("divisive normalisation", "It divides by the present activity, so that what raises one unit lowers the "
          "others.", False, _divide, partial(wiring.divisive_normalisation, least=LEAST_POOL), (True,) * WIDTH),
    Block("attention by softmax", "Softmax weights add up to 1, so a higher score of one value lowers the weight of "
          "all others.", False, _attend, wiring.attention, (True,) * 12),
    Block("gate that opens on values of 0 and more", "A product of non-negative, non-decreasing functions is "
          "non-decreasing.", True, _gate, wiring.gate, GATE),
    Block("gate that opens on signed values", "A negative value times a gate that opens is a product that falls.",
          False, partial(_gate, is_signed=True), partial(wiring.gate, is_signed=True), GATE),
    Block("gate that closes", "1 - gate is non-increasing: a negative weight by another name.", False,
          partial(_gate, closes=True), partial(wiring.gate, closes=True), GATE),
)  # fmt: skip
