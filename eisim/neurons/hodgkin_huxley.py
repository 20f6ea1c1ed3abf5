"""Hodgkin and Huxley's equations with the channels of Traub and Miles."""

from eisim.base.units import Measured
from eisim.neurons.built_in import built_in, conductances
from eisim.neurons.neuron import Neuron

_EQUATIONS = """dv/dt = (g_L*(E_L - v) - g_Na*m**3*h*(v - E_Na) - g_K*n**4*(v - E_K) + I + {total})/C : volt
dm/dt = alpha_m*(1 - m) - beta_m*m : 1
dn/dt = alpha_n*(1 - n) - beta_n*n : 1
dh/dt = alpha_h*(1 - h) - beta_h*h : 1
alpha_m = 0.32*4/exprel((13*mV - v + V_T)/(4*mV))/ms : Hz
beta_m = 0.28*5/exprel((v - V_T - 40*mV)/(5*mV))/ms : Hz
alpha_h = 0.128*exp((17*mV - v + V_T)/(18*mV))/ms : Hz
beta_h = 4/(1 + exp((40*mV - v + V_T)/(5*mV)))/ms : Hz
alpha_n = 0.032*5/exprel((15*mV - v + V_T)/(5*mV))/ms : Hz
beta_n = 0.5*exp((10*mV - v + V_T)/(40*mV))/ms : Hz
I : amp"""
_VALUES = {
    "C": Measured(200e-12, "farad"),
    "g_L": Measured(10e-9, "siemens"),
    "E_L": Measured(-60e-3, "volt"),
    "g_Na": Measured(20e-6, "siemens"),
    "E_Na": Measured(50e-3, "volt"),
    "g_K": Measured(6e-6, "siemens"),
    "E_K": Measured(-90e-3, "volt"),
    "V_T": Measured(-63e-3, "volt"),
}


def HodgkinHuxley(**parameters) -> Neuron:
    r"""Hodgkin–Huxley neuron with the channels of Traub & Miles (1991), as in the benchmark COBAHH.

    .. math::
        C \dot{v} = g_L (E_L - v) + g_\mathrm{Na} m^3 h\,(E_\mathrm{Na} - v) + g_\mathrm{K} n^4 (E_\mathrm{K} - v)
        + I + g_e (E_e - v) + g_i (E_i - v)

    with :math:`\dot{x} = \alpha_x (1 - x) - \beta_x x` for :math:`x = m, h, n` (Brette et al., J. Comput. Neurosci.
    23:349, 2007, benchmark 3). A spike is noticed at :math:`v > -20` mV, and none for 3 ms after; nothing is reset.

    ====== ========= ======================================= ========================================
    symbol value     meaning                                 source
    ====== ========= ======================================= ========================================
    C      200 pF    capacitance (1 µF/cm² × 20,000 µm²)     Brian2's COBAHH
    g_L    10 nS     leak (5·10⁻⁵ S/cm²)                     Brian2's COBAHH
    E_L    -60 mV    leak potential                          Brian2's COBAHH
    g_Na   20 µS     sodium (100 mS/cm²)                     Brian2's COBAHH
    E_Na   50 mV     reversal of sodium                      Brian2's COBAHH
    g_K    6 µS      potassium (30 mS/cm²)                   Brian2's COBAHH
    E_K    -90 mV    reversal of potassium                   Brian2's COBAHH
    V_T    -63 mV    shift of the channels                   Brian2's COBAHH
    E_e    0 mV      reversal of excitation                  Brian2's COBAHH
    E_i    -80 mV    reversal of inhibition                  Brian2's COBAHH
    tau_e  5 ms      decay of excitation                     Brian2's COBAHH
    tau_i  10 ms     decay of inhibition                     Brian2's COBAHH
    ====== ========= ======================================= ========================================

    Parameters
    ----------
    **parameters : quantity
        Other values of the symbols above; also `initial`, `refractory` (3 ms) and `method` ("exponential_euler"), as
        for `Neuron`.

    Returns
    -------
    Neuron
        With weights in S and a bias in A; it starts at E_L with the channels in their steady state.

    Raises
    ------
    InputError
        For an unknown parameter, or another unit.
    """
    synapses = conductances()
    events = {"threshold": "v > -20*mV", "refractory": 3e-3, "method": "exponential_euler"}
    start = {"v": "E_L"} | {x: f"alpha_{x}/(alpha_{x} + beta_{x})" for x in "mnh"}
    equations = _EQUATIONS.format(total=synapses.total)
    return built_in("HodgkinHuxley", equations, synapses, _VALUES, parameters, start, **events)
