r"""Switch behaviour: a jellyfish that swims slowly and escapes after touch, without any inhibitory synapse.

Wang, Powell, Geisa, Bridgeford, Priebe & Vogelstein (ICCV 2023, arXiv:2208.03211) name it in their introduction as an
exception to their theorem: it has excitatory synapses only, and still changes its behaviour with the context. When it
feeds, it swims slowly with weak rhythmic contractions; after a strong touch it escapes with strong ones. The giant
motor axons of *Aglantha digitale* conduct two kinds of spikes, slow ones by calcium and fast ones by sodium (Mackie &
Meech, Nature 313:791, 1985). Here two cells have the same two excitatory inputs, a pacemaker and touch:

.. math::
    \tau\dot{v} = E - v + I_e + g\,h\,[v > v_h]\,(E_\mathrm{Ca} - v), \qquad
    \dot{h} = \begin{cases} -h/\tau_- & v > v_h \\ (1 - h)/\tau_+ & \text{else}\end{cases}

The *slow* cell spikes only where its calcium conductance is open, which inactivates where the membrane stays
depolarised (the integrate-and-fire-or-burst neuron of Smith, Cox, Sherman & Rinzel, J. Neurophysiol. 83:588, 2000).
The *fast* cell, a LIF neuron, has no such conductance, and a threshold that the pacemaker alone does not reach.

================================ ================ ==================================
parameter                        slow cell        fast cell
================================ ================ ==================================
membrane time constant           10 ms            10 ms
rest                             -65 mV           -65 mV
threshold                        -20 mV           -47 mV
conductance g over the leak      0.5              none
opens and inactivates above      -57 mV           none
:math:`\tau_-`, :math:`\tau_+`    20 ms, 60 ms     none
:math:`E_\mathrm{Ca}`            120 mV           none
synapses                         10 ms            10 ms
================================ ================ ==================================

The pacemaker, active for 50 ms in every 200 ms, depolarises both cells by 15 mV while it lasts; the strongest touch by
28 mV all the time. All numbers are chosen for this model, not measured in a jellyfish.

**What happens.** Each beat of the pacemaker finds the calcium conductance recovered, and it carries the slow cell to
its threshold; the fast cell stays below its own. Touch holds both cells above -57 mV: the conductance is inactivated,
and the slow cell is silent, whereas the fast cell fires.

**Which assumption breaks.** The slow cell is silenced by an input that excites it, which no excitatory-only circuit
does under the assumptions of the theorem (T1). The one that breaks is that conductances do not change with the context
(T9): this one depends on the membrane potential and its history. By wiring alone both cells rise with both inputs, as
`eisim.certify` says, which names what it assumes of the slow cell. With ``inactivates=False`` depolarisation opens the
conductance and nothing closes it; the rate of the slow cell then rises with touch. The fast cell breaks no assumption:
a threshold is enough.

``python -m eisim run paper`` shows both behaviours. The circuit has no task, as there is no inhibition to ablate.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from eisim.analysis.task import Fact
from eisim.base.errors import InputError, explains_arguments
from eisim.base.seeds import Seed
from eisim.circuit import Circuit, Input, Population, Projection, Readout
from eisim.neurons import LIF, Neuron
from eisim.simulation import simulate
from eisim.synapses import Exponential

FUNCTION = "switch behaviour"

SLOW, FAST = CELLS = ("slow", "fast")
#: Afferents of each input, staggered, and the rate of each for an input of 1, in Hz.
MANY, RATE = 10, 100.0
SYNAPTIC = 10e-3  # s
#: Mean drive by the pacemaker while it is active and by the strongest touch, in V.
PACEMAKER, TOUCH = 15e-3, 28e-3
#: Frames of a trial: the pacemaker is active in every fourth.
FRAMES, PERIOD = 40, 4
TIMES = {"duration": 2.0, "window": 1.8, "dt": 0.5e-3}
TOUCHES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0)
#: Rate above which a cell makes its muscle contract, in Hz.
CONTRACTS = 1.0
SLOW_CELL = """
dv/dt = (E - v + I_e + g*h*int(v > v_h)*(E_Ca - v))/tau : volt (unless refractory)
dh/dt = int(v_h > v)*(1 - h)/tau_up - inactivates*int(v > v_h)*h/tau_down : 1
dI_e/dt = -I_e/tau_s : volt
"""


@explains_arguments
def circuit(kind: str = "spiking", *, seed: Seed = 0, inactivates: bool = True) -> Circuit:
    """Pacemaker and touch, which both excite the slow and the fast cell.

    Parameters
    ----------
    kind : {"spiking"}
        There is no rate circuit: a rate unit has no membrane potential for a conductance to depend on.
    seed : int or Generator
        Unused: nothing is random.
    inactivates : bool
        Whether the calcium conductance of the slow cell inactivates.
    """
    if kind != "spiking":
        raise InputError(f"jellyfish: kind: expected 'spiking', found {kind!r:.60}")
    from brian2 import ms, mV  # takes seconds, and `eisim list` goes without

    slow = Neuron(
        SLOW_CELL,
        threshold="v > E + reach",
        reset="v = E + 8*mV",
        refractory=5 * ms,
        excitation="I_e",
        method="euler",
        initial={"v": -65 * mV, "h": 1.0},
        tau=10 * ms,
        tau_s=SYNAPTIC * 1e3 * ms,
        tau_up=60 * ms,
        tau_down=20 * ms,
        E=-65 * mV,
        E_Ca=120 * mV,
        v_h=-57 * mV,
        reach=45 * mV,
        g=0.5,
        inactivates=float(inactivates),
    )
    fast = LIF(threshold=-47e-3, excitation=Exponential(SYNAPTIC))
    drives = {"pacemaker": PACEMAKER, "touch": TOUCH}
    return Circuit(
        "jellyfish",
        [Input(name, MANY, RATE) for name in drives],
        [Population(SLOW, "E", slow), Population(FAST, "E", fast)],
        [
            Projection(name, cell, np.full((MANY, 1), drive / (MANY * RATE * SYNAPTIC)))
            for name, drive in drives.items()
            for cell in CELLS
        ],
        [Readout(cell, CONTRACTS) for cell in CELLS],
        seed=seed,
    )


def stimuli(touches: Sequence[float] = TOUCHES) -> np.ndarray:
    """The pacemaker with touch of these strengths, (touches, frames, inputs)."""
    found = np.zeros((len(touches), FRAMES, 2 * MANY))
    found[..., :MANY] = (np.arange(FRAMES) % PERIOD == 0)[:, None]
    found[..., MANY:] = np.array(touches, dtype=float)[:, None, None]
    return found


def published(report=None) -> Iterator[Fact]:
    """Comparison with what Wang et al. say of a jellyfish, and with the theorem."""
    circuits, touches = [circuit(), circuit(inactivates=False)], stimuli((0.0, 1.0))
    found, remedied = (response.readouts for response in simulate(circuits, touches, report=report, **TIMES))
    source = "Wang et al. 2023: swims slowly when it feeds, escapes after a strong touch"
    for k, (touch, expected) in enumerate({"without": (1, 0), "with strong": (0, 1)}.items()):
        for cell, theirs, rate in zip(CELLS, expected, found[k], strict=True):
            yield Fact(f"{cell} cell contracts {touch} touch (1: yes)", theirs, float(rate > CONTRACTS), 0, source)
    rises = float(remedied[1, 0] >= remedied[0, 0])
    yield Fact("slow cell rises with touch without inactivation (1: yes)", 1, rises, 0, "follows from T1")
