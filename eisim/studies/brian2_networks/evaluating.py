"""Expressions of Brian2's objects evaluated with NumPy, at values that may be set, without running anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from brian2.codegen.runtime.numpy_rt import NumpyCodeObject
from brian2.core.functions import Function
from brian2.core.variables import ArrayVariable, Constant, Subexpression
from brian2.parsing.rendering import NumpyNodeRenderer
from brian2.utils.stringtools import get_identifiers

#: Whose value an expression of synapses takes: of the neuron before, of the one after, or of what it is evaluated at.
PRE, POST, OWN = "pre", "post", "own"
_ROLES = {"_presynaptic_idx": PRE, "_postsynaptic_idx": POST, "_synaptic_pre": PRE, "_synaptic_post": POST}
#: Random functions, by what stands for a value of theirs.
_RANDOM = {
    "rand": lambda rng, size, *_: rng.random(size),
    "randn": lambda rng, size, *_: rng.standard_normal(size),
    "poisson": lambda rng, size, rate=0.0, *_: np.broadcast_to(rate, size),
    "binomial": lambda rng, size, *_: np.ones(size),
}
_NAMES = {"logical_not": np.logical_not, "__builtins__": {}}


class NotFollowed(Exception):
    """Something that an effect depends on cannot be evaluated; the text says what."""


def identifiers(code: str) -> set[str]:
    """Names that an expression or statement reads or writes, without keywords."""
    return set(get_identifiers(code)) - {"True", "False", "and", "or", "not"}


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

    def with_value(self, key, values) -> Scope:
        """The scope with one variable set."""
        return replace(self, given=self.given | {key: values})

    @cached_property
    def _external(self) -> dict:
        return {}

    def variable(self, name: str):
        """The variable, constant or function of this name."""
        found = self.group.variables.get(name)
        if found is None:
            if name not in self._external:
                try:
                    resolved = self.group.resolve_all({name}, self.namespace, user_identifiers=set())
                except (KeyError, TypeError) as error:
                    raise NotFollowed(f"{name} is not known") from error
                self._external[name] = resolved[name]
            found = self._external[name]
        return found

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
        if name == "not_refractory":
            return True
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
            rng = np.random.default_rng(0)
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
        try:
            code = NumpyNodeRenderer().render_expr(str(expression))
        except (SyntaxError, ValueError) as error:
            raise NotFollowed(f"{expression!s:.60} is not understood") from error
        values = {name: self.value(name) for name in identifiers(code) if name not in _NAMES}
        try:
            with np.errstate(all="ignore"):
                return eval(code, {**_NAMES}, values)
        except Exception as error:  # a function of the user's may raise anything
            raise NotFollowed(f"{expression!s:.60}: {type(error).__name__}: {error}") from error

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
        return found

    def slope(self, expression: str, key: tuple[int, str], start) -> np.ndarray:
        """Sign of the derivative of an expression by a variable: -1, 0 or 1 of each element."""
        start = np.asarray(start, dtype=float)
        step = 1e-3 * (np.abs(start).max(initial=0.0) or 1.0)
        low, high = (
            np.asarray(self.with_value(key, start + side * step).evaluate(expression), dtype=float) for side in (-1, 1)
        )
        change = np.nan_to_num(high - low)
        small = 1e-12 * np.maximum(np.abs(high), np.abs(low))
        return np.broadcast_to(np.where(np.abs(change) > np.nan_to_num(small), np.sign(change), 0.0), self.at.shape)
