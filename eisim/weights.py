"""Rules from which weight matrices are drawn; the drawing is fixed by the circuit's seed."""

from copy import copy
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy import sparse

from eisim.base.errors import InputError
from eisim.base.seeds import Seed, generator_of
from eisim.base.values import Explained


class Rule(Explained):
    """Weights of a projection given by a rule that draws synapses, all with the same weight."""

    weight: Any
    bytes_of_one: ClassVar[int]  # what a drawn synapse takes

    def check(self, shape: tuple[int, int], recurrent: bool) -> None:
        """Refuse a shape that does not fit; `recurrent`: source and target are the same neurons."""

    def expected(self, shape: tuple[int, int]) -> float:
        """Number of synapses, on average."""
        return float(shape[0]) * shape[1]

    def draw(self, rng: Seed, shape: tuple[int, int], recurrent: bool) -> sparse.csr_array:
        """A (source × target) matrix of ones, drawn by a seed or Generator; `recurrent`: both are the same neurons."""
        return self._draw(generator_of(rng, f"{type(self).__name__}.draw: rng"), *shape, recurrent)

    def _draw(self, rng: np.random.Generator, n_source: int, n_target: int, recurrent: bool) -> sparse.csr_array:
        return sparse.csr_array(np.ones((n_source, n_target)))


@dataclass(frozen=True)
class FixedProbability(Rule):
    """Each pair is connected with the same probability, all with the same weight; no autapses.

    Attributes
    ----------
    probability : float
        Between 0 and 1.
    weight : quantity or float
        Magnitude of every synapse, in the unit that the target takes (`eisim.circuit.Projection`).
    """

    probability: float
    weight: Any

    bytes_of_one = 9

    def __post_init__(self):
        if not (isinstance(self.probability, (int, float)) and 0 <= self.probability <= 1):
            raise InputError(f"FixedProbability.probability: expected between 0 and 1, found {self.probability!r}")

    def expected(self, shape: tuple[int, int]) -> float:
        return self.probability * shape[0] * shape[1]

    def _draw(self, rng, n_source, n_target, recurrent):
        columns = []
        for source in range(n_source):
            targets = np.flatnonzero(rng.random(n_target) < self.probability)
            columns.append((targets[targets != source] if recurrent else targets).astype(np.int32))
        starts = np.cumsum([0, *map(len, columns)])
        return sparse.csr_array(_ones(np.concatenate(columns), starts), shape=(n_source, n_target))


@dataclass(frozen=True)
class FixedInDegree(Rule):
    """Each target receives the same number of synapses from distinct sources; no autapses.

    Attributes
    ----------
    in_degree : int
        Synapses per target.
    weight : quantity or float
        Magnitude of every synapse, in the unit that the target takes (`eisim.circuit.Projection`).
    """

    in_degree: int
    weight: Any

    bytes_of_one = 10

    def __post_init__(self):
        if isinstance(self.in_degree, bool) or not isinstance(self.in_degree, (int, np.integer)):
            raise InputError(f"FixedInDegree.in_degree: expected a whole number, found {self.in_degree!r}")
        if not 0 <= self.in_degree < 2**31:
            found = self.in_degree if abs(self.in_degree) < 10**18 else "more"
            raise InputError(f"FixedInDegree.in_degree: expected from 0 to {2**31 - 1:,}, found {found}")

    def check(self, shape: tuple[int, int], recurrent: bool) -> None:
        """Refuse a shape with fewer sources than synapses for each target."""
        available = shape[0] - recurrent
        if self.in_degree > available:
            expected = f"at most {available} (the sources there are)"
            raise InputError(f"FixedInDegree.in_degree: expected {expected}, found {self.in_degree}")

    def expected(self, shape: tuple[int, int]) -> float:
        return float(self.in_degree) * shape[1]

    def _draw(self, rng, n_source, n_target, recurrent):
        available = n_source - recurrent
        rows = np.empty((n_target, self.in_degree), np.int32)
        for target in range(n_target):
            chosen = rng.choice(available, self.in_degree, replace=False)
            rows[target] = chosen + (chosen >= target) if recurrent else chosen
        starts = np.arange(n_target + 1) * self.in_degree
        return sparse.csc_array(_ones(rows.ravel(), starts), shape=(n_source, n_target)).tocsr()


@dataclass(frozen=True)
class AllToAll(Rule):
    """Every source to every target, itself included, all with the same weight.

    Since all targets receive the same, spiking circuits hold it once for a population: the cost of a simulation grows
    with the number of neurons, not with that of synapses.

    Attributes
    ----------
    weight : quantity or float
        Magnitude of every synapse, in the unit that the target takes (`eisim.circuit.Projection`).
    silent : tuple of int
        Sources that send nothing.
    """

    weight: Any
    silent: tuple[int, ...] = ()

    bytes_of_one = 20

    def check(self, shape: tuple[int, int], recurrent: bool) -> None:
        """Refuse silent sources that there are not."""
        if not set(self.silent) <= set(range(shape[0])):
            raise InputError(f"AllToAll.silent: expected sources from 0 to {shape[0] - 1}, found {self.silent}")

    def expected(self, shape: tuple[int, int]) -> float:
        return float(shape[0] - len(set(self.silent))) * shape[1]

    def senders(self, n_source: int) -> np.ndarray:
        """The sources that send, among `n_source`."""
        return np.delete(np.arange(n_source), self.silent)

    def _draw(self, rng, n_source, n_target, recurrent):
        matrix = np.zeros((n_source, n_target))
        matrix[self.senders(n_source)] = 1
        return sparse.csr_array(matrix)


@dataclass(frozen=True)
class Independent(Rule):
    """Every target has a separate afferent, all with the same weight: the Poisson drive of a population.

    The source is one Poisson input, whose rate is that of each of these afferents. Poisson trains add up, so an input
    with the rate of a thousand synapses represents a thousand.

    Attributes
    ----------
    weight : quantity or float
        Magnitude of every synapse, in the unit that the target takes (`eisim.circuit.Projection`).
    """

    weight: Any

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


def _ones(indices, starts):
    """A sparse array of ones, as its parts: a byte for each, for there may be a billion."""
    narrow = np.int32 if indices.size <= np.iinfo(np.int32).max else np.int64
    return np.ones(indices.size, np.int8), indices, starts.astype(narrow)  # SciPy widens both to the wider
