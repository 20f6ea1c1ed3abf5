"""The currents through the receptors of a neuron of equations, as its membrane equation has them."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from eisim.base.units import unit_of_dimension
from eisim.neurons import dynamics as _dynamics
from eisim.neurons.dynamics import MEMBRANE, Dynamics
from eisim.neurons.expressions import elementwise, names_in, parse, value_of

#: Of what divides a term, the most constants without which it may be a current; the fewest are taken.
MOST_LEFT_OUT = 3


@dataclass(frozen=True)
class Current:
    """A synaptic current, depolarising positive: part of what the membrane equation has before it is divided.

    Of ``dv/dt = (g_L*(E_L - v) + g_e*(E_e - v))/C`` it is ``g_e*(E_e - v)`` for the receptor ``g_e``.
    """

    receptor: str  # the variable that spikes add to
    expression: str
    unit: str
    names: frozenset[str]  # of the variables and parameters that it is made of

    def value(self, values: Mapping[str, Any]) -> np.ndarray:
        """The current for these values of variables and parameters, in SI units; numbers or arrays."""
        return elementwise(parse(self.expression, ""), _dynamics.units_in() | values)


class _Term(NamedTuple):
    """An additive term: whether it is taken off, its factors, and the factors of what divides it."""

    negative: bool
    factors: tuple[ast.expr, ...]
    divisors: tuple[ast.expr, ...]


@lru_cache(maxsize=1024)
def read(
    texts: tuple[str, str, str], drive: str | None, variable: str, others: frozenset[str], units: tuple
) -> Current | None:
    """The current through a receptor, if the equations show it; `others` are those of the neuron's other receptors."""
    found = _dynamics.read(*texts)
    way = _way(found, variable)
    if way is None:
        return None
    gate, membrane = way
    terms = _terms(parse(found.derivatives[membrane], ""), gate)
    constant = [
        text
        for text in map(ast.unparse, terms[0].divisors)
        if not names_in(parse(text, "")) & {*found.units, *found.noises, "t", "dt"}
    ]
    for n in range(min(len(constant), MOST_LEFT_OUT) + 1):
        for left_out in combinations(constant, n):
            written = [_written(term, left_out) for term in terms]
            expression = "" if None in written else " + ".join(written)
            if expression and (unit := _current_unit(found, expression, units)) is not None:
                return _checked(found, variable, gate, expression, unit, others, drive, units)
    return None


def _checked(found, variable, gate, expression, unit, others, drive, units):
    """The current, if it is one of this receptor alone."""
    names = names_in(parse(expression, ""))
    gates = {way[0] for way in (_way(found, other) for other in others) if way}
    barred = {*others, *gates, *found.noises, "t", "dt", drive}
    values = _dynamics.units_in() | dict.fromkeys(found.units, 0.01) | {name: 0.7 for name, _ in units} | {gate: 0.0}
    if names & barred or value_of(parse(expression, ""), values) != 0:
        return None
    return Current(variable, expression, unit, frozenset(names - _dynamics.units_in().keys()))


def _way(dynamics: Dynamics, variable: str) -> tuple[str, str] | None:
    """The variable by which a receptor acts on a membrane, and that potential; ``None`` if it acts in several ways."""
    if _is_potential(dynamics, variable):
        return None
    gate, passed = variable, {variable}
    while True:
        after = [name for name in _after(dynamics, {gate}) if name != gate]
        if len(after) != 1 or after[0] in passed:
            return None
        if _is_potential(dynamics, after[0]):
            return gate, after[0]
        gate = after[0]
        passed.add(gate)


def _after(dynamics, variables):
    """The variables in whose derivatives these are."""
    return {name for name, text in dynamics.derivatives.items() if names_in(parse(text, "")) & set(variables)}


def _is_potential(dynamics, name):
    """Whether a variable is the potential of the soma or of another compartment."""
    has_unit = dynamics.units[name] == dynamics.units[MEMBRANE] == "volt"
    return name == MEMBRANE or (has_unit and MEMBRANE in names_in(parse(dynamics.derivatives[name], "")))


def _terms(node: ast.expr, of: str) -> list[_Term]:
    """The additive terms of an expression in which a variable is."""
    if of not in names_in(node):
        return []
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        turns = isinstance(node.op, ast.USub)
        return [term._replace(negative=term.negative ^ turns) for term in _terms(node.operand, of)]
    if isinstance(node, ast.BinOp):
        left, right = node.left, node.right
        if isinstance(node.op, (ast.Add, ast.Sub)):
            turns = isinstance(node.op, ast.Sub)
            after = [term._replace(negative=term.negative ^ turns) for term in _terms(right, of)]
            return _terms(left, of) + after
        if isinstance(node.op, ast.Mult) and (of in names_in(left)) != (of in names_in(right)):
            inner, other = (left, right) if of in names_in(left) else (right, left)
            if isinstance(other, ast.BinOp) and isinstance(other.op, ast.Div):
                factors, divisors = (other.left,), _factors(other.right)
            else:
                factors, divisors = (other,), ()
            return [_Term(t.negative, (*t.factors, *factors), (*divisors, *t.divisors)) for t in _terms(inner, of)]
        if isinstance(node.op, ast.Div) and of not in names_in(right):
            return [term._replace(divisors=(*_factors(right), *term.divisors)) for term in _terms(left, of)]
    return [_Term(False, (node,), ())]


def _factors(node: ast.expr) -> tuple[ast.expr, ...]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return _factors(node.left) + _factors(node.right)
    return (node,)


def _written(term: _Term, left_out: tuple[str, ...]) -> str | None:
    """A term without these divisors; ``None`` if it does not have them."""
    divisors = [ast.unparse(divisor) for divisor in term.divisors]
    for text in left_out:
        if text not in divisors:
            return None
        divisors.remove(text)
    product = "*".join(f"({ast.unparse(factor)})" for factor in term.factors)
    return f"{'-' * term.negative}{product}{''.join(f'/({text})' for text in divisors)}"


def _current_unit(dynamics, expression, units) -> str | None:
    """The unit of an expression if it is that of a current, of its density, or of a current times a resistance.

    A membrane without unit has currents without one.
    """
    from brian2.units import amp, meter, volt

    dim = _dynamics.dimensions_of(dynamics, expression, dict(units))
    known = [amp.dim, (amp / meter**2).dim, volt.dim]
    if dynamics.units[MEMBRANE] == "1":
        known = [(volt / volt).dim]
    return unit_of_dimension(dim) if dim in known else None
