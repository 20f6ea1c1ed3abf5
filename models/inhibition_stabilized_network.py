r"""Inhibition-stabilised network: excitation that is unstable without inhibition, and the paradoxical effect.

Tsodyks, Skaggs, Sejnowski & McNaughton, J. Neurosci. 17:4382-4388 (1997), eqs. 1-3:

.. math::
    \tau_E \dot{E} &= -E + [J_{EE} E - J_{EI} I + e]_+ \\
    \tau_I \dot{I} &= -I + [J_{IE} E - J_{II} I + i]_+

The stimulus is (e, i), in Hz. Rates stop at 100 Hz.

========= ==== ======== ======= ===========================================
J_EE      2.5  tau_E    10 ms   J includes the gain of the neurons
J_EI      2.5  tau_I    5 ms
J_IE      1.5  e        15 Hz   so that E = 10 Hz and I = 12 Hz
J_II      0.7  i        5.4 Hz
========= ==== ======== ======= ===========================================

The paper gives a condition rather than a fit, so the parameters are an example that satisfies the condition.
Reproduced: more drive to the interneurons lowers their rate if and only if :math:`J_{EE} > 1`, the critical value being
1. Two more numbers follow from the equations and are not quoted from the paper: the amount, :math:`dI/di = (1 - J_{EE})
/ [(1 - J_{EE})(1 + J_{II}) + J_{EI} J_{IE}]`, and the growth of excitation without inhibition, :math:`(J_{EE} -
1)/\tau_E`. The equations and the condition were taken from public code that numbers them as in the paper, which was not
accessible. The hippocampal theta rhythm, to which the paper applies the model, is not included.

The spiking version is a random network of noisy LIF neurons, whose excitation is strong enough at its working point
to show the same paradoxical effect.

Without inhibition a perturbation leads to saturation: the obstruction is dynamical (stability). (E also falls when
i rises, which no excitatory-only circuit can do.)
"""

from collections.abc import Iterator
from functools import partial

import numpy as np

from eisim.ablation import ablate
from eisim.analysis.task import Fact, Obstruction, Task
from eisim.base.errors import check_kind, explains_arguments
from eisim.base.seeds import Seed
from eisim.circuit import Circuit
from eisim.models._two_populations import Cells, two_populations
from eisim.neurons import LIF, Saturating
from eisim.simulation import Response, simulate
from eisim.synapses import Exponential

FUNCTION = "avoid seizure"
J_EE, J_EI, J_IE, J_II = 2.5, 2.5, 1.5, 0.7
TAU = (10e-3, 5e-3)
#: What E and I are driven with at the working point, and the excitatory rate there, in Hz.
DRIVE = {"rate": (15.0, 5.4), "spiking": (20.0, 18.0)}
SET_POINT = {"rate": 10.0, "spiking": 11.0}
_RECEPTORS = {"excitation": Exponential(5e-3), "inhibition": Exponential(5e-3)}
CELLS = Cells(
    LIF(tau=20e-3, noise=6e-3, refractory=5e-3, **_RECEPTORS),
    LIF(tau=10e-3, noise=6e-3, **_RECEPTORS),
    volts=1.5e-3,
    bias=(-6e-3, -6e-3),
)
#: Weights of the spiking version, in the same order as the J.
SPIKING = ((1.25, 0.65), (1.2, 0.5))


@explains_arguments
def circuit(kind: str = "spiking", *, seed: Seed = 0, excitation: float = J_EE) -> Circuit:
    """The circuit; stimuli are e and i in Hz.

    Parameters
    ----------
    kind : {"rate", "spiking"}
    seed : int or Generator
        Fixes the random synapses of the spiking version.
    excitation : float
        J_EE of the rate version.
    """
    return two_populations(
        "inhibition-stabilised network",
        kind,
        SPIKING if kind == "spiking" else ((excitation, J_EI), (J_IE, J_II)),
        (Saturating(TAU[0]), Saturating(TAU[1])),
        CELLS,
        rate=1.0,
        delay=1e-3,
        seed=seed,
    )


@explains_arguments
def task(kind: str = "spiking", *, quick: bool = False) -> Task:
    """Return to the working point after perturbations of the excitatory cells."""
    check_kind(kind, "inhibition_stabilized_network")
    kicks = [0.0, 4.0] if quick else [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    return Task(
        circuit=partial(_seeded, kind),
        stimuli=kicked(DRIVE[kind], kicks),
        score=partial(share_returned, SET_POINT[kind]),
        measure="share of kicks after which the excitatory rate is within a factor of two of its set point",
        obstruction=Obstruction.STABILITY,
        duration=300e-3 if quick else 500e-3,
        window=150e-3 if quick else 300e-3,
        dt=0.5e-3 if kind == "rate" else 0.2e-3,
    )


def _seeded(kind, seed):
    return circuit(kind, seed=seed)


def kicked(drive: tuple[float, float], kicks: list[float]) -> np.ndarray:
    """Stimuli (trials × 10 frames × 2) at this drive, increased for E in the second frame."""
    stimuli = np.tile(np.array(drive), (len(kicks), 10, 1))
    stimuli[:, 1, 0] += kicks
    return stimuli


def share_returned(set_point: float, response: Response) -> float:
    """Fraction of trials in which the mean excitatory rate is within a factor of two of the set point (Hz)."""
    rates = response.rates["E"].mean(axis=-1)
    return float(np.mean((rates > set_point / 2) & (rates < 2 * set_point)))


def published(report=None) -> Iterator[Fact]:
    """Comparison of this circuit with the paper's theory; one batch of rate and one of spiking circuits."""
    source = "Tsodyks et al. 1997"
    excitations = [0.8, 0.95, 1.05, 1.2, J_EE]
    circuits = [circuit("rate", excitation=j) for j in excitations]
    alone = ablate(circuit("rate"))
    more = 0.5
    stimuli = []
    for j in excitations:  # drives that keep E = 10 Hz and I = 12 Hz
        drive = np.array([10 * (1 - j) + 12 * J_EI, 12 * (1 + J_II) - 10 * J_IE])
        stimuli.append([drive, drive + np.array([0, more])])
    responses = simulate(
        [*circuits, alone],
        [*(np.array(s) for s in stimuli), np.array([[1e-3, 0.0]] * 2)],
        duration=1.0,
        window=0.1,
        dt=0.1e-3,
        record=[False] * len(excitations) + [True],
        report=report,
    )
    rates = np.array([r.rates["I"][:, 0] for r in responses[:-1]])
    paradox = (rates[:, 1] - rates[:, 0]) / more
    below, above = excitations[1:3]
    critical = below + (above - below) * paradox[1] / (paradox[1] - paradox[2])
    yield Fact("J_EE above which more drive to I lowers its rate", 1.0, critical, 0.005, f"{source}, condition")
    linear = (1 - J_EE) / ((1 - J_EE) * (1 + J_II) + J_EI * J_IE)
    yield Fact(f"dI/di at J_EE = {J_EE}", linear, paradox[-1], 0.01, f"follows from {source}, eqs. 1 and 2")
    trace = responses[-1].traces["E"][0, 0]
    early, late = (round(t / 0.1e-3) for t in (20e-3, 40e-3))
    growth = np.log(trace[late] / trace[early]) / 20e-3
    yield Fact("growth of E without inhibition (1/s)", (J_EE - 1) / TAU[0], growth, 10, f"follows from {source}, eq. 1")
    drive = np.array(DRIVE["spiking"])
    response = simulate(
        circuit(), [drive, drive + np.array([0, 2])], duration=2.2, window=2.0, dt=0.2e-3, seed=[0, 1, 2], report=report
    )
    fall = np.diff(response.rates["I"].mean(axis=(0, 2)))[0]
    yield Fact("more drive to I lowers its rate, spiking (1: yes)", 1, float(fall < 0), 0, source)
