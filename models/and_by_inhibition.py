"""AND by feed-forward inhibition, although an excitatory-only circuit could compute it.

Either input alone would make the readout fire, but the inputs also drive an interneuron whose inhibition a single input
cannot overcome (the motif of Pouille & Scanziani, Science 293:1159, 2001). The interneuron is near saturation with one
input, so with two inputs excitation doubles while inhibition hardly increases. Without inhibition this circuit computes
OR: this circuit loses AND, although an excitatory-only coincidence detector computes it.
"""

from dataclasses import replace

import numpy as np

from eisim.base.errors import check_kind, explains_arguments
from eisim.circuit import Circuit, Input, Population, Projection, Readout
from eisim.functions import TRUTH_TABLES
from eisim.theory.cells import AFFERENT_RATE, CELLS, just_at_threshold

FUNCTION = TRUTH_TABLES["and"]
# In units of the input that just reaches threshold.
TO_READOUT = 2.0
TO_INTERNEURON = 8.0
#: Inhibition of the readout by the interneuron that one input drives, as a share of what one input excites.
BALANCE = 0.75


@explains_arguments
def circuit(kind: str = "spiking") -> Circuit:
    """The circuit, as ``"rate"`` or ``"spiking"`` network."""
    check_kind(kind, "and_by_inhibition")
    cells = CELLS[kind]
    excites = just_at_threshold(cells.neuron, 1)
    threshold_drive = cells.neuron.threshold if kind == "rate" else cells.neuron.rheobase
    interneuron_rate = float(replace(cells.neuron, noise=0.0).activation(TO_INTERNEURON * threshold_drive))
    inhibition = BALANCE * TO_READOUT * AFFERENT_RATE / interneuron_rate * just_at_threshold(cells.neuron, -1)
    return Circuit(
        name="and-by-inhibition",
        inputs=[Input("x", 2, AFFERENT_RATE)],
        populations=[
            Population("interneuron", "I", cells.neuron),
            Population("readout", "E", cells.neuron),
        ],
        projections=[
            Projection("x", "readout", np.full((2, 1), TO_READOUT * excites)),
            Projection("x", "interneuron", np.full((2, 1), TO_INTERNEURON * excites)),
            Projection("interneuron", "readout", inhibition),
        ],
        readouts=[Readout("readout", cells.readout_threshold)],
    )
