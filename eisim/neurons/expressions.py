"""Expressions of users' equations: read as trees of Python's syntax, of which few kinds are allowed, and never run."""

import ast
import math
import operator
from collections.abc import Iterable, Mapping
from functools import lru_cache, reduce
from typing import Any

import numpy as np

from eisim.base import elementary
from eisim.base.errors import InputError

#: Functions of Brian2 that equations may call, for numbers.
FUNCTIONS = {
    "abs": abs,
    "arccos": math.acos,
    "arcsin": math.asin,
    "arctan": math.atan,
    "ceil": math.ceil,
    "clip": lambda x, low, high: min(max(x, low), high),
    "cos": math.cos,
    "cosh": math.cosh,
    "exp": elementary.exp,
    "expm1": elementary.expm1,
    "exprel": elementary.exprel,
    "floor": math.floor,
    "int": lambda x: float(int(x)),
    "log": elementary.log,
    "log10": math.log10,
    "log1p": elementary.log1p,
    "sign": lambda x: float((x > 0) - (x < 0)),
    "sin": math.sin,
    "sinh": math.sinh,
    "sqrt": math.sqrt,
    "tan": math.tan,
    "tanh": math.tanh,
}
CONSTANTS = {"pi": math.pi, "e": math.e, "inf": math.inf}
#: Limits on text from files: characters, levels of brackets, and powers.
LONGEST, DEEPEST, LARGEST_POWER = 20_000, 60, 64
#: Limit on the terms of powers and products of sums, which algebra may write out.
MOST_TERMS = 200
#: Functions that take no time.
_PLAIN = ("abs", "ceil", "clip", "floor", "int", "sign")
_OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Not: operator.not_,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


@lru_cache(maxsize=4096)
def parse(text: str, what: str) -> ast.expr:
    """The tree of an expression; ``InputError`` for what is none, or has more than arithmetic and known functions."""
    if len(text) > LONGEST:
        raise InputError(f"{what}: expected at most {LONGEST:,} characters, found {len(text):,}")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise InputError(f"{what}: expected an expression of Brian2, found {text.strip()!r:.100}") from None
    _check(tree, what, 0)
    return tree


def check_cost(tree: ast.expr, what: str) -> None:
    """Refuse powers that algebra would write out as more terms than there is time for."""
    _terms(tree, what)


def _terms(node, what):
    """About how many terms an expression has when its powers and products are written out."""
    if isinstance(node, ast.BinOp):
        left, right = _terms(node.left, what), _terms(node.right, what)
        if isinstance(node.op, (ast.Add, ast.Sub)):
            return left + right
        if isinstance(node.op, ast.Pow):
            power = abs(value_of(node.right, {}))
            found = math.comb(left + int(power) - 1, int(power)) if left > 1 and math.isfinite(power) else 1
        else:
            found = left * right if isinstance(node.op, ast.Mult) else left
        if found > MOST_TERMS:
            raise InputError(
                f"{what}: expected powers and products of at most {MOST_TERMS} terms when they are written out, found "
                f"more in {ast.unparse(node)!r:.60}"
            )
        return found
    if isinstance(node, ast.UnaryOp):
        return _terms(node.operand, what)
    for part in ast.iter_child_nodes(node):
        if isinstance(part, ast.expr):
            _terms(part, what)
    return 1


def _check(node, what, depth):
    if depth > DEEPEST:
        raise InputError(f"{what}: expected at most {DEEPEST} levels of operations, found more")
    if isinstance(node, ast.Constant):
        if type(node.value) not in (int, float) or not math.isfinite(_as_float(node.value)):
            raise InputError(f"{what}: expected numbers and names, found {node.value!r:.40}")
        return
    if isinstance(node, ast.Name):
        return
    if isinstance(node, ast.Call):
        name = getattr(node.func, "id", None)
        if name not in FUNCTIONS or node.keywords or any(isinstance(each, ast.Starred) for each in node.args):
            found = f"a call of {name}" if name else "another call"
            hint = " (noise is written as xi)" if name in ("rand", "randn") else ""
            raise InputError(f"{what}: expected calls of {', '.join(FUNCTIONS)}, found {found}{hint}")
        parts = node.args
        if len(parts) != (3 if name == "clip" else 1):
            raise InputError(f"{what}: {name}: expected {3 if name == 'clip' else 1} argument(s), found {len(parts)}")
    elif isinstance(node, (ast.BinOp, ast.UnaryOp)) and type(node.op) in _OPERATORS:
        parts = [node.left, node.right] if isinstance(node, ast.BinOp) else [node.operand]
        if isinstance(node.op, ast.Pow):
            _check_power(node.right, what)
        if isinstance(node.op, (ast.Div, ast.Mod)) and not names_in(node.right) and not value_of(node.right, {}):
            raise InputError(f"{what}: expected no division by 0, found {ast.unparse(node)!r:.60}")
    elif isinstance(node, ast.Compare) and all(type(op) in _OPERATORS for op in node.ops):
        parts = [node.left, *node.comparators]
    elif isinstance(node, ast.BoolOp):
        parts = node.values
    else:
        raise InputError(
            f"{what}: expected arithmetic with numbers, names and functions, found {ast.unparse(node)!r:.60}"
        )
    for part in parts:
        _check(part, what, depth + 1)


def _check_power(exponent, what):
    """Algebra takes powers of numbers as they are: 10**10**10 would fill the memory."""
    is_small = not names_in(exponent) and abs(value_of(exponent, {})) <= LARGEST_POWER  # such as 1/80
    largest = 10_000 if is_small else LARGEST_POWER
    for node in ast.walk(exponent):
        is_large = isinstance(node, ast.Constant) and abs(_as_float(node.value)) > largest
        if is_large or (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow)):
            found = ast.unparse(exponent)
            raise InputError(f"{what}: expected exponents of at most {LARGEST_POWER}, found {found!r:.40}")


def _as_float(number):
    try:
        return float(number)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def names_in(tree: ast.expr) -> set[str]:
    """The names that an expression reads, without those of functions."""
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in called}


def value_of(node: ast.expr, values: Mapping[str, float]) -> float:
    """The value of an expression for these values of its names; ``nan`` where there is none."""
    try:
        return float(_value(node, values))
    except (ArithmeticError, ValueError, TypeError, KeyError):  # complex numbers, names without a value
        return math.nan


def arrays_of(node: ast.expr, values: Mapping[str, Any]) -> Any:
    """The value of an expression whose functions have numbers as arguments, for names of which some are arrays."""
    try:
        return _value(node, values)
    except (ArithmeticError, ValueError, TypeError, KeyError):
        return math.nan


#: Functions of arrays, where those of numbers take none.
_OF_ARRAYS = {
    **{name: getattr(np, name) for name in FUNCTIONS if hasattr(np, name)},
    **{name: getattr(elementary, name) for name in FUNCTIONS if hasattr(elementary, name)},
    "int": np.trunc,
}


def elementwise(node: Any, values: Mapping[str, Any]) -> Any:
    """The value of an expression for names of which some are arrays, element by element."""
    if isinstance(node, ast.Constant):
        return float(node.value)
    if isinstance(node, ast.Name):
        return values[node.id]
    if isinstance(node, ast.Call):
        return _OF_ARRAYS[ast.unparse(node.func)](*(elementwise(each, values) * 1.0 for each in node.args))
    if isinstance(node, ast.BinOp):
        return _OPERATORS[type(node.op)](elementwise(node.left, values), elementwise(node.right, values))
    if isinstance(node, ast.UnaryOp):
        inner = elementwise(node.operand, values)
        return np.logical_not(inner) if isinstance(node.op, ast.Not) else _OPERATORS[type(node.op)](inner)
    if isinstance(node, ast.Compare):
        sides = [elementwise(each, values) for each in (node.left, *node.comparators)]
        parts = [_OPERATORS[type(op)](*sides[k : k + 2]) for k, op in enumerate(node.ops)]
        return reduce(np.logical_and, parts)
    together = np.logical_and if isinstance(node.op, ast.And) else np.logical_or
    return reduce(together, [elementwise(each, values) for each in node.values])


def _value(node, values):
    if isinstance(node, ast.Constant):
        return float(node.value)
    if isinstance(node, ast.Name):
        return values[node.id]
    if isinstance(node, ast.Call):
        return float(FUNCTIONS[ast.unparse(node.func)](*(_value(each, values) for each in node.args)))
    if isinstance(node, ast.BinOp):
        return _OPERATORS[type(node.op)](_value(node.left, values), _value(node.right, values))
    if isinstance(node, ast.UnaryOp):
        return _OPERATORS[type(node.op)](_value(node.operand, values))
    if isinstance(node, ast.Compare):
        sides = [_value(each, values) for each in (node.left, *node.comparators)]
        return all(_OPERATORS[type(op)](*sides[k : k + 2]) for k, op in enumerate(node.ops))
    together = all if isinstance(node.op, ast.And) else any
    return together(_value(each, values) for each in node.values)


class _Floats(ast.NodeTransformer):
    """Arithmetic of floats only, and whole powers as products.

    C++ and NumPy take quotients, remainders, limits and sums of whole numbers and of conditions differently, and
    libraries differ in the last bit of powers.
    """

    def visit_Constant(self, node):
        return ast.Constant(float(node.value))

    def visit_Call(self, node):
        self.generic_visit(node)
        return _as_product(node) if node.func.id in ("int", "sign") else node

    def visit_BinOp(self, node):
        self.generic_visit(node)
        if isinstance(node.op, ast.Pow):
            return self._power(node)
        if isinstance(node.op, ast.Mod):  # NumPy's own is that of C's fmod
            left, right = self._named(node.left), self._named(node.right)
            return self._parsed(f"({left} - {right}*floor({left}/{right}))")
        node.left, node.right = _as_number(node.left), _as_number(node.right)
        return node

    def _power(self, node):
        """A whole power as a product."""
        exponent, sign = node.right, 1
        if isinstance(exponent, ast.UnaryOp) and isinstance(exponent.op, ast.USub):
            exponent, sign = exponent.operand, -1
        power = exponent.value if isinstance(exponent, ast.Constant) else None
        if power == 0.5:
            found = f"sqrt({ast.unparse(node.left)})"
        elif power in range(1, LARGEST_POWER + 1):
            found = _product(self._named(node.left), int(power))
        else:
            return node
        return self._parsed(f"(1.0/({found}))" if sign < 0 else f"({found})")

    def _named(self, node):
        return ast.unparse(node) if isinstance(node, (ast.Name, ast.Constant)) else f"({ast.unparse(node)})"

    def _parsed(self, text):
        if len(text) > LONGEST:
            raise InputError(f"Neuron: expected powers and remainders of shorter expressions, found {text:.60}...")
        return ast.parse(text, mode="eval").body


def _as_product(node):
    return ast.BinOp(ast.Constant(1.0), ast.Mult(), node)


def _as_number(node):
    """A condition as 0 or 1."""
    if not isinstance(node, (ast.Compare, ast.BoolOp)) and not isinstance(getattr(node, "op", None), ast.Not):
        return node
    return _as_product(ast.Call(ast.Name("int"), [node], []))


def with_floats(expression: str) -> str:
    """An expression that has the same value in C++ and NumPy, as far as its functions have."""
    return ast.unparse(_Floats().visit(ast.parse(expression.strip(), mode="eval").body))


class _Terms(_Floats):
    """Each function of its argument, and each base of a power, once."""

    def __init__(self):
        self.lines: list[str] = []  # what goes before the next statement
        self.known: dict[str, str] = {}  # names of functions of arguments, by their text

    def visit_BinOp(self, node):
        if isinstance(node.op, ast.Pow) and isinstance(node.left, ast.Call) and not names_in(node.right):
            (argument,) = node.left.args[:1]
            if ast.unparse(node.left.func) == "exp":  # algebra makes exp(x)**(1/18) of exp(x/18)
                text = f"exp(({ast.unparse(argument)})*({ast.unparse(node.right)}))"
                return self.visit(ast.parse(text, mode="eval").body)
        return super().visit_BinOp(node)

    def visit_Call(self, node):
        node = super().visit_Call(node)
        return (
            node if not isinstance(node, ast.Call) or ast.unparse(node.func) in _PLAIN else ast.Name(self._named(node))
        )

    def _named(self, node):
        text = ast.unparse(node)
        if isinstance(node, (ast.Name, ast.Constant)):
            return text
        if text not in self.known:
            self.known[text] = f"_term_{len(self.known)}"
            self.lines.append(f"{self.known[text]} = {text}")
        return self.known[text]


def _product(name, power):
    """A power by squaring."""
    if power == 1:
        return name
    half = _product(name, power // 2)
    return f"({half})*({half})" + (f"*{name}" if power % 2 else "")


def plain(statements: Iterable[str]) -> list[str]:
    """Statements of Brian2's code in which whole powers are products, and functions are called once.

    Terms that are the same for all neurons are statements, which Brian2 takes out of the loop over neurons.
    """
    found, terms = [], _Terms()
    for statement in statements:
        tree: Any = ast.parse(statement.strip()).body[0]
        tree.value = terms.visit(tree.value)
        found += [*terms.lines, ast.unparse(tree)]
        terms.lines.clear()
        changed = tree.targets[0].id
        for text in [each for each in terms.known if changed in names_in(ast.parse(each, mode="eval").body)]:
            terms.known[f"{text} #{len(terms.known)}"] = terms.known.pop(text)  # keeps the numbers apart
    return found
