"""The state of a circuit when a trial ends, from which another simulation can begin."""

import re
from collections.abc import Mapping

import numpy as np

from eisim.base.errors import InputError
from eisim.base.timing import Timing
from eisim.base.values import ByName
from eisim.circuit import Circuit, delay_steps
from eisim.neurons.spiking import differential
from eisim.simulation.layout import AGO, FREE_AT, OF_POOL, Layout, State, Trials


class States(ByName):
    """The state at the end by input and population, each by the names that its neuron has for its state variables.

    A variable to which a pool adds is the sum; when a neuron integrates again is in s (`dt`: a step's).
    """

    def __init__(self, circuit: Circuit, stored: State, dt: float):
        parts = _parts(circuit)
        if not isinstance(stored, Mapping) or not all(isinstance(each, Mapping) for each in stored.values()):
            raise InputError(f"Response.state: expected state variables by population, found {stored!r:.60}")
        shown = {name: _shown(parts.get(name), each, dt) for name, each in stored.items()}
        super().__init__(
            "Response.state", {name: ByName(f"Response.state[{name!r}]", each) for name, each in shown.items()}
        )
        #: The variables as they are kept, by their names in code.
        self.stored = dict(stored)


def _parts(circuit):
    return {part.name: part for part in (*circuit.inputs, *circuit.populations)}


def _shown(part, stored, dt):
    found = {}
    for variable, values in stored.items():
        if variable.endswith(OF_POOL):
            continue
        if variable + OF_POOL in stored:
            values = values + stored[variable + OF_POOL]
        found[_shown_name(part, variable)] = values * dt if variable == FREE_AT else values
    return found


def _shown_name(part, variable):
    """The name of a state variable for users, by that in code."""
    neuron = getattr(part, "neuron", None)
    if hasattr(neuron, "code_name"):
        return next((name for name in neuron.states if neuron.code_name(name) == variable), variable)
    return variable


def state_variables(equations: str, neuron=None) -> list[str]:
    """The variables, by their names in code, that the state of a group consists of.

    `neuron`: that of a group which is no pool.
    """
    found = list(differential(equations))
    if hasattr(neuron, "code_name"):
        found = [neuron.code_name(name) for name in neuron.states]
    return [*found, *([FREE_AT] if re.search(rf"^{FREE_AT} :", equations, re.MULTILINE) else [])]


def check_continuable(circuit: Circuit, dt: float) -> None:
    """Refuse a circuit whose state is not that of its neurons alone."""
    _check_time(circuit, "keep_state")
    if learning := [p.name for p in circuit.learning_projections]:
        raise InputError(
            f"keep_state: circuit {circuit.name!r}: projection {learning[0]!r}: expected weights that stay, found "
            f"{circuit.learning_projections[0].learning.name} (see eisim.freeze)"
        )
    for i in circuit.inputs:
        if i.fluctuation or i.spikes is not None:
            found = "a current that fluctuates" if i.fluctuation else "given spike times, which would begin anew"
            raise InputError(
                f"keep_state: circuit {circuit.name!r}: input {i.name!r}: expected steady currents or rates, found "
                f"{found}"
            )
    for projection in circuit.projections:
        if projection.transient:
            raise InputError(
                f"keep_state: circuit {circuit.name!r}: projection {projection.name!r}: expected the same transmission "
                "throughout, found ablation in time, whose times are those of a trial and would begin anew"
            )
    for projection in circuit.projections if circuit.kind == "spiking" else ():
        if circuit.is_injected(projection):
            continue
        what = f"keep_state: circuit {circuit.name!r}: projection {projection.name!r}"
        receptor = circuit.population(projection.target).neuron.receptors[circuit.receptor(projection)]
        if not circuit.has_synapses(projection):
            continue
        if projection.plasticity or getattr(receptor, "release", None):
            of = "short-term plasticity" if projection.plasticity else "NMDA receptors"
            raise InputError(f"{what}: expected synapses without a state of their own, found {of}")
        if delay_steps(circuit.longest_delay(projection), dt):
            longest = circuit.longest_delay(projection) * 1e3
            raise InputError(
                f"{what}: expected no delay, since spikes on their way would be lost, found up to {longest:g} ms"
            )


def _check_time(circuit, what):
    for p in circuit.populations:
        if getattr(getattr(p.neuron, "dynamics", None), "is_timed", False):
            raise InputError(
                f"{what}: circuit {circuit.name!r}: population {p.name!r}: expected equations without time, which "
                f"would begin anew at 0, found the time t in those of {p.neuron.name}"
            )


def final_state(index: int, trials: Trials, layout: Layout, states, timing: Timing, shape) -> State:
    """State variables of inputs and populations, each of `shape` × neurons; `states`: those of each group."""
    found: State = {}
    quiet = {p.name for p in trials.circuit.populations if not getattr(p.neuron, "noise", 0)}
    for (place, key), block in layout.blocks.items():
        if place != index:
            continue
        name, part = key if isinstance(key, tuple) else (key, None)
        ending = "" if part is None else OF_POOL if part == "pool" else AGO.format(part)
        for variable, values in states[block.group].items():
            if variable == "noise_drive" and name in quiet:  # other circuits of the batch have noise
                continue
            mine = block.take(values, trials.copies).reshape(*shape, block.size)
            mine = mine - timing.steps if variable == FREE_AT else mine
            if part == "pool":
                mine = np.repeat(mine, layout.blocks[index, name].size, axis=-1)
            found.setdefault(name, {})[variable + ending] = mine
    return found


def initial_of(response, trials: Trials, timing: Timing) -> State:
    """The state at the end of a response, for every copy of a circuit: seeds × trials × neurons."""
    circuit = trials.circuit
    what = f"initial of circuit {circuit.name!r}"
    _check_time(circuit, "initial")
    if not isinstance(getattr(response, "state", None), Mapping):
        raise InputError(f"{what}: expected the response of another simulation, found {response!r:.80}")
    if not response.state:
        raise InputError(f"{what}: expected a response of simulate(..., keep_state=True), found one without its state")
    if response.circuit.kind != circuit.kind or response.dt != timing.dt:
        expected = f"a response of a {circuit.kind} circuit in steps of {timing.dt:g} s"
        raise InputError(f"{what}: expected {expected}, found {response.circuit.kind} in steps of {response.dt:g} s")
    parts = _parts(circuit)
    state = getattr(response.state, "stored", response.state)
    if not set(state) <= set(parts):
        raise InputError(f"{what}: expected the state of {_listed(parts)}, found that of {_listed(state)}")
    for name, part in parts.items():
        given = state.get(name, {})
        known = _variables(circuit, part)
        plain = {variable.removesuffix(OF_POOL) for variable in given if not _is_past(variable)}
        if not known <= plain <= known | {"noise_drive"}:
            expected = _listed(_shown_name(part, v) for v in known)
            found = _listed(_shown_name(_parts(response.circuit).get(name, part), v) for v in plain)
            raise InputError(f"{what}: {name!r}: expected the state variables {expected}, found {found}")
    return {
        name: {v: _of_copies(values, trials, parts[name], v, f"{what}: {name}.{v}") for v, values in given.items()}
        for name, given in state.items()
    }


def _variables(circuit, part):
    """State variables that an input or population has by itself, but for noise of rates, which starts at 0."""
    if circuit.kind == "rate":
        return {next(iter(part.neuron.states))} if hasattr(part, "sign") else set()
    if not hasattr(part, "sign"):
        return {"phase"}
    return {*state_variables(part.neuron.equations(), part.neuron), FREE_AT}


def _is_past(variable):
    return variable.endswith(AGO.partition("{}")[2])


def _listed(names):
    return ", ".join(sorted(names)) or "none"


def _of_copies(values, trials, part, variable, what):
    values = np.asarray(values)
    values = values[None] if values.ndim == 2 else values  # without an axis of seeds
    shape = len(trials.seeds), len(trials.stimuli), part.size
    fits = values.ndim == 3 and values.shape[2] == part.size and values.dtype.kind in "iuf"
    if not fits or any(n not in (1, m) for n, m in zip(values.shape[:2], shape[:2], strict=True)):
        expected = f"{shape[0]} or 1 seeds × {shape[1]} or 1 trials × {part.size} neurons"
        raise InputError(f"{what}: expected {expected}, found {' × '.join(map(str, values.shape))}")
    return np.broadcast_to(values.astype(np.int32 if variable == FREE_AT else float), shape)
