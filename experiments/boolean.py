"""Which Boolean functions does a circuit lose with its inhibition, and is the loss necessary?"""

import re
from dataclasses import dataclass
from functools import partial

from eisim.base.errors import InputError, did_you_mean
from eisim.base.values import Value, quantity

INHIBITED_AND = "and-by-inhibition"
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
    """

    functions: str = "all"
    levels: int = 11
    seeds: int = 5
    noise: float = quantity(0.5e-3, "volt", non_negative=True)
    duration: float = quantity(300e-3, "second", positive=True)
    window: float = quantity(200e-3, "second", positive=True)
    dt: float = quantity(0.5e-3, "second", positive=True)

    def __post_init__(self):
        super().__post_init__()
        check_numbers(self)


def check_numbers(settings) -> None:
    """Refuse too few levels or seeds, and settings whose results do not fit in memory."""
    from eisim.base import memory

    for name, least in (("levels", 2), ("seeds", 1)):
        if getattr(settings, name) < least:
            raise InputError(f"{name}: expected at least {least}, found {getattr(settings, name)}")
    levels, seeds = settings.levels, settings.seeds
    # No circuit has fewer than 2 patterns and 2 neurons, of 160 bytes; a simulation knows better.
    memory.check("levels and seeds", levels * seeds * 640.0, f"{levels:,} levels × {seeds:,} seeds")
    memory.check("levels", levels * 20_000.0, f"{levels:,} levels, each a circuit")


def synthesised(function):
    """A truth table with the circuit that computes it with the least inhibition."""
    from eisim.studies.boolean import Case
    from eisim.theory.synthesis import synthesize

    return Case(function.name, function, partial(synthesize, function))


def cases(names: str):
    """The named functions with their circuits; ``"all"`` selects the defaults, and truth tables are accepted."""
    from eisim.functions import TRUTH_TABLES, TruthTable
    from eisim.models import and_by_inhibition
    from eisim.studies.boolean import Case

    special = {INHIBITED_AND: Case(INHIBITED_AND, TRUTH_TABLES["and"], and_by_inhibition.circuit)}
    known = {name: synthesised(function) for name, function in TRUTH_TABLES.items()} | special
    if names == "all":
        return list(known.values())
    chosen = []
    for name in names.split(","):
        name = name.strip()
        if name in known:
            chosen.append(known[name])
        elif name and not set(name) - {"0", "1"}:
            chosen.append(synthesised(TruthTable(name)))
        elif match := CSV_FILE.fullmatch(name):
            chosen.append(synthesised(TruthTable.from_csv(match["path"], match["column"])))
        else:
            near = did_you_mean(name, known)
            raise InputError(
                f"functions: expected a truth table, a CSV file with one, or one of {', '.join(known)}, "
                f"found {name!r}{near}"
            )
    if len({case.name for case in chosen}) < len(chosen):
        raise InputError(f"functions: expected each function once, found {names!r}")
    return chosen


def run(settings: Settings, kinds, seed, backend, report):
    """Run the experiment; returns an `eisim.studies.boolean.AblationResult`."""
    return measure(cases(settings.functions), settings, kinds, seed, backend, report)


def measure(cases, settings, kinds, seed, backend, report):
    """Run the experiment on these cases."""
    import numpy as np

    from eisim.studies.boolean import Protocol, run_ablation

    protocol = Protocol(
        kinds=tuple(kinds),
        fractions=np.linspace(0, 1, settings.levels),
        seeds=np.random.SeedSequence(seed).generate_state(settings.seeds),
        noise=settings.noise,
        duration=settings.duration,
        window=settings.window,
        dt=settings.dt,
        backend=backend,
    )
    return run_ablation(cases, protocol, report)


if __name__ == "__main__":
    from eisim.__main__ import main

    main("run", "boolean")
