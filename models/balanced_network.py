r"""Balance: strong synapses whose excitation and inhibition cancel (van Vreeswijk & Sompolinsky 1996, 1998).

Every neuron has K excitatory and K inhibitory sources, drawn at random, with synapses as strong as
:math:`1/\sqrt{K}`, and K external afferents. Excitation and inhibition are each of order :math:`\sqrt{K}` times the
threshold. They can only leave rates between silence and saturation if they cancel, which for large K fixes the rates
(the balance equations):

.. math::
    E\,m_0 + m_E - J_E m_I = 0, \qquad I\,m_0 + m_E - J_I m_I = 0, \\
    m_E = \frac{J_I E - J_E I}{J_E - J_I}\, m_0, \qquad m_I = \frac{E - I}{J_E - J_I}\, m_0

for :math:`E/I > J_E/J_I > 1` (Science 274:1724, 1996; Neural Comput. 10:1321, 1998). Rates are linear in the input
although single neurons are not, and the neurons fire irregularly without external noise.

========================================  ========================================================
parameter                                 value here
========================================  ========================================================
J_E, J_I (onto E and onto I)              2, 1.8 in units of the excitatory weights
E, I                                      1, 0.8
excitatory weight, recurrent              :math:`\vartheta/\sqrt{K}`, :math:`\vartheta` = 20 mV
neurons                                   1,000 E and 1,000 I (keyword `neurons`)
K                                         100 (keyword `synapses`)
membrane                                  20 ms, threshold 20 mV above rest and reset, refractory 2 ms
synapses                                  exponential, 5 ms (E) and 1 ms (I)
external rate                             stimulus × 10 Hz, as a steady current
========================================  ========================================================

The paper uses binary neurons updated at random times, whereas these are leaky integrate-and-fire neurons. It has K much
smaller than the number N of neurons of a population, whereas **here K/N is 0.1, and 0.4 for K = 400**: two neurons
share a tenth, or 0.4, of their sources, so that their inputs are correlated. All that follows from the neuron model is
not reproduced: the distribution of rates, the autocorrelations, and the sensitivity to initial conditions (a binary
unit with strong synapses has infinite gain). What follows from balance is compared:

================================== ================= ============ ============ ===================================
number                             published         K = 100      K = 400      what differs
================================== ================= ============ ============ ===================================
slope of the rates of E, of I      1, 1 (equations)  1.01, 0.93   1.04, 0.98   LIF neurons; K/N
net input to E over its excitation 0 for large K     0.065        0.040        it falls as :math:`1/\sqrt{K}`
CV of intervals                    irregular         0.98         0.73         1 would be Poisson; K/N
slopes of the units                1, 1 (equations)  1.03, 0.97   1.02, 1.00   second column: K = 900
================================== ================= ============ ============ ===================================

The rate circuit has two threshold-linear units with weights :math:`\sqrt{K} J`, bounded at 500 Hz, whose rates have a
closed form: `rates_of_units`.

**Tasks.** *Balance* (`task`): for three external rates, each twice the one before, E fires at the rate of the balance
equations (1, and 0 an octave away on either side), while the excitation and the inhibition that E receives through the
synapses of the circuit cancel (1 - what is left, over the larger one), and irregularly (the CV of intervals, at most 1;
rate units have none). The score is the product. The spiking network of the tasks has 500 neurons in each population
and K = 50, the same K/N. Without inhibition nothing cancels, so that the bound of 0 follows from
what is asked for: it tells nothing about what else could be computed.

*Linear tracking* (`TASKS`) asks for the rates and the irregularity alone. Excitation that is not cancelled saturates
both circuits, since their synapses are strong. The rates rise with the input with and without inhibition, so no
function of the input is lost: the obstruction is dynamical, and one unit without recurrent synapses tracks the input
(`excitatory_only`). Whether excitatory-only spiking neurons can be as irregular is unknown.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from eisim.analysis.activity import irregularity
from eisim.analysis.task import Fact, Obstruction, Task
from eisim.base.errors import InputError, check_kind, explains_arguments
from eisim.base.progress import silent
from eisim.base.seeds import Seed, seed_of
from eisim.circuit import Circuit, Input, Population, Projection, Readout
from eisim.models._reference import best_constant
from eisim.models.brunel import near_and_irregular
from eisim.neurons import LIF, Saturating
from eisim.simulation import Response, simulate
from eisim.synapses import Exponential
from eisim.weights import AllToAll, FixedInDegree

FUNCTION = "balance"
#: Weights of inhibitory synapses onto E and I, and of the external ones, in units of the recurrent excitatory ones.
INHIBITION = {"E": 2.0, "I": 1.8}
EXTERNAL = {"E": 1.0, "I": 0.8}
#: Rate of an external afferent for a stimulus of 1, in Hz.
EXTERNAL_RATE = 10.0
NEURONS = 1000
NEURON = LIF(
    tau=20e-3,
    rest=0.0,
    threshold=20e-3,
    reset=0.0,
    refractory=2e-3,
    excitation=Exponential(5e-3),
    inhibition=Exponential(1e-3),
)
#: Regular spikes for each stimulus of 1, in Hz, that stand for the steady external current.
CARRIER = 500.0
#: Stimuli of the tasks; neurons of each population of their spiking network, and K.
DRIVES = (2.0, 4.0, 8.0)
SIZE, SYNAPSES = 500, 50
#: Of the units of the rate circuit, in Hz.
THRESHOLD, MAXIMUM = 10.0, 1 / NEURON.refractory


@explains_arguments
def circuit(kind: str = "spiking", *, seed: Seed = 0, synapses: int = 100, neurons: int = NEURONS) -> Circuit:
    """The circuit.

    Parameters
    ----------
    kind : {"rate", "spiking"}
    seed : int or Generator
        Fixes the connections and the initial membrane potentials.
    synapses : int
        K: number of excitatory and of inhibitory synapses per neuron; less than `neurons`.
    neurons : int
        Of each population of the spiking version.
    """
    seed = seed_of(seed, "balanced_network: seed")
    if isinstance(neurons, bool) or not isinstance(neurons, (int, np.integer)) or neurons < 2:
        raise InputError(f"balanced_network: neurons: expected a whole number of 2 or more, found {neurons!r}")
    if isinstance(synapses, bool) or not isinstance(synapses, (int, np.integer)) or not 1 <= synapses < neurons:
        raise InputError(f"balanced_network: synapses: expected from 1 to {neurons - 1}, found {synapses!r}")
    if kind == "rate":
        return _rate_circuit(synapses)
    check_kind(kind, "balanced_network")
    # A spike moves the membrane by the area of its current over the membrane time constant.
    jump = NEURON.threshold / np.sqrt(synapses) * NEURON.tau
    excites, inhibits = jump / NEURON.excitation.area, jump / NEURON.inhibition.area
    external = excites * synapses * EXTERNAL_RATE / CARRIER
    rng = np.random.default_rng([seed, 1])
    return Circuit(
        name="balanced-network",
        inputs=[Input("external", rate=CARRIER)],
        populations=[
            Population(name, name, NEURON, neurons, initial=rng.uniform(NEURON.rest, NEURON.threshold, neurons))
            for name in "EI"
        ],
        projections=[
            *(Projection("external", target, AllToAll(external * EXTERNAL[target])) for target in "EI"),
            *(Projection("E", target, FixedInDegree(synapses, excites)) for target in "EI"),
            *(Projection("I", target, FixedInDegree(synapses, inhibits * INHIBITION[target])) for target in "EI"),
        ],
        readouts=[Readout("E")],
        seed=seed,
    )


def _rate_circuit(synapses):
    unit = Saturating(10e-3, THRESHOLD, maximum=MAXIMUM)
    root = np.sqrt(synapses)
    return Circuit(
        name="balanced-network-rate",
        inputs=[Input("external", rate=EXTERNAL_RATE)],
        populations=[Population(name, name, unit) for name in "EI"],
        projections=[
            *(Projection("external", target, root * EXTERNAL[target]) for target in "EI"),
            *(Projection("E", target, root) for target in "EI"),
            *(Projection("I", target, root * INHIBITION[target]) for target in "EI"),
        ],
        readouts=[Readout("E")],
    )


def balanced_rates(external: float) -> np.ndarray:
    """Rates of E and I that the balance equations give for an external rate, in Hz, for large K."""
    return _solve(external, 0.0, 0.0)


def rates_of_units(external: float, synapses: int) -> np.ndarray:
    """Rates of the E and I units of the rate circuit for an external rate, in Hz, where both are above threshold."""
    return _solve(external, 1 / np.sqrt(synapses), THRESHOLD / np.sqrt(synapses))


def _solve(external, leak, threshold):
    """Rates at which what does not cancel is the leak and the threshold, both of the order of 1/sqrt(K)."""
    j_e, j_i = INHIBITION["E"], INHIBITION["I"]
    matrix = np.array([[1 - leak, -j_e], [1, -j_i - leak]])
    return np.linalg.solve(matrix, [threshold - EXTERNAL["E"] * external, threshold - EXTERNAL["I"] * external])


def excitatory_only() -> Circuit:
    """One linear E unit without recurrent synapses, with the rates of the balance equations."""
    return Circuit(
        name="linear unit",
        inputs=[Input("external", rate=EXTERNAL_RATE)],
        populations=[Population("E", "E", Saturating(10e-3, maximum=MAXIMUM))],
        projections=[Projection("external", "E", balanced_rates(1.0)[0])],
        readouts=[Readout("E")],
    )


def tracking(response: Response, stimuli: np.ndarray) -> np.ndarray:
    """How near E is to the rate of the balance equations in each trial, times the irregularity of spikes."""
    return near_and_irregular(response, balanced_rates(1.0)[0] * EXTERNAL_RATE * stimuli[:, 0])


def cancellation(response: Response, stimuli: np.ndarray) -> np.ndarray:
    """How much of the mean excitation of E its inhibition cancels, in each trial: 1 - their difference over the larger.

    Both are what the synapses of the circuit carry at the rates of the response, external input included.
    """
    circuit = response.circuit
    target = circuit.population("E").neuron
    rates = {"external": circuit.inputs[0].rate * stimuli, **response.rates}
    inputs = {1: np.zeros(len(stimuli)), -1: np.zeros(len(stimuli))}
    for p in circuit.projections:
        if p.target == "E":
            sign = circuit.sign(p)
            receptor = {1: "excitation", -1: "inhibition"}[sign]
            area = 1.0 if circuit.kind == "rate" else getattr(target, receptor).area
            inputs[sign] += area * (rates[p.source] @ circuit.weights(p).sum(axis=1))
    larger = np.maximum(inputs[1], inputs[-1])
    return 1 - np.divide(np.abs(inputs[1] - inputs[-1]), larger, out=np.ones(len(stimuli)), where=larger > 0)


@explains_arguments
def task(kind: str = "spiking", *, quick: bool = False) -> Task:
    """Fire irregularly at the rates of the balance equations while excitation and inhibition cancel."""
    return replace(
        linear_tracking(kind, quick=quick),
        score=partial(_balance, _stimuli()),
        measure="nearness of the rate to its reference × share of input that cancels" + _times_cv(kind),
        criterion=0.5,
        constant=0.0,  # without inhibition; constant rates of E and I would have a third
        excitatory_only=None,
        bound=0.0,
        proof="Without inhibition nothing cancels excitation: the score is 0 by its definition.",
    )


def linear_tracking(kind: str = "spiking", *, quick: bool = False) -> Task:
    """Fire irregularly at the rates of the balance equations, which are linear in the external rate."""
    check_kind(kind, "balanced_network")
    return Task(
        circuit=partial(_of_seed, kind),
        stimuli=_stimuli(),
        score=partial(_tracking, _stimuli()),
        measure="nearness of the rate to its reference" + _times_cv(kind),
        obstruction=Obstruction.STABILITY,
        criterion=0.55,
        duration=250e-3 if quick else 300e-3,
        window=200e-3 if quick else 250e-3,
        record=kind == "spiking",
        published_neurons=2 * NEURONS if kind == "spiking" else 0,
        constant=best_constant(DRIVES),
        excitatory_only=_excitatory_only_of_seed if kind == "rate" else None,
    )


#: Tasks beside the first.
TASKS = {"linear tracking": linear_tracking}


def _stimuli():
    return np.array(DRIVES)[:, None]


def _times_cv(kind):
    return " × CV of inter-spike intervals" if kind == "spiking" else ""


def _balance(stimuli, response):
    return float((tracking(response, stimuli) * cancellation(response, stimuli)).mean())


def _tracking(stimuli, response):
    return float(tracking(response, stimuli).mean())


def _of_seed(kind, seed):
    return circuit(kind, seed=seed) if kind == "rate" else circuit(seed=seed, synapses=SYNAPSES, neurons=SIZE)


def _excitatory_only_of_seed(seed):
    return excitatory_only()


def published(report=None) -> Iterator[Fact]:
    """Slopes of the rates, cancellation and irregularity, for K of 100 and 400, and of the units for larger K."""
    report = report or silent
    source = "van Vreeswijk & Sompolinsky 1998, balance equations"
    stimuli = np.array([[2.0], [3.0], [4.0]])
    external = stimuli[:, 0] * EXTERNAL_RATE
    slopes = dict(zip("EI", balanced_rates(1.0), strict=True))
    for synapses in (100, 400):
        report(f"balanced network: K = {synapses}")
        response = simulate(circuit(synapses=synapses), stimuli, duration=1.5, window=1.0, record=True)
        rates = {name: response.rates[name].mean(axis=-1) for name in "EI"}
        for name, slope in slopes.items():
            ours = np.polyfit(external, rates[name], 1)[0]
            yield Fact(f"slope of the rate of {name}, spiking, K = {synapses}", slope, ours, 0.15, source)
        left = _left_over(external, rates)
        yield Fact(f"net input to E over its excitation, spiking, K = {synapses}", 0.0, left, 0.15, source)
        cv = float(irregularity(response, "E").mean())
        yield Fact(f"CV of intervals, spiking, K = {synapses} (Poisson: 1)", 1.0, cv, 0.35, "the same: irregular")
    for synapses in (100, 900):
        report(f"balanced network, rate: K = {synapses}")
        response = simulate(circuit("rate", synapses=synapses), stimuli, duration=0.5, window=0.1)
        for name, slope in slopes.items():
            ours = np.polyfit(external, response.rates[name][:, 0], 1)[0]
            yield Fact(
                f"slope of the rate of {name}, units, K = {synapses}", slope, ours, 1 / np.sqrt(synapses), source
            )


def _left_over(external, rates):
    """Share of the excitation of E that its inhibition leaves, from the rates; the mean over trials."""
    excitation = EXTERNAL["E"] * external + rates["E"]
    return float((1 - INHIBITION["E"] * rates["I"] / excitation).mean())
