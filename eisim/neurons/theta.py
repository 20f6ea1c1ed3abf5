"""The theta neuron."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from eisim.base.elementary import exp, exprel
from eisim.base.values import quantity
from eisim.neurons.kinetics import kinetic_steps, kinetics, pools
from eisim.neurons.spiking import SpikingNeuron
from eisim.synapses import Exponential


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
    membrane: ClassVar = {"tau": "second"}
    takes: ClassVar = {"excitation": (Exponential,), "inhibition": (Exponential,)}
    state_unit = "1"
    signed_weights = True
    non_decreasing = True
    #: The phase is the state of the membrane, which the simulator calls v.
    spikes_when = "v > pi"
    noise = 0.0
    rheobase = 0.0

    @staticmethod
    def after_spike(carrying: bool) -> str:
        return "v -= 2*pi"

    def equations(self, pooled: bool = False) -> str:
        """The Brian2 equations; `pooled`: what comes from the pool is added."""
        total = "".join(f" + I_{k}{pool}" for k in self.receptors for pool in pools(pooled))
        equations = kinetics(self)
        return f"\n    dv/dt = (1 - cos(v) + (1 + cos(v))*(bias{total}))/tau : 1{equations}\n    "

    def step(self, noisy: bool, pooled: bool = False, arrivals: str = "") -> str:
        """One step of the equations, as Brian2 abstract code; `arrivals`: code that adds Poisson spikes."""
        total = "".join(f" + I_{k}{pool}*mean_{k}" for k in self.receptors for pool in pools(pooled))
        lines = [
            f"_input = bias{total}",
            "_mid = v + 0.5*advance*(1 - cos(v) + (1 + cos(v))*_input)",
            "v = v + advance*(1 - cos(_mid) + (1 + cos(_mid))*_input)",
            *kinetic_steps(self),
        ]
        return "".join(f"\n        {line}" for line in [*lines, *arrivals.splitlines()]) + "\n        "

    def step_parameters(self, dt: float) -> dict[str, float]:
        values: dict[str, Any] = {"rest": 0.0, "hold": np.int32(0), "advance": dt / self.tau, "noise_step": 0.0}
        for k, receptor in self.receptors.items():
            values |= {f"decay_{k}": exp(-dt / receptor.tau), f"mean_{k}": exprel(-dt / receptor.tau)}
        return values

    def activation(self, drive):
        r"""Rate in Hz for a constant input `drive` (any shape): :math:`\sqrt{J}/(\pi\tau)` above 0."""
        return np.sqrt(np.maximum(drive, 0.0)) / (np.pi * self.tau)
