"""Rate units: each relaxes towards its activation of the summed input."""

import re
from abc import abstractmethod
from dataclasses import dataclass, field, fields
from typing import ClassVar, Literal

import numpy as np

from eisim.base.elementary import exp, expm1, exprel, log1p
from eisim.base.errors import InputError
from eisim.base.values import Value, quantity
from eisim.neurons.spiking import differential, forget_order

MONOTONE = "monotone functions"
CONVEX = "monotone functions that are also convex and supermodular"
UNKNOWN = "not known: the activation is not known to be non-decreasing"


@dataclass(frozen=True)
class RateUnit(Value):
    r"""Base of all rate units.

    .. math::
        \tau \dot{r} &= -r + (1 - t_\mathrm{ref}\, r)\, \phi(u), \qquad u = b + \eta + \sum_j w_j r_j \\
        \dot{\eta} &= -\eta/\tau_\eta + \sigma \sqrt{2/\tau_\eta}\, \xi(t)

    The input :math:`u` and the rate :math:`r` are in Hz, weights are dimensionless. The steady rate is the activation
    :math:`\phi / (1 + t_\mathrm{ref}\, \phi)`. The factor :math:`1 - t_\mathrm{ref}\, r` is the share of neurons that
    are not refractory (Wilson & Cowan 1972); with :math:`t_\mathrm{ref} = \gamma \tau` and
    :math:`r = S/(\gamma \tau)` it is also the saturation of NMDA receptors of gating :math:`S` (Wong & Wang 2006).

    The step is Euler's. It keeps the order of inputs while the leak ``1 - dt/tau*(1 + refractory*phi)`` is not
    negative. For units with a maximum a larger step is refused; where :math:`\phi` has no bound, ``dt <= tau`` is asked
    for and the rest is the user's. The noise is drawn from the seed (see `eisim.simulation.simulate`), starts at 0
    and has the exact Ornstein-Uhlenbeck increment; the activation is that of the unit without noise.

    In the form ``"current"``, of many trained networks (Song, Yang & Wang, PLoS Comput. Biol. 12:e1004792, 2016), the
    input is what relaxes, and the rate is its activation,

    .. math:: \tau \dot{x} = -x + u, \qquad r = \phi(x)

    without a refractory period. The fixed points are the same, and the step keeps order while ``dt <= tau``.

    Attributes
    ----------
    tau : float
        Time constant :math:`\tau`, in s.
    threshold : float
        Input :math:`\theta` at which the unit responds, in Hz.
    refractory : float
        Refractory period :math:`t_\mathrm{ref}`, in s.
    noise : float
        Standard deviation :math:`\sigma` of the input noise :math:`\eta`, in Hz; 0 for none.
    noise_tau : float
        Correlation time :math:`\tau_\eta` of the noise, in s.
    form : {"rate", "current"}
        What relaxes: the rate, or the input.
    """

    tau: float = quantity(10e-3, "second", positive=True)
    threshold: float = quantity(0.0, "hertz")
    refractory: float = quantity(0.0, "second", non_negative=True, huge=0.5)
    noise: float = quantity(0.0, "hertz", non_negative=True)
    noise_tau: float = quantity(2e-3, "second", positive=True)
    form: Literal["rate", "current"] = field(default="rate", kw_only=True, repr=False)

    kind: ClassVar[Literal["rate"]] = "rate"
    signed_weights = True
    weight_unit = "1"
    drive_unit = "hertz"
    state_unit = "hertz"
    #: Whether more input never lowers the rate; ``None`` where that is not known. A unit with a transfer function or
    #: steps of its own says so itself.
    non_decreasing: ClassVar[bool | None] = None
    #: Whether the transfer function is convex.
    is_convex = False
    #: The transfer function phi, as Brian2 text over ``drive`` and the parameters; each unit has it as a method, too.
    transfer_text = ""

    def __init_subclass__(cls, **keywords):
        super().__init_subclass__(**keywords)
        if "__repr__" not in vars(cls):
            cls.__repr__ = RateUnit.__repr__  # which the dataclass keeps
        forget_order(cls, ("transfer", "transfer_text", "step", "equations_of"))

    def __post_init__(self):
        super().__post_init__()
        what = type(self).__name__
        if self.form not in ("rate", "current"):
            raise InputError(f"{what}.form: expected 'rate' or 'current', found {self.form!r:.60}")
        if self.relaxes_input and self.refractory:
            found = f"found {self.refractory * 1e3:g} ms"
            raise InputError(f"{what}.refractory: expected 0 in the form 'current', {found}")

    def __repr__(self):
        shown = [f.name for f in fields(self) if f.repr or getattr(self, f.name) != f.default]
        return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"

    @property
    def relaxes_input(self) -> bool:
        """Whether its input relaxes, not its rate."""
        return self.form == "current"

    @abstractmethod
    def transfer(self, drive) -> np.ndarray:
        """The transfer function in Hz, of `drive` in Hz (any shape): the rate of a unit that is never refractory."""

    def activation(self, drive):
        """Rate in Hz for a constant input `drive` in Hz (any shape), without noise."""
        phi = self.transfer(drive)
        return phi / (1 + self.refractory * phi) if self.refractory else phi

    @property
    def excitatory_class(self) -> str:
        """What rates excitatory-only circuits of such units can have: fewer if the activation is convex.

        A refractory period makes it saturate.
        """
        if not self.non_decreasing:
            return UNKNOWN
        return CONVEX if self.is_convex and not self.refractory else MONOTONE

    @property
    def structure(self) -> str:
        """A key that distinguishes units with different code."""
        return type(self).__name__.lower() + "_current" * self.relaxes_input

    @property
    def states(self) -> dict[str, str]:
        """The state variables that can be given at the start, with their units; what relaxes is the first."""
        return {"x" if self.relaxes_input else "r": "hertz"} | ({"noise_drive": "hertz"} if self.noise else {})

    @property
    def has_internal_states(self) -> bool:
        """Whether there are state variables besides the rate, or the input that relaxes, and the noise."""
        return bool(set(differential(self.equations_of(False, False))) - {"r", "x"})

    def receptor_of(self, name: str, sign: int) -> str:
        """Letter of the sign of a projection; rate units have no receptors to choose from."""
        if name:
            raise InputError(f"receptor: expected none for rate units, found {name!r}")
        return "ei"[sign < 0]

    @property
    def equations(self) -> str:
        """The Brian2 equations of this unit; ``drive`` is the summed input."""
        return self.equations_of(bool(self.refractory), bool(self.noise))

    def equations_of(self, refractory: bool, noisy: bool) -> str:
        """The equations, for units with a refractory period or noise; the noise is part of ``drive``."""
        activation = "(1 - recovery*r)*activation" if refractory else "activation"
        if self.relaxes_input:
            activation = f"dx/dt = (-x + drive)/tau : Hz\nactivation = {self._transfer_of_x} : Hz\nr = activation : Hz"
        else:
            activation = f"dr/dt = (-r + {activation})/tau : Hz\nactivation = {self.transfer_text} : Hz"
        noise = "\ndnoise_drive/dt = -noise_drive/noise_tau + noise*sqrt(2/noise_tau)*xi : Hz" if noisy else ""
        return activation + noise

    def step(self, refractory: bool, noisy: bool) -> str:
        """One Euler step of the equations, as Brian2 abstract code; ``gaussian`` is standard normal noise."""
        activation = "(1 - recovery*r)*activation" if refractory else "activation"
        step = f"_mix = dt/tau\nr = r + _mix*({activation} - r)"
        if self.relaxes_input:
            step = f"_mix = dt/tau\nx = x + _mix*(drive - x)\nr = {self._transfer_of_x}"
        noise = "\nnoise_drive = noise_drive*noise_decay + noise_step*gaussian(key, t_in_timesteps)"  # exact
        return step + noise if noisy else step

    @property
    def _transfer_of_x(self) -> str:
        """The transfer function of what relaxes, as Brian2 text."""
        return re.sub(r"\bdrive\b", "x", self.transfer_text)

    @property
    def step_units(self) -> dict[str, str]:
        """The parameters that `step` uses, with their Brian2 units."""
        left_out = ("refractory", "noise", "noise_tau", "form")
        own = {f.name: f.metadata["unit"] for f in fields(self) if f.name not in left_out}
        return own | {"recovery": "second", "noise_step": "hertz", "noise_decay": "1"}

    def step_parameters(self, dt: float) -> dict[str, float]:
        """Values of the parameters that a step of length `dt` (s) uses, in SI units."""
        longest = self.tau / (1 + self.refractory * getattr(self, "maximum", 0.0))
        if dt > longest:
            expected = "the time constant" + (" / (1 + refractory*maximum)" if self.refractory else "")
            expected += f" of {type(self).__name__}, {longest * 1e3:g} ms"
            raise InputError(f"dt: expected at most {expected}, found {dt * 1e3:g} ms")
        derived = {
            "recovery": self.refractory,  # Brian2 keeps the name `refractory` for spiking neurons
            "noise_step": self.noise * np.sqrt(-expm1(-2 * dt / self.noise_tau)),
            "noise_decay": exp(-dt / self.noise_tau),
        }
        return {name: getattr(self, name) for name in self.step_units if name not in derived} | derived


@dataclass(frozen=True)
class ThresholdLinear(RateUnit):
    r"""Threshold-linear (ReLU) unit: :math:`\phi(u) = g\,\max(u - \theta, 0)`.

    Excitatory-only networks of these are convex and supermodular besides monotone, so they cannot even saturate
    (Sartor et al., arXiv:2505.02537).

    Attributes
    ----------
    gain : float
        Slope :math:`g`, dimensionless.
    """

    gain: float = quantity(1.0, "1", non_negative=True)

    non_decreasing = True
    is_convex = True
    transfer_text = "gain*(drive - threshold)*int(drive > threshold)"

    def transfer(self, drive):
        return self.gain * np.maximum(np.asarray(drive) - self.threshold, 0.0)


@dataclass(frozen=True)
class Saturating(RateUnit):
    r"""Saturating linear unit: :math:`\phi(u) = \min(\max(g (u - \theta), 0), r_\mathrm{max})`.

    Attributes
    ----------
    gain : float
        Slope :math:`g`, dimensionless.
    maximum : float
        Largest rate :math:`r_\mathrm{max}`, in Hz.
    """

    gain: float = quantity(1.0, "1", non_negative=True)
    maximum: float = quantity(100.0, "hertz", positive=True)

    non_decreasing = True
    transfer_text = "clip(gain*(drive - threshold), 0*Hz, maximum)"

    def transfer(self, drive):
        return np.minimum(np.maximum(self.gain * (np.asarray(drive) - self.threshold), 0.0), self.maximum)


@dataclass(frozen=True)
class Logistic(RateUnit):
    r"""Logistic unit: :math:`\phi(u) = r_\mathrm{max} / (1 + e^{-(u - \theta)/s})`.

    Attributes
    ----------
    slope : float
        Input :math:`s` over which the rate rises e-fold, in Hz.
    maximum : float
        Largest rate :math:`r_\mathrm{max}`, in Hz.
    """

    slope: float = quantity(10.0, "hertz", positive=True)
    maximum: float = quantity(100.0, "hertz", positive=True)

    non_decreasing = True
    transfer_text = "maximum/(1 + exp(clip((threshold - drive)/slope, -700, 700)))"

    def transfer(self, drive):
        return self.maximum / (1 + exp(np.clip((self.threshold - np.asarray(drive)) / self.slope, -700, 700)))


@dataclass(frozen=True)
class Step(RateUnit):
    r"""Step (threshold) unit: :math:`\phi(u) = r_\mathrm{max}` if :math:`u > \theta`, else 0.

    Attributes
    ----------
    maximum : float
        Rate :math:`r_\mathrm{max}` above threshold, in Hz.
    """

    maximum: float = quantity(100.0, "hertz", positive=True)

    non_decreasing = True
    transfer_text = "maximum*int(drive > threshold)"

    def transfer(self, drive):
        return self.maximum * (np.asarray(drive) > self.threshold)


@dataclass(frozen=True)
class PowerLaw(RateUnit):
    r"""Power-law unit: :math:`\phi(u) = \min(k_0\, (\max(u - \theta, 0)/k_0)^n, r_\mathrm{max})`.

    The supralinear f-I curve of a neuron below its mean threshold, where noise makes the spikes (Miller & Troyer,
    J. Neurophysiol. 87:653, 2002).
    The papers write :math:`k\, [u]_+^n`: :math:`k = 0.04` with :math:`n = 2` is the scale :math:`1/k = 25` Hz.

    Attributes
    ----------
    scale : float
        The input above threshold, and the rate, :math:`k_0` at which the curve meets the diagonal, in Hz.
    exponent : float
        The power :math:`n`.
    maximum : float
        Largest rate :math:`r_\mathrm{max}`, in Hz: power laws are meant for rates far below it, but a network that
        runs away must stop somewhere.
    """

    scale: float = quantity(25.0, "hertz", positive=True)
    exponent: float = quantity(2.0, "1", positive=True)
    maximum: float = quantity(1000.0, "hertz", positive=True)

    non_decreasing = True
    transfer_text = "clip(scale*((drive - threshold)*int(drive > threshold)/scale)**exponent, 0*Hz, maximum)"

    def transfer(self, drive):
        above = np.maximum(np.asarray(drive) - self.threshold, 0.0) / self.scale
        return np.minimum(self.scale * above**self.exponent, self.maximum)


@dataclass(frozen=True)
class WilsonCowan(RateUnit):
    r"""The sigmoid of Wilson & Cowan (Biophys. J. 12:1, 1972, eq. 15), 0 for no input.

    .. math::
        \phi(u) = r_\mathrm{max} \left(\frac{1}{1 + e^{-(u - \theta)/s}} - \frac{1}{1 + e^{\theta/s}}\right)

    A rate is a difference from the resting rate and can be below 0: there :math:`\phi` is negative too.

    Attributes
    ----------
    slope : float
        Input :math:`s` over which the rate rises e-fold (:math:`1/a` in the paper), in Hz.
    maximum : float
        Range :math:`r_\mathrm{max}` between the lowest and the highest rate, in Hz.
    """

    slope: float = quantity(10.0, "hertz", positive=True)
    maximum: float = quantity(100.0, "hertz", positive=True)

    non_decreasing = True
    transfer_text = (
        "maximum*(1/(1 + exp(clip((threshold - drive)/slope, -700, 700)))"
        " - 1/(1 + exp(clip(threshold/slope, -700, 700))))"
    )

    def transfer(self, drive):
        sigmoid = 1 / (1 + exp(np.clip((self.threshold - np.asarray(drive)) / self.slope, -700, 700)))
        return self.maximum * (sigmoid - 1 / (1 + exp(np.clip(self.threshold / self.slope, -700, 700))))


@dataclass(frozen=True)
class RectifiedTanh(RateUnit):
    r"""Rectified hyperbolic tangent: :math:`\phi(u) = r_\mathrm{max} \tanh(\max(u - \theta, 0)/s)`.

    Trained recurrent networks have it: it is 0 below threshold, and saturates (Yang et al., Nat. Neurosci. 22:297,
    2019).

    Attributes
    ----------
    slope : float
        Input :math:`s` above threshold at which the rate is 76 % of its maximum, in Hz.
    maximum : float
        Largest rate :math:`r_\mathrm{max}`, in Hz.
    """

    slope: float = quantity(10.0, "hertz", positive=True)
    maximum: float = quantity(100.0, "hertz", positive=True)

    non_decreasing = True
    transfer_text = (
        "-maximum*expm1(-2*clip((drive - threshold)/slope, 0, 350))"
        "/(1 + exp(-2*clip((drive - threshold)/slope, 0, 350)))"
    )

    def transfer(self, drive):
        above = -2 * np.clip((np.asarray(drive) - self.threshold) / self.slope, 0, 350)
        return -self.maximum * expm1(above) / (1 + exp(above))


@dataclass(frozen=True)
class AbbottChance(RateUnit):
    r"""The f-I curve of a noisy neuron in closed form: :math:`\phi(u) = (u - \theta)/(1 - e^{-d(u - \theta)})`.

    Abbott & Chance (Prog. Brain Res. 149:147, 2005). Wong & Wang (2006) write it with a current :math:`x`:
    :math:`H(x) = (ax - b)/(1 - e^{-d(ax - b)})`, that is :math:`u = ax` and :math:`\theta = b`. It is convex.

    Attributes
    ----------
    noise_time : float
        The constant :math:`d`, in s: the larger, the less noise, and the sharper the threshold.
    """

    noise_time: float = quantity(0.154, "second", positive=True)

    non_decreasing = True
    is_convex = True
    transfer_text = "1/(noise_time*exprel(clip(noise_time*(threshold - drive), -700, 700)))"

    def transfer(self, drive):
        below = np.clip(self.noise_time * (self.threshold - np.asarray(drive)), -700, 700)
        return 1 / (self.noise_time * exprel(below))


@dataclass(frozen=True)
class Softplus(RateUnit):
    r"""Smooth threshold-linear unit: :math:`\phi(u) = s \ln(1 + e^{(u - \theta)/s})`.

    It is non-decreasing and convex, so excitatory-only networks of these are convex and supermodular besides monotone,
    as those of `ThresholdLinear` units are.

    Attributes
    ----------
    scale : float
        Input :math:`s` over which the rate rises e-fold far below threshold, in Hz.
    """

    scale: float = quantity(10.0, "hertz", positive=True)

    non_decreasing = True
    is_convex = True
    transfer_text = (
        "(drive - threshold)*int(drive > threshold) + scale*log1p(exp(clip(-abs(drive - threshold)/scale, -700, 0)))"
    )

    def transfer(self, drive):
        above = np.asarray(drive) - self.threshold
        return above * (above > 0) + self.scale * log1p(exp(np.clip(-np.abs(above) / self.scale, -700, 0)))


@dataclass(frozen=True)
class ExponentialLinear(RateUnit):
    r"""Exponential below threshold, linear above: the exponential linear unit (ELU), raised by its lowest value.

    .. math::
        \phi(u) = r_\theta\, e^{\min(u - \theta, 0)/s} + g\,\max(u - \theta, 0)

    Clevert et al. (arXiv:1511.07289) write :math:`\phi(u) - r_\theta` with :math:`s = g = 1` and
    :math:`\alpha = r_\theta`. It is non-decreasing; it is convex, too, where its slope does not fall at threshold,
    :math:`r_\theta/s \le g`.

    Attributes
    ----------
    base : float
        Rate :math:`r_\theta` at threshold, in Hz.
    scale : float
        Input :math:`s` over which the rate rises e-fold below threshold, in Hz.
    gain : float
        Slope :math:`g` above threshold, dimensionless.
    """

    base: float = quantity(10.0, "hertz", non_negative=True)
    scale: float = quantity(10.0, "hertz", positive=True)
    gain: float = quantity(1.0, "1", non_negative=True)

    non_decreasing = True
    transfer_text = (
        "base*exp(clip((drive - threshold)/scale, -700, 0)) + gain*(drive - threshold)*int(drive > threshold)"
    )

    @property
    def is_convex(self) -> bool:
        """Whether its slope does not fall at threshold."""
        return self.base <= self.gain * self.scale

    def transfer(self, drive):
        above = np.asarray(drive) - self.threshold
        return self.base * exp(np.clip(above / self.scale, -700, 0)) + self.gain * np.maximum(above, 0.0)
