"""What is recorded of a circuit over time: which variables of which neurons, in which trials, how often."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from eisim.base.errors import InputError, did_you_mean
from eisim.base.timing import Timing
from eisim.base.units import scalar_si
from eisim.circuit import Circuit, Population
from eisim.neurons import Neuron
from eisim.neurons.kinetics import kinetic_variables, quantity_of
from eisim.neurons.spiking import EXCITATORY, differential
from eisim.plasticity.text import WEIGHT
from eisim.weights import Independent

#: What is asked for to have the spikes of a population or an input.
SPIKES = "spikes"
#: The current that inputs inject, with the bias; in code it is the bias.
INJECTED, BIAS = "I_ext", "bias"
_POSITIVE = "depolarising positive"
#: Units of Brian2's equations, as they are written beside numbers.
_SYMBOLS = {"volt": "V", "siemens": "S", "ampere": "A", "hertz": "Hz", "second": "s", "farad": "F"}
DENSITY = "A/m^2"
_SYMBOLS |= {"metre ** -2 * amp": DENSITY, "metre ** -4 * kilogram ** -1 * second ** 3 * amp ** 2": "S/m^2"}
#: The current through gap junctions, where no equation of a neuron has a variable of that name.
GAP = "I_gap"
_OF_RECEPTOR = {"e": "excitatory", "i": "inhibitory", "n": "NMDA"}


def symbol(unit: str) -> str:
    """A unit of Brian2's equations as it is written beside numbers."""
    return _SYMBOLS.get(unit, unit)


@dataclass(frozen=True)
class Variable:
    """A variable that a population has to record, with its unit."""

    unit: str
    meaning: str


@dataclass(frozen=True)
class Request:
    """What is to be recorded of a circuit."""

    spikes: tuple[str, ...]  # inputs and populations
    variables: dict[str, tuple[str, ...]]  # by population, or projection that learns
    neurons: dict[str, np.ndarray]  # by population, their numbers; by projection those of its synapses
    trials: np.ndarray  # numbers
    every: int  # steps


def recordable(circuit: Circuit, population: Population) -> dict[str, Variable]:
    """What can be recorded of a population, but for its spikes, by name."""
    neuron = population.neuron
    if neuron.kind == "rate":
        drives = {f"I_{k}": f"input from {_OF_RECEPTOR[k]} sources" for k in "ei"}
        meanings = {"r": "rate", "drive": "summed input", "activation": "activation of the summed input", **drives}
        if neuron.relaxes_input:
            meanings |= {"x": "input, low-pass filtered", "activation": "activation of x"}
        if any(each.noise for each in circuit.neurons(population)):
            meanings["noise_drive"] = "input noise"
        if population.is_coupled:
            meanings[GAP] = "input through gap junctions"
        found = {name: Variable("Hz", meaning) for name, meaning in meanings.items()}
        return found | _injectable(population, found)
    found = {}
    if population.is_coupled:
        times = ", times the membrane resistance" if neuron.drive_unit == "volt" else ""
        found[GAP] = Variable(symbol(neuron.drive_unit), f"current through gap junctions, {_POSITIVE}{times}")
    if isinstance(neuron, Neuron):
        meanings = _meanings(neuron)
        for name, unit in neuron.units.items():
            found[name] = Variable(symbol(unit), meanings.get(name, ""))
        signs = {receptor.name: letter in EXCITATORY for letter, receptor in neuron.receptors.items()}
        for name, current in neuron.currents.items():
            times = ", times the membrane resistance" if current.unit == "volt" else ""
            of = f"{_OF_RECEPTOR['e' if signs[current.receptor] else 'i']} synaptic current by {current.receptor}"
            found[name] = Variable(symbol(current.unit), f"{of}, {_POSITIVE}{times}")
        return found | _injectable(population, found)
    for name, unit in differential(neuron.equations()).items():
        found[name] = Variable(symbol(unit), _meaning(neuron, name))
    if quantity_of(neuron) == "g":
        for k, receptor in neuron.receptors.items():
            if f"g_{k}" in found and hasattr(receptor, "reversal"):
                found[f"I_{k}"] = Variable("A", _meaning(neuron, f"I_{k}"))
    return found | _injectable(population, found)


def _meanings(neuron):
    """Of the variables of a neuron of equations: its potential, and the conductances and currents of receptors."""
    found = {"v": "membrane potential"}
    for letter, (name, sign) in neuron.current_signs.items():
        of = _OF_RECEPTOR["e" if letter in EXCITATORY else "i"]
        variable = neuron.receptors[letter].name
        if symbol(neuron.units[variable]).startswith("S"):
            found.setdefault(variable, f"{of} conductance")
        if sign and name in neuron.units:
            times = ", times the membrane resistance" if neuron.units[name] == "volt" else ""
            way = _POSITIVE if sign > 0 else "hyperpolarising positive"
            found[name] = f"{of} synaptic current, {way}{times}"
    return found


def current_signs(population: Population) -> dict[str, tuple[str, int]]:
    """The name of the recorded current through each receptor of a spiking population, but NMDA receptors, by letter.

    With it, 1 if it depolarises where it is positive, -1 if it hyperpolarises, 0 if that is not known.
    """
    if isinstance(population.neuron, Neuron):
        return population.neuron.current_signs
    return {letter: (f"I_{letter}", 1) for letter in "ei"}


def _injectable(population, known):
    """The injected current, unless equations have a variable of its name, or nothing can be injected."""
    neuron = population.neuron
    if INJECTED in known or not getattr(neuron, "takes_bias", True):
        return {}
    unit = symbol(neuron.drive_unit)
    times = ", times the membrane resistance" if unit == "V" else ""
    return {INJECTED: Variable(unit, f"injected current and bias{times}")}


def _meaning(neuron, name):
    kind, _, k = name.partition("_")
    if name == "v":
        return "membrane potential" if neuron.state_unit == "volt" else "state of the membrane"
    if k not in neuron.receptors:
        return ""
    of = _OF_RECEPTOR[k]
    times = ", times the membrane resistance" if neuron.weight_unit == "volt" else ""
    meanings = {
        "g": f"{of} conductance",
        "I": f"{of} synaptic current, {_POSITIVE}{times}",
        "x": f"rising variable of the {of} synapses",
    }
    return meanings.get(kind, "")


def needed(population: Population, names: Iterable[str], drives: Mapping[str, list[str]]) -> tuple[str, ...]:
    """The variables of the population's group that these are made of; `drives`: of the inputs of rate units by sign."""
    neuron, found = population.neuron, set()
    for name in names:
        if _is_gap(neuron, name):
            found.add("gap")
        elif _is_injected(neuron, name):
            found.add(BIAS)
        elif isinstance(neuron, Neuron):
            current = neuron.currents.get(name)
            parts = neuron.units.keys() & current.names if current else (name,)
            found.update(map(neuron.code_name, parts))
        elif neuron.kind == "rate" and name.startswith("I_"):
            found.update(drives.get(name[-1], ()))
        elif neuron.kind == "spiking" and name.startswith("I_") and quantity_of(neuron) == "g":
            found.update((f"g_{name[-1]}", "v"))
        else:
            found.add(name)
    return tuple(sorted(found))


def _is_gap(neuron, name):
    return name == GAP and not (isinstance(neuron, Neuron) and GAP in neuron.units)


def _is_injected(neuron, name):
    return name == INJECTED and not (isinstance(neuron, Neuron) and name in neuron.units)


def of_pool(population: Population, variables: Iterable[str]) -> tuple[str, ...]:
    """Those variables of a population's group to which its pool adds."""
    kinetic = kinetic_variables(population.neuron)
    return tuple(name for name in variables if name in kinetic)


def made_of(circuit: Circuit, population: Population, name: str, numbers, drives, state: Mapping[str, np.ndarray]):
    """A variable of the neurons of these numbers, made of variables of their group (... × neurons × times).

    None where nothing drives them.
    """
    neuron = population.neuron
    if _is_gap(neuron, name):
        return state["gap"]
    if _is_injected(neuron, name):
        return state[BIAS]
    each = circuit.neurons(population)
    each = each if len(each) == 1 else [each[n] for n in numbers]
    if isinstance(neuron, Neuron):
        if name not in neuron.currents:
            return state[neuron.code_name(name)]
        current = neuron.currents[name]
        values = {v: state[neuron.code_name(v)] for v in neuron.units.keys() & current.names}
        parameters = current.names - values.keys()
        return current.value(values | {p: np.array([float(n[p]) for n in each])[:, None] for p in parameters})
    if neuron.kind == "rate" and name.startswith("I_"):
        parts = [state[drive] for drive in drives.get(name[-1], ())]
        return sum(parts[1:], parts[0]) if parts else None
    if neuron.kind == "rate" or quantity_of(neuron) == "I" or not name.startswith("I_"):
        return state[name]
    k = name[-1]
    receptors = [neuron.receptors[k] for neuron in each]
    reversal = np.array([receptor.reversal for receptor in receptors])[:, None]
    current = state[f"g_{k}"] * (reversal - state["v"])
    return current * receptors[0].open_share(state["v"]) if hasattr(receptors[0], "open_share") else current


def requested(circuit: Circuit, record: Mapping, neurons, trials, every, n_trials: int, timing: Timing) -> Request:
    """What `record`, a dict, and `neurons`, `trials` and `every` ask for; ``InputError`` for what is not there."""
    spikes, variables = [], {}
    if not record:
        raise InputError("record: expected populations with what to record of each, found an empty dict")
    inputs = with_trains(circuit) if circuit.kind == "spiking" else []
    populations, rules = {p.name: p for p in circuit.populations}, circuit.rules
    for name, asked in record.items():
        if name not in populations and name not in inputs and name not in rules:
            known = [*populations, *inputs, *rules]
            raise InputError(
                f"record: expected names of populations, inputs or projections that learn, of circuit {circuit.name!r} "
                f"({', '.join(known)}), found {name!r}{did_you_mean(name, known)}{_static(circuit, name)}"
            )
        there = recordable(circuit, populations[name]) if name in populations else {}
        known = [*there, *([SPIKES] if circuit.kind == "spiking" else [])]
        if name in rules:
            known = [WEIGHT, *rules[name].variables]
        if isinstance(asked, Mapping):
            raise InputError(
                f"record: {name!r}: expected a list of {', '.join(map(repr, known))}, found a dict, {asked!r:.80}"
            )
        listed = [asked] if isinstance(asked, str) or not np.iterable(asked) else list(asked)
        for each in listed:
            if not isinstance(each, str) or each not in known:
                hidden = each in ("I_e", "I_i") and isinstance(getattr(populations.get(name), "neuron", None), Neuron)
                raise InputError(
                    f"record: {name!r}: expected some of {', '.join(map(repr, known))}, found {each!r}"
                    f"{', a current that its equations do not show' if hidden else did_you_mean(each, known)}"
                )
        if not listed:
            raise InputError(f"record: {name!r}: expected some of {', '.join(map(repr, known))}, found none")
        if SPIKES in listed:
            spikes.append(name)
        if chosen := tuple(dict.fromkeys(each for each in listed if each != SPIKES)):
            variables[name] = chosen
    return Request(
        tuple(spikes),
        variables,
        _neurons(neurons, {name: _size(circuit, populations, name) for name in variables}, rules),
        _numbers(trials, n_trials, "trials"),
        _steps(every, timing),
    )


def recorded_variables(record) -> set[str]:
    """Names of the populations of which `record` asks for variables, not for spikes alone."""
    if not isinstance(record, Mapping):
        return set()
    listed = {
        name: [asked] if isinstance(asked, str) or not np.iterable(asked) else asked for name, asked in record.items()
    }
    return {name for name, asked in listed.items() if any(each != SPIKES for each in asked)}


def with_trains(circuit: Circuit) -> list[str]:
    """Names of the inputs that have spikes: not currents, nor Poisson inputs that only drive populations."""
    sources = {p.source for p in circuit.projections if not isinstance(p.weights, Independent)}
    spike = [i for i in circuit.inputs if not i.is_current]
    return [i.name for i in spike if i.train == "regular" or i.name in sources]


def _static(circuit, name):
    """What to say of a projection whose weights stay."""
    return "; its weights stay (see Projection.learning)" if name in {p.name for p in circuit.projections} else ""


def _size(circuit, populations, name):
    """Number of neurons of a population, or of synapses of a projection."""
    if name in populations:
        return populations[name].size
    return circuit.weights(next(p for p in circuit.projections if p.name == name)).nnz


def learnable(circuit: Circuit, name: str) -> dict[str, Variable]:
    """What can be recorded of a projection that learns."""
    projection = next(p for p in circuit.projections if p.name == name)
    units = projection.learning.units(circuit.population(projection.target).neuron.weight_unit)
    return {v: Variable(symbol(unit), "weight" if v == WEIGHT else "") for v, unit in units.items()}


def _neurons(neurons, sizes, rules):
    if isinstance(neurons, Mapping):
        for name in neurons:
            if name not in sizes:
                known = ", ".join(sizes) or "none, since only spikes are recorded"
                raise InputError(
                    f"neurons: expected populations of which variables are recorded ({known}), found {name!r}"
                )
        return {name: _numbers(neurons.get(name), size, f"neurons: {name!r}") for name, size in sizes.items()}
    return {
        name: _numbers(None if name in rules else neurons, size, f"neurons: {name!r}") for name, size in sizes.items()
    }


def _numbers(given: Any, size: int, what: str) -> np.ndarray:
    """Numbers from 0 to below `size`, all of them for None."""
    if given is None:
        return np.arange(size)
    try:
        numbers = np.atleast_1d(given)
    except ValueError:
        numbers = np.array([None])
    if numbers.ndim != 1 or not numbers.size or numbers.dtype.kind not in "iu":
        raise InputError(f"{what}: expected a whole number or a list of these, found {given!r:.100}")
    wrong = numbers[(numbers < 0) | (numbers >= size)]
    if wrong.size:
        raise InputError(f"{what}: expected numbers from 0 to {size - 1}, found {wrong[0]}")
    if len(np.unique(numbers)) < len(numbers):
        raise InputError(f"{what}: expected different numbers, found {given!r:.100}")
    return numbers.astype(int)


def _steps(every, timing):
    if every is None:
        return 1
    steps = scalar_si(every, "second", "every") / timing.dt
    if steps < 1 - 1e-6 or abs(steps - round(steps)) > 1e-6 or round(steps) > timing.steps:
        raise InputError(
            f"every: expected a whole number of time steps of {timing.dt:g} s, up to the duration of "
            f"{timing.duration:g} s, found {steps * timing.dt:g} s"
        )
    return round(steps)
