"""What was found of synapses over the runs of a script, between which weights may change."""

from __future__ import annotations

from dataclasses import replace

from eisim.studies.brian2_networks.finding import Judged
from eisim.studies.brian2_networks.result import NONE, UNKNOWN, Finding

Place = tuple[str, str, str]


class History:
    """Findings by run: the last one of each verdict on each statement, and the runs in which it held."""

    def __init__(self):
        self._rows: dict[tuple[Place, str], Finding] = {}
        self._runs: dict[tuple[Place, str], list[int]] = {}
        self._last: dict[Place, str] = {}
        self._judged: dict[str, list[int]] = {}  # runs in which synapses took part, by their name

    def __bool__(self) -> bool:
        return bool(self._rows)

    def add(self, run: int, judged: Judged) -> tuple[Finding, ...]:
        """Keep what was found before a run; what holds in it.

        A sign that was known and is not any more, such as that of weights that have become 0, is taken to be the same.
        """
        found = []
        for row in judged.rows:
            place = row.synapses, row.pathway, row.variable
            if row.verdict == UNKNOWN and self._last.get(place, UNKNOWN) not in (UNKNOWN, NONE):
                row = self._rows[place, self._last[place]]
            self._last[place] = row.verdict
            self._rows[place, row.verdict] = row
            self._runs.setdefault((place, row.verdict), []).append(run)
            found.append(row)
        for name in dict.fromkeys(row.synapses for row in judged.rows):
            self._judged.setdefault(name, []).append(run)
        return tuple(found)

    @property
    def rows(self) -> tuple[Finding, ...]:
        """All findings, with the runs of those that did not hold in all; what did nothing at first is left out."""
        acts = {place[0] for place, verdict in self._rows if verdict != NONE}
        rows = []
        for (place, verdict), row in self._rows.items():
            if verdict == NONE and place[0] in acts:
                continue
            runs = self._runs[place, verdict]
            when = "" if len(runs) == len(self._judged[place[0]]) else f"; {_said(runs)}"
            rows.append(replace(row, why=row.why + when))
        return tuple(rows)


def _said(runs: list[int]) -> str:
    if len(runs) == 1:
        return f"in run {runs[0]} only"
    is_one = runs[-1] - runs[0] == len(runs) - 1
    return f"in runs {runs[0]} to {runs[-1]} only" if is_one else f"in {len(runs)} of runs {runs[0]} to {runs[-1]} only"
