"""What `certify` found, for its page."""

import numpy as np

from eisim.functions import TruthTable
from eisim.report import proof
from eisim.report.certificate import circuit_of
from eisim.report.circuit import circuit_picture
from eisim.report.findings import Explanation, Findings, PageColumn, PageTable, Picture
from eisim.report.wording import answer, capital, count
from eisim.theory.certificate import Certificate


def findings(certificate: Certificate) -> Findings:
    """What the page of ``python -m eisim certify`` shows."""
    name, circuit = certificate.data.name, circuit_of(certificate)
    return Findings(
        question=f"Can an excitatory-only circuit compute {name}?",
        answer=answer(*_answer(certificate)),
        tables=tuple(_tables(certificate)),
        pictures=tuple(_picture(certificate)),
        circuits=(circuit_picture(circuit, "circuit", f"The circuit with the least inhibition that computes {name}"),)
        if circuit
        else (),
        proofs=(proof.excitation(), *_proofs(certificate)),
    )


def _answer(certificate):
    name, data = certificate.data.name, proof.is_data(certificate)
    if data and certificate.conclusive is False:
        yield capital(proof.cannot_tell(certificate, name))
    elif certificate.representable:
        what = "they never fall" if data else "it never falls"
        yield f"An excitatory-only circuit can compute {name}: {what} when inputs rise."
    elif data:
        yield proof.in_proportion(certificate, name)
    else:
        loss = proof.headline_loss(certificate)
        floor = certificate.floor[loss]
        least = (
            f"is wrong on {floor:.1%} of the points"
            if loss == "zero_one"
            else f"has a {proof.MEANING[loss]} of {floor:.4g}"
        )
        yield f"No excitatory-only circuit computes {name}: the best one {least}."
    if certificate.inversion_complexity and not certificate.representable:
        what = "it"
        if data:
            what = "them as nearly as any function" if proof.of_any_function(certificate.data) else "them exactly"
        yield (
            f"With {count(certificate.inversion_complexity, 'inhibitory neuron')} a circuit computes {what}, and with "
            "fewer none does."
        )
    if data:
        yield proof.inputs(certificate.data)


def _tables(certificate):
    data = certificate.data
    columns = (
        PageColumn("function"),
        PageColumn("excitatory-only", note="Whether an excitatory-only circuit computes it."),
        PageColumn("points", "number"),
        PageColumn("inputs", "number"),
        PageColumn("comparable pairs", "number", note="Share of the pairs of points that are ordered: x ≤ y or y ≤ x."),
        PageColumn("violating pairs", "number", note="Pairs of points x ≤ y with f(x) > f(y)."),
        PageColumn(
            "inversion complexity",
            "number",
            note="The least number of inhibitory neurons that compute it; empty if it has more than two values.",
        ),
    )
    can = "computes it" if certificate.representable else "cannot"
    if proof.is_data(certificate) and certificate.conclusive is False:
        can = "cannot tell"
    row = (
        data.name,
        can,
        len(data.points),
        data.n_inputs,
        certificate.comparable_share,
        certificate.violating_pairs,
        certificate.inversion_complexity,
    )
    yield PageTable("The function", columns, (row,), tuple(certificate.notes), "points.csv")
    yield PageTable(
        "Floors",
        (PageColumn("loss"), PageColumn("floor", "number", note="The least of any excitatory-only circuit.")),
        (*((proof.MEANING[loss], floor) for loss, floor in certificate.floor.items()), *_others(certificate)),
        ("The functions that reach them are in points.csv.",),
        "points.csv",
    )
    if certificate.floor_with and not certificate.representable:
        yield PageTable(
            "Floor by number of inhibitory neurons",
            (
                PageColumn("inhibitory neurons", "number"),
                PageColumn("floor", "number", note="Least share of points answered wrongly with so many."),
            ),
            tuple(certificate.floor_with.items()),
        )


def _others(certificate):
    """Floors of the inverted target and of shuffled labels."""
    yield "share of points answered wrongly, target inverted", certificate.floor_inverted
    for key, value in (certificate.floor_permuted or {}).items():
        which = {"median": "median", "low": "lowest", "high": "highest"}[key]
        yield f"share of points answered wrongly, labels shuffled: {which} of 20", value


def _picture(certificate):
    data = certificate.data
    lost = not certificate.representable
    if isinstance(certificate.function, TruthTable) and 2 <= data.n_inputs <= 5:
        drawn = (
            "Each input pattern is a box, filled where the function is 1, by the number of active inputs; lines join "
            "patterns that differ in one input."
        )
        see = (
            "Blue lines: the function falls although an input rises. The broad grey line is a chain with most falls."
            if lost
            else "No line goes from a filled box up to an empty one."
        )
    elif data.n_inputs == 1:
        drawn = f"Values of {data.target} against {data.names[0]}, with the best functions that never fall."
        see = "The arrow is a witness: input up, function down." if lost else "The data never fall."
    elif data.n_inputs == 2:
        drawn = (
            f"Values of {data.target} over {data.names[0]} and {data.names[1]} (dots); behind them the best function "
            "that never falls."
        )
        see = "The arrow is a witness: inputs rise, function falls." if lost else "Nothing falls to the upper right."
    else:
        return
    finding = (
        f"{data.name} has {count(certificate.violating_pairs, 'pair')} of points at which it falls."
        if lost
        else f"{data.name} never falls."
    )
    yield Picture(
        "certificate.svg",
        f"Where {data.name} falls" if lost else f"{data.name} never falls",
        f"{drawn} {see}",
        f"{drawn} {finding}",
        "points.csv",
    )


def _proofs(certificate):
    if certificate.representable:
        n = len(np.unique(certificate.data.ordered, axis=0))
        yield Explanation(
            "Why no pair of these points needs inhibition",
            (
                f"All pairs of {count(n, 'point')} were compared, and none was found at which the function falls while "
                "no input falls. Such a function is computed by excitatory neurons: one that detects the coincidence "
                "of the inputs of each lowest true point, and a readout that any of them drives.",
            ),
        )
    for title, text in proof.parts(certificate):
        yield Explanation(title, (capital(text),))
