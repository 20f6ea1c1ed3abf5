"""Assumptions that spiking circuits can break."""

from collections.abc import Sequence
from functools import partial

import numpy as np

from eisim.base.units import Measured
from eisim.circuit import Circuit, Input, Population, Projection, Readout
from eisim.neurons import LIF, Neuron
from eisim.studies.limits.limit import Case, Limit, ordered
from eisim.studies.limits.rates import ACTIVATIONS, FEEDBACK, LATE_NOT_ALWAYS, PATTERNS, XOR
from eisim.synapses import Delta, Exponential, ShortTerm

CODE = "a rate code"
GAIN = "fixed gains and conductances"
#: Afferents of an input whose trains together are a steady drive, and the rate of each for an input of 1, in Hz.
MANY, RATE = 10, 100.0
FASTEST = 200.0  # Hz, of an input of 1 that is one train
REACH = 15e-3  # V, from rest to threshold
SYNAPTIC = 20e-3  # s, of synapses of a steady drive
FORGETS = 2e-3  # s, membrane time constant of a detector of coincidences
INSTANT = Delta()
PAIRED = 0.6  # weight of one of two synapses that need each other, relative to the threshold


def steady(name: str, cell, drives: Sequence[float], receptors: Sequence[str] = (), **how) -> Circuit:
    """One neuron and many staggered afferents for each input; `drives` are mean drives for inputs of 1."""
    inputs = [Input(f"x{k + 1}", MANY, RATE) for k in range(len(drives))]
    projections = [
        Projection(x.name, "E", np.full((MANY, 1), drive / (MANY * RATE * SYNAPTIC)), receptor=receptor, **how)
        for x, drive, receptor in zip(inputs, drives, receptors or [""] * len(drives), strict=True)
    ]
    return Circuit(name, inputs, [Population("E", "E", cell)], projections, [Readout("E")])


def neuron(drive: str, more: str, excitation: str, reset: str = "v = E", **parameters) -> Neuron:
    """An integrate-and-fire neuron like `eisim.LIF`, with another drive."""
    return Neuron(
        f"dv/dt = ({drive})/tau : volt (unless refractory)\n{more}",
        threshold="v > E + reach",
        reset=reset,
        refractory=Measured(2e-3, "second"),
        excitation=excitation,
        method="euler",
        tau=Measured(10e-3, "second"),
        tau_s=Measured(SYNAPTIC, "second"),
        E=Measured(-65e-3, "volt"),
        reach=Measured(REACH, "volt"),
        **parameters,
    )


def of_many(points: np.ndarray) -> np.ndarray:
    """Points as stimuli of the afferents of `steady`."""
    return np.repeat(points, MANY, axis=-1)


def early_late(points: np.ndarray) -> np.ndarray:
    """Early and late amplitude as frames: the late one is that of the read-out window."""
    return of_many(np.repeat(points, [3, 2], axis=1)[..., None])


def band_pass(dose: float) -> Circuit:
    cell = neuron(
        "E - v + peak*int(I_d > knee)*exp(-decay*(I_d/knee - 1))",
        "dI_d/dt = -I_d/tau_s : volt",
        "+I_d",
        peak=Measured(40e-3, "volt"),
        knee=Measured(15e-3, "volt"),
        decay=Measured(dose, "1"),
    )
    return steady("band-pass dendrite", cell, [20e-3, 20e-3])


def coincidence(dose: float, receptor: Delta | Exponential = INSTANT, weight: float = PAIRED) -> Circuit:
    """Two afferents, both of which are needed; the dose is the leak in 1/s."""
    return Circuit(
        "coincidence",
        [Input("x1"), Input("x2")],
        [Population("E", "E", LIF(1 / dose, excitation=receptor))],
        [Projection(x, "E", [[weight * REACH]]) for x in ("x1", "x2")],
        [Readout("E")],
    )


def one_faster(rng: np.random.Generator, n: int):
    """The lower input has two equal rates, the upper one has one of them raised."""
    lower = np.repeat(rng.uniform(0.2, 0.8, (n, 1)), 2, axis=1)
    raised = rng.integers(0, 2, n)[:, None] == np.arange(2)
    return lower, lower + raised * (1 - lower) * rng.random((n, 1))


def delayed(dose: float, is_equal: bool = False) -> Circuit:
    """One train that arrives twice; the dose is the delay in ms."""
    weights, delays = [[PAIRED * REACH]], (dose * 1e-3 if is_equal else 0.0, dose * 1e-3)
    return Circuit(
        "delays",
        [Input("x", rate=FASTEST)],
        [Population("E", "E", LIF(FORGETS, excitation=INSTANT))],
        [Projection("x", "E", weights, delay) for delay in delays],
        [Readout("E")],
    )


def refractory(dose: float) -> Circuit:
    """A train each of whose spikes is enough; the dose is the refractory period in ms."""
    return Circuit(
        "refractoriness",
        [Input("x", rate=FASTEST)],
        [Population("E", "E", LIF(refractory=dose * 1e-3, excitation=INSTANT))],
        [Projection("x", "E", [[1.2 * REACH]])],
        [Readout("E")],
    )


def refractory_steady(dose: float) -> Circuit:
    """The same neuron, with a steady drive."""
    return steady("refractoriness", LIF(refractory=dose * 1e-3, excitation=Exponential(SYNAPTIC)), [40e-3])


def depressing(dose: float) -> Circuit:
    """Synapses that use that share of their resources; the first spike of a train has the same effect at each dose."""
    plasticity = ShortTerm(dose, 0.3) if dose else None
    return steady("depression", LIF(excitation=Exponential(SYNAPTIC)), [40e-3 / (dose or 1.0)], plasticity=plasticity)


def adapting(dose: float) -> Circuit:
    """A neuron whose spikes each add the dose, in mV, to what is subtracted from its drive."""
    cell = neuron(
        "E - v + I_e - w",
        "dI_e/dt = -I_e/tau_s : volt\ndw/dt = -w/tau_w : volt",
        "I_e",
        "v = E; w += b",
        tau_w=Measured(0.2, "second"),
        b=Measured(dose * 1e-3, "volt"),
    )
    return steady("adaptation", cell, [40e-3])


def gain(dose: float) -> Circuit:
    """Two inputs, each of which divides the effect of the other."""
    cell = neuron(
        "E - v + I_1/(1 + s*I_2/full) + I_2/(1 + s*I_1/full)",
        "dI_1/dt = -I_1/tau_s : volt\ndI_2/dt = -I_2/tau_s : volt",
        "I_1, I_2",
        s=Measured(dose, "1"),
        full=Measured(30e-3, "volt"),
    )
    return steady("gain", cell, [30e-3, 30e-3], ["I_1", "I_2"])


def conductance(dose: float, reversal: float = -60e-3) -> Circuit:
    """Two inputs that open conductances, the second up to that multiple of the leak."""
    cell = neuron(
        "E - v + g_x*(E_x - v) + g_c*(E_c - v)",
        "dg_x/dt = -g_x/tau_s : 1\ndg_c/dt = -g_c/tau_s : 1",
        "g_x, +g_c",
        E_x=Measured(0.0, "volt"),
        E_c=Measured(reversal, "volt"),
    )
    return steady("conductance", cell, [0.6, dose], ["g_x", "g_c"])


#: Responses to one train, by rates of 50, 100, 150 and 200 Hz.
COMB = ("respond at 100 and 200 Hz, not at 50 and 150 Hz", ((0.25,), (0.5,), (0.75,), (1.0,)), (0, 1, 0, 1))


def limits() -> tuple[Limit, ...]:
    """All that spiking circuits break."""
    one, two = ordered(1), ordered(2)
    return (
        Limit(
            "band-pass dendrite",
            ACTIVATIONS,
            "spiking",
            "decay of the response above threshold",
            "decay",
            "per threshold",
            (0, 0.1, 0.2, 0.4, 0.8, 1.2, 1.6),
            "XOR, in one neuron",
            PATTERNS,
            XOR,
            Case(band_pass, two, of_many),
            "a plateau in place of the decay",
            Case(lambda dose: band_pass(0.0), two, of_many),
            "The dendrite passes on a current that falls exponentially with its own input above threshold, for every "
            "decay above 0. With a plateau this current is a non-decreasing function of the input.",
            threshold=25.0,
            onset=0.0,
            is_proved=False,
        ),
        Limit(
            "coincidence",
            CODE,
            "spiking",
            "leak of the membrane, 1/τ",
            "leak 1/τ",
            "1/s",
            (10, 20, 50, 100, 200, 500),
            "respond to two equal rates, not to unequal ones",
            ((0.5, 0.5), (0.5, 1), (1, 0.5), (1, 1)),
            (1, 0, 0, 1),
            Case(coincidence, one_faster),
            "synapses of 50 ms",
            Case(partial(coincidence, receptor=Exponential(50e-3), weight=0.3), one_faster),
            "A neuron that forgets a spike before the next one arrives needs two at once. Two regular trains in phase "
            "provide them at equal rates; a higher rate of one of them takes most of them away.",
            threshold=25.0,
            is_proved=False,
        ),
        Limit(
            "delays",
            CODE,
            "spiking",
            "difference between the delays of two synapses",
            "difference of delays",
            "ms",
            (0, 2, 4, 6, 7, 8, 10),
            *COMB,
            Case(delayed, one),
            "the same delay of both synapses",
            Case(partial(delayed, is_equal=True), one),
            "The spikes of a regular train that reaches a neuron by two synapses coincide where the difference of "
            "their delays is a whole number of periods, and not at rates in between. With equal delays each spike of "
            "the train causes one spike.",
            threshold=25.0,
            is_proved=False,
        ),
        Limit(
            "refractoriness",
            CODE,
            "spiking",
            "refractory period",
            "refractory period",
            "ms",
            (0, 2, 4, 6, 8, 11, 15),
            *COMB,
            Case(refractory, one),
            "the same refractory period and a steady drive",
            Case(refractory_steady, one, of_many),
            "If each spike of a regular train of rate f is enough for a spike, the neuron responds to every n-th one, "
            "n = ⌈f t⌉ for a refractory period t: its rate f/n falls where n rises, which begins where t is the "
            "shortest period of the train.",
            threshold=90.0,
            onset=1e3 / FASTEST,
            is_proved=False,
        ),
        Limit(
            "adaptation",
            FEEDBACK,
            "spiking",
            "adaptation by a spike",
            "adaptation by a spike",
            "mV",
            (0, 0.25, 0.5, 1, 2, 4, 6),
            *LATE_NOT_ALWAYS,
            Case(adapting, two, early_late),
            "no adaptation",
            Case(lambda dose: adapting(0.0), two, early_late),
            "Spikes to an input that begins early leave an adaptation that is subtracted from every later input.",
            threshold=35.0,
            is_proved=False,
        ),
        Limit(
            "short-term depression",
            FEEDBACK,
            "spiking",
            "share of the resources that a spike uses",
            "share used by a spike",
            "",
            (0, 0.01, 0.02, 0.05, 0.1, 0.2),
            *LATE_NOT_ALWAYS,
            Case(depressing, two, early_late),
            "no depression",
            Case(lambda dose: depressing(0.0), two, early_late),
            "An input that begins early uses up resources, which multiply every later input.",
            threshold=35.0,
            is_proved=False,
        ),
        Limit(
            "gain by context",
            GAIN,
            "spiking",
            "division of an input by the other",
            "division",
            "",
            (0, 0.5, 1, 2, 4, 8),
            "XOR, in one neuron",
            PATTERNS,
            XOR,
            Case(gain, two, of_many),
            "fixed gains",
            Case(lambda dose: gain(0.0), two, of_many),
            "Each input raises the drive by itself and lowers the gain of the other: for inputs a and b the drive is "
            "a/(1 + s b) + b/(1 + s a), which for a = b = 1 falls below that for one input where s exceeds 1. It falls "
            "as a rises from 0 where s b (1 + s b) exceeds 1: for b = 1 where s exceeds (√5 - 1)/2.",
            threshold=25.0,
            onset=(5**0.5 - 1) / 2,
            is_proved=False,
        ),
        Limit(
            "conductance by context",
            GAIN,
            "spiking",
            "conductance that the context opens",
            "conductance",
            "× leak",
            (0, 0.5, 1, 1.5, 2, 4, 8),
            "respond to an input without the context",
            PATTERNS,
            (0, 0, 1, 0),
            Case(conductance, two, of_many),
            "a reversal potential above threshold (0 mV)",
            Case(partial(conductance, reversal=0.0), two, of_many),
            "A conductance whose reversal potential lies above rest and below threshold depolarises a cell at rest, so "
            "it is excitatory, and keeps a cell that another input drives below threshold. Where the reversal "
            "potential is above threshold, more conductance never lowers the current below threshold. From rest to "
            "threshold the membrane potential is mostly above this reversal potential, and slowest near threshold, so "
            "that any conductance above 0 delays the spikes which the other input causes.",
            threshold=25.0,
            onset=0.0,
            is_proved=False,
        ),
    )
