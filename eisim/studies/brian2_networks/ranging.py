"""Where variables of neurons go in a run: to fixed points, and to what code, spikes and chance make of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
from brian2.core.variables import ArrayVariable
from brian2.groups.group import CodeRunner
from brian2.synapses.synapses import Synapses, SynapticPathway
from pyparsing import ParseException

from eisim.studies.brian2_networks.evaluating import OPERATIONS, OWN, NotFollowed, Scope, identifiers
from eisim.studies.brian2_networks.reading import own_code, rates, spread, statements, whole

#: Seconds that a variable without a fixed point drifts, standard deviations of noise, and repetitions of code.
DRIFTS, DEVIATIONS, REPEATS = (1.0, 10.0), 3.0, (1, 10)
#: Synapses of which is evaluated what spikes add to a variable.
SENDERS = 200


def reached(objects: Collection[Any], scope: Scope, name: str, is_nested: bool = True) -> list[np.ndarray]:
    """Values that a variable of a group takes in a run of these objects besides the present one, of the elements.

    With `is_nested`, what its equation reads takes its other values, too.
    """
    value = np.asarray(scope.value(name))
    if value.dtype.kind == "b":
        return [np.zeros(value.shape, bool), np.ones(value.shape, bool)]
    value = value.astype(float)
    found: list[Any] = []
    equation = dict(rates(scope.group)).get(name)
    if equation is not None:
        states = [scope, *(_elsewhere(objects, scope, name, equation) if is_nested else [])]
        for state in states:
            with suppress(NotFollowed):
                for each in state.moments(equation):
                    found += _goals(each, name, equation, value)
    key = id(scope.group.variables[name])
    for each in objects:
        with suppress(NotFollowed, ValueError, ParseException):
            if isinstance(each, Synapses):
                for pathway in each._pathways:
                    found += _sent(pathway, each, key, value, scope)
            elif _runs_in(each, scope.group):
                found += _repeated(own_code(each), scope, name, value)
    tiny = 1e-8 * np.abs(value).max(initial=0.0)  # what rounding leaves of 0
    found = [np.where(np.abs(given) > tiny, given, 0.0) for given in found]
    return [np.broadcast_to(given, value.shape) for given in found if np.all(np.isfinite(given))]


def _runs_in(each, group) -> bool:
    """Whether something is code of a group other than of synapses; the group it names may be a proxy or a part."""
    if not isinstance(each, CodeRunner) or isinstance(each, SynapticPathway):
        return False
    return getattr(whole(each.group), "variables", None) is group.variables


def _elsewhere(objects, scope: Scope, name: str, equation: str) -> Iterator[Scope]:
    """The scope with each variable that an equation reads at its other values."""
    reads = scope.reads(equation)
    for other, variable in scope.group.variables.items():
        key = id(variable), OWN
        is_own = isinstance(variable, ArrayVariable) and scope.group.variables.indices[other] == "_idx"
        if is_own and other != name and key in reads:
            for given in reached(objects, scope, other, False):
                yield scope.with_value(key, given)


def _goals(scope: Scope, name: str, equation: str, value) -> list[np.ndarray]:
    """Where an equation leads: to its fixed point, on and on if it has none, and by noise to both sides."""
    key, step = scope.key(name), 1e-4 * (np.abs(value).max(initial=0.0) or 1.0)
    here, there = (np.asarray(scope.with_value(key, value + d).evaluate(equation), float) for d in (0, step))
    slope = np.minimum((there - here) / step, 0.0)
    pull = np.where(np.abs(slope) > 1e-9, slope, -1.0)
    goals = [np.where(slope < -1e-9, value - here / pull, value + drift * here) for drift in DRIFTS]
    noises = {each: 1.0 for each in identifiers(equation) if each == "xi" or each.startswith("xi_")}
    if noises:
        loud = np.asarray(replace(scope, local=scope.local | noises).evaluate(equation), float) - here
        width = DEVIATIONS * np.abs(loud) / np.sqrt(2 * np.abs(pull))
        goals += [goals[0] + width, goals[0] - width]
    return goals


def applied(code: str, scope: Scope) -> Scope:
    """The scope after code of its group has acted."""
    for name, operation, expression in statements(code):
        value = np.asarray(scope.evaluate(expression))
        if operation != "=":
            value = OPERATIONS[operation](np.asarray(scope.value(name)), value)
        if name not in scope.group.variables:
            scope = replace(scope, local=scope.local | {name: value})
        else:
            scope = scope.with_value(scope.key(name), np.broadcast_to(value, scope.at.shape).astype(float))
    return replace(scope, local={})


def _repeated(code: str, scope: Scope, name: str, value) -> Iterable[np.ndarray]:
    """What code that runs again and again makes of a variable: far from here, if its steps do not become smaller."""
    lines = statements(code)
    if name not in {written for written, *_ in lines}:
        return []
    found = []
    for state in scope.moments(*(expression for *_, expression in lines)):
        course = [value]
        for _ in range(REPEATS[-1]):
            state = applied(code, state)
            course.append(np.asarray(state.value(name), dtype=float))
        found += [course[n] for n in REPEATS]
        first, last = course[1] - course[0], course[-1] - course[-2]
        found.append(np.where(np.abs(last) > 0.99 * np.abs(first), course[-1] + 100 * last, course[-1]))
    return found


def _sent(pathway, synapses, key: int, value, scope: Scope) -> list[np.ndarray]:
    """What spikes of synapses make of a variable of neurons."""
    lines = statements(own_code(pathway))
    names = {name for name, *_ in lines if id(synapses.variables.get(name)) == key}
    if not names or not len(synapses):
        return []
    before = Scope(synapses, spread(len(synapses), SENDERS), scope.namespace)
    found: list[Any] = []
    for name in names:
        after = np.asarray(applied(own_code(pathway), before).value(name), dtype=float)
        changes = np.nan_to_num(after - np.asarray(before.value(name), dtype=float))
        is_set = any(written == name and operation == "=" for written, operation, _ in lines)
        is_own = any(written in names and names & identifiers(text) for written, _, text in lines)
        ends = {float(each) for each in (changes.min(), changes.max()) if each}
        found += [value + n * each for each in ends for n in (REPEATS[:1] if is_own or is_set else REPEATS)]
    return found
