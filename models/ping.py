r"""Gamma rhythm by the loop of excitatory and inhibitory cells (PING).

**Spiking** (Börgers & Kopell, Neural Comput. 15:509, 2003): theta neurons,

.. math::
    \tau\dot{\theta} = 1 - \cos\theta + J(t)\,(1 + \cos\theta),

which fire at :math:`\theta = \pi`; E cells driven above threshold, I cells at threshold, sparsely and randomly
connected, E to I and I to E. A volley of the E cells makes the I cells fire, whose inhibition suppresses all E cells
until it has decayed; they then fire together. The E cells thus pace the rhythm, and the decay of inhibition sets its
period, near the time :math:`T` at which :math:`J_E` overcomes the inhibition, :math:`g\,e^{-T/\tau_I} \approx J_E`.

==========================  =====================  =====================
parameter                   E cells                I cells
==========================  =====================  =====================
number                      160                    40
drive J                     0.1                    0
decay of synapses           2 ms                   10 ms
total strength              0.5, onto I            0.25, onto E
==========================  =====================  =====================

:math:`\tau = 1` ms; each pair is connected with probability 0.5, and a synapse has the total strength over the number
expected at a cell. **The paper was not accessible.** The decay times are those of the paper, from memory; the numbers
of cells, the drive, the strengths and the probability are our choice, for a rhythm of 40 Hz, and were not compared with
the paper's. In the paper, synapses rise to saturation in 0.1 ms (from memory); here they jump by their weight at each
spike. The drive comes from a regular train of a high rate. The strengths of the drive differ between E cells by a
standard deviation of 5 %: without the loop they do not synchronise.

**Rate**: the same loop between one E and one I unit, which oscillates owing to synaptic delays :math:`d`. At the onset
of oscillation

.. math::
    \arctan\omega\tau_E + \arctan\omega\tau_I + 2\omega d = \pi, \qquad
    w^2 = \sqrt{(1 + \omega^2\tau_E^2)(1 + \omega^2\tau_I^2)}

with the total strength :math:`w^2` of the loop.

================================================= ========= ======== ===============================================
statement of the abstract of the paper            published ours     what differs
================================================= ========= ======== ===============================================
jitter of E volleys, all-to-all                   none      0 ms     cells that are alike
jitter with half of the connections               more      more     from 80 E or 20 I cells to 40 or 10
jitter with stronger synapses from E to I         less      less     by a factor of 2
jitter with stronger synapses from I to E         same      same     by a factor of 2, within 10 %
jitter with faster decay of inhibition            less      less     by a factor of 2
E cells fire before I cells                       yes       yes
period of the network, all-to-all                 none      25.0 ms  24.8 ms by one E and one I cell (SciPy)
================================================= ========= ======== ===============================================

**Task.** Fire synchronously at a gamma rhythm (30 to 80 Hz), for two drives. The score is the vector strength of E at
its strongest rhythm; silence and a constant rate have none.

Why inhibition: excitatory-only rate circuits are cooperative, and have no attracting oscillation (Hirsch, SIAM J. Math.
Anal. 16:423, 1985). From rest under a steady drive their rates only rise, which scores 0: the bound of the rate
version. Theta neurons are intrinsic oscillators. Without inhibition the rhythm of the network is lost, as each cell
fires at its own frequency of 100 Hz, instead of 40 Hz; but cells that are alike, start together and are driven more
weakly have the rhythm without any synapse (`excitatory_only`). The loop is needed where cells differ.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from eisim.analysis.task import Fact, Obstruction, Task
from eisim.base.errors import check_kind, explains_arguments
from eisim.base.seeds import Seed, seed_of
from eisim.circuit import Circuit, Input, Population, Projection, Readout
from eisim.models._rhythm import strength_of_rhythm, vector_strength
from eisim.neurons import Saturating, Theta
from eisim.simulation import Response, simulate
from eisim.synapses import Exponential
from eisim.weights import FixedProbability

FUNCTION = "rhythm"

# Spiking circuit: numbers of cells, drive of the E cells and its spread, strengths, decay times (s), connectivity.
CELLS = {"E": 160, "I": 40}
DRIVE, DRIVE_SPREAD = 0.1, 0.05
E_TO_I, I_TO_E = 0.5, 0.25
TAU_EXCITATION, TAU_INHIBITION = 2e-3, 10e-3
CONNECTED = 0.5
#: Rate of the regular spike train that provides the drive.
TRAIN_RATE = 5000.0

# Rate circuit: time constants (s), delay (s), strength of the loop w², drive (Hz).
TAU_E, TAU_I, SYNAPTIC_DELAY = 4e-3, 8e-3, 1.5e-3
LOOP, RATE_DRIVE = 12.0, 80.0

#: Drive of cells without synapses that have a gamma rhythm.
ALIKE_DRIVE = 0.02
#: E is silent below this rate, in Hz.
SILENCE = 1.0
#: The gamma band, in Hz.
GAMMA = (30.0, 80.0)
#: What is scored begins after this time, in s.
SETTLED = 0.25


@explains_arguments
def circuit(
    kind: str = "spiking",
    *,
    seed: Seed = 0,
    e_to_i: float = E_TO_I,
    i_to_e: float = I_TO_E,
    decay: float = TAU_INHIBITION,
    connected: float = CONNECTED,
    spread: float = DRIVE_SPREAD,
) -> Circuit:
    """The loop, as ``"rate"`` or ``"spiking"`` network.

    Parameters
    ----------
    kind : {"rate", "spiking"}
    seed : int or Generator
        Seed of the connections, the drives and the initial phases of the spiking network.
    e_to_i, i_to_e : float
        Total strengths of the spiking network.
    decay : float
        Decay time of inhibition in the spiking network, in s.
    connected : float
        Probability that two cells of the spiking network are connected.
    spread : float
        Standard deviation of the drive of the E cells, relative to its mean.

    Returns
    -------
    Circuit
        Its inputs are the drives of E and of I; a stimulus value of 1 gives the drive of the E cells, and 0 no
        drive.
    """
    check_kind(kind, "ping")
    if kind == "rate":
        return _rate(seed)
    return _spiking(seed, e_to_i, i_to_e, decay, connected, spread)


def _rate(seed):
    strength = np.sqrt(LOOP)
    return Circuit(
        name="ping",
        inputs=[Input("drive of E", 1, RATE_DRIVE), Input("drive of I", 1, RATE_DRIVE)],
        populations=[
            Population("E", "E", Saturating(tau=TAU_E, maximum=200.0)),
            Population("I", "I", Saturating(tau=TAU_I, maximum=200.0)),
        ],
        projections=[
            Projection("drive of E", "E", 1.0),
            Projection("drive of I", "I", 1.0),
            Projection("E", "I", strength, SYNAPTIC_DELAY),
            Projection("I", "E", strength, SYNAPTIC_DELAY),
        ],
        readouts=[Readout("E")],
        seed=seed,
    )


def _spiking(seed, e_to_i, i_to_e, decay, connected, spread):
    neuron = Theta(excitation=Exponential(TAU_EXCITATION), inhibition=Exponential(decay))
    seed = seed_of(seed, "ping: seed")
    rng = np.random.default_rng([seed, CELLS["E"]])
    drives = DRIVE * (1 + spread * rng.standard_normal(CELLS["E"]))
    phases = {sign: rng.uniform(-np.pi, np.pi, n) for sign, n in CELLS.items()}
    per_spike = 1 / (TRAIN_RATE * TAU_EXCITATION)

    def synapses(source, strength):
        return FixedProbability(connected, strength / (connected * CELLS[source]))

    return Circuit(
        name="ping",
        inputs=[Input("drive of E", 1, TRAIN_RATE), Input("drive of I", 1, TRAIN_RATE)],
        populations=[
            Population("E", "E", neuron, CELLS["E"], initial=phases["E"]),
            Population("I", "I", neuron, CELLS["I"], initial=phases["I"]),
        ],
        projections=[
            Projection("drive of E", "E", per_spike * drives[None]),
            Projection("drive of I", "I", np.full((1, CELLS["I"]), per_spike * DRIVE)),
            Projection("E", "I", synapses("E", e_to_i)),
            Projection("I", "E", synapses("I", i_to_e)),
        ],
        readouts=[Readout("E")],
        seed=seed,
    )


def activity(response: Response, population: str) -> tuple[np.ndarray, np.ndarray]:
    """Times and amount of activity of a population in a recorded response, after `SETTLED`.

    Returns
    -------
    times : ndarray of shape (bins,)
        Centres of bins of one time step, in s.
    amount : ndarray of shape (trials, bins)
        Spikes, or rates in Hz.
    """
    steps, first = round(response.duration / response.dt), round(SETTLED / response.dt)
    if response.circuit.kind == "rate":
        amount = response.traces[population].mean(axis=-2)
    else:
        spikes, trials = response.spikes[population], len(response.rates[population])
        amount = np.bincount(spikes.copy * steps + spikes.step, minlength=trials * steps).reshape(trials, steps)
    return (np.arange(first, steps) + 0.5) * response.dt, amount[:, first:]


def rhythm(times: np.ndarray, amount: np.ndarray, band: tuple[float, float] = GAMMA) -> tuple[np.ndarray, np.ndarray]:
    """Frequency (Hz) of the strongest rhythm within a band, and its vector strength, for each trial.

    Of activity as `activity` gives it (`eisim.models._rhythm.vector_strength`).
    """
    return vector_strength(amount, float(times[1] - times[0]), band, float(times[0]))


def score(response: Response) -> float:
    """Mean vector strength of the E cells at their gamma rhythm; a trial in which they are silent counts 0."""
    active = response.rates["E"].mean(axis=-1) > SILENCE
    return float(np.mean(active * strength_of_rhythm(response, GAMMA)))


def excitatory_only(*, seed: Seed = 0) -> Circuit:
    """The E cells of the spiking network without synapses, all alike, starting together, and with a weaker drive.

    The inputs are those of `circuit`; the one to I has no target.
    """
    whole = circuit(seed=seed)
    cells, drive = whole.populations[0], whole.projections[0]
    alike = np.full((1, cells.size), ALIKE_DRIVE / (TRAIN_RATE * TAU_EXCITATION))
    return replace(
        whole,
        name="theta neurons that are alike",
        populations=[replace(cells, initial=np.full(cells.size, -np.pi))],
        projections=[replace(drive, weights=alike)],
    )


@explains_arguments
def task(kind: str = "spiking", *, quick: bool = False) -> Task:
    """Fire synchronously at a gamma rhythm."""
    check_kind(kind, "ping")
    proof = "From rest under a steady input the rates of a circuit without inhibition only rise: x(0) <= x(h) implies "
    proof += "x(t) <= x(t + h) (T1), and what only rises scores 0."
    return Task(
        circuit=partial(_of_seed, kind),
        stimuli=np.array([[1.0, 0.0]] if quick else [[1.0, 0.0], [1.5, 0.0]]),
        score=score,
        measure="vector strength of the activity of E at its gamma rhythm",
        obstruction=Obstruction.RHYTHM,
        criterion=0.3,
        duration=0.75 if quick else 1.0,
        window=0.5 if quick else 0.75,
        dt=0.25e-3 if kind == "rate" else 0.1e-3,
        record=True,
        constant=0.0,
        excitatory_only=_excitatory_only_of_seed if kind == "spiking" else None,
        bound=0.0 if kind == "rate" else None,
        proof=proof if kind == "rate" else "",
    )


def _of_seed(kind, seed):
    return circuit(kind, seed=seed)


def _excitatory_only_of_seed(seed):
    return excitatory_only(seed=seed)


def lag_of_inhibition(response: Response) -> np.ndarray:
    """Time by which the I cells follow the E cells within a cycle of the rhythm, in s, for each trial."""
    times, excitation = activity(response, "E")
    _, inhibition = activity(response, "I")
    frequency, _ = rhythm(times, excitation)
    wave = np.exp(-2j * np.pi * frequency[:, None] * times)
    ahead = np.angle((excitation * wave).sum(axis=1) / (inhibition * wave).sum(axis=1))
    return ahead / (2 * np.pi * frequency)


def jitter(response: Response) -> float:
    """Standard deviation of the spike times of the E cells around their volleys, in s, over trials."""
    frequency, strength = rhythm(*activity(response, "E"), band=(15.0, 110.0))
    return float(np.mean(np.sqrt(-2 * np.log(np.minimum(strength, 1.0))) / (2 * np.pi * frequency)))


def period_of_one_cell(e_to_i: float = E_TO_I, i_to_e: float = I_TO_E, decay: float = TAU_INHIBITION) -> float:
    """Period of the synchronous rhythm, in s, from one E and one I cell: theta neurons under exponential synapses.

    The E cell spikes at 0, the I cell after a latency, and the E cell again when the inhibition has decayed enough.
    """
    ms = 1e3
    latency = _time_to_spike(0.0, lambda t: e_to_i * np.exp(-t / (TAU_EXCITATION * ms)))

    def next_period(period):
        peak = i_to_e / (1 - np.exp(-period / (decay * ms)))  # what is left of earlier volleys is added

        def drive(t):
            since = t - latency if t >= latency else t - latency + period
            return DRIVE - peak * np.exp(-since / (decay * ms))

        return _time_to_spike(-np.pi, drive)

    return brentq(lambda period: next_period(period) - period, 5.0, 100.0, xtol=1e-4) / ms


def _time_to_spike(phase, drive):
    """Time (ms) that a theta neuron of 1 ms takes from a phase to a spike under a drive that depends on time."""

    def spike(t, state):
        return state[0] - np.pi

    spike.terminal = True  # type: ignore[attr-defined]
    return solve_ivp(
        lambda t, state: 1 - np.cos(state) + (1 + np.cos(state)) * drive(t),
        (0, 300),
        [phase],
        events=spike,
        rtol=1e-8,
        max_step=0.5,
    ).t[-1]


def onset(delay: float = SYNAPTIC_DELAY) -> tuple[float, float]:
    """Frequency (Hz) at which the rate loop begins to oscillate, and the strength of the loop at which it does."""

    def phase(omega):
        return np.arctan(omega * TAU_E) + np.arctan(omega * TAU_I) + 2 * omega * delay - np.pi

    omega = brentq(phase, 1.0, 1e4)
    return omega / (2 * np.pi), float(np.sqrt((1 + (omega * TAU_E) ** 2) * (1 + (omega * TAU_I) ** 2)))


def published(report=None) -> Iterator[Fact]:
    """Compare with published values; takes about a minute."""
    paper = "Börgers & Kopell 2003, abstract"
    conditions = {
        "base": {},
        "all-to-all": {"connected": 1.0},
        "half the connections": {"connected": CONNECTED / 2},
        "weaker E to I": {"e_to_i": E_TO_I / 2},
        "stronger I to E": {"i_to_e": 2 * I_TO_E},
        "faster decay": {"decay": TAU_INHIBITION / 2},
    }
    seeds = range(3)
    circuits = [circuit(seed=s, spread=0.0, **changes) for changes in conditions.values() for s in seeds]
    responses = simulate(
        circuits, np.array([[1.0, 0.0]]), duration=1.25, window=1.0, dt=0.1e-3, record=True, report=report
    )
    found = np.array([jitter(response) for response in responses]).reshape(len(conditions), -1).mean(axis=1)
    jitters = dict(zip(conditions, found, strict=True))
    yield Fact("jitter of E volleys, all-to-all and alike (ms)", 0.0, 1e3 * jitters["all-to-all"], 0.5, paper)
    for what, sign, ratio in (
        ("fewer connections", 1, jitters["half the connections"] / jitters["base"]),
        ("stronger E to I synapses", -1, jitters["base"] / jitters["weaker E to I"]),
        ("stronger I to E synapses", 0, jitters["stronger I to E"] / jitters["base"]),
        ("faster decay of inhibition", -1, jitters["faster decay"] / jitters["base"]),
    ):
        change = float(np.sign(ratio - 1) * (abs(ratio - 1) > 0.1))
        yield Fact(f"jitter with {what} (-1 less, 0 within 10 %, 1 more)", sign, change, 0.0, paper)
    whole = responses[len(seeds)]
    frequency, _ = rhythm(*activity(whole, "E"))
    one = 1e3 * period_of_one_cell()
    yield Fact(
        "period of the all-to-all network (ms)",
        one,
        1e3 / float(frequency[0]),
        0.05 * one,
        "one E and one I cell: the reduction of Börgers & Kopell 2003, solved here by scipy",
    )
    lag = float(np.mean([lag_of_inhibition(response) for response in responses[: len(seeds)]]))
    yield Fact(
        "sign of the time from E to I spikes in a cycle",
        1.0,
        np.sign(lag),
        0.0,
        "Börgers & Kopell 2003: the I cells answer the E cells",
    )
