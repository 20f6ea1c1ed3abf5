r"""Stabilised supralinear network: gain control by the inhibition that an expansive f-I curve requires.

Rubin, Van Hooser & Miller, Neuron 85:402-417 (2015); Ahmadian, Rubin & Miller, Neural Comput. 25:1994-2037 (2013):

.. math::
    \tau_E \dot{E} &= -E + k\, [W_{EE} E - W_{EI} I + c_E]_+^n \\
    \tau_I \dot{I} &= -I + k\, [W_{IE} E - W_{II} I + c_I]_+^n

The stimulus is (c_E, c_I), in Hz; a contrast c is a stimulus (c, c). Rates stop at 1000 Hz.

===== ===== ====== ====== ==========================================================
W_EE  1.25  k      0.04   weights: Hennequin et al., Neuron 98:846-860 (2018);
W_EI  0.65  n      2      k, n and time constants: Rubin et al. 2015
W_IE  1.2   tau_E  20 ms
W_II  0.5   tau_I  10 ms
===== ===== ====== ====== ==========================================================

**The parameters are those of two papers**, and no paper has this combination: public code that cites Hennequin et al.
for these weights has k = 0.3 with them. Neither paper was accessible. What is compared are therefore signs, which
follow from n > 1 and from the determinant of the weights, not magnitudes.

=========================================== ========= ===== ==============================================
statement (abstract of Ahmadian et al.)     published ours  what differs
=========================================== ========= ===== ==============================================
weak contrast grows with the power          n = 2     2.02  ours from 0.25 to 0.5 Hz
weak stimuli sum supralinearly              yes       yes   2 and 4 Hz; spiking: 4 and 8 Hz
strong stimuli sum sublinearly              yes       yes   40 and 80 Hz; spiking: 20 and 40 Hz
more drive to I lowers I at strong contrast yes       yes   rate only; the sign is from public accounts
E falls at the highest contrasts            yes       yes   rate only; 120 and 150 Hz
ring of 180 orientations, surround, noise   shown     none  two populations; the spiking version is ours
=========================================== ========= ===== ==============================================

The spiking version is a random network of 240 E and 60 I noise-driven LIF neurons with the same weights.

**Task.** The double of a weak contrast evokes more than twice the rate, and the double of a strong contrast evokes more
than the contrast, but less than twice its rate, without running away. The score is the product of the shares of weak
and of strong contrasts for which this holds, so that silence, a constant answer, a linear one and saturation score 0.

Without inhibition the unit has steady states only up to the contrast :math:`1/(4 k W_{EE})` = 5 Hz (for n = 2), all
of them supralinear, and activity runs away beyond it: the score falls to 0. Inhibition is not needed for the task as
such. Cells without any recurrent synapse perform it, if their refractory period saturates them (`excitatory_only`): the
loss tells of this wiring, in which strong excitation needs inhibition. What no excitatory-only circuit does is the
witness: with more drive to I and no less to E, E falls.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from eisim.analysis.task import Fact, Obstruction, Task
from eisim.base.errors import check_kind, explains_arguments
from eisim.base.seeds import Seed
from eisim.circuit import Circuit
from eisim.models._two_populations import Cells, two_populations
from eisim.neurons import LIF, PowerLaw
from eisim.simulation import Response, simulate
from eisim.synapses import Exponential

FUNCTION = "gain control"
WEIGHTS = ((1.25, 0.65), (1.2, 0.5))
K, EXPONENT = 0.04, 2.0
_RECEPTORS = {"excitation": Exponential(5e-3), "inhibition": Exponential(5e-3)}
CELLS = Cells(
    LIF(tau=20e-3, noise=6e-3, refractory=5e-3, **_RECEPTORS),
    LIF(tau=10e-3, noise=6e-3, **_RECEPTORS),
    volts=1.5e-3,
    bias=(-6e-3, -6e-3),
)
#: Contrasts that are weak and strong for the version, and the excitatory rate beyond which it has run away, in Hz.
WEAK = {"rate": (1.0, 2.0, 4.0), "spiking": (2.0, 2.5)}
STRONG = {"rate": (20.0, 25.0, 30.0, 40.0), "spiking": (10.0, 13.0, 16.0, 20.0)}
SEIZURE = {"rate": 200.0, "spiking": 100.0}


@explains_arguments
def circuit(kind: str = "spiking", *, seed: Seed = 0) -> Circuit:
    """The circuit; stimuli are the drives to E and I in Hz.

    Parameters
    ----------
    kind : {"rate", "spiking"}
    seed : int or Generator
        Fixes the random synapses of the spiking version.
    """
    units = (PowerLaw(20e-3, scale=1 / K, exponent=EXPONENT), PowerLaw(10e-3, scale=1 / K, exponent=EXPONENT))
    return two_populations(
        "stabilised supralinear network", kind, WEIGHTS, units, CELLS, rate=1.0, delay=1e-3, seed=seed
    )


def excitatory_only(kind: str = "spiking", *, seed: Seed = 0) -> Circuit:
    """Excitatory cells alone, without recurrent synapses, which saturate because they are refractory for 10 ms.

    The inputs are those of `circuit`; the one to I has no target. The rate version is one unit.

    Parameters
    ----------
    kind : {"rate", "spiking"}
    seed : int or Generator
        Unused: there are no random synapses.
    """
    check_kind(kind, "supralinear_stabilized_network")
    whole = circuit(kind, seed=seed)
    (cells, _), (drive, *_) = whole.populations, whole.projections
    gain = 3.0 if kind == "rate" else 2.0
    return replace(
        whole,
        name="supralinear cells without inhibition",
        populations=[replace(cells, neuron=replace(cells.neuron, refractory=10e-3))],
        projections=[replace(drive, weights=gain * whole.weights(drive))],
    )


@explains_arguments
def task(kind: str = "spiking", *, quick: bool = False) -> Task:
    """Sum weak stimuli supralinearly and strong ones sublinearly.

    Trials: each weak contrast, then each doubled, the same for the strong ones, then the witness: the first strong
    contrast, and the same with a doubled drive to I alone.
    """
    check_kind(kind, "supralinear_stabilized_network")
    weak, strong = (np.array(c[kind][-1:] if quick else c[kind]) for c in (WEAK, STRONG))
    contrasts = np.repeat(np.concatenate([weak, 2 * weak, strong, 2 * strong])[:, None], 2, axis=1)
    witness = strong[0] * np.array([[1, 1], [1, 2]])
    return Task(
        circuit=partial(_seeded, kind),
        stimuli=np.concatenate([contrasts, witness]),
        score=partial(share_of_both, len(weak), SEIZURE[kind]),
        measure="share of weak stimuli that sum supralinearly × share of strong ones that sum sublinearly",
        obstruction=Obstruction.DECREASING,
        output=excitatory_rate,
        duration=300e-3 if quick else 400e-3,
        window=200e-3 if quick else 300e-3,
        dt=0.5e-3 if kind == "rate" else 0.2e-3,
        constant=0.0,
        excitatory_only=partial(_excitatory_only_seeded, kind),
    )


def _seeded(kind, seed):
    return circuit(kind, seed=seed)


def _excitatory_only_seeded(kind, seed):
    return excitatory_only(kind, seed=seed)


def excitatory_rate(response: Response) -> np.ndarray:
    """Mean excitatory rate of each trial, in Hz."""
    return response.rates["E"].mean(axis=-1)


def share_of_both(n_weak: int, seizure: float, response: Response) -> float:
    """Product of the shares of weak and of strong contrasts whose doubles evoke what they should.

    More than twice the rate for a weak one; for a strong one more than the rate, less than twice it and less than
    `seizure` (Hz). The trials are those of `task`.
    """
    rates = excitatory_rate(response)[:-2]
    weak, strong = (pair.reshape(2, -1) for pair in np.split(rates, [2 * n_weak]))
    supralinear = weak[1] > 2 * weak[0]
    sublinear = (strong[0] < strong[1]) & (strong[1] < 2 * strong[0]) & (strong[1] < seizure)
    return float(supralinear.mean() * sublinear.mean())


def published(report=None) -> Iterator[Fact]:
    """Comparison of this circuit with the papers; one batch of rate and one of spiking circuits."""
    source = "Rubin et al. 2015"
    more = 1.05
    contrasts = [0.25, 0.5, 2.0, 4.0, 40.0, 80.0, 120.0, 150.0]
    drives = [(c, c) for c in contrasts] + [(2.0, 2.0 * more), (40.0, 40.0 * more)]
    times = {"duration": 1.0, "window": 0.2, "dt": 0.1e-3}
    response = simulate(circuit("rate"), drives, report=report, **times)
    e, i = (response.rates[p][:, 0] for p in "EI")
    power = np.log2(e[1] / e[0])
    yield Fact("power of contrast with which weak responses grow", EXPONENT, power, 0.05, f"{source}, n = 2")
    yield Fact("two weak stimuli sum supralinearly (1: yes)", 1, float(e[3] > 2 * e[2]), 0, source)
    yield Fact("two strong stimuli sum sublinearly (1: yes)", 1, float(e[5] < 2 * e[4]), 0, source)
    yield Fact("weak contrast: more drive to I raises I (1: yes)", 1, float(i[8] > i[2]), 0, source)
    yield Fact("strong contrast: more drive to I lowers I (1: yes)", 1, float(i[9] < i[4]), 0, source)
    yield Fact("E falls at the highest contrasts (1: yes)", 1, float(e[7] < e[6]), 0, "Ahmadian et al. 2013")
    drives = [(c, c) for c in (4.0, 8.0, 20.0, 40.0)]
    times = {"duration": 2.2, "window": 2.0, "dt": 0.2e-3}
    spiking = simulate(circuit(), drives, seed=[0, 1, 2], report=report, **times).rates["E"].mean(axis=(0, 2))
    yield Fact("two weak stimuli sum supralinearly, spiking (1: yes)", 1, float(spiking[1] > 2 * spiking[0]), 0, source)
    yield Fact("two strong stimuli sum sublinearly, spiking (1: yes)", 1, float(spiking[3] < 2 * spiking[2]), 0, source)
