"""Which synapses of a network inhibit: what a spike adds, times what more of that does to the threshold."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from brian2.core.operations import NetworkOperation
from brian2.core.variables import ArrayVariable
from brian2.groups.group import CodeRunner
from brian2.groups.neurongroup import NeuronGroup
from brian2.input.poissoninput import PoissonInput
from brian2.synapses.synapses import Synapses, SynapticPathway
from brian2.units.fundamentalunits import Quantity

from eisim.base.errors import InputError, did_you_mean
from eisim.studies.brian2_networks.effects import Effect, Effects, unanimous
from eisim.studies.brian2_networks.evaluating import (
    OPERATIONS,
    OWN,
    POST,
    PRE,
    NotFollowed,
    Scope,
    agreed,
    identifiers,
)
from eisim.studies.brian2_networks.ranging import reached
from eisim.studies.brian2_networks.reading import SAMPLE, own_code, rates, spread, statements, whole
from eisim.studies.brian2_networks.result import (
    ELECTRICAL,
    EXCITATORY,
    INHIBITORY,
    LEAVE,
    MIXED,
    NONE,
    UNKNOWN,
    Finding,
)

#: Synapses of which the code is evaluated: all, of most networks.
MOST = 500_000
#: Spikes that a weight of 0 is given to grow by its own rule.
ROUNDS = 4
SAID = (INHIBITORY, EXCITATORY, LEAVE)


@dataclass(frozen=True)
class Change:
    """What an ablation scales: a statement of a pathway, or the expression of a sum."""

    synapses: Any
    part: Any  # SynapticPathway or SummedVariableUpdater
    variable: str
    sign: float  # of mixed synapses those are scaled whose change has the other one: of the effect, if they inhibit
    is_mixed: bool = False
    is_excitation: bool = False
    is_input: bool = False
    is_random: bool = False  # whether random synapses are scaled, whatever they do


def changes_of(rows, synapses, is_excitation: bool = False) -> tuple[Change, ...]:
    """What an ablation scales of these synapses by findings, by their names; or what controls scale."""
    parts = {}
    for each in synapses:
        parts |= {(each.name, pathway.objname): (each, pathway) for pathway in each._pathways}
        parts |= {(each.name, name): (each, updater) for name, updater in each.summed_updaters.items()}
    found = []
    for row in rows:
        key = row.synapses, row.variable if row.pathway == "sum" else row.pathway
        if (row.is_excitation if is_excitation else row.is_scaled) and key in parts:
            own, part = parts[key]
            sign = -row.toward if is_excitation else row.toward
            found.append(Change(own, part, row.variable, sign, row.verdict == MIXED, is_excitation, row.is_input))
    return tuple(found)


@dataclass(frozen=True)
class Judged:
    """What was found in the network of one run."""

    rows: tuple[Finding, ...]
    changes: tuple[Change, ...]
    not_examined: tuple[str, ...]


@dataclass(frozen=True)
class _Row:
    finding: Finding
    change: Change
    effect: Effect
    is_own: bool = False  # whether the variable belongs to the synapses
    acts: Any = None  # signs of what each of the synapses does, where that is known
    added: Any = None  # what a spike of each adds to the variable


def judge(
    objects,
    namespace: Mapping,
    override: Mapping[str, str] | None = None,
    checks_names: bool = True,
) -> Judged:
    """What the synapses among these objects do; nothing is changed, and no random number is drawn.

    `checks_names` refuses an override of none of them.
    """
    with _random_left_alone():
        effects = Effects(objects, namespace)
        aliases = _aliases(effects.synapses, namespace)
        labels = {key: names[0] for key, names in aliases.items() if names}
        said = {
            each.name: override[name]
            for each in effects.synapses
            for name in reversed((each.name, *aliases[id(each)]))
            if name in (override or {})
        }
        rows: list[_Row] = []
        for each in sorted(effects.synapses, key=lambda s: s.name):
            label = labels.get(id(each), "")
            if each.active and len(each):
                rows += _overridden(_of_synapses_or_unknown(each, effects, label), each, label, said)
            else:
                why = "is not active" if len(each) else "has no synapses"
                rows.append(_none(each, label, why))
        if checks_names:
            _check_names(override or {}, effects.synapses, aliases)
        return Judged(
            tuple(replace(row.finding, toward=row.change.sign) for row in rows),
            tuple(row.change for row in rows if row.finding.is_scaled),
            tuple(_not_examined(effects)),
        )


@contextmanager
def _random_left_alone() -> Iterator[None]:
    """Functions of the user's may draw random numbers: the state is put back."""
    states = np.random.get_state(), random.getstate()  # noqa: NPY002 - that of Brian2 and its users
    try:
        yield
    finally:
        np.random.set_state(states[0])  # noqa: NPY002
        random.setstate(states[1])


def _aliases(synapses, namespace: Mapping) -> dict[int, list[str]]:
    """Names of synapses in the script: first one that they were given, then those of variables, a loop's after others.

    A variable of a loop was set after those that it runs over.
    """
    found = {id(each): [] if re.fullmatch(r"synapses(_\d+)?", each.name) else [each.name] for each in synapses}
    for name, each in namespace.items():
        if isinstance(each, Synapses) and id(each) in found:
            found[id(each)].append(name)
    return found


def _check_names(override, synapses, aliases) -> None:
    known = {name for each in synapses for name in (each.name, *aliases[id(each)])}
    for name, said in override.items():
        if name not in known:
            found = f"one of {', '.join(sorted(known))}" if known else "no name, since the network has no Synapses"
            raise InputError(f"override: expected {found}, found {name!r}{did_you_mean(name, known)}")
        if said not in SAID:
            raise InputError(
                f"override: {name}: expected one of {', '.join(SAID)}, found {said!r}{did_you_mean(said, SAID)}"
            )


def _none(synapses, label, why) -> _Row:
    finding = Finding(synapses.name, label, "", "", "", NONE, why, n=len(synapses))
    return _Row(finding, Change(synapses, None, "", 0.0), Effect(np.zeros(0)))


def _of_synapses_or_unknown(synapses, effects: Effects, label: str) -> list[_Row]:
    """The rows of synapses; of those that are written in a way that nobody thought of, that nothing is known."""
    try:
        return _of_synapses(synapses, effects, label)
    except InputError:
        raise
    except Exception as error:
        row = _none(synapses, label, "")
        said = f"{row.finding.name}: its effect cannot be evaluated ({type(error).__name__}: {error})"
        return [_with(row, UNKNOWN, said)]


def _of_synapses(synapses: Synapses, effects: Effects, label: str) -> list[_Row]:
    active = [pathway for pathway in synapses._pathways if pathway.active]
    rows = [row for pathway in active for row in _of_pathway(pathway, synapses, effects, label)]
    rows = _opposed(rows, effects)
    updaters = [updater for updater in synapses.summed_updaters.values() if updater.active]
    rows += [_of_sum(updater, synapses, effects, label, rows) for updater in updaters]
    shown = [row for row in rows if row.finding.verdict != NONE]
    if shown:
        return shown
    inactive = [pathway.objname for pathway in synapses._pathways if not pathway.active]
    why = f"{', '.join(inactive)}: not active" if inactive else "changes nothing that a threshold depends on"
    return [replace(rows[0], finding=replace(rows[0].finding, why=why))] if rows else [_none(synapses, label, why)]


@dataclass
class _Changes:
    """What one spike does to each variable: values before and after by name, statements, and what could not be told."""

    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    texts: dict[str, list[str]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def jump(self, name: str) -> np.ndarray:
        """Signs of what is added to a variable."""
        return np.sign(np.nan_to_num(self.after[name] - self.before[name]))


def _changes(pathway, scope: Scope) -> _Changes:
    synapses, at, found = scope.group, scope.at, _Changes()
    names: dict[tuple[int, str], str] = {}  # a variable may have two
    for written, operation, expression in statements(own_code(pathway)):
        is_variable = written in synapses.variables
        name = names.setdefault(scope.key(written), written) if is_variable else written
        text = f"{written} {operation} {expression}"
        try:
            value = np.asarray(scope.evaluate(expression))
            if operation != "=":
                value = OPERATIONS[operation](np.asarray(scope.value(written)), value)
        except NotFollowed as error:
            if is_variable:
                found.failed[name] = str(error)
                found.texts.setdefault(name, []).append(text)
            continue
        if not is_variable:
            scope = replace(scope, local=scope.local | {name: value})
            continue
        if name not in found.before:
            found.before[name] = np.asarray(scope.value(written), dtype=float)
        value = np.broadcast_to(value, at.shape).astype(float)
        scope = scope.with_value(scope.key(written), value)
        found.after[name] = value
        found.texts.setdefault(name, []).append(text)
    return found


def _of_pathway(pathway: SynapticPathway, synapses, effects: Effects, label: str) -> Iterator[_Row]:
    at = spread(len(synapses), MOST)
    scope = Scope(synapses, at, effects.namespace)
    now = _changes(pathway, scope)
    there = [_changes(pathway, view) for view in effects.views(synapses, at)]
    moments = scope.moments(*(expression for *_, expression in statements(own_code(pathway))))[1:]
    later = [_changes(pathway, each) for each in moments if each.moment.time is not None]
    drawn = [_changes(pathway, each) for each in moments if each.moment.time is None]
    texts, failed = now.texts, now.failed
    for name, lines in texts.items():
        variable, after, before = synapses.variables[name], now.after, now.before
        home, _ = effects.home.get(id(variable), (None, ""))
        is_own = home is synapses
        finding = Finding(synapses.name, label, pathway.objname, name, "; ".join(lines), NONE, "", n=len(synapses))
        _, elements = scope.place(name)
        if elements is None or home is None:
            why = f"{name} is shared by all, and what that does is not followed"
            if isinstance(variable, ArrayVariable) and home is None and elements is not None:
                why = f"{name} belongs to nothing that is simulated"
            if not synapses.variables[name].scalar or not is_own:
                yield _Row(replace(finding, verdict=UNKNOWN, why=why), Change(synapses, pathway, name, 0.0), Effect(at))
            continue
        places, back = np.unique(elements, return_inverse=True)
        if is_own and len(places) > 20_000:
            places = elements[spread(len(elements), 20_000)]
            back = None
        change = np.nan_to_num(after[name] - before[name]) if name in after else np.zeros(1)
        change = float(np.median(change[change != 0])) if change.any() else 0.0
        effect = effects.of(variable, places, synapses, change)
        signs = effect.signs[back] if back is not None else np.full(at.shape, unanimous(effect.signs))
        change = Change(synapses, pathway, name, unanimous(effect.signs))
        row = _Row(finding, change, effect, is_own)
        if not effect.signs.any():
            if effect.why:
                yield _with(row, UNKNOWN, f"what more {name} does is not known: {effect.why}")
            elif effects.functions and not is_own:
                why = f"no threshold depends on {name} by equations, but {_may(effects)} read it"
                yield _with(row, UNKNOWN, why)
            else:
                yield row
            continue
        if name in failed:
            yield _with(row, UNKNOWN, f"what a spike adds to {name} is not known: {failed[name]}")
            continue
        jump = now.jump(name)
        spiking = agreed([each.jump(name) for each in there if name in each.after] or [jump])
        if not np.isnan(spiking).any() and (jump * spiking < 0).any() and _draws(pathway, synapses, effects, at, name):
            after, before, jump = there[0].after, there[0].before, spiking
        if np.isnan(spiking).any() or (jump * spiking < 0).any():
            yield _with(row, UNKNOWN, f"what a spike adds to {name} has another sign where neurons are at threshold")
            continue
        if np.isnan(agreed([jump, *(each.jump(name) for each in drawn if name in each.after)])).any():
            yield _with(row, UNKNOWN, f"whether a spike adds to {name} or takes from it is drawn at random")
            continue
        times = agreed([jump, *(each.jump(name) for each in later if name in each.after)])
        turns = "time" if np.isnan(times).any() else ""
        for more in (spiking, np.nan_to_num(times), *(each.jump(name) for each in drawn if name in each.after)):
            jump = np.where(jump == 0, more, jump)
        grown, led = "", ""
        if not jump.any():
            jump, grown = _grown(pathway, synapses, effects, at, name)
        else:
            turns = turns or _turning(pathway, scope, effects, name, jump)
            led = "" if turns else _led(pathway, synapses, effects, at, name, jump)
        judged = _judged(row, jump, signs, after[name] - before[name], variable, lines, grown)
        if (turns or led) and judged.finding.verdict in (INHIBITORY, EXCITATORY, MIXED):
            said = f"may change sign, since its own rule takes {turns} past 0"
            said = "changes sign with time" if turns == "time" else said
            said = f"may change sign with {led}, which changes in a run" if led else said
            why = f"what a spike adds to {name} {said}; it is judged at each spike; {_toward(row)}"
            judged = replace(_with(row, MIXED, why), acts=judged.acts)
        is_known = judged.finding.verdict in (INHIBITORY, EXCITATORY, MIXED)
        if effects.functions and is_known and _is_variable(scope, lines):
            why = f"{judged.finding.why}; judged at the first run, and {_may(effects)} change it"
            judged = replace(judged, finding=replace(judged.finding, why=why))
        yield replace(judged, added=after[name] - before[name])


def _may(effects: Effects) -> str:
    """That functions may do something."""
    return f"{', '.join(each.name for each in effects.functions)}, which runs at each step, may"


def _is_variable(scope: Scope, lines) -> bool:
    """Whether what statements add depends on a variable that functions can change."""
    known = [scope.group.variables.get(name) for line in lines for name in identifiers(line.partition("= ")[2])]
    return any(isinstance(each, ArrayVariable) and not each.constant and not each.read_only for each in known)


def _draws(pathway, synapses, effects: Effects, at, name: str) -> bool:
    """Whether a spike draws a variable a part of the way to a reversal potential: it is judged at threshold."""
    present = Scope(synapses, at, effects.namespace)
    (view, *_), key = effects.views(synapses, at), present.key(name)
    if key not in view.given:
        return False
    start, end = np.asarray(present.value(name), dtype=float), np.asarray(view.given[key], dtype=float)
    places = [start + k * (end - start) for k in (0, 0.5, 1, 2)]
    each = [_changes(pathway, present.with_value(key, place)) for place in places]
    first, half, last, beyond = (one.after[name] - one.before[name] for one in each)
    gap = end - start
    is_line = np.allclose(half - first, (last - first) / 2) and np.allclose(beyond - last, last - first)
    return bool(is_line and ((first - last) * np.sign(gap) >= 0).all() and (np.abs(last - first) < np.abs(gap)).all())


def _turning(pathway, scope: Scope, effects: Effects, name: str, jump) -> str:
    """A variable of the synapses that its own rules may take past 0, and the sign of what a spike adds with it."""
    synapses = scope.group
    for own in sorted(_own_changing(synapses, effects)):
        key = scope.key(own)
        value = np.asarray(scope.value(own), dtype=float)
        if not value.any():
            continue
        try:
            flipped = _changes(pathway, scope.with_value(key, -value))
            if name not in flipped.after or not (flipped.jump(name) * jump < 0).any():
                continue
            if _passes_0(synapses, scope, effects, own, value):
                return own
        except NotFollowed:
            return own
    return ""


def _led(pathway, synapses, effects: Effects, at, name: str, jump) -> str:
    """A variable of neurons that changes in a run, and the sign of what a spike adds with it."""
    some = spread(len(at), SAMPLE)
    expressions = [expression for *_, expression in statements(own_code(pathway))]
    for said, key, states in _ranges(synapses, effects, at[some], expressions):
        if key[0] == id(synapses.variables[name]):
            continue
        try:
            jumps = [_changes(pathway, each) for each in states]
            signs = agreed([jump[some], *(each.jump(name) for each in jumps if name in each.after)])
        except NotFollowed:
            return said
        if np.isnan(signs).any():
            return said
    return ""


def _ranges(synapses, effects: Effects, at, expressions) -> Iterator[tuple[str, tuple[int, str], list[Scope]]]:
    """Variables of neurons that expressions read and that change in a run, each at its other values."""
    for view in effects.views(synapses, at):
        named = {view.key(each): each for each in synapses.variables if each in synapses.variables.indices}
        reads = set().union(*(view.reads(expression) for expression in expressions))
        for key in sorted(reads - view.given.keys(), key=str):
            group, own = effects.home.get(key[0], (synapses, ""))
            if group is synapses or key not in named or key[0] not in effects.changing:
                continue
            _, elements = view.place(named[key])
            if elements is not None:
                values = reached(effects.objects, Scope(group, elements, effects.namespace), own)
                yield f"{own} of {group.name}", key, [view.with_value(key, value) for value in values]


def _own_changing(synapses, effects: Effects) -> set[str]:
    """Names of real variables of synapses that change during a run."""
    found = set()
    for name, variable in synapses.variables.items():
        is_own = isinstance(variable, ArrayVariable) and synapses.variables.indices[name] == "_idx"
        changes = id(variable) in effects.changing and np.issubdtype(variable.dtype, np.floating)
        if is_own and changes and effects.home.get(id(variable), (None,))[0] is synapses:
            found.add(name)
    return found


def _passes_0(synapses, scope: Scope, effects: Effects, own: str, value) -> bool:
    """Whether rules of synapses take a variable that has come to 0 to the other side."""
    key, codes = scope.key(own), [own_code(each) for each in synapses._pathways]
    for each in effects.objects:
        if type(each) is CodeRunner and each.group.variables is synapses.variables:
            codes.append(own_code(each))
    warm = scope
    for _ in range(2):  # traces that spikes leave
        for code in codes:
            warm = _after(code, warm, effects)
    at_0 = [each.with_value(key, np.zeros(scope.at.shape)) for each in (scope, warm)]
    for state in [scope, *at_0]:
        for code in codes:
            for each in state.moments(*(expression for *_, expression in statements(code))):
                if (np.asarray(_after(code, each, effects).value(own)) * value < 0).any():
                    return True
        for name, equation in rates(synapses):
            if name == own:
                for each in state.moments(equation):
                    if (np.asarray(each.evaluate(equation)) * value < 0).any():
                        return True
    return False


def _after(code: str, scope: Scope, effects: Effects) -> Scope:
    """The scope after code has acted on variables of the synapses."""
    synapses = scope.group
    for name, operation, expression in statements(code):
        value = np.asarray(scope.evaluate(expression))
        if operation != "=":
            value = OPERATIONS[operation](np.asarray(scope.value(name)), value)
        if name not in synapses.variables:
            scope = replace(scope, local=scope.local | {name: value})
        elif effects.home.get(id(synapses.variables[name]), (None,))[0] is synapses:
            value = np.broadcast_to(value, scope.at.shape).astype(float)
            scope = scope.with_value(scope.key(name), value)
    return replace(scope, local={})


def _with(row: _Row, verdict: str, why: str) -> _Row:
    return replace(row, finding=replace(row.finding, verdict=verdict, why=why))


def _judged(row: _Row, jump, signs, change, variable, lines, grown: str) -> _Row:
    """The verdict on a change of a variable with a known effect."""
    name, effect = row.finding.variable, row.effect
    if np.isnan(signs).any() or np.isnan(unanimous(effect.signs)):
        others = f"more {name} brings some neurons nearer to threshold and others away from it"
        if row.is_own:
            others = f"more {name} of some synapses brings neurons nearer to threshold, of others away from it"
        why = effect.why or others
        return _with(row, UNKNOWN, why)
    toward = _toward(row)
    if not jump.any():
        return _with(row, UNKNOWN, _zero(row, lines) + f"; {toward}")
    both = set(np.sign(jump * signs).tolist()) - {0.0}
    row = replace(_counted(row, jump * signs, change, variable), acts=jump * signs)
    sizes = change[jump != 0] if change.any() else change
    size = _quantity(np.median(sizes), variable.dim) if sizes.size else ""
    adds = grown or (f"changes {name} by {size}" if sizes.any() else f"changes {name} later or at threshold")
    if len(both) == 2:
        n = np.count_nonzero(jump * signs < 0)
        return _with(
            row, MIXED, f"{n} of {jump.size} synapses inhibit, by the sign of what they add to {name}; {toward}"
        )
    verdict = INHIBITORY if both == {-1.0} else EXCITATORY
    return _with(row, verdict, f"{adds}; {toward}")


def _counted(row: _Row, effects, change, variable) -> _Row:
    """The row with numbers and summed weights of the synapses that inhibit and that excite."""
    share = row.finding.n / effects.size
    chosen = [effects < 0, effects > 0]
    sizes = np.abs(change) if change.any() else np.full(effects.shape, np.nan)
    finding = replace(
        row.finding,
        numbers=tuple(round(share * np.count_nonzero(each)) for each in chosen),
        weights=tuple(share * float(sizes[each].sum()) for each in chosen),
        unit="" if variable.dim.is_dimensionless else repr(variable.dim),
    )
    return replace(row, finding=finding)


def _toward(row: _Row) -> str:
    """What more of a variable does, and by what way."""
    effect = row.effect
    towards = "nearer to" if unanimous(effect.signs) > 0 else "away from"
    way = f" ({' → '.join(effect.path)})" if len(effect.path) > 1 else ""
    return f"more {row.finding.variable} brings neurons {towards} threshold{way}"


def _quantity(number, dimensions) -> str:
    """A number in the unit that suits it."""
    found = Quantity(number, dim=dimensions)
    if dimensions.is_dimensionless:
        return f"{number:.3g}"
    unit = found.get_best_unit()
    return f"{float(found / unit):.3g} {unit}"


def _zero(row: _Row, lines) -> str:
    """That a change is 0 at the first run, and which variable of the synapses is."""
    synapses = row.change.synapses
    names = set().union(*(identifiers(line.partition("=")[2]) for line in lines))
    zeros = []
    for name in sorted(names):
        variable = synapses.variables.get(name)
        is_own = isinstance(variable, ArrayVariable) and synapses.variables.indices[name] == "_idx"
        if is_own and not np.any(np.asarray(variable.get_value())):
            zeros.append(name)
    name = row.finding.label or row.finding.synapses
    what = f"{name}.{zeros[0]}" if zeros else f"what a spike adds to {row.finding.variable}"
    return f"{what} is 0 at the first run, so its sign is not known"


def _grown(pathway, synapses, effects, at, name):
    """Signs of what a spike adds after the synapses' own rules have acted some times, and how that is said."""
    scope = Scope(synapses, at, effects.namespace)
    nothing = np.zeros(at.shape)
    for _ in range(ROUNDS):
        for each in synapses._pathways:
            scope = replace(scope, local={})
            for variable, operation, expression in statements(own_code(each)):
                try:
                    value = np.asarray(scope.evaluate(expression))
                    if operation != "=":
                        value = OPERATIONS[operation](np.asarray(scope.value(variable)), value)
                except NotFollowed:
                    return nothing, ""
                if variable not in synapses.variables:
                    scope = replace(scope, local=scope.local | {variable: value})
                    continue
                value = np.broadcast_to(value, at.shape).astype(float)
                if each is pathway and variable == name:
                    jump = np.sign(np.nan_to_num(value - np.asarray(scope.value(name), dtype=float)))
                    if jump.any():
                        return jump, f"changes {name} once its own rule has acted"
                if effects.home.get(id(synapses.variables[variable]), (None,))[0] is synapses:
                    scope = scope.with_value(scope.key(variable), value)
    return nothing, ""


def _opposed(rows: list[_Row], effects: Effects) -> list[_Row]:
    """Of synapses that act on several variables with opposite signs, no sign is known, unless it is one at all times.

    Such as that of a difference of two exponentials.
    """
    found = []
    for row in rows:
        known = (INHIBITORY, EXCITATORY, MIXED)
        same = [r for r in rows if r.finding.pathway == row.finding.pathway and r.finding.verdict in known]
        if any(r is row for r in same) and np.isnan(agreed([r.acts for r in same])).any():
            names = " and ".join(r.finding.variable for r in same)
            sign = _joint(same, effects)
            if np.isnan(sign):
                row = _with(row, UNKNOWN, f"{row.finding.name} acts on {names} with opposite signs")
            else:
                way = f"{'nearer to' if sign > 0 else 'away from'} threshold"
                why = f"what a spike adds to {names} together brings neurons {way} at all later times"
                row = replace(row, finding=_all_one(row.finding, int(sign > 0)))
                row = _with(row, EXCITATORY if sign > 0 else INHIBITORY, why)
        found.append(row)
    return [_scaled(row) for row in found]


def _joint(rows: list[_Row], effects: Effects) -> float:
    """The sign of what several changes of a spike do together; NaN if it is not one."""
    names = [row.finding.variable for row in rows]
    known = all(row.finding.verdict in (INHIBITORY, EXCITATORY) and not row.is_own for row in rows)
    if not known or any(row.effect.summed or len(row.effect.path) < 2 for row in rows):
        return np.nan
    if len({row.effect.path[-1] for row in rows}) > 1:
        return np.nan
    added = dict(zip(names, (row.added for row in rows), strict=True))
    try:
        return effects.joint(rows[0].change.synapses, added, rows[0].effect.path[-1])
    except NotFollowed:
        return np.nan


def _scaled(row: _Row) -> _Row:
    """The row with whether it is scaled: not if sums pass on what it changes."""
    is_scaled = row.finding.verdict in (INHIBITORY, MIXED) and not row.effect.summed
    is_excitation = row.finding.verdict in (EXCITATORY, MIXED) and not row.effect.summed
    source = whole(row.change.synapses.source)
    is_input = not (isinstance(source, NeuronGroup) and source.equations.diff_eq_names)
    change = replace(row.change, is_mixed=row.finding.verdict == MIXED)
    why = row.finding.why
    if row.finding.verdict in (INHIBITORY, MIXED) and row.effect.summed:
        why += f"; scaled where {row.effect.summed[-1]} sums"
    finding = replace(row.finding, is_scaled=is_scaled, is_excitation=is_excitation, is_input=is_input, why=why)
    return replace(row, finding=finding, change=change)


def _of_sum(updater, synapses, effects: Effects, label, rows: list[_Row]) -> _Row:
    """The verdict on a summed variable."""
    name, expression = updater.target_varname, str(updater.expression)
    finding = Finding(synapses.name, label, "sum", name, expression, NONE, "", n=len(synapses))
    at = spread(len(synapses))
    target = updater.target_var
    index = "_synaptic_pre" if name.endswith("_pre") else "_synaptic_post"
    places = np.asarray(synapses.variables[index].get_value())[at]
    change = Change(synapses, updater, name, 0.0)
    effect = effects.of(target, places, synapses)
    row = _Row(finding, replace(change, sign=unanimous(effect.signs)), effect)
    if not effect.signs.any():
        return _with(row, UNKNOWN, f"what more {name} does is not known: {effect.why}") if effect.why else row
    scope = effects.views(synapses, at)[0]
    try:
        slopes = _slopes(scope, synapses, expression, effects, rows)
    except NotFollowed as error:
        return _with(row, UNKNOWN, f"what is summed is not known: {error}")
    if isinstance(slopes, str):
        return _with(row, ELECTRICAL, "sums a difference of the two neurons: neither excitatory nor inhibitory")
    signs = _signs_of_sum(scope, expression) if slopes is None else slopes
    if turns := _sum_turns(synapses, expression, effects, rows, at, signs):
        return _with(row, UNKNOWN, f"what is summed changes sign with {turns}, which changes in a run")
    own = [r for r in rows if r.is_own and r.effect.summed[:1] == (synapses.name,) and r.finding.verdict != NONE]
    if own:  # what spikes change, they sum
        verdicts = {r.finding.verdict for r in own}
        verdict = verdicts.pop() if len(verdicts) == 1 else UNKNOWN
        why = (
            own[0].finding.why.partition("; scaled where")[0]
            if verdict != UNKNOWN
            else (
                next((r.finding.why for r in own if r.finding.verdict == UNKNOWN), "")
                or f"{finding.name} sums what changes with opposite signs"
            )
        )
        row = replace(row, finding=replace(finding, numbers=own[0].finding.numbers, weights=(np.nan, np.nan)))
        return _scaled(_with(row, verdict, why))
    if np.isnan(signs).any():
        return _with(row, UNKNOWN, f"{finding.name} sums what acts with opposite signs")
    if not signs.any():
        return _with(row, UNKNOWN, _zero(row, [f"x = {expression}"]))
    return _scaled(_judged(row, signs, effect.signs, np.zeros(0), target, [expression], f"sums {expression:.60}"))


def _signs_of_sum(scope: Scope, expression: str) -> np.ndarray:
    return np.sign(np.broadcast_to(np.asarray(scope.evaluate(expression), dtype=float), scope.at.shape))


def _sum_turns(synapses, expression, effects: Effects, rows, at, signs) -> str:
    """A variable of neurons that changes in a run, and with it the signs by which a sum changes."""
    some = spread(len(at), SAMPLE)
    for said, _, states in _ranges(synapses, effects, at[some], [expression]):
        for state in states:
            try:
                there = _slopes(state, synapses, expression, effects, rows)
                there = _signs_of_sum(state, expression) if there is None else there
            except NotFollowed:
                return said
            if not isinstance(there, str) and np.isnan(agreed([signs[some], there])).any():
                return said
    return ""


def _slopes(scope: Scope, synapses, expression, effects: Effects, rows):
    """Signs by which a summed expression changes with what changes in time before and in the synapses."""
    reads = scope.reads(expression)
    dynamic = {r.finding.variable for r in rows if r.is_own}
    dynamic |= {name for name, _ in synapses.equations.diff_eq_expressions}
    total = None
    for key, name in {scope.key(n): n for n in _names(scope, expression) if scope.key(n) in reads}.items():
        variable = synapses.variables[name]
        if not isinstance(variable, ArrayVariable) or variable.constant:
            continue
        if (key[1] == OWN and name not in dynamic) or key[1] not in (OWN, PRE):
            continue
        slope = scope.slope(expression, key, scope.value(name))
        if key[1] == PRE and (key[0], POST) in reads:
            other = next(n for n in _names(scope, expression) if scope.key(n) == (key[0], POST))
            if (slope * scope.slope(expression, (key[0], POST), scope.value(other)) < 0).any():
                return ELECTRICAL
        if total is None:
            total = slope
        else:
            clash = (total != 0) & (slope != 0) & (total != slope)
            total = np.where(clash, np.nan, np.where(slope != 0, slope, total))
    return total


def _names(scope: Scope, expression: str) -> list[str]:
    """Names of the synapses that an expression uses, through their own subexpressions, too."""
    found = []
    for name in sorted(identifiers(expression)):
        variable = scope.group.variables.get(name)
        if variable is None:
            continue
        found.append(name)
        if hasattr(variable, "expr") and scope.place(name)[0] == OWN:
            found += _names(scope, variable.expr)
    return [n for n in found if hasattr(scope.group.variables[n], "owner") and n in scope.group.variables.indices]


def _overridden(rows: list[_Row], synapses, label, override) -> list[_Row]:
    """The rows with the user's own word."""
    said = override.get(synapses.name, override.get(label) if label else None)
    if said is None:
        return rows
    found = []
    for row in rows:
        is_last = not row.effect.summed and not row.is_own and row.change.part is not None
        if said == INHIBITORY and is_last:
            finding = replace(_all_one(row.finding, 0), verdict=INHIBITORY, why="override", is_scaled=True)
            row = replace(row, finding=finding, change=replace(row.change, is_mixed=False))
        elif said != INHIBITORY:
            verdict = EXCITATORY if said == EXCITATORY else row.finding.verdict
            verdict = NONE if verdict == UNKNOWN else verdict
            is_excitation = said == EXCITATORY and is_last
            finding = _all_one(row.finding, 1) if is_excitation else replace(row.finding, is_excitation=False)
            row = replace(row, finding=replace(finding, verdict=verdict, why="override", is_scaled=False))
        elif row.finding.verdict == UNKNOWN:
            row = _with(row, NONE, "override")
        found.append(row)
    if said == INHIBITORY and not any(row.finding.is_scaled for row in found):
        name = label or synapses.name
        raise InputError(f"override: {name}: expected synapses that change neurons, found nothing that can be scaled")
    return found


def _all_one(finding: Finding, place: int) -> Finding:
    """The finding with all synapses counted as inhibiting (0) or exciting (1)."""
    number, weight = sum(finding.numbers) or finding.n, sum(finding.weights) or np.nan
    numbers, weights = (0, number), (0.0, weight)
    return replace(
        finding, is_excitation=place == 1, numbers=numbers[:: 2 * place - 1], weights=weights[:: 2 * place - 1]
    )


def _not_examined(effects: Effects) -> Iterator[str]:
    """What may inhibit besides synapses."""
    for each in effects.objects:
        if isinstance(each, NetworkOperation):
            yield f"{each.name}: a function that runs at each step"
        elif isinstance(each, PoissonInput):
            if not _is_positive(each._weight):
                yield f"{each.name}: an input whose weight is not known to be positive"
        elif type(each) is CodeRunner and own_code(each).strip():
            yield f"{each.name}: code that runs regularly ({' '.join(own_code(each).split()):.60})"


def _is_positive(weight) -> bool:
    try:
        return bool(np.all(np.asarray(weight) >= 0))
    except TypeError:  # an expression
        return "-" not in str(weight)
