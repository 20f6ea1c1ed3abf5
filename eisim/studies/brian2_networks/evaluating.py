"""Expressions of Brian2's objects evaluated with NumPy, at values that may be set, without running anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from brian2.codegen.runtime.numpy_rt import NumpyCodeObject
from brian2.core.clocks import Clock
from brian2.core.functions import DEFAULT_FUNCTIONS, Function
from brian2.core.variables import ArrayVariable, Constant, Subexpression
from brian2.input.timedarray import TimedArray
from brian2.parsing.rendering import NumpyNodeRenderer
from brian2.parsing.statements import parse_statement
from brian2.utils.stringtools import get_identifiers

#: Whose value an expression of synapses takes: of the neuron before, of the one after, or of what it is evaluated at.
PRE, POST, OWN = "pre", "post", "own"
_ROLES = {"_presynaptic_idx": PRE, "_postsynaptic_idx": POST, "_synaptic_pre": PRE, "_synaptic_post": POST}
#: Random functions, by what stands for a value of theirs.
_RANDOM = {
    "rand": lambda rng, size, *_: rng.random(size),
    "randn": lambda rng, size, *_: rng.standard_normal(size),
    "poisson": lambda rng, size, rate=0.0, *_: rng.poisson(np.broadcast_to(rate, size)),
    "binomial": lambda rng, size, *_: rng.integers(0, 2, size),
}
#: Values at both ends of what they give.
_ENDS = {"rand": (0.0, 1 - 1e-9), "randn": (-3.5, 3.5), "poisson": (0, 100), "binomial": (0, 1)}
#: Draws of random numbers, and times after the present one in s, at which what depends on them is evaluated.
DRAWS = 24
_TIMES = np.geomspace(1e-4, 20, 24)
#: Steps by which slopes are measured at 0, of what has a unit and what has none.
_STEPS = (1e-6, 1e-3)
#: What statements do to variables.
OPERATIONS = {
    "+=": np.add,
    "-=": np.subtract,
    "*=": np.multiply,
    "/=": np.divide,
    "**=": np.power,
    "%=": np.mod,
    "//=": np.floor_divide,
}
_NAMES = {"logical_not": np.logical_not, "__builtins__": {}}


class NotFollowed(Exception):
    """Something that an effect depends on cannot be evaluated; the text says what."""


def identifiers(code: str) -> set[str]:
    """Names that an expression or statement reads or writes, without keywords."""
    return set(get_identifiers(code)) - {"True", "False", "and", "or", "not"}


@dataclass(frozen=True)
class Moment:
    """When something is evaluated: a time in s, if not the present one, and which random numbers are drawn."""

    time: float | None = None
    draw: int = 0


NOW = Moment()


@lru_cache(maxsize=4096)
def _compiled(expression: str):
    """Code of an expression, and the names in it."""
    try:
        text = NumpyNodeRenderer().render_expr(expression)
    except (SyntaxError, ValueError) as error:
        raise NotFollowed(f"{expression:.60} is not understood") from error
    return compile(text.strip(), "<expression>", "eval"), tuple(identifiers(text) - set(_NAMES))


def agreed(signs) -> np.ndarray:
    """Signs that several evaluations share, apart from zeros: NaN where they differ."""
    signs = np.array(np.broadcast_arrays(*signs), dtype=float)
    has = [(signs > 0).any(axis=0), (signs < 0).any(axis=0)]
    clash = (has[0] & has[1]) | np.isnan(signs).any(axis=0)
    return np.where(clash, np.nan, has[0] * 1.0 - has[1] * 1.0)


def product(one, other) -> np.ndarray:
    """The product of signs: 0 with 0, NaN else with NaN."""
    return np.where((one == 0) | (other == 0), 0.0, one * other)


@dataclass(frozen=True)
class Scope:
    """Where an expression is evaluated: at these elements of a group, with some variables set.

    `given` holds values by the identity of a variable and whose it is; `local` by name.
    """

    group: Any
    at: np.ndarray
    namespace: Mapping
    role: str = OWN
    given: dict = field(default_factory=dict)
    local: dict = field(default_factory=dict)
    moment: Moment = NOW
    external: dict = field(default_factory=dict)

    def with_value(self, key, values) -> Scope:
        """The scope with one variable set."""
        return replace(self, given=self.given | {key: values})

    def variable(self, name: str):
        """The variable, constant or function of this name."""
        found = self.group.variables.get(name)
        if found is None:
            known = id(self.group), name
            if known not in self.external:
                try:
                    resolved = self.group.resolve_all({name}, self.namespace, user_identifiers=set())
                except (KeyError, TypeError) as error:
                    raise NotFollowed(f"{name} is not known") from error
                self.external[known] = resolved[name]
            found = self.external[known]
        return found

    def once_a_step(self, name: str) -> str | None:
        """The expression of what is computed once in a time step."""
        updater = getattr(self.group, "subexpression_updater", None)
        if updater is None or self.group.variables.indices[name] not in ("_idx", "0"):
            return None
        lines = [parse_statement(line)[:3] for line in str(updater.abstract_code or "").splitlines() if line.strip()]
        return next((expression for written, _, expression in lines if written == name), None)

    def place(self, name: str) -> tuple[str, np.ndarray | None]:
        """Whose value a name of the group has, and the elements of its array; None of a shared one."""
        index = self.group.variables.indices[name]
        if index == "0":
            return "shared", None
        if index == "_idx":
            return self.role, self.at
        elements = self.group.variables[index]
        if not isinstance(elements, ArrayVariable):
            raise NotFollowed(f"{name} has an index that is no array")
        return _ROLES.get(index, self.role), np.asarray(elements.get_value())[self.at]

    def key(self, name: str) -> tuple[int, str]:
        """By what the value of a name is set."""
        return id(self.variable(name)), self.place(name)[0]

    def value(self, name: str):
        """The value of a name."""
        if name in self.local:
            return self.local[name]
        if name == "xi" or name.startswith("xi_"):
            return 0.0
        found = self.variable(name)
        if isinstance(found, Function):
            return self._function(name, found)
        if isinstance(found, Constant):
            return found.get_value()
        role, elements = self.place(name)
        if (id(found), role) in self.given:
            return self.given[id(found), role]
        if isinstance(found, Subexpression):
            return self.within(found, role, elements).evaluate(found.expr)
        if self.moment.time is not None and isinstance(found.owner, Clock) and name in ("t", "t_in_timesteps"):
            return self.moment.time if name == "t" else int(self.moment.time / found.owner.dt_)
        if name == "not_refractory":
            return True
        if (expression := self.once_a_step(name)) is not None:
            return self.evaluate(expression)
        array = np.asarray(found.get_value())
        if elements is None:
            return array.reshape(-1)[0] if array.size else 0.0
        return array[elements]

    def within(self, found, role: str, elements) -> Scope:
        """The scope of a subexpression: the group that defines it."""
        if elements is None:
            elements = self.at[:1] * 0
        return replace(self, group=found.owner, at=elements, role=OWN if role == "shared" else role, local={})

    def _function(self, name, found):
        if name in _RANDOM:
            if self.moment.draw in (-1, -2):
                return lambda *_: np.full(self.at.shape, _ENDS[name][self.moment.draw])
            rng = np.random.default_rng(self.moment.draw)
            return lambda *arguments: _RANDOM[name](rng, self.at.shape, *arguments)
        if not found.stateless:
            raise NotFollowed(f"{name}() is random or keeps a state")
        try:
            code = found.implementations[NumpyCodeObject].get_code(self.group)
        except KeyError:
            code = None
        return code if callable(code) else found.pyfunc

    def evaluate(self, expression: str):
        """The value of an expression, an array over the elements or a number."""
        code, names = _compiled(str(expression))
        values = {name: self.value(name) for name in names}
        try:
            with np.errstate(all="ignore"):
                return eval(code, {**_NAMES}, values)
        except Exception as error:  # a function of the user's may raise anything
            raise NotFollowed(f"{expression!s:.60}: {type(error).__name__}: {error}") from error

    def moments(self, *expressions: str) -> list[Scope]:
        """The scope at several times and with several draws, where expressions depend on time or random numbers."""
        functions: dict[str, Any] = {}
        is_timed = False
        for expression in expressions:
            is_timed |= self._varies(str(expression), functions)
        found = [NOW]
        now = float(np.asarray(self.value("t"))) if "t" in self.group.variables else 0.0
        if is_timed:
            times = list(now + _TIMES)
            for each in functions.values():
                if isinstance(each, TimedArray):
                    times += [
                        (k + 0.5) * each.dt for k in np.unique(np.linspace(0, len(each.values) - 1, 60).astype(int))
                    ]
            found += [Moment(time) for time in times if time >= now]
        own = any(
            name not in DEFAULT_FUNCTIONS and not isinstance(each, TimedArray) for name, each in functions.items()
        )
        if own or not _RANDOM.keys().isdisjoint(functions):
            found += [Moment(None, draw) for draw in (-1, -2, *range(1, DRAWS if self.at.size < 5000 else 4))]
        return [replace(self, moment=each) for each in found]

    def _varies(self, expression: str, functions: dict) -> bool:
        """Whether an expression depends on time; the functions that it calls are noted."""
        is_timed = False
        for name in identifiers(expression) - set(self.local):
            try:
                found = self.variable(name)
            except NotFollowed:
                continue
            if isinstance(found, Function):
                functions[name] = found
            elif isinstance(found, Subexpression):
                is_timed |= self.within(found, *self.place(name))._varies(found.expr, functions)
            elif not isinstance(found, Constant) and hasattr(found, "owner"):
                is_timed |= isinstance(found.owner, Clock) and name in ("t", "t_in_timesteps")
                if (written := self.once_a_step(name)) is not None:
                    is_timed |= self._varies(written, functions)
        return is_timed

    def reads(self, expression: str) -> set[tuple[int, str]]:
        """What an expression depends on, through subexpressions, too: keys of variables."""
        found = set()
        for name in identifiers(str(expression)):
            if name in self.local or name == "xi" or name.startswith("xi_"):
                continue
            try:
                variable = self.variable(name)
            except NotFollowed:
                continue
            if not hasattr(variable, "name") or isinstance(variable, (Function, Constant)):
                continue
            role, elements = self.place(name)
            found.add((id(variable), role))
            if isinstance(variable, Subexpression):
                found |= self.within(variable, role, elements).reads(variable.expr)
            elif (written := self.once_a_step(name)) is not None:
                found |= self.reads(written)
        return found

    def slope(self, expression: str, key: tuple[int, str], start) -> np.ndarray:
        """Sign of the derivative of an expression by a variable, of each element: -1, 0 or 1; NaN where that differs.

        It differs with time and random numbers, or between more of the variable and less.
        """
        return agreed([each._slope(expression, key, start) for each in self.moments(expression)])

    def _slope(self, expression, key, start):
        start = np.asarray(start)
        if start.dtype.kind == "b":
            places = [np.zeros(start.shape, bool), np.ones(start.shape, bool)]
        else:
            step = 1 if start.dtype.kind in "iu" else 1e-3 * np.abs(start)
            has_unit = any(id(each) == key[0] and not each.dim.is_dimensionless for each in self._variables())
            step = np.where(step == 0, np.max(step, initial=0.0) or _STEPS[not has_unit], step)
            places = [start - step, start, start + step]
        values = [np.asarray(self.with_value(key, place).evaluate(expression), dtype=float) for place in places]
        found = []
        for low, high in pairwise(values):
            change = np.nan_to_num(high) - np.nan_to_num(low)
            small = 1e-12 * np.maximum(np.abs(np.nan_to_num(high)), np.abs(np.nan_to_num(low)))
            found.append(np.broadcast_to(np.where(np.abs(change) > small, np.sign(change), 0.0), self.at.shape))
        return agreed(found)

    def _variables(self):
        return self.group.variables.values()
