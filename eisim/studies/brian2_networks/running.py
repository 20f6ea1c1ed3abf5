"""Finds the inhibition of a Brian2 network, and removes fractions of it in processes that share its beginning."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from eisim.base import processes
from eisim.base.brian import brian2_alone
from eisim.base.errors import InputError, did_you_mean
from eisim.base.progress import Report, shows_progress
from eisim.studies.brian2_networks.result import BrianAblation, ControlRuns, Found
from eisim.studies.judgement import Criterion

BACKENDS = ("runtime", "cpp")
FRACTIONS = (0.0, 0.25, 0.5, 0.75, 1.0)


@shows_progress
def inhibition(
    network: Any,
    override: Mapping[str, str] | None = None,
    namespace: Mapping[str, Any] | None = None,
    report: Report | None = None,
) -> Found:
    """Which synapses of a Brian2 network inhibit, and why; nothing is ablated.

    What a presynaptic spike adds is computed with the values that synapses have at the first run. More of a variable
    that it changes brings a neuron nearer to its threshold or takes it away; that follows from the equations with the
    neuron at threshold, so that a conductance inhibits where its reversal potential lies below. No name decides.

    Parameters
    ----------
    network : str, Path, callable or brian2.Network
        A Python script, which is executed up to its first run of a network with synapses; a function that builds and
        runs a network or returns it; or a network. It is your own code: it can do what any program can.
    override : dict of str to str, optional
        For ``Synapses``, by their name in Brian2 or in the script, ``"inhibitory"``, ``"excitatory"`` or ``"leave"``.
    namespace : dict, optional
        What the equations of a network or a returned network refer to; by default the names of the caller or of the
        function.

    Returns
    -------
    Found
        Its repr is a table.

    Raises
    ------
    InputError
        If the script cannot be run, with its line; if it runs no network; for a bad override.

    Examples
    --------
    >>> from brian2 import NeuronGroup, Network, Synapses, ms, mV
    >>> from eisim import brian
    >>> cells = NeuronGroup(2, "dv/dt = -v / (10*ms) : volt", threshold="v > 10*mV", reset="v = 0*mV")
    >>> synapses = Synapses(cells, cells, on_pre="v -= 1*mV")
    >>> synapses.connect()
    >>> brian.inhibition(Network(cells, synapses)).inhibitory
    ('synapses',)
    """
    names = _callers_names() if namespace is None else namespace
    with brian2_alone():
        import brian2

        from eisim.studies.brian2_networks import hooking, session
        from eisim.studies.brian2_networks.finding import judge
        from eisim.studies.brian2_networks.source import Source, source_of

        if isinstance(network, brian2.Network):
            judged = judge(hooking.objects_of(network), names, _override(override))
            return Found(Source(network).name, judged.rows, judged.not_examined)
        job = session.Job(source_of(network, None, namespace), (0,), (), _override(override))
        with _served(job, None, True) as receive:
            kind, *said = receive()
    if kind != "found":
        raise InputError(said[0] if kind == "error" else f"{job.source.name}: its process has ended ({said[-1]})")
    return said[0]


@shows_progress
def ablate(
    network: Any,
    fractions: Sequence[float] = FRACTIONS,
    seeds: int | Sequence[int] = 5,
    score: Callable[[Any, dict], float] | None = None,
    override: Mapping[str, str] | None = None,
    criterion: Criterion | float | None = None,
    duration: Any = None,
    namespace: Mapping[str, Any] | None = None,
    backend: str = "runtime",
    controls: bool = True,
    report: Report | None = None,
) -> BrianAblation:
    """Remove fractions of the inhibition of a Brian2 network, and run it with nothing else changed.

    For each seed one process runs the script up to its first run of a network that inhibits; from there on it is
    copied for each fraction. With fraction 0 a script gives its own spikes, which is checked with the first seed
    against the script with nothing rewritten.

    Parameters
    ----------
    network : str, Path, callable or brian2.Network
        As for `inhibition`. A script runs once for each fraction and seed: files that it writes are written each
        time, but no pictures, and windows stay closed.
    fractions : sequence of float
        How much is removed, from 0 to 1; 0 is added where it is missing.
    seeds : int or sequence of int
        Seeds of Brian2's, NumPy's and Python's random numbers, set before the script begins; a number means 0, 1,
        ... . Where the script sets its own seed, the first replicate has that one, and to the others a number is
        added.
    score : callable, optional
        ``score(left, spikes)`` is a number, such as 1 for a function that works: `left` has the globals of the script
        after its end as attributes (or is what the function returned), `spikes` the `GroupSpikes` of each group of
        neurons by its name.
    override : dict of str to str, optional
        As for `inhibition`. Synapses whose sign is not known have to be named.
    criterion : float or Criterion, optional
        What the score has to reach, for the verdict of `BrianAblation.curves`.
    duration : quantity, optional
        How long to run a network, in s; only where `network` is one or a function that returns one.
    namespace : dict, optional
        As for `inhibition`.
    backend : str
        ``"runtime"``: as the script runs by itself. ``"cpp"``: as one C++ program for all fractions and seeds, and
        another one of the untouched script; numbers that the script draws with NumPy before it runs are then those of
        the first seed.
    controls : bool
        Whether the largest fraction is measured again with excitation scaled down, and beside shams that take as much
        from excitation and from random synapses: 11 runs more for each seed.

    Returns
    -------
    BrianAblation

    Raises
    ------
    InputError
        If no synapse inhibits, the sign of one is not known, or the script fails, with its line; for bad arguments.
    """
    names = _callers_names() if namespace is None else namespace
    levels, replicates, wanted = _fractions(fractions), _seeds(seeds), _criterion(criterion, score)
    if backend not in BACKENDS:
        raise InputError(f"backend: expected one of {', '.join(BACKENDS)}, found {backend!r}{_near(backend)}")
    if score is not None and not callable(score):
        raise InputError(f"score: expected a function of what the script leaves and its spikes, found {score!r:.60}")
    with brian2_alone():
        import brian2

        from eisim.studies.brian2_networks.source import source_of

        is_network = isinstance(network, brian2.Network)
        source = source_of(network, duration, names if is_network else namespace)
        from eisim.studies.brian2_networks.controlling import controls_of

        runs = levels + (controls_of(levels[-1]) if controls and levels[-1] > 0 else ())
        with ExitStack() as stack:
            jobs = _compiled if backend == "cpp" else _interpreted
            todo, at_once = jobs(source, runs, replicates, _override(override), score, report, stack)
            outcomes, without = _all_outcomes(todo, at_once, report)
            again = _again(todo, outcomes, report)
    return _result(source.name, levels, replicates, outcomes, without, wanted, backend, again)


@contextmanager
def ablated(fraction: float = 1.0, seed: int | None = None, override: Mapping[str, str] | None = None) -> Iterator[Any]:
    """Within this context, networks that Brian2 runs have a fraction of their inhibition removed: for notebooks.

    Networks are rewritten while they run, and are as they were after the context. State, such as potentials and what
    was learnt, is not put back: build a network within the context, or restore it.

    Parameters
    ----------
    fraction : float
        How much is removed, from 0 to 1.
    seed : int, optional
        Of all random numbers.
    override : dict of str to str, optional
        As for `inhibition`.

    Yields
    ------
    AblatedRun
        Its ``found`` and ``spikes`` fill as networks run.

    Raises
    ------
    InputError
        If the sign of synapses is not known; for bad arguments.
    """
    (level,) = _fractions([fraction], adds_zero=False)
    with brian2_alone():
        from eisim.studies.brian2_networks import hooking, session
        from eisim.studies.brian2_networks.source import Source

        job = session.Job(Source(None), (0,), (), _override(override))
        found = session.Session(job, fraction=level)
        with ExitStack() as stack:
            if seed is not None:
                stack.enter_context(hooking.as_replicate(_seeds([seed])[0], 0, found.notes))
            stack.enter_context(hooking.hooked(found.at_run, found.recorder))
            try:
                yield session.AblatedRun(found)
            finally:
                found.rewritten.put_back()


def _interpreted(source, wanted, seeds, override, score, report, stack):
    """One job for each seed, and how many of them run at a time."""
    from eisim.studies.brian2_networks.session import PLAIN, Job

    at_once = min(len(seeds), processes.processors())
    jobs = []
    for k in range(len(seeds)):
        runs = tuple((k, fraction) for fraction in (((PLAIN,) if k == 0 else ()) + wanted))
        jobs.append(Job(source, seeds, runs, override, score, max(1, processes.processors() // at_once)))
    return jobs, at_once


def _compiled(source, wanted, seeds, override, score, report, stack):
    """One job for all runs of the program, after what inhibits is found without it, and one for the script as it is."""
    from eisim.studies.brian2_networks.session import PLAIN, Job, nothing_inhibits, refuse_unknown

    if not processes.FORKS or not source.is_code:
        where = "on Linux" if not processes.FORKS else "for a script or a function"
        raise InputError(f"{source.name}: backend: 'cpp' is {where} only; use backend='runtime'")
    report("finding what inhibits")
    with _served(Job(source, seeds, (), override), None, True) as receive:
        kind, *said = receive()
    if kind != "found":
        raise InputError(said[0] if kind == "error" else f"{source.name}: its process has ended ({said[-1]})")
    refuse_unknown(said[0])
    if not said[0].inhibitory:
        raise InputError(nothing_inhibits(said[0]))
    folders = [stack.enter_context(TemporaryDirectory(prefix="eisim-brian2-")) for _ in range(2)]
    runs = tuple((k, fraction) for k in range(len(seeds)) for fraction in wanted)
    most = max(1, processes.processors() - 1)
    scaled = Job(source, seeds, runs, override, score, most, said[0], folders[0])
    return [Job(source, seeds, ((0, PLAIN),), override, None, 1, said[0], folders[1]), scaled], 2


def _callers_names() -> dict[str, Any]:
    """Globals and locals of the function outside of eisim that calls."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__", "").startswith("eisim."):
        frame = frame.f_back
    return {**frame.f_globals, **frame.f_locals} if frame is not None else {}


def _near(backend) -> str:
    return did_you_mean(str(backend), BACKENDS)


def _override(given) -> dict[str, str]:
    if given is None:
        return {}
    if not isinstance(given, Mapping) or not all(isinstance(name, str) for name in given):
        raise InputError(f"override: expected a dict of names of Synapses, found {given!r:.60}")
    return dict(given)


def _fractions(given, adds_zero: bool = True) -> tuple[float, ...]:
    try:
        found = sorted({float(each) for each in given})
    except (TypeError, ValueError):
        raise InputError(f"fractions: expected numbers from 0 to 1, found {given!r:.60}") from None
    bad = [each for each in found if not 0 <= each <= 1]
    if bad or not found:
        raise InputError(f"fractions: expected numbers from 0 to 1, found {bad[0] if bad else 'none'}")
    return tuple(dict.fromkeys([0.0, *found])) if adds_zero else tuple(found)


def _seeds(given) -> tuple[int, ...]:
    """The seeds, of which Brian2 takes whole numbers below 2^32."""
    if isinstance(given, (int, np.integer)) and not isinstance(given, bool):
        if not 1 <= given <= 10_000:
            raise InputError(f"seeds: expected from 1 to 10,000, found {given}")
        return tuple(range(int(given)))
    try:
        found = [each for each in given]
    except TypeError:
        found = [None]
    if not found or not all(
        isinstance(s, (int, np.integer)) and not isinstance(s, bool) and 0 <= s < 2**32 for s in found
    ):
        raise InputError(f"seeds: expected a number of seeds or whole numbers from 0, found {given!r:.60}")
    if len(set(found)) < len(found):
        raise InputError(f"seeds: expected different ones, found {given!r:.60}")
    return tuple(int(each) for each in found)


def _criterion(given, score) -> Criterion | None:
    if given is None or isinstance(given, Criterion):
        return given
    if score is None:
        raise InputError("criterion: expected one only of a score, found no score")
    try:
        least = float(given)
    except (TypeError, ValueError):
        least = math.nan
    if not math.isfinite(least):
        raise InputError(f"criterion: expected a number or a Criterion, found {given!r:.60}")
    return Criterion.absolute(least)


@contextmanager
def _served(job, fraction, only_finds: bool) -> Iterator[Callable[[], tuple]]:
    """A process that runs a job, as what gives its messages one by one; it ends with the context."""
    from eisim.studies.brian2_networks import serving

    if processes.FORKS:
        child, sender = processes.fork()
        if child is None:
            serving.serve_new(job, sender, fraction, only_finds)
        try:
            yield lambda: _received(child)
        finally:
            child.end()
        return
    from eisim.base.workers import LostError, Worker

    given = job.source.given
    named = getattr(sys.modules.get(getattr(given, "__module__", "")), getattr(given, "__qualname__", ""), None)
    if not job.source.is_script and (named is not given or given.__module__ == "__main__"):
        raise InputError(
            f"{job.source.name}: expected a script or a function of a module on this system, found {given!r:.60}"
        )
    worker = Worker()
    try:

        def receive():
            try:
                return worker.compute(partial(serving.part, job, fraction, only_finds), lambda *_: None)
            except LostError as error:
                return ("ended", (job.replicate, fraction), str(error))

        yield receive
    finally:
        worker.ask_to_stop()
        worker.stop()


def _received(child) -> tuple:
    try:
        return child.receive()
    except processes.EndedError as error:
        return ("ended", None, str(error))


def _all_outcomes(jobs, at_once: int, report) -> tuple[dict[tuple[int, Any], Any], dict[Any, str]]:
    """What all runs of all jobs gave, by number of the replicate and fraction; and why controls gave nothing."""
    run = _side_by_side if processes.FORKS else _one_by_one
    total, stage = sum(len(job.runs) for job in jobs), ""
    found: dict[tuple[int, Any], Any] = {}
    without: dict[Any, str] = {}
    report("running up to the first run")
    for k, (kind, *said) in run(jobs, at_once):
        job = jobs[k]
        if kind == "error":
            raise InputError(said[0])
        if kind == "ended":
            replicate, fraction = said[0] or (job.replicate, None)
            where = "before its first run" if fraction is None else f"with fraction {fraction}"
            ended = f"its process ended {where}, seed {job.seeds[replicate]}"
            raise InputError(f"{job.source.name}: {ended} ({said[1]}); is there enough memory?")
        if kind == "without":
            total, without[said[0][1]] = total - 1, said[1]
            continue
        outcome = said[0]
        found[outcome.replicate, outcome.fraction] = outcome
        stage = stage or f"{total} runs, the first in {outcome.seconds:.2g} s"
        report(stage, len(found) / total)
    return found, without


def _again(jobs, outcomes, report):
    """A second run of the untouched script, where fraction 0 differs from the first; None where it does not."""
    from eisim.studies.brian2_networks.session import PLAIN

    if outcomes[0, PLAIN].digest == outcomes[0, 0.0].digest:
        return None
    report("running the untouched script again")
    job = next(job for job in jobs if (0, PLAIN) in job.runs)
    found, _ = _all_outcomes([replace(job, runs=((0, PLAIN),), score=None)], 1, report)
    return found[0, PLAIN]


def _side_by_side(jobs, at_once: int) -> Iterator[tuple[int, tuple]]:
    """Messages of the forked processes of all jobs, some at a time."""
    from eisim.studies.brian2_networks import serving

    waiting, running = list(enumerate(jobs)), {}
    left = {k: len(job.runs) for k, job in waiting}
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                k, job = waiting.pop(0)
                child, sender = processes.fork()
                if child is None:
                    serving.serve_new(job, sender)
                running[child] = k
            for child in processes.next_of(running):
                k = running[child]
                message = _received(child)
                left[k] -= message[0] in ("outcome", "without")
                yield k, message
                if not left[k]:
                    child.end()
                    del running[child]
    finally:
        for child in running:
            child.end()


def _one_by_one(jobs, at_once: int) -> Iterator[tuple[int, tuple]]:
    """Messages of new processes, one for each fraction of each job."""
    from concurrent.futures import ThreadPoolExecutor, as_completed

    def one(k, job, run):
        with _served(replace(job, runs=(run,)), run[1], False) as receive:
            return k, receive()

    with ThreadPoolExecutor(processes.processors()) as pool:
        begun = [pool.submit(one, k, job, run) for k, job in enumerate(jobs) for run in job.runs]
        try:
            for each in as_completed(begun):
                yield each.result()
        finally:
            for each in begun:
                each.cancel()


def _result(name, fractions, seeds, outcomes, without, criterion, backend, again=None) -> BrianAblation:
    from eisim.studies.brian2_networks.controlling import Control
    from eisim.studies.brian2_networks.measuring import first_difference
    from eisim.studies.brian2_networks.session import PLAIN

    groups = tuple(dict.fromkeys(group for outcome in outcomes.values() for group in outcome.groups))
    shape = (len(fractions), len(seeds), len(groups))
    numbers = {key: np.full(shape, np.nan) for key in ("rate", "cv", "synchrony")}
    seconds, scores = np.full(shape[:2], np.nan), np.full(shape[:2], np.nan)
    problems, limits, sizes, durations = [], {}, {}, {}
    for (k, fraction), outcome in outcomes.items():
        for group, each in outcome.groups.items():
            sizes[group], durations[group] = each.size, each.duration
            limits[group] = outcome.limits[group]
        if fraction == PLAIN:
            continue
        if isinstance(fraction, Control):
            if outcome.failure:
                problems.append(f"score failed with {_called(fraction)}, seed {seeds[k]}: {outcome.failure}")
            continue
        place = fractions.index(fraction), k
        seconds[place] = outcome.seconds
        if outcome.score is not None:
            scores[place] = outcome.score
        if outcome.failure:
            problems.append(f"score failed at fraction {fraction:g}, seed {seeds[k]}: {outcome.failure}")
        for g, group in enumerate(groups):
            for key in numbers:
                numbers[key][(*place, g)] = getattr(outcome.groups[group], key) if group in outcome.groups else np.nan
    has_scores = any(outcome.score is not None for outcome in outcomes.values())
    if has_scores and np.isnan(scores).all():
        raise InputError(f"{name}: {problems[0]}" if problems else f"{name}: score: expected numbers, found NaN")
    plain, zero = outcomes[0, PLAIN], outcomes[0, 0.0]
    differs = None if plain.digest == zero.digest else first_difference(plain.spikes, zero.spikes)
    silent = not any(each.t.size for each in plain.spikes.values())
    identical = None if silent and differs is None else differs is None
    if identical is False:
        problems.insert(
            0,
            f"with fraction 0 the spikes differ from your script's from {differs * 1e3:.4g} ms on "
            f"({_why(plain, again)}): compare fractions with fraction 0, not with the script",
        )
    first = [outcomes[0, fraction] for fraction in fractions]
    return BrianAblation(
        name,
        np.array(fractions),
        seeds,
        groups,
        tuple(sizes[group] for group in groups),
        numbers["rate"],
        numbers["cv"],
        numbers["synchrony"],
        np.array([limits[group] for group in groups]),
        np.array([durations[group] for group in groups]),
        zero.found,
        identical,
        differs,
        seconds,
        scores if has_scores else None,
        criterion,
        tuple(outcome.rasters for outcome in first),
        backend,
        tuple(problems),
        tuple(sorted({note for outcome in outcomes.values() for note in outcome.notes})),
        _controlled(outcomes, len(seeds), groups),
        _without(without, has_scores)
        if any(isinstance(run, Control) for run in (*(run for _, run in outcomes), *without))
        else {},
    )


def _why(plain, again) -> str:
    """Why fraction 0 is not the script: it does not repeat itself, or is rounded in another way."""
    from eisim.studies.brian2_networks.measuring import first_difference

    if again is None or again.digest == plain.digest:
        return "by rounding: the script gives the same spikes when it runs twice"
    own = first_difference(plain.spikes, again.spikes)
    when = "" if own is None else f" from {own * 1e3:.4g} ms on"
    return f"the script is not repeatable: run twice with the same seed, its own spikes differ{when}"


def _without(given, has_scores: bool) -> dict[str, str]:
    """Controls that could not be had, and why."""
    from eisim.studies.brian2_networks.controlling import NO_THRESHOLD

    found = {_called(control): why for control, why in given.items()}
    return found | ({"refitted": NO_THRESHOLD} if has_scores else {})


def _called(control) -> str:
    """A control, in words and as a key."""
    return f"{control.condition}: {control.scaled}" if control.scaled else control.condition


def _controlled(outcomes, seeds: int, groups) -> tuple[ControlRuns, ...]:
    """Runs under controls that all replicates have."""
    from eisim.studies.brian2_networks.controlling import COMPENSATED, SHAM_EXCITATION, SHAM_RANDOM, Control
    from eisim.studies.controls import BETWEEN

    found = []
    for control in dict.fromkeys(run for _, run in outcomes if isinstance(run, Control)):
        own = [outcomes.get((k, control)) for k in range(seeds)]
        if None in own:
            continue
        numbers = {
            key: np.array([[getattr(each.groups.get(g), key, np.nan) for g in groups] for each in own])
            for key in ("rate", "cv", "synchrony")
        }
        lost = [each.amounts.random if control.condition == SHAM_RANDOM else each.amounts.between for each in own]
        scale = control.scale if control.condition == COMPENSATED else float(1 - np.mean(lost))
        scores = [each.score for each in own]
        found.append(
            ControlRuns(
                control.condition,
                BETWEEN if control.condition == SHAM_EXCITATION else control.scaled,
                scale,
                numbers["rate"],
                numbers["cv"],
                numbers["synchrony"],
                None if None in scores else np.array(scores),
            )
        )
    return tuple(found)
