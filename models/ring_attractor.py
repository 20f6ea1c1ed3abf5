r"""Memorise an angle: a ring of neurons whose bump of activity persists at the angle of a cue.

**Rate** (Ben-Yishai, Bar-Or & Sompolinsky, PNAS 92:3844, 1995): threshold-linear units at the angles
:math:`\theta`, with the steady state

.. math::
    r(\theta) = \Big[I + \frac{1}{N}\sum_{\theta'} \big(-J_0 + J_2 \cos(\theta - \theta')\big)\,r(\theta')\Big]_+

(their orientations are half of these angles). With :math:`J_2 > 2` the uniform state is unstable and a bump forms
spontaneously, of half-width :math:`\theta_c` and peak :math:`A (1 - \cos\theta_c)`, where

.. math::
    1 = \frac{J_2}{2\pi} (\theta_c - \sin\theta_c \cos\theta_c), \qquad
    A = \frac{I}{-\cos\theta_c + J_0 (\sin\theta_c - \theta_c\cos\theta_c)/\pi},

at any angle: the marginal phase. By Dale's law the cosine is split: excitation
:math:`J_E + J_2 \cos(\theta - \theta') \ge 0` between the E units, and one I unit that receives input from and
inhibits all of them, so :math:`J_0 = J_I - J_E` and the steady states are those of the paper. The I unit adds a lag
(:math:`\tau_I`), and a maximum rate bounds the activity when inhibition is blocked.

**Spiking** (Compte, Brunel, Goldman-Rakic & Wang, Cereb. Cortex 10:910, 2000): integrate-and-fire pyramidal cells and
interneurons, all-to-all, with recurrent excitation by NMDA receptors alone, structured between pyramidal cells:

.. math::
    W(\theta - \theta') = J_- + (J_+ - J_-)\,e^{-(\theta - \theta')^2 / 2\sigma^2}, \qquad \langle W \rangle = 1.

============================  ==========================  ==========================
parameter                     pyramidal cells             interneurons
============================  ==========================  ==========================
number                        2048                        512
capacitance, leak             0.5 nF, 25 nS               0.2 nF, 20 nS
rest, threshold, reset        -70, -50, -60 mV            -70, -50, -60 mV
refractory period             2 ms                        1 ms
background (AMPA, 1800 Hz)    3.1 nS                      2.38 nS
NMDA from pyramidal cells     0.381 nS                    0.292 nS
GABA from interneurons        1.336 nS                    1.024 nS
============================  ==========================  ==========================

AMPA 2 ms, GABA 10 ms, NMDA 100 ms (rise 2 ms, alpha 0.5/ms, 1 mM magnesium); :math:`J_+ = 1.62`,
:math:`\sigma = 14.4^\circ`. Networks of another size have conductances scaled to keep the mean input. The cue is a
current in the paper and AMPA input by regular trains here.

=================================== ======================= ======================================================
published                           ours                    what differs
=================================== ======================= ======================================================
half-width and peak of the bump [1] 80.9°, 22.2 Hz          closed form of the published equations, 256 rate units;
                                    (closed form: the same) the I unit lags
spontaneous rate of 3.5 Hz [2]      2.6 Hz                  one network of the paper's size, 0.2 s; dt 0.2 ms
bump stays where the cue was [2]    15° away after 1.2 s    one trial; the peak is about 20 Hz, close to the limit of
                                                            stability: with 512 cells the bump was lost in two of four
                                                            trials
diffusion falls as 1/N [3]          1.7 times for half N    512 and 1024 cells, J+ = 1.7, 24 trials; its magnitude is
                                                            not compared
cue: a current [2]                  AMPA by regular trains  the same profile over angles
task                                1.2 s, 64 units or 256  two cues of equal strength, in the spiking network 4
                                    pyramidal cells         times that of the comparisons above; J+ = 1.7, dt 0.5 ms
=================================== ======================= ======================================================

[1] Ben-Yishai et al. 1995. [2] Compte et al. 2000, parameters as in public codes, the spontaneous rate as one of them
quotes it. [3] Burak & Fiete, PNAS 109:17645, 2012.

Why inhibition: the neurons at the cued angle fire in response to the first cue and must stop when a later cue of the
same strength appears elsewhere, so that more input leads to less output. The memory is a closed region of the cue
sequence: the last cue and no other. An excitatory-only circuit can hold a cue (`latch`: bistable cells remain active
once switched on), but not replace it by another, so it is right in at most one trial of each pair of the task, half of
all. The bound holds for the rate circuit, and for spikes under a rate code.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np
from scipy.optimize import brentq

from eisim.analysis.task import Fact, Obstruction, Task
from eisim.base.errors import check_kind, explains_arguments
from eisim.base.seeds import Seed
from eisim.circuit import Circuit, Input, Population, Projection, Readout
from eisim.neurons import ConductanceLIF, Saturating
from eisim.simulation import Response, simulate
from eisim.synapses import NMDA, Conductance
from eisim.weights import AllToAll, Independent

FUNCTION = "memorise"

#: Cues come through this many channels, evenly spaced over the ring.
CHANNELS = 8
CUE_WIDTH = np.radians(18.0)

# Rate circuit: J_E, J_2, J_I of the docstring, the drive I (Hz), and time constants (s).
UNIFORM_EXCITATION = 5.0
TUNED_EXCITATION = 5.0
INHIBITION = 15.0
DRIVE = 60.0
TAU_E, TAU_I = 20e-3, 5e-3

# Spiking circuit: numbers of neurons of the paper, conductances (S) onto pyramidal cells and interneurons.
SIZE = 2048
PYRAMIDAL_PER_INTERNEURON = 4
BACKGROUND_RATE = 1800.0
BACKGROUND = {"E": 3.1e-9, "I": 2.38e-9}
EXCITATION = {"E": 0.381e-9, "I": 0.292e-9}
GABA = {"E": 1.336e-9, "I": 1.024e-9}
PEAK, SPREAD = 1.62, np.radians(14.4)
# Regular trains, fast enough for their conductance to be smooth: a mean of 4 nS (some 0.2 nA) at the cued angle.
CUE_RATE, CUE = 500.0, 4e-9

#: NMDA conductance (S) of an excitatory-only cell onto itself that holds it active (`latch`).
LATCH = 150e-9

#: A trial is a row of frames: nothing, a cue, a delay, for some trials another cue, and again a delay.
FRAMES, CUE_FRAME, LATER_CUE_FRAME, FRAME = 6, 1, 3, 0.2
#: Angles of the task's cues and outputs, in degrees, and the rate above which the neurons near one respond, in Hz.
OUTPUTS, ACTIVE = (0.0, 90.0, 180.0, 270.0), 10.0
#: Strength of every cue of the task.
STRENGTH = {"rate": 1.0, "spiking": 4.0}


def angles(n: int) -> np.ndarray:
    """Preferred angles of n neurons or channels, in radians."""
    return 2 * np.pi * np.arange(n) / n


def _distance(a, b):
    """Angle between each of a (rows) and each of b (columns), within -pi and pi."""
    return np.angle(np.exp(1j * (np.asarray(a)[:, None] - np.asarray(b))))


@explains_arguments
def circuit(kind: str = "spiking", *, seed: Seed = 0, size: int | None = None, peak: float = PEAK) -> Circuit:
    """The ring, as ``"rate"`` or ``"spiking"`` network.

    Parameters
    ----------
    kind : {"rate", "spiking"}
    seed : int or Generator
        Unused, except to label the circuit, which is deterministic.
    size : int, optional
        Number of excitatory neurons: 64 units, or the 2048 pyramidal cells of the paper.
    peak : float
        J+ of the spiking network.

    Returns
    -------
    Circuit
        Its inputs are the `CHANNELS` cue channels, and in the spiking network the background (stimulus value 1).
    """
    check_kind(kind, "ring_attractor")
    if kind == "rate":
        return _rate(seed, size or 64)
    return _spiking(seed, size or SIZE, peak)


def _cue_profile(size):
    return np.exp(-(_distance(angles(CHANNELS), angles(size)) ** 2) / (2 * CUE_WIDTH**2))


def _rate(seed, size):
    tuned = TUNED_EXCITATION * np.cos(_distance(angles(size), angles(size)))
    strength = np.sqrt(INHIBITION)  # onto the I unit and from it
    return Circuit(
        name="ring-attractor",
        inputs=[Input("cue", CHANNELS, 100.0)],
        populations=[
            Population("E", "E", Saturating(tau=TAU_E), size, DRIVE),
            Population("I", "I", Saturating(tau=TAU_I)),
        ],
        projections=[
            Projection("cue", "E", _cue_profile(size)),
            Projection("E", "E", (UNIFORM_EXCITATION + tuned) / size),
            Projection("E", "I", np.full((size, 1), strength / size)),
            Projection("I", "E", np.full((1, size), strength)),
        ],
        readouts=[Readout("E")],
        seed=seed,
    )


def _spiking(seed, size, peak):
    synapses = {
        "excitation": Conductance(0.0, 2e-3),
        "inhibition": Conductance(-70e-3, 10e-3),
        "nmda": NMDA(0.0, 100e-3, 2e-3, 500.0, 1.0),
    }
    voltages = {"rest": -70e-3, "threshold": -50e-3, "reset": -60e-3}
    pyramidal = ConductanceLIF(capacitance=0.5e-9, leak=25e-9, refractory=2e-3, **voltages, **synapses)
    interneuron = ConductanceLIF(capacitance=0.2e-9, leak=20e-9, refractory=1e-3, **voltages, **synapses)
    scale = SIZE / size
    floor, bell = footprint(size, peak)
    return Circuit(
        name="ring-attractor",
        inputs=[Input("cue", CHANNELS, CUE_RATE), Input("background", 1, BACKGROUND_RATE, train="poisson")],
        populations=[
            Population("E", "E", pyramidal, size, initial=-60e-3),
            Population("I", "I", interneuron, size // PYRAMIDAL_PER_INTERNEURON, initial=-60e-3),
        ],
        projections=[
            Projection("cue", "E", CUE * _cue_profile(size)),
            *(Projection("background", sign, Independent(BACKGROUND[sign])) for sign in "EI"),
            Projection("E", "E", scale * EXCITATION["E"] * bell, receptor="nmda"),
            Projection("E", "E", AllToAll(scale * EXCITATION["E"] * floor), receptor="nmda", name="E->E floor"),
            Projection("E", "I", AllToAll(scale * EXCITATION["I"]), receptor="nmda"),
            *(Projection("I", sign, AllToAll(scale * GABA[sign])) for sign in "EI"),
        ],
        readouts=[Readout("E")],
        seed=seed,
    )


def footprint(size: int, peak: float = PEAK) -> tuple[float, np.ndarray]:
    """W of the docstring between pyramidal cells: its floor, and the bell above it, shape (size, size).

    The bell is truncated at three standard deviations, which retains a quarter of its synapses; the floor is uniform.
    """
    distance = _distance(angles(size), angles(size))
    bell = np.exp(-(distance**2) / (2 * SPREAD**2)) * (np.abs(distance) < 3 * SPREAD)
    share = bell[0].mean()
    floor = (1 - peak * share) / (1 - share)
    return floor, (peak - floor) * bell


def bump(drive: float = DRIVE, inhibition: float = INHIBITION) -> tuple[float, float]:
    """Half-width (rad) and peak (Hz) of the bump of the rate ring, in closed form (see above)."""
    half = brentq(lambda t: TUNED_EXCITATION / (2 * np.pi) * (t - np.sin(t) * np.cos(t)) - 1, 1e-6, np.pi)
    net = inhibition - UNIFORM_EXCITATION
    slope = drive / (-np.cos(half) + net * (np.sin(half) - half * np.cos(half)) / np.pi)
    return half, slope * (1 - np.cos(half))


def population_vector(rates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Angle (degrees, 0 to 360) and length (0 to 1) of the population vector of rates (… × neurons)."""
    total = rates.sum(axis=-1)
    vector = (rates @ np.exp(1j * angles(rates.shape[-1]))) / np.where(total > 0, total, 1.0)
    return np.degrees(np.angle(vector)) % 360, np.abs(vector)


def cues(*pairs: tuple[int | None, int | None], strength: float = 1.0, frames: int = FRAMES) -> np.ndarray:
    """Cue channels over time, pairs × frames × channels: a cue, then another of the same strength, or none."""
    stimuli = np.zeros((len(pairs), frames, CHANNELS))
    for trial, (first, second) in enumerate(pairs):
        for channel, frame in ((first, CUE_FRAME), (second, LATER_CUE_FRAME)):
            if channel is not None:
                stimuli[trial, frame, channel] = strength
    return stimuli


def _with_background(kind, stimuli):
    background = np.ones((*stimuli.shape[:-1], 1 if kind == "spiking" else 0))
    return np.concatenate([stimuli, background], axis=-1)


def rate_at(response: Response, degrees: float) -> np.ndarray:
    """Mean rate of the excitatory neurons within 30 degrees of an angle, in Hz, for each trial."""
    rates = response.rates["E"]
    near = np.abs(_distance(angles(rates.shape[-1]), [np.radians(degrees)])[:, 0]) < np.radians(30)
    return rates[..., near].mean(axis=-1)


def rates_of_outputs(response: Response) -> np.ndarray:
    """Mean rates of the neurons within 30 degrees of each of the four `OUTPUTS`, in Hz: trials × 4."""
    return np.stack([rate_at(response, degrees) for degrees in OUTPUTS], axis=-1)


@explains_arguments
def latch(kind: str = "spiking", *, seed: Seed = 0, size: int = 64) -> Circuit:
    """Excitatory neurons that excite only themselves, and so remain active once a cue has reached them.

    Parameters
    ----------
    kind : {"rate", "spiking"}
    seed : int or Generator
        Unused, except to label the circuit, which is deterministic.
    size : int
        Number of neurons.
    """
    ring = circuit(kind, seed=seed, size=size)
    cells, cue = ring.population("E"), ring.projections[0]
    if kind == "rate":
        cells, weight, receptor = replace(cells, neuron=replace(cells.neuron, threshold=30.0), bias=0.0), 1.5, ""
    else:
        weight, receptor = LATCH, "nmda"
    itself = Projection("E", "E", weight * np.eye(size), receptor=receptor)
    return replace(ring, name="latch", populations=[cells], projections=[cue, itself])


@explains_arguments
def task(kind: str = "spiking", *, quick: bool = False) -> Task:
    """Hold the angle of the last cue through a delay; a later cue of the same strength replaces the first.

    In the window at the end the neurons at the last cue, and none at the three other angles, are to respond at more
    than 10 Hz. Every second trial is the one before with a later cue, and the rate at the first cue's angle falls: a
    witness. The spiking network has 256 pyramidal cells, and J+ = 1.7 instead of 1.62, so that the bump of so few
    cells outlasts the noise. `quick` takes one pair of trials instead of two.
    """
    pairs = [(2, None), (2, 6)] if quick else [(2, None), (2, 6), (0, None), (0, 4)]
    last = np.array([first if later is None else later for first, later in pairs])
    small = {} if kind == "rate" else {"size": 256, "peak": 1.7}
    return Task(
        circuit=lambda seed: circuit(kind, seed=seed, **small),
        stimuli=_with_background(kind, cues(*pairs, strength=STRENGTH[kind])),
        score=None,
        measure="share of trials in which neurons respond at the last cue, and at no other angle, after the delay",
        criterion=0.75,
        obstruction=Obstruction.CLOSED_REGION,
        output=partial(rate_at, degrees=90.0),
        constant=1 / len(pairs),
        required=np.degrees(angles(CHANNELS))[last][:, None] == np.array(OUTPUTS),
        answers=rates_of_outputs,
        threshold=ACTIVE,
        excitatory_only=lambda seed: latch(kind, seed=seed, size=small.get("size", 64)),
        proof="the later cue of a pair adds input and requires that the response to the first ends",
        duration=FRAMES * FRAME,
        window=FRAME,
        dt=1e-3 if kind == "rate" else 0.5e-3,
        published_neurons=SIZE + SIZE // PYRAMIDAL_PER_INTERNEURON if kind == "spiking" else 0,
    )


def angles_over_time(response: Response, bin_width: float = FRAME) -> np.ndarray:
    """Angle of the population vector in successive bins of a recorded response, trials × bins, in degrees."""
    spikes, size = response.spikes["E"], response.circuit.population("E").size
    trials, bins = len(response.rates["E"]), round(response.duration / bin_width)
    which = spikes.copy * bins + (spikes.step * (response.dt / bin_width)).astype(int)
    phasors = np.exp(1j * angles(size))[spikes.neuron]
    vector = np.bincount(which, phasors.real, trials * bins) + 1j * np.bincount(which, phasors.imag, trials * bins)
    return np.degrees(np.angle(vector.reshape(trials, bins)))


def diffusion(response: Response, start: float = 1.0) -> float:
    """Increase of the variance of the bump's angle per second of delay, in degrees² / s, from `start` (s) on."""
    angle = np.radians(angles_over_time(response)[:, round(start / FRAME) :])
    moved = np.degrees(np.angle(np.exp(1j * (angle[:, -1] - angle[:, 0]))))
    return float(np.mean(moved**2) / (FRAME * (angle.shape[1] - 1)))


def published(report=None) -> Iterator[Fact]:
    """Compare with published values; takes about a minute."""
    paper = "Ben-Yishai et al. 1995, marginal phase"
    cue = cues((2, None), frames=8)
    for factor in (1.0, 2.0):
        ring = circuit("rate", size=256)
        driven = replace(ring.population("E"), bias=factor * DRIVE)
        ring = replace(ring, populations=[driven, ring.population("I")])
        rates = simulate(ring, cue, duration=2.0, window=FRAME, dt=1e-3, report=report).rates["E"][0]
        half, peak = bump(factor * DRIVE)
        active = 180 * np.mean(rates > 1e-3 * peak)
        yield Fact(
            f"half-width of the rate bump at a drive of {factor * DRIVE:g} Hz (deg)",
            np.degrees(half),
            active,
            1.0,
            paper,
        )
        yield Fact(
            f"peak of the rate bump at a drive of {factor * DRIVE:g} Hz (Hz)", peak, rates.max(), 0.01 * peak, paper
        )
    stimuli = _with_background("spiking", cues((None, None), (2, None), frames=8))
    times = {"duration": 8 * FRAME, "window": FRAME, "dt": 0.2e-3, "report": report}
    response = simulate(circuit("spiking"), stimuli, **times)
    rates = response.rates["E"]
    angle, _ = population_vector(rates)
    yield Fact(
        "spontaneous rate of pyramidal cells (Hz)",
        3.5,
        rates[0].mean(),
        1.5,
        "Compte et al. 2000, as J. D. Murray's code of the model quotes it",
    )
    yield Fact(
        "angle of the bump 1.2 s after a cue at 90 deg (deg)",
        90.0,
        angle[1],
        15.0,
        "Compte et al. 2000: the bump stays where the cue was",
    )
    sizes, trials = (512, 1024), 24
    stimuli = np.repeat(_with_background("spiking", cues((2, None), frames=8)), trials, axis=0)
    spread = {
        size: diffusion(simulate(circuit("spiking", size=size, peak=1.7), stimuli, record=True, seed=1, **times))
        for size in sizes
    }
    yield Fact(
        "diffusion of the bump of 512 pyramidal cells over that of 1024",
        2.0,
        spread[512] / spread[1024],
        1.0,
        "Burak & Fiete, PNAS 109:17645, 2012: diffusion falls as 1/N",
    )
