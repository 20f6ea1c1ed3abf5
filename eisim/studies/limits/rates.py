"""Assumptions that rate circuits can break."""

from functools import partial

import numpy as np

from eisim.circuit import Circuit, Input, Population, Projection, Readout
from eisim.neurons import Saturating, Step, ThresholdLinear
from eisim.studies.limits import limit
from eisim.studies.limits.limit import Case, Limit, as_they_are, ordered
from eisim.studies.limits.units import Adapting, BandPass, Depressing

PATTERNS = ((0, 0), (0, 1), (1, 0), (1, 1))
XOR = (0, 1, 1, 0)
#: Frames of a trial; the last is the read-out window.
FRAMES = limit.FRAMES["rate"]
ACTIVATIONS = "non-decreasing activations"
READOUT = "one threshold readout"
POLARITY = "inputs of one polarity"
FEEDBACK = "no slow negative feedback"
HISTORY = "equal histories"
NOISE = "the same noise"


def one_unit(name: str, unit, inputs: int = 2, *recurrent: Projection) -> Circuit:
    """A circuit of one unit, which every input excites with a weight of 1."""
    drive = Projection("x", "E", np.ones((inputs, 1)))
    return Circuit(name, [Input("x", inputs)], [Population("E", "E", unit)], [drive, *recurrent], [Readout("E")])


def early_late(points: np.ndarray) -> np.ndarray:
    """Early and late amplitude as frames: the late one is that of the read-out window."""
    return np.repeat(points[:, [0, 1]], [FRAMES - 1, 1], axis=1)[..., None]


def with_history(points: np.ndarray) -> np.ndarray:
    """Amplitude of the input, from the middle of the trial on, and of what came before it, as frames."""
    return np.repeat(points[:, [1, 0]], FRAMES // 2, axis=1)[..., None]


#: A function, its points and its targets.
LATE_NOT_ALWAYS = (
    "respond to an input that begins late, not to one that is always there",
    ((0, 0), (0, 1), (1, 1)),
    (0, 1, 0),
)


def band_pass(dose: float) -> Circuit:
    return one_unit("band-pass dendrite", BandPass(threshold=75.0, decay=dose))


def two_units(dose: float) -> Circuit:
    """A unit that answers to either input, and one that answers to both."""
    units = {"either": Saturating(), "both": ThresholdLinear(threshold=100.0, gain=2.0)}
    return Circuit(
        "two outputs",
        [Input("x", 2)],
        [Population(name, "E", unit) for name, unit in units.items()],
        [Projection("x", name, np.ones((2, 1))) for name in units],
        [Readout(name) for name in units],
    )


def difference(response, dose: float) -> np.ndarray:
    """The first rate less that share of the second, beyond its part of a threshold of 50 Hz."""
    either, both = response.readouts.T
    return either - dose * both + dose * 50


def both_rates(response, dose: float) -> np.ndarray:
    """The rates of both readouts, each with its own threshold."""
    return response.readouts


def within(response, dose: float) -> np.ndarray:
    """Whether the rate is above 50 Hz and no higher than an upper threshold."""
    rate = response.readouts[:, 0]
    return ((rate > 50) & (rate <= 200 * (1 - dose) + 1e-9)).astype(float)


def on_off(dose: float) -> Circuit:
    """Coincidence of one ON with the other OFF input, and an OR; OFF inputs have weights of that dose."""
    units = Population("coincidence", "E", Step(threshold=150.0), 2)
    return Circuit(
        "ON and OFF",
        [Input("on", 2), Input("off", 2)],
        [units, Population("E", "E", Step(threshold=50.0))],
        [
            Projection("on", "coincidence", [[1, 0], [0, 1]]),
            Projection("off", "coincidence", [[0, dose], [dose, 0]]),
            Projection("coincidence", "E", [[1], [1]]),
        ],
        [Readout("E")],
    )


def with_complements(points: np.ndarray) -> np.ndarray:
    return np.hstack([points, 1 - points])


def adapting(dose: float) -> Circuit:
    return one_unit("adaptation", Adapting(strength=dose), 1)


def depressing(dose: float) -> Circuit:
    return one_unit("depression", Depressing(release=dose), 1)


def attractor(dose: float) -> Circuit:
    return one_unit("attractor", Saturating(threshold=20.0), 1, Projection("E", "E", [[dose]]))


def unequal_history(rng: np.random.Generator, n: int):
    """The lower input came after a pulse, the upper one did not."""
    lower, upper = ordered(1, 0, 0.3)(rng, n)
    return np.hstack([lower, np.ones_like(lower)]), np.hstack([upper, np.zeros_like(upper)])


def equal_history(rng: np.random.Generator, n: int):
    """Both inputs came after the same."""
    lower, upper = ordered(1, 0, 0.3)(rng, n)
    history = rng.random((n, 1))
    return np.hstack([lower, history]), np.hstack([upper, history])


def noisy(dose: float) -> Circuit:
    return one_unit("noise", Saturating(noise=dose, noise_tau=20e-3, threshold=20.0))


def limits() -> tuple[Limit, ...]:
    """All that rate circuits break."""
    sum_of_both = partial(one_unit, "sum", ThresholdLinear())
    pairs = ordered(2)
    in_time = ordered(2)
    return (
        Limit(
            "band-pass dendrite",
            ACTIVATIONS,
            "rate",
            "decay of the response above threshold",
            "decay",
            "per threshold",
            (0, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6),
            "XOR, in one unit",
            PATTERNS,
            XOR,
            Case(band_pass, pairs),
            "a plateau in place of the decay",
            Case(lambda dose: band_pass(0.0), pairs),
            "Above threshold, the response is a falling exponential of the drive for every decay above 0. Without the "
            "decay it is a step, which is non-decreasing, and T1 applies.",
            onset=0.0,
        ),
        Limit(
            "argmax readout",
            READOUT,
            "rate",
            "weight of the second output in the comparison",
            "weight of comparison",
            "",
            (0, 0.05, 0.1, 0.2, 0.4, 0.7, 1.0),
            "XOR, by a comparison of two outputs",
            PATTERNS,
            XOR,
            Case(two_units, pairs, read=difference),
            "a threshold for each output",
            Case(two_units, pairs, read=both_rates),
            "Each output is non-decreasing in the inputs (T1), but a difference of two such outputs need not be: the "
            "first saturates where the second begins to rise. At a weight of 1 the comparison is an argmax.",
            onset=0.0,
        ),
        Limit(
            "two thresholds",
            READOUT,
            "rate",
            "share of the response range above the upper threshold",
            "share above upper threshold",
            "",
            (0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4),
            "XOR, by a window of rates",
            PATTERNS,
            XOR,
            Case(lambda dose: sum_of_both(), pairs, read=within),
            "the lower threshold alone",
            Case(lambda dose: sum_of_both(), pairs, read=lambda response, dose: within(response, 0.0)),
            "The rate is non-decreasing in the inputs (T1); the decision rises at the lower threshold and falls at the "
            "upper one. If no rate reaches the upper threshold, it only rises.",
            threshold=0.5,
            clear=0.5,
            onset=0.0,
        ),
        Limit(
            "ON and OFF inputs",
            POLARITY,
            "rate",
            "weight of OFF inputs relative to ON inputs",
            "weight of OFF inputs",
            "",
            (0, 0.2, 0.4, 0.6, 0.8, 1.0),
            "XOR of the ON inputs",
            PATTERNS,
            XOR,
            Case(on_off, pairs, with_complements),
            "order of ON and OFF inputs together",
            Case(on_off, ordered(4), as_they_are),
            "An OFF input falls when its ON input rises, so the order of ON inputs is no order of all inputs: each "
            "coincidence unit needs its ON input and the other OFF input, for which a weight above 1/2 is needed. In "
            "the order of all four inputs T1 applies.",
            onset=0.5,
        ),
        Limit(
            "adaptation",
            FEEDBACK,
            "rate",
            "strength of adaptation",
            "strength",
            "",
            (0, 0.1, 0.2, 0.4, 0.8, 1.5, 3.0),
            *LATE_NOT_ALWAYS,
            Case(adapting, in_time, early_late),
            "no adaptation",
            Case(lambda dose: adapting(0.0), in_time, early_late),
            "An input that begins early raises the adaptation, which is subtracted from every later input, so of two "
            "inputs with the same end the one that begins earlier gives the lower rate, at every strength above 0.",
            onset=0.0,
        ),
        Limit(
            "short-term depression",
            FEEDBACK,
            "rate",
            "share of the resources that a spike uses",
            "share used by a spike",
            "",
            (0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4),
            *LATE_NOT_ALWAYS,
            Case(depressing, in_time, early_late),
            "no depression",
            Case(lambda dose: depressing(0.0), in_time, early_late),
            "An input that begins early uses up resources, which multiply every later input, so of two inputs with the "
            "same end the one that begins earlier gives the lower rate, for every share above 0.",
            onset=0.0,
        ),
        Limit(
            "attractor memory",
            HISTORY,
            "rate",
            "weight of self-excitation",
            "self-excitation",
            "",
            (0, 0.5, 0.7, 0.9, 1.1, 1.3, 1.6),
            "respond after a pulse and not without, whatever the present input",
            ((0.05, 0), (0.05, 1), (0.15, 0), (0.15, 1)),
            (0, 1, 0, 1),
            Case(attractor, unequal_history, with_history),
            "the same history of both inputs",
            Case(attractor, equal_history, with_history),
            "With self-excitation above 1 the unit has two stable states for weak inputs, and its history selects "
            "one. Below 1 the difference between histories fades, by e-fold in τ/(1 - w). With equal histories, the "
            "time courses are ordered, and T1 applies.",
            compared=1,
            begins_proved=False,
        ),
        Limit(
            "noise",
            NOISE,
            "rate",
            "standard deviation of the noise",
            "noise",
            "Hz",
            (0, 1, 2, 5, 10, 20, 40),
            "XOR, in single trials",
            PATTERNS,
            XOR,
            Case(noisy, pairs),
            "the same noise in both trials",
            Case(noisy, pairs, shares_noise=True),
            "Noise that adds to the drive is an input. Where two trials share it, their time courses are ordered and "
            "T1 applies to every draw; so the probability of a decision is non-decreasing in the inputs, and the bound "
            "holds for mean scores. With noise of its own in each trial, single trials break order, at every standard "
            "deviation above 0.",
            onset=0.0,
            repeats=100,
        ),
    )
