"""Which Boolean functions does a circuit lose with its inhibition, and is the loss necessary?"""

import re
from dataclasses import dataclass, replace
from typing import Literal

from eisim.base.errors import InputError, did_you_mean
from eisim.base.values import Value, count, quantity

INHIBITED_AND = "and-by-inhibition"
#: What a precise run has in place of the defaults, and the time constant of its synapses, in s.
PRECISE, SLOW = {"duration": 1.5, "window": 0.8, "dt": 0.1e-3}, 60e-3
CSV_FILE = re.compile(r"(?P<path>.*\.csv)(:(?P<column>.+))?", re.IGNORECASE)


@dataclass(frozen=True)
class Settings(Value):
    """Settings for ``--set``.

    Attributes
    ----------
    functions : str
        Names, truth tables, and CSV files of truth tables (``FILE.csv``, or ``FILE.csv:COLUMN`` with the column of the
        values), separated by commas.
    levels : int
        Number of fractions of inhibition removed, from 0 to 1.
    seeds : int
        Number of seeds of the membrane noise.
    noise : quantity
        Standard deviation of the free membrane potential in the noisy runs.
    duration, window, dt : quantity
        Duration of a trial, of the read-out window at its end, and of a time step.
    controls : {"all", "none"}
        Whether the full ablation is controlled: readout re-fitted, excitation scaled to compensate, and shams. Without
        them no reason of a loss is known.
    precise : bool
        Whether the f-I approximation should be close: all synapses of 60 ms, and in place of the default times steps of
        0.1 ms, trials of 1.5 s and windows of 0.8 s.
    """

    functions: str = "all"
    levels: int = count(11, 2, each=20_000)  # a circuit each
    seeds: int = count(10, 1, each=1_280)  # of 2 levels, 2 patterns and 2 neurons at least
    noise: float = quantity(0.5e-3, "volt", non_negative=True)
    duration: float = quantity(300e-3, "second", positive=True)
    window: float = quantity(200e-3, "second", positive=True)
    dt: float = quantity(0.5e-3, "second", positive=True)
    controls: Literal["all", "none"] = "all"
    precise: bool = False

    def __post_init__(self):
        super().__post_init__()
        for name, value in PRECISE.items() if self.precise else ():
            if getattr(self, name) == getattr(Settings, name):
                object.__setattr__(self, name, value)


def cases(names: str):
    """The named functions with their circuits; ``"all"`` selects the defaults, and truth tables are accepted."""
    from eisim.functions import TRUTH_TABLES, TruthTable
    from eisim.models import and_by_inhibition
    from eisim.studies.boolean import Case

    known = {name: Case.of(function) for name, function in TRUTH_TABLES.items()}
    known[INHIBITED_AND] = Case(INHIBITED_AND, TRUTH_TABLES["and"], and_by_inhibition.circuit)
    if names == "all":
        return list(known.values())
    chosen = []
    for name in map(str.strip, names.split(",")):
        if name in known:
            chosen.append(known[name])
        elif name and not set(name) - {"0", "1"}:
            chosen.append(Case.of(TruthTable(name)))
        elif match := CSV_FILE.fullmatch(name):
            chosen.append(Case.of(TruthTable.from_csv(match["path"], match["column"])))
        else:
            expected = f"a truth table, a CSV file with one, or one of {', '.join(known)}"
            raise InputError(f"functions: expected {expected}, found {name!r}{did_you_mean(name, known)}")
    if len({case.name for case in chosen}) < len(chosen):
        raise InputError(f"functions: expected each function once, found {names!r}")
    return chosen


def run(settings: Settings, kinds, seed, backend, report):
    """Run the experiment; returns an `eisim.studies.boolean.AblationResult`."""
    from eisim.studies.boolean import run_ablation

    how = protocol(settings, kinds, seed, backend)
    how = replace(how, synapses=SLOW) if settings.precise else how
    return run_ablation(cases(settings.functions), how, report)


def protocol(settings, kinds, seed, backend):
    """The protocol that settings such as these ask for."""
    import numpy as np

    from eisim.studies.boolean import Protocol

    fractions = np.linspace(0, 1, settings.levels)
    seeds = np.random.SeedSequence(seed).generate_state(settings.seeds)
    times = {name: getattr(settings, name) for name in ("duration", "window", "dt")}
    controls = settings.controls == "all"
    return Protocol(tuple(kinds), fractions, seeds, settings.noise, **times, backend=backend, controls=controls)


if __name__ == "__main__":
    from eisim.__main__ import main

    main("run", "boolean")
