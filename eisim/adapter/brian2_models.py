"""Populations as equations, constants and events of Brian2."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from eisim.adapter.brian2_text import unit_text, with_unit
from eisim.adapter.names import Unused
from eisim.circuit import Population
from eisim.neurons import LIF, Neuron, Theta
from eisim.synapses import NMDA

#: Relative differences of time constants below which Brian2's exact solution would lose its digits.
APART = {"x": 1e-7, "a": 1e-5}
#: What a script says of what is drawn.
DRAWN = "{} drawn from other random numbers, so equal in distribution only"


@dataclass(frozen=True)
class Drive:
    """The tonic drive of a population, and what varies of it.

    These are terms of a sum, the lines of equations that declare them, constants with their units, tables over time,
    and statements before and after the group.
    """

    bias: np.ndarray
    terms: list[str] = field(default_factory=list)
    declared: list[str] = field(default_factory=list)
    values: dict[str, tuple[float | np.ndarray, str]] = field(default_factory=dict)
    tables: dict[str, str] = field(default_factory=dict)
    before: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)

    def sum(self, name: str, unit: str, unused: Unused) -> tuple[list[str], dict[str, tuple[Any, str]]]:
        """The line of equations that makes the sum under this name, and its constants; of one constant no line."""
        bias = one_if_equal(self.bias)
        if not self.terms:
            return [], {name: (bias, unit)}
        tonic = unused(f"{name}_0")
        terms = [*([tonic] if np.any(bias) else []), *self.terms]
        return [f"{name} = {' + '.join(terms)} : {unit_text(unit)}"], {tonic: (bias, unit)} if np.any(bias) else {}


@dataclass(frozen=True)
class Model:
    """A population's equations, constants with their units, method, and events as keywords of its group."""

    equations: list[str]
    values: dict[str, tuple[float | np.ndarray, str]]
    method: str
    events: str
    differs: list[str]
    remarks: tuple[str, ...] = ()
    regularly: tuple[str, ...] = ()  # statements after each step
    gate: bool = False  # whether what acts on the potential must see that a neuron is not refractory
    start: dict[str, float | np.ndarray] = field(default_factory=dict)  # states that equations of a user begin with


def of_equations(p: Population, neurons, drive: Drive, unused: Unused) -> Model:
    neuron: Any = p.neuron
    found = neuron.dynamics

    def of_all(value):
        return one_if_equal(np.array([value(each) for each in neurons], dtype=float))

    lines = []
    for name, expression in found.given.items():
        held = " (unless refractory)" * (name in found.held)
        lines.append(f"d{name}/dt = {expression} : {unit_text(found.units[name])}{held}")
    for name, expression in found.subexpressions.items():
        steady = " (constant over dt)" * (name in found.over_dt)
        lines.append(f"{name} = {expression} : {unit_text(found.units[name])}{steady}")
    lines += [f"{name} : {unit_text(found.units[name])}" for name in found.declared if name != neuron.drive]
    values = {name: (of_all(lambda each, name=name: each[name]), value.unit) for name, value in neuron.parameters}
    if neuron.drive:
        more, constants = drive.sum(neuron.drive, neuron.drive_unit, unused)
        lines, values = lines + more, values | constants
    events = f', threshold="{" ".join(neuron.threshold.split())}"'
    if found.reset:
        events += f', reset="{"; ".join(" ".join(each) for each in found.reset)}"'
    late = of_all(lambda each: each.refractory)
    if np.ndim(late):
        period = unused("t_ref")
        values[period] = late, "second"
        events += f', refractory="{period}"'
    elif late or found.held:
        events += f", refractory={with_unit(float(late), 'second')}"
    differs = [DRAWN.format("noise is")] if found.noises else []
    start = {name: of_all(lambda each, name=name: each.values[name]) for name in neuron.states}
    return Model(lines, values, neuron.integration, events, differs, start=start)


def of_membranes(p: Population, neurons, drive: Drive, unused: Unused, coupled: bool) -> Model:
    neuron = p.neuron

    def of_all(value):
        return one_if_equal(np.array([value(each) for each in neurons], dtype=float))

    text = neuron.equations()
    noisy = bool(np.any(of_all(lambda each: each.noise)))
    more, constants = drive.sum("bias", neuron.drive_unit, unused)
    if not noisy:
        text = re.sub(r" \+ noise\S*\*xi\b", "", text)
    if coupled:
        text = re.sub(r"\bbias\b", "bias + gap" if more or np.any(drive.bias) else "gap", text)
    elif not more and not np.any(drive.bias):
        text = re.sub(r" \+ bias\b|\bbias \+ ", "", text)
    units = {f.name: f.metadata["unit"] for f in fields(neuron) if "unit" in f.metadata}
    values = {name: (of_all(lambda each, name=name: getattr(each, name)), unit) for name, unit in units.items()}
    values |= constants
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
        events += f", refractory={with_unit(float(late[0]), 'second')}"
    if is_one or not is_closed:
        text = text.replace(" (unless refractory)", "")
    lines = [*(line.strip() for line in text.strip().splitlines()), *more]
    if is_one and np.any(late[0]):
        held = "v_held" if subtracts else "reset"
        if subtracts:
            lines.append("v_held : volt")
            events = events.replace(reset, f"{reset}; v_held = v")
        regularly = (f"v = {held}*int(not not_refractory) + v*int(not_refractory)",)
    used = " ".join([*lines, events])
    values = {name: value for name, value in values.items() if re.search(rf"\b{name}\b", used)}
    return Model(lines, values, method, events, differs, remarks, regularly, is_one and is_closed)


def _method(neuron, noisy):
    """Brian2's method, with what it makes different."""
    if noisy:
        return "euler", [DRAWN.format("noise, integrated by Euler's method, is")]
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


def delivered(neuron, letter: str, amount: str, sign: int, suffix: str, gate: bool) -> str:
    """What a spike does to the target, as a statement."""
    receptor = neuron.receptors[letter]
    operator = "+=" if sign > 0 else "-="
    if isinstance(neuron, Neuron):
        return f"{receptor.name}{suffix} {operator} {amount}"
    if receptor.letter == "d":
        return f"v{suffix} {operator} {amount}{f'*int(not_refractory{suffix})' if gate else ''}"
    if receptor.letter == "a":
        return f"x_{letter}{suffix} {operator} e*{amount}"
    if receptor.letter in "rn":
        factor = f"scale_{letter}*" if receptor.scale != 1 else ""
        return f"x_{letter}{suffix} += {factor}{amount}"
    return f"{'I' if neuron.signed_weights else 'g'}_{letter}{suffix} {operator} {amount}"


def fluctuating(group: str, variable: str, sigma: str, tau: str) -> Iterator[str]:
    """Statements that make a variable an Ornstein-Uhlenbeck process: exact steps from its stationary distribution."""
    step = f"{variable}*exp(-dt/{tau}) + {sigma}*sqrt(1 - exp(-2*dt/{tau}))*randn()"
    yield f'{group}.{variable} = "{sigma}*randn()"'
    yield f'{group}.run_regularly("{variable} = {step}", when="after_groups", clock=clock)'


def jump(neuron, state):
    """The value of a state variable here where it is 1 in eisim, which scales the rising variable as it acts."""
    if isinstance(neuron, Neuron):
        return 1.0
    letter = state.removeprefix("x_")
    return getattr(neuron.receptors[letter], "scale", 1.0) if state.startswith("x_") else 1.0


def one_if_equal(values):
    """An array, or the one number that it repeats."""
    values = np.asarray(values, dtype=float)
    return values.ravel()[0] if values.size and not np.ptp(values) else values
