"""Labelled data of the user's own: the proof, networks that learn them with and without inhibition, and ablation."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from eisim.adapter import DNN
from eisim.analysis.training import job, train_all
from eisim.base.errors import InputError
from eisim.base.progress import headed
from eisim.functions import LabelledData, TruthTable
from eisim.functions.truth_table import without_target
from eisim.studies.curves import below_floor
from eisim.studies.held_out import Folds, HeldOut
from eisim.studies.judgement import Judgement, shared
from eisim.studies.networks import NetworkAblation, ablate_network, class_floors, threshold_errors
from eisim.studies.result import OfParts
from eisim.theory.certificate import Certificate, certify
from eisim.theory.sample import by_range

#: More values of the target than this are no classes.
MAX_CLASSES = 20
#: What the trained networks may have of inhibition.
SIGNS = ("free", "excitatory")


@dataclass(frozen=True, eq=False)
class DataResult(OfParts, of="ablations"):
    """What labelled data need, and what networks that learned them lose with their inhibition."""

    data: LabelledData  # the rows used, as in the file
    scaled: LabelledData  # the same with inputs from 0 to 1
    certificates: tuple[Certificate, ...]  # is a row of this class? Of all classes, or the second of two
    ablations: dict[str, NetworkAblation]  # of the freely trained network, by kind of circuit
    networks: dict[str, DNN]  # by sign constraint, "free" and "excitatory"
    read_notes: tuple[str, ...]  # how the data were processed, as text

    @property
    def first(self) -> NetworkAblation:
        """The ablation of one kind of circuit, for what is the same in all."""
        return next(iter(self.ablations.values()))

    @property
    def floors(self) -> np.ndarray:
        """Least share of rows at which an excitatory-only circuit is wrong about each judged class."""
        return np.array([certificate.floor["zero_one"] for certificate in self.certificates])

    def errors(self, signs: str) -> np.ndarray:
        """Share of rows that a trained network gets wrong about each judged class, by the best threshold."""
        return class_errors(self.networks[signs], self.scaled)

    @property
    def irreducible(self) -> np.ndarray:
        """Least share of rows at which any function at all is wrong about each judged class: rows that disagree."""
        return self.first.floors.on_off

    @property
    def needs_inhibition(self) -> np.ndarray:
        """For which judged classes excitatory-only circuits must be wrong more often than any function need be."""
        return self.floors > self.irreducible + 1e-12

    @property
    def held_out(self) -> tuple[HeldOut | None, ...]:
        """For each judged class what networks score on rows that they were not trained on; ``None``: no need."""
        return self.first.held_out or (None,) * len(self.first.judged)

    @property
    def is_shown(self) -> bool:
        """Whether these show of some class that noisy labels do not explain its floor."""
        return any(each is not None and each.is_shown for each in self.held_out)

    @property
    def judgements(self) -> list[list[Judgement]]:
        """For each judged class the judgements of all kinds of circuit, by a threshold on the class's own output."""
        curves = zip(*(ablation.threshold_curves for ablation in self.ablations.values()), strict=True)
        return [[curve.judgement for curve in of_class] for of_class in curves]

    @property
    def verdicts(self) -> list[str]:
        """For each judged class the verdict that all kinds of circuit share, or ``"differs"``."""
        return [shared(of_class)[0] for of_class in self.judgements]

    @property
    def reasons(self) -> list[str | None]:
        """For each judged class the reason of a loss that all kinds of circuit share, or ``"differs"``."""
        return [shared(of_class)[1] for of_class in self.judgements]

    @property
    def notes(self) -> tuple[str, ...]:
        """How the data were processed, and what the networks did not learn, as text."""
        missed = self.first.judged[self.needs_inhibition & (self.errors("free") >= self.floors)]
        if not missed.size:
            return self.read_notes
        classes = ", ".join(map(self.data.label, missed))
        return (
            *self.read_notes,
            f"The freely trained network is no better than the best excitatory-only one on class {classes}, so its "
            "ablation is uninformative; more units or tries may learn it (--set hidden=64,64 --set tries=9).",
        )

    @property
    def problems(self) -> list[str]:
        """Contradictions of the theory, and checks that failed."""
        found = super().problems
        if not self.networks["excitatory"].is_nonnegative:
            found.append("the network trained as excitatory-only has a negative weight")
        for value, error, floor in zip(self.first.judged, self.errors("excitatory"), self.floors, strict=True):
            found += below_floor(
                f"class {self.data.label(value)}", "network trained as excitatory-only", 1 - error, floor
            )
        return found


def class_errors(dnn: DNN, data: LabelledData) -> np.ndarray:
    """Share of rows that a network gets wrong about each judged class, by the best threshold on its own output."""
    outputs = dnn(data.points)
    return threshold_errors(outputs, data.targets, np.unique(data.targets)[-outputs.shape[1] :], data.weights)


def read(
    path,
    target: str | None,
    weights: str | None,
    ignore: Sequence[str],
    report: Callable[..., None],
    header: bool | None = None,
) -> LabelledData | TruthTable:
    """A table: a truth table if it has every input pattern once, and no weights; else labelled data.

    Only of a truth table the target, a column, need not be given: it is the last one then. Columns to `ignore` are left
    out; for `header` see `LabelledData.from_file`.
    """
    if not Path(path).name:
        raise InputError("file: expected a table with named columns, found none (--set file=FILE.csv)")
    data = LabelledData.from_file(path, target, weights, report, ignore=ignore, classes=True, header=header)
    if target is None:
        table = without_target(data, Path(path).stem)
    else:
        try:
            table = TruthTable.of_data(data, Path(path).stem)
        except InputError:
            return data
    return table if weights is None else data


def prepared(data: LabelledData, rows: int, scale: str, seed) -> tuple[LabelledData, LabelledData]:
    """The rows that are used, as they are and with inputs scaled to 0 to 1; an InputError if the target has no classes.

    At most `rows` are drawn at random, at least one of each class. They are scaled by each column's ``"range"``, or by
    the ``"rank"`` of its values: both keep the order of points, so that what excitatory-only circuits can do with them
    stays the same.
    """
    counted = replace(data, notes=())
    if (data.weights == 0).any():
        counted = _rows(counted, np.flatnonzero(data.weights))
    classes, first, index = np.unique(counted.targets, return_index=True, return_inverse=True)
    if not 2 <= len(classes) <= MAX_CLASSES:
        raise InputError(
            f"{data.name}: target {data.target!r}: expected 2 to {MAX_CLASSES} classes, found {len(classes)} values"
            + (" (python -m eisim certify takes any numbers)" if len(classes) > MAX_CLASSES else "")
        )
    if len(counted.targets) > max(rows, len(classes)):
        order = np.random.default_rng(seed).permutation(len(index))
        first = order[np.unique(index[order], return_index=True)[1]]
        rest = order[~np.isin(order, first)][: max(0, rows - len(classes))]
        counted = _rows(counted, np.sort(np.concatenate([first, rest])))
    ranks = np.column_stack([np.unique(x, return_inverse=True)[1] for x in counted.ordered.T])
    # Scaled by range, numbers that differ may become the same.
    points = ranks / np.maximum(1, ranks.max(axis=0)) if scale == "rank" else by_range(counted.points)
    return counted, replace(counted, points=points, order=ranks)


def _rows(data, chosen):
    return replace(
        data,
        points=data.points[chosen],
        targets=data.targets[chosen],
        weights=data.weights[chosen],
        order=None if data.order is None else data.order[chosen],
    )


def measure(
    data: LabelledData,
    *,
    kinds: Sequence[str],
    rows: int,
    scale: str,
    hidden: Sequence[int],
    iterations: int,
    tries: int,
    levels: int,
    seed: int,
    backend: str,
    controls: bool = True,
    report: Callable[..., None],
) -> DataResult:
    """Prove what excitatory-only circuits can do with data, train networks on them, and ablate the one with inhibition.

    Of each sort, `tries` networks are trained from different weights and the one with the least error is kept; for
    `rows` and `scale` see `prepared`. There are `levels` of ablation, from none to all.
    """
    drawing, training, parting = np.random.SeedSequence(seed).spawn(3)
    used, scaled = prepared(data, rows, scale, drawing)
    classes = np.unique(used.targets)
    judged = classes if len(classes) > 2 else classes[1:]
    report("working out floors")
    certificates = tuple(certify(used.against_others(c), ("zero_one",), orient=False, report=report) for c in judged)
    for certificate in certificates:
        certificate.evidence(report)
    seeds = training.generate_state(len(SIGNS) * tries).reshape(len(SIGNS), tries)
    how = {"loss": "one-vs-rest", "iterations": iterations}
    jobs = [
        job(scaled.points, scaled.targets, tuple(hidden), signs, seed, name=f"{data.name}, {signs}", **how)
        for signs, of_signs in zip(SIGNS, seeds, strict=True)
        for seed in of_signs
    ]
    # Networks of the same size that are each trained on part of the rows tell what noisy labels may explain.
    folds = Folds.of(scaled, tuple(hidden), iterations, seed=int(parting.generate_state(1)[0]))
    has_floor = any(certificate.floor["zero_one"] > 0 for certificate in certificates)
    trained = train_all([*jobs, *(folds.jobs if has_floor else ())], report)
    networks = {
        signs: min(trained[s * tries :][:tries], key=lambda dnn: class_errors(dnn, scaled).mean())
        for s, signs in enumerate(SIGNS)
    }
    floors, fractions = class_floors(networks["free"], scaled, report), np.linspace(0, 1, levels)
    attained = class_errors(networks["excitatory"], scaled)
    held_out = folds.evidence(trained[len(jobs) :], judged, report) if has_floor else (None,) * len(judged)

    def ablation(kind):
        how = fractions, kind, backend, headed(report, kind), floors, controls, held_out
        # A rate circuit equals its network; the spiking circuit of the excitatory-only one is not simulated.
        errors = attained if kind == "rate" else None
        return replace(ablate_network(networks["free"], scaled, *how), excitatory_errors=errors)

    ablations = {kind: ablation(kind) for kind in kinds}
    notes = tuple(_notes(data, used, scale, certificates[0]))
    return DataResult(used, scaled, certificates, ablations, networks, notes)


def _notes(data, used, scale, certificate):
    yield from data.notes
    if (idle := int((data.weights == 0).sum())) > 0:
        yield f"{idle:,} rows have weight 0 and are left out."
    if (n_used := len(used.targets)) < (there := int((data.weights > 0).sum())):
        yield f"{n_used:,} of {there:,} rows, drawn at random, are used (--set rows=N takes others)."
    how = {"range": "its range", "rank": "the rank of its values"}[scale]
    yield (
        f"Each input is scaled to 0 to 1 by {how}. That keeps the order of rows, so witness and floor are those of the "
        "data."
    )
    if (used.weights != used.weights[0]).any():
        yield "Weights count in errors and floors, not in training."
    yield from (note for note in certificate.notes if note not in data.notes)
