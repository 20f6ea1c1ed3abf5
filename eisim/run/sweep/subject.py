"""What is swept, a model, an experiment or a file of the user's own: its parameters, and its numbers at one point."""

import inspect
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from eisim.base.display import display
from eisim.base.errors import InputError
from eisim.base.progress import silent
from eisim.base.schema import Parameter, lookup
from eisim.base.units import exact_text
from eisim.base.user_files import blamed_on
from eisim.run import registry
from eisim.run.model import Model
from eisim.run.sweep.axes import Axis, Scalar, convert, read_value, swept

#: Parameters of the simulation of any circuit; the stimulus is that of all inputs, in units of their rates.
SIMULATION = {
    "stimulus": Parameter("stimulus", float, "1"),
    "duration": Parameter("duration", float, "second"),
    "window": Parameter("window", float, "second"),
    "dt": Parameter("dt", float, "second"),
}
DEFAULT_TIMES = {"duration": 300e-3, "window": 200e-3, "dt": 0.1e-3}
#: Intervals that a neuron needs for its CV to count: in sparse activity few have more.
INTERVALS = 4


@dataclass(frozen=True)
class Subject:
    """What is swept, in plain values, so that another process or machine makes the same of it.

    Attributes
    ----------
    name : str
        A model, an experiment, or the path of a file.
    kinds : tuple of str
        Of circuits: one for a model, one or two for an experiment.
    settings : tuple of (str, str)
        Parameters that are the same at all points, as text.
    backend : {"cpp", "numpy"}
    """

    name: str
    kinds: tuple[str, ...]
    settings: tuple[tuple[str, str], ...] = ()
    backend: str = "cpp"

    @property
    def is_file(self) -> bool:
        """Whether it is a file of the user's own."""
        return registry.is_file(self.name)

    @property
    def title(self) -> str:
        """What to call it."""
        return Path(self.name).stem if self.is_file else self.name


@dataclass(frozen=True)
class Point:
    """A place on the axes, and a seed.

    Attributes
    ----------
    index : tuple of int
        Of its value on each axis, then of its seed.
    values : tuple of float, int, bool or str
        One for each axis.
    seed : int
    """

    index: tuple[int, ...]
    values: tuple[Scalar, ...]
    seed: int

    def show(self, axes: tuple[Axis, ...]) -> str:
        """The point in words: ``"g = 3, eta = 0.5, seed 2968811710"``."""
        named = [f"{axis.name} = {axis.show(value)}" for axis, value in zip(axes, self.values, strict=True)]
        return ", ".join([*named, f"seed {self.seed}"])


@cache
def find(subject: Subject) -> Model | None:
    """The model that is swept; ``None`` if the subject is an experiment.

    Raises
    ------
    InputError
        If it is neither.
    """
    found = registry.find(subject.name, "sweep")
    return found if isinstance(found, Model) else None


@cache
def parameters(subject: Subject) -> dict[str, Parameter]:
    """The parameters that can be swept, by name."""
    model = find(subject)
    if model is None:
        experiment = _experiment(subject.name)
        found = swept(experiment.settings)
        return {name: parameter for name, parameter in found.items() if name not in experiment.given}
    return _of_task(model) | _of_circuit(model) | SIMULATION


def check(subject: Subject, axes: tuple[Axis, ...]) -> None:
    """See that what is set is there, is not swept as well, and can be read.

    Raises
    ------
    InputError
    """
    there, swept = parameters(subject), {axis.name for axis in axes}
    for name, text in subject.settings:
        if name in swept:
            raise InputError(f"--set: {name}: expected a parameter that is not swept, found one of --over")
        read_value(lookup(name, there, "--set"), text)


def measure(subject: Subject, axes: tuple[Axis, ...], point: Point) -> dict[str, float]:
    """The numbers of one point; they depend on these arguments and on nothing else.

    Returns
    -------
    dict of str to float
        For a circuit what `circuit_numbers` gives; for an experiment the numbers of its JSON document.
    """
    model = find(subject)
    if model is None:
        return _measure_experiment(subject, axes, point)
    there = parameters(subject)
    values: dict[str, Any] = {
        name: convert(there[name], _measured(there[name], text)) for name, text in subject.settings
    }
    for axis, value in zip(axes, point.values, strict=True):
        values[axis.name] = convert(there[axis.name], axis.given(value))
    with blamed_on(model.file) if model.is_users else nullcontext():
        return _measure_circuit(model, subject, values, point.seed)


def _measured(parameter, text):
    value, unit = read_value(parameter, text)
    return Axis(parameter.name, (value,), unit).given(value)


def _change(axis, value):
    text = exact_text(value, axis.unit) if axis.unit else str(value)
    return f"{axis.name}={text}"


def _changes(settings):
    return [f"{name}={text}" for name, text in settings]


def _of_task(model):
    return swept(model.task, ("kind",)) if inspect.isroutine(model.task) else {}


def _of_circuit(model):
    return swept(model.circuit, ("kind", "seed")) if inspect.isroutine(model.circuit) else {}


def _measure_experiment(subject, axes, point):
    changes = [_change(axis, value) for axis, value in zip(axes, point.values, strict=True)]
    experiment = _experiment(subject.name)
    settings = experiment.with_changes([*_changes(subject.settings), *changes])
    result = experiment.run(settings, list(subject.kinds), point.seed, subject.backend, silent)
    return numbers_of(display("view", result)(result).to_json())


@cache
def _experiment(name):
    return registry.experiment_of(name)


def numbers_of(document: Mapping) -> dict[str, float]:
    """The numbers of a JSON document, by the way that leads to them: ``rows.xor.floor``.

    Rows are named by their first text where that tells them apart, else by their place. Lists of plain numbers are left
    out.
    """
    found: dict[str, float] = {}

    def walk(value, way):
        value = value.item() if isinstance(value, np.generic) else value
        if isinstance(value, (bool, int, float)):
            found[".".join(way)] = float(value)
        elif value is None and way:
            found[".".join(way)] = np.nan
        elif isinstance(value, Mapping):
            for key, inner in value.items():
                walk(inner, (*way, str(key)))
        elif isinstance(value, (list, tuple)) and value and all(isinstance(row, Mapping) for row in value):
            names = [next((cell for cell in row.values() if isinstance(cell, str)), "") for row in value]
            if "" in names or len(set(names)) < len(names):
                names = list(map(str, range(len(names))))
            for name, row in zip(names, value, strict=True):
                walk(row, (*way, name))

    walk(document, ())
    return found


def _measure_circuit(model, subject, values, seed):
    from eisim.simulation import simulate

    (kind,) = subject.kinds
    circuit, stimuli, times, record, score = _protocol(model, kind, values, seed)
    response = simulate(circuit, stimuli, **times, seed=seed, record=record, backend=subject.backend, report=silent)
    return ({} if score is None else {"score": float(score(response))}) | circuit_numbers(response)


def _protocol(model, kind, values, seed):
    """Circuit, stimuli, times, whether spikes are needed, and the score if there is one."""
    simulation = {name: values[name] for name in SIMULATION if name in values}
    of_task = {name: values[name] for name in _of_task(model) if name in values}
    of_circuit = {name: values[name] for name in values if name not in simulation and name not in of_task}
    simulation = {**model.sweep, **simulation}
    times = {name: simulation.get(name, DEFAULT_TIMES[name]) for name in DEFAULT_TIMES}
    if model.task is None:
        circuit = _make_circuit(model, kind, seed, of_circuit)
        stimuli, score = _of_function(model, circuit)
        task = None
    else:
        passed_on = _takes_any(model.task)
        task = model.task
        if callable(task):
            task = task(kind, **of_task, **(of_circuit if passed_on else {}))
        own = of_circuit and not passed_on
        circuit = _make_circuit(model, kind, seed, of_circuit) if own else task.circuit(seed)
        stimuli, score = task.stimuli, task.score
        times = {name: simulation.get(name, getattr(task, name)) for name in times}
    if "stimulus" in simulation:
        if set(of_task) - {"quick"}:
            raise InputError(f"stimulus: expected without {', '.join(of_task)}, found both")
        stimuli, score = np.full((1, circuit.n_inputs), float(simulation["stimulus"])), None
    record = circuit.kind == "spiking" or bool(task is not None and task.record)
    return circuit, stimuli, times, record, score


def _make_circuit(model, kind, seed, values):
    from eisim.circuit import Circuit

    make, given = model.circuit, {"kind": kind, "seed": seed}
    if isinstance(make, Circuit):
        circuit = make
    else:
        takes = inspect.signature(make).parameters
        circuit = make(**values, **{name: given[name] for name in given if name in takes or _takes_any(make)})
    if not isinstance(circuit, Circuit):
        raise InputError(f"circuit: expected a Circuit, found {circuit!r:.60}")
    if circuit.kind != kind:
        raise InputError(f"circuit: expected a {kind} circuit, found a {circuit.kind} one (--kind)")
    return circuit


def _takes_any(function):
    return inspect.isroutine(function) and any(
        each.kind is each.VAR_KEYWORD for each in inspect.signature(function).parameters.values()
    )


def _of_function(model, circuit):
    """Stimuli and score of a circuit that has no task: all patterns of a truth table, else one trial of 1."""
    from eisim.functions import TRUTH_TABLES, TruthTable

    given = model.function
    if isinstance(given, str):
        given = TRUTH_TABLES.get(given) or (TruthTable(given) if given and not set(given) - {"0", "1"} else None)
    if not isinstance(given, TruthTable) or given.n_inputs != circuit.n_inputs or circuit.n_readouts != 1:
        return np.ones((1, circuit.n_inputs)), None
    return given.patterns, lambda response: (response.decisions[:, 0] == given.values).mean()


def circuit_numbers(response) -> dict[str, float]:
    """What is measured of a circuit, over the read-out window, the mean over trials; NaN where it cannot be.

    Of each population its ``rate`` (Hz); where spikes are recorded also the coefficient of variation of inter-spike
    intervals (``cv``), ``synchrony`` and ``modulation`` of the population rate, ``correlation`` of spike counts, and
    ``frequency`` (Hz) and ``prominence`` of the strongest rhythm (see `eisim.analysis.activity`).
    """
    from eisim.analysis import activity

    found: dict[str, float] = {}
    for population in response.circuit.populations:
        name = population.name
        found[f"rate_{name}"] = float(response.rates[name].mean())
        if response.circuit.kind != "spiking" or name not in (response.spikes or {}):
            continue
        narrow, wide = (max(1, round(width / response.dt)) * response.dt for width in (1e-3, 5e-3))
        measures = {
            "cv": lambda name=name: activity.irregularity(response, name, INTERVALS),
            "synchrony": lambda name=name, width=narrow: activity.synchrony(response, name, width),
            "modulation": lambda name=name, width=narrow: activity.modulation(response, name, width),
            "correlation": lambda name=name, width=wide: activity.correlation(response, name, width),
        }
        for what, compute in measures.items():
            found[f"{what}_{name}"] = _mean(compute)
        found |= _rhythm(activity, response, name, narrow)
    return found


def _rhythm(activity, response, name, bin_width):
    keys = (f"frequency_{name}", f"prominence_{name}")
    try:
        rhythm = activity.rhythm(response, name, bin_width)
    except InputError:  # a window too short for any rhythm
        return dict.fromkeys(keys, np.nan)
    return dict(zip(keys, (_mean(lambda: rhythm.frequency), _mean(lambda: rhythm.prominence)), strict=True))


def _mean(compute):
    """Over trials, those left out that have none."""
    try:
        values = np.asarray(compute(), dtype=float)
    except InputError:  # a window too short for the measure
        return np.nan
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else np.nan
