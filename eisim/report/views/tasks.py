"""How tasks against the fraction removed are shown: of one circuit, or of several."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np

from eisim.ablation import dose
from eisim.analysis.task import Obstruction
from eisim.base.display import register
from eisim.base.files import to_csv
from eisim.report import judgements, proof
from eisim.report.findings import Explanation
from eisim.report.numbers import OF_ONE, hertz
from eisim.report.published import Beside, beside, published_table
from eisim.report.style import DOUBLE, drawn_by
from eisim.report.table import Column, Table, html_box, html_table, sentences
from eisim.report.tabular import array, names
from eisim.report.terminal import as_text
from eisim.report.view import Drawing, DrawnCircuit, View, show_with
from eisim.report.views import columns
from eisim.report.views import tasks_figures as figures
from eisim.report.wording import capital, count
from eisim.studies.controls import FACTORS, FEW_FACTORS
from eisim.studies.curves import AblationCurve, described
from eisim.studies.tasks.result import Assessment, Judged, Survey
from eisim.studies.tasks.witness import Witness

SYSTEMS = {"spiking": "spiking", "rate": "rate", "dnn": "DNN"}
#: Verdicts, the worst first.
WORST = ("lost", "undecided", "not computed", "kept")
#: Inputs that a witness raises are named one by one up to so many.
NAMED_INPUTS = 3
MEANING = (
    "A task declares its obstruction; a witness is measured: two trials between which no input falls, but the mean "
    "output of the intact circuit does (for a noisy circuit, the fall is given in standard errors). No excitatory-only "
    "circuit to which the theorem applies has such an output, unless the output is defined to fall as rates rise. The "
    "score that such a circuit can reach is a different question, which a witness does not answer."
)
#: What a task declares to stand in the way of an excitatory-only circuit, in words.
REASONS = {
    Obstruction.POSITIVE_SLOPE: "One input counts against another: the boundary between the answers that the task asks "
    "for has a positive slope, and where it is crossed an answer falls as an input rises.",
    Obstruction.CLOSED_REGION: "The inputs that the task wants answered are a closed region: where rising inputs leave "
    "it, the answer falls.",
    Obstruction.DECREASING: "The task asks for an output that falls when an input rises.",
    Obstruction.STABILITY: "The task asks for a state that lasts. That is no function of the inputs, so there is no "
    "witness; whether recurrent excitation holds that state without inhibition is measured, not proved.",
    Obstruction.RHYTHM: "The task asks for an oscillation. That is no function of the inputs, so there is no witness. "
    "Excitatory-only rate circuits with non-decreasing transfer functions at a constant input, without noise, "
    "adaptation and synaptic depression, are cooperative systems, which have no attracting oscillation (Hirsch, SIAM "
    "J. Math. Anal. 16:423, 1985); for spiking circuits that proves nothing.",
}


def spaced(name: str) -> str:
    """The name of a model as people write it."""
    return name.replace("_", " ")


def verdict(of: Assessment | Judged) -> str:
    """The verdict on all systems with its reason, or the worst and what the others have: ``"lost (kept: rate)"``."""
    found: dict[str, list[str]] = {}
    for name, curve in of.systems.items():
        found.setdefault(described(curve.verdict, curve.judgement.reason), []).append(SYSTEMS[name])
    worst, *others = sorted(found, key=lambda said: WORST.index(said.partition(":")[0]))
    more = "; ".join(f"{each}: {', '.join(found[each])}" for each in others)
    return f"{worst} ({more})" if more else worst


def _named(assessment):
    return spaced(assessment.name) + (f" ({assessment.function})" if assessment.function else "")


def _obstruction(assessment):
    return "; ".join(dict.fromkeys(str(judged.obstruction) for judged in assessment.kinds.values()))


def _row(assessment):
    """One circuit as a JSON object."""
    systems, kinds = assessment.systems, assessment.kinds
    return {
        "function": assessment.function,
        "circuit": assessment.name,
        "measure": {kind: judged.measure for kind, judged in kinds.items()},
        "criterion": {name: curve.level for name, curve in systems.items()},
        "score": {
            "intact": {name: curve.intact for name, curve in systems.items()},
            "ablated": {name: curve.ablated for name, curve in systems.items()},
        },
        "critical_dose": {name: _critical(curve) for name, curve in systems.items()},
        "scores": {name: curve.scores for name, curve in systems.items()},
        "equivalence_error": {"rate": kinds["rate"].equivalence_error} if "dnn" in systems else {},
        "obstruction": {kind: str(judged.obstruction) for kind, judged in kinds.items()},
        "witness": {kind: judged.witness and _witness(judged.witness) for kind, judged in kinds.items()},
        "verdicts": {name: curve.verdict for name, curve in systems.items()},
        "verdict": assessment.verdict,
        "reasons": {name: curve.judgement.reason for name, curve in systems.items()},
        "judgements": [judgements.record(curve.judgement) for curve in assessment.curves],
        "neurons": {kind: judged.neurons for kind, judged in kinds.items()},
        "published_neurons": {kind: judged.published_neurons or judged.neurons for kind, judged in kinds.items()},
        "published": [
            {"what": fact.what, "published": fact.published, "ours": ours, "this_run": run, "source": fact.source}
            for fact, ours, run, _ in _published(assessment)
        ],
        "psychometric": {kind: _psychometric(judged) for kind, judged in kinds.items() if judged.psychometric},
        "mean_field": _mean_field(kinds["spiking"]) if "spiking" in kinds else None,
        "left_out": assessment.left_out,
    }


def _published(assessment) -> list[Beside]:
    now = [fact for judged in assessment.kinds.values() for fact in judged.facts]
    return beside(assessment.published, now, spaced(assessment.name))


def _psychometric(judged):
    """By dose, the share of right trials at each level."""
    found = judged.psychometric
    at = [[found.estimate(d, k) for k in range(len(found.levels))] for d in range(len(found.right))]
    shares = [[{"mean": e.mean, "low": e.low, "high": e.high} for e in row] for row in at]
    return {"level": found.level, "levels": found.levels, "right": shares}


def _mean_field(judged):
    populations = {
        p.population: {"predicted": p.predicted, "simulated": p.simulated, "holds": p.holds, "notes": list(p.note)}
        for p in judged.predicted
    }
    return {"populations": populations, "problem": judged.unpredicted}


def _critical(curve):
    found = [_finite(critical) for critical in curve.critical_doses]
    low, high = (_finite(extreme) for extreme in (curve.critical_doses.min(), curve.critical_doses.max()))
    return {"median": _median(curve), "low": low, "high": high, "by_seed": found}


def _median(curve):
    """Over seeds, of where each first falls below the criterion."""
    return _finite(np.median(curve.critical_doses))


def _finite(number):
    return float(number) if number is not None and np.isfinite(number) else None


def _witness(witness: Witness):
    return {
        "trials": list(witness.trials),
        "inputs": list(witness.inputs),
        "stimuli": list(witness.stimuli),
        "outputs": list(witness.means),
        "fall": witness.fall,
        "standard_errors": _finite(witness.standard_errors),
        "seeds_agree": witness.standard_errors == np.inf,
        "fall_ablated": float(witness.falls[-1].mean()),
    }


def _raised(witness: Witness) -> str:
    """By what the inputs of the second trial exceed those of the first."""
    lower, upper = witness.stimuli
    raised = np.flatnonzero(upper > lower)
    if not raised.size:
        return "the same, at other times"
    if raised.size > NAMED_INPUTS:
        return f"{raised.size} of {lower.size}"
    # ``"cue[6]"`` counts from 0, people from 1.
    names = [re.sub(r"\[(\d+)\]$", lambda found: f" number {int(found[1]) + 1}", name) for name in witness.inputs]
    return ", ".join(f"{names[k]} from {lower[k]:.3g} to {upper[k]:.3g}" for k in raised)


def _found(key):
    """A column's value: what was found of a witness."""
    return lambda row: _witness(row.judged.witness)[key]


class Row(NamedTuple):
    """A row of a table of kinds of circuits."""

    assessment: Assessment
    judged: Judged


VERDICT = (
    "Kept: at the largest fraction the score is at least the criterion. Not computed: it is less when intact. "
    "Undecided: an interval straddles it. Lost, with what brings it back: see what the losses consist of."
)
CRITICAL = "Where a monotone fit to all scores falls below the criterion; empty if it never does."


def _measured(shown) -> tuple[Column, ...]:
    """Verdict and scores by system, of assessments or of kinds of circuits."""
    systems = [name for name in SYSTEMS if any(name in each.systems for each in shown)]

    def by_system(name, of, note="", **more):
        def cells(each):
            return {SYSTEMS[name]: of(each.systems[name]) if name in each.systems else None for name in systems}

        return Column(name, cells, note=note, decimals=OF_ONE, **more)

    return (
        columns.verdict(verdict, VERDICT),
        by_system("intact", lambda curve: curve.intact, "Mean score, from 0 (not performed) to 1 (fully performed)."),
        by_system("ablated", lambda curve: curve.ablated, "Mean score at the largest fraction."),
        by_system("critical fraction", lambda curve: curve.critical_dose, CRITICAL, short="critical"),
        by_system("criterion", lambda curve: float(curve.level), on_page_only=True),
    )


CIRCUIT = Column("circuit", lambda row: spaced(row.assessment.name))
KIND = Column("kind", lambda row: row.judged.kind)
OUTPUT = "Of the intact circuit, mean over the seeds on which the pair was not searched."
LEFT = "Output at x less that at y, at the largest fraction."
ERRORS = (
    "The fall as a multiple of its standard error, over the seeds on which the pair was not searched; empty where all "
    "agree or there is one."
)
WITNESSED = (
    CIRCUIT,
    KIND,
    Column("trials", lambda row: "{} ≤ {}".format(*(k + 1 for k in row.judged.witness.trials))),
    Column("inputs raised", lambda row: _raised(row.judged.witness)),
    Column("output at x", lambda row: _found("outputs")(row)[0], unit="Hz", note=OUTPUT, decimals=1, short="at x"),
    Column("output at y", lambda row: _found("outputs")(row)[1], unit="Hz", decimals=1, short="at y"),
    Column("standard errors", _found("standard_errors"), note=ERRORS, decimals=1, short="errors"),
    Column("fall, ablated", _found("fall_ablated"), unit="Hz", note=LEFT, decimals=1, short="ablated"),
)
MEAN_FIELD = (
    Column("population", lambda row: f"{row[1].population} of {spaced(row[0].name)}"),
    Column("predicted", lambda row: float(row[1].predicted.mean()), unit="Hz", note="Mean over trials."),
    Column("simulated", lambda row: float(row[1].simulated.mean()), unit="Hz", note="The same of neurons, intact."),
)
PAPER = "Neurons of the circuit as it was published, where this one is smaller."
DNN_ERROR = "Largest difference of a rate between the rate circuit and its DNN."
CIRCUITS = (
    CIRCUIT,
    KIND,
    Column("neurons", lambda row: row.judged.neurons),
    Column("in the paper", lambda row: row.judged.published_neurons or None, note=PAPER),
    Column("score", lambda row: row.judged.measure, note="What is scored, from 0 to 1."),
    Column("output", lambda row: row.judged.output or None, note="Whose order is compared."),
    Column("DNN error", lambda row: row.judged.equivalence_error, unit="Hz", note=DNN_ERROR),
)


class SurveyView(View[Survey]):
    """Circuits with and without inhibition, their curves, witnesses, and published numbers."""

    @property
    def heading(self) -> str:
        each = self.result.assessments
        named = "the functions of these circuits" if len(each) > 1 else _named(each[0])
        return f"What does inhibition contribute to {named}?"

    @property
    def _kinds(self) -> list[Row]:
        return [Row(each, judged) for each in self.result.assessments for judged in each.kinds.values()]

    @property
    def _psychometric(self) -> list[Row]:
        return [row for row in self._kinds if row.judged.psychometric is not None]

    @property
    def _witnessed(self) -> list[Row]:
        return [row for row in self._kinds if row.judged.witness is not None]

    def to_json(self) -> dict:
        assessments, first = self.result.assessments, self.result.assessments[0]
        return {
            "ablation": first.how,
            "dose": dose(first.how).label,
            "doses": first.doses,
            "seeds": list(first.seeds),
            "rows": [_row(assessment) for assessment in assessments],
            "left_out": self.result.left_out,
            "problems": self.result.problems,
        }

    def answer(self) -> Iterator[str]:
        assessments, witnessed = self.result.assessments, {row.assessment.name for row in self._witnessed}
        first = assessments[0]
        where = f"{capital(dose(first.how).label)} = {first.doses[-1]:g}"
        if len(assessments) == 1:
            yield f"{where}: {_named(first)} {verdict(first)}."
            scores = (f"{SYSTEMS[name]} {c.intact:.2f} to {c.ablated:.2f}" for name, c in first.systems.items())
            yield f"Score: {'; '.join(scores)}."
            yield f"Declared obstruction: {_obstruction(first)}."
            yield "A witness was found." if witnessed else ""
        else:
            for name in ("spiking", "rate"):
                said = [described(j.verdict, j.reason) for j in self._judgements if j.system == name]
                if said:
                    others = Counter(each for each in said if not each.startswith("lost"))
                    more = "".join(f", {n} {what}" for what, n in others.items())
                    yield f"{where}, {name}: {columns.counted(said, 'lost')}{more}."
            lost = [each for each in assessments if "lost" in verdict(each)]
            dynamical = sum(all(judged.obstruction.is_dynamical for judged in each.kinds.values()) for each in lost)
            found = sum(each.name in witnessed for each in lost)
            yield (
                f"Of the {len(lost)} lost, {found} with a witness, {dynamical} with a dynamical obstruction."
                if lost
                else ""
            )

    def tables(self) -> Iterator[Table]:
        assessments, kinds, witnessed = self.result.assessments, self._kinds, self._witnessed
        named = any(each.function for each in assessments)
        shown = (
            Column("circuit", lambda each: spaced(each.name)),
            *([Column("function", lambda each: each.function)] if named else []),
            *_measured(assessments),
            Column("obstruction", _obstruction, note="As the task declares.", on_page_only=True),
        )
        notes, title = tuple(self._notes()), "Circuits and scores"
        yield Table("Functions with and without inhibition", shown, assessments, notes, "table.csv")
        yield from judgements.tables(self._judgements)
        yield Table(title, CIRCUITS, kinds, (), "table.csv", keys=2, on_page_only=True)
        if witnessed:
            title = "Witnesses: trials x ≤ y, no input lower in y at any time, whose output falls"
            yield Table(title, WITNESSED, witnessed, data="witness.csv", keys=2)
        if published := [row for each in assessments for row in _published(each)]:
            yield published_table(published, in_full=False)
        holding = [(each, p) for each, judged in kinds for p in judged.predicted if p.holds.all()]
        if holding:
            limits = [(spaced(each.name), _limit(judged)) for each, judged in kinds]
            notes = [f"Not for {name}: {limit}." for name, limit in limits if limit]
            title = "Mean-field: predicted and simulated rates"
            yield Table(title, MEAN_FIELD, holding, notes, "mean_field.csv", on_page_only=True)

    def _notes(self):
        first = self.result.assessments[0]
        size = f"{count(len(first.doses), 'fraction')} × {count(len(first.seeds), 'seed')}"
        yield f"Ablation: {dose(first.how).label}; {size}."
        if self.result.quick:
            yield (
                "Quick: small versions of the tasks, few fractions and seeds, excitation scaled by "
                f"{count(len(FEW_FACTORS), 'factor')} instead of {len(FACTORS)}, and no mean-field prediction."
            )
        for each, judged in self._kinds:
            if judged.published_neurons > judged.neurons:
                neurons = f"{judged.neurons:,} of the paper's {judged.published_neurons:,} neurons"
                yield f"Smaller: {spaced(each.name)} ({judged.kind}), {neurons}."
            if "dnn" in judged.systems and judged.equivalence_error is None:
                yield f"The DNN of {spaced(each.name)} is that of the rate circuit without its noise."
        for each in self.result.assessments:
            yield from (f"Left out: {spaced(each.name)} ({kind}): {why}." for kind, why in each.left_out.items())
        yield from (f"Left out: {spaced(name)}: {why}." for name, why in self.result.left_out.items())

    @property
    def _judgements(self):
        """Of circuits; a DNN is judged as its rate circuit is, which it equals."""
        curves = (curve for curve in self.result.curves if curve.system != "dnn")
        return [replace(curve.judgement, function=spaced(curve.function)) for curve in curves]

    def figures(self) -> Iterator[Drawing]:
        survey, found = self.result, self._witnessed
        yield from judgements.drawings(self._judgements)
        critical = [
            f"{spaced(each.name)} {curve.critical_dose:.2f} ({SYSTEMS[name]})"
            for each in survey.assessments
            for name, curve in each.systems.items()
            if curve.critical_dose is not None
        ]
        yield Drawing(
            "dose_response.svg",
            "Score against the fraction removed",
            "Mean and range over seeds, by system. Dashed: criterion. Vertical line and thick bar: critical fraction, "
            "with its 95 % interval. Grey: shams (shams.csv), and at the right the compensated full ablation.",
            f"Critical fractions: {', '.join(critical) or 'none'}.",
            "dose_response.csv",
            draw=lambda: figures.dose_responses(survey),
        )
        if curves := self._psychometric:
            ends = (
                f"{CIRCUIT.value(row)} ({row.judged.kind}) {right[0].mean():.2f} and {right[-1].mean():.2f}"
                for row in curves
                for right in [row.judged.psychometric.right]
            )
            yield Drawing(
                "psychometric.svg",
                "Psychometric curves, by the fraction removed",
                "Share of trials with all outputs as required: mean over seeds with its 95 % interval.",
                f"Mean share intact and at the largest fraction: {'; '.join(ends)}.",
                "psychometric.csv",
                draw=lambda: figures.psychometric_curves(curves),
            )
        if found:
            fall, left = _found("fall"), _found("fall_ablated")
            falls = (
                f"{CIRCUIT.value(row)} ({row.judged.kind}) {hertz(fall(row))} and {hertz(left(row))} Hz"
                for row in found
            )
            yield Drawing(
                "witness.svg",
                "Outputs at the two inputs of each witness",
                "Output of the task at the lower input x and at the upper input y ≥ x; shaded where it is lower at y.",
                f"How far the output falls, intact and at the largest fraction: {'; '.join(falls)}.",
                "witness.csv",
                draw=lambda: figures.witnesses([(each, judged.kind, judged.witness) for each, judged in found]),
            )

    def circuits(self) -> Iterator[DrawnCircuit]:
        for each in self.result.assessments:
            if (circuit := next(iter(each.kinds.values())).circuit) is not None:
                yield DrawnCircuit(f"{each.name}_circuit", f"The circuit of {spaced(each.name)}", circuit)

    def proofs(self) -> Iterator[Explanation]:
        yield proof.excitation(MEANING)
        for obstruction, why in REASONS.items():
            names = dict.fromkeys(_named(each) for each, judged in self._kinds if judged.obstruction == obstruction)
            if names:
                yield Explanation(f"{capital(obstruction)}: {', '.join(names)}", (why,))

        yield Explanation("What the best excitatory-only system scores", tuple(self._limits()))

    def _limits(self):
        """Of each circuit and kind, what is known of excitatory-only systems."""
        for each, judged in self._kinds:
            curve = judged.systems[judged.kind]
            known = (
                []
                if curve.attained is None
                else [f"a circuit that was built and simulated scores {curve.attained:.2f}"]
            )
            if curve.bound is not None:
                known.append(f"no more than {curve.bound:.2f} is possible: {judged.proof.rstrip('.')}")
            constant = "unknown" if curve.constant is None else f"{curve.constant:.2f}"
            said = "; ".join(known) or "unknown, so no loss is called provable"
            if curve.bound is None and curve.floor is not None:
                said += f" ({'; '.join(curve.assumptions)})"
            yield f"{capital(spaced(each.name))} ({judged.kind}): {said}. The best constant answer: {constant}."

    def rows(self) -> list[dict]:
        return [
            _line(assessment, judged, name)
            for assessment in self.result.assessments
            for judged in assessment.kinds.values()
            for name in judged.systems
        ]

    def labelled(self) -> tuple[dict, dict]:
        assessments, first = self.result.assessments, self.result.assessments[0]
        shape = (len(assessments), len(SYSTEMS), len(first.doses), len(first.seeds))
        scores, outputs = np.full(shape, np.nan), np.full((2, *shape), np.nan)
        critical = np.full((*shape[:2], shape[3]), np.nan)
        for c, assessment in enumerate(assessments):
            for s, system in enumerate(SYSTEMS):
                if system in assessment.systems:
                    curve = assessment.systems[system]
                    scores[c, s], critical[c, s] = curve.scores, curve.critical_doses
                judged = assessment.kinds.get(system)
                if judged is not None and judged.witness is not None:
                    outputs[:, c, s] = judged.witness.outputs
        lost = "dose at which the function is lost, infinite if it is not"
        at_witness = "output of the task at the witness's two inputs"
        variables = {
            "score": array("circuit system dose seed", scores, "score of the task"),
            "critical_dose": array("circuit system seed", critical, lost),
            "witness_output": array("witness circuit system dose seed", outputs, at_witness),
        }
        coordinates = names(circuit=[each.name for each in assessments]) | {
            "function": (("circuit",), np.array([each.function for each in assessments]), {}),
            **names(system=list(SYSTEMS), witness=["lower", "upper"]),
            "dose": array("dose", first.doses, dose(first.how).label),
            "seed": array("seed", np.array(first.seeds, dtype=float), "seed"),
        }
        return variables, coordinates

    def files(self) -> Iterator[tuple[str, str]]:
        lines = [
            (a.function, a.name, system, float(of), seed, float(score), curve.level, _finite(critical))
            for a in self.result.assessments
            for system, curve in a.systems.items()
            for of, scores in zip(a.doses, curve.scores, strict=True)
            for seed, score, critical in zip(a.seeds, scores, curve.critical_doses, strict=True)
        ]
        names = ("function", "circuit", "system", "dose", "seed", "score", "criterion", "critical_dose")
        yield from judgements.files([curve.judgement for curve in self.result.curves])
        yield "dose_response.csv", to_csv(lines, names)
        lines = [
            (a.function, a.name, judged.kind, float(of), seed, float(lower), float(upper))
            for a, judged in self._witnessed
            for of, outputs in zip(a.doses, zip(*judged.witness.outputs, strict=True), strict=True)
            for seed, lower, upper in zip(a.seeds, *outputs, strict=True)
        ]
        names = ("function", "circuit", "kind", "dose", "seed", "output_at_lower_hz", "output_at_upper_hz")
        if lines:
            yield "witness.csv", to_csv(lines, names)
        lines = [
            (a.name, judged.kind, float(of), judged.psychometric.level, float(level), e.mean, e.low, e.high)
            for a, judged in self._psychometric
            for d, of in enumerate(a.doses)
            for k, level in enumerate(judged.psychometric.levels)
            for e in [judged.psychometric.estimate(d, k)]
        ]
        names = ("circuit", "kind", "dose", "level_name", "level", "right_mean", "right_low", "right_high")
        if lines:
            yield "psychometric.csv", to_csv(lines, names)
        lines = [
            (a.name, p.population, k, *map(_finite, numbers), bool(holds), note)
            for a, judged in self._kinds
            for p in judged.predicted
            for k, (*numbers, holds, note) in enumerate(
                zip(p.predicted, p.simulated, p.modulation, p.holds, p.note, strict=True)
            )
        ]
        names = ("circuit", "population", "trial", "predicted_hz", "simulated_hz", "modulation", "holds", "note")
        if lines:
            yield "mean_field.csv", to_csv(lines, names)


def _line(assessment, judged, system):
    """One circuit and system as a row without nesting."""
    curve, witness = judged.systems[system], _witness(judged.witness) if judged.witness else {}
    critical = _critical(curve)
    return {
        "function": assessment.function,
        "circuit": assessment.name,
        "system": system,
        "neurons": judged.neurons,
        "score_intact": curve.intact,
        "score_ablated": curve.ablated,
        "criterion": curve.level,
        **{f"critical_dose_{key}": critical[key] for key in ("median", "low", "high")},
        "verdict": curve.verdict,
        "obstruction": str(judged.obstruction),
        **{f"witness_{key}": witness.get(key) for key in ("fall", "standard_errors", "fall_ablated")},
        "measure": judged.measure,
    }


def _limit(judged):
    """Why the mean-field does not apply to a circuit, or to some of its populations; "" where it does."""
    failing = [p for p in judged.predicted if not p.holds.all()]
    notes = [note.split("; predicted")[0] for p in failing for note in p.note if note]
    if judged.unpredicted or not notes:
        return judged.unpredicted
    telling = min(notes, key=lambda note: "synchronous" not in note)
    return f"{', '.join(p.population for p in failing)}: {telling}"


def _view_of_one(assessment: Assessment) -> SurveyView:
    return SurveyView(Survey((assessment,)))


def _judged_html(judged: Judged) -> str:
    table = Table("", (Column("kind", lambda judged: judged.kind), *_measured([judged])), [judged])
    said = f"Score: {judged.measure}. Declared obstruction: {judged.obstruction}."
    title = f"{judged.kind} circuit of {count(judged.neurons, 'neuron')}"
    return html_box(title, html_table(table), sentences(said, *judged.problems))


def _curve_html(curve: AblationCurve) -> str:
    parts = (("mean", np.mean), ("lowest", np.min), ("highest", np.max))
    scores = [Column(name, lambda row, of=of: of(row[1]), decimals=OF_ONE) for name, of in parts]
    rows = list(zip(curve.doses, curve.scores, strict=True))
    table = Table("Score over seeds", (Column("fraction", lambda row: row[0]), *scores), rows)
    said = f"At the largest fraction: {curve.verdict}; criterion {curve.level:g}."
    return html_box("Score against the fraction removed", html_table(table), sentences(said))


show_with(
    Survey,
    SurveyView,
    plot=drawn_by(figures.critical_fractions, lambda survey: (DOUBLE, 0.9 + 0.35 * len(survey.assessments))),
)
show_with(
    Assessment,
    _view_of_one,
    plot=drawn_by(partial(figures.dose_response, with_legend=True), (DOUBLE, 2.6)),
    text=lambda assessment: as_text(_view_of_one(assessment).terminal()),
)
register(Judged, html=_judged_html)
register(AblationCurve, html=_curve_html)
