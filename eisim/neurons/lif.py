"""The leaky integrate-and-fire neuron with current-based synapses."""

from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from eisim.base.elementary import exp, exprel
from eisim.base.values import quantity
from eisim.neurons.kinetics import kinetic_steps, kinetic_variables, kinetics, pools, propagator
from eisim.neurons.siegert import siegert
from eisim.neurons.spiking import SpikingNeuron, noise_free_rate
from eisim.synapses import Alpha, Delta, Exponential

#: Threshold of neurons that never fire, in V.
NEVER = 1e100


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

    tau: float = quantity(10e-3, "second", positive=True, huge=0.5)
    rest: float = quantity(-65e-3, "volt")
    threshold: float = quantity(-50e-3, "volt")
    reset: float = quantity(-65e-3, "volt")
    refractory: float = quantity(2e-3, "second", non_negative=True, huge=0.5)
    noise: float = quantity(0.0, "volt", non_negative=True, huge=0.1)
    excitation: Exponential | Alpha | Delta = field(default=Exponential(5e-3))
    inhibition: Exponential | Alpha | Delta = field(default=Exponential(10e-3))
    reset_by_subtraction: bool = False

    weight_unit = "volt"
    drive_unit = "volt"
    membrane: ClassVar = {"tau": "second", "noise": "volt"}
    takes: ClassVar = dict.fromkeys(("excitation", "inhibition"), (Exponential, Alpha, Delta))
    #: Whether the weights of inhibitory synapses enter with a minus sign.
    signed_weights = True
    non_decreasing = True

    @property
    def structure(self) -> str:
        return super().structure.replace("_xx", "")

    @property
    def rheobase(self) -> float:
        """The constant input at threshold, in V."""
        return self.threshold - self.rest

    def area(self, letter: str) -> float:
        receptor = self.receptors[letter]
        return self.tau if isinstance(receptor, Delta) else receptor.area

    def equations(self, pooled: bool = False) -> str:
        """The Brian2 equations; `pooled`: what comes from the pool is added."""
        equations = kinetics(self)
        kinetic = [k for k, receptor in self.receptors.items() if receptor.letter != "d"]
        total = "".join(f" + I_{k}{pool}" for k in kinetic for pool in pools(pooled))
        return (
            f"\n    dv/dt = (rest + bias - v{total})/tau + noise*sqrt(2/tau)*xi : volt (unless refractory)"
            f"{equations}\n    "
        )

    def step(self, noisy: bool, pooled: bool = False, arrivals: str = "") -> str:
        """One exact step of the equations, as Brian2 abstract code.

        `noisy`: with ``gaussian``, standard normal noise; `arrivals`: code that adds the spikes of Poisson drives.
        """
        lines = ["_floor = rest + bias", "_v = _floor + (v - _floor)*decay_v"]
        for variable in kinetic_variables(self):
            total = " + ".join(f"{variable}{pool}" for pool in pools(pooled))
            factor = f"{'rising_' if variable.startswith('x') else ''}{variable[-1]}_to_v"
            lines[1] += f" + {f'({total})' if pooled else total}*{factor}"
        lines += kinetic_steps(self)
        lines.append(f"v = _v{' + noise_step*gaussian(key, t_in_timesteps)' if noisy else ''}")
        return "".join(f"\n        {line}" for line in [*lines, *arrivals.splitlines()]) + "\n        "

    def step_parameters(self, dt: float) -> dict[str, float]:
        m, values = self.tau, super().step_parameters(dt)
        values["decay_v"] = decay_v = exp(-dt / m)
        values["carry"] = float(self.reset_by_subtraction)  # share of what exceeds the threshold that outlasts a spike
        for k, receptor in self.receptors.items():
            tau = getattr(receptor, "tau", None)
            if receptor.letter == "x":
                values[f"decay_{k}"] = exp(-dt / tau)
                # exprel(x) = (e^x - 1)/x keeps equal time constants finite
                values[f"{k}_to_v"] = decay_v * dt / m * exprel(dt / m - dt / tau)
            elif receptor.letter == "a":
                step, _ = propagator([[-1 / m, 1 / m, 0], [0, -1 / tau, 1 / tau], [0, 0, -1 / tau]], dt)
                values |= {f"decay_{k}": step[2, 2], f"rising_{k}_to_{k}": step[1, 2]}
                values |= {f"{k}_to_v": step[0, 1], f"rising_{k}_to_v": step[0, 2]}
        return values

    def stepped(self, dt: float) -> "LIF":
        """The neuron whose f-I curve without noise is that of this one in steps of `dt` (s), on average over drives.

        A spike comes at the end of the step in which the threshold is crossed, half a step late on average, and
        integration resumes one step before the refractory period ends: intervals are half a step short. With reset by
        subtraction most of that delay is made up for.
        """
        held = max(int(self.step_parameters(dt)["hold"]), 1)
        late = 0.0 if self.reset_by_subtraction else 0.5
        return replace(self, refractory=(held - 1 + late) * dt)

    def activation(self, drive):
        """Rate in Hz for a constant input `drive` in V (any shape): the f-I curve.

        Without noise the closed form; with noise the Siegert formula (Siegert 1951; Brunel 2000, eq. 21).
        """
        drive = np.asarray(drive, dtype=float)
        if self.noise:
            return siegert(self.rest + drive, self.noise, self.tau, self.refractory, self.threshold, self.reset)
        return noise_free_rate(self, self.tau, drive)


def never_fires(neuron) -> bool:
    """Whether a neuron has a potential alone, as readouts of potentials have (`eisim.from_nir`)."""
    return isinstance(neuron, LIF) and neuron.threshold >= NEVER
