"""The text of plasticity rules as Brian2 reads it, checked, and the code that a simulation runs of it."""

import re
from dataclasses import dataclass
from functools import lru_cache

from eisim.base.brian import brian2_alone
from eisim.base.errors import InputError, did_you_mean
from eisim.base.units import unit_of_dimension
from eisim.neurons.dynamics import assignments, check_text, free_of_sympy, refusing, renamed
from eisim.neurons.expressions import CONSTANTS, FUNCTIONS, check_cost, names_in, parse, plain, with_floats

WEIGHT, LARGEST = "w", "largest"
#: Rates of the units before and behind a synapse.
RATES = ("r_pre", "r_post")
#: In equations the unit of the weights of whatever neurons the synapse ends on.
OF_WEIGHTS = "weight"
#: The time of the last spike at a synapse, in code.
LAST = "learnt_at"
#: Methods of integration of what changes in every step.
METHODS = ("euler", "exponential_euler", "exact", "linear", "rk2", "rk4")
#: Equations that act on each other, up to which algebra solves them in a second.
MOST_COUPLED = 5
_EVENT_DRIVEN, _CLOCK_DRIVEN = "event-driven", "clock-driven"
_UNIT = re.compile(rf":(\s*){OF_WEIGHTS}\b")


@dataclass(frozen=True)
class Text:
    """The equations and statements of a rule."""

    derivatives: dict[str, str]
    event_driven: frozenset[str]
    declared: tuple[str, ...]  # without a derivative
    on_pre: tuple[tuple[str, str, str], ...]  # variable, operation and value
    on_post: tuple[tuple[str, str, str], ...]
    units: dict[str, str]  # of the variables
    names: frozenset[str]  # that are neither variables nor Brian2's: the parameters
    has_rates: bool
    is_bounded: bool  # whether the largest weight is in it

    @property
    def variables(self) -> list[str]:
        """What a synapse has besides its weight."""
        return [name for name in (*self.derivatives, *self.declared) if name != WEIGHT]

    @property
    def in_steps(self) -> list[str]:
        """Variables that change in every step."""
        return [name for name in self.derivatives if name not in self.event_driven]


@dataclass(frozen=True)
class Code:
    """A rule as a simulation runs it, in Brian2's language; its parameters have the prefix."""

    equations: str
    on_pre: str  # what is done once the spike was transmitted
    on_post: str
    arrive: str  # what is done first at a spike of either side
    update: str  # in every step


def code_name(name: str) -> str:
    """What code calls a user's name: none of ours, and with no ending that Brian2 understands."""
    return f"own_{name}_"


@lru_cache(maxsize=256)
def read(equations: str, on_pre: str, on_post: str, unit: str = "1") -> Text:
    """Read a rule for weights of a unit; ``InputError`` for what is not allowed or has no meaning."""
    what = "PlasticityRule: equations"
    equations = _UNIT.sub(rf":\g<1>{unit}", equations)
    with brian2_alone(), refusing(what):
        from brian2.core.functions import DEFAULT_FUNCTIONS
        from brian2.core.namespace import DEFAULT_UNITS
        from brian2.equations.equations import DIFFERENTIAL_EQUATION, SUBEXPRESSION, Equations

        check_text(equations, what)
        derivatives, event_driven, declared, units = {}, set(), [], {}
        for eq in Equations(equations).values() if equations.strip() else ():
            name, flags = eq.varname, set(eq.flags)
            about = f"PlasticityRule: equation of {name}"
            if name in DEFAULT_UNITS or name in FUNCTIONS or name in (LARGEST, *RATES):
                raise InputError(f"{about}: expected a name that is not taken already, found {name!r}")
            if str(eq.var_type) != "float" or eq.type == SUBEXPRESSION:
                raise InputError(f"{about}: expected a differential equation or a number with a unit, found another")
            allowed = {_EVENT_DRIVEN, _CLOCK_DRIVEN} if eq.type == DIFFERENTIAL_EQUATION else set()
            if flags - allowed or len(flags) > 1:
                expected = "one of (event-driven) and (clock-driven)" if allowed else "no flag"
                raise InputError(f"{about}: expected {expected}, found {', '.join(sorted(flags))}")
            units[name] = unit_of_dimension(eq.dim)
            if eq.type == DIFFERENTIAL_EQUATION:
                check_cost(parse(eq.expr.code, about), about)
                derivatives[name] = eq.expr.code
                event_driven |= {name} if _EVENT_DRIVEN in flags else set()
            else:
                declared.append(name)
        spikes = {
            side: tuple(assignments(code, f"PlasticityRule: {side}", "w += A or x += 1"))
            for side, code in (("on_pre", on_pre), ("on_post", on_post))
        }
        values = [(variable, value) for each in spikes.values() for variable, _, value in each]
        used = set().union(*(names_in(parse(text, "")) for text in (*derivatives.values(), *(v for _, v in values))))
        names = used - set(units) - set(DEFAULT_UNITS) - set(CONSTANTS) - {WEIGHT, LARGEST, "t", "dt", *RATES}
        if noises := sorted(name for name in names if name == "xi" or name.startswith("xi_")):
            raise InputError(f"PlasticityRule: expected no noise in what is learnt, found {noises[0]}")
        ending = sorted(n for n in names if n.endswith(("_pre", "_post")) and n.rpartition("_")[0] in ("v", "i", "j"))
        if barred := [*ending, *sorted(names & {"i", "j", "N", "t_in_timesteps", "lastupdate", "lastspike"})]:
            raise InputError(
                "PlasticityRule: expected the weight w, variables of the synapse, parameters, largest, t and dt, and "
                f"for rates r_pre and r_post, found {barred[0]}"
            )
        if barred := sorted(names & {*DEFAULT_FUNCTIONS, *FUNCTIONS}):
            raise InputError(f"PlasticityRule: expected names that are no function, found {barred[0]}")
        known = [WEIGHT, *(name for name in units if name != WEIGHT)]
        for variable, _ in values:
            if variable not in known:
                raise InputError(
                    f"PlasticityRule: expected statements that change one of {', '.join(known)}, found {variable!r}"
                    f"{did_you_mean(variable, known)}"
                )
        text = Text(
            derivatives,
            frozenset(event_driven),
            tuple(declared),
            spikes["on_pre"],
            spikes["on_post"],
            {WEIGHT: unit} | units,
            frozenset(names),
            bool(used & set(RATES)),
            LARGEST in used,
        )
        _check_kinds(text)
        return text


def _check_kinds(text):
    """Refuse rules that change no weight, of rates and spikes at once, and equations that mix both ways of time."""
    changed = {variable for variable, _, _ in (*text.on_pre, *text.on_post)}
    if WEIGHT not in changed | set(text.derivatives):
        raise InputError("PlasticityRule: expected a rule that changes w, found none")
    if text.has_rates and (changed or text.event_driven):
        raise InputError(
            "PlasticityRule: expected either rates, r_pre and r_post, or what spikes do, on_pre and on_post, found both"
        )
    for name, expression in text.derivatives.items():
        if name in text.event_driven and (timed := sorted(names_in(parse(expression, "")) & {"t", "dt"})):
            raise InputError(
                f"PlasticityRule: equation of {name}: expected (clock-driven) where the time is in it, since an "
                f"(event-driven) one is solved from spike to spike, found {timed[0]}"
            )
        found = names_in(parse(expression, "")) & set(text.derivatives)
        if mixed := sorted(other for other in found if (other in text.event_driven) != (name in text.event_driven)):
            raise InputError(
                f"PlasticityRule: equation of {name}: expected variables that are all (event-driven) or none, found "
                f"{mixed[0]}"
            )
    if WEIGHT in text.event_driven:
        raise InputError("PlasticityRule: equation of w: expected (clock-driven), found (event-driven)")


def _known(text, parameters, unit):
    """What Brian2 knows of the names of a rule."""
    from brian2.core.functions import DEFAULT_CONSTANTS, DEFAULT_FUNCTIONS
    from brian2.core.namespace import DEFAULT_UNITS
    from brian2.core.variables import Constant, Variable
    from brian2.equations.equations import dimensions_and_type_from_string

    def dim(unit):
        return dimensions_and_type_from_string(unit)[0]

    known = {**DEFAULT_UNITS, **DEFAULT_CONSTANTS, **DEFAULT_FUNCTIONS}
    known |= {name: Variable(name, dim(each)) for name, each in text.units.items()}
    known |= {name: Constant(name, 1.0, dim(each)) for name, each in {**parameters, LARGEST: unit}.items()}
    known |= {name: Variable(name, dim("hertz")) for name in RATES}
    return known | {name: Variable(name, dim("second")) for name in ("t", "dt")}


@lru_cache(maxsize=256)
def check_units(texts: tuple[str, str, str], parameters: tuple[tuple[str, str], ...], unit: str) -> None:
    """Refuse units that do not agree, of a rule for weights of a unit."""
    text = read(*texts, unit)
    with brian2_alone(), refusing("PlasticityRule: units"):
        from brian2.equations.equations import dimensions_and_type_from_string
        from brian2.equations.unitcheck import check_dimensions
        from brian2.units import second

        known = _known(text, dict(parameters), unit)
        dim = {name: dimensions_and_type_from_string(each)[0] for name, each in text.units.items()}
        for name, expression in text.derivatives.items():
            with refusing(f"PlasticityRule: equation of {name}"):
                check_dimensions(expression, dim[name] / second.dim, known)
        if dim[WEIGHT] != dimensions_and_type_from_string(unit)[0]:
            raise InputError(f"PlasticityRule: expected w in {unit}, as the target has it, found {text.units[WEIGHT]}")
        for side, statements in (("on_pre", text.on_pre), ("on_post", text.on_post)):
            for variable, operation, value in statements:
                with refusing(f"PlasticityRule: {side}: {variable}"):
                    scaled = operation in ("*=", "/=")
                    check_dimensions(value, second.dim / second.dim if scaled else dim[variable], known)


@lru_cache(maxsize=256)
def code_of(texts: tuple[str, str, str], parameters: tuple[tuple[str, str], ...], unit: str, method: str) -> Code:
    """The code of a rule for weights of a unit."""
    text = read(*texts, unit)
    names = {name: code_name(name) for name in (*text.variables, *text.names)}
    names |= {f"_{name}": f"_{name}_" for name in text.derivatives}  # what it will be at the end of a step
    given = dict(parameters)

    def code(lines):
        return "\n".join(renamed(line, names) for line in lines)

    equations = [f"{name} : {text.units[name]}" for name in (WEIGHT, *text.variables) if name not in text.in_steps]
    in_steps = [
        f"d{name}/dt = {text.derivatives[name]} : {text.units[name]} ({_CLOCK_DRIVEN})" for name in text.in_steps
    ]
    derivatives = {f"d{name}": f"d{names.get(name, name)}" for name in text.in_steps}
    lines = [*map(_with(names), equations), *map(_with(names | derivatives), in_steps)]
    arrive = []
    if text.event_driven:
        lines.append(f"{LAST} : second")
        solved = _integrated(text, text.event_driven, "linear", given, unit)
        arrive = [renamed(renamed(line, names), {"dt": f"(t - {LAST})"}) for line in solved]
    update = _integrated(text, text.in_steps, method, given, unit) if text.in_steps else []
    if WEIGHT in text.in_steps:
        update.append(f"{WEIGHT} = {_bounded(WEIGHT)}")
    return Code(
        "\n".join(lines),
        code(map(_statement, text.on_pre)),
        code(map(_statement, text.on_post)),
        "\n".join(arrive),
        code(update),
    )


def _with(names):
    return lambda line: renamed(line, names)


def _statement(assigned):
    """A statement that keeps the weight within its bounds."""
    variable, operation, value = assigned
    value = with_floats(value)
    if variable != WEIGHT:
        return f"{variable} {operation} {value}"
    return f"{WEIGHT} = {_bounded(value if operation == '=' else f'{WEIGHT} {operation[0]} ({value})')}"


def _bounded(value):
    return f"clip({value}, 0*{LARGEST}, {LARGEST})"


def _coupled(text, variables):
    """Variables, those together whose equations act on each other."""
    groups: list[set[str]] = []
    for name in variables:
        mine = {name} | (names_in(parse(text.derivatives[name], "")) & set(variables))
        groups = [group for group in groups if not group & mine] + [mine.union(*(g for g in groups if g & mine))]
    return groups


def _integrated(text, variables, method, parameters, unit):
    """Statements of one step of the equations of some variables."""
    if method not in ("exact", "linear"):
        return _solved(text, variables, method, parameters, unit)
    lines = []
    for group in _coupled(text, [name for name in text.derivatives if name in variables]):
        if len(group) > MOST_COUPLED:
            raise InputError(
                f"PlasticityRule: expected at most {MOST_COUPLED} equations that act on each other and are solved by "
                f"algebra, found {len(group)}: {', '.join(sorted(group)):.100}"
            )
        lines += _solved(text, group, method, parameters, unit)
    return lines


def _solved(text, variables, method, parameters, unit):
    with brian2_alone(), refusing(f"PlasticityRule: method {method}"):
        from brian2.equations.equations import Equations
        from brian2.stateupdaters.base import StateUpdateMethod

        known = _known(text, parameters, unit)
        del known["dt"]  # Brian2 would ask for its value
        chosen = [name for name in text.derivatives if name in variables]
        names = free_of_sympy(chosen, known) if method in ("exact", "linear") else {}
        known |= {new: known[old] for old, new in names.items()}
        equations = Equations(
            "\n".join(
                f"d{names.get(name, name)}/dt = {renamed(text.derivatives[name], names)} : {text.units[name]}"
                for name in chosen
            )
        )
        lines = StateUpdateMethod.stateupdaters[method](equations, known, None)
        found = renamed(lines, {new: old for old, new in names.items()})
    return plain(line for line in found.splitlines() if line.strip())
