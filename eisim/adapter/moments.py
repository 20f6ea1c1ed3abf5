"""What a projection brings to the neurons of its target: mean, shot noise, and what differs from neuron to neuron."""

from dataclasses import dataclass

import numpy as np

from eisim.circuit import Circuit, Projection
from eisim.distributions import Distribution
from eisim.weights import AllToAll, FixedInDegree, FixedProbability, FixedTotalNumber, Independent, Rule


@dataclass(frozen=True)
class Moments:
    """Moments of the weights onto a neuron of the target, for sources that fire at the rates r."""

    total: float  # of the weights: times the mean of r it is the mean input
    squares: float  # sum of the weights' squares: times the mean of r it is the intensity of the shot noise
    #: Variance over the target of the sum of weights: times the squared mean of r it is quenched variance, which
    #: differs from neuron to neuron but not in time.
    spread: float
    mixing: float  # times the variance of r over the sources: quenched variance that comes from whom a neuron hears


def moments(circuit: Circuit, projection: Projection) -> Moments:
    """The moments of a projection; those of a rule in closed form, without drawing its matrix."""
    source, target = circuit.source(projection), circuit.population(projection.target)
    rule, n = projection.weights, source.size
    if isinstance(rule, Rule):
        n -= source is target and not rule.autapses
        w, sd = rule.weight.moments if isinstance(rule.weight, Distribution) else (rule.weight, 0.0)
        square = w**2 + sd**2
    match rule:
        case FixedProbability(probability=p):
            varied = n * p * (1 - p) * w**2 + n * p * sd**2
            return Moments(n * p * w, n * p * square, varied, varied)
        case FixedInDegree(in_degree=k):
            left = 1.0 if rule.multapses else 1 - k / max(n, 1)  # for distinct sources
            return Moments(k * w, k * square, k * sd**2, k * w**2 * left + k * sd**2)
        case FixedTotalNumber(total=total):
            k = total / target.size
            pairs = n * target.size
            left = 1.0 if rule.multapses else (pairs - total) / max(pairs - 1, 1)  # for pairs drawn once only
            mixing = k * (left * w**2 + sd**2)
            return Moments(k * w, k * square, mixing - left * k * w**2 / target.size, mixing)
        case AllToAll():
            n = rule.expected((source.size, target.size), source is target) / target.size  # without silent sources
            return Moments(n * w, n * square, n * sd**2, n * sd**2)
        case Independent():
            return Moments(w, square, sd**2, sd**2)
    matrix = circuit.weights(projection)
    squares = matrix.power(2).sum() / target.size
    density = matrix.nnz / np.prod(matrix.shape)
    sums = matrix.sum(axis=0)
    return Moments(sums.mean(), squares, sums.var(), squares * (1 - density))
