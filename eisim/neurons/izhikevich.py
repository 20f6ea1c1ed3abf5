"""Izhikevich's simple neuron."""

from eisim.base.units import Measured
from eisim.neurons.built_in import built_in, currents, pattern_of
from eisim.neurons.neuron import Neuron

_EQUATIONS = """dv/dt = (0.04*v**2 + 5*v + 140 - u + I + {total})/ms : 1
du/dt = a*(b*v - u)/ms : 1
I : 1"""
#: Values of a, b, c and d (figure 2 of the paper).
PATTERNS = {
    "regular spiking": (0.02, 0.2, -65.0, 8.0),
    "intrinsically bursting": (0.02, 0.2, -55.0, 4.0),
    "chattering": (0.02, 0.2, -50.0, 2.0),
    "fast spiking": (0.1, 0.2, -65.0, 2.0),
    "low-threshold spiking": (0.02, 0.25, -65.0, 2.0),
    "thalamocortical": (0.02, 0.25, -65.0, 0.05),
    "resonator": (0.1, 0.26, -65.0, 2.0),
}


def Izhikevich(pattern: str = "regular spiking", **parameters) -> Neuron:
    r"""Izhikevich's neuron (IEEE Trans. Neural Netw. 14:1569, 2003), in its dimensionless form.

    .. math::
        \dot{v} &= 0.04 v^2 + 5 v + 140 - u + I + I_e + I_i \\
        \dot{u} &= a (b v - u)

    with time in ms and :math:`v` in mV, as plain numbers. At :math:`v \ge 30` it spikes: :math:`v` is set to :math:`c`
    and :math:`u` rises by :math:`d`. Currents :math:`I_e, I_i` of synapses decay with tau_e 5 ms and tau_i 10 ms,
    which are no values of the paper: there, a spike acts for one step of 1 ms.

    ======================== ==== ==== === ====
    pattern                  a    b    c   d
    ======================== ==== ==== === ====
    "regular spiking"        0.02 0.2  -65 8
    "intrinsically bursting" 0.02 0.2  -55 4
    "chattering"             0.02 0.2  -50 2
    "fast spiking"           0.1  0.2  -65 2
    "low-threshold spiking"  0.02 0.25 -65 2
    "thalamocortical"        0.02 0.25 -65 0.05
    "resonator"              0.1  0.26 -65 2
    ======================== ==== ==== === ====

    These are of figure 2 of the paper, from memory.

    Parameters
    ----------
    pattern : str
        One of those above.
    **parameters : quantity
        Other values of a, b, c, d, tau_e and tau_i; also `initial`, `refractory` (0 ms) and `method` ("euler"), as for
        `Neuron`.

    Returns
    -------
    Neuron
        With weights and a bias as plain numbers; it starts at v = -65 and u = b v.

    Raises
    ------
    InputError
        For an unknown pattern or parameter.
    """
    synapses = currents("1")
    values = pattern_of(PATTERNS, pattern, "Izhikevich")
    named = {name: Measured(value, "1") for name, value in zip("abcd", values, strict=True)}
    events = {"threshold": "v >= 30", "reset": "v = c; u += d", "method": "euler"}
    equations = _EQUATIONS.format(total=synapses.total)
    return built_in("Izhikevich", equations, synapses, named, parameters, {"v": "-65", "u": "b*v"}, **events)
