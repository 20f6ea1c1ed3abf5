"""How many random patterns a threshold neuron separates, with free weights, weights of given signs, or excitation only.

Separability is decided by linear programming. The expected numbers are exact, by counting the regions into which
hyperplanes divide the space of weights (Cover, IEEE Trans. Electron. Comput. 14:326, 1965).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import linprog
from scipy.special import betainc

from eisim.analysis.statistics import with_t_interval
from eisim.base.errors import InputError, explains_arguments
from eisim.base.seeds import Seed, generator_of
from eisim.base.values import Brief

#: Largest numbers of afferents and draws.
MOST_INPUTS, MOST_DRAWS = 1_000, 10_000
#: A margin above this separates, for inputs from -1 to 1 and weights up to 1; the program is solved to less.
LEAST_MARGIN = 1e-8
TOLERANCES = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}


@dataclass(frozen=True, eq=False, repr=False)
class Capacity(Brief):
    """Numbers of random patterns with random labels that a threshold neuron separates.

    Attributes
    ----------
    n_inputs : int
    inhibitory : int or None
        Number of inhibitory afferents; ``None`` where the sign of every weight is free.
    patterns : ndarray of int, shape (draws,)
        Of each sequence of patterns, the largest number that is separable from the first on.
    expected : float
        Their exact expectation.
    """

    n_inputs: int
    inhibitory: int | None
    patterns: np.ndarray
    expected: float

    @property
    def mean(self) -> float:
        """Mean over draws."""
        return float(self.patterns.mean())

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the mean over draws."""
        found = with_t_interval(self.patterns)
        return (found.mean if found.low is None else found.low, found.mean if found.high is None else found.high)


@explains_arguments
def separable(patterns: ArrayLike, labels: ArrayLike, signs: ArrayLike | None = None) -> bool:
    """Whether a threshold neuron gives all patterns their labels.

    Is there a weight for each input and a threshold, of any value, with the weighted sum above the threshold exactly
    for the patterns of label 1? By linear programming (HiGHS).

    Parameters
    ----------
    patterns : array_like of shape (patterns, inputs)
    labels : array_like of shape (patterns,)
        0 or 1.
    signs : array_like of shape (inputs,), optional
        1 for an excitatory input, whose weight is 0 or more, -1 for an inhibitory one, 0 for one of any sign, as all
        inputs are by default.

    Raises
    ------
    InputError
        For shapes that do not fit, labels and signs of other values, and patterns that are not finite.

    Examples
    --------
    >>> from eisim.analysis.perceptron import separable
    >>> patterns = [[0, 0], [0, 1], [1, 0], [1, 1]]
    >>> separable(patterns, [0, 0, 1, 0]), separable(patterns, [0, 0, 1, 0], [1, 1]), separable(patterns, [0, 1, 1, 0])
    (True, False, False)
    """
    patterns = _numbers(patterns, "patterns")
    if patterns.ndim != 2:
        raise InputError(f"separable: patterns: expected shape (patterns, inputs), found {patterns.shape}")
    n_patterns, n_inputs = patterns.shape
    labels = _numbers(labels, "labels", (n_patterns,), (0, 1))
    signs = np.zeros(n_inputs) if signs is None else _numbers(signs, "signs", (n_inputs,), (-1, 0, 1))
    if len(np.unique(labels)) < 2:  # a threshold is enough
        return True
    # Signs and the answer stay as each input is shifted and scaled. The largest margin is sought for weights up to 1.
    middle, reach = (patterns.max(axis=0) + patterns.min(axis=0)) / 2, np.ptp(patterns, axis=0) / 2
    scaled = (patterns - middle) / np.where(reach > 0, reach, 1.0)
    outward = np.where(labels == 1, 1.0, -1.0)[:, None]
    rows = np.hstack([-outward * scaled, outward, np.ones((n_patterns, 1))])
    bounds = [(-1.0 * (s <= 0), 1.0 * (s >= 0)) for s in signs] + [(None, None), (0.0, 1.0)]
    objective = np.append(np.zeros(n_inputs + 1), -1.0)
    found = linprog(objective, rows, np.zeros(n_patterns), bounds=bounds, method="highs", options=TOLERANCES)
    if found.status:
        raise ArithmeticError(f"separable: the linear program was not solved: {found.message}")
    return bool(-found.fun > LEAST_MARGIN)


def separable_share(n_patterns: int, n_inputs: int, has_signs: bool) -> float:
    """Probability that random patterns with random labels are separable, for afferents of free or of given signs.

    Inputs are drawn independently from one continuous distribution that is symmetric about its mean. Each pattern, and
    each given sign, is a hyperplane in the space of the weights and the threshold. These are in general position, so
    that the number of regions is known (Cover 1965), and by symmetry each assignment of labels and signs is as likely
    to have a region as any other. How many signs are inhibitory does not matter (Amit, Wong & Campbell, J. Phys. A
    22:2039, 1989).
    """
    if not n_patterns:
        return 1.0
    planes, dimensions = n_patterns + n_inputs * has_signs, n_inputs + 1
    # Half or more of all of planes - 1 fair coins fall on one side: a binomial distribution function.
    return 1.0 if planes <= dimensions else float(betainc(planes - dimensions, dimensions, 0.5))


def expected_patterns(n_inputs: int, has_signs: bool) -> float:
    """Expectation of the largest number of patterns that is separable.

    The sum of `separable_share` over all numbers of patterns: 2 (inputs + 1) where signs are free, inputs + 2
    where they are given.
    """
    return float(n_inputs + 2 if has_signs else 2 * (n_inputs + 1))


@explains_arguments
def capacity(n_inputs: int, inhibitory: int | None = None, draws: int = 20, seed: Seed = 0) -> Capacity:
    """Measure how many random patterns a threshold neuron separates.

    Inputs are rates, uniform from 0 to 1, labels 0 or 1 with equal probability. Patterns are added one by one until no
    weights of the allowed signs, and no threshold, separate them.

    Parameters
    ----------
    n_inputs : int
        Number of afferents, up to 1,000.
    inhibitory : int, optional
        How many of them are inhibitory: 0 for an excitatory-only neuron. By default the sign of every weight is free.
    draws : int
        Number of sequences of patterns, up to 10,000.
    seed : int or Generator
        The same patterns are drawn whatever the signs.

    Returns
    -------
    Capacity

    Raises
    ------
    InputError
        For numbers out of range.
    """
    _check_count("n_inputs", n_inputs, 1, MOST_INPUTS)
    _check_count("draws", draws, 1, MOST_DRAWS)
    signs = np.zeros(n_inputs)
    if inhibitory is not None:
        _check_count("inhibitory", inhibitory, 0, n_inputs)
        signs = np.where(np.arange(n_inputs) < inhibitory, -1, 1)
    rngs = generator_of(seed, "capacity: seed").spawn(draws)
    found = np.array([_largest(rng, n_inputs, signs) for rng in rngs])
    return Capacity(n_inputs, inhibitory, found, expected_patterns(n_inputs, inhibitory is not None))


def _largest(rng, n_inputs, signs) -> int:
    """The largest number of patterns that is separable, by bisection: of separable patterns fewer are, too."""
    patterns, labels = np.empty((0, n_inputs)), np.empty(0, int)
    enough, too_many = 0, 2 * (n_inputs + 1)
    while True:
        more = too_many - len(patterns)
        patterns = np.vstack([patterns, rng.random((more, n_inputs))])
        labels = np.append(labels, rng.integers(2, size=more))
        if not separable(patterns, labels, signs):
            break
        enough, too_many = too_many, too_many + n_inputs + 1
    while too_many - enough > 1:
        middle = (enough + too_many) // 2
        if separable(patterns[:middle], labels[:middle], signs):
            enough = middle
        else:
            too_many = middle
    return enough


def _numbers(given, what, shape=None, values=None) -> np.ndarray:
    try:
        found = np.asarray(given)
        if found.dtype.kind not in "buif" or not np.isfinite(found).all():
            raise ValueError
    except (TypeError, ValueError):
        raise InputError(f"separable: {what}: expected finite numbers, found {given!r:.80}") from None
    if shape is not None and found.shape != shape:
        raise InputError(f"separable: {what}: expected shape {shape}, found {found.shape}")
    if values is not None and not np.isin(found, values).all():
        other = found[~np.isin(found, values)][0]
        raise InputError(f"separable: {what}: expected {', '.join(map(str, values))}, found {other}")
    return found.astype(float)


def _check_count(what, number, least, most):
    is_whole = isinstance(number, (int, np.integer)) and not isinstance(number, bool)
    if not is_whole or not least <= number <= most:
        raise InputError(f"capacity: {what}: expected a whole number from {least} to {most:,}, found {number!r:.40}")
