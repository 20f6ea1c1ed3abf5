"""The currents through the receptors of a neuron of equations, as its membrane equation has them."""

import ast
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from eisim.base.errors import InputError
from eisim.base.units import unit_of_dimension
from eisim.neurons import dynamics as _dynamics
from eisim.neurons.dynamics import MEMBRANE, Dynamics
from eisim.neurons.expressions import elementwise, names_in, parse, value_of

#: Of what divides terms, but not the whole equation, the most constants that may be left out; the fewest are.
MOST_LEFT_OUT = 3
#: Potentials, in V or in thousandths, at which a variable is tried for being a current.
POTENTIALS = (-0.1, -0.07, -0.03, 0.06)


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


@dataclass(frozen=True)
class _Part:
    """A factor of a product: numbers and units that stand in it together are one."""

    text: str = field(compare=False)
    same: tuple  # what makes it the same, however it is written
    is_constant: bool = True
    is_number: bool = False


class _Term(NamedTuple):
    """An additive term: whether it is taken off, its factors, and the factors of what divides it."""

    negative: bool
    factors: tuple[_Part, ...]
    divisors: tuple[_Part, ...]


class _Constants(NamedTuple):
    """What terms have in common: by what all are multiplied, and by what all are divided."""

    factors: Counter[_Part]
    divisors: Counter[_Part]


@lru_cache(maxsize=1024)
def read(
    texts: tuple[str, str, str], drive: str | None, variable: str, others: frozenset[str], units: tuple
) -> Current | None:
    """The current through a receptor, if the equations show it; `others` are those of the neuron's other receptors.

    What divides the whole membrane equation is left out, else what divides the terms of all receptors, else what
    divides those of the first one: the same for all receptors of a membrane.
    """
    found = _dynamics.read(*texts)
    way = _way(found, variable)
    if way is None:
        return None
    gate, membrane = way
    ways = filter(None, (_way(found, other) for other in sorted(others)))
    gates = frozenset({gate, *(other for other, where in ways if where == membrane)})
    tree = expanded(found, membrane)
    terms = _terms(found, tree, gate)
    for left_out in _left_out(found, tree, gates):
        expression = " + ".join(_written(term, left_out) for term in terms)
        if _is_short(expression) and (unit := _current_unit(found, expression, units)) is not None:
            return _checked(found, variable, gate, expression, unit, others, drive, units)
    return None


def sign_of(dynamics: Dynamics, variable: str, values: Mapping[str, float]) -> int:
    """Whether a variable is a current that depolarises where it is positive, 1, or that hyperpolarises, -1; else 0.

    It is one of these if it is in the equation of one potential, and raises or lowers it at all potentials.
    """
    potentials = [name for name in dynamics.derivatives if _is_potential(dynamics, name)]
    trees = [expanded(dynamics, name, but=variable) for name in potentials if name != variable]
    acted_on = [tree for tree in trees if variable in names_in(tree)]
    if len(acted_on) != 1:
        return 0
    terms = [_written(term, _Constants(Counter(), Counter())) for term in _terms(dynamics, acted_on[0], variable)]
    expression = " + ".join(terms)
    if not _is_short(expression):
        return 0
    at = POTENTIALS if dynamics.units[MEMBRANE] == "volt" else [1e3 * v for v in POTENTIALS]

    def slope(v, amount):
        return value_of(parse(expression, ""), {**values, **dict.fromkeys(potentials, v), variable: amount})

    signs = {float(np.sign(slope(v, way) * way)) for v in at for way in (-1.0, 1.0)}
    known = len(signs) == 1 and all(slope(v, 0.0) == 0 for v in at)
    return int(signs.pop()) if known and signs <= {-1.0, 1.0} else 0


def _left_out(dynamics, tree, gates) -> Iterator[_Constants]:
    """The constants without which the terms of receptors may be currents, the likeliest first."""
    whole = _common(dynamics, tree, gates, everywhere=True)
    if whole is not None:
        yield _Constants(_numbers_alone(whole.factors), whole.divisors)
    for some in dict.fromkeys((gates, frozenset({min(gates)}))):
        shared = _common(dynamics, tree, some)
        if shared is None:
            continue
        factors = _numbers_alone(shared.factors) if len(some) > 1 else Counter()
        numbers = Counter({part: n for part, n in shared.divisors.items() if part.is_number})
        others = list((shared.divisors - numbers).elements())
        for n in range(1, min(len(others), MOST_LEFT_OUT) + 1):
            for chosen in combinations(others, n):
                yield _Constants(factors, numbers + Counter(chosen))


def _numbers_alone(factors):
    """The numbers by which terms are multiplied, unless other constants multiply them, too."""
    return factors if all(part.is_number for part in factors) else Counter()


def expanded(dynamics: Dynamics, name: str, but: str | None = None) -> ast.expr:
    """The derivative of a variable as it is written, with all subexpressions but one in place."""
    inner = dynamics.subexpressions

    class Inserted(ast.NodeTransformer):
        def visit_Name(self, node):
            if node.id not in inner or node.id == but:
                return node
            return self.visit(deepcopy(parse(inner[node.id], "")))

    return Inserted().visit(deepcopy(parse(dynamics.given[name], "")))


def _is_short(expression):
    """Whether an expression can be read: with subexpressions in place it may be too long, or too deep."""
    with suppress(InputError):
        return parse(expression, "") is not None
    return False


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


def _is_sum(node):
    return isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub))


def _terms(dynamics: Dynamics, node: Any, of: str) -> list[_Term]:
    """The additive terms of an expression in which a variable is."""
    if of not in names_in(node):
        return []
    if _is_sum(node):
        turns = isinstance(node.op, ast.Sub)
        after = [term._replace(negative=term.negative ^ turns) for term in _terms(dynamics, node.right, of)]
        return _terms(dynamics, node.left, of) + after
    negative, over, under = _product(node)
    divisors, inner = _parts(dynamics, under), [each for each in over if of in names_in(each)]
    if len(inner) != 1 or not _is_sum(inner[0]) or any(of in names_in(each) for each in under):
        return [_Term(negative, _parts(dynamics, over), divisors)]
    factors = _parts(dynamics, [each for each in over if each is not inner[0]])
    return [
        _Term(t.negative ^ negative, (*t.factors, *factors), (*divisors, *t.divisors))
        for t in _terms(dynamics, inner[0], of)
    ]


def _common(dynamics, node, gates, everywhere=False) -> _Constants | None:
    """The constants of all terms in which a gate is, or of all `everywhere` but noise; ``None`` without such terms."""
    if _is_sum(node):
        sides = [_common(dynamics, side, gates, everywhere) for side in (node.left, node.right)]
        left, right = sides
        if left is None or right is None:
            return right if left is None else left
        return _Constants(left.factors & right.factors, left.divisors & right.divisors)
    has_gate = bool(names_in(node) & gates)
    if names_in(node) & {*dynamics.noises} or not (has_gate or everywhere):
        return None
    _, over, under = _product(node)
    counted = (Counter(part for part in _parts(dynamics, each) if part.is_constant) for each in (over, under))
    factors, divisors = counted
    sums = [each for each in over if _is_sum(each) and (names_in(each) & gates or not has_gate)]
    if len(sums) == 1 and (inner := _common(dynamics, sums[0], gates, everywhere)):
        return _Constants(factors + inner.factors, divisors + inner.divisors)
    return _Constants(factors, divisors)


def _product(node: ast.expr) -> tuple[bool, list[ast.expr], list[ast.expr]]:
    """Whether a product is taken off, its factors, and those of what divides it."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        negative, over, under = _product(node.operand)
        return negative ^ isinstance(node.op, ast.USub), over, under
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        power = -value_of(node.right, {})
        if power > 0:
            base = node.left if power == 1 else ast.BinOp(node.left, ast.Pow(), ast.Constant(power))
            return False, [], [base]
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, (ast.Mult, ast.Div)):
        return False, [node], []
    left, right = _product(node.left), _product(node.right)
    negative, divides = left[0] ^ right[0], isinstance(node.op, ast.Div)
    if divides and not names_in(node.left) and names_in(node.right) <= _dynamics.units_in().keys():
        inverse = ast.BinOp(node.right, ast.Div(), node.left)  # 5/nF is by what 0.2*nF divides
        return False, [], [inverse]
    over, under = (right[2], right[1]) if divides else right[1:]
    return negative, left[1] + over, left[2] + under


def _parts(dynamics: Dynamics, nodes: Iterable[ast.expr]) -> tuple[_Part, ...]:
    """Factors, with all that are numbers or units as one."""
    moving, found, literal = {*dynamics.units, *dynamics.noises, "t", "dt"}, [], []
    for node in nodes:
        names, text = names_in(node), ast.unparse(node)
        if not names & moving and names <= _dynamics.units_in().keys():
            literal.append(text)
        else:
            found.append(_Part(text, (text,), not names & moving))
    text = "*".join(literal if len(literal) < 2 else (f"({each})" for each in literal))
    if literal and (value := value_of(parse(text, ""), _dynamics.units_in())) != 1:
        dim = _dynamics.dimensions_of(dynamics, text, {})
        found.append(_Part(text, (f"{value:.12g}", dim), is_number=dim.is_dimensionless))
    return tuple(found)


def _written(term: _Term, left_out: _Constants) -> str:
    """A term without these factors and divisors; multiplied by the latter where it does not have them."""
    factors, divisors = Counter(term.factors), Counter(term.divisors)
    over = [*(factors - left_out.factors).elements(), *(left_out.divisors - divisors).elements()]
    under = [*(divisors - left_out.divisors).elements(), *(left_out.factors - factors).elements()]
    product, quotient = "*".join(f"({part.text})" for part in over), "".join(f"/({part.text})" for part in under)
    return f"{'-' * term.negative}{product or 1}{quotient}"


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
