"""Scaling of what synapses transmit, by one variable that they share; what they learn is left alone.

With a fraction of 0 the numbers are the script's own, to the bit: a product with 1, or less 0.
"""

from __future__ import annotations

import ast
import re
import weakref
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import sympy
from brian2.parsing.sympytools import str_to_sympy
from brian2.synapses.synapses import SynapticPathway
from brian2.units import allunits

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
#: A name in the generated code, before a number: the value that a statement assigns, as the script has it.
NEW = "eisim_new"
#: What a statement does to a variable.
ADDS, FACTOR, NOTHING, UNCLEAR, OTHER = "adds", "factor", "nothing", "unclear", "other"
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
    """Statements of which those that write the variable are scaled: what they add, if any does, else factors.

    A decay beside a weight, and limits, are left as they are, as if the weight had been made smaller by hand.
    """
    lines, own = [], _own_names(change)
    kinds = _kinds(statements(code), own, change.synapses.variables)
    scales = ADDS if ADDS in kinds else FACTOR
    for (name, operation, expression), kind in zip(statements(code), kinds, strict=True):
        what = f"{change.synapses.name}: {name} {operation} {expression}"
        if kind == OTHER or (kind not in (scales, UNCLEAR)):
            lines.append(f"{name} {operation} {expression}")
        elif not np.issubdtype(change.synapses.variables[name].dtype, np.floating):
            raise InputError(f"{what}: expected a change of a real variable, found a whole number or a truth value")
        elif kind == UNCLEAR and not change.is_random and not change.is_excitation:
            raise InputError(
                f"{what}: expected what a spike adds in a statement of its own ('{name} += ...'), found it beside what "
                f"becomes of the old value: write them as two statements, or a move towards a value as "
                f"'{name} += part*(value - {name})', or say override={{'{change.synapses.name}': 'leave'}}"
            )
        elif change.is_mixed and kinds.count(scales) > 1:
            raise InputError(
                f"{what}: expected one statement that changes {name} by weights of both signs, found "
                f"{kinds.count(scales)}; say override={{'{change.synapses.name}': 'leave'}}"
            )
        elif operation in ("+=", "-="):
            lines.append(f"{name} {operation} {scaled_expression(expression, change, operation)}")
        else:
            lines += _assigned(name, operation, expression, change, own, f"{NEW}{len(lines)}")
    return "\n".join(lines)


def _own_names(change: Change) -> set[str]:
    """Names by which a pathway may write the variable."""
    variables, name = change.synapses.variables, change.variable
    same = {n for n, each in variables.items() if each is variables[name]}
    return {n for n in same if variables.indices[n] == variables.indices[name]} | {name}


def _kinds(lines, own: set[str], variables) -> list[str]:
    """What each statement does to a variable: add to it, multiply it, limit it; or write something else."""
    local: dict[str, str] = {}
    found = []
    for name, operation, expression in lines:
        for other, text in local.items():
            expression = re.sub(rf"\b{re.escape(other)}\b", f"({text})", expression)
        found.append(_kind(operation, expression, own) if name in own else OTHER)
        if name not in variables:
            local[name] = expression
    return found


def _kind(operation: str, expression: str, own: set[str]) -> str:
    reads = not own.isdisjoint(identifiers(expression))
    if not reads and operation in ("+=", "-="):
        return ADDS
    if not reads and operation in ("*=", "/="):
        return FACTOR
    if operation not in ("=", "+=", "-="):
        return UNCLEAR
    limited = _limited(expression)
    if limited is not None and operation == "=":
        kind = _kind("=", limited[0], own)
        return OTHER if kind == NOTHING else kind
    if (operation == "=" and not reads) or _is_towards(operation, expression, own):
        return ADDS
    old = sympy.Symbol("old", real=True)
    try:
        new = str_to_sympy(expression)
    except (SyntaxError, ValueError, KeyError, TypeError):
        return UNCLEAR
    new = new.subs({each: old for each in new.free_symbols if str(each) in own})
    change = sympy.expand(new - old if operation == "=" else new)
    if change == 0:
        return NOTHING
    if not change.has(old):
        return ADDS
    if change.subs(old, 0) == 0:
        return FACTOR
    weights = [each for each in change.free_symbols - {old} if not hasattr(allunits, str(each))]
    if any(not sympy.simplify(change / each).has(each) for each in weights):
        return ADDS
    return ADDS if operation != "=" and not weights else UNCLEAR


def _is_towards(operation: str, expression: str, own: set[str]) -> bool:
    """Whether a statement adds a part of the way from the old value to another one: ``v += part*(value - v)``."""

    def reads(node) -> bool:
        return any(isinstance(each, ast.Name) and each.id in own for each in ast.walk(node))

    def is_old(node) -> bool:
        return isinstance(node, ast.Name) and node.id in own

    def is_way(node) -> bool:
        if isinstance(node, ast.UnaryOp):
            return is_way(node.operand)
        if not isinstance(node, ast.BinOp):
            return False
        left, right = node.left, node.right
        if isinstance(node.op, ast.Mult):
            return (is_way(left) and not reads(right)) or (is_way(right) and not reads(left))
        if isinstance(node.op, ast.Div):
            return is_way(left) and not reads(right)
        one_is_old = (is_old(left) and not reads(right)) or (is_old(right) and not reads(left))
        return isinstance(node.op, ast.Sub) and one_is_old

    node = ast.parse(expression.strip(), mode="eval").body
    if operation in ("+=", "-="):
        return is_way(node)
    if operation != "=" or not isinstance(node, ast.BinOp) or not isinstance(node.op, (ast.Add, ast.Sub)):
        return False
    if is_old(node.left):
        return is_way(node.right)
    return isinstance(node.op, ast.Add) and is_old(node.right) and is_way(node.left)


def _limited(expression: str) -> list[str] | None:
    """The arguments of an expression that is a call of `clip`; None of others."""
    node = ast.parse(expression.strip(), mode="eval").body
    if not (isinstance(node, ast.Call) and getattr(node.func, "id", "") == "clip" and len(node.args) == 3):
        return None
    return [ast.unparse(each) for each in node.args]


def _assigned(name, operation, expression, change: Change, own: set[str], new: str) -> list[str]:
    """A new value of which what it differs by from the old one is scaled, within the limits that it is given.

    It has a name and a statement of its own: random numbers are drawn once, and Brian2 does not take all that a script
    assigns as part of a sum (of ``0*mV - x`` it forgets the unit).
    """
    if change.is_mixed:
        raise InputError(
            f"{change.synapses.name}: {name} {operation} {expression}: expected '{name} += ...' for weights of both "
            f"signs, found '{operation}'; say override={{'{change.synapses.name}': 'leave'}}"
        )
    _, lost = _texts(change)
    scaled = f"{new} - {lost}*({new} - {name})"
    limited = _limited(expression) if operation == "=" else None
    if limited is not None and not own.isdisjoint(identifiers(limited[0])):
        inner, low, high = limited
        return [f"{new} = {inner}", f"{name} = clip({scaled}, {low}, {high})"]
    whole = expression if operation == "=" else f"{name} {operation[:-1]} ({expression})"
    return [f"{new} = {whole}", f"{name} = {scaled}"]


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
