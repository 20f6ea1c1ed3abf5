"""The exponential integrate-and-fire neuron."""

from eisim.base.units import Measured
from eisim.neurons.built_in import built_in, currents
from eisim.neurons.neuron import Neuron

_EQUATIONS = """dv/dt = (E_L - v + Delta_T*exp((v - V_T)/Delta_T) + I + {total})/tau : volt (unless refractory)
I : volt"""
_VALUES = {
    "tau": Measured(10e-3, "second"),
    "E_L": Measured(-65e-3, "volt"),
    "V_T": Measured(-59.9e-3, "volt"),
    "Delta_T": Measured(3.48e-3, "volt"),
    "V_cut": Measured(-30e-3, "volt"),
    "V_r": Measured(-68e-3, "volt"),
}


def EIF(**parameters) -> Neuron:
    r"""Exponential integrate-and-fire neuron (Fourcaud-Trocmé et al., J. Neurosci. 23:11628, 2003).

    .. math:: \tau \dot{v} = E_L - v + \Delta_T\, e^{(v - V_T)/\Delta_T} + I + I_e + I_i

    At :math:`v > V_\mathrm{cut}` it spikes, and :math:`v` is held at :math:`V_r` for 1.7 ms (the paper).

    ======= =========== ============================= ======================================
    symbol  value       meaning                       source
    ======= =========== ============================= ======================================
    tau     10 ms       membrane time constant        the paper, fitted to `WangBuzsaki`
    E_L     -65 mV      leak potential                the paper
    V_T     -59.9 mV    threshold of the upstroke     the paper
    Delta_T 3.48 mV     slope factor                  the paper
    V_r     -68 mV      reset                         the paper
    V_cut   -30 mV      where a spike is noticed      of eisim
    tau_e   5 ms        decay of excitation           of eisim
    tau_i   10 ms       decay of inhibition           of eisim
    ======= =========== ============================= ======================================

    The values of the paper are given from memory of its table 1.

    Parameters
    ----------
    **parameters : quantity
        Other values of the symbols above; also `initial`, `refractory` (1.7 ms) and `method` ("euler"), as for
        `Neuron`.

    Returns
    -------
    Neuron
        With weights and a bias in V, the current times the membrane resistance; it starts at E_L.

    Raises
    ------
    InputError
        For an unknown parameter, or another unit.
    """
    synapses = currents("volt")
    events = {"threshold": "v > V_cut", "reset": "v = V_r", "method": "euler", "refractory": 1.7e-3}
    equations = _EQUATIONS.format(total=synapses.total)
    return built_in("EIF", equations, synapses, _VALUES, parameters, {"v": "E_L"}, **events)
