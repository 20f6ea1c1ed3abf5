r"""Direction selectivity: delayed inhibition from the null side vetoes the response to motion in the null direction.

Barlow & Levick (J Physiol 178:477, 1965), rabbit retina. Receptors are arranged in a row; a spot of light dwells on
each in turn. Receptor p excites subunit p; receptor p + 1 drives an interneuron that inhibits subunit p after a delay
Δ, with prolonged inhibition. For motion from p to p + 1 (preferred) inhibition arrives too late; for motion from p + 1
to p (null) it arrives together with excitation. A ganglion cell sums the subunits:

.. math::
    \tau \dot{s}_p &= -s_p + [x_p - w\, y_p(t - \Delta)]_+ \\
    \tau_i \dot{y}_p &= -y_p + x_{p+1}

The last receptor drives only an interneuron: inhibition reaches beyond the excitatory field on the null side.

``mechanism="facilitation"`` is the other classical scheme (Hassenstein & Reichardt, Z Naturforsch 11b:513, 1956):
receptor p - 1 excites subunit p after the delay, and the subunit requires both, a threshold AND instead of a product.

=============== ========= ==============================================================
parameter       value     source
=============== ========= ==============================================================
subunits        8         our choice; Barlow & Levick find that small parts of the field
                          discriminate, which implies many subunits
delay Δ         10 ms     our choice (20 ms for facilitation)
inhibition τ_i  40 ms     our choice: it covers dwell times of 20 to 60 ms
w               8         our choice
receptor rate   100 Hz    for a light of 1: our choice
=============== ========= ==============================================================

The direction selectivity index is (preferred - null)/(preferred + null) of the responses to whole sweeps; a sum below
5 Hz counts as 5 Hz, so that a faint response scores little.

================================= ================== =============================================================
published                         ours               what differs
================================= ================== =============================================================
little or no null response [1]    none               the sign is published, no number; dwell times of 20 to 60 ms
veto of the second flash [1]      in the null order  the sign is published, no number
no selectivity, picrotoxin [2]    index within 0.02  all inhibition is blocked
                                  of 0
some cells stay selective [3]     none               the veto is the only mechanism of the circuit
facilitation of the same cells    none               not part of the circuit
size not given                    8 subunits, 1 cell our choice, as are all parameters above
================================= ================== =============================================================

[1] Barlow & Levick 1965. [2] Rabbit: Wyatt & Daw, Science 191:204, 1976; Caldwell, Daw & Wyatt, J Physiol 276:277,
1978. [3] Turtle: Smith, Grzywacz & Borg-Graham, Vis Neurosci 13:423, 1996; rabbit: Grzywacz, Tootle & Amthor, Vis
Neurosci 14:39, 1997.

**Ablation, and its limits.** Without inhibition this circuit loses its selectivity, but the task does not require
inhibition: the facilitation circuit has none and an index of 1.00 at dwell times of 20 to 60 ms, like the veto circuit;
at 10 ms, half of its delay, it does not respond, and the veto circuit has an index of 0.53 (rate) or 0.34 (spiking).
This does not contradict the theorem: the two directions are incomparable stimuli in space and time, so a monotone
function can respond to one of them. So what ablation shows is how this circuit is wired.

**Theorem.** What an excitatory-only circuit cannot have is the veto: the response to a flash on receptor p falls if one
on receptor p + 1 precedes it that evokes no response itself, so it decreases in an input. (A delayed coincidence is
monotone: an additional flash never lowers the response.) The task's last two trials are this pair, but its score does
not read them.
"""

from collections.abc import Iterator
from functools import partial

import numpy as np

from eisim.ablation import ablate
from eisim.analysis.task import Fact, Obstruction, Task
from eisim.base.errors import InputError, check_kind, explains_arguments
from eisim.base.seeds import Seed
from eisim.circuit import Circuit, Input, Population, Projection, Readout
from eisim.neurons import LIF, Saturating
from eisim.simulation import Response, simulate
from eisim.synapses import Exponential

FUNCTION = "tuning"

RECEPTOR_RATE = 100.0  # Hz, for a light of 1
DELAY = {"veto": 10e-3, "facilitation": 20e-3}
INHIBITION_TAU = 40e-3
FRAME = 10e-3
TIMES = {"duration": 640e-3, "window": 640e-3}
SUBUNITS = 8
# Rate: weight of the inhibition, and of either of two excitations of which a subunit needs both.
VETO, COINCIDENCE = 8.0, 0.75
# Spiking, in V: input of a lit receptor, one inhibitory spike, either of two coincident inputs, one subunit spike.
LIGHT, VETO_SPIKE, EITHER, TO_GANGLION = 40e-3, 40e-3, 12e-3, 100e-3
AFFERENTS = 10  # fibres whose spikes make up one receptor of the spiking circuit
CELL = LIF(inhibition=Exponential(INHIBITION_TAU), noise=0.5e-3)
FAINT = 5.0  # Hz below which the responses to both directions together count as this


@explains_arguments
def circuit(
    kind: str = "spiking", *, seed: Seed = 0, subunits: int = SUBUNITS, mechanism: str = "veto", delay=None
) -> Circuit:
    """The circuit, as ``"rate"`` or ``"spiking"`` network.

    Parameters
    ----------
    kind : {"rate", "spiking"}
    seed : int or Generator
        Unused: the circuit is deterministic.
    subunits : int
        Number of subunits; there is one more receptor.
    mechanism : {"veto", "facilitation"}
    delay : quantity, optional
        Delay of inhibition, or of the delayed excitation.
    """
    check_kind(kind, "direction_selectivity")
    if mechanism not in DELAY:
        raise InputError(f"direction_selectivity: mechanism: expected 'veto' or 'facilitation', found {mechanism!r}")
    veto = mechanism == "veto"
    direct = np.eye(subunits + 1, subunits)
    sideways = np.eye(subunits + 1, subunits, k=-1 if veto else 1)
    fast, slow, fibres, light, to_relay, relayed, onto_ganglion = (_rate if kind == "rate" else _spiking)(veto)
    return Circuit(
        name=f"direction-selectivity by {mechanism}",
        inputs=[Input("receptors", subunits + 1, RECEPTOR_RATE * fibres)],
        populations=[
            Population("interneurons" if veto else "relay", "I" if veto else "E", slow, subunits),
            Population("subunits", "E", fast, subunits),
            Population("ganglion", "E", CELL if kind == "spiking" else Saturating(tau=5e-3)),
        ],
        projections=[
            Projection("receptors", "subunits", direct * light / fibres),
            Projection("receptors", "interneurons" if veto else "relay", sideways * to_relay / fibres),
            Projection(
                "interneurons" if veto else "relay",
                "subunits",
                np.eye(subunits) * relayed,
                DELAY[mechanism] if delay is None else delay,
            ),
            Projection("subunits", "ganglion", np.full((subunits, 1), onto_ganglion)),
        ],
        readouts=[Readout("ganglion", 5.0)],
        seed=seed,
    )


def _rate(veto):
    """Models of subunits and interneurons (or relay), fibres, and weights."""
    if veto:
        return Saturating(tau=5e-3), Saturating(tau=INHIBITION_TAU), 1, 1.0, 1.0, VETO, 1.0
    both = Saturating(tau=5e-3, threshold=RECEPTOR_RATE, gain=2.0)
    return both, Saturating(tau=5e-3), 1, COINCIDENCE, 1.0, COINCIDENCE, 1.0


def _spiking(veto):
    """The same for LIF neurons."""
    per_light = 1 / (RECEPTOR_RATE * CELL.excitation.area)
    if veto:
        return CELL, CELL, AFFERENTS, LIGHT * per_light, LIGHT * per_light, VETO_SPIKE, TO_GANGLION
    relayed = EITHER / (CELL.activation(LIGHT) * CELL.excitation.area)
    return CELL, CELL, AFFERENTS, EITHER * per_light, LIGHT * per_light, relayed, TO_GANGLION


def sweep(dwell: float, direction: int, receptors: int = SUBUNITS + 1) -> np.ndarray:
    """A spot that dwells on each receptor (s), from the first (1) or from the last (-1); time × inputs."""
    frames, each = round(TIMES["duration"] / FRAME), round(dwell / FRAME)
    lit = np.zeros((frames, receptors))
    for k, place in enumerate(range(receptors)[::direction]):
        lit[2 + k * each : 2 + (k + 1) * each, place] = 1
    return lit


def flashes(*events: tuple[int, float], length: float = 40e-3, receptors: int = SUBUNITS + 1) -> np.ndarray:
    """Flashes as pairs of receptor and onset in s; time × inputs."""
    lit = np.zeros((round(TIMES["duration"] / FRAME), receptors))
    for place, onset in events:
        lit[round(onset / FRAME) : round((onset + length) / FRAME), place] = 1
    return lit


def stimuli(dwells=(20e-3, 40e-3, 60e-3)) -> np.ndarray:
    """A preferred and a null sweep for each dwell time, then the two trials of the witness; trials × time × inputs."""
    last = SUBUNITS
    sweeps = [sweep(dwell, direction) for dwell in dwells for direction in (1, -1)]
    return np.array([*sweeps, flashes((last - 1, 0.1)), flashes((last, 0.06), (last - 1, 0.1))])


def output(response: Response) -> np.ndarray:
    """Rate of the ganglion cell over the trial, in Hz."""
    return response.rates["ganglion"][..., 0]


def selectivity(rates) -> np.ndarray:
    """Direction selectivity index of each dwell time, from rates (Hz) in the order of `stimuli`."""
    preferred, null = rates[..., :-2:2], rates[..., 1:-2:2]
    return (preferred - null) / np.maximum(preferred + null, FAINT)


def score(response: Response) -> float:
    """Direction selectivity index, mean over the speeds; 0 if negative."""
    return float(np.clip(selectivity(output(response)).mean(), 0, 1))


@explains_arguments
def task(kind: str = "spiking", *, quick: bool = False) -> Task:
    """Respond to motion in one direction but not in the other.

    The facilitation circuit, which is excitatory-only, does this, too. A constant answer has an index of 0.
    """
    return Task(
        circuit=partial(_seeded, kind),
        stimuli=stimuli((40e-3,)) if quick else stimuli(),
        score=score,
        measure="direction selectivity index (preferred - null)/(preferred + null), mean over speeds",
        obstruction=Obstruction.DECREASING,
        output=output,
        constant=0.0,
        excitatory_only=partial(_seeded, kind, mechanism="facilitation"),
        dt=1e-3 if kind == "rate" else 0.5e-3,
        **TIMES,
    )


def _seeded(kind, seed, **how):
    return circuit(kind, seed=seed, **how)


def published(report=None) -> Iterator[Fact]:
    """Comparison with published results, for the rate and the spiking circuit."""
    barlow = "Barlow & Levick 1965: motion in the null direction evokes little or no response"
    daw = "Wyatt & Daw 1976; Caldwell, Daw & Wyatt 1978: none under picrotoxin"
    pair = flashes((3, 0.06), (4, 0.1)), flashes((4, 0.06), (3, 0.1)), flashes((3, 0.1)), flashes((4, 0.1))
    trials = np.concatenate([stimuli(), pair])
    for kind in ("rate", "spiking"):
        whole = circuit(kind)
        intact, ablated = (
            output(response).mean(axis=0)
            for response in simulate(
                [whole, ablate(whole)],
                trials,
                dt=1e-3 if kind == "rate" else 0.5e-3,
                seed=range(3),
                report=report,
                **TIMES,
            )
        )
        n = len(stimuli())
        ratio = intact[1 : n - 2 : 2] / intact[: n - 2 : 2]
        yield Fact(f"null over preferred response, {kind}", 0.0, ratio.max(), 0.1, barlow)
        yield Fact(f"selectivity without GABA-A, {kind}", 0.0, selectivity(ablated[:n]).mean(), 0.1, daw)
        in_order, in_null_order, first, second = intact[n:]
        source = "Barlow & Levick 1965: the second of two flashes is inhibited in the null order alone"
        yield Fact(
            f"two flashes over their sum, preferred order, {kind}", 1.0, in_order / (first + second), 0.1, source
        )
        yield Fact(f"two flashes over the first, null order, {kind}", 1.0, in_null_order / second, 0.1, source)
