r"""Disinhibition: VIP cells excite a circuit by inhibiting its SST cells, while SST and PV cells inhibit it.

Garcia del Molino, Yang, Mejias & Wang (eLife 6:e29742, 2017), who take from Pfeffer, Xue, He, Huang & Scanziani
(Nat. Neurosci. 16:1068, 2013) which of E, PV, SST and VIP cells inhibit which:

.. math::
    \tau \dot{r}_j &= -r_j + (1 - t_\mathrm{ref}\, r_j)\, \phi_j(V_j), \qquad
    V_j = V_L + \Big(\sum_k W_{jk} r_k + I_j\Big) / g_j \\
    \phi_j(V) &= \frac{V - \vartheta}{\tau_j (\vartheta - v_r) (1 - e^{-(V - \vartheta)/\sigma})}

=== ====== ======= ======= ======= ===== ===== ============ =============
to  W from                         g     τ_j   rate at low  rate at high
    E      PV      SST     VIP     (nS)  (ms)  baseline     baseline
=== ====== ======= ======= ======= ===== ===== ============ =============
E   2.4167 -0.3329 -0.8039         6.25  28.8  1 Hz         30 Hz
PV  2.9706 -3.4554 -2.1291         10    8     10 Hz        50 Hz
SST 4.6440                 -2.7896 5     16    3 Hz         30 Hz
VIP 0.7162         -0.1560         5     16    2 Hz         20 Hz
=== ====== ======= ======= ======= ===== ===== ============ =============

W is in pA/Hz; :math:`V_L` = -70 mV, :math:`\vartheta` = -50 mV, :math:`v_r` = -60 mV, σ = 1 mV, τ = 2 ms. The
background :math:`I_j` is that with which the baseline is a steady state. All of this was read in public code, the
repository ``del-Molino2017`` of Open Source Brain; neither paper was accessible. The refractory period
:math:`t_\mathrm{ref}` = 1 ms is ours: the published f-I curve has no bound, and at high baseline rates grow without end
if inhibition is blocked.

The spiking version, ours, has 240 E, 30 PV, 15 SST and 15 VIP cells, in the published proportions: LIF neurons with the
same membranes and weights, and with the background for which Siegert's formula gives the same rates. Each cell receives
synapses from 48 E cells and from all cells of the types that inhibit its own; membrane noise is 2 mV. Since the formula
leaves out synaptic noise, E fires at 0.8 and 23 Hz at the baselines.

========================================= ========= ============ ===================================================
published                                 rate      spiking      what differs
========================================= ========= ============ ===================================================
background of E at low baseline (pA)      115.05    95.9         115.03 in the code, without a refractory period
VIP driven: E rises at both baselines     yes       yes          10 pA; rate: from 1 to 1.3 Hz, and from 30 to 44 Hz
VIP driven, low baseline: SST falls       yes       yes          10 pA; rate: from 3 to 0.6 Hz
VIP driven, high baseline: SST rises      yes       yes          10 pA; rate: from 30 to 35 Hz
populations of 1000 rate units            shown     none         one unit for each type
========================================= ========= ============ ===================================================

That SST cells fall or rise with the same drive is the response reversal of the paper's title: at high baseline E rises
so much that it excites SST cells more than VIP cells inhibit them.

**Task.** At both baselines a current of 10 and of 20 pA is injected into VIP cells or into SST cells. The score is the
share of these eight cases in which E changes by 10 % or more, up with VIP and down with SST. No change scores 0, as any
constant answer does. A drive of PV cells lowers E, too, but by only 0.7 and 1.4 % at high baseline in the rate circuit,
where it also lowers SST cells; it is an input of the circuit, and no part of the task.

**Why inhibition.** "VIP drive raises E" alone needs none: a circuit in which the same input excites E does it
(`excitatory_only`, which scores one half). That more drive to SST cells lowers E is out of order, and no
excitatory-only circuit does it: the bound is one half. It holds where the assumptions of the theorem do, for spikes
under a rate code. In this wiring the rise needs inhibition, too, since VIP cells excite no cell. Without the synapses
of SST cells (``how="block:SST"``) a drive of VIP or SST cells changes E at neither baseline. What is left of the score
in the spiking circuit, about 0.1, is chance: numbers of spikes vary by more than 10 % from trial to trial, at 1 Hz by
themselves, and without any inhibition as the circuit runs away. A part of a loss that is brought back by scaling
excitation is of this size, too.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache, partial

import numpy as np
from scipy.optimize import brentq

from eisim.ablation import ablate
from eisim.analysis.task import Fact, Obstruction, Task
from eisim.base.errors import check_kind, explains_arguments
from eisim.base.seeds import Seed
from eisim.circuit import Circuit, Input, Population, Projection, Readout
from eisim.neurons import LIF, AbbottChance
from eisim.simulation import Response, simulate
from eisim.synapses import Exponential
from eisim.weights import FixedInDegree

FUNCTION = "disinhibit"

TYPES = ("E", "PV", "SST", "VIP")
#: Weights in pA/Hz: to each type (row) from each type (column), of which the first is excitatory.
WEIGHTS = np.array(
    [
        [2.4167, 0.3329, 0.8039, 0],
        [2.9706, 3.4554, 2.1291, 0],
        [4.6440, 0, 0, 2.7896],
        [0.7162, 0, 0.1560, 0],
    ]
)
SIGNS = np.array([1, -1, -1, -1])
#: Leak conductances in nS and membrane time constants in s; leak, threshold and reset in V; σ of the f-I curve in V.
LEAK, TAU = (6.25, 10.0, 5.0, 5.0), (28.8e-3, 8e-3, 16e-3, 16e-3)
REST, THRESHOLD, RESET, SIGMA = -70e-3, -50e-3, -60e-3, 1e-3
RATE_TAU, REFRACTORY = 2e-3, 1e-3
#: Rates of the four types at the baselines, in Hz.
BASELINES = {"low": (1.0, 10.0, 3.0, 2.0), "high": (30.0, 50.0, 30.0, 20.0)}
#: What is injected into VIP or SST cells, in pA, and which relative change of E counts.
DRIVES, CHANGE = (10.0, 20.0), 0.1
#: Of the spiking version.
SIZES, FROM_E, NOISE, DELAY = (240, 30, 15, 15), 48, 2e-3, 1e-3
TIMES = {
    "rate": {"duration": 500e-3, "window": 100e-3, "dt": 0.2e-3},
    "spiking": {"duration": 1200e-3, "window": 1000e-3, "dt": 0.5e-3},
}


def cells(kind: str) -> tuple[AbbottChance | LIF, ...]:
    """The neurons of the four types."""
    if kind == "spiking":
        synapses = {"excitation": Exponential(5e-3), "inhibition": Exponential(5e-3)}
        return tuple(LIF(tau, REST, THRESHOLD, RESET, REFRACTORY, NOISE, **synapses) for tau in TAU)
    # The drive of a unit is (V - REST) / width, in Hz.
    widths = [tau * (THRESHOLD - RESET) for tau in TAU]
    return tuple(
        AbbottChance(RATE_TAU, (THRESHOLD - REST) / width, REFRACTORY, noise_time=width / SIGMA) for width in widths
    )


def drive_of_current(kind: str) -> np.ndarray:
    """The drive of the neurons of the four types for 1 pA: in V (spiking) or Hz (rate), shape (4,)."""
    volts = 1e-3 / np.array(LEAK)
    return volts if kind == "spiking" else volts / (np.array(TAU) * (THRESHOLD - RESET))


@cache
def background(kind: str, baseline: str) -> np.ndarray:
    """Currents into the four types, in pA, with which the rates of a baseline are a steady state; shape (4,).

    By the f-I curves of the neurons: those of the spiking version know of no synaptic noise.
    """
    rates = np.array(BASELINES[baseline])
    drives = [
        brentq(lambda drive, cell=cell, rate=rate: float(cell.activation(drive)) - rate, 0, 500 * per_pa)
        for cell, rate, per_pa in zip(cells(kind), rates, drive_of_current(kind), strict=True)
    ]
    found = np.array(drives) / drive_of_current(kind) - WEIGHTS @ (SIGNS * rates)
    found.flags.writeable = False
    return found


@explains_arguments
def circuit(kind: str = "spiking", *, seed: Seed = 0) -> Circuit:
    """The circuit at low baseline; stimuli are currents injected into E, PV, SST and VIP cells, in pA.

    Parameters
    ----------
    kind : {"rate", "spiking"}
    seed : int or Generator
        Fixes the random synapses of the spiking version.
    """
    check_kind(kind, "disinhibition")
    neurons, per_pa = cells(kind), drive_of_current(kind)
    sizes = (1,) * 4 if kind == "rate" else SIZES
    bias = background(kind, "low") * per_pa
    projections = [Projection(f"to {t}", t, [[1.0] * n]) for t, n in zip(TYPES, sizes, strict=True)]
    for j, k in zip(*np.nonzero(WEIGHTS), strict=True):
        weight = WEIGHTS[j, k] * per_pa[j]
        if kind == "spiking":
            number = FROM_E if k == 0 else sizes[k] - (j == k)  # no autapses
            receptor = neurons[j].excitation if k == 0 else neurons[j].inhibition
            weight = FixedInDegree(number, weight / (number * receptor.area))
        projections.append(Projection(TYPES[k], TYPES[j], weight, DELAY if kind == "spiking" else 0.0))
    return Circuit(
        name="disinhibition",
        inputs=[Input(f"to {t}", current=drive) for t, drive in zip(TYPES, per_pa, strict=True)],
        populations=[
            Population(t, "I" if k else "E", neuron, n, b, cell_type=t if k else "PYR")
            for k, (t, neuron, n, b) in enumerate(zip(TYPES, neurons, sizes, bias, strict=True))
        ],
        projections=projections,
        readouts=[Readout("E")],
        seed=seed,
    )


def excitatory_only(kind: str = "spiking", *, seed: Seed = 0) -> Circuit:
    """E cells without recurrent synapses, driven by the currents into E and into VIP cells.

    The inputs are those of `circuit`; the other two have no target.

    Parameters
    ----------
    kind : {"rate", "spiking"}
    seed : int or Generator
        Unused: there are no random synapses.
    """
    whole, per_pa = circuit(kind, seed=seed), drive_of_current(kind)
    cell = whole.populations[0]
    drives = [
        Projection("to E", "E", [[1.0] * cell.size]),
        Projection("to VIP", "E", [[per_pa[0] / per_pa[3]] * cell.size]),
    ]
    bias = (THRESHOLD - REST) * 1e3 * LEAK[0] * per_pa[0]  # at threshold
    return replace(
        whole, name="cells that VIP drive excites", populations=[replace(cell, bias=bias)], projections=drives
    )


@explains_arguments
def task(kind: str = "spiking", *, quick: bool = False) -> Task:
    """Raise E when VIP cells are driven, and lower it when SST cells are, at low and at high baseline.

    Trials: at each baseline none, then each drive to VIP, then each to SST.
    """
    check_kind(kind, "disinhibition")
    return Task(
        circuit=partial(_seeded, kind),
        stimuli=stimuli(kind, DRIVES[-1:] if quick else DRIVES),
        score=share_right,
        measure=f"share of drives to VIP that raise E, and of drives to SST that lower E, by {CHANGE:.0%} or more",
        criterion=0.75,
        obstruction=Obstruction.DECREASING,
        output=excitatory_rate,
        constant=0.0,
        bound=0.5,
        proof="Without inhibition E does not fall as the drive to SST rises (T1), which half of the cases ask for.",
        excitatory_only=partial(_excitatory_only_seeded, kind),
        **TIMES[kind],
    )


def _seeded(kind, seed):
    return circuit(kind, seed=seed)


def _excitatory_only_seeded(kind, seed):
    return excitatory_only(kind, seed=seed)


def stimuli(kind: str, drives=DRIVES) -> np.ndarray:
    """Currents beyond the low baseline, in pA: at each baseline none, each drive to VIP, each to SST; trials × 4."""
    driven = [[0.0] * 4] + [[0, 0, 0, d] for d in drives] + [[0, 0, d, 0] for d in drives]
    return np.concatenate([np.array(driven) + background(kind, b) - background(kind, "low") for b in BASELINES])


def excitatory_rate(response: Response) -> np.ndarray:
    """Mean rate of E in each trial, in Hz."""
    return response.rates["E"].mean(axis=-1)


def share_right(response: Response) -> float:
    """Share of drives that change E by 10 % or more in the right direction; the trials are those of `stimuli`."""
    rates = excitatory_rate(response).reshape(len(BASELINES), -1)
    before, (up, down) = rates[:, :1], np.split(rates[:, 1:], 2, axis=1)
    return float(np.mean([up > (1 + CHANGE) * before, down < (1 - CHANGE) * before]))


def published(report=None) -> Iterator[Fact]:
    """Comparison with the paper's model, one batch of rate and one of spiking circuits."""
    source, code = "Garcia del Molino et al. 2017", "del-Molino2017, Open Source Brain"
    for name, theirs, ours in zip(TYPES, (115.03, 233.66, 94.31, 89.91), background("rate", "low"), strict=True):
        yield Fact(f"background of {name} at low baseline (pA)", theirs, ours, 0.3, code)
    signs = {"VIP driven, low baseline: SST falls": -1, "VIP driven, high baseline: SST rises": 1}
    for kind in ("rate", "spiking"):
        circuits = [circuit(kind), ablate(circuit(kind), cell_types=["SST"])]
        seeds = [0] if kind == "rate" else range(5)
        found = simulate(circuits, stimuli(kind, DRIVES[:1]), seed=seeds, report=report, **TIMES[kind])
        # none and VIP driven, at each baseline
        (e, sst), (alone, _) = (
            [r.rates[name].mean(axis=(0, -1)).reshape(2, 3)[:, :2] for name in ("E", "SST")] for r in found
        )
        of_kind = "" if kind == "rate" else ", spiking"
        for b, change in zip(BASELINES, np.diff(e), strict=True):
            yield Fact(f"VIP driven, {b} baseline: E rises{of_kind} (1: yes)", 1, float(change[0] > 0), 0, source)
        for (what, sign), change in zip(signs.items(), np.diff(sst), strict=True):
            yield Fact(f"{what}{of_kind} (1: yes)", 1, float(sign * change[0] > 0), 0, source)
        without = "relative change of E without the synapses of SST cells"
        for b, (before, after) in zip(BASELINES, alone, strict=True):
            fact = f"VIP driven, {b} baseline: {without}{of_kind}"
            yield Fact(fact, 0, after / before - 1, 1e-6 if kind == "rate" else 0.05, "follows from the connectivity")
