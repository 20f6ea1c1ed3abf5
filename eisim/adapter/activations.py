"""Activations of DNNs that no single neuron has, since a rate is not negative."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Identity:
    """The identity: of linear outputs."""

    def activation(self, drive):
        """The input itself (any shape)."""
        return np.asarray(drive)


@dataclass(frozen=True)
class LeakyReLU:
    """``max(x, 0) + slope * min(x, 0)``.

    Attributes
    ----------
    slope : float
        Below 0.
    """

    slope: float = 0.01

    def activation(self, drive):
        """Output for an input (any shape)."""
        return np.where(np.asarray(drive) > 0, drive, self.slope * np.asarray(drive))


@dataclass(frozen=True)
class Tanh:
    """The hyperbolic tangent."""

    def activation(self, drive):
        """Output for an input (any shape)."""
        return np.tanh(drive)
