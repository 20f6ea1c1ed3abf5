"""Activations of DNNs that no single neuron has, since a rate is not negative."""

from dataclasses import dataclass

import numpy as np

from eisim.base.errors import InputError


def refuse_refractory(unit, what: str) -> None:
    """Raise an error for a rate unit with a refractory period, where only its transfer function would be seen."""
    if getattr(unit, "kind", None) == "rate" and unit.refractory:
        raise InputError(f"{what}: expected rate units without a refractory period, found {unit!r}")


@dataclass(frozen=True)
class Identity:
    """The identity: of linear outputs."""

    def activation(self, drive):
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
        return np.where(np.asarray(drive) > 0, drive, self.slope * np.asarray(drive))


@dataclass(frozen=True)
class Tanh:
    """The hyperbolic tangent."""

    def activation(self, drive):
        return np.tanh(drive)
