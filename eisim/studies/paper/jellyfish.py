r"""A jellyfish without inhibition that has two behaviours, as Wang et al. (2023) describe it in their introduction.

When it feeds, it swims slowly with weak rhythmic contractions; after a strong touch it escapes with strong ones. The
giant motor axons of *Aglantha digitale* conduct two kinds of spikes, slow ones by calcium and fast ones by sodium
(Mackie & Meech, Nature 313:791, 1985). Here two cells have the same two excitatory inputs, a pacemaker and touch:

.. math::
    \tau\dot{v} = E - v + I_e + g\,h\,[v > v_h]\,(E_\mathrm{Ca} - v), \qquad
    \dot{h} = \begin{cases} -h/\tau_- & v > v_h \\ (1 - h)/\tau_+ & \text{else}\end{cases}

The *slow* cell spikes only where its calcium conductance is open, which inactivates where the membrane stays
depolarised (the integrate-and-fire-or-burst neuron of Smith, Cox, Sherman & Rinzel, J. Neurophysiol. 83:588, 2000).
The *fast* cell has no such conductance, and a threshold that the pacemaker alone does not reach. Numbers are chosen for
this model, not measured in a jellyfish.
"""

from dataclasses import dataclass

import numpy as np

from eisim.base.units import Measured
from eisim.circuit import Circuit, Input, Population, Projection, Readout
from eisim.neurons import LIF, Neuron
from eisim.simulation import simulate
from eisim.synapses import Exponential

SLOW, FAST = CELLS = ("slow", "fast")
#: Afferents of each input, staggered, and the rate of each for an input of 1, in Hz.
MANY, RATE = 10, 100.0
SYNAPTIC = 10e-3  # s
#: Mean drive by the pacemaker while it is active and by the strongest touch, in V.
PACEMAKER, TOUCH = 15e-3, 28e-3
#: Frames of a trial: the pacemaker is active in every fourth.
FRAMES, PERIOD = 40, 4
DURATION, WINDOW, STEP = 2.0, 1.8, 0.5e-3  # s
TOUCHES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0)
#: Rate above which a cell makes its muscle contract, in Hz.
CONTRACTS = 1.0
SLOW_CELL = """
dv/dt = (E - v + I_e + g*h*int(v > v_h)*(E_Ca - v))/tau : volt (unless refractory)
dh/dt = int(v_h > v)*(1 - h)/tau_up - inactivates*int(v > v_h)*h/tau_down : 1
dI_e/dt = -I_e/tau_s : volt
"""


def circuit(inactivates: bool = True) -> Circuit:
    """Pacemaker and touch, which both excite the slow and the fast cell."""
    slow = Neuron(
        SLOW_CELL,
        threshold="v > E + reach",
        reset="v = E + 8*mV",
        refractory=Measured(5e-3, "second"),
        excitation="I_e",
        method="euler",
        initial={"v": Measured(-65e-3, "volt"), "h": Measured(1.0, "1")},
        tau=Measured(10e-3, "second"),
        tau_s=Measured(SYNAPTIC, "second"),
        tau_up=Measured(60e-3, "second"),
        tau_down=Measured(20e-3, "second"),
        E=Measured(-65e-3, "volt"),
        E_Ca=Measured(120e-3, "volt"),
        v_h=Measured(-57e-3, "volt"),
        reach=Measured(45e-3, "volt"),
        g=Measured(0.5, "1"),
        inactivates=Measured(float(inactivates), "1"),
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
    )


@dataclass(frozen=True, eq=False)
class Behaviour:
    """Rates of both cells, in Hz, by strength of touch: (touches, cells)."""

    touches: tuple[float, ...]
    rates: np.ndarray  # with inactivation
    without: np.ndarray  # with a conductance that does not inactivate

    @property
    def slow_by_context(self) -> bool:
        """Whether the slow cell contracts its muscle without touch alone, the fast one with strong touch alone."""
        slow, fast = (self.rates > CONTRACTS).T
        return bool(slow[0] and not fast[0] and fast[-1] and not slow[-1])


def measure(backend: str, report) -> Behaviour:
    """Simulate the jellyfish at every strength of touch, with a conductance that inactivates and one that does not."""
    active = np.arange(FRAMES) % PERIOD == 0
    stimuli = np.zeros((len(TOUCHES), FRAMES, 2 * MANY))
    stimuli[..., :MANY] = active[None, :, None]
    stimuli[..., MANY:] = np.array(TOUCHES)[:, None, None]
    how = {"duration": DURATION, "window": WINDOW, "dt": STEP, "backend": backend, "report": report}
    rates, without = (response.readouts for response in simulate([circuit(), circuit(False)], stimuli, **how))
    return Behaviour(TOUCHES, rates, without)
