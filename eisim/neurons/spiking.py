"""Base of spiking neurons."""

import re
from collections.abc import Callable, Iterable
from dataclasses import fields, replace
from typing import Any, ClassVar, Literal

import numpy as np

from eisim.base.elementary import expm1
from eisim.base.errors import InputError
from eisim.base.units import Measured
from eisim.base.values import Value
from eisim.neurons.kinetics import RISING, quantity_of

_DIFFERENTIAL = re.compile(r"^\s*d(\w+)/dt\b.*:\s*([^(\n]*)", re.MULTILINE)
#: Units of equations by their names in Brian2.
_UNITS = {"volt": "volt", "siemens": "siemens", "amp": "ampere", "hertz": "hertz", "Hz": "hertz", "1": "1"}

#: Letters of receptors of each sign; all but the first of each are of neurons of equations.
EXCITATORY, INHIBITORY = "efgh", "ijkl"


def differential(equations: str) -> dict[str, str]:
    """Variables of the differential equations in a text, with their units as it has them."""
    return {name: unit.strip() for name, unit in _DIFFERENTIAL.findall(equations)}


def forget_order(cls, parts: Iterable[str]) -> None:
    """Take it for unknown whether a class is non-decreasing that defines one of these parts and does not say so."""
    if "non_decreasing" not in vars(cls) and not vars(cls).keys().isdisjoint(parts):
        cls.non_decreasing = None


class SpikingNeuron(Value):
    """Base of all spiking neurons: assembles their equations, steps and events from their receptors.

    The equations of a receptor use variables that end in its letter: e for excitation, i for inhibition, n for
    NMDA. A *pool* holds what all neurons of a population receive alike (`eisim.weights.AllToAll`), in the same
    variables.
    """

    tau: float
    rest: float
    threshold: float
    reset: float
    refractory: float
    noise: float
    equations: Callable[..., str]
    excitation: Any
    inhibition: Any
    drive_unit: str

    kind: ClassVar[Literal["spiking"]] = "spiking"
    state_unit = "volt"
    #: Whether more input never lowers the rate; ``None`` where that is not shown. A class with equations says so.
    non_decreasing: ClassVar[bool | None] = None
    #: Whether a population of these can have a bias.
    takes_bias = True
    excitatory_class = "monotone functions, as far as a rate code carries them"
    #: Condition of a spike, as Brian2 text.
    spikes_when = "v > threshold"
    #: Parameters of the membrane that its equations have but a step does not use, with their units.
    membrane: ClassVar[dict[str, str]] = {}
    #: What its receptors can be.
    takes: ClassVar[dict[str, tuple[type, ...]]] = {}

    def __init_subclass__(cls, **keywords):
        super().__init_subclass__(**keywords)
        forget_order(cls, ("equations", "step", "after_spike", "spikes_when"))

    def __post_init__(self):
        super().__post_init__()
        what = type(self).__name__
        if getattr(self, "reset", -np.inf) >= getattr(self, "threshold", np.inf):
            expected = f"less than the threshold {self.threshold * 1e3:g} mV"
            raise InputError(f"{what}.reset: expected {expected}, found {self.reset * 1e3:g} mV")
        for name, kinds in self.takes.items():
            given = getattr(self, name)
            if not isinstance(given, kinds) and (name, given) != ("nmda", None):
                expected = " or ".join(f"{kind.__name__}(...)" for kind in kinds)
                raise InputError(f"{what}.{name}: expected {expected}, found {given!r}")

    @property
    def receptors(self) -> dict[str, Any]:
        """Receptors by letter."""
        found = {"e": self.excitation, "i": self.inhibition, "n": getattr(self, "nmda", None)}
        return {letter: receptor for letter, receptor in found.items() if receptor is not None}

    @property
    def structure(self) -> str:
        """A key that distinguishes neurons with different code."""
        return type(self).__name__.lower() + "_" + "".join(r.letter for r in self.receptors.values())

    @property
    def states(self) -> dict[str, str]:
        """The state variables that can be given at the start, with their units; the membrane's is the first.

        They are those of the differential equations whose unit eisim reads.
        """
        found = {name: _UNITS[unit] for name, unit in differential(self.equations()).items() if unit in _UNITS}
        return {"v": self.state_unit} | found

    def turns(self, letter: str) -> bool | None:
        """Whether the effect of a receptor on the membrane changes sign between rest or reset and threshold.

        ``None`` for one without a reversal potential.
        """
        reversal = getattr(self.receptors[letter], "reversal", None)
        if reversal is None:
            return None
        return bool(reversal > min(self.rest, self.reset) if letter in INHIBITORY else reversal < self.threshold)

    def area(self, letter: str) -> float:
        """Mean input that a rate of 1 Hz causes through a synapse of weight 1 at this receptor, in s."""
        return self.receptors[letter].area

    def spike_adds(self, letter: str) -> str:
        """The variable that a presynaptic spike adds to, with the factor of the weight, as Brian2 text."""
        kind = self.receptors[letter].letter
        if kind == "d":
            return "v_post += {}"
        variable = "x" if kind in RISING else quantity_of(self)
        return f"{variable}_{letter}_post += {f'{np.e!r}*' if kind == 'a' else ''}{{}}"

    @property
    def quantities(self) -> dict[str, Measured]:
        """The parameters that are quantities, with their units."""
        return {
            f.name: Measured(getattr(self, f.name), f.metadata["unit"]) for f in fields(self) if "unit" in f.metadata
        }

    def with_values(self, **values: float) -> "SpikingNeuron":
        """The neuron with other values of some of its `quantities`, in SI units."""
        return replace(self, **values)

    def without_noise(self) -> "SpikingNeuron":
        """The neuron without noise."""
        return replace(self, noise=0.0) if self.noise else self

    def stepped(self, dt: float) -> "SpikingNeuron":
        """The neuron whose noise-free f-I curve is that of this one in steps of `dt` (s); itself by default."""
        return self

    @property
    def step_units(self) -> dict[str, str]:
        """The parameters that a step and a reset use, with their Brian2 units."""
        units = dict.fromkeys(("rest", "threshold", "reset", "noise_step"), self.state_unit)
        units |= {"hold": "integer", "leak": "siemens", "elapse": "second/farad", "steepness": "1/volt"}
        units |= {f"E_{k}": "volt" for k in self.receptors}
        return {name: units.get(name, "1") for name in self.step_parameters(dt=1e-4)}

    def step_parameters(self, dt: float) -> dict[str, Any]:
        """Values of the parameters that a step of length `dt` (s) uses, in SI units."""
        return {
            "rest": self.rest,
            "threshold": self.threshold,
            "reset": self.reset,
            "noise_step": self.noise * np.sqrt(-expm1(-2 * dt / self.tau)),
            "hold": held_steps(self.refractory, dt),
        }

    @property
    def placeholders(self) -> dict[str, str]:
        """Names that the equations have but a step does not use, with their units."""
        taus = {f"tau_{k}": "second" for k, receptor in self.receptors.items() if receptor.letter != "d"}
        return self.membrane | taus | {f"rise_{k}": "second" for k, r in self.receptors.items() if r.letter in "rn"}

    @staticmethod
    def after_spike(carrying: bool) -> str:
        """The effect of a spike on the membrane, as Brian2 text; if `carrying`, the excess over threshold is kept."""
        return f"v = reset{' + carry*(v - threshold)' if carrying else ''}"

    def receptor_of(self, name: str, sign: int) -> str:
        """Letter of the receptor that a projection names, by default that of its sign; ``InputError`` for others."""
        known = {"excitation": "e", "inhibition": "i", "nmda": "n"}
        letter = known.get(name) if name else "ei"[sign < 0]
        if letter not in self.receptors:
            has = ", ".join(repr(n) for n, letter in known.items() if letter in self.receptors)
            raise InputError(f"receptor: expected one that {type(self).__name__} has ({has}), found {name!r}")
        return letter


def held_steps(refractory: float, dt: float) -> np.int32:
    """Steps without integration after a spike, of a refractory period and steps of `dt` (s)."""
    steps = np.floor(refractory / dt + 1e-3)
    if steps >= 2**30:  # which is added to the number of a step
        raise InputError(
            f"refractory: expected less than {2**30 * dt:g} s in steps of {dt:g} s (that is without another spike), "
            f"found {refractory:g} s"
        )
    return np.int32(steps)


def noise_free_rate(neuron, tau, drive):
    """Rate in Hz of a leaky integrate-and-fire neuron whose membrane would settle at rest + drive (V)."""
    rheobase = neuron.threshold - neuron.rest
    above = neuron.rest + drive > neuron.threshold  # as it is rounded below
    v_inf = neuron.rest + np.where(above, drive, 2 * rheobase if rheobase > 0 else rheobase + 1)
    interval = neuron.refractory + tau * np.log((v_inf - neuron.reset) / (v_inf - neuron.threshold))
    return np.where(above, 1 / interval, 0.0)
