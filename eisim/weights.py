"""Rules from which weight matrices are drawn; the drawing is fixed by the circuit's seed.

The weight of a rule is one number for all synapses, or a distribution (`eisim.distributions`), from which each synapse
has its weight by its place in the matrix: it keeps it when others are removed.

`FixedInDegree`, `FixedProbability` and `FixedTotalNumber` of 2**24 synapses or more, and all with multapses, are drawn
as `eisim.keyed_synapses` says, so that a compiled program can draw them itself.
"""

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from scipy import sparse

from eisim.base.errors import InputError
from eisim.base.seeds import Seed, generator_of
from eisim.base.values import Explained
from eisim.distributions import Distribution
from eisim.keyed_synapses import KeyedSynapses

#: Part of the seed of keys.
_OF_KEYS = 6
#: Number of synapses, on average, from which on they are drawn by keys.
KEYED_FROM = 1 << 24


class Rule(Explained):
    """Weights of a projection given by a rule that draws synapses."""

    weight: Any
    #: Whether a neuron may connect to itself, where source and target are the same neurons.
    autapses: bool = True
    #: Whether a source may have several synapses onto a target.
    multapses: bool = False
    #: Draws the number of synapses onto each target, where the rest can be drawn by keys: of a generator, the shape,
    #: and whether a neuron's synapse onto itself is left out.
    _in_degrees: ClassVar[Callable[..., np.ndarray] | None] = None
    #: Whether chance decides which synapses there are, and how many of them.
    draws_places: ClassVar[bool] = True
    draws_number: ClassVar[bool] = False
    bytes_of_one: ClassVar[int]  # what a drawn synapse takes

    @property
    def is_random(self) -> bool:
        """Whether a seed decides the places or the weights of synapses."""
        return self.draws_places or isinstance(self.weight, Distribution)

    @property
    def mean_weight(self) -> float:
        """Mean of the weights that synapses are drawn with."""
        return self.weight.moments[0] if isinstance(self.weight, Distribution) else self.weight

    def check(self, shape: tuple[int, int], recurrent: bool) -> None:
        """Refuse a shape that does not fit; `recurrent`: source and target are the same neurons."""

    def expected(self, shape: tuple[int, int], recurrent: bool = False) -> float:
        """Number of synapses, on average; `recurrent`: source and target are the same neurons."""
        return float(shape[0]) * shape[1] - shape[0] * self._spares(recurrent)

    def is_keyed(self, shape: tuple[int, int], recurrent: bool) -> bool:
        """Whether synapses are drawn as `eisim.keyed_synapses` says; `recurrent`: both are the same neurons."""
        return bool(self._in_degrees) and (self.multapses or self.expected(shape, recurrent) >= KEYED_FROM)

    def keyed(self, entropy: tuple[int, int], shape: tuple[int, int], recurrent: bool) -> KeyedSynapses:
        """What synapses are drawn from by keys; the entropy is the circuit's seed and that of the projection's name."""
        if not self._in_degrees:
            raise InputError(f"{type(self).__name__}: expected a rule that can be drawn by keys, such as FixedInDegree")
        spares = self._spares(recurrent)
        key = int(np.random.SeedSequence([*entropy, _OF_KEYS]).generate_state(1, np.uint64)[0])
        in_degrees = self._in_degrees(np.random.default_rng(entropy), shape, spares).astype(np.int32)
        return KeyedSynapses(key, in_degrees, shape[0], spares, self.multapses)

    def draw(self, rng: Seed, shape: tuple[int, int], recurrent: bool) -> sparse.csr_array:
        """A (source × target) matrix of ones, drawn by a seed or Generator; `recurrent`: both are the same neurons."""
        rng = generator_of(rng, f"{type(self).__name__}.draw: rng")
        if self.is_keyed(shape, recurrent):
            return self.keyed((int(rng.integers(2**32)), 0), shape, recurrent).draw()[0]
        return self._draw(rng, *shape, self._spares(recurrent))

    def _draw(self, rng: np.random.Generator, n_source: int, n_target: int, spares: bool) -> sparse.csr_array:
        return sparse.csr_array(np.ones((n_source, n_target)))

    def _spares(self, recurrent: bool) -> bool:
        """Whether a neuron's synapse onto itself is left out."""
        return bool(recurrent) and not self.autapses

    def _check_count(self, name: str) -> None:
        """Refuse what is no number of synapses."""
        number, what = getattr(self, name), f"{type(self).__name__}.{name}"
        if isinstance(number, bool) or not isinstance(number, (int, np.integer)):
            raise InputError(f"{what}: expected a whole number, found {number!r}")
        if not 0 <= number < 2**31:
            found = number if abs(number) < 10**18 else "more"
            raise InputError(f"{what}: expected from 0 to {2**31 - 1:,}, found {found}")

    def _check_probability(self, name: str) -> None:
        number = getattr(self, name)
        if not (isinstance(number, (int, float)) and 0 <= number <= 1):
            raise InputError(f"{type(self).__name__}.{name}: expected between 0 and 1, found {number!r}")


@dataclass(frozen=True)
class FixedProbability(Rule):
    """Each pair is connected with the same probability.

    Attributes
    ----------
    probability : float
        Between 0 and 1.
    weight : quantity, float or Distribution
        Magnitude of every synapse, in the unit that the target takes (`eisim.circuit.Projection`).
    autapses : bool
        Whether a neuron may connect to itself.
    """

    probability: float
    weight: Any
    autapses: bool = False

    draws_number = True
    bytes_of_one = 9

    def __post_init__(self):
        self._check_probability("probability")
        _check_flag(self, "autapses")

    def expected(self, shape: tuple[int, int], recurrent: bool = False) -> float:
        return self.probability * shape[0] * (shape[1] - self._spares(recurrent))

    def _in_degrees(self, rng, shape, spares):
        return rng.binomial(shape[0] - spares, self.probability, shape[1])

    def _draw(self, rng, n_source, n_target, spares):
        return _by_chance(rng, (self.probability for _ in range(n_source)), (n_source, n_target), spares)


class _FixedDegree(Rule):
    """Base of the rules by which each neuron of one side has the same number of distinct partners on the other."""

    _degree: ClassVar[str]  # the name of that number
    _partners: ClassVar[str]  # of the other side
    _side: ClassVar[int]  # which is 0 for sources, 1 for targets

    bytes_of_one = 10

    def __post_init__(self):
        self._check_count(self._degree)
        _check_flag(self, "autapses")
        _check_flag(self, "multapses")

    def check(self, shape: tuple[int, int], recurrent: bool) -> None:
        """Refuse a shape with fewer partners than synapses for each neuron."""
        degree, available = getattr(self, self._degree), shape[self._side] - self._spares(recurrent)
        if degree > available and not (self.multapses and available > 0):
            expected = f"at most {available} (the {self._partners} there are)"
            raise InputError(f"{type(self).__name__}.{self._degree}: expected {expected}, found {degree}")

    def expected(self, shape: tuple[int, int], recurrent: bool = False) -> float:
        return float(getattr(self, self._degree)) * shape[1 - self._side]

    def _compressed(self, rng, n, n_partners, spares):
        """Parts of the array of ones by the neurons whose degree is fixed, in a compressed format."""
        degree = getattr(self, self._degree)
        partners = _distinct(rng, n, degree, n_partners - spares, spares)
        return _ones(partners.ravel(), np.arange(n + 1) * degree)


@dataclass(frozen=True)
class FixedInDegree(_FixedDegree):
    """Each target receives the same number of synapses, from distinct sources or from random ones.

    Attributes
    ----------
    in_degree : int
        Synapses per target.
    weight : quantity, float or Distribution
        Magnitude of every synapse, in the unit that the target takes (`eisim.circuit.Projection`).
    autapses : bool
        Whether a neuron may connect to itself.
    multapses : bool
        Whether sources are drawn with replacement: a source may have several synapses onto a target.
    """

    in_degree: int
    weight: Any
    autapses: bool = False
    multapses: bool = False

    _degree, _partners, _side = "in_degree", "sources", 0

    def _in_degrees(self, rng, shape, spares):
        return np.full(shape[1], self.in_degree)

    def _draw(self, rng, n_source, n_target, spares):
        parts = self._compressed(rng, n_target, n_source, spares)
        return sparse.csc_array(parts, shape=(n_source, n_target)).tocsr()


@dataclass(frozen=True)
class FixedOutDegree(_FixedDegree):
    """Each source sends the same number of synapses to distinct targets.

    Attributes
    ----------
    out_degree : int
        Synapses per source.
    weight : quantity, float or Distribution
        Magnitude of every synapse, in the unit that the target takes (`eisim.circuit.Projection`).
    autapses : bool
        Whether a neuron may connect to itself.
    """

    out_degree: int
    weight: Any
    autapses: bool = False

    _degree, _partners, _side = "out_degree", "targets", 1

    def _draw(self, rng, n_source, n_target, spares):
        return sparse.csr_array(self._compressed(rng, n_source, n_target, spares), shape=(n_source, n_target))


@dataclass(frozen=True)
class FixedTotalNumber(Rule):
    """A number of synapses between pairs that are drawn with equal probability.

    Attributes
    ----------
    total : int
        Synapses of the projection.
    weight : quantity, float or Distribution
        Magnitude of every synapse, in the unit that the target takes (`eisim.circuit.Projection`).
    autapses : bool
        Whether a neuron may connect to itself.
    multapses : bool
        Whether a pair may have several synapses, each with a weight and a delay drawn for it: pairs are then drawn
        independently, with replacement. Otherwise they are distinct.
    """

    total: int
    weight: Any
    autapses: bool = False
    multapses: bool = False

    bytes_of_one = 60

    def __post_init__(self):
        self._check_count("total")
        for name in ("autapses", "multapses"):
            _check_flag(self, name)

    def check(self, shape: tuple[int, int], recurrent: bool) -> None:
        """Refuse a shape with fewer pairs than synapses, if they are to be distinct, or with none."""
        available = shape[0] * (shape[1] - self._spares(recurrent))
        if self.total > available and not (self.multapses and available):
            expected = f"at most {available:,} (the pairs there are)"
            raise InputError(f"FixedTotalNumber.total: expected {expected}, found {self.total:,}")

    def expected(self, shape: tuple[int, int], recurrent: bool = False) -> float:
        return float(self.total)

    def _in_degrees(self, rng, shape, spares):
        if self.multapses:
            return rng.multinomial(self.total, np.full(shape[1], 1 / shape[1])) if shape[1] else np.zeros(0)
        return _of_distinct_pairs(rng, self.total, shape[0] - spares, shape[1])

    def _draw(self, rng, n_source, n_target, spares):
        pairs = n_source * (n_target - spares)
        few = min(self.total, pairs - self.total)  # drawn, or left out
        chosen = np.empty(0, np.int64)
        while chosen.size < few:
            more = rng.integers(pairs, size=few - chosen.size)
            chosen = np.unique(np.concatenate([chosen, more]))
        if few < self.total:
            left = np.ones(pairs, bool)
            left[chosen] = False
            chosen = np.flatnonzero(left)
        rows, columns = np.divmod(chosen, n_target - spares) if pairs else (chosen, chosen)
        columns = (columns + (columns >= rows) * spares).astype(np.int32)
        starts = np.cumsum([0, *np.bincount(rows, minlength=n_source)])
        return sparse.csr_array(_ones(columns, starts), shape=(n_source, n_target))


@dataclass(frozen=True)
class GaussianProfile(Rule):
    r"""The probability of a connection falls with distance as a Gaussian.

    .. math:: p(d) = p_0\, e^{-d^2/2\sigma^2}

    Neurons lie at equal distances, in order of their numbers, on a line of length 1, neuron k of n at
    :math:`(k + 1/2)/n`; or row by row on a grid of :math:`\sqrt{n} \times \sqrt{n}` places in a square of side 1. So
    populations of different sizes occupy the same space. `expected` gives the mean number of synapses, the sum of p
    over all pairs. On a ring or torus whose neurons are close compared with :math:`\sigma`, itself small compared with
    1, a source has on average about :math:`p_0 n \sqrt{2\pi}\sigma` targets among n in one dimension, and
    :math:`p_0 n 2\pi\sigma^2` in two.

    Attributes
    ----------
    probability : float
        Probability :math:`p_0` at distance 0, between 0 and 1.
    sigma : float
        Width :math:`\sigma`, in lengths of the line or sides of the square.
    weight : quantity, float or Distribution
        Magnitude of every synapse, in the unit that the target takes (`eisim.circuit.Projection`).
    dimensions : {1, 2}
    periodic : bool
        Whether the space is closed, a ring or a torus, so that no distance along a side exceeds 1/2.
    autapses : bool
        Whether a neuron may connect to itself.
    """

    probability: float
    sigma: float
    weight: Any
    dimensions: int = 1
    periodic: bool = True
    autapses: bool = False

    draws_number = True
    bytes_of_one = 9

    def __post_init__(self):
        self._check_probability("probability")
        if isinstance(self.sigma, bool) or not (isinstance(self.sigma, (int, float)) and 0 < self.sigma < np.inf):
            raise InputError(f"GaussianProfile.sigma: expected a number above 0, found {self.sigma!r}")
        if isinstance(self.dimensions, bool) or self.dimensions not in (1, 2):
            raise InputError(f"GaussianProfile.dimensions: expected 1 or 2, found {self.dimensions!r}")
        for name in ("periodic", "autapses"):
            _check_flag(self, name)

    def check(self, shape: tuple[int, int], recurrent: bool) -> None:
        """Refuse sizes that do not fill a square grid, in two dimensions."""
        for size, what in zip(shape, ("source", "target"), strict=True):
            if _side(size, self.dimensions) ** self.dimensions != size:
                raise InputError(
                    f"GaussianProfile: expected a {what} whose neurons fill a square grid, so of a size such as "
                    f"{_side(size, 2) ** 2}, found {size}"
                )

    def expected(self, shape: tuple[int, int], recurrent: bool = False) -> float:
        source, target = (_side(size, self.dimensions) for size in shape)
        total = _total_profile(source, target, self.sigma, self.periodic) ** self.dimensions
        return self.probability * (total - shape[0] * self._spares(recurrent))

    def probabilities(self, source: int, shape: tuple[int, int]) -> np.ndarray:
        """Probabilities of connections from one source to each target, shape (targets,)."""
        n_source, n_target = (_side(size, self.dimensions) for size in shape)
        along = [_profile(at, n_source, n_target, self.sigma, self.periodic) for at in np.divmod(source, n_source)]
        return self.probability * (along[1] if self.dimensions == 1 else np.outer(*along).ravel())

    def _draw(self, rng, n_source, n_target, spares):
        shape = n_source, n_target
        return _by_chance(rng, (self.probabilities(source, shape) for source in range(n_source)), shape, spares)


@dataclass(frozen=True)
class AllToAll(Rule):
    """Every source to every target, itself included.

    Where all targets receive the same, spiking circuits hold it once for a population: the cost of a simulation grows
    with the number of neurons, not with that of synapses. They do not where weights are drawn or a population has no
    autapses.

    Attributes
    ----------
    weight : quantity, float or Distribution
        Magnitude of every synapse, in the unit that the target takes (`eisim.circuit.Projection`).
    silent : tuple of int
        Sources that send nothing.
    autapses : bool
        Whether a neuron connects to itself.
    """

    weight: Any
    silent: tuple[int, ...] = ()
    autapses: bool = True

    draws_places = False
    bytes_of_one = 20

    def __post_init__(self):
        _check_flag(self, "autapses")

    def check(self, shape: tuple[int, int], recurrent: bool) -> None:
        """Refuse silent sources that there are not."""
        if not set(self.silent) <= set(range(shape[0])):
            raise InputError(f"AllToAll.silent: expected sources from 0 to {shape[0] - 1}, found {self.silent}")

    def expected(self, shape: tuple[int, int], recurrent: bool = False) -> float:
        return float(shape[0] - len(set(self.silent))) * (shape[1] - self._spares(recurrent))

    def senders(self, n_source: int) -> np.ndarray:
        """The sources that send, among `n_source`."""
        return np.delete(np.arange(n_source), self.silent)

    def _draw(self, rng, n_source, n_target, spares):
        matrix = np.zeros((n_source, n_target))
        matrix[self.senders(n_source)] = 1
        if spares:
            np.fill_diagonal(matrix, 0)
        return sparse.csr_array(matrix)


@dataclass(frozen=True)
class Independent(Rule):
    """Every target has a separate afferent: the Poisson drive of a population.

    The source is one Poisson input, whose rate is that of each of these afferents. Poisson trains add up, so an input
    with the rate of a thousand synapses represents a thousand.

    Attributes
    ----------
    weight : quantity, float or Distribution
        Magnitude of every synapse, in the unit that the target takes (`eisim.circuit.Projection`).
    """

    weight: Any

    draws_places = False
    bytes_of_one = 24

    def check(self, shape: tuple[int, int], recurrent: bool) -> None:
        """Refuse a source of more than one."""
        if shape[0] != 1:
            raise InputError(f"Independent: expected a source of size 1, found {shape[0]}")


def with_entries(matrix: sparse.csr_array, entries: np.ndarray) -> sparse.csr_array:
    """A sparse array with other entries at the same places.

    SciPy's own ways check the places again, which takes longer than all else that is done with a small array.
    """
    found = copy(matrix)
    found.data = entries
    return found


def _check_flag(rule, name):
    if not isinstance(getattr(rule, name), (bool, np.bool_)):
        raise InputError(f"{type(rule).__name__}.{name}: expected True or False, found {getattr(rule, name)!r}")


def _by_chance(rng, probabilities, shape, spares):
    """A pattern by the probabilities of each source in turn: one number, or one for each target."""
    columns = []
    for source, probability in enumerate(probabilities):
        targets = np.flatnonzero(rng.random(shape[1]) < probability)
        columns.append((targets[targets != source] if spares else targets).astype(np.int32))
    starts = np.cumsum([0, *map(len, columns)])
    return sparse.csr_array(_ones(np.concatenate(columns), starts), shape=shape)


def _of_distinct_pairs(rng, total, sources, targets):
    """In-degrees of a random set of so many pairs: a multivariate hypergeometric number.

    Pairs that are each chosen with the same probability are a random set, whatever their number; to the number that is
    wanted, random ones are added or taken away.
    """
    found = rng.binomial(sources, total / max(sources * targets, 1), targets)
    missing = total - int(found.sum())
    ends = np.cumsum(found if missing < 0 else sources - found)
    chosen = np.empty(0, np.int64)
    while chosen.size < abs(missing):
        more = rng.integers(ends[-1], size=abs(missing) - chosen.size)
        chosen = np.unique(np.concatenate([chosen, more]))
    change = np.bincount(np.searchsorted(ends, chosen, side="right"), minlength=targets)
    return found + change if missing > 0 else found - change


def _distinct(rng, n, degree, available, spares):
    """For each of n neurons so many distinct others, n × degree; without itself if it `spares` that."""
    found = np.empty((n, degree), np.int32)
    for neuron in range(n):
        chosen = rng.choice(available, degree, replace=False)
        found[neuron] = chosen + (chosen >= neuron) if spares else chosen
    return found


def _side(size, dimensions):
    """Neurons along a side of the line or square grid that so many neurons fill, rounded."""
    return size if dimensions == 1 else max(round(size**0.5), 1)


def _profile(at, n_source, n_target, sigma, periodic):
    """Gaussian of the distances along a side from the source at a place to each target."""
    apart = np.abs((np.arange(n_target) + 0.5) / n_target - (at + 0.5) / n_source)
    return np.exp(-((np.minimum(apart, 1 - apart) if periodic else apart) ** 2) / (2 * sigma**2))


@lru_cache(maxsize=64)
def _total_profile(n_source, n_target, sigma, periodic):
    return float(sum(_profile(at, n_source, n_target, sigma, periodic).sum() for at in range(n_source)))


def _ones(indices, starts):
    """A sparse array of ones, as its parts: a byte for each, for there may be a billion."""
    narrow = np.int32 if indices.size <= np.iinfo(np.int32).max else np.int64
    return np.ones(indices.size, np.int8), indices, starts.astype(narrow)  # SciPy widens both to the wider
