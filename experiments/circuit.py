"""What does a circuit of your own lose with its inhibition?"""

import sys
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

from eisim.base.errors import InputError
from eisim.base.user_files import load_file
from eisim.base.values import Value, count, quantity
from eisim.experiments import boolean
from eisim.run.experiment import Experiment
from eisim.run.model import Model


@dataclass(frozen=True)
class Settings(Value):
    """Settings for ``--set``.

    Attributes
    ----------
    file : str
        Python file that defines ``circuit`` and, optionally, ``function`` (see `eisim.studies.circuit.read_circuit`).
    levels : int
        Number of fractions of inhibition removed, from 0 to 1.
    seeds : int
        Number of seeds of the membrane noise.
    noise : quantity
        Standard deviation of the free membrane potential in the noisy runs of truth tables.
    duration, window, dt : quantity
        Duration of a trial, of the read-out window at its end, and of a time step.
    controls : {"all", "none"}
        Whether the full ablation is controlled: readout re-fitted, excitation scaled to compensate, and shams. Without
        them no reason of a loss is known.
    """

    file: str = ""
    levels: int = count(11, 2, each=20_000)  # a circuit each
    seeds: int = count(10, 1, each=1_280)  # of 2 levels, 2 patterns and 2 neurons at least
    noise: float = quantity(0.5e-3, "volt", non_negative=True)
    duration: float = quantity(300e-3, "second", positive=True)
    window: float = quantity(200e-3, "second", positive=True)
    dt: float = quantity(0.5e-3, "second", positive=True)
    controls: Literal["all", "none"] = "all"


@dataclass(frozen=True)
class RecordSettings(Settings):
    """Settings with ``--record``.

    Attributes
    ----------
    record : str
        What to record of each population, intact and without inhibition, such as ``PYR:v,g_e;PV:spikes``.
    """

    record: str = ""


def of_model(model: Model) -> Experiment:
    """The experiment on the circuit of a file or a model, whose function is given or inferred from the circuit."""
    return Experiment.of_module(sys.modules[__name__], model.name, partial(_run, model), {"file": model.file})


def run(settings: Settings, kinds, seed, backend, report):
    """Run the experiment; returns an `eisim.studies.points.OwnResult`."""
    if not settings.file:
        raise InputError("file: expected a Python file that defines circuit, found none (--set file=my_circuit.py)")
    path = Path(settings.file)
    return _run(Model.of_module(load_file(path), path.stem), settings, kinds, seed, backend, report)


def _run(model, settings, kinds, seed, backend, report):
    from eisim.base.timing import Timing
    from eisim.studies.circuit import read_circuit
    from eisim.studies.points import measure
    from eisim.studies.recording import asked, recorded

    Timing(settings.duration, settings.window, settings.dt)
    report("reading the circuit")
    protocol = boolean.protocol(settings, kinds, seed, backend)
    own = read_circuit(model.module, model.name, model.function or None, kinds, protocol.times)
    record = getattr(settings, "record", "")
    if not record:
        return measure(own, protocol, seed, report)
    responses, notes = recorded(own, asked(record.split(";")), protocol, seed, report)
    return replace(measure(own, protocol, seed, report), recorded=responses, not_recorded=notes)


if __name__ == "__main__":
    from eisim.__main__ import main

    main("run", "circuit")
