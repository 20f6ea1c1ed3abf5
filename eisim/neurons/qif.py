"""The quadratic integrate-and-fire neuron."""

from eisim.base.units import Measured
from eisim.neurons.built_in import built_in, currents
from eisim.neurons.neuron import Neuron

_EQUATIONS = """dv/dt = ((v - E_L)*(v - V_T)/(V_T - E_L) + I + {total})/tau : volt (unless refractory)
I : volt"""
_VALUES = {
    "tau": Measured(10e-3, "second"),
    "E_L": Measured(-65e-3, "volt"),
    "V_T": Measured(-50e-3, "volt"),
    "V_cut": Measured(20e-3, "volt"),
    "V_r": Measured(-80e-3, "volt"),
}


def QIF(**parameters) -> Neuron:
    r"""Quadratic integrate-and-fire neuron (Latham et al., J. Neurophysiol. 83:808, 2000).

    .. math:: \tau \dot{v} = \frac{(v - E_L)(v - V_T)}{V_T - E_L} + I + I_e + I_i

    At :math:`v > V_\mathrm{cut}` it spikes, and :math:`v` is set to :math:`V_r`.

    ====== ========= ========================= ==================
    symbol value     meaning                   source
    ====== ========= ========================= ==================
    tau    10 ms     time constant             the paper
    E_L    -65 mV    resting potential         the paper
    V_T    -50 mV    threshold                 the paper
    V_cut  20 mV     peak of a spike           the paper
    V_r    -80 mV    reset                     the paper
    tau_e  5 ms      decay of excitation       of eisim
    tau_i  10 ms     decay of inhibition       of eisim
    ====== ========= ========================= ==================

    The values of the paper are given from memory. It fires from :math:`I > (V_T - E_L)/4` on. `Theta` is the same
    neuron in a variable that stays finite.

    Parameters
    ----------
    **parameters : quantity
        Other values of the symbols above; also `initial`, `refractory` (0 ms) and `method` ("euler"), as for `Neuron`.

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
    events = {"threshold": "v > V_cut", "reset": "v = V_r", "method": "euler"}
    equations = _EQUATIONS.format(total=synapses.total)
    return built_in("QIF", equations, synapses, _VALUES, parameters, {"v": "E_L"}, **events)
