r"""Decide between two alternatives: populations that integrate evidence and compete through inhibition.

**Spiking** (Wang, Neuron 36:955, 2002): 1600 pyramidal cells, of which a fraction :math:`f = 0.15` prefers each
alternative, and 400 interneurons, all-to-all. Recurrent excitation, by AMPA and mostly NMDA receptors, is stronger by
:math:`w_+` within a selective population and weaker, :math:`w_- = 1 - f (w_+ - 1)/(1 - f)`, onto it from the others.
Evidence is an independent Poisson train to each neuron of a selective population.

=================================  ====================  ====================
parameter                          pyramidal cells       interneurons
=================================  ====================  ====================
number                             1600                  400
capacitance, leak                  0.5 nF, 25 nS         0.2 nF, 20 nS
rest, threshold, reset             -70, -50, -55 mV      -70, -50, -55 mV
refractory period                  2 ms                  1 ms
background (AMPA, 2400 Hz)         2.1 nS                1.62 nS
AMPA from pyramidal cells          0.05 nS               0.04 nS
NMDA from pyramidal cells          0.165 nS              0.13 nS
GABA from interneurons             1.3 nS                1.0 nS
=================================  ====================  ====================

AMPA 2 ms, GABA 5 ms, NMDA 100 ms (rise 2 ms, alpha 0.5/ms, 1 mM magnesium), delay 0.5 ms, :math:`w_+ = 1.7`.
Evidence at coherence :math:`c` has the rates :math:`\mu_0 (1 \pm c)`, :math:`\mu_0 = 40` Hz, redrawn every 50 ms with
a standard deviation of 4 Hz, as in the public codes for Brian2 (``frompapers/Wang_2002``) and NEST
(``wang_decision_making``); BrainPy's has 10 Hz, and that of Wang's laboratory does not redraw. The paper itself was not
at hand. Networks of another size have conductances scaled to keep the mean input.

**Rate** (Wong & Wang, J. Neurosci. 26:1314, 2006): the reduction to the NMDA gating of the two selective populations,

.. math::
    \dot{S}_i = -S_i/\tau_S + (1 - S_i)\,\gamma\,H(x_i), \qquad
    H(x) = \frac{a x - b}{1 - e^{-d (a x - b)}}, \\
    x_1 = J_{11} S_1 - J_{12} S_2 + I_0 + J_A \mu_0 (1 + c) + \eta_1, \qquad
    \tau_A \dot{\eta} = -\eta + \sigma\sqrt{\tau_A}\,\xi(t),

with :math:`\tau_S = 100` ms, :math:`\gamma = 0.641`, :math:`a = 270` Hz/nA, :math:`b = 108` Hz, :math:`d = 0.154` s,
:math:`J_{11} = 0.2609` nA, :math:`J_{12} = 0.0497` nA, :math:`J_A = 5.2 \cdot 10^{-4}` nA/Hz, :math:`I_0 = 0.3255` nA,
:math:`\mu_0 = 30` Hz, :math:`\sigma = 0.02` nA, :math:`\tau_A = 2` ms. As a rate unit: :math:`r = S/(\gamma\tau_S)`,
currents times :math:`a`, and :math:`\gamma\tau_S` as refractory period. By Dale's law :math:`-J_{12}` is mediated by
one threshold-linear interneuron population with a gain of 1 on each side: steady states are those of the paper, and
inhibition lags by 2 ms. In the reduction self-inhibition is part of :math:`J_{11}`: blocking the interneurons here
removes only the competition.

====================================== ================== ==========================================================
published                              ours               what differs
====================================== ================== ==========================================================
stable steady states: 3, 2 and 1 [2]   3, 2 and 1         without evidence, with, at full coherence; rate circuit
choices at zero coherence are fair [2] 0.50 of them are A 200 trials, rate circuit
Weibull fit: alpha 9.2 %, beta 1.5 [1] 6.7 %, 1.4         48 trials of each of 5 coherences; the paper's from memory
choices at zero coherence are fair [1] 0.50 of 44 are A   95 % interval 0.36 to 0.64
faster with coherence [1]              1014 to 437 ms     at 0 and 51.2 %; we do not know the paper's times
faster with coherence [2]              675 to 248 ms      at 0 and 51.2 %; we do not know the paper's times
Weibull fit [2]                        6.0 %, 1.5         we do not know the paper's
the network of 2000 neurons [1]        task: 250 neurons  evidence 2.5 times the paper's, for 0.7 s, dt 0.5 ms
====================================== ================== ==========================================================

[1] Wang 2002. [2] Wong & Wang 2006. `psychometric` gives both curves with intervals.
With 48 trials of each coherence, 95 % of fits to samples from the published curve have an alpha within 2.7 points and
a beta within 1.1 of it.

Why inhibition: "A rather than B" has a boundary of positive slope. Adding evidence for B alone abolishes the choice of
A. Without inhibition both populations respond. The task's trials are such pairs, so an excitatory-only system is right
in at most one of each, half of all, like a constant answer. The bound holds for the rate circuit, and for spikes under
a rate code; an argmax would be a comparison, so each population is read by one threshold.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from scipy.optimize import fsolve, minimize
from scipy.special import exprel
from scipy.stats import binomtest

from eisim.analysis.task import Fact, Obstruction, Task
from eisim.base.errors import check_kind, explains_arguments
from eisim.base.seeds import Seed, seed_of
from eisim.circuit import Circuit, Input, Population, Projection, Readout
from eisim.neurons import AbbottChance, ConductanceLIF, ThresholdLinear
from eisim.simulation import Response, simulate
from eisim.synapses import NMDA, Conductance
from eisim.weights import AllToAll, Independent

FUNCTION = "decide"

# Rate circuit (Wong & Wang): s, Hz/nA, Hz, s, nA, nA, nA/Hz, nA, nA, s.
TAU_S, GAMMA = 0.1, 0.641
GAIN, OFFSET, NOISE_TIME = 270.0, 108.0, 0.154
SELF, CROSS, EVIDENCE, BIAS = 0.2609, 0.0497, 5.2e-4, 0.3255
NOISE, NOISE_TAU = 0.02, 2e-3
INTERNEURON_TAU = 2e-3
#: Time for which a population is "refractory": r = S / SATURATION.
SATURATION = GAMMA * TAU_S

# Spiking circuit (Wang): numbers of neurons of the paper, conductances (S) onto pyramidal cells and interneurons.
SIZE, INTERNEURONS_PER_PYRAMIDAL = 1600, 0.25
SELECTIVE, STRONGER = 0.15, 1.7
WEAKER = 1 - SELECTIVE * (STRONGER - 1) / (1 - SELECTIVE)
BACKGROUND_RATE = 2400.0
BACKGROUND = {"E": 2.1e-9, "I": 1.62e-9}
AMPA = {"E": 0.05e-9, "I": 0.04e-9}
SLOW = {"E": 0.165e-9, "I": 0.13e-9}
GABA = {"E": 1.3e-9, "I": 1.0e-9}
DELAY = 0.5e-3

#: Rate of the evidence for each alternative at zero coherence, in Hz.
MEAN_EVIDENCE = {"rate": 30.0, "spiking": 40.0}
#: Spread of the evidence as a share of its mean: of what the spiking circuit sees; the rate circuit has its own noise.
EVIDENCE_SPREAD = {"rate": 0.0, "spiking": 0.1}
#: A trial of the task: frames of 50 ms, the first of them without evidence.
FRAME, SILENT, EVIDENCE_FRAMES = 50e-3, 2, 14
#: Of the task: coherences, evidence in units of its mean, and pyramidal cells (a network of the paper's size is slow).
COHERENCES, STRENGTH, TASK_SIZE = (0.128, 0.256, 0.384), {"rate": 1.0, "spiking": 2.5}, 200
#: An alternative is chosen when its population alone fires faster than this, in Hz (as in both papers).
THRESHOLD = 15.0
#: Rates are averages over 50 ms, in steps of 5 ms.
WINDOW, STEP = 50e-3, 5e-3
#: The published Weibull fit, alpha and beta, from memory; that of the rate circuit we do not know.
PUBLISHED_WEIBULL = {"spiking": (0.092, 1.5)}


@explains_arguments
def circuit(kind: str = "spiking", *, seed: Seed = 0, size: int = SIZE) -> Circuit:
    """The decision circuit, as ``"rate"`` or ``"spiking"`` network.

    Parameters
    ----------
    kind : {"rate", "spiking"}
    seed : int or Generator
        Unused, except to label the circuit, which is deterministic.
    size : int
        Number of pyramidal cells of the spiking network.

    Returns
    -------
    Circuit
        Its inputs are the evidence for A and for B (1 is the evidence at zero coherence), and in the spiking network
        the background (stimulus value 1). Its readouts are the selective populations.
    """
    check_kind(kind, "decision")
    if kind == "rate":
        return _rate(seed)
    return _spiking(seed, size)


def _rate(seed):
    unit = AbbottChance(
        tau=TAU_S,
        threshold=OFFSET,
        noise_time=NOISE_TIME,
        refractory=SATURATION,
        noise=GAIN * NOISE / np.sqrt(2),
        noise_tau=NOISE_TAU,
    )
    interneuron = ThresholdLinear(tau=INTERNEURON_TAU)
    weight = GAIN * SATURATION
    return Circuit(
        name="decision",
        inputs=[Input(f"evidence {side}", 1, MEAN_EVIDENCE["rate"]) for side in "AB"],
        populations=[
            *(Population(side, "E", unit, 1, GAIN * BIAS) for side in "AB"),
            *(Population(f"I of {side}", "I", interneuron) for side in "AB"),
        ],
        projections=[
            projection
            for side, other in ("AB", "BA")
            for projection in (
                Projection(f"evidence {side}", side, GAIN * EVIDENCE),
                Projection(side, side, weight * SELF),
                Projection(side, f"I of {side}", 1.0),
                Projection(f"I of {side}", other, weight * CROSS),
            )
        ],
        readouts=[Readout(side, THRESHOLD / (1 + SATURATION * THRESHOLD)) for side in "AB"],
        seed=seed,
    )


def _spiking(seed, size):
    synapses = {
        "excitation": Conductance(0.0, 2e-3),
        "inhibition": Conductance(-70e-3, 5e-3),
        "nmda": NMDA(0.0, 100e-3, 2e-3, 500.0, 1.0),
    }
    voltages = {"rest": -70e-3, "threshold": -50e-3, "reset": -55e-3}
    pyramidal = ConductanceLIF(capacitance=0.5e-9, leak=25e-9, refractory=2e-3, **voltages, **synapses)
    interneuron = ConductanceLIF(capacitance=0.2e-9, leak=20e-9, refractory=1e-3, **voltages, **synapses)
    selective, scale = round(SELECTIVE * size), SIZE / size
    sizes = {"A": selective, "B": selective, "other": size - 2 * selective}
    targets = [*sizes, "I"]

    def strength(source, target):
        if target not in ("A", "B"):
            return scale
        return scale * (STRONGER if source == target else WEAKER)

    projections = [
        Projection("background", target, Independent(BACKGROUND["I" if target == "I" else "E"])) for target in targets
    ]
    projections += [Projection(f"evidence {side}", side, Independent(BACKGROUND["E"])) for side in "AB"]
    for source in sizes:
        for target in targets:
            for receptor, weight in (("excitation", AMPA), ("nmda", SLOW)):
                weight = AllToAll(strength(source, target) * weight["I" if target == "I" else "E"])
                name = f"{source}->{target} {receptor}"
                projections.append(Projection(source, target, weight, DELAY, name, receptor=receptor))
    projections += [
        Projection("I", target, AllToAll(scale * GABA["I" if target == "I" else "E"]), DELAY) for target in targets
    ]
    return Circuit(
        name="decision",
        inputs=[
            *(Input(f"evidence {side}", 1, MEAN_EVIDENCE["spiking"], train="poisson") for side in "AB"),
            Input("background", 1, BACKGROUND_RATE, train="poisson"),
        ],
        populations=[
            *(Population(name, "E", pyramidal, n, initial=-55e-3) for name, n in sizes.items()),
            Population("I", "I", interneuron, round(size * INTERNEURONS_PER_PYRAMIDAL), initial=-55e-3),
        ],
        projections=projections,
        readouts=[Readout(side, THRESHOLD) for side in "AB"],
        seed=seed,
    )


def evidence(
    kind: str, coherence, trials: int = 1, *, frames: int = EVIDENCE_FRAMES, silent: int = SILENT, seed: Seed = 0
) -> np.ndarray:
    """Evidence for A and for B at these coherences (A's sign), drawn independently for each trial and frame.

    Parameters
    ----------
    kind : {"rate", "spiking"}
    coherence : array_like of shape (n,)
        Between -1 and 1.
    trials : int
        Trials of each coherence.
    frames, silent : int
        Frames of `FRAME` s with evidence, and without, which come before them.
    seed : int or Generator
        Seed of the random evidence.

    Returns
    -------
    ndarray of shape (n · trials, frames, inputs)
    """
    check_kind(kind, "decision")
    coherence = np.repeat(np.atleast_1d(coherence), trials)
    noise = np.random.default_rng(seed_of(seed, "decision: seed")).standard_normal((len(coherence), frames, 2))
    return _shown(kind, 1 + coherence[:, None] * np.array([1.0, -1.0]), noise, silent)


def _shown(kind, means, noise, silent):
    """Trials × frames × inputs from the mean evidence (trials × 2) and normal noise (trials × frames × 2)."""
    drawn = np.maximum(means[:, None] + EVIDENCE_SPREAD[kind] * noise, 0.0)
    stimuli = np.concatenate([np.zeros((len(means), silent, 2)), drawn], axis=1)
    if kind == "rate":
        return stimuli
    return np.concatenate([stimuli, np.ones((*stimuli.shape[:2], 1))], axis=2)


def pairs(kind: str, coherences=COHERENCES, *, seed: Seed = 0) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of trials of which the second is the first with more evidence for the other side, which is then stronger.

    Parameters
    ----------
    kind : {"rate", "spiking"}
    coherences : sequence of float
        Coherence of the first trial of a pair; that of the second is its negative. There are two pairs of each, one
        for A and one for B.
    seed : int or Generator
        Seed of the noise of the evidence, which is the same in both trials of a pair.

    Returns
    -------
    stimuli : ndarray of shape (4 · n, frames, inputs)
    required : ndarray of bool, shape (4 · n, 2)
        Whether A and B are to respond.
    """
    check_kind(kind, "decision")
    c = np.repeat(coherences, 2)
    kept, less, more = 1 + c, 1 - c, (1 + c) ** 2 / (1 - c)
    means = STRENGTH[kind] * np.stack([np.stack([kept, less], -1), np.stack([kept, more], -1)], axis=1)
    means[1::2] = means[1::2, :, ::-1]  # every second pair keeps B
    noise = np.random.default_rng(seed_of(seed, "decision: seed")).standard_normal((len(c), EVIDENCE_FRAMES, 2))
    stimuli = _shown(kind, means.reshape(-1, 2), np.repeat(noise, 2, axis=0), SILENT)
    return stimuli, (means == means.max(axis=-1, keepdims=True)).reshape(-1, 2)


def firing_rates(response: Response) -> np.ndarray:
    """Rates of the populations for A and B, in Hz (… × trials × 2); of rate units H, of which S is the steady state."""
    rates = np.stack([response.rates[side].mean(axis=-1) for side in "AB"], axis=-1)
    return rates / (1 - SATURATION * rates) if response.circuit.kind == "rate" else rates


def choices(rates: np.ndarray) -> np.ndarray:
    """Choices from rates (… × 2): 1 for A, -1 for B, 0 if neither or both populations are above threshold."""
    above = rates > THRESHOLD
    return above[..., 0].astype(int) - above[..., 1].astype(int)


def above_threshold(response: Response) -> np.ndarray:
    """Whether A and B respond: trials × 2."""
    return firing_rates(response) > THRESHOLD


def rate_of_a(response: Response) -> np.ndarray:
    """Rate of the population for A, in Hz, for each trial."""
    return firing_rates(response)[..., 0]


@explains_arguments
def task(kind: str = "spiking", *, quick: bool = False) -> Task:
    """Choose the side of the stronger evidence, and no other.

    Twelve trials (`quick`: eight), balanced between the sides, at coherences of ±12.8, 25.6 and 38.4 %, in pairs of
    which the second is the first with more evidence for the other side: a witness if the choice changes. The spiking
    network has 200 pyramidal cells, and evidence of 2.5 times the paper's mean, so that it decides within 0.7 s.
    """
    check_kind(kind, "decision")
    coherences = COHERENCES[1:] if quick else COHERENCES
    stimuli, required = pairs(kind, coherences)
    return Task(
        circuit=lambda seed: circuit(kind, seed=seed, size=TASK_SIZE),
        stimuli=stimuli,
        score=None,
        measure="share of trials in which the side of the stronger evidence, and no other, is chosen",
        criterion=0.75,
        obstruction=Obstruction.POSITIVE_SLOPE,
        output=rate_of_a,
        constant=0.5,
        required=required,
        answers=firing_rates,
        threshold=THRESHOLD,
        levels=100 * np.repeat(coherences, 4),
        level="coherence (%)",
        proof="the second trial of each pair has more evidence and requires that the choice of the first ends",
        duration=(SILENT + EVIDENCE_FRAMES) * FRAME,
        window=0.2,
        dt=0.5e-3,
        published_neurons=SIZE + round(SIZE * INTERNEURONS_PER_PYRAMIDAL) if kind == "spiking" else 0,
    )


def steady_states(coherence: float = 0.0, strength: float = 1.0) -> np.ndarray:
    """Steady states of the reduction (S of A and of B, one a row), by root finding on the equations of the paper.

    Parameters
    ----------
    coherence : float
    strength : float
        Evidence in units of its mean; 0 for none.
    """

    def derivative(s):
        current = SELF * s - CROSS * s[::-1] + BIAS
        current = current + EVIDENCE * MEAN_EVIDENCE["rate"] * strength * (1 + coherence * np.array([1, -1]))
        excess = GAIN * current - OFFSET
        return -s / TAU_S + (1 - s) * GAMMA / (NOISE_TIME * exprel(-NOISE_TIME * excess))

    found = []
    for start in np.stack(np.meshgrid(np.linspace(0, 1, 12), np.linspace(0, 1, 12)), -1).reshape(-1, 2):
        root, _, status, _ = fsolve(derivative, start, full_output=True)
        if status == 1 and not any(np.allclose(root, other, atol=1e-4) for other in found):
            found.append(root)
    return np.array(found)


def decision_times(response: Response, onset: float = SILENT * FRAME) -> np.ndarray:
    """Time from the onset of the evidence (s) until one population exceeds the threshold, in s; NaN if none does.

    Rates are averages over 50 ms, moved by 5 ms, and a time is the middle of the first window above the threshold.
    The response must be recorded. Rates of rate units are H, which the paper plots, and not S, which lags.
    """
    rates = np.stack([_rate_over_time(response, side) for side in "AB"], axis=-1)
    windows = np.lib.stride_tricks.sliding_window_view(rates, round(WINDOW / STEP), axis=1).mean(axis=-1)
    middle = STEP * np.arange(windows.shape[1]) + WINDOW / 2 - onset
    above = (windows > THRESHOLD).any(axis=-1) & (middle > 0)
    return np.where(above.any(axis=1), middle[above.argmax(axis=1)], np.nan)


def _rate_over_time(response, side):
    """Rates in bins of `STEP`, trials × bins, in Hz."""
    bins = round(response.duration / STEP)
    if response.circuit.kind == "rate":
        rates = response.traces[side][:, 0]
        before = np.concatenate([np.zeros_like(rates[:, :1]), rates[:, :-1]], axis=1)
        share = response.dt / TAU_S  # the Euler step, solved for H
        transfer = (rates - (1 - share) * before) / (share * (1 - SATURATION * before))
        return transfer.reshape(len(rates), bins, -1).mean(axis=-1)
    spikes, size = response.spikes[side], response.circuit.population(side).size
    trials = len(response.rates[side])
    which = spikes.copy * bins + (spikes.step * (response.dt / STEP) + 1e-9).astype(int)
    return np.bincount(which, minlength=trials * bins).reshape(trials, bins) / (size * STEP)


def weibull(coherence, alpha, beta):
    """Fraction of correct choices at a coherence: the psychometric function that both papers fit."""
    return 1 - 0.5 * np.exp(-((np.asarray(coherence) / alpha) ** beta))


def _fit_weibull(coherence, right, wrong):
    """Maximum-likelihood alpha and beta."""

    def surprise(parameters):
        share = np.clip(weibull(coherence, *np.exp(parameters)), 1e-6, 1 - 1e-6)
        return -np.sum(right * np.log(share) + wrong * np.log1p(-share))

    bounds = [(np.log(0.005), 0.0), (np.log(0.3), np.log(5.0))]
    alpha, beta = np.exp(minimize(surprise, np.log([0.1, 1.3]), bounds=bounds).x)
    return float(alpha), float(beta)


def _fits_of_samples(coherence, decided, alpha, beta, samples=200):
    """Fits (samples × 2) of choices that are drawn from a Weibull function, as many as were made."""
    drawn = np.random.default_rng(0).binomial(decided, weibull(coherence, alpha, beta), (samples, len(coherence)))
    return np.array([_fit_weibull(coherence, right, decided - right) for right in drawn])


def psychometric(kind: str, coherence, trials: int, report=None, *, size: int = SIZE) -> dict:
    """Measure the psychometric and the chronometric curve, with 2 s of evidence after 0.3 s without.

    Parameters
    ----------
    kind : {"rate", "spiking"}
    coherence : sequence of float
        Coherences in favour of A, 0 or more.
    trials : int
        Trials of each coherence.
    report : callable, optional
        As for `eisim.simulate`.
    size : int
        Number of pyramidal cells of the spiking network.

    Returns
    -------
    dict
        For each coherence: ``"right"`` (share of A among the choices) and its 95 % Wilson interval ``"right_low"``,
        ``"right_high"``; ``"decided"`` (share of the trials); ``"time"`` (mean decision time of the trials that have
        one, in s) and its standard error ``"time_error"``. Then ``"alpha"`` and ``"beta"`` of the `weibull` function
        that fits best, and ``"published"``, those of the paper or ``None``.
    """
    coherence = np.asarray(coherence, dtype=float)
    stimuli = evidence(kind, coherence, trials, frames=40, silent=6)
    duration, dt = stimuli.shape[1] * FRAME, 0.5e-3 if kind == "rate" else 0.2e-3
    times = {"duration": duration, "window": 0.2, "dt": dt, "report": report}
    response = simulate(circuit(kind, size=size), stimuli, record=True, **times)
    chosen = choices(firing_rates(response)).reshape(-1, trials)
    right, wrong = np.sum(chosen > 0, axis=1), np.sum(chosen < 0, axis=1)
    decided = right + wrong
    intervals = [
        binomtest(int(k), int(n)).proportion_ci(method="wilson") if n else (0.0, 1.0)
        for k, n in zip(right, decided, strict=True)
    ]
    low, high = np.transpose(intervals)
    taken = decision_times(response, 6 * FRAME).reshape(-1, trials)
    alpha, beta = _fit_weibull(coherence, right, wrong)
    return {
        "coherence": coherence,
        "right": right / np.maximum(decided, 1),
        "right_low": low,
        "right_high": high,
        "decided": decided / trials,
        "time": np.nanmean(taken, axis=1),
        "time_error": np.nanstd(taken, axis=1, ddof=1) / np.sqrt(np.sum(~np.isnan(taken), axis=1)),
        "alpha": alpha,
        "beta": beta,
        "published": PUBLISHED_WEIBULL.get(kind),
    }


def published(report=None) -> Iterator[Fact]:
    """Compare with published values; takes about ten minutes."""
    reduction = "Wong & Wang 2006, phase planes of the reduction"
    starts = [(0.05, 0.05), (0.6, 0.05), (0.05, 0.6)]
    units = [_starting(_rate(0).without_noise(), np.array(start) / SATURATION) for start in starts]
    for strength, coherence, stable in ((0.0, 0.0, 3), (1.0, 0.0, 2), (1.0, 1.0, 1)):
        stimuli = strength * (1 + coherence * np.array([[1.0, -1.0]]))
        # The symmetric state is a saddle once there is evidence: what starts there is pushed off it.
        stimuli = stimuli + strength * np.array([[0.0, 1e-6]])
        responses = simulate(units, stimuli, duration=6.0, window=0.1, dt=1e-3, report=report)
        ends = np.array([[SATURATION * r.rates[side][0, 0] for side in "AB"] for r in responses])
        reached = len(np.unique(ends.round(2), axis=0))
        what = f"stable steady states at {100 * strength:g} % of the evidence and a coherence of {100 * coherence:g} %"
        yield Fact(what, stable, reached, 0, reduction)
        theory = steady_states(coherence, strength)
        worst = max(np.abs(theory - end).max(axis=1).min() for end in ends)
        yield Fact(
            f"largest distance of those from a root of the equations of the paper ({what[14:]})",
            0,
            worst,
            2e-3,
            reduction,
        )
    coherence = np.array([0.0, 0.064, 0.128, 0.256, 0.512])
    for kind, trials, paper in (("rate", 200, "Wong & Wang 2006"), ("spiking", 48, "Wang 2002")):
        found = psychometric(kind, coherence, trials, report)
        sampling = 1.96 * 0.5 / np.sqrt(trials * found["decided"][0])  # 95 % of fair samples are within it
        yield Fact(
            f"{kind}: share of A among choices at zero coherence", 0.5, found["right"][0], sampling, f"{paper}: chance"
        )
        yield Fact(
            f"{kind}: share of trials at zero coherence with a categorical choice", 1, found["decided"][0], 0.15, paper
        )
        yield Fact(f"{kind}: share of right choices at 51.2 %", 1, found["right"][-1], 0.02, paper)
        slope = np.polyfit(np.log(coherence[1:]), found["time"][1:], 1)[0]
        yield Fact(f"{kind}: sign of the change of decision time with coherence", -1, np.sign(slope), 0, paper)
        if found["published"]:
            alpha, beta = found["published"]
            decided = np.round(trials * found["decided"]).astype(int)
            spread = 1.96 * _fits_of_samples(coherence, decided, alpha, beta).std(axis=0)
            source = f"{paper}, Weibull fit, from memory"
            what = f"{kind}: coherence of 82 % right choices, alpha (%)"
            yield Fact(what, 100 * alpha, 100 * found["alpha"], 100 * spread[0], source)
            yield Fact(f"{kind}: slope of the psychometric curve, beta", beta, found["beta"], spread[1], source)


def _starting(circuit, rates):
    """The rate circuit with these initial rates (Hz) of the populations for A and B."""
    populations = [replace(p, initial=rates["AB".index(p.name[-1])]) for p in circuit.populations]
    return replace(circuit, populations=populations)
