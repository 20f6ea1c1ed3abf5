"""Synapses of Brian2 as what their spikes add to variables of targets: weights, delays and short-term plasticity."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from eisim.adapter.brian2_cells import constants, symbolic, value_of
from eisim.base.errors import InputError
from eisim.synapses import ShortTerm

#: A factor that `to_brian2` writes where no flag of the equation holds a refractory neuron.
_GATE = "*int(not_refractory_post)"
_STATEMENT = re.compile(r"([A-Za-z_]\w*)\s*([-+*/]?=)(?!=)(.+)")


@dataclass(frozen=True, eq=False)
class Pathway:
    """What spikes of a group add to one variable of another.

    `amounts` have a sign, and are in SI units; one amount and delay (s) for each pair of neurons `i` and `j`. Of a
    Poisson drive, which each target has its own train of, `rate` is its rate (Hz), and there is no source.
    """

    name: str
    source: Any
    target: Any
    i: np.ndarray
    j: np.ndarray
    variable: str
    amounts: np.ndarray
    delays: np.ndarray
    plasticity: ShortTerm | None = None
    gated: bool = False  # whether it leaves refractory neurons alone by itself
    rate: float = 0.0

    def __post_init__(self):
        for called, values in (("amounts", self.amounts), ("delays", self.delays), ("a rate", self.rate)):
            if not np.isfinite(values).all():
                raise InputError(f"from_brian2: {self.name}: expected finite {called}, found {np.sum(values):g}")

    @property
    def signs(self) -> frozenset[int]:
        return frozenset(int(each) for each in np.unique(np.sign(self.amounts)) if each)


def whole(group) -> Any:
    """The group of which this is a part, or itself."""
    from brian2 import Subgroup

    return group.source if isinstance(group, Subgroup) else group


def members(group) -> np.ndarray:
    """The numbers of the neurons of a group in the one that it is a part of."""
    first = getattr(group, "start", 0) or 0
    return np.arange(first, first + int(group.N))


def read_synapses(synapses, namespace: Mapping[str, Any]) -> Iterator[Pathway]:
    """Read what each pathway adds, or refuse what is no increment of weights that stay."""
    from brian2.equations.equations import PARAMETER

    what = f"from_brian2: {synapses.name}"
    for name, each in synapses.summed_updaters.items():
        said = f"{name} = {each.expression} (summed)"
        raise InputError(f"{what}: expected spikes that add to a variable, found {said!r:.120}")
    if any(type(each).__name__ == "CodeRunner" for each in synapses.contained_objects):
        raise InputError(f"{what}: run_regularly: expected none")
    i = np.array(synapses.variables["_synaptic_pre"].get_value(), dtype=np.int64)
    j = np.array(synapses.variables["_synaptic_post"].get_value(), dtype=np.int64)
    parameters = {each.varname for each in synapses.equations.values() if each.type == PARAMETER}
    for pathway in synapses._pathways:
        code = getattr(pathway.code, "code", pathway.code) or ""
        if not code.strip():
            continue
        if pathway.prepost != "pre":
            raise InputError(
                f"{what}: on_post: expected none, found {' '.join(code.split())!r:.100}: weights that are learnt are "
                "not read (eisim.plasticity has rules of learning)"
            )
        if pathway.event != "spike":
            raise InputError(f"{what}: expected spikes as events, found {pathway.event!r}")
        gated = _GATE in code
        run = _Run(synapses, code.replace(_GATE, ""), namespace, what, parameters)
        name = synapses.name if len(synapses._pathways) == 1 else f"{synapses.name} {pathway.objname}"
        delays = np.broadcast_to(np.array(pathway.variables["delay"].get_value(), dtype=float), i.shape)
        for variable, amount in run.added.items():
            weight, plasticity = run.released(amount)
            amounts = np.broadcast_to(np.asarray(run.value(weight), dtype=float), i.shape)
            yield Pathway(
                name, whole(synapses.source), whole(synapses.target), i, j, variable, amounts, delays, plasticity, gated
            )


class _Run:
    """The code of a pathway, executed with symbols."""

    def __init__(self, synapses, code, namespace, what, parameters):
        import sympy
        from brian2.utils.stringtools import get_identifiers

        self.synapses, self.what, self.parameters = synapses, what, parameters
        self.code = " ".join(code.split())
        parts = [each for each in (synapses.equations, synapses.event_driven) if each is not None]
        own = set().union(*(each.names for each in parts))
        statements = list(self._statements(code))
        locals_ = {name for name, *_ in statements if name not in synapses.variables}
        names = set().union(*(get_identifiers(text) for *_, text in statements)) - locals_
        written = {name: each.expr.code for part in parts for name, each in part.items() if each.expr is not None}
        self.rates = {name: written[name] for part in parts for name in part.diff_eq_names}
        inner = {name: text for name, text in written.items() if name not in self.rates}
        names |= set().union(*map(get_identifiers, self.rates.values()))
        for name in names & set(inner):
            names |= get_identifiers(inner[name])
        self.post = {name for name in (*names, *(s[0] for s in statements)) if self._is_post(name, own)}
        fixed = {self._called(n) for n in names} - set(self.rates) - set(inner) - {"and", "or", "not"}
        fixed -= {f"{name}_post" for name in self._states(synapses.target)}
        fixed -= {f"{name}_pre" for name in self._states(synapses.source)}
        self.values, changing = constants(synapses, fixed, namespace, what)
        used = set().union(*(get_identifiers(text) for *_, text in statements))
        if moving := sorted(changing & used):
            raise InputError(f"{what}: {self.code!r:.120}: expected constant amounts, found {moving[0]!r}")
        self.state: dict[str, Any] = {}
        for name, operation, text in statements:
            value = self._expression(text, inner)
            before = self.state.get(self._called(name), sympy.Symbol(self._called(name), real=True))
            combined = {
                "=": value,
                "+=": before + value,
                "-=": before - value,
                "*=": before * value,
                "/=": before / value,
            }
            self.state[self._called(name)] = combined[operation]
        self.added = self._added(locals_)

    def _statements(self, code):
        for statement in re.split(r"[;\n]", code):
            statement = statement.partition("#")[0].strip()
            if statement:
                found = _STATEMENT.fullmatch(statement)
                if not found:
                    raise InputError(f"{self.what}: expected statements such as v_post += w, found {statement!r:.80}")
                yield found[1], found[2], found[3].strip()

    def _is_post(self, name, own):
        """Whether a name without a suffix is that of a variable of the target."""
        equations = getattr(whole(self.synapses.target), "user_equations", None)
        return name not in own and not name.endswith(("_pre", "_post")) and name in (equations or {})

    @staticmethod
    def _states(group):
        """The variables of a group that change in a run."""
        equations = getattr(whole(group), "user_equations", None)
        return set() if equations is None else set(equations.diff_eq_names) | set(equations.subexpr_names)

    def _called(self, name):
        return f"{name}_post" if name in self.post else name

    def _expression(self, text, inner):
        import sympy

        found = symbolic(text)
        for _ in range(len(inner)):
            found = found.xreplace({s: symbolic(inner[s.name]) for s in found.free_symbols if s.name in inner})
        places = {s: sympy.Symbol(self._called(s.name), real=True) for s in found.free_symbols}
        found = found.xreplace(places)
        return found.xreplace({s: self.state[s.name] for s in found.free_symbols if s.name in self.state})

    def _added(self, locals_):
        """What is added to variables of the target."""
        import sympy

        added = {}
        for name, after in self.state.items():
            if name in locals_ or name in self.rates:
                continue
            increment = sympy.expand(after - sympy.Symbol(name, real=True))
            states = sorted({s.name for s in increment.free_symbols} - set(self.values) - set(self.rates))
            if not name.endswith("_post"):
                raise InputError(
                    f"{self.what}: {self.code!r:.120}: expected weights that stay, found that {name} changes (rules of "
                    "learning are in eisim.plasticity)"
                )
            if states:
                raise InputError(
                    f"{self.what}: {self.code!r:.120}: expected constant amounts, found one that depends on {states[0]}"
                )
            if increment != 0:
                added[name.removesuffix("_post")] = increment
        return added

    def value(self, expression) -> Any:
        return value_of(expression, self.values)

    def released(self, amount) -> tuple[Any, ShortTerm | None]:
        """The weight in what a spike adds, and the short-term plasticity that is the rest of it."""
        import sympy

        mine = {s.name for s in amount.free_symbols} & set(self.rates)
        if not mine:
            return amount, None
        symbols = {name: sympy.Symbol(name, real=True) for name in self.rates}
        moving = sorted({*mine, *(n for n in self.rates if n in self.state)})
        wrong = InputError(
            f"{self.what}: {self.code!r:.160}: expected the short-term plasticity of eisim.ShortTerm, found other "
            f"equations of {' and '.join(moving)}"
        )
        pairs = [(None, moving[0])] if len(moving) == 1 else []
        pairs = [(a, b) for a in moving for b in moving if a != b] if len(moving) == 2 else pairs
        for u, R in pairs:
            after = self.state.get(R)
            if after is None or (u and u not in self.state):
                continue
            used = self.state[u] if u else sympy.simplify(1 - after / symbols[R])
            U = used.subs(symbols[u], 0) if u else used
            # fmt: off
            equal = [
                after - symbols[R] * (1 - used),
                used - (symbols[u] + U * (1 - symbols[u])) if u else sympy.Integer(0),
            ]
            # fmt: on
            weight = sympy.simplify(amount / (used * symbols[R]))
            left = (weight.free_symbols | U.free_symbols) & set(symbols.values())
            if left or any(sympy.simplify(each) != 0 for each in equal):
                continue
            depression = self._relaxes(R, symbols[R], 1)
            facilitation = self._relaxes(u, symbols[u], 0) if u else 0.0
            if depression is None or facilitation is None:
                continue
            for name, start in ((R, 1.0), *(((u, 0.0),) if u else ())):
                at = np.array(getattr(self.synapses, f"{name}_")[:])
                if (at != start).any():
                    raise InputError(
                        f"{self.what}: expected {name} to be {start:g} at the start, found {at[at != start][0]:g}"
                    )
            return weight, ShortTerm(self._one(U, "the share that a spike uses"), depression, facilitation)
        raise wrong

    def _relaxes(self, name, symbol, to) -> float | None:
        """The time constant with which a variable relaxes to a value, in s, if it does."""
        import sympy

        rate = symbolic(self.rates[name])
        rate = rate.xreplace({s: sympy.Symbol(self._called(s.name), real=True) for s in rate.free_symbols})
        factor = sympy.simplify(rate / (to - symbol))
        if symbol in factor.free_symbols or not {s.name for s in factor.free_symbols} <= set(self.values):
            return None
        return self._one(1 / factor, f"the time constant of {name}")

    def _one(self, expression, called) -> float:
        found = np.asarray(self.value(expression), dtype=float)
        if found.size and np.ptp(found):
            raise InputError(
                f"{self.what}: expected one number as {called}, found {found.min():g} to {found.max():g} among synapses"
            )
        return float(found.ravel()[0])
