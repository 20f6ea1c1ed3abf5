"""How values show themselves in a notebook: small tables in HTML, which need nothing but themselves.

Colours are set together with their background, and all else takes the colours of the notebook, light or dark.
"""

from collections.abc import Sequence
from functools import singledispatch
from html import escape

from eisim.studies.networks import NetworkAblation
from eisim.studies.tasks.result import Assessment, DoseResponse, Judged, Survey

#: Rows of a table that are shown; of longer ones the rest is counted.
ROWS = 12
VERDICTS = {"kept": ("✓", "#1a7f37"), "lost": ("✗", "#a40e26"), "never had": ("–", "#57606a")}


class Html(str):
    """Text that is HTML already."""


@singledispatch
def html(value) -> str:
    """A value of eisim as HTML.

    Parameters
    ----------
    value : DoseResponse, Judged, Assessment, Survey or NetworkAblation

    Returns
    -------
    str
        Self-contained, with what the value holds escaped.
    """
    return f"<pre>{escape(repr(value))}</pre>"


def _box(title: str, *parts: str) -> str:
    """A heading and what stands below it."""
    style = "max-width: 60em; line-height: 1.4; overflow-x: auto"
    return f'<div style="{style}"><div><strong>{escape(title)}</strong></div>{"".join(filter(None, parts))}</div>'


def _text(*sentences: str) -> str:
    return "".join(f'<div style="margin: 0.2em 0">{_cell(sentence)}</div>' for sentence in sentences if sentence)


def _cell(value) -> str:
    return value if isinstance(value, Html) else escape(str(value))


def _table(caption: str, headings: Sequence[str], rows: Sequence[Sequence], total: int | None = None) -> str:
    """A table; numbers stand to the right, and rows beyond `ROWS`, of a total that need not be given, are counted."""
    total = len(rows) if total is None else total
    if not total:
        return ""

    sides = ["right" if _is_number(cell) else "left" for cell in rows[0]]

    def row(cells, tag):
        return "<tr>" + "".join(_aligned(*each, tag) for each in zip(cells, sides, strict=True)) + "</tr>"

    body = "".join(row(cells, "td") for cells in rows[:ROWS])
    if total > ROWS:
        more = f"and {total - ROWS:,} more"
        body += f'<tr><td colspan="{len(headings)}" style="text-align: left">{more}</td></tr>'
    style = "text-align: left; caption-side: top; color: inherit; padding: 0.3em 0; white-space: nowrap"
    head = f'<caption style="{style}">{escape(caption)}</caption>' if caption else ""
    return f"<table>{head}<thead>{row(headings, 'th')}</thead><tbody>{body}</tbody></table>"


def _is_number(cell):
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _aligned(cell, side, tag):
    scope = ' scope="col"' if tag == "th" else ""
    return f'<{tag}{scope} style="text-align: {side}">{_cell(cell)}</{tag}>'


def _badge(text: str, colour: str, ink: str = "#fff") -> Html:
    style = f"background: {colour}; color: {ink}; border-radius: 0.3em; padding: 0 0.4em; white-space: nowrap"
    return Html(f'<span style="{style}">{escape(text)}</span>')


def _verdict(verdict: str) -> Html | str:
    """By symbol, word and colour."""
    if verdict not in VERDICTS:
        return verdict
    symbol, colour = VERDICTS[verdict]
    return _badge(f"{symbol} {verdict}", colour)


def _count(n: int, thing: str) -> str:
    return f"{n:,} {thing}{'' if n == 1 else 's'}"


def _left_out(reasons: dict[str, str]) -> list[str]:
    return [f"Left out: {name}: {reason}" for name, reason in reasons.items()]


@html.register
def _(curve: DoseResponse) -> str:
    rows = [
        (f"{dose:g}", f"{scores.mean():.3f}", f"{scores.min():.3f}", f"{scores.max():.3f}")
        for dose, scores in zip(curve.doses, curve.scores, strict=True)
    ]
    seeds = _count(curve.scores.shape[1], "seed")
    return _box(
        "Dose response",
        _text(Html(f"{_verdict(curve.verdict)} at the largest dose; kept is a score of at least {curve.criterion:g}.")),
        _table(f"Score by dose of ablation, over {seeds}", ("dose", "mean", "lowest", "highest"), rows),
    )


@html.register
def _(judged: Judged) -> str:
    return _box(
        f"{judged.kind} circuit of {_count(judged.neurons, 'neuron')}",
        _text(f"Score: {judged.measure}."),
        _systems({judged.kind: judged}),
        _text(*_remarks({judged.kind: judged})),
    )


@html.register
def _(assessment: Assessment) -> str:
    from eisim.ablation import dose

    done = f" ({assessment.function})" if assessment.function else ""
    return _box(
        f"{assessment.name}{done}: {dose(assessment.how).label}",
        _systems(assessment.kinds),
        _text(*_remarks(assessment.kinds), *_left_out(assessment.left_out)),
    )


def _systems(kinds):
    rows = [
        (
            "DNN" if name == "dnn" else name,
            f"{curve.intact:.3f}",
            f"{curve.ablated:.3f}",
            f"{curve.criterion:g}",
            "none" if curve.critical_dose is None else f"{curve.critical_dose:.2f}",
            _verdict(curve.verdict),
            str(judged.obstruction),
        )
        for judged in kinds.values()
        for name, curve in judged.systems.items()
    ]
    headings = ("system", "score intact", "ablated", "criterion", "critical dose", "verdict", "obstruction")
    return _table("", headings, rows)


def _remarks(kinds):
    from eisim.report.functions import words

    for kind, judged in kinds.items():
        if judged.witness is not None:
            yield f"Witness ({kind}): {words(judged.witness)}."
        for problem in judged.problems:
            yield f"Problem ({kind}): {problem}"


@html.register
def _(survey: Survey) -> str:
    rows = [
        (
            each.function,
            each.name,
            "DNN" if name == "dnn" else name,
            f"{curve.intact:.3f}",
            f"{curve.ablated:.3f}",
            _verdict(curve.verdict),
        )
        for each in survey.assessments
        for name, curve in each.systems.items()
    ]
    return _box(
        f"Survey of {_count(len(survey.assessments), 'circuit')}",
        _table("", ("function", "circuit", "system", "score intact", "ablated", "verdict"), rows),
        _text(*_left_out(survey.left_out), *survey.problems),
    )


@html.register
def _(result: NetworkAblation) -> str:
    from eisim.report.network import rows as classes

    rows = [
        (
            f"{row['class']:g}",
            row["rows"],
            f"{row['intact']:.3f}",
            f"{row['ablated']:.3f}",
            _verdict(row["verdict"]),
            f"{row['floor']:.3f}",
        )
        for row in classes(result)
    ]
    accuracy = result.accuracy
    return _box(
        f"{result.name} on {result.data.name}: {result.kind} circuit",
        _text(
            f"{result.neurons['E']:,} excitatory and {result.neurons['I']:,} inhibitory neurons; accuracy "
            f"{accuracy[0]:.3f} intact, {accuracy[-1]:.3f} without inhibition."
        ),
        _table(
            "Balanced accuracy of each class by the largest output (0.5 is chance), and the floor of its data",
            ("class", "rows", "intact", "ablated", "verdict", "floor"),
            rows,
        ),
        _text(*result.problems),
    )
