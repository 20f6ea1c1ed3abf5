r"""Avoid seizure: the self-sustained irregular network of Vogels & Abbott (J. Neurosci. 25:10786, 2005).

In the form used for comparisons of simulators (Brette et al., J. Comput. Neurosci. 23:349, 2007, benchmarks 1 and
2): integrate-and-fire neurons, connected at random, with conductances (COBA) or currents (CUBA) that jump at a spike
and decay exponentially:

.. math::
    \text{COBA:} \quad C \dot{v} &= g_L (E_L - v) + g_e (E_e - v) + g_i (E_i - v) \\
    \text{CUBA:} \quad \tau \dot{v} &= E_L - v + I_e + I_i

================================  =========================  =========================
parameter                         conductance (COBA)         current (CUBA)
================================  =========================  =========================
neurons, E and I                  3,200; 800                 3,200; 800
probability of a synapse          0.02                       0.02
weights, E and I                  6 nS, 67 nS                1.62 mV, 9 mV
decay of synapses, E and I        5 ms, 10 ms                5 ms, 10 ms
reversal potentials, E and I      0, -80 mV
leak potential                    -60 mV                     -49 mV
leak conductance, capacitance     10 nS, 200 pF              (time constant 20 ms)
threshold, reset, refractory      -50 mV, -60 mV, 5 ms       -50 mV, -60 mV, 5 ms
================================  =========================  =========================

Neurons start at random between reset and threshold. In the CUBA network the leak potential is above the threshold, so
activity persists. The COBA network is silent at rest and sustains its activity once it has been started, here by 100
Poisson afferents in the first 50 ms (a stimulus of 1 is 100 Hz each). A `size` below 1 preserves the number of synapses
per neuron.

Reproduced: activity that sustains itself without input, bounded, irregular and asynchronous (`published`), and the
rates, irregularity and correlations of the same network in NEST (``benchmarks/against_nest.py``). Not reproduced:
the numbers of the 2005 paper, whose network has 10,000 neurons and other weights; we know of no published rates for
the benchmark with 4,000 neurons.

The rate circuit is the CUBA network as two populations: units whose f-I curve is the tangent of the Siegert function at
the working point, bounded by the refractory period. Without inhibition the loop gain of excitation is above 1, and
activity runs away. The rates rise with the input with and without inhibition: the obstruction is dynamical.
"""

from collections.abc import Iterator
from functools import partial

import numpy as np
from scipy.optimize import brentq

from eisim.analysis.activity import correlation, irregularity
from eisim.analysis.task import Fact, Obstruction, Task
from eisim.base.errors import InputError, check_kind, explains_arguments
from eisim.base.progress import silent
from eisim.base.seeds import Seed, seed_of
from eisim.base.units import scalar_si
from eisim.circuit import Circuit, Input, Population, Projection, Readout
from eisim.models.brunel import bounded_and_irregular
from eisim.neurons import LIF, ConductanceLIF, Saturating
from eisim.neurons.siegert import siegert
from eisim.simulation import simulate
from eisim.synapses import Conductance, Exponential
from eisim.weights import FixedProbability

FUNCTION = "avoid seizure"
NEURONS = {"E": 3200, "I": 800}
PROBABILITY = 0.02
NEURON = {
    "conductance": ConductanceLIF(
        capacitance=200e-12,
        leak=10e-9,
        rest=-60e-3,
        threshold=-50e-3,
        reset=-60e-3,
        refractory=5e-3,
        excitation=Conductance(0.0, 5e-3),
        inhibition=Conductance(-80e-3, 10e-3),
    ),
    "current": LIF(
        tau=20e-3,
        rest=-49e-3,
        threshold=-50e-3,
        reset=-60e-3,
        refractory=5e-3,
        excitation=Exponential(5e-3),
        inhibition=Exponential(10e-3),
    ),
}
WEIGHT = {"conductance": {"E": 6e-9, "I": 67e-9}, "current": {"E": 1.62e-3, "I": 9e-3}}
#: The afferents of the kick: how many there are, their rate for a stimulus of 1, and their chance of a synapse.
AFFERENTS, AFFERENT_RATE, AFFERENT_PROBABILITY = 100, 100.0, 0.1
#: How long the kick lasts, in s.
KICK = 50e-3
MAXIMUM = 1 / 5e-3


@explains_arguments
def circuit(
    kind: str = "spiking", *, seed: Seed = 0, synapses: str = "conductance", size: float = 1.0, delay=0.0
) -> Circuit:
    """The circuit.

    Parameters
    ----------
    kind : {"rate", "spiking"}
    seed : int or Generator
        Fixes the connections and the initial membrane potentials.
    synapses : {"conductance", "current"}
        COBA or CUBA; the rate circuit is that of the CUBA network.
    size : float
        Number of neurons relative to 4,000, with a constant number of synapses per neuron. At least 0.1.
    delay : quantity
        Delay of all synapses, in s.
    """
    seed = seed_of(seed, "vogels_abbott: seed")
    if synapses not in NEURON:
        raise InputError(f"vogels_abbott: synapses: expected 'conductance' or 'current', found {synapses!r}")
    size = scalar_si(size, "1", "vogels_abbott: size")
    if size < 0.1:
        raise InputError(f"vogels_abbott: size: expected at least 0.1, found {size:g}")
    if kind == "rate":
        return _rate_circuit()
    check_kind(kind, "vogels_abbott")
    neuron, weight = NEURON[synapses], WEIGHT[synapses]
    sizes = {name: round(n * size) for name, n in NEURONS.items()}
    rng = np.random.default_rng([seed, 1])
    return Circuit(
        name="vogels-abbott",
        inputs=[Input("kick", AFFERENTS, AFFERENT_RATE, train="poisson")],
        populations=[
            Population(name, name, neuron, n, initial=rng.uniform(neuron.reset, neuron.threshold, n))
            for name, n in sizes.items()
        ],
        projections=[
            *(Projection("kick", name, FixedProbability(AFFERENT_PROBABILITY, weight["E"]), delay) for name in "EI"),
            *(
                Projection(source, target, FixedProbability(PROBABILITY / size, weight[source]), delay)
                for source in "EI"
                for target in "EI"
            ),
        ],
        readouts=[Readout("E")],
        seed=seed,
    )


def _rate_circuit():
    neuron, weight = NEURON["current"], WEIGHT["current"]
    per_hz = {
        name: PROBABILITY * NEURONS[name] * weight[name] * receptor.area
        for name, receptor in (("E", neuron.excitation), ("I", neuron.inhibition))
    }
    rate, sd = _working_point(per_hz["E"] - per_hz["I"])
    net = rate * (per_hz["E"] - per_hz["I"])
    nearby = net + np.array([-1e-5, 1e-5])
    slope = np.diff(_siegert(nearby, sd))[0] / np.ptp(nearby)
    weights = {name: slope * value for name, value in per_hz.items()}
    unit = Saturating(neuron.tau, slope * net - rate, maximum=MAXIMUM)
    return Circuit(
        name="vogels-abbott-rate",
        inputs=[Input("kick", rate=AFFERENT_RATE)],
        populations=[Population(name, name, unit) for name in "EI"],
        projections=[
            Projection(source, target, weight)
            for source, weight in (("kick", weights["E"]), ("E", weights["E"]), ("I", weights["I"]))
            for target in "EI"
        ],
        readouts=[Readout("E")],
    )


def _working_point(net_per_hz):
    """Rate in Hz of the CUBA network, and spread of its free membrane potential in V, if inputs were Poisson."""
    neuron, weight = NEURON["current"], WEIGHT["current"]
    # The variance that one synapse at 1 Hz causes, w² tau_s²/(2 (tau + tau_s)), for all of them.
    variance = sum(
        PROBABILITY * NEURONS[name] * weight[name] ** 2 * receptor.tau**2 / (2 * (neuron.tau + receptor.tau))
        for name, receptor in (("E", neuron.excitation), ("I", neuron.inhibition))
    )

    def excess(rate):
        return _siegert(net_per_hz * rate, np.sqrt(variance * rate)) - rate

    rate = brentq(excess, 0.1, MAXIMUM)
    return rate, np.sqrt(variance * rate)


def _siegert(net, sd):
    neuron = NEURON["current"]
    return siegert(neuron.rest + net, sd, neuron.tau, neuron.refractory, neuron.threshold, neuron.reset)


def kick(circuit: Circuit, duration: float, strength: float = 1.0) -> np.ndarray:
    """The stimulus of one trial, trials × frames × inputs: `strength` in the first 50 ms of `duration` s, then none."""
    stimuli = np.zeros((1, round(duration / KICK), circuit.n_inputs))
    stimuli[:, 0] = strength
    return stimuli


@explains_arguments
def task(kind: str = "spiking", *, quick: bool = False) -> Task:
    """After a transient input, sustain bounded and irregular activity: neither silence nor runaway.

    The spiking network is conductance-based, with a quarter of the neurons.
    """
    duration = 300e-3 if quick else 600e-3
    return Task(
        circuit=partial(_of_seed, kind),
        stimuli=kick(circuit(kind, size=0.25), duration),
        score=partial(bounded_and_irregular, maximum=MAXIMUM),
        measure="share of the maximal rate left" + (" × CV of inter-spike intervals" if kind == "spiking" else ""),
        obstruction=Obstruction.STABILITY,
        duration=duration,
        window=duration - 100e-3,
        record=kind == "spiking",
        published_neurons=sum(NEURONS.values()) if kind == "spiking" else 0,
    )


def _of_seed(kind, seed):
    return circuit(kind, seed=seed, size=0.25)


def published(report=None) -> Iterator[Fact]:
    """Qualitative statements of the paper on such networks, as yes (1) or no (0), compared with measurements."""
    report = report or silent
    source = "Vogels & Abbott 2005: sustained, irregular, asynchronous activity (in words)"
    for synapses in NEURON:
        report(f"vogels_abbott: {synapses}")
        network = circuit(synapses=synapses)
        strength = float(synapses == "conductance")  # the CUBA network needs none
        response = simulate(network, kick(network, 5.0, strength), duration=5.0, window=4.8, record=True)
        rate = float(response.rates["E"].mean())
        cv = float(irregularity(response, "E")[0])
        pairs = float(correlation(response, "E")[0])
        active = (response.spikes["E"].step > 4.9 / response.dt).any()
        for what, holds in (
            ("active in the last 100 ms", active),
            (f"rate {rate:.1f} Hz, below a quarter of the largest", rate < MAXIMUM / 4),
            (f"CV of intervals {cv:.2f}, above 0.5", cv > 0.5),
            (f"correlation of pairs {pairs:.3f}, below 0.1", pairs < 0.1),
        ):
            yield Fact(f"{synapses}: {what}", 1.0, float(holds), 0.0, source)
