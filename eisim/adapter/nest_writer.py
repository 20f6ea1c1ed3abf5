r"""The text of scripts for NEST.

A spike of time step k acts in eisim, as in Brian2, at the end of step k + d after a delay of d steps; in NEST, where it
has the time of the end of its step, it does the same, with d at least 1. Spike trains that are known beforehand are
written one step early with delays that are one step longer, so that a delay of 0 is possible from there.
"""

import builtins
import keyword
from collections.abc import Iterator
from importlib.metadata import version
from itertools import islice
from textwrap import wrap

import numpy as np

from eisim.adapter.brian2_models import one_if_equal
from eisim.adapter.brian2_text import identifier, quoted
from eisim.adapter.names import Unused
from eisim.adapter.nest_models import (
    EXACT,
    JUMPS,
    NEVER,
    Model,
    decay_of,
    given_states,
    is_empty,
    model_of,
    states_of,
)
from eisim.adapter.nest_text import (
    CHECK_OF_ARRAYS,
    CHECKS,
    HELPERS,
    LAST,
    WRITTEN_OUT,
    is_one_number,
    law_of,
    listed,
    number,
    number_or_law,
    rows_of,
    rule_of,
    words,
)
from eisim.base.timing import Timing
from eisim.circuit import CYCLE, Circuit, Input, Population, Projection, delay_steps, initial_state, spans
from eisim.distributions import Distribution
from eisim.stimuli import spike_raster
from eisim.weights import Independent, Rule

#: Names that the scripts use.
_TAKEN = {*keyword.kwlist, *dir(builtins), *HELPERS, "argparse", "nest", "np", "Path", "file", "arrays", "dt"}
_TAKEN |= {"parser", "options", "populations", "recorders", "frame", "name", "neurons", "found", "events", "here"}
_TAKEN |= {"rate", "where"}
#: Synapses of one model that a thread of NEST can hold are 2**27 - 1; some fewer, since their number may be drawn.
MOST = 130_000_000
#: Spikes of a Poisson train in a time step, on average, from which on it matters that there can be several.
_OFTEN = 0.01
_EXACT = "Exact: the same spikes as in eisim, as long as no potential is within rounding of the threshold"
_ONE_STEP = "Delays of less than a time step are one step, the shortest of NEST"
_MOVED = "A change of the drive within a refractory period acts from the end of that period on where potentials jump"
_EARLY = "Spikes of the first time step act one step late"
_LATE = "Poisson trains act up to two time steps late"
_LATE_NOISE = "Noise acts up to two time steps late"
_SEVERAL = "A Poisson train can have several spikes in a time step, in eisim one"
_REFRACTORY = "Jumps in the last step of a refractory period act in NEST, but not in eisim"


class Writer:
    """The script of a circuit, which has no obstacles, while it grows."""

    def __init__(self, circuit: Circuit, stimulus: np.ndarray, timing: Timing):
        self.circuit, self.stimulus, self.timing = circuit, stimulus, timing
        self.dt, self.moving = timing.dt, stimulus.ndim == 2
        self.arrays: dict[str, np.ndarray] = {}
        self.drawn: dict[str, None] = {}  # what NEST draws
        self.differs: dict[str, None] = {}
        self.helpers: set[str] = set()
        self.held: dict[str, tuple[int, float]] = {}  # by model of synapse: copies of it, and synapses of the last
        self.frames: list[str] = []  # statements before each frame of the stimulus
        self.columns = spans(circuit.inputs)
        self.unused = unused = Unused(_TAKEN)
        self.names = {p.name: unused(identifier(p.name)) for p in (*circuit.inputs, *circuit.populations)}
        self.generators = {i.name: unused(f"{self.names[i.name]}_generator") for i in circuit.inputs}
        self.relays = {i.name: unused(f"{self.names[i.name]}_relay") for i in circuit.inputs}
        self.noises = {p.name: unused(f"{self.names[p.name]}_noise") for p in circuit.populations}
        self.decays = {p.name: unused(f"{self.names[p.name]}_decay") for p in circuit.populations}
        self.models = {
            p.name: model_of(circuit, p, self.dt, self._drive(p), self._arrivals(p)) for p in circuit.populations
        }

    def script(self) -> tuple[str, str, dict[str, np.ndarray]]:
        """Note, text and arrays."""
        parts = [self._input(each) for each in self.circuit.inputs if not each.is_current]
        parts += [self._population(p) for p in self.circuit.populations]
        parts += [self._projection(q) for q in self.circuit.projections if not self.circuit.is_injected(q)]
        body = [line for part in parts for line in part]
        note = self._note()
        return note, "\n".join([*self._head(note), *body, *self._end()]) + "\n", self.arrays

    def _note(self) -> str:
        said = [f"Equal in distribution: NEST draws {listed(self.drawn)}"] * bool(self.drawn)
        adaptive = sorted({model.name for model in self.models.values()} - EXACT)
        said += [f"NEST integrates {' and '.join(adaptive)} in adaptive steps, eisim in time steps"] * bool(adaptive)
        said += self.differs
        return f"{'. '.join(said or [_EXACT])}."

    def _head(self, note) -> Iterator[str]:
        of, duration = f"The circuit {self.circuit.name!a}", number(self.timing.duration * 1e3)
        yield from (f"# {line}" for line in wrap(note, 116))
        yield f"# {of} for NEST 3, written by eisim {version('eisim')}; units are mV, pA, nS, pF, ms and spikes/s."
        yield "# NEST gives a spike the time of the end of its time step, eisim that of the beginning."
        yield "# With NEST built for MPI: mpirun -n 2 python FILE.py; each process has a share of the neurons."
        if self.arrays:
            yield f"# Arrays of more than {WRITTEN_OUT} numbers are in the .npz file of the same name."
        yield from ["import argparse", "from pathlib import Path", ""]
        yield from ["import nest", "import numpy as np", ""]
        yield f"parser = argparse.ArgumentParser(description={quoted(f'{of} in NEST.')})"
        yield 'parser.add_argument("--seed", type=int, default=1, help="from 1 on")'
        if not self.moving:
            yield f'parser.add_argument("--duration", type=float, default={duration}, help="ms")'
        yield 'parser.add_argument("--warm-up", type=float, default=0.0, help="ms at the start without recording")'
        yield 'parser.add_argument("--threads", type=int, default=1)'
        yield 'parser.add_argument("--out", help="file for the spikes (.npz)")'
        yield "options = parser.parse_args()"
        if self.moving:
            yield f"options.duration = {duration}"
        yield f"dt = {number(self.dt * 1e3)}"
        yield from CHECKS.splitlines()
        if self.arrays:
            yield 'file = Path(__file__).with_suffix(".npz")'
            yield from CHECK_OF_ARRAYS.splitlines()
        yield "nest.ResetKernel()"
        yield "nest.resolution, nest.rng_seed, nest.local_num_threads = dt, options.seed, options.threads"
        yield ""
        for name in sorted(self.helpers):
            yield from ["", *HELPERS[name].splitlines(), ""]
        yield from [""] * bool(self.helpers)

    def _end(self) -> Iterator[str]:
        of = ", ".join(f"{quoted(p.name)}: {self.names[p.name]}" for p in self.circuit.populations)
        yield f"populations = {{{of}}}"
        yield 'recorders = {name: nest.Create("spike_recorder", 1, {"start": options.warm_up}) for name in populations}'
        yield from ["for name, neurons in populations.items():", "    nest.Connect(neurons, recorders[name])", ""]
        if self.moving:
            yield f"for frame in range({len(self.stimulus)}):  # of the stimulus"
            yield from (f"    {statement}" for statement in self.frames)
            yield f"    nest.Simulate({number(self.timing.duration * 1e3 / len(self.stimulus))})"
        else:
            yield "nest.Simulate(options.duration)"
        yield from LAST.splitlines()
        for readout in self.circuit.readouts:
            threshold = number(readout.threshold)
            yield f"# The readout {readout.population!a} says 1 if its rate is above {threshold} spikes/s."

    def _array(self, values, name: str) -> str:
        """One number or several as code: written out, or by name in the file of arrays."""
        values = np.asarray(values)
        if not values.ndim:
            return number(values)
        if values.size > WRITTEN_OUT or values.ndim > 1:
            if name in self.arrays and not np.array_equal(self.arrays[name], values):
                name = Unused(self.arrays)(name)
            self.arrays[name] = values
            return f"arrays[{quoted(name)}]"
        return rows_of(values)

    def _set(self, nodes: str, parameter: str, values, name: str) -> str:
        """A parameter of nodes, of all or of each."""
        values = one_if_equal(values)
        if not np.ndim(values):
            return f"{nodes}.{parameter} = {number(values)}"
        self.helpers.add("of_each")
        return f"of_each({nodes}, {parameter}={self._array(values, name)})"

    # --- Inputs -------------------------------------------------------------------------------------------------------

    def _input(self, each: Input) -> Iterator[str]:
        name, n, stimulus = self.names[each.name], each.size, self.stimulus[..., self.columns[each.name]]
        known = each.spikes is not None or each.train == "regular"
        kind = (
            "given spikes"
            if each.spikes is not None
            else f"{each.train.capitalize() if not known else each.train} trains"
        )
        yield f"# Input {each.name!a}: {n} afferent{'s' * (n > 1)} with {kind}."
        if known:
            self.helpers.add("times")
            yield f'{name} = nest.Create("spike_generator", {n})'
            yield from self._given(each, stimulus) if each.spikes is not None or self.moving else self._regular(each)
            if any(q.source == each.name and q.plasticity for q in self.circuit.projections):
                relay = self.relays[each.name]
                yield f'{relay} = nest.Create("parrot_neuron", {n})  # since generators have no plastic synapses'
                yield f'nest.Connect({name}, {relay}, "one_to_one", {{"delay": dt}})'
            yield ""
            return
        self.drawn["Poisson trains"] = self.differs[_LATE] = None
        generator, rates = self.generators[each.name], each.rate * stimulus
        yield f'{generator} = nest.Create("poisson_generator", {n})'
        if self.moving:
            yield from self._framed(f"{name} rate", generator, "rate", rates)
        else:
            yield self._set(generator, "rate", rates, f"{name} rate")
        if any(q.source == each.name and not isinstance(q.weights, Independent) for q in self.circuit.projections):
            if rates.max() * self.dt > _OFTEN:
                self.differs[_SEVERAL] = None
            yield f'{name} = nest.Create("parrot_neuron", {n})  # all targets of an afferent receive the same train'
            yield f'nest.Connect({generator}, {name}, "one_to_one", {{"delay": dt}})'
        yield ""

    def _framed(self, key: str, nodes: str, parameter: str, values: np.ndarray) -> Iterator[str]:
        """Values of a parameter in each frame, frames × nodes."""
        table = self.unused(f"{key}_frames".replace(" ", "_"))
        each = bool(np.ptp(values, axis=1).any())
        yield f"{table} = {self._array(values if each else values[:, 0], table)}"
        if each:
            self.helpers.add("of_each")
        set_to = f"of_each({nodes}, {parameter}={table}[frame])" if each else f"{nodes}.{parameter} = {table}[frame]"
        self.frames.append(set_to)

    def _regular(self, each: Input) -> Iterator[str]:
        name, n = self.names[each.name], each.size
        rates = each.rate * self.stimulus[self.columns[each.name]]
        rate = self._array(rates if np.ptp(rates) else rates[0], f"{name} rate")
        if (each.phases + rates * self.dt > CYCLE).any():
            self.differs[_EARLY] = None
        self.helpers.add("regular")
        yield f"{name}.set(["
        yield '    {"spike_times": times(regular(rate, phase))}'
        yield f"    for rate, phase in zip(np.full({n}, {rate}), (np.arange({n}) + 0.5)/{n})"
        yield "])"

    def _given(self, each: Input, stimulus) -> Iterator[str]:
        """Afferents whose spikes are listed."""
        name, n, steps = self.names[each.name], each.size, self.timing.steps
        if each.spikes is None:
            rows = _regular(each, stimulus, steps, self.dt)
        else:
            if not self.moving:  # the script can run longer
                steps = max(steps, int(each.spikes.t.max(initial=0) / self.dt) + 2)
            what = f"to_nest: stimulus of input {each.name!r}"
            (rows,) = spike_raster(each.spikes, n, stimulus[None], steps, self.dt, what)
        if any(row.size and row[0] == 0 for row in rows):
            self.differs[_EARLY] = None
        i = self._array(np.repeat(np.arange(n), [len(row) for row in rows]), f"{name} i")
        self.helpers.add("given")
        yield f"given({name}, {i}, {self._array(np.concatenate(rows).astype(int), f'{name} step')})"

    # --- Populations --------------------------------------------------------------------------------------------------

    def _drive(self, p: Population) -> np.ndarray:
        """The bias of a population with what is injected into it, in SI units: (neurons,), or (frames, neurons)."""
        if not any(q.target == p.name and self.circuit.is_injected(q) for q in self.circuit.projections):
            return p.bias
        currents, which = self.circuit.injected(p, self.stimulus[None])
        return p.bias + currents[0][..., which]

    def _arrivals(self, p: Population):
        """What independent trains add to a population in a step, on average, in SI units; in each frame, frames × 1."""
        onto = [q for q in self.circuit.projections if q.target == p.name and isinstance(q.weights, Independent)]
        onto = [q for q in onto if not self.circuit.is_injected(q)]
        rates = [self.circuit.source(q).rate * self.stimulus[..., self.columns[q.source]] for q in onto]
        found = sum(q.weights.mean_weight * rate * self.dt for q, rate in zip(onto, rates, strict=True))
        return found if self.moving or not onto else float(found[0])

    def _population(self, p: Population) -> Iterator[str]:
        name, model = self.names[p.name], self.models[p.name]
        self.differs |= dict.fromkeys(model.differs)
        values = {k: one_if_equal(value[0]) if np.ndim(value) == 2 else value for k, value in model.parameters.items()}
        own = {k: value for k, value in values.items() if np.ndim(value)}
        # What differs is that of one neuron first, since NEST looks at each value beside the others.
        first = {k: number(value[0] if k in own else value) for k, value in values.items()}
        yield f"# Population {p.name!a}: {p.size} {_SIGNS[p.sign]} neuron{'s' * (p.size > 1)}."
        yield from (f"# {remark}" for remark in model.remarks)
        yield f'{name} = nest.Create("{model.name}", {p.size}, {{'
        items = iter(first.items())
        while some := dict(islice(items, 6)):
            yield f"    {words(some)[1:-1]},"
        yield "})"
        if own:
            self.helpers.add("of_each")
            written = ", ".join(f"{k}={self._array(value, f'{name} {k}')}" for k, value in own.items())
            yield f"of_each({name}, {written})"
        for k, value in model.parameters.items():
            if np.ndim(value) == 2:
                self.differs[_MOVED] = None
                yield from self._framed(f"{name} {k}", name, k, value)
        yield from self._initial(p, model)
        yield from self._driven(p)
        if p.silenced:
            which = self._array(np.array(p.silenced), f"{name} silenced")
            yield f"{name}[{which}].V_th = {number(NEVER)}  # silenced"
        decay = decay_of(p, model, self.dt)
        if decay is not None:
            tau = self._array(model.parameters["tau_m"], f"{name} tau_m")
            yield f"{self.decays[p.name]} = np.exp(-dt/{f'np.array({tau})' if np.ndim(decay) else tau})"
        if np.any(model.noise):
            self.drawn["noise"] = self.differs[_LATE_NOISE] = None
            noise, weight = self.noises[p.name], self._array(model.noise, f"{name} noise")
            weight = f"np.array({weight})[:, None]" if np.ndim(model.noise) else weight
            yield f'{noise} = nest.Create("noise_generator", 1, {{"std": 1.0, "dt": dt}})  # another for each neuron'
            yield f'nest.Connect({noise}, {name}, "all_to_all", {{"weight": {weight}, "delay": dt}})'
        yield ""

    def _initial(self, p: Population, model: Model) -> Iterator[str]:
        name, known, fixed = self.names[p.name], states_of(model.name), initial_state(p, self.circuit.seed)
        rest = model.parameters["E_L"] / 1e3
        for state, given in ({"v": rest} | given_states(p)).items():
            called, factor = known[state]
            law = law_of(given, factor, cut=False) if isinstance(given, Distribution) else None
            if law is None:
                yield self._set(name, called, np.asarray(fixed.get(state, given)) * factor, f"{name} {called}")
                continue
            if "nest." in law:
                self.drawn["initial states"] = None
            yield f"{name}.{called} = {law}"

    def _driven(self, p: Population) -> Iterator[str]:
        name, factor = self.names[p.name], 1e12 if p.neuron.drive_unit == "ampere" else 1e3
        drive = factor * self._drive(p)
        if drive.ndim == 2:
            yield from self._framed(f"{name} I_e", name, "I_e", drive)
        elif drive.any():
            yield self._set(name, "I_e", drive, f"{name} I_e")

    # --- Projections --------------------------------------------------------------------------------------------------

    def _projection(self, q: Projection) -> Iterator[str]:
        circuit, rule = self.circuit, q.weights
        source, target = circuit.source(q), circuit.population(q.target)
        if is_empty(q):
            yield f"# Projection {q.name!a}: no synapses.\n"
            return
        yield f"# Projection {q.name!a}."
        model, factor = (
            self.models[target.name],
            circuit.sign(q) * (1e9 if target.neuron.weight_unit == "siemens" else 1e3),
        )
        law = number_or_law(rule.weight, factor) if isinstance(rule, Rule) else None
        if isinstance(rule, Independent):
            self.drawn |= dict.fromkeys(["weights"] * ("nest." in (law or "")))
            if law is None:
                each = self._array(circuit.weights(q).toarray().ravel() * factor, f"{q.name} weight")
                law = f"np.array({each})[:, None]"
            ends = f"{self.generators[source.name]}, {self.names[target.name]}"
            yield f'nest.Connect({ends}, "all_to_all", {{"weight": {law}, "delay": dt}})  # independent trains\n'
            return
        jumps, is_early = model.name == JUMPS, getattr(source, "train", "") == "regular" and not q.plasticity
        sources = self.relays if getattr(source, "train", "") == "regular" and q.plasticity else self.names
        ends = f"{sources[source.name]}, {self.names[target.name]}"
        if jumps and not model.ignores_later:
            self.differs[_REFRACTORY] = None
        decay = f"*{self.decays[target.name]}" * jumps
        later = jumps + is_early
        synapse = _synapse(q)
        if not is_early:  # synapses of a generator are all of one model, and held elsewhere
            yield from self._another_copy(q, synapse)
        how, delay = None, self._delay(q, later)
        if law and delay and not (jumps and np.ndim(model.parameters["tau_m"])):
            how = rule_of(rule, (source.size, target.size), source is target)
        if how is None:
            yield from self._explicit(q, ends, factor, decay, later, synapse)
            return
        said = {"weights": "nest." in law, "delays": "nest." in delay, "connections": how["rule"] != '"all_to_all"'}
        self.drawn |= {what: None for what, is_drawn in said.items() if is_drawn}
        self._note_short(q, later)
        yield "nest.Connect("
        yield f"    {ends},"
        yield f"    {words(how)},"
        yield f"    {words({'weight': law + decay, 'delay': delay} | synapse)},"
        yield ")\n"

    def _another_copy(self, q: Projection, synapse: dict[str, str]) -> Iterator[str]:
        """Copy the model of synapses where one model would have more than a thread can hold."""
        source, target = self.circuit.source(q), self.circuit.population(q.target)
        drawn, shape = isinstance(q.weights, Rule), (source.size, target.size)
        number = q.weights.expected(shape, source is target) if drawn else q.weights.nnz
        model = synapse.get("synapse_model", '"static_synapse"')
        copies, held = self.held.get(model, (0, 0.0))
        if held and held + number > MOST:
            copies, held = copies + 1, 0.0
            yield f'nest.CopyModel({model}, {model[:-1]} {copies}")  # since a thread has at most 2**27 - 1 of a model'
        self.held[model] = copies, held + number
        if copies:
            synapse["synapse_model"] = f'{model[:-1]} {copies}"'

    def _delay(self, q: Projection, later: int) -> str | None:
        """The delay of all synapses of a projection, some steps `later`; ``None`` where each has its own."""
        given = q.delay
        if isinstance(given, Distribution) and not is_one_number(given):
            law = law_of(given, 1e3)
            if law is None or getattr(given, "minimum", 0.0) >= self.dt:
                return law and law + f" + {number(later * self.dt * 1e3)}" * bool(later)
            return f"{law} + {number(later * self.dt * 1e3)}" if later else f"nest.math.max({law}, dt)"
        given = given.mean if isinstance(given, Distribution) else given
        return None if np.ndim(given) else number(max(delay_steps(given, self.dt) + later, 1) * self.dt * 1e3)

    def _note_short(self, q: Projection, later: int, delays=None) -> None:
        """Say it where delays, those of a distribution by default, are less than NEST has."""
        if delays is None:
            delays = q.delay.quantile(1e-9) if isinstance(q.delay, Distribution) else q.delay
        if np.any(delay_steps(delays, self.dt) + later < 1):
            self.differs[_ONE_STEP] = None

    def _explicit(self, q: Projection, ends: str, factor: float, decay: str, later: int, synapse) -> Iterator[str]:
        """Synapses that are given, or drawn by eisim, one by one."""
        matrix, called = self.circuit.weights(q), f"{q.name} "
        rows, columns = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr)), matrix.indices
        if not matrix.nnz:
            yield "# It has no synapses.\n"
            return
        weight = one_if_equal(matrix.data * factor)
        delays = self.circuit.delays(q)
        self._note_short(q, later, delays)
        delay = one_if_equal(np.maximum(delay_steps(delays, self.dt) + later, 1) * self.dt * 1e3)
        j, weights = self._array(columns, f"{called}j"), self._array(weight, f"{called}weight")
        if np.ndim(self.models[q.target].parameters.get("tau_m", 0.0)) and decay:
            decay += f"[{j}]"
        if decay and np.ndim(weight):
            weights = f"np.array({weights})"
        yield "connect("
        yield f"    {ends}, {self._array(rows, f'{called}i')}, {j},"
        each = {"weight": weights + decay, "delay": self._array(delay, f"{called}delay")} | synapse
        yield f"    {', '.join(f'{name}={value}' for name, value in each.items())},"
        yield ")\n"
        self.helpers.add("connect")


_SIGNS = {"E": "excitatory", "I": "inhibitory"}


def _synapse(q: Projection) -> dict[str, str]:
    """Model and parameters of synapses with short-term plasticity."""
    if not q.plasticity:
        return {}
    release, depression, facilitation = (
        number(value)
        for value in (q.plasticity.release, q.plasticity.depression * 1e3, q.plasticity.facilitation * 1e3)
    )
    values = {"U": release, "u": release, "x": "1.0", "tau_rec": depression, "tau_fac": facilitation}
    return {"synapse_model": '"tsodyks2_synapse"'} | values


def _regular(each: Input, stimulus: np.ndarray, steps: int, dt: float) -> list[np.ndarray]:
    """Steps of the spikes of regular trains whose rates vary, by afferent."""
    advance = np.repeat(each.rate * stimulus * dt, steps // len(stimulus), axis=0)
    cycles = np.floor(each.phases + np.cumsum(advance, axis=0) + (1 - CYCLE))
    before = np.floor(each.phases + (1 - CYCLE))[None]
    return [np.flatnonzero(np.diff(column)) for column in np.concatenate([before, cycles]).T]
