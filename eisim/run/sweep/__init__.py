"""Sweeps: one model or experiment at many points of its parameters, on this machine or on a cluster."""

import hashlib
import inspect
import itertools
import json
import math
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import numpy as np

from eisim.base.errors import InputError
from eisim.base.former import renamed
from eisim.base.progress import shows_progress
from eisim.base.seeds import Seed, seed_of
from eisim.base.store import sources
from eisim.base.store.checkpoint import begin_part, kept
from eisim.base.units import exact_text, unit_of
from eisim.circuit import Circuit
from eisim.run.experiment import Experiment
from eisim.run.run_key import identity
from eisim.run.sweep.axes import MOST_POINTS, Axis, make_axis, parse_axis
from eisim.run.sweep.cluster import on_cluster
from eisim.run.sweep.function import check as check_function
from eisim.run.sweep.function import identity as identity_of_function
from eisim.run.sweep.function import name_of
from eisim.run.sweep.local import on_processes
from eisim.run.sweep.result import Sweep, with_phases
from eisim.run.sweep.subject import Point, Subject, check, find, parameters
from eisim.run.sweep.work import Job, versions


class FailedError(Exception):
    """A point failed; it is not kept, so that it is tried again when the sweep is."""


@renamed(set="settings")
@shows_progress
def sweep(
    name,
    over: Mapping,
    *,
    seeds: int = 1,
    seed: Seed = 0,
    kind: str | None = None,
    settings: Mapping | None = None,
    backend: str = "cpp",
    workers: int | None = None,
    scheduler: str | None = None,
    fresh: bool = False,
    report: Callable[..., None] | None = None,
) -> Sweep:
    """Measure a model or an experiment at all points of a grid of its parameters.

    Parameters
    ----------
    name : str, path or callable
        A model, an experiment, or a Python file that defines ``circuit``, ``task`` or an experiment. Or a function that
        builds a `Circuit` from parameters by name; it is given `kind` and `seed` if it takes them. Its parameters are
        numbers, unless a default says that they are text, switches or quantities.
    over : mapping of str to values
        What each parameter takes: ``"3:7:9"`` (9 values from 3 to 7), an array, a quantity, or a list.
    seeds : int
        Runs of each point, with different seeds; the same ones at all points.
    seed : int or Generator
        From which those seeds follow.
    kind : {"rate", "spiking", "both"}, optional
        Of circuits; spiking by default, and both for an experiment. A function that does not take it may build either.
    settings : mapping of str to value, optional
        Parameters that are the same at all points.
    backend : {"cpp", "numpy"}
        Brian2's C++ standalone device, or its NumPy target.
    workers : int, optional
        Processes on this machine; one for each processor by default. A function of a script, a notebook or another
        function is known in this process only, which then computes all points; put it in a module to use more.
    scheduler : str, optional
        Address of a Dask scheduler, whose workers compute the points instead.
    fresh : bool
        Whether to ignore checkpoints of an interrupted sweep and start over.
    report : callable, optional
        Called with the present stage. By default, long computations show their progress in a terminal or notebook.

    Returns
    -------
    Sweep

    Raises
    ------
    InputError
        For unknown parameters, values that they cannot have, a cluster that cannot be reached, or if all points failed.

    Notes
    -----
    The numbers depend on the parameters and the seed, not on where and in which order the points are computed: they are
    the same to the bit on machines with the same processor type and the same libraries. Finished points are kept, so
    that the same call resumes where a killed one stopped; not those of a function that only this process has, since
    nothing says whether what it uses has changed.

    Examples
    --------
    >>> from eisim import sweep
    >>> found = sweep("wilson_cowan", {"stimulus": [0, 1]}, kind="rate", backend="numpy", workers=1)
    >>> found.mean("rate_E").round(1)
    array([0. , 2.1])

    A function of one's own:

    >>> from eisim import Circuit, Input, Population, Projection, ThresholdLinear
    >>> def build(g):
    ...     populations = [Population("E", "E", ThresholdLinear())]
    ...     return Circuit("gain", [Input("x")], populations, [Projection("x", "E", [[g]])])
    >>> sweep(build, {"g": [0.5, 2]}, backend="numpy").mean("rate_E").round(1)
    array([ 50., 200.])
    """
    seed = seed_of(seed, "sweep: seed")
    plan = describe(name, kind, [(str(key), _text(value)) for key, value in (settings or {}).items()], backend)
    there = parameters(plan)
    axes = tuple(make_axis(str(key), values, there) for key, values in over.items())
    if plan.is_bound:
        return compute(plan, axes, seeds, seed, report, workers, scheduler)
    with kept(partial(identity_of, plan, axes, seeds, seed), _say, fresh) as parts:
        found = compute(plan, axes, seeds, seed, report, workers, scheduler)
        parts.check()
        if not found.failed:
            parts.clear()
    return found


def describe(name, kind: str | None, settings: Sequence[tuple[str, str]], backend: str = "cpp") -> Subject:
    """The subject of a sweep, its kinds filled in; ``InputError`` if there is none, or it has no such kind."""
    from eisim.simulation import BACKENDS

    build = name if callable(name) else None
    name = str(name) if build is None else name_of(build)
    subject = Subject(name, ("spiking", "rate"), tuple(settings), backend, build)
    if backend not in BACKENDS:
        raise InputError(f"backend: expected 'cpp' or 'numpy', found {backend!r}")
    if kind not in (None, "rate", "spiking", "both"):
        raise InputError(f"kind: expected 'rate', 'spiking' or 'both', found {kind!r}")
    if build is not None:
        check_function(build)
        chosen = kind or ("spiking" if "kind" in inspect.signature(build).parameters else None)
        if chosen == "both":
            raise InputError("sweep: kind: expected rate or spiking for a function, found 'both'")
        return replace(subject, kinds=(chosen,) if chosen else ())
    if subject.is_file:
        name = str(Path(name).resolve())
    model = find(subject)
    if isinstance(model, Experiment):
        kinds = model.taken(subject.kinds if kind in (None, "both") else [kind])
        return replace(subject, name=name, kinds=tuple(kinds))
    if kind == "both":
        raise InputError("sweep: --kind: expected rate or spiking for a model, found 'both'")
    own = model.circuit.kind if isinstance(model.circuit, Circuit) else "spiking"
    return replace(subject, name=name, kinds=(kind or own,))


def identity_of(subject: Subject, axes: tuple[Axis, ...], seeds: int, seed: int) -> str:
    """Text that is the same for the same sweep only."""
    named = dict(subject.settings) | {
        f"{axis.name} {k}": value for axis in axes for k, value in enumerate(axis.values) if isinstance(value, str)
    }
    if subject.build is not None:
        named |= identity_of_function(subject.build)
    same = identity(subject.name, "eisim.run.sweep", named, subject.kinds, seed, subject.backend)
    return json.dumps([same, [asdict(axis) for axis in axes], seeds])


def compute(
    subject: Subject,
    axes: tuple[Axis, ...],
    seeds: int,
    seed: int,
    report: Callable[..., None],
    workers: int | None = None,
    scheduler: str | None = None,
    say: Callable[[str], None] | None = None,
) -> Sweep:
    """Compute the points that are not kept, and put all together; see `sweep`. `say` takes notes for the user."""
    say = say or _say
    _check_numbers(axes, seeds, seed, workers, scheduler)
    if subject.build is not None and scheduler is not None:
        raise InputError("sweep: scheduler: expected a model, an experiment or a file by its name, found a function")
    if subject.is_bound and (workers or 1) > 1:
        raise InputError(
            f"sweep: workers: expected 1, since only this process has the function {subject.name} (of a script, a "
            f"notebook or another function; other processes find one in a module), found {workers}"
        )
    check(subject, axes)
    seed_values = tuple(int(value) for value in np.random.SeedSequence(seed).generate_state(seeds))
    todo: list[Point] = []
    outcomes, failed = {}, {}
    said: set[str] = set()

    def begin(point):
        todo.append(point)
        return lambda: _numbers(outcomes.pop(point))

    report("looking for finished points")
    waits = {
        point: begin_part(json.dumps([point.index, point.values, point.seed]), partial(begin, point))
        for point in points_of(axes, seed_values)
    }
    found = {point: waits.pop(point)() for point in waits.keys() - set(todo)}
    if todo:
        stage = f"computing {len(todo):,} point{'s' * (len(todo) != 1)}"
        report(stage, 0.0)
        for k, (point, outcome) in enumerate(_map(subject, axes, todo, seeds, seed, workers, scheduler, say)):
            outcomes[point] = outcome
            for note in outcome.notes:
                if note not in said:
                    say(f"note: {note}")
                    said.add(note)
            try:
                found[point] = waits.pop(point)()
            except FailedError as error:
                failed[point] = str(error)
            report(stage, (k + 1) / len(todo))
    if not found:
        raise InputError(f"all points failed; the first with: {next(iter(failed.values()))}")
    return _together(subject, axes, seed, seed_values, found, failed)


def points_of(axes: tuple[Axis, ...], seeds: Sequence[int]) -> list[Point]:
    """All points, with one seed after the other: points that differ in their circuits come far from each other."""
    places = list(itertools.product(*(enumerate(axis.values) for axis in axes)))
    return [
        Point((*(k for k, _ in place), number), tuple(value for _, value in place), seed)
        for number, seed in enumerate(seeds)
        for place in places
    ]


def _map(subject, axes, todo, seeds, seed, workers, scheduler, say):
    if scheduler is None:
        if subject.is_bound and workers is None and len(todo) > 1:
            say(f"note: only this process has {subject.name}, so it computes all points; from a module, several would")
        return on_processes(Job(subject, axes), todo, workers or os.cpu_count() or 1)
    name = hashlib.sha256(identity_of(subject, axes, seeds, seed).encode()).hexdigest()[:16]
    return on_cluster(Job(subject, axes, versions(subject.name)), todo, scheduler, name, say)


def _numbers(outcome):
    if outcome.is_refused:
        raise InputError(f"--scheduler: {outcome.failure}")
    if outcome.numbers is None:
        raise FailedError(outcome.failure)
    sources.learn(outcome.files)
    return outcome.numbers


def _together(subject, axes, seed, seeds, found, failed):
    shape = (*(len(axis.values) for axis in axes), len(seeds))
    in_order = sorted(found, key=lambda point: (point.index[-1], *point.index[:-1]))
    names = list(dict.fromkeys(name for point in in_order for name in found[point]))
    numbers = {name: np.full(shape, np.nan) for name in names}
    for point in in_order:
        for name, value in found[point].items():
            numbers[name][point.index] = value
    plain = replace(subject, build=None)  # a result is data
    found = Sweep(plain, axes, seed, seeds, numbers, tuple(sorted(failed.items(), key=lambda each: each[0].index)))
    model = find(subject)
    if isinstance(model, Experiment) or model.phase is None or subject.kinds != ("spiking",):
        return found
    return with_phases(found, model.phase, model.phases)


def _check_numbers(axes, seeds, seed, workers, scheduler):
    if not axes:
        raise InputError("sweep: expected at least one parameter to sweep (--over g=3:7:9), found none")
    names = [axis.name for axis in axes]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"--over: expected each parameter once, found {name!r} twice")
        if name == "seed":
            raise InputError("--over: expected other parameters than the seed (--seeds 10), found 'seed'")
    for what, value, least in (("seeds", seeds, 1), ("seed", seed, 0), ("workers", workers, 1)):
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < least):
            raise InputError(f"{what}: expected a whole number of {least} or more, found {value!r}")
    points = math.prod(len(axis.values) for axis in axes) * seeds
    if points > MOST_POINTS:
        raise InputError(f"sweep: expected at most {MOST_POINTS:,} points and seeds, found {points:,}")
    if workers is not None and scheduler is not None:
        raise InputError("--workers: expected without --scheduler, whose workers are its own, found both")


def _text(value):
    unit = unit_of(value)
    return str(value) if unit in (None, "1") else exact_text(float(value), unit)


def _say(text):
    print(f"eisim: {text}", file=sys.stderr)


__all__ = ["Axis", "Sweep", "compute", "describe", "identity_of", "parameters", "parse_axis", "sweep"]
