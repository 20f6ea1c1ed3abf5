"""XOR with one inhibitory neuron: the smallest function that an excitatory-only circuit cannot compute.

Two excitatory coincidence units relay one input each; a third detects both inputs together and drives the inhibitory
neuron, which silences the first two. Without inhibition OR remains (Wang et al., ICCV 2023).
"""

from eisim.base.errors import explains_arguments
from eisim.circuit import Circuit
from eisim.functions import TRUTH_TABLES
from eisim.theory.synthesis import synthesize

FUNCTION = TRUTH_TABLES["xor"]


@explains_arguments
def circuit(kind: str = "spiking") -> Circuit:
    """The circuit, as ``"rate"`` or ``"spiking"`` network."""
    return synthesize(FUNCTION, kind=kind)
