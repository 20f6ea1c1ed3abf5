r"""Circuits as scripts for Brian2, which run without eisim.

One text is both the script and what `to_brian2` executes, so that the two cannot differ. Each input and population is
one ``NeuronGroup`` and each projection one ``Synapses``. What is short is written out; weights, delays and parameters
of more than a few numbers are arrays, in a file beside the script.

LIF neurons without noise are integrated by Brian2's method ``exact``, as in eisim, and so spike at the same time steps.
The solution of Brian2 divides by the difference of time constants, which gives NaN, and no spikes, where two are equal.
Equal ones are written as one constant, for which it finds the other solution; but it does so only without the flag
``unless refractory``, which makes a factor of the equation. So potentials are then held by a statement for each step.
"""

import keyword
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from importlib.metadata import version
from typing import Any

import numpy as np

from eisim.adapter.limits import check_afferents
from eisim.adapter.names import Unused
from eisim.base.errors import InputError, explains_arguments
from eisim.base.timing import Timing
from eisim.base.units import to_si
from eisim.circuit import CYCLE, Circuit, Input, Population, Projection, gap_junction_unit, initial_state
from eisim.distributions import Distribution
from eisim.neurons import LIF, ConductanceLIF, RateUnit, Theta
from eisim.neurons.neuron import model_name
from eisim.synapses import NMDA, ShortTerm
from eisim.weights import Independent

#: Rows of more numbers than this are not written out, nor are tables.
WRITTEN_OUT = 20
#: Relative differences of time constants below which Brian2's exact solution would lose its digits.
APART = {"x": 1e-7, "a": 1e-5}
#: Names that the scripts use, or that a reader may want to keep.
_TAKEN = {
    *keyword.kwlist,
    *(
        "arrays",
        "build",
        "clock",
        "monitors",
        "network",
        "np",
        "stimulus",
        "e",
        "i",
        "j",
        "t",
        "dt",
        "pi",
        "exp",
        "abs",
    ),
    *("Clock", "Network", "NeuronGroup", "PoissonGroup", "SpikeMonitor", "StateMonitor", "Synapses", "TimedArray"),
    *("Path", "dict", "print", "len", "range", "prefs", "seed", "run", "plot", "show", "volt", "second", "siemens"),
    *("mV", "uV", "ms", "us", "nS", "pS", "uS", "pF", "nF", "farad", "pA", "nA", "amp", "Hz", "kHz"),
}
#: Of units in which eisim holds numbers: Brian2's names with their scales, the ones preferred first.
_WRITTEN = {
    "volt": (("mV", 1e-3), ("volt", 1.0)),
    "second": (("ms", 1e-3), ("second", 1.0)),
    "siemens": (("nS", 1e-9), ("siemens", 1.0)),
    "farad": (("pF", 1e-12), ("farad", 1.0)),
    "ampere": (("pA", 1e-12), ("amp", 1.0)),
    "hertz": (("Hz", 1.0),),
    "1/volt": (("/volt", 1.0),),
    "1": (("", 1.0),),
}
_DECLARED = {"ampere": "amp", "hertz": "Hz"}

#: What a script says of what is drawn.
_DRAWN = "{} drawn from other random numbers, so equal in distribution only"


@dataclass(frozen=True, eq=False, repr=False)
class Script:
    """A circuit as a script for Brian2.

    Attributes
    ----------
    note : str
        What of the circuit's responses is the same in Brian2, and what is not; the script's first line.
    build : str
        The code that makes the network; it uses ``arrays``.
    arrays : dict of str to ndarray
        Numbers that are not written out, by name.
    names : dict of str to str
        Names in the script, of inputs, populations and projections, and of gap junctions (`junctions_of`).
    """

    note: str
    build: str
    arrays: dict[str, np.ndarray]
    names: dict[str, str]
    circuit: Circuit
    duration: float

    def text(self, arrays_file: str = "") -> str:
        """The script, which reads its arrays from the file of that name beside it."""
        circuit = self.circuit
        lines = [
            f"# {self.note}",
            f"# The circuit {circuit.name!a} for Brian2, written by eisim {version('eisim')}.",
            '# A small network is sooner done without compiling: add prefs.codegen.target = "numpy".',
        ]
        if self.arrays:
            lines.append(f"# Weights, delays and parameters of more than {WRITTEN_OUT} numbers are in {arrays_file!a}.")
            lines += ["from pathlib import Path", ""]
        lines += ["from brian2 import *", ""]
        if self.arrays:
            lines += [f"arrays = np.load(Path(__file__).parent / {_quoted(arrays_file)})", ""]
        lines += [self.build, 'if __name__ == "__main__":']
        if "random" in self.note:
            lines.append("    seed(0)")
        lines.append(f"    network.run({_written(self.duration, 'second')})")
        for p in circuit.populations:
            monitor, name = f"monitors[{_quoted(p.name)}]", self.names[p.name]
            rate = f"{monitor}.num_spikes/len({name})/network.t"
            if circuit.kind == "rate":
                rate = f"{monitor}.r[:, -1].mean()"
            lines.append(f"    print({_quoted(p.name + ':')}, {rate})")
        return "\n".join(lines) + "\n"


@explains_arguments
def brian2_script(circuit: Circuit, stimulus=None, *, duration=300e-3, dt=0.1e-3) -> Script:
    """The script of a circuit; parameters and errors are those of `eisim.adapter.brian2_network.to_brian2`."""
    timing = Timing(duration, duration, dt)
    _check(circuit)
    values = _stimulus(circuit, stimulus, timing)
    return _Writer(circuit, values, timing).script()


def _check(circuit):
    check_afferents(circuit, "to_brian2")
    for p in circuit.populations:
        neuron = p.neuron
        known = type(neuron) in (LIF, ConductanceLIF, Theta)
        plain = isinstance(neuron, RateUnit) and type(neuron).equations_of is RateUnit.equations_of
        if not (known or plain):
            raise InputError(
                f"to_brian2: population {p.name!r}: expected LIF, ConductanceLIF or Theta neurons, or rate units, "
                f"found {model_name(neuron)}"
            )
    for projection in circuit.projections:
        what = f"to_brian2: projection {projection.name!r}"
        if not isinstance(projection.plasticity, (ShortTerm, type(None))):
            raise InputError(f"{what}: expected short-term plasticity or none, found {projection.plasticity!r:.60}")
        if projection.transient:
            raise InputError(f"{what}: expected weights that stay, found a transient loss of transmission")
        if circuit.kind == "rate" and circuit.delays(projection).any():
            raise InputError(
                f"{what}: expected no delay between rate units, since Brian2's summed variables have none, found "
                f"{circuit.delays(projection).max() * 1e3:g} ms"
            )


def _stimulus(circuit, stimulus, timing):
    """Stimulus of every afferent: shape (inputs,), or (time, inputs)."""
    n, what = circuit.n_inputs, "to_brian2: stimulus"
    values = np.ones(n) if stimulus is None else to_si(stimulus, "1", what)
    if values.ndim not in (1, 2) or values.shape[-1] != n or not values.size:
        raise InputError(f"{what}: expected shape ({n},) or (time, {n}), found {values.shape}")
    if values.min() < 0:
        raise InputError(f"{what}: expected 0 or more (a rate is not negative), found {values.min():g}")
    if values.ndim == 2 and timing.steps % len(values):
        expected = f"a number of time frames that divides the {timing.steps:,} time steps"
        raise InputError(f"{what}: expected {expected}, found {len(values)}")
    rates = np.repeat([i.rate for i in circuit.inputs], [i.size for i in circuit.inputs])
    if circuit.kind == "spiking" and (fastest := (values * rates).max()) * timing.dt > 1 + 1e-9:
        expected = f"at most one spike a time step ({1 / timing.dt:g} Hz)"
        raise InputError(f"{what}: expected input rates of {expected}, found {fastest:g} Hz")
    return values


def _written(value: float, unit: str) -> str:
    """A number with its unit as Python code, of exactly this value."""
    return next(
        _plain(number) + _times(name) for name, scale in _WRITTEN[unit] if (number := _number(value, scale)) is not None
    )


def _number(value: float, scale: float) -> float | None:
    """The number that is this value when multiplied by a scale; None if there is none of few digits."""
    number = float(value) if scale == 1 else float(f"{value / scale:.15g}")
    return number if number * scale == value else None


def _plain(number: float) -> str:
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)


def _times(unit: str) -> str:
    return f"*{unit}" if unit.isalpha() else unit


def _quoted(text: str) -> str:
    """A text as Python code, in ASCII."""
    written = ascii(text)
    return written if '"' in written else f'"{written[1:-1]}"'


def _lines(text: str) -> str:
    return f'"""\n{text}\n"""' if "\n" in text else f'"{text}"'


class _Writer:
    """The script of a circuit while it grows."""

    def __init__(self, circuit: Circuit, stimulus: np.ndarray, timing: Timing):
        self.circuit, self.stimulus, self.timing = circuit, stimulus, timing
        self.arrays: dict[str, np.ndarray] = {}
        self.differs: list[str] = []
        self.gates: dict[str, bool] = {}  # whether synapses must see that a target is not refractory
        unused = Unused(_TAKEN)
        parts: tuple[Any, ...] = (*circuit.inputs, *circuit.populations, *circuit.projections)
        self.names = {part.name: unused(_identifier(part.name)) for part in parts}
        self.coupled = [p for p in circuit.populations if circuit.gap_junctions(p).nnz]
        self.names |= {junctions_of(p): unused(f"{self.names[p.name]}_gap_junctions") for p in self.coupled}
        self.trains = {p.source for p in circuit.projections if not self._is_drive(p)}

    def script(self) -> Script:
        circuit, lines = self.circuit, [f"clock = Clock(dt={_written(self.timing.dt, 'second')})", ""]
        if self.stimulus.ndim == 1:
            ones = (self.stimulus == 1).all()
            values = f"np.ones({self.stimulus.size})" if ones else self._array(self.stimulus, "1", "stimulus")
            lines += ["# Of each afferent, in units of the rate of its input.", f"stimulus = {values}", ""]
        start = 0
        for each in circuit.inputs:
            lines += self._input(each, start)
            start += each.size
        for p in circuit.populations:
            lines += self._population(p)
        for projection in circuit.projections:
            lines += self._projection(projection)
        for p in self.coupled:
            lines += self._junctions(p)
        groups = [self.names[i.name] for i in circuit.inputs if self._has_group(i)]
        groups += [self.names[p.name] for p in circuit.populations]
        synapses = [self.names[p.name] for p in circuit.projections if not self._is_left_out(p)]
        synapses += [self.names[junctions_of(p)] for p in self.coupled]
        spiking = circuit.kind == "spiking"
        watched = [i.name for i in circuit.inputs if spiking and self._has_group(i)]
        lines.append("monitors = {")
        how = 'SpikeMonitor({0}, name="spikes_{0}")'
        if not spiking:
            how = 'StateMonitor({0}, "r", record=True, when="end", clock=clock, name="rates_{0}")'
        for name in [*watched, *(p.name for p in circuit.populations)]:
            lines.append(f"    {_quoted(name)}: {how.format(self.names[name])},")
        lines += [
            "}",
            "network = Network(",
            *(f"    {name}," for name in [*groups, *synapses]),
            "    *monitors.values(),",
        ]
        lines.append(")")
        for readout in circuit.readouts:
            rate = _written(readout.threshold, "hertz")
            lines.append(f"# The readout {readout.population!a} says 1 if its rate is above {rate}.")
        return Script(self._note(), "\n".join(lines) + "\n", self.arrays, self.names, circuit, self.timing.duration)

    def _note(self):
        if self.differs:
            return f"Not exact: {'; '.join(dict.fromkeys(self.differs))}."
        if self.circuit.kind == "rate":
            return "Equal: rates are those of eisim to rounding (Euler steps)."
        return "Exact: the same spikes as in eisim, as long as no potential is within rounding of the threshold."

    def _is_drive(self, projection):
        """Whether every target has a Poisson train of its own."""
        return self.circuit.kind == "spiking" and isinstance(projection.weights, Independent)

    def _has_group(self, each):
        return self.circuit.kind == "rate" or each.name in self.trains or each.train == "regular"

    def _is_left_out(self, projection):
        return self._is_drive(projection) or not self.circuit.has_synapses(projection)

    def _array(self, values, unit: str, name: str) -> str:
        """An array as code: written out, or by its name in the file of arrays."""
        values = np.asarray(values)
        if values.size > WRITTEN_OUT or values.ndim > 1:
            self.arrays[name] = values
            return f"arrays[{_quoted(name)}]{_times(_WRITTEN[unit][-1][0])}"
        if unit == "1":
            return str(values.tolist())
        each = [(name, [_number(value, scale) for value in values.tolist()]) for name, scale in _WRITTEN[unit]]
        name, numbers = next((name, numbers) for name, numbers in each if None not in numbers)
        return f"[{', '.join(map(_plain, numbers))}]{_times(name)}"

    # --- Inputs -------------------------------------------------------------------------------------------------------

    def _input(self, each: Input, start: int) -> Iterator[str]:
        name, n, rate = self.names[each.name], each.size, _written(each.rate, "hertz")
        poisson = self.circuit.kind == "spiking" and each.train == "poisson"
        if poisson:
            self.differs.append(_DRAWN.format("Poisson trains are"))
        yield f"# Input {each.name!a}: {n} afferent{'s' * (n > 1)}, {rate} for a stimulus of 1."
        moving = self.stimulus.ndim == 2
        if moving:
            frame = self.timing.steps // len(self.stimulus) * self.timing.dt
            values = self._array(each.rate * self.stimulus[:, start : start + n], "hertz", f"{name} rate")
            yield f"{name}_rate = TimedArray({values}, dt={_written(frame, 'second')})"
            rates, given = f"{name}_rate(t, i)", f", namespace=dict({name}_rate={name}_rate)"
        else:
            yield f"{name}_rate = {rate}*stimulus[{start}:{start + n}]"
        if not self._has_group(each):
            yield ""
            return
        if poisson:
            how = f'"{rates}"{given}' if moving else f"{name}_rate"
            yield f"{name} = PoissonGroup({n}, {how}, clock=clock, name={_quoted(name)})"
        elif self.circuit.kind == "rate":
            how = f'"r = {rates} : Hz (constant over dt)"{given}' if moving else '"r : Hz (constant)"'
            yield f"{name} = NeuronGroup({n}, {how}, clock=clock, name={_quoted(name)})"
            if not moving:
                yield f"{name}.r = {name}_rate"
        else:
            how = f"rate = {rates} : Hz (constant over dt)" if moving else "rate : Hz (constant)"
            yield f"{name}_equations = {_lines(f'dphase/dt = rate : 1{chr(10)}{how}')}"
            yield f"{name} = NeuronGroup("
            yield f'    {n}, {name}_equations, threshold="phase > {CYCLE!r}", reset="phase -= 1", method="euler",'
            yield f"    clock=clock, name={_quoted(name)}{given if moving else ''},"
            yield ")"
            yield f"{name}.phase = (np.arange({n}) + 0.5)/{n}"
            if not moving:
                yield f"{name}.rate = {name}_rate"
        yield ""

    # --- Populations --------------------------------------------------------------------------------------------------

    def _population(self, p: Population) -> Iterator[str]:
        name, neurons = self.names[p.name], self.circuit.neurons(p)
        if p.silenced:
            self.differs.append("monitors show what the membranes of silenced neurons do, which send nothing")
        model = _spiking(p, neurons, p in self.coupled) if self.circuit.kind == "spiking" else self._rate(p)
        if p in self.coupled:
            model = replace(model, equations=[*model.equations, f"gap : {_declared(p.neuron.drive_unit)}"])
        self.differs += model.differs
        self.gates[p.name] = model.gate
        constants, own, declared = {}, {}, []
        for constant, (values, unit) in model.values.items():
            if np.ndim(values):
                own[constant] = self._array(values, unit, f"{name} {constant}")
                declared.append(f"{constant} : {_declared(unit)} (constant)")
            else:
                constants[constant] = _written(float(values), unit)
        drives = [q for q in self.circuit.projections if q.target == p.name and self._is_drive(q)]
        regularly = []
        for k, q in enumerate(drives):
            source = self.names[q.source]
            rate = f"{source}_rate(t, 0)" if self.stimulus.ndim == 2 else f"{source}_rate"
            constants[f"{source}_rate"] = f"{source}_rate" if self.stimulus.ndim == 2 else f"{source}_rate[0]"
            weight, unit = q.weights.weight, p.neuron.weight_unit
            if isinstance(weight, Distribution):
                weight = self.circuit.weights(q).data
                own[f"w_drive_{k}"] = self._array(weight, unit, f"{name} w_drive_{k}")
                declared.append(f"w_drive_{k} : {_declared(unit)} (constant)")
            else:
                constants[f"w_drive_{k}"] = _written(float(weight), unit)
            constants |= self._scale(p.neuron, self.circuit.receptor(q))
            added = _delivered(p.neuron, self.circuit.receptor(q), f"w_drive_{k}*poisson({rate}*dt)", 1, "", model.gate)
            regularly.append(f'{name}.run_regularly("{added}", when="after_groups", clock=clock)')
        sign = "excitatory" if p.sign == "E" else "inhibitory"
        yield f"# Population {p.name!a}: {p.size} {sign} neuron{'s' * (p.size > 1)}."
        yield from (f"# {remark}" for remark in model.remarks)
        yield f"{name}_equations = {_lines(chr(10).join([*model.equations, *declared]))}"
        yield f"{name}_constants = dict("
        yield from (f"    {constant}={value}," for constant, value in constants.items())
        yield ")"
        yield f"{name} = NeuronGroup("
        yield f"    {p.size}, {name}_equations, method={_quoted(model.method)}{model.events},"
        yield f"    namespace={name}_constants, clock=clock, name={_quoted(name)},"
        yield ")"
        yield from (f"{name}.{parameter} = {value}" for parameter, value in own.items())
        units = p.neuron.states
        states = dict.fromkeys(units, 0.0) | {next(iter(units)): model.values.get("rest", (0.0, ""))[0]}
        states |= {state: _one_if_equal(at) for state, at in initial_state(p, self.circuit.seed).items()}
        for state, at in states.items():
            if np.any(at):
                at, unit = at * _jump(p.neuron, state), units[state]
                value = self._array(at, unit, f"{name} {state}") if np.ndim(at) else _written(float(at), unit)
                yield f"{name}.{state} = {value}"
        yield from (f'{name}.run_regularly("{held}", when="after_groups", clock=clock)' for held in model.regularly)
        yield from regularly
        yield ""

    @staticmethod
    def _scale(neuron, letter):
        """The jump of the rising variable for a weight of 1, as a constant where it is not 1."""
        scale = float(getattr(neuron.receptors[letter], "scale", 1.0))
        return {} if scale == 1 else {f"scale_{letter}": repr(scale)}

    def _rate(self, p: Population) -> "_Model":
        neuron, name = p.neuron, p.name
        into = [f"from_{self.names[q.name]}" for q in self._onto(name)]
        units = {f.name: f.metadata["unit"] for f in fields(neuron) if "unit" in f.metadata}
        noisy = bool(neuron.noise)
        bias = _one_if_equal(p.bias)
        text = neuron.equations_of(bool(neuron.refractory), noisy)
        if p in self.coupled:
            text = text.replace("(-r + ", "(-r + gap + ")
        values = {n: (getattr(neuron, n), u) for n, u in units.items() if re.search(rf"\b{n}\b", text)}
        if neuron.refractory:
            values["recovery"] = neuron.refractory, "second"
        terms = [*(["bias"] if np.any(bias) else []), *into, *(["noise_drive"] if noisy else [])]
        if np.any(bias):
            values["bias"] = bias, "hertz"
        lines = [*text.splitlines(), f"drive = {' + '.join(terms) or '0*Hz'} : Hz", *(f"{each} : Hz" for each in into)]
        differs = [_DRAWN.format("noise is")] if noisy else []
        return _Model(lines, values, "euler", "", differs)

    def _onto(self, name):
        return [q for q in self.circuit.projections if q.target == name and not self._is_left_out(q)]

    def _junctions(self, p: Population) -> Iterator[str]:
        matrix, name, population = self.circuit.gap_junctions(p), self.names[junctions_of(p)], self.names[p.name]
        state, unit = "r" if self.circuit.kind == "rate" else "v", gap_junction_unit(p.neuron)
        rows, columns = matrix.tocoo().coords
        current = f"gap_post = w*({state}_pre - {state}_post) : {_declared(p.neuron.drive_unit)} (summed)"
        pairs = f"{matrix.nnz // 2:,} pair{'s' * (matrix.nnz > 2)}"
        yield f"# Gap junctions of population {p.name!a}: {pairs}, each both ways."
        yield f"{name} = Synapses("
        yield f"    {population}, {population}, {_lines(f'w : {unit} (constant){chr(10)}{current}')},"
        yield f"    clock=clock, name={_quoted(name)},"
        yield ")"
        yield f"{name}.connect("
        yield f"    i={self._array(rows, '1', f'{name} i')},"
        yield f"    j={self._array(columns, '1', f'{name} j')},"
        yield ")"
        weight = _one_if_equal(matrix.data)
        written = self._array(weight, unit, f"{name} w") if np.ndim(weight) else _written(float(weight), unit)
        yield f"{name}.w = {written}"
        yield ""

    # --- Projections --------------------------------------------------------------------------------------------------

    def _projection(self, projection: Projection) -> Iterator[str]:
        circuit, name = self.circuit, self.names[projection.name]
        if self._is_drive(projection):
            return
        title = f"# Projection {projection.name!a}"
        if self._is_left_out(projection):
            yield f"{title}: no synapses.\n"
            return
        target = circuit.population(projection.target).neuron
        matrix, sign, delays = circuit.weights(projection), circuit.sign(projection), circuit.delays(projection)
        rows, columns, unit = (
            np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr)),
            matrix.indices,
            (target.weight_unit),
        )
        weight, constants, model = _one_if_equal(matrix.data), {}, []
        if np.ndim(weight):
            model.append(f"w : {unit} (constant)")
        else:
            constants["w"] = _written(float(weight), unit)
        plasticity, code = projection.plasticity, ""
        if circuit.kind == "rate":
            model.append(f"from_{name}_post = {'-' * (sign < 0)}w*r_pre : Hz (summed)")
        else:
            letter = circuit.receptor(projection)
            plasticity = plasticity or getattr(target.receptors[letter], "release", None)
            amount = "w"
            if plasticity:
                amount = "w*u*R" if plasticity.facilitation else "w*U*R"
                model.append("dR/dt = (1 - R)/tau_d : 1 (event-driven)")
                constants |= {"U": repr(plasticity.release), "tau_d": _written(plasticity.depression, "second")}
            gate = self.gates[projection.target]
            code = _delivered(target, letter, amount, sign if target.signed_weights else 1, "_post", gate)
            constants |= self._scale(target, letter)
            if plasticity and plasticity.facilitation:
                model.append("du/dt = -u/tau_f : 1 (event-driven)")
                constants["tau_f"] = _written(plasticity.facilitation, "second")
                code = f"u += U*(1 - u)\n{code}\nR -= u*R"
            elif plasticity:
                code = f"{code}\nR -= U*R"
        source = circuit.source(projection)
        yield f"{title}: {matrix.nnz:,} synapse{'s' * (matrix.nnz > 1)}."
        yield f"{name} = Synapses("
        yield f"    {self.names[source.name]}, {self.names[projection.target]}, {_lines(chr(10).join(model))},"
        if code:
            late = np.unique(delays)
            delay = f", delay={_written(float(late[0]), 'second')}" if len(late) == 1 and late[0] else ""
            yield f"    on_pre={_lines(code)}{delay},"
        written = ", ".join(f"{constant}={value}" for constant, value in constants.items())
        yield f"    namespace=dict({written}), clock=clock, name={_quoted(name)},"
        yield ")"
        if matrix.nnz == matrix.shape[0] * matrix.shape[1]:
            yield f"{name}.connect()"
        else:
            yield f"{name}.connect("
            yield f"    i={self._array(rows, '1', f'{name} i')},"
            yield f"    j={self._array(columns, '1', f'{name} j')},"
            yield ")"
        if np.ndim(weight):
            yield f"{name}.w = {self._array(weight, unit, f'{name} w')}"
        if circuit.kind == "spiking" and np.unique(delays).size > 1:
            yield f"{name}.delay = {self._array(delays, 'second', f'{name} delay')}"
        if plasticity:
            yield f"{name}.R = 1"
        yield ""


@dataclass(frozen=True)
class _Model:
    """A population's equations, constants with their units, method, and events as keywords of its group."""

    equations: list[str]
    values: dict[str, tuple[float | np.ndarray, str]]
    method: str
    events: str
    differs: list[str]
    remarks: tuple[str, ...] = ()
    regularly: tuple[str, ...] = ()  # statements after each step
    gate: bool = False  # whether what acts on the potential must see that a neuron is not refractory


def junctions_of(p: Population) -> str:
    """By which the gap junctions of a population are found among names."""
    return f"gap junctions of {p.name}"


def _declared(unit: str) -> str:
    """A unit as Brian2's equations have it."""
    return _DECLARED.get(unit, unit)


def _spiking(p: Population, neurons, coupled: bool) -> _Model:
    neuron = p.neuron

    def of_all(value):
        return _one_if_equal(np.array([value(each) for each in neurons], dtype=float))

    text = neuron.equations()
    noisy = bool(np.any(of_all(lambda each: each.noise)))
    bias = _one_if_equal(p.bias)
    if not noisy:
        text = re.sub(r" \+ noise\S*\*xi\b", "", text)
    if coupled:
        text = re.sub(r"\bbias\b", "bias + gap" if np.any(bias) else "gap", text)
    elif not np.any(bias):
        text = re.sub(r" \+ bias\b|\bbias \+ ", "", text)
    units = {f.name: f.metadata["unit"] for f in fields(neuron) if "unit" in f.metadata}
    values = {name: (of_all(lambda each, name=name: getattr(each, name)), unit) for name, unit in units.items()}
    values["bias"] = bias, neuron.drive_unit
    for k, receptor in neuron.receptors.items():
        values |= {f"tau_{k}": (getattr(receptor, "tau", 0.0), "second")}
        values |= {f"rise_{k}": (getattr(receptor, "rise", 0.0), "second")}
        values |= {f"E_{k}": (getattr(receptor, "reversal", 0.0), "volt")}
        if isinstance(receptor, NMDA):
            values |= {"blocked": (receptor.magnesium / NMDA.HALF_BLOCK, "1"), "steepness": (NMDA.STEEPNESS, "1/volt")}
    method, differs = _method(neuron, noisy)
    text, is_one, remarks = _with_equal_taus(neuron, values, text) if method == "exact" else (text, False, ())
    late = values.pop("refractory", (0.0, "second"))
    subtracts = getattr(neuron, "reset_by_subtraction", False)
    reset = "v -= threshold - reset" if subtracts else neuron.after_spike(False)
    events, regularly = f', threshold="{neuron.spikes_when}", reset="{reset}"', ()
    # Without a period, a neuron that spikes is still closed to jumps of its potential, which a reset overwrites.
    is_closed = bool(np.any(late[0]) or subtracts)
    if np.ndim(late[0]):
        values["t_ref"] = late
        events += ', refractory="t_ref"'
    elif is_closed:
        events += f", refractory={_written(float(late[0]), 'second')}"
    if is_one or not is_closed:
        text = text.replace(" (unless refractory)", "")
    lines = [line.strip() for line in text.strip().splitlines()]
    if is_one and np.any(late[0]):
        held = "v_held" if subtracts else "reset"
        if subtracts:
            lines.append("v_held : volt")
            events = events.replace(reset, f"{reset}; v_held = v")
        regularly = (f"v = {held}*int(not not_refractory) + v*int(not_refractory)",)
    used = " ".join([*lines, events])
    values = {name: value for name, value in values.items() if re.search(rf"\b{name}\b", used)}
    return _Model(lines, values, method, events, differs, remarks, regularly, is_one and is_closed)


def _method(neuron, noisy):
    """Brian2's method, with what it makes different."""
    if noisy:
        return "euler", [_DRAWN.format("noise, integrated by Euler's method, is")]
    if isinstance(neuron, LIF):
        return "exact", []
    if isinstance(neuron, Theta):
        return "rk2", ["theta neurons are integrated by rk2, but in eisim with the mean input of a step"]
    method = "rk2" if neuron.nmda else "exponential_euler"
    why = f"conductance-based neurons are integrated by {method}, but in eisim with the mean conductances of a step"
    return method, [why]


def _with_equal_taus(neuron, values, text):
    """Equations in which equal time constants are one constant, whether there are any, and remarks.

    Where the membrane's differ between neurons they cannot be one; those near to a receptor's are moved away from it.
    """
    is_one, remarks, tau = False, (), values["tau"][0]
    for k, receptor in neuron.receptors.items():
        if receptor.letter not in APART:
            continue
        least, near = APART[receptor.letter], np.abs(np.asarray(tau) / receptor.tau - 1)
        if np.ndim(tau) and (near < least).any():
            tau = np.where(near < least, receptor.tau * (1 + least), tau)
            values["tau"] = tau, "second"
            remarks += (f"tau is nowhere within {least:g} of tau_{k}: the exact solution divides by their difference.",)
        elif not np.ndim(tau) and near < least:
            text, is_one = re.sub(rf"\btau_{k}\b", "tau", text), True
            remarks += (f"tau_{k} is tau. As Brian2's exact solution for two constants, or for an equation that is",)
            remarks += ('"(unless refractory)", divides by their difference, v is held by a statement of its own.',)
    return text, is_one, tuple(dict.fromkeys(remarks))


def _delivered(neuron, letter: str, amount: str, sign: int, suffix: str, gate: bool) -> str:
    """What a spike does to the target, as a statement."""
    receptor = neuron.receptors[letter]
    operator = "+=" if sign > 0 else "-="
    if receptor.letter == "d":
        return f"v{suffix} {operator} {amount}{f'*int(not_refractory{suffix})' if gate else ''}"
    if receptor.letter == "a":
        return f"x_{letter}{suffix} {operator} e*{amount}"
    if receptor.letter in "rn":
        factor = f"scale_{letter}*" if receptor.scale != 1 else ""
        return f"x_{letter}{suffix} += {factor}{amount}"
    return f"{'I' if neuron.signed_weights else 'g'}_{letter}{suffix} {operator} {amount}"


def _jump(neuron, state):
    """The value of a state variable here where it is 1 in eisim, which scales the rising variable as it acts."""
    letter = state.removeprefix("x_")
    return getattr(neuron.receptors[letter], "scale", 1.0) if state.startswith("x_") else 1.0


def _one_if_equal(values):
    """An array, or the one number that it repeats."""
    values = np.asarray(values, dtype=float)
    return values.ravel()[0] if values.size and not np.ptp(values) else values


def _identifier(name: str) -> str:
    """A name in ASCII letters, digits and underscores, as Python and Brian2 take it."""
    found = re.sub(r"\W+", "_", name.replace("->", "_to_"), flags=re.ASCII).strip("_")
    found = found if found and not found[0].isdigit() else f"n_{found}"
    return f"{found}_1" if found.endswith(("_rate", "_equations", "_constants")) else found


__all__ = ["Script", "brian2_script"]
