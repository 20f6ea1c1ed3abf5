"""Rate units to which the theorem does not apply."""

from dataclasses import dataclass

import numpy as np

from eisim.base.values import quantity
from eisim.neurons import RateUnit


@dataclass(frozen=True)
class BandPass(RateUnit):
    r"""A dendrite that responds most at threshold.

    .. math:: \phi(u) = r_\mathrm{max}\, e^{-d (u/\theta - 1)} \text{ if } u > \theta, \text{ else } 0

    The calcium action potentials of dendrites of human layer 2/3 neurons are largest at threshold, and smaller where
    the current is larger (Gidon et al., Science 367:83, 2020).

    Attributes
    ----------
    decay : float
        The constant :math:`d`, per threshold; 0 for a step.
    maximum : float
        The rate at threshold, in Hz.
    """

    decay: float = quantity(1.0, "1", non_negative=True)
    maximum: float = quantity(100.0, "hertz", positive=True)

    non_decreasing = False
    transfer_text = "maximum*exp(-decay*(drive/threshold - 1))*int(drive > threshold)"

    def transfer(self, drive):
        drive = np.asarray(drive)
        return self.maximum * np.exp(-self.decay * (drive / self.threshold - 1)) * (drive > self.threshold)


@dataclass(frozen=True)
class Adapting(RateUnit):
    r"""A threshold-linear unit that adapts.

    .. math:: \tau\dot{r} = -r + \max(u - a, 0), \qquad \tau_a\dot{a} = b\,r - a

    Attributes
    ----------
    strength : float
        The constant :math:`b`; 0 for none.
    slow : float
        Time constant :math:`\tau_a`, in s.
    """

    strength: float = quantity(1.0, "1", non_negative=True)
    slow: float = quantity(100e-3, "second", positive=True)

    non_decreasing = True
    transfer_text = "(drive - adaptation)*int(drive > adaptation)"

    def equations_of(self, refractory, noisy):
        text = super().equations_of(refractory, noisy)
        return f"{text}\ndadaptation/dt = (strength*r - adaptation)/slow : Hz"

    def step(self, refractory, noisy):
        return f"_adapt = strength*r - adaptation\n{self._step()}\nadaptation = adaptation + dt/slow*_adapt"

    def _step(self):
        return f"_mix = dt/tau\nr = r + _mix*({self.transfer_text} - r)"

    def transfer(self, drive):
        """Without adaptation."""
        return np.maximum(np.asarray(drive), 0.0)


@dataclass(frozen=True)
class Depressing(RateUnit):
    r"""A linear unit whose synapses are used up by the rates that arrive.

    .. math:: \tau\dot{r} = -r + R\,u, \qquad \dot{R} = (1 - R)/\tau_d - U R\,u

    The mean over spikes of what `eisim.ShortTerm` does.

    Attributes
    ----------
    release : float
        Share :math:`U` that a spike uses; 0 for none.
    recovery_time : float
        Recovery time :math:`\tau_d`, in s.
    """

    release: float = quantity(0.1, "1", non_negative=True)
    recovery_time: float = quantity(200e-3, "second", positive=True)

    non_decreasing = True
    transfer_text = "drive*(1 - used)"

    def equations_of(self, refractory, noisy):
        text = super().equations_of(refractory, noisy)
        return f"{text}\ndused/dt = -used/recovery_time + release*(1 - used)*drive : 1"

    def step(self, refractory, noisy):
        return (
            f"_use = -used/recovery_time + release*(1 - used)*drive\n_mix = dt/tau\n"
            f"r = r + _mix*({self.transfer_text} - r)\nused = used + dt*_use"
        )

    def transfer(self, drive):
        """Without depression."""
        return np.asarray(drive)
