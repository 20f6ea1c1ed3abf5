r"""Centre-surround: lateral inhibition makes a retina respond to edges but not to uniform light.

Two published circuits over a line or an image of receptors with periodic boundaries:

* **Forward** (Rodieck, Vision Res 5:583, 1965): a ganglion cell is excited by its centre and inhibited, through
  interneurons, by a wider surround, a difference of Gaussians of light L:

  .. math:: r_p = \Big[\sum_q C_{pq} L_q - k \sum_q S_{pq} L_q\Big]_+

  With k = 1 uniform light evokes no response.
* **Recurrent** (Hartline & Ratliff, J Gen Physiol 40:357, 1957; 41:1049, 1958; Ratliff & Hartline, J Gen Physiol
  42:1241, 1959): in the eye of the horseshoe crab *Limulus* the receptor units inhibit each other in proportion to
  their responses:

  .. math:: r_p = \Big[e_p - \sum_{j \neq p} K_{pj} [r_j - r^0]_+\Big]_+

  If all units are above the threshold r⁰, this is linear with one solution, (1 + K) r = e + K r⁰, with which
  the rate circuit is compared.

Gaussians fall with the distance between positions and sum to 1 over the positions.

====================== ========= ===================================================================
parameter              value     source
====================== ========= ===================================================================
centre, surround       0.6, 2    standard deviations in positions, our choice
k                      1.05      our choice: the surround slightly outweighs the centre
Σ K (recurrent)        2         our choice; K_pp = 0
r⁰ (recurrent)         5 Hz      our choice
receptor rate          100 Hz    for a light of 1: our choice
====================== ========= ===================================================================

================================== ==================== ===========================================================
published                          ours                 what differs
================================== ==================== ===========================================================
solution of the equations [1]      within 0.01 Hz       a line of 48 units, rate circuit
inhibition linear in a rate [2]    slope and threshold  our coefficients; the published ones vary between pairs
                                   are those put in
disinhibition [2]                  the same sign        24 units; no published number
Mach bands at a step of light [3]  the same sign        no published number
width of the inhibitory field [4]  half of it           the bands, at a tenth of their peak; three quarters with
                                                        Σ K = 0.5, since strong inhibition also inhibits the
                                                        inhibitors
transients                         none                 not part of the circuit
================================== ==================== ===========================================================

[1] Hartline & Ratliff 1958. [2] Hartline & Ratliff 1957. [3] Ratliff & Hartline 1959. [4] Barlow & Quarles, J Gen
Physiol 65:709, 1975.

**Ablation.** Every lit ganglion cell responds, and not more strongly at an edge than inside. In the cat, picrotoxin and
bicuculline weaken the surround of Y cells but hardly change X cells (Kirby & Enroth-Cugell, J Gen Physiol 68:465,
1976), whose surround must rely on other mechanisms. The model does not describe every retina.

**Theorem.** The response decreases in an input: a spot on the centre <= light everywhere, and the response vanishes. In
the plane of centre and surround light the region of response is bounded by a line of positive slope; as a function of
spot size it is a closed interval. The task's score compares mean rates. Its uniform light is nowhere dimmer than an
edge, so an excitatory-only cell responds to it at least as strongly as at any edge, and each cell is at an edge equally
often: no excitatory-only circuit has an edge index above 0. (If edges came to a few places only, cells there could
respond as long as all others are silent: with two places and also dimmer uniform light the best index is 7/9.) For
spikes this assumes a rate code.
"""

from collections.abc import Iterator
from functools import partial

import numpy as np

from eisim.analysis.task import Fact, Obstruction, Task
from eisim.base.errors import InputError, check_kind, explains_arguments
from eisim.base.seeds import Seed
from eisim.circuit import Circuit, Input, Population, Projection, Readout
from eisim.neurons import LIF, ThresholdLinear
from eisim.simulation import Response, simulate

FUNCTION = "tuning"

RECEPTOR_RATE = 100.0  # Hz, for a light of 1
CENTRE, SURROUND = 0.6, 2.0  # standard deviations, in positions
BALANCE = 1.05
INHIBITION, THRESHOLD = 2.0, 5.0  # sum of K, and r0 in Hz, of the recurrent circuit
ACTIVE = 5.0  # Hz
#: Hz below which the rates at edges and in uniform light together count as this.
FAINT = 5.0
#: The position that the spot lights, whose cell is the output, and the distance of the places of edges.
SPOT, EDGE_EVERY = 6, 4
# Spiking: input at a light of 1 to a ganglion cell and to an interneuron, and the tonic drive of both, in V.
EXCITATION, TO_INTERNEURON, TONIC = 60e-3, 30e-3, {"E": 12e-3, "I": 14e-3}
AFFERENTS = 10  # fibres whose spikes make up one receptor of the spiking circuit
CELL = LIF(noise=1e-3)
INTERNEURON = LIF(noise=1e-3, refractory=0.5e-3)  # fast-spiking, so that inhibition is nearly linear in light
TIMES = {"duration": 400e-3, "window": 300e-3}


def gaussian(shape, width: float) -> np.ndarray:
    """Weights that fall as a Gaussian with distance on the closed line or image; positions × positions, rows sum to 1.

    Parameters
    ----------
    shape : tuple of int
        Positions along each axis.
    width : float
        Standard deviation, in positions.
    """
    places = np.indices(shape).reshape(len(shape), -1)
    apart = np.abs(places[:, :, None] - places[:, None, :])
    apart = np.minimum(apart, np.array(shape)[:, None, None] - apart)
    weights = np.exp(-(apart**2).sum(axis=0) / (2 * width**2))
    return weights / weights.sum(axis=1, keepdims=True)


def lateral(shape) -> np.ndarray:
    """Hartline-Ratliff coefficients K: positions × positions, zero on the diagonal, rows sum to `INHIBITION`."""
    weights = gaussian(shape, SURROUND)
    np.fill_diagonal(weights, 0.0)
    return INHIBITION * weights / weights.sum(axis=1, keepdims=True)


@explains_arguments
def circuit(kind: str = "spiking", *, seed: Seed = 0, shape=(24,), recurrent: bool = False) -> Circuit:
    """The circuit, as ``"rate"`` or ``"spiking"`` network.

    Parameters
    ----------
    kind : {"rate", "spiking"}
        The recurrent circuit is a rate circuit.
    seed : int or Generator
        Unused: the circuit is deterministic.
    shape : tuple of int
        Positions along each axis: ``(24,)`` for a line, ``(12, 12)`` for an image.
    recurrent : bool
        The circuit of Limulus instead of the forward one.
    """
    check_kind(kind, "center_surround")
    if recurrent and kind != "rate":
        raise InputError(f"center_surround: kind: expected 'rate' for the recurrent circuit, found {kind!r}")
    n = int(np.prod(shape))
    if recurrent:
        cells = [Population("ganglion", "E", ThresholdLinear(), n)]
        cells += [Population("interneurons", "I", ThresholdLinear(tau=5e-3, threshold=THRESHOLD), n)]
        projections = [
            Projection("light", "ganglion", np.eye(n)),
            Projection("ganglion", "interneurons", np.eye(n)),
            Projection("interneurons", "ganglion", lateral(shape).T),
        ]
        fibres = 1
    else:
        cell, interneuron, tonic, fibres, excites, drives, inhibits = _strengths(kind)
        cells = [
            Population("ganglion", "E", cell, n, tonic["E"]),
            Population("interneurons", "I", interneuron, n, tonic["I"]),
        ]
        projections = [
            Projection("light", "ganglion", gaussian(shape, CENTRE) * excites / fibres),
            Projection("light", "interneurons", np.eye(n) * drives / fibres),
            Projection("interneurons", "ganglion", gaussian(shape, SURROUND) * inhibits),
        ]
    return Circuit(
        name="center-surround",
        inputs=[Input("light", n, RECEPTOR_RATE * fibres)],
        populations=cells,
        projections=projections,
        readouts=[Readout("ganglion", ACTIVE)],
        seed=seed,
    )


def _strengths(kind):
    """Both cells, tonic drives, fibres, and the total weights of light onto both and of interneurons onto ganglion."""
    if kind == "rate":
        return ThresholdLinear(), ThresholdLinear(), {"E": 0.0, "I": 0.0}, 1, 1.0, 1.0, BALANCE
    excites, drives = (mean / (RECEPTOR_RATE * CELL.excitation.area) for mean in (EXCITATION, TO_INTERNEURON))
    inhibits = BALANCE * EXCITATION / (INTERNEURON.activation(TONIC["I"] + TO_INTERNEURON) * CELL.inhibition.area)
    return CELL, INTERNEURON, TONIC, AFFERENTS, excites, drives, inhibits


def stimuli(quick: bool = False, n: int = 24) -> np.ndarray:
    """Light over the line, trials × positions: edges, a spot, and uniform light that is nowhere dimmer than any edge.

    Half of the line is brighter, at six places, so that each position is once at an edge for each of three contrasts
    (`quick`: for one).
    """
    place = np.arange(n)
    contrasts = ((0.8, 0.0),) if quick else ((0.8, 0.0), (0.8, 0.1), (0.7, 0.0))
    edges = [np.roll(np.where(place < n // 2, *c), shift) for c in contrasts for shift in range(0, n, EDGE_EVERY)]
    return np.array([*edges, np.where(place == SPOT, 1.0, 0.0), *(np.full(n, level) for level in (0.8, 1.0))])


def output(response: Response) -> np.ndarray:
    """Rate of the ganglion cell under the spot in each trial, in Hz."""
    return response.rates["ganglion"][..., SPOT]


def at_edges(trials) -> np.ndarray:
    """Which cells are at the bright side of an edge, no further than two positions from it: trials × positions."""
    near = np.array([np.roll(trials, k, axis=1) for k in range(-2, 3)])
    halves = np.mean(trials == trials.max(axis=1, keepdims=True), axis=1) == 0.5
    return halves[:, None] & (trials == near.max(axis=0)) & (trials > near.min(axis=0))


def score(response: Response, trials) -> float:
    """Edge index: (edge - uniform)/(edge + uniform) of the mean rates there, 0 if negative; faint ones count less."""
    rates, uniform = response.rates["ganglion"], np.ptp(trials, axis=1) == 0
    edge, everywhere = rates[at_edges(trials)].mean(), rates[uniform].mean()
    return float(np.clip((edge - everywhere) / max(edge + everywhere, FAINT), 0, 1))


@explains_arguments
def task(kind: str = "spiking", *, quick: bool = False) -> Task:
    """Respond to edges but not to uniform light.

    A constant answer has an edge index of 0, and so has the best excitatory-only circuit.
    """
    trials = stimuli(quick)
    return Task(
        circuit=partial(_seeded, kind),
        stimuli=trials,
        score=partial(score, trials=trials),
        measure="edge index: (edge - uniform)/(edge + uniform) of the rates of cells at edges and in uniform light",
        obstruction=Obstruction.DECREASING,
        output=output,
        constant=0.0,
        bound=0.0,
        proof="uniform light is nowhere dimmer than an edge, and each cell is at an edge equally often, so that its "
        "mean rate there is at most that in uniform light",
        dt=1e-3 if kind == "rate" else 0.5e-3,
        **TIMES,
    )


def _seeded(kind, seed):
    return circuit(kind, seed=seed)


def hartline_ratliff(excitation, coefficients, threshold: float) -> np.ndarray:
    """Solution of the Hartline-Ratliff equations if every unit is above the threshold.

    Parameters
    ----------
    excitation : array_like of shape (trials, units)
        Responses e without interaction, in Hz.
    coefficients : ndarray of shape (units, units)
        K: row p contains the strength with which the others inhibit unit p.
    threshold : float
        r⁰, in Hz.
    """
    identity = np.eye(len(coefficients))
    known = np.asarray(excitation) + threshold * coefficients.sum(axis=1)
    return np.linalg.solve(identity + coefficients, known.T).T


def published(report=None) -> Iterator[Fact]:
    """Comparison with published results, for the circuit of Limulus as rate circuit."""
    n = 48
    coefficients = lateral((n,))
    place = np.arange(n)
    gradual = 0.8 + 0.15 * np.cos(2 * np.pi * place / n)
    step = np.where(place < n // 2, 1.0, 0.7)
    # Unit 20 with a neighbour of growing light.
    pairs = np.zeros((6, n))
    pairs[:, 20], pairs[:, 21] = 0.6, np.linspace(0.3, 0.8, 6)
    trials = np.array([gradual, step, *pairs])
    limulus = circuit("rate", shape=(n,), recurrent=True)
    response = simulate(limulus, trials, dt=1e-3, report=report, duration=1.0, window=0.1)
    rates = response.rates["ganglion"]
    equations = hartline_ratliff(trials[:2] * RECEPTOR_RATE, coefficients, THRESHOLD)
    apart = np.abs(rates[:2] - equations).max()
    yield Fact("largest distance from the solution, rate (Hz)", 0.0, apart, 0.01, "Hartline & Ratliff 1958, eqs")

    lost = trials[2:, 20] * RECEPTOR_RATE - rates[2:, 20]
    slope, intercept = np.polyfit(rates[2:, 21], lost, 1)
    source = "Hartline & Ratliff 1957: inhibition linear in the other's rate"
    yield Fact("coefficient of a pair from its responses, rate", coefficients[20, 21], slope, 0.001, source)
    yield Fact("threshold of a pair from its responses, rate (Hz)", THRESHOLD, -intercept / slope, 0.1, source)
