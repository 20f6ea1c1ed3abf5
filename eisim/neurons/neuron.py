"""A spiking neuron of a user's equations."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from hashlib import sha256
from typing import Any

from eisim.base.errors import InputError, did_you_mean
from eisim.base.units import Measured, scalar_si, unit_of
from eisim.base.values import Value, quantity, revised
from eisim.neurons import dynamics as _dynamics
from eisim.neurons.currents import Current, sign_of
from eisim.neurons.currents import read as read_current
from eisim.neurons.dynamics import MEMBRANE, METHODS, Dynamics
from eisim.neurons.expressions import names_in, parse, plain, value_of, with_floats
from eisim.neurons.spiking import EXCITATORY, INHIBITORY, SpikingNeuron, held_steps

#: In code each name of a user's has this before it, so that none is one of ours.
PREFIX = "own_"
#: Distance of the keys of several noises of one neuron: far more than Poisson drives of one neuron have.
_NEXT_NOISE = 1 << 20
#: Currents that are recorded of all neurons: injected ones, and those of gap junctions.
_OTHER_CURRENTS = ("I_ext", "I_gap")
#: Relative error of a coefficient of a step, by rounding, above which it is refused.
_LARGEST_ERROR = 1e-6


@dataclass(frozen=True)
class Variable:
    """A variable of a user's equations as the receptor that presynaptic spikes add to."""

    name: str

    letter = "d"  # has no kinetics but those of the equations
    release = None


@dataclass(frozen=True, init=False, repr=False)
class Neuron(SpikingNeuron):
    r"""A spiking neuron of any equations that Brian2 takes.

    .. math:: \dot{x} = f(x, p) + \sum_k \sigma_k(x, p)\,\xi_k(t)

    for the variables :math:`x`, of which the membrane potential is called ``v``, and the parameters :math:`p`. A spike
    of an excitatory source adds its weight to the variable that `excitation` names. One of an inhibitory source adds
    it to the variable of `inhibition` if that lowers ``dv/dt`` with ``v`` at threshold, as a conductance does whose
    reversal potential lies below, and takes it off if the variable raises it, as a current does. Where the effect
    depends on more than that, the equations are refused until the user says it: ``inhibition="-I"`` takes weights
    off, ``"+g"`` adds them.

    A step is the one that Brian2's method of integration makes of the equations, with whole powers as products and,
    where noise is, standard normal numbers from the key of the neuron; these steps depend on nothing else in the
    batch. ``exp``, ``expm1``, ``exprel``, ``log`` and ``log1p`` give the same bits in C++ and NumPy; trigonometric and
    hyperbolic functions and powers that are no whole numbers are those of a C library and of NumPy, which can differ
    in the last place.

    Parameters
    ----------
    model : str
        Equations of Brian2, one a line, such as ``"dv/dt = (E - v)/tau : volt (unless refractory)"``; also
        subexpressions, ``"I_m = g*(E - v) : amp"``, and variables that only a reset changes, ``"k : 1"``.
    threshold : str
        Condition of a spike, such as ``"v > -50*mV"``.
    reset : str
        What a spike does, such as ``"v = -65*mV; w += b"``; nothing by default.
    refractory : quantity
        Time after a spike in which there is no other, and variables that are ``(unless refractory)`` stay as they are.
    excitation, inhibition : str, optional
        Variables that spikes of excitatory and of inhibitory sources act on; a neuron without takes no such synapses.
        There can be several of a sign, up to four, with commas between them, such as those of compartments: a
        projection names one as its `receptor`, and acts on the first by default.
    drive : str, optional
        Variable that is declared without an equation, ``"I : amp"``, and has the `bias` of the population as its
        value. Without, a population has no bias.
    method : {"euler", "exponential_euler", "exact", "linear", "rk2", "rk4", "heun", "milstein"}, optional
        Method of integration; by default the first of "exact", "euler" and "heun" that can integrate the equations, as
        in Brian2. "exact" and "linear" take up to 8 equations, and time to solve them.
    initial : dict of str to quantity, optional
        Initial values of variables. By default ``v`` is what the reset makes of it if that is one number, and all
        others are 0.
    name : str
        What tables call the model.
    rises : bool, optional
        Whether its rate is non-decreasing in a constant drive, as `eisim.analysis.fi_curve.fi_curve` shows for the
        drives that it measures. Other values of parameters, and a spread of them, make it unknown again.
    parameters : dict of str to quantity
        The same as `**more`.
    **more : quantity
        Values of all other names in the equations.

    Raises
    ------
    InputError
        For equations that Brian2 does not take, units that do not agree, names without a value, values without a name
        in the equations, functions other than those of arithmetic, a method that cannot integrate them, or a variable
        of a synapse whose effect is not known.

    Examples
    --------
    >>> from brian2 import ms, mV
    >>> from eisim import Neuron
    >>> Neuron(
    ...     '''dv/dt = (E - v + I_e + I_i)/tau : volt (unless refractory)
    ...     dI_e/dt = -I_e/tau_e : volt
    ...     dI_i/dt = -I_i/tau_i : volt''',
    ...     threshold="v > -50*mV",
    ...     reset="v = E",
    ...     refractory=2 * ms,
    ...     excitation="I_e",
    ...     inhibition="I_i",
    ...     tau=10 * ms,
    ...     tau_e=5 * ms,
    ...     tau_i=8 * ms,
    ...     E=-65 * mV,
    ... ).signed_weights
    True
    """

    model: str
    threshold: str
    reset: str
    refractory: float = quantity(0.0, "second", non_negative=True, huge=0.5)
    excitation: str | None = None
    inhibition: str | None = None
    drive: str | None = None
    method: str | None = None
    initial: tuple = ()
    parameters: tuple = ()
    name: str = "Neuron"
    rises: bool | None = None

    #: Steps of any equations may overflow.
    can_diverge = True
    excitatory_class = "not known: whether the rate is non-decreasing in the input is not shown for equations of users"

    def __init__(
        self,
        model: str,
        *,
        threshold: str,
        reset: str = "",
        refractory=0.0,
        excitation: str | None = None,
        inhibition: str | None = None,
        drive: str | None = None,
        method: str | None = None,
        initial: Mapping[str, Any] | tuple | None = None,
        name: str = "Neuron",
        rises: bool | None = None,
        parameters: Mapping[str, Any] | tuple = (),
        **more,
    ):
        texts = {"model": model, "threshold": threshold, "reset": reset, "name": name}
        texts |= {"excitation": excitation, "inhibition": inhibition, "drive": drive, "method": method}
        for which, text in texts.items():
            if not isinstance(text, str) and not (text is None and which in list(texts)[4:]):
                raise InputError(f"Neuron: {which}: expected text, found {text!r:.60}")
            object.__setattr__(self, which, text)
        if not name.isprintable() or not name.strip():
            raise InputError(f"Neuron: name: expected one line of printable text, found {name!r:.60}")
        if isinstance(refractory, bool):
            raise InputError(f"Neuron: refractory: expected a time such as 2*ms, found {refractory}")
        if not (rises is None or isinstance(rises, bool)):
            raise InputError(f"Neuron: rises: expected True, False or None, found {rises!r:.60}")
        object.__setattr__(self, "rises", rises)
        before = _measured(parameters, "parameters", {})
        values = before | _measured(more, "parameters", {name: each.unit for name, each in before.items()})
        object.__setattr__(self, "refractory", refractory)
        object.__setattr__(self, "parameters", tuple(sorted(values.items())))
        object.__setattr__(self, "initial", initial)
        self.__post_init__()

    def __post_init__(self):
        Value.__post_init__(self)
        units = tuple((name, value.unit) for name, value in self.parameters)
        _dynamics.check_units(*self._texts, units)
        self._check_drive()
        known = {name: unit for name, unit in self.units.items() if name not in self.dynamics.subexpressions}
        initial = {} if self.initial is None else self.initial
        object.__setattr__(self, "initial", tuple(sorted(_measured(initial, "initial", known, True).items())))
        if self.method is not None and self.method not in METHODS:
            expected = f"one of {', '.join(METHODS)}"
            raise InputError(
                f"Neuron: method: expected {expected}, found {self.method!r}{did_you_mean(self.method, METHODS)}"
            )
        _ = self._statements, self.equations(), self.spikes_when, self.after_spike(carrying=False)
        self._check_synapses()

    def __repr__(self):
        values = ", ".join(f"{name}={value}" for name, value in self.parameters)
        return f"<{self.name}: {' and '.join(self.dynamics.derivatives)}; {values}>"

    def __getitem__(self, name: str) -> Measured:
        """The value of a parameter."""
        known = dict(self.parameters)
        if name not in known:
            raise InputError(f"{self.name}: expected a parameter ({', '.join(known)}), found {name!r}")
        return known[name]

    @property
    def _texts(self):
        return self.model, self.threshold, self.reset

    @property
    def dynamics(self) -> Dynamics:
        """The equations as they were read."""
        return _dynamics.read(*self._texts)

    @property
    def names(self) -> frozenset[str]:
        """The names of all variables and parameters."""
        return self.dynamics.names | set(self.dynamics.variables)

    @property
    def integration(self) -> str:
        """The method of integration that is taken: `method`, or the first that can integrate the equations."""
        return self._step[0]

    @property
    def units(self) -> dict[str, str]:
        """The variables that have a value for each neuron, and can be recorded, with their units.

        Their names in the simulator's code are those of `code_name`.
        """
        return {name: self.dynamics.units[name] for name in self.dynamics.variables if name != self.drive}

    @property
    def states(self) -> dict[str, str]:
        """The state variables, those that only a reset changes included, with their units; ``v`` is the first."""
        found = [*self.dynamics.derivatives, *self.dynamics.declared]
        units = {name: self.dynamics.units[name] for name in found if name != self.drive}
        return {MEMBRANE: units[MEMBRANE]} | units

    @property
    def has_internal_states(self) -> bool:
        """Whether there are state variables besides the membrane potential and what synapses add to."""
        return bool(set(self.states) - {MEMBRANE} - {variable for _, variable in self._targets.values()})

    def code_name(self, name: str) -> str:
        """The name of a variable or parameter in the simulator's code."""
        return self._names.get(name, name)

    @property
    def _names(self):
        return _code_names(self._texts, self.drive)

    @property
    def values(self) -> dict[str, float]:
        """Value of every parameter, and of every variable at the start, in SI units."""
        return _start(self._texts, self.parameters, self.initial)

    @property
    def rest(self) -> float:
        """The membrane potential at the start, if a population does not say it."""
        return self.values[MEMBRANE]

    @property
    def noise(self) -> float:
        """Whether there is noise, as 1 or 0."""
        return float(bool(self.dynamics.noises))

    def without_noise(self) -> "Neuron":
        """The neuron with every xi at 0."""
        quiet = dict.fromkeys(self.dynamics.noises, "(0*second**-0.5)")
        return self if not quiet else self._with(model=_dynamics.renamed(self.model, quiet), rises=None)

    def _with(self, **changes):
        given = {f.name: getattr(self, f.name) for f in fields(self)} | changes
        given["parameters"] = dict(given["parameters"])
        return Neuron(given.pop("model"), **given)

    @property
    def quantities(self) -> dict[str, Measured]:
        return {"refractory": Measured(self.refractory, "second")} | dict(self.parameters)

    def with_values(self, **values: float) -> "Neuron":
        changed = dict(self.parameters)
        for name in set(values) & set(changed):
            changed[name] = Measured(values.pop(name), changed[name].unit)
        changes = {"parameters": tuple(sorted(changed.items())), **values}
        is_same = all(getattr(self, name) == value for name, value in changes.items())
        return revised(self, **{"rises": self.rises if is_same else None, **changes})

    @property
    def state_unit(self) -> str:
        """Unit of the membrane potential."""
        return self.units[MEMBRANE]

    @property
    def drive_unit(self) -> str:
        """Unit of the bias."""
        return self.dynamics.units[self.drive] if self.drive else "1"

    @property
    def non_decreasing(self) -> bool | None:
        """Whether more input never lowers the rate; ``None`` where that was not measured."""
        return self.rises

    @property
    def takes_bias(self) -> bool:
        """Whether a population can have a bias."""
        return self.drive is not None

    @property
    def weight_unit(self) -> str:
        """Unit of the weights of synapses onto this neuron."""
        return next((self.units[variable] for _, variable in self._targets.values()), "1")

    @property
    def _targets(self):
        """Sign that the user gives ("" for none) and variable, by letter."""
        found = {}
        for letters, texts in ((EXCITATORY, self.excitation), (INHIBITORY, self.inhibition)):
            for letter, text in zip(letters, (texts or "").split(","), strict=False):
                if text := text.strip():
                    found[letter] = (text[: text[:1] in "+-"], text.lstrip("+-").strip())
        return found

    @property
    def signed_weights(self) -> bool:
        """Whether the weights of inhibitory synapses enter with a minus sign."""
        return any(self._subtracts(letter) for letter in self._targets if letter in INHIBITORY)

    def _subtracts(self, letter):
        said, variable = self._targets[letter]
        return said == "-" if said else _direction(self._texts, variable, self.parameters, self.initial)[0] > 0

    def turns(self, letter: str) -> bool | None:
        """Whether the effect of a receptor changes sign between the membrane potential at the start and threshold.

        ``None`` where it is that of a current, or not known.
        """
        variable = self._targets[letter][1]
        found = effect_of(self, variable)
        if found is None or not found[1]:
            return None
        wanted = -1.0 if letter in INHIBITORY and not self._subtracts(letter) else 1.0
        return -wanted in _signs_below(self._texts, variable, self.parameters, self.initial)

    @property
    def receptors(self) -> dict[str, Variable]:
        return {letter: Variable(variable) for letter, (_, variable) in self._targets.items()}

    @property
    def currents(self) -> dict[str, Current]:
        """The synaptic currents that can be read from the equations, by the names under which they are recorded.

        ``I_e`` and ``I_i`` are those of the first receptor of each sign; others have the name of their receptor, as
        ``I_de`` of ``g_de``. Variables of the equations keep their names.
        """
        targets = {letter: variable for letter, (_, variable) in self._targets.items()}
        units, found = tuple((name, value.unit) for name, value in self.parameters), {}
        for letter, variable in targets.items():
            name = self._current_name(letter)
            if name not in {*self.dynamics.units, *found, *_OTHER_CURRENTS}:
                others = frozenset(targets.values()) - {variable}
                found[name] = read_current(self._texts, self.drive, variable, others, units)
        return {name: current for name, current in found.items() if current is not None}

    @property
    def current_signs(self) -> dict[str, tuple[str, int]]:
        """The name under which the current through each receptor is recorded, and its sign, by letter of the receptor.

        The sign is 1 where a positive current depolarises, and -1 where it hyperpolarises, as a variable of the
        equations may; 0 where the equations do not show the current, or which it is.
        """
        found, read = {}, self.currents
        for letter, (_, variable) in self._targets.items():
            name = self._current_name(letter)
            if name in self.dynamics.units:
                sign = _sign_of(self._texts, name, self.parameters, self.initial)
            else:
                sign = int(name in read and read[name].receptor == variable)
            found[letter] = name, sign
        return found

    def _current_name(self, letter):
        first = letter in (EXCITATORY[0], INHIBITORY[0])
        return f"I_{letter if first else self._targets[letter][1].removeprefix('g_')}"

    @property
    def structure(self) -> str:
        words = repr((self._texts, self.drive, self.method, sorted(dict(self.parameters))))
        return f"neuron_{sha256(words.encode()).hexdigest()[:12]}"

    def _check_drive(self):
        if self.drive is None:
            return
        declared = self.dynamics.declared
        if self.drive not in declared or any(variable == self.drive for variable, _, _ in self.dynamics.reset):
            raise InputError(
                f"Neuron: drive: expected a variable that is declared without an equation, such as I in 'I : amp', "
                f"and that no reset changes, found {self.drive!r}"
            )

    def _check_synapses(self):
        for text in filter(None, (self.excitation, self.inhibition)):
            if text.count(",") >= len(EXCITATORY) or not all(part.strip("+- ") for part in text.split(",")):
                raise InputError(f"Neuron: expected 1 to {len(EXCITATORY)} variables of each sign, found {text!r:.60}")
            named = [part.strip().lstrip("+-").strip() for part in text.split(",")]
            if len(set(named)) < len(named) or re.search(r"[+-]\s*[+-]", text):
                raise InputError(
                    f"Neuron: expected different variables with at most one + or - before each, found {text!r:.60}"
                )
        for letter, (said, variable) in self._targets.items():
            excites = letter in EXCITATORY
            what = f"Neuron: {'excitation' if excites else 'inhibition'}"
            if variable not in self.dynamics.derivatives:
                known = ", ".join(self.dynamics.derivatives)
                raise InputError(
                    f"{what}: expected a variable with an equation ({known}), found {variable!r}"
                    f"{did_you_mean(variable, self.dynamics.derivatives)}"
                )
            if said:
                if excites and said == "-":
                    raise InputError(f"{what}: expected a variable that excites when it is raised, found '-{variable}'")
                continue
            found = _direction(self._texts, variable, self.parameters, self.initial)
            ways = f"excitation='+{variable}'" if excites else f"inhibition='-{variable}' or '+{variable}'"
            if found is None:
                raise InputError(
                    f"{what}: expected a variable that acts on dv/dt with v at threshold and the other variables at "
                    f"their initial values, found {variable!r}, whose effect is not known; write {ways}"
                )
            sign, turns = found
            if excites and sign < 0:
                raise InputError(
                    f"{what}: expected a variable that raises v at threshold, found {variable!r}, which lowers it; if "
                    f"that is meant, write {ways}"
                )
            if not excites and turns and sign > 0:
                raise InputError(
                    f"{what}: expected a variable that lowers v at threshold, found {variable!r}, whose reversal "
                    f"potential lies above; if that is meant, write {ways}"
                )
        if len({self._subtracts(letter) for letter in self._targets if letter in INHIBITORY}) > 1:
            raise InputError(
                "Neuron: inhibition: expected variables to which weights are all added (conductances) or that they are "
                f"all taken from (currents), found both in {self.inhibition!r}"
            )
        units = {self.units[variable] for _, variable in self._targets.values()}
        if len(units) > 1:
            raise InputError(
                "Neuron: expected variables of excitation and inhibition of one unit, found "
                f"{' and '.join(sorted(units))}"
            )

    def area(self, letter: str) -> float:
        raise InputError(f"{self.name}: a neuron of equations has no known mean input per spike; measure its rates")

    def activation(self, drive):
        raise InputError(
            f"{self.name}: a neuron of equations has no f-I curve in closed form; eisim.analysis.fi_curve.fi_curve "
            "measures it"
        )

    def receptor_of(self, name: str, sign: int) -> str:
        """Letter of the variable that a projection names, by default of the first of its sign."""
        firsts = {"excitation": EXCITATORY[0], "inhibition": INHIBITORY[0]}
        by_name = {variable: letter for letter, (_, variable) in self._targets.items()} | firsts
        letter = by_name.get(name, "") if name else (EXCITATORY, INHIBITORY)[sign < 0][0]
        if letter not in self._targets:
            has = ", ".join(repr(variable) for _, variable in self._targets.values()) or "none"
            raise InputError(f"receptor: expected one that {self.name} has ({has}), found {name!r}")
        return letter

    def spike_adds(self, letter: str) -> str:
        return f"{self.code_name(self._targets[letter][1])}_post += {{}}"

    @property
    def _statements(self):
        return self._step[1]

    @property
    def _step(self):
        names = tuple(name for name, _ in self.parameters)
        return _dynamics.step(*self._texts, names, self.method)

    def equations(self, pooled: bool = False) -> str:
        """The Brian2 equations, with names as in code."""
        found, lines = self.dynamics, []
        for name, expression in found.given.items():
            flag = " (unless refractory)" if name in found.held else ""
            lines.append(f"d{name}/dt = {expression} : {found.units[name]}{flag}")
        for name, expression in found.subexpressions.items():
            lines.append(f"{name} = {with_floats(expression)} : {found.units[name]}")
        lines += [f"{name} : {found.units[name]}" for name in found.declared if name != self.drive]
        derivatives = {f"d{name}": f"d{self.code_name(name)}" for name in found.derivatives}
        return "".join(f"\n    {_dynamics.renamed(line, self._names | derivatives)}" for line in lines) + "\n    "

    def step(self, noisy: bool, pooled: bool = False, arrivals: str = "") -> str:
        """One step of the equations, as Brian2 abstract code; `arrivals`: code that adds Poisson spikes."""
        lines = []
        for k, noise in enumerate(self.dynamics.noises):
            key = f"key + {k * _NEXT_NOISE}" if k else "key"
            lines.append(f"{noise} = sqrt(dt)*gaussian({key}, t_in_timesteps)")
        lines += [_dynamics.renamed(line, self._names) for line in plain(self._statements)]
        return "".join(f"\n        {line}" for line in [*lines, *arrivals.splitlines()]) + "\n        "

    @property
    def spikes_when(self) -> str:
        """Condition of a spike, as Brian2 text."""
        return self._expression(self.threshold)

    def after_spike(self, carrying: bool) -> str:
        """The effect of a spike, as Brian2 text."""
        return "\n".join(
            f"{self.code_name(variable)} {operation} {self._expression(value)}"
            for variable, operation, value in self.dynamics.reset
        )

    def _expression(self, text):
        return _dynamics.renamed(with_floats(text), self._names)

    @property
    def placeholders(self) -> dict[str, str]:
        return {}

    @property
    def step_units(self) -> dict[str, str]:
        units = {self.code_name(name): value.unit for name, value in self.parameters}
        return units | {"rest": self.state_unit, "noise_step": "1", "hold": "integer"}

    def step_parameters(self, dt: float) -> dict[str, Any]:
        self._check_step(dt)
        values = {
            self.code_name(name): value for name, value in self.values.items() if name not in (MEMBRANE, self.drive)
        }
        hold = held_steps(self.refractory, dt)
        return values | {"rest": self.rest, "noise_step": self.noise, "hold": hold}

    def _check_step(self, dt):
        """Refuse a step that has no value, or a wrong one, as that of "exact" where two time constants are equal."""
        values = _dynamics.units_in() | self.values | {"dt": dt, "t": 0.0, "not_refractory": 1.0}
        values |= dict.fromkeys(self.dynamics.noises, 0.0)
        start, (method, statements) = dict(values), self._step
        for line in statements:
            name, _, expression = line.partition(" = ")
            values[name] = value_of(parse(expression, "Neuron: step"), values)
            if not math.isfinite(values[name]):
                by = f"method={self.method!r}" if self.method else "the default method"
                raise InputError(
                    f"{self.name}: expected a first step from the initial values that is finite, found "
                    f"{name.lstrip('_')} = {values[name]} by {by} (are two time constants equal? "
                    "Then change one by a millionth, or name another method)"
                )
        if method in ("exact", "linear"):
            error = _dynamics.exact_error(self.dynamics, statements, start)
            if error > _LARGEST_ERROR:
                raise InputError(
                    f"{self.name}: expected a step by method={method!r} with an error of at most {_LARGEST_ERROR:g}, "
                    f"found {error:.2g} (are two time constants nearly equal? Then change one by a millionth, or name "
                    "another method)"
                )


def model_name(neuron) -> str:
    """What messages call the model of a neuron."""
    return neuron.name if isinstance(neuron, Neuron) else type(neuron).__name__


def _measured(given, what, units, is_closed=False):
    """Quantities by name, as numbers that know their unit; `units` are those of plain numbers."""
    if isinstance(given, tuple):
        given = dict(given)
    if not isinstance(given, Mapping):
        raise InputError(f"Neuron: {what}: expected quantities by name, found {given!r:.60}")
    found = {}
    for name, value in given.items():
        if is_closed and name not in units:
            known = ", ".join(units)
            raise InputError(
                f"Neuron: {what}: expected variables of the equations ({known}), found {name!r}"
                f"{did_you_mean(name, units)}"
            )
        unit = (is_closed and units[name]) or unit_of(value) or units.get(name, "1")
        found[name] = Measured(scalar_si(value, unit, f"Neuron: {name}"), unit)
    return found


@lru_cache(maxsize=256)
def _code_names(texts, drive):
    """Names in code by those of the user."""
    found = _dynamics.read(*texts)
    names = {name: PREFIX + name for name in (*found.variables, *found.names) if name != MEMBRANE}
    return names | ({drive: "bias"} if drive else {})


@lru_cache(maxsize=4096)
def _start(texts, parameters, initial):
    """Values of the parameters, and of the variables at the start."""
    found, given = _dynamics.read(*texts), dict(initial)
    values = {name: float(value) for name, value in parameters}
    values |= {name: float(given.get(name, 0.0)) for name in (*found.derivatives, *found.declared)}
    if MEMBRANE not in given:
        after = [(operation, value) for variable, operation, value in found.reset if variable == MEMBRANE]
        if len(after) == 1 and after[0][0] == "=" and not names_in(parse(after[0][1], "")) & set(found.units):
            number = value_of(parse(after[0][1], ""), _dynamics.units_in() | values)
            values[MEMBRANE] = number if math.isfinite(number) else 0.0
    return values


@lru_cache(maxsize=4096)
def _direction(texts, variable, parameters, initial):
    return _dynamics.direction(_dynamics.read(*texts), variable, _all_values(texts, parameters, initial))


@lru_cache(maxsize=4096)
def _signs_below(texts, variable, parameters, initial):
    """Signs of the effect of a variable on v at the potential at the start and at threshold."""
    found, values = _dynamics.read(*texts), _all_values(texts, parameters, initial)
    return _dynamics.signs_at(found, variable, values, (values[MEMBRANE], _dynamics.level(found, values)))


def _all_values(texts, parameters, initial):
    """Values of all names of the equations at the start, without noise."""
    noises = _dynamics.read(*texts).noises
    return _dynamics.units_in() | _start(texts, parameters, initial) | {"t": 0.0} | dict.fromkeys(noises, 0.0)


def effect_of(neuron: Neuron, variable: str) -> tuple[int, bool] | None:
    """Whether a variable raises v at threshold, 1, or lowers it, -1, and whether that turns at a reversal potential.

    ``None`` where it is not known.
    """
    found = _direction(neuron._texts, variable, neuron.parameters, neuron.initial)
    return None if found is None else (int(found[0]), found[1])


@lru_cache(maxsize=4096)
def _sign_of(texts, variable, parameters, initial):
    found = _dynamics.read(*texts)
    values = _dynamics.units_in() | _start(texts, parameters, initial) | {"t": 0.0}
    values |= {name: values.get(name, 0.0) for name in found.units}  # of subexpressions, all but one are in place
    return sign_of(found, variable, values)
