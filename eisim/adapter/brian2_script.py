r"""Circuits as scripts for Brian2, which run without eisim.

One text is both the script and what `to_brian2` executes, so that the two cannot differ. Each input and population is
one ``NeuronGroup`` and each projection one ``Synapses``. What is short is written out; weights, delays and parameters
of more than a few numbers are arrays, in a file beside the script.

LIF neurons without noise are integrated by Brian2's method ``exact``, as in eisim, and so spike at the same time steps.
The solution of Brian2 divides by the difference of time constants, which gives NaN, and no spikes, where two are equal.
Equal ones are written as one constant, for which it finds the other solution; but it does so only without the flag
``unless refractory``, which makes a factor of the equation. So potentials are then held by a statement for each step.

Neurons of equations keep their text, and the method of integration that eisim takes. A current that varies, which acts
from the beginning of a step, is a subexpression that is ``constant over dt``.
"""

import keyword
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from importlib.metadata import version
from typing import Any

import numpy as np

from eisim.adapter.brian2_models import (
    DRAWN,
    Drive,
    Model,
    delivered,
    fluctuating,
    jump,
    of_equations,
    of_membranes,
    one_if_equal,
)
from eisim.adapter.brian2_text import (
    identifier,
    lines_of,
    number_of,
    plain_number,
    quoted,
    scales_of,
    times_unit,
    unit_text,
    with_unit,
)
from eisim.adapter.limits import check_afferents
from eisim.adapter.names import Unused
from eisim.base.errors import InputError, explains_arguments
from eisim.base.timing import Timing
from eisim.base.units import to_si
from eisim.circuit import CYCLE, Circuit, Input, Population, Projection, gap_junction_unit, initial_state
from eisim.distributions import Distribution
from eisim.neurons import LIF, ConductanceLIF, Neuron, RateUnit, Theta
from eisim.neurons.neuron import model_name
from eisim.stimuli import spike_raster
from eisim.synapses import ShortTerm
from eisim.weights import Independent

#: Rows of more numbers than this are not written out, nor are tables.
WRITTEN_OUT = 20
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
    *("SpikeGeneratorGroup", "metre", "meter", "kilogram", "kelvin", "mole", "ohm", "coulomb"),
}
#: Variables and constants of synapses.
_SYNAPTIC = ("w", "u", "R", "U", "tau_d", "tau_f")
#: What a script says of circuits in which nothing is drawn.
_EXACT = "Exact: the same spikes as in eisim, as long as no potential is within rounding of the threshold"


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
            lines += [f"arrays = np.load(Path(__file__).parent / {quoted(arrays_file)})", ""]
        lines += [self.build, 'if __name__ == "__main__":']
        if "random" in self.note:
            lines.append("    seed(0)")
        lines.append(f"    network.run({with_unit(self.duration, 'second')})")
        for p in circuit.populations:
            monitor, name = f"monitors[{quoted(p.name)}]", self.names[p.name]
            rate = f"{monitor}.num_spikes/len({name})/network.t"
            if circuit.kind == "rate":
                rate = f"{monitor}.r[:, -1].mean()"
            lines.append(f"    print({quoted(p.name + ':')}, {rate})")
        return "\n".join(lines) + "\n"


@explains_arguments
def brian2_script(circuit: Circuit, stimulus=None, *, duration=300e-3, dt=0.1e-3) -> Script:
    """The script of a circuit; parameters and errors are those of `eisim.adapter.brian2_network.to_brian2`."""
    timing = Timing(duration, duration, dt)
    _check(circuit)
    values = _stimulus(circuit, stimulus, timing)
    return _Writer(circuit, values, timing).script()


def _check(circuit):
    check_afferents(circuit, "to_brian2", fluctuating=False, spikes=False, currents=False)
    for p in circuit.populations:
        if p.gap_junctions_from:
            raise InputError(
                f"to_brian2: population {p.name!r}: expected gap junctions among its own neurons, since several summed "
                f"variables cannot add up in Brian2, found those from {', '.join(p.gap_junctions_from)}"
            )
        neuron = p.neuron
        known = type(neuron) in (LIF, ConductanceLIF, Theta, Neuron)
        plain = isinstance(neuron, RateUnit) and type(neuron).equations_of is RateUnit.equations_of
        if not (known or plain):
            raise InputError(
                f"to_brian2: population {p.name!r}: expected LIF, ConductanceLIF or Theta neurons, rate units, or "
                f"neurons from equations, found {model_name(neuron)}"
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
    fires = np.repeat([not i.is_current for i in circuit.inputs], [i.size for i in circuit.inputs])
    if (least := values[..., fires].min(initial=0)) < 0:
        raise InputError(f"{what}: expected 0 or more (a rate is not negative), found {least:g}")
    if values.ndim == 2 and timing.steps % len(values):
        expected = f"a number of time frames that divides the {timing.steps:,} time steps"
        raise InputError(f"{what}: expected {expected}, found {len(values)}")
    rates = [0.0 if i.is_current or i.spikes is not None else i.rate for i in circuit.inputs]
    rates = np.repeat(rates, [i.size for i in circuit.inputs])
    if circuit.kind == "spiking" and (fastest := (values * rates).max()) * timing.dt > 1 + 1e-9:
        expected = f"at most one spike a time step ({1 / timing.dt:g} Hz)"
        raise InputError(f"{what}: expected input rates of {expected}, found {fastest:g} Hz")
    return values


class _Writer:
    """The script of a circuit while it grows."""

    def __init__(self, circuit: Circuit, stimulus: np.ndarray, timing: Timing):
        self.circuit, self.stimulus, self.timing = circuit, stimulus, timing
        self.arrays: dict[str, np.ndarray] = {}
        self.differs: list[str] = []
        self.noises: dict[str, str] = {}  # variables of targets that receive the fluctuation of projections
        self.gaps: dict[str, str] = {}  # variables of neurons of equations that receive currents of gap junctions
        self.gates: dict[str, bool] = {}  # whether synapses must see that a target is not refractory
        unused = Unused(_TAKEN)
        parts: tuple[Any, ...] = (*circuit.inputs, *circuit.populations, *circuit.projections)
        self.names = {part.name: unused(identifier(part.name)) for part in parts}
        self.coupled = [p for p in circuit.populations if circuit.gap_junctions(p).nnz]
        self.names |= {junctions_of(p): unused(f"{self.names[p.name]}_gap_junctions") for p in self.coupled}
        self.noise_groups = {i.name: unused(f"{self.names[i.name]}_noise") for i in circuit.inputs if i.fluctuation}
        self.tables = {p.name: unused(f"{self.names[p.name]}_injected") for p in circuit.populations}
        self.trains = {p.source for p in circuit.projections if not self._is_drive(p)}

    def script(self) -> Script:
        circuit, lines = self.circuit, [f"clock = Clock(dt={with_unit(self.timing.dt, 'second')})", ""]
        if self.stimulus.ndim == 1 and any(map(_has_rate, circuit.inputs)):
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
        groups += [self.noise_groups[i.name] for i in circuit.inputs if self._shares_noise(i)]
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
            lines.append(f"    {quoted(name)}: {how.format(self.names[name])},")
        lines += [
            "}",
            "network = Network(",
            *(f"    {name}," for name in [*groups, *synapses]),
            "    *monitors.values(),",
        ]
        lines.append(")")
        for readout in circuit.readouts:
            rate = with_unit(readout.threshold, "hertz")
            lines.append(f"# The readout {readout.population!a} says 1 if its rate is above {rate}.")
        return Script(self._note(), "\n".join(lines) + "\n", self.arrays, self.names, circuit, self.timing.duration)

    def _note(self):
        if self.differs:
            return f"Not exact: {'; '.join(dict.fromkeys(self.differs))}."
        if any(isinstance(p.neuron, Neuron) for p in self.circuit.populations):
            return f"{_EXACT}; in chaotic networks rounding grows."
        if self.circuit.kind == "rate":
            return "Equal: rates are those of eisim to rounding (Euler steps)."
        return f"{_EXACT}."

    def _is_drive(self, projection):
        """Whether every target has a Poisson train of its own."""
        injected = self.circuit.is_injected(projection)
        return self.circuit.kind == "spiking" and isinstance(projection.weights, Independent) and not injected

    def _has_group(self, each):
        if each.is_current:
            return False
        return self.circuit.kind == "rate" or each.name in self.trains or each.train == "regular"

    def _is_left_out(self, projection):
        injected = self.circuit.is_injected(projection) and not self._is_noise(projection)
        return self._is_drive(projection) or injected or not self.circuit.has_synapses(projection)

    def _is_noise(self, projection):
        """Whether targets share the fluctuation of electrodes."""
        source = self.circuit.source(projection)
        return self.circuit.is_injected(projection) and source.fluctuation and not _is_independent(projection)

    def _shares_noise(self, each):
        return any(p.source == each.name and self._is_noise(p) for p in self.circuit.projections)

    def _array(self, values, unit: str, name: str) -> str:
        """An array as code: written out, or by its name in the file of arrays."""
        values = np.asarray(values)
        if values.size > WRITTEN_OUT or values.ndim > 1:
            self.arrays[name] = values
            return f"arrays[{quoted(name)}]{times_unit(scales_of(unit)[-1][0])}"
        if unit == "1":
            return str(values.tolist())
        each = [(name, [number_of(value, scale) for value in values.tolist()]) for name, scale in scales_of(unit)]
        name, numbers = next((name, numbers) for name, numbers in each if None not in numbers)
        return f"[{', '.join(map(plain_number, numbers))}]{times_unit(name)}"

    # --- Inputs -------------------------------------------------------------------------------------------------------

    def _input(self, each: Input, start: int) -> Iterator[str]:
        if each.is_current:
            yield from self._electrodes(each)
            return
        if each.spikes is not None:
            yield from self._given(each, start)
            return
        name, n, rate = self.names[each.name], each.size, with_unit(each.rate, "hertz")
        poisson = self.circuit.kind == "spiking" and each.train == "poisson"
        if poisson:
            self.differs.append(DRAWN.format("Poisson trains are"))
        yield f"# Input {each.name!a}: {n} afferent{'s' * (n > 1)}, {rate} for a stimulus of 1."
        moving = self.stimulus.ndim == 2
        if moving:
            frame = self.timing.steps // len(self.stimulus) * self.timing.dt
            values = self._array(each.rate * self.stimulus[:, start : start + n], "hertz", f"{name} rate")
            yield f"{name}_rate = TimedArray({values}, dt={with_unit(frame, 'second')})"
            rates, given = f"{name}_rate(t, i)", f", namespace=dict({name}_rate={name}_rate)"
        else:
            yield f"{name}_rate = {rate}*stimulus[{start}:{start + n}]"
        if not self._has_group(each):
            yield ""
            return
        if poisson:
            how = f'"{rates}"{given}' if moving else f"{name}_rate"
            yield f"{name} = PoissonGroup({n}, {how}, clock=clock, name={quoted(name)})"
        elif self.circuit.kind == "rate":
            how = f'"r = {rates} : Hz (constant over dt)"{given}' if moving else '"r : Hz (constant)"'
            yield f"{name} = NeuronGroup({n}, {how}, clock=clock, name={quoted(name)})"
            if not moving:
                yield f"{name}.r = {name}_rate"
        else:
            how = f"rate = {rates} : Hz (constant over dt)" if moving else "rate : Hz (constant)"
            yield f"{name}_equations = {lines_of(f'dphase/dt = rate : 1{chr(10)}{how}')}"
            yield f"{name} = NeuronGroup("
            yield f'    {n}, {name}_equations, threshold="phase > {CYCLE!r}", reset="phase -= 1", method="euler",'
            yield f"    clock=clock, name={quoted(name)}{given if moving else ''},"
            yield ")"
            yield f"{name}.phase = (np.arange({n}) + 0.5)/{n}"
            if not moving:
                yield f"{name}.rate = {name}_rate"
        yield ""

    def _given(self, each: Input, start: int) -> Iterator[str]:
        """Afferents whose spike times are given, while their stimulus is 1."""
        name, timing, what = self.names[each.name], self.timing, f"to_brian2: stimulus of input {each.name!r}"
        stimuli = self.stimulus[None, ..., start : start + each.size]
        (rows,) = spike_raster(each.spikes, each.size, stimuli, timing.steps, timing.dt, what)
        afferents = np.repeat(np.arange(each.size), [len(row) for row in rows])
        times = np.concatenate(rows) * timing.dt
        yield f"# Input {each.name!a}: {each.size} afferent{'s' * (each.size > 1)}, whose spike times are given."
        yield f"{name} = SpikeGeneratorGroup("
        yield f"    {each.size}, {self._array(afferents, '1', f'{name} i')},"
        yield f"    {self._array(times, 'second', f'{name} t')}, clock=clock, name={quoted(name)},"
        yield ")\n"

    def _electrodes(self, each: Input) -> Iterator[str]:
        """What of injected currents is not in the equations of their targets: the fluctuation that these share."""
        unit = self.circuit.unit_of_current(each)
        current = with_unit(each.scale, unit)
        tonic = ", as a part of the tonic drive of its targets" * (self.stimulus.ndim == 1)
        yield f"# Input {each.name!a}: injects {current} for a stimulus of 1{tonic}."
        if each.fluctuation:
            self.differs.append(DRAWN.format("fluctuations of currents are"))
        if self._shares_noise(each):
            values = {"sigma": with_unit(float(each.fluctuation), unit), "tau": with_unit(each.tau, "second")}
            written = ", ".join(f"{constant}={value}" for constant, value in values.items())
            group = self.noise_groups[each.name]
            yield f"{group} = NeuronGroup("
            yield f'    {each.size}, "eta : {unit_text(unit)}", namespace=dict({written}), clock=clock,'
            yield f"    name={quoted(group)},"
            yield ")"
            yield from fluctuating(group, "eta", "sigma", "tau")
        yield ""

    # --- Populations --------------------------------------------------------------------------------------------------

    def _population(self, p: Population) -> Iterator[str]:
        name, neurons = self.names[p.name], self.circuit.neurons(p)
        if p.silenced:
            self.differs.append("monitors show what the membranes of silenced neurons do, which send nothing")
        unused, coupled = Unused(p.neuron.names if isinstance(p.neuron, Neuron) else ()), p in self.coupled
        drive = self._drive(p, unused)
        if self.circuit.kind == "rate":
            model = self._rate(p, drive)
        elif isinstance(p.neuron, Neuron):
            if coupled:
                self.gaps[p.name] = unused("gap")
                drive.terms.append(self.gaps[p.name])
            model = of_equations(p, neurons, drive, unused)
            for each in neurons:
                each.step_parameters(self.timing.dt)  # refuses a step without a value
        else:
            model = of_membranes(p, neurons, drive, unused, coupled)
        if coupled:
            gap = self.gaps.get(p.name, "gap")
            model = replace(model, equations=[*model.equations, f"{gap} : {unit_text(p.neuron.drive_unit)}"])
        model.values.update(drive.values)
        self.differs += model.differs
        self.gates[p.name] = model.gate
        constants, own, declared = dict(drive.tables), {}, list(drive.declared)
        for constant, (values, unit) in model.values.items():
            if np.ndim(values):
                own[constant] = self._array(values, unit, f"{name} {constant}")
                declared.append(f"{constant} : {unit_text(unit)} (constant)")
            else:
                constants[constant] = with_unit(float(values), unit)
        drives = [q for q in self.circuit.projections if q.target == p.name and self._is_drive(q)]
        regularly = []
        for k, q in enumerate(drives):
            source = self.names[q.source]
            called, w = unused(f"{source}_rate"), unused(f"w_drive_{k}")
            rate = f"{called}(t, 0)" if self.stimulus.ndim == 2 else called
            constants[called] = f"{source}_rate" if self.stimulus.ndim == 2 else f"{source}_rate[0]"
            weight, unit = q.weights.weight, p.neuron.weight_unit
            if isinstance(weight, Distribution):
                weight = self.circuit.weights(q).data
                own[w] = self._array(weight, unit, f"{name} {w}")
                declared.append(f"{w} : {unit_text(unit)} (constant)")
            else:
                constants[w] = with_unit(float(weight), unit)
            constants |= self._scale(p.neuron, self.circuit.receptor(q))
            added = delivered(p.neuron, self.circuit.receptor(q), f"{w}*poisson({rate}*dt)", 1, "", model.gate)
            regularly.append(f'{name}.run_regularly("{added}", when="after_groups", clock=clock)')
        sign = "excitatory" if p.sign == "E" else "inhibitory"
        yield f"# Population {p.name!a}: {p.size} {sign} neuron{'s' * (p.size > 1)}."
        yield from (f"# {remark}" for remark in model.remarks)
        yield from drive.before
        yield f"{name}_equations = {lines_of(chr(10).join([*model.equations, *declared]))}"
        yield f"{name}_constants = dict("
        yield from (f"    {constant}={value}," for constant, value in constants.items())
        yield ")"
        yield f"{name} = NeuronGroup("
        yield f"    {p.size}, {name}_equations, method={quoted(model.method)}{model.events},"
        yield f"    namespace={name}_constants, clock=clock, name={quoted(name)},"
        yield ")"
        yield from (f"{name}.{parameter} = {value}" for parameter, value in own.items())
        units = p.neuron.states
        states = dict.fromkeys(units, 0.0) | {next(iter(units)): model.values.get("rest", (0.0, ""))[0]} | model.start
        states |= {state: one_if_equal(at) for state, at in initial_state(p, self.circuit.seed).items()}
        for state, at in states.items():
            if np.any(at):
                at, unit = at * jump(p.neuron, state), units[state]
                value = self._array(at, unit, f"{name} {state}") if np.ndim(at) else with_unit(float(at), unit)
                yield f"{name}.{state} = {value}"
        if getattr(p.neuron, "relaxes_input", False):
            yield f'{name}.r = "activation"'
        yield from (f'{name}.run_regularly("{held}", when="after_groups", clock=clock)' for held in model.regularly)
        yield from regularly
        yield from drive.after
        yield ""

    def _drive(self, p: Population, unused: Unused) -> "Drive":
        """The bias of a population with the currents that are injected into it."""
        circuit, name, unit = self.circuit, self.names[p.name], p.neuron.drive_unit
        mine = [q for q in circuit.projections if q.target == p.name and circuit.is_injected(q)]
        if not mine:
            return Drive(p.bias)
        currents, which = circuit.injected(p, self.stimulus[None])
        moving = self.stimulus.ndim == 2
        found = Drive(p.bias if moving else p.bias + currents[0, which])
        if moving:
            table, injected = unused(self.tables[p.name]), unused("injected")
            each = currents[0][:, 0] if currents.shape[-1] == 1 else currents[0][:, which]
            frame = self.timing.steps // len(self.stimulus) * self.timing.dt
            values = self._array(each, unit, f"{name} injected")
            found.before.append(f"{self.tables[p.name]} = TimedArray({values}, dt={with_unit(frame, 'second')})")
            found.tables[table] = self.tables[p.name]
            arguments = "t" if each.ndim == 1 else "t, i"
            found.declared.append(f"{injected} = {table}({arguments}) : {unit_text(unit)} (constant over dt)")
            found.terms.append(injected)
        for q in mine:
            source, called = circuit.source(q), self.names[q.name]
            if not source.fluctuation or not circuit.has_synapses(q):
                continue
            term = unused(f"eta_{called}" if _is_independent(q) else f"from_{called}")
            found.declared.append(f"{term} : {unit_text(unit)}")
            found.terms.append(term)
            if not _is_independent(q):
                self.noises[q.name] = term
                continue
            sigma, tau = unused(f"sigma_{called}"), unused(f"tau_{called}")
            deviations = circuit.weights(q).data * float(source.fluctuation)
            found.values.update({sigma: (one_if_equal(deviations), unit), tau: (source.tau, "second")})
            found.after.extend(fluctuating(name, term, sigma, tau))
        return found

    @staticmethod
    def _scale(neuron, letter):
        """The jump of the rising variable for a weight of 1, as a constant where it is not 1."""
        scale = float(getattr(neuron.receptors[letter], "scale", 1.0))
        return {} if scale == 1 else {f"scale_{letter}": repr(scale)}

    def _rate(self, p: Population, drive: "Drive") -> "Model":
        neuron, name = p.neuron, p.name
        into = [f"from_{self.names[q.name]}" for q in self._onto(name)]
        units = {f.name: f.metadata["unit"] for f in fields(neuron) if "unit" in f.metadata}
        noisy = bool(neuron.noise)
        bias = one_if_equal(drive.bias)
        text = neuron.equations_of(bool(neuron.refractory), noisy)
        if p in self.coupled:
            text = text.replace("(-r + ", "(-r + gap + ")
        regularly = ()
        if neuron.relaxes_input:  # synapses read a variable, not an expression of constants that they do not have
            text, regularly = text.replace("\nr = activation :", "\nr :"), ("r = activation",)
        values = {n: (getattr(neuron, n), u) for n, u in units.items() if re.search(rf"\b{n}\b", text)}
        if neuron.refractory:
            values["recovery"] = neuron.refractory, "second"
        terms = [*(["bias"] if np.any(bias) else []), *into, *drive.terms, *(["noise_drive"] if noisy else [])]
        if np.any(bias):
            values["bias"] = bias, "hertz"
        lines = [*text.splitlines(), f"drive = {' + '.join(terms) or '0*Hz'} : Hz", *(f"{each} : Hz" for each in into)]
        differs = [DRAWN.format("noise is")] if noisy else []
        return Model(lines, values, "euler", "", differs, regularly=regularly)

    def _onto(self, name):
        return [q for q in self.circuit.projections if q.target == name and not self._is_left_out(q)]

    def _junctions(self, p: Population) -> Iterator[str]:
        matrix, name, population = self.circuit.gap_junctions(p), self.names[junctions_of(p)], self.names[p.name]
        state, unit = "r" if self.circuit.kind == "rate" else "v", gap_junction_unit(p.neuron)
        rows, columns = matrix.tocoo().coords
        w = Unused(p.neuron.names if isinstance(p.neuron, Neuron) else ())("w")
        difference = f"{w}*({state}_pre - {state}_post) : {unit_text(p.neuron.drive_unit)}"
        current = f"{self.gaps.get(p.name, 'gap')}_post = {difference} (summed)"
        pairs = f"{matrix.nnz // 2:,} pair{'s' * (matrix.nnz > 2)}"
        yield f"# Gap junctions of population {p.name!a}: {pairs}, each both ways."
        yield f"{name} = Synapses("
        yield f"    {population}, {population}, {lines_of(f'{w} : {unit} (constant){chr(10)}{current}')},"
        yield f"    clock=clock, name={quoted(name)},"
        yield ")"
        yield f"{name}.connect("
        yield f"    i={self._array(rows, '1', f'{name} i')},"
        yield f"    j={self._array(columns, '1', f'{name} j')},"
        yield ")"
        weight = one_if_equal(matrix.data)
        written = self._array(weight, unit, f"{name} {w}") if np.ndim(weight) else with_unit(float(weight), unit)
        yield f"{name}.{w} = {written}"
        yield ""

    # --- Projections --------------------------------------------------------------------------------------------------

    def _projection(self, projection: Projection) -> Iterator[str]:
        circuit, name = self.circuit, self.names[projection.name]
        is_noise = self._is_noise(projection)
        if self._is_drive(projection) or (circuit.is_injected(projection) and not is_noise):
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
        unit = "1" if is_noise else unit
        weight, constants, model = one_if_equal(matrix.data), {}, []
        of = self._synaptic(projection)
        w = of["w"]
        if np.ndim(weight):
            model.append(f"{w} : {unit_text(unit)} (constant)")
        else:
            constants[w] = with_unit(float(weight), unit)
        plasticity, code = projection.plasticity, ""
        if is_noise:
            declared = unit_text(target.drive_unit)
            model.append(f"{self.noises[projection.name]}_post = {w}*eta_pre : {declared} (summed)")
        elif circuit.kind == "rate":
            model.append(f"from_{name}_post = {'-' * (sign < 0)}w*r_pre : Hz (summed)")
        else:
            letter = circuit.receptor(projection)
            plasticity = plasticity or getattr(target.receptors[letter], "release", None)
            amount, R, u, U = w, of["R"], of["u"], of["U"]
            if plasticity:
                amount = f"{w}*{u}*{R}" if plasticity.facilitation else f"{w}*{U}*{R}"
                model.append(f"d{R}/dt = (1 - {R})/{of['tau_d']} : 1 (event-driven)")
                constants |= {U: repr(plasticity.release), of["tau_d"]: with_unit(plasticity.depression, "second")}
            gate = self.gates[projection.target]
            code = delivered(target, letter, amount, sign if target.signed_weights else 1, "_post", gate)
            constants |= self._scale(target, letter)
            if plasticity and plasticity.facilitation:
                model.append(f"d{u}/dt = -{u}/{of['tau_f']} : 1 (event-driven)")
                constants[of["tau_f"]] = with_unit(plasticity.facilitation, "second")
                code = f"{u} += {U}*(1 - {u})\n{code}\n{R} -= {u}*{R}"
            elif plasticity:
                code = f"{code}\n{R} -= {U}*{R}"
        source = circuit.source(projection)
        yield f"{title}: {matrix.nnz:,} synapse{'s' * (matrix.nnz > 1)}."
        yield f"{name} = Synapses("
        given = (self.noise_groups if is_noise else self.names)[source.name]
        yield f"    {given}, {self.names[projection.target]}, {lines_of(chr(10).join(model))},"
        if code:
            late = np.unique(delays)
            delay = f", delay={with_unit(float(late[0]), 'second')}" if len(late) == 1 and late[0] else ""
            yield f"    on_pre={lines_of(code)}{delay},"
        written = ", ".join(f"{constant}={value}" for constant, value in constants.items())
        yield f"    namespace=dict({written}), clock=clock, name={quoted(name)},"
        yield ")"
        pairs = matrix.shape[0] * matrix.shape[1]
        if matrix.nnz == pairs and np.array_equal(rows * matrix.shape[1] + columns, np.arange(pairs)):
            yield f"{name}.connect()"
        else:
            yield f"{name}.connect("
            yield f"    i={self._array(rows, '1', f'{name} i')},"
            yield f"    j={self._array(columns, '1', f'{name} j')},"
            yield ")"
        if np.ndim(weight):
            yield f"{name}.{w} = {self._array(weight, unit, f'{name} w')}"
        if circuit.kind == "spiking" and np.unique(delays).size > 1:
            yield f"{name}.delay = {self._array(delays, 'second', f'{name} delay')}"
        if plasticity:
            yield f"{name}.{of['R']} = 1"
        yield ""

    def _synaptic(self, projection) -> dict[str, str]:
        """Names of the variables of synapses, which differ from those of users' equations at both ends."""
        ends = (self.circuit.source(projection), self.circuit.population(projection.target))
        names = set().union(*(p.neuron.names for p in ends if isinstance(getattr(p, "neuron", None), Neuron)))
        unused = Unused(names)
        return {name: unused(name if name not in names else f"{name}_syn") for name in _SYNAPTIC}


def junctions_of(p: Population) -> str:
    """By which the gap junctions of a population are found among names."""
    return f"gap junctions of {p.name}"


def _has_rate(each: Input) -> bool:
    return not each.is_current and each.spikes is None


def _is_independent(projection) -> bool:
    return isinstance(projection.weights, Independent)


__all__ = ["Script", "brian2_script"]
