r"""Learn to balance: inhibitory plasticity in the recurrent network of Vogels et al. (Science 334:1569, 2011).

Integrate-and-fire neurons, connected at random, with conductances that jump at a spike and decay exponentially, all
driven beyond their threshold by the same current:

.. math:: C \dot{v} = g_L (E_L - v) + I + g_e (E_e - v) + g_i (E_i - v)

The synapses from I to E begin at nothing and learn (`eisim.plasticity.InhibitoryPlasticity`): with traces
:math:`\dot{x} = -x/\tau` that a spike raises by 1, :math:`\Delta w = \eta (x_E - 2\rho_0\tau)` at a spike of I, and
:math:`\Delta w = \eta x_I` at one of E.

================================  ==================================
parameter                         value
================================  ==================================
neurons, E and I                  8,000; 2,000
probability of a synapse          0.02
weights from E; from I to I       0.3 nS; 3 nS
weights from I to E               0 at first, at most 100 nS
decay of synapses, E and I        5 ms, 10 ms
reversal potentials, E and I      0, -80 mV
leak potential                    -60 mV
leak conductance, capacitance     10 nS, 200 pF
current                           200 pA
threshold, reset, refractory      -50 mV, -60 mV, 5 ms
target :math:`\rho_0`             3 Hz
learning rate :math:`\eta`        0.01 nS
time constant :math:`\tau`        20 ms
================================  ==================================

These are the values of Brian2's example ``Vogels_et_al_2011``, by one of the authors, whose simulation for Auryn,
``sim_isp_orig``, has the same learning rate and weights ten times as large. What differs:

======================= =============================== ==============================================
what                    published                       ours
======================= =============================== ==============================================
initial potentials      0 mV (Brian2); -60 ± 5 mV       -60 ± 5 mV, normal
                        (Auryn)
order at a spike of I   learns, then transmits          transmits, then learns
delays                  none (Brian2); 0.8 ms (Auryn)   none
integration             Euler                           exponential Euler (`eisim.ConductanceLIF`)
======================= =============================== ==============================================

A `size` below 1 preserves the number of synapses per neuron, so that their probability rises. `synapses` multiplies
this number, and divides the weights and the learning rate by the same, so that the mean input stays.

**The rate that is learnt** lies above the target: from runaway without inhibition, E settles at 3.7 Hz in plain Brian2
(400 s; networks of 4,000 and of 10,000 neurons). The rule stops where :math:`\rho_E` and what spikes of I and E have in
common within :math:`\tau` add up to the target, and a spike of I, one of 40 strong inputs to a cell of E, keeps this
cell from spiking. With twice as many synapses of half the weight, E settles at 3.2 to 3.4 Hz. ``python -m eisim run
plasticity`` blocks part of the inhibition of the network that has learnt.
"""

from functools import partial

import numpy as np

from eisim.base.errors import InputError, explains_arguments
from eisim.base.seeds import Seed, seed_of
from eisim.base.units import scalar_si
from eisim.circuit import Circuit, Input, Population, Projection, Readout
from eisim.neurons import ConductanceLIF
from eisim.plasticity import InhibitoryPlasticity
from eisim.synapses import Conductance
from eisim.weights import AllToAll, FixedProbability

FUNCTION = "learn to balance"
NEURONS = {"E": 8000, "I": 2000}
PROBABILITY = 0.02
#: Of synapses from E, from I to I, and from I to E at first and at most, in S.
EXCITATION, INHIBITION, FIRST, LARGEST = 0.3e-9, 3e-9, 1e-19, 100e-9
NEURON = ConductanceLIF(
    capacitance=200e-12,
    leak=10e-9,
    rest=-60e-3,
    threshold=-50e-3,
    reset=-60e-3,
    refractory=5e-3,
    excitation=Conductance(0.0, 5e-3),
    inhibition=Conductance(-80e-3, 10e-3),
)
#: Standard deviation of the initial membrane potentials, in V; current into all neurons, in A.
SPREAD, CURRENT = 5e-3, 200e-12
#: Target in Hz, time constant in s and learning rate in S.
TARGET, TAU, STEP = 3.0, 20e-3, 0.01e-9


@explains_arguments
def circuit(kind: str = "spiking", *, seed: Seed = 0, size: float = 1.0, synapses: float = 1.0, step=STEP) -> Circuit:
    """The circuit before it has learnt; a stimulus of 1 is the current of 200 pA.

    Parameters
    ----------
    kind : {"spiking"}
        There is no rate circuit: the rule is one of spikes.
    seed : int or Generator
        Fixes the connections and the initial membrane potentials.
    size : float
        Number of neurons relative to 10,000, with a constant number of synapses per neuron. At least 0.02.
    synapses : float
        Number of synapses per neuron relative to the paper's, of weights that are smaller by the same factor.
    step : quantity
        Learning rate of a synapse of the paper's weight, in S.
    """
    seed = seed_of(seed, "vogels_plasticity: seed")
    if kind != "spiking":
        raise InputError(f"vogels_plasticity: kind: expected 'spiking', found {kind!r}")
    size, synapses = (
        scalar_si(value, "1", f"vogels_plasticity: {name}") for name, value in (("size", size), ("synapses", synapses))
    )
    if not size >= PROBABILITY:
        raise InputError(f"vogels_plasticity: size: expected at least {PROBABILITY:g}, found {size:g}")
    probability = PROBABILITY * synapses / size
    if not 0 < probability <= 1:
        raise InputError(
            f"vogels_plasticity: synapses: expected more than 0 and at most {size / PROBABILITY:g}, found {synapses:g}"
        )
    sizes = {name: round(n * size) for name, n in NEURONS.items()}
    rng = np.random.default_rng([seed, 1])
    drawn = {name: rng.normal(NEURON.rest, SPREAD, n) for name, n in sizes.items()}
    connect = partial(FixedProbability, probability)
    rule = InhibitoryPlasticity(
        target=TARGET, step=scalar_si(step, "siemens", "vogels_plasticity: step") / synapses, largest=LARGEST, tau=TAU
    )
    return Circuit(
        name="vogels-plasticity",
        inputs=[Input("current", current=CURRENT)],
        populations=[Population(name, name, NEURON, n, initial=drawn[name]) for name, n in sizes.items()],
        projections=[
            *(Projection("current", name, AllToAll(1.0)) for name in sizes),
            *(Projection("E", name, connect(EXCITATION / synapses)) for name in sizes),
            Projection("I", "I", connect(INHIBITION / synapses)),
            Projection("I", "E", connect(FIRST), learning=rule),
        ],
        readouts=[Readout("E")],
        seed=seed,
    )
