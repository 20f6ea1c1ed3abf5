"""What the readouts of a connectome did in every condition."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from eisim.analysis.readout import middle_threshold, refitted
from eisim.base.values import Brief, Shown
from eisim.circuit import Circuit
from eisim.studies.boolean import criterion
from eisim.studies.connectome.structure import Structure
from eisim.studies.connectome.wiring import Required, Wiring
from eisim.studies.controls import Answers, Variant, of_controls, resolution
from eisim.studies.curves import AblationCurve, below_floor
from eisim.studies.judgement import ANY, ROUNDING, Controls
from eisim.theory.required import best_share

INTACT, FRACTION, TRANSMITTER, CLASS, NEURON = "intact", "all inhibition", "transmitter", "class", "neuron"
CONTROL, SHUFFLED, ASSUMED, WITHOUT = "control", "shuffled wiring", "assumed", "assumed, without inhibition"
#: Kinds of conditions, in the order in which they are shown.
FAMILIES = (INTACT, FRACTION, TRANSMITTER, CLASS, NEURON, CONTROL, SHUFFLED, ASSUMED, WITHOUT)
#: What silencing takes.
OUTGOING, BOTH = WAYS = ("outgoing", "both")
#: Rates above this, in Hz, have run away.
RUNAWAY_RATE = 1e4


@dataclass(frozen=True)
class Condition(Brief):
    """What is done to a circuit."""

    family: str  # one of `FAMILIES`
    name: str
    neurons: int = 0  # that are silenced
    note: str = ""

    @property
    def label(self) -> str:
        """Its name with what it is of."""
        return self.name if self.family in (INTACT, NEURON, CONTROL, SHUFFLED) else f"{self.family}: {self.name}"


@dataclass(frozen=True, eq=False, repr=False)
class Protocol(Brief):
    """What is simulated: how long, from which seeds, and which conditions."""

    times: dict[str, float]
    fractions: np.ndarray  # from 0 to 1
    seeds: tuple[int, ...]
    ways: str  # one of `WAYS`
    lesions: tuple[str, ...] | None  # neurons or classes that are silenced one by one; None: all that inhibit
    shuffles: int
    controls: bool
    varied: bool  # whether signs that are not known, and weights, are varied
    backend: str = "cpp"


@dataclass(frozen=True, eq=False, repr=False)
class ConnectomeResult(Shown):
    """What the readouts of a connectome did in every condition."""

    name: str
    counts: dict[str, int]  # of the connectome
    notes: tuple[str, ...]  # what reading it left out or guessed
    wiring: Wiring
    protocol: Protocol
    circuit: Circuit  # intact
    trials: tuple[str, ...]
    levels: np.ndarray  # (trials, inputs): stimuli
    neurons: tuple[str, ...]  # of the readouts
    open_signs: dict[str, tuple[str, ...]]  # transmitters of the neurons with "mixed" and "unknown" synapses
    about: dict[str, tuple[str, str]]  # class and transmitter of the neurons that are silenced, by name
    entry_of: np.ndarray  # (neurons,): to which output each belongs
    conditions: tuple[Condition, ...]
    rates: np.ndarray  # (conditions, seeds, trials, neurons), in Hz
    mean_rates: np.ndarray  # (conditions,): of all neurons, in Hz
    variants: tuple[Variant, ...] = ()  # controls, in the order of their conditions
    swaps: tuple[int, ...] = ()  # of the shuffled connectomes
    required: Required | None = None
    structure: Structure | None = None  # what the wiring proves; None: it is too large
    attained: float | None = None  # score of an excitatory-only circuit that was built, if one was

    def __repr__(self):
        sizes = f"{len(self.outputs)} outputs, {len(self.trials)} trials, {len(self.conditions)} conditions"
        return f"<{type(self).__name__} of {self.name}: {sizes}>"

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the outputs."""
        return tuple(each.name for each in self.wiring.readouts)

    @property
    def is_exact(self) -> bool:
        """Whether nothing is random."""
        return not self.circuit.is_random

    @cached_property
    def by_output(self) -> np.ndarray:
        """Mean rates of the neurons of each output: conditions × seeds × trials × outputs, in Hz."""
        members = [self.entry_of == k for k in range(len(self.outputs))]
        return np.stack([self.rates[..., of].mean(axis=-1) for of in members], axis=-1)

    @property
    def means(self) -> np.ndarray:
        """The same, means over seeds."""
        return self.by_output.mean(axis=1)

    def of(self, *families: str) -> np.ndarray:
        """Places of the conditions of some families."""
        return np.array([k for k, each in enumerate(self.conditions) if each.family in families], dtype=int)

    @cached_property
    def change(self) -> np.ndarray:
        """Change of the mean rate against the intact circuit: conditions × trials × outputs, in Hz."""
        return self.means - self.means[0]

    @cached_property
    def effects(self) -> np.ndarray:
        """Change of the mean rates without inhibition, in Hz: as the settings have it, then under each assumption.

        The shape is (1 + assumptions, trials, outputs).
        """
        intact, without = [0, *self.of(ASSUMED)], [self.of(FRACTION)[-1], *self.of(WITHOUT)]
        return self.means[without] - self.means[intact]

    @cached_property
    def uncertainty(self) -> np.ndarray | None:
        """Half of the 95 % interval of that change over pairs of equal seeds; ``None`` where nothing is random.

        It is NaN with a single seed.
        """
        from scipy.stats import t

        n = self.by_output.shape[1]
        if self.is_exact:
            return None
        if n == 1:
            return np.full(self.change.shape, np.nan)
        differences = self.by_output - self.by_output[:1]
        return t.ppf(0.975, n - 1) * differences.std(axis=1, ddof=1) / np.sqrt(n)

    @property
    def largest(self) -> np.ndarray:
        """Place (trial, output) of the largest change in each condition, conditions × 2."""
        flat = np.abs(self.change).reshape(len(self.conditions), -1).argmax(axis=1)
        return np.stack(np.unravel_index(flat, self.change.shape[1:]), axis=1)

    def ranked(self, *families: str) -> np.ndarray:
        """Places of the conditions of some families, that with the largest change first."""
        places = self.of(*families)
        size = np.abs(self.change[places]).max(axis=(1, 2), initial=0.0)
        return places[np.argsort(-size, kind="stable")]

    @property
    def has_run_away(self) -> np.ndarray:
        """Conditions in which rates are not bounded."""
        return ~(np.abs(self.by_output).max(axis=(1, 2, 3), initial=0.0) < RUNAWAY_RATE)

    @cached_property
    def thresholds(self) -> np.ndarray | None:
        """Thresholds of the outputs, fitted to the intact circuit, in Hz."""
        if self.required is None:
            return None
        intact, n = self.by_output[0], self.by_output.shape[1]
        finest = resolution(intact.reshape(len(intact), -1))
        ones = np.ones(n * len(self.trials))
        return np.array(
            [
                middle_threshold(intact[..., k].ravel(), np.tile(self.required.outputs[:, k], n), ones, finest)
                for k in range(len(self.outputs))
            ]
        )

    @cached_property
    def margins(self) -> np.ndarray | None:
        """Distance of the intact rates from these thresholds, of each output the least, in Hz; below 0 if wrong."""
        if self.required is None:
            return None
        side = np.where(self.required.outputs, 1, -1)
        return (side * (self.by_output[0] - self.thresholds)).min(axis=(0, 1))

    @cached_property
    def scores(self) -> np.ndarray | None:
        """Share of trials with all outputs as required: conditions × seeds."""
        if self.required is None:
            return None
        return ((self.by_output > self.thresholds) == self.required.outputs).all(axis=-1).mean(axis=-1)

    @cached_property
    def refitted_scores(self) -> np.ndarray | None:
        """The same with the best thresholds for each condition, fitted to all its seeds: conditions."""
        if self.required is None:
            return None
        every = np.arange(self.by_output.shape[1])
        finest = resolution(self.by_output[0].reshape(len(every), -1))
        wanted = self.required.outputs
        found = [refitted(np.nan_to_num(of), wanted, every, every, resolution=finest).mean() for of in self.by_output]
        return np.where(self.has_run_away, np.nan, found)

    @cached_property
    def bound(self) -> float | None:
        """Share that no excitatory-only system exceeds."""
        return None if self.required is None else best_share(self.levels, self.required.outputs)

    @cached_property
    def curves(self) -> tuple[AblationCurve, ...]:
        """The score against the fraction of inhibition removed, where it is said what is required."""
        if self.required is None:
            return ()
        places = [0, *self.of(FRACTION)]
        ablated = self.protocol.fractions[-1] == 1
        return (
            AblationCurve.of(
                self.circuit,
                self.wiring.kind,
                self.protocol.fractions,
                self.scores[places],
                criterion(self.required.constant),
                1 - self.bound if ablated else None,
                tolerance=ROUNDING if self.is_exact else ANY,
                function=self.required.name,
                constant=self.required.constant,
                attained=self.attained,
                controls=self._controls(places[-1]),
                is_exact=self.is_exact,
                rises=self.structure is not None and self.structure.rises,
            ),
        )

    def _controls(self, ablated: int) -> Controls | None:
        if not self.protocol.controls:
            return None
        tried = list(zip(self.variants, map(self._answers, self.of(CONTROL)), strict=True))
        return of_controls(self._answers(0), self._answers(ablated), tried, self.is_exact, self.required.outputs)

    def _answers(self, place: int) -> Answers:
        rates = self.by_output[place]
        return Answers(self.scores[place], rates, float(self.mean_rates[place]))

    @property
    def problems(self) -> list[str]:
        """Contradictions of the theory."""
        found = [problem for curve in self.curves for problem in curve.violations()]
        if self.attained is not None:
            built = f"excitatory-only circuit, {self.wiring.kind}"
            found += below_floor(self.required.name, built, self.attained, 1 - self.bound)
        return found
