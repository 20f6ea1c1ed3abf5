"""What the built-in neurons of equations share: synapses, and values by pattern."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from eisim.base.errors import InputError, did_you_mean
from eisim.base.units import Measured, scalar_si
from eisim.neurons import dynamics
from eisim.neurons.expressions import parse, value_of
from eisim.neurons.neuron import Neuron


class Synapses(NamedTuple):
    """Exponential synapses of both signs: their input, their equations, and the values of their parameters."""

    total: str
    equations: str
    values: dict[str, Measured]
    excitation: str
    inhibition: str


_TIMES = {"tau_e": Measured(5e-3, "second"), "tau_i": Measured(10e-3, "second")}


def conductances(unit: str = "siemens", E_i: float = -80e-3) -> Synapses:
    """Conductances with reversal potentials."""
    reversals = {"E_e": Measured(0.0, "volt"), "E_i": Measured(E_i, "volt")}
    equations = f"dg_e/dt = -g_e/tau_e : {unit}\ndg_i/dt = -g_i/tau_i : {unit}"
    return Synapses("g_e*(E_e - v) + g_i*(E_i - v)", equations, reversals | _TIMES, "g_e", "g_i")


def currents(unit: str) -> Synapses:
    """Currents, or what they are times a resistance."""
    equations = f"dI_e/dt = -I_e/tau_e : {unit}\ndI_i/dt = -I_i/tau_i : {unit}"
    return Synapses("I_e + I_i", equations, dict(_TIMES), "I_e", "I_i")


def pattern_of(patterns: Mapping[str, Mapping], name: str, of: str) -> Mapping[str, Any]:
    """The values of a firing pattern."""
    if not isinstance(name, str) or name not in patterns:
        known = ", ".join(map(repr, patterns))
        raise InputError(f"{of}: pattern: expected one of {known}, found {name!r:.60}{did_you_mean(name, patterns)}")
    return patterns[name]


def built_in(
    name: str, equations: str, synapses: Synapses, values: Mapping, changes: Mapping, start: Mapping[str, str], **more
) -> Neuron:
    """A neuron with these synapses and an injected current I.

    `changes` are what a user gives: other values, and `initial`, `refractory` and `method` in place of `more`. `start`
    are initial values as expressions.
    """
    options = {key: changes[key] for key in ("initial", "refractory", "method") if key in changes}
    changes = {key: value for key, value in changes.items() if key not in options}
    given = options.pop("initial", None) or {}
    if not isinstance(given, Mapping):
        raise InputError(f"{name}: initial: expected quantities by name, found {given!r:.60}")
    parameters = {**values, **synapses.values}
    for key, value in changes.items():
        if key in parameters:
            number = scalar_si(value, parameters[key].unit, f"{name}: {key}")
            is_positive = key in ("C", "Delta_T", "phi") or key.startswith("tau")
            if (number < 0 and (is_positive or key.startswith("g_"))) or (is_positive and not number):
                least = "more than 0" if is_positive else "0 or more"
                raise InputError(f"{name}: {key}: expected {least}, found {value}")
        else:
            known = ", ".join(parameters)
            raise InputError(f"{name}: expected parameters ({known}), found {key!r}{did_you_mean(key, parameters)}")
    neuron = Neuron(
        f"{equations}\n{synapses.equations}",
        **(more | options),
        excitation=f"+{synapses.excitation}",
        inhibition=f"{'-' if synapses.inhibition.startswith('I') else '+'}{synapses.inhibition}",
        drive="I",
        name=name,
        parameters=parameters,
        **changes,
    )
    found = {key: float(value) for key, value in neuron.parameters} | dynamics.units_in()
    initial: dict[str, Any] = {}
    inner = neuron.dynamics.subexpressions
    for variable, text in start.items():
        for _ in inner:  # each may need others
            found |= {key: value_of(parse(expression, name), found) for key, expression in inner.items()}
        initial[variable] = found[variable] = value_of(parse(text, name), found)
    return neuron._with(initial=initial | dict(given))
