"""Published numbers beside ours, and the size of a circuit beside that of its paper, for the terminal and the page."""

from collections.abc import Iterable, Sequence

from eisim.analysis.task import Fact
from eisim.report.findings import PageColumn, PageTable
from eisim.report.numbers import NEGLIGIBLE, number
from eisim.studies.tasks import Assessment, Judged

#: Shares that have a name.
SHARES = {2: "half", 3: "a third", 4: "a quarter", 5: "a fifth", 8: "an eighth", 10: "a tenth", 20: "a twentieth"}
#: Numbers that a terminal shows of a run.
MOST_TOLD = 6


def share_words(part: int, whole: int) -> str:
    """How much of the whole a part is: ``"a tenth"``, ``"37 %"``."""
    times = whole / part
    near = SHARES.get(round(times)) if abs(times - round(times)) < 0.02 else None
    return near or f"{100 * part / whole:.2g} %"


def size_words(judged: Judged) -> str:
    """The size of a circuit that is smaller than the published one; "" for any other."""
    if not judged.published_neurons > judged.neurons:
        return ""
    share = share_words(judged.neurons, judged.published_neurons)
    return f"{judged.neurons:,} neurons, {share} of the paper's {judged.published_neurons:,}"


def sizes(assessments: Iterable[Assessment]) -> list[str]:
    """A sentence for each circuit that is smaller than the published one."""
    return [
        f"The {kind} circuit of {assessment.name.replace('_', ' ')} has {words}."
        for assessment in assessments
        for kind, judged in assessment.kinds.items()
        if (words := size_words(judged))
    ]


def rows(assessment: Assessment) -> list[tuple[Fact, float | None, float | None]]:
    """Published numbers with ours, as last measured, and those of this run; None where one is missing."""
    now = {fact.what: fact for judged in assessment.kinds.values() for fact in judged.facts}
    kept = {fact.what: fact for fact in assessment.published}
    return [
        (
            now.get(what) or kept[what],
            _ours(kept[what]) if what in kept else None,
            _ours(now[what]) if what in now else None,
        )
        for what in {**now, **kept}
    ]


def _ours(fact):
    """Ours, without what is nothing beside the tolerance."""
    return 0.0 if abs(fact.ours) < 1e-3 * fact.tolerance else fact.ours


def facts_table(facts: Sequence[Fact], title: str = "Published numbers beside ours"):
    """Published numbers as a Rich table."""
    table = _table(title, ("what", "published", "ours", "tolerance", "reproduced", "source"))
    for fact in facts:
        numbers = (number(value, beside=fact.tolerance / NEGLIGIBLE / 1e3) for value in (fact.published, _ours(fact)))
        reproduced = "yes" if fact.is_reproduced else "no"
        table.add_row(fact.what, *numbers, number(float(fact.tolerance)), reproduced, fact.source)
    return table


def terminal_table(assessment: Assessment):
    """What a run of one circuit tells of its published numbers, for Rich; None where there are none."""
    from rich.console import Group

    found = rows(assessment)
    if not found:
        return None
    has_run = any(run is not None for _, _, run in found)
    headings = ("published numbers", "paper", "ours", *(["this run"] if has_run else []))
    table = _table("", headings)
    for fact, ours, run in found[:MOST_TOLD]:
        table.add_row(fact.what, *(number(value) for value in (fact.published, ours, run)[: 2 + has_run]))
    more = len(found) - MOST_TOLD
    about = f"python -m eisim list {assessment.name}"
    return Group(table, f"{f'{more} more, and sources' if more > 0 else 'Sources'}: {about}")


def _table(title, headings):
    from eisim.report.terminal import titled_table

    table = titled_table(title)
    for heading in headings:
        is_number = heading in ("published", "paper", "ours", "this run", "tolerance")
        table.add_column(heading, justify="right" if is_number else "left", no_wrap=is_number)
    return table


def page_table(assessments: Sequence[Assessment]) -> PageTable | None:
    """The same of all circuits of a run, for its page; None where there are none."""
    found = [(assessment, *row) for assessment in assessments for row in rows(assessment)]
    if not found:
        return None
    several = len(assessments) > 1
    has_run = any(run is not None for *_, run in found)
    columns = (
        PageColumn("number", note="With its unit; 1: yes."),
        PageColumn("published", "number"),
        PageColumn(
            "ours", "number", note="As the model's published() last measured it, at the size and for the time it needs."
        ),
        *([PageColumn("this run", "number", note="The intact circuit of this run.")] if has_run else []),
        PageColumn("tolerance", "number", note="The largest difference that counts as reproduced."),
        PageColumn("source"),
    )
    cells = tuple(
        (
            f"{assessment.name.replace('_', ' ')}: {fact.what}" if several else fact.what,
            float(fact.published),
            ours,
            *([run] if has_run else []),
            float(fact.tolerance),
            fact.source,
        )
        for assessment, fact, ours, run in found
    )
    notes = (
        "Ours was measured beforehand, by the model's published(): "
        + ", ".join(f"`python -m eisim list {a.name} --published`" for a in assessments if a.published)
        + " measures it again.",
    )
    return PageTable(
        "Published numbers beside ours", columns, cells, notes if any(a.published for a in assessments) else ()
    )
