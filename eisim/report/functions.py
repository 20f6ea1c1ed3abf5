"""What neuroscientists' functions owe to inhibition: JSON, terminal table, CSV, labelled arrays."""

import io
import re
from collections.abc import Iterator

import numpy as np
import pandas
from rich.console import Console, Group

from eisim.ablation import dose
from eisim.base.files import frame_to_csv, to_csv
from eisim.circuit import Circuit
from eisim.report import published
from eisim.report.numbers import hertz
from eisim.report.terminal import titled_table
from eisim.report.wording import count, listing
from eisim.studies.curves import AblationCurve
from eisim.studies.tasks import Assessment, Judged, Survey, Witness

SYSTEMS = {"spiking": "spiking", "rate": "rate", "dnn": "DNN"}
#: Inputs that a witness raises are named one by one up to so many.
NAMED_INPUTS = 3


def document(survey: Survey) -> dict:
    """The result as a JSON object."""
    first = survey.assessments[0]
    return {
        "ablation": first.how,
        "dose": dose(first.how).label,
        "doses": first.doses,
        "seeds": list(first.seeds),
        "rows": [_row(assessment) for assessment in survey.assessments],
        "left_out": survey.left_out,
        "problems": survey.problems,
    }


def _row(assessment):
    systems, kinds = assessment.systems, assessment.kinds
    errors = {"rate": kinds["rate"].equivalence_error} if "dnn" in systems else {}
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
        "equivalence_error": errors,
        "obstruction": {kind: str(judged.obstruction) for kind, judged in kinds.items()},
        "witness": {kind: _witness(judged.witness) for kind, judged in kinds.items()},
        "verdicts": {name: curve.verdict for name, curve in systems.items()},
        "verdict": assessment.verdict,
        "neurons": {kind: judged.neurons for kind, judged in kinds.items()},
        "published_neurons": {kind: judged.published_neurons or judged.neurons for kind, judged in kinds.items()},
        "published": [
            {"what": fact.what, "published": fact.published, "ours": ours, "this_run": run, "source": fact.source}
            for fact, ours, run in published.rows(assessment)
        ],
        "mean_field": _mean_field(kinds.get("spiking")),
        "left_out": assessment.left_out,
    }


def _mean_field(judged):
    """Rates that the mean-field predicts beside the simulated ones, by population and trial, in Hz."""
    if judged is None:
        return None
    return {
        "populations": {
            p.population: {"predicted": p.predicted, "simulated": p.simulated, "holds": p.holds, "notes": list(p.note)}
            for p in judged.predicted
        },
        "problem": judged.unpredicted,
    }


def mean_field_limits(judged) -> str:
    """Why the mean-field does not apply to a spiking circuit, or to some of its populations; "" where it does."""
    if judged.unpredicted:
        return judged.unpredicted
    failing = [p for p in judged.predicted if not p.holds.all()]
    if not failing:
        return ""
    notes = [note for p in failing for note in p.note if note]
    telling = [note for note in notes if "synchronous" in note] or notes
    populations = listing(p.population for p in failing)
    return f"{populations}: {telling[0].split('; predicted')[0]}" if telling else populations


def _critical(curve):
    found = [_finite(dose) for dose in curve.critical_doses]
    return {
        "median": curve.critical_dose,
        "low": _finite(curve.critical_doses.min()),
        "high": _finite(curve.critical_doses.max()),
        "by_seed": found,
    }


def _finite(number):
    return float(number) if number is not None and np.isfinite(number) else None


def _witness(witness: Witness | None):
    if witness is None:
        return None
    return {
        "trials": list(witness.trials),
        "inputs": list(witness.inputs),
        "stimuli": list(witness.stimuli),
        "outputs": [float(output[0].mean()) for output in witness.outputs],
        "fall": witness.fall,
        "standard_errors": _finite(witness.standard_errors),
        "seeds_agree": witness.standard_errors == np.inf,
        "fall_ablated": float(witness.falls[-1].mean()),
    }


def _input_words(name):
    """``"cue[6]"``, which counts from 0, in words that count from 1."""
    return re.sub(r"^(.*)\[(\d+)\]$", lambda m: f"{m[1]} number {int(m[2]) + 1}", name)


def explained(judged: Judged) -> str:
    """Which two trials the witness compares and by what, and why an excitatory-only circuit cannot do the same."""
    x, y = (k + 1 for k in judged.witness.trials)
    output = f" The output: {judged.output}" if judged.output else ""
    return (
        f"The witness compares trials {x} and {y} of the task, counted from 1. At every moment each input of trial "
        f"{y} is at least what it is in trial {x}, so an excitatory-only circuit could only raise the output, a rate; "
        f"but it falls.{output}"
    )


def words(witness: Witness) -> str:
    """A witness as a sentence."""
    lower, upper = witness.stimuli
    raised = np.flatnonzero(upper > lower)
    if not raised.size:
        what = "moving its input in time"
    elif raised.size > NAMED_INPUTS:
        what = f"raising {raised.size} of {lower.size} inputs"
    else:
        what = "raising " + ", ".join(
            f"{_input_words(witness.inputs[k])} from {lower[k]:.3g} to {upper[k]:.3g}" for k in raised
        )
    before, after = (float(output[0].mean()) for output in witness.outputs)
    text = f"{what} takes the output from {hertz(before)} to {hertz(after)} Hz"
    errors = witness.standard_errors
    if errors is None:
        return text
    return f"{text}, " + (
        f"{errors:.{0 if errors > 10 else 1}f} standard errors" if np.isfinite(errors) else "the same for all seeds"
    )


def terminal_table(survey: Survey) -> Group:
    """The one table, and the witnesses."""
    first = survey.assessments[0]
    size = f"{count(len(first.doses), 'dose')} × {count(len(first.seeds), 'seed')}"
    table = titled_table(f"Ablation: {dose(first.how).label}; {size}")
    for heading in ("function", "circuit", "system", "intact", "ablated", "critical dose", "verdict", "obstruction"):
        number = heading in ("intact", "ablated")
        table.add_column(
            heading, justify="right" if number else "left", no_wrap=heading not in ("circuit", "obstruction")
        )
    for assessment in survey.assessments:
        table.add_row(*_cells(assessment))
    facts = published.terminal_table(survey.assessments[0]) if len(survey.assessments) == 1 else None
    return Group(table, *_notes(survey), *([facts] if facts is not None else []))


def plain_table(assessments: list[Assessment], width: int = 120) -> str:
    """The terminal's table as text without colours."""
    text = io.StringIO()
    Console(file=text, width=width, color_system=None).print(
        terminal_table(Survey(tuple(assessments))), highlight=False
    )
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines())


def _cells(assessment):
    curves = assessment.systems
    obstructions = list(dict.fromkeys(str(judged.obstruction) for judged in assessment.kinds.values()))
    columns = (
        [SYSTEMS[name] for name in curves],
        [f"{curve.intact:.2f}" for curve in curves.values()],
        [f"{curve.ablated:.2f}" for curve in curves.values()],
        [_dose_text(curve) for curve in curves.values()],
        [curve.verdict for curve in curves.values()],
    )
    return (
        assessment.function,
        spaced(assessment.name),
        *("\n".join(c) for c in columns),
        "; ".join(obstructions),
    )


def _dose_text(curve: AblationCurve) -> str:
    """Median and range over seeds."""
    found, last = curve.critical_doses, curve.doses[-1]

    def text(number):
        return f"{number:.2f}" if np.isfinite(number) else f">{last:g}"

    if np.isinf(found).all():
        return "none"
    middle = text(np.median(found))
    return middle if np.ptp(found) < 0.005 else f"{middle} ({text(found.min())}–{text(found.max())})"


def _notes(survey):
    yield "score: 1 does the task wholly, 0 not at all; mean over seeds; ablated is at the largest dose."
    yield "critical dose: where the score first falls below the task's criterion; median (range) over seeds."
    found = witnessed(survey)
    if len(survey.assessments) == 1:
        for assessment, kind, witness in found:
            yield f"Witness of {spaced(assessment.name)} ({kind}): {words(witness)}."
    elif found:
        names = listing(dict.fromkeys(spaced(assessment.name) for assessment, _, _ in found))
        yield f"Witnesses were found for {names}; the page has them in words."
    yield from published.sizes(survey.assessments)
    yield from left_out(survey)


def left_out(survey: Survey) -> Iterator[str]:
    """What is missing, and of what circuit the DNN is, in sentences."""
    for assessment in survey.assessments:
        name = spaced(assessment.name)
        for kind, reason in assessment.left_out.items():
            yield f"Left out: {name} ({kind}): {reason}."
        if "dnn" in assessment.systems and assessment.kinds["rate"].equivalence_error is None:
            yield f"The DNN of {name} is that of the rate circuit without its noise."
    for name, reason in survey.left_out.items():
        yield f"Left out: {spaced(name)}: {reason}."


def spaced(name: str) -> str:
    """The name of a model as people write it."""
    return name.replace("_", " ")


def frame(survey: Survey) -> pandas.DataFrame:
    """One row for each circuit and system."""
    lines = []
    for assessment in survey.assessments:
        for judged in assessment.kinds.values():
            witness = _witness(judged.witness) or {}
            for name, curve in judged.systems.items():
                critical = _critical(curve)
                lines.append(
                    {
                        "function": assessment.function,
                        "circuit": assessment.name,
                        "system": name,
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
                )
    return pandas.DataFrame(lines)


def csv_table(survey: Survey) -> str:
    """One line for each circuit and system."""
    return frame_to_csv(frame(survey))


def mean_field_table(survey: Survey) -> str:
    """One line for each spiking circuit, population and trial: predicted and simulated rate."""
    lines = [
        {
            "circuit": assessment.name,
            "population": p.population,
            "trial": k,
            "predicted_hz": p.predicted[k],
            "simulated_hz": p.simulated[k],
            "modulation": p.modulation[k],
            "holds": bool(p.holds[k]),
            "note": p.note[k],
        }
        for assessment in survey.assessments
        for judged in assessment.kinds.values()
        for p in judged.predicted
        for k in range(len(p.predicted))
    ]
    return frame_to_csv(pandas.DataFrame(lines))


def doses_table(survey: Survey) -> str:
    """CSV behind the dose responses: a line for each circuit, system, dose and seed."""
    columns = ("function", "circuit", "system", "dose", "seed", "score", "criterion", "critical_dose")
    lines = [
        (a.function, a.name, system, float(a.doses[d]), a.seeds[s], float(score), curve.level, _finite(critical))
        for a in survey.assessments
        for system, curve in a.systems.items()
        for d, scores in enumerate(curve.scores)
        for s, (score, critical) in enumerate(zip(scores, curve.critical_doses, strict=True))
    ]
    return to_csv(lines, columns)


def witnesses_table(survey: Survey) -> str:
    """CSV behind the witnesses: outputs at both inputs, a line for each circuit, kind, dose and seed."""
    columns = ("function", "circuit", "kind", "dose", "seed", "output_at_lower_hz", "output_at_upper_hz")
    lines = [
        (a.function, a.name, kind, float(a.doses[d]), seed, float(lower), float(upper))
        for a, kind, witness in witnessed(survey)
        for d, outputs in enumerate(zip(*witness.outputs, strict=True))
        for seed, lower, upper in zip(a.seeds, *outputs, strict=True)
    ]
    return to_csv(lines, columns)


def witnessed(survey: Survey) -> list[tuple[Assessment, str, Witness]]:
    """The witnesses that were found: assessment, kind and witness."""
    return [
        (assessment, kind, judged.witness)
        for assessment in survey.assessments
        for kind, judged in assessment.kinds.items()
        if judged.witness is not None
    ]


def circuits(survey: Survey) -> dict[str, Circuit]:
    """The intact circuits that are drawn, of the first kind of each assessment, by its name."""
    first = {assessment.name: next(iter(assessment.kinds.values())).circuit for assessment in survey.assessments}
    return {name: circuit for name, circuit in first.items() if circuit is not None}


def labelled(survey: Survey) -> tuple[dict, dict]:
    """Scores, critical doses and the outputs of witnesses as labelled arrays: variables and coordinates."""
    first = survey.assessments[0]
    shape = (len(survey.assessments), len(SYSTEMS), len(first.doses), len(first.seeds))
    scores, critical = np.full(shape, np.nan), np.full((*shape[:2], shape[3]), np.nan)
    outputs = np.full((2, *shape), np.nan)
    for c, assessment in enumerate(survey.assessments):
        for s, system in enumerate(SYSTEMS):
            if system in assessment.systems:
                curve = assessment.systems[system]
                scores[c, s], critical[c, s] = curve.scores, curve.critical_doses
            judged = assessment.kinds.get(system)
            if judged is not None and judged.witness is not None:
                outputs[:, c, s] = judged.witness.outputs
    circuits = np.array([a.name for a in survey.assessments])
    functions = np.array([a.function for a in survey.assessments])
    axes = ("circuit", "system", "dose", "seed")
    variables = {
        "score": (axes, scores, {"units": "1", "long_name": "score of the task"}),
        "critical_dose": (
            ("circuit", "system", "seed"),
            critical,
            {"units": "1", "long_name": "dose at which the function is lost, infinite if it is not"},
        ),
        "witness_output": (
            ("witness", *axes),
            outputs,
            {"units": "1", "long_name": "output of the task at the witness's two inputs"},
        ),
    }
    coordinates = {
        "circuit": (("circuit",), circuits, {}),
        "function": (("circuit",), functions, {}),
        "system": (("system",), np.array(list(SYSTEMS)), {}),
        "dose": (("dose",), first.doses, {"units": "1", "long_name": dose(first.how).label}),
        "seed": (("seed",), np.array(first.seeds, dtype=float), {"units": "1", "long_name": "seed"}),
        "witness": (("witness",), np.array(["lower", "upper"]), {}),
    }
    return variables, coordinates


def dataset(survey: Survey):
    """`labelled` as an `xarray.Dataset`."""
    import xarray as xr

    return xr.Dataset(*labelled(survey))
