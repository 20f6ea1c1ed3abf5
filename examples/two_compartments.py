"""Two compartments: SST interneurons inhibit the dendrite of a pyramidal cell, PV interneurons its soma.

Input to the dendrite excites the cell. Inhibition of the dendrite takes off what the dendrite receives, and leaves what
the soma receives; inhibition of the soma takes off both.
"""

import numpy as np
from brian2 import Hz, ms, mV, nS, pF

from eisim import LIF, Circuit, Input, Neuron, Population, Projection, Readout

#: The soma spikes; the dendrite is coupled to it. Each has synapses of both signs.
PYRAMIDAL = """
dv/dt = (g_L*(E_L - v) + g_c*(v_d - v) + g_e*(E_e - v) + g_i*(E_i - v))/C : volt (unless refractory)
dv_d/dt = (g_L*(E_L - v_d) + g_c*(v - v_d) + g_de*(E_e - v_d) + g_di*(E_i - v_d))/C : volt
dg_e/dt = -g_e/tau_e : siemens
dg_i/dt = -g_i/tau_i : siemens
dg_de/dt = -g_de/tau_e : siemens
dg_di/dt = -g_di/tau_i : siemens
"""


def pyramidal():
    return Neuron(
        PYRAMIDAL,
        threshold="v > -50*mV",
        reset="v = E_L",
        refractory=3 * ms,
        excitation="g_e, g_de",
        inhibition="g_i, g_di",
        C=150 * pF,
        g_L=8 * nS,
        g_c=20 * nS,
        E_L=-65 * mV,
        E_e=0 * mV,
        E_i=-80 * mV,
        tau_e=5 * ms,
        tau_i=10 * ms,
    )


def circuit(kind="spiking"):
    cells = [Population("PYR", "E", pyramidal(), 4)]
    cells += [Population(name, "I", LIF(), 2) for name in ("PV", "SST")]
    return Circuit(
        "two compartments",
        inputs=[Input(name, 10, 100 * Hz) for name in ("soma", "dendrite", "to PV", "to SST")],
        populations=cells,
        projections=[
            Projection("soma", "PYR", np.full((10, 4), 2.0) * nS),
            Projection("dendrite", "PYR", np.full((10, 4), 2.0) * nS, receptor="g_de"),
            Projection("to PV", "PV", np.full((10, 2), 6.0) * mV),
            Projection("to SST", "SST", np.full((10, 2), 6.0) * mV),
            Projection("PV", "PYR", np.full((2, 4), 8.0) * nS),
            Projection("SST", "PYR", np.full((2, 4), 8.0) * nS, receptor="g_di"),
        ],
        readouts=[Readout("PYR", 10 * Hz)],
    )
