"""Scaling of what synapses transmit, by one variable that they share; what they learn is left alone.

With a fraction of 0 the numbers are the script's own, to the bit: a product with 1, or less 0.
"""

from __future__ import annotations

import ast
import weakref
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from brian2.synapses.synapses import SynapticPathway

from eisim.base.errors import InputError
from eisim.studies.brian2_networks.controlling import Amounts
from eisim.studies.brian2_networks.evaluating import identifiers
from eisim.studies.brian2_networks.finding import Change
from eisim.studies.brian2_networks.reading import statements

#: What is left of what synapses transmit, and what is lost: names in the generated code.
KEEP, LOST = "eisim_keep", "eisim_lost"
#: The same of excitation, which controls scale.
OF_EXCITATION = ("eisim_keep_excitation", "eisim_lost_excitation")
#: What is lost at random, and the draw that decides of which synapses.
SHARE, DRAW = OF_RANDOM = ("eisim_share", "eisim_draw")
#: A number from 0 to 1 that belongs to a synapse in a draw: the fractional part of a large sine.
NUMBER = f"(43758.5453*sin(12.9898*i + 78.233*j + 0.618*{DRAW} + 1)) % 1.0"
_RANDOM = {"rand", "randn", "poisson", "binomial"}


class Rewritten:
    """Code that was scaled, with what was there before; it keeps nothing alive."""

    def __init__(self):
        self._parts: list[tuple[weakref.ref, str, Any, Any]] = []

    def scale(self, changes: Sequence[Change], amounts: Amounts) -> None:
        """Make the synapses transmit less."""
        for change in changes:
            part = change.part
            names = ("code",) if isinstance(part, SynapticPathway) else ("expression", "abstract_code")
            before = [getattr(part, name) for name in names]
            scale([change], amounts)
            for name, own in zip(names, before, strict=True):
                self._parts.append((weakref.ref(part), name, own, getattr(part, name)))

    def put_back(self) -> None:
        """Have the script's own code again, unless it was changed since."""
        for reference, name, own, ours in reversed(self._parts):
            part = reference()
            if part is not None and getattr(part, name) is ours:
                setattr(part, name, own)
        self._parts.clear()


def chosen(amounts: Amounts, inhibition: Sequence[Change], excitation: Sequence[Change]) -> list[Change]:
    """The changes of which something is lost, and the code of which has to say so."""
    if amounts.random:
        return at_random(inhibition, excitation)
    excited = [each for each in excitation if (amounts.inputs if each.is_input else amounts.between)]
    return [*(inhibition if amounts.inhibition or not excited else ()), *excited]


def at_random(inhibition: Sequence[Change], excitation: Sequence[Change]) -> list[Change]:
    """The changes by synapses between populations, of either sign, of which random ones are lost."""
    both = [replace(each, is_random=True, is_mixed=False) for each in (*inhibition, *excitation)]
    return list({(id(each.part), each.variable): each for each in both if not each.is_input}.values())


def values(change: Change, amounts: Amounts) -> dict[str, float]:
    """What the variables are that synapses share."""
    if change.is_random:
        return {SHARE: amounts.random, DRAW: float(amounts.draw)}
    if change.is_excitation:
        lost = amounts.inputs if change.is_input else amounts.between
        return dict(zip(OF_EXCITATION, (1.0 - lost, lost), strict=True))
    return {KEEP: 1.0 - amounts.inhibition, LOST: float(amounts.inhibition)}


def scale(changes: Sequence[Change], amounts: Amounts) -> None:
    """Make the synapses transmit less."""
    for change in changes:
        synapses, part = change.synapses, change.part
        shared = values(change, amounts)
        for name, value in shared.items():
            if name not in synapses.variables:
                synapses.variables.add_array(name, size=1, scalar=True, constant=True, dtype=np.float64)
            synapses.variables[name].set_value(value)
        if isinstance(part, SynapticPathway):
            for name in (*shared, *(("i", "j") if change.is_random else ())):
                if name not in part.variables:
                    part.variables.add_reference(name, synapses)
            part.code = scaled_code(part.code, change)
        else:
            expression = scaled_expression(str(part.expression), change, "+=")
            part.expression = type(part.expression)(expression)
            part.abstract_code = f"_synaptic_var = {expression}"


def _texts(change: Change) -> tuple[str, str]:
    """What is left and what is lost, as code."""
    if change.is_random:
        return f"int({NUMBER} >= {SHARE})", f"int({NUMBER} < {SHARE})"
    return OF_EXCITATION if change.is_excitation else (KEEP, LOST)


def scaled_code(code, change: Change) -> str:
    """Statements of which those that write the variable are scaled."""
    lines = []
    for name, operation, expression in statements(code):
        if name != change.variable:
            lines.append(f"{name} {operation} {expression}")
        elif not np.issubdtype(change.synapses.variables[name].dtype, np.floating):
            what = f"{change.synapses.name}: {name} {operation} {expression}"
            raise InputError(f"{what}: expected a change of a real variable, found a whole number or a truth value")
        elif operation in ("+=", "-="):
            lines.append(f"{name} {operation} {scaled_expression(expression, change, operation)}")
        else:
            lines.append(_assigned(name, operation, expression, change))
    return "\n".join(lines)


def _assigned(name, operation, expression, change: Change) -> str:
    """A new value of which what it differs by from the old one is scaled."""
    if change.is_mixed or _is_random(expression):
        what = f"{change.synapses.name}: {name} {operation} {expression}"
        said = "random numbers" if _is_random(expression) else "weights of both signs"
        raise InputError(
            f"{what}: expected '{name} += ...' for {said}, found '{operation}'; "
            f"say override={{'{change.synapses.name}': 'leave'}}"
        )
    new = f"({expression})" if operation == "=" else f"({name} {operation[:-1]} ({expression}))"
    _, lost = _texts(change)
    if operation == "=":
        return f"{name} = {expression} - {lost}*({new} - {name})"
    return f"{name} = {name} {operation[:-1]} ({expression}) - {lost}*({new} - {name})"


def _is_random(expression: str) -> bool:
    return bool(identifiers(expression) & _RANDOM)


def scaled_expression(expression: str, change: Change, operation: str) -> str:
    """An expression with a factor before it, and no brackets where it is a product: they could move rounding."""
    node = ast.parse(expression.strip(), mode="eval").body
    is_product = isinstance(node, (ast.Name, ast.Constant, ast.Call)) or (
        isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.Div, ast.Pow))
    )
    text = " ".join(expression.split()) if is_product else f"({' '.join(expression.split())})"
    keep, lost = _texts(change)
    if not change.is_mixed:
        return f"{keep}*{text}"
    if _is_random(expression):
        raise InputError(
            f"{change.synapses.name}: {change.variable} {operation} {expression}: expected weights of one sign for "
            f"random numbers, found both; say override={{'{change.synapses.name}': 'inhibitory' or 'leave'}}"
        )
    inhibits = -change.sign * (-1 if operation == "-=" else 1)
    compared = "<" if inhibits < 0 else ">"
    return f"(1 - {lost}*int(sign({expression}) {compared} 0))*{text}"
