"""Refractoriness by the step at which a neuron is free, without Brian2's flag and time of the last spike.

Brian2 keeps both for every neuron; the flag is refreshed in every step and read again where the threshold is tested. It
says what ``free_at`` says, but between a spike and its reset, which overwrites what synapses do meanwhile. So the
condition itself takes the flag's place, and no bytes stand between numbers of eight.
"""

import re
from collections.abc import Iterable

import numpy as np

#: Brian2 text, true from the step on at which a neuron integrates again, and its contrary.
FREE, BOUND = "t_in_timesteps >= free_at", "t_in_timesteps < free_at"
_FLAG = " (unless refractory)"
_ASSIGNMENT = re.compile(r"(\s*)(\w+)\s*([-+*/]?)=(?!=)\s*(.*)")
_CPP_HELD = "static inline double _held(char free, double next, double now) { return free ? next : now; }"
#: -0 is the number that leaves all as they are, 0 among them.
_CPP_LET_IN = "static inline double _let_in(char free, double amount) { return free ? amount : -0.0; }"


def by_free_at(
    equations: str, step: str, events: dict[str, str], writes: Iterable[str]
) -> tuple[str, str, dict[str, str], frozenset[str]]:
    """Equations, step, events and the variables held meanwhile, without Brian2's refractoriness.

    Or as they are, and no variables, where it cannot be replaced.
    `writes` are the statements by which presynaptic spikes act.
    """
    text = "\n".join([equations, step, *events.values()])
    variables = set(re.findall(rf"\bd(\w+)/dt\b.*{re.escape(_FLAG)}", equations))
    statements = [*map(_ASSIGNMENT.match, step.splitlines()), *map(_ASSIGNMENT.match, writes)]
    written = {variable for variable in variables if any(re.match(rf"{variable}_post\b", w) for w in writes)}
    if (
        events["refractory"] != BOUND
        or text.count(_FLAG) != len(variables)
        or re.search(r"\b(not_refractory|lastspike)\b|[#;]", text)
        or any(line.count("(") != line.count(")") for line in step.splitlines())
        or not all(_is_set_anew(variable, events["reset"]) for variable in written)
        or any(f[3] not in ("", "+") for f in statements if f and f[2].removesuffix("_post") in variables)
    ):
        return equations, step, events, frozenset()
    step = "\n".join(held(line, variables) for line in step.splitlines())
    events = {"threshold": f"({events['threshold']}) and {FREE}", "reset": events["reset"]}
    return equations.replace(_FLAG, ""), step, events, frozenset(variables)


def _is_set_anew(variable, reset):
    """Whether a reset gives a variable a value that does not depend on what it was."""
    found = filter(None, map(_ASSIGNMENT.match, reset.splitlines()))
    first = next((assigned for assigned in found if assigned[2] == variable), None)
    return bool(first) and not first[3] and not re.search(rf"\b{variable}\b", first[4])


def held(statement: str, variables: Iterable[str], suffix: str = "") -> str:
    """A statement that leaves these variables as they are unless the neuron is free."""
    found = _ASSIGNMENT.match(statement)
    if not found or found[2] not in {variable + suffix for variable in variables}:
        return statement
    indent, variable, adds, value = found.groups()
    if adds:
        return f"{indent}{variable} += let_in({FREE}{suffix}, {value})"
    return f"{indent}{variable} = held({FREE}{suffix}, {value}, {variable})"


def brian2_functions() -> dict:
    """Brian2 functions, for C++.

    ``held(free, next, now)`` is the next value of a variable if the neuron is free, else the present one, and
    ``let_in(free, amount)`` the amount to add to it.
    """
    from brian2 import Function

    held = Function(
        np.where,
        arg_names=["free", "then", "now"],
        arg_units=[1, None, "then"],
        arg_types=["boolean", "float", "float"],
        return_unit=lambda free, then, now: then,
        return_type="float",
    )
    let_in = Function(
        lambda free, amount: np.where(free, amount, -0.0),
        arg_units=[1, None],
        arg_types=["boolean", "float"],
        return_unit=lambda free, amount: amount,
        return_type="float",
    )
    held.implementations.add_implementation("cpp", _CPP_HELD, name="_held")
    let_in.implementations.add_implementation("cpp", _CPP_LET_IN, name="_let_in")
    return {"held": held, "let_in": let_in}
