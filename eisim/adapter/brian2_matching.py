"""Which neuron of eisim has the equations of a group of Brian2."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from eisim.adapter.brian2_cells import Cells, Differs, symbolic, with_wholes
from eisim.adapter.brian2_text import unit_text
from eisim.base.errors import InputError
from eisim.base.units import Measured, unit_of_dimension
from eisim.neurons import LIF, ConductanceLIF, Neuron
from eisim.neurons.dynamics import renamed, units_in
from eisim.neurons.neuron import effect_of
from eisim.synapses import Alpha, Conductance, Delta, Exponential

#: Leak of neurons whose conductances have no unit, as those relative to a leak.
LEAK = 10e-9


@dataclass(frozen=True)
class Reached:
    """What synapses do to a variable of a group: the signs of what they add, and from where."""

    variable: str
    signs: frozenset[int]
    of: str


@dataclass(frozen=True)
class Port:
    """How spikes that add to a variable act: the receptor, and the factor of weights.

    `effect` is 1 where a positive amount excites and -1 where it inhibits.
    """

    receptor: Any
    factor: float
    effect: int
    names: tuple[str, ...]  # the receptors of a projection, of excitation and of inhibition


@dataclass(frozen=True)
class Matched:
    """A neuron of eisim with the equations of a group, its bias and its initial state, and how synapses act on it."""

    neuron: Any
    bias: Any
    initial: Mapping[str, Any]
    ports: Mapping[str, Port]


def named_model(cells: Cells, reached: Sequence[Reached]) -> Matched:
    """The group as LIF or ConductanceLIF neurons; ``Differs`` names what does not match."""
    import sympy

    v = cells.membrane
    equation = cells.equation(v)
    if others := [line for line in cells.regularly if not cells.held_by]:
        raise Differs(f"run_regularly {others[0]}", "expected none")
    if unit_of_dimension(cells.unit(v)) != "volt":
        raise Differs(equation, "LIF and ConductanceLIF neurons have a potential in V")
    states = [name for name in cells.odes if name != v]
    symbols = {name: sympy.Symbol(name, real=True) for name in cells.odes}
    noises = sorted({s for each in cells.odes.values() for s in each.free_symbols if s.name.startswith("xi")}, key=str)
    for name in states:
        if set(noises) & cells.odes[name].free_symbols:
            raise Differs(cells.equation(name), f"noise acts on {name}, expected it on {v} alone")
        if name in cells.held:
            raise Differs(cells.equation(name), f"{name} stays as it is while a neuron is refractory")
    if len(noises) > 1:
        raise Differs(equation, "several noises act on it")
    generators = [symbols[v], *(symbols[name] for name in states), *noises]
    terms = _terms(cells.odes[v], generators, equation)
    zero = (0,) * len(generators)

    def power(*which):
        return tuple(sum(each is generator for each in which) for generator in generators)

    leak = -terms.pop(power(symbols[v]), sympy.Integer(0))
    constant = terms.pop(zero, sympy.Integer(0))
    noise = terms.pop(power(noises[0]), sympy.Integer(0)) if noises else sympy.Integer(0)
    additive = {name: terms.pop(power(symbols[name]), sympy.Integer(0)) for name in states}
    gated = {name: -terms.pop(power(symbols[name], symbols[v]), sympy.Integer(0)) for name in states}
    if terms:
        wrong = sympy.Mul(*(g**n for g, n in zip(generators, next(iter(terms)), strict=True)))
        raise Differs(equation, f"it has a term with {wrong}, which no LIF or ConductanceLIF neuron has")
    if cells.number(leak, equation, "the leak") <= 0:
        raise Differs(equation, f"expected a leak of {v}")
    if cells.refractory and not cells.is_held:
        raise Differs(equation, f"{v} changes while a neuron is refractory (no flag 'unless refractory')")
    threshold, reset, subtracts = _events(cells)
    tau = sympy.simplify(1 / leak)
    noise = sympy.simplify(noise * sympy.sqrt(tau / 2))
    shared = {"threshold": threshold, "reset": reset, "refractory": cells.refractory or 0.0}
    shared["noise"] = abs(cells.number(noise, equation, "the noise"))
    is_conductance = any(each != 0 for each in gated.values())
    if is_conductance and subtracts:
        raise Differs(f"reset {cells.group.event_codes['spike']}", "ConductanceLIF neurons are reset to one potential")
    used = [name for name in states if additive[name] != 0 or gated[name] != 0]
    kinetics = _kinetics(cells, states, used, symbols)
    floor = sympy.expand(sympy.simplify(constant / leak))
    rest, each_bias = _rest_and_bias(cells, floor, equation)
    if is_conductance:
        with_unit = unit_of_dimension(cells.unit(used[0])) == "siemens"
        capacitance = sympy.simplify(1 / gated[used[0]]) if with_unit and gated[used[0]] != 0 else tau * LEAK
        found = {
            "capacitance": cells.number(capacitance, equation, "the capacitance"),
            "leak": cells.number(sympy.simplify(capacitance * leak), equation, "the leak"),
        }
        neuron: Any = ConductanceLIF(**shared, **found, rest=rest)
        each_bias = each_bias * neuron.leak
    else:
        capacitance = tau
        neuron = LIF(**shared, tau=cells.number(tau, equation, "tau"), rest=rest, reset_by_subtraction=subtracts)
    ports, start = _ports(cells, neuron, kinetics, additive, gated, capacitance, reached)
    for role in ("excitation", "inhibition"):
        receptor = next((port.receptor for port in ports.values() if role in port.names), None)
        neuron = replace(neuron, **{role: receptor}) if receptor is not None else neuron
    v_start = cells.start[v]
    return Matched(neuron, each_bias, {"v": v_start} | start, ports)


def _terms(expression, generators, equation) -> dict[tuple[int, ...], Any]:
    """The coefficients of an expression by the powers of its variables."""
    import sympy

    try:
        found = sympy.Poly(sympy.expand(expression), *generators)
    except sympy.PolynomialError:
        names = ", ".join(str(each) for each in generators if not str(each).startswith("xi"))
        raise Differs(equation, f"expected sums of products of {names}") from None
    return {powers: sympy.simplify(each) for powers, each in found.terms() if sympy.simplify(each) != 0}


def _rest_and_bias(cells, floor, equation):
    """The potential at which the membrane rests, and what is added for each neuron, in V."""
    import sympy

    each, common = [], []
    for term in sympy.Add.make_args(floor):
        (each if {s.name for s in term.free_symbols} & cells.own else common).append(term)
    rest = cells.number(sympy.Add(*common), equation, "the resting potential") if common else 0.0
    bias = np.asarray(cells.value(sympy.Add(*each)), dtype=float) if each else np.zeros(())
    if not common and bias.size and not np.ptp(bias):
        return float(bias.ravel()[0]), np.zeros(())
    return rest, bias


def _events(cells) -> tuple[float, float, bool]:
    """The threshold, what a reset makes of the potential, and whether it does so by subtraction."""
    import sympy

    v, condition = cells.membrane, f"threshold {cells.threshold}"
    found = symbolic(cells.threshold)
    x = sympy.Symbol(v, real=True)
    if not isinstance(found, (sympy.StrictGreaterThan, sympy.StrictLessThan)):
        raise Differs(condition, f"expected {v} > a constant")
    difference = sympy.expand((found.gts - found.lts).xreplace(with_wholes(cells.values)))
    terms = _terms(difference, [x], condition)
    slope = terms.get((1,), sympy.Integer(0))
    if set(terms) - {(0,), (1,)} or slope == 0 or cells.number(slope, condition, "it") <= 0:
        raise Differs(condition, f"expected {v} > a constant")
    at = sympy.simplify(-terms.get((0,), sympy.Integer(0)) / slope)
    if {s.name for s in at.free_symbols} & {variable for variable, _, _ in cells.reset}:
        raise Differs(condition, "the reset changes the threshold")
    threshold = cells.number(at, condition, "the threshold")
    after = f"reset {cells.group.event_codes.get('spike') or '(none)'}"
    statements = [each for each in cells.reset if each != (cells.held_by, "=", v)]
    if len(statements) != 1 or statements[0][0] != v or statements[0][1] not in ("=", "-="):
        raise Differs(after, f"expected {v} = a constant, or {v} -= a constant, alone")
    _, operation, text = statements[0]
    amount = symbolic(text)
    if {s.name for s in amount.free_symbols} & set(cells.odes):
        raise Differs(after, "expected a constant")
    if operation == "=":
        reset = cells.number(amount, after, "the reset")
    elif (names := _difference(amount, at)) is not None:
        reset = cells.number(names, after, "the reset")
    if reset >= threshold:
        raise Differs(after, f"expected a reset below the threshold, {threshold * 1e3:g} mV, found {reset * 1e3:g} mV")
    return threshold, reset, operation == "-="


def _difference(amount, threshold):
    """The potential to which a reset by this amount brings a neuron from its threshold."""
    import sympy

    return sympy.simplify(threshold - amount)


def _kinetics(cells, states, used, symbols):
    """By the variable that spikes add to: the variable that acts, time constants, and the factor from one to the other.

    (target, (acting, tau, rise, factor)); of a jump there is no rise.
    """
    import sympy

    rates = {}
    for name in states:
        equation = cells.equation(name)
        terms = _terms(cells.odes[name], [symbols[each] for each in states], equation)
        at = {each: tuple(int(other == each) for other in states) for each in states}
        decay = -terms.pop(at[name], sympy.Integer(0))
        driver = {each: terms.pop(at[each], sympy.Integer(0)) for each in states if each != name}
        drivers = {each: factor for each, factor in driver.items() if factor != 0}
        if terms or len(drivers) > 1:
            raise Differs(equation, f"expected an exponential decay of {name}, or one that one variable drives")
        if cells.number(decay, equation, "the time constant") <= 0:
            raise Differs(equation, f"expected a decay of {name} to 0")
        rates[name] = sympy.simplify(1 / decay), drivers
    found, rising = {}, {each for _, drivers in rates.values() for each in drivers}
    for name in states:
        if name not in used and name not in rising:
            raise Differs(cells.equation(name), f"{name} does not act on {cells.membrane} as a synaptic variable does")
    for name in used:
        tau, drivers = rates[name]
        found[name] = (name, tau, None, sympy.Integer(1))
        for driver, factor in drivers.items():
            rise, more = rates[driver]
            if more or driver in used or driver in found:
                raise Differs(cells.equation(driver), f"expected it to drive {name} alone, and nothing to drive it")
            found[driver] = (name, tau, rise, factor)
    return found


def _ports(cells, neuron, kinetics, additive, gated, capacitance, reached):
    """How spikes act on each variable, and the initial state of the receptors."""
    import sympy

    v, is_conductance = cells.membrane, isinstance(neuron, ConductanceLIF)
    possible: dict[str, Port] = {}
    for target, (acting, tau, rise, factor) in kinetics.items():
        equation = cells.equation(acting)
        decay = cells.number(tau, equation, "the time constant")
        if is_conductance:
            if gated[acting] == 0:
                raise Differs(cells.equation(v), f"{acting} is a current, among conductances")
            open_, weight = gated[acting], sympy.simplify(gated[acting] * capacitance)
            reversal = cells.number(sympy.simplify(additive[acting] / open_), cells.equation(v), "a reversal potential")
            rising = 0.0 if rise is None else cells.number(rise, equation, "the rise time")
            if rising >= decay:
                raise Differs(equation, "expected a rise that is faster than the decay")
            receptor: Any = Conductance(reversal, decay, rising)
            amount = weight if rise is None else weight * factor * rise / receptor.scale
            effect = -1 if reversal <= neuron.threshold else 1
        else:
            weight = sympy.simplify(additive[acting] * capacitance)
            if rise is None:
                receptor, amount = Exponential(decay), weight
            else:
                rising = cells.number(rise, equation, "the rise time")
                if abs(rising / decay - 1) > 1e-9:
                    raise Differs(equation, "expected equal time constants of rise and decay (an alpha function)")
                receptor, amount = Alpha(decay), sympy.simplify(weight * factor * tau) / sympy.E
            effect = 1
        scale = cells.number(amount, equation, "its factor")
        if is_conductance and scale < 0:
            raise Differs(cells.equation(v), f"the conductance {acting} enters with the wrong sign")
        possible[target] = Port(receptor, abs(scale), effect if scale > 0 else -effect, ())
    if not is_conductance:
        possible[v] = Port(Delta(), 1.0, 1, ())
    return _assigned(cells, neuron, possible, kinetics, reached)


def _assigned(cells, neuron, possible, kinetics, reached):
    """The receptors of excitation and inhibition: those that synapses add to and, where there is place, others."""
    slots: dict[str, Any] = {}
    roles: dict[str, list[str]] = {}
    targets = {}
    for each in reached:
        if each.variable not in possible:
            raise Differs(f"{each.of}: {each.variable} += ...", f"expected one of {', '.join(possible)} to be added to")
        port = possible[each.variable]
        for sign in sorted(each.signs):
            if isinstance(neuron, ConductanceLIF) and sign < 0:
                raise Differs(f"{each.of}: {each.variable} += ...", "what it adds to a conductance is negative")
            role = "excitation" if sign * port.effect > 0 else "inhibition"
            if slots.setdefault(role, port.receptor) != port.receptor:
                raise Differs(cells.equation(each.variable), f"it is a second kind of synapse of {role}")
            roles.setdefault(each.variable, []).append(role)
            targets.setdefault(role, each.variable)
    for variable, port in possible.items():
        if variable in roles or isinstance(port.receptor, Delta) or (variable not in _jumped(kinetics)):
            continue
        wanted = ["excitation", "inhibition"] if not isinstance(neuron, ConductanceLIF) else []
        wanted = wanted or ["excitation" if port.effect > 0 else "inhibition"]
        role = next((role for role in wanted if role not in slots), None)
        if role:
            slots[role], targets[role] = port.receptor, variable
            roles[variable] = [role]
    start = _start(cells, neuron, possible, kinetics, targets)
    ports = {name: replace(possible[name], names=tuple(dict.fromkeys(names))) for name, names in roles.items()}
    return ports, start


def _jumped(kinetics):
    """The variables that spikes add to: the one that drives, where one does."""
    driven = {acting for acting, _, rise, _ in kinetics.values() if rise is not None}
    return set(kinetics) - driven


def _start(cells, neuron, possible, kinetics, targets):
    """The initial state of the receptors; a variable of two signs is that of excitation."""
    found, done = {}, set()
    quantity = "g" if isinstance(neuron, ConductanceLIF) else "I"
    for role, target in targets.items():
        if target not in kinetics or target in done:
            continue
        done.add(target)
        acting, _, rise, _ = kinetics[target]
        done.add(acting)
        if rise is not None and np.any(cells.start[target]):
            raise Differs(cells.equation(target), f"expected {target} to be 0 at the start")
        at = cells.start[acting]
        if np.any(at):
            if rise is not None:
                raise Differs(cells.equation(acting), f"expected {acting} to be 0 at the start")
            sign = possible[target].effect if quantity == "I" else 1
            found[f"{quantity}_{role[0]}"] = at * possible[target].factor * sign
    for target, (acting, *_) in kinetics.items():
        if not {target, acting} <= done and (np.any(cells.start[target]) or np.any(cells.start[acting])):
            raise Differs(cells.equation(target), f"no synapse adds to {target}, expected it to be 0 at the start")
    return found


def model_of_equations(cells: Cells, reached: Sequence[Reached]) -> Matched:
    """The group as a neuron of its own equations; ``InputError`` for what `Neuron` does not take."""
    names = {} if cells.membrane == "v" else {cells.membrane: "v"}
    if names and "v" in (*cells.odes, *cells.values):
        raise InputError(f"{cells.what}: expected a membrane potential that is called v, found {cells.membrane!r}")
    if cells.regularly:
        raise InputError(f"{cells.what}: run_regularly: expected none, found {cells.regularly[0]!r:.100}")
    changed = {variable for variable, _, _ in cells.reset}
    differ = {
        name for name in cells.own - changed if np.ndim(cells.values.get(name, 0.0)) and np.ptp(cells.values[name])
    }
    start = {names.get(name, name): at for name, at in cells.start.items()}
    start |= {name: np.array(getattr(cells.group, f"{name}_")[:]) for name in cells.own & (changed | differ)}
    method = cells.group.method_choice if isinstance(cells.group.method_choice, str) else None
    given = {"refractory": cells.refractory or 0.0, "method": method, "name": cells.name}
    given |= {"threshold": renamed(cells.threshold, names), "reset": renamed(_code(cells.reset), names)}

    def neuron(declared, **more):
        """With these constants of each neuron as variables, which begin with their mean, and all others as values."""
        initial = {name: float(np.mean(at)) for name, at in start.items() if name not in differ - declared}
        parameters = _parameters(cells, declared, names)
        return Neuron(_lines(cells, declared, names), **given, initial=initial, parameters=parameters, **more)

    try:
        excites, inhibits, ports = _judged(neuron(changed & cells.own), reached, names)
        excitation, inhibition = ", ".join(excites) or None, ", ".join(inhibits) or None
        found = neuron((changed & cells.own) | differ, excitation=excitation, inhibition=inhibition)
    except InputError as error:
        raise InputError(f"{cells.what}: {error}") from None
    return Matched(found, 0.0, start, ports)


def _judged(neuron, reached, names):
    """The variables of excitation and of inhibition, with + or -, and how spikes act on each."""
    excites, inhibits, ports = [], [], {}
    for each in reached:
        variable = names.get(each.variable, each.variable)
        if variable not in neuron.dynamics.derivatives:
            raise InputError(f"{each.of}: expected spikes to add to a variable with an equation, found {variable!r}")
        effect = effect_of(neuron, variable)
        if effect is None:
            raise InputError(f"{each.of}: what {variable} does to dv/dt at threshold is not known")
        way, turns = effect
        roles = [(sign, "excitation" if sign * way > 0 else "inhibition") for sign in sorted(each.signs)]
        for sign, role in roles:
            if sign < 0 and (turns or role == "excitation"):
                raise InputError(f"{each.of}: expected spikes to add to {variable}, found that they take from it")
            chosen, mark = (excites, "+") if role == "excitation" else (inhibits, "-" if sign < 0 else "+")
            if f"{mark}{variable}" not in chosen:
                chosen.append(f"{mark}{variable}")
        before = ports[each.variable].names if each.variable in ports else ()
        ports[each.variable] = Port(None, 1.0, way, tuple(dict.fromkeys([*before, *(role for _, role in roles)])))
    return excites, inhibits, ports


def _lines(cells, declared, names) -> str:
    """The equations of a group, of whose constants some are declared."""
    lines = []
    for each in cells.group.user_equations.values():
        flags = ", ".join(flag for flag in each.flags if flag in ("unless refractory", "constant over dt"))
        after = f"{unit_text(unit_of_dimension(each.dim))}{f' ({flags})' * bool(flags)}"
        name = names.get(each.varname, each.varname)
        if each.type != "parameter":
            left = f"d{name}/dt" if each.type == "differential equation" else name
            lines.append(f"{left} = {renamed(each.expr.code, names)} : {after}")
        elif name in declared:
            lines.append(f"{name} : {after}")
    return "\n".join(lines)


def _parameters(cells, declared, names) -> dict[str, Measured]:
    """Values of the constants of a group that are not declared: of those that differ among neurons the mean."""
    found = {}
    for name in cells.values.keys() - declared - units_in().keys():
        dim = cells.group.resolve_all({name}, cells.namespace)[name].dim
        found[names.get(name, name)] = Measured(float(np.mean(cells.values[name])), unit_of_dimension(dim))
    return found


def _code(reset):
    return "; ".join(" ".join(each) for each in reset)
