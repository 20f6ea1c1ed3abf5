"""One process in which a script runs: up to its first inhibition for all fractions, from there on for each alone."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import brian2

from eisim.base import memory, processes
from eisim.base.errors import InputError
from eisim.studies.brian2_networks import hooking
from eisim.studies.brian2_networks.controlling import Amounts, Control, NotHadError, amounts_of
from eisim.studies.brian2_networks.finding import changes_of, judge
from eisim.studies.brian2_networks.history import History
from eisim.studies.brian2_networks.measuring import Measured, digest, measured, raster
from eisim.studies.brian2_networks.result import Finding, Found, GroupSpikes
from eisim.studies.brian2_networks.scaling import Rewritten, chosen
from eisim.studies.brian2_networks.source import Source

#: In the place of a fraction: the script as it is, with nothing in it rewritten.
PLAIN = "plain"
LOW_MEMORY = "memory is low"


@dataclass(frozen=True)
class Job:
    """What one process is to do with a script: its runs are of replicates, by number, and fractions."""

    source: Source
    seeds: tuple[int, ...]  # of the replicates
    runs: tuple[tuple[int, Any], ...]  # of a fraction, of PLAIN or of a control
    override: Mapping[str, str]
    score: Callable | None = None
    most: int = 1  # processes at a time
    found: Found | None = None  # in another process, where a compiled program cannot say what synapses do
    folder: str = ""  # of a compiled program

    @property
    def replicate(self) -> int:
        """The one with which the script begins."""
        return self.runs[0][0] if self.runs else 0

    def offset(self, replicate: int) -> int:
        """What is added to a script's own seed."""
        return self.seeds[replicate] - self.seeds[0]


@dataclass(frozen=True)
class Outcome:
    """What one run gave."""

    replicate: int
    fraction: Any
    groups: dict[str, Measured]
    limits: dict[str, float]
    digest: str
    seconds: float
    found: Found
    notes: tuple[str, ...]
    score: float | None = None
    failure: str = ""  # of the score
    spikes: dict[str, GroupSpikes] | None = None
    rasters: dict[str, tuple] = field(default_factory=dict)
    amounts: Amounts = field(default_factory=Amounts)


class Session:
    """A script on its way: what was found so far, and which fraction this process computes, if it is decided."""

    def __init__(self, job: Job, sender=None, fraction: Any = None, only_finds: bool = False):
        self.job, self.sender, self.fraction, self.only_finds = job, sender, fraction, only_finds
        self.replicate = job.replicate
        self.recorder = hooking.Recorder()
        self.history = History()
        self.not_examined: dict[str, None] = {}
        self.notes: set[str] = set()
        self.rewritten, self.amounts = Rewritten(), Amounts()
        self.begin = time.perf_counter()
        self.runs = 0

    @property
    def found(self) -> Found:
        """What was found so far."""
        return Found(self.job.source.name, self.history.rows, tuple(self.not_examined))

    def at_run(self, objects: list, names: Mapping) -> None:
        """Judge all synapses as they are, and scale those that inhibit; with the first ones the ways part."""
        self.runs += 1
        synapses = [each for each in objects if isinstance(each, brian2.Synapses)]
        if self.fraction == PLAIN or not synapses:
            return
        self.rewritten.put_back()
        judged = judge(objects, names, self.job.override, checks_names=not self.history)
        rows = self.history.add(self.runs, judged)
        self.not_examined |= dict.fromkeys(judged.not_examined)
        if self.only_finds:
            raise FoundEnough
        refuse_unknown(self.found)
        inhibition, excitation = (changes_of(rows, synapses, controls) for controls in (False, True))
        if not inhibition:
            return
        if self.fraction is None:
            self._part()
        if self.fraction != PLAIN:
            self.amounts = amounts_of(self.fraction, rows, self.job.seeds[self.replicate])
            self._rewrite(chosen(self.amounts, inhibition, excitation))

    def _rewrite(self, changes) -> None:
        try:
            self.rewritten.scale(changes, self.amounts)
        except InputError as error:
            if isinstance(self.fraction, Control):
                raise NotHadError(str(error)) from None
            raise

    def _part(self) -> None:
        """Fork for each fraction, pass on what they give, and end; returns in the forked processes only."""
        waiting, running = list(self.job.runs), {}
        while waiting or running:
            while waiting and len(running) < self.job.most and (not running or self._has_room()):
                child, sender = processes.fork(apart=False)
                if child is None:
                    self.replicate, self.fraction = waiting[0]
                    self.sender, self.begin = sender, time.perf_counter()
                    return
                running[child] = waiting.pop(0)
            for child in processes.next_of(running):
                run = running.pop(child)
                try:
                    message = child.receive()
                except processes.EndedError as error:
                    message = ("ended", run, str(error))
                child.end()
                self.sender.send(message)
        os._exit(0)

    def _has_room(self) -> bool:
        """Whether there is memory for one more process; if not, that is noted."""
        need, left = memory.used(), memory.free()
        if need > left and not any(note.startswith(LOW_MEMORY) for note in self.notes):
            self.notes.add(
                f"{LOW_MEMORY} ({memory.size(need)} for a process, {memory.size(left)} free): fewer at a time"
            )
        return need <= left

    def run(self) -> Outcome:
        """Run the script, and measure."""
        job = self.job
        with ExitStack() as stack:
            stack.enter_context(hooking.without_surroundings())
            stack.enter_context(hooking.on_runtime(self.notes))
            seed = job.seeds[self.replicate]
            stack.enter_context(hooking.as_replicate(seed, job.offset(self.replicate), self.notes))
            stack.enter_context(hooking.hooked(self.at_run, self.recorder))
            left = job.source.run(lambda: self.runs > 0)
        if not self.runs and self.only_finds and isinstance(left, brian2.Network):
            self.at_run(hooking.objects_of(left), job.source.names)
        if not self.runs:
            self._refuse_no_run(left)
        if self.only_finds:
            raise FoundEnough
        if not any(row.is_scaled for row in self.history.rows) and self.fraction != PLAIN:
            raise InputError(nothing_inhibits(self.found))
        return self.outcome(left)

    def outcome(self, left) -> Outcome:
        """What the run gave."""
        spikes = self.recorder.spikes()
        score, failure = self._score(left, spikes)
        is_first, is_control = self.replicate == 0, isinstance(self.fraction, Control)
        return Outcome(
            self.replicate,
            self.fraction,
            {name: measured(each) for name, each in spikes.items()},
            dict(self.recorder.limits),
            digest(spikes),
            time.perf_counter() - self.begin,
            self.found,
            tuple(sorted(self.notes | self.recorder.notes)),
            score,
            failure,
            spikes if is_first and self.fraction in (PLAIN, 0.0) else None,
            {name: raster(each) for name, each in spikes.items()} if is_first and not is_control else {},
            self.amounts,
        )

    def _refuse_no_run(self, left) -> None:
        name = self.job.source.name
        if isinstance(left, brian2.Network):
            raise InputError(f"{name}: expected how long to run the network that it returns (duration=1*second)")
        what = "a script" if self.job.source.is_script else "a function"
        raise InputError(f"{name}: expected {what} that runs a network, found no run(...) on its way")

    def _score(self, left, spikes) -> tuple[float | None, str]:
        """The user's score, and why it failed."""
        if self.job.score is None or self.fraction == PLAIN:
            return None, ""
        try:
            given = self.job.score(left, spikes)
            return float(given), ""
        except Exception as error:
            if isinstance(error, InputError):
                return math.nan, str(error)
            return math.nan, Source(self.job.score).error(error)

    def said_of(self, error: BaseException) -> str:
        """What an error of the script is, in one line."""
        return self.job.source.error(error)

    def serve(self) -> None:
        """Run and send what comes of it to the parent; does not return."""
        try:
            try:
                message = ("outcome", self.run())
            except FoundEnough:
                message = ("found", self.found)
            except NotHadError as error:
                message = ("without", (self.replicate, self.fraction), str(error))
            except BaseException as error:
                message = ("error", self.said_of(error))
            self.sender.send(message)
        finally:
            os._exit(0)


class FoundEnough(BaseException):
    """Nothing is to be simulated."""


def _sentence(row: Finding) -> str:
    return row.why if row.name in row.why else f"{row.name}: {row.why}"


def refuse_unknown(found: Found) -> None:
    """Ask about synapses of which the sign is not known."""
    unknown = {row.name: row for row in reversed(found.unknown)}
    if unknown:
        reasons = " ".join(f"{_sentence(row)};" for row in reversed(unknown.values()))
        said = ", ".join(f"{name!r}: 'inhibitory'" for name in reversed(unknown))
        raise InputError(f"{found.name}: {reasons} say override={{{said}}} or 'excitatory' or 'leave'")


def nothing_inhibits(found: Found) -> str:
    """The refusal of a network without inhibition, and what may be said of its synapses."""
    electrical = [row.name for row in found.rows if row.verdict == "electrical"]
    said = f"; {', '.join(electrical)}: electrical, neither excitatory nor inhibitory" if electrical else ""
    return (
        f"{found.name}: no synapse lowers a neuron's drive to threshold{said}; nothing to ablate. "
        "Name one with override={'name': 'inhibitory'}."
    )


class AblatedRun:
    """What runs within `ablated` show: `found` and `spikes`, up to the last run."""

    def __init__(self, session: Session):
        self._session = session

    @property
    def found(self) -> Found:
        """The synapses of the networks that have run."""
        return self._session.found

    @property
    def spikes(self) -> dict[str, GroupSpikes]:
        """The spikes of each group of neurons, by its name."""
        return self._session.recorder.spikes()
