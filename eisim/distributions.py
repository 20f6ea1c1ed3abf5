"""Distributions of weights, delays and states at the start, drawn for each synapse or neuron."""

from abc import abstractmethod
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from eisim.base.elementary import exp, log
from eisim.base.errors import InputError
from eisim.base.units import scalar_si, unit_of
from eisim.base.values import Explained

#: What is drawn is above 0: a drawn synapse is one.
_LEAST = np.finfo(float).tiny
#: Standard deviations in means: the least that is told from 0, and the largest.
_NARROW, _WIDE = 1e-9, 1e3


@dataclass(frozen=True)
class Distribution(Explained):
    """Base of the distributions, given by mean and standard deviation.

    Attributes
    ----------
    mean, sd : quantity or float
        In one unit; held as SI numbers. A standard deviation of 0 makes all numbers equal to the mean.

    Raises
    ------
    InputError
        If the mean is not above 0 (but for `Normal`), the standard deviation is negative or above 1,000 means, or their
        units differ.
    """

    mean: Any
    sd: Any
    #: The unit in which they were given, ``None`` for plain numbers.
    unit: str | None = field(default=None, init=False, repr=False, compare=False)
    may_be_negative: ClassVar[bool] = False

    def __post_init__(self):
        what = type(self).__name__
        unit = unit_of([self.mean, self.sd])
        if unit is not None and {unit_of(self.mean), unit_of(self.sd)} == {None, "1"}:
            unit = "1"
        if unit is not None and " and " in unit:
            raise InputError(f"{what}: expected mean and sd in one unit, found {self.mean} and {self.sd}")
        for name in ("mean", "sd"):
            object.__setattr__(self, name, scalar_si(getattr(self, name), unit or "1", f"{what}.{name}"))
        if not self.mean > 0 and not self.may_be_negative:
            raise InputError(f"{what}.mean: expected more than 0, found {self.mean:g}")
        largest = np.inf if self.may_be_negative else _WIDE * self.mean
        if not 0 <= self.sd <= largest * (1 + 1e-9):  # scaling rounds
            most = " to 1,000 times the mean" if np.isfinite(largest) else " on"
            raise InputError(f"{what}.sd: expected from 0{most}, found {self.sd:g}")
        object.__setattr__(self, "unit", unit)

    def check_magnitudes(self, what: str) -> None:
        """Refuse a mean that magnitudes or delays cannot have; `what` they are."""
        if not self.mean > 0:
            raise InputError(f"{what}: expected a mean above 0, found {self.mean:g}")

    def __mul__(self, factor: float) -> "Distribution | float":
        """The distribution of the numbers times a factor, or 0 for a factor of 0."""
        return replace(self, mean=self.mean * factor, sd=self.sd * factor) if factor else 0.0

    def quantile(self, share, signed: bool = False) -> np.ndarray:
        """The numbers below which these shares, above 0 and below 1, of what is drawn lie (any shape), in SI units.

        `signed`: of states, which may be negative.
        """
        share = np.asarray(share, dtype=float)
        if self.sd <= _NARROW * abs(self.mean):
            return np.full(share.shape, self.mean)
        return self._quantile(share, True) if signed else np.maximum(self._quantile(share, False), _LEAST)

    @property
    def moments(self) -> tuple[float, float]:
        """Mean and standard deviation of the weights or delays drawn, in SI units."""
        return self.mean, self.sd

    @abstractmethod
    def _quantile(self, share, signed): ...


@dataclass(frozen=True)
class Lognormal(Distribution):
    r"""Log-normal numbers.

    Mean :math:`m` and standard deviation :math:`s` are those of the numbers, as papers report those of weights, not of
    their logarithms: these have the variance :math:`\sigma^2 = \ln(1 + s^2/m^2)` and the mean
    :math:`\mu = \ln m - \sigma^2/2`. From :math:`\mu` and :math:`\sigma`, :math:`m = e^{\mu + \sigma^2/2}` and
    :math:`s = m \sqrt{e^{\sigma^2} - 1}`.

    Attributes
    ----------
    mean, sd : quantity or float
        Of the numbers, in one unit.
    """

    def _quantile(self, share, signed):
        from scipy.special import ndtri

        variance = np.log1p((self.sd / self.mean) ** 2)
        return exp(log(self.mean) - variance / 2 + np.sqrt(variance) * ndtri(share))


@dataclass(frozen=True)
class Normal(Distribution):
    r"""Normal numbers; of weights and delays cut off at a minimum: what is not above it is drawn again.

    Mean and standard deviation are those of the normal distribution before the cut, as scripts give them. The numbers
    drawn have a larger mean and a smaller standard deviation (`moments`): of a distribution with
    :math:`s = m/3` by 0.15 % and 0.7 %, with :math:`s = m` by 29 % and 21 %.

    Attributes
    ----------
    mean, sd : quantity or float
        Of the normal distribution before it is cut, in one unit. The mean of weights and delays is above 0.
    minimum : quantity or float
        Of weights and delays, in that unit: from 0 to less than the mean. States at the start are not cut off.
    """

    minimum: Any = 0.0

    may_be_negative = True

    def __post_init__(self):
        super().__post_init__()
        minimum = scalar_si(self.minimum, unit_of(self.minimum) or "1", "Normal.minimum")
        if minimum and unit_of(self.minimum) != self.unit:
            raise InputError(f"Normal: expected mean and minimum in one unit, found a minimum of {self.minimum}")
        if minimum and not 0 <= minimum < self.mean:
            raise InputError(f"Normal.minimum: expected from 0 to less than the mean, found {minimum:g}")
        object.__setattr__(self, "minimum", minimum)

    def __mul__(self, factor: float) -> "Distribution | float":
        scaled = {name: getattr(self, name) * factor for name in ("mean", "sd", "minimum")}
        return replace(self, **scaled) if factor else 0.0

    @property
    def moments(self) -> tuple[float, float]:
        if self.sd <= _NARROW * abs(self.mean):
            return self.mean, self.sd
        from scipy.special import ndtr

        below = (self.minimum - self.mean) / self.sd
        hazard = float(np.exp(-(below**2) / 2) / np.sqrt(2 * np.pi) / ndtr(-below))
        return self.mean + self.sd * hazard, self.sd * float(np.sqrt(1 + below * hazard - hazard**2))

    def _quantile(self, share, signed):
        from scipy.special import ndtr, ndtri

        return self.mean - self.sd * ndtri((1 - share) * (1 if signed else ndtr((self.mean - self.minimum) / self.sd)))


@dataclass(frozen=True)
class Gamma(Distribution):
    r"""Gamma-distributed numbers, of shape :math:`m^2/s^2` and scale :math:`s^2/m`.

    Attributes
    ----------
    mean, sd : quantity or float
        Of the numbers, in one unit.
    """

    def _quantile(self, share, signed):
        from scipy.special import gammaincinv

        return gammaincinv((self.mean / self.sd) ** 2, share) * (self.sd**2 / self.mean)
