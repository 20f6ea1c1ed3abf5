"""The subject of a sweep (a model, an experiment or a user's file): its parameters, and its values at one point."""

import inspect
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np

from eisim.base.display import display
from eisim.base.errors import InputError
from eisim.base.progress import silent
from eisim.base.schema import Parameter, lookup
from eisim.base.units import exact_text
from eisim.base.user_files import blamed_on
from eisim.run import registry
from eisim.run.experiment import Experiment
from eisim.run.model import Model
from eisim.run.sweep.axes import Axis, Scalar, read_value, swept, taken
from eisim.run.sweep.function import is_known_elsewhere, model_of

#: Parameters of the simulation of any circuit; the stimulus is that of all inputs, in units of their rates.
SIMULATION = {
    name: Parameter(name, float, unit)
    for name, unit in (("stimulus", "1"), ("duration", "second"), ("window", "second"), ("dt", "second"))
}
DEFAULT_TIMES = {"duration": 300e-3, "window": 200e-3, "dt": 0.1e-3}
#: Intervals that a neuron needs for its CV to count: in sparse activity few have more.
INTERVALS = 4


@dataclass(frozen=True)
class Subject:
    """The subject of a sweep in plain values, so that another process or machine reproduces it.

    The name is that of a model, an experiment, or a file; models have one kind of circuit, experiments one or two; the
    settings, as text, are parameters that are the same at all points. Or a function builds the circuits, whose name it
    is then; of these there need be no kind, which stands for any.
    """

    name: str
    kinds: tuple[str, ...]
    settings: tuple[tuple[str, str], ...] = ()
    backend: str = "cpp"
    build: Callable | None = field(default=None, repr=False)

    @property
    def is_file(self) -> bool:
        """Whether it is a file of the user's own."""
        return self.build is None and registry.is_file(self.name)

    @property
    def is_bound(self) -> bool:
        """Whether this is a function that no other process can have."""
        return self.build is not None and not is_known_elsewhere(self.build)

    @property
    def title(self) -> str:
        """Its name."""
        return Path(self.name).stem if self.is_file else self.name


@dataclass(frozen=True)
class Point:
    """A place on the axes, and a seed; the index is that of its value on each axis, then of its seed."""

    index: tuple[int, ...]
    values: tuple[Scalar, ...]
    seed: int

    def show(self, axes: tuple[Axis, ...]) -> str:
        """The point as text: ``"g = 3, eta = 0.5, seed 2968811710"``."""
        named = [f"{axis.name} = {axis.show(value)}" for axis, value in zip(axes, self.values, strict=True)]
        return ", ".join([*named, f"seed {self.seed}"])


def find(subject: Subject) -> Model | Experiment:
    """The model or experiment that is swept; ``InputError`` if the subject is neither."""
    return _found(subject) if subject.build is None else model_of(subject.build)


@cache
def _found(subject):
    found = registry.find(subject.name, "sweep")
    return found if isinstance(found, Model) else registry.experiment_of(subject.name)


def parameters(subject: Subject) -> dict[str, Parameter]:
    """The parameters that can be swept, by name."""
    return _parameters(subject) if subject.build is None else _parameters_of(find(subject))


@cache
def _parameters(subject):
    return _parameters_of(find(subject))


def _parameters_of(found):
    if isinstance(found, Experiment):
        return swept(found.settings, found.given)
    return _made_by(found.task, "kind") | _made_by(found.circuit, "kind", "seed") | SIMULATION


def check(subject: Subject, axes: tuple[Axis, ...]) -> None:
    """Refuse settings that are not there, are swept as well, or cannot be read."""
    there, swept = parameters(subject), {axis.name for axis in axes}
    for name, text in subject.settings:
        if name in swept:
            raise InputError(f"--set: {name}: expected a parameter that is not swept, found one of --over")
        read_value(lookup(name, there, "--set"), text)
    if subject.build is not None:
        _check_taken(subject, swept | {name for name, _ in subject.settings})


def _check_taken(subject, given):
    """Refuse a function that lacks an argument, or whose parameters have the names of those of the simulation."""
    for name, each in inspect.signature(subject.build).parameters.items():
        if name in SIMULATION:
            others = ", ".join(SIMULATION)
            raise InputError(
                f"sweep: {subject.name}: expected parameters with other names than those of the simulation ({others}), "
                f"found {name!r}"
            )
        if each.default is each.empty and each.kind is not each.VAR_KEYWORD and name not in {*given, "kind", "seed"}:
            raise InputError(f"sweep: {subject.name}: expected a value of {name!r} (in over or settings), found none")


def measure(subject: Subject, axes: tuple[Axis, ...], point: Point) -> dict[str, float]:
    """The numbers of one point, by these arguments alone: `circuit_numbers`, or those of an experiment's JSON."""
    found = find(subject)
    if isinstance(found, Experiment):
        return _measure_experiment(found, subject, axes, point)
    there = parameters(subject)
    values = {name: taken(there[name], *read_value(there[name], text)) for name, text in subject.settings}
    for axis, value in zip(axes, point.values, strict=True):
        values[axis.name] = taken(there[axis.name], value, axis.unit)
    with blamed_on(found.file) if found.is_users else nullcontext():
        return _measure_circuit(found, subject, values, point.seed)


def _made_by(function, *leave_out):
    """The parameters of what makes a task or a circuit; none of what is one."""
    return swept(function, leave_out) if inspect.isroutine(function) else {}


def _measure_experiment(experiment, subject, axes, point):
    changes = [f"{name}={text}" for name, text in subject.settings]
    for axis, value in zip(axes, point.values, strict=True):
        changes.append(f"{axis.name}={exact_text(value, axis.unit) if axis.unit else value}")
    settings = experiment.with_changes(changes)
    result = experiment.run(settings, list(subject.kinds), point.seed, subject.backend, silent)
    return numbers_of(display("view", result)(result).to_json())


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

    kind = next(iter(subject.kinds), None)
    simulation = {**model.sweep, **{name: values[name] for name in SIMULATION if name in values}}
    of_task = {name: values[name] for name in _made_by(model.task, "kind") if name in values}
    of_circuit = {name: values[name] for name in values if name not in SIMULATION and name not in of_task}
    task, usual = model.task, DEFAULT_TIMES
    if task is None:
        circuit = _make_circuit(model, kind, seed, of_circuit)
        stimuli, score = _of_function(model, circuit)
    else:
        passed_on = _takes_any(task)
        if callable(task):
            task = task(kind, **of_task, **(of_circuit if passed_on else {}))
        own = of_circuit and not passed_on
        circuit = _make_circuit(model, kind, seed, of_circuit) if own else task.circuit(seed)
        stimuli, score = task.stimuli, task.score
        usual = {name: getattr(task, name) for name in DEFAULT_TIMES}
    if "stimulus" in simulation:
        if set(of_task) - {"quick"}:
            raise InputError(f"stimulus: expected without {', '.join(of_task)}, found both")
        stimuli, score = np.full((1, circuit.n_inputs), float(simulation["stimulus"])), None
    times = {name: simulation.get(name, usual[name]) for name in usual}
    record = circuit.kind == "spiking" or bool(task is not None and task.record)
    response = simulate(circuit, stimuli, **times, seed=seed, record=record, backend=subject.backend, report=silent)
    return ({} if score is None else {"score": float(score(response))}) | circuit_numbers(response)


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
    if kind not in (None, circuit.kind):
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
    """Measures of a circuit over the read-out window, averaged over trials; NaN where undefined.

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
            "cv": (activity.irregularity, INTERVALS),
            "synchrony": (activity.synchrony, narrow),
            "modulation": (activity.modulation, narrow),
            "correlation": (activity.correlation, wide),
        }
        for what, (measure, how) in measures.items():
            found[f"{what}_{name}"] = over_known(_tried(measure, response, name, how))
        rhythm = _tried(activity.rhythm, response, name, narrow)
        for what in ("frequency", "prominence"):
            found[f"{what}_{name}"] = over_known(getattr(rhythm, what, np.nan))
    return found


def _tried(measure, *of):
    """The value of a measure; NaN for a window that is too short."""
    try:
        return measure(*of)
    except InputError:
        return np.nan


def over_known(values, function=np.mean) -> float:
    """A statistic of the values that are finite; NaN if none is."""
    values = np.asarray(values, dtype=float)
    known = values[np.isfinite(values)]
    return float(function(known)) if known.size else np.nan
