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

The numbers of the 2005 paper are not reproduced: its network has 10,000 neurons and other weights. We know of no
published rates for the benchmark with 4,000 neurons; its rates, irregularity and correlations are compared with those
of the same network in NEST (``benchmarks/against_nest.py``). What is compared with the paper are statements:

===================================== ========= ================== ==============================================
statement                             published COBA; CUBA         what differs
===================================== ========= ================== ==============================================
sustains itself without input         yes       yes; yes           4,000 neurons, weights of the benchmark
below a quarter of the largest rate   in words  16.7; 5.1 Hz       the limit is ours
CV of intervals above 0.5             in words  1.75; 0.69         the limit is ours
correlation of pairs below 0.1        in words  0.003; 0.001       the limit is ours
rates of the paper                    given     none               another network
===================================== ========= ================== ==============================================

The rate circuit is the CUBA network as two populations: units whose f-I curve is the tangent of the Siegert function at
the working point, bounded by the refractory period.

**Task, spiking.** A kick starts irregular activity at the rate of the large network, which remains, and without a kick
there is none. After kicks of two strengths, the rate counts 1 at 16.5 Hz and 0 an octave away on either side, times the
CV of intervals where that is below 1; the score is the mean, or 0 if the network is active without a kick. So silence,
a constant answer, a network without recurrent excitation, and runaway score 0. The task takes 1,600 neurons; those of
1,000 fell silent within 0.6 s of kicks of 0.1 to 0.5 in 23 of 140 trials.

**Task, rate.** The units return after a kick to the rates of the working point for three steady inputs, which counts in
the same way. Without inhibition the loop gain of excitation is above 1, and activity runs away. The rates rise with the
input with and without inhibition: the obstruction is dynamical. A unit without recurrent synapses performs the task
(`excitatory_only`); whether an excitatory-only network can sustain irregular spikes at such a rate is unknown.
"""

from collections.abc import Iterator
from dataclasses import replace
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
from eisim.models._reference import best_constant
from eisim.models.brunel import near_and_irregular
from eisim.neurons import LIF, ConductanceLIF, Saturating
from eisim.neurons.siegert import siegert
from eisim.simulation import Response, simulate
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
#: The spiking task: size of its network, kicks, rate of the whole network (4,000 neurons), and what is silence, in Hz.
SIZE, KICKS, REFERENCE, SILENCE = 0.4, (0.0, 0.1, 0.2), 16.5, 1.0
#: Steady inputs of the rate task.
INPUTS = (0.0, 0.3, 0.9)


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


def excitatory_only() -> Circuit:
    """The rate circuit's E unit without recurrent synapses, with the same steady rates as in the circuit."""
    whole = _rate_circuit()
    zero, one = rates_of_units([0.0, 1.0])
    cells = whole.populations[0]
    unit = replace(cells.neuron, threshold=-zero)
    kick = Projection("kick", "E", (one - zero) / AFFERENT_RATE)
    return replace(
        whole, name="vogels-abbott-rate without synapses", populations=[replace(cells, neuron=unit)], projections=[kick]
    )


def rates_of_units(stimulus) -> np.ndarray:
    """Steady rates of the units of the rate circuit for steady inputs, in Hz."""
    whole = _rate_circuit()
    weights = {p.name: whole.weights(p)[0, 0] for p in whole.projections}
    net = weights["kick->E"] * AFFERENT_RATE * np.asarray(stimulus) - whole.populations[0].neuron.threshold
    return net / (1 - weights["E->E"] + weights["I->E"])


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
    """Sustain bounded and irregular activity after a kick and none without (spiking), or return to a rate (rate).

    The spiking network is conductance-based, with 1,600 neurons.
    """
    check_kind(kind, "vogels_abbott")
    return _spiking_task(quick) if kind == "spiking" else _rate_task(quick)


def _spiking_task(quick):
    whole, duration = circuit(size=SIZE), 400e-3
    return Task(
        circuit=_of_seed,
        stimuli=np.concatenate([kick(whole, duration, strength) for strength in (KICKS[::2] if quick else KICKS)]),
        score=sustained,
        measure="nearness of the rate after a kick to its reference × CV of intervals; 0 if active without a kick",
        obstruction=Obstruction.STABILITY,
        duration=duration,
        window=duration - 100e-3,
        record=True,
        published_neurons=sum(NEURONS.values()),
        constant=0.0,
    )


def _rate_task(quick):
    whole, duration = circuit("rate"), 300e-3 if quick else 600e-3
    references = rates_of_units(INPUTS)
    first = kick(whole, duration)
    return Task(
        circuit=_rate_of_seed,
        stimuli=np.concatenate([first + steady for steady in INPUTS]),
        score=partial(_mean_nearness, references),
        measure="nearness of the rate to its reference, after a kick, for steady inputs",
        obstruction=Obstruction.STABILITY,
        duration=duration,
        window=duration - 100e-3,
        constant=best_constant(references),
        excitatory_only=_excitatory_only_of_seed,
    )


def _of_seed(seed):
    return circuit(seed=seed, size=SIZE)


def _rate_of_seed(seed):
    return circuit("rate", seed=seed)


def _excitatory_only_of_seed(seed):
    return excitatory_only()


def sustained(response: Response) -> float:
    """Nearness of the rate to `REFERENCE`, times irregularity: the mean of the trials with a kick, all but the first.

    0 if the first trial, without a kick, is active.
    """
    if response.rates["E"][0].mean() >= SILENCE:
        return 0.0
    return float(near_and_irregular(response, REFERENCE)[1:].mean())


def _mean_nearness(references, response):
    return float(near_and_irregular(response, references).mean())


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
