"""What a change of a variable does to the distance of neurons from threshold, by the equations between."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from brian2.core.variables import ArrayVariable
from brian2.groups.group import CodeRunner
from brian2.groups.neurongroup import NeuronGroup, Resetter
from brian2.groups.subgroup import Subgroup
from brian2.parsing.statements import parse_statement
from brian2.synapses.synapses import Synapses, SynapticPathway
from pyparsing import ParseException

from eisim.studies.brian2_networks.evaluating import OWN, POST, PRE, NotFollowed, Scope, identifiers

#: Synapses, and neurons after a step from one group to another, of which an effect is evaluated.
SAMPLE = 2000


@dataclass(frozen=True)
class Effect:
    """Signs by which more of a variable brings neurons nearer to threshold (1) or takes them away (-1); 0: not at all.

    `signs` belongs to the elements that were asked about, or is one number. `path` names what lies between, `summed`
    the synapses whose sums do, and `why` what could not be followed, if nothing was found.
    """

    signs: np.ndarray
    path: tuple[str, ...] = ()
    summed: tuple[str, ...] = ()
    why: str = ""


def statements(code) -> list[tuple[str, str, str]]:
    """Variable, operation and expression of each statement of abstract code."""
    lines = str(getattr(code, "code", code)).replace(";", "\n").splitlines()
    return [parse_statement(line.strip())[:3] for line in lines if line.split("#")[0].strip()]


def whole(group):
    """The group of which something is a part, or itself."""
    return group.source if isinstance(group, Subgroup) else group


def own_code(runner) -> str:
    """The user's code that something runs: of a pathway, at a reset or regularly; none of what equations become."""
    if isinstance(runner, SynapticPathway):
        return str(getattr(runner.code, "code", runner.code))
    if isinstance(runner, Resetter):
        return str(runner.group.event_codes.get(runner.event, ""))
    return str(runner.abstract_code or "") if type(runner) is CodeRunner else ""


def spread(n: int, most: int = SAMPLE) -> np.ndarray:
    """Indices of at most so many elements, spread evenly."""
    return np.unique(np.linspace(0, n - 1, min(n, most)).astype(int)) if n else np.zeros(0, int)


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

    def scope(self, group, at) -> Scope:
        """Where expressions of a group are evaluated: its neurons at threshold."""
        scope = Scope(group, np.asarray(at), self.namespace)
        if isinstance(group, Synapses):
            target = whole(group.target)
            if isinstance(target, NeuronGroup) and "spike" in target.events:
                posts = np.asarray(group.variables["_synaptic_post"].get_value())[scope.at]
                for (variable, _), values in self.at_threshold(target, posts).given.items():
                    scope = scope.with_value((variable, POST), values)
            return scope
        return self.at_threshold(group, scope.at)

    def distance(self, group) -> tuple[str, ...]:
        """Expressions that are above 0 where neurons spike; none where they do not, or by no comparison."""
        condition = getattr(group, "events", {}).get("spike")
        return _distances(condition) if isinstance(condition, str) else ()

    def at_threshold(self, group, at) -> Scope:
        """The scope of neurons whose state variable in the threshold is where it spikes."""
        scope = Scope(group, np.asarray(at), self.namespace)
        for expression in self.distance(group):
            for name in sorted(identifiers(expression) & set(group.user_equations.diff_eq_names)):
                try:
                    key, value = scope.key(name), np.asarray(scope.value(name), dtype=float)
                    for _ in range(3):
                        step = 1e-4 * (np.abs(value).max(initial=0.0) or 1.0)
                        here, there = (
                            np.asarray(scope.with_value(key, value + d).evaluate(expression), float) for d in (0, step)
                        )
                        rise = (there - here) / step
                        with np.errstate(all="ignore"):
                            value = value - np.where(rise != 0, here / np.where(rise != 0, rise, 1), 0.0)
                    if np.all(np.isfinite(value)):
                        scope = scope.with_value(key, value)
                except NotFollowed:
                    continue
        return scope

    def of(self, variable, at, behind: Synapses | None = None) -> Effect:
        """The effect of a variable at these elements of its group, along the shortest ways to a threshold."""
        if id(variable) not in self.home:
            return Effect(np.zeros(len(at)), why=f"{variable.name} belongs to nothing that is simulated")
        group, name = self.home[id(variable)]
        level = [(group, name, self.scope(group, at), np.ones(len(at)), (), (), True, "")]
        seen, lost = {id(variable)}, []
        while level:
            found = [each for each in [self._reached(state, lost) for state in level] if each is not None]
            if found:
                return self._combined(found, len(at))
            following = []
            for state in level:
                for key, step in self._steps(state, lost):
                    if key not in seen:
                        following.append(step)
            seen |= {id(step[0].variables[step[1]]) for step in following}
            level = following
        if not lost:
            lost = self._readers(seen, behind)
        return Effect(np.zeros(len(at)), why=lost[0] if lost else "")

    def _reached(self, state, lost) -> Effect | None:
        """The effect at the threshold of the variable's own group, if that depends on it."""
        group, name, scope, signs, path, summed, is_aligned, doubt = state
        if isinstance(group, Synapses):
            return None
        total = np.zeros(scope.at.shape)
        is_read = False
        for expression in self.distance(group):
            key = scope.key(name)
            if key not in scope.reads(expression):
                continue
            is_read = True
            try:
                total = np.where(total == 0, scope.slope(expression, key, scope.value(name)), total)
            except NotFollowed as error:
                lost.append(str(error))
        condition = getattr(group, "events", {}).get("spike")
        if not is_read and isinstance(condition, str) and not self.distance(group):
            if scope.key(name) in scope.reads(condition):
                lost.append(f"threshold {condition!r} of {group.name} is no comparison")
            return None
        if is_read and doubt:
            lost.append(doubt)
        if not is_read or not total.any() or doubt:
            return None
        found = signs * total
        return Effect(found if is_aligned else np.asarray(unanimous(found)), (*path, name), summed)

    def _combined(self, found, n) -> Effect:
        """The effect of several ways of the same length: theirs, where they agree."""
        signs = np.zeros(n)
        for each in found:
            these = np.broadcast_to(each.signs, (n,))
            clash = (signs != 0) & (these != 0) & (signs != these)
            signs = np.where(clash, np.nan, np.where(these != 0, these, signs))
        return Effect(signs, found[0].path, tuple(dict.fromkeys(s for each in found for s in each.summed)))

    def _steps(self, state, lost):
        """What changes with a variable: those whose equations or sums read it."""
        group, name, scope, _, _, summed, _, _ = state
        key = scope.key(name)
        for other, equation in _rates(group):
            if other not in group.variables or id(group.variables[other]) == key[0]:
                continue
            if key in scope.reads(equation):
                yield from self._step(state, group, other, scope, equation, key, summed, lost, scope.at)
        for each in self.synapses:
            ends = [OWN] if each is group else [PRE, POST]
            for updater in each.summed_updaters.values():
                whole = Scope(each, spread(len(each)), self.namespace)
                if not len(whole.at):
                    continue
                reads = whole.reads(str(updater.expression))
                for role in ends:
                    if (key[0], role) in reads:
                        at = scope.at if each is group else whole.at
                        there = self.scope(each, at)
                        yield from self._sum(state, each, updater, there, (key[0], role), lost)

    def _step(self, state, group, other, scope, equation, key, summed, lost, at):
        _, name, _, signs, path, _, is_aligned, doubt = state
        try:
            slope = scope.slope(equation, key, scope.value(name))
        except NotFollowed as error:
            lost.append(str(error))
            return
        if not slope.any():
            doubt = doubt or f"{other} of {group.name} does not change with {name} at the values of the first run"
        following = (group, other, self.scope(group, at), signs * slope, (*path, name), summed, is_aligned, doubt)
        yield id(group.variables[other]), following

    def _sum(self, state, synapses, updater, scope, key, lost):
        """The step from a variable to the sum over synapses that reads it."""
        group, name, _, signs, path, summed, is_aligned, doubt = state
        try:
            start = scope.given.get(key)
            if start is None:
                start = _value_of(scope, key)
            slope = scope.slope(str(updater.expression), key, start)
        except NotFollowed as error:
            lost.append(str(error))
            return
        if not slope.any():
            doubt = doubt or f"the sum of {synapses.name} does not change with {name} at the values of the first run"
        target = updater.target_var
        if id(target) not in self.home:
            lost.append(f"the sum of {synapses.name} goes to something that is not simulated")
            return
        where, what = self.home[id(target)]
        index = "_synaptic_pre" if updater.target_varname.endswith("_pre") else "_synaptic_post"
        at = np.asarray(synapses.variables[index].get_value())[scope.at]
        if synapses is not group:
            signs, slope, is_aligned = unanimous(signs), np.full(len(at), unanimous(slope)), False
        names = (*path, name), (*summed, synapses.name)
        yield id(target), (where, what, self.scope(where, at), signs * slope, *names, is_aligned, doubt)

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


def _rates(group) -> list[tuple[str, str]]:
    """Variables with a differential equation, and its right-hand side."""
    if isinstance(group, Synapses):
        found = list(group.equations.diff_eq_expressions)
        if group.event_driven is not None:
            found += group.event_driven.diff_eq_expressions
    else:
        equations = getattr(group, "user_equations", None)
        found = list(equations.diff_eq_expressions) if equations is not None else []
    return [(name, str(getattr(expression, "code", expression))) for name, expression in found]


def _value_of(scope: Scope, key):
    """The value of what a key stands for, in an expression of synapses."""
    for name, variable in scope.group.variables.items():
        if id(variable) == key[0] and scope.place(name)[0] == key[1]:
            return scope.value(name)
    raise NotFollowed("a variable has no name in the synapses that read it")


def _distances(condition: str) -> tuple[str, ...]:
    """Expressions that a threshold compares with 0, each above it where the condition holds."""
    try:
        node: Any = ast.parse(condition.strip(), mode="eval").body
    except SyntaxError:
        return ()
    parts = node.values if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And) else [node]
    found = []
    for part in parts:
        if isinstance(part, ast.Compare) and len(part.ops) == 1:
            left, right = ast.unparse(part.left), ast.unparse(part.comparators[0])
            if isinstance(part.ops[0], (ast.Gt, ast.GtE)):
                found.append(f"({left}) - ({right})")
            elif isinstance(part.ops[0], (ast.Lt, ast.LtE)):
                found.append(f"({right}) - ({left})")
        elif not isinstance(part, ast.Name):
            return ()
    return tuple(found)
