"""The fast-spiking interneuron of Wang and Buzsáki."""

from eisim.base.units import Measured
from eisim.neurons.built_in import built_in, conductances
from eisim.neurons.neuron import Neuron

_EQUATIONS = """dv/dt = (g_L*(E_L - v) - g_Na*m**3*h*(v - E_Na) - g_K*n**4*(v - E_K) + I + {total})/C : volt
dh/dt = phi*(alpha_h*(1 - h) - beta_h*h) : 1
dn/dt = phi*(alpha_n*(1 - n) - beta_n*n) : 1
m = alpha_m/(alpha_m + beta_m) : 1
alpha_m = 1/exprel(-(v + 35*mV)/(10*mV))/ms : Hz
beta_m = 4*exp(-(v + 60*mV)/(18*mV))/ms : Hz
alpha_h = 0.07*exp(-(v + 58*mV)/(20*mV))/ms : Hz
beta_h = 1/(exp(-(v + 28*mV)/(10*mV)) + 1)/ms : Hz
alpha_n = 0.1/exprel(-(v + 34*mV)/(10*mV))/ms : Hz
beta_n = 0.125*exp(-(v + 44*mV)/(80*mV))/ms : Hz
I : amp/meter**2"""


def WangBuzsaki(**parameters) -> Neuron:
    r"""Fast-spiking interneuron (Wang & Buzsáki, J. Neurosci. 16:6402, 1996).

    .. math::
        C \dot{v} = g_L (E_L - v) + g_\mathrm{Na} m_\infty^3 h\,(E_\mathrm{Na} - v)
        + g_\mathrm{K} n^4 (E_\mathrm{K} - v) + I + g_e (E_e - v) + g_i (E_i - v)

    with :math:`m_\infty(v) = \alpha_m/(\alpha_m + \beta_m)` and :math:`\dot{x} = \phi\,(\alpha_x (1 - x) - \beta_x x)`
    for :math:`x = h, n`. All are densities: capacitance, conductances and currents per area. A spike is noticed at
    :math:`v > 0` mV, and none for 1 ms after; nothing is reset.

    ====== ============ ========================== =====================================
    symbol value        meaning                    source
    ====== ============ ========================== =====================================
    C      1 µF/cm²     capacitance                the paper
    g_L    0.1 mS/cm²   leak                       the paper
    E_L    -65 mV       leak potential             the paper
    g_Na   35 mS/cm²    sodium                     the paper
    E_Na   55 mV        reversal of sodium         the paper
    g_K    9 mS/cm²     potassium                  the paper
    E_K    -90 mV       reversal of potassium      the paper
    phi    5            speed of the channels      the paper
    E_i    -75 mV       reversal of inhibition     the paper, from memory
    tau_i  10 ms        decay of inhibition        the paper, from memory
    E_e    0 mV         reversal of excitation     of eisim
    tau_e  5 ms         decay of excitation        of eisim
    ====== ============ ========================== =====================================

    The values without another source agree with Brian2's example of this paper. Synapses of the paper saturate; these
    do not.

    Parameters
    ----------
    **parameters : quantity
        Other values of the symbols above; also `initial`, `refractory` (1 ms) and `method` ("rk4"), as for `Neuron`.

    Returns
    -------
    Neuron
        With weights in S/m² (such as ``0.1*msiemens/cm**2``) and a bias in A/m² (``1*uA/cm**2``); it starts at E_L with
        the channels in their steady state. A time step of 0.05 ms or less is advised.

    Raises
    ------
    InputError
        For an unknown parameter, or another unit.
    """
    farad, siemens, _ = _densities()
    values = {
        "C": Measured(1e-2, farad),
        "g_L": Measured(1.0, siemens),
        "E_L": Measured(-65e-3, "volt"),
        "g_Na": Measured(350.0, siemens),
        "E_Na": Measured(55e-3, "volt"),
        "g_K": Measured(90.0, siemens),
        "E_K": Measured(-90e-3, "volt"),
        "phi": Measured(5.0, "1"),
    }
    synapses = conductances("siemens/meter**2", E_i=-75e-3)
    events = {"threshold": "v > 0*mV", "refractory": 1e-3, "method": "rk4"}
    start = {"v": "E_L"} | {x: f"alpha_{x}/(alpha_{x} + beta_{x})" for x in "hn"}
    equations = _EQUATIONS.format(total=synapses.total)
    return built_in("WangBuzsaki", equations, synapses, values, parameters, start, **events)


def _densities():
    """Capacitance, conductance and current per area, as eisim calls units that have no name."""
    from eisim.base.brian import brian2_alone
    from eisim.base.units import unit_of_dimension

    with brian2_alone():
        from brian2.units import amp, farad, metre, siemens
    return [unit_of_dimension((unit / metre**2).dim) for unit in (farad, siemens, amp)]
