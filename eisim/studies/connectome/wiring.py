"""From a connectome to a circuit: what drives it, what is read out and asked for, and the signs of its synapses."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy import sparse

from eisim.base.errors import InputError, did_you_mean
from eisim.base.units import scalar_si
from eisim.base.values import Brief
from eisim.circuit import Circuit
from eisim.connectome import Connectome
from eisim.connectome.circuits import TAKEN_FOR
from eisim.functions.tables import counts_rows, read_table
from eisim.weights import with_entries

#: What synapses without a known sign, and those with receptors of both signs, are taken to be.
SIGNS = EXCITATORY, INHIBITORY, OMITTED, BOTH = "excitatory", "inhibitory", "omitted", "both"
#: Summed weight of all that a neuron receives, in rate circuits: below 1, activity dies out where nothing drives it.
GAIN = 0.9
#: Largest stimulus in a table of trials.
STRONGEST = 1e6
#: The trial without a stimulus.
NOTHING = "no stimulus"


@dataclass(frozen=True)
class Entry:
    """Neurons that belong together: one stimulus, or one output, whose rate is their mean."""

    name: str
    selection: tuple[str, ...]  # names, classes or transmitters, as `Connectome.find` takes them

    @classmethod
    def of(cls, text: str) -> "Entry":
        """One that is written ``"ALM+AVM"``, or with a name ``"anterior=ALM+AVM"``; names may be in double quotes."""
        *named, parts = _split(text, "=")
        selection = tuple(map(_unquoted, _split(parts, "+")))
        name = _unquoted("=".join(named) if named else parts)
        if not name or not all(selection):
            raise InputError(
                f"expected names or classes of neurons, joined by + (in quotes if they hold marks), found {text!r:.80}"
            )
        return cls(name, selection)

    @classmethod
    def listed(cls, text: str, what: str) -> tuple["Entry", ...]:
        """Several, separated by commas, with different names; ``""`` is none. `what` names them in errors."""
        try:
            found = tuple(map(cls.of, _split(text, ","))) if text.strip() else ()
        except InputError as error:
            raise InputError(f"{what}: {error}") from None
        names = [each.name for each in found]
        if twice := [name for k, name in enumerate(names) if name in names[:k]]:
            raise InputError(f"{what}: expected different names, found {twice[0]!r:.60} more than once")
        return found


def _split(text: str, mark: str) -> list[str]:
    """The parts between marks that are not in double quotes."""
    parts, is_quoted, has_pairs = [""], False, text.count('"') % 2 == 0
    for c in text:
        is_quoted ^= has_pairs and c == '"'
        if c == mark and not is_quoted:
            parts.append("")
        else:
            parts[-1] += c
    return parts


def _unquoted(text: str) -> str:
    """The text without quotes around it, if the only ones are there."""
    text = text.strip()
    return text[1:-1].strip() if len(text) > 1 and text[0] == text[-1] == '"' and text.count('"') == 2 else text


def lesions_of(text: str) -> tuple[str, ...] | None:
    """Neurons that are silenced one by one: ``None``, all that inhibit, from ``"all"``, and none from ``"none"``."""
    parts = tuple(map(_unquoted, _split(text, "+")))
    if not all(parts):
        raise InputError(f"lesions: expected all, none, or names or classes joined by +, found {text!r:.60}")
    return {("all",): None, ("none",): ()}.get(parts, parts)


def coupling_of(given: float | None, connectome: Connectome, kind: str) -> float:
    """The conductance of a gap junction; it is asked for where there are gap junctions."""
    pairs = connectome.gap_junctions.nnz // 2
    if given is None and pairs:
        expected = "a number, 0 without them" if kind == "rate" else "0, which leaves them out of spiking circuits"
        raise InputError(
            f"coupling: expected {expected}, since {pairs:,} pairs of neurons have gap junctions, found none"
        )
    coupling = scalar_si(given or 0.0, "1", "coupling")
    if coupling < 0:
        raise InputError(f"coupling: expected 0 or more, found {coupling:g}")
    return coupling


@dataclass(frozen=True, eq=False, repr=False)
class Required(Brief):
    """What is asked for: the stimuli of each trial, and which outputs are to be above their threshold.

    Thresholds are fitted to the intact circuit and are the same in all conditions, unless it is said that they are
    re-fitted.
    """

    name: str
    outputs: np.ndarray  # (trials, outputs): bool
    source: str = ""

    @property
    def constant(self) -> float:
        """Share of trials that the best constant answer gets right."""
        return float(np.unique(self.outputs, axis=0, return_counts=True)[1].max() / len(self.outputs))


Trials = tuple[tuple[str, ...], np.ndarray, Required | None]


@dataclass(frozen=True, repr=False)
class Wiring(Brief):
    """How a connectome becomes a circuit, and what drives it."""

    kind: str
    inputs: tuple[Entry, ...]
    tonic: tuple[Entry, ...]  # driven in every trial
    readouts: tuple[Entry, ...]
    rate: float  # of a stimulus of 1, in Hz
    tonic_rate: float  # in Hz
    coupling: float  # conductance of a gap junction, relative to the leak of a rate unit; 0: there are none
    unknown: str  # what synapses are taken for: one of `SIGNS`
    mixed: str
    gain: float = GAIN  # of a rate circuit: summed weight of all that a neuron receives

    @property
    def driven(self) -> tuple[Entry, ...]:
        """What has a column of the stimuli."""
        return (*self.inputs, *self.tonic)

    def stimuli(self, levels: np.ndarray) -> np.ndarray:
        """Stimuli of the circuit, of trials with these of the inputs."""
        tonic = np.full((len(levels), len(self.tonic)), self.tonic_rate / self.rate)
        return np.hstack([levels, tonic])


def each_alone(wiring: Wiring) -> Trials:
    """Names and stimuli of trials without input and with each input alone."""
    names = (NOTHING, *(each.name for each in wiring.inputs))
    return names, np.vstack([np.zeros(len(wiring.inputs)), np.eye(len(wiring.inputs))]), None


def read_required(path: str, wiring: Wiring, report: Callable[..., None]) -> Trials:
    """Trials from a table: a column for each input, with its stimuli, and one for each output, with 1 or 0."""
    table = read_table(path, True, report)
    columns = {column.name: column for column in table.columns}
    values = {}
    for name in (each.name for each in (*wiring.inputs, *wiring.readouts)):
        if name not in columns:
            raise InputError(f"{path}: expected columns of all inputs and readouts, found none of {name!r:.60}")
        values[name] = columns[name].numbers
        if columns[name].texts or not np.isfinite(values[name]).all():
            raise InputError(f"{path}: {name}: expected numbers, found others")
    if unknown := [name for name, column in columns.items() if name not in values and not counts_rows(column)]:
        known = ", ".join(values)
        raise InputError(
            f"{path}: expected columns of inputs and readouts alone ({known:.200}), found {unknown[0]!r:.60}"
            f"{did_you_mean(unknown[0], values)}"
        )
    levels = np.stack([values[each.name] for each in wiring.inputs], axis=1)
    wanted = np.stack([values[each.name] for each in wiring.readouts], axis=1)
    if not len(levels) or not np.isin(wanted, (0, 1)).all() or not ((levels >= 0) & (levels <= STRONGEST)).all():
        expected = f"trials with stimuli from 0 to {STRONGEST:g}, and 0 or 1 for readouts"
        raise InputError(f"{path}: expected {expected}, found others")
    required = Required(Path(path).stem, wanted == 1, str(path))
    if required.constant == 1:
        raise InputError(f"{path}: expected readouts that differ between trials, found the same in all")
    names = tuple(" ".join(f"{each.name}={x:g}" for each, x in zip(wiring.inputs, row, strict=True)) for row in levels)
    return (
        tuple(f"{k + 1}: {name}" if names.count(name) > 1 else name for k, name in enumerate(names)),
        levels,
        required,
    )


@dataclass(frozen=True, eq=False, repr=False)
class Signed:
    """Weights of a connectome by what they do, source × target, in the unit of a weight of the circuit."""

    connectome: Connectome
    wiring: Wiring
    excitation: sparse.csr_array
    inhibition: sparse.csr_array

    @classmethod
    def of(cls, connectome: Connectome, wiring: Wiring) -> "Signed":
        """The weights: in spiking circuits synapse counts, in rate circuits shares of what a neuron receives."""
        parts = [connectome.excitatory, connectome.inhibitory]
        for counts, sign in ((connectome.unknown, wiring.unknown), (connectome.mixed, wiring.mixed)):
            if counts.nnz:
                shares = TAKEN_FOR[sign]
                parts = [part + share * counts if share else part for part, share in zip(parts, shares, strict=True)]
        if wiring.kind == "rate":
            received = sum(part.sum(axis=0) for part in parts)
            factor = np.divide(wiring.gain, received, out=np.zeros(len(received)), where=received > 0)
            parts = [with_entries(part, part.data * factor[part.indices]) for part in map(sparse.csr_array, parts)]
        return cls(connectome, wiring, *map(sparse.csr_array, parts))

    def circuit(self) -> Circuit:
        """The circuit; gap junctions couple neurons, whatever their signs."""
        wiring, nothing = self.wiring, {"unknown": None, "mixed": None}
        weighted = replace(self.connectome, excitatory=self.excitation, inhibitory=self.inhibition, **nothing)
        return weighted.circuit(
            wiring.kind,
            weight=1.0 if wiring.kind == "rate" else None,
            inputs=[list(each.selection) for each in wiring.driven],
            readouts=[list(each.selection) for each in wiring.readouts],
            rate=wiring.rate,
            gap_junctions=wiring.coupling or "omitted",
        )

    def without_inhibition(self, neurons: np.ndarray) -> "Signed":
        """Without the inhibition that some neurons send."""
        return replace(self, inhibition=_without_rows(self.inhibition, neurons))

    @property
    def inhibitory(self) -> np.ndarray:
        """Neurons that send inhibition."""
        return np.flatnonzero(np.diff(self.inhibition.indptr))


def _without_rows(matrix, rows):
    stays = np.ones(matrix.shape[0])
    stays[rows] = 0
    left = sparse.csr_array(sparse.diags_array(stays) @ matrix)
    left.eliminate_zeros()
    return left
