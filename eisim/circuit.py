"""Circuits: inputs, excitatory and inhibitory populations, projections and readouts, as immutable values.

A circuit is the only thing that the simulator, the adapter and the theory read. Dale's law holds by construction:
a projection has magnitudes, and their sign is that of the source population.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal
from zlib import crc32

import numpy as np
from scipy import sparse

from eisim.errors import InputError
from eisim.neurons import LIF, RateUnit
from eisim.units import scalar_si, to_si, unit_of
from eisim.values import Value, quantity
from eisim.weights import Rule

Sign = Literal["E", "I"]

#: The phase at which a cycle is complete. The tolerance is far above rounding and far below a step's advance, so that
#: phases which add up to exactly 1 complete it in every implementation.
CYCLE = 1 - 1e-9


def delay_steps(delay, dt: float) -> np.ndarray:
    """Whole time steps nearest to a delay (both in s), as Brian2 rounds it."""
    return np.floor(np.asarray(delay) / dt + 0.5).astype(int)


def _check_name(name, what):
    if not isinstance(name, str) or not name:
        raise InputError(f"{what}.name: expected a name, found {name!r}")


def _check_size(size, what):
    if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 1:
        raise InputError(f"{what}: size: expected a whole number of at least 1, found {size!r}")


@dataclass(frozen=True)
class Input(Value):
    """External afferents; excitatory. A stimulus value x makes an afferent fire at x times `rate`.

    In a rate circuit the afferents carry that rate; in a spiking circuit they fire regular spike trains of that
    rate: at each time step the phase of an afferent advances by rate × dt, and it spikes when the phase completes
    a cycle. The initial phases are staggered evenly over the afferents of an input.

    Attributes
    ----------
    name : str
    size : int
        Number of afferents, which is the number of stimulus columns that this input takes.
    rate : quantity
        Rate for a stimulus value of 1, in Hz.
    """

    name: str
    size: int = 1
    rate: float = quantity(100.0, "hertz", positive=True)

    def __post_init__(self):
        super().__post_init__()
        _check_name(self.name, "Input")
        _check_size(self.size, f"Input {self.name!r}")

    @property
    def phases(self) -> np.ndarray:
        """Initial phases of the afferents, in cycles, shape (size,)."""
        return (np.arange(self.size) + 0.5) / self.size


@dataclass(frozen=True, eq=False)
class Population:
    """Neurons of one model and one sign.

    Attributes
    ----------
    name : str
    sign : {"E", "I"}
        Excitatory or inhibitory: the sign of every synapse that these neurons make (Dale's law).
    neuron : RateUnit or LIF
    size : int
    bias : quantity, float or array_like of shape (size,)
        Tonic drive of either sign: Hz for rate units, V for LIF neurons. Stored as a read-only array (size,).
    """

    name: str
    sign: Sign
    neuron: RateUnit | LIF
    size: int = 1
    bias: object = 0.0

    def __post_init__(self):
        _check_name(self.name, "Population")
        what = f"Population {self.name!r}"
        if self.sign not in ("E", "I"):
            raise InputError(f"{what}: sign: expected 'E' or 'I', found {self.sign!r}")
        if not isinstance(self.neuron, (RateUnit, LIF)):
            raise InputError(f"{what}: neuron: expected a neuron model such as LIF(), found {self.neuron!r}")
        _check_size(self.size, what)
        bias = to_si(self.bias, self.neuron.drive_unit, f"{what}: bias")
        if bias.shape not in ((), (self.size,)):
            raise InputError(f"{what}: bias: expected shape ({self.size},), found {bias.shape}")
        object.__setattr__(self, "bias", _read_only(np.broadcast_to(bias, (self.size,)).copy()))


@dataclass(frozen=True, eq=False)
class Projection:
    """Synapses from one population (or input) to another.

    Attributes
    ----------
    source, target : str
        Names; a source may be an input.
    weights : array_like or sparse array of shape (source size, target size), FixedProbability or FixedInDegree
        Non-negative magnitudes: plain numbers onto rate units, voltages onto LIF neurons. 0 means no synapse. Held
        as a read-only sparse array in SI units, or as the rule.
    delay : quantity, float or array_like of shape (source size, target size)
        Conduction delay, in s; the simulator rounds it to whole time steps.
    name : str
        ``"source->target"`` unless given.
    """

    source: str
    target: str
    weights: object
    delay: object = 0.0
    name: str = ""
    unit: str | None = field(default=None, init=False, repr=False)

    def __post_init__(self):
        object.__setattr__(self, "name", self.name or f"{self.source}->{self.target}")
        if not isinstance(self.weights, Rule):
            object.__setattr__(self, "unit", unit_of(self.weights))
            object.__setattr__(self, "weights", self._magnitudes())
        delay = to_si(self.delay, "second", f"projection {self.name!r}: delay")
        if (delay < 0).any():
            raise InputError(f"projection {self.name!r}: delay: expected 0 or more, found {delay.min():g} s")
        object.__setattr__(self, "delay", _read_only(delay))

    def _magnitudes(self) -> sparse.csr_array:
        what = f"projection {self.name!r}: weights"
        if sparse.issparse(self.weights):
            matrix = sparse.csr_array(self.weights, dtype=float, copy=True)
            to_si(matrix.data, "1", what)
        else:
            matrix = sparse.csr_array(np.atleast_2d(to_si(self.weights, self.unit or "1", what)))
        if matrix.nnz and matrix.data.min() < 0:
            raise InputError(
                f"{what}: expected non-negative magnitudes (Dale's law: the sign is the source's), "
                f"found {matrix.data.min():g}"
            )
        matrix.eliminate_zeros()
        matrix.sort_indices()
        for part in (matrix.data, matrix.indices, matrix.indptr):
            _read_only(part)
        return matrix


@dataclass(frozen=True)
class Readout(Value):
    """A population whose every neuron is an output, read as 1 when its rate exceeds one threshold.

    Attributes
    ----------
    population : str
    threshold : quantity
        Decision threshold, in Hz.
    """

    population: str
    threshold: float = quantity(50.0, "hertz", non_negative=True)


@dataclass(frozen=True, eq=False, repr=False)
class Circuit:
    """Inputs, populations, projections and readouts.

    Attributes
    ----------
    name : str
    inputs : sequence of Input
    populations : sequence of Population
        All rate units or all spiking neurons.
    projections : sequence of Projection
    readouts : sequence of Readout
    seed : int
        Fixes what weight rules draw.

    Raises
    ------
    InputError
        For names that are unknown or used twice, shapes that do not fit, negative or non-finite weights, or
        units that the target does not take.
    """

    name: str
    inputs: tuple[Input, ...]
    populations: tuple[Population, ...]
    projections: tuple[Projection, ...] = ()
    readouts: tuple[Readout, ...] = ()
    seed: int = 0

    def __post_init__(self):
        for part, kind in (
            ("inputs", Input),
            ("populations", Population),
            ("projections", Projection),
            ("readouts", Readout),
        ):
            members = tuple(getattr(self, part))
            for member in members:
                if not isinstance(member, kind):
                    raise InputError(f"circuit {self.name!r}: {part}: expected {kind.__name__}, found {member!r}")
            object.__setattr__(self, part, members)
        if isinstance(self.seed, bool) or not isinstance(self.seed, (int, np.integer)) or self.seed < 0:
            raise InputError(f"circuit {self.name!r}: seed: expected a whole number, found {self.seed!r}")
        if not self.inputs or not self.populations:
            raise InputError(f"circuit {self.name!r}: expected at least one input and one population")
        self._check_names([p.name for p in (*self.inputs, *self.populations)], "input or population")
        self._check_names([p.name for p in self.projections], "projection")
        kinds = {p.neuron.kind for p in self.populations}
        if len(kinds) > 1:
            raise InputError(f"circuit {self.name!r}: expected neurons of one kind, found rate and spiking")
        for projection in self.projections:
            self._check_projection(projection)
        for readout in self.readouts:
            self._find(readout.population, self.populations, f"readout {readout.population!r}")

    def _check_names(self, names, what):
        for name in names:
            if names.count(name) > 1:
                raise InputError(f"circuit {self.name!r}: {what} name {name!r} is used twice")

    def _find(self, name, members, what):
        for member in members:
            if member.name == name:
                return member
        known = ", ".join(repr(m.name) for m in members)
        raise InputError(f"circuit {self.name!r}: {what}: expected one of {known}, found {name!r}")

    def __repr__(self):
        neurons = {sign: sum(p.size for p in self.populations if p.sign == sign) for sign in "EI"}
        synapses = sum(self.weights(p).nnz for p in self.projections)
        return (
            f"<Circuit {self.name!r}, {self.kind}: {self.n_inputs} inputs, {neurons['E']} E and {neurons['I']} I "
            f"neurons, {synapses} synapses, {self.n_readouts} readouts>"
        )

    @property
    def kind(self) -> Literal["rate", "spiking"]:
        """``"rate"`` or ``"spiking"``."""
        return self.populations[0].neuron.kind

    @property
    def n_inputs(self) -> int:
        """Number of stimulus columns."""
        return sum(i.size for i in self.inputs)

    @property
    def n_readouts(self) -> int:
        """Number of outputs: neurons in all readout populations."""
        return sum(self.population(r.population).size for r in self.readouts)

    @property
    def n_inhibitory(self) -> int:
        """Number of inhibitory neurons."""
        return sum(p.size for p in self.populations if p.sign == "I")

    @property
    def readout_thresholds(self) -> np.ndarray:
        """Decision threshold of each output, in Hz, shape (readouts,)."""
        return np.concatenate(
            [np.full(self.population(r.population).size, r.threshold) for r in self.readouts] or [np.empty(0)]
        )

    def population(self, name: str) -> Population:
        """The population of that name."""
        return self._find(name, self.populations, "population")

    def source(self, projection: Projection) -> Input | Population:
        """The input or population that a projection comes from."""
        members = (*self.inputs, *self.populations)
        return self._find(projection.source, members, f"projection {projection.name!r}: source")

    def sign(self, projection: Projection) -> int:
        """+1 for an excitatory projection (inputs are excitatory), -1 for an inhibitory one."""
        return -1 if getattr(self.source(projection), "sign", "E") == "I" else 1

    @property
    def inhibitory_projections(self) -> tuple[Projection, ...]:
        """The projections that come from inhibitory populations."""
        return tuple(p for p in self.projections if self.sign(p) < 0)

    @property
    def is_excitatory_only(self) -> bool:
        """Whether no inhibitory projection has a synapse left."""
        return all(self.weights(p).nnz == 0 for p in self.inhibitory_projections)

    def weights(self, projection: Projection) -> sparse.csr_array:
        """Magnitudes of a projection: (source size × target size), plain onto rate units, in V onto LIF neurons.

        Rules are drawn from the circuit's seed and the projection's name, so the matrix is always the same.
        """
        given = projection.weights
        return self._drawn[projection.name] if isinstance(given, Rule) else given

    @cached_property
    def _drawn(self) -> dict[str, sparse.csr_array]:
        return {}

    def _check_projection(self, projection):
        what = f"projection {projection.name!r}"
        source = self.source(projection)
        target = self._find(projection.target, self.populations, f"{what}: target")
        shape, unit = (source.size, target.size), target.neuron.weight_unit
        given = projection.weights
        if isinstance(given, Rule):
            weight = scalar_si(given.weight, unit, f"{what}: weight")
            rng = np.random.default_rng([self.seed, crc32(projection.name.encode())])
            pattern = given.draw(rng, shape, source is target)
            self._drawn[projection.name] = Projection(
                projection.source, projection.target, pattern * weight, name=projection.name
            ).weights
        elif projection.unit not in (None, unit):
            expected = "voltages" if unit == "volt" else "plain numbers"
            raise InputError(f"{what}: weights: expected {expected}, found a quantity in {projection.unit}")
        elif given.shape != shape:
            raise InputError(
                f"{what}: weights: expected shape {shape} (source × target: {source.name!r} × {target.name!r}), "
                f"found {given.shape}"
            )
        if projection.delay.shape not in ((), shape):
            raise InputError(f"{what}: delay: expected shape {shape}, found {projection.delay.shape}")

    def with_neurons(self, **changes) -> "Circuit":
        """The same circuit with other parameters of every spiking neuron, such as ``refractory=0``."""
        changed = [
            replace(p, neuron=replace(p.neuron, **changes)) if p.neuron.kind == "spiking" else p
            for p in self.populations
        ]
        return replace(self, populations=changed)

    def without_noise(self) -> "Circuit":
        """The same circuit with the noise of every neuron set to 0."""
        return replace(self, populations=[replace(p, neuron=replace(p.neuron, noise=0.0)) for p in self.populations])


def union(circuits: Sequence[Circuit], name: str = "union") -> Circuit:
    """Circuits side by side as one circuit; the parts of the k-th are named ``"k/name"``."""
    inputs, populations, projections, readouts = [], [], [], []
    for k, circuit in enumerate(circuits):
        inputs += [replace(i, name=f"{k}/{i.name}") for i in circuit.inputs]
        populations += [replace(p, name=f"{k}/{p.name}") for p in circuit.populations]
        readouts += [replace(r, population=f"{k}/{r.population}") for r in circuit.readouts]
        projections += [
            Projection(f"{k}/{p.source}", f"{k}/{p.target}", circuit.weights(p), p.delay, name=f"{k}/{p.name}")
            for p in circuit.projections
        ]
    return Circuit(name, inputs, populations, projections, readouts)


def _read_only(array):
    array.flags.writeable = False
    return array
