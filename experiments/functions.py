"""What does inhibition contribute to balance, memory, decisions, rhythms and gain control?"""

import sys
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from eisim.base.errors import InputError
from eisim.base.values import ByName, Value, count
from eisim.run import registry
from eisim.run.experiment import Experiment
from eisim.run.model import Model

#: What replaces the defaults of a quick run.
QUICK = {"doses": 4, "seeds": 3}


@dataclass(frozen=True)
class Settings(Value):
    """Settings for ``--set``.

    Attributes
    ----------
    circuits : str
        Names of models, separated by commas; by default all that have a task, but for microcircuit, which takes long.
    how : str
        The ablation: block, silence (both also of cell types, as in silence:PV), cut:I->E or reversal.
    doses : int
        Number of fractions of inhibition removed, from 0 to 1.
    seeds : int
        Number of seeds; each fixes a circuit and its noise.
    quick : bool
        Whether to use the small version of each task, fewer fractions, seeds and factors, and no mean field.
    controls : {"all", "none"}
        Whether the full ablation is controlled: readout re-fitted, excitation scaled to compensate, and shams. Without
        them no reason of a loss is known.
    """

    circuits: str = ""
    how: str = "block"
    doses: int = count(6, 2, 101)
    seeds: int = count(10, 1, 1000)
    quick: bool = False
    controls: Literal["all", "none"] = "all"

    def __post_init__(self):
        from eisim.ablation import dose

        super().__post_init__()
        dose(self.how)


def of_model(model: Model) -> Experiment:
    """The experiment with one model that has a task, as in ``python -m eisim run MODEL``."""
    runs = partial(_run_one, model)
    return Experiment.of_module(sys.modules[__name__], model.name, runs, {"circuits": model.name})


def run(settings: Settings, kinds, seed, backend, report):
    """Assess the models; returns an `eisim.studies.tasks.Survey`."""
    return _survey(_models(settings.circuits), settings, kinds, seed, backend, report)


def _run_one(model, settings, kinds, seed, backend, report):
    """Assess one model, with each of its tasks, in each kind that it offers."""
    offered, left_out = [], {}
    for kind in kinds:
        try:
            model.task_of(kind, settings.quick)
            offered.append(kind)
        except InputError as error:
            left_out[kind] = str(error)
    if not offered:
        raise InputError(next(iter(left_out.values())))
    found = _survey(model.with_each_task, settings, offered, seed, backend, report)
    return replace(found, assessments=tuple(replace(a, left_out=a.left_out | left_out) for a in found.assessments))


def _survey(models, settings, kinds, seed, backend, report):
    import numpy as np

    from eisim.studies.tasks import survey

    doses, n_seeds = settings.doses, settings.seeds
    if settings.quick:  # numbers that the user chose hold
        doses = QUICK["doses"] if doses == Settings.doses else doses
        n_seeds = QUICK["seeds"] if n_seeds == Settings.seeds else n_seeds
    seeds = np.random.SeedSequence(seed).generate_state(n_seeds)
    how = {
        "kinds": kinds,
        "doses": doses,
        "how": settings.how,
        "controls": settings.controls,
        "backend": backend,
    }
    return survey(models, seeds, settings.quick, report, **how)


def _models(names):
    """Models that have a task, by name, in the order of their functions."""
    known = ByName("circuits", sorted(registry.models().items()))
    chosen = [name.strip() for name in names.split(",")] if names else [*known]
    with_task = {name: model for name in chosen if (model := known[name]()).task is not None}
    if names and (without := [name for name in chosen if name not in with_task]):
        raise InputError(f"circuits: expected models that have a task, found {without[0]!r}")
    if not with_task:
        raise InputError("circuits: expected at least one model that has a task, found none")
    if not names:
        with_task = {name: model for name, model in with_task.items() if not model.on_request}
    in_order = sorted(with_task.items(), key=lambda item: (item[1].word, item[0]))
    return {name: each for _, model in in_order for name, each in model.with_each_task.items()}


if __name__ == "__main__":
    from eisim.__main__ import main

    main("run", "functions")
