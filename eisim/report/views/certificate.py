"""How a certificate is shown, and those of several classes."""

from collections.abc import Iterator
from functools import cached_property

import numpy as np

from eisim.base.errors import InputError
from eisim.base.files import frame_to_csv
from eisim.circuit import Circuit
from eisim.functions import TruthTable
from eisim.report import proof
from eisim.report.findings import Explanation
from eisim.report.style import drawn_by
from eisim.report.table import Column, Table
from eisim.report.view import Drawing, DrawnCircuit, View, show_with
from eisim.report.views.certificate_figures import DOTS, MOST_DOTS, draw, drawn_as, figure_of, size
from eisim.report.wording import count
from eisim.theory.certificate import SMALL, Certificate, ClassCertificates
from eisim.theory.reference_errors import constant_error, of_any_function
from eisim.theory.synthesis import synthesize

WRONG = proof.MEANING["zero_one"]
#: Of each kind of figure: what is drawn.
CAPTIONS = {
    "hypercube": "Each input pattern is a box, filled where the function is 1, by the number of active inputs; lines "
    "join patterns that differ in one input. Blue: the function falls although an input rises. Broad grey line: a "
    "chain with the most falls.",
    "line": "Values of {target} against {names[0]}, with the best monotone function for each loss. An arrow is a "
    "witness: the input rises, the function falls.",
    "plane": "Values of {target} over {names[0]} and {names[1]} (dots) and the best monotone function (shading). An "
    "arrow is a witness: inputs rise, the function falls.",
}


def _can(certificate: Certificate) -> str:
    if proof.is_data(certificate) and certificate.conclusive is False:
        return "cannot tell"
    return "computes it" if certificate.representable else "cannot"


def _document(certificate: Certificate) -> dict:
    """The certificate as a JSON object; the values of the best monotone functions if there are few points."""
    witness, orientation, data = certificate.witness, certificate.orientation, certificate.data
    return {
        "function": data.name,
        "points": len(data.points),
        "inputs": list(data.names),
        "target": data.target,
        "representable": certificate.representable,
        "violating_pairs": certificate.violating_pairs,
        "witness": witness and [list(witness.lower), list(witness.upper)],
        "inversion_complexity": certificate.inversion_complexity,
        "chain": [list(point) for point in certificate.chain],
        "comparable_share": certificate.comparable_share,
        "floor": certificate.floor,
        "floor_inverted": certificate.floor_inverted,
        "floor_permuted": certificate.floor_permuted,
        "conclusive": certificate.conclusive,
        "floor_with_inhibitory_neurons": {str(r): floor for r, floor in certificate.floor_with.items()},
        "orientation": orientation
        and {
            "flip": [data.names[j] for j in orientation.flipped],
            "floor": orientation.floor,
            "exact": orientation.exact,
            "on_off_floor": orientation.on_off_floor,
        },
        "best_monotone": certificate.best if len(data.points) <= SMALL else None,
        "notes": list(certificate.notes),
    }


def frame(certificate: Certificate):
    """Every point with its target, its weight, and the values of the best monotone function for each loss."""
    import pandas

    best = {f"best_{loss}": best for loss, best in certificate.best.items()}
    return pandas.concat([certificate.data.to_dataframe(), pandas.DataFrame(best)], axis="columns")


def _floors(certificate):
    """Rows of the table of floors: what is counted, the floor, and the error of the best constant answer."""
    for loss, floor in certificate.floor.items():
        yield proof.MEANING[loss], floor, constant_error(certificate.data, loss)
    yield f"{WRONG}, target inverted", certificate.floor_inverted, None
    for key, value in (certificate.floor_permuted or {}).items():
        which = {"median": "median", "low": "lowest", "high": "highest"}[key]
        yield f"{WRONG}, labels shuffled: {which} of 20", value, None


class CertificateView(View[Certificate]):
    """What excitatory-only circuits can do with a function, with the proof."""

    @property
    def heading(self) -> str:
        return f"Can an excitatory-only circuit compute {proof.name_of(self.result)}?"

    @cached_property
    def _circuit(self) -> Circuit | None:
        """The circuit with the least inhibition that computes a truth table."""
        function = self.result.function
        return synthesize(function) if isinstance(function, TruthTable) else None

    def to_json(self) -> dict:
        return _document(self.result)

    def answer(self) -> Iterator[str]:
        found, data = self.result, self.result.data
        yield from proof.headline(found)
        if found.inversion_complexity and not found.representable:
            what = "it exactly"
            if proof.is_data(found) and of_any_function(data):
                what = "it as nearly as any function of these inputs"
            yield f"Least number of inhibitory neurons that compute {what}: {found.inversion_complexity}."
        if proof.is_data(found):
            yield proof.inputs(data)

    def tables(self) -> Iterator[Table]:
        found = self.result
        yield Table(
            "The function",
            (
                Column("function", lambda each: each.data.name),
                Column("excitatory-only", _can),
                Column("points", lambda each: len(each.data.points)),
                Column("inputs", lambda each: each.data.n_inputs),
                *_pairs("points"),
            ),
            (found,),
            found.notes,
            "points.csv",
        )
        left_out = found.evidence().left_out if proof.is_data(found) else ""
        inverter = f"With an inverter at the output, {WRONG}: {found.floor_inverted:.4g}, less than its floor."
        notes = [inverter] if found.floor_inverted < found.evidence().floor else []
        yield Table(
            "Floors",
            (
                Column("error", lambda row: row[0]),
                Column("floor", lambda row: row[1], note=f"The least of any circuit {proof.CONDITIONS}."),
                Column("constant", lambda row: row[2], note="Error of the best constant answer."),
            ),
            tuple(_floors(found)),
            (*notes, left_out) if left_out else notes,
            "points.csv",
        )
        if found.floor_with and not found.representable:
            yield Table(
                "Floor by number of inhibitory neurons",
                (
                    Column("inhibitory neurons", lambda row: row[0]),
                    Column("floor", lambda row: row[1], note=f"Least {WRONG} with this number."),
                ),
                tuple(found.floor_with.items()),
            )

    def figures(self) -> Iterator[Drawing]:
        found, data, name = self.result, self.result.data, proof.name_of(self.result)
        if kind := drawn_as(found):
            caption = CAPTIONS[kind].format(target=data.target, names=data.names)
            if kind == "plane" and len(data.targets) > MOST_DOTS:
                caption += f" Dots are {DOTS:,} of the {len(data.targets):,} points, drawn at random."
            yield Drawing(
                "certificate.svg",
                f"Values of {name}" if found.representable else f"Values and witness of {name}",
                caption,
                f"Pairs of points at which {name} falls: {found.violating_pairs:,}.",
                "points.csv",
                draw=lambda: figure_of(found),
            )

    def circuits(self) -> Iterator[DrawnCircuit]:
        if self._circuit is not None:
            title = f"A circuit that computes {self.result.data.name} with the fewest inhibitory neurons"
            yield DrawnCircuit("circuit", title, self._circuit)

    def parts(self) -> Iterator[tuple[str, str]]:
        """The proof that no excitatory-only circuit computes it, pairs of a title and a paragraph."""
        found = self.result
        if found.representable:
            return
        yield "Witness", proof.witness(found)
        if isinstance(found.function, TruthTable) and "zero_one" in found.floor:
            yield "Floor", proof.patterns_wrong(found)
        if found.inversion_complexity:
            yield "Inversion complexity", proof.inhibition(found)
        yield "Inputs to flip", proof.flips(found)

    def details(self) -> Iterator[str]:
        return (f"{title}: {text}" for title, text in self.parts())

    def proofs(self) -> Iterator[Explanation]:
        yield proof.excitation()
        if self.result.representable:
            n = len(np.unique(self.result.data.ordered, axis=0))
            text = (
                f"Among all pairs of {count(n, 'point')} there is none at which the function falls while no input "
                "falls. Excitatory neurons compute such a function: one detects the coincidence of the inputs "
                "of each lowest true point, and any of them drives a readout."
            )
            yield Explanation("Why these points need no inhibition", (text,))
        for title, text in self.parts():
            yield Explanation(title, (text,))

    def files(self) -> Iterator[tuple[str, str]]:
        yield "points.csv", frame_to_csv(frame(self.result))


def _pairs(points: str):
    """Columns about pairs of points."""
    yield Column(
        "comparable pairs",
        lambda each: each.comparable_share,
        note=f"Share of the pairs of {points} that are ordered: x ≤ y or y ≤ x.",
    )
    yield Column("violating pairs", lambda each: each.violating_pairs, note=f"Pairs of {points} x ≤ y: f(x) > f(y).")
    yield Column(
        "inversion complexity",
        lambda each: each.inversion_complexity,
        note="The least number of inhibitory neurons that compute it; none for more than two values.",
        short="least I",
    )


def _label(certificate):
    return certificate.data.label(1)


class ClassesView(CertificateView):
    """Classes without order, each against the others: figure and proof are those of the hardest."""

    def __init__(self, result: ClassCertificates):
        super().__init__(result.hardest)
        self.certificates = result.certificates

    @property
    def heading(self) -> str:
        return f"Can excitatory-only circuits tell the classes of {self.result.data.name} apart?"

    def to_json(self) -> dict:
        """The hardest class as a certificate has it, and all under ``"classes"``."""
        found, label = _document(self.result), _label(self.result)
        return {
            **found,
            "class": label,
            "target": found["target"].removesuffix(f" is {label}"),
            "representable": all(each.representable for each in self.certificates),
            "classes": [
                {"class": _label(each), "rows": int(each.data.targets.sum())} | _document(each)
                for each in self.certificates
            ],
        }

    def answer(self) -> Iterator[str]:
        can = sum(_can(each) == "computes it" for each in self.certificates)
        yield (
            f"{len(self.certificates)} classes without order, each judged against the others; excitatory-only circuits "
            f"tell {can} of them from the others. Hardest: {_label(self.result)}."
        )
        yield from super().answer()

    def tables(self) -> Iterator[Table]:
        yield Table(
            "Classes",
            (
                Column("class", _label),
                Column("rows", lambda each: int(each.data.targets.sum())),
                Column("excitatory-only", _can, note="Whether an excitatory-only circuit tells it from the others."),
                Column(
                    "floor",
                    lambda each: each.evidence().floor,
                    note="Least share of rows that an excitatory-only circuit answers wrongly.",
                ),
                Column(
                    "floor, inverted",
                    lambda each: each.floor_inverted,
                    note="The same of the other rows: an inverter at the output would do.",
                ),
                Column(
                    "labels shuffled",
                    lambda each: each.floor_permuted and each.floor_permuted["median"],
                    note="Median floor of 20 permutations of the labels.",
                ),
                *_pairs("rows"),
            ),
            self.certificates,
            self.result.notes,
            "points.csv",
        )

    def files(self) -> Iterator[tuple[str, str]]:
        """The points with the targets and best functions of all classes."""
        import pandas

        data = self.result.data
        names, values = list(data.names), [data.points]
        for each in self.certificates:
            names += [each.data.target, *(f"best_{loss}, {_label(each)}" for loss in each.best)]
            values += [each.data.targets, *each.best.values()]
        columns = [*names, "weight"]
        yield "points.csv", frame_to_csv(pandas.DataFrame(np.column_stack([*values, data.weights]), columns=columns))


def _size(certificate):
    if not drawn_as(certificate):
        n = certificate.data.n_inputs
        raise InputError(f"Certificate.plot: expected one or two inputs, or a truth table of up to 5, found {n}")
    return size(certificate)


show_with(Certificate, CertificateView, plot=drawn_by(draw, _size), to_dataframe=frame)
show_with(ClassCertificates, ClassesView)
