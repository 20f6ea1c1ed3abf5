"""What `certify` found about classes without order, each against the others: JSON, points, findings, words."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas

from eisim.base.files import frame_to_csv
from eisim.functions import LabelledData
from eisim.report import certificate as single
from eisim.report import certificate_findings, proof
from eisim.report.findings import Explanation, Findings, PageColumn, PageTable
from eisim.report.wording import answer, capital
from eisim.theory.certificate import Certificate


def judged(function) -> list:
    """The functions that are certified: each class against the others if there are more than two without order."""
    if isinstance(function, LabelledData) and len(function.classes) > 2:
        values = np.unique(function.targets)
        if len(values) > 2:
            return [function.against_others(value) for value in values]
    return [function]


def hardest(certificates: Sequence[Certificate]) -> Certificate:
    """The certificate of the class at which excitatory-only circuits are wrong most often."""
    return max(certificates, key=lambda each: (not each.representable, each.evidence().floor))


def _class_of(certificate):
    return certificate.data.label(1)


def to_json(certificates: Sequence[Certificate]) -> dict:
    """The hardest class as a certificate has it, and all under ``"classes"``."""
    classes = [
        {"class": _class_of(each), "rows": int(each.data.targets.sum()), **single.to_json(each)}
        for each in certificates
    ]
    chosen = hardest(certificates)
    return {
        **single.to_json(chosen),
        "class": _class_of(chosen),
        "target": chosen.data.target.removesuffix(f" is {_class_of(chosen)}"),
        "representable": all(each.representable for each in certificates),
        "classes": classes,
    }


def tables(certificates: Sequence[Certificate]) -> Iterator[tuple[str, str]]:
    """Pairs of file name and CSV."""
    frames = [single.frame(each).drop(columns="weight") for each in certificates]
    n_inputs = certificates[0].data.n_inputs
    kept = [frames[0].iloc[:, :n_inputs]]
    for each, frame in zip(certificates, frames, strict=True):
        kept.append(frame.iloc[:, n_inputs:].rename(columns=lambda name, each=each: _column(name, each)))
    kept.append(pandas.Series(certificates[0].data.weights, name="weight"))
    yield "points.csv", frame_to_csv(pandas.concat(kept, axis="columns"))


def _column(name, certificate):
    return name if name == certificate.data.target else f"{name}, {_class_of(certificate)}"


def figures(certificates: Sequence[Certificate]) -> Iterator:
    """Pairs of file name and figure: that of the hardest class."""
    yield from single.figures(hardest(certificates))


def words(certificates: Sequence[Certificate]) -> Iterator[str]:
    """All classes in words: each in short, then the proof of the hardest."""
    data = certificates[0].data
    yield f"{data.name}: {len(certificates)} classes without order, each judged against the others."
    yield proof.inputs(data)
    for each in certificates:
        yield f"{_class_of(each)}: {capital(proof.headline(each))}"
        if each is not hardest(certificates):
            yield f"Beside the floor: {proof.beside(each)}"
    chosen = hardest(certificates)
    yield f"The proof for {_class_of(chosen)}:"
    for title, text in proof.parts(chosen):
        yield f"{title}: {text}"


def findings(certificates: Sequence[Certificate]) -> Findings:
    """What the page of ``python -m eisim certify`` shows."""
    data, chosen = certificates[0].data, hardest(certificates)
    columns = (
        PageColumn("class"),
        PageColumn("rows", "number"),
        PageColumn("excitatory-only", note="Whether an excitatory-only circuit tells the class from the others."),
        PageColumn("floor", "number", note="Least share of rows that an excitatory-only circuit answers wrongly."),
        PageColumn("floor, inverted", "number", note="The same of the other rows: an inverter at the output would do."),
        PageColumn("labels shuffled", "number", note="Median floor of 20 permutations of the labels."),
        PageColumn("comparable pairs", "number", note="Share of the pairs of rows that are ordered: x ≤ y or y ≤ x."),
        PageColumn("violating pairs", "number"),
        PageColumn("inversion complexity", "number", note="The least number of inhibitory neurons that compute it."),
    )
    rows = []
    for each in certificates:
        found = each.evidence()
        can = "computes it" if each.representable else "cannot"
        rows.append(
            (
                _class_of(each),
                int(each.data.targets.sum()),
                "cannot tell" if found.conclusive is False else can,
                found.floor,
                found.floor_inverted,
                found.floor_permuted and found.floor_permuted["median"],
                found.comparable_share,
                each.violating_pairs,
                each.inversion_complexity,
            )
        )
    whole = certificate_findings.findings(chosen)
    return Findings(
        question=f"Can excitatory-only circuits tell the classes of {data.name} apart?",
        answer=answer(
            f"Each of the {len(certificates)} classes is judged against the others, since they have no order.",
            *(f"{_class_of(each)}: {capital(proof.headline(each))}" for each in certificates),
            proof.inputs(data),
        ),
        tables=(PageTable("Classes", columns, tuple(rows), tuple(chosen.notes), "points.csv"),),
        pictures=whole.pictures,
        proofs=(
            proof.excitation(),
            *(
                Explanation(f"{title} ({_class_of(chosen)})", (capital(text),))
                for title, text in proof.parts(chosen)
                if title != "Note"
            ),
        ),
    )
