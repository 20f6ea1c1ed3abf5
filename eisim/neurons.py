"""Neuron models: each knows its dynamics (Brian2 equations), its activation, and whether that is non-decreasing.

Two families. A *rate* unit relaxes towards its activation of the summed input; a *spiking* neuron integrates its
input to a threshold. Both have an `activation`: the steady output rate as a function of a constant input.
"""

from dataclasses import dataclass, field, fields

import numpy as np
from scipy.special import exprel

from eisim.errors import InputError
from eisim.siegert import siegert
from eisim.synapses import NMDA, Alpha, Conductance, Delta, Exponential
from eisim.values import Value, quantity


@dataclass(frozen=True)
class RateUnit(Value):
    r"""What all rate units share.

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
    """

    tau: float = quantity(10e-3, "second", positive=True)
    threshold: float = quantity(0.0, "hertz")
    refractory: float = quantity(0.0, "second", non_negative=True)
    noise: float = quantity(0.0, "hertz", non_negative=True)
    noise_tau: float = quantity(2e-3, "second", positive=True)

    kind = "rate"
    signed_weights = True
    weight_unit = "1"
    drive_unit = "hertz"
    state_unit = "hertz"
    non_decreasing = True
    #: What excitation alone can compute with such units.
    excitatory_class = "monotone functions"
    #: The transfer function phi, as Brian2 text over ``drive`` and the parameters.
    transfer_text = ""

    def transfer(self, drive):
        """The transfer function: what the unit would fire if it were never refractory, in Hz, for `drive` in Hz."""
        raise NotImplementedError

    def activation(self, drive):
        """Rate in Hz for a constant input `drive` in Hz (any shape), without noise."""
        phi = self.transfer(drive)
        return phi / (1 + self.refractory * phi) if self.refractory else phi

    @property
    def structure(self) -> str:
        """What tells units whose code differs from each other."""
        return type(self).__name__.lower()

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
        """The equations, with the terms that only units with a refractory period or noise need.

        The noise is part of ``drive``, which the equations take from their surroundings.
        """
        activation = "(1 - recovery*r)*activation" if refractory else "activation"
        noise = "\ndnoise_drive/dt = -noise_drive/noise_tau + noise*sqrt(2/noise_tau)*xi : Hz" if noisy else ""
        return f"dr/dt = (-r + {activation})/tau : Hz\nactivation = {self.transfer_text} : Hz{noise}"

    @staticmethod
    def step(refractory: bool, noisy: bool) -> str:
        """One Euler step of the equations, as Brian2 abstract code; ``gaussian`` is standard normal noise."""
        activation = "(1 - recovery*r)*activation" if refractory else "activation"
        step = f"r = r + dt*({activation} - r)/tau"
        return step + (f"\n{NOISE_STEP}" if noisy else "")

    @property
    def step_units(self) -> dict[str, str]:
        """The parameters that `step` uses, with their Brian2 units."""
        own = {f.name: f.metadata["unit"] for f in fields(self) if f.name not in ("refractory", "noise", "noise_tau")}
        return own | {"recovery": "second", "noise_step": "hertz", "noise_decay": "1"}

    def step_parameters(self, dt: float) -> dict[str, float]:
        """Values of the parameters that a step of length `dt` (s) uses, in SI units."""
        longest = self.tau / (1 + self.refractory * getattr(self, "maximum", 0.0))
        if dt > longest:
            expected = "the time constant" + (" / (1 + refractory*maximum)" if self.refractory else "")
            raise InputError(
                f"dt: expected at most {expected} of {type(self).__name__}, {longest * 1e3:g} ms, found {dt * 1e3:g} ms"
            )
        derived = {
            "recovery": self.refractory,  # Brian2 keeps the name `refractory` for spiking neurons
            "noise_step": self.noise * np.sqrt(-np.expm1(-2 * dt / self.noise_tau)),
            "noise_decay": np.exp(-dt / self.noise_tau),
        }
        return {name: getattr(self, name) for name in self.step_units if name not in derived} | derived


#: The exact step of a rate unit's noise.
NOISE_STEP = "noise_drive = noise_drive*noise_decay + noise_step*gaussian(key, t_in_timesteps)"


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
    transfer_text = "gain*(drive - threshold)*int(drive > threshold)"

    def transfer(self, drive):
        """The transfer function in Hz, of `drive` in Hz (any shape)."""
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

    transfer_text = "clip(gain*(drive - threshold), 0*Hz, maximum)"

    def transfer(self, drive):
        """The transfer function in Hz, of `drive` in Hz (any shape)."""
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

    transfer_text = "maximum/(1 + exp(clip((threshold - drive)/slope, -700, 700)))"

    def transfer(self, drive):
        """The transfer function in Hz, of `drive` in Hz (any shape)."""
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

    transfer_text = "maximum*int(drive > threshold)"

    def transfer(self, drive):
        """The transfer function in Hz, of `drive` in Hz (any shape)."""
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

    transfer_text = "clip(scale*((drive - threshold)*int(drive > threshold)/scale)**exponent, 0*Hz, maximum)"

    def transfer(self, drive):
        """The transfer function in Hz, of `drive` in Hz (any shape)."""
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

    transfer_text = (
        "maximum*(1/(1 + exp(clip((threshold - drive)/slope, -700, 700)))"
        " - 1/(1 + exp(clip(threshold/slope, -700, 700))))"
    )

    def transfer(self, drive):
        """The transfer function in Hz, of `drive` in Hz (any shape)."""
        sigmoid = 1 / (1 + np.exp(np.clip((self.threshold - np.asarray(drive)) / self.slope, -700, 700)))
        return self.maximum * (sigmoid - 1 / (1 + np.exp(np.clip(self.threshold / self.slope, -700, 700))))


@dataclass(frozen=True)
class AbbottChance(RateUnit):
    r"""The f-I curve of a noisy neuron in closed form: :math:`\phi(u) = (u - \theta)/(1 - e^{-d(u - \theta)})`.

    Abbott & Chance (Prog. Brain Res. 149:147, 2005). Wong & Wang (2006) write it with a current :math:`x`:
    :math:`H(x) = (ax - b)/(1 - e^{-d(ax - b)})`, that is :math:`u = ax` and :math:`\theta = b`.

    Attributes
    ----------
    noise_time : float
        The constant :math:`d`, in s: the larger, the less noise, and the sharper the threshold.
    """

    noise_time: float = quantity(0.154, "second", positive=True)

    transfer_text = "1/(noise_time*exprel(clip(noise_time*(threshold - drive), -700, 700)))"

    def transfer(self, drive):
        """The transfer function in Hz, of `drive` in Hz (any shape)."""
        return 1 / (
            self.noise_time * exprel(np.clip(self.noise_time * (self.threshold - np.asarray(drive)), -700, 700))
        )


class SpikingNeuron(Value):
    """What all spiking neurons share: how their equations, steps and events are put together from their receptors.

    The equations of a receptor stand in variables that end in its letter: e for excitation, i for inhibition, n for
    NMDA. A *pool* holds what all neurons of a population receive alike (`eisim.weights.AllToAll`), in the same
    variables.
    """

    kind = "spiking"
    state_unit = "volt"
    non_decreasing = True
    excitatory_class = "monotone functions, as far as a rate code carries them"
    #: Condition of a spike, as Brian2 text.
    spikes_when = "v > threshold"

    @property
    def receptors(self) -> dict[str, object]:
        """Receptors by letter."""
        found = {"e": self.excitation, "i": self.inhibition, "n": getattr(self, "nmda", None)}
        return {letter: receptor for letter, receptor in found.items() if receptor is not None}

    @property
    def structure(self) -> str:
        """What tells neurons whose code differs from each other."""
        return type(self).__name__.lower() + "_" + "".join(r.letter for r in self.receptors.values())

    @staticmethod
    def after_spike(carrying: bool) -> str:
        """What a spike does to the membrane, as Brian2 text; `carrying`: what exceeds the threshold is not lost."""
        return f"v = reset{' + carry*(v - threshold)' if carrying else ''}"

    def receptor_of(self, name: str, sign: int) -> str:
        """Letter of the receptor that a projection names, by default that of its sign.

        Raises
        ------
        InputError
            If the neuron has no such receptor.
        """
        known = {"excitation": "e", "inhibition": "i", "nmda": "n"}
        letter = known.get(name) if name else "ei"[sign < 0]
        if letter not in self.receptors:
            has = ", ".join(repr(n) for n, letter in known.items() if letter in self.receptors)
            raise InputError(f"receptor: expected one that {type(self).__name__} has ({has}), found {name!r}")
        return letter


def _propagator(matrix, dt):
    """What a linear system does in a step, and its mean over the step."""
    from scipy.linalg import expm

    matrix = np.asarray(matrix)
    step = expm(matrix * dt)
    return step, np.linalg.solve(matrix, step - np.eye(len(matrix))) / dt


@dataclass(frozen=True)
class LIF(SpikingNeuron):
    r"""Leaky integrate-and-fire neuron with current-based synapses and membrane noise.

    .. math::
        \tau \dot{v} &= E_L - v + b + I_e + I_i + \sigma \sqrt{2\tau}\,\xi(t) \\
        \dot{I}_e &= -I_e/\tau_e, \qquad \dot{I}_i = -I_i/\tau_i

    When :math:`v > \vartheta` the neuron spikes, :math:`v` is set to :math:`v_r` and held there for
    :math:`t_\mathrm{ref}`. With reset by subtraction, :math:`v` is lowered by :math:`\vartheta - v_r` instead, so that
    what exceeds the threshold at the end of a time step is not lost. A spike of an excitatory source adds its weight
    to :math:`I_e`, one of an inhibitory source takes it from :math:`I_i` (other receptors: see `eisim.synapses`);
    weights, like :math:`b`, are in V (the input current times the membrane resistance). The steps are exact for this
    linear system (Rotter & Diesmann 1999), with the noise as the exact Ornstein-Uhlenbeck increment.

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
    excitation, inhibition : Exponential, Alpha or Delta
        Receptor kinetics of excitatory and inhibitory synapses onto this neuron.
    reset_by_subtraction : bool
    """

    tau: float = quantity(10e-3, "second", positive=True)
    rest: float = quantity(-65e-3, "volt")
    threshold: float = quantity(-50e-3, "volt")
    reset: float = quantity(-65e-3, "volt")
    refractory: float = quantity(2e-3, "second", non_negative=True)
    noise: float = quantity(0.0, "volt", non_negative=True)
    excitation: Exponential | Alpha | Delta = field(default=Exponential(5e-3))
    inhibition: Exponential | Alpha | Delta = field(default=Exponential(10e-3))
    reset_by_subtraction: bool = False

    weight_unit = "volt"
    drive_unit = "volt"
    #: Whether the weights of inhibitory synapses enter with a minus sign.
    signed_weights = True

    def __post_init__(self):
        super().__post_init__()
        _check_reset(self)
        for name in ("excitation", "inhibition"):
            if not isinstance(getattr(self, name), (Exponential, Alpha, Delta)):
                raise InputError(
                    f"LIF.{name}: expected Exponential(...), Alpha(...) or Delta(), found {getattr(self, name)!r}"
                )

    @property
    def structure(self) -> str:
        """What tells neurons whose code differs from each other."""
        return super().structure.replace("_xx", "")

    @property
    def rheobase(self) -> float:
        """The constant input at threshold, in V."""
        return self.threshold - self.rest

    def area(self, letter: str) -> float:
        """Mean input that a rate of 1 Hz causes through a synapse of weight 1 at this receptor, in s."""
        receptor = self.receptors[letter]
        return self.tau if isinstance(receptor, Delta) else receptor.area

    def spike_adds(self, letter: str) -> str:
        """The variable that a presynaptic spike adds to, with the factor of the weight, as Brian2 text."""
        receptor = self.receptors[letter]
        return {"d": "v_post += {}", "x": f"I_{letter}_post += {{}}", "a": f"x_{letter}_post += {np.e!r}*{{}}"}[
            receptor.letter
        ]

    def equations(self, pooled: bool = False) -> str:
        """The Brian2 equations; `pooled`: what comes from the pool is added."""
        kinetics = _kinetics(self.receptors, "I", "volt")
        currents = [f"I_{k}{pool}" for k, r in self.receptors.items() if r.letter != "d" for pool in _pools(pooled)]
        total = "".join(f" + {current}" for current in currents)
        return (
            f"\n    dv/dt = (rest + bias - v{total})/tau + noise*sqrt(2/tau)*xi : volt (unless refractory)"
            f"{kinetics}\n    "
        )

    def step(self, noisy: bool, pooled: bool = False, arrivals: str = "") -> str:
        """One exact step of the equations, as Brian2 abstract code.

        `noisy`: with ``gaussian``, standard normal noise; `arrivals`: code that adds the spikes of Poisson drives.
        """
        lines = ["_v = rest + bias + (v - rest - bias)*decay_v"]
        for k, receptor in self.receptors.items():
            if receptor.letter == "d":
                continue
            for variable, factor in (
                ("I", f"{k}_to_v"),
                *([("x", f"rising_{k}_to_v")] if receptor.letter == "a" else []),
            ):
                total = " + ".join(f"{variable}_{k}{pool}" for pool in _pools(pooled))
                lines[0] += f" + {f'({total})' if pooled else total}*{factor}"
        lines += _kinetic_steps(self.receptors, "I")
        lines.append(f"v = _v{' + noise_step*gaussian(key, t_in_timesteps)' if noisy else ''}")
        return "".join(f"\n        {line}" for line in [*lines, *arrivals.splitlines()]) + "\n        "

    @property
    def step_units(self) -> dict[str, str]:
        """The parameters that a step and a reset use, with their Brian2 units."""
        units = {"rest": "volt", "threshold": "volt", "reset": "volt", "hold": "integer", "decay_v": "1"}
        kinetic = [k for k, r in self.receptors.items() if r.letter != "d"]
        units |= {f"decay_{k}": "1" for k in kinetic} | {f"{k}_to_v": "1" for k in kinetic}
        for k, receptor in self.receptors.items():
            if receptor.letter == "a":
                units |= {f"rising_{k}_to_v": "1", f"rising_{k}_to_{k}": "1"}
        return units | {"noise_step": "volt", "carry": "1"}

    def step_parameters(self, dt: float) -> dict[str, float]:
        """Values of the parameters that a step of length `dt` (s) uses, in SI units."""
        m = self.tau
        decay_v = np.exp(-dt / m)
        values = {
            "rest": self.rest,
            "threshold": self.threshold,
            "reset": self.reset,
            "hold": _hold(self.refractory, dt),
            "decay_v": decay_v,
            "noise_step": self.noise * np.sqrt(-np.expm1(-2 * dt / m)),
            "carry": float(self.reset_by_subtraction),  # share of what exceeds the threshold that outlasts a spike
        }
        for k, receptor in self.receptors.items():
            if receptor.letter == "x":
                tau = receptor.tau
                values[f"decay_{k}"] = np.exp(-dt / tau)
                # exprel(x) = (e^x - 1)/x keeps equal time constants finite
                values[f"{k}_to_v"] = decay_v * dt / m * exprel(dt / m - dt / tau)
            elif receptor.letter == "a":
                tau = receptor.tau
                step, _ = _propagator([[-1 / m, 1 / m, 0], [0, -1 / tau, 1 / tau], [0, 0, -1 / tau]], dt)
                values |= {f"decay_{k}": step[2, 2], f"rising_{k}_to_{k}": step[1, 2]}
                values |= {f"{k}_to_v": step[0, 1], f"rising_{k}_to_v": step[0, 2]}
        return values

    @property
    def placeholders(self) -> dict[str, str]:
        """Names that the equations have but a step does not use, with their units."""
        taus = {f"tau_{k}": "second" for k, r in self.receptors.items() if r.letter != "d"}
        return {"tau": "second", **taus, "noise": "volt"}

    def activation(self, drive):
        """Rate in Hz for a constant input `drive` in V (any shape): the f-I curve.

        Without noise the closed form; with noise the Siegert formula (Siegert 1951; Brunel 2000, eq. 21).
        """
        drive = np.asarray(drive, dtype=float)
        if self.noise:
            return siegert(self.rest + drive, self.noise, self.tau, self.refractory, self.threshold, self.reset)
        return _noise_free_rate(self, self.tau, drive)


@dataclass(frozen=True)
class ConductanceLIF(SpikingNeuron):
    r"""Leaky integrate-and-fire neuron with conductance-based synapses and membrane noise.

    .. math::
        C \dot{v} = g_L (E_L - v) + b + g_e (E_e - v) + g_i (E_i - v) + g_n B(v) (E_n - v)
        + \sigma g_L \sqrt{2\tau}\,\xi(t), \qquad \tau = C/g_L

    When :math:`v > \vartheta` the neuron spikes and :math:`v` is held at :math:`v_r` for :math:`t_\mathrm{ref}`. The
    kinetics of the conductances are those of the receptors (`eisim.synapses`), :math:`B` is the magnesium block of
    `NMDA`. A step takes the mean conductances over it, which are exact, as constant (exponential Euler): second order
    but for the block, which is that of the membrane potential at its start.

    Attributes
    ----------
    capacitance : float
        Membrane capacitance :math:`C`, in F.
    leak : float
        Leak conductance :math:`g_L`, in S.
    rest, threshold, reset : float
        Leak potential :math:`E_L`, threshold :math:`\vartheta` and reset :math:`v_r`, in V.
    refractory : float
        Refractory period :math:`t_\mathrm{ref}`, in s.
    noise : float
        Standard deviation :math:`\sigma` of the free membrane potential without synapses, in V; 0 for none.
    excitation, inhibition : Conductance
        AMPA and GABA-A receptors.
    nmda : NMDA, optional
    """

    capacitance: float = quantity(200e-12, "farad", positive=True)
    leak: float = quantity(10e-9, "siemens", positive=True)
    rest: float = quantity(-60e-3, "volt")
    threshold: float = quantity(-50e-3, "volt")
    reset: float = quantity(-60e-3, "volt")
    refractory: float = quantity(5e-3, "second", non_negative=True)
    noise: float = quantity(0.0, "volt", non_negative=True)
    excitation: Conductance = field(default=Conductance(0.0, 5e-3))
    inhibition: Conductance = field(default=Conductance(-80e-3, 10e-3))
    nmda: NMDA | None = None

    weight_unit = "siemens"
    drive_unit = "ampere"
    signed_weights = False

    def __post_init__(self):
        super().__post_init__()
        _check_reset(self)
        for name, kind in (("excitation", Conductance), ("inhibition", Conductance), ("nmda", NMDA)):
            if not isinstance(getattr(self, name), kind) and (name, self.nmda) != ("nmda", None):
                raise InputError(f"ConductanceLIF.{name}: expected {kind.__name__}(...), found {getattr(self, name)!r}")

    @property
    def tau(self) -> float:
        """Membrane time constant without synapses, in s."""
        return self.capacitance / self.leak

    @property
    def rheobase(self) -> float:
        """The constant input at threshold, in A."""
        return self.leak * (self.threshold - self.rest)

    def area(self, letter: str) -> float:
        """Mean conductance (S) that a rate of 1 Hz causes through a synapse of weight 1 S at this receptor, in s."""
        return self.receptors[letter].area

    def spike_adds(self, letter: str) -> str:
        """The variable that a presynaptic spike adds to, with the factor of the weight, as Brian2 text."""
        return f"{'x' if self.receptors[letter].rise else 'g'}_{letter}_post += {{}}"

    def equations(self, pooled: bool = False) -> str:
        """The Brian2 equations; `pooled`: what comes from the pool is added."""
        kinetics = _kinetics(self.receptors, "g", "siemens")
        currents = ""
        for k in self.receptors:
            total = " + ".join(f"g_{k}{pool}" for pool in _pools(pooled))
            block = "/(1 + blocked*exp(-v*steepness))" if k == "n" else ""
            currents += f" + ({total})*(E_{k} - v){block}"
        return (
            f"\n    dv/dt = (leak*(rest - v) + bias{currents} + noise*leak*sqrt(2*capacitance/leak)*xi)/capacitance"
            f" : volt (unless refractory){kinetics}\n    "
        )

    def step(self, noisy: bool, pooled: bool = False, arrivals: str = "") -> str:
        """One step of the equations, as Brian2 abstract code.

        `noisy`: with ``gaussian``, standard normal noise; `arrivals`: code that adds the spikes of Poisson drives.
        """
        lines = []
        for k, receptor in self.receptors.items():
            parts = [("g", f"mean_{k}")] + ([("x", f"mean_rising_{k}")] if receptor.rise else [])
            means = [f"({' + '.join(f'{v}_{k}{pool}' for pool in _pools(pooled))})*{mean}" for v, mean in parts]
            block = "/(1 + blocked*exp(-v*steepness))" if k == "n" else ""
            lines.append(f"_g{k} = ({' + '.join(means)}){block}")
        lines.append("_g = leak" + "".join(f" + _g{k}" for k in self.receptors))
        lines.append("_v = (leak*rest + bias" + "".join(f" + _g{k}*E_{k}" for k in self.receptors) + ")/_g")
        lines.append(
            f"v = _v + (v - _v)*exp(-_g*elapse){' + noise_step*gaussian(key, t_in_timesteps)' if noisy else ''}"
        )
        lines += _kinetic_steps(self.receptors, "g")
        return "".join(f"\n        {line}" for line in [*lines, *arrivals.splitlines()]) + "\n        "

    @property
    def step_units(self) -> dict[str, str]:
        """The parameters that a step and a reset use, with their Brian2 units."""
        units = {"rest": "volt", "threshold": "volt", "reset": "volt", "hold": "integer", "leak": "siemens"}
        units["elapse"] = "second/farad"
        for k, receptor in self.receptors.items():
            units |= {f"E_{k}": "volt", f"decay_{k}": "1", f"mean_{k}": "1"}
            if receptor.rise:
                units |= {f"decay_rising_{k}": "1", f"rising_{k}_to_{k}": "1", f"mean_rising_{k}": "1"}
        if self.nmda:
            units |= {"blocked": "1", "steepness": "1/volt"}
        return units | {"noise_step": "volt"}

    def step_parameters(self, dt: float) -> dict[str, float]:
        """Values of the parameters that a step of length `dt` (s) uses, in SI units."""
        values = {
            "rest": self.rest,
            "threshold": self.threshold,
            "reset": self.reset,
            "hold": _hold(self.refractory, dt),
            "leak": self.leak,
            "elapse": dt / self.capacitance,
            "noise_step": self.noise * np.sqrt(-np.expm1(-2 * dt / self.tau)),
        }
        for k, receptor in self.receptors.items():
            values[f"E_{k}"] = receptor.reversal
            if not receptor.rise:
                values |= {f"decay_{k}": np.exp(-dt / receptor.tau), f"mean_{k}": exprel(-dt / receptor.tau)}
                continue
            rising = receptor.scale / receptor.rise
            step, mean = _propagator([[-1 / receptor.tau, rising], [0, -1 / receptor.rise]], dt)
            values |= {f"decay_{k}": step[0, 0], f"rising_{k}_to_{k}": step[0, 1], f"decay_rising_{k}": step[1, 1]}
            values |= {f"mean_{k}": mean[0, 0], f"mean_rising_{k}": mean[0, 1]}
        if self.nmda:
            values |= {"blocked": self.nmda.magnesium / NMDA.HALF_BLOCK, "steepness": NMDA.STEEPNESS}
        return values

    @property
    def placeholders(self) -> dict[str, str]:
        """Names that the equations have but a step does not use, with their units."""
        found = {"capacitance": "farad", "noise": "volt"} | {f"tau_{k}": "second" for k in self.receptors}
        for k, receptor in self.receptors.items():
            if receptor.rise:
                found |= {f"rise_{k}": "second"}
        return found

    def activation(self, drive):
        """Rate in Hz for a constant input `drive` in A (any shape) without synapses or noise: the f-I curve."""
        return _noise_free_rate(self, self.tau, np.asarray(drive, dtype=float) / self.leak)


@dataclass(frozen=True)
class Theta(SpikingNeuron):
    r"""Theta neuron: the canonical model of a neuron that begins to fire at arbitrarily low rates.

    .. math:: \tau \dot{\theta} = 1 - \cos\theta + (1 + \cos\theta)\, J, \qquad J = b + I_e + I_i

    (Ermentrout & Kopell, SIAM J. Appl. Math. 46:233, 1986). It spikes at :math:`\theta = \pi`, where it turns at the
    same speed for any input, and goes on from :math:`-\pi`; it is the quadratic integrate-and-fire neuron
    :math:`\tau \dot{x} = x^2 + J` with :math:`x = \tan(\theta/2)`. The input :math:`J`, the phase :math:`\theta`
    and weights are dimensionless. Steps are of second order (midpoint).

    Attributes
    ----------
    tau : float
        Time constant :math:`\tau`, in s.
    excitation, inhibition : Exponential
        Receptor kinetics of excitatory and inhibitory synapses onto this neuron.
    """

    tau: float = quantity(1e-3, "second", positive=True)
    excitation: Exponential = field(default=Exponential(2e-3))
    inhibition: Exponential = field(default=Exponential(10e-3))

    weight_unit = "1"
    drive_unit = "1"
    state_unit = "1"
    signed_weights = True
    #: The phase is the state of the membrane, which the simulator calls v.
    spikes_when = "v > pi"
    noise = 0.0
    rheobase = 0.0

    def __post_init__(self):
        super().__post_init__()
        for name in ("excitation", "inhibition"):
            if not isinstance(getattr(self, name), Exponential):
                raise InputError(f"Theta.{name}: expected Exponential(...), found {getattr(self, name)!r}")

    @staticmethod
    def after_spike(carrying: bool) -> str:
        """What a spike does to the phase, as Brian2 text."""
        return "v -= 2*pi"

    def area(self, letter: str) -> float:
        """Mean input that a rate of 1 Hz causes through a synapse of weight 1 at this receptor, in s."""
        return self.receptors[letter].area

    def spike_adds(self, letter: str) -> str:
        """The variable that a presynaptic spike adds to, with the factor of the weight, as Brian2 text."""
        return f"I_{letter}_post += {{}}"

    def equations(self, pooled: bool = False) -> str:
        """The Brian2 equations; `pooled`: what comes from the pool is added."""
        total = "".join(f" + I_{k}{pool}" for k in self.receptors for pool in _pools(pooled))
        kinetics = _kinetics(self.receptors, "I", "1")
        return f"\n    dv/dt = (1 - cos(v) + (1 + cos(v))*(bias{total}))/tau : 1{kinetics}\n    "

    def step(self, noisy: bool, pooled: bool = False, arrivals: str = "") -> str:
        """One step of the equations, as Brian2 abstract code; `arrivals`: code that adds Poisson spikes."""
        total = "".join(f" + I_{k}{pool}*mean_{k}" for k in self.receptors for pool in _pools(pooled))
        lines = [
            f"_input = bias{total}",
            "_mid = v + 0.5*advance*(1 - cos(v) + (1 + cos(v))*_input)",
            "v = v + advance*(1 - cos(_mid) + (1 + cos(_mid))*_input)",
            *_kinetic_steps(self.receptors, "I"),
        ]
        return "".join(f"\n        {line}" for line in [*lines, *arrivals.splitlines()]) + "\n        "

    @property
    def step_units(self) -> dict[str, str]:
        """The parameters that a step and a reset use, with their Brian2 units."""
        kinetic = {f"{what}_{k}": "1" for k in self.receptors for what in ("decay", "mean")}
        return {"rest": "1", "hold": "integer", "advance": "1", "noise_step": "1"} | kinetic

    def step_parameters(self, dt: float) -> dict[str, float]:
        """Values of the parameters that a step of length `dt` (s) uses, in SI units."""
        values = {"rest": 0.0, "hold": np.int32(0), "advance": dt / self.tau, "noise_step": 0.0}
        for k, receptor in self.receptors.items():
            values |= {f"decay_{k}": np.exp(-dt / receptor.tau), f"mean_{k}": exprel(-dt / receptor.tau)}
        return values

    @property
    def placeholders(self) -> dict[str, str]:
        """Names that the equations have but a step does not use, with their units."""
        return {"tau": "second"} | {f"tau_{k}": "second" for k in self.receptors}

    def activation(self, drive):
        r"""Rate in Hz for a constant input `drive` (any shape): :math:`\sqrt{J}/(\pi\tau)` above 0."""
        return np.sqrt(np.maximum(drive, 0.0)) / (np.pi * self.tau)


def _check_reset(neuron):
    if neuron.reset >= neuron.threshold:
        raise InputError(
            f"{type(neuron).__name__}.reset: expected less than the threshold {neuron.threshold * 1e3:g} mV, "
            f"found {neuron.reset * 1e3:g} mV"
        )


def _hold(refractory, dt):
    """Steps without integration."""
    return np.int32(np.floor(refractory / dt + 1e-3))


def _noise_free_rate(neuron, tau, drive):
    """Rate in Hz of a leaky integrate-and-fire neuron whose membrane would settle at rest + drive (V)."""
    rheobase = neuron.threshold - neuron.rest
    above = drive > rheobase
    v_inf = neuron.rest + np.where(above, drive, 2 * rheobase if rheobase > 0 else rheobase + 1)
    interval = neuron.refractory + tau * np.log((v_inf - neuron.reset) / (v_inf - neuron.threshold))
    return np.where(above, 1 / interval, 0.0)


def _pools(pooled):
    """Endings of the variables that hold what arrives: a neuron's own, and those of its population's pool."""
    return ("", "_pool") if pooled else ("",)


def kinetic_variables(neuron) -> list[str]:
    """The variables that presynaptic spikes set in motion, but for the membrane."""
    found = []
    for k, receptor in neuron.receptors.items():
        if receptor.letter != "d":
            found += [f"{'I' if neuron.signed_weights else 'g'}_{k}"] + ([f"x_{k}"] if _rises(receptor) else [])
    return found


def _rises(receptor):
    return receptor.letter in "arn"


def _kinetics(receptors, name, unit):
    """Equations of the kinetics of receptors."""
    lines = []
    for k, receptor in receptors.items():
        if receptor.letter == "a":
            lines += [f"d{name}_{k}/dt = (x_{k} - {name}_{k})/tau_{k} : {unit}", f"dx_{k}/dt = -x_{k}/tau_{k} : {unit}"]
        elif _rises(receptor):
            lines.append(f"d{name}_{k}/dt = x_{k}/rise_{k} - {name}_{k}/tau_{k} : {unit}")
            lines.append(f"dx_{k}/dt = -x_{k}/rise_{k} : {unit}")
        elif receptor.letter != "d":
            lines.append(f"d{name}_{k}/dt = -{name}_{k}/tau_{k} : {unit}")
    return "".join(f"\n    {line}" for line in lines)


def _kinetic_steps(receptors, name):
    """One exact step of the kinetics of receptors."""
    lines = []
    for k, receptor in receptors.items():
        if _rises(receptor):
            fading = f"decay_{k}" if receptor.letter == "a" else f"decay_rising_{k}"
            lines += [f"{name}_{k} = {name}_{k}*decay_{k} + x_{k}*rising_{k}_to_{k}", f"x_{k} = x_{k}*{fading}"]
        elif receptor.letter != "d":
            lines.append(f"{name}_{k} = {name}_{k}*decay_{k}")
    return lines


def pool(neuron) -> tuple[str, str]:
    """Equations and one step of a pool: the kinetics of the receptors of a neuron, alone."""
    name = "I" if neuron.signed_weights else "g"
    return _kinetics(neuron.receptors, name, neuron.weight_unit), "\n".join(_kinetic_steps(neuron.receptors, name))
