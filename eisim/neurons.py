"""Neuron models: each knows its dynamics (Brian2 equations), its activation, and whether that is non-decreasing.

Two families. A *rate* unit relaxes towards its activation of the summed input; a *spiking* neuron integrates its
input to a threshold. Both have an `activation`: the steady output rate as a function of a constant input.
"""

from dataclasses import dataclass, field, fields
from typing import ClassVar

import numpy as np
from scipy.special import erfcx, exprel

from eisim.errors import InputError
from eisim.synapses import Exponential
from eisim.values import Value, quantity


@dataclass(frozen=True)
class RateUnit(Value):
    r"""What all rate units share.

    .. math:: \tau \dot{r} = -r + \phi(u), \qquad u = b + \sum_j w_j r_j

    The input :math:`u` and the rate :math:`r` are in Hz, weights are dimensionless. Euler steps keep the order of
    inputs while ``dt <= tau``, so a larger step is refused.

    Attributes
    ----------
    tau : float
        Time constant :math:`\tau`, in s.
    threshold : float
        Input :math:`\theta` at which the unit responds, in Hz.
    """

    tau: float = quantity(10e-3, "second", positive=True)
    threshold: float = quantity(0.0, "hertz")

    kind = "rate"
    weight_unit = "1"
    drive_unit = "hertz"
    non_decreasing = True
    #: What excitation alone can compute with such units.
    excitatory_class = "monotone functions"
    #: Right-hand side of the activation, as Brian2 text over ``drive`` and the parameters.
    activation_text = ""

    @property
    def equations(self) -> str:
        """The Brian2 equations of this unit; ``drive`` is the summed input."""
        return f"dr/dt = (-r + activation)/tau : Hz\nactivation = {self.activation_text} : Hz"

    #: One Euler step of the equations, as Brian2 abstract code.
    step = "r = r + dt*(activation - r)/tau"

    @property
    def step_units(self) -> dict[str, str]:
        """The parameters that `step` uses, with their Brian2 units."""
        return {f.name: f.metadata["unit"] for f in fields(self)}

    def step_parameters(self, dt: float) -> dict[str, float]:
        """Values of the parameters that a step of length `dt` (s) uses, in SI units."""
        if dt > self.tau:
            raise InputError(
                f"dt: expected at most the time constant of {type(self).__name__}, "
                f"{self.tau * 1e3:g} ms, found {dt * 1e3:g} ms"
            )
        return {name: getattr(self, name) for name in self.step_units}


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

    excitatory_class = "monotone functions that are also convex and supermodular"
    activation_text = "gain*(drive - threshold)*int(drive > threshold)"

    def activation(self, drive):
        """Rate in Hz for a constant input `drive` in Hz (any shape)."""
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

    activation_text = "clip(gain*(drive - threshold), 0*Hz, maximum)"

    def activation(self, drive):
        """Rate in Hz for a constant input `drive` in Hz (any shape)."""
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

    activation_text = "maximum/(1 + exp(clip((threshold - drive)/slope, -700, 700)))"

    def activation(self, drive):
        """Rate in Hz for a constant input `drive` in Hz (any shape)."""
        return self.maximum / (1 + np.exp(np.clip((self.threshold - np.asarray(drive)) / self.slope, -700, 700)))


@dataclass(frozen=True)
class Step(RateUnit):
    r"""Step (threshold) unit: :math:`\phi(u) = r_\mathrm{max}` if :math:`u > \theta`, else 0.

    Attributes
    ----------
    maximum : float
        Rate :math:`r_\mathrm{max}` above threshold, in Hz.
    """

    maximum: float = quantity(100.0, "hertz", positive=True)

    activation_text = "maximum*int(drive > threshold)"

    def activation(self, drive):
        """Rate in Hz for a constant input `drive` in Hz (any shape)."""
        return self.maximum * (np.asarray(drive) > self.threshold)


@dataclass(frozen=True)
class LIF(Value):
    r"""Leaky integrate-and-fire neuron with current-based exponential synapses and membrane noise.

    .. math::
        \tau \dot{v} &= E_L - v + b + I_e + I_i + \sigma \sqrt{2\tau}\,\xi(t) \\
        \dot{I}_e &= -I_e/\tau_e, \qquad \dot{I}_i = -I_i/\tau_i

    When :math:`v > \vartheta` the neuron spikes, :math:`v` is set to :math:`v_r` and held there for
    :math:`t_\mathrm{ref}`. With reset by subtraction, :math:`v` is lowered by :math:`\vartheta - v_r` instead, so that
    what exceeds the threshold at the end of a time step is not lost. A spike of an excitatory source adds its weight
    to :math:`I_e`, one of an inhibitory source takes it from :math:`I_i`; weights, like :math:`b`, are in V (the input
    current times the membrane resistance). The steps are exact for this linear system (Rotter & Diesmann 1999), with
    the noise as the exact Ornstein-Uhlenbeck increment.

    Attributes
    ----------
    tau : float
        Membrane time constant :math:`\tau`, in s.
    rest, threshold, reset : float
        Leak potential :math:`E_L`, threshold :math:`\vartheta` and reset :math:`v_r`, in V.
    refractory : float
        Refractory period :math:`t_\mathrm{ref}`, in s.
    noise : float
        Standard deviation :math:`\sigma` of the free membrane potential, in V; 0 for none.
    excitation, inhibition : Exponential
        Receptor kinetics of excitatory and inhibitory synapses onto this neuron.
    reset_by_subtraction : bool
    """

    tau: float = quantity(10e-3, "second", positive=True)
    rest: float = quantity(-65e-3, "volt")
    threshold: float = quantity(-50e-3, "volt")
    reset: float = quantity(-65e-3, "volt")
    refractory: float = quantity(2e-3, "second", non_negative=True)
    noise: float = quantity(0.0, "volt", non_negative=True)
    excitation: Exponential = field(default=Exponential(5e-3))
    inhibition: Exponential = field(default=Exponential(10e-3))
    reset_by_subtraction: bool = False

    kind = "spiking"
    weight_unit = "volt"
    drive_unit = "volt"
    non_decreasing = True
    excitatory_class = "monotone functions, as far as a rate code carries them"
    equations = """
    dv/dt = (rest + bias - v + I_e + I_i)/tau + noise*sqrt(2/tau)*xi : volt (unless refractory)
    dI_e/dt = -I_e/tau_e : volt
    dI_i/dt = -I_i/tau_i : volt
    """
    step_units: ClassVar = {
        "rest": "volt",
        "threshold": "volt",
        "reset": "volt",
        "hold": "integer",
        "decay_v": "1",
        "decay_e": "1",
        "decay_i": "1",
        "e_to_v": "1",
        "i_to_v": "1",
        "noise_step": "volt",
        "carry": "1",
    }

    def __post_init__(self):
        super().__post_init__()
        if self.reset >= self.threshold:
            raise InputError(
                f"LIF.reset: expected less than the threshold {self.threshold * 1e3:g} mV, "
                f"found {self.reset * 1e3:g} mV"
            )
        for name in ("excitation", "inhibition"):
            if not isinstance(getattr(self, name), Exponential):
                raise InputError(f"LIF.{name}: expected Exponential(...), found {getattr(self, name)!r}")

    @property
    def rheobase(self) -> float:
        """The constant input at threshold, in V."""
        return self.threshold - self.rest

    @staticmethod
    def step(noisy: bool) -> str:
        """One exact step of the equations, as Brian2 abstract code; ``gaussian`` is standard normal noise."""
        return f"""
        _v = rest + bias + (v - rest - bias)*decay_v + I_e*e_to_v + I_i*i_to_v
        I_e = I_e*decay_e
        I_i = I_i*decay_i
        v = _v{" + noise_step*gaussian(key, t_in_timesteps)" if noisy else ""}
        """

    def step_parameters(self, dt: float) -> dict[str, float]:
        """Values of the parameters that a step of length `dt` (s) uses, in SI units."""
        m, e, i = self.tau, self.excitation.tau, self.inhibition.tau
        decay_v = np.exp(-dt / m)
        return {
            "rest": self.rest,
            "threshold": self.threshold,
            "reset": self.reset,
            "hold": np.int32(np.floor(self.refractory / dt + 1e-3)),  # steps without integration
            "decay_v": decay_v,
            "decay_e": np.exp(-dt / e),
            "decay_i": np.exp(-dt / i),
            # exprel(x) = (e^x - 1)/x keeps equal time constants finite
            "e_to_v": decay_v * dt / m * exprel(dt / m - dt / e),
            "i_to_v": decay_v * dt / m * exprel(dt / m - dt / i),
            "noise_step": self.noise * np.sqrt(-np.expm1(-2 * dt / m)),
            "carry": float(self.reset_by_subtraction),  # share of what exceeds the threshold that outlasts a spike
        }

    def activation(self, drive):
        """Rate in Hz for a constant input `drive` in V (any shape): the f-I curve.

        Without noise the closed form; with noise the Siegert formula (Siegert 1951; Brunel 2000, eq. 21).
        """
        drive = np.asarray(drive, dtype=float)
        if self.noise:
            return self._siegert(drive)
        above = drive > self.rheobase
        v_inf = self.rest + np.where(above, drive, 2 * self.rheobase if self.rheobase > 0 else self.rheobase + 1)
        interval = self.refractory + self.tau * np.log((v_inf - self.reset) / (v_inf - self.threshold))
        return np.where(above, 1 / interval, 0.0)

    def _siegert(self, drive, nodes=200):
        """Mean first-passage rate of the noisy membrane, by Gauss-Legendre quadrature of e^{u²}(1 + erf u)."""
        mean, spread = self.rest + drive, np.sqrt(2) * self.noise
        lower, upper = (self.reset - mean) / spread, (self.threshold - mean) / spread
        x, w = np.polynomial.legendre.leggauss(nodes)
        half = (upper - lower)[..., None] / 2
        u = (upper + lower)[..., None] / 2 + half * x
        with np.errstate(over="ignore"):
            integral = (half * w * erfcx(-u)).sum(-1)
            return 1 / (self.refractory + self.tau * np.sqrt(np.pi) * integral)
