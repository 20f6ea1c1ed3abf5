"""Assessment: a task against the fraction ablated, as spiking circuit, rate circuit and equivalent DNN."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from eisim.ablation import InapplicableError, dose
from eisim.analysis.task import Task
from eisim.base.errors import InputError
from eisim.base.progress import headed, shows_progress
from eisim.base.seeds import Seed, seed_of
from eisim.base.store.checkpoint import expect, part
from eisim.circuit import Circuit
from eisim.simulation.cuda import CUDA
from eisim.studies.controls import FACTORS, FEW_FACTORS
from eisim.studies.tasks.apart import assess_apart
from eisim.studies.tasks.judge import begin_to_judge, dnn_response
from eisim.studies.tasks.result import Assessment, Judged, Survey
from eisim.studies.tasks.witness import Witness

KINDS = ("spiking", "rate")


@shows_progress
def assess(
    task: Task | Callable[[str], Task],
    *,
    kinds: Sequence[str] = KINDS,
    doses: int | Sequence[float] = 6,
    seeds: int | Sequence[Seed] | np.random.Generator = 10,
    how: str = "block",
    controls: str = "all",
    quick: bool = False,
    name: str = "",
    function: str = "",
    backend: str = "cpp",
    report: Callable[..., None] | None = None,
) -> Assessment:
    """Ablate a task's circuit by fractions, and judge each fraction by the task's score.

    All fractions and seeds of a kind are simulated as one batch.

    Parameters
    ----------
    task : Task or callable
        One task, or a function from kind to task such as models have.
    kinds : sequence of {"spiking", "rate"}
        Kinds for which a function is called; a single task has its own kind.
    doses : int or sequence of float
        Number of fractions, evenly spaced from 0 to 1, or the fractions, increasing from 0.
    seeds : int, sequence of int or Generator, or Generator
        How many, from 0 on, or which (a Generator is one): each draws the circuit's random parts and its noise.
    how : str
        What is removed: ``"block"``, ``"silence"``, ``"silence:PV"``, ``"cut:I->E"`` or ``"reversal"``; see
        `eisim.ablation.dose`.
    controls : {"all", "none"}
        Whether the full ablation is controlled: excitation scaled to compensate, and shams. Without controls no reason
        of a loss is known.
    quick : bool
        Whether to scale excitation by fewer factors, and to leave out the mean-field prediction.
    name, function : str
        For the table; the name is that of the circuit by default.
    backend, report
        As for `eisim.simulate`.

    Returns
    -------
    Assessment

    Raises
    ------
    InputError
        For bad doses, seeds or kinds, or if no circuit has what is to be ablated.

    Examples
    --------
    >>> from functools import partial
    >>> from eisim import assess
    >>> from models import center_surround
    >>> task = partial(center_surround.task, quick=True)
    >>> assess(task, kinds=["rate"], doses=2, seeds=1, backend="numpy").verdict
    'lost'
    """
    change, doses, seeds = dose(how), _doses(doses), _seeds(seeds)
    if not isinstance(task, Task) and not callable(task):
        raise InputError(f"assess: task: expected a Task or a function from kind to Task, found {task!r}")
    for kind in kinds:
        if kind not in KINDS:
            raise InputError(f"assess: kinds: expected some of {', '.join(KINDS)}, found {kind!r}")
    if controls not in ("all", "none"):
        raise InputError(f"assess: controls: expected all or none, found {controls!r}")
    tasks = [task] if isinstance(task, Task) else [task(kind) for kind in kinds]
    found, left_out, intact = {}, {}, [[_circuit(each, seed) for seed in seeds] for each in tasks]
    for each, circuits in zip(tasks, intact, strict=True):
        try:
            change.apply(circuits[0], float(doses[-1]))
        except InapplicableError as error:
            left_out[circuits[0].kind] = error
        else:
            found[circuits[0].kind] = (each, circuits)
    running = {
        kind: begin_to_judge(
            *of_kind, change, doses, seeds, _factors(controls, quick), not quick, backend, report, name
        )
        for kind, of_kind in found.items()
    }
    judged = {}
    for kind, finish in running.items():
        try:
            judged[kind] = finish()
        except InapplicableError as error:
            left_out[kind] = error
    if not judged:
        raise next(iter(left_out.values()))
    left_out = {kind: str(error) for kind, error in left_out.items()}
    return Assessment(name or intact[0][0].name, function, how, doses, tuple(seeds), judged, left_out)


def survey(models: Mapping, seeds: Sequence[int], quick: bool, report: Callable[..., None], **how) -> Survey:
    """Assess models, each a part of the run, in processes if there are several; what else `assess` takes is the same.

    Models without what is to be ablated are left out; `eisim.ablation.InapplicableError` if no other is there.
    """
    expect(len(models))
    heads = {name: f"{name} ({k + 1} of {len(models)})" for k, name in enumerate(models)}

    def say(name):
        return headed(report, heads[name])

    calls = {name: partial(_assess_model, name, model, seeds, quick, how) for name, model in models.items()}
    outcomes, failed = ({}, []) if how.get("backend") == CUDA else assess_apart(calls, say)  # one GPU
    for name in [*failed, *models]:
        if name not in outcomes:
            say(name)("building")
            try:
                outcomes[name] = part(name, partial(calls[name], report=say(name)))
            except InapplicableError as error:
                outcomes[name] = error
            except InputError as error:
                raise InputError(f"{name}: {error}") from None
    found = [
        replace(outcomes[name], published=model.last_measured())
        for name, model in models.items()
        if not isinstance(outcomes[name], InapplicableError)
    ]
    left_out = {name: outcomes[name] for name in models if isinstance(outcomes[name], InapplicableError)}
    if not found:
        raise next(iter(left_out.values()))
    return Survey(tuple(found), {name: str(error) for name, error in left_out.items()}, quick)


def _assess_model(name, model, seeds, quick, how, report) -> Assessment:
    task = partial(model.task_of, quick=quick)
    return assess(task, seeds=seeds, quick=quick, report=report, name=name, function=model.word, **how)


def _factors(controls, quick):
    """By how much excitation is scaled, or ``None`` without controls."""
    return None if controls == "none" else FEW_FACTORS if quick else FACTORS


def _circuit(task, seed):
    circuit = task.circuit(seed)
    if not isinstance(circuit, Circuit):
        raise InputError(f"Task.circuit: expected a function from a seed to a Circuit, found one to {circuit!r}")
    return circuit


def _doses(doses):
    if isinstance(doses, (int, np.integer)) and not isinstance(doses, bool):
        if doses < 2:
            raise InputError(f"doses: expected at least 2, with none and all, found {doses}")
        return np.linspace(0, 1, doses)
    doses = np.asarray(doses, dtype=float)
    if doses.ndim != 1 or doses.size < 2 or doses[0] != 0 or (np.diff(doses) <= 0).any() or doses[-1] > 1:
        raise InputError(f"doses: expected numbers that increase from 0 to at most 1, found {doses.tolist()}")
    return doses


def _seeds(seeds):
    if isinstance(seeds, (int, np.integer)) and not isinstance(seeds, bool):
        seeds = range(seeds)
    if isinstance(seeds, np.random.Generator):
        seeds = [seeds]
    if isinstance(seeds, str) or not np.iterable(seeds) or not len(seeds := list(seeds)):
        raise InputError(f"assess: seeds: expected at least one whole number of 0 or more, found {seeds!r:.60}")
    return [seed_of(seed, "assess: seeds") for seed in seeds]


__all__ = ["Assessment", "Judged", "Survey", "Witness", "assess", "dnn_response", "survey"]
