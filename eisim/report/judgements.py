"""How judgements are shown: as data, as a table, and what losses consist of, as one figure."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from eisim.analysis.statistics import Estimate
from eisim.base.files import to_csv
from eisim.report.numbers import OF_ONE, number
from eisim.report.style import DOUBLE, TALLEST, Axes, Figure, new_figure
from eisim.report.table import Column, Table
from eisim.report.view import Drawing
from eisim.report.wording import count
from eisim.studies.curves import described
from eisim.studies.judgement import LOST, NOT_EXAMINED, PARTS, PROVABLE, READOUT, RUNAWAY, UNRESOLVED, WIRING, Judgement

SHAMS = ("sham_excitation", "sham_random")
CONTROLS = ("refitted", "compensated", *SHAMS)
SYSTEMS = {
    "spiking": "spiking",
    "spiking_noisy": "spiking with noise",
    "spiking_dnn": "f–I approximation, spiking",
    "rate": "rate",
    "rate_dnn": "f–I approximation, rate",
    "dnn": "DNN",
}
#: What a part of a loss, and the reason of that name, means.
MEANINGS = {
    READOUT: "brought back by re-fitting the readout's threshold",
    RUNAWAY: "brought back by scaling excitation down",
    WIRING: "not brought back, but another excitatory-only system scores it",
    UNRESOLVED: "neither surely brought back nor proved to be out of reach",
    PROVABLE: "above what any excitatory-only system can score",
    NOT_EXAMINED: "controls were off",
}
COLOURS = {READOUT: "#9ecae1", RUNAWAY: "#fdae6b", WIRING: "#a1d99b", UNRESOLVED: "#eeeeee", PROVABLE: "#6a51a3"}
REMAINS = "#555555"
#: Most bars of the figure; of more, the first are drawn.
MOST_BARS = 60


def record(judgement: Judgement) -> dict:
    """One judgement as a JSON object."""
    controls, critical = judgement.controls, judgement.critical
    conditions = {name: _estimate(judgement.condition(name)) for name in CONTROLS}
    if conditions["refitted"] and controls.intact_refitted is not None:
        conditions["refitted"]["intact"] = float(np.mean(controls.intact_refitted))
    if conditions["sham_random"] and controls.taken:
        conditions["sham_random"] |= dict(zip(("synapses", "share_of_weight"), controls.taken, strict=True))
    if conditions["compensated"]:
        conditions["compensated"] |= {"scale": controls.scale, "scaled": controls.scaled, "rate": controls.rate}
    return {
        "function": judgement.function,
        "system": judgement.system,
        "criterion": judgement.criterion,
        "constant": judgement.constant,
        "best_excitatory": {"attained": judgement.attained, "bound": judgement.bound},
        "intact": _estimate(judgement.intact),
        "ablated": _estimate(judgement.ablated),
        **conditions,
        "partial_shams": [
            {"fraction": each.fraction}
            | {name: _estimate(dict(judgement.sham_curve(name)).get(each.fraction)) for name in SHAMS}
            for each in (controls.partial if controls else ())
        ],
        "parts": judgement.parts,
        "critical_fraction": {"value": critical.value, "low": critical.low, "high": critical.high},
        "specific": judgement.is_specific,
        "verdict": judgement.verdict,
        "reason": judgement.reason,
        "assumes": list(judgement.assumes),
    }


def _estimate(score: Estimate | None) -> dict | None:
    return None if score is None else {"mean": score.mean, "low": score.low, "high": score.high}


def _interval(score: Estimate | None) -> str | None:
    """A score with its interval: ``"0.75 (0.70–0.80)"``."""
    if score is None:
        return None
    mean = number(score.mean, OF_ONE)
    return mean if score.low is None else f"{mean} ({number(score.low, OF_ONE)}–{number(score.high, OF_ONE)})"


def _best_excitatory(judgement) -> str | None:
    """What excitatory-only systems score: ``"0.75, proved at most 0.75"``."""
    parts = [] if judgement.attained is None else [number(judgement.attained, OF_ONE)]
    parts += [] if judgement.bound is None else [f"at most {number(judgement.bound, OF_ONE)}"]
    return ", ".join(parts) or "unknown"


def _condition(name):
    return lambda judgement: _interval(judgement.condition(name))


def _scale(judgement):
    return None if judgement.controls is None else judgement.controls.scale


def table(judgements: Sequence[Judgement]) -> Table:
    """Every judgement with the conditions that it rests on."""
    columns = (
        Column("function", lambda j: j.function),
        Column("system", lambda j: SYSTEMS.get(j.system, j.system)),
        Column("verdict", lambda j: described(j.verdict, j.reason), "verdict", note=_reasons(judgements)),
        Column("intact", lambda j: _interval(j.intact), note="Score with its 95 % interval over seeds, if any."),
        Column("ablated", lambda j: _interval(j.ablated)),
        Column("re-fitted", _condition("refitted"), note="With the best threshold of the readout.", on_page_only=True),
        Column("compensated", _condition("compensated"), note="With excitation scaled to fit.", on_page_only=True),
        Column("scale", _scale, note="That factor.", decimals=OF_ONE, on_page_only=True),
        Column(
            "excitatory-only",
            _best_excitatory,
            note="Score of a circuit that was built and simulated, and what is proved of all.",
        ),
        Column("sham, excitation", _condition("sham_excitation"), note=SHAM_EXCITATION, on_page_only=True),
        Column("sham, random", _condition("sham_random"), note=SHAM_RANDOM, on_page_only=True),
        Column(
            "specific",
            lambda j: {True: "yes", False: "no", None: None}[j.is_specific],
            note="Whether both shams keep the function.",
            on_page_only=True,
        ),
        Column("critical fraction", lambda j: j.critical.value, decimals=OF_ONE, on_page_only=True),
        *(
            Column(f"loss: {part}", lambda j, p=part: (j.parts or {}).get(p), decimals=OF_ONE, on_page_only=True)
            for part in PARTS
        ),
    )
    rows = [each for each in judgements if each.verdict == LOST]
    return Table("What the losses consist of", columns, rows, data="losses.csv", keys=2)


SHAM_EXCITATION = "As much summed weight taken from excitation between populations."
SHAM_RANDOM = "As much summed weight taken from random synapses between populations."


def _reasons(judgements) -> str:
    found = {each.reason: None for each in judgements if each.reason}
    said = "; ".join(f"{reason}: {MEANINGS[reason]}" for reason in MEANINGS if reason in found)
    return f"{said[:1].upper()}{said[1:]}." if said else ""


def tables(judgements: Sequence[Judgement], on_page_only: bool = False) -> list[Table]:
    """The table, if anything is lost."""
    found = replace(table(judgements), on_page_only=on_page_only)
    return [found] if found.rows else []


def csv(judgements: Sequence[Judgement]) -> str:
    """Every judgement in full, a line each."""
    ends = ("mean", "low", "high")
    conditions = ("intact", "ablated", *CONTROLS)
    lines = []
    for each in judgements:
        found = record(each)
        scores = [(found[name] or {}).get(end) for name in conditions for end in ends]
        best, critical = found["best_excitatory"], found["critical_fraction"]
        parts = [(found["parts"] or {}).get(part) for part in PARTS]
        scale = (found["compensated"] or {}).get("scale")
        lines.append(
            (
                *(found[key] for key in ("function", "system", "verdict", "reason", "criterion", "constant")),
                *(best["attained"], best["bound"], *scores, scale, *parts),
                *(critical["value"], critical["low"], critical["high"], found["specific"]),
                "; ".join(found["assumes"]),
            )
        )
    names = (
        *("function", "system", "verdict", "reason", "criterion", "constant"),
        *("attained_excitatory_only", "bound_excitatory_only"),
        *(f"{name}_{end}" for name in conditions for end in ends),
        *("compensated_scale", *(f"loss_{part}" for part in PARTS)),
        *("critical_fraction", "critical_fraction_low", "critical_fraction_high", "specific", "assumes"),
    )
    return to_csv(lines, names)


def files(judgements: Sequence[Judgement]) -> Iterator[tuple[str, str]]:
    """The judgements in full, and the curves of shams, if there are any: pairs of file name and text."""
    yield "losses.csv", csv(judgements)
    lines = [
        (each.function, each.system, name, fraction, score.mean, score.low, score.high)
        for each in judgements
        for name in SHAMS
        if each.condition(name) is not None
        for fraction, score in (*each.sham_curve(name), (1.0, each.condition(name)))
    ]
    if lines:
        yield "shams.csv", to_csv(lines, ("function", "system", "control", "fraction", "mean", "low", "high"))


def drawings(judgements: Sequence[Judgement]) -> list[Drawing]:
    """The figure of what the losses consist of, if anything is lost and was examined."""
    lost = [each for each in judgements if each.verdict == LOST and each.parts is not None]
    if not lost:
        return []
    reasons = [reason for reason in MEANINGS if any(each.reason == reason for each in lost)]
    counted = ", ".join(f"{reason} {sum(each.reason == reason for each in lost)}" for reason in reasons)
    more = f" The first {MOST_BARS} of {len(lost)}." if len(lost) > MOST_BARS else ""
    words = (
        "What is left under full ablation (grey), and the parts of the loss up to the intact score. Line: criterion. "
        + " ".join(f"{part.capitalize()}: {MEANINGS[part]}." for part in PARTS)
        + more
    )
    alt = f"Of {count(len(lost), 'loss', 'losses')}, by reason: {counted}."
    title = "What the losses consist of"
    return [Drawing("losses.svg", title, words, alt, "losses.csv", draw=lambda: figure(lost[:MOST_BARS]))]


def figure(lost: Sequence[Judgement]) -> Figure:
    """A bar for each loss: what is left, and the parts of what is not."""
    height = min(0.85 + 0.2 * len(lost), TALLEST)
    found = new_figure(DOUBLE, height, "constrained")
    ax = found.subplots()
    stack(ax, lost)
    handles, labels = ax.get_legend_handles_labels()
    found.legend(handles, labels, loc="outside upper center", ncols=6, handlelength=1, columnspacing=1.2)
    return found


def stack(ax: Axes, lost: Sequence[Judgement]) -> None:
    """Draw the bars."""
    y = np.arange(len(lost))
    left = np.array([min(each.ablated.mean, each.intact.mean) for each in lost])
    ax.barh(y, left, 0.72, color=REMAINS, label="left")
    for part in PARTS:
        widths = np.array([max(0.0, each.parts[part]) for each in lost])
        ax.barh(y, widths, 0.72, left, color=COLOURS[part], edgecolor="#999999", linewidth=0.4, label=part)
        left = left + widths
    for k, each in enumerate(lost):
        ax.plot([each.criterion] * 2, [k - 0.42, k + 0.42], color="black", lw=1.2)
    firsts = [k for k, each in enumerate(lost) if not k or each.function != lost[k - 1].function]
    for k in firsts[1:]:
        ax.axhline(k - 0.5, color="#cccccc", lw=0.4)
    names = [
        f"{each.function if k in firsts else ''}  {SYSTEMS.get(each.system, each.system)}"
        for k, each in enumerate(lost)
    ]
    ax.set_yticks(y, names, fontsize=7 if len(lost) < 36 else 5)
    ax.tick_params(axis="y", length=0)
    ax.set(
        xlim=(0, 1.02),
        ylim=(len(lost) - 0.4, -0.6),
        xlabel="score (1: fully performed)",
        ylabel="system" if len(lost) < 6 else "function and system",
    )


GREY = "#777777"
#: How what controls score is drawn beside an ablation curve.
MARKS = {
    "refitted": ("re-fitted", "^", "none"),
    "compensated": ("compensated", "v", "none"),
    "sham_excitation": ("sham: excitation", "x", ":"),
    "sham_random": ("sham: random", "+", "-"),
}


def mark_controls(ax: Axes, judgement: Judgement, labelled: bool = True, at: float = 1.0) -> None:
    """Draw in grey what the controls score: shams as curves, the others right of the full ablation."""
    for k, (name, (label, marker, line)) in enumerate(MARKS.items()):
        score = judgement.condition(name)
        if score is None:
            continue
        curve = [(at + 0.05 * (k + 1), score)]
        if name in SHAMS:
            curve = [(0.0, judgement.intact), *judgement.sham_curve(name), (at, score)]
        style = {"marker": marker, "ms": 3.5, "mew": 0.8, "lw": 0.6, "ls": line, "color": GREY, "mfc": "none"}
        x, y = [place for place, _ in curve], [each.mean for _, each in curve]
        ax.plot(x, y, clip_on=False, zorder=1.5, label=label if labelled else None, **style)
        for place, each in curve[name in SHAMS :]:
            if each.low is not None and each.high > each.low:
                ax.plot([place] * 2, [each.low, each.high], color=GREY, lw=0.6, clip_on=False)
