"""`certify`: everything the theory says of a function, before anything is simulated."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, overload

import numpy as np

from eisim.base.display import plotted, tabulated
from eisim.base.errors import InputError
from eisim.base.progress import Report, shows_progress, silent
from eisim.base.values import ByName, Shown
from eisim.circuit import Circuit
from eisim.functions import LabelledData, Region, TruthTable
from eisim.theory import floor as floors
from eisim.theory.cost import announced
from eisim.theory.evidence import Evidence, evidence
from eisim.theory.inversion import falling_chain, floors_with
from eisim.theory.order import Witness
from eisim.theory.orientation import EXHAUSTIVE, Orientation, best_orientation
from eisim.theory.sample import Sample
from eisim.theory.swept import find_violations

if TYPE_CHECKING:
    from eisim.connectome import Connectome
    from eisim.theory.structure.certificate import StructuralCertificate
    from eisim.theory.structure.floor import WiringFloor
    from eisim.theory.structure.graph import SignedGraph

LOSSES = ("zero_one", "l1", "l2", "linf")
#: Largest number of distinct points for which costly floors are computed by default.
SMALL = 1_000
#: Largest number of integer target values that may be class codes.
FEW_VALUES = 20
#: Largest number of distinct points for which the inversion complexity is computed, from all pairs.
MEDIUM = 20_000


@dataclass(frozen=True, eq=False, repr=False)
class Certificate(Shown):
    """What excitatory-only circuits can and cannot do with a function.

    Properties that require many floors are computed when first accessed: `comparable_share`, `floor_inverted`,
    `floor_permuted` and `conclusive`.

    Attributes
    ----------
    function : TruthTable, Region or LabelledData
    data : LabelledData
        The function as labelled points.
    violating_pairs : int
        Number of pairs of points x <= y with f(x) > f(y).
    witness : Witness or None
        The pair with the largest fall; the nearest such pair.
    floor : dict of str to float
        The least error that any excitatory-only circuit can have. ``"zero_one"``: share of the (weighted) points;
        ``"l1"``, ``"l2"``: mean absolute and mean squared error; ``"linf"``: largest absolute error.
    best : dict of str to ndarray
        For each loss the values, at the points, of a monotone function that attains the floor.
    inversion_complexity : int or None
        The least number of inhibitory neurons that compute the function; ``None`` if it has more than two values, or
        more than 20,000 distinct points. Where one point has both labels, the one with more weight counts.
    chain : tuple of tuple
        The proof: points of an increasing chain on which the function is 1, 0, 1, 0, ...
    floor_with : dict of int to float
        Zero-one floor with that many inhibitory neurons, from 0 to the inversion complexity; for small data only.
    orientation : Orientation or None
        Which inputs to flip for the lowest zero-one floor.
    notes : tuple of str
        Peculiarities of the data, and what they mean.
    """

    function: TruthTable | Region | LabelledData
    data: LabelledData
    violating_pairs: int
    witness: Witness | None
    floor: dict[str, float]
    best: dict[str, np.ndarray]
    inversion_complexity: int | None
    chain: tuple[tuple, ...]
    floor_with: dict[int, float]
    orientation: Orientation | None
    notes: tuple[str, ...]

    def __post_init__(self):
        if list(self.floor) != list(self.best) or not set(self.floor) <= set(LOSSES):
            raise InputError(f"certificate: floor and best: expected some of {', '.join(LOSSES)}, found others")
        if any(np.shape(best) != self.data.targets.shape for best in self.best.values()):
            raise InputError("certificate: best: expected a value for each point, found others")
        for by_loss in ("floor", "best"):
            object.__setattr__(self, by_loss, ByName(f"Certificate.{by_loss}", getattr(self, by_loss)))

    def __repr__(self):
        alone = "an excitatory-only circuit can compute it"
        if not self.representable:
            floors = ", ".join(f"{loss.replace('_', '-')} floor {value:.4g}" for loss, value in self.floor.items())
            alone = f"no excitatory-only circuit can compute it; {self.violating_pairs:,} violating pairs, {floors}"
        needed = self.inversion_complexity
        least = "" if not needed else f", at least {needed} inhibitory neuron{'s' * (needed > 1)}"
        return f"<Certificate of {self.data.name!r}: {alone}{least}>"

    @property
    def representable(self) -> bool:
        """Whether some excitatory-only circuit computes the function."""
        return self.violating_pairs == 0

    def evidence(self, report: Report | None = None) -> Evidence:
        """Evidence reported with the zero-one floor, computed once: see the properties that follow."""
        if "_evidence" not in vars(self):
            sample, is_sample = _sample(self.function, self.data), isinstance(self.function, LabelledData)
            vars(self)["_evidence"] = evidence(sample, is_sample, report or silent)
        return vars(self)["_evidence"]

    @property
    def comparable_share(self) -> float | None:
        """Share of the pairs of points of which one is at least the other in every input.

        Only such pairs can show that a function falls. ``None`` beyond 20,000 distinct points of which many are
        comparable, unless the function has two values and at most two inputs order the points.
        """
        return self.evidence().comparable_share

    @property
    def floor_inverted(self) -> float:
        """Zero-one floor of the inverted target: what an inverter behind an excitatory-only circuit leaves."""
        return self.evidence().floor_inverted

    @property
    def floor_permuted(self) -> dict[str, float] | None:
        """Zero-one floors of the same labels in another order: ``"median"``, ``"low"`` and ``"high"`` of 20.

        Labels are permuted among the rows with their weights, the same way each time. ``None`` for truth tables and
        regions, which are known everywhere, beyond 3,000 distinct points for more than 20 values of the target, and
        beyond 20,000 if more than ten million pairs are comparable or weights differ.
        """
        return self.evidence().floor_permuted

    @property
    def conclusive(self) -> bool | None:
        """Whether the rows can tell if inhibition is needed; ``None`` without permuted labels.

        They cannot if fewer than half of the pairs of rows are comparable, permuted labels, too, are fitted with less
        than half of the constant answer's error in the median, and the floors of the target and of its inverse are
        both above the mean of permuted labels less three standard deviations.
        """
        return self.evidence().conclusive

    plot = plotted(
        "Draw the function with the best monotone one and a witness, or all patterns of a truth table with its falls.",
        raises="For data of more than two inputs, and truth tables of more than five.",
    )
    to_dataframe = tabulated(
        "The points as a pandas DataFrame: inputs, target, weight, and for each loss the best monotone function."
    )


@overload
def certify(
    function: TruthTable | Region | LabelledData,
    losses: Sequence[str] | None = None,
    orient: bool | None = None,
    report: Report | None = None,
) -> Certificate: ...


@overload
def certify(
    function: TruthTable | Region | LabelledData,
    losses: Sequence[str] | None = None,
    *,
    report: Report | None = None,
    signs: Mapping[str, str] | Sequence[str],
) -> "WiringFloor": ...


@overload
def certify(
    function: "Circuit | Connectome | SignedGraph",
    *,
    report: Report | None = None,
    inputs: str | Iterable | None = None,
    readouts: str | Iterable | None = None,
    unknown: str = "both",
    mixed: str = "both",
) -> "StructuralCertificate": ...


@shows_progress
def certify(
    function: "TruthTable | Region | LabelledData | Circuit | Connectome",
    losses: Sequence[str] | None = None,
    orient: bool | None = None,
    report: Report | None = None,
    *,
    inputs: str | Iterable | None = None,
    readouts: str | Iterable | None = None,
    unknown: str = "both",
    mixed: str = "both",
    signs: Mapping[str, str] | Sequence[str] | None = None,
) -> "Certificate | StructuralCertificate | WiringFloor":
    """Prove what excitatory-only circuits can do with a function, or what the wiring of a circuit alone proves.

    Parameters
    ----------
    function : TruthTable, Region, LabelledData, Circuit or Connectome
        What a circuit should compute. A region counts as the middles of its cells. Of a circuit or a connectome, of
        which only the signs of the connections count: for each input and readout whether the readout rises, falls, is
        blind to the input, or has walks of both signs.
    losses : sequence of str
        Floors to work out: ``"zero_one"``, the share of points that are wrong; ``"l1"``, the mean absolute error;
        ``"l2"``, the mean squared error; ``"linf"``, the largest absolute error. Shares and means are weighted. All
        four by default.
    orient : bool, optional
        Whether to look for the best orientation of the inputs: which of them to flip for the lowest zero-one floor. By
        default if there are at most 1,000 distinct points and 12 inputs.
    report : callable, optional
        Called with the stage and the fraction done. By default long work shows its progress in a terminal or a
        notebook.
    inputs, readouts : str or iterable
        Of a connectome: names of neurons, classes or transmitters, as for `Connectome.find`. Each neuron is an input
        or a readout; an entry of `inputs` that is a list is one input, which drives all its neurons.
    unknown, mixed : {"both", "excitatory", "inhibitory", "omitted"}
        Of a connectome: what synapses of unknown sign, and those of either sign, are taken for. ``"both"``: what is
        proved holds whichever sign they have.
    signs : dict of str to str, or sequence of str, optional
        Of a function: for each input, by name or in order, ``"rises"`` or ``"+"``, ``"falls"`` or ``"-"``, ``"none"``
        or ``"mixed"``, such as `StructuralCertificate.signs`. The floor is then that of all circuits whose wiring has
        these signs, not of excitatory-only ones.

    Returns
    -------
    Certificate, StructuralCertificate or WiringFloor
        The second of a circuit or a connectome, the third of a function with signs.

    Raises
    ------
    InputError
        If `function` is none of these, options are for another kind of it, a loss is unknown, targets are more than
        two classes without order (see `LabelledData.against_others`), or there are more points than can be compared.

    Examples
    --------
    >>> from eisim import TruthTable, certify
    >>> proof = certify(TruthTable("0110"))
    >>> proof.witness, proof.floor["zero_one"], proof.inversion_complexity
    (Witness(lower=(0, 1), upper=(1, 1)), 0.25, 1)
    >>> from models import xor
    >>> certify(xor.circuit()).word("x[0]", "readout")
    'mixed'
    """
    if not isinstance(function, (TruthTable, Region, LabelledData)):
        wiring = _wiring(function)
        of_function = {"losses": losses, "orient": orient, "signs": signs}
        if given := [name for name, value in of_function.items() if value is not None]:
            raise InputError(f"certify: {given[0]}: expected with a function only, found a {type(function).__name__}")
        from eisim.theory.structure.certificate import certify_structure

        return certify_structure(wiring, inputs, readouts, unknown, mixed, report)
    of_wiring = {"inputs": inputs, "readouts": readouts, "unknown": unknown, "mixed": mixed}
    if given := [name for name, value in of_wiring.items() if value not in (None, "both")]:
        raise InputError(f"certify: {given[0]}: expected with a Connectome only, found a {type(function).__name__}")
    losses = LOSSES if losses is None else losses
    data = as_labelled_data(function)
    if unknown_losses := [loss for loss in losses if loss not in LOSSES]:
        raise InputError(f"certify: losses: expected some of {', '.join(LOSSES)}, found {unknown_losses[0]!r}")
    if len(data.classes) > 2 and len(np.unique(data.targets)) > 2:
        raise InputError(
            f"certify: {data.name}: target {data.target!r}: expected values with an order, found {len(data.classes)} "
            "classes (data.against_others(k) makes two of them, class k and the others)"
        )
    if signs is not None:
        if orient is not None:
            raise InputError("certify: orient: expected without signs, which say how inputs count")
        from eisim.theory.structure.floor import certify_with_signs

        if isinstance(function, TruthTable) and isinstance(signs, Mapping):  # its inputs have no names
            signs = list(signs.values())
        return certify_with_signs(data, signs, losses, report)
    sample = _sample(function, data)
    points = sample.points
    report = announced(sample, losses, report)
    found = find_violations(sample, report)
    solved = {loss: getattr(floors, loss)(found if loss in ("zero_one", "linf") else sample, report) for loss in losses}
    two_valued = len(np.unique(data.targets)) <= 2 and len(sample.first) <= MEDIUM
    chain = falling_chain(sample, report) if two_valued else []
    complexity = (len(chain) // 2).bit_length() if two_valued else None
    small = len(sample.first) <= SMALL
    with_inhibition = {}
    if two_valued and small:
        few = [r for r in range(complexity + 1) if len(sample.first) * 2 ** (r + 1) <= 20 * SMALL]
        with_inhibition = dict(zip(few, floors_with(sample, few, report), strict=True))
    if orient is None:
        orient = small and data.n_inputs <= EXHAUSTIVE
    return Certificate(
        function=function,
        data=data,
        violating_pairs=found.pairs,
        witness=found.witness,
        floor={loss: floor for loss, (floor, _) in solved.items()},
        best={loss: best for loss, (_, best) in solved.items()},
        inversion_complexity=complexity,
        chain=tuple(tuple(points[i].tolist()) for i in chain),
        floor_with=with_inhibition,
        orientation=best_orientation(sample, report) if orient else None,
        notes=(*data.notes, *_peculiarities(data, sample, isinstance(function, LabelledData))),
    )


@dataclass(frozen=True, eq=False)
class ClassCertificates:
    """Certificates of classes without order, each against the others."""

    certificates: tuple[Certificate, ...]

    @property
    def hardest(self) -> Certificate:
        """The certificate of the class at which excitatory-only circuits are wrong most often."""
        return max(self.certificates, key=lambda each: (not each.representable, each.evidence().floor))


def certify_classes(
    function: TruthTable | Region | LabelledData,
    losses: Sequence[str] = LOSSES,
    orient: bool | None = None,
    report: Report | None = None,
) -> Certificate | ClassCertificates:
    """Certify a function as `certify` does, or each of more than two classes against the others; with the evidence."""
    classes = np.unique(function.targets) if isinstance(function, LabelledData) and len(function.classes) > 2 else ()
    judged = [function.against_others(value) for value in classes] if len(classes) > 2 else [function]
    certificates = tuple(certify(each, losses, orient, report) for each in judged)
    for each in certificates:
        each.evidence(report)
    return ClassCertificates(certificates) if len(certificates) > 1 else certificates[0]


def _sample(function, data) -> Sample:
    points = function.patterns if isinstance(function, TruthTable) else data.points
    return Sample(points, data.targets, data.weights, data.order)


def as_labelled_data(function) -> LabelledData:
    """The function as labelled points: all patterns of a truth table, the cells of a region."""
    if isinstance(function, TruthTable):
        return LabelledData(function.patterns, function.values, name=function.name)
    if isinstance(function, Region):
        return function.labelled()
    if isinstance(function, LabelledData):
        return function
    raise InputError(f"certify: expected a TruthTable, a Region or LabelledData, found {function!r}")


def _wiring(given):
    """A circuit, a connectome or a signed graph, checked."""
    from eisim.connectome import Connectome
    from eisim.theory.structure.graph import SignedGraph

    if isinstance(given, (Circuit, Connectome, SignedGraph)):
        return given
    raise InputError(
        f"certify: expected a TruthTable, a Region, LabelledData, a Circuit or a Connectome, found {given!r:.100}"
    )


def _peculiarities(data, sample, is_sample):
    """Peculiarities of the data, as text."""
    if len(values := np.unique(data.targets)) <= 2 and len(sample.first) > MEDIUM:
        yield f"The inversion complexity is not computed for more than {MEDIUM:,} distinct points."
    constant = [name for name, ranks in zip(data.names, sample.all_ranks.T, strict=True) if not np.ptp(ranks)]
    if constant:
        yield f"Constant, so they order nothing and are ignored: {', '.join(constant)}."
    if (data.targets == data.targets[0]).all():
        what = f"The target {data.target!r}" if is_sample else "The function"
        yield f"{what} is constant, and a constant is a monotone function."
    if 2 < len(values) <= FEW_VALUES and (values % 1 == 0).all():
        order = " < ".join(f"{value:g}" for value in values[:4]) + (" < ..." if len(values) > 4 else "")
        yield (
            f"The {len(values)} whole values of {data.target!r} are taken as ordered ({order}). If they are codes of "
            "classes, write the classes as words: each is then judged against the others."
        )
    _, point = sample.distinct_points
    disagreeing = np.bincount(point)[point][sample.row] > 1
    if disagreeing.any():
        yield (
            f"{disagreeing.sum():,} rows repeat an input with another target: no function of these inputs, monotone or "
            "not, can be right on all of them."
        )
    repeated = len(data.targets) - len(sample.first)
    if repeated:
        rows = "row repeats" if repeated == 1 else "rows repeat"
        yield f"{repeated:,} {rows} an input with the same target; each row counts as often as it occurs."
    if (idle := int((data.weights == 0).sum())) > 0:
        yield (
            "1 row has weight 0: it counts in violating pairs, but costs nothing."
            if idle == 1
            else f"{idle:,} rows have weight 0: they count in violating pairs, but cost nothing."
        )
