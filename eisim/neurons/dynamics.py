"""Equations of a user as Brian2 reads them, checked; their step; and the effect of one variable on another."""

import ast
import re
from collections.abc import Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise

import numpy as np

from eisim.base.brian import brian2_alone
from eisim.base.errors import InputError, did_you_mean
from eisim.base.units import unit_of_dimension
from eisim.neurons.expressions import CONSTANTS, FUNCTIONS, LONGEST, arrays_of, check_cost, names_in, parse, value_of

MEMBRANE = "v"
#: The methods of integration, those of one step without intermediate ones first.
METHODS = ("euler", "exponential_euler", "exact", "linear", "rk2", "rk4", "heun", "milstein")
#: What Brian2 tries where no method is named.
TRIED = ("exact", "euler", "heun")
#: Equations up to which algebra solves a linear system in some seconds.
MOST_SOLVED = 8
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*")
_UNIT = re.compile(
    r"(1|[A-Za-z]\w*)(\s*\*\*\s*-?\s*\d(\.\d+)?)?(\s*[*/]\s*(1|[A-Za-z]\w*)(\s*\*\*\s*-?\s*\d(\.\d+)?)?)*"
)
_HELD = "unless refractory"
#: Names of columns and axes of tables of what is recorded, and of what is recorded besides.
_OF_TABLES = frozenset(
    ("time", "time_s", "trial", "neuron", "seed", "population", "sign", "cell_type", "spikes", "spikespace")
)
#: Words of flags, which equations cannot have as names besides.
_OF_FLAGS = frozenset(("refractory", "unless", "constant", "over", "shared", "summed", "event", "driven"))


@dataclass(frozen=True)
class Dynamics:
    """Equations, threshold and reset; every name has its unit, as a word of eisim or in base units of Brian2."""

    given: dict[str, str]  # derivatives as they were written
    derivatives: dict[str, str]  # with all subexpressions in place
    held: frozenset[str]  # variables that stay as they are while the neuron is refractory
    subexpressions: dict[str, str]
    declared: tuple[str, ...]  # without a derivative
    threshold: str
    reset: tuple[tuple[str, str, str], ...]  # variable, operation and value
    units: dict[str, str]  # of the variables
    noises: tuple[str, ...]
    names: frozenset[str]  # that are neither variables nor Brian2's: the parameters
    over_dt: tuple[str, ...]  # subexpressions that are (constant over dt)
    is_timed: bool  # whether the time t is in them

    @property
    def variables(self) -> list[str]:
        """All that has a value for each neuron: what can be recorded."""
        return [*self.derivatives, *self.declared, *self.subexpressions]


@contextmanager
def refusing(what: str):
    """What Brian2 has to say against equations, as an ``InputError``."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # Brian2 raises many kinds
        why = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{what}: expected equations as Brian2 takes them, found: {why:.300}") from None


@lru_cache(maxsize=256)
def read(model: str, threshold: str, reset: str) -> Dynamics:
    """Read a model; ``InputError`` for what is not allowed or has no meaning."""
    with brian2_alone(), refusing("Neuron: equations"):
        from brian2.core.functions import DEFAULT_FUNCTIONS
        from brian2.core.namespace import DEFAULT_UNITS
        from brian2.equations.equations import DIFFERENTIAL_EQUATION, PARAMETER, SUBEXPRESSION, Equations

        check_text(model)
        equations = Equations(model)
        given, derivatives, subexpressions, declared, units, held = {}, {}, {}, [], {}, set()
        over_dt = [eq.varname for eq in equations.values() if "constant over dt" in eq.flags]
        for eq in equations.values():
            what, flags = f"Neuron: equation of {eq.varname}", set(eq.flags)
            if eq.varname in DEFAULT_UNITS or eq.varname in FUNCTIONS or eq.varname in _OF_FLAGS:
                raise InputError(f"{what}: expected a name that is no unit, function or flag, found {eq.varname!r}")
            if eq.varname in _OF_TABLES:
                taken = ", ".join(sorted(_OF_TABLES))
                raise InputError(
                    f"{what}: expected a name that is no column of recorded variables ({taken}), found {eq.varname!r}"
                )
            if eq.var_type != "float" and str(eq.var_type) != "float":
                raise InputError(f"{what}: expected a number with a unit, found {eq.var_type}")
            allowed = {_HELD} if eq.type == DIFFERENTIAL_EQUATION else {"constant", "constant over dt"}
            if flags - allowed:
                raise InputError(f"{what}: expected no other flag than {', '.join(allowed)}, found {flags - allowed}")
            units[eq.varname] = unit_of_dimension(eq.dim)
            if eq.type == PARAMETER:
                declared.append(eq.varname)
                continue
            parse(eq.expr.code, what)
            (subexpressions if eq.type == SUBEXPRESSION else given)[eq.varname] = eq.expr.code
            held |= {eq.varname} if _HELD in flags else set()
        for name, expression in equations.get_substituted_expressions():
            check_cost(parse(expression.code, f"Neuron: equation of {name}"), f"Neuron: equation of {name}")
            derivatives[name] = expression.code
        if MEMBRANE not in derivatives:
            raise InputError(
                f"Neuron: equations: expected one of the membrane, dv/dt = ..., found those of {', '.join(derivatives)}"
            )
        parse(threshold, "Neuron: threshold")
        assigned = tuple(assignments(reset))
        texts = [*given.values(), *subexpressions.values(), threshold, *(value for _, _, value in assigned)]
        used = set().union(*(names_in(parse(text, "Neuron")) for text in texts))
        noises = tuple(sorted(name for name in used if name == "xi" or name.startswith("xi_")))
        names = used - set(units) - set(DEFAULT_UNITS) - set(CONSTANTS) - set(noises) - {"t", "dt"}
        if barred := names & {"i", "j", "N", "t_in_timesteps", "not_refractory", "lastspike"}:
            raise InputError(
                f"Neuron: expected equations that are the same for every neuron, found {', '.join(sorted(barred))}"
            )
        if barred := names & {*DEFAULT_FUNCTIONS, *FUNCTIONS, *_OF_FLAGS}:
            raise InputError(f"Neuron: expected names that are no function or flag, found {', '.join(sorted(barred))}")
        for variable, _, _ in assigned:
            if variable not in (*derivatives, *declared):
                known = ", ".join([*derivatives, *declared])
                raise InputError(f"Neuron: reset: expected one of the variables {known}, found {variable!r}")
        return Dynamics(
            given,
            derivatives,
            frozenset(held),
            subexpressions,
            tuple(declared),
            threshold.strip(),
            assigned,
            units,
            noises,
            frozenset(names),
            tuple(over_dt),
            "t" in used,
        )


def check_text(model: str, what: str = "Neuron: equations") -> None:
    """Refuse equations that are no arithmetic, or with other units than words of Brian2, before it reads them."""
    if len(model) > LONGEST:
        raise InputError(f"{what}: expected at most {LONGEST:,} characters, found {len(model):,}")
    text = "\n".join(line.partition("#")[0] for line in model.splitlines())
    for expression in re.findall(r"(?<![<>=!])=([^:]*):", text):
        tree = parse(" ".join(expression.split()), what)
        check_cost(tree, what)  # before Brian2 does algebra with it
    for after in text.split(":")[1:]:
        unit = after.partition("\n")[0].partition("(")[0].strip()
        if not _UNIT.fullmatch(unit):
            raise InputError(f"{what}: expected a unit such as volt or siemens/meter**2, found {unit!r:.60}")


def assignments(code: str, what: str = "Neuron: reset", example: str = "v = -65*mV or w += b"):
    """Variable, operation and value of each statement of a reset, or of what a spike does to a synapse."""
    for statement in re.split(r"[;\n]", code):
        statement = statement.partition("#")[0].strip()
        if not statement:
            continue
        found = re.fullmatch(r"([A-Za-z]\w*)\s*([-+*/]?=)(?!=)(.+)", statement)
        if not found:
            raise InputError(f"{what}: expected statements such as {example}, found {statement!r:.60}")
        variable, operation, value = found.groups()
        parse(value, what)
        yield variable, operation, value.strip()


def _brian2_variables(dynamics, parameter_units):
    """What Brian2 knows of the names of a model."""
    from brian2.core.functions import DEFAULT_CONSTANTS, DEFAULT_FUNCTIONS
    from brian2.core.namespace import DEFAULT_UNITS
    from brian2.core.variables import Constant, Variable
    from brian2.equations.equations import dimensions_and_type_from_string
    from brian2.units import second

    def dim(unit):
        return dimensions_and_type_from_string(unit)[0]

    known = {**DEFAULT_UNITS, **DEFAULT_CONSTANTS, **DEFAULT_FUNCTIONS}
    known |= {name: Variable(name, dim(unit)) for name, unit in dynamics.units.items()}
    known |= {name: Constant(name, 1.0, dim(unit)) for name, unit in parameter_units.items()}
    known |= {name: Variable(name, second.dim**-0.5) for name in dynamics.noises}
    return known | {name: Variable(name, second.dim) for name in ("t", "dt")}


def dimensions_of(dynamics: Dynamics, expression: str, parameter_units: Mapping[str, str]):
    """The dimensions of an expression of a model's names, as Brian2 has them."""
    with brian2_alone():
        from brian2.parsing.expressions import parse_expression_dimensions

        return parse_expression_dimensions(expression, _brian2_variables(dynamics, parameter_units))


def check_given(what: str, use: str, names: frozenset[str], given: Iterable[str], variables: Iterable[str]) -> None:
    """Refuse parameters that texts lack, or do not use; `use` says whose texts they are, as "the equations use"."""
    if lacks := sorted(names - set(given)):
        raise InputError(
            f"{what}: expected a value for {', '.join(lacks)}, which {use}, found none"
            f"{did_you_mean(lacks[0], [*variables, *given])}"
        )
    if unused := sorted(set(given) - names):
        raise InputError(
            f"{what}: {unused[0]}: expected parameters that {use} ({', '.join(sorted(names))}), "
            f"found {unused[0]!r}{did_you_mean(unused[0], names)}"
        )


@lru_cache(maxsize=256)
def check_units(model: str, threshold: str, reset: str, parameters: tuple[tuple[str, str], ...]) -> None:
    """Refuse names that are not known and units that do not agree."""
    dynamics = read(model, threshold, reset)
    given = dict(parameters)
    for name, unit in parameters:
        if not isinstance(unit, str) or not _UNIT.fullmatch(unit):
            raise InputError(f"Neuron: {name}: expected a unit such as volt or siemens/meter**2, found {unit!r:.60}")
    check_given("Neuron", "the equations use", dynamics.names, given, dynamics.variables)
    with brian2_alone(), refusing("Neuron: units"):
        from brian2.equations.equations import dimensions_and_type_from_string
        from brian2.equations.unitcheck import check_dimensions
        from brian2.parsing.expressions import parse_expression_dimensions
        from brian2.units import second

        known = _brian2_variables(dynamics, given)
        dim = {name: dimensions_and_type_from_string(unit)[0] for name, unit in dynamics.units.items()}
        for name, expression in dynamics.derivatives.items():
            with refusing(f"Neuron: equation of {name}"):
                check_dimensions(expression, dim[name] / second.dim, known)
        for name, expression in dynamics.subexpressions.items():
            with refusing(f"Neuron: equation of {name}"):
                check_dimensions(expression, dim[name], known)
        with refusing("Neuron: threshold"):
            parse_expression_dimensions(dynamics.threshold, known)
        if not isinstance(parse(dynamics.threshold, ""), (ast.Compare, ast.BoolOp)):
            raise InputError(
                f"Neuron: threshold: expected a condition such as v > -50*mV, found {dynamics.threshold!r}"
            )
        for variable, operation, value in dynamics.reset:
            with refusing(f"Neuron: reset of {variable}"):
                scaled = operation in ("*=", "/=")
                check_dimensions(value, second.dim / second.dim if scaled else dim[variable], known)


@lru_cache(maxsize=256)
def step(
    model: str, threshold: str, reset: str, parameters: tuple[str, ...], method: str | None
) -> tuple[str, tuple[str, ...]]:
    """The method of Brian2 that is taken, and one time step by it, as statements in the user's names.

    Noise is ``xi``, ``xi_1`` and so on: increments of Wiener processes, whose statements are left out.
    """
    dynamics = read(model, threshold, reset)
    with brian2_alone(), refusing(f"Neuron: method {method or 'by default'}"):
        from brian2.stateupdaters.base import StateUpdateMethod, UnsupportedEquationsException

        known = _brian2_variables(dynamics, dict.fromkeys(parameters, "1"))
        del known["dt"]  # Brian2 would ask for its value
        for chosen in TRIED if method is None else (method,):
            if chosen in ("exact", "linear") and len(dynamics.derivatives) > MOST_SOLVED:
                why = f"it has more than {MOST_SOLVED} equations to solve"
                continue
            names = free_of_sympy(dynamics.derivatives, known) if chosen in ("exact", "linear") else {}
            given = known | {new: known[old] for old, new in names.items()}
            try:
                lines = StateUpdateMethod.stateupdaters[chosen](_integrated(dynamics, chosen, names), given, None)
                lines = renamed(lines, {new: old for old, new in names.items()})
                break
            except UnsupportedEquationsException as error:
                why = str(error)
        else:
            others = [each for each in METHODS if each != method]
            raise InputError(
                f"Neuron: method: expected one that can integrate these equations (others are {', '.join(others)}), "
                f"found {method!r}: {why}"
            )
    if dynamics.over_dt and chosen != "euler":
        raise InputError(
            f"Neuron: equation of {dynamics.over_dt[0]}: expected (constant over dt) with method='euler' alone, since "
            f"other methods evaluate it within a step, found it with {chosen!r}"
        )
    kept = [line.strip() for line in lines.splitlines() if "randn()" not in line and line.strip()]
    return chosen, tuple(kept)


def exact_error(dynamics: Dynamics, statements: tuple[str, ...], values: Mapping[str, float]) -> float:
    """The largest relative error of the coefficients of a step of linear equations, against a matrix exponential."""
    names, dt = list(dynamics.derivatives), values["dt"]
    n = len(names)
    each = {name: np.eye(n + 1)[k] for k, name in enumerate(names)}  # from each variable alone, and from 0
    with np.errstate(all="ignore"):
        slopes = np.array([_column(dynamics.derivatives[name], {**values, **each}, n) for name in names])
        matrix = np.zeros((n + 1, n + 1))
        matrix[:n] = slopes * dt
        matrix[:n, :n] -= slopes[:, n:] * dt
        if not np.isfinite(matrix).all():
            return 0.0
        right = _exponential(matrix)[:n]
        found = {**values, **{name: one * 2.0**60 for name, one in each.items()}}  # beside which constants are nothing
        for statement in statements:
            name, _, expression = statement.partition(" = ")
            found[name] = _column(expression, found, n)
        scale = np.append(np.full(n, 2.0**60), 1.0)
        errors = np.abs(np.array([found[name] for name in names]) / scale - right)
        relative = errors / np.maximum(np.abs(right), 1e-9 * np.abs(matrix[:n]))
    return float(np.max(relative[np.isfinite(relative)], initial=0.0))


def _column(expression, values, n):
    return np.broadcast_to(arrays_of(parse(expression, "Neuron: step"), values), (n + 1,))


def _exponential(matrix):
    """The exponential of a matrix, by its series and squares: the units of its rows and columns may differ."""
    halvings = max(0, int(np.ceil(np.log2(max(np.abs(np.linalg.eigvals(matrix)).max(), 1e-3)))) + 2)
    term = found = np.eye(len(matrix))
    for k in range(1, 25):
        term = term @ matrix / (2.0**halvings * k)
        found = found + term
    for _ in range(halvings):
        found = found @ found
    return found


def free_of_sympy(variables: Iterable[str], known: Iterable[str]) -> dict[str, str]:
    """Other names of the variables that SymPy, as "exact" uses it, takes for something of its own or of Python."""
    import builtins

    import sympy

    found = {}
    for name in variables:
        if hasattr(sympy, name) or hasattr(builtins, name):
            new = f"{name}_"
            while new in known or hasattr(sympy, new):
                new += "_"
            found[name] = new
    return found


def _integrated(dynamics, method, names):
    """The equations that a method integrates, with these names in place of some of the user's.

    A variable that is held is not written while the neuron is refractory. Where a method has intermediate steps, and
    another variable follows one that is held, its derivative is 0 besides, as in Brian2.
    """
    from brian2.equations.equations import Equations
    from brian2.equations.refractory import add_refractoriness

    followed = any(
        names_in(parse(expression, "")) & dynamics.held
        for name, expression in dynamics.derivatives.items()
        if name not in dynamics.held
    )
    stops = followed and method not in ("euler", "exponential_euler")
    lines = [
        f"d{names.get(name, name)}/dt = {renamed(expression, names)} : {dynamics.units[name]}"
        f"{f' ({_HELD})' if name in dynamics.held else ''}"
        for name, expression in dynamics.given.items()
    ]
    lines += [
        f"{name} = {renamed(expression, names)} : {dynamics.units[name]}"
        for name, expression in dynamics.subexpressions.items()
    ]
    lines += [f"{name} : {dynamics.units[name]}" for name in dynamics.declared]
    equations = Equations("\n".join(lines))
    return add_refractoriness(equations) if stops else equations


def renamed(code: str, names: Mapping[str, str]) -> str:
    """Code in which these names are others."""
    return _IDENTIFIER.sub(lambda found: names.get(found[0], found[0]), code)


@cache
def units_in() -> dict[str, float]:
    """Values of Brian2's units and constants."""
    with brian2_alone():
        from brian2.core.namespace import DEFAULT_UNITS

    return {name: float(unit) for name, unit in DEFAULT_UNITS.items()} | CONSTANTS


def level(dynamics: Dynamics, values: Mapping[str, float]) -> float | None:
    """The membrane potential at threshold.

    ``None`` where the condition is not that it is above something that stays.
    """
    tree = parse(dynamics.threshold, "Neuron: threshold")
    if not isinstance(tree, ast.Compare) or len(tree.ops) > 1:
        return None
    left, right, is_above = tree.left, tree.comparators[0], isinstance(tree.ops[0], (ast.Gt, ast.GtE))
    moving = {*dynamics.derivatives, *dynamics.declared, *dynamics.subexpressions, "t"}
    for side, other, rises in ((left, right, is_above), (right, left, not is_above)):
        if isinstance(side, ast.Name) and side.id == MEMBRANE and rises and not names_in(other) & moving:
            found = value_of(other, values)
            return found if np.isfinite(found) else None
    return None


#: Ways from a variable to the membrane that are followed at once: in equations from a file all can act on all.
MOST_WAYS = 500


def effect(dynamics: Dynamics, variable: str, values: Mapping[str, float]) -> float:
    """The effect of a variable on the membrane: the product of slopes along the shortest way.

    0 where there is no way, or ways of different sign, or too many to follow.
    """
    paths, effects = [[variable]], [0.0]
    while paths:
        if len(paths) > MOST_WAYS:
            return 0.0
        arrived = [path for path in paths if path[-1] == MEMBRANE]
        effects += [np.prod([_slope(dynamics, b, a, values) for a, b in pairwise(path)]) for path in arrived]
        paths = [
            [*path, after]
            for path in paths
            if path[-1] != MEMBRANE
            for after, expression in dynamics.derivatives.items()
            if after not in path and path[-1] in names_in(parse(expression, ""))
        ]
    acting = [each for each in effects if each]
    return acting[0] if len(set(map(np.sign, acting))) == 1 else 0.0


def _slope(dynamics, of, by, values):
    """The slope of a derivative with respect to a variable, by the smallest difference that shows one."""
    tree = parse(dynamics.derivatives[of], "")
    for size in (1e-12, 1e-9, 1e-6, 1e-3):
        low, high = (value_of(tree, {**values, by: values[by] + way * size}) for way in (-1, 1))
        if abs(high - low) > 1e-7 * (abs(high) + abs(low)):
            return (high - low) / (2 * size)
    return 0.0


def direction(dynamics: Dynamics, variable: str, values: Mapping[str, float]) -> tuple[float, bool] | None:
    """The sign of the effect of a variable on v at threshold, and whether that turns at a reversal potential.

    ``None`` where it is not known.
    """
    if variable == MEMBRANE:
        return 1.0, False
    at = level(dynamics, values)
    if at is None:
        return None
    shift = 0.2 if dynamics.units[MEMBRANE] == "volt" else max(1.0, abs(at))
    found = signs_at(dynamics, variable, values, (at - shift, at, at + shift))
    if not found[1]:
        return None
    return found[1], len({*found} - {0.0}) > 1


def signs_at(
    dynamics: Dynamics, variable: str, values: Mapping[str, float], potentials: Iterable[float]
) -> list[float]:
    """The signs of the effect of a variable on v where all membrane potentials have each of these values."""
    voltages = [name for name in dynamics.derivatives if dynamics.units[name] == dynamics.units[MEMBRANE] == "volt"]
    voltages = [name for name in voltages if name != variable and _is_potential(dynamics, name)]
    found = (effect(dynamics, variable, {**values, **dict.fromkeys([*voltages, MEMBRANE], v)}) for v in potentials)
    return [float(np.sign(each)) for each in found]


def _is_potential(dynamics, name):
    """Whether a variable in volts is a potential of a compartment: it and the membrane act on each other."""
    return name == MEMBRANE or MEMBRANE in names_in(parse(dynamics.derivatives[name], ""))
