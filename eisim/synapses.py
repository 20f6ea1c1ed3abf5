r"""Receptor kinetics: the effect of one presynaptic spike on a neuron, and the resources that a synapse has left.

Current-based receptors (`Delta`, `Exponential`, `Alpha`) have weights in V, the input current times the membrane
resistance; conductance-based ones (`Conductance`, `NMDA`) in S. `ShortTerm` plasticity and a
`Transient` loss of transmission belong to a projection.
"""

from dataclasses import dataclass

import numpy as np

from eisim.base.elementary import exp, expm1, log
from eisim.base.errors import InputError
from eisim.base.values import Value, quantity


@dataclass(frozen=True)
class Delta(Value):
    r"""Current-based synapse without kinetics: the membrane potential jumps by the weight at each spike.

    .. math:: v \leftarrow v + w \text{ at each presynaptic spike, unless refractory}
    """

    letter = "d"


@dataclass(frozen=True)
class Exponential(Value):
    r"""Current-based synapse whose input jumps by the weight at each spike and decays exponentially.

    .. math:: \dot{I} = -I / \tau, \qquad I \leftarrow I + w \text{ at each presynaptic spike}

    Attributes
    ----------
    tau : float
        Decay time constant :math:`\tau`, in s.
    """

    tau: float = quantity(5e-3, "second", positive=True, huge=0.5)

    letter = "x"

    @property
    def area(self) -> float:
        """Integral of the input that one spike of unit weight causes, in s: mean input = weight × rate × area."""
        return self.tau


@dataclass(frozen=True)
class Alpha(Value):
    r"""Current-based synapse whose input rises and falls as an alpha function with the weight as its peak.

    .. math:: I(t) = w\,\frac{t}{\tau}\,e^{1 - t/\tau} \text{ from each presynaptic spike on}

    which is :math:`\tau\dot{I} = x - I,\ \tau\dot{x} = -x,\ x \leftarrow x + e\,w`.

    Attributes
    ----------
    tau : float
        Time to the peak :math:`\tau`, in s.
    """

    tau: float = quantity(2e-3, "second", positive=True, huge=0.5)

    letter = "a"

    @property
    def area(self) -> float:
        """Integral of the input that one spike of unit weight causes, in s: mean input = weight × rate × area."""
        return np.e * self.tau


@dataclass(frozen=True)
class Conductance(Value):
    r"""Conductance-based synapse: AMPA, or GABA-A, by its reversal potential.

    .. math:: I = g\,(E - v), \qquad \dot{g} = -g/\tau, \qquad g \leftarrow g + w \text{ at each presynaptic spike}

    With a rise time the conductance is a difference of exponentials whose peak is the weight.

    Attributes
    ----------
    reversal : float
        Reversal potential :math:`E`, in V.
    tau : float
        Decay time constant :math:`\tau`, in s.
    rise : float
        Rise time constant, in s; 0 for a jump.
    """

    reversal: float = quantity(0.0, "volt")
    tau: float = quantity(5e-3, "second", positive=True, huge=0.5)
    rise: float = quantity(0.0, "second", non_negative=True, huge=0.5)

    #: Share of what a synapse has that one spike uses; ``None`` where nothing is used up.
    release = None

    def __post_init__(self):
        super().__post_init__()
        if self.rise >= self.tau:
            raise InputError(
                f"{type(self).__name__}.rise: expected less than the decay time {self.tau * 1e3:g} ms, "
                f"found {self.rise * 1e3:g} ms"
            )

    @property
    def letter(self) -> str:
        """A key that distinguishes its equations from those of other receptors."""
        return "r" if self.rise else "c"

    @property
    def scale(self) -> float:
        """The jump of the rising variable for a weight of 1, so that the peak is the weight."""
        if not self.rise:
            return 1.0
        peak = self.tau * self.rise / (self.tau - self.rise) * log(self.tau / self.rise)
        return (self.tau - self.rise) / self.tau / (exp(-peak / self.tau) - exp(-peak / self.rise))

    @property
    def area(self) -> float:
        """Integral of the conductance that one spike of unit weight causes, in s."""
        return self.tau * self.scale


@dataclass(frozen=True)
class NMDA(Conductance):
    r"""NMDA receptor: slow, saturating, and blocked by magnesium at rest.

    .. math::
        I = \frac{g\,(E - v)}{1 + [\mathrm{Mg}]\,e^{-0.062\,v/\mathrm{mV}}/3.57}, \qquad
        \dot{s} = -s/\tau + \alpha\,x\,(1 - s), \qquad \dot{x} = -x/\tau_r,
        \qquad x \leftarrow x + 1 \text{ at each spike}

    (Jahr & Stevens 1990; Wang 1999), with :math:`g = \sum_j w_j s_j`. The gating of a synapse saturates: a spike opens
    the share :math:`U = 1 - e^{-\alpha\tau_r}` of what is closed, which is the depression of `ShortTerm` with recovery
    time :math:`\tau`; what it opens rises with :math:`\tau_r`. This differs from the equations above by what happens
    within a few :math:`\tau_r` of a spike alone: the mean gating at 5 to 160 Hz is within 1 % of theirs.

    Attributes
    ----------
    reversal, tau, rise : float
        As for `Conductance`, in V, s and s.
    alpha : float
        Rate of opening :math:`\alpha`, in Hz.
    magnesium : float
        Concentration of magnesium, in mM; 0 for no block.
    """

    tau: float = quantity(100e-3, "second", positive=True, huge=0.5)
    rise: float = quantity(2e-3, "second", non_negative=True, huge=0.5)
    alpha: float = quantity(500.0, "hertz", positive=True)
    magnesium: float = quantity(1.0, "1", non_negative=True)

    #: Steepness of the magnesium block, in 1/V, and the concentration that halves the conductance at 0 mV, in mM.
    STEEPNESS = 62.0
    HALF_BLOCK = 3.57

    scale = 1.0

    @property
    def letter(self) -> str:
        return "n" if self.rise else "m"

    @property
    def release(self) -> "ShortTerm":
        """The saturation of the gating, as depression."""
        share = -expm1(-self.alpha * self.rise) if self.rise else 1.0
        return ShortTerm(share, self.tau, 0.0)

    def open_share(self, v) -> np.ndarray:
        """Share of the conductance that magnesium leaves open at the membrane potential `v` (V, any shape)."""
        return 1 / (1 + self.magnesium / self.HALF_BLOCK * np.exp(-self.STEEPNESS * np.asarray(v)))


@dataclass(frozen=True)
class ShortTerm(Value):
    r"""Short-term plasticity: a spike uses a share of what a synapse has, and raises the share that the next one uses.

    .. math::
        \dot{R} = (1 - R)/\tau_d, \qquad \dot{u} = -u/\tau_f; \qquad
        \text{at a spike } u \leftarrow u + U(1 - u),\ \text{released } u R,\ R \leftarrow R - uR

    (Tsodyks, Pawelzik & Markram, Neural Comput. 10:821, 1998). The synapse delivers its weight times what is released.

    Attributes
    ----------
    release : float
        Share :math:`U` that a spike after long rest uses, above 0 and at most 1.
    depression : float
        Recovery time :math:`\tau_d`, in s.
    facilitation : float
        Time constant :math:`\tau_f`, in s; 0 for none.
    """

    release: float = quantity(0.5, "1", positive=True)
    depression: float = quantity(0.8, "second", positive=True)
    facilitation: float = quantity(0.0, "second", non_negative=True)

    def __post_init__(self):
        super().__post_init__()
        if self.release > 1:
            raise InputError(f"ShortTerm.release: expected at most 1, found {self.release:g}")

    def steady(self, rate) -> np.ndarray:
        """Mean release at each spike of a regular train of `rate` (Hz, any shape), in the steady state."""
        with np.errstate(divide="ignore"):
            interval = 1 / np.asarray(rate, dtype=float)
            kept = np.exp(-interval / self.facilitation) if self.facilitation else np.zeros_like(interval)
        used = self.release / (1 - (1 - self.release) * kept)
        forgotten = np.exp(-interval / self.depression)
        return used * (1 - forgotten) / (1 - (1 - used) * forgotten)


#: Times that differ by less are the same, in s: a whole number of time steps is rounded.
_SAME = 1e-9


@dataclass(frozen=True)
class Transient(Value):
    r"""Transmission that is lost for a while, at once as by light, or as a drug washes in and out.

    .. math::
        m(t) = 1 - f\,c(t), \qquad c(t) = \begin{cases} 0 & t < t_0 \\
        1 - e^{-(t - t_0)/\tau_\mathrm{in}} & t_0 \le t < t_1 \\
        (1 - e^{-(t_1 - t_0)/\tau_\mathrm{in}})\,e^{-(t - t_1)/\tau_\mathrm{out}} & t \ge t_1 \end{cases}

    A spike that arrives at :math:`t` delivers its weight times :math:`m(t)`; rates are transmitted likewise.

    Attributes
    ----------
    fraction : float
        Largest share :math:`f` that is lost, above 0 and at most 1.
    start, stop : float
        Times :math:`t_0` and :math:`t_1` from the start of a trial, in s.
    wash_in, wash_out : float
        Time constants :math:`\tau_\mathrm{in}` and :math:`\tau_\mathrm{out}`, in s; 0 for at once.
    """

    fraction: float = quantity(1.0, "1", positive=True)
    start: float = quantity(0.0, "second", non_negative=True, huge=60.0)
    stop: float = quantity(1.0, "second", positive=True, huge=60.0)
    wash_in: float = quantity(0.0, "second", non_negative=True, huge=60.0)
    wash_out: float = quantity(0.0, "second", non_negative=True, huge=60.0)

    def __post_init__(self):
        super().__post_init__()
        if self.fraction > 1:
            raise InputError(f"Transient.fraction: expected at most 1, found {self.fraction:g}")
        if self.stop <= self.start:
            raise InputError(f"Transient.stop: expected more than the start, {self.start:g} s, found {self.stop:g} s")

    def transmission(self, times) -> np.ndarray:
        """The share :math:`m` of the weight that is transmitted at `times` (s, any shape)."""
        times = np.asarray(times, dtype=float)
        since, after = np.maximum(times - self.start, 0), np.maximum(times - self.stop, 0)
        lost = -expm1(-np.minimum(since, self.stop - self.start) / self.wash_in) if self.wash_in else 1.0
        left = exp(-after / self.wash_out) if self.wash_out else (times < self.stop - _SAME).astype(float)
        return 1 - self.fraction * np.where(times < self.start - _SAME, 0.0, lost * left)
