"""What does inhibition do in recurrent networks that were trained with and without it?"""

from dataclasses import dataclass, replace
from typing import Literal

from eisim.base.errors import InputError
from eisim.base.values import Value, count

#: What replaces the defaults of a quick run.
QUICK = {"levels": 3}
#: Trials of a set, unless their number is given.
TRIALS = 48

#: Kinds of circuit that it simulates.
KINDS = ("rate",)


@dataclass(frozen=True)
class Settings(Value):
    """Settings for ``--set``.

    Attributes
    ----------
    task : str
        One of `eisim.RECURRENT_TASKS`: perceptual_decision by default, or what a network of one's own was trained on.
    network : str
        A file that `eisim.save` wrote, of one RecurrentNetwork or several, which take the place of those with
        inhibition that come with eisim.
    pathways : str
        What is ablated under Dale's law, by names separated by commas; all inhibition, E->I, I->E and I->I by default.
    levels : int
        Number of fractions, from 0 to 1.
    seeds : int
        Number of sets of trials, each with its own noise.
    repeats : int
        Trials of each condition in a set; by default (0) 4, or fewer for tasks with more than 12 conditions.
    quick : bool
        Whether to use one network of each kind, fewer fractions and trials.
    controls : {"all", "none"}
        Whether the full ablation is controlled: readout re-fitted, excitation scaled to compensate, and shams. Without
        them no reason of a loss is known.
    """

    task: str = ""
    network: str = ""
    pathways: str = ""
    levels: int = count(6, 2, 101)
    seeds: int = count(10, 1, 1000)
    repeats: int = count(0, 0, 1000)
    quick: bool = False
    controls: Literal["all", "none"] = "all"


def run(settings: Settings, kinds, seed, backend, report):
    """Run the experiment with rate circuits; returns an `eisim.studies.rnn.TrainedNetworks`."""
    import numpy as np

    from eisim.run.trained import networks_of
    from eisim.studies.rnn import PATHWAYS, measure

    if settings.quick:  # numbers that the user chose hold
        kept = {name: getattr(settings, name) for name in QUICK if getattr(settings, name) != getattr(Settings, name)}
        settings = replace(settings, **QUICK | kept)
    task, networks = networks_of(settings.task, settings.network, settings.quick)
    repeats = settings.repeats or min(2 if settings.quick else 4, max(1, TRIALS // len(task.conditions)))
    named = [name.strip() for name in settings.pathways.split(",")] if settings.pathways else PATHWAYS
    if not all(named):
        raise InputError(f"pathways: expected some of {', '.join(PATHWAYS)}, found {settings.pathways!r:.60}")
    seeds = np.random.SeedSequence(seed).generate_state(settings.seeds)
    fractions, controls = np.linspace(0, 1, settings.levels), settings.controls == "all"
    return measure(networks, task, fractions, seeds, repeats, named, controls, backend, report)


if __name__ == "__main__":
    from eisim.__main__ import main

    main("run", "rnn")
