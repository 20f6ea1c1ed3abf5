"""A connectome as a value: neurons, and counts of their synapses by sign."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse

from eisim.base.errors import InputError, did_you_mean
from eisim.base.units import unit_of
from eisim.base.values import ReadOnly
from eisim.circuit import Circuit
from eisim.connectome import circuits

#: Parts of a connectome that hold synapse counts.
COUNTS = ("excitatory", "inhibitory", "mixed", "unknown", "gap_junctions")
#: A neuron that sends no synapse of a known sign, and one that sends both.
NO_SIGN, BOTH_SIGNS = 0, 2
_SIGNS = {"+": 1, "-": -1, "both": BOTH_SIGNS, "none": NO_SIGN}


@dataclass(frozen=True, eq=False, repr=False)
class Connectome(ReadOnly):
    """Neurons, and how many synapses of which sign each makes with each other.

    Counts need not be whole numbers: a table may hold means over several animals or columns.

    Attributes
    ----------
    name : str
    neurons : tuple of str
        Names of the n neurons, all different.
    classes, transmitters : tuple of str
        Class and transmitter of each neuron, ``""`` where there is none or it is not known.
    excitatory, inhibitory : array_like or sparse array of shape (n, n), optional
        Counts of the synapses of that sign, source × target.
    mixed : array_like or sparse array of shape (n, n), optional
        Of synapses that may have either sign, such as those with receptors of both ("complex").
    unknown : array_like or sparse array of shape (n, n), optional
        Of synapses whose sign is not known.
    gap_junctions : array_like or sparse array of shape (n, n), optional
        Of electrical synapses: symmetric, without a neuron's own.
    notes : tuple of str
        What the reading of a file has summed, left out or taken for granted.

    Raises
    ------
    InputError
        For names that are used twice, shapes that do not fit, and counts that are negative or not finite.

    Examples
    --------
    >>> from eisim import Connectome
    >>> Connectome("veto", ["A", "B", "C"], excitatory=[[0, 0, 5], [0, 0, 0], [0, 0, 0]],
    ...            inhibitory=[[0, 0, 0], [0, 0, 3], [0, 0, 0]])
    <Connectome 'veto': 3 neurons (1 excitatory, 1 inhibitory), 8 synapses (5 excitatory, 3 inhibitory)>
    """

    name: str
    neurons: tuple[str, ...]
    classes: tuple[str, ...] = ()
    transmitters: tuple[str, ...] = ()
    excitatory: Any = None
    inhibitory: Any = None
    mixed: Any = None
    unknown: Any = None
    gap_junctions: Any = None
    notes: tuple[str, ...] = field(default=(), repr=False)

    def __post_init__(self):
        if not isinstance(self.name, str) or not self.name.strip():
            raise InputError(f"Connectome: name: expected a name, found {self.name!r:.60}")
        what = f"connectome {self.name!r:.60}"
        neurons = _texts(self.neurons, f"{what}: neurons")
        if not neurons or not all(name.strip() for name in neurons):
            raise InputError(f"{what}: neurons: expected at least one, and a name for each, found {neurons!r:.60}")
        if len(set(neurons)) < len(neurons):
            twice = Counter(neurons).most_common(1)[0][0]
            raise InputError(f"{what}: neurons: expected different names, found {twice!r:.60} more than once")
        object.__setattr__(self, "neurons", neurons)
        for part in ("classes", "transmitters"):
            texts = _texts(getattr(self, part), f"{what}: {part}") or ("",) * len(neurons)
            if len(texts) != len(neurons):
                raise InputError(f"{what}: {part}: expected one for each of {len(neurons)} neurons, found {len(texts)}")
            object.__setattr__(self, part, texts)
        for part in COUNTS:
            object.__setattr__(self, part, _counts(getattr(self, part), len(neurons), f"{what}: {part}"))
        junctions = self.gap_junctions
        if junctions.diagonal().any() or (junctions != junctions.T).nnz:
            raise InputError(f"{what}: gap_junctions: expected a symmetric array with a diagonal of 0, found another")
        object.__setattr__(self, "notes", _texts(self.notes, f"{what}: notes"))

    def __repr__(self):
        found = self.counts
        synapses = [f"{found[part]:g} {word}" for part, word in _WORDS.items() if found[part]]
        neurons = [
            f"{found[f'neurons_{part}']} {part.replace('_', ' ')}"
            for part in ("excitatory", "inhibitory", "of_both_signs")
            if found[f"neurons_{part}"]
        ]
        junctions = f", {found['gap_junctions']:g} gap junctions" if found["gap_junctions"] else ""
        return (
            f"<Connectome {self.name!r}: {self.n_neurons} neurons{_listed(neurons)}, {self.n_synapses:g} synapses"
            f"{_listed(synapses)}{junctions}>"
        )

    @property
    def n_neurons(self) -> int:
        """Number of neurons."""
        return len(self.neurons)

    @property
    def n_synapses(self) -> float:
        """Number of chemical synapses of any sign."""
        return float(sum(getattr(self, part).sum() for part in COUNTS[:-1]))

    @cached_property
    def signs(self) -> np.ndarray:
        """Sign of what each neuron sends, shape (n,): 1 or -1, 2 for both, 0 where it sends none of a known sign."""
        excites, inhibits = (np.asarray(part.sum(axis=1)) > 0 for part in (self.excitatory, self.inhibitory))
        return np.where(excites & inhibits, BOTH_SIGNS, excites.astype(int) - inhibits)

    @cached_property
    def counts(self) -> dict[str, float]:
        """Numbers of neurons and synapses by sign.

        ``neurons_excitatory`` and ``neurons_inhibitory`` send synapses of that known sign alone,
        ``neurons_of_both_signs`` of both, so that they break Dale's law, and ``neurons_without_sign`` of neither.
        ``connections`` are pairs of neurons with a chemical synapse. A pair counts once among ``gap_junctions``.
        """
        by_sign = {
            f"neurons_{name}": int((self.signs == sign).sum())
            for name, sign in (("excitatory", 1), ("inhibitory", -1), ("of_both_signs", 2), ("without_sign", 0))
        }
        synapses = {part: _whole(getattr(self, part).sum()) for part in COUNTS[:-1]}
        connected = sum((getattr(self, part) for part in COUNTS[1:-1]), self.excitatory)
        return {
            "neurons": self.n_neurons,
            **by_sign,
            "connections": connected.nnz,
            "synapses": _whole(self.n_synapses),
            **synapses,
            "gap_junctions": _whole(self.gap_junctions.sum() / 2),
        }

    def find(self, selection: str | int | Iterable) -> np.ndarray:
        """Numbers of neurons by name, class, transmitter or sign.

        Parameters
        ----------
        selection : str, int or iterable of these
            A text is the name of a neuron, or else a class, or else a transmitter, or one of these with a prefix that
            says which: ``"class:sensory"``, ``"transmitter:GABA"``; ``"sign:-"``, ``"sign:+"``, ``"sign:both"`` and
            ``"sign:none"`` are what `signs` says. A whole number is that of a neuron.

        Returns
        -------
        array of int
            Each neuron once, in the order of the selection.

        Raises
        ------
        InputError
            For what no neuron has.
        """
        if isinstance(selection, (str, int, np.integer)):
            selection = [selection]
        try:
            found = [self._places(each) for each in selection]
        except TypeError:
            raise InputError(f"find: expected names, classes or transmitters, found {selection!r:.60}") from None
        places = np.concatenate(found) if found else np.empty(0, dtype=int)
        return places[np.sort(np.unique(places, return_index=True)[1])]

    def _places(self, given):
        if isinstance(given, (int, np.integer)) and not isinstance(given, bool):
            if not 0 <= given < self.n_neurons:
                raise InputError(f"find: expected neurons from 0 to {self.n_neurons - 1}, found {given}")
            return np.array([given])
        if not isinstance(given, str):
            raise InputError(f"find: expected names, classes or transmitters, found {given!r:.60}")
        if given in self._named["name"]:
            return self._named["name"][given]
        kind, mark, rest = given.partition(":")
        kinds = ("class", "transmitter")
        if mark and kind in ("name", *kinds, "sign"):
            kinds, given = (kind,), rest.strip()
        if kinds == ("sign",):
            if given not in _SIGNS:
                raise InputError(f"find: sign: expected one of {', '.join(_SIGNS)}, found {given!r:.60}")
            return np.flatnonzero(self.signs == _SIGNS[given])
        for each in kinds:
            key = given.casefold() if each == "transmitter" else given
            if key and key in self._named[each]:
                return self._named[each][key]
        what = "a neuron, class or transmitter" if len(kinds) > 1 else f"a {kinds[0]}"
        known = [name for each in ("name", *kinds) for name in self._named[each]]
        raise InputError(
            f"find: expected {what} of connectome {self.name!r:.60}, found {given!r:.60}{did_you_mean(given, known)}"
        )

    @cached_property
    def _named(self) -> dict[str, dict[str, np.ndarray]]:
        """Numbers of neurons by name, class and transmitter."""
        return {
            "name": {name: np.array([k]) for k, name in enumerate(self.neurons)},
            "class": _grouped(self.classes),
            "transmitter": _grouped([name.casefold() for name in self.transmitters]),
        }

    def only(self, selection: str | int | Iterable) -> "Connectome":
        """The connectome of some neurons alone, in their order in this one; `selection` as for `find`."""
        chosen = np.sort(self.find(selection))
        if not len(chosen):
            raise InputError(f"only: expected a selection with neurons, found {selection!r:.60}")
        parts: dict[str, Any] = {part: getattr(self, part)[chosen][:, chosen] for part in COUNTS}
        for part in ("neurons", "classes", "transmitters"):
            texts = getattr(self, part)
            parts[part] = tuple(texts[k] for k in chosen)
        return replace(self, **parts)

    def circuit(
        self,
        kind: str = "rate",
        neuron=None,
        weight=None,
        *,
        inputs: str | Iterable,
        readouts: str | Iterable,
        unknown: str = "omitted",
        mixed: str = "omitted",
        gap_junctions=None,
        delay=None,
        rate=None,
        drive=None,
        threshold=None,
        by: str | None = None,
    ) -> Circuit:
        r"""The circuit of these neurons, each in a population of its sign.

        A neuron of both signs becomes two, an excitatory and an inhibitory twin, of which each receives all that the
        neuron receives: without noise their rates and spikes are the same. A neuron that sends nothing is in an
        excitatory population, or in an inhibitory one if its transmitter is inhibitory.

        By default the rate units are `eisim.Saturating` ones, and the weight of a synapse is its share of all that its
        target receives, so that the summed input of a neuron never exceeds the highest rate. The default of spiking
        circuits is the model of Shiu et al. (2024), see `eisim.connectome.shiu`. Most neurons of *C. elegans* are
        graded and fire no action potentials: rate units are the better description of these.

        Parameters
        ----------
        kind : {"rate", "spiking"}
        neuron : RateUnit or SpikingNeuron, optional
            Model of all neurons.
        weight : quantity or "share", optional
            Weight of one synapse, in the unit of the neuron. ``"share"``: 1 divided by the number of synapses that the
            target receives, of rate units, whose default it is. Of spiking neurons the default is 0.275 mV.
        inputs : str or iterable
            What is driven: names of neurons, classes or transmitters, as for `find`. Each entry is one input, and one
            column of the stimuli, that drives all neurons of the entry; an entry may be a list.
        readouts : str or iterable
            What is read out. The outputs are the neurons of each entry, in order of the entries (`outputs`).
        unknown, mixed : {"omitted", "excitatory", "inhibitory", "both"}
            What synapses of unknown sign, and those of either sign, are taken for. ``"both"``: each counts half among
            the excitatory and half among the inhibitory ones.
        gap_junctions : float or "omitted", optional
            Conductance of one gap junction relative to the leak of a rate unit, as `Population` takes it:
            :math:`\tau\dot{r}_k = \ldots + g\sum_j n_{jk}(r_j - r_k)` with the counts n, whatever the signs of the
            neurons. Asked for where a connectome has gap junctions; spiking circuits have none, and ask for "omitted".
        delay : quantity, optional
            Of all synapses, in s: by default 0 in rate circuits, and 1.8 ms in spiking ones.
        rate : quantity, optional
            Rate of an input for a stimulus value of 1: 100 Hz, in spiking circuits 150 Hz.
        drive : quantity, optional
            Weight with which an input drives its neurons: by default 1 in rate circuits. In spiking circuits each
            driven neuron has a separate Poisson input; of the default neuron it raises v by 250 weights, so that each
            event causes a spike, and driven neurons have no refractory period. With another neuron it is asked for.
        threshold : quantity, optional
            Decision threshold of the readouts, 50 Hz by default.
        by : {"transmitter", "class"}, optional
            Also divide populations by these, and hold them as `Population.cell_type`, by which `eisim.ablate` and
            `eisim.silence` find populations.

        Returns
        -------
        Circuit
            Its populations know the names of their neurons (`Population.labels`). They are named by sign, and by the
            entries of the inputs and readouts whose neurons they hold: ``"E"``, ``"I"``, ``"E to MN9"``.

        Raises
        ------
        InputError
            For selections that find nothing, overlapping readouts, gap junctions without a conductance or in a spiking
            circuit, and a drive of spiking neurons of both signs.
        """
        options: dict[str, Any] = {"unknown": unknown, "mixed": mixed, "gap_junctions": gap_junctions, "delay": delay}
        options |= {"rate": rate, "drive": drive, "threshold": threshold, "by": by}
        return circuits.build(self, kind, neuron, weight, inputs, readouts, **options)

    def where(self, circuit: Circuit, selection: str | int | Iterable) -> dict[str, tuple[tuple[str, int], ...]]:
        """Where neurons are in a circuit of this connectome: population and number, by name; twins are in two places.

        `selection` is as for `find`.
        """
        places = circuits.places(circuit, "where")
        return {name: tuple(places.get(name, ())) for name in (self.neurons[k] for k in self.find(selection))}

    @staticmethod
    def outputs(circuit: Circuit) -> tuple[str, ...]:
        """Names of the neurons that are the outputs of a circuit, in the order of its responses."""
        return circuits.outputs(circuit)

    def silence(self, circuit: Circuit, selection: str | int | Iterable, ways: str = "outgoing") -> Circuit:
        """Silence neurons of a circuit of this connectome.

        Parameters
        ----------
        circuit : Circuit
        selection : str, int or iterable of these
            As for `find`; of a neuron with a twin, both.
        ways : {"outgoing", "both"}
            ``"outgoing"``: what they send through chemical synapses is removed; they still receive, and may have
            rates or spikes. ``"both"``: what they receive, and their gap junctions, are removed, too, and their rates
            are 0 (`Population.silenced`). Other neurons see a difference through gap junctions alone.

        Returns
        -------
        Circuit

        Raises
        ------
        InputError
            For neurons that the circuit does not have.
        """
        return circuits.silence(circuit, [self.neurons[k] for k in self.find(selection)], ways)


#: Parts of `Connectome.counts` and what the repr calls them.
_WORDS = {
    "excitatory": "excitatory",
    "inhibitory": "inhibitory",
    "mixed": "of either sign",
    "unknown": "of unknown sign",
}


def _listed(parts):
    return f" ({', '.join(parts)})" if parts else ""


def _whole(number) -> float:
    """A count, as an int if it is a whole number."""
    return int(number) if float(number).is_integer() else float(number)


def _texts(given, what) -> tuple[str, ...]:
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise InputError(f"{what}: expected a sequence of texts, found {given!r:.60}")
    texts = tuple(given)
    for text in texts:
        if not isinstance(text, str):
            raise InputError(f"{what}: expected texts, found {text!r:.60}")
    return tuple(map(str, texts))


def _counts(given, n, what) -> sparse.csr_array:
    """Counts as a read-only sparse array without zeros."""
    given = sparse.csr_array((n, n)) if given is None else given
    try:
        dense = None if sparse.issparse(given) else np.array(given, dtype=float)
        if np.ma.is_masked(given) or np.iscomplexobj(given) or unit_of(given) not in (None, "1"):
            raise TypeError
        matrix = sparse.csr_array(given if dense is None else dense, dtype=float, copy=True)
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"{what}: expected an array of counts, found {given!r:.60}") from None
    if matrix.shape != (n, n):
        raise InputError(f"{what}: expected shape ({n}, {n}), found {matrix.shape}")
    if not np.isfinite(matrix.data).all() or matrix.data.min(initial=0) < 0:
        raise InputError(f"{what}: expected finite counts of 0 or more, found another")
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    for part in (matrix.data, matrix.indices, matrix.indptr):
        part.flags.writeable = False
    return matrix


def _grouped(texts) -> dict[str, np.ndarray]:
    """The places of each text."""
    found: dict[str, list[int]] = {}
    for k, text in enumerate(texts):
        found.setdefault(text, []).append(k)
    return {text: np.array(places) for text, places in found.items()}
