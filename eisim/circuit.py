"""Circuits: inputs, excitatory and inhibitory populations, projections and readouts, as immutable values.

A circuit is the only thing that the simulator, the adapter and the theory read. Dale's law holds by construction:
a projection has magnitudes, and their sign is that of the source population.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property, lru_cache
from itertools import accumulate, count, pairwise
from typing import Any, ClassVar, Literal
from zlib import crc32

import numpy as np
from scipy import sparse

from eisim.base import memory
from eisim.base.display import display, plotted
from eisim.base.errors import InputError, did_you_mean
from eisim.base.seeds import Seed, seed_of, uniform_at
from eisim.base.units import Measured, expected, is_made_by_hand, scalar_si, to_si, unit_of, warn_of_plain
from eisim.base.values import Brief, ReadOnly, Shown, Value, quantity, revised
from eisim.distributions import Distribution
from eisim.keyed_synapses import KeyedSynapses, delays_of, weights_of
from eisim.neurons import LIF, ConductanceLIF, Neuron, RateUnit, SpikingNeuron, Theta
from eisim.neurons.neuron import model_name
from eisim.neurons.spiking import INHIBITORY
from eisim.plasticity import PlasticityRule
from eisim.stimuli import SpikeTimes
from eisim.synapses import ShortTerm, Transient
from eisim.weights import AllToAll, FixedProbability, GaussianProfile, Independent, Rule, with_entries

Sign = Literal["E", "I"]

#: The phase at which a cycle is complete. The tolerance is far above rounding and far below a step's advance, so that
#: phases which add up to exactly 1 complete it in every implementation.
CYCLE = 1 - 1e-9
#: Drives of this size as plain numbers are hardly meant in V; as a membrane potential, such a value may mean "never".
_HUGE_DRIVE = {"volt": 0.25}
#: Bytes that drawing a number for a synapse takes, beside the synapse.
_DRAWN = 40
#: Bytes of a synapse that is drawn by keys, in Python.
_KEYED = 60
#: What is drawn for each synapse, as part of the seed; `Circuit.neurons` has 1.
_OF_WEIGHTS, _OF_DELAYS, _OF_STATES, _OF_JUNCTIONS = 2, 3, 4, 5
#: Units of the conductance of gap junctions, by those of the potential and of the drive of a neuron.
_CONDUCTANCES = {
    ("hertz", "hertz"): "1",
    ("volt", "volt"): "1",
    ("1", "1"): "1",
    ("volt", "ampere"): "siemens",
    ("volt", "metre ** -2 * amp"): "metre ** -4 * kilogram ** -1 * second ** 3 * amp ** 2",
}
#: Brian2 counts neurons and synapses in 32 bits.
MOST_NEURONS = 2**31 - 1


def delay_steps(delay, dt: float) -> np.ndarray:
    """Whole time steps nearest to a delay (both in s), as Brian2 rounds it."""
    return np.floor(np.asarray(delay) / dt + 0.5).astype(int)


def spans(parts: Iterable["Input | Population"]) -> dict[str, slice]:
    """The place of each of several inputs or populations, by its name, where all lie in a row."""
    parts = list(parts)
    return {p.name: slice(end - p.size, end) for p, end in zip(parts, accumulate(p.size for p in parts), strict=True)}


def _check_name(name, what):
    if not isinstance(name, str) or not name:
        raise InputError(f"{what}.name: expected a name, found {name!r}")


def _check_size(size, what):
    if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 1:
        raise InputError(f"{what}: size: expected a whole number of at least 1, found {size!r}")
    if size > MOST_NEURONS:
        raise InputError(f"{what}: size: expected at most {MOST_NEURONS:,}, found {size if size < 10**18 else 'more'}")


def _check_magnitude(lowest, what, law=" (Dale's law: the sign is the source's)"):
    if lowest < 0:
        raise InputError(f"{what}{law}, found {lowest:g}")


def _conductances(given, unit, what) -> sparse.csr_array:
    """Conductances of gap junctions in SI units, 0 or more."""
    if not sparse.issparse(given):
        numbers = np.atleast_2d(to_si(given, unit, what))
        warn_of_plain(given, unit, what, by_hand=True)
        given = numbers
    matrix = sparse.csr_array(given, dtype=float, copy=True)
    to_si(matrix.data, "1", what)
    _check_magnitude(matrix.data.min(initial=0), f"{what}: expected 0 or more", law="")
    return matrix


class Source:
    """Base of inputs and populations, the sources of projections."""

    name: str
    size: int


@dataclass(frozen=True)
class Input(Source, Value):
    r"""What reaches a circuit from outside: spike trains of afferents, or current injected through electrodes.

    **Rates.** A stimulus value x makes an afferent fire at x times `rate`; afferents are excitatory. In a rate circuit
    they carry that rate; in a spiking circuit they fire spike trains of that rate. In a regular train the phase of an
    afferent advances at each time step by rate × dt, and it spikes when the phase completes a cycle; the initial phases
    are staggered evenly over the afferents of an input.

    **Current.** With `current`, a stimulus value x, which may be negative, injects x times that current: A into
    conductance-based neurons, V into LIF neurons (times the membrane resistance), Hz into rate units. It is added to
    the bias, from the first time step of a frame on. Weights of its projections are plain numbers that multiply it.
    With `fluctuation` and `tau` an Ornstein-Uhlenbeck process is added,

    .. math:: I = x I_0 + \eta, \qquad \dot{\eta} = -\eta/\tau + \sigma\sqrt{2/\tau}\,\xi(t)

    in exact steps from its stationary distribution. Targets of one electrode share its realisation; with the rule
    `eisim.weights.Independent` each neuron has a realisation of its own.

    **Spike times.** With `spikes` the afferents of a spiking circuit fire at these times in every trial, as those of
    Brian2's ``SpikeGeneratorGroup`` do, while the stimulus value is 1, and not while it is 0.

    Attributes
    ----------
    name : str
    size : int
        Number of afferents, which is the number of stimulus columns that this input takes.
    rate : quantity
        Rate for a stimulus value of 1, in Hz.
    train : {"regular", "poisson"}
        Kind of spike train.
    current : quantity, optional
        Current :math:`I_0` for a stimulus value of 1, in the unit of the targets' bias: A, V or Hz.
    fluctuation : quantity, optional
        Standard deviation :math:`\sigma` of the Ornstein-Uhlenbeck process, in the unit of the current.
    tau : quantity
        Its correlation time :math:`\tau`, in s.
    spikes : tuple of (array_like, array_like) or DataFrame, optional
        Afferents and the times at which they fire, in s; of a DataFrame the columns ``i`` (or ``neuron``) and ``t``.
        Held as `eisim.stimuli.SpikeTimes`.

    Raises
    ------
    InputError
        For values out of range, a current and a fluctuation in different units, or a combination of current and spikes.
    """

    name: str
    size: int = 1
    rate: float = quantity(100.0, "hertz", positive=True)
    train: Literal["regular", "poisson"] = "regular"
    current: Any = None
    fluctuation: Any = 0.0
    tau: float = quantity(5e-3, "second", positive=True, huge=0.5)
    spikes: Any = None

    def __post_init__(self):
        super().__post_init__()
        _check_name(self.name, "Input")
        what = f"Input {self.name!r}"
        if self.train not in ("regular", "poisson"):
            raise InputError(f"{what}: train: expected 'regular' or 'poisson', found {self.train!r}")
        _check_size(self.size, what)
        self._check_current(what)
        if self.tau != 5e-3 and self.current is None:
            raise InputError(f"{what}: tau: expected it with a current= that fluctuates, found no current")
        if self.spikes is not None:
            object.__setattr__(self, "spikes", SpikeTimes.of(self.spikes, self.size, f"{what}: spikes"))
        if (self.is_current or self.spikes is not None) and (self.train, self.rate) != ("regular", 100.0):
            given = f"train={self.train!r}" if self.train != "regular" else f"rate={self.rate:g} Hz"
            raise InputError(f"{what}: expected one of rate, current and spikes, found {given} besides")
        if self.is_current and self.spikes is not None:
            raise InputError(f"{what}: expected one of rate, current and spikes, found both current and spikes")

    def _check_current(self, what):
        """Hold current and fluctuation as numbers in SI units that know their unit, if they were given one."""
        unit = unit_of(self.current)
        if unit in ("second", "farad", "siemens"):  # neurons of equations may take currents in any other
            raise InputError(f"{what}: current: expected a current, a voltage or a rate, found {self.current}")
        if self.current is None:
            if scalar_si(self.fluctuation, unit_of(self.fluctuation) or "1", f"{what}: fluctuation"):
                raise InputError(f"{what}: fluctuation: expected a current= about which to fluctuate, found none")
            return
        for name in ("current", "fluctuation"):
            given = getattr(self, name)
            found = unit_of(given)
            if found != unit and (found is not None or given):  # 0 has any unit
                raise InputError(
                    f"{what}: fluctuation: expected the unit of the current ({unit or 'a plain number'}), found {given}"
                )
            number = scalar_si(given, unit or "1", f"{what}: {name}")
            if number < 0:
                way = " (a stimulus value may be negative)" if name == "current" else ""
                raise InputError(f"{what}: {name}: expected 0 or more{way}, found {given}")
            object.__setattr__(self, name, Measured(number, unit) if unit not in (None, "1") else number)

    @property
    def is_current(self) -> bool:
        """Whether it injects a current; else its afferents spike."""
        return self.current is not None

    @property
    def scale(self) -> float:
        """Rate or current for a stimulus value of 1, in SI units."""
        return self.rate if self.current is None else float(self.current)

    @property
    def unit(self) -> str:
        """Unit of `scale`: ``"hertz"``, or that of the current, ``"1"`` for a plain number."""
        return "hertz" if self.current is None else (unit_of(self.current) or "1")

    @property
    def phases(self) -> np.ndarray:
        """Initial phases of the afferents, in cycles, shape (size,)."""
        return (np.arange(self.size) + 0.5) / self.size


@dataclass(frozen=True)
class InhibitoryInput(Input):
    """An injected current that inhibits: a stimulus value above 0 hyperpolarises; parameters are those of `Input`."""

    sign: ClassVar[Sign] = "I"

    def __post_init__(self):
        super().__post_init__()
        if not self.is_current or self.fluctuation:
            raise InputError(
                f"InhibitoryInput {self.name!r}: expected a current that does not fluctuate, found another"
            )


@dataclass(frozen=True, eq=False, repr=False)
class Population(Source, ReadOnly, Brief):
    r"""Neurons of one model and one sign.

    Attributes
    ----------
    name : str
    sign : {"E", "I"}
        Excitatory or inhibitory: the sign of every synapse that these neurons make (Dale's law).
    neuron : RateUnit or SpikingNeuron
    size : int
    bias : quantity, float or array_like of shape (size,)
        Tonic drive of either sign: Hz for rate units, V for LIF neurons, A for conductance-based ones. A negative one
        is a threshold, no inhibition. Stored as a read-only array (size,).
    initial : quantity, float, array_like of shape (size,), Distribution or dict of str to these, optional
        Initial membrane potential in V (default: the leak potential), or initial rate in Hz (default: 0). Stored as
        a read-only array (size,). A dict gives the state variables of the neuron by their names, `SpikingNeuron.states`
        or `RateUnit.states`: ``{"v": -60*mV, "g_e": 2*nS}``. Distributions are drawn once for each neuron, the same in
        all trials, and fixed by the seed of the circuit.
    spread : dict of str to quantity, optional
        Heterogeneity: for parameters of the spiking neuron their standard deviations over the population. What is
        drawn is normal, cut off at three standard deviations, and fixed by the seed of the circuit.
    silenced : tuple of int
        Neurons that `eisim.silence` has silenced: they send nothing, and their rates are 0. Their membranes go on,
        which no other neuron sees.
    cell_type : str
        Label such as ``"PV"``, by which `eisim.ablate` and `eisim.silence` find populations; several may share it.
    gap_junctions : array_like or sparse array of shape (size, size), or a rule of `eisim.weights`, optional
        Conductances :math:`g_{jk} = g_{kj} \ge 0` of electrical synapses between these neurons; a rule (`AllToAll`,
        `FixedProbability` or `GaussianProfile`) says which pairs have one. Through them a neuron receives the current
        :math:`\sum_j g_{jk}(v_j - v_k)`, which adds to the drive. It is in A for conductances in S, as
        `ConductanceLIF` has them. For `LIF` these are plain numbers, relative to the conductance of the leak, and the
        current is times the membrane resistance, in V. Rate units relax towards each other,
        :math:`\tau\dot{r}_k = \ldots + \sum_j g_{jk}(r_j - r_k)`. The current is that at the start of a time step
        throughout the step, which errs by the order of the step. Gap junctions are neither excitatory
        nor inhibitory: Dale's law does not apply, ablation leaves them, and through them the membrane of a silenced
        neuron still acts. Of rate units, `LIF` and `ConductanceLIF` neurons a step ``dt*(1 + g) <= tau`` is asked for,
        with :math:`g` the summed conductance of a neuron relative to its leak: rate units then preserve order (T1).
    gap_junctions_from : dict of str to array_like or sparse array, optional
        The same from rate units of other populations, by their names, as conductances of shape (size there, size here):
        a circuit checks them, and has them where these populations have units of one model. Each direction is given
        with the population that receives the current.
    labels : tuple of str
        Names of the neurons, one for each, such as those of a connectome (`eisim.Connectome`).
    """

    name: str
    sign: Sign
    neuron: RateUnit | SpikingNeuron
    size: int = 1
    bias: Any = 0.0
    initial: Any = None
    spread: Any = field(default_factory=dict)
    silenced: tuple[int, ...] = field(default=(), repr=False)
    cell_type: str = ""
    gap_junctions: Any = field(default=None, repr=False)
    gap_junctions_from: Any = field(default_factory=dict, repr=False)
    labels: tuple[str, ...] = field(default=(), repr=False)

    def __post_init__(self):
        _check_name(self.name, "Population")
        what = f"Population {self.name!r}"
        kind = self.cell_type
        if not isinstance(kind, str) or not kind.isprintable() or set(kind) & set(",:"):
            expected_text = "a printable text without , and : such as 'PV'"
            raise InputError(f"{what}: cell_type: expected {expected_text}, found {kind!r:.100}")
        if self.sign not in ("E", "I"):
            raise InputError(f"{what}: sign: expected 'E' or 'I', found {self.sign!r}")
        if not isinstance(self.neuron, (RateUnit, SpikingNeuron)):
            raise InputError(f"{what}: neuron: expected a neuron model such as LIF(), found {self.neuron!r}")
        _check_size(self.size, what)
        silenced = self.silenced
        if not isinstance(silenced, (tuple, list)) or any(
            isinstance(k, bool) or not isinstance(k, (int, np.integer)) or not 0 <= k < self.size for k in silenced
        ):
            raise InputError(f"{what}: silenced: expected neurons from 0 to {self.size - 1}, found {silenced!r:.100}")
        object.__setattr__(self, "silenced", tuple(sorted({int(k) for k in silenced})))
        self._check_labels(f"{what}: labels")
        takes_bias = getattr(self.neuron, "takes_bias", True)
        if not takes_bias and unit_of(self.bias) not in (None, "1"):
            raise InputError(f"{what}: bias: expected 0 for a neuron without drive= (see Neuron), found {self.bias}")
        self._for_each("bias", self.bias, self.neuron.drive_unit)
        if self.bias.any() and not takes_bias:
            raise InputError(f"{what}: bias: expected 0 for a neuron without drive= (see Neuron), found another")
        if self.initial is not None:
            self._check_initial(f"{what}: initial")
        self._check_spread(f"{what}: spread")
        if self.gap_junctions is not None:
            self._check_junctions(f"{what}: gap_junctions")
        if not isinstance(self.gap_junctions_from, Mapping):
            raise InputError(f"{what}: gap_junctions_from: expected a dict, found {self.gap_junctions_from!r:.60}")
        if self.gap_junctions_from:
            self._check_junctions_from(f"{what}: gap_junctions_from")

    def _check_labels(self, what):
        given = self.labels
        if not isinstance(given, (tuple, list)) or not all(isinstance(label, str) and label for label in given):
            raise InputError(f"{what}: expected a name for each neuron, found {given!r:.100}")
        if len(given) not in (0, self.size) or len(set(given)) < len(given):
            wanted = f"{self.size} different names, one for each neuron"
            raise InputError(f"{what}: expected {wanted}, found {len(set(given))} among {len(given)}")
        object.__setattr__(self, "labels", tuple(given))

    def _check_junctions(self, what):
        """Hold a symmetric sparse array in SI units, or a rule with its conductance in SI units."""
        given, unit = self.gap_junctions, gap_junction_unit(self.neuron)
        if not isinstance(given, Rule):
            object.__setattr__(self, "gap_junctions", self._junctions(given, unit, what))
            return
        if not isinstance(given, (AllToAll, FixedProbability, GaussianProfile)) or getattr(given, "silent", ()):
            wanted = "AllToAll without silent sources, FixedProbability or GaussianProfile, which connect pairs"
            raise InputError(f"{what}: expected a symmetric matrix, {wanted}, found {given!r:.100}")
        given.check((self.size, self.size), True)
        if isinstance(given.weight, Distribution):
            given.weight.check_magnitudes(f"{what}: weight")
            if given.weight.unit not in (None, unit):
                raise InputError(f"{what}: expected {expected(unit)}, found a quantity in {given.weight.unit}")
            return
        weight = scalar_si(given.weight, unit, f"{what}: weight")
        warn_of_plain(given.weight, unit, f"{what}: weight", by_hand=True)
        _check_magnitude(weight, f"{what}: weight: expected 0 or more", law="")
        object.__setattr__(self, "gap_junctions", replace(given, weight=weight))

    def _check_junctions_from(self, what):
        """Hold sparse arrays, of which the circuit checks the number of rows."""
        if self.neuron.kind != "rate":
            raise InputError(f"{what}: expected rate units, found {model_name(self.neuron)}")
        gap_junction_unit(self.neuron)
        found = {}
        for name, given in self.gap_junctions_from.items():
            where = f"{what}: {name!r:.60}"
            matrix = _conductances(given, "1", where)
            if matrix.shape[1] != self.size:
                raise InputError(f"{where}: expected {self.size} columns, found shape {matrix.shape}")
            matrix.sort_indices()
            found[name] = without_zeros(matrix)
        object.__setattr__(self, "gap_junctions_from", found)

    @property
    def is_coupled(self) -> bool:
        """Whether it has gap junctions, among its neurons or from other populations."""
        return self.gap_junctions is not None or bool(self.gap_junctions_from)

    def _junctions(self, given, unit, what) -> sparse.csr_array:
        matrix = _conductances(given, unit, what)
        if matrix.shape != (self.size, self.size):
            raise InputError(f"{what}: expected shape ({self.size}, {self.size}), found {matrix.shape}")
        if matrix.diagonal().any():
            raise InputError(f"{what}: expected 0 on the diagonal, found a junction of a neuron with itself")
        unequal = sparse.coo_array(matrix != matrix.T)
        if unequal.nnz:
            j, k = (int(each[0]) for each in unequal.coords)
            found = f"{matrix[j, k]:g} between {j} and {k}, and {matrix[k, j]:g} between {k} and {j}"
            raise InputError(f"{what}: expected a symmetric matrix, found {found}")
        matrix.sort_indices()
        return without_zeros(matrix)

    def _check_spread(self, what):
        """Hold the standard deviations in SI units."""
        if not isinstance(self.spread, Mapping):
            raise InputError(f"{what}: expected parameters with standard deviations, found {self.spread!r}")
        if self.spread and self.neuron.kind == "rate":
            raise InputError(f"{what}: expected spiking neurons, found rate units (vary their bias)")
        units = {name: each.unit for name, each in self.neuron.quantities.items()} if self.spread else {}
        spread = {}
        for name, sd in self.spread.items():
            if name not in units:
                raise InputError(f"{what}: expected one of {', '.join(units)}, found {name!r}")
            spread[name] = scalar_si(sd, units[name], f"{what} of {name}")
            if spread[name] < 0:
                raise InputError(f"{what}: expected 0 or more, found {spread[name]:g}")
            warn_of_plain(sd, units[name], f"{what} of {name}", by_hand=True)
        object.__setattr__(self, "spread", spread)
        if any(spread.values()) and getattr(self.neuron, "rises", None):  # shown for other values alone
            object.__setattr__(self, "neuron", revised(self.neuron, rises=None))

    def _check_initial(self, what):
        """Hold an array of the first state variable, or of several or of drawn ones a dict."""
        known = self.neuron.states
        first = next(iter(known))
        given = self.initial if isinstance(self.initial, Mapping) else {first: self.initial}
        if not given:
            raise InputError(f"{what}: expected state variables ({', '.join(known)}), found none")
        found = {}
        for name, value in given.items():
            called = what if given is not self.initial else f"{what} of {name}"
            if name not in known:
                raise InputError(f"{what}: expected state variables ({', '.join(known)}), found {name!r}")
            if isinstance(value, Distribution):
                if value.unit not in (None, known[name]):
                    raise InputError(f"{called}: expected {expected(known[name])}, found a quantity in {value.unit}")
                huge = _HUGE_DRIVE.get(known[name])
                warn_of_plain(value.mean if value.unit is None else 0.0, known[name], called, huge, by_hand=True)
                found[name] = value
            else:
                self._for_each("initial", value, known[name], called)
                found[name] = self.initial
        object.__setattr__(self, "initial", found)
        if found.keys() == {first} and not isinstance(found[first], Distribution):
            object.__setattr__(self, "initial", found[first])

    def _for_each(self, name, value, unit, what=None):
        """Hold one number for each neuron."""
        what, given = what or f"Population {self.name!r}: {name}", value
        value = to_si(value, unit, what)
        if value.shape not in ((), (self.size,)):
            raise InputError(f"{what}: expected shape ({self.size},), found {value.shape}")
        warn_of_plain(given, unit, what, _HUGE_DRIVE.get(unit) if name == "bias" else None, by_hand=True)
        memory.check(f"Population {self.name!r}", self.size * value.itemsize, f"{self.size:,} neurons")
        object.__setattr__(self, name, _read_only(np.broadcast_to(value, (self.size,)).copy()))


@dataclass(frozen=True, eq=False, repr=False)
class Projection(ReadOnly, Brief):
    """Synapses from one population (or input) to another.

    Attributes
    ----------
    source, target : str
        Names; a source may be an input.
    weights : array_like or sparse array of shape (source size, target size), or a rule of `eisim.weights`
        Non-negative magnitudes: plain numbers onto rate units, voltages onto LIF neurons, conductances onto
        conductance-based ones; plain numbers, too, if the source injects a current. 0 means no synapse. Held as a
        read-only sparse array in SI units, or as the rule with its weight in SI units.
    delay : quantity, float, array_like of shape (source size, target size), or Distribution
        Conduction delay, in s; the simulator rounds it to whole time steps. A distribution (`eisim.distributions`)
        gives every synapse its own. With sparse weights, also one for each entry, in the order of ``weights.data``.
    name : str
        ``"source->target"`` unless given. Of several with this name a circuit numbers all but the first:
        ``"source->target 2"``, ``"source->target 3"``.
    receptor : {"", "excitation", "inhibition", "nmda"} or str
        Receptor of the target; by default that of the sign of the source. Of a `Neuron` also the name of a variable
        among those of its `excitation` or `inhibition`.
    plasticity : ShortTerm, optional
        Short-term plasticity of every synapse.
    transient : Transient, optional
        Loss of transmission for a while (`eisim.ablate` with ``during``).
    learning : PlasticityRule, optional
        Long-term plasticity (`eisim.plasticity`): the rule by which the weights change, from those given on. A weight
        of 0 is no synapse, and none grows there.
    transmission : float
        Factor of what the synapses transmit, with `learning` only: what `eisim.ablate` changes of weights that are
        learnt.
    """

    source: str
    target: str
    weights: Any
    delay: Any = 0.0
    name: str = ""
    receptor: str = ""
    plasticity: ShortTerm | None = None
    transient: Transient | None = None
    learning: PlasticityRule | None = None
    transmission: float = 1.0
    unit: str | None = field(default=None, init=False, repr=False)
    #: Plain numbers given by the user, until the circuit, which knows their meaning, has checked them.
    plain: Any = field(default=None, init=False, repr=False)

    def __post_init__(self):
        object.__setattr__(self, "name", self.name or f"{self.source}->{self.target}")
        what, rule = f"projection {self.name!r}", self.weights if isinstance(self.weights, Rule) else None
        given = rule.weight if rule else self.weights
        unit = given.unit if isinstance(given, Distribution) else unit_of(given)
        entries = given.data if sparse.issparse(given) and not _is_frozen(given) else given
        entries = entries.mean if isinstance(entries, Distribution) else entries
        may_lack_unit = not sparse.issparse(entries) and unit is None and is_made_by_hand()
        object.__setattr__(self, "plain", entries if may_lack_unit else None)
        object.__setattr__(self, "unit", unit)
        if rule:
            if isinstance(given, Distribution):
                given.check_magnitudes(f"{what}: weight")
            else:
                weight = scalar_si(given, self.unit or "1", f"{what}: weight")
                _check_magnitude(weight, f"{what}: weight: expected a non-negative magnitude")
                object.__setattr__(self, "weights", replace(rule, weight=weight))
        else:
            object.__setattr__(self, "weights", self._magnitudes(f"{what}: weights"))
        if not isinstance(self.plasticity, (ShortTerm, type(None))):
            raise InputError(f"{what}: plasticity: expected ShortTerm(...), found {self.plasticity!r}")
        if not isinstance(self.transient, (Transient, type(None))):
            raise InputError(f"{what}: transient: expected Transient(...), found {self.transient!r}")
        if not isinstance(self.learning, (PlasticityRule, type(None))):
            expected_rule = "a PlasticityRule, such as eisim.plasticity.STDP(...)"
            raise InputError(f"{what}: learning: expected {expected_rule}, found {self.learning!r}")
        transmission = scalar_si(self.transmission, "1", f"{what}: transmission")
        if transmission < 0 or (transmission != 1 and not self.learning):
            wanted = "0 or more" if self.learning else "1 without learning (weights can be smaller instead)"
            raise InputError(f"{what}: transmission: expected {wanted}, found {transmission:g}")
        object.__setattr__(self, "transmission", transmission)
        if isinstance(self.delay, Distribution):
            self.delay.check_magnitudes(f"{what}: delay")
            if self.delay.unit not in (None, "second"):
                found = f"found a quantity in {self.delay.unit}"
                raise InputError(f"{what}: delay: expected {expected('second')}, {found}")
            if self.delay.unit is None:
                warn_of_plain(self.delay.mean, "second", f"{what}: delay", huge=0.5, by_hand=True)
            return
        delay = to_si(self.delay, "second", f"{what}: delay")
        delay = self._of_entries(delay, given, what) if delay.ndim == 1 else delay
        warn_of_plain(self.delay, "second", f"{what}: delay", huge=0.5)
        if (delay < 0).any():
            raise InputError(f"{what}: delay: expected 0 or more, found {delay.min():g} s")
        object.__setattr__(self, "delay", _read_only(delay))

    def _of_entries(self, delay, given, what) -> np.ndarray:
        """Delays of the entries of a sparse array, without those of entries of 0, which are no synapses."""
        if not (sparse.issparse(given) and given.format == "csr" and given.has_sorted_indices):
            raise InputError(f"{what}: delay: expected a number or source × target, found shape {delay.shape}")
        if delay.size != given.data.size:
            raise InputError(f"{what}: delay: expected one for each of {given.data.size} entries, found {delay.size}")
        return delay[given.data != 0]

    def _magnitudes(self, what) -> sparse.csr_array:
        if _is_frozen(self.weights):
            matrix = with_entries(self.weights, to_si(self.weights.data, "1", what).copy())
        elif sparse.issparse(self.weights):
            matrix = sparse.csr_array(self.weights, dtype=float, copy=True)
            to_si(matrix.data, "1", what)
        else:
            matrix = sparse.csr_array(np.atleast_2d(to_si(self.weights, self.unit or "1", what)))
        _check_magnitude(matrix.data.min(initial=0), f"{what}: expected non-negative magnitudes")
        matrix.sort_indices()
        return without_zeros(matrix)


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
class Circuit(ReadOnly, Shown):
    """Inputs, populations, projections and readouts.

    Attributes
    ----------
    name : str
    inputs : sequence of Input
    populations : sequence of Population
        All rate units or all spiking neurons.
    projections : sequence of Projection
    readouts : sequence of Readout
    seed : int or Generator
        Fixes what weight rules draw; held as a whole number.

    Raises
    ------
    InputError
        For names that are unknown or used twice, shapes that do not fit, negative or non-finite weights, or
        units that the target does not take.

    Examples
    --------
    >>> from eisim import Circuit, Input, Population, Projection, Readout, ThresholdLinear
    >>> Circuit(
    ...     "veto",
    ...     inputs=[Input("A"), Input("B")],
    ...     populations=[Population("relay", "I", ThresholdLinear()), Population("out", "E", ThresholdLinear())],
    ...     projections=[
    ...         Projection("A", "out", [[1]]), Projection("B", "relay", [[1]]), Projection("relay", "out", [[1]])
    ...     ],
    ...     readouts=[Readout("out", 50)],
    ... ).n_inhibitory
    1
    """

    name: str
    inputs: tuple[Input, ...]
    populations: tuple[Population, ...]
    projections: tuple[Projection, ...] = ()
    readouts: tuple[Readout, ...] = ()
    seed: Seed = 0

    def __post_init__(self):
        kinds = {"inputs": Input, "populations": Population, "projections": Projection, "readouts": Readout}
        for part, kind in kinds.items():
            members = tuple(getattr(self, part))
            for member in members:
                if not isinstance(member, kind):
                    raise InputError(f"circuit {self.name!r}: {part}: expected {kind.__name__}, found {member!r}")
            object.__setattr__(self, part, members)
        object.__setattr__(self, "projections", tuple(_numbered(self.projections)))
        object.__setattr__(self, "seed", seed_of(self.seed, f"circuit {self.name!r}: seed"))
        if not self.inputs or not self.populations:
            raise InputError(f"circuit {self.name!r}: expected at least one input and one population")
        self._check_names([p.name for p in (*self.inputs, *self.populations)], "input or population")
        self._check_names([p.name for p in self.projections], "projection")
        if len({p.neuron.kind for p in self.populations}) > 1:
            raise InputError(f"circuit {self.name!r}: expected neurons of one kind, found rate and spiking")
        for projection in self.projections:
            self._check_projection(projection)
        for population in self.populations:
            self._check_junctions_from(population)
        for readout in self.readouts:
            self._find(readout.population, Population, f"readout {readout.population!r}")

    def _check_silenced(self, projection, source, what):
        """Refuse a source that is marked as silenced, and sends."""
        rule, silenced = projection.weights, list(source.silenced)
        if isinstance(rule, Rule):
            sends = bool(rule.weight) and not set(silenced) <= set(getattr(rule, "silent", ()))
        else:
            sends = bool(np.diff(rule.indptr)[silenced].any())
        if sends and projection.transmission:
            wanted = "silenced neurons that send nothing, as eisim.silence leaves them"
            raise InputError(f"{what}: expected {wanted}, found synapses of such neurons of {source.name!r}")

    def _check_names(self, names, what):
        for name, times in Counter(names).items():
            if times > 1:
                way = f"; give each a different name: Projection(..., name='{name} 2')" if what == "projection" else ""
                raise InputError(f"circuit {self.name!r}: {what} name {name!r} is used twice{way}")

    def _find(self, name, kinds, what):
        member = self._named.get(name) if isinstance(name, str) else None
        if isinstance(member, kinds):
            return member
        names = [member.name for member in self._named.values() if isinstance(member, kinds)]
        found = f"found {name!r}{did_you_mean(name, names)}"
        raise InputError(f"circuit {self.name!r}: {what}: expected one of {', '.join(map(repr, names))}, {found}")

    def __repr__(self):
        neurons = {sign: sum(p.size for p in self.populations if p.sign == sign) for sign in "EI"}
        synapses = sum(self.n_synapses(p) for p in self.projections if not self.is_injected(p))
        return (
            f"<Circuit {self.name!r}, {self.kind}: {self.n_inputs} inputs, {neurons['E']} E and {neurons['I']} I "
            f"neurons, {synapses} synapses, {self.n_readouts} readouts>"
        )

    plot = plotted("Draw the circuit: populations with sign and size, projections with mean weights, readouts.")

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
        return np.array([r.threshold for r in self.readouts for _ in range(self.population(r.population).size)])

    def population(self, name: str) -> Population:
        """The population of that name."""
        return self._find(name, Population, "population")

    def source(self, projection: Projection) -> Input | Population:
        """The input or population that a projection comes from."""
        return self._find(projection.source, (Input, Population), f"projection {projection.name!r}: source")

    def sign(self, projection: Projection) -> int:
        """+1 for an excitatory projection, -1 for an inhibitory one; inputs and currents are excitatory by default."""
        return -1 if getattr(self.source(projection), "sign", "E") == "I" else 1

    @property
    def inhibitory_projections(self) -> tuple[Projection, ...]:
        """The projections that come from inhibitory populations."""
        return tuple(p for p in self.projections if self.sign(p) < 0)

    @property
    def learning_projections(self) -> tuple[Projection, ...]:
        """The projections whose weights are learnt (`Projection.learning`)."""
        return tuple(p for p in self.projections if p.learning)

    @property
    def rules(self) -> dict[str, PlasticityRule]:
        """The rules by which projections learn, by their names."""
        return {p.name: p.learning for p in self.projections if p.learning}

    @property
    def is_excitatory_only(self) -> bool:
        """Whether no inhibitory projection has a synapse left."""
        return not any(self.has_synapses(p) for p in self.inhibitory_projections)

    @property
    def is_random(self) -> bool:
        """Whether its seed decides anything.

        That is drawn synapses, weights, delays or initial states, heterogeneous neurons, Poisson inputs or noise.
        """
        return (
            any(i.train == "poisson" or i.fluctuation for i in self.inputs)
            or any(p.spread or getattr(p.neuron, "noise", 0) or draws_state(p) for p in self.populations)
            or any(_is_drawn(p.weights) or isinstance(p.delay, Distribution) for p in self.projections)
            or any(_is_drawn(p.gap_junctions) for p in self.populations)
        )

    def is_injected(self, projection: Projection) -> bool:
        """Whether a projection carries an injected current, not spikes or rates."""
        return getattr(self.source(projection), "is_current", False)

    def injected(self, population: Population, stimuli: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Current that inputs inject into the neurons of a population, in the unit of its bias, without fluctuation.

        Many neurons receive the same: the first array has the different currents, trials (× time) × currents, for
        stimuli of shape trials (× time) × inputs; the second, of shape (neurons,), says which one each neuron receives.
        """
        columns = spans(self.inputs)
        mine = [p for p in self.projections if p.target == population.name and self.is_injected(p)]
        if not mine:
            return np.zeros((*stimuli.shape[:-1], 1)), np.zeros(population.size, dtype=np.int32)
        stacked = sparse.csc_array(sparse.vstack([self.weights(p) for p in mine]))
        sent = np.concatenate(
            [stimuli[..., columns[p.source]] * (self.sign(p) * self.source(p).scale) for p in mine], axis=-1
        )  # one column for each row of the weights
        places: dict[tuple[bytes, bytes], int] = {}
        which, currents = np.empty(population.size, dtype=np.int32), []
        for neuron, (start, end) in enumerate(pairwise(stacked.indptr)):
            rows, weights = stacked.indices[start:end], stacked.data[start:end]
            key = rows.tobytes(), weights.tobytes()
            if key not in places:
                places[key] = len(currents)
                current = np.zeros(stimuli.shape[:-1])
                for row, weight in zip(rows, weights, strict=True):  # in this order in every batch
                    current = current + sent[..., row] * weight
                currents.append(current)
            which[neuron] = places[key]
        return np.stack(currents, axis=-1), which

    def unit_of_current(self, source: Input) -> str:
        """Unit of an injected current: its own, or for a plain number that of the targets' bias."""
        targets = (self.population(p.target) for p in self.projections if p.source == source.name)
        return source.unit if source.unit != "1" else next((t.neuron.drive_unit for t in targets), "1")

    def has_synapses(self, projection: Projection) -> bool:
        """Whether a projection has any synapse of a weight above 0."""
        rule = projection.weights
        if (isinstance(rule, Rule) and not rule.weight) or not projection.transmission:
            return False
        return self.n_synapses(projection) > 0

    def n_synapses(self, projection: Projection) -> int:
        """Number of synapses of a projection; they are drawn only where chance decides it for each pair of neurons."""
        rule = projection.weights
        if not isinstance(rule, Rule):
            return rule.nnz
        if not rule.weight:
            return 0
        if keyed := self.keyed(projection):
            return int(keyed.in_degrees.sum(dtype=np.int64))
        if rule.draws_number:
            return self.weights(projection).nnz
        source, target = self.source(projection), self.population(projection.target)
        return round(rule.expected((source.size, target.size), source is target))

    def weights(self, projection: Projection) -> sparse.csr_array:
        """Magnitudes of a projection: (source size × target size), in SI units.

        Rules are drawn from the circuit's seed and the projection's name, so the matrix is always the same.
        """
        rule = projection.weights
        if not isinstance(rule, Rule):
            return rule
        if projection.name not in self._drawn:
            source, target = self.source(projection), self.population(projection.target)
            shape = source.size, target.size
            synapses, drawn = rule.expected(shape), isinstance(rule.weight, Distribution)
            if self.keyed(projection):
                memory.check(f"projection {projection.name!r}", synapses * _KEYED, f"{synapses:,.0f} synapses")
                pattern, words = _drawn_by_keys(*self._drawing(projection))
                entries = weights_of(rule.weight, words) if drawn else None
            else:
                need = synapses * (rule.bytes_of_one + _DRAWN * drawn)
                memory.check(f"projection {projection.name!r}", need, f"{synapses:,.0f} synapses")
                pattern = _draw(*self._drawing(projection))
                entries = rule.weight.quantile(self._uniform(projection, pattern, _OF_WEIGHTS)) if drawn else None
            made = _scaled(pattern, rule.weight) if entries is None else _frozen(with_entries(pattern, entries))
            self._drawn[projection.name] = made
        return self._drawn[projection.name]

    def keyed(self, projection: Projection) -> KeyedSynapses | None:
        """What the synapses of a projection are drawn from, where its rule draws them by keys."""
        rule = projection.weights
        if not isinstance(rule, Rule) or not rule.is_keyed(*self._drawing(projection)[3:]):
            return None
        return _keyed(*self._drawing(projection))

    def _drawing(self, projection) -> tuple[Rule, Seed, str, tuple[int, int], bool]:
        """What decides the pattern of a rule: the rule, the seed, the name, the shape, and whether it is recurrent."""
        source, target = self.source(projection), self.population(projection.target)
        rule = replace(projection.weights, weight=1.0)
        return rule, self.seed, projection.name, (source.size, target.size), source is target

    def gap_junctions(self, population: Population) -> sparse.csr_array:
        """Conductances of the gap junctions of a population: (size × size), symmetric, in SI units.

        Rules are drawn from the circuit's seed and the population's name, for each pair of neurons once.
        """
        rule, shape = population.gap_junctions, (population.size, population.size)
        if not isinstance(rule, Rule):
            return sparse.csr_array(shape) if rule is None else rule
        name = f"gap junctions of {population.name}"
        if name not in self._drawn:
            synapses = rule.expected(shape)
            memory.check(name, synapses * (rule.bytes_of_one + 2 * _DRAWN), f"{synapses:,.0f} of them")
            pattern = _draw(replace(rule, weight=1.0), self.seed, name, shape, True)
            pairs = sparse.csr_array(sparse.triu(pattern, 1))
            if isinstance(rule.weight, Distribution):
                rows, columns = _places(pairs)
                place = rows * np.int64(population.size) + columns
                drawn = uniform_at([self.seed, crc32(population.name.encode()), _OF_JUNCTIONS], place)
                pairs = with_entries(pairs, rule.weight.quantile(drawn))
            else:
                pairs = with_entries(pairs, np.full(pairs.nnz, float(rule.weight)))
            matrix = sparse.csr_array(pairs + pairs.T)
            matrix.sort_indices()
            self._drawn[name] = without_zeros(matrix)
        return self._drawn[name]

    def junctions(self, population: Population) -> Iterator[tuple[str, sparse.csr_array]]:
        """The gap junctions onto a population: populations of the source, and conductances, source × target."""
        if population.gap_junctions is not None:
            yield population.name, self.gap_junctions(population)
        yield from population.gap_junctions_from.items()

    def delays(self, projection: Projection) -> np.ndarray:
        """Delays of a projection in s: one number, or one for each synapse in the order of ``weights(...).data``.

        Those of a distribution are drawn from the circuit's seed, the projection's name and the place of the synapse
        in the matrix, so that they stay when other synapses are removed.
        """
        given = projection.delay
        if isinstance(given, Distribution):
            synapses = self.weights(projection)
            memory.check(f"projection {projection.name!r}", _DRAWN * synapses.nnz, f"{synapses.nnz:,} delays")
            if synapses.nnz and self.keyed(projection):
                return delays_of(given, _drawn_by_keys(*self._drawing(projection))[1])
            return given.quantile(self._uniform(projection, synapses, _OF_DELAYS))
        return given[_places(self.weights(projection))] if given.ndim == 2 else given

    def longest_delay(self, projection: Projection) -> float:
        """The longest delay of a projection in s; of synapses that are drawn by keys, the longest that can be drawn."""
        if isinstance(projection.delay, Distribution) and self.keyed(projection):
            return float(delays_of(projection.delay, np.array([2**32 - 1], np.uint64))[0])
        return float(np.max(self.delays(projection), initial=0.0))

    def _uniform(self, projection, synapses, what) -> np.ndarray:
        """A number from 0 to 1 for each synapse of a projection, in the order of the matrix."""
        rows, columns = _places(synapses)
        place = rows * np.int64(synapses.shape[1]) + columns
        again = np.flatnonzero(place[1:] == place[:-1]) + 1  # further synapses of a pair
        if again.size:
            run = np.cumsum(np.append(0, np.diff(again) > 1))
            place[again] += (again - again[np.searchsorted(run, run)] + 1) * np.int64(np.prod(synapses.shape))
        return uniform_at([self.seed, crc32(projection.name.encode()), what], place)

    @cached_property
    def _drawn(self) -> dict[str, sparse.csr_array]:
        return {}

    @cached_property
    def _named(self) -> dict[str, Input | Population]:
        return {member.name: member for member in (*self.inputs, *self.populations)}

    def neurons(self, population: Population) -> tuple[RateUnit | SpikingNeuron, ...]:
        """The neurons of a population: one for all, or one for each where their parameters are spread."""
        if not population.spread:
            return (population.neuron,)
        rng = np.random.default_rng([self.seed, crc32(population.name.encode()), 1])
        draws = {
            name: float(population.neuron.quantities[name]) + sd * np.clip(rng.standard_normal(population.size), -3, 3)
            for name, sd in sorted(population.spread.items())
        }
        return tuple(
            population.neuron.with_values(**{name: float(values[k]) for name, values in draws.items()})
            for k in range(population.size)
        )

    def receptor(self, projection: Projection) -> str:
        """Letter of the receptor that a projection ends on: e, i or n."""
        return self.population(projection.target).neuron.receptor_of(projection.receptor, self.sign(projection))

    def _check_projection(self, projection):
        what = f"projection {projection.name!r}"
        source = self.source(projection)
        target = self._find(projection.target, Population, f"{what}: target")
        injected = self.is_injected(projection)
        if injected:
            self._check_injected(projection, source, target, what)
        if getattr(source, "spikes", None) is not None and target.neuron.kind == "rate":
            raise InputError(
                f"{what}: expected rates or currents onto rate units, found the spike times of {source.name!r}"
            )
        if not injected and isinstance(target.neuron, Neuron) and not target.neuron.receptors:
            raise InputError(
                f"{what}: expected a neuron with synapses (see excitation= and inhibition= of Neuron) as target, found "
                f"{target.neuron.name} without any in population {target.name!r}"
            )
        shape, unit = (source.size, target.size), "1" if injected else target.neuron.weight_unit
        given = projection.weights
        if projection.unit not in (None, unit):
            words = {"volt": "voltages", "siemens": "conductances", "ampere": "currents", "1": "plain numbers"}
            wanted = words.get(unit, unit) + " that multiply an injected current" * injected
            raise InputError(f"{what}: weights: expected {wanted}, found a quantity in {projection.unit}")
        if projection.plain is not None:
            warn_of_plain(projection.plain, unit, f"{what}: weights", _HUGE_DRIVE.get(unit), by_hand=True)
            object.__setattr__(projection, "plain", None)
        if isinstance(given, Rule):
            given.check(shape, source is target)
        elif given.shape != shape:
            raise InputError(
                f"{what}: weights: expected shape {shape} (source × target: {source.name!r} × {target.name!r}), "
                f"found {given.shape}"
            )
        if getattr(source, "silenced", ()):
            self._check_silenced(projection, source, what)
        noisy = source.fluctuation if injected else getattr(source, "train", None) == "poisson"
        if isinstance(given, Independent) and not noisy:
            wanted = "a current that fluctuates" if injected else "an input with train='poisson'"
            raise InputError(f"{what}: Independent: expected {wanted} as source, found {source!r}")
        if isinstance(given, Independent) and projection.transient:
            raise InputError(f"{what}: transient: expected none of an Independent drive, whose rate may vary instead")
        each = () if isinstance(given, Rule) else given.data.shape  # of delays by synapse
        if not isinstance(projection.delay, Distribution) and projection.delay.shape not in ((), shape, each):
            raise InputError(f"{what}: delay: expected shape {shape}, found {projection.delay.shape}")
        if injected:
            return
        try:
            letter = target.neuron.receptor_of(projection.receptor, self.sign(projection))
        except InputError as error:
            raise InputError(f"{what}: {error}") from None
        if (letter in INHIBITORY) != (self.sign(projection) < 0):
            wanted = "one of the sign of the source (Dale's law)"
            raise InputError(f"{what}: receptor: expected {wanted}, found {projection.receptor!r}")
        if projection.plasticity and (target.neuron.kind == "rate" or letter == "n"):
            raise InputError(f"{what}: plasticity: expected none onto rate units or NMDA receptors, which saturate")
        if projection.learning:
            self._check_learning(projection, target, what)

    def _check_junctions_from(self, population):
        for name, matrix in population.gap_junctions_from.items():
            what = f"population {population.name!r}: gap_junctions_from"
            other = self._find(name, Population, what)
            if type(other.neuron) is not type(population.neuron) or not other.is_coupled:
                wanted = f"{model_name(population.neuron)} units with gap junctions of their own direction"
                raise InputError(f"circuit {self.name!r}: {what}: expected {wanted}, found population {name!r}")
            if matrix.shape[0] != other.size:
                wanted = f"shape {other.size, population.size} ({name!r} × {population.name!r})"
                raise InputError(f"circuit {self.name!r}: {what}: expected {wanted}, found {matrix.shape}")

    def _check_learning(self, projection, target, what):
        """Refuse rules that the synapses of a projection cannot have, and weights that no rule would reach."""
        if isinstance(projection.weights, Independent):
            raise InputError(f"{what}: learning: expected none of an Independent drive, which has no synapses")
        if projection.name in self._named:
            raise InputError(
                f"{what}: expected a name that no input or population has, since its weights are recorded by it, found "
                f"{projection.name!r}"
            )
        try:
            projection.learning.check(target.neuron.kind, target.neuron.weight_unit)
        except InputError as error:
            raise InputError(f"{what}: learning: {error}") from None
        largest = projection.learning.largest
        weights = projection.weights
        given = weights.weight if isinstance(weights, Rule) else weights.data.max(initial=0)
        if largest is not None and not isinstance(given, Distribution) and given > largest:
            raise InputError(
                f"{what}: weights: expected up to the largest of its rule, {largest}, found {given:g} (in SI units)"
            )

    def _check_injected(self, projection, source, target, what):
        """Refuse what an injected current does not have, and a current in another unit than the target takes."""
        for name, given in (
            ("delay", isinstance(projection.delay, Distribution) or projection.delay.any()),
            ("receptor", projection.receptor),
            ("plasticity", projection.plasticity),
            ("transient", projection.transient),
            ("learning", projection.learning),
        ):
            if given:
                raise InputError(
                    f"{what}: {name}: expected none, since input {source.name!r} injects a current, which meets no "
                    f"synapse, found {getattr(projection, name)!r}"
                )
        if not getattr(target.neuron, "takes_bias", True):
            raise InputError(
                f"{what}: current of input {source.name!r}: expected neurons with a drive=, found "
                f"{model_name(target.neuron)} without one in population {target.name!r}"
            )
        unit, takes = unit_of(source.current), target.neuron.drive_unit
        if unit not in (None, takes):
            raise InputError(
                f"{what}: current of input {source.name!r}: expected {expected(takes)}, as "
                f"{model_name(target.neuron)} in population {target.name!r} takes, found {source.current}"
            )
        units = {self.population(p.target).neuron.drive_unit for p in self.projections if p.source == source.name}
        if len(units) > 1:
            raise InputError(
                f"{what}: expected targets of input {source.name!r} that take currents of one unit, found "
                f"{' and '.join(sorted(units))}; give each an input"
            )
        if unit is None:
            for name in ("current", "fluctuation"):
                number = getattr(source, name)
                warn_of_plain(number, takes, f"Input {source.name!r}: {name}", _HUGE_DRIVE.get(takes), by_hand=True)

    def with_neurons(self, **changes) -> "Circuit":
        """The same circuit with other parameters of every spiking neuron, such as ``refractory=0``.

        ``InputError`` if a neuron has no such parameter.
        """
        if self.kind == "rate":
            known = sorted({f.name for neuron in (LIF, ConductanceLIF, Theta) for f in fields(neuron)})
            for name in changes:
                if name not in known:
                    raise InputError(
                        f"with_neurons: expected parameters of spiking neurons ({', '.join(known)}), found "
                        f"{name!r}{did_you_mean(name, known)}"
                    )
            return self
        for p in self.populations:
            limits = {f.name: f.metadata for f in fields(p.neuron)}
            for name, value in changes.items():
                if name not in limits and name in p.neuron.quantities:  # a parameter of equations
                    continue
                if name not in limits:
                    raise InputError(
                        f"with_neurons: population {p.name!r}: expected parameters of {model_name(p.neuron)} "
                        f"({', '.join([*limits, *dict(getattr(p.neuron, 'parameters', ()))])}), found {name!r}"
                    )
                if "unit" in limits[name]:
                    warn_of_plain(value, limits[name]["unit"], f"with_neurons: {name}", limits[name]["huge"])
        unknown = {"rises": None} if changes and "rises" not in changes else {}  # was shown for other values

        def changed(neuron):
            return replace(neuron, **(unknown if isinstance(neuron, Neuron) else {}), **changes)

        return replace(self, populations=[replace(p, neuron=changed(p.neuron)) for p in self.populations])

    def to_brian2(self, stimulus=None, *, duration=300e-3, dt=0.1e-3):
        """The circuit as plain objects of Brian2: a network to change and to run, without eisim.

        Parameters
        ----------
        stimulus : array_like of shape (inputs,) or (time, inputs), optional
            Of one trial, in units of each input's rate or current; 1 for every afferent by default. Frames of
            time-varying stimuli are of equal length and fill the duration.
        duration : quantity
            Of time-varying stimuli, in s.
        dt : quantity
            Time step, in s.

        Returns
        -------
        eisim.adapter.brian2_network.Brian2Network
            With a ``Network``, its groups, synapses and monitors. Its ``note`` says what of the responses is the same
            as in eisim, and what is not.

        Raises
        ------
        InputError
            For what the export does not have (delays between rate units, neurons of one's own classes, weights that are
            learnt, ablation in time), or stimuli and times that do not fit.

        Notes
        -----
        LIF neurons and neurons from equations, without noise and Poisson trains, spike at the same time steps as in
        `simulate`. What is drawn, of noise, fluctuations or Poisson trains, is equal in distribution.
        `ConductanceLIF` and `Theta` are integrated by methods of Brian2, which differ from ours within the error of a
        time step. ``python -m eisim export MODEL --to brian2`` writes the same network as a script.

        Examples
        --------
        >>> from models import xor
        >>> made = xor.circuit(kind="spiking").without_noise().to_brian2([1, 0])
        >>> made.note
        'Exact: the same spikes as in eisim, as long as no potential is within rounding of the threshold.'
        """
        return display("to_brian2", self)(self, stimulus, duration=duration, dt=dt)

    def without_noise(self) -> "Circuit":
        """The same circuit with the noise of every neuron, and the fluctuation of every current, set to 0."""
        quiet = [_without_noise(p) if p.neuron.noise else p for p in self.populations]
        if any(i.fluctuation for i in self.inputs):
            return self._with_steady_currents(quiet)
        return self if quiet == list(self.populations) else replace(self, populations=quiet)

    def _with_steady_currents(self, populations):
        inputs = [replace(i, fluctuation=0.0) if i.fluctuation else i for i in self.inputs]
        projections = [
            replace(p, weights=AllToAll(p.weights.weight))
            if self.is_injected(p) and isinstance(p.weights, Independent)
            else p
            for p in self.projections
        ]
        return replace(self, inputs=inputs, populations=populations, projections=projections)


def _without_noise(population):
    """The population with neurons without noise; those of rates lose a state variable, the value of the noise."""
    if population.neuron.kind == "spiking":
        return replace(population, neuron=population.neuron.without_noise())
    neuron, given = replace(population.neuron, noise=0.0), population.initial
    if isinstance(given, Mapping):
        given = {name: value for name, value in given.items() if name in neuron.states} or None
    return replace(population, neuron=neuron, initial=given)


def gap_junction_unit(neuron) -> str:
    """Unit of the conductance of gap junctions between such neurons; ``InputError`` where there can be none."""
    unit = _CONDUCTANCES.get((neuron.state_unit, neuron.drive_unit))
    if getattr(neuron, "relaxes_input", False):
        raise InputError(f"gap_junctions: expected rate units whose rates relax, found {neuron!r}")
    if unit is None or isinstance(neuron, Theta) or not getattr(neuron, "takes_bias", True):
        wanted = "neurons whose potential v and whose drive are in V, or in V and A"
        raise InputError(f"gap_junctions: expected {wanted}, or rate units, found {model_name(neuron)}")
    return unit


def junction_step(neuron, conductance: float) -> float:
    """The longest time step, in s, in which gap junctions of this summed conductance keep order; inf if not known."""
    if isinstance(neuron, RateUnit):
        return neuron.tau / (1 + conductance + neuron.refractory * getattr(neuron, "maximum", 0.0))
    if isinstance(neuron, (LIF, ConductanceLIF)):
        return neuron.tau / (1 + conductance / getattr(neuron, "leak", 1.0))
    return np.inf


def initial_state(population: Population, seed: int) -> dict[str, np.ndarray]:
    """The state variables at the start that a population gives, each of shape (size,), in SI units.

    What is drawn depends on this seed, that of the circuit, and on the population's name.
    """
    given = population.initial
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        return {next(iter(population.neuron.states)): given}
    name, neurons = crc32(population.name.encode()), np.arange(population.size)

    def drawn(variable, value):
        if not isinstance(value, Distribution):
            return value
        return value.quantile(uniform_at([seed, name, _OF_STATES, crc32(variable.encode())], neurons), signed=True)

    return {variable: drawn(variable, value) for variable, value in given.items()}


def draws_state(population: Population) -> bool:
    """Whether the state of a population at the start is drawn from a distribution."""
    given = population.initial
    return isinstance(given, Mapping) and any(isinstance(value, Distribution) for value in given.values())


def union(circuits: Sequence[Circuit], name: str = "union") -> Circuit:
    """Circuits side by side as one circuit; the parts of the k-th are named ``"k/name"``."""
    inputs, populations, projections, readouts = [], [], [], []
    for k, circuit in enumerate(circuits):
        inputs += [replace(i, name=f"{k}/{i.name}") for i in circuit.inputs]
        populations += [
            replace(
                p,
                name=f"{k}/{p.name}",
                initial=initial_state(p, circuit.seed) if draws_state(p) else p.initial,
                gap_junctions=circuit.gap_junctions(p) if _is_drawn(p.gap_junctions) else p.gap_junctions,
                gap_junctions_from={f"{k}/{name}": each for name, each in p.gap_junctions_from.items()},
            )
            for p in circuit.populations
        ]
        readouts += [replace(r, population=f"{k}/{r.population}") for r in circuit.readouts]
        projections += [
            replace(
                p,
                source=f"{k}/{p.source}",
                target=f"{k}/{p.target}",
                name=f"{k}/{p.name}",
                weights=circuit.weights(p) if _is_drawn(p.weights) or isinstance(p.delay, Distribution) else p.weights,
                delay=circuit.delays(p) if isinstance(p.delay, Distribution) else p.delay,
            )
            for p in circuit.projections
        ]
    return Circuit(name, inputs, populations, projections, readouts)


def _is_drawn(weights) -> bool:
    return isinstance(weights, Rule) and weights.is_random


def delay_matrix(circuit: Circuit, projection: Projection) -> np.ndarray:
    """Delays of a projection in s: one number, or source × target, 0 where there is no synapse that has its own.

    ``InputError`` if these were several for a pair.
    """
    if not isinstance(projection.delay, Distribution) and projection.delay.ndim != 1:
        return projection.delay
    synapses, what = circuit.weights(projection), f"projection {projection.name!r}"
    memory.check(what, 8.0 * np.prod(synapses.shape), "a matrix of delays")
    rows, columns = _places(synapses)
    if ((rows[1:] == rows[:-1]) & (columns[1:] == columns[:-1])).any():
        raise InputError(f"{what}: expected one synapse for each pair, whose delays a matrix can hold, found multapses")
    found = np.zeros(synapses.shape)
    found[rows, columns] = circuit.delays(projection)
    return found


def _places(matrix: sparse.csr_array) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the entries of a sparse array, in their order."""
    counts = matrix.indptr[1:] - matrix.indptr[:-1]
    return np.repeat(np.arange(matrix.shape[0], dtype=np.int32), counts), matrix.indices


def _numbered(projections: Sequence[Projection]) -> Iterator[Projection]:
    """Projections of which those that were given no name, and whose name is taken, have a number behind it."""
    taken, seen = {p.name for p in projections}, set()
    for p in projections:
        if p.name in seen and p.name == f"{p.source}->{p.target}":
            p = revised(p, name=next(name for k in count(2) if (name := f"{p.name} {k}") not in taken))
            taken.add(p.name)
        seen.add(p.name)
        yield p


@lru_cache(maxsize=64)
def _keyed(rule, seed, name, shape, recurrent) -> KeyedSynapses:
    return rule.keyed((seed, crc32(name.encode())), shape, recurrent)


@lru_cache(maxsize=2)
def _drawn_by_keys(*drawing) -> tuple[sparse.csr_array, np.ndarray]:
    return _keyed(*drawing).draw()


@lru_cache(maxsize=8)
def _draw(rule, seed, name, shape, recurrent) -> sparse.csr_array:
    """The pattern of a rule: ones where there is a synapse."""
    pattern = sparse.csr_array(rule.draw(np.random.default_rng([seed, crc32(name.encode())]), shape, recurrent))
    pattern.sort_indices()
    return pattern


def _scaled(pattern, weight) -> sparse.csr_array:
    """A pattern with one weight; no synapses at a weight of 0."""
    if not weight:
        return sparse.csr_array(pattern.shape)
    return _frozen(with_entries(pattern, np.broadcast_to(float(weight), pattern.nnz)))  # one number in memory


def scaled(projection: Projection, factor: float) -> Projection:
    """The projection with every weight multiplied by a factor, 0 or more; a rule stays one.

    Where weights are learnt, it is what they transmit.
    """
    given = projection.weights
    if projection.learning:
        return revised(projection, transmission=projection.transmission * factor)
    if isinstance(given, Rule):
        weights = replace(given, weight=given.weight * factor)
    else:
        with np.errstate(over="ignore"):  # what is too large is refused
            entries = given.data * factor
        if factor <= 1:
            return with_magnitudes(projection, given, entries, projection.delay)
        weights = with_entries(given, entries)
    return replace(projection, weights=weights) if factor > 1 else revised(projection, weights=weights, unit=None)


def with_magnitudes(projection: Projection, matrix: sparse.csr_array, entries: np.ndarray, delay, **changes):
    """The projection with other magnitudes at the places of a matrix: each synapse keeps its delay, those of 0 go."""
    if not isinstance(delay, Distribution) and delay.ndim == 1:
        delay = _read_only(delay[entries != 0])
    weights = without_zeros(with_entries(matrix, entries))
    return revised(projection, weights=weights, delay=delay, unit=None, **changes)


def kept_delay(circuit: Circuit, projection: Projection) -> np.ndarray | Distribution:
    """The delay of a projection that stays that of its synapses where some are taken away.

    Of synapses that are drawn by keys each has its own; in a matrix they would have others.
    """
    given = projection.delay
    drawn_by_keys = isinstance(given, Distribution) and circuit.keyed(projection) is not None
    return circuit.delays(projection) if drawn_by_keys else given


def without_zeros(matrix) -> sparse.csr_array:
    """A sparse array without entries of 0, never to change."""
    if not matrix.data.all():
        matrix = matrix.copy()
        matrix.eliminate_zeros()
    return _frozen(matrix)


def _is_frozen(weights) -> bool:
    """Whether places are those of a projection's weights, in order and never to change."""
    return isinstance(weights, sparse.csr_array) and not (
        weights.indices.flags.writeable or weights.indptr.flags.writeable
    )


def _read_only(array):
    array.flags.writeable = False
    return array


def _frozen(matrix):
    """The array, never to change: each entry is a synapse, and SciPy is not to add up those of one pair."""
    matrix.sort_indices()
    matrix.has_canonical_format = True
    for part in (matrix.data, matrix.indices, matrix.indptr):
        _read_only(part)
    return matrix
