"""The adaptive exponential integrate-and-fire neuron."""

from eisim.base.units import Measured
from eisim.neurons.built_in import built_in, conductances, pattern_of
from eisim.neurons.neuron import Neuron

_EQUATIONS = """dv/dt = (g_L*(E_L - v) + upstroke - w + I + {total})/C : volt (unless refractory)
upstroke = g_L*Delta_T*exp((v - V_T)/Delta_T) : amp
dw/dt = (a*(v - E_L) - w)/tau_w : amp
I : amp"""
_VALUES = {
    "C": Measured(281e-12, "farad"),
    "g_L": Measured(30e-9, "siemens"),
    "E_L": Measured(-70.6e-3, "volt"),
    "V_T": Measured(-50.4e-3, "volt"),
    "Delta_T": Measured(2e-3, "volt"),
    "V_cut": Measured(-40.4e-3, "volt"),
    "tau_w": Measured(144e-3, "second"),
    "a": Measured(4e-9, "siemens"),
    "b": Measured(80.5e-12, "ampere"),
    "V_r": Measured(-70.6e-3, "volt"),
}
#: By name, what differs from the values of the paper.
PATTERNS = {
    "regular spiking": {},
    "bursting": {"tau_w": 20e-3, "b": 0.5e-9, "V_r": -45.4e-3},
    "fast spiking": {"a": 2 * 281e-12 / 144e-3, "b": 0.0},
}


def AdEx(pattern: str = "regular spiking", **parameters) -> Neuron:
    r"""Adaptive exponential integrate-and-fire neuron (Brette & Gerstner, J. Neurophysiol. 94:3637, 2005).

    .. math::
        C \dot{v} &= g_L (E_L - v) + g_L \Delta_T\, e^{(v - V_T)/\Delta_T} - w + I + g_e (E_e - v) + g_i (E_i - v) \\
        \tau_w \dot{w} &= a (v - E_L) - w

    At :math:`v > V_\mathrm{cut}` it spikes: :math:`v` is set to :math:`V_r` and :math:`w` rises by :math:`b`.

    ======= =========== ========================== =================================
    symbol  value       meaning                    source
    ======= =========== ========================== =================================
    C       281 pF      capacitance                the paper
    g_L     30 nS       leak conductance           the paper
    E_L     -70.6 mV    leak potential             the paper
    V_T     -50.4 mV    threshold of the upstroke  the paper
    Delta_T 2 mV        slope factor               the paper
    tau_w   144 ms      time constant of w         the paper
    a       4 nS        subthreshold adaptation    the paper
    b       80.5 pA     adaptation by a spike      the paper
    V_r     -70.6 mV    reset                      the paper: E_L
    V_cut   -40.4 mV    where a spike is noticed   Brian2's example; 20 mV in the paper
    E_e     0 mV        reversal of excitation     of eisim
    E_i     -80 mV      reversal of inhibition     of eisim
    tau_e   5 ms        decay of excitation        of eisim
    tau_i   10 ms       decay of inhibition        of eisim
    ======= =========== ========================== =================================

    The values are those of Brian2's example of this paper, as are those of the other patterns: "bursting" (tau_w 20 ms,
    b 0.5 nA, V_r = V_T + 5 mV) and "fast spiking" (a = 2 C/(144 ms), b 0).

    Parameters
    ----------
    pattern : {"regular spiking", "bursting", "fast spiking"}
    **parameters : quantity
        Other values of the symbols above; also `initial`, `refractory` (0 ms) and `method` ("euler"), as for
        `Neuron`.

    Returns
    -------
    Neuron
        With weights in S and a bias in A; it starts at E_L.

    Raises
    ------
    InputError
        For an unknown pattern or parameter, or another unit.
    """
    synapses = conductances()
    changes = {**pattern_of(PATTERNS, pattern, "AdEx"), **parameters}
    events = {"threshold": "v > V_cut", "reset": "v = V_r; w += b", "method": "euler"}
    equations = _EQUATIONS.format(total=synapses.total)
    return built_in("AdEx", equations, synapses, _VALUES, changes, {"v": "E_L"}, **events)
