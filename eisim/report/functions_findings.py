"""What neuroscientists' functions owe to inhibition, for the page."""

import numpy as np

from eisim.ablation import dose
from eisim.analysis.task import Obstruction
from eisim.report import proof, published
from eisim.report.circuit import circuit_picture
from eisim.report.findings import Explanation, Findings, PageColumn, PageTable, Picture
from eisim.report.functions import (
    SYSTEMS,
    circuits,
    explained,
    left_out,
    mean_field_limits,
    spaced,
    witnessed,
    words,
)
from eisim.report.numbers import OF_ONE, hertz
from eisim.report.wording import answer, capital, count, listing
from eisim.studies.tasks import Assessment, Survey

#: What stands in the way of an excitatory-only circuit, in words.
REASONS = {
    Obstruction.POSITIVE_SLOPE: "The boundary between its answers has a positive slope: one input has to count against "
    "another, so there are inputs of which one rises and the answer falls. An excitatory-only circuit cannot do that.",
    Obstruction.CLOSED_REGION: "It answers to some inputs and has to stop when more input comes on top, such as a "
    "second cue that replaces the first, or a stronger rival: the inputs to which it answers are a closed region, "
    "which rising inputs leave, and there the answer has to fall. An excitatory-only circuit cannot do that.",
    Obstruction.DECREASING: "Its output has to fall when an input rises. That of an excitatory-only circuit cannot.",
    Obstruction.STABILITY: "The reason is dynamical: what is lost is not a function of the inputs, so there is no "
    "witness. Without inhibition nothing holds recurrent excitation in check, and the state that the task asks for "
    "is not stable.",
    Obstruction.RHYTHM: "The reason is dynamical: what is lost is not a function of the inputs, so there is no "
    "witness. Excitatory-only rate circuits are cooperative systems, which have no attracting oscillation "
    "(Hirsch, SIAM J. Math. Anal. 16:423, 1985).",
}


def findings(survey: Survey) -> Findings:
    """What the page of ``python -m eisim run functions`` shows."""
    return Findings(
        question=_question(survey.assessments),
        answer=answer(_verdicts(survey), _reasons(survey), *_sizes(survey), problems=survey.problems),
        tables=tuple(_tables(survey)),
        pictures=tuple(_pictures(survey)),
        circuits=tuple(
            circuit_picture(circuit, f"{name}_circuit", f"The circuit of {spaced(name)}")
            for name, circuit in circuits(survey).items()
        ),
        proofs=(
            proof.excitation(),
            *(_proof(assessment) for assessment in survey.assessments),
        ),
    )


def _sizes(survey):
    """The size of a circuit by itself; of several, the table has it."""
    return published.sizes(survey.assessments) if len(survey.assessments) == 1 else ()


def _question(assessments):
    if len(assessments) > 1:
        return "What does inhibition do for the functions that neuroscientists name?"
    [one] = assessments
    return f"What does inhibition do for {spaced(one.name)}{f' ({one.function})' if one.function else ''}?"


def _ablated(survey):
    """The largest dose, in words."""
    first = survey.assessments[0]
    last = first.doses[-1]
    return f"{dose(first.how).label}: {'all' if last == 1 else f'{last:g}'}"


def verdict(assessment: Assessment) -> str:
    """The verdict of all systems, or the worst one and the systems in which it is another."""
    found = {SYSTEMS[name]: curve.verdict for name, curve in assessment.systems.items()}
    for worst in ("lost", "not computed", "kept"):
        if worst in found.values():
            others = [f"{other} in {listing(s for s, v in found.items() if v == other)}" for other in found.values()]
            others = [text for text in dict.fromkeys(others) if not text.startswith(worst)]
            return worst + (f", but {listing(others)}" if others else "")
    raise AssertionError(found)


def _verdicts(survey):
    found = [verdict(assessment) for assessment in survey.assessments]
    n, lead = len(found), f"At the largest dose ({_ablated(survey)})"
    if n == 1:
        a = survey.assessments[0]
        scores = {}
        for name, c in a.systems.items():
            scores.setdefault(f"from {c.intact:.2f} to {c.ablated:.2f}", []).append(SYSTEMS[name])
        systems = [f"{score} ({listing(names)})" for score, names in scores.items()]
        does = {"lost": "loses", "kept": "keeps", "not computed": "does not compute"}.get(found[0])
        function = f"“{a.function}”" if a.function else "its function"
        if does is None:
            does, function = "has", f"{function} {found[0]}"
        return f"{lead} {spaced(a.name)} {does} {function}: its score goes {listing(systems)}."
    lost, kept = found.count("lost"), found.count("kept")
    some = f"all {n}" if lost == n else f"{lost} of {n}"
    text = f"{lead} {some} circuits {'loses its' if lost == 1 else 'lose their'} function in every system"
    parts = [text, f"{kept} {'keeps its' if kept == 1 else 'keep their'} own" if kept else ""]
    if mixed := n - lost - kept:
        parts.append(f"in {mixed} the systems differ or the intact circuit does not compute it")
    return f"{listing(part for part in parts if part)}."


def _reasons(survey):
    """Why what is lost had to be: a proof, or dynamics."""
    lost = [a for a in survey.assessments if verdict(a).startswith("lost")]
    dynamical = sum(all(j.obstruction.is_dynamical for j in a.kinds.values()) for a in lost)
    proved = sum(any(j.witness is not None for j in a.kinds.values()) for a in lost)
    if len(lost) == 1 and (proved or dynamical):
        if proved:
            return (
                "It had to be lost: a witness shows that an excitatory-only circuit cannot do it, two trials of which "
                "the second has more input and gives less output."
            )
        return "The reason is dynamical: what is lost is not a function of the inputs."
    parts = (
        f"{proved} had to be, as {'a witness shows' if proved == 1 else 'witnesses show'}" if proved else "",
        f"for {dynamical} the reason is dynamical" if dynamical else "",
    )
    said = "; ".join(part for part in parts if part)
    return f"Of those that are lost, {said}." if said else ""


def _tables(survey):
    systems = [name for name in SYSTEMS if any(name in a.systems for a in survey.assessments)]

    named = any(a.function for a in survey.assessments)

    def columns(what, note):
        return [PageColumn(f"{what}, {SYSTEMS[name]}", "number", note=note, decimals=OF_ONE) for name in systems]

    def cells(assessment, value):
        return [value(assessment.systems[name]) if name in assessment.systems else None for name in systems]

    yield PageTable(
        "Functions with and without inhibition",
        (
            PageColumn("circuit"),
            *([PageColumn("function")] if named else []),
            PageColumn(
                "verdict", "verdict", note="At the largest dose: kept while the score is at least the criterion."
            ),
            *columns("intact", "Score: 1 does the task wholly, 0 not at all; mean over seeds."),
            *columns("ablated", "Score at the largest dose."),
            *columns(
                "critical dose", "Where the score first falls below the criterion, median over seeds; empty if never."
            ),
            PageColumn("criterion", "number"),
            PageColumn("obstruction", note="What stands in the way of an excitatory-only circuit."),
        ),
        tuple(
            (
                spaced(a.name),
                *([a.function] if named else []),
                verdict(a),
                *cells(a, lambda curve: curve.intact),
                *cells(a, lambda curve: curve.ablated),
                *cells(a, lambda curve: curve.critical_dose),
                _criterion(a),
                _distinct(a.kinds.values(), lambda judged: str(judged.obstruction)),
            )
            for a in survey.assessments
        ),
        tuple(_notes(survey)),
        "table.csv",
    )
    yield PageTable(
        "The circuits and what their scores are",
        (
            PageColumn("circuit"),
            PageColumn("neurons", "number"),
            PageColumn(
                "in the paper", "number", note="Neurons of the circuit as it was published, where this one is smaller."
            ),
            PageColumn("score", note="What 1 means."),
            PageColumn(
                "DNN error", "number", "Hz", "Largest difference of a rate between the rate circuit and its DNN."
            ),
        ),
        tuple(
            (
                f"{spaced(a.name)} ({kind})",
                judged.neurons,
                judged.published_neurons or None,
                judged.measure,
                judged.equivalence_error,
            )
            for a in survey.assessments
            for kind, judged in a.kinds.items()
        ),
        tuple(published.sizes(survey.assessments)),
        "table.csv",
    )
    if (table := published.page_table(survey.assessments)) is not None:
        yield table
    limits = tuple(
        f"It does not apply to {spaced(a.name)}: {limit}."
        for a in survey.assessments
        if "spiking" in a.kinds and (limit := mean_field_limits(a.kinds["spiking"]))
    )
    applies = [(a, p) for a in survey.assessments for j in a.kinds.values() for p in j.predicted if p.holds.all()]
    if applies:
        yield PageTable(
            "Mean-field: predicted and simulated rates",
            (
                PageColumn("population", note="With its circuit."),
                PageColumn("predicted", "number", "Hz", "Mean over the trials."),
                PageColumn("simulated", "number", "Hz", "Mean over the trials and neurons of the spiking circuit."),
            ),
            tuple(
                (f"{p.population} of {spaced(a.name)}", float(p.predicted.mean()), float(p.simulated.mean()))
                for a, p in applies
            ),
            limits,
            "mean_field.csv",
        )


def _criterion(assessment):
    """The criterion of all systems, as a number, or those that there are."""
    found = list(dict.fromkeys(float(curve.level) for curve in assessment.systems.values()))
    return found[0] if len(found) == 1 else "; ".join(f"{each:g}" for each in found)


def _distinct(values, text):
    return "; ".join(dict.fromkeys(text(value) for value in values))


def _notes(survey):
    first = survey.assessments[0]
    yield f"Dose: {dose(first.how).label}; {count(len(first.doses), 'dose')}, {count(len(first.seeds), 'seed')}."
    yield from left_out(survey)


def _pictures(survey):
    systems = listing(f"{SYSTEMS[name]}" for name in SYSTEMS if any(name in a.systems for a in survey.assessments))
    critical = [
        f"{spaced(a.name)} at {curve.critical_dose:.2f} ({SYSTEMS[name]})"
        for a in survey.assessments
        for name, curve in list(a.systems.items())[:1]
        if curve.critical_dose is not None
    ]
    kept = [spaced(a.name) for a in survey.assessments if verdict(a) == "kept"]
    found = [
        f"The score falls below the criterion for {listing(critical)}." if critical else "",
        f"It stays above for {listing(kept)}." if kept else "",
    ]
    yield Picture(
        "dose_response.svg",
        "Scores against the dose of ablation",
        f"Score of each circuit ({systems}): mean and range over seeds; the dashed line is the criterion, the vertical "
        "lines are the critical doses with their range over seeds.",
        " ".join(text for text in found if text),
        "dose_response.csv",
    )
    shown = witnessed(survey)
    if shown:
        back = [from_ for a, _, w in shown if (from_ := _order_is_back(a, w)) is not None]
        if not back:
            see = "Order is still broken at the largest dose."
        elif len(shown) == 1:
            see = f"Order is back from dose {back[0]:.3g} on."
        else:
            doses = f"dose {min(back):.3g}" if min(back) == max(back) else f"doses {min(back):.3g} to {max(back):.3g}"
            see = f"Order is back from {doses} on in {len(back)} of {len(shown)}."
        yield Picture(
            "witness.svg",
            "Outputs at the two inputs of each witness",
            "Output of the task at the lower input x and at the upper input y ≥ x against the dose; shaded where order "
            f"is broken, which an excitatory-only circuit cannot do. {see}",
            "How far the output falls, intact and at the largest dose: "
            + "; ".join(
                f"{spaced(a.name)} ({kind}) {hertz(w.fall)} and {hertz(float(w.falls[-1].mean()))} Hz"
                for a, kind, w in shown
            )
            + ".",
            "witness.csv",
        )


def _order_is_back(assessment, witness):
    """The first measured dose from which on the output falls no more; ``None`` if it still does at the largest."""
    falls = witness.falls.mean(axis=1) > 1e-9
    if falls[-1]:
        return None
    return float(assessment.doses[np.flatnonzero(falls)[-1] + 1]) if falls.any() else float(assessment.doses[0])


def _proof(assessment):
    name, function = spaced(assessment.name), assessment.function
    paragraphs = []
    for obstruction in dict.fromkeys(judged.obstruction for judged in assessment.kinds.values()):
        paragraphs.append(REASONS[obstruction])
    for kind, judged in assessment.kinds.items():
        if judged.witness is not None:
            after = float(judged.witness.falls[-1].mean())
            left = f"the fall is {hertz(after)} Hz" if after >= 1e-3 else "it falls no more"
            paragraphs.append(f"Witness ({kind} circuit): {words(judged.witness)}; at the largest dose {left}.")
            paragraphs.append(explained(judged))
    for system, curve in assessment.systems.items():
        dose_text = "" if curve.critical_dose is None else f", critical dose {curve.critical_dose:.2f}"
        paragraphs.append(
            f"{capital(SYSTEMS[system])}: {curve.verdict}, score {curve.intact:.2f} intact and {curve.ablated:.2f} at "
            f"the largest dose{dose_text}."
        )
    return Explanation(f"{name}: {function}" if function else name, tuple(paragraphs))
