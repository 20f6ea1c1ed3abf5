"""Published numbers and ours."""

from collections.abc import Sequence
from typing import NamedTuple

from eisim.analysis.task import Fact
from eisim.report.table import Column, Table


class Beside(NamedTuple):
    """A published number; ours, as last measured, and that of a run, are None where they are missing."""

    fact: Fact
    ours: float | None
    run: float | None = None
    circuit: str = ""

    @property
    def is_reproduced(self) -> str | None:
        """Whether ours is within the tolerance: yes or no."""
        if self.ours is None:
            return None
        return "yes" if abs(self.ours - self.fact.published) <= self.fact.tolerance else "no"


def beside(kept: Sequence[Fact], now: Sequence[Fact] = (), circuit: str = "") -> list[Beside]:
    """Numbers that were measured beforehand, and those of a run, which come first."""
    before, found = ({fact.what: fact for fact in facts} for facts in (kept, now))
    return [
        Beside(found.get(what) or before[what], _ours(before.get(what)), _ours(found.get(what)), circuit)
        for what in found | before
    ]


def _ours(fact):
    """Ours, with 0 for what is negligible compared with the tolerance."""
    return fact and (0.0 if abs(fact.ours) < 1e-3 * fact.tolerance else fact.ours)


def published_table(found: Sequence[Beside], in_full: bool = True) -> Table:
    """Published numbers; `in_full`: in a terminal, too."""
    several = len({row.circuit for row in found}) > 1
    run = Column("this run", lambda row: row.run, note="The intact circuit of this run.")
    columns = (
        *([Column("circuit", lambda row: row.circuit)] if several else []),
        Column("number", lambda row: row.fact.what),
        Column("published", lambda row: float(row.fact.published)),
        Column("ours", lambda row: row.ours, note="As measured beforehand, at the size and for the time it needs."),
        *([run] if any(row.run is not None for row in found) else []),
        Column("tolerance", lambda row: float(row.fact.tolerance), on_page_only=not in_full),
        Column("reproduced", lambda row: row.is_reproduced, on_page_only=not in_full),
        Column("source", lambda row: row.fact.source, on_page_only=not in_full),
    )
    notes = (
        () if in_full else ("Tolerances and sources: `python -m eisim list NAME`; with `--published` measured again.",)
    )
    return Table("Published numbers and ours", columns, found, notes, keys=1 + several, on_page_only=several)
