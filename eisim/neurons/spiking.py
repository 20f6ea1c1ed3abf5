"""What spiking neurons share."""

from collections.abc import Callable
from typing import Any, ClassVar, Literal

import numpy as np

from eisim.base.errors import InputError
from eisim.base.values import Value


class SpikingNeuron(Value):
    """What all spiking neurons share: how their equations, steps and events are put together from their receptors.

    The equations of a receptor stand in variables that end in its letter: e for excitation, i for inhibition, n for
    NMDA. A *pool* holds what all neurons of a population receive alike (`eisim.weights.AllToAll`), in the same
    variables.
    """

    tau: float
    rest: float
    threshold: float
    reset: float
    refractory: float
    noise: float
    excitation: Any
    inhibition: Any
    area: ClassVar[Callable[..., float]]  # (letter): mean input through a synapse of weight 1, in s

    kind: ClassVar[Literal["spiking"]] = "spiking"
    state_unit = "volt"
    non_decreasing = True
    excitatory_class = "monotone functions, as far as a rate code carries them"
    #: Condition of a spike, as Brian2 text.
    spikes_when = "v > threshold"

    @property
    def receptors(self) -> dict[str, Any]:
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


def check_reset(neuron):
    if neuron.reset >= neuron.threshold:
        raise InputError(
            f"{type(neuron).__name__}.reset: expected less than the threshold {neuron.threshold * 1e3:g} mV, "
            f"found {neuron.reset * 1e3:g} mV"
        )


def steps_of_refractoriness(refractory, dt):
    """Steps without integration."""
    return np.int32(np.floor(refractory / dt + 1e-3))


def noise_free_rate(neuron, tau, drive):
    """Rate in Hz of a leaky integrate-and-fire neuron whose membrane would settle at rest + drive (V)."""
    rheobase = neuron.threshold - neuron.rest
    above = drive > rheobase
    v_inf = neuron.rest + np.where(above, drive, 2 * rheobase if rheobase > 0 else rheobase + 1)
    interval = neuron.refractory + tau * np.log((v_inf - neuron.reset) / (v_inf - neuron.threshold))
    return np.where(above, 1 / interval, 0.0)
