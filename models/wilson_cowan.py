r"""Wilson-Cowan: an excitatory and an inhibitory population that oscillate where excitatory-only ones would saturate.

Wilson & Cowan, Biophys. J. 12:1-24 (1972):

.. math::
    \tau \dot{E} &= -E + (k_e - r E)\, S_e(c_1 E - c_2 I + P) \\
    \tau \dot{I} &= -I + (k_i - r I)\, S_i(c_3 E - c_4 I + Q), \\
    S(x) &= \frac{1}{1 + e^{-a(x - \theta)}} - \frac{1}{1 + e^{a\theta}}, \quad k = S(\infty)

These are its eqs. 11, 12 and 15. E and I are fractions of active cells, relative to rest; 1 corresponds to `SCALE`. The
stimulus is (P, Q).

=================== ======= ==== ==== ==== ==== ===== ======= ===== =======
regime              figure  c1   c2   c3   c4   a_e   theta_e a_i   theta_i
=================== ======= ==== ==== ==== ==== ===== ======= ===== =======
hysteresis          4, 5    12   4    13   11   1.2   2.8     1     4
multiple hysteresis 7, 8    13   4    22   2    1.5   2.5     6     4.3
limit cycle         11, 12  16   12   15   3    1.3   4       2     3.7
=================== ======= ==== ==== ==== ==== ===== ======= ===== =======

with r = 1, and a time constant of 8 ms as in fig. 11b.

============================================= ============= ========= =================================================
statement                                     published     ours      what differs
============================================= ============= ========= =================================================
steady states, hysteresis                     3 (fig. 4)    3
stable ones of them                           2             2         those that 16 kicks lead to
steady states, multiple hysteresis            5 (fig. 8)    5
stable ones of them                           3             3         those that 16 kicks lead to
limit cycle round one unstable state          fig. 11a      yes       at P = 1.25
frequency and mean of E rise with P           fig. 12       yes       signs: the paper gives no numbers
no cycle for weak and for strong P            fig. 12       yes       at P = 0.5 and 3; signs
hysteresis of the limit cycle's population    theorem 4     yes       at P = 5, Q = 4
figs. 3, 6, 9 and 10                          shown         none
spiking version                               none          ours      240 E and 60 I LIF neurons
============================================= ============= ========= =================================================

Frequency and amplitude are compared with SciPy's solution of the equations (tests).

The spiking version is a random network of noisy LIF neurons with the weights of the limit cycle; a refractory period
of 10 ms corresponds to r = 1 at this scale. It also oscillates, from P = 1 on, at 10 to 55 Hz (P = 5).

**Tasks.** *Stay at the working point* (`task`): E keeps to a rate within a factor of two of a set point, from below and
from above, for inputs P to E with a steady Q = 2 to I. There are three set points, 4 times apart, each for two inputs,
so that a constant rate fits a third of them; silence and saturation fit none. Without inhibition only refractoriness
limits excitation, and a bounded working point of strong recurrent excitation is unstable: the obstruction is dynamical.
An excitatory-only circuit without recurrent synapses performs the task (`excitatory_only`).

*Rhythm* (`TASKS`): oscillate for steady inputs of the limit cycle (fig. 12), Q = 0. The score is the depth of the
modulation, which is twice the vector strength of E at its rhythm and at most 1; silence, saturation and a constant rate
score 0. No excitatory-only rate circuit has a score above 0: from rest under a steady input its rates only rise, as
cooperative systems do (Hirsch 1982 has the general statement: no attracting oscillation). A spiking neuron is itself an
oscillator, and cells without noise that are alike perform the task without any recurrent synapse
(`excitatory_only_rhythm`).
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from eisim.analysis.task import Fact, Obstruction, Task
from eisim.base.errors import InputError, check_kind, explains_arguments
from eisim.base.seeds import Seed
from eisim.circuit import Circuit
from eisim.models._rhythm import strength_of_rhythm
from eisim.models._two_populations import Cells, steady_states, two_populations
from eisim.neurons import LIF, WilsonCowan
from eisim.simulation import Response, simulate
from eisim.synapses import Exponential

FUNCTION = "avoid seizure"
#: Rate of a population whose cells are all active, in Hz.
SCALE = 100.0
TAU = 8e-3
#: c1 to c4, the slopes a and the thresholds theta of E and I.
REGIMES = {
    "hysteresis": ((12, 4, 13, 11), (1.2, 1.0), (2.8, 4.0)),
    "multiple hysteresis": ((13, 4, 22, 2), (1.5, 6.0), (2.5, 4.3)),
    "limit cycle": ((16, 12, 15, 3), (1.3, 2.0), (4.0, 3.7)),
}
_NEURON = LIF(tau=TAU, noise=4e-3, refractory=1 / SCALE, excitation=Exponential(5e-3), inhibition=Exponential(5e-3))
CELLS = Cells(_NEURON, _NEURON, volts=0.0375e-3, bias=(0.0, 0.0))
#: Set points of E, in Hz, and the inputs P for each, at Q = 2.
SET_POINTS = (1.0, 4.0, 16.0)
INPUTS = {"rate": ((1.0, 1.1), (1.75, 1.85), (3.6, 3.8)), "spiking": ((1.4, 1.6), (1.9, 2.1), (2.8, 3.1))}
Q = 2.0
#: Inputs P of the limit cycle, at Q = 0, and the band of its frequency in Hz.
CYCLE, BAND = (1.25, 1.4, 1.55, 1.7), (10.0, 60.0)
#: Mean excitatory rates above which activity has run away, and below which it is silence, in Hz.
SEIZURE, SILENCE = {"rate": 40.0, "spiking": 50.0}, 1.0


@explains_arguments
def circuit(kind: str = "spiking", *, seed: Seed = 0, regime: str = "limit cycle") -> Circuit:
    """The circuit; stimuli are P and Q.

    Parameters
    ----------
    kind : {"rate", "spiking"}
    seed : int or Generator
        Fixes the random synapses of the spiking version.
    regime : {"limit cycle", "hysteresis", "multiple hysteresis"}
    """
    if regime not in REGIMES:
        raise InputError(f"wilson_cowan: regime: expected one of {', '.join(REGIMES)}, found {regime!r}")
    (c1, c2, c3, c4), slopes, thresholds = REGIMES[regime]
    units = [_unit(a, theta) for a, theta in zip(slopes, thresholds, strict=True)]
    return two_populations(
        f"Wilson-Cowan, {regime}",
        kind,
        ((c1, c2), (c3, c4)),
        tuple(units),
        CELLS,
        rate=SCALE,
        afferent_rate=1000.0,
        delay=1e-3,
        seed=seed,
    )


def _unit(a, theta) -> WilsonCowan:
    """(k - r E) S = (1 - E/k) k S: the saturation k is part of the maximum and of the refractory period."""
    k = 1 - 1 / (1 + np.exp(a * theta))
    return WilsonCowan(TAU, theta * SCALE, 1 / (k * SCALE), slope=SCALE / a, maximum=k * SCALE)


def excitatory_only(kind: str = "spiking", *, seed: Seed = 0) -> Circuit:
    """E alone, without recurrent synapses, with a higher threshold in the spiking version.

    The inputs are those of `circuit`; the one to I has no target.

    Parameters
    ----------
    kind : {"rate", "spiking"}
    seed : int or Generator
        Unused: there are no random synapses.
    """
    whole = circuit(kind, seed=seed)
    cells = whole.populations[0]
    bias = cells.bias if kind == "rate" else np.full(cells.size, -2.5e-3)
    return replace(
        whole,
        name="Wilson-Cowan, E without recurrent synapses",
        populations=[replace(cells, bias=bias)],
        projections=whole.projections[:1],
    )


@explains_arguments
def task(kind: str = "spiking", *, quick: bool = False) -> Task:
    """Stay at the working point: active, neither silent nor saturated, at rates that steady inputs P set."""
    check_kind(kind, "wilson_cowan")
    inputs = np.array(INPUTS[kind])[:, : 1 if quick else 2]
    return Task(
        circuit=partial(_seeded, kind),
        stimuli=np.stack([inputs.ravel(), np.full(inputs.size, Q)], axis=1),
        score=partial(share_near, np.repeat(SET_POINTS, inputs.shape[1])),
        measure="share of inputs for which the rate of E is within a factor of two of its set point",
        obstruction=Obstruction.STABILITY,
        duration=400e-3,
        window=300e-3,
        # Euler steps feed the slow growth of the rhythm: with 0.2 ms the rates' period would be a tenth too long.
        dt=0.05e-3 if kind == "rate" and not quick else 0.2e-3,
        constant=1 / len(SET_POINTS),
        excitatory_only=partial(_excitatory_only_seeded, kind),
    )


def excitatory_only_rhythm(*, seed: Seed = 0) -> Circuit:
    """E of the spiking version alone, without recurrent synapses and without noise, driven above threshold."""
    whole = excitatory_only(seed=seed)
    (cells,), (drive,) = whole.populations, whole.projections
    regular = replace(cells, neuron=replace(cells.neuron, noise=0.0), bias=np.full(cells.size, 8e-3))
    return replace(
        whole,
        name="Wilson-Cowan, E as oscillators",
        populations=[regular],
        projections=[replace(drive, weights=1.6 * whole.weights(drive))],
    )


def rhythm(kind: str = "spiking", *, quick: bool = False) -> Task:
    """Oscillate for steady inputs P."""
    check_kind(kind, "wilson_cowan")
    inputs = CYCLE[::2] if quick else CYCLE
    proof = "From rest under a steady input the rates of a circuit without inhibition only rise: x(0) <= x(h) implies "
    proof += "x(t) <= x(t + h) (T1), and what only rises scores 0."
    return Task(
        circuit=partial(_seeded, kind),
        stimuli=np.stack([inputs, np.zeros(len(inputs))], axis=1),
        score=depth,
        measure="depth of the modulation of E by its rhythm",
        obstruction=Obstruction.RHYTHM,
        criterion=0.2 if kind == "rate" else 0.5,
        duration=500e-3 if quick else 700e-3,
        window=300e-3 if quick else 500e-3,
        dt=0.05e-3 if kind == "rate" and not quick else 0.2e-3,
        record=True,
        constant=0.0,
        excitatory_only=_excitatory_only_rhythm_seeded if kind == "spiking" else None,
        bound=0.0 if kind == "rate" else None,
        proof=proof if kind == "rate" else "",
    )


#: Tasks beside the first.
TASKS = {"rhythm": rhythm}


def _seeded(kind, seed):
    return circuit(kind, seed=seed)


def _excitatory_only_seeded(kind, seed):
    return excitatory_only(kind, seed=seed)


def _excitatory_only_rhythm_seeded(seed):
    return excitatory_only_rhythm(seed=seed)


def share_near(set_points: np.ndarray, response: Response) -> float:
    """Share of trials in which the mean rate of E is within a factor of two of the set point of the trial (Hz)."""
    rates = response.rates["E"].mean(axis=-1)
    return float(np.mean((rates > set_points / 2) & (rates < 2 * set_points)))


def depth(response: Response) -> float:
    """Twice the vector strength of E at its strongest rhythm, at most 1; the mean over trials.

    A rate m (1 + a sin) has the depth a. A trial that is silent or runs away counts 0.
    """
    rates = response.rates["E"].mean(axis=-1)
    within = (rates > SILENCE) & (rates < SEIZURE[response.circuit.kind])
    return float(np.mean(within * np.minimum(2 * strength_of_rhythm(response, BAND), 1)))


def frequencies(response: Response) -> np.ndarray:
    """Frequency of the strongest rhythm of the excitatory population in the window, by trial, in Hz.

    Of recorded rates (rate circuits) or spikes, as the peak of the spectrum; NaN if the rate is constant.
    """
    steps, dt = round(response.window / response.dt), response.dt
    first = round(response.duration / dt) - steps
    if response.traces:
        activity = response.traces["E"].mean(axis=-2)[:, first:]
    else:
        spikes, trials = response.spikes["E"], len(response.rates["E"])
        late = spikes.step >= first
        activity = np.zeros((trials, steps))
        np.add.at(activity, (spikes.copy[late], spikes.step[late] - first), 1.0)
    activity = activity - activity.mean(axis=1, keepdims=True)
    # Padding with zeros reads the peak of the spectrum off more finely than one cycle in the window.
    power = np.abs(np.fft.rfft(activity * np.hanning(steps), n=8 * steps)) ** 2
    found = np.fft.rfftfreq(8 * steps, dt)[power.argmax(axis=1)]
    return np.where(activity.std(axis=1) > 1e-3, found, np.nan)


def published(report=None) -> Iterator[Fact]:
    """Comparison of this circuit with the paper; one batch of rate and one of spiking circuits."""
    source = "Wilson & Cowan 1972"
    counts = {"hysteresis": (3, 2, "fig. 4"), "multiple hysteresis": (5, 3, "fig. 8")}
    circuits = [circuit("rate", regime=regime) for regime in (*counts, "limit cycle", "limit cycle")]
    drives = [0.5, 1.25, 1.4, 1.55, 1.7, 3.0]  # the first too weak for the cycle, the last too strong
    kicks = [(p, q) for p in (0.0, 0.4, 1.5, 6.0) for q in (0.0, 0.6, 3.0, 12.0)]
    settle = [_kicked(kicks, base) for base in ((0.0, 0.0), (0.0, 0.0), (5.0, 4.0))]
    cycle = np.zeros((len(drives), settle[0].shape[1], 2))
    cycle[:, :, 0] = np.array(drives)[:, None]
    responses = simulate(
        circuits,
        [*settle, cycle],
        duration=1.0,
        window=0.5,
        dt=0.05e-3,
        record=[False] * 3 + [True],
        report=report,
    )
    for (regime, (states, stable, figure)), response in zip(counts.items(), responses, strict=False):
        found, _ = steady_states(circuit("rate", regime=regime), (0, 0), 60.0)
        yield Fact(f"steady states, {regime}", states, len(found), 0, f"{source}, {figure}")
        yield Fact(f"stable states that kicks lead to, {regime}", stable, _distinct(response), 0, f"{source}, {figure}")
    _, growth = steady_states(circuit("rate"), (1.25, 0), 60.0)
    rhythm, mean = frequencies(responses[3]), responses[3].rates["E"][:, 0]
    limit_cycle = len(growth) == 1 and growth[0] > 0 and bool(np.isfinite(rhythm[1]))
    several = float(_distinct(responses[2]) > 1)
    for what, ours, where in (
        ("limit cycle round one unstable state at P = 1.25 (1: yes)", limit_cycle, "fig. 11a"),
        ("no cycle at P = 0.5, below threshold (1: yes)", np.isnan(rhythm[0]), "fig. 12, (a)"),
        ("no cycle at P = 3, where it is extinguished (1: yes)", np.isnan(rhythm[-1]), "fig. 12, (b)"),
        ("frequency rises with P (1: always)", _rising(rhythm[1:-1]), "fig. 12b"),
        ("mean of E rises with P (1: always)", _rising(mean[1:-1]), "fig. 12a"),
        ("hysteresis of the limit cycle's population, P = 5, Q = 4 (1: yes)", several, "theorem 4"),
    ):
        yield Fact(what, 1, float(ours), 0, f"{source}, {where}")
    spiking = simulate(
        circuit(),
        np.stack([[1.0, 1.3, 1.6, 1.9], np.zeros(4)], axis=1),
        duration=2.2,
        window=2.0,
        dt=0.2e-3,
        record=True,
        report=report,
    )
    yield Fact(
        "frequency rises with P, spiking (1: always)", 1, _rising(frequencies(spiking)), 0, f"{source}, fig. 12b"
    )


def _kicked(kicks, base) -> np.ndarray:
    """Stimuli (trials × 10 frames × 2) that perturb the circuit for one frame and then return to the base stimulus."""
    stimuli = np.tile(np.array(base), (len(kicks), 10, 1))
    stimuli[:, 0] = kicks
    return stimuli


def _distinct(response) -> int:
    """Number of distinct final states."""
    states = np.concatenate([response.rates[p] for p in "EI"], axis=-1)
    return len(np.unique(states.round(1), axis=0))


def _rising(values) -> float:
    """Fraction of neighbouring pairs that rise."""
    return float(np.mean(np.diff(values) > 0))
