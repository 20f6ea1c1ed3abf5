r"""Winner-take-all: self-exciting pools share one inhibitory population, and only the largest input wins.

Coultrip, Granger & Lynch (Neural Networks 5:47, 1992); Xie, Hahnloser & Seung (Neural Comput 14:2627, 2002);
Rutishauser & Douglas (Neural Comput 21:478, 2009), Rutishauser, Douglas & Slotine (Neural Comput 23:735, 2011):

.. math::
    \tau \dot{x}_i &= -x_i + [I_i + \alpha x_i - \beta_1 y]_+ \\
    \tau \dot{y} &= -y + [\beta_2 \sum_j x_j]_+

With one pool active, :math:`x = G I` and :math:`y = \beta_2 x` with the gain :math:`G = 1/(1 + \beta_1\beta_2 -
\alpha)`; the others are silent as long as their :math:`I_j < \beta_1 \beta_2 G I`. With two active pools the state is
unstable if :math:`\alpha > 1`: their difference then grows as :math:`e^{(\alpha - 1)t/\tau}`.

============ ====== ==========================================================================
parameter    value  source
============ ====== ==========================================================================
α            1.2    Marx, Gruenhage, Walper, Rutishauser & Einhäuser (Ann NY Acad Sci 1339:138,
                    2015), table S1, single winner-take-all
β₁, β₂       3, 0.2 the same
thresholds   0      our choice; the published 6 and 0.5 shift the inputs
τ            10 ms  our choice; it only sets the time scale
pools        4      our choice
============ ====== ==========================================================================

The spiking circuit has pools of LIF neurons with membrane noise; α, β₁ and β₂ are converted to synaptic weights by the
slope of the neurons' f-I curve.

=========================== ======================= ===============================================================
published                   ours                    what differs
=========================== ======================= ===============================================================
gain of the winner, 2.5     2.5, rate circuit       derived from the published parameters for threshold-linear
                                                    units; the spiking circuit's f-I curve has no constant slope
only the winner is active   1.00 of trials, rate;   12 trials of 10 seeds; a pool is active above 20 Hz
                            0.97, spiking
rivalry and adaptation      none                    not part of the circuit
=========================== ======================= ===============================================================

**Ablation.** Without inhibition α > 1 drives every pool that has any input to its maximum. The largest input may
still evoke the highest rate: an argmax over the outputs would select it. But that comparison is itself a subtraction
(T9 of the theory); here every output has one threshold, the same in all trials.

**Theorem.** "A > B" has a boundary of positive slope: the response of pool A falls when the input of B grows. In the
task each pool wins once at each of three strengths, and every input of a stronger trial is at least that of each
weaker one. So an excitatory-only circuit that is right in a trial is wrong in all stronger ones with another winner: at
best it is right in all trials of one strength, a third, or in all with one winner, a quarter. `thresholds` is a circuit
that reaches the third: pools without recurrence whose threshold only the largest input of the strongest trials exceeds.
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
from eisim.neurons import LIF, Saturating
from eisim.simulation import Response, simulate

FUNCTION = "decide"

ALPHA, BETA_1, BETA_2 = 1.2, 3.0, 0.2
AFFERENT_RATE = 20.0  # Hz, for an input of 1
ACTIVE = 20.0  # Hz above which a pool counts as active
RATE_UNIT = Saturating(maximum=100.0)
CELL = LIF(noise=3e-3)
SLOPE = 5e3  # Hz/V, of the f-I curve of the cell around 80 Hz
AFFERENTS = 50  # fibres whose spikes make up one input of the spiking circuit
NEURONS = 20
BIAS = {"E": 14e-3, "I": 8e-3}  # V
TIMES = {"duration": 800e-3, "window": 300e-3}
#: Inputs of a trial, the winner's first, and the factors that scale them: neighbours are at least 1 / 0.7 apart.
PROFILE, STRENGTHS = (1.0, 0.8, 0.7, 0.7), (0.8, 1.15, 1.65)


def gain(alpha: float = ALPHA, beta_1: float = BETA_1, beta_2: float = BETA_2) -> float:
    """Ratio of the rate of the only active pool to its input, in closed form."""
    return 1 / (1 + beta_1 * beta_2 - alpha)


@explains_arguments
def circuit(kind: str = "spiking", *, seed: Seed = 0, pools: int = 4, alpha: float = ALPHA) -> Circuit:
    """The circuit, as ``"rate"`` or ``"spiking"`` network.

    Parameters
    ----------
    kind : {"rate", "spiking"}
    seed : int or Generator
        Unused: the circuit is deterministic.
    pools : int
        Number of inputs and of excitatory pools.
    alpha : float
        Self-excitation of a pool, dimensionless.
    """
    check_kind(kind, "winner_take_all")
    if kind == "rate":
        n, cell, fibres, bias, excites, inhibits = 1, RATE_UNIT, 1, {"E": 0.0, "I": 0.0}, 1.0, 1.0
    else:
        n, cell, fibres, bias = NEURONS, CELL, AFFERENTS, BIAS
        # Weight with which sources of 1 Hz change the rate of the target by 1 Hz.
        excites, inhibits = (1 / (SLOPE * receptor.area) for receptor in (CELL.excitation, CELL.inhibition))
    own_pool = np.kron(np.eye(pools), np.ones((n, n)))
    return Circuit(
        name="winner-take-all",
        inputs=[Input("input", pools, AFFERENT_RATE * fibres)],
        populations=[
            Population("pools", "E", cell, pools * n, bias["E"]),
            Population("interneurons", "I", cell, n, bias["I"]),
        ],
        projections=[
            Projection("input", "pools", np.kron(np.eye(pools), np.ones((1, n))) * excites / fibres),
            Projection("pools", "pools", own_pool * alpha * excites / n),
            Projection("pools", "interneurons", np.full((pools * n, n), BETA_2 * excites / n)),
            Projection("interneurons", "pools", np.full((n, pools * n), BETA_1 * inhibits / n)),
        ],
        readouts=[Readout("pools", ACTIVE)],
        seed=seed,
    )


@explains_arguments
def thresholds(kind: str = "spiking", *, seed: Seed = 0, pools: int = 4, strength: float = STRENGTHS[-1]) -> Circuit:
    """Pools without recurrence or inhibition that are active if their input exceeds 0.9 of a strength.

    Parameters
    ----------
    kind : {"rate", "spiking"}
    seed : int or Generator
        Unused: the circuit is deterministic.
    pools : int
        Number of inputs and of pools.
    strength : float
        Largest input of the trials in which the pools are to be right.
    """
    whole = circuit(kind, seed=seed, pools=pools)
    feed, population = whole.projections[0], whole.population("pools")
    passed, steep = 0.9 * strength * AFFERENT_RATE, 20.0
    if kind == "rate":
        population = replace(population, neuron=replace(RATE_UNIT, threshold=passed - ACTIVE / steep, gain=steep))
    else:
        stronger = 4.0
        at_threshold = brentq(lambda drive: CELL.activation(drive) - ACTIVE, 0, 2 * CELL.rheobase)
        population = replace(population, bias=at_threshold - stronger * passed / SLOPE)
        feed = replace(feed, weights=stronger * feed.weights)
    return replace(whole, name="thresholds", populations=[population], projections=[feed])


def stimuli(quick: bool = False) -> np.ndarray:
    """Inputs of the pools: every winner at every strength (`quick`: at the two lowest); trials × 4."""
    strengths = STRENGTHS[:2] if quick else STRENGTHS
    return np.array([np.roll(np.array(PROFILE) * strength, k) for strength in strengths for k in range(4)])


def pool_rates(response: Response) -> np.ndarray:
    """Mean rate of each pool in Hz: trials × pools."""
    rates = response.rates["pools"]
    pools = response.circuit.n_inputs
    return rates.reshape(*rates.shape[:-1], pools, -1).mean(axis=-1)


def output(response: Response) -> np.ndarray:
    """Rate of the first pool in each trial, in Hz."""
    return pool_rates(response)[..., 0]


def active(response: Response) -> np.ndarray:
    """Which pools are active: trials × pools."""
    return pool_rates(response) > ACTIVE


@explains_arguments
def task(kind: str = "spiking", *, quick: bool = False) -> Task:
    """Select the largest of four inputs: its pool is to be active and no other.

    A constant answer is right in a quarter of the trials, an excitatory-only circuit in a third (`quick`: a half).
    """
    trials = stimuli(quick)
    return Task(
        circuit=partial(_seeded, kind),
        stimuli=trials,
        score=None,
        measure="share of trials in which the pool with the largest input, and no other, is active",
        criterion=0.75,
        obstruction=Obstruction.POSITIVE_SLOPE,
        output=output,
        constant=0.25,
        required=trials == trials.max(axis=1, keepdims=True),
        answers=pool_rates,
        threshold=ACTIVE,
        excitatory_only=lambda seed: thresholds(kind, seed=seed, strength=trials.max()),
        proof="every input of a stronger trial is at least that of each weaker one, so no two with different winners "
        "are both right",
        dt=1e-3 if kind == "rate" else 0.5e-3,
        **TIMES,
    )


def _seeded(kind, seed):
    return circuit(kind, seed=seed)


def published(report=None) -> Iterator[Fact]:
    """Comparison with published values: predictions of the theory for the winner and the other pools."""
    source = "Marx et al. 2015, table S1, and the fixed point of the equations"
    inputs = np.array([[strength, 0.8 * strength, 0.0, 0.0] for strength in (0.5, 0.75, 1.0, 1.25, 1.5)])
    rates = simulate(circuit("rate"), inputs, dt=1e-3, report=report, duration=2.0, window=0.1).rates
    slope = np.polyfit(inputs[:, 0] * AFFERENT_RATE, rates["pools"][:, 0], 1)[0]
    yield Fact("gain of the winner, rate", gain(), slope, 0.01, source)
    loops = rates["interneurons"][:, 0] / rates["pools"][:, 0]
    yield Fact("rate of the interneurons over that of the winner, rate", BETA_2, loops.mean(), 0.001, source)
    yield Fact("largest rate of a loser, rate (Hz)", 0.0, rates["pools"][:, 1:].max(), 0.01, source)
    made = task()
    response = simulate(circuit(), made.stimuli, seed=range(10), report=report, **made.times)
    right = (active(response) == made.required).all(axis=-1).mean()
    yield Fact("share of trials in which only the winner is active, spiking", 1.0, right, 0.05, source)
