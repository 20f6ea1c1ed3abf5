"""Does inhibition that was learnt come back when part of it is blocked?"""

from dataclasses import dataclass
from functools import partial

from eisim.base.errors import InputError
from eisim.base.values import Value, count, quantity

#: What replaces the defaults of a quick run.
QUICK = {"levels": 3, "seeds": 3, "size": 0.05, "learning": 15.0, "trial": 20.0, "window": 5.0}

#: Kinds of circuit that it simulates.
KINDS = ("spiking",)


@dataclass(frozen=True)
class Settings(Value):
    """Settings for ``--set``.

    Attributes
    ----------
    levels : int
        Number of fractions of inhibition blocked, from 0 to 1; one half is always among them.
    seeds : int
        Number of networks, each with its own connections and initial state.
    size, synapses : float
        Numbers of neurons, and of synapses per neuron, relative to the paper's.
    step : quantity
        Learning rate, for a synapse of the paper's weight.
    projections : str
        What is blocked, by names separated by commas; "all" for all inhibitory projections.
    learning, trial, block, window : quantity
        Duration of learning, of a trial with a block, from its beginning to the block, and of the read-out at its end.
    quick : bool
        Whether to use a smaller network, fewer fractions and seeds, and shorter times.
    """

    levels: int = count(5, 2, 101)
    seeds: int = count(5, 1, 1000)
    size: float = 0.1
    synapses: float = 2.0
    step: float = quantity(0.05e-9, "siemens", positive=True)
    projections: str = "I->E"
    learning: float = quantity(50.0, "second", positive=True, huge=600.0)
    trial: float = quantity(40.0, "second", positive=True, huge=600.0)
    block: float = quantity(5.0, "second", positive=True, huge=600.0)
    window: float = quantity(10.0, "second", positive=True, huge=600.0)
    quick: bool = False

    def __post_init__(self):
        super().__post_init__()
        if self.block + self.window > self.trial:
            raise InputError(
                f"trial: expected at least block and window, {self.block + self.window:g} s, found {self.trial:g} s"
            )


def run(settings: Settings, kinds, seed, backend, report):
    """Run the experiment with spiking networks; returns an `eisim.studies.plasticity.Recovery`."""
    import numpy as np

    from eisim.models import vogels_plasticity
    from eisim.studies.plasticity import Times, measure

    default = Settings()
    chosen = {name: getattr(settings, name) for name in QUICK}  # numbers that the user chose hold
    if settings.quick:
        chosen = {name: QUICK[name] if value == getattr(default, name) else value for name, value in chosen.items()}
    build = partial(_build, vogels_plasticity.circuit, chosen["size"], settings.synapses, settings.step)
    seeds = np.random.SeedSequence(seed).generate_state(chosen["seeds"])
    fractions = np.union1d(np.linspace(0, 1, chosen["levels"]), 0.5)
    times = Times(chosen["learning"], chosen["trial"], settings.block, chosen["window"])
    names = None if settings.projections == "all" else [name.strip() for name in settings.projections.split(",")]
    return measure(build, seeds, fractions, 0.5, times, names, backend, report)


def _build(circuit, size, synapses, step, seed):
    return circuit(seed=int(seed), size=size, synapses=synapses, step=step)


if __name__ == "__main__":
    from eisim.__main__ import main

    main("run", "plasticity")
