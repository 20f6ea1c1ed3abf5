"""A statement with its evidence: a proof, a trained network, simulations."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from eisim.studies.curves import contradiction
from eisim.studies.order.order import Share
from eisim.studies.paper.context import Behaviour

#: How near a trained network comes to what it can reach, as mean squared error.
NEAR = 1e-6
#: Outputs fall if they fall by more than this; the same for losses below a floor.
ROUNDING = 1e-9


@dataclass(frozen=True)
class Trained:
    """The least mean squared error that a network with non-negative weights was trained to, and what is possible."""

    network: str
    loss: float
    possible: float  # the floor where order is kept, 0 where it is not
    is_floor: bool


@dataclass(frozen=True)
class Simulated:
    """A circuit's score, or another number that is known beforehand."""

    what: str
    found: float
    expected: float
    within: float = ROUNDING  # how much they may differ

    @property
    def is_right(self) -> bool:
        """Whether what was found is as expected."""
        return bool(abs(self.found - self.expected) <= self.within)


@dataclass(frozen=True)
class Check:
    """A statement.

    Attributes
    ----------
    name, statement : str
    part : {"theorem", "building block", "exception"}
    claim : {"holds", "kept", "broken"}
        What the proof says: of a building block whether networks with it and without negative weights keep order.
    proof : str
    pairs : Share
        Ordered pairs of inputs whose output falls, in random networks without negative weights.
    witness : tuple or None
        Two inputs and the outputs of a network for them: the second input is nowhere lower, its output is.
    trained : tuple of Trained
    simulated : tuple of Simulated
    inhibitory : int or None
        Number of inhibitory neurons of the circuit of the trained network, if it was built.
    """

    name: str
    statement: str
    part: Literal["theorem", "building block", "exception"]
    claim: Literal["holds", "kept", "broken"]
    proof: str
    pairs: Share | None = None
    witness: tuple[tuple[float, ...], tuple[float, ...], float, float] | None = None
    trained: tuple[Trained, ...] = ()
    simulated: tuple[Simulated, ...] = ()
    inhibitory: int | None = None

    @property
    def is_broken(self) -> bool:
        """Whether the output of some network was found to fall."""
        fell = self.witness is not None and self.witness[2] > self.witness[3]
        return fell or bool(self.pairs and self.pairs.count)

    @property
    def finding(self) -> str:
        """What was found: "holds" or "fails" (theorem), else "kept", "broken" or "not simulated"."""
        if self.part == "theorem":
            return "fails" if self.problems else "holds"
        if self.part == "exception" and not self.simulated:
            return "not simulated"
        return "broken" if self.is_broken else "kept"

    @property
    def problems(self) -> list[str]:
        """Contradictions of the theorem, and checks that failed."""
        found = []
        if self.pairs and self.claim != "broken" and self.pairs.count:
            found.append(contradiction(self.name, f"order breaks in {self.pairs.count} of {self.pairs.of} networks"))
        if self.claim == "kept" and self.witness and self.is_broken:
            found.append(contradiction(self.name, "order breaks in the trained network"))
        if self.pairs and self.claim == "broken" and not self.is_broken:
            found.append(f"{self.name}: expected networks whose output falls, found none")
        for each in self.trained:
            if each.is_floor and each.loss < each.possible - ROUNDING:
                found.append(contradiction(self.name, f"a loss of {each.loss:g} is below the floor {each.possible:g}"))
            if each.loss > each.possible + NEAR:
                found.append(f"{self.name}: expected a loss of {each.possible:.7g}, found {each.loss:.7g}")
        for fact in self.simulated:
            if not fact.is_right:
                found.append(f"{self.name}: {fact.what}: expected {fact.expected:g}, found {fact.found:g}")
        return found


@dataclass(frozen=True, eq=False)
class Face:
    """A region of the plane that no excitatory-only circuit has, and the nearest one that such a circuit has."""

    name: str
    wanted: np.ndarray  # (points along y, points along x), bool
    nearest: np.ndarray


@dataclass(frozen=True, eq=False)
class PaperResult:
    """All checks, the regions, and the jellyfish where spiking circuits were simulated."""

    curves = ()  # nothing is ablated

    checks: tuple[Check, ...]
    faces: tuple[Face, ...]
    jellyfish: Behaviour | None

    @property
    def problems(self) -> list[str]:
        """Contradictions of the theory, and checks that failed."""
        return [problem for check in self.checks for problem in check.problems]
