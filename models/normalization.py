r"""Normalization: the response to a stimulus is divided by the activity of an inhibitory pool driven by all stimuli.

Heeger (Vis Neurosci 9:181, 1992), Carandini & Heeger (Science 264:1333, 1994; Nat Rev Neurosci 13:51, 2012). The
responses of cells of the visual cortex, and of the projection neurons of the antennal lobe of the fly, follow

.. math:: R = R_\mathrm{max} \frac{D^n}{\sigma^n + D^n + S^n}

with the drive D by the preferred stimulus and the activity S of the pool. The response saturates with contrast; a mask
that evokes no response by itself lowers it (cross-orientation suppression); and with increasing patch size it rises and
falls (size tuning), because the receptive field of the pool is larger than that of the cell (the ratio of Gaussians of
Cavanaugh, Bair & Movshon, J Neurophysiol 88:2530, 2002):

.. math:: D(x) = c\,\mathrm{erf}^2(x/w_c), \qquad S(x) = k_s\,c\,\mathrm{erf}^2(x/w_s) + k_m\,m

**Circuit.** Synapses subtract, so the division is a subtraction of logarithms: relay cells with staggered thresholds
encode log D (range fractionation), interneurons with staggered thresholds encode log(1 + (S/σ)ⁿ), and the response
neurons have an expansive activation, as in a locust neuron that multiplies in this way (Gabbiani, Krapp, Koch &
Laurent, Nature 420:320, 2002). With logistic rate units this is the equation itself, R = R_max / (1 + exp -(n log(D/σ)
- log(1 + (S/σ)ⁿ))), except for piecewise linear interpolation between thresholds. The f-I curve of LIF neurons is not
logistic: noise and a spread of their biases approximate it, and the weights are fitted to the equation by non-negative
least squares, with a root mean square error of 3 Hz over drives of 1 to 100 Hz and pools of 0 to 220 Hz.

================== ========= ================================================================
parameter          value     source
================== ========= ================================================================
maximum R_max      165 Hz    Olsen, Bhandawat & Wilson (Neuron 66:287, 2010), fly, glomerulus VM7
semisaturation σ   12 Hz     the same
exponent n         1.5       the same
input rate         100 Hz    for a contrast of 1: our choice
w_c, w_s           1, 3      our choice, in degrees; a ring is half a degree wide
k_m                0.5       our choice
k_s                2         chosen for the suppression of Jones et al. (J Neurophysiol 86:2011, 2001)
spread of biases   8 mV      our choice, standard deviation over the 20 response LIF neurons
================== ========= ================================================================

================================================= ============= ============ ======================================
number                                            published     rate; spikes what differs
================================================= ============= ============ ======================================
half-saturating input (Hz), Olsen et al. 2010     12            12.1; 12.7
the same with a pool of 20 Hz (Hz), their formula 25.8          26.1; 25.4
maximum (Hz), Olsen et al. 2010                   165           165.0; none  LIF neurons saturate more slowly
exponent, Olsen et al. 2010                       1.5           1.50; none   LIF neurons saturate more slowly
reduction beyond the best size, Jones et al. 2001 67 %          66 %; 63 %   **fitted**: k_s was chosen for it
its spread over cells, tuning, dynamics           shown         none         one cell, steady responses
================================================= ============= ============ ======================================

**Ablation.** The mask and the surround no longer lower the response. The saturation with contrast remains: it is a
property of the response neurons, as Olsen et al. (2010) find it intrinsic to each channel. It is monotone and possible
in an excitatory-only circuit. In the fly, lateral inhibition is GABAergic. In the visual cortex of the cat, blocking
GABA-A did not change cross-orientation suppression (Katzner, Busse & Carandini, J Neurosci 31:5931, 2011), so that
division takes place upstream of the cortex or by other mechanisms, which this circuit does not model.

**Task.** Suppress the response to a patch by a mask or a surround as much as the normalization equation says: each pair
counts 1 for just that suppression, and 0 for none and for twice as much; nothing where the cell does not respond to the
patch alone, and nothing for falls of less than 5 %, which are within the noise of spikes.

**Theorem.** The response decreases in an input: the preferred stimulus <= the preferred stimulus with a mask. No
monotone system has any suppression, so that the bound is 0; for spikes it holds under a rate code.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache, partial

import numpy as np
from scipy.optimize import curve_fit, nnls
from scipy.special import erf
from scipy.stats import norm

from eisim.analysis.task import Fact, Obstruction, Task
from eisim.base.errors import check_kind, explains_arguments
from eisim.base.seeds import Seed
from eisim.circuit import Circuit, Input, Population, Projection, Readout
from eisim.neurons import LIF, Logistic, Saturating
from eisim.simulation import Response, simulate

FUNCTION = "gain control"

MAXIMUM, SEMISATURATION, EXPONENT = 165.0, 12.0, 1.5
AFFERENT_RATE = 100.0  # Hz, for a contrast of 1
CENTRE, SURROUND, RING = 1.0, 3.0, 0.5  # degrees
SURROUND_GAIN, MASK_GAIN = 2.0, 0.5
#: Thresholds of the relay cells and interneurons, in Hz of their drive.
THRESHOLDS = 0.5 * 2 ** (np.arange(31) / 3)

RELAY_RATE = 100.0  # Hz, of a relay unit or interneuron beyond its range
SLOPE = 10.0  # Hz of input over which the response of a rate unit rises e-fold
AFFERENTS = 20  # fibres whose spikes make up one input of the spiking circuit
STAIRS = LIF(noise=0.5e-3, refractory=10e-3)
RESPONSE = LIF(noise=4e-3)
HETEROGENEITY = 8e-3  # V, standard deviation of the bias over the response neurons
NEURONS = 20
#: The least response alone, in Hz, and the least relative fall that count as suppression.
RESPONDS, FALL = 5.0, 0.05
TIMES = {"duration": 400e-3, "window": 300e-3}


def equation(drive, pool, *, maximum=MAXIMUM, semisaturation=SEMISATURATION, exponent=EXPONENT):
    """The normalization equation: response in Hz to a drive and a pool activity in Hz (arrays)."""
    drive, pool = np.asarray(drive, dtype=float) ** exponent, np.asarray(pool, dtype=float) ** exponent
    return maximum * drive / (semisaturation**exponent + drive + pool)


def fields(rings: int) -> tuple[np.ndarray, np.ndarray]:
    """Weights of the rings, from the centre on, and of the mask, in the drive and in the pool: (rings + 1,) each."""
    edges = np.arange(rings + 1) * RING
    centre, surround = (np.diff(erf(edges / width) ** 2) for width in (CENTRE, SURROUND))
    return np.append(centre, 0.0), np.append(SURROUND_GAIN * surround, MASK_GAIN)


@explains_arguments
def circuit(kind: str = "spiking", *, seed: Seed = 0, rings: int = 12, exponent: float = EXPONENT) -> Circuit:
    """The circuit, as ``"rate"`` or ``"spiking"`` network.

    Parameters
    ----------
    kind : {"rate", "spiking"}
    seed : int or Generator
        Unused: the circuit is deterministic.
    rings : int
        Number of rings of the preferred stimulus; the contrasts of rings and mask are the inputs.
    exponent : float
        Exponent n of the equation.
    """
    check_kind(kind, "normalization")
    centre, surround = fields(rings)
    relay, pool, response, afferents, bias = (_rate_parts if kind == "rate" else _spiking_parts)(float(exponent))
    return Circuit(
        name="normalization",
        inputs=[
            Input("preferred", rings, AFFERENT_RATE * afferents),
            Input("mask", 1, AFFERENT_RATE * afferents),
        ],
        populations=[
            Population("relay", "E", relay.neuron, len(relay.gain), relay.bias),
            Population("pool", "I", pool.neuron, len(pool.gain), pool.bias),
            Population("response", "E", *response, bias=bias),
        ],
        projections=[
            Projection("preferred", "relay", np.outer(centre[:-1], relay.gain) / afferents),
            Projection("preferred", "pool", np.outer(surround[:-1], pool.gain) / afferents),
            Projection("mask", "pool", surround[-1:, None] * pool.gain / afferents),
            Projection("relay", "response", np.tile(relay.onto_response[:, None], response[1])),
            Projection("pool", "response", np.tile(pool.onto_response[:, None], response[1])),
        ],
        readouts=[Readout("response", 0.5 * MAXIMUM)],
        seed=seed,
    )


@dataclass(frozen=True)
class _Stairs:
    """Cells of staggered thresholds, as arrays over the cells."""

    neuron: Saturating | LIF
    gain: np.ndarray  # weights from a drive in Hz
    bias: np.ndarray | float
    onto_response: np.ndarray  # weights


def _rate_parts(exponent):
    def stairs(nodes, values):
        """Units that rise from one node to the next, and so add up to the chords of the values."""
        gain = RELAY_RATE / np.diff(nodes)
        unit = Saturating(maximum=RELAY_RATE)
        return _Stairs(unit, gain, -gain * nodes[:-1], SLOPE * np.diff(values) / RELAY_RATE)

    nodes = np.append(0.0, THRESHOLDS)
    relay = stairs(THRESHOLDS, exponent * np.log(THRESHOLDS / SEMISATURATION))
    pool = stairs(nodes, np.log1p((nodes / SEMISATURATION) ** exponent))
    bias = SLOPE * exponent * np.log(THRESHOLDS[0] / SEMISATURATION)
    return relay, pool, (Logistic(slope=SLOPE, maximum=MAXIMUM), 1), 1, bias


@lru_cache
def _spiking_parts(exponent):
    """Weights for which the mean rate of the response neurons comes nearest to the equation, over a grid."""
    spread = HETEROGENEITY * norm.ppf((np.arange(NEURONS) + 0.5) / NEURONS)
    inputs = np.linspace(-0.1, 0.3, 801)
    curve = RESPONSE.activation(inputs[:, None] + spread).mean(axis=1)
    drive, pool = np.geomspace(THRESHOLDS[0], 120, 25), np.append(0.0, np.geomspace(2, 250, 25))
    wanted = np.interp(equation(drive[:, None], pool, exponent=exponent), curve, inputs)
    # An error of the input counts as much as it changes the rate.
    tolerance = 1 / np.interp(wanted, inputs, np.gradient(curve, inputs))

    gain = STAIRS.rheobase / (THRESHOLDS * STAIRS.excitation.area)

    def rates(grid):
        return STAIRS.activation(np.outer(grid, gain) * STAIRS.excitation.area)

    # Columns: a relay cell or interneuron each, and the bias of either sign.
    shape, n = wanted.shape, len(gain)
    columns = np.zeros((*shape, 2 * n + 2))
    columns[..., :n] = rates(drive)[:, None] * RESPONSE.excitation.area
    columns[..., n:-2] = -rates(pool) * RESPONSE.inhibition.area
    columns[..., -2:] = 1, -1
    weights, _ = nnls((columns / tolerance[..., None]).reshape(-1, 2 * n + 2), (wanted / tolerance).ravel())
    relay, interneurons = (_Stairs(STAIRS, gain, 0.0, w) for w in (weights[:n], weights[n:-2]))
    return relay, interneurons, (RESPONSE, NEURONS), AFFERENTS, weights[-2] - weights[-1] + spread


def patch(contrast, radius: int, mask=0.0, rings: int = 12) -> np.ndarray:
    """A stimulus: the preferred grating in a patch of a number of rings, with a mask."""
    return np.r_[np.where(np.arange(rings) < radius, contrast, 0.0), mask]


def stimuli(quick: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Stimuli (trials × inputs), and pairs of trials (pairs × 2): one, and the same with a mask or a surround."""
    contrasts, masks = ((0.25, 1.0), (0.5, 1.0)) if quick else ((0.12, 0.25, 0.5, 1.0), (0.25, 0.5, 1.0))
    trials, pairs = [], []
    for contrast in contrasts:
        alone = len(trials)
        trials.append(patch(contrast, 4))
        for more in (*(patch(contrast, 4, mask) for mask in masks), patch(contrast, 12)):
            pairs.append((alone, len(trials)))
            trials.append(more)
    return np.array(trials), np.array(pairs)


def output(response: Response) -> np.ndarray:
    """Mean rate of the response neurons in each trial, in Hz."""
    return response.rates["response"].mean(axis=-1)


def _suppression(rates, pairs):
    alone, with_more = rates[pairs[:, 0]], rates[pairs[:, 1]]
    return 1 - with_more / np.maximum(alone, 1e-9)


def score(response: Response, trials, pairs) -> float:
    """How near suppression by masks and surrounds is to that in the normalization equation; the mean over pairs.

    1 - the distance from what is asked over what is asked, at least 0. There is no suppression where the response alone
    is below `RESPONDS` (Hz) or the fall below `FALL`.
    """
    centre, surround = fields(trials.shape[1] - 1)
    asked = _suppression(equation(trials @ centre * AFFERENT_RATE, trials @ surround * AFFERENT_RATE), pairs)
    found = _suppression(output(response), pairs)
    found = np.where((output(response)[pairs[:, 0]] >= RESPONDS) & (found >= FALL), found, 0.0)
    return float(np.clip(1 - np.abs(found - asked) / asked, 0, 1).mean())


@explains_arguments
def task(kind: str = "spiking", *, quick: bool = False) -> Task:
    """Normalise the response to stimuli with and without masks and surrounds."""
    trials, pairs = stimuli(quick)
    return Task(
        circuit=partial(_seeded, kind),
        stimuli=trials,
        score=partial(score, trials=trials, pairs=pairs),
        measure="nearness of the suppression by masks and surrounds to that in the normalization equation",
        obstruction=Obstruction.DECREASING,
        output=output,
        dt=_step(kind),
        constant=0.0,
        bound=0.0,
        proof="A mask or a surround raises inputs and lowers none, so that the response of a system without inhibition "
        "does not fall (T1): it has no suppression.",
        **TIMES,
    )


def _seeded(kind, seed):
    return circuit(kind, seed=seed)


def hyperbolic_ratio(drives, rates) -> tuple[float, float, float]:
    """Maximum, semisaturation and exponent of the hyperbolic ratio fitted to rates (Albrecht & Hamilton 1982)."""

    def ratio(x, maximum, half, exponent):
        return maximum * x**exponent / (half**exponent + x**exponent)

    found, _ = curve_fit(ratio, drives, rates, p0=(MAXIMUM, 20.0, 2.0), bounds=(0, (1e3, 1e3, 10)))
    return tuple(found)


def published(report=None) -> Iterator[Fact]:
    """Comparison with published values, for the rate and the spiking circuit."""
    contrasts, pool = np.geomspace(0.02, 1, 20), 20.0
    drives = contrasts * fields(12)[0].sum() * AFFERENT_RATE
    trials = [patch(c, 12, m) for m in (0.0, pool / (MASK_GAIN * AFFERENT_RATE)) for c in contrasts]
    shifted = (SEMISATURATION**EXPONENT + pool**EXPONENT) ** (1 / EXPONENT)
    olsen = "Olsen, Bhandawat & Wilson 2010, fit to glomerulus VM7"
    for kind in ("rate", "spiking"):
        curves = simulate(
            _without_own_surround(circuit(kind)),
            np.array(trials),
            dt=_step(kind),
            seed=range(3),
            report=report,
            **TIMES,
        )
        alone, masked = output(curves).mean(axis=0).reshape(2, -1)
        for own, said, what in ((alone, SEMISATURATION, "alone"), (masked, shifted, f"with a pool of {pool:g} Hz")):
            half = np.interp(MAXIMUM / 2, own, drives)
            yield Fact(f"half-saturating input {what}, {kind} (Hz)", said, half, 0.1 * said, olsen)
        if kind == "rate":
            maximum, _, exponent = hyperbolic_ratio(drives, alone)
            yield Fact(f"maximum, {kind} (Hz)", MAXIMUM, maximum, 0.02 * MAXIMUM, olsen)
            yield Fact(f"exponent, {kind}", EXPONENT, exponent, 0.03, olsen)


def _step(kind):
    return 1e-3 if kind == "rate" else 0.5e-3


def _without_own_surround(whole):
    """The circuit whose pool sees the mask alone, as with Olsen's private odours."""
    return replace(whole, projections=[p for p in whole.projections if p.name != "preferred->pool"])
