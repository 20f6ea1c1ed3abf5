"""A rule by which synapses learn, of a user's equations."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from eisim.base.errors import InputError, did_you_mean
from eisim.base.units import Measured, scalar_si, unit_of
from eisim.base.values import Explained
from eisim.neurons.dynamics import check_given
from eisim.plasticity import text as _text
from eisim.plasticity.text import LARGEST, METHODS, OF_WEIGHTS, Code, Text


@dataclass(frozen=True, init=False, repr=False)
class PlasticityRule(Explained):
    r"""How the weight of a synapse changes in the long term, in any equations that Brian2 takes.

    The weight ``w`` is a magnitude in the unit of the target's weights. After every change it is held within 0 and
    `largest`, so that a synapse keeps the sign of its source (Dale's law). Each copy of a circuit, one for each seed
    and trial, has weights of its own, which start at those of the circuit. A spike that arrives is transmitted with
    the weight that it finds, and then changes it.

    A synapse has variables of its own, which start at 0. They change by differential equations, at spikes
    (``event-driven``, which must be linear) or in every time step (``clock-driven``), and by what spikes do. The delay
    of a projection delays its presynaptic spikes; postsynaptic ones act in the step in which they are fired. In one
    step presynaptic spikes act first.

    Parameters
    ----------
    equations : str
        Equations of Brian2, one a line, such as ``"dx/dt = -x/tau : 1 (event-driven)"``; also variables that only
        spikes change, ``"n : 1"``. Of rate units ``r_pre`` and ``r_post`` are the rates that reach the synapse and of
        its target, as in ``"dw/dt = r_pre*r_post/c : 1"``. The unit ``weight`` is that of the target's weights.
    on_pre, on_post : str
        What a presynaptic and a postsynaptic spike do, such as ``"x += 1; w -= A*y"``. Besides ``w``, the variables
        and the parameters they can read `largest`, the time ``t`` and the time step ``dt``.
    largest : quantity, optional
        The largest weight, in the unit of the target's weights; by default there is none.
    method : {"euler", "exponential_euler", "exact", "linear", "rk2", "rk4"}
        Method of integration of what changes in every step.
    name : str
        What tables call the rule.
    parameters : dict of str to quantity
        The same as `**more`.
    **more : quantity
        Values of all other names in the equations.

    Raises
    ------
    InputError
        For text that Brian2 does not take, names without a value, values without a name in the text, functions other
        than those of arithmetic, or a rule that changes no weight. Units are checked by the circuit, which knows that
        of the weights.

    Examples
    --------
    >>> from brian2 import ms, nS
    >>> from eisim.plasticity import PlasticityRule
    >>> PlasticityRule(
    ...     "dx/dt = -x/tau : 1 (event-driven)",
    ...     on_pre="x += 1",
    ...     on_post="w += A*x*(1 - w/largest)",
    ...     tau=20 * ms,
    ...     A=0.05 * nS,
    ...     largest=2 * nS,
    ... ).variables
    ['x']
    """

    equations: str
    on_pre: str = ""
    on_post: str = ""
    largest: Measured | None = None
    method: str = "euler"
    name: str = "PlasticityRule"
    parameters: tuple = ()

    def __init__(
        self,
        /,
        equations: str = "",
        on_pre: str = "",
        on_post: str = "",
        *,
        largest=None,
        method: str = "euler",
        name: str = "PlasticityRule",
        parameters: Mapping[str, Any] | tuple = (),
        **more,
    ):
        texts = {"equations": equations, "on_pre": on_pre, "on_post": on_post, "method": method, "name": name}
        for which, given in texts.items():
            if not isinstance(given, str):
                raise InputError(f"PlasticityRule: {which}: expected text, found {given!r:.60}")
            object.__setattr__(self, which, given)
        if not name.isprintable() or not name.strip():
            raise InputError(f"PlasticityRule: name: expected one line of printable text, found {name!r:.60}")
        if method not in METHODS:
            raise InputError(
                f"PlasticityRule: method: expected one of {', '.join(METHODS)}, found {method!r}"
                f"{did_you_mean(method, METHODS)}"
            )
        object.__setattr__(self, LARGEST, None if largest is None else of_weights(largest, f"{name}: largest"))
        if largest is not None and not self.largest > 0:
            raise InputError(f"{name}: largest: expected more than 0, found {largest}")
        values = _joined(parameters, more, name)
        values = {key: _measured(value, f"{name}: {key}") for key, value in values.items()}
        object.__setattr__(self, "parameters", tuple(sorted(values.items())))
        self._check_names()

    def __repr__(self):
        values = [f"{key}={value}" for key, value in (*self.parameters, ("largest", self.largest)) if value is not None]
        return f"<{self.name}: {', '.join(values)}>"

    def __getitem__(self, name: str) -> Measured:
        """The value of a parameter."""
        known = dict(self.parameters)
        if name not in known:
            raise InputError(f"{self.name}: expected a parameter ({', '.join(known)}), found {name!r}")
        return known[name]

    def _check_names(self):
        text, given = self.text, dict(self.parameters)
        check_given(self.name, "the rule uses", text.names, given, text.variables)
        if text.is_bounded and self.largest is None:
            raise InputError(f"{self.name}: largest: expected a value, since the rule uses it, found none")

    @property
    def _texts(self):
        return self.equations, self.on_pre, self.on_post

    @property
    def text(self) -> Text:
        """The rule as it was read."""
        return _text.read(*self._texts)

    @property
    def variables(self) -> list[str]:
        """The variables of a synapse besides its weight."""
        return self.text.variables

    def units(self, unit: str) -> dict[str, str]:
        """Units of the weight and the variables, for weights of a unit."""
        return _text.read(*self._texts, unit).units

    def parameter_units(self, unit: str) -> dict[str, str]:
        """Units of the parameters, for weights of a unit."""
        return {name: unit if value.unit == OF_WEIGHTS else value.unit for name, value in self.parameters}

    def code(self, unit: str) -> Code:
        """What a simulation runs, for weights of a unit."""
        return _text.code_of(self._texts, tuple(self.parameter_units(unit).items()), unit, self.method)

    def check(self, kind: str, unit: str) -> None:
        """Refuse a rule that synapses onto neurons of a kind, with weights of a unit, cannot have."""
        of_spikes = self.on_pre.strip() or self.on_post.strip() or self.text.event_driven
        if kind == "rate" and of_spikes:
            raise InputError(f"expected a rule of rates (r_pre, r_post) onto rate units, found {self.name} of spikes")
        if kind == "spiking" and self.text.has_rates:
            raise InputError(f"expected a rule of spikes (on_pre, on_post), found {self.name} of rates")
        if self.largest is not None and self.largest.unit not in (unit, OF_WEIGHTS):
            raise InputError(f"largest: expected {unit}, as the target has its weights, found {self.largest}")
        _text.check_units(self._texts, tuple(self.parameter_units(unit).items()), unit)
        self.code(unit)

    def with_values(self, **values) -> "PlasticityRule":
        """The rule with other values of some of its parameters, or another largest weight."""
        given = {f.name: getattr(self, f.name) for f in fields(self)}
        known = dict(self.parameters)
        for key, value in values.items():
            if key == LARGEST:
                given[LARGEST] = value
            elif key in known:
                known[key] = self._revised(key, known[key], value)
            else:
                names = [*known, LARGEST]
                raise InputError(
                    f"{self.name}: expected parameters ({', '.join(names)}), found {key!r}{did_you_mean(key, names)}"
                )
        return PlasticityRule(**given | {"parameters": known})

    def _revised(self, key, known, value):
        """Another value of a parameter, in its unit; one of a named rule keeps its sign."""
        what = f"{self.name}: {key}"
        unit = (unit_of(value) or OF_WEIGHTS) if known.unit == OF_WEIGHTS else known.unit
        found = Measured(scalar_si(value, unit, what), unit)
        if self.name != type(self).__name__ and (found < 0 or (found == 0 and unit == "second")) and known >= 0:
            raise InputError(f"{what}: expected {'more than 0' if unit == 'second' else '0 or more'}, found {found}")
        return found


def _joined(parameters, more, name):
    """Parameters that are given as a dict and by their names, as one dict."""
    try:
        given = dict(parameters)
    except (TypeError, ValueError):
        raise InputError(
            f"{name}: parameters: expected a dict of names to quantities, found {parameters!r:.60}"
        ) from None
    if wrong := [key for key in given if not isinstance(key, str)]:
        raise InputError(f"{name}: parameters: expected names, found {wrong[0]!r:.60}")
    if twice := sorted(given.keys() & more.keys()):
        raise InputError(f"{name}: {twice[0]}: expected one value, found another among parameters")
    return given | more


def of_weights(value, what: str) -> Measured:
    """A quantity in the unit of weights; a plain number is in whichever that is, in SI units."""
    unit = unit_of(value) or OF_WEIGHTS
    return Measured(scalar_si(value, unit, what), unit)


def _measured(value, what):
    unit = unit_of(value) or "1"
    return Measured(scalar_si(value, unit, what), unit)
