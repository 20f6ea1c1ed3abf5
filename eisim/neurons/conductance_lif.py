"""The leaky integrate-and-fire neuron with conductance-based synapses."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from eisim.base.elementary import exp, exprel
from eisim.base.values import quantity
from eisim.neurons.kinetics import kinetic_steps, kinetics, pools, propagator
from eisim.neurons.spiking import SpikingNeuron, noise_free_rate
from eisim.synapses import NMDA, Conductance


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
    refractory: float = quantity(5e-3, "second", non_negative=True, huge=0.5)
    noise: float = quantity(0.0, "volt", non_negative=True, huge=0.1)
    excitation: Conductance = field(default=Conductance(0.0, 5e-3))
    inhibition: Conductance = field(default=Conductance(-80e-3, 10e-3))
    nmda: NMDA | None = None

    weight_unit = "siemens"
    drive_unit = "ampere"
    membrane: ClassVar = {"capacitance": "farad", "noise": "volt"}
    takes: ClassVar = {"excitation": (Conductance,), "inhibition": (Conductance,), "nmda": (NMDA,)}
    signed_weights = False
    non_decreasing = True

    @property
    def tau(self) -> float:
        """Membrane time constant without synapses, in s."""
        return self.capacitance / self.leak

    @property
    def rheobase(self) -> float:
        """The constant input at threshold, in A."""
        return self.leak * (self.threshold - self.rest)

    def equations(self, pooled: bool = False) -> str:
        """The Brian2 equations; `pooled`: what comes from the pool is added."""
        equations = kinetics(self)
        currents = ""
        for k in self.receptors:
            total = " + ".join(f"g_{k}{pool}" for pool in pools(pooled))
            block = "/(1 + blocked*exp(-v*steepness))" if k == "n" else ""
            currents += f" + ({total})*(E_{k} - v){block}"
        return (
            f"\n    dv/dt = (leak*(rest - v) + bias{currents} + noise*leak*sqrt(2*capacitance/leak)*xi)/capacitance"
            f" : volt (unless refractory){equations}\n    "
        )

    def step(self, noisy: bool, pooled: bool = False, arrivals: str = "") -> str:
        """One step of the equations, as Brian2 abstract code; see `LIF.step`."""
        lines = []
        for k, receptor in self.receptors.items():
            parts = [("g", f"mean_{k}")] + ([("x", f"mean_rising_{k}")] if receptor.rise else [])
            means = [f"({' + '.join(f'{v}_{k}{pool}' for pool in pools(pooled))})*{mean}" for v, mean in parts]
            block = "/(1 + blocked*exp(-v*steepness))" if k == "n" else ""
            lines.append(f"_g{k} = ({' + '.join(means)}){block}")
        lines.append("_g = leak" + "".join(f" + _g{k}" for k in self.receptors))
        lines.append("_v = (leak*rest + bias" + "".join(f" + _g{k}*E_{k}" for k in self.receptors) + ")/_g")
        lines.append(
            f"v = _v + (v - _v)*exp(-_g*elapse){' + noise_step*gaussian(key, t_in_timesteps)' if noisy else ''}"
        )
        lines += kinetic_steps(self)
        return "".join(f"\n        {line}" for line in [*lines, *arrivals.splitlines()]) + "\n        "

    def step_parameters(self, dt: float) -> dict[str, float]:
        values = super().step_parameters(dt) | {"leak": self.leak, "elapse": dt / self.capacitance}
        for k, receptor in self.receptors.items():
            values[f"E_{k}"] = receptor.reversal
            if not receptor.rise:
                values |= {f"decay_{k}": exp(-dt / receptor.tau), f"mean_{k}": exprel(-dt / receptor.tau)}
                continue
            rising = receptor.scale / receptor.rise
            step, mean = propagator([[-1 / receptor.tau, rising], [0, -1 / receptor.rise]], dt)
            values |= {f"decay_{k}": step[0, 0], f"rising_{k}_to_{k}": step[0, 1], f"decay_rising_{k}": step[1, 1]}
            values |= {f"mean_{k}": mean[0, 0], f"mean_rising_{k}": mean[0, 1]}
        if self.nmda:
            values |= {"blocked": self.nmda.magnesium / NMDA.HALF_BLOCK, "steepness": NMDA.STEEPNESS}
        return values

    def activation(self, drive):
        """Rate in Hz for a constant input `drive` in A (any shape) without synapses or noise: the f-I curve."""
        return noise_free_rate(self, self.tau, np.asarray(drive, dtype=float) / self.leak)
