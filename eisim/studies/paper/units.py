"""Rate units by which circuits multiply and divide: the logarithm and the exponential, both non-decreasing."""

from dataclasses import dataclass

import numpy as np

from eisim.base.elementary import exp, log1p
from eisim.base.values import quantity
from eisim.neurons import RateUnit


@dataclass(frozen=True)
class Logarithm(RateUnit):
    r"""A compressive unit: :math:`\phi(u) = s \ln(1 + [u]_+/u_0)`.

    Attributes
    ----------
    scale : float
        The constant :math:`s`, in Hz.
    least : float
        The input :math:`u_0` from which on it is compressive, in Hz.
    """

    scale: float = quantity(100.0, "hertz", positive=True)
    least: float = quantity(100.0, "hertz", positive=True)

    transfer_text = "scale*log1p(drive*int(drive > 0*Hz)/least)"

    def transfer(self, drive):
        return self.scale * log1p(np.maximum(np.asarray(drive), 0.0) / self.least)


@dataclass(frozen=True)
class Exponential(RateUnit):
    r"""An expansive unit: :math:`\phi(u) = s\,e^{u/s}`.

    Attributes
    ----------
    scale : float
        The constant :math:`s`, in Hz.
    """

    scale: float = quantity(100.0, "hertz", positive=True)

    is_convex = True
    transfer_text = "scale*exp(clip(drive/scale, -700, 700))"

    def transfer(self, drive):
        return self.scale * exp(np.clip(np.asarray(drive) / self.scale, -700, 700))
