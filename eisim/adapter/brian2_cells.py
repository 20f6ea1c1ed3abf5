"""Groups of Brian2 as they can be compared: derivatives as expressions of SymPy, constants by their names."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from eisim.base.errors import InputError
from eisim.neurons.dynamics import assignments
from eisim.neurons.expressions import FUNCTIONS

#: How `eisim.adapter.brian2_models` holds a potential whose equation has no flag for it.
_HELD = re.compile(r"v = (\w+)\*int\(not not_refractory\) \+ v\*int\(not_refractory\)")
#: How it writes Poisson trains of which each neuron has one.
_TRAINS = re.compile(r"(\w+) ([-+])= (.+)\*poisson\((\w+)\*dt\)")
#: Whole numbers up to this size are numbers to algebra; all other constants keep their names.
_LARGEST_WHOLE = 100


class Differs(Exception):
    """An equation does not match: the equation, and why."""

    def __init__(self, equation: str, why: str):
        super().__init__(f"{equation}: {why}")


@dataclass(frozen=True, eq=False)
class Cells:
    """A ``NeuronGroup``.

    `values` has the constants that the equations, the threshold and the reset use, in SI units: a number, or one for
    each neuron. `own` are those that the group declares for each neuron. `written` are the equations as text.
    """

    group: Any
    namespace: Mapping[str, Any]
    name: str
    size: int
    odes: dict[str, Any]
    written: dict[str, str]
    held: frozenset[str]
    values: dict[str, Any]
    own: frozenset[str]
    membrane: str
    threshold: str
    reset: tuple[tuple[str, str, str], ...]
    refractory: float | None
    regularly: tuple[str, ...]
    trains: tuple[tuple[str, str, str, str], ...]  # variable, sign, amount and rate
    start: dict[str, np.ndarray]

    @property
    def what(self) -> str:
        return f"from_brian2: {self.name}"

    @property
    def held_by(self) -> str:
        """The variable or constant to which a statement holds the potential while the neuron is refractory."""
        found = [match[1] for line in self.regularly if (match := _HELD.fullmatch(line))]
        return found[0] if len(found) == 1 and self.membrane == "v" else ""

    @property
    def is_held(self) -> bool:
        """Whether the potential stays as it is while the neuron is refractory."""
        return self.refractory is not None and (self.membrane in self.held or bool(self.held_by))

    def unit(self, variable: str) -> Any:
        """The dimensions of a variable."""
        return self.group.variables[variable].dim

    def value(self, expression) -> Any:
        return value_of(expression, self.values)

    def number(self, expression, equation: str, what: str) -> float:
        """The value of an expression that all neurons share."""
        found = np.asarray(self.value(expression), dtype=float)
        if found.size and np.ptp(found):
            raise Differs(equation, f"{what} is {found.min():g} to {found.max():g} among neurons, expected one number")
        return float(found.ravel()[0])

    def equation(self, variable: str) -> str:
        return self.written[variable]


def value_of(expression, values: Mapping[str, Any]) -> Any:
    """The value of an expression of SymPy for these values of its symbols."""
    import sympy

    symbols = sorted(expression.free_symbols, key=str)
    return sympy.lambdify(symbols, expression, "numpy")(*(values[each.name] for each in symbols))


def symbolic(text: str):
    """An expression of Brian2 for SymPy; decimal numbers are fractions, so that powers such as 0.5 are roots."""
    import sympy
    from brian2.parsing.sympytools import str_to_sympy

    found = str_to_sympy(text)
    return found.xreplace({each: sympy.Rational(repr(float(each))) for each in found.atoms(sympy.Float)})


def constants(group, names: Iterable[str], namespace: Mapping[str, Any], what: str) -> tuple[dict[str, Any], set[str]]:
    """Values of names that do not change in a run, in SI units, and those names that do change."""
    from brian2.core.functions import Function

    found: dict[str, Any] = {}
    changing = set()
    for name in sorted(names):
        try:
            variable = group.resolve_all({name}, namespace)[name]
        except KeyError:
            raise InputError(
                f"{what}: expected a value for {name!r}, found none; give it as namespace={{{name!r}: ...}}"
            ) from None
        moves = name in ("t", "dt", "t_in_timesteps") or name.startswith(("xi", "lastspike", "not_refractory"))
        if isinstance(variable, Function) or moves or not hasattr(variable, "get_value"):
            changing |= {name} - set(FUNCTIONS)
        elif variable.scalar:
            found[name] = float(np.asarray(variable.get_value()).ravel()[0])
        else:
            found[name] = np.array(getattr(group, f"{name}_")[:], dtype=float)
    return found, changing


def with_wholes(values: Mapping[str, Any]) -> dict[Any, Any]:
    """What to put in place of constants that are small whole numbers, such as 0: these numbers."""
    import sympy

    found = {}
    for name, value in values.items():
        if np.ndim(value) == 0 and float(value).is_integer() and abs(value) <= _LARGEST_WHOLE:
            found[sympy.Symbol(name, real=True)] = sympy.Integer(int(value))
    return found


def read_cells(group, namespace: Mapping[str, Any]) -> Cells:
    """Read a group, or refuse what no neuron model of eisim can have."""
    from brian2.equations.equations import DIFFERENTIAL_EQUATION, PARAMETER, SUBEXPRESSION
    from brian2.utils.stringtools import get_identifiers

    what, equations = f"from_brian2: {group.name}", group.user_equations
    if set(group.events) - {"spike"}:
        raise InputError(
            f"{what}: expected no other event than spike, found {sorted(set(group.events) - {'spike'})[0]}"
        )
    if not group.events:
        raise InputError(f"{what}: expected a group with a threshold, found none (rate models are not read)")
    threshold = " ".join(group.events["spike"].split())
    reset = tuple(assignments(group.event_codes.get("spike") or "", f"{what}: reset"))
    odes_of = {each.varname: each for each in equations.values() if each.type == DIFFERENTIAL_EQUATION}
    parameters = {each.varname: each for each in equations.values() if each.type == PARAMETER}
    written = {name: f"d{name}/dt = {' '.join(each.expr.code.split())}" for name, each in odes_of.items()}
    for each in equations.values():
        if "linked" in each.flags:
            raise InputError(f"{what}: expected no linked variable, found {each.varname!r}")
        if "summed" in each.flags:
            raise InputError(f"{what}: expected no summed variable, found {each.varname!r}")
    derivatives = dict(equations.get_substituted_expressions())
    texts = [derivatives[name].code for name in odes_of]
    texts += [threshold, *(value for _, _, value in reset)]
    late = getattr(group, "_refractory", False)
    if isinstance(late, str):
        texts.append(late)
    statements = []
    for each in group.contained_objects:
        if type(each).__name__ == "CodeRunner":
            code = " ".join(each.abstract_code.split())
            if each.when != "after_groups" or each.clock.dt_ != group.clock.dt_:
                raise InputError(f"{what}: run_regularly: expected none, found {code!r:.100}")
            statements.append(code)
    trains = tuple(match.groups() for line in statements if (match := _TRAINS.fullmatch(line)))
    regularly = tuple(line for line in statements if not _TRAINS.fullmatch(line))
    written_by_reset = {variable for variable, _, _ in reset}
    subexpressions = {each.varname: each.expr.code for each in equations.values() if each.type == SUBEXPRESSION}
    names = set().union(*map(get_identifiers, texts))
    names |= set().union(*(get_identifiers(subexpressions[name]) for name in names & set(subexpressions)))
    names -= {*odes_of, *subexpressions, "xi", "and", "or", "not", "True", "False"}
    names = {name for name in names if not re.fullmatch(r"xi(_\w+)?", name)}
    held = next((match[1] for line in regularly if (match := _HELD.fullmatch(line))), None)
    values, changing = constants(group, names | ({held} - {None}), namespace, what)
    for name, text in written.items():
        used = get_identifiers(derivatives[name].code)
        if moving := sorted(used & changing):
            raise InputError(f"{what}: {text}: expected terms that do not change with time, found {moving[0]!r}")
    if moving := sorted(changing):
        raise InputError(f"{what}: expected constants in threshold, reset and refractory, found {moving[0]!r}")
    membrane = _membrane(what, threshold, odes_of, subexpressions)
    odes = {name: symbolic(derivatives[name].code) for name in odes_of}
    fixed = {name: value for name, value in values.items() if name not in written_by_reset}
    wholes = with_wholes(fixed)
    return Cells(
        group,
        namespace,
        group.name,
        int(group.N),
        {name: each.xreplace(wholes) for name, each in odes.items()},
        written,
        frozenset(name for name, each in odes_of.items() if "unless refractory" in each.flags),
        values,
        frozenset(name for name, each in parameters.items() if "shared" not in each.flags),
        membrane,
        threshold,
        reset,
        _period(what, late, values),
        regularly,
        trains,
        {name: np.array(getattr(group, f"{name}_")[:], dtype=float) for name in odes_of},
    )


def _membrane(what, threshold, odes, subexpressions):
    from brian2.utils.stringtools import get_identifiers

    names = get_identifiers(threshold)
    names |= set().union(*(get_identifiers(subexpressions[name]) for name in names & set(subexpressions)))
    found = [name for name in odes if name in names]
    if "v" in found:
        return "v"
    if len(found) != 1:
        raise InputError(
            f"{what}: expected a threshold on one variable with an equation ({', '.join(odes) or 'none'}), found "
            f"{threshold!r}"
        )
    return found[0]


def _period(what, late, values) -> float | None:
    """The refractory period in s; ``None`` without one."""
    if late is False:
        return None
    wrong = InputError(f"{what}: refractory: expected a time that all neurons share, found {late!r:.60}")
    if isinstance(late, str):
        from brian2.parsing.sympytools import str_to_sympy

        try:
            late = value_of(str_to_sympy(late), values)
        except (KeyError, TypeError, ValueError):
            raise wrong from None
    found = np.asarray(late, dtype=float) if np.asarray(late).dtype != bool else np.empty(0)
    if not found.size or np.ptp(found):
        raise wrong
    return float(found.ravel()[0])
