"""What a change of a variable does to the distance of neurons from threshold, by the equations between."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from brian2.core.operations import NetworkOperation
from brian2.core.variables import ArrayVariable, Subexpression
from brian2.groups.group import CodeRunner
from brian2.groups.neurongroup import NeuronGroup
from brian2.synapses.synapses import Synapses, SynapticPathway
from pyparsing import ParseException

from eisim.studies.brian2_networks.evaluating import (
    OWN,
    POST,
    PRE,
    NotFollowed,
    Scope,
    agreed,
    identifiers,
    product,
)
from eisim.studies.brian2_networks.initiating import initiation
from eisim.studies.brian2_networks.ranging import applied, reached
from eisim.studies.brian2_networks.reading import own_code, rates, spread, statements, whole

#: Ways from one variable to thresholds that are followed.
WAYS = 400
#: Steps, each longer than the one before, over which the effect of several changes together is followed.
STEPS = 120


@dataclass(frozen=True)
class Effect:
    """Signs by which more of a variable brings neurons nearer to threshold (1) or takes them away (-1); 0: not at all.

    `signs` belongs to the elements that were asked about, or is one number; NaN where ways to a threshold, places on
    the way to it or times differ. `path` names what lies between, `summed` the synapses whose sums do, and `why` what
    could not be followed, or what differs.
    """

    signs: np.ndarray
    path: tuple[str, ...] = ()
    summed: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True)
class _Way:
    """A way from the variable that is asked about to another one, and the sign along it."""

    group: Any
    name: str
    at: np.ndarray
    signs: np.ndarray
    path: tuple[str, ...] = ()
    summed: tuple[str, ...] = ()
    is_aligned: bool = True  # whether the elements are those that were asked about
    doubt: str = ""  # that a slope on it is 0 at the present values
    differs: str = ""  # why a sign is not one
    change: float = 0.0  # what a spike adds to the variable, if it is the first
    seen: frozenset = frozenset()


def unanimous(signs) -> float:
    """The sign that all elements share, apart from zeros; NaN if they differ."""
    found = set(np.unique(signs).tolist()) - {0.0}
    return found.pop() if len(found) == 1 else (np.nan if found else 0.0)


class Effects:
    """Effects within one network as it is at a run."""

    def __init__(self, objects: Iterable[Any], namespace: Mapping):
        self.namespace = namespace
        self.objects = list(objects)
        self.synapses = [each for each in self.objects if isinstance(each, Synapses)]
        self.functions = [each for each in self.objects if isinstance(each, NetworkOperation)]
        groups = [each for each in self.objects if isinstance(each, NeuronGroup)]
        for each in self.synapses:
            for end in (each.source, each.target):
                end = whole(end)
                if isinstance(end, NeuronGroup) and not any(end is group for group in groups):
                    groups.append(end)
        self.groups = groups
        self.home: dict[int, tuple[Any, str]] = {}
        for group in [*self.synapses, *groups]:
            for name, variable in group.variables.items():
                if isinstance(variable, ArrayVariable) and group.variables.indices[name] == "_idx":
                    self.home.setdefault(id(variable), (group, name))
        for group in groups:  # a variable of neurons is theirs, whoever else refers to it
            for name, variable in group.variables.items():
                if isinstance(variable, ArrayVariable) and group.variables.indices[name] == "_idx":
                    self.home[id(variable)] = (group, name)

        self._brackets: dict[int, dict] = {}
        self._known_reads: dict[tuple[int, str], set] = {}

    def views(self, group, at) -> list[Scope]:
        """Where expressions of a group are evaluated: at the points where its neurons, or those after synapses, spike.

        These are the lowest and the highest value at which a spike may begin; they differ where a spike generates
        itself, so that the condition in the script only detects it.
        """
        start = Scope(group, np.asarray(at), self.namespace)
        if isinstance(group, Synapses):
            target = whole(group.target)
            if not isinstance(target, NeuronGroup) or "spike" not in target.events:
                return [start]
            places = np.asarray(group.variables["_synaptic_post"].get_value())[start.at]
            role = POST
        else:
            target, places, role = group, start.at, OWN
        low = high = start
        for variable, ends in self.bracket(target).items():
            low = low.with_value((variable, role), ends[0][places])
            high = high.with_value((variable, role), ends[1][places])
        differ = any((ends[0] != ends[1]).any() for ends in self.bracket(target).values())
        return [low, high] if differ else [low]

    def conditions(self, group) -> tuple[list[str], list[str]]:
        """Expressions that are above 0 where neurons spike, and parts of the threshold that are no comparison."""
        condition = getattr(group, "events", {}).get("spike")
        return _distances(condition, group) if isinstance(condition, str) else ([], [])

    def waits(self, group) -> tuple[list[str], bool]:
        """Expressions that are above 0 where neurons are no longer refractory, and whether they are of a time."""
        period = getattr(group, "_refractory", False)
        if not isinstance(period, str):
            return ([], False) if period is False else (["-lastspike"], True)
        try:
            is_condition = np.asarray(Scope(group, np.zeros(1, int), self.namespace).evaluate(period)).dtype.kind == "b"
        except (NotFollowed, IndexError):
            is_condition = bool(_distances(period, group)[0])
        if is_condition:
            return [f"-({each})" for each in _distances(period, group)[0]], False
        return [f"-({period})", "-lastspike"], True

    def bracket(self, group) -> dict[int, tuple[np.ndarray, np.ndarray]]:
        """The lowest and highest value at which a spike begins, of each neuron, by the identity of the variable."""
        if id(group) not in self._brackets:
            self._brackets[id(group)] = {}  # what is evaluated on the way does not ask again
            self._brackets[id(group)] = self._bracket(group) if len(group) else {}
        return self._brackets[id(group)]

    def _bracket(self, group) -> dict[int, tuple[np.ndarray, np.ndarray]]:
        scope = Scope(group, np.arange(len(group)), self.namespace)
        names = [name for name, _ in rates(group)]
        found = {}
        for expression in self.conditions(group)[0]:
            for name in self._driven(group, scope, expression, names):
                cut = _solved(scope, expression, name)
                if cut is None or id(group.variables[name]) in found:
                    continue
                found[id(group.variables[name])] = initiation(group, name, cut, self.written, self.namespace) or (
                    cut,
                    cut,
                )
                scope = scope.with_value(scope.key(name), cut)
                for other in self._coupled(group, scope, name, names):
                    found.setdefault(id(group.variables[other]), found[id(group.variables[name])])
                for other, value in self._leaders(group, scope, name, names):
                    found.setdefault(id(group.variables[other]), (value, value))
                break
        return found

    def _driven(self, group, scope: Scope, expression: str, names) -> list[str]:
        """State variables of a condition, those first that have to rise for a spike."""
        try:
            reads = scope.reads(expression)
            inside = [name for name in names if scope.key(name) in reads]
            rises = {n: (scope.slope(expression, scope.key(n), scope.value(n)) > 0).any() for n in inside}
        except NotFollowed:
            return []
        written = self.written
        return sorted(inside, key=lambda n: (not rises[n], id(group.variables[n]) not in written, n))

    def _coupled(self, group, scope: Scope, name: str, names) -> list[str]:
        """Potentials of other compartments: each draws the other one towards itself. They are judged at the same one.

        A reversal potential below threshold then inhibits there as it does where the spike begins.
        """
        equations, found = dict(rates(group)), []
        for other in names:
            is_same_kind = other != name and group.variables[other].dim is group.variables[name].dim
            if not is_same_kind or id(group.variables[other]) in self.direct:
                continue
            with suppress(NotFollowed):
                ends = [(name, other), (other, name), (name, name), (other, other)]
                slopes = [scope.slope(equations[one], scope.key(by), scope.value(by)) for one, by in ends]
                if all((slope * sign > 0).all() for slope, sign in zip(slopes, (1, 1, -1, -1), strict=True)):
                    found.append(other)
        return found

    def _leaders(self, group, scope: Scope, name: str, names):
        """Values of a variable that another one in the threshold follows, such as the potential that opens a gate."""
        equation = dict(rates(group))[name]
        try:
            reads = scope.reads(equation)
            others = [n for n in names if n != name and scope.key(n) in reads]
            if len(others) != 1 or id(group.variables[others[0]]) in self.direct:
                return
            key, start = scope.key(others[0]), np.asarray(scope.value(others[0]), dtype=float)
            if not (scope.slope(equation, scope.key(name), scope.value(name)) < 0).any():
                return
            size = np.abs(start).max(initial=0.0) or 0.1
            grid = np.linspace(-3 * size, 3 * size, 601)
            values = np.array(
                [
                    np.broadcast_to(scope.with_value(key, np.full(start.shape, g)).evaluate(equation), start.shape)
                    for g in grid
                ]
            )
        except NotFollowed:
            return
        crosses = (values[:-1] < 0) & (values[1:] >= 0)
        gaps = np.where(crosses, np.abs(grid[1:, None] - start), np.inf)
        nearest = grid[1:][np.argmin(gaps, axis=0)]
        if np.isfinite(gaps.min(axis=0)).all():
            yield others[0], nearest

    @cached_property
    def written(self) -> set[int]:
        """Variables that pathways change or sums set, by identity."""
        found = set(self.direct)
        for each in self.synapses:
            found |= {id(updater.target_var) for updater in each.summed_updaters.values()}
        return found

    @cached_property
    def direct(self) -> set[int]:
        """Variables that pathways change, by identity."""
        found = set()
        for each in self.synapses:
            for pathway in each._pathways:
                for name, *_ in statements(own_code(pathway)):
                    if name in each.variables:
                        found.add(id(each.variables[name]))
        return found

    def of(self, variable, at, behind: Synapses | None = None, change: float = 0.0) -> Effect:
        """The effect of a variable at these elements of its group, along all ways to a threshold.

        `change` is what one spike adds to it: its effect is to be the same after several.
        """
        if id(variable) not in self.home:
            return Effect(np.zeros(len(at)), why=f"{variable.name} belongs to nothing that is simulated")
        group, name = self.home[id(variable)]
        waiting = [_Way(group, name, np.asarray(at), np.ones(len(at)), seen=frozenset((id(variable),)), change=change)]
        ends: list[_Way] = []
        held: list[_Way] = []  # by states that keep neurons refractory
        lost: list[str] = []
        unsure: list[str] = []  # what events do that is not followed
        seen: set[int] = set()
        for _ in range(WAYS):
            if not waiting:
                break
            way = waiting.pop(0)
            reached, is_last = self._reached(way, lost, held)
            ends += reached
            if not is_last:
                seen.add(id(way.group.variables[way.name]))
                waiting += [*self._steps(way, lost), *self._by_events(way, unsure)]
        if waiting:
            lost.append("there are too many ways to a threshold")
        through = frozenset().union(*(way.seen for way in ends))
        ends += [way for way in held if id(way.group.variables[way.path[-1]]) not in through]
        sure = [way for way in ends if not way.doubt and np.any(way.signs)]
        doubts = [way for way in ends if way.doubt]
        readers = unsure + self._readers(seen, behind)
        if not sure:
            said = lost + [way.doubt for way in doubts] + readers
            return Effect(np.zeros(len(at)), why=said[0] if said else "")
        found = self._combined([*sure, *[way for way in doubts if np.any(way.signs)]], len(at))
        if readers and not np.isnan(found.signs).any():
            return replace(found, signs=np.full(len(at), np.nan), why=readers[0])
        return found

    def joint(self, synapses, added: Mapping[str, np.ndarray], last: str) -> float:
        """The sign by which what a spike adds to several variables of neurons moves the last one before a threshold.

        All else goes on by its equations, with that one held where a spike begins. NaN if signs or times differ.
        """
        homes = [self.home[id(synapses.variables[name])] for name in added]
        group, sizes = homes[0][0], next(iter(added.values())).shape[0]
        equations = dict(rates(group))
        if isinstance(group, Synapses) or any(each is not group for each, _ in homes) or last not in equations:
            return np.nan
        some = spread(sizes, 200)
        sender = Scope(synapses, spread(len(synapses), sizes)[some], self.namespace)
        at = [sender.place(name)[1] for name in added]
        view = self.views(group, at[0])[0]
        if any((each != at[0]).any() for each in at) or view.key(last) not in view.given:
            return np.nan
        moved = view
        for (_, name), change in zip(homes, added.values(), strict=True):
            value = np.asarray(moved.value(name), dtype=float)
            moved = moved.with_value(moved.key(name), value + change[some])
        names = [name for name in equations if view.key(name) not in view.given]
        if any(name not in names for _, name in homes):
            return np.nan
        found, dt = [], float(group.clock.dt_)
        for _ in range(STEPS):
            ends = [np.asarray(each.evaluate(equations[last]), dtype=float) for each in (moved, view)]
            found.append(np.broadcast_to(ends[0] - ends[1], view.at.shape))
            view, moved = (_stepped(each, equations, names, dt) for each in (view, moved))
            dt *= 1.05
        course = np.nan_to_num(np.array(found))
        course = np.where(np.abs(course) > 1e-6 * np.abs(course).max(initial=0.0), course, 0.0)
        toward = unanimous(self.of(group.variables[last], at[0]).signs)
        return unanimous(np.sign(course)) * toward or np.nan

    def _reached(self, way: _Way, lost: list[str], held: list[_Way]) -> tuple[list[_Way], bool]:
        """Where a way ends at thresholds, and whether it goes no further.

        How a neuron answers to its own state is no effect of what brought it there: a way ends where a threshold reads
        a variable. Refractory conditions on a state are noted apart: a potential that is high also holds neurons back.
        """
        if isinstance(way.group, Synapses):
            return [], False
        variable = way.group.variables[way.name]
        found, is_last = [], False
        for group in self.groups:
            if group is not way.group and variable not in group.variables.values():
                continue
            expressions, unclear = self.conditions(group)
            for condition in unclear:
                if self._uses(group, condition, variable):
                    lost.append(f"threshold {condition!r} of {group.name} is no comparison")
            for expression in expressions:
                if self._uses(group, expression, variable):
                    is_last = True
                    found += self._end(way, group, expression, lost, "the threshold")
            if is_last:
                continue
            waits, is_time = self.waits(group)
            for expression in waits:
                if self._uses(group, expression, variable):
                    is_state = way.name in dict(rates(group)) and not is_time
                    (held if is_state else found).extend(
                        self._end(way, group, expression, lost, "the refractory period")
                    )
        return found, is_last

    def _end(self, way: _Way, group, expression, lost, what: str) -> list[_Way]:
        found = []
        for each in self._following(way, group, "", expression, lost, f"{what} of {group.name}"):
            if self._is_crossed_twice(group, each.at, expression, way.group.variables[way.name]):
                said = f"{what} of {group.name} is reached from both sides of {way.name}"
                each = replace(each, signs=np.full(each.at.shape, np.nan), differs=said)
            signs = each.signs if each.is_aligned else np.asarray(unanimous(each.signs))
            found.append(replace(each, group=group, signs=signs))
        return found

    def _is_crossed_twice(self, group, at, expression: str, variable) -> bool:
        """Whether an expression rises with a variable here and falls with it elsewhere."""
        (view, *_) = self.views(group, at)
        key = next((read for read in view.reads(expression) if read[0] == id(variable)), None)
        try:
            start = np.asarray(_value_of(view, key), dtype=float)
            slopes = [view.slope(expression, key, factor * start) for factor in (1, -1, 0.5, -0.5, 2, -2)]
        except NotFollowed:
            return False
        return bool(np.isnan(agreed(slopes)).any()) and not np.isnan(slopes[0]).any()

    def _uses(self, group, expression: str, variable) -> bool:
        key = id(group), str(expression)
        if key not in self._known_reads:
            at = np.zeros(min(1, len(group)), int)
            try:
                self._known_reads[key] = {read for read, _ in Scope(group, at, self.namespace).reads(str(expression))}
            except NotFollowed:
                self._known_reads[key] = set()
        return id(variable) in self._known_reads[key]

    def _combined(self, ways: list[_Way], n: int) -> Effect:
        """The effect of several ways: theirs, where they agree."""
        signs = agreed([np.broadcast_to(way.signs, (n,)) for way in ways])
        summed = tuple(dict.fromkeys(name for way in ways for name in way.summed))
        why = ""
        if np.isnan(signs).any():
            why = next((way.differs for way in ways if way.differs), "")
            ends = {way.path[-1] for way in ways}
            if not why and len({way.path for way in ways}) == 1:
                why = f"the threshold of {ways[0].group.name} is reached from both sides of {ends.pop()}"
            paths = dict.fromkeys(" → ".join(way.path) for way in ways)
            if not why and len(paths) > 1:
                why = f"the ways {' and '.join(paths)} to a threshold have opposite signs"
        return Effect(signs, ways[0].path, summed, why)

    def _steps(self, way: _Way, lost: list[str]) -> list[_Way]:
        """What changes with a variable: those whose equations or sums read it."""
        variable = way.group.variables[way.name]
        found = []
        for group in [*self.groups, *self.synapses]:
            for other, equation in rates(group):
                written = group.variables.get(other)
                if written is None or id(written) in way.seen or not self._uses(group, equation, variable):
                    continue
                found += self._following(way, group, other, equation, lost, f"{other} of {group.name}")
        for synapses in self.synapses:
            for updater in synapses.summed_updaters.values():
                expression, target = str(updater.expression), updater.target_var
                if id(target) in way.seen or not len(synapses) or not self._uses(synapses, expression, variable):
                    continue
                if id(target) not in self.home:
                    lost.append(f"the sum of {synapses.name} goes to something that is not simulated")
                    continue
                where, what = self.home[id(target)]
                index = "_synaptic_pre" if updater.target_varname.endswith("_pre") else "_synaptic_post"
                for each in self._following(way, synapses, "", expression, lost, f"the sum of {synapses.name}"):
                    at = np.asarray(synapses.variables[index].get_value())[each.at]
                    seen = each.seen | {id(target)}
                    summed = (*way.summed, synapses.name)
                    found.append(replace(each, group=where, name=what, at=at, summed=summed, seen=seen))
        return found

    def _by_events(self, way: _Way, unsure: list[str]) -> Iterator[_Way]:
        """What events other than spikes change, if their condition reads a variable."""
        variable = way.group.variables[way.name]
        for group in self.groups:
            for event, condition in group.events.items():
                if event == "spike" or not isinstance(condition, str) or not self._uses(group, condition, variable):
                    continue
                what = f"the event {event} of {group.name}"
                expressions, unclear = _distances(condition, group)
                unsure += [f"{what} is no comparison" for each in unclear if self._uses(group, each, variable)]
                for expression in expressions:
                    if self._uses(group, expression, variable):
                        for each in self._following(way, group, "", expression, unsure, what):
                            yield from self._changed_by(each, group, event, what, unsure)

    def _changed_by(self, way: _Way, group, event: str, what: str, unsure: list[str]) -> Iterator[_Way]:
        """The way on to what the code of an event and pathways that it starts change."""
        code = str(group.event_codes.get(event) or "")
        runs = [(code, group, self.views(group, way.at))] if code.strip() else []
        for each in self.synapses:
            for pathway in each._pathways:
                is_started = pathway.event == event and whole(pathway.source).variables is group.variables
                if is_started and pathway.active and len(each):
                    runs.append((own_code(pathway), each, self.views(each, spread(len(each)))))
        for code, owner, views in runs:
            try:
                for name in dict.fromkeys(name for name, *_ in statements(code) if name in owner.variables):
                    home, own = self.home.get(id(owner.variables[name]), (None, ""))
                    if home is None or id(owner.variables[name]) in way.seen:
                        continue
                    sign = self._changed(code, name, views)
                    _, at = views[0].place(name)
                    stays = owner is group and home is group
                    before = way.signs if stays else np.asarray(unanimous(way.signs))
                    sign = sign if stays else np.full(at.shape, unanimous(sign))
                    doubt = way.doubt or ("" if sign.any() else f"what {what} adds to {name} is 0 at the first run")
                    signs = product(before, sign if sign.any() else np.ones(sign.shape))
                    differs = way.differs or f"what {what} adds to {name} has no one sign" * bool(np.isnan(sign).any())
                    seen, kept = way.seen | {id(owner.variables[name])}, way.is_aligned and stays
                    following = replace(way, group=home, name=own, at=at, signs=signs, doubt=doubt, differs=differs)
                    yield replace(following, seen=seen, is_aligned=kept)
            except (NotFollowed, ValueError, ParseException) as error:
                unsure.append(f"what {what} changes is not known: {error}")

    def _changed(self, code: str, name: str, views: list[Scope]) -> np.ndarray:
        """Signs of what code adds to a variable, from all values that it has in a run."""
        found = []
        for view in views:
            states, key = [view], view.key(name)
            if key not in view.given and not isinstance(view.group, Synapses):
                states += [view.with_value(key, given) for given in reached(self.objects, view, name)]
            for state in states:
                for each in state.moments(*(expression for *_, expression in statements(code))):
                    before = np.asarray(each.value(name), dtype=float)
                    found.append(np.sign(np.nan_to_num(np.asarray(applied(code, each).value(name)) - before)))
        return agreed([np.broadcast_to(each, views[0].at.shape) for each in found])

    def _following(self, way: _Way, group, other: str, expression: str, lost, what: str) -> list[_Way]:
        """The way on to what an expression of a group gives, once for each role that the variable has in it."""
        variable = way.group.variables[way.name]
        stays = group is way.group
        at = way.at if stays else spread(len(group))
        if not at.size:
            return []
        views, slopes = self.views(group, at), {}
        try:
            for read, role in sorted(views[0].reads(expression), key=str):
                if read == id(variable):
                    slopes[role] = [self._slope(view, expression, (read, role), way.change) for view in views]
            slopes = {role: (agreed(each), each) for role, each in slopes.items()}
            if {PRE, POST} <= slopes.keys() and (slopes[PRE][0] * slopes[POST][0] < 0).any():
                slopes.pop(POST)  # diffusion: what a neuron loses itself
            found = []
            for role, (slope, each) in slopes.items():
                doubt, differs = way.doubt, way.differs
                if not slope.any():
                    slope = self._later(way.group, views[0], expression, (id(variable), role))
                if not slope.any():
                    doubt = doubt or f"{what} does not change with {way.name} at the values of the first run"
                    slope = self._slope(views[0], expression, (id(variable), role), nudges=True)
                elif np.isnan(slope).any() and not differs:
                    differs = self._differing(each, what, way.name)
                before = way.signs if stays else np.full(at.shape, unanimous(way.signs))
                if other in group.variables and self._is_gain(views[0], group, expression, (id(variable), role)):
                    present = Scope(group, at, self.namespace)
                    slope = agreed([slope, self._slope(present, expression, (id(variable), role))])
                    differs = differs or self._differing([slope], what, way.name)
                signs = product(before, slope)
                following = replace(way, group=group, name=other, at=at, signs=signs, doubt=doubt, change=0.0)
                seen = way.seen | ({id(group.variables[other])} if other in group.variables else frozenset())
                keeps = way.is_aligned and stays
                path = (*way.path, way.name)
                found.append(replace(following, path=path, is_aligned=keeps, differs=differs, seen=seen))
        except NotFollowed as error:
            lost.append(str(error))
            return []
        return found

    def _later(self, home, view: Scope, expression: str, key) -> np.ndarray:
        """The slope where variables of the group that are 0 at first take the values that spikes bring them to."""
        start = view.given.get(key)
        start = np.asarray(_value_of(view, key) if start is None else start)
        if key[1] != OWN or home is not view.group or start.dtype.kind != "f":
            return np.zeros(view.at.shape)
        states = [view]
        for other in sorted(view.reads(expression) - view.given.keys(), key=str):
            group, name = self.home.get(other[0], (None, ""))
            if group is view.group and other[0] in self.changing and not np.any(view.value(name)):
                values = reached(self.objects, Scope(group, view.at, self.namespace), name)
                states += [state.with_value(other, value) for state in states for value in values[:12] if value.any()]
            if len(states) > 200:
                break
        slopes = [state.slope(expression, key, state.given.get(key, start)) for state in states]
        return agreed(slopes)

    def _is_gain(self, view: Scope, group, expression: str, key) -> bool:
        """Whether an equation is 0 wherever a variable is: it then stops a neuron where it is."""
        if not self.bracket(group) or isinstance(group, Synapses):
            return False
        nothing = np.zeros(view.at.shape)
        places = [view, Scope(group, view.at, self.namespace)]
        return all(not np.any(each.with_value(key, nothing).evaluate(expression)) for each in places)

    def _slope(self, view: Scope, expression: str, key, change: float = 0.0, nudges: bool = False):
        """The slope also where what else changes during a run takes its other values; or, if it is 0, a little more."""
        start = view.given.get(key)
        start = np.asarray(_value_of(view, key) if start is None else start)
        others = {}
        for other in view.reads(expression):
            if other != key and other not in view.given and other[0] in self.changing:
                with suppress(NotFollowed):
                    others[other] = np.asarray(_value_of(view, other))
        if nudges:
            for other, value in others.items():
                view = view.with_value(other, np.where(value == 0, 1, value).astype(value.dtype))
            return view.slope(expression, key, start)
        found = [view.slope(expression, key, start)]
        if change and start.dtype.kind == "f":
            found += [view.slope(expression, key, start + n * change) for n in (1, 3, 10)]
        for other, value in others.items():
            for given in self._values(view, other, value):
                given = np.broadcast_to(given, value.shape).astype(value.dtype)
                found.append(view.with_value(other, given).slope(expression, key, start))
        return agreed(found)

    def _values(self, view: Scope, key, value: np.ndarray) -> list:
        """Values that a variable takes during a run: half of the present one, where it goes, and what code sets."""
        if value.dtype.kind != "f":
            return []
        found = [0.5 * value] if value.any() else []
        group, name = self.home.get(key[0], (None, ""))
        if group is not view.group:
            return found
        for other, equation in rates(group):
            if other == name:
                with suppress(NotFollowed):
                    step = 1e-4 * (np.abs(value).max(initial=0.0) or 1.0)
                    here, there = (
                        np.asarray(view.with_value(key, value + d).evaluate(equation), dtype=float) for d in (0, step)
                    )
                    slope = (there - here) / step
                    found.append(value - np.where(slope < 0, here / np.where(slope < 0, slope, 1), 0.0))
        for each in self.objects:
            owner = getattr(each, "group", None) if isinstance(each, CodeRunner) else None
            if owner is None or not own_code(each).strip() or isinstance(each, SynapticPathway):
                continue
            for written, operation, expression in statements(own_code(each)):
                if id(owner.variables.get(written)) != key[0] or owner.variables is not group.variables:
                    continue
                with suppress(NotFollowed):
                    given = [np.asarray(at.evaluate(expression), dtype=float) for at in view.moments(expression)]
                    if operation in ("+=", "-="):
                        sign = 1 if operation == "+=" else -1
                        given = [value + sign * n * each for each in given for n in (1, 10)]
                    found += given if operation in ("=", "+=", "-=") else []
        return found

    @cached_property
    def changing(self) -> set[int]:
        """Variables that change during a run by equations or by code, by identity."""
        found = set(self.written)
        for group in [*self.groups, *self.synapses]:
            found |= {id(group.variables[name]) for name, _ in rates(group) if name in group.variables}
        for each in self.objects:
            owner = getattr(each, "group", None)
            if isinstance(each, CodeRunner) and owner is not None and own_code(each).strip():
                with suppress(ValueError, ParseException):
                    names = [name for name, *_ in statements(own_code(each))]
                    found |= {id(owner.variables[name]) for name in names if name in owner.variables}
        return found

    @staticmethod
    def _differing(slopes, what: str, name: str) -> str:
        if not any(np.isnan(each).any() for each in slopes):
            return f"where a spike begins is not known well enough to tell whether {what} rises or falls with {name}"
        return f"whether {what} rises or falls with {name} changes with time, chance or what else changes in a run"

    def _readers(self, seen: set[int], behind) -> list[str]:
        """Code that reads one of these variables and changes neurons, an effect that is not followed.

        The pathways of the synapses that are asked about are judged themselves, and what synapses learn is no effect.
        """
        of_pathway = {id(pathway): each for each in self.synapses for pathway in each._pathways}
        said = []
        for each in self.objects:
            owner = of_pathway.get(id(each), getattr(each, "group", None))
            if not isinstance(each, CodeRunner) or owner is behind or owner is None:
                continue
            try:
                lines = statements(own_code(each))
            except (ValueError, ParseException):
                continue
            for name, operation, expression in lines:
                written = owner.variables.get(name)
                if written is None or id(written) in seen or self.home.get(id(written), (None,))[0] in self.synapses:
                    continue
                if any(id(owner.variables.get(other)) in seen for other in identifiers(expression)):
                    said.append(f"{each.name} reads it ({name} {operation} {expression:.40}), which is not followed")
        return said


def _stepped(scope: Scope, equations: Mapping[str, str], names, dt: float) -> Scope:
    """A step of variables, each by the exponential of its own slope, which is exact for those that decay alone."""
    given = {}
    for name in names:
        key, value = scope.key(name), np.asarray(scope.value(name), dtype=float)
        step = 1e-4 * (np.abs(value).max(initial=0.0) or 1.0)
        here, there = (np.asarray(scope.with_value(key, value + d).evaluate(equations[name]), float) for d in (0, step))
        growth = np.clip((there - here) / step * dt, -50, 2)
        share = np.where(np.abs(growth) < 1e-6, 1.0, np.expm1(growth) / np.where(growth == 0, 1, growth))
        given[key] = value + here * dt * share
    return replace(scope, given=scope.given | given)


def _solved(scope: Scope, expression: str, name: str):
    """The value of a variable at which an expression is 0, of each element; None if none is found."""
    try:
        key, value = scope.key(name), np.asarray(scope.value(name), dtype=float)
        for _ in range(3):
            step = 1e-4 * (np.abs(value).max(initial=0.0) or 1.0)
            here, there = (np.asarray(scope.with_value(key, value + d).evaluate(expression), float) for d in (0, step))
            rise = (there - here) / step
            with np.errstate(all="ignore"):
                value = value - np.where(rise != 0, here / np.where(rise != 0, rise, 1), 0.0)
    except NotFollowed:
        return None
    return np.broadcast_to(value, scope.at.shape) if np.all(np.isfinite(value)) else None


def _value_of(scope: Scope, key):
    """The value of what a key stands for, in an expression of a group."""
    for name, variable in scope.group.variables.items():
        if id(variable) == key[0] and scope.place(name)[0] == key[1]:
            return scope.value(name)
    raise NotFollowed("a variable has no name in the equations that read it")


def _distances(condition: str, group) -> tuple[list[str], list[str]]:
    """Expressions that a condition compares with 0, each above it where it holds, and parts that are no comparison."""
    try:
        return _parts(ast.parse(condition.strip(), mode="eval").body, group)
    except SyntaxError:
        return [], [condition]


def _parts(node: Any, group) -> tuple[list[str], list[str]]:
    if isinstance(node, ast.BoolOp):
        parts = [_parts(value, group) for value in node.values]
        return [d for each, _ in parts for d in each], [u for _, each in parts for u in each]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        inner, unclear = _parts(node.operand, group)
        return [f"-({each})" for each in inner], unclear
    if isinstance(node, ast.Compare):
        places, found = [node.left, *node.comparators], []
        for left, operation, right in zip(places, node.ops, places[1:], strict=False):
            if isinstance(operation, (ast.Gt, ast.GtE)):
                found.append(f"({ast.unparse(left)}) - ({ast.unparse(right)})")
            elif isinstance(operation, (ast.Lt, ast.LtE)):
                found.append(f"({ast.unparse(right)}) - ({ast.unparse(left)})")
            else:
                return [], [ast.unparse(node)]
        return found, []
    if isinstance(node, ast.Name) and node.id != "not_refractory":
        variable = group.variables.get(node.id)
        if isinstance(variable, Subexpression):
            return _distances(variable.expr, group)
        if isinstance(variable, ArrayVariable):
            return [f"int({node.id})"], []
    if isinstance(node, (ast.Name, ast.Constant)):
        return [], []
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "int" and len(node.args) == 1:
        return _parts(node.args[0], group)
    return [], [ast.unparse(node)]
